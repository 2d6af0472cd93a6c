//! PostgreSQL behind the seam: a connection that is driven by whoever waits for it, statements that stay prepared, and rows
//! whose values lie where the driver has read them.
//!
//! What a batch changes is sent together: of each statement all rows at once, as arrays (`many.rs`). What it asks is asked
//! together as well, as far as it is known ahead, or noted while it is found out what is missing.
//!
//! Bounded: the answer to a query is in memory as a whole, so long lists are asked for page by page; so is what a batch
//! changes. After a failure inside a transaction nothing is committed any more.

mod bind;
mod stream;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row, Statement};

use super::many::{change_of_many, query_of_many, turn};
use super::value::Value;
use super::{Columns, Error, Noted, Result};
pub(crate) use bind::Bound;
use bind::{Bind, is_bound_in_arrays, is_bound_once, kind_of};
pub(crate) use stream::CopyIn;

/// A connection with a thread's worth of machinery of its own: it moves only while somebody waits for an answer.
pub(crate) struct Connection {
    client: Arc<Client>,
    /// What is to be sent; nothing while each statement is waited for.
    outbox: RefCell<Option<Outbox>>,
    statements: RefCell<HashMap<Arc<str>, Prepared, RandomState>>,
    /// Statements for arrays, by the number of the one for a row; nothing where there is none.
    of_many: RefCell<HashMap<usize, Option<Prepared>, RandomState>>,
    /// What was asked ahead, until the transaction ends or writes.
    known: RefCell<HashMap<Asked, Arc<Vec<Row>>, RandomState>>,
    /// What is to be asked before all is decided again; nothing while what is not known is asked at once.
    noted: RefCell<Option<Notes>>,
    state: Cell<State>,
    /// How many long answers were asked for: each has a name of its own.
    cursors: Cell<u64>,
    wait: Wait,
    /// It was waited for in vain, or writes nothing any more: nothing is asked.
    is_lost: Cell<bool>,
    /// How many rows it has sent.
    rows: Cell<u64>,
    /// When plans were last made anew, and how many rows it had sent then.
    planned: Cell<(Instant, u64)>,
    /// There until the connection is dropped.
    runtime: Option<Runtime>,
}

/// A plan that was made while a table was small reads all of it, and is kept when the table is large: it is made anew when twice
/// as many rows were sent and some, or after so long, since others fill tables as well.
const PLANNED_ROWS: u64 = 1_000;
const PLANNED_FOR: Duration = Duration::from_secs(10);

/// A statement that the server knows, and its number on this connection.
#[derive(Clone)]
pub(crate) struct Prepared {
    number: usize,
    sql: Arc<str>,
    statement: Statement,
}

/// A statement by its number, with what is bound to it.
type Asked = (usize, Vec<Value>);

/// A question that is asked together with others.
pub(crate) type Ask = (Prepared, Vec<Value>);

/// Questions of one statement, and the same statement for arrays if it is asked more than once.
struct Group {
    prepared: Prepared,
    many: Option<Prepared>,
    rows: Vec<Vec<Value>>,
}

/// A statement on its way, and how many rows it must change.
struct Sent {
    answer: Pin<Box<dyn Future<Output = std::result::Result<u64, tokio_postgres::Error>> + Send>>,
    rows: Option<u64>,
}

#[derive(Default)]
struct Outbox {
    lines: Vec<Line>,
    part: usize,
}

/// Rows for one statement, in the order in which they came.
struct Line {
    part: usize,
    prepared: Prepared,
    /// Whether each must change exactly one row.
    is_one: bool,
    rows: Vec<Vec<Value>>,
}

#[derive(Default)]
struct Notes {
    asks: Vec<Ask>,
    /// Something was asked that is not known. What is only expected is asked beside that, and not for its own sake.
    misses: bool,
    /// Something was to be changed at once, which is not done while it is only found out what is missing.
    changes: bool,
}

