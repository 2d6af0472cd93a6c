//! Certificates: codes that carry value. Given to members by hand, looked up by their code, cancelled one by one or many at once.

use axum::Json as Reply;
use axum::extract::State;
use engine::{Currency, Date, Entry, EntryNo, LotNo, Money, Reason, Timestamp, Uses, Validity, limits};
use serde::{Deserialize, Serialize};
use store::{Body, CertificateInfo, CertificateRef, Key, MemberId, NewCertificates, Reader, StoreError, Time};
use utoipa::ToSchema;

use super::credit::{order_of, program_in, with_orders};
use super::members::{find, member_ref};
use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::{Catalog, Program};
use crate::extract::{Idempotency, Json, Params, Path};
use crate::problem::{Answer, Problem};
use crate::wire::entry::actor;
use crate::wire::ids::{Owned, OwnedId};
use crate::wire::page::{Page, Paging};
use crate::words::{certificate_in_words, spaced};

/// How many members or certificates one request names.
const MANY_MAX: usize = 1_000;

/// A certificate as it stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CertificateView {
    pub(crate) id: String,
    /// What a customer shows, with a hyphen after each four characters; orders may name it by this or by its id.
    /// Left out of one that points have become in this minute: it gets its code within the next.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "K7MP-4XWT-9QRA")]
    pub(crate) code: Option<String>,
    /// Whose it is; left out of one that belongs to nobody until somebody uses it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) member: Option<String>,
    #[schema(example = "USD")]
    pub(crate) currency: String,
    /// What it was worth when it was given; of one that pays a share of an order, the most that it pays.
    #[schema(example = "25.00")]
    pub(crate) value: String,
    /// So many per cent of what it may pay for of one order; left out of one that is worth an amount.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "10%")]
    pub(crate) share: Option<String>,
    /// What is left of it.
    #[schema(example = "25.00")]
    pub(crate) left: String,
    /// `several`: on several orders until it is empty; `once`: on one order, the rest is lost.
    #[schema(example = "several")]
    pub(crate) uses: &'static str,
    /// `active`, `used`, `expired` or `cancelled`.
    #[schema(example = "active")]
    pub(crate) status: &'static str,
    #[schema(format = DateTime)]
    pub(crate) issued_at: String,
    /// The first instant at which it can no longer be used; left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
}

/// The id of a certificate in a currency.
pub(crate) fn certificate_id(member: MemberId, currency: engine::Currency, no: LotNo) -> String {
    let program = store::certificate_ledger(currency);
    OwnedId { kind: Owned::Certificate, member, program, number: no.0 }.to_string()
}

/// What became of a certificate.
pub fn certificate_status(it: &CertificateInfo) -> &'static str {
    let certificate = it.lot.certificate;
    if certificate.is_some_and(|it| it.is_cancelled) {
        "cancelled"
    } else if it.lot.available.is_positive() {
        "active"
    } else if it.value.minor() == it.lot.expired.get()
        || (it.lot.expired.is_positive() && certificate.is_some_and(|it| !it.uses.is_once()))
    {
        "expired"
    } else {
        "used"
    }
}

pub(super) fn view(app: &App, it: &CertificateInfo) -> Answer<CertificateView> {
    let code = app.store().code(it).map_err(|it| Box::<Problem>::from(&it))?;
    view_with(code.as_deref(), it)
}

pub(crate) fn view_with(code: Option<&str>, it: &CertificateInfo) -> Answer<CertificateView> {
    let exponent = it.currency.exponent;
    Ok(CertificateView {
        id: certificate_id(it.member, it.currency, it.lot.at.no),
        code: code.map(spaced),
        member: (!it.is_bearer()).then(|| it.member.to_string()),
        currency: it.currency.code().to_owned(),
        value: it.value.to_text(exponent),
        left: Money::new(it.lot.available.get()).to_text(exponent),
        share: it.lot.certificate.and_then(|it| it.uses.share()).map(|it| it.to_string()),
        uses: it.lot.certificate.map_or("several", |it| it.uses.name()),
        status: certificate_status(it),
        issued_at: it.lot.at.earned_at.to_string(),
        expires_at: crate::wire::time(it.lot.at.expires_at),
    })
}

