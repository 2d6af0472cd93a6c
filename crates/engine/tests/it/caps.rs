//! Caps hold in every history (E13), and the order that was cut keeps what it was allotted.

use std::sync::Arc;

use engine::{Account, Cap, Caps, Document, EarnRules, Money, Order, OrderNo, Points, Timeline, Timestamp};

use crate::histories::{ORDERS, histories};
use crate::model::Model;
use crate::programs::{EUR, NOON, one_version, plain, terms};
use crate::seeded::check;
use crate::shop::{Command, Shop};
use crate::till::Till;
use crate::transcript::told;

use proptest::prelude::*;

#[test]
fn no_day_month_or_year_earns_more_than_its_cap() {
    let capped = terms().prop_filter("caps", |it| it.caps.is_some()).prop_map(one_version);
    check(300, &(capped, histories(14)), |(timeline, steps)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            shop.take(step);
            let outcome = within(&shop);
            told(&shop, outcome)?;
        }
        Ok(())
    });
}

/// Adds up by hand what the orders of each day, month and year have earned.
fn within(shop: &Shop) -> Result<(), TestCaseError> {
    let caps = shop.timeline.versions()[0].terms.caps.expect("only programs with caps are drawn");
    let day = |it: &Order| it.pinned.day.expect("a program with caps counts days").to_string();
    for one in shop.account.orders() {
        for (most, prefix) in [(caps.day, 10), (caps.month, 7), (caps.year, 4)] {
            let same = shop.account.orders().iter().filter(|it| day(it)[..prefix] == day(one)[..prefix]);
            let earned: Points = same.map(|it| it.posted.earned).sum();
            prop_assert!(most.is_none_or(|it| earned <= it), "{} of {:?} around {}", earned, most, day(one));
        }
        prop_assert!(caps.order.is_none_or(|it| one.posted.earned <= it), "an order earned more than its cap");
    }
    Ok(())
}

/// What an order of so many units has earned, and which cap has cut it.
fn put(till: &mut Till, slot: usize, amount: i64, placed_at: Timestamp) -> (i64, Option<Cap>) {
    let earned = till.send(slot, amount, placed_at).earned;
    (earned.called_for.get(), earned.cut.map(|it| it.cap))
}

fn a_day(points: i64) -> Timeline {
    one_version(engine::Terms { caps: Some(Caps { day: Some(Points::new(points)), ..Caps::default() }), ..plain() })
}

/// Orders that grow, shrink and are cancelled beside each other, so close to their caps that who came first matters.
#[test]
fn the_engine_and_the_model_give_each_order_the_same_room() {
    let most = || prop::option::weighted(0.7, (20..120_i64).prop_map(Points::new));
    let caps = (prop::option::of(Just(Points::new(50))), most(), most(), most());
    let changes = prop::collection::vec((0..ORDERS, prop_oneof![1 => Just(0), 3 => 1..130_i64], any::<bool>()), 1..12);
    check(400, &(caps, changes), |((order, day, month, year), changes)| {
        let caps = Some(Caps { order, day, month, year });
        let timeline = one_version(engine::Terms { caps, ..plain() });
        let mut model = Model::new(timeline.clone(), vec![EarnRules::default()]);
        let mut till = Till::new(timeline);
        for (slot, amount, is_earlier) in changes {
            // An order keeps the day on which it was first placed.
            let placed_at = if is_earlier { NOON.plus_days(-1) } else { NOON };
            let command = till.order(slot, amount, placed_at);
            model = model.after(&command, till.shop.now).expect("a fact is never refused");
            let decided = till.shop.decide(&command).expect("a fact is never refused");
            till.shop.apply(&command, &decided);
            let ours = (0..ORDERS).map(|it| till.shop.order(it).map(|it| i128::from(it.posted.earned.get())));
            let theirs = model.orders.iter().map(|it| it.as_ref().map(|it| it.earned));
            let found = ours.collect::<Vec<_>>();
            told(&till.shop, equal(&found, &theirs.collect::<Vec<_>>()))?;
        }
        Ok(())
    });
}

fn equal(found: &[Option<i128>], expected: &[Option<i128>]) -> Result<(), TestCaseError> {
    prop_assert_eq!(found, expected, "earned by each order: engine, model");
    Ok(())
}

