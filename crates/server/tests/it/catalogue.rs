//! The rewards catalogue (C9): its keys in program documents, how it is told, and how claims and refusals are read aloud.

use std::sync::Arc;

use engine::{Account, Actor, ClaimNo, Moment, Points, Purse, Rejection, Rules, Timeline, Timestamp, Version, Wallet};
use server::program::compile;
use server::words::{Names, Voice, entry_in_words, rejection_in_words, reward_in_words};

use crate::document;
use crate::faults::check_key;
use crate::plain::check;

const TIERS: &str = r#""tiers": {"by": "points", "levels": [{"name": "Silver", "from": 500}]}"#;
const TEXT: &str = "1 to 120 bytes of text without control characters, no blank at its ends";

/// What stands in a document, the path of its fault, what is wrong and what is allowed.
const WRONG_VALUES: &[(&str, &str, &str, &str)] = &[
    (
        r#""catalogue": {}"#,
        "catalogue",
        "an object cannot stand here",
        "a list of objects such as {\"name\": \"Mug\", \"points\": 500}",
    ),
    (r#""catalogue": [{"points": 5}]"#, "catalogue[0].name", "the key is missing", TEXT),
    (
        r#""catalogue": [{"name": "Mug"}]"#,
        "catalogue[0].points",
        "the key is missing",
        "a whole number from 1 to 1000000000",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 0}]"#,
        "catalogue[0].points",
        "0 is too few",
        "a whole number from 1 to 1000000000",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1}, {"name": "Mug", "points": 2}]"#,
        "catalogue[1].name",
        "\"Mug\" is the name of another reward",
        "a name of its own",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "product": "A", "coupon": {"value": "5.00"}}]"#,
        "catalogue[0].coupon",
        "a reward is one or the other",
        "the key left out beside product",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": "5.00"}]"#,
        "catalogue[0].coupon",
        "\"5.00\" cannot stand here",
        "an object such as {\"value\": \"10.00\"}, or left out",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"value": "0.00"}}]"#,
        "catalogue[0].coupon.value",
        "\"0.00\" is too little",
        "\"0.01\" to \"100000000000.00\"",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"value": "5.00", "validity": {"days": 0}}}]"#,
        "catalogue[0].coupon.validity.days",
        "0 is too few",
        "a whole number from 1 to 36500",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"value": "5.00", "uses": "twice"}}]"#,
        "catalogue[0].coupon.uses",
        "\"twice\" is not known",
        "\"several\" or \"once\"",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {}}]"#,
        "catalogue[0].coupon.value",
        "the key is missing",
        "a decimal amount in quotes such as \"30.98\"",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"value": "5.00", "share": "10%"}}]"#,
        "catalogue[0].coupon.share",
        "a coupon is one or the other",
        "the key left out beside value",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"value": "5.00", "max_value": "10.00"}}]"#,
        "catalogue[0].coupon.max_value",
        "only a share has a most",
        "the key left out without share",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"share": "10%"}}]"#,
        "catalogue[0].coupon.max_value",
        "the key is missing",
        "a decimal amount in quotes such as \"30.98\"",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"share": "0%", "max_value": "10.00"}}]"#,
        "catalogue[0].coupon.share",
        "\"0%\" is no such share",
        "a share in quotes such as \"50%\", \"0.01%\" to \"100%\"",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"share": "100.01%", "max_value": "10.00"}}]"#,
        "catalogue[0].coupon.share",
        "\"100.01%\" is no such share",
        "a share in quotes such as \"50%\", \"0.01%\" to \"100%\"",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"share": "10%", "max_value": "0.00"}}]"#,
        "catalogue[0].coupon.max_value",
        "\"0.00\" is too little",
        "\"0.01\" to \"100000000000.00\"",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "coupon": {"share": "10%", "max_value": "9.00", "uses": "several"}}]"#,
        "catalogue[0].coupon.uses",
        "a share is for one order",
        "\"once\", or the key left out",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "stock": -1}]"#,
        "catalogue[0].stock",
        "-1 is too few",
        "a whole number from 0 to 1000000000",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "per_day": 0}]"#,
        "catalogue[0].per_day",
        "0 is too few",
        "a whole number from 1 to 1000000",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "from": "2026-02-02", "until": "2026-02-01"}]"#,
        "catalogue[0].until",
        "2026-02-01 is before 2026-02-02",
        "2026-02-02 or a later day",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "tiers": ["Gold"]}]"#,
        "catalogue[0].tiers[0]",
        "no tier is called \"Gold\"",
        "the name of one of tiers.levels",
    ),
    (
        r#""catalogue": [{"name": "Mug", "points": 1, "tiers": "Gold"}]"#,
        "catalogue[0].tiers",
        "\"Gold\" cannot stand here",
        "a list of texts, each of 1 to 120 bytes without control characters",
    ),
];

#[test]
fn each_wrong_value_is_named() {
    for (more, path, what, allowed) in WRONG_VALUES {
        check_key(more, &format!("{path}: {what}; allowed is {allowed}"));
    }
}

