//! How much memory this process takes for itself: what it has of files is the system's.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

const EVERY: Duration = Duration::from_millis(10);

/// Looks often, until it is dropped.
pub(crate) struct Watched {
    peak: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Watched {
    pub(crate) fn start() -> Self {
        let (peak, over) = (Arc::new(AtomicU64::new(now_kb())), Arc::new(AtomicBool::new(false)));
        let (seen, ended) = (Arc::clone(&peak), Arc::clone(&over));
        let thread = std::thread::spawn(move || {
            while !ended.load(Ordering::Relaxed) {
                seen.fetch_max(now_kb(), Ordering::Relaxed);
                std::thread::sleep(EVERY);
            }
        });
        Self { peak, over, thread: Some(thread) }
    }

    /// The most so far, in megabytes.
    pub(crate) fn peak_mb(&self) -> f64 {
        in_mb(self.peak.fetch_max(now_kb(), Ordering::Relaxed).max(now_kb()))
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            // It only looked.
            let _ = thread.join();
        }
    }
}

/// Now, in megabytes.
pub(crate) fn now_mb() -> f64 {
    in_mb(now_kb())
}

fn in_mb(kb: u64) -> f64 {
    kb as f64 / 1024.0
}

/// Nothing where the system does not say.
fn now_kb() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|it| it.strip_prefix("RssAnon:"));
    line.and_then(|it| it.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[test]
fn what_was_taken_is_seen() {
    let before = now_mb();
    let watched = Watched::start();
    let taken: Vec<u64> = (0..4_000_000).collect();
    let peak = watched.peak_mb();
    assert!(taken.len() == 4_000_000 && before + 20.0 < peak, "{before} {peak}");
}
