//! Every fault of a document with its path, what is wrong, and what is allowed there.

use engine::Date;
use server::program::{BYTES_MAX, check as check_today, compile};

use crate::document;

#[track_caller]
fn check(text: &str, expected: &str) {
    assert_eq!(compile(text), Err(expected.to_owned()), "{text}");
}

#[track_caller]
pub(crate) fn check_key(more: &str, expected: &str) {
    check(&document(more), expected);
}

#[test]
fn text_that_is_no_json_is_refused_with_its_place() {
    let json = "allowed is one JSON object, {\"format\": 1, …}";
    check("", &format!("line 1, column 0: this is not JSON: EOF while parsing a value; {json}"));
    check("{\n  \"format\": 1,\n}", &format!("line 3, column 1: this is not JSON: trailing comma; {json}"));
    check("{} {}", &format!("line 1, column 4: this is not JSON: trailing characters; {json}"));
    check("{\"format\": 1", &format!("line 1, column 12: this is not JSON: EOF while parsing an object; {json}"));
    check("earn = 1", &format!("line 1, column 1: this is not JSON: expected value; {json}"));
    let deep = "[".repeat(1000);
    check(&deep, &format!("line 1, column 128: this is not JSON: recursion limit exceeded; {json}"));
}

#[test]
fn a_document_is_one_object_of_a_sensible_size() {
    check("[]", "document: a list cannot stand here; allowed is an object with keys, {\"key\": value, …}");
    check("12", "document: 12 cannot stand here; allowed is an object with keys, {\"key\": value, …}");
    let long = format!("{}{}", document(""), " ".repeat(BYTES_MAX));
    let bytes = long.len();
    check(&long, &format!("document: the text has {bytes} bytes; allowed is at most 65536 bytes"));
}

