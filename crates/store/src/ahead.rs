//! Begins a batch, and asks a server ahead for what its commands look up, in two round trips for all of them: what their keys,
//! references and identities lead to; then, behind the locks of the owners that were found, the time, the accounts, their lots
//! and the orders.
//!
//! But for the locks nothing depends on it: what was not asked ahead is asked when it is needed, and what was asked in vain
//! costs a little. What one command compares is asked in one statement, so that it is of one instant. Bounded by the batch.

use std::collections::{BTreeMap, BTreeSet};

use engine::{OrderNo, Points};

use crate::certificate::CertificateRef;
use crate::clock::CLOCK;
use crate::command::{Body, Command};
use crate::directory::{
    ANSWER, DirectoryKey, FACTS, FIND, Listing, answer_key, find, identity_key, order_key, reference_key, return_key,
};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load::{ACCOUNT, LOTS, ORDER, asking_lots};
use crate::locks::{Locks, Wanted};
use crate::member::MemberRef;
use crate::merge::home_of;
use crate::queue::Job;
use crate::reference::{Program, Reference};
use crate::rows::{AccountId, OPEN, WAITING};
use crate::sql::{self, Ahead, Connection, Noted, params};

/// Whether reference data have changed, and how many members are parked.
pub(crate) const STANDING: &str = "SELECT CAST(value AS BIGINT), (SELECT count(*) FROM members WHERE parked <> 0)
    FROM meta WHERE name = 'epoch'";

/// What a command looks up.
pub(crate) struct Sought {
    answer: Option<DirectoryKey>,
    whom: Option<Whom>,
    program: Option<u32>,
    keys: Vec<DirectoryKey>,
    looks_at_lots: bool,
}

/// Whom a command names.
#[derive(Clone, Copy)]
enum Whom {
    Member(MemberId),
    Key(DirectoryKey),
}

/// What all commands look up that are not alone in their batch. A file is asked when something is needed.
pub(crate) fn sought(conn: &Connection, reference: &Reference, jobs: &[Job]) -> Vec<Sought> {
    if conn.file().is_some() {
        return Vec::new();
    }
    let commands = jobs.iter().map(|it| &it.command).filter(|it| !it.body.is_alone());
    let sought = |it: &Command| Sought {
        answer: it.key.as_ref().map(|it| answer_key(&it.0)),
        whom: whom(&it.body),
        program: program_of(reference, &it.body),
        keys: keys_of(reference, &it.body),
        looks_at_lots: looks_at_lots(&it.body),
    };
    commands.map(sought).collect()
}

/// Begins a transaction, and finds what the keys of all commands lead to.
pub(crate) fn begin(conn: &Connection, sought: &[Sought], shares: bool) -> Found<()> {
    let Some(mut ahead) = conn.ahead() else { return Ok(conn.begin_writing()?) };
    ahead.ask(STANDING, [])?;
    ask_keys(&mut ahead, sought)?;
    Ok(ahead.begin(shares)?)
}

/// Keys go by numbers of channels and programs: where these have changed, others are meant.
pub(crate) fn find_again(conn: &Connection, sought: &[Sought]) -> Found<()> {
    let Some(mut ahead) = conn.ahead() else { return Ok(()) };
    ask_keys(&mut ahead, sought)?;
    Ok(ahead.fetch()?)
}

fn ask_keys(ahead: &mut Ahead<'_>, sought: &[Sought]) -> Found<()> {
    for key in sought.iter().filter_map(|it| it.answer) {
        ahead.ask(ANSWER, params![key])?;
    }
    for key in sought.iter().flat_map(Sought::keys) {
        ahead.ask(FIND, params![key])?;
    }
    Ok(())
}

impl Sought {
    fn keys(&self) -> impl Iterator<Item = DirectoryKey> {
        let whom = self.whom.and_then(|it| if let Whom::Key(key) = it { Some(key) } else { None });
        whom.into_iter().chain(self.keys.iter().copied())
    }
}

