//! What goes wrong around a store, and what an order costs on disk.

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::process::Command as Process;

use engine::{Points, Timestamp};
use rusqlite::Connection;
use store::{Database, Failure, Reader, Reply, Store, StoreError, backup, restore};

use crate::shop::{DAY, NEW_YEAR, Shop, available, compile, order, sale, send, sign_up, size};
use crate::store::{sent, together, verified};

#[test]
fn a_batch_gives_what_its_commands_give_one_at_a_time() {
    let commands = || {
        let mut commands = Vec::new();
        for member in 1..=20 {
            commands.push(sign_up(member));
            for number in 0..6 {
                let amount = 1_000 + i64::try_from(member * 37 + number * 11).expect("small");
                let mut document = sale(amount, NEW_YEAR);
                document.redeem = (number == 3).then_some(Points::new(20));
                commands.push(order(member, &format!("{member}-{number}"), document.clone()));
                document.refunded = engine::Money::new(500);
                commands.push(order(member, &format!("{member}-{number}"), document));
            }
            commands.push(order(99, "nobody", sale(1, NEW_YEAR)));
        }
        commands
    };
    let alone = Shop::in_order();
    let store = alone.opened("plain");
    let one_by_one: Vec<_> = commands().into_iter().map(|it| send(&store, it)).collect();
    drop(store);
    let batched = Shop::in_order();
    let store = batched.opened("plain");
    assert_eq!(together(&store, commands()), one_by_one);
    drop(store);
    assert_eq!(export(&alone), export(&batched));
    verified(&alone);
    verified(&batched);
}

pub(crate) fn export(shop: &Shop) -> String {
    let mut bytes = Vec::new();
    let lines = shop.reader().export(&mut bytes, &mut |_| {}).expect("an export");
    let text = String::from_utf8(bytes).expect("it is text");
    assert_eq!(u64::try_from(text.lines().count()), Ok(lines));
    assert!(!text.contains("00001"), "no personal data");
    text
}

#[test]
fn an_account_that_makes_the_rules_panic_harms_no_neighbour() {
    let shop = with_orders(2);
    // More is available than there are lots: the rules notice when they look for it.
    tamper(
        &shop,
        "UPDATE ledger SET available = 500, issued = 500 WHERE part = 0 AND owner_id = (SELECT owner_id FROM ledger ORDER BY owner_id LIMIT 1)",
    );
    let store = shop.open();
    let mut asking = sale(100_000, NEW_YEAR);
    asking.redeem = Some(Points::new(400));
    let mut commands = Vec::new();
    for member in 1..=2 {
        commands.push(order(member, &format!("B{member}"), asking.clone()));
        commands.push(order(member, &format!("C{member}"), sale(1_000, NEW_YEAR)));
    }
    let replies = together(&store, commands);
    let panicked = replies.iter().filter(|it| **it == Err(Failure::Internal)).count();
    assert_eq!(panicked, 1, "{replies:?}");
    assert_eq!(replies.iter().filter(|it| it.is_ok()).count(), 2, "the other one has too few points");
    let report = shop.reader().verify(&mut |_| {}).expect("it can be read");
    assert!(report.difference.expect("it was tampered with").contains("its balance is stored as"));
}

#[test]
fn verify_names_what_was_tampered_with() {
    for (change, expected) in [
        ("UPDATE ledger SET available = available + 1 WHERE part = 0", "its balance"),
        ("UPDATE ledger SET next_lot = next_lot + 1 WHERE part = 0", "its counters"),
        ("UPDATE ledger SET order_no = order_no + 1 WHERE part = 0", "its next order"),
        ("UPDATE ledger SET due_at = NULL WHERE part = 0", "the sweeper is to come"),
        ("UPDATE ledger SET available = available - 1 WHERE part = 2 AND no = 1", "lot 1 is stored as"),
        ("UPDATE ledger SET phase = 2 WHERE part = 2 AND no = 1", "a lot stands in the wrong place"),
        ("DELETE FROM ledger WHERE part = 2 AND no = 1", "lots are stored"),
        ("DELETE FROM ledger WHERE part = 4 AND no = 1", "does not follow"),
        ("UPDATE ledger SET body = x'0102' WHERE part = 4 AND no = 1", "a packed row cannot be read"),
        ("UPDATE ledger SET order_no = 9 WHERE part = 4 AND no = 1", "which is not there"),
        ("UPDATE ledger SET biz_date = '2026-01-02' WHERE part = 4 AND no = 1", "the totals of program 1"),
        ("UPDATE totals SET earned = earned + 1 WHERE program = 1", "the totals of program 1"),
        ("UPDATE totals SET signed_up = 2 WHERE program = 0", "not as many members signed up on 2026-01-01"),
        ("UPDATE members SET name = 'Bo'", "is not found by its name"),
        ("INSERT INTO name_words SELECT 'bo', owner_id FROM members", "words of names are stored"),
        ("DELETE FROM directory WHERE kind = 1", "an identity does not lead"),
        ("DELETE FROM directory WHERE kind = 2", "the directory does not lead"),
        ("INSERT INTO directory SELECT x'00', owner_id, 1, 0, 0 FROM members LIMIT 1", "the directory has"),
        ("DELETE FROM ledger WHERE part = 0", "entries are stored"),
        ("DELETE FROM ledger WHERE part = 3", "which is not there"),
    ] {
        let shop = with_orders(1);
        tamper(&shop, change);
        let report = shop.reader().verify(&mut |_| {}).expect("it can be read");
        let difference = report.difference.unwrap_or_default();
        assert!(difference.contains(expected), "{change}: {difference}");
    }
}

