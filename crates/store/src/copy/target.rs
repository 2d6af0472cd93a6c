//! Where a copy goes: a file under another name until it is whole, or one transaction on a server. Whoever looks before it
//! is whole finds nothing, and a copy that was interrupted is begun again by asking again.

use std::path::{Path, PathBuf};

use engine::Timestamp;

use super::shape::Table;
use crate::backup::{PartLock, check_free, publish};
use crate::damage::check_pages;
use crate::database::Database;
use crate::error::StoreError;
use crate::fault::Found;
use crate::file::{beside, lock};
use crate::migrate::{create, is_ours};
use crate::postgres::Purpose;
use crate::sql::{Connection, params};

pub(super) struct Target {
    pub(super) conn: Connection,
    path: PathBuf,
    /// Of a file.
    part: Option<Part>,
}

struct Part {
    path: PathBuf,
    is_published: bool,
    _part: PartLock,
    _file: std::fs::File,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.is_published {
            // The error says why; a half copy is of no use.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

impl Target {
    /// An empty place, with a transaction open in it and the tables made.
    pub(super) fn open(to: &Database, tables: &[Table], now: Timestamp) -> Result<Self, StoreError> {
        let path = to.path().to_owned();
        let target = match to {
            Database::Sqlite(file) => {
                let part = Part::begin(file)?;
                let conn = open_part(&part.path).map_err(|fault| fault.at(&path))?;
                Self { conn, path, part: Some(part) }
            }
            Database::Postgres(address) => {
                let conn = address.connect(Purpose::LongWriting)?;
                address.inspect(&conn, Some(now))?;
                address.refuse_pooler(&conn)?;
                conn.begin_writing().map_err(|error| StoreError::sql(&path, &error))?;
                Self { conn, path, part: None }
            }
        };
        target.refuse_tables(tables)?;
        target.at(create(&target.conn, now))?;
        Ok(target)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Names the target in what went wrong.
    pub(super) fn at<T>(&self, found: Found<T>) -> Result<T, StoreError> {
        found.map_err(|fault| fault.at(&self.path))
    }

    fn refuse_tables(&self, tables: &[Table]) -> Result<(), StoreError> {
        if self.part.is_some() {
            return Ok(());
        }
        if self.at(is_ours(&self.conn))? {
            let what =
                "there is a ledger already, and nothing is overwritten; name a database, or a schema, of its own";
            return Err(StoreError::Refused { path: self.path.clone(), what: what.to_owned() });
        }
        for table in tables {
            let find = "SELECT 1 FROM information_schema.tables WHERE table_schema = current_schema() AND CAST(table_name AS TEXT) = $1";
            let find = || -> Found<bool> { Ok(self.conn.prepare_cached(find)?.exists(params![table.name])?) };
            if self.at(find())? {
                let what = format!(
                    "the schema has a table {} that is not of a ledger; name a database, or a schema, of its own",
                    table.name
                );
                return Err(StoreError::Refused { path: self.path.clone(), what });
            }
        }
        Ok(())
    }

    /// From now on it is there.
    pub(super) fn publish(self) -> Result<(), StoreError> {
        let Self { conn, path, part } = self;
        let at = |found: Found<()>| found.map_err(|fault| fault.at(&path));
        let Some(mut part) = part else {
            // Nobody has looked at the rows yet: without it the first plans would be those of empty tables.
            at(conn.execute_batch("ANALYZE").map_err(Into::into))?;
            return at(conn.commit().map_err(Into::into));
        };
        at(conn.commit().map_err(Into::into))?;
        at(conn.file().map_or(Ok(()), check_pages))?;
        at(conn.close().map_err(Into::into))?;
        publish(&part.path, &path)?;
        part.is_published = true;
        Ok(())
    }
}

impl Part {
    fn begin(to: &Path) -> Result<Self, StoreError> {
        check_free(to)?;
        let path = beside(to, ".part");
        if path.parent().is_some_and(|it| !it.as_os_str().is_empty() && !it.is_dir()) {
            return Err(StoreError::Missing(path));
        }
        let (part, file) = (PartLock::take(&path)?, lock(to)?);
        // What a process that died left behind.
        let _ = std::fs::remove_file(&path);
        Ok(Self { path, is_published: false, _part: part, _file: file })
    }
}

/// What is not whole is thrown away: no journal, and it is synced once it is whole.
fn open_part(path: &Path) -> Found<Connection> {
    let conn = rusqlite::Connection::open(path)?;
    conn.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    conn.pragma_update(None, "cache_size", -65_536)?;
    let conn = Connection::from(conn);
    conn.begin_writing()?;
    Ok(conn)
}
