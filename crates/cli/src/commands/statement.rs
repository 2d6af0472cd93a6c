//! `guerdon statement`: what a member has, what expires when, and why every point came or went.
//!
//! The history is read in pages, so that a long one needs no more memory; lots and order references are read at once.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow};
use engine::{
    Account, Bucket, Date, Entry, EntryNo, Horizon, LotNo, LotRef, OrderNo, Points, Timestamp, settle, value_of,
};
use server::words::{Names, Voice, entry_in_words};
use store::{Database, MemberId, MemberRef, Reader};

use crate::fault::Outcome;
use crate::open;
use crate::text::{Columns, grouped, signed};

/// Entries of one page.
const PAGE: usize = 1_000;

const AFTER: &str = "\
Examples:
  guerdon statement customer:00042
  guerdon statement card:6001234 --from 2026-01-01 --to 2026-03-31

POINTS is what can be spent more or less after an entry, BALANCE what can be spent then. Days are those of the program's
time zone.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: MemberRef,
    /// The program, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// The first day of the history that is shown
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<Date>,
    /// The last day of the history that is shown
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<Date>,
}

fn date(text: &str) -> Result<Date, String> {
    Date::parse(text).map_err(|fault| fault.to_string())
}

/// The days of the history that are shown.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Range {
    from: Option<Date>,
    to: Option<Date>,
}

impl Range {
    fn holds(self, day: Date) -> bool {
        self.from.is_none_or(|it| it <= day) && self.to.is_none_or(|it| day <= it)
    }
}

pub(crate) fn run(database: &Database, args: &Args) -> Result<Outcome> {
    let reader = open::reader(database)?;
    let id = open::find(&reader, &args.member)?;
    let program = open::program(&reader, args.program.as_deref())?;
    print(&reader, id, &program, Range { from: args.from, to: args.to })?;
    Ok(Outcome::Ok)
}

/// Prints the statement as of now.
pub(crate) fn print(reader: &Reader, id: MemberId, program: &str, range: Range) -> Result<()> {
    let details = open::program_details(reader, program)?;
    let now = open::now();
    let version = details.timeline.at(now).or(details.timeline.versions().first());
    let version = version.ok_or_else(|| anyhow!("the program {program} has no version"))?;
    let document = details.document(version.number).and_then(|it| server::program::parse(it).ok());
    let names = document.as_ref().map_or_else(Names::default, Names::of);
    let voice = Voice { terms: &version.terms, names: &names };
    let (account, due) = settled(reader, id, details.number, now)?;
    let statement = Statement { reader, id, program: details.number, voice, now, account, due };
    statement.head(&details.name)?;
    statement.lots()?;
    statement.history(range)
}

struct Statement<'a> {
    reader: &'a Reader,
    id: MemberId,
    program: u32,
    voice: Voice<'a>,
    now: Timestamp,
    /// As it is now, with all its lots.
    account: Account,
    /// What has fallen due and nobody has posted yet.
    due: Vec<Entry>,
}

/// The account as it is at an instant: a read settles as a command does, without saving.
fn settled(reader: &Reader, id: MemberId, program: u32, now: Timestamp) -> Result<(Account, Vec<Entry>)> {
    let account = reader.account(id, program).context("reading the account failed")?;
    let mut account = account.unwrap_or_default();
    for lot in reader.lots(id, program).context("reading the lots failed")? {
        account.load_lot(lot);
    }
    account.horizon = Horizon::default();
    let decided = settle(&account, now).map_err(|_| anyhow!("reading the lots failed: some are missing"))?;
    account.apply(&decided);
    Ok((account, decided.entries))
}

