//! The sweeper: settles the accounts in which something has fallen due, so that reports are whole, and deletes answers that
//! are too old to be asked for again.
//!
//! It walks (due_at, owner) with a cursor, a page at a time, and submits like everybody else, behind live commands. A
//! member whose settling panics is parked: left out from then on, until a command on its points succeeds or somebody asks
//! to try again. Bounded by two pages of accounts in flight.

use std::collections::VecDeque;

use engine::{Actor, Timestamp};

use crate::command::{Body, Command, Failure, Reply, Ticket, Time};
use crate::error::StoreError;
use crate::id::MemberId;
use crate::rows::AccountId;
use crate::store::Store;

const PAGE: usize = 1_000;
/// All answers are looked through for old ones once a day.
const WALK_EVERY: i64 = 86_400_000_000;

/// Answers are remembered for thirty days.
const REMEMBERED: i64 = 30 * 86_400_000_000;

/// What a sweep did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Accounts that were settled.
    pub accounts: u64,
    /// Members that are left out, since settling their points failed inside: to be reported.
    pub parked: Vec<MemberId>,
    /// Answers deleted, since they were too old.
    pub answers: u64,
}

/// Settles everything that falls due at `until` or before, which is now: nothing is settled ahead of the store's clock.
/// `progress` is told how many accounts are done.
///
/// # Errors
/// When the store fails. A member whose settling panics is parked.
pub fn sweep(store: &Store, until: Timestamp, progress: &mut dyn FnMut(u64)) -> Result<Swept, StoreError> {
    sweep_while(store, until, &|| true, progress)
}

/// As [`sweep`], for as long as `goes_on` says so: it is asked before each page of accounts. What is left stays due.
///
/// # Errors
/// As [`sweep`].
pub fn sweep_while(
    store: &Store,
    until: Timestamp,
    goes_on: &dyn Fn() -> bool,
    progress: &mut dyn FnMut(u64),
) -> Result<Swept, StoreError> {
    let mut swept = Swept::default();
    let (mut after, mut waiting) = (None, VecDeque::new());
    while goes_on() {
        // A reader for each page: none is held open while the writer works. It reads while the page before is settled.
        let page = store.reader()?.due(until, after, PAGE)?;
        let Some(last) = page.last() else { break };
        after = Some(*last);
        let accounts = page.iter().map(|it| AccountId { owner: it.owner, program: it.program });
        waiting.extend(accounts.map(|it| settling(store, until, it)));
        let landed = waiting.len().saturating_sub(PAGE);
        swept.accounts += settled(waiting.drain(..landed))?;
        progress(swept.accounts);
    }
    swept.accounts += settled(waiting.into_iter())?;
    progress(swept.accounts);
    swept.answers = forget_answers(store, goes_on)?;
    swept.parked = store.reader()?.parked()?;
    Ok(swept)
}

/// Settles parked members once more. Those that succeed are swept again from now on; answers how many accounts did.
///
/// # Errors
/// When the store fails.
pub fn retry_parked(store: &Store, until: Timestamp) -> Result<u64, StoreError> {
    let accounts = store.reader()?.parked_accounts()?;
    let waiting: Vec<_> = accounts.into_iter().map(|it| settling(store, until, it)).collect();
    settled(waiting.into_iter())
}

fn settling(store: &Store, until: Timestamp, AccountId { owner, program }: AccountId) -> Ticket {
    store.submit(command(Time::Import(until), Body::Settle { owner, program }))
}

/// Waits for all of them, and answers how many were settled.
fn settled(tickets: impl Iterator<Item = Ticket>) -> Result<u64, StoreError> {
    let mut settled = 0;
    for ticket in tickets {
        match ticket.wait() {
            Ok(_) => settled += 1,
            // Whoever cannot be settled is parked; the others go on.
            Err(
                Failure::Rejected(_)
                | Failure::KeyReused
                | Failure::UnknownLink
                | Failure::UnknownKey
                | Failure::Internal,
            )
            | Err(Failure::Store(StoreError::Damaged { .. })) => {}
            Err(Failure::Store(error)) => return Err(error),
        }
    }
    Ok(settled)
}

fn forget_answers(store: &Store, goes_on: &dyn Fn() -> bool) -> Result<u64, StoreError> {
    let now = store.now();
    let reader = store.reader()?;
    // A walk that lies ahead was made by a wrong clock: it counts for nothing.
    let walked_at = reader.answers_walked_at()?.filter(|it| *it <= now);
    if walked_at.is_some_and(|it| now.micros() < it.micros().saturating_add(WALK_EVERY)) {
        return Ok(0);
    }
    // No clock alone makes answers old: newer ones must be there.
    let newest = reader.newest_answer_at()?.unwrap_or_default();
    drop(reader);
    let before = Timestamp::from_micros(now.min(newest).micros().saturating_sub(REMEMBERED));
    let mut forgotten = 0;
    let mut after = None;
    while goes_on() {
        match store.submit(command(Time::Import(now), Body::ForgetAnswers { after, before })).wait() {
            Ok(Reply::Forgotten { answers, next }) => {
                forgotten += answers;
                after = next;
            }
            Err(Failure::Store(error)) => return Err(error),
            Ok(_) | Err(_) => after = None,
        }
        if after.is_none() {
            break;
        }
    }
    Ok(forgotten)
}

fn command(time: Time, body: Body) -> Command {
    Command { key: None, actor: Actor::System, time, seed: 0, body }
}
