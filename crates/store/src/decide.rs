//! Decides one command of a batch: finds whom it is about, loads that, asks the rules, stages what they answer.
//!
//! Checks come in the order of the rejections; the key is looked up before all of them. A command touches one account and
//! the store credit of its owner, or none.

use std::sync::Arc;

use engine::{
    Account, Adjustment, Decided, Document, EntryNo, Facts, HoldNo, HoldState, Kind, Moment, OrderNo, Placed as _,
    Points, Rejection, Rules, SetTier, Stop, Timestamp, is_name, limits,
};

use crate::acts;
use crate::batch::{Batch, OrderPlace};
use crate::bearer;
use crate::certificate::CertificateRef;
use crate::command::{Body, Command, Failure, Reply, Time};
use crate::directory::{self, Listed, Listing, answer_key, identity_key, order_key, reference_key, return_key};
use crate::fault::{Fault, Found};
use crate::guest::{self, Named, Place};
use crate::id::MemberId;
use crate::load;
use crate::member::MemberRef;
use crate::pack::{self, fingerprint};
use crate::reference::{Program, invalid};
use crate::rows::AccountId;
use crate::{card, certificate, claim, credit, erase, merge, people, returns, session, withdraw};

const KEY_BYTES_MAX: usize = 255;

/// Why there is no reply: the rules, or the world.
pub(crate) enum Refused {
    Rejected(Rejection),
    /// Not by the rules of the program: nothing to remember.
    Failed(Failure),
    Fault(Fault),
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::Rejected(rejection)
    }
}

impl<T: Into<Fault>> From<T> for Refused {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

pub(crate) type Answered = Result<Reply, Refused>;

/// The answer to a command, unless the world fails. Its effects are in the batch, to be saved.
pub(crate) fn decide(batch: &mut Batch<'_>, command: &Command) -> Found<Result<Reply, Failure>> {
    (batch.under, batch.card_blocked, batch.seed) = (engine::Place::OWN, false, command.seed);
    batch.begun.clear();
    batch.give_up();
    let run = |batch: &mut Batch<'_>| {
        let reply = run(batch, command)?;
        certificate::level_begun(batch)?;
        Ok(reply)
    };
    keyed(batch, command, |batch| {
        let done = run(batch);
        if done.is_ok() {
            batch.keep_all();
        }
        batch.give_up();
        match done {
            Ok(reply) => Ok(Ok(reply)),
            Err(Refused::Rejected(rejection)) => Ok(Err(Failure::Rejected(rejection))),
            Err(Refused::Failed(failure)) => Ok(Err(failure)),
            Err(Refused::Fault(fault)) => Err(fault),
        }
    })
}