/// Certificates as requests name them: by code, or by id.
pub(crate) fn certificate_ref(app: &App, text: &str) -> Answer<CertificateRef> {
    let id: Option<OwnedId> = text.parse().ok().filter(|it: &OwnedId| it.kind == Owned::Certificate);
    if let Some(OwnedId { member, program, number, .. }) = id {
        return Ok(CertificateRef::Numbered { owner: member, ledger: program, number: LotNo(number) });
    }
    app.store().certificate(text).map_err(|it| Box::from(&it))
}

/// The certificates that an order names.
pub(crate) fn certificate_refs(app: &App, named: Option<&Vec<String>>) -> Answer<Option<Vec<CertificateRef>>> {
    let Some(named) = named else { return Ok(None) };
    if limits::ORDER_CERTIFICATES_MAX < named.len() {
        let what = format!("{} stand here", named.len());
        return Err(Problem::invalid("certificates", what, "at most 20 certificates, each once"));
    }
    named.iter().map(|it| certificate_ref(app, it)).collect::<Answer<_>>().map(Some)
}

/// List the certificates of a member, those that are used up, expired or cancelled among them.
#[utoipa::path(get, path = "/v1/members/{member}/certificates", tag = "Certificates", operation_id = "list_certificates",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    security(("key" = ["read"])),
    responses((status = 200, description = "All certificates, exact now.", body = Page<CertificateView>)))]
pub(crate) async fn list_certificates(
    State(app): State<App>,
    _: Caller,
    Path(member): Path<String>,
) -> Answer<Reply<Page<CertificateView>>> {
    let member = find(&app, &member).await?.id;
    let now = app.now();
    let found = app.read(move |reader| reader.certificates(member, now)).await?;
    Ok(Reply(Page::whole(found.iter().map(|it| view(&app, it)).collect::<Answer<_>>()?)))
}

/// Look a certificate up by its code or its id.
#[utoipa::path(get, path = "/v1/certificates/{certificate}", tag = "Certificates", operation_id = "get_certificate",
    params(("certificate" = String, Path, description = "A code, as it is typed, or an id.", example = "K7MP-4XWT-9QRA")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The certificate.", body = CertificateView)))]
pub(crate) async fn get_certificate(
    State(app): State<App>,
    _: Caller,
    Path(certificate): Path<String>,
) -> Answer<Reply<CertificateView>> {
    let named = certificate_ref(&app, &certificate)?;
    let now = app.now();
    let found = app.read(move |reader| reader.find_certificate(&named, now)).await?;
    let found = found.ok_or_else(|| Problem::not_found("unknown_certificate", "There is no such certificate."))?;
    view(&app, &found).map(Reply)
}

/// Until when a certificate can be used: always to the end of the local day.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Expires {
    #[default]
    Never,
    /// So many days from now on: 1 to 36,500.
    Days(u16),
    /// So many months from now on: 1 to 1,200.
    Months(u16),
    /// The last day.
    #[schema(format = Date)]
    Until(String),
}

impl Expires {
    fn validity(&self) -> Answer<Validity> {
        let within = |path: &str, number: u16, most: u16| match (1..=most).contains(&number) {
            true => Ok(number),
            false => Err(Problem::invalid(path, format!("{number} stands here"), format!("1 to {most}"))),
        };
        Ok(match self {
            Self::Never => Validity::Never,
            Self::Days(days) => Validity::Days(within("expires.days", *days, limits::VALID_DAYS_MAX)?),
            Self::Months(months) => Validity::Months(within("expires.months", *months, limits::VALID_MONTHS_MAX)?),
            Self::Until(day) => Validity::Until(Date::parse(day).map_err(|it| {
                Problem::invalid("expires.until", format!("\"{day}\" {it}"), "a day such as 2027-12-31")
            })?),
        })
    }
}

/// Certificates of the same kind, for one member or many.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCertificatesRequest {
    /// The program whose currency they have, by its name or id.
    #[schema(example = "Sample shop")]
    program: String,
    /// Whose they are to be: ids or identities, 1 to 1000.
    #[schema(min_items = 1, max_items = 1000, example = json!(["card:6001234"]))]
    members: Vec<String>,
    /// What each is worth.
    #[schema(example = "25.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    value: String,
    /// How many each member gets, 1 to 100. Left out: 1.
    #[schema(minimum = 1, maximum = 100)]
    count: Option<u32>,
    /// `several` or `once`. Left out: as the program says.
    #[schema(example = "several")]
    uses: Option<String>,
    /// Until when they can be used. Left out: for ever.
    #[serde(default)]
    expires: Expires,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Sorry for the late parcel", min_length = 1, max_length = 500)]
    note: String,
}

