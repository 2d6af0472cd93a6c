//! The floor of measurements on a server writes what the store wrote there, in databases that go afterwards; and whoever
//! writes reads by key, whatever the server believes about the size of a table.

use std::sync::Arc;

use engine::Timestamp;
use store::{Command, Database, Databases, Floor, Options, Reader, Store};

use crate::cluster::cluster;
use crate::place::url;
use crate::raw::Raw;
use crate::shop::{DAY, NEW_YEAR, Shop, compile, lots_of_several_days, order, sale, sign_up};
use crate::store::{sent, together};

const LEDGER: &str = "SELECT owner_id, program, part, phase, sort_at, earned_at, no, at, order_no, code, biz_date, body, reference, state, due_at,
    pending, available, held, expired, issued, next_entry, next_lot FROM ledger
    ORDER BY owner_id, program, part, phase, sort_at, earned_at, no";

/// But for the slot: which of them is a session's is no matter.
const TOTALS: &str = "SELECT program, channel, day, sum(orders), sum(earned), sum(revoked), sum(let_go), sum(signed_up)
    FROM totals GROUP BY 1, 2, 3 ORDER BY 1, 2, 3";

#[test]
fn the_floor_writes_the_rows_that_the_store_wrote() {
    let server = &cluster().url;
    let Ok(Database::Postgres(address)) = server.parse::<Database>() else { panic!("an address") };
    let databases = Databases::new(&address).expect("its user may make some");
    let of = |name: &str| server.replace("/postgres", &format!("/{name}"));
    databases.make("floor_before", None).expect("a database");
    let shop = Shop::at(tempfile::tempdir().expect("a folder"), of("floor_before").parse().expect("an address"));
    let store = shop.opened("plain");
    let members = 1..=20;
    sent(&store, &members.clone().map(sign_up).collect::<Vec<_>>());
    // The last ten have no account before.
    sent(&store, &(1..=10).map(|it| order(it, &format!("before {it}"), sale(10_000, NEW_YEAR))).collect::<Vec<_>>());
    drop(store);
    for copy in ["floor_after", "floor_copy", "floor_other"] {
        databases.make(copy, Some("floor_before")).expect("a copy");
    }
    let [before, after, copy, other] = ["floor_before", "floor_after", "floor_copy", "floor_other"].map(of);

    let options = Options { lanes: Some(1), ..shop.options() };
    let store = Store::open(&after.parse().expect("an address"), options).expect("it opens");
    for round in 0..5 {
        shop.later(1);
        let at = NEW_YEAR + round * DAY;
        // Too small to earn anything, now and then.
        let cents = |member: u64| if member.is_multiple_of(7) { 50 } else { 5_000 + round * 100 };
        let orders = members.clone().filter(|it| !it.is_multiple_of(3) || round == 4);
        let orders = orders.map(|it| order(it, &format!("order {round} {it}"), sale(cents(it), at)));
        assert!(together(&store, orders.collect()).iter().all(Result::is_ok));
    }
    drop(store);
    let database = |url: &str| url.parse::<Database>().expect("an address");
    let floor = Floor::capture(&database(&after), &database(&before)).expect("it is captured");
    assert_eq!(floor.commands(), 4 * 14 + 20);
    assert_eq!(floor.run(&database(&copy), 17).expect("it is written").commands, floor.commands());
    for rows in [LEDGER, "SELECT * FROM directory ORDER BY key", TOTALS] {
        let (written, wanted) = (Raw::connect(&copy).rows(rows), Raw::connect(&after).rows(rows));
        assert!(10 < wanted.len() || rows.contains("totals"));
        assert_eq!(written, wanted);
    }
    let report = Reader::open(&database(&copy), compile).expect("a ledger").verify(&mut |_| {});
    assert_eq!(report.expect("it can be read").difference, None);
    assert_eq!(floor.single(&database(&other), 30).expect("they are written").len(), 30);
    assert!(floor.run(&database(&copy), 17).is_err(), "the orders are there already");

    drop(databases);
    let left = Raw::connect(server).rows("SELECT datname FROM pg_database WHERE datname LIKE 'floor_%'");
    assert_eq!(left, Vec::<String>::new(), "they are gone");
}

