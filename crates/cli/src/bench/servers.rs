//! Servers as processes of their own, on one database: what two of them come to beside one.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};

/// `guerdon serve`, until this is dropped.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    /// Kept open: a server to which nobody listens any more ends.
    _told: Option<BufReader<ChildStdout>>,
}

impl Process {
    pub(crate) fn start(url: &str) -> Result<Self> {
        let program = std::env::current_exe().context("looking for this program")?;
        let child = Command::new(program)
            .args(["serve", "--listen", "127.0.0.1:0", "--requests-per-s-max", "0"])
            .env("GUERDON_DATABASE", url)
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("starting a server")?;
        // It ends with this, whatever comes now.
        let mut process = Self { child, address: SocketAddr::from(([127, 0, 0, 1], 0)), _told: None };
        let mut told = BufReader::new(process.child.stdout.take().context("a server says where it is")?);
        let mut line = String::new();
        told.read_line(&mut line).context("hearing from a server")?;
        process._told = Some(told);
        let url = line.split_once("http://").and_then(|it| it.1.split_whitespace().next());
        let port = url.and_then(|it| it.rsplit_once(':')?.1.parse().ok());
        process.address.set_port(port.context("a server did not say where it is")?);
        Ok(process)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // What it has answered is on the disk.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
