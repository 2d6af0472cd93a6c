//! The command line as a whole: the commands, what all of them share, and what `--help` says.

use anyhow::Result;
use clap::{Parser, Subcommand};
use store::Database;

use crate::commands;
use crate::fault::Outcome;

const LONG: &str = "\
A loyalty points program, in one file or in PostgreSQL: members earn points from orders, spend them at the checkout,
and see why every point came or went.";

const AFTER: &str = "\
Start here:
  guerdon demo                                          load the sample shop and show it
  guerdon program add program.json                      the terms of your program (`program check` explains them)
  guerdon channel add web --program \"Sample shop\"       a place that sells
  guerdon import orders orders.csv --channel web --sign-up
  guerdon statement customer:00042

A member is named by id or identity: mem_…, customer:00042, card:6001234, email:ana@example.com, phone:+41441234567;
a bare word is a customer id.

Exit codes:
  0  done
  1  a check found something: verify saw a difference, a scenario failed, the rules refused a line or a command
  2  wrong usage, or a file that cannot be read
  3  the database cannot be used: missing, locked by another writer, damaged, full, newer than this program";

#[derive(Parser)]
#[command(name = "guerdon", version, about = "A loyalty points program, in one file or in PostgreSQL", long_about = LONG, after_help = AFTER)]
#[command(arg_required_else_help = true)]
pub(crate) struct Args {
    /// Where the ledger is kept: the path of a file, or postgres://USER@HOST/NAME
    #[arg(
        long,
        global = true,
        env = "GUERDON_DATABASE",
        hide_env_values = true,
        default_value = "guerdon.db",
        value_name = "PATH-or-URL"
    )]
    database: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Load the sample shop and show it
    Demo(commands::demo::Args),
    /// Serve the API and the pages
    Serve(commands::serve::Args),
    /// Programs: add, check, list, show, switch on and off
    #[command(subcommand)]
    Program(commands::program::Command),
    /// Channels: places that sell
    #[command(subcommand)]
    Channel(commands::channel::Command),
    /// API keys: make, list and revoke them; of a ledger in a file while its server is stopped
    #[command(subcommand)]
    Key(commands::key::Command),
    /// Members: sign up
    #[command(subcommand)]
    Member(commands::member::Command),
    /// Bring in orders from a file
    #[command(subcommand)]
    Import(commands::import::Command),
    /// Write the ledger (NDJSON) or lists (CSV)
    #[command(subcommand)]
    Export(commands::export::Command),
    /// What a member has, what expires when, and why every point came or went
    Statement(commands::statement::Args),
    /// Add or deduct points by hand
    Adjust(commands::adjust::Args),
    /// Move the dates of points earned earlier, of one member or of everyone
    Redate(commands::redate::Args),
    /// Give back points that have expired
    Reinstate(commands::reinstate::Args),
    /// Tell what a member did that earns without an order
    Act(commands::act::Args),
    /// Hand out the rewards that members have reached
    Collect(commands::collect::Args),
    /// Close accounts: members leave a program
    Close(commands::close::Close),
    /// Open accounts: members come into a program, or back
    Join(commands::close::Join),
    /// Draw new codes for certificates, when the key of the old ones is lost
    #[command(subcommand)]
    Codes(commands::codes::Command),
    /// Make two members one, or undo that
    Merge(commands::merge::Args),
    /// Give a member a tier, or none
    Tier(commands::tier::Args),
    /// Reserve points for a checkout, or release them
    #[command(subcommand)]
    Hold(commands::hold::Command),
    /// Post what has fallen due
    Sweep(commands::sweep::Args),
    /// Replay the ledger and compare every account, lot and total
    Verify(commands::verify::Args),
    /// Copy the database while it is in use
    Backup(commands::backup::Args),
    /// Move a ledger between a file and PostgreSQL, either way
    Copy(commands::copy::Args),
    /// Make a database of a backup
    Restore(commands::restore::Args),
    /// Run worked examples
    Scenario(commands::scenario::Args),
    /// How fast Guerdon is on this machine
    Bench(commands::bench::Args),
}

impl Args {
    pub(crate) fn run(self) -> Result<Outcome> {
        let database = || self.database.parse::<Database>();
        match self.command {
            Command::Demo(args) => commands::demo::run(&database()?, &args),
            Command::Serve(args) => commands::serve::run(&database()?, &args),
            Command::Program(command) => commands::program::run(database, command),
            Command::Channel(command) => commands::channel::run(&database()?, command),
            Command::Key(command) => commands::key::run(&database()?, command),
            Command::Member(command) => commands::member::run(&database()?, command),
            Command::Import(command) => commands::import::run(&database()?, command),
            Command::Export(command) => commands::export::run(&database()?, &command),
            Command::Statement(args) => commands::statement::run(&database()?, &args),
            Command::Adjust(args) => commands::adjust::run(&database()?, args),
            Command::Redate(args) => commands::redate::run(&database()?, args),
            Command::Reinstate(args) => commands::reinstate::run(&database()?, args),
            Command::Act(args) => commands::act::run(&database()?, args),
            Command::Collect(args) => commands::collect::run(&database()?, args),
            Command::Close(args) => commands::close::close(&database()?, &args),
            Command::Join(args) => commands::close::join(&database()?, &args),
            Command::Codes(command) => commands::codes::run(&database()?, &command),
            Command::Merge(args) => commands::merge::run(&database()?, args),
            Command::Tier(args) => commands::tier::run(&database()?, args),
            Command::Hold(command) => commands::hold::run(&database()?, command),
            Command::Sweep(args) => commands::sweep::run(&database()?, &args),
            Command::Verify(args) => commands::verify::run(&database()?, &args),
            Command::Backup(args) => commands::backup::run(&database()?, &args),
            Command::Copy(args) => commands::copy::run(&self.database, &args),
            Command::Restore(args) => commands::restore::run(&database()?, &args),
            Command::Scenario(args) => commands::scenario::run(&args),
            Command::Bench(args) => commands::bench::run(&self.database, &args),
        }
    }
}

#[test]
fn the_command_line_is_well_formed() {
    use clap::CommandFactory as _;
    Args::command().debug_assert();
}
