//! Who may do what: each operation, with no key, a wrong one, a revoked one, one that lacks just its scope, one that has
//! just that, and one of an admin.

use axum::body::Body as HttpBody;
use axum::http::Request;
use server::OPERATIONS;
use store::Scopes;

use crate::examples::{Example, examples};
use crate::served::Served;

const SCOPES: [(&str, Scopes); 7] = [
    ("read", Scopes::READ),
    ("orders", Scopes::ORDERS),
    ("members", Scopes::MEMBERS),
    ("adjust", Scopes::ADJUST),
    ("programs", Scopes::PROGRAMS),
    ("import", Scopes::IMPORT),
    ("metrics", Scopes::METRICS),
];

const ALL_BUT: &str = "gdn_1111111111111111111111111111111111111111";
const ONLY: &str = "gdn_2222222222222222222222222222222222222222";

/// The operation of an example in the table.
fn scope_of(example: &Example) -> &'static str {
    let document: serde_json::Value = serde_json::from_str(server::openapi()).expect("JSON");
    let is_it = |it: &&(&str, &str, &str)| {
        document["paths"][it.1][it.0.to_lowercase()]["operationId"] == example.value["operation"]
    };
    OPERATIONS.iter().find(is_it).unwrap_or_else(|| panic!("{} is in the table", example.name)).2
}

/// A key for each scope: with all others, and with that alone.
fn add_keys(served: &Served) {
    // The first day revokes the second key: here that is one that nobody needs.
    served.add_key("gdn_spare", Scopes::READ);
    for (name, scope) in SCOPES {
        let others = SCOPES.iter().filter(|it| it.0 != name).fold(Scopes::NONE, |all, it| all.with(it.1));
        served.add_key(&format!("{ALL_BUT}{name}"), others);
        served.add_key(&format!("{ONLY}{name}"), scope);
    }
    let all = SCOPES.iter().fold(Scopes::NONE, |all, it| all.with(it.1));
    served.add_key(&format!("{ALL_BUT}admin"), all);
}

/// In the order of the first day, so that what a request names is there.
#[tokio::test]
async fn every_operation_needs_its_scope() {
    let served = Served::at("2026-03-02T14:00:00Z");
    add_keys(&served);
    let mut seen = 0;
    for example in examples() {
        let scope = scope_of(&example);
        let place = &example.name;
        if scope.is_empty() {
            assert_eq!(served.ask(example.request(None)).await.status, 200, "{place} is open");
            example.send(&served).await;
            continue;
        }
        seen += 1;
        let none = served.ask(example.request(None)).await;
        assert_eq!((none.status.as_u16(), none.header("www-authenticate")), (401, "Bearer"), "{place}");
        assert_eq!(none.json()["code"], "unauthorized", "{place}");
        assert_eq!(none.header("content-type"), "application/problem+json", "{place}");

        let lacking = served.ask(example.request(Some(&format!("{ALL_BUT}{scope}")))).await;
        assert_eq!((lacking.status.as_u16(), &lacking.json()["code"]), (403, &"forbidden".into()), "{place}");
        assert!(lacking.text.contains(scope), "{place} says which scope: {}", lacking.text);
        if scope != "admin" {
            let only = served.ask(example.request(Some(&format!("{ONLY}{scope}")))).await;
            assert_ne!(only.status, 403, "{place}: {}", only.text);
            assert_ne!(only.status, 401, "{place}: {}", only.text);
        }
        example.send(&served).await;
    }
    assert!(30 < seen, "{seen}");
}

