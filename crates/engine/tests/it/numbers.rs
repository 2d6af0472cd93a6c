//! The worked numbers of the rules, as a table: what a shop sends, and what it must come to.

use std::sync::Arc;

use engine::{
    Document, DocumentVersion, EarnMode, EarnRate, Line, LineKind, Milestone, Money, Points, RedeemRate, Return,
    ReturnPart, Shortfall, Terms, Validity, YearDay, Zone, points_for, points_needed, value_of,
};

use crate::histories::Step;
use crate::programs::{EUR, NOON, one_version, plain};
use crate::shop::{Command, Shop};

/// What an order of one member comes to: earned, redeemed, and the balance, owed and let go of the account.
type Expected = [i64; 5];

/// Sends documents of one order to an account that has `funds`; the first argument names the rule.
fn check(rule: &str, terms: &Terms, funds: i64, documents: &[Document], expected: Expected) {
    let mut shop = Shop::new(one_version(terms.clone()));
    if 0 < funds {
        shop.take(&Step::Adjust { points: funds, expires_in_days: None });
    }
    for (index, document) in documents.iter().enumerate() {
        let version = DocumentVersion::Number(u64::try_from(index).expect("a few"));
        put(&mut shop, 0, Document { version, ..document.clone() });
    }
    assert_eq!(figures(&shop), expected, "{rule}: earned, redeemed, available, owed, let go\n{}", shop.told);
}

fn put(shop: &mut Shop, slot: usize, document: Document) {
    let command = Command::Put { slot, document: Arc::new(document) };
    let decision = shop.decide(&command);
    shop.told += &crate::transcript::line(shop.now, &command, &decision);
    let decided = decision.unwrap_or_else(|stop| panic!("{stop:?}\n{}", shop.told));
    shop.apply(&command, &decided);
}

fn figures(shop: &Shop) -> Expected {
    let posted = &shop.order(0).expect("an order was put").posted;
    let balance = shop.account.balance;
    [posted.earned, posted.redeemed(), balance.available, balance.owed, balance.let_go].map(Points::get)
}

fn earns(points: i64, per: i64, mode: EarnMode) -> Terms {
    Terms { earn: EarnRate { points: Points::new(points), per: Money::new(per), mode }, ..plain() }
}

fn sale(amount: i64) -> Document {
    Document::sale(EUR, Money::new(amount), NOON)
}

fn returned(amount: i64, back: i64) -> Document {
    let part = ReturnPart::Amount(Money::new(back));
    Document { returns: vec![Return { line: "1".to_owned(), part }], ..sale(amount) }
}

fn refunded(amount: i64, back: i64) -> Document {
    Document { refunded: Money::new(back), ..sale(amount) }
}

fn asking(points: i64, document: Document) -> Document {
    Document { redeem: Some(Points::new(points)), ..document }
}

#[test]
fn what_an_amount_earns() {
    use EarnMode::{Proportional, Steps};
    // rule, points, per, mode, amount, earned
    let table = [
        ("E1", 100, 100, Proportional, 3_098, 3_098),
        ("E1", 1, 100, Proportional, 3_098, 30),
        ("E2", 100, 1_000, Steps, 999, 0),
        ("E2", 100, 1_000, Steps, 2_500, 200),
        ("E2", 100, 1_000, Proportional, 100, 10),
        ("E2", 100, 1_000, Proportional, 200, 20),
        ("E2", 1, 5_000, Steps, 3_000, 0),
        ("C1", 100, 1_000, Steps, 10_000, 1_000),
        ("O1", 1, 2_000, Steps, 5_990, 2),
        ("O1", 1, 2_000, Steps, 1_890, 0),
    ];
    for (rule, points, per, mode, amount, earned) in table {
        let terms = earns(points, per, mode);
        assert_eq!(points_for(Money::new(amount), terms.earn), Points::new(earned), "{rule} {amount}");
        check(rule, &terms, 0, &[sale(amount)], [earned, 0, earned, 0, 0]);
    }
}

