//! PostgreSQL behind the seam: a connection that is driven by whoever waits for it, statements that stay prepared, and rows
//! whose values lie where the driver has read them.
//!
//! Bounded: the answer to a query is in memory as a whole, so long lists are asked for page by page. After a failure
//! inside a transaction nothing is committed any more.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;

use bytes::BytesMut;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, Statement};

use super::value::ValueRef;
use super::{Columns, Error, Result};

type Refused = Box<dyn std::error::Error + Sync + Send>;

/// A connection with a thread's worth of machinery of its own: it moves only while somebody waits for an answer.
pub(crate) struct Connection {
    client: Client,
    statements: RefCell<HashMap<Box<str>, Statement>>,
    state: Cell<State>,
    /// There until the connection is dropped.
    runtime: Option<Runtime>,
}

/// How the transaction stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    None,
    Open,
    /// Something in it has failed: it can only be rolled back.
    Failed,
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Not waited for: whoever drops a connection may itself be waited for.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Connection {
    /// Opens one with what `connect` makes: the client, and what moves it.
    pub(crate) fn open<M, F>(connect: impl FnOnce() -> F) -> Result<Self>
    where
        F: Future<Output = std::result::Result<(Client, M), tokio_postgres::Error>>,
        M: Future<Output = std::result::Result<(), tokio_postgres::Error>> + Send + 'static,
    {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Driver)?;
        let (client, moved) = runtime.block_on(connect())?;
        // Whoever waits for an answer is told what went wrong.
        drop(runtime.spawn(moved));
        let statements = RefCell::new(HashMap::new());
        Ok(Self { client, statements, state: Cell::new(State::None), runtime: Some(runtime) })
    }

    fn wait<T>(&self, answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
        let runtime = self.runtime.as_ref().expect("it is there until the connection is dropped");
        runtime.block_on(answer).map_err(|error| {
            if self.state.get() == State::Open {
                self.state.set(State::Failed);
            }
            if error.code() == Some(&SqlState::FEATURE_NOT_SUPPORTED) {
                // A migration has changed what a prepared statement answers.
                self.statements.borrow_mut().clear();
            }
            Error::Postgres(error)
        })
    }

    /// Whether the other side is gone.
    pub(crate) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    pub(crate) fn is_autocommit(&self) -> bool {
        self.state.get() == State::None
    }

    pub(crate) fn execute_batch(&self, sql: &str) -> Result<()> {
        self.wait(self.client.batch_execute(sql))
    }

    /// Begins a transaction with these statements, in one round trip.
    pub(crate) fn begin(&self, sql: &str) -> Result<()> {
        self.state.set(State::Open);
        self.execute_batch(sql)
    }

    /// The database answers a COMMIT after a failure without an error, and commits nothing: it is not asked.
    pub(crate) fn commit(&self) -> Result<()> {
        if self.state.get() != State::Open {
            return Err(Error::NotCommitted);
        }
        self.execute_batch("COMMIT")?;
        self.state.set(State::None);
        Ok(())
    }

    pub(crate) fn roll_back(&self) -> Result<()> {
        // Without its connection a transaction is over by itself.
        if !self.is_closed() {
            self.execute_batch("ROLLBACK")?;
        }
        self.state.set(State::None);
        Ok(())
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement> {
        if let Some(statement) = self.statements.borrow().get(sql) {
            return Ok(statement.clone());
        }
        let statement = self.wait(self.client.prepare(sql))?;
        self.statements.borrow_mut().insert(sql.into(), statement.clone());
        Ok(statement)
    }

    pub(crate) fn query(&self, statement: &Statement, values: &[Bound<'_>]) -> Result<Vec<Row>> {
        check(statement, values)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        self.wait(self.client.query(statement, &values))
    }

    pub(crate) fn execute(&self, statement: &Statement, values: &[Bound<'_>]) -> Result<usize> {
        check(statement, values)?;
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        let rows = self.wait(self.client.execute(statement, &values))?;
        usize::try_from(rows).map_err(|_| Error::TooLarge)
    }
}

fn check(statement: &Statement, values: &[Bound<'_>]) -> Result<()> {
    let (expected, bound) = (statement.params().len(), values.len());
    if bound == expected { Ok(()) } else { Err(Error::Parameters { expected, bound }) }
}

/// A value on its way into a statement.
#[derive(Debug)]
pub(crate) struct Bound<'a>(pub(crate) ValueRef<'a>);

impl ToSql for Bound<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Refused> {
        match (self.0, kind) {
            (ValueRef::Null, _) => Ok(IsNull::Yes),
            (ValueRef::Integer(it), &Type::INT8) => it.to_sql(kind, out),
            (ValueRef::Integer(it), &Type::INT4) => i32::try_from(it)?.to_sql(kind, out),
            (ValueRef::Text(it), &Type::TEXT) => std::str::from_utf8(it)?.to_sql(kind, out),
            (ValueRef::Blob(it), &Type::BYTEA) => it.to_sql(kind, out),
            (_, _) => Err(format!("a value does not fit a parameter of the type {kind}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// A value as it lies in a row.
struct Raw<'a>(ValueRef<'a>);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(kind: &Type, raw: &'a [u8]) -> std::result::Result<Self, Refused> {
        Ok(Self(match *kind {
            Type::INT8 => ValueRef::Integer(i64::from_sql(kind, raw)?),
            Type::INT4 => ValueRef::Integer(i32::from_sql(kind, raw)?.into()),
            Type::BOOL => ValueRef::Integer(bool::from_sql(kind, raw)?.into()),
            Type::BYTEA => ValueRef::Blob(raw),
            _ => ValueRef::Text(raw),
        }))
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Refused> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(kind: &Type) -> bool {
        matches!(*kind, Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT)
    }
}

impl Columns for Row {
    fn value(&self, index: usize) -> Result<ValueRef<'_>> {
        Ok(self.try_get::<_, Raw<'_>>(index)?.0)
    }
}
