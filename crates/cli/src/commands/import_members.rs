//! `guerdon import members`: brings members over from another system, with what they have there: cards, points with their last
//! days, a tier, store credit, certificates.
//!
//! What a row may say and what becomes of it is the server's (`bring`): the API brings rows over by the same rule.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use anyhow::{Context, Result};
use engine::Currency;
use server::bring::{Done, Live, RowProblem, Run};
use store::Database;

use super::import::separator;
use super::trial::Trial;
use crate::fault::Outcome;
use crate::members_file::{MembersFile, RowFault};
use crate::open;
use crate::output::spare;
use crate::text::{count, counted};

/// Rows that are read before they are carried out.
const ROUND: usize = 1_024;
/// How many of them are carried out side by side.
const WORKERS: usize = 64;

const AFTER: &str = "\
Examples:
  guerdon import members members.csv --dry-run --report report.csv
  guerdon import members members.csv --report report.csv
  guerdon import members members.csv --undo --report undone.csv

Columns: member (needed: a customer id, or card:…, email:…, phone:…), name, customer, card, email, phone, type, birthday,
points, expires (the last day; left out: as the program says), tier, tier_until, credit, certificate (what it is worth),
certificate_expires, certificate_uses, reference. A member with points of several dates, or several certificates, has several
rows. docs/IMPORT.md has the details.

The same file under the same name again changes nothing. --undo takes back what is left of what it brought, and members whom it
signed up and who have done nothing since.

Exits 1 when a row was refused; all others are carried out.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Members {
    /// The file, CSV with a header
    file: PathBuf,
    /// The program whose points they are, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// What this import is called: by its name it is known again. The file's name if left out
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What separates columns
    #[arg(long, default_value = ",", value_parser = separator)]
    separator: u8,
    /// Only tell what would happen: it is tried on a copy of the database
    #[arg(long, conflicts_with = "undo")]
    dry_run: bool,
    /// Take back what is left of what this import brought
    #[arg(long)]
    undo: bool,
    /// Write what became of each row to this file, as CSV
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(crate) fn run(database: &Database, members: &Members) -> Result<Outcome> {
    let what = || format!("importing {} failed", members.file.display());
    if let Some(report) = &members.report {
        spare(report, database, Some(&members.file)).with_context(|| format!("--report {}", report.display()))?;
    }
    if !members.dry_run {
        return import(database, members).with_context(what);
    }
    let copy = Trial::of(database).context("copying the database for a dry run failed")?;
    let outcome = import(&copy.database(), members).with_context(what)?;
    println!("This was a dry run: nothing was recorded.");
    Ok(outcome)
}

fn import(database: &Database, members: &Members) -> Result<Outcome> {
    let input = File::open(&members.file).context("opening the file failed")?;
    let store = open::existing(database)?;
    let reader = store.reader().context("reading the programs failed")?;
    let program = open::program(&reader, members.program.as_deref())?;
    let details = open::program_details(&reader, &program)?;
    drop(reader);
    let now = open::now();
    let version = details.timeline.at(now).or(details.timeline.versions().first());
    let terms = &version.with_context(|| format!("the program {program} has no version"))?.terms;
    let by_file = members.file.file_name().map(|it| it.to_string_lossy().into_owned());
    let desk = Live { store, now, keys: open::fresh_key(), sent: AtomicU64::new(0) };
    let run = Run {
        desk,
        program,
        number: details.number,
        currency: terms.currency,
        name: members.name.clone().or(by_file).context("the import needs a name: --name")?,
        now,
        workers: WORKERS,
    };
    let mut file = MembersFile::open(input, members.separator, terms.zone.clone(), terms.currency)?;
    let mut report = Report::open(members.report.as_deref(), terms.currency.exponent)?;
    let mut tally = Tally::default();
    loop {
        let mut rows = Vec::with_capacity(ROUND);
        while rows.len() < ROUND
            && let Some(row) = file.next()?
        {
            rows.push(row);
        }
        if rows.is_empty() {
            break;
        }
        let fault = |it: &RowFault| RowProblem::Unread(it.problem.clone());
        let done = run.round(&rows, fault, members.undo);
        let done = done.context("recording a row failed; what came before it stays")?;
        for (row, done) in rows.iter().zip(done) {
            let (line, member) = match row {
                Err(fault) => (fault.line, fault.member.clone()),
                Ok(row) => (row.line, row.member.to_string()),
            };
            tally.rows += 1;
            if let Some(problem) = &done.problem {
                tally.refused += 1;
                eprintln!("line {line} ({member}): {problem}");
            }
            tally.add(&done);
            report.add(line, &member, &done)?;
        }
    }
    report.close()?;
    tally.say(members.undo, terms.currency);
    Ok(Outcome::found(0 < tally.refused))
}

#[derive(Default)]
struct Tally {
    rows: u64,
    refused: u64,
    sums: BTreeMap<&'static str, i64>,
}

impl Tally {
    fn add(&mut self, done: &Done) {
        let figures = [
            ("signed up", i64::from(done.signed_up)),
            ("points", done.points),
            ("credit", done.credit),
            ("certificates", done.certificates),
            ("tiers", i64::from(done.tier)),
        ];
        for (name, figure) in figures {
            *self.sums.entry(name).or_default() += figure;
        }
    }

    fn say(&self, undo: bool, currency: Currency) {
        let sum = |name: &str| self.sums.get(name).copied().unwrap_or_default();
        let [credit, certificates] =
            ["credit", "certificates"].map(|it| engine::Money::new(sum(it)).to_text(currency.exponent));
        let made = if undo { "taken back" } else { "signed up" };
        let verb = if undo { "taken back" } else { "brought over" };
        println!(
            "{}: {} members {made}; {} points, {credit} {code} of credit, {certificates} {code} in certificates and {} tiers \
             {verb}; {} refused.",
            counted(self.rows, "row"),
            sum("signed up"),
            crate::text::grouped(sum("points")),
            sum("tiers"),
            count(self.refused),
            code = currency.code(),
        );
    }
}

/// What became of each row, if that is wanted.
struct Report {
    writer: Option<csv::Writer<File>>,
    exponent: u8,
}

impl Report {
    fn open(path: Option<&std::path::Path>, exponent: u8) -> Result<Self> {
        let Some(path) = path else { return Ok(Self { writer: None, exponent }) };
        let what = || format!("writing the report {} failed", path.display());
        let mut writer = csv::Writer::from_writer(File::create(path).with_context(what)?);
        writer
            .write_record(["line", "member", "signed_up", "points", "credit", "certificate", "tier", "problem"])
            .with_context(what)?;
        Ok(Self { writer: Some(writer), exponent })
    }

    fn add(&mut self, line: u64, member: &str, done: &Done) -> Result<()> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        let yes = |it: bool| if it { "yes" } else { "" }.to_owned();
        let record = [
            line.to_string(),
            member.to_owned(),
            yes(done.signed_up),
            done.points.to_string(),
            engine::Money::new(done.credit).to_text(self.exponent),
            engine::Money::new(done.certificates).to_text(self.exponent),
            yes(done.tier),
            done.problem.as_ref().map(ToString::to_string).unwrap_or_default(),
        ];
        writer.write_record(record).context("writing the report failed")
    }

    fn close(&mut self) -> Result<()> {
        self.writer.as_mut().map_or(Ok(()), csv::Writer::flush).context("writing the report failed")
    }
}
