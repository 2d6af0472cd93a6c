//! A member's certificates: exact at the instant they are read, what has expired by then among them.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use engine::{Account, BEARER_LOT, Currency, EntryNo, Lot, LotNo, Money, Rules, Target, Timeline, Timestamp, Wallet};

use super::Reader;
use super::account::{all_lots, load_credit};
use super::credit::settle;
use crate::bearer::claimed;
use crate::certificate::CertificateRef;
use crate::code::Codes;
use crate::database::Database;
use crate::directory;
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load;
use crate::merge;
use crate::reference::Reference;
use crate::rows::{self, AccountId};
use crate::sql::{Connection, params};

const CODES: &str = "SELECT lot_no, value, body FROM codes WHERE owner_id = $1 AND program = $2";
pub(crate) const CODE: &str = "SELECT value, body FROM codes WHERE owner_id = $1 AND program = $2 AND lot_no = $3";

/// A certificate as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateInfo {
    /// Whose it is; of one that belongs to nobody yet an owner of its own.
    pub member: MemberId,
    pub currency: Currency,
    /// What it was worth when it was given.
    pub value: Money,
    /// What is left of it, its dates, how often it can be used and whether it was cancelled.
    pub lot: Lot,
    /// Its code, encrypted, and for which place: where it came first. Nothing for one that points have become by now and that
    /// nobody has posted yet.
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) sealed_for: (AccountId, LotNo),
}

/// A certificate that was made for nobody, and its first owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerInfo {
    pub owner: MemberId,
    /// As it stands now: somebody's, if it has been used.
    pub certificate: CertificateInfo,
}

impl CertificateInfo {
    /// Whether nobody has used it yet whose it could be.
    pub fn is_bearer(&self) -> bool {
        self.member.is_bearer()
    }
}

impl Reader {
    /// A page of the certificates that were made for nobody, in the order in which they were made.
    pub fn bearers(
        &self,
        after: Option<MemberId>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<BearerInfo>, StoreError> {
        let reference = self.reference()?;
        let owners = self.bearer_accounts(after, limit)?;
        let info = |id: AccountId| {
            let found = self.ask(|conn| {
                let (id, no) = claimed(conn, (id, BEARER_LOT))?.unwrap_or((id, BEARER_LOT));
                find_in(conn, &reference, (id, no), now)
            })?;
            Ok(found.map(|certificate| BearerInfo { owner: id.owner, certificate }))
        };
        owners.into_iter().filter_map(|id| info(id).transpose()).collect()
    }

    /// The ledgers of a page of them.
    pub(crate) fn bearer_accounts(&self, after: Option<MemberId>, limit: usize) -> Result<Vec<AccountId>, StoreError> {
        let after = after.map_or(MemberId::BEARERS, |it| it.max(MemberId::BEARERS));
        self.ask(|conn| {
            let select =
                "SELECT owner_id, program FROM accounts WHERE $1 < owner_id ORDER BY owner_id, program LIMIT $2";
            let mut statement = conn.prepare_cached(select)?;
            let mut rows = statement.query(params![after.0, limit])?;
            let mut accounts = Vec::new();
            while let Some(row) = rows.next()? {
                accounts.push(AccountId { owner: rows::member(row, 0)?, program: row.get(1)? });
            }
            Ok(accounts)
        })
    }

    /// All certificates that the member has had, in the order in which they were given, currency by currency.
    pub fn certificates(&self, member: MemberId, now: Timestamp) -> Result<Vec<CertificateInfo>, StoreError> {
        let reference = self.reference()?;
        self.ask(|conn| {
            let mut all = Vec::new();
            for currency in currencies(&reference) {
                all.extend(certificates(conn, &reference, member, currency, now)?);
            }
            Ok(all)
        })
    }

    /// The certificate that somebody names.
    pub fn find_certificate(
        &self,
        named: &CertificateRef,
        now: Timestamp,
    ) -> Result<Option<CertificateInfo>, StoreError> {
        let reference = self.reference()?;
        self.ask(|conn| {
            let found = named.find(conn, |key| directory::find(conn, key))?;
            let Some(found) = found else { return Ok(None) };
            let found = claimed(conn, found)?.unwrap_or(found);
            find_in(conn, &reference, found, now)
        })
    }

    /// The code of a certificate, for people to see; nothing as long as it is due and not posted yet.
    ///
    /// # Errors
    /// When the key of the codes is not there, or the code is damaged.
    pub fn code(&self, certificate: &CertificateInfo) -> Result<Option<String>, StoreError> {
        let database = Database::Sqlite(self.path().to_owned());
        let codes = self.ask(|conn| Ok(Codes::open(&database, None, conn)))??;
        let reveal = |it: &Vec<u8>| codes.reveal(certificate.sealed_for, it);
        certificate.sealed.as_ref().map(reveal).transpose()
    }

    /// A page of entries of the member's certificates in a currency.
    pub fn certificate_entries(
        &self,
        member: MemberId,
        currency: Currency,
        after: EntryNo,
        limit: usize,
    ) -> Result<Vec<engine::Entry>, StoreError> {
        self.entries(member, AccountId::wallet(member, currency.code).program, after, limit)
    }
}

/// The currencies that programs have.
fn currencies(reference: &Reference) -> impl Iterator<Item = Currency> {
    let mut currencies: BTreeMap<[u8; 3], Currency> = BTreeMap::new();
    for program in reference.programs.values() {
        if let Some(last) = program.timeline.versions().last() {
            currencies.entry(last.terms.currency.code).or_insert(last.terms.currency);
        }
    }
    currencies.into_values()
}

/// A certificate by its number in its ledger.
fn find_in(
    conn: &Connection,
    reference: &Reference,
    (id, no): (AccountId, LotNo),
    now: Timestamp,
) -> Found<Option<CertificateInfo>> {
    let is_of = |it: &Currency| id.currency() == Some(it.code);
    let Some(currency) = currencies(reference).find(is_of) else { return Ok(None) };
    let all = certificates(conn, reference, id.owner, currency, now)?;
    Ok(all.into_iter().find(|it| it.lot.at.no == no))
}

fn certificates(
    conn: &Connection,
    reference: &Reference,
    member: MemberId,
    currency: Currency,
    now: Timestamp,
) -> Found<Vec<CertificateInfo>> {
    let id = AccountId::wallet(member, currency.code);
    let account = settled_wallet(conn, reference, id, currency.code, now)?;
    // Codes lie with whoever had the certificate first.
    let mut codes: BTreeMap<MemberId, CodesOf> = BTreeMap::new();
    let mut all = Vec::with_capacity(account.lots().len());
    for lot in account.lots() {
        let (first, no) = merge::first_place(conn, id, lot.at.no)?;
        let of_first = match codes.entry(first.owner) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(empty) => empty.insert(codes_of(conn, first)?),
        };
        let known = of_first.remove(&no.0);
        let value = known.as_ref().map_or((lot.available + lot.expired).get(), |it| it.0);
        let (value, sealed, sealed_for) = (Money::new(value), known.map(|it| it.1), (first, no));
        all.push(CertificateInfo { member, currency, value, lot: *lot, sealed, sealed_for });
    }
    Ok(all)
}

