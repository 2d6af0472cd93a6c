//! The part of a program document that says how points pay becomes engine terms, checked against the limits.

use engine::{Currency, Money, Points, RedeemRate, RedeemTerms, Share, WithDiscounts, limits};

use super::allowed::allowed;
use super::document::{Amount, Discounted, RedeemDocument};
use super::terms::{amount, refuse_too_many_points, within};
use crate::fault::Fault;

/// The most minor units for a point, so that no balance's value leaves 63 bits.
const MINOR_PER_POINT_MAX: i64 = 1_000_000;

/// The terms of redeeming.
///
/// # Errors
/// The first value that is outside its limits, or contradicts another.
pub(super) fn redeem(redeem: &RedeemDocument, currency: Currency) -> Result<RedeemTerms, Fault> {
    let rate = rate_of("redeem", redeem.points, &redeem.value, currency)?;
    let value_min = amount("redeem.min_value", &redeem.min_value, 0, currency)?;
    let points_min = within("redeem.min_points", redeem.min_points, 0, limits::POINTS_MAX.get())?;
    let hold_minutes = within("redeem.hold_minutes", redeem.hold_minutes, 1, i64::from(limits::HOLD_MINUTES_MAX))?;
    let step = within("redeem.step", redeem.step, 1, limits::POINTS_MAX.get())?;
    let points_max = redeem.max_points.map(|it| within("redeem.max_points", it, 1, limits::POINTS_MAX.get()));
    let value_max = redeem.max_value.as_ref().map(|it| amount("redeem.max_value", it, 1, currency));
    let balance_min = within("redeem.min_balance", redeem.min_balance, 0, limits::POINTS_MAX.get())?;
    let terms = RedeemTerms {
        rate,
        value_min,
        points_min: Points::new(points_min),
        hold_minutes: u32::try_from(hold_minutes).expect("it is within its limits"),
        step: Points::new(step),
        points_max: points_max.transpose()?.map(Points::new),
        value_max: value_max.transpose()?,
        // All of it is no limit.
        share_max: Some(share("redeem.max_share", &redeem.max_share)?).filter(|it| it.0 < 10_000),
        balance_min: Points::new(balance_min),
        pays_shipping: redeem.pays_shipping,
        pays_tax: redeem.pays_tax,
        with_discounts: match redeem.with_discounts {
            Discounted::After => WithDiscounts::After,
            Discounted::Instead => WithDiscounts::Instead,
        },
    };
    refuse_nothing(redeem, &terms)?;
    Ok(terms)
}

/// What points are worth, as checked at `path`.
pub(super) fn rate_of(path: &str, points: i64, value: &Amount, currency: Currency) -> Result<RedeemRate, Fault> {
    let points = within(&format!("{path}.points"), points, 1, limits::RATE_POINTS_MAX.get())?;
    let worth = amount(&format!("{path}.value"), value, 1, currency)?;
    refuse_too_many_points(&format!("{path}.points"), points, worth, currency)?;
    if points * MINOR_PER_POINT_MAX < worth.minor() {
        let most = Money::new(points * MINOR_PER_POINT_MAX).to_text(currency.exponent);
        let what = format!("\"{}\" is too much for {points} points", value.0);
        return Err(Fault::new(&format!("{path}.value"), what, format!("at most \"{most}\"")));
    }
    Ok(RedeemRate { points: Points::new(points), value: worth })
}

/// A share such as "50%" or "12.5%".
pub(super) fn share(path: &str, text: &str) -> Result<Share, Fault> {
    let fault = || Fault::new(path, format!("\"{text}\" is no such share"), allowed(path));
    let number = text.strip_suffix('%').ok_or_else(fault)?;
    let hundredths = Money::parse(number, 2).map_err(|_| fault())?.minor();
    match u16::try_from(hundredths) {
        Ok(it @ 1..=10_000) => Ok(Share(it)),
        Ok(_) | Err(_) => Err(fault()),
    }
}

/// Refuses a most that lies below the least: nothing could ever be redeemed.
fn refuse_nothing(redeem: &RedeemDocument, terms: &RedeemTerms) -> Result<(), Fault> {
    let least = terms.points_least().max(terms.step);
    let Some(most) = terms.points_most().filter(|it| *it < least) else { return Ok(()) };
    let path =
        if redeem.max_points.is_some_and(|it| it < least.get()) { "redeem.max_points" } else { "redeem.max_value" };
    let what = format!("at most {most} points could be redeemed at once, and at least {least}");
    Err(Fault::new(path, what, format!("as much as {least} points or more")))
}
