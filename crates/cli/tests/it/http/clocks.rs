//! Servers on machines whose clocks go wrong: all goes by the clock of the database.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use engine::Timestamp;
use serde_json::json;
use store::{Database, Options, Store};
use tokio::runtime::Runtime;

use super::caller::{Asked, Caller};
use super::metrics::scrape;
use super::process::{Process, order_now};
use super::served::{SECRET, account, member, open_shop, order_path};
use crate::cluster::Cluster;
use crate::shop::Shop;

const HOUR: i64 = 3_600;
/// A sweep begins with a server and then each minute.
const SWEEPS: Duration = Duration::from_secs(100);

/// A machine whose clock is set while processes run on it.
struct Machine {
    clock: PathBuf,
}

impl Machine {
    fn new(shop: &Shop, name: &str) -> Self {
        let it = Self { clock: shop.path(name) };
        it.is_off_by(0);
        it
    }

    fn is_off_by(&self, seconds: i64) {
        std::fs::write(&self.clock, format!("{seconds:+}")).expect("the folder is writable");
    }

    fn start(&self, shop: &Shop, cluster: &Cluster) -> Option<Process> {
        let settings = [
            ("LD_PRELOAD", library()),
            ("FAKETIME_TIMESTAMP_FILE", self.clock.clone()),
            ("FAKETIME_NO_CACHE", PathBuf::from("1")),
            ("FAKETIME_DONT_FAKE_MONOTONIC", PathBuf::from("1")),
        ];
        Process::try_start_with(shop, &format!("--database {}", cluster.url), &settings)
    }
}

/// What tells a process another time.
fn library() -> PathBuf {
    let folders = std::fs::read_dir("/usr/lib").expect("a system like Debian").filter_map(Result::ok);
    let library = folders.map(|it| it.path().join("faketime/libfaketimeMT.so.1")).find(|it| it.exists());
    library.expect("libfaketime is installed: apt-get install libfaketime")
}

fn opened(cluster: &Cluster) -> Store {
    let database: Database = cluster.url.parse().expect("a URL");
    Store::open(&database, Options { create: true, ..Options::new(server::program::compile) }).expect("a ledger")
}

/// What a metric of a server says.
fn figure(server: &Process, name: &str) -> f64 {
    let text = scrape(server.address);
    let line = text.lines().find_map(|it| it.strip_prefix(name)).unwrap_or_default();
    line.trim().parse().unwrap_or_default()
}

#[test]
fn a_server_with_another_clock_does_not_start() {
    let (shop, cluster) = (Shop::empty(), Cluster::start(&[]));
    drop(opened(&cluster));
    let machine = Machine::new(&shop, "clock");
    for seconds in [HOUR, -HOUR, 10] {
        machine.is_off_by(seconds);
        assert!(machine.start(&shop, &cluster).is_none(), "{seconds}");
    }
    machine.is_off_by(0);
    assert!(machine.start(&shop, &cluster).is_some());
}

#[test]
fn clocks_that_are_turned_change_nothing() {
    let (shop, cluster) = (Shop::empty(), Cluster::start(&[]));
    let runtime = Runtime::new().expect("a runtime");
    let store = opened(&cluster);
    runtime.block_on(open_shop(&store));
    let (ahead, behind) = (Machine::new(&shop, "ahead"), Machine::new(&shop, "behind"));
    let first = ahead.start(&shop, &cluster).expect("it listens");
    let second = behind.start(&shop, &cluster).expect("it listens");
    let sweeps = "guerdon_sweeps_total{outcome=\"done\"}";
    let until = Instant::now() + SWEEPS;
    while figure(&first, sweeps) < 1.0 {
        assert!(Instant::now() < until, "the first that starts sweeps");
    }
    let ana = runtime.block_on(async {
        let mut caller = Caller::connect(first.address, SECRET).await.expect("it listens");
        let ana = member(&mut caller, "ana", 500).await;
        let body = json!({ "member": ana, "program": "Points", "points": 200, "minutes": 30 });
        caller.send(&Asked::post("/v1/holds", "hold", body)).await.ok();
        ana
    });
    ahead.is_off_by(HOUR);
    behind.is_off_by(-HOUR);
    assert!((figure(&first, "guerdon_clock_ahead_seconds") - 3_600.0).abs() < 60.0);
    assert!((figure(&second, "guerdon_clock_ahead_seconds") + 3_600.0).abs() < 60.0);
    while figure(&first, sweeps) < 2.0 {
        assert!(Instant::now() < until, "it goes on sweeping: {}", scrape(first.address));
        std::thread::sleep(Duration::from_millis(100));
    }
    for server in [&first, &second] {
        let now = store.now().micros();
        let (held, at) = runtime.block_on(async {
            let mut caller = Caller::connect(server.address, SECRET).await.expect("it listens");
            let reference = format!("of-{}", server.address.port());
            caller.send(&Asked::put(order_path(&reference), order_now(&ana, 10, &json!({})))).await.ok();
            let held = caller.send(&Asked::get(account(&ana))).await.ok().count("/balance/held");
            let entries = caller.send(&Asked::get(format!("{}/entries", account(&ana)))).await.ok();
            let last = entries.body["data"].as_array().and_then(|it| it.last()).expect("an entry");
            (held, Timestamp::parse(last["at"].as_str().expect("a text")).expect("a time").micros())
        });
        assert_eq!(held, 200, "the hold lasts half an hour of the database");
        assert!(at.abs_diff(now) < 60_000_000, "{at} {now}");
    }
    assert_eq!(store.reader().and_then(|it| it.verify(&mut |_| ())).expect("it can be read").difference, None);
}
