//! `guerdon import members`: brings members over from another system, with what they have there: cards, points with their last
//! days, a tier, store credit, certificates.
//!
//! Each row is carried out by itself and reported by itself. Points and credit are booked under permanent references made of
//! the import's name and the row's, so that a file that is sent again brings nothing twice, and can be taken back. Rows of different
//! members are sent side by side, so that they share transactions.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use engine::{Actor, Adjustment, CreditAdjustment, Currency, Money, SetTier, TierHold, Timestamp};
use store::{
    Body, Command, Database, Failure, Key, Ledger, MemberId, MemberRef, NewCertificates, Reply, Store, Time,
    certificate_ledger, credit_ledger,
};

use super::import::separator;
use super::trial::Trial;
use crate::fault::Outcome;
use crate::members_file::{MemberRow, MembersFile, RowFault, groups};
use crate::open;
use crate::output::spare;
use crate::text::{count, counted};

/// Rows that are read before they are carried out, and how many of them side by side.
const ROUND: usize = 1_024;
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
    let run = Run {
        store: &store,
        program,
        number: details.number,
        currency: terms.currency,
        name: members.name.clone().or(by_file).context("the import needs a name: --name")?,
        now,
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
        for (row, done) in rows.iter().zip(run.round(&rows, members.undo)?) {
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

struct Run<'a> {
    store: &'a Store,
    program: String,
    /// Of the program.
    number: u32,
    currency: Currency,
    name: String,
    now: Timestamp,
}

/// What became of a row, and why it went no further.
#[derive(Default)]
struct Done {
    signed_up: bool,
    /// Added, or taken back.
    points: i64,
    credit: i64,
    certificates: i64,
    tier: bool,
    problem: Option<String>,
}

impl Done {
    fn refused(problem: String) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }
}

/// Refused, and why; or the store failed.
type Sent = Result<Result<Reply, String>>;

