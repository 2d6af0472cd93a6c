//! Any tier, and what becomes of one.

use engine::{TierBy, TierHold, TierName, TierOutcome, TierReview, TierState, TierWithin};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::times;

pub(super) fn tier_names() -> impl Strategy<Value = TierName> {
    option::of(any::<String>().prop_map(Into::into))
}

pub(super) fn tier_states() -> impl Strategy<Value = TierState> {
    (tier_names(), times(), times(), select(TierHold::ALL.to_vec()))
        .prop_map(|(tier, since, review_at, hold)| TierState { tier, since, review_at, hold })
}

pub(super) fn tier_reviews() -> impl Strategy<Value = TierReview> {
    let outcome = select(TierOutcome::ALL.to_vec());
    let (by, within) = (select(TierBy::ALL.to_vec()), select(TierWithin::ALL.to_vec()));
    (outcome, tier_names(), by, within, any::<i64>(), any::<i64>()).prop_map(
        |(outcome, before, by, within, figure, from)| TierReview { outcome, before, by, within, figure, from },
    )
}
