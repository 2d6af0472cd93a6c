//! What is kept of the last merge so that it can be undone (M3): whose points are whose.
//!
//! After a merge there are two sides: theirs, which came with it, and ours. Lots, orders and holds bear their side in their
//! number; what does not is added up here, entry by entry: each side's part of the balance, and points of one side that paid
//! a debt of the other. Accounts in which nothing can be undone never come here.

use crate::account::{Account, Balance};
use crate::calendar::Timestamp;
use crate::entry::{Bucket, Entry, Kind, LotNo, OrderNo, Posting, Reason};
use crate::joined::{Estate, Standing};
use crate::place::{Place, Placed};
use crate::points::Points;
use crate::posted::{Posted, Source};

/// What tells the sides apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Apart {
    /// Places from here on are theirs.
    pub from: Place,
    /// When they became one.
    pub since: Timestamp,
    /// Their part of the balance.
    pub balance: Balance,
    /// Points that paid a debt of the other side, by lot.
    pub repaid: Vec<(LotNo, Points)>,
    /// Orders that have had to do with lots of the other side, in order.
    pub orders: Vec<OrderNo>,
    /// What both were besides their points.
    pub ours: Standing,
    pub theirs: Standing,
}

impl Apart {
    pub(crate) fn of(estate: &Estate, ours: Standing, since: Timestamp) -> Self {
        let from = estate.joined.first().map_or(Place(1), |it| it.place);
        let theirs = estate.standing.clone();
        Self { from, since, balance: estate.balance, repaid: Vec::new(), orders: Vec::new(), ours, theirs }
    }

    pub fn is_theirs(&self, number: impl Placed) -> bool {
        self.from <= number.place()
    }

    /// Adds an entry up. `owed` is what the account owed before it.
    pub(crate) fn post(&mut self, entry: &Entry, owed: Points) {
        let side = self.side(entry);
        if entry.kind == Kind::Repay {
            return self.repay(entry, owed - self.balance.owed);
        }
        for posting in &entry.postings {
            let lot = self.is_theirs(posting.lot);
            self.change(posting, lot, side.unwrap_or(lot));
        }
        if side == Some(true) {
            self.balance.owed += entry.changes.owed;
            self.balance.let_go += entry.changes.let_go;
        }
        if let Some(order) = entry.order {
            let crosses = |lot: LotNo| self.is_theirs(lot) != self.is_theirs(order);
            let lots = entry.postings.iter().map(|it| it.lot);
            let credit = entry.changes.credit.iter().map(|it| it.lot.no);
            let certificates = entry.changes.certificates.iter().map(|it| it.lot.no);
            let crosses = lots.chain(credit).chain(certificates).any(crosses);
            if let (true, Err(index)) = (crosses, self.orders.binary_search(&order)) {
                self.orders.insert(index, order);
            }
        }
    }

    /// For whom an entry is: nothing where its lots alone say so.
    fn side(&self, entry: &Entry) -> Option<bool> {
        let by_order = || entry.order.map(|it| self.is_theirs(it));
        let by_hold = || entry.hold.map(|it| self.is_theirs(it.no));
        let by_credit = || entry.converted_into().map(|it| self.is_theirs(it.no));
        let by_cause = || match &entry.reason {
            // What is converted, or no longer, is theirs whose lot it is, whichever order called for that.
            Reason::Cause(it) if !matches!(entry.kind, Kind::Convert | Kind::Unconvert) => {
                it.order.map(|it| self.is_theirs(it))
            }
            _ => None,
        };
        let by_claim = || entry.changes.reward.as_ref().map(|it| self.is_theirs(it.claim));
        by_claim().or_else(by_credit).or_else(by_order).or_else(by_hold).or_else(by_cause)
    }

    /// A posting of a lot that is theirs or not, for them or not: what the other side used is moved.
    fn change(&mut self, posting: &Posting, lot: bool, side: bool) {
        let is_theirs = |bucket: Bucket| match bucket {
            Bucket::Redeemed | Bucket::Revoked | Bucket::Deducted | Bucket::Converted => side,
            Bucket::Pending
            | Bucket::Available
            | Bucket::Held
            | Bucket::Issued
            | Bucket::Expired
            | Bucket::Forfeited
            | Bucket::Moved => lot,
        };
        let (from, to) = (is_theirs(posting.from), is_theirs(posting.to));
        if from {
            self.balance.change(posting.from, -posting.points);
        }
        if to {
            self.balance.change(posting.to, posting.points);
        }
        match (from, to) {
            (true, false) => self.balance.moved += posting.points,
            (false, true) => self.balance.moved -= posting.points,
            (true, true) | (false, false) => {}
        }
    }

    /// Points pay the debts of their own side first.
    fn repay(&mut self, entry: &Entry, ours_owed: Points) {
        let mut ours_owed = ours_owed;
        for posting in &entry.postings {
            let lot = self.is_theirs(posting.lot);
            let own = posting.points.min(if lot { self.balance.owed } else { ours_owed });
            let rest = posting.points - own;
            for (side, points) in [(lot, own), (!lot, rest)] {
                if points.is_zero() {
                    continue;
                }
                self.change(&Posting { points, ..*posting }, lot, side);
                if side {
                    self.balance.owed -= points;
                } else {
                    ours_owed -= points;
                }
            }
            if rest.is_positive() {
                self.repaid.push((posting.lot, rest));
            }
        }
    }
}

/// Points of a lot of one side that the other has used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Use {
    pub lot: LotNo,
    pub points: Points,
}

/// What an order of one side uses of the other's lots.
pub(crate) fn uses_of(posted: &Posted, is_other: impl Fn(LotNo) -> bool) -> Vec<Use> {
    let redeemed = posted.redeemed.iter().map(|it| (it.lot.no, it.points));
    let taken_back = posted.taken_back.iter().filter_map(|it| match it.source {
        Source::Lot(lot) => Some((lot.no, it.points)),
        Source::Expired | Source::Owed | Source::LetGo => None,
    });
    redeemed.chain(taken_back).filter(|it| is_other(it.0)).map(|(lot, points)| Use { lot, points }).collect()
}

impl Account {
    /// Adds an entry up for each side.
    pub(crate) fn post_apart(&mut self, entry: &Entry) {
        let owed = self.balance.owed;
        if let Some(apart) = &mut self.apart {
            apart.post(entry, owed);
        }
    }

    /// When something was merged into it that can still be told apart.
    pub fn merged_from(&self) -> Option<Place> {
        self.apart.as_ref().map(|it| it.from)
    }
}
