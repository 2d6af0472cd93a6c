//! What the rules answer: entries to post, or a refusal; and the working copy on which they are decided.

use crate::account::{Account, NeedMore};
use crate::calendar::Timestamp;
use crate::entry::{
    Actor, Bucket, Changes, Entry, HoldChange, Kind, LotNo, LotOpened, LotRef, OrderNo, Posting, Reason,
};
use crate::order::Answer;
use crate::points::Points;
use crate::posted::Order;
use crate::program::Rules;
use crate::rejection::Rejection;

/// What a command comes to: posted together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    pub entries: Vec<Entry>,
    /// What is recorded of an order beside the ledger. Its posted figures are those after the entries.
    pub order: Option<Order>,
    /// What an order's sender is told.
    pub answer: Option<Answer>,
}

pub type Decision = Result<Decided, Stop>;

/// Why there are no entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    Rejected(Rejection),
    /// More lots must be loaded first.
    NeedMore,
}

impl From<Rejection> for Stop {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl From<NeedMore> for Stop {
    fn from(_: NeedMore) -> Self {
        Self::NeedMore
    }
}

/// When a command is decided, and by whom it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Ledger time: the server's clock, in an import the line's time.
    pub now: Timestamp,
    pub actor: Actor,
    /// Whether dates may lie as far back as they like.
    pub import: bool,
}

impl Account {
    /// Posts what was decided.
    pub fn apply(&mut self, decided: &Decided) {
        for entry in &decided.entries {
            self.post(entry);
        }
        if let Some(order) = &decided.order {
            self.record(order.clone());
        }
    }
}

/// A copy of the account that runs ahead while one command is decided.
#[derive(Clone)]
pub(crate) struct Ahead<'a> {
    pub(crate) rules: Rules<'a>,
    pub(crate) account: Account,
    pub(crate) entries: Vec<Entry>,
    pub(crate) moment: Moment,
}

impl<'a> Ahead<'a> {
    pub(crate) fn of(account: &Account, rules: Rules<'a>, moment: Moment) -> Self {
        Self { rules, account: account.ahead(), entries: Vec::new(), moment }
    }

    /// Numbers an entry, dates it now or at the account's last entry if that is later, and posts it on the copy.
    pub(crate) fn post(&mut self, draft: Draft) {
        self.post_at(self.moment.now, draft);
    }

    pub(crate) fn post_at(&mut self, at: Timestamp, draft: Draft) {
        let entry = Entry {
            number: self.account.next_entry,
            at: at.max(self.account.last_at),
            kind: draft.kind,
            order: draft.order,
            actor: draft.actor.unwrap_or(self.moment.actor),
            reason: draft.reason,
            opened: draft.opened,
            dated: draft.dated,
            hold: draft.hold,
            postings: draft.postings,
            changes: draft.changes,
        };
        self.account.post(&entry);
        self.entries.push(entry);
    }

    /// Ledger time on this account: it never goes back.
    pub(crate) fn now(&self) -> Timestamp {
        self.moment.now.max(self.account.last_at)
    }
}

/// An entry without its number and time.
pub(crate) struct Draft {
    pub(crate) kind: Kind,
    pub(crate) order: Option<OrderNo>,
    /// Who did it, if not who sent the command.
    pub(crate) actor: Option<Actor>,
    pub(crate) reason: Reason,
    pub(crate) opened: Vec<LotOpened>,
    pub(crate) dated: Vec<LotRef>,
    pub(crate) hold: Option<HoldChange>,
    pub(crate) postings: Vec<Posting>,
    pub(crate) changes: Changes,
}

impl Draft {
    pub(crate) fn new(kind: Kind, reason: Reason) -> Self {
        Self {
            kind,
            order: None,
            actor: None,
            reason,
            opened: Vec::new(),
            dated: Vec::new(),
            hold: None,
            postings: Vec::new(),
            changes: Changes::default(),
        }
    }

    /// The number of a lot that this entry opens next.
    pub(crate) fn next_lot(&self, account: &Account) -> LotNo {
        self.opened.last().map_or(account.next_lot, |it| LotNo(it.lot.no.0 + 1))
    }

    /// Adds a posting unless it moves nothing.
    pub(crate) fn move_points(&mut self, lot: LotNo, from: Bucket, to: Bucket, points: Points) {
        if points.is_positive() {
            self.postings.push(Posting { lot, from, to, points });
        }
    }
}
