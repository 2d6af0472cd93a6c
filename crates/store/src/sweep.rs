//! The sweeper: settles the accounts in which something has fallen due, so that reports are whole.
//!
//! It walks (due_at, owner) with a cursor, a page at a time, and submits like everybody else; an account that fails is left
//! behind and tried again with the next sweep. Bounded by a page of accounts in flight.

use engine::{Actor, Timestamp};

use crate::command::{Body, Command, Failure, Time};
use crate::error::StoreError;
use crate::store::Store;

const PAGE: usize = 1_000;

/// Settles everything that falls due at `until` or before. Answers how many accounts there were.
///
/// # Errors
/// When the store fails. An account whose settling panics is passed over.
pub fn sweep(store: &Store, until: Timestamp, progress: &mut dyn FnMut(u64)) -> Result<u64, StoreError> {
    let mut done = 0;
    let mut after = None;
    loop {
        // A reader for each page: none is held open while the writer works.
        let page = store.reader()?.due(until, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(done) };
        after = Some(*last);
        let settle = |owner, program| Command {
            key: None,
            actor: Actor::System,
            time: Time::Import(until),
            seed: 0,
            body: Body::Settle { owner, program },
        };
        let tickets: Vec<_> = page.iter().map(|it| store.submit(settle(it.owner, it.program))).collect();
        for ticket in tickets {
            match ticket.wait() {
                Ok(_) | Err(Failure::Rejected(_) | Failure::KeyReused | Failure::Internal) => done += 1,
                Err(Failure::Store(error)) => return Err(error),
            }
        }
        progress(done);
    }
}
