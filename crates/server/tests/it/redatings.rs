//! Commands on many members at once: moving dates (X4) page by page, tried first and sent again, and leaving (M1).

use std::sync::Arc;

use engine::{Actor, Document, Facts, Money, Timestamp};
use serde_json::{Value, json};
use store::{Body, Command, Identity, IdentityKind, Key, MemberId, MemberRef, Time};

use crate::served::Served;

/// Two more than one request moves, and one without points.
const MEMBERS: u64 = 503;
const NOW: &str = "2026-03-02T14:00:00Z";
const PATH: &str = "/v1/programs/Shop/redatings";

fn member(number: u64) -> MemberId {
    MemberId::derived(Timestamp::parse(NOW).expect(NOW), &number.to_be_bytes())
}

/// A shop whose members have 100 points each until the end of March 2027.
async fn shop() -> Served {
    let served = Served::at(NOW);
    let document = json!({
        "format": 1, "name": "Shop", "currency": "USD", "time_zone": "UTC", "validity": {"months": 12},
    });
    let program = json!({"document": document});
    assert_eq!(served.send_keyed("POST", "/v1/programs", Some(&program), "program").await.status, 201);
    let channel = json!({"name": "web", "program": "Shop"});
    assert_eq!(served.send_keyed("POST", "/v1/channels", Some(&channel), "channel").await.status, 201);
    let now = Timestamp::parse(NOW).expect(NOW);
    let commands = (0..MEMBERS).flat_map(|number| {
        let identities = vec![Identity::new(IdentityKind::Customer, format!("c{number}"))];
        let sign_up = Body::SignUp { id: member(number), name: None, identities, facts: Facts::default() };
        let order = Body::PutOrder {
            channel: "web".to_owned(),
            member: Some(MemberRef::Id(member(number))),
            reference: format!("o{number}"),
            document: Arc::new(Document::sale(*b"USD", Money::new(10_000), now)),
            certificates: None,
        };
        let by =
            |key: Option<String>, actor, body| Command { key: key.map(Key), actor, time: Time::Live, seed: 0, body };
        let order = (number != 0).then(|| by(None, Actor::Channel(1), order));
        [Some(by(Some(format!("s{number}")), Actor::Staff(0), sign_up)), order]
    });
    let sent: Vec<_> = commands.flatten().map(|it| served.app.store().submit(it)).collect();
    for ticket in sent {
        ticket.await.expect("a new member with an order");
    }
    served
}

async fn ask(served: &Served, body: Value, key: &str) -> (u16, Value) {
    let answered = served.send_keyed("POST", PATH, Some(&body), key).await;
    (answered.status.as_u16(), answered.json())
}

#[tokio::test]
async fn everyone_is_moved_page_by_page() {
    let served = shop().await;
    let asked = json!({"expires_at": "2027-07-01T00:00:00Z", "note": "We move"});
    let mut preview = asked.clone();
    preview["preview"] = json!(true);
    let (status, first) = ask(&served, preview.clone(), "").await;
    assert_eq!((status, first["next"].is_string()), (200, true), "{first}");
    preview["after"] = first["next"].clone();
    let (status, last) = ask(&served, preview, "").await;
    assert_eq!((status, &last["next"]), (200, &Value::Null), "{last}");
    let sum = |key: &str, a: &Value, b: &Value| a[key].as_u64().unwrap() + b[key].as_u64().unwrap();
    for (key, expected) in [("members", MEMBERS - 1), ("lots", MEMBERS - 1), ("points", 100 * (MEMBERS - 1))] {
        assert_eq!(sum(key, &first, &last), expected, "{key}");
    }

    // The preview moved nothing: the same is moved now, and once.
    let (status, moved) = ask(&served, asked.clone(), "page-1").await;
    assert_eq!((status, &moved), (201, &first), "as the preview said");
    let (status, again) = ask(&served, asked.clone(), "page-1").await;
    assert_eq!((status, &again), (201, &first), "sent again, it is answered as the first time");
    let mut rest = asked;
    rest["after"] = moved["next"].clone();
    assert_eq!(ask(&served, rest, "page-2").await, (201, last));
    for number in [1, 250, MEMBERS - 1] {
        let lots = served.send("GET", &format!("/v1/members/{}/accounts/Shop/lots", member(number)), None).await;
        assert_eq!(lots.json()["data"][0]["expires_at"], "2027-07-01T00:00:00Z", "{}", lots.text);
        let entries = served.send("GET", &format!("/v1/members/{}/accounts/Shop/entries", member(number)), None).await;
        assert_eq!(entries.json()["data"].as_array().map(Vec::len), Some(2), "{}", entries.text);
    }
}

