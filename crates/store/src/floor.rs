//! The floor that the speed of the store is measured against: the rows that the store wrote for some commands, written again
//! into a copy of the database with no rules and no look-ups.
//!
//! Same rows, same statements, same durability and checkpoints; a batch is sorted by key, and what belongs to an owner is
//! written together. On a server all of a batch is on its way before anything is waited for. For measuring only: a copy that
//! was written to can be read like any ledger, but not be measured on again. Bounded by the rows of the commands, which are
//! held in memory.

mod capture;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::Timestamp;

use crate::checkpoint::{Checkpointer, LogWritten, Progress, open_file};
use crate::database::Database;
use crate::directory::DirectoryKey;
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::file::{connect, lock, open_writing};
use crate::gate::Gate;
use crate::postgres::Purpose;
use crate::query::reading;
use crate::rows::AccountId;
use crate::save::{
    DELETE_LOT, INSERT_ACCOUNT, INSERT_ENTRY, INSERT_LISTED, INSERT_LOT, INSERT_ORDER, MOVE_DUE, UPDATE_ACCOUNT, one,
};
use crate::sql::{Connection, Statement, Value, params};
use crate::totals::{Totals, TotalsKey, save_totals};

/// The rows of some commands, ready to be written.
#[derive(Debug)]
pub struct Floor {
    /// In the order in which they were recorded.
    commands: Vec<Command>,
    accounts: BTreeMap<AccountId, AccountRow>,
    totals: BTreeMap<TotalsKey, Totals>,
}

type Bound = Vec<Value>;

/// What one command wrote: an order, or the sweeper to an account.
#[derive(Debug)]
struct Command {
    account: AccountId,
    /// When the entry of an order was made; one that earned nothing comes first. When a swept account was due.
    at: i64,
    order: Option<OrderRow>,
    lots_gone: Vec<Bound>,
    lots: Vec<Bound>,
    entries: Vec<Bound>,
}

#[derive(Debug)]
struct OrderRow {
    key: DirectoryKey,
    number: i64,
    row: Bound,
}

#[derive(Debug)]
struct AccountRow {
    figures: Bound,
    is_new: bool,
    /// Only when it is another than before.
    due_at: Option<Option<i64>>,
}

/// What one measurement came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloorRun {
    /// How many commands.
    pub commands: usize,
    pub seconds: f64,
    pub log: LogWritten,
}

impl Floor {
    /// Reads what the store has done to a database since it was copied: orders that earn, of members that were there, or a
    /// sweep over lots that had expired.
    ///
    /// # Errors
    /// When one cannot be read, or more than that has happened.
    pub fn capture(after: &Database, before: &Database) -> Result<Self, StoreError> {
        let (conn, earlier) = (reading(after)?, reading(before)?);
        let mut floor = Self { commands: Vec::new(), accounts: BTreeMap::new(), totals: BTreeMap::new() };
        floor.read(&conn, &earlier).map_err(|fault| match fault {
            Fault::Row(what) => StoreError::Database { path: after.path().to_owned(), what: what.to_owned() },
            fault => fault.at(after.path()),
        })?;
        floor.commands.sort_by_key(|it| (it.at, it.order.as_ref().map(|it| it.key), it.account));
        Ok(floor)
    }

    /// How many commands there are: orders, or accounts that were swept.
    pub fn commands(&self) -> usize {
        self.commands.len()
    }

    /// How many lots they have made or moved.
    pub fn lots(&self) -> usize {
        self.commands.iter().map(|it| it.lots.len()).sum()
    }

    /// Writes all of them into a fresh copy of the database as it was before, so many in a transaction.
    ///
    /// # Errors
    /// When it cannot be written, or the rows are there already.
    pub fn run(&self, copy: &Database, batch: usize) -> Result<FloorRun, StoreError> {
        let mut bare = Bare::open(copy)?;
        let mut left = self.left();
        let mut took = Duration::ZERO;
        for commands in self.commands.chunks(batch.max(1)) {
            took += bare.write(&self.sorted(commands, &mut left))?;
        }
        Ok(FloorRun { commands: self.commands(), seconds: took.as_secs_f64(), log: bare.written() })
    }

