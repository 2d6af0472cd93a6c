//! What a document says that says only what it must, and that every key changes one thing.

use std::collections::BTreeSet;

use engine::{
    Activities, Currency, CustomAct, Date, EarnMode, EarnRate, Earning, Extend, ExtendOn, Milestone, Money, Points,
    PointsPart, RedeemRate, RedeemTerms, Share, Shortfall, Terms, Validity, WithDiscounts, YearDay, Zone,
};
use server::program::{PointNames, compile, parse};

use crate::document;

fn defaults() -> Terms {
    Terms {
        zone: Zone::named("America/New_York").unwrap(),
        currency: Currency { code: *b"USD", exponent: 2 },
        grant_on: Milestone::Paid,
        earn: EarnRate { points: Points::new(1), per: Money::new(100), mode: EarnMode::Proportional },
        earning: Earning::default(),
        order_types: BTreeSet::new(),
        earn_on_tax: false,
        earn_on_shipping: false,
        caps: None,
        tiers: None,
        waiting_days: 0,
        validity: Validity::Never,
        extend: None,
        activities: None,
        grace_days: 30,
        claim_days: 30,
        redeem: RedeemTerms {
            rate: RedeemRate { points: Points::new(100), value: Money::new(100) },
            value_min: Money::ZERO,
            points_min: Points::ZERO,
            hold_minutes: 15,
            step: Points::new(1),
            points_max: None,
            value_max: None,
            share_max: None,
            balance_min: Points::ZERO,
            pays_shipping: false,
            pays_tax: false,
            with_discounts: WithDiscounts::After,
        },
        shortfall: Shortfall::Owe,
        points_part: PointsPart::Stays,
        convert: None,
        catalogue: std::sync::Arc::default(),
        certificate_uses: engine::Uses::Several,
    }
}

#[track_caller]
fn check(more: &str, change: impl FnOnce(&mut Terms)) {
    let mut expected = defaults();
    change(&mut expected);
    assert_eq!(compile(&document(more)), Ok(expected), "{more}");
}

