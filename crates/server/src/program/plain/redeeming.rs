//! Redeeming in plain words: what points pay, the least at once, holds.

use engine::{Document, Money, OrderNo, Points, RedeemTerms, Rejection, limits, points_needed, value_of};

use super::Plain;
use crate::program::example::Example;
use crate::words::rejection_in_words;

/// An order that points pay in part, on its made-up member.
pub(super) struct PaidOrder {
    pub(super) example: Example,
    pub(super) sale: Document,
    pub(super) order: OrderNo,
    pub(super) amount: Money,
    pub(super) points: Points,
    pub(super) value: Money,
    earned: Points,
}

impl Plain<'_> {
    pub(super) fn redeeming(&self) -> Vec<String> {
        let RedeemTerms { rate, .. } = self.terms.redeem;
        let mut said = Vec::new();
        let verb = if rate.points == Points::new(1) { "pays" } else { "pay" };
        said.push(format!("{} {verb} {}.", self.points(rate.points), self.amount(value_of(rate.points, rate))));
        let price = self.sample(1000);
        let needed = self.points(points_needed(price, rate));
        said.push(format!("To pay {} takes {needed}; fractions are rounded up.", self.amount(price)));
        if let Some(paid) = self.paid() {
            said.push(format!(
                "An order of {} that redeems {} is left with {} to pay, and earns {}.",
                self.amount(paid.amount),
                self.points(paid.points),
                self.amount(paid.amount - paid.value),
                self.points(paid.earned)
            ));
        }
        said.push(self.minimum());
        let mut example = Example::new(self.terms);
        if example.adjust(limits::POINTS_MAX).is_some()
            && let Ok(lapses_at) = example.hold(self.least())
        {
            let (from, to) = (self.voice.clock(example.now), self.voice.clock(lapses_at));
            let many = &self.voice.names.many;
            said.push(format!("A checkout can hold {many} so that nobody else spends them: from {from} until {to}."));
        }
        said
    }

    /// One point less than the engine accepts, and what it says to that.
    fn minimum(&self) -> String {
        let least = self.least();
        let fewer = least - Points::new(1);
        let mut example = Example::new(self.terms);
        let refused = match example.adjust(limits::POINTS_MAX) {
            Some(()) if fewer.is_positive() => example.hold(fewer).err(),
            Some(()) | None => None,
        };
        match refused {
            Some(refusal @ Rejection::BelowMinimum { .. }) => {
                format!(
                    "Who asks to redeem {} is told: {}",
                    self.points(fewer),
                    rejection_in_words(&refusal, &self.voice)
                )
            }
            Some(_) | None => format!("There is no minimum: 1 {} can be redeemed.", self.voice.names.one),
        }
    }

    /// An order of which points pay a quarter, or as much as the minimum asks for.
    pub(super) fn paid(&self) -> Option<PaidOrder> {
        let rate = self.terms.redeem.rate;
        let points = rate.points.max(self.least());
        if limits::POINTS_MAX < points {
            return None;
        }
        let amount = Money::new(value_of(points, rate).minor().checked_mul(4)?).min(limits::MONEY_MAX);
        let mut example = Example::new(self.terms);
        example.adjust(limits::POINTS_MAX)?;
        let sale = Document { redeem: Some(points), ..example.sale(amount) };
        let answer = example.put(None, sale.clone()).ok()?;
        Some(PaidOrder {
            points: answer.redeemed,
            value: answer.value,
            earned: answer.earned.called_for,
            order: answer.order,
            amount,
            sale,
            example,
        })
    }

    /// The fewest points that the engine redeems at once.
    fn least(&self) -> Points {
        let redeem = &self.terms.redeem;
        redeem.points_min.max(points_needed(redeem.value_min, redeem.rate)).max(Points::new(1))
    }
}