/// What became of one member, or of one certificate, of a request about many.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowView {
    /// As the request names it.
    #[schema(example = "card:6001234")]
    row: String,
    /// `done`; `unchanged` when it had been cancelled before; or the code of the problem.
    #[schema(example = "done")]
    outcome: String,
    /// The certificates that were made or cancelled.
    certificates: Vec<CertificateView>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RowsView {
    data: Vec<RowView>,
}

/// Give certificates to one member or to many.
///
/// Each member is a row of its own: one that is refused harms no other. Sent again under the same key, each row is answered as
/// the first time.
#[utoipa::path(post, path = "/v1/certificates", tag = "Certificates", operation_id = "issue_certificates",
    params(Idempotency),
    request_body = NewCertificatesRequest,
    security(("key" = ["adjust"])),
    responses((status = 200, description = "What became of each row.", body = RowsView)))]
pub(crate) async fn issue_certificates(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Json(new): Json<NewCertificatesRequest>,
) -> Answer<Reply<RowsView>> {
    let key = key.required(&caller)?;
    check_many("members", &new.members)?;
    Problem::check_note(&new.note)?;
    let catalog = app.catalog().await?;
    let program = catalog.program(&new.program)?;
    let now = app.now();
    let voice = program.voice(now)?;
    let currency = voice.terms.currency;
    let wanted = wanted((&new.value, currency), new.count, new.uses.as_deref(), &new.expires, new.note)?;
    let name = program.info.name.clone();
    let mut data = Vec::with_capacity(new.members.len());
    for row in new.members {
        let given = give(&app, &caller, row_key(key.as_ref(), &row), (&name, &row), &wanted, &voice).await;
        data.push(row_view(&app, row, given, now).await?);
    }
    Ok(Reply(RowsView { data }))
}

/// What a request says of certificates that are to be made.
pub(super) fn wanted(
    (value, currency): (&str, Currency),
    count: Option<u32>,
    uses: Option<&str>,
    expires: &Expires,
    note: String,
) -> Answer<NewCertificates> {
    let value = Money::parse(value, currency.exponent)
        .map_err(|it| Problem::invalid("value", format!("\"{value}\" {it}"), "a decimal amount such as \"25.00\""))?;
    let uses = uses.map(|text| {
        let found = Uses::ALL.into_iter().find(|it| it.name() == text);
        found.ok_or_else(|| Problem::invalid("uses", format!("\"{text}\" stands here"), "\"several\" or \"once\""))
    });
    let (count, uses) = (count.unwrap_or(1), uses.transpose()?);
    Ok(NewCertificates { value, count, uses, validity: expires.validity()?, note })
}

/// Whose certificates they are, which, and whether anything changed.
struct Done {
    member: MemberId,
    ledger: u32,
    certificates: Vec<LotNo>,
    is_new: bool,
}

async fn give(
    app: &App,
    caller: &Caller,
    key: Option<Key>,
    (program, member): (&str, &str),
    wanted: &NewCertificates,
    voice: &crate::words::Voice<'_>,
) -> Answer<Done> {
    // Whoever was merged into another is named as the row says: what is new comes under that name.
    let named = member_ref(member)?;
    let member = find(app, member).await?.id;
    let body =
        Body::IssueCertificates { program: program.to_owned(), member: named, new: wanted.clone(), reference: None };
    let request = Request { key, actor: caller.actor(), time: Time::Live, body };
    let reply = app.submit_for(request, Some(voice)).await?;
    let store::Reply::Certificates { certificates, .. } = reply else { return Err(Problem::internal()) };
    let ledger = store::certificate_ledger(voice.terms.currency);
    Ok(Done { member, ledger, certificates, is_new: true })
}

