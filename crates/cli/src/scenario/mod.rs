//! Scenarios: worked examples that a shop owner can read, run against the engine alone, the store and the API.
//!
//! `docs/SCENARIOS.md` describes the language. A file passes when every backend comes to what its steps expect, the
//! store verifies, and all backends have posted the same entries. Bounded by one file at a time.

mod acts;
mod backend;
mod cards;
mod certificates;
mod clauses;
mod document;
mod earning;
mod expect;
mod folder;
mod in_memory;
mod language;
mod limits;
mod moment;
mod on_disk;
mod over_http;
mod rewards;
mod runner;
mod tell;
mod tiers;
mod words;

#[cfg(test)]
mod tests;

use std::fmt;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use backend::Backend;
use language::Wrong;
use runner::{Ledger, Miss};
use store::Address;

/// How many files run at a time.
const WORKERS: usize = 8;

/// What scenarios can run against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    /// The rules in memory.
    Engine,
    /// A database in a folder of its own, or in a schema of its own on a server of PostgreSQL.
    Store(Option<Address>),
    /// A server over such a database.
    Http(Option<Address>),
}

impl Which {
    /// All there are, and those on a server of PostgreSQL where one is named.
    pub(crate) fn all(server: Option<&Address>) -> Vec<Self> {
        let mut all = vec![Self::Engine, Self::Store(None), Self::Http(None)];
        if server.is_some() {
            all.extend([Self::Store(server.cloned()), Self::Http(server.cloned())]);
        }
        all
    }
}

/// What became of all files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// One text for each step that failed: file, line, expected and found.
    pub(crate) failures: Vec<String>,
}

/// The failures, and the line that closes every run.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(f, "{failure}")?;
        }
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

/// Runs every `.txt` file at or below the paths, in order of their names.
pub(crate) fn run(paths: &[PathBuf], backends: &[Which]) -> Summary {
    let mut summary = Summary::default();
    let mut files = Vec::new();
    for path in paths {
        let before = files.len();
        let fault = match collect(path, &mut files) {
            Err(fault) => fault.to_string(),
            Ok(()) if files.len() == before => "there is no scenario (*.txt) here".to_owned(),
            Ok(()) => continue,
        };
        summary.failed += 1;
        summary.failures.push(format!("{}: {fault}", path.display()));
    }
    for failures in run_files(&files, backends) {
        *if failures.is_empty() { &mut summary.passed } else { &mut summary.failed } += 1;
        summary.failures.extend(failures);
    }
    summary
}

/// Several at a time: most of the time goes by waiting for the disk. Answers in the order of the files.
fn run_files(files: &[PathBuf], backends: &[Which]) -> Vec<Vec<String>> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(file) = files.get(index) else { return done };
            done.push((index, run_file(file, backends)));
        }
    };
    let mut all = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS).map(|_| scope.spawn(work)).collect();
        let done = workers.into_iter().map(|it| it.join().expect("a worker catches what panics in a file"));
        done.flatten().collect::<Vec<_>>()
    });
    all.sort_by_key(|(index, _)| *index);
    all.into_iter().map(|(_, failures)| failures).collect()
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if fs::metadata(path)?.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut inside = fs::read_dir(path)?.map(|it| it.map(|it| it.path())).collect::<Result<Vec<_>, _>>()?;
    inside.sort();
    for path in inside {
        if path.is_dir() || path.extension().is_some_and(|it| it == "txt") {
            collect(&path, files)?;
        }
    }
    Ok(())
}

fn run_file(file: &Path, backends: &[Which]) -> Vec<String> {
    let name = file.display();
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(fault) => return vec![format!("{name}: {fault}")],
    };
    let steps = match language::read(&text, file.parent().unwrap_or(Path::new("")), compile) {
        Ok(steps) => steps,
        Err(slip) => return vec![format!("{name}:{}: {}", slip.line, slip.fault.0)],
    };
    let mut failures = Vec::new();
    let mut ledgers: Vec<(&str, Ledger)> = Vec::new();
    for which in backends {
        // A panic is a bug of ours and fails this file alone.
        let ran = catch_unwind(AssertUnwindSafe(|| {
            let mut backend = open(which)?;
            let ran = runner::run(&steps, backend.as_mut())?;
            Ok::<_, anyhow::Error>((backend.name(), ran))
        }));
        match ran {
            Ok(Ok((backend, (misses, ledger)))) => {
                let text = |Miss { line, expected, found }| {
                    format!("{name}:{line}: on the {backend}: expected {expected}, found {found}")
                };
                failures.extend(misses.into_iter().map(text));
                ledgers.push((backend, ledger));
            }
            Ok(Err(fault)) => failures.push(format!("{name}: {fault:#}")),
            Err(_) => failures.push(format!("{name}: a bug of ours stopped this file; the message stands above")),
        }
    }
    if failures.is_empty() {
        failures.extend(difference(&ledgers).map(|it| format!("{name}: {it}")));
    }
    if failures.is_empty() && steps.iter().all(|it| it.expected.is_empty()) {
        failures.push(format!("{name}: nothing is expected; allowed is `=> …` behind a step, with what it leads to"));
    }
    failures
}

/// Programs go the same way as everywhere else: as a program document.
fn compile(document: &str, first_day: engine::Date) -> Result<engine::Terms, Wrong> {
    let checked = server::program::check(document, first_day).and_then(|it| it.terms());
    checked.map_err(|it| Wrong { path: it.path.clone(), message: it.to_string() })
}

fn open(which: &Which) -> anyhow::Result<Box<dyn Backend>> {
    match which {
        Which::Engine => Ok(Box::new(in_memory::EngineBackend::new())),
        Which::Store(server) => Ok(Box::new(on_disk::StoreBackend::new(server.as_ref())?)),
        Which::Http(server) => Ok(Box::new(over_http::HttpBackend::new(server.as_ref())?)),
    }
}

/// The first entry that two backends do not have in common.
fn difference(ledgers: &[(&str, Ledger)]) -> Option<String> {
    let ((first, expected), others) = ledgers.split_first()?;
    for (other, found) in others {
        for ((name, expected), (_, found)) in expected.iter().zip(found) {
            let count = expected.len().max(found.len());
            let differs = (0..count).find(|index| expected.get(*index) != found.get(*index));
            if let Some(index) = differs {
                let (expected, found) = (expected.get(index), found.get(index));
                return Some(format!(
                    "entry {} of {name}: the {first} has {expected:?}, the {other} has {found:?}",
                    index + 1
                ));
            }
        }
    }
    None
}
