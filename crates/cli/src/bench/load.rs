//! The load generator: so many callers, each on a connection of its own that stays open, each sending its next order
//! when the last one was answered (closed loop), or when its turn comes, if they keep a pace. Every answer but 200 counts as
//! an error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One request to be sent: how, where to, and what.
pub(crate) struct Parcel {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Bytes,
}

/// What a run of the load generator saw.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) took: Duration,
    /// Sorted.
    pub(crate) latencies: Vec<Duration>,
    pub(crate) errors: usize,
    /// What the first error was.
    pub(crate) first_error: Option<String>,
}

impl Seen {
    pub(crate) fn per_s(&self) -> f64 {
        self.latencies.len() as f64 / self.took.as_secs_f64()
    }

    /// The latency that so many per cent of the answers kept within, in milliseconds.
    pub(crate) fn percentile_ms(&self, percent: usize) -> f64 {
        let last = self.latencies.len().saturating_sub(1);
        self.latencies.get(last * percent / 100).map_or(0.0, |it| it.as_secs_f64() * 1e3)
    }

    /// # Errors
    /// When not all were answered 200.
    pub(crate) fn all_taken(self) -> Result<Self> {
        let (first, sent) = (self.first_error.as_deref().unwrap_or_default(), self.latencies.len());
        ensure!(self.errors == 0, "{} of {sent} requests over HTTP failed, the first with {first}", self.errors);
        Ok(self)
    }
}

/// One request so often, whoever is free, as long as it is not over.
pub(crate) struct Pace {
    pub(crate) every: Duration,
    pub(crate) over: Arc<AtomicBool>,
    /// So many are sent in any case.
    pub(crate) least: usize,
}

struct Callers {
    key: String,
    parcels: Vec<Parcel>,
    next: AtomicUsize,
    pace: Option<(Pace, Instant)>,
}

impl Callers {
    /// Waits for the turn of a request, and answers since when it counts: since then, if nobody was free; nothing when it is
    /// over.
    async fn turn(&self, index: usize) -> Option<Instant> {
        let Some((pace, began)) = &self.pace else { return Some(Instant::now()) };
        let due = *began + pace.every * u32::try_from(index).unwrap_or(u32::MAX);
        if Instant::now() < due {
            tokio::time::sleep_until(due.into()).await;
            return (index < pace.least || !pace.over.load(Ordering::Relaxed)).then(Instant::now);
        }
        (index < pace.least || !pace.over.load(Ordering::Relaxed)).then_some(due)
    }
}

/// Sends all parcels with so many callers at once, which are spread evenly over the servers.
///
/// # Errors
/// When a server cannot be reached; a refused order is no error of the run, and counted.
pub(crate) async fn run(servers: &[SocketAddr], key: &str, parcels: Vec<Parcel>, callers: usize) -> Result<Seen> {
    send(servers, key, parcels, callers, None).await
}

/// The same to one server, at a pace.
pub(crate) async fn paced(
    server: SocketAddr,
    key: &str,
    parcels: Vec<Parcel>,
    callers: usize,
    pace: Pace,
) -> Result<Seen> {
    send(&[server], key, parcels, callers, Some(pace)).await
}

async fn send(
    servers: &[SocketAddr],
    key: &str,
    parcels: Vec<Parcel>,
    callers: usize,
    pace: Option<Pace>,
) -> Result<Seen> {
    let mut connections = Vec::new();
    for address in servers.iter().cycle().take(callers) {
        connections.push((*address, connect(*address).await?));
    }
    let began = Instant::now();
    let pace = pace.map(|it| (it, began));
    let shared = Arc::new(Callers { key: format!("Bearer {key}"), parcels, next: AtomicUsize::new(0), pace });
    let tasks: Vec<_> =
        connections.into_iter().map(|(it, sender)| tokio::spawn(call(it, sender, Arc::clone(&shared)))).collect();
    let mut seen = Seen { took: Duration::ZERO, latencies: Vec::new(), errors: 0, first_error: None };
    for task in tasks {
        let one = task.await.context("a caller failed inside")??;
        seen.latencies.extend(one.latencies);
        seen.errors += one.errors;
        seen.first_error = seen.first_error.or(one.first_error);
    }
    seen.took = began.elapsed();
    seen.latencies.sort_unstable();
    Ok(seen)
}

async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await.context("greeting the server")?;
    tokio::spawn(async move {
        // Its caller sees what broke.
        let _ = connection.await;
    });
    Ok(sender)
}

async fn call(address: SocketAddr, mut sender: SendRequest<Full<Bytes>>, shared: Arc<Callers>) -> Result<Seen> {
    let mut seen = Seen { took: Duration::ZERO, latencies: Vec::new(), errors: 0, first_error: None };
    loop {
        let index = shared.next.fetch_add(1, Ordering::Relaxed);
        let Some(parcel) = shared.parcels.get(index) else { break };
        let Some(began) = shared.turn(index).await else { break };
        let request = Request::builder()
            .method(&parcel.method)
            .uri(&parcel.path)
            .header(HOST, address.to_string())
            .header(AUTHORIZATION, &shared.key)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(parcel.body.clone()))?;
        sender.ready().await.context("the connection was closed")?;
        let response = sender.send_request(request).await.context("sending a request")?;
        let status = response.status();
        let body = response.into_body().collect().await.context("reading an answer")?.to_bytes();
        seen.latencies.push(began.elapsed());
        if status != StatusCode::OK {
            seen.errors += 1;
            seen.first_error.get_or_insert_with(|| format!("{status}: {}", String::from_utf8_lossy(&body)));
        }
    }
    Ok(seen)
}
