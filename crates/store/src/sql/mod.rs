//! The thin seam between the store and its databases: SQL text is written once, with `$1` placeholders that are numbered in
//! the order in which they appear, and rows are read by the number of the column.
//!
//! Statements, rows and values are those of the database underneath: nothing is copied on the way but what a caller
//! asks to own. What differs between databases stands in the files beside this one.

mod dialect;
mod error;
mod many;
mod postgres;
mod stream;
mod value;

use std::sync::Arc;

pub(crate) use dialect::postgres_tables;
pub(crate) use error::{Error, OptionalExtension, Result, told};
pub(crate) use postgres::{Connection as PostgresConnection, Wait};
pub(crate) use stream::ColumnKind;
pub(crate) use value::{FromSql, ToSql, Value, ValueRef};

use value::Bound;

/// A connection to a database.
pub(crate) enum Connection {
    Sqlite(rusqlite::Connection),
    Postgres(Box<PostgresConnection>),
}

/// A statement that is kept prepared.
pub(crate) enum Statement<'c> {
    Sqlite(rusqlite::CachedStatement<'c>),
    Postgres { conn: &'c PostgresConnection, prepared: postgres::Prepared, bound: Vec<Value> },
}

/// What a query answers, row by row.
pub(crate) enum Rows<'s> {
    Sqlite(rusqlite::Rows<'s>),
    Postgres { rows: Arc<Vec<tokio_postgres::Row>>, next: usize },
}

/// Rows that are read as they come.
pub(crate) struct Mapped<'s, F> {
    rows: Rows<'s>,
    read: F,
}

/// A row: its columns by their numbers.
pub(crate) type Row<'r> = dyn Columns + 'r;

/// The number of a column.
pub(crate) trait Index {
    fn number(self) -> usize;
}

impl Index for usize {
    fn number(self) -> usize {
        self
    }
}

pub(crate) trait Columns {
    fn value(&self, index: usize) -> Result<ValueRef<'_>>;
}

/// What is bound to the placeholders of a statement: `params![…]`, `[]` or one value.
pub(crate) trait Params {
    fn values(&self) -> impl Iterator<Item = &dyn ToSql>;
}

/// The values of a statement, in the order of its placeholders.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$(&$value as &dyn $crate::sql::ToSql),*] as &[&dyn $crate::sql::ToSql]
    };
}
pub(crate) use params;

impl Params for &[&dyn ToSql] {
    fn values(&self) -> impl Iterator<Item = &dyn ToSql> {
        self.iter().copied()
    }
}

impl Params for &Vec<Value> {
    fn values(&self) -> impl Iterator<Item = &dyn ToSql> {
        self.iter().map(|it| it as &dyn ToSql)
    }
}

impl Params for [&dyn ToSql; 0] {
    fn values(&self) -> impl Iterator<Item = &dyn ToSql> {
        self.iter().copied()
    }
}

impl<T: ToSql> Params for [T; 1] {
    fn values(&self) -> impl Iterator<Item = &dyn ToSql> {
        self.iter().map(|it| it as &dyn ToSql)
    }
}

impl From<rusqlite::Connection> for Connection {
    fn from(conn: rusqlite::Connection) -> Self {
        Self::Sqlite(conn)
    }
}

