//! `guerdon tier`: staff give a member a tier, or none, until a day or for good.

use anyhow::{Context, Result, bail};
use engine::{Date, SetTier};
use store::{Body, Database, MemberRef, Reply};

use crate::fault::Outcome;
use crate::open;

const AFTER: &str = "\
Examples:
  guerdon tier customer:00042 Gold --until 2027-12-31 --note \"moved here from our other shop\"
  guerdon tier card:6001234 none --note \"a mistake of ours\"

A higher tier is still reached meanwhile. After the last day, what is counted decides again.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: MemberRef,
    /// The name of a tier of the program, or none
    tier: String,
    /// The last day of it, in the program's time zone
    #[arg(long, value_name = "DAY", value_parser = open::day)]
    until: Option<Date>,
    /// Why; the member's statement shows it
    #[arg(long)]
    note: String,
    /// The program, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
}

pub(crate) fn run(database: &Database, args: Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    let reader = store.reader().context("reading the programs failed")?;
    let name = open::program(&reader, args.program.as_deref())?;
    let program = reader.program(&name)?.with_context(|| format!("there is no program {name}"))?;
    let version = program.timeline.versions().last().with_context(|| format!("the program {name} has no version"))?;
    let zone = &version.terms.zone;
    let tier = (args.tier != "none").then_some(args.tier);
    let set = SetTier { tier: tier.clone(), until: args.until.map(|it| zone.end_of(it)), note: args.note };
    let member = args.member.clone();
    let body = Body::SetTier { program: name.clone(), member: args.member, set };
    let reply = open::send_for(&store, &name, body, None);
    let reply = reply.with_context(|| format!("setting the tier of {member} failed"))?;
    let Reply::Adjusted { .. } = reply else { bail!("the store answered something else") };
    let until = args.until.map_or_else(|| "for good".to_owned(), |it| format!("until the end of {it}"));
    println!("{}, {until}.", tier.map_or_else(|| "No tier".to_owned(), |it| format!("Tier {it}")));
    Ok(Outcome::Ok)
}
