//! `guerdon close` and `guerdon join`: members leave a program and come back, one or many.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use engine::Closing;
use store::{Body, Database, MemberRef, Reply};

use crate::fault::Outcome;
use crate::open;
use crate::text::{counted, grouped};

const AFTER_CLOSE: &str = "\
Examples:
  guerdon close customer:00042 --grace-days 30 --note \"asked to leave\"
  guerdon close --members leavers.txt --grace-days 0 --note \"the club of the old town is closed\"

Points are suspended, and forfeited at the end of the grace; whoever comes back before has them again. A file of members has
one of them on each line. Exits 1 when one of many was refused.";

const AFTER_JOIN: &str = "\
Examples:
  guerdon join customer:00042 --note \"is back\"
  guerdon join --members invited.txt --note \"invited\"

A file of members has one of them on each line. Exits 1 when one of many was refused.";

#[derive(clap::Args)]
#[command(group(clap::ArgGroup::new("whose").required(true).args(["member", "members"])))]
struct Whose {
    /// The member: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member)]
    member: Option<MemberRef>,
    /// A file of members instead, one on each line
    #[arg(long, value_name = "FILE")]
    members: Option<PathBuf>,
    /// Why; the member's statement shows it
    #[arg(long)]
    note: String,
    /// The program, where there are several
    #[arg(long, value_name = "NAME")]
    program: Option<String>,
}

#[derive(clap::Args)]
#[command(after_help = AFTER_CLOSE)]
pub(crate) struct Close {
    #[command(flatten)]
    whose: Whose,
    /// Points are kept until the end of so many days after today
    #[arg(long, value_name = "DAYS")]
    grace_days: u16,
}

#[derive(clap::Args)]
#[command(after_help = AFTER_JOIN)]
pub(crate) struct Join {
    #[command(flatten)]
    whose: Whose,
}

pub(crate) fn close(database: &Database, args: &Close) -> Result<Outcome> {
    let closing = Closing { grace_days: args.grace_days, note: args.whose.note.clone() };
    let body = |program, member| Body::Close { program, member, closing: closing.clone() };
    args.whose.send(database, body, "closed")
}

pub(crate) fn join(database: &Database, args: &Join) -> Result<Outcome> {
    let body = |program, member| Body::Join { program, member, note: args.whose.note.clone() };
    args.whose.send(database, body, "open")
}

impl Whose {
    /// Sends a command for each; of one alone a refusal is the end.
    fn send(&self, database: &Database, body: impl Fn(String, MemberRef) -> Body, state: &str) -> Result<Outcome> {
        let members = match (&self.member, &self.members) {
            (Some(member), _) => vec![member.clone()],
            (None, Some(path)) => open::members_of(path)?,
            (None, None) => bail!("name a member, or a file of members with --members"),
        };
        let store = open::existing(database)?;
        let program = open::program(&store.reader().context("reading the programs failed")?, self.program.as_deref())?;
        let (mut done, mut points, mut refused) = (0_u64, 0, 0_u64);
        for member in &members {
            match open::send_for(&store, &program, body(program.clone(), member.clone()), None) {
                Ok(Reply::Standing { balance, .. }) => {
                    (done, points) = (done + 1, points + balance.outstanding().get());
                }
                Ok(_) => bail!("the store answered something else"),
                Err(error) if members.len() == 1 => return Err(error.context(format!("the account of {member}"))),
                Err(error) => {
                    refused += 1;
                    eprintln!("{member}: {error:#}");
                }
            }
        }
        println!("{} {state}, with {} points.", counted(done, "account"), grouped(points));
        Ok(Outcome::found(0 < refused))
    }
}
