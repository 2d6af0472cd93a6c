//! `guerdon export`: the canonical ledger as NDJSON, and lists as CSV, all from one snapshot beside the writer.

use std::io::{BufWriter, Write};
use std::path::PathBuf;

use anyhow::{Context, Result};
use engine::OrderNo;
use store::{Database, MemberId, MemberInfo, MemberRef, OrderInfo, Reader};

use crate::fault::Outcome;
use crate::open;
use crate::output::{Output, spare};
use crate::progress::Progress;

/// Members or orders of one page.
const PAGE: usize = 1_000;

const AFTER: &str = "\
Examples:
  guerdon export ledger --to ledger.ndjson
  guerdon export balances > balances.csv
  guerdon export person card:6001234 --to person.json

The ledger is in the order of member, program and entry, and the same bytes for the same ledger. With --to, the file is
replaced when all of it is written; a database is never overwritten.";

#[derive(clap::Subcommand)]
#[command(after_help = AFTER)]
pub(crate) enum Command {
    /// Every entry, as NDJSON
    Ledger(To),
    /// Members with their identities, as CSV: personal data
    Members(To),
    /// Orders with what they earned and redeemed, as CSV
    Orders(To),
    /// What each member has now, as CSV
    Balances(To),
    /// Everything that is held of one person, as JSON
    Person(Person),
}

#[derive(clap::Args)]
pub(crate) struct Person {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: MemberRef,
    #[command(flatten)]
    to: To,
}

#[derive(clap::Args)]
pub(crate) struct To {
    /// The file to write; standard output if left out
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
}

pub(crate) fn run(database: &Database, command: &Command) -> Result<Outcome> {
    let (Command::Ledger(to)
    | Command::Members(to)
    | Command::Orders(to)
    | Command::Balances(to)
    | Command::Person(Person { to, .. })) = command;
    let what = || match &to.to {
        Some(path) => format!("exporting to {} failed", path.display()),
        None => "exporting failed".to_owned(),
    };
    let reader = open::reader(database)?;
    let mut progress = Progress::new("exporting", 0);
    match &to.to {
        Some(path) => {
            spare(path, database, None).with_context(what)?;
            let mut output = Output::create(path).with_context(what)?;
            write(command, &reader, &mut output, &mut progress).with_context(what)?;
            output.finish().with_context(what)?;
        }
        None => {
            let mut output = BufWriter::new(std::io::stdout().lock());
            write(command, &reader, &mut output, &mut progress).with_context(what)?;
            output.flush().with_context(what)?;
        }
    }
    progress.finish();
    Ok(Outcome::Ok)
}

fn write(command: &Command, reader: &Reader, output: &mut dyn Write, progress: &mut Progress) -> Result<()> {
    match command {
        Command::Ledger(_) => Ok(reader.export(output, &mut |done| progress.set(done)).map(|_| ())?),
        Command::Members(_) => members(reader, output, progress),
        Command::Orders(_) => orders(reader, output, progress),
        Command::Balances(_) => balances(reader, output, progress),
        Command::Person(Person { member, .. }) => {
            let told = server::person_as_json(reader, member, open::now())?;
            Ok(writeln!(output, "{}", told.with_context(|| format!("there is no member {member}"))?)?)
        }
    }
}

/// Calls `each` with every member, page after page.
fn every_member(
    reader: &Reader,
    progress: &mut Progress,
    mut each: impl FnMut(&MemberInfo) -> Result<()>,
) -> Result<()> {
    let mut after: Option<MemberId> = None;
    let mut done = 0;
    loop {
        let page = reader.members(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.id);
        for member in &page {
            each(member)?;
            done += 1;
        }
        progress.set(done);
    }
}

/// Calls `each` with every order of an account, page after page.
fn every_order(
    reader: &Reader,
    member: MemberId,
    program: u32,
    mut each: impl FnMut(&OrderInfo) -> Result<()>,
) -> Result<()> {
    let mut after = OrderNo(0);
    loop {
        let page = reader.orders(member, program, after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = last.order.no;
        page.iter().try_for_each(&mut each)?;
    }
}

fn members(reader: &Reader, output: &mut dyn Write, progress: &mut Progress) -> Result<()> {
    let mut csv = csv::Writer::from_writer(output);
    csv.write_record(["member", "name", "customers", "cards", "emails", "phones"])?;
    every_member(reader, progress, |member| {
        let values = store::IdentityKind::ALL.map(|kind| {
            let values = member.identities.iter().filter(|it| it.kind == kind).map(|it| it.value.as_str());
            values.collect::<Vec<_>>().join(" ")
        });
        let [customers, cards, emails, phones] = values;
        let name = member.name.clone().unwrap_or_default();
        csv.write_record([member.id.to_string(), name, customers, cards, emails, phones])?;
        Ok(())
    })?;
    Ok(csv.flush()?)
}

fn orders(reader: &Reader, output: &mut dyn Write, progress: &mut Progress) -> Result<()> {
    let programs = reader.programs()?;
    let mut csv = csv::Writer::from_writer(output);
    csv.write_record([
        "member",
        "program",
        "order",
        "channel",
        "reference",
        "placed_at",
        "paid_at",
        "fulfilled_at",
        "cancelled_at",
        "currency",
        "amount",
        "refunded",
        "earned",
        "redeemed",
    ])?;
    every_member(reader, progress, |member| {
        for program in &programs {
            let terms = program.timeline.versions().first().map(|it| &it.terms);
            let exponent = terms.map_or(2, |it| it.currency.exponent);
            every_order(reader, member.id, program.number, |it| {
                let document = &it.document;
                let time = |at: Option<engine::Timestamp>| at.map_or_else(String::new, |at| at.to_string());
                let amount: engine::Money = document.lines.iter().map(|it| it.amount - it.discount).sum();
                let OrderNo(number) = it.order.no;
                csv.write_record([
                    member.id.to_string(),
                    program.name.clone(),
                    number.to_string(),
                    it.channel.clone(),
                    it.reference.clone(),
                    document.placed_at.to_string(),
                    time(document.paid_at),
                    time(document.fulfilled_at),
                    time(document.cancelled_at),
                    String::from_utf8_lossy(&document.currency).into_owned(),
                    (amount - document.discount - document.coupon).to_text(exponent),
                    document.refunded.to_text(exponent),
                    it.order.posted.earned.to_string(),
                    it.order.posted.redeemed().to_string(),
                ])?;
                Ok(())
            })?;
        }
        Ok(())
    })?;
    Ok(csv.flush()?)
}

fn balances(reader: &Reader, output: &mut dyn Write, progress: &mut Progress) -> Result<()> {
    let programs = reader.programs()?;
    let now = open::now();
    let mut csv = csv::Writer::from_writer(output);
    csv.write_record([
        "member",
        "program",
        "available",
        "pending",
        "held",
        "owed",
        "issued",
        "redeemed",
        "revoked",
        "deducted",
        "expired",
        "let_go",
    ])?;
    every_member(reader, progress, |member| {
        for program in &programs {
            let it = reader.balance(member.id, program.number, now)?;
            let points = [
                it.available,
                it.pending,
                it.held,
                it.owed,
                it.issued,
                it.redeemed,
                it.revoked,
                it.deducted,
                it.expired,
                it.let_go,
            ];
            let mut record = vec![member.id.to_string(), program.name.clone()];
            record.extend(points.map(|it| it.to_string()));
            csv.write_record(record)?;
        }
        Ok(())
    })?;
    Ok(csv.flush()?)
}
