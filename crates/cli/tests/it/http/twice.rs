//! Law 2 over HTTP: what is sent again, by several callers at once and in between everything else, changes nothing.
//!
//! A shop in which every request is sent again and again ends up with the entries of one in which each was sent once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::caller::{Asked, Caller, Said};
use super::random::Random;
use super::served::{Served, account, entries, member, order, order_path};

const MEMBERS: usize = 8;
const REPEATERS: usize = 6;
const STEPS: u64 = 30;

/// Every request that was sent, told before it goes, and every answer that anybody got to one.
#[derive(Clone, Default)]
struct Told {
    asked: Arc<Mutex<Vec<Asked>>>,
    said: Arc<Mutex<Vec<(Asked, Said)>>>,
}

impl Told {
    async fn send(&self, caller: &mut Caller, asked: Asked) -> Said {
        self.asked.lock().expect("nobody panicked").push(asked.clone());
        self.repeat(caller, asked).await
    }

    async fn repeat(&self, caller: &mut Caller, asked: Asked) -> Said {
        let said = caller.send(&asked).await.ok();
        self.said.lock().expect("nobody panicked").push((asked, said.clone()));
        said
    }

    fn pick(&self, random: &mut Random) -> Option<Asked> {
        random.pick(&self.asked.lock().expect("nobody panicked")).cloned()
    }
}

/// What one member does, one request after the other: orders that change and shrink, holds, adjustments. All of it is
/// accepted, whatever the others do.
struct Line {
    name: String,
    member: String,
    random: Random,
    orders: Vec<(String, u64, u64)>,
    holds: Vec<String>,
}

impl Line {
    async fn run(mut self, mut caller: Caller, told: Told) -> (String, Vec<Value>) {
        let body = json!({ "identities": [{ "kind": "customer", "value": self.name }] });
        let signed_up = told.send(&mut caller, Asked::post("/v1/members", format!("up-{}", self.name), body)).await;
        signed_up.text("/id").clone_into(&mut self.member);
        self.adjust(&mut caller, &told, 0, 10_000).await;
        for step in 1..=STEPS {
            self.step(&mut caller, &told, step).await;
        }
        let entries = entries(&mut caller, &self.member).await;
        (self.member, entries)
    }

    async fn step(&mut self, caller: &mut Caller, told: &Told, step: u64) {
        let points = self.random.below(300);
        match self.random.below(6) {
            0 => {
                let points = i64::try_from(points).expect("a small number");
                let sign = if self.random.below(2) == 0 { -1 } else { 1 };
                self.adjust(caller, told, step, sign * (points + 1)).await;
            }
            1 => {
                let body = json!({ "program": "Points", "member": self.member, "points": points + 1 });
                let key = format!("hold-{}-{step}", self.name);
                let held = told.send(caller, Asked::post("/v1/holds", key, body)).await;
                self.holds.push(held.text("/id").to_owned());
            }
            2 => match self.holds.pop() {
                Some(hold) if points.is_multiple_of(2) => {
                    let method = "DELETE";
                    let path = format!("/v1/holds/{hold}");
                    told.send(caller, Asked { method, path, body: None, key: None }).await;
                }
                Some(hold) => self.order(caller, told, step, &json!({ "hold": hold })).await,
                None => self.order(caller, told, step, &json!({})).await,
            },
            3 => self.order(caller, told, step, &json!({ "redeem": points })).await,
            _ => self.change(caller, told, points).await,
        }
    }

    async fn adjust(&mut self, caller: &mut Caller, told: &Told, step: u64, points: i64) {
        let path = format!("{}/adjustments", account(&self.member));
        let body = json!({ "points": points, "note": format!("step {step}") });
        told.send(caller, Asked::post(path, format!("adjust-{}-{step}", self.name), body)).await;
    }

    async fn order(&mut self, caller: &mut Caller, told: &Told, step: u64, more: &Value) {
        let (reference, amount) = (format!("{}-{step}", self.name), 10 + self.random.below(200));
        self.put(caller, told, &reference, 1, amount, more).await;
        self.orders.push((reference, 1, amount));
    }

