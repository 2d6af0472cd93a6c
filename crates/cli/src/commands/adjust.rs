//! `guerdon adjust`: staff add or deduct points by hand, with a note.

use anyhow::{Context, Result, bail};
use engine::{Adjustment, Points};
use store::{Body, Database, MemberRef, Reply};

use crate::fault::Outcome;
use crate::open;
use crate::text::{grouped, signed};

const AFTER: &str = "\
Examples:
  guerdon adjust customer:00042 100 --note \"parcel arrived late\"
  guerdon adjust card:6001234 -50 --note \"counted twice\" --reference ticket-881

With --reference the same adjustment is made once, however often it is asked for.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: MemberRef,
    /// Points to add, or to deduct when negative
    #[arg(allow_negative_numbers = true, value_parser = open::whole)]
    points: i64,
    /// Why; the member's statement shows it
    #[arg(long)]
    note: String,
    /// The program, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// A reference of your own: once for ever
    #[arg(long, value_name = "REFERENCE")]
    reference: Option<String>,
}

pub(crate) fn run(database: &Database, args: Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    let program = open::program(&store.reader().context("reading the programs failed")?, args.program.as_deref())?;
    let adjustment = Adjustment { points: Points::new(args.points), note: args.note, expires_at: None };
    let key = args.reference.as_ref().map(|it| format!("adjust-{it}"));
    let member = args.member.clone();
    let name = program.clone();
    let body = Body::Adjust { program, member: args.member, adjustment, reference: args.reference };
    let reply =
        open::send_for(&store, &name, body, key).with_context(|| format!("adjusting the points of {member} failed"))?;
    let Reply::Adjusted { balance, .. } = reply else { bail!("the store answered something else") };
    println!("{} points; {} can be spent now.", signed(Points::new(args.points)), grouped(balance.available.get()));
    Ok(Outcome::Ok)
}
