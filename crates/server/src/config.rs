//! What whoever runs the server decides: addresses, limits, and whether it is the sample shop.

use std::sync::Arc;
use std::time::Duration;

/// Draws 32 random bytes, from which ids, seeds and secrets are made.
pub type Draw = Arc<dyn Fn() -> [u8; 32] + Send + Sync>;

#[derive(Clone)]
pub struct Config {
    /// How browsers reach the server, such as `https://points.example.com`; decides links and whether cookies are
    /// sent over encrypted connections only.
    pub public_url: String,
    /// The sample shop: whoever reaches the server may enter, and a banner says so.
    pub is_demo: bool,
    pub limits: Limits,
    pub draw: Draw,
}

/// What bounds the memory and time of the server. Past each, requests are refused, and told when to come back.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Open connections; one more is answered 503 and closed.
    pub connections_max: usize,
    /// Requests worked on at once; one more is answered 503.
    pub requests_max: usize,
    /// Forms of the pages worked on at once, apart from the requests: whoever sends one may not be known yet.
    pub forms_max: usize,
    /// Reading requests that hold a snapshot at once; others wait for their turn.
    pub readers_max: usize,
    /// Bytes of a request's body.
    pub body_bytes_max: usize,
    /// For the head of a request to arrive; an idle connection is closed after it as well.
    pub head_wait_max: Duration,
    /// For the body of a request to arrive.
    pub body_wait_max: Duration,
    /// For a form of the pages to arrive.
    pub form_wait_max: Duration,
    /// For a request to be answered once it is read.
    pub answer_wait_max: Duration,
    /// For the other side to take some of an answer; a connection on which it takes nothing is closed.
    pub read_wait_max: Duration,
    /// For accepted requests to be finished when the server stops.
    pub stop_wait_max: Duration,
    /// Requests a second of one API key, in bursts of up to ten times as many; 0 means no limit.
    pub requests_per_s_max: u32,
    /// Failed sign-ins and wrong API keys a minute from one address.
    pub failures_per_min_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 8_192,
            requests_max: 1_024,
            forms_max: 64,
            readers_max: 8,
            body_bytes_max: 1 << 20,
            head_wait_max: Duration::from_secs(30),
            body_wait_max: Duration::from_secs(15),
            form_wait_max: Duration::from_secs(5),
            answer_wait_max: Duration::from_secs(35),
            read_wait_max: Duration::from_secs(30),
            stop_wait_max: Duration::from_secs(30),
            requests_per_s_max: 0,
            failures_per_min_max: 60,
        }
    }
}

impl Config {
    /// The settings of a server that is reached at an address of this machine.
    pub fn local(public_url: impl Into<String>) -> Self {
        Self { public_url: public_url.into(), is_demo: false, limits: Limits::default(), draw: system_draw() }
    }

    /// Whether browsers reach the server over an encrypted connection only.
    pub(crate) fn is_https(&self) -> bool {
        self.public_url.starts_with("https://")
    }
}

/// Random bytes of the operating system.
///
/// # Panics
/// When the system has no random numbers: nothing secret can be made then.
pub fn system_draw() -> Draw {
    Arc::new(|| {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).expect("the system has random numbers");
        bytes
    })
}
