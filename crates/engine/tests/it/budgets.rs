//! Budgets in every history (E15): what orders have of them adds up to what is used, and never to more than there is.

use std::collections::BTreeMap;

use engine::{Points, Timeline};
use proptest::prelude::*;

use crate::histories::histories;
use crate::programs::timelines;
use crate::seeded::{Outcome, check};
use crate::shop::{Shop, used_by_others};
use crate::transcript::told;

#[test]
fn what_promotions_give_is_never_more_than_their_budgets() {
    let budgeted = timelines().prop_filter("budgets", Timeline::has_budgets);
    check(400, &(budgeted, histories(14)), |(timeline, steps)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            shop.take(step);
            let outcome = adds_up(&shop);
            told(&shop, outcome)?;
        }
        Ok(())
    });
}

fn adds_up(shop: &Shop) -> Outcome {
    let mut most: BTreeMap<&str, Points> = BTreeMap::new();
    for version in shop.timeline.versions() {
        for (name, budget) in version.terms.earning.budgets() {
            let known = most.entry(name).or_default();
            *known = budget.max(*known);
        }
    }
    for (name, budget) in most {
        let uses = shop.account.orders().iter().flat_map(|it| &it.posted.budgets);
        let mine: Points = uses.filter(|it| *it.promotion == *name).map(|it| it.points).sum();
        let others = used_by_others(name);
        prop_assert_eq!(shop.budgets.used(name), others + mine, "{}", name);
        prop_assert!(!mine.is_positive() || others + mine <= budget, "{} of {} by {}", others + mine, budget, name);
        prop_assert!(Points::ZERO <= mine);
    }
    for order in shop.account.orders() {
        let uses: Points = order.posted.budgets.iter().map(|it| it.points).sum();
        prop_assert!(uses <= order.posted.earned.max(Points::ZERO), "no more than the order has earned");
    }
    Ok(())
}
