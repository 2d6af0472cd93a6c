//! Store credit: a ledger of its owner beside those of points, one for each currency.
//!
//! Whoever looks at it settles the owner's points first in every program that converts into that currency: of points that are
//! reached, the credit is there. Bounded by the number of programs.

use engine::{
    Account, CreditAdjustment, Document, EntryNo, Kind, LotRef, Moment, Money, OrderNo, Points, Reason, Rejection,
    Stop, Target, Timestamp,
};

use crate::batch::Batch;
use crate::command::{Failure, Reply};
use crate::decide::{Answered, Refused, ask, find_listed_entry, find_member, listed_in, post};
use crate::directory::{Listed, Listing, reference_key};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::member::MemberRef;
use crate::merge;
use crate::reference::{Program, Reference};
use crate::rows::AccountId;

/// The programs whose points become credit in a currency.
pub(crate) fn converting(reference: &Reference, currency: [u8; 3]) -> impl Iterator<Item = &Program> {
    reference
        .programs
        .values()
        .filter(move |it| it.timeline.converts_to(Target::Credit) && it.currency() == Some(currency))
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
    (adjustment, reference): (&CreditAdjustment, Option<&str>),
    moment: Moment,
) -> Answered {
    if !batch.reference.programs.values().any(|it| it.currency() == Some(currency)) {
        return Err(Rejection::WrongCurrency.into());
    }
    let owner = find_member(batch, member)?;
    settle(batch, owner, currency, None, moment.now)?;
    let id = AccountId::purse(owner, currency);
    let key = reference.map(|it| reference_key(id.program, it));
    if let Some(listed) = key.map(|it| batch.find(it)).transpose()?.flatten() {
        return adjusted_before(batch, id, &listed, adjustment);
    }
    merge::ensure_joined(batch, id, moment)?;
    let under = batch.under;
    let mut decided = loop {
        match engine::adjust_credit(&batch.slot(id)?.account, under, adjustment, moment) {
            Ok(decided) => break decided,
            Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
            Err(Stop::NeedMore) => batch.load_more(id)?,
        }
    };
    let entry = decided.entries.iter().find(|it| it.kind == Kind::Adjust);
    let entry = entry.ok_or(Fault::Row("an adjustment is posted"))?.number;
    post(batch, id, &mut decided, false)?;
    if let Some(key) = key {
        let listed = Listed { owner, kind: Listing::Reference, program: id.program, number: entry.0 };
        batch.rows.directory.insert(key, listed);
    }
    Ok(Reply::Credit { entry, credit: left(&batch.slot(id)?.account) })
}

/// The same adjustment under its reference again is answered with its entry and what is there now; another one is refused.
fn adjusted_before(batch: &mut Batch<'_>, id: AccountId, listed: &Listed, adjustment: &CreditAdjustment) -> Answered {
    let no = EntryNo(listed.number);
    let Some(from) = listed_in(batch, id, listed)? else { return Err(Refused::Failed(Failure::KeyReused)) };
    let entry = find_listed_entry(batch, from, no)?;
    let points: Points = entry.postings.iter().map(|it| it.points).sum();
    let amount = Money::new(if entry.opened.is_empty() { -points.get() } else { points.get() });
    if amount != adjustment.amount || entry.reason != Reason::Note(adjustment.note.clone()) {
        return Err(Refused::Failed(Failure::KeyReused));
    }
    Ok(Reply::Credit { entry: no, credit: left(&batch.slot(id)?.account) })
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
            let mut due = ask(batch, id, |account, rules| engine::settle(account, rules, now).map_err(Stop::from))?;
            if !due.entries.is_empty() {
                post(batch, id, &mut due, false)?;
            }
        }
    }
    Ok(())
}

fn is_there(batch: &mut Batch<'_>, id: AccountId) -> Found<bool> {
    let slot = batch.slot(id)?;
    Ok(slot.is_stored || slot.is_changed)
}