#[test]
fn the_floor_writes_the_rows_that_a_sweep_wrote() {
    let server = &cluster().url;
    let Ok(Database::Postgres(address)) = server.parse::<Database>() else { panic!("an address") };
    let databases = Databases::new(&address).expect("its user may make some");
    let of = |name: &str| server.replace("/postgres", &format!("/{name}"));
    databases.make("sweepfloor_before", None).expect("a database");
    let shop = Shop::at(tempfile::tempdir().expect("a folder"), of("sweepfloor_before").parse().expect("an address"));
    let store = shop.opened("days");
    lots_of_several_days(&shop, &store);
    drop(store);
    for copy in ["sweepfloor_after", "sweepfloor_copy"] {
        databases.make(copy, Some("sweepfloor_before")).expect("a copy");
    }
    let [before, after, copy] = ["sweepfloor_before", "sweepfloor_after", "sweepfloor_copy"].map(of);
    let database = |url: &str| url.parse::<Database>().expect("an address");
    let store = Store::open(&database(&after), shop.options()).expect("it opens");
    assert_eq!(store::sweep(&store, store.now(), &mut |_| {}).expect("a sweep").accounts, 20);
    drop(store);
    let floor = Floor::capture(&database(&after), &database(&before)).expect("it is captured");
    assert_eq!((floor.commands(), floor.lots()), (20, 35));
    assert_ne!(Raw::connect(&before).rows(LEDGER), Raw::connect(&after).rows(LEDGER));
    floor.run(&database(&copy), 7).expect("it is written");
    for rows in [LEDGER, TOTALS] {
        assert_eq!(Raw::connect(&copy).rows(rows), Raw::connect(&after).rows(rows));
    }
    let report = Reader::open(&database(&copy), compile).expect("a ledger").verify(&mut |_| {});
    assert_eq!(report.expect("it can be read").difference, None);
    assert!(floor.run(&database(&copy), 7).is_err(), "the lots are where they belong already");
}

/// A table that was just filled has no statistics: a server that believes it small would read all of it for every batch.
#[test]
fn whoever_writes_reads_by_key() {
    let url = url();
    let open = || {
        let clock: store::Clock = Arc::new(|| Timestamp::from_micros(NEW_YEAR));
        let options = Options { create: true, clock: Some(clock), ..Options::new(compile) };
        Store::open(&url.parse().expect("an address"), options).expect("a ledger")
    };
    let store = open();
    crate::shop::set_up(&store, "converts owe");
    let raw = Raw::connect(&url);
    raw.run("ALTER TABLE ledger SET (autovacuum_enabled = off); ALTER TABLE directory SET (autovacuum_enabled = off)");
    // Plans are made while there is nothing yet.
    for round in 0..8 {
        let members = (1..=60).map(|it| sign_up(it + 100 * round));
        let orders = (1..=60).map(|it| order(it + 100 * round, &format!("{round} {it}"), sale(9_000, NEW_YEAR)));
        for answer in together(&store, members.chain(orders).collect()) {
            assert!(answer.is_ok(), "{answer:?}");
        }
    }
    // A session tells what it has read when it ends.
    drop(store);
    let read = "SELECT relname, seq_tup_read FROM pg_stat_user_tables
        WHERE schemaname = current_schema() AND relname IN ('ledger', 'directory', 'answers', 'members') ORDER BY relname";
    let is_told =
        || raw.rows("SELECT sum(idx_scan) > 1000 FROM pg_stat_user_tables WHERE schemaname = current_schema()");
    for _ in 0..200 {
        if is_told() == ["t"] {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert_eq!(is_told(), ["t"], "the server has counted");
    assert_eq!(raw.rows(read), ["answers,0", "directory,0", "ledger,0", "members,0"]);
}

/// The server keeps what it has planned for as long as a session lasts, also when tables have grown a thousandfold since.
#[test]
fn what_was_planned_while_there_was_little_is_planned_anew() {
    let url = url();
    let name = url.rsplit("%3D").next().expect("a schema").to_owned();
    let there = format!("{url}&application_name=plans_{name}").parse().expect("an address");
    let clock: store::Clock = Arc::new(|| Timestamp::from_micros(NEW_YEAR));
    let options = Options { create: true, clock: Some(clock), lanes: Some(1), ..Options::new(compile) };
    let store = Store::open(&there, options).expect("a ledger");
    crate::shop::set_up(&store, "plain");
    let raw = Raw::connect(&url);
    raw.run("ALTER TABLE ledger SET (autovacuum_enabled = off)");
    let all = |commands: Vec<Command>| assert!(together(&store, commands).iter().all(Result::is_ok));
    let orders = |name: &str, members: std::ops::RangeInclusive<u64>| {
        all(members.map(|it| order(it, &format!("{name} {it}"), sale(1_000, NEW_YEAR))).collect());
    };
    all((1..=10).map(sign_up).collect());
    (0..40).for_each(|it| orders(&format!("small {it}"), 1..=10));
    all((11..=6_000).map(sign_up).collect());
    orders("many", 11..=6_000);
    (0..40).for_each(|it| orders(&format!("large {it}"), 1..=10));
    drop(store);
    // What was counted is told when a session ends.
    let sessions = format!("SELECT 1 FROM pg_stat_activity WHERE application_name = 'plans_{name}'");
    while !raw.rows(&sessions).is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let read = "SELECT idx_tup_read FROM pg_stat_user_indexes
        WHERE schemaname = current_schema() AND indexrelname = 'ledger_pkey'";
    let read: u64 = raw.rows(read).concat().parse().expect("a number");
    assert!(read < 20 * 6_800, "{read} rows of the ledger were read for 6,800 orders");
}
