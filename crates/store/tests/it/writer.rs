//! What the writer promises to those who wait: who comes first, who is given up, who is left out.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use engine::{Points, Timestamp};
use rusqlite::Connection;
use store::{Failure, Reply, Store, StoreError, Swept, retry_parked, sweep};

use crate::place::change;
use crate::shop::{NEW_YEAR, Shop, at, available, digits_of, id_of, order, sale, send, set_up, sign_up};
use crate::store::{sent, verified};

const SECOND: i64 = 1_000_000;

/// A clock that the writer can be made to wait for, and that goes on by so much whenever the writer reads it.
struct Held {
    gate: Arc<Mutex<()>>,
    step: Arc<AtomicI64>,
}

fn held(shop: &Shop, batch_max: usize) -> (Store, Held) {
    let (gate, step) = (Arc::new(Mutex::new(())), Arc::new(AtomicI64::new(0)));
    let (now, waits, steps) = (Arc::clone(&shop.now), Arc::clone(&gate), Arc::clone(&step));
    let mut options = shop.options();
    options.batch_max = batch_max;
    options.clock = Some(Arc::new(move || {
        if std::thread::current().name() != Some("writer") {
            return Timestamp::from_micros(now.load(Ordering::SeqCst));
        }
        drop(waits.lock().unwrap_or_else(PoisonError::into_inner));
        Timestamp::from_micros(now.fetch_add(steps.load(Ordering::SeqCst), Ordering::SeqCst))
    }));
    let store = Store::open(&shop.database(), options).expect("the store opens");
    set_up(&store, "plain");
    sent(&store, &[sign_up(1)]);
    (store, Held { gate, step })
}

fn number_of(reply: &Result<Reply, Failure>) -> u64 {
    let Ok(Reply::Order { order, .. }) = reply else { panic!("no order in {reply:?}") };
    order.0
}

#[test]
fn a_live_command_does_not_wait_behind_background_ones() {
    let shop = Shop::new();
    // A server gives up a session that thinks for ten seconds about a batch, as a test does on a busy machine.
    let batch_max = if crate::place::IS_FILE { 2_500 } else { 500 };
    let (store, clock) = held(&shop, batch_max);
    let held = clock.gate.lock().expect("nobody panicked");
    let background = |it: i64| at(order(1, &format!("{it}"), sale(1_000, NEW_YEAR)), NEW_YEAR);
    // The writer takes what is there first and waits for its clock; then the queue fills.
    let many = if crate::place::IS_FILE { 10_000 } else { 1_500 };
    let mut tickets = vec![store.submit(background(0))];
    tickets.extend((1..=many).map(|it| store.submit(background(it))));
    let live = store.submit(order(1, "live", sale(1_000, NEW_YEAR)));
    drop(held);
    // Orders are numbered in the order in which they are recorded.
    let first_batches = number_of(&live.wait());
    let most = u64::try_from(batch_max + 1).expect("a small number");
    assert!(first_batches <= most, "it was in the second batch, not behind {first_batches} others");
    let last = tickets.into_iter().map(|it| number_of(&it.wait())).max();
    assert_eq!(last, u64::try_from(many + 2).ok(), "none is left out");
}

#[test]
fn an_offer_never_waits() {
    let shop = Shop::new();
    let (store, clock) = held(&shop, 10);
    let held = clock.gate.lock().expect("nobody panicked");
    let offered = |it: i64| store.offer(order(1, &format!("{it}"), sale(1_000, NEW_YEAR)));
    // Four batches wait, and one may be in the writer's hands.
    let taken: Vec<_> = (0..60).map_while(|it| offered(it).ok()).collect();
    assert!((40..=50).contains(&taken.len()), "{} were taken", taken.len());
    assert_eq!(offered(60).err(), Some(StoreError::Busy(shop.path())));
    let background = store.offer(at(order(1, "past", sale(1_000, NEW_YEAR)), NEW_YEAR));
    assert!(background.is_ok(), "its queue is another");
    assert!(!store.is_stopped());
    drop(held);
    assert!(taken.into_iter().all(|it| it.wait().is_ok()));
    assert!(offered(61).is_ok(), "there is room again");
    drop(store);
    verified(&shop);
}

