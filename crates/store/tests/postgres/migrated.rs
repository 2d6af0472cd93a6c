//! Tables that are made, or changed, while others are there.

use std::thread;

use store::{Options, Store};

use crate::place::{url, url_of};
use crate::raw::Raw;
use crate::shop::{NEW_YEAR, Shop, compile, order, sale, send, set_up, sign_up};
use crate::store::{sent, verified};

#[test]
fn several_that_open_an_empty_place_at_once_all_have_a_ledger() {
    let url = url();
    let open = || {
        let database = url.parse().expect("an address");
        Store::open(&database, Options { create: true, lanes: Some(1), ..Options::new(compile) })
    };
    let opened: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
        threads.into_iter().map(|it| it.join().expect("no panic")).collect()
    });
    let stores: Vec<Store> = opened.into_iter().map(|it| it.expect("one makes it, the others wait")).collect();
    assert_eq!(Raw::connect(&url).rows("SELECT count(*) FROM migrations"), ["1"]);
    set_up(&stores[0], "plain");
    for (store, number) in stores.iter().zip(1..) {
        send(store, sign_up(number)).expect("a member");
    }
    assert_eq!(stores[5].reader().and_then(|it| it.member_count()), Ok(6));
}

/// As a newer program does it: what an older one has prepared goes on working.
#[test]
fn columns_that_come_under_a_running_store_fail_no_command() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let raw = Raw::connect(&url_of(&shop));
    for (table, number) in ["members", "ledger", "directory", "identities", "totals", "answers"].into_iter().zip(1..) {
        sent(&store, &[sign_up(number), order(number, &format!("before {table}"), sale(1_000, NEW_YEAR))]);
        raw.run(&format!("ALTER TABLE {table} ADD COLUMN newer BIGINT NOT NULL DEFAULT 0"));
        sent(&store, &[sign_up(100 + number), order(number, &format!("behind {table}"), sale(1_000, NEW_YEAR))]);
    }
    verified(&shop);
}
