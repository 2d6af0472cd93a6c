//! Copies the WAL back into the database beside the writer, and lets it start over.
//!
//! A thread with a connection of its own copies what it can and has the disk write it; when little is left, the writer
//! closes the readers' gate, copies the rest and starts the WAL over. SQLite itself has the database written only by the
//! pass that leaves nothing, and that is always the writer's, while everybody waits. Bounds: the WAL holds [`PAGES_START`] pages and what is written until then; a
//! long read of another connection holds it up for as long as it lasts. What grew beyond [`FILE_MAX`] is cut off when the
//! WAL starts over, and the last one to close the store leaves nothing of it behind.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use crate::error::StoreError;
use crate::file::BUSY_WAIT;
use crate::gate::Gate;

/// A page in the WAL, with its header.
const FRAME_BYTES: u64 = 4_096 + 24;
/// From so many pages in the WAL on, it is copied back.
const PAGES_START: i64 = 4_000;
/// The writer copies about so many by itself: everybody waits meanwhile.
const PAGES_LEFT: i64 = 300;
/// Where it is not to be had, the writer copies no more than so many.
const PAGES_LEFT_MAX: i64 = 3_000;
/// While one pass copies, more is written: each leaves less than the one before.
const PASSES_MAX: u32 = 6;
const GATE_WAIT: Duration = Duration::from_millis(50);

/// The file of the WAL keeps so many bytes when it starts over: enough for what it holds as a rule.
pub(crate) const FILE_MAX: i64 = 8 * PAGES_START * 4_096;
/// Somebody in another process may read while the WAL is to start over: the writer waits no longer than this.
const READER_WAIT: Duration = Duration::from_millis(50);
/// The last one to close waits a little longer for such readers.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// What the writer and the checkpoint thread tell each other.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Pages in the WAL after the last commit.
    pages: AtomicI64,
    /// Pages written to it since it was opened.
    written: AtomicU64,
    stage: AtomicU8,
    failed: Mutex<Option<StoreError>>,
}

/// Whose turn it is, in `Progress::stage`.
const WRITERS_OWN: u8 = 0;
const COPYING: u8 = 1;
const LITTLE_LEFT: u8 = 2;

/// What went into the log since a database was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogWritten {
    pub pages: u64,
    pub bytes: u64,
}

impl Progress {
    /// Called after each commit with the pages that the WAL holds: fewer than before when it has started over.
    pub(crate) fn committed(&self, pages: i64) {
        let before = self.pages.swap(pages, Ordering::Relaxed);
        let added = if before < pages { pages - before } else { pages };
        self.written.fetch_add(u64::try_from(added).unwrap_or(0), Ordering::Relaxed);
    }

    pub(crate) fn written(&self) -> LogWritten {
        let pages = self.written.load(Ordering::Relaxed);
        LogWritten { pages, bytes: pages * FRAME_BYTES }
    }
}

pub(crate) struct Checkpointer {
    progress: Arc<Progress>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    /// Pages at which it was tried last: not again before many more.
    tried_at: i64,
}

impl Checkpointer {
    /// `file` is the database: see [`open_file`] for how long it must be kept.
    pub(crate) fn start(
        conn: Connection,
        path: &Path,
        file: &Arc<File>,
        progress: &Arc<Progress>,
    ) -> std::io::Result<Self> {
        let (wake, woken) = sync_channel(1);
        let copier = Copier { conn, path: path.to_owned(), file: Arc::clone(file), progress: Arc::clone(progress) };
        let thread = std::thread::Builder::new().name("checkpoint".to_owned());
        let thread = thread.spawn(move || copier.copy_when_woken(&woken))?;
        let progress = Arc::clone(progress);
        Ok(Self { progress, wake: Some(wake), thread: Some(thread), tried_at: 0 })
    }

    /// Bytes that the WAL holds since it started over.
    pub(crate) fn wal_bytes(&self) -> u64 {
        u64::try_from(self.progress.pages.load(Ordering::Relaxed)).unwrap_or(0) * FRAME_BYTES
    }

    /// Called by the writer once it has written for the last time: copies all of the WAL back and empties it.
    pub(crate) fn close(self, conn: &Connection, gate: &Gate) {
        drop(self);
        // What fails here is done by whoever opens the database next.
        let _ = gate.closed(CLOSE_WAIT, || checkpoint_within(conn, "TRUNCATE", CLOSE_WAIT));
    }

