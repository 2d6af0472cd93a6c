//! What the documents about monitoring name is what a running server exports.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::caller::Asked;
use super::served::{SECRET, Served, member, order, order_path};

const DOCUMENTS: [(&str, &str); 3] = [
    ("grafana.json", include_str!("../../../../../docs/operate/grafana.json")),
    ("alerts.yml", include_str!("../../../../../docs/operate/alerts.yml")),
    ("monitoring.md", include_str!("../../../../../docs/operate/monitoring.md")),
];

pub(super) fn scrape(address: std::net::SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let head =
        format!("GET /metrics HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {SECRET}\r\nconnection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).expect("it reads");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("it answers");
    assert!(text.starts_with("HTTP/1.1 200 "), "{text}");
    text
}

/// The names of metrics in a text: those that begin as ours do.
fn named(text: &str) -> BTreeSet<&str> {
    let is_part = |it: char| it.is_ascii_lowercase() || it == '_';
    let starts = text.match_indices("guerdon_").map(|it| &text[it.0..]);
    starts.map(|it| it.split(|it| !is_part(it)).next().unwrap_or_default()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_that_a_document_names_is_exported() {
    let served = Served::start().await;
    let mut caller = served.caller().await;
    let ana = member(&mut caller, "ana", 10).await;
    let document = order(&ana, 1, 10, &serde_json::json!({}));
    caller.send(&Asked::put(order_path("1"), document)).await.ok();
    assert_eq!(caller.send(&Asked::get("/v1/programs/none")).await.status, 404);
    let address = served.address;
    let until = Instant::now() + Duration::from_secs(10);
    // The first sweep begins with the server, and ends a moment later.
    let text = loop {
        let text = tokio::task::spawn_blocking(move || scrape(address)).await.expect("no panic");
        if text.contains("guerdon_sweeps_total{") || until < Instant::now() {
            break text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let exported: BTreeSet<&str> = text.lines().flat_map(|it| it.split(['{', ' ']).next()).collect();
    let is_exported = |name: &str| exported.contains(name) || exported.contains(format!("{name}_bucket").as_str());
    for (document, text) in DOCUMENTS {
        let names = named(text);
        assert!(8 < names.len(), "{document} names {names:?}");
        let lost: Vec<&&str> = names.iter().filter(|it| !is_exported(it)).collect();
        assert!(lost.is_empty(), "{document} names what no server exports: {lost:?}");
    }
    let families = exported.iter().filter(|it| it.starts_with("guerdon_"));
    let table = named(DOCUMENTS[2].1);
    for name in families {
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|it| name.strip_suffix(it)).unwrap_or(name);
        assert!(table.contains(family), "monitoring.md says what {family} is");
    }
    served.stop_and_verify().await;
}

#[test]
fn the_dashboard_is_one() {
    let dashboard: Value = serde_json::from_str(DOCUMENTS[0].1).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().expect("a title");
        assert!(ids.insert(panel["id"].as_u64().expect("a number")), "{title} has a number of its own");
        let targets = panel["targets"].as_array().expect("what it shows");
        for target in targets {
            let asked = target["expr"].as_str().expect("a question");
            let (open, closed) = (asked.matches(['(', '{', '[']).count(), asked.matches([')', '}', ']']).count());
            assert!(asked.contains("guerdon_") && open == closed, "{title}: {asked}");
        }
    }
    assert!(10 < ids.len());
}
