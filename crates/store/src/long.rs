//! Long reads: exports, verify, backups, reports. Each holds one snapshot on a connection of its own, and while it does, the
//! WAL cannot start over: past a limit the read is ended, so that it cannot fill the disk.
//!
//! Bounded: [`LONG_MAX`] at once in the process that writes, which watches the WAL for them at each commit. A reader of
//! another process watches the size of the WAL's file by a thread of its own.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError, Weak};
use std::time::Duration;

use crate::error::StoreError;
use crate::fault::Found;
use crate::file::beside;
use crate::migrate::open_reading;
use crate::sql::Connection;
use crate::watch::Watch;

const LONG_MAX: usize = 2;
/// After so many steps a running statement looks whether it has been ended.
const STEPS: i32 = 1_000;
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Where the free space of a disk cannot be asked for.
const LIMIT_ELSEWHERE: u64 = 4 << 30;

/// A connection whose transaction others may end.
pub(crate) struct Snapshot {
    /// There until its reader is dropped.
    conn: Mutex<Option<Connection>>,
    path: PathBuf,
    limit: u64,
    /// Bytes of the WAL when it was ended; 0 before.
    ended: Arc<AtomicU64>,
}

impl Snapshot {
    /// One that nobody ends: for short reads.
    pub(crate) fn short(conn: Connection, path: &Path) -> Self {
        Self { conn: Mutex::new(Some(conn)), path: path.to_owned(), limit: u64::MAX, ended: Arc::default() }
    }

    pub(crate) fn long(path: &Path, limit: Option<u64>) -> Result<Self, StoreError> {
        let mut conn = open_reading(path)?;
        let ended = Arc::<AtomicU64>::default();
        let asked = Arc::clone(&ended);
        let handler = move || 0 < asked.load(Ordering::Relaxed);
        conn.progress_handler(STEPS, Some(handler)).map_err(|error| StoreError::sqlite(path, &error))?;
        let limit = limit.unwrap_or_else(|| free_bytes(path).map_or(LIMIT_ELSEWHERE, |it| it / 4));
        Ok(Self { conn: Mutex::new(Some(conn.into())), path: path.to_owned(), limit, ended })
    }

    pub(crate) fn ask<T>(&self, query: impl FnOnce(&Connection) -> Found<T>) -> Result<T, StoreError> {
        let conn = self.conn.lock().unwrap_or_else(PoisonError::into_inner);
        let conn = conn.as_ref().expect("the connection is there until the reader is dropped");
        self.check()?;
        let answer = query(conn).map_err(|fault| fault.at(&self.path));
        match self.check() {
            Ok(()) => answer,
            Err(ended) => {
                roll_back(conn);
                // What was read to its end is true.
                answer.map_err(|_| ended)
            }
        }
    }

    /// The connection, for a reader to come. Nobody can ask any more.
    pub(crate) fn take(&self) -> Option<Connection> {
        self.conn.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn check(&self) -> Result<(), StoreError> {
        match self.ended.load(Ordering::Relaxed) {
            0 => Ok(()),
            bytes => Err(StoreError::ReadEnded { path: self.path.clone(), bytes, limit: self.limit }),
        }
    }

    /// Ends it if so many bytes are too many. One that is being asked ends by itself; one whose reader is busy with
    /// something else is ended here.
    fn end_past_limit(&self, bytes: u64) {
        if bytes <= self.limit {
            return;
        }
        self.ended.store(bytes, Ordering::Relaxed);
        let conn = match self.conn.try_lock() {
            Ok(conn) => conn,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        conn.iter().for_each(roll_back);
    }
}

fn roll_back(conn: &Connection) {
    // Without a transaction there is nothing to give back.
    let _ = conn.roll_back();
}

/// The long reads of the process that writes.
pub(crate) struct LongReads {
    limit: Option<u64>,
    inside: Mutex<Vec<Weak<Snapshot>>>,
}

impl LongReads {
    pub(crate) fn new(limit: Option<u64>) -> Self {
        Self { limit, inside: Mutex::default() }
    }

    pub(crate) fn enter(&self, path: &Path) -> Result<Arc<Snapshot>, StoreError> {
        let mut inside = self.lock();
        inside.retain(|it| 0 < it.strong_count());
        if LONG_MAX <= inside.len() {
            return Err(StoreError::LongReads(path.to_owned()));
        }
        let snapshot = Arc::new(Snapshot::long(path, self.limit)?);
        inside.push(Arc::downgrade(&snapshot));
        Ok(snapshot)
    }

    /// Called by the writer after each commit.
    pub(crate) fn watch(&self, wal_bytes: u64) {
        self.lock().iter().filter_map(Weak::upgrade).for_each(|it| it.end_past_limit(wal_bytes));
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Weak<Snapshot>>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Watches the WAL's file for a reader in a process that does not write.
pub(crate) fn watch(snapshot: &Arc<Snapshot>) -> Result<Watch, StoreError> {
    let wal = beside(&snapshot.path, "-wal");
    let size = move || std::fs::metadata(&wal).map_or(0, |it| it.len());
    // The file may be large from before: it is no larger for being used again.
    let before = size();
    let watched = Arc::downgrade(snapshot);
    let look = move || {
        let Some(snapshot) = watched.upgrade() else { return false };
        let bytes = size();
        if before < bytes {
            snapshot.end_past_limit(bytes);
        }
        true
    };
    Watch::start("watch", LOOK_EVERY, &snapshot.path, look)
}

/// What is free on the disk of the database, as far as the system says so.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}
