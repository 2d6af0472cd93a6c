//! Store credit: a member's money with the shop, one ledger for each currency that programs have. It pays for orders in every
//! program of its currency.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{CreditAdjustment, Currency, Entry, EntryNo, Money, OrderNo, Points, Reason};
use serde::{Deserialize, Serialize};
use store::{Body, CreditInfo, MemberId, Reader, StoreError, Time};
use utoipa::ToSchema;

use super::members::{find, member_ref};
use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::{Catalog, Program};
use crate::extract::{Idempotency, Json, Params, Path};
use crate::problem::{Answer, Problem};
use crate::wire::entry::actor;
use crate::wire::ids::{Owned, OwnedId};
use crate::wire::page::{Page, Paging};
use crate::words::credit_in_words;

/// A member's store credit in one currency.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreditView {
    member: String,
    #[schema(example = "USD")]
    currency: String,
    /// Can be spent.
    #[schema(example = "10.00")]
    available: String,
    /// All that was ever given.
    issued: String,
    /// With orders that it pays part of.
    spent: String,
    /// Taken back when points that had become credit were called back.
    revoked: String,
    /// Deducted by staff.
    deducted: String,
}

/// List the store credit of a member: one line for each currency that a program has.
#[utoipa::path(get, path = "/v1/members/{member}/credit", tag = "Credit", operation_id = "list_credit",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    security(("key" = ["read"])),
    responses((status = 200, description = "All store credit, exact now.", body = Page<CreditView>)))]
pub(crate) async fn list_credit(
    State(app): State<App>,
    _: Caller,
    Path(member): Path<String>,
) -> Answer<Reply<Page<CreditView>>> {
    let member = find(&app, &member).await?.id;
    let now = app.now();
    let credit = app.read(move |reader| reader.credit(member, now)).await?;
    Ok(Reply(Page::whole(credit.iter().map(|it| view(member, it)).collect())))
}

pub(crate) fn view(member: MemberId, it: &CreditInfo) -> CreditView {
    let amount = |it: Points, digits: u8| Money::new(it.get()).to_text(digits);
    let (balance, digits) = (&it.account.balance, it.currency.exponent);
    CreditView {
        member: member.to_string(),
        currency: it.currency.code().to_owned(),
        available: amount(balance.available, digits),
        issued: amount(balance.issued, digits),
        spent: amount(balance.redeemed, digits),
        revoked: amount(balance.revoked, digits),
        deducted: amount(balance.deducted, digits),
    }
}

/// One change of a member's store credit.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreditEntryView {
    id: String,
    /// Within its ledger, from 1 without gaps.
    number: u64,
    #[schema(format = DateTime)]
    at: String,
    /// `convert`, `unconvert`, `redeem` (it pays part of an order), `return` or `adjust`.
    #[schema(example = "convert")]
    kind: &'static str,
    /// By how much the credit that can be spent changes.
    #[schema(example = "5.00")]
    amount: String,
    /// Who did it: `system`, `import`, `channel:1`, `key:1` or `staff:0`.
    #[schema(example = "system")]
    actor: String,
    /// The id of the entry on points that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// The id of the order that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    /// What was written with an adjustment.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// All of it as a sentence.
    #[schema(example = "5.00 added: points became store credit")]
    text: String,
}

/// List the entries of a member's store credit, in the order of the ledger.
#[utoipa::path(get, path = "/v1/members/{member}/credit/{currency}/entries", tag = "Credit", operation_id = "list_credit_entries",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("currency" = String, Path, description = "An ISO 4217 code.", example = "USD"),
        Paging,
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of entries.", body = Page<CreditEntryView>)))]
pub(crate) async fn list_credit_entries(
    State(app): State<App>,
    _: Caller,
    Path((member, currency)): Path<(String, String)>,
    Params(paging): Params<Paging>,
) -> Answer<Reply<Page<CreditEntryView>>> {
    let catalog = app.catalog().await?;
    let program = program_in(&catalog, &currency)?;
    let member = find(&app, &member).await?.id;
    let (limit, after) = (paging.limit()?, EntryNo(paging.cursor()?.unwrap_or(0)));
    let code = currency_of(program).ok_or_else(Problem::internal)?.code;
    let read = move |reader: &Reader| -> Result<Vec<(Entry, Option<String>)>, StoreError> {
        with_orders(reader, member, reader.credit_entries(member, code, after, limit + 1)?)
    };
    let entries = app.read(read).await?;
    let views = entries.iter().map(|(entry, order)| entry_view(member, program, entry, order.as_deref()));
    Ok(Reply(Page::of(views.collect::<Answer<_>>()?, limit, |it| it.number.to_string())))
}

/// Entries of store credit or certificates, each with what the channel calls the order that it is about.
pub(super) fn with_orders(
    reader: &Reader,
    member: MemberId,
    entries: Vec<Entry>,
) -> Result<Vec<(Entry, Option<String>)>, StoreError> {
    let named = |entry: Entry| {
        let reference = order_of(&entry).map(|(program, no)| reader.reference_of(member, program, no)).transpose()?;
        Ok((entry, reference.flatten()))
    };
    entries.into_iter().map(named).collect()
}

