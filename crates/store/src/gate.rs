//! The readers' gate: short reads of this process pass it, and the writer closes it for the moment in which the WAL starts
//! over. Without it some reader is always inside, and the WAL grows without end.
//!
//! Bounded: the writer waits for those inside no longer than it says, and then goes on without.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    inside: u32,
    closed: bool,
}

/// Somebody inside; dropping it leaves.
#[derive(Debug)]
pub(crate) struct Pass(Arc<Gate>);

impl Gate {
    pub(crate) fn enter(self: &Arc<Self>) -> Pass {
        let mut state = self.lock();
        while state.closed {
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.inside += 1;
        Pass(Arc::clone(self))
    }

    /// Runs `work` while nobody is inside, unless it takes longer than `patience` until all have left.
    pub(crate) fn closed<T>(&self, patience: Duration, work: impl FnOnce() -> T) -> Option<T> {
        let until = Instant::now() + patience;
        let mut state = self.lock();
        state.closed = true;
        while 0 < state.inside {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        let empty = state.inside == 0;
        drop(state);
        let done = if empty { Some(work()) } else { None };
        self.lock().closed = false;
        self.changed.notify_all();
        done
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pass {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}

#[test]
fn the_gate_closes_only_when_nobody_is_inside() {
    let gate = Arc::new(Gate::default());
    let pass = gate.enter();
    assert_eq!(gate.closed(Duration::ZERO, || 1), None);
    drop(pass);
    assert_eq!(gate.closed(Duration::ZERO, || 1), Some(1));
    drop(gate.enter());
}
