//! What is recorded of an order beside its document, and the points that a hold keeps.

use engine::{
    Accepted, Conversion, LotRef, Money, Order, Pinned, Points, Posted, Returned, Source, Taken, TakenBack, Timestamp,
};

use super::certificate::{read_accepted, read_parts, write_accepted, write_parts};
use super::document::{read_return, read_version, write_return, write_version};
use super::entry::{
    pack_lot, read_convert_rate, read_credit, read_displaced, unpack_lot, write_convert_rate, write_credit,
    write_displaced,
};
use super::figures::{read_allotted, read_date, write_allotted, write_date};
use super::worked::{read_budget_use, write_budget_use};
use super::{Packer, Read, Unpacker, Unreadable};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

/// An order without its number and document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) pinned: Pinned,
    pub(crate) asked: Points,
    pub(crate) accepted: Points,
    pub(crate) credit_asked: Money,
    pub(crate) credit_accepted: Money,
    pub(crate) certificates: Vec<Accepted>,
    pub(crate) posted: Posted,
    pub(crate) returned: Vec<Returned>,
}

/// `base` is a time that the order's lot is likely to share: that of its placing.
pub(crate) fn pack_state(order: &Order, base: Timestamp) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    let posted = &order.posted;
    let has_steps = !posted.counted.is_zero() || posted.steps != 0 || !posted.displaced.is_empty();
    let Pinned { version, on, closed, day, customer_type, channel, is_first, tier } = order.pinned;
    let has_places = customer_type.is_some() || channel.is_some();
    let bits = u8::from(on)
        | u8::from(!order.accepted.is_zero() || !order.asked.is_zero()) << 1
        | u8::from(posted.lot.is_some()) << 2
        | u8::from(!posted.taken_back.is_empty()) << 3
        | u8::from(!posted.redeemed.is_empty()) << 4
        | u8::from(has_steps) << 5
        | u8::from(day.is_some()) << 6
        | u8::from(has_places) << 7;
    // What few orders have costs those a byte that have it, or that sell in places that a program tells apart.
    let has_certificates = !order.certificates.is_empty() || !posted.certificates.is_empty();
    it.unsigned(
        u64::from(bits)
            | u64::from(!order.returned.is_empty()) << 8
            | u64::from(is_first) << 9
            | u64::from(!posted.budgets.is_empty()) << 10
            | u64::from(has_certificates) << 11
            | u64::from(closed) << 12,
    );
    let has_credit = !order.credit_accepted.is_zero() || !order.credit_asked.is_zero() || !posted.credit.is_empty();
    it.unsigned(u64::from(version) << 1 | u64::from(has_credit));
    if has_places {
        for place in [customer_type, channel] {
            it.unsigned(place.map_or(0, |it| u64::from(it) + 1));
        }
    }
    if !order.accepted.is_zero() || !order.asked.is_zero() {
        it.points(order.asked);
        it.points(order.accepted);
    }
    write_points(&mut it, posted, base);
    if has_steps {
        it.money(posted.counted);
        it.signed(posted.steps);
        it.list(&posted.displaced, write_displaced);
    }
    if let Some(day) = day {
        write_date(&mut it, day);
        it.money(posted.spent);
        it.option(posted.allotted, |it, allotted| write_allotted(it, &allotted));
        it.byte(tier);
    }
    if has_credit {
        it.money(order.credit_asked);
        it.money(order.credit_accepted);
        it.list(&posted.credit, |it, part| write_credit(it, part, base));
    }
    if !order.returned.is_empty() {
        it.list(&order.returned, |it, returned| write_returned(it, returned, base));
    }
    if !posted.budgets.is_empty() {
        it.list(&posted.budgets, write_budget_use);
    }
    if has_certificates {
        write_accepted(&mut it, &order.certificates);
        write_parts(&mut it, &posted.certificates, base);
    }
    it.done()
}

/// What it has earned and what pays for it in points, as far as a bit says so.
fn write_points(it: &mut Packer, posted: &Posted, base: Timestamp) {
    it.points(posted.earned);
    if let Some(lot) = posted.lot {
        pack_lot(it, lot, base);
    }
    if !posted.taken_back.is_empty() {
        it.list(&posted.taken_back, |it, part| write_taken_back(it, part, base));
    }
    if !posted.redeemed.is_empty() {
        it.list(&posted.redeemed, |it, taken| write_taken(it, taken, base));
    }
}

