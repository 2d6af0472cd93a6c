//! What the server counts of its requests, and what it says to whoever watches it: Prometheus reads it at `/metrics`.
//!
//! Names, labels and help stand here and nowhere else. No label holds anything of a member: routes are classes, refusals are
//! codes. A request costs a few atomic additions; all that can be looked up is looked up when somebody asks.

use std::fmt::Error;
use std::time::Duration;

use axum::http::{Method, StatusCode};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::{Family, MetricConstructor};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use store::{Counted, Outcome, Spread, Waiting};

/// What is sent: `OpenMetrics`, which Prometheus reads as its own.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

const SECONDS: [f64; 13] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 30.0];
const MICROS_OF_A_SECOND: f64 = 1e6;

type Label = (&'static str, &'static str);

#[derive(Clone, Debug)]
struct NewHistogram;

impl MetricConstructor<Histogram> for NewHistogram {
    fn new_metric(&self) -> Histogram {
        Histogram::new(SECONDS)
    }
}

/// What is counted while requests are answered.
#[derive(Default)]
pub(crate) struct Metrics {
    requests: Requests,
    problems: Family<[Label; 1], Counter>,
    sweeps: Family<[Label; 1], Counter>,
}

struct Requests(Family<[Label; 2], Histogram, NewHistogram>);

impl Default for Requests {
    fn default() -> Self {
        Self(Family::new_with_constructor(NewHistogram))
    }
}

impl Metrics {
    /// Counts a request that was answered.
    pub(crate) fn request(&self, route: Label, status: StatusCode, problem: Option<&'static str>, took: Duration) {
        self.requests.0.get_or_create(&[route, ("status", class_of(status))]).observe(took.as_secs_f64());
        if let Some(code) = problem {
            self.problems.get_or_create(&[("code", code)]).inc();
        }
    }

    pub(crate) fn sweep(&self, outcome: &'static str) {
        self.sweeps.get_or_create(&[("outcome", outcome)]).inc();
    }

    /// All of it as text.
    pub(crate) fn text(&self, now: Now) -> String {
        let mut registry = Registry::with_prefix("guerdon");
        let requests = "Requests that were answered, by route and class of status, and how long they took in seconds";
        registry.register("http_request_duration_seconds", requests, self.requests.0.clone());
        registry.register("http_problems", "Requests that were refused or failed, by code", self.problems.clone());
        registry.register("sweeps", "Sweeps of this process, by outcome", self.sweeps.clone());
        registry.register_collector(Box::new(now));
        let mut text = String::new();
        encode(&mut text, &registry).expect("a text takes what is written to it");
        text
    }
}

/// What a request is for: which group of routes its latency belongs to.
pub(crate) fn route_of(method: &Method, path: &str) -> Label {
    let reads_only = matches!(*method, Method::GET | Method::HEAD);
    let class = match path {
        "/health" | "/ready" | "/metrics" => "server",
        "/v1/channels/{channel}/orders/{reference}" | "/v1/channels/{channel}/returns/{reference}" if !reads_only => {
            "orders"
        }
        "/v1/quotes" => "quotes",
        "-" => "unknown",
        it if !it.starts_with("/v1/") => "pages",
        _ if reads_only => "reads",
        _ => "writes",
    };
    ("route", class)
}

fn class_of(status: StatusCode) -> &'static str {
    match status.as_u16() {
        ..300 => "2xx",
        300..400 => "3xx",
        400..500 => "4xx",
        500.. => "5xx",
    }
}

/// What is looked up when somebody asks.
#[derive(Debug)]
pub(crate) struct Now {
    pub(crate) counted: Counted,
    pub(crate) waiting: Waiting,
    pub(crate) is_stopped: bool,
    /// Microseconds by which the clock of this machine is ahead.
    pub(crate) clock_ahead: i64,
    pub(crate) connections: usize,
    pub(crate) in_flight: usize,
    /// Nothing if the database did not answer.
    pub(crate) database: Option<Backlog>,
}

/// What the sweeper has still to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Backlog {
    /// Since when the account is due that waits longest.
    pub(crate) lag: Duration,
    pub(crate) parked: usize,
}

