//! `guerdon channel`: places that sell, each under one program.

use anyhow::{Context, Result, bail};
use store::{Body, ChannelId, Database, Reply};

use crate::fault::Outcome;
use crate::open;
use crate::text::Columns;

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Add a channel under a program
    Add {
        /// The name under which it sends orders, for example `web`
        name: String,
        /// The program that its orders earn in
        #[arg(long, value_name = "NAME")]
        program: String,
        /// Sign up whom the first document of an order names by a new card, e-mail, phone number or customer id
        #[arg(long)]
        sign_up: bool,
    },
    /// Change whether orders sign people up
    Change {
        /// The channel
        name: String,
        /// Whether the first document of an order signs up whom it names by an identity that nobody has
        #[arg(long, value_name = "yes-or-no", value_parser = yes_or_no)]
        sign_up: bool,
    },
    /// List the channels
    List,
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text {
        "yes" => Ok(true),
        "no" => Ok(false),
        _ => Err("allowed is yes or no".to_owned()),
    }
}

pub(crate) fn run(database: &Database, command: Command) -> Result<Outcome> {
    match command {
        Command::Add { name, program, sign_up } => {
            let store = open::existing(database)?;
            let (id, signs_up) = (ChannelId::draw(), sign_up);
            let body = Body::AddChannel { id, name: name.clone(), program: program.clone(), signs_up };
            let what = || format!("adding the channel {name} under the program {program} failed");
            let Reply::Channel { .. } = open::send(&store, body, None).with_context(what)? else {
                bail!("the store answered something else");
            };
            println!("Channel {name} sells under {program}.");
        }
        Command::Change { name, sign_up } => {
            let store = open::existing(database)?;
            let body = Body::ChangeChannel { channel: name.clone(), signs_up: sign_up };
            open::send(&store, body, None).with_context(|| format!("changing the channel {name} failed"))?;
            println!("Orders of {name} sign {} up.", if sign_up { "new members" } else { "nobody" });
        }
        Command::List => {
            let reader = open::reader(database)?;
            let mut columns = Columns::new("lll");
            columns.row(["CHANNEL", "PROGRAM", "SIGNS UP"]);
            for it in reader.channels().context("reading the channels failed")? {
                columns.row([it.name, it.program, if it.signs_up { "yes" } else { "no" }.to_owned()]);
            }
            columns.print("");
        }
    }
    Ok(Outcome::Ok)
}
