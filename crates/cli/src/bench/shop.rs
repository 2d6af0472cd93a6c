//! The shop of the bench: so many members, each with an order already, and orders of members at random. Everything follows
//! from numbers, so that each run sells the same.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use engine::{Actor, Document, Money, Points, Timestamp};
use hyper::Method;
use hyper::body::Bytes;
use store::{
    Body, ChannelId, Command, Database, Identity, IdentityKind, Key, MemberId, MemberRef, ProgramId, Reader, Reply,
    Scopes, SecretHash, Store, Time,
};

use super::folder::Folder;
use super::load::Parcel;
use super::place::Place;
use crate::flight::Flight;
use crate::open;
use crate::progress::Progress;

pub(crate) const PROGRAM: &str = "Bench";
const CHANNEL: &str = "web";
/// The key of the load generator.
pub(crate) const API_KEY: &str = "gdn_bench";
const DOCUMENT: &str = include_str!("../../../../demo/programs/sample.json");

/// A member by its number.
pub(crate) fn member(number: u64) -> MemberId {
    MemberId::derived(Timestamp::from_micros(1_700_000_000_000_000), &number.to_be_bytes())
}

/// So many members are made in one database; more of them in several that are put together in the order of their keys.
const PART: u64 = 250_000;

/// A program is that old: what is imported may be older than the bench.
const AGE: i64 = 365 * 86_400_000_000;

/// Makes the database that each measurement begins with, unless it is there already.
pub(crate) fn prepare(place: &Place, members: u64) -> Result<()> {
    match place {
        Place::Files(it) => prepare_file(&it.base, members),
        Place::Server(it) => {
            let base = place.base()?;
            if !it.make_base()? {
                let there = Reader::open(&base, server::program::compile)?.member_count()?;
                ensure!(there == members, "there are {there} members: measure with --members {there}");
                return Ok(());
            }
            make_there(&base, members, 1)
        }
    }
}

fn prepare_file(path: &Path, members: u64) -> Result<()> {
    if path.exists() {
        let there = Reader::open(&Database::Sqlite(path.to_owned()), server::program::compile)?.member_count()?;
        ensure!(there == members, "there are {there} members: measure with --members {there}");
        return Ok(());
    }
    make(path, members, 1, PART)
}

/// Makes such a database beside it, whose members have so many orders each.
pub(crate) fn make_at(place: &Place, name: &str, members: u64, orders: u64) -> Result<Database> {
    let database = place.fresh(name)?;
    match &database {
        Database::Sqlite(path) => make(path, members, orders, PART)?,
        Database::Postgres(_) => make_there(&database, members, orders)?,
    }
    Ok(database)
}

fn make_there(database: &Database, members: u64, orders: u64) -> Result<()> {
    let mut progress = Progress::new("members", members);
    fill(database, 0..members, orders, &mut progress)?;
    progress.finish();
    Ok(store::settle_server(database)?)
}

fn make(path: &Path, members: u64, orders: u64, part: u64) -> Result<()> {
    let mut progress = Progress::new("members", members);
    if members <= part {
        fill(&Database::Sqlite(path.to_owned()), 0..members, orders, &mut progress)?;
        progress.finish();
        return Ok(());
    }
    // Beside the file, since that is where there is room.
    let folder = Folder::make(path.with_extension("parts"))?;
    let mut parts = Vec::new();
    for first in (0..members).step_by(usize::try_from(part)?) {
        let path = folder.0.join(format!("{first}.db"));
        fill(&Database::Sqlite(path.clone()), first..members.min(first + part), orders, &mut progress)?;
        parts.push(path);
    }
    progress.finish();
    let mut progress = Progress::new("rows put together", 0);
    store::gather(&parts, path, &mut |rows| progress.set(rows))?;
    progress.finish();
    Ok(())
}

fn fill(database: &Database, numbers: Range<u64>, orders: u64, progress: &mut Progress) -> Result<()> {
    let store = open::writer(database)?;
    let now = store.now();
    open_shop(&store, now)?;
    let mut flight = Flight::new(&store);
    for number in numbers {
        let reference = |it: u64| if it == 0 { format!("first-{number}") } else { format!("first-{number}-{it}") };
        let orders = (0..orders).map(|it| order(number, &reference(it), now));
        for command in std::iter::once(sign_up(number)).chain(orders) {
            // As an import: nobody waits for these answers at a till, however long a full disk takes.
            landed(flight.send((), Command { time: Time::Import(now), ..command }))?;
        }
        progress.set(number);
    }
    while let Some(answer) = flight.land() {
        landed(Some(answer))?;
    }
    Ok(())
}

fn open_shop(store: &Store, now: Timestamp) -> Result<()> {
    let since = Timestamp::from_micros(now.micros() - AGE);
    let document = DOCUMENT.replace("Sample shop", PROGRAM);
    let id = ProgramId::derived(now, b"bench");
    open::send(store, Body::CreateProgram { id, name: PROGRAM.to_owned(), document, effective_at: Some(since) }, None)?;
    let channel = Body::AddChannel {
        id: ChannelId::derived(now, b"bench"),
        name: CHANNEL.to_owned(),
        program: PROGRAM.to_owned(),
        signs_up: false,
    };
    open::send(store, channel, None)?;
    let key = Body::AddKey {
        name: "bench".to_owned(),
        hash: SecretHash::of(API_KEY),
        hint: "ench".to_owned(),
        scopes: Scopes::ADMIN,
    };
    open::send(store, key, None)?;
    Ok(())
}

