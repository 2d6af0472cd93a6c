//! What ten times as many members, each with five orders, do to how long an order and a look at a balance take.

use std::time::Duration;

use anyhow::Result;
use store::Database;
use tokio::runtime::Runtime;

use super::load::{self, Seen};
use super::place::Place;
use super::round::median_ms;
use super::served::{Served, end, runtime};
use super::shop::{API_KEY, Orders, balances, make_at};

const ORDERS_EACH: u64 = 5;
const TIMES: u64 = 10;
/// By turns so often so many: what else happens on the machine happens to both.
const TURNS: usize = 20;
const EACH: usize = 50;

/// Milliseconds of few and of ten times as many.
#[derive(Debug)]
pub(crate) struct Sizes {
    pub(crate) order: [f64; 2],
    pub(crate) balance: [f64; 2],
}

pub(crate) fn measure(place: &Place, few: u64) -> Result<Sizes> {
    let sizes = [few, TIMES * few];
    let mut databases: Vec<Database> = Vec::new();
    for (name, members) in ["few", "many"].into_iter().zip(sizes) {
        databases.push(make_at(place, name, members, ORDERS_EACH)?);
    }
    let runtime = runtime()?;
    let mut served = Vec::new();
    for database in &databases {
        served.push(Served::start(&runtime, database)?);
    }
    let mut took: [[Vec<Duration>; 2]; 2] = Default::default();
    // The first turn warms up.
    for turn in 0..=TURNS {
        for (which, members) in sizes.into_iter().enumerate() {
            let label = format!("size-{turn}");
            let orders = Orders { label: &label, members, count: EACH };
            let server = &served[which];
            let sent = [orders.parcels(server.store.now()), balances(orders)];
            for (what, parcels) in sent.into_iter().enumerate() {
                let seen = one_caller(&runtime, server, parcels)?;
                if 0 < turn {
                    took[what][which].extend(seen.latencies);
                }
            }
        }
    }
    for server in served {
        server.stop(&runtime)?;
    }
    end(runtime);
    ["few", "many"].into_iter().try_for_each(|it| place.remove(it))?;
    let [order, balance] = took.map(|it| it.map(median_ms));
    Ok(Sizes { order, balance })
}

fn one_caller(runtime: &Runtime, server: &Served, parcels: Vec<load::Parcel>) -> Result<Seen> {
    runtime.block_on(load::run(&[server.address], API_KEY, parcels, 1))?.all_taken()
}
