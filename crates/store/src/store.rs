//! The handle to a ledger: opens it, takes commands, hands out readers.
//!
//! One process writes to a database at a time: a lock file beside it keeps a second one out and is released by the system
//! when the process ends, however it ends. Bounded by queues of four batches of live and of background
//! commands; a caller waits when they are full.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::Timestamp;
use rusqlite::OpenFlags;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use crate::backup::backup_from;
use crate::certificate::CertificateRef;
use crate::checkpoint::{Checkpointer, FILE_MAX, LogWritten, Progress, open_file};
use crate::code::Codes;
use crate::command::{Command, Ticket};
use crate::commit::Writer;
use crate::database::Database;
use crate::error::StoreError;
use crate::gate::Gate;
use crate::long::LongReads;
use crate::migrate::{epoch_of, inspect, is_empty, migrate};
use crate::query::{CertificateInfo, Reader, parked};
use crate::queue::{Job, NotTaken, Queue};
use crate::reference::{Compile, Known, load_reference};
use crate::sql::Connection;

/// How long a transaction waits for a process that holds the database's lock, such as a tool of SQLite.
pub(crate) const BUSY_WAIT: Duration = Duration::from_secs(5);

/// Tells the time of live commands.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The clock of this machine.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    })
}

#[derive(Clone)]
pub struct Options {
    pub compile: Compile,
    pub clock: Clock,
    /// The most commands in one transaction.
    pub batch_max: usize,
    /// Whether a database that is not there is made.
    pub create: bool,
    /// So many bytes of the WAL end long reads; a quarter of the free disk if left out.
    pub long_read_bytes_max: Option<u64>,
}

impl Options {
    pub fn new(compile: Compile) -> Self {
        Self { compile, clock: system_clock(), batch_max: 1_000, create: false, long_read_bytes_max: None }
    }
}

/// The one writer of a ledger. Cheap to clone; dropping the last one finishes what was accepted.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    clock: Clock,
    writer: Option<JoinHandle<()>>,
    database: Database,
    compile: Compile,
    gate: Arc<Gate>,
    /// Connections of readers that ended, for those to come.
    idle: Arc<Mutex<Vec<Connection>>>,
    long: Arc<LongReads>,
    stopped: Arc<AtomicBool>,
    epoch: Arc<AtomicU64>,
    known: Arc<Known>,
    progress: Arc<Progress>,
    codes: Arc<Codes>,
    /// Kept open until the connections are closed.
    _file: Arc<File>,
    /// Held until all else is closed.
    lock: File,
}

