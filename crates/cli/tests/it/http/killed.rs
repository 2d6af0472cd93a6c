//! Acknowledged means durable, over HTTP: the real server is killed under load at any moment, and told to stop under load.
//!
//! `CRASH_ROUNDS` sets the number of kills (`./dev crash`), `HTTP_SEED` repeats a run.

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::sync::Notify;

use super::caller::{Asked, Caller, Said};
use super::process::{Process, order_now, shop};
use super::random::Random;
use super::served::{SECRET, account, entries, member, order_path};
use crate::shop::{Shop, assert_has};

const CALLERS: usize = 8;
/// A kill comes after so many answers at most.
const ANSWERS_MAX: u64 = 150;
/// After so long without them the test has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request, and its answer if one came.
pub(super) type Sent = (Asked, Option<Said>);

/// What was sent, each with its answer if one came: the same for all rounds on one database.
#[derive(Clone, Default)]
pub(super) struct History {
    sent: Arc<Mutex<Vec<Sent>>>,
    answers: Arc<AtomicU64>,
    /// Told at every answer.
    news: Arc<Notify>,
}

impl History {
    pub(super) fn all(&self) -> Vec<Sent> {
        self.sent.lock().expect("nobody panicked").clone()
    }

    /// One that was answered.
    pub(super) fn add(&self, asked: Asked, said: Said) {
        self.sent.lock().expect("nobody panicked").push((asked, Some(said)));
    }

    /// Sends new requests, one after the other, until the server is gone.
    async fn load(self, address: SocketAddr, members: Vec<String>, caller: String, mut random: Random) {
        let Ok(mut connection) = Caller::connect(address, SECRET).await else { return };
        for number in 0.. {
            let Some(member) = random.pick(&members) else { return };
            let asked = new_request(member, &format!("{caller}-{number}"), &mut random);
            let index = {
                let mut sent = self.sent.lock().expect("nobody panicked");
                sent.push((asked.clone(), None));
                sent.len() - 1
            };
            let Ok(said) = connection.try_send(&asked).await else { return };
            self.sent.lock().expect("nobody panicked")[index].1 = Some(said.ok());
            self.answers.fetch_add(1, Ordering::Relaxed);
            self.news.notify_one();
        }
    }

    /// Waits until so many more answers have come.
    async fn until_answered(&self, more: u64) {
        let goal = self.answers.load(Ordering::Relaxed) + more;
        let enough = async {
            while self.answers.load(Ordering::Relaxed) < goal {
                self.news.notified().await;
            }
        };
        tokio::time::timeout(PATIENCE, enough).await.expect("a server that is there answers");
    }

    fn start(&self, address: SocketAddr, members: &[String], round: u64, random: &mut Random) -> Load {
        let start = |index| {
            let (name, random) = (format!("{round}-{index}"), random.split());
            tokio::spawn(self.clone().load(address, members.to_vec(), name, random))
        };
        (0..CALLERS).map(start).collect()
    }
}

type Load = Vec<tokio::task::JoinHandle<()>>;

/// Callers end by themselves once the server is gone.
async fn end(load: Load) {
    for it in load {
        it.await.expect("every answer is one that was expected");
    }
}

/// An order, with its name in its reference, or an adjustment, with its name in its note.
pub(super) fn new_request(member: &str, name: &str, random: &mut Random) -> Asked {
    let amount = 1 + random.below(100);
    match random.below(3) {
        0 => {
            let path = format!("{}/adjustments", account(member));
            Asked::post(path, name, json!({ "points": amount, "note": name }))
        }
        1 => Asked::put(order_path(name), order_now(member, amount, &json!({ "redeem": 1 }))),
        _ => Asked::put(order_path(name), order_now(member, amount, &json!({}))),
    }
}

/// Of an answer to a document: what it earns and spends, which no later one changes.
pub(super) fn told(said: &Said) -> Value {
    let earned = &said.body["earned"];
    json!([said.body["id"], said.body["redeemed"], said.body["value"], earned["points"], earned["base"]])
}

/// Sends everything again, answered or not; what had an answer gets the same one.
async fn send_all_again(caller: &mut Caller, history: &History) {
    for (index, (asked, before)) in history.all().into_iter().enumerate() {
        let again = caller.send(&asked).await.ok();
        match &before {
            Some(before) if asked.key.is_some() => assert_eq!(&again, before, "{asked:?}"),
            Some(before) => {
                assert_eq!(again.text("/status"), "retry", "{asked:?} was answered {before:?}");
                assert_eq!(told(&again), told(before), "{asked:?}");
            }
            None => history.sent.lock().expect("nobody panicked")[index].1 = Some(again),
        }
    }
}

