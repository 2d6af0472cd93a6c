//! Loads what a command touches, in a fixed set of prepared statements.
//!
//! Bounded: the balances of an account, its active holds, the order that is sent and the lots that these name; where lots are
//! spent or fall due, the first [`LOTS`] that wait and the first that are open. Closed lots are never read; an account that has
//! had a million lots costs no more than one that has had ten.

use engine::{
    Account, Conversion, ConversionKey, Entry, EntryNo, Hold, HoldNo, HoldState, Horizon, Lot, LotNo, LotRef, Order,
    OrderNo, Placed as _, Points, Target, Timestamp, Year,
};

use crate::claim::load_claims;
use crate::fault::{Fault, Found};
use crate::pack;
use crate::rows::{
    AccountId, CLOSED, FIGURES, OPEN, Place, WAITING, balance_of, column_due, place_in, place_of, points, time,
};
use crate::sql::{Connection, Row, ToSql, params};

/// How many lots of each kind are loaded at first, where any are. A decision that needs more gets four times as many.
pub(crate) const LOTS: u32 = 64;

pub(crate) const ACCOUNT: &str =
    "SELECT pending, available, held, owed, let_go, issued, redeemed, revoked, deducted, converted,
    expired, forfeited, moved, last_at, next_entry, next_lot, next_order, next_hold, due_at, carried, extension
    FROM accounts WHERE owner_id = $1 AND program = $2";
pub(crate) const LOTS_OF_PHASE: &str =
    "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND phase = $3
    ORDER BY sort_at, earned_at, lot_no LIMIT $4";
pub(crate) const LOT_AT: &str = "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND phase = $3 AND sort_at = $4 AND earned_at = $5 AND lot_no = $6";
pub(crate) const LOT_NUMBERED: &str =
    "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND lot_no = $3";
pub(crate) const LOTS_EXPIRED: &str =
    "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND expired > 0";
pub(crate) const HOLDS: &str = "SELECT hold_no, lapses_at, taken_by, body, closed, points FROM holds
    WHERE owner_id = $1 AND program = $2 AND closed = 0 ORDER BY hold_no";
pub(crate) const HOLD_CLOSED: &str = "SELECT hold_no, lapses_at, taken_by, body, closed, points FROM holds
    WHERE owner_id = $1 AND program = $2 AND closed = 1 AND hold_no = $3";
pub(crate) const ORDER: &str = "SELECT order_no, channel, reference, biz_date, document, state FROM orders
    WHERE owner_id = $1 AND program = $2 AND order_no = $3";

pub(crate) const YEARS: &str = "SELECT year, body FROM years
    WHERE owner_id = $1 AND program = $2 AND $3 <= year AND year < $4 ORDER BY year";
pub(crate) const ORDERS_LAST: &str = "SELECT order_no, channel, reference, biz_date, document, state FROM orders
    WHERE owner_id = $1 AND program = $2 ORDER BY order_no DESC LIMIT $3";

pub(crate) const LOTS_FROM: &str =
    "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
    pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2 AND lot_no >= $3";
pub(crate) const HOLDS_FROM: &str = "SELECT hold_no, lapses_at, taken_by, body, closed, points FROM holds
    WHERE owner_id = $1 AND program = $2 AND hold_no >= $3 ORDER BY hold_no";
pub(crate) const ORDERS_FROM: &str = "SELECT order_no, channel, reference, biz_date, document, state FROM orders
    WHERE owner_id = $1 AND program = $2 AND order_no >= $3 ORDER BY order_no";

pub(crate) const CONVERSIONS_LAST: &str = "SELECT at, target, lot_no, body FROM conversions
    WHERE owner_id = $1 AND program = $2 ORDER BY at DESC, target DESC, lot_no DESC LIMIT $3";
pub(crate) const CONVERSION: &str = "SELECT at, target, lot_no, body FROM conversions
    WHERE owner_id = $1 AND program = $2 AND at = $3 AND target = $4 AND lot_no = $5";

/// An account as far as it is loaded, with what its row says besides.
#[derive(Clone, Debug)]
pub(crate) struct Loaded {
    pub(crate) account: Account,
    /// The sweeper's hint as it is stored.
    pub(crate) due_at: Timestamp,
    /// Whether there is a row.
    pub(crate) is_stored: bool,
    /// How many lots of each kind were loaded at most.
    pub(crate) limit: u32,
}

