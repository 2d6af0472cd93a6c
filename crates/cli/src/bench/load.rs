//! The load generator: so many callers, each on a connection of its own that stays open, each sending its next order
//! when the last one was answered (closed loop). Every answer but 200 counts as an error.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// One order to be sent: where to, and what.
pub(crate) struct Parcel {
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
}

struct Callers {
    key: String,
    parcels: Vec<Parcel>,
    next: AtomicUsize,
}

/// Sends all parcels with so many callers at once, which are spread evenly over the servers.
///
/// # Errors
/// When a server cannot be reached; a refused order is no error of the run, and counted.
pub(crate) async fn run(servers: &[SocketAddr], key: &str, parcels: Vec<Parcel>, callers: usize) -> Result<Seen> {
    let shared = Arc::new(Callers { key: format!("Bearer {key}"), parcels, next: AtomicUsize::new(0) });
    let mut connections = Vec::new();
    for address in servers.iter().cycle().take(callers) {
        connections.push((*address, connect(*address).await?));
    }
    let began = Instant::now();
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
    while let Some(parcel) = shared.parcels.get(shared.next.fetch_add(1, Ordering::Relaxed)) {
        let request = Request::builder()
            .method(Method::PUT)
            .uri(&parcel.path)
            .header(HOST, address.to_string())
            .header(AUTHORIZATION, &shared.key)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(parcel.body.clone()))?;
        let began = Instant::now();
        sender.ready().await.context("the connection was closed")?;
        let response = sender.send_request(request).await.context("sending an order")?;
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
