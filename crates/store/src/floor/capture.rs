//! What a floor is made of: how a database differs from what it was before.

use std::collections::{BTreeMap, BTreeSet};

use super::{AccountRow, Bound, Command, Floor, OrderRow};
use crate::directory::order_key;
use crate::fault::{Fault, Found};
use crate::rows::{self, AccountId, CLOSED};
use crate::sql::{self, Connection, Row, Value, params};
use crate::totals::{COLUMNS_TEXT, Totals, TotalsKey, read_totals};

// What is selected stands in the order in which it is bound again.
const ACCOUNTS: &str = "SELECT pending, available, held, owed, let_go, issued, redeemed, revoked, deducted, converted,
        expired, forfeited, moved, last_at, next_entry, next_lot, next_order, next_hold, carried, extension, owner_id, program,
        due_at
    FROM accounts WHERE ($1, $2) < (owner_id, program) ORDER BY owner_id, program LIMIT 10000";
const ACCOUNT: &str =
    "SELECT next_entry, next_lot, next_order, due_at FROM accounts WHERE owner_id = $1 AND program = $2";
const LOTS: &str =
    "SELECT owner_id, program, phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
        pending, available, held, expired, dated_by, forfeited
    FROM lots WHERE owner_id = $1 AND program = $2";
const ENTRIES: &str = "SELECT owner_id, program, entry_no, at, biz_date, kind, order_no, body
    FROM entries WHERE owner_id = $1 AND program = $2 AND $3 <= entry_no";
const ORDERS: &str = "SELECT owner_id, program, order_no, channel, reference, biz_date, document, state
    FROM orders WHERE owner_id = $1 AND program = $2 AND $3 <= order_no ORDER BY order_no";

impl Command {
    fn of(account: AccountId) -> Self {
        let (lots_gone, lots, entries) = (Vec::new(), Vec::new(), Vec::new());
        Self { account, at: 0, order: None, lots_gone, lots, entries }
    }
}

impl Floor {
    pub(super) fn read(&mut self, conn: &Connection, earlier: &Connection) -> Found<()> {
        let mut accounts = conn.prepare_cached(ACCOUNTS)?;
        let mut after = (Vec::new(), 0_i64);
        loop {
            conn.begin_reading()?;
            earlier.begin_reading()?;
            let mut page = Vec::new();
            let mut rows = accounts.query(params![after.0, after.1])?;
            while let Some(row) = rows.next()? {
                let id = AccountId { owner: rows::member(row, 20)?, program: row.get(21)? };
                page.push(Changed { id, figures: bound(row, 22)?, due_at: row.get(22)?, before: None });
            }
            drop(rows);
            let Some(last) = page.last() else { break };
            after = (last.id.owner.0.to_vec(), last.id.program.into());
            for it in changed(conn, earlier, page)? {
                self.read_account(conn, earlier, it)?;
            }
            conn.roll_back()?;
            earlier.roll_back()?;
        }
        let (before, days) =
            (totals_of(earlier)?, self.commands.iter().flat_map(Command::days).collect::<BTreeSet<_>>());
        for (key, totals) in totals_of(conn)? {
            let added = before.get(&key).map_or(totals, |it| totals.minus(it));
            if added != Totals::default() {
                if !days.contains(&key) {
                    return Err(Fault::Row("the floor is for orders and sweeps: sums have changed that none explains"));
                }
                self.totals.insert(key, added);
            }
        }
        Ok(())
    }

    fn read_account(&mut self, conn: &Connection, earlier: &Connection, changed: Changed) -> Found<()> {
        let Changed { id, figures, due_at, before } = changed;
        let (is_new, due_before) = (before.is_none(), before.and_then(|it| it.1));
        let [entry, lot, order] = before.map_or([1; 3], |it| it.0);
        let key = params![id.owner.0, id.program];
        let first = self.commands.len();
        for row in all(conn, ORDERS, params![id.owner.0, id.program, order])? {
            self.commands.push(order_command(id, row)?);
        }
        let added = &mut self.commands[first..];
        let mut swept = Command { at: due_before.unwrap_or(0), ..Command::of(id) };
        let lots_before: BTreeMap<Value, Bound> =
            all(earlier, LOTS, key)?.into_iter().map(|it| (it[5].clone(), it)).collect();
        for row in all(conn, LOTS, key)? {
            match lots_before.get(&row[5]) {
                None if matches!(row[5], Value::Integer(no) if lot <= no) => order_of(added, &row[6])?.lots.push(row),
                Some(before) if *before == row => {}
                Some(before) if has_expired(before, &row) => {
                    swept.lots_gone.push(before[..6].to_vec());
                    swept.lots.push(row);
                }
                Some(_) | None => return Err(Fault::Row("the floor is for orders that earn: another lot has changed")),
            }
        }
        for row in all(conn, ENTRIES, params![id.owner.0, id.program, entry])? {
            if row[6] == Value::Null {
                swept.entries.push(row);
                continue;
            }
            let order = order_of(added, &row[6])?;
            order.at = if let Value::Integer(at) = row[3] { at } else { 0 };
            order.entries.push(row);
        }
        let has_swept = !swept.lots.is_empty() || !swept.entries.is_empty();
        match (added.is_empty(), swept.lots.is_empty()) {
            (false, _) if has_swept => {
                return Err(Fault::Row("the floor is for orders or sweeps: an account has had both"));
            }
            (true, true) if has_swept => {
                return Err(Fault::Row("the floor is for orders and sweeps: an entry belongs to neither"));
            }
            (true, _) => self.commands.push(swept),
            (false, _) => {}
        }
        let due_at = (due_at != due_before).then_some(due_at);
        self.accounts.insert(id, AccountRow { figures, is_new, due_at });
        Ok(())
    }
}

