//! `guerdon import orders`: a file of orders, each submitted at its own time, as live ones are.
//!
//! A bad line is reported by number and field, and the rest goes on. Sending a file again changes nothing: what is known
//! already is answered as a retry. Memory is bounded by the commands in flight, and by 16 bytes for each distinct member and
//! reference of the file.

use std::collections::HashSet;
use std::fs::File;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail};
use clap::ValueEnum;
use engine::{Actor, Currency, DocumentVersion, Rejection, Status, limits};
use store::{
    Body, Command as StoreCommand, Database, Failure, IdentityKind, Key, MemberId, MemberRef, Reply, Store, Time,
};

use crate::fault::Outcome;
use crate::flight::Flight;
use crate::open;
use crate::orders::{
    CsvFault, CsvFile, CsvShape, Mapped, Mapping, NdjsonFile, OrderFile, OrderLine, Shop, Trouble, field_of,
};
use crate::output::spare;
use crate::progress::Progress;
use crate::text::{count, counted};

/// Problems that are shown; a report file holds all of them.
const SHOWN_MAX: u64 = 20;

const AFTER: &str = "\
Examples:
  guerdon import orders orders.csv --channel web --sign-up
  guerdon import orders sales.csv --channel till --member-kind card \\
      --map member=Card --map reference=Receipt --map placed=Date --map amount=Total --report problems.csv
  guerdon import orders history.txt --channel web --no-header --map member=1 --map placed=2 --map amount=4
  guerdon import orders orders.ndjson --channel web

Fields: member, amount, placed (needed); reference (the row number if left out), paid (as placed if there is no column),
fulfilled, cancelled, at, version, currency, redeem, refunded, returned, quantity, product, category, discount, coupon,
shipping, tax. A line of NDJSON with \"lines\" is a whole order. docs/IMPORT.md has the details.

Exits 1 when a line was refused; all others are recorded.";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Bring in orders from CSV or NDJSON
    #[command(after_help = AFTER)]
    Orders(Orders),
    /// Bring members over, with what they have: a dry run, a report for each row, and an undo
    Members(super::import_members::Members),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    Csv,
    Ndjson,
}

#[derive(clap::Args)]
pub(crate) struct Orders {
    /// The file; - is standard input
    file: PathBuf,
    /// The channel that sold
    #[arg(long, value_name = "NAME")]
    channel: String,
    /// By the file's ending if left out
    #[arg(long)]
    format: Option<Format>,
    /// Which column holds a field: by its header, or by its position from 1
    #[arg(long, value_name = "FIELD=COLUMN")]
    map: Vec<Mapped>,
    /// The file has no header row
    #[arg(long)]
    no_header: bool,
    /// What separates columns
    #[arg(long, default_value = ",", value_parser = separator)]
    separator: u8,
    /// What a bare value in the member column is
    #[arg(long, default_value = "customer", value_parser = kind)]
    member_kind: IdentityKind,
    /// The time zone of dates without a time; the program's if left out
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    zone: Option<engine::Zone>,
    /// Sign up members that are not known yet
    #[arg(long)]
    sign_up: bool,
    /// Leave keys of NDJSON aside that are no field
    #[arg(long)]
    ignore_unknown: bool,
    /// Write all problems to this file, as CSV
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

pub(crate) fn separator(text: &str) -> Result<u8, String> {
    match text {
        "\\t" | "tab" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] if byte.is_ascii_punctuation() || *byte == b'\t' => Ok(*byte),
            _ => Err("allowed is one character such as , or ; or the word tab".to_owned()),
        },
    }
}

fn kind(text: &str) -> Result<IdentityKind, String> {
    let found = IdentityKind::ALL.into_iter().find(|it| it.name() == text);
    found.ok_or_else(|| "allowed are customer, card, email and phone".to_owned())
}

fn zone(text: &str) -> Result<engine::Zone, String> {
    engine::Zone::named(text)
        .ok_or_else(|| "there is no such time zone; allowed is a name such as Europe/Zurich".to_owned())
}

pub(crate) fn run(database: &Database, command: Command) -> Result<Outcome> {
    let orders = match command {
        Command::Orders(orders) => orders,
        Command::Members(members) => return super::import_members::run(database, &members),
    };
    let what = format!("importing {} failed", orders.file.display());
    import(database, &orders).context(what)
}

