//! What days count: the rows of years, and what entries, orders and accounts say of it.

use std::num::TryFromIntError;

use engine::{Account, Allotted, Cap, Changes, Closed, Cut, Date, Day, Figures, Money, OfDay, Points, Timestamp, Year};

use super::entry::{read_carried, write_carried};
use super::tier::{read_tiers, write_tiers};
use super::{Packer, Read, Unpacker, Unreadable};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

/// The days of a year on which something counts.
pub(crate) fn pack_year(year: &Year) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    let mut last = 0;
    it.list(&year.days, |it, day| {
        it.unsigned(u64::from(day.ordinal - last));
        last = day.ordinal;
        write_figures(it, &day.figures, &Figures::default());
    });
    it.done()
}

pub(crate) fn unpack_year(year: i16, bytes: &[u8]) -> Read<Year> {
    let mut it = Unpacker::new(bytes, VERSION)?;
    let mut last: u16 = 0;
    let days = it.list(|it| {
        let step: u16 = small(it.unsigned()?)?;
        let ordinal = last.checked_add(step).filter(|it| 0 < step && *it <= 366).ok_or(Unreadable)?;
        last = ordinal;
        Ok(Day { ordinal, figures: read_figures(it, &Figures::default())? })
    })?;
    it.done()?;
    Ok(Year { year, days })
}

/// What an account carries and counts beside its balances; nothing when there is nothing.
pub(crate) fn pack_rest(account: &Account) -> Option<Vec<u8>> {
    let has_figures = account.latest_year.is_some() || account.tier.is_some();
    if account.carried.is_empty() && !has_figures && account.closings.is_empty() && account.returns_first == 0 {
        return None;
    }
    let mut it = Packer::new(VERSION);
    it.list(&account.carried, write_carried);
    it.option(account.latest_year, |it, year| {
        it.signed(i64::from(year));
        write_figures(it, &account.counted, &Figures::default());
    });
    write_tiers(&mut it, account);
    it.unsigned(account.returns_first);
    it.list(&account.closings, write_closed);
    Some(it.done())
}

pub(crate) fn unpack_rest(bytes: Option<&[u8]>, account: &mut Account) -> Read<()> {
    let Some(bytes) = bytes else { return Ok(()) };
    let mut it = Unpacker::new(bytes, VERSION)?;
    account.carried = it.list(read_carried)?;
    if it.flag()? {
        account.latest_year = Some(small(it.signed()?)?);
        account.counted = read_figures(&mut it, &Figures::default())?;
    }
    read_tiers(&mut it, account)?;
    account.returns_first = it.unsigned()?;
    account.closings = it.list(read_closed)?;
    it.done()
}

/// A time during which an account is closed.
pub(super) fn write_closed(it: &mut Packer, closed: &Closed) {
    it.time(closed.since, ZERO);
    it.time(closed.forfeits_at, closed.since);
    it.maybe_time(closed.until, closed.since);
}

pub(super) fn read_closed(it: &mut Unpacker<'_>) -> Read<Closed> {
    let since = it.time(ZERO)?;
    Ok(Closed { since, forfeits_at: it.time(since)?, until: it.option(|it| it.time(since))? })
}

/// Figures as differences from what is likely; all of them wrap alike, so that no figure is out of reach.
fn write_figures(it: &mut Packer, figures: &Figures, likely: &Figures) {
    let (figures, likely) = (raw(figures), raw(likely));
    for (figure, likely) in figures.into_iter().zip(likely) {
        it.signed(figure.wrapping_sub(likely));
    }
}

fn read_figures(it: &mut Unpacker<'_>, likely: &Figures) -> Read<Figures> {
    let [points, spent, orders] = raw(likely);
    Ok(Figures {
        points: Points::new(it.signed()?.wrapping_add(points)),
        spent: Money::new(it.signed()?.wrapping_add(spent)),
        orders: it.signed()?.wrapping_add(orders),
    })
}

fn raw(figures: &Figures) -> [i64; 3] {
    [figures.points.get(), figures.spent.minor(), figures.orders]
}

/// As a rule a day counts what the order does.
fn likely(changes: &Changes) -> Figures {
    Figures { points: changes.earned, spent: changes.spent, orders: 0 }
}

pub(super) fn write_of_day(it: &mut Packer, of_day: &OfDay, changes: &Changes) {
    write_date(it, of_day.day);
    write_figures(it, &of_day.figures, &likely(changes));
}

pub(super) fn read_of_day(it: &mut Unpacker<'_>, changes: &Changes) -> Read<OfDay> {
    Ok(OfDay { day: read_date(it)?, figures: read_figures(it, &likely(changes))? })
}

pub(super) fn write_date(it: &mut Packer, date: Date) {
    it.unsigned(u64::try_from(date.year()).expect("years are those of the limits") << 9 | u64::from(date.ordinal()));
}

pub(super) fn read_date(it: &mut Unpacker<'_>) -> Read<Date> {
    let packed = it.unsigned()?;
    let (year, ordinal): (i16, u16) = (small(packed >> 9)?, small(packed & 511)?);
    let date = Date::of_year(year, ordinal).ok_or(Unreadable)?;
    if (date.year(), date.ordinal()) == (year, ordinal) { Ok(date) } else { Err(Unreadable) }
}

pub(super) fn write_allotted(it: &mut Packer, allotted: &Allotted) {
    it.byte(cap_number(allotted.cap));
    it.points(allotted.points);
}

pub(super) fn read_allotted(it: &mut Unpacker<'_>) -> Read<Allotted> {
    Ok(Allotted { cap: numbered_cap(it.byte()?)?, points: it.points()? })
}

pub(super) fn write_cut(it: &mut Packer, cut: &Cut) {
    it.byte(cap_number(cut.cap));
    it.points(cut.most);
    it.points(cut.called_for);
}

pub(super) fn read_cut(it: &mut Unpacker<'_>) -> Read<Cut> {
    Ok(Cut { cap: numbered_cap(it.byte()?)?, most: it.points()?, called_for: it.points()? })
}

fn cap_number(cap: Cap) -> u8 {
    match cap {
        Cap::Order => 1,
        Cap::Day => 2,
        Cap::Month => 3,
        Cap::Year => 4,
    }
}

fn numbered_cap(number: u8) -> Read<Cap> {
    Cap::ALL.into_iter().find(|it| cap_number(*it) == number).ok_or(Unreadable)
}

fn small<T, N: TryInto<T, Error = TryFromIntError>>(number: N) -> Read<T> {
    number.try_into().map_err(|_| Unreadable)
}
