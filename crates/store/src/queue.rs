//! What waits for the writers: live commands, and background ones (imports, the sweeper) behind them.
//!
//! A batch takes the live ones first, and of the background ones a third as many, or a few, never none: neither waits for
//! all of the other. Where live ones have just come more of them will: what follows takes a few of the background at first,
//! and twice as many each time nobody else came. Each kind keeps the order in which it arrived. Bounded by `capacity`
//! commands of each kind; whoever sends more waits. A batch has at most `batch_max` commands and sixteen times as many order lines.
//!
//! Where several writers take from it, each takes its part of what is there. What names something that is in flight stays in
//! line, and with it what comes behind and names the same (`flight.rs`); a command that is alone waits until nothing is in
//! flight, and nothing passes it meanwhile.

use std::collections::{HashSet, VecDeque};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use engine::Timestamp;
use tokio::sync::oneshot;

use crate::command::{Body, Command, Failure, Reply, Time};
use crate::flight::{Flight, Lane, Load, Named, named_by};
use crate::meter::Waiting;

/// Background commands get one part of so many of a batch that live commands would fill.
const SHARE: usize = 4;
/// So many beside a few live ones: each writes pages of its own, and who orders waits until the disk has them.
const LEAST: usize = 8;
/// So long a writer lets a few commands come together, while another one is at work: at most, since it begins when that ends.
const GATHER: Duration = Duration::from_millis(20);
/// So many are worth a batch beside another one: a batch costs several round trips and a commit, whatever its size.
const WORTH: usize = 16;
/// Callers who are answered together send their next commands together: so long a writer waits for nine of ten of them and of
/// those who wait already, at most, and no longer than their batch took. Each batch costs a server about as much as a few
/// commands; where callers do not wait for each other, nobody is to wait long for them.
const SOON: Duration = Duration::from_millis(3);

pub(crate) type Answer = Result<Reply, Failure>;

/// A command that waits for its answer.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) command: Command,
    pub(crate) sent_at: Timestamp,
    pub(crate) answer: oneshot::Sender<Answer>,
    /// What it names, where several writers take commands.
    named: Vec<Named>,
}

impl Job {
    pub(crate) fn new(command: Command, sent_at: Timestamp, answer: oneshot::Sender<Answer>) -> Self {
        Self { command, sent_at, answer, named: Vec::new() }
    }
}

/// A batch that was taken; in flight until it is dropped.
pub(crate) struct Taken<'q> {
    queue: &'q Queue,
    pub(crate) jobs: Vec<Job>,
    load: Load,
    since: Instant,
}

impl Taken<'_> {
    /// It is not in flight any more: answers go out behind that.
    pub(crate) fn done(mut self) -> Vec<Job> {
        mem::take(&mut self.jobs)
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut state = self.queue.lock();
        state.flight.land(&self.load);
        if 1 < self.queue.writers {
            state.callers = self.load.live + state.live.len();
            state.patience = (self.queue.soon)(self.since.elapsed());
            self.queue.arrived.notify_all();
        }
    }
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
    writers: usize,
    /// How long it is waited at most for those who were answered, after a batch that took so long.
    soon: fn(Duration) -> Duration,
}

#[derive(Debug, Default)]
struct State {
    live: VecDeque<Job>,
    background: VecDeque<Job>,
    flight: Flight,
    /// How many of the background the last batch could take, if live commands came not long ago.
    share: Option<usize>,
    /// Writers that wait are called when so many commands wait.
    called_at: usize,
    /// How many live commands the last batch had, and waited when it landed: who sent them may soon send the next.
    callers: usize,
    /// How long it is waited for them.
    patience: Duration,
    /// A change of reference data waits in front of the background, and live commands have gone before it once.
    passed_over: bool,
    closed: bool,
}

impl Queue {
    pub(crate) fn new(capacity: usize, writers: usize) -> Self {
        Self {
            state: Mutex::default(),
            arrived: Condvar::new(),
            left: Condvar::new(),
            capacity,
            writers,
            soon: |took| SOON.min(took),
        }
    }

