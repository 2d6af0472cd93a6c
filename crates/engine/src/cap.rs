//! Caps on what orders earn: per order, day, month and year (E13).
//!
//! A cap counts on the order's own local day and is applied when an award is posted or raised. The room that an order finds then is
//! allotted to it, cut or not: what a cancellation frees serves later orders, never one that has its award. A return that names
//! no order takes no more than a cap lets one order earn.

use crate::account::{Account, NeedMore};
use crate::calendar::Date;
use crate::entry::{Cause, Earned};
use crate::points::Points;
use crate::posted::Order;
use crate::program::Terms;

/// The most points that orders earn, each within its time; what is left out has no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    pub order: Option<Points>,
    pub day: Option<Points>,
    pub month: Option<Points>,
    pub year: Option<Points>,
}

/// Which cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cap {
    Order,
    Day,
    Month,
    Year,
}

/// What a cap left of an award.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    pub cap: Cap,
    /// The cap itself.
    pub most: Points,
    /// What the order would have earned without it; below zero where a return would have taken that.
    pub called_for: Points,
}

/// What an order may earn for good: what its day, month and year had left for it when its award was posted or raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allotted {
    pub cap: Cap,
    pub points: Points,
}

impl Cap {
    pub const ALL: [Self; 4] = [Self::Order, Self::Day, Self::Month, Self::Year];

    /// The stable name of the cap.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }
}

impl Caps {
    pub fn of(&self, cap: Cap) -> Option<Points> {
        match cap {
            Cap::Order => self.order,
            Cap::Day => self.day,
            Cap::Month => self.month,
            Cap::Year => self.year,
        }
    }
}

/// Cuts what an order calls for to the room that is left to it. What it has earned is never taken back for a cap: others
/// may have used the room under other terms.
pub(crate) fn apply(account: &Account, order: &Order, mut earned: Earned, terms: &Terms) -> Result<Earned, NeedMore> {
    let (Some(caps), Some(day)) = (terms.caps, order.pinned.day) else { return Ok(earned) };
    let called_for = earned.called_for;
    if earned.cause == Cause::Returned {
        return Ok(as_if_alone(caps, earned));
    }
    if !called_for.is_positive() {
        return Ok(earned);
    }
    let mut least = Least::default();
    if let Some(most) = caps.order {
        least.lower(most, Cap::Order);
    }
    if let Some(it) = room(account, order, caps, day)? {
        least.lower(it.points, it.cap);
    }
    if let Some((room, cap)) = least.0 {
        let has = order.posted.earned.min(called_for);
        earned.called_for = called_for.min(room).max(has);
        if earned.called_for < called_for {
            let most = caps.of(cap).unwrap_or_default();
            earned.cut = Some(Cut { cap, most, called_for });
        }
    }
    Ok(earned)
}

/// A return that names no order takes no more than its lines would earn as the only order of their day, month and year (O9):
/// which others there were when they were bought is not known.
fn as_if_alone(caps: Caps, mut earned: Earned) -> Earned {
    let called_for = earned.called_for;
    let mut least = Least::default();
    for cap in Cap::ALL {
        if let Some(most) = caps.of(cap) {
            least.lower(most, cap);
        }
    }
    if let Some((most, cap)) = least.0.filter(|(most, _)| called_for < -*most) {
        earned.called_for = -most;
        earned.cut = Some(Cut { cap, most, called_for });
    }
    earned
}

/// The least room, and whose it is: of equal ones that of the first.
#[derive(Default)]
struct Least(Option<(Points, Cap)>);

impl Least {
    fn lower(&mut self, room: Points, cap: Cap) {
        if self.0.is_none_or(|(known, _)| room < known) {
            self.0 = Some((room, cap));
        }
    }
}

/// What the order is allotted from now on, if its award is posted, raised or cut: the room that it finds, unless it had less.
pub(crate) fn allotted(
    account: &Account,
    order: &Order,
    earned: &Earned,
    terms: &Terms,
) -> Result<Option<Allotted>, NeedMore> {
    let (Some(caps), Some(day)) = (terms.caps, order.pinned.day) else { return Ok(None) };
    let is_cut = earned.cut.is_some_and(|it| it.cap != Cap::Order);
    if earned.cause == Cause::Returned || !(is_cut || earned.before < earned.called_for) {
        return Ok(None);
    }
    let room = room(account, order, caps, day)?;
    let allotted = room.map(|it| Allotted { points: it.points.max(earned.called_for), ..it });
    Ok(allotted.filter(|it| order.posted.allotted.is_none_or(|known| it.points < known.points)))
}

/// What the day, the month and the year of an order leave to it, and what it was allotted before: the least of them.
fn room(account: &Account, order: &Order, caps: Caps, day: Date) -> Result<Option<Allotted>, NeedMore> {
    let mut least = Least::default();
    for cap in [Cap::Day, Cap::Month, Cap::Year] {
        if let Some(most) = caps.of(cap) {
            least.lower(most.less(used(account, cap, day)? - order.posted.earned), cap);
        }
    }
    if let Some(allotted) = order.posted.allotted {
        least.lower(allotted.points, allotted.cap);
    }
    Ok(least.0.map(|(points, cap)| Allotted { cap, points }))
}

/// What orders have earned on that day, in its month or in its year.
fn used(account: &Account, cap: Cap, day: Date) -> Result<Points, NeedMore> {
    let (first, last) = match cap {
        Cap::Order => return Ok(Points::ZERO),
        Cap::Day => (day.ordinal(), day.ordinal()),
        Cap::Month => day.month_ordinals(),
        Cap::Year => (1, u16::MAX),
    };
    let points = account.year(day.year())?.map_or(Points::ZERO, |it| it.sum(first, last).points);
    // What came back without its order frees no more room than was used.
    Ok(points.max(Points::ZERO))
}
