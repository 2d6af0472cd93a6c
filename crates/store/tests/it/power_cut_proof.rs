//! Proves that the power cut layer bites: SQLite with a full sync keeps every acknowledged row through it; with a weaker
//! sync, or on a disk that lies, it is seen to lose some. No part of the store is involved.
//!
//! The writer commits numbered rows in WAL mode, one transaction each, and checkpoints often, so that cuts meet writes
//! to the database file as well. A row's bytes follow from its number, and a tally is kept in the same transactions.

use std::{env, fs, os::unix::fs::FileExt as _, path::Path};

use rusqlite::Connection;

use crate::{
    crash::{Random, acknowledge, kill_at_random, until_killed, writing_process},
    power_cut::{Disk, Loss, PowerCut, Unsynced, restore},
};

const WRITER: &str = "power_cut_proof::writes_when_told_to";
const TASK: &str = "POWER_CUT_PROOF_TASK";
const DATABASE: &str = "POWER_CUT_PROOF_DATABASE";

/// Not a test but the writing process of the tests below: returns at once unless one of them has started it.
#[test]
fn writes_when_told_to() {
    let Ok(task) = env::var(TASK) else { return };
    let database = env::var(DATABASE).expect("the test names the database");
    let database = Path::new(&database);
    match task.as_str() {
        "plain files" => change_plain_files(database),
        synchronous => write_rows(database, synchronous),
    }
}

#[test]
fn acknowledged_rows_outlive_a_power_cut_at_random_moments() {
    let mut random = Random::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    let database = dir.path().join("data.db");
    for round in 0..16 {
        let mut command = writer(&database, "FULL");
        layer.put_under(&mut command, &database, Disk::Honest);
        let child = command.spawn().expect("the writing process starts");
        let acknowledged = kill_at_random(child, 1..=60, &mut random);
        let loss = if round % 2 == 0 { Loss::All } else { Loss::Scattered };
        let unsynced = restore(&database, loss, &mut random);
        check_nothing_is_missing(&database, &acknowledged, &format!("round {round}, {loss:?}, {unsynced:?}"));
    }
}

#[test]
fn acknowledged_rows_outlive_a_power_cut_at_any_step_of_a_young_database() {
    let mut random = Random::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    let mut met = Unsynced::default();
    let mut nth = 1;
    while nth < 300 {
        let home = tempfile::tempdir_in(dir.path()).expect("a temporary directory");
        let database = home.path().join("data.db");
        let mut command = writer(&database, "FULL");
        layer.put_under_until(&mut command, &database, nth);
        let acknowledged = until_killed(command.spawn().expect("the writing process starts"));
        let loss = if random.within(0..=1) == 0 { Loss::All } else { Loss::Scattered };
        let unsynced = restore(&database, loss, &mut random);
        met.database += unsynced.database;
        met.wal += unsynced.wal;
        met.journal += unsynced.journal;
        met.names += unsynced.names;
        check_nothing_is_missing(&database, &acknowledged, &format!("step {nth}, {loss:?}, {unsynced:?}"));
        // The making of the file and its tables step by step, the rest by samples.
        nth += if nth < 40 { 1 } else { random.within(1..=6) };
    }
    let all = [met.database, met.wal, met.journal, met.names];
    assert!(all.iter().all(|it| *it != 0), "the cuts must meet unsynced changes of every kind: {met:?}");
}

#[test]
fn a_disk_that_lies_is_caught() {
    assert!(loses_rows("FULL", Disk::Lying), "a lying disk must cost acknowledged rows, or the layer sees nothing");
}

#[test]
fn a_commit_without_sync_is_caught() {
    assert!(loses_rows("NORMAL", Disk::Honest), "in WAL mode NORMAL does not sync commits: rows must be missing");
}

#[test]
fn what_was_synced_stays_and_what_was_not_goes() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    let file = |suffix: &str| dir.path().join(format!("data.db{suffix}"));
    fs::write(file("-wal"), "was there before").expect("write");
    let mut command = writer(&file(""), "plain files");
    layer.put_under(&mut command, &file(""), Disk::Honest);
    let acknowledged = kill_at_random(command.spawn().expect("it starts"), 1..=1, &mut Random::new());
    assert_eq!(acknowledged.first(), Some(&1));

    let seen = fs::read_to_string(file("")).expect("read");
    assert_eq!(seen, "12345678, not synced", "a kill alone loses nothing");
    let unsynced = restore(&file(""), Loss::All, &mut Random::new());
    assert_eq!((unsynced.database, unsynced.wal, unsynced.journal, unsynced.names), (4, 0, 1, 2));
    assert_eq!(fs::read_to_string(file("")).expect("read"), "synced as a whole");
    assert_eq!(fs::read_to_string(file("-wal")).expect("an unlink without sync is undone"), "was there before");
    assert!(!file("-journal").exists(), "a new file whose directory was not synced is gone");
    let left = fs::read_dir(dir.path()).expect("read").count();
    assert_eq!(left, 3, "the library, the database and the WAL: the layer leaves nothing behind");
}

fn writer(database: &Path, task: &str) -> std::process::Command {
    let mut command = writing_process(WRITER);
    command.env(TASK, task).env(DATABASE, database);
    command
}

