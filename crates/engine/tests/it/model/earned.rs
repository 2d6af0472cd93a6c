//! What an order has earned: its lot follows the document, it is granted, and taken back (E11, O1, O2, O5).

use engine::{Shortfall, Terms, Timestamp};

use super::{Back, Lot, Model, Place, Point};

impl Model {
    fn dates(earned_at: Timestamp, terms: &Terms) -> Lot {
        let available_at = terms.zone.days_later(earned_at, terms.waiting_days);
        let expires_at = terms.validity.ends(available_at, &terms.zone);
        Lot::new(earned_at, available_at, expires_at)
    }

    /// The lot follows the document as long as its dates have not passed.
    pub(super) fn redate(&mut self, slot: usize, earned_at: Timestamp, terms: &Terms, now: Timestamp) {
        let order = self.order(slot);
        let Some(lot) = order.lot else { return };
        let own = |it: &Back| matches!(it, Back::Point(index) if self.points[*index].lot == lot);
        let all_back = order.earned == 0 && order.taken_back.iter().all(own);
        let mut wanted = Self::dates(earned_at, terms);
        if self.lots[lot].available_at <= now && !all_back {
            wanted.available_at = self.lots[lot].available_at;
        }
        let untouched = all_back && self.points.iter().all(|it| it.lot != lot || it.place == Place::Gone);
        let known = self.lots[lot];
        if known.covered && now < self.until {
            wanted.expires_at = wanted.expires_at.max(known.expires_at);
        }
        let dates = |it: &Lot| (it.earned_at, it.available_at, it.expires_at);
        let is_alive = now < self.ends(lot);
        // The document says what it said before, and staff have moved the lot since.
        let is_moved = order.until == wanted.expires_at && order.until != known.expires_at;
        if dates(&wanted) != dates(&known) && (if is_alive { !is_moved } else { untouched }) {
            self.order_mut(slot).until = wanted.expires_at;
            self.lots[lot] = Lot { covered: known.covered && is_alive, fresh: true, ..wanted };
        }
    }

    /// Grants or takes back what is missing or too much.
    pub(super) fn earn(
        &mut self,
        slot: usize,
        calls_for: i128,
        earned_at: Option<Timestamp>,
        terms: &Terms,
        now: Timestamp,
    ) {
        let earned = self.order(slot).earned;
        if earned < calls_for {
            self.grant(slot, calls_for - earned, earned_at.expect("it earns"), terms, now);
        } else if calls_for < earned {
            self.take_back(slot, earned - calls_for, terms, now);
        }
        self.order_mut(slot).earned = calls_for;
    }

    /// First this order's own take-backs are undone, last first; what is left joins its own lot.
    fn grant(&mut self, slot: usize, points: i128, earned_at: Timestamp, terms: &Terms, now: Timestamp) {
        let (mut fresh, mut debt, mut others) = (0, 0, Vec::new());
        for _ in 0..points {
            match self.order_mut(slot).taken_back.pop() {
                None => fresh += 1,
                Some(Back::LetGo) => self.let_go -= 1,
                Some(Back::Expired) => {}
                Some(Back::Owed) if 0 < self.owed => self.owed -= 1,
                Some(Back::Owed) => debt += 1,
                Some(Back::Point(index)) if Some(self.points[index].lot) == self.order(slot).lot => {
                    let place = self.own_place(self.points[index].lot, terms, now);
                    self.points[index].place = place;
                    self.freed |= place == Place::Available;
                }
                Some(Back::Point(index)) => others.push(index),
            }
        }
        self.put_back(&others, terms, now);
        let gone = self.order(slot).lot.is_some_and(|it| self.ends(it) <= now);
        if gone && 0 < terms.grace_days && 0 < debt {
            // Other points paid this debt; they come back with grace, like what returns to a lot that has expired.
            let lot = self.grace(terms, now);
            self.points.extend((0..debt).map(|_| Point { lot, place: Place::Available }));
            self.freed = true;
        } else {
            fresh += debt;
        }
        if fresh == 0 {
            return;
        }
        let lot = self.order(slot).lot.unwrap_or_else(|| {
            let dates = Self::dates(earned_at, terms);
            self.order_mut(slot).until = dates.expires_at;
            self.open(dates)
        });
        self.order_mut(slot).lot = Some(lot);
        let place = self.own_place(lot, terms, now);
        self.freed |= place == Place::Available;
        self.points.extend((0..fresh).map(|_| Point { lot, place }));
    }

