//! What time it is: on this machine, or on the server of the database.
//!
//! Several processes on one server go by its time, whatever the machines believe on which they run: what a server was last
//! told goes on by a clock that only counts, so that setting a machine's clock changes nothing. It is asked once a second
//! (`postgres.rs`); ledger time itself is read from the server behind the locks of each batch (`commit.rs`).

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use engine::Timestamp;

use crate::fault::Found;
use crate::sql::Connection;

/// Tells the time of live commands.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// What time it is on the server.
pub(crate) const CLOCK: &str = "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)";
/// A question that takes longer says too little about when it was answered.
const ASKING_MAX: Duration = Duration::from_secs(1);

/// The clock of this machine.
pub fn system_clock() -> Clock {
    Arc::new(|| {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_micros(micros(since))
    })
}

/// What time it is on the server, asked now or ahead.
pub(crate) fn time_of(conn: &Connection) -> Found<Timestamp> {
    conn.query_row(CLOCK, [], |row| Ok(Timestamp::from_micros(row.get(0)?)))
}

/// The time of a server, between two looks at it.
#[derive(Debug)]
pub(crate) struct ServerClock {
    since: Instant,
    /// What the server said it was then, in microseconds.
    then: AtomicI64,
}

impl ServerClock {
    pub(crate) fn new(told: Timestamp) -> Self {
        Self { since: Instant::now(), then: AtomicI64::new(told.micros()) }
    }

    /// One that is set goes before that of the server, which nobody asks then.
    pub(crate) fn or(set: Option<Clock>, told: Timestamp) -> (Clock, Option<Arc<Self>>) {
        if let Some(set) = set {
            return (set, None);
        }
        let ours = Arc::new(Self::new(told));
        let clock = Arc::clone(&ours);
        (Arc::new(move || clock.now()), Some(ours))
    }

    pub(crate) fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.then.load(Ordering::Relaxed).saturating_add(micros(self.since.elapsed())))
    }

    /// Goes by what the server answers to a question that was asked at that instant.
    pub(crate) fn set(&self, told: Timestamp, asked_at: Instant) {
        if asked_at.elapsed() < ASKING_MAX {
            let counted = micros(self.since.elapsed());
            self.then.store(told.micros().saturating_sub(counted), Ordering::Relaxed);
        }
    }
}

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}