impl Connection {
    pub(crate) fn prepare_cached(&self, sql: &str) -> Result<Statement<'_>> {
        match self {
            Self::Sqlite(conn) => {
                let statement = conn.prepare_cached(sql)?;
                debug_assert!(is_numbered(&statement), "placeholders are numbered as they appear: {sql}");
                Ok(Statement::Sqlite(statement))
            }
            Self::Postgres(conn) => Ok(Statement::Postgres { conn, prepared: conn.prepare(sql)?, bound: Vec::new() }),
        }
    }

    pub(crate) fn execute(&self, sql: &str, params: impl Params) -> Result<usize> {
        self.prepare_cached(sql)?.execute(params)
    }

    pub(crate) fn query_row<T, E: From<Error>>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        self.prepare_cached(sql)?.query_row(params, read)
    }

    /// Statements without parameters and without answers.
    pub(crate) fn execute_batch(&self, sql: &str) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.execute_batch(sql)?),
            Self::Postgres(conn) => conn.execute_batch(sql),
        }
    }

    /// Does what only changes rows. On a server all of it is on its way before anything is waited for, so that it takes
    /// one round trip, however much it is; and what one statement changes between two calls of [`Self::send_off`] is changed
    /// at once, deletions first and updates last.
    pub(crate) fn all_at_once<E: From<Error>>(
        &self,
        change: impl FnOnce() -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        match self {
            Self::Sqlite(_) => change(),
            Self::Postgres(conn) => {
                conn.send();
                change()?;
                Ok(conn.sent()?)
            }
        }
    }

    /// What comes behind is changed after what came before.
    pub(crate) fn send_off(&self) {
        if let Self::Postgres(conn) = self {
            conn.send_off();
        }
    }

    /// From now on a server is asked nothing that is not known already: it is noted, and whoever asks fails with
    /// [`Error::Noted`], until [`Self::ask_noted`]. A file is asked as ever.
    pub(crate) fn note(&self) {
        if let Self::Postgres(conn) = self {
            conn.note();
        }
    }

    /// Asks all that was noted, in one round trip.
    pub(crate) fn ask_noted(&self) -> Result<Noted> {
        match self {
            Self::Sqlite(_) => Ok(Noted::Nothing),
            Self::Postgres(conn) => conn.ask_noted(),
        }
    }

    /// Says what will be asked soon, so that it is noted together with what is asked before.
    pub(crate) fn expect(&self, sql: &str, params: impl Params) -> Result<()> {
        match self {
            Self::Postgres(conn) if conn.is_noting() => {
                conn.expect(&conn.prepare(sql)?, &postgres_values(&params)?);
                Ok(())
            }
            Self::Sqlite(_) | Self::Postgres(_) => Ok(()),
        }
    }

    /// Whether it was asked ahead.
    pub(crate) fn knows(&self, sql: &str, params: impl Params) -> Result<bool> {
        match self {
            Self::Sqlite(_) => Ok(false),
            Self::Postgres(conn) => Ok(conn.knows(&conn.prepare(sql)?, &postgres_values(&params)?)),
        }
    }

    /// What is to be asked ahead, where that spares round trips: on a server.
    pub(crate) fn ahead(&self) -> Option<Ahead<'_>> {
        match self {
            Self::Sqlite(_) => None,
            Self::Postgres(conn) => Some(Ahead { conn, asks: Vec::new() }),
        }
    }

    /// Whether no transaction is open.
    pub(crate) fn is_autocommit(&self) -> bool {
        match self {
            Self::Sqlite(conn) => conn.is_autocommit(),
            Self::Postgres(conn) => conn.is_autocommit(),
        }
    }

    /// Begins a transaction that nobody else writes beside.
    pub(crate) fn begin_writing(&self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.prepare_cached("BEGIN IMMEDIATE")?.execute([]).map(drop)?),
            Self::Postgres(conn) => Ahead { conn, asks: Vec::new() }.begin(false),
        }
    }

    /// Begins a transaction that sees one snapshot: on SQLite that of its first read.
    pub(crate) fn begin_reading(&self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.execute_batch("BEGIN")?),
            Self::Postgres(conn) => conn.begin(dialect::BEGIN_READING),
        }
    }

    pub(crate) fn commit(&self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.prepare_cached("COMMIT")?.execute([]).map(drop)?),
            Self::Postgres(conn) => conn.commit(),
        }
    }

    pub(crate) fn roll_back(&self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.execute_batch("ROLLBACK")?),
            Self::Postgres(conn) => conn.roll_back(),
        }
    }

    /// Whether it can never be used again.
    pub(crate) fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite(_) => false,
            Self::Postgres(conn) => conn.is_closed(),
        }
    }

    /// Closes it, and tells what fails.
    pub(crate) fn close(self) -> Result<()> {
        match self {
            Self::Sqlite(conn) => Ok(conn.close().map_err(|(_, error)| error)?),
            Self::Postgres(_) => Ok(()),
        }
    }

    /// The connection to a file, for what only files have.
    pub(crate) fn file(&self) -> Option<&rusqlite::Connection> {
        match self {
            Self::Sqlite(conn) => Some(conn),
            Self::Postgres(_) => None,
        }
    }
}

