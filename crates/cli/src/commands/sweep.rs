//! `guerdon sweep`: posts what has fallen due, account after account. Balances are exact without it; reports are not.

use anyhow::{Context, Result};
use store::{Database, sweep};

use crate::fault::Outcome;
use crate::open;
use crate::progress::Progress;
use crate::text::counted;

#[derive(clap::Args)]
pub(crate) struct Args {}

pub(crate) fn run(database: &Database, _: &Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    let mut progress = Progress::new("settling", 0);
    let swept =
        sweep(&store, open::now(), &mut |done| progress.set(done)).context("posting what has fallen due failed")?;
    progress.finish();
    println!("Settled {}.", counted(swept, "account"));
    Ok(Outcome::Ok)
}