    /// Waits while the queue of its kind is full. What comes after the end is dropped, and its ticket says so.
    pub(crate) fn push(&self, job: Job) {
        let (job, background) = self.known(job);
        let mut state = self.lock();
        while !state.closed && self.capacity <= state.of(background).len() {
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if !state.closed {
            self.arrive(&mut state, job, background);
        }
    }

    /// As `push`, but refuses at once when its queue is full or closed.
    pub(crate) fn offer(&self, job: Job) -> Result<(), NotTaken> {
        let (job, background) = self.known(job);
        let mut state = self.lock();
        if state.closed {
            return Err(NotTaken::Closed);
        }
        if self.capacity <= state.of(background).len() {
            return Err(NotTaken::Full);
        }
        self.arrive(&mut state, job, background);
        Ok(())
    }

    fn arrive(&self, state: &mut State, job: Job, background: bool) {
        state.of(background).push_back(job);
        if state.called_at <= state.waiting() {
            // Who is called too early says again what it waits for.
            state.called_at = usize::MAX;
            self.arrived.notify_all();
        }
    }

    /// With what it names, where that matters.
    fn known(&self, mut job: Job) -> (Job, bool) {
        if 1 < self.writers {
            job.named = named_by(&job.command);
        }
        let background = is_background(&job.command);
        (job, background)
    }

    pub(crate) fn waiting(&self) -> Waiting {
        let state = self.lock();
        Waiting { live: state.live.len(), background: state.background.len() }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    /// The next batch of a lane, once there is one; nothing when the queue is closed and empty.
    pub(crate) fn take(&self, lane: Lane, batch_max: usize) -> Option<Taken<'_>> {
        let mut state = self.lock();
        let mut since = None;
        loop {
            let waiting = state.waiting();
            if waiting == 0 && state.closed {
                return None;
            }
            let (worth, patience) = state.worth(batch_max);
            let until = *since.get_or_insert_with(Instant::now) + patience;
            let is_worth_it = worth <= waiting || state.closed;
            let left = if is_worth_it { Duration::ZERO } else { until.saturating_duration_since(Instant::now()) };
            if 0 < waiting
                && left.is_zero()
                && let Some((jobs, load)) = state.batch(lane, batch_max, self.writers)
            {
                state.flight.take_off(&load);
                self.left.notify_all();
                return Some(Taken { queue: self, jobs, load, since: Instant::now() });
            }
            if waiting == 0 || left.is_zero() {
                since = None;
                state.called_at = state.called_at.min(waiting + 1);
                state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
            } else {
                state.called_at = state.called_at.min(worth);
                state = self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
            }
        }
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
    fn waiting(&self) -> usize {
        self.live.len() + self.background.len()
    }

    /// How many commands are worth a batch now, and how long it is waited for them at most.
    fn worth(&self, batch_max: usize) -> (usize, Duration) {
        if self.flight.commands == 0 {
            ((self.callers - self.callers / 10).min(batch_max), self.patience)
        } else {
            (WORTH, GATHER)
        }
    }

    fn of(&mut self, background: bool) -> &mut VecDeque<Job> {
        if background { &mut self.background } else { &mut self.live }
    }

    /// What a lane, one of so many writers, takes now; nothing while all that waits belongs to another.
    fn batch(&mut self, lane: Lane, batch_max: usize, writers: usize) -> Option<(Vec<Job>, Load)> {
        if self.flight.is_alone || (self.passed_over && 0 < self.flight.batches) {
            return None;
        }
        let alone = |it: &Job| it.command.body.is_alone();
        if self.passed_over {
            self.passed_over = false;
            let jobs: Vec<Job> = self.background.pop_front().into_iter().collect();
            let load = Load { lane, commands: jobs.len(), is_alone: true, is_background: true, ..Load::default() };
            return Some((jobs, load));
        }
        let share = if self.flight.is_background { 0 } else { self.share_of(batch_max) };
        // Each writer takes its part of what is there and in flight.
        let all = self.live.len() + self.flight.commands;
        let part = if all < 2 * WORTH { all } else { all.div_ceil(writers) };
        let part = if writers == 1 { batch_max } else { batch_max.min(part) };
        let kept = share.min(self.background.len());
        let (mut jobs, mut load) = (Vec::new(), Load { lane, ..Load::default() });
        let passes = !self.live.is_empty() && self.background.front().is_some_and(alone);
        let mut fill = Fill { jobs: &mut jobs, load: &mut load, flight: &self.flight, knows: 1 < writers };
        let ended = fill.from(&mut self.live, part.min(batch_max.saturating_sub(kept)).max(1));
        let live = fill.jobs.len();
        if !ended && !self.flight.is_background {
            fill.from(&mut self.background, share.max(1));
            load.is_background = live < jobs.len();
        }
        if jobs.is_empty() {
            return None;
        }
        self.passed_over = passes;
        load.commands = jobs.len();
        load.live = live;
        Some((jobs, load))
    }

    /// How many of the background the next batch takes at most.
    fn share_of(&mut self, batch_max: usize) -> usize {
        let share = batch_max.div_ceil(SHARE);
        let least = share.min(LEAST);
        if !self.live.is_empty() {
            self.share = Some(least);
            return share.min((self.live.len() / (SHARE - 1)).max(least));
        }
        self.share = self.share.map(|it| 2 * it).filter(|it| *it < batch_max);
        self.share.unwrap_or(batch_max)
    }
}

/// A batch that is being filled.
struct Fill<'a> {
    jobs: &'a mut Vec<Job>,
    load: &'a mut Load,
    flight: &'a Flight,
    /// Whether it is known what commands name.
    knows: bool,
}

impl Fill<'_> {
    /// Moves up to `count` commands into the batch, but for those that belong to another lane, or name what one before them
    /// names that stays; of the background, where lines that follow may name the same member in other words, nothing passes
    /// one that stays. A command that is alone is a batch of its own: answers whether one ends this batch.
    fn from(&mut self, from: &mut VecDeque<Job>, count: usize) -> bool {
        let (mut taken, mut left) = (0, 16 * count);
        let (mut stay, mut behind) = (Vec::new(), HashSet::new());
        let mut ended = false;
        while taken < count
            // What is looked through in vain is bounded as well.
            && stay.len() <= 4 * count
            && let Some(next) = from.front()
        {
            let alone = next.command.body.is_alone();
            let weight = weight(&next.command);
            if alone {
                ended = true;
                if self.jobs.is_empty() && stay.is_empty() && self.flight.batches == 0 {
                    self.load.is_alone = true;
                    self.jobs.extend(from.pop_front());
                }
                break;
            }
            if 0 < taken && left < weight {
                break;
            }
            let stays =
                self.knows && (self.is_of_another(&next.named) || next.named.iter().any(|it| behind.contains(it)));
            if stays && is_background(&next.command) {
                break;
            }
            let Some(next) = from.pop_front() else { break };
            if stays {
                behind.extend(next.named.iter().copied());
                stay.push(next);
                continue;
            }
            self.load.named.extend(&next.named);
            self.jobs.push(next);
            taken += 1;
            left = left.saturating_sub(weight);
        }
        for it in stay.into_iter().rev() {
            from.push_front(it);
        }
        ended
    }

