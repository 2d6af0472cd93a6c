//! Certificates that belong to nobody: each has an owner of its own, which is no member, and a wallet that holds it alone.
//!
//! An order of a member that names one is tried first, with the certificate as if it were the member's already; if it takes
//! it, the claim is posted on both sides and the order after it, in one transaction. So an order that is refused, or ignored since it is
//! older, claims nothing. The code goes along: it is encrypted anew for its new place, and the directory leads there. Who comes
//! second finds, behind the lock of the owner, whose it has become. Bounded by the certificates that a command names or makes.

use engine::{
    Account, BEARER_LOT, BearerClaim, Decided, Decision, Entry, EntryNo, LotNo, Moment, Money, Place, Placed as _,
    Points, Reason, Rejection, Rules, Stop, Timestamp,
};

use crate::batch::Batch;
use crate::certificate::{CertificateRef, Named, NewCertificates, wanted};
use crate::code::listed_hash;
use crate::command::Reply;
use crate::decide::{Answered, Refused, ask, find_listed_entry, post};
use crate::directory::{DirectoryKey, Listed, Listing, find, is_owner};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load;
use crate::merge::{self, first_place, home_of_number};
use crate::query::{CODE, all_lots};
use crate::rows::AccountId;
use crate::sql::{Connection, params};

/// A certificate that belongs to nobody yet, and the number that it gets among those of the member who names it.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) id: AccountId,
    pub(crate) claim: BearerClaim,
    pub(crate) number: LotNo,
}

/// Gives certificates to nobody, each with a code of its own.
pub(crate) fn issue(batch: &mut Batch<'_>, program: &str, new: &NewCertificates, moment: Moment) -> Answered {
    let reference = batch.reference;
    let program = reference.program(program).ok_or(Rejection::UnknownProgram)?;
    let (issue, terms) = wanted(program, new, moment.now)?;
    let all = engine::issue_bearers(&issue, &terms.zone, moment).map_err(refused)?;
    let seed = fresh_seed(batch, moment.now)?;
    let mut owners = Vec::with_capacity(all.len());
    for (index, mut decided) in (0_u8..).zip(all) {
        let owner = MemberId::bearer(moment.now, &seed, index);
        batch.born(owner);
        batch.rows.bearers.insert(owner, moment.now);
        post(batch, AccountId::wallet(owner, terms.currency.code), &mut decided, false)?;
        owners.push(owner);
    }
    Ok(Reply::Bearers { owners })
}

/// From which ids follow that nothing has. What others insert at the same time fails by its key, and is drawn anew.
fn fresh_seed(batch: &Batch<'_>, now: Timestamp) -> Found<Vec<u8>> {
    let mut attempt = 0_u32;
    loop {
        let seed = [batch.seed.to_be_bytes().as_slice(), attempt.to_be_bytes().as_slice()].concat();
        let first = MemberId::bearer(now, &seed, 0);
        if !batch.rows.bearers.contains_key(&first) && !is_owner(batch.conn, first)? {
            return Ok(seed);
        }
        attempt += 1;
    }
}

/// Of a ledger that holds one lot all is loaded.
fn refused(stop: Stop) -> Refused {
    match stop {
        Stop::Rejected(rejection) => rejection.into(),
        Stop::NeedMore => Fault::Row("a certificate of nobody has more than one lot").into(),
    }
}

/// The number of a certificate in a member's wallet, or the one that it gets there if it belongs to nobody: then it is added to
/// `bearers`.
///
/// # Errors
/// `UnknownCertificate`, and `CertificateClaimed` for one that belonged to nobody and is somebody else's by now.
pub(crate) fn number_of(
    batch: &mut Batch<'_>,
    wallet: AccountId,
    certificate: &CertificateRef,
    bearers: &mut Vec<Bearer>,
    moment: Moment,
) -> Result<LotNo, Refused> {
    let found = certificate.find(batch.conn, |key| batch.find(key))?;
    let (id, no) = found.ok_or(Rejection::UnknownCertificate)?;
    if id == wallet {
        return Ok(no);
    }
    if !is_bearers(id, no, wallet) {
        return Err(not_theirs(certificate, wallet, |key| batch.find(key))?.into());
    }
    if let Some((home, no)) = batch.claimed((id, no))? {
        return if home == wallet { Ok(no) } else { Err(Rejection::CertificateClaimed.into()) };
    }
    if let Some(known) = bearers.iter().find(|it| it.id == id) {
        return Ok(known.number);
    }
    batch.load(id, |conn, account| load::load_lot_numbered(conn, id, account, BEARER_LOT))?;
    if batch.slot(id)?.account.lot(BEARER_LOT).is_none() {
        return Err(Rejection::UnknownCertificate.into());
    }
    merge::ensure_place(batch, wallet, moment)?;
    let under = batch.under;
    let number = match bearers.last() {
        Some(last) => last.number.next(),
        None => batch.slot(wallet)?.account.next_lot_of(under),
    };
    let member = first_place(batch.conn, wallet, number)?.0.owner.0;
    let claim = BearerClaim { bearer: id.owner.0, certificate: BEARER_LOT, member, under };
    bearers.push(Bearer { id, claim, number });
    Ok(number)
}