fn import(database: &Database, orders: &Orders) -> Result<Outcome> {
    let started = Instant::now();
    if let Some(report) = &orders.report {
        spare(report, database, Some(&orders.file)).with_context(|| format!("--report {}", report.display()))?;
    }
    let (input, size) = input(&orders.file)?;
    let mut file = order_file(orders, input)?;
    let store = open::existing(database)?;
    let shop = shop(&store.reader().context("reading the channels failed")?, orders)?;
    let mut run = Run {
        orders,
        flight: Flight::new(&store),
        members: LookUp { store: &store, seen: HashSet::new() },
        references: HashSet::new(),
        currency: shop.currency,
        tally: Tally::default(),
        report: Report::open(orders.report.as_deref())?,
        progress: Progress::new("reading bytes", size),
    };
    while let Some(line) = file.next(&shop).context("reading failed")? {
        run.tally.lines += 1;
        match line {
            Ok(line) => run.submit(line)?,
            Err(trouble) => run.refuse(&trouble)?,
        }
        run.progress.set(file.bytes());
    }
    run.land_all()?;
    run.progress.finish();
    run.report.close()?;
    run.tally.say(orders, started);
    Ok(Outcome::found(0 < run.tally.refused))
}

/// The file and its size in bytes.
fn input(path: &Path) -> Result<(Box<dyn Read>, u64)> {
    if path.as_os_str() == "-" {
        return Ok((Box::new(std::io::stdin().lock()), 0));
    }
    let file = File::open(path).context("opening the file failed")?;
    let size = file.metadata().context("opening the file failed")?;
    if size.is_dir() {
        bail!("it is a folder; allowed is a file");
    }
    Ok((Box::new(file), size.len()))
}

fn order_file(orders: &Orders, input: Box<dyn Read>) -> Result<OrderFile<Box<dyn Read>>> {
    let mapping = Mapping::new(orders.map.clone())?;
    let ending = orders.file.extension().and_then(|it| it.to_str()).unwrap_or_default().to_ascii_lowercase();
    let by_ending = if matches!(ending.as_str(), "ndjson" | "jsonl" | "json") { Format::Ndjson } else { Format::Csv };
    match orders.format.unwrap_or(by_ending) {
        Format::Ndjson => Ok(OrderFile::Ndjson(NdjsonFile::new(input, mapping, orders.ignore_unknown))),
        Format::Csv => {
            let shape = CsvShape { header: !orders.no_header, separator: orders.separator };
            let file = CsvFile::open(input, &shape, &mapping).map_err(|fault| match fault {
                CsvFault::Read(error) => anyhow::Error::new(error).context("reading the first line failed"),
                CsvFault::Columns(fault) => fault.into(),
            })?;
            Ok(OrderFile::Csv(Box::new(file)))
        }
    }
}

fn shop(reader: &store::Reader, orders: &Orders) -> Result<Shop> {
    let channels = reader.channels().context("reading the channels failed")?;
    let channel = channels.iter().find(|it| it.name == orders.channel).ok_or_else(|| {
        let names: Vec<&str> = channels.iter().map(|it| it.name.as_str()).collect();
        let hint = "add it with `guerdon channel add`";
        anyhow!("there is no channel {}; there are: {}; {hint}", orders.channel, names.join(", "))
    })?;
    let program = open::program_details(reader, &channel.program)?;
    let terms = program.timeline.versions().first().map(|it| &it.terms);
    let terms = terms.ok_or_else(|| anyhow!("the program {} has no version", channel.program))?;
    Ok(Shop {
        zone: orders.zone.clone().unwrap_or_else(|| terms.zone.clone()),
        currency: terms.currency,
        kind: orders.member_kind,
        latest: open::now().plus_minutes(limits::AHEAD_MINUTES_MAX),
    })
}

struct Run<'a> {
    orders: &'a Orders,
    flight: Flight<'a, Sent>,
    members: LookUp<'a>,
    /// References without a version, hashed: an order that appears again needs one.
    references: HashSet<u128>,
    /// Of the program.
    currency: Currency,
    tally: Tally,
    report: Report,
    progress: Progress,
}

/// Which members are known already.
struct LookUp<'a> {
    store: &'a Store,
    /// Members that were looked up or signed up, hashed.
    seen: HashSet<u128>,
}

impl LookUp<'_> {
    /// Whether the member was seen in this file, or is in the database.
    fn is_known(&mut self, member: &MemberRef, name: &str) -> Result<bool> {
        if !self.seen.insert(hash(name)) {
            return Ok(true);
        }
        // A snapshot for each question: one that is kept would hold up the writer that we are about to wait for.
        let reader = self.store.reader().context("looking a member up failed")?;
        Ok(reader.find(member).context("looking a member up failed")?.is_some())
    }
}

/// What a command on its way was about.
enum Sent {
    Order { line: u64, reference: String, is_flat: bool },
    SignUp { line: u64 },
}

