//! Caps on earning, order by order (E13): each order of the account is asked what it has earned and on which day.

use engine::{Date, Points};

use super::Model;

impl Model {
    /// What is left of `calls_for` under the caps of the order's own day, month and year.
    pub(super) fn capped(&mut self, slot: usize, calls_for: i128) -> i128 {
        let order = self.order(slot);
        let Some(caps) = order.terms.caps else { return calls_for };
        let points = |it: Points| i128::from(it.get());
        let (day, earned) = (order.day, order.earned);
        // Days of one month share the first seven characters of their dates.
        let is_same = |it: Date, length: usize| it.to_string()[..length] == day.to_string()[..length];
        let mut room = order.allotted.unwrap_or(i128::MAX);
        for (most, length) in [(caps.day, 10), (caps.month, 7), (caps.year, 4)] {
            let Some(most) = most else { continue };
            let others = self.orders.iter().enumerate().filter(|(it, _)| *it != slot).filter_map(|(_, it)| it.as_ref());
            let others = others.filter(|it| it.terms.caps.is_some() && is_same(it.day, length));
            room = room.min((points(most) - others.map(|it| it.earned).sum::<i128>()).max(0));
        }
        let has = earned.min(calls_for);
        let of_order = caps.order.map_or(calls_for, points);
        let award = calls_for.min(of_order).min(room).max(has);
        // What it finds when its award is posted, raised or cut is all that it may ever have.
        if room < i128::MAX && (earned < award || (award < calls_for && room < of_order)) {
            let before = self.order(slot).allotted.unwrap_or(i128::MAX);
            self.order_mut(slot).allotted = Some(room.max(award).min(before));
        }
        award
    }
}
