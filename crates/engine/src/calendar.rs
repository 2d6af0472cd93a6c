//! Instants, local days and validity. Reads no clock: every time is an argument.
//!
//! Zone data come with the program (bundled IANA database), so that an expiry is the same on every host.

use std::fmt;
use std::sync::Arc;

use jiff::civil;
use jiff::tz::{Offset, TimeZone};

use crate::limits;

const DAY: i64 = 86_400_000_000;
const MINUTE: i64 = 60_000_000;
const SECOND: i64 = 1_000_000;

/// An instant, in microseconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(i64);

impl Timestamp {
    /// Later than everything: the expiry of points that never expire.
    pub const NEVER: Self = Self(i64::MAX);
    /// Earlier than everything.
    pub const START: Self = Self(i64::MIN);

    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    pub const fn micros(self) -> i64 {
        self.0
    }

    #[must_use]
    pub const fn plus_minutes(self, minutes: i64) -> Self {
        Self(self.0 + minutes * MINUTE)
    }

    /// `days` times 24 hours later (earlier when negative); for limits, not for validity.
    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0 + i64::from(days) * DAY)
    }

    /// Reads RFC 3339, for example `2026-03-01T12:00:00Z`; fractions below a microsecond are cut off.
    ///
    /// # Errors
    /// When the text is no such instant or lies outside the years 1970 to 2500.
    pub fn parse(text: &str) -> Result<Self, DateFault> {
        let instant: jiff::Timestamp = text.parse().map_err(|_| DateFault::NotInstant)?;
        let it = Self(instant.as_microsecond());
        if it.is_in_limits() { Ok(it) } else { Err(DateFault::OutOfRange) }
    }

    /// Whether the instant lies in the years that the engine computes with.
    pub fn is_in_limits(self) -> bool {
        limits::TIME_MIN <= self && self < limits::TIME_END
    }

    fn instant(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).expect("instants are checked against the limits where they enter")
    }
}

/// RFC 3339 in UTC with as many digits as needed; `never` for [`Timestamp::NEVER`].
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_microsecond(self.0) {
            Ok(instant) => instant.fmt(f),
            Err(_) => f.write_str(if self.0 < 0 { "start" } else { "never" }),
        }
    }
}

/// A day of the calendar, in no zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(civil::Date);

impl Date {
    /// The day, or nothing when the calendar has no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Self> {
        civil::Date::new(year, month, day).ok().map(Self)
    }

    /// Reads `2026-03-01`.
    ///
    /// # Errors
    /// When the text is no such day or lies outside the years 1970 to 2500.
    pub fn parse(text: &str) -> Result<Self, DateFault> {
        let date = Self::parse_birthday(text)?;
        if limits::YEAR_MIN <= date.0.year() { Ok(date) } else { Err(DateFault::OutOfRange) }
    }

    /// Reads `1952-02-29`: people are older than time stamps.
    ///
    /// # Errors
    /// When the text is no such day or lies outside the years 1900 to 2500.
    pub fn parse_birthday(text: &str) -> Result<Self, DateFault> {
        let date: civil::Date = text.parse().map_err(|_| DateFault::NotDate)?;
        if text.len() != 10 {
            return Err(DateFault::NotDate);
        }
        if (limits::BIRTH_YEAR_MIN..=limits::YEAR_MAX).contains(&date.year()) {
            Ok(Self(date))
        } else {
            Err(DateFault::OutOfRange)
        }
    }

    #[must_use]
    pub fn plus_days(self, days: i32) -> Self {
        Self(self.0.saturating_add(jiff::Span::new().days(days)))
    }

    /// The same day `months` later; a day that the month does not have becomes its last (31 August + 6 → 28 February).
    #[must_use]
    pub fn plus_months(self, months: u16) -> Self {
        if months == 12 {
            return YearDay::of(self).in_year(self.0.year() + 1);
        }
        Self(self.0.saturating_add(jiff::Span::new().months(i32::from(months))))
    }

    pub fn year(self) -> i16 {
        self.0.year()
    }

    /// Its number in the year, from 1 on.
    pub fn ordinal(self) -> u16 {
        u16::try_from(self.0.day_of_year()).expect("a year has at most 366 days")
    }

    /// The numbers in the year of the first and the last day of its month.
    pub fn month_ordinals(self) -> (u16, u16) {
        (Self(self.0.first_of_month()).ordinal(), Self(self.0.last_of_month()).ordinal())
    }

    /// The day of a year with that number; the last one if it has fewer.
    pub fn of_year(year: i16, ordinal: u16) -> Option<Self> {
        Some(Self::new(year, 1, 1)?.plus_days(i32::from(ordinal) - 1))
    }

    /// The same day in every year.
    pub fn of_every_year(self) -> YearDay {
        YearDay::of(self)
    }

    /// Year and month.
    pub fn month(self) -> (i16, i8) {
        (self.0.year(), self.0.month())
    }
    /// The same day so many months earlier; a day that the month does not have becomes its last.
    #[must_use]
    pub fn months_before(self, months: u16) -> Self {
        Self(self.0.saturating_sub(jiff::Span::new().months(i32::from(months))))
    }

    /// The first day that is less than twelve months old on this one. Of 28 and 29 February both are twelve months old on the next
    /// 28th.
    pub(crate) fn first_within_a_year(self) -> Self {
        let (year, month, day) = (self.0.year() - 1, self.0.month(), self.0.day());
        let from = jiff::civil::Date::new(year, month, day).or_else(|_| jiff::civil::Date::new(year, month, 28));
        let after = |it: jiff::civil::Date| it.tomorrow().unwrap_or(it);
        let first = after(from.unwrap_or(self.0));
        Self(if (first.month(), first.day()) == (2, 29) { after(first) } else { first })
    }

    /// Whole days from `earlier` to this day.
    pub fn days_since(self, earlier: Self) -> i32 {
        self.0.since(earlier.0).map_or(0, |span| span.get_days())
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A day of every year. 29 February is the 28th in years that do not have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct YearDay {
    month: i8,
    day: i8,
}

impl YearDay {
    /// Reads `12-31`; nothing when no year has such a day.
    pub fn parse(text: &str) -> Option<Self> {
        // A leap year has every day that there is.
        let date = Date::parse(&format!("2000-{text}")).ok()?;
        Some(Self::of(date))
    }

    /// The day of the year on which a date falls.
    pub fn of(date: Date) -> Self {
        Self { month: date.0.month(), day: date.0.day() }
    }

    /// The date in that year.
    pub fn in_year(self, year: i16) -> Date {
        Date::new(year, self.month, self.day)
            .or_else(|| Date::new(year, self.month, self.day - 1))
            .expect("only 29 February is missing in some years")
    }

    /// The first such date after `date`.
    pub fn after(self, date: Date) -> Date {
        let this_year = self.in_year(date.0.year());
        if date < this_year { this_year } else { self.in_year(date.0.year() + 1) }
    }
}

/// `12-31`.
impl fmt::Display for YearDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

/// Why a text is no date.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateFault {
    NotInstant,
    NotDate,
    OutOfRange,
}

