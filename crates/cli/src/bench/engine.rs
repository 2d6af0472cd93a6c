//! How fast the rules are alone, beside a bare loop that only does the arithmetic: one core, no store. Orders are decided and
//! posted a thousand at a time, each on an account of its own, as the store has them when it asks the rules: documents just
//! read, accounts just loaded.

use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use engine::{
    Account, Actor, Adjustment, Document, Facts, Line, Moment, Money, Points, Purse, Rules, Timeline, Timestamp,
    Version, adjust, put_order,
};

const ORDERS: i64 = 1_000_000;
const AT_ONCE: usize = 1_000;
const OPEN_LOTS: i64 = 2_000;
const ROUNDS: i64 = 1_000;
/// With rates of their own: as many as fit into a program document.
const PRODUCTS: i64 = 1_000;
const SECOND: i64 = 1_000_000;

/// What the rules cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EngineFigures {
    pub(crate) orders_per_s: f64,
    /// How many times longer an order takes than the arithmetic alone.
    pub(crate) to_bare_ratio: f64,
    pub(crate) many_lots_us: f64,
    /// Under a thousand product rates, exclusions, a multiplier, a promotion, tiers and conversion.
    pub(crate) special_per_s: f64,
}

pub(crate) fn measure() -> Result<EngineFigures> {
    let shop = Shop::new(include_str!("../../../../demo/programs/sample.json"))?;
    let bare = bare_loop(&shop);
    let engine = shop.orders(&shop.account_with(4)?, |n| shop.sale(n))?;
    let many_lots = shop.many_lots()?;
    let special = Shop::new(&special_program())?;
    let special_took = special.orders(&special.member_of_a_tier()?, |n| in_products(shop.sale(n), n))?;
    Ok(EngineFigures {
        orders_per_s: ORDERS as f64 / engine.as_secs_f64(),
        to_bare_ratio: engine.as_secs_f64() / bare.as_secs_f64(),
        many_lots_us: many_lots.as_secs_f64() * 1e6,
        special_per_s: ORDERS as f64 / special_took.as_secs_f64(),
    })
}

/// What the rules come to when nothing is kept: one division and one addition an order.
fn bare_loop(shop: &Shop) -> Duration {
    let mut balances = vec![0_i64; 10_000];
    let mut took = Duration::ZERO;
    for first in (0..ORDERS).step_by(AT_ONCE) {
        let documents: Vec<Document> = (first..).take(AT_ONCE).map(|n| shop.sale(n)).collect();
        let began = Instant::now();
        for (n, document) in (first..).zip(&documents) {
            balances[n as usize % 10_000] += black_box(document.lines[0].amount.minor()) / 100;
        }
        took += began.elapsed();
    }
    black_box(&balances);
    took
}

/// A thousand products with rates of their own, and all else that an order can meet: its account has the first tier already,
/// and every sixth order or so makes points into credit.
fn special_program() -> String {
    let rate = |n: i64| format!(r#"{{"product":"P{n}","points":{},"per":"1.00"}}"#, 2 + n % 5);
    let rates: Vec<String> = (0..PRODUCTS).map(rate).collect();
    format!(
        r#"{{"format": 1, "name": "Special", "currency": "USD", "time_zone": "America/New_York",
            "earn": {{"rates": [{}], "multipliers": [{{"customer_type": "gold", "times": "1.5"}}],
                "exclude": {{"products": ["X1", "X2"], "categories": ["tobacco"]}}}},
            "promotions": [{{"name": "Double", "times": "2", "categories": ["even"], "from": "2026-01-01"}}],
            "tiers": {{"by": "spend", "within": "12_months", "levels": [
                {{"name": "Silver", "from": "100.00", "earn": {{"points": 2, "per": "1.00"}}}},
                {{"name": "Gold", "from": "100000.00"}}]}},
            "convert": {{"points": 1500, "credit": "7.50"}}}}"#,
        rates.join(",")
    )
}

/// The same sale as two lines, of a product with a rate of its own and of one without.
fn in_products(sale: Document, n: i64) -> Document {
    let category = if n % 2 == 0 { "even" } else { "odd" };
    let mut line = sale.lines[0].clone();
    line.product = Some(format!("P{}", n * 7 % PRODUCTS));
    line.category = Some(category.to_owned());
    let other = Line { id: "2".to_owned(), product: Some("other".to_owned()), ..line.clone() };
    Document { lines: vec![line, other], ..sale }
}

struct Shop {
    timeline: Timeline,
    facts: Facts,
    start: Timestamp,
}

impl Shop {
    fn new(program: &str) -> Result<Self> {
        let terms = server::program::compile(program).map_err(anyhow::Error::msg).context("compiling the program")?;
        let version = Version { number: 1, effective_at: Timestamp::START, terms };
        let start = Timestamp::parse("2026-01-01T12:00:00Z").context("reading the day of the bench")?;
        let facts = Facts { customer_type: Some("gold".to_owned()), ..Facts::default() };
        Ok(Self { timeline: Timeline::new(vec![version], Vec::new()), facts, start })
    }

    fn sale(&self, n: i64) -> Document {
        let at = Timestamp::from_micros(self.start.micros() + n * 10 * SECOND);
        Document::sale(*b"USD", Money::new(100 + n % 9_900), at)
    }

    /// Each order meets a freshly loaded account.
    fn orders(&self, loaded: &Account, document: impl Fn(i64) -> Document) -> Result<Duration> {
        let mut took = Duration::ZERO;
        for first in (0..ORDERS).step_by(AT_ONCE) {
            let orders = (first..).take(AT_ONCE).map(|n| (Arc::new(document(n)), loaded.clone()));
            let mut orders: Vec<(Arc<Document>, Account)> = orders.collect();
            let began = Instant::now();
            for (document, account) in &mut orders {
                self.put(account, document)?;
            }
            took += began.elapsed();
            black_box(&orders);
        }
        Ok(took)
    }

    /// Four open lots, a tier that an order has reached, and no credit yet.
    fn member_of_a_tier(&self) -> Result<Account> {
        let mut account = self.account_with(4)?;
        let first = Document::sale(*b"USD", Money::new(20_000), self.start);
        self.put(&mut account, &Arc::new(first))?;
        ensure!(account.tier.is_some(), "the member of the bench has no tier");
        Ok(account)
    }

    /// The mean time of an order that spends 100 points out of many lots.
    fn many_lots(&self) -> Result<Duration> {
        let loaded = self.account_with(OPEN_LOTS)?;
        let mut took = Duration::ZERO;
        for n in 0..ROUNDS {
            let mut document = self.sale(5_000 + n);
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
        let rules = Rules { facts: &self.facts, channel: Some("web"), ..Rules::of(&self.timeline) };
        let mut decided = put_order(account, rules, None, document, moment)
            .map_err(|stop| anyhow::anyhow!("the order was stopped: {stop:?}"))?;
        *account = *account.carry_out(&mut decided);
        Ok(())
    }

    fn account_with(&self, lots: i64) -> Result<Account> {
        let mut account = Account::default();
        let converts = self.timeline.at(self.start).is_some_and(|it| it.terms.convert.is_some());
        account.purse = converts.then(|| Arc::new(Purse { program: 1, credit: Account::default() }));
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
