//! Rates, promotions and tiers of one order: worked out line by line, and tiers counted anew each time, order by order. Tiers
//! are those that are kept while they are reached.

use engine::{Date, Document, Line, Promotion, Terms, TierBy, TierWithin, Timestamp};

use super::{Model, Order};
use crate::earning::{Buyer, OfBudget, Part, award_of};

/// An order's own day, what it has earned, and what counts as spent.
pub(super) type Counted = (Date, i128, i128);

impl Model {
    pub(super) fn count_now(&mut self, now: Timestamp) {
        let of = |it: &Order| (it.day, it.earned, it.spent);
        self.counted.push((now, self.orders.iter().flatten().map(of).collect()));
    }

    /// The tier that orders reached at an instant, from 1 on; 0 is none.
    pub(super) fn tier(&self, at: Timestamp) -> usize {
        let terms = &self.timeline.at(at).expect("a version since long ago").terms;
        let Some(rules) = terms.tiers.as_ref().map(|it| it.rules()) else { return 0 };
        let Some((_, orders)) = self.counted.iter().rev().find(|it| it.0 <= at) else { return 0 };
        let today = terms.zone.date_of(at);
        let counts = |(day, ..): &&Counted| match rules.within {
            TierWithin::Lifetime => true,
            TierWithin::Year => today.to_string()[..4] <= day.to_string()[..4],
            TierWithin::TwelveMonths => today < day.plus_months(12),
        };
        let one = |(_, earned, spent): &Counted| match rules.by {
            TierBy::Points => *earned,
            TierBy::Spend => *spent,
            TierBy::Orders => i128::from(0 < *spent),
        };
        let figure: i128 = orders.iter().filter(counts).map(one).sum();
        rules.levels.iter().filter(|it| i128::from(it.from) <= figure).count()
    }

    /// The terms for a member of that tier.
    pub(super) fn under(mut terms: Terms, tier: usize) -> Terms {
        let rules = terms.tiers.as_ref().map(|it| it.rules());
        let Some(level) = rules.as_ref().and_then(|it| it.levels.get(tier.checked_sub(1)?)) else { return terms };
        if let Some((points, per)) = level.earn {
            (terms.earn.points, terms.earn.per) = (points, per);
        }
        if let Some(rate) = level.redeem {
            terms.redeem.rate = rate;
        }
        terms
    }

    /// What an order earns of which each part counts so much, where remainders are carried with so many steps; the money that
    /// counts as spent, and what is of budgets.
    pub(super) fn award(
        &self,
        slot: usize,
        document: &Document,
        (lines, shipping): (Vec<i128>, i128),
        steps: Option<i128>,
    ) -> (i128, i128, Vec<OfBudget>) {
        let order = self.order(slot);
        let rules = order.terms.tiers.as_ref().map(|it| it.rules());
        let level = rules.as_ref().and_then(|it| it.levels.get(order.tier.checked_sub(1)?));
        let buyer = Buyer {
            is_first: order.is_first,
            tier: level.map(|it| &*it.name),
            tier_times: level.and_then(|it| it.times),
            steps,
            clock: order.terms.zone.clock_text(document.placed_at),
        };
        let mut parts: Vec<Part<'_>> = document.lines.iter().map(Some).zip(lines).collect();
        parts.push((None, shipping));
        let excluded = |line: &Line| {
            let exclude = &order.rules.exclude;
            line.product.as_deref().is_some_and(|it| exclude.products.contains(it))
                || line.category.as_deref().is_some_and(|it| exclude.categories.contains(it))
        };
        let counting = parts.iter().filter(|it| !it.0.is_some_and(excluded));
        let spent = counting.map(|it| it.1).sum();
        let left = |it: &Promotion| self.left_of_budget(slot, it);
        let (points, of_budgets) = award_of(&parts, &buyer, order.terms.earn, &order.rules, &left);
        (points, spent, of_budgets)
    }
}
