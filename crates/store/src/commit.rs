//! The writer: takes a batch of what waits, opens one transaction, decides one command after the other, saves in bulk,
//! commits once, then answers everybody.
//!
//! No timer: under light load a batch is one command, under heavy load it grows by itself (`queue.rs` bounds it). An
//! answer means that it is on the disk. A batch that fails as a whole is run again once, then one by one; every command
//! carries its key or its document, so nothing happens twice. What has waited for [`PATIENCE`] is given up, and so is a
//! batch that takes as long: a live command is never recorded under an instant that is long over.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use engine::Timestamp;

use crate::ahead::{STANDING, begin, find_again, lock_and_load, sought};
use crate::batch::Batch;
use crate::clock::{Clock, time_of};
use crate::code::Codes;
use crate::command::{Body, Command, Failure, Time};
use crate::database::Database;
use crate::decide::{decide, keyed, ledger_time};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::file::Log;
use crate::flight::Lane;
use crate::id::MemberId;
use crate::locks::{Locks, Wanted};
use crate::meter::Meter;
use crate::migrate::{epoch_of, raise_epoch};
use crate::postgres::Purpose;
use crate::query::parked;
use crate::queue::{Answer, Job, Queue};
use crate::reference::{Change, Compile, Reference, change_reference, load_reference};
use crate::save::save;
use crate::sql::{self, Connection, Noted, Row};
use crate::totals::take_slot;

/// Microseconds after which a live command, or the batch it is in, is given up.
const PATIENCE: i64 = 30_000_000;
/// How often a batch is decided before what is still missing is asked one by one.
const ROUNDS_MAX: u32 = 12;
/// How often a batch goes back to lock what else it turned out to be about, before it waits to be alone.
const TURNS_MAX: u32 = 4;

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) database: Database,
    pub(crate) compile: Compile,
    pub(crate) clock: Clock,
    /// Whether ledger time is that of the server, and not of the clock.
    pub(crate) by_server: bool,
    pub(crate) batch_max: usize,
    pub(crate) reference: Reference,
    /// The log of a file.
    pub(crate) log: Option<Log>,
    pub(crate) stopped: Arc<AtomicBool>,
    pub(crate) codes: Arc<Codes>,
    /// The epoch of reference data as it was last committed.
    pub(crate) epoch: Arc<AtomicU64>,
    /// Members whose settling panicked; rarely any.
    pub(crate) parked: BTreeSet<MemberId>,
    /// The log may still hold what a command has erased.
    pub(crate) has_erased: bool,
    pub(crate) meter: Arc<Meter>,
    /// Which of the rows of totals are this session's.
    pub(crate) slot: u32,
}

/// A batch that is decided and not yet saved.
struct Tried<'a> {
    batch: Batch<'a>,
    answers: Vec<Answer>,
    /// Whether any of its commands is live.
    is_live: bool,
    changes_reference: bool,
    has_erased: bool,
}

/// Tells whoever waits when the writer ends, however it does.
struct Abandon<'a>(&'a Queue);

impl Drop for Abandon<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

impl Writer {
    /// Another one, with a session of its own.
    pub(crate) fn beside(&self) -> Result<Self, StoreError> {
        let at = |fault: Fault| fault.at(self.database.path());
        let Database::Postgres(address) = &self.database else { return Err(StoreError::Locked(self.path())) };
        let conn = address.connect(Purpose::Writing)?;
        Ok(Self {
            slot: take_slot(&conn).map_err(at)?,
            conn,
            database: self.database.clone(),
            clock: Arc::clone(&self.clock),
            reference: self.reference.clone(),
            log: None,
            stopped: Arc::clone(&self.stopped),
            codes: Arc::clone(&self.codes),
            epoch: Arc::clone(&self.epoch),
            parked: self.parked.clone(),
            meter: Arc::clone(&self.meter),
            ..*self
        })
    }

