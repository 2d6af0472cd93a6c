//! `guerdon copy`: moves a whole ledger between a file and PostgreSQL, either way, or to another of the same kind.

use anyhow::{Context, Result};
use server::program::compile;
use store::{CopyStep, Database, copy};

use crate::fault::Outcome;
use crate::progress::Progress;
use crate::text::{Columns, count, counted};

const AFTER: &str = "\
Examples:
  guerdon copy shop.db postgres://guerdon@db.example.com/shop
  GUERDON_DATABASE=postgres://guerdon:SECRET@db.example.com/shop guerdon copy shop.db -
  guerdon copy postgres://guerdon@db.example.com/shop shop.db

The target must be empty. The source may be in use: it is copied as of one instant, and what is recorded afterwards is not in
the copy, so stop its servers first when you move. Every row is read back and compared, and the ledger is replayed, before
anybody can see the copy; one that is interrupted leaves nothing, and can be begun again.

With certificates their key moves too, by your hand: SHOP.db.key belongs to a file, GUERDON_CODE_KEY to PostgreSQL. Who is signed in
to the pages signs in again; API keys go on.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The ledger to copy: the path of a file, or postgres://USER@HOST/NAME; - is that of --database or GUERDON_DATABASE
    from: String,
    /// Where it goes: a file that is not there yet, or an empty database; - as before
    to: String,
}

pub(crate) fn run(database: &str, args: &Args) -> Result<Outcome> {
    let named = |it: &str| if it == "-" { database } else { it }.parse::<Database>();
    let (from, to) = (named(&args.from)?, named(&args.to)?);
    let mut shown: Option<(&'static str, Progress)> = None;
    let copied = copy(&from, &to, compile, None, &mut |step| {
        let (label, done, of) = match step {
            CopyStep::Copying { done, of } => ("copying", done, of),
            CopyStep::Comparing { done, of } => ("comparing", done, of),
            CopyStep::Verifying { done } => ("verifying", done, 0),
        };
        if shown.as_ref().is_none_or(|it| it.0 != label) {
            if let Some((_, before)) = shown.take() {
                before.finish();
            }
            shown = Some((label, Progress::new(label, of)));
        }
        if let Some((_, progress)) = &mut shown {
            progress.set(done);
        }
    })
    .with_context(|| format!("copying {from} to {to} failed"))?;
    if let Some((_, progress)) = shown {
        progress.finish();
    }
    let mut columns = Columns::new("lr");
    let mut all = 0;
    for (table, rows) in copied.tables.iter().filter(|it| it.1 != 0) {
        columns.row([table, &count(*rows)]);
        all += rows;
    }
    columns.print("");
    println!("Copied {} to {to}: each was read back, and the ledger replayed. Everything agrees.", counted(all, "row"));
    Ok(Outcome::Ok)
}