/// Answers a key that was seen before, and remembers what a new one is answered.
pub(crate) fn keyed(
    batch: &mut Batch<'_>,
    command: &Command,
    run: impl FnOnce(&mut Batch<'_>) -> Found<Result<Reply, Failure>>,
) -> Found<Result<Reply, Failure>> {
    let Some(key) = &command.key else {
        let allowed = "an idempotency key, or a permanent reference";
        let missing = command.body.needs_key();
        return if missing { Ok(Err(Failure::Rejected(invalid("key", allowed)))) } else { run(batch) };
    };
    if key.0.is_empty() || KEY_BYTES_MAX < key.0.len() || key.0.chars().any(char::is_control) {
        let allowed = "1 to 255 bytes of text without control characters";
        return Ok(Err(Failure::Rejected(invalid("key", allowed))));
    }
    let key = answer_key(&key.0);
    let body = fingerprint(&command.body);
    if let Some((first, answer)) = batch.find_answer(key)? {
        if first != body {
            return Ok(Err(Failure::KeyReused));
        }
        return Ok(pack::unpack_outcome(&answer)?.map_err(Failure::Rejected));
    }
    let answer = run(batch)?;
    let outcome = match &answer {
        Ok(reply) => Ok(reply.clone()),
        Err(Failure::Rejected(rejection)) if is_lasting(rejection) => Err(rejection.clone()),
        // Nothing to remember: the caller may come again.
        Err(
            Failure::Rejected(_)
            | Failure::Store(_)
            | Failure::KeyReused
            | Failure::UnknownLink
            | Failure::UnknownKey
            | Failure::Internal,
        ) => return Ok(answer),
    };
    batch.rows.answers.insert(key, (body, pack::pack_outcome(&outcome)));
    Ok(answer)
}

/// What is not there now may be there when the command comes again; every other refusal stays.
fn is_lasting(rejection: &Rejection) -> bool {
    match rejection {
        Rejection::UnknownChannel
        | Rejection::UnknownProgram
        | Rejection::UnknownMember
        | Rejection::UnknownOrder
        | Rejection::UnknownHold
        | Rejection::UnknownLot
        | Rejection::UnknownTier
        | Rejection::UnknownCertificate
        | Rejection::NoRewards
        | Rejection::UnknownReward
        | Rejection::UnknownClaim
        | Rejection::UnknownActivity => false,
        Rejection::Invalid { .. }
        | Rejection::IdentityTaken
        | Rejection::OtherMember
        | Rejection::CertificateClaimed
        | Rejection::ClaimEnded { .. }
        | Rejection::WrongCurrency
        | Rejection::VersionKind
        | Rejection::VersionConflict
        | Rejection::DateTooOld { .. }
        | Rejection::DateAhead { .. }
        | Rejection::ProgramOff
        | Rejection::OrderType
        | Rejection::AccountClosed
        | Rejection::CardBlocked
        | Rejection::HoldTaken
        | Rejection::NotWithDiscounts
        | Rejection::CertificateCancelled { .. }
        | Rejection::CertificateExpired { .. }
        | Rejection::CertificateUsed { .. }
        | Rejection::CertificateOfOrder { .. }
        | Rejection::CertificateExceedsOrder { .. }
        | Rejection::BalanceBelowMinimum { .. }
        | Rejection::BelowMinimum { .. }
        | Rejection::NotInSteps { .. }
        | Rejection::AboveMaximum { .. }
        | Rejection::AboveShare { .. }
        | Rejection::ExceedsOrder { .. }
        | Rejection::CreditExceedsOrder { .. }
        | Rejection::CannotMerge
        | Rejection::CannotUndo
        | Rejection::BehindAccount
        | Rejection::InsufficientCredit { .. }
        | Rejection::ActivityLimit { .. }
        | Rejection::RewardNotYet { .. }
        | Rejection::RewardOver { .. }
        | Rejection::RewardTier
        | Rejection::RewardSoldOut
        | Rejection::RewardLimit { .. }
        | Rejection::ClaimCancelled
        | Rejection::PointsOwed { .. }
        | Rejection::ExceedsExpired { .. }
        | Rejection::InsufficientPoints { .. } => true,
    }
}

fn run(batch: &mut Batch<'_>, command: &Command) -> Answered {
    let now = ledger_time(batch, command)?;
    let moment = Moment { now, actor: command.actor, import: command.time != Time::Live };
    match &command.body {
        Body::SignUp { id, name, identities, facts } => {
            people::sign_up(batch, *id, (name.as_deref(), facts), identities, moment)
        }
        Body::ChangeMember { member, change } => people::change(batch, member, change, moment),
        Body::PutOrder { channel, member, reference, document, certificates } => {
            let (seed, certificates) = (command.seed, certificates.as_deref());
            let put = Put { channel, member: member.as_ref(), reference, document, seed, certificates };
            put_order(batch, &put, moment)
        }
        Body::IssueCertificates { program, member, new, reference } => {
            certificate::issue(batch, (program, member), (new, reference.as_deref()), moment)
        }
        Body::IssueBearers { program, new } => bearer::issue(batch, program, new, moment),
        Body::CancelCertificate { certificate: named, note } => certificate::cancel(batch, named, note, moment),
        Body::PutReturn { channel, reference, order, currency, returned } => {
            returns::put_return(batch, (channel, reference), order, *currency, returned, moment)
        }
        Body::ClaimOrder { order, member, note } => guest::claim_by_staff(batch, order, member, note, moment),
        Body::Hold { program, member, points, minutes } => {
            let id = find_account(batch, program, member, moment)?;
            hold(batch, id, *points, *minutes, moment)
        }
        Body::ReleaseHold { program, member, hold } => {
            let id = find_account(batch, program, member, moment)?;
            release_hold(batch, id, *hold, moment)
        }
        Body::Adjust { program, member, adjustment, reference } => {
            check_reference(reference.as_deref())?;
            let id = find_account(batch, program, member, moment)?;
            adjust(batch, id, adjustment, reference.as_deref(), moment)
        }
        Body::AdjustCredit { currency, member, adjustment, reference } => {
            check_reference(reference.as_deref())?;
            credit::adjust(batch, *currency, member, (adjustment, reference.as_deref()), moment)
        }
        Body::Withdraw { from, member, reference, note } => {
            check_reference(Some(reference))?;
            withdraw::withdraw(batch, from, member, (reference, note), moment)
        }
        Body::Redate { .. }
        | Body::Collect { .. }
        | Body::Reinstate { .. }
        | Body::Act { .. }
        | Body::Close { .. }
        | Body::Join { .. } => acts::run(batch, &command.body, moment),
        Body::ClaimReward { .. } | Body::EndClaim { .. } => claim::run(batch, &command.body, moment),
        Body::SetTier { program, member, set } => {
            let id = find_account(batch, program, member, moment)?;
            set_tier(batch, id, set, moment)
        }
        Body::Settle { owner, program } => settle(batch, AccountId { owner: *owner, program: *program }, now),
        Body::Merge { .. } | Body::Unmerge { .. } => merge::run(batch, &command.body, moment),
        Body::ForgetAnswers { after, before } => forget(batch, *after, *before),
        other => run_other(batch, other, moment),
    }
}

fn set_tier(batch: &mut Batch<'_>, id: AccountId, set: &SetTier, moment: Moment) -> Answered {
    let mut decided = ask(batch, id, |account, rules| engine::set_tier(account, rules, set, moment))?;
    let entry = decided.entries.iter().rev().find(|it| it.kind == Kind::Tier);
    let entry = entry.ok_or(Fault::Row("a tier that is set is posted"))?.number;
    post(batch, id, &mut decided, false)?;
    Ok(Reply::Adjusted { entry, balance: batch.slot(id)?.account.balance })
}

fn forget(batch: &Batch<'_>, after: Option<[u8; 16]>, before: Timestamp) -> Answered {
    let (answers, next) = directory::forget_answers(batch.conn, after, before, batch.now)?;
    if after.is_none() {
        session::forget_expired(batch.conn, batch.now)?;
    }
    Ok(Reply::Forgotten { answers, next })
}

/// The time at which a command is recorded. It never goes back on an account, so one that lies ahead would spoil it for
/// good: it is refused, but for what clocks differ by.
pub(crate) fn ledger_time(batch: &Batch<'_>, command: &Command) -> Result<Timestamp, Rejection> {
    match command.time {
        Time::Live => Ok(batch.now),
        Time::Import(at) if !at.is_in_limits() => Err(invalid("time", "a time in the years 1970 to 2500")),
        Time::Import(at) if batch.now.plus_minutes(limits::AHEAD_MINUTES_MAX) < at => {
            Err(Rejection::DateAhead { path: "at" })
        }
        Time::Import(at) => Ok(at),
    }
}

/// What touches no points.
fn run_other(batch: &mut Batch<'_>, body: &Body, moment: Moment) -> Answered {
    match body {
        Body::AddIdentity { member, identity } => people::add_identity(batch, member, identity),
        Body::RemoveIdentity { member, identity } => people::remove_identity(batch, member, identity),
        Body::Card { card, act } => card::run(batch, card, act, moment),
        Body::Erase { member, only_unused: false } => erase::erase(batch, member, moment),
        Body::Erase { member, only_unused: true } => erase::erase_unused(batch, member, moment),
        Body::OpenLink { link, expires_at } => session::open_link(batch, *link, *expires_at),
        Body::UseLink { link, session, expires_at } => session::use_link(batch, *link, *session, *expires_at),
        Body::OpenSession { session, key, expires_at } => session::open_session(batch, *session, *key, *expires_at),
        Body::EndSession { session } => session::end_session(batch, *session),
        Body::SignUp { .. }
        | Body::ChangeMember { .. }
        | Body::PutOrder { .. }
        | Body::PutReturn { .. }
        | Body::ClaimOrder { .. }
        | Body::Hold { .. }
        | Body::ReleaseHold { .. }
        | Body::Adjust { .. }
        | Body::AdjustCredit { .. }
        | Body::IssueCertificates { .. }
        | Body::IssueBearers { .. }
        | Body::CancelCertificate { .. }
        | Body::Withdraw { .. }
        | Body::Collect { .. }
        | Body::ClaimReward { .. }
        | Body::EndClaim { .. }
        | Body::Redate { .. }
        | Body::Reinstate { .. }
        | Body::Act { .. }
        | Body::SetTier { .. }
        | Body::Close { .. }
        | Body::Join { .. }
        | Body::Merge { .. }
        | Body::Unmerge { .. }
        | Body::Settle { .. }
        | Body::ForgetAnswers { .. } => Err(Fault::Row("commands on points are decided elsewhere").into()),
        Body::CreateProgram { .. }
        | Body::AddVersion { .. }
        | Body::SwitchProgram { .. }
        | Body::AddChannel { .. }
        | Body::ChangeChannel { .. }
        | Body::AddKey { .. }
        | Body::RevokeKey { .. } => Err(Fault::Row("reference data are changed in a batch of their own").into()),
    }
}

pub(crate) struct Put<'a> {
    pub(crate) channel: &'a str,
    pub(crate) member: Option<&'a MemberRef>,
    pub(crate) reference: &'a str,
    pub(crate) document: &'a Arc<Document>,
    /// Of the command: the id of a member that signs up with it is derived from it.
    pub(crate) seed: u64,
    /// The certificates that it asks for, if it says so.
    pub(crate) certificates: Option<&'a [CertificateRef]>,
}