    /// Writes the first ones into another fresh copy, each in a transaction of its own, and answers how long each took.
    ///
    /// # Errors
    /// As `run`.
    pub fn single(&self, copy: &Database, commands: usize) -> Result<Vec<Duration>, StoreError> {
        let mut bare = Bare::open(copy)?;
        let mut left = self.left();
        let commands = &self.commands[..commands.min(self.commands.len())];
        commands.chunks(1).map(|it| bare.write(&self.sorted(it, &mut left))).collect()
    }

    fn left(&self) -> Left {
        Left { known: BTreeSet::new(), totals: self.totals.clone() }
    }

    /// What a transaction writes, in the order of its keys.
    fn sorted<'a>(&'a self, commands: &'a [Command], left: &mut Left) -> Sorted<'a> {
        let mut owners: BTreeMap<AccountId, Owner<'a>> = BTreeMap::new();
        let mut totals = BTreeMap::new();
        for command in commands {
            let owner = owners.entry(command.account).or_insert_with(|| Owner {
                row: &self.accounts[&command.account],
                is_first: left.known.insert(command.account),
                commands: Vec::new(),
            });
            owner.commands.push(command);
            for key in command.days() {
                // All of a row at once, when it is first touched: it is touched as often as the store does.
                let added = left.totals.remove(&key);
                totals.entry(key).or_insert_with(|| added.unwrap_or_default());
            }
        }
        let listed = |it: &'a Command| it.order.as_ref().map(|order| (order, it.account));
        let mut listed: Vec<_> = commands.iter().filter_map(listed).collect();
        listed.sort_by_key(|it| it.0.key);
        Sorted { listed, owners, totals }
    }
}

impl Command {
    /// The sums that it adds to.
    fn days(&self) -> BTreeSet<TotalsKey> {
        let channel = match self.order.as_ref().map(|it| &it.row[3]) {
            Some(Value::Integer(it)) => u32::try_from(*it).unwrap_or(0),
            _ => 0,
        };
        let order = self.order.iter().map(|it| &it.row[5]);
        let days = order.chain(self.entries.iter().map(|it| &it[4]));
        let key = |day: &Value| match day {
            Value::Text(day) => Some(TotalsKey {
                program: self.account.program,
                channel,
                day: String::from_utf8_lossy(day).into_owned(),
            }),
            _ => None,
        };
        days.filter_map(key).collect()
    }
}

/// What no transaction has written yet.
struct Left {
    known: BTreeSet<AccountId>,
    totals: BTreeMap<TotalsKey, Totals>,
}

struct Sorted<'a> {
    listed: Vec<(&'a OrderRow, AccountId)>,
    owners: BTreeMap<AccountId, Owner<'a>>,
    totals: BTreeMap<TotalsKey, Totals>,
}

struct Owner<'a> {
    row: &'a AccountRow,
    /// Whether no earlier transaction has written it.
    is_first: bool,
    commands: Vec<&'a Command>,
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
            for (it, id) in &sorted.listed {
                one(listed.execute(params![it.key, id.owner.0, 2, id.program, it.number])?)?;
            }
            let (mut insert, mut update) = (conn.prepare_cached(INSERT_ACCOUNT)?, conn.prepare_cached(UPDATE_ACCOUNT)?);
            let mut move_due = conn.prepare_cached(MOVE_DUE)?;
            let (mut lots_gone, mut lots, mut orders, mut entries) = (
                conn.prepare_cached(DELETE_LOT)?,
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
                let commands = || owner.commands.iter();
                commands().flat_map(|it| &it.lots_gone).try_for_each(|it| write(&mut lots_gone, it))?;
                commands().flat_map(|it| &it.lots).try_for_each(|it| write(&mut lots, it))?;
                commands().filter_map(|it| it.order.as_ref()).try_for_each(|it| write(&mut orders, &it.row))?;
                commands().flat_map(|it| &it.entries).try_for_each(|it| write(&mut entries, it))?;
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
