//! Connections that misbehave, against a server with small limits: each is answered or closed, the server goes on, and
//! nothing of what did not arrive whole is recorded. Nothing waits but for the server.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use serde_json::json;
use server::Limits;

use super::caller::{Asked, Caller};
use super::served::{NOW, SECRET, Served, member, order_path};

/// A connection on which a test writes what it likes. It blocks: the server runs on threads of its own.
struct Raw(TcpStream);

impl Raw {
    fn connect(served: &Served) -> Self {
        Self(TcpStream::connect(served.address).expect("the server listens"))
    }

    fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Writes to a server that may close before it has read all of it.
    fn try_write(&mut self, bytes: &[u8]) {
        let _ = self.0.write_all(bytes);
    }

    fn say_no_more(&self) {
        self.0.shutdown(Shutdown::Write).expect("the server reads");
    }

    /// Adds what the server says next; how much, nothing when it closes or the connection is cut.
    fn read(&mut self, said: &mut Vec<u8>) -> usize {
        let mut buffer = [0; 4096];
        let read = self.0.read(&mut buffer).unwrap_or(0);
        said.extend_from_slice(&buffer[..read]);
        read
    }

    /// What the server says until it closes.
    fn until_closed(mut self) -> String {
        let mut said = Vec::new();
        while self.read(&mut said) != 0 {}
        String::from_utf8_lossy(&said).into_owned()
    }

    /// What the server says until it has said that.
    fn until_said(&mut self, part: &str) -> String {
        let mut said = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&said);
            if text.contains(part) {
                return text.into_owned();
            }
            assert_ne!(self.read(&mut said), 0, "it closed before it said {part}: {}", String::from_utf8_lossy(&said));
        }
    }
}

fn head(method: &str, path: &str, more: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {SECRET}\r\n{more}\r\n")
}

fn with_body(path: &str, body: &str, more: &str) -> String {
    let length = body.len();
    head("PUT", path, &format!("content-type: application/json\r\ncontent-length: {length}\r\n{more}"))
}

fn small_order() -> String {
    let lines = json!([{ "id": "1", "amount": "5.00" }]);
    json!({ "member": "customer:ana", "placed_at": NOW, "lines": lines }).to_string()
}

/// The status of a raw answer.
fn status(said: &str) -> &str {
    said.split(' ').nth(1).unwrap_or("nothing")
}

#[track_caller]
fn check(said: &str, expected: &str, parts: &[&str]) {
    assert_eq!(status(said), expected, "{said}");
    let said = said.to_ascii_lowercase();
    assert!(parts.iter().all(|it| said.contains(it)), "{parts:?} are expected in {said}");
}

/// The server still does what it is there for.
async fn goes_on(served: Served) {
    let mut caller = served.caller().await;
    caller.send(&Asked::get("/ready")).await.ok();
    served.stop_and_verify().await;
}

const QUICK: Duration = Duration::from_millis(200);
/// After so long a test has failed.
const PATIENCE: Duration = Duration::from_secs(15);

