//! Members are brought over (M5): tried, brought, sent again, and taken back, with rows that are wrong among them.

use serde_json::{Value, json};

use crate::served::Served;

const PATH: &str = "/v1/programs/Shop/member-imports";

async fn shop() -> Served {
    let served = Served::at("2026-03-02T14:00:00Z");
    let tiers = json!({"by": "points", "levels": [{"name": "Silver", "from": 500}, {"name": "Gold", "from": 5_000}]});
    let document = json!({
        "format": 1, "name": "Shop", "currency": "USD", "time_zone": "UTC", "validity": {"months": 12}, "tiers": tiers,
    });
    let program = json!({"document": document});
    assert_eq!(served.send_keyed("POST", "/v1/programs", Some(&program), "program").await.status, 201);
    let known = json!({"identities": [{"kind": "card", "value": "600"}], "name": "Bea"});
    assert_eq!(served.send_keyed("POST", "/v1/members", Some(&known), "known").await.status, 201);
    served
}

/// Somebody new in three rows, one who is known, and rows that are wrong: a card of somebody else, a tier that is not there, points that
/// are none, a name that stands there twice, and nobody.
fn rows() -> Value {
    json!([
        {"member": "42", "card": "601", "name": "Ana", "points": 120, "expires": "2027-12-31", "credit": "5.00"},
        {"member": "card:601", "points": 30, "expires": "2028-06-30", "tier": "Silver", "tier_until": "2026-12-31"},
        {"member": "42", "email": "ana@example.com", "certificate": "10.00", "certificate_uses": "once"},
        {"member": "card:600", "customer": "43", "points": 1_000, "reference": "bea"},
        {"member": "44", "card": "601", "points": 10},
        {"member": "45", "points": 10, "tier": "Bronze"},
        {"member": "46", "points": 0},
        {"member": "47", "points": 5, "reference": "bea"},
        {"member": " "},
    ])
}

async fn import(served: &Served, mode: &str, rows: &Value) -> Value {
    let body = json!({"name": "old shop", "rows": rows, "mode": mode});
    let answered = served.send("POST", PATH, Some(&body)).await;
    assert_eq!(answered.status, 200, "{}", answered.json());
    answered.json()
}

fn told(answer: &Value, key: &str) -> Vec<Value> {
    answer["data"].as_array().expect("rows").iter().map(|it| it[key].clone()).collect()
}

#[tokio::test]
async fn what_is_tried_is_what_happens_and_happens_once() {
    let served = shop().await;
    let tried = import(&served, "try", &rows()).await;
    assert_eq!(served.send("GET", "/v1/members/customer:42", None).await.status, 404, "nothing of it is there");

    let brought = import(&served, "bring", &rows()).await;
    assert_eq!(tried, brought, "a trial tells what happens");
    assert_eq!(told(&brought, "points"), [120, 30, 0, 1_000, 0, 10, 0, 0, 0]);
    assert_eq!(brought["refused"], 5, "{brought}");
    let problems = told(&brought, "problem");
    let codes: Vec<_> = problems.iter().map(|it| (it["code"].as_str(), it["field"].as_str())).collect();
    let invalid = |field| (Some("invalid"), Some(field));
    assert_eq!(codes[..4], [(None, None); 4]);
    assert_eq!(
        codes[4..],
        [
            (Some("identity_taken"), None),
            (Some("unknown_tier"), Some("tier")),
            invalid("points"),
            invalid("reference"),
            invalid("member"),
        ]
    );
    let account = served.send("GET", "/v1/members/customer:42/accounts/Shop", None).await.json();
    assert_eq!(account["balance"]["available"], 150, "{account}");
    assert_eq!(served.send("GET", "/v1/members/email:ana@example.com", None).await.status, 200);

    for mode in ["try", "bring"] {
        let again = import(&served, mode, &rows()).await;
        assert_eq!(told(&again, "points"), [0; 9], "{mode} again adds nothing");
        assert_eq!(told(&again, "credit"), ["0.00"; 9]);
        assert_eq!(told(&again, "tier"), [false; 9]);
        assert_eq!(told(&again, "signed_up"), [false; 9]);
    }
    let other = json!([{"member": "card:600", "points": 2_000, "reference": "bea"}]);
    let refused = import(&served, "bring", &other).await;
    assert_eq!(refused["data"][0]["problem"]["field"], "points", "other figures than the first time: {refused}");

    let undone = import(&served, "undo", &rows()).await;
    assert_eq!(told(&undone, "points"), [120, 30, 0, 1_000, 0, 10, 0, 0, 0], "{undone}");
    assert_eq!(undone["data"][2]["certificate"], "10.00");
    assert_eq!(served.send("GET", "/v1/members/customer:42", None).await.status, 404, "whom it made is gone");
    assert_eq!(served.send("GET", "/v1/members/card:600", None).await.status, 200, "whom it found stays");
}

#[tokio::test]
async fn a_row_that_is_refused_is_told_by_its_own_keys() {
    let served = shop().await;
    let long = "x".repeat(121);
    let rows = [
        (json!({"member": "1", "points": 5, "expires": "2026-03-01"}), "expires"),
        (json!({"member": "2", "points": 2_000_000_000_000_i64}), "points"),
        (json!({"member": "3", "certificate": "5.00", "certificate_expires": "2026-03-01"}), "certificate_expires"),
        (json!({"member": "4", "certificate": "100000000000.01"}), "certificate"),
        (json!({"member": "5", "credit": "200000000000.00"}), "credit"),
        (json!({"member": "6", "tier": "Silver", "tier_until": "2026-03-01"}), "tier_until"),
        (json!({"member": "7", "birthday": "2027-01-01"}), "birthday"),
        (json!({"member": "8", "type": long}), "type"),
        (json!({"member": "9", "name": "x".repeat(201)}), "name"),
        (json!({"member": "10", "points": 5, "reference": long}), "reference"),
        (json!({"member": "11", "credit": "5.00", "reference": long}), "reference"),
    ];
    let sent: Vec<&Value> = rows.iter().map(|it| &it.0).collect();
    for mode in ["try", "bring"] {
        let answer = import(&served, mode, &json!(sent)).await;
        for (done, (row, field)) in answer["data"].as_array().expect("rows").iter().zip(&rows) {
            let problem = &done["problem"];
            assert_eq!(
                (&problem["code"], &problem["field"]),
                (&json!("invalid"), &json!(field)),
                "{mode} {row}: {done}"
            );
            let detail = problem["detail"].as_str().expect("a sentence");
            assert!(
                detail.starts_with(&format!("{field}: ")) && detail.contains("allowed is "),
                "{mode} {row}: {detail}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_no_import_is_refused_as_a_whole() {
    let served = shop().await;
    let row = json!({"member": "42"});
    let many: Vec<Value> = (0..501).map(|it| json!({"member": format!("c{it}")})).collect();
    for (body, field) in [
        (json!({"name": "x", "rows": []}), "rows"),
        (json!({"name": "x", "rows": many}), "rows"),
        (json!({"name": " ", "rows": [row]}), "name"),
        (json!({"name": "x", "rows": [row], "mode": "hope"}), "mode"),
        (json!({"name": "x", "rows": [{"member": "42", "pionts": 3}]}), "rows[0].pionts"),
    ] {
        let answered = served.send("POST", PATH, Some(&body)).await;
        assert_eq!(answered.status, 422, "{}", answered.json());
        assert_eq!(answered.json()["field"], field, "{}", answered.json());
    }
    assert_eq!(served.send("GET", "/v1/members/customer:42", None).await.status, 404);
}
