//! Who sweeps: of several processes on one server one at a time.
//!
//! The lease is a lock of a session that is kept for it alone. It ends with the session: when the process ends, when it is
//! cut off, or when it stands still for so long that the server ends it. Two that sweep at once would do no harm, only
//! work for nothing: what one has settled the other finds settled.

use std::sync::{Mutex, PoisonError};

use crate::database::Database;
use crate::error::StoreError;
use crate::postgres::{Address, Purpose};
use crate::sql::{self, Connection};

/// Beside the lock of the writers; the second number keeps the ledgers of one database apart.
const TAKE: &str = "SELECT pg_try_advisory_lock(1198683247, hashtext(current_schema()))";

#[derive(Default)]
pub(crate) struct Lease(Mutex<Option<Connection>>);

impl Lease {
    /// Whether it is this process's turn: of a file it always is.
    pub(crate) fn is_held(&self, database: &Database) -> Result<bool, StoreError> {
        let Database::Postgres(address) = database else { return Ok(true) };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if held.as_ref().is_some_and(|it| it.execute_batch("SELECT 1").is_ok()) {
            return Ok(true);
        }
        *held = taken(address)?;
        Ok(held.is_some())
    }
}

fn taken(address: &Address) -> Result<Option<Connection>, StoreError> {
    let conn = address.connect(Purpose::Lease)?;
    let taken = conn.query_row(TAKE, [], |row| row.get::<_, bool>(0));
    let taken = taken.map_err(|error: sql::Error| StoreError::sql(address.path(), &error))?;
    Ok(taken.then_some(conn))
}