    fn own_place(&self, lot: usize, terms: &Terms, now: Timestamp) -> Place {
        let waits = 0 < terms.waiting_days && now < self.lots[lot].available_at;
        let is_open = |it: &Point| it.lot == lot && matches!(it.place, Place::Available | Place::Held(_));
        if waits && !self.points.iter().any(is_open) { Place::Pending } else { Place::Available }
    }

    /// Own expired or forfeited, own waiting, own spendable, others soonest first; then owed or let go.
    fn take_back(&mut self, slot: usize, points: i128, terms: &Terms, now: Timestamp) {
        let own = self.order(slot).lot;
        let known = self.order(slot).taken_back.iter().filter(|it| **it == Back::Expired).count();
        let of_own = |place| self.points.iter().filter(|it| Some(it.lot) == own && it.place == place).count();
        let gone = (of_own(Place::Expired) + of_own(Place::Forfeited)).saturating_sub(known);
        let mine = of_own(Place::Pending) + of_own(Place::Available) + gone;
        let wanted = usize::try_from(points).expect("more than none");
        self.reach(slot, wanted, mine, terms, now);
        let mine: Vec<usize> = (0..self.points.len()).filter(|it| Some(self.points[*it].lot) == own).collect();
        let counted = self.order(slot).taken_back.iter().filter(|it| **it == Back::Expired).count();
        let mut backs: Vec<Back> = Vec::new();
        let is_gone = |it: &&usize| matches!(self.points[**it].place, Place::Expired | Place::Forfeited);
        let expired = mine.iter().filter(is_gone).count().saturating_sub(counted);
        backs.extend((0..expired).map(|_| Back::Expired));
        for place in [Place::Pending, Place::Available] {
            backs.extend(mine.iter().filter(|it| self.points[**it].place == place).map(|it| Back::Point(*it)));
        }
        let points = usize::try_from(points).expect("more than none");
        backs.truncate(points);
        let others = self.points.iter().filter(|it| it.place == Place::Available && Some(it.lot) != own).count();
        // Held points are there, but out of reach: they are owed until their hold ends.
        let held = self.points.iter().filter(|it| matches!(it.place, Place::Held(_))).count();
        let owed = (points - backs.len()).saturating_sub(others).min(held);
        let missing = (points - backs.len()).saturating_sub(others + held);
        if 0 < missing && terms.shortfall == Shortfall::AllOrNothing {
            backs.retain(|it| *it == Back::Expired);
            backs.resize(points, Back::LetGo);
        }
        for back in &backs {
            if let Back::Point(index) = back {
                self.points[*index].place = Place::Gone;
            }
        }
        let more = others.min(points - backs.len());
        for index in self.soonest(more, own) {
            self.points[index].place = Place::Gone;
            backs.push(Back::Point(index));
        }
        if missing == 0 || terms.shortfall != Shortfall::AllOrNothing {
            backs.resize(backs.len() + owed, Back::Owed);
        }
        backs.resize(points, if terms.shortfall == Shortfall::Owe { Back::Owed } else { Back::LetGo });
        for back in &backs {
            match back {
                Back::Owed => self.owed += 1,
                Back::LetGo => self.let_go += 1,
                Back::Point(_) | Back::Expired => {}
            }
        }
        self.order_mut(slot).taken_back.extend(backs);
    }
}