impl fmt::Display for DateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInstant => "is not a time such as 2026-03-01T12:00:00Z",
            Self::NotDate => "is not a date such as 2026-03-01",
            Self::OutOfRange => "lies outside the years 1970 to 2500",
        })
    }
}

impl std::error::Error for DateFault {}

/// A time zone by its IANA name.
#[derive(Clone, Debug)]
pub struct Zone {
    zone: TimeZone,
    /// Until [`OFFSETS_END`], the instants at which its distance from UTC changes, and to what: orders ask for little else.
    offsets: Arc<[(Timestamp, Offset)]>,
    /// For each span of time, which of them holds at its beginning.
    spans: Arc<[usize]>,
}

impl PartialEq for Zone {
    fn eq(&self, other: &Self) -> bool {
        self.zone == other.zone
    }
}

impl Eq for Zone {}

/// The end of the year 2099.
const OFFSETS_END: Timestamp = Timestamp(4_102_444_800_000_000);
/// A span has two to the power of so many microseconds, 407 days: offsets change a few times in it.
const SPAN_BITS: u32 = 45;

impl Zone {
    /// The zone of that name, for example `Europe/Zurich`; nothing when there is none.
    pub fn named(name: &str) -> Option<Self> {
        TimeZone::get(name).ok().map(Self::of)
    }

    pub fn utc() -> Self {
        Self::of(TimeZone::UTC)
    }

    fn of(zone: TimeZone) -> Self {
        let first = (limits::TIME_MIN, zone.to_offset(limits::TIME_MIN.instant()));
        let changes = zone.following(limits::TIME_MIN.instant());
        let changes = changes.map(|it| (Timestamp(it.timestamp().as_microsecond()), it.offset()));
        let offsets: Arc<[_]> = std::iter::once(first).chain(changes.take_while(|it| it.0 < OFFSETS_END)).collect();
        let begins = (0..=OFFSETS_END.0 >> SPAN_BITS).map(|it| Timestamp(it << SPAN_BITS));
        let spans = begins.map(|at| offsets.partition_point(|it| it.0 <= at) - 1).collect();
        Self { zone, offsets, spans }
    }

    pub fn name(&self) -> &str {
        self.zone.iana_name().unwrap_or("UTC")
    }

    /// The local day of an instant.
    pub fn date_of(&self, at: Timestamp) -> Date {
        Date(self.local(at).date())
    }

    /// The local day of an instant, its place in the week from Monday on, and the minute of the day.
    pub(crate) fn date_and_time(&self, at: Timestamp) -> (Date, usize, u16) {
        let local = self.local(at);
        let weekday = usize::try_from(local.weekday().to_monday_zero_offset()).expect("a week has seven days");
        let minute = i32::from(local.hour()) * 60 + i32::from(local.minute());
        (Date(local.date()), weekday, u16::try_from(minute).expect("a day has 1440 minutes"))
    }

