//! What it costs to sweep very many lots that have expired: beside a floor that writes the same rows, in memory, and for the
//! callers who order meanwhile.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use engine::{Actor, Adjustment, Points, Timestamp};
use store::{Body, Command, Database, Floor, Key, MemberRef, Store, Time};
use tokio::runtime::Runtime;

use super::load::{self, Pace, Seen};
use super::memory::{self, Watched};
use super::place::{self, Place};
use super::served::{Served, end, runtime};
use super::shop::{API_KEY, Orders, PROGRAM, landed, member, mixed, sign_up};
use crate::flight::Flight;
use crate::open;
use crate::progress::Progress;

const DAY: i64 = 86_400_000_000;
/// Who orders meanwhile.
const CALLERS: usize = 64;
/// So long a member's first lot was good for, and its second one for as many more, in days.
const SPREAD: u64 = 30;
/// So many times it is measured beside a sweep and without one, by turns: the disk of a machine is not always as quick.
const TURNS: usize = 3;
/// Orders at half load are sent for so long at most.
const TURN_MAX: Duration = Duration::from_secs(30);
/// Fewer say nothing about the slowest of a hundred.
const ORDERS_MIN: usize = 100;

pub(crate) struct Sweep<'a> {
    pub(crate) place: &'a Place,
    /// The members of the shop, who have nothing that has expired.
    pub(crate) members: u64,
    /// Half as many members have two each.
    pub(crate) lots: u64,
    /// Orders in a measurement over HTTP.
    pub(crate) orders: usize,
}

#[derive(Debug)]
pub(crate) struct SweepFigures {
    pub(crate) lots_per_s: f64,
    pub(crate) floor_lots_per_s: f64,
    /// Megabytes before, at the most during the first tenth, and at the most.
    pub(crate) memory: [f64; 3],
    pub(crate) turns: Vec<Turn>,
}

/// What callers meet who order at half load.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    /// Orders a second that are half of what they reach.
    pub(crate) half_per_s: f64,
    pub(crate) without: Percentiles,
    pub(crate) with: Percentiles,
    /// Swept while they ordered.
    pub(crate) lots_per_s: f64,
}

/// In milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Percentiles {
    pub(crate) p50: f64,
    pub(crate) p99: f64,
}

impl Percentiles {
    fn of(seen: &Seen) -> Self {
        Self { p50: seen.percentile_ms(50), p99: seen.percentile_ms(99) }
    }
}

