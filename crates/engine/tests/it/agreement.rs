//! The engine and the model agree after every step: balances, lots by expiry, debts, orders, and why a step is refused.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    Account, Decision, Downgrade, EarnMode, EarnRate, EarnRules, Earning, GiftCards, Money, Pay, Points, Reward, Stop,
    TierKeep, TierRules, Timeline, Timestamp, Version,
};
use proptest::prelude::*;

use crate::convergence::lots_by_dates;
use crate::earning::{earn_rules, going_with};
use crate::histories::{Step, busy_histories};
use crate::model::{Model, Place, code};
use crate::programs::{few_points_reward, rewarding, timelines};
use crate::seeded::{Outcome, check};
use crate::shop::Shop;
use crate::transcript::told;

#[test]
fn the_engine_and_a_slow_model_agree_after_every_step() {
    let histories = busy_histories(20).prop_map(with_few_points);
    check(800, &(small_timelines(), histories, any::<bool>()), |((timeline, rules), steps, celebrates)| {
        let timeline = if celebrates { timeline } else { without_birthdays(&timeline) };
        let mut model = Model::new(timeline.clone(), rules);
        let mut shop = Shop::new(timeline);
        // Birthdays count from an account's first entry on: here it comes before all others.
        let first = celebrates.then_some(Step::Adjust { points: 1, expires_in_days: Some(39) });
        for step in first.iter().chain(&steps) {
            let Some((command, decision)) = shop.take(step) else { continue };
            let expected = model.after(&command, shop.now);
            let outcome = agree(&shop, &model, &decision, &expected);
            told(&shop, outcome)?;
            if let Ok(next) = expected {
                model = next;
            }
        }
        Ok(())
    });
}

/// Programs that give so few points that each can be a thing of its own; and the rules of each version.
fn small_timelines() -> impl Strategy<Value = (Timeline, Vec<EarnRules>)> {
    let rates = prop::sample::select(vec![(1_i64, 100_i64), (1, 33), (7, 1_000), (100, 2_000), (1, 2_000)]);
    let modes = prop::sample::select(vec![EarnMode::Proportional, EarnMode::Steps, EarnMode::StepsCarried]);
    let rate = (rates, modes).prop_map(|((points, per), mode)| EarnRate {
        points: Points::new(points),
        per: Money::new(per),
        mode,
    });
    let rates = prop::array::uniform2((rate, earn_rules(true).prop_map(small_rules)));
    (prop_oneof![timelines(), rewarding()], rates).prop_map(|(timeline, rates)| {
        let timeline = few_points_reward(&timeline);
        let mut versions: Vec<Version> = timeline.versions().to_vec();
        let is_one = versions.len() == 1;
        let mut all = Vec::new();
        for (version, (rate, rules)) in versions.iter_mut().zip(rates) {
            let rules = going_with(rate.mode, rules);
            version.terms.earn = rate;
            version.terms.caps = version.terms.caps.filter(|_| rate.mode != EarnMode::StepsCarried);
            version.terms.catalogue = version.terms.catalogue.iter().map(cheap).collect();
            version.terms.earning = Earning::new(rate, rules.clone()).expect("amounts are small");
            if let Some(tiers) = version.terms.tiers.as_ref().map(|it| small_tiers(it.rules(), is_one)) {
                version.terms = version.terms.clone().with_tiers(tiers).expect("amounts are small");
            }
            all.push(rules);
        }
        (Timeline::new(versions, timeline.switches().to_vec()), all)
    })
}

fn without_birthdays(timeline: &Timeline) -> Timeline {
    let mut versions: Vec<Version> = timeline.versions().to_vec();
    for it in versions.iter_mut().filter_map(|it| it.terms.activities.as_mut()) {
        it.birthday = Points::ZERO;
    }
    Timeline::new(versions, timeline.switches().to_vec())
}

fn cheap(reward: &Reward) -> Reward {
    Reward { points: Points::new(1 + reward.points.get() / 5), ..reward.clone() }
}

/// Staff add so few points that each can be a thing of its own.
fn with_few_points(mut steps: Vec<Step>) -> Vec<Step> {
    for step in &mut steps {
        if let Step::Adjust { points, .. } = step {
            *points /= 6;
        }
    }
    steps
}

/// Rates of a few points per amount. Gift cards that earn when they are sold are the business of other tests, and so is which
/// unit a partial refund was for.
fn small_rules(mut rules: EarnRules) -> EarnRules {
    rules.gift_cards = GiftCards::WhenUsed;
    for (rate, points) in rules.rates.iter_mut().zip(1..) {
        rate.pay = Pay::Per { points: Points::new(points), per: Money::new(100) };
    }
    rules
}

