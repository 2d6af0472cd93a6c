//! The yardstick of a server: the transactions a second of `pgbench`, which comes with PostgreSQL, in a database of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::place::Server;

const NAME: &str = "pgbench";
const CLIENTS: [u32; 2] = [8, 32];

pub(crate) struct Pgbench {
    program: PathBuf,
    /// How long each run takes.
    pub(crate) seconds: u32,
    /// Branches of its bank: with fewer than clients they would wait for each other.
    pub(crate) scale: u32,
}

impl Pgbench {
    /// # Errors
    /// When it is not installed.
    pub(crate) fn find(seconds: u32, scale: u32) -> Result<Self> {
        let named = std::env::var_os("GUERDON_POSTGRES_BIN").map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let installed = (15..=30).rev().flat_map(|version| {
            let debian = PathBuf::from(format!("/usr/lib/postgresql/{version}/bin"));
            let homebrew = PathBuf::from(format!("/opt/homebrew/opt/postgresql@{version}/bin"));
            [debian, PathBuf::from(format!("/usr/pgsql-{version}/bin")), homebrew]
        });
        let folders = named.into_iter().chain(std::env::split_paths(&path)).chain(installed);
        match folders.map(|it| it.join("pgbench")).find(|it| it.is_file()) {
            Some(program) => Ok(Self { program, seconds, scale }),
            None => bail!(
                "pgbench is not here: it comes with PostgreSQL; install it, name its folder in GUERDON_POSTGRES_BIN, or \
                 leave it out with --pgbench-seconds 0"
            ),
        }
    }

    /// The better of 8 and 32 clients, TPC-B-like, prepared statements.
    pub(crate) fn tps(&self, server: &Server) -> Result<f64> {
        server.make(NAME, None)?;
        let (url, _) = store::split_lanes(&server.url_of(NAME));
        let scale = self.scale.to_string();
        run(&self.program, &url, &["--initialize", "--quiet", "--scale", &scale])?;
        let mut best = 0.0_f64;
        for clients in CLIENTS {
            let (clients, seconds) = (clients.to_string(), self.seconds.to_string());
            let told = run(
                &self.program,
                &url,
                &["--protocol", "prepared", "--client", &clients, "--jobs", "2", "--time", &seconds],
            )?;
            best = best.max(tps_of(&told).with_context(|| format!("pgbench told nothing:\n{told}"))?);
        }
        server.remove(NAME)?;
        Ok(best)
    }
}

fn run(program: &Path, url: &str, arguments: &[&str]) -> Result<String> {
    // Arguments can be seen by everybody on the machine.
    let (url, password) = without_password(url);
    let mut command = Command::new(program);
    command.args(arguments).arg(url).stdin(Stdio::null());
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    let output = command.output().with_context(|| format!("running {}", program.display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "pgbench failed: {}", said.trim());
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Takes the password out of an address.
fn without_password(url: &str) -> (String, Option<String>) {
    let parts = || {
        let (scheme, rest) = url.split_once("://")?;
        let end = rest.find(['/', '?']).unwrap_or(rest.len());
        let (who, host) = rest[..end].rsplit_once('@')?;
        let (user, password) = who.split_once(':')?;
        Some((format!("{scheme}://{user}@{host}{}", &rest[end..]), decoded(password)))
    };
    parts().map_or_else(|| (url.to_owned(), None), |(url, password)| (url, Some(password)))
}

/// What stands for `%20` and the like.
fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let code = others.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        match code.and_then(|it| u8::from_str_radix(it, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &others[2..];
            }
            None => {
                bytes.push(*first);
                rest = others;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// "tps = 6400.12 (without initial connection time)".
fn tps_of(told: &str) -> Option<f64> {
    let figure = told.lines().find_map(|it| it.strip_prefix("tps = "))?;
    figure.split(' ').next()?.parse().ok()
}

#[test]
fn what_pgbench_tells_is_read() {
    let told = "number of clients: 8\ntps = 6400.125000 (without initial connection time)\n";
    assert_eq!(tps_of(told), Some(6400.125));
    assert_eq!(tps_of("nothing"), None);
}

#[test]
fn a_password_stays_out_of_the_arguments() {
    let (url, password) = without_password("postgres://ana:s%40cret@host:5433/shop?sslmode=require");
    assert_eq!((url.as_str(), password.as_deref()), ("postgres://ana@host:5433/shop?sslmode=require", Some("s@cret")));
    let plain = "postgres://ana@%2Ftmp%2Fit:1/shop";
    assert_eq!(without_password(plain), (plain.to_owned(), None));
}
