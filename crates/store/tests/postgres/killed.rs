//! PostgreSQL itself is killed while two stores write to it: what was acknowledged is there when it comes back, once.

use std::path::PathBuf;
use std::process::Command as Process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use engine::{Adjustment, Points, Timestamp};
use store::{Body, Database, Failure, Options, Reader, Store, StoreError};

use crate::cluster::Cluster;
use crate::crash::Random;
use crate::shop::{NEW_YEAR, compile, id_of, keyed, named, send, set_up, sign_up};

/// Four at least; `CRASH_ROUNDS` asks for more.
fn kills() -> u32 {
    std::env::var("CRASH_ROUNDS").map_or(4, |it| it.parse::<u32>().expect("CRASH_ROUNDS is a number").max(4))
}

fn opened(url: &str) -> Store {
    let clock: store::Clock = Arc::new(|| Timestamp::from_micros(NEW_YEAR));
    let options = Options { create: true, clock: Some(clock), ..Options::new(compile) };
    Store::open(&url.parse().expect("an address"), options).expect("it opens")
}

/// The process of the server: its folder is that of the socket in its address.
fn server_of(url: &str) -> String {
    let folder = url.split_once('@').and_then(|it| it.1.split_once(':')).expect("a socket").0.replace("%2F", "/");
    let file = PathBuf::from(folder).join("data").join("postmaster.pid");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    text.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_server_that_is_killed_keeps_what_was_acknowledged() {
    let server = Cluster::start(&[]);
    let stores = [opened(&server.url), opened(&server.url)];
    set_up(&stores[0], "plain");
    send(&stores[0], sign_up(1)).expect("a member");
    let (done, acknowledged) = (AtomicBool::new(false), AtomicI64::new(0));
    let work = |store: &Store, name: usize| {
        let mut number = 0;
        while !done.load(Ordering::Relaxed) {
            number += 1;
            let adjustment = Adjustment { points: Points::new(1), note: "by hand".into(), expires_at: None };
            let body = Body::Adjust { program: "points".into(), member: named(1), adjustment, reference: None };
            let command = keyed(&format!("{name} {number}"), body);
            loop {
                match send(store, command.clone()) {
                    Ok(_) => break,
                    // Sent again under its key until the server is there again.
                    Err(Failure::Store(StoreError::Away { .. } | StoreError::Database { .. })) => {
                        std::thread::sleep(Duration::from_millis(20));
                    }
                    Err(failure) => panic!("{failure}"),
                }
            }
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = stores.iter().enumerate().map(|(name, it)| scope.spawn(move || work(it, name))).collect();
        let mut random = Random::new();
        let mut last = String::new();
        for _ in 0..kills() {
            let before = acknowledged.load(Ordering::Relaxed);
            while acknowledged.load(Ordering::Relaxed) < before + 20 {
                std::thread::sleep(Duration::from_millis(10));
            }
            std::thread::sleep(Duration::from_millis(random.within(0..=200)));
            // Sessions of the one that was killed may go on for a moment before the next one is there.
            let mut process = server_of(&server.url);
            while process.is_empty() || process == last {
                std::thread::sleep(Duration::from_millis(10));
                process = server_of(&server.url);
            }
            let killed = Process::new("kill").args(["-9", &process]).status().expect("kill runs");
            last = process;
            assert!(killed.success(), "there was a server");
        }
        let before = acknowledged.load(Ordering::Relaxed);
        while acknowledged.load(Ordering::Relaxed) < before + 20 {
            std::thread::sleep(Duration::from_millis(10));
        }
        done.store(true, Ordering::Relaxed);
        workers.into_iter().for_each(|it| it.join().expect("no panic"));
    });
    let database: Database = server.url.parse().expect("an address");
    let reader = Reader::open(&database, compile).expect("it can be read");
    let balance = reader.balance(id_of(1), 1, Timestamp::from_micros(NEW_YEAR)).expect("a balance");
    assert_eq!(balance.available.get(), acknowledged.load(Ordering::Relaxed));
    assert_eq!(reader.verify(&mut |_| {}).expect("it can be read").difference, None);
}