    /// Works until nobody can send any more and all that was sent is answered.
    pub(crate) fn run(mut self, lane: Lane, queue: &Queue) {
        let _abandon = Abandon(queue);
        while let Some(taken) = queue.take(lane, self.batch_max) {
            let began = Instant::now();
            let outcomes = self.process(&taken.jobs);
            self.meter.batch(&taken.jobs, &outcomes, began.elapsed());
            let jobs = taken.done();
            if let Some(log) = &self.log {
                log.long.watch(log.checkpointer.wal_bytes());
            }
            for (job, outcome) in jobs.into_iter().zip(outcomes) {
                // The caller may have left; that undoes nothing.
                let _ = job.answer.send(outcome);
            }
            if let Some(error) = self.after_commit() {
                self.stop(&error);
            }
        }
        if !self.stopped.load(Ordering::Relaxed) {
            let Self { conn, log, .. } = self;
            if let (Some(file), Some(log)) = (conn.file(), log) {
                log.checkpointer.close(file, &log.gate);
            }
        }
    }

    /// Answers the failure that must stop it, if there was one.
    fn after_commit(&mut self) -> Option<StoreError> {
        let (file, log) = self.conn.file().zip(self.log.as_mut())?;
        if self.has_erased && log.checkpointer.empty(file, &log.gate) {
            self.has_erased = false;
        }
        log.checkpointer.after_commit(file, self.database.path(), &log.gate)
    }

    fn process(&mut self, jobs: &[Job]) -> Vec<Answer> {
        if self.stopped.load(Ordering::Relaxed) {
            return all(jobs, &StoreError::Stopped(self.path()));
        }
        // Where there is no database nothing is tried twice.
        if let Err(error) = self.connect_again() {
            return all(jobs, &error);
        }
        let mut error = match self.attempt(jobs, false) {
            Ok(answers) => return answers,
            Err(error) => error,
        };
        if self.may_try_again(&error) {
            self.meter.run_again();
            // Alone, so that nobody is first again.
            error = match self.attempt(jobs, true) {
                Ok(answers) => return answers,
                Err(error) => error,
            };
        }
        let is_away = matches!(error, StoreError::Away { .. });
        if 1 < jobs.len() && !is_away && self.may_try_again(&error) {
            return self.process_each(jobs);
        }
        all(jobs, &error)
    }