/// How long the other side is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wait {
    /// Until the session is there.
    pub(crate) open: Duration,
    /// Until a statement is answered, where it has an end.
    pub(crate) answer: Option<Duration>,
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
    /// Opens one with what `connect` makes: the client, and what moves it. What takes longer than it is waited for is lost.
    pub(crate) fn open<M, F>(connect: impl FnOnce() -> F, wait: Wait) -> Result<Self>
    where
        F: Future<Output = std::result::Result<(Client, M), tokio_postgres::Error>>,
        M: Future<Output = std::result::Result<(), tokio_postgres::Error>> + Send + 'static,
    {
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Error::Driver)?;
        let (client, moved) =
            runtime.block_on(async { timeout(wait.open, connect()).await }).map_err(|_| Error::Silent(wait.open))??;
        // Whoever waits for an answer is told what went wrong.
        drop(runtime.spawn(moved));
        Ok(Self {
            client: Arc::new(client),
            outbox: RefCell::default(),
            statements: RefCell::default(),
            of_many: RefCell::default(),
            known: RefCell::default(),
            noted: RefCell::default(),
            state: Cell::new(State::None),
            cursors: Cell::new(0),
            wait,
            is_lost: Cell::new(false),
            rows: Cell::new(0),
            planned: Cell::new((Instant::now(), 0)),
            runtime: Some(runtime),
        })
    }

    fn wait<T>(&self, answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>>) -> Result<T> {
        let runtime = self.runtime.as_ref().expect("it is there until the connection is dropped");
        let answered = match self.wait.answer {
            Some(wait) => runtime.block_on(async { timeout(wait, answer).await }).map_err(|_| Error::Silent(wait)),
            None => Ok(runtime.block_on(answer)),
        };
        if self.state.get() == State::Open && !matches!(answered, Ok(Ok(_))) {
            self.state.set(State::Failed);
        }
        self.is_lost.set(self.is_lost.get() || answered.is_err());
        answered?.map_err(|error| {
            match error.code() {
                // A migration has changed what a prepared statement answers.
                Some(&SqlState::FEATURE_NOT_SUPPORTED) => self.forget(),
                // It has become a standby: another host takes what is written.
                Some(&SqlState::READ_ONLY_SQL_TRANSACTION) => self.is_lost.set(true),
                _ => {}
            }
            Error::Postgres(error)
        })
    }

    fn forget(&self) {
        self.statements.borrow_mut().clear();
        self.of_many.borrow_mut().clear();
        self.known.borrow_mut().clear();
    }

    /// Whether the other side is gone, or says nothing any more.
    pub(crate) fn is_closed(&self) -> bool {
        self.is_lost.get() || self.client.is_closed()
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

    /// The same, and asks what is to be known first, in this order.
    pub(crate) fn begin_asking(&self, begin: &'static str, asks: Vec<Ask>) -> Result<()> {
        let groups = self.grouped(asks)?;
        self.known.borrow_mut().clear();
        self.state.set(State::Open);
        let client = Arc::clone(&self.client);
        let (since, rows) = self.planned.get();
        let is_old = 2 * rows + PLANNED_ROWS <= self.rows.get() || PLANNED_FOR <= since.elapsed();
        if is_old {
            self.planned.set((Instant::now(), self.rows.get()));
        }
        let begin = if is_old { format!("{begin}; DISCARD PLANS") } else { begin.to_owned() };
        let begun = self.put_in_line(async move { client.batch_execute(&begin).await })?;
        self.ask(Some(begun), groups)
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
        drop(self.outbox.take());
        drop(self.noted.take());
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
        let prepared = Prepared { number: statements.len(), sql: sql.into(), statement };
        statements.insert(Arc::clone(&prepared.sql), prepared.clone());
        Ok(prepared)
    }

    /// The same for arrays, where that can be said.
    fn prepare_many(&self, one: &Prepared, said: fn(&str, &[&str]) -> Option<String>) -> Result<Option<Prepared>> {
        if let Some(known) = self.of_many.borrow().get(&one.number) {
            return Ok(known.clone());
        }
        let kinds: Option<Vec<&str>> = one.statement.params().iter().map(kind_of).collect();
        let sql = kinds.and_then(|it| said(&one.sql, &it));
        let many = sql.map(|it| self.prepare(&it)).transpose()?;
        self.of_many.borrow_mut().insert(one.number, many.clone());
        Ok(many)
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
        if let Some(notes) = self.noted.borrow_mut().as_mut() {
            notes.asks.push((prepared.clone(), owned(values)));
            notes.misses = true;
            return Err(Error::Noted);
        }
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        self.wait(self.client.query(&prepared.statement, &values)).map(Arc::new)
    }

    /// From now on what is not known already is noted and fails, and nothing is changed, until [`Self::ask_noted`].
    pub(crate) fn note(&self) {
        self.noted.replace(Some(Notes::default()));
    }

    pub(crate) fn is_noting(&self) -> bool {
        self.noted.borrow().is_some()
    }

    /// Whether it was asked ahead in this transaction.
    pub(crate) fn knows(&self, prepared: &Prepared, values: &[Bound<'_>]) -> bool {
        self.known.borrow().contains_key(&asked(prepared, values))
    }

    /// Notes what will be asked soon, unless it is known.
    pub(crate) fn expect(&self, prepared: &Prepared, values: &[Bound<'_>]) {
        if !self.knows(prepared, values)
            && let Some(notes) = self.noted.borrow_mut().as_mut()
        {
            notes.asks.push((prepared.clone(), owned(values)));
        }
    }

    /// Asks all that was noted, in one round trip.
    pub(crate) fn ask_noted(&self) -> Result<Noted> {
        let Notes { asks, misses, changes } = self.noted.take().unwrap_or_default();
        if !misses && !changes {
            return Ok(Noted::Nothing);
        }
        self.ask_ahead(asks)?;
        Ok(if changes { Noted::Changes } else { Noted::Asked })
    }

    /// Asks all of it in one round trip and keeps the answers for whoever asks the same in this transaction.
    pub(crate) fn ask_ahead(&self, asks: Vec<Ask>) -> Result<()> {
        self.ask(None, self.grouped(asks)?)
    }

    /// What one statement asks goes together and sorted, each statement behind those that came before it. All is prepared
    /// before anything is asked: answers that nobody takes yet would be in the way of this one.
    fn grouped(&self, asks: Vec<Ask>) -> Result<Vec<Group>> {
        let mut groups: Vec<(Prepared, BTreeSet<Vec<Value>>)> = Vec::new();
        for (prepared, values) in asks {
            match groups.iter_mut().find(|it| it.0.number == prepared.number) {
                Some(group) => drop(group.1.insert(values)),
                None => groups.push((prepared, BTreeSet::from([values]))),
            }
        }
        let mut ready = Vec::with_capacity(groups.len());
        for (prepared, rows) in groups {
            let many = if rows.len() == 1 { None } else { self.prepare_many(&prepared, query_of_many)? };
            ready.push(Group { prepared, many, rows: rows.into_iter().collect() });
        }
        Ok(ready)
    }

    fn ask(&self, begun: Option<Answer<()>>, groups: Vec<Group>) -> Result<()> {
        let mut waiting = Vec::new();
        for Group { prepared, many, rows } in groups {
            let number = prepared.number;
            if let Some(many) = many {
                waiting.push((number, true, self.start(many.statement, rows, is_bound_in_arrays)?));
            } else {
                for row in rows {
                    let answer = self.start(prepared.statement.clone(), vec![row], is_bound_once)?;
                    waiting.push((number, false, answer));
                }
            }
        }
        let mut found: Vec<(Asked, Vec<Row>)> = Vec::new();
        let answers = self.wait(async move {
            if let Some(begun) = begun {
                begun.await?;
            }
            let mut all = Vec::with_capacity(waiting.len());
            for (number, is_many, answer) in waiting {
                all.push((number, is_many, answer.await?));
            }
            Ok(all)
        })?;
        for (number, is_many, (asked, answer)) in answers {
            let first = found.len();
            found.extend(asked.into_iter().map(|it| ((number, it), Vec::new())));
            for row in answer {
                let place = if is_many { number_of(&row)? } else { 0 };
                let answer = found[first..].get_mut(place);
                answer.ok_or(Error::Column { index: row.len(), expected: "the number of a row" })?.1.push(row);
            }
        }
        self.known.borrow_mut().extend(found.into_iter().map(|(asked, rows)| (asked, Arc::new(rows))));
        Ok(())
    }

    /// Puts a question in line; it comes back with its answer.
    fn start(&self, statement: Statement, rows: Vec<Vec<Value>>, bind: Bind) -> Result<Answer<Answered>> {
        let client = Arc::clone(&self.client);
        self.put_in_line(async move {
            let values = bind(&rows);
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
            let answer = client.query(&statement, &values).await?;
            Ok((rows, answer))
        })
    }

    /// The first look encodes it and puts it in line; what cannot be encoded is known at once, and nothing follows it.
    fn put_in_line<T: Send + 'static>(
        &self,
        answer: impl Future<Output = std::result::Result<T, tokio_postgres::Error>> + Send + 'static,
    ) -> Result<Answer<T>> {
        let mut answer: Answer<T> = Box::pin(answer);
        match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Err(error)) => self.fail(Error::Postgres(error)),
            Poll::Ready(Ok(it)) => Ok(Box::pin(std::future::ready(Ok(it)))),
            Poll::Pending => Ok(answer),
        }
    }

    /// From now on changes are sent together, and nobody waits for their answers: each is taken to change one row until
    /// [`Self::sent`] says otherwise.
    pub(crate) fn send(&self) {
        self.outbox.replace(Some(Outbox::default()));
    }

    /// What comes behind is sent behind what came before.
    pub(crate) fn send_off(&self) {
        if let Some(outbox) = self.outbox.borrow_mut().as_mut() {
            outbox.part += 1;
        }
    }

    /// Sends what has come together, of each statement all rows at once, and waits for all answers. What was not as it was
    /// taken to be fails here, before anything is committed.
    pub(crate) fn sent(&self) -> Result<()> {
        let mut lines = self.outbox.take().unwrap_or_default().lines;
        lines.sort_by_key(|it| (it.part, turn(&it.prepared.sql)));
        // All is prepared before anything is sent: answers that nobody takes yet would be in the way of this one.
        let mut ready = Vec::with_capacity(lines.len());
        for line in lines {
            let many = if line.rows.len() == 1 { None } else { self.prepare_many(&line.prepared, change_of_many)? };
            ready.push((line, many));
        }
        let mut sent = Vec::new();
        for (Line { prepared, is_one, rows, .. }, many) in ready {
            self.rows.set(self.rows.get() + u64::try_from(rows.len()).map_err(|_| Error::TooLarge)?);
            if let Some(many) = many {
                let count = u64::try_from(rows.len()).map_err(|_| Error::TooLarge)?;
                sent.push(self.defer(many.statement, rows, is_bound_in_arrays, is_one.then_some(count))?);
            } else {
                for row in rows {
                    sent.push(self.defer(prepared.statement.clone(), vec![row], is_bound_once, is_one.then_some(1))?);
                }
            }
        }
        self.wait(async move {
            let mut is_as_taken = true;
            for it in sent {
                let rows = it.answer.await?;
                is_as_taken &= it.rows.is_none_or(|expected| rows == expected);
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
    fn defer(&self, statement: Statement, rows: Vec<Vec<Value>>, bind: Bind, expected: Option<u64>) -> Result<Sent> {
        let client = Arc::clone(&self.client);
        let answer = self.put_in_line(async move {
            let values = bind(&rows);
            let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
            client.execute(&statement, &values).await
        })?;
        Ok(Sent { answer, rows: expected })
    }

    /// `is_one`: it must change exactly one row.
    pub(crate) fn execute(&self, prepared: &Prepared, values: &[Bound<'_>], is_one: bool) -> Result<usize> {
        let statement = &prepared.statement;
        check(statement, values)?;
        if let Some(notes) = self.noted.borrow_mut().as_mut() {
            notes.changes = true;
            return Err(Error::Noted);
        }
        self.known.borrow_mut().clear();
        if let Some(outbox) = self.outbox.borrow_mut().as_mut() {
            let (part, row) = (outbox.part, owned(values));
            let is_it = |it: &&mut Line| it.prepared.number == prepared.number && it.is_one == is_one;
            match outbox.lines.iter_mut().rev().take_while(|it| it.part == part).find(is_it) {
                Some(line) => line.rows.push(row),
                None => outbox.lines.push(Line { part, prepared: prepared.clone(), is_one, rows: vec![row] }),
            }
            return Ok(1);
        }
        let values: Vec<&(dyn ToSql + Sync)> = values.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
        let rows = self.wait(self.client.execute(statement, &values))?;
        usize::try_from(rows).map_err(|_| Error::TooLarge)
    }
}

type Answer<T> = Pin<Box<dyn Future<Output = std::result::Result<T, tokio_postgres::Error>> + Send>>;

/// What was asked, and what was answered.
type Answered = (Vec<Vec<Value>>, Vec<Row>);

/// Which of the rows that were asked about this one answers.
fn number_of(row: &Row) -> Result<usize> {
    let index = row.len() - 1;
    let number = Columns::value(row, index)?.as_i64().ok().and_then(|it| usize::try_from(it - 1).ok());
    number.ok_or(Error::Column { index, expected: "the number of a row" })
}

fn owned(values: &[Bound<'_>]) -> Vec<Value> {
    values.iter().map(|it| Value::of(it.0)).collect()
}

fn asked(prepared: &Prepared, values: &[Bound<'_>]) -> Asked {
    (prepared.number, owned(values))
}

fn check(statement: &Statement, values: &[Bound<'_>]) -> Result<()> {
    let (expected, bound) = (statement.params().len(), values.len());
    if bound == expected { Ok(()) } else { Err(Error::Parameters { expected, bound }) }
}
