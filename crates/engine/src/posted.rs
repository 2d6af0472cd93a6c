//! What has already been posted for an order: the other half of convergence.
//!
//! Documents are compared with these figures, never with what happens to be left in the account, so that a retry changes
//! nothing whatever has happened since.

use std::sync::Arc;

use crate::account::{Account, Taken};
use crate::budget::BudgetUse;
use crate::calendar::Date;
use crate::cap::Allotted;
use crate::document::Document;
use crate::entry::{Bucket, CertificatePart, CreditPart, Displaced, Entry, Kind, LotNo, LotRef, OrderNo};
use crate::money::Money;
use crate::place::Placed;
use crate::points::Points;
use crate::returned::Returned;

/// An order as the account knows it: what was recorded of its last document, and what was posted for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub no: OrderNo,
    pub pinned: Pinned,
    /// The last document that was accepted; absent only while the ledger is replayed.
    pub document: Option<Arc<Document>>,
    /// Returns of it that are documents of their own.
    pub returned: Vec<Returned>,
    /// The points that the order is meant to use.
    pub asked: Points,
    /// The highest figure ever accepted for the order: no more than that is no request.
    pub accepted: Points,
    /// The same two figures of store credit.
    pub credit_asked: Money,
    pub credit_accepted: Money,
    /// The certificates that were ever accepted for it.
    pub certificates: Vec<Accepted>,
    pub posted: Posted,
}

/// A certificate that was accepted for an order: to ask for it again is no request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    pub certificate: LotNo,
    /// Whether the order is meant to use it.
    pub stands: bool,
}

/// The terms of the order's own time, fixed when it is first recorded (E4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pinned {
    pub version: u32,
    pub on: bool,
    /// Whether the account was closed then (M1).
    pub closed: bool,
    /// The local day on which it counts, where its terms have caps or tiers (E13, T1).
    pub day: Option<Date>,
    /// The place of the member's customer type among those that the version knows.
    pub customer_type: Option<u16>,
    /// The place of the channel among those that its promotions name.
    pub channel: Option<u16>,
    /// Whether it is the member's first, where promotions ask for that (E15).
    pub is_first: bool,
    /// The rank of the member's tier in that version (T1).
    pub tier: u8,
}

/// Sums and stacks over the entries of one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Posted {
    /// The order's own lot.
    pub lot: Option<LotRef>,
    /// What it has earned, all in all: granted less taken back.
    pub earned: Points,
    /// Its take-backs in order, undone from the end.
    pub taken_back: Vec<TakenBack>,
    /// The points that pay part of it, in the order in which they were taken.
    pub redeemed: Vec<Taken>,
    /// How much of it counts towards carried steps.
    pub counted: Money,
    /// Carried steps that it has completed.
    pub steps: i64,
    /// What it did to the steps of other orders when it shrank, in order; undone from the end when it grows.
    pub displaced: Vec<Displaced>,
    /// How much of it counts as money spent.
    pub spent: Money,
    /// What it may earn for good under the caps of its day, month and year.
    pub allotted: Option<Allotted>,
    /// What it has of the budgets of promotions.
    pub budgets: Vec<BudgetUse>,
    /// The store credit that pays part of it, in the order in which it was taken.
    pub credit: Vec<CreditPart>,
    /// What certificates pay of it.
    pub certificates: Vec<CertificatePart>,
}

/// One part of a take-back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TakenBack {
    pub source: Source,
    pub points: Points,
}

/// Where a take-back found its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Lot(LotRef),
    /// The order's own points that had expired or were forfeited.
    Expired,
    Owed,
    LetGo,
}

impl Order {
    /// An order of which nothing is known but its number.
    pub fn numbered(no: OrderNo) -> Self {
        Self {
            no,
            pinned: Pinned::default(),
            document: None,
            returned: Vec::new(),
            asked: Points::ZERO,
            accepted: Points::ZERO,
            credit_asked: Money::ZERO,
            credit_accepted: Money::ZERO,
            certificates: Vec::new(),
            posted: Posted::default(),
        }
    }
}

