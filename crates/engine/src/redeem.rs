//! Points pay part of an order: how many it may use, taking them and giving them back.

use crate::account::NeedMore;
use crate::ask::Request;
use crate::decision::{Ahead, Draft};
use crate::document::{Document, HoldNo};
use crate::entry::{Bucket, HoldChange, HoldState, Kind, Paid, Reason};
use crate::grace::{Back, put_back};
use crate::hold::lapse;
use crate::kept::Kept;
use crate::money::{Money, value_of};
use crate::points::{Points, points_needed, points_share_up, points_whole_down};
use crate::posted::Order;
use crate::program::{PointsPart, RedeemRate, Terms};
use crate::rejection::Rejection;

/// How many points an order is to use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The figure that stands for the order as sold.
    pub(crate) asked: Points,
    /// What it comes to for what is kept.
    pub(crate) target: Points,
    /// The most that can be asked for by what it costs: for what is kept, or in proportion for what was sold.
    pub(crate) fits: Points,
    /// The most that the kept part can take.
    pub(crate) fits_kept: Points,
    /// More is asked for than was ever accepted: this can be refused.
    pub(crate) is_request: bool,
    /// What could be paid of what is kept and of what was sold, if nothing else paid for it.
    payable: Money,
    payable_sold: Money,
    part: PointsPart,
}

/// What an order is meant to use, and the highest figure that was ever accepted for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) asked: Points,
    pub(crate) accepted: Points,
}

/// What is left to pay of what is kept, and of what was sold, after the means that are used before (O8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Room {
    pub(crate) kept: Money,
    pub(crate) sold: Money,
}

impl Room {
    /// After store credit of that much, of which so much was asked for the order as sold.
    pub(crate) fn after_credit(kept: &Kept, credit: Money, asked: Money) -> Self {
        Self { kept: kept.cost.less(credit), sold: kept.cost_sold.less(asked) }
    }
}

impl Plan {
    /// Fixes the redemption from the amounts that are kept (R7, O6).
    pub(crate) fn of(
        wanted: Wanted,
        payable: Money,
        payable_sold: Money,
        room: Room,
        rate: RedeemRate,
        part: PointsPart,
    ) -> Self {
        let asked = wanted.asked;
        let fits_kept = points_needed(payable.min(room.kept), rate);
        let fits_sold = points_needed(payable_sold.min(room.sold), rate);
        // The most that can be asked for by what the order costs, and what the figure comes to for what is kept.
        let (fits, target) = match part {
            PointsPart::Stays => (fits_kept, asked.min(fits_kept)),
            PointsPart::InProportion if payable_sold.is_zero() => (Points::ZERO, Points::ZERO),
            PointsPart::InProportion => {
                let share = points_share_up(asked.min(fits_sold), payable, payable_sold);
                (fits_sold, share.min(fits_kept))
            }
        };
        let is_request = wanted.accepted < asked;
        Self { asked, target, fits, fits_kept, is_request, payable, payable_sold, part }
    }

    /// Points, where credit leaves room for them.
    pub(crate) fn of_points(
        order: &Order,
        document: &Document,
        kept: &Kept,
        room: Room,
        terms: &Terms,
        held: Points,
    ) -> Self {
        let asked = match document.redeem {
            _ if document.cancelled_at.is_some() => Points::ZERO,
            Some(points) => points,
            None if held.is_positive() => held,
            None => order.asked,
        };
        Self::of_figure(Wanted { asked, accepted: order.accepted }, kept, room, terms)
    }

    pub(crate) fn of_figure(wanted: Wanted, kept: &Kept, room: Room, terms: &Terms) -> Self {
        Self::of(wanted, kept.payable, kept.payable_sold, room, terms.redeem.rate, terms.points_part)
    }

    /// Refuses what cannot be asked for. Facts are never refused: this is for requests only.
    pub(crate) fn check<'a>(&self, request: impl FnOnce(&Self) -> Request<'a>) -> Result<(), Rejection> {
        if self.is_request { request(self).check() } else { Ok(()) }
    }

    /// The figure to ask for so that at most `points` pay for what is kept.
    pub(crate) fn to_ask_for(self, points: Points) -> Points {
        match self.part {
            PointsPart::InProportion if self.payable.is_positive() => {
                points_whole_down(points, self.payable, self.payable_sold)
            }
            PointsPart::InProportion | PointsPart::Stays => points,
        }
    }

    /// The figure that stands from now on when `redeemed` points pay for what is kept.
    pub(crate) fn standing(&self, redeemed: Points) -> Points {
        match self.part {
            PointsPart::Stays => redeemed,
            PointsPart::InProportion if redeemed < self.target => self.to_ask_for(redeemed),
            PointsPart::InProportion => self.asked.min(self.fits),
        }
    }
}