#[test]
fn what_waited_too_long_is_given_up() {
    let shop = Shop::new();
    let (store, clock) = held(&shop, 100);
    let held = clock.gate.lock().expect("nobody panicked");
    let first = store.submit(at(order(1, "first", sale(1_000, NEW_YEAR)), NEW_YEAR));
    let late = store.submit(order(1, "late", sale(1_000, NEW_YEAR)));
    let past = store.submit(at(order(1, "past", sale(1_000, NEW_YEAR)), NEW_YEAR));
    shop.now.fetch_add(31 * SECOND, Ordering::SeqCst);
    let timely = store.submit(order(1, "timely", sale(1_000, NEW_YEAR)));
    drop(held);
    assert!(first.wait().is_ok());
    assert_eq!(late.wait(), Err(Failure::Store(StoreError::Busy(shop.path()))));
    assert!(past.wait().is_ok(), "an import brings its own time, however long it waits");
    assert!(timely.wait().is_ok());
    assert_eq!(available(&send(&store, order(1, "late", sale(1_000, NEW_YEAR)))), 40, "it can be sent again");
    drop(store);
    verified(&shop);
}

#[test]
fn a_batch_that_takes_too_long_is_given_up() {
    let shop = Shop::new();
    let (store, clock) = held(&shop, 100);
    clock.step.store(31 * SECOND, Ordering::SeqCst);
    let slow = send(&store, order(1, "slow", sale(1_000, NEW_YEAR)));
    assert_eq!(slow, Err(Failure::Store(StoreError::Busy(shop.path()))));
    assert!(store.reader().expect("a reader").order("shop", "slow").expect("read").is_none(), "nothing was recorded");
    clock.step.store(29 * SECOND, Ordering::SeqCst);
    assert_eq!(available(&send(&store, order(1, "slow", sale(1_000, NEW_YEAR)))), 10);
    drop(store);
    verified(&shop);
}

/// The rows of a member.
fn of_member(number: u64) -> String {
    format!("owner_id = x'{}'", digits_of(number))
}

#[test]
fn a_member_whose_settling_panics_is_parked_and_the_sweeper_goes_on() {
    let shop = Shop::new();
    let store = shop.opened("days");
    let orders = [1, 2, 3].map(|it| order(it, &format!("{it}"), sale(1_000, NEW_YEAR)));
    sent(&store, &[sign_up(1), sign_up(2), sign_up(3)]);
    sent(&store, &orders);
    let tamper = |available: i64| {
        let set = format!("UPDATE ledger SET available = {available}, issued = {available} WHERE part = 0");
        assert_eq!(change(&shop, &format!("{set} AND {}", of_member(2))), 1);
    };
    // Fewer points than its lot has: taking them out goes below zero.
    tamper(5);
    shop.later(30);
    let until = store.now();
    let swept = |store: &Store| sweep(store, until, &mut |_| {}).expect("the sweep goes on");
    let parked = vec![id_of(2)];
    assert_eq!(swept(&store), Swept { accounts: 2, parked: parked.clone(), answers: 0 });
    assert_eq!(swept(&store), Swept { accounts: 0, parked: parked.clone(), answers: 0 }, "it is left out");
    assert_eq!(shop.reader().verify(&mut |_| {}).expect("it can be read").parked, parked);
    drop(store);

    let store = shop.open();
    assert_eq!(retry_parked(&store, until), Ok(0), "it panics again");
    assert_eq!(swept(&store).parked, parked);
    tamper(10);
    assert_eq!(retry_parked(&store, until), Ok(1));
    assert_eq!(swept(&store).parked, []);
    let balance = store.reader().expect("a reader").account(id_of(2), 1).expect("read").expect("it is there").balance;
    assert_eq!(balance.expired, Points::new(10));
    drop(store);
    verified(&shop);
}

