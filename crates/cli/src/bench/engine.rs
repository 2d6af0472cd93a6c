//! How fast the rules are alone, beside a bare loop that only does the arithmetic: one core, no store. An order is decided
//! and posted on an account as the store would load it.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use engine::{
    Account, Actor, Adjustment, Document, Moment, Money, Points, Rules, Timeline, Timestamp, Version, adjust, put_order,
};

const ORDERS: i64 = 1_000_000;
const OPEN_LOTS: i64 = 2_000;
const ROUNDS: i64 = 1_000;
const SECOND: i64 = 1_000_000;

/// What the rules cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineFigures {
    pub(crate) orders_per_s: f64,
    /// How many times longer an order takes than the arithmetic alone.
    pub(crate) to_bare_ratio: f64,
    pub(crate) many_lots_us: f64,
}

pub(crate) fn measure() -> Result<EngineFigures> {
    let shop = Shop::new()?;
    let documents: Vec<Arc<Document>> = (0..ORDERS).map(|n| shop.sale(n)).collect();
    let bare = bare_loop(&documents);
    let engine = shop.simple_orders(&documents)?;
    let many_lots = shop.many_lots()?;
    Ok(EngineFigures {
        orders_per_s: documents.len() as f64 / engine.as_secs_f64(),
        to_bare_ratio: engine.as_secs_f64() / bare.as_secs_f64(),
        many_lots_us: many_lots.as_secs_f64() * 1e6,
    })
}

/// What the rules come to when nothing is kept: one division and one addition an order.
fn bare_loop(documents: &[Arc<Document>]) -> Duration {
    let mut balances = vec![0_i64; 10_000];
    let began = Instant::now();
    for (n, document) in documents.iter().enumerate() {
        let index = n % balances.len();
        balances[index] += black_box(document.lines[0].amount.minor()) / 100;
    }
    black_box(&balances);
    began.elapsed()
}

struct Shop {
    timeline: Timeline,
    start: Timestamp,
}

impl Shop {
    fn new() -> Result<Self> {
        let terms = server::program::compile(include_str!("../../../../demo/programs/sample.json"))
            .map_err(anyhow::Error::msg)
            .context("compiling the program of the sample shop")?;
        let version = Version { number: 1, effective_at: Timestamp::START, terms };
        let start = Timestamp::parse("2026-01-01T12:00:00Z").context("reading the day of the bench")?;
        Ok(Self { timeline: Timeline::new(vec![version], Vec::new()), start })
    }

    fn sale(&self, n: i64) -> Arc<Document> {
        let at = Timestamp::from_micros(self.start.micros() + n * 10 * SECOND);
        Arc::new(Document::sale(*b"USD", Money::new(100 + n % 9_900), at))
    }

    /// Each order meets a freshly loaded account: a balance and four open lots.
    fn simple_orders(&self, documents: &[Arc<Document>]) -> Result<Duration> {
        let loaded = self.account_with(4)?;
        let began = Instant::now();
        for document in documents {
            let mut account = loaded.clone();
            self.put(&mut account, document)?;
            black_box(&account);
        }
        Ok(began.elapsed())
    }

    /// The mean time of an order that spends 100 points out of many lots.
    fn many_lots(&self) -> Result<Duration> {
        let loaded = self.account_with(OPEN_LOTS)?;
        let mut took = Duration::ZERO;
        for n in 0..ROUNDS {
            let mut document = Document::clone(&self.sale(5_000 + n));
            document.redeem = Some(Points::new(100));
            let document = Arc::new(document);
            let mut account = loaded.clone();
            let began = Instant::now();
            self.put(&mut account, &document)?;
            took += began.elapsed();
        }
        Ok(took / u32::try_from(ROUNDS)?)
    }

    fn put(&self, account: &mut Account, document: &Arc<Document>) -> Result<()> {
        let moment = Moment { now: document.placed_at, actor: Actor::Channel(1), import: false };
        let decided = put_order(account, Rules::of(&self.timeline), None, document, moment)
            .map_err(|stop| anyhow::anyhow!("the order was stopped: {stop:?}"))?;
        account.apply(&decided);
        Ok(())
    }

    fn account_with(&self, lots: i64) -> Result<Account> {
        let mut account = Account::default();
        let more = Adjustment { points: Points::new(10), note: "bench".to_owned(), expires_at: None };
        for n in 0..lots {
            let now = Timestamp::from_micros(self.start.micros() - (lots - n) * SECOND);
            let moment = Moment { now, actor: Actor::Staff(0), import: false };
            let decided = adjust(&account, Rules::of(&self.timeline), &more, moment)
                .map_err(|stop| anyhow::anyhow!("the adjustment was stopped: {stop:?}"))?;
            account.apply(&decided);
        }
        Ok(account)
    }
}
