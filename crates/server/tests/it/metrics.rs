//! What the server tells whoever watches it: figures that are right, in a format that Prometheus reads, and nothing of
//! anybody.

use axum::body::Body as HttpBody;
use axum::http::Request;
use serde_json::json;
use store::Scopes;

use crate::examples::examples;
use crate::served::{Answered, Served};

const WATCHER: &str = "gdn_3333333333333333333333333333333333333333";

async fn metrics(served: &Served) -> Answered {
    let request = Request::builder().uri("/metrics").header("authorization", format!("Bearer {WATCHER}"));
    served.ask(request.body(HttpBody::empty()).expect("a request")).await
}

/// The value of a line such as `name{label="value"}`.
fn value(text: &str, line: &str) -> f64 {
    let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("{line} is told:\n{text}")).parse().expect("a number")
}

#[tokio::test]
async fn a_shops_first_day_is_counted_and_nobody_is_named() {
    let served = Served::at("2026-03-02T14:00:00Z");
    // The first day revokes the second key.
    served.add_key("gdn_spare", Scopes::READ);
    served.add_key(WATCHER, Scopes::METRICS);
    let mut answers = Vec::new();
    for example in examples() {
        answers.push(example.send(&served).await);
    }
    let answered = metrics(&served).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert_eq!(answered.header("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
    let text = &answered.text;

    let refused = answers.iter().filter(|it| it.header("content-type") == "application/problem+json");
    let of_code = |code: &str| refused.clone().filter(|it| it.json()["code"] == code).count();
    for code in ["insufficient_points", "version_conflict", "invalid"] {
        let told = value(text, &format!("guerdon_http_problems_total{{code=\"{code}\"}}"));
        assert!(0 < of_code(code) && told == f64::from(u32::try_from(of_code(code)).expect("few")), "{code}: {told}");
    }
    let sum = |start: &str| {
        let lines = text.lines().filter(|it| it.starts_with(start)).filter_map(|it| it.rsplit(' ').next());
        lines.map(|it| it.parse::<f64>().expect("a number")).sum::<f64>()
    };
    let requests = f64::from(u32::try_from(answers.len()).expect("few"));
    assert_eq!(sum("guerdon_http_request_duration_seconds_count"), requests, "each request is counted once");
    assert_eq!(sum("guerdon_commands_total"), value(text, "guerdon_batch_commands_sum"), "each command once");
    assert!(5.0 < value(text, "guerdon_commands_total{kind=\"put_order\",outcome=\"done\"}"));
    assert!(0.0 < value(text, "guerdon_commands_total{kind=\"put_order\",outcome=\"refused\"}"));
    let batches = value(text, "guerdon_batch_commands_count");
    assert_eq!(value(text, "guerdon_batch_commands_bucket{le=\"+Inf\"}"), batches);
    assert_eq!(value(text, "guerdon_batch_duration_seconds_count"), batches);
    assert_eq!(value(text, "guerdon_queue_commands{queue=\"live\"}"), 0.0);
    assert_eq!(value(text, "guerdon_database_up"), 1.0);
    assert_eq!(value(text, "guerdon_store_stopped"), 0.0);
    assert_eq!(value(text, concat!("guerdon_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"}")), 1.0);

    for personal in ["mem_", "@", "+41", "Ana", "A-1", "web", "Points"] {
        assert!(!text.contains(personal), "{personal}:\n{text}");
    }
}

#[tokio::test]
async fn what_the_sweeper_has_not_done_yet_is_told_in_seconds() {
    let served = Served::at("2026-03-02T14:00:00Z");
    served.add_key(WATCHER, Scopes::METRICS);
    let document = json!({
        "format": 1, "name": "Points", "currency": "EUR", "time_zone": "UTC",
        "earn": { "points": 1, "per": "1.00", "on": "paid" }, "validity": { "months": 1 },
    });
    let keyed = async |path: &str, body: serde_json::Value, key: &str| {
        let answered = served.send_keyed("POST", path, Some(&body), key).await;
        assert!(answered.status.is_success(), "{}", answered.text);
        answered.json()
    };
    keyed("/v1/programs", json!({ "document": document }), "1").await;
    let member = json!({ "identities": [{ "kind": "customer", "value": "1" }] });
    let id = keyed("/v1/members", member, "2").await["id"].as_str().expect("an id").to_owned();
    let path = format!("/v1/members/{id}/accounts/Points/adjustments");
    keyed(&path, json!({ "points": 5, "note": "welcome" }), "3").await;
    assert_eq!(value(&metrics(&served).await.text, "guerdon_sweep_lag_seconds"), 0.0);

    served.set_clock("2026-05-01T00:00:00Z");
    let late = value(&metrics(&served).await.text, "guerdon_sweep_lag_seconds");
    assert!(20.0 * 86_400.0 < late && late < 60.0 * 86_400.0, "{late}");
    let (app, now) = (served.app.clone(), served.app.store().now());
    let swept = tokio::task::spawn_blocking(move || store::sweep(app.store(), now, &mut |_| ())).await;
    assert_eq!(swept.expect("no panic").expect("a ledger").accounts, 1);
    assert_eq!(value(&metrics(&served).await.text, "guerdon_sweep_lag_seconds"), 0.0);
}
