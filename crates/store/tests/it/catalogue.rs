//! The rewards catalogue (C9) in the store: of two who want the last piece one has it, what waits is found page by page, and
//! `verify` names what was tampered with.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{
    Adjustment, ClaimNo, ClaimState, Coupon, Gift, Moment, Money, Points, Rejection, Reward, Timestamp, Uses, Validity,
};
use store::{Body, ClaimCursor, Command, Failure, MemberRef, Reply, Store};

use crate::shop::{NEW_YEAR, Shop, id_of, keyed, live, named, send, sign_up};
use crate::store::{sent, together, verified};

/// A mug of which there are four, a coupon, and a concert for everybody once.
pub(crate) fn rewards() -> Arc<[Reward]> {
    let mug = Reward {
        name: "mug".into(),
        gives: Gift::Product("M-1".into()),
        points: Points::new(20),
        stock: Some(4),
        from: None,
        until: None,
        tiers: BTreeSet::new(),
        per_day: None,
        per_month: None,
        per_life: None,
    };
    let coupon = Coupon { value: Money::new(500), uses: Uses::Once, validity: Validity::Days(30) };
    let coupon = Reward { name: "coupon".into(), gives: Gift::Coupon(coupon), stock: None, ..mug.clone() };
    let concert = Reward { name: "concert".into(), gives: Gift::Named, per_life: Some(1), stock: None, ..mug.clone() };
    [mug, coupon, concert].into()
}

pub(crate) fn claim(key: &str, member: u64, reward: &str) -> Command {
    keyed(key, Body::ClaimReward { program: "points".into(), member: named(member), reward: reward.into() })
}

pub(crate) fn end(member: u64, claim: u64, cancels: bool) -> Command {
    let note = "by hand".to_owned();
    live(Body::EndClaim { program: "points".into(), member: named(member), claim: ClaimNo(claim), cancels, note })
}

pub(crate) fn funded(member: u64, points: i64) -> [Command; 2] {
    let adjustment = Adjustment { points: Points::new(points), note: "by hand".into(), expires_at: None };
    let body = Body::Adjust { program: "points".into(), member: named(member), adjustment, reference: None };
    [sign_up(member), keyed(&format!("points of {member}"), body)]
}

fn refused(rejection: Rejection) -> Result<Reply, Failure> {
    Err(Failure::Rejected(rejection))
}

fn opened(shop: &Shop, members: u64) -> Store {
    let store = shop.opened("catalogue owe");
    (1..=members).for_each(|it| sent(&store, &funded(it, 100)));
    store
}

fn claimed(shop: &Shop, reward: &str) -> i64 {
    shop.reader().budgets(1).expect("it can be read").claimed(reward)
}

#[test]
fn of_all_who_want_the_last_pieces_as_many_have_one_as_there_are() {
    let shop = Shop::in_order();
    let store = opened(&shop, 7);
    let claims: Vec<Command> = (1..=7).map(|it| claim(&format!("mug of {it}"), it, "mug")).collect();
    let answers = together(&store, claims.clone());
    assert_eq!(answers.iter().filter(|it| matches!(it, Ok(Reply::Claim { .. }))).count(), 4);
    assert!(answers[4..].iter().all(|it| *it == refused(Rejection::RewardSoldOut)), "{answers:?}");
    assert_eq!(together(&store, claims), answers, "under their keys they are answered as the first time");
    assert_eq!(claimed(&shop, "mug"), 4);
    let Ok(Reply::Claim { claim: cancelled, balance, .. }) = send(&store, end(2, 1, true)) else { panic!("a claim") };
    assert_eq!((cancelled.state, balance.available), (ClaimState::Cancelled, Points::new(100)));
    assert!(send(&store, end(2, 1, true)).is_ok(), "again it changes nothing");
    assert_eq!(claimed(&shop, "mug"), 3);
    sent(&store, &[claim("another", 7, "mug")]);
    assert_eq!(send(&store, claim("one more", 6, "mug")), refused(Rejection::RewardSoldOut));
    assert_eq!(claimed(&shop, "mug"), 4);
    verified(&shop);
}

