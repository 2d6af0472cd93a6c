//! Takes back what was once added under a permanent reference, as far as it is still there: points or store credit.

use engine::{Bucket, EntryNo, Moment, Points, Rejection, Rules, Stop, Timeline};

use crate::batch::Batch;
use crate::certificate;
use crate::command::{Ledger, Reply};
use crate::decide::{Answered, Refused, ask, find_account, find_listed_entry, find_member, listed_in, post};
use crate::directory::reference_key;
use crate::member::MemberRef;
use crate::merge::home_of_number;
use crate::rows::AccountId;

pub(crate) fn withdraw(
    batch: &mut Batch<'_>,
    from: &Ledger,
    member: &MemberRef,
    (reference, note): (&str, &str),
    moment: Moment,
) -> Answered {
    if let Ledger::Certificates(currency) = from {
        let id = AccountId::wallet(find_member(batch, member)?, *currency);
        return certificate::withdraw(batch, id, (reference, note), moment);
    }
    let id = match from {
        Ledger::Points(program) => find_account(batch, program, member, moment)?,
        Ledger::Credit(currency) | Ledger::Certificates(currency) => {
            AccountId::purse(find_member(batch, member)?, *currency)
        }
    };
    let listed = batch.find(reference_key(id.program, reference))?.ok_or(Rejection::UnknownLot)?;
    let stands = listed_in(batch, id, &listed)?.ok_or(Rejection::UnknownLot)?;
    let entry = find_listed_entry(batch, stands, EntryNo(listed.number))?;
    let mut lot = entry.opened.first().ok_or(Rejection::UnknownLot)?.lot;
    let (home, no) = home_of_number(batch.conn, stands.owner, lot.no)?;
    if home != id.owner {
        return Err(Rejection::UnknownLot.into());
    }
    lot.no = no;
    batch.load_lots(id, &[lot])?;
    let mut decided = match from {
        Ledger::Points(_) => ask(batch, id, |account, rules| engine::withdraw(account, rules, lot.no, note, moment))?,
        Ledger::Credit(_) | Ledger::Certificates(_) => {
            let nothing = Timeline::default();
            engine::withdraw(&batch.slot(id)?.account, Rules::of(&nothing), lot.no, note, moment).map_err(refused)?
        }
    };
    let points = |it: &engine::Posting| if it.to == Bucket::Deducted { it.points } else { Points::ZERO };
    let withdrawn = decided.entries.iter().flat_map(|it| &it.postings).map(points).sum();
    if !decided.entries.is_empty() {
        post(batch, id, &mut decided, false)?;
    }
    Ok(Reply::Withdrawn { points: withdrawn })
}

fn refused(stop: Stop) -> Refused {
    match stop {
        Stop::Rejected(rejection) => rejection.into(),
        Stop::NeedMore => crate::fault::Fault::Row("to withdraw takes one lot, and it is loaded").into(),
    }
}