#[test]
fn a_newer_or_changed_schema_is_refused_untouched() {
    let newer = with_orders(1);
    tamper(&newer, "UPDATE meta SET value = '999' WHERE name = 'oldest_compatible'");
    let before = fs::read(newer.path()).ok();
    let expected = StoreError::Newer { path: newer.path(), needs: 999, has: 1 };
    assert_eq!(newer.try_open().err(), Some(expected.clone()));
    assert_eq!(Reader::open(&newer.database(), compile).err(), Some(expected));
    assert_eq!(fs::read(newer.path()).ok(), before);

    let changed = with_orders(1);
    tamper(&changed, "UPDATE migrations SET sha256 = x'00'");
    assert_eq!(changed.try_open().err(), Some(StoreError::Migration { path: changed.path(), number: 1 }));
}

#[test]
fn what_is_no_database_of_ours_is_refused_untouched() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let path = shop.path();
    assert_eq!(Reader::open(&shop.database(), compile).err(), Some(StoreError::Missing(path.clone())));
    let mut options = shop.options();
    options.create = false;
    assert_eq!(Store::open(&shop.database(), options).err(), Some(StoreError::Missing(path.clone())));
    fs::write(&path, "member;points\nana;5\n".repeat(500)).expect("a file");
    assert_eq!(shop.try_open().err(), Some(StoreError::NotADatabase(path.clone())));
    fs::remove_file(&path).expect("it was there");
    Connection::open(&path).and_then(|it| it.execute_batch("CREATE TABLE other (a)")).expect("another database");
    assert_eq!(shop.try_open().err(), Some(StoreError::NotADatabase(path.clone())));
    let folder = Database::Sqlite(shop.dir.path().join("nowhere").join("shop.db"));
    assert!(matches!(Store::open(&folder, shop.options()).err(), Some(StoreError::Missing(_))));
}

#[test]
fn a_read_only_file_is_refused() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = with_orders(1);
    let mut permissions = fs::metadata(shop.path()).expect("the file").permissions();
    permissions.set_readonly(true);
    fs::set_permissions(shop.path(), permissions).expect("permissions");
    assert_eq!(shop.try_open().err(), Some(StoreError::ReadOnly(shop.path())));
}

#[test]
fn damage_is_found_by_verify_and_backup() {
    if !crate::place::IS_FILE {
        return;
    }
    for damage in [Damage::Page, Damage::Truncated] {
        let shop = with_orders(60);
        damage.do_to(&shop.path());
        let found = Reader::open(&shop.database(), compile).and_then(|it| it.verify(&mut |_| {}));
        let named = match found {
            Ok(report) => report.difference.is_some_and(|it| it.starts_with("the file is damaged: ") && is_ours(&it)),
            Err(error @ StoreError::Damaged { .. }) => is_ours(&error.to_string()),
            Err(error) => matches!(error, StoreError::NotADatabase(_)),
        };
        assert!(named, "{damage:?}");
        let copy = shop.dir.path().join("copy.db");
        let failed = backup(&shop.database(), &copy).expect_err("a damaged database is not backed up");
        assert!(failed.to_string().contains("shop.db"), "{failed}");
        assert!(!copy.exists(), "no half backup is left");
        assert_eq!(fs::read_dir(shop.dir.path()).expect("a folder").filter(is_part).count(), 0);
    }
}