#[test]
fn what_points_are_worth() {
    // points = value (the rate), points, what they are worth
    let worth = [(100, 100, 387, 387), (250, 2_500, 250, 2_500), (100, 100, 1, 1), (3, 1, 5, 1), (100, 1, 99, 0)];
    for (points, value, many, expected) in worth {
        let rate = RedeemRate { points: Points::new(points), value: Money::new(value) };
        assert_eq!(value_of(Points::new(many), rate), Money::new(expected), "R1 {many} at {points} = {value}");
    }
    // points = value (the rate), amount, points needed
    let needed = [(100, 100, 387, 387), (250, 2_500, 2_499, 250), (1, 3, 10, 4), (1, 7, 7, 1), (250, 1, 1, 250)];
    for (points, value, amount, expected) in needed {
        let rate = RedeemRate { points: Points::new(points), value: Money::new(value) };
        assert_eq!(points_needed(Money::new(amount), rate), Points::new(expected), "R1 {amount} at {points} = {value}");
    }
}

#[test]
fn the_adjusted_subtotal_earns() {
    let terms = plain();
    let line =
        |id: &str, amount: i64| Line { id: id.to_owned(), amount: Money::new(amount), ..sale(0).lines[0].clone() };
    let tax = |included| Line { tax: Money::new(1_900), tax_included: included, ..line("1", 10_000) };
    let gift = Line { kind: LineKind::GiftCard, ..line("2", 5_000) };
    let with = |lines: Vec<Line>| Document { lines, ..sale(0) };
    let without_tax = Terms { earn_on_tax: false, ..terms.clone() };
    let with_shipping = Terms { earn_on_shipping: true, ..terms.clone() };
    let coupon = Document { coupon: Money::new(1_500), ..sale(10_000) };
    let shipped = Document { shipping: Money::new(500), ..sale(10_000) };
    // name, terms, document, earned
    let table = [
        ("E8 coupon", &terms, coupon.clone(), 85),
        ("E8 discount", &terms, Document { discount: Money::new(1_500), ..sale(10_000) }, 85),
        ("E8 shipping is not goods", &terms, shipped.clone(), 100),
        ("E8 shipping included", &with_shipping, shipped, 105),
        ("E8 contained tax", &without_tax, with(vec![tax(true)]), 81),
        ("E8 contained tax earns where it may", &terms, with(vec![tax(true)]), 100),
        ("E8 tax beside the amount", &without_tax, with(vec![tax(false)]), 100),
        ("E8 tax beside it earns where it may", &terms, with(vec![tax(false)]), 119),
        ("E7 gift cards earn when they are used", &terms, with(vec![line("1", 10_000), gift]), 100),
        ("O1 coupon and return", &terms, Document { returns: returned(10_000, 4_000).returns, ..coupon }, 45),
    ];
    for (name, terms, document, earned) in table {
        check(name, terms, 0, &[document], [earned, 0, earned, 0, 0]);
    }
    check("E8 points lower what earns", &terms, 2_000, &[asking(2_000, sale(10_000))], [80, 2_000, 80, 0, 0]);
}

#[test]
fn orders_that_change() {
    let terms = plain();
    let steps = earns(1, 2_000, EarnMode::Steps);
    let cancelled = Document { cancelled_at: Some(NOON), ..sale(10_000) };
    // name, terms, funds, documents, expected
    let table: [(&str, &Terms, i64, Vec<Document>, Expected); 9] = [
        ("O1 refund", &terms, 0, vec![sale(10_000), refunded(10_000, 4_000)], [60, 0, 60, 0, 0]),
        ("O1 return", &terms, 0, vec![sale(10_000), returned(10_000, 4_000)], [60, 0, 60, 0, 0]),
        ("O1 edit", &terms, 0, vec![sale(10_000), sale(6_000)], [60, 0, 60, 0, 0]),
        ("O1 steps", &steps, 0, vec![sale(5_990), returned(5_990, 4_100)], [0, 0, 0, 0, 0]),
        ("O4", &terms, 0, vec![sale(10_000), refunded(10_000, 2_000), refunded(10_000, 4_000)], [60, 0, 60, 0, 0]),
        ("O5 completed again", &terms, 0, vec![sale(10_000), cancelled.clone(), sale(10_000)], [100, 0, 100, 0, 0]),
        ("R7 cut", &terms, 2_000, vec![asking(2_000, sale(5_000)), sale(1_500)], [0, 1_500, 500, 0, 0]),
        ("R7 cancelled", &terms, 2_000, vec![asking(2_000, sale(10_000)), cancelled], [0, 0, 2_000, 0, 0]),
        ("O6 stays", &terms, 2_000, vec![asking(2_000, sale(10_000)), refunded(10_000, 4_000)], [40, 2_000, 40, 0, 0]),
    ];
    for (name, terms, funds, documents, expected) in table {
        check(name, terms, funds, &documents, expected);
    }
}

