//! A PostgreSQL for the tests of one binary: started by the first that asks, and gone when the binary ends, however it does.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

pub(crate) struct Cluster {
    pub(crate) url: String,
    /// The script that ends the server when its input does.
    _script: Child,
}

/// The server of this binary.
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::start(&[]))
}

impl Cluster {
    /// A server of its own, with settings such as `fsync=off`.
    pub(crate) fn start(settings: &[&str]) -> Self {
        // Free a moment ago: nobody else asks for one by its number.
        let port = TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a free port").port();
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/postgres/cluster.sh");
        let started = Command::new("sh")
            .args([script, &port.to_string()])
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn();
        let mut script = started.expect("a shell");
        let mut url = String::new();
        let told = script.stdout.take().map(|it| BufReader::new(it).read_line(&mut url));
        assert!(matches!(told, Some(Ok(1..))), "PostgreSQL does not start: what is missing stands above");
        Self { url: url.trim().to_owned(), _script: script }
    }
}