#[test]
fn an_order_that_was_not_cut_keeps_the_room_that_it_found() {
    let mut till = Till::new(a_day(100));
    assert_eq!(put(&mut till, 0, 80, NOON), (80, None));
    assert_eq!(put(&mut till, 1, 20, NOON), (20, None));
    assert_eq!(put(&mut till, 0, 0, NOON), (0, None));
    assert_eq!(put(&mut till, 1, 60, NOON), (20, Some(Cap::Day)), "what was freed is not for an award of before");
    assert_eq!(put(&mut till, 2, 90, NOON), (80, Some(Cap::Day)));
}

#[test]
fn room_that_a_cancellation_frees_serves_later_orders_only() {
    let mut till = Till::new(a_day(100));
    assert_eq!(put(&mut till, 0, 80, NOON), (80, None));
    assert_eq!(put(&mut till, 1, 50, NOON), (20, Some(Cap::Day)));
    assert_eq!(put(&mut till, 0, 0, NOON), (0, None));
    assert_eq!(put(&mut till, 1, 50, NOON), (20, Some(Cap::Day)), "it has its award");
    assert_eq!(put(&mut till, 1, 90, NOON), (20, Some(Cap::Day)));
    assert_eq!(put(&mut till, 2, 90, NOON), (80, Some(Cap::Day)), "a later order takes what was freed");
    assert_eq!(put(&mut till, 0, 80, NOON), (0, Some(Cap::Day)), "reopened, it finds the day full");
}

#[test]
fn an_order_that_shrinks_and_grows_again_has_its_own_room() {
    let mut till = Till::new(a_day(100));
    assert_eq!(put(&mut till, 0, 150, NOON).0, 100);
    assert_eq!(put(&mut till, 0, 30, NOON).0, 30);
    assert_eq!(put(&mut till, 0, 120, NOON).0, 100);
    assert_eq!(put(&mut till, 0, 10, NOON).0, 10);
    assert_eq!(put(&mut till, 1, 60, NOON).0, 60, "what it gave up serves others");
    assert_eq!(put(&mut till, 0, 120, NOON).0, 40, "and then it has no more than is left");
}

#[test]
fn an_order_that_earned_nothing_for_a_full_day_earns_nothing_later() {
    let mut till = Till::new(a_day(100));
    put(&mut till, 0, 100, NOON);
    assert_eq!(put(&mut till, 1, 50, NOON), (0, Some(Cap::Day)));
    put(&mut till, 0, 0, NOON);
    assert_eq!(put(&mut till, 1, 50, NOON), (0, Some(Cap::Day)));
}

#[test]
fn a_cap_counts_on_the_local_day_of_the_order() {
    let terms = engine::Terms {
        zone: engine::Zone::named("Pacific/Apia").expect("the zone is bundled"),
        caps: Some(Caps { day: Some(Points::new(10)), month: Some(Points::new(15)), ..Caps::default() }),
        ..plain()
    };
    let mut till = Till::new(one_version(terms));
    let at = |text: &str| Timestamp::parse(text).expect("a constant");
    // Apia is 13 hours ahead: its 28 February ends at 11:00 UTC.
    till.shop.now = at("2026-03-01T12:00:00Z");
    assert_eq!(put(&mut till, 0, 12, at("2026-02-28T10:59:00Z")), (10, Some(Cap::Day)));
    assert_eq!(put(&mut till, 1, 12, at("2026-02-28T11:01:00Z")), (10, Some(Cap::Day)), "another day, another month");
    assert_eq!(put(&mut till, 2, 12, at("2026-03-01T11:30:00Z")), (5, Some(Cap::Month)));
}

#[test]
fn a_year_that_is_not_loaded_is_asked_for() {
    let mut till = Till::new(a_day(100));
    put(&mut till, 0, 80, NOON);
    let mut account = Account::default();
    account.horizon.years = Some(2027);
    account.next_order = OrderNo(2);
    let document = Document::sale(EUR, Money::new(50_00), NOON);
    let command = Command::Put { slot: 1, document: Arc::new(document) };
    assert_eq!(till.shop.decide_on(&account, &command), Err(engine::Stop::NeedMore));
}
