//! Random numbers for tests, drawn from a seed that a failure prints.

use std::env;
use std::ops::RangeInclusive;
use std::time::{SystemTime, UNIX_EPOCH};

const SEED: &str = "CRASH_SEED";

/// A small random generator (xorshift64*). It prints its seed when the test that uses it fails; `CRASH_SEED` repeats it.
pub(crate) struct Random {
    seed: u64,
    state: u64,
}

impl Random {
    pub(crate) fn new() -> Self {
        let drawn = || {
            let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("the clock is past 1970");
            u64::from(since.subsec_nanos()) ^ (since.as_secs() << 20)
        };
        let seed = env::var(SEED).map_or_else(|_| drawn(), |text| text.parse().expect("CRASH_SEED is a number"));
        Self { seed, state: (seed ^ 0x9e37_79b9_7f4a_7c15).max(1) }
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    pub(crate) fn within(&mut self, range: RangeInclusive<u64>) -> u64 {
        range.start() + (self.next() >> 8) % (range.end() - range.start() + 1)
    }
}

impl Drop for Random {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("repeat with {SEED}={}", self.seed);
        }
    }
}
