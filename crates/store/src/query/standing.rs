//! Where an account stands at an instant: what can be spent, what expires when, what is held.
//!
//! Exact whether or not a sweeper has come by: what has fallen due is settled in memory and not saved. The expiries are
//! sums over the stored lots, corrected by the lots that settling has changed, so that an account with a million lots
//! loads only those that are due and those that are shown. Bounded by these, and by the instants at which points expire.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    Account, Balance, Closed, Entry, Hold, HoldState, Lot, LotNo, Points, Progress, Rules, SpendKey, Timestamp,
};

use super::Reader;
use super::account::load_credit;
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load::{self, LOTS, read_lot};
use crate::rows::{AccountId, points, time};
use crate::sql::{Connection, params};

pub(crate) const EXPIRIES: &str =
    "SELECT coalesce(expires_at, sort_at) AS at, CAST(sum(pending + available + held) AS BIGINT) FROM lots
    WHERE owner_id = $1 AND program = $2 AND phase IN (0, 1) GROUP BY at ORDER BY at";

pub(crate) const OPEN_LOTS: &str =
    "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND phase IN (0, 1)";

/// An account at an instant; everything is zero where nothing has happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub balance: Balance,
    /// The first lots with points that can be spent or are held, in the order in which they are spent; then the first that
    /// wait, soonest first. As many of each as were asked for, at most; with the dates on which they end, extended or not.
    pub lots: Vec<Lot>,
    /// Those that are active, in the order of their numbers.
    pub holds: Vec<Hold>,
    /// What is gone at which instant if nothing else happens, soonest first: waiting, spendable and held points. What
    /// never expires is left out.
    pub expiries: Vec<(Timestamp, Points)>,
    /// What has fallen due and nobody has posted yet.
    pub due: Vec<Entry>,
    /// Since when the account is closed, if it is.
    pub closed: Option<Closed>,
    /// What the member has towards tiers, where the program has some.
    pub progress: Option<Progress>,
}

impl Reader {
    /// Where an account stands at `now`; before its last entry, as it stood at that.
    pub fn standing(
        &self,
        member: MemberId,
        program: u32,
        now: Timestamp,
        limit: usize,
    ) -> Result<Standing, StoreError> {
        let id = AccountId { owner: member, program };
        let ruled = self.rules(member, program)?;
        let reference = self.reference()?;
        self.ask(|conn| {
            let mut account = load::load_account(conn, id)?.account;
            load_credit(conn, &reference, id, &mut account, false)?;
            let (stored, account, due) = settled(conn, id, account, ruled.rules(), now, limit)?;
            let expiries = expiries(conn, id, &stored, &account, &due)?;
            let is_active = |it: &&Hold| it.state == HoldState::Active;
            let mut holds: Vec<Hold> = account.holds().iter().filter(is_active).cloned().collect();
            holds.sort_unstable_by_key(|it| it.no);
            let mut lots = open_lots(&account);
            lots.truncate(limit);
            lots.extend(waiting_lots(&account).into_iter().take(limit));
            lots.iter_mut().for_each(|it| it.at.expires_at = account.expires_at(it));
            let progress = progress(conn, id, &account, ruled.rules(), now)?;
            Ok(Standing {
                balance: account.balance,
                lots,
                holds,
                expiries,
                due,
                closed: account.closed().copied(),
                progress,
            })
        })
    }
}

/// What a settled account has towards tiers; all its years are loaded where those of the last ones are too few.
fn progress(
    conn: &Connection,
    id: AccountId,
    account: &Account,
    rules: Rules<'_>,
    now: Timestamp,
) -> Found<Option<Progress>> {
    let now = now.max(account.last_at);
    if let Ok(progress) = engine::progress(account, rules.timeline, now) {
        return Ok(progress);
    }
    let mut account = account.clone();
    load::load_years(conn, id, &mut account, Some(i16::MIN))?;
    engine::progress(&account, rules.timeline, now).map_err(|_| Fault::Row("all years of an account are loaded"))
}