pub(crate) fn put_order(batch: &mut Batch<'_>, put: &Put<'_>, moment: Moment) -> Answered {
    check_reference(Some(put.reference))?;
    put.document.check()?;
    let reference = batch.reference;
    let (name, channel) = reference.named_channel(put.channel).ok_or(Rejection::UnknownChannel)?;
    let program = reference.programs.get(&channel.program).ok_or(Rejection::UnknownProgram)?;
    let (key, kind) = if put.document.is_return {
        (return_key(channel.number, put.reference), Listing::Return)
    } else {
        (order_key(channel.number, put.reference), Listing::Order)
    };
    let listed = batch.find(key)?;
    let at = Place { name, channel, key };
    let named = guest::named(batch, put, at, listed)?;
    let under = batch.under;
    if let Some(Listed { kind: Listing::Guest, .. }) = listed {
        return guest::put(batch, put, at, named, moment);
    }
    let first = listed.map(|it| batch.follow(it.owner)).transpose()?;
    let owner = match (first, named) {
        // Whom an order of somebody who was erased names may be somebody else's name by now: what comes back of it must not be stuck.
        (Some(first), Named::Member(named)) if first != named && !directory::is_erased(batch.conn, first)? => {
            return Err(Rejection::OtherMember.into());
        }
        (Some(first), _) => first,
        (None, Named::Member(named)) => named,
        (None, Named::New(identity)) => guest::sign_up(batch, put, at, &identity, moment)?,
        (None, Named::Nobody) if put.document.is_return => return Err(Rejection::UnknownMember.into()),
        (None, Named::Nobody) => return guest::put(batch, put, at, Named::Nobody, moment),
    };
    let id = AccountId { owner, program: channel.program };
    let known = listed.map(|it| OrderNo(it.number).under(batch.under));
    if known.is_none() {
        batch.under = under;
    }
    batch.slot(id)?;
    merge::ensure_joined(batch, id, moment)?;
    certificate::before_coming(batch, id, moment)?;
    if let Some(no) = known {
        batch.load_order(id, no)?;
        returns::check_kind(batch, id, no, put.document)?;
    }
    if let Some(no) = put.document.hold {
        batch.load_hold(id, no)?;
    }
    check_currency(program, put.document)?;
    credit::prepare(batch, id, known, put.document, moment.now)?;
    let named = certificate::prepare(batch, id, known, (put.document, put.certificates), moment)?;
    let document = named.document(put.document);
    let rule = |account: &Account, rules: Rules<'_>| {
        engine::put_order(account, Rules { channel: Some(name), ..rules }, known, document, moment)
    };
    bearer::claim(batch, id, &named, moment, rule)?;
    let mut decided = ask(batch, id, rule)?;
    let place = OrderPlace { channel: channel.number, reference: put.reference, known, now: moment.now, counted: None };
    let staged = batch.stage_all(id, &mut decided, Some(place), false)?;
    let answer = decided.answer.ok_or(Fault::Row("a document is always answered"))?;
    staged.into_iter().for_each(|it| batch.take_over(it));
    if known.is_none() {
        let OrderNo(number) = answer.order.under(engine::Place::OWN);
        let owner = merge::first_owner(batch.conn, owner, answer.order.place())?;
        batch.rows.directory.insert(key, Listed { owner, kind, program: id.program, number });
    }
    Ok(Reply::Order { member: Some(owner), order: answer.order, answer })
}

