//! What points became, store credit or certificates, and how that is undone (C1, C2, C5, C8).

use engine::{Convert, ConvertRate, Shortfall, Target, Terms, Timestamp, Uses, Zone};

use super::amounts::minor;
use super::certificates::Certificate;
use super::{Model, Place, Point, Refused, count};

/// At most so many certificates come of the points that are there at one instant.
const CERTIFICATES_AT_ONCE: usize = 100;

/// Points that became something of a value.
#[derive(Clone, Debug)]
pub(super) struct Conversion {
    pub(super) at: Timestamp,
    pub(super) into: Into,
    pub(super) each: usize,
    pub(super) cents: i128,
    /// In the order in which they were taken; none of what is undone.
    pub(super) points: Vec<usize>,
}

/// A lot of credit, or a certificate. What one instant makes counts in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Into {
    Credit(usize),
    Certificate(usize),
}

/// To what, how many points each, and how many cents.
fn made_at(rate: ConvertRate) -> (Target, usize, i128) {
    (rate.target, count(i128::from(rate.points.get())), minor(rate.value))
}

impl Model {
    /// All whole multiples of what is available, if the command has made anything so since this was last asked. First what it
    /// has undone on its way is what it was, oldest first, as far as points are there.
    pub(super) fn convert(&mut self, at: Timestamp) {
        let freed = std::mem::take(&mut self.freed);
        let becomes = self.becomes(at);
        self.restore(at, becomes.as_ref().map(|(it, _)| it.rate));
        let Some((convert, zone)) = becomes.filter(|_| freed) else { return };
        let (target, each, cents) = made_at(convert.rate);
        if target == Target::Certificate {
            self.reward(&convert, &zone, at);
            return;
        }
        let times = self.soonest_first(None).len() / each;
        self.make_credit(times, each, cents, at);
    }

    fn restore(&mut self, at: Timestamp, alike: Option<ConvertRate>) {
        let mut undone = std::mem::take(&mut self.undone);
        undone.sort_by_key(|(it, _)| (self.conversions[*it].at, self.conversions[*it].into));
        for (no, times) in undone {
            let Conversion { into, each, cents, .. } = self.conversions[no];
            let there = self.soonest_first(None).len() / each;
            match into {
                Into::Certificate(certificate) if 0 < there => {
                    self.conversions[no].points = self.become_something(each);
                    self.certificates[certificate].cancelled = false;
                }
                Into::Credit(_) if alike.is_none_or(|it| made_at(it) != (Target::Credit, each, cents)) => {
                    self.make_credit(times.min(there), each, cents, at);
                }
                Into::Certificate(_) | Into::Credit(_) => {}
            }
        }
    }

    /// Whatever became of the points that came back: those of whom has left, or of a lot that has expired, are not there for long.
    pub(super) fn restore_what_would_go(&mut self, now: Timestamp) {
        let would_expire = |it: &Point| it.place == Place::Available && self.ends(it.lot) <= now;
        if self.check_open().is_err() || self.points.iter().any(would_expire) {
            self.pay_debt();
            self.restore(now, None);
        }
    }

    /// What points become now that nobody collects.
    fn becomes(&self, at: Timestamp) -> Option<(Convert, Zone)> {
        let goes_on = self.timeline.is_on(at) && self.check_open().is_ok();
        let terms = &self.timeline.at(at).filter(|_| goes_on)?.terms;
        Some((terms.convert.filter(|it| !it.is_collected)?, terms.zone.clone()))
    }

    fn make_credit(&mut self, times: usize, each: usize, cents: i128, at: Timestamp) {
        if 0 < times {
            let points = self.become_something(times * each);
            self.credit.push(cents * i128::try_from(times).expect("a few"));
            let into = Into::Credit(self.credit.len() - 1);
            self.conversions.push(Conversion { at, into, each, cents, points });
        }
    }

    /// Staff hand out what members have reached.
    pub(super) fn collect(&mut self, now: Timestamp) -> Result<(), Refused> {
        if !self.timeline.is_on(now) {
            return Err("program_off");
        }
        self.check_open()?;
        let terms = &self.timeline.at(now).expect("a version since long ago").terms;
        let convert = terms.convert.filter(|it| it.is_collected).ok_or("no_rewards")?;
        let zone = terms.zone.clone();
        if self.reward(&convert, &zone, now) { Ok(()) } else { Err("insufficient_points") }
    }

    /// Certificates of their own; answers whether there are any.
    fn reward(&mut self, convert: &Convert, zone: &Zone, at: Timestamp) -> bool {
        let each = count(i128::from(convert.rate.points.get()));
        let times = (self.soonest_first(None).len() / each).min(CERTIFICATES_AT_ONCE);
        let expires_at = convert.validity.ends(at, zone);
        if times == 0 || expires_at <= at {
            return false;
        }
        for _ in 0..times {
            self.buy((minor(convert.rate.value), convert.uses, expires_at), each, at);
        }
        true
    }

