//! The process that is killed: opens the store and sends the commands of all lanes at once, each lane pipelined.
//!
//! A line of its output is one number: a command that was answered, with a digest of the answer, or a mark. Bounded by
//! `WINDOW_MAX` unanswered commands of each lane.

use std::collections::VecDeque;
use std::env;
use std::path::{Path, PathBuf};
use std::process;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use engine::Timestamp;
use rusqlite::Connection;
use store::{Clock, Database, Failure, Options, Reply, Store, backup};

use super::lane::{CLOCK, LANES, command};
use crate::crash::{acknowledge, writing_process};
use crate::shop::{compile, set_up};

/// So many commands of a lane are on their way at most.
pub(super) const WINDOW_MAX: u64 = 40;

const WRITER: &str = "durable::writes_when_told_to";
const DATABASE: &str = "DURABLE_DATABASE";
const TASK: &str = "DURABLE_TASK";

/// What a writing process is told.
#[derive(Clone)]
pub(super) struct Task {
    pub(super) document: &'static str,
    /// So many commands of a lane are on their way at once, at most `WINDOW_MAX`.
    pub(super) window: u64,
    /// The first command of each lane.
    pub(super) from: [u64; LANES],
    /// Whether backups are made, and the WAL copied back more often than the store does it by itself.
    pub(super) beside: bool,
}

/// What a line of the writer says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// It is about to open the store.
    Opening,
    Answered {
        lane: usize,
        number: u64,
        digest: u32,
    },
    BackupBegins(u64),
    BackupIsThere(u64),
}

impl Said {
    fn to_number(self) -> i64 {
        let small = |it: u64| i64::try_from(it).expect("a small number");
        match self {
            Self::Opening => -1,
            Self::BackupBegins(number) => -2 - 2 * small(number),
            Self::BackupIsThere(number) => -3 - 2 * small(number),
            Self::Answered { lane, number, digest } => {
                (small(u64::try_from(lane).expect("a small number")) << 56) | (small(number) << 32) | i64::from(digest)
            }
        }
    }

    pub(super) fn from_number(number: i64) -> Self {
        let part = |shift: u32, bits: u32| (number.unsigned_abs() >> shift) & ((1 << bits) - 1);
        match number {
            -1 => Self::Opening,
            _ if number < 0 && number % 2 == 0 => Self::BackupBegins((number.unsigned_abs() - 2) / 2),
            _ if number < 0 => Self::BackupIsThere((number.unsigned_abs() - 3) / 2),
            _ => Self::Answered {
                lane: usize::try_from(part(56, 7)).expect("a small number"),
                number: part(32, 24),
                digest: u32::try_from(part(0, 32)).expect("32 bits"),
            },
        }
    }
}

pub(super) fn options() -> Options {
    let clock: Clock = Arc::new(|| Timestamp::from_micros(CLOCK));
    Options { clock: Some(clock), batch_max: 200, create: true, ..Options::new(compile) }
}

/// FNV-1a over all that the answer says.
pub(super) fn digest(answer: &Result<Reply, Failure>) -> u32 {
    format!("{answer:?}").bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

pub(super) fn backup_path(database: &Path, number: u64) -> PathBuf {
    database.with_file_name(format!("backup-{number}.db"))
}

impl Task {
    pub(super) fn command(&self, database: &Path) -> process::Command {
        let from: Vec<String> = self.from.iter().map(u64::to_string).collect();
        let task = format!("{}|{}|{}|{}", self.document, self.window, from.join(","), self.beside);
        let mut command = writing_process(WRITER);
        command.env(DATABASE, database).env(TASK, task);
        command
    }

    fn given() -> Option<(PathBuf, String, u64, Vec<u64>, bool)> {
        let task = env::var(TASK).ok()?;
        let parts: Vec<&str> = task.split('|').collect();
        let [document, window, from, beside] = parts[..] else { panic!("a task has four parts: {task}") };
        let number = |it: &str| it.parse().expect("a number");
        let from = from.split(',').map(number).collect();
        let database = env::var(DATABASE).expect("the test names the database").into();
        Some((database, document.to_owned(), number(window), from, beside == "true"))
    }
}

/// Writes until it is killed, or returns at once if no test has told it to write.
pub(super) fn write_if_told() {
    let Some((path, document, window, from, beside)) = Task::given() else { return };
    acknowledge(Said::Opening.to_number());
    let store = Store::open(&Database::Sqlite(path.clone()), options()).expect("the store opens after any kill");
    set_up(&store, &document);
    let (wake_backup, backup_woken) = sync_channel(1);
    let (wake_checkpoint, checkpoint_woken) = sync_channel(1);
    std::thread::scope(|scope| {
        if beside {
            let path = path.as_path();
            scope.spawn(move || back_up(path, &backup_woken));
            scope.spawn(move || copy_back(path, &checkpoint_woken));
        }
        for (lane, from) in from.into_iter().enumerate() {
            let store = store.clone();
            let wake = if lane == 0 { wake_backup.clone() } else { wake_checkpoint.clone() };
            scope.spawn(move || send_lane(&store, window, lane, from, &wake));
        }
    });
}

fn send_lane(store: &Store, window: u64, lane: usize, from: u64, wake: &SyncSender<()>) {
    let mut open = VecDeque::new();
    let mut next = from;
    for number in from.. {
        while next < number + window {
            open.push_back(store.submit(command(lane, next)));
            next += 1;
        }
        let answer = open.pop_front().expect("the window is full").wait();
        assert!(!matches!(answer, Err(Failure::Store(_) | Failure::Internal)), "{lane}.{number}: {answer:?}");
        acknowledge(Said::Answered { lane, number, digest: digest(&answer) }.to_number());
        if number % 32 == 0 {
            // It is busy, or nobody works beside.
            let _ = wake.try_send(());
        }
    }
}

fn back_up(path: &Path, woken: &Receiver<()>) {
    for number in 0.. {
        woken.recv().expect("the lanes never end");
        acknowledge(Said::BackupBegins(number).to_number());
        backup(&Database::Sqlite(path.to_owned()), &backup_path(path, number)).expect("a backup");
        acknowledge(Said::BackupIsThere(number).to_number());
    }
}

/// The store by itself copies only a long WAL.
fn copy_back(path: &Path, woken: &Receiver<()>) {
    let connection = Connection::open(path).expect("the database opens");
    // It must not keep the writer waiting for the readers.
    connection.busy_timeout(Duration::ZERO).expect("a setting");
    for how in ["PASSIVE", "RESTART", "PASSIVE", "TRUNCATE"].iter().cycle() {
        woken.recv().expect("the lanes never end");
        let checkpoint = format!("PRAGMA wal_checkpoint({how})");
        connection
            .query_row(&checkpoint, [], |_| Ok(()))
            .expect("a checkpoint, or as much of it as readers let through");
    }
}