    fn is_of_another(&self, named: &[Named]) -> bool {
        self.flight.lane_of(named, self.load.lane) != self.load.lane
    }
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

    const ONE: Lane = Lane(0);
    const TWO: Lane = Lane(1);

    fn job(number: u32, time: Time) -> Job {
        let body = Body::Settle { owner: MemberId([0; 16]), program: number };
        let command = Command { key: None, actor: Actor::System, time, seed: 0, body };
        Job::new(command, Timestamp::from_micros(0), oneshot::channel().0)
    }

    fn numbers(queue: &Queue, batch_max: usize) -> Vec<u32> {
        let number = |it: Job| if let Body::Settle { program, .. } = it.command.body { program } else { 0 };
        queue.take(ONE, batch_max).map_or_else(Vec::new, Taken::done).into_iter().map(number).collect()
    }

    #[test]
    fn a_batch_takes_live_commands_first_and_a_share_of_the_others() {
        let queue = Queue::new(100, 1);
        let past = Time::Import(Timestamp::from_micros(0));
        (100..120).for_each(|it| queue.push(job(it, past)));
        (0..12).for_each(|it| queue.push(job(it, Time::Live)));
        assert_eq!(numbers(&queue, 8), [0, 1, 2, 3, 4, 5, 100, 101]);
        assert_eq!(numbers(&queue, 8), [6, 7, 8, 9, 10, 11, 102, 103]);
        assert_eq!(numbers(&queue, 8), [104, 105, 106, 107], "more of it when nobody else comes");
        assert_eq!(
            numbers(&queue, 8),
            [108, 109, 110, 111, 112, 113, 114, 115],
            "all of it when nobody else came again"
        );
        queue.push(job(12, Time::Live));
        assert_eq!(numbers(&queue, 1), [12, 116], "neither ever waits for all of the other");
        queue.close();
        assert_eq!(numbers(&queue, 100), [117, 118]);
        assert_eq!(numbers(&queue, 100), [119]);
        assert!(queue.take(ONE, 1).is_none(), "closed and empty");
    }

