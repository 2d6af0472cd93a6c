//! `guerdon restore`: makes a database of a backup. What is there is never overwritten.

use std::path::PathBuf;

use anyhow::{Context, Result};
use store::Database;

use crate::fault::Outcome;

const AFTER: &str = "\
Example:
  mv shop.db shop-broken.db
  guerdon --database shop.db restore shop-2026-03-01.db

The database must not exist: move the old one away first.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The backup
    from: PathBuf,
}

pub(crate) fn run(database: &Database, args: &Args) -> Result<Outcome> {
    let what = || format!("restoring {} into {database} failed", args.from.display());
    store::restore(&args.from, database).with_context(what)?;
    println!("Restored into {database}. `guerdon verify` replays it.");
    Ok(Outcome::Ok)
}
