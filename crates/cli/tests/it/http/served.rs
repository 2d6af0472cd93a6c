//! A server in this process: a port of its own, a database of its own, and a clock that stands still.

use std::net::SocketAddr;
use std::sync::Arc;

use engine::{Actor, Timestamp};
use serde_json::{Value, json};
use server::{App, Config, Limits};
use store::{Body, ChannelId, Command, Database, Key, Options, ProgramId, Scopes, SecretHash, Store, Time};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::caller::{Asked, Caller, Said};

pub(super) const SECRET: &str = "gdn_all";
/// The instant at which the clock stands still.
pub(super) const NOW: &str = "2026-03-01T12:00:00Z";

pub(super) struct Served {
    pub(super) address: SocketAddr,
    app: App,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
    /// The last: the database is closed when it goes.
    _folder: TempDir,
}

impl Served {
    /// A shop that earns 1 point per 1.00 and redeems 100 points for 1.00.
    pub(super) async fn start() -> Self {
        Self::limited(Limits::default()).await
    }

    pub(super) async fn limited(limits: Limits) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let mut options = Options::new(server::program::compile);
        let now = Timestamp::parse(NOW).expect("a time");
        options.clock = Some(Arc::new(move || now));
        options.create = true;
        let database = Database::Sqlite(folder.path().join("shop.db"));
        let store = Store::open(&database, options).expect("a new database");
        open_shop(&store).await;
        let mut config = Config::local("http://localhost");
        config.limits = limits;
        let app = App::new(store, config).expect("a new database can be read");
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("a port");
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server::serve(app.clone(), listener, async {
            // A test that fails stops it without a word.
            let _ = stopped.await;
        }));
        Self { address, app, stop, served, _folder: folder }
    }

    pub(super) async fn caller(&self) -> Caller {
        Caller::connect(self.address, SECRET).await.expect("the server greets")
    }

    pub(super) async fn callers(&self, count: usize) -> Vec<Caller> {
        let mut callers = Vec::new();
        for _ in 0..count {
            callers.push(self.caller().await);
        }
        callers
    }

    /// Stops the server, and holds all that is stored against the entries.
    pub(super) async fn stop_and_verify(self) {
        self.stop.send(()).expect("the server runs");
        self.served.await.expect("the server stops");
        let report = self.app.store().reader().and_then(|it| it.verify(&mut |_| ()));
        assert_eq!(report.expect("the database can be read").difference, None);
    }
}

/// A program, a channel and a key, in a new database.
pub(super) async fn open_shop(store: &Store) {
    let start = Timestamp::parse("2020-01-01T00:00:00Z").expect("a time");
    let document = json!({
        "format": 1, "name": "Points", "currency": "EUR", "time_zone": "Europe/Zurich",
        "earn": { "points": 1, "per": "1.00", "on": "paid" },
        "validity": { "months": 12 },
        "redeem": { "points": 100, "value": "1.00" },
    });
    let (name, id) = ("Points".to_owned(), ProgramId::derived(start, b"Points"));
    let document = document.to_string();
    let program = Body::CreateProgram { id, name: name.clone(), document, effective_at: Some(start) };
    let id = ChannelId::derived(start, b"web");
    let channel = Body::AddChannel { id, name: "web".to_owned(), program: name, signs_up: false };
    let (name, hint, scopes) = ("All".to_owned(), "all".to_owned(), Scopes::ADMIN);
    let key = Body::AddKey { name, hash: SecretHash::of(SECRET), hint, scopes };
    for (number, body) in [program, channel, key].into_iter().enumerate() {
        let key = Some(Key(format!("open-{number}")));
        let command = Command { key, actor: Actor::Staff(0), time: Time::Live, seed: 0, body };
        store.submit(command).await.expect("a new shop opens");
    }
}

/// An order that was placed and paid at that instant, unless `more` says otherwise.
pub(super) fn order(member: &str, version: u64, amount: u64, more: &Value) -> Value {
    let mut document = json!({
        "member": member, "version": version, "placed_at": NOW, "paid_at": NOW,
        "lines": [{ "id": "1", "amount": format!("{amount}.00") }],
    });
    for (key, value) in more.as_object().into_iter().flatten() {
        document[key] = value.clone();
    }
    document
}

/// Signs somebody up, and gives them points.
pub(super) async fn member(caller: &mut Caller, name: &str, points: i64) -> String {
    let body = json!({ "identities": [{ "kind": "customer", "value": name }] });
    let id = caller.send(&Asked::post("/v1/members", format!("up-{name}"), body)).await.ok().text("/id").to_owned();
    if points != 0 {
        let body = json!({ "points": points, "note": "welcome" });
        caller.send(&Asked::post(format!("{}/adjustments", account(&id)), format!("give-{name}"), body)).await.ok();
    }
    id
}

pub(super) fn account(member: &str) -> String {
    format!("/v1/members/{member}/accounts/Points")
}

pub(super) fn order_path(reference: &str) -> String {
    format!("/v1/channels/web/orders/{reference}")
}

/// All entries of a member, the oldest first.
pub(super) async fn entries(caller: &mut Caller, member: &str) -> Vec<Value> {
    let mut entries = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("{}/entries?limit=200{after}", account(member));
        let page: Said = caller.send(&Asked::get(path)).await.ok();
        entries.extend(page.body["data"].as_array().expect("a list").iter().cloned());
        match page.body["next"].as_str() {
            Some(next) => after = format!("&after={next}"),
            None => return entries,
        }
    }
}