    /// The local time of an instant, as `2026-03-01 12:30`.
    pub fn clock_text(&self, at: Timestamp) -> String {
        let local = self.local(at);
        format!("{} {:02}:{:02}", local.date(), local.hour(), local.minute())
    }

    /// The first instant of a local day, also where summer time skips midnight.
    pub fn start_of(&self, date: Date) -> Timestamp {
        self.instant_of(date.0.at(0, 0, 0, 0))
    }

    /// The end of a local day: the first instant of the next (X2).
    pub fn end_of(&self, date: Date) -> Timestamp {
        self.start_of(Date(date.0.tomorrow().unwrap_or(date.0)))
    }

    /// The instant of a local date and time of day; a skipped time moves forward, a repeated one is the first.
    pub fn at(&self, date: Date, hour: i8, minute: i8) -> Timestamp {
        self.instant_of(date.0.at(hour, minute, 0, 0))
    }

    /// The same local time `days` later (E11).
    pub fn days_later(&self, at: Timestamp, days: u16) -> Timestamp {
        let local = self.local(at);
        let moved = Date(local.date()).plus_days(i32::from(days));
        self.instant_of(moved.0.to_datetime(local.time()))
    }

    fn local(&self, at: Timestamp) -> civil::DateTime {
        match self.offset_at(at) {
            Some(index) => self.offsets[index].1.to_datetime(at.instant()),
            None => self.zone.to_datetime(at.instant()),
        }
    }

    /// Which of the offsets holds at an instant; nothing before and after them.
    fn offset_at(&self, at: Timestamp) -> Option<usize> {
        let first = *self.spans.get(usize::try_from(at.0 >> SPAN_BITS).ok()?)?;
        let later = self.offsets[first + 1..].iter().take_while(|it| it.0 <= at).count();
        Some(first + later).filter(|_| at < OFFSETS_END)
    }

    /// The instant of a local time where the offsets say that there is one and no other.
    fn only_instant_of(&self, local: civil::DateTime) -> Option<Timestamp> {
        let as_utc = Timestamp(Offset::UTC.to_timestamp(local).ok()?.as_microsecond());
        let near = self.offset_at(as_utc)?;
        let mut found = None;
        for index in near.saturating_sub(1)..self.offsets.len().min(near + 2) {
            let (from, offset) = self.offsets[index];
            let until = self.offsets.get(index + 1).map_or(OFFSETS_END, |it| it.0);
            let at = Timestamp(as_utc.0 - i64::from(offset.seconds()) * SECOND);
            if from <= at && at < until && found.replace(at).is_some() {
                return None;
            }
        }
        found
    }

    fn instant_of(&self, local: civil::DateTime) -> Timestamp {
        if let Some(only) = self.only_instant_of(local) {
            return only;
        }
        let instant = self.zone.to_ambiguous_timestamp(local).compatible();
        Timestamp(instant.expect("local times are within the limits").as_microsecond())
    }
}

#[test]
fn what_is_less_than_a_year_old_is_so_by_adding_months() {
    let start = Date::new(2023, 1, 1).expect("a date");
    for day in (0..3_000).map(|it| start.plus_days(it)) {
        let first = day.first_within_a_year();
        assert!(day < first.plus_months(12), "{day}: {first}");
        assert!(first.plus_days(-1).plus_months(12) <= day, "{day}: {first}");
    }
}

#[test]
fn times_are_what_the_zone_says() {
    for name in jiff::tz::db().available() {
        let zone = Zone::named(name.as_str()).expect("a zone");
        let read = |at: Timestamp| zone.zone.to_datetime(at.instant());
        let check = |local: civil::DateTime| {
            let told = zone.zone.to_ambiguous_timestamp(local).compatible().expect("a time within the limits");
            let (told, found) = (Timestamp(told.as_microsecond()), zone.instant_of(local));
            // In an hour of October 2023, of Greenland's zones, it is told what is not read again.
            assert!(found == told || (read(told) != local && read(found) == local), "{name} at {local}");
        };
        // Every thirty-six days and a little, to after the end of the table; and around each of its changes.
        let ticks = (0..1_500).map(|it| Timestamp(it * 3_110_400_123_457));
        let near = [-7_200 * SECOND, -1, 0, 1, 3_599 * SECOND, 7_200 * SECOND];
        let changes = zone.offsets.iter().skip(1).map(|it| it.0).chain([OFFSETS_END]);
        for at in ticks.chain(changes.clone().flat_map(|it| near.map(|by| Timestamp(it.0 + by)))) {
            assert_eq!(zone.local(at), read(at), "{name} at {at:?}");
            check(read(at));
        }
        // What summer time skips belongs to no instant.
        let after =
            |at: Timestamp, minutes: i64| read(Timestamp(at.0 - 1)).saturating_add(jiff::Span::new().minutes(minutes));
        changes.flat_map(|at| [1, 29, 59, 61].map(|it| after(at, it))).for_each(check);
    }
}
