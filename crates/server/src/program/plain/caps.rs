//! Caps in plain words: what orders come to once one is reached, worked out by the engine.

use engine::{Cap, Money, Points, limits};

use super::Plain;
use crate::program::example::Example;

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
        match self.reaching(most) {
            Some((amount, earned)) => {
                format!("{said}: one of {} earns {}.", self.amount(amount), self.points(earned))
            }
            None => format!("{said}."),
        }
    }

    /// An amount that would earn more than the cap, and what it earns.
    fn reaching(&self, most: Points) -> Option<(Money, Points)> {
        let rate = self.terms.earn;
        if rate.points.is_zero() {
            return None;
        }
        let steps = most.get().checked_add(most.get() / 2)? / rate.points.get() + 1;
        let amount = Money::new(rate.per.minor().checked_mul(steps)?);
        if limits::MONEY_MAX < amount {
            return None;
        }
        Example::new(self.terms).earns(amount).map(|earned| (amount, earned))
    }
}
