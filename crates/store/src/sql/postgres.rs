//! PostgreSQL behind the seam: a connection that is driven by whoever waits for it, statements that stay prepared, and rows
//! whose values lie where the driver has read them.
//!
//! Bounded: the answer to a query is in memory as a whole, so long lists are asked for page by page. After a failure
//! inside a transaction nothing is committed any more.

mod stream;

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::BytesMut;
use tokio::runtime::{Builder, Runtime};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use tokio_postgres::{Client, Row, Statement};

use super::value::{Value, ValueRef};
use super::{Columns, Error, Result};
pub(crate) use stream::CopyIn;

type Refused = Box<dyn std::error::Error + Sync + Send>;

/// A connection with a thread's worth of machinery of its own: it moves only while somebody waits for an answer.
pub(crate) struct Connection {
    client: Arc<Client>,
    /// Statements that were sent and whose answers nobody has waited for yet; nothing while each is waited for.
    sent: RefCell<Option<Vec<Sent>>>,
    statements: RefCell<HashMap<Box<str>, Prepared>>,
    /// What was asked ahead, until the transaction ends or writes.
    known: RefCell<HashMap<Asked, Arc<Vec<Row>>>>,
    state: Cell<State>,
    /// How many long answers were asked for: each has a name of its own.
    cursors: Cell<u64>,
    /// There until the connection is dropped.
    runtime: Option<Runtime>,
}

/// A statement that the server knows, and its number on this connection.
#[derive(Clone)]
pub(crate) struct Prepared {
    number: usize,
    statement: Statement,
}

/// A statement by its number, with what is bound to it.
type Asked = (usize, Vec<Value>);

/// A statement on its way, and whether it must change exactly one row.
struct Sent {
    answer: Pin<Box<dyn Future<Output = std::result::Result<u64, tokio_postgres::Error>> + Send>>,
    is_one: bool,
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
        let (statements, known) = (RefCell::new(HashMap::new()), RefCell::default());
        let (client, sent) = (Arc::new(client), RefCell::new(None));
        let (state, cursors) = (Cell::new(State::None), Cell::new(0));
        Ok(Self { client, sent, statements, known, state, cursors, runtime: Some(runtime) })
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
        self.known.borrow_mut().clear();
        self.state.set(State::Open);
        self.execute_batch(sql)
    }

    /// The database answers a COMMIT after a failure without an error, and commits nothing: it is not asked.
    pub(crate) fn commit(&self) -> Result<()> {
        if self.state.get() != State::Open {
            return Err(Error::NotCommitted);
        }
        self.known.borrow_mut().clear();
        self.execute_batch("COMMIT")?;
        self.state.set(State::None);
        Ok(())
    }

    pub(crate) fn roll_back(&self) -> Result<()> {
        drop(self.sent.take());
        self.known.borrow_mut().clear();
        // Without its connection a transaction is over by itself.
        if !self.is_closed() {
            self.execute_batch("ROLLBACK")?;
        }
        self.state.set(State::None);
        Ok(())
    }

    pub(crate) fn prepare(&self, sql: &str) -> Result<Prepared> {
        if let Some(prepared) = self.statements.borrow().get(sql) {
            return Ok(prepared.clone());
        }
        let statement = self.wait(self.client.prepare(sql))?;
        let mut statements = self.statements.borrow_mut();
        let prepared = Prepared { number: statements.len(), statement };
        statements.insert(sql.into(), prepared.clone());
        Ok(prepared)
    }

    pub(crate) fn query(&self, prepared: &Prepared, values: &[Bound<'_>]) -> Result<Arc<Vec<Row>>> {
        check(&prepared.statement, values)?;
        let known = self.known.borrow();
        if !known.is_empty()
            && let Some(rows) = known.get(&asked(prepared, values))
        {
            return Ok(Arc::clone(rows));
        }
        drop(known);
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        self.wait(self.client.query(&prepared.statement, &values)).map(Arc::new)
    }

    /// Asks all of it in one round trip and keeps the answers for whoever asks the same in this transaction.
    pub(crate) fn ask_ahead(&self, asks: Vec<(Prepared, Vec<Value>)>) -> Result<()> {
        let mut waiting = Vec::with_capacity(asks.len());
        for (prepared, values) in asks {
            let (client, statement) = (Arc::clone(&self.client), prepared.statement);
            let asked = (prepared.number, values.clone());
            let mut rows = Box::pin(async move {
                let bound: Vec<Bound<'_>> = values.iter().map(|it| Bound(it.as_ref())).collect();
                let values: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
                client.query(&statement, &values).await
            });
            // The first look puts it in line.
            match rows.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(rows) => drop(self.known.borrow_mut().insert(asked, Arc::new(rows?))),
                Poll::Pending => waiting.push((asked, rows)),
            }
        }
        let rows = self.wait(async move {
            let mut all = Vec::with_capacity(waiting.len());
            for (asked, rows) in waiting {
                all.push((asked, Arc::new(rows.await?)));
            }
            Ok(all)
        });
        self.known.borrow_mut().extend(rows?);
        Ok(())
    }

    /// From now on statements are sent without waiting for their answers: each is taken to change one row until
    /// [`Self::sent`] says otherwise.
    pub(crate) fn send(&self) {
        self.sent.replace(Some(Vec::new()));
    }

    /// Waits for the answers to all that was sent. What was not as it was taken to be fails here, before anything is
    /// committed.
    pub(crate) fn sent(&self) -> Result<()> {
        let sent = self.sent.take().unwrap_or_default();
        self.wait(async move {
            let mut is_as_taken = true;
            for it in sent {
                let rows = it.answer.await?;
                is_as_taken &= !it.is_one || rows == 1;
            }
            Ok(is_as_taken)
        })
        .and_then(|is_as_taken| if is_as_taken { Ok(()) } else { self.fail(Error::Gone) })
    }

    /// Nothing is committed any more.
    fn fail<T>(&self, error: Error) -> Result<T> {
        self.state.set(State::Failed);
        Err(error)
    }

    /// Sends it and does not wait.
    fn defer(&self, statement: &Statement, values: &[Bound<'_>], is_one: bool) -> Result<usize> {
        let (client, statement) = (Arc::clone(&self.client), statement.clone());
        let values: Vec<Value> = values.iter().map(|it| Value::of(it.0)).collect();
        let mut answer: Sent = Sent {
            is_one,
            answer: Box::pin(async move {
                let bound: Vec<Bound<'_>> = values.iter().map(|it| Bound(it.as_ref())).collect();
                let values: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
                client.execute(&statement, &values).await
            }),
        };
        // The first look encodes it and puts it in line; what cannot be encoded is known at once, and nothing follows it.
        match answer.answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => return self.fail(Error::Postgres(error)),
            Poll::Ready(Ok(_)) | Poll::Pending => {}
        }
        if let Some(sent) = self.sent.borrow_mut().as_mut() {
            sent.push(answer);
        }
        Ok(1)
    }

    /// `is_one`: it must change exactly one row.
    pub(crate) fn execute(&self, prepared: &Prepared, values: &[Bound<'_>], is_one: bool) -> Result<usize> {
        let statement = &prepared.statement;
        check(statement, values)?;
        self.known.borrow_mut().clear();
        if self.sent.borrow().is_some() {
            return self.defer(statement, values, is_one);
        }
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        let rows = self.wait(self.client.execute(statement, &values))?;
        usize::try_from(rows).map_err(|_| Error::TooLarge)
    }
}

fn asked(prepared: &Prepared, values: &[Bound<'_>]) -> Asked {
    (prepared.number, values.iter().map(|it| Value::of(it.0)).collect())
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
