//! Caps in plain words: what orders come to once one is reached, worked out by the engine.

use engine::{Cap, Money, Points, limits};

use super::Plain;
use crate::program::example::Example;

/// So many orders show a cap of many, at most.
const ORDERS_MAX: usize = 4;

impl Plain<'_> {
    pub(super) fn caps(&self) -> Vec<String> {
        let Some(caps) = self.terms.caps else { return Vec::new() };
        let there = Cap::ALL.into_iter().filter_map(|cap| caps.of(cap).map(|most| (cap, most)));
        there.map(|(cap, most)| self.cap(cap, most)).collect()
    }

    fn cap(&self, cap: Cap, most: Points) -> String {
        let points = self.points(most);
        let said = match cap {
            Cap::Order => format!("An order earns at most {points}"),
            Cap::Day => format!("The orders that a member places on one day earn at most {points} together"),
            Cap::Month => format!("The orders that a member places in one month earn at most {points} together"),
            Cap::Year => format!("The orders that a member places in one year earn at most {points} together"),
        };
        let example = match cap {
            Cap::Order => self.cut_order(most),
            Cap::Day | Cap::Month | Cap::Year => self.cut_orders(cap, most),
        };
        example.map_or_else(|| format!("{said}."), |it| format!("{said}: {it}."))
    }

    /// One order that would earn half as much again, and what it earns.
    fn cut_order(&self, most: Points) -> Option<String> {
        let amount = self.amount_for(most.get().checked_add(most.get() / 2)?)?;
        let earned = Example::new(self.terms).earns(amount)?;
        Some(format!("one of {} earns {}", self.amount(amount), self.points(earned)))
    }

    /// Orders that would earn three fifths each, one after the other until one is cut; nothing where another cap stands before.
    fn cut_orders(&self, cap: Cap, most: Points) -> Option<String> {
        let amount = self.amount_for(most.get() / 5 * 3)?;
        let mut example = Example::new(self.terms);
        let mut all = Vec::new();
        for _ in 0..ORDERS_MAX {
            let sale = example.sale(amount);
            let earned = example.put(None, sale).ok()?.earned;
            all.push(self.points(earned.called_for));
            if earned.cut.is_some_and(|it| it.cap == cap) {
                return Some(format!("orders of {} earn {}", self.amount(amount), all.join(", then ")));
            }
        }
        None
    }

    /// An amount that would earn more than so many points.
    fn amount_for(&self, points: i64) -> Option<Money> {
        let rate = self.terms.earn;
        if rate.points.is_zero() {
            return None;
        }
        let amount = Money::new(rate.per.minor().checked_mul(points / rate.points.get() + 1)?);
        (amount <= limits::MONEY_MAX).then_some(amount)
    }
}
