//! What the rules answer: entries to post, or a refusal; and the working copy on which they are decided.

use std::sync::Arc;

use crate::account::{Account, Balance, NeedMore};
use crate::calendar::Timestamp;
use crate::convert::Undone;
use crate::entry::{
    Actor, Bucket, CausedBy, Changes, Entry, HoldChange, Kind, LotNo, LotOpened, LotRef, OrderNo, Posting, Reason,
};
use crate::order::Answer;
use crate::place::{Place, Placed};
use crate::points::Points;
use crate::posted::Order;
use crate::program::Rules;
use crate::rejection::Rejection;

/// What a command comes to: posted together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Decided {
    pub entries: Vec<Entry>,
    /// Entries of the owner's store credit in the program's currency.
    pub credit: Vec<Entry>,
    /// Entries of the owner's certificates in that currency.
    pub certificates: Vec<Entry>,
    /// What is recorded of an order beside the ledger. Its posted figures are those after the entries.
    pub order: Option<Arc<Order>>,
    /// Orders that a merge brings, or whose points came from lots that its undo takes away, as they are recorded then.
    pub orders: Vec<Arc<Order>>,
    /// What an order's sender is told.
    pub answer: Option<Box<Answer>>,
    pub after: After,
}

/// The working copy on which something was decided: the account as the entries leave it. To post them a second time would come
/// to the same, which debug builds check; so it is nothing of its own, and not compared.
#[derive(Clone, Debug, Default)]
pub struct After(Option<Box<Account>>);

impl PartialEq for After {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for After {}

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
        if let Some(purse) = self.purse.as_mut().filter(|_| !decided.credit.is_empty()) {
            let purse = Arc::make_mut(purse);
            decided.credit.iter().for_each(|it| purse.credit.post(it));
        }
        if let Some(wallet) = self.wallet.as_mut().filter(|_| !decided.certificates.is_empty()) {
            let wallet = Arc::make_mut(wallet);
            decided.certificates.iter().for_each(|it| wallet.ledger.post(it));
        }
        if let Some(order) = &decided.order {
            self.record(Arc::clone(order));
        }
        decided.orders.iter().for_each(|it| self.record(Arc::clone(it)));
    }

    /// The account after what was decided on it: `apply`, but for posting each entry a second time.
    pub fn carry_out(&self, decided: &mut Decided) -> Box<Self> {
        let Some(mut after) = decided.after.0.take() else {
            let mut after = Box::new(self.clone());
            after.apply(decided);
            return after;
        };
        decided.orders.iter().for_each(|it| after.record(Arc::clone(it)));
        debug_assert!(self.comes_to(&after, decided), "what was decided is what its entries come to");
        after
    }

    /// Whether the entries lead there. What stands beside the points may be kept elsewhere, and is compared there.
    fn comes_to(&self, after: &Self, decided: &Decided) -> bool {
        let mut posted = self.clone();
        posted.apply(decided);
        if self.purse.is_none() {
            posted.purse.clone_from(&after.purse);
        }
        if self.wallet.is_none() {
            posted.wallet.clone_from(&after.wallet);
        }
        posted == *after
    }
}

/// A copy of the account that runs ahead while one command is decided.
#[derive(Clone)]
pub(crate) struct Ahead<'a> {
    pub(crate) rules: Rules<'a>,
    pub(crate) account: Box<Account>,
    pub(crate) entries: Vec<Entry>,
    /// Entries on the purse.
    pub(crate) credit: Vec<Entry>,
    /// Entries on the wallet.
    pub(crate) certificates: Vec<Entry>,
    /// How many entries there were when everything that was due had been settled: without another nothing falls due.
    pub(crate) settled_at: Option<usize>,
    /// How many of the entries conversion has looked at.
    pub(crate) looked_at: usize,
    /// Certificates that are points again for now.
    pub(crate) undone: Vec<Undone>,
    /// Certificates that the command is to use: they are not unspent.
    pub(crate) reserved: Vec<LotNo>,
    /// What falls due in the wallet until then is posted.
    pub(crate) wallet_until: Timestamp,
    pub(crate) moment: Moment,
}

impl<'a> Ahead<'a> {
    pub(crate) fn of(account: &Account, rules: Rules<'a>, moment: Moment) -> Self {
        Self {
            rules,
            account: Box::new(account.ahead()),
            entries: Vec::new(),
            credit: Vec::new(),
            certificates: Vec::new(),
            settled_at: None,
            looked_at: 0,
            undone: Vec::new(),
            reserved: Vec::new(),
            wallet_until: Timestamp::START,
            moment,
        }
    }

