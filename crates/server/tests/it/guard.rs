//! What stands around every request: an id, and limits on how many there are and how long they take.

use std::convert::Infallible;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body as HttpBody, Bytes};
use axum::http::Request;
use hyper::body::{Body, Frame};
use server::Limits;

use crate::served::{ADMIN, Served};

const NOW: &str = "2026-03-02T14:00:00Z";

/// A body that begins, and never goes on.
struct Endless;

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Pending
    }
}

/// A body whose sender leaves.
struct Broken;

impl Body for Broken {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready(Some(Err(io::Error::from(io::ErrorKind::ConnectionReset))))
    }
}

fn order(body: HttpBody) -> Request<HttpBody> {
    let request = Request::builder().method("PUT").uri("/v1/channels/web/orders/1");
    let request = request.header("authorization", format!("Bearer {ADMIN}")).header("content-type", "application/json");
    request.body(body).expect("a request")
}

#[tokio::test]
async fn a_body_that_does_not_come_is_given_up() {
    let served = Served::with(NOW, Limits { body_wait_max: Duration::from_millis(20), ..Limits::default() });
    let answered = served.ask(order(HttpBody::new(Endless))).await;
    assert_eq!((answered.status.as_u16(), &answered.json()["code"]), (408, &"request_timeout".into()));
    assert_eq!(answered.header("content-type"), "application/problem+json");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_refused() {
    let served = Served::at(NOW);
    let answered = served.ask(order(HttpBody::new(Broken))).await;
    assert_eq!((answered.status.as_u16(), &answered.json()["code"]), (400, &"malformed".into()));
}

#[tokio::test]
async fn one_request_too_many_is_told_to_come_back() {
    let served = Served::with(NOW, Limits { requests_max: 0, ..Limits::default() });
    for path in ["/v1/members", "/ready", "/nowhere"] {
        let answered = served.send("GET", path, None).await;
        assert_eq!((answered.status.as_u16(), &answered.json()["code"]), (503, &"busy".into()), "{path}");
        assert_eq!(answered.header("retry-after"), "1", "{path}");
        assert_eq!(answered.json()["retry_after"], 1, "{path}");
    }
}

/// Anybody may send the beginning of a form, as often as they like.
#[tokio::test]
async fn forms_without_an_end_do_not_stop_the_api() {
    let limits = Limits { forms_max: 2, requests_max: 2, ..Limits::default() };
    let served = Served::with(NOW, limits);
    let form = |path: &str, body: HttpBody| {
        let request = Request::builder().method("POST").uri(path).header("sec-fetch-site", "same-origin");
        request.body(body).expect("a request")
    };
    let (mut first, mut second) = (
        Box::pin(served.ask(form("/sign-in", HttpBody::new(Endless)))),
        Box::pin(served.ask(form("/set-up/x/words", HttpBody::new(Endless)))),
    );
    assert!(polled(&mut first).await.is_none() && polled(&mut second).await.is_none());
    let third = served.ask(form("/sign-in", HttpBody::from("key=x"))).await;
    assert_eq!(third.status, 503, "forms have as many turns as they have");
    assert_eq!(served.send("GET", "/v1/members", None).await.status, 200);
    assert_eq!(served.send("GET", "/ready", None).await.status, 200);
    drop((first, second));
    assert_eq!(served.ask(form("/sign-in", HttpBody::from("key=x"))).await.status, 422);
}

/// What a future has, after it was asked once.
async fn polled<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Option<T> {
    std::future::poll_fn(|context| match Pin::new(&mut *future).poll(context) {
        Poll::Ready(it) => Poll::Ready(Some(it)),
        Poll::Pending => Poll::Ready(None),
    })
    .await
}

#[tokio::test]
async fn a_form_has_less_time_than_a_body() {
    let served = Served::with(NOW, Limits { form_wait_max: Duration::from_millis(20), ..Limits::default() });
    let request = Request::builder().method("POST").uri("/sign-in").body(HttpBody::new(Endless));
    assert_eq!(served.ask(request.expect("a request")).await.status, 408);
}

#[tokio::test]
async fn answers_for_programs_are_kept_by_nobody() {
    let served = Served::at(NOW);
    for path in ["/v1/members", "/health", "/nowhere", "/v1/openapi.json"] {
        let answered = served.send("GET", path, None).await;
        assert_eq!(answered.header("cache-control"), "no-store", "{path}");
        assert_eq!(answered.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answered.header("strict-transport-security"), "", "{path}");
    }
    let served = Served::configured(NOW, |it| "https://points.example.com".clone_into(&mut it.public_url));
    for path in ["/v1/members", "/sign-in", "/nowhere"] {
        let answered = served.send("GET", path, None).await;
        assert_eq!(answered.header("strict-transport-security"), "max-age=31536000", "{path}");
    }
}

#[tokio::test]
async fn the_log_says_whose_request_it_was() {
    let (log, written) = Log::new();
    let subscriber = tracing_subscriber::fmt().with_max_level(tracing::Level::DEBUG).with_ansi(false);
    let subscriber = subscriber.with_writer(move || log.clone()).finish();
    let served = Served::at(NOW);
    served.add_key("gdn_1111111111111111111111111111111111111111", store::Scopes::READ);
    let ask = async |key: &str| {
        let request = Request::builder().uri("/v1/programs").header("authorization", format!("bearer {key}"));
        served.ask(request.body(HttpBody::empty()).expect("a request")).await.status.as_u16()
    };
    // What another test logs for the first time while a subscriber comes is never told to it: all of this is logged before.
    assert_eq!((ask("gdn_1111111111111111111111111111111111111111").await, ask("gdn_unknown").await), (200, 401));
    let _told = tracing::subscriber::set_default(subscriber);
    tracing::callsite::rebuild_interest_cache();
    assert_eq!(ask("gdn_1111111111111111111111111111111111111111").await, 200);
    assert_eq!(ask("gdn_unknown").await, 401);
    let written = String::from_utf8(written.lock().expect("no panic").clone()).expect("text");
    let line = |status: &str| written.lines().find(|it| it.contains(status)).expect(status).to_owned();
    assert!(line("status=200").contains("key=2"), "{written}");
    assert!(!line("status=401").contains("key="), "{written}");
    assert!(!written.contains("gdn_"), "a secret is never logged: {written}");
}

/// What was logged.
#[derive(Clone)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn new() -> (Self, Arc<Mutex<Vec<u8>>>) {
        let written = Arc::default();
        (Self(Arc::clone(&written)), written)
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn every_answer_has_an_id() {
    let served = Served::at(NOW);
    let ask = async |id: Option<&str>| {
        let mut request = Request::builder().uri("/health");
        if let Some(id) = id {
            request = request.header("x-request-id", id);
        }
        let answered = served.ask(request.body(HttpBody::empty()).expect("a request")).await;
        answered.header("x-request-id").to_owned()
    };
    let (first, second) = (ask(None).await, ask(None).await);
    assert!(first.len() == 16 && first != second, "{first} {second}");
    assert_eq!(ask(Some("shop-4711.a_B")).await, "shop-4711.a_B", "the caller's own is kept");
    let long = "x".repeat(65);
    for wrong in ["", "a b", "a\"b", "<x>", long.as_str()] {
        let id = ask(Some(wrong)).await;
        assert!(id.len() == 16 && id != wrong, "{wrong}: {id}");
    }
    let nowhere = served.send("GET", "/nowhere", None).await;
    assert_eq!(nowhere.header("x-request-id").len(), 16);
}
