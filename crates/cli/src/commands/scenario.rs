//! `guerdon scenario`: worked examples, run against the rules alone, the store and the API.

use std::path::PathBuf;

use anyhow::Result;
use store::Address;

use crate::fault::Outcome;
use crate::scenario::{Which, run as run_files};

const AFTER: &str = "\
Example:
  guerdon scenario scenarios/ my-program.txt

A failure names the file, the line, what was expected and what was found. Exits 1 when a file fails.
docs/SCENARIOS.md describes the language.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// Files, or folders with .txt files
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,

    /// Run them on a server of PostgreSQL too: each in a schema of its own, which is removed afterwards
    #[arg(long, value_name = "URL")]
    postgres: Option<Address>,
}

pub(crate) fn run(args: &Args) -> Result<Outcome> {
    let summary = run_files(&args.paths, &Which::all(args.postgres.as_ref()));
    println!("{summary}");
    Ok(Outcome::found(0 < summary.failed))
}