impl Sweep<'_> {
    pub(crate) fn measure(&self) -> Result<SweepFigures> {
        let place = self.place;
        let before = self.prepare()?;
        let swept = place.copy_of("expired", "swept")?;
        let (seconds, memory) = self.sweep(&swept)?;
        eprintln!("the floor of the sweep");
        let floor = Floor::capture(&swept, &before)?;
        let lots = u64::try_from(floor.lots())?;
        ensure!(lots == self.lots, "{lots} lots were swept of {}", self.lots);
        let bare = floor.run(&place.copy_of("expired", "sweepfloor")?, place.batch())?;
        drop(floor);
        place.remove("sweepfloor")?;
        // What a server tidies up behind a sweep is not to slow the orders down that are measured without one.
        store::settle_server(&swept)?;
        let lots = self.lots as f64;
        let turns = (1..=TURNS).map(|turn| self.turn(turn, &swept)).collect::<Result<_>>()?;
        place.remove("swept")?;
        place.remove("expired")?;
        Ok(SweepFigures { lots_per_s: lots / seconds, floor_lots_per_s: lots / bare.seconds, memory, turns })
    }

    fn turn(&self, turn: usize, swept: &Database) -> Result<Turn> {
        eprintln!("turn {turn} of {TURNS}");
        let half_per_s = self.half_load(turn, swept)?;
        let (with, orders, lots_per_s) = self.live_with(half_per_s)?;
        let without = self.live_without(turn, swept, half_per_s, orders)?;
        Ok(Turn { half_per_s, without, with, lots_per_s })
    }

    /// The shop with more members, whose points have all expired.
    fn prepare(&self) -> Result<Database> {
        let database = self.place.copy("expired")?;
        let store = open::existing(&database)?;
        let numbers = self.members..self.members + self.lots / 2;
        let mut progress = Progress::new("members with lots that have expired", self.lots / 2);
        fill(&store, numbers, &mut progress)?;
        progress.finish();
        drop(store);
        store::settle_server(&database)?;
        Ok(database)
    }

    /// Seconds that it takes, and the memory.
    fn sweep(&self, database: &Database) -> Result<(f64, [f64; 3])> {
        let store = open::in_batches(database, self.place.batch())?;
        let accounts = self.lots / 2;
        let mut progress = Progress::new("accounts swept", accounts);
        let before = memory::now_mb();
        let watched = Watched::start();
        let mut tenth = None;
        let began = Instant::now();
        let swept = store::sweep(&store, store.now(), &mut |done| {
            if accounts <= done * 10 {
                tenth.get_or_insert_with(|| watched.peak_mb());
            }
            progress.set(done);
        })?;
        let took = began.elapsed();
        let peak = watched.peak_mb();
        progress.finish();
        ensure!(swept.accounts == accounts, "{} accounts were swept of {accounts}", swept.accounts);
        Ok((took.as_secs_f64(), [before, tenth.unwrap_or(peak), peak]))
    }

    /// Half of the orders a second that the callers reach when nothing is due.
    fn half_load(&self, turn: usize, database: &Database) -> Result<f64> {
        let runtime = runtime()?;
        let served = Served::start(&runtime, database)?;
        let per_s = self.as_fast_as_they_can(&runtime, &served, &format!("first-{turn}"))?;
        served.stop(&runtime)?;
        end(runtime);
        Ok(per_s / 2.0)
    }

    /// How long orders take at half load while the server sweeps by itself, which it begins with; how many they were, and the
    /// lots a second that it did meanwhile.
    fn live_with(&self, half: f64) -> Result<(Percentiles, usize, f64)> {
        let database = self.place.copy_of("expired", "sweeping")?;
        place::rest();
        let runtime = runtime()?;
        // As many as the sweep lasts are sent.
        let orders_max = (half * TURN_MAX.as_secs_f64()).ceil() as usize;
        let served = Served::start(&runtime, &database)?;
        let parcels = self.orders("beside", orders_max).parcels(served.store.now());
        let over = Arc::<AtomicBool>::default();
        let watch = watch(served.store.clone(), self.lots / 2, Arc::clone(&over));
        self.as_fast_as_they_can(&runtime, &served, "warm")?;
        let pace = Pace { every: Duration::from_secs_f64(half.recip()), over: Arc::clone(&over), least: ORDERS_MIN };
        let seen = runtime.block_on(load::paced(served.address, API_KEY, parcels, CALLERS, pace));
        over.store(true, Ordering::Relaxed);
        let (accounts, took) = watch.join().map_err(|_| anyhow::anyhow!("watching the sweep failed inside"))?;
        served.stop(&runtime)?;
        end(runtime);
        self.place.remove("sweeping")?;
        ensure!(0 < accounts, "the server did not sweep");
        let seen = seen?.all_taken()?;
        Ok((Percentiles::of(&seen), seen.latencies.len(), 2.0 * accounts as f64 / took.as_secs_f64()))
    }

    /// The same for as many orders when nothing is due: what happens on a machine now and then happens to both.
    fn live_without(&self, turn: usize, database: &Database, half: f64, orders: usize) -> Result<Percentiles> {
        place::rest();
        let runtime = runtime()?;
        let served = Served::start(&runtime, database)?;
        self.as_fast_as_they_can(&runtime, &served, &format!("warm-{turn}"))?;
        eprintln!("{orders} orders at half of that");
        let parcels = self.orders(&format!("half-{turn}"), orders).parcels(served.store.now());
        let pace = Pace { every: Duration::from_secs_f64(half.recip()), over: Arc::default(), least: 0 };
        let seen = runtime.block_on(load::paced(served.address, API_KEY, parcels, CALLERS, pace))?.all_taken()?;
        served.stop(&runtime)?;
        end(runtime);
        Ok(Percentiles::of(&seen))
    }

    /// Orders a second; the caches are warm behind it, which those of a copy are not.
    fn as_fast_as_they_can(&self, runtime: &Runtime, served: &Served, label: &str) -> Result<f64> {
        eprintln!("orders of {CALLERS} callers, as fast as they can");
        let parcels = self.orders(label, self.orders).parcels(served.store.now());
        Ok(runtime.block_on(load::run(&[served.address], API_KEY, parcels, CALLERS))?.all_taken()?.per_s())
    }

    fn orders<'a>(&self, label: &'a str, count: usize) -> Orders<'a> {
        Orders { label, members: self.members, count }
    }
}

/// Says when so many accounts are swept; answers how many were in the end, and how long it took.
fn watch(store: Store, accounts: u64, over: Arc<AtomicBool>) -> std::thread::JoinHandle<(u64, Duration)> {
    let settled = move || {
        let counted = store.counted();
        counted.commands.iter().filter(|it| it.0.0 == "settle").map(|it| *it.1).sum::<u64>()
    };
    let began = Instant::now();
    std::thread::spawn(move || {
        let mut progress = Progress::new("accounts swept while members order", accounts);
        let mut done = 0;
        while done < accounts && !over.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(20));
            done = settled();
            progress.set(done);
        }
        over.store(true, Ordering::Relaxed);
        progress.finish();
        (done, began.elapsed())
    })
}

fn fill(store: &Store, numbers: Range<u64>, progress: &mut Progress) -> Result<()> {
    let today = store.now().micros() / DAY * DAY;
    let days_ago = |days: u64| Timestamp::from_micros(today - i64::try_from(days).unwrap_or(0) * DAY);
    let then = Time::Import(days_ago(3 * SPREAD));
    let first = numbers.start;
    let mut flight = Flight::new(store);
    for number in numbers {
        landed(flight.send((), Command { time: then, ..sign_up(number) }))?;
        // One day of the month before last, and one of the last month.
        let drawn = mixed(number);
        for days in [2 * SPREAD - drawn % SPREAD, SPREAD - drawn / SPREAD % SPREAD] {
            landed(flight.send((), lot(number, days_ago(days), then)))?;
        }
        progress.set(number - first);
    }
    while let Some(answer) = flight.land() {
        landed(Some(answer)).context("points that have expired")?;
    }
    Ok(())
}

fn lot(number: u64, expires_at: Timestamp, then: Time) -> Command {
    let adjustment = Adjustment { points: Points::new(100), note: "bench".to_owned(), expires_at: Some(expires_at) };
    let body = Body::Adjust {
        program: PROGRAM.to_owned(),
        member: MemberRef::Id(member(number)),
        adjustment,
        reference: None,
    };
    let key = Some(Key(format!("bench-expired-{number}-{}", expires_at.micros())));
    Command { key, actor: Actor::Staff(0), time: then, seed: number, body }
}
