//! Steps with a carried remainder: at one point per 50.00, 30.00 today and 20.00 tomorrow earn 1 tomorrow (E2).
//!
//! The remainder belongs to the account: it has the steps of all that counts, divided by the step. An order that shrinks
//! gives up its own steps first, then the latest steps of other orders, at the points they were granted at; when it grows
//! again, those get theirs back first. One remainder for each step size.

use crate::account::{Account, NeedMore};
use crate::decision::{Ahead, Draft};
use crate::document::Document;
use crate::earn;
use crate::entry::{Carried, Cause, Changes, Displaced, Earned, Kind, OrderNo, Reason};
use crate::money::{Money, carry_over};
use crate::points::Points;
use crate::posted::Order;
use crate::program::{EarnMode, Terms, Timeline};

/// Posts what the change of an order's base does to the account's steps. `earned` says what the order's base is now;
/// answers it with what the order has earned in the end.
pub(crate) fn converge(
    ahead: &mut Ahead,
    order: &Order,
    document: &Document,
    mut earned: Earned,
    terms: &Terms,
    timeline: &Timeline,
) -> Result<Earned, NeedMore> {
    let per = earned.rate.per;
    let counts = if earned.cause == Cause::Rate { earned.base } else { Money::ZERO };
    let counted = counts - order.posted.counted;
    let remainder = ahead.account.carried(per);
    let (steps, rest) = carry_over(remainder, counted, per);
    earned.carried = remainder;
    let mut changes = Changes { counted, carried: Some(Carried { per, remainder: rest }), ..Changes::default() };
    if counted.is_zero() {
        return Ok(earned);
    }
    if steps < 0 {
        let own = (-steps).min(order.posted.steps);
        let others = -steps - own;
        changes.steps = -own;
        let lost = victims(&ahead.account, order.no, per, others, timeline)?;
        changes.displaced = lost.clone();
        earned.called_for = earned.before - earned.rate.points.times(own);
        post_own(ahead, order, document, earned, terms, changes)?;
        for it in lost {
            change_steps(ahead, order.no, Displaced { steps: -it.steps, ..it }, timeline)?;
        }
    } else {
        let back = displaced(&ahead.account, order, steps)?;
        let given: i64 = back.iter().map(|it| it.steps).sum();
        changes.steps = steps - given;
        for it in &back {
            change_steps(ahead, order.no, *it, timeline)?;
        }
        changes.displaced = back.iter().map(|it| Displaced { steps: -it.steps, ..*it }).collect();
        earned.called_for = earned.before + earned.rate.points.times(steps - given);
        post_own(ahead, order, document, earned, terms, changes)?;
    }
    Ok(earned)
}

/// The entry of the order itself: it is posted even when no point moves, since the remainder does.
fn post_own(
    ahead: &mut Ahead,
    order: &Order,
    document: &Document,
    earned: Earned,
    terms: &Terms,
    changes: Changes,
) -> Result<(), NeedMore> {
    if earned.before < earned.called_for {
        earn::grant(ahead, order, document, earned, terms, changes);
    } else if earned.called_for < earned.before {
        earn::take_back(ahead, order, earned, terms, changes)?;
    } else {
        let kind = if changes.counted < Money::ZERO { Kind::Revoke } else { Kind::Earn };
        let mut draft = Draft::new(kind, Reason::Earned(earned));
        draft.order = Some(order.no);
        draft.changes = changes;
        ahead.post(draft);
    }
    Ok(())
}

/// Another order gets steps back or loses them, at the points they were granted at, because `by` changed.
fn change_steps(ahead: &mut Ahead, by: OrderNo, it: Displaced, timeline: &Timeline) -> Result<(), NeedMore> {
    let other = ahead.account.order(it.order).cloned().ok_or(NeedMore)?;
    let document = other.document.clone().expect("a recorded order has a document");
    let version = timeline.version(other.pinned.version).expect("a published version is never deleted");
    let rate = version.terms.earn;
    let before = other.posted.earned;
    let earned = Earned {
        cause: Cause::StepOf(by),
        version: version.number,
        base: other.posted.counted,
        rate,
        carried: ahead.account.carried(rate.per),
        before,
        called_for: before + rate.points.times(it.steps),
    };
    let changes = Changes { steps: it.steps, ..Changes::default() };
    post_own(ahead, &other, &document, earned, &version.terms, changes)
}

/// The latest steps of other orders with that step size.
fn victims(
    account: &Account,
    own: OrderNo,
    per: Money,
    steps: i64,
    timeline: &Timeline,
) -> Result<Vec<Displaced>, NeedMore> {
    let mut left = steps;
    let mut found = Vec::new();
    let mut orders: Vec<&Order> = account.orders().iter().filter(|it| it.no != own && 0 < it.posted.steps).collect();
    orders.sort_unstable_by_key(|it| std::cmp::Reverse(it.no));
    let seen = |it: &&Order| account.horizon.orders.is_none_or(|first| first <= it.no);
    for order in orders.into_iter().filter(seen) {
        let rate = timeline.version(order.pinned.version).map(|it| it.terms.earn);
        if left == 0 || rate.is_none_or(|it| it.per != per || it.mode != EarnMode::StepsCarried) {
            continue;
        }
        let part = left.min(order.posted.steps);
        found.push(Displaced { order: order.no, steps: part });
        left -= part;
    }
    if 0 < left {
        assert!(account.horizon.orders.is_some(), "the orders must cover the account's steps");
        return Err(NeedMore);
    }
    Ok(found)
}

/// Whose steps come back first when the order gains `steps`: the last displaced, unless they have ceased to count.
fn displaced(account: &Account, order: &Order, steps: i64) -> Result<Vec<Displaced>, NeedMore> {
    let mut left = steps;
    let mut back = Vec::new();
    for it in order.posted.displaced.iter().rev() {
        if left == 0 {
            break;
        }
        if !account.order(it.order).ok_or(NeedMore)?.posted.counted.is_positive() {
            break;
        }
        let part = left.min(it.steps);
        back.push(Displaced { order: it.order, steps: part });
        left -= part;
    }
    Ok(back)
}

impl Points {
    fn times(self, steps: i64) -> Self {
        Self::new(self.get() * steps)
    }
}
