//! Places for ledgers that are tried and thrown away on a server of PostgreSQL: a schema of its own for scenarios and tests,
//! databases of their own for measurements.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::database::Database;
use crate::error::StoreError;
use crate::postgres::{Address, Purpose};
use crate::sql::{Connection, params};

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

/// Databases beside the one that an address names, to be measured on and thrown away: each goes when this does.
pub struct Databases {
    address: Address,
    made: Mutex<BTreeSet<String>>,
}

impl Databases {
    /// # Errors
    /// When the server cannot be reached, or its user may not make databases.
    pub fn new(address: &Address) -> Result<Self, StoreError> {
        let databases = Self { address: address.clone(), made: Mutex::default() };
        let conn = databases.connect()?;
        address.inspect(&conn, None)?;
        let may = "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user";
        let may = conn.query_row(may, [], |row| row.get::<_, bool>(0));
        if may.map_err(|error| StoreError::sql(address.path(), &error))? {
            return Ok(databases);
        }
        let what = "the user may not make databases, and this needs some of its own; grant it CREATEDB".to_owned();
        Err(StoreError::Refused { path: address.path().to_owned(), what })
    }

    /// Makes a database: an empty one, or a copy of another that nobody uses. Everything is on the disk afterwards.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn make(&self, name: &str, copy_of: Option<&str>) -> Result<(), StoreError> {
        let template = copy_of.unwrap_or("template0");
        self.execute(&format!("CREATE DATABASE {name} ENCODING 'UTF8' TEMPLATE {template} STRATEGY file_copy"))?;
        self.made().insert(name.to_owned());
        Ok(())
    }

    /// # Errors
    /// When the server refuses.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        self.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"))?;
        self.made().remove(name);
        Ok(())
    }

    /// Whether there is one of that name.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn is_there(&self, name: &str) -> Result<bool, StoreError> {
        let select = "SELECT EXISTS (SELECT 1 FROM pg_database WHERE datname = $1)";
        let found = self.connect()?.query_row(select, params![name], |row| row.get::<_, bool>(0));
        found.map_err(|error| StoreError::sql(self.address.path(), &error))
    }

    /// It stays when this goes.
    pub fn keep(&self, name: &str) {
        self.made().remove(name);
    }

    /// Where the log of the server stands, in bytes.
    ///
    /// # Errors
    /// When the server refuses.
    pub fn log_bytes(&self) -> Result<u64, StoreError> {
        let select = "SELECT CAST(pg_current_wal_insert_lsn() - '0/0' AS BIGINT)";
        let at = self.connect()?.query_row(select, [], |row| row.get::<_, u64>(0));
        at.map_err(|error| StoreError::sql(self.address.path(), &error))
    }

    fn made(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn connect(&self) -> Result<Connection, StoreError> {
        self.address.connect(Purpose::LongReading)
    }

    fn execute(&self, sql: &str) -> Result<(), StoreError> {
        self.connect()?.execute_batch(sql).map_err(|error| StoreError::sql(self.address.path(), &error))
    }
}

impl Drop for Databases {
    fn drop(&mut self) {
        let made = std::mem::take(&mut *self.made());
        for name in made {
            // One that stays does no harm but for its size, and has a name that tells where it comes from.
            let _ = self.execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
        }
    }
}

/// Brings a database that was filled to rest: what the server knows of it is up to date.
///
/// # Errors
/// When the server refuses.
pub fn settle_server(database: &Database) -> Result<(), StoreError> {
    let Database::Postgres(address) = database else { return Ok(()) };
    let conn = address.connect(Purpose::LongReading)?;
    conn.execute_batch("VACUUM (ANALYZE)").map_err(|error| StoreError::sql(address.path(), &error))
}
