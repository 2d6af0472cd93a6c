//! Rewards that staff hand out (C2): to one member, or in a run to everyone who has reached one, tried first or done.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Rejection, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Body, Failure, Key, MemberId, MemberRef, Reader, Time};
use utoipa::ToSchema;

use super::accounts::named;
use super::certificates::{CertificateView, views_of};
use super::redatings::members_of;
use crate::access::Caller;
use crate::app::{App, Request};
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::words::Voice;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCollection {
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Rewards of January", min_length = 1, max_length = 500)]
    note: String,
}

/// What a member was handed out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CollectionView {
    member: String,
    certificates: Vec<CertificateView>,
}

/// Hand out the rewards that a member has reached: as many whole ones as there are points for, at most 100 at once.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/collections", tag = "Certificates", operation_id = "collect",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewCollection,
    security(("key" = ["adjust"])),
    responses((status = 201, description = "The certificates that points became.", body = CollectionView)))]
pub(crate) async fn collect(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewCollection>,
) -> Answer<(StatusCode, Reply<CollectionView>)> {
    let key = key.required(&caller)?;
    let account = named(&app, &member, &program).await?;
    let body = |program, member| Body::Collect { program, member, note: new.note };
    let reply = account.submit(&app, &caller, key, body).await?;
    let voice = account.program()?.voice(app.now())?;
    view(&app, account.member, reply, &voice).await.map(|it| (StatusCode::CREATED, Reply(it)))
}

async fn view(app: &App, member: MemberId, reply: store::Reply, voice: &Voice<'_>) -> Answer<CollectionView> {
    let store::Reply::Certificates { certificates, .. } = reply else { return Err(Problem::internal()) };
    let ledger = store::certificate_ledger(voice.terms.currency);
    let certificates = views_of(app, member, ledger, certificates, app.now()).await?;
    Ok(CollectionView { member: member.to_string(), certificates })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCollectionOfMany {
    /// Ids or identities, 500 at most. Left out: all members, 500 in a request, each page under an Idempotency-Key of its own.
    #[schema(max_items = 500, example = json!(["card:6001234"]))]
    members: Option<Vec<String>>,
    /// Of all members: the `next` of the page before.
    after: Option<String>,
    /// Why: the members read it in their history. 1 to 500 bytes.
    #[schema(example = "Rewards of January", min_length = 1, max_length = 500)]
    note: String,
    /// Only tell who has reached how many: nothing is changed, and no Idempotency-Key is needed.
    #[serde(default)]
    preview: bool,
}

#[derive(Debug, Default, Serialize, ToSchema)]
pub(crate) struct CollectionOfManyView {
    /// How many members have reached a reward.
    members: u64,
    /// How many certificates their points become.
    rewards: u64,
    /// Who was handed out what; empty in a preview.
    data: Vec<CollectionView>,
    /// Send it as `after` for the next page of members; nothing when this is the last one.
    next: Option<String>,
}

/// Hand out the rewards of many members in a run: whoever has reached none is left out. Each member is decided alone: a request that broke off is sent again under its key, and goes on.
#[utoipa::path(post, path = "/v1/programs/{program}/collections", tag = "Certificates", operation_id = "collect_many",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop"), Idempotency),
    request_body = NewCollectionOfMany,
    security(("key" = ["adjust"])),
    responses(
        (status = 201, description = "Handed out.", body = CollectionOfManyView),
        (status = 200, description = "What a preview tells: nothing was handed out.", body = CollectionOfManyView),
    ))]
pub(crate) async fn collect_many(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(program): Path<String>,
    Json(new): Json<NewCollectionOfMany>,
) -> Answer<(StatusCode, Reply<CollectionOfManyView>)> {
    let key = if new.preview { None } else { key.required(&caller)? };
    let catalog = app.catalog().await?;
    let program = catalog.program(&program)?;
    let (now, number) = (app.now(), program.info.number);
    let voice = program.voice(now)?;
    let convert = voice.terms.convert.filter(|it| it.is_collected);
    let convert = convert.ok_or_else(|| Problem::failed(&Failure::Rejected(Rejection::NoRewards), Some(&voice)))?;
    Problem::check_note(&new.note)?;
    let (members, next) = members_of(&app, new.members.as_deref(), new.after.as_deref(), number).await?;
    let mut seen = CollectionOfManyView { next, ..CollectionOfManyView::default() };
    let asked = members.clone();
    let reached = app.read(move |it| {
        let reached = |id: &MemberId| reached(it, *id, (number, now), &convert);
        asked.iter().map(reached).collect::<Result<Vec<u64>, _>>()
    });
    let reached = reached.await?;
    if new.preview {
        seen.members = reached.iter().map(|it| u64::from(0 < *it)).sum();
        seen.rewards = reached.iter().sum();
        return Ok((StatusCode::OK, Reply(seen)));
    }
    // A run that broke off is answered as the first time: whoever was handed out something then has less now.
    let sent = members.iter().map(|member| {
        let key = key.as_ref().map(|it| Key(format!("{}/{member}", it.0)));
        let (name, note) = (program.info.name.clone(), new.note.clone());
        let body = Body::Collect { program: name, member: MemberRef::Id(*member), note };
        Request { key, actor: caller.actor(), time: Time::Live, body }
    });
    for (member, reply) in members.iter().zip(app.submit_all(sent.collect::<Vec<_>>()).await) {
        let reply = match reply {
            Ok(reply) => reply,
            Err(Failure::Rejected(Rejection::InsufficientPoints { .. } | Rejection::AccountClosed)) => continue,
            Err(failure) => return Err(Problem::failed(&failure, Some(&voice))),
        };
        let view = view(&app, *member, reply, &voice).await?;
        seen.members += 1;
        seen.rewards += u64::try_from(view.certificates.len()).unwrap_or(u64::MAX);
        seen.data.push(view);
    }
    Ok((StatusCode::CREATED, Reply(seen)))
}

/// How many rewards a member has reached.
fn reached(
    reader: &Reader,
    member: MemberId,
    (program, now): (u32, Timestamp),
    convert: &engine::Convert,
) -> Result<u64, store::StoreError> {
    let standing = reader.standing(member, program, now, 0)?;
    let is_open = standing.closed.is_none();
    Ok(if is_open { u64::try_from(convert.reached(standing.balance.available)).unwrap_or(0) } else { 0 })
}
