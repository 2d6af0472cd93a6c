//! Certificates: a ledger of their owner beside those of points and of credit, and their codes, which the directory leads to.
//!
//! A command on an order sees those of its member alone: a code of somebody else is as unknown as one that nobody has. Bounded
//! by the certificates that a command names or makes.

use std::sync::Arc;

use engine::{
    CancelCertificate, ConversionKey, Currency, Document, Entry, EntryNo, IssueCertificates, Kind, LotNo, Moment,
    Money, OrderNo, Points, Reason, Rejection, Rules, Stop, Target, Terms, Timeline, Timestamp, Uses, Validity,
};

use crate::batch::Batch;
use crate::bearer::{self, Bearer};
use crate::code::CodeHash;
use crate::command::{Failure, Reply};
use crate::decide::{Answered, Refused, ask, check_reference, find_account, find_listed_entry, listed_in, post};
use crate::directory::{DirectoryKey, Listed, Listing, reference_key};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load;
use crate::member::MemberRef;
use crate::merge;
use crate::reference::{Program, invalid};
use crate::rows::AccountId;
use crate::sql::Connection;

/// A certificate as somebody names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateRef {
    Code(CodeHash),
    /// The text cannot be a code.
    NoCode,
    Numbered {
        owner: MemberId,
        ledger: u32,
        number: LotNo,
    },
}

/// What staff say of certificates that they give; what is left out, the program says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewCertificates {
    pub value: Money,
    pub count: u32,
    pub uses: Option<Uses>,
    pub validity: Validity,
    pub note: String,
}

/// The number under which certificates in a currency have their ids, beside those of programs.
pub fn certificate_ledger(currency: Currency) -> u32 {
    AccountId::wallet(MemberId([0; 16]), currency.code).program
}

/// Gives certificates to a member, each with a code of its own.
pub(crate) fn issue(
    batch: &mut Batch<'_>,
    (program, member): (&str, &MemberRef),
    (new, name): (&NewCertificates, Option<&str>),
    moment: Moment,
) -> Answered {
    check_reference(name)?;
    let account = find_account(batch, program, member, moment)?;
    let reference = batch.reference;
    let currency = reference.programs.get(&account.program).and_then(Program::currency);
    let wallet = currency.map(|it| AccountId::wallet(account.owner, it)).ok_or(Rejection::UnknownProgram)?;
    let key = name.map(|it| reference_key(wallet.program, it));
    if let Some(listed) = key.map(|it| batch.find(it)).transpose()?.flatten() {
        return issued_before(batch, wallet, &listed, new);
    }
    let is_left = currency.map(|it| kept_until(batch, account.owner, it)).transpose()?.flatten().is_some();
    if is_left || batch.slot(account)?.account.closed().is_some() {
        return Err(Rejection::AccountClosed.into());
    }
    let program = reference.programs.get(&account.program).ok_or(Rejection::UnknownProgram)?;
    let (issue, terms) = wanted(program, new, moment.now)?;
    let id = AccountId::wallet(account.owner, terms.currency.code);
    merge::ensure_place(batch, id, moment)?;
    let under = batch.under;
    let entries =
        on_wallet(batch, id, |ledger| engine::issue_certificates(ledger, under, &issue, &terms.zone, moment))?;
    let issued = entries.iter().find(|it| it.kind == Kind::Issue).ok_or(Fault::Row("certificates are posted"))?;
    let certificates: Vec<LotNo> = issued.opened.iter().map(|it| it.lot.no).collect();
    if let Some(key) = key {
        let listed = Listed { owner: id.owner, kind: Listing::Reference, program: id.program, number: issued.number.0 };
        batch.rows.directory.insert(key, listed);
    }
    Ok(Reply::Certificates { entry: issued.number, certificates })
}

/// What staff ask for, with what the program says of it at that instant.
pub(crate) fn wanted<'a>(
    program: &'a Program,
    new: &NewCertificates,
    now: Timestamp,
) -> Result<(IssueCertificates, &'a Terms), Rejection> {
    let timeline = &program.timeline;
    let version = timeline.at(now).or(timeline.versions().first()).ok_or(Rejection::UnknownProgram)?;
    let uses = new.uses.unwrap_or(version.terms.certificate_uses);
    let NewCertificates { value, count, validity, .. } = *new;
    Ok((IssueCertificates { value, count, uses, validity, note: new.note.clone() }, &version.terms))
}