/// Without the words of the database below.
fn is_ours(text: &str) -> bool {
    !["malformed", "btree", "***", "Tree"].iter().any(|it| text.contains(it))
}

#[test]
fn a_damaged_page_is_named_with_its_table() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = with_orders(60);
    let conn = Connection::open(shop.path()).expect("the database");
    let find = "SELECT max(pageno) FROM dbstat WHERE name = 'answers' AND pagetype = 'leaf'";
    let page: u64 = conn.query_row(find, [], |row| row.get(0)).expect("a page");
    drop(conn);
    let file = File::options().write(true).open(shop.path()).expect("the file");
    file.write_all_at(&[0xa5; 64], (page - 1) * 4_096).expect("a write");
    let report = shop.reader().verify(&mut |_| {}).expect("a report");
    let expected = format!("the file is damaged: page {page}, of the table answers, is not what was written to it");
    assert_eq!(report.difference, Some(expected));
}

fn is_part(entry: &std::io::Result<fs::DirEntry>) -> bool {
    entry.as_ref().is_ok_and(|it| it.path().extension().is_some_and(|it| it == "part"))
}

#[derive(Clone, Copy, Debug)]
enum Damage {
    Page,
    Truncated,
}

impl Damage {
    fn do_to(self, path: &Path) {
        let file = File::options().write(true).open(path).expect("the file");
        let pages = size(path) / 4_096;
        match self {
            Self::Page => {
                for page in 3..pages {
                    file.write_all_at(&[0xa5; 64], page * 4_096).expect("a write");
                }
            }
            Self::Truncated => file.set_len((pages / 2) * 4_096).expect("a shorter file"),
        }
    }
}

#[test]
fn a_backup_of_a_running_file_is_whole_and_restores() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = with_orders(3);
    let store = shop.open();
    let copy = shop.dir.path().join("copy.db");
    backup(&shop.database(), &copy).expect("a backup");
    assert_eq!(backup(&shop.database(), &copy), Err(StoreError::Exists(copy.clone())));
    sent(&store, &[order(1, "after", sale(1_000, NEW_YEAR))]);
    assert_eq!(restore(&copy, &shop.database()), Err(StoreError::Exists(shop.path())));
    let restored = Shop::new();
    restore(&copy, &restored.database()).expect("restored");
    verified(&restored);
    let reopened = restored.open();
    assert_eq!(available(&send(&reopened, order(1, "after", sale(2_000, NEW_YEAR)))), 30);
    assert_ne!(incarnation(&shop.path()), incarnation(&restored.path()));
    assert_eq!(incarnation(&shop.path()), incarnation(&copy));
    let nowhere = shop.dir.path().join("no").join("copy.db");
    assert!(backup(&shop.database(), &nowhere).expect_err("no folder").to_string().contains("copy.db"));
}

fn incarnation(path: &Path) -> String {
    let conn = Connection::open(path).expect("a database");
    conn.query_row("SELECT value FROM meta WHERE name = 'incarnation'", [], |row| row.get(0)).expect("a row")
}

#[test]
fn a_full_disk_loses_nothing_and_goes_on_when_there_is_room() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let disk = shop.dir.path().join("disk");
    fs::create_dir(&disk).expect("a folder");
    let mounted = Process::new("mount").args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"]).arg(&disk).status();
    if !mounted.is_ok_and(|it| it.success()) {
        eprintln!("skipped: a small file system cannot be mounted here");
        return;
    }
    let _mounted = Mounted(&disk);
    let database = Database::Sqlite(disk.join("shop.db"));
    let store = Store::open(&database, shop.options()).expect("the store opens");
    crate::shop::set_up(&store, "plain");
    sent(&store, &[sign_up(1)]);
    let ballast = disk.join("ballast");
    fs::write(&ballast, vec![0; 600_000]).expect("there is room yet");
    let mut recorded = Vec::new();
    let refused = (0..20_000).find_map(|number| {
        match send(&store, order(1, &format!("A{number}"), sale(1_000, NEW_YEAR))) {
            Ok(_) => recorded.push(number),
            Err(failure) => return Some(failure),
        }
        None
    });
    assert_eq!(refused, Some(Failure::Store(StoreError::Full(database_path(&database)))));
    fs::remove_file(ballast).expect("it was there");
    let number = recorded.len();
    let more = send(&store, order(1, &format!("A{number}"), sale(1_000, NEW_YEAR)));
    assert_eq!(
        available(&more),
        10 * i64::try_from(number + 1).expect("small"),
        "nothing is lost, nothing is there twice"
    );
    drop(store);
    let report = Reader::open(&database, compile).and_then(|it| it.verify(&mut |_| {})).expect("it can be read");
    assert_eq!((report.difference, report.orders), (None, u64::try_from(number + 1).expect("small")));
}

