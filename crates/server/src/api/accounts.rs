//! Accounts: a member's points in one program. Balance, what expires when, lots, orders, entries with their reasons, and
//! adjustments by hand.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Adjustment, Entry, EntryNo, Lot, OrderNo, Points, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Background, Body, Key, MemberId, MemberRef, Reader, Standing, StoreError, Time};
use utoipa::{IntoParams, ToSchema};

use super::members::{find, member_ref};
use super::orders::{OrderView, view};
use super::worth::worth_of;
use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::{Catalog, Program};
use crate::extract::{Idempotency, Json, Params, Path};
use crate::problem::{Answer, Problem};
use crate::wire::account::{WireBalance, WireRewards};
use crate::wire::entry::{Told, WireClosed, WireEntry};
use crate::wire::ids::{Owned, OwnedId};
use crate::wire::order::instant;
use crate::wire::page::{Page, Paging};
use crate::wire::tier::WireProgress;
use crate::wire::{last_day, time};
use crate::words::entry_in_words;

/// A member's points in one program.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AccountView {
    member: String,
    /// The id of the program.
    program: String,
    #[schema(example = "USD")]
    currency: String,
    /// The instant of the balance.
    #[schema(format = DateTime)]
    at: String,
    balance: WireBalance,
    /// Since when the account is closed, and until when its points are kept; left out while it is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<WireClosed>,
    /// The member's tier and what is missing to the next; left out where the program has none, and for instants in the past.
    #[serde(skip_serializing_if = "Option::is_none")]
    tiers: Option<WireProgress>,
    /// Certificates that points become, and how far the member is; left out where the program has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    rewards: Option<WireRewards>,
    /// The coming expiry, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_expiry: Option<ExpiryView>,
}

/// Points that expire together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ExpiryView {
    points: i64,
    /// The last day on which they can be spent, in the program's time zone.
    #[schema(format = Date, example = "2027-03-01")]
    last_day: String,
    /// The first instant at which they are gone.
    #[schema(format = DateTime)]
    expires_at: String,
}

/// List the accounts of a member: one for each program in which something has happened.
#[utoipa::path(get, path = "/v1/members/{member}/accounts", tag = "Accounts", operation_id = "list_accounts",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    security(("key" = ["read"])),
    responses((status = 200, description = "All accounts.", body = Page<AccountView>)))]
pub(crate) async fn list_accounts(
    State(app): State<App>,
    _: Caller,
    Path(member): Path<String>,
) -> Answer<Reply<Page<AccountView>>> {
    let member = find(&app, &member).await?.id;
    let (catalog, now) = (app.catalog().await?, app.now());
    let standings = app
        .read(move |reader| {
            let programs = reader.accounts(member)?;
            programs.into_iter().map(|it| Ok((it, reader.standing(member, it, now, 1)?))).collect::<Result<Vec<_>, _>>()
        })
        .await?;
    let views = standings.iter().filter_map(|(number, it)| {
        let program = catalog.program_numbered(*number)?;
        Some(account(member, program, it, now))
    });
    Ok(Reply(Page::whole(views.collect::<Answer<_>>()?)))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct At {
    /// The balance at another instant, in the past as well; left out: now.
    #[param(format = DateTime)]
    at: Option<String>,
}

/// Look an account up: the balance, exact at the instant.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}", tag = "Accounts", operation_id = "get_account",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        At,
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "The account; a member without one has a balance of zero.", body = AccountView)))]
pub(crate) async fn get_account(
    State(app): State<App>,
    _: Caller,
    Path((member, program)): Path<(String, String)>,
    Params(asked): Params<At>,
) -> Answer<Reply<AccountView>> {
    let named = named(&app, &member, &program).await?;
    let (program, member, number) = (named.program()?, named.member, named.number);
    let Some(at) = &asked.at else {
        let now = app.now();
        let standing = app.read(move |reader| reader.standing(member, number, now, 1)).await?;
        return account(member, program, &standing, now).map(Reply);
    };
    let at = instant(at).map_err(|(what, allowed)| Problem::invalid("at", what, allowed))?;
    let balance = app.read(move |reader| reader.balance(member, number, at)).await?;
    account(member, program, &Standing { balance, ..Standing::default() }, at).map(Reply)
}

