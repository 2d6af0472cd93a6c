//! What an order's entries and answers say, from the first sale to the last refund.

use engine::{Document, HoldNo, Line, Money, Points};

use crate::words::{check, shop};

#[test]
fn an_order_earns() {
    let mut shop = shop("");
    check(
        &shop.put(1, shop.sale(3098)),
        &[
            "Order 1001: 30 points earned (1 point per 1.00 on 30.98, rounded down)",
            "Order 1001: earns 30 points (1 point per 1.00 on 30.98, rounded down). Balance: 30 points.",
        ],
    );
    check(
        &shop.put(1, shop.sale(3098)),
        &[
            "This was received before: nothing changed. Order 1001: earns 30 points (1 point per 1.00 on 30.98, rounded \
           down). Balance: 30 points.",
        ],
    );
}

#[test]
fn an_order_in_steps_says_how_many_count() {
    let mut shop = shop(r#""earn": {"points": 100, "per": "10.00", "mode": "steps"}"#);
    let said = shop.put(1, shop.sale(2500));
    assert_eq!(said[0], "Order 1001: 200 points earned (100 points for each full 10.00 of 25.00)");
}

#[test]
fn an_order_says_what_earned_at_which_rate() {
    let mut shop = shop(
        r#""earn": {"rates": [{"category": "tea", "points": 5, "per": "1.00"}, {"product": "mug", "points_each": 50}],
            "exclude": {"products": ["stamps"]}},
           "promotions": [{"name": "Double tea", "times": "2", "categories": ["tea"]},
            {"name": "Welcome", "points": 100, "first_order": true}]"#,
    );
    let line = |product: &str, category: Option<&str>, amount: i64| Line {
        id: product.to_owned(),
        product: Some(product.to_owned()),
        category: category.map(str::to_owned),
        ..shop.sale(amount).lines[0].clone()
    };
    let lines = vec![
        line("green", Some("tea"), 1_001),
        Line { quantity: 2, ..line("mug", None, 1_600) },
        line("cup", None, 150),
        line("stamps", None, 5_000),
    ];
    let mut sale = Document { lines, ..shop.sale(0) };
    check(
        &shop.put(1, sale.clone()),
        &[
            "Order 1001: 301 points earned (5 points per 1.00 on 10.01 of category tea and 50 points for each of 2 units of \
             product mug and 1 point per 1.00 on 1.50, 2 times on 10.01 by “Double tea”, rounded down, 100 points more by \
             “Welcome”; 50.00 is excluded and earns nothing)",
            "Order 1001: earns 301 points (5 points per 1.00 on 10.01 of category tea and 50 points for each of 2 units of \
             product mug and 1 point per 1.00 on 1.50, 2 times on 10.01 by “Double tea”, rounded down, 100 points more by \
             “Welcome”; 50.00 is excluded and earns nothing). Balance: 301 points.",
        ],
    );
    sale.lines.truncate(1);
    let said = shop.put(1, sale);
    assert_eq!(
        said[0],
        "Order 1001: 101 points taken back (earned 1 April 2022): it now calls for 200 (5 points per 1.00 on 10.01 of category tea, 2 times on \
         10.01 by “Double tea”, rounded down, 100 points more by “Welcome”), it had earned 301"
    );
}

