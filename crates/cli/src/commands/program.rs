//! `guerdon program`: documents that say how a program works, in versions.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use engine::{Date, Points, Timestamp, Zone};
use server::program::{ProgramDocument, check, differences, plain_words, try_order};
use server::words::{Names, Voice};
use store::{Body, Database, ProgramId, Reply, StoreError};

use crate::fault::Outcome;
use crate::open;
use crate::text::{Columns, count};

const AFTER: &str = "\
Examples:
  guerdon program check sample.json                       what it does, in plain words; nothing is stored
  guerdon program check sample.json --order 59.90         and what that order would earn
  guerdon program preview better.json                     what it would change, and whom it touches
  guerdon program add sample.json                         in force from now on
  guerdon program add sample.json --from 2024-01-01       for a history that is to be imported
  guerdon program add better.json --new-version           a new version of the program of that name
  guerdon program off \"Sample shop\"                       earns and redeems nothing until it is on again";

#[derive(clap::Subcommand)]
#[command(after_help = AFTER)]
pub(crate) enum Command {
    /// Say in plain words what a program document does, or what is wrong with it
    Check {
        /// The document, as JSON (docs/PROGRAM.md)
        file: PathBuf,
        /// Try an order of this amount, paid today by a new member
        #[arg(long, value_name = "AMOUNT", allow_negative_numbers = true)]
        order: Option<String>,
        /// … who has just so many points and redeems them on it
        #[arg(long, value_name = "POINTS", requires = "order", default_value = "0", value_parser = open::whole)]
        redeem: i64,
    },
    /// Say what a document would change if it became the next version, and whom it touches; nothing is stored
    Preview {
        /// The document, as JSON
        file: PathBuf,
    },
    /// Add a program, or a version of one
    #[command(after_help = AFTER)]
    Add {
        /// The document, as JSON
        file: PathBuf,
        /// In force from this day on (or this time); the past only while the program has no entries
        #[arg(long, value_name = "DATE")]
        from: Option<String>,
        /// A version of the program that is there under the document's name
        #[arg(long)]
        new_version: bool,
    },
    /// List the programs
    List,
    /// Say in plain words what a program does today, and which versions it has
    Show {
        /// What the program is called
        name: String,
        /// The document instead, as it was written
        #[arg(long)]
        document: bool,
    },
    /// Switch a program on
    On {
        /// What the program is called
        name: String,
        /// From the start of this day on (or from this time on), instead of now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
    /// Switch a program off: nothing is earned or redeemed on orders placed meanwhile
    Off {
        /// What the program is called
        name: String,
        /// From the start of this day on (or from this time on), instead of now
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
    },
}

pub(crate) fn run(database: impl Fn() -> Result<Database, StoreError>, command: Command) -> Result<Outcome> {
    match command {
        Command::Check { file, order, redeem } => {
            let (document, _) = read(&file)?;
            for line in plain_words(&document)? {
                println!("{line}");
            }
            if let Some(amount) = order {
                println!("\n{}", try_order(&document, &amount, Points::new(redeem))?);
            }
            Ok(Outcome::Ok)
        }
        Command::Preview { file } => preview(&database()?, &file),
        Command::Add { file, from, new_version } => add(&database()?, &file, from.as_deref(), new_version),
        Command::List => list(&database()?),
        Command::Show { name, document } => show(&database()?, &name, document),
        Command::On { name, at } => switch(&database()?, &name, true, at.as_deref()),
        Command::Off { name, at } => switch(&database()?, &name, false, at.as_deref()),
    }
}

/// Reads a document that is to take effect, and its text.
fn read(file: &Path) -> Result<(ProgramDocument, String)> {
    let text = open::small_file(file)?;
    let today = Zone::utc().date_of(open::now());
    let document = check(&text, today).with_context(|| format!("the program in {} cannot be", file.display()))?;
    Ok((document, text))
}

fn add(database: &Database, file: &Path, from: Option<&str>, new_version: bool) -> Result<Outcome> {
    let (document, text) = read(file)?;
    let zone = document.terms()?.zone;
    let effective_at = from.map(|it| start(it, &zone)).transpose().context("--from")?;
    let name = document.name.clone();
    let store = if new_version { open::existing(database)? } else { open::writer(database)? };
    let body = if new_version {
        Body::AddVersion { program: name.clone(), document: text, effective_at }
    } else {
        Body::CreateProgram { id: ProgramId::draw(), name: name.clone(), document: text, effective_at }
    };
    let reply = open::send(&store, body, None).with_context(|| format!("adding the program {name} failed"))?;
    let Reply::Program { version, .. } = reply else { bail!("the store answered something else") };
    let since = effective_at.map_or_else(|| "now".to_owned(), |it| zone.clock_text(it));
    println!("Program {name}, version {version}, in force from {since} on.");
    Ok(Outcome::Ok)
}

/// The start of a day, or an instant.
fn start(text: &str, zone: &Zone) -> Result<Timestamp> {
    if let Ok(date) = Date::parse(text) {
        return Ok(zone.start_of(date));
    }
    Timestamp::parse(text)
        .map_err(|_| anyhow!("\"{text}\" is neither a date (2026-03-01) nor a time (2026-03-01T12:00:00Z)"))
}

fn preview(database: &Database, file: &Path) -> Result<Outcome> {
    let (draft, _) = read(file)?;
    let reader = open::reader(database)?;
    let program = open::program_details(&reader, &draft.name)?;
    let current = program.timeline.at(open::now()).or(program.timeline.versions().first());
    let current = current.ok_or_else(|| anyhow!("the program {} has no version", draft.name))?;
    let text = program.document(current.number).ok_or_else(|| anyhow!("version {} has no document", current.number))?;
    let changes = differences(&server::program::parse(text)?, &draft)?;
    if changes.gone.is_empty() && changes.added.is_empty() {
        println!("It does what version {} does.", current.number);
        return Ok(Outcome::Ok);
    }
    println!("Compared with version {}, which is in force:", current.number);
    for line in &changes.gone {
        println!("  - {line}");
    }
    for line in &changes.added {
        println!("  + {line}");
    }
    let totals = reader.figures(&draft.name).context("reading the figures failed")?;
    let members = count(reader.member_count().context("reading the figures failed")?);
    let (terms, names) = (draft.terms()?, Names::of(&draft));
    let outstanding = Voice { terms: &terms, names: &names }.points(totals.outstanding());
    println!("\nIt holds for orders placed once it is in force, by any of {members} members.");
    println!("Their {outstanding} keep the dates they have, and orders placed before keep the terms of");
    println!("version {}, also when they are paid, edited or refunded later.", current.number);
    Ok(Outcome::Ok)
}

fn list(database: &Database) -> Result<Outcome> {
    let reader = open::reader(database)?;
    let mut columns = Columns::new("lrll");
    columns.row(["PROGRAM", "VERSION", "CURRENCY", "STATE"]);
    let now = open::now();
    for it in reader.programs().context("reading the programs failed")? {
        let current = it.timeline.at(now).or(it.timeline.versions().first());
        let currency = current.map_or("", |it| it.terms.currency.code());
        let version = current.map_or(0, |it| it.number);
        let state = if it.timeline.is_on(now) { "on" } else { "off" };
        columns.row([it.name.clone(), version.to_string(), currency.to_owned(), state.to_owned()]);
    }
    columns.print("");
    Ok(Outcome::Ok)
}

fn show(database: &Database, name: &str, document: bool) -> Result<Outcome> {
    let reader = open::reader(database)?;
    let program = open::program_details(&reader, name)?;
    let now = open::now();
    let current = program.timeline.at(now).or(program.timeline.versions().first()).map_or(1, |it| it.number);
    let text = program.document(current).ok_or_else(|| anyhow!("version {current} of {name} has no document"))?;
    if document {
        print!("{text}");
        return Ok(Outcome::Ok);
    }
    for line in plain_words(&server::program::parse(text)?)? {
        println!("{line}");
    }
    println!();
    let mut columns = Columns::new("rll");
    columns.row(["VERSION", "IN FORCE FROM", ""]);
    for it in program.timeline.versions() {
        let mark = if it.number == current { "today" } else { "" };
        columns.row([it.number.to_string(), it.terms.zone.clock_text(it.effective_at), mark.to_owned()]);
    }
    columns.print("");
    println!("The program is {}.", if program.timeline.is_on(now) { "on" } else { "off" });
    Ok(Outcome::Ok)
}

fn switch(database: &Database, name: &str, on: bool, at: Option<&str>) -> Result<Outcome> {
    let store = open::existing(database)?;
    let known = store.reader()?.program(name).context("reading the programs failed")?;
    let zone = known.and_then(|it| it.timeline.versions().last().map(|it| it.terms.zone.clone()));
    let zone = zone.unwrap_or_else(Zone::utc);
    let at = at.map(|it| start(it, &zone)).transpose().context("--at")?;
    let word = if on { "on" } else { "off" };
    let body = Body::SwitchProgram { program: name.to_owned(), on, at };
    open::send(&store, body, None).with_context(|| format!("switching the program {name} {word} failed"))?;
    println!(
        "The program {name} is {word}{}.",
        at.map_or_else(String::new, |it| format!(" from {} on", zone.clock_text(it)))
    );
    Ok(Outcome::Ok)
}