/// List the coming expiries of an account: every day on which points go, soonest first.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}/expiries", tag = "Accounts", operation_id = "list_expiries",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "All coming expiries; points that never expire are not among them.", body = Page<ExpiryView>)))]
pub(crate) async fn list_expiries(
    State(app): State<App>,
    _: Caller,
    Path((member, program)): Path<(String, String)>,
) -> Answer<Reply<Page<ExpiryView>>> {
    let named = named(&app, &member, &program).await?;
    let (program, member, number) = (named.program()?, named.member, named.number);
    let now = app.now();
    let standing = app.read(move |reader| reader.standing(member, number, now, 1)).await?;
    let views = standing.expiries.iter().filter_map(|it| expiry(program, *it, now).transpose());
    Ok(Reply(Page::whole(views.collect::<Answer<_>>()?)))
}

/// Points granted together.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LotView {
    id: String,
    number: u64,
    /// The id of the order whose own lot it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    available: i64,
    pending: i64,
    held: i64,
    #[schema(format = DateTime)]
    earned_at: String,
    #[schema(format = DateTime)]
    available_at: String,
    /// Left out when they never expire.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// The last day on which they can be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date)]
    last_day: Option<String>,
}

/// List the lots of an account that are not empty, in the order in which they are spent; 200 at most.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}/lots", tag = "Accounts", operation_id = "list_lots",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "The next lots to be spent, and those that wait.", body = Page<LotView>)))]
pub(crate) async fn list_lots(
    State(app): State<App>,
    _: Caller,
    Path((member, program)): Path<(String, String)>,
) -> Answer<Reply<Page<LotView>>> {
    let named = named(&app, &member, &program).await?;
    let (program, member, number) = (named.program()?, named.member, named.number);
    let now = app.now();
    let standing = app.read(move |reader| reader.standing(member, number, now, 200)).await?;
    let views = standing.lots.iter().map(|it| lot(member, program, it, now));
    Ok(Reply(Page::whole(views.collect::<Answer<_>>()?)))
}

/// Points reserved for a checkout.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ActiveHoldView {
    id: String,
    points: i64,
    #[schema(format = DateTime)]
    lapses_at: String,
}

/// List the active holds of an account.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}/holds", tag = "Accounts", operation_id = "list_holds",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "All active holds.", body = Page<ActiveHoldView>)))]
pub(crate) async fn list_holds(
    State(app): State<App>,
    _: Caller,
    Path((member, program)): Path<(String, String)>,
) -> Answer<Reply<Page<ActiveHoldView>>> {
    let Named { member, number, .. } = named(&app, &member, &program).await?;
    let now = app.now();
    let standing = app.read(move |reader| reader.standing(member, number, now, 1)).await?;
    let views = standing.holds.iter().map(|it| ActiveHoldView {
        id: OwnedId { kind: Owned::Hold, member, program: number, number: it.no.0 }.to_string(),
        points: it.points.get(),
        lapses_at: it.lapses_at.to_string(),
    });
    Ok(Reply(Page::whole(views.collect())))
}

/// List the orders of an account, in the order in which they were first recorded.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}/orders", tag = "Accounts", operation_id = "list_orders",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Paging,
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of orders.", body = Page<OrderView>)))]
pub(crate) async fn list_orders(
    State(app): State<App>,
    _: Caller,
    Path((member, program)): Path<(String, String)>,
    Params(paging): Params<Paging>,
) -> Answer<Reply<Page<OrderView>>> {
    let Named { catalog, member, number, .. } = named(&app, &member, &program).await?;
    let (limit, after) = (paging.limit()?, OrderNo(paging.cursor()?.unwrap_or(0)));
    let found = app.read(move |reader| reader.orders(member, number, after, limit + 1)).await?;
    let views = found.iter().map(|it| view(&catalog, it)).collect::<Answer<Vec<_>>>()?;
    Ok(Reply(Page::of(views, limit, |it| it.number.to_string())))
}

