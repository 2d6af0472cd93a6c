//! How far activity has extended the lots of an account, and why; and how often its member did what earns.

use engine::{
    Account, Act, Acted, Award, Date, EntryNo, Extend, ExtendOn, Extended, Extension, ExtensionStep, LotNo, Timestamp,
};

use super::merged::{has_merges, read_merges, write_merges};
use super::{Packer, Read, Unpacker, Unreadable};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

/// What activities have done to an account; nothing when there were none.
pub(crate) fn pack_activities(account: &Account) -> Option<Vec<u8>> {
    if account.extension.is_none() && account.acts.is_empty() && !has_merges(account) {
        return None;
    }
    let mut it = Packer::new(VERSION);
    it.option(account.extension.as_ref(), |it, extension| {
        it.time(extension.until, ZERO);
        it.time(extension.soonest_since, ZERO);
        it.list(&extension.steps, |it, step| {
            it.unsigned(step.entry.0);
            it.unsigned(step.before.0);
            it.time(step.since, ZERO);
        });
    });
    it.list(&account.acts, write_acted);
    if has_merges(account) {
        write_merges(&mut it, account);
    }
    Some(it.done())
}

pub(crate) fn unpack_activities(bytes: Option<&[u8]>, account: &mut Account) -> Read<()> {
    let Some(bytes) = bytes else { return Ok(()) };
    let mut it = Unpacker::new(bytes, VERSION)?;
    account.extension = it.option(|it| {
        let (until, soonest_since) = (it.time(ZERO)?, it.time(ZERO)?);
        let steps = it.list(|it| {
            let (entry, before) = (EntryNo(it.unsigned()?), LotNo(it.unsigned()?));
            Ok(ExtensionStep { entry, before, since: it.time(ZERO)? })
        })?;
        Ok(Extension { until, steps, soonest_since })
    })?;
    account.acts = it.list(read_acted)?;
    if !it.is_empty() {
        read_merges(&mut it, account)?;
    }
    it.done()
}

pub(super) fn write_acted(it: &mut Packer, acted: &Acted) {
    write_act(it, &acted.act);
    it.text(&acted.day.to_string());
    for times in [acted.of_day, acted.of_month, acted.of_life] {
        it.unsigned(u64::from(times));
    }
}

pub(super) fn read_acted(it: &mut Unpacker<'_>) -> Read<Acted> {
    let act = read_act(it)?;
    let day = Date::parse(&it.text()?).map_err(|_| Unreadable)?;
    Ok(Acted { act, day, of_day: it.small()?, of_month: it.small()?, of_life: it.small()? })
}

fn write_act(it: &mut Packer, act: &Act) {
    match act {
        Act::SignUp => it.byte(1),
        Act::Birthday => it.byte(2),
        Act::Custom(name) => {
            it.byte(3);
            it.text(name);
        }
        Act::Reward(name) => {
            it.byte(4);
            it.text(name);
        }
    }
}

fn read_act(it: &mut Unpacker<'_>) -> Read<Act> {
    match it.byte()? {
        1 => Ok(Act::SignUp),
        2 => Ok(Act::Birthday),
        3 => it.text().map(Act::Custom),
        4 => it.text().map(Act::Reward),
        _ => Err(Unreadable),
    }
}

pub(super) fn write_award(it: &mut Packer, award: &Award) {
    write_act(it, &award.act);
    it.unsigned(u64::from(award.version));
    it.points(award.points);
}

pub(super) fn read_award(it: &mut Unpacker<'_>) -> Read<Award> {
    Ok(Award { act: read_act(it)?, version: it.small()?, points: it.points()? })
}

pub(super) fn write_extended(it: &mut Packer, extended: &Extended) {
    it.byte(match extended.rule.on {
        ExtendOn::Order => 1,
        ExtendOn::Earning => 2,
        ExtendOn::Activity => 3,
    });
    it.unsigned(u64::from(extended.rule.months));
    it.time(extended.at, ZERO);
}

pub(super) fn read_extended(it: &mut Unpacker<'_>) -> Read<Extended> {
    let on = match it.byte()? {
        1 => ExtendOn::Order,
        2 => ExtendOn::Earning,
        3 => ExtendOn::Activity,
        _ => return Err(Unreadable),
    };
    let months = u16::try_from(it.unsigned()?).map_err(|_| Unreadable)?;
    Ok(Extended { rule: Extend { on, months }, at: it.time(ZERO)? })
}
