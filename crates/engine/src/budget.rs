//! Budgets of promotions: the most points that one gives, over all members of the program (E15).
//!
//! What a promotion gives an order is what the order earns more than with those before it; promotions with a budget come
//! last. How much of a budget is used lies outside of accounts and comes with the rules; what an order has of it stands in
//! its entries. As with caps, an order that was cut keeps what it was allotted, and nothing that it has is taken back for
//! others.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::entry::{Cause, Earned};
use crate::points::Points;
use crate::posted::Order;
use crate::promotion::Promotion;

/// What the promotions of a program have given so far of their budgets, by name, and what of its catalogue is claimed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Budgets {
    promotions: BTreeMap<Arc<str>, Points>,
    /// How many claims of each reward of the catalogue were not cancelled.
    claims: BTreeMap<Arc<str>, i64>,
}

/// What an order has of a budget, or in an entry what that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BudgetUse {
    pub promotion: Arc<str>,
    pub points: Points,
    /// What it may have for good, since the budget has cut it.
    pub allotted: Option<Points>,
}

/// How a budget bounds what a promotion gives an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budgeted {
    /// The budget itself.
    pub most: Points,
    /// What the promotion would give the order without it.
    pub called_for: Points,
    pub given: Points,
}

impl Budgets {
    pub const NONE: &Self = &Self { promotions: BTreeMap::new(), claims: BTreeMap::new() };

    pub fn new(used: impl IntoIterator<Item = (Arc<str>, Points)>) -> Self {
        Self { promotions: used.into_iter().collect(), claims: BTreeMap::new() }
    }

    #[must_use]
    pub fn with_claims(self, claims: impl IntoIterator<Item = (Arc<str>, i64)>) -> Self {
        Self { claims: claims.into_iter().collect(), ..self }
    }

    pub fn used(&self, promotion: &str) -> Points {
        self.promotions.get(promotion).copied().unwrap_or_default()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, Points)> {
        self.promotions.iter().map(|(name, points)| (name, *points))
    }

    /// How many claims of a reward were not cancelled.
    pub fn claimed(&self, reward: &str) -> i64 {
        self.claims.get(reward).copied().unwrap_or_default()
    }

    pub fn claims(&self) -> impl Iterator<Item = (&Arc<str>, i64)> {
        self.claims.iter().map(|(name, claims)| (name, *claims))
    }

    /// Adds up what entries change of it.
    pub fn add_claims(&mut self, reward: &Arc<str>, claims: i64) {
        *self.claims.entry(Arc::clone(reward)).or_default() += claims;
    }

    /// Adds up what entries change.
    pub fn add(&mut self, uses: &[BudgetUse]) {
        for it in uses {
            *self.promotions.entry(Arc::clone(&it.promotion)).or_default() += it.points;
        }
    }
}

/// What a promotion gives an order that calls for so much of it; nothing where it has no budget.
pub(crate) fn bound(promotion: &Promotion, called_for: Points, order: &Order, budgets: &Budgets) -> Option<Budgeted> {
    let most = promotion.budget?;
    let known = order.posted.budgets.iter().find(|it| it.promotion == promotion.name);
    let has = known.map_or(Points::ZERO, |it| it.points);
    let room = most.less(budgets.used(&promotion.name) - has);
    let room = known.and_then(|it| it.allotted).map_or(room, |it| room.min(it));
    Some(Budgeted { most, called_for, given: called_for.min(room).max(has.min(called_for)) })
}

/// What an award changes of budgets. What a cap cuts off an order was promoted last, and uses nothing up.
pub(crate) fn changes(order: &Order, earned: &Earned) -> Box<[BudgetUse]> {
    let known = &order.posted.budgets;
    let promotions = earned.worked.as_ref().map_or(&[][..], |it| &it.promotions);
    if known.is_empty() && promotions.iter().all(|it| it.budget.is_none()) {
        return Box::default();
    }
    let earns = earned.cause == Cause::Rate;
    let mut cut = if earns { earned.points() - earned.called_for } else { Points::ZERO };
    let mut uses: Vec<BudgetUse> = Vec::new();
    for (promoted, budgeted) in promotions.iter().rev().filter_map(|it| Some((it, it.budget?))) {
        let given = if earns { budgeted.given } else { Points::ZERO };
        let points = given.less(cut);
        cut = cut.less(given);
        let is_cut = earns && budgeted.given < budgeted.called_for;
        let allotted = is_cut.then_some(budgeted.given);
        uses.push(BudgetUse { promotion: Arc::clone(&promoted.name), points, allotted });
    }
    for it in known {
        let change = match uses.iter_mut().find(|other| other.promotion == it.promotion) {
            Some(change) => change,
            None => {
                let none = BudgetUse { promotion: Arc::clone(&it.promotion), points: Points::ZERO, allotted: None };
                uses.push(none);
                uses.last_mut().expect("it was just added")
            }
        };
        change.points -= it.points;
        change.allotted = change.allotted.filter(|new| it.allotted.is_none_or(|known| *new < known));
    }
    uses.retain(|it| !it.points.is_zero() || it.allotted.is_some());
    uses.into_boxed_slice()
}
