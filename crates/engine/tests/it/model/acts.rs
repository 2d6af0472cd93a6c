//! What earns without an order (E9, E10): every time that something was done is remembered, and counted anew.

use engine::{Date, ExtendOn, Timestamp};

use super::{Lot, Model, Place, Point, Refused};
use crate::shop::BORN;

const SIGN_UP: &str = "";
/// Birthdays that lie closer together are one.
const BIRTHDAY_DAYS_MIN: i32 = 330;

impl Model {
    pub(super) fn act(&mut self, name: &str, now: Timestamp) -> Result<(), Refused> {
        if !self.timeline.is_on(now) {
            return Err("program_off");
        }
        self.check_open()?;
        let terms = &self.timeline.at(now).expect("a version since long ago").terms;
        let custom = terms.activities.as_ref().and_then(|it| it.custom.iter().find(|it| it.name == name));
        let custom = custom.ok_or("unknown_activity")?.clone();
        // Another time zone may put it on an earlier day: the later one counts.
        let last = self.acts.iter().filter(|it| it.0 == name).map(|it| it.1).max();
        let today = last.max(Some(terms.zone.date_of(now))).expect("today");
        let done = |length: usize| {
            let same = |it: &&(String, engine::Date)| {
                it.0 == name && it.1.to_string()[..length] == today.to_string()[..length]
            };
            self.acts.iter().filter(same).count()
        };
        let limits = [(custom.per_day, done(10)), (custom.per_month, done(7)), (custom.per_life, done(0))];
        if limits.iter().any(|(most, done)| most.is_some_and(|it| it < 1 + u32::try_from(*done).expect("a few"))) {
            return Err("activity_limit");
        }
        if !self.give(custom.points.get(), now) {
            return Err("program_off");
        }
        self.acts.push((name.to_owned(), today));
        Ok(())
    }

    pub(super) fn sign_up(&mut self, now: Timestamp) {
        let terms = &self.timeline.at(now).expect("a version since long ago").terms;
        let points = terms.activities.as_ref().map_or(0, |it| it.sign_up.get());
        let is_known = self.acts.iter().any(|it| it.0 == SIGN_UP);
        let today = terms.zone.date_of(now);
        let is_open = self.check_open().is_ok();
        if self.timeline.is_on(now) && is_open && 0 < points && !is_known && self.give(points, now) {
            self.acts.push((SIGN_UP.to_owned(), today));
        }
    }

    /// The next birthday that gives points, at the first instant of its day.
    pub(super) fn birthday_at(&self) -> Option<Timestamp> {
        let zone = &self.timeline.versions()[0].terms.zone;
        let (born, first) = (Date::parse(BORN).expect("a day"), zone.date_of(self.lived_to));
        let mut years = first.year()..first.year() + 5;
        years.find_map(|year| {
            let day = born.plus_months(u16::try_from(year - born.year()).expect("it is later") * 12);
            let at = zone.start_of(day);
            let terms = &self.timeline.at(at).expect("a version since long ago").terms;
            let is_new = self.birthday.is_none_or(|last| BIRTHDAY_DAYS_MIN <= day.days_since(last));
            let is_there = self.timeline.is_on(at) && !self.was_away(at) && at < terms.validity.ends(at, zone);
            let gives = terms.birthday_points().is_positive() && is_there && is_new;
            (self.lived_to < at && gives).then_some(at)
        })
    }

    /// Growing older keeps nothing alive: a member does nothing for it.
    pub(super) fn celebrate(&mut self, at: Timestamp) {
        let terms = &self.timeline.at(at).expect("a version since long ago").terms;
        let (points, today) = (terms.birthday_points().get(), terms.zone.date_of(at));
        self.open_given(points, at);
        self.birthday = Some(today);
        self.lived_to = at;
    }

    /// A lot of its own; nothing where its points would be gone at once.
    fn open_given(&mut self, points: i64, now: Timestamp) -> bool {
        let terms = &self.timeline.at(now).expect("a version since long ago").terms;
        let expires_at = terms.validity.ends(now, &terms.zone);
        if expires_at <= now {
            return false;
        }
        let lot = self.open(Lot::new(now, now, expires_at));
        self.points.extend((0..points).map(|_| Point { lot, place: Place::Available }));
        self.freed = true;
        true
    }

    /// The same, and what that keeps alive.
    fn give(&mut self, points: i64, now: Timestamp) -> bool {
        if !self.open_given(points, now) {
            return false;
        }
        let terms = self.timeline.at(now).expect("a version since long ago").terms.clone();
        if let Some(rule) = terms.extend.filter(|it| it.on != ExtendOn::Order) {
            let last_day = terms.zone.date_of(now).plus_months(rule.months);
            self.extend(terms.zone.end_of(last_day), true, now);
        }
        true
    }
}
