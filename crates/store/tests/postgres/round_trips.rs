//! A batch takes as many round trips as a command alone, whatever its size: counted on the wire between the store and the
//! server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::{Money, Timestamp};
use store::{Command, Options, Reader, Store};

use crate::place::url;
use crate::shop::{NEW_YEAR, compile, order, sale, set_up, sign_up};
use crate::still::Gate;

/// Stands between a store and its server, and counts how often the one speaks after the other has.
pub(crate) struct Wire {
    port: u16,
    turns: Arc<AtomicU64>,
    /// Nothing that the server says arrives meanwhile.
    pub(crate) is_mute: Arc<AtomicBool>,
    /// Where the next connection that commits is cut.
    pub(crate) cut: Arc<Mutex<Option<Cut>>>,
}

/// Where a connection breaks: before COMMIT, inside, or behind its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Before,
    /// The server has it, and its answer is lost.
    Inside,
    Behind,
}

/// How a simple query says it.
const COMMIT: &[u8] = b"COMMIT\0";

impl Wire {
    fn to(socket: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let turns = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&turns);
        let is_mute = Arc::<AtomicBool>::default();
        let mutes = Arc::clone(&is_mute);
        let cut = Arc::<Mutex<Option<Cut>>>::default();
        let cuts = Arc::clone(&cut);
        std::thread::spawn(move || {
            for store in listener.incoming() {
                let store = store.expect("a connection");
                store.set_nodelay(true).expect("no waiting");
                let server = UnixStream::connect(&socket).expect("the server");
                let server_spoke = Arc::new(AtomicBool::new(true));
                let (other, back) = (store.try_clone().expect("a handle"), server.try_clone().expect("a handle"));
                let (spoke, turns) = (Arc::clone(&server_spoke), Arc::clone(&counted));
                let (cuts, commits) = (Arc::clone(&cuts), Arc::<Mutex<Option<Cut>>>::default());
                let committing = Arc::clone(&commits);
                std::thread::spawn(move || {
                    carry(other, server, &move |said| {
                        turns.fetch_add(u64::from(spoke.swap(false, Ordering::SeqCst)), Ordering::SeqCst);
                        if said.ends_with(COMMIT) {
                            let cut = cuts.lock().expect("nobody panicked").take();
                            *committing.lock().expect("nobody panicked") = cut;
                            return cut != Some(Cut::Before);
                        }
                        true
                    })
                });
                let mutes = Arc::clone(&mutes);
                std::thread::spawn(move || {
                    carry_back(back, store, &move || {
                        server_spoke.store(true, Ordering::SeqCst);
                        while mutes.load(Ordering::SeqCst) {
                            std::thread::sleep(Duration::from_millis(10));
                        }
                        commits.lock().expect("nobody panicked").take()
                    });
                });
            }
        });
        Self { port, turns, is_mute, cut }
    }

    fn turns(&self) -> u64 {
        self.turns.load(Ordering::SeqCst)
    }
}

/// `says` is told what is on its way, and answers whether it goes on.
fn carry(mut from: TcpStream, mut to: UnixStream, says: &dyn Fn(&[u8]) -> bool) {
    let mut bytes = vec![0; 1 << 20];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        // What follows at once was said in the same breath, even if it did not fit into one.
        if !says(&bytes[..count]) || to.write_all(&bytes[..count]).is_err() {
            break;
        }
    }
    let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
}

fn carry_back(mut from: UnixStream, mut to: TcpStream, spoke: &dyn Fn() -> Option<Cut>) {
    let mut bytes = vec![0; 1 << 20];
    while let Ok(count @ 1..) = from.read(&mut bytes) {
        // As over a network: what the other side is still saying is said before the first answer arrives.
        std::thread::sleep(Duration::from_millis(5));
        let cut = spoke();
        if cut == Some(Cut::Inside) || to.write_all(&bytes[..count]).is_err() || cut.is_some() {
            break;
        }
    }
    let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
}

/// `postgres://guerdon@FOLDER:PORT/postgres?…` is a socket in a folder; over the wire it is a port of this machine.
pub(crate) fn through_a_wire(url: &str) -> (Wire, String) {
    let (folder, rest) = url.split_once('@').and_then(|it| it.1.split_once(':')).expect("a socket");
    let (port, rest) = rest.split_once('/').expect("a port");
    let wire = Wire::to(format!("{}/.s.PGSQL.{port}", folder.replace("%2F", "/")));
    let there = format!("postgres://guerdon@127.0.0.1:{}/{rest}&sslmode=disable", wire.port);
    (wire, there)
}

