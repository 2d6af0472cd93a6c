//! Thousands of connections that are open and do nothing: requests still get their answers, memory grows by a bounded
//! amount for each, and all places are free again when they are gone.
//!
//! `HTTP_IDLE` sets how many (`HTTP_IDLE=10000`); the limit of open files bounds it.

use std::env;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

use super::caller::{Asked, Caller};
use super::process::{Process, order_now, shop};
use super::served::{SECRET, member, order_path};
use crate::shop::assert_has;

/// Bytes of memory that an idle connection may cost the server.
const BYTES_MAX: u64 = 48 * 1024;
/// Files that the test needs for other things.
const OTHER_FILES: u64 = 500;

fn wanted() -> usize {
    server::raise_file_limit();
    let wanted = env::var("HTTP_IDLE").map_or(1_000, |it| it.parse().expect("HTTP_IDLE is a number"));
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX);
    let allowed = usize::try_from(limit.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
    if allowed < wanted {
        eprintln!("the limit of open files allows {allowed} connections, not {wanted}");
    }
    wanted.min(allowed)
}

/// A connection that was answered once and stays open; nothing if the server has no place.
fn open(address: SocketAddr) -> Option<TcpStream> {
    let mut stream = TcpStream::connect(address).expect("the server listens");
    // Whoever is turned away may see the connection end while it writes.
    let _ = stream.write_all(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n");
    let mut said = Vec::new();
    let mut buffer = [0; 1024];
    while !said.ends_with(b"}") {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(read) => said.extend_from_slice(&buffer[..read]),
        }
    }
    if said.starts_with(b"HTTP/1.1 200") {
        return Some(stream);
    }
    assert!(said.is_empty() || said.starts_with(b"HTTP/1.1 503"), "{}", String::from_utf8_lossy(&said));
    None
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_cost_little_and_leave_nothing() {
    let (count, shop) = (wanted(), shop().await);
    // One more place, for whoever wants something.
    let process = Process::start(&shop, &format!("--connections-max {}", count + 1));
    let address = process.address;
    let mut caller = Caller::connect(address, SECRET).await.expect("it listens");
    let id = member(&mut caller, "ana", 0).await;
    let before = process.memory();

    let idle: Vec<TcpStream> = (0..count).map(|_| open(address).expect("there is a place")).collect();
    assert!(open(address).is_none(), "all places are taken");
    let recorded = caller.send(&Asked::put(order_path("A1"), order_now(&id, 5, &serde_json::json!({})))).await.ok();
    assert_eq!(recorded.text("/status"), "recorded");
    if let (Some(before), Some(after)) = (before, process.memory()) {
        let each = after.saturating_sub(before) / u64::try_from(count).expect("a small number");
        eprintln!("{count} idle connections cost {each} bytes each, {before} bytes before and {after} after");
        assert!(each < BYTES_MAX, "an idle connection costs {each} bytes");
    }

    drop(idle);
    // The server sees one after the other that they are gone; all their places come back.
    let mut again: Vec<TcpStream> = Vec::new();
    while again.len() < count {
        again.extend(open(address));
    }
    caller.send(&Asked::get("/ready")).await.ok();
    drop((again, caller));
    process.tell_to_stop();
    assert_eq!(process.wait().code(), Some(0));
    assert_has(&shop.ok("verify"), "Everything agrees.");
}