#[test]
fn every_key_has_its_default() {
    check("", |_| {});
    check(r#""points": {}, "earn": {}, "redeem": {}, "refund": {}"#, |_| {});
    let names = parse(&document("")).unwrap().points;
    assert_eq!(names, PointNames { one: "point".to_owned(), many: "points".to_owned() });
}

#[test]
fn every_key_of_earn_changes_its_term() {
    check(r#""earn": {"points": 100}"#, |it| it.earn.points = Points::new(100));
    check(r#""earn": {"per": "10.00"}"#, |it| it.earn.per = Money::new(1000));
    check(r#""earn": {"mode": "proportional"}"#, |_| {});
    check(r#""earn": {"mode": "steps"}"#, |it| it.earn.mode = EarnMode::Steps);
    check(r#""earn": {"mode": "steps_carried"}"#, |it| it.earn.mode = EarnMode::StepsCarried);
    check(r#""earn": {"on": "placed"}"#, |it| it.grant_on = Milestone::Placed);
    check(r#""earn": {"on": "paid"}"#, |_| {});
    check(r#""earn": {"on": "fulfilled"}"#, |it| it.grant_on = Milestone::Fulfilled);
    check(r#""earn": {"include_tax": true}"#, |it| it.earn_on_tax = true);
    check(r#""earn": {"include_shipping": true}"#, |it| it.earn_on_shipping = true);
    check(r#""earn": {"waiting_days": 14}"#, |it| it.waiting_days = 14);
}

#[test]
fn every_validity_can_be_written() {
    check(r#""validity": "never""#, |_| {});
    check(r#""validity": {"days": 30}"#, |it| it.validity = Validity::Days(30));
    check(r#""validity": {"months": 12}"#, |it| it.validity = Validity::Months(12));
    let last = Date::new(2027, 12, 31).unwrap();
    check(r#""validity": {"until": "2027-12-31"}"#, |it| it.validity = Validity::Until(last));
    let last = YearDay::parse("12-31").unwrap();
    check(r#""validity": {"yearly": "12-31"}"#, |it| it.validity = Validity::Yearly(last));
    check(r#""activities": {"birthday": 50}"#, |it| {
        it.activities = Some(Activities { birthday: Points::new(50), ..Activities::default() });
    });
    check(r#""activities": {"sign_up": 9, "custom": [{"name": "visit", "points": 5, "per_day": 1}]}"#, |it| {
        let visit = CustomAct {
            name: "visit".to_owned(),
            points: Points::new(5),
            per_day: Some(1),
            per_month: None,
            per_life: None,
        };
        it.activities = Some(Activities { sign_up: Points::new(9), birthday: Points::ZERO, custom: vec![visit] });
    });
    check(r#""validity": {"inactive_months": 12}"#, |it| {
        it.validity = Validity::Months(12);
        it.extend = Some(Extend { on: ExtendOn::Activity, months: 12 });
    });
    for (on, extends_on) in [("order", ExtendOn::Order), ("earning", ExtendOn::Earning)] {
        check(&format!(r#""extend": {{"on": "{on}", "months": 6}}"#), |it| {
            it.extend = Some(Extend { on: extends_on, months: 6 });
        });
    }
    check(r#""grace_days": 0"#, |it| it.grace_days = 0);
    check(r#""claim_days": 0"#, |it| it.claim_days = 0);
}

#[test]
fn every_key_of_redeem_and_refund_changes_its_term() {
    check(r#""redeem": {"points": 250}"#, |it| it.redeem.rate.points = Points::new(250));
    check(r#""redeem": {"value": "25"}"#, |it| it.redeem.rate.value = Money::new(2500));
    check(r#""redeem": {"min_value": "5.00"}"#, |it| it.redeem.value_min = Money::new(500));
    check(r#""redeem": {"min_points": 500}"#, |it| it.redeem.points_min = Points::new(500));
    check(r#""redeem": {"step": 50}"#, |it| it.redeem.step = Points::new(50));
    check(r#""redeem": {"max_points": 2000}"#, |it| it.redeem.points_max = Some(Points::new(2_000)));
    check(r#""redeem": {"max_value": "20.00"}"#, |it| it.redeem.value_max = Some(Money::new(2_000)));
    check(r#""redeem": {"max_share": "12.5%"}"#, |it| it.redeem.share_max = Some(Share(1_250)));
    check(r#""redeem": {"max_share": "100%"}"#, |_| {});
    check(r#""redeem": {"min_balance": 1000}"#, |it| it.redeem.balance_min = Points::new(1_000));
    check(r#""redeem": {"pays_shipping": true}"#, |it| it.redeem.pays_shipping = true);
    check(r#""redeem": {"pays_tax": true}"#, |it| it.redeem.pays_tax = true);
    check(r#""redeem": {"with_discounts": "after"}"#, |_| {});
    check(r#""redeem": {"with_discounts": "instead"}"#, |it| it.redeem.with_discounts = WithDiscounts::Instead);
    check(r#""redeem": {"hold_minutes": 120}"#, |it| it.redeem.hold_minutes = 120);
    check(r#""redeem": {"on_refund": "stays"}"#, |_| {});
    check(r#""redeem": {"on_refund": "in_proportion"}"#, |it| it.points_part = PointsPart::InProportion);
    check(r#""refund": {"shortfall": "owe"}"#, |_| {});
    check(r#""refund": {"shortfall": "take_what_is_there"}"#, |it| it.shortfall = Shortfall::TakeWhatIsThere);
    check(r#""refund": {"shortfall": "all_or_nothing"}"#, |it| it.shortfall = Shortfall::AllOrNothing);
}

#[test]
fn amounts_have_the_digits_of_the_currency() {
    let with = |currency: &str, per: &str| {
        let text = document(&format!(r#""earn": {{"per": "{per}"}}"#)).replace("USD", currency);
        compile(&text).map(|it| (it.currency.exponent, it.earn.per.minor()))
    };
    assert_eq!(with("JPY", "100"), Ok((0, 100)));
    assert_eq!(with("USD", "0.5"), Ok((2, 50)));
    assert_eq!(with("KWD", "1.234"), Ok((3, 1234)));
    // The defaults are whole, so that every currency has them.
    for (currency, per) in [("JPY", 1), ("USD", 100), ("KWD", 1000), ("CLF", 10_000)] {
        let terms = compile(&document("").replace("USD", currency)).unwrap();
        assert_eq!(terms.earn.per.minor(), per, "{currency}");
    }
}

#[test]
fn editors_may_leave_their_marks() {
    let text = document(r#""$schema": "../docs/program.schema.json""#);
    assert!(parse(&text).is_ok());
    assert_eq!(parse(&format!("\u{feff}{text}\r\n")), parse(&text));
}

#[test]
fn a_document_that_is_written_is_read_again() {
    for (path, text) in crate::examples() {
        let document = parse(&text).unwrap_or_else(|fault| panic!("{path}: {fault}"));
        let written = serde_json::to_string_pretty(&document).unwrap();
        assert_eq!(parse(&written), Ok(document), "{path}");
    }
}
