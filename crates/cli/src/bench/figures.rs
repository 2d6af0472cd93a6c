//! What a bench comes to: medians over the rounds, as a table or as one JSON object.

use serde_json::{Map, Value, json};

use super::engine::EngineFigures;
use super::load::Seen;
use super::round::{CALLERS, Round, ServerRound};
use super::sizes::Sizes;
use super::sweep::{SweepFigures, Turn};

/// What handing a command to the writer and back may take, in milliseconds: two wake-ups of a thread.
const HAND_OVER_MS: f64 = 0.2;

pub(crate) struct Figures {
    /// In the order in which they are told: key, value, digits after the point, meaning.
    lines: Vec<(String, f64, usize, String)>,
    bytes: Vec<(String, f64)>,
}

impl Figures {
    pub(crate) fn of(rounds: &[Round], batch: usize, engine: Option<EngineFigures>) -> Self {
        let mut figures = Self { lines: Vec::new(), bytes: Vec::new() };
        if !rounds.is_empty() {
            figures.add_store(rounds, batch);
            figures.add_http(rounds);
            figures.add_server(rounds);
        }
        if let Some(engine) = engine {
            figures.add_engine(engine);
        }
        if let Some(last) = rounds.last() {
            figures.bytes.clone_from(&last.bytes);
        }
        figures
    }

    fn add_engine(&mut self, engine: EngineFigures) {
        let told = "simple orders that the rules alone decide and post a second, on one core";
        self.add("engine_orders_per_s", engine.orders_per_s, 0, told);
        self.add("engine_to_bare_ratio", engine.to_bare_ratio, 1, "how much longer that takes than bare arithmetic");
        let told = "microseconds for an order that spends points of an account with 2,000 open lots";
        self.add("engine_many_lots_us", engine.many_lots_us, 1, told);
        let told =
            "the same of two lines, with tiers, conversion, a thousand product rates, exclusions and a promotion";
        self.add("engine_special_per_s", engine.special_per_s, 0, told);
    }

    fn add(&mut self, key: impl Into<String>, value: f64, digits: usize, told: impl Into<String>) {
        self.lines.push((key.into(), value, digits, told.into()));
    }

    fn add_store(&mut self, rounds: &[Round], batch: usize) {
        let all = |of: &dyn Fn(&Round) -> f64| median(rounds.iter().map(of).collect());
        let floor = all(&|it| it.floor_per_s);
        let told = format!("orders a second: the rows alone, {batch} orders in a transaction");
        self.add("floor_orders_per_s", floor, 0, told);
        self.add(
            "store_orders_per_s",
            all(&|it| it.store_per_s),
            0,
            "orders a second through the store, as many at a time",
        );
        self.add("store_ratio", all(&|it| it.store_per_s / it.floor_per_s), 2, "of the floor");
        self.add("floor_single_p50_ms", all(&|it| it.floor_single_ms), 2, "one order in a transaction, rows alone");
        self.add("single_p50_ms", all(&|it| it.store_single_ms), 2, "one caller of the store");
        let ratio = all(&|it| (it.store_single_ms - HAND_OVER_MS) / it.floor_single_ms);
        self.add("single_p50_ratio", ratio, 2, "of the floor's, less 0.2 ms for handing over");
        let told = "added to the file by an order";
        self.add("bytes_per_order", all(&|it| it.bytes.iter().map(|it| it.1).sum()), 0, told);
        if rounds.iter().all(|it| it.server.is_none()) {
            self.add("log_pages_per_order", all(&|it| it.log_pages_per_order), 2, "pages written to the log");
        }
        self.add("log_bytes_per_order", all(&|it| it.log_bytes_per_order), 0, "bytes written to the log");
        self.add("floor_log_bytes_per_order", all(&|it| it.floor_log_bytes_per_order), 0, "the same of the floor");
    }

    fn add_http(&mut self, rounds: &[Round]) {
        for (index, callers) in CALLERS.into_iter().enumerate() {
            let all =
                |of: &dyn Fn(&Seen, &Round) -> f64| median(rounds.iter().map(|it| of(&it.http[index], it)).collect());
            let name = |what: &str| format!("http{callers}_{what}");
            let told = if callers == 1 { "orders a second over HTTP, one caller" } else { "with so many callers" };
            self.add(name("orders_per_s"), all(&|it, _| it.per_s()), 0, told);
            if callers != 1 {
                self.add(name("ratio"), all(&|it, round| it.per_s() / round.floor_per_s), 2, "of the floor");
            }
            for percent in [50, 95, 99] {
                let told = format!("{percent} % are answered within so many milliseconds");
                self.add(name(&format!("p{percent}_ms")), all(&|it, _| it.percentile_ms(percent)), 2, told);
            }
            let ratio = all(&|it, _| it.percentile_ms(99) / it.percentile_ms(50));
            self.add(name("p99_ratio"), ratio, 1, "p99 to p50");
        }
        self.add("http_errors", 0.0, 0, "answers that were not 200: one would have ended the bench");
    }