    /// Empties the log, since something was erased; answers whether nobody was in the way.
    pub(crate) fn empty(&mut self, conn: &Connection, gate: &Gate) -> bool {
        let emptied = gate.closed(GATE_WAIT, || checkpoint_within(conn, "TRUNCATE", READER_WAIT));
        let is_empty = matches!(emptied, Some(Ok(left)) if left.busy == 0);
        if is_empty {
            self.progress.pages.store(0, Ordering::Relaxed);
            self.tried_at = 0;
        }
        is_empty
    }

    /// Called by the writer between batches. Answers the failure that must stop it, if there was one.
    pub(crate) fn after_commit(&mut self, conn: &Connection, path: &Path, gate: &Gate) -> Option<StoreError> {
        let pages = self.progress.pages.load(Ordering::Relaxed);
        if pages < PAGES_START {
            return None;
        }
        if let Some(error) = self.progress.failed.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Some(error);
        }
        let stage = self.progress.stage.load(Ordering::Acquire);
        if stage == COPYING {
            return None;
        }
        if stage == LITTLE_LEFT {
            self.progress.stage.store(WRITERS_OWN, Ordering::Release);
            let restarted = gate.closed(GATE_WAIT, || checkpoint_within(conn, "RESTART", READER_WAIT));
            match restarted {
                Some(Ok(left)) if left.busy == 0 => {
                    self.progress.pages.store(0, Ordering::Relaxed);
                    self.tried_at = 0;
                    return None;
                }
                Some(Err(error)) => {
                    let error = StoreError::sqlite(path, &error);
                    return if error.stops() { Some(error) } else { None };
                }
                // Somebody reads for long: more is copied first, then it is tried again.
                Some(Ok(_)) | None => self.tried_at = pages,
            }
        }
        if self.tried_at == 0 || self.tried_at + PAGES_LEFT_MAX / 3 < pages {
            self.tried_at = pages;
            if let Some(wake) = &self.wake {
                self.progress.stage.store(COPYING, Ordering::Release);
                // It takes one at a time, and it is idle.
                let _ = wake.try_send(());
            }
        }
        None
    }
}

impl Drop for Checkpointer {
    fn drop(&mut self) {
        drop(self.wake.take());
        if let Some(thread) = self.thread.take() {
            // It has told why, if it panicked.
            let _ = thread.join();
        }
    }
}

/// The database's file, for the checkpoint thread to have it written. When a file is closed, the system drops every lock
/// that this process holds on it, SQLite's among them: it must outlive all connections.
pub(crate) fn open_file(path: &Path) -> Result<Arc<File>, StoreError> {
    File::open(path).map(Arc::new).map_err(|error| StoreError::io(path, &error))
}

/// What the checkpoint thread works with.
struct Copier {
    conn: Connection,
    path: PathBuf,
    file: Arc<File>,
    progress: Arc<Progress>,
}

impl Copier {
    fn copy_when_woken(&self, woken: &Receiver<()>) {
        while woken.recv().is_ok() {
            let next = match self.copy() {
                Ok(left) if left <= PAGES_LEFT_MAX => LITTLE_LEFT,
                Ok(_) => WRITERS_OWN,
                Err(error) => {
                    if error.stops() {
                        *self.progress.failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                    WRITERS_OWN
                }
            };
            self.progress.stage.store(next, Ordering::Release);
        }
    }

    /// Copies until little is left, and answers how much that is by now.
    fn copy(&self) -> Result<i64, StoreError> {
        let mut left = i64::MAX;
        for _ in 0..PASSES_MAX {
            let pass = checkpoint(&self.conn, "PASSIVE").map_err(|error| StoreError::sqlite(&self.path, &error))?;
            if pass.busy != 0 {
                return Ok(i64::MAX);
            }
            self.file.sync_data().map_err(|error| StoreError::io(&self.path, &error))?;
            let before = left;
            left = self.progress.pages.load(Ordering::Relaxed) - pass.copied;
            if left <= PAGES_LEFT || before <= left {
                break;
            }
        }
        Ok(left)
    }
}

struct Left {
    busy: i64,
    copied: i64,
}

/// As `checkpoint`, with less patience for readers of other processes than a transaction has for writers.
fn checkpoint_within(conn: &Connection, how: &str, patience: Duration) -> rusqlite::Result<Left> {
    conn.busy_timeout(patience)?;
    let done = checkpoint(conn, how);
    conn.busy_timeout(BUSY_WAIT)?;
    done
}

fn checkpoint(conn: &Connection, how: &str) -> rusqlite::Result<Left> {
    conn.query_row(&format!("PRAGMA wal_checkpoint({how})"), [], |row| {
        Ok(Left { busy: row.get(0)?, copied: row.get(2)? })
    })
}
