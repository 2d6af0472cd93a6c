//! Acknowledged means durable (law 8): a process that writes is killed, or its power is cut, at any moment; what it has
//! acknowledged is there, once, with the effect that it told.
//!
//! `CRASH_ROUNDS` sets the number of kills of each test (`./dev crash`), `CRASH_SEED` repeats a run.

mod history;
mod lane;
mod writer;

use std::env;

use self::history::{After, History};
use self::writer::{WINDOW_MAX, write_if_told};
use crate::crash::{Random, kill_at_random};
#[cfg(target_os = "linux")]
use crate::{
    crash::until_killed,
    power_cut::{Disk, Loss, PowerCut, Unsynced, restore},
};

const DOCUMENTS: [&str; 4] = ["days owe", "waits owe", "steps owe", "plain"];

/// A database is killed so often at most: what is checked after each kill grows with it.
const KILLS_OF_ONE_MAX: u64 = 30;

/// Not a test but the writing process of the tests below: returns at once unless one of them has started it.
#[test]
fn writes_when_told_to() {
    write_if_told();
}

#[test]
fn acknowledged_commands_outlive_a_kill() {
    let mut random = Random::new();
    for (index, kills) in databases(30) {
        let mut history = History::new(DOCUMENTS[index % DOCUMENTS.len()], WINDOW_MAX);
        for kill in 0..kills {
            kill_once(&mut history, kill % 2 == 1, &mut random, 300, after(kill));
        }
        history.end();
    }
}

#[test]
fn acknowledged_commands_outlive_a_kill_of_a_young_database() {
    let mut random = Random::new();
    for round in 0..rounds(12) {
        let document = DOCUMENTS[usize::try_from(round).expect("a count") % DOCUMENTS.len()];
        let mut history = History::new(document, WINDOW_MAX);
        // Twice: the second process meets what the first one had half made.
        kill_once(&mut history, false, &mut random, 3, After::Leave);
        kill_once(&mut history, true, &mut random, 40, After::SendAgain);
        history.end();
    }
}

fn kill_once(history: &mut History, beside: bool, random: &mut Random, after_max: u64, after: After) {
    let task = history.task(beside);
    let child = task.command(&history.killed.path()).spawn().expect("the writing process starts");
    let said = kill_at_random(child, 1..=after_max, random);
    assert_eq!(history.take_in(&task, &said), None, "is missing");
    history.go_on(after);
}

/// How many kills each database is to go through.
fn databases(default: u64) -> Vec<(usize, u64)> {
    let rounds = rounds(default);
    let whole = (0..rounds / KILLS_OF_ONE_MAX).map(|_| KILLS_OF_ONE_MAX);
    whole.chain([rounds % KILLS_OF_ONE_MAX]).filter(|it| *it != 0).enumerate().collect()
}

fn rounds(default: u64) -> u64 {
    env::var("CRASH_ROUNDS").map_or(default, |it| default.max(it.parse().expect("CRASH_ROUNDS is a number")))
}

/// Every third time the next process meets the database as the kill left it.
fn after(kill: u64) -> After {
    if kill % 3 == 2 { After::Leave } else { After::SendAgain }
}

#[cfg(target_os = "linux")]
#[test]
fn acknowledged_commands_outlive_a_power_cut() {
    let mut random = Random::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    for (index, kills) in databases(16) {
        let mut history = History::new(DOCUMENTS[index % DOCUMENTS.len()], WINDOW_MAX);
        for kill in 0..kills {
            // A cut at a step mostly falls into a commit, one at any moment mostly between two.
            let step = (random.within(0..=1) == 0).then(|| random.within(1..=4_000));
            cut_once(&layer, &mut history, step, kill, &mut random);
        }
        history.end();
    }
}

/// Here the store itself copies the WAL back and starts it over: the steps are those around the first time.
#[cfg(target_os = "linux")]
#[test]
fn acknowledged_commands_outlive_a_power_cut_while_the_wal_is_copied_back() {
    let mut random = Random::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    let mut met = Unsynced::default();
    let mut round = 0;
    // The moments that matter are short, so that no number of rounds is sure to meet one.
    while round < rounds(6) || (met.database == 0 && round < 100) {
        // Small batches write each page again and again: the WAL grows faster than the ledger.
        let mut history = History::new(DOCUMENTS[0], 1);
        let step = random.within(8_000..=10_500);
        add(&mut met, cut_once(&layer, &mut history, Some(step), round, &mut random));
        round += 1;
    }
    assert!(met.wal != 0 && met.database != 0, "the cuts must meet unsynced changes of both files: {met:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn acknowledged_commands_outlive_a_power_cut_at_any_step_of_a_young_database() {
    let mut random = Random::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    let (mut met, mut step) = (Unsynced::default(), 1);
    for round in 0..rounds(50) {
        let mut history = History::new(DOCUMENTS[0], WINDOW_MAX);
        add(&mut met, cut_once(&layer, &mut history, Some(step), round, &mut random));
        history.end();
        // The making of the file and its tables step by step, the rest by samples.
        step += if step < 35 { 1 } else { random.within(1..=60) };
    }
    assert!(met.wal != 0 && met.names != 0, "the cuts must meet unsynced changes: {met:?}");
}

/// Cuts the power just before the step, or at any moment.
#[cfg(target_os = "linux")]
fn cut_once(layer: &PowerCut, history: &mut History, step: Option<u64>, round: u64, random: &mut Random) -> Unsynced {
    let database = history.killed.path();
    let task = history.task(step.is_none() && round % 4 == 3);
    let mut command = task.command(&database);
    let said = match step {
        Some(nth) => {
            layer.put_under_until(&mut command, &database, nth);
            until_killed(command.spawn().expect("the writing process starts"))
        }
        None => {
            layer.put_under(&mut command, &database, Disk::Honest);
            kill_at_random(command.spawn().expect("the writing process starts"), 1..=300, random)
        }
    };
    let loss = if random.within(0..=1) == 0 { Loss::All } else { Loss::Scattered };
    let unsynced = restore(&database, loss, random);
    let missing = history.take_in(&task, &said);
    assert_eq!(missing, None, "is missing in round {round}, step {step:?}, {loss:?}, {unsynced:?}");
    history.go_on(after(round));
    unsynced
}

/// The proof that the tests above see what is lost.
#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_lies_loses_acknowledged_commands() {
    let mut random = Random::new();
    let dir = tempfile::tempdir().expect("a temporary directory");
    let layer = PowerCut::build(dir.path());
    let loses_some = (0..10).any(|_| {
        let mut history = History::new(DOCUMENTS[0], WINDOW_MAX);
        // Made without the layer: commands can be missing, the tables cannot.
        history.go_on(After::SendAgain);
        let database = history.killed.path();
        let task = history.task(false);
        let mut command = task.command(&database);
        layer.put_under(&mut command, &database, Disk::Lying);
        let said = kill_at_random(command.spawn().expect("the writing process starts"), 2..=100, &mut random);
        restore(&database, Loss::All, &mut random);
        history.take_in(&task, &said).is_some_and(|it| it.starts_with("member"))
    });
    assert!(loses_some, "a lying disk must cost acknowledged commands, or nothing is seen here");
}

#[cfg(target_os = "linux")]
fn add(met: &mut Unsynced, more: Unsynced) {
    met.database += more.database;
    met.wal += more.wal;
    met.journal += more.journal;
    met.names += more.names;
}