/// The account as it is stored, as it is once settled, and what was settled; with the lots that are to be shown.
fn settled(
    conn: &Connection,
    id: AccountId,
    mut stored: Account,
    rules: Rules<'_>,
    now: Timestamp,
    shown: usize,
) -> Found<(Account, Account, Vec<Entry>)> {
    let mut limit = LOTS;
    loop {
        if let Ok(decided) = engine::settle(&stored, rules, now) {
            let mut account = stored.clone();
            account.apply(&decided);
            if shows(&account, shown) {
                return Ok((stored, account, decided.entries));
            }
        }
        limit = limit.saturating_mul(4);
        load::load_lots(conn, id, &mut stored, limit)?;
    }
}

/// Whether as many lots of each kind are loaded as are to be shown, or all there are.
fn shows(account: &Account, shown: usize) -> bool {
    let horizon = &account.horizon;
    (horizon.open.is_none() || shown <= open_lots(account).len())
        && (horizon.waiting.is_none() || shown <= waiting_lots(account).len())
}

/// Lots with points that can be spent or are held, up to where all of them are loaded.
fn open_lots(account: &Account) -> Vec<Lot> {
    let is_open = |it: &&Lot| (it.available + it.held).is_positive() && account.is_within(it);
    let mut lots: Vec<Lot> = account.lots().iter().filter(is_open).copied().collect();
    lots.sort_unstable_by_key(|it| account.spend_key(it));
    lots
}

fn waiting_lots(account: &Account) -> Vec<Lot> {
    let changes_at = |it: &Lot| it.at.available_at.min(it.at.expires_at);
    let within = |it: &&Lot| account.horizon.waiting.is_none_or(|last| changes_at(it) <= last);
    let waits = |it: &&Lot| it.pending.is_positive();
    let mut lots: Vec<Lot> = account.lots().iter().filter(waits).filter(within).copied().collect();
    lots.sort_unstable_by_key(|it| -> (Timestamp, SpendKey) { (changes_at(it), it.spend_key()) });
    lots
}

fn expiries(
    conn: &Connection,
    id: AccountId,
    stored: &Account,
    settled: &Account,
    due: &[Entry],
) -> Found<Vec<(Timestamp, Points)>> {
    let mut sums = match &stored.extension {
        Some(_) => extended_expiries(conn, id, stored)?,
        None => stored_expiries(conn, id)?,
    };
    let mut add = |lot: Option<&Lot>, sign: fn(Points) -> Points| {
        if let Some(lot) = lot {
            *sums.entry(stored.expires_at(lot)).or_default() += sign(lot.pending + lot.available + lot.held);
        }
    };
    let touched: BTreeSet<LotNo> = due.iter().flat_map(|it| &it.postings).map(|it| it.lot).collect();
    for no in touched {
        add(stored.lot(no), |points| -points);
        add(settled.lot(no), |points| points);
    }
    Ok(sums.into_iter().filter(|(at, points)| *at != Timestamp::NEVER && points.is_positive()).collect())
}

/// Lot by lot, where an extension of the account says which of them end with it.
fn extended_expiries(conn: &Connection, id: AccountId, account: &Account) -> Found<BTreeMap<Timestamp, Points>> {
    let mut statement = conn.prepare_cached(OPEN_LOTS)?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    let mut sums = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let lot = read_lot(row)?;
        let sum: &mut Points = sums.entry(account.expires_at(&lot)).or_default();
        *sum += lot.pending + lot.available + lot.held;
    }
    Ok(sums)
}

/// Added up by the database: it reads them all, and keeps one row for each instant.
fn stored_expiries(conn: &Connection, id: AccountId) -> Found<BTreeMap<Timestamp, Points>> {
    let mut statement = conn.prepare_cached(EXPIRIES)?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    let mut sums = BTreeMap::new();
    while let Some(row) = rows.next()? {
        sums.insert(time(row, 0)?, points(row, 1)?);
    }
    Ok(sums)
}
