//! A disk that fails once: the store acknowledges nothing of it, and stops until it is opened again.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use engine::Timestamp;
use store::{Clock, Database, Failure, Options, Store, StoreError};

use crate::crash::{acknowledge, writing_process};
use crate::shop::{NEW_YEAR, Shop, compile, order, sale, send, sign_up};
use crate::store::{sent, verified};

const DATABASE: &str = "FAILING_DATABASE";
const FILE: &str = "FAILING_FILE";

/// Not a test but the process under which the disk fails: returns at once unless a test below has started it.
#[test]
fn writes_when_told_to() {
    let Some(path) = env::var_os(DATABASE) else { return };
    let path = PathBuf::from(path);
    let clock: Clock = Arc::new(|| Timestamp::from_micros(NEW_YEAR));
    let options = Options { clock: Some(clock), ..Options::new(compile) };
    let store = Store::open(&Database::Sqlite(path.clone()), options).expect("the store opens");
    let mut put = |number: i64| {
        let reply = send(&store, order(1, &format!("A{number}"), sale(1_000, NEW_YEAR)));
        if reply.is_ok() {
            acknowledge(number);
        }
        reply
    };
    (0..5).for_each(|it| assert!(put(it).is_ok()));
    assert!(!store.is_stopped());
    fs::write(with_fails(env::var_os(FILE).expect("what fails")), "").expect("the trigger");
    let failed = (5..20_000).map(&mut put).find_map(Result::err);
    let failed_at_once = matches!(failed, Some(Failure::Store(StoreError::Io { .. } | StoreError::Stopped(_))));
    assert!(failed_at_once, "{failed:?}");
    for number in 20_000..20_003 {
        assert_eq!(
            put(number),
            Err(Failure::Store(StoreError::Stopped(path.clone()))),
            "also when the disk works again"
        );
    }
    assert!(store.is_stopped());
    assert!(store.reader().and_then(|it| it.figures("points")).is_ok(), "reading goes on");
}

fn with_fails(mut path: OsString) -> OsString {
    path.push("-fails");
    path
}

#[test]
fn a_write_to_the_log_that_fails_stops_the_store() {
    fail("-wal", "write");
}

#[test]
fn a_sync_of_the_log_that_fails_stops_the_store() {
    fail("-wal", "sync");
}

#[test]
fn a_write_to_the_database_that_fails_stops_the_store() {
    fail("", "write");
}

#[test]
fn a_sync_of_the_database_that_fails_stops_the_store() {
    fail("", "sync");
}

fn fail(suffix: &str, call: &str) {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    drop(store);
    let mut file = shop.path().into_os_string();
    file.push(suffix);
    let mut process = writing_process("failing_disk::writes_when_told_to");
    process.env(DATABASE, shop.path()).env(FILE, file).env("FAILING_CALL", call);
    process.env("LD_PRELOAD", build(shop.dir.path())).stderr(Stdio::inherit());
    let output = process.output().expect("the process starts");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let acknowledged: Vec<&str> = text.lines().filter_map(|it| it.strip_prefix("acknowledged ")).collect();
    assert!(5 <= acknowledged.len(), "{text}");
    let reader = shop.reader();
    for number in &acknowledged {
        let found = reader.order("shop", &format!("A{number}")).expect("it can be read");
        assert!(found.is_some(), "order A{number} was acknowledged and is not there");
    }
    let orders = usize::try_from(reader.figures("points").expect("figures").orders).expect("a count");
    assert!(orders <= acknowledged.len() + 1, "at most the one in doubt is there besides");
    drop(reader);
    let store = shop.open();
    assert!(send(&store, order(1, "after", sale(1_000, NEW_YEAR))).is_ok(), "opened again, it works");
    drop(store);
    verified(&shop);
}

fn build(dir: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/failing_disk.c");
    let library = dir.join("failing_disk.so");
    let mut cc = Command::new("cc");
    let status = cc.args(["-std=gnu11", "-O1", "-shared", "-fPIC", "-o"]).arg(&library).arg(source).status();
    assert!(status.expect("a C compiler is installed as `cc`").success(), "the failing disk must compile");
    library
}
