//! Points are worth what the member's tier says, whatever is answered (R5).

use serde_json::{Value, json};

use crate::served::Served;

const ACCOUNT: &str = "/v1/members/customer:ana/accounts/Shop";

async fn shop() -> Served {
    let served = Served::at("2026-03-02T14:00:00Z");
    let gold = json!({"name": "Gold", "from": "100.00", "redeem": {"points": 100, "value": "2.00"}});
    let document = json!({
        "format": 1, "name": "Shop", "currency": "USD", "time_zone": "UTC",
        "tiers": {"by": "spend", "within": "12_months", "levels": [gold]},
    });
    let program = json!({"document": document});
    assert_eq!(served.send_keyed("POST", "/v1/programs", Some(&program), "program").await.status, 201);
    let channel = json!({"name": "web", "program": "Shop"});
    assert_eq!(served.send_keyed("POST", "/v1/channels", Some(&channel), "channel").await.status, 201);
    let member = json!({"identities": [{"kind": "customer", "value": "ana"}]});
    assert_eq!(served.send_keyed("POST", "/v1/members", Some(&member), "ana").await.status, 201);
    served
}

fn sale(amount: &str) -> Value {
    let at = "2026-03-02T14:00:00Z";
    json!({
        "member": "customer:ana", "placed_at": at, "paid_at": at,
        "lines": [{"id": "1", "amount": amount}],
    })
}

#[tokio::test]
async fn every_answer_tells_what_points_are_worth_at_the_members_tier() {
    let served = shop().await;
    let note = "to begin with";
    let added = json!({"points": 100, "note": note});
    let path = format!("{ACCOUNT}/adjustments");
    let added = served.send_keyed("POST", &path, Some(&added), "add").await.json();
    assert_eq!((&added["balance"]["available"], &added["balance"]["worth"]), (&json!(100), &json!("1.00")), "{added}");
    let ordered = served.send("PUT", "/v1/channels/web/orders/1", Some(&sale("200.00"))).await.json();
    assert_eq!((&ordered["balance"]["available"], &ordered["balance"]["worth"]), (&json!(300), &json!("6.00")));
    let quote = json!({"channel": "web", "order": sale("10.00")});
    let quoted = served.send("POST", "/v1/quotes", Some(&quote)).await;
    assert!(quoted.text.contains("\"worth\":\"0.08\""), "what it leaves, at the tier: {}", quoted.text);
    let hold = json!({"program": "Shop", "member": "customer:ana", "points": 100});
    let held = served.send_keyed("POST", "/v1/holds", Some(&hold), "hold").await.json();
    assert_eq!(held["balance"]["worth"], "4.00", "{held}");
    let hold = held["id"].as_str().expect("an id");
    let released = served.send("DELETE", &format!("/v1/holds/{hold}"), None).await.json();
    assert_eq!(released["balance"]["worth"], "6.00", "{released}");
    for (path, body) in [
        ("adjustments", json!({"points": 50, "note": note})),
        ("redatings", json!({"expires_at": "2027-07-01T00:00:00Z", "note": note})),
        ("closings", json!({"grace_days": 10, "note": note})),
        ("joinings", json!({"note": note})),
    ] {
        let answered = served.send_keyed("POST", &format!("{ACCOUNT}/{path}"), Some(&body), path).await.json();
        assert_eq!(answered["balance"]["worth"], "7.00", "{path}: {answered}");
    }
    assert_eq!(served.send("GET", ACCOUNT, None).await.json()["balance"]["worth"], "7.00");
}
