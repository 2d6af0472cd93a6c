//! `guerdon demo`: loads the sample shop, unless it is there, shows its key figures and one member's statement, and then
//! serves its pages and API.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use engine::{Points, value_of};
use server::Config;
use server::words::{Names, Voice};
use store::{Database, Reader, Store, Totals, sweep};

use super::serve::{LogFormat, Serving, listen, serve, url_of};
use super::statement::{Range, print as print_statement};
use crate::demo::Sample;
use crate::fault::Outcome;
use crate::open;
use crate::progress::Progress;
use crate::text::{Columns, count, grouped};

const AFTER: &str = "\
The purchases are real: 69,659 by 23,570 customers of the music shop CDNOW, moved by whole days so that the last one was
yesterday. Names, cards, products, channels, refunds and redemptions are invented. See demo/README.md.

A second run loads nothing and shows the same database again. While it is served, in another terminal:
  guerdon statement customer:00042
  guerdon verify";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Load, and print the key figures only
    #[arg(long)]
    load_only: bool,
    /// Load and show it, without serving it
    #[arg(long)]
    no_serve: bool,
    /// Where to serve it: whoever reaches this address may enter the sample shop
    #[arg(long, default_value = "127.0.0.1:7070", value_name = "ADDRESS:PORT")]
    listen: SocketAddr,
    /// Say how much memory was needed at most
    #[arg(long)]
    memory: bool,
    /// Load only so many purchases
    #[arg(long, hide = true, value_name = "COUNT")]
    rows: Option<u32>,
    /// Load the history without what is invented on top of it
    #[arg(long, hide = true)]
    history_only: bool,
}

pub(crate) fn run(database: &Database, args: &Args) -> Result<Outcome> {
    let serves = !args.load_only && !args.no_serve;
    // Before it loads: an address that is taken is told at once.
    let listener = if serves { Some(listen(args.listen)?) } else { None };
    let started = Instant::now();
    let store = open::writer(database)?;
    let sample = Sample::read(&store.reader()?, args.rows, !args.history_only)?;
    let took = load(&sample, &store, started)?;
    // The figures are those of a database that nobody writes to any more: its log is in the file.
    drop(store);
    let reader = open::reader(database)?;
    figures(&sample, database, &reader, took)?;
    if !args.load_only
        && let Some(member) = sample.to_show(open::now())
    {
        let id = open::find(&reader, &member)?;
        println!("\nOne of its members (`guerdon statement {member}`):\n");
        print_statement(&reader, id, &sample.program, Range::default())?;
    }
    if args.memory {
        println!("\nMost memory in use: {}", memory().unwrap_or_else(|| "unknown here".to_owned()));
    }
    drop(reader);
    let Some(listener) = listener else { return Ok(Outcome::Ok) };
    println!();
    let config = Config { is_demo: true, ..Config::local(url_of(listener.local_addr()?)) };
    let how = Serving { new_link: false, log_format: LogFormat::Text, opens: true };
    serve(open::writer(database)?, config, listener, &how)
}

/// Loads and settles to now; how long that took, if there was anything to load.
fn load(sample: &Sample, store: &Store, started: Instant) -> Result<Option<Duration>> {
    let loads = !sample.is_loaded(&store.reader()?)?;
    if loads {
        eprintln!(
            "Loading the sample shop: real purchases; names, cards, products, channels, refunds and redemptions are invented."
        );
        sample.set_up(store)?;
        sample.load(store)?;
    }
    let mut progress = Progress::new("settling", 0);
    sweep(store, store.now(), &mut |done| progress.set(done)).context("posting what has fallen due failed")?;
    progress.finish();
    Ok(loads.then(|| started.elapsed()))
}

fn figures(sample: &Sample, database: &Database, reader: &Reader, took: Option<Duration>) -> Result<()> {
    let totals = reader.figures(&sample.program).context("reading the figures failed")?;
    let members = reader.member_count().context("reading the figures failed")?;
    println!(
        "{}: real purchases of CDNOW; names, cards, products, channels, refunds and redemptions are invented.\n",
        sample.program
    );
    let mut columns = Columns::new("lrl");
    columns.row(["Members", &count(members), ""]);
    columns.row(["Orders", &grouped(totals.orders), ""]);
    for (label, points) in lines(&totals) {
        columns.row([label, &grouped(points.get()), ""]);
    }
    let outstanding = totals.outstanding();
    columns.row(["Points outstanding", &grouped(outstanding.get()), &worth(reader, sample, outstanding)?]);
    if let Some(path) = database.file() {
        file_figures(&mut columns, path, totals.orders);
    }
    if let Some(took) = took {
        columns.row(["Loaded in", &format!("{:.1}", took.as_secs_f64()), "seconds, expiries settled"]);
    }
    columns.print("  ");
    Ok(())
}

fn lines(totals: &Totals) -> [(&'static str, Points); 6] {
    [
        ("Points issued", totals.issued()),
        ("Points redeemed", totals.redeemed - totals.returned),
        ("Points taken back", totals.revoked + totals.repaid - totals.regranted),
        ("Points expired", totals.expired),
        ("Points owed", totals.owed),
        ("Points let go", totals.let_go),
    ]
}

fn worth(reader: &Reader, sample: &Sample, points: Points) -> Result<String> {
    let program = open::program_details(reader, &sample.program)?;
    let Some(version) = program.timeline.versions().last() else { return Ok(String::new()) };
    let terms = &version.terms;
    let voice = Voice { terms, names: &Names::default() };
    let amount = voice.amount(value_of(points, terms.redeem.rate));
    Ok(format!("worth {amount} {}", terms.currency.code()))
}

fn file_figures(columns: &mut Columns, path: &Path, orders: i64) {
    let bytes = size_of(path);
    let each = i64::try_from(bytes).unwrap_or(0) / orders.max(1);
    let size = format!("bytes on the disk, {} an order", grouped(each));
    columns.row(["File", &count(bytes), &size]);
    let log = size_of(&path.with_file_name(format!("{}-wal", path.file_name().unwrap_or_default().to_string_lossy())));
    if 0 < log {
        columns.row(["Log", &count(log), "bytes beside it, used again by what is written next"]);
    }
}

fn size_of(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |it| it.len())
}

/// The most memory that this process has used.
fn memory() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|it| it.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(format!("{} MB", count(kilobytes / 1000)))
}
