//! Two members are one: all that one of them has comes to the other's account (M3).
//!
//! Lots, orders and holds keep their numbers and dates; figures, caps and remainders add up; what one owes the other's points
//! pay; the higher tier stays; who is in the program as one of them is in it. What an extension keeps alive has that date from now
//! on. Bounded by
//! [`limits::MERGE_MAX`] lots and orders of the one that goes.

use crate::account::{Account, Lot};
use crate::close;
use crate::decision::{Ahead, Decided, Draft, Moment, Stop};
use crate::entry::{Bucket, Kind, LotNo, Reason};
use crate::joined::{Estate, Joined, Merged, Standing, outside, posted_of, years_of};
use crate::limits;
use crate::place::{Moves as _, Place, Placed as _, Shift};
use crate::points::Points;
use crate::program::Rules;
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;
use crate::tier;

/// Who comes to whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merger {
    /// The place that the member gets that goes; those who had been merged into it follow.
    pub place: Place,
    /// Only what came last can be told apart again.
    pub can_be_undone: bool,
    pub survivor: [u8; 16],
    pub other: [u8; 16],
}

/// What a command on two members comes to: posted together or not at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Both {
    pub survivor: Decided,
    pub other: Decided,
}

/// Moves all of `other` to `account`. Of `other` everything is loaded; both are settled, in all their programs.
///
/// # Errors
/// `Invalid`, or `NeedMore`.
pub fn merge(
    account: &Account,
    other: &Account,
    rules: Rules<'_>,
    merger: &Merger,
    moment: Moment,
) -> Result<Both, Stop> {
    if limits::MERGE_MAX < other.lots().len() + other.orders().len() {
        return Err(too_large().into());
    }
    let mut left = Ahead::of(other, rules, moment);
    let mut estate = estate_of(other);
    let points = points_in(other.lots());
    let mut draft = Draft::new(Kind::Merge, Reason::Merged { other: merger.survivor });
    for it in &points {
        draft.move_points(it.lot, it.bucket, Bucket::Moved, it.points);
        estate.balance.moved += it.points;
    }
    draft.changes.merged = Some(Box::new(Merged::Went));
    // Who was never in the program has nothing that could go, and has not been there afterwards either.
    if other.is_known() {
        left.post(draft);
    }

    let mut ahead = Ahead::of(account, rules, moment);
    let shift = Shift::Behind(merger.place);
    let mut orders = other.orders().to_vec();
    orders.move_by(shift);
    estate.move_by(shift);
    for year in &estate.years {
        ahead.account.year(year.year)?;
    }
    let mut draft = Draft::new(Kind::Merge, Reason::Merged { other: merger.other });
    points.iter().for_each(|it| draft.move_points(it.lot.moved(shift), Bucket::Moved, it.bucket, it.points));
    draft.changes.tier = tier::higher(&ahead, other.tier.as_ref()).map(Box::new);
    draft.changes.closed = close::of_both(account, other, ahead.now()).map(Box::new);
    draft.changes.merged =
        Some(Box::new(Merged::Came { estate: Box::new(estate), can_be_undone: merger.can_be_undone }));
    ahead.post(draft);
    tier::after_merge(&mut ahead)?;
    settle_ahead(&mut ahead)?;
    Ok(Both { survivor: Decided { orders, ..ahead.decided() }, other: left.decided() })
}

/// One of two members has more than a merge moves.
pub fn too_large() -> Rejection {
    invalid("other", "a member with at most 10,000 lots and orders in a program: merge the other way round")
}

/// Points of a lot that are inside an account.
pub(crate) struct Inside {
    pub(crate) lot: LotNo,
    pub(crate) bucket: Bucket,
    pub(crate) points: Points,
}

pub(crate) fn points_in<'a>(lots: impl IntoIterator<Item = &'a Lot>) -> Vec<Inside> {
    let buckets = |it: &Lot| {
        let lot = it.at.no;
        let inside = [(Bucket::Pending, it.pending), (Bucket::Available, it.available), (Bucket::Held, it.held)];
        inside.map(|(bucket, points)| Inside { lot, bucket, points })
    };
    lots.into_iter().flat_map(buckets).filter(|it| it.points.is_positive()).collect()
}

/// A lot with its dates as they stand, and nothing in it.
pub(crate) fn emptied(account: &Account, lot: &Lot) -> Lot {
    let mut emptied =
        Lot { pending: Points::ZERO, available: Points::ZERO, held: Points::ZERO, dated_by: None, ..*lot };
    // Of a certificate, other dates are those of its grace.
    emptied.graced |= lot.certificate.is_some() && lot.dated_by.is_some();
    emptied.at.expires_at = account.expires_at(lot);
    emptied
}

fn estate_of(account: &Account) -> Estate {
    let mut joined = vec![account.own_numbers()];
    joined.extend_from_slice(&account.joined);
    let mut holds = account.holds().to_vec();
    holds.sort_unstable_by_key(|it| it.no);
    Estate {
        joined,
        balance: outside(&account.balance),
        lots: account.lots().iter().map(|it| emptied(account, it)).collect(),
        holds,
        orders: posted_of(account.orders()),
        conversions: account.conversions().to_vec(),
        claims: account.claims().to_vec(),
        years: years_of(account),
        carried: account.carried.clone(),
        standing: Standing { has_begun: account.has_begun(), ..account.standing() },
    }
}

impl Estate {
    pub(crate) fn move_by(&mut self, shift: Shift) {
        for it in &mut self.joined {
            let Joined { next_lot, next_order, next_hold, .. } = *it;
            let (next_lot, next_order, next_hold) =
                (next_lot.moved(shift), next_order.moved(shift), next_hold.moved(shift));
            *it = Joined { place: next_lot.place(), next_lot, next_order, next_hold };
        }
        self.lots.move_by(shift);
        self.holds.move_by(shift);
        self.conversions.move_by(shift);
        self.claims.move_by(shift);
        for (no, posted) in &mut self.orders {
            *no = no.moved(shift);
            posted.move_by(shift);
        }
    }
}
