//! A ledger in a file: one process writes to it at a time, kept by a lock file beside it that the system releases when the
//! process ends, however it ends.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use engine::Timestamp;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;

use crate::checkpoint::{Checkpointer, FILE_MAX, Progress, open_file};
use crate::error::StoreError;
use crate::gate::Gate;
use crate::long::LongReads;
use crate::migrate::{inspect, is_empty, migrate};
use crate::sql::Connection;
use crate::store::Options;

/// How long a transaction waits for a process that holds the database's lock, such as a tool of SQLite.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// What there is beside the connections of a file that is open for writing.
pub(crate) struct OpenFile {
    pub(crate) gate: Arc<Gate>,
    pub(crate) long: Arc<LongReads>,
    pub(crate) progress: Arc<Progress>,
    /// Kept open until the connections are closed.
    _file: Arc<File>,
    /// Held until all else is closed.
    lock: File,
}

impl Drop for OpenFile {
    fn drop(&mut self) {
        // A process that is being started just now may hold a copy of the handle: closing ours would not be enough.
        let _ = self.lock.unlock();
    }
}

/// The log beside the file, as its writer has to do with it.
pub(crate) struct Log {
    pub(crate) gate: Arc<Gate>,
    pub(crate) long: Arc<LongReads>,
    pub(crate) checkpointer: Checkpointer,
}

/// Opens a file for writing, and brings it to the schema of this program.
pub(crate) fn open(path: &Path, options: &Options, now: Timestamp) -> Result<(Connection, Log, OpenFile), StoreError> {
    if !path.exists() && !options.create {
        return Err(StoreError::Missing(path.to_owned()));
    }
    if std::fs::metadata(path).is_ok_and(|it| it.permissions().readonly()) {
        return Err(StoreError::ReadOnly(path.to_owned()));
    }
    // Another name of the same file must not open it twice.
    let lock = lock(&path.canonicalize().unwrap_or_else(|_| path.to_owned()))?;
    roll_back(path).map_err(|error| StoreError::sqlite(path, &error))?;
    if is_empty(path)? {
        if !options.create {
            return Err(StoreError::Missing(path.to_owned()));
        }
    } else {
        inspect(path)?;
    }
    let (gate, progress) = (Arc::new(Gate::default()), Arc::new(Progress::default()));
    let long = Arc::new(LongReads::new(options.long_read_bytes_max));
    let conn = open_writing(path, now, &progress)?;
    let file = open_file(path)?;
    let checkpointer = connect(path)
        .and_then(|it| Checkpointer::start(it, path, &file, &progress).map_err(|error| StoreError::io(path, &error)))?;
    let log = Log { gate: Arc::clone(&gate), long: Arc::clone(&long), checkpointer };
    Ok((conn, log, OpenFile { gate, long, progress, _file: file, lock }))
}

/// Keeps a second process out for as long as the file lives.
pub(crate) fn lock(path: &Path) -> Result<File, StoreError> {
    let beside = beside(path, ".lock");
    let open = File::options().create(true).truncate(false).write(true).open(&beside);
    let file = open.map_err(|error| StoreError::io(&beside, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(StoreError::io(&beside, &error)),
    }
}

/// The file of that name with more behind it.
pub(crate) fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(suffix);
    beside.into()
}

/// A process that died while it made the file leaves a journal: only a connection that may write can take that back.
fn roll_back(path: &Path) -> rusqlite::Result<()> {
    if !beside(path, "-journal").exists() || !path.exists() {
        return Ok(());
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    rusqlite::Connection::open_with_flags(path, flags)?.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
}

pub(crate) fn open_writing(path: &Path, now: Timestamp, progress: &Arc<Progress>) -> Result<Connection, StoreError> {
    let mut file = connect(path)?;
    let progress = Arc::clone(progress);
    let hook = move |_: &mut rusqlite::hooks::Wal, pages| {
        progress.committed(i64::from(pages));
        Ok(())
    };
    file.wal_hook(Some(hook)).map_err(|error| StoreError::sqlite(path, &error))?;
    let conn = Connection::from(file);
    migrate(&conn, now).map_err(|fault| fault.at(path))?;
    Ok(conn)
}

pub(crate) fn connect(path: &Path) -> Result<rusqlite::Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let conn = rusqlite::Connection::open_with_flags(path, flags)?;
        conn.busy_timeout(BUSY_WAIT)?;
        conn.pragma_update(None, "cell_size_check", true)?;
        // What is deleted may be personal: it is overwritten. Most rows are never deleted.
        conn.pragma_update(None, "secure_delete", true)?;
        conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        conn.pragma_update(None, "wal_autocheckpoint", 0)?;
        conn.pragma_update(None, "journal_size_limit", FILE_MAX)?;
        conn.pragma_update(None, "cache_size", -32_768)?;
        conn.pragma_update(None, "temp_store", "MEMORY")?;
        // A plan is made once: it must not be made anew because a parameter has another value.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.set_prepared_statement_cache_capacity(64);
        Ok(conn)
    };
    open().map_err(|error: rusqlite::Error| StoreError::sqlite(path, &error))
}
