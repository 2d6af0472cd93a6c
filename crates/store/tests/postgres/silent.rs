//! A server that is there and is of no use: one that says nothing any more, one that has become a standby, and one on which
//! somebody stands still.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use engine::{Points, Timestamp};
use store::{Body, Command, Failure, Options, Reader, Reply, SecretHash, Store, StoreError};

use crate::cluster::Cluster;
use crate::lanes::adjust;
use crate::place::url;
use crate::raw::Raw;
use crate::round_trips::{Cut, Wire, through_a_wire};
use crate::shop::{NEW_YEAR, compile, id_of, keyed, live, named, order, sale, send, set_up, sign_up};

/// The lock that keeps batches and who is to be alone apart.
const LOCK: &str = "SELECT pg_advisory_xact_lock_shared(1198683246, hashtext(current_schema()))";

fn opened(url: &str) -> Store {
    let clock: store::Clock = Arc::new(|| Timestamp::from_micros(NEW_YEAR));
    let options = Options { create: true, clock: Some(clock), ..Options::new(compile) };
    Store::open(&url.parse().expect("an address"), options).expect("a ledger")
}

/// A ledger with a member, and what stands between its store and its server.
fn over_a_wire() -> (String, Wire, Store) {
    let url = url();
    let (wire, there) = through_a_wire(&url);
    let store = opened(&there);
    set_up(&store, "plain");
    send(&store, sign_up(1)).expect("a member");
    (url, wire, store)
}

fn sign_in() -> Command {
    let expires_at = Timestamp::from_micros(NEW_YEAR + 1_000_000);
    live(Body::OpenSession { session: SecretHash::of("session"), key: None, expires_at })
}

fn is_away<T>(answer: &Result<T, Failure>) -> bool {
    matches!(answer, Err(Failure::Store(StoreError::Away { .. })))
}

#[test]
fn who_does_not_answer_is_not_waited_for_as_long_as_it_likes() {
    let mute = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = mute.local_addr().expect("an address").port();
    let began = Instant::now();
    let there = format!("postgres://guerdon@127.0.0.1:{port}/shop?connect_timeout=1&sslmode=disable");
    let opened = Store::open(&there.parse().expect("an address"), Options::new(compile));
    assert!(matches!(opened.err(), Some(StoreError::Away { .. })));
    // As long as the address says, once more for letting it in; five seconds would be ten.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[test]
fn a_session_that_has_gone_silent_is_given_up_and_made_again() {
    let (url, wire, store) = over_a_wire();
    wire.is_mute.store(true, Ordering::SeqCst);
    let command = keyed("in doubt", order(1, "A1", sale(1_000, NEW_YEAR)).body);
    assert!(is_away(&send(&store, command.clone())));
    wire.is_mute.store(false, Ordering::SeqCst);
    assert!(send(&store, command.clone()).is_ok(), "another session is made");
    assert!(send(&store, command).is_ok());
    drop(store);
    assert_eq!(opened_reader(&url).verify(&mut |_| {}).expect("it can be read").difference, None);
}

/// What was answered is there once, and what was in doubt is settled by itself or by sending it again.
#[test]
fn a_connection_that_is_cut_around_its_commit_loses_and_doubles_nothing() {
    let (url, wire, store) = over_a_wire();
    let cuts = [Cut::Before, Cut::Inside, Cut::Behind];
    let mut available = Points::ZERO;
    for (turn, cut) in (0..12).flat_map(|turn| cuts.map(|cut| (turn, cut))) {
        let command = adjust(&format!("{turn} {cut:?}"), named(1), 5);
        *wire.cut.lock().expect("nobody panicked") = Some(cut);
        let mut answer = send(&store, command.clone());
        if is_away(&answer) {
            // Two connections in a row were gone: whoever is told so sends it again.
            answer = send(&store, command.clone());
        }
        assert_eq!(*wire.cut.lock().expect("nobody panicked"), None, "it was cut");
        assert!(answer.is_ok(), "{cut:?}: {answer:?}");
        assert_eq!(send(&store, command), answer, "{cut:?}: the first answer");
        available += Points::new(5);
        let reader = opened_reader(&url);
        let balance = reader.balance(id_of(1), 1, Timestamp::from_micros(NEW_YEAR)).expect("a balance");
        assert_eq!(balance.available, available, "{cut:?}");
    }
    assert!(24 <= store.counted().run_again, "a cut before or in COMMIT has its batch run again");
    assert_eq!(opened_reader(&url).verify(&mut |_| {}).expect("it can be read").difference, None);
}

fn opened_reader(url: &str) -> Reader {
    Reader::open(&url.parse().expect("an address"), compile).expect("a reader")
}

#[test]
fn a_server_that_takes_no_writes_any_more_is_left_for_one_that_does() {
    let server = Cluster::start(&[]);
    let store = opened(&server.url);
    set_up(&store, "plain");
    let raw = Raw::connect(&server.url);
    let turn = |to: &str| {
        raw.run(&format!("ALTER SYSTEM SET default_transaction_read_only = {to}"));
        raw.run("SELECT pg_reload_conf()");
    };
    turn("on");
    let until = Instant::now() + Duration::from_secs(10);
    let refused = (1..).map(|it| send(&store, sign_up(it))).find(Result::is_err).expect("it was turned");
    assert!(is_away(&refused), "{refused:?}");
    // No session is made to one that takes no writes.
    assert!(is_away(&send(&store, sign_up(1_000))) && Instant::now() < until);
    raw.run("SET default_transaction_read_only = off");
    turn("off");
    // Sessions hear of it when they are made.
    while is_away(&send(&store, sign_up(1_000))) {
        assert!(Instant::now() < until + Duration::from_secs(10), "it does not come back");
    }
}

#[test]
fn who_waits_to_be_alone_lets_others_by() {
    let url = url();
    let (store, other) = (opened(&url), opened(&url));
    set_up(&store, "plain");
    send(&store, sign_up(1)).expect("a member");
    let frozen = Raw::connect(&url);
    frozen.run("BEGIN");
    frozen.run(LOCK);
    let is_let_in = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let alone = scope.spawn(|| {
            let answer = send(&store, sign_in());
            is_let_in.store(true, Ordering::SeqCst);
            answer
        });
        // It waits in line already, or soon will: some of these come behind it.
        let waits = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid =
            (SELECT hashtext(current_schema())::bigint & 4294967295)";
        let raw = Raw::connect(&url);
        while raw.rows(waits).is_empty() {
            std::thread::sleep(Duration::from_millis(10));
        }
        let began = Instant::now();
        for number in 2..5 {
            assert_eq!(send(&other, sign_up(number)).map(drop), Ok(()), "who shares the ledger goes on");
        }
        assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
        assert!(!is_let_in.load(Ordering::SeqCst), "the frozen one still stands there");
        frozen.run("COMMIT");
        assert_eq!(alone.join().expect("no panic"), Ok(Reply::Done));
    });
}

#[test]
fn a_change_that_waits_in_vain_says_so_and_harms_nobody() {
    let url = url();
    let store = opened(&url);
    set_up(&store, "plain");
    let frozen = Raw::connect(&url);
    frozen.run("BEGIN");
    frozen.run(LOCK);
    let refused = send(&store, sign_in());
    assert!(matches!(refused, Err(Failure::Store(StoreError::Busy(_)))), "{refused:?}");
    assert!(send(&store, sign_up(1)).is_ok());
}