    /// Numbers an entry, dates it now or at the account's last entry if that is later, and posts it on the copy.
    pub(crate) fn post(&mut self, draft: Draft) {
        self.post_at(self.moment.now, draft);
    }

    pub(crate) fn post_at(&mut self, at: Timestamp, draft: Draft) {
        let entry = draft.entry(&self.account, at, self.moment.actor);
        self.account.post(&entry);
        room_for_one(&mut self.entries);
        self.entries.push(entry);
    }

    /// Posts on the owner's store credit what the last entry on points did to it.
    pub(crate) fn post_credit(&mut self, at: Timestamp, draft: Draft) {
        let cause = self.entries.last().map(|it| (it.number, it.order));
        let (entry, order) = cause.expect("what changes the credit is posted on the points first");
        let purse = self.account.purse.as_mut().expect("a rule that changes the credit has asked for it");
        let purse = Arc::make_mut(purse);
        let reason = Reason::Cause(CausedBy { program: purse.program, entry, order });
        let entry = Draft { reason, ..draft }.entry(&purse.credit, at, self.moment.actor);
        purse.credit.post(&entry);
        self.credit.push(entry);
        self.repay_credit(at);
    }

    /// What the undo of a merge has left owed is paid the moment any credit comes, before it can be spent.
    fn repay_credit(&mut self, at: Timestamp) {
        let Some(purse) = &mut self.account.purse else { return };
        let Balance { owed, available, .. } = purse.credit.balance;
        if owed.min(available).is_zero() {
            return;
        }
        let purse = Arc::make_mut(purse);
        let Ok(postings) = purse.credit.take(owed.min(available), None, Bucket::Revoked) else {
            unreachable!("whoever owes has nothing but what has just come");
        };
        let mut draft = Draft { postings, ..Draft::new(Kind::Repay, Reason::Due) };
        draft.changes.owed = -owed.min(available);
        let entry = draft.entry(&purse.credit, at, Actor::System);
        purse.credit.post(&entry);
        self.credit.push(entry);
    }

    /// Posts on the owner's certificates what the last entry on points did to them.
    pub(crate) fn post_used(&mut self, at: Timestamp, draft: Draft) {
        let cause = self.entries.last().map(|it| (it.number, it.order));
        let (entry, order) = cause.expect("what changes certificates is posted on the points first");
        let wallet = self.account.wallet.as_ref().expect("a rule that changes certificates has asked for them");
        let reason = Reason::Cause(CausedBy { program: wallet.program, entry, order });
        self.post_certificates(at, Draft { reason, ..draft });
    }

    pub(crate) fn post_certificates(&mut self, at: Timestamp, draft: Draft) {
        let wallet = self.account.wallet.as_mut().expect("a rule that changes certificates has asked for them");
        let wallet = Arc::make_mut(wallet);
        let entry = draft.entry(&wallet.ledger, at, self.moment.actor);
        wallet.ledger.post(&entry);
        self.certificates.push(entry);
    }

    /// What was decided, but for an order.
    pub(crate) fn decided(self) -> Decided {
        let Self { account, entries, credit, certificates, .. } = self;
        let after = After(Some(account));
        Decided { entries, credit, certificates, after, ..Decided::default() }
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

    /// What happens by itself when it is due: nobody asked for it.
    pub(crate) fn due(kind: Kind) -> Self {
        Self { actor: Some(Actor::System), ..Self::new(kind, Reason::Due) }
    }

    /// The entry that it becomes: numbered, and dated then or at the account's last entry if that is later.
    fn entry(self, account: &Account, at: Timestamp, actor: Actor) -> Entry {
        Entry {
            number: account.next_entry,
            at: at.max(account.last_at),
            kind: self.kind,
            order: self.order,
            actor: self.actor.unwrap_or(actor),
            reason: self.reason,
            opened: self.opened,
            dated: self.dated,
            hold: self.hold,
            postings: self.postings,
            changes: self.changes,
        }
    }

    /// The number of a lot that this entry opens next under a place.
    pub(crate) fn next_lot(&self, account: &Account, place: Place) -> LotNo {
        let last = self.opened.iter().rev().find(|it| it.lot.no.place() == place);
        last.map_or_else(|| account.next_lot_of(place), |it| it.lot.no.next())
    }

    /// Adds a posting unless it moves nothing.
    pub(crate) fn move_points(&mut self, lot: LotNo, from: Bucket, to: Bucket, points: Points) {
        if points.is_positive() {
            room_for_one(&mut self.postings);
            self.postings.push(Posting { lot, from, to, points });
        }
    }
}

/// Of most things there is one in the end: the first is not given room for four.
pub(crate) fn room_for_one<T>(list: &mut Vec<T>) {
    if list.capacity() == 0 {
        list.reserve_exact(1);
    }
}