impl Store {
    /// Opens a ledger for writing, and brings it to the schema of this program.
    ///
    /// # Errors
    /// When it is not there and not to be made, written by another process, read-only, damaged, or newer than this
    /// program: untouched then.
    pub fn open(database: &Database, options: Options) -> Result<Self, StoreError> {
        let path = database.path();
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
        let stopped = Arc::new(AtomicBool::new(false));
        let conn = open_writing(path, (options.clock)(), &progress)?;
        let codes = Arc::new(Codes::open(path, &conn)?);
        let file = open_file(path)?;
        let checkpointer = connect(path).and_then(|it| {
            Checkpointer::start(it, path, &file, &progress).map_err(|error| StoreError::io(path, &error))
        })?;
        let reference = load_reference(&conn, options.compile, path).map_err(|fault| fault.at(path))?;
        let epoch = epoch_of(&conn).map_err(|fault| fault.at(path))?;
        let epoch = Arc::new(AtomicU64::new(epoch));
        let parked = parked(&conn).map_err(|fault| fault.at(path))?;
        let batch_max = options.batch_max.max(1);
        let writer = Writer {
            conn,
            path: path.to_owned(),
            compile: options.compile,
            clock: Arc::clone(&options.clock),
            batch_max,
            reference,
            gate: Arc::clone(&gate),
            long: Arc::clone(&long),
            checkpointer,
            stopped: Arc::clone(&stopped),
            codes: Arc::clone(&codes),
            epoch: Arc::clone(&epoch),
            parked: parked.into_iter().collect(),
        };
        let queue = Arc::new(Queue::new(4 * batch_max));
        let jobs = Arc::clone(&queue);
        let thread = std::thread::Builder::new().name("writer".to_owned());
        let thread = thread.spawn(move || writer.run(&jobs)).map_err(|error| StoreError::io(path, &error))?;
        let inner = Inner {
            queue,
            clock: options.clock,
            writer: Some(thread),
            database: database.clone(),
            compile: options.compile,
            gate,
            idle: Arc::default(),
            long,
            stopped,
            epoch,
            known: Arc::default(),
            progress,
            codes,
            _file: file,
            lock,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Hands a command to the writer. Blocks only while the queue is full.
    pub fn submit(&self, command: Command) -> Ticket {
        let (job, ticket) = self.job(command);
        self.inner.queue.push(job);
        ticket
    }

    /// Hands a command to the writer, and never blocks.
    ///
    /// # Errors
    /// `Busy` when the queue is full, `Stopped` when the writer takes no more.
    pub fn offer(&self, command: Command) -> Result<Ticket, StoreError> {
        let (job, ticket) = self.job(command);
        self.inner.queue.offer(job).map_err(|it| match it {
            NotTaken::Full => StoreError::Busy(self.path().to_owned()),
            NotTaken::Closed => StoreError::Stopped(self.path().to_owned()),
        })?;
        Ok(ticket)
    }

    fn job(&self, command: Command) -> (Job, Ticket) {
        let (answer, ticket) = oneshot::channel();
        let stopped = StoreError::Stopped(self.path().to_owned());
        (Job { command, sent_at: self.now(), answer }, Ticket { answer: ticket, stopped })
    }

    /// Raised after each committed change of programs, channels or keys: what was read of them under an earlier epoch is
    /// to be read again. Costs nothing.
    pub fn epoch(&self) -> u64 {
        self.inner.epoch.load(Ordering::Acquire)
    }

    /// Whether nothing is written any more until the store is opened anew.
    pub fn is_stopped(&self) -> bool {
        self.inner.stopped.load(Ordering::Relaxed) || self.inner.queue.is_closed()
    }

    /// What was written to the log since the store was opened.
    pub fn written(&self) -> LogWritten {
        self.inner.progress.written()
    }

    /// A reader on one snapshot, for short reads: the WAL cannot start over while it lives.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let inner = &self.inner;
        let shared = (&inner.idle, &inner.known);
        Reader::through(inner.gate.enter(), shared, &inner.database, inner.compile)
    }

    /// A reader on one snapshot for long reads: exports, verify, reports. There are two at most; the log grows beside
    /// them, and past a limit they are ended.
    ///
    /// # Errors
    /// When two are there already, or the database cannot be read.
    pub fn long_reader(&self) -> Result<Reader, StoreError> {
        let inner = &self.inner;
        let snapshot = inner.long.enter(inner.database.path())?;
        Reader::long(snapshot, &inner.database, inner.compile)
    }

    /// Copies the ledger as of one instant: a long read.
    ///
    /// # Errors
    /// When `to` is there already or cannot be written, when the ledger is damaged, or as for other long reads.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let snapshot = self.inner.long.enter(self.path())?;
        backup_from(&snapshot, self.path(), to)
    }

    /// A certificate by its code, as somebody shows it.
    ///
    /// # Errors
    /// When the key of the codes is not there.
    pub fn certificate(&self, code: &str) -> Result<CertificateRef, StoreError> {
        Ok(self.inner.codes.hash(code)?.map_or(CertificateRef::NoCode, CertificateRef::Code))
    }

    /// The code of a certificate, for people to see.
    ///
    /// # Errors
    /// When the key of the codes is not there, or the code is damaged.
    pub fn code(&self, certificate: &CertificateInfo) -> Result<String, StoreError> {
        self.inner.codes.reveal(certificate.sealed_for, &certificate.sealed)
    }

    /// By the clock that live commands go by.
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    fn path(&self) -> &Path {
        self.inner.database.path()
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Readers first: whoever closes last writes the log back and removes it, and readers cannot.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.queue.close();
        if let Some(writer) = self.writer.take() {
            // Its callers know from their tickets if it panicked.
            let _ = writer.join();
        }
        // A process that is being started just now may hold a copy of the handle: closing ours would not be enough.
        let _ = self.lock.unlock();
    }
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
