//! A whole ledger moves between a file and a server, and nothing of it changes; or it does not move at all.

use engine::{Adjustment, Points, Rejection, Validity};
use store::{Body, Command, CopyStep, Database, Failure, Options, Reader, Store, StoreError, copy};

use crate::batches::{draw, opened};
use crate::bearers;
use crate::crash::Random;
use crate::place::{in_file, url};
use crate::raw::Raw;
use crate::shop::{NEW_YEAR, Shop, compile, keyed, named, order, sale, send, sign_up};
use crate::store::{sent, together};

/// An empty place on the server.
fn on_server() -> Database {
    url().parse().expect("an address")
}

fn exported(database: &Database) -> String {
    let reader = Reader::open(database, compile).expect("a ledger");
    let mut text = Vec::new();
    reader.export(&mut text, &mut |_| {}).expect("it can be read");
    assert_eq!(reader.verify(&mut |_| {}).expect("it can be read").difference, None);
    String::from_utf8(text).expect("text")
}

/// With the key that lies beside the shop's file.
fn copied(shop: &Shop, from: &Database, to: &Database) -> u64 {
    let mut told = Vec::new();
    let key = shop.dir.path().join("shop.db.key");
    let copied = copy(from, to, compile, Some(&key), &mut |it| told.push(it)).expect("an empty place");
    assert!(told.iter().any(|it| matches!(it, CopyStep::Verifying { .. })) || copied.report.accounts == 0, "{told:?}");
    assert_eq!(copied.report.difference, None);
    copied.tables.iter().map(|it| it.1).sum()
}

fn refused(from: &Database, to: &Database) -> String {
    copy(from, to, compile, None, &mut |_| {}).expect_err("it is refused").to_string()
}

fn is_nothing(database: &Database) -> bool {
    matches!(Reader::open(database, compile).err(), Some(StoreError::Missing(_)))
}

#[test]
fn a_ledger_that_moves_to_a_server_and_back_is_the_same_to_the_byte() {
    let mut random = Random::new();
    for document in ["plain", "converts owe", "launch owe", "lively", "capped waits"] {
        let (shop, back) = (in_file(), in_file());
        let commands: Vec<Command> = (0..random.within(60..=160)).map(|it| draw(&mut random, it)).collect();
        let store = opened(&shop, document);
        drop(together(&store, commands));
        drop(store);
        let (first, second) = (on_server(), on_server());
        let rows = copied(&shop, &shop.database(), &first);
        assert_eq!(copied(&shop, &first, &second), rows);
        assert_eq!(copied(&shop, &second, &back.database()), rows);
        let all = exported(&shop.database());
        for it in [&first, &second, &back.database()] {
            assert!(exported(it) == all, "{document}: {it}");
        }
    }
}

/// Codes that belong to nobody pay where they have moved to, and those that are somebody's are theirs.
#[test]
fn certificates_of_nobody_move_along() {
    let (shop, back) = (in_file(), in_file());
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2), bearers::issue("fair", 2, Validity::Never)]);
    let codes = bearers::codes(&shop, &store);
    sent(&store, &[bearers::with(order(1, "1001", sale(1_000, NEW_YEAR)), &codes[0])]);
    drop(store);
    let server = on_server();
    copied(&shop, &shop.database(), &server);
    let key = |shop: &Shop| shop.dir.path().join("shop.db.key");
    std::fs::copy(key(&shop), key(&back)).expect("the key moves by hand");
    copied(&back, &server, &back.database());
    assert!(exported(&server) == exported(&shop.database()) && exported(&server) == exported(&back.database()));
    let moved = Store::open(&server, Options { code_key_file: Some(key(&shop)), ..shop.options() }).expect("a ledger");
    for store in [moved, back.open()] {
        let late = send(&store, bearers::with(order(2, "2001", sale(1_000, NEW_YEAR)), &codes[0]));
        assert_eq!(late, Err(Failure::Rejected(Rejection::CertificateClaimed)));
        sent(&store, &[bearers::with(order(2, "2002", sale(1_000, NEW_YEAR)), &codes[1])]);
    }
    assert!(exported(&server) == exported(&back.database()));
}

#[test]
fn what_was_answered_before_is_answered_alike_after_the_move() {
    let (shop, to) = (in_file(), on_server());
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "1001", sale(1_000, NEW_YEAR))]);
    let given = Adjustment { points: Points::new(5), note: "by hand".into(), expires_at: None };
    let body = Body::Adjust { program: "points".into(), member: named(1), adjustment: given, reference: None };
    let given = keyed("once", body);
    let answer = send(&store, given.clone());
    drop(store);
    copied(&shop, &shop.database(), &to);
    let clock: store::Clock = std::sync::Arc::new(|| engine::Timestamp::from_micros(NEW_YEAR));
    let moved = Store::open(&to, Options { clock: Some(clock), ..Options::new(compile) }).expect("a ledger");
    assert_eq!(send(&moved, given), answer, "the same key");
    let before = exported(&to);
    assert!(send(&moved, order(1, "1001", sale(1_000, NEW_YEAR))).is_ok());
    assert!(exported(&to) == before, "the same document changes nothing");
    assert!(send(&moved, order(1, "1002", sale(1_000, NEW_YEAR))).is_ok(), "and it goes on");
    drop(moved);
    assert!(exported(&to) != before);
}

