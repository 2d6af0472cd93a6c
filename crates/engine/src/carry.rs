//! Steps with a carried remainder: at one point per 50.00, 30.00 today and 20.00 tomorrow earn 1 tomorrow (E2).
//!
//! The remainder belongs to the account: it has the steps of all that counts, divided by the step. An order that shrinks
//! gives up its own steps first, then the latest steps of other orders, at the points they were granted at; it never
//! keeps more steps than it has begun. What that did to other orders it remembers, and undoes first when it grows again.
//! One remainder for each step size.

use std::sync::Arc;

use crate::account::{Account, NeedMore};
use crate::award::{Award, Worked};
use crate::budget::Budgets;
use crate::decision::{Ahead, Draft};
use crate::document::Document;
use crate::earn;
use crate::entry::{Carried, Cause, Changes, Displaced, Earned, Kind, OrderNo, Reason};
use crate::figures;
use crate::kept::Kept;
use crate::money::{Money, carry_over, steps_begun};
use crate::points::Points;
use crate::posted::Order;
use crate::program::{EarnMode, Terms, Timeline};
use crate::redeem::value_paid;
use crate::used::standing;

/// Posts what the change of an order's base does to the account's steps. `earned` says what the order's base is now;
/// answers it with what the order has earned in the end.
pub(crate) fn converge(
    ahead: &mut Ahead<'_>,
    order: &Order,
    document: &Document,
    mut earned: Earned,
    terms: &Terms,
) -> Result<Earned, NeedMore> {
    let timeline = ahead.rules.timeline;
    let per = earned.rate.per;
    let counts = if earned.cause == Cause::Rate { earned.base } else { Money::ZERO };
    let counted = counts - order.posted.counted;
    earned.carried = ahead.account.carried(per);
    let (steps, remainder) = carry_over(earned.carried, counted, per);
    let sharing = Sharing::new(&ahead.account, order, counts, per, timeline);
    let shared = if counted.is_zero() { Shared::as_is(order) } else { sharing.share(steps)? };
    call_for(&mut earned, order, shared.own, terms);
    if counted.is_zero() && earned.called_for == earned.before {
        return Ok(earned);
    }
    let changes = Changes {
        counted,
        steps: shared.own - order.posted.steps,
        carried: Some(Carried { per, remainder }),
        displaced: (shared.displaced != order.posted.displaced).then_some(shared.displaced),
        ..Changes::default()
    };
    let loses = |it: &&(OrderNo, i64)| it.1 < 0;
    for (no, steps) in shared.others.iter().filter(|it| !loses(it)) {
        change_steps(ahead, order.no, *no, *steps)?;
    }
    earn::post(ahead, order, document, earned.clone(), terms, changes)?;
    for (no, steps) in shared.others.iter().filter(loses) {
        change_steps(ahead, order.no, *no, *steps)?;
    }
    Ok(earned)
}

/// What an order calls for that has so many steps: at its rate, times what multiplies them, with what promotions add.
fn call_for(earned: &mut Earned, order: &Order, steps: i64, terms: &Terms) {
    let earns = matches!(earned.cause, Cause::Rate | Cause::StepOf(_));
    earned.called_for = match &mut earned.worked {
        Some(worked) => {
            let worked = Arc::make_mut(worked);
            worked.carry(steps, terms);
            if earns { worked.points } else { Points::ZERO }
        }
        None => earned.before + earned.rate.points.times(steps - order.posted.steps),
    };
}

/// Who has which steps while one order changes.
struct Sharing<'a> {
    account: &'a Account,
    order: &'a Order,
    /// What of the order counts now.
    counts: Money,
    per: Money,
    /// The other orders with that step size, latest first, as far as they are loaded without gaps.
    others: Vec<&'a Order>,
}

/// How the steps are shared afterwards.
struct Shared {
    own: i64,
    /// Steps that other orders gain or lose.
    others: Vec<(OrderNo, i64)>,
    displaced: Vec<Displaced>,
}

impl<'a> Sharing<'a> {
    fn new(account: &'a Account, order: &'a Order, counts: Money, per: Money, timeline: &Timeline) -> Self {
        let carries = |it: &&Order| carries(it, per, timeline);
        let seen = |it: &&Order| account.horizon.orders.is_none_or(|first| first <= it.no);
        let orders = account.orders().iter().map(|it| &**it);
        let mut others: Vec<&Order> = orders.filter(|it| it.no != order.no).filter(seen).filter(carries).collect();
        others.sort_unstable_by_key(|it| std::cmp::Reverse(it.no));
        Self { account, order, counts, per, others }
    }

    /// Shares out `steps` more (or fewer) steps: what the order did to others is undone first as far as it grows; the rest
    /// is its own, and what it cannot give up or keep concerns others, latest first.
    fn share(&self, steps: i64) -> Result<Shared, NeedMore> {
        let room = steps_begun(self.counts, self.per);
        let mut shared =
            Shared { own: self.order.posted.steps, others: Vec::new(), displaced: self.order.posted.displaced.clone() };
        let mut steps = steps;
        if self.order.posted.counted < self.counts {
            self.undo(&mut shared, &mut steps, room)?;
        }
        shared.own += steps;
        let over = shared.own - shared.own.clamp(0, room);
        shared.own -= over;
        self.pass_on(&mut shared, over)?;
        let counts = self.counts;
        shared.displaced.retain(|it| it.steps != 0 && counts < it.level);
        Ok(shared)
    }

