//! What earns without an order (E9, E10): every time that something was done is remembered, and counted anew.

use engine::{ExtendOn, Timestamp};

use super::{Lot, Model, Place, Point, Refused};

const SIGN_UP: &str = "";

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

    /// A lot of its own, and what that keeps alive; nothing where its points would be gone at once.
    fn give(&mut self, points: i64, now: Timestamp) -> bool {
        let terms = self.timeline.at(now).expect("a version since long ago").terms.clone();
        let expires_at = terms.validity.ends(now, &terms.zone);
        if expires_at <= now {
            return false;
        }
        let lot = self.open(Lot::new(now, now, expires_at));
        self.points.extend((0..points).map(|_| Point { lot, place: Place::Available }));
        self.freed = true;
        if let Some(rule) = terms.extend.filter(|it| it.on != ExtendOn::Order) {
            let last_day = terms.zone.date_of(now).plus_months(rule.months);
            self.extend(terms.zone.end_of(last_day), true, now);
        }
        true
    }
}
