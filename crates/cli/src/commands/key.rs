//! `guerdon key`: API keys, for scripts and for whoever has lost the last one. In a file it writes while the server is stopped.

use anyhow::{Context, Result, bail};
use engine::Timestamp;
use store::{Body, Database, Reply, Scopes, SecretHash};

use crate::fault::Outcome;
use crate::open;
use crate::text::Columns;

const AFTER: &str = "\
The key is printed once, alone on its line; only its hash is stored.

Scopes:
  read      look up members, accounts, orders, programs and channels
  orders    record orders, quote carts, hold points
  members   sign members up and change them
  adjust    add and deduct points by hand
  programs  add programs, versions and channels, switch programs on and off
  import    record orders of the past
  admin     all of these, and keys

Example:
  KEY=$(guerdon key add \"Web shop\" --scope read,orders,members)";

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Make a key and print it
    #[command(after_help = AFTER)]
    Add {
        /// What it is for
        name: String,
        /// What it may do, with commas between
        #[arg(long, value_name = "SCOPES", value_parser = scopes)]
        scope: Scopes,
    },
    /// List the keys, revoked ones too
    List,
    /// Revoke a key: from now on it opens nothing
    Revoke {
        /// Its number in the list
        number: u32,
    },
}

fn scopes(text: &str) -> Result<Scopes, String> {
    text.parse().map_err(|_| format!("\"{text}\" is no list of scopes; allowed are read, orders, members, adjust, programs, import, metrics and admin, with commas between"))
}

pub(crate) fn run(database: &Database, command: Command) -> Result<Outcome> {
    match command {
        Command::Add { name, scope } => {
            let store = open::existing(database)?;
            let secret = server::key_text(&(server::system_draw())());
            let hint = server::key_hint(&secret);
            let body = Body::AddKey { name, hash: SecretHash::of(&secret), hint, scopes: scope };
            let Reply::Key { .. } = open::send(&store, body, None).context("making the key failed")? else {
                bail!("the store answered something else");
            };
            println!("{secret}");
        }
        Command::List => {
            let reader = open::reader(database)?;
            let mut columns = Columns::new("rlllll");
            columns.row(["NUMBER", "NAME", "ENDS IN", "SCOPES", "MADE", "REVOKED"]);
            for it in reader.keys().context("reading the keys failed")? {
                let revoked = it.revoked_at.map_or_else(String::new, day);
                columns.row([
                    it.number.to_string(),
                    it.name,
                    it.hint,
                    it.scopes.to_string(),
                    day(it.created_at),
                    revoked,
                ]);
            }
            columns.print("");
        }
        Command::Revoke { number } => {
            let store = open::existing(database)?;
            let what = || format!("revoking key {number} failed");
            open::send(&store, Body::RevokeKey { number }, None).with_context(what)?;
            println!("Key {number} opens nothing any more.");
        }
    }
    Ok(Outcome::Ok)
}

/// The day in UTC.
fn day(at: Timestamp) -> String {
    engine::Zone::utc().date_of(at).to_string()
}
