//! A server of its own for a test: a new database, a clock that the test moves, and secrets that are the same in each run.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use axum::Router;
use axum::body::Body as HttpBody;
use axum::http::{HeaderMap, Request, StatusCode};
use engine::{Actor, Timestamp};
use http_body_util::BodyExt as _;
use serde_json::Value;
use server::program::compile;
use server::{App, Config, Draw, Limits};
use sha2::{Digest as _, Sha256};
use store::{Body, Command, Database, Key, Options, Scopes, SecretHash, Store, Time};
use tempfile::TempDir;
use tower::ServiceExt as _;

/// A key of every scope; `key_of` makes others.
pub(crate) const ADMIN: &str = "gdn_0000000000000000000000000000000000000000";

pub(crate) struct Served {
    pub(crate) app: App,
    router: Router,
    clock: Arc<AtomicI64>,
    /// Kept until the test ends.
    _folder: TempDir,
}

/// What the server answered.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Answered {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |it| it.to_str().expect("a header in ASCII"))
    }

    /// The body; null when there is none.
    pub(crate) fn json(&self) -> Value {
        if self.text.is_empty() { Value::Null } else { serde_json::from_str(&self.text).expect(&self.text) }
    }
}

impl Served {
    pub(crate) fn at(now: &str) -> Self {
        Self::with(now, Limits::default())
    }

    pub(crate) fn with(now: &str, limits: Limits) -> Self {
        Self::configured(now, |it| it.limits = limits)
    }

    pub(crate) fn configured(now: &str, configure: impl FnOnce(&mut Config)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        // Codes of certificates are the same in each run.
        std::fs::write(folder.path().join("test.db.key"), "7".repeat(64)).expect("a key");
        let clock = Arc::new(AtomicI64::new(0));
        let read = Arc::clone(&clock);
        let options = Options {
            create: true,
            clock: Some(Arc::new(move || Timestamp::from_micros(read.load(Ordering::SeqCst)))),
            ..Options::new(compile)
        };
        let store = Store::open(&Database::Sqlite(folder.path().join("test.db")), options).expect("a new database");
        let mut config = Config::local("http://localhost:7070");
        config.draw = counted();
        configure(&mut config);
        let app = App::new(store, config).expect("a server");
        let served = Self { router: server::router(&app), app, clock, _folder: folder };
        served.set_clock(now);
        served.add_key(ADMIN, Scopes::ADMIN);
        served
    }

    pub(crate) fn set_clock(&self, now: &str) {
        let now = Timestamp::parse(now).expect(now);
        self.clock.store(now.micros(), Ordering::SeqCst);
    }

    pub(crate) fn pass_minutes(&self, minutes: i64) {
        self.clock.fetch_add(minutes * 60_000_000, Ordering::SeqCst);
    }

    /// Lets that text in as a key.
    pub(crate) fn add_key(&self, secret: &str, scopes: Scopes) {
        let hint = secret[secret.len() - 4..].to_owned();
        let body = Body::AddKey { name: "Test".to_owned(), hash: SecretHash::of(secret), hint, scopes };
        let key = Some(Key(format!("test-{secret}")));
        let command = Command { key, actor: Actor::Staff(0), time: Time::Live, seed: 0, body };
        // A thread of its own: that of an asynchronous test must not wait.
        let added = std::thread::scope(|it| it.spawn(|| self.app.store().submit(command).wait()).join());
        added.expect("no panic").expect("a new key");
    }

    /// Sends a request with the admin's key.
    pub(crate) async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answered {
        self.send_keyed(method, path, body, "").await
    }

    /// As `send`, with an Idempotency-Key.
    pub(crate) async fn send_keyed(&self, method: &str, path: &str, body: Option<&Value>, key: &str) -> Answered {
        let mut request =
            Request::builder().method(method).uri(path).header("authorization", format!("Bearer {ADMIN}"));
        if !key.is_empty() {
            request = request.header("idempotency-key", key);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map_or_else(HttpBody::empty, |it| HttpBody::from(it.to_string()));
        self.ask(request.body(body).expect(path)).await
    }

    pub(crate) async fn ask(&self, request: Request<HttpBody>) -> Answered {
        let response = self.router.clone().oneshot(request).await.expect("a router always answers");
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.expect("the whole answer").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Answered { status: head.status, headers: head.headers, text }
    }
}

/// Bytes that look random, and are the same in each run.
fn counted() -> Draw {
    let count = AtomicU64::new(0);
    Arc::new(move || Sha256::digest(count.fetch_add(1, Ordering::SeqCst).to_le_bytes()).into())
}