/// The account with its soonest lots and active holds.
pub(crate) fn load_account(conn: &Connection, id: AccountId) -> Found<Loaded> {
    for phase in [WAITING, OPEN] {
        asking_lots(id, phase, LOTS, |sql, which| conn.expect(sql, which))?;
    }
    load_if(conn, id, |_| true)
}

/// The same for a command. Most orders only earn: where nothing is due at `now`, and lots were not asked ahead, a command gets
/// none of the open ones until it needs them. None of them expires before the stored instant: that is the horizon.
pub(crate) fn load_for_command(conn: &Connection, id: AccountId, now: Timestamp) -> Found<Loaded> {
    let knows_lots = asking_lots(id, OPEN, LOTS, |sql, which| conn.knows(sql, which))?;
    load_if(conn, id, |Loaded { account, due_at, .. }| {
        let others = account.balance.pending + account.balance.held;
        // An extended lot falls due at another instant than its own.
        knows_lots || *due_at <= now || !others.is_zero() || account.extension.is_some()
    })
}

fn load_if(conn: &Connection, id: AccountId, looks_at_lots: impl FnOnce(&Loaded) -> bool) -> Found<Loaded> {
    let mut loaded = load_balance(conn, id)?;
    let takes_lots = looks_at_lots(&loaded);
    let Loaded { account, due_at, limit, .. } = &mut loaded;
    if has_holds(account) {
        conn.expect(HOLDS, params![id.owner.0, id.program])?;
    }
    if takes_lots {
        *limit = LOTS;
        load_lots(conn, id, account, LOTS)?;
    } else if account.balance.available.is_positive() {
        account.horizon.open = Some((*due_at, Timestamp::START, LotNo(0)));
    }
    let first = account.latest_year.map(|it| it - 1);
    load_years(conn, id, account, first)?;
    load_holds(conn, id, account)?;
    Ok(loaded)
}

/// The account's row alone.
pub(crate) fn load_balance(conn: &Connection, id: AccountId) -> Found<Loaded> {
    let mut statement = conn.prepare_cached(ACCOUNT)?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    match rows.next()? {
        Some(row) => read_account(row),
        None => Ok(Loaded { account: Account::default(), due_at: Timestamp::NEVER, is_stored: false, limit: 0 }),
    }
}

fn read_account(row: &Row<'_>) -> Found<Loaded> {
    let mut figures = [Points::ZERO; FIGURES];
    for (index, figure) in figures.iter_mut().enumerate() {
        *figure = points(row, index)?;
    }
    let mut account = Account::default();
    account.balance = balance_of(figures);
    account.last_at = time(row, FIGURES)?;
    account.next_entry = EntryNo(row.get(FIGURES + 1)?);
    account.next_lot = LotNo(row.get(FIGURES + 2)?);
    account.next_order = OrderNo(row.get(FIGURES + 3)?);
    account.next_hold = HoldNo(row.get(FIGURES + 4)?);
    let carried = row.get_ref(FIGURES + 6)?.as_blob_or_null().map_err(|_| Fault::Row("a remainder is no blob"))?;
    pack::unpack_rest(carried, &mut account)?;
    let extension = row.get_ref(FIGURES + 7)?.as_blob_or_null().map_err(|_| Fault::Row("an extension is no blob"))?;
    pack::unpack_activities(extension, &mut account)?;
    // Whoever was merged into it has numbers behind its own.
    let is_alone = account.joined.is_empty();
    account.horizon.orders = Some(if is_alone { account.next_order } else { OrderNo(u64::MAX) });
    account.horizon.years = account.latest_year.map(|_| i16::MAX);
    if !account.balance.converted.is_zero() {
        let last = ConversionKey { at: Timestamp::NEVER, target: Target::Certificate, no: LotNo(u64::MAX) };
        account.horizon.conversions = Some(last);
    }
    Ok(Loaded { account, due_at: column_due(row.get(FIGURES + 5)?), is_stored: true, limit: 0 })
}

/// The first `limit` lots that wait and the first that are open; the horizon says where the loaded ones end.
pub(crate) fn load_lots(conn: &Connection, id: AccountId, account: &mut Account, limit: u32) -> Found<()> {
    if LOTS < limit {
        load_years(conn, id, account, Some(i16::MIN))?;
    }
    let Horizon { orders, years, conversions, .. } = account.horizon;
    let mut horizon = Horizon { orders, years, conversions, ..Horizon::default() };
    if account.balance.pending.is_positive() {
        let (lots, next) = lots_of_phase(conn, id, WAITING, limit)?;
        // Several may change at one instant: only what changes before the first lot left out is surely complete.
        horizon.waiting = next.map(|it| Timestamp::from_micros(place_of(&it).sort_at.micros() - 1));
        account.load_lots(lots);
    }
    if (account.balance.available + account.balance.held).is_positive() {
        let (lots, next) = lots_of_phase(conn, id, OPEN, limit)?;
        horizon.open = next.and(lots.last()).map(Lot::spend_key);
        account.load_lots(lots);
    }
    account.horizon = horizon;
    Ok(())
}