impl Run<'_> {
    /// Rows that name nobody in common are sent side by side, so that they share transactions; answers what became of each.
    fn round(&self, rows: &[Result<MemberRow, RowFault>], undo: bool) -> Result<Vec<Done>> {
        let groups = groups(rows);
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Done)>> {
            let mut done = Vec::new();
            while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                for index in group {
                    let row = match &rows[*index] {
                        Err(fault) => Done::refused(fault.problem.clone()),
                        Ok(row) if undo => self.undo(row)?,
                        Ok(row) => self.bring(row)?,
                    };
                    done.push((*index, row));
                }
            }
            Ok(done)
        };
        let mut all: BTreeMap<usize, Done> = BTreeMap::new();
        std::thread::scope(|scope| -> Result<()> {
            let workers: Vec<_> = (0..WORKERS.min(groups.len())).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                all.extend(worker.join().map_err(|_| anyhow!("a row could not be brought over: a bug of ours"))??);
            }
            Ok(())
        })?;
        Ok(all.into_values().collect())
    }

    fn send(&self, key: Option<String>, body: Body) -> Sent {
        let key = Some(Key(key.unwrap_or_else(open::fresh_key)));
        let command = Command { key, actor: Actor::Import, time: Time::Import(self.now), seed: 0, body };
        match self.store.submit(command).wait() {
            Ok(reply) => Ok(Ok(reply)),
            Err(Failure::Rejected(rejection)) => Ok(Err(rejection.to_string())),
            Err(Failure::KeyReused) => {
                Ok(Err("the row was brought over before with other figures; allowed is the same, or another --name \
                        or reference"
                    .to_owned()))
            }
            Err(failure) => Err(failure).context("recording a row failed; what came before it stays"),
        }
    }

    fn reference(&self, row: &MemberRow) -> String {
        format!("{}: {}", self.name, row.reference)
    }

    fn is_known(&self, ledger: u32, reference: &str) -> Result<bool> {
        let reader = self.store.reader().context("looking a row up failed")?;
        Ok(reader.referred(ledger, reference).context("looking a row up failed")?.is_some())
    }

    fn bring(&self, row: &MemberRow) -> Result<Done> {
        let mut done = Done::default();
        match self.bring_into(row, &mut done)? {
            Ok(()) => {}
            Err(problem) => done.problem = Some(problem),
        }
        Ok(done)
    }

    fn bring_into(&self, row: &MemberRow, done: &mut Done) -> Result<Result<(), String>> {
        let member = match self.sign_up(row, done)? {
            Ok(member) => MemberRef::Id(member),
            Err(problem) => return Ok(Err(problem)),
        };
        let (reference, note) = (self.reference(row), format!("brought over: {}", self.name));
        if let Some(points) = row.points {
            let is_known = self.is_known(self.number, &reference)?;
            let adjustment = Adjustment { points, note: note.clone(), expires_at: row.expires_at };
            let (program, reference) = (self.program.clone(), Some(reference.clone()));
            let body = Body::Adjust { program, member: member.clone(), adjustment, reference };
            match self.send(None, body)? {
                Ok(_) => done.points = if is_known { 0 } else { points.get() },
                Err(problem) => return Ok(Err(format!("points: {problem}"))),
            }
        }
        if let Some(amount) = row.credit {
            let currency = self.currency.code;
            let is_known = self.is_known(credit_ledger(currency), &reference)?;
            let adjustment = CreditAdjustment { amount, note: note.clone() };
            let (member, reference) = (member.clone(), Some(reference.clone()));
            let body = Body::AdjustCredit { currency, member, adjustment, reference };
            match self.send(None, body)? {
                Ok(_) => done.credit = if is_known { 0 } else { amount.minor() },
                Err(problem) => return Ok(Err(format!("credit: {problem}"))),
            }
        }
        if let Some(value) = row.certificate
            && let Err(problem) = self.give(row, value, &member, (&reference, &note), done)?
        {
            return Ok(Err(format!("certificate: {problem}")));
        }
        match &row.tier {
            Some(tier) => self.set_tier(member, Some(tier.clone()), row.tier_until, note, done),
            None => Ok(Ok(())),
        }
    }

    fn give(
        &self,
        row: &MemberRow,
        value: Money,
        member: &MemberRef,
        (reference, note): (&str, &str),
        done: &mut Done,
    ) -> Result<Result<(), String>> {
        let is_known = self.is_known(certificate_ledger(self.currency), reference)?;
        let (uses, validity) = (row.certificate_uses, row.certificate_expires);
        let new = NewCertificates { value, count: 1, uses, validity, note: note.to_owned() };
        let (program, member) = (self.program.clone(), member.clone());
        let body = Body::IssueCertificates { program, member, new, reference: Some(reference.to_owned()) };
        Ok(self.send(None, body)?.map(|_| done.certificates = if is_known { 0 } else { value.minor() }))
    }

    /// The id of whoever this import signs up: it says so for ever.
    fn id_of(&self, member: &MemberRef, at: Timestamp) -> MemberId {
        MemberId::derived(at, format!("{}: {member}", self.name).as_bytes())
    }

    /// Signs the row's member up, or gives one who is known the identities that are new.
    fn sign_up(&self, row: &MemberRow, done: &mut Done) -> Result<Result<MemberId, String>> {
        let reader = self.store.reader().context("looking a member up failed")?;
        let known = reader.find(&row.member).context("looking a member up failed")?;
        drop(reader);
        let Some(known) = known else {
            let body = Body::SignUp {
                id: self.id_of(&row.member, self.now),
                name: row.name.clone(),
                identities: row.identities.clone(),
                facts: row.facts.clone(),
            };
            return Ok(match self.send(None, body)? {
                Ok(Reply::Member { id, created }) => {
                    done.signed_up = created;
                    Ok(id)
                }
                Ok(_) => bail!("the store answered something else"),
                Err(problem) => Err(problem),
            });
        };
        for identity in &row.identities {
            let body = Body::AddIdentity { member: MemberRef::Id(known), identity: identity.clone() };
            if let Err(problem) = self.send(None, body)? {
                return Ok(Err(format!("{}: {problem}", identity.kind.name())));
            }
        }
        Ok(Ok(known))
    }

    /// Sets a tier unless it is set so already.
    fn set_tier(
        &self,
        member: MemberRef,
        tier: Option<String>,
        until: Option<Timestamp>,
        note: String,
        done: &mut Done,
    ) -> Result<Result<(), String>> {
        let standing = self.tier_of(&member)?;
        let wanted = (tier.as_deref().map(str::to_owned), until.unwrap_or(Timestamp::NEVER), TierHold::Set);
        if standing.is_some_and(|it| it == wanted) {
            return Ok(Ok(()));
        }
        let set = SetTier { tier, until, note };
        Ok(match self.send(None, Body::SetTier { program: self.program.clone(), member, set })? {
            Ok(_) => {
                done.tier = true;
                Ok(())
            }
            Err(problem) => Err(format!("tier: {problem}")),
        })
    }

    fn tier_of(&self, member: &MemberRef) -> Result<Option<(Option<String>, Timestamp, TierHold)>> {
        let reader = self.store.reader().context("looking a tier up failed")?;
        let Some(id) = reader.find(member).context("looking a tier up failed")? else { return Ok(None) };
        let standing = reader.standing(id, self.number, self.now, 0).context("looking a tier up failed")?;
        let state = standing.progress.and_then(|it| it.standing);
        Ok(state.map(|it| (it.tier.as_deref().map(str::to_owned), it.review_at, it.hold)))
    }

    /// Takes back what is left of what the row brought.
    fn undo(&self, row: &MemberRow) -> Result<Done> {
        let mut done = Done::default();
        let reader = self.store.reader().context("looking a member up failed")?;
        if reader.find(&row.member).context("looking a member up failed")?.is_none() {
            // Taken back before, or never brought over.
            return Ok(done);
        }
        drop(reader);
        let reference = self.reference(row);
        let points = row.points.map(|it| (Ledger::Points(self.program.clone()), self.number, it.get()));
        let currency = self.currency.code;
        let credit = row.credit.map(|it| (Ledger::Credit(currency), credit_ledger(currency), it.minor()));
        let ledger = certificate_ledger(self.currency);
        let certificate = row.certificate.map(|it| (Ledger::Certificates(currency), ledger, it.minor()));
        for (from, ledger, brought) in points.into_iter().chain(credit).chain(certificate) {
            if !self.is_known(ledger, &reference)? {
                continue;
            }
            let what = match from {
                Ledger::Points(_) => "points",
                Ledger::Credit(_) => "credit",
                Ledger::Certificates(_) => "certificate",
            };
            let (member, note) = (row.member.clone(), format!("taken back: {}", self.name));
            match self.send(None, Body::Withdraw { from, member, reference: reference.clone(), note })? {
                Ok(Reply::Withdrawn { points }) => {
                    match what {
                        "points" => done.points = points.get(),
                        "credit" => done.credit = points.get(),
                        _ => done.certificates = points.get(),
                    }
                    if points.get() < brought {
                        done.problem = Some(format!("{what}: only a part was there to be taken back, or none"));
                    }
                }
                Ok(_) => bail!("the store answered something else"),
                Err(problem) => done.problem = Some(problem),
            }
        }
        let is_set = self.tier_of(&row.member)?;
        if row.tier.is_some() && is_set.is_some_and(|it| it.0 == row.tier && it.2 == TierHold::Set) {
            let note = format!("taken back: {}", self.name);
            if let Err(problem) = self.set_tier(row.member.clone(), None, None, note, &mut done)? {
                done.problem = Some(problem);
            }
        }
        done.signed_up = self.take_back(row)?;
        Ok(done)
    }

    /// Takes back the sign-up of whoever this import signed up and who has done nothing since. Others stay, which is no fault; and
    /// whoever has more rows goes with the last one.
    fn take_back(&self, row: &MemberRow) -> Result<bool> {
        let reader = self.store.reader().context("looking a member up failed")?;
        let Some(known) = reader.find(&row.member).context("looking a member up failed")? else { return Ok(false) };
        drop(reader);
        if known != self.id_of(&row.member, known.made_at()) {
            return Ok(false);
        }
        let body = Body::Erase { member: MemberRef::Id(known), only_unused: true };
        Ok(self.send(None, body)?.is_ok())
    }
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
            done.problem.clone().unwrap_or_default(),
        ];
        writer.write_record(record).context("writing the report failed")
    }

    fn close(&mut self) -> Result<()> {
        self.writer.as_mut().map_or(Ok(()), csv::Writer::flush).context("writing the report failed")
    }
}
