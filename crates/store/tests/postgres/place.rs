//! Where the shops of these tests keep their ledgers: in schemas of their own on a server that goes with this binary.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use store::Database;

use crate::cluster::cluster;
use crate::raw::Raw;
use crate::shop::Shop;

/// Beside what a shop keeps in files, the address of its ledger.
const URL: &str = "url";

/// Tests of what only files have or suffer end at once.
pub(crate) const IS_FILE: bool = false;

/// A shop whose ledger is in a file after all.
pub(crate) fn in_file() -> Shop {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let database = Database::Sqlite(dir.path().join("shop.db"));
    Shop::at(dir, database)
}

/// Changes rows behind the store, and answers how many: what a test spoils, `verify` is to find.
pub(crate) fn change(shop: &Shop, sql: &str) -> usize {
    Raw::connect(&url_of(shop)).change(&in_words_of_postgresql(sql))
}

/// Where the ledger of a shop is.
pub(crate) fn url_of(shop: &Shop) -> String {
    std::fs::read_to_string(shop.dir.path().join(URL)).expect("the address of its ledger")
}

/// `x'01'` is `'\x01'::bytea` there.
fn in_words_of_postgresql(sql: &str) -> String {
    let mut said = String::new();
    let mut rest = sql;
    while let Some((before, behind)) = rest.split_once("x'") {
        let (digits, behind) = behind.split_once('\'').expect("it ends");
        said += &format!("{before}'\\x{digits}'::bytea");
        rest = behind;
    }
    said + rest
}

/// For a new ledger.
pub(crate) fn database(folder: &Path) -> Database {
    let url = url();
    std::fs::write(folder.join(URL), &url).expect("the folder is writable");
    url.parse().expect("the address of a server")
}

/// The address of a schema that nobody else has, with nothing in it.
pub(crate) fn url() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("shop_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let server = &cluster().url;
    Raw::connect(server).run(&format!("CREATE SCHEMA {name}"));
    format!("{server}?options=-csearch_path%3D{name}")
}