/// A program had another currency only before it had entries: an import brings nothing in that either.
pub(crate) fn check_currency(program: &Program, document: &Document) -> Result<(), Rejection> {
    match program.timeline.versions().last() {
        Some(last) if last.terms.currency.code != document.currency => Err(Rejection::WrongCurrency),
        Some(_) | None => Ok(()),
    }
}

fn hold(batch: &mut Batch<'_>, id: AccountId, points: Points, minutes: Option<u32>, moment: Moment) -> Answered {
    let mut decided = ask(batch, id, |account, rules| engine::hold(account, rules, points, minutes, moment))?;
    let opened = decided.entries.iter().rev().filter_map(|it| it.hold).find(|it| it.state == HoldState::Active);
    let opened = opened.ok_or(Fault::Row("a hold that is granted is posted"))?;
    post(batch, id, &mut decided, false)?;
    let balance = batch.slot(id)?.account.balance;
    Ok(Reply::Hold { member: id.owner, hold: opened.no, balance, lapses_at: opened.lapses_at })
}

fn release_hold(batch: &mut Batch<'_>, id: AccountId, hold: HoldNo, moment: Moment) -> Answered {
    batch.slot(id)?;
    let hold = if hold.place() == engine::Place::OWN { hold.under(batch.under) } else { hold };
    batch.load_hold(id, hold)?;
    let mut decided = ask(batch, id, |account, rules| engine::release_hold(account, rules, hold, moment))?;
    post(batch, id, &mut decided, false)?;
    let account = &batch.slot(id)?.account;
    let lapses_at = account.hold(hold).map_or(Timestamp::NEVER, |it| it.lapses_at);
    Ok(Reply::Hold { member: id.owner, hold, balance: account.balance, lapses_at })
}