#[tokio::test]
async fn no_other_header_opens_the_door() {
    let served = Served::at("2026-03-02T14:00:00Z");
    let check = async |value: &[u8]| {
        let request = Request::builder().uri("/v1/programs").header("authorization", value);
        let answered = served.ask(request.body(HttpBody::empty()).expect("a request")).await;
        let shown = String::from_utf8_lossy(value).into_owned();
        assert_eq!(
            (answered.status.as_u16(), answered.json()["code"].as_str()),
            (401, Some("unauthorized")),
            "{shown}"
        );
    };
    let admin = crate::served::ADMIN;
    check(b"").await;
    check(b"Bearer").await;
    check(b"Bearer ").await;
    check(admin.as_bytes()).await;
    check(format!("Basic {admin}").as_bytes()).await;
    check(format!("Bearer {}", &admin[..admin.len() - 1]).as_bytes()).await;
    check(format!("Bearer {admin}0").as_bytes()).await;
    check(format!("Bearer {}", admin.to_uppercase()).as_bytes()).await;
    check(b"Bearer \xff\xfe").await;
}

#[tokio::test]
async fn the_word_bearer_has_no_case() {
    let served = Served::at("2026-03-02T14:00:00Z");
    for word in ["Bearer", "bearer", "BEARER", "Bearer "] {
        let request = Request::builder().uri("/v1/programs");
        let request = request.header("authorization", format!("{word} {}", crate::served::ADMIN));
        assert_eq!(served.ask(request.body(HttpBody::empty()).expect("a request")).await.status, 200, "{word}");
    }
}

#[tokio::test]
async fn a_revoked_key_opens_nothing() {
    let served = Served::at("2026-03-02T14:00:00Z");
    served.add_key(ONLY, Scopes::READ);
    let ask = || {
        Request::builder().uri("/v1/programs").header("authorization", format!("Bearer {ONLY}")).body(HttpBody::empty())
    };
    assert_eq!(served.ask(ask().expect("a request")).await.status, 200);
    assert_eq!(served.send("DELETE", "/v1/keys/2", None).await.status, 204);
    assert_eq!(served.ask(ask().expect("a request")).await.status, 401);
    assert_eq!(served.send("DELETE", "/v1/keys/2", None).await.status, 204, "again changes nothing");
    let unknown = served.send("DELETE", "/v1/keys/99", None).await;
    assert_eq!((unknown.status.as_u16(), unknown.json()["code"].as_str()), (404, Some("unknown_key")));
}

#[tokio::test]
async fn wrong_keys_are_counted_for_each_address() {
    use std::net::SocketAddr;
    let limits = server::Limits { failures_per_min_max: 3, ..server::Limits::default() };
    let served = Served::with("2026-03-02T14:00:00Z", limits);
    let ask = async |from: [u8; 4]| {
        let mut request = Request::builder().uri("/v1/programs").header("authorization", "Bearer gdn_wrong");
        let from = axum::extract::ConnectInfo(SocketAddr::from((from, 1)));
        request = request.extension(from);
        served.ask(request.body(HttpBody::empty()).expect("a request")).await
    };
    for _ in 0..3 {
        assert_eq!(ask([10, 0, 0, 1]).await.status, 401);
    }
    let stopped = ask([10, 0, 0, 1]).await;
    assert_eq!((stopped.status.as_u16(), stopped.json()["code"].as_str()), (429, Some("too_many_requests")));
    let wait: u32 = stopped.header("retry-after").parse().expect("seconds");
    assert!((1..=60).contains(&wait), "{wait}");
    assert_eq!(stopped.json()["retry_after"], wait);
    assert_eq!(ask([10, 0, 0, 2]).await.status, 401, "another address has its own count");
}

#[tokio::test]
async fn a_key_sends_no_more_than_it_may() {
    let limits = server::Limits { requests_per_s_max: 1, ..server::Limits::default() };
    let served = Served::with("2026-03-02T14:00:00Z", limits);
    let mut statuses = Vec::new();
    for _ in 0..11 {
        statuses.push(served.send("GET", "/v1/programs", None).await.status.as_u16());
    }
    assert_eq!(statuses[..10], [200; 10], "a burst of ten times as many");
    assert_eq!(statuses[10], 429);
    served.add_key(ONLY, Scopes::READ);
    let other = Request::builder().uri("/v1/programs").header("authorization", format!("Bearer {ONLY}"));
    assert_eq!(
        served.ask(other.body(HttpBody::empty()).expect("a request")).await.status,
        200,
        "another key has its own count"
    );
}