impl Collector for Now {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let to = &mut encoder;
        self.commands(to)?;
        let batch = "Commands of a batch, which is one transaction";
        histogram(to, "batch_commands", batch, &self.counted.batch_commands, 1.0)?;
        let took = "Seconds of a batch, from being taken to being on the disk";
        histogram(to, "batch_duration_seconds", took, &self.counted.batch_micros, MICROS_OF_A_SECOND)?;
        let again = to.encode_descriptor(
            "batches_run_again",
            "Batches that failed as a whole and were run again",
            None,
            MetricType::Counter,
        );
        again?.encode_counter::<NoLabelSet, _, u64>(&self.counted.run_again, None)?;
        self.queue(to)?;
        gauge(to, "store_stopped", "1 once nothing is written any more after a failed write", self.is_stopped.into())?;
        let help = "Seconds by which the clock of this machine is ahead of that of the database, which counts";
        let ahead = self.clock_ahead as f64 / MICROS_OF_A_SECOND;
        to.encode_descriptor("clock_ahead_seconds", help, None, MetricType::Gauge)?.encode_gauge(&ahead)?;
        gauge(to, "http_connections_open", "Connections that are open", signed(self.connections))?;
        gauge(to, "http_requests_in_flight", "Requests that are worked on", signed(self.in_flight))?;
        let is_up = "1 if the database has answered a read just now, within two seconds";
        gauge(to, "database_up", is_up, self.database.is_some().into())?;
        if let Some(Backlog { lag, parked }) = self.database {
            let help = "How long the account is due whose points the sweeper settles next";
            let seconds = lag.as_secs_f64();
            to.encode_descriptor("sweep_lag_seconds", help, None, MetricType::Gauge)?.encode_gauge(&seconds)?;
            gauge(to, "members_parked", "Members that are left out, since settling them fails inside", signed(parked))?;
        }
        let build = [("version", env!("CARGO_PKG_VERSION"))];
        let mut info = to.encode_descriptor("build_info", "Which Guerdon this is", None, MetricType::Gauge)?;
        info.encode_family(&build)?.encode_gauge(&1_i64)
    }
}

impl Now {
    fn commands(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Commands that were answered, by what they ask for and how they ended";
        let mut commands = to.encode_descriptor("commands", help, None, MetricType::Counter)?;
        for ((kind, outcome), count) in &self.counted.commands {
            let outcome = match outcome {
                Outcome::Done => "done",
                Outcome::Refused => "refused",
                Outcome::Failed => "failed",
            };
            let labels = [("kind", *kind), ("outcome", outcome)];
            commands.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(count, None)?;
        }
        Ok(())
    }

    fn queue(&self, to: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "Commands that wait for the writer: live ones, and those of sweeps and imports";
        let mut queue = to.encode_descriptor("queue_commands", help, None, MetricType::Gauge)?;
        for (name, count) in [("live", self.waiting.live), ("background", self.waiting.background)] {
            queue.encode_family(&[("queue", name)])?.encode_gauge(&signed(count))?;
        }
        Ok(())
    }
}

fn gauge(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: i64) -> Result<(), Error> {
    to.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
}

/// `unit`: how many of what was measured make one of what is told.
fn histogram(to: &mut DescriptorEncoder<'_>, name: &str, help: &str, spread: &Spread, unit: f64) -> Result<(), Error> {
    let bounds = spread.bounds.iter().map(|it| float(*it) / unit).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(spread.counts.iter().copied()).collect();
    let mut histogram = to.encode_descriptor(name, help, None, MetricType::Histogram)?;
    histogram.encode_histogram::<NoLabelSet>(float(spread.sum) / unit, spread.count(), &buckets, None)
}

/// To the nearest number that a float can hold: nobody is paid by it.
fn float(it: u64) -> f64 {
    it as f64
}

fn signed(it: usize) -> i64 {
    i64::try_from(it).unwrap_or(i64::MAX)
}

#[test]
fn each_route_has_a_class() {
    let check = |method: Method, path: &str, class: &str| assert_eq!(route_of(&method, path).1, class, "{path}");
    check(Method::PUT, "/v1/channels/{channel}/orders/{reference}", "orders");
    check(Method::GET, "/v1/channels/{channel}/orders/{reference}", "reads");
    check(Method::POST, "/v1/quotes", "quotes");
    check(Method::POST, "/v1/holds", "writes");
    check(Method::GET, "/v1/members/{member}", "reads");
    check(Method::GET, "/ready", "server");
    check(Method::GET, "/admin", "pages");
    check(Method::GET, "-", "unknown");
}
