//! Orders without a member (O10): kept as their documents say, until the first document or staff name one.
//!
//! Nothing is posted for such an order, and points cannot pay for it. Its terms are pinned when it is first recorded, in no
//! tier. Claimed, it becomes the member's next order with these terms and the member's customer type, and the ledger
//! converges to its last document: whatever was edited or refunded meanwhile has left no trace.

use std::sync::Arc;

use crate::account::{Account, Balance};
use crate::adjust::check_note;
use crate::calendar::{Date, Timestamp};
use crate::decision::{Ahead, Decided, Decision, Draft, Moment};
use crate::document::Document;
use crate::earn;
use crate::entry::{Cause, Kind, OrderNo, Reason};
use crate::kept::Kept;
use crate::money::Money;
use crate::order::{Answer, Status, check_dates, check_reach, compare, converge, first_seen};
use crate::points::Points;
use crate::posted::Order;
use crate::program::{Rules, Terms};
use crate::rejection::{Rejection, invalid};
use crate::returned::{Returned, record_now};
use crate::settle::settle_ahead;

/// An order that has no member yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guest {
    /// Its number is 0: no account has it.
    pub order: Order,
    /// Ledger time of its first document.
    pub recorded_at: Timestamp,
}

/// Why an order has another owner than at first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claimed {
    /// When it was first recorded.
    pub recorded_at: Timestamp,
    /// What staff wrote; nothing where a document named the member.
    pub note: Option<String>,
}

/// What becomes of a document of an order without a member: nothing is posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuestDecided {
    /// What is recorded, if anything changes.
    pub order: Option<Order>,
    pub answer: Answer,
}

/// How an order is claimed.
#[derive(Clone, Copy, Debug)]
pub enum Claim<'a> {
    /// By a document that names its member.
    Document(&'a Arc<Document>),
    /// By staff, who say why.
    Note(&'a str),
}

/// Keeps a document of an order without a member. `known` is what was kept of it before.
///
/// # Errors
/// A `Rejection` when the document cannot be: nothing of it is kept.
pub fn put_guest(
    known: Option<&Guest>,
    rules: Rules<'_>,
    document: &Arc<Document>,
    moment: Moment,
) -> Result<GuestDecided, Rejection> {
    document.check()?;
    let order = match known {
        Some(known) => known.order.clone(),
        None => Order { no: OrderNo(0), ..first_seen(&Account::default(), rules, document) },
    };
    let terms = terms_of(&order, rules)?;
    if known.is_none() && terms.claim_days == 0 {
        return Err(Rejection::UnknownMember);
    }
    if document.currency != terms.currency.code {
        return Err(Rejection::WrongCurrency);
    }
    let status = match known {
        Some(_) => compare(&order, document)?,
        None => Status::Recorded,
    };
    if status != Status::Recorded {
        return Ok(GuestDecided { answer: answer(&order, status, terms, rules, moment.now), order: None });
    }
    check_dates(&order, document, moment)?;
    check_reach(document, order.pinned, terms)?;
    check_asks(document, terms, moment.now)?;
    let order = Order { document: Some(Arc::clone(document)), ..order };
    Ok(GuestDecided { answer: answer(&order, status, terms, rules, moment.now), order: Some(order) })
}

/// Keeps a return of an order without a member.
///
/// # Errors
/// A `Rejection` when the return cannot be: nothing of it is kept.
pub fn put_guest_return(
    guest: &Guest,
    rules: Rules<'_>,
    returned: &Returned,
    currency: [u8; 3],
    moment: Moment,
) -> Result<GuestDecided, Rejection> {
    let mut order = guest.order.clone();
    let terms = terms_of(&order, rules)?;
    let status = record_now(&mut order, returned, currency, moment)?;
    let answer = answer(&order, status, terms, rules, moment.now);
    Ok(GuestDecided { answer, order: (status == Status::Recorded).then_some(order) })
}

/// Whether the order can still be claimed: until the end of the last day that its own terms allow.
pub fn is_claimable(guest: &Guest, rules: Rules<'_>, now: Timestamp) -> bool {
    check_open(guest, rules, now).is_ok()
}

/// Makes an order the member's next one without posting anything: a quote asks what a claim would come to.
///
/// # Errors
/// `ClaimEnded` when it can be claimed no more.
pub fn adopt(account: &mut Account, rules: Rules<'_>, guest: &Guest, now: Timestamp) -> Result<OrderNo, Rejection> {
    check_open(guest, rules, now)?;
    let order = adopted(guest, account, rules)?;
    let no = order.no;
    account.record(order);
    Ok(no)
}

/// Who bought was known to nobody until now: a customer type that earns nothing does not earn as a guest either.
fn adopted(guest: &Guest, account: &Account, rules: Rules<'_>) -> Result<Order, Rejection> {
    let terms = terms_of(&guest.order, rules)?;
    let mut order = Order { no: account.next_order_of(rules.under), ..guest.order.clone() };
    order.pinned.is_first &= account.is_first_of_all(order.no);
    order.pinned.closed = account.was_closed_under(rules.under, placed_at(&order));
    order.pinned.customer_type = terms.earning.customer_type(rules.facts.customer_type.as_deref());
    Ok(order)
}

/// Makes an order the member's next one, and posts what it calls for under its own terms. A document that is older than
/// what is kept, or the same again, names the member and changes nothing else.
///
/// # Errors
/// A `Rejection` when it can be claimed no more or the document cannot be, `NeedMore` when lots must be loaded first.
pub fn claim(account: &Account, rules: Rules<'_>, guest: &Guest, claim: Claim<'_>, moment: Moment) -> Decision {
    let last = guest.order.document.as_ref().expect("an order is kept with its document");
    if let Claim::Note(note) = claim {
        check_note(note)?;
    }
    check_open(guest, rules, moment.now)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let order = adopted(guest, &ahead.account, rules)?;
    let terms = terms_of(&order, rules)?;
    let (document, status) = match claim {
        Claim::Note(_) => (last, Status::Recorded),
        Claim::Document(document) => {
            document.check()?;
            if document.currency != terms.currency.code {
                return Err(Rejection::WrongCurrency.into());
            }
            match compare(&order, document)? {
                Status::Recorded => {
                    check_dates(&order, document, moment)?;
                    check_reach(document, order.pinned, terms)?;
                    (document, Status::Recorded)
                }
                Status::Retry => (last, Status::Recorded),
                Status::Stale => (last, Status::Stale),
            }
        }
    };
    ahead.account.record(order.clone());
    let note = match claim {
        Claim::Document(_) => None,
        Claim::Note(note) => Some(note.to_owned()),
    };
    let reason = Reason::Claimed(Claimed { recorded_at: guest.recorded_at, note });
    let mut draft = Draft::new(Kind::Claim, reason);
    draft.order = Some(order.no);
    ahead.post(draft);
    // As a new order: what its documents were so far has done nothing.
    let decided = converge(ahead, &Order { document: None, ..order }, document, terms)?;
    let answer = decided.answer.map(|it| Box::new(Answer { status, ..*it }));
    Ok(Decided { answer, ..decided })
}

fn check_open(guest: &Guest, rules: Rules<'_>, now: Timestamp) -> Result<(), Rejection> {
    let terms = terms_of(&guest.order, rules)?;
    let last = last_day(&guest.order, terms);
    if terms.zone.end_of(last) <= now { Err(Rejection::ClaimEnded { last }) } else { Ok(()) }
}

/// The last day on which the order can be claimed.
fn last_day(order: &Order, terms: &Terms) -> Date {
    terms.zone.date_of(placed_at(order)).plus_days(i32::from(terms.claim_days))
}

fn placed_at(order: &Order) -> Timestamp {
    order.document.as_deref().map_or(Timestamp::START, |it| it.placed_at)
}

fn terms_of<'a>(order: &Order, rules: Rules<'a>) -> Result<&'a Terms, Rejection> {
    let version = rules.timeline.version(order.pinned.version).ok_or(Rejection::UnknownProgram)?;
    Ok(version.terms.under(order.pinned.tier))
}

