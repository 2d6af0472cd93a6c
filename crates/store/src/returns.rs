//! Returns that are documents of their own: found by the order that they name, and listed by their own reference, so that
//! one return is recorded once, whatever order it names the next time.

use engine::{Document, OrderNo, Placed as _, Rejection};

use crate::batch::{Batch, OrderPlace};
use crate::certificate;
use crate::command::{OrderName, Reply, ReturnedPart};
use crate::credit;
use crate::decide::{Refused, ask, check_reference};
use crate::directory::{Listed, Listing, order_key, return_key};
use crate::fault::Fault;
use crate::guest;
use crate::rows::AccountId;

/// Adds a return to its order and lets the order converge.
pub(crate) fn put_return(
    batch: &mut Batch<'_>,
    (channel, reference): (&str, &str),
    order: &OrderName,
    currency: [u8; 3],
    part: &ReturnedPart,
    moment: engine::Moment,
) -> Result<Reply, Refused> {
    check_reference(Some(reference))?;
    let taken = batch.reference.named_channel(channel).ok_or(Rejection::UnknownChannel)?.1.number;
    let (_, placed) = batch.reference.named_channel(&order.channel).ok_or(Rejection::UnknownChannel)?;
    let listed = batch.find(order_key(placed.number, &order.reference))?.ok_or(Rejection::UnknownOrder)?;
    let id = AccountId { owner: batch.follow(listed.owner)?, program: listed.program };
    let no = OrderNo(listed.number).under(batch.under);
    let key = return_key(taken, reference);
    let own = Listed { kind: Listing::Return, ..listed };
    // A return that is known belongs to one order for ever.
    if batch.find(key)?.is_some_and(|it| it != own) {
        return Err(Rejection::VersionConflict.into());
    }
    if listed.kind == Listing::Guest {
        return guest::put_return(batch, listed, (taken, key, reference), currency, part, moment);
    }
    let is_known = batch.find(key)?.is_some();
    batch.load_order(id, no)?;
    let known = batch.slot(id)?.account.order(no).and_then(|it| it.document.clone());
    let known = known.ok_or(Fault::Row("an order is recorded with its document"))?;
    if let Some(hold) = known.hold {
        batch.load_hold(id, hold)?;
    }
    credit::prepare(batch, id, Some(no), &known, moment.now)?;
    certificate::prepare(batch, id, Some(no), (&known, None), moment)?;
    let returned = part.clone().of(taken, reference);
    let mut decided =
        ask(batch, id, |account, rules| engine::put_return(account, rules, no, &returned, currency, moment))?;
    let place = OrderPlace {
        channel: placed.number,
        reference: &order.reference,
        known: Some(no),
        now: moment.now,
        counted: None,
    };
    let staged = batch.stage_all(id, &mut decided, Some(place), false)?;
    let answer = decided.answer.ok_or(Fault::Row("a return is always answered"))?;
    staged.into_iter().for_each(|it| batch.take_over(it));
    if !is_known {
        batch.rows.directory.insert(key, own);
    }
    Ok(Reply::Order { member: Some(id.owner), order: no, answer })
}

/// A reference that is listed as a return of an order cannot become one without.
pub(crate) fn check_kind(
    batch: &mut Batch<'_>,
    id: AccountId,
    no: OrderNo,
    document: &Document,
) -> Result<(), Refused> {
    let known = batch.slot(id)?.account.order(no).and_then(|it| it.document.as_ref().map(|it| it.is_return));
    if known != Some(document.is_return) {
        return Err(Rejection::VersionConflict.into());
    }
    Ok(())
}
