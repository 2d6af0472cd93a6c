//! The `guerdon` binary: reads the command line, runs one command, and turns its outcome into an exit code.

#![expect(clippy::print_stdout, reason = "what a command answers goes to stdout")]

mod args;
mod bench;
mod commands;
mod demo;
mod everyone;
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

/// Requests are read by one thread and answered by another: what one allocates the other frees.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What a shell says of a program whose reader has gone away: 128 and the number of SIGPIPE.
const READER_GONE: i32 = 141;

/// `guerdon statement … | head` ends without a word when `head` has seen enough.
fn end_when_nobody_reads() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let said = panic.payload().downcast_ref::<String>();
        if said.is_some_and(|it| it.starts_with("failed printing to stdout") && it.contains("os error 32")) {
            std::process::exit(READER_GONE);
        }
        told(panic);
    }));
}

fn main() -> ExitCode {
    end_when_nobody_reads();
    let args = args::Args::parse();
    let outcome = args.run();
    match outcome {
        Ok(outcome) => outcome.code(),
        Err(error) => fault::report(&error),
    }
}
