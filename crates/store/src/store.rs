//! The handle to a ledger: opens it, takes commands, hands out readers.
//!
//! Of a file, one process is the writer, one batch at a time; of a server, any number of processes with several writers each.
//! Bounded by queues of four batches of live and of background commands; a caller waits when they are full.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use engine::Timestamp;
use tokio::sync::oneshot;

use crate::backup::backup_from;
use crate::certificate::CertificateRef;
use crate::checkpoint::LogWritten;
use crate::clock::{Clock, ServerClock, system_clock};
use crate::code::Codes;
use crate::command::{Command, Ticket};
use crate::commit::Writer;
use crate::database::Database;
use crate::error::StoreError;
use crate::file::{self, OpenFile};
use crate::flight::Lane;
use crate::lease::Lease;
use crate::meter::{Counted, Meter, Waiting};
use crate::migrate::epoch_of;
use crate::postgres;
use crate::query::{CertificateInfo, Reader, parked};
use crate::queue::{Job, NotTaken, Queue};
use crate::reference::{Compile, Known, load_reference};
use crate::sql::Connection;
use crate::totals::take_slot;
use crate::watch::Watch;

/// So many sessions of a process write to a server unless it is told otherwise: while one waits for the disk another decides.
const LANES: usize = 2;

#[derive(Clone)]
pub struct Options {
    pub compile: Compile,
    /// What live commands go by: the clock of this machine if left out, or of the server where there is one.
    pub clock: Option<Clock>,
    /// The most commands in one transaction.
    pub batch_max: usize,
    /// So many batches are written side by side to a server, each by a session of its own; as its address says, or two, if left
    /// out. To a file, one.
    pub lanes: Option<usize>,
    /// Whether a database that is not there is made.
    pub create: bool,
    /// So many bytes of the WAL end long reads; a quarter of the free disk if left out.
    pub long_read_bytes_max: Option<u64>,
    /// Where the key of the codes of certificates lies, if not in the environment: beside the file if left out.
    pub code_key_file: Option<PathBuf>,
}

impl Options {
    pub fn new(compile: Compile) -> Self {
        Self {
            compile,
            clock: None,
            batch_max: 1_000,
            lanes: None,
            create: false,
            long_read_bytes_max: None,
            code_key_file: None,
        }
    }
}

/// Writes to a ledger. Cheap to clone; dropping the last one finishes what was accepted.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    queue: Arc<Queue>,
    clock: Clock,
    writers: Vec<JoinHandle<()>>,
    database: Database,
    compile: Compile,
    /// Connections of readers that ended, for those to come.
    idle: Arc<Mutex<Vec<Connection>>>,
    stopped: Arc<AtomicBool>,
    epoch: Arc<AtomicU64>,
    known: Arc<Known>,
    codes: Arc<Codes>,
    meter: Arc<Meter>,
    lease: Lease,
    /// Looks for what other processes change.
    _watch: Option<Watch>,
    /// Held until all else is closed; nothing for a database that is no file.
    file: Option<OpenFile>,
}

impl Store {
    /// Opens a ledger for writing, and brings it to the schema of this program.
    ///
    /// # Errors
    /// When it is not there and not to be made, written by another process, read-only, damaged, or newer than this
    /// program: untouched then. Of a server, also when it cannot be reached or is not to be trusted.
    pub fn open(database: &Database, options: Options) -> Result<Self, StoreError> {
        let path = database.path();
        let set = options.clock.clone();
        let ((file, log, conn), clock, server_clock) = match database {
            Database::Sqlite(path) => {
                let clock = set.unwrap_or_else(system_clock);
                let (conn, log, file) = file::open(path, &options, clock())?;
                ((Some(file), Some(log), conn), clock, None)
            }
            Database::Postgres(address) => {
                let (conn, told) = postgres::open(address, &options)?;
                let (clock, server_clock) = ServerClock::or(set, told);
                ((None, None, conn), clock, server_clock)
            }
        };
        let stopped = Arc::new(AtomicBool::new(false));
        let codes = Arc::new(Codes::open(database, options.code_key_file.as_deref(), &conn)?);
        let reference = load_reference(&conn, options.compile, path).map_err(|fault| fault.at(path))?;
        let epoch = Arc::new(AtomicU64::new(epoch_of(&conn).map_err(|fault| fault.at(path))?));
        let parked = parked(&conn).map_err(|fault| fault.at(path))?;
        let batch_max = options.batch_max.max(1);
        let meter = Arc::<Meter>::default();
        let lanes = match database {
            Database::Sqlite(_) => 1,
            Database::Postgres(address) => options.lanes.or(address.lanes).unwrap_or(LANES).max(1),
        };
        let queue = Arc::new(Queue::new(4 * batch_max, lanes));
        let first = Writer {
            slot: take_slot(&conn).map_err(|fault| fault.at(path))?,
            conn,
            database: database.clone(),
            compile: options.compile,
            clock: Arc::clone(&clock),
            by_server: server_clock.is_some(),
            batch_max,
            reference,
            log,
            stopped: Arc::clone(&stopped),
            codes: Arc::clone(&codes),
            epoch: Arc::clone(&epoch),
            parked: parked.into_iter().collect(),
            has_erased: false,
            meter: Arc::clone(&meter),
        };
        let writers = start(first, lanes, &queue).inspect_err(|_| queue.close())?;
        let watch = match database {
            Database::Sqlite(_) => None,
            Database::Postgres(address) => Some(postgres::watch(address, &epoch, server_clock)?),
        };
        let inner = Inner {
            queue,
            clock,
            writers,
            database: database.clone(),
            compile: options.compile,
            idle: Arc::default(),
            stopped,
            epoch,
            known: Arc::default(),
            codes,
            meter,
            lease: Lease::default(),
            _watch: watch,
            file,
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
        (Job::new(command, self.now(), answer), Ticket { answer: ticket, stopped })
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
        self.inner.file.as_ref().map_or_else(LogWritten::default, |it| it.progress.written())
    }

    /// Whether this process is to sweep now: of several on one server one is, until it ends or is cut off.
    ///
    /// # Errors
    /// When the server cannot be asked.
    pub fn may_sweep(&self) -> Result<bool, StoreError> {
        self.inner.lease.is_held(&self.inner.database)
    }

    /// What was counted since the store was opened.
    pub fn counted(&self) -> Counted {
        self.inner.meter.counted()
    }

    /// What waits for the writer now.
    pub fn waiting(&self) -> Waiting {
        self.inner.queue.waiting()
    }

    /// A reader on one snapshot, for short reads: the WAL cannot start over while it lives.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        let inner = &self.inner;
        let shared = (&inner.idle, &inner.known);
        let pass = inner.file.as_ref().map(|it| it.gate.enter());
        Reader::through(pass, shared, &inner.database, inner.compile)
    }