/// Whether it may be one that belongs to nobody, in the currency of that wallet.
fn is_bearers(id: AccountId, no: LotNo, wallet: AccountId) -> bool {
    id.owner.is_bearer() && (id.program, no) == (wallet.program, BEARER_LOT)
}

/// Why somebody cannot use a certificate of others: whoever has the code of one that belonged to nobody is told that it is gone.
fn not_theirs(
    certificate: &CertificateRef,
    wallet: AccountId,
    list: impl FnOnce(DirectoryKey) -> Found<Option<Listed>>,
) -> Found<Rejection> {
    let listed = certificate.key().map(list).transpose()?.flatten();
    let is_claimed = listed.is_some_and(|it| it.kind == Listing::Claimed && it.program == wallet.program);
    Ok(if is_claimed { Rejection::CertificateClaimed } else { Rejection::UnknownCertificate })
}

/// The numbers of the certificates that a cart names; those that belong to nobody are put among the member's, which are all there.
pub(crate) fn show(
    conn: &Connection,
    (wallet, under): (AccountId, Place),
    named: &[CertificateRef],
    account: &mut Account,
    moment: Moment,
) -> Found<Result<Vec<LotNo>, Rejection>> {
    let mut numbers = Vec::with_capacity(named.len());
    let mut shown: Vec<(AccountId, LotNo)> = Vec::new();
    for it in named {
        let Some((id, no)) = it.find(conn, |key| find(conn, key))? else {
            return Ok(Err(Rejection::UnknownCertificate));
        };
        let known = if id == wallet { Some((id, no)) } else { claimed(conn, (id, no))? };
        let known = known.or_else(|| shown.iter().find(|it| it.0 == id).map(|it| (wallet, it.1)));
        match known {
            Some((home, no)) if home == wallet => numbers.push(no),
            Some(_) => return Ok(Err(Rejection::CertificateClaimed)),
            None if !is_bearers(id, no, wallet) => return Ok(Err(not_theirs(it, wallet, |key| find(conn, key))?)),
            None => {
                let mut ledger = load::load_balance(conn, id)?.account;
                ledger.load_lots(all_lots(conn, id)?);
                let number = account.wallet.as_ref().map(|it| it.ledger.next_lot_of(under));
                let number = number.ok_or(Fault::Row("a quote looks at all certificates"))?;
                let member = first_place(conn, wallet, number)?.0.owner.0;
                let claim = BearerClaim { bearer: id.owner.0, certificate: BEARER_LOT, member, under };
                match engine::show_bearers(account, &[(ledger, claim)], moment) {
                    Ok(()) => {}
                    Err(Stop::Rejected(rejection)) => return Ok(Err(rejection)),
                    Err(Stop::NeedMore) => return Err(Fault::Row("all certificates are loaded")),
                }
                shown.push((id, number));
                numbers.push(number);
            }
        }
    }
    Ok(Ok(numbers))
}

/// The certificates of nobody that a document names, with their ledgers, to be tried.
pub(crate) fn shown(batch: &mut Batch<'_>, named: &Named) -> Found<Vec<(Account, BearerClaim)>> {
    named.bearers.iter().map(|it| Ok((batch.slot(it.id)?.account.clone(), it.claim))).collect()
}

