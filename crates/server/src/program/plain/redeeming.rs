//! Redeeming in plain words: what points pay, the least at once, holds.

use engine::{
    Document, Money, OrderNo, Points, RedeemTerms, Rejection, WithDiscounts, limits, points_needed, value_of,
};

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
        said.extend(self.limits());
        said.extend(self.beside_goods());
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
            Some(refusal @ (Rejection::BelowMinimum { .. } | Rejection::NotInSteps { .. })) => {
                self.told(fewer, &refusal)
            }
            Some(_) | None => format!("There is no minimum: 1 {} can be redeemed.", self.voice.names.one),
        }
    }

    fn told(&self, asked: Points, refusal: &Rejection) -> String {
        format!("Who asks to redeem {} is told: {}", self.points(asked), rejection_in_words(refusal, &self.voice))
    }

    /// The most of one order, its share, the least balance: what the engine says to whoever asks for too much.
    fn limits(&self) -> Vec<String> {
        let redeem = &self.terms.redeem;
        let mut said = Vec::new();
        let mut rich = Example::new(self.terms);
        let is_rich = rich.adjust(limits::POINTS_MAX).is_some();
        if let Some(more) = redeem.points_most().map(|it| it + redeem.step)
            && let Some(refusal @ Rejection::AboveMaximum { .. }) = rich.hold(more).err().filter(|_| is_rich)
        {
            said.push(self.told(more, &refusal));
        }
        if let Some(share) = redeem.share_max {
            let whole = self.whole();
            let asked = points_needed(whole, redeem.rate);
            let most = redeem.points_most().unwrap_or(limits::POINTS_MAX).min(asked);
            let sale = Document { redeem: Some(most), ..rich.sale(whole) };
            said.push(format!("{} pay at most {share} of an order.", self.many()));
            if let Err(refusal @ Rejection::AboveShare { .. }) = rich.put(None, sale) {
                let (whole, told) = (self.amount(whole), self.told(most, &refusal));
                said.push(format!("On an order of {whole}: {told}"));
            }
        }
        if let Err(refusal @ Rejection::BalanceBelowMinimum { .. }) = Example::new(self.terms).hold(self.least()) {
            said.push(format!(
                "Without {} it is told: {}",
                self.voice.names.many,
                rejection_in_words(&refusal, &self.voice)
            ));
        }
        said
    }

    /// What points pay beside goods, and what they do not go with.
    fn beside_goods(&self) -> Vec<String> {
        let redeem = &self.terms.redeem;
        let many = self.many();
        let what = match (redeem.pays_shipping, redeem.pays_tax) {
            (true, true) => Some("shipping and added tax"),
            (true, false) => Some("shipping"),
            (false, true) => Some("added tax"),
            (false, false) => None,
        };
        let mut said: Vec<String> = what.map(|it| format!("{many} pay for {it}, too.")).into_iter().collect();
        if redeem.with_discounts == WithDiscounts::Instead {
            said.push(format!("{many} come instead of discounts: an order with a discount or a coupon takes none."));
        }
        said
    }

    /// An order of which points pay a quarter, or as much as the minimum asks for.
    pub(super) fn paid(&self) -> Option<PaidOrder> {
        let redeem = &self.terms.redeem;
        let rate = redeem.rate;
        // As many as the rate names, if the engine redeems so many at once.
        let named = rate.points.max(self.least()).min(redeem.points_most().unwrap_or(limits::POINTS_MAX));
        let points = if named.get() % redeem.step.get() == 0 { named } else { self.least() };
        if limits::POINTS_MAX < points {
            return None;
        }
        let parts = redeem.share_max.map_or(4, |it| (10_000 / i64::from(it.0) + 1).max(4));
        let amount = Money::new(value_of(points, rate).minor().checked_mul(parts)?).min(limits::MONEY_MAX);
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
        self.terms.redeem.points_least().max(self.terms.redeem.step)
    }
}
