//! Store credit: lots of cents in the order in which they came.

use std::sync::Arc;

use engine::{CreditAdjustment, Document, PointsPart, Terms, Timestamp};

use super::amounts::{Kept, minor, up};
use super::{Model, Refused};

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
}
