//! What stands around every request: an id, a line in the log, a limit on how many are worked on at once and for how
//! long, and an answer even when a handler panics.
//!
//! A turn is held while a body arrives. The API reads none without a key; a form may come from anybody, so that forms have
//! fewer turns, and turns of their own: whoever holds them all stops the pages' forms, and never the API.

use std::any::Any;
use std::hash::{BuildHasher as _, RandomState};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::{Semaphore, TryAcquireError};
use tracing::Instrument as _;

use crate::app::App;
use crate::metrics::route_of;
use crate::problem::{Code, Problem};

const REQUEST_ID: &str = "x-request-id";
/// Between two lines of the log that say the same of many requests.
const QUIET: Duration = Duration::from_secs(1);

/// Gives the request an id, or keeps that of whoever stands in front, and logs how it was answered.
pub(crate) async fn log(State(app): State<App>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let given = request.headers().get(REQUEST_ID).and_then(|it| it.to_str().ok()).filter(|it| is_request_id(it));
    let id = given.map_or_else(|| app.request_ids().next(), str::to_owned);
    let method = request.method().clone();
    // The pattern, not the address: references and identities are personal.
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let path = matched.as_ref().map_or("-", MatchedPath::as_str);
    let span = tracing::info_span!("request", id = %id, key = tracing::field::Empty);
    let mut response = next.run(request).instrument(span.clone()).await;
    let (status, took) = (response.status().as_u16(), began.elapsed());
    let code = response.extensions().get::<Code>().map(|it| it.0);
    app.metrics().request(route_of(&method, path), response.status(), code, took);
    let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let is_told_to_return = matches!(code, Some("busy" | "unavailable"));
    span.in_scope(|| match status {
        // Whoever floods the server may not flood its log as well, nor does a database that is away.
        503 if is_told_to_return => {
            if let Some(refused) = app.refusals().count(Instant::now()) {
                tracing::warn!(%method, path, status, ms, refused, "requests were told to come back");
            }
        }
        500.. => tracing::error!(%method, path, status, ms, "answered"),
        400..500 => tracing::info!(%method, path, status, ms, "answered"),
        _ => tracing::debug!(%method, path, status, ms, "answered"),
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

fn is_request_id(text: &str) -> bool {
    (1..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_.".contains(&it))
}

/// Answers for programs are kept by nobody on the way and taken for nothing else; browsers of an encrypted server come back
/// encrypted.
pub(crate) async fn seal(State(app): State<App>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let kind = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    if kind.starts_with(b"application/json") || kind.starts_with(b"application/problem+json") {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    }
    if app.config().is_https() {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}

/// Lets so many requests in at once, each for so long; one more is told to come back.
pub(crate) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    // Alive is alive, however busy: else whoever watches would end a server that works, or see nothing when it matters.
    if matches!(request.uri().path(), "/health" | "/metrics") {
        return next.run(request).await;
    }
    let _turn = match Arc::clone(turns_of(&app, &request)).try_acquire_owned() {
        Ok(turn) => turn,
        Err(TryAcquireError::NoPermits) => {
            return Problem::busy("The server works on as many requests as it may; send it again in a moment.")
                .into_response();
        }
        Err(TryAcquireError::Closed) => return Problem::busy("The server is stopping.").into_response(),
    };
    let limits = &app.config().limits;
    let patience = limits.body_wait_max + limits.answer_wait_max;
    let answer = caught(next.run(request));
    match tokio::time::timeout(patience, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(panic)) => {
            tracing::error!(panic = panic_text(&*panic), "a handler panicked");
            Problem::internal().into_response()
        }
        Err(_) => Problem::busy(
            "It took too long. It may have been recorded: send it again, with the same Idempotency-Key if it had one.",
        )
        .into_response(),
    }
}

/// Forms take turns of their own.
fn turns_of<'a>(app: &'a App, request: &Request) -> &'a Arc<Semaphore> {
    let reads_only = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads_only || request.uri().path().starts_with("/v1/") { app.requests() } else { app.forms() }
}

/// Ids of requests for the log, no secrets: no two are the same but by a rare chance, and none tells how many there were.
#[derive(Default)]
pub(crate) struct RequestIds {
    drawn: RandomState,
    next: AtomicU64,
}

impl RequestIds {
    fn next(&self) -> String {
        format!("{:016x}", self.drawn.hash_one(self.next.fetch_add(1, Ordering::Relaxed)))
    }
}

/// Counts what happens often, so that it is told at most once in a while.
#[derive(Default)]
pub(crate) struct Seldom {
    /// When it was told last, and how often it has happened since.
    told: Mutex<(Option<Instant>, u64)>,
}

impl Seldom {
    /// Counts one; how many there were since the last time, if it is time to tell.
    pub(crate) fn count(&self, now: Instant) -> Option<u64> {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.1 += 1;
        if told.0.is_some_and(|last| now.duration_since(last) < QUIET) {
            return None;
        }
        let count = told.1;
        *told = (Some(now), 0);
        Some(count)
    }
}

/// Runs a handler to its end or its panic.
async fn caught(work: impl Future<Output = Response>) -> Result<Response, Box<dyn Any + Send>> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|context| {
        let polled = std::panic::catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(context)));
        match polled {
            Ok(polled) => polled.map(Ok),
            Err(panic) => std::task::Poll::Ready(Err(panic)),
        }
    })
    .await
}

fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no text")
}

#[test]
fn what_happens_often_is_told_once_a_second() {
    let (seldom, now) = (Seldom::default(), Instant::now());
    assert_eq!(seldom.count(now), Some(1));
    assert_eq!(seldom.count(now), None);
    assert_eq!(seldom.count(now + QUIET / 2), None);
    assert_eq!(seldom.count(now + QUIET), Some(3), "with all that were not told");
    assert_eq!(seldom.count(now + QUIET), None);
}