#[test]
fn an_order_names_the_tier_whose_rate_it_has() {
    let tiers = r#""tiers": {"by": "points", "within": "lifetime", "levels": [
        {"name": "Silver", "from": 100, "redeem": {"points": 100, "value": "2.00"}},
        {"name": "Gold", "from": 150, "earn": {"points": 3, "per": "2.00"}},
        {"name": "Platinum", "from": 300, "earn": {"points": 3, "per": "1.00"}, "times": "1.5"}]}"#;
    let earn = |more: &str, sales: &[i64]| {
        let mut shop = shop(&format!("{tiers}{more}"));
        let mut said = Vec::new();
        for (no, sale) in (1..).zip(sales) {
            said = shop.put(no, shop.sale(*sale));
        }
        said
    };
    let first = |more: &str, sales: &[i64]| earn(more, sales).remove(0);
    // A tier that changes nothing of what is earned is not named.
    assert_eq!(first("", &[10_000, 1_050]), "Order 1002: 10 points earned (1 point per 1.00 on 10.50, rounded down)");
    check(
        &earn("", &[15_000, 1_050]),
        &[
            "Order 1002: 15 points earned (3 points per 2.00 on 10.50 for tier Gold, rounded down)",
            "Order 1002: earns 15 points (3 points per 2.00 on 10.50 for tier Gold, rounded down). Balance: 165 points.",
        ],
    );
    assert_eq!(
        first("", &[30_000, 1_050]),
        "Order 1002: 47 points earned (3 points per 1.00 on 10.50 for tier Platinum, 1.5 times for tier Platinum, rounded \
         down)"
    );
    let excluding = r#", "earn": {"exclude": {"products": ["stamps"]}}"#;
    assert_eq!(
        first(excluding, &[15_000, 1_000]),
        "Order 1002: 15 points earned (3 points per 2.00 on 10.00 for tier Gold)"
    );
    let steps = r#", "earn": {"mode": "steps_carried", "per": "1.00"}"#;
    assert_eq!(
        first(steps, &[15_050, 500]),
        "Order 1002: 6 points earned (3 points for each full 2.00 of 5.00 for tier Gold); 1.00 is carried to the next order"
    );
}

#[test]
fn a_redemption_names_the_tier_whose_rate_it_has() {
    let mut shop = shop(
        r#""tiers": {"by": "points", "within": "lifetime", "levels": [
            {"name": "Gold", "from": 100, "redeem": {"points": 100, "value": "2.00"}}]}"#,
    );
    shop.put(1, shop.sale(10_000));
    let asking = |points, sale| Document { redeem: Some(Points::new(points)), ..sale };
    let said = shop.put(2, asking(50, shop.sale(5_000)));
    assert_eq!(said[1], "Order 1002: 50 points redeemed (earned 1 April 2022), worth 1.00 for tier Gold");
    let answer = said.last().expect("an answer");
    assert!(answer.contains("Redeemed: 50 points (earned 1 April 2022), worth 1.00 for tier Gold."), "{answer}");
    let said = shop.put(2, asking(20, shop.sale(5_000)));
    assert_eq!(said[0], "Order 1002: 30 points returned (earned 1 April 2022): 20 points now pay 0.40 for tier Gold");
    // An order of before has the rate of the program.
    let said = shop.put(1, asking(10, shop.sale(10_000)));
    assert_eq!(said[1], "Order 1001: 10 points redeemed (earned 1 April 2022), worth 0.10");
}