    /// A reader on one snapshot for long reads: exports, verify, reports. There are two at most; the log grows beside
    /// them, and past a limit they are ended.
    ///
    /// # Errors
    /// When two are there already, or the database cannot be read.
    pub fn long_reader(&self) -> Result<Reader, StoreError> {
        let inner = &self.inner;
        match &inner.file {
            Some(file) => Reader::long(file.long.enter(self.path())?, &inner.database, inner.compile),
            None => Reader::open(&inner.database, inner.compile),
        }
    }

    /// Copies the ledger as of one instant: a long read.
    ///
    /// # Errors
    /// When `to` is there already or cannot be written, when the ledger is damaged, or as for other long reads.
    pub fn backup(&self, to: &Path) -> Result<(), StoreError> {
        let file = self.inner.file.as_ref().ok_or_else(|| StoreError::OnlyFiles(self.path().to_owned()))?;
        let snapshot = file.long.enter(self.path())?;
        backup_from(&snapshot, self.path(), to)
    }

    /// Writes the whole database file anew, so that nothing is left in it of what was deleted: pages that are rearranged keep
    /// traces of what they held. It takes as long as copying the file, and as much room beside it; meanwhile commands wait.
    ///
    /// # Errors
    /// When the disk is full, or somebody reads for long.
    pub fn rewrite(&self) -> Result<(), StoreError> {
        // A server does so by itself.
        let Some(path) = self.inner.database.file() else { return Ok(()) };
        let at = |error: &rusqlite::Error| StoreError::sqlite(path, error);
        let conn = rusqlite::Connection::open(path).map_err(|it| at(&it))?;
        conn.busy_timeout(file::BUSY_WAIT).map_err(|it| at(&it))?;
        conn.execute_batch("VACUUM").map_err(|it| at(&it))
    }

    /// A certificate by its code, as somebody shows it.
    ///
    /// # Errors
    /// When the key of the codes is not there.
    pub fn certificate(&self, code: &str) -> Result<CertificateRef, StoreError> {
        Ok(self.inner.codes.hash(code)?.map_or(CertificateRef::NoCode, CertificateRef::Code))
    }

    /// The code of a certificate, for people to see: nothing for one that nobody has posted yet.
    ///
    /// # Errors
    /// When the key of the codes is not there, or the code is damaged.
    pub fn code(&self, certificate: &CertificateInfo) -> Result<Option<String>, StoreError> {
        let reveal = |it: &Vec<u8>| self.inner.codes.reveal(certificate.sealed_for, it);
        certificate.sealed.as_ref().map(reveal).transpose()
    }

    /// By the clock that live commands go by: on a server its own, as it was last told, whatever this machine believes.
    pub fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    /// Microseconds by which the clock of this machine is ahead of the one that live commands go by.
    pub fn clock_ahead(&self) -> i64 {
        system_clock()().micros().saturating_sub(self.now().micros())
    }

    pub fn database(&self) -> &Database {
        &self.inner.database
    }

    fn path(&self) -> &Path {
        self.inner.database.path()
    }
}

/// So many writers, each with a session of its own.
fn start(first: Writer, lanes: usize, queue: &Arc<Queue>) -> Result<Vec<JoinHandle<()>>, StoreError> {
    let path = first.database.path().to_owned();
    let others = (1..lanes).map(|_| first.beside()).collect::<Result<Vec<_>, _>>()?;
    let mut writers = Vec::with_capacity(lanes);
    for (lane, writer) in std::iter::once(first).chain(others).enumerate() {
        let jobs = Arc::clone(queue);
        let thread = std::thread::Builder::new().name("writer".to_owned());
        let spawned = thread.spawn(move || writer.run(Lane(lane), &jobs));
        writers.push(spawned.map_err(|error| StoreError::io(&path, &error))?);
    }
    Ok(writers)
}

impl Drop for Inner {
    fn drop(&mut self) {
        // Readers first: whoever closes last writes the log back and removes it, and readers cannot.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
        self.queue.close();
        for writer in self.writers.drain(..) {
            // Its callers know from their tickets if it panicked.
            let _ = writer.join();
        }
    }
}
