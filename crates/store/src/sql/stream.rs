//! Answers that are too long to be held, and rows that are too many to be written one by one.

use tokio_postgres::types::Type;

use super::postgres::CopyIn;
use super::value::{Bound, Value};
use super::{Connection, Error, Result, Row};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ColumnKind {
    Integer,
    Text,
    Blob,
}

/// Rows on their way into one table. Dropped unfinished, it fails the transaction of a server.
pub(crate) enum Insert<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    Postgres(CopyIn<'c>),
}

impl Connection {
    /// Reads an answer of any length, row by row, in the transaction that is open. Other questions may be asked meanwhile.
    pub(crate) fn for_each<E: From<Error>>(
        &self,
        sql: &str,
        mut read: impl FnMut(&Row<'_>) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        match self {
            Self::Sqlite(_) => {
                let mut statement = self.prepare_cached(sql)?;
                let mut rows = statement.query([])?;
                while let Some(row) = rows.next()? {
                    read(row)?;
                }
                Ok(())
            }
            Self::Postgres(conn) => conn.for_each(sql, |row| read(row)),
        }
    }

    /// Begins to write rows of a table.
    pub(crate) fn insert_all(&self, table: &str, columns: &[(&str, ColumnKind)]) -> Result<Insert<'_>> {
        let names: Vec<&str> = columns.iter().map(|it| it.0).collect();
        match self {
            Self::Sqlite(conn) => {
                let places: Vec<String> = (1..=names.len()).map(|it| format!("${it}")).collect();
                let insert = format!("INSERT INTO {table} ({}) VALUES ({})", names.join(", "), places.join(", "));
                Ok(Insert::Sqlite(conn.prepare_cached(&insert)?))
            }
            Self::Postgres(conn) => {
                let kind = |it: &(&str, ColumnKind)| match it.1 {
                    ColumnKind::Integer => Type::INT8,
                    ColumnKind::Text => Type::TEXT,
                    ColumnKind::Blob => Type::BYTEA,
                };
                let kinds: Vec<Type> = columns.iter().map(kind).collect();
                Ok(Insert::Postgres(conn.copy_in(table, &names.join(", "), &kinds)?))
            }
        }
    }
}

impl Insert<'_> {
    pub(crate) fn row(&mut self, row: Vec<Value>) -> Result<()> {
        match self {
            Self::Sqlite(statement) => {
                for (index, value) in row.iter().enumerate() {
                    statement.raw_bind_parameter(index + 1, Bound(value.as_ref()))?;
                }
                Ok(statement.raw_execute().map(drop)?)
            }
            Self::Postgres(copy) => copy.row(row),
        }
    }

    pub(crate) fn finish(self) -> Result<()> {
        match self {
            Self::Sqlite(_) => Ok(()),
            Self::Postgres(copy) => copy.finish(),
        }
    }
}