    #[test]
    fn few_live_commands_have_few_others_beside_them() {
        let queue = Queue::new(2_000, 1);
        let past = Time::Import(Timestamp::from_micros(0));
        let taken = || queue.take(ONE, 1_000).map_or(0, |it| it.jobs.len());
        (0..2_000).for_each(|it| queue.push(job(it, past)));
        queue.push(job(0, Time::Live));
        assert_eq!([taken(), taken(), taken()], [1 + 8, 16, 32]);
        (0..600).for_each(|it| queue.push(job(it, Time::Live)));
        assert_eq!(taken(), 600 + 200, "a third as many");
        (0..1_500).for_each(|it| queue.push(job(it, Time::Live)));
        assert_eq!(taken(), 750 + 250, "never more than a quarter");
    }

    #[test]
    fn a_background_change_is_passed_over_once() {
        let queue = Queue::new(100, 1);
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
        let queue = Queue::new(100, 1);
        let change = || {
            let body = Body::SwitchProgram { program: String::new(), on: true, at: None };
            Job { command: Command { body, ..job(0, Time::Live).command }, ..job(0, Time::Live) }
        };
        for it in [job(1, Time::Live), change(), change(), job(2, Time::Live)] {
            queue.push(it);
        }
        queue.push(job(3, Time::Import(Timestamp::from_micros(0))));
        let sizes: Vec<usize> = (0..4).filter_map(|_| queue.take(ONE, 10)).map(|it| it.jobs.len()).collect();
        assert_eq!(sizes, [1, 1, 1, 2]);
    }

    fn of(member: u8, number: u32, time: Time) -> Job {
        let body = Body::Settle { owner: MemberId([member; 16]), program: number };
        Job { command: Command { body, ..job(0, time).command }, ..job(0, time) }
    }

    fn told(taken: &Taken<'_>) -> Vec<u32> {
        let number = |it: &Job| if let Body::Settle { program, .. } = it.command.body { program } else { 0 };
        taken.jobs.iter().map(number).collect()
    }

    #[test]
    fn what_names_something_in_flight_stays_in_line_and_in_order() {
        let queue = Queue::new(100, 2);
        for (member, number) in [(1, 11), (2, 21), (1, 12), (2, 22)] {
            queue.push(of(member, number, Time::Live));
        }
        let first = queue.take(ONE, 1).expect("a batch");
        let second = queue.take(TWO, 10).expect("another");
        assert_eq!((told(&first), told(&second)), (vec![11], vec![21, 22]), "each takes its part");
        queue.push(of(3, 31, Time::Live));
        let third = queue.take(Lane(2), 10).expect("what has nothing to do with them");
        assert_eq!(told(&third), [31]);
        drop(first);
        assert_eq!(told(&queue.take(ONE, 10).expect("it is free")), [12]);
    }

    #[test]
    fn an_owner_belongs_to_the_lane_that_has_it_in_flight() {
        let queue = Queue::new(100, 2);
        [of(1, 11, Time::Live), of(2, 21, Time::Live)].into_iter().for_each(|it| queue.push(it));
        let lane_of = |member| queue.lock().flight.lane_of(&named_by(&of(member, 0, Time::Live).command), TWO);
        let first = queue.take(ONE, 1).expect("a batch");
        assert_eq!([lane_of(1), lane_of(2)], [ONE, TWO], "and else to the one that asks");
        let second = queue.take(TWO, 1).expect("the other");
        assert_eq!(told(&second), [21]);
        drop(first);
        assert_eq!([lane_of(1), lane_of(2)], [TWO, TWO]);
    }