/// What `points` pay of what is kept, where store credit pays `credit` of it.
pub(crate) fn value_paid(points: Points, credit: Money, kept: &Kept, terms: &Terms) -> Money {
    value_of(points, terms.redeem.rate).min(kept.payable).min(kept.cost.less(credit))
}

/// Gives points of an order back, last taken first.
pub(crate) fn give_back(ahead: &mut Ahead<'_>, order: &Order, paid: Paid, terms: &Terms) {
    let mut left = paid.before - paid.after;
    let mut draft = Draft::new(Kind::Return, Reason::Paid(paid));
    draft.order = Some(order.no);
    for taken in order.posted.redeemed.iter().rev() {
        let points = left.min(taken.points);
        if points.is_zero() {
            break;
        }
        let back = Back { lot: taken.lot.no, from: Bucket::Redeemed, points };
        put_back(&mut draft, &ahead.account, back, terms, ahead.now());
        left -= points;
    }
    assert!(left.is_zero(), "no more returns than was taken");
    ahead.post(draft);
}

/// Takes the points that are newly asked for: those of the order's hold first, then what can be spent. The rest of
/// the hold is released. No order spends points that it granted.
pub(crate) fn take(ahead: &mut Ahead<'_>, order: &Order, paid: Paid) -> Result<(), NeedMore> {
    let own = order.posted.lot.map(|it| it.no);
    let (mut left, hold) = (paid.after - paid.before, paid.hold);
    let mut draft = Draft::new(Kind::Redeem, Reason::Paid(paid));
    draft.order = Some(order.no);
    if let Some(hold) = hold.and_then(|no| ahead.account.hold(no)) {
        for taken in &hold.taken {
            let points = if Some(taken.lot.no) == own { Points::ZERO } else { left.min(taken.points) };
            draft.move_points(taken.lot.no, Bucket::Held, Bucket::Redeemed, points);
            draft.move_points(taken.lot.no, Bucket::Held, Bucket::Available, taken.points - points);
            left -= points;
        }
        draft.hold = Some(HoldChange { no: hold.no, state: HoldState::Taken(order.no), lapses_at: hold.lapses_at });
    }
    draft.postings.extend(ahead.account.take(left, own, Bucket::Redeemed)?);
    ahead.post(draft);
    Ok(())
}

/// What a document asks for by naming a hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// The hold that the order takes over.
    pub(crate) hold: Option<HoldNo>,
    /// The points that it stands for; of a hold that has ended, those that it held: they are taken from what is there.
    pub(crate) points: Points,
}

/// The hold that the document names. One that this order has taken over, or that its last document named and that has
/// ended since, is as if none was named.
///
/// # Errors
/// `UnknownHold` or `HoldTaken`.
pub(crate) fn named_hold(ahead: &Ahead<'_>, order: &Order, document: &Document) -> Result<Named, Rejection> {
    let Some(no) = document.hold else { return Ok(Named::default()) };
    let named_before = order.document.as_deref().and_then(|it| it.hold) == Some(no);
    let hold = ahead.account.hold(no).ok_or(Rejection::UnknownHold)?;
    match hold.state {
        HoldState::Taken(by) if by == order.no => Ok(Named::default()),
        HoldState::Taken(_) => Err(Rejection::HoldTaken),
        HoldState::Ended if named_before => Ok(Named::default()),
        HoldState::Ended => Ok(Named { hold: None, points: hold.points }),
        HoldState::Active => Ok(Named { hold: Some(no), points: held_for(ahead, order, Some(no)) }),
    }
}

/// What a hold has for an order: all but the points that the order itself granted.
pub(crate) fn held_for(ahead: &Ahead<'_>, order: &Order, hold: Option<HoldNo>) -> Points {
    let own = order.posted.lot.map(|it| it.no);
    let hold = hold.and_then(|no| ahead.account.hold(no));
    hold.map_or(Points::ZERO, |it| it.taken.iter().filter(|it| Some(it.lot.no) != own).map(|it| it.points).sum())
}

/// What could be spent if the order used no points: what it redeems and what its hold reserves counts, what it granted does
/// not. So it does not matter whether an order asks at once or in steps.
pub(crate) fn balance_without(ahead: &Ahead<'_>, order: &Order, hold: Option<HoldNo>) -> Points {
    let own = order.posted.lot.map(|it| it.no);
    ahead.account.spendable(own) + held_for(ahead, order, hold) + order.posted.redeemed()
}

/// Ends a hold that the order names but does not need.
pub(crate) fn drop_hold(ahead: &mut Ahead<'_>, order: &Order, no: HoldNo, paid: Paid) {
    let draft = lapse(ahead.account.hold(no).expect("the named hold is loaded"));
    ahead.post(Draft { order: Some(order.no), actor: None, reason: Reason::Paid(paid), ..draft });
}
