//! Random figures from a seed, which `HTTP_SEED` repeats and every failure shows.

use std::hash::{BuildHasher, Hasher, RandomState};

#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// From a seed that is said, so that a failing run can be repeated.
    pub(super) fn new() -> Self {
        let given = std::env::var("HTTP_SEED").ok().map(|it| it.parse().expect("HTTP_SEED is a number"));
        let seed = given.unwrap_or_else(|| RandomState::new().build_hasher().finish());
        eprintln!("to see it again: HTTP_SEED={seed}");
        Self(seed | 1)
    }

    /// Another one, whose figures follow from this one's.
    pub(super) fn split(&mut self) -> Self {
        Self(self.next() | 1)
    }

    /// From 0 to below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    pub(super) fn pick<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        let count = u64::try_from(all.len()).expect("a small number");
        if count == 0 { None } else { all.get(usize::try_from(self.below(count)).expect("a small number")) }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
