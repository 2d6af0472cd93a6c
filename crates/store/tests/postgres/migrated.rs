//! Tables that are made, or changed, while others are there; and a server that is too old for any.

use std::thread;

use store::{Options, Reader, Store};

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

/// What a prepared statement answers is of another type all at once: a command prepares it anew, a reader fails once.
#[test]
fn a_column_of_another_type_fails_no_command() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let raw = Raw::connect(&url_of(&shop));
    for change in ["directory ALTER COLUMN program", "identities ALTER COLUMN kind"] {
        sent(&store, &[order(1, &format!("before {change}"), sale(1_000, NEW_YEAR))]);
        raw.run(&format!("ALTER TABLE {change} TYPE INTEGER"));
        sent(&store, &[order(1, &format!("behind {change}"), sale(1_000, NEW_YEAR))]);
    }
    assert_ne!(store.counted().run_again, 0, "what was prepared is no good any more");
    verified(&shop);
}

/// One that says what those say that are too old; all else it is asked is answered by the real one.
#[test]
fn a_server_that_is_too_old_is_refused_untouched() {
    let url = url();
    let schema = url.rsplit("%3D").next().expect("a schema");
    let raw = Raw::connect(&url);
    raw.run(
        "CREATE FUNCTION current_setting(name TEXT) RETURNS TEXT LANGUAGE sql AS $$
            SELECT CASE WHEN name = 'server_version_num' THEN '140011' ELSE pg_catalog.current_setting(name) END $$",
    );
    // Its own functions are found before those that every server has.
    let old = url.replace(schema, &format!("{schema}%2Cpg_catalog")).parse().expect("an address");
    let tables = "SELECT count(*) FROM information_schema.tables WHERE table_schema = current_schema()";
    let options = || Options { create: true, ..Options::new(compile) };
    let refused =
        [Store::open(&old, options()).err(), Reader::open(&old, compile).err()].map(|it| it.expect("it is refused"));
    for told in refused.map(|it| it.to_string()) {
        assert!(told.ends_with("the server is PostgreSQL 14, and 15 or newer is needed"), "{told}");
    }
    assert_eq!(raw.rows(tables), ["0"]);
    raw.run(&format!("DROP FUNCTION {schema}.current_setting(TEXT)"));
    assert!(Store::open(&old, options()).is_ok());
}
