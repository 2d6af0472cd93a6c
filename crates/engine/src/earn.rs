//! What an order earns, granting it, and taking it back.

use std::sync::Arc;

use crate::account::{Lot, NeedMore};
use crate::award::Award;
use crate::budget::{self, Budgets};
use crate::cap;
use crate::carry;
use crate::convert::undo_latest;
use crate::decision::{Ahead, Draft};
use crate::document::Document;
use crate::entry::{Bucket, Cause, Changes, Earned, Kind, LotNo, LotOpened, LotRef, Reason};
use crate::figures;
use crate::grace::{Back, grace, put_back};
use crate::kept::Kept;
use crate::money::{Money, carry_over};
use crate::place::Placed;
use crate::points::{Points, points_for};
use crate::posted::{Order, Source};
use crate::program::{EarnMode, Shortfall, Terms};
use crate::settle::release;

/// What the kept part calls for, rounded once, whether it became smaller by an edit or a refund (E1, E3, E4, O1). Where
/// remainders are carried, other orders have a say: then it answers what was earned so far, and `carry` does the rest.
pub(crate) fn called_for(
    order: &Order,
    document: &Document,
    kept: &Kept,
    paid: Money,
    terms: &Terms,
    budgets: &Budgets,
) -> Earned {
    let cause = if !order.pinned.on {
        Cause::ProgramOff
    } else if order.pinned.closed && !document.is_return {
        Cause::Closed
    } else if !terms.applies_to(document) {
        Cause::OrderType
    } else if terms.earning.excludes(order.pinned.customer_type) {
        Cause::CustomerType
    } else if document.cancelled_at.is_some() {
        Cause::Cancelled
    } else if document.is_return {
        Cause::Returned
    } else if document.reached(terms.grant_on).is_none() {
        Cause::Waits(terms.grant_on)
    } else {
        Cause::Rate
    };
    let before = order.posted.earned;
    let (base, points, worked) = if terms.earning.is_used() {
        let award = Award::of(order, document, kept, paid, terms);
        let worked = award.work_out(order, steps_of(order, document, award.base, terms), budgets);
        (award.base, worked.points, Some(Arc::new(worked)))
    } else {
        let base = kept.earning_base(paid, terms);
        (base, points_for(base, terms.earn), None)
    };
    let called_for = match (cause, terms.earn.mode) {
        (Cause::Returned, _) => -points,
        (_, EarnMode::StepsCarried) if !document.is_return => before,
        (Cause::Rate, _) => points,
        (_, _) => Points::ZERO,
    };
    Earned {
        cause,
        version: order.pinned.version,
        base,
        rate: terms.earn,
        tier: terms.earning.tier.clone(),
        carried: Money::ZERO,
        before,
        called_for,
        cut: None,
        worked,
    }
}

/// Whether what an order earns, or what of it counts towards carried steps, differs from what was posted.
pub(crate) fn moves(earned: &Earned, order: &Order, terms: &Terms) -> bool {
    let counts = if earned.cause == Cause::Rate { earned.base } else { Money::ZERO };
    let carries = earned.rate.mode == EarnMode::StepsCarried;
    earned.called_for != earned.before || (carries && (terms.earning.is_used() || counts != order.posted.counted))
}

/// The carried steps that an order has: of a return, which has no part in the remainder, the full steps of its own.
fn steps_of(order: &Order, document: &Document, base: Money, terms: &Terms) -> i64 {
    if document.is_return && terms.earn.mode == EarnMode::StepsCarried {
        return carry_over(Money::ZERO, base, terms.earn.per).0;
    }
    order.posted.steps
}

/// The dates of an order's own lot: validity counts from the day the points can be spent (E11, X1).
fn dates(no: LotNo, document: &Document, terms: &Terms) -> Option<LotRef> {
    let earned_at = document.reached(terms.grant_on)?;
    let available_at = match terms.waiting_days {
        0 => earned_at,
        days => terms.zone.days_later(earned_at, days),
    };
    Some(LotRef { no, earned_at, available_at, expires_at: terms.validity.ends(available_at, &terms.zone) })
}

