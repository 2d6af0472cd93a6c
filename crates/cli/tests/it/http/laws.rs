//! Laws over HTTP while many callers are busy: a quote is kept, nobody spends the points of another, a phone number finds
//! one member.

use serde_json::{Value, json};

use super::caller::{Asked, Caller, Said};
use super::random::Random;
use super::served::{Served, account, entries, member, order, order_path};
use super::twice::at_once;

/// Callers at once.
const CALLERS: usize = 12;

/// What an answer comes to, apart from the words around it.
fn outcome(said: &Said) -> Value {
    let names = ["earned", "redeemed", "asked", "value", "owed", "let_go", "expired", "balance"];
    names.iter().map(|it| (*it).to_owned()).zip(names.iter().map(|it| said.body[*it].clone())).collect()
}

/// Quotes an order, records what was offered, and compares.
async fn quote_and_commit(caller: &mut Caller, reference: &str, known: bool, mut document: Value) {
    let body = json!({ "channel": "web", "reference": known.then_some(reference), "order": document });
    let asked = Asked { method: "POST", path: "/v1/quotes".to_owned(), body: Some(body), key: None };
    let quoted = caller.send(&asked).await.ok();
    document["redeem"] = quoted.body["redeem"].clone();
    let recorded = caller.send(&Asked::put(order_path(reference), document.clone())).await.ok();
    assert_eq!(outcome(&quoted), outcome(&recorded), "{document}");
    assert_eq!(recorded.text("/status"), "recorded");
}

