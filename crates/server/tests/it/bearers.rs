//! Certificates that belong to nobody, over the API: made, listed, looked up, used by whoever comes first, and cancelled.

use serde_json::{Value, json};

use crate::served::{Answered, Served};

const PATH: &str = "/v1/bearer-certificates";
const NOW: &str = "2026-03-02T10:00:00Z";

async fn shop() -> Served {
    let served = Served::at(NOW);
    let document = json!({"format": 1, "name": "Shop", "currency": "USD", "time_zone": "UTC"});
    assert_eq!(
        served.send_keyed("POST", "/v1/programs", Some(&json!({"document": document})), "program").await.status,
        201
    );
    let channel = json!({"name": "web", "program": "Shop"});
    assert_eq!(served.send_keyed("POST", "/v1/channels", Some(&channel), "channel").await.status, 201);
    for name in ["ana", "bob"] {
        let member = json!({"identities": [{"kind": "customer", "value": name}]});
        assert_eq!(served.send_keyed("POST", "/v1/members", Some(&member), name).await.status, 201);
    }
    served
}

fn prizes(count: u32) -> Value {
    json!({"program": "Shop", "value": "25.00", "count": count, "note": "Prizes"})
}

async fn made(served: &Served, count: u32, key: &str) -> Vec<Value> {
    let answered = served.send_keyed("POST", PATH, Some(&prizes(count)), key).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    answered.json()["data"].as_array().expect("certificates").clone()
}

