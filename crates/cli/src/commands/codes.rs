//! `guerdon codes`: the codes of certificates, when their key is lost.

use anyhow::{Context, Result};
use store::Database;

use crate::fault::Outcome;
use crate::open;
use crate::text::counted;

const AFTER: &str = "\
Example:
  guerdon --database shop.db codes forget

For when the file shop.db.key, or what was in GUERDON_CODE_KEY, is lost for good, or known to somebody else. Every certificate gets
a new code under a new key, and no old code finds anything any more; numbers, values and dates stay. Show members their new codes.
Backups made before need the old key.";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Forget all codes, and draw new ones under a new key
    #[command(after_help = AFTER)]
    Forget(Forget),
}

#[derive(clap::Args)]
pub(crate) struct Forget {
    /// Also when the key is there: somebody else has it
    #[arg(long)]
    even_so: bool,
}

pub(crate) fn run(database: &Database, command: &Command) -> Result<Outcome> {
    let Command::Forget(forget) = command;
    let renewed = store::renew_codes(database, open::now(), forget.even_so).context("drawing new codes failed")?;
    println!("{} drawn anew; no old code finds anything any more.", counted(renewed, "code"));
    Ok(Outcome::Ok)
}