impl Account {
    pub fn orders(&self) -> &[Arc<Order>] {
        &self.orders
    }

    pub fn order(&self, no: OrderNo) -> Option<&Arc<Order>> {
        self.orders.iter().find(|it| it.no == no)
    }

    /// Adds an order that was stored, unless it is loaded already.
    pub fn load_order(&mut self, order: impl Into<Arc<Order>>) {
        let order = order.into();
        if self.order(order.no).is_none() {
            self.orders.push(order);
        }
    }

    /// Replaces what is recorded of an order beside the ledger, or adds the order.
    pub fn record(&mut self, order: impl Into<Arc<Order>>) {
        let order = order.into();
        self.count_return(&order);
        let index = self.place_of(order.no);
        self.orders[index] = order;
    }

    /// Changes what is recorded of an order beside the ledger; answers what it is then.
    pub(crate) fn change_order(&mut self, no: OrderNo, change: impl FnOnce(&mut Order)) -> Arc<Order> {
        let index = self.place_of(no);
        change(Arc::make_mut(&mut self.orders[index]));
        let order = Arc::clone(&self.orders[index]);
        self.count_return(&order);
        order
    }

    /// Counts a return without its order where nothing but such returns came before.
    fn count_return(&mut self, order: &Order) {
        if self.is_first(order.no) && order.document.as_deref().is_some_and(|it| it.is_return) {
            self.returns_first += 1;
        }
    }

    /// Where an order stands among those that are loaded; one that is not there is added.
    pub(crate) fn place_of(&mut self, no: OrderNo) -> usize {
        self.orders.iter().position(|it| it.no == no).unwrap_or_else(|| {
            self.order_is_used(no);
            self.orders.push(Arc::new(Order::numbered(no)));
            self.orders.len() - 1
        })
    }

    /// Whether the order of that number is the member's first: returns without their order are none.
    pub(crate) fn is_first(&self, no: OrderNo) -> bool {
        no.0 == self.returns_first + 1
    }

    /// The same of somebody whom other members were merged into: none of them has any.
    pub(crate) fn is_first_of_all(&self, no: OrderNo) -> bool {
        self.is_first(no) && self.joined.iter().all(|it| it.next_order.within() == 1)
    }

    pub(crate) fn replace_posted(&mut self, no: OrderNo, posted: Posted) {
        let order = self.orders.iter_mut().find(|it| it.no == no).expect("an order that changes is loaded");
        Arc::make_mut(order).posted = posted;
    }
}

impl Posted {
    /// The points that pay part of the order.
    pub fn redeemed(&self) -> Points {
        self.redeemed.iter().map(|it| it.points).sum()
    }

    /// The store credit that pays part of the order.
    pub fn credit(&self) -> Money {
        self.credit.iter().map(|it| it.amount).sum()
    }

    /// What certificates pay of the order.
    pub fn by_certificates(&self) -> Money {
        self.certificates.iter().map(|it| it.paid).sum()
    }

    /// How much of the take-backs came from one kind of source.
    pub fn taken_back(&self, is: fn(Source) -> bool) -> Points {
        self.taken_back.iter().filter(|it| is(it.source)).map(|it| it.points).sum()
    }

    pub fn expired(&self) -> Points {
        self.taken_back(|it| it == Source::Expired)
    }

    pub fn owed(&self) -> Points {
        self.taken_back(|it| it == Source::Owed)
    }

    pub fn let_go(&self) -> Points {
        self.taken_back(|it| it == Source::LetGo)
    }

    /// Every lot that a document of this order may need.
    pub fn lots(&self) -> impl Iterator<Item = LotRef> {
        let parts = self.taken_back.iter().filter_map(|it| match it.source {
            Source::Lot(lot) => Some(lot),
            Source::Expired | Source::Owed | Source::LetGo => None,
        });
        self.lot.into_iter().chain(parts).chain(self.redeemed.iter().map(|it| it.lot))
    }

