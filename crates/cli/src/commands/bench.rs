//! `guerdon bench`: how fast this machine takes orders, beside a floor that is measured in the same run.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use store::Database;

use crate::bench::engine;
use crate::bench::figures::Figures;
use crate::bench::folder::Folder;
use crate::bench::lots;
use crate::bench::pgbench::Pgbench;
use crate::bench::place::{Files, Place, Server};
use crate::bench::round::Bench;
use crate::bench::shop::prepare;
use crate::bench::sizes;
use crate::bench::sweep::Sweep;
use crate::fault::Outcome;

const AFTER: &str = "\
The floor: the rows that the store writes for these orders (same columns, same indexes, the order's directory row with
them), written again in transactions of 1,000 orders, with prepared statements and full durability, and with no rules and
no look-ups. Machines differ and are noisy: compare ratios. Each figure is the median of the rounds. Over HTTP the server
and its callers share this process and its cores; each caller keeps one connection and sends its next order when the last
one was answered (closed loop). Any answer but 200 ends the bench.

A file is measured unless --database names a server: then databases of its own are made there and removed again, nothing else
is touched, transactions and the floor's hold 500 orders, pgbench is run beside it, and two server processes beside one.

Examples:
  guerdon bench --json
  guerdon bench --json --database postgres://guerdon@localhost/postgres
  guerdon bench --members 5000000 --rounds 1 --base five-million.db
  guerdon bench --members 5000000 --rounds 1 --base five-million.db --cold
  guerdon bench --members 10000000 --rounds 0 --base ten-million.db
  guerdon bench --rounds 0 --sweep 1000000 --lots 1000000 --sizes 100000";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// One JSON object instead of a table
    #[arg(long)]
    json: bool,
    /// Members, each with an order, before the measuring begins; orders are of members at random
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u64).range(1..=50_000_000))]
    members: u64,
    /// Orders in each measurement
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(100..=10_000_000))]
    orders: u32,
    /// How often all of it is measured; 0 makes the members only, and measures what is asked for by name
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(0..=100))]
    rounds: u32,
    /// On a server: seconds that pgbench runs with 8 and with 32 clients; 0 leaves it out
    #[arg(long, default_value_t = 10, value_name = "SECONDS")]
    pgbench_seconds: u32,
    /// On a server: the scale of pgbench; with less than 32 its clients wait for each other
    #[arg(long, default_value_t = 32, value_name = "SCALE", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pgbench_scale: u32,
    /// Push the file out of memory before each measurement
    #[arg(long)]
    cold: bool,
    /// Keep the members in this file, or on a server in the database of this name, and begin with those that are there already:
    /// making millions takes long
    #[arg(long, value_name = "FILE-or-NAME")]
    base: Option<PathBuf>,
    /// Give one member so many open lots, and measure what an order of it takes beside one of a member with ten; 0 leaves it out
    #[arg(long, default_value_t = 0, value_name = "COUNT", value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    lots: u64,
    /// Sweep so many lots that have expired, of half as many members, beside a floor of the same rows and while members
    /// order; 0 leaves it out
    #[arg(long, default_value_t = 0, value_name = "LOTS", value_parser = clap::value_parser!(u64).range(0..=10_000_000))]
    sweep: u64,
    /// Make so many members with five orders each, and ten times as many, and measure what an order and a look at a balance
    /// take of both; 0 leaves it out
    #[arg(long, default_value_t = 0, value_name = "MEMBERS", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    sizes: u64,
    /// Where the databases are made, in a folder of their own; left out: the system's folder for temporary files
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(database: &str, args: &Args) -> Result<Outcome> {
    // A file that is named for other commands is none of the bench's business.
    if matches!(database.parse::<Database>(), Ok(Database::Sqlite(_))) {
        let within = args.folder.clone().unwrap_or_else(std::env::temp_dir);
        let folder = Folder::make(within.join(format!("guerdon-bench-{}", std::process::id())))?;
        let base = args.base.clone().unwrap_or_else(|| folder.0.join("base.db"));
        let files = Files { base, folder: folder.0.clone(), cold: args.cold };
        return measure(Place::Files(files), None, args);
    }
    ensure!(!args.cold && args.folder.is_none(), "--cold and --folder are about files");
    let pgbench = match args.pgbench_seconds {
        0 => None,
        seconds => Some(Pgbench::find(seconds, args.pgbench_scale)?),
    };
    let kept = args.base.as_ref().map(|it| it.display().to_string());
    measure(Place::Server(Server::new(database, kept)?), pgbench, args)
}

fn measure(place: Place, pgbench: Option<Pgbench>, args: &Args) -> Result<Outcome> {
    prepare(&place, args.members).context("preparing the members of the bench failed")?;
    let bench = Bench { place, members: args.members, orders: usize::try_from(args.orders)?, pgbench };
    let mut rounds = Vec::new();
    for number in 1..=args.rounds {
        eprintln!("round {number} of {}", args.rounds);
        rounds.push(bench.round(usize::try_from(number)?)?);
    }
    // The rules know of no database: they are measured with files.
    let engine = match bench.place {
        Place::Files(_) if 0 < args.rounds => {
            eprintln!("the rules alone");
            Some(engine::measure()?)
        }
        Place::Files(_) | Place::Server(_) => None,
    };
    let mut figures = Figures::of(&rounds, bench.place.batch(), engine);
    if args.lots != 0 {
        eprintln!("an account with {} lots", args.lots);
        figures.add_lots(lots::measure(&bench.place, args.lots)?);
    }
    if args.sweep != 0 {
        eprintln!("a sweep over {} lots", args.sweep);
        let lots = args.sweep.next_multiple_of(2);
        let sweep = Sweep { place: &bench.place, members: args.members, lots, orders: bench.orders };
        figures.add_sweep(&sweep.measure()?);
    }
    if args.sizes != 0 {
        eprintln!("{} members beside {}", 10 * args.sizes, args.sizes);
        figures.add_sizes(&sizes::measure(&bench.place, args.sizes)?);
    }
    if args.json {
        println!("{}", figures.json());
    } else {
        figures.print();
    }
    Ok(Outcome::Ok)
}