/// The model counts tiers anew each time, so that they are kept while they are reached; and it does not know what becomes of
/// one in another version.
fn small_tiers(rules: TierRules, is_one: bool) -> TierRules {
    let mut rules = TierRules { keep: TierKeep::WhileReached, downgrade: Downgrade::Straight, grace_days: 0, ..rules };
    if !is_one {
        for level in &mut rules.levels {
            (level.earn, level.times, level.redeem) = (None, None, None);
            level.name = format!("{} that nothing is for", level.name).into();
        }
    }
    rules
}

fn agree(shop: &Shop, before: &Model, decision: &Decision, expected: &Result<Model, &'static str>) -> Outcome {
    let said = match decision {
        Ok(_) => "accepted",
        Err(Stop::Rejected(rejection)) => code(rejection),
        Err(Stop::NeedMore) => "need more",
    };
    prop_assert_eq!(said, expected.as_ref().err().copied().unwrap_or("accepted"), "engine, model");
    let model = &expected.as_ref().unwrap_or(before).read(shop.now);
    let account = &shop.read();
    let balance = account.balance;
    let engine = [balance.pending, balance.available, balance.held, balance.owed, balance.let_go];
    let counts = [
        model.count(|it| it == Place::Pending),
        model.count(|it| it == Place::Available),
        model.count(|it| matches!(it, Place::Held(_))),
        model.owed,
        model.let_go,
    ];
    prop_assert_eq!(
        engine.map(|it| i128::from(it.get())),
        counts,
        "pending, available, held, owed, let go: engine, model"
    );
    prop_assert_eq!(lots_by_dates(account), model_lots(model), "lots: engine, model");
    let left = account.purse.as_ref().map_or(0, |it| i128::from(it.available().minor()));
    prop_assert_eq!(left, model.credit_left(), "store credit: engine, model");
    for (slot, order) in model.orders.iter().enumerate() {
        let ours = shop
            .order(slot)
            .map(|it| [it.posted.earned, it.posted.redeemed(), it.asked].map(|it| i128::from(it.get())));
        let theirs = order.as_ref().map(|it| [it.earned, i128::try_from(it.redeemed.len()).expect("a few"), it.asked]);
        prop_assert_eq!(ours, theirs, "order {}, earned, redeemed, asked: engine, model", slot);
        let parts = shop.order(slot).map(|it| it.posted.certificates.clone()).unwrap_or_default();
        let ours: BTreeSet<[i128; 3]> = parts
            .iter()
            .map(|it| [i128::from(it.lot.no.0), i128::from(it.paid.minor()), i128::from(it.lost.minor())])
            .collect();
        let theirs = order.iter().flat_map(|it| &it.paid_by);
        let theirs = theirs.map(|it| [i128::try_from(it.certificate).expect("a few") + 1, it.paid, it.lost]).collect();
        prop_assert_eq!(ours, theirs, "order {}, certificate, paid, lost: engine, model", slot);
    }
    agree_on_rewards(account, model)
}

fn agree_on_rewards(account: &Account, model: &Model) -> Outcome {
    let wallet = account.wallet.as_ref().expect("a shop's account has its certificates");
    let ours = wallet.ledger.lots().iter().map(|it| {
        let is_cancelled = it.certificate.is_some_and(|it| it.is_cancelled);
        (i128::from(it.available.get()), it.at.expires_at, is_cancelled)
    });
    let theirs = (0..model.certificates.len()).map(|no| {
        let it = &model.certificates[no];
        (model.left_of(no), it.expires_at, it.cancelled)
    });
    prop_assert_eq!(ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>(), "certificates: engine, model");
    let points = |it: &engine::RewardClaim| it.taken.iter().map(|it| it.points).sum::<Points>().get();
    let ours = account.claims().iter().map(|it| (it.no.0, it.state, i128::from(points(it))));
    let theirs = model.claims.iter().map(|it| (it.no, it.state, i128::try_from(it.points.len()).expect("a few")));
    prop_assert_eq!(ours.collect::<Vec<_>>(), theirs.collect::<Vec<_>>(), "claims: engine, model");
    Ok(())
}

fn model_lots(model: &Model) -> BTreeMap<(Timestamp, Timestamp), [i64; 3]> {
    let waiting: Vec<usize> = model.points.iter().filter(|it| it.place == Place::Pending).map(|it| it.lot).collect();
    let mut all: BTreeMap<(Timestamp, Timestamp), [i64; 3]> = BTreeMap::new();
    for point in &model.points {
        let lot = model.lots[point.lot];
        let waits_until = if waiting.contains(&point.lot) { lot.available_at } else { Timestamp::START };
        let column = match point.place {
            Place::Pending => 0,
            Place::Available => 1,
            Place::Held(_) => 2,
            Place::Redeemed | Place::Gone | Place::Expired | Place::Converted | Place::Forfeited => continue,
        };
        all.entry((waits_until, model.ends(point.lot))).or_default()[column] += 1;
    }
    all
}
