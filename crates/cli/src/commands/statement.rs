//! `guerdon statement`: what a member has, what expires when, and why every point came or went.
//!
//! The history is read in pages, with the lots and orders that each page names, so that a long one needs no more memory;
//! of the lots only those are read at once that still have points.

use std::collections::BTreeMap;

use anyhow::{Context, Result, anyhow, bail};
use engine::{
    Account, Bucket, Date, Entry, EntryNo, Horizon, Lot, LotNo, Points, SpendKey, Timestamp, settle, value_of,
};
use server::words::{Names, Voice, closed_in_words, entry_in_words};
use store::{Background, Database, LotCursor, LotPhase, MemberId, MemberRef, Reader};

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

    /// " from 2026-03-02 to 2026-03-04"; nothing when all days are shown.
    fn in_words(self) -> String {
        let part = |word: &str, day: Option<Date>| day.map_or_else(String::new, |it| format!(" {word} {it}"));
        part("from", self.from) + &part("to", self.to)
    }
}

pub(crate) fn run(database: &Database, args: &Args) -> Result<Outcome> {
    if let (Some(from), Some(to)) = (args.from, args.to)
        && to < from
    {
        bail!("--from {from} lies after --to {to}; allowed is the same day or an earlier one");
    }
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
    /// As it is now, with all lots that have points.
    account: Account,
    /// What has fallen due and nobody has posted yet.
    due: Vec<Entry>,
}

/// The account as it is at an instant: a read settles as a command does, without saving.
fn settled(reader: &Reader, id: MemberId, program: u32, now: Timestamp) -> Result<(Account, Vec<Entry>)> {
    let account = reader.account(id, program).context("reading the account failed")?;
    let mut account = account.unwrap_or_default();
    for phase in [LotPhase::Open, LotPhase::Waiting] {
        let mut after = None;
        loop {
            let page = reader.lots(id, program, phase, after, PAGE).context("reading the lots failed")?;
            let Some(last) = page.last() else { break };
            after = Some(LotCursor::after(last));
            page.into_iter().for_each(|it| account.load_lot(it));
        }
    }
    account.horizon = Horizon::default();
    let decided = settle(&account, reader.rules(id, program)?.rules(), now)
        .map_err(|_| anyhow!("reading the lots failed: some are missing"))?;
    account.apply(&decided);
    Ok((account, decided.entries))
}

impl Statement<'_> {
    fn head(&self, program: &str) -> Result<()> {
        let member = self.reader.member(self.id).context("reading the member failed")?;
        let member = member.ok_or_else(|| anyhow!("there is no member {}", self.id))?;
        let identities: Vec<String> =
            member.identities.iter().map(|it| format!("{}:{}", it.kind.name(), it.value)).collect();
        println!("{}  {}", member.name.as_deref().unwrap_or("Member without a name"), self.id);
        println!("{}", identities.join(", "));
        let zone = &self.voice.terms.zone;
        println!("Program {program}, as of {} ({})\n", zone.clock_text(self.now), zone.name());
        let balance = self.account.balance;
        let worth = value_of(balance.available, self.voice.terms.redeem.rate);
        let spend = format!("worth {} {}", self.voice.amount(worth), self.voice.terms.currency.code());
        let mut columns = Columns::new("lrl");
        let closed = self.account.closed();
        let label = if closed.is_some() { "Suspended" } else { "Can be spent" };
        columns.row([label, &grouped(balance.available.get()), &spend]);
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
            ("Converted", balance.converted),
            ("Expired", balance.expired),
            ("Forfeited", balance.forfeited),
            ("Let go", balance.let_go),
        ] {
            if points.is_positive() {
                columns.row([label, &grouped(points.get())]);
            }
        }
        columns.print("  ");
        if let Some(closed) = closed {
            println!("  {}", closed_in_words(closed, self.now, &self.voice));
        }
        Ok(())
    }

    /// What is left by the day on which it expires, soonest first.
    fn lots(&self) -> Result<()> {
        let mut coming: BTreeMap<(Timestamp, SpendKey), Lot> = BTreeMap::new();
        for lot in self.account.lots() {
            if (lot.pending + lot.available + lot.held).is_positive() {
                coming.insert(self.account.spend_key(lot), *lot);
            }
        }
        let order = match self.account.closed() {
            Some(_) => "if the member comes back in time",
            None => "in the order in which points are spent",
        };
        println!("\nComing expiries, {order}");
        if coming.is_empty() {
            println!("  none: no points are left");
            return Ok(());
        }
        let mut columns = Columns::new("rrrl");
        columns.row(["POINTS", "EARNED", "LAST DAY", ""]);
        for lot in coming.into_values() {
            let left = lot.pending + lot.available + lot.held;
            let last = self.voice.last_day(self.account.expires_at(&lot)).unwrap_or_else(|| "never".to_owned());
            columns.row([grouped(left.get()), self.voice.day_of(lot.at.earned_at), last, self.remark(&lot)]);
        }
        columns.print("  ");
        Ok(())
    }

    /// Why some of a lot cannot be spent now.
    fn remark(&self, lot: &Lot) -> String {
        if lot.pending.is_positive() {
            format!("can be spent from {}", self.voice.day_of(lot.at.available_at))
        } else if lot.held.is_positive() {
            format!("{} of them held", grouped(lot.held.get()))
        } else {
            String::new()
        }
    }

    fn history(&self, range: Range) -> Result<()> {
        println!("\nHistory{}", range.in_words());
        println!("  {:<16}  {:>8}  {:>8}  WHY", "WHEN", "POINTS", "BALANCE");
        let mut after = EntryNo(0);
        let mut balance = Points::ZERO;
        let mut shown = 0_u64;
        loop {
            let page = self.reader.entries(self.id, self.program, after, PAGE).context("reading the history failed")?;
            let Some(last) = page.last() else { break };
            after = last.number;
            shown += self.page(&page, &mut balance, range)?;
        }
        shown += self.page(&self.due, &mut balance, range)?;
        if shown == 0 {
            println!("  {}", if after == EntryNo(0) { "nothing yet" } else { "nothing in these days" });
        }
        Ok(())
    }

    /// Prints entries; answers how many are of the days that are shown.
    fn page(&self, entries: &[Entry], balance: &mut Points, range: Range) -> Result<u64> {
        let background = self.reader.background(self.id, self.program, entries);
        let background = background.context("reading the orders failed")?;
        Ok(entries.iter().map(|it| u64::from(self.entry(it, &background, balance, range))).sum())
    }

    /// Prints an entry, if it is of the days that are shown.
    fn entry(&self, entry: &Entry, background: &Background, balance: &mut Points, range: Range) -> bool {
        let zone = &self.voice.terms.zone;
        let change = spendable(entry);
        *balance += change;
        if !range.holds(zone.date_of(entry.at)) {
            return false;
        }
        let name = |no| Some(format!("{} {}", background.channels.get(&no)?, background.references.get(&no)?));
        let order = entry.order.and_then(name);
        let lot_of = |no: LotNo| background.lots.get(&no).copied();
        let why = entry_in_words(entry, order.as_deref(), &lot_of, &self.voice);
        let (points, left) = (signed(change), grouped(balance.get()));
        println!("  {:<16}  {points:>8}  {left:>8}  {why}", zone.clock_text(entry.at));
        true
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
    assert_eq!(range.in_words(), " from 2026-03-02 to 2026-03-04");
    assert_eq!(Range::default().in_words(), "");
}
