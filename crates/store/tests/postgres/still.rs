//! A writer that stands still inside a batch, as long as a test holds its gate.

use std::sync::{Arc, Mutex, PoisonError};

use engine::Timestamp;
use store::Clock;

/// Tells the time; a writer, which asks for it inside the transaction, only while nobody holds the gate.
pub(crate) fn behind(gate: &Arc<Mutex<()>>, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
    let gate = Arc::clone(gate);
    Arc::new(move || {
        if std::thread::current().name() == Some("writer") {
            drop(gate.lock().unwrap_or_else(PoisonError::into_inner));
        }
        now()
    })
}
