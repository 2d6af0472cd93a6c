//! Helpers for tests that kill a writing process: start it, kill it at a random moment, collect what it acknowledged.
//!
//! The writing process is this test binary again, told by an environment variable to run one `#[test]` as the writer.
//! It writes one line per acknowledgement to its standard output. Lines that are still in the pipe when the process
//! dies count as acknowledged. A writer whose reader has gone ends by itself at the next line (broken pipe).

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    ops::RangeInclusive,
    os::unix::process::ExitStatusExt as _,
    process::{Child, Command, Stdio},
};

pub(crate) use crate::random::Random;

const SIGKILL: i32 = 9;
const ACKNOWLEDGED: &str = "acknowledged ";

/// The command that runs the test `name` (with its module path) of this binary in a process of its own.
pub(crate) fn writing_process(name: &str) -> Command {
    let mut command = Command::new(env::current_exe().expect("a test knows its own binary"));
    command.args(["--exact", name, "--nocapture", "--test-threads=1"]);
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    command
}

/// Called by the writer, once what `what` names is durable as far as it knows.
pub(crate) fn acknowledge(what: i64) {
    // Past libtest, which replaces only `print!`; the leading line break ends what it has written itself.
    let mut out = std::io::stdout().lock();
    write!(out, "\n{ACKNOWLEDGED}{what}\n").and_then(|()| out.flush()).expect("somebody listens");
}

/// Kills the child after a random number of acknowledgements out of `after` and a random moment more.
/// Answers everything it acknowledged, in order.
pub(crate) fn kill_at_random(mut child: Child, after: RangeInclusive<u64>, random: &mut Random) -> Vec<i64> {
    let mut lines = acknowledgements(&mut child);
    let wanted = random.within(after);
    let mut acknowledged = Vec::new();
    while u64::try_from(acknowledged.len()).expect("a count") < wanted {
        let Some(what) = lines.next() else {
            panic!("the writing process ended by itself: {}", child.wait().expect("it was started"));
        };
        acknowledged.push(what);
    }
    // The kill should not always fall right behind an acknowledgement. Nothing waits for this: any length is right.
    for _ in 0..random.within(0..=300_000) {
        std::hint::spin_loop();
    }
    child.kill().expect("the writing process runs");
    acknowledged.extend(lines);
    expect_killed(child);
    acknowledged
}

/// Waits for a child that is killed from within (see `POWER_CUT_AT`). Answers everything it acknowledged, in order.
pub(crate) fn until_killed(mut child: Child) -> Vec<i64> {
    let acknowledged = acknowledgements(&mut child).collect();
    expect_killed(child);
    acknowledged
}

fn acknowledgements(child: &mut Child) -> impl Iterator<Item = i64> + use<> {
    let out = child.stdout.take().expect("standard output is a pipe");
    BufReader::new(out).split(b'\n').filter_map(|line| {
        // A kill may tear the last line; a torn acknowledgement is none, and a torn number must not pass for another:
        // the writer sends a line in one write, and a pipe takes so short a write whole.
        let line = String::from_utf8(line.expect("the pipe can be read")).ok()?;
        line.strip_prefix(ACKNOWLEDGED).map(|number| number.parse().expect("an acknowledgement is a number"))
    })
}

fn expect_killed(mut child: Child) {
    let status = child.wait().expect("it was started");
    assert_eq!(status.signal(), Some(SIGKILL), "the writing process must die of the kill alone: {status}");
}