fn order_command(id: AccountId, row: Bound) -> Found<Command> {
    let (Value::Integer(number), Value::Integer(channel), Value::Text(reference)) = (&row[2], &row[3], &row[4]) else {
        return Err(Fault::Row("an order has no number or no reference"));
    };
    let reference = std::str::from_utf8(reference).map_err(|_| Fault::Row("a reference is no text"))?;
    let channel = u32::try_from(*channel).map_err(|_| Fault::Row("a channel has a strange number"))?;
    let (key, number) = (order_key(channel, reference), *number);
    Ok(Command { order: Some(OrderRow { key, number, row }), ..Command::of(id) })
}

/// Whether a lot that had points to spend has nothing but expired ones.
fn has_expired(before: &Bound, row: &Bound) -> bool {
    let is_closed = |it: &Bound| it[2] == Value::Integer(CLOSED.into());
    let nothing = |it: &Value| matches!(it, Value::Integer(0));
    !is_closed(before) && is_closed(row) && row[10..13].iter().all(nothing) && row[13] == before[11]
}

/// An account, and how its numbers and its date stood before, if it was there.
struct Changed {
    id: AccountId,
    figures: Bound,
    due_at: Option<i64>,
    before: Option<([i64; 3], Option<i64>)>,
}

/// The accounts of a page that have other numbers than before, or are due at another time. What is looked up of them is asked ahead.
fn changed(conn: &Connection, earlier: &Connection, page: Vec<Changed>) -> Found<Vec<Changed>> {
    if let Some(mut ahead) = earlier.ahead() {
        page.iter().try_for_each(|it| ahead.ask(ACCOUNT, params![it.id.owner.0, it.id.program]))?;
        ahead.fetch()?;
    }
    let mut changed = Vec::new();
    for mut it in page {
        let mut statement = earlier.prepare_cached(ACCOUNT)?;
        let mut found = statement.query(params![it.id.owner.0, it.id.program])?;
        if let Some(row) = found.next()? {
            it.before = Some(([row.get(0)?, row.get(1)?, row.get(2)?], row.get(3)?));
        }
        let (next, due_before) = it.before.unwrap_or(([1; 3], None));
        if it.figures[14..17] != next.map(Value::Integer) || it.due_at != due_before {
            changed.push(it);
        }
    }
    if let (Some(mut now), Some(mut before)) = (conn.ahead(), earlier.ahead()) {
        for Changed { id, before: was, .. } in &changed {
            let [entry, _, order] = was.map_or([1; 3], |it| it.0);
            now.ask(ORDERS, params![id.owner.0, id.program, order])?;
            now.ask(LOTS, params![id.owner.0, id.program])?;
            now.ask(ENTRIES, params![id.owner.0, id.program, entry])?;
            before.ask(LOTS, params![id.owner.0, id.program])?;
        }
        now.fetch()?;
        before.fetch()?;
    }
    Ok(changed)
}

fn bound(row: &Row<'_>, columns: usize) -> sql::Result<Bound> {
    (0..columns).map(|it| row.get_ref(it).map(Value::of)).collect()
}

fn all(conn: &Connection, select: &str, key: &[&dyn sql::ToSql]) -> Found<Vec<Bound>> {
    let columns = select.split_once(" FROM ").map_or(0, |it| it.0.split(',').count());
    let mut statement = conn.prepare_cached(select)?;
    let rows = statement.query_map(key, |row| bound(row, columns))?;
    Ok(rows.collect::<sql::Result<_>>()?)
}

/// Which of the added orders a row belongs to.
fn order_of<'a>(added: &'a mut [Command], no: &Value) -> Found<&'a mut Command> {
    let found = added.iter_mut().find(|it| it.order.as_ref().is_some_and(|it| it.row[2] == *no));
    found.ok_or(Fault::Row("the floor is for orders that earn: a row belongs to none of them"))
}

fn totals_of(conn: &Connection) -> Found<BTreeMap<TotalsKey, Totals>> {
    let mut statement = conn.prepare_cached(&format!("SELECT program, channel, day, {COLUMNS_TEXT} FROM totals"))?;
    let mut rows = statement.query([])?;
    let mut totals: BTreeMap<TotalsKey, Totals> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let key = TotalsKey { program: row.get(0)?, channel: row.get(1)?, day: row.get(2)? };
        // One row of each lane.
        totals.entry(key).or_default().add(&read_totals(row, 3)?);
    }
    Ok(totals)
}