/// What certificates were worth, and their codes, by number.
type CodesOf = BTreeMap<u64, (i64, Vec<u8>)>;

fn codes_of(conn: &Connection, id: AccountId) -> Found<CodesOf> {
    let mut codes = CodesOf::new();
    let mut statement = conn.prepare_cached(CODES)?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    while let Some(row) = rows.next()? {
        codes.insert(row.get(0)?, (row.get(1)?, row.get(2)?));
    }
    Ok(codes)
}

/// A wallet with all its certificates, once the owner's points are settled in every program where they become some.
fn settled_wallet(
    conn: &Connection,
    reference: &Reference,
    wallet: AccountId,
    currency: [u8; 3],
    now: Timestamp,
) -> Found<Account> {
    let programs = reference.programs.values().filter(|it| it.currency() == Some(currency));
    let mut programs = programs.filter(|it| it.timeline.converts_to(Target::Certificate)).peekable();
    if programs.peek().is_none() {
        return whole_wallet(conn, wallet, now);
    }
    let mut ledger = load::load_balance(conn, wallet)?.account;
    ledger.load_lots(all_lots(conn, wallet)?);
    for program in programs {
        let id = AccountId { owner: wallet.owner, program: program.number };
        let mut account = load::load_account(conn, id)?.account;
        account.wallet = Some(Arc::new(Wallet { program: id.program, ledger }));
        load_credit(conn, reference, id, &mut account, false)?;
        settle(conn, program, id, &mut account, now)?;
        let wallet = account.wallet.ok_or(Fault::Row("a wallet stays where it is"))?;
        ledger = Arc::unwrap_or_clone(wallet).ledger;
    }
    settle_alone(&mut ledger, now)?;
    Ok(ledger)
}

/// A wallet with all its certificates, settled.
fn whole_wallet(conn: &Connection, id: AccountId, now: Timestamp) -> Found<Account> {
    let mut account = load::load_balance(conn, id)?.account;
    account.load_lots(all_lots(conn, id)?);
    settle_alone(&mut account, now)?;
    Ok(account)
}

fn settle_alone(ledger: &mut Account, now: Timestamp) -> Found<()> {
    let nothing = Timeline::default();
    let due = engine::settle(ledger, Rules::of(&nothing), now);
    ledger.apply(&due.map_err(|_| Fault::Row("all certificates are loaded"))?);
    Ok(())
}

/// Puts the member's certificates beside its points: all of them, for a quote.
pub(super) fn load_wallet(
    conn: &Connection,
    id: AccountId,
    currency: [u8; 3],
    account: &mut Account,
    now: Timestamp,
) -> Found<()> {
    let ledger = whole_wallet(conn, AccountId::wallet(id.owner, currency), now)?;
    account.wallet = Some(Arc::new(Wallet { program: id.program, ledger }));
    Ok(())
}
