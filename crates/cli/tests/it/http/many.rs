//! Three servers on one PostgreSQL. Servers and the database itself are killed at random under load, and servers are
//! replaced one by one: what was acknowledged is there once, what was not is settled by sending it again.
//!
//! `HTTP_SEED` repeats the figures of a run, `CRASH_ROUNDS` makes it longer.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use store::{Database, Options, Store};

use super::caller::{Asked, Caller, Said};
use super::killed::{History, check_entries, new_request, rounds, sign_up, told};
use super::process::Process;
use super::random::Random;
use super::served::{SECRET, open_shop};
use crate::cluster::Cluster;
use crate::shop::Shop;

const SERVERS: usize = 3;
const CALLERS: usize = 9;
/// For each of [`rounds`], which are five at least.
const KILLS_FOR: Duration = Duration::from_secs(4);
/// After so long without an answer the test has failed.
const PATIENCE: Duration = Duration::from_secs(45);
const PAUSE: Duration = Duration::from_millis(20);

/// Where the servers are just now.
#[derive(Clone, Default)]
struct Places(Arc<Mutex<BTreeMap<usize, SocketAddr>>>);

impl Places {
    fn set(&self, server: usize, address: Option<SocketAddr>) {
        let mut places = self.0.lock().expect("nobody panicked");
        match address {
            Some(address) => places.insert(server, address),
            None => places.remove(&server),
        };
    }

    fn any(&self, random: &mut Random) -> Option<SocketAddr> {
        let all: Vec<SocketAddr> = self.0.lock().expect("nobody panicked").values().copied().collect();
        random.pick(&all).copied()
    }
}

/// What was sent is sent again until it is answered: by whichever server is there.
struct Sender {
    places: Places,
    random: Random,
    connection: Option<Caller>,
    counts: Arc<Counts>,
}

#[derive(Debug, Default)]
struct Counts {
    /// Answers 503.
    refused: AtomicU64,
    /// Connections that broke, or could not be made.
    broken: AtomicU64,
    answered: AtomicU64,
}