/// What was found missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Noted {
    Nothing,
    /// It is known now.
    Asked,
    /// Something was to be changed at once: that is done only where nothing is noted.
    Changes,
}

/// Questions that are asked together: who asks one of them again in this transaction has its answer at once. They are asked in
/// the order in which their statements came first.
pub(crate) struct Ahead<'c> {
    conn: &'c PostgresConnection,
    asks: Vec<postgres::Ask>,
}

impl Ahead<'_> {
    pub(crate) fn ask(&mut self, sql: &str, params: impl Params) -> Result<()> {
        let values: Result<Vec<Value>> = params.values().map(|it| it.value().map(Value::of)).collect();
        self.asks.push((self.conn.prepare(sql)?, values?));
        Ok(())
    }

    /// In one round trip.
    pub(crate) fn fetch(&mut self) -> Result<()> {
        self.conn.ask_ahead(std::mem::take(&mut self.asks))
    }

    /// In the same round trip as the beginning of the transaction in which they are asked; others may write beside it, or nobody.
    pub(crate) fn begin(mut self, shares: bool) -> Result<()> {
        let lock = if shares { dialect::LOCK_SHARED } else { dialect::LOCK };
        self.asks.insert(0, (self.conn.prepare(lock)?, Vec::new()));
        if shares {
            return self.conn.begin_asking("BEGIN", self.asks);
        }
        self.asks.insert(1, (self.conn.prepare(dialect::ALONE)?, Vec::new()));
        for _ in 1..dialect::ALONE_TURNS {
            match self.conn.begin_asking(dialect::BEGIN_ALONE, self.asks.clone()) {
                Err(error) if error.is_lock_timeout() => self.conn.roll_back()?,
                begun => return begun,
            }
            std::thread::sleep(dialect::ALONE_PAUSE);
        }
        self.conn.begin_asking(dialect::BEGIN_ALONE, self.asks)
    }
}

/// SQLite numbers placeholders as they appear, whatever number they bear; others go by the number.
fn is_numbered(statement: &rusqlite::Statement<'_>) -> bool {
    (1..=statement.parameter_count()).all(|it| statement.parameter_name(it) == Some(&format!("${it}")))
}