pub(crate) fn unpack_state(bytes: &[u8], base: Timestamp) -> Read<State> {
    let mut it = Unpacker::new(bytes, VERSION)?;
    let bits = it.unsigned()?;
    if 8_191 < bits {
        return Err(Unreadable);
    }
    let has = |index: u8| bits >> index & 1 == 1;
    let packed = it.unsigned()?;
    let version = u32::try_from(packed >> 1).map_err(|_| Unreadable)?;
    let has_credit = packed & 1 == 1;
    let [customer_type, channel] = if has(7) { [read_place(&mut it)?, read_place(&mut it)?] } else { [None, None] };
    let (asked, accepted) = if has(1) { (it.points()?, it.points()?) } else { (Points::ZERO, Points::ZERO) };
    let earned = it.points()?;
    let lot: Option<LotRef> = if has(2) { Some(unpack_lot(&mut it, base)?) } else { None };
    let taken_back = if has(3) { it.list(|it| read_taken_back(it, base))? } else { Vec::new() };
    let redeemed = if has(4) { it.list(|it| read_taken(it, base))? } else { Vec::new() };
    let (counted, steps) = if has(5) { (it.money()?, it.signed()?) } else { (Money::ZERO, 0) };
    let displaced = if has(5) { it.list(read_displaced)? } else { Vec::new() };
    let day = if has(6) { Some(read_date(&mut it)?) } else { None };
    let (spent, allotted) = if has(6) { (it.money()?, it.option(read_allotted)?) } else { (Money::ZERO, None) };
    let tier = if has(6) { it.byte()? } else { 0 };
    let (credit_asked, credit_accepted) =
        if has_credit { (it.money()?, it.money()?) } else { (Money::ZERO, Money::ZERO) };
    let credit = if has_credit { it.list(|it| read_credit(it, base))? } else { Vec::new() };
    let returned = if has(8) { it.list(|it| read_returned(it, base))? } else { Vec::new() };
    let budgets = if has(10) { it.list(read_budget_use)? } else { Vec::new() };
    let certificates = if has(11) { read_accepted(&mut it)? } else { Vec::new() };
    let used = if has(11) { read_parts(&mut it, base)? } else { Vec::new() };
    it.done()?;
    let pinned = Pinned { version, on: has(0), closed: has(12), day, tier, customer_type, channel, is_first: has(9) };
    let posted = Posted {
        lot,
        earned,
        taken_back,
        redeemed,
        counted,
        steps,
        displaced,
        spent,
        allotted,
        budgets,
        credit,
        certificates: used,
    };
    Ok(State { pinned, asked, accepted, credit_asked, credit_accepted, certificates, posted, returned })
}

pub(super) fn write_returned(it: &mut Packer, returned: &Returned, base: Timestamp) {
    it.unsigned(u64::from(returned.channel));
    it.text(&returned.reference);
    write_version(it, returned.version, base);
    it.time(returned.returned_at, base);
    it.list(&returned.lines, write_return);
    it.money(returned.refunded);
}

fn read_returned(it: &mut Unpacker<'_>, base: Timestamp) -> Read<Returned> {
    Ok(Returned {
        channel: it.small()?,
        reference: it.text()?,
        version: read_version(it, base)?,
        returned_at: it.time(base)?,
        lines: it.list(read_return)?,
        refunded: it.money()?,
    })
}

/// A place in a list of the program's version, or none.
fn read_place(it: &mut Unpacker<'_>) -> Read<Option<u16>> {
    match it.unsigned()? {
        0 => Ok(None),
        place => u16::try_from(place - 1).map(Some).map_err(|_| Unreadable),
    }
}

/// The points of a hold, in the order in which they were taken.
pub(crate) fn pack_taken(taken: &[Taken], base: Timestamp) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    it.list(taken, |it, taken| write_taken(it, taken, base));
    it.done()
}

pub(crate) fn unpack_taken(bytes: &[u8], base: Timestamp) -> Read<Vec<Taken>> {
    let mut it = Unpacker::new(bytes, VERSION)?;
    let taken = it.list(|it| read_taken(it, base))?;
    it.done()?;
    Ok(taken)
}

/// Points that became store credit or a certificate.
pub(crate) fn pack_conversion(conversion: &Conversion) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    pack_lot(&mut it, conversion.lot, ZERO);
    write_convert_rate(&mut it, conversion.rate);
    it.list(&conversion.taken, |it, taken| write_taken(it, taken, conversion.lot.earned_at));
    it.done()
}

pub(crate) fn unpack_conversion(bytes: &[u8]) -> Read<Conversion> {
    let mut it = Unpacker::new(bytes, VERSION)?;
    let lot = unpack_lot(&mut it, ZERO)?;
    let rate = read_convert_rate(&mut it)?;
    let taken = it.list(|it| read_taken(it, lot.earned_at))?;
    it.done()?;
    Ok(Conversion { lot, rate, taken })
}

pub(super) fn write_taken(it: &mut Packer, taken: &Taken, base: Timestamp) {
    pack_lot(it, taken.lot, base);
    it.points(taken.points);
}

pub(super) fn read_taken(it: &mut Unpacker<'_>, base: Timestamp) -> Read<Taken> {
    Ok(Taken { lot: unpack_lot(it, base)?, points: it.points()? })
}

pub(super) fn write_taken_back(it: &mut Packer, part: &TakenBack, base: Timestamp) {
    match part.source {
        Source::Lot(lot) => {
            it.byte(1);
            pack_lot(it, lot, base);
        }
        Source::Expired => it.byte(2),
        Source::Owed => it.byte(3),
        Source::LetGo => it.byte(4),
    }
    it.points(part.points);
}

pub(super) fn read_taken_back(it: &mut Unpacker<'_>, base: Timestamp) -> Read<TakenBack> {
    let source = match it.byte()? {
        1 => Source::Lot(unpack_lot(it, base)?),
        2 => Source::Expired,
        3 => Source::Owed,
        4 => Source::LetGo,
        _ => return Err(Unreadable),
    };
    Ok(TakenBack { source, points: it.points()? })
}