#[test]
fn a_command_that_succeeds_ends_the_parking() {
    let shop = Shop::new();
    let store = shop.opened("days");
    sent(&store, &[sign_up(1), order(1, "A1", sale(1_000, NEW_YEAR))]);
    drop(store);
    assert_eq!(change(&shop, "UPDATE members SET parked = 1"), 1);
    let store = shop.open();
    shop.later(30);
    assert_eq!(sweep(&store, store.now(), &mut |_| {}).expect("swept").accounts, 0, "it is left out");
    sent(&store, &[order(1, "A2", sale(1_000, NEW_YEAR))]);
    shop.later(30);
    let swept = sweep(&store, store.now(), &mut |_| {}).expect("swept");
    assert_eq!((swept.accounts, swept.parked), (1, Vec::new()));
    drop(store);
    verified(&shop);
}

#[test]
fn an_account_that_cannot_be_read_is_parked_as_well() {
    let shop = Shop::new();
    let store = shop.opened("days");
    for member in 1..=3 {
        sent(&store, &[sign_up(member), order(member, &format!("{member}"), sale(1_000, NEW_YEAR))]);
    }
    let set = "UPDATE ledger SET sort_at = sort_at + 1, due_at = sort_at WHERE part = 2";
    assert_eq!(change(&shop, &format!("{set} AND {}", of_member(2))), 1);
    shop.later(30);
    let swept = sweep(&store, store.now(), &mut |_| {}).expect("the sweep goes on");
    assert_eq!((swept.accounts, swept.parked), (2, vec![id_of(2)]));
}

#[test]
fn answers_are_forgotten_after_thirty_days() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let sign_ups: Vec<_> = (1..=2_500).map(sign_up).collect();
    sent(&store, &sign_ups);
    let forgotten = || sweep(&store, store.now(), &mut |_| {}).expect("swept").answers;
    shop.later(400);
    assert_eq!(forgotten(), 0, "a clock that runs ahead makes nothing old");
    shop.later(-380);
    sent(&store, &[sign_up(2_501)]);
    assert_eq!(forgotten(), 0, "none is old enough");
    shop.later(11);
    sent(&store, &[sign_up(2_502)]);
    assert_eq!(forgotten(), 2_502, "those of the sign-ups, and of the program and its channel");
    assert_eq!(forgotten(), 0, "once a day");
    assert_eq!(send(&store, sign_up(2_501)), Ok(Reply::Member { id: id_of(2_501), created: true }), "remembered");
    assert_eq!(send(&store, sign_up(1)), Ok(Reply::Member { id: id_of(1), created: false }), "decided anew");
    drop(store);
    verified(&shop);
}

#[cfg(unix)]
#[test]
fn another_name_of_the_file_does_not_open_it_twice() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.opened("plain");
    let link = shop.dir.path().join("link.db");
    std::os::unix::fs::symlink(shop.path(), &link).expect("a link");
    let second = Store::open(&store::Database::Sqlite(link.clone()), shop.options());
    assert!(
        matches!(second.err(), Some(StoreError::Locked(path)) if path == shop.path().canonicalize().expect("it is there"))
    );
    drop(store);
}

#[test]
fn a_lock_that_another_process_holds_delays_but_loses_nothing() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let conn = Connection::open(shop.path()).expect("the database");
    conn.execute_batch("BEGIN IMMEDIATE").expect("nobody writes");
    let tickets: Vec<_> = (0..50).map(|it| store.submit(order(1, &format!("{it}"), sale(1_000, NEW_YEAR)))).collect();
    let mut tickets = tickets.into_iter();
    let first = tickets.next().expect("the first").wait();
    assert_eq!(first, Err(Failure::Store(StoreError::Locked(shop.path()))), "it waited, and is told");
    conn.execute_batch("ROLLBACK").expect("the lock is given back");
    let recorded = tickets.map(|it| it.wait()).filter(Result::is_ok).count();
    let orders = store.reader().expect("a reader").figures("points").expect("figures").orders;
    assert_eq!(u64::try_from(orders), u64::try_from(recorded), "what was acknowledged, and nothing else");
    assert_eq!(available(&send(&store, order(1, "after", sale(1_000, NEW_YEAR)))), 10 * (orders + 1));
    drop(store);
    verified(&shop);
}
