//! Store credit pays part of an order, and staff add or deduct it by hand (C6, O8).
//!
//! Credit is money: it pays for what is left after discounts, shipping and tax among it, and lowers nothing that earns. It is
//! used before points, and comes back after them.

use crate::account::{Account, NeedMore};
use crate::adjust::check_note;
use crate::calendar::Timestamp;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::document::Document;
use crate::entry::{Bucket, CreditPart, Kind, LotOpened, LotRef, PaidCredit, Posting, Reason};
use crate::kept::Kept;
use crate::limits;
use crate::money::Money;
use crate::place::Place;
use crate::points::Points;
use crate::posted::Order;
use crate::program::{RedeemRate, Rules, Terms, Timeline};
use crate::redeem::{Plan, Room, Wanted};
use crate::rejection::{Rejection, invalid};
use crate::settle::repay;

/// What of an order store credit is to pay: credit is planned as if it were points of one minor unit each.
pub(crate) const MINOR: RedeemRate = RedeemRate { points: Points::new(1), value: Money::new(1) };

/// Money as points of one minor unit.
pub(crate) fn units(money: Money) -> Points {
    Points::new(money.minor())
}

pub(crate) fn money(units: Points) -> Money {
    Money::new(units.get())
}

/// Fixes what store credit pays of what is kept; it stays while points give way (O8).
pub(crate) fn plan(order: &Order, document: &Document, kept: &Kept, terms: &Terms) -> Plan {
    let asked = match document.credit {
        _ if document.cancelled_at.is_some() => Money::ZERO,
        Some(credit) => credit,
        None => order.credit_asked,
    };
    let wanted = Wanted { asked: units(asked), accepted: units(order.credit_accepted) };
    let room = Room { kept: kept.cost, sold: kept.cost_sold };
    Plan::of(wanted, kept.cost, kept.cost_sold, room, MINOR, terms.points_part)
}

/// Refuses more than the order can take. Credit is the member's money: it pays while the program is off.
pub(crate) fn check(plan: &Plan, card_blocked: bool) -> Result<(), Rejection> {
    if plan.is_request && card_blocked {
        return Err(Rejection::CardBlocked);
    }
    if plan.is_request && plan.fits < plan.asked {
        return Err(Rejection::CreditExceedsOrder { fits: money(plan.fits) });
    }
    Ok(())
}

/// Gives credit of an order back, last taken first.
pub(crate) fn refund(ahead: &mut Ahead<'_>, order: &Order, paid: PaidCredit) {
    let mut left = paid.before - paid.after;
    let mut draft = Draft::new(Kind::Refund, Reason::Credit(paid));
    draft.order = Some(order.no);
    let mut postings = Vec::new();
    for taken in order.posted.credit.iter().rev() {
        let amount = left.min(taken.amount);
        if amount.is_zero() {
            break;
        }
        left -= amount;
        draft.changes.credit.push(CreditPart { lot: taken.lot, amount });
        let lot = taken.lot.no;
        postings.push(Posting { lot, from: Bucket::Redeemed, to: Bucket::Available, points: units(amount) });
    }
    assert!(left.is_zero(), "no more credit comes back than was taken");
    post(ahead, draft, Kind::Return, postings);
}

/// Takes the credit that is newly asked for, oldest first.
pub(crate) fn spend(ahead: &mut Ahead<'_>, order: &Order, paid: PaidCredit) -> Result<(), NeedMore> {
    let purse = &ahead.account.purse()?.credit;
    let postings = purse.take(units(paid.after - paid.before), None, Bucket::Redeemed)?;
    let mut draft = Draft::new(Kind::Spend, Reason::Credit(paid));
    draft.order = Some(order.no);
    for it in &postings {
        let lot = purse.lot(it.lot).expect("what is taken is loaded").at;
        draft.changes.credit.push(CreditPart { lot, amount: money(-it.points) });
    }
    post(ahead, draft, Kind::Redeem, postings);
    Ok(())
}

/// The entry of the order, and that of the credit.
fn post(ahead: &mut Ahead<'_>, draft: Draft, kind: Kind, postings: Vec<Posting>) {
    let now = ahead.now();
    ahead.post(draft);
    ahead.post_credit(now, Draft { postings, ..Draft::new(kind, Reason::Due) });
}

/// Store credit that staff add (positive) or deduct (negative).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditAdjustment {
    pub amount: Money,
    pub note: String,
}

/// Adds credit as a lot of its own, or deducts it oldest first. `credit` is the account of the credit itself, `under` says
/// under which of the members that were merged it comes.
///
/// # Errors
/// `Invalid`, `BehindAccount` or `InsufficientCredit`.
pub fn adjust_credit(credit: &Account, under: Place, adjustment: &CreditAdjustment, moment: Moment) -> Decision {
    let amount = adjustment.amount;
    if amount.is_zero() || limits::MONEY_MAX < amount || amount < Money::ZERO - limits::MONEY_MAX {
        return Err(invalid("amount", "0.01 to 100,000,000,000.00, or as much below zero").into());
    }
    check_note(&adjustment.note)?;
    let nothing = Timeline::default();
    let mut ahead = Ahead::of(credit, Rules::of(&nothing), moment);
    let mut draft = Draft::new(Kind::Adjust, Reason::Note(adjustment.note.clone()));
    if amount.is_positive() {
        let now = ahead.now();
        if units(limits::CREDIT_MAX) < ahead.account.balance.issued + units(amount) {
            return Err(invalid("amount", "at most 10,000,000,000,000,000.00 in all").into());
        }
        let lot = LotRef {
            no: ahead.account.next_lot_of(under),
            earned_at: now,
            available_at: now,
            expires_at: Timestamp::NEVER,
        };
        draft.opened.push(LotOpened::plain(lot));
        draft.move_points(lot.no, Bucket::Issued, Bucket::Available, units(amount));
    } else {
        if moment.import && moment.now < ahead.account.last_at {
            return Err(Rejection::BehindAccount.into());
        }
        let wanted = units(Money::ZERO - amount);
        let spendable = ahead.account.spendable(None);
        if spendable < wanted {
            return Err(Rejection::InsufficientCredit { spendable: money(spendable) }.into());
        }
        draft.postings = ahead.account.take(wanted, None, Bucket::Deducted)?;
    }
    ahead.post(draft);
    repay(&mut ahead, moment.now)?;
    Ok(ahead.decided())
}
