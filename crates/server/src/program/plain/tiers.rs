//! Tiers in plain words: what reaches each, what it gives, how long it stays; amounts worked out by the engine.

use engine::{Downgrade, Money, Tier, TierBy, TierKeep, TierWithin, Tiers, value_of};

use super::{Plain, count};
use crate::program::example::Example;
use crate::words::figure_in_words;

impl Plain<'_> {
    pub(super) fn tiers(&self) -> Vec<String> {
        let Some(tiers) = self.terms.tiers.as_deref() else { return Vec::new() };
        let mut said: Vec<String> = tiers.levels.iter().map(|it| self.tier(tiers, it)).collect();
        let many = &self.voice.names.many;
        said.push(format!(
            "{}, on the day on which it was placed. Spending {many} lowers nothing, and {many} that return raise nothing; a \
             refund lowers the day of its order. An order does not count for its own tier.",
            match tiers.by {
                TierBy::Points => format!("The {many} that an order earns count"),
                TierBy::Spend => format!("The amount of an order that earns counts, without what {many} paid of it"),
                TierBy::Orders => "Each order with something that earns counts".to_owned(),
            },
        ));
        said.push(self.keeping(tiers));
        said
    }

    fn tier(&self, tiers: &Tiers, tier: &Tier) -> String {
        let from = figure_in_words(tiers.by, tier.from, &self.voice);
        let when = match tiers.within {
            TierWithin::Lifetime => "in all",
            TierWithin::Year => "in a calendar year",
            TierWithin::TwelveMonths => "in twelve months",
        };
        let how = match tiers.by {
            TierBy::Points => "earned",
            TierBy::Spend => "spent",
            TierBy::Orders => "placed",
        };
        let mut said = format!("Tier {} is reached by {from} {how} {when}", tier.name);
        let rank = tiers.levels.iter().position(|it| it.name == tier.name).map_or(0, |it| it + 1);
        let terms = self.terms.under(u8::try_from(rank).unwrap_or(0));
        let whole = self.whole();
        if let Some(times) = tier.times {
            said += &format!("; its members earn {times} times as many {}", self.voice.names.many);
        }
        if (tier.earn.is_some() || tier.times.is_some())
            && let Some(points) = Example::new(terms).earns(whole)
        {
            said += &format!("; an order of {} then earns {}", self.amount(whole), self.points(points));
        }
        if let Some(rate) = tier.redeem {
            let value: Money = value_of(rate.points, rate);
            said += &format!("; {} then pay {}", self.points(rate.points), self.amount(value));
        }
        said + "."
    }

    fn keeping(&self, tiers: &Tiers) -> String {
        let kept = match tiers.keep {
            TierKeep::WhileReached => "A tier stays as long as it is reached".to_owned(),
            TierKeep::ThisYear => "A tier stays to the end of the year in which it was reached".to_owned(),
            TierKeep::NextYear => "A tier stays to the end of the year after that in which it was reached".to_owned(),
            TierKeep::Ever => return "A tier that was reached stays for ever.".to_owned(),
            TierKeep::Months(months) => format!("A tier stays for {}", count(months, "month")),
        };
        let grace = match tiers.grace_days {
            0 => String::new(),
            days => format!(" and for {} of grace", count(days, "day")),
        };
        let down = match tiers.downgrade {
            Downgrade::Straight => "to what is reached then",
            Downgrade::OneStep => "by one step, unless more is reached",
        };
        format!("{kept}{grace}; then it falls {down}.")
    }
}
