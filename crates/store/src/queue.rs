//! What waits for the writer: live commands, and background ones (imports, the sweeper) behind them.
//!
//! A batch takes the live ones first, and of the background ones a fixed share, never none: neither waits for all of the
//! other. Each kind keeps the order in which it arrived. Bounded by `capacity` commands of each kind; whoever sends more
//! waits. A batch has at most `batch_max` commands and sixteen times as many order lines.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use engine::Timestamp;
use tokio::sync::oneshot;

use crate::command::{Body, Command, Failure, Reply, Time};
use crate::meter::Waiting;

/// Background commands get one part of so many of a batch that live commands would fill.
const SHARE: usize = 4;

pub(crate) type Answer = Result<Reply, Failure>;

/// A command that waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) sent_at: Timestamp,
    pub(crate) answer: oneshot::Sender<Answer>,
}

/// Why a command that was offered is not in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NotTaken {
    Full,
    Closed,
}

#[derive(Debug)]
pub(crate) struct Queue {
    state: Mutex<State>,
    arrived: Condvar,
    left: Condvar,
    capacity: usize,
}

#[derive(Debug, Default)]
struct State {
    live: VecDeque<Job>,
    background: VecDeque<Job>,
    /// A change of reference data waits in front of the background, and live commands have gone before it once.
    passed_over: bool,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { state: Mutex::default(), arrived: Condvar::new(), left: Condvar::new(), capacity }
    }

    /// Waits while the queue of its kind is full. What comes after the end is dropped, and its ticket says so.
    pub(crate) fn push(&self, job: Job) {
        let background = is_background(&job.command);
        let mut state = self.lock();
        while !state.closed && self.capacity <= state.of(background).len() {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.closed {
            state.of(background).push_back(job);
            self.arrived.notify_one();
        }
    }

    /// As `push`, but refuses at once when its queue is full or closed.
    pub(crate) fn offer(&self, job: Job) -> Result<(), NotTaken> {
        let background = is_background(&job.command);
        let mut state = self.lock();
        if state.closed {
            return Err(NotTaken::Closed);
        }
        if self.capacity <= state.of(background).len() {
            return Err(NotTaken::Full);
        }
        state.of(background).push_back(job);
        self.arrived.notify_one();
        Ok(())
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let state = self.lock();
        Waiting { live: state.live.len(), background: state.background.len() }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The next batch, once there is one; nothing when the queue is closed and empty.
    pub(crate) fn take(&self, batch_max: usize) -> Option<Vec<Job>> {
        let mut state = self.lock();
        while state.live.is_empty() && state.background.is_empty() {
            if state.closed {
                return None;
            }
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let jobs = state.batch(batch_max);
        self.left.notify_all();
        Some(jobs)
    }

    /// Takes no more; what is there is still handed out.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.arrived.notify_all();
        self.left.notify_all();
    }

    /// Nobody will take any more: who waits for an answer is told.
    pub(crate) fn abandon(&self) {
        let mut state = self.lock();
        state.live.clear();
        state.background.clear();
        drop(state);
        self.close();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn of(&mut self, background: bool) -> &mut VecDeque<Job> {
        if background { &mut self.background } else { &mut self.live }
    }

    fn batch(&mut self, batch_max: usize) -> Vec<Job> {
        let alone = |it: &Job| it.command.body.is_alone();
        if self.passed_over {
            self.passed_over = false;
            return self.background.pop_front().into_iter().collect();
        }
        self.passed_over = !self.live.is_empty() && self.background.front().is_some_and(alone);
        let share = if self.live.is_empty() { batch_max } else { batch_max.div_ceil(SHARE) };
        let kept = share.min(self.background.len());
        let mut jobs = Vec::new();
        let ended = fill(&mut jobs, &mut self.live, batch_max.saturating_sub(kept).max(1));
        if !ended {
            fill(&mut jobs, &mut self.background, share.max(1));
        }
        jobs
    }
}

/// Moves up to `count` commands into the batch. A change of reference data is a batch of its own: answers whether one
/// ends this batch.
fn fill(jobs: &mut Vec<Job>, from: &mut VecDeque<Job>, count: usize) -> bool {
    let (mut taken, mut left) = (0, 16 * count);
    while taken < count
        && let Some(next) = from.front()
    {
        let alone = next.command.body.is_alone();
        let weight = weight(&next.command);
        if alone && !jobs.is_empty() {
            return true;
        }
        if 0 < taken && left < weight {
            return false;
        }
        jobs.extend(from.pop_front());
        if alone {
            return true;
        }
        taken += 1;
        left = left.saturating_sub(weight);
    }
    false
}

fn is_background(command: &Command) -> bool {
    matches!(command.time, Time::Import(_))
}

fn weight(command: &Command) -> usize {
    match &command.body {
        Body::PutOrder { document, .. } => 1 + document.lines.len(),
        Body::PutReturn { returned, .. } => 1 + returned.lines.len(),
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use engine::Actor;

    use super::*;
    use crate::id::MemberId;

    fn job(number: u32, time: Time) -> Job {
        let body = Body::Settle { owner: MemberId([0; 16]), program: number };
        let command = Command { key: None, actor: Actor::System, time, seed: 0, body };
        Job { command, sent_at: Timestamp::from_micros(0), answer: oneshot::channel().0 }
    }

    fn numbers(queue: &Queue, batch_max: usize) -> Vec<u32> {
        let number = |it: Job| if let Body::Settle { program, .. } = it.command.body { program } else { 0 };
        queue.take(batch_max).unwrap_or_default().into_iter().map(number).collect()
    }

    #[test]
    fn a_batch_takes_live_commands_first_and_a_share_of_the_others() {
        let queue = Queue::new(100);
        let past = Time::Import(Timestamp::from_micros(0));
        (100..120).for_each(|it| queue.push(job(it, past)));
        (0..12).for_each(|it| queue.push(job(it, Time::Live)));
        assert_eq!(numbers(&queue, 8), [0, 1, 2, 3, 4, 5, 100, 101]);
        assert_eq!(numbers(&queue, 8), [6, 7, 8, 9, 10, 11, 102, 103]);
        assert_eq!(numbers(&queue, 8), [104, 105, 106, 107, 108, 109, 110, 111], "all of it while nobody else waits");
        queue.push(job(12, Time::Live));
        assert_eq!(numbers(&queue, 1), [12, 112], "neither ever waits for all of the other");
        queue.close();
        assert_eq!(numbers(&queue, 100), [113, 114, 115, 116, 117, 118, 119]);
        assert!(queue.take(1).is_none(), "closed and empty");
    }

    #[test]
    fn a_background_change_is_passed_over_once() {
        let queue = Queue::new(100);
        let past = Time::Import(Timestamp::from_micros(0));
        let body = Body::SwitchProgram { program: String::new(), on: true, at: None };
        queue.push(Job { command: Command { body, ..job(0, past).command }, ..job(0, past) });
        queue.push(job(7, past));
        (1..4).for_each(|it| queue.push(job(it, Time::Live)));
        assert_eq!(numbers(&queue, 2), [1], "live commands go first");
        queue.push(job(4, Time::Live));
        assert_eq!(numbers(&queue, 2), [0], "but only once");
        assert_eq!(numbers(&queue, 2), [2, 7]);
    }

    #[test]
    fn a_change_of_reference_data_is_a_batch_of_its_own() {
        let queue = Queue::new(100);
        let change = || {
            let body = Body::SwitchProgram { program: String::new(), on: true, at: None };
            Job { command: Command { body, ..job(0, Time::Live).command }, ..job(0, Time::Live) }
        };
        for it in [job(1, Time::Live), change(), change(), job(2, Time::Live)] {
            queue.push(it);
        }
        queue.push(job(3, Time::Import(Timestamp::from_micros(0))));
        let sizes: Vec<usize> = (0..4).filter_map(|_| queue.take(10)).map(|it| it.len()).collect();
        assert_eq!(sizes, [1, 1, 1, 2]);
    }
}