pub(crate) fn landed(answer: Option<((), Result<Reply, store::Failure>)>) -> Result<()> {
    match answer {
        Some((_, answer)) => answer.map(|_| ()).context("a command of the bench failed"),
        None => Ok(()),
    }
}

pub(crate) fn sign_up(number: u64) -> Command {
    let identities = vec![
        Identity::new(IdentityKind::Customer, format!("{number:08}")),
        Identity::new(IdentityKind::Card, format!("60{number:011}")),
    ];
    let body = Body::SignUp {
        id: member(number),
        name: Some(format!("Member {number}")),
        identities,
        facts: engine::Facts::default(),
    };
    let key = Some(Key(format!("bench-{number}")));
    Command { key, actor: Actor::Staff(0), time: Time::Live, seed: number, body }
}

fn order(number: u64, reference: &str, now: Timestamp) -> Command {
    let cents = i64::try_from(100 + mixed(number) % 9_900).unwrap_or(100);
    order_of(number, reference, Money::new(cents), None, now)
}

pub(crate) fn order_of(number: u64, reference: &str, amount: Money, redeem: Option<Points>, now: Timestamp) -> Command {
    let document = Arc::new(Document { redeem, ..Document::sale(*b"USD", amount, now) });
    let body = Body::PutOrder {
        channel: CHANNEL.to_owned(),
        member: Some(MemberRef::Id(member(number))),
        reference: reference.to_owned(),
        document,
        certificates: None,
    };
    Command { key: None, actor: Actor::Channel(1), time: Time::Live, seed: number, body }
}

/// Orders of members at random: what a measurement sends, each under references of its own.
#[derive(Clone, Copy)]
pub(crate) struct Orders<'a> {
    pub(crate) label: &'a str,
    pub(crate) members: u64,
    pub(crate) count: usize,
}

impl Orders<'_> {
    /// As commands of the store.
    pub(crate) fn commands(self, now: Timestamp) -> Vec<Command> {
        self.each().map(|(number, reference)| order(number, &reference, now)).collect()
    }

    /// As requests over HTTP.
    pub(crate) fn parcels(self, now: Timestamp) -> Vec<Parcel> {
        let parcel = |(number, reference): (u64, String)| {
            let cents = 100 + mixed(number) % 9_900;
            let body = serde_json::json!({
                "member": member(number).to_string(),
                "lines": [{"id": "1", "quantity": 1, "amount": format!("{}.{:02}", cents / 100, cents % 100)}],
                "placed_at": now.to_string(),
                "paid_at": now.to_string(),
            });
            let path = format!("/v1/channels/{CHANNEL}/orders/{reference}");
            Parcel { method: Method::PUT, path, body: Bytes::from(body.to_string()) }
        };
        self.each().map(parcel).collect()
    }

    fn each(self) -> impl Iterator<Item = (u64, String)> {
        let seed = self.label.bytes().fold(7, |seed, byte| mixed(seed ^ u64::from(byte)));
        let Self { label, members, count } = self;
        (0..count).map(move |index| {
            let drawn = mixed(seed.wrapping_add(u64::try_from(index).unwrap_or(0)));
            (drawn % members, format!("{label}-{:08x}-{index}", mixed(drawn) >> 32))
        })
    }
}

/// Looks at the balances of the members who order.
pub(crate) fn balances(of: Orders<'_>) -> Vec<Parcel> {
    let path = |number: u64| format!("/v1/members/{}/accounts/{PROGRAM}", member(number));
    of.each().map(|(number, _)| Parcel { method: Method::GET, path: path(number), body: Bytes::new() }).collect()
}

/// The mixing step of splitmix64 (Steele, Lea and Flood, 2014): numbers that look random.
pub(crate) fn mixed(number: u64) -> u64 {
    let mut it = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    it = (it ^ (it >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    it ^ (it >> 31)
}

/// Sends all commands, 2,000 on their way at once, so that batches are full, and answers when the last one was answered.
pub(crate) fn send_all(store: &Store, commands: Vec<Command>) -> Result<()> {
    const IN_FLIGHT: usize = 2_000;
    let mut waiting = std::collections::VecDeque::with_capacity(IN_FLIGHT);
    for command in commands {
        if IN_FLIGHT <= waiting.len()
            && let Some(ticket) = waiting.pop_front()
        {
            store::Ticket::wait(ticket).context("an order of the bench failed")?;
        }
        waiting.push_back(store.submit(command));
    }
    waiting.into_iter().try_for_each(|it| it.wait().map(|_| ()).context("an order of the bench failed"))
}

#[test]
fn what_is_made_in_parts_is_one_shop() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("base.db");
    make(&path, 700, 2, 300).expect("members");
    let database = Database::Sqlite(path);
    let store = open::existing(&database).expect("a store");
    let orders = Orders { label: "more", members: 700, count: 500 };
    send_all(&store, orders.commands(store.now())).expect("orders");
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.member_count(), Ok(700));
    let report = reader.verify(&mut |_| {}).expect("it can be read");
    assert_eq!((report.difference, report.orders), (None, 1_900));
    assert!(!folder.path().join("base.parts").exists(), "the parts are gone");
}