    /// Another amount, or some of it is paid back.
    async fn change(&mut self, caller: &mut Caller, told: &Told, points: u64) {
        let Some((reference, version, amount)) = self.random.pick(&self.orders).cloned() else { return };
        let refunded = points % (amount + 1);
        let (amount, more) = match self.random.below(2) {
            0 => (10 + self.random.below(200), json!({})),
            _ => (amount, json!({ "refunded": format!("{refunded}.00") })),
        };
        self.put(caller, told, &reference, version + 1, amount, &more).await;
        let known = self.orders.iter_mut().find(|(it, _, _)| *it == reference).expect("it was picked");
        (known.1, known.2) = (version + 1, amount);
    }

    async fn put(&self, caller: &mut Caller, told: &Told, reference: &str, version: u64, amount: u64, more: &Value) {
        told.send(caller, Asked::put(order_path(reference), order(&self.member, version, amount, more))).await;
    }
}

/// Runs all lines at once; with repeaters, who send again whatever anybody has sent. Answers each member's entries.
async fn run(served: &Served, seed: &Random, repeaters: usize) -> (Vec<(String, Vec<Value>)>, Told) {
    let (told, mut random) = (Told::default(), seed.clone());
    let done = Arc::new(AtomicBool::new(false));
    let mut lines = Vec::new();
    for index in 0..MEMBERS {
        let (name, member) = (format!("m{index}"), String::new());
        let line = Line { name, member, random: random.split(), orders: Vec::new(), holds: Vec::new() };
        lines.push(tokio::spawn(line.run(served.caller().await, told.clone())));
    }
    let mut repeating = JoinSet::new();
    for mut caller in served.callers(repeaters).await {
        let (told, done, mut random) = (told.clone(), Arc::clone(&done), random.split());
        repeating.spawn(async move {
            while !done.load(Ordering::Relaxed) {
                match told.pick(&mut random) {
                    Some(asked) => drop(told.repeat(&mut caller, asked).await),
                    None => tokio::task::yield_now().await,
                }
            }
        });
    }
    let mut ledgers = Vec::new();
    for line in lines {
        ledgers.push(line.await.expect("every request is answered"));
    }
    done.store(true, Ordering::Relaxed);
    while let Some(ended) = repeating.join_next().await {
        ended.expect("every request is answered again");
    }
    (ledgers, told)
}

/// The same text for the same member, whose id is drawn.
fn without_ids(value: &impl serde::Serialize, members: &[String]) -> String {
    let mut text = serde_json::to_string(value).expect("JSON");
    for (index, member) in members.iter().enumerate() {
        text = text.replace(member.trim_start_matches("mem_"), &format!("member-{index}"));
    }
    text
}

/// Of an answer to a document: what does not depend on when it is given.
fn standing(said: &Said) -> Value {
    let mut standing = said.body.clone();
    let object = standing.as_object_mut().expect("an object");
    for name in ["status", "balance", "text"] {
        object.remove(name);
    }
    object["earned"].as_object_mut().expect("an object").remove("before");
    standing
}

