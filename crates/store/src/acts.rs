//! What staff do to points that are there already, or have expired, and what earns without an order.
//!
//! Each command touches one account. To move the dates of all points it loads all lots that have any; to give back what
//! has expired, the lots that have expired points, and their orders.

use engine::{
    Account, Act, Award, Decided, Entry, EntryNo, Kind, LotNo, Moment, Points, Reason, Redating, Reinstatement,
    Rejection, Stop,
};

use crate::batch::Batch;
use crate::certificate;
use crate::command::{Body, Failure, Reply};
use crate::decide::{Answered, Refused, ask, check_reference, find_account, find_listed_entry, listed_in, post};
use crate::directory::{Listed, Listing, reference_key};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load;
use crate::reference::Program;
use crate::rows::AccountId;

pub(crate) fn run(batch: &mut Batch<'_>, body: &Body, moment: Moment) -> Answered {
    match body {
        Body::Redate { program, member, redating } => {
            let id = find_account(batch, program, member, moment)?;
            redate(batch, id, redating, moment)
        }
        Body::Collect { program, member, note } => {
            let id = find_account(batch, program, member, moment)?;
            collect(batch, id, note, moment)
        }
        Body::Reinstate { program, member, reinstatement } => {
            let id = find_account(batch, program, member, moment)?;
            reinstate(batch, id, reinstatement, moment)
        }
        Body::Act { program, member, name, reference } => {
            check_reference(reference.as_deref())?;
            let id = find_account(batch, program, member, moment)?;
            act(batch, id, name, reference.as_deref(), moment)
        }
        Body::Close { program, member, closing } => {
            let id = find_account(batch, program, member, moment)?;
            let mut decided = ask(batch, id, |account, rules| engine::close(account, rules, closing, moment))?;
            let reply = standing(batch, id, &mut decided)?;
            level(batch, id, &closing.note, moment)?;
            Ok(reply)
        }
        Body::Join { program, member, note } => {
            let id = find_account(batch, program, member, moment)?;
            let mut decided = ask(batch, id, |account, rules| engine::join(account, rules, note, moment))?;
            let reply = standing(batch, id, &mut decided)?;
            level(batch, id, note, moment)?;
            Ok(reply)
        }
        _ => Err(Fault::Row("other commands are decided elsewhere").into()),
    }
}

/// Certificates follow their owner out of a program and back.
fn level(batch: &mut Batch<'_>, id: AccountId, note: &str, moment: Moment) -> Result<(), Refused> {
    let currency = batch.reference.programs.get(&id.program).and_then(Program::currency);
    let currency = currency.ok_or(Rejection::UnknownProgram)?;
    certificate::level(batch, (id.owner, currency), &Reason::Note(note.to_owned()), moment)
}

/// Whoever leaves a program or comes into it is told what is there.
fn standing(batch: &mut Batch<'_>, id: AccountId, decided: &mut Decided) -> Answered {
    if !decided.entries.is_empty() {
        post(batch, id, decided, false)?;
    }
    let account = &batch.slot(id)?.account;
    Ok(Reply::Standing { closed: account.closed().copied(), balance: account.balance })
}

fn collect(batch: &mut Batch<'_>, id: AccountId, note: &str, moment: Moment) -> Answered {
    let mut decided = ask(batch, id, |account, rules| engine::collect(account, rules, note, moment))?;
    let is_it = |it: &&Entry| matches!(&it.reason, Reason::Note(_));
    let entry = decided.entries.iter().find(is_it).ok_or(Fault::Row("a reward that is handed out is posted"))?.number;
    let made = decided.certificates.iter().filter(|it| it.at == decided.entries[decided.entries.len() - 1].at);
    let certificates = made.flat_map(|it| &it.opened).map(|it| it.lot.no).collect();
    post(batch, id, &mut decided, false)?;
    Ok(Reply::Certificates { entry, certificates })
}

fn redate(batch: &mut Batch<'_>, id: AccountId, redating: &Redating, moment: Moment) -> Answered {
    if let Some(no) = redating.lot {
        load_lot(batch, id, no)?;
    }
    let mut decided = ask(batch, id, |account, rules| engine::redate(account, rules, redating, moment))?;
    post(batch, id, &mut decided, false)?;
    let account = &batch.slot(id)?.account;
    let (lots, points) = redated(account, &decided.entries);
    Ok(Reply::Redated { lots, points, balance: account.balance })
}

/// How many lots the entries of a redating moved, and the points in them.
pub(crate) fn redated(account: &Account, entries: &[Entry]) -> (u64, Points) {
    let moved = entries.iter().filter(|it| it.kind == Kind::Redate && it.order.is_none()).flat_map(|it| &it.dated);
    let points = |it: &engine::Lot| it.pending + it.available + it.held;
    let lots = moved.filter_map(|it| account.lot(it.no));
    lots.fold((0, Points::ZERO), |(lots, sum), it| (lots + 1, sum + points(it)))
}

