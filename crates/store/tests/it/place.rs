//! Where the shops of these tests keep their ledgers: in files. The tests of PostgreSQL have another file of this name.

use std::path::Path;

use store::Database;

use crate::shop::Shop;

/// Tests of what only files have or suffer end at once elsewhere.
pub(crate) const IS_FILE: bool = true;

/// Changes rows behind the store, and answers how many: what a test spoils, `verify` is to find.
pub(crate) fn change(shop: &Shop, sql: &str) -> usize {
    let conn = rusqlite::Connection::open(shop.path()).expect("the database");
    conn.execute(sql, []).expect(sql)
}

/// For a new ledger.
pub(crate) fn database(folder: &Path) -> Database {
    Database::Sqlite(folder.join("shop.db"))
}
