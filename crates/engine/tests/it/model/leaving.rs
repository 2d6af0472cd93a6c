//! Who leaves a program and comes back (M1): every time of being away is remembered.

use engine::{Timestamp, Validity};

use super::{HoldState, Model, Place, Refused};

#[derive(Clone, Copy, Debug)]
pub(super) struct Closed {
    since: Timestamp,
    /// The end of the grace.
    ends_at: Timestamp,
    /// When the member came back.
    until: Timestamp,
    /// Certificates are suspended as well: there had been some.
    with_certificates: bool,
}

impl Model {
    pub(super) fn close(&mut self, grace_days: u16, now: Timestamp) {
        if self.check_open().is_err() {
            return;
        }
        for no in 0..self.holds.len() {
            if self.holds[no].state == HoldState::Active {
                self.end_hold(no);
            }
        }
        let zone = &self.timeline.at(now).expect("a version since long ago").terms.zone;
        let ends_at = if grace_days == 0 { now } else { Validity::Days(grace_days).ends(now, zone) };
        let with_certificates = !self.certificates.is_empty();
        self.closings.push(Closed { since: now, ends_at, until: Timestamp::NEVER, with_certificates });
    }

    pub(super) fn join(&mut self, now: Timestamp) {
        let begun = self.joined || !self.lots.is_empty() || !self.closings.is_empty();
        if self.check_open().is_ok() && (begun || self.orders.iter().any(Option::is_some)) {
            return;
        }
        if let Some(closed) = self.closings.last_mut() {
            closed.until = now;
        }
        self.joined = true;
        self.sign_up(now);
    }

    /// Refuses what only who is in the program can do.
    pub(super) fn check_open(&self) -> Result<(), Refused> {
        match self.away() {
            Some(_) => Err("account_closed"),
            None => Ok(()),
        }
    }

    fn away(&self) -> Option<&Closed> {
        self.closings.last().filter(|it| it.until == Timestamp::NEVER)
    }

    pub(super) fn was_away(&self, at: Timestamp) -> bool {
        self.closings.iter().any(|it| it.since <= at && at < it.until)
    }

    /// When what there is of points is gone, if there are any.
    pub(super) fn forfeits_at(&self) -> Option<Timestamp> {
        let there = self.points.iter().any(|it| matches!(it.place, Place::Pending | Place::Available));
        self.away().filter(|_| there).map(|it| it.ends_at)
    }

    /// When certificates are gone.
    pub(super) fn wallet_ends_at(&self) -> Option<Timestamp> {
        self.away().filter(|it| it.with_certificates).map(|it| it.ends_at)
    }

    pub(super) fn forfeit(&mut self, due: Timestamp) {
        let at = due.max(self.posted_at);
        if self.away().is_some_and(|it| it.ends_at <= at) {
            for it in &mut self.points {
                if matches!(it.place, Place::Pending | Place::Available) {
                    it.place = Place::Forfeited;
                }
            }
        }
    }
}
