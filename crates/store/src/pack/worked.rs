//! How an award was worked out beyond a program's own rate. Only programs that have more write it.

use std::sync::Arc;

use engine::{BudgetUse, Budgeted, By, Gives, Part, Pay, Promoted, Rounding, Times, Worked};

use super::{Packer, Read, Unpacker, Unreadable};

pub(super) fn pack_worked(it: &mut Packer, worked: &Worked) {
    it.byte(u8::from(worked.rounded) | u8::from(worked.rounding == Rounding::Line) << 1);
    it.points(worked.points);
    it.money(worked.excluded);
    it.money(worked.gift_cards);
    it.option(worked.times, pack_times);
    it.option(worked.tier_times, pack_times);
    it.list(&worked.parts, pack_part);
    it.list(&worked.promotions, |it, promoted| {
        it.text(&promoted.name);
        match promoted.gives {
            Gives::Times(times) => {
                it.byte(1);
                pack_times(it, times);
            }
            Gives::Points(points) => {
                it.byte(2);
                it.points(points);
            }
        }
        it.money(promoted.base);
        it.option(promoted.budget, |it, budget| {
            for points in [budget.most, budget.called_for, budget.given] {
                it.points(points);
            }
        });
    });
}

pub(super) fn unpack_worked(it: &mut Unpacker<'_>) -> Read<Worked> {
    let bits = it.byte()?;
    if 3 < bits {
        return Err(Unreadable);
    }
    Ok(Worked {
        rounded: bits & 1 == 1,
        rounding: if bits & 2 == 0 { Rounding::Order } else { Rounding::Line },
        points: it.points()?,
        excluded: it.money()?,
        gift_cards: it.money()?,
        times: it.option(unpack_times)?,
        tier_times: it.option(unpack_times)?,
        parts: it.list(unpack_part)?,
        promotions: it.list(|it| {
            let name = Arc::from(it.text()?);
            let gives = match it.byte()? {
                1 => Gives::Times(unpack_times(it)?),
                2 => Gives::Points(it.points()?),
                _ => return Err(Unreadable),
            };
            let base = it.money()?;
            let budget =
                it.option(|it| Ok(Budgeted { most: it.points()?, called_for: it.points()?, given: it.points()? }))?;
            Ok(Promoted { name, gives, base, budget })
        })?,
    })
}

fn pack_part(it: &mut Packer, part: &Part) {
    let (code, name) = match &part.by {
        By::Program => (1, None),
        By::Product(name) => (2, Some(name)),
        By::Category(name) => (3, Some(name)),
        By::CustomerType => (4, None),
        By::Tier => (5, None),
    };
    it.byte(code);
    if let Some(name) = name {
        it.text(name);
    }
    match part.pay {
        Pay::Per { points, per } => {
            it.byte(1);
            it.points(points);
            it.money(per);
        }
        Pay::Each(points) => {
            it.byte(2);
            it.points(points);
        }
    }
    it.money(part.base);
    it.unsigned(u64::from(part.units));
}

fn unpack_part(it: &mut Unpacker<'_>) -> Read<Part> {
    let by = match it.byte()? {
        1 => By::Program,
        2 => By::Product(Arc::from(it.text()?)),
        3 => By::Category(Arc::from(it.text()?)),
        4 => By::CustomerType,
        5 => By::Tier,
        _ => return Err(Unreadable),
    };
    let pay = match it.byte()? {
        1 => Pay::Per { points: it.points()?, per: it.money()? },
        2 => Pay::Each(it.points()?),
        _ => return Err(Unreadable),
    };
    Ok(Part { by, pay, base: it.money()?, units: it.small()? })
}

fn pack_times(it: &mut Packer, times: Times) {
    it.unsigned(u64::from(times.in_thousandths()));
}

fn unpack_times(it: &mut Unpacker<'_>) -> Read<Times> {
    it.small().map(Times::thousandths)
}

pub(super) fn write_budget_use(it: &mut Packer, used: &BudgetUse) {
    it.text(&used.promotion);
    it.points(used.points);
    it.option(used.allotted, Packer::points);
}

pub(super) fn read_budget_use(it: &mut Unpacker<'_>) -> Read<BudgetUse> {
    let promotion = Arc::from(it.text()?);
    Ok(BudgetUse { promotion, points: it.points()?, allotted: it.option(Unpacker::points)? })
}
