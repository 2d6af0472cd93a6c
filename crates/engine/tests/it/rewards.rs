//! Rewards of a catalogue (C9): random ones, and what holds of claims whatever else happens.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{
    Act, ClaimState, Coupon, Date, Entry, Gift, Kind, Money, Offered, Points, Reward, Share, Stop, Uses, Validity,
    catalogue,
};
use proptest::prelude::*;

use crate::histories::{Step, leaving_histories};
use crate::programs::timelines;
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::told;

/// What programs may offer, and one reward that none has.
pub(crate) const REWARDS: [&str; 4] = ["mug", "concert", "coupon", "yacht"];

/// Catalogues so cheap and so small that they are bought up.
pub(crate) fn catalogues() -> impl Strategy<Value = Vec<Reward>> {
    let some = (reward(REWARDS[0]), reward(REWARDS[1]), reward(REWARDS[2]))
        .prop_map(|(mug, concert, coupon)| vec![Reward { gives: Gift::Product("M-1".into()), ..mug }, concert, coupon]);
    prop_oneof![1 => Just(Vec::new()), 2 => some]
}

fn reward(name: &'static str) -> impl Strategy<Value = Reward> {
    let most = || prop_oneof![3 => Just(None), 1 => (1..4_u32).prop_map(Some)];
    let day = |from: i8, to: i8| prop_oneof![4 => Just(None), 1 => (from..to).prop_map(|it| Date::new(2026, 3, it))];
    let tiers = prop_oneof![5 => Just(None), 1 => Just(Some("silver"))];
    let validity = prop::sample::select(vec![Validity::Never, Validity::Days(5), Validity::Until(until())]);
    let coupon = (1..2_000_i64, uses(), validity).prop_map(|(value, uses, validity)| Coupon {
        value: Money::new(value),
        uses,
        validity,
    });
    let limits = (most(), most(), most(), most());
    (1..400_i64, limits, day(15, 25), day(20, 31), tiers, coupon).prop_map(
        move |(points, (stock, per_day, per_month, per_life), from, until, tier, coupon)| Reward {
            name: name.into(),
            gives: if name == REWARDS[2] { Gift::Coupon(coupon) } else { Gift::Named },
            points: Points::new(points),
            stock,
            from,
            until,
            tiers: tier.into_iter().map(Arc::from).collect(),
            per_day,
            per_month,
            per_life,
        },
    )
}

/// For several orders, for one, or for a share of one.
pub(crate) fn uses() -> impl Strategy<Value = Uses> {
    prop_oneof![Just(Uses::Several), Just(Uses::Once), (1..=10_000_u16).prop_map(|it| Uses::Share(Share(it)))]
}

fn until() -> Date {
    Date::new(2026, 4, 2).expect("April has it")
}

#[test]
fn what_the_catalogue_offers_is_what_a_claim_comes_to() {
    check(400, &(timelines(), leaving_histories(14)), |(timeline, steps)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            told(&shop, check_offers(&shop))?;
            shop.take(step);
        }
        Ok(())
    });
}

/// Of each reward the member is told what a claim of it would be answered, and which one the catalogue has not.
fn check_offers(shop: &Shop) -> Outcome {
    let offered = catalogue(&shop.account, shop.rules(), shop.moment()).expect("everything is loaded");
    for name in REWARDS {
        let claim = shop.decide(&Command::Reward(name.to_owned()));
        let told = match (offered.iter().find(|it| *it.reward.name == *name), claim) {
            (Some(Offered { refusal: None, .. }), Ok(_)) => true,
            (Some(Offered { refusal: Some(told), .. }), Err(Stop::Rejected(refused))) => *told == refused,
            (None, Err(Stop::Rejected(refused))) => {
                ["unknown_reward", "program_off", "account_closed", "unknown_program"].contains(&refused.code())
            }
            _ => false,
        };
        prop_assert!(told, "of {} the catalogue says {:?}", name, offered);
    }
    Ok(())
}

#[test]
fn claims_stock_and_limits_are_what_the_entries_say() {
    check(400, &(timelines(), leaving_histories(20)), |(timeline, steps)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            let before = shop.account.clone();
            let posted = shop.entries.len();
            shop.take(step);
            for entry in &shop.entries[posted..] {
                told(&shop, check_claim(&before, entry))?;
            }
            told(&shop, check_counts(&shop))?;
        }
        Ok(())
    });
}

/// A claim takes what the reward costs, and its end gives exactly that back; nothing is handed over to who owes.
fn check_claim(before: &engine::Account, entry: &Entry) -> Outcome {
    let Some(change) = &entry.changes.reward else { return Ok(()) };
    let moved: Points =
        entry.postings.iter().filter(|it| it.from == engine::Bucket::Available).map(|it| it.points).sum();
    match entry.kind {
        Kind::Reward => prop_assert!(moved.is_positive() && before.claim(change.claim).is_none()),
        Kind::Fulfil => prop_assert!(entry.postings.is_empty() && change.state == ClaimState::Fulfilled),
        Kind::CancelReward => {
            let claim = before.claim(change.claim).expect("what is cancelled was claimed");
            let back = |it: &&engine::Posting| [engine::Bucket::Available, engine::Bucket::Pending].contains(&it.to);
            let back: Points = entry.postings.iter().filter(back).map(|it| it.points).sum();
            let expected = if claim.certificate.is_none() || back.is_positive() { claim.points } else { Points::ZERO };
            prop_assert_eq!(back, expected, "a cancelled claim gives back what it cost, or what was given back before");
        }
        _ => prop_assert!(false, "a claim changes by an entry of its own"),
    }
    Ok(())
}

/// What is counted of each reward is what is claimed and not cancelled: no stock is ever overdrawn, no limit passed.
fn check_counts(shop: &Shop) -> Outcome {
    let mut standing: BTreeMap<&str, i64> = BTreeMap::new();
    for it in shop.account.claims().iter().filter(|it| it.state != ClaimState::Cancelled) {
        *standing.entry(&*it.reward).or_default() += 1;
    }
    for name in REWARDS {
        let has = standing.get(name).copied().unwrap_or_default();
        let others = i64::from(name == REWARDS[0]);
        prop_assert_eq!(shop.budgets.claimed(name), has + others, "pieces of {}", name);
        let acted = shop.account.acts.iter().find(|it| it.act == Act::Reward(name.to_owned()));
        prop_assert_eq!(acted.map_or(0, |it| i64::from(it.of_life)), has, "how often the member has {}", name);
        if let [version] = shop.timeline.versions()
            && let Some(reward) = version.reward(name)
        {
            let fits = |most: Option<u32>, times: i64| most.is_none_or(|it| times <= i64::from(it).max(others));
            prop_assert!(fits(reward.stock, has + others) && fits(reward.per_life, has), "more than there are");
        }
    }
    let redeemed: Points = shop.account.orders().iter().map(|it| it.posted.redeemed()).sum();
    let claimed: Points = shop.account.claims().iter().flat_map(|it| &it.taken).map(|it| it.points).sum();
    prop_assert_eq!(shop.account.balance.redeemed, redeemed + claimed, "points are redeemed on orders and for rewards");
    Ok(())
}

#[test]
fn no_refund_undoes_a_claim_that_waits() {
    let is_claim = |it: &Step| matches!(it, Step::Put(_) | Step::Again { .. });
    check(200, &(timelines(), leaving_histories(20)), |(timeline, steps)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            let before = shop.account.claims().to_vec();
            shop.take(step);
            if is_claim(step) {
                prop_assert_eq!(shop.account.claims(), &before[..], "an order changes no claim");
            }
        }
        Ok(())
    });
}