/// The program and number of the order that an entry is about.
pub(super) fn order_of(entry: &Entry) -> Option<(u32, OrderNo)> {
    match &entry.reason {
        Reason::Cause(cause) => cause.order.map(|it| (cause.program, it)),
        _ => None,
    }
}

pub(crate) fn entry_view(
    member: MemberId,
    program: &Program,
    it: &Entry,
    order: Option<&str>,
) -> Answer<CreditEntryView> {
    let voice = program.voice(it.at)?;
    let exponent = voice.terms.currency.exponent;
    let id = |kind, program, number| OwnedId { kind, member, program, number }.to_string();
    let (cause, note) = match &it.reason {
        Reason::Cause(cause) => (Some(id(Owned::Entry, cause.program, cause.entry.0)), None),
        Reason::Note(note) => (None, Some(note.clone())),
        _ => (None, None),
    };
    Ok(CreditEntryView {
        id: id(Owned::Entry, store::credit_ledger(voice.terms.currency.code), it.number.0),
        number: it.number.0,
        at: it.at.to_string(),
        kind: it.kind.name(),
        amount: Money::new(crate::words::available_change(it).get()).to_text(exponent),
        actor: actor(it.actor),
        cause,
        order: order_of(it).map(|(program, no)| id(Owned::Order, program, no.0)),
        note,
        text: credit_in_words(it, order, &voice),
    })
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCreditAdjustment {
    /// A decimal amount: above zero adds, below zero deducts.
    #[schema(example = "5.00", pattern = r"^-?[0-9]{1,15}(\.[0-9]{1,4})?$")]
    amount: String,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Sorry for the late parcel", min_length = 1, max_length = 500)]
    note: String,
    /// A name of your own: under it, one adjustment is made once, for ever.
    #[schema(example = "ticket-881", min_length = 1, max_length = 120)]
    reference: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CreditAdjustmentView {
    /// The id of the entry.
    entry: String,
    #[schema(example = "USD")]
    currency: String,
    /// What can be spent now.
    #[schema(example = "5.00")]
    available: String,
}

/// Add or deduct store credit by hand.
#[utoipa::path(post, path = "/v1/members/{member}/credit/{currency}/adjustments", tag = "Credit", operation_id = "adjust_credit",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("currency" = String, Path, description = "An ISO 4217 code.", example = "USD"),
        Idempotency,
    ),
    request_body = NewCreditAdjustment,
    security(("key" = ["adjust"])),
    responses((status = 201, description = "Adjusted.", body = CreditAdjustmentView)))]
pub(crate) async fn adjust_credit(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, currency)): Path<(String, String)>,
    Json(new): Json<NewCreditAdjustment>,
) -> Answer<(StatusCode, Reply<CreditAdjustmentView>)> {
    let key = key.required(&caller)?;
    let catalog = app.catalog().await?;
    let program = program_in(&catalog, &currency)?;
    let sent = member_ref(&member)?;
    let member = find(&app, &member).await?.id;
    let voice = program.voice(app.now())?;
    let currency = voice.terms.currency;
    let amount = Money::parse(&new.amount, currency.exponent).map_err(|it| {
        let allowed = "a decimal amount such as \"5.00\", or \"-5.00\" to deduct";
        Problem::invalid("amount", format!("\"{}\" {it}", new.amount), allowed)
    })?;
    let (adjustment, reference) = (CreditAdjustment { amount, note: new.note }, new.reference);
    let body = Body::AdjustCredit { currency: currency.code, member: sent, adjustment, reference };
    let request = Request { key, actor: caller.actor(), time: Time::Live, body };
    let reply = app.submit_for(request, Some(&voice)).await?;
    let store::Reply::Credit { entry, credit } = reply else { return Err(Problem::internal()) };
    let ledger = store::credit_ledger(currency.code);
    let entry = OwnedId { kind: Owned::Entry, member, program: ledger, number: entry.0 }.to_string();
    let available = credit.to_text(currency.exponent);
    let currency = currency.code().to_owned();
    Ok((StatusCode::CREATED, Reply(CreditAdjustmentView { entry, currency, available })))
}

/// The first program in a currency: its digits and words are those of the credit.
pub(crate) fn program_in<'a>(catalog: &'a Catalog, code: &str) -> Answer<&'a Program> {
    let is_in = |it: &&std::sync::Arc<Program>| currency_of(it).is_some_and(|it| it.code() == code);
    let found = catalog.programs().find(is_in);
    found.map(AsRef::as_ref).ok_or_else(|| {
        let what = format!("no program counts in {code}");
        Problem::invalid("currency", what, "the code of a currency that a program has, such as USD")
    })
}

/// One that has entries keeps its currency.
fn currency_of(program: &Program) -> Option<Currency> {
    program.timeline().versions().last().map(|it| it.terms.currency)
}
