//! Asks a server ahead for what the commands of a batch look up, in two round trips for all of them: what their keys,
//! references and identities lead to, then the accounts, their lots and the orders that were found.
//!
//! Nothing depends on it: what was not asked ahead is asked when it is needed, and what was asked in vain costs a little.
//! It runs behind the lock of the batch, so what it finds stays true until the batch writes. Bounded by the batch.

use std::collections::BTreeSet;

use engine::OrderNo;

use crate::command::{Body, Command};
use crate::directory::{
    ANSWER, DirectoryKey, FACTS, FIND, Listing, answer_key, find, identity_key, order_key, return_key,
};
use crate::fault::Found;
use crate::id::MemberId;
use crate::load::{ACCOUNT, LOTS, LOTS_OF_PHASE, ORDER};
use crate::member::{Identity, MemberRef};
use crate::queue::Job;
use crate::reference::{Program, Reference};
use crate::rows::{AccountId, OPEN, WAITING};
use crate::sql::{Ahead, Connection, params};

pub(crate) fn ask_ahead(conn: &Connection, reference: &Reference, jobs: &[Job]) -> Found<()> {
    let commands = || jobs.iter().map(|it| &it.command).filter(|it| !it.body.is_alone());
    let Some(mut ahead) = conn.ahead() else { return Ok(()) };
    if commands().next().is_none() {
        return Ok(());
    }
    let mut keys = BTreeSet::new();
    for command in commands() {
        if let Some(key) = &command.key {
            ahead.ask(ANSWER, params![answer_key(&key.0)])?;
        }
        keys.extend(keys_of(reference, command));
    }
    for key in &keys {
        ahead.ask(FIND, params![key])?;
    }
    ahead.fetch()?;
    let (mut accounts, mut orders) = (BTreeSet::new(), BTreeSet::new());
    for command in commands() {
        accounts.extend(account_of(conn, reference, command)?);
    }
    for key in keys {
        if let Some(listed) = find(conn, key)?.filter(|it| it.kind == Listing::Order) {
            let id = AccountId { owner: listed.owner, program: listed.program };
            orders.insert((id, OrderNo(listed.number)));
            accounts.insert(id);
        }
    }
    for id in accounts {
        ask_account(&mut ahead, reference, id)?;
    }
    for (id, no) in orders {
        ahead.ask(ORDER, params![id.owner.0, id.program, no.0])?;
    }
    Ok(ahead.fetch()?)
}

/// What a command looks up in the directory.
fn keys_of(reference: &Reference, command: &Command) -> Vec<DirectoryKey> {
    let mut keys: Vec<DirectoryKey> = member_of(&command.body).and_then(identity_of).into_iter().collect();
    let channel = |name: &str| reference.named_channel(name).map(|it| it.1.number);
    match &command.body {
        Body::PutOrder { channel: name, reference, document, .. } => {
            let key = if document.is_return { return_key } else { order_key };
            keys.extend(channel(name).map(|it| key(it, reference)));
        }
        Body::PutReturn { channel: name, reference, order, .. } => {
            keys.extend(channel(name).map(|it| return_key(it, reference)));
            keys.extend(channel(&order.channel).map(|it| order_key(it, &order.reference)));
        }
        Body::SignUp { identities, .. } => keys.extend(identities.iter().map(|it| identity_key(&it.normalised()))),
        _ => {}
    }
    keys
}

fn identity_of(member: &MemberRef) -> Option<DirectoryKey> {
    match member {
        MemberRef::Identity(identity) => Some(identity_key(&Identity::normalised(identity))),
        MemberRef::Id(_) => None,
    }
}

/// Whom the most frequent commands name.
fn member_of(body: &Body) -> Option<&MemberRef> {
    match body {
        Body::PutOrder { member, .. } => member.as_ref(),
        Body::Hold { member, .. }
        | Body::ReleaseHold { member, .. }
        | Body::Adjust { member, .. }
        | Body::AdjustCredit { member, .. }
        | Body::Act { member, .. } => Some(member),
        _ => None,
    }
}

/// The account that a command is about, as far as it can be told by now.
fn account_of(conn: &Connection, reference: &Reference, command: &Command) -> Found<Option<AccountId>> {
    let number = |name: &str| reference.program(name).map(|it| it.number);
    let program = match &command.body {
        Body::Settle { owner, program } => return Ok(Some(AccountId { owner: *owner, program: *program })),
        Body::PutOrder { channel, .. } => reference.named_channel(channel).map(|it| it.1.program),
        Body::Hold { program, .. }
        | Body::ReleaseHold { program, .. }
        | Body::Adjust { program, .. }
        | Body::Act { program, .. } => number(program),
        _ => None,
    };
    let owner: Option<MemberId> = match member_of(&command.body) {
        Some(MemberRef::Id(id)) => Some(*id),
        Some(MemberRef::Identity(identity)) => find(conn, identity_key(&identity.normalised()))?.map(|it| it.owner),
        None => None,
    };
    Ok(owner.zip(program).map(|(owner, program)| AccountId { owner, program }))
}

fn ask_account(ahead: &mut Ahead<'_>, reference: &Reference, id: AccountId) -> Found<()> {
    let program = reference.programs.get(&id.program);
    if program.is_some_and(|it| it.timeline.needs_facts()) {
        ahead.ask(FACTS, params![id.owner.0])?;
    }
    let currency = program.filter(|it| it.timeline.converts()).and_then(Program::currency);
    let purse = currency.map(|it| AccountId::purse(id.owner, it));
    for id in [Some(id), purse].into_iter().flatten() {
        ahead.ask(ACCOUNT, params![id.owner.0, id.program])?;
        for phase in [WAITING, OPEN] {
            ahead.ask(LOTS_OF_PHASE, params![id.owner.0, id.program, phase, u64::from(LOTS) + 1])?;
        }
    }
    Ok(())
}