/// As of one instant, and nobody waits for it.
#[test]
fn a_ledger_that_is_in_use_is_copied_as_of_one_instant() {
    for shop in [in_file(), Shop::new()] {
        let store = shop.opened("plain");
        send(&store, sign_up(1)).expect("a member");
        let place = in_file();
        std::thread::scope(|scope| {
            let store = &store;
            let writer = scope.spawn(move || {
                for number in 0..300 {
                    let sold = order(1, &format!("order {number}"), sale(1_000, NEW_YEAR));
                    send(store, sold).expect("it is recorded");
                }
            });
            let mut rows = 0;
            while !writer.is_finished() {
                for to in [place.database(), on_server()] {
                    if is_nothing(&to) {
                        let now = copied(&shop, &shop.database(), &to);
                        assert!(rows <= now, "a later instant");
                        rows = now;
                    }
                }
            }
        });
    }
}

#[test]
fn nothing_is_overwritten() {
    let shop = in_file();
    drop(shop.opened("plain"));
    let (server, other) = (Shop::new(), in_file());
    drop(server.opened("plain"));
    drop(other.opened("plain"));
    assert!(refused(&shop.database(), &server.database()).contains("there is a ledger already"));
    assert!(refused(&server.database(), &other.database()).contains("nothing is overwritten"));
    assert!(refused(&shop.database(), &shop.database()).contains("nothing is overwritten"));
    assert!(refused(&server.database(), &server.database()).contains("there is a ledger already"));
    let url = url();
    Raw::connect(&url).run("CREATE TABLE members (name TEXT)");
    let said = refused(&shop.database(), &url.parse().expect("an address"));
    assert!(said.contains("has a table members that is not of a ledger"), "{said}");
}

#[test]
fn a_source_that_is_another_ones_or_damaged_leaves_nothing_behind() {
    let shop = in_file();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "1001", sale(1_000, NEW_YEAR))]);
    drop(store);
    let (to, file) = (on_server(), in_file());
    let tampered = |sql: &str| {
        let conn = rusqlite::Connection::open(shop.path()).expect("the file");
        assert_eq!(conn.execute(sql, []).expect(sql), 1, "{sql}");
    };
    let check = |sql: &str, back: &str, expected: &str| {
        tampered(sql);
        for place in [&to, &file.database()] {
            let said = refused(&shop.database(), place);
            assert!(said.contains(expected), "{said}");
            assert!(is_nothing(place), "{expected}");
        }
        tampered(back);
    };
    let needs = "UPDATE meta SET value = '99' WHERE name = 'oldest_compatible'";
    check(needs, "UPDATE meta SET value = '1' WHERE name = 'oldest_compatible'", "install a newer program");
    let schema = "UPDATE meta SET value = '0' WHERE name = 'schema'";
    check(schema, "UPDATE meta SET value = '1' WHERE name = 'schema'", "its schema is 0 and that of this program is 1");
    let sum = "UPDATE ledger SET available = available + 1 WHERE part = 0";
    let back = "UPDATE ledger SET available = available - 1 WHERE part = 0";
    check(sum, back, "it does not verify");
    copied(&shop, &shop.database(), &to);
    copied(&shop, &shop.database(), &file.database());
}

/// The session is cut in the midst of it: what was written is gone, and it is begun again by asking again.
#[test]
fn a_copy_that_was_cut_leaves_nothing_and_is_begun_again() {
    let shop = in_file();
    let store = shop.opened("plain");
    send(&store, sign_up(1)).expect("a member");
    let orders: Vec<Command> = (0..3_000).map(|it| order(1, &format!("{it}"), sale(1_000, NEW_YEAR))).collect();
    sent(&store, &orders);
    drop(store);
    let url = url();
    let to: Database = format!("{url}&application_name=cut_copy").parse().expect("an address");
    let raw = Raw::connect(&url);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut_copy'";
    for at in [1_000, 4_000, 7_000] {
        let mut is_cut = false;
        let outcome = copy(&shop.database(), &to, compile, None, &mut |it| {
            let seen = match it {
                CopyStep::Copying { done, .. } => done,
                CopyStep::Comparing { done, of } => done + of,
                CopyStep::Verifying { .. } => u64::MAX,
            };
            if at <= seen && !is_cut {
                is_cut = !raw.rows(cut).is_empty();
            }
        });
        assert!(is_cut && matches!(outcome, Err(StoreError::Away { .. })), "{at}: {outcome:?}");
        assert!(is_nothing(&to), "{at}");
        assert_eq!(raw.rows("SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema()").len(), 0);
    }
    copied(&shop, &shop.database(), &to);
    assert!(exported(&to) == exported(&shop.database()));
}