#[tokio::test]
async fn named_members_are_moved() {
    let served = shop().await;
    let asked = json!({
        "members": ["customer:c1", "customer:c2", "customer:c1", "customer:c0"],
        "expires_at": "2027-07-01T00:00:00Z", "note": "We move",
    });
    let (status, moved) = ask(&served, asked.clone(), "some").await;
    assert_eq!((status, moved), (201, json!({"members": 2, "lots": 2, "points": 200, "next": null})));
    let mut soon = asked;
    soon["expiring_by"] = json!("2027-04-30T00:00:00Z");
    let (status, moved) = ask(&served, soon, "soon").await;
    assert_eq!((status, moved), (201, json!({"members": 0, "lots": 0, "points": 0, "next": null})));
}

#[tokio::test]
async fn what_cannot_be_moves_nothing() {
    let served = shop().await;
    let many: Vec<String> = (0..501).map(|it| format!("customer:c{it}")).collect();
    let note = "We move";
    let ahead = "2027-07-01T00:00:00Z";
    for (body, path) in [
        (json!({"expires_at": "2026-03-01T00:00:00Z", "note": note}), "expires_at"),
        (json!({"expires_at": ahead, "note": ""}), "note"),
        (json!({"expires_at": "soon", "note": note}), "expires_at"),
        (json!({"expires_at": ahead, "expiring_by": "soon", "note": note}), "expiring_by"),
        (json!({"expires_at": ahead, "note": note, "members": ["customer:c1", "customer:x"]}), "members[1]"),
        (json!({"expires_at": ahead, "note": note, "members": []}), "members"),
        (json!({"expires_at": ahead, "note": note, "members": many}), "members"),
        (json!({"expires_at": ahead, "note": note, "members": ["customer:c1"], "after": "mem_1"}), "after"),
        (json!({"expires_at": ahead, "note": note, "after": "mem_1"}), "after"),
    ] {
        for preview in [false, true] {
            let mut body = body.clone();
            body["preview"] = json!(preview);
            let (status, problem) = ask(&served, body.clone(), "refused").await;
            assert_eq!((status, &problem["field"]), (422, &json!(path)), "{body}: {problem}");
        }
    }
    let (status, problem) = ask(&served, json!({"expires_at": ahead, "note": note}), "").await;
    assert_eq!((status, &problem["field"]), (422, &json!("Idempotency-Key")), "{problem}");
    let entries = served.send("GET", &format!("/v1/members/{}/accounts/Shop/entries", member(1)), None).await;
    assert_eq!(entries.json()["data"].as_array().map(Vec::len), Some(1), "{}", entries.text);
}

#[tokio::test]
async fn a_name_that_cannot_be_closes_nobody() {
    let served = shop().await;
    let body = json!({"members": ["customer:c1", "fax:1"], "grace_days": 30, "note": "The club ends"});
    let refused = served.send_keyed("POST", "/v1/programs/Shop/closings", Some(&body), "close").await;
    assert_eq!((refused.status.as_u16(), &refused.json()["field"]), (422, &json!("members[1]")), "{}", refused.text);
    // Whatever was on its way would be in the ledger after a command that came later.
    let named = json!({"members": ["customer:c2"], "grace_days": 30, "note": "The club ends"});
    let closed = served.send_keyed("POST", "/v1/programs/Shop/closings", Some(&named), "close-one").await;
    assert_eq!((closed.status.as_u16(), &closed.json()["done"]), (200, &json!(1)), "{}", closed.text);
    for (number, kinds) in [(1, 1), (2, 2)] {
        let entries = served.send("GET", &format!("/v1/members/{}/accounts/Shop/entries", member(number)), None).await;
        assert_eq!(entries.json()["data"].as_array().map(Vec::len), Some(kinds), "{}", entries.text);
    }
}
