//! One round: the store, the floor of what it wrote, one caller of each, and callers over HTTP, each on a fresh copy of the
//! same database.

use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use server::{App, Config};
use store::{Database, Floor, Reader, Store, TableSize};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::load::{self, Seen};
use super::shop::{API_KEY, Orders, send_all};
use crate::open;

/// Orders of one caller alone.
const SINGLE: usize = 400;
const BATCH: usize = 1_000;
/// What is measured over HTTP.
pub(crate) const CALLERS: [usize; 4] = [1, 16, 64, 256];

pub(crate) struct Bench {
    /// The database that each measurement begins with.
    pub(crate) base: PathBuf,
    pub(crate) folder: PathBuf,
    pub(crate) members: u64,
    pub(crate) orders: usize,
    /// Whether the file is pushed out of memory before each measurement.
    pub(crate) cold: bool,
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
}

impl Bench {
    pub(crate) fn round(&self, number: usize) -> Result<Round> {
        let label = format!("r{number}");
        let all = Orders { label: &label, members: self.members, count: self.orders };
        let written = self.copy("store.db")?;
        let (store_per_s, log) = self.store(&written, all)?;
        let floor = Floor::capture(&written, &self.base)?;
        let bytes = self.bytes(&written)?;
        self.remove("store.db");
        let bare = floor.run(&self.copy("floor.db")?, BATCH)?;
        self.remove("floor.db");
        let floor_single_ms = median_ms(floor.single(&self.copy("single.db")?, SINGLE)?);
        self.remove("single.db");
        let store_single_ms = self.store_single(&label)?;
        self.remove("store1.db");
        let http = self.http(&label)?;
        self.remove("http.db");
        let orders = self.orders as f64;
        Ok(Round {
            floor_per_s: bare.orders as f64 / bare.seconds,
            store_per_s,
            floor_single_ms,
            store_single_ms,
            log_pages_per_order: log.pages as f64 / orders,
            log_bytes_per_order: log.bytes as f64 / orders,
            floor_log_bytes_per_order: bare.log.bytes as f64 / orders,
            bytes,
            http,
        })
    }

    fn store(&self, path: &Path, orders: Orders<'_>) -> Result<(f64, store::LogWritten)> {
        let store = writer(path)?;
        let commands = orders.commands(store.now());
        let began = Instant::now();
        send_all(&store, commands)?;
        Ok((orders.count as f64 / began.elapsed().as_secs_f64(), store.written()))
    }

    fn store_single(&self, label: &str) -> Result<f64> {
        let store = writer(&self.copy("store1.db")?)?;
        let label = format!("{label}-single");
        let orders = Orders { label: &label, members: self.members, count: SINGLE };
        let mut took = Vec::new();
        for command in orders.commands(store.now()) {
            let began = Instant::now();
            store.submit(command).wait().context("an order of the bench failed")?;
            took.push(began.elapsed());
        }
        Ok(median_ms(took))
    }

    /// The server and its callers share this process and its cores.
    fn http(&self, label: &str) -> Result<Vec<Seen>> {
        let path = self.copy("http.db")?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let seen = runtime.block_on(async {
            let store = writer(&path)?;
            let listener = TcpListener::bind("127.0.0.1:0").await.context("listening")?;
            let address = listener.local_addr()?;
            let app = App::new(store.clone(), Config::local(format!("http://{address}")))?;
            let (stop, stopped) = oneshot::channel::<()>();
            let server = tokio::spawn(server::serve(app, listener, async {
                let _ = stopped.await;
            }));
            let seen = self.callers(address, &store, label).await;
            let _ = stop.send(());
            server.await.context("the server failed inside")?;
            seen
        });
        runtime.shutdown_timeout(Duration::from_secs(5));
        seen
    }

    async fn callers(&self, address: SocketAddr, store: &Store, label: &str) -> Result<Vec<Seen>> {
        let mut all = Vec::new();
        for callers in CALLERS {
            let count = if callers == 1 { SINGLE } else { self.orders };
            let label = format!("{label}-http{callers}");
            let parcels = Orders { label: &label, members: self.members, count }.parcels(store.now());
            let seen = load::run(address, API_KEY, parcels, callers).await?;
            let first = seen.first_error.as_deref().unwrap_or_default();
            ensure!(seen.errors == 0, "{} of {count} orders over HTTP failed, the first with {first}", seen.errors);
            all.push(seen);
        }
        Ok(all)
    }

    /// What the orders added, by table and index, largest first.
    fn bytes(&self, after: &Path) -> Result<Vec<(String, f64)>> {
        let before = sizes(&self.base)?;
        let size_before = |name: &str| before.iter().find(|it| it.name == name).map_or(0, |it| it.bytes);
        let added = sizes(after)?.into_iter().map(|it| {
            let bytes = it.bytes as f64 - size_before(&it.name) as f64;
            (it.name, bytes / self.orders as f64)
        });
        Ok(added.filter(|it| 0.5 <= it.1).collect())
    }

    /// A fresh copy of the database.
    fn copy(&self, name: &str) -> Result<PathBuf> {
        let to = self.folder.join(name);
        std::fs::copy(&self.base, &to).with_context(|| format!("copying to {}", to.display()))?;
        let file = File::options().write(true).open(&to)?;
        file.sync_all()?;
        if self.cold {
            let whole = 0;
            rustix::fs::fadvise(&file, whole, None, rustix::fs::Advice::DontNeed)
                .context("pushing the file out of memory")?;
        }
        Ok(to)
    }

    /// Removes a copy that was measured: of millions of members they would fill the disk.
    fn remove(&self, name: &str) {
        for suffix in ["", "-wal", "-shm"] {
            // It may not be there; the whole folder goes in the end.
            let _ = std::fs::remove_file(self.folder.join(format!("{name}{suffix}")));
        }
    }
}

fn writer(path: &Path) -> Result<Store> {
    open::existing(&Database::Sqlite(path.to_owned()))
}

fn sizes(path: &Path) -> Result<Vec<TableSize>> {
    Ok(Reader::open(&Database::Sqlite(path.to_owned()), server::program::compile)?.size()?)
}

fn median_ms(mut took: Vec<Duration>) -> f64 {
    took.sort_unstable();
    took.get(took.len() / 2).map_or(0.0, |it| it.as_secs_f64() * 1e3)
}
