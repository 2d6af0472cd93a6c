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
    },
    /// List the channels
    List,
}

pub(crate) fn run(database: &Database, command: Command) -> Result<Outcome> {
    match command {
        Command::Add { name, program } => {
            let store = open::existing(database)?;
            let body = Body::AddChannel { id: ChannelId::draw(), name: name.clone(), program: program.clone() };
            let what = || format!("adding the channel {name} under the program {program} failed");
            let Reply::Channel { .. } = open::send(&store, body, None).with_context(what)? else {
                bail!("the store answered something else");
            };
            println!("Channel {name} sells under {program}.");
        }
        Command::List => {
            let reader = open::reader(database)?;
            let mut columns = Columns::new("ll");
            columns.row(["CHANNEL", "PROGRAM"]);
            for it in reader.channels().context("reading the channels failed")? {
                columns.row([it.name, it.program]);
            }
            columns.print("");
        }
    }
    Ok(Outcome::Ok)
}
