//! Brings a database to the schema of this program, or refuses it untouched.
//!
//! Migrations are numbered, embedded and checksummed; one that has shipped is never edited. Each runs in a transaction of
//! its own. A database says which schema a program must know at least: a newer one is refused before anything is written.

use std::path::Path;

use engine::Timestamp;
use rusqlite::OpenFlags;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::sql::{Connection, OptionalExtension as _, params, postgres_tables};

/// "Grdn": tells our files from those of other programs.
const APPLICATION_ID: i64 = 0x4772_646e;

struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
    /// The oldest schema that a program must know to work with the database after it.
    oldest_compatible: i64,
}

const MIGRATIONS: [Migration; 1] =
    [Migration { number: 1, name: "ledger", sql: include_str!("migrations/001_ledger.sql"), oldest_compatible: 1 }];

const MIGRATIONS_TABLE: &str = "CREATE TABLE IF NOT EXISTS migrations (
    number INTEGER NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 BLOB NOT NULL,
    at INTEGER NOT NULL
) STRICT";

pub(crate) const SCHEMA: i64 = MIGRATIONS[MIGRATIONS.len() - 1].number;

/// Refuses what is no database of ours, or a newer one. Reads only.
pub(crate) fn inspect(path: &Path) -> Result<(), StoreError> {
    let conn = open_reading(path)?.into();
    inspect_open(&conn, path).map_err(|fault| fault.at(path))
}

/// Whether there is nothing yet: no file, or one without tables, as a process leaves it that dies while it makes it.
pub(crate) fn is_empty(path: &Path) -> Result<bool, StoreError> {
    if std::fs::metadata(path).map_or(true, |it| it.len() == 0) {
        return Ok(true);
    }
    let conn = open_reading(path)?;
    let is_empty = conn.query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0));
    is_empty.map_err(|error| StoreError::sqlite(path, &error))
}

/// A connection that cannot write, checked for damage as it reads.
pub(crate) fn open_reading(path: &Path) -> Result<rusqlite::Connection, StoreError> {
    if !path.exists() {
        return Err(StoreError::Missing(path.to_owned()));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let conn = rusqlite::Connection::open_with_flags(path, flags)?;
        conn.pragma_update(None, "cell_size_check", true)?;
        conn.pragma_update(None, "cache_size", -8_192)?;
        conn.busy_timeout(std::time::Duration::from_secs(5))?;
        conn.set_prepared_statement_cache_capacity(64);
        Ok(conn)
    };
    open().map_err(|error: rusqlite::Error| StoreError::sqlite(path, &error))
}

pub(crate) fn inspect_open(conn: &Connection, path: &Path) -> Found<()> {
    if !is_ours(conn)? {
        return Err(match conn.file() {
            Some(_) => StoreError::NotADatabase(path.to_owned()).into(),
            None => StoreError::Missing(path.to_owned()).into(),
        });
    }
    let needs: i64 = meta(conn, "oldest_compatible")?
        .and_then(|it| it.parse().ok())
        .ok_or(Fault::Row("the database does not say which program it needs"))?;
    if SCHEMA < needs {
        return Err(StoreError::Newer { path: path.to_owned(), needs, has: SCHEMA }.into());
    }
    for migration in &MIGRATIONS {
        let known: Option<Vec<u8>> = conn
            .query_row("SELECT sha256 FROM migrations WHERE number = $1", params![migration.number], |row| row.get(0))
            .optional()?;
        if known.is_some_and(|it| it != checksum(migration)) {
            return Err(StoreError::Migration { path: path.to_owned(), number: migration.number }.into());
        }
    }
    Ok(())
}

/// Whether a program like this one has made it.
pub(crate) fn is_ours(conn: &Connection) -> Found<bool> {
    if conn.file().is_some() {
        let application: i64 = conn.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        return Ok(application == APPLICATION_ID);
    }
    let select = "SELECT 1 FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name IN ('meta', 'migrations')";
    Ok(conn.prepare_cached(select)?.exists([])?)
}

