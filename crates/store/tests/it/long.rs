//! Long reads hold one snapshot each, and are ended before the log beside it fills the disk.

use std::time::{Duration, Instant};

use store::{Reader, Store, StoreError};

use crate::shop::{NEW_YEAR, Shop, compile, order, sale, send, sign_up};
use crate::store::{sent, verified};

const LIMIT: u64 = 1_000_000;

/// A shop with more members than verify and export read at once.
fn shop_with_limit(limit: u64) -> (Shop, Store) {
    let shop = Shop::new();
    drop(shop.opened("plain"));
    let mut options = shop.options();
    options.long_read_bytes_max = Some(limit);
    let store = Store::open(&shop.database(), options).expect("the store opens");
    sent(&store, &(1..=1_100).map(sign_up).collect::<Vec<_>>());
    let orders: Vec<_> = (1..=1_100).map(|it| order(it, &format!("{it}"), sale(1_000, NEW_YEAR))).collect();
    sent(&store, &orders);
    (shop, store)
}

/// Writes more than the limit. The writer looks at the readers after each batch, before the answers of the next.
fn write_past_limit(store: &Store, name: &str) {
    for round in 0..60 {
        let numbers = 1..=1_100;
        let reference = |it: u64| format!("{name} {round} {it}");
        let orders = numbers.filter(|it| it % 11 == 0).map(|it| order(it, &reference(it), sale(1_000, NEW_YEAR)));
        sent(store, &orders.collect::<Vec<_>>());
    }
}

fn is_ended(result: Result<(), StoreError>, shop: &Shop) -> bool {
    match result {
        Err(StoreError::ReadEnded { path, bytes, limit }) => path == shop.path() && limit == LIMIT && limit < bytes,
        Err(_) | Ok(()) => false,
    }
}

#[test]
fn a_long_read_sees_one_snapshot_and_a_third_is_told() {
    let (shop, store) = shop_with_limit(1 << 40);
    let first = store.long_reader().expect("one");
    let second = store.long_reader().expect("two");
    assert_eq!(store.long_reader().err(), Some(StoreError::LongReads(shop.path())));
    assert_eq!(store.backup(&shop.dir.path().join("copy.db")), Err(StoreError::LongReads(shop.path())));
    sent(&store, &[order(1, "more", sale(1_000, NEW_YEAR))]);
    for reader in [&first, &second] {
        assert_eq!(reader.figures("points").expect("figures").orders, 1_100, "as it was when they began");
    }
    drop(first);
    store.backup(&shop.dir.path().join("copy.db")).expect("there is room for one more");
    let third = store.long_reader().expect("again");
    assert_eq!(third.figures("points").expect("figures").orders, 1_101);
    let report = third.verify(&mut |_| {}).expect("it can be read");
    assert_eq!((report.difference, report.orders), (None, 1_101));
}

#[test]
fn a_read_whose_reader_does_nothing_is_ended() {
    let (shop, store) = shop_with_limit(LIMIT);
    let idle = store.long_reader().expect("a reader");
    write_past_limit(&store, "idle");
    assert!(is_ended(idle.figures("points").map(drop), &shop));
    let short = store.reader().expect("short reads are not ended");
    assert!(short.figures("points").is_ok());
    drop(short);
    drop(idle);
    drop(store);
    verified(&shop);
}

#[test]
fn verify_and_export_are_ended_while_they_run() {
    let (shop, store) = shop_with_limit(LIMIT);
    let reader = store.long_reader().expect("a reader");
    let mut pages = 0..;
    let verified = reader.verify(&mut |_| {
        if pages.next() == Some(0) {
            write_past_limit(&store, "verify");
        }
    });
    assert!(is_ended(verified.map(drop), &shop));
    drop(reader);
    let reader = store.long_reader().expect("a reader");
    let mut pages = 0..;
    let exported = reader.export(&mut std::io::sink(), &mut |_| {
        if pages.next() == Some(0) {
            write_past_limit(&store, "export");
        }
    });
    let exported = exported.map(drop).map_err(|error| match error {
        store::ExportError::Store(error) => error,
        store::ExportError::Write(error) => panic!("{error}"),
    });
    assert!(is_ended(exported, &shop));
}

#[test]
fn a_reader_of_another_process_watches_the_log_itself() {
    let (shop, store) = shop_with_limit(LIMIT);
    let reader = Reader::open_until(&shop.database(), compile, Some(LIMIT)).expect("a reader");
    let before = reader.figures("points").expect("figures").orders;
    write_past_limit(&store, "beside");
    let until = Instant::now() + Duration::from_secs(60);
    let ended = loop {
        match reader.figures("points") {
            Ok(figures) => assert_eq!(figures.orders, before, "one snapshot until it ends"),
            Err(error) => break error,
        }
        assert!(Instant::now() < until, "it is never ended");
    };
    assert!(is_ended(Err(ended), &shop));
    assert!(send(&store, order(1, "after", sale(1_000, NEW_YEAR))).is_ok());
}