/// A store whose writer stands still while the gate is closed, so that commands come together in one batch.
fn opened(url: &str, gate: &Arc<Gate>) -> Store {
    let clock = gate.clock(|| Timestamp::from_micros(NEW_YEAR));
    let options = Options { create: true, clock: Some(clock), lanes: Some(1), ..Options::new(compile) };
    Store::open(&url.parse().expect("an address"), options).expect("a ledger")
}

/// Round trips of one batch of these commands: the first command of all opens the gate for the batch behind it.
fn turns_of(wire: &Wire, store: &Store, gate: &Gate, first: Command, batch: Vec<Command>) -> u64 {
    let closed = gate.close();
    let opener = store.submit(first);
    // The writer has taken it, and waits for its clock.
    gate.wait_until_somebody_stands();
    let tickets: Vec<_> = batch.into_iter().map(|it| store.submit(it)).collect();
    drop(closed);
    assert!(opener.wait().is_ok());
    let before = wire.turns();
    for ticket in tickets {
        let answer = ticket.wait();
        assert!(answer.is_ok(), "{answer:?}");
    }
    wire.turns() - before
}

#[test]
fn a_batch_takes_no_more_round_trips_than_a_command() {
    let gate = Arc::<Gate>::default();
    let url = url();
    let (wire, there) = through_a_wire(&url);
    let store = opened(&there, &gate);
    set_up(&store, "converts owe");
    let members = 1..=40_u64;
    for number in members.clone() {
        store.submit(sign_up(number)).wait().expect("a member");
    }
    // Spends credit that points became, and gives some of it back: lots, conversions and years are looked up.
    let sold = |member: u64, round: u32| {
        let mut document = sale(45_000 + i64::from(round), NEW_YEAR);
        document.credit = (round % 2 == 1).then(|| Money::new(100));
        order(member, &format!("{member} {round}"), document)
    };
    let returned = |member: u64, round: u32| {
        let mut document = sale(45_000 + i64::from(round), NEW_YEAR);
        document.refunded = Money::new(30_000);
        order(member, &format!("{member} {round}"), document)
    };
    let opener = |name: &str| order(1, name, sale(100, NEW_YEAR));
    // What is prepared once is prepared.
    for round in 0..4 {
        turns_of(
            &wire,
            &store,
            &gate,
            opener(&format!("warm {round}")),
            members.clone().map(|it| sold(it, round)).collect(),
        );
    }
    let given_back = members.clone().filter(|it| it % 2 == 0).map(|it| returned(it, 3)).collect();
    turns_of(&wire, &store, &gate, opener("warm back"), given_back);

    // On a busy machine an answer may come in pieces, and count twice: the least of some tries is what it takes.
    let least = |name: &str, batch: &dyn Fn(u32) -> Vec<Command>| {
        let tries = (0..3).map(|it| turns_of(&wire, &store, &gate, opener(&format!("{name} {it}")), batch(it)));
        tries.min().unwrap_or_default()
    };
    let plain = |count: u64, attempt: u32| -> Vec<Command> {
        (1..=count).map(|it| order(it, &format!("plain {count} {attempt} {it}"), sale(1_000, NEW_YEAR))).collect()
    };
    let alone = least("one", &|it| plain(1, it));
    let many = least("forty", &|it| plain(40, it));
    assert!(many <= alone + 2, "{many} round trips for forty orders, {alone} for one");
    assert!(many <= 4, "{many} round trips: begin and find, lock and load, save, commit");

    let spending = least("spending", &|it| members.clone().map(|member| sold(member, 5 + 2 * it)).collect());
    assert!(spending <= 12, "{spending} round trips for forty orders that spend credit");
    let back = least("back", &|it| members.clone().map(|member| returned(member, 5 + 2 * it)).collect());
    assert!(back <= 16, "{back} round trips for forty orders that are given back in part");
    let joining = least("joining", &|it| (1..=40).map(|number| sign_up(100 * u64::from(it + 1) + number)).collect());
    assert!(joining <= 12, "{joining} round trips for forty sign-ups");
    let reader = Reader::open(&url.parse().expect("an address"), compile).expect("a reader");
    assert_eq!(reader.verify(&mut |_| {}).expect("it can be read").difference, None);
}