async fn row_view(app: &App, row: String, done: Answer<Done>, now: Timestamp) -> Answer<RowView> {
    match done {
        // A server that cannot work answers for the whole request: it is sent again with its key.
        Err(problem) if problem.status().is_server_error() => Err(problem),
        Err(problem) => {
            let (outcome, certificates) = (problem.code().to_owned(), Vec::new());
            Ok(RowView { row, outcome, certificates, problem: Some(*problem) })
        }
        Ok(Done { member, ledger, certificates, is_new }) => {
            let certificates = views_of(app, member, ledger, certificates, now).await?;
            let outcome = if is_new { "done" } else { "unchanged" }.to_owned();
            Ok(RowView { row, outcome, certificates, problem: None })
        }
    }
}

/// Certificates of a member by their numbers.
pub(super) async fn views_of(
    app: &App,
    member: MemberId,
    ledger: u32,
    certificates: Vec<LotNo>,
    now: Timestamp,
) -> Answer<Vec<CertificateView>> {
    let named = |number| CertificateRef::Numbered { owner: member, ledger, number };
    views_named(app, certificates.into_iter().map(named).collect(), now).await
}

/// Certificates as somebody names them, read together; what is not there is left out.
pub(super) async fn views_named(app: &App, named: Vec<CertificateRef>, now: Timestamp) -> Answer<Vec<CertificateView>> {
    let read = move |reader: &Reader| -> Result<Vec<CertificateInfo>, StoreError> {
        let found = named.iter().map(|it| reader.find_certificate(it, now));
        Ok(found.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    };
    let found = app.read(read).await?;
    found.iter().map(|it| view(app, it)).collect()
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelRequest {
    /// Codes or ids, 1 to 1000.
    #[schema(min_items = 1, max_items = 1000, example = json!(["K7MP-4XWT-9QRA"]))]
    certificates: Vec<String>,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Lost letter", min_length = 1, max_length = 500)]
    note: String,
}

/// Cancel certificates, one or many.
///
/// What is left of them is gone. What orders have of them stays with the orders; what comes back later is gone as well. If points bought
/// one and nothing of it is used, the points return. Cancelling one that was cancelled changes nothing.
#[utoipa::path(post, path = "/v1/certificate-cancellations", tag = "Certificates", operation_id = "cancel_certificates",
    request_body = CancelRequest,
    security(("key" = ["adjust"])),
    responses((status = 200, description = "What became of each row.", body = RowsView)))]
pub(crate) async fn cancel_certificates(
    State(app): State<App>,
    caller: Caller,
    Json(cancel): Json<CancelRequest>,
) -> Answer<Reply<RowsView>> {
    check_many("certificates", &cancel.certificates)?;
    Problem::check_note(&cancel.note)?;
    let now = app.now();
    let mut data = Vec::with_capacity(cancel.certificates.len());
    for row in cancel.certificates {
        let done = cancel_one(&app, &caller, &row, &cancel.note, now).await;
        data.push(row_view(&app, row, done, now).await?);
    }
    Ok(Reply(RowsView { data }))
}

async fn cancel_one(app: &App, caller: &Caller, row: &str, note: &str, now: Timestamp) -> Answer<Done> {
    let named = certificate_ref(app, row)?;
    let wanted = named.clone();
    let found = app.read(move |reader| reader.find_certificate(&wanted, now)).await?;
    let found = found.ok_or_else(|| Problem::not_found("unknown_certificate", "There is no such certificate."))?;
    let body = Body::CancelCertificate { certificate: named, note: note.to_owned() };
    let request = Request { key: None, actor: caller.actor(), time: Time::Live, body };
    let reply = app.submit_for(request, None).await?;
    let store::Reply::Cancelled { member, certificate, entry } = reply else { return Err(Problem::internal()) };
    let ledger = store::certificate_ledger(found.currency);
    Ok(Done { member, ledger, certificates: vec![certificate], is_new: entry.is_some() })
}

fn check_many(field: &str, rows: &[String]) -> Answer<()> {
    if rows.is_empty() || MANY_MAX < rows.len() {
        return Err(Problem::invalid(field, format!("{} stand here", rows.len()), "1 to 1000"));
    }
    if field == "members" {
        rows.iter().try_for_each(|it| member_ref(it).map(|_| ()).map_err(|it| it.at("members")))?;
    }
    Ok(())
}

