//! Orders: `PUT` the order as it is now, as often as it changes; the answer says what it earned, spent, let go, and why.

use std::sync::Arc;

use axum::Json as Reply;
use axum::extract::State;
use engine::{Actor, HoldNo, Order, Placed as _, Rejection, Returned, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Body, Failure, MemberId, MemberRef, OrderInfo, OrderName, Scopes, Time};
use utoipa::ToSchema;

use super::certificates::{certificate_id, certificate_refs};
use super::members::member_ref;
use super::worth::worth_of;
use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::{Catalog, Channel};
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::account::{WireOutcome, status_name};
use crate::wire::entry::WireCertificatePart;
use crate::wire::ids::{Owned, OwnedId};
use crate::wire::order::{OrderDocument, Reading, WireReturn, hold_no, instant};

/// What became of a document, and where its order stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderAnswer {
    /// `recorded`; `retry` when it had been recorded before; `stale` when it is older than what is recorded.
    #[schema(example = "recorded")]
    status: &'static str,
    /// The id of the order; left out while it has no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Whose order it is; null while nobody has claimed it.
    member: Option<String>,
    #[schema(example = "web")]
    channel: String,
    #[schema(example = "A17")]
    reference: String,
    #[serde(flatten)]
    outcome: WireOutcome,
}

/// Record an order as it is now.
///
/// Send it when it is placed, and again whenever it is paid, fulfilled, edited, refunded or cancelled. Sending it twice
/// changes nothing, so whoever gets no answer sends it again.
///
/// Without `member` it is kept and earns nothing, until a document or staff name one in time.
#[utoipa::path(put, path = "/v1/channels/{channel}/orders/{reference}", tag = "Orders", operation_id = "put_order",
    params(
        ("channel" = String, Path, description = "The channel's name or id.", example = "web"),
        ("reference" = String, Path, description = "The channel's own name for the order: 1 to 120 bytes.", example = "A17"),
    ),
    request_body = OrderDocument,
    security(("key" = ["orders"])),
    responses((status = 200, description = "Recorded, or known already.", body = OrderAnswer)))]
pub(crate) async fn put_order(
    State(app): State<App>,
    caller: Caller,
    Path((channel, reference)): Path<(String, String)>,
    Json(order): Json<OrderDocument>,
) -> Answer<Reply<OrderAnswer>> {
    let catalog = app.catalog().await?;
    let channel = catalog.channel(&channel)?;
    let now = app.now();
    let (time, actor) = time_of(order.at.as_deref(), &caller, channel)?;
    let member = order.member.as_deref().map(member_ref).transpose()?;
    let mut document = read(&order, Some(&reference), channel, now)?;
    only_own_hold(&app, &order, member.as_ref(), channel, &reference, &mut document).await?;
    let document = Arc::new(document);
    let certificates = certificate_refs(&app, order.certificates.as_ref())?;
    let name = channel.info.name.clone();
    let body = Body::PutOrder { channel: name, member, reference: reference.clone(), document, certificates };
    let is_named = order.member.is_some();
    let reply = app.submit(Request { key: None, actor, time, body }).await;
    // Only where the program keeps no orders without a member.
    let nobody = !is_named && reply == Err(Failure::Rejected(Rejection::UnknownMember));
    answer_to(&app, reply, channel, reference).await.map(Reply).map_err(|mut problem| {
        if nobody {
            problem.explain("The first document of an order must name its member.");
        }
        problem
    })
}

/// Where the order of that reference in that channel stands, or why not.
pub(crate) async fn answer_to(
    app: &App,
    reply: Result<store::Reply, Failure>,
    channel: &Channel,
    reference: String,
) -> Answer<OrderAnswer> {
    let voice = channel.program.voice(app.now())?;
    let reply = reply.map_err(|it| Problem::failed(&it, Some(&voice)))?;
    let store::Reply::Order { member, order, answer } = reply else { return Err(Problem::internal()) };
    let voice = channel.program.voice_of(answer.earned.version).unwrap_or(voice);
    let worth = match member {
        Some(member) => worth_of(app, &channel.program, member).await?,
        None => voice.terms,
    };
    Ok(OrderAnswer {
        status: status_name(answer.status),
        id: member.map(|it| order_id(it, channel, order.0)),
        member: member.map(|it| it.to_string()),
        channel: channel.info.name.clone(),
        outcome: WireOutcome::of(&answer, Some(&reference), &voice, worth),
        reference,
    })
}

