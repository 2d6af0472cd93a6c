//! Points, and every formula that divides to make them.
//!
//! Points are whole numbers. This file and `money.rs` are the only places of the engine that divide; each division
//! names its rounding and says why.

use std::fmt;
use std::ops::Neg;

use crate::limits;
use crate::money::Money;
use crate::program::{EarnMode, EarnRate, RedeemRate};
use crate::sums::whole_sums;

/// A whole number of points. Negative only as a difference, never in a lot or a bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Points(i64);

whole_sums!(Points);

impl Points {
    pub const ZERO: Self = Self(0);

    pub const fn new(points: i64) -> Self {
        Self(points)
    }

    pub const fn get(self) -> i64 {
        self.0
    }
}

/// The figure halfway between two, rounded down: for a search, where either neighbour will do.
pub(crate) fn halfway(low: Points, high: Points) -> Points {
    Points((low.0 + high.0).div_euclid(2))
}

/// What `base` earns at `rate`. Rounds down, once per order, so that splitting an order never earns more than the
/// whole (E1, E2): in steps, only full steps count; proportionally, only full points.
pub fn points_for(base: Money, rate: EarnRate) -> Points {
    narrow(exact_points_for(base, rate))
}

/// Whether `base` earns more points at `rate` than `most`.
pub(crate) fn earns_more_than(most: Points, base: Money, rate: EarnRate) -> bool {
    i128::from(most.get()) < exact_points_for(base, rate)
}

fn exact_points_for(base: Money, rate: EarnRate) -> i128 {
    let base = i128::from(base.minor());
    let per = i128::from(rate.per.minor());
    let points = i128::from(rate.points.get());
    match rate.mode {
        EarnMode::Steps | EarnMode::StepsCarried => floor(base, per) * points,
        EarnMode::Proportional => floor(base * points, per),
    }
}

/// The points that pay `value`, at most `limits::ORDER_POINTS_MAX`, which no order can ask for. Rounds up, so that nobody
/// pays an amount with less than it costs (R1).
pub fn points_needed(value: Money, rate: RedeemRate) -> Points {
    let exact = i128::from(value.minor()) * i128::from(rate.points.get());
    let needed = -floor(-exact, i128::from(rate.value.minor()));
    narrow(needed.min(i128::from(limits::ORDER_POINTS_MAX.get())))
}

/// The most points that are worth no more than `value`. Rounds down, since a limit is never exceeded and no point is spent
/// for nothing (R4).
pub fn points_within(value: Money, rate: RedeemRate) -> Points {
    let exact = i128::from(value.minor()) * i128::from(rate.points.get());
    let within = floor(exact, i128::from(rate.value.minor()));
    narrow(within.min(i128::from(limits::ORDER_POINTS_MAX.get())))
}

/// The largest multiple of `step` that is not above `points`: an offer is rounded down to what can be asked for (R4).
pub(crate) fn step_down(points: Points, step: Points) -> Points {
    Points(points.0 - points.0.rem_euclid(step.0))
}

/// The smallest multiple of `step` that is not below `points`: the least is still redeemed in whole steps (R4).
pub(crate) fn step_up(points: Points, step: Points) -> Points {
    Points(points.0 + (-points.0).rem_euclid(step.0))
}

/// `points` × `part` ÷ `whole`, rounded up: the points part of an order that shrank in proportion keeps the odd point,
/// so that what is paid with points never exceeds what the points are worth (O6).
pub(crate) fn points_share_up(points: Points, part: Money, whole: Money) -> Points {
    let exact = i128::from(points.get()) * i128::from(part.minor());
    narrow(-floor(-exact, i128::from(whole.minor())))
}

/// `points` × `whole` ÷ `part`, rounded down: the largest figure whose share is not above `points`.
pub(crate) fn points_whole_down(points: Points, part: Money, whole: Money) -> Points {
    let exact = i128::from(points.get()) * i128::from(whole.minor());
    narrow(floor(exact, i128::from(part.minor())))
}

fn floor(numerator: i128, denominator: i128) -> i128 {
    assert!(0 < denominator, "rates have a positive denominator, the program document is checked");
    numerator.div_euclid(denominator)
}

fn narrow(points: i128) -> Points {
    Points(i64::try_from(points).expect("the limits on amounts and rates keep points within 63 bits"))
}

impl Neg for Points {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
