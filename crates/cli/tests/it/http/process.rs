//! The real binary, serving a database of its own until it is killed or told to stop.

use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, ExitStatus, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use store::{Database, Options, Store};

use super::served::{open_shop, order};
use crate::shop::Shop;

pub(super) struct Process {
    child: Child,
    pub(super) address: SocketAddr,
    /// Kept open: it may say more.
    _out: BufReader<ChildStdout>,
}

/// A folder with a database in which a program, a channel and a key wait for a server.
pub(super) async fn shop() -> Shop {
    let shop = Shop::empty();
    let mut options = Options::new(server::program::compile);
    options.create = true;
    let store = Store::open(&Database::Sqlite(shop.path("guerdon.db")), options).expect("a new database");
    open_shop(&store).await;
    shop
}

impl Process {
    /// Starts `guerdon serve` with more arguments on a free port, and waits until it listens.
    pub(super) fn start(shop: &Shop, more: &str) -> Self {
        Self::try_start(shop, more).expect("it listens: what it lacks stands above")
    }

    /// As `start`; nothing if it ends before it listens.
    pub(super) fn try_start(shop: &Shop, more: &str) -> Option<Self> {
        Self::try_start_with(shop, more, &[])
    }

    /// As `try_start`, with more in its environment.
    pub(super) fn try_start_with(shop: &Shop, more: &str, settings: &[(&str, PathBuf)]) -> Option<Self> {
        // What goes wrong is told; a test in which everything does says so itself.
        let is_server = more.contains("postgres:");
        let log = if is_server { "off" } else { "error" };
        let mut command = shop.command(&format!("serve --listen 127.0.0.1:0 {more}"));
        let command = command.env("RUST_LOG", log).envs(settings.iter().cloned()).stdout(Stdio::piped());
        if is_server {
            // The key of the codes of certificates: beside a file there is one.
            command.env("GUERDON_CODE_KEY", "7".repeat(64));
        }
        let mut child = command.spawn().expect("the binary starts");
        let mut out = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut said = String::new();
        let port = loop {
            let start = said.len();
            let read = out.read_line(&mut said).expect("it says where it is");
            if read == 0 {
                child.wait().expect("it was started here");
                return None;
            }
            if let Some((_, rest)) = said[start..].split_once("http://localhost:") {
                break rest.chars().take_while(char::is_ascii_digit).collect::<String>();
            }
        };
        let port = port.parse().unwrap_or_else(|_| panic!("it says its port: {said}"));
        Some(Self { child, address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)), _out: out })
    }

    /// SIGKILL.
    pub(super) fn kill(mut self) {
        self.child.kill().expect("the server runs");
        self.child.wait().expect("it was started here");
    }

    /// SIGTERM.
    pub(super) fn tell_to_stop(&self) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).expect("the server runs");
    }

    /// Waits until it ends by itself.
    pub(super) fn wait(mut self) -> ExitStatus {
        self.child.wait().expect("it was started here")
    }

    /// Bytes of memory that it uses; nothing where the system does not say.
    pub(super) fn memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let line = status.lines().find_map(|it| it.strip_prefix("VmRSS:"))?;
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
        Some(kib * 1024)
    }
}

impl Drop for Process {
    /// A test that fails leaves nothing running; one that has ended is not found.
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _ = self.child.wait();
        }
    }
}

/// An order of now: the binary's clock goes on.
pub(super) fn order_now(member: &str, amount: u64, more: &Value) -> Value {
    let now = store::system_clock()().to_string();
    let mut document = order(member, 1, amount, more);
    (document["placed_at"], document["paid_at"]) = (now.clone().into(), now.into());
    document
}
