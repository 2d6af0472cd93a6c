//! `guerdon sweep`: posts what has fallen due, account after account. Balances are exact without it; reports are not.

use anyhow::{Context, Result};
use store::{Database, retry_parked, sweep};

use crate::fault::Outcome;
use crate::open;
use crate::progress::Progress;
use crate::text::counted;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Try members again that were left out after a failure inside
    #[arg(long)]
    retry_parked: bool,
}

pub(crate) fn run(database: &Database, args: &Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    if args.retry_parked {
        let settled = retry_parked(&store, store.now()).context("trying parked members again failed")?;
        println!("Settled {} of parked members.", counted(settled, "account"));
    }
    let mut progress = Progress::new("settling", 0);
    let swept =
        sweep(&store, store.now(), &mut |done| progress.set(done)).context("posting what has fallen due failed")?;
    progress.finish();
    println!("Settled {}.", counted(swept.accounts, "account"));
    if 0 < swept.answers {
        println!("Forgot {} that nobody comes back for.", counted(swept.answers, "answer"));
    }
    for member in &swept.parked {
        println!("Parked: {member}; posting what has fallen due failed inside. Report this, then use --retry-parked.");
    }
    Ok(Outcome::found(!swept.parked.is_empty()))
}
