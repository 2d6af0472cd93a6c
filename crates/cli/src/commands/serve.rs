//! `guerdon serve`: the server on one database, until it is told to stop.

use std::io::IsTerminal as _;
use std::net::{SocketAddr, TcpListener as Listener};

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use server::{App, Config, Limits};
use store::{Database, Store};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::fault::Outcome;
use crate::open;

const AFTER: &str = "\
A database that is not there is made, and a one-time link is printed with which you set it up. The API is described at
/docs. In front of other machines put a proxy that speaks TLS, and say with --public-url how browsers reach it.

What is logged: RUST_LOG, such as RUST_LOG=debug; without it, what goes wrong and what the server does.
Stop it with Ctrl-C or SIGTERM: what was accepted is finished first.

Examples:
  guerdon serve
  guerdon --database shop.db serve --listen 0.0.0.0:7070 --public-url https://points.example.com";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Where to listen
    #[arg(long, env = "GUERDON_LISTEN", default_value = "127.0.0.1:7070", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// How browsers reach the server, if not at the address it listens on
    #[arg(long, env = "GUERDON_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// Print a new one-time sign-in link, although the database is set up
    #[arg(long)]
    new_link: bool,
    /// How the log is written
    #[arg(long, env = "GUERDON_LOG_FORMAT", value_enum, default_value_t = LogFormat::Text)]
    log_format: LogFormat,
    /// Open connections at most; one more is answered 503
    #[arg(long, default_value_t = Limits::default().connections_max, value_name = "COUNT")]
    connections_max: usize,
    /// Requests worked on at once at most; one more is answered 503
    #[arg(long, default_value_t = Limits::default().requests_max, value_name = "COUNT")]
    requests_max: usize,
    /// Requests a second of one API key at most, in bursts of ten times as many; one more is answered 429 (0: no limit)
    #[arg(long, default_value_t = Limits::default().requests_per_s_max, value_name = "COUNT")]
    requests_per_s_max: u32,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

pub(crate) fn run(database: &Database, args: &Args) -> Result<Outcome> {
    // Before the database: an address that is taken changes nothing.
    let listener = listen(args.listen)?;
    let store = open::writer(database)?;
    let public_url = args.public_url.as_deref().map(checked).transpose()?;
    let mut config = Config::local(public_url.unwrap_or(url_of(listener.local_addr()?)));
    config.limits.connections_max = args.connections_max;
    config.limits.requests_max = args.requests_max;
    config.limits.requests_per_s_max = args.requests_per_s_max;
    serve(store, config, listener, &Serving { new_link: args.new_link, log_format: args.log_format, opens: false })
}

/// How the server is run.
pub(crate) struct Serving {
    pub(crate) new_link: bool,
    pub(crate) log_format: LogFormat,
    /// Whether a browser is opened, where there is one.
    pub(crate) opens: bool,
}

/// Serves until SIGINT or SIGTERM.
pub(crate) fn serve(store: Store, config: Config, listener: Listener, how: &Serving) -> Result<Outcome> {
    log_to_stderr(how.log_format);
    server::raise_file_limit();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("starting the server")?;
    let stop_wait = config.limits.stop_wait_max;
    // Not by the server's own threads: it waits for the database.
    let app = App::new(store, config)?;
    let served = runtime.block_on(async {
        let listener = TcpListener::from_std(listener).context("listening")?;
        // Before it says that it is there: whoever hears of it may stop it.
        let stop = told_to_stop()?;
        greet(&app, how).await?;
        server::serve(app, listener, stop).await;
        anyhow::Ok(())
    });
    // Reads that still run are left behind; the store closes once the last one has ended.
    runtime.shutdown_timeout(stop_wait);
    served?;
    Ok(Outcome::Ok)
}

async fn greet(app: &App, how: &Serving) -> Result<()> {
    let url = &app.config().public_url;
    println!("Guerdon is at {url}   (the API: {url}/docs)");
    if app.config().is_demo {
        println!("It is the sample shop: whoever reaches it may enter.");
    } else if how.new_link || app.is_new().await? {
        let link = app.open_link().await?;
        println!("\nSet it up, or sign in, with this link; it works once, for 24 hours:\n\n  {link}\n");
    }
    if how.opens {
        open_browser(url);
    }
    println!("Stop it with Ctrl-C.");
    Ok(())
}

/// Opens the pages where people sit in front of the machine; elsewhere nothing happens.
fn open_browser(url: &str) {
    let has_screen = ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|it| std::env::var_os(it).is_some());
    if has_screen {
        // Without a browser the address on the screen is enough.
        let _ = std::process::Command::new("xdg-open").arg(url).spawn();
    }
}

/// Resolves at the first SIGINT or SIGTERM.
fn told_to_stop() -> Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt()).context("waiting for signals")?;
    let mut terminate = signal(SignalKind::terminate()).context("waiting for signals")?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn log_to_stderr(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let log = log.with_ansi(std::io::stderr().is_terminal());
    // A second server in one process keeps the first log.
    let _ = match format {
        LogFormat::Text => log.try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
    };
}

/// Takes an address.
pub(crate) fn listen(address: SocketAddr) -> Result<Listener> {
    let listener = Listener::bind(address).with_context(|| format!("listening on {address} failed"))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

/// The address that browsers use, without a slash at its end.
fn checked(url: &str) -> Result<String> {
    let url = url.trim_end_matches('/');
    let host = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    let is_host_part = |it: char| it.is_ascii_alphanumeric() || "-.:[]".contains(it);
    if host.is_none_or(|it| it.is_empty() || !it.chars().all(is_host_part)) {
        bail!(
            "--public-url: \"{url}\" is no address; allowed is http:// or https:// and a host, such as https://points.example.com"
        );
    }
    Ok(url.to_owned())
}

pub(crate) fn url_of(listen: SocketAddr) -> String {
    let host = if listen.ip().is_loopback() || listen.ip().is_unspecified() {
        "localhost".to_owned()
    } else if listen.is_ipv6() {
        format!("[{}]", listen.ip())
    } else {
        listen.ip().to_string()
    };
    format!("http://{host}:{}", listen.port())
}

#[test]
fn a_public_address_is_a_host_and_nothing_else() {
    for url in ["https://points.example.com", "http://localhost:7070", "http://[::1]:7070", "https://Shop-1.example"] {
        assert_eq!(checked(url).expect(url), url);
    }
    assert_eq!(checked("https://points.example.com/").expect("a slash at the end"), "https://points.example.com");
    for wrong in [
        "points.example.com",
        "https://",
        "ftp://points.example.com",
        "https://example.com/shop",
        "https://a\"b<c>",
        "https://a b",
        "https://user@example.com",
        "https://example.com\r\nx: y",
    ] {
        assert!(checked(wrong).is_err(), "{wrong}");
    }
}
