//! Runs a property over random inputs: shrinks what fails and prints the seed with which it fails again.
//!
//! Bounded by the number of cases, which `PROPTEST_CASES` raises; `PROPTEST_RNG_SEED` repeats a run.

use std::hash::{BuildHasher, Hasher, RandomState};

use proptest::prelude::{ProptestConfig, Strategy};
use proptest::test_runner::{RngSeed, TestCaseError, TestRunner};

pub(crate) type Outcome = Result<(), TestCaseError>;

/// Checks a property. `cases` is how many inputs are tried unless the environment says otherwise.
pub(crate) fn check<S: Strategy>(cases: u32, inputs: &S, property: impl Fn(S::Value) -> Outcome) {
    let seed = number("PROPTEST_RNG_SEED").unwrap_or_else(|| RandomState::new().build_hasher().finish());
    let cases = number("PROPTEST_CASES").map_or(cases, |it| u32::try_from(it).expect("so many cases take years"));
    let config = ProptestConfig {
        cases,
        rng_seed: RngSeed::Fixed(seed),
        failure_persistence: None,
        max_global_rejects: cases * 20 + 1_000,
        max_local_rejects: cases.saturating_mul(200).max(65_536),
        ..ProptestConfig::default()
    };
    if let Err(failure) = TestRunner::new(config).run(inputs, property) {
        panic!("{failure}\nto see it again: PROPTEST_RNG_SEED={seed} PROPTEST_CASES={cases}");
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}: allowed is a number, found {text}")))
}
