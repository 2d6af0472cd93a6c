//! What another process has recorded meanwhile stands in the midst of a batch that is already under way: it takes the batch
//! back, and its neighbours on both sides are kept, once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Adjustment, Facts, Points, Rejection, Timestamp};
use store::{Body, Command, Failure, Identity, IdentityKind, Options, Reader, Reply, Store, Ticket};

use crate::place::url;
use crate::raw::Raw;
use crate::shop::{NEW_YEAR, compile, id_of, keyed, named, order, sale, send, set_up, sign_up};
use crate::still::Gate;

/// A process with one lane, whose sessions have a name of their own.
struct Process {
    store: Store,
    gate: Arc<Gate>,
    name: String,
}

impl Process {
    fn open(url: &str, name: &str) -> Self {
        let gate = Arc::<Gate>::default();
        let clock = gate.clock(|| Timestamp::from_micros(NEW_YEAR));
        let options = Options { create: true, clock: Some(clock), lanes: Some(1), ..Options::new(compile) };
        let name = format!("{name}_{}", url.rsplit("%3D").next().expect("a schema"));
        let there = format!("{url}&application_name={name}").parse().expect("an address");
        Self { store: Store::open(&there, options).expect("a ledger"), gate, name }
    }

    /// Sends all of them as one batch, behind one that does nothing else.
    fn begin(&self, opener: &str, commands: &[Command]) -> Vec<Ticket> {
        let closed = self.gate.close();
        let first = self.store.submit(adjust(opener, 9, 1));
        self.gate.wait_until_somebody_stands();
        let tickets = commands.iter().map(|it| self.store.submit(it.clone())).collect();
        drop(closed);
        assert!(first.wait().is_ok());
        tickets
    }

    /// Until its batch, which has looked up all keys, waits for a member.
    fn waits(&self, raw: &Raw) {
        let waits = format!(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = '{}' AND wait_event_type = 'Lock'
                AND query LIKE '%FOR NO KEY UPDATE%'",
            self.name
        );
        let until = Instant::now() + Duration::from_secs(60);
        while raw.rows(&waits).is_empty() {
            assert!(Instant::now() < until, "it waits for nobody");
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}

fn adjust(key: &str, member: u64, points: i64) -> Command {
    let adjustment = Adjustment { points: Points::new(points), note: "by hand".into(), expires_at: None };
    keyed(key, Body::Adjust { program: "points".into(), member: named(member), adjustment, reference: None })
}

fn sold(member: u64, reference: &str) -> Command {
    order(member, reference, sale(1_000, NEW_YEAR))
}

fn by_phone(key: &str, number: u64, phone: &str) -> Command {
    let (id, identities) = (id_of(number), vec![Identity::new(IdentityKind::Phone, phone)]);
    keyed(key, Body::SignUp { id, name: None, identities, facts: Facts::default() })
}

/// The loser has its batch half done when the winner's command comes; answers what both are told, the neighbours' left out.
fn meet(wins: Command, loses: Command) -> [Result<Reply, Failure>; 2] {
    let url = url();
    let winner = Process::open(&url, "winner");
    set_up(&winner.store, "plain");
    for number in (1..=4).chain([9]) {
        send(&winner.store, sign_up(number)).expect("a member");
    }
    let loser = Process::open(&url, "loser");
    let raw = Raw::connect(&url);
    assert!((1..=3).all(|it| id_of(4) < id_of(it)), "it waits for the first, and holds nobody whom the winner needs");
    raw.run("BEGIN; SELECT 1 FROM members WHERE owner_id = (SELECT owner_id FROM identities WHERE value = '00004') FOR UPDATE");
    let batch =
        [sold(3, "before"), by_phone("joins", 11, "+41441111111"), loses, sold(4, "behind"), adjust("last", 3, 2)];
    let before = loser.store.counted();
    let tickets = loser.begin("opens", &batch);
    loser.waits(&Raw::connect(&url));
    let won = send(&winner.store, wins);
    raw.run("ROLLBACK");
    let mut answers: Vec<_> = tickets.into_iter().map(Ticket::wait).collect();
    let after = loser.store.counted();
    assert_eq!(after.batch_commands.count() - before.batch_commands.count(), 2, "one batch, and the one before it");
    assert_eq!(after.run_again - before.run_again, 1, "what stands in its midst has taken it back");
    let lost = answers.remove(2);
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    let again = [&batch[..2], &batch[3..]].concat();
    assert!(again.into_iter().all(|it| send(&winner.store, it).is_ok()));
    let reader = Reader::open(&url.parse().expect("an address"), compile).expect("a reader");
    assert_eq!([3, 4].map(|it| available(&reader, it)), [12, 10], "neighbours are kept, once");
    assert_eq!([3, 4].map(|it| entries(&reader, it)), [2, 1]);
    assert_eq!(reader.member(id_of(11)).expect("it can be read").map(|it| it.id), Some(id_of(11)));
    assert!(entries(&reader, 1) <= 1 && entries(&reader, 2) == 0, "what was lost has done nothing");
    assert_eq!(reader.verify(&mut |_| {}).expect("it can be read").difference, None);
    [won, lost]
}

fn available(reader: &Reader, member: u64) -> i64 {
    let balance = reader.balance(id_of(member), 1, Timestamp::from_micros(NEW_YEAR)).expect("a balance");
    balance.available.get()
}

fn entries(reader: &Reader, member: u64) -> usize {
    reader.entries(id_of(member), 1, engine::EntryNo(0), 100).expect("entries").len()
}

#[test]
fn a_reference_of_two_members_takes_no_neighbour_with_it() {
    let [won, lost] = meet(sold(1, "shared"), sold(2, "shared"));
    assert!(matches!(won, Ok(Reply::Order { member: Some(id), .. }) if id == id_of(1)), "{won:?}");
    assert_eq!(lost, Err(Failure::Rejected(Rejection::OtherMember)));
}

#[test]
fn a_phone_that_two_sign_up_with_takes_no_neighbour_with_it() {
    let [won, lost] = meet(by_phone("one", 7, "+41441234567"), by_phone("other", 8, "+41441234567"));
    assert_eq!(won, Ok(Reply::Member { id: id_of(7), created: true }));
    assert_eq!(lost, Ok(Reply::Member { id: id_of(7), created: false }));
}

#[test]
fn a_key_that_is_used_twice_at_once_takes_no_neighbour_with_it() {
    let once = by_phone("once", 7, "+41441234567");
    let [won, lost] = meet(once.clone(), once);
    assert_eq!((&won, &lost), (&Ok(Reply::Member { id: id_of(7), created: true }), &won));
    let [won, lost] = meet(adjust("once", 1, 5), adjust("once", 1, 5));
    assert!(won.is_ok());
    assert_eq!(won, lost, "one effect, one answer");
    let [won, lost] = meet(adjust("once", 1, 5), adjust("once", 2, 5));
    assert!(won.is_ok());
    assert_eq!(lost, Err(Failure::KeyReused));
}
