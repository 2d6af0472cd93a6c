//! What days count (E13): stored by year, loaded as far as needed, proved by verify, and not there where nobody asks.

use engine::{Document, DocumentVersion, Money};
use rusqlite::Connection;
use store::{Failure, Reply, Store};

use crate::shop::{DAY, NEW_YEAR, Shop, at, order, sale, send, sign_up};

fn earned(reply: &Result<Reply, Failure>) -> i64 {
    match reply {
        Ok(Reply::Order { answer, .. }) => answer.earned.called_for.get(),
        other => panic!("no order in {other:?}"),
    }
}

fn years(shop: &Shop) -> Vec<i16> {
    let conn = Connection::open(shop.path()).expect("the database");
    let mut statement = conn.prepare("SELECT year FROM years ORDER BY year").expect("the view");
    let years = statement.query_map([], |row| row.get(0)).expect("rows");
    years.collect::<Result<_, _>>().expect("years")
}

fn difference(shop: &Shop) -> Option<String> {
    shop.reader().verify(&mut |_| {}).expect("it can be read").difference
}

/// Ten points a day: an order on each of the days, placed and recorded then.
fn buys(store: &Store, days: &[i64]) {
    assert!(send(store, sign_up(1)).is_ok());
    for day in days {
        let now = NEW_YEAR + day * DAY;
        let reply = send(store, at(order(1, &format!("day {day}"), sale(6_00, now)), now));
        assert_eq!(earned(&reply), 6, "day {day}");
    }
}

#[test]
fn a_program_without_caps_stores_none() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    buys(&shop.opened("plain"), &[-900, -400, -2]);
    assert_eq!(years(&shop), Vec::<i16>::new());
    assert_eq!(difference(&shop), None);
}

#[test]
fn each_year_is_a_row_and_a_cap_holds_across_restarts_and_years() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    buys(&shop.opened("capped"), &[-900, -400, -399, -2]);
    assert_eq!(years(&shop), [2023, 2024, 2025]);
    let store = shop.open();
    let now = NEW_YEAR - DAY;
    let again = |reference: &str, day: i64| at(order(1, reference, sale(6_00, NEW_YEAR + day * DAY)), now);
    assert_eq!(earned(&send(&store, again("another", -2))), 4, "the day has 4 left");
    assert_eq!(earned(&send(&store, again("long ago", -900))), 4, "its year is loaded when it is asked for");
    assert_eq!(earned(&send(&store, again("long before", -2_000))), 6, "so is one that was never there");
    let document = Document { version: DocumentVersion::Number(2), ..sale(9_00, NEW_YEAR - 900 * DAY) };
    assert_eq!(earned(&send(&store, at(order(1, "long ago", document), now))), 4, "it keeps what it was allotted");
    let document =
        Document { version: DocumentVersion::Number(2), refunded: Money::new(6_00), ..sale(6_00, NEW_YEAR - 2 * DAY) };
    assert_eq!(earned(&send(&store, at(order(1, "day -2", document), now))), 0);
    drop(store);
    assert_eq!(years(&shop), [2020, 2023, 2024, 2025]);
    assert_eq!(difference(&shop), None);
}

#[test]
fn verify_names_days_that_were_tampered_with() {
    for (change, expected) in [
        (
            "UPDATE ledger SET body = (SELECT body FROM ledger WHERE part = 5 AND no = 2024) WHERE part = 5",
            "its days count",
        ),
        ("DELETE FROM ledger WHERE part = 5 AND no = 2024", "its days count"),
        ("UPDATE ledger SET phase = 1 WHERE part = 5 AND no = 2024", "its days count"),
        ("UPDATE ledger SET body = x'0105' WHERE part = 5", "a packed row cannot be read"),
        ("UPDATE ledger SET body = NULL WHERE part = 0", "what it counts in all"),
        (
            "INSERT INTO ledger SELECT x'00', program, part, phase, sort_at, earned_at, no, at, order_no, code, biz_date, body, \
             reference, state, due_at, pending, available, held, expired, owed, let_go, issued, redeemed, revoked, deducted, \
             converted, forfeited, moved, next_entry, next_lot, next_hold FROM ledger WHERE part = 5 AND no = 2024",
            "years are stored",
        ),
    ] {
        let shop = Shop::new();
        buys(&shop.opened("capped"), &[-800, -400]);
        assert!(0 < crate::place::change(&shop, change), "{change}");
        let difference = difference(&shop).unwrap_or_default();
        assert!(difference.contains(expected), "{change}: {difference}");
    }
}
