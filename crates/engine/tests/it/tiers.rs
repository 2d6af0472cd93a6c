//! Tiers in every history (T1): what a member reaches is what the orders of the window add up to, counted by hand; and the
//! faults that tiers have had elsewhere.

use std::sync::Arc;

use engine::{
    Decided, Document, Downgrade, EarnMode, Money, Order, Points, RedeemRate, Rules, SetTier, Stop, Tier, TierBy,
    TierHold, TierKeep, TierRules, TierState, TierWithin, Timestamp, progress, set_tier, settle,
};
use proptest::prelude::*;

use crate::histories::{Step, histories, waits};
use crate::programs::{EUR, one_version, plain, terms};
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::till::Till;
use crate::transcript::told;

#[test]
fn a_tier_that_stays_while_it_is_reached_is_the_one_that_the_orders_add_up_to() {
    let tiered = terms().prop_filter("tiers", |it| it.tiers.is_some()).prop_map(|terms| {
        let rules = terms.tiers.as_ref().map(|it| it.rules()).expect("only programs with tiers are drawn");
        let rules = TierRules { keep: TierKeep::WhileReached, grace_days: 0, ..rules };
        one_version(terms.with_tiers(TierRules { downgrade: Downgrade::Straight, ..rules }).expect("they were there"))
    });
    check(300, &(tiered, histories(14), waits()), |(timeline, steps, minutes)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            shop.take(step);
            shop.take(&Step::Settle);
            let outcome = is_what_orders_say(&shop);
            told(&shop, outcome)?;
        }
        // Whatever leaves the window while nobody looks.
        for _ in 0..6 {
            shop.take(&Step::Wait { minutes: minutes.max(1) * 40 });
            shop.take(&Step::Settle);
            let outcome = is_what_orders_say(&shop);
            told(&shop, outcome)?;
        }
        Ok(())
    });
}

fn is_what_orders_say(shop: &Shop) -> Outcome {
    let terms = &shop.timeline.versions()[0].terms;
    let rules = terms.tiers.as_ref().expect("only programs with tiers are drawn").rules();
    let today = terms.zone.date_of(shop.now.max(shop.account.last_at));
    let counts = |it: &&Arc<Order>| {
        let day = it.pinned.day.expect("a program with tiers counts days");
        match rules.within {
            TierWithin::Lifetime => true,
            TierWithin::Year => today.to_string()[..4] <= day.to_string()[..4],
            TierWithin::TwelveMonths => today < day.plus_months(12),
        }
    };
    let one = |it: &Arc<Order>| match rules.by {
        TierBy::Points => it.posted.earned.get(),
        TierBy::Spend => it.posted.spent.minor(),
        TierBy::Orders => i64::from(it.posted.spent.is_positive()),
    };
    let figure: i64 = shop.account.orders().iter().filter(counts).map(one).sum();
    let reached = rules.levels.iter().filter(|it| it.from <= figure).count();
    let rank = shop.account.tier.as_ref().map_or(0, |it| shop.timeline.versions()[0].rank_of(&it.tier));
    prop_assert_eq!(usize::from(rank), reached, "a figure of {} by {:?} within {:?}", figure, rules.by, rules.within);
    let told = progress(&shop.account, &shop.timeline, shop.now).expect("all is loaded").expect("there are tiers");
    prop_assert_eq!(told.figure, figure);
    prop_assert!(told.next.is_none_or(|it| it.missing == it.from - figure && 0 < it.missing), "{:?}", told);
    Ok(())
}

/// Gold from 100 points, platinum from 200.
fn two(by: TierBy, within: TierWithin, keep: TierKeep) -> TierRules {
    let tier = |name: &str, from| Tier { name: name.into(), from, earn: None, times: None, redeem: None };
    let levels = vec![tier("gold", 100), tier("platinum", 200)];
    TierRules { by, within, keep, downgrade: Downgrade::Straight, grace_days: 0, levels }
}

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).expect("a constant")
}

impl Till {
    fn with(rules: TierRules) -> Self {
        Self::new(one_version(plain().with_tiers(rules).expect("small amounts")))
    }

    /// An order of so many units, cancelled when it is none; answers what it has earned.
    fn put(&mut self, slot: usize, amount: i64, day: &str) -> i64 {
        let placed_at = at(&format!("{day}T12:00:00Z"));
        self.shop.now = self.shop.now.max(placed_at);
        self.send(slot, amount, placed_at).earned.called_for.get()
    }

    /// Where the member stands on a day: rank, and until when.
    fn on(&mut self, day: &str) -> (u8, String) {
        self.shop.now = self.shop.now.max(at(&format!("{day}T13:00:00Z")));
        let decided = settle(&self.shop.account, Rules::of(&self.shop.timeline), self.shop.now).expect("all is loaded");
        self.take_over(&decided);
        let Some(state) = &self.shop.account.tier else { return (0, String::new()) };
        (self.shop.timeline.versions()[0].rank_of(&state.tier), state.review_at.to_string())
    }

