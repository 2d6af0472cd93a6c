//! `guerdon merge`: two members become one, and two again.

use anyhow::{Context, Result, bail};
use store::{Body, Database, MemberRef, Reply};

use crate::fault::Outcome;
use crate::open;

const AFTER: &str = "\
Examples:
  guerdon merge card:6009999 --into card:6001234
  guerdon merge --undo card:6001234

All that the first has comes to the one that stays, and what finds either finds that one. The last merge of a member can be
undone for 30 days: each gets their own back as it then is.";

#[derive(clap::Args)]
#[command(after_help = AFTER)]
pub(crate) struct Args {
    /// The member that goes: mem_…, customer:…, card:…, email:…, phone:… or a bare customer id
    #[arg(value_parser = open::member, required_unless_present = "undo")]
    other: Option<MemberRef>,
    /// The member that stays
    #[arg(long, value_name = "MEMBER", value_parser = open::member, required_unless_present = "undo")]
    into: Option<MemberRef>,
    /// Undo the last merge of this member instead, named as either of the two
    #[arg(long, value_name = "MEMBER", value_parser = open::member, conflicts_with_all = ["other", "into"])]
    undo: Option<MemberRef>,
}

pub(crate) fn run(database: &Database, args: Args) -> Result<Outcome> {
    let store = open::existing(database)?;
    let send = |body: Body, what: String| match open::send(&store, body, None).context(what)? {
        Reply::Member { id, .. } => Ok(id),
        _ => bail!("the store answered something else"),
    };
    if let Some(member) = args.undo {
        let what = format!("undoing the last merge of {member} failed");
        let id = send(Body::Unmerge { member }, what)?;
        println!("{id} is a member of its own again.");
        return Ok(Outcome::Ok);
    }
    let (Some(other), Some(member)) = (args.other, args.into) else { bail!("name two members") };
    let what = format!("merging {other} into {member} failed");
    let said = format!("{other} is {member} now");
    let id = send(Body::Merge { member, other }, what)?;
    println!("{said} ({id}). Undo it with `guerdon merge --undo {id}` within 30 days.");
    Ok(Outcome::Ok)
}