fn adjust(
    batch: &mut Batch<'_>,
    id: AccountId,
    adjustment: &Adjustment,
    reference: Option<&str>,
    moment: Moment,
) -> Answered {
    let key = reference.map(|it| reference_key(id.program, it));
    if let Some(listed) = key.map(|it| batch.find(it)).transpose()?.flatten() {
        return adjusted_before(batch, id, &listed, adjustment, moment.now);
    }
    let mut decided = ask(batch, id, |account, rules| engine::adjust(account, rules, adjustment, moment))?;
    let entry = decided.entries.iter().find(|it| it.kind == Kind::Adjust);
    let entry = entry.ok_or(Fault::Row("an adjustment is posted"))?.number;
    post(batch, id, &mut decided, false)?;
    if let Some(key) = key {
        let listed = Listed { owner: id.owner, kind: Listing::Reference, program: id.program, number: entry.0 };
        batch.rows.directory.insert(key, listed);
    }
    Ok(Reply::Adjusted { entry, balance: batch.slot(id)?.account.balance })
}

/// A permanent reference again: the same adjustment is answered with its entry and the balance now, another one is
/// refused. An expiry that is left out fits whatever the first one came to.
fn adjusted_before(
    batch: &mut Batch<'_>,
    id: AccountId,
    listed: &Listed,
    adjustment: &Adjustment,
    now: Timestamp,
) -> Answered {
    let no = EntryNo(listed.number);
    let Some(from) = listed_in(batch, id, listed)? else { return Err(Refused::Failed(Failure::KeyReused)) };
    let entry = find_listed_entry(batch, from, no)?;
    let points: Points = entry.postings.iter().map(|it| it.points).sum();
    let points = if entry.opened.is_empty() { -points } else { points };
    let expires_at = entry.opened.first().map(|it| it.lot.expires_at);
    let is_other_expiry = adjustment.expires_at.is_some() && adjustment.expires_at != expires_at;
    let is_other_note = entry.reason != engine::Reason::Note(adjustment.note.clone());
    if points != adjustment.points || is_other_note || is_other_expiry {
        return Err(Refused::Failed(Failure::KeyReused));
    }
    let due = ask(batch, id, |account, rules| engine::settle(account, rules, now).map_err(Stop::from))?;
    let mut account = batch.slot(id)?.account.clone();
    account.apply(&due);
    Ok(Reply::Adjusted { entry: no, balance: account.balance })
}