pub(crate) fn meta(conn: &Connection, name: &str) -> Found<Option<String>> {
    let found = conn.query_row("SELECT value FROM meta WHERE name = $1", params![name], |row| row.get(0));
    Ok(found.optional()?)
}

/// Raised with each change of reference data.
pub(crate) fn epoch_of(conn: &Connection) -> Found<u64> {
    let mut statement = conn.prepare_cached("SELECT CAST(value AS BIGINT) FROM meta WHERE name = 'epoch'")?;
    let epoch: Option<i64> = statement.query_row([], |row| row.get(0)).optional()?;
    epoch.and_then(|it| u64::try_from(it).ok()).ok_or(Fault::Row("the database does not say its epoch"))
}

pub(crate) fn set_meta(conn: &Connection, name: &str, value: &str) -> Found<()> {
    let upsert = "INSERT INTO meta (name, value) VALUES ($1, $2)
        ON CONFLICT (name) DO UPDATE SET value = excluded.value";
    conn.execute(upsert, params![name, value])?;
    Ok(())
}

/// Programs, channels or keys have changed, or somebody was merged for the first time: who keeps them reads them again.
pub(crate) fn raise_epoch(conn: &Connection) -> Found<()> {
    conn.execute("UPDATE meta SET value = CAST(CAST(value AS BIGINT) + 1 AS TEXT) WHERE name = 'epoch'", [])?;
    Ok(())
}

/// A new history begins: what was given out before may come again with other content.
pub(crate) fn start_incarnation(conn: &Connection) -> Found<()> {
    set_meta(conn, "incarnation", &Uuid::now_v7().to_string())
}

/// Runs what is missing.
pub(crate) fn migrate(conn: &Connection, now: Timestamp) -> Found<()> {
    for migration in &MIGRATIONS {
        conn.begin_writing()?;
        let ran = run(conn, migration, now).and_then(|()| Ok(conn.commit()?));
        if ran.is_err() && !conn.is_autocommit() {
            conn.roll_back()?;
        }
        ran?;
    }
    Ok(())
}

/// Makes the tables in the transaction that is open.
pub(crate) fn create(conn: &Connection, now: Timestamp) -> Found<()> {
    MIGRATIONS.iter().try_for_each(|it| run(conn, it, now))
}

/// Whether something is missing.
pub(crate) fn is_behind(conn: &Connection) -> Found<bool> {
    if !is_ours(conn)? {
        return Ok(true);
    }
    let newest: Option<i64> = conn.query_row("SELECT max(number) FROM migrations", [], |row| row.get(0))?;
    Ok(newest.is_none_or(|it| it < SCHEMA))
}

fn run(conn: &Connection, migration: &Migration, now: Timestamp) -> Found<()> {
    let is_file = conn.file().is_some();
    let said = |sql: &str| if is_file { sql.to_owned() } else { postgres_tables(sql) };
    conn.execute_batch(&said(MIGRATIONS_TABLE))?;
    let find = "SELECT 1 FROM migrations WHERE number = $1";
    if conn.prepare_cached(find)?.exists(params![migration.number])? {
        return Ok(());
    }
    conn.execute_batch(&said(migration.sql))?;
    let insert = "INSERT INTO migrations (number, name, sha256, at) VALUES ($1, $2, $3, $4)";
    conn.execute(insert, params![migration.number, migration.name, checksum(migration), now.micros()])?;
    set_meta(conn, "schema", &migration.number.to_string())?;
    set_meta(conn, "oldest_compatible", &migration.oldest_compatible.to_string())?;
    if migration.number == 1 {
        if is_file {
            conn.execute_batch(&format!("PRAGMA application_id = {APPLICATION_ID}"))?;
        }
        set_meta(conn, "epoch", "1")?;
        start_incarnation(conn)?;
    }
    Ok(())
}

fn checksum(migration: &Migration) -> Vec<u8> {
    Sha256::digest(migration.sql).to_vec()
}