/// One member: new orders with more than can be redeemed, with what can be, and with nothing asked for; then changes.
async fn shop(mut caller: Caller, name: String, mut random: Random) {
    let id = member(&mut caller, &name, 500).await;
    for number in 0..15 {
        let (reference, amount) = (format!("{name}-{number}"), 1 + random.below(100));
        let more = match random.below(3) {
            0 => json!({}),
            1 => json!({ "redeem": random.below(200) }),
            _ => json!({ "redeem": 1_000_000 }),
        };
        quote_and_commit(&mut caller, &reference, false, order(&id, 1, amount, &more)).await;
        let more = match random.below(3) {
            0 => json!({ "refunded": format!("{}.00", random.below(amount + 1)) }),
            1 => json!({ "cancelled_at": super::served::NOW }),
            _ => json!({ "redeem": random.below(50) }),
        };
        quote_and_commit(&mut caller, &reference, true, order(&id, 2, amount, &more)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quote_is_kept_while_others_are_busy() {
    let (served, mut random) = (Served::start().await, Random::new());
    let mut shoppers = Vec::new();
    for (index, caller) in served.callers(CALLERS).await.into_iter().enumerate() {
        shoppers.push(tokio::spawn(shop(caller, format!("m{index}"), random.split())));
    }
    for it in shoppers {
        it.await.expect("every quote is kept");
    }
    served.stop_and_verify().await;
}

/// Many callers want all points of a member at once: one of them gets them.
async fn one_gets_all(served: &Served, caller: &mut Caller, name: &str, asked: impl Fn(&str, usize) -> Asked) {
    let id = member(caller, name, 1_000).await;
    let said = at_once(served.callers(CALLERS).await, |index| asked(&id, index)).await;
    let (done, refused): (Vec<&Said>, Vec<&Said>) = said.iter().partition(|it| it.status < 300);
    assert_eq!(done.len(), 1, "{said:?}");
    let all_refused = refused.iter().all(|it| it.code() == (422, "insufficient_points"));
    assert!(all_refused && refused.iter().all(|it| it.count("/spendable") == 0), "{said:?}");
    let balance = caller.send(&Asked::get(account(&id))).await.ok();
    assert_eq!(balance.count("/balance/available"), 0);
    let spent = ["redeemed", "held", "deducted"].map(|it| balance.count(&format!("/balance/{it}")));
    assert_eq!(spent.iter().sum::<i64>(), 1_000, "{balance:?}");
    assert_eq!(entries(caller, &id).await.len(), 2, "what was refused left nothing");
}

fn pay(id: &str, index: usize) -> Asked {
    // Unpaid, so that it earns nothing.
    let mut document = order(id, 1, 10, &json!({ "redeem": 1_000 }));
    document["paid_at"] = Value::Null;
    Asked::put(order_path(&format!("{id}-{index}")), document)
}

fn hold(id: &str, index: usize) -> Asked {
    let body = json!({ "program": "Points", "member": id, "points": 1_000 });
    Asked::post("/v1/holds", format!("hold-{id}-{index}"), body)
}

fn deduct(id: &str, index: usize) -> Asked {
    let path = format!("{}/adjustments", account(id));
    Asked::post(path, format!("deduct-{id}-{index}"), json!({ "points": -1_000, "note": "all of it" }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn points_are_spent_once() {
    let served = Served::start().await;
    let mut caller = served.caller().await;
    for round in 0..4 {
        one_gets_all(&served, &mut caller, &format!("orders-{round}"), pay).await;
        one_gets_all(&served, &mut caller, &format!("holds-{round}"), hold).await;
        let each = |id: &str, index: usize| [pay, hold, deduct][index % 3](id, index);
        one_gets_all(&served, &mut caller, &format!("each-{round}"), each).await;
    }
    served.stop_and_verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hold_is_its_members_alone() {
    let served = Served::start().await;
    let mut caller = served.caller().await;
    let document = json!({ "format": 1, "name": "Second", "currency": "EUR", "time_zone": "Europe/Zurich" });
    caller.send(&Asked::post("/v1/programs", "program", json!({ "document": document }))).await.ok();
    let (ana, ben) = (member(&mut caller, "ana", 100).await, member(&mut caller, "ben", 100).await);
    let mut holds = Vec::new();
    for id in [&ana, &ben] {
        let body = json!({ "program": "Points", "member": id, "points": 100 });
        let held = caller.send(&Asked::post("/v1/holds", format!("hold-{id}"), body)).await.ok();
        holds.push(held.text("/id").to_owned());
    }
    // Each account's first hold has the number 1: only the rest of its id tells them apart.
    let of_another_program = holds[1].replace("_1_1", "_2_1");
    for hold in [&holds[0], &of_another_program] {
        for name in [ben.as_str(), "customer:ben"] {
            let document = order(name, 1, 10, &json!({ "hold": hold }));
            let said = caller.send(&Asked::put(order_path("B1"), document.clone())).await;
            assert_eq!(said.code(), (404, "unknown_hold"));
            let body = json!({ "channel": "web", "order": document });
            let asked = Asked { method: "POST", path: "/v1/quotes".to_owned(), body: Some(body), key: None };
            assert_eq!(caller.send(&asked).await.code(), (404, "unknown_hold"));
        }
    }
    let document = order("customer:ben", 1, 10, &json!({ "hold": holds[1] }));
    let taken = caller.send(&Asked::put(order_path("B1"), document)).await.ok();
    assert_eq!(taken.count("/redeemed"), 100);
    let again = json!({ "hold": holds[1], "version": 2, "member": null });
    let again = caller.send(&Asked::put(order_path("B1"), order("customer:ben", 2, 10, &again))).await.ok();
    assert_eq!(again.count("/redeemed"), 100);
    let balance = caller.send(&Asked::get(account(&ana))).await.ok();
    assert_eq!(balance.count("/balance/held"), 100);
    served.stop_and_verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_phone_is_one_member() {
    let served = Served::start().await;
    let said = at_once(served.callers(50).await, |index| {
        // People write a number as they like.
        let value = ["+41441234567", "+41 44 123 45 67", "+41-44-123-45-67"][index % 3];
        let body = json!({ "name": format!("Ana {index}"), "identities": [{ "kind": "phone", "value": value }] });
        Asked::post("/v1/members", format!("up-{index}"), body)
    })
    .await;
    let created: Vec<&Said> = said.iter().filter(|it| it.status == 201).collect();
    assert_eq!(created.len(), 1, "{said:?}");
    let others = said.iter().filter(|it| it.status == 200 && it.body["created"] == false);
    assert_eq!(others.filter(|it| it.text("/id") == created[0].text("/id")).count(), 49, "{said:?}");
    let members = served.caller().await.send(&Asked::get("/v1/members")).await.ok();
    assert_eq!(members.body["data"].as_array().map(Vec::len), Some(1));
    served.stop_and_verify().await;
}
