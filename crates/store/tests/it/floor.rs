//! The floor of measurements writes what the store wrote: else a ratio to it would say nothing.

use std::path::Path;

use rusqlite::Connection;
use rusqlite::types::Value;
use store::{Database, Floor, Reader, sweep};

use crate::shop::{DAY, NEW_YEAR, Shop, compile, lots_of_several_days, order, sale, sign_up};
use crate::store::{sent, together};

const TABLES: [&str; 3] = ["ledger", "directory", "totals"];

#[test]
fn the_floor_writes_the_rows_that_the_store_wrote() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let members = 1..=20;
    sent(&store, &members.clone().map(sign_up).collect::<Vec<_>>());
    // The last ten have no account before.
    sent(&store, &(1..=10).map(|it| order(it, &format!("before {it}"), sale(10_000, NEW_YEAR))).collect::<Vec<_>>());
    drop(store);
    let [before, copy, other] = ["before.db", "copy.db", "other.db"].map(|it| shop.dir.path().join(it));
    for path in [&before, &copy, &other] {
        std::fs::copy(shop.path(), path).expect("a copy");
    }

    let store = shop.open();
    for round in 0..5 {
        shop.later(1);
        let at = NEW_YEAR + round * DAY;
        // Too small to earn anything, now and then.
        let cents = |member: u64| if member.is_multiple_of(7) { 50 } else { 5_000 + round * 100 };
        let orders = members.clone().filter(|it| !it.is_multiple_of(3) || round == 4);
        let orders = orders.map(|it| order(it, &format!("order {round} {it}"), sale(cents(it), at)));
        assert!(together(&store, orders.collect()).iter().all(Result::is_ok));
    }
    assert_ne!(store.written().pages, 0);
    drop(store);

    let of = |path: &Path| Database::Sqlite(path.to_owned());
    let floor = Floor::capture(&shop.database(), &of(&before)).expect("it is captured");
    assert_eq!(floor.commands(), 4 * 14 + 20);
    let run = floor.run(&of(&copy), 17).expect("it is written");
    assert_eq!(run.commands, floor.commands());
    assert!(0.0 < run.seconds && 0 < run.log.pages, "{run:?}");
    for table in TABLES {
        assert_eq!(rows(&copy, table), rows(&shop.path(), table), "{table}");
    }
    let report = Reader::open(&Database::Sqlite(copy.clone()), compile).expect("a ledger").verify(&mut |_| {});
    assert_eq!(report.expect("it can be read").difference, None);

    assert_eq!(floor.single(&of(&other), 30).expect("they are written").len(), 30);
    assert_eq!(rows(&other, "directory").len(), rows(&before, "directory").len() + 30);
    assert!(floor.run(&of(&copy), 17).is_err(), "the orders are there already");
}

#[test]
fn the_floor_writes_the_rows_that_a_sweep_wrote() {
    let shop = Shop::new();
    let store = shop.opened("days");
    lots_of_several_days(&shop, &store);
    drop(store);
    let [before, copy] = ["before.db", "copy.db"].map(|it| shop.dir.path().join(it));
    for path in [&before, &copy] {
        std::fs::copy(shop.path(), path).expect("a copy");
    }

    let store = shop.open();
    assert_eq!(sweep(&store, store.now(), &mut |_| {}).expect("a sweep").accounts, 20);
    drop(store);
    let of = |path: &Path| Database::Sqlite(path.to_owned());
    let floor = Floor::capture(&shop.database(), &of(&before)).expect("it is captured");
    // What was earned last is still good; five members had spent all that they got first.
    assert_eq!((floor.commands(), floor.lots()), (20, 35));
    assert_ne!(rows(&before, "ledger"), rows(&shop.path(), "ledger"));
    floor.run(&of(&copy), 7).expect("it is written");
    for table in TABLES {
        assert_eq!(rows(&copy, table), rows(&shop.path(), table), "{table}");
    }
    let report = Reader::open(&of(&copy), compile).expect("a ledger").verify(&mut |_| {});
    assert_eq!(report.expect("it can be read").difference, None);
    assert!(floor.run(&of(&copy), 7).is_err(), "the lots are where they belong already");
}

#[test]
fn the_floor_takes_no_other_change_for_an_order_that_earns() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "first", sale(10_000, NEW_YEAR))]);
    drop(store);
    let before = shop.dir.path().join("before.db");
    std::fs::copy(shop.path(), &before).expect("a copy");
    let store = shop.open();
    let mut spending = sale(10_000, NEW_YEAR);
    spending.redeem = Some(engine::Points::new(10));
    sent(&store, &[order(1, "second", spending)]);
    drop(store);
    let failure = Floor::capture(&shop.database(), &Database::Sqlite(before)).expect_err("points were spent");
    assert!(failure.to_string().contains("another lot has changed"), "{failure}");
}

fn rows(path: &Path, table: &str) -> Vec<Vec<Value>> {
    let conn = Connection::open(path).expect("the database");
    let mut statement = conn.prepare(&format!("SELECT * FROM {table}")).expect("a table");
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| (0..columns).map(|it| row.get(it)).collect()).expect("rows");
    rows.collect::<Result<_, _>>().expect("rows")
}
