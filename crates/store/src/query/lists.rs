//! What an account has had, page by page: entries, orders, lots, holds; and what is needed to tell entries in words.
//!
//! A page costs what it holds, whatever the account has had: each list walks its key from a cursor on.

use std::collections::{BTreeMap, BTreeSet};

use engine::{Entry, EntryNo, Hold, HoldNo, HoldState, Lot, LotNo, LotRef, OrderNo, Timestamp};

use super::Reader;
use super::account::{OrderInfo, info};
use crate::error::StoreError;
use crate::fault::Found;
use crate::id::MemberId;
use crate::load::{read_entry, read_hold, read_lot, read_order};
use crate::merge::home_of_number;
use crate::rows::{CLOSED, OPEN, WAITING, place_of};
use crate::sql::{self, Connection, params};

/// Entries of accounts that have had more lots than this are told without the dates of their lots: a lot is found by its
/// number only by looking through all of its account.
const LOTS_LOOKED_THROUGH_MAX: u64 = 100_000;

pub(crate) const ENTRIES_AFTER: &str = "SELECT entry_no, at, kind, order_no, body FROM entries
    WHERE owner_id = $1 AND program = $2 AND $3 < entry_no ORDER BY entry_no LIMIT $4";
pub(crate) const ENTRIES_BEFORE: &str = "SELECT entry_no, at, kind, order_no, body FROM entries
    WHERE owner_id = $1 AND program = $2 AND entry_no < $3 ORDER BY entry_no DESC LIMIT $4";
pub(crate) const ORDERS_AFTER: &str = "SELECT order_no, channel, reference, biz_date, document, state FROM orders
    WHERE owner_id = $1 AND program = $2 AND $3 < order_no ORDER BY order_no LIMIT $4";
pub(crate) const ORDERS_BEFORE: &str = "SELECT order_no, channel, reference, biz_date, document, state FROM orders
    WHERE owner_id = $1 AND program = $2 AND order_no < $3 ORDER BY order_no DESC LIMIT $4";
pub(crate) const LOTS_PAGE: &str =
    "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND phase = $3
    AND ($4, $5, $6) < (sort_at, earned_at, lot_no)
    ORDER BY sort_at, earned_at, lot_no LIMIT $7";
pub(crate) const HOLDS_PAGE: &str = "SELECT hold_no, lapses_at, taken_by, body, closed, points FROM holds
    WHERE owner_id = $1 AND program = $2 AND closed = $3 AND $4 < hold_no ORDER BY hold_no LIMIT $5";
pub(crate) const ORDER_NAME: &str = "SELECT (SELECT name FROM channels WHERE number = channel), reference FROM orders
    WHERE owner_id = $1 AND program = $2 AND order_no = $3";
pub(crate) const LOTS_NUMBERED: &str =
    "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND $3 <= lot_no AND lot_no <= $4";

/// Which lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LotPhase {
    /// With points that can be spent or are held, in the order in which they are spent.
    Open,
    /// With points that cannot be spent yet, soonest first.
    Waiting,
    /// Without points, in the order in which they expired or would have.
    Closed,
}

impl LotPhase {
    fn number(self) -> u8 {
        match self {
            Self::Waiting => WAITING,
            Self::Open => OPEN,
            Self::Closed => CLOSED,
        }
    }
}

/// Where a page of lots ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotCursor {
    pub sort_at: Timestamp,
    pub earned_at: Timestamp,
    pub no: LotNo,
}

impl LotCursor {
    /// Behind that lot.
    pub fn after(lot: &Lot) -> Self {
        Self { sort_at: place_of(lot).sort_at, earned_at: lot.at.earned_at, no: lot.at.no }
    }
}

/// Where a page of holds ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldCursor {
    pub is_active: bool,
    pub no: HoldNo,
}

impl HoldCursor {
    /// Behind that hold.
    pub fn after(hold: &Hold) -> Self {
        Self { is_active: hold.state == HoldState::Active, no: hold.no }
    }
}

/// What entries name by number alone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Background {
    /// What the orders are called in their channels.
    pub references: BTreeMap<OrderNo, String>,
    /// The names of their channels.
    pub channels: BTreeMap<OrderNo, String>,
    /// The dates of the lots; none for an account that has had very many.
    pub lots: BTreeMap<LotNo, LotRef>,
}

