//! `guerdon redate`: staff move the dates of points earned earlier, of one member or of everyone.

use anyhow::{Context, Result, bail};
use engine::{Actor, Date, LotNo, Moment, Points, Redating, Timestamp};
use store::{Body, Database, Failure, MemberId, MemberRef, Reader, Reply, Store};

use crate::everyone::{Each, everyone};
use crate::fault::Outcome;
use crate::open;
use crate::text::{counted, grouped};

const AFTER: &str = "\
Examples:
  guerdon redate customer:00042 --until 2027-12-31 --note \"was in hospital\"
  guerdon redate card:6001234 --lot 3 --until never --note \"goodwill\"
  guerdon redate --everyone --expiring-by 2026-07-31 --until 2026-09-30 --note \"closed in July\" --dry-run

Days are in the program's time zone; points can be spent until the end of the day. Nothing is moved into the past, and what
has expired stays so (`guerdon reinstate` gives it back). With --dry-run nothing is changed.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member, required_unless_present = "everyone", conflicts_with = "everyone")]
    member: Option<MemberRef>,
    /// All members of the program
    #[arg(long)]
    everyone: bool,
    /// The last day of the points, or never
    #[arg(long, value_name = "DAY", value_parser = until)]
    until: Until,
    /// Only points that would be gone after this day
    #[arg(long, value_name = "DAY", value_parser = open::day)]
    expiring_by: Option<Date>,
    /// Only the points of this lot
    #[arg(long, value_name = "NUMBER", conflicts_with = "everyone")]
    lot: Option<u64>,
    /// Why; the member's statement shows it
    #[arg(long)]
    note: String,
    /// The program, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// Only tell what it would come to
    #[arg(long)]
    dry_run: bool,
}

#[derive(Clone, Copy)]
enum Until {
    Never,
    Day(Date),
}

fn until(text: &str) -> Result<Until, String> {
    if text == "never" { Ok(Until::Never) } else { open::day(text).map(Until::Day) }
}

#[derive(Default)]
struct Tally {
    members: u64,
    lots: u64,
    points: Points,
}

impl Tally {
    fn add(&mut self, lots: u64, points: Points) {
        self.members += u64::from(0 < lots);
        self.lots += lots;
        self.points += points;
    }
}

pub(crate) fn run(database: &Database, args: Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    let reader = store.reader().context("reading the programs failed")?;
    let name = open::program(&reader, args.program.as_deref())?;
    let program = open::program_details(&reader, &name)?;
    let version = program.timeline.versions().last().with_context(|| format!("the program {name} has no version"))?;
    let zone = &version.terms.zone;
    let redating = Redating {
        lot: args.lot.map(LotNo),
        expiring_by: args.expiring_by.map(|it| zone.end_of(it)),
        expires_at: match args.until {
            Until::Never => Timestamp::NEVER,
            Until::Day(day) => zone.end_of(day),
        },
        note: args.note,
    };
    let run = Run { store: &store, reader: &reader, name: &name, number: program.number, redating };
    let tally = match &args.member {
        Some(member) => run.one(member, args.dry_run)?,
        None => run.everyone(args.dry_run)?,
    };
    let Tally { members, lots, points } = tally;
    let (moved, done) = (grouped(points.get()), if args.dry_run { "would get" } else { "have" });
    let whose = if args.everyone { format!(" of {}", counted(members, "member")) } else { String::new() };
    println!("{moved} points in {}{whose} {done} another last day.", counted(lots, "lot"));
    Ok(Outcome::Ok)
}

struct Run<'a> {
    store: &'a Store,
    reader: &'a Reader,
    name: &'a str,
    number: u32,
    redating: Redating,
}

impl Run<'_> {
    fn one(&self, member: &MemberRef, dry_run: bool) -> Result<Tally> {
        let mut tally = Tally::default();
        let said = || format!("moving the dates of {member} failed");
        let (lots, points) = if dry_run {
            let found = self.reader.find(member).with_context(said)?;
            self.tried(found.ok_or(Failure::Rejected(engine::Rejection::UnknownMember)).with_context(said)?)?
        } else {
            let reply = open::send_for(self.store, self.name, self.body(member.clone()), None).with_context(said)?;
            redated(&reply)?
        };
        tally.add(lots, points);
        Ok(tally)
    }

    fn everyone(&self, dry_run: bool) -> Result<Tally> {
        // What cannot be is refused before anything is moved.
        self.tried(MemberId::derived(open::now(), &[]))?;
        everyone(self, (self.store, self.reader), self.number, dry_run)
    }

    fn tried(&self, member: MemberId) -> Result<(u64, Points)> {
        let moment = Moment { now: open::now(), actor: Actor::Staff(0), import: false };
        let tried = self.reader.redating(member, self.number, &self.redating, moment);
        tried.with_context(|| format!("moving the dates of {member} would fail"))
    }
}

impl Each for Run<'_> {
    type Tally = Tally;

    fn preview(&self, tally: &mut Tally, member: MemberId) -> Result<()> {
        let (lots, points) = self.tried(member)?;
        tally.add(lots, points);
        Ok(())
    }

    fn body(&self, member: MemberRef) -> Body {
        Body::Redate { program: self.name.to_owned(), member, redating: self.redating.clone() }
    }

    fn land(&self, tally: &mut Tally, member: MemberId, reply: Result<Reply, Failure>) -> Result<()> {
        let said =
            || format!("moving the dates of {member} failed; those of the members before are moved: run it again");
        let (lots, points) = redated(&reply.with_context(said)?)?;
        tally.add(lots, points);
        Ok(())
    }
}

fn redated(reply: &Reply) -> Result<(u64, Points)> {
    let Reply::Redated { lots, points, .. } = reply else { bail!("the store answered something else") };
    Ok((*lots, *points))
}
