//! A writer that stands still inside a batch, as long as a test holds its gate.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use engine::Timestamp;
use store::Clock;

/// A gate that tells whether somebody stands before it.
#[derive(Default)]
pub(crate) struct Gate {
    stand: Mutex<Stand>,
    changed: Condvar,
}

#[derive(Default)]
struct Stand {
    is_closed: bool,
    /// Writers that wait for it.
    waiting: u32,
}

impl Gate {
    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.stand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the time; a writer, behind its locks, only while the gate is open.
    pub(crate) fn clock(self: &Arc<Self>, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        let gate = Arc::clone(self);
        Arc::new(move || {
            if std::thread::current().name() == Some("writer") {
                gate.pass();
            }
            now()
        })
    }

    fn pass(&self) {
        let mut stand = self.stand();
        stand.waiting += 1;
        self.changed.notify_all();
        let mut stand = self.changed.wait_while(stand, |it| it.is_closed).unwrap_or_else(PoisonError::into_inner);
        stand.waiting -= 1;
    }

    /// Until what is answered is dropped, also by a test that fails: whoever stands there would wait for ever.
    pub(crate) fn close(&self) -> Closed<'_> {
        self.stand().is_closed = true;
        Closed(self)
    }

    /// Somebody holds locks there, and will not go on before it is opened.
    pub(crate) fn wait_until_somebody_stands(&self) {
        let waits = self.changed.wait_timeout_while(self.stand(), Duration::from_secs(60), |it| it.waiting == 0);
        assert!(!waits.unwrap_or_else(PoisonError::into_inner).1.timed_out(), "nobody comes to the gate");
    }
}

pub(crate) struct Closed<'a>(&'a Gate);

impl Drop for Closed<'_> {
    fn drop(&mut self) {
        self.0.stand().is_closed = false;
        self.0.changed.notify_all();
    }
}
