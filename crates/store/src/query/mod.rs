//! What screens, reports and statements read: all queries of one reader see one snapshot.
//!
//! A reader of a store passes the readers' gate and should be short; one that is opened by itself may be long, works in
//! any process, and holds the WAL up for as long as it lives. Lists page by a cursor.

mod account;
mod figures;
mod member;
mod offer;
mod program;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use crate::database::Database;
use crate::error::StoreError;
use crate::fault::Found;
use crate::gate::Pass;
use crate::migrate::{inspect_open, open_reading};
use crate::reference::Compile;

pub use account::OrderInfo;
pub(crate) use account::all_lots;
pub(crate) use figures::parked;
pub use figures::{DayTotals, Due, TableSize};
pub use member::MemberInfo;
pub use program::{ChannelInfo, ProgramInfo};

/// Reads one snapshot of a ledger.
pub struct Reader {
    /// There until it is dropped.
    conn: Option<Connection>,
    path: PathBuf,
    compile: Compile,
    idle: Option<Arc<Mutex<Vec<Connection>>>>,
    _pass: Option<Pass>,
}

/// Connections kept for readers to come.
const IDLE_MAX: usize = 8;

impl Reader {
    /// Opens a ledger for reading, beside whoever writes to it.
    ///
    /// # Errors
    /// When it is not there, no ledger, or newer than this program.
    pub fn open(database: &Database, compile: Compile) -> Result<Self, StoreError> {
        let path = database.path();
        let conn = open_reading(path)?;
        inspect_open(&conn, path).map_err(|fault| fault.at(path))?;
        let reader = Self { conn: Some(conn), path: path.to_owned(), compile, idle: None, _pass: None };
        reader.begin()?;
        Ok(reader)
    }

    pub(crate) fn through(
        pass: Pass,
        idle: &Arc<Mutex<Vec<Connection>>>,
        database: &Database,
        compile: Compile,
    ) -> Result<Self, StoreError> {
        let path = database.path();
        let kept = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let conn = kept.map_or_else(|| open_reading(path), Ok)?;
        let idle = Some(Arc::clone(idle));
        let reader = Self { conn: Some(conn), path: path.to_owned(), compile, idle, _pass: Some(pass) };
        reader.begin()?;
        Ok(reader)
    }

    /// The first read fixes the snapshot.
    fn begin(&self) -> Result<(), StoreError> {
        let begin = || {
            self.conn().execute_batch("BEGIN")?;
            self.conn().prepare_cached("SELECT value FROM meta WHERE name = 'epoch'")?.exists([])
        };
        begin().map(drop).map_err(|error| StoreError::sqlite(&self.path, &error))
    }

    pub(crate) fn conn(&self) -> &Connection {
        self.conn.as_ref().expect("the connection is there until the reader is dropped")
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn ask<T>(&self, query: impl FnOnce(&Connection) -> Found<T>) -> Result<T, StoreError> {
        query(self.conn()).map_err(|fault| fault.at(&self.path))
    }

    pub(crate) fn compile(&self) -> Compile {
        self.compile
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        let ended = conn.execute_batch("ROLLBACK").is_ok();
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