    /// So many points become a certificate; answers the number of the conversion.
    pub(super) fn buy(
        &mut self,
        (cents, uses, expires_at): (i128, Uses, Timestamp),
        each: usize,
        at: Timestamp,
    ) -> usize {
        let points = self.become_something(each);
        self.certificates.push(Certificate::new(cents, uses, expires_at));
        let into = Into::Certificate(self.certificates.len() - 1);
        self.conversions.push(Conversion { at, into, each, cents, points });
        self.conversions.len() - 1
    }

    fn become_something(&mut self, points: usize) -> Vec<usize> {
        let points = self.soonest(points, None);
        for index in &points {
            self.points[*index].place = Place::Converted;
        }
        points
    }

    /// The latest conversion first.
    fn latest_first(&self) -> Vec<usize> {
        let mut all: Vec<usize> = (0..self.conversions.len()).collect();
        all.sort_by_key(|it| std::cmp::Reverse((self.conversions[*it].at, self.conversions[*it].into)));
        all
    }

    /// What holds points of the order and is unspent: all of it.
    pub(super) fn undo_own(&mut self, slot: usize, terms: &Terms, now: Timestamp) {
        for no in self.latest_first() {
            if self.holds_points_of(no, slot) {
                self.undo(no, self.unspent(no), terms, now);
            }
        }
    }

    /// Whether points that the order granted became it.
    pub(super) fn holds_points_of(&self, no: usize, slot: usize) -> bool {
        let own = self.order(slot).lot;
        self.conversions[no].points.iter().any(|it| Some(self.points[*it].lot) == own)
    }

    /// Whole ones, latest first, until so many points are back.
    pub(super) fn undo_latest(&mut self, points: i128, or_none: bool, terms: &Terms, now: Timestamp) {
        let each = |it: &Conversion| i128::try_from(it.each).expect("a few");
        let there = (0..self.conversions.len())
            .map(|no| each(&self.conversions[no]) * i128::try_from(self.unspent(no)).expect("a few"));
        if or_none && there.sum::<i128>() < points {
            return;
        }
        let mut left = points;
        for no in self.latest_first() {
            let most = self.unspent(no);
            let mut times = 0;
            while times < most && 0 < left {
                times += 1;
                left -= each(&self.conversions[no]);
            }
            self.undo(no, times, terms, now);
        }
    }

    /// How often a conversion can be undone: a certificate as a whole, unless the command is about to use it.
    fn unspent(&self, no: usize) -> usize {
        let it = &self.conversions[no];
        let there = match it.into {
            Into::Credit(lot) => count(self.credit[lot] / it.cents),
            Into::Certificate(certificate) => {
                usize::from(self.left_of(certificate) == it.cents && !self.reserved.contains(&certificate))
            }
        };
        there.min(it.points.len() / it.each)
    }

    fn undo(&mut self, no: usize, times: usize, terms: &Terms, now: Timestamp) {
        if times == 0 {
            return;
        }
        let it = &mut self.conversions[no];
        let many = times * it.each;
        let back: Vec<usize> = (0..many).filter_map(|_| it.points.pop()).collect();
        match it.into {
            Into::Credit(lot) => self.credit[lot] -= it.cents * i128::try_from(times).expect("a few"),
            Into::Certificate(certificate) => self.certificates[certificate].cancelled = true,
        }
        self.undone.push((no, times));
        self.put_back(&back, terms, now);
    }

    /// Whether points became it and are not points again.
    pub(super) fn is_bought(&self, certificate: usize) -> bool {
        self.conversions.iter().any(|it| it.into == Into::Certificate(certificate) && !it.points.is_empty())
    }

    /// The conversion that a certificate came of, if nothing of that is used: its points return, and the certificate goes.
    pub(super) fn give_back_unused(&mut self, certificate: usize, now: Timestamp) -> bool {
        let is_it = |it: &usize| self.conversions[*it].into == Into::Certificate(certificate);
        let bought = (0..self.conversions.len()).find(is_it).filter(|it| !self.conversions[*it].points.is_empty());
        let Some(no) = bought.filter(|it| self.conversions[*it].cents == self.left_of(certificate)) else {
            return false;
        };
        let terms = self.timeline.at(now).expect("a version since long ago").terms.clone();
        let back: Vec<usize> = self.conversions[no].points.drain(..).rev().collect();
        self.put_back(&back, &terms, now);
        true
    }

    /// How many of so many points a take-back finds as it is, and undoes conversions for the rest.
    pub(super) fn reach(&mut self, slot: usize, points: usize, mine: usize, terms: &Terms, now: Timestamp) {
        let own = self.order(slot).lot;
        let others = self.soonest_first(own).len();
        let reach = mine + others;
        if reach < points {
            let or_none = terms.shortfall == Shortfall::AllOrNothing;
            self.undo_latest(i128::try_from(points - reach).expect("a few"), or_none, terms, now);
        }
    }
}
