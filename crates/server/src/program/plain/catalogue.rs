//! The rewards catalogue in plain words: what each reward costs and who can have it, and what a claim comes to, worked out by the
//! engine.

use std::collections::BTreeSet;

use engine::{Coupon, Gift, Points, Reward, Terms, Uses, Validity};

use super::{Plain, count};
use crate::program::example::Example;
use crate::words::{capitalised, day};

impl Plain<'_> {
    pub(super) fn catalogue(&self) -> Vec<String> {
        let mut said: Vec<String> = self.terms.catalogue.iter().map(|it| self.reward(it)).collect();
        said.extend(self.terms.catalogue.iter().find_map(|it| self.claimed(it)));
        said
    }

    fn reward(&self, it: &Reward) -> String {
        let is = match &it.gives {
            Gift::Named => "staff hand it over".to_owned(),
            Gift::Product(id) => format!("staff hand over the product {id}"),
            Gift::Coupon(coupon) => self.coupon(coupon),
        };
        let mut said = format!("The reward \"{}\" costs {}: {is}.", it.name, self.points(it.points));
        let tiers: Vec<&str> = it.tiers.iter().map(AsRef::as_ref).collect();
        let mut bounds: Vec<String> = Vec::new();
        bounds.extend(it.stock.map(|it| format!("there are {it} in all")));
        match (it.from, it.until) {
            (Some(from), Some(until)) => {
                bounds.push(format!("it can be claimed from {} until {}", day(from), day(until)));
            }
            (Some(from), None) => bounds.push(format!("it can be claimed from {} on", day(from))),
            (None, Some(until)) => bounds.push(format!("it can be claimed until {}", day(until))),
            (None, None) => {}
        }
        match tiers.as_slice() {
            [] => {}
            [one] => bounds.push(format!("it is for members of the tier {one}")),
            many => bounds.push(format!("it is for members of the tiers {}", many.join(", "))),
        }
        let limits = [(it.per_day, "a day"), (it.per_month, "a month"), (it.per_life, "in all")];
        let limits = limits.into_iter().filter_map(|(most, per)| match most? {
            1 => Some(format!("once {per}")),
            most => Some(format!("{most} times {per}")),
        });
        let limits: Vec<String> = limits.collect();
        if !limits.is_empty() {
            bounds.push(format!("one member can have it {}", limits.join(" and ")));
        }
        if !bounds.is_empty() {
            said += &format!(" {}.", capitalised(&bounds.join("; ")));
        }
        said
    }

    fn coupon(&self, it: &Coupon) -> String {
        let uses = match it.uses {
            Uses::Several => "for several orders, until it is empty",
            Uses::Once | Uses::Share(_) => "for one order",
        };
        let until = match it.validity {
            Validity::Days(days) => format!(", for {}", count(days, "day")),
            Validity::Months(months) => format!(", for {}", count(months, "month")),
            Validity::Until(last) => format!(", until {}", day(last)),
            Validity::Never | Validity::Yearly(_) => String::new(),
        };
        let worth = match it.uses {
            Uses::Several | Uses::Once => format!("worth {}", self.amount(it.value)),
            Uses::Share(share) => format!("that pays {share}, at most {},", self.amount(it.value)),
        };
        format!("the member has a certificate {worth} at once, {uses}{until}")
    }

    /// What a member has after a claim, and once it is cancelled.
    fn claimed(&self, it: &Reward) -> Option<String> {
        let open = Reward { from: None, until: None, stock: None, tiers: BTreeSet::new(), ..it.clone() };
        let terms = Terms { convert: None, catalogue: [open].into(), ..self.terms.clone() };
        let mut example = Example::converting(&terms);
        let there = Points::new(it.points.get().saturating_mul(3) / 2);
        example.adjust(there)?;
        let claim = example.claim(&it.name)?;
        let left = example.account.balance.available;
        example.cancel_claim(claim)?;
        let back = example.account.balance.available;
        let many = &self.voice.names.many;
        Some(format!(
            "A member with {} who claims \"{}\" has {} left; if staff cancel the claim, {} are there again, and so is the \
             piece. A claim is no part of an order: when too few {many} are left to be taken back, what waits to be handed over \
             stays claimed, and is not handed over before nothing is owed; of coupons, unused ones are taken first, latest first.",
            self.points(there),
            it.name,
            self.points(left),
            self.points(back),
        ))
    }
}