#[test]
fn each_missing_key_is_named() {
    for (line, expected) in [
        (r#""format": 1, "#, "format: the key is missing; allowed is 1".to_owned()),
        (r#""name": "Shop", "#, format!("name: the key is missing; allowed is {TEXT}")),
        (r#""currency": "USD", "#, "currency: the key is missing; allowed is an ISO 4217 code such as USD".to_owned()),
        (
            r#", "time_zone": "America/New_York""#,
            "time_zone: the key is missing; allowed is an IANA name such as America/New_York".to_owned(),
        ),
    ] {
        let whole = document("");
        assert!(whole.contains(line), "{line}");
        check(&whole.replace(line, ""), &expected);
    }
}

#[test]
fn an_unknown_or_repeated_key_is_named_with_its_neighbours() {
    check_key(
        r#""earning": {}"#,
        "earning: there is no such key; allowed is format, name, currency, time_zone, points, earn, order_types, \
         promotions, validity, extend, activities, grace_days, claim_days, redeem, refund, convert, catalogue, certificates, tiers",
    );
    check_key(
        r#""earn": {"pre": "1.00"}"#,
        "earn.pre: there is no such key; allowed is points, per, mode, on, include_tax, include_shipping, waiting_days, \
         caps, rates, multipliers, exclude, gift_cards, rounding",
    );
    check_key(r#""points": {"two": "x"}"#, "points.two: there is no such key; allowed is one, many");
    check_key(
        r#""redeem": {"limit": 1}"#,
        "redeem.limit: there is no such key; allowed is points, value, min_value, min_points, step, max_points, \
         max_value, max_share, min_balance, pays_shipping, pays_tax, with_discounts, hold_minutes, on_refund",
    );
    check_key(r#""refund": {"short": 1}"#, "refund.short: there is no such key; allowed is shortfall");
    check_key(r#""grace_days": 1, "grace_days": 2"#, "grace_days: the key stands here twice; allowed is each key once");
    check_key(r#""earn": {"per": "1", "per": "2"}"#, "earn.per: the key stands here twice; allowed is each key once");
}

const TEXT: &str = "1 to 120 bytes of text without control characters, no blank at its ends";
const AMOUNT: &str = "\"0.01\" to \"100000000000.00\"";
const SHARE: &str = "a share in quotes such as \"50%\", \"0.01%\" to \"100%\"";
const FACTOR: &str = "a factor in quotes such as \"1.5\", \"0\" to \"1000\" with at most 3 digits behind the point";
const OBJECT_IN_RATES: &str = "a list of objects such as {\"product\": \"SKU-1\", \"points\": 5, \"per\": \"1.00\"}";
const TEXT_IN_LIST: &str = "a list of texts, each of 1 to 120 bytes without control characters";
const OBJECT: &str = "an object with keys, {\"key\": value, …}";
const VALIDITY: &str = "\"never\", {\"days\": 365}, {\"months\": 12}, {\"until\": \"2027-12-31\"}, {\"yearly\": \"12-31\"} or {\"inactive_months\": 12}";

/// What stands in a document, the path of its fault, what is wrong and what is allowed.
const WRONG_VALUES: &[(&str, &str, &str, &str)] = &[
    (r#""points": {"one": ""}"#, "points.one", "the text is empty", TEXT),
    (r#""points": {"many": " stars"}"#, "points.many", "the text cannot be used", TEXT),
    (r#""points": {"many": "a\nb"}"#, "points.many", "the text cannot be used", TEXT),
    (r#""points": {"one": 1}"#, "points.one", "1 cannot stand here", TEXT),
    (r#""points": ["star", "stars"]"#, "points", "a list cannot stand here", OBJECT),
    (r#""earn": ["1"]"#, "earn", "a list cannot stand here", OBJECT),
    (
        r#""earn": {"rates": {}}"#,
        "earn.rates",
        "an object cannot stand here",
        "a list of objects such as {\"product\": \"SKU-1\", \"points\": 5, \"per\": \"1.00\"}",
    ),
    (r#""earn": {"rates": [["a"]]}"#, "earn.rates[0]", "a list cannot stand here", OBJECT_IN_RATES),
    (
        r#""earn": {"rates": [{"points": 5, "per": "1.00"}]}"#,
        "earn.rates[0]",
        "a rate is for one thing",
        "one of product, category and customer_type",
    ),
    (
        r#""earn": {"rates": [{"product": "a", "category": "b", "points_each": 5}]}"#,
        "earn.rates[0]",
        "a rate is for one thing",
        "one of product, category and customer_type",
    ),
    (
        r#""earn": {"rates": [{"product": "a", "points_each": 5}, {"product": "a", "points_each": 6}]}"#,
        "earn.rates[1].product",
        "\"a\" has a rate already",
        "one rate for each",
    ),
    (
        r#""earn": {"rates": [{"product": "a"}]}"#,
        "earn.rates[0].points",
        "the key is missing",
        "points and per, or points_each",
    ),
    (
        r#""earn": {"rates": [{"product": "a", "points": 5, "per": "1.00", "points_each": 5}]}"#,
        "earn.rates[0].points_each",
        "there are two rates",
        "either points and per, or points_each",
    ),
    (
        r#""earn": {"rates": [{"product": "a", "points": 5, "per": "0.00"}]}"#,
        "earn.rates[0].per",
        "\"0.00\" is too little",
        AMOUNT,
    ),
    (
        r#""earn": {"rates": [{"product": "a", "points": 5, "per": "99999999999.97"}, {"product": "b", "points": 5, "per": "99999999999.89"}]}"#,
        "earn.rates",
        "these amounts and factors have no common denominator that is small enough to add up exactly",
        "rounder amounts, such as 1.00, 10.00 and 0.50",
    ),
    (
        r#""earn": {"mode": "steps_carried", "rates": [{"product": "a", "points_each": 5}]}"#,
        "earn.rates",
        "this cannot stand beside a carried remainder",
        "another earn.mode",
    ),
    (
        r#""earn": {"mode": "steps_carried", "rounding": "line"}"#,
        "earn.rounding",
        "this cannot stand beside a carried remainder",
        "another earn.mode",
    ),
    (
        r#""earn": {"multipliers": [{"customer_type": "gold", "times": "1,5"}]}"#,
        "earn.multipliers[0].times",
        "\"1,5\" is no such factor",
        FACTOR,
    ),
    (
        r#""earn": {"multipliers": [{"customer_type": "gold", "times": "1000.001"}]}"#,
        "earn.multipliers[0].times",
        "\"1000.001\" is no such factor",
        FACTOR,
    ),
    (
        r#""earn": {"multipliers": [{"customer_type": "gold", "times": 2}]}"#,
        "earn.multipliers[0].times",
        "2 cannot stand here",
        FACTOR,
    ),
    (
        r#""earn": {"exclude": {"products": ["a", "a"]}}"#,
        "earn.exclude.products[1]",
        "\"a\" stands here twice",
        "each name once",
    ),
    (
        r#""earn": {"gift_cards": "never"}"#,
        "earn.gift_cards",
        "\"never\" is not known",
        "\"when_used\" or \"when_sold\"",
    ),
    (r#""earn": {"rounding": "unit"}"#, "earn.rounding", "\"unit\" is not known", "\"order\" or \"line\""),
    (r#""promotions": [{"times": "2"}]"#, "promotions[0].name", "the key is missing", TEXT),
    (r#""promotions": [{"name": "a"}]"#, "promotions[0]", "a promotion gives one thing", "either times or points"),
    (
        r#""promotions": [{"name": "a", "times": "1"}]"#,
        "promotions[0].times",
        "\"1\" is not more than once",
        "a factor in quotes such as \"1.5\", more than \"1\" and at most \"1000\"",
    ),
    (
        r#""promotions": [{"name": "a", "points": 5, "budget": 0}]"#,
        "promotions[0].budget",
        "0 is too few",
        "a whole number from 1 to 1000000000000",
    ),
    (
        r#""earn": {"mode": "steps_carried"}, "promotions": [{"name": "a", "points": 5, "budget": 10}]"#,
        "promotions[0].budget",
        "this cannot stand beside a carried remainder",
        "another earn.mode",
    ),
    (
        r#""promotions": [{"name": "a", "points": 5, "tiers": ["gold"]}]"#,
        "promotions[0].tiers[0]",
        "no tier is called \"gold\"",
        "the name of one of tiers.levels",
    ),
    (
        r#""promotions": [{"name": "a", "points": 0}]"#,
        "promotions[0].points",
        "0 is too few",
        "a whole number from 1 to 1000000",
    ),
    (
        r#""promotions": [{"name": "a", "times": "2"}, {"name": "a", "points": 5}]"#,
        "promotions[1].name",
        "\"a\" is the name of another promotion",
        "a name of its own",
    ),
    (
        r#""promotions": [{"name": "a", "times": "2", "from": "2026-03-02", "until": "2026-03-01"}]"#,
        "promotions[0].until",
        "2026-03-01 is before 2026-03-02",
        "2026-03-02 or a later day",
    ),
    (
        r#""promotions": [{"name": "a", "times": "2", "weekdays": ["mon"]}]"#,
        "promotions[0].weekdays[0]",
        "\"mon\" is not known",
        "a list of \"monday\", \"tuesday\" … \"sunday\"",
    ),
    (
        r#""promotions": [{"name": "a", "times": "2", "hours": {"from": "5pm", "until": "19:00"}}]"#,
        "promotions[0].hours.from",
        "\"5pm\" is no time of day",
        "a time of day in quotes such as \"17:00\"",
    ),
    (
        r#""promotions": [{"name": "a", "times": "2", "hours": {"from": "17:00", "until": "17:00"}}]"#,
        "promotions[0].hours",
        "it is over when it begins",
        "hours of which one is later",
    ),
    (
        r#""promotions": [{"name": "a", "times": "2", "group": "g"}, {"name": "b", "points": 5, "group": "g"}]"#,
        "promotions[0].group",
        "of one group some multiply and others give points",
        "groups in which all multiply, or all give points",
    ),
    (
        r#""promotions": [{"name": "a", "times": "2", "group": "g", "min_amount": "50.00"}, {"name": "b", "times": "3", "group": "g"}]"#,
        "promotions[0].priority",
        "\"a\" gives less than \"b\", which it comes before",
        "in a group, first what gives most",
    ),
    (
        r#""earn": {"mode": "steps_carried"}, "promotions": [{"name": "a", "times": "2", "products": ["x"]}]"#,
        "promotions[0]",
        "beside a carried remainder a promotion multiplies whole orders only",
        "points, or no products and categories",
    ),
    (r#""order_types": [""]"#, "order_types[0]", "the text is empty", TEXT_IN_LIST),
    (r#""earn": null"#, "earn", "null cannot stand here", OBJECT),
    (r#""earn": {"points": -1}"#, "earn.points", "-1 is too few", "a whole number from 0 to 1000000"),
    (r#""earn": {"points": 1.5}"#, "earn.points", "1.5 cannot stand here", "a whole number from 0 to 1000000"),
    (r#""earn": {"points": "1"}"#, "earn.points", "\"1\" cannot stand here", "a whole number from 0 to 1000000"),
    (r#""earn": {"points": 1000001}"#, "earn.points", "1000001 is too many", "a whole number from 0 to 1000000"),
    (
        r#""earn": {"points": 18446744073709551615}"#,
        "earn.points",
        "18446744073709551615 cannot stand here",
        "a whole number from 0 to 1000000",
    ),
    (r#""earn": {"per": "1,00"}"#, "earn.per", "\"1,00\" is not a decimal amount such as 30.98", AMOUNT),
    (r#""earn": {"per": ""}"#, "earn.per", "\"\" is not a decimal amount such as 30.98", AMOUNT),
    (r#""earn": {"per": "0.00"}"#, "earn.per", "\"0.00\" is too little", AMOUNT),
    (r#""earn": {"per": "-1"}"#, "earn.per", "\"-1\" is too little", AMOUNT),
    (r#""earn": {"per": "100000000000.01"}"#, "earn.per", "\"100000000000.01\" is too much", AMOUNT),
    (
        r#""earn": {"per": "1.001"}"#,
        "earn.per",
        "\"1.001\" has too many digits after the point",
        "an amount with at most 2 digits after the point, as USD has",
    ),
    (r#""earn": {"per": 1.00}"#, "earn.per", "1.0 cannot stand here", "a decimal amount in quotes such as \"30.98\""),
    (
        r#""earn": {"mode": "step"}"#,
        "earn.mode",
        "\"step\" is not known",
        "\"proportional\", \"steps\" or \"steps_carried\"",
    ),
    (r#""earn": {"on": "shipped"}"#, "earn.on", "\"shipped\" is not known", "\"placed\", \"paid\" or \"fulfilled\""),
    (r#""earn": {"include_tax": "yes"}"#, "earn.include_tax", "\"yes\" cannot stand here", "true or false"),
    (r#""earn": {"include_shipping": 1}"#, "earn.include_shipping", "1 cannot stand here", "true or false"),
    (
        r#""tiers": {"levels": []}"#,
        "tiers.levels",
        "there are 0 tiers",
        "a list of 1 to 20 tiers, from the lowest to the highest",
    ),
    (
        r#""tiers": {"levels": [{"name": "gold", "from": 500}]}"#,
        "tiers.levels[0].from",
        "a number is no amount",
        "a decimal amount in quotes such as \"500.00\"",
    ),
    (
        r#""tiers": {"by": "orders", "levels": [{"name": "gold", "from": 5}, {"name": "gold", "from": 9}]}"#,
        "tiers.levels[1].name",
        "\"gold\" is the name of another tier",
        "a name that no other tier has",
    ),
    (
        r#""tiers": {"by": "orders", "levels": [{"name": "silver", "from": 5}, {"name": "gold", "from": 5}]}"#,
        "tiers.levels[1].from",
        "no more than the tier before",
        "more than the tier before: from the lowest to the highest",
    ),
    (
        r#""tiers": {"by": "orders", "levels": [{"name": "gold", "from": 5, "times": "-1"}]}"#,
        "tiers.levels[0].times",
        "\"-1\" is no such factor",
        FACTOR,
    ),
    (
        r#""tiers": {"downgrade": "one_step", "levels": [{"name": "gold", "from": "5.00"}]}"#,
        "tiers.downgrade",
        "without a time for which a tier is kept every step would be taken at once",
        "\"straight\", or tiers.keep or tiers.grace_days as well",
    ),
    (
        r#""earn": {"caps": {"day": 0}}"#,
        "earn.caps.day",
        "0 is too few",
        "a whole number from 1 to 1000000000000, or left out",
    ),
    (
        r#""earn": {"caps": {"year": null}}"#,
        "earn.caps.year",
        "null cannot stand here",
        "a whole number from 1 to 1000000000000, or left out",
    ),
    (
        r#""earn": {"mode": "steps_carried", "caps": {"day": 5}}"#,
        "earn.caps",
        "caps cannot stand beside earn.mode \"steps_carried\", where one order completes the step of another",
        "left out, or earn.mode \"steps\" or \"proportional\"",
    ),
    (r#""earn": {"waiting_days": 367}"#, "earn.waiting_days", "367 is too many", "a whole number from 0 to 366"),
    (r#""validity": "always""#, "validity", "\"always\" is not known", VALIDITY),
    (r#""validity": 12"#, "validity", "this value cannot stand here", VALIDITY),
    (r#""validity": null"#, "validity", "this value cannot stand here", VALIDITY),
    (r#""validity": {}"#, "validity", "this value cannot stand here", VALIDITY),
    (r#""validity": "days""#, "validity.days", "a name alone cannot stand here", "a whole number from 1 to 36500"),
    (r#""validity": {"never": 5}"#, "validity.never", "5 cannot stand here", VALIDITY),
    (r#""validity": {"days": 1, "months": 1}"#, "validity", "this value cannot stand here", VALIDITY),
    (r#""validity": ["never"]"#, "validity", "a list cannot stand here", VALIDITY),
    (r#""validity": {"weeks": 2}"#, "validity", "\"weeks\" is not known", VALIDITY),
    (r#""validity": {"days": 0}"#, "validity.days", "0 is too few", "a whole number from 1 to 36500"),
    (r#""validity": {"days": "30"}"#, "validity.days", "\"30\" cannot stand here", "a whole number from 1 to 36500"),
    (r#""validity": {"months": 1201}"#, "validity.months", "1201 is too many", "a whole number from 1 to 1200"),
    (
        r#""validity": {"inactive_months": 0}"#,
        "validity.inactive_months",
        "0 is too few",
        "a whole number from 1 to 1200",
    ),
    (r#""activities": {"birthday": -1}"#, "activities.birthday", "-1 is too few", "a whole number from 0 to 1000000"),
    (
        r#""activities": {"custom": [{"name": "visit", "points": 0}]}"#,
        "activities.custom[0].points",
        "0 is too few",
        "a whole number from 1 to 1000000",
    ),
    (
        r#""activities": {"custom": [{"name": "visit", "points": 1}, {"name": "visit", "points": 2}]}"#,
        "activities.custom[1].name",
        "\"visit\" is there already",
        "a name that no other activity has",
    ),
    (r#""extend": {"on": "order", "months": 0}"#, "extend.months", "0 is too few", "a whole number from 1 to 1200"),
    (r#""extend": {"on": "login", "months": 1}"#, "extend.on", "\"login\" is not known", "\"order\" or \"earning\""),
    (
        r#""validity": {"inactive_months": 12}, "extend": {"on": "order", "months": 12}"#,
        "extend",
        "points that end after a time without activity are kept alive by it already",
        "the key left out beside validity.inactive_months",
    ),
    (
        r#""validity": {"yearly": "02-30"}"#,
        "validity.yearly",
        "\"02-30\" is no month and day such as 12-31",
        "a month and a day of it in quotes such as \"12-31\"",
    ),
    (
        r#""validity": {"yearly": "2027-12-31"}"#,
        "validity.yearly",
        "\"2027-12-31\" is no month and day such as 12-31",
        "a month and a day of it in quotes such as \"12-31\"",
    ),
    (
        r#""validity": {"until": "31.12.2027"}"#,
        "validity.until",
        "\"31.12.2027\" is not a date such as 2026-03-01",
        "a day in quotes such as \"2027-12-31\", 1970 to 2500",
    ),
    (
        r#""validity": {"until": "2027-02-30"}"#,
        "validity.until",
        "\"2027-02-30\" is not a date such as 2026-03-01",
        "a day in quotes such as \"2027-12-31\", 1970 to 2500",
    ),
    (
        r#""validity": {"until": "2501-01-01"}"#,
        "validity.until",
        "\"2501-01-01\" lies outside the years 1970 to 2500",
        "a day in quotes such as \"2027-12-31\", 1970 to 2500",
    ),
    (r#""claim_days": 367"#, "claim_days", "367 is too many", "a whole number from 0 to 366"),
    (r#""grace_days": -1"#, "grace_days", "-1 is too few", "a whole number from 0 to 366"),
    (r#""redeem": {"points": 0}"#, "redeem.points", "0 is too few", "a whole number from 1 to 1000000"),
    (r#""redeem": {"value": "0"}"#, "redeem.value", "\"0\" is too little", AMOUNT),
    (
        r#""redeem": {"min_value": "-0.01"}"#,
        "redeem.min_value",
        "\"-0.01\" is too little",
        "\"0.00\" to \"100000000000.00\"",
    ),
    (r#""redeem": {"min_points": -1}"#, "redeem.min_points", "-1 is too few", "a whole number from 0 to 1000000000000"),
    (r#""redeem": {"step": 0}"#, "redeem.step", "0 is too few", "a whole number from 1 to 1000000000000"),
    (r#""redeem": {"max_points": 0}"#, "redeem.max_points", "0 is too few", "a whole number from 1 to 1000000000000"),
    (r#""redeem": {"max_value": "0"}"#, "redeem.max_value", "\"0\" is too little", AMOUNT),
    (r#""redeem": {"max_share": "50"}"#, "redeem.max_share", "\"50\" is no such share", SHARE),
    (r#""redeem": {"max_share": "0%"}"#, "redeem.max_share", "\"0%\" is no such share", SHARE),
    (r#""redeem": {"max_share": "0.001%"}"#, "redeem.max_share", "\"0.001%\" is no such share", SHARE),
    (r#""redeem": {"max_share": "100.01%"}"#, "redeem.max_share", "\"100.01%\" is no such share", SHARE),
    (
        r#""redeem": {"min_balance": -1}"#,
        "redeem.min_balance",
        "-1 is too few",
        "a whole number from 0 to 1000000000000",
    ),
    (
        r#""redeem": {"with_discounts": "never"}"#,
        "redeem.with_discounts",
        "\"never\" is not known",
        "\"after\" or \"instead\"",
    ),
    (r#""redeem": {"hold_minutes": 0}"#, "redeem.hold_minutes", "0 is too few", "a whole number from 1 to 120"),
    (r#""redeem": {"hold_minutes": 121}"#, "redeem.hold_minutes", "121 is too many", "a whole number from 1 to 120"),
    (
        r#""redeem": {"on_refund": "goes"}"#,
        "redeem.on_refund",
        "\"goes\" is not known",
        "\"stays\" or \"in_proportion\"",
    ),
    (
        r#""refund": {"shortfall": "forgive"}"#,
        "refund.shortfall",
        "\"forgive\" is not known",
        "\"owe\", \"take_what_is_there\" or \"all_or_nothing\"",
    ),
    (r#""$schema": 1"#, "$schema", "1 cannot stand here", "a text; it is not read"),
];

#[test]
fn each_wrong_value_is_named() {
    for (more, path, what, allowed) in WRONG_VALUES {
        check_key(more, &format!("{path}: {what}; allowed is {allowed}"));
    }
}

#[test]
fn each_wrong_value_of_a_key_that_must_be_there_is_named() {
    let code = "an ISO 4217 code such as USD";
    let zone = "an IANA name such as America/New_York";
    let long = format!("\"{}\"", "x".repeat(121));
    for (was, is, path, what, allowed) in [
        ("1", "2", "format", "2 is no format of this program", "1"),
        ("1", "1.5", "format", "1.5 is no format of this program", "1"),
        ("1", "\"1\"", "format", "\"1\" cannot stand here", "1"),
        ("\"Shop\"", "\"\"", "name", "the text is empty", TEXT),
        ("\"Shop\"", long.as_str(), "name", "the text cannot be used", TEXT),
        ("\"Shop\"", "7", "name", "7 cannot stand here", TEXT),
        ("\"USD\"", "\"usd\"", "currency", "\"usd\" is no currency", code),
        ("\"USD\"", "\"ABC\"", "currency", "\"ABC\" is no currency", code),
        ("\"USD\"", "\"XAU\"", "currency", "\"XAU\" has no coins or notes to count in", code),
        ("\"USD\"", "840", "currency", "840 cannot stand here", code),
        ("\"America/New_York\"", "\"New York\"", "time_zone", "\"New York\" is no time zone", zone),
        ("\"America/New_York\"", "\"\"", "time_zone", "\"\" is no time zone", zone),
        ("\"America/New_York\"", "\"Etc/Unknown\"", "time_zone", "\"Etc/Unknown\" is no time zone", zone),
        ("\"America/New_York\"", "\"+02:00\"", "time_zone", "\"+02:00\" is no time zone", zone),
    ] {
        check(&document("").replacen(was, is, 1), &format!("{path}: {what}; allowed is {allowed}"));
    }
}

#[test]
fn digits_that_a_currency_does_not_have_are_named_with_it() {
    for (currency, per, allowed) in [
        ("JPY", "1.5", "an amount without a point, which JPY does not have"),
        ("KWD", "1.2345", "an amount with at most 3 digits after the point, as KWD has"),
    ] {
        let text = document(&format!(r#""earn": {{"per": "{per}"}}"#)).replace("USD", currency);
        check(&text, &format!("earn.per: \"{per}\" has too many digits after the point; allowed is {allowed}"));
    }
}

#[test]
fn a_rate_that_no_order_could_count_with_is_refused() {
    check_key(
        r#""earn": {"points": 1000000, "per": "0.01"}"#,
        "earn.points: 1000000 points are too many for 0.01; allowed is at most 100000",
    );
    check_key(
        r#""redeem": {"points": 1000000, "value": "0.09"}"#,
        "redeem.points: 1000000 points are too many for 0.09; allowed is at most 900000",
    );
    check_key(
        r#""redeem": {"points": 2, "value": "20000.01"}"#,
        "redeem.value: \"20000.01\" is too much for 2 points; allowed is at most \"20000.00\"",
    );
}

#[test]
fn a_most_below_the_least_is_refused() {
    check_key(
        r#""redeem": {"min_points": 500, "max_points": 400}"#,
        "redeem.max_points: at most 400 points could be redeemed at once, and at least 500; allowed is as much as 500 points \
         or more",
    );
    check_key(
        r#""redeem": {"step": 300, "max_value": "2.00"}"#,
        "redeem.max_value: at most 0 points could be redeemed at once, and at least 300; allowed is as much as 300 points or \
         more",
    );
}

#[test]
fn a_last_day_that_is_over_is_refused_when_the_document_is_saved() {
    let today = Date::new(2026, 3, 1).unwrap();
    let saved = |more: &str| check_today(&document(more), today).map(|_| ()).map_err(|it| it.to_string());
    assert_eq!(saved(r#""validity": {"until": "2026-03-01"}"#), Ok(()));
    assert_eq!(
        saved(r#""validity": {"until": "2026-02-28"}"#),
        Err("validity.until: 2026-02-28 is over: points could not be spent at all; allowed is 2026-03-01 or a later day"
            .to_owned())
    );
    assert_eq!(saved(r#""earn": {"waiting_days": 14}, "validity": {"until": "2026-03-15"}"#), Ok(()));
    assert_eq!(
        saved(r#""earn": {"waiting_days": 14}, "validity": {"until": "2026-03-14"}"#),
        Err("validity.until: points earned today can be spent from 2026-03-15 on, and 2026-03-14 is earlier; allowed \
             is 2026-03-15 or a later day"
            .to_owned())
    );
    // What is in the ledger stays readable.
    assert!(compile(&document(r#""validity": {"until": "2026-02-28"}"#)).is_ok());
}
