//! Days and times of day in a scenario: local, at noon unless said otherwise, a second apart within a day.

use engine::{Date, Timestamp, Zone};

use super::words::{Fault, Words};

const SECOND: i64 = 1_000_000;

/// What is needed to read days and amounts: both depend on the program.
#[derive(Clone, Debug)]
pub(super) struct When {
    pub(super) zone: Zone,
    /// Digits after the point.
    pub(super) exponent: u8,
}

impl Default for When {
    fn default() -> Self {
        Self { zone: Zone::utc(), exponent: 2 }
    }
}

impl When {
    /// A day with or without a time of day; without one, noon.
    pub(super) fn read(&self, words: &mut Words) -> Result<Timestamp, Fault> {
        let date = words.date()?;
        let (hour, minute) = words.time()?.unwrap_or((12, 0));
        Ok(self.zone.at(date, hour, minute))
    }

    /// The instant at which something takes effect: the first of its day if no time is given.
    pub(super) fn read_start(&self, words: &mut Words) -> Result<Timestamp, Fault> {
        let date = words.date()?;
        Ok(match words.time()? {
            Some((hour, minute)) => self.zone.at(date, hour, minute),
            None => self.zone.start_of(date),
        })
    }

    /// The last day of something that is gone from an instant on; nothing when it stays for ever.
    pub(super) fn last_day(&self, ends_at: Timestamp) -> Option<Date> {
        (ends_at != Timestamp::NEVER).then(|| self.zone.date_of(Timestamp::from_micros(ends_at.micros() - 1)))
    }
}

/// When the steps of a file happen. Time never goes back, except for the lines of an import.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    last: Timestamp,
}

impl Default for Clock {
    fn default() -> Self {
        Self { last: Timestamp::START }
    }
}

impl Clock {
    /// The instant of a step on that day, at that time if one is given.
    pub(super) fn step(&self, date: Date, time: Option<(i8, i8)>, when: &When) -> Timestamp {
        let (hour, minute) = time.unwrap_or((12, 0));
        let at = when.zone.at(date, hour, minute);
        let is_next = time.is_none() && at <= self.last && self.is_on(date, when);
        if is_next { Timestamp::from_micros(self.last.micros() + SECOND) } else { at }
    }

    fn is_on(&self, date: Date, when: &When) -> bool {
        self.last != Timestamp::START && when.zone.date_of(self.last) == date
    }

    /// Goes on to that instant, or says that it lies back.
    pub(super) fn go(&mut self, at: Timestamp) -> Result<(), Fault> {
        if at < self.last {
            return Err(Fault(
                "this step happens before the one above it; allowed is that for `import` alone".to_owned(),
            ));
        }
        self.last = at;
        Ok(())
    }
}
