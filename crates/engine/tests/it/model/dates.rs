//! What staff do with dates: they move those of lots, and give back what has expired (X4, X5).

use engine::{Redating, Reinstatement, Timestamp, Validity};

use super::{Back, Lot, Model, Place, Point, Refused, count};

impl Model {
    /// One lot, or all that have points in them; of these only what would be gone by an instant, if one is named.
    pub(super) fn redate_by_hand(&mut self, it: &Redating, now: Timestamp) -> Result<(), Refused> {
        if it.expires_at <= now {
            return Err("invalid");
        }
        self.check_open()?;
        let inside = |it: &Point| matches!(it.place, Place::Pending | Place::Available | Place::Held(_));
        let alive = |lot: &usize| now < self.ends(*lot) && self.points.iter().any(|it| it.lot == *lot && inside(it));
        let mut lots: Vec<usize> = (0..self.lots.len()).filter(alive).collect();
        if let Some(no) = it.lot {
            lots.retain(|it| u64::try_from(*it).expect("a few") + 1 == no.0);
            if lots.is_empty() {
                return Err("unknown_lot");
            }
        }
        lots.retain(|lot| it.expiring_by.is_none_or(|by| self.ends(*lot) <= by) && self.ends(*lot) != it.expires_at);
        for lot in lots {
            self.lots[lot] = Lot { expires_at: it.expires_at, covered: false, fresh: true, ..self.lots[lot] };
        }
        Ok(())
    }

    /// Of one lot, or of those that expired last: what of them an order counts as taken is not there to be given back.
    pub(super) fn reinstate(&mut self, it: &Reinstatement, now: Timestamp) -> Result<(), Refused> {
        let points = i128::from(it.points.get());
        if points <= 0 || it.expires_at.is_some_and(|it| it <= now) {
            return Err("invalid");
        }
        self.check_open()?;
        let terms = &self.timeline.at(now).expect("a version since long ago").terms;
        let grace = if terms.grace_days == 0 { terms.validity } else { Validity::Days(terms.grace_days) };
        let expires_at = it.expires_at.unwrap_or_else(|| grace.ends(now, &terms.zone));
        if expires_at <= now {
            return Err("invalid");
        }
        let mut lots: Vec<usize> = (0..self.lots.len()).collect();
        lots.retain(|lot| it.lot.is_none_or(|no| u64::try_from(*lot).expect("a few") + 1 == no.0));
        lots.sort_by_key(|it| std::cmp::Reverse((self.ends(*it), *it)));
        let mut back: Vec<usize> = Vec::new();
        for lot in lots {
            let order = self.orders.iter().flatten().find(|it| it.lot == Some(lot));
            let counted = order.map_or(0, |it| it.taken_back.iter().filter(|it| **it == Back::Expired).count());
            let expired = |it: &usize| self.points[*it].lot == lot && self.points[*it].place == Place::Expired;
            back.extend((0..self.points.len()).filter(expired).skip(counted));
        }
        let points = count(points);
        if back.len() < points {
            return Err("exceeds_expired");
        }
        for index in back.into_iter().take(points) {
            self.points[index].place = Place::Gone;
        }
        let lot = self.open(Lot::new(now, now, expires_at));
        self.points.extend((0..points).map(|_| Point { lot, place: Place::Available }));
        self.freed = true;
        Ok(())
    }
}
