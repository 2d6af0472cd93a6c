//! Two servers side by side on one database.

use std::net::SocketAddr;

use serde_json::json;
use store::{Database, Options, Store};
use tokio::runtime::Runtime;

use super::caller::{Asked, Caller};
use super::process::{Process, order_now};
use super::served::{SECRET, account, open_shop, order_path};
use crate::cluster::Cluster;
use crate::shop::Shop;

/// Of each server half.
const CALLERS: usize = 12;

#[test]
fn two_servers_share_one_ledger_in_postgresql() {
    let cluster = Cluster::start(&[]);
    let database: Database = cluster.url.parse().expect("a URL");
    let mut options = Options::new(server::program::compile);
    options.create = true;
    let store = Store::open(&database, options).expect("a new database");
    let runtime = Runtime::new().expect("a runtime");
    runtime.block_on(open_shop(&store));
    let shop = Shop::empty();
    let start = || Process::start(&shop, &format!("--database {}", cluster.url));
    let [first, second] = [start(), start()];
    let addresses = [first.address, second.address];

    let member = runtime.block_on(async {
        let tasks = (0..CALLERS).map(|it| tokio::spawn(signs_up(addresses[it % 2], it))).collect::<Vec<_>>();
        let mut answers = Vec::new();
        for task in tasks {
            answers.push(task.await.expect("no caller panicked"));
        }
        assert_eq!(answers.iter().filter(|it| it.0).count(), 1, "one phone, one member: {answers:?}");
        let member = &answers[0].1;
        assert!(answers.iter().all(|it| it.1 == *member), "{answers:?}");
        let tasks = (0..CALLERS).map(|it| tokio::spawn(orders(addresses[it % 2], it, member.clone())));
        for task in tasks.collect::<Vec<_>>() {
            task.await.expect("no caller panicked");
        }
        member.clone()
    });
    second.kill();
    let earned = runtime.block_on(async {
        let mut caller = Caller::connect(first.address, SECRET).await.expect("the other is there");
        orders(first.address, CALLERS, member.clone()).await;
        caller.send(&Asked::get(account(&member))).await.ok().count("/balance/issued")
    });
    assert_eq!(earned, 130);
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.verify(&mut |_| ()).expect("it can be read").difference, None);
    assert_eq!(reader.member_count(), Ok(1));
    first.tell_to_stop();
    assert!(first.wait().success());
}

/// All with the same phone; answers whether a member was made for it, and who it is.
async fn signs_up(address: SocketAddr, number: usize) -> (bool, String) {
    let mut caller = Caller::connect(address, SECRET).await.expect("the server greets");
    let body = json!({ "identities": [{ "kind": "phone", "value": "+41791234567" }] });
    let said = caller.send(&Asked::post("/v1/members", format!("up-{number}"), body)).await.ok();
    (said.status == 201, said.text("/id").to_owned())
}

async fn orders(address: SocketAddr, number: usize, member: String) {
    let mut caller = Caller::connect(address, SECRET).await.expect("the server greets");
    let document = order_now(&member, 10, &json!({}));
    caller.send(&Asked::put(order_path(&format!("two-{number}")), document)).await.ok();
}