/// An order as it is recorded.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OrderView {
    /// Left out while it has no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) id: Option<String>,
    /// Within its account, from 1 without gaps; 0 while it has no member.
    pub(crate) number: u64,
    /// Null while nobody has claimed it.
    pub(crate) member: Option<String>,
    pub(crate) channel: String,
    pub(crate) reference: String,
    /// What it has earned.
    pub(crate) earned: i64,
    /// Points that pay part of it.
    pub(crate) redeemed: i64,
    /// Store credit that pays part of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credit: Option<String>,
    /// What certificates pay of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) certificates: Vec<WireCertificatePart>,
    /// Of its take-backs: what is or was owed.
    pub(crate) owed: i64,
    /// Of its take-backs: what a policy did not collect.
    pub(crate) let_go: i64,
    /// The version of the program whose terms it was placed under.
    pub(crate) program_version: u32,
    /// It is no order but a return that names none: the lines of its document came back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_return: bool,
    /// Its returns that are documents of their own, beside what the last document says.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) returned: Vec<OwnReturnView>,
    /// The last document.
    pub(crate) document: OrderDocument,
}

/// A return of the order that is a document of its own.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OwnReturnView {
    /// The channel that took it.
    channel: String,
    reference: String,
    #[schema(format = DateTime)]
    returned_at: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    returns: Vec<WireReturn>,
    refunded: String,
}

impl OwnReturnView {
    fn of(it: &Returned, catalog: &Catalog, exponent: u8) -> Self {
        Self {
            channel: catalog.channel_numbered(it.channel).map_or_else(String::new, |it| it.info.name.clone()),
            reference: it.reference.clone(),
            returned_at: it.returned_at.to_string(),
            returns: it.lines.iter().map(|it| WireReturn::of(it, exponent)).collect(),
            refunded: it.refunded.to_text(exponent),
        }
    }
}

/// Look an order up.
#[utoipa::path(get, path = "/v1/channels/{channel}/orders/{reference}", tag = "Orders", operation_id = "get_order",
    params(
        ("channel" = String, Path, description = "The channel's name or id.", example = "web"),
        ("reference" = String, Path, description = "The channel's own name for the order.", example = "A17"),
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "The order.", body = OrderView)))]
pub(crate) async fn get_order(
    State(app): State<App>,
    _: Caller,
    Path((channel, reference)): Path<(String, String)>,
) -> Answer<Reply<OrderView>> {
    let catalog = app.catalog().await?;
    let name = catalog.channel(&channel)?.info.name.clone();
    let found = app.read(move |reader| reader.order(&name, &reference)).await?;
    let found = found.ok_or_else(|| Problem::not_found("unknown_order", "There is no order of that reference."))?;
    view(&catalog, &found).map(Reply)
}

pub(crate) fn view(catalog: &Catalog, it: &OrderInfo) -> Answer<OrderView> {
    let channel = catalog.channel(&it.channel)?;
    let Order { no, pinned, posted, .. } = &it.order;
    let voice = channel.program.voice_of(pinned.version).ok_or_else(Problem::internal)?;
    let program = channel.program.info.number;
    let hold = it.document.hold;
    let id = |kind, number| it.member.map(|member| OwnedId { kind, member, program, number }.to_string());
    let hold = hold.and_then(|it| id(Owned::Hold, it.0));
    let exponent = voice.terms.currency.exponent;
    let mut recorded = OrderDocument::of(&it.document, exponent, it.member.map(|it| it.to_string()), hold);
    let numbers = it.member.zip(it.document.certificates.as_ref());
    let id_of = |(member, numbers): (MemberId, &Vec<engine::LotNo>)| {
        numbers.iter().map(|no| certificate_id(member, voice.terms.currency, *no)).collect()
    };
    recorded.certificates = numbers.map(id_of);
    Ok(OrderView {
        id: id(Owned::Order, no.0),
        number: no.0,
        member: it.member.map(|it| it.to_string()),
        channel: it.channel.clone(),
        reference: it.reference.clone(),
        earned: posted.earned.get(),
        redeemed: posted.redeemed().get(),
        credit: (!posted.credit.is_empty()).then(|| posted.credit().to_text(exponent)),
        owed: posted.owed().get(),
        let_go: posted.let_go().get(),
        program_version: pinned.version,
        is_return: it.document.is_return,
        returned: it.order.returned.iter().map(|it| OwnReturnView::of(it, catalog, exponent)).collect(),
        certificates: posted.certificates.iter().map(|it| WireCertificatePart::of(it, exponent)).collect(),
        document: recorded,
    })
}

