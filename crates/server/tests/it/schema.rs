//! The published schema is current, accepts what is accepted, and refuses what a schema can refuse.

use std::fs;

use serde_json::Value;
use server::program::{parse, schema};

use crate::schema_reader::accepts;
use crate::{document, examples, read, root};

const PUBLISHED: &str = "docs/program.schema.json";

fn current() -> Value {
    serde_json::from_str(&schema()).expect("the schema is JSON")
}

#[test]
fn the_published_schema_is_current() {
    if std::env::var_os("GUERDON_ACCEPT").is_some() {
        fs::write(root().join(PUBLISHED), schema()).expect("docs/ can be written");
    }
    let published: Value = serde_json::from_str(&read(PUBLISHED)).expect("the published schema is JSON");
    assert!(published == current(), "{PUBLISHED} is not current: run `./dev accept` and read the difference");
}

#[test]
fn the_schema_accepts_the_examples() {
    let schema = current();
    for (path, text) in examples() {
        let value: Value = serde_json::from_str(&text).expect("an example is JSON");
        assert!(accepts(&schema, &value), "{path}");
    }
}

#[track_caller]
fn check(more: &str, is_accepted: bool) {
    let text = document(more);
    let value: Value = serde_json::from_str(&text).expect("the document is JSON");
    assert_eq!(accepts(&current(), &value), is_accepted, "schema: {text}");
    assert_eq!(parse(&text).is_ok(), is_accepted, "parse: {text}");
}

#[test]
fn schema_and_reader_accept_and_refuse_the_same() {
    for more in [
        "",
        r#""points": {"one": "Star", "many": "Stars"}"#,
        r#""earn": {"points": 1000000, "per": "30.98", "mode": "steps", "on": "fulfilled", "include_tax": true}"#,
        r#""validity": {"days": 36500}"#,
        r#""validity": {"months": 1200}"#,
        r#""validity": {"until": "2027-12-31"}, "grace_days": 366"#,
        r#""redeem": {"step": 50, "max_points": 2000, "max_value": "20.00", "max_share": "12.5%", "min_balance": 1000}"#,
        r#""redeem": {"pays_shipping": true, "pays_tax": true, "with_discounts": "instead"}"#,
        r#""redeem": {"min_value": "0", "min_points": 1000000000000, "hold_minutes": 120}"#,
        r#""refund": {"shortfall": "all_or_nothing"}"#,
        r#""order_types": ["new", "renewal"]"#,
        r#""promotions": [{"name": "a", "times": "2", "weekdays": ["monday"], "hours": {"from": "22:00", "until": "02:00"}}]"#,
        r#""promotions": [{"name": "a", "points": 5, "first_order": true, "min_amount": "20", "group": "g", "priority": -1}]"#,
        r#""earn": {"rates": [{"product": "a", "points": 5, "per": "1.00"}, {"category": "b", "points_each": 7}]}"#,
        r#""earn": {"multipliers": [{"customer_type": "gold", "times": "1.5"}], "exclude": {"products": ["x"]}}"#,
        r#""earn": {"gift_cards": "when_sold", "rounding": "line"}"#,
        r#""promotions": [{"name": "a", "times": "2", "budget": 1000, "tiers": ["Gold"]}],
            "tiers": {"levels": [{"name": "Gold", "from": "5.00", "times": "1.5"}]}"#,
    ] {
        check(more, true);
    }
    for more in [
        r#""x": 1"#,
        r#""points": {"one": ""}"#,
        r#""points": []"#,
        r#""earn": {"pre": 1}"#,
        r#""earn": {"points": -1}"#,
        r#""earn": {"points": 1000001}"#,
        r#""earn": {"points": 1.5}"#,
        r#""earn": {"per": 1}"#,
        r#""earn": {"per": "1,00"}"#,
        r#""earn": {"per": "-1"}"#,
        r#""earn": {"mode": "step"}"#,
        r#""earn": {"on": "shipped"}"#,
        r#""earn": {"include_tax": "yes"}"#,
        r#""earn": {"waiting_days": 367}"#,
        r#""validity": "always""#,
        r#""validity": {}"#,
        r#""validity": {"days": 0}"#,
        r#""validity": {"days": 1, "months": 1}"#,
        r#""validity": {"months": 1201}"#,
        r#""validity": {"until": "31.12.2027"}"#,
        r#""grace_days": 367"#,
        r#""redeem": {"points": 0}"#,
        r#""redeem": {"hold_minutes": 121}"#,
        r#""redeem": {"step": 0}"#,
        r#""redeem": {"max_points": null}"#,
        r#""redeem": {"max_value": null}"#,
        r#""redeem": {"max_share": "50"}"#,
        r#""redeem": {"with_discounts": "never"}"#,
        r#""redeem": {"on_refund": "goes"}"#,
        r#""refund": {"shortfall": "forgive"}"#,
        r#""order_types": "new""#,
        r#""promotions": [{"name": "a", "times": 2}]"#,
        r#""promotions": [{"name": "a", "points": 5, "budget": 0}]"#,
        r#""promotions": [{"name": "a", "times": "2", "weekdays": ["mon"]}]"#,
        r#""promotions": [{"name": "a", "times": "2", "from": "1.3.2026"}]"#,
        r#""promotions": [{"name": "a", "times": "2", "priority": 1001}]"#,
        r#""earn": {"rates": [{"product": "", "points_each": 5}]}"#,
        r#""earn": {"rates": [{"product": "a", "points_each": -5}]}"#,
        r#""earn": {"rates": [{"product": "a", "points_each": 5, "x": 1}]}"#,
        r#""earn": {"multipliers": [{"customer_type": "gold", "times": "1,5"}]}"#,
        r#""earn": {"multipliers": [{"times": "1.5"}]}"#,
        r#""earn": {"gift_cards": "never"}"#,
    ] {
        check(more, false);
    }
}

#[test]
fn the_schema_asks_for_the_keys_that_must_be_there() {
    let mut value: Value = serde_json::from_str(&document("")).expect("the document is JSON");
    assert!(accepts(&current(), &value));
    for key in ["format", "name", "currency", "time_zone"] {
        let removed = value.as_object_mut().expect("an object").remove(key).expect("it was there");
        assert!(!accepts(&current(), &value), "without {key}");
        value[key] = removed;
    }
    value["format"] = 2.into();
    assert!(!accepts(&current(), &value), "another format");
    value["format"] = 1.into();
    value["currency"] = "usd".into();
    assert!(!accepts(&current(), &value), "a code in small letters");
}
