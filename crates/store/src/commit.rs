//! The writer: takes whatever waits, opens one transaction, decides one command after the other, saves in bulk, commits
//! once, then answers everybody.
//!
//! No timer: under light load a batch is one command, under heavy load it grows by itself, up to `batch_max` commands and
//! sixteen times as many order lines. An answer means that it is on the disk. A batch that fails as a whole is run again
//! once, then one by one; every command carries its key or its document, so nothing happens twice.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;

use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::batch::Batch;
use crate::checkpoint::Checkpointer;
use crate::command::{Body, Command, Failure, Reply};
use crate::decide::{decide, keyed};
use crate::error::StoreError;
use crate::fault::Found;
use crate::gate::Gate;
use crate::reference::{Change, Compile, Reference, change_reference, load_reference};
use crate::save::save;
use crate::store::Clock;

pub(crate) type Answer = Result<Reply, Failure>;

/// A command that waits for its answer.
pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) answer: oneshot::Sender<Answer>,
}

pub(crate) struct Writer {
    pub(crate) conn: Connection,
    pub(crate) path: PathBuf,
    pub(crate) compile: Compile,
    pub(crate) clock: Clock,
    pub(crate) batch_max: usize,
    pub(crate) reference: Reference,
    pub(crate) gate: Arc<Gate>,
    pub(crate) checkpointer: Checkpointer,
    pub(crate) stopped: Arc<AtomicBool>,
}

impl Writer {
    /// Works until nobody can send any more and all that was sent is answered.
    pub(crate) fn run(mut self, queue: &Receiver<Job>) {
        let mut next = None;
        while let Some(first) = next.take().or_else(|| queue.recv().ok()) {
            let jobs = self.collect(first, queue, &mut next);
            let (commands, answers): (Vec<_>, Vec<_>) = jobs.into_iter().map(|it| (it.command, it.answer)).unzip();
            let outcomes = self.process(&commands);
            for (answer, outcome) in answers.into_iter().zip(outcomes) {
                // The caller may have left; that undoes nothing.
                let _ = answer.send(outcome);
            }
            if let Some(error) = self.checkpointer.after_commit(&self.conn, &self.path, &self.gate) {
                self.stop(&error);
            }
        }
        if !self.stopped.load(Ordering::Relaxed) {
            self.checkpointer.close(&self.conn, &self.gate);
        }
    }

    /// A batch is what waits now; a change of reference data is one of its own.
    fn collect(&self, first: Job, queue: &Receiver<Job>, next: &mut Option<Job>) -> Vec<Job> {
        let mut weight = weight(&first.command);
        let mut alone = first.command.body.is_reference();
        let mut jobs = vec![first];
        while !alone && jobs.len() < self.batch_max && weight < 16 * self.batch_max {
            let Ok(job) = queue.try_recv() else { break };
            alone = job.command.body.is_reference();
            if alone {
                *next = Some(job);
            } else {
                weight += self::weight(&job.command);
                jobs.push(job);
            }
        }
        jobs
    }

    fn process(&mut self, commands: &[Command]) -> Vec<Answer> {
        if self.stopped.load(Ordering::Relaxed) {
            return all(commands, &StoreError::Stopped(self.path.clone()));
        }
        let mut error = match self.attempt(commands) {
            Ok(answers) => return answers,
            Err(error) => error,
        };
        if self.may_try_again(&error) {
            error = match self.attempt(commands) {
                Ok(answers) => return answers,
                Err(error) => error,
            };
        }
        if 1 < commands.len() && self.may_try_again(&error) {
            return commands.iter().flat_map(|it| self.process(std::slice::from_ref(it))).collect();
        }
        all(commands, &error)
    }

    fn may_try_again(&mut self, error: &StoreError) -> bool {
        if error.stops() {
            self.stop(error);
        }
        !error.stops() && !matches!(error, StoreError::Full(_))
    }

    fn stop(&self, _error: &StoreError) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// One transaction over all commands. When it fails, nothing of it is there.
    fn attempt(&mut self, commands: &[Command]) -> Result<Vec<Answer>, StoreError> {
        let outcome = self.transact(commands).map_err(|fault| fault.at(&self.path));
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            let what = error.to_string();
            return Err(StoreError::Io { path: self.path.clone(), what });
        }
        outcome
    }

    fn transact(&mut self, commands: &[Command]) -> Found<Vec<Answer>> {
        self.conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        // Read once the lock is held: ledger time never runs behind a batch that committed before.
        let now = (self.clock)();
        let mut batch = Batch::new(&self.conn, &self.reference, now);
        let mut answers = Vec::with_capacity(commands.len());
        let mut changes_reference = false;
        for command in commands {
            let step = || match command.body.is_reference() {
                true => reference(&mut batch, command, self.compile),
                false => decide(&mut batch, command),
            };
            // A panic leaves the batch as the commands before it did: what a command changes is taken over as a whole.
            let answer = match catch_unwind(AssertUnwindSafe(step)) {
                Ok(answer) => answer?,
                Err(_) => Err(Failure::Internal),
            };
            changes_reference |= command.body.is_reference() && answer.is_ok();
            answers.push(answer);
        }
        save(&batch)?;
        self.conn.prepare_cached("COMMIT")?.execute([])?;
        if changes_reference {
            self.reference = load_reference(&self.conn, self.compile, &self.path)?;
        }
        Ok(answers)
    }
}

/// A change of reference data writes at once: its batch is its own.
fn reference(batch: &mut Batch<'_>, command: &Command, compile: Compile) -> Found<Answer> {
    keyed(batch, command, |batch| {
        let change = Change { conn: batch.conn, reference: batch.reference, compile, now: now_of(batch, command) };
        Ok(change_reference(&change, &command.body)?.map_err(Failure::Rejected))
    })
}

fn now_of(batch: &Batch<'_>, command: &Command) -> engine::Timestamp {
    match command.time {
        crate::command::Time::Live => batch.now,
        crate::command::Time::Import(at) => at,
    }
}

fn all(commands: &[Command], error: &StoreError) -> Vec<Answer> {
    commands.iter().map(|_| Err(Failure::Store(error.clone()))).collect()
}

fn weight(command: &Command) -> usize {
    match &command.body {
        Body::PutOrder { document, .. } => 1 + document.lines.len(),
        _ => 1,
    }
}