/// What has fallen due is settled first: what expires now can be reinstated at once.
fn reinstate(batch: &mut Batch<'_>, id: AccountId, it: &Reinstatement, moment: Moment) -> Answered {
    let mut due = ask(batch, id, |account, rules| engine::settle(account, rules, moment.now).map_err(Stop::from))?;
    post(batch, id, &mut due, false)?;
    batch.load(id, |conn, account| load::load_expired(conn, id, account))?;
    let expired = batch.slot(id)?.account.lots().iter().filter(|it| it.expired.is_positive());
    let orders: Vec<_> = expired.filter_map(|it| it.order).collect();
    for no in orders {
        batch.load_order(id, no)?;
    }
    let mut decided = ask(batch, id, |account, rules| engine::reinstate(account, rules, it, moment))?;
    let entry = decided.entries.iter().find(|it| it.kind == Kind::Reinstate);
    let entry = entry.ok_or(Fault::Row("a reinstatement is posted"))?.number;
    post(batch, id, &mut decided, false)?;
    Ok(Reply::Adjusted { entry, balance: batch.slot(id)?.account.balance })
}

fn act(batch: &mut Batch<'_>, id: AccountId, name: &str, reference: Option<&str>, moment: Moment) -> Answered {
    let key = reference.map(|it| reference_key(id.program, it));
    if let Some(listed) = key.map(|it| batch.find(it)).transpose()?.flatten() {
        return acted_before(batch, id, &listed, name, moment);
    }
    let mut decided = ask(batch, id, |account, rules| engine::act(account, rules, name, moment))?;
    let is_it = |it: &Reason| matches!(it, Reason::Acted(Award { act: Act::Custom(it), .. }) if it == name);
    let entry = decided.entries.iter().find(|it| is_it(&it.reason));
    let entry = entry.ok_or(Fault::Row("an activity is posted"))?.number;
    post(batch, id, &mut decided, false)?;
    if let Some(key) = key {
        let listed = Listed { owner: id.owner, kind: Listing::Reference, program: id.program, number: entry.0 };
        batch.rows.directory.insert(key, listed);
    }
    Ok(Reply::Adjusted { entry, balance: batch.slot(id)?.account.balance })
}

/// The same act under its reference again is answered with its entry and the balance now; another one is refused.
fn acted_before(batch: &mut Batch<'_>, id: AccountId, listed: &Listed, name: &str, moment: Moment) -> Answered {
    let Some(from) = listed_in(batch, id, listed)? else { return Err(Refused::Failed(Failure::KeyReused)) };
    let no = EntryNo(listed.number);
    let entry = find_listed_entry(batch, from, no)?;
    if !matches!(&entry.reason, Reason::Acted(Award { act: Act::Custom(it), .. }) if it == name) {
        return Err(Refused::Failed(Failure::KeyReused));
    }
    let due = ask(batch, id, |account, rules| engine::settle(account, rules, moment.now).map_err(Stop::from))?;
    let mut account = batch.slot(id)?.account.clone();
    account.apply(&due);
    Ok(Reply::Adjusted { entry: no, balance: account.balance })
}

/// Grants a new member what signing up gives, in every program that is on and gives anything.
pub(crate) fn sign_up(batch: &mut Batch<'_>, owner: MemberId, moment: Moment) -> Result<(), Refused> {
    let reference = batch.reference;
    let gives = |it: &&crate::reference::Program| {
        let terms = it.timeline.at(moment.now).map(|it| &it.terms);
        terms.and_then(|it| it.activities.as_ref()).is_some_and(|it| it.sign_up.is_positive())
    };
    for program in reference.programs.values().filter(gives) {
        let id = AccountId { owner, program: program.number };
        let mut decided = ask(batch, id, |account, rules| engine::sign_up(account, rules, moment))?;
        post(batch, id, &mut decided, false)?;
    }
    Ok(())
}

/// What the birthday that was known has given until now is given, before another takes its place.
pub(crate) fn settle_birthdays(batch: &mut Batch<'_>, owner: MemberId, moment: Moment) -> Result<(), Refused> {
    for id in with_birthdays(batch, owner)? {
        let mut due = ask(batch, id, |account, rules| engine::settle(account, rules, moment.now).map_err(Stop::from))?;
        post(batch, id, &mut due, false)?;
    }
    Ok(())
}

/// The sweeper is to come on the birthday that is known now.
pub(crate) fn expect_birthdays(batch: &mut Batch<'_>, owner: MemberId) -> Found<()> {
    with_birthdays(batch, owner)?.into_iter().try_for_each(|id| batch.renew_due(id))
}

/// The member's accounts in programs that ask for facts.
fn with_birthdays(batch: &mut Batch<'_>, owner: MemberId) -> Found<Vec<AccountId>> {
    let asking = batch.reference.programs.values().filter(|it| it.timeline.needs_facts());
    let ids: Vec<AccountId> = asking.map(|it| AccountId { owner, program: it.number }).collect();
    let mut there = Vec::new();
    for id in ids {
        if batch.slot(id)?.is_stored || batch.slot(id)?.is_changed {
            there.push(id);
        }
    }
    Ok(there)
}

fn load_lot(batch: &mut Batch<'_>, id: AccountId, no: LotNo) -> Found<()> {
    batch.load(id, |conn, account| load::load_lot_numbered(conn, id, account, no))
}
