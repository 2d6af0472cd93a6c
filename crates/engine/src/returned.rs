//! Returns that are documents of their own (O9). One that names its order is that order's refund: what it says has come back
//! is added to what the order's document and its other returns say, and the order converges. One that names none is a
//! document like an order's, of which every line came back: it takes back what its lines would earn at its own time.

use crate::account::Account;
use crate::calendar::Timestamp;
use crate::decision::{Ahead, Decided, Decision, Moment};
use crate::document::{Document, DocumentVersion, Return, ReturnPart};
use crate::entry::OrderNo;
use crate::limits;
use crate::money::Money;
use crate::order::{Status, answer, check_date, converge, newer};
use crate::posted::Order;
use crate::program::Rules;
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;

/// A return of an order, as the channel that took it sent it last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Returned {
    /// The channel that took it, by its number, and its own name for it: together they name one return for ever.
    pub channel: u32,
    pub reference: String,
    pub version: DocumentVersion,
    pub returned_at: Timestamp,
    /// What came back by line: with this return, not all in all.
    pub lines: Vec<Return>,
    /// What was paid back without naming lines.
    pub refunded: Money,
}

impl Returned {
    fn is_same(&self, other: &Self) -> bool {
        self.channel == other.channel && self.reference == other.reference
    }

    /// As a document of the order could say it alone.
    fn check(&self, currency: [u8; 3], document: &Document) -> Result<(), Rejection> {
        if currency != document.currency {
            return Err(Rejection::WrongCurrency);
        }
        if !self.returned_at.is_in_limits() {
            return Err(invalid("returned_at", "a time in the years 1970 to 2500"));
        }
        let alone = Document { returns: self.lines.clone(), refunded: self.refunded, ..document.clone() };
        alone.check()
    }
}

/// Records a return of an order that was recorded before. `currency` is that of the return.
///
/// # Errors
/// A `Rejection` when the return cannot be (nothing of it is recorded), `NeedMore` when lots must be loaded first.
pub fn put_return(
    account: &Account,
    rules: Rules<'_>,
    order: OrderNo,
    returned: &Returned,
    currency: [u8; 3],
    moment: Moment,
) -> Decision {
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let mut order = Order::clone(ahead.account.order(order).ok_or(Rejection::UnknownOrder)?);
    let document = order.document.clone().ok_or(Rejection::UnknownOrder)?;
    let version = rules.timeline.version(order.pinned.version).ok_or(Rejection::UnknownProgram)?;
    let status = record_now(&mut order, returned, currency, moment)?;
    if status != Status::Recorded {
        let answer = answer(&ahead, &order, status, version.terms.under(order.pinned.tier))?;
        return Ok(Decided { answer: Some(Box::new(answer)), ..ahead.decided() });
    }
    let terms = version.terms.under(order.pinned.tier);
    converge(ahead, &order, &document, terms)
}

/// Checks a return of an order, and adds it unless it is known.
pub(crate) fn record_now(
    order: &mut Order,
    returned: &Returned,
    currency: [u8; 3],
    moment: Moment,
) -> Result<Status, Rejection> {
    let document = order.document.as_deref().ok_or(Rejection::UnknownOrder)?;
    returned.check(currency, document)?;
    let status = record(order, returned)?;
    if status == Status::Recorded {
        check_date("returned_at", returned.returned_at, moment)?;
    }
    Ok(status)
}

/// Adds the return to those of its order, or takes the place of what it said before.
pub(crate) fn record(order: &mut Order, returned: &Returned) -> Result<Status, Rejection> {
    let Some(last) = order.returned.iter_mut().find(|it| it.is_same(returned)) else {
        if limits::RETURNS_MAX <= order.returned.len() {
            return Err(invalid("order", "an order with fewer than 1000 returns of their own"));
        }
        order.returned.push(returned.clone());
        return Ok(Status::Recorded);
    };
    if last == returned {
        return Ok(Status::Retry);
    }
    let status = newer(last.version, returned.version)?;
    if status == Status::Recorded {
        last.clone_from(returned);
    }
    Ok(status)
}

/// What has come back of a line all in all: by the order's own document, and by returns of their own.
pub(crate) fn back_of(document: &Document, returned: &[Returned], line: &str) -> (u32, Money) {
    let own = document.returns.iter();
    let all = own.chain(returned.iter().flat_map(|it| &it.lines)).filter(|it| it.line == line);
    all.fold((0, Money::ZERO), |(quantity, amount), it| match it.part {
        ReturnPart::Quantity(back) => (quantity.saturating_add(back), amount),
        ReturnPart::Amount(back) => (quantity, amount + back),
    })
}

/// What has been paid back without naming lines, all in all.
pub(crate) fn refunded(document: &Document, returned: &[Returned]) -> Money {
    document.refunded + returned.iter().map(|it| it.refunded).sum()
}
