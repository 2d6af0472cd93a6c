//! `guerdon reinstate`: staff give back points that have expired.

use anyhow::{Context, Result, bail};
use engine::{Date, LotNo, Points, Reinstatement};
use store::{Body, Database, MemberRef, Reply};

use crate::fault::Outcome;
use crate::open;
use crate::text::grouped;

const AFTER: &str = "\
Examples:
  guerdon reinstate customer:00042 40 --note \"you were on holiday\"
  guerdon reinstate card:6001234 100 --lot 3 --until 2027-12-31 --note \"our mistake\"

No more than what has expired can be given back.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: MemberRef,
    /// How many points
    #[arg(value_parser = open::whole)]
    points: i64,
    /// The lot that they expired from; left out, those that expired last
    #[arg(long, value_name = "NUMBER")]
    lot: Option<u64>,
    /// Their last day, in the program's time zone; left out, the program's days of grace
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
    let program = open::program_details(&reader, &name)?;
    let version = program.timeline.versions().last().with_context(|| format!("the program {name} has no version"))?;
    let reinstatement = Reinstatement {
        points: Points::new(args.points),
        lot: args.lot.map(LotNo),
        expires_at: args.until.map(|it| version.terms.zone.end_of(it)),
        note: args.note,
    };
    let member = args.member.clone();
    let body = Body::Reinstate { program: name.clone(), member: args.member, reinstatement };
    let reply = open::send_for(&store, &name, body, None)
        .with_context(|| format!("giving back expired points of {member} failed"))?;
    let Reply::Adjusted { balance, .. } = reply else { bail!("the store answered something else") };
    println!("{} points given back; {} can be spent now.", grouped(args.points), grouped(balance.available.get()));
    Ok(Outcome::Ok)
}
