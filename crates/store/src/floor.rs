//! The floor that the speed of the store is measured against: the rows that the store wrote for some orders, written again
//! into a copy of the database with no rules and no look-ups.
//!
//! Same rows, same statements, same durability and checkpoints; a batch is sorted by key, and what belongs to an owner is
//! written together. On a server all of a batch is on its way before anything is waited for. For measuring only: a copy that
//! was written to can be read like any ledger, but not be measured on again. Bounded by the rows of the orders, which are
//! held in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Timestamp;

use crate::checkpoint::{Checkpointer, LogWritten, Progress, open_file};
use crate::database::Database;
use crate::directory::{DirectoryKey, order_key};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::file::{connect, lock, open_writing};
use crate::gate::Gate;
use crate::postgres::Purpose;
use crate::query::reading;
use crate::rows::{self, AccountId};
use crate::save::{
    INSERT_ACCOUNT, INSERT_ENTRY, INSERT_LISTED, INSERT_LOT, INSERT_ORDER, MOVE_DUE, UPDATE_ACCOUNT, one,
};
use crate::sql::{self, Connection, Row, Statement, Value, params};
use crate::totals::{COLUMNS_TEXT, Totals, TotalsKey, read_totals, save_totals};

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

/// The rows of some orders, ready to be written.
#[derive(Debug)]
pub struct Floor {
    /// In the order in which they were recorded.
    orders: Vec<OrderRows>,
    accounts: BTreeMap<AccountId, AccountRow>,
    totals: BTreeMap<TotalsKey, Totals>,
}

type Bound = Vec<Value>;

#[derive(Debug)]
struct OrderRows {
    account: AccountId,
    /// When its entry was made; an order that earned nothing comes first.
    at: i64,
    key: DirectoryKey,
    number: i64,
    order: Bound,
    lots: Vec<Bound>,
    entries: Vec<Bound>,
}

#[derive(Debug)]
struct AccountRow {
    figures: Bound,
    is_new: bool,
    /// Only when it is another than before.
    due_at: Option<i64>,
}

/// What one measurement came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloorRun {
    pub orders: usize,
    pub seconds: f64,
    pub log: LogWritten,
}

impl Floor {
    /// Reads what the store has added to a database since it was copied: orders that earn, of members that were there.
    ///
    /// # Errors
    /// When one cannot be read, or more than that has happened.
    pub fn capture(after: &Database, before: &Database) -> Result<Self, StoreError> {
        let (conn, earlier) = (reading(after)?, reading(before)?);
        let mut floor = Self { orders: Vec::new(), accounts: BTreeMap::new(), totals: BTreeMap::new() };
        floor.read(&conn, &earlier).map_err(|fault| match fault {
            Fault::Row(what) => StoreError::Database { path: after.path().to_owned(), what: what.to_owned() },
            fault => fault.at(after.path()),
        })?;
        floor.orders.sort_by_key(|it| (it.at, it.key));
        Ok(floor)
    }

    /// How many orders there are.
    pub fn orders(&self) -> usize {
        self.orders.len()
    }

    /// Writes all orders into a fresh copy of the database as it was before, so many in a transaction.
    ///
    /// # Errors
    /// When it cannot be written, or the orders are there already.
    pub fn run(&self, copy: &Database, batch: usize) -> Result<FloorRun, StoreError> {
        let mut bare = Bare::open(copy)?;
        let mut known = BTreeSet::new();
        let mut took = Duration::ZERO;
        for (index, orders) in self.orders.chunks(batch.max(1)).enumerate() {
            let sorted = self.sorted(orders, index == 0, &mut known);
            took += bare.write(&sorted)?;
        }
        Ok(FloorRun { orders: self.orders(), seconds: took.as_secs_f64(), log: bare.written() })
    }

    /// Writes the first orders into another fresh copy, each in a transaction of its own, and answers how long each took.
    ///
    /// # Errors
    /// As `run`.
    pub fn single(&self, copy: &Database, orders: usize) -> Result<Vec<Duration>, StoreError> {
        let mut bare = Bare::open(copy)?;
        let mut known = BTreeSet::new();
        let orders = &self.orders[..orders.min(self.orders.len())];
        let each = orders.chunks(1).enumerate();
        each.map(|(index, order)| bare.write(&self.sorted(order, index == 0, &mut known))).collect()
    }

