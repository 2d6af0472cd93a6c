//! What a batch has locked while others write beside it.
//!
//! A batch on a server shares the ledger with others unless one of its commands must be alone. It finds whom its commands are
//! about, locks the rows of these owners in the order of their ids, then those of orders without a member, then those of
//! programs that keep figures across members; only then does it read what belongs to them. What it reads without is either
//! never changed but by a batch that is alone (who is one with whom, what finds whom, reference data), or guarded by a key
//! that is inserted (references, identities, answers: who comes second fails and is run again).
//!
//! All of it rests on the checks here: nothing of an owner is read before the row of the owner is locked. A command that
//! leads to somebody else fails; the batch goes back, and finds again with that owner among those to be locked.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::batch::{Batch, Rows};
use crate::code::CHECK;
use crate::command::Body;
use crate::directory::{DirectoryKey, Listing};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::migrate::meta;
use crate::sql::{Ahead, Connection, params};

const OWNER: &str = "SELECT 1 FROM members WHERE owner_id = $1 FOR NO KEY UPDATE";
const GUEST: &str =
    "SELECT 1 FROM ledger WHERE owner_id = $1 AND program = $2 AND part = 7 AND phase = 0 AND sort_at = 0
    AND earned_at = 0 AND no = 0 FOR NO KEY UPDATE";
const PROGRAM: &str = "SELECT 1 FROM programs WHERE number = $1 FOR NO KEY UPDATE";

impl Body {
    /// Whether others may be written beside it: all that it changes belongs to owners who are locked, or is a key that is
    /// inserted. What is not of this kind is rare, and waits to be alone.
    pub(crate) fn shares(&self) -> bool {
        match self {
            Self::SignUp { .. }
            | Self::PutOrder { .. }
            | Self::PutReturn { .. }
            | Self::ClaimOrder { .. }
            | Self::Hold { .. }
            | Self::ReleaseHold { .. }
            | Self::Adjust { .. }
            | Self::AdjustCredit { .. }
            | Self::IssueCertificates { .. }
            | Self::IssueBearers { .. }
            | Self::CancelCertificate { .. }
            | Self::Withdraw { .. }
            | Self::Collect { .. }
            | Self::ClaimReward { .. }
            | Self::EndClaim { .. }
            | Self::Redate { .. }
            | Self::Reinstate { .. }
            | Self::Act { .. }
            | Self::SetTier { .. }
            | Self::Close { .. }
            | Self::Join { .. }
            | Self::Settle { .. }
            | Self::ChangeMember { .. }
            | Self::AddIdentity { .. } => true,
            // What finds somebody is not to go while others are found by it; links are good for one session; and of old
            // answers nobody is to have one while it goes.
            Self::RemoveIdentity { .. }
            | Self::Card { .. }
            | Self::OpenLink { .. }
            | Self::UseLink { .. }
            | Self::OpenSession { .. }
            | Self::EndSession { .. }
            | Self::ForgetAnswers { .. }
            | Self::Merge { .. }
            | Self::Unmerge { .. }
            | Self::Erase { .. }
            | Self::CreateProgram { .. }
            | Self::AddVersion { .. }
            | Self::SwitchProgram { .. }
            | Self::AddChannel { .. }
            | Self::ChangeChannel { .. }
            | Self::AddKey { .. }
            | Self::RevokeKey { .. } => false,
        }
    }
}

/// What is to be locked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted {
    pub(crate) owners: BTreeSet<MemberId>,
    /// Orders without a member, with their programs.
    pub(crate) guests: BTreeSet<(DirectoryKey, u32)>,
    /// Programs that keep figures across members.
    pub(crate) programs: BTreeSet<u32>,
    /// Nobody is to write beside.
    pub(crate) all: bool,
}

impl Wanted {
    pub(crate) fn is_empty(&self) -> bool {
        self.owners.is_empty() && self.guests.is_empty() && self.programs.is_empty() && !self.all
    }

    pub(crate) fn add(&mut self, more: Self) {
        self.owners.extend(more.owners);
        self.guests.extend(more.guests);
        self.programs.extend(more.programs);
        self.all |= more.all;
    }

    /// Puts the locks in line, each kind in the order of its keys: no two batches ever wait for each other.
    pub(crate) fn ask(&self, ahead: &mut Ahead<'_>) -> Found<()> {
        for owner in &self.owners {
            ahead.ask(OWNER, params![owner.0])?;
        }
        for (key, program) in &self.guests {
            ahead.ask(GUEST, params![key, program])?;
        }
        for program in &self.programs {
            ahead.ask(PROGRAM, params![program])?;
        }
        Ok(())
    }

