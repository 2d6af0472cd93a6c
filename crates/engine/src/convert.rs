//! Points become store credit by themselves, and are taken back from it (C1, C8).
//!
//! Each time so many points are there, they become so much credit, soonest-expiring first. Credit is a ledger of its own, that
//! of the owner in one currency: an account whose points are minor units of money. Each conversion is a lot there, so
//! that it is known of which credit nothing is spent: what a take-back lacks is found by undoing whole ones, latest first.

use crate::account::{Account, NeedMore, Taken};
use crate::calendar::Timestamp;
use crate::decision::{Ahead, Draft};
use crate::entry::{Actor, Bucket, Converted, CreditPart, Kind, LotNo, LotOpened, LotRef, OrderNo, Reason};
use crate::grace::{Back, put_back};
use crate::limits;
use crate::money::Money;
use crate::points::{Points, times_up, whole_times};
use crate::posted::Order;
use crate::program::{ConvertRate, Terms};

/// The owner's store credit in one currency, as one program's account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purse {
    /// The number of that program, for the reasons of entries.
    pub program: u32,
    /// Its points are minor units; its lots never expire, so that the oldest are spent first.
    pub credit: Account,
}

/// Points that became store credit, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The lot of credit that it made.
    pub credit: LotRef,
    pub rate: ConvertRate,
    /// The points that were converted and not given back, in the order in which they were taken.
    pub taken: Vec<Taken>,
}

impl Purse {
    /// What can be spent.
    pub fn available(&self) -> Money {
        Money::new(self.credit.balance.available.get())
    }
}

impl ConvertRate {
    fn credit_of(self, times: i64) -> Points {
        Points::new(self.credit.minor()).times(times)
    }
}

impl Account {
    /// The owner's credit, which a rule that needs it has loaded.
    pub(crate) fn purse(&self) -> Result<&Purse, NeedMore> {
        self.purse.as_deref().ok_or(NeedMore)
    }
}

/// Converts what is there, if anything became available since this was last asked. At the terms of that instant; not while
/// the program is off.
pub(crate) fn convert(ahead: &mut Ahead<'_>, at: Timestamp) -> Result<(), NeedMore> {
    if !ahead.rules.timeline.converts() || ahead.account.closed().is_some() {
        return Ok(());
    }
    let new = &ahead.entries[ahead.looked_at..];
    let is_new = new.iter().flat_map(|it| &it.postings).any(|it| it.to == Bucket::Available);
    ahead.looked_at = ahead.entries.len();
    let at = at.max(ahead.account.last_at);
    let timeline = ahead.rules.timeline;
    let terms = timeline.at(at).filter(|_| is_new && timeline.is_on(at));
    let Some(rate) = terms.and_then(|it| it.terms.convert) else { return Ok(()) };
    let purse = &ahead.account.purse()?.credit;
    let room = Points::new(limits::CREDIT_MAX.minor()).less(purse.balance.issued);
    let fits = whole_times(room, Points::new(rate.credit.minor()));
    let times = whole_times(ahead.account.balance.available, rate.points).min(fits);
    if times == 0 {
        return Ok(());
    }
    let lot = LotRef { no: purse.next_lot, earned_at: at, available_at: at, expires_at: Timestamp::NEVER };
    let amount = rate.credit_of(times);
    let mut draft = Draft::new(Kind::Convert, Reason::Due);
    draft.actor = Some(Actor::System);
    draft.postings = ahead.account.take(rate.points.times(times), None, Bucket::Converted)?;
    draft.changes.converted = Some(Converted { rate, times });
    draft.changes.credit = vec![CreditPart { lot, amount: Money::new(amount.get()) }];
    ahead.post_at(at, draft);
    ahead.looked_at = ahead.entries.len();
    let mut draft = Draft::new(Kind::Convert, Reason::Due);
    draft.actor = Some(Actor::System);
    draft.opened.push(LotOpened::plain(lot));
    draft.move_points(lot.no, Bucket::Issued, Bucket::Available, amount);
    ahead.post_credit(at, draft);
    Ok(())
}

/// So often a conversion can be undone.
struct Undo {
    credit: LotNo,
    times: i64,
}

