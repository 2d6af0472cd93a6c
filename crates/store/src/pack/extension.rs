//! How far activity has extended the lots of an account, and why.

use engine::{EntryNo, Extend, ExtendOn, Extended, Extension, ExtensionStep, LotNo, Timestamp};

use super::{Packer, Read, Unpacker, Unreadable};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

/// Nothing when nothing was ever extended.
pub(crate) fn pack_extension(extension: Option<&Extension>) -> Option<Vec<u8>> {
    let extension = extension?;
    let mut it = Packer::new(VERSION);
    it.time(extension.until, ZERO);
    it.time(extension.soonest_since, ZERO);
    it.list(&extension.steps, |it, step| {
        it.unsigned(step.entry.0);
        it.unsigned(step.before.0);
        it.time(step.since, ZERO);
    });
    Some(it.done())
}

pub(crate) fn unpack_extension(bytes: Option<&[u8]>) -> Read<Option<Extension>> {
    let Some(bytes) = bytes else { return Ok(None) };
    let mut it = Unpacker::new(bytes, VERSION)?;
    let (until, soonest_since) = (it.time(ZERO)?, it.time(ZERO)?);
    let steps = it.list(|it| {
        let (entry, before) = (EntryNo(it.unsigned()?), LotNo(it.unsigned()?));
        Ok(ExtensionStep { entry, before, since: it.time(ZERO)? })
    })?;
    it.done()?;
    Ok(Some(Extension { until, steps, soonest_since }))
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