    fn take_over(&mut self, decided: &Decided) {
        self.shop.account.apply(decided);
        self.shop.entries.extend(decided.entries.iter().cloned());
    }

    fn set(&mut self, tier: Option<&str>, until: Option<&str>) -> Result<TierState, Stop> {
        let set = SetTier {
            tier: tier.map(str::to_owned),
            until: until.map(|it| at(&format!("{it}T00:00:00Z"))),
            note: "a good customer".to_owned(),
        };
        let decided = set_tier(&self.shop.account, Rules::of(&self.shop.timeline), &set, self.shop.moment())?;
        self.take_over(&decided);
        Ok(self.shop.account.tier.clone().expect("it was just set"))
    }
}

#[test]
fn a_refund_lowers_the_day_of_its_order_and_no_later_one() {
    let mut till = Till::with(two(TierBy::Spend, TierWithin::TwelveMonths, TierKeep::WhileReached));
    till.put(0, 500, "2025-03-01");
    till.put(0, 0, "2026-02-01");
    // Were it counted on the day of the refund, the figure would be below zero for a year.
    till.put(1, 3, "2026-03-10");
    assert_eq!(till.on("2026-03-10").0, 2, "3.00 reach what asks for 2.00");
}

#[test]
fn a_rolling_year_lets_a_day_go_on_the_same_day_of_the_next() {
    let mut till = Till::with(two(TierBy::Points, TierWithin::TwelveMonths, TierKeep::WhileReached));
    till.put(0, 120, "2026-03-20");
    assert_eq!(till.on("2026-03-20"), (1, "2027-03-20T00:00:00Z".to_owned()));
    till.put(1, 90, "2026-06-01");
    assert_eq!(till.on("2026-06-01"), (2, "2027-03-20T00:00:00Z".to_owned()));
    assert_eq!(till.on("2027-03-19").0, 2);
    assert_eq!(till.on("2027-03-20").0, 0, "90 points are left");
}

#[test]
fn a_tier_is_kept_to_the_end_of_the_next_year_and_kept_again() {
    let mut till = Till::with(two(TierBy::Points, TierWithin::Year, TierKeep::NextYear));
    till.put(0, 150, "2026-05-01");
    assert_eq!(till.on("2026-05-01"), (1, "2028-01-01T00:00:00Z".to_owned()));
    till.put(0, 0, "2026-06-01");
    assert_eq!(till.on("2026-06-01").0, 1, "what was reached is kept until its date");
    till.put(1, 100, "2027-08-01");
    assert_eq!(till.on("2028-01-01"), (1, "2029-01-01T00:00:00Z".to_owned()), "2027 reached it again");
    assert_eq!(till.on("2029-01-01").0, 0, "2028 did not");
}

#[test]
fn a_tier_is_lost_step_by_step_after_its_grace() {
    let rules = TierRules {
        downgrade: Downgrade::OneStep,
        grace_days: 10,
        ..two(TierBy::Points, TierWithin::Year, TierKeep::Months(6))
    };
    let mut till = Till::with(rules);
    till.put(0, 250, "2026-05-01");
    assert_eq!(till.on("2026-05-01"), (2, "2026-11-02T00:00:00Z".to_owned()));
    assert_eq!(till.on("2026-11-02"), (2, "2027-05-02T00:00:00Z".to_owned()), "the year still has 250");
    assert_eq!(till.on("2027-05-02"), (2, "2027-05-12T00:00:00Z".to_owned()), "grace");
    assert_eq!(till.on("2027-05-12"), (1, "2027-11-12T00:00:00Z".to_owned()), "one step");
    assert_eq!(till.on("2027-11-12"), (1, "2027-11-22T00:00:00Z".to_owned()));
    till.put(1, 100, "2027-11-15");
    assert_eq!(till.on("2027-11-15"), (1, "2028-05-16T00:00:00Z".to_owned()), "reached again within the grace");
    assert_eq!(till.on("2029-12-31").0, 0, "nobody looked for a year and a half");
}

