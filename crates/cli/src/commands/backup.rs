//! `guerdon backup`: copies the database as of one instant, also while another process writes to it.

use std::path::PathBuf;

use anyhow::{Context, Result};
use store::Database;

use crate::fault::Outcome;
use crate::text::count;

const AFTER: &str = "\
Example:
  guerdon --database shop.db backup shop-2026-03-01.db

An existing file is never overwritten. Restore it with `guerdon --database shop.db restore shop-2026-03-01.db`.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The file to make
    to: PathBuf,
}

pub(crate) fn run(database: &Database, args: &Args) -> Result<Outcome> {
    let what = || format!("backing up {database} to {} failed", args.to.display());
    store::backup(database, &args.to).with_context(what)?;
    let bytes = std::fs::metadata(&args.to).with_context(what)?.len();
    println!("Backed up to {} ({} bytes).", args.to.display(), count(bytes));
    Ok(Outcome::Ok)
}