/// All answers to one request are one answer, and a document is recorded once.
fn check_answers(told: &Told) -> usize {
    let said = told.said.lock().expect("nobody panicked");
    let asked = told.asked.lock().expect("nobody panicked");
    for asked in asked.iter() {
        let answers: Vec<&Said> = said.iter().filter(|(it, _)| it == asked).map(|(_, said)| said).collect();
        if asked.key.is_some() {
            assert!(answers.iter().all(|it| *it == answers[0]), "{asked:?}: {answers:?}");
        } else if asked.method == "PUT" {
            let with = |status: &str| answers.iter().filter(|it| it.text("/status") == status).collect::<Vec<_>>();
            let (recorded, retried) = (with("recorded"), with("retry"));
            assert_eq!(recorded.len(), 1, "{asked:?}: {answers:?}");
            assert!(retried.iter().all(|it| standing(it) == standing(recorded[0])), "{asked:?}: {answers:?}");
        }
    }
    said.len() - asked.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_sent_again_changes_nothing() {
    let seed = Random::new();
    let (once, often) = (Served::start().await, Served::start().await);
    let (expected, _) = run(&once, &seed, 0).await;
    let (found, told) = run(&often, &seed, REPEATERS).await;
    let repeated = check_answers(&told);
    assert!(MEMBERS < repeated, "only {repeated} requests were sent again");

    // And all of it once more, in its order, when everything is over.
    let asked = told.asked.lock().expect("nobody panicked").clone();
    let mut caller = often.caller().await;
    for asked in asked {
        told.repeat(&mut caller, asked).await;
    }
    check_answers(&told);

    let ids = |ledgers: &[(String, Vec<Value>)]| ledgers.iter().map(|(id, _)| id.clone()).collect::<Vec<_>>();
    let (expected_ids, found_ids) = (ids(&expected), ids(&found));
    for (index, ((_, expected), (id, found))) in expected.iter().zip(&found).enumerate() {
        let last = entries(&mut caller, id).await;
        let (expected, found) = (without_ids(expected, &expected_ids), without_ids(found, &found_ids));
        assert_eq!(found, without_ids(&last, &found_ids), "member {index}: sending it all again left entries");
        assert_eq!(expected, found, "member {index}: repeating left other entries");
    }
    eprintln!("{repeated} of {} requests were repetitions", told.said.lock().expect("nobody panicked").len());
    once.stop_and_verify().await;
    often.stop_and_verify().await;
}

/// Sends one request from many callers at the same moment.
pub(super) async fn at_once(callers: Vec<Caller>, asked: impl Fn(usize) -> Asked) -> Vec<Said> {
    let barrier = Arc::new(Barrier::new(callers.len()));
    let mut sending = Vec::new();
    for (index, mut caller) in callers.into_iter().enumerate() {
        let (barrier, asked) = (Arc::clone(&barrier), asked(index));
        sending.push(tokio::spawn(async move {
            barrier.wait().await;
            caller.send(&asked).await
        }));
    }
    let mut said = Vec::new();
    for it in sending {
        said.push(it.await.expect("every request is answered"));
    }
    said
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_key_sent_by_many_at_once_has_one_effect_and_one_answer() {
    let served = Served::start().await;
    let mut caller = served.caller().await;
    let ana = member(&mut caller, "ana", 1_000).await;
    let document = json!({ "format": 1, "name": "Second", "currency": "EUR", "time_zone": "Europe/Zurich" });
    let requests = [
        ("/v1/members", json!({ "name": "Ben", "identities": [{ "kind": "phone", "value": "+41441234567" }] })),
        ("/v1/holds", json!({ "program": "Points", "member": ana, "points": 100 })),
        (&format!("{}/adjustments", account(&ana)), json!({ "points": -100, "note": "once" })),
        ("/v1/programs", json!({ "document": document })),
        ("/v1/programs/Second/versions", json!({ "document": document, "effective_at": "2027-01-01T00:00:00Z" })),
        ("/v1/programs/Second/switches", json!({ "on": false })),
        ("/v1/channels", json!({ "name": "till", "program": "Second" })),
    ];
    for (index, (path, body)) in requests.iter().enumerate() {
        let asked = Asked::post(*path, format!("key-{index}"), body.clone());
        let said = at_once(served.callers(16).await, |_| asked.clone()).await;
        assert!(said.iter().all(|it| *it == said[0] && it.status < 300), "{path}: {said:?}");
        assert_eq!(caller.send(&asked).await, said[0], "{path}");
        let mut other = asked.clone();
        other.body = Some(json!({ "points": 7, "note": "other", "on": true, "name": "other", "program": "Points" }));
        let other = caller.send(&other).await;
        assert_eq!(other.status, 422, "{path}: {other:?}");
    }
    let asked = Asked::post("/v1/keys", "key-key", json!({ "name": "Till", "scopes": ["read"] }));
    let said = at_once(served.callers(16).await, |_| asked.clone()).await;
    let made = said.iter().filter(|it| it.status == 201).count();
    let told_once = said.iter().filter(|it| it.code() == (409, "already_made")).count();
    assert_eq!((made, told_once), (1, 15), "{said:?}");

    let balance = caller.send(&Asked::get(account(&ana))).await.ok();
    let figures = ["available", "held", "deducted"].map(|it| balance.count(&format!("/balance/{it}")));
    assert_eq!(figures, [800, 100, 100]);
    for (path, count) in [("/v1/members", 2), ("/v1/programs", 2), ("/v1/programs/Second/versions", 2)] {
        let listed = caller.send(&Asked::get(path)).await.ok();
        assert_eq!(listed.body["data"].as_array().map(Vec::len), Some(count), "{path}");
    }
    served.stop_and_verify().await;
}
