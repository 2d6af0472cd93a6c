//! How awards were worked out, and what they use of budgets: arbitrary values of every field.

use std::sync::Arc;

use engine::{BudgetUse, Budgeted, By, Gives, Part, Pay, Promoted, Rounding, Times, Worked};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::{money, points};

pub(super) fn workings() -> BoxedStrategy<Worked> {
    let name = || any::<String>().prop_map(|it| Arc::from(it.as_str()));
    let by = prop_oneof![
        Just(By::Program),
        name().prop_map(By::Product),
        name().prop_map(By::Category),
        Just(By::CustomerType),
        Just(By::Tier),
    ];
    let pay = prop_oneof![
        (points(), money()).prop_map(|(points, per)| Pay::Per { points, per }),
        points().prop_map(Pay::Each),
    ];
    let part = (by, pay, money(), any::<u32>()).prop_map(|(by, pay, base, units)| Part { by, pay, base, units });
    let times = || (0..1_000_000_u32).prop_map(Times::thousandths);
    let gives = prop_oneof![times().prop_map(Gives::Times), points().prop_map(Gives::Points)];
    let budget = (points(), points(), points());
    let budget = budget.prop_map(|(most, called_for, given)| Budgeted { most, called_for, given });
    let promoted = (name(), gives, money(), option::of(budget));
    let promoted = promoted.prop_map(|(name, gives, base, budget)| Promoted { name, gives, base, budget });
    let lists = (vec(part, 0..3), vec(promoted, 0..3), (option::of(times()), option::of(times())));
    let rounding = (select(vec![Rounding::Order, Rounding::Line]), any::<bool>());
    (points(), money(), money(), lists, rounding)
        .prop_map(|(points, excluded, gift_cards, (parts, promotions, (times, tier_times)), (rounding, rounded))| {
            Worked { points, parts, excluded, gift_cards, times, tier_times, promotions, rounding, rounded }
        })
        .boxed()
}

pub(super) fn budget_uses() -> impl Strategy<Value = Vec<BudgetUse>> {
    let used = (any::<String>(), points(), option::of(points()));
    let used = used.prop_map(|(name, points, allotted)| BudgetUse { promotion: name.into(), points, allotted });
    vec(used, 0..3)
}
