//! Sums over the entries of a day, written with the entries: what dashboards read and `verify` proves.
//!
//! They tie out with balances: issued = earned + added; what is redeemed = redeemed − returned; revoked = revoked + repaid −
//! regranted. Bounded by the days, channels and programs that a batch touches.

use std::collections::BTreeMap;

use engine::{Bucket, Entry, Kind, Points, Timestamp, Zone};

use crate::fault::Found;
use crate::rows::points;
use crate::sql::{self, Connection, OptionalExtension as _, Row, params};

/// Sums that belong together; they stand in as many rows as there are slots, and are added up when they are read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct TotalsKey {
    pub(crate) program: u32,
    /// 0 is what no order caused.
    pub(crate) channel: u32,
    pub(crate) day: String,
}

impl TotalsKey {
    /// Where sign-ups are counted: members belong to no program, so their days are those of UTC.
    pub(crate) fn of_sign_ups(at: Timestamp) -> Self {
        Self { program: NO_PROGRAM, channel: 0, day: Zone::utc().date_of(at).to_string() }
    }
}

/// The program of sums that belong to none.
pub(crate) const NO_PROGRAM: u32 = 0;

/// What happened on a day, or in all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Orders recorded for the first time.
    pub orders: i64,
    /// Points that orders earned anew.
    pub earned: Points,
    /// Points that staff added.
    pub added: Points,
    pub redeemed: Points,
    /// Redeemed points that came back.
    pub returned: Points,
    /// Taken back from spendable or waiting points.
    pub revoked: Points,
    /// Take-backs undone.
    pub regranted: Points,
    /// Points that paid what was owed.
    pub repaid: Points,
    pub deducted: Points,
    pub expired: Points,
    /// Of accounts that were closed.
    pub forfeited: Points,
    /// Between lots or members, net.
    pub moved: Points,
    /// Points that became store credit, net.
    pub converted: Points,
    /// What is owed, net.
    pub owed: Points,
    /// What is not collected, net.
    pub let_go: Points,
    /// Members that signed up; counted for no program.
    pub signed_up: i64,
}

const COLUMNS: usize = 14;

impl Totals {
    pub(crate) fn count(&mut self, entry: &Entry) {
        for posting in &entry.postings {
            let points = posting.points;
            match (posting.from, entry.kind) {
                (Bucket::Issued, Kind::Adjust) => self.added += points,
                (Bucket::Issued, _) => self.earned += points,
                (Bucket::Redeemed, _) => self.returned += points,
                (Bucket::Revoked, _) => self.regranted += points,
                (Bucket::Deducted, _) => self.deducted -= points,
                (Bucket::Expired, _) => self.expired -= points,
                (Bucket::Moved, _) => self.moved -= points,
                (Bucket::Converted, _) => self.converted -= points,
                (Bucket::Forfeited, _) => self.forfeited -= points,
                (Bucket::Pending | Bucket::Available | Bucket::Held, _) => {}
            }
            match (posting.to, entry.kind) {
                (Bucket::Redeemed, _) => self.redeemed += points,
                (Bucket::Revoked, Kind::Repay) => self.repaid += points,
                (Bucket::Revoked, _) => self.revoked += points,
                (Bucket::Deducted, _) => self.deducted += points,
                (Bucket::Expired, _) => self.expired += points,
                (Bucket::Moved, _) => self.moved += points,
                (Bucket::Issued, _) => self.earned -= points,
                (Bucket::Converted, _) => self.converted += points,
                (Bucket::Forfeited, _) => self.forfeited += points,
                (Bucket::Pending | Bucket::Available | Bucket::Held, _) => {}
            }
        }
        self.owed += entry.changes.owed;
        self.let_go += entry.changes.let_go;
    }

    pub fn issued(&self) -> Points {
        self.earned + self.added
    }

    /// Points that are neither spent nor gone.
    pub fn outstanding(&self) -> Points {
        let spent = self.redeemed - self.returned;
        let taken = self.revoked + self.repaid - self.regranted;
        let gone = self.deducted + self.expired + self.forfeited;
        self.issued() - spent - taken - gone - self.moved - self.converted
    }

    fn columns(&self) -> [Points; COLUMNS] {
        [
            self.earned,
            self.added,
            self.redeemed,
            self.returned,
            self.revoked,
            self.regranted,
            self.repaid,
            self.deducted,
            self.expired,
            self.forfeited,
            self.moved,
            self.converted,
            self.owed,
            self.let_go,
        ]
    }