    fn undo(&self, shared: &mut Shared, steps: &mut i64, room: i64) -> Result<(), NeedMore> {
        let mut displaced = std::mem::take(&mut shared.displaced);
        for it in displaced.iter_mut().rev() {
            let other = self.account.order(it.order).ok_or(NeedMore)?;
            let has = other.posted.steps + shared.gained(it.order);
            let part = if 0 < it.steps {
                it.steps.min(*steps).min(steps_begun(other.posted.counted, self.per) - has).max(0)
            } else {
                it.steps.max(-has).max(shared.own - room).min(0)
            };
            it.steps -= part;
            shared.change(it.order, part);
            if 0 < part {
                *steps -= part;
            } else {
                shared.own -= part;
            }
        }
        shared.displaced = displaced;
        Ok(())
    }

    /// Steps that the order cannot keep (or, below zero, cannot give up itself) go to (or come from) the latest others.
    fn pass_on(&self, shared: &mut Shared, over: i64) -> Result<(), NeedMore> {
        let mut left = over;
        for other in &self.others {
            if left == 0 {
                break;
            }
            let has = other.posted.steps + shared.gained(other.no);
            let room = steps_begun(other.posted.counted, self.per) - has;
            let part = if 0 < left { left.min(room).max(0) } else { left.max(-has).min(0) };
            if part != 0 {
                shared.change(other.no, part);
                shared.displaced.push(Displaced {
                    order: other.no,
                    steps: -part,
                    level: self.order.posted.counted.max(self.counts + Money::new(1)),
                });
                left -= part;
            }
        }
        if left != 0 {
            assert!(self.account.horizon.orders.is_some(), "the orders cover the account's steps");
            return Err(NeedMore);
        }
        Ok(())
    }
}

/// Whether an order shares in the remainder of that step.
pub(crate) fn carries(order: &Order, per: Money, timeline: &Timeline) -> bool {
    let rate = timeline.version(order.pinned.version).map(|it| it.terms.under(order.pinned.tier).earn);
    rate.is_some_and(|it| it.per == per && it.mode == EarnMode::StepsCarried)
}

/// Where less than nothing is carried, since two accounts that were one have completed steps together: the latest orders give
/// up theirs, and what counts of them is carried.
pub(crate) fn give_up(ahead: &mut Ahead<'_>) -> Result<(), NeedMore> {
    let short: Vec<Carried> = ahead.account.carried.iter().filter(|it| it.remainder < Money::ZERO).copied().collect();
    for Carried { per, remainder } in short {
        let (steps, left) = carry_over(Money::ZERO, remainder, per);
        let timeline = ahead.rules.timeline;
        let seen = |it: &&Arc<Order>| ahead.account.horizon.orders.is_none_or(|first| first <= it.no);
        let orders = ahead.account.orders().iter().filter(seen).filter(|it| carries(it, per, timeline));
        let mut having: Vec<(OrderNo, i64)> = orders.map(|it| (it.no, it.posted.steps)).collect();
        having.sort_unstable_by(|a, b| b.cmp(a));
        let mut missing = -steps;
        for (no, has) in having {
            let part = missing.min(has);
            change_steps(ahead, no, no, -part)?;
            missing -= part;
        }
        if missing != 0 {
            assert!(ahead.account.horizon.orders.is_some(), "the orders cover the account's steps");
            return Err(NeedMore);
        }
        let mut draft = Draft::new(Kind::Unmerge, Reason::Due);
        draft.changes.carried = Some(Carried { per, remainder: left });
        ahead.post(draft);
    }
    Ok(())
}

impl Shared {
    /// Nothing that counts has changed.
    fn as_is(order: &Order) -> Self {
        Self { own: order.posted.steps, others: Vec::new(), displaced: order.posted.displaced.clone() }
    }

    fn gained(&self, order: OrderNo) -> i64 {
        self.others.iter().filter(|it| it.0 == order).map(|it| it.1).sum()
    }

    fn change(&mut self, order: OrderNo, steps: i64) {
        match self.others.iter_mut().find(|it| it.0 == order) {
            Some(known) => known.1 += steps,
            None => self.others.push((order, steps)),
        }
    }
}

/// Another order gains or loses steps, at the points that it grants for one, because `by` changed.
fn change_steps(ahead: &mut Ahead<'_>, by: OrderNo, no: OrderNo, steps: i64) -> Result<(), NeedMore> {
    let timeline = ahead.rules.timeline;
    if steps == 0 {
        return Ok(());
    }
    let other = ahead.account.order(no).cloned().ok_or(NeedMore)?;
    let document = other.document.clone().expect("a recorded order has a document");
    let version = timeline.version(other.pinned.version).expect("a published version is never deleted");
    let terms = version.terms.under(other.pinned.tier);
    let rate = terms.earn;
    let before = other.posted.earned;
    let mut earned = Earned {
        cause: Cause::StepOf(by),
        version: version.number,
        base: other.posted.counted,
        rate,
        tier: terms.earning.tier.clone(),
        carried: ahead.account.carried(rate.per),
        before,
        called_for: before,
        cut: None,
        worked: worked(&other, &document, terms),
    };
    call_for(&mut earned, &other, other.posted.steps + steps, terms);
    let changes = Changes { steps, ..Changes::default() };
    figures::check_loaded(&ahead.account, &other)?;
    earn::post(ahead, &other, &document, earned, terms, changes)
}

/// How the award of another order comes about, where its program has more than its own rate.
fn worked(order: &Order, document: &Document, terms: &Terms) -> Option<Arc<Worked>> {
    if !terms.earning.is_used() {
        return None;
    }
    let kept = standing(order, Kept::under(document, &order.returned, terms), None);
    let paid = value_paid(order.posted.redeemed(), order.posted.credit(), &kept, terms);
    Some(Arc::new(Award::of(order, document, &kept, paid, terms).work_out(order, order.posted.steps, Budgets::NONE)))
}

impl Points {
    pub(crate) fn times(self, steps: i64) -> Self {
        Self::new(self.get() * steps)
    }
}