impl Run<'_> {
    fn submit(&mut self, order: OrderLine) -> Result<()> {
        let given = order.document.version != DocumentVersion::Arrival;
        if !given && !self.references.insert(hash(&order.reference)) {
            return self.refuse(&Trouble {
                line: order.line,
                reference: Some(order.reference),
                field: Some("version".to_owned()),
                problem: "the order was in this file before; allowed is a version that says which is newer".to_owned(),
            });
        }
        if self.orders.sign_up
            && let Some(member) = &order.member
        {
            self.sign_up(member, &order)?;
        }
        let command = StoreCommand {
            key: None,
            actor: Actor::Import,
            time: Time::Import(order.at),
            seed: 0,
            body: Body::PutOrder {
                channel: self.orders.channel.clone(),
                member: order.member,
                reference: order.reference.clone(),
                document: Arc::new(order.document),
                certificates: None,
            },
        };
        let sent = Sent::Order { line: order.line, reference: order.reference, is_flat: order.is_flat };
        self.send(sent, command)
    }

    /// Signs the member up unless it is known.
    fn sign_up(&mut self, member: &MemberRef, order: &OrderLine) -> Result<()> {
        let MemberRef::Identity(identity) = member else { return Ok(()) };
        let name = member.to_string();
        if self.members.is_known(member, &name)? {
            return Ok(());
        }
        let command = StoreCommand {
            key: Some(Key(format!("sign-up-{name}"))),
            actor: Actor::Import,
            time: Time::Import(order.at),
            seed: 0,
            body: Body::SignUp {
                id: MemberId::derived(order.at, name.as_bytes()),
                name: None,
                identities: vec![identity.clone()],
                facts: engine::Facts::default(),
            },
        };
        self.send(Sent::SignUp { line: order.line }, command)
    }

    fn send(&mut self, sent: Sent, command: StoreCommand) -> Result<()> {
        match self.flight.send(sent, command) {
            Some((sent, result)) => self.landed(sent, result),
            None => Ok(()),
        }
    }

    fn land_all(&mut self) -> Result<()> {
        while let Some((sent, result)) = self.flight.land() {
            self.landed(sent, result)?;
        }
        Ok(())
    }

    fn landed(&mut self, sent: Sent, result: Result<Reply, Failure>) -> Result<()> {
        match (sent, result) {
            (Sent::Order { .. }, Ok(Reply::Order { answer, .. })) => {
                match answer.status {
                    Status::Recorded => self.tally.recorded += 1,
                    Status::Retry | Status::Stale => self.tally.unchanged += 1,
                }
                Ok(())
            }
            (Sent::SignUp { .. }, Ok(Reply::Member { created, .. })) => {
                self.tally.signed_up += u64::from(created);
                Ok(())
            }
            (Sent::Order { line, reference, is_flat }, Err(Failure::Rejected(rejection))) => {
                let mut trouble = refused(line, reference, &rejection, &self.currency);
                if is_flat {
                    trouble.field = trouble.field.map(|it| field_of(&it).to_owned());
                }
                self.refuse(&trouble)
            }
            (Sent::SignUp { line }, Err(Failure::Rejected(rejection))) => {
                self.refuse(&Trouble::of(line, "member", rejection.to_string()))
            }
            (Sent::Order { line, .. } | Sent::SignUp { line }, Err(Failure::Internal)) => {
                self.refuse(&Trouble::at(line, Failure::Internal.to_string()))
            }
            (Sent::Order { line, .. } | Sent::SignUp { line }, Err(failure)) => Err(failure).with_context(|| {
                format!(
                    "recording line {line} failed; what came before it stays: import the file again when this is solved"
                )
            }),
            (_, Ok(_)) => bail!("the store answered something else"),
        }
    }

    fn refuse(&mut self, trouble: &Trouble) -> Result<()> {
        self.tally.refused += 1;
        if self.tally.refused <= SHOWN_MAX {
            self.progress.say(&trouble.to_string());
        }
        self.report.add(trouble)
    }
}

