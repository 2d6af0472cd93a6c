//! Tiers: where a member stands, and why.

use engine::{Account, TierBy, TierHold, TierName, TierOutcome, TierReview, TierState, TierWithin, Timestamp};

use super::{Packer, Read, Unpacker, Unreadable};

const ZERO: Timestamp = Timestamp::from_micros(0);

pub(super) fn write_state(it: &mut Packer, state: &TierState) {
    write_name(it, &state.tier);
    it.time(state.since, ZERO);
    it.time(state.review_at, ZERO);
    it.byte(hold_number(state.hold));
}

pub(super) fn read_state(it: &mut Unpacker<'_>) -> Read<TierState> {
    let (tier, since, review_at) = (read_name(it)?, it.time(ZERO)?, it.time(ZERO)?);
    let code = it.byte()?;
    let hold = TierHold::ALL.into_iter().find(|it| hold_number(*it) == code).ok_or(Unreadable)?;
    Ok(TierState { tier, since, review_at, hold })
}

/// The tier of an account and those before it.
pub(super) fn write_tiers(it: &mut Packer, account: &Account) {
    it.option(account.tier.as_ref(), |it, state| {
        write_state(it, state);
        it.list(&account.tiers_before, |it, (tier, since)| {
            write_name(it, tier);
            it.option(Some(*since).filter(|it| *it != Timestamp::START), |it, since| it.time(since, ZERO));
        });
    });
}

pub(super) fn read_tiers(it: &mut Unpacker<'_>, account: &mut Account) -> Read<()> {
    if it.flag()? {
        account.tier = Some(read_state(it)?);
        let before = it.list(|it| {
            let name = read_name(it)?;
            Ok((name, it.option(|it| it.time(ZERO))?.unwrap_or(Timestamp::START)))
        })?;
        account.tiers_before = before.into();
    }
    Ok(())
}

pub(super) fn write_review(it: &mut Packer, review: &TierReview) {
    it.byte(outcome_number(review.outcome));
    write_name(it, &review.before);
    it.byte(by_number(review.by) << 4 | within_number(review.within));
    it.signed(review.figure);
    it.signed(review.from);
}

pub(super) fn read_review(it: &mut Unpacker<'_>) -> Read<TierReview> {
    let code = it.byte()?;
    let outcome = TierOutcome::ALL.into_iter().find(|it| outcome_number(*it) == code).ok_or(Unreadable)?;
    let before = read_name(it)?;
    let codes = it.byte()?;
    let by = TierBy::ALL.into_iter().find(|it| by_number(*it) == codes >> 4).ok_or(Unreadable)?;
    let within = TierWithin::ALL.into_iter().find(|it| within_number(*it) == codes & 15).ok_or(Unreadable)?;
    Ok(TierReview { outcome, before, by, within, figure: it.signed()?, from: it.signed()? })
}

pub(super) fn write_name(it: &mut Packer, name: &TierName) {
    it.option(name.as_deref(), Packer::text);
}

pub(super) fn read_name(it: &mut Unpacker<'_>) -> Read<TierName> {
    it.option(|it| it.text().map(Into::into))
}

fn hold_number(hold: TierHold) -> u8 {
    match hold {
        TierHold::Reached => 1,
        TierHold::Grace => 2,
        TierHold::Set => 3,
    }
}

fn outcome_number(outcome: TierOutcome) -> u8 {
    match outcome {
        TierOutcome::Reached => 1,
        TierOutcome::Kept => 2,
        TierOutcome::Grace => 3,
        TierOutcome::Lost => 4,
        TierOutcome::SetEnded => 5,
    }
}

fn by_number(by: TierBy) -> u8 {
    match by {
        TierBy::Points => 1,
        TierBy::Spend => 2,
        TierBy::Orders => 3,
    }
}

fn within_number(within: TierWithin) -> u8 {
    match within {
        TierWithin::Lifetime => 1,
        TierWithin::Year => 2,
        TierWithin::TwelveMonths => 3,
    }
}
