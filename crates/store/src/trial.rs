//! Trying commands on a reader: each is decided as the writer would, and sees those before it. Nothing is written, and nobody
//! waits.
//!
//! Bounded by what its caller tries: what the commands touch lies in memory until the trial ends.

use std::path::Path;

use engine::{Rejection, Stop, TierState, Timestamp};

use crate::batch::Batch;
use crate::command::{Command, Failure, Reply};
use crate::decide::{Refused, ask, decide, find_member};
use crate::directory::reference_key;
use crate::error::StoreError;
use crate::id::MemberId;
use crate::locks::Locks;
use crate::member::MemberRef;
use crate::query::Reader;
use crate::rows::AccountId;

/// What commands would be answered, one after the other.
pub struct Trial<'a> {
    batch: Batch<'a>,
    path: &'a Path,
}

impl Reader {
    /// Tries commands at an instant.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn try_out<T>(&self, now: Timestamp, work: impl FnOnce(&mut Trial<'_>) -> T) -> Result<T, StoreError> {
        let reference = self.reference()?;
        // What it reads is one snapshot, as if all were locked.
        let locks = Locks::all();
        self.ask(|conn| {
            let batch = Batch::to_try(conn, &reference, &locks, now);
            Ok(work(&mut Trial { batch, path: self.path() }))
        })
    }
}

impl Trial<'_> {
    /// What the command would be answered.
    ///
    /// # Errors
    /// As the writer would answer; `Internal` for a command that changes more than one member or a program.
    pub fn send(&mut self, command: &Command) -> Result<Reply, Failure> {
        if command.body.is_alone() {
            return Err(Failure::Internal);
        }
        decide(&mut self.batch, command).unwrap_or_else(|fault| Err(Failure::Store(fault.at(self.path))))
    }

    /// Whom a reference leads to by now.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn find(&mut self, member: &MemberRef) -> Result<Option<MemberId>, Failure> {
        let found = find_member(&mut self.batch, member);
        self.there(found)
    }

    /// Whether something was booked under a permanent reference.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn is_known(&mut self, ledger: u32, reference: &str) -> Result<bool, Failure> {
        let found = self.batch.find(reference_key(ledger, reference)).map_err(Refused::from);
        Ok(self.there(found)?.flatten().is_some())
    }

    /// The tier of a member in a program.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn tier_of(&mut self, member: MemberId, program: u32, now: Timestamp) -> Result<Option<TierState>, Failure> {
        let id = AccountId { owner: member, program };
        let due = ask(&mut self.batch, id, |account, rules| engine::settle(account, rules, now).map_err(Stop::from));
        let Some(due) = self.there(due)? else { return Ok(None) };
        let account = self.batch.slot(id).map(|it| it.account.clone()).map_err(Refused::from);
        let Some(mut account) = self.there(account)? else { return Ok(None) };
        account.apply(&due);
        Ok(account.tier)
    }

    /// What was found, if it is there.
    fn there<T>(&self, found: Result<T, Refused>) -> Result<Option<T>, Failure> {
        match found {
            Ok(found) => Ok(Some(found)),
            Err(Refused::Rejected(Rejection::UnknownMember | Rejection::UnknownProgram)) => Ok(None),
            Err(Refused::Rejected(rejection)) => Err(Failure::Rejected(rejection)),
            Err(Refused::Failed(failure)) => Err(failure),
            Err(Refused::Fault(fault)) => Err(Failure::Store(fault.at(self.path))),
        }
    }
}
