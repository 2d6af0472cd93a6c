//! Rewards that points become (C2): their keys in program documents, how they are told, and a run that hands them out.

use serde_json::{Value, json};

use crate::faults::check_key;
use crate::plain::check;
use crate::served::Served;

const AMOUNT: &str = "\"0.01\" to \"100000000000.00\"";

/// What stands in a document, the path of its fault, what is wrong and what is allowed.
const WRONG_VALUES: &[(&str, &str, &str, &str)] = &[
    (
        r#""convert": {"points": 250}"#,
        "convert.credit",
        "the key is missing",
        "a decimal amount in quotes such as \"30.98\"",
    ),
    (
        r#""convert": {"points": 250, "credit": "5.00", "certificate": {"value": "5.00"}}"#,
        "convert.certificate",
        "points become one or the other",
        "the key left out beside convert.credit",
    ),
    (
        r#""convert": {"points": 250, "certificate": "5.00"}"#,
        "convert.certificate",
        "\"5.00\" cannot stand here",
        "an object such as {\"value\": \"25.00\"}, or left out",
    ),
    (
        r#""convert": {"points": 250, "certificate": {"value": "0.00"}}"#,
        "convert.certificate.value",
        "\"0.00\" is too little",
        AMOUNT,
    ),
    (
        r#""convert": {"points": 250, "certificate": {"value": "5.00", "uses": "twice"}}"#,
        "convert.certificate.uses",
        "\"twice\" is not known",
        "\"several\" or \"once\"",
    ),
    (
        r#""convert": {"points": 250, "certificate": {"value": "5.00", "given": "later"}}"#,
        "convert.certificate.given",
        "\"later\" is not known",
        "\"at_once\" or \"by_staff\"",
    ),
    (
        r#""convert": {"points": 250, "certificate": {"value": "5.00", "validity": {"days": 0}}}"#,
        "convert.certificate.validity.days",
        "0 is too few",
        "a whole number from 1 to 36500",
    ),
    (
        r#""convert": {"points": 250, "certificate": {"value": "5.00", "validity": {"until": "soon"}}}"#,
        "convert.certificate.validity.until",
        "\"soon\" is not a date such as 2026-03-01",
        "a day such as \"2027-12-31\"",
    ),
];

#[test]
fn each_wrong_value_is_named() {
    for (more, path, what, allowed) in WRONG_VALUES {
        check_key(more, &format!("{path}: {what}; allowed is {allowed}"));
    }
}

#[test]
fn rewards_are_told_with_what_is_made_of_points() {
    check(
        r#""convert": {"points": 250, "certificate": {"value": "25.00", "uses": "once", "validity": {"days": 90}}}"#,
        &[
            "Each 250 points become a certificate worth 25.00 the moment they are reached. 625 points become 2 certificates, and \
             125 points remain. It can be used on one order, for 90 days. When too few points are left to be taken back, \
             certificates that points became and of which nothing is used are taken first, latest first.",
        ],
    );
    check(
        r#""convert": {"points": 10, "certificate": {"value": "1.00", "given": "by_staff", "validity": {"until": "2499-12-31"}}}"#,
        &[
            "Each 10 points become a certificate worth 1.00 when staff hand it out, and are collected until then. 25 points \
             become 2 certificates, and 5 points remain. It can be used on several orders, until it is empty, until 2499-12-31. \
             When too few points are left to be taken back, certificates that points became and of which nothing is used are \
             taken first, latest first.",
        ],
    );
}

const NOW: &str = "2026-03-02T14:00:00Z";
const PATH: &str = "/v1/programs/Shop/collections";

