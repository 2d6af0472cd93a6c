//! What `guerdon program check` says. The figures are the engine's; these tests hold them against ours.

use std::fs;

use server::program::{parse, plain_words};

use crate::{document, read, root};

/// The sentences of the documents that come with the project, as people see them; `./dev accept` takes what is said now.
#[test]
fn the_examples_are_told_in_full() {
    for name in [
        "sample",
        "steps",
        "waiting",
        "rates",
        "promotions",
        "nexternal",
        "nextar",
        "cloudblue",
        "easystore",
        "coresense",
    ] {
        let program = parse(&read(&format!("demo/programs/{name}.json"))).expect("an example can be read");
        let said = plain_words(&program).expect("a document that was read can be told").join("\n") + "\n";
        let path = format!("crates/server/tests/it/plain/{name}.txt");
        if std::env::var_os("GUERDON_ACCEPT").is_some() {
            fs::write(root().join(&path), &said).expect("the folder of the tests can be written");
        }
        assert_eq!(said, read(&path), "{path}: if this is right, run `./dev accept` and read the difference");
    }
}

/// Every sentence is said, word for word.
#[track_caller]
pub(crate) fn check(more: &str, sentences: &[&str]) {
    let said = plain_words(&parse(&document(more)).unwrap()).unwrap();
    for sentence in sentences {
        assert!(said.iter().any(|it| it == sentence), "not said: {sentence}\n{said:#?}");
    }
}

