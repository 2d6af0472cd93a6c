//! Staff give back points that have expired (X5): as a lot of their own, and no more than what has expired.
//!
//! Points of an order that counted as taken back when it shrank are not there to be given back: the order would have them
//! twice. Bounded by the lots of the account that have expired points.

use crate::account::{Account, Lot};
use crate::adjust::check_note;
use crate::calendar::Timestamp;
use crate::close::check_open;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::entry::{Bucket, Kind, LotNo, LotOpened, LotRef, Reason};
use crate::limits;
use crate::place::Placed;
use crate::points::Points;
use crate::program::Rules;
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;

/// Points that have expired and are to be there again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reinstatement {
    pub points: Points,
    /// Of which lot; left out, of those that expired last.
    pub lot: Option<LotNo>,
    /// The first instant at which they are gone again: left out, after the days of grace, or as the program says without.
    pub expires_at: Option<Timestamp>,
    pub note: String,
}

/// Gives expired points back. All lots that have any, or the one that is named, are loaded with their orders. Works while
/// the program is off.
///
/// # Errors
/// `Invalid`, `UnknownProgram` before the first version, or `ExceedsExpired`.
pub fn reinstate(account: &Account, rules: Rules<'_>, it: &Reinstatement, moment: Moment) -> Decision {
    if !it.points.is_positive() || limits::POINTS_MAX < it.points {
        return Err(invalid("points", "1 to 1,000,000,000,000 points").into());
    }
    check_note(&it.note)?;
    let is_in_limits = |at: Timestamp| at.is_in_limits() || at == Timestamp::NEVER;
    if it.expires_at.is_some_and(|at| at <= moment.now || !is_in_limits(at)) {
        return Err(invalid("expires_at", "a time ahead, up to the year 2500").into());
    }
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    check_open(&ahead.account)?;
    let now = ahead.now();
    let terms = &rules.timeline.at(now).ok_or(Rejection::UnknownProgram)?.terms;
    let expires_at = it.expires_at.unwrap_or_else(|| match terms.grace_days {
        0 => terms.validity.ends(now, &terms.zone),
        days => terms.zone.end_of(terms.zone.date_of(now).plus_days(i32::from(days))),
    });
    if expires_at <= now {
        return Err(invalid("expires_at", "a time ahead: the program's own last day has passed").into());
    }

    let mut expired: Vec<(Timestamp, LotNo, Points)> = ahead
        .account
        .lots()
        .iter()
        .filter(|lot| it.lot.is_none_or(|no| no == lot.at.no))
        .map(|lot| (ahead.account.expires_at(lot), lot.at.no, left(&ahead.account, lot)))
        .filter(|it| it.2.is_positive())
        .collect();
    expired.sort_unstable_by(|a, b| b.cmp(a));
    let there = expired.iter().map(|it| it.2).sum();
    if there < it.points {
        return Err(Rejection::ExceedsExpired { there }.into());
    }
    let no = ahead.account.next_lot_of(it.lot.map_or(rules.under, Placed::place));
    let lot = LotRef { no, earned_at: now, available_at: now, expires_at };
    let mut draft = Draft::new(Kind::Reinstate, Reason::Note(it.note.clone()));
    draft.opened.push(LotOpened::plain(lot));
    let mut left = it.points;
    for (_, from, points) in expired {
        let points = points.min(left);
        draft.move_points(from, Bucket::Expired, Bucket::Moved, points);
        left -= points;
    }
    draft.move_points(no, Bucket::Moved, Bucket::Available, it.points);
    ahead.post(draft);
    settle_ahead(&mut ahead)?;
    Ok(ahead.decided())
}

/// What of a lot has expired and does not count as taken back.
fn left(account: &Account, lot: &Lot) -> Points {
    let order = lot.order.filter(|_| lot.expired.is_positive());
    let order = order.map(|no| account.order(no).expect("the orders of expired lots are loaded with them"));
    lot.expired.less(order.map_or(Points::ZERO, |it| it.posted.expired()))
}
