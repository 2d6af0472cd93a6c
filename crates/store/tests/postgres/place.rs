//! Where the shops of these tests keep their ledgers: in schemas of their own on a server that goes with this binary.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use store::Database;

use crate::cluster::cluster;
use crate::raw::Raw;
use crate::shop::Shop;

/// Tests of what only files have or suffer end at once.
pub(crate) const IS_FILE: bool = false;

/// A shop whose ledger is in a file after all.
pub(crate) fn in_file() -> Shop {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let database = Database::Sqlite(dir.path().join("shop.db"));
    Shop::at(dir, database)
}

/// For a new ledger.
pub(crate) fn database(_: &Path) -> Database {
    url().parse().expect("the address of a server")
}

/// The address of a schema that nobody else has, with nothing in it.
pub(crate) fn url() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let name = format!("shop_{}", COUNT.fetch_add(1, Ordering::Relaxed));
    let server = &cluster().url;
    Raw::connect(server).run(&format!("CREATE SCHEMA {name}"));
    format!("{server}?options=-csearch_path%3D{name}")
}
