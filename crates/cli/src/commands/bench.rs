//! `guerdon bench`: how fast this machine takes orders, beside a floor that is measured in the same run.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::bench::engine;
use crate::bench::figures::Figures;
use crate::bench::folder::Folder;
use crate::bench::round::Bench;
use crate::bench::shop::prepare;
use crate::fault::Outcome;

const AFTER: &str = "\
The floor: the rows that the store writes for these orders (same columns, same indexes, the order's directory row with
them), written again in transactions of 1,000 orders, with prepared statements and full durability, and with no rules and
no look-ups. Machines differ and are noisy: compare ratios. Each figure is the median of the rounds. Over HTTP the server
and its callers share this process and its cores; each caller keeps one connection and sends its next order when the last
one was answered (closed loop). Any answer but 200 ends the bench.

Examples:
  guerdon bench --json
  guerdon bench --members 5000000 --rounds 1 --base five-million.db
  guerdon bench --members 5000000 --rounds 1 --base five-million.db --cold";

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
    /// How often all of it is measured
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=100))]
    rounds: u32,
    /// Push the file out of memory before each measurement
    #[arg(long)]
    cold: bool,
    /// Keep the members in this file, and begin with those that are there already: making millions takes long
    #[arg(long, value_name = "FILE")]
    base: Option<PathBuf>,
    /// Where the databases are made, in a folder of their own; left out: the system's folder for temporary files
    #[arg(long, value_name = "FOLDER")]
    folder: Option<PathBuf>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let within = args.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = Folder::make(within.join(format!("guerdon-bench-{}", std::process::id())))?;
    let bench = Bench {
        base: args.base.clone().unwrap_or_else(|| folder.0.join("base.db")),
        folder: folder.0.clone(),
        members: args.members,
        orders: usize::try_from(args.orders)?,
        cold: args.cold,
    };
    prepare(&bench.base, args.members).context("preparing the members of the bench failed")?;
    let mut rounds = Vec::new();
    for number in 1..=args.rounds {
        eprintln!("round {number} of {}", args.rounds);
        rounds.push(bench.round(usize::try_from(number)?)?);
    }
    eprintln!("the rules alone");
    let figures = Figures::of(&rounds, engine::measure()?);
    if args.json {
        println!("{}", figures.json());
    } else {
        figures.print();
    }
    Ok(Outcome::Ok)
}
