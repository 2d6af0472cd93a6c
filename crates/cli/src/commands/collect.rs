//! `guerdon collect`: staff hand out the rewards that members have reached, of one member or in a run over everyone.

use anyhow::{Context, Result, bail};
use engine::{LotNo, Money, Rejection, Timestamp};
use server::spaced;
use store::{Body, CertificateRef, Database, Failure, MemberId, MemberRef, Reader, Reply, Store};

use crate::everyone::{Each, everyone};
use crate::fault::Outcome;
use crate::open;
use crate::text::counted;

const AFTER: &str = "\
Examples:
  guerdon collect --everyone --note \"Rewards of March\" --dry-run
  guerdon collect --everyone --note \"Rewards of March\" > march.csv
  guerdon collect customer:00042 --note \"at the till\"

Points become certificates as the program says under `convert`; each line names a member, its code, what it is worth and the last day
on which it can be used, to be printed or sent. Whoever has reached none is left out. Broken off, it is run again: nobody is given
twice for the same points.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member, required_unless_present = "everyone", conflicts_with = "everyone")]
    member: Option<MemberRef>,
    /// All members of the program
    #[arg(long)]
    everyone: bool,
    /// Why; the member's statement shows it
    #[arg(long)]
    note: String,
    /// The program, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
    /// Only tell who would be given how many
    #[arg(long)]
    dry_run: bool,
}

#[derive(Default)]
struct Tally {
    members: u64,
    rewards: u64,
}

pub(crate) fn run(database: &Database, args: Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    let reader = store.reader().context("reading the programs failed")?;
    let name = open::program(&reader, args.program.as_deref())?;
    let program = open::program_details(&reader, &name)?;
    let now = open::now();
    let terms = program.timeline.at(now).map(|it| &it.terms);
    let convert = terms.and_then(|it| it.convert).filter(|it| it.is_collected);
    let (Some(terms), Some(convert)) = (terms, convert) else { bail!("{}", Rejection::NoRewards) };
    engine::check_note(&args.note)?;
    let (number, note, currency, zone) = (program.number, args.note, terms.currency, terms.zone.clone());
    let run = Run { store: &store, reader: &reader, name, number, note, convert, currency, zone };
    let tally = match &args.member {
        Some(member) => run.one(member, args.dry_run)?,
        None => everyone(&run, (&store, &reader), number, args.dry_run)?,
    };
    let done = if args.dry_run { "would be" } else { "were" };
    let (rewards, members) = (counted(tally.rewards, "reward"), counted(tally.members, "member"));
    eprintln!("{rewards} {done} handed out to {members}.");
    Ok(Outcome::Ok)
}

struct Run<'a> {
    store: &'a Store,
    reader: &'a Reader,
    name: String,
    number: u32,
    note: String,
    convert: engine::Convert,
    currency: engine::Currency,
    zone: engine::Zone,
}

impl Run<'_> {
    fn one(&self, named: &MemberRef, dry_run: bool) -> Result<Tally> {
        let said = || format!("handing out the rewards of {named} failed");
        let member = open::find(self.reader, named)?;
        let mut tally = Tally::default();
        if dry_run {
            self.preview(&mut tally, member)?;
        } else {
            let reply = open::send_for(self.store, &self.name, self.body(named.clone()), None).with_context(said)?;
            self.tell(&mut tally, member, &reply)?;
        }
        Ok(tally)
    }

    /// A line for each certificate: member, code, value, last day.
    fn tell(&self, tally: &mut Tally, member: MemberId, reply: &Reply) -> Result<()> {
        let Reply::Certificates { certificates, .. } = reply else { bail!("the store answered something else") };
        let ledger = store::certificate_ledger(self.currency);
        for number in certificates {
            println!("{}", self.line(member, ledger, *number)?);
        }
        tally.members += 1;
        tally.rewards += u64::try_from(certificates.len()).unwrap_or(u64::MAX);
        Ok(())
    }

    fn line(&self, owner: MemberId, ledger: u32, number: LotNo) -> Result<String> {
        let named = CertificateRef::Numbered { owner, ledger, number };
        // The reader of the run sees what was there when it began.
        let reader = self.store.reader()?;
        let found = reader.find_certificate(&named, open::now())?.context("a certificate that was made is there")?;
        let code = self.store.code(&found)?.context("a certificate that was made has a code")?;
        let value = Money::to_text(found.value, self.currency.exponent);
        let until = match found.lot.at.expires_at {
            Timestamp::NEVER => String::new(),
            at => self.zone.date_of(Timestamp::from_micros(at.micros() - 1)).to_string(),
        };
        Ok(format!("{owner},{},{value},{until}", spaced(&code)))
    }
}

impl Each for Run<'_> {
    type Tally = Tally;

    fn preview(&self, tally: &mut Tally, member: MemberId) -> Result<()> {
        let standing = self.reader.standing(member, self.number, open::now(), 0);
        let standing = standing.with_context(|| format!("reading the points of {member} failed"))?;
        let reached = u64::try_from(self.convert.reached(standing.balance.available)).unwrap_or(0);
        if 0 < reached && standing.closed.is_none() {
            println!("{member},{reached}");
            tally.members += 1;
            tally.rewards += reached;
        }
        Ok(())
    }

    fn land(&self, tally: &mut Tally, member: MemberId, reply: Result<Reply, Failure>) -> Result<()> {
        match reply {
            Err(Failure::Rejected(Rejection::InsufficientPoints { .. } | Rejection::AccountClosed)) => Ok(()),
            Err(failure) => Err(failure).with_context(|| {
                format!("handing out the rewards of {member} failed; members before have theirs: run it again")
            }),
            Ok(reply) => self.tell(tally, member, &reply),
        }
    }

    fn body(&self, member: MemberRef) -> Body {
        Body::Collect { program: self.name.clone(), member, note: self.note.clone() }
    }
}
