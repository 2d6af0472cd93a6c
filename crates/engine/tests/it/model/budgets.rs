//! Budgets of promotions, order by order (E15): each order of the account is asked what it has of them.

use std::sync::Arc;

use engine::Promotion;

use super::Model;
use crate::earning::OfBudget;
use crate::shop::used_by_others;

/// What an order has of a budget.
#[derive(Clone, Debug)]
pub(super) struct Use {
    promotion: Arc<str>,
    points: i128,
    /// What it may have for good, since the budget has cut it.
    allotted: Option<i128>,
}

impl Model {
    /// What a promotion can still give an order; nothing where it has no budget. No budget takes back what an order has.
    pub(super) fn left_of_budget(&self, slot: usize, promotion: &Promotion) -> Option<i128> {
        let uses = |slot: usize| {
            let order = self.orders[slot].as_ref();
            order.and_then(|it| it.of_budgets.iter().find(|it| it.promotion == promotion.name).cloned())
        };
        let others = (0..self.orders.len()).filter(|it| *it != slot).filter_map(uses).map(|it| it.points);
        let used = i128::from(used_by_others(&promotion.name).get()) + others.sum::<i128>();
        let left = (i128::from(promotion.budget?.get()) - used).max(0);
        let Some(own) = uses(slot) else { return Some(left) };
        Some(own.allotted.map_or(left, |it| left.min(it)).max(own.points))
    }

    /// What a cap cuts off an order was promoted last, and uses nothing up.
    pub(super) fn use_budgets(&mut self, slot: usize, given: Vec<OfBudget>, cut: i128) {
        let mut cut = cut;
        let known = std::mem::take(&mut self.order_mut(slot).of_budgets);
        let mut uses: Vec<Use> = known.into_iter().map(|it| Use { points: 0, ..it }).collect();
        for it in given.into_iter().rev() {
            let points = (it.given - cut).max(0);
            cut = (cut - it.given).max(0);
            let is_cut = it.given < it.called_for;
            let before = uses.iter().position(|known| known.promotion == it.promotion).map(|at| uses.remove(at));
            let before = before.and_then(|it| it.allotted);
            let allotted = if is_cut { Some(before.map_or(it.given, |before| before.min(it.given))) } else { before };
            uses.push(Use { promotion: it.promotion, points, allotted });
        }
        self.order_mut(slot).of_budgets = uses;
    }
}