    /// What of it is locked, once it was asked.
    pub(crate) fn locked(self, conn: &Connection) -> Found<Locks> {
        let mut locks = Locks::default();
        for owner in self.owners {
            let is_there = conn.prepare_cached(OWNER)?.exists(params![owner.0])?;
            locks.owners.insert(owner, is_there);
        }
        for (key, program) in self.guests {
            if conn.prepare_cached(GUEST)?.exists(params![key, program])? {
                locks.guests.insert((key, program));
            }
        }
        locks.programs = self.programs;
        Ok(locks)
    }
}

/// What nobody else can change until the batch ends.
#[derive(Debug, Default)]
pub(crate) struct Locks {
    all: bool,
    /// And whether there is such a member: what has no row cannot be locked.
    owners: BTreeMap<MemberId, bool>,
    guests: BTreeSet<(DirectoryKey, u32)>,
    programs: BTreeSet<u32>,
}

impl Locks {
    /// Nobody writes beside.
    pub(crate) fn all() -> Self {
        Self { all: true, ..Self::default() }
    }
}

/// What a batch checks before it reads.
pub(crate) struct Guard<'a> {
    locks: &'a Locks,
    /// What else is to be locked before all is decided again.
    wanted: RefCell<Wanted>,
    /// Ids that were drawn for members who sign up with their first order.
    born: BTreeSet<MemberId>,
}

impl<'a> Guard<'a> {
    pub(crate) fn new(locks: &'a Locks) -> Self {
        Self { locks, wanted: RefCell::default(), born: BTreeSet::new() }
    }

    /// What turned out to be missing, if anything.
    pub(crate) fn missing(&self) -> Option<Box<Wanted>> {
        let wanted = self.wanted.take();
        (!wanted.is_empty()).then(|| Box::new(wanted))
    }

    /// Fails unless all that belongs to an owner stays as it is read. Nobody knows yet of a member that this batch makes; and
    /// of one who was looked for and is not there nothing is stored, which [`Self::check_absent`] holds fast.
    pub(crate) fn check_owner(&self, rows: &Rows, owner: MemberId) -> Found<()> {
        let is_locked = self.locks.all
            || self.locks.owners.contains_key(&owner)
            || rows.members.contains_key(&owner)
            || self.born.contains(&owner);
        if is_locked { Ok(()) } else { self.want_owner(owner) }
    }

    /// Fails when something is there of an owner who was not when the locks were taken.
    pub(crate) fn check_absent(&self, owner: MemberId, is_there: bool) -> Found<()> {
        let was_absent = self.locks.owners.get(&owner) == Some(&false) || self.born.contains(&owner);
        if is_there && was_absent && !self.locks.all { self.want_owner(owner) } else { Ok(()) }
    }

    fn want_owner<T>(&self, owner: MemberId) -> Found<T> {
        self.want(|it| it.owners.extend([owner]))
    }

    fn want<T>(&self, add: impl FnOnce(&mut Wanted)) -> Found<T> {
        add(&mut self.wanted.borrow_mut());
        Err(Fault::Unlocked(Box::default()))
    }
}

impl Batch<'_> {
    /// Nobody knows of a member who is made now, under an id that was just drawn.
    pub(crate) fn born(&mut self, owner: MemberId) {
        self.guard.born.insert(owner);
    }

    /// Fails unless the order of that key stays as it is read, or nobody has sent it yet: then the key guards it.
    pub(crate) fn check_guest(&self, key: DirectoryKey, program: u32, is_there: bool) -> Found<()> {
        let Guard { locks, .. } = &self.guard;
        if locks.all || locks.guests.contains(&(key, program)) {
            return Ok(());
        }
        if is_there || self.find(key)?.is_some_and(|it| it.kind == Listing::Guest) {
            return self.guard.want(|it| it.guests.extend([(key, program)]));
        }
        Ok(())
    }

    /// Fails unless the figures of a program across members stay as they are read.
    pub(crate) fn check_figures(&self, program: u32) -> Found<()> {
        let Guard { locks, .. } = &self.guard;
        if locks.all || locks.programs.contains(&program) {
            return Ok(());
        }
        self.guard.want(|it| it.programs.extend([program]))
    }

    /// The first certificate of all brings the key of the codes with it.
    pub(crate) fn check_codes(&self) -> Found<()> {
        if self.guard.locks.all || meta(self.conn, CHECK)?.is_some() {
            return Ok(());
        }
        self.guard.want(|it| it.all = true)
    }
}
