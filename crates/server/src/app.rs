//! What every handler works with: the store, the catalog, the settings.
//!
//! Handlers never block: commands are offered to the store, and reads run on blocking threads, `readers_max` at once.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use engine::{Actor, Timestamp};
use store::{Body, Command, Failure, Key, Reader, Reply, Store, StoreError, Ticket, Time};
use tokio::sync::{Mutex, Semaphore};

use crate::catalog::Catalog;
use crate::config::Config;
use crate::guard::{RequestIds, Seldom};
use crate::metrics::Metrics;
use crate::problem::{Answer, Problem};
use crate::throttle::Throttle;
use crate::words::Voice;

/// So long an answer of the database is of use to whoever watches it.
const SOON: Duration = Duration::from_secs(2);

/// The server's state; cheap to clone.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    config: Config,
    catalog: RwLock<Arc<Catalog>>,
    /// Held by the one that reads the catalog again.
    rereads: Mutex<()>,
    readers: Arc<Semaphore>,
    requests: Arc<Semaphore>,
    forms: Arc<Semaphore>,
    connections: Arc<Semaphore>,
    metrics: Metrics,
    refusals: Seldom,
    request_ids: RequestIds,
    throttle: Throttle,
}

/// A command as a handler gives it; the rest is drawn or read here.
pub(crate) struct Request {
    pub(crate) key: Option<Key>,
    pub(crate) actor: Actor,
    pub(crate) time: Time,
    pub(crate) body: Body,
}

impl App {
    /// # Errors
    /// When the store cannot be read.
    pub fn new(store: Store, config: Config) -> Result<Self, StoreError> {
        let limits = config.limits;
        let inner = Inner {
            catalog: RwLock::new(Arc::new(read_catalog(&store)?)),
            rereads: Mutex::new(()),
            readers: Arc::new(Semaphore::new(limits.readers_max)),
            requests: Arc::new(Semaphore::new(limits.requests_max)),
            forms: Arc::new(Semaphore::new(limits.forms_max)),
            connections: Arc::new(Semaphore::new(limits.connections_max)),
            metrics: Metrics::default(),
            refusals: Seldom::default(),
            request_ids: RequestIds::default(),
            throttle: Throttle::new(&limits),
            store,
            config,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.inner.store.now()
    }

    pub(crate) fn requests(&self) -> &Arc<Semaphore> {
        &self.inner.requests
    }

    pub(crate) fn forms(&self) -> &Arc<Semaphore> {
        &self.inner.forms
    }

    /// Places for connections.
    pub(crate) fn connections(&self) -> &Arc<Semaphore> {
        &self.inner.connections
    }

    pub(crate) fn metrics(&self) -> &Metrics {
        &self.inner.metrics
    }

    /// What is told of requests for which there was no room.
    pub(crate) fn refusals(&self) -> &Seldom {
        &self.inner.refusals
    }

    pub(crate) fn request_ids(&self) -> &RequestIds {
        &self.inner.request_ids
    }

    pub(crate) fn throttle(&self) -> &Throttle {
        &self.inner.throttle
    }

    /// 32 random bytes.
    pub(crate) fn draw(&self) -> [u8; 32] {
        (self.inner.config.draw)()
    }

    /// Programs, channels and keys as they are now.
    pub(crate) async fn catalog(&self) -> Answer<Arc<Catalog>> {
        if let Some(known) = self.known_catalog() {
            return Ok(known);
        }
        // One reads; those that waited for it find what it has read.
        let _turn = self.inner.rereads.lock().await;
        if let Some(known) = self.known_catalog() {
            return Ok(known);
        }
        let store = self.inner.store.clone();
        let read = blocking(move || read_catalog(&store)).await??;
        let read = Arc::new(read);
        let mut known = self.inner.catalog.write().unwrap_or_else(PoisonError::into_inner);
        if known.epoch < read.epoch {
            *known = Arc::clone(&read);
        }
        Ok(read)
    }

    /// The catalog that was read last, if nothing has changed since.
    fn known_catalog(&self) -> Option<Arc<Catalog>> {
        let known = Arc::clone(&self.inner.catalog.read().unwrap_or_else(PoisonError::into_inner));
        (known.epoch == self.inner.store.epoch()).then_some(known)
    }

    /// Runs a query on one snapshot, on a thread that may wait.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        self.ask(|reader| query(reader).map_err(Failure::Store)).await?.map_err(|it| Problem::failed(&it, None))
    }

    /// As `read`, for whoever watches and gives up after some seconds: a database that takes longer counts as away.
    pub(crate) async fn read_soon<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, StoreError> + Send + 'static,
    ) -> Answer<T> {
        let read = tokio::time::timeout(SOON, self.read(query)).await;
        read.unwrap_or_else(|_| Err(Problem::unavailable("The database does not answer.")))
    }

    /// As `read`, for queries that the rules can refuse.
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Reader) -> Result<T, Failure> + Send + 'static,
    ) -> Answer<Result<T, Failure>> {
        let turn = Arc::clone(&self.inner.readers).acquire_owned().await;
        let turn = turn.map_err(|_| Problem::busy("The server is stopping."))?;
        let store = self.inner.store.clone();
        blocking(move || {
            let answer = store.reader().map_err(Failure::Store).and_then(|reader| query(&reader));
            drop(turn);
            answer
        })
        .await
    }

    /// Work of many commands, on a thread of its own. A caller that leaves undoes nothing.
    pub(crate) async fn work<T: Send + 'static>(&self, work: impl FnOnce(Store) -> T + Send + 'static) -> Answer<T> {
        let store = self.inner.store.clone();
        blocking(move || work(store)).await
    }

    /// Hands a command to the store and waits until it is on the disk. A caller that leaves undoes nothing.
    pub(crate) async fn submit(&self, request: Request) -> Result<Reply, Failure> {
        self.offer(request)?.await
    }

    /// Submits several at once, so that they share batches, and answers when the last one was answered.
    pub(crate) async fn submit_all(&self, requests: impl IntoIterator<Item = Request>) -> Vec<Result<Reply, Failure>> {
        let offered: Vec<_> = requests.into_iter().map(|it| self.offer(it)).collect();
        let mut replies = Vec::with_capacity(offered.len());
        for ticket in offered {
            replies.push(match ticket {
                Ok(ticket) => ticket.await,
                Err(failure) => Err(failure),
            });
        }
        replies
    }

    fn offer(&self, request: Request) -> Result<Ticket, Failure> {
        let Request { key, actor, time, body } = request;
        let mut seed = [0; 8];
        seed.copy_from_slice(&self.draw()[..8]);
        let seed = u64::from_le_bytes(seed);
        self.inner.store.offer(Command { key, actor, time, seed, body }).map_err(Failure::Store)
    }

    /// As `submit`, refused in the words of a program.
    pub(crate) async fn submit_for(&self, request: Request, voice: Option<&Voice<'_>>) -> Answer<Reply> {
        self.submit(request).await.map_err(|it| Problem::failed(&it, voice))
    }
}

fn read_catalog(store: &Store) -> Result<Catalog, StoreError> {
    // Before the snapshot: what changes in between is read again.
    let epoch = store.epoch();
    Catalog::read(&store.reader()?, epoch)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
    tokio::task::spawn_blocking(work).await.map_err(|error| {
        tracing::error!(%error, "a read failed inside");
        Problem::internal()
    })
}
