//! What an order may ask for at once: the least, the steps, the most, the share, the balance it takes, and whether an order
//! with discounts takes points at all (R3, R4, R6).
//!
//! These hold for what is asked for or raised. An order that shrinks keeps what still fits, whatever they say.

use crate::document::Document;
use crate::kept::Kept;
use crate::money::{Money, share_of_down};
use crate::points::{Points, points_needed, points_within, step_down, step_up};
use crate::posted::Order;
use crate::program::{PointsPart, RedeemTerms, Terms, WithDiscounts};
use crate::rejection::Rejection;

impl RedeemTerms {
    /// The fewest points that are redeemed at once: whole steps that are worth the least value.
    pub fn points_least(&self) -> Points {
        step_up(self.points_min.max(points_needed(self.value_min, self.rate)), self.step)
    }

    /// The most points that one order redeems, whatever it costs: whole steps that are worth no more than the most value.
    pub fn points_most(&self) -> Option<Points> {
        let by_value = self.value_max.map(|it| points_within(it, self.rate));
        let most = match (self.points_max, by_value) {
            (Some(points), Some(by_value)) => points.min(by_value),
            (Some(most), None) | (None, Some(most)) => most,
            (None, None) => return None,
        };
        Some(step_down(most, self.step))
    }

    /// Refuses a figure that no order can ask for: what can be said before the order is known.
    pub(crate) fn check_figure(&self, points: Points) -> Result<(), Rejection> {
        let least = self.points_least();
        if points < least {
            return Err(Rejection::BelowMinimum { value: self.value_min, points: least });
        }
        if step_down(points, self.step) != points {
            return Err(Rejection::NotInSteps { step: self.step });
        }
        match self.points_most() {
            Some(most) if most < points => Err(Rejection::AboveMaximum { points: most }),
            Some(_) | None => Ok(()),
        }
    }

    /// Refuses to redeem from a balance that is too small, `balance` being what could be spent.
    pub(crate) fn check_balance(&self, balance: Points) -> Result<(), Rejection> {
        if balance < self.balance_min {
            return Err(Rejection::BalanceBelowMinimum { points: self.balance_min, balance });
        }
        Ok(())
    }
}

/// Everything that decides about a request.
pub(crate) struct Request<'a> {
    pub(crate) order: &'a Order,
    pub(crate) document: &'a Document,
    pub(crate) kept: &'a Kept,
    pub(crate) terms: &'a Terms,
    pub(crate) asked: Points,
    /// The most that can be asked for by what the order costs.
    pub(crate) fits: Points,
    /// Why nothing of the account can be spent, if so.
    pub(crate) suspended: Option<Rejection>,
    /// What is wrong with the hold that the document names.
    pub(crate) hold: Option<Rejection>,
    /// What could be spent if the order used nothing, what its hold reserves included.
    pub(crate) balance: Points,
}

impl Request<'_> {
    /// Refuses what cannot be asked for, in the order of the refusals.
    pub(crate) fn check(self) -> Result<(), Rejection> {
        let redeem = &self.terms.redeem;
        if !self.order.pinned.on {
            return Err(Rejection::ProgramOff);
        }
        if let Some(rejection) = self.suspended {
            return Err(rejection);
        }
        if !self.terms.applies_to(self.document) {
            return Err(Rejection::OrderType);
        }
        if redeem.with_discounts == WithDiscounts::Instead && self.document.has_discounts() {
            return Err(Rejection::NotWithDiscounts);
        }
        if let Some(rejection) = self.hold {
            return Err(rejection);
        }
        redeem.check_balance(self.balance)?;
        redeem.check_figure(self.asked)?;
        if let Some(share) = redeem.share_max {
            let fits = step_down(points_within(share_of_down(self.payable(), share), redeem.rate), redeem.step);
            if fits < self.asked {
                return Err(Rejection::AboveShare { share, fits });
            }
        }
        if self.fits < self.asked {
            return Err(Rejection::ExceedsOrder { fits: step_down(self.fits, redeem.step) });
        }
        Ok(())
    }

    /// What the figure is for: what is kept, or in proportion what was sold.
    fn payable(&self) -> Money {
        match self.terms.points_part {
            PointsPart::Stays => self.kept.payable,
            PointsPart::InProportion => self.kept.payable_sold,
        }
    }
}