#[test]
fn an_order_that_a_cap_cuts_says_which() {
    let mut shop = shop(r#""earn": {"caps": {"order": 80, "day": 100}}"#);
    check(
        &shop.put(1, shop.sale(9_050)),
        &[
            "Order 1001: 80 points earned (1 point per 1.00 on 90.50, rounded down, which makes 90, but one order earns at \
             most 80 points)",
            "Order 1001: earns 80 points (1 point per 1.00 on 90.50, rounded down, which makes 90, but one order earns at \
             most 80 points). Balance: 80 points.",
        ],
    );
    let said = shop.put(2, shop.sale(3_000));
    assert_eq!(
        said[0],
        "Order 1002: 20 points earned (1 point per 1.00 on 30.00, which makes 30, but the orders of a day earn at most \
         100 points together)"
    );
    let said = shop.put(3, shop.sale(1_000));
    assert_eq!(
        said[0],
        "Order 1003: nothing more earned: 0 points is what it has (1 point per 1.00 on 10.00, which makes 10, but the \
         orders of a day earn at most 100 points together, which others have earned already)"
    );
}

#[test]
fn what_a_cap_leaves_is_said_before_what_earns_nothing() {
    let mut shop = shop(r#""earn": {"exclude": {"products": ["stamps"]}, "caps": {"order": 20}}"#);
    let sale = shop.sale(900);
    let stamps = Line { id: "stamps".to_owned(), product: Some("stamps".to_owned()), ..sale.lines[0].clone() };
    let lines = vec![Line { amount: Money::new(3_000), ..sale.lines[0].clone() }, stamps];
    let said = shop.put(1, Document { lines, ..sale });
    assert_eq!(
        said[0],
        "Order 1001: 20 points earned (1 point per 1.00 on 30.00, which makes 30, but one order earns at most 20 points; \
         9.00 is excluded and earns nothing)"
    );
}

#[test]
fn a_return_that_a_cap_cuts_says_which() {
    let mut shop = shop(r#""earn": {"caps": {"day": 60}}"#);
    let back = Document { is_return: true, ..shop.sale(8_000) };
    check(
        &shop.put(1, back),
        &[
            "Order 1001: nothing taken back: what came back without its order would earn that (1 point per 1.00 on 80.00, \
             which makes 80, but the orders of a day earn at most 60 points together); 60 points could not be taken \
             back: owed",
            "Return 1001: takes back 60 points (1 point per 1.00 on 80.00, which makes 80, but the orders of a day earn at \
             most 60 points together). 60 points could not be taken back: owed. Balance: 0 points, 60 owed.",
        ],
    );
}

#[test]
fn an_order_that_waits_says_for_what() {
    let mut shop = shop("");
    let placed = Document { paid_at: None, ..shop.sale(1000) };
    check(
        &shop.put(1, placed),
        &["Order 1001: earns nothing yet: once it is paid it earns 10 points (1 point per 1.00 on 10.00). Balance: 0 \
           points."],
    );
}

#[test]
fn points_that_wait_say_until_when() {
    let mut shop = shop(r#""earn": {"waiting_days": 14}, "validity": {"months": 1}"#);
    let sale = shop.sale(3000);
    check(
        &shop.put(1, sale),
        &[
            "Order 1001: 30 points earned (1 point per 1.00 on 30.00); can be spent from 15 April 2022",
            "Order 1001: earns 30 points (1 point per 1.00 on 30.00). Balance: 0 points, 30 waiting.",
        ],
    );
    check(
        &shop.wait_until("2022-04-15T17:21:00Z"),
        &["30 points can be spent: the waiting period is over (earned 1 April 2022)"],
    );
    check(&shop.wait_until("2022-05-16T04:00:00Z"), &["30 points expired (earned 1 April 2022)"]);
}

#[test]
fn a_refund_says_what_it_takes_back_and_why() {
    let mut shop = shop("");
    let sale = shop.sale(10_000);
    shop.put(1, sale.clone());
    let refunded = Document { refunded: Money::new(4000), ..sale.clone() };
    check(
        &shop.put(1, refunded),
        &[
            "Order 1001: 40 points taken back (earned 1 April 2022): it now calls for 60 (1 point per 1.00 on 60.00), it had earned 100",
            "Order 1001: earns 60 points (1 point per 1.00 on 60.00). Balance: 60 points.",
        ],
    );
    check(
        &shop.put(1, sale.clone()),
        &[
            "Order 1001: 40 points given back: it now calls for 100 (1 point per 1.00 on 100.00), it had earned 60",
            "Order 1001: earns 100 points (1 point per 1.00 on 100.00). Balance: 100 points.",
        ],
    );
    let cancelled = Document { cancelled_at: Some(shop.now), ..sale };
    check(
        &shop.put(1, cancelled),
        &[
            "Order 1001: 100 points taken back (earned 1 April 2022): it was cancelled, it had earned 100",
            "Order 1001: is cancelled and earns nothing. Balance: 0 points.",
        ],
    );
}

#[test]
fn a_refund_that_finds_too_few_points_says_what_becomes_of_the_rest() {
    for (policy, taken, rest, balance) in [
        ("owe", "5 points taken back (earned 1 April 2022)", "owed", "0 points, 5 owed"),
        ("take_what_is_there", "5 points taken back (earned 1 April 2022)", "let go", "0 points"),
        ("all_or_nothing", "nothing taken back", "let go", "5 points"),
    ] {
        let mut shop = shop(&format!(r#""refund": {{"shortfall": "{policy}"}}"#));
        let sale = shop.sale(1000);
        shop.put(1, sale.clone());
        shop.adjust(-5, "spent elsewhere");
        let missing = if policy == "all_or_nothing" { 10 } else { 5 };
        let cancelled = Document { cancelled_at: Some(shop.now), ..sale };
        check(
            &shop.put(1, cancelled),
            &[
                &format!(
                    "Order 1001: {taken}: it was cancelled, it had earned 10; {missing} points could not be taken \
                     back: {rest}"
                ),
                &format!(
                    "Order 1001: is cancelled and earns nothing. {missing} points could not be taken back: {rest}. \
                     Balance: {balance}."
                ),
            ],
        );
    }
}

#[test]
fn what_is_owed_is_paid_and_can_be_given_back() {
    let mut shop = shop("");
    let sale = shop.sale(1000);
    shop.put(1, sale.clone());
    shop.adjust(-6, "spent elsewhere");
    shop.put(1, Document { refunded: Money::new(1000), ..sale.clone() });
    check(
        &shop.adjust(2, "a gift"),
        &["2 points added by staff: a gift", "2 points paid what was owed (earned 1 April 2022)"],
    );
    let said = shop.put(1, sale);
    assert_eq!(
        said[0],
        "Order 1001: 10 points given back: it now calls for 10 (1 point per 1.00 on 10.00), it had earned 0; 4 of them \
         settle what was owed for it"
    );
}

#[test]
fn an_order_that_grows_says_what_is_new() {
    let mut shop = shop("");
    let sale = shop.sale(10_000);
    shop.put(1, sale);
    let said = shop.put(1, shop.sale(12_000));
    assert_eq!(
        said[0],
        "Order 1001: 20 points earned in addition: it now calls for 120 (1 point per 1.00 on 120.00), it had earned 100"
    );
    shop.put(1, Document { refunded: Money::new(3000), ..shop.sale(12_000) });
    let said = shop.put(1, shop.sale(15_000));
    assert_eq!(
        said[0],
        "Order 1001: 60 points earned in addition: it now calls for 150 (1 point per 1.00 on 150.00), it had earned 90; \
         30 of them had been taken back"
    );
}

#[test]
fn a_redemption_says_what_it_pays_and_what_returns() {
    let mut shop = shop(r#""redeem": {"points": 250, "value": "25.00"}"#);
    shop.adjust(1000, "a gift");
    let sale = Document { redeem: Some(Points::new(200)), ..shop.sale(5000) };
    check(
        &shop.put(1, sale.clone()),
        &[
            "Order 1001: 30 points earned (1 point per 1.00 on 30.00)",
            "Order 1001: 200 points redeemed (earned 1 April 2022), worth 20.00",
            "Order 1001: earns 30 points (1 point per 1.00 on 30.00). Redeemed: 200 points (earned 1 April 2022), worth 20.00. Balance: 830 \
             points.",
        ],
    );
    let smaller = Document { redeem: None, ..shop.sale(1500) };
    let said = shop.put(1, smaller);
    assert_eq!(said[0], "Order 1001: 50 points returned (earned 1 April 2022): 150 points now pay 15.00");
    let said = shop.put(1, Document { redeem: Some(Points::new(250)), ..sale.clone() });
    assert_eq!(said[1], "Order 1001: 100 points more redeemed (earned 1 April 2022): 250 points now pay 25.00");
    let said = shop.put(1, Document { cancelled_at: Some(shop.now), ..sale });
    assert_eq!(said[0], "Order 1001: 250 points returned (earned 1 April 2022): it no longer redeems any");
}

#[test]
fn an_order_says_when_the_points_were_earned_that_it_takes() {
    let mut shop = shop("");
    shop.adjust(100, "a gift");
    shop.wait_until("2022-04-03T12:00:00Z");
    shop.adjust(50, "another");
    let said = shop.put(1, Document { redeem: Some(Points::new(120)), ..shop.sale(5000) });
    assert_eq!(
        said[1],
        "Order 1001: 120 points redeemed (100 earned 1 April 2022, 20 earned 3 April 2022), worth 1.20"
    );
    let said = shop.put(1, Document { redeem: Some(Points::new(90)), ..shop.sale(5000) });
    assert_eq!(
        said[0],
        "Order 1001: 30 points returned (10 earned 1 April 2022, 20 earned 3 April 2022): 90 points now pay 0.90"
    );
    for day in 4..6 {
        shop.wait_until(&format!("2022-04-0{day}T12:00:00Z"));
        shop.adjust(10, "a third");
    }
    let said = shop.put(2, Document { redeem: Some(Points::new(120)), ..shop.sale(5000) });
    assert_eq!(said[1], "Order 1002: 120 points redeemed (earned on 4 days, 1 April 2022 to 5 April 2022), worth 1.20");
}

#[test]
fn what_is_taken_back_of_other_points_says_when_they_were_earned() {
    let mut shop = shop(r#""validity": {"days": 9}"#);
    let sale = shop.sale(10_000);
    shop.put(1, sale.clone());
    shop.adjust(-60, "spent elsewhere");
    shop.wait_until("2022-04-20T12:00:00Z");
    shop.adjust(80, "a gift");
    // 40 of them are of no lot any more.
    let said = shop.put(1, Document { cancelled_at: Some(shop.now), ..sale });
    assert_eq!(
        said[0],
        "Order 1001: 100 points taken back (60 earned 20 April 2022): it was cancelled, it had earned 100; 40 of them had \
         expired already"
    );
}

#[test]
fn an_order_that_takes_a_hold_over_says_so() {
    let mut shop = shop("");
    shop.adjust(1000, "a gift");
    shop.hold(300, None);
    let sale = Document { redeem: Some(Points::new(200)), hold: Some(HoldNo(1)), ..shop.sale(5000) };
    let said = shop.put(1, sale);
    assert_eq!(
        said[1],
        "Order 1001: 200 points redeemed (earned 1 April 2022), worth 2.00, from hold 1; 100 points of the hold can be spent again"
    );
}

#[test]
fn points_that_return_late_say_how_long_they_last() {
    let mut shop = shop(r#""validity": {"days": 1}, "grace_days": 30"#);
    shop.adjust(200, "a gift");
    let sale = Document { redeem: Some(Points::new(200)), ..shop.sale(5000) };
    shop.put(1, sale.clone());
    shop.wait_until("2022-05-01T12:00:00Z");
    let said = shop.put(1, Document { cancelled_at: Some(shop.now), ..sale });
    assert_eq!(
        said[0],
        "Order 1001: 200 points returned (earned 1 April 2022): it no longer redeems any; 200 of them had expired and can be spent until 31 \
         May 2022"
    );
    assert_eq!(
        said[1],
        "Order 1001: 48 points taken back: it was cancelled, it had earned 48; 48 of them had expired already"
    );
}

#[test]
fn an_order_paid_anew_says_how_long_its_points_last_now() {
    let mut shop = shop(r#""validity": {"months": 1}"#);
    let sale = shop.sale(1000);
    shop.put(1, sale.clone());
    shop.wait_until("2022-04-10T12:00:00Z");
    let said = shop.put(1, Document { paid_at: Some(shop.now), ..sale.clone() });
    assert_eq!(said[0], "Order 1001: its points can now be spent until 10 May 2022");
    let said = shop.put(1, Document { paid_at: None, ..sale });
    assert_eq!(
        said[0],
        "Order 1001: 10 points taken back (earned 10 April 2022): it is not paid any more, it had earned 10"
    );
}

#[test]
fn a_carried_remainder_is_told() {
    let mut shop = shop(r#""earn": {"per": "50.00", "mode": "steps_carried"}"#);
    let first = shop.sale(3000);
    check(
        &shop.put(1, first.clone()),
        &[
            "Order 1001: 0 points earned (1 point for each full 50.00 of 30.00); 30.00 is carried to the next order",
            "Order 1001: earns 0 points (1 point for each full 50.00 of 30.00). Balance: 0 points.",
        ],
    );
    let said = shop.put(2, shop.sale(2500));
    assert_eq!(
        said[0],
        "Order 1002: 1 point earned (1 point for each full 50.00 of 25.00 and 30.00 carried over); 5.00 is carried to the \
         next order"
    );
    let said = shop.put(1, Document { refunded: Money::new(3000), ..first.clone() });
    check(
        &said[..2],
        &[
            "Order 1001: nothing taken back: it now calls for 0 (1 point for each full 50.00 of 0.00 and 5.00 carried \
             over), it had earned 0; later orders give up a step that it had completed with them; 25.00 is carried to \
             the next order",
            "Order 1002: 1 point taken back (earned 1 April 2022): another order became smaller, with which it had completed a step, it had \
             earned 1",
        ],
    );
    let said = shop.put(1, first);
    assert_eq!(said[0], "Order 1002: 1 point given back: another order completes a step with it again");
}

#[test]
fn what_was_let_go_or_had_expired_is_told_when_the_order_grows_again() {
    let mut let_go = shop(r#""refund": {"shortfall": "take_what_is_there"}"#);
    let sale = let_go.sale(1000);
    let_go.put(1, sale.clone());
    let_go.adjust(-4, "spent elsewhere");
    let_go.put(1, Document { refunded: Money::new(1000), ..sale.clone() });
    let said = let_go.put(1, sale);
    assert_eq!(
        said[0],
        "Order 1001: 10 points given back: it now calls for 10 (1 point per 1.00 on 10.00), it had earned 0; 4 of them \
         had never been taken"
    );

    let mut expired = shop(r#""validity": {"days": 1}"#);
    let sale = expired.sale(1000);
    expired.put(1, sale.clone());
    expired.wait_until("2022-05-01T12:00:00Z");
    let said = expired.put(1, Document { refunded: Money::new(1000), ..sale.clone() });
    assert_eq!(
        said[0],
        "Order 1001: 10 points taken back: it now calls for 0 (1 point per 1.00 on 0.00), it had earned 10; 10 of them \
         had expired already"
    );
    let said = expired.put(1, sale);
    assert_eq!(
        said[0],
        "Order 1001: 10 points given back: it now calls for 10 (1 point per 1.00 on 10.00), it had earned 0; 10 of them \
         had expired and stay so"
    );
}

#[test]
fn an_older_document_and_a_program_that_was_off_are_told() {
    let mut shop = shop("");
    let sale = Document { version: engine::DocumentVersion::Number(2), ..shop.sale(1000) };
    shop.put(1, sale.clone());
    let older = Document { version: engine::DocumentVersion::Number(1), ..sale };
    check(
        &shop.put(1, older),
        &["This is older than what is recorded: it was ignored. Order 1001: earns 10 points (1 point per 1.00 on \
           10.00). Balance: 10 points."],
    );
    shop.switch_off();
    check(
        &shop.put(2, shop.sale(1000)),
        &["Order 1002: earns nothing: the program was not on when it was placed. Balance: 10 points."],
    );
}
