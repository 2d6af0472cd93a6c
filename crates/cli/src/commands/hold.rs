//! `guerdon hold`: reserves points for a checkout that is not finished, or releases them.

use anyhow::{Context, Result, bail};
use engine::{HoldNo, Points, Timestamp};
use store::{Body, Database, MemberRef, Reply, Store};

use crate::fault::Outcome;
use crate::open;
use crate::text::grouped;

const AFTER: &str = "\
Examples:
  guerdon hold add card:6001234 250 --minutes 15
  guerdon hold release card:6001234 1

An order that names the hold takes it over; otherwise it lapses by itself.";

#[derive(clap::Subcommand)]
#[command(after_help = AFTER)]
pub(crate) enum Command {
    /// Reserve points
    #[command(after_help = AFTER)]
    Add {
        /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
        #[arg(value_parser = open::member)]
        member: MemberRef,
        /// Points to reserve
        #[arg(allow_negative_numbers = true, value_parser = open::whole)]
        points: i64,
        /// How long (1 to 120), if not as the program says
        #[arg(long)]
        minutes: Option<u32>,
        /// The program, where there are several
        #[arg(long, value_name = "NAME")]
        program: Option<String>,
        /// Sent again with the same key, it is answered as the first time
        #[arg(long)]
        key: Option<String>,
    },
    /// Release a hold
    Release {
        /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
        #[arg(value_parser = open::member)]
        member: MemberRef,
        /// The number that `hold add` has given
        hold: u64,
        /// The program, where there are several
        #[arg(long, value_name = "NAME")]
        program: Option<String>,
    },
}

pub(crate) fn run(database: &Database, command: Command) -> Result<Outcome> {
    let store = open::existing(database)?;
    let named = |program: Option<&str>| -> Result<String> {
        open::program(&store.reader().context("reading the programs failed")?, program)
    };
    let (reply, program, verb) = match command {
        Command::Add { member, points, minutes, program, key } => {
            let program = named(program.as_deref())?;
            let what = format!("holding {points} points of {member} failed");
            let body = Body::Hold { program: program.clone(), member, points: Points::new(points), minutes };
            (open::send_for(&store, &program, body, key).context(what)?, program, "reserved")
        }
        Command::Release { member, hold, program } => {
            let program = named(program.as_deref())?;
            let what = format!("releasing hold {hold} of {member} failed");
            let body = Body::ReleaseHold { program: program.clone(), member, hold: HoldNo(hold) };
            (open::send_for(&store, &program, body, None).context(what)?, program, "released")
        }
    };
    let Reply::Hold { hold, balance, lapses_at, .. } = reply else { bail!("the store answered something else") };
    let until =
        if verb == "reserved" { format!(" until {}", local(&store, &program, lapses_at)?) } else { String::new() };
    let (held, free) = (grouped(balance.held.get()), grouped(balance.available.get()));
    println!("Hold {} {verb}{until}. Held now: {held}; {free} can be spent.", hold.0);
    Ok(Outcome::Ok)
}

/// A time as the program's clocks show it: `2026-03-01 13:36 (Europe/Zurich)`.
fn local(store: &Store, program: &str, at: Timestamp) -> Result<String> {
    let details = open::program_details(&store.reader().context("reading the programs failed")?, program)?;
    let zone = details.timeline.versions().last().map(|it| it.terms.zone.clone());
    Ok(zone.map_or_else(|| at.to_string(), |it| format!("{} ({})", it.clock_text(at), it.name())))
}
