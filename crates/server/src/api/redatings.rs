//! Moving the dates of points earned earlier (X4): of one member or of many, tried first or done.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{LotNo, Moment, Points, Redating, Rejection, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Body, Key, MemberId, MemberRef, Reader, StoreError, Time};
use utoipa::ToSchema;

use super::accounts::named;
use super::acts::time_of;
use super::members::member_ref;
use super::worth::worth_of;
use crate::access::Caller;
use crate::app::{App, Request};
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::account::WireBalance;

/// Members that one request moves the dates of.
const MEMBERS_MAX: usize = 500;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRedating {
    /// The number of the lot whose points are moved; left out, all points that are in the account.
    #[schema(minimum = 1, example = 1)]
    lot: Option<u64>,
    /// Only points that would be gone by this instant; left out, whenever they would be.
    #[schema(format = DateTime, example = "2026-12-31T23:00:00Z")]
    expiring_by: Option<String>,
    /// The first instant at which they are gone; left out, they never expire.
    #[schema(format = DateTime, example = "2027-12-31T23:00:00Z")]
    expires_at: Option<String>,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "The shop was closed for a month", min_length = 1, max_length = 500)]
    note: String,
    /// Only tell what it would come to: nothing is changed, and no Idempotency-Key is needed.
    #[serde(default)]
    preview: bool,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RedatingView {
    /// How many lots have another date now.
    lots: u64,
    /// The points in them.
    points: i64,
    balance: WireBalance,
}

/// Move the dates of points earned earlier, forward or back, but never into the past; what has expired stays so.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/redatings", tag = "Accounts", operation_id = "redate",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewRedating,
    security(("key" = ["adjust"])),
    responses(
        (status = 201, description = "Moved.", body = RedatingView),
        (status = 200, description = "What a preview tells: nothing was moved.", body = RedatingView),
    ))]