    /// One by one, for as long as there is a database.
    fn process_each(&mut self, jobs: &[Job]) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(jobs.len());
        for job in jobs {
            match answers.last() {
                Some(Err(Failure::Store(away @ StoreError::Away { .. }))) => {
                    let away = away.clone();
                    answers.extend(all(std::slice::from_ref(job), &away));
                }
                _ => answers.extend(self.process(std::slice::from_ref(job))),
            }
        }
        answers
    }

    /// Who holds the lock has been waited for, and a full disk stays full; what took too long is over.
    fn may_try_again(&mut self, error: &StoreError) -> bool {
        if error.stops() {
            self.stop(error);
        }
        !error.stops() && !matches!(error, StoreError::Full(_) | StoreError::Locked(_) | StoreError::Busy(_))
    }

    fn stop(&self, _error: &StoreError) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// One transaction over all commands. When it fails, nothing of it is there.
    fn attempt(&mut self, jobs: &[Job], is_alone: bool) -> Result<Vec<Answer>, StoreError> {
        let is_alone = is_alone || self.log.is_some() || jobs.iter().any(|it| !it.command.body.shares());
        let mut wanted = Wanted { all: is_alone, ..Wanted::default() };
        let mut turns = 0;
        loop {
            match self.attempt_once(jobs, &wanted)? {
                Ok(answers) => return Ok(answers),
                Err(more) if turns < TURNS_MAX => wanted.add(more),
                Err(_) => wanted.all = true,
            }
            turns += 1;
        }
    }

    /// Answers what else is to be locked, if that turned out: nothing is done then.
    fn attempt_once(&mut self, jobs: &[Job], wanted: &Wanted) -> Result<Result<Vec<Answer>, Wanted>, StoreError> {
        self.connect_again()?;
        let outcome = match self.transact(jobs, wanted) {
            Err(Fault::Unlocked(more)) if !wanted.all => Ok(Err(*more)),
            outcome => outcome.map(Ok).map_err(|fault| fault.at(self.database.path())),
        };
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.roll_back()
        {
            let (path, what) = (self.path(), error.to_string());
            return Err(match self.log {
                Some(_) => StoreError::Io { path, what },
                // What is left of the transaction ends with its connection.
                None => StoreError::Away { path, what },
            });
        }
        outcome
    }

    /// A connection that was lost is made again.
    fn connect_again(&mut self) -> Result<(), StoreError> {
        if let Database::Postgres(address) = &self.database
            && (self.conn.is_closed() || !self.conn.is_autocommit())
        {
            self.conn = address.connect(Purpose::Writing)?;
            self.slot = take_slot(&self.conn).map_err(|fault| fault.at(address.path()))?;
        }
        Ok(())
    }

    fn transact(&mut self, jobs: &[Job], wanted: &Wanted) -> Found<Vec<Answer>> {
        let mut keys = sought(&self.conn, &self.reference, jobs);
        begin(&self.conn, &keys, !wanted.all)?;
        if self.log.is_none() && self.catch_up()? {
            keys = sought(&self.conn, &self.reference, jobs);
            find_again(&self.conn, &keys)?;
        }
        let locks = lock_and_load(&self.conn, &self.reference, &keys, wanted)?;
        // Read behind the locks: ledger time never runs behind what was done to an owner before.
        let now = if self.by_server { time_of(&self.conn)? } else { (self.clock)() };
        let Tried { mut batch, answers, is_live, changes_reference, has_erased } =
            self.decide_with_little(jobs, &locks, now)?;
        let tried_again = batch.changed_owners().filter(|it| self.parked.contains(it)).collect::<Vec<_>>();
        for owner in tried_again {
            batch.rows.parked.entry(owner).or_insert(false);
        }
        // What cannot be written is a bug of ours: one by one, it is found out whose command it is.
        match catch_unwind(AssertUnwindSafe(|| self.conn.all_at_once(|| save(&batch)))) {
            Ok(saved) => saved?,
            Err(_) if jobs.len() == 1 => return Ok(vec![Err(Failure::Internal)]),
            Err(_) => return Err(Fault::Row("a bug of ours stopped the saving of a batch")),
        }
        if is_live && is_over(now, (self.clock)()) {
            return Err(StoreError::Busy(self.path()).into());
        }
        self.conn.commit()?;
        for (owner, is_parked) in std::mem::take(&mut batch.rows.parked) {
            if is_parked {
                self.parked.insert(owner)
            } else {
                self.parked.remove(&owner)
            };
        }
        self.has_erased |= has_erased;
        if changes_reference {
            self.epoch.fetch_max(epoch_of(&self.conn)?, Ordering::AcqRel);
            self.reference = load_reference(&self.conn, self.compile, self.database.path())?;
        }
        Ok(answers)
    }

    /// Decides all commands. What they look up and was not asked ahead is not asked one by one on a server: it is noted, asked
    /// together, and all is decided again, until nothing is missing. So the round trips grow with how far one look-up leads to
    /// another, and not with the number of commands.
    fn decide_with_little<'a>(&'a self, jobs: &[Job], locks: &'a Locks, now: Timestamp) -> Found<Tried<'a>> {
        let is_alone = jobs.iter().any(|it| it.command.body.is_alone());
        for _ in 0..if is_alone { 0 } else { ROUNDS_MAX } {
            self.conn.note();
            let tried = self.decide_all(jobs, locks, now);
            if matches!(tried, Err(Fault::Unlocked(_))) {
                return tried;
            }
            match self.conn.ask_noted()? {
                Noted::Nothing => return tried,
                Noted::Asked => {}
                Noted::Changes => break,
            }
        }
        self.decide_all(jobs, locks, now)
    }

    /// One command after the other, each on what those before it have left.
    fn decide_all<'a>(&'a self, jobs: &[Job], locks: &'a Locks, now: Timestamp) -> Found<Tried<'a>> {
        let fresh = || Batch::new(&self.conn, (&self.reference, &self.codes), (locks, self.slot), now);
        let mut batch = fresh();
        let mut answers = Vec::with_capacity(jobs.len());
        let (mut is_live, mut changes_reference, mut has_erased) = (false, false, false);
        for Job { command, sent_at, .. } in jobs {
            if command.time == Time::Live {
                if is_over(*sent_at, now) {
                    answers.push(Err(Failure::Store(StoreError::Busy(self.path()))));
                    continue;
                }
                is_live = true;
            }
            let answer = match self.answer(&mut batch, command) {
                // Others may miss something as well.
                Err(Fault::Sql(sql::Error::Noted) | Fault::Unlocked(_)) => continue,
                answer => answer?,
            };
            if answer.is_err() && command.body.is_alone() {
                // It is done as a whole or not at all; its key is remembered all the same.
                let answers = std::mem::take(&mut batch.rows.answers);
                batch = fresh();
                batch.rows.answers = answers;
            }
            if command.body.is_alone() && answer.is_ok() {
                changes_reference = true;
                if !command.body.is_reference() && !self.reference.has_merges {
                    raise_epoch(&self.conn)?;
                }
            }
            has_erased |= matches!(command.body, Body::Erase { .. }) && answer.is_ok();
            answers.push(answer);
        }
        match batch.guard.missing() {
            Some(missing) => Err(Fault::Unlocked(missing)),
            None => Ok(Tried { batch, answers, is_live, changes_reference, has_erased }),
        }
    }

    /// What other processes have changed is read anew; answers whether programs, channels or merges are among it.
    fn catch_up(&mut self) -> Found<bool> {
        let read = |row: &Row<'_>| Ok::<_, Fault>((row.get(0)?, row.get(1)?));
        let (epoch, parked_now): (u64, usize) = self.conn.query_row(STANDING, [], read)?;
        let has_changed = self.reference.epoch != epoch;
        if has_changed {
            self.reference = load_reference(&self.conn, self.compile, self.database.path())?;
            self.epoch.fetch_max(epoch, Ordering::AcqRel);
        }
        if parked_now != 0 || !self.parked.is_empty() {
            self.parked = parked(&self.conn)?.into_iter().collect();
        }
        Ok(has_changed)
    }

    fn path(&self) -> PathBuf {
        self.database.path().to_owned()
    }

    /// A panic leaves the batch as the commands before it did: what a command changes is taken over as a whole.
    fn answer<'a>(&'a self, batch: &mut Batch<'a>, command: &Command) -> Found<Answer> {
        let step = || match command.body.is_reference() {
            true => reference(batch, command, self.compile),
            false => decide(batch, command),
        };
        let answer = catch_unwind(AssertUnwindSafe(step));
        if answer.is_err() {
            batch.give_up();
        }
        let Body::Settle { owner, .. } = command.body else { return answer.unwrap_or(Ok(Err(Failure::Internal))) };
        let failed = match answer {
            // Rows that cannot be read are those of this account: the sweeper goes on without it.
            Ok(Err(fault @ Fault::Row(_))) => Failure::Store(fault.at(self.database.path())),
            Ok(answer) => return answer,
            Err(_) => Failure::Internal,
        };
        batch.rows.parked.insert(owner, true);
        Ok(Err(failed))
    }
}

/// Whether the instant is too long ago to be answered for.
fn is_over(then: Timestamp, now: Timestamp) -> bool {
    PATIENCE < now.micros().saturating_sub(then.micros())
}

/// A change of reference data writes at once: its batch is its own.
fn reference(batch: &mut Batch<'_>, command: &Command, compile: Compile) -> Found<Answer> {
    keyed(batch, command, |batch| {
        let now = match ledger_time(batch, command) {
            Ok(now) => now,
            Err(rejection) => return Ok(Err(Failure::Rejected(rejection))),
        };
        let change = Change { conn: batch.conn, reference: batch.reference, compile, now, clock: batch.now };
        change_reference(&change, &command.body)
    })
}

fn all(jobs: &[Job], error: &StoreError) -> Vec<Answer> {
    jobs.iter().map(|_| Err(Failure::Store(error.clone()))).collect()
}