/// Tries what a document comes to with the certificates of nobody that it names, and claims them if it takes them. What follows
/// cannot be refused any more.
pub(crate) fn claim(
    batch: &mut Batch<'_>,
    id: AccountId,
    named: &Named,
    moment: Moment,
    mut rule: impl FnMut(&Account, Rules<'_>) -> Decision,
) -> Result<(), Refused> {
    if named.bearers.is_empty() {
        return Ok(());
    }
    let bearers = shown(batch, named)?;
    let tried = ask(batch, id, |account, rules| {
        let mut account = account.clone();
        engine::show_bearers(&mut account, &bearers, moment)?;
        rule(&account, rules)
    })?;
    if !named.bearers.iter().all(|it| takes(&tried, it.number)) {
        return Ok(());
    }
    for it in &named.bearers {
        claim_one(batch, it, id, moment)?;
    }
    Ok(())
}

/// A document that is older, or was recorded before, takes nothing.
fn takes(decided: &Decided, certificate: LotNo) -> bool {
    let order = decided.order.as_deref();
    order.is_some_and(|it| it.certificates.iter().any(|it| it.certificate == certificate))
}

fn claim_one(batch: &mut Batch<'_>, bearer: &Bearer, of: AccountId, moment: Moment) -> Result<(), Refused> {
    let wallet = AccountId { owner: of.owner, ..bearer.id };
    let mut claimed = loop {
        let ledger = batch.slot(bearer.id)?.account.clone();
        match engine::claim_bearer(&ledger, &batch.slot(wallet)?.account, &bearer.claim, moment) {
            Ok(claimed) => break claimed,
            Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
            Err(Stop::NeedMore) => batch.load_more(wallet)?,
        }
    };
    post(batch, bearer.id, &mut claimed.bearer, false)?;
    post(batch, wallet, &mut claimed.member, false)?;
    move_code(batch, (bearer.id, BEARER_LOT), first_place(batch.conn, wallet, claimed.certificate)?)
}

/// The code stands where its certificate came to, and the directory leads there. Commands that are only tried read no codes.
fn move_code(batch: &mut Batch<'_>, from: (AccountId, LotNo), to: (AccountId, LotNo)) -> Result<(), Refused> {
    let (value, body) = match batch.rows.codes.remove(&from) {
        Some(code) => code,
        None => match stored_code(batch.conn, from)? {
            Some(code) => {
                batch.rows.codes_gone.insert(from);
                code
            }
            None if batch.codes.is_none() => return Ok(()),
            None => return Err(Fault::Row("a certificate has no code").into()),
        },
    };
    let (id, no) = to;
    let listed = Listed { owner: id.owner, kind: Listing::Claimed, program: id.program, number: no.0 };
    batch.relist(listed_hash(&body)?, listed);
    if let Some(codes) = batch.codes {
        let body = codes.moved(batch.conn, from, to, &body)?;
        batch.rows.codes.insert(to, (value, body));
    }
    Ok(())
}

fn stored_code(conn: &Connection, (id, no): (AccountId, LotNo)) -> Found<Option<(Money, Vec<u8>)>> {
    let mut statement = conn.prepare_cached(CODE)?;
    let mut rows = statement.query(params![id.owner.0, id.program, no.0])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((Money::new(row.get(0)?), row.get(1)?)))
}

/// The entry by which a certificate of nobody became somebody's: nothing comes behind it.
fn claimed_by(ledger: &Account) -> Option<EntryNo> {
    (Points::ZERO < ledger.balance.moved).then(|| EntryNo(ledger.next_entry.0.saturating_sub(1)))
}

/// Where that entry says that the certificate came to, as it stands now.
fn home_of_claimed(conn: &Connection, id: AccountId, entry: &Entry) -> Found<(AccountId, LotNo)> {
    let Reason::Bearer { other, certificate } = entry.reason else {
        return Err(Fault::Row("a certificate of nobody has gone nowhere"));
    };
    let (owner, no) = home_of_number(conn, MemberId(other), certificate)?;
    Ok((AccountId { owner, ..id }, no))
}

/// Where a certificate that belonged to nobody is now, if somebody has claimed it.
pub(crate) fn claimed(conn: &Connection, (id, no): (AccountId, LotNo)) -> Found<Option<(AccountId, LotNo)>> {
    if no != BEARER_LOT {
        return Ok(None);
    }
    entry_of_claim(conn, id)?.map(|it| home_of_claimed(conn, id, &it)).transpose()
}

/// That entry, as it is stored.
pub(crate) fn entry_of_claim(conn: &Connection, id: AccountId) -> Found<Option<Entry>> {
    if !id.owner.is_bearer() {
        return Ok(None);
    }
    let Some(no) = claimed_by(&load::load_balance(conn, id)?.account) else { return Ok(None) };
    Ok(Some(load::find_entry(conn, id, no)?.ok_or(Fault::Row("an account has fewer entries than it says"))?))
}

impl Batch<'_> {
    /// The same, as the commands before have left it.
    pub(crate) fn claimed(&mut self, (id, no): (AccountId, LotNo)) -> Found<Option<(AccountId, LotNo)>> {
        if !id.owner.is_bearer() || no != BEARER_LOT {
            return Ok(None);
        }
        let Some(no) = claimed_by(&self.slot(id)?.account) else { return Ok(None) };
        let entry = find_listed_entry(self, id, no)?;
        home_of_claimed(self.conn, id, &entry).map(Some)
    }
}
