//! One round: the store, the floor of what it wrote, one caller of each, and callers over HTTP, each on a fresh copy of the
//! same database; on a server also `pgbench`, and two servers beside one.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use store::{Database, Floor, Reader, TableSize};

use super::load::{self, Seen};
use super::pgbench::Pgbench;
use super::place::{Place, Server};
use super::served::{Served, end, runtime};
use super::servers::Process;
use super::shop::{API_KEY, Orders, send_all};
use crate::open;

/// Orders of one caller alone.
const SINGLE: usize = 400;
/// What is measured over HTTP.
pub(crate) const CALLERS: [usize; 4] = [1, 16, 64, 256];
/// Callers of one server, and of two.
const SHARED: usize = 64;

pub(crate) struct Bench {
    pub(crate) place: Place,
    pub(crate) members: u64,
    pub(crate) orders: usize,
    /// What a server is measured against, if it is.
    pub(crate) pgbench: Option<Pgbench>,
}

/// What one round saw.
#[derive(Debug)]
pub(crate) struct Round {
    pub(crate) floor_per_s: f64,
    pub(crate) store_per_s: f64,
    pub(crate) floor_single_ms: f64,
    pub(crate) store_single_ms: f64,
    pub(crate) log_pages_per_order: f64,
    pub(crate) log_bytes_per_order: f64,
    pub(crate) floor_log_bytes_per_order: f64,
    /// What the orders added to the file, by table, in bytes an order.
    pub(crate) bytes: Vec<(String, f64)>,
    /// In the order of `CALLERS`.
    pub(crate) http: Vec<Seen>,
    /// Of a server.
    pub(crate) server: Option<ServerRound>,
}

#[derive(Debug)]
pub(crate) struct ServerRound {
    pub(crate) pgbench_tps: Option<f64>,
    /// Orders a second through one process, and through two.
    pub(crate) one_per_s: f64,
    pub(crate) two_per_s: f64,
}

impl Bench {
    pub(crate) fn round(&self, number: usize) -> Result<Round> {
        let (label, place) = (format!("r{number}"), &self.place);
        let all = Orders { label: &label, members: self.members, count: self.orders };
        let written = place.copy("store")?;
        let (store_per_s, log) = self.store(&written, all)?;
        let floor = Floor::capture(&written, &place.base()?)?;
        let bytes = self.bytes(&written)?;
        place.remove("store")?;
        let copy = place.copy("floor")?;
        let mark = place.log()?;
        let bare = floor.run(&copy, place.batch())?;
        let floor_log = place.logged_there(&mark, bare.log)?;
        place.remove("floor")?;
        let floor_single_ms = median_ms(floor.single(&place.copy("single")?, SINGLE)?);
        place.remove("single")?;
        let store_single_ms = self.store_single(&label)?;
        let http = self.http(&label)?;
        let server = match place {
            Place::Files(_) => None,
            Place::Server(server) => Some(self.server(server, &label)?),
        };
        let orders = self.orders as f64;
        Ok(Round {
            floor_per_s: bare.commands as f64 / bare.seconds,
            store_per_s,
            floor_single_ms,
            store_single_ms,
            log_pages_per_order: log.pages as f64 / orders,
            log_bytes_per_order: log.bytes as f64 / orders,
            floor_log_bytes_per_order: floor_log.bytes as f64 / orders,
            bytes,
            http,
            server,
        })
    }

    fn store(&self, copy: &Database, orders: Orders<'_>) -> Result<(f64, store::LogWritten)> {
        let store = open::in_batches(copy, self.place.batch())?;
        let commands = orders.commands(store.now());
        let mark = self.place.log()?;
        let began = Instant::now();
        send_all(&store, commands)?;
        Ok((orders.count as f64 / began.elapsed().as_secs_f64(), self.place.logged(&mark, &store)?))
    }

    fn store_single(&self, label: &str) -> Result<f64> {
        let store = open::existing(&self.place.copy("store1")?)?;
        let label = format!("{label}-single");
        let orders = Orders { label: &label, members: self.members, count: SINGLE };
        let mut took = Vec::new();
        for command in orders.commands(store.now()) {
            let began = Instant::now();
            store.submit(command).wait().context("an order of the bench failed")?;
            took.push(began.elapsed());
        }
        drop(store);
        self.place.remove("store1")?;
        Ok(median_ms(took))
    }

    /// What only a server can be asked.
    fn server(&self, server: &Server, label: &str) -> Result<ServerRound> {
        let pgbench_tps = self.pgbench.as_ref().map(|it| it.tps(server)).transpose()?;
        let [one, two] = [1, 2].map(|it| self.through(server, label, it));
        Ok(ServerRound { pgbench_tps, one_per_s: one?, two_per_s: two? })
    }

    /// Orders a second through so many processes, on a fresh copy.
    fn through(&self, server: &Server, label: &str, processes: usize) -> Result<f64> {
        self.place.copy("shared")?;
        let url = server.url_of("shared");
        let started: Vec<Process> = (0..processes).map(|_| Process::start(&url)).collect::<Result<_>>()?;
        let servers: Vec<SocketAddr> = started.iter().map(|it| it.address).collect();
        let label = format!("{label}-by{processes}");
        let orders = Orders { label: &label, members: self.members, count: self.orders };
        let parcels = orders.parcels((store::system_clock())());
        let seen = runtime()?.block_on(load::run(&servers, API_KEY, parcels, SHARED))?.all_taken()?;
        drop(started);
        server.remove("shared")?;
        Ok(seen.per_s())
    }

    /// The server and its callers share this process and its cores.
    fn http(&self, label: &str) -> Result<Vec<Seen>> {
        let runtime = runtime()?;
        let served = Served::start(&runtime, &self.place.copy("http")?)?;
        let seen = CALLERS.into_iter().map(|callers| {
            let count = if callers == 1 { SINGLE } else { self.orders };
            let label = format!("{label}-http{callers}");
            let parcels = Orders { label: &label, members: self.members, count }.parcels(served.store.now());
            runtime.block_on(load::run(&[served.address], API_KEY, parcels, callers))?.all_taken()
        });
        let seen = seen.collect();
        served.stop(&runtime)?;
        end(runtime);
        self.place.remove("http")?;
        seen
    }

    /// What the orders added, by table and index, largest first.
    fn bytes(&self, after: &Database) -> Result<Vec<(String, f64)>> {
        let before = sizes(&self.place.base()?)?;
        let size_before = |name: &str| before.iter().find(|it| it.name == name).map_or(0, |it| it.bytes);
        let added = sizes(after)?.into_iter().map(|it| {
            let bytes = it.bytes as f64 - size_before(&it.name) as f64;
            (it.name, bytes / self.orders as f64)
        });
        Ok(added.filter(|it| 0.5 <= it.1).collect())
    }
}

fn sizes(database: &Database) -> Result<Vec<TableSize>> {
    Ok(Reader::open(database, server::program::compile)?.size()?)
}

pub(crate) fn median_ms(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2).map_or(0.0, |it| it.as_secs_f64() * 1e3)
}