    fn read(&mut self, conn: &Connection, earlier: &Connection) -> Found<()> {
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
        let before = totals_of(earlier)?;
        for (key, totals) in totals_of(conn)? {
            let added = before.get(&key).map_or(totals, |it| totals.minus(it));
            if added != Totals::default() {
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
        let first = self.orders.len();
        for row in all(conn, ORDERS, params![id.owner.0, id.program, order])? {
            let (Value::Integer(number), Value::Integer(channel), Value::Text(reference)) = (&row[2], &row[3], &row[4])
            else {
                return Err(Fault::Row("an order has no number or no reference"));
            };
            let reference = std::str::from_utf8(reference).map_err(|_| Fault::Row("a reference is no text"))?;
            let channel = u32::try_from(*channel).map_err(|_| Fault::Row("a channel has a strange number"))?;
            let (key, number) = (order_key(channel, reference), *number);
            let (lots, entries) = (Vec::new(), Vec::new());
            self.orders.push(OrderRows { account: id, at: 0, key, number, order: row, lots, entries });
        }
        let added = &mut self.orders[first..];
        for row in all(conn, LOTS, key)? {
            if matches!(row[5], Value::Integer(no) if lot <= no) {
                order_of(added, &row[6])?.lots.push(row);
            } else if !all(earlier, LOTS, key)?.contains(&row) {
                return Err(Fault::Row("the floor is for orders that earn: another lot has changed"));
            }
        }
        for row in all(conn, ENTRIES, params![id.owner.0, id.program, entry])? {
            let order = order_of(added, &row[6])?;
            order.at = if let Value::Integer(at) = row[3] { at } else { 0 };
            order.entries.push(row);
        }
        let due_at = due_at.filter(|_| due_at != due_before);
        self.accounts.insert(id, AccountRow { figures, is_new, due_at });
        Ok(())
    }

    /// What a transaction writes, in the order of its keys.
    fn sorted<'a>(&'a self, orders: &'a [OrderRows], is_first: bool, known: &mut BTreeSet<AccountId>) -> Sorted<'a> {
        let mut owners: BTreeMap<AccountId, Owner<'a>> = BTreeMap::new();
        for order in orders {
            let owner = owners.entry(order.account).or_insert_with(|| Owner {
                row: &self.accounts[&order.account],
                is_first: known.insert(order.account),
                orders: Vec::new(),
            });
            owner.orders.push(order);
        }
        let nothing = self.totals.keys().map(|key| (key.clone(), Totals::default()));
        let totals = if is_first { self.totals.clone() } else { nothing.collect() };
        let mut listed: Vec<&OrderRows> = orders.iter().collect();
        listed.sort_by_key(|it| it.key);
        Sorted { listed, owners, totals }
    }
}

struct Sorted<'a> {
    listed: Vec<&'a OrderRows>,
    owners: BTreeMap<AccountId, Owner<'a>>,
    totals: BTreeMap<TotalsKey, Totals>,
}

struct Owner<'a> {
    row: &'a AccountRow,
    /// Whether no earlier transaction has written it.
    is_first: bool,
    orders: Vec<&'a OrderRows>,
}

/// An account, and how its numbers and its date stood before, if it was there.
struct Changed {
    id: AccountId,
    figures: Bound,
    due_at: Option<i64>,
    before: Option<([i64; 3], Option<i64>)>,
}