/// A permanent reference again: the same certificates are answered with their entry, others are refused.
fn issued_before(batch: &mut Batch<'_>, id: AccountId, listed: &Listed, new: &NewCertificates) -> Answered {
    let Some(from) = listed_in(batch, id, listed)? else { return Err(Refused::Failed(Failure::KeyReused)) };
    let entry = find_listed_entry(batch, from, EntryNo(listed.number))?;
    let value: Points = entry.postings.iter().map(|it| it.points).sum();
    let is_same = value.get() == new.value.minor().saturating_mul(i64::from(new.count))
        && entry.reason == Reason::Note(new.note.clone());
    if !is_same {
        return Err(Refused::Failed(Failure::KeyReused));
    }
    let certificates = entry.opened.iter().map(|it| it.lot.no).collect();
    Ok(Reply::Certificates { entry: entry.number, certificates })
}

/// Cancels what is left of certificates that were given under a permanent reference; answers what it was worth.
pub(crate) fn withdraw(
    batch: &mut Batch<'_>,
    id: AccountId,
    (reference, note): (&str, &str),
    moment: Moment,
) -> Answered {
    let listed = batch.find(reference_key(id.program, reference))?.ok_or(Rejection::UnknownCertificate)?;
    let from = listed_in(batch, id, &listed)?.ok_or(Rejection::UnknownCertificate)?;
    let entry = find_listed_entry(batch, from, EntryNo(listed.number))?;
    let mut left = Points::ZERO;
    for no in entry.opened.iter().map(|it| it.lot.no) {
        let (home, no) = merge::home_of_number(batch.conn, from.owner, no)?;
        if home != id.owner {
            return Err(Rejection::UnknownCertificate.into());
        }
        batch.load(id, |conn, account| load::load_lot_numbered(conn, id, account, no))?;
        let cancel = CancelCertificate { certificate: no, note: note.to_owned() };
        let entries = on_wallet(batch, id, |ledger| engine::cancel_certificate(ledger, &cancel, moment))?;
        let postings = entries.iter().filter(|it| it.kind == Kind::Cancel).flat_map(|it| &it.postings);
        left += postings.map(|it| it.points).sum::<Points>();
    }
    Ok(Reply::Withdrawn { points: left })
}

/// Cancels a certificate, whoever has it.
pub(crate) fn cancel(batch: &mut Batch<'_>, certificate: &CertificateRef, note: &str, moment: Moment) -> Answered {
    let found = certificate.find(batch.conn, |key| batch.find(key))?;
    let found = found.ok_or(Rejection::UnknownCertificate)?;
    let (id, no) = batch.claimed(found)?.unwrap_or(found);
    if !id.owner.is_bearer() && !batch.is_member(id.owner)? {
        return Err(Rejection::UnknownCertificate.into());
    }
    batch.load(id, |conn, account| load::load_lot_numbered(conn, id, account, no))?;
    let cancel = CancelCertificate { certificate: no, note: note.to_owned() };
    let entries = match buyer(batch, id, no)? {
        Some(account) => {
            let mut decided =
                ask(batch, account, |account, rules| engine::cancel_bought(account, rules, &cancel, moment))?;
            post(batch, account, &mut decided, false)?;
            decided.certificates
        }
        None => on_wallet(batch, id, |ledger| engine::cancel_certificate(ledger, &cancel, moment))?,
    };
    let cancelled = entries.iter().find(|it| it.kind == Kind::Cancel).map(|it| it.number);
    Ok(Reply::Cancelled { member: id.owner, certificate: no, entry: cancelled })
}