/// A refusal by the rules, with the field it names.
fn refused(line: u64, reference: String, rejection: &Rejection, currency: &Currency) -> Trouble {
    let text = rejection.to_string();
    let field = match rejection {
        Rejection::Invalid { path, .. } => path.to_string(),
        Rejection::DateTooOld { path } | Rejection::DateAhead { path } => (*path).to_owned(),
        Rejection::WrongCurrency => "currency".to_owned(),
        Rejection::VersionKind | Rejection::VersionConflict => "version".to_owned(),
        Rejection::UnknownMember | Rejection::OtherMember | Rejection::ClaimEnded { .. } => "member".to_owned(),
        Rejection::UnknownOrder => "order".to_owned(),
        Rejection::UnknownTier => "tier".to_owned(),
        Rejection::UnknownHold | Rejection::HoldTaken => "hold".to_owned(),
        Rejection::UnknownCertificate
        | Rejection::CertificateClaimed
        | Rejection::CertificateCancelled { .. }
        | Rejection::CertificateExpired { .. }
        | Rejection::CertificateUsed { .. }
        | Rejection::CertificateOfOrder { .. }
        | Rejection::CertificateExceedsOrder { .. } => "certificates".to_owned(),
        // What staff do and what earns without an order comes in no line of orders.
        Rejection::UnknownLot => "lot".to_owned(),
        Rejection::NoRewards | Rejection::UnknownActivity | Rejection::ActivityLimit { .. } => "activity".to_owned(),
        Rejection::UnknownReward
        | Rejection::RewardNotYet { .. }
        | Rejection::RewardOver { .. }
        | Rejection::RewardTier
        | Rejection::RewardSoldOut
        | Rejection::RewardLimit { .. }
        | Rejection::UnknownClaim
        | Rejection::ClaimCancelled
        | Rejection::PointsOwed { .. } => "reward".to_owned(),
        Rejection::ExceedsExpired { .. } => "points".to_owned(),
        Rejection::NotWithDiscounts
        | Rejection::AccountClosed
        | Rejection::CardBlocked
        | Rejection::BalanceBelowMinimum { .. }
        | Rejection::BelowMinimum { .. }
        | Rejection::NotInSteps { .. }
        | Rejection::AboveMaximum { .. }
        | Rejection::AboveShare { .. }
        | Rejection::ExceedsOrder { .. }
        | Rejection::InsufficientPoints { .. }
        | Rejection::BehindAccount
        | Rejection::CannotMerge
        | Rejection::CannotUndo
        | Rejection::OrderType
        | Rejection::ProgramOff => "redeem".to_owned(),
        Rejection::UnknownChannel | Rejection::UnknownProgram => "channel".to_owned(),
        Rejection::CreditExceedsOrder { .. } | Rejection::InsufficientCredit { .. } => "credit".to_owned(),
        Rejection::IdentityTaken => "member".to_owned(),
    };
    let problem = text.strip_prefix(&format!("{field}: ")).unwrap_or(&text).to_owned();
    let problem = match rejection {
        Rejection::UnknownMember => format!("{problem}; sign it up, or pass --sign-up"),
        Rejection::WrongCurrency => format!("allowed is {}, the currency of the program", currency.code()),
        _ => problem,
    };
    Trouble { line, reference: Some(reference), field: Some(field), problem }
}

#[derive(Default)]
struct Tally {
    lines: u64,
    recorded: u64,
    unchanged: u64,
    refused: u64,
    signed_up: u64,
}

impl Tally {
    fn say(&self, orders: &Orders, started: Instant) {
        if SHOWN_MAX < self.refused {
            let more = counted(self.refused - SHOWN_MAX, "more problem");
            match &orders.report {
                Some(path) => eprintln!("… and {more}: see {}", path.display()),
                None => eprintln!("… and {more}; --report FILE keeps all of them"),
            }
        }
        println!(
            "{}: {} new or changed, {} unchanged, {} refused; {} signed up, in {:.1} s.",
            counted(self.lines, "order"),
            count(self.recorded),
            count(self.unchanged),
            count(self.refused),
            counted(self.signed_up, "member"),
            started.elapsed().as_secs_f64(),
        );
    }
}

/// The file of problems, if one is wanted.
struct Report(Option<csv::Writer<File>>);

impl Report {
    fn open(path: Option<&Path>) -> Result<Self> {
        let Some(path) = path else { return Ok(Self(None)) };
        let what = || format!("writing the report {} failed", path.display());
        let mut writer = csv::Writer::from_writer(File::create(path).with_context(what)?);
        writer.write_record(["line", "reference", "field", "problem"]).with_context(what)?;
        Ok(Self(Some(writer)))
    }

    fn add(&mut self, trouble: &Trouble) -> Result<()> {
        let Some(writer) = &mut self.0 else { return Ok(()) };
        let field = trouble.field.as_deref().unwrap_or_default();
        let reference = trouble.reference.as_deref().unwrap_or_default();
        let line = trouble.line.to_string();
        writer.write_record([&line, reference, field, &trouble.problem]).context("writing the report failed")
    }

    fn close(&mut self) -> Result<()> {
        self.0.as_mut().map_or(Ok(()), csv::Writer::flush).context("writing the report failed")
    }
}

fn hash(text: &str) -> u128 {
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, text).hash(&mut hasher);
        u128::from(hasher.finish())
    };
    (half(0) << 64) | half(1)
}