fn loses_rows(synchronous: &str, disk: Disk) -> bool {
    let mut random = Random::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    (0..20).any(|round| {
        let database = dir.path().join(format!("{round}.db"));
        drop(open(&database, synchronous)); // made without the layer: rows can be missing, the tables cannot
        let mut command = writer(&database, synchronous);
        layer.put_under(&mut command, &database, disk);
        let child = command.spawn().expect("the writing process starts");
        let acknowledged = kill_at_random(child, 1..=60, &mut random);
        restore(&database, Loss::All, &mut random);
        highest_row(&database) < acknowledged.last().copied()
    })
}

fn open(database: &Path, synchronous: &str) -> Connection {
    let connection = Connection::open(database).expect("the database opens");
    let setup = format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = {synchronous}; PRAGMA wal_autocheckpoint = 0; BEGIN IMMEDIATE;
         CREATE TABLE IF NOT EXISTS rows (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
         CREATE TABLE IF NOT EXISTS tally (count INTEGER NOT NULL) STRICT;
         INSERT INTO tally SELECT 0 WHERE NOT EXISTS (SELECT * FROM tally);
         COMMIT;"
    );
    connection.execute_batch(&setup).expect("the schema is made");
    connection
}

fn write_rows(database: &Path, synchronous: &str) {
    let mut connection = open(database, synchronous);
    let first: i64 =
        connection.query_row("SELECT coalesce(max(number), 0) + 1 FROM rows", [], |row| row.get(0)).expect("a number");
    for number in first.. {
        let commit = connection.transaction().expect("begin");
        commit.execute("INSERT INTO rows VALUES (?1, ?2)", (number, bytes_of(number))).expect("insert");
        commit.execute("UPDATE tally SET count = count + 1", ()).expect("update");
        commit.commit().expect("commit");
        acknowledge(number);
        let checkpoint = match number {
            _ if number % 23 == 0 => "PRAGMA wal_checkpoint(RESTART)",
            _ if number % 7 == 0 => "PRAGMA wal_checkpoint(PASSIVE)",
            _ => continue,
        };
        connection.query_row(checkpoint, [], |_| Ok(())).expect("checkpoint");
    }
}

/// Of every length from a few bytes to several pages.
fn bytes_of(number: i64) -> Vec<u8> {
    let length = usize::try_from(number * 1_237 % 11_003 + 1).expect("short");
    number.to_be_bytes().into_iter().cycle().take(length).collect()
}

fn check_nothing_is_missing(database: &Path, acknowledged: &[i64], place: &str) {
    let highest = highest_row(database);
    assert!(highest >= acknowledged.last().copied(), "{place}: acknowledged {acknowledged:?}, left {highest:?}");
}

/// The highest row's number, `None` if there is none; checks that the rows before it are there and whole.
fn highest_row(database: &Path) -> Option<i64> {
    let connection = Connection::open(database).expect("the database opens");
    let integrity: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("a check");
    assert_eq!(integrity, "ok");
    if !connection.table_exists(None, "rows").expect("the schema can be read") {
        return None;
    }
    let tally: i64 = connection.query_row("SELECT count FROM tally", [], |row| row.get(0)).expect("a tally");
    let mut statement = connection.prepare("SELECT number, bytes FROM rows ORDER BY number").expect("a statement");
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    let rows: Vec<(i64, Vec<u8>)> = rows.collect::<Result<_, _>>().expect("rows");
    for ((number, bytes), expected) in rows.iter().zip(1..) {
        assert_eq!(*number, expected, "a row is missing below {tally}");
        assert!(*bytes == bytes_of(expected), "row {expected} is not whole");
    }
    assert_eq!(rows.last().map_or(0, |it| it.0), tally, "a transaction is there by half");
    rows.last().map(|it| it.0)
}

/// Makes one change of every kind to the watched files, past SQLite. See `what_was_synced_stays_and_what_was_not_goes`.
fn change_plain_files(database: &Path) {
    let beside = |suffix: &str| database.with_file_name(format!("data.db{suffix}"));
    let create = |path: &Path| fs::File::options().read(true).write(true).create(true).truncate(false).open(path);
    let file = create(database).expect("create");
    file.write_all_at(b"synced as a whole", 0).expect("write");
    file.sync_data().expect("sync");
    fs::File::open(database.parent().expect("a directory")).expect("open").sync_all().expect("sync");

    file.write_all_at(b"1234", 0).expect("write");
    file.set_len(4).expect("set_len");
    let second = create(database).expect("open again");
    second.write_all_at(b"5678", 4).expect("write");
    let mut appending = fs::File::options().read(true).append(true).open(database).expect("open");
    std::io::Write::write_all(&mut appending, b", not synced").expect("append");

    fs::remove_file(beside("-wal")).expect("unlink");
    let journal = create(&beside("-journal")).expect("create");
    journal.write_all_at(b"synced, but its name is not", 0).expect("write");
    journal.sync_all().expect("sync");
    journal.set_len(3).expect("set_len");
    loop {
        acknowledge(1); // until the kill, or until nobody listens
    }
}
