//! How far a long command has come, on stderr: a bar on a terminal, otherwise a line now and then, so that a log stays short.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::text::count;

/// Without a terminal, so often a line.
const EVERY: Duration = Duration::from_secs(5);

pub(crate) struct Progress {
    label: String,
    total: u64,
    bar: Option<ProgressBar>,
    began: Instant,
    said: Instant,
}

impl Progress {
    /// `total` steps, or an unknown number when it is zero.
    pub(crate) fn new(label: &str, total: u64) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(Some(total).filter(|it| 0 < *it), ProgressDrawTarget::stderr());
            let shape = if total == 0 {
                "{msg} {spinner} {human_pos} ({elapsed})"
            } else {
                // As wide as the terminal: a line that wraps could not be drawn over.
                "{msg} [{wide_bar}] {percent:>3} % {human_pos} of {human_len}, {eta} left"
            };
            bar.set_style(ProgressStyle::with_template(shape).expect("the template is well formed"));
            bar.set_message(label.to_owned());
            bar
        });
        let began = Instant::now();
        Self { label: label.to_owned(), total, bar, began, said: began }
    }

    /// `done` steps are done.
    pub(crate) fn set(&mut self, done: u64) {
        match &self.bar {
            Some(bar) => bar.set_position(done),
            None if EVERY <= self.said.elapsed() => {
                self.said = Instant::now();
                match self.total {
                    0 => eprintln!("{}: {}", self.label, count(done)),
                    total => {
                        let left = left(self.began.elapsed(), done, total);
                        eprintln!("{}: {} of {}{left}", self.label, count(done), count(total));
                    }
                }
            }
            None => {}
        }
    }

    /// Says a line on stderr, above the bar.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| eprintln!("{line}")),
            None => eprintln!("{line}"),
        }
    }

    /// Takes the bar away: what follows says how it went.
    pub(crate) fn finish(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

/// How much longer it takes, if it goes on like this.
fn left(elapsed: Duration, done: u64, total: u64) -> String {
    let seconds = u128::from(elapsed.as_secs()) * u128::from(total.saturating_sub(done)) / u128::from(done.max(1));
    match (done, seconds) {
        (0, _) => String::new(),
        (_, ..120) => format!(", {seconds} s left"),
        _ => format!(", {} min left", seconds / 60),
    }
}

#[test]
fn what_is_left_is_told_from_what_is_done() {
    let told = |seconds, done, total| left(Duration::from_secs(seconds), done, total);
    assert_eq!(told(10, 0, 100), "");
    assert_eq!(told(10, 50, 100), ", 10 s left");
    assert_eq!(told(10, 1, 100), ", 16 min left");
    assert_eq!(told(10, 120, 100), ", 0 s left");
}