impl Statement<'_> {
    pub(crate) fn query(&mut self, params: impl Params) -> Result<Rows<'_>> {
        match self {
            Self::Sqlite(statement) => {
                bind_all(statement, &params)?;
                Ok(Rows::Sqlite(statement.raw_query()))
            }
            Self::Postgres { conn, prepared, .. } => {
                let rows = conn.query(prepared, &postgres_values(&params)?)?;
                Ok(Rows::Postgres { rows, next: 0 })
            }
        }
    }

    /// The first row; `Error::NoRows` if there is none.
    pub(crate) fn query_row<T, E: From<Error>>(
        &mut self,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> std::result::Result<T, E>,
    ) -> std::result::Result<T, E> {
        let mut rows = self.query(params)?;
        read(rows.next()?.ok_or(Error::NoRows)?)
    }

    pub(crate) fn query_map<T, F: FnMut(&Row<'_>) -> Result<T>>(
        &mut self,
        params: impl Params,
        read: F,
    ) -> Result<Mapped<'_, F>> {
        Ok(self.query(params)?.and_then(read))
    }

    /// Whether there is any row.
    pub(crate) fn exists(&mut self, params: impl Params) -> Result<bool> {
        Ok(self.query(params)?.next()?.is_some())
    }

    /// Answers how many rows changed. While statements are sent without waiting, that is one, or the batch fails.
    pub(crate) fn execute(&mut self, params: impl Params) -> Result<usize> {
        match self {
            Self::Sqlite(statement) => {
                bind_all(statement, &params)?;
                Ok(statement.raw_execute()?)
            }
            Self::Postgres { conn, prepared, .. } => conn.execute(prepared, &postgres_values(&params)?, true),
        }
    }

    /// As `execute`, for what may change any number of rows.
    pub(crate) fn execute_any(&mut self, params: impl Params) -> Result<()> {
        match self {
            Self::Sqlite(_) => self.execute(params).map(drop),
            Self::Postgres { conn, prepared, .. } => {
                conn.execute(prepared, &postgres_values(&params)?, false).map(drop)
            }
        }
    }

    /// Binds one value; the first placeholder is 1.
    pub(crate) fn raw_bind_parameter(&mut self, index: usize, value: impl ToSql) -> Result<()> {
        match self {
            Self::Sqlite(statement) => Ok(statement.raw_bind_parameter(index, Bound(value.value()?))?),
            Self::Postgres { bound, .. } => {
                bound.resize_with(bound.len().max(index), || Value::Null);
                bound[index - 1] = Value::of(value.value()?);
                Ok(())
            }
        }
    }

    /// As `execute`, with what was bound before.
    pub(crate) fn raw_execute(&mut self) -> Result<usize> {
        match self {
            Self::Sqlite(statement) => Ok(statement.raw_execute()?),
            Self::Postgres { conn, prepared, bound } => {
                let values: Vec<_> = bound.iter().map(|it| postgres::Bound(it.as_ref())).collect();
                conn.execute(prepared, &values, true)
            }
        }
    }
}

fn postgres_values(params: &impl Params) -> Result<Vec<postgres::Bound<'_>>> {
    params.values().map(|it| it.value().map(postgres::Bound)).collect()
}

fn bind_all(statement: &mut rusqlite::Statement<'_>, params: &impl Params) -> Result<()> {
    let expected = statement.parameter_count();
    let mut bound = 0;
    for value in params.values() {
        bound += 1;
        if expected < bound {
            break;
        }
        statement.raw_bind_parameter(bound, Bound(value.value()?))?;
    }
    if bound == expected { Ok(()) } else { Err(Error::Parameters { expected, bound }) }
}

impl<'s> Rows<'s> {
    pub(crate) fn next(&mut self) -> Result<Option<&Row<'_>>> {
        match self {
            Self::Sqlite(rows) => Ok(rows.next()?.map(|it| it as &Row<'_>)),
            Self::Postgres { rows, next } => {
                *next += 1;
                Ok(rows.get(*next - 1).map(|it| it as &Row<'_>))
            }
        }
    }

    /// Reads row after row; ends at the first that cannot be read.
    pub(crate) fn and_then<T, E, F: FnMut(&Row<'_>) -> std::result::Result<T, E>>(self, read: F) -> Mapped<'s, F> {
        Mapped { rows: self, read }
    }
}

impl<T, E: From<Error>, F: FnMut(&Row<'_>) -> std::result::Result<T, E>> Iterator for Mapped<'_, F> {
    type Item = std::result::Result<T, E>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.rows.next() {
            Ok(row) => row.map(&mut self.read),
            Err(error) => Some(Err(error.into())),
        }
    }
}

impl Columns for rusqlite::Row<'_> {
    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        ValueRef::of_sqlite(self.get_ref(index)?).ok_or(Error::Column { index, expected: "no floating point" })
    }
}

impl dyn Columns + '_ {
    pub(crate) fn get<I: Index, T: FromSql>(&self, index: I) -> Result<T> {
        let index = index.number();
        T::read(self.value(index)?).map_err(|it| Error::Column { index, expected: it.0 })
    }

    pub(crate) fn get_ref(&self, index: usize) -> Result<ValueRef<'_>> {
        self.value(index)
    }
}
