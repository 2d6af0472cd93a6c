//! Money in minor units (cents, yen, fils), and every formula that divides to make it.

use std::fmt;

use crate::limits;
use crate::points::Points;
use crate::program::{RedeemRate, Share};
use crate::sums::whole_sums;

/// An amount in the minor units of the program's currency: 30.98 EUR is 3098, 30 JPY is 30.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

whole_sums!(Money);

impl Money {
    pub const ZERO: Self = Self(0);

    pub const fn new(minor: i64) -> Self {
        Self(minor)
    }

    pub const fn minor(self) -> i64 {
        self.0
    }

    /// Reads a decimal amount such as "30.98" with at most `exponent` digits after the point.
    ///
    /// # Errors
    /// Says what is allowed when the text is no such amount or exceeds `limits::MONEY_MAX`.
    pub fn parse(text: &str, exponent: u8) -> Result<Self, MoneyFault> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let wanted = usize::from(exponent);
        let is_number = |it: &str| !it.is_empty() && it.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(whole) || !is_number(fraction) {
            return Err(MoneyFault::NotDecimal);
        }
        if wanted < fraction.len() && fraction != "0" {
            return Err(MoneyFault::TooPrecise);
        }
        if 15 < whole.len() {
            return Err(MoneyFault::TooLarge);
        }
        let kept = if wanted < fraction.len() { "" } else { fraction };
        let minor: i64 = format!("{whole}{kept:0<wanted$}").parse().map_err(|_| MoneyFault::TooLarge)?;
        if limits::MONEY_MAX.minor() < minor {
            return Err(MoneyFault::TooLarge);
        }
        Ok(Self(if negative { -minor } else { minor }))
    }

    /// Writes the amount as a decimal with exactly `exponent` digits after the point.
    pub fn to_text(self, exponent: u8) -> String {
        let wanted = usize::from(exponent);
        let sign = if self.0 < 0 { "-" } else { "" };
        let digits = format!("{:0>1$}", self.0.unsigned_abs(), wanted + 1);
        let (whole, fraction) = digits.split_at(digits.len() - wanted);
        if wanted == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
    }
}

/// Why a text is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MoneyFault {
    NotDecimal,
    TooPrecise,
    TooLarge,
}

impl fmt::Display for MoneyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotDecimal => "is not a decimal amount such as 30.98",
            Self::TooPrecise => "has more digits after the point than the currency",
            Self::TooLarge => "is larger than 100,000,000,000.00",
        })
    }
}

impl std::error::Error for MoneyFault {}

/// How many steps of `per` a remainder gains (or, below zero, lacks) when it changes, and the remainder after; rounded
/// down, so that the remainder is never below zero (E2).
pub(crate) fn carry_over(remainder: Money, change: Money, per: Money) -> (i64, Money) {
    let total = remainder + change;
    (total.0.div_euclid(per.0), Money(total.0.rem_euclid(per.0)))
}

/// How many steps of `per` an amount has begun; rounded up, since no order may keep more steps than that (E2).
pub(crate) fn steps_begun(amount: Money, per: Money) -> i64 {
    -(-amount.0).div_euclid(per.0)
}

/// What `points` are worth. Rounds down to the minor unit, so that points never pay more than they are worth (R1).
pub fn value_of(points: Points, rate: RedeemRate) -> Money {
    let exact = i128::from(points.get()) * i128::from(rate.value.minor());
    narrow(exact.div_euclid(i128::from(rate.points.get())))
}

/// `amount` × `part` ÷ `whole`, rounded down: what is kept of a line never exceeds what was paid for it (O1).
pub(crate) fn share_down(amount: Money, part: i64, whole: i64) -> Money {
    assert!(0 < whole, "a share is taken of something");
    narrow((i128::from(amount.0) * i128::from(part)).div_euclid(i128::from(whole)))
}

/// A share of `amount` in hundredths of a per cent, rounded down: a limit is never exceeded (R4).
pub(crate) fn share_of_down(amount: Money, share: Share) -> Money {
    share_down(amount, i64::from(share.0), 10_000)
}

/// `amount` × `part` ÷ `whole`, rounded up: what a gift card paid of a line never earns a second time (E7).
pub(crate) fn share_up(amount: Money, part: i64, whole: i64) -> Money {
    assert!(0 < whole, "a share is taken of something");
    narrow(-(-i128::from(amount.0) * i128::from(part)).div_euclid(i128::from(whole)))
}

/// How many of a number of pieces `part` of `whole` begins: rounded up, a piece that is paid for in part counts (E5).
pub(crate) fn pieces_begun(pieces: u32, part: Money, whole: Money) -> u32 {
    if !whole.is_positive() || !part.is_positive() {
        return 0;
    }
    let begun = -(-i128::from(pieces) * i128::from(part.0)).div_euclid(i128::from(whole.0));
    u32::try_from(begun).expect("a part has no more pieces than the whole").min(pieces)
}

/// Spreads `total` over `weights` in proportion, by largest remainder (ties: the earlier one), so that the shares add up
/// to the cent (E8). No shares when there is nothing to spread, or nothing to spread it over.
pub(crate) fn allot(total: Money, weights: impl ExactSizeIterator<Item = Money> + Clone) -> Vec<Money> {
    let whole: Money = weights.clone().sum();
    if whole.is_zero() || total.is_zero() {
        return Vec::new();
    }
    let whole = i128::from(whole.0);
    let mut shares = Vec::with_capacity(weights.len());
    let mut remainders = Vec::with_capacity(weights.len());
    let mut left = total;
    for (index, weight) in weights.enumerate() {
        let exact = i128::from(total.0) * i128::from(weight.0);
        let share = narrow(exact.div_euclid(whole));
        left -= share;
        shares.push(share);
        remainders.push((-exact.rem_euclid(whole), index));
    }
    remainders.sort_unstable();
    for (_, index) in remainders {
        if left.is_zero() {
            break;
        }
        shares[index] += Money(1);
        left -= Money(1);
    }
    shares
}

fn narrow(minor: i128) -> Money {
    Money(i64::try_from(minor).expect("a share or a value stays within the limits on amounts"))
}