/// Which entries, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Listing {
    /// How many: 1 to 200; left out: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
    /// Left out: `oldest`.
    #[param(inline)]
    first: Option<First>,
}

/// Which end of the history comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum First {
    Oldest,
    Newest,
}

/// List the entries of an account: every fact in the order of the ledger, with its reason in codes, numbers and words.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}/entries", tag = "Accounts", operation_id = "list_entries",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Listing,
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of entries.", body = Page<WireEntry>)))]
pub(crate) async fn list_entries(
    State(app): State<App>,
    _: Caller,
    Path((member, program)): Path<(String, String)>,
    Params(listing): Params<Listing>,
) -> Answer<Reply<Page<WireEntry>>> {
    let named = named(&app, &member, &program).await?;
    let (program, member, number) = (named.program()?, named.member, named.number);
    let Listing { limit, after, first } = listing;
    let paging = Paging { limit, after };
    let (limit, after) = (paging.limit()?, paging.cursor()?.map(EntryNo));
    let read = move |reader: &Reader| -> Result<(Vec<Entry>, Background), StoreError> {
        let entries = match first {
            Some(First::Newest) => reader.entries_before(member, number, after, limit + 1),
            Some(First::Oldest) | None => reader.entries(member, number, after.unwrap_or(EntryNo(0)), limit + 1),
        }?;
        let background = reader.background(member, number, &entries)?;
        Ok((entries, background))
    };
    let (entries, background) = app.read(read).await?;
    let views = entries.iter().map(|it| entry(member, program, it, &background)).collect::<Answer<Vec<_>>>()?;
    Ok(Reply(Page::of(views, limit, |it| it.number.to_string())))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewAdjustment {
    /// Above zero adds, below zero deducts.
    #[schema(minimum = -1_000_000_000_000_i64, maximum = 1_000_000_000_000_i64, example = 100)]
    points: i64,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Sorry for the late parcel", min_length = 1, max_length = 500)]
    note: String,
    /// When added points expire: left out, as the program says.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// A name of your own for this adjustment: under it, it happens once, for ever.
    #[schema(example = "ticket-4711", min_length = 1, max_length = 120)]
    reference: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AdjustmentView {
    /// The id of the entry.
    pub(crate) entry: String,
    pub(crate) balance: WireBalance,
}

/// Add or deduct points by hand.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/adjustments", tag = "Accounts", operation_id = "adjust",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewAdjustment,
    security(("key" = ["adjust"])),
    responses((status = 201, description = "Adjusted.", body = AdjustmentView)))]
pub(crate) async fn adjust(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewAdjustment>,
) -> Answer<(StatusCode, Reply<AdjustmentView>)> {
    let key = key.required(&caller)?;
    let account = named(&app, &member, &program).await?;
    let expires_at = new.expires_at.as_deref().map(instant).transpose();
    let expires_at = expires_at.map_err(|(what, allowed)| Problem::invalid("expires_at", what, allowed))?;
    let adjustment = Adjustment { points: Points::new(new.points), note: new.note, expires_at };
    let reference = new.reference;
    let body = |program, member| Body::Adjust { program, member, adjustment, reference };
    account.adjust(&app, &caller, key, body).await
}

/// An account as addresses name it.
pub(super) struct Named {
    pub(super) catalog: std::sync::Arc<Catalog>,
    pub(super) member: MemberId,
    /// As it was named: what is new belongs to the identity that was.
    pub(super) sent: MemberRef,
    /// Of the program.
    pub(super) number: u32,
}

impl Named {
    pub(super) fn program(&self) -> Answer<&Program> {
        let found = self.catalog.program_numbered(self.number);
        found.map(AsRef::as_ref).ok_or_else(Problem::internal)
    }

    /// Has the caller's command on this account carried out.
    pub(super) async fn submit(
        &self,
        app: &App,
        caller: &Caller,
        key: Option<Key>,
        body: impl FnOnce(String, MemberRef) -> Body,
    ) -> Answer<store::Reply> {
        let program = self.program()?;
        let voice = program.voice(app.now())?;
        let body = body(program.info.name.clone(), self.sent.clone());
        let request = Request { key, actor: caller.actor(), time: Time::Live, body };
        app.submit_for(request, Some(&voice)).await
    }