/// The account in which the entry of a permanent reference stands, if it is this member's, or that of one who was merged into
/// it.
pub(crate) fn listed_in(batch: &mut Batch<'_>, id: AccountId, listed: &Listed) -> Found<Option<AccountId>> {
    let under = batch.under;
    let owner = batch.follow(listed.owner)?;
    batch.under = under;
    Ok((owner == id.owner).then_some(AccountId { owner: listed.owner, ..id }))
}

/// The entry that a permanent reference leads to, stored or made by this batch.
pub(crate) fn find_listed_entry(batch: &Batch<'_>, id: AccountId, no: EntryNo) -> Found<engine::Entry> {
    if let Some(it) = batch.rows.entries.get(&(id, no)) {
        let row = pack::EntryRow { number: no, at: it.at, kind: it.kind, order: it.order };
        return Ok(pack::unpack_entry(row, &it.body)?);
    }
    load::find_entry(batch.conn, id, no)?.ok_or(Fault::Row("a reference names an entry that is not there"))
}

fn settle(batch: &mut Batch<'_>, id: AccountId, now: Timestamp) -> Answered {
    if id.is_wallet() {
        return certificate::settle(batch, id, now);
    }
    if !batch.reference.programs.contains_key(&id.program) {
        return Err(Rejection::UnknownProgram.into());
    }
    if !batch.slot(id)?.is_stored && !batch.is_member(id.owner)? {
        return Err(Rejection::UnknownMember.into());
    }
    // Whoever was merged has no birthday any more: nothing would find what it gave.
    let may_be_merged = batch.reference.has_merges && batch.slot(id)?.facts.birthday.is_some();
    if may_be_merged && merge::home_of(batch.conn, id.owner)?.0 != id.owner {
        batch.slot(id)?.facts = Facts::default();
    }
    batch.load_first_lots(id)?;
    let mut decided = ask(batch, id, |account, rules| engine::settle(account, rules, now).map_err(Stop::from))?;
    let entries = u64::try_from(decided.entries.len()).map_err(|_| Fault::Row("more entries than can be counted"))?;
    if batch.slot(id)?.is_stored || !decided.entries.is_empty() {
        post(batch, id, &mut decided, true)?;
    }
    Ok(Reply::Settled { entries, due_at: batch.due_at(id)? })
}