#[test]
fn what_waits_is_found_page_by_page_until_it_is_handed_over() {
    let shop = Shop::new();
    let store = opened(&shop, 3);
    sent(&store, &[claim("a", 2, "mug"), claim("b", 1, "concert"), claim("c", 3, "coupon"), claim("d", 3, "mug")]);
    let page = |after: Option<ClaimCursor>| {
        let found = shop.reader().claims_waiting(1, after, 2).expect("it can be read");
        let cursor = found.last().map(|it| ClaimCursor { at: it.claim.at, member: it.member, no: it.claim.no });
        (found.iter().map(|it| (it.member, it.claim.reward.to_string())).collect::<Vec<_>>(), cursor)
    };
    let mut all = Vec::new();
    let mut after = None;
    for _ in 0..2 {
        let (found, cursor) = page(after);
        all.extend(found);
        after = cursor;
    }
    all.sort();
    let mut expected = vec![(id_of(1), "concert".to_owned()), (id_of(2), "mug".into()), (id_of(3), "mug".into())];
    expected.sort();
    assert_eq!(all, expected, "a coupon waits for nobody");
    assert_eq!(page(after).0, []);
    sent(&store, &[end(2, 1, false), end(1, 1, true)]);
    assert_eq!(page(None).0, [(id_of(3), "mug".to_owned())]);
    let mine = shop.reader().claims_before(id_of(3), 1, None, 10).expect("it can be read");
    let told: Vec<_> = mine.iter().map(|it| &it.claim).map(|it| (it.no.0, &*it.reward, it.state)).collect();
    assert_eq!(told, [(2, "mug", ClaimState::Claimed), (1, "coupon", ClaimState::Fulfilled)]);
    assert_eq!(send(&store, end(2, 9, false)), refused(Rejection::UnknownClaim));
    assert_eq!(send(&store, end(1, 1, false)), refused(Rejection::ClaimCancelled));
    verified(&shop);
}

#[test]
fn the_catalogue_says_what_a_claim_is_answered() {
    let shop = Shop::new();
    let store = opened(&shop, 1);
    sent(&store, &[claim("a", 1, "concert"), claim("b", 1, "mug")]);
    let moment = Moment { now: Timestamp::from_micros(NEW_YEAR), actor: engine::Actor::Channel(1), import: false };
    let seen = |member: u64| {
        let offered = shop.reader().catalogue(&MemberRef::Id(id_of(member)), 1, moment).expect("a member");
        let told = offered.into_iter().map(|it| (it.reward.name.to_string(), it.left, it.refusal));
        told.collect::<Vec<_>>()
    };
    let once = Rejection::RewardLimit { per: "life", most: 1 };
    let expected = [
        ("mug".to_owned(), Some(3), None),
        ("coupon".into(), None, None),
        ("concert".into(), None, Some(once.clone())),
    ];
    assert_eq!(seen(1), expected);
    assert_eq!(send(&store, claim("c", 1, "concert")), refused(once));
    sent(&store, &[sign_up(2)]);
    let nothing = || Some(Rejection::InsufficientPoints { spendable: Points::ZERO });
    assert_eq!(seen(2).into_iter().map(|it| it.2).collect::<Vec<_>>(), [nothing(), nothing(), nothing()]);
    assert_eq!(send(&store, claim("d", 1, "yacht")), refused(Rejection::UnknownReward));
}

#[test]
fn a_coupon_is_a_certificate_and_goes_with_its_claim() {
    let shop = Shop::new();
    let store = opened(&shop, 1);
    let worth = || {
        let all = shop.reader().certificates(id_of(1), Timestamp::from_micros(NEW_YEAR)).expect("they can be read");
        all.iter().map(|it| it.lot.available.get()).collect::<Vec<_>>()
    };
    sent(&store, &[claim("a", 1, "coupon"), claim("b", 1, "coupon")]);
    assert_eq!(worth(), [500, 500]);
    verified(&shop);
    let Ok(Reply::Claim { claim: cancelled, balance, .. }) = send(&store, end(1, 1, true)) else { panic!("a claim") };
    assert_eq!((cancelled.state, balance.available), (ClaimState::Cancelled, Points::new(80)));
    assert_eq!((worth(), claimed(&shop, "coupon")), (vec![0, 500], 1));
    verified(&shop);
}

#[test]
fn verify_names_a_claim_or_a_stock_that_was_tampered_with() {
    for (change, expected) in [
        (
            "UPDATE counters SET value = 3 WHERE kind = 2",
            "of the reward of \"mug\" in program 1 3 are stored as used, the entries use 1",
        ),
        ("DELETE FROM counters WHERE kind = 2", "0 are stored as used, the entries use 1"),
        ("DELETE FROM ledger WHERE part = 9", "the rewards that were claimed are not those that the entries say"),
        ("UPDATE ledger SET phase = 1 WHERE part = 9", "a claim stands in the wrong place"),
        ("UPDATE ledger SET sort_at = sort_at + 1 WHERE part = 9", "a claim stands in the wrong place"),
        (
            "UPDATE ledger SET earned_at = 1 WHERE part = 9",
            "the rewards that were claimed are not those that the entries say",
        ),
    ] {
        let shop = Shop::new();
        sent(&opened(&shop, 1), &[claim("a", 1, "mug")]);
        assert_eq!(crate::place::change(&shop, change), 1, "{change}");
        let difference = shop.reader().verify(&mut |_| {}).expect("it can be read").difference.unwrap_or_default();
        assert!(difference.contains(expected), "{change}: {difference}");
    }
}
