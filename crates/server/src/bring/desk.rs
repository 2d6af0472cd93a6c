//! What rows are brought to: the store itself, or a reader that only tries them.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};

use engine::{Actor, TierState, Timestamp};
use store::{Body, Command, Failure, Key, MemberId, MemberRef, Reply, Store, Time, Trial};

/// Looks things up, and carries commands out, or tells what they would be answered.
pub trait Desk {
    /// # Errors
    /// When it cannot be read.
    fn find(&self, member: &MemberRef) -> Result<Option<MemberId>, Failure>;

    /// Whether something was booked under a permanent reference in a ledger.
    ///
    /// # Errors
    /// When it cannot be read.
    fn is_known(&self, ledger: u32, reference: &str) -> Result<bool, Failure>;

    /// The tier of a member in a program.
    ///
    /// # Errors
    /// When it cannot be read.
    fn tier_of(&self, member: MemberId, program: u32) -> Result<Option<TierState>, Failure>;

    /// # Errors
    /// The failure of the command.
    fn send(&self, body: Body) -> Result<Reply, Failure>;
}

/// The store: what is accepted is there.
pub struct Live {
    pub store: Store,
    pub now: Timestamp,
    /// In whose names keys are made: no two may meet, and none is used again.
    pub keys: String,
    pub sent: AtomicU64,
}

impl Desk for Live {
    fn find(&self, member: &MemberRef) -> Result<Option<MemberId>, Failure> {
        Ok(self.store.reader()?.find(member)?)
    }

    fn is_known(&self, ledger: u32, reference: &str) -> Result<bool, Failure> {
        Ok(self.store.reader()?.referred(ledger, reference)?.is_some())
    }

    fn tier_of(&self, member: MemberId, program: u32) -> Result<Option<TierState>, Failure> {
        let standing = self.store.reader()?.standing(member, program, self.now, 0)?;
        Ok(standing.progress.and_then(|it| it.standing))
    }

    fn send(&self, body: Body) -> Result<Reply, Failure> {
        let key = format!("{}-{}", self.keys, self.sent.fetch_add(1, Ordering::Relaxed));
        self.store.submit(command(self.now, key, body)).wait()
    }
}

/// A reader on which rows are tried, each seeing those before it: nothing of them stays.
pub struct Tried<'t, 'a> {
    pub trial: RefCell<&'t mut Trial<'a>>,
    pub now: Timestamp,
    pub sent: AtomicU64,
}

impl Desk for Tried<'_, '_> {
    fn find(&self, member: &MemberRef) -> Result<Option<MemberId>, Failure> {
        self.trial.borrow_mut().find(member)
    }

    fn is_known(&self, ledger: u32, reference: &str) -> Result<bool, Failure> {
        self.trial.borrow_mut().is_known(ledger, reference)
    }

    fn tier_of(&self, member: MemberId, program: u32) -> Result<Option<TierState>, Failure> {
        self.trial.borrow_mut().tier_of(member, program, self.now)
    }

    fn send(&self, body: Body) -> Result<Reply, Failure> {
        let key = format!("tried {}", self.sent.fetch_add(1, Ordering::Relaxed));
        self.trial.borrow_mut().send(&command(self.now, key, body))
    }
}

fn command(now: Timestamp, key: String, body: Body) -> Command {
    Command { key: Some(Key(key)), actor: Actor::Import, time: Time::Import(now), seed: 0, body }
}