/// The accounts of a page that have other numbers than before. What is looked up of them is asked ahead.
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
        let next = it.before.map_or([1; 3], |it| it.0);
        if it.figures[14..17] != next.map(Value::Integer) {
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

/// A writer without rules.
struct Bare {
    conn: Connection,
    path: PathBuf,
    file: Option<BareFile>,
}

/// What a file needs besides.
struct BareFile {
    progress: Arc<Progress>,
    checkpointer: Checkpointer,
    gate: Gate,
    _file: Arc<std::fs::File>,
    _lock: std::fs::File,
}

impl Bare {
    fn open(copy: &Database) -> Result<Self, StoreError> {
        let path = copy.path().to_owned();
        match copy {
            Database::Sqlite(file) => {
                let (conn, file) = BareFile::open(file)?;
                Ok(Self { conn, path, file: Some(file) })
            }
            Database::Postgres(address) => Ok(Self { conn: address.connect(Purpose::Writing)?, path, file: None }),
        }
    }

    fn written(&self) -> LogWritten {
        self.file.as_ref().map_or_else(LogWritten::default, |it| it.progress.written())
    }

    fn write(&mut self, sorted: &Sorted<'_>) -> Result<Duration, StoreError> {
        let began = Instant::now();
        self.transact(sorted).map_err(|fault| fault.at(&self.path))?;
        let failed = self.file.as_mut().zip(self.conn.file());
        let failed = failed.and_then(|(it, file)| it.checkpointer.after_commit(file, &self.path, &it.gate));
        failed.map_or_else(|| Ok(began.elapsed()), Err)
    }

    fn transact(&self, sorted: &Sorted<'_>) -> Found<()> {
        let conn = &self.conn;
        conn.begin_writing()?;
        conn.all_at_once(|| {
            let mut listed = conn.prepare_cached(INSERT_LISTED)?;
            for it in &sorted.listed {
                one(listed.execute(params![it.key, it.account.owner.0, 2, it.account.program, it.number])?)?;
            }
            let (mut insert, mut update) = (conn.prepare_cached(INSERT_ACCOUNT)?, conn.prepare_cached(UPDATE_ACCOUNT)?);
            let mut move_due = conn.prepare_cached(MOVE_DUE)?;
            let (mut lots, mut orders, mut entries) = (
                conn.prepare_cached(INSERT_LOT)?,
                conn.prepare_cached(INSERT_ORDER)?,
                conn.prepare_cached(INSERT_ENTRY)?,
            );
            for (id, owner) in &sorted.owners {
                let account = if owner.row.is_new && owner.is_first { &mut insert } else { &mut update };
                write(account, &owner.row.figures)?;
                if let Some(due_at) = owner.row.due_at.filter(|_| owner.is_first) {
                    one(move_due.execute(params![due_at, id.owner.0, id.program])?)?;
                }
                owner.orders.iter().flat_map(|it| &it.lots).try_for_each(|it| write(&mut lots, it))?;
                owner.orders.iter().try_for_each(|it| write(&mut orders, &it.order))?;
                owner.orders.iter().flat_map(|it| &it.entries).try_for_each(|it| write(&mut entries, it))?;
            }
            save_totals(conn, 0, &sorted.totals)
        })?;
        Ok(conn.commit()?)
    }
}

impl BareFile {
    fn open(path: &Path) -> Result<(Connection, Self), StoreError> {
        let lock = lock(path)?;
        let progress = Arc::new(Progress::default());
        let conn = open_writing(path, Timestamp::START, &progress)?;
        let file = open_file(path)?;
        let checkpointer = Checkpointer::start(connect(path)?, path, &file, &progress);
        let checkpointer = checkpointer.map_err(|error| StoreError::io(path, &error))?;
        Ok((conn, Self { progress, checkpointer, gate: Gate::default(), _file: file, _lock: lock }))
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        if let (Some(it), Some(file)) = (self.file.take(), self.conn.file()) {
            it.checkpointer.close(file, &it.gate);
        }
    }
}

fn write(statement: &mut Statement<'_>, row: &Bound) -> Found<()> {
    one(statement.execute(row)?)
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
fn order_of<'a>(added: &'a mut [OrderRows], no: &Value) -> Found<&'a mut OrderRows> {
    let found = added.iter_mut().find(|it| it.order[2] == *no);
    found.ok_or(Fault::Row("the floor is for orders that earn: a row belongs to none of them"))
}

fn totals_of(conn: &Connection) -> Found<BTreeMap<TotalsKey, Totals>> {
    let mut statement = conn.prepare_cached(&format!("SELECT program, channel, day, {COLUMNS_TEXT} FROM totals"))?;
    let mut rows = statement.query([])?;
    let mut totals: BTreeMap<TotalsKey, Totals> = BTreeMap::new();
    while let Some(row) = rows.next()? {
        let key = TotalsKey { program: row.get(0)?, channel: row.get(1)?, day: row.get(2)? };
        totals.entry(key).or_default().add(&read_totals(row, 3)?);
    }
    Ok(totals)
}