/// Every order and every adjustment has its entries, once; and there are no others.
pub(super) async fn check_entries(caller: &mut Caller, members: &[String], history: &History) {
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for (asked, said) in history.all() {
        let body = asked.body.as_ref().expect("all of them have one");
        let said = said.expect("everything was sent again");
        match body["note"].as_str() {
            Some(note) => assert_eq!(expected.insert(format!("adjust {note}"), count(&body["points"])), None),
            None => {
                expected.insert(format!("earn {}", said.text("/id")), said.count("/earned/points"));
                if said.count("/redeemed") != 0 {
                    expected.insert(format!("redeem {}", said.text("/id")), -said.count("/redeemed"));
                }
            }
        }
    }
    expected.retain(|_, points| *points != 0);
    let mut found = BTreeMap::new();
    for member in members {
        for entry in entries(caller, member).await {
            let name = entry["order"].as_str().or(entry["reason"]["note"].as_str()).expect("an order or a note");
            if name != "welcome" {
                let kind = entry["kind"].as_str().expect("a kind");
                assert_eq!(found.insert(format!("{kind} {name}"), count(&entry["available"])), None, "{entry}");
            }
        }
    }
    assert_eq!(found, expected);
}

fn count(value: &Value) -> i64 {
    value.as_i64().expect("a whole number")
}

pub(super) async fn sign_up(address: SocketAddr) -> Vec<String> {
    let mut caller = Caller::connect(address, SECRET).await.expect("it listens");
    let mut members = Vec::new();
    for name in ["ana", "ben", "cleo", "dan"] {
        members.push(member(&mut caller, name, 1_000_000).await);
    }
    members
}

pub(super) fn rounds() -> u64 {
    env::var("CRASH_ROUNDS").map_or(5, |it| it.parse::<u64>().expect("CRASH_ROUNDS is a number").max(5))
}

/// Stops a server, which nobody calls any more.
fn stop(process: Process, shop: &Shop) {
    process.tell_to_stop();
    assert_eq!(process.wait().code(), Some(0));
    assert!(!shop.path("guerdon.db-wal").exists(), "the log is written back");
    assert_has(&shop.ok("verify"), "Everything agrees.");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_answered_outlives_a_kill() {
    let mut random = Random::new();
    let mut left = rounds();
    while 0 < left {
        let shop = shop().await;
        let mut process = Process::start(&shop, "");
        let (members, history) = (sign_up(process.address).await, History::default());
        // What is checked after each kill grows with the database.
        let kills = left.min(10);
        left -= kills;
        for kill in 0..kills {
            let load = history.start(process.address, &members, kill, &mut random);
            history.until_answered(1 + random.below(ANSWERS_MAX)).await;
            process.kill();
            end(load).await;

            process = Process::start(&shop, "");
            let mut caller = Caller::connect(process.address, SECRET).await.expect("it listens");
            send_all_again(&mut caller, &history).await;
            check_entries(&mut caller, &members, &history).await;
        }
        eprintln!("{} requests outlived {kills} kills", history.all().len());
        stop(process, &shop);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn told_to_stop_it_answers_what_it_took_and_leaves_no_log() {
    let mut random = Random::new();
    let shop = shop().await;
    let process = Process::start(&shop, "");
    let address = process.address;
    let (members, history) = (sign_up(address).await, History::default());
    // Connections that stay open, used and unused.
    let mut idle = Vec::new();
    for index in 0..20 {
        let mut caller = Caller::connect(address, SECRET).await.expect("it listens");
        if index % 2 == 0 {
            caller.send(&Asked::get("/health")).await.ok();
        }
        idle.push(caller);
    }
    let load = history.start(address, &members, 0, &mut random);
    history.until_answered(100).await;
    let told_at = Instant::now();
    process.tell_to_stop();
    let ended = tokio::task::spawn_blocking(|| process.wait()).await.expect("it ends");
    let took = told_at.elapsed();
    assert_eq!(ended.code(), Some(0));
    assert!(took < Duration::from_secs(5), "it took {took:?} to stop");
    assert!(!shop.path("guerdon.db-wal").exists(), "the log is written back");
    end(load).await;
    drop(idle);

    // What is recorded was answered.
    let process = Process::start(&shop, "");
    let mut caller = Caller::connect(process.address, SECRET).await.expect("it listens");
    let mut recorded = BTreeSet::new();
    for member in &members {
        for entry in entries(&mut caller, member).await {
            let name = entry["order"].as_str().or(entry["reason"]["note"].as_str()).expect("an order or a note");
            recorded.insert(name.to_owned());
        }
    }
    recorded.remove("welcome");
    let name = |asked: &Asked, said: &Said| match &asked.key {
        Some(key) => key.clone(),
        None => said.text("/id").to_owned(),
    };
    let answered = history.all().iter().filter_map(|(asked, said)| Some(name(asked, said.as_ref()?))).collect();
    assert_eq!(recorded, answered);
    eprintln!("{} requests were answered; it stopped within {took:?}", recorded.len());
    stop(process, &shop);
}