/// Gives the order's own lot the dates of the document, unless they have passed: paid again means valid anew. Points that
/// have become available do not wait again, and what has passed is not revived, except where all that the order granted
/// had been taken back from its lot: then nothing speaks against the document's dates. What has waited long enough by these is
/// released before the order earns more: the points of a lot become available together.
fn redate(ahead: &mut Ahead<'_>, order: &Order, document: &Document, terms: &Terms) {
    let Some(lot) = own(ahead, order) else { return };
    let Some(mut wanted) = dates(lot.at.no, document, terms) else { return };
    let is_own = |source: Source| matches!(source, Source::Lot(it) if it.no == lot.at.no);
    let is_unused = order.posted.earned.is_zero() && order.posted.taken_back.iter().all(|it| is_own(it.source));
    if lot.at.available_at <= ahead.now() && !is_unused {
        wanted.available_at = lot.at.available_at;
    }
    let is_untouched = is_unused && lot.is_empty() && lot.gone().is_zero();
    // What activity keeps alive never gets an earlier date.
    if ahead.account.is_extended(lot, ahead.now()) {
        wanted.expires_at = wanted.expires_at.max(lot.at.expires_at);
    }
    let has_passed = ahead.account.expires_at(lot) <= ahead.now();
    // The document says what it said before, and staff have moved the lot since.
    let is_moved = |it: LotRef| it.expires_at == wanted.expires_at && it.expires_at != lot.at.expires_at;
    if wanted == lot.at || (has_passed && !is_untouched) || (!has_passed && order.posted.lot.is_some_and(is_moved)) {
        return;
    }
    let mut draft = Draft::new(Kind::Redate, Reason::Due);
    draft.order = Some(order.no);
    draft.dated.push(wanted);
    let (no, now) = (lot.at.no, ahead.now());
    ahead.post(draft);
    if let Some(draft) = release(&ahead.account, &[no], now) {
        ahead.post_at(now, draft);
    }
}

/// Posts the difference between what the order calls for and what it has earned; answers what it has earned then.
pub(crate) fn converge(
    ahead: &mut Ahead<'_>,
    order: &Order,
    document: &Document,
    earned: Earned,
    terms: &Terms,
) -> Result<Earned, NeedMore> {
    if earned.cause == Cause::Rate {
        redate(ahead, order, document, terms);
    }
    if terms.earn.mode == EarnMode::StepsCarried && !document.is_return {
        return carry::converge(ahead, order, document, earned, terms);
    }
    let allotted = cap::allotted(&ahead.account, order, &earned, terms)?;
    let budgets = budget::changes(order, &earned);
    let changes = Changes { allotted, budgets, ..Changes::default() };
    let is_bounded = changes.allotted.is_some() || !changes.budgets.is_empty();
    if is_bounded || earned.before != earned.called_for || figures::is_new(order, &earned, terms) {
        post(ahead, order, document, earned.clone(), terms, changes)?;
    }
    Ok(earned)
}

/// The entry of an order: it is posted even when no point moves, since something else does that `changes` say.
pub(crate) fn post(
    ahead: &mut Ahead<'_>,
    order: &Order,
    document: &Document,
    earned: Earned,
    terms: &Terms,
    changes: Changes,
) -> Result<(), NeedMore> {
    if earned.before < earned.called_for {
        grant(ahead, order, document, earned, terms, changes);
    } else if earned.called_for < earned.before {
        take_back(ahead, order, earned, terms, changes)?;
    } else {
        let mut changes = changes;
        figures::count(&mut changes, order, &earned, terms);
        let shrinks = changes.counted.min(changes.spent) < Money::ZERO;
        let kind = if shrinks { Kind::Revoke } else { Kind::Earn };
        let mut draft = Draft::new(kind, Reason::Earned(earned));
        draft.order = Some(order.no);
        draft.changes = changes;
        ahead.post(draft);
    }
    Ok(())
}

/// Grants what is called for above what was earned: first the order's own take-backs are undone, last first; what is
/// left joins its own lot.
fn grant(ahead: &mut Ahead<'_>, order: &Order, document: &Document, earned: Earned, terms: &Terms, changes: Changes) {
    let points = earned.called_for - earned.before;
    let mut changes = Changes { earned: points, ..changes };
    figures::count(&mut changes, order, &earned, terms);
    let mut draft = Draft::new(Kind::Earn, Reason::Earned(earned));
    draft.order = Some(order.no);
    draft.changes = changes;
    let Fresh { mut fresh, debt } = undo(&mut draft, ahead, order, points, terms);
    match own(ahead, order) {
        Some(lot) if ahead.account.expires_at(lot) <= ahead.now() && debt.is_positive() && 0 < terms.grace_days => {
            let lot = grace(&mut draft, &ahead.account, order.no.place(), terms, ahead.now());
            draft.move_points(lot, Bucket::Issued, Bucket::Available, debt);
        }
        Some(_) | None => fresh += debt,
    }
    if fresh.is_positive() {
        let lot = own_lot(&mut draft, ahead, order, document, terms);
        let bucket = own_bucket(ahead, lot, terms);
        draft.move_points(lot.no, Bucket::Issued, bucket, fresh);
    }
    ahead.post(draft);
}

/// What is to be granted anew when the take-backs are undone.
struct Fresh {
    /// What was never granted.
    fresh: Points,
    /// What other points had paid as a debt of this order.
    debt: Points,
}