    #[test]
    fn few_commands_are_one_batch_and_many_are_shared_out() {
        let queue = Queue::new(1_000, 2);
        (0..100).for_each(|it| queue.push(of(it, 0, Time::Live)));
        let taken = [ONE, TWO].map(|it| queue.take(it, 1_000).expect("a batch"));
        assert_eq!(taken.each_ref().map(|it| it.jobs.len()), [50, 50]);
        drop(taken);
        (0..30).for_each(|it| queue.push(of(it, 0, Time::Live)));
        assert_eq!(queue.take(ONE, 1_000).map(|it| it.jobs.len()), Some(30), "too few for two");
    }

    #[test]
    fn what_is_alone_waits_until_nothing_is_in_flight_and_is_not_passed() {
        let queue = Queue::new(100, 2);
        let body = Body::SwitchProgram { program: String::new(), on: true, at: None };
        let change = Job { command: Command { body, ..job(0, Time::Live).command }, ..job(0, Time::Live) };
        queue.push(of(1, 11, Time::Live));
        let first = queue.take(ONE, 10).expect("a batch");
        queue.push(change);
        queue.push(of(2, 21, Time::Live));
        assert!(queue.lock().batch(TWO, 10, 2).is_none(), "nothing passes it");
        drop(first);
        let alone = queue.take(ONE, 10).expect("it is alone");
        assert_eq!((told(&alone), alone.load.is_alone), (vec![0], true));
        assert!(queue.lock().batch(TWO, 10, 2).is_none(), "nobody beside it");
        drop(alone);
        assert_eq!(told(&queue.take(ONE, 10).expect("the next")), [21]);
    }

    #[test]
    fn who_was_answered_is_waited_for() {
        let patient = || Queue { soon: |_| Duration::from_secs(3_600), ..Queue::new(100, 2) };
        let alone = patient();
        for it in 0..3 {
            alone.push(job(it, Time::Live));
            assert_eq!(numbers(&alone, 100), [it], "who was answered alone waits for nobody");
        }
        let queue = patient();
        let live = |numbers: std::ops::Range<u32>| numbers.for_each(|it| queue.push(job(it, Time::Live)));
        let after = |more: std::ops::Range<u32>| {
            std::thread::scope(|scope| {
                let taken = scope.spawn(|| numbers(&queue, 100));
                live(more);
                taken.join().expect("it takes")
            })
        };
        live(0..10);
        assert_eq!(numbers(&queue, 100), Vec::from_iter(0..10), "nobody was answered before");
        live(10..13);
        assert_eq!(after(13..19), Vec::from_iter(10..19), "nine of ten have come");
        live(19..28);
        assert_eq!(numbers(&queue, 4), [19, 20, 21, 22], "a batch is full");
        assert_eq!(after(28..32), Vec::from_iter(23..32), "who waited meanwhile counts with those who were answered");
    }

    #[test]
    fn of_the_background_nothing_passes_what_stays() {
        let queue = Queue::new(100, 2);
        let past = Time::Import(Timestamp::from_micros(0));
        queue.push(of(1, 11, Time::Live));
        let first = queue.take(ONE, 10).expect("a batch");
        for (member, number) in [(2, 21), (1, 12), (3, 31)] {
            queue.push(of(member, number, past));
        }
        assert_eq!(told(&queue.take(TWO, 10).expect("what came before")), [21]);
        assert!(queue.lock().batch(TWO, 10, 2).is_none());
        drop(first);
        assert_eq!(told(&queue.take(ONE, 10).expect("the rest")), [12, 31]);
    }

    #[test]
    fn background_commands_go_batch_after_batch() {
        let queue = Queue::new(100, 2);
        let past = Time::Import(Timestamp::from_micros(0));
        queue.push(of(1, 11, past));
        let first = queue.take(ONE, 1).expect("a batch");
        queue.push(of(2, 21, past));
        assert!(queue.lock().batch(TWO, 10, 2).is_none());
        queue.push(of(3, 31, Time::Live));
        assert_eq!(told(&queue.take(TWO, 10).expect("a live one")), [31]);
        drop(first);
        assert_eq!(told(&queue.take(ONE, 10).expect("the next")), [21]);
    }
}