#[test]
fn an_order_does_not_count_for_its_own_tier_and_keeps_the_rate_it_was_placed_under() {
    let mut rules = two(TierBy::Points, TierWithin::Lifetime, TierKeep::WhileReached);
    rules.levels[0].earn = Some((Points::new(2), Money::new(100)));
    rules.levels[1].earn = Some((Points::new(5), Money::new(100)));
    let mut till = Till::with(rules);
    assert_eq!(till.put(0, 150, "2026-05-01"), 150, "it reaches gold, at the rate of before");
    assert_eq!(till.put(1, 20, "2026-05-02"), 40, "the next one has the rate of gold");
    assert_eq!(till.put(0, 130, "2026-05-03"), 130, "an edit keeps its rate");
    assert_eq!(till.put(2, 10, "2026-04-30"), 10, "a late document has the tier of its own time");
    assert_eq!(till.put(0, 0, "2026-05-04"), 0);
    assert_eq!(till.on("2026-05-04").0, 0);
    assert_eq!(till.put(1, 30, "2026-05-05"), 60, "gold is lost; its order is still one of gold");
}

#[test]
fn points_are_worth_what_the_tier_says() {
    let mut rules = two(TierBy::Orders, TierWithin::Lifetime, TierKeep::Ever);
    rules.levels[0].from = 1;
    rules.levels[0].redeem = Some(RedeemRate { points: Points::new(100), value: Money::new(200) });
    let mut till = Till::with(rules);
    assert_eq!(till.put(0, 100, "2026-05-01"), 100);
    let account = &till.shop.account;
    let version = &till.shop.timeline.versions()[0];
    assert_eq!(account.terms_of(version).redeem.rate.value, Money::new(200));
}

#[test]
fn what_points_paid_does_not_count_and_returned_points_raise_nothing() {
    let mut till = Till::with(two(TierBy::Spend, TierWithin::Lifetime, TierKeep::WhileReached));
    till.put(0, 1, "2026-05-01");
    let mut paid = Document::sale(EUR, Money::new(9_00), at("2026-05-02T12:00:00Z"));
    paid.redeem = Some(Points::new(1));
    till.shop.now = paid.placed_at;
    let command = Command::Put { slot: 1, document: Arc::new(paid.clone()) };
    let decided = till.shop.decide(&command).expect("one point is there");
    till.shop.apply(&command, &decided);
    assert_eq!(till.shop.account.counted.spent, Money::new(9_99), "0.01 was paid with a point");
    let cancelled = Document { cancelled_at: Some(paid.placed_at), ..paid };
    let command = Command::Put { slot: 1, document: Arc::new(cancelled) };
    let decided = till.shop.decide(&command).expect("a fact is never refused");
    till.shop.apply(&command, &decided);
    assert_eq!(till.shop.account.counted.spent, Money::new(1_00));
    assert_eq!(till.shop.account.balance.available, Points::new(1), "the point is back");
    assert_eq!(till.shop.account.counted.points, Points::new(1), "and counts as it did");
}

#[test]
fn staff_set_a_tier_until_a_day() {
    let mut till = Till::with(two(TierBy::Points, TierWithin::Lifetime, TierKeep::WhileReached));
    till.put(0, 50, "2026-05-01");
    assert_eq!(
        till.set(Some("gold"), Some("2026-08-01")).map(|it| (it.tier, it.hold)),
        Ok((Some("gold".into()), TierHold::Set))
    );
    assert_eq!(till.on("2026-07-31").0, 1);
    till.put(1, 20, "2026-07-31");
    assert_eq!(till.on("2026-07-31").0, 1, "70 do not reach it, and take nothing away");
    assert_eq!(till.on("2026-08-01").0, 0);
    till.put(1, 180, "2026-08-02");
    assert_eq!(till.on("2026-08-02").0, 2);
    assert_eq!(till.set(None, Some("2026-09-01")).map(|it| it.tier), Ok(None), "put down");
    till.put(2, 1, "2026-08-03");
    assert_eq!(till.on("2026-08-03").0, 0, "what had been reached before does not lift it");
    assert_eq!(till.on("2026-09-01").0, 2);
    for (tier, until, code) in [(Some("iron"), None, "unknown_tier"), (Some("gold"), Some("2026-09-01"), "invalid")] {
        let Err(Stop::Rejected(rejection)) = till.set(tier, until) else { panic!("{tier:?} was set") };
        assert_eq!(rejection.code(), code);
    }
}

#[test]
fn steps_that_are_carried_count_for_the_order_that_has_them() {
    let mut rules = two(TierBy::Points, TierWithin::TwelveMonths, TierKeep::WhileReached);
    rules.levels[0].from = 2;
    rules.levels[1].from = 3;
    let mut terms = plain();
    terms.earn.per = Money::new(50_00);
    terms.earn.mode = EarnMode::StepsCarried;
    let mut till = Till::new(one_version(terms.with_tiers(rules).expect("small amounts")));
    till.put(0, 120, "2026-05-01");
    till.put(1, 30, "2026-06-01");
    assert_eq!(till.on("2026-06-01").0, 2);
    till.put(0, 20, "2026-06-02");
    assert_eq!(till.on("2026-06-02").0, 0, "50.00 are one step");
    assert_eq!(till.shop.account.counted.points, Points::new(1));
}