fn limits() -> Limits {
    Limits { head_wait_max: QUICK, body_wait_max: QUICK, ..Limits::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_does_not_come_is_not_waited_for() {
    let served = Served::limited(limits()).await;
    for start in ["", "GET /heal", "GET /health HTTP/1.1\r\nhost: localhost\r\n"] {
        let mut slow = Raw::connect(&served);
        slow.write(start);
        let said = slow.until_closed();
        assert!(said.is_empty() || status(&said) == "408", "{start}: {said}");
    }
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_does_not_come_is_told_so() {
    let served = Served::limited(limits()).await;
    let body = small_order();
    let mut slow = Raw::connect(&served);
    slow.write(with_body(&order_path("slow"), &body, ""));
    slow.write(&body[..10]);
    check(&slow.until_said("}"), "408", &["request_timeout", "application/problem+json"]);
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_breaks_off_leaves_nothing() {
    let served = Served::start().await;
    let mut caller = served.caller().await;
    member(&mut caller, "ana", 0).await;
    let body = small_order();
    for length in [0, 1, body.len() / 2, body.len() - 1] {
        let mut broken = Raw::connect(&served);
        broken.write(with_body(&order_path("broken"), &body, ""));
        broken.write(&body[..length]);
        broken.say_no_more();
        let said = broken.until_closed();
        assert!(said.is_empty() || status(&said) == "400", "{said}");
        let found = caller.send(&Asked::get(order_path("broken"))).await;
        assert_eq!(found.code(), (404, "unknown_order"));
    }
    // The whole of it, from somebody who does not wait for the answer, is recorded.
    let mut hasty = Raw::connect(&served);
    hasty.write(with_body(&order_path("hasty"), &body, "") + &body);
    hasty.say_no_more();
    check(&hasty.until_closed(), "200", &["recorded"]);
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_is_told_to_come_back() {
    let served = Served::limited(Limits { connections_max: 2, ..Limits::default() }).await;
    let (mut one, mut other) = (served.caller().await, served.caller().await);
    for caller in [&mut one, &mut other] {
        caller.send(&Asked::get("/health")).await.ok();
    }
    for _ in 0..20 {
        let mut third = Raw::connect(&served);
        third.write(head("GET", "/health", ""));
        check(&third.until_closed(), "503", &["retry-after: 1", "busy", "connection: close"]);
    }
    one.send(&Asked::get("/health")).await.ok();
    drop(other);
    // The server sees soon that a place is free; until then it says so.
    let said = loop {
        let mut next = Raw::connect(&served);
        next.write(head("GET", "/health", "connection: close\r\n"));
        let said = next.until_closed();
        if status(&said) != "503" {
            break said;
        }
    };
    check(&said, "200", &[]);
    drop(one);
    served.stop_and_verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_reads_no_answer_loses_the_place() {
    let limits = Limits { connections_max: 1, read_wait_max: QUICK, ..Limits::default() };
    let served = Served::limited(limits).await;
    let mut deaf = Raw::connect(&served);
    // More answers than the system keeps for a connection: the server has to wait for it.
    let asked = head("GET", "/v1/openapi.json", "").repeat(400);
    deaf.write(asked);
    let began = Instant::now();
    let said = loop {
        let mut next = Raw::connect(&served);
        next.write(head("GET", "/health", "connection: close\r\n"));
        let said = next.until_closed();
        if status(&said) != "503" {
            break said;
        }
        assert!(began.elapsed() < PATIENCE, "the place is held for ever");
    };
    check(&said, "200", &[]);
    drop(deaf);
    served.stop_and_verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_request_too_many_is_told_to_come_back() {
    let served = Served::limited(Limits { requests_max: 1, ..Limits::default() }).await;
    let mut caller = served.caller().await;
    member(&mut caller, "ana", 0).await;
    let body = small_order();
    let mut busy = Raw::connect(&served);
    busy.write(with_body(&order_path("busy"), &body, "expect: 100-continue\r\n"));
    // From here on the server works on it.
    busy.until_said("100 Continue");
    let refused = caller.send(&Asked::get("/v1/programs")).await;
    assert_eq!((refused.code(), refused.retry_after), ((503, "busy"), Some(1)));
    busy.write(&body);
    check(&busy.until_said("}}"), "200", &["recorded"]);
    while caller.send(&Asked::get("/v1/programs")).await.status == 503 {}
    caller.send(&Asked::get(order_path("busy"))).await.ok();
    drop(busy);
    served.stop_and_verify().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_sends_too_much_is_slowed_down() {
    let served = Served::limited(Limits { requests_per_s_max: 1, ..Limits::default() }).await;
    let mut caller = served.caller().await;
    let mut answered = 0;
    let refused = loop {
        let said = caller.send(&Asked::get("/v1/programs")).await;
        if said.status != 200 {
            break said;
        }
        answered += 1;
    };
    assert_eq!(refused.code(), (429, "too_many_requests"));
    assert!(refused.retry_after.is_some_and(|it| 0 < it), "{refused:?}");
    assert!((10..60).contains(&answered), "{answered} were answered, a burst is 10");
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_tries_keys_is_slowed_down_and_others_are_not() {
    let served = Served::limited(Limits { failures_per_min_max: 5, ..Limits::default() }).await;
    let mut thief = Caller::connect(served.address, "gdn_wrong").await.expect("the server greets");
    for _ in 0..5 {
        let said = thief.send(&Asked::get("/v1/programs")).await;
        assert_eq!(said.code(), (401, "unauthorized"));
    }
    let said = thief.send(&Asked::get("/v1/programs")).await;
    assert_eq!(said.code(), (429, "too_many_requests"));
    assert!(said.retry_after.is_some_and(|it| 0 < it), "{said:?}");
    served.caller().await.send(&Asked::get("/v1/programs")).await.ok();
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_refused() {
    let served = Served::limited(limits()).await;
    let long = "x".repeat(200_000);
    let wrong: [Vec<u8>; 10] = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello from TLS".to_vec(),
        b"\x00\x01\x02\x03\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET /health HTTP/9.9\r\n\r\n".to_vec(),
        b"GET  HTTP/1.1\r\n\r\n".to_vec(),
        b"GET /health HTTP/1.1\r\nno colon\r\n\r\n".to_vec(),
        head("PUT", "/health", "content-length: -1\r\n").into_bytes(),
        head("PUT", "/health", "content-length: 1\r\ncontent-length: 2\r\n").into_bytes(),
        head("GET", &format!("/{long}"), "").into_bytes(),
        head("GET", "/health", &format!("x-long: {long}\r\n")).into_bytes(),
    ];
    for bytes in wrong {
        let mut raw = Raw::connect(&served);
        raw.try_write(&bytes);
        let said = raw.until_closed();
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(60)]).into_owned();
        assert!(said.is_empty() || status(&said).starts_with('4'), "{shown}: {said}");
    }
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_headers_are_refused() {
    let served = Served::limited(limits()).await;
    let mut raw = Raw::connect(&served);
    let headers: String = (0..2_000).map(|it| format!("x-{it}: 1\r\n")).collect();
    raw.try_write(head("GET", "/health", &headers).as_bytes());
    let said = raw.until_closed();
    assert!(said.is_empty() || status(&said) == "431", "{said}");
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_in_a_row_are_answered_in_their_order() {
    let served = Served::start().await;
    member(&mut served.caller().await, "ana", 0).await;
    let body = small_order();
    let mut all = String::new();
    for index in 0..20 {
        all += &(with_body(&order_path(&format!("row-{index:02}")), &body, "") + &body);
    }
    let mut raw = Raw::connect(&served);
    raw.write(all + &head("GET", &order_path("row-19"), "connection: close\r\n"));
    let said = raw.until_closed();
    let places = (0..20).map(|index| said.find(&format!("\"reference\":\"row-{index:02}\"")));
    let places: Vec<usize> = places.map(|it| it.unwrap_or_else(|| panic!("an answer is missing: {said}"))).collect();
    assert!(places.is_sorted(), "{said}");
    assert_eq!(said.matches("HTTP/1.1 200 OK").count(), 21, "{said}");
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn older_clients_are_answered() {
    let served = Served::start().await;
    let mut raw = Raw::connect(&served);
    raw.write("GET /health HTTP/1.0\r\n\r\n");
    check(&raw.until_closed(), "200", &["\"ok\""]);
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_asks_first_is_refused_before_the_body() {
    let served = Served::start().await;
    let mut caller = served.caller().await;
    member(&mut caller, "ana", 0).await;
    let body = small_order();
    let expect = "expect: 100-continue\r\nconnection: close\r\n";
    let mut polite = Raw::connect(&served);
    polite.write(with_body(&order_path("polite"), &body, expect));
    polite.until_said("100 Continue");
    polite.write(&body);
    check(&polite.until_closed(), "200", &["recorded"]);

    let mut stranger = Raw::connect(&served);
    let asked = with_body(&order_path("stranger"), &body, expect).replace(SECRET, "gdn_wrong");
    stranger.write(asked);
    let said = stranger.until_said("unauthorized");
    assert!(!said.contains("100 Continue"), "{said}");
    check(&said, "401", &["application/problem+json"]);
    goes_on(served).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_in_chunks_is_read_up_to_the_limit() {
    let served = Served::start().await;
    member(&mut served.caller().await, "ana", 0).await;
    let chunked = |path: &str| {
        let more = "content-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n";
        head("PUT", &order_path(path), more)
    };
    let body = small_order();
    let (start, end) = body.split_at(7);
    let mut whole = Raw::connect(&served);
    whole.write(format!("{}7\r\n{start}\r\n{:x}\r\n{end}\r\n0\r\n\r\n", chunked("whole"), end.len()));
    check(&whole.until_closed(), "200", &["recorded"]);

    let mut broken = Raw::connect(&served);
    broken.write(format!("{}7\r\n{start}\r\nseven\r\n", chunked("broken")));
    check(&broken.until_closed(), "400", &["malformed"]);

    let mut large = Raw::connect(&served);
    large.write(chunked("large"));
    let chunk = format!("10000\r\n{}\r\n", " ".repeat(0x10000));
    // It may refuse and close before it has read all of it.
    large.try_write(chunk.repeat(17).as_bytes());
    check(&large.until_said("too_large"), "413", &["application/problem+json"]);

    // Two lengths that contradict each other are no order.
    let mut smuggled = Raw::connect(&served);
    let both = chunked("smuggled").replace("transfer-", "content-length: 5\r\ntransfer-");
    smuggled.write(format!("{both}0\r\n\r\nPUT /v1/channels/web/orders/smuggled HTTP/1.1\r\n"));
    let said = smuggled.until_closed();
    assert!(said.is_empty() || status(&said) == "400", "{said}");
    assert_eq!(said.matches("HTTP/1.1 ").count(), usize::from(!said.is_empty()), "{said}");
    goes_on(served).await;
}