    /// Adds up an entry of the order. `lot` answers the dates of a lot that the entry names.
    pub(crate) fn post(&mut self, entry: &Entry, lot: impl Fn(LotNo) -> LotRef) {
        if let Some(opened) = entry.opened.iter().find(|it| it.order == entry.order) {
            self.lot = Some(opened.lot);
        }
        if let Some(dated) = entry.dated.first() {
            self.lot = Some(*dated);
        }
        for posting in &entry.postings {
            if posting.to == Bucket::Redeemed {
                self.redeemed.push(Taken { lot: lot(posting.lot), points: posting.points });
            } else if posting.from == Bucket::Redeemed {
                pop(&mut self.redeemed, posting.points, |it| &mut it.points);
            }
        }
        pop(&mut self.taken_back, entry.changes.undone, |it| &mut it.points);
        if entry.kind == Kind::Revoke {
            self.push_taken_back(entry, lot);
        }
        self.earned += entry.changes.earned;
        self.counted += entry.changes.counted;
        self.steps += entry.changes.steps;
        self.spent += entry.changes.spent;
        self.allotted = entry.changes.allotted.or(self.allotted);
        for it in &entry.changes.budgets {
            self.post_budget(it);
        }
        match entry.kind {
            Kind::Spend => self.credit.extend(entry.changes.credit.iter().map(CreditPart::reversed)),
            Kind::Refund => {
                let back = entry.changes.credit.iter().map(|it| it.amount).sum();
                pop(&mut self.credit, back, |it| &mut it.amount);
            }
            _ => {}
        }
        for change in &entry.changes.certificates {
            self.post_certificate(change);
        }
        if let Some(displaced) = &entry.changes.displaced {
            self.displaced.clone_from(displaced);
        }
    }

    fn post_budget(&mut self, change: &BudgetUse) {
        match self.budgets.iter_mut().find(|it| it.promotion == change.promotion) {
            Some(known) => {
                known.points += change.points;
                known.allotted = change.allotted.or(known.allotted);
            }
            None => self.budgets.push(change.clone()),
        }
        self.budgets.retain(|it| !it.points.is_zero() || it.allotted.is_some());
    }

    fn post_certificate(&mut self, change: &CertificatePart) {
        match self.certificates.iter_mut().find(|it| it.lot.no == change.lot.no) {
            Some(known) => {
                known.paid += change.paid;
                known.lost += change.lost;
            }
            None => self.certificates.push(*change),
        }
        self.certificates.retain(|it| !it.paid.is_zero() || !it.lost.is_zero());
    }

    /// What of its own points had expired first, then own points, then those of others, then what is owed or let go.
    fn push_taken_back(&mut self, entry: &Entry, lot: impl Fn(LotNo) -> LotRef) {
        let own = self.lot.map(|it| it.no);
        let revoked = || entry.postings.iter().filter(|it| it.to == Bucket::Revoked);
        self.push(Source::Expired, entry.changes.expired);
        for posting in revoked().filter(|it| Some(it.lot) == own) {
            self.push(Source::Lot(lot(posting.lot)), posting.points);
        }
        for posting in revoked().filter(|it| Some(it.lot) != own) {
            self.push(Source::Lot(lot(posting.lot)), posting.points);
        }
        self.push(Source::Owed, entry.changes.owed);
        self.push(Source::LetGo, entry.changes.let_go);
    }

    fn push(&mut self, source: Source, points: Points) {
        if points.is_zero() {
            return;
        }
        match self.taken_back.last_mut() {
            Some(last) if last.source == source => last.points += points,
            Some(_) | None => self.taken_back.push(TakenBack { source, points }),
        }
    }
}

/// Takes `amount` of points or money off the end of a stack.
pub(crate) fn pop<T, U>(stack: &mut Vec<T>, amount: U, of: fn(&mut T) -> &mut U)
where
    U: Copy + Default + Ord + std::ops::SubAssign,
{
    let mut left = amount;
    while U::default() < left {
        let last = of(stack.last_mut().expect("no more returns than was taken"));
        let part = left.min(*last);
        *last -= part;
        left -= part;
        if *last == U::default() {
            stack.pop();
        }
    }
}