/// Undoes what holds points of an order and is unspent, before the order changes: it is converted again in the end, and so
/// an order ends as its last document, whatever was converted in between.
pub(crate) fn undo_own(ahead: &mut Ahead<'_>, order: &Order, terms: &Terms) -> Result<(), NeedMore> {
    let Some(own) = order.posted.lot.map(|it| it.no) else { return Ok(()) };
    let is_own = |it: &Conversion| it.taken.iter().any(|it| it.lot.no == own);
    for undo in unspent(&ahead.account, is_own, None)? {
        undo_times(ahead, Some(order.no), &undo, terms);
    }
    Ok(())
}

/// Undoes what is unspent of the conversions that fit, for no order.
pub(crate) fn undo_where(
    ahead: &mut Ahead<'_>,
    fits: impl Fn(&Conversion) -> bool,
    terms: &Terms,
) -> Result<(), NeedMore> {
    for undo in unspent(&ahead.account, fits, None)? {
        undo_times(ahead, None, &undo, terms);
    }
    Ok(())
}

/// Undoes whole conversions of which nothing is spent, latest first, until so many points are back: if there are not as
/// many, then `or_none` does nothing (C8).
pub(crate) fn undo_latest(
    ahead: &mut Ahead<'_>,
    order: OrderNo,
    points: Points,
    or_none: bool,
    terms: &Terms,
) -> Result<(), NeedMore> {
    let undos = unspent(&ahead.account, |_| true, Some(points))?;
    let back = |it: &Undo| conversion(&ahead.account, it.credit).rate.points.times(it.times);
    if or_none && undos.iter().map(back).sum::<Points>() < points {
        return Ok(());
    }
    for undo in undos {
        undo_times(ahead, Some(order), &undo, terms);
    }
    Ok(())
}

/// The conversions that fit and are unspent, latest first, up to so many points. What has no unspent credit behind it is not
/// looked at.
fn unspent(
    account: &Account,
    fits: impl Fn(&Conversion) -> bool,
    wanted: Option<Points>,
) -> Result<Vec<Undo>, NeedMore> {
    if account.balance.converted.is_zero() {
        return Ok(Vec::new());
    }
    let purse = &account.purse()?.credit;
    let mut credit = purse.balance.available;
    let mut left = wanted;
    let mut undos = Vec::new();
    let loaded = account.conversions().iter().rev();
    for it in loaded.take_while(|it| account.horizon.conversions.is_none_or(|first| first <= it.credit.no)) {
        if credit.is_zero() || left.is_some_and(Points::is_zero) {
            return Ok(undos);
        }
        let lot = purse.lot(it.credit.no).ok_or(NeedMore)?;
        credit -= lot.available;
        let converted: Points = it.taken.iter().map(|it| it.points).sum();
        let there = whole_times(lot.available, Points::new(it.rate.credit.minor()));
        let most = there.min(whole_times(converted, it.rate.points));
        let times = left.map_or(most, |left| most.min(times_up(left, it.rate.points)));
        if 0 < times && fits(it) {
            left = left.map(|left| left.less(it.rate.points.times(times)));
            undos.push(Undo { credit: it.credit.no, times });
        }
    }
    let is_done = credit.is_zero() || left.is_some_and(Points::is_zero);
    if is_done || account.horizon.conversions.is_none() { Ok(undos) } else { Err(NeedMore) }
}

fn conversion(account: &Account, credit: LotNo) -> &Conversion {
    account.conversions().iter().find(|it| it.credit.no == credit).expect("it was just found")
}

/// The points go back to their lots, last taken first, and the credit goes.
fn undo_times(ahead: &mut Ahead<'_>, order: Option<OrderNo>, undo: &Undo, terms: &Terms) {
    let undone = conversion(&ahead.account, undo.credit);
    let (rate, lot) = (undone.rate, undone.credit);
    let amount = rate.credit_of(undo.times);
    let mut draft = Draft::new(Kind::Unconvert, Reason::Due);
    draft.order = order;
    draft.changes.converted = Some(Converted { rate, times: -undo.times });
    draft.changes.credit = vec![CreditPart { lot, amount: Money::new(-amount.get()) }];
    let mut left = rate.points.times(undo.times);
    for taken in undone.taken.iter().rev() {
        let points = left.min(taken.points);
        if points.is_zero() {
            break;
        }
        let back = Back { lot: taken.lot.no, from: Bucket::Converted, points };
        put_back(&mut draft, &ahead.account, back, terms, ahead.now());
        left -= points;
    }
    let now = ahead.now();
    ahead.post(draft);
    let mut draft = Draft::new(Kind::Unconvert, Reason::Due);
    draft.move_points(lot.no, Bucket::Available, Bucket::Revoked, amount);
    ahead.post_credit(now, draft);
}