/// The account whose points bought a certificate, with that conversion.
fn buyer(batch: &mut Batch<'_>, wallet: AccountId, no: LotNo) -> Found<Option<AccountId>> {
    let Some(lot) = batch.slot(wallet)?.account.lot(no).map(|it| it.at) else { return Ok(None) };
    let key = ConversionKey::of(lot, Target::Certificate);
    let reference = batch.reference;
    let programs = reference.programs.values().filter(|it| it.currency() == wallet.currency());
    for program in programs.filter(|it| it.timeline.converts_to(Target::Certificate)) {
        let id = AccountId { owner: wallet.owner, program: program.number };
        if !batch.slot(id)?.conversions.contains_key(&key) {
            batch.load(id, |conn, account| load::load_conversion(conn, id, account, key))?;
        }
        if batch.slot(id)?.account.conversions().iter().any(|it| it.key() == key) {
            batch.show_wallet(id, true)?;
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// Until when the certificates of somebody are kept who has left every program of a currency: as long as the points of any of
/// them. Nothing as long as there is one that was not left, or was never any.
fn kept_until(batch: &mut Batch<'_>, owner: MemberId, currency: [u8; 3]) -> Found<Option<Timestamp>> {
    let reference = batch.reference;
    let mut kept_until = None;
    for program in reference.programs.values().filter(|it| it.currency() == Some(currency)) {
        let account = &batch.slot(AccountId { owner, program: program.number })?.account;
        match account.closed() {
            Some(closed) => kept_until = kept_until.max(Some(closed.forfeits_at)),
            // Whether it is stored already is no matter: a batch gives what its commands give one at a time.
            None if account.has_begun() => return Ok(None),
            None => {}
        }
    }
    Ok(kept_until)
}

/// Suspends the certificates of somebody who has left the last program of their currency, and lets them be used again by
/// whoever is in one.
pub(crate) fn level(
    batch: &mut Batch<'_>,
    (owner, currency): (MemberId, [u8; 3]),
    why: &Reason,
    moment: Moment,
) -> Result<(), Refused> {
    let id = AccountId::wallet(owner, currency);
    let wallet = &batch.slot(id)?.account;
    if !wallet.has_begun() {
        return Ok(());
    }
    let is_closed = wallet.closed().is_some();
    match kept_until(batch, owner, currency)? {
        Some(until) if !is_closed => {
            on_wallet(batch, id, |ledger| engine::close_wallet(ledger, until, why.clone(), moment))?;
        }
        None if is_closed => {
            on_wallet(batch, id, |ledger| Ok(engine::open_wallet(ledger, why.clone(), moment)))?;
        }
        Some(_) | None => {}
    }
    Ok(())
}

/// The same for the programs that somebody has come into with the command that was just decided.
pub(crate) fn level_begun(batch: &mut Batch<'_>) -> Result<(), Refused> {
    for (id, moment) in std::mem::take(&mut batch.begun) {
        if let Some(currency) = batch.reference.programs.get(&id.program).and_then(Program::currency) {
            level(batch, (id.owner, currency), &Reason::Due, moment)?;
        }
    }
    Ok(())
}

/// Posts what was due in a wallet that is closed, before its owner comes into a program: what is bought then is not gone.
pub(crate) fn before_coming(batch: &mut Batch<'_>, id: AccountId, moment: Moment) -> Result<(), Refused> {
    let account = &batch.slot(id)?.account;
    let is_new = !account.has_begun();
    if account.closed().is_none() && !(is_new && batch.reference.shares_currency(id.program)) {
        return Ok(());
    }
    if is_new && batch.begun.iter().all(|it| it.0 != id) {
        batch.begun.push((id, moment));
    }
    let Some(currency) = batch.reference.programs.get(&id.program).and_then(Program::currency) else { return Ok(()) };
    let wallet = AccountId::wallet(id.owner, currency);
    if batch.slot(wallet)?.account.closed().is_some() {
        settle(batch, wallet, moment.now)?;
    }
    Ok(())
}

/// Posts what has expired in a wallet.
pub(crate) fn settle(batch: &mut Batch<'_>, id: AccountId, now: Timestamp) -> Answered {
    let nothing = Timeline::default();
    let mut decided = loop {
        match engine::settle(&batch.slot(id)?.account, Rules::of(&nothing), now) {
            Ok(decided) => break decided,
            Err(engine::NeedMore) => batch.load_more(id)?,
        }
    };
    let entries = u64::try_from(decided.entries.len()).map_err(|_| Fault::Row("more entries than can be counted"))?;
    if batch.slot(id)?.is_stored || !decided.entries.is_empty() {
        post(batch, id, &mut decided, true)?;
    }
    Ok(Reply::Settled { entries, due_at: batch.due_at(id)? })
}

/// The certificates that a document names.
#[derive(Clone, Debug, Default)]
pub(crate) struct Named {
    /// The document with their numbers, if it says which it is to use.
    document: Option<Arc<Document>>,
    /// Those that belong to nobody yet.
    pub(crate) bearers: Vec<Bearer>,
}

impl Named {
    pub(crate) fn document<'a>(&'a self, plain: &'a Arc<Document>) -> &'a Arc<Document> {
        self.document.as_ref().unwrap_or(plain)
    }
}

/// Shows the rules the member's certificates, where a document or the order that it is about has to do with any; answers
/// those that it names.
pub(crate) fn prepare(
    batch: &mut Batch<'_>,
    id: AccountId,
    known: Option<OrderNo>,
    (document, named): (&Document, Option<&[CertificateRef]>),
    moment: Moment,
) -> Result<Named, Refused> {
    let order = known.and_then(|no| batch.slot(id).ok()?.account.order(no).cloned());
    let accepted = order.iter().flat_map(|it| &it.certificates).map(|it| it.certificate);
    let mut wanted: Vec<LotNo> = accepted.collect();
    let wallet = AccountId::wallet(id.owner, document.currency);
    let (mut numbers, mut bearers) = (Vec::new(), Vec::new());
    for certificate in named.unwrap_or_default() {
        numbers.push(bearer::number_of(batch, wallet, certificate, &mut bearers, moment)?);
    }
    if document.cancelled_at.is_some() {
        // Such an order uses nothing: what belongs to nobody still does.
        numbers.retain(|no| bearers.iter().all(|it| it.number != *no));
        bearers.clear();
    }
    wanted.extend(&numbers);
    wanted.extend(document.certificates.iter().flatten());
    batch.show_wallet(id, !wanted.is_empty())?;
    if !wanted.is_empty() {
        batch.load(wallet, |conn, account| {
            wanted.iter().try_for_each(|no| load::load_lot_numbered(conn, wallet, account, *no))
        })?;
    }
    let document = named.map(|_| Arc::new(Document { certificates: Some(numbers), ..document.clone() }));
    Ok(Named { document, bearers })
}

/// Refuses certificates on an order without a member.
pub(crate) fn nobodys(named: Option<&[CertificateRef]>) -> Result<(), Rejection> {
    let is_none = named.unwrap_or_default().is_empty();
    if is_none { Ok(()) } else { Err(invalid("certificates", "left out while the order has no member")) }
}

impl CertificateRef {
    /// Where the certificate lies now; `list` looks into the directory.
    pub(crate) fn find(
        &self,
        conn: &Connection,
        list: impl FnOnce(DirectoryKey) -> Found<Option<Listed>>,
    ) -> Found<Option<(AccountId, LotNo)>> {
        let Some((id, no)) = self.listed(list)? else { return Ok(None) };
        let home = merge::home_of_named(conn, id.owner, no)?;
        Ok(home.map(|(owner, no)| (AccountId { owner, ..id }, no)))
    }

    /// What of the directory leads to it, if it is named by its code.
    pub(crate) fn key(&self) -> Option<DirectoryKey> {
        if let Self::Code(hash) = self { Some(hash.0) } else { None }
    }

    /// Where it lay first, or where somebody says that it lies.
    fn listed(&self, list: impl FnOnce(DirectoryKey) -> Found<Option<Listed>>) -> Found<Option<(AccountId, LotNo)>> {
        match self {
            Self::NoCode => Ok(None),
            Self::Numbered { owner, ledger, number } => {
                let id = AccountId { owner: *owner, program: *ledger };
                Ok(Some((id, *number)).filter(|_| id.is_wallet()))
            }
            Self::Code(hash) => {
                let listed = list(hash.0)?.filter(|it| it.kind.is_code());
                Ok(listed.map(|it| (AccountId { owner: it.owner, program: it.program }, LotNo(it.number))))
            }
        }
    }
}

/// Decides on a wallet alone, and posts it there.
fn on_wallet(
    batch: &mut Batch<'_>,
    id: AccountId,
    rule: impl Fn(&engine::Account) -> engine::Decision,
) -> Result<Vec<Entry>, Refused> {
    let mut decided = loop {
        match rule(&batch.slot(id)?.account) {
            Ok(decided) => break decided,
            Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
            Err(Stop::NeedMore) => batch.load_more(id)?,
        }
    };
    post(batch, id, &mut decided, false)?;
    Ok(decided.entries)
}