/// Points, holds and credit belong to members.
fn check_asks(document: &Document, terms: &Terms, now: Timestamp) -> Result<(), Rejection> {
    let asks = [
        ("redeem", document.redeem.is_some_and(Points::is_positive)),
        ("hold", document.hold.is_some()),
        ("credit", document.credit.is_some_and(Money::is_positive)),
        ("certificates", document.certificates.as_ref().is_some_and(|it| !it.is_empty())),
    ];
    let Some((path, _)) = asks.into_iter().find(|it| it.1) else { return Ok(()) };
    let last = terms.zone.date_of(document.placed_at).plus_days(i32::from(terms.claim_days));
    if terms.zone.end_of(last) <= now {
        return Err(Rejection::ClaimEnded { last });
    }
    Err(invalid(path, "left out while the order has no member"))
}

fn answer(order: &Order, status: Status, terms: &Terms, rules: Rules<'_>, now: Timestamp) -> Answer {
    let document = order.document.as_deref().expect("an order is kept with its document");
    let kept = Kept::under(document, &order.returned, terms);
    let mut earned = earn::called_for(order, document, &kept, Money::ZERO, terms, rules.budgets);
    earned.called_for = Points::ZERO;
    if matches!(earned.cause, Cause::Rate | Cause::Waits(_)) {
        let has_ended = terms.zone.end_of(last_day(order, terms)) <= now;
        earned.cause = if has_ended { Cause::ClaimEnded } else { Cause::Guest };
    }
    Answer {
        status,
        order: order.no,
        earned,
        redeemed: Points::ZERO,
        spent: Vec::new(),
        asked: Points::ZERO,
        value: Money::ZERO,
        tier: None,
        credit: Money::ZERO,
        credit_asked: Money::ZERO,
        credit_left: None,
        certificates: Vec::new(),
        certificates_asked: Money::ZERO,
        owed: Points::ZERO,
        let_go: Points::ZERO,
        expired: Points::ZERO,
        balance: Balance::default(),
    }
}