#[test]
fn earning_is_told_with_worked_amounts() {
    check(
        "",
        &[
            "Shop: amounts in USD (United States dollar), days as in America/New_York.",
            "An order earns 1 point per 1.00, rounded down once per order.",
            "A member who pays 0.99 earns 0 points.",
            "A member who pays 1.00 earns 1 point.",
            "A member who pays 9.99 earns 9 points.",
            "A member who pays 30.98 earns 30 points.",
        ],
    );
    check(r#""earn": {"points": 100}"#, &["A member who pays 30.98 earns 3,098 points."]);
    // Not what a promotion would add on the day of the example, or to a first order.
    check(
        r#""promotions": [{"name": "Happy Friday", "times": "2", "weekdays": ["friday"]}, {"name": "Welcome", "points": 100, "first_order": true}]"#,
        &["A member who pays 0.99 earns 0 points.", "A member who pays 30.98 earns 30 points."],
    );
    check(
        r#""earn": {"points": 100, "per": "10.00", "mode": "steps"}"#,
        &[
            "An order earns 100 points for each full 10.00; less than that does not count.",
            "A member who pays 9.99 earns 0 points.",
            "A member who pays 10.00 earns 100 points.",
            "A member who pays 30.98 earns 300 points.",
        ],
    );
    check(
        r#""earn": {"per": "50.00", "mode": "steps_carried"}"#,
        &[
            "An order earns 1 point for each full 50.00; what is left of it counts with the next orders.",
            "A member who pays 30.00 and then 20.00 earns 0 points, and then 1 point.",
        ],
    );
    check(r#""earn": {"points": 0}"#, &["Orders earn nothing.", "A member who pays 30.98 earns 0 points."]);
}

#[test]
fn caps_are_told_with_an_order_that_reaches_them() {
    check(
        r#""earn": {"caps": {"order": 60, "day": 100, "month": 500, "year": 1000}}"#,
        &[
            "An order earns at most 60 points: one of 91.00 earns 60 points.",
            "The orders that a member places on one day earn at most 100 points together: orders of 61.00 earn 60 points, then 40 \
             points.",
            "The orders that a member places in one month earn at most 500 points together.",
            "The orders that a member places in one year earn at most 1,000 points together.",
        ],
    );
}

#[test]
fn tiers_are_told_with_what_they_give() {
    check(
        r#""tiers": {"by": "points", "within": "year", "keep": "next_year", "downgrade": "one_step", "grace_days": 30,
            "levels": [{"name": "Silver", "from": 500, "times": "1.5"}, {"name": "Gold", "from": 1000,
                "earn": {"points": 2, "per": "1.00"}, "redeem": {"points": 100, "value": "2.00"}}]}"#,
        &[
            "Tier Silver is reached by 500 points earned in a calendar year; its members earn 1.5 times as many points; an \
             order of 100.00 then earns 150 points.",
            "Tier Gold is reached by 1,000 points earned in a calendar year; an order of 100.00 then earns 200 points; 100 \
             points then pay 2.00.",
            "The points that an order earns count, on the day on which it was placed. Spending points lowers nothing, and \
             points that return raise nothing; a refund lowers the day of its order. An order does not count for its own tier.",
            "A tier stays to the end of the year after that in which it was reached and for 30 days of grace; then it falls \
             by one step, unless more is reached.",
        ],
    );
}

#[test]
fn what_earns_and_when_is_told() {
    let order = "of goods for 100.00 less a coupon of 15.00, plus 8.00 tax and 5.00 shipping";
    for (more, rule, counts) in [
        ("", "Goods earn after all discounts; tax and shipping do not", "85.00"),
        (
            r#""earn": {"include_tax": true}"#,
            "Goods earn after all discounts and with their tax; shipping does not",
            "93.00",
        ),
        (r#""earn": {"include_shipping": true}"#, "Goods after all discounts and shipping earn; tax does not", "90.00"),
        (
            r#""earn": {"include_tax": true, "include_shipping": true}"#,
            "Goods earn after all discounts and with their tax, and so does shipping",
            "98.00",
        ),
    ] {
        check(more, &[&format!("{rule}: {order}, {counts} counts.")]);
    }
    check(r#""earn": {"on": "placed"}"#, &["Points are granted when the order is placed."]);
    check(
        r#""earn": {"on": "paid"}"#,
        &["Points are granted when the order is paid; an order of 100.00 that is only placed has earned 0 points."],
    );
    check(
        r#""earn": {"on": "fulfilled"}"#,
        &["Points are granted when the order is fulfilled; an order of 100.00 that is paid but not fulfilled has \
           earned 0 points."],
    );
}

#[test]
fn the_last_day_is_told_with_a_worked_date() {
    check("", &["Points never expire."]);
    check(
        r#""validity": {"months": 6}, "grace_days": 1"#,
        &[
            "Points earned on 1 April 2022 can be spent until the end of 1 October 2022.",
            "Points that come back after they have expired can be spent for 1 more day, once.",
        ],
    );
    check(
        r#""validity": {"days": 30}, "grace_days": 0"#,
        &[
            "Points earned on 1 April 2022 can be spent until the end of 1 May 2022.",
            "Points that come back after they have expired are gone.",
        ],
    );
    check(
        r#""validity": {"until": "2027-12-31"}"#,
        &["Points earned on 31 December 2027 can be spent until the end of 31 December 2027."],
    );
    check(
        r#""earn": {"waiting_days": 14}, "validity": {"months": 1}"#,
        &[
            "Points wait 14 days before they can be spent.",
            "Points earned on 1 April 2022 at 13:21 can be spent from 15 April 2022 at 13:21 on.",
            "Points earned on 1 April 2022 can be spent until the end of 15 May 2022.",
        ],
    );
}

#[test]
fn redeeming_is_told_with_its_minimum_and_holds() {
    check(
        r#""redeem": {"points": 250, "value": "25.00"}"#,
        &[
            "250 points pay 25.00.",
            "To pay 10.00 takes 100 points; fractions are rounded up.",
            "An order of 100.00 that redeems 250 points is left with 75.00 to pay, and earns 75 points.",
            "There is no minimum: 1 point can be redeemed.",
            "A checkout can hold points so that nobody else spends them: from 13:21 until 13:36.",
        ],
    );
    check(
        r#""redeem": {"min_points": 500, "hold_minutes": 60}"#,
        &[
            "Who asks to redeem 499 points is told: That is too few: at least 500 points are redeemed at once.",
            "A checkout can hold points so that nobody else spends them: from 13:21 until 14:21.",
        ],
    );
    check(
        r#""redeem": {"min_value": "5.00"}"#,
        &["Who asks to redeem 499 points is told: That is too few: at least 500 points are redeemed at once, and at \
           least 5.00."],
    );
}

#[test]
fn refunds_are_told_under_every_policy() {
    check("", &["If 40.00 of an order of 100.00 come back, 60 points remain."]);
    let order = "If an order of 100.00 earned 100 points, 60 of them are spent and all of it comes back,";
    for (policy, what) in [
        ("owe", "40 are taken back and 60 are owed; the next that can be spent pay them."),
        ("take_what_is_there", "40 are taken back and 60 are let go for good."),
        ("all_or_nothing", "0 are taken back and 100 are let go for good."),
    ] {
        check(&format!(r#""refund": {{"shortfall": "{policy}"}}"#), &[&format!("{order} {what}")]);
    }
    let rate = r#""points": 250, "value": "25.00""#;
    let part = "of an order of 100.00 come back that redeemed 250 points,";
    check(
        &format!(r#""redeem": {{{rate}}}"#),
        &[
            "What was paid with points stays paid until the rest of the order no longer covers it.",
            &format!("If 40.00 {part} 0 of them return and 25.00 is still paid with them."),
            &format!("If 90.00 {part} 150 of them return and 10.00 is still paid with them."),
        ],
    );
    check(
        &format!(r#""redeem": {{{rate}, "on_refund": "in_proportion"}}"#),
        &[
            "What was paid with points comes back in proportion.",
            &format!("If 40.00 {part} 100 of them return and 15.00 is still paid with them."),
            &format!("If 90.00 {part} 225 of them return and 2.50 is still paid with them."),
        ],
    );
}

#[test]
fn the_off_switch_and_pinned_terms_are_told() {
    check(
        "",
        &[
            "The program can be switched off and on. An order of 100.00 placed while it is off earns 0 points, then or \
             later, and redeems nothing; refunds still give and take back, and expiry goes on.",
            "An order keeps the terms of the time when it was placed, whatever changes later.",
        ],
    );
}

#[test]
fn the_shops_own_word_is_used() {
    let said = plain_words(&parse(&document(r#""points": {"one": "Star", "many": "Stars"}"#)).unwrap()).unwrap();
    assert!(said.iter().any(|it| it == "A member who pays 1.00 earns 1 Star."), "{said:#?}");
    assert!(!said.iter().any(|it| it.to_lowercase().contains("point")), "{said:#?}");
}

#[test]
fn the_limits_of_redeeming_are_told_as_refusals() {
    check(
        r#""redeem": {"step": 50, "max_points": 2000, "max_share": "12.5%", "min_balance": 1000}"#,
        &[
            "Who asks to redeem 49 points is told: That is between two steps: 50 points at a time are redeemed.",
            "Who asks to redeem 2,050 points is told: That is more than one order redeems: at most 2,000 points.",
            "Points pay at most 12.5% of an order.",
            "On an order of 100.00: Who asks to redeem 2,000 points is told: That is more than the 12.5% of an order that \
             points pay: at most 1,250 points.",
            "Without points it is told: Nothing can be redeemed before 1,000 points can be spent: now it is 0 points.",
            "An order of 9.00 that redeems 100 points is left with 8.00 to pay, and earns 8 points.",
        ],
    );
    check(r#""redeem": {"pays_shipping": true}"#, &["Points pay for shipping, too."]);
    check(r#""redeem": {"pays_shipping": true, "pays_tax": true}"#, &["Points pay for shipping and added tax, too."]);
    check(
        r#""redeem": {"with_discounts": "instead"}"#,
        &["Points come instead of discounts: an order with a discount or a coupon takes none."],
    );
}
