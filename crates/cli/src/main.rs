//! The `guerdon` binary: reads the command line, runs one command, and turns its outcome into an exit code.

#![expect(clippy::print_stdout, reason = "what a command answers goes to stdout")]

mod args;
mod bench;
mod commands;
mod demo;
mod fault;
mod flight;
mod members_file;
mod open;
mod orders;
mod output;
mod progress;
mod scenario;
mod text;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let args = args::Args::parse();
    let outcome = args.run();
    match outcome {
        Ok(outcome) => outcome.code(),
        Err(error) => fault::report(&error),
    }
}
