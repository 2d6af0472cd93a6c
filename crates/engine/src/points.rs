//! Points, and every formula that divides to make them.
//!
//! Points are whole numbers. This file and `money.rs` are the only places of the engine that divide; each division
//! names its rounding and says why.

use std::fmt;
use std::ops::{AddAssign, Neg};

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

/// How often `each` is in `points`; rounded down, since only whole ones become credit (C1).
pub(crate) fn whole_times(points: Points, each: Points) -> i64 {
    points.0.div_euclid(each.0)
}

/// How often `each` must be given back to have `points`; rounded up, since only whole conversions are undone (C8).
pub(crate) fn times_up(points: Points, each: Points) -> i64 {
    -(-points.0).div_euclid(each.0)
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

/// A factor with at most three digits after the point, such as 1.5; kept as a ratio without common factors, so that it is
/// exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    numerator: u32,
    denominator: u32,
}

impl Times {
    pub const ZERO: Self = Self { numerator: 0, denominator: 1 };
    pub const ONE: Self = Self { numerator: 1, denominator: 1 };
    const DIGITS_MAX: usize = 3;

    /// So many thousandths.
    pub fn thousandths(thousandths: u32) -> Self {
        let common = greatest_common(i128::from(thousandths), 1_000);
        let part = |it: u32| u32::try_from(i128::from(it).div_euclid(common)).expect("a part is no larger");
        Self { numerator: part(thousandths), denominator: part(1_000) }
    }

    /// Reads a factor such as `1.5`; nothing if it is none from 0 to `limits::TIMES_MAX` with at most three digits after the
    /// point.
    pub fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) || Self::DIGITS_MAX < fraction.len() || 6 < whole.len() {
            return None;
        }
        let thousandths: u32 = format!("{whole}{fraction:0<3}").parse().ok()?;
        if thousandths <= limits::TIMES_MAX * 1_000 { Some(Self::thousandths(thousandths)) } else { None }
    }

    /// Rounded up, for what can never be exceeded.
    pub(crate) fn ceil(self) -> i128 {
        -floor(-i128::from(self.numerator), i128::from(self.denominator))
    }

    /// In thousandths: its denominator divides a thousand, so that nothing is rounded.
    pub fn in_thousandths(self) -> u32 {
        self.numerator * 1_000_u32.div_euclid(self.denominator)
    }

    /// Whether it makes less of something.
    pub fn is_less_than_once(self) -> bool {
        self.numerator < self.denominator
    }
}

/// As it is written: `1.5`.
impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let thousandths = self.in_thousandths();
        let (whole, fraction) = (thousandths.div_euclid(1_000), thousandths.rem_euclid(1_000));
        if fraction == 0 {
            return whole.fmt(f);
        }
        let text = format!("{whole}.{fraction:03}");
        f.write_str(text.trim_end_matches('0'))
    }
}

/// The common denominator on which everything that a program can give is a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scale {
    amounts: i128,
    times: i128,
}

impl Default for Scale {
    fn default() -> Self {
        Self { amounts: 1, times: 1 }
    }
}

impl Scale {
    pub(crate) fn of(per: Money) -> Self {
        Self { amounts: i128::from(per.minor()), times: 1 }
    }

    /// The scale for one more rate; nothing when it would be too large to add up exactly.
    pub(crate) fn with_per(self, per: Money) -> Option<Self> {
        let amounts = least_common(self.amounts, i128::from(per.minor()));
        Self { amounts, ..self }.within()
    }

    pub(crate) fn with_times(self, times: Times) -> Option<Self> {
        let times = least_common(self.times, i128::from(times.denominator));
        Self { times, ..self }.within()
    }

    fn within(self) -> Option<Self> {
        if self.whole() <= limits::SCALE_MAX { Some(self) } else { None }
    }

    fn whole(self) -> i128 {
        self.amounts * self.times
    }
}

/// Points with their fraction, exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    numerator: i128,
    denominator: i128,
}

impl Scaled {
    pub(crate) fn zero(scale: Scale) -> Self {
        Self { numerator: 0, denominator: scale.whole() }
    }

    pub(crate) fn in_proportion(scale: Scale, base: Money, points: Points, per: Money) -> Self {
        let once = i128::from(base.minor()) * i128::from(points.0);
        let share = floor(scale.whole(), i128::from(per.minor()));
        Self { numerator: once * share, denominator: scale.whole() }
    }

    /// Only full amounts of `per` count: rounded down, so that splitting never makes more of them (E2).
    pub(crate) fn of_full(scale: Scale, base: Money, points: Points, per: Money) -> Self {
        let steps = floor(i128::from(base.minor()), i128::from(per.minor()));
        Self { numerator: steps * i128::from(points.0) * scale.whole(), denominator: scale.whole() }
    }

    pub(crate) fn of_steps(scale: Scale, steps: i64, points: Points) -> Self {
        let points = i128::from(steps) * i128::from(points.0);
        Self { numerator: points * scale.whole(), denominator: scale.whole() }
    }

    pub(crate) fn of_units(scale: Scale, units: u32, points: Points) -> Self {
        Self::of_steps(scale, i64::from(units), points)
    }

    /// What comes on top when this is given so many times; exact, since the scale knows the factor.
    pub(crate) fn more(self, times: Times) -> Self {
        let more = i128::from(times.numerator) - i128::from(times.denominator);
        let part = floor(self.numerator, i128::from(times.denominator));
        Self { numerator: part * more, ..self }
    }

    pub(crate) fn multiplied(self, times: Option<Times>) -> Self {
        let Some(times) = times else { return self };
        Self {
            numerator: self.numerator * i128::from(times.numerator),
            denominator: self.denominator * i128::from(times.denominator),
        }
    }

    /// Rounds down, the one time that anything is; and whether a fraction was dropped.
    pub(crate) fn floor(self) -> (Points, bool) {
        let whole = floor(self.numerator, self.denominator);
        (narrow(whole), whole * self.denominator != self.numerator)
    }

    /// The most that an amount can earn, rounded up.
    pub(crate) fn at_most(amount: Money, points: Points, per: Money) -> i128 {
        let exact = i128::from(amount.minor()) * i128::from(points.0);
        -floor(-exact, i128::from(per.minor()))
    }
}

impl AddAssign for Scaled {
    fn add_assign(&mut self, other: Self) {
        assert_eq!(self.denominator, other.denominator, "only points of one scale are added up");
        self.numerator += other.numerator;
    }
}

/// Nothing is rounded: both are divided by what divides them.
fn greatest_common(a: i128, b: i128) -> i128 {
    let (mut a, mut b) = (a, b);
    while b != 0 {
        (a, b) = (b, a.rem_euclid(b));
    }
    a
}

/// Nothing is rounded: the product is divided by what divides it.
fn least_common(a: i128, b: i128) -> i128 {
    a.div_euclid(greatest_common(a, b)) * b
}

fn floor(numerator: i128, denominator: i128) -> i128 {
    assert!(0 < denominator, "rates have a positive denominator, the program document is checked");
    // Nearly all fit into a register, which is several times faster.
    match (i64::try_from(numerator), i64::try_from(denominator)) {
        (Ok(numerator), Ok(denominator)) => numerator.div_euclid(denominator).into(),
        (_, _) => numerator.div_euclid(denominator),
    }
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
