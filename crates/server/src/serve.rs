//! Listens, accepts connections and stops gracefully: what was accepted is finished.
//!
//! Bounded: so many connections (one more is answered 503 and closed), so long for the head of a request and for an answer
//! to be read, so long for accepted requests when the server stops. A sweeper posts what has fallen due once a minute.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::OwnedSemaphorePermit;
use tower::ServiceExt as _;

use crate::app::App;
use crate::config::Limits;
use crate::patience::Patient;
use crate::router::router;

const SWEEP_EVERY: Duration = Duration::from_secs(60);
/// After a failure to accept, such as no free file handle.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/problem+json\r\nretry-after: 1\r\n\
connection: close\r\ncontent-length: 150\r\n\r\n\
{\"type\":\"urn:guerdon:problem:busy\",\"title\":\"Service Unavailable\",\"status\":503,\"code\":\"busy\",\
\"detail\":\"Too many connections are open.\",\"retry_after\":1}";

/// Serves until `stop` resolves, then finishes what was accepted.
pub async fn serve(app: App, listener: TcpListener, stop: impl Future<Output = ()>) {
    let limits = app.config().limits;
    let service = router(&app);
    let places = Arc::clone(app.connections());
    let graceful = GracefulShutdown::new();
    let stopping = Arc::<AtomicBool>::default();
    let sweeper = tokio::spawn(sweep_often(app, Arc::clone(&stopping)));
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        match accepted {
            Ok((stream, from)) => match Arc::clone(&places).try_acquire_owned() {
                Ok(place) => {
                    let connection = connection(stream, from, service.clone(), &limits);
                    tokio::spawn(hold_place(graceful.watch(connection), place));
                }
                Err(_) => turn_away(stream),
            },
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    stopping.store(true, Ordering::Relaxed);
    sweeper.abort();
    tracing::info!("stopping: what was accepted is finished");
    if tokio::time::timeout(limits.stop_wait_max, graceful.shutdown()).await.is_err() {
        tracing::warn!("some connections did not end in time");
    }
}

type Served = hyper::server::conn::http1::Connection<TokioIo<Patient<TcpStream>>, Service>;
type Service = hyper_util::service::TowerToHyperService<Connected>;

/// The router, told where a connection comes from.
#[derive(Clone)]
struct Connected {
    service: Router,
    from: SocketAddr,
}

impl tower::Service<hyper::Request<Incoming>> for Connected {
    type Response = axum::response::Response;
    type Error = std::convert::Infallible;
    type Future = tower::util::Oneshot<Router, hyper::Request<axum::body::Body>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: hyper::Request<Incoming>) -> Self::Future {
        let mut request = request.map(axum::body::Body::new);
        request.extensions_mut().insert(ConnectInfo(self.from));
        self.service.clone().oneshot(request)
    }
}

fn connection(stream: TcpStream, from: SocketAddr, service: Router, limits: &Limits) -> Served {
    // Answers are small and whole: there is nothing to wait for.
    let _ = stream.set_nodelay(true);
    let service = hyper_util::service::TowerToHyperService::new(Connected { service, from });
    hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head_wait_max)
        // Who has said all and listens is answered.
        .half_close(true)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Patient::new(stream, limits.read_wait_max)), service)
}

async fn hold_place<E: std::fmt::Display>(
    connection: impl Future<Output = Result<(), E>>,
    place: OwnedSemaphorePermit,
) {
    if let Err(error) = connection.await {
        tracing::debug!(%error, "a connection broke");
    }
    drop(place);
}

/// Tells one connection too many to come back, without reading or waiting.
fn turn_away(stream: TcpStream) {
    let Ok(mut stream) = stream.into_std() else { return };
    // It may have left already.
    let _ = stream.write_all(FULL);
}

/// Posts what has fallen due, so that reports are whole; balances do not need it. Of several processes one does so.
async fn sweep_often(app: App, stopping: Arc<AtomicBool>) {
    let mut tick = tokio::time::interval(SWEEP_EVERY);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let (sweeping, stopping) = (app.clone(), Arc::clone(&stopping));
        let sweep = move || {
            let (store, now) = (sweeping.store(), sweeping.now());
            if !store.may_sweep()? {
                return Ok(None);
            }
            // Very many may be due: who stops the server does not wait for all of them, and a lease that is not asked for ends.
            let goes_on = || !stopping.load(Ordering::Relaxed) && store.may_sweep().unwrap_or(false);
            store::sweep_while(store, now, &goes_on, &mut |_| ()).map(Some)
        };
        let swept = tokio::task::spawn_blocking(sweep).await;
        app.metrics().sweep(match &swept {
            Ok(Ok(Some(_))) => "done",
            Ok(Ok(None)) => "elsewhere",
            Ok(Err(_)) | Err(_) => "failed",
        });
        match swept {
            Ok(Ok(None)) => tracing::debug!("another process sweeps"),
            Ok(Ok(Some(swept))) if swept.parked.is_empty() => tracing::debug!(accounts = swept.accounts, "swept"),
            Ok(Ok(Some(swept))) => {
                tracing::error!(members = ?swept.parked, "members are parked: settling them fails inside")
            }
            Ok(Err(error)) => tracing::error!(%error, "sweeping failed"),
            Err(error) => tracing::error!(%error, "sweeping failed inside"),
        }
    }
}

/// Lets the process open as many files as the system allows it: each connection is one.
pub fn raise_file_limit() {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    let raised = rustix::process::Rlimit { current: limit.maximum, maximum: limit.maximum };
    if let Err(error) = rustix::process::setrlimit(rustix::process::Resource::Nofile, raised) {
        tracing::warn!(%error, "the limit of open files could not be raised");
    }
}

#[test]
fn who_is_turned_away_reads_a_whole_answer() {
    let text = std::str::from_utf8(FULL).expect("ASCII");
    let (head, body) = text.split_once("\r\n\r\n").expect("a head and a body");
    assert!(head.contains(&format!("content-length: {}", body.len())), "the body has {} bytes", body.len());
    serde_json::from_str::<serde_json::Value>(body).expect("JSON");
}