    pub fn add(&mut self, other: &Self) {
        let mut sums = self.columns();
        for (sum, more) in sums.iter_mut().zip(other.columns()) {
            *sum += more;
        }
        *self = Self::of(self.orders + other.orders, self.signed_up + other.signed_up, sums);
    }

    /// What has come to it since another.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        let mut sums = self.columns();
        for (sum, less) in sums.iter_mut().zip(other.columns()) {
            *sum -= less;
        }
        Self::of(self.orders - other.orders, self.signed_up - other.signed_up, sums)
    }

    fn of(orders: i64, signed_up: i64, columns: [Points; COLUMNS]) -> Self {
        let [
            earned,
            added,
            redeemed,
            returned,
            revoked,
            regranted,
            repaid,
            deducted,
            expired,
            forfeited,
            moved,
            converted,
            owed,
            let_go,
        ] = columns;
        Self {
            orders,
            earned,
            added,
            redeemed,
            returned,
            revoked,
            regranted,
            repaid,
            deducted,
            expired,
            forfeited,
            moved,
            converted,
            owed,
            let_go,
            signed_up,
        }
    }
}

pub(crate) const COLUMNS_TEXT: &str = "orders, earned, added, redeemed, returned, revoked, regranted, repaid, deducted,
    expired, forfeited, moved, converted, owed, let_go, signed_up";

/// Reads sums whose first column stands at `first`.
pub(crate) fn read_totals(row: &Row<'_>, first: usize) -> sql::Result<Totals> {
    let mut columns = [Points::ZERO; COLUMNS];
    for (index, column) in columns.iter_mut().enumerate() {
        *column = points(row, first + 1 + index)?;
    }
    Ok(Totals::of(row.get(first)?, row.get(first + 1 + COLUMNS)?, columns))
}

/// Which of the rows a writer adds to: each session of a server has one of its own while it lasts, so that none waits for the
/// commit of another. Where all are taken the first is shared.
pub(crate) fn take_slot(conn: &Connection) -> Found<u32> {
    if conn.file().is_some() {
        return Ok(0);
    }
    let take = "SELECT slot FROM generate_series(1, 63) AS slot
        WHERE pg_try_advisory_lock(1198683248, hashtext(current_schema()) # slot) LIMIT 1";
    let taken: Option<i64> = conn.query_row(take, [], |row| row.get(0)).optional()?;
    Ok(taken.and_then(|it| u32::try_from(it).ok()).unwrap_or_default())
}

pub(crate) fn save_totals(conn: &Connection, slot: u32, totals: &BTreeMap<TotalsKey, Totals>) -> Found<()> {
    let mut statement = conn.prepare_cached(
        "INSERT INTO totals (program, channel, day, slot, orders, earned, added, redeemed, returned, revoked,
            regranted, repaid, deducted, expired, forfeited, moved, converted, owed, let_go, signed_up)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)
        ON CONFLICT (program, channel, day, slot) DO UPDATE SET
            orders = totals.orders + excluded.orders, earned = totals.earned + excluded.earned, added = totals.added + excluded.added,
            redeemed = totals.redeemed + excluded.redeemed, returned = totals.returned + excluded.returned,
            revoked = totals.revoked + excluded.revoked, regranted = totals.regranted + excluded.regranted,
            repaid = totals.repaid + excluded.repaid, deducted = totals.deducted + excluded.deducted,
            expired = totals.expired + excluded.expired, forfeited = totals.forfeited + excluded.forfeited, moved = totals.moved + excluded.moved,
            converted = totals.converted + excluded.converted, owed = totals.owed + excluded.owed,
            let_go = totals.let_go + excluded.let_go, signed_up = totals.signed_up + excluded.signed_up",
    )?;
    for (key, totals) in totals {
        let c = totals.columns().map(Points::get);
        statement.execute(params![
            key.program,
            key.channel,
            key.day,
            slot,
            totals.orders,
            c[0],
            c[1],
            c[2],
            c[3],
            c[4],
            c[5],
            c[6],
            c[7],
            c[8],
            c[9],
            c[10],
            c[11],
            c[12],
            c[13],
            totals.signed_up
        ])?;
    }
    Ok(())
}