/// 100.00 earns 100 that last 10 days; 60 of them are spent, 40 expire, and all is refunded (O2, O5).
#[test]
fn what_has_expired_counts_as_taken_whatever_the_policy() {
    // policy, other points, what is left of them, owed, let go
    let table = [
        (Shortfall::Owe, 0, 0, 60, 0),
        (Shortfall::TakeWhatIsThere, 0, 0, 0, 60),
        (Shortfall::AllOrNothing, 0, 0, 0, 60),
        (Shortfall::Owe, 60, 0, 0, 0),
        (Shortfall::AllOrNothing, 60, 0, 0, 0),
        (Shortfall::AllOrNothing, 59, 59, 0, 60),
        (Shortfall::TakeWhatIsThere, 59, 0, 0, 1),
    ];
    for (shortfall, others, left, owed, let_go) in table {
        let mut shop = Shop::new(one_version(Terms { shortfall, validity: Validity::Days(10), ..plain() }));
        put(&mut shop, 0, sale(10_000));
        put(&mut shop, 1, asking(60, sale(60)));
        shop.take(&Step::Wait { minutes: 12 * 1_440 });
        if 0 < others {
            shop.take(&Step::Adjust { points: others, expires_in_days: Some(100) });
        }
        let cancelled_at = Some(shop.now);
        put(&mut shop, 0, Document { cancelled_at, ..sale(10_000) });
        let found = figures(&shop);
        assert_eq!(found, [0, 0, left, owed, let_go], "{shortfall:?} with {others} others\n{}", shop.told);
    }
}

fn yearly(day: &str) -> Validity {
    Validity::Yearly(YearDay::parse(day).expect("a day"))
}

#[test]
fn points_expire_at_the_end_of_the_local_day() {
    let zurich = Zone::named("Europe/Zurich").expect("the zone is bundled");
    let at = |text: &str| engine::Timestamp::parse(text).expect("a time");
    // validity, available from, the first instant that the points are gone
    let table = [
        (Validity::Months(6), "2022-04-01T11:21:00Z", "2022-10-01T22:00:00Z"),
        (Validity::Months(6), "2021-08-31T10:00:00Z", "2022-02-28T23:00:00Z"),
        (Validity::Months(6), "2023-08-31T10:00:00Z", "2024-02-29T23:00:00Z"),
        (Validity::Months(12), "2022-08-05T10:00:00Z", "2023-08-05T22:00:00Z"),
        (Validity::Days(0), "2026-03-29T00:30:00Z", "2026-03-29T22:00:00Z"),
        (yearly("12-31"), "2026-07-01T10:00:00Z", "2026-12-31T23:00:00Z"),
        (yearly("12-31"), "2026-12-30T22:59:59Z", "2026-12-31T23:00:00Z"),
        (yearly("12-31"), "2026-12-30T23:00:00Z", "2027-12-31T23:00:00Z"),
        (yearly("02-29"), "2026-02-27T10:00:00Z", "2026-02-28T23:00:00Z"),
        (yearly("02-29"), "2026-02-28T10:00:00Z", "2027-02-28T23:00:00Z"),
        (yearly("02-29"), "2027-02-28T10:00:00Z", "2028-02-29T23:00:00Z"),
        (yearly("02-29"), "2028-02-28T10:00:00Z", "2028-02-29T23:00:00Z"),
    ];
    for (validity, from, until) in table {
        assert_eq!(validity.ends(at(from), &zurich), at(until), "{validity:?} from {from}");
    }
}

#[test]
fn the_rate_of_the_orders_own_time_counts() {
    let paid = |terms: Terms| Terms { grant_on: Milestone::Paid, ..terms };
    let first = paid(earns(10, 100, EarnMode::Proportional));
    let second = paid(earns(1, 100, EarnMode::Proportional));
    let version = |number, effective_at, terms| engine::Version { number, effective_at, terms };
    let versions = vec![version(1, NOON.plus_days(-9), first), version(2, NOON.plus_days(1), second)];
    let mut shop = Shop::new(engine::Timeline::new(versions, Vec::new()));
    put(&mut shop, 0, Document { paid_at: None, ..sale(1_000) });
    assert_eq!(figures(&shop), [0, 0, 0, 0, 0], "E3: not paid yet");
    shop.take(&Step::Wait { minutes: 2 * 1_440 });
    let paid_at = Some(shop.now);
    put(&mut shop, 0, Document { paid_at, ..sale(1_000) });
    assert_eq!(figures(&shop), [100, 0, 100, 0, 0], "E4");
}
