//! What an order earned, and how that came about.

use std::sync::Arc;

use engine::{Cause, EarnMode, EarnRate, Earned, Milestone, Money, OrderNo};

use super::figures::{read_cut, write_cut};
use super::worked::{pack_worked, unpack_worked};
use super::{Packer, Read, Unpacker, Unreadable};

pub(super) fn pack_earned(it: &mut Packer, earned: &Earned) {
    let mode = match earned.rate.mode {
        EarnMode::Proportional => 0,
        EarnMode::Steps => 1,
        EarnMode::StepsCarried => 2,
    };
    let more =
        u8::from(earned.cut.is_some()) | u8::from(earned.worked.is_some()) << 1 | u8::from(earned.tier.is_some()) << 2;
    it.byte(
        u8::from(more != 0) << 7 | cause_number(earned.cause) << 3 | u8::from(!earned.carried.is_zero()) << 2 | mode,
    );
    if let Cause::StepOf(order) = earned.cause {
        it.unsigned(order.0);
    }
    if !earned.carried.is_zero() {
        it.money(earned.carried);
    }
    it.unsigned(u64::from(earned.version));
    it.money(earned.base);
    it.points(earned.rate.points);
    it.money(earned.rate.per);
    it.points(earned.before);
    it.points(earned.called_for);
    if more != 0 {
        it.byte(more);
    }
    if let Some(cut) = &earned.cut {
        write_cut(it, cut);
    }
    if let Some(worked) = &earned.worked {
        pack_worked(it, worked);
    }
    if let Some(tier) = &earned.tier {
        it.text(tier);
    }
}

pub(super) fn unpack_earned(it: &mut Unpacker<'_>) -> Read<Earned> {
    let code = it.byte()?;
    let mode = match code & 3 {
        0 => EarnMode::Proportional,
        1 => EarnMode::Steps,
        2 => EarnMode::StepsCarried,
        _ => return Err(Unreadable),
    };
    let cause = match code >> 3 & 15 {
        1 => Cause::Rate,
        2 => Cause::Waits(Milestone::Placed),
        3 => Cause::Waits(Milestone::Paid),
        4 => Cause::Waits(Milestone::Fulfilled),
        5 => Cause::Cancelled,
        6 => Cause::ProgramOff,
        10 => Cause::Returned,
        7 => Cause::StepOf(OrderNo(it.unsigned()?)),
        8 => Cause::OrderType,
        9 => Cause::CustomerType,
        13 => Cause::Closed,
        11 => Cause::Guest,
        12 => Cause::ClaimEnded,
        _ => return Err(Unreadable),
    };
    let carried = if code & 4 == 0 { Money::ZERO } else { it.money()? };
    let version = it.small()?;
    let base = it.money()?;
    let rate = EarnRate { points: it.points()?, per: it.money()?, mode };
    let (before, called_for) = (it.points()?, it.points()?);
    let more = if code >> 7 == 1 { it.byte()? } else { 0 };
    if 7 < more || (code >> 7 == 1 && more == 0) {
        return Err(Unreadable);
    }
    let cut = if more & 1 == 1 { Some(read_cut(it)?) } else { None };
    let worked = if more & 2 == 2 { Some(Arc::new(unpack_worked(it)?)) } else { None };
    let tier = if more & 4 == 4 { Some(Arc::from(it.text()?)) } else { None };
    Ok(Earned { cause, version, base, rate, tier, carried, before, called_for, cut, worked })
}

fn cause_number(cause: Cause) -> u8 {
    match cause {
        Cause::Rate => 1,
        Cause::Waits(Milestone::Placed) => 2,
        Cause::Waits(Milestone::Paid) => 3,
        Cause::Waits(Milestone::Fulfilled) => 4,
        Cause::Cancelled => 5,
        Cause::ProgramOff => 6,
        Cause::Returned => 10,
        Cause::StepOf(_) => 7,
        Cause::OrderType => 8,
        Cause::CustomerType => 9,
        Cause::Closed => 13,
        Cause::Guest => 11,
        Cause::ClaimEnded => 12,
    }
}