/// Locks whom the commands are about, if others write beside the batch, and loads what belongs to them.
pub(crate) fn lock_and_load(
    conn: &Connection,
    reference: &Reference,
    sought: &[Sought],
    wanted: &Wanted,
) -> Found<Locks> {
    let Some(mut ahead) = conn.ahead() else { return Ok(Locks::all()) };
    let Led { accounts, orders, mut to_lock } = led_to(conn, reference, sought)?;
    to_lock.add(wanted.clone());
    if !wanted.all {
        to_lock.ask(&mut ahead)?;
    }
    ahead.ask(CLOCK, [])?;
    for (id, looks_at_lots) in accounts {
        ask_account(&mut ahead, reference, id, looks_at_lots)?;
    }
    for (id, no) in orders {
        ahead.ask(ORDER, params![id.owner.0, id.program, no.0])?;
    }
    ahead.fetch()?;
    if wanted.all { Ok(Locks::all()) } else { to_lock.locked(conn) }
}

/// What the keys of the commands have led to.
#[derive(Default)]
struct Led {
    /// And whether one of the commands is likely to look at its lots.
    accounts: BTreeMap<AccountId, bool>,
    orders: BTreeSet<(AccountId, OrderNo)>,
    to_lock: Wanted,
}

fn led_to(conn: &Connection, reference: &Reference, sought: &[Sought]) -> Found<Led> {
    let mut led = Led::default();
    for it in sought {
        let owner = match it.whom {
            Some(Whom::Member(id)) => Some(id),
            Some(Whom::Key(key)) => find(conn, key)?.map(|it| it.owner),
            None => None,
        };
        led.to_lock.owners.extend(owner);
        if let Some((owner, program)) = owner.zip(it.program) {
            *led.accounts.entry(AccountId { owner, program }).or_default() |= it.looks_at_lots;
        }
        for key in it.keys.iter().copied() {
            let Some(listed) = find(conn, key)? else { continue };
            let id = AccountId { owner: listed.owner, program: listed.program };
            match listed.kind {
                Listing::Order => {
                    led.orders.insert((id, OrderNo(listed.number)));
                    // What it has earned or spent may be taken back.
                    led.accounts.insert(id, true);
                }
                Listing::Guest => drop(led.to_lock.guests.insert((key, listed.program))),
                Listing::Return | Listing::Reference | Listing::Certificate | Listing::Claimed => {
                    led.to_lock.owners.insert(listed.owner);
                }
                // Whoever is only asked for is not changed.
                Listing::Identity => {}
            }
        }
    }
    led.to_lock.owners.extend(led.accounts.keys().map(|it| it.owner));
    if reference.has_merges {
        let homes = homes_of(conn, &led.to_lock.owners)?;
        led.to_lock.owners.extend(homes);
    }
    let keeps = |it: &u32| reference.programs.get(it).is_some_and(|it| it.timeline.has_budgets());
    led.to_lock.programs.extend(led.accounts.keys().map(|it| it.program).filter(keeps));
    Ok(led)
}

/// Who these are now: of those who were merged into others, the others.
fn homes_of(conn: &Connection, owners: &BTreeSet<MemberId>) -> Found<BTreeSet<MemberId>> {
    loop {
        let mut homes = BTreeSet::new();
        conn.note();
        for owner in owners {
            match home_of(conn, *owner) {
                Err(Fault::Sql(sql::Error::Noted)) => {}
                home => drop(homes.insert(home?.0)),
            }
        }
        if conn.ask_noted()? == Noted::Nothing {
            return Ok(homes);
        }
    }
}

/// What a command looks up in the directory, beside whom it names.
fn keys_of(reference: &Reference, body: &Body) -> Vec<DirectoryKey> {
    let mut keys = Vec::new();
    let channel = |name: &str| reference.named_channel(name).map(|it| it.1.number);
    match body {
        Body::PutOrder { channel: name, reference, document, certificates, .. } => {
            let key = if document.is_return { return_key } else { order_key };
            keys.extend(channel(name).map(|it| key(it, reference)));
            keys.extend(certificates.iter().flatten().filter_map(CertificateRef::key));
        }
        Body::PutReturn { channel: name, reference, order, .. } => {
            keys.extend(channel(name).map(|it| return_key(it, reference)));
            keys.extend(channel(&order.channel).map(|it| order_key(it, &order.reference)));
        }
        Body::ClaimOrder { order, .. } => {
            keys.extend(channel(&order.channel).map(|it| order_key(it, &order.reference)));
        }
        Body::SignUp { identities, .. } => keys.extend(identities.iter().map(|it| identity_key(&it.normalised()))),
        Body::AddIdentity { identity, .. } => keys.push(identity_key(&identity.normalised())),
        Body::Adjust { program, reference: Some(name), .. } | Body::Act { program, reference: Some(name), .. } => {
            keys.extend(reference.program(program).map(|it| reference_key(it.number, name)));
        }
        Body::CancelCertificate { certificate, .. } => keys.extend(certificate.key()),
        _ => {}
    }
    keys
}