#[test]
fn rewards_are_told_with_a_claim_that_is_worked_out() {
    check(
        r#""catalogue": [{"name": "Mug", "points": 500, "product": "SKU-77", "stock": 20},
            {"name": "10 off", "points": 250, "coupon": {"value": "10.00", "uses": "once", "validity": {"days": 90}}, "per_month": 1},
            {"name": "Tenth", "points": 300, "coupon": {"share": "12.5%", "max_value": "20.00"}}]"#,
        &[
            "The reward \"Mug\" costs 500 points: staff hand over the product SKU-77. There are 20 in all.",
            "The reward \"10 off\" costs 250 points: the member has a certificate worth 10.00 at once, for one order, for 90 \
             days. One member can have it once a month.",
            "The reward \"Tenth\" costs 300 points: the member has a certificate that pays 12.5%, at most 20.00, at once, for one \
             order.",
            "A member with 750 points who claims \"Mug\" has 250 points left; if staff cancel the claim, 750 points are there \
             again, and so is the piece. A claim is no part of an order: when too few points are left to be taken back, what \
             waits to be handed over stays claimed, and is not handed over before nothing is owed; of coupons, unused ones are \
             taken first, latest first.",
        ],
    );
    let tiered = format!(
        r#"{TIERS}, "catalogue": [{{"name": "Dinner", "points": 3, "tiers": ["Silver"], "from": "2026-02-01", "until": "2026-02-14",
            "per_day": 1, "per_life": 2}}]"#
    );
    check(
        &tiered,
        &[
            "The reward \"Dinner\" costs 3 points: staff hand it over. It can be claimed from 1 February 2026 until 14 February \
           2026; it is for members of the tier Silver; one member can have it once a day and 2 times in all.",
        ],
    );
}

const CATALOGUE: &str = r#""catalogue": [{"name": "Mug", "points": 500},
    {"name": "10 off", "points": 250, "coupon": {"value": "10.00"}},
    {"name": "Tenth", "points": 50, "coupon": {"share": "10%", "max_value": "20.00"}}]"#;

#[test]
fn claims_are_told_as_a_cashier_reads_them_aloud() {
    let terms = compile(&document(CATALOGUE)).expect("it can be read");
    let version = Version { number: 1, effective_at: Timestamp::START, terms: terms.clone() };
    let timeline = Timeline::new(vec![version], Vec::new());
    let names = Names::default();
    let voice = Voice { terms: &terms, names: &names };
    let mut account = Account::default();
    account.purse = Some(Arc::new(Purse { program: 1, credit: Account::default() }));
    account.wallet = Some(Arc::new(Wallet { program: 1, ledger: Account::default() }));
    let now = Timestamp::parse("2022-04-01T13:21:00-04:00").expect("a time");
    let moment = Moment { now, actor: Actor::Staff(0), import: false };
    let rules = Rules::of(&timeline);
    let adjustment = engine::Adjustment { points: Points::new(900), note: "welcome".into(), expires_at: None };
    let mut said = Vec::new();
    for step in 0..7 {
        let note = "at the till";
        let decided = match step {
            0 => engine::adjust(&account, rules, &adjustment, moment),
            1 => engine::claim_reward(&account, rules, "Mug", moment),
            2 => engine::claim_reward(&account, rules, "10 off", moment),
            3 => engine::fulfil_claim(&account, rules, ClaimNo(1), note, moment),
            4 => engine::cancel_claim(&account, rules, ClaimNo(1), note, moment),
            5 => engine::claim_reward(&account, rules, "Tenth", moment),
            _ => engine::cancel_claim(&account, rules, ClaimNo(2), note, moment),
        };
        let decided = decided.expect("it is accepted");
        account.apply(&decided);
        let lots = |no| account.lot(no).map(|it| it.at);
        said.extend(decided.entries.iter().map(|it| entry_in_words(it, None, &lots, &voice)));
    }
    assert_eq!(
        said[1..],
        [
            "\"Mug\" claimed (claim 1) for 500 points (earned 1 April 2022): it waits to be handed over",
            "\"10 off\" claimed (claim 2): 250 points (earned 1 April 2022) became certificate 1, worth 10.00",
            "\"Mug\" handed over (claim 1): at the till",
            "Claim 1 of \"Mug\" cancelled by staff, 500 points returned (earned 1 April 2022): at the till",
            "\"Tenth\" claimed (claim 3): 50 points (earned 1 April 2022) became certificate 2, worth 10% of one order, at \
             most 20.00",
            "Claim 2 of \"10 off\" cancelled by staff, 250 points returned (earned 1 April 2022): at the till",
        ]
    );
}

#[test]
fn each_refusal_is_a_sentence() {
    let terms = compile(&document(CATALOGUE)).expect("it can be read");
    let names = Names::default();
    let voice = Voice { terms: &terms, names: &names };
    let day = engine::Date::new(2026, 2, 1).expect("a day");
    for (rejection, sentence) in [
        (Rejection::UnknownReward, "The catalogue has no reward of that name."),
        (Rejection::RewardNotYet { from: day }, "The reward can be claimed from 1 February 2026 on."),
        (Rejection::RewardOver { until: day }, "The reward could be claimed until 1 February 2026."),
        (Rejection::RewardTier, "The reward is for members of another tier."),
        (Rejection::RewardSoldOut, "Nothing is left of the reward."),
        (
            Rejection::RewardLimit { per: "month", most: 1 },
            "A member can have the reward once a month, and has had it as often already.",
        ),
        (
            Rejection::RewardLimit { per: "life", most: 2 },
            "A member can have the reward 2 times only, and has had it as often already.",
        ),
        (Rejection::UnknownClaim, "The member has no such claim."),
        (Rejection::ClaimCancelled, "The claim was cancelled: nothing is handed over."),
        (
            Rejection::PointsOwed { owed: Points::new(20) },
            "The member owes 20 points: nothing is handed over before they are paid.",
        ),
    ] {
        assert_eq!(rejection_in_words(&rejection, &voice), sentence);
    }
    let missing = Rejection::InsufficientPoints { spendable: Points::new(480) };
    assert_eq!(
        reward_in_words(&terms.catalogue[0], &missing, &voice),
        "20 points are missing: it costs 500 points, and 480 points can be spent."
    );
    assert_eq!(reward_in_words(&terms.catalogue[0], &Rejection::ProgramOff, &voice), "The program is off.");
}