pub(crate) async fn redate(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewRedating>,
) -> Answer<(StatusCode, Reply<RedatingView>)> {
    let redating = read(new.lot, new.expiring_by.as_deref(), new.expires_at.as_deref(), new.note)?;
    let key = if new.preview { None } else { key.required(&caller)? };
    let named = named(&app, &member, &program).await?;
    let (program, member, number) = (named.program()?, named.member, named.number);
    let now = app.now();
    let voice = program.voice(now)?;
    let worth = worth_of(&app, program, member).await?;
    let view = |lots, points: Points, balance| {
        Reply(RedatingView { lots, points: points.get(), balance: WireBalance::of(balance, worth) })
    };
    if new.preview {
        let moment = Moment { now, actor: caller.actor(), import: false };
        let tried = app.ask(move |it| {
            let tried = it.redating(member, number, &redating, moment)?;
            Ok((tried, it.balance(member, number, now)?))
        });
        let ((lots, points), balance) = tried.await?.map_err(|it| Problem::failed(&it, Some(&voice)))?;
        return Ok((StatusCode::OK, view(lots, points, &balance)));
    }
    let body = |program, member| Body::Redate { program, member, redating };
    let reply = named.submit(&app, &caller, key, body).await?;
    let store::Reply::Redated { lots, points, balance } = reply else { return Err(Problem::internal()) };
    Ok((StatusCode::CREATED, view(lots, points, &balance)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRedatingOfMany {
    /// Ids or identities, 500 at most. Left out: all members, 500 in a request, each page under an Idempotency-Key of its own.
    #[schema(max_items = 500, example = json!(["card:6001234"]))]
    members: Option<Vec<String>>,
    /// Of all members: the `next` of the page before.
    after: Option<String>,
    /// Only points that would be gone by this instant; left out, whenever they would be.
    #[schema(format = DateTime, example = "2026-12-31T23:00:00Z")]
    expiring_by: Option<String>,
    /// The first instant at which they are gone; left out, they never expire.
    #[schema(format = DateTime, example = "2027-12-31T23:00:00Z")]
    expires_at: Option<String>,
    /// Why: the members read it in their history. 1 to 500 bytes.
    #[schema(example = "The shop was closed for a month", min_length = 1, max_length = 500)]
    note: String,
    /// Only tell what it would come to: nothing is changed, and no Idempotency-Key is needed.
    #[serde(default)]
    preview: bool,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct RedatingOfManyView {
    /// How many members have points with another date now.
    members: u64,
    lots: u64,
    points: i64,
    /// Send it as `after` for the next page of members; nothing when this is the last one.
    next: Option<String>,
}

/// Move the dates of points of many members, forward or back. Each member is decided alone: a request that broke off is sent again under its key, and goes on.
#[utoipa::path(post, path = "/v1/programs/{program}/redatings", tag = "Programs", operation_id = "redate_many",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop"), Idempotency),
    request_body = NewRedatingOfMany,
    security(("key" = ["adjust"])),
    responses(
        (status = 201, description = "Moved.", body = RedatingOfManyView),
        (status = 200, description = "What a preview tells: nothing was moved.", body = RedatingOfManyView),
    ))]
pub(crate) async fn redate_many(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(program): Path<String>,
    Json(new): Json<NewRedatingOfMany>,
) -> Answer<(StatusCode, Reply<RedatingOfManyView>)> {
    let redating = read(None, new.expiring_by.as_deref(), new.expires_at.as_deref(), new.note)?;
    let key = if new.preview { None } else { key.required(&caller)? };
    let catalog = app.catalog().await?;
    let program = catalog.program(&program)?;
    let (now, number) = (app.now(), program.info.number);
    let voice = program.voice(now)?;
    let (members, next) = members_of(&app, new.members.as_deref(), new.after.as_deref(), number).await?;
    let mut view = RedatingOfManyView { next, ..RedatingOfManyView::default() };
    let moment = Moment { now, actor: caller.actor(), import: false };
    if new.preview {
        let tried = app.ask(move |it| members.iter().map(|id| it.redating(*id, number, &redating, moment)).collect());
        let tried: Vec<(u64, Points)> = tried.await?.map_err(|it| Problem::failed(&it, Some(&voice)))?;
        tried.into_iter().for_each(|(lots, points)| view.add(lots, points));
        return Ok((StatusCode::OK, Reply(view)));
    }
    // Where the rules refuse, they refuse before anything is moved: of no member at all the words are the same.
    let (asked, nobody) = (redating.clone(), MemberId::derived(now, &[]));
    let checked = app.ask(move |it| it.redating(nobody, number, &asked, moment)).await?;
    checked.map_err(|it| Problem::failed(&it, Some(&voice)))?;
    let sent = members.into_iter().map(|member| {
        let key = key.as_ref().map(|it| Key(format!("{}/{member}", it.0)));
        let (member, redating) = (MemberRef::Id(member), redating.clone());
        let body = Body::Redate { program: program.info.name.clone(), member, redating };
        Request { key, actor: caller.actor(), time: Time::Live, body }
    });
    for reply in app.submit_all(sent).await {
        let reply = reply.map_err(|it| Problem::failed(&it, Some(&voice)))?;
        let store::Reply::Redated { lots, points, .. } = reply else { return Err(Problem::internal()) };
        view.add(lots, points);
    }
    Ok((StatusCode::CREATED, Reply(view)))
}

impl RedatingOfManyView {
    fn add(&mut self, lots: u64, points: Points) {
        self.members += u64::from(0 < lots);
        self.lots += lots;
        self.points += points.get();
    }
}

fn read(lot: Option<u64>, expiring_by: Option<&str>, expires_at: Option<&str>, note: String) -> Answer<Redating> {
    let expiring_by = time_of("expiring_by", expiring_by)?;
    let expires_at = time_of("expires_at", expires_at)?.unwrap_or(Timestamp::NEVER);
    Ok(Redating { lot: lot.map(LotNo), expiring_by, expires_at, note })
}

/// Those who are named, or the next page of all; of them, who has an account. Then where the page after it begins.
pub(super) async fn members_of(
    app: &App,
    named: Option<&[String]>,
    after: Option<&str>,
    program: u32,
) -> Answer<(Vec<MemberId>, Option<String>)> {
    if let Some(named) = named {
        if after.is_some() {
            return Err(Problem::invalid("after", "these members are all on one page", "no such key beside members"));
        }
        if named.is_empty() || MEMBERS_MAX < named.len() {
            let what = format!("{} members cannot stand here", named.len());
            return Err(Problem::invalid("members", what, format!("1 to {MEMBERS_MAX}")));
        }
        let named = named.iter().map(|it| member_ref(it)).collect::<Answer<Vec<_>>>()?;
        let found = app.read(move |it| named.iter().map(|named| it.find(named)).collect::<Result<Vec<_>, _>>()).await?;
        let unknown = found.iter().position(Option::is_none);
        if let Some(index) = unknown {
            let path = format!("members[{index}]");
            return Err(Problem::invalid(path, Rejection::UnknownMember.to_string(), "members that are signed up"));
        }
        let mut ids: Vec<MemberId> = found.into_iter().flatten().collect();
        ids.sort_unstable();
        ids.dedup();
        return Ok((ids, None));
    }
    let no_cursor = |_| Problem::invalid("after", "that is no cursor", "the next of the page before");
    let after: Option<MemberId> = after.map(str::parse).transpose().map_err(no_cursor)?;
    app.read(move |it| page_of(it, after, program)).await
}

fn page_of(
    reader: &Reader,
    after: Option<MemberId>,
    program: u32,
) -> Result<(Vec<MemberId>, Option<String>), StoreError> {
    let page = reader.members(after, MEMBERS_MAX)?;
    let next = page.last().filter(|_| page.len() == MEMBERS_MAX).map(|it| it.id.to_string());
    let mut ids = Vec::new();
    for member in page {
        if reader.accounts(member.id)?.contains(&program) {
            ids.push(member.id);
        }
    }
    Ok((ids, next))
}