    /// The same of a command that is answered with its entry.
    pub(super) async fn adjust(
        &self,
        app: &App,
        caller: &Caller,
        key: Option<Key>,
        body: impl FnOnce(String, MemberRef) -> Body,
    ) -> Answer<(StatusCode, Reply<AdjustmentView>)> {
        let reply = self.submit(app, caller, key, body).await?;
        let store::Reply::Adjusted { entry, balance } = reply else { return Err(Problem::internal()) };
        let balance = WireBalance::of(&balance, worth_of(app, self.program()?, self.member).await?);
        Ok((StatusCode::CREATED, Reply(AdjustmentView { entry: self.entry(entry), balance })))
    }

    /// The id of an entry.
    pub(super) fn entry(&self, no: EntryNo) -> String {
        OwnedId { kind: Owned::Entry, member: self.member, program: self.number, number: no.0 }.to_string()
    }
}

pub(super) async fn named(app: &App, member: &str, program: &str) -> Answer<Named> {
    let catalog = app.catalog().await?;
    let number = catalog.program(program)?.info.number;
    let sent = member_ref(member)?;
    let member = find(app, member).await?.id;
    Ok(Named { catalog, member, sent, number })
}

pub(crate) fn account(member: MemberId, program: &Program, standing: &Standing, at: Timestamp) -> Answer<AccountView> {
    let terms = program.terms(at)?;
    let progress = standing.progress.as_ref();
    let next = standing.expiries.first().copied();
    Ok(AccountView {
        member: member.to_string(),
        program: program.info.id.to_string(),
        currency: terms.currency.code().to_owned(),
        at: at.to_string(),
        // Points are worth what the member's tier says.
        balance: WireBalance::of(&standing.balance, terms.under(progress.map_or(0, |it| it.rank))),
        closed: standing.closed.as_ref().map(WireClosed::of),
        tiers: progress.zip(terms.tiers.as_deref()).map(|(it, tiers)| WireProgress::of(it, tiers, terms)),
        rewards: WireRewards::of(&standing.balance, terms),
        next_expiry: next.map(|it| expiry(program, it, at)).transpose()?.flatten(),
    })
}

fn expiry(program: &Program, (at, points): (Timestamp, Points), now: Timestamp) -> Answer<Option<ExpiryView>> {
    let zone = &program.terms(now)?.zone;
    let view = |last_day| ExpiryView { points: points.get(), last_day, expires_at: at.to_string() };
    Ok(last_day(at, zone).map(view))
}

pub(crate) fn lot(member: MemberId, program: &Program, it: &Lot, now: Timestamp) -> Answer<LotView> {
    let id = |kind, number| OwnedId { kind, member, program: program.info.number, number }.to_string();
    Ok(LotView {
        id: id(Owned::Lot, it.at.no.0),
        number: it.at.no.0,
        order: it.order.map(|it| id(Owned::Order, it.0)),
        available: it.available.get(),
        pending: it.pending.get(),
        held: it.held.get(),
        earned_at: it.at.earned_at.to_string(),
        available_at: it.at.available_at.to_string(),
        expires_at: time(it.at.expires_at),
        last_day: last_day(it.at.expires_at, &program.terms(now)?.zone),
    })
}

/// An entry with its reason in words.
pub(crate) fn entry(member: MemberId, program: &Program, it: &Entry, background: &Background) -> Answer<WireEntry> {
    let voice = program.voice(it.at)?;
    let order = it.order.and_then(|it| background.references.get(&it)).map(String::as_str);
    let lots = |no| background.lots.get(&no).copied();
    let text = entry_in_words(it, order, &lots, &voice);
    let told = Told {
        member,
        program: program.info.number,
        exponent: voice.terms.currency.exponent,
        day: voice.terms.zone.date_of(it.at).to_string(),
        reference: order.map(str::to_owned),
        channel: it.order.and_then(|it| background.channels.get(&it)).cloned(),
        text,
    };
    Ok(WireEntry::of(it, &lots, told))
}