/// Undoes take-backs worth up to `points`.
fn undo(draft: &mut Draft, ahead: &Ahead<'_>, order: &Order, points: Points, terms: &Terms) -> Fresh {
    let own = order.posted.lot;
    let mut left = points;
    let mut debt = Points::ZERO;
    for part in order.posted.taken_back.iter().rev() {
        let points = left.min(part.points);
        if points.is_zero() {
            break;
        }
        left -= points;
        draft.changes.undone += points;
        match part.source {
            Source::LetGo => draft.changes.let_go -= points,
            Source::Expired => draft.changes.expired -= points,
            Source::Owed => {
                let still_owed = points.min(ahead.account.balance.owed + draft.changes.owed);
                draft.changes.owed -= still_owed;
                // Other points have paid the rest of this debt: it is granted anew.
                debt += points - still_owed;
            }
            Source::Lot(lot) if own.is_some_and(|it| it.no == lot.no) => {
                let now = ahead.account.lot(lot.no).expect("the lots of an order are loaded with it");
                draft.move_points(lot.no, Bucket::Revoked, own_bucket(ahead, now.at, terms), points);
            }
            Source::Lot(lot) => {
                let back = Back { lot: lot.no, from: Bucket::Revoked, points };
                put_back(draft, &ahead.account, back, terms, ahead.now());
            }
        }
    }
    Fresh { fresh: left, debt }
}

fn own_lot(draft: &mut Draft, ahead: &Ahead<'_>, order: &Order, document: &Document, terms: &Terms) -> LotRef {
    if let Some(lot) = own(ahead, order) {
        return lot.at;
    }
    let no = draft.next_lot(&ahead.account, order.no.place());
    let lot = dates(no, document, terms).expect("only an order that reached its milestone earns");
    draft.opened.push(LotOpened { order: Some(order.no), ..LotOpened::plain(lot) });
    lot
}

/// The order's own lot, if it has one.
fn own<'a>(ahead: &'a Ahead<'_>, order: &Order) -> Option<&'a Lot> {
    let lot = order.posted.lot?;
    Some(ahead.account.lot(lot.no).expect("the lots of an order are loaded with it"))
}

/// Where new points of a lot go. Those of one lot become available together: a lot that has spendable points, in a hold or
/// out of it, does not wait.
fn own_bucket(ahead: &Ahead<'_>, lot: LotRef, terms: &Terms) -> Bucket {
    let is_open = |it: &Lot| (it.available + it.held).is_positive();
    let waits = 0 < terms.waiting_days && ahead.now() < lot.available_at;
    if waits && !ahead.account.lot(lot.no).is_some_and(is_open) { Bucket::Pending } else { Bucket::Available }
}

/// How many of so many points a take-back finds without undoing conversions.
fn within_reach(ahead: &Ahead<'_>, order: &Order, points: Points) -> Points {
    let own = own(ahead, order);
    let mine = own.map_or(Points::ZERO, |it| it.pending + it.available + it.gone().less(order.posted.expired()));
    mine.min(points) + ahead.account.spendable(own.map(|it| it.at.no)).min(points - mine.min(points))
}

/// Takes back what was earned above what is called for: what of the order's own points has expired or was forfeited (counts
/// as taken), its waiting ones, its spendable ones, then others, for which conversions may be undone (C8). What is not there is
/// owed or let go (O2, O5).
fn take_back(
    ahead: &mut Ahead<'_>,
    order: &Order,
    earned: Earned,
    terms: &Terms,
    changes: Changes,
) -> Result<(), NeedMore> {
    let points = earned.before - earned.called_for;
    let reach = within_reach(ahead, order, points);
    if reach < points {
        let or_none = terms.shortfall == Shortfall::AllOrNothing;
        undo_latest(ahead, order.no, points - reach, or_none, terms)?;
    }
    let own = own(ahead, order);
    let own_no = own.map(|it| it.at.no);
    let expired = own.map_or(Points::ZERO, Lot::gone).less(order.posted.expired()).min(points);
    let pending = own.map_or(Points::ZERO, |it| it.pending).min(points - expired);
    let available = own.map_or(Points::ZERO, |it| it.available).min(points - expired - pending);
    let wanted = points - expired - pending - available;
    let others = wanted.min(ahead.account.spendable(own_no));
    // Held points are there, but out of reach: whatever the policy, they are owed until their hold ends.
    let held = (wanted - others).min(ahead.account.balance.held);
    let missing = wanted - others - held;

    let mut changes = Changes { earned: -points, ..changes };
    figures::count(&mut changes, order, &earned, terms);
    let mut draft = Draft::new(Kind::Revoke, Reason::Earned(earned));
    draft.order = Some(order.no);
    draft.changes = changes;
    if missing.is_positive() && terms.shortfall == Shortfall::AllOrNothing {
        // Nothing is taken, but what has expired is gone all the same: only the rest stays uncollected.
        draft.changes.expired = expired;
        draft.changes.let_go = points - expired;
        ahead.post(draft);
        return Ok(());
    }
    if let Some(no) = own_no {
        draft.move_points(no, Bucket::Pending, Bucket::Revoked, pending);
        draft.move_points(no, Bucket::Available, Bucket::Revoked, available);
    }
    draft.changes.expired = expired;
    draft.postings.extend(ahead.account.take(others, own_no, Bucket::Revoked)?);
    draft.changes.owed = held;
    match terms.shortfall {
        Shortfall::Owe => draft.changes.owed += missing,
        Shortfall::AllOrNothing | Shortfall::TakeWhatIsThere => draft.changes.let_go = missing,
    }
    ahead.post(draft);
    Ok(())
}
