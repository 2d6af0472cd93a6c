//! A place for a ledger that is tried and thrown away: a schema of its own on a server of PostgreSQL, for scenarios and tests.

use uuid::Uuid;

use crate::database::Database;
use crate::error::StoreError;
use crate::postgres::{Address, Purpose};

/// A schema with a name that nobody else has; it goes, with all that is in it, when this does.
pub struct Scratch {
    address: Address,
    name: String,
    database: Database,
}

impl Scratch {
    /// # Errors
    /// When the server cannot be reached, or the user may not make schemas.
    pub fn new(address: &Address) -> Result<Self, StoreError> {
        let name = format!("guerdon_{}", Uuid::now_v7().simple());
        let scratch = Self { address: address.clone(), database: Database::Postgres(address.in_schema(&name)), name };
        scratch.execute(&format!("CREATE SCHEMA {}", scratch.name))?;
        Ok(scratch)
    }

    pub fn database(&self) -> &Database {
        &self.database
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        let conn = self.address.connect(Purpose::Writing)?;
        conn.execute_batch(sql).map_err(|error| StoreError::sql(self.address.path(), &error))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // One that stays does no harm.
        let _ = self.execute(&format!("DROP SCHEMA {} CASCADE", self.name));
    }
}