fn whom(body: &Body) -> Option<Whom> {
    let member = match body {
        Body::Settle { owner, .. } => return Some(Whom::Member(*owner)),
        Body::PutOrder { member, .. } => member.as_ref(),
        Body::ClaimOrder { member, .. }
        | Body::Hold { member, .. }
        | Body::ReleaseHold { member, .. }
        | Body::Adjust { member, .. }
        | Body::AdjustCredit { member, .. }
        | Body::IssueCertificates { member, .. }
        | Body::Withdraw { member, .. }
        | Body::Collect { member, .. }
        | Body::ClaimReward { member, .. }
        | Body::EndClaim { member, .. }
        | Body::Redate { member, .. }
        | Body::Reinstate { member, .. }
        | Body::Act { member, .. }
        | Body::SetTier { member, .. }
        | Body::Close { member, .. }
        | Body::Join { member, .. }
        | Body::ChangeMember { member, .. }
        | Body::AddIdentity { member, .. } => Some(member),
        _ => None,
    };
    Some(match member? {
        MemberRef::Id(id) => Whom::Member(*id),
        MemberRef::Identity(identity) => Whom::Key(identity_key(&identity.normalised())),
    })
}

/// The program of the account that a command is about.
fn program_of(reference: &Reference, body: &Body) -> Option<u32> {
    let number = |name: &str| reference.program(name).map(|it| it.number);
    match body {
        Body::Settle { program, .. } => Some(*program),
        Body::PutOrder { channel, .. } => reference.named_channel(channel).map(|it| it.1.program),
        Body::Hold { program, .. }
        | Body::ReleaseHold { program, .. }
        | Body::Adjust { program, .. }
        | Body::Collect { program, .. }
        | Body::ClaimReward { program, .. }
        | Body::EndClaim { program, .. }
        | Body::Redate { program, .. }
        | Body::Reinstate { program, .. }
        | Body::SetTier { program, .. }
        | Body::Close { program, .. }
        | Body::Join { program, .. }
        | Body::Act { program, .. } => number(program),
        _ => None,
    }
}

/// All but a new order that spends no points: that only earns, as a rule.
fn looks_at_lots(body: &Body) -> bool {
    match body {
        Body::PutOrder { document, .. } => {
            document.is_return || document.redeem.is_some_and(Points::is_positive) || document.hold.is_some()
        }
        _ => true,
    }
}

fn ask_account(ahead: &mut Ahead<'_>, reference: &Reference, id: AccountId, looks_at_lots: bool) -> Found<()> {
    let program = reference.programs.get(&id.program);
    if program.is_some_and(|it| it.timeline.needs_facts()) {
        ahead.ask(FACTS, params![id.owner.0])?;
    }
    // Few have points that wait: where no rule makes any, they are asked for when there are some after all.
    let waits = program.is_some_and(|it| it.timeline.versions().iter().any(|it| it.terms.waiting_days != 0));
    let converts = program.filter(|it| it.timeline.converts());
    let purse = converts.and_then(Program::currency).map(|it| AccountId::purse(id.owner, it));
    for (id, looks) in [(Some(id), looks_at_lots || waits || converts.is_some()), (purse, true)] {
        let Some(id) = id else { continue };
        ahead.ask(ACCOUNT, params![id.owner.0, id.program])?;
        for phase in [WAITING, OPEN].into_iter().filter(|it| looks && (waits || *it == OPEN)) {
            asking_lots(id, phase, LOTS, |sql, which| ahead.ask(sql, which))?;
        }
    }
    Ok(())
}
