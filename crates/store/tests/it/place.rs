//! Where the shops of these tests keep their ledgers: in files. The tests of PostgreSQL have another file of this name.

use std::path::Path;

use store::Database;

/// Tests of what only files have or suffer end at once elsewhere.
pub(crate) const IS_FILE: bool = true;

/// For a new ledger.
pub(crate) fn database(folder: &Path) -> Database {
    Database::Sqlite(folder.join("shop.db"))
}
