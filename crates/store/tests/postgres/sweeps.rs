//! Several processes that sweep: one at a time by lease; and without it nothing would happen twice.

use std::time::{Duration, Instant};

use engine::{Kind, Points, Timestamp};
use store::{Store, sweep};

use crate::lanes::adjust;
use crate::place::url;
use crate::raw::Raw;
use crate::shop::{NEW_YEAR, Shop, compile, id_of, named, sign_up};
use crate::store::{sent, verified};

const MEMBERS: u64 = 150;
const YEARS: i64 = 2 * 366 * 86_400_000_000;

/// Until the server has seen that a session is gone.
fn soon(mut is_so: impl FnMut() -> bool) {
    let until = Instant::now() + Duration::from_secs(10);
    while !is_so() {
        assert!(Instant::now() < until, "it takes too long");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn one_process_at_a_time_holds_the_lease_and_another_follows() {
    let (url, other) = (url(), url());
    let open = |url: &str, name: &str| {
        let database = format!("{url}&application_name={name}").parse().expect("an address");
        Store::open(&database, store::Options { create: true, ..store::Options::new(compile) }).expect("a ledger")
    };
    let (first, second) = (open(&url, "sweeps_first"), open(&url, "sweeps_second"));
    assert_eq!([first.may_sweep(), second.may_sweep()], [Ok(true), Ok(false)]);
    assert_eq!([first.may_sweep(), second.may_sweep()], [Ok(true), Ok(false)], "it keeps it");
    assert_eq!(open(&other, "sweeps_other").may_sweep(), Ok(true), "another ledger has another lease");

    // Cut off, it has lost it to whoever asks first.
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'sweeps_first'";
    assert!(!Raw::connect(&url).rows(cut).is_empty());
    soon(|| second.may_sweep() == Ok(true));
    assert_eq!(first.may_sweep(), Ok(false));
    drop(second);
    soon(|| first.may_sweep() == Ok(true));
}

/// To members who are new.
fn give_points(store: &Store) {
    for number in 1..=MEMBERS {
        sent(store, &[sign_up(number), adjust(&format!("give {number}"), named(number), 7)]);
    }
}

/// Whoever reads for long keeps what was there: the sweep goes on beside it, and comes to an end.
#[test]
fn a_sweep_ends_beside_an_old_snapshot() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    give_points(&store);
    let before = shop.reader();
    let balance = |it: &store::Reader| it.account(id_of(1), 1).expect("read").expect("it is there").balance.available;
    assert_eq!(balance(&before), Points::new(7));
    let later = NEW_YEAR + YEARS;
    shop.now.store(later, std::sync::atomic::Ordering::SeqCst);
    let now = Timestamp::from_micros(later);
    let mut told = Vec::new();
    assert_eq!(sweep(&store, now, &mut |it| told.push(it)).expect("a ledger").accounts, MEMBERS);
    assert!(told.len() <= 4, "each account is looked at once: {told:?}");
    assert_eq!(sweep(&store, now, &mut |_| {}).expect("a ledger").accounts, 0, "nothing is left");
    assert_eq!([balance(&before), balance(&shop.reader())], [Points::new(7), Points::ZERO]);
    verified(&shop);
}

#[test]
fn two_that_sweep_at_once_do_nothing_twice() {
    let shop = Shop::new();
    let (first, second) = (shop.opened("plain"), shop.open());
    give_points(&first);
    let later = NEW_YEAR + YEARS;
    shop.now.store(later, std::sync::atomic::Ordering::SeqCst);
    let now = Timestamp::from_micros(later);
    std::thread::scope(|scope| {
        let other = scope.spawn(|| sweep(&second, now, &mut |_| {}));
        let swept = [sweep(&first, now, &mut |_| {}), other.join().expect("no panic")].map(|it| it.expect("a ledger"));
        assert!(MEMBERS <= swept.iter().map(|it| it.accounts).sum(), "{swept:?}");
    });
    let reader = shop.reader();
    for number in 1..=MEMBERS {
        let entries = reader.entries(id_of(number), 1, engine::EntryNo(0), 10).expect("it can be read");
        let expired = entries.iter().filter(|it| it.kind == Kind::Expire).count();
        assert_eq!((expired, entries.len()), (1, 2), "{entries:?}");
    }
    verified(&shop);
    assert_eq!(sweep(&second, now, &mut |_| {}).expect("a ledger").accounts, 0, "nothing is left");
}
