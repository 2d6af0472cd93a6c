//! Store credit: a ledger of its owner beside those of points, one for each currency.
//!
//! Whoever looks at it settles the owner's points first in every program that converts into that currency: of points that are
//! reached, the credit is there. Bounded by the number of programs.

use engine::{Account, CreditAdjustment, Document, Kind, LotRef, Moment, Money, OrderNo, Rejection, Stop, Timestamp};

use crate::batch::Batch;
use crate::command::Reply;
use crate::decide::{Answered, Refused, ask, find_member, post};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::member::MemberRef;
use crate::reference::{Program, Reference};
use crate::rows::AccountId;

/// The programs whose points become credit in a currency.
pub(crate) fn converting(reference: &Reference, currency: [u8; 3]) -> impl Iterator<Item = &Program> {
    reference.programs.values().filter(move |it| it.timeline.converts() && it.currency() == Some(currency))
}

/// Shows the rules the owner's credit, where a document or the order that it is about has to do with it.
pub(crate) fn prepare(
    batch: &mut Batch<'_>,
    id: AccountId,
    known: Option<OrderNo>,
    document: &Document,
    now: Timestamp,
) -> Result<(), Refused> {
    let order = known.and_then(|no| batch.slot(id).ok()?.account.order(no).cloned());
    let taken: Vec<LotRef> = order.iter().flat_map(|it| &it.posted.credit).map(|it| it.lot).collect();
    let has_credit = !taken.is_empty() || order.is_some_and(|it| it.credit_asked.is_positive());
    let is_wanted = document.credit.is_some() || has_credit;
    batch.show_credit(id, is_wanted)?;
    if !is_wanted {
        return Ok(());
    }
    batch.load_lots(AccountId::purse(id.owner, document.currency), &taken)?;
    settle(batch, id.owner, document.currency, Some(id.program), now)
}

/// Staff add or deduct credit.
pub(crate) fn adjust(
    batch: &mut Batch<'_>,
    currency: [u8; 3],
    member: &MemberRef,
    adjustment: &CreditAdjustment,
    moment: Moment,
) -> Answered {
    if !batch.reference.programs.values().any(|it| it.currency() == Some(currency)) {
        return Err(Rejection::WrongCurrency.into());
    }
    let owner = find_member(batch, member)?;
    settle(batch, owner, currency, None, moment.now)?;
    let id = AccountId::purse(owner, currency);
    let decided = loop {
        match engine::adjust_credit(&batch.slot(id)?.account, adjustment, moment) {
            Ok(decided) => break decided,
            Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
            Err(Stop::NeedMore) => batch.load_more(id)?,
        }
    };
    let entry = decided.entries.iter().find(|it| it.kind == Kind::Adjust);
    let entry = entry.ok_or(Fault::Row("an adjustment is posted"))?.number;
    post(batch, id, &decided, false)?;
    Ok(Reply::Credit { entry, credit: left(&batch.slot(id)?.account) })
}

/// What can be spent of a member's credit.
pub(crate) fn left(credit: &Account) -> Money {
    Money::new(credit.balance.available.get())
}

/// Settles the owner's points in every program that converts into that currency, but for one.
fn settle(
    batch: &mut Batch<'_>,
    owner: MemberId,
    currency: [u8; 3],
    except: Option<u32>,
    now: Timestamp,
) -> Result<(), Refused> {
    let reference = batch.reference;
    for program in converting(reference, currency).filter(|it| Some(it.number) != except) {
        let id = AccountId { owner, program: program.number };
        if is_there(batch, id)? {
            let due = ask(batch, id, |account, rules| engine::settle(account, rules, now).map_err(Stop::from))?;
            if !due.entries.is_empty() {
                post(batch, id, &due, false)?;
            }
        }
    }
    Ok(())
}

fn is_there(batch: &mut Batch<'_>, id: AccountId) -> Found<bool> {
    let slot = batch.slot(id)?;
    Ok(slot.is_stored || slot.is_changed)
}