fn database_path(database: &Database) -> std::path::PathBuf {
    database.file().expect("a file").to_owned()
}

struct Mounted<'a>(&'a Path);

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        // The folder is temporary, and what is in it as well.
        let _ = Process::new("umount").arg("-l").arg(self.0).status();
    }
}

/// The lots of a long history: 10,000 closed and 2,000 open ones.
#[test]
fn an_order_costs_the_same_whatever_the_account_has_had() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.opened("plain days");
    sent(&store, &[sign_up(1), sign_up(2), order(2, "first", sale(1_000, NEW_YEAR))]);
    fill(&store, 10_000);
    shop.later(20);
    fill_from(&store, 10_000, 2_000, NEW_YEAR + 20 * DAY);
    let reader = store.reader().expect("a reader");
    let account = reader.account(crate::shop::id_of(1), 1).expect("read").expect("it is there");
    assert_eq!(account.lots().len(), 64, "only the first lots are loaded");
    assert_eq!(crate::lists::all_lots(&reader, crate::shop::id_of(1), 5_000).len(), 12_000);
    drop((reader, store));
    let cost = |member: u64, name: &str| {
        let store = shop.open();
        sent(&store, &[order(member, &format!("warm {name}"), sale(1_000, NEW_YEAR + 20 * DAY))]);
        let before = store.written().pages;
        sent(&store, &[order(member, name, sale(1_000, NEW_YEAR + 20 * DAY))]);
        store.written().pages - before
    };
    let (large, small) = (cost(1, "large"), cost(2, "small"));
    assert!(0 < small, "an order writes something");
    assert!(large <= small + 3, "{large} pages of log for the large account, {small} for the small one");
    verified(&shop);
}

fn fill(store: &Store, count: i64) {
    fill_from(store, 0, count, NEW_YEAR);
}

fn fill_from(store: &Store, first: i64, count: i64, at: i64) {
    let commands = (first..first + count).map(|it| order(1, &format!("{it}"), sale(1_000, at + it)));
    let tickets: Vec<_> = commands.map(|it| store.submit(it)).collect();
    for ticket in tickets {
        let reply = ticket.wait();
        assert!(matches!(reply, Ok(Reply::Order { .. })), "{reply:?}");
    }
}

#[test]
fn more_lots_are_loaded_when_a_decision_needs_them() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    fill(&store, 400);
    drop(store);
    let store = shop.open();
    let mut document = sale(500_000, NEW_YEAR + 400);
    document.redeem = Some(Points::new(3_999));
    let reply = send(&store, order(1, "all", document));
    let Ok(Reply::Order { answer, .. }) = &reply else { panic!("{reply:?}") };
    assert_eq!(answer.redeemed, Points::new(3_999));
    let later = Timestamp::from_micros(NEW_YEAR + 400 * DAY);
    let balance = store.reader().expect("a reader").balance(crate::shop::id_of(1), 1, later).expect("a balance");
    assert_eq!(balance.available, Points::ZERO, "all of them expire, loaded or not");
    verified(&shop);
}

#[test]
fn the_wal_starts_over_while_readers_come_and_go() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let wal = with_suffix(&shop.path(), "-wal");
    let mut largest = 0;
    for round in 0..60 {
        fill_from(&store, round * 500, 500, NEW_YEAR);
        let reader = store.reader().expect("a reader");
        assert!(reader.find(&crate::shop::named(1)).expect("found").is_some());
        largest = largest.max(size(&wal));
    }
    let written = size(&shop.path());
    assert!(4_000 * 4_120 < largest + written, "enough was written to make a checkpoint worth while");
    assert!(largest < 64_000_000, "the WAL has {largest} bytes");
}

