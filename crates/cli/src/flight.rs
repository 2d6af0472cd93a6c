//! Many commands at once: while the writer saves one batch, the next gathers. Answers come back in the order of sending.

use std::collections::VecDeque;

use store::{Command, Failure, Reply, Store, Ticket};

/// Commands that wait for their answers at most: enough for a batch being saved and the next ones behind it.
pub(crate) const IN_FLIGHT_MAX: usize = 4_000;

/// Commands on their way, each with what the sender wants to know when its answer comes.
pub(crate) struct Flight<'a, T> {
    store: &'a Store,
    waiting: VecDeque<(T, Ticket)>,
}

impl<'a, T> Flight<'a, T> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self { store, waiting: VecDeque::with_capacity(IN_FLIGHT_MAX) }
    }

    /// Sends a command; when too many are on their way, answers the oldest first.
    pub(crate) fn send(&mut self, about: T, command: Command) -> Option<(T, Result<Reply, Failure>)> {
        let landed = if self.waiting.len() < IN_FLIGHT_MAX { None } else { self.land() };
        self.waiting.push_back((about, self.store.submit(command)));
        landed
    }

    /// Waits for the oldest command; nothing when none is on its way.
    pub(crate) fn land(&mut self) -> Option<(T, Result<Reply, Failure>)> {
        self.waiting.pop_front().map(|(about, ticket)| (about, ticket.wait()))
    }
}
