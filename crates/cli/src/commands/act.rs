//! `guerdon act`: a member did what earns without an order.

use anyhow::{Context, Result, bail};
use store::{Body, Database, MemberRef, Reply};

use crate::fault::Outcome;
use crate::open;
use crate::text::grouped;

const AFTER: &str = "\
Examples:
  guerdon act customer:00042 review --reference review-881
  guerdon act card:6001234 visit

With --reference the same act earns once, however often it is told.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: MemberRef,
    /// What the program calls it
    name: String,
    /// A reference of your own for this act: once for ever
    #[arg(long, value_name = "REFERENCE")]
    reference: Option<String>,
    /// The program, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
}

pub(crate) fn run(database: &Database, args: Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    let program = open::program(&store.reader().context("reading the programs failed")?, args.program.as_deref())?;
    let member = args.member.clone();
    let name = program.clone();
    let body = Body::Act { program, member: args.member, name: args.name.clone(), reference: args.reference };
    let reply = open::send_for(&store, &name, body, None)
        .with_context(|| format!("telling of \"{}\" of {member} failed", args.name))?;
    let Reply::Adjusted { balance, .. } = reply else { bail!("the store answered something else") };
    println!("Recorded; {} points can be spent now.", grouped(balance.available.get()));
    Ok(Outcome::Ok)
}