/// A shop with three members: of 620, of 249 and of 250 points.
async fn shop(given: &str) -> Served {
    let served = Served::at(NOW);
    let certificate = json!({"value": "25.00", "uses": "once", "given": given});
    let document = json!({
        "format": 1, "name": "Shop", "currency": "USD", "time_zone": "UTC",
        "convert": {"points": 250, "certificate": certificate},
    });
    let program = json!({"document": document});
    assert_eq!(served.send_keyed("POST", "/v1/programs", Some(&program), "program").await.status, 201);
    for (name, points) in [("ana", 620), ("bob", 249), ("cleo", 250)] {
        let member = json!({"identities": [{"kind": "customer", "value": name}]});
        assert_eq!(served.send_keyed("POST", "/v1/members", Some(&member), name).await.status, 201);
        let path = format!("/v1/members/customer:{name}/accounts/Shop/adjustments");
        let points = json!({"points": points, "note": "to begin with"});
        assert_eq!(served.send_keyed("POST", &path, Some(&points), &format!("{name}-points")).await.status, 201);
    }
    served
}

async fn ask(served: &Served, body: Value, key: &str) -> (u16, Value) {
    let answered = served.send_keyed("POST", PATH, Some(&body), key).await;
    (answered.status.as_u16(), answered.json())
}

#[tokio::test]
async fn a_run_hands_out_what_everyone_has_reached_once() {
    let served = shop("by_staff").await;
    let asked = json!({"note": "March"});
    let (status, preview) = ask(&served, json!({"note": "March", "preview": true}), "").await;
    assert_eq!((status, preview), (200, json!({"members": 2, "rewards": 3, "data": [], "next": null})));
    let (status, first) = ask(&served, asked.clone(), "march").await;
    assert_eq!((status, &first["members"], &first["rewards"]), (201, &json!(2), &json!(3)), "{first}");
    let rows = first["data"].as_array().expect("a row for each");
    let codes = rows.iter().flat_map(|it| it["certificates"].as_array().expect("what was made"));
    let codes: Vec<&str> = codes.map(|it| it["code"].as_str().expect("a code to print")).collect();
    assert_eq!(codes.len(), 3);
    assert_eq!(ask(&served, asked.clone(), "march").await, (201, first.clone()), "a run that is sent again");
    let (_, again) = ask(&served, asked, "march-2").await;
    assert_eq!(again, json!({"members": 0, "rewards": 0, "data": [], "next": null}), "nobody has reached another");
    let account = served.send("GET", "/v1/members/customer:ana/accounts/Shop", None).await;
    assert_eq!(account.json()["balance"]["available"], 120, "{}", account.text);
    let found = served.send("GET", &format!("/v1/certificates/{}", codes[0]), None).await;
    assert_eq!(found.json()["left"], "25.00", "{}", found.text);
}

#[tokio::test]
async fn what_cannot_be_hands_out_nothing() {
    let served = shop("by_staff").await;
    for (body, field) in [
        (json!({"note": ""}), "note"),
        (json!({"note": "March", "members": ["customer:ana", "customer:x"]}), "members[1]"),
        (json!({"note": "March", "after": "mem_1"}), "after"),
    ] {
        for preview in [false, true] {
            let mut body = body.clone();
            body["preview"] = json!(preview);
            let (status, problem) = ask(&served, body.clone(), "refused").await;
            assert_eq!((status, &problem["field"]), (422, &json!(field)), "{body}: {problem}");
        }
    }
    let (status, problem) = ask(&served, json!({"note": "March"}), "").await;
    assert_eq!((status, &problem["field"]), (422, &json!("Idempotency-Key")), "{problem}");
    let certificates = served.send("GET", "/v1/members/customer:ana/certificates", None).await;
    assert_eq!(certificates.json()["data"], json!([]), "{}", certificates.text);
    // Where points become certificates by themselves, there is nothing to hand out.
    let (status, problem) = ask(&shop("at_once").await, json!({"note": "March"}), "march").await;
    assert_eq!((status, &problem["code"]), (422, &json!("no_rewards")), "{problem}");
}

#[tokio::test]
async fn an_account_tells_how_far_the_next_reward_is() {
    let served = shop("by_staff").await;
    for (name, reached, missing) in [("ana", 2, 130), ("bob", 0, 1), ("cleo", 1, 250)] {
        let account = served.send("GET", &format!("/v1/members/customer:{name}/accounts/Shop"), None).await;
        let expected = json!({
            "points": 250, "value": "25.00", "given": "by_staff", "reached": reached, "missing": missing,
        });
        assert_eq!(account.json()["rewards"], expected, "{}", account.text);
    }
}