impl Statement<'_> {
    fn head(&self, program: &str) -> Result<()> {
        let member = self.reader.member(self.id).context("reading the member failed")?;
        let member = member.ok_or_else(|| anyhow!("there is no member {}", self.id))?;
        let identities: Vec<String> =
            member.identities.iter().map(|it| format!("{} {}", it.kind.name(), it.value)).collect();
        println!("{}  {}", member.name.as_deref().unwrap_or("Member without a name"), self.id);
        println!("{}", identities.join(", "));
        let zone = &self.voice.terms.zone;
        println!("Program {program}, as of {} ({})\n", zone.clock_text(self.now), zone.name());
        let balance = self.account.balance;
        let worth = value_of(balance.available, self.voice.terms.redeem.rate);
        let spend = format!("worth {} {}", self.voice.amount(worth), self.voice.terms.currency.code());
        let mut columns = Columns::new("lrl");
        columns.row(["Can be spent", &grouped(balance.available.get()), &spend]);
        for (label, points) in [("Waiting", balance.pending), ("Held", balance.held), ("Owed", balance.owed)] {
            if points.is_positive() {
                columns.row([label, &grouped(points.get())]);
            }
        }
        columns.row(["Issued", &grouped(balance.issued.get()), "in all"]);
        for (label, points) in [
            ("Redeemed", balance.redeemed),
            ("Taken back", balance.revoked),
            ("Deducted", balance.deducted),
            ("Expired", balance.expired),
            ("Let go", balance.let_go),
        ] {
            if points.is_positive() {
                columns.row([label, &grouped(points.get())]);
            }
        }
        columns.print("  ");
        Ok(())
    }

    /// What is left by the day on which it expires, soonest first.
    fn lots(&self) -> Result<()> {
        let zone = &self.voice.terms.zone;
        let mut coming: BTreeMap<(Timestamp, Timestamp, LotNo), (LotRef, Points)> = BTreeMap::new();
        for lot in self.account.lots() {
            let left = lot.pending + lot.available + lot.held;
            if left.is_positive() {
                coming.insert(lot.spend_key(), (lot.at, left));
            }
        }
        println!("\nComing expiries, spent in this order");
        if coming.is_empty() {
            println!("  none: no points are left");
            return Ok(());
        }
        let mut columns = Columns::new("rll");
        columns.row(["POINTS", "EARNED", "LAST DAY"]);
        for (lot, left) in coming.into_values() {
            let last = self.voice.last_day(lot.expires_at).unwrap_or_else(|| "never expire".to_owned());
            columns.row([grouped(left.get()), zone.date_of(lot.earned_at).to_string(), last]);
        }
        columns.print("  ");
        Ok(())
    }

    fn history(&self, range: Range) -> Result<()> {
        let orders: BTreeMap<OrderNo, String> = self.order_names()?;
        println!("\nHistory");
        println!("  {:<16}  {:>8}  {:>8}  WHY", "WHEN", "POINTS", "BALANCE");
        let mut after = EntryNo(0);
        let mut balance = Points::ZERO;
        loop {
            let page = self.reader.entries(self.id, self.program, after, PAGE).context("reading the history failed")?;
            let Some(last) = page.last() else { break };
            after = last.number;
            for entry in &page {
                self.entry(entry, &orders, &mut balance, range);
            }
        }
        for entry in &self.due {
            self.entry(entry, &orders, &mut balance, range);
        }
        if after == EntryNo(0) {
            println!("  nothing yet");
        }
        Ok(())
    }

    fn entry(&self, entry: &Entry, orders: &BTreeMap<OrderNo, String>, balance: &mut Points, range: Range) {
        let zone = &self.voice.terms.zone;
        let change = spendable(entry);
        *balance += change;
        if !range.holds(zone.date_of(entry.at)) {
            return;
        }
        let order = entry.order.and_then(|no| orders.get(&no)).map(String::as_str);
        let lot_of = |no: LotNo| self.account.lot(no).map(|it| it.at);
        let why = entry_in_words(entry, order, &lot_of, &self.voice);
        let (points, left) = (signed(change), grouped(balance.get()));
        println!("  {:<16}  {points:>8}  {left:>8}  {why}", zone.clock_text(entry.at));
    }

    fn order_names(&self) -> Result<BTreeMap<OrderNo, String>> {
        let orders = self.reader.orders(self.id, self.program).context("reading the orders failed")?;
        Ok(orders.into_iter().map(|it| (it.order.no, format!("{} {}", it.channel, it.reference))).collect())
    }
}

/// How much more or less can be spent after an entry.
fn spendable(entry: &Entry) -> Points {
    let change = |bucket: Bucket, points: Points| if bucket == Bucket::Available { points } else { Points::ZERO };
    entry.postings.iter().map(|it| change(it.to, it.points) - change(it.from, it.points)).sum()
}

#[test]
fn a_range_holds_its_first_and_last_day() {
    let day = |day| Date::new(2026, 3, day).expect("a day");
    let range = Range { from: Some(day(2)), to: Some(day(4)) };
    assert_eq!([1, 2, 4, 5].map(|it| range.holds(day(it))), [false, true, true, false]);
    assert!(Range::default().holds(day(1)));
}