#[test]
fn a_store_that_is_closed_leaves_no_log_behind() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let wal = with_suffix(&shop.path(), "-wal");
    let tickets: Vec<_> =
        (0..3_000).map(|it| store.submit(order(1, &format!("{it}"), sale(1_000, NEW_YEAR)))).collect();
    // A reader that has come and gone keeps its connection, one of another process its snapshot.
    drop(store.reader().expect("a reader"));
    drop(store);
    assert!(tickets.into_iter().all(|it| it.wait().is_ok()), "what was accepted was finished");
    assert_eq!(size(&wal), 0, "all of it is in the file");
    verified(&shop);

    let store = shop.open();
    let beside = shop.reader();
    sent(&store, &[order(1, "last", sale(1_000, NEW_YEAR))]);
    drop(store);
    assert!(0 < size(&wal), "a snapshot that somebody reads is not taken away");
    assert_eq!(beside.figures("points").expect("figures").orders, 3_000);
    drop(beside);
    drop(shop.open());
    assert_eq!(size(&wal), 0, "the next one to close tidies up");
    verified(&shop);
}

fn with_suffix(path: &Path, suffix: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A closed database with so many members, each with two orders.
fn with_orders(members: u64) -> Shop {
    let shop = Shop::new();
    let store = shop.opened("plain");
    for member in 1..=members {
        let (first, second) = (format!("{member}-1"), format!("{member}-2"));
        let orders = [order(member, &first, sale(500, NEW_YEAR)), order(member, &second, sale(500, NEW_YEAR))];
        sent(&store, &[sign_up(member)]);
        sent(&store, &orders);
    }
    drop(store);
    shop
}

fn tamper(shop: &Shop, sql: &str) {
    assert!(0 < crate::place::change(shop, sql), "{sql}");
}

#[test]
fn a_file_that_was_only_half_made_is_made_anew() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let conn = Connection::open(shop.path()).expect("a database");
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(())).expect("the mode");
    drop(conn);
    assert!(0 < size(&shop.path()), "a header is there, no table yet");
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    verified(&shop);
}

#[test]
fn a_file_whose_making_was_cut_short_is_taken_back_by_whoever_writes() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let made = shop.dir.path().join("made.db");
    let conn = Connection::open(&made).expect("a database");
    conn.execute_batch(
        "CREATE TABLE first (a); DROP TABLE first; PRAGMA cache_size = 2; BEGIN; CREATE TABLE second (a)",
    )
    .expect("it is begun");
    for _ in 0..100 {
        conn.execute("INSERT INTO second VALUES (randomblob(4000))", []).expect("a row");
    }
    // As a process leaves it that dies here: half of it is written, and a journal says how to take it back.
    for suffix in ["", "-journal"] {
        fs::copy(with_suffix(&made, suffix), with_suffix(&shop.path(), suffix)).expect("a copy");
    }
    assert_eq!(Reader::open(&shop.database(), compile).err(), Some(StoreError::Unfinished(shop.path())));
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    drop(store);
    verified(&shop);
}

#[test]
fn what_a_killed_backup_left_behind_is_taken_over() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = with_orders(2);
    let copy = shop.dir.path().join("copy.db");
    for suffix in [".part", ".part-journal", ".part.lock"] {
        fs::write(with_suffix(&copy, suffix), "half of it").expect("a file");
    }
    backup(&shop.database(), &copy).expect("a backup");
    let restored = Shop::new();
    restore(&copy, &restored.database()).expect("restored");
    verified(&restored);
    for suffix in [".part", ".part-journal", ".part.lock"] {
        assert!(!with_suffix(&copy, suffix).exists(), "{suffix} is gone");
    }
}

#[test]
fn a_backup_is_not_restored_beside_the_log_of_another_database() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = with_orders(1);
    let copy = shop.dir.path().join("copy.db");
    backup(&shop.database(), &copy).expect("a backup");
    let other = Shop::new();
    let log = other.dir.path().join("shop.db-wal");
    fs::write(&log, b"what an earlier database left").expect("the folder is writable");
    assert_eq!(restore(&copy, &other.database()), Err(StoreError::Exists(log)));
    assert!(!other.path().exists(), "nothing was made");
}

#[test]
fn a_past_balance_is_that_of_the_entries_until_then() {
    let shop = with_orders(1);
    let store = shop.open();
    shop.later(10);
    sent(&store, &[order(1, "later", sale(5_000, NEW_YEAR + 10 * DAY))]);
    drop(store);
    let reader = shop.reader();
    let balance = |days: i64| {
        let at = Timestamp::from_micros(NEW_YEAR + days * DAY);
        reader.balance(crate::shop::id_of(1), 1, at).expect("a balance").available
    };
    assert_eq!(balance(-1), Points::ZERO);
    assert!(balance(5) < balance(11), "the later order does not count before it");
}