/// Whose order it was.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimDocument {
    /// A member id, or an identity such as `card:6001234`.
    #[schema(example = "card:6001234")]
    member: String,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Showed the receipt", min_length = 1, max_length = 500)]
    note: String,
}

/// Claim an order that has no member, for one.
///
/// It earns what it would have earned for a member of no tier, with all that has come back of it since. A document that names
/// the member does the same. It can be claimed for some days, as the program says.
#[utoipa::path(post, path = "/v1/channels/{channel}/orders/{reference}/claim", tag = "Orders", operation_id = "claim_order",
    params(
        ("channel" = String, Path, description = "The channel's name or id.", example = "web"),
        ("reference" = String, Path, description = "The channel's own name for the order.", example = "A17"),
        Idempotency,
    ),
    request_body = ClaimDocument,
    security(("key" = ["adjust"])),
    responses((status = 200, description = "Claimed, or the member's already.", body = OrderAnswer)))]
pub(crate) async fn claim_order(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((channel, reference)): Path<(String, String)>,
    Json(claim): Json<ClaimDocument>,
) -> Answer<Reply<OrderAnswer>> {
    let key = key.required(&caller)?;
    let catalog = app.catalog().await?;
    let channel = catalog.channel(&channel)?;
    let order = OrderName { channel: channel.info.name.clone(), reference: reference.clone() };
    let body = Body::ClaimOrder { order, member: member_ref(&claim.member)?, note: claim.note };
    let reply = app.submit(Request { key, actor: caller.actor(), time: Time::Live, body }).await;
    answer_to(&app, reply, channel, reference).await.map(Reply)
}

/// The engine's document of an order that a channel sent under a reference, if it has one by now.
pub(crate) fn read(
    order: &OrderDocument,
    reference: Option<&str>,
    channel: &Channel,
    now: Timestamp,
) -> Answer<engine::Document> {
    if let Some(other) = order.reference.as_deref().filter(|it| Some(*it) != reference) {
        let what = format!("\"{other}\" is another order");
        let allowed = reference.map_or_else(|| "no such key".to_owned(), |it| format!("\"{it}\", or left out"));
        return Err(Problem::invalid("reference", what, allowed));
    }
    let currency = channel.program.currency(now)?;
    let reading = Reading { currency, time: &instant, hold: &hold_no };
    order.read(&reading).map_err(Into::into)
}

/// The id of a hold says whose it is: somebody else's, or that of another program, is one that this account does not
/// have. The rules say so when it is their turn; no hold has the number 0.
pub(crate) async fn only_own_hold(
    app: &App,
    order: &OrderDocument,
    member: Option<&MemberRef>,
    channel: &Channel,
    reference: &str,
    document: &mut engine::Document,
) -> Answer<()> {
    let id: Option<OwnedId> = order.hold.as_ref().and_then(|it| it.parse().ok());
    let Some(id) = id else { return Ok(()) };
    let owner = match member {
        Some(named) => {
            let named = named.clone();
            app.read(move |reader| reader.find(&named)).await?
        }
        None => {
            let (name, reference) = (channel.info.name.clone(), reference.to_owned());
            app.read(move |reader| reader.order(&name, &reference)).await?.and_then(|it| it.member)
        }
    };
    let holder = MemberRef::Id(id.member);
    let holder = app.read(move |reader| reader.find_under(&holder)).await?;
    document.hold = match holder {
        Some((home, place)) if id.program == channel.program.info.number && owner == Some(home) => {
            // Of a member that was merged into another: the hold is there under its place.
            let no = HoldNo(id.number);
            Some(if no.place() == engine::Place::OWN { no.under(place) } else { no })
        }
        Some(_) | None => Some(HoldNo(0)),
    };
    Ok(())
}

/// Now, or with the permission to import, the instant of an order of the past.
pub(crate) fn time_of(at: Option<&str>, caller: &Caller, channel: &Channel) -> Answer<(Time, Actor)> {
    let Some(at) = at else { return Ok((Time::Live, Actor::Channel(channel.info.number))) };
    caller.needs(Scopes::IMPORT)?;
    let at = instant(at).map_err(|(what, allowed)| Problem::invalid("at", what, allowed))?;
    Ok((Time::Import(at), Actor::Import))
}

fn order_id(member: MemberId, channel: &Channel, number: u64) -> String {
    OwnedId { kind: Owned::Order, member, program: channel.program.info.number, number }.to_string()
}
