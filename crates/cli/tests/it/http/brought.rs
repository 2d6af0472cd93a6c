//! Members are brought over by the API (M5): on a file and in PostgreSQL the same becomes of every row.

use serde_json::{Value, json};
use store::{Database, Options, Store};
use tokio::runtime::Runtime;

use super::caller::{Asked, Caller};
use super::process::{self, Process};
use super::served::{SECRET, account, open_shop};
use crate::cluster::Cluster;
use crate::shop::Shop;

const PATH: &str = "/v1/programs/Points/member-imports";

/// Somebody new in two rows, so many others that some are carried out side by side, and rows that are wrong.
fn rows() -> Value {
    let mut rows = vec![
        json!({"member": "ana", "card": "601", "name": "Ana", "points": 120, "expires": "2399-12-31", "credit": "5.00"}),
        json!({"member": "card:601", "points": 30, "certificate": "10.00", "certificate_uses": "once"}),
        json!({"member": "bea", "card": "601", "points": 10}),
        json!({"member": "cleo", "points": 10, "tier": "Gold"}),
        json!({"member": "dora", "points": 10, "expires": "2020-12-31"}),
        json!({"member": "ana", "points": 0}),
    ];
    rows.extend(
        (0..40).map(|it| json!({"member": format!("m{it}"), "phone": format!("+41{it:09}"), "points": 7 + it})),
    );
    Value::Array(rows)
}

#[test]
fn what_is_brought_over_is_the_same_on_both_databases() {
    let runtime = Runtime::new().expect("a runtime");
    let shop = runtime.block_on(process::shop());
    let file = Process::start(&shop, "");
    let cluster = Cluster::start(&[]);
    let mut options = Options::new(server::program::compile);
    options.create = true;
    let store = Store::open(&cluster.url.parse::<Database>().expect("a URL"), options).expect("a new database");
    runtime.block_on(open_shop(&store));
    let second = Process::start(&Shop::empty(), &format!("--database {}", cluster.url));
    let [on_file, on_server] = [&file, &second].map(|it| runtime.block_on(told(it)));
    assert_eq!(on_file, on_server);
    assert_eq!(store.reader().expect("a reader").verify(&mut |_| ()).expect("it can be read").difference, None);
}

/// What a server answers to an import that is tried, brought twice and taken back, and to those who look at it meanwhile.
async fn told(server: &Process) -> Vec<Value> {
    let mut caller = Caller::connect(server.address, SECRET).await.expect("a server");
    let mut told = Vec::new();
    for (number, mode) in ["try", "bring", "bring", "undo", "undo"].into_iter().enumerate() {
        let body = json!({"name": "old shop", "rows": rows(), "mode": mode});
        let answer = caller.send(&Asked::post(PATH, format!("import-{number}"), body)).await.ok().body;
        assert!(mode == "undo" || answer["refused"] == 4, "{mode}: {answer}");
        told.push(answer);
        let looked = caller.send(&Asked::get(account("customer:ana"))).await;
        told.push(json!([looked.status, looked.body.pointer("/balance/available")]));
    }
    let sum = |told: &Value| told["data"].as_array().map(|it| it.iter().filter_map(|it| it["points"].as_i64()).sum());
    let sums: Vec<Option<i64>> = told.iter().step_by(2).map(sum).collect();
    let all = Some(120 + 30 + 10 + (0..40).map(|it| 7 + it).sum::<i64>());
    assert_eq!(sums, [all, all, Some(0), all, Some(0)], "tried, brought, again, taken back, again");
    told
}