async fn listed(served: &Served, query: &str) -> (Vec<Value>, Option<String>) {
    let answered = served.send("GET", &format!("{PATH}{query}"), None).await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    let page = answered.json();
    (page["data"].as_array().expect("certificates").clone(), page["next"].as_str().map(str::to_owned))
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

async fn order(served: &Served, reference: &str, member: &str, certificate: &Value) -> Answered {
    let body = json!({
        "member": format!("customer:{member}"), "placed_at": NOW, "paid_at": NOW,
        "lines": [{"id": "1", "amount": "20.00"}], "certificates": [certificate],
    });
    served.send("PUT", &format!("/v1/channels/web/orders/{reference}"), Some(&body)).await
}

#[tokio::test]
async fn whoever_uses_one_first_has_it_and_reads_so() {
    let served = shop().await;
    let all = made(&served, 3, "prizes").await;
    assert!(all.iter().all(|it| it.get("member").is_none() && it["status"] == "active"), "{all:?}");
    assert_eq!(made(&served, 3, "prizes").await, all, "sent again");
    assert_eq!(listed(&served, "").await.0.len(), 3);

    let paid = order(&served, "A1", "ana", &all[0]["code"]).await;
    assert_eq!(
        (paid.status.as_u16(), &paid.json()["certificates"][0]["pays"]),
        (200, &json!("20.00")),
        "{}",
        paid.text
    );
    let ana = served.send("GET", "/v1/members/customer:ana", None).await.json()["id"].clone();
    for named in [&all[0]["code"], &all[0]["id"]] {
        let found = served.send("GET", &format!("/v1/certificates/{}", text(named)), None).await.json();
        assert_eq!((&found["member"], &found["left"], &found["code"]), (&ana, &json!("5.00"), &all[0]["code"]));
        let late = order(&served, "B1", "bob", named).await;
        assert_eq!((late.status.as_u16(), &late.json()["code"]), (409, &json!("certificate_claimed")), "{}", late.text);
        assert_eq!(
            late.json()["detail"],
            "Somebody else was the first to use this certificate: it belongs to them now."
        );
    }
    let (list, _) = listed(&served, "").await;
    let theirs: Vec<&Value> = list.iter().filter(|it| it["member"] == ana).collect();
    assert_eq!((list.len(), theirs.len(), &theirs[0]["left"]), (3, 1, &json!("5.00")));
    let entries = served.send("GET", "/v1/members/customer:ana/certificates/USD/entries", None).await.json();
    assert_eq!(entries["data"][0]["kind"], "claim");
    assert_eq!(
        entries["data"][0]["text"],
        "Certificate 1: 25.00 that belonged to nobody, until this member used it first"
    );

    // One list of ids is cancelled, whoever has used some of them by now.
    let ids: Vec<&Value> = all.iter().take(2).map(|it| &it["id"]).collect();
    let cancelled = json!({"certificates": ids, "note": "Stolen"});
    let rows = served.send("POST", "/v1/certificate-cancellations", Some(&cancelled)).await.json();
    let told = |row: usize| {
        let row = &rows["data"][row];
        let certificate = &row["certificates"][0];
        (row["outcome"].clone(), certificate["status"].clone(), certificate.get("member").cloned())
    };
    assert_eq!(told(0), (json!("done"), json!("cancelled"), Some(ana)));
    assert_eq!(told(1), (json!("done"), json!("cancelled"), None));
    let gone = order(&served, "B1", "bob", &all[1]["code"]).await;
    assert_eq!((gone.status.as_u16(), &gone.json()["code"]), (422, &json!("certificate_cancelled")), "{}", gone.text);
}

#[tokio::test]
async fn an_order_without_a_member_says_why_it_cannot_use_one() {
    let served = shop().await;
    let all = made(&served, 1, "prizes").await;
    let body = json!({"placed_at": NOW, "lines": [{"id": "1", "amount": "20.00"}], "certificates": [all[0]["code"]]});
    let refused = served.send("PUT", "/v1/channels/web/orders/A1", Some(&body)).await;
    let problem = refused.json();
    assert_eq!((refused.status.as_u16(), &problem["field"]), (422, &json!("certificates")), "{problem}");
    assert_eq!(problem["allowed"], "left out while the order has no member");
}

#[tokio::test]
async fn a_list_goes_on_from_page_to_page() {
    let served = shop().await;
    let mut all: Vec<String> = Vec::new();
    for (count, key) in [(3, "first"), (4, "second")] {
        served.pass_minutes(1);
        all.extend(made(&served, count, key).await.iter().map(|it| text(&it["id"]).to_owned()));
    }
    let (mut found, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let (page, next) = listed(&served, &query).await;
        assert!(!page.is_empty() && page.len() <= 2);
        found.extend(page.iter().map(|it| text(&it["id"]).to_owned()));
        let Some(next) = next else { break };
        query = format!("?limit=2&after={next}");
    }
    assert_eq!(found, all, "in the order in which they were made");
    for (query, status) in [("?limit=0", 422), ("?after=x", 422)] {
        assert_eq!(served.send("GET", &format!("{PATH}{query}"), None).await.status.as_u16(), status, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_made_is_told_by_its_field() {
    let served = shop().await;
    let wrong = [
        (json!({"value": "0.00"}), "value"),
        (json!({"value": "much"}), "value"),
        (json!({"count": 0}), "count"),
        (json!({"count": 101}), "count"),
        (json!({"uses": "twice"}), "uses"),
        (json!({"expires": {"until": "2026-03-01"}}), "expires"),
        (json!({"expires": {"days": 0}}), "expires.days"),
        (json!({"note": ""}), "note"),
    ];
    for (number, (change, field)) in wrong.into_iter().enumerate() {
        let mut body = prizes(1);
        body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
        let refused = served.send_keyed("POST", PATH, Some(&body), &format!("wrong-{number}")).await;
        assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (422, &json!(field)), "{}", refused.text);
    }
    let mut body = prizes(1);
    body["program"] = json!("none");
    assert_eq!(served.send_keyed("POST", PATH, Some(&body), "none").await.status, 404);
    let keyless = served.send("POST", PATH, Some(&prizes(1))).await;
    assert_eq!((keyless.status.as_u16(), &keyless.json()["field"]), (422, &json!("Idempotency-Key")));
    assert_eq!(listed(&served, "").await.0, Vec::<Value>::new());
}