/// The years from `first` on, as far as days count at all: those of the last one and the one before are as a rule all that
/// caps and tiers look at.
pub(crate) fn load_years(conn: &Connection, id: AccountId, account: &mut Account, first: Option<i16>) -> Found<()> {
    let (Some(first), Some(until)) = (first, account.horizon.years) else { return Ok(()) };
    let mut statement = conn.prepare_cached(YEARS)?;
    let mut rows = statement.query(params![id.owner.0, id.program, first, until])?;
    while let Some(row) = rows.next()? {
        account.load_year(read_year(row)?);
    }
    account.horizon.years = Some(first).filter(|it| *it != i16::MIN);
    Ok(())
}

pub(crate) fn read_year(row: &Row<'_>) -> Found<Year> {
    Ok(pack::unpack_year(row.get(0)?, row.get_ref(1)?.as_blob().unwrap_or_default())?)
}

/// The question for up to `limit` lots of a kind and the one behind them, the same wherever it is asked or asked ahead.
pub(crate) fn asking_lots<T>(id: AccountId, phase: u8, limit: u32, ask: impl FnOnce(&str, &[&dyn ToSql]) -> T) -> T {
    ask(LOTS_OF_PHASE, params![id.owner.0, id.program, phase, u64::from(limit) + 1])
}

/// Up to `limit` lots in order, and the one behind them.
fn lots_of_phase(conn: &Connection, id: AccountId, phase: u8, limit: u32) -> Found<(Vec<Lot>, Option<Lot>)> {
    let mut lots = asking_lots(id, phase, limit, |sql, which| {
        let (mut lots, mut statement) = (Vec::new(), conn.prepare_cached(sql)?);
        let mut rows = statement.query(which)?;
        while let Some(row) = rows.next()? {
            lots.push(read_lot(row)?);
        }
        Found::Ok(lots)
    })?;
    let next = if usize::try_from(limit).is_ok_and(|it| it < lots.len()) { lots.pop() } else { None };
    Ok((lots, next))
}

pub(crate) fn read_lot(row: &Row<'_>) -> Found<Lot> {
    let place = Place { phase: row.get(0)?, sort_at: time(row, 1)? };
    let earned_at = time(row, 2)?;
    let available_at = row.get::<_, Option<i64>>(5)?.map_or(earned_at, Timestamp::from_micros);
    let expires_at = row.get::<_, Option<i64>>(6)?.map_or(place.sort_at, Timestamp::from_micros);
    let (graced, certificate) = pack::read_lot_code(row.get(7)?)?;
    let lot = Lot {
        at: LotRef { no: LotNo(row.get(3)?), earned_at, available_at, expires_at },
        order: row.get::<_, Option<u64>>(4)?.map(OrderNo),
        graced,
        certificate,
        dated_by: row.get::<_, Option<u64>>(12)?.map(EntryNo),
        pending: points(row, 8)?,
        available: points(row, 9)?,
        held: points(row, 10)?,
        expired: points(row, 11)?,
        forfeited: Points::new(row.get::<_, Option<i64>>(13)?.unwrap_or(0)),
    };
    if lot.pending.min(lot.available).min(lot.held).min(lot.expired).min(lot.forfeited) < Points::ZERO {
        return Err(Fault::Row("a lot is below zero"));
    }
    let mixed = lot.pending.is_positive() && (lot.available + lot.held).is_positive();
    if mixed || place_of(&lot) != place {
        return Err(Fault::Row("a lot stands in the wrong place"));
    }
    Ok(lot)
}

/// Lots that are named with their dates are asked for together.
pub(crate) fn expect_named(
    conn: &Connection,
    id: AccountId,
    account: &Account,
    named: impl Iterator<Item = LotRef>,
) -> Found<()> {
    for lot in named.filter(|it| account.lot(it.no).is_none()) {
        for phase in [OPEN, CLOSED, WAITING] {
            let place = place_in(phase, lot.available_at, lot.expires_at);
            let (sort_at, earned_at) = (place.sort_at.micros(), lot.earned_at.micros());
            conn.expect(LOT_AT, params![id.owner.0, id.program, phase, sort_at, earned_at, lot.no.0])?;
        }
    }
    Ok(())
}

