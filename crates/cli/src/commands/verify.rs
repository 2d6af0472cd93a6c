//! `guerdon verify`: replays the ledger and compares; the first difference is named, and the exit code is 1.

use anyhow::{Context, Result};
use store::Database;

use crate::fault::Outcome;
use crate::open;
use crate::progress::Progress;
use crate::text::{Columns, count};

const AFTER: &str = "\
Reads beside a writer: what it proves is the state of one instant. Exits 1 and names the first difference if there is one,
3 if the file cannot be read.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {}

pub(crate) fn run(database: &Database, _: &Args) -> Result<Outcome> {
    let reader = open::reader(database)?;
    let mut progress = Progress::new("verifying", 0);
    let report = reader.verify(&mut |done| progress.set(done)).context("verifying failed")?;
    progress.finish();
    let mut columns = Columns::new("lr");
    for (label, number) in [
        ("accounts", report.accounts),
        ("entries", report.entries),
        ("lots", report.lots),
        ("orders", report.orders),
        ("guests", report.guests),
    ] {
        columns.row([label, &count(number)]);
    }
    columns.print("");
    for member in &report.parked {
        println!("Parked: {member}; what falls due there is not posted. `guerdon sweep --retry-parked` tries again.");
    }
    match &report.difference {
        None => println!("Everything agrees."),
        Some(difference) => println!("A difference: {difference}"),
    }
    Ok(Outcome::found(report.difference.is_some()))
}
