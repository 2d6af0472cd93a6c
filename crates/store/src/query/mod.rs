//! What screens, reports and statements read: all queries of one reader see one snapshot.
//!
//! A reader of a store passes the readers' gate and should be short; a long one, or one that is opened by itself, in any
//! process, holds the WAL up for as long as it lives, and is ended when that grows too large (`long.rs`). Lists page by a
//! cursor.

mod account;
mod certificate;
mod claim;
mod credit;
mod figures;
mod lists;
mod member;
mod offer;
mod program;
mod search;
mod standing;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::database::Database;
use crate::error::StoreError;
use crate::fault::Found;
use crate::gate::Pass;
use crate::long::{self, Snapshot};
use crate::migrate::{inspect_open, open_reading};
use crate::postgres::Purpose;
use crate::reference::{Compile, Known, Reference};
use crate::sql::Connection;
use crate::watch::Watch;

#[cfg(test)]
pub(crate) use account::ACCOUNTS_OF;
pub use account::OrderInfo;
pub(crate) use account::all_lots;
pub(crate) use certificate::CODE;
pub use certificate::{BearerInfo, CertificateInfo};
#[cfg(test)]
pub(crate) use claim::{CLAIMS_BEFORE, CLAIMS_WAITING};
pub use claim::{ClaimCursor, ClaimInfo, RewardInfo, WaitingClaim};
pub use credit::{CreditInfo, credit_ledger};
pub(crate) use figures::parked;
pub use figures::{DayTotals, Due, TableSize};
pub use lists::{Background, HoldCursor, LotCursor, LotPhase};
#[cfg(test)]
pub(crate) use lists::{
    ENTRIES_AFTER, ENTRIES_BEFORE, HOLDS_PAGE, LOTS_NUMBERED, LOTS_PAGE, ORDER_NAME, ORDERS_AFTER, ORDERS_BEFORE,
};
pub use member::{CardInfo, MemberInfo, MergeInfo};
pub use program::{ChannelInfo, MemberRules, ProgramInfo};
pub use search::{CursorFault, SearchCursor, SearchPage};
pub use standing::Standing;
#[cfg(test)]
pub(crate) use standing::{EXPIRIES, OPEN_LOTS};

/// Reads one snapshot of a ledger.
pub struct Reader {
    /// Stops watching before the snapshot goes.
    _watch: Option<Watch>,
    snapshot: Arc<Snapshot>,
    path: PathBuf,
    compile: Compile,
    idle: Option<Arc<Mutex<Vec<Connection>>>>,
    known: Option<Arc<Known>>,
    _pass: Option<Pass>,
}

/// A connection for short reads.
pub(crate) fn reading(database: &Database) -> Result<Connection, StoreError> {
    match database {
        Database::Sqlite(path) => open_reading(path).map(Connection::from),
        Database::Postgres(address) => address.connect(Purpose::Reading),
    }
}

/// Connections kept for readers to come.
const IDLE_MAX: usize = 8;

impl Reader {
    /// Opens a ledger for reading, beside whoever writes to it. It may read for as long as the log beside the database
    /// takes up no more than a quarter of the free disk.
    ///
    /// # Errors
    /// When it is not there, no ledger, or newer than this program.
    pub fn open(database: &Database, compile: Compile) -> Result<Self, StoreError> {
        Self::open_until(database, compile, None)
    }

    /// As `open`, but ended when the log grows past so many bytes.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_until(database: &Database, compile: Compile, wal_bytes_max: Option<u64>) -> Result<Self, StoreError> {
        let path = database.path();
        let (snapshot, watch) = match database {
            Database::Sqlite(path) => {
                let snapshot = Arc::new(Snapshot::long(path, wal_bytes_max)?);
                snapshot.ask(|conn| inspect_open(conn, path))?;
                let watch = long::watch(&snapshot)?;
                (snapshot, Some(watch))
            }
            Database::Postgres(address) => {
                let conn = address.connect(Purpose::LongReading)?;
                address.inspect(&conn, None)?;
                inspect_open(&conn, path).map_err(|fault| fault.at(path))?;
                (Arc::new(Snapshot::short(conn, path)), None)
            }
        };
        Self::begun(Self {
            _watch: watch,
            snapshot,
            path: path.to_owned(),
            compile,
            idle: None,
            known: None,
            _pass: None,
        })
    }

    /// Of a process that writes, which watches the log itself.
    pub(crate) fn long(snapshot: Arc<Snapshot>, database: &Database, compile: Compile) -> Result<Self, StoreError> {
        let path = database.path().to_owned();
        Self::begun(Self { _watch: None, snapshot, path, compile, idle: None, known: None, _pass: None })
    }

    pub(crate) fn through(
        pass: Option<Pass>,
        (idle, known): (&Arc<Mutex<Vec<Connection>>>, &Arc<Known>),
        database: &Database,
        compile: Compile,
    ) -> Result<Self, StoreError> {
        let path = database.path();
        let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let (idle, known) = (Some(Arc::clone(idle)), Some(Arc::clone(known)));
        let begun = |conn, pass| {
            let snapshot = Arc::new(Snapshot::short(conn, path));
            let (idle, known) = (idle.clone(), known.clone());
            Self::begun(Self { _watch: None, snapshot, path: path.to_owned(), compile, idle, known, _pass: pass })
        };
        match kept {
            None => begun(reading(database)?, pass),
            Some(conn) if conn.file().is_some() => begun(conn, pass),
            // The server may have ended it meanwhile.
            Some(conn) => match begun(conn, None) {
                Err(StoreError::Away { .. }) => begun(reading(database)?, None),
                reader => reader,
            },
        }
    }

    /// The first read fixes the snapshot.
    fn begun(self) -> Result<Self, StoreError> {
        self.ask(|conn| {
            conn.begin_reading()?;
            Ok(conn.prepare_cached("SELECT value FROM meta WHERE name = 'epoch'")?.exists([])?)
        })?;
        Ok(self)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Queries do not nest.
    pub(crate) fn ask<T>(&self, query: impl FnOnce(&Connection) -> Found<T>) -> Result<T, StoreError> {
        self.snapshot.ask(query)
    }

    pub(crate) fn compile(&self) -> Compile {
        self.compile
    }

    /// What another reader has loaded of that epoch.
    fn known(&self, epoch: u64) -> Option<Arc<Reference>> {
        let known = self.known.as_ref()?.lock().unwrap_or_else(PoisonError::into_inner);
        known.as_ref().filter(|it| it.0 == epoch).map(|it| Arc::clone(&it.1))
    }

    /// Readers to come want the newest.
    fn know(&self, epoch: u64, reference: &Arc<Reference>) {
        let Some(known) = &self.known else { return };
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.as_ref().is_none_or(|it| it.0 <= epoch) {
            *known = Some((epoch, Arc::clone(reference)));
        }
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(conn) = self.snapshot.take() else { return };
        let ended = conn.roll_back().is_ok() && !conn.is_closed();
        if let Some(idle) = &self.idle
            && ended
        {
            let mut idle = idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < IDLE_MAX {
                idle.push(conn);
            }
        }
    }
}