/// A lot that is named with its dates: at most three look-ups; more only when its dates were moved since.
pub(crate) fn load_lot(conn: &Connection, id: AccountId, account: &mut Account, named: LotRef) -> Found<()> {
    if account.lot(named.no).is_some() {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(LOT_AT)?;
    for phase in [OPEN, CLOSED, WAITING] {
        let place = place_in(phase, named.available_at, named.expires_at);
        let (sort_at, earned_at) = (place.sort_at.micros(), named.earned_at.micros());
        let mut rows = statement.query(params![id.owner.0, id.program, phase, sort_at, earned_at, named.no.0])?;
        if let Some(row) = rows.next()? {
            account.load_lot(read_lot(row)?);
            return Ok(());
        }
    }
    let mut statement = conn.prepare_cached(LOT_NUMBERED)?;
    let mut rows = statement.query(params![id.owner.0, id.program, named.no.0])?;
    let row = rows.next()?.ok_or(Fault::Row("an order or a hold names a lot that is not there"))?;
    account.load_lot(read_lot(row)?);
    Ok(())
}

/// The lot of that number, if there is one.
pub(crate) fn load_lot_numbered(conn: &Connection, id: AccountId, account: &mut Account, no: LotNo) -> Found<()> {
    if account.lot(no).is_some() || i64::try_from(no.0).is_err() {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(LOT_NUMBERED)?;
    let mut rows = statement.query(params![id.owner.0, id.program, no.0])?;
    if let Some(row) = rows.next()? {
        account.load_lot(read_lot(row)?);
    }
    Ok(())
}

/// All lots that have expired points: a look through the lots of the account, for what staff do by hand.
pub(crate) fn load_expired(conn: &Connection, id: AccountId, account: &mut Account) -> Found<()> {
    let mut statement = conn.prepare_cached(LOTS_EXPIRED)?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    while let Some(row) = rows.next()? {
        account.load_lot(read_lot(row)?);
    }
    Ok(())
}

/// The active holds and the lots that they keep points of.
fn load_holds(conn: &Connection, id: AccountId, account: &mut Account) -> Found<()> {
    if !has_holds(account) {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(HOLDS)?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    let mut holds = Vec::new();
    while let Some(row) = rows.next()? {
        holds.push(read_hold(row)?);
    }
    expect_named(conn, id, account, holds.iter().flat_map(|it| &it.taken).map(|it| it.lot))?;
    for hold in holds {
        for taken in &hold.taken {
            load_lot(conn, id, account, taken.lot)?;
        }
        account.load_hold(hold);
    }
    Ok(())
}

/// Whether it may have active ones.
fn has_holds(account: &Account) -> bool {
    account.next_hold != HoldNo(1) || !account.joined.is_empty()
}

/// A hold that a command names and that may have ended.
pub(crate) fn load_hold(conn: &Connection, id: AccountId, account: &mut Account, no: HoldNo) -> Found<()> {
    if account.hold(no).is_some() || i64::try_from(no.0).is_err() {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(HOLD_CLOSED)?;
    let mut rows = statement.query(params![id.owner.0, id.program, no.0])?;
    if let Some(row) = rows.next()? {
        account.load_hold(read_hold(row)?);
    }
    Ok(())
}

pub(crate) fn read_hold(row: &Row<'_>) -> Found<Hold> {
    let lapses_at = time(row, 1)?;
    let state = match (row.get::<_, bool>(4)?, row.get::<_, Option<u64>>(2)?) {
        (false, None) => HoldState::Active,
        (false, Some(_)) => return Err(Fault::Row("a hold is both active and taken")),
        (true, None) => HoldState::Ended,
        (true, Some(order)) => HoldState::Taken(OrderNo(order)),
    };
    let taken = pack::unpack_taken(row.get_ref(3)?.as_blob().unwrap_or_default(), lapses_at)?;
    Ok(Hold { no: HoldNo(row.get(0)?), state, lapses_at, points: points(row, 5)?, taken })
}

/// What the columns of an order say besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderRow {
    pub(crate) order: Order,
    pub(crate) channel: u32,
    pub(crate) reference: String,
    /// The day on which it was first recorded.
    pub(crate) day: String,
}

/// An order, the orders whose steps it has displaced, and the lots that they name.
pub(crate) fn load_order(conn: &Connection, id: AccountId, account: &mut Account, no: OrderNo) -> Found<Vec<OrderRow>> {
    let found = find_order(conn, id, no)?.ok_or(Fault::Row("the directory names an order that is not there"))?;
    expect_named(conn, id, account, found.order.posted.lots())?;
    for displaced in &found.order.posted.displaced {
        conn.expect(ORDER, params![id.owner.0, id.program, displaced.order.0])?;
    }
    let mut loaded = Vec::new();
    for displaced in &found.order.posted.displaced {
        if account.order(displaced.order).is_none() {
            let other = find_order(conn, id, displaced.order)?;
            loaded.push(other.ok_or(Fault::Row("an order names another that is not there"))?);
        }
    }
    loaded.push(found);
    for it in &loaded {
        load_order_row(conn, id, account, it)?;
    }
    Ok(loaded)
}

/// The last `limit` orders: only decisions about carried steps look at other orders than their own.
pub(crate) fn load_orders(conn: &Connection, id: AccountId, account: &mut Account, limit: u32) -> Found<Vec<OrderRow>> {
    let mut statement = conn.prepare_cached(ORDERS_LAST)?;
    let mut rows = statement.query(params![id.owner.0, id.program, limit])?;
    let mut loaded = Vec::new();
    while let Some(row) = rows.next()? {
        loaded.push(read_order(row)?);
    }
    expect_named(conn, id, account, loaded.iter().flat_map(|it| it.order.posted.lots()))?;
    for it in &loaded {
        load_order_row(conn, id, account, it)?;
    }
    let is_all = usize::try_from(limit).is_ok_and(|it| loaded.len() < it);
    account.horizon.orders = if is_all { None } else { loaded.last().map(|it| it.order.no) };
    Ok(loaded)
}

/// How many lots and orders have numbers of a place or a later one.
pub(crate) fn rows_from(conn: &Connection, id: AccountId, from: engine::Place) -> Found<u64> {
    let select = "SELECT (SELECT count(*) FROM lots WHERE owner_id = $1 AND program = $2 AND lot_no >= $3)
        + (SELECT count(*) FROM orders WHERE owner_id = $1 AND program = $2 AND order_no >= $3)
        + (SELECT count(*) FROM claims WHERE owner_id = $1 AND program = $2 AND claim_no >= $3)";
    let mut statement = conn.prepare_cached(select)?;
    Ok(statement.query_row(params![id.owner.0, id.program, LotNo::first(from).raw()], |row| row.get(0))?)
}

/// All that has numbers of a place or a later one, all years and all conversions: for merges.
pub(crate) fn load_from(
    conn: &Connection,
    id: AccountId,
    account: &mut Account,
    from: engine::Place,
    fits: impl Fn(ConversionKey) -> bool,
) -> Found<Vec<OrderRow>> {
    let first = LotNo::first(from).raw();
    let mut statement = conn.prepare_cached(LOTS_FROM)?;
    let mut rows = statement.query(params![id.owner.0, id.program, first])?;
    while let Some(row) = rows.next()? {
        account.load_lot(read_lot(row)?);
    }
    let mut statement = conn.prepare_cached(HOLDS_FROM)?;
    let mut rows = statement.query(params![id.owner.0, id.program, first])?;
    while let Some(row) = rows.next()? {
        account.load_hold(read_hold(row)?);
    }
    let mut statement = conn.prepare_cached(ORDERS_FROM)?;
    let mut rows = statement.query(params![id.owner.0, id.program, first])?;
    let mut loaded = Vec::new();
    while let Some(row) = rows.next()? {
        loaded.push(read_order(row)?);
    }
    for it in &loaded {
        load_order_row(conn, id, account, it)?;
    }
    load_years(conn, id, account, Some(i16::MIN))?;
    if !account.balance.converted.is_zero() {
        load_conversions(conn, id, account, u32::MAX, fits)?;
    }
    load_claims(conn, id, account)?;
    if from == engine::Place::OWN {
        account.horizon = Horizon::default();
    }
    Ok(loaded)
}

fn load_order_row(conn: &Connection, id: AccountId, account: &mut Account, row: &OrderRow) -> Found<()> {
    if account.order(row.order.no).is_none() {
        for lot in row.order.posted.lots() {
            load_lot(conn, id, account, lot)?;
        }
        account.load_order(row.order.clone());
    }
    Ok(())
}

/// The last `limit` conversions that `fits` and the lots that they name. Only what an order gives back looks at them.
pub(crate) fn load_conversions(
    conn: &Connection,
    id: AccountId,
    account: &mut Account,
    limit: u32,
    fits: impl Fn(ConversionKey) -> bool,
) -> Found<()> {
    let mut statement = conn.prepare_cached(CONVERSIONS_LAST)?;
    let mut rows = statement.query(params![id.owner.0, id.program, limit])?;
    let mut loaded = Vec::new();
    while let Some(row) = rows.next()? {
        loaded.push(read_conversion(row)?);
    }
    let taken = loaded.iter().filter(|it| fits(it.key())).flat_map(|it| &it.taken).map(|it| it.lot);
    expect_named(conn, id, account, taken)?;
    let is_all = usize::try_from(limit).is_ok_and(|it| loaded.len() < it);
    account.horizon.conversions = if is_all { None } else { loaded.last().map(Conversion::key) };
    for it in loaded.into_iter().filter(|it| fits(it.key())) {
        for taken in &it.taken {
            load_lot(conn, id, account, taken.lot)?;
        }
        account.load_conversion(it);
    }
    Ok(())
}

/// The conversion of that key, if there is one, and the lots that it names.
pub(crate) fn load_conversion(
    conn: &Connection,
    id: AccountId,
    account: &mut Account,
    key: ConversionKey,
) -> Found<()> {
    let mut statement = conn.prepare_cached(CONVERSION)?;
    let target = pack::target_number(key.target);
    let mut rows = statement.query(params![id.owner.0, id.program, key.at.micros(), target, key.no.0])?;
    let Some(row) = rows.next()? else { return Ok(()) };
    let found = read_conversion(row)?;
    for taken in &found.taken {
        load_lot(conn, id, account, taken.lot)?;
    }
    account.load_conversion(found);
    Ok(())
}

pub(crate) fn read_conversion(row: &Row<'_>) -> Found<Conversion> {
    let conversion = pack::unpack_conversion(row.get_ref(3)?.as_blob().unwrap_or_default())?;
    let ConversionKey { at, target, no } = conversion.key();
    if (at, pack::target_number(target), no) != (time(row, 0)?, row.get(1)?, LotNo(row.get(2)?)) {
        return Err(Fault::Row("a conversion stands in the wrong place"));
    }
    Ok(conversion)
}

pub(crate) fn find_order(conn: &Connection, id: AccountId, no: OrderNo) -> Found<Option<OrderRow>> {
    let mut statement = conn.prepare_cached(ORDER)?;
    let mut rows = statement.query(params![id.owner.0, id.program, no.0])?;
    rows.next()?.map(read_order).transpose()
}

pub(crate) fn read_order(row: &Row<'_>) -> Found<OrderRow> {
    let document = pack::unpack_document(row.get_ref(4)?.as_blob().unwrap_or_default())?;
    let state = pack::unpack_state(row.get_ref(5)?.as_blob().unwrap_or_default(), document.placed_at)?;
    let order = Order {
        no: OrderNo(row.get(0)?),
        pinned: state.pinned,
        document: Some(document.into()),
        asked: state.asked,
        accepted: state.accepted,
        credit_asked: state.credit_asked,
        credit_accepted: state.credit_accepted,
        certificates: state.certificates,
        posted: state.posted,
        returned: state.returned,
    };
    Ok(OrderRow { order, channel: row.get(1)?, reference: row.get(2)?, day: row.get(3)? })
}

pub(crate) const ENTRY: &str = "SELECT entry_no, at, kind, order_no, body FROM entries
    WHERE owner_id = $1 AND program = $2 AND entry_no = $3";

pub(crate) fn find_entry(conn: &Connection, id: AccountId, no: EntryNo) -> Found<Option<Entry>> {
    let mut statement = conn.prepare_cached(ENTRY)?;
    let mut rows = statement.query(params![id.owner.0, id.program, no.0])?;
    rows.next()?.map(read_entry).transpose()
}

pub(crate) fn read_entry(row: &Row<'_>) -> Found<Entry> {
    let number = EntryNo(row.get(0)?);
    let order = row.get::<_, Option<u64>>(3)?.map(OrderNo);
    let columns = pack::EntryRow { number, at: time(row, 1)?, kind: row.get(2)?, order };
    Ok(pack::unpack_entry(columns, row.get_ref(4)?.as_blob().unwrap_or_default())?)
}