pub(crate) fn post(batch: &mut Batch<'_>, id: AccountId, decided: &mut Decided, settles: bool) -> Found<()> {
    let staged = batch.stage_all(id, decided, None, settles)?;
    staged.into_iter().for_each(|it| batch.take_over(it));
    Ok(())
}

/// Asks the rules, and loads more lots as often as they need more.
pub(crate) fn ask(
    batch: &mut Batch<'_>,
    id: AccountId,
    mut rule: impl FnMut(&Account, Rules<'_>) -> Result<Decided, Stop>,
) -> Result<Decided, Refused> {
    let program = batch.reference.programs.get(&id.program).ok_or(Rejection::UnknownProgram)?;
    let budgets = batch.budgets(id.program)?;
    loop {
        let with_credit = batch.account(id)?;
        let (under, card_blocked) = (batch.under, batch.card_blocked);
        let slot = batch.slot(id)?;
        let of_member = Rules { facts: &slot.facts, budgets: &budgets, ..Rules::of(&program.timeline) };
        let rules = Rules { under, card_blocked, ..of_member };
        match rule(with_credit.as_ref().unwrap_or(&slot.account), rules) {
            Ok(decided) => return Ok(decided),
            Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
            Err(Stop::NeedMore) => batch.load_more(id)?,
        }
    }
}

pub(crate) fn find_account(
    batch: &mut Batch<'_>,
    program: &str,
    member: &MemberRef,
    moment: Moment,
) -> Result<AccountId, Refused> {
    let program = batch.reference.program(program).ok_or(Rejection::UnknownProgram)?;
    let owner = find_owner(batch, member, program.number)?;
    let id = AccountId { owner, program: program.number };
    merge::ensure_joined(batch, id, moment)?;
    certificate::before_coming(batch, id, moment)?;
    Ok(id)
}

/// Whoever has an account is a member. It is loaded anyway, so nothing else needs to be looked up.
pub(crate) fn find_owner(batch: &mut Batch<'_>, member: &MemberRef, program: u32) -> Result<MemberId, Refused> {
    match member {
        MemberRef::Id(id)
            if !batch.reference.has_merges && batch.slot(AccountId { owner: *id, program })?.is_stored =>
        {
            Ok(*id)
        }
        MemberRef::Id(_) | MemberRef::Identity(_) => find_member(batch, member),
    }
}

/// The member that is meant: of one that was merged into another, that one.
pub(crate) fn find_member(batch: &mut Batch<'_>, member: &MemberRef) -> Result<MemberId, Refused> {
    let owner = match member {
        MemberRef::Id(id) if batch.is_member(*id)? => *id,
        MemberRef::Id(_) => return Err(Rejection::UnknownMember.into()),
        MemberRef::Identity(identity) => {
            let listed = batch.find(identity_key(&identity.normalised()))?.ok_or(Rejection::UnknownMember)?;
            batch.card_blocked |= listed.number == card::BLOCKED;
            listed.owner
        }
    };
    Ok(batch.follow(owner)?)
}

pub(crate) fn check_reference(reference: Option<&str>) -> Result<(), Rejection> {
    match reference {
        Some(text) if !is_name(text) => Err(invalid("reference", "1 to 120 bytes of text without control characters")),
        Some(_) | None => Ok(()),
    }
}
