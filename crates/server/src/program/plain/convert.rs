//! Conversion in plain words: what a member has once points are reached, and after a refund, worked out by the engine.

use engine::Points;

use super::Plain;
use crate::program::example::Example;

impl Plain<'_> {
    pub(super) fn converting(&self) -> Option<String> {
        let rate = self.terms.convert?;
        let there = Points::new(rate.points.get().saturating_mul(2).saturating_add(rate.points.get() / 2));
        let mut example = Example::converting(self.terms);
        example.adjust(there)?;
        let credit = example.account.purse.as_ref()?.available();
        let [each, there] = [rate.points, there].map(|it| self.points(it));
        Some(format!(
            "Each {each} become {} store credit the moment they are reached: {there} become {}, and {} remain. Store credit \
             is money: it pays for all that is left of an order and lowers nothing that earns. When too few {} are left to \
             be taken back, unspent store credit that {} became is taken first, latest first.",
            self.amount(rate.credit),
            self.amount(credit),
            self.points(example.account.balance.available),
            self.voice.names.many,
            self.voice.names.many,
        ))
    }
}