    /// What only a server is asked; nothing of a file.
    fn add_server(&mut self, rounds: &[Round]) {
        let of = |of: &dyn Fn(&ServerRound, &Round) -> Option<f64>| {
            let values = rounds.iter().filter_map(|it| of(it.server.as_ref()?, it)).collect::<Vec<_>>();
            (!values.is_empty()).then(|| median(values))
        };
        let http64 = |it: &Round| CALLERS.iter().position(|it| *it == 64).map(|index| it.http[index].per_s());
        let told = "transactions a second of pgbench: TPC-B-like, prepared, best of 8 and 32 clients";
        let against = of(&|it, round| Some(http64(round)? / it.pgbench_tps?));
        let lines = [
            ("pgbench_tps", of(&|it, _| it.pgbench_tps), 0, told),
            ("http64_vs_pgbench", against, 2, "orders of 64 callers over HTTP for each of these transactions"),
            ("servers1_orders_per_s", of(&|it, _| Some(it.one_per_s)), 0, "64 callers of one server process"),
            ("servers2_orders_per_s", of(&|it, _| Some(it.two_per_s)), 0, "of two on the same database"),
            ("servers2_ratio", of(&|it, _| Some(it.two_per_s / it.one_per_s)), 2, "two to one"),
        ];
        for (key, value, digits, told) in lines {
            if let Some(value) = value {
                self.add(key, value, digits, told);
            }
        }
    }

    /// Milliseconds of an order of a member with very many lots, and of one with ten.
    pub(crate) fn add_lots(&mut self, (many, few): (f64, f64)) {
        self.add("lots_many_p50_ms", many, 2, "an order of a member with so many open lots");
        self.add("lots_few_p50_ms", few, 2, "of a member with ten");
        self.add("lots_ratio", many / few, 2, "many to few");
    }

    pub(crate) fn add_sweep(&mut self, sweep: &SweepFigures) {
        let [before, tenth, most] = &sweep.memory;
        let all = |of: fn(&Turn) -> f64| median(sweep.turns.iter().map(of).collect());
        let ratio = |it: f64, to: f64| if to == 0.0 { 0.0 } else { it / to };
        for (key, value, digits, told) in [
            ("sweep_lots_per_s", sweep.lots_per_s, 0, "lots that have expired, swept a second"),
            ("sweep_floor_lots_per_s", sweep.floor_lots_per_s, 0, "the rows alone, as many accounts in a transaction"),
            ("sweep_ratio", ratio(sweep.lots_per_s, sweep.floor_lots_per_s), 2, "of the floor"),
            (
                "sweep_half_load_per_s",
                all(|it| it.half_per_s),
                0,
                "orders a second, half of what 64 callers over HTTP reach",
            ),
            ("sweep_without_p50_ms", all(|it| it.without.p50), 2, "an order at half load, nothing is swept"),
            ("sweep_without_p99_ms", all(|it| it.without.p99), 2, "99 % of them within so many milliseconds"),
            ("sweep_with_p50_ms", all(|it| it.with.p50), 2, "an order at half load, while the server sweeps"),
            ("sweep_with_p99_ms", all(|it| it.with.p99), 2, "99 % of them within so many milliseconds"),
            ("sweep_p99_ratio", all(|it| it.with.p99 / it.without.p99), 2, "with to without, median of the turns"),
            ("sweep_beside_lots_per_s", all(|it| it.lots_per_s), 0, "lots swept a second meanwhile"),
            ("sweep_before_mb", *before, 1, "memory of the process before the sweep"),
            ("sweep_tenth_mb", *tenth, 1, "at the most while the first tenth was swept"),
            ("sweep_peak_mb", *most, 1, "at the most"),
        ] {
            self.add(key, value, digits, told);
        }
    }

    /// Of so many members and of ten times as many.
    pub(crate) fn add_sizes(&mut self, Sizes { order, balance }: &Sizes) {
        for (name, [few, many], told) in [
            ("order", order, "an order over HTTP, one caller"),
            ("balance", balance, "a look at a balance, one caller"),
        ] {
            self.add(format!("members_few_{name}_p50_ms"), *few, 3, told);
            self.add(format!("members_many_{name}_p50_ms"), *many, 3, "the same with ten times as many members");
            self.add(format!("members_{name}_ratio"), many / few, 2, "many to few");
        }
    }

    pub(crate) fn json(&self) -> Value {
        let mut keys = Map::new();
        for (key, value, digits, _) in &self.lines {
            let scale = 10_f64.powi(i32::try_from(*digits).unwrap_or(0));
            let rounded = (value * scale).round() / scale;
            keys.insert(key.clone(), json!(rounded));
        }
        Value::Object(keys)
    }

    pub(crate) fn print(&self) {
        for (key, value, digits, told) in &self.lines {
            println!("{key:<26}{value:>12.digits$}  {told}");
        }
        if !self.bytes.is_empty() {
            let parts = self.bytes.iter().map(|(name, bytes)| format!("{name} {bytes:.0}"));
            println!("\nBytes an order: {}", parts.collect::<Vec<_>>().join(", "));
        }
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        count if count % 2 == 1 => values[middle],
        _ => f64::midpoint(values[middle - 1], values[middle]),
    }
}

#[test]
fn the_median_is_the_value_in_the_middle() {
    for (values, expected) in [(vec![], 0.0), (vec![3.0], 3.0), (vec![9.0, 1.0, 2.0], 2.0), (vec![4.0, 1.0], 2.5)] {
        assert!((median(values) - expected).abs() < 1e-9);
    }
}
