//! Store credit and conversion: lots of cents in the order in which they came, and the points that became each of them.

use std::sync::Arc;

use engine::{CreditAdjustment, Document, PointsPart, Shortfall, Terms, Timestamp};

use super::amounts::{Kept, minor, up};
use super::{Model, Place, Refused, count};

/// Points that became a lot of credit.
#[derive(Clone, Debug)]
pub(super) struct Conversion {
    credit: usize,
    each: usize,
    cents: i128,
    /// In the order in which they were taken.
    points: Vec<usize>,
}

/// What a document wants of the member's credit.
pub(super) struct CreditWish {
    pub(super) asked: i128,
    pub(super) target: i128,
    pub(super) fits: i128,
    pub(super) is_request: bool,
}

impl Model {
    pub(crate) fn credit_left(&self) -> i128 {
        self.credit.iter().sum()
    }

    pub(super) fn adjust_credit(&mut self, it: &CreditAdjustment) -> Result<(), Refused> {
        let cents = minor(it.amount);
        match cents {
            0 => Err("invalid"),
            1.. => {
                self.credit.push(cents);
                Ok(())
            }
            _ if self.credit_left() < -cents => Err("insufficient_credit"),
            _ => {
                self.take_credit(-cents);
                Ok(())
            }
        }
    }

    /// Oldest first.
    fn take_credit(&mut self, cents: i128) -> Vec<(usize, i128)> {
        let mut left = cents;
        let mut taken = Vec::new();
        for (no, there) in self.credit.iter_mut().enumerate() {
            let part = left.min(*there);
            if 0 < part {
                *there -= part;
                left -= part;
                taken.push((no, part));
            }
        }
        assert_eq!(left, 0, "it is there");
        taken
    }

    pub(super) fn credit_wish(&self, slot: usize, document: &Arc<Document>, kept: &Kept) -> CreditWish {
        let order = self.order(slot);
        let asked = match document.credit {
            _ if document.cancelled_at.is_some() => 0,
            Some(credit) => minor(credit),
            None => order.credit_asked,
        };
        let (cost, sold) = kept.cost();
        let (fits, target) = match order.terms.points_part {
            PointsPart::Stays => (cost, asked.min(cost)),
            PointsPart::InProportion if sold == 0 => (0, 0),
            PointsPart::InProportion => (sold, up(asked.min(sold) * cost, sold).min(cost)),
        };
        CreditWish { asked, target, fits, is_request: order.credit_accepted < asked }
    }

    /// The figure that stands when so much credit pays for what is kept.
    pub(super) fn credit_standing(&self, slot: usize, wish: &CreditWish, after: i128, kept: &Kept) -> i128 {
        let (cost, sold) = kept.cost();
        match self.order(slot).terms.points_part {
            PointsPart::Stays => after,
            PointsPart::InProportion if after < wish.target && 0 < cost => after * sold / cost,
            PointsPart::InProportion if after < wish.target => after,
            PointsPart::InProportion => wish.asked.min(wish.fits),
        }
    }

    pub(super) fn credit_of(&self, slot: usize) -> i128 {
        self.order(slot).credit.iter().map(|it| it.1).sum()
    }

    /// Credit that an order no longer takes comes back, last taken first; unspent conversions pay what is owed.
    pub(super) fn refund_credit(&mut self, slot: usize, cents: i128, terms: &Terms, now: Timestamp) {
        let mut left = cents;
        while 0 < left {
            let (lot, part) = self.order_mut(slot).credit.pop().expect("no more comes back than was taken");
            let back = part.min(left);
            self.credit[lot] += back;
            left -= back;
            if back < part {
                self.order_mut(slot).credit.push((lot, part - back));
            }
        }
        self.undo_latest(self.owed, false, terms, now);
        self.pay_debt();
    }

    /// Answers whether it was there.
    pub(super) fn spend_credit(&mut self, slot: usize, cents: i128) -> bool {
        if self.credit_left() < cents {
            return false;
        }
        let taken = self.take_credit(cents);
        self.order_mut(slot).credit.extend(taken);
        true
    }

    /// All whole multiples of what is available, if anything became so since this was last asked.
    pub(super) fn convert(&mut self, at: Timestamp) {
        if !std::mem::take(&mut self.freed) || !self.timeline.is_on(at) {
            return;
        }
        let Some(rate) = self.timeline.at(at).and_then(|it| it.terms.convert).map(|it| it.rate) else { return };
        let each = count(i128::from(rate.points.get()));
        let times = self.soonest_first(None).len() / each;
        if times == 0 {
            return;
        }
        let points = self.soonest(times * each, None);
        for index in &points {
            self.points[*index].place = Place::Converted;
        }
        let cents = minor(rate.value);
        self.credit.push(cents * i128::try_from(times).expect("a few"));
        self.conversions.push(Conversion { credit: self.credit.len() - 1, each, cents, points });
    }

    /// What holds points of the order and is unspent: all of it.
    pub(super) fn undo_own(&mut self, slot: usize, terms: &Terms, now: Timestamp) {
        let Some(own) = self.order(slot).lot else { return };
        for no in (0..self.conversions.len()).rev() {
            let is_own = self.conversions[no].points.iter().any(|it| self.points[*it].lot == own);
            if is_own {
                self.undo(no, self.unspent(no), terms, now);
            }
        }
    }

    /// Whole ones, latest first, until so many points are back.
    pub(super) fn undo_latest(&mut self, points: i128, or_none: bool, terms: &Terms, now: Timestamp) {
        let each = |it: &Conversion| i128::try_from(it.each).expect("a few");
        let there = (0..self.conversions.len())
            .map(|no| each(&self.conversions[no]) * i128::try_from(self.unspent(no)).expect("a few"));
        if or_none && there.sum::<i128>() < points {
            return;
        }
        let mut left = points;
        for no in (0..self.conversions.len()).rev() {
            let most = self.unspent(no);
            let mut times = 0;
            while times < most && 0 < left {
                times += 1;
                left -= each(&self.conversions[no]);
            }
            self.undo(no, times, terms, now);
        }
    }

    /// How often a conversion can be undone.
    fn unspent(&self, no: usize) -> usize {
        let it = &self.conversions[no];
        count(self.credit[it.credit] / it.cents).min(it.points.len() / it.each)
    }

    fn undo(&mut self, no: usize, times: usize, terms: &Terms, now: Timestamp) {
        let it = &mut self.conversions[no];
        let many = times * it.each;
        let back: Vec<usize> = (0..many).filter_map(|_| it.points.pop()).collect();
        self.credit[it.credit] -= it.cents * i128::try_from(times).expect("a few");
        self.put_back(&back, terms, now);
    }

    /// How many of so many points a take-back finds as it is, and undoes conversions for the rest.
    pub(super) fn reach(&mut self, slot: usize, points: usize, mine: usize, terms: &Terms, now: Timestamp) {
        let own = self.order(slot).lot;
        let others = self.soonest_first(own).len();
        let reach = mine + others;
        if reach < points {
            let or_none = terms.shortfall == Shortfall::AllOrNothing;
            self.undo_latest(i128::try_from(points - reach).expect("a few"), or_none, terms, now);
        }
    }
}
