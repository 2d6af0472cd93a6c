//! Conversion in plain words: what a member has once points are reached, and after a refund, worked out by the engine.

use engine::{Convert, Points, Target, Uses, Validity};

use super::{Plain, count};
use crate::program::example::Example;

impl Plain<'_> {
    pub(super) fn converting(&self) -> Option<String> {
        let convert = self.terms.convert?;
        match convert.rate.target {
            Target::Credit => self.credit_of(&convert),
            Target::Certificate => self.rewards_of(&convert),
        }
    }

    /// Two and a half times as many as it takes.
    fn there(convert: &Convert) -> Points {
        let each = convert.rate.points.get();
        Points::new(each.saturating_mul(2).saturating_add(each / 2))
    }

    fn credit_of(&self, convert: &Convert) -> Option<String> {
        let rate = convert.rate;
        let there = Self::there(convert);
        let mut example = Example::converting(self.terms);
        example.adjust(there)?;
        let credit = example.account.purse.as_ref()?.available();
        let [each, there] = [rate.points, there].map(|it| self.points(it));
        Some(format!(
            "Each {each} become {} store credit the moment they are reached: {there} become {}, and {} remain. Store credit \
             is money: it pays for all that is left of an order and lowers nothing that earns. When too few {} are left to \
             be taken back, unspent store credit that {} became is taken first, latest first.",
            self.amount(rate.value),
            self.amount(credit),
            self.points(example.account.balance.available),
            self.voice.names.many,
            self.voice.names.many,
        ))
    }

    fn rewards_of(&self, convert: &Convert) -> Option<String> {
        let rate = convert.rate;
        let there = Self::there(convert);
        let mut example = Example::converting(self.terms);
        example.adjust(there)?;
        if convert.is_collected {
            example.collect()?;
        }
        let made = example.account.wallet.as_ref()?.ledger.lots().len();
        let made = if made == 1 { "1 certificate".to_owned() } else { format!("{made} certificates") };
        let [each, there] = [rate.points, there].map(|it| self.points(it));
        let when = match convert.is_collected {
            true => "when staff hand it out, and are collected until then",
            false => "the moment they are reached",
        };
        let uses = match convert.uses {
            Uses::Several => "It can be used on several orders, until it is empty",
            Uses::Once | Uses::Share(_) => "It can be used on one order",
        };
        let until = match convert.validity {
            Validity::Days(days) => format!(", for {}", count(days, "day")),
            Validity::Months(months) => format!(", for {}", count(months, "month")),
            Validity::Until(day) => format!(", until {day}"),
            Validity::Never | Validity::Yearly(_) => String::new(),
        };
        Some(format!(
            "Each {each} become a certificate worth {} {when}. {there} become {made}, and {} remain. {uses}{until}. When too \
             few {} are left to be taken back, certificates that {} became and of which nothing is used are taken first, \
             latest first.",
            self.amount(rate.value),
            self.points(example.account.balance.available),
            self.voice.names.many,
            self.voice.names.many,
        ))
    }
}
