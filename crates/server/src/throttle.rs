//! How many requests an API key may send, and how often one address may fail to sign in. Bounded: addresses and keys
//! that have been quiet are forgotten.

use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota};

use crate::config::Limits;
use crate::problem::{Answer, Problem};

/// Past so many remembered addresses, those that have been quiet are dropped.
const REMEMBERED_MAX: usize = 10_000;

pub(crate) struct Throttle {
    clock: DefaultClock,
    requests: Option<DefaultKeyedRateLimiter<u32>>,
    failures: DefaultKeyedRateLimiter<IpAddr>,
}

impl Throttle {
    pub(crate) fn new(limits: &Limits) -> Self {
        let requests = NonZeroU32::new(limits.requests_per_s_max).map(|per_s| {
            let burst = NonZeroU32::new(per_s.get().saturating_mul(10)).unwrap_or(per_s);
            DefaultKeyedRateLimiter::keyed(Quota::per_second(per_s).allow_burst(burst))
        });
        let failures = NonZeroU32::new(limits.failures_per_min_max).unwrap_or(NonZeroU32::MIN);
        let failures = DefaultKeyedRateLimiter::keyed(Quota::per_minute(failures));
        Self { clock: DefaultClock::default(), requests, failures }
    }

    /// Counts a request of an API key.
    pub(crate) fn request(&self, key: u32) -> Answer<()> {
        let Some(requests) = &self.requests else { return Ok(()) };
        requests.check_key(&key).map_err(|until| {
            let wait = seconds(until.wait_time_from(self.clock.now()));
            Problem::too_many("This API key sends more requests a second than it may; slow down.", wait)
        })
    }

    /// Counts a failed sign-in; past the limit the answer is another one, whatever was sent.
    pub(crate) fn failure(&self, address: Option<IpAddr>) -> Answer<()> {
        let Some(address) = address else { return Ok(()) };
        if REMEMBERED_MAX < self.failures.len() {
            self.failures.retain_recent();
        }
        self.failures.check_key(&address).map_err(|until| {
            let wait = seconds(until.wait_time_from(self.clock.now()));
            Problem::too_many("Too many wrong keys came from this address; wait before the next.", wait)
        })
    }
}

fn seconds(wait: std::time::Duration) -> u32 {
    u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1)
}