impl Reader {
    /// A page of the ledger in the order of its entries.
    pub fn entries(
        &self,
        member: MemberId,
        program: u32,
        after: EntryNo,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(ENTRIES_AFTER)?;
            statement.query(params![member.0, program, number(after.0), limit])?.and_then(read_entry).collect()
        })
    }

    /// A page of the ledger, newest first: entries before `before`, or the last ones.
    pub fn entries_before(
        &self,
        member: MemberId,
        program: u32,
        before: Option<EntryNo>,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(ENTRIES_BEFORE)?;
            let before = before.map_or(i64::MAX, |it| number(it.0));
            statement.query(params![member.0, program, before, limit])?.and_then(read_entry).collect()
        })
    }

    /// A page of orders in the order in which they were first recorded.
    pub fn orders(
        &self,
        member: MemberId,
        program: u32,
        after: OrderNo,
        limit: usize,
    ) -> Result<Vec<OrderInfo>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(ORDERS_AFTER)?;
            let mut rows = statement.query(params![member.0, program, number(after.0), limit])?;
            let mut orders = Vec::new();
            while let Some(row) = rows.next()? {
                orders.extend(info(conn, Some(member), read_order(row)?)?);
            }
            Ok(orders)
        })
    }

    /// A page of orders, newest first: those before `before`, or the last ones.
    pub fn orders_before(
        &self,
        member: MemberId,
        program: u32,
        before: Option<OrderNo>,
        limit: usize,
    ) -> Result<Vec<OrderInfo>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(ORDERS_BEFORE)?;
            let before = before.map_or(i64::MAX, |it| number(it.0));
            let mut rows = statement.query(params![member.0, program, before, limit])?;
            let mut orders = Vec::new();
            while let Some(row) = rows.next()? {
                orders.extend(info(conn, Some(member), read_order(row)?)?);
            }
            Ok(orders)
        })
    }

    /// A page of lots as they are stored: what has fallen due and nobody has posted is not in them (see `standing`).
    pub fn lots(
        &self,
        member: MemberId,
        program: u32,
        phase: LotPhase,
        after: Option<LotCursor>,
        limit: usize,
    ) -> Result<Vec<Lot>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(LOTS_PAGE)?;
            let after = after
                .map_or((i64::MIN, i64::MIN, 0), |it| (it.sort_at.micros(), it.earned_at.micros(), number(it.no.0)));
            let key = params![member.0, program, phase.number(), after.0, after.1, after.2, limit];
            statement.query(key)?.and_then(read_lot).collect()
        })
    }

    /// A page of holds as they are stored: active ones first, then those that ended; each in the order of their numbers.
    pub fn holds(
        &self,
        member: MemberId,
        program: u32,
        after: Option<HoldCursor>,
        limit: usize,
    ) -> Result<Vec<Hold>, StoreError> {
        let after = after.unwrap_or(HoldCursor { is_active: true, no: HoldNo(0) });
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(HOLDS_PAGE)?;
            let mut page = |closed: bool, no: HoldNo, limit: usize| -> Found<Vec<Hold>> {
                statement.query(params![member.0, program, closed, number(no.0), limit])?.and_then(read_hold).collect()
            };
            if !after.is_active {
                return page(true, after.no, limit);
            }
            let mut holds = page(false, after.no, limit)?;
            let left = limit - holds.len();
            holds.extend(page(true, HoldNo(0), left)?);
            Ok(holds)
        })
    }

    /// What is needed to tell those entries of an account in words.
    pub fn background(&self, member: MemberId, program: u32, entries: &[Entry]) -> Result<Background, StoreError> {
        let orders: BTreeSet<OrderNo> = entries.iter().filter_map(|it| it.order).collect();
        let lots: BTreeSet<LotNo> = entries.iter().flat_map(|it| &it.postings).map(|it| it.lot).collect();
        self.ask(|conn| {
            let mut background = Background::default();
            for no in orders {
                if let Some((channel, reference)) = name_of(conn, member, program, no)? {
                    background.channels.insert(no, channel);
                    background.references.insert(no, reference);
                }
            }
            background.lots = dates_of(conn, member, program, &lots)?;
            Ok(background)
        })
    }
}

/// An order's channel and reference.
pub(super) fn name_of(
    conn: &Connection,
    member: MemberId,
    program: u32,
    no: OrderNo,
) -> Found<Option<(String, String)>> {
    let named = |member: MemberId, no: OrderNo| -> Found<Option<(String, String)>> {
        let mut statement = conn.prepare_cached(ORDER_NAME)?;
        let mut rows = statement.query(params![member.0, program, number(no.0)])?;
        Ok(rows.next()?.map(|row| Ok::<_, sql::Error>((row.get(0)?, row.get(1)?))).transpose()?)
    };
    match named(member, no)? {
        Some(name) => Ok(Some(name)),
        // A merge has moved it, or its undo.
        None => home_of_number(conn, member, no).and_then(|(member, no)| named(member, no)),
    }
}

fn dates_of(
    conn: &Connection,
    member: MemberId,
    program: u32,
    wanted: &BTreeSet<LotNo>,
) -> Found<BTreeMap<LotNo, LotRef>> {
    let mut dates = BTreeMap::new();
    let (Some(first), Some(last)) = (wanted.first(), wanted.last()) else { return Ok(dates) };
    let mut statement = conn.prepare_cached("SELECT next_lot FROM accounts WHERE owner_id = $1 AND program = $2")?;
    let next_lot: u64 = statement.query_row(params![member.0, program], |row| row.get(0))?;
    if LOTS_LOOKED_THROUGH_MAX < next_lot {
        return Ok(dates);
    }
    let mut statement = conn.prepare_cached(LOTS_NUMBERED)?;
    let mut rows = statement.query(params![member.0, program, number(first.0), number(last.0)])?;
    while let Some(row) = rows.next()? {
        let at = read_lot(row)?.at;
        if wanted.contains(&at.no) {
            dates.insert(at.no, at);
        }
    }
    Ok(dates)
}

/// Cursors come from outside; a number that no row can have is as good as the largest one.
fn number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