/// The key of a row: another for each row, the same whenever the request is sent again.
fn row_key(key: Option<&Key>, row: &str) -> Option<Key> {
    let key = key?;
    let hash = store::SecretHash::of(&format!("{}\n{row}", key.0)).0;
    Some(Key(format!("rows-{}", hash.iter().map(|it| format!("{it:02x}")).collect::<String>())))
}

/// One change of a member's certificates.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CertificateEntryView {
    id: String,
    /// Within its ledger, from 1 without gaps.
    number: u64,
    #[schema(format = DateTime)]
    at: String,
    /// `issue`, `claim` (it belonged to nobody until then), `convert` (points became it), `unconvert`, `use` (they pay part of an order), `give_back`, `expire` or `cancel`.
    #[schema(example = "use")]
    kind: &'static str,
    /// By how much what can be spent of all certificates changes.
    #[schema(example = "-20.00")]
    amount: String,
    /// The ids of the certificates that it is about.
    certificates: Vec<String>,
    /// Who did it: `system`, `import`, `channel:1`, `key:1` or `staff:0`.
    #[schema(example = "channel:1")]
    actor: String,
    /// The id of the entry on points that caused it.
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<String>,
    /// The id of the order that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    order: Option<String>,
    /// What was written with it.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
    /// All of it as a sentence.
    #[schema(example = "Certificate 1: 20.00 paid part of order A17")]
    text: String,
}

/// List the entries of a member's certificates in a currency, in the order of the ledger.
#[utoipa::path(get, path = "/v1/members/{member}/certificates/{currency}/entries", tag = "Certificates", operation_id = "list_certificate_entries",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("currency" = String, Path, description = "An ISO 4217 code.", example = "USD"),
        Paging,
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of entries.", body = Page<CertificateEntryView>)))]
pub(crate) async fn list_certificate_entries(
    State(app): State<App>,
    _: Caller,
    Path((member, currency)): Path<(String, String)>,
    Params(paging): Params<Paging>,
) -> Answer<Reply<Page<CertificateEntryView>>> {
    let catalog: std::sync::Arc<Catalog> = app.catalog().await?;
    let program = program_in(&catalog, &currency)?;
    let member = find(&app, &member).await?.id;
    let (limit, after) = (paging.limit()?, EntryNo(paging.cursor()?.unwrap_or(0)));
    let code = program.voice(app.now())?.terms.currency;
    let read = move |reader: &Reader| -> Result<Vec<(Entry, Option<String>)>, StoreError> {
        with_orders(reader, member, reader.certificate_entries(member, code, after, limit + 1)?)
    };
    let entries = app.read(read).await?;
    let views = entries.iter().map(|(entry, order)| entry_view(member, program, entry, order.as_deref()));
    Ok(Reply(Page::of(views.collect::<Answer<_>>()?, limit, |it| it.number.to_string())))
}

pub(crate) fn entry_view(
    member: MemberId,
    program: &Program,
    it: &Entry,
    order: Option<&str>,
) -> Answer<CertificateEntryView> {
    let voice = program.voice(it.at)?;
    let currency = voice.terms.currency;
    let id = |kind, program, number| OwnedId { kind, member, program, number }.to_string();
    let (cause, note) = match &it.reason {
        Reason::Cause(cause) => (Some(id(Owned::Entry, cause.program, cause.entry.0)), None),
        Reason::Note(note) => (None, Some(note.clone())),
        _ => (None, None),
    };
    let mut certificates: Vec<LotNo> = it.postings.iter().map(|it| it.lot).collect();
    certificates.extend(it.dated.iter().map(|it| it.no));
    certificates.sort_unstable();
    certificates.dedup();
    Ok(CertificateEntryView {
        id: id(Owned::Entry, store::certificate_ledger(currency), it.number.0),
        number: it.number.0,
        at: it.at.to_string(),
        kind: it.kind.name(),
        amount: Money::new(crate::words::available_change(it).get()).to_text(currency.exponent),
        certificates: certificates.into_iter().map(|no| certificate_id(member, currency, no)).collect(),
        actor: actor(it.actor),
        cause,
        order: order_of(it).map(|(program, no)| id(Owned::Order, program, no.0)),
        note,
        text: certificate_in_words(it, order, &voice),
    })
}
