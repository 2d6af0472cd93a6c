//! Budgets of promotions across members (E15): what is used of one is written with the orders that use it, and proved by
//! `verify`.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{
    Document, DocumentVersion, EarnRate, EarnRules, Earning, Gives, Moment, Money, Points, Promotion, Times, Timestamp,
};
use store::{Command, Failure, Reply};

use crate::shop::{NEW_YEAR, Shop, named, order, sale, send, sign_up};
use crate::store::together;

/// Double points, 60 in all.
pub(crate) fn launch(earn: EarnRate) -> Earning {
    let promotion = Promotion {
        name: "Launch".into(),
        gives: Gives::Times(Times::thousandths(2_000)),
        from: None,
        until: None,
        weekdays: [false; 7],
        hours: None,
        products: BTreeSet::new(),
        categories: BTreeSet::new(),
        channels: BTreeSet::new(),
        customer_types: BTreeSet::new(),
        tiers: BTreeSet::new(),
        first_order: false,
        min_amount: Money::ZERO,
        group: None,
        priority: 0,
        budget: Some(Points::new(60)),
    };
    Earning::new(earn, EarnRules { promotions: vec![promotion], ..EarnRules::default() }).expect("small amounts")
}

fn earned(reply: &Result<Reply, Failure>) -> i64 {
    match reply {
        Ok(Reply::Order { answer, .. }) => answer.earned.called_for.get(),
        other => panic!("{other:?}"),
    }
}

/// Five members in one batch, 25.00 each.
fn five(shop: &Shop) -> Vec<i64> {
    let store = shop.opened("launch");
    for member in 1..=5 {
        send(&store, sign_up(member)).expect("a member");
    }
    let buys = |member: u64| order(member, &format!("A{member}"), sale(25_00, NEW_YEAR));
    let replies = together(&store, (1..=5).map(buys).collect::<Vec<Command>>());
    replies.iter().map(earned).collect()
}

#[test]
fn a_batch_of_many_members_uses_no_more_than_the_budget() {
    let shop = Shop::in_order();
    assert_eq!(five(&shop), [50, 50, 35, 25, 25]);
    let store = shop.open();
    let mut refunded = sale(25_00, NEW_YEAR);
    (refunded.version, refunded.refunded) = (DocumentVersion::Number(2), Money::new(15_00));
    assert_eq!(earned(&send(&store, order(1, "A1", refunded))), 20, "15 come back to the budget");
    let document = Arc::new(Document { redeem: Some(Points::ZERO), ..sale(30_00, NEW_YEAR) });
    let moment = Moment { now: Timestamp::from_micros(NEW_YEAR), actor: engine::Actor::Channel(1), import: false };
    let quoted = shop.reader().quote("shop", &named(4), None, (&document, None), moment).expect("a cart");
    assert_eq!(quoted.answer.earned.called_for, Points::new(45));
    let reply = send(&store, order(4, "B4", (*document).clone()));
    assert_eq!(earned(&reply), 45, "committing a quote gives what it said");
    assert_eq!(earned(&send(&store, order(5, "B5", sale(10_00, NEW_YEAR)))), 10);
    drop(store);
    assert_eq!(used(&shop), 60);
    assert_eq!(shop.reader().verify(&mut |_| {}).expect("it can be read").difference, None);
}

fn used(shop: &Shop) -> i64 {
    shop.reader().budgets(1).expect("it can be read").iter().map(|(_, points)| points.get()).sum()
}

#[test]
fn verify_names_a_budget_that_was_tampered_with() {
    for (change, expected) in [
        ("UPDATE counters SET value = value - 1", "of the budget of \"Launch\" in program 1 59 are stored as used"),
        ("UPDATE counters SET name = 'Lunch'", "of the budget of"),
        ("UPDATE counters SET kind = 9", "a counter is of an unknown kind"),
        ("DELETE FROM counters", "0 are stored as used, the entries use 60"),
    ] {
        let shop = Shop::in_order();
        five(&shop);
        assert_eq!(crate::place::change(&shop, change), 1, "{change}");
        let difference = shop.reader().verify(&mut |_| {}).expect("it can be read").difference.unwrap_or_default();
        assert!(difference.contains(expected), "{change}: {difference}");
    }
}