impl Sender {
    async fn send(&mut self, asked: &Asked) -> Said {
        let until = Instant::now() + PATIENCE;
        loop {
            assert!(Instant::now() < until, "nobody has answered {asked:?}");
            match self.try_send(asked).await {
                Some(said) if said.status == 503 => {
                    assert!(said.retry_after.is_some(), "it says when to come back: {said:?}");
                    self.counts.refused.fetch_add(1, Ordering::Relaxed);
                }
                Some(said) => {
                    self.counts.answered.fetch_add(1, Ordering::Relaxed);
                    return said.ok();
                }
                None => drop(self.counts.broken.fetch_add(1, Ordering::Relaxed)),
            }
            // Another server, as a load balancer does.
            self.connection = None;
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn try_send(&mut self, asked: &Asked) -> Option<Said> {
        if self.connection.is_none() || self.random.below(20) == 0 {
            let address = self.places.any(&mut self.random)?;
            self.connection = Caller::reach(address, SECRET).await;
        }
        // A server that stands still is no server.
        let answer = tokio::time::timeout(Duration::from_secs(20), self.connection.as_mut()?.try_send(asked));
        answer.await.ok()?.ok()
    }
}

struct Chain {
    cluster: Cluster,
    shop: Shop,
    places: Places,
    members: Vec<String>,
    history: History,
    counts: Arc<Counts>,
    done: Arc<AtomicBool>,
}

impl Chain {
    /// A shop in PostgreSQL, with servers.
    async fn open() -> (Self, Vec<Process>) {
        let cluster = Cluster::start(&[]);
        let store = tokio::task::block_in_place(|| opened(&cluster));
        open_shop(&store).await;
        tokio::task::block_in_place(|| drop(store));
        let (shop, places) = (Shop::empty(), Places::default());
        let mut servers = Vec::new();
        for number in 0..SERVERS {
            let server = Process::start(&shop, &format!("--database {}", cluster.url));
            places.set(number, Some(server.address));
            servers.push(server);
        }
        let members = sign_up(servers[0].address).await;
        let (history, counts, done) = (History::default(), Arc::default(), Arc::default());
        (Self { cluster, shop, places, members, history, counts, done }, servers)
    }

    fn sender(&self, random: Random) -> Sender {
        Sender { places: self.places.clone(), random, connection: None, counts: Arc::clone(&self.counts) }
    }

    fn load(&self, random: &mut Random) -> Vec<tokio::task::JoinHandle<()>> {
        let start = |caller: usize| {
            let (mut sender, mut random) = (self.sender(random.split()), random.split());
            let (history, members, done) = (self.history.clone(), self.members.clone(), Arc::clone(&self.done));
            tokio::spawn(async move {
                let mut number = 0;
                while !done.load(Ordering::Relaxed) {
                    number += 1;
                    let member = random.pick(&members).expect("somebody");
                    let asked = new_request(member, &format!("{caller}-{number}"), &mut random);
                    let said = sender.send(&asked).await;
                    history.add(asked, said);
                    if random.below(5) == 0 {
                        again(&mut sender, &history, &mut random).await;
                    }
                }
            })
        };
        (0..CALLERS).map(start).collect()
    }

    /// A server in that place, as soon as one can be started.
    async fn serve(&self, number: usize) -> Process {
        let until = Instant::now() + PATIENCE;
        loop {
            let more = format!("--database {}", self.cluster.url);
            let started = tokio::task::block_in_place(|| Process::try_start(&self.shop, &more));
            if let Some(server) = started {
                self.places.set(number, Some(server.address));
                return server;
            }
            assert!(Instant::now() < until, "no server can be started");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// All is there once, whoever is asked.
    async fn check(&self, random: &mut Random) {
        let mut sender = self.sender(random.split());
        let all = self.history.all();
        assert!(100 < all.len(), "{} were answered", all.len());
        for (asked, said) in &all {
            same(asked, said.as_ref().expect("an answer"), &sender.send(asked).await);
        }
        let address = self.places.any(random).expect("a server");
        let mut caller = Caller::connect(address, SECRET).await.expect("it listens");
        check_entries(&mut caller, &self.members, &self.history).await;
        let report = tokio::task::block_in_place(|| {
            let store = opened(&self.cluster);
            store.reader().and_then(|it| it.verify(&mut |_| ())).expect("it can be read")
        });
        assert_eq!(report.difference, None);
        assert_eq!(report.parked, []);
    }
}

fn opened(cluster: &Cluster) -> Store {
    let database: Database = cluster.url.parse().expect("a URL");
    let mut options = Options::new(server::program::compile);
    options.create = true;
    Store::open(&database, options).expect("a ledger")
}

/// What was acknowledged, sent again to some server: the same answer.
async fn again(sender: &mut Sender, history: &History, random: &mut Random) {
    let all = history.all();
    let Some((asked, Some(before))) = random.pick(&all) else { return };
    let said = sender.send(asked).await;
    same(asked, before, &said);
}

fn same(asked: &Asked, before: &Said, said: &Said) {
    if asked.key.is_some() {
        assert_eq!(said, before, "{asked:?}");
    } else {
        assert_eq!(said.text("/status"), "retry", "{asked:?} was answered {before:?}");
        assert_eq!(told(said), told(before), "{asked:?}");
    }
}

/// The process of the database: its folder is that of the socket in its address.
fn kill_database(cluster: &Cluster) -> bool {
    let folder = cluster.url.split_once('@').and_then(|it| it.1.split_once(':')).expect("a socket").0;
    let file = PathBuf::from(folder.replace("%2F", "/")).join("data").join("postmaster.pid");
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let Some(process) = text.lines().next() else { return false };
    Command::new("kill").args(["-9", process]).status().is_ok_and(|it| it.success())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_and_the_database_are_killed_and_every_order_is_there_once() {
    let mut random = Random::new();
    let (chain, servers) = Chain::open().await;
    let mut servers: Vec<Option<Process>> = servers.into_iter().map(Some).collect();
    let load = chain.load(&mut random);
    let until = Instant::now() + KILLS_FOR * u32::try_from(rounds()).expect("few rounds");
    let (mut of_servers, mut of_database) = (0, 0);
    while Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(200 + random.below(800))).await;
        if random.below(4) == 0 {
            of_database += u32::from(kill_database(&chain.cluster));
            continue;
        }
        let number = usize::try_from(random.below(3)).expect("a small number");
        if let Some(server) = servers[number].take() {
            server.kill();
            of_servers += 1;
            chain.places.set(number, None);
        }
        tokio::time::sleep(Duration::from_millis(random.below(300))).await;
        servers[number] = Some(chain.serve(number).await);
    }
    chain.done.store(true, Ordering::Relaxed);
    for it in load {
        it.await.expect("every answer is one that was expected");
    }
    assert!(3 < of_servers && 0 < of_database, "{of_servers} and {of_database}");
    chain.check(&mut random).await;
    eprintln!("{of_servers} servers and {of_database} databases were killed: {:?}", chain.counts);
}

/// Servers that are told to stop one after the other, and replaced: nobody is told anything but to come back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_are_replaced_one_by_one_and_nobody_is_refused() {
    let mut random = Random::new();
    let (chain, servers) = Chain::open().await;
    let load = chain.load(&mut random);
    let mut replaced = Vec::new();
    for (number, server) in servers.into_iter().enumerate() {
        tokio::time::sleep(Duration::from_millis(700)).await;
        // The load balancer hears of it first, or from the connection.
        if number % 2 == 0 {
            chain.places.set(number, None);
        }
        server.tell_to_stop();
        let ended = tokio::task::block_in_place(|| server.wait());
        assert_eq!(ended.code(), Some(0), "what was accepted is finished");
        replaced.push(chain.serve(number).await);
    }
    tokio::time::sleep(Duration::from_millis(700)).await;
    chain.done.store(true, Ordering::Relaxed);
    for it in load {
        it.await.expect("every answer is one that was expected");
    }
    assert_eq!(chain.counts.refused.load(Ordering::Relaxed), 0, "the database was there all the time");
    chain.check(&mut random).await;
    eprintln!("{} servers were replaced: {:?}", replaced.len(), chain.counts);
}
