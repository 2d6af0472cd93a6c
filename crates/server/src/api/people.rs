//! All that is held of one person, and erasing it (M4).

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{EntryNo, OrderNo, Timestamp};
use serde::Serialize;
use store::{Body, CertificateInfo, MemberId, MemberInfo, MemberRef, Reader, Standing, StoreError, Time};
use utoipa::ToSchema;

use super::accounts::{self, AccountView, LotView};
use super::cards::CardView;
use super::certificates::{self, CertificateEntryView, CertificateView};
use super::credit::{self, CreditEntryView, CreditView};
use super::members::{MemberView, find, member_ref, named_member};
use super::orders::{self, OrderView};
use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::Catalog;
use crate::extract::Path;
use crate::problem::{Answer, Problem};
use crate::wire::entry::WireEntry;

/// Tells the code of a certificate.
type CodeOf<'a> = &'a dyn Fn(&CertificateInfo) -> Result<Option<String>, StoreError>;

/// Rows that are read at once.
const PAGE: usize = 1_000;

/// Everything that is held of a person.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonView {
    /// The instant of it all.
    #[schema(format = DateTime)]
    at: String,
    #[schema(format = DateTime)]
    signed_up_at: String,
    member: MemberView,
    cards: Vec<CardView>,
    accounts: Vec<PersonAccount>,
    credit: Vec<CreditView>,
    credit_entries: Vec<CreditEntryView>,
    certificates: Vec<CertificateView>,
    certificate_entries: Vec<CertificateEntryView>,
}

/// The person's points in one program, with all that happened to them.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct PersonAccount {
    account: AccountView,
    /// Those that still have points.
    lots: Vec<LotView>,
    orders: Vec<OrderView>,
    entries: Vec<WireEntry>,
}

/// Export everything that is held of a person, as one document: what is known, what finds them, their orders, and every entry of
/// their points, store credit and certificates, with its reason.
#[utoipa::path(get, path = "/v1/members/{member}/export", tag = "Members", operation_id = "export_person",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    security(("key" = ["members"])),
    responses((status = 200, description = "Everything.", body = PersonView)))]
pub(crate) async fn export_person(
    State(app): State<App>,
    _: Caller,
    Path(member): Path<String>,
) -> Answer<Reply<PersonView>> {
    let member = find(&app, &member).await?;
    let (catalog, now) = (app.catalog().await?, app.now());
    let store = app.store().clone();
    let read = move |reader: &Reader| Ok(person(&catalog, reader, &member, (now, &|it| store.code(it))));
    app.read(read).await?.map(Reply)
}

/// Erase a person: name, birthday, customer type, cards, e-mails and every other identity, and what staff have written about them.
///
/// It cannot be undone. What is in the ledger stays, under an id that leads to nobody: totals and reports are what they were, and
/// orders that come back are still worked out. Close the accounts before, if points are to be forfeited. Erased already is done.
#[utoipa::path(delete, path = "/v1/members/{member}", tag = "Members", operation_id = "erase_person",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    security(("key" = ["admin"])),
    responses((status = 204, description = "Erased.")))]
pub(crate) async fn erase_person(
    State(app): State<App>,
    caller: Caller,
    Path(member): Path<String>,
) -> Answer<StatusCode> {
    let body = Body::Erase { member: member_ref(&member)?, only_unused: false };
    app.submit_for(Request { key: None, actor: caller.actor(), time: Time::Live, body }, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The same beside a server or without one, as JSON; nothing where nobody is found.
///
/// # Errors
/// When the database cannot be read.
pub fn person_as_json(reader: &Reader, member: &MemberRef, now: Timestamp) -> Result<Option<String>, StoreError> {
    let Some(member) = named_member(reader, member)? else { return Ok(None) };
    let catalog = Catalog::read(reader, 0)?;
    let told = person(&catalog, reader, &member, (now, &|it| reader.code(it))).ok();
    Ok(told.and_then(|it| serde_json::to_string_pretty(&it).ok()))
}

fn person(
    catalog: &Catalog,
    reader: &Reader,
    member: &MemberInfo,
    (now, code): (Timestamp, CodeOf<'_>),
) -> Answer<PersonView> {
    let id = member.id;
    let mut accounts = Vec::new();
    for number in read(reader.accounts(id))? {
        accounts.extend(account(catalog, reader, id, number, now)?);
    }
    let mut view = PersonView {
        at: now.to_string(),
        signed_up_at: member.created_at.to_string(),
        member: MemberView::of(member),
        cards: read(reader.cards(id))?.iter().map(CardView::of).collect(),
        accounts,
        credit: Vec::new(),
        credit_entries: Vec::new(),
        certificates: Vec::new(),
        certificate_entries: Vec::new(),
    };
    for it in read(reader.credit(id, now))? {
        let program = credit::program_in(catalog, it.currency.code())?;
        let page = |after| credit::with_orders(reader, id, reader.credit_entries(id, it.currency.code, after, PAGE)?);
        for (entry, order) in pages(page, |(entry, _)| entry.number)? {
            view.credit_entries.push(credit::entry_view(id, program, &entry, order.as_deref())?);
        }
        let page = |after| credit::with_orders(reader, id, reader.certificate_entries(id, it.currency, after, PAGE)?);
        for (entry, order) in pages(page, |(entry, _)| entry.number)? {
            view.certificate_entries.push(certificates::entry_view(id, program, &entry, order.as_deref())?);
        }
        view.credit.push(credit::view(id, &it));
    }
    for it in read(reader.certificates(id, now))? {
        let code = read(code(&it))?;
        view.certificates.push(certificates::view_with(code.as_deref(), &it)?);
    }
    Ok(view)
}

fn account(
    catalog: &Catalog,
    reader: &Reader,
    id: MemberId,
    number: u32,
    now: Timestamp,
) -> Answer<Option<PersonAccount>> {
    let Some(program) = catalog.program_numbered(number) else { return Ok(None) };
    let standing: Standing = read(reader.standing(id, number, now, usize::MAX))?;
    let mut orders = Vec::new();
    let mut after = OrderNo(0);
    loop {
        let page = read(reader.orders(id, number, after, PAGE))?;
        let Some(last) = page.last() else { break };
        after = last.order.no;
        for it in &page {
            orders.push(orders::view(catalog, it)?);
        }
    }
    let mut entries = Vec::new();
    for it in pages(|after| reader.entries(id, number, after, PAGE), |it| it.number)? {
        let background = read(reader.background(id, number, std::slice::from_ref(&it)))?;
        entries.push(accounts::entry(id, program, &it, &background)?);
    }
    let lots = standing.lots.iter().map(|it| accounts::lot(id, program, it, now)).collect::<Answer<_>>()?;
    Ok(Some(PersonAccount { account: accounts::account(id, program, &standing, now)?, lots, orders, entries }))
}

/// Everything, page after page.
fn pages<T>(page: impl Fn(EntryNo) -> Result<Vec<T>, StoreError>, number: impl Fn(&T) -> EntryNo) -> Answer<Vec<T>> {
    let mut all: Vec<T> = Vec::new();
    loop {
        let next = read(page(all.last().map_or(EntryNo(0), &number)))?;
        if next.is_empty() {
            return Ok(all);
        }
        all.extend(next);
    }
}

fn read<T>(found: Result<T, StoreError>) -> Answer<T> {
    found.map_err(|it| Box::<Problem>::from(&it))
}
