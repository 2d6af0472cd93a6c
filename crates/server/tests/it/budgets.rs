//! How much of a promotion's budget is used, as the API tells it (E15).

use serde_json::{Value, json};

use crate::served::Served;

const NOW: &str = "2026-03-02T14:00:00Z";

async fn post(served: &Served, path: &str, body: Value) {
    let answered = served.send_keyed("POST", path, Some(&body), path).await;
    assert_eq!(answered.status, 201, "{}", answered.text);
}

async fn order(served: &Served, reference: &str, amount: &str) -> Value {
    let line = json!({"id": "1", "quantity": 1, "amount": amount});
    let body = json!({
        "member": format!("customer:{reference}"), "currency": "USD", "placed_at": NOW, "paid_at": NOW, "lines": [line],
    });
    let identity = json!({"identities": [{"kind": "customer", "value": reference}]});
    served.send_keyed("POST", "/v1/members", Some(&identity), reference).await;
    let answered = served.send("PUT", &format!("/v1/channels/web/orders/{reference}"), Some(&body)).await;
    assert!(answered.status.is_success(), "{}", answered.text);
    answered.json()
}

#[tokio::test]
async fn a_program_tells_how_much_of_its_budgets_is_used() {
    let served = Served::at(NOW);
    let document = json!({
        "format": 1, "name": "Shop", "currency": "USD", "time_zone": "UTC",
        "promotions": [
            {"name": "Launch", "times": "2", "budget": 60},
            {"name": "Always", "points": 5},
        ],
    });
    post(&served, "/v1/programs", json!({"document": document})).await;
    post(&served, "/v1/channels", json!({"name": "web", "program": "Shop"})).await;
    let budgets = async || served.send("GET", "/v1/programs/Shop", None).await.json()["budgets"].clone();
    assert_eq!(budgets().await, json!([{"promotion": "Launch", "points": 60, "used": 0}]));
    assert_eq!(order(&served, "a", "40.00").await["earned"]["points"], 85);
    assert_eq!(budgets().await, json!([{"promotion": "Launch", "points": 60, "used": 40}]));
    let second = order(&served, "b", "40.00").await;
    assert_eq!(second["earned"]["points"], 65);
    let promotions = &second["earned"]["worked"]["promotions"];
    assert_eq!(promotions[1]["budget"], json!({"most": 60, "called_for": 40, "given": 20}));
    let text = second["text"].to_string();
    assert!(text.contains("2 times on 40.00 by “Launch”, whose budget left 20 points of 40 points"), "{text}");
    assert_eq!(budgets().await, json!([{"promotion": "Launch", "points": 60, "used": 60}]));
    let text = order(&served, "c", "10.00").await["text"].to_string();
    assert!(text.contains("by “Launch”, whose budget is used up"), "{text}");
}
