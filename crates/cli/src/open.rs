//! Opens the database, for writing or beside a writer, and sends single commands.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, anyhow, bail};
use engine::{Actor, Date, Timestamp};
pub(crate) use server::bring::{allowed, identity, member};
use server::program::compile;
use server::words::{Names, Voice, rejection_in_words};
use store::{
    Body, Command, Database, Failure, Key, MemberId, MemberRef, Options, ProgramInfo, Reader, Reply, Store, Time,
};

use crate::fault::Refused;

/// Commands that one batch takes at most.
const BATCH_MAX: usize = 1_000;

/// Bytes of a file that is read as a whole.
const SMALL_BYTES_MAX: u64 = 1 << 20;

/// Opens for writing; a database that is not there is made.
pub(crate) fn writer(database: &Database) -> Result<Store> {
    open(database, true, BATCH_MAX)
}

/// Opens for writing what is there already.
pub(crate) fn existing(database: &Database) -> Result<Store> {
    open(database, false, BATCH_MAX)
}

/// As `existing`, with at most so many commands in a batch.
pub(crate) fn in_batches(database: &Database, batch_max: usize) -> Result<Store> {
    open(database, false, batch_max)
}

fn open(database: &Database, create: bool, batch_max: usize) -> Result<Store> {
    let options = Options { batch_max, create, ..Options::new(compile) };
    Store::open(database, options).context("opening the database failed")
}

/// Opens for reading, beside a writer or alone.
pub(crate) fn reader(database: &Database) -> Result<Reader> {
    Reader::open(database, compile).context("opening the database failed")
}

/// The instant now.
pub(crate) fn now() -> Timestamp {
    (store::system_clock())()
}

/// A command of whoever runs the command line, now.
pub(crate) fn by_hand(body: Body, key: Option<String>) -> Command {
    let key = key.unwrap_or_else(fresh_key);
    Command { key: Some(Key(key)), actor: Actor::Staff(0), time: Time::Live, seed: 0, body }
}

/// Sends one command and waits for its reply.
pub(crate) fn send(store: &Store, body: Body, key: Option<String>) -> Result<Reply, Failure> {
    store.submit(by_hand(body, key)).wait()
}

/// Sends a command about the points of a program: a refusal is told in its words and currency.
pub(crate) fn send_for(store: &Store, program: &str, body: Body, key: Option<String>) -> Result<Reply> {
    let rejection = match send(store, body, key) {
        Err(Failure::Rejected(rejection)) => rejection,
        sent => return Ok(sent?),
    };
    let details = program_details(&store.reader().context("reading the programs failed")?, program)?;
    let version = details.timeline.at(now()).or(details.timeline.versions().first());
    let Some(version) = version else { return Err(Failure::Rejected(rejection).into()) };
    let document = details.document(version.number).and_then(|it| server::program::parse(it).ok());
    let names = document.as_ref().map_or_else(Names::default, Names::of);
    let said = rejection_in_words(&rejection, &Voice { terms: &version.terms, names: &names });
    Err(Refused(said.trim_end_matches('.').to_owned()).into())
}

/// Reads a day.
pub(crate) fn day(text: &str) -> Result<Date, String> {
    Date::parse(text).map_err(|it| format!("{text} {it}"))
}

/// The members of a file, one on each line; empty lines are left aside.
pub(crate) fn members_of(path: &Path) -> Result<Vec<MemberRef>> {
    let text = small_file(path)?;
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line.trim()));
    let read = |(number, line): (usize, &str)| {
        member(line).map_err(|fault| anyhow!("{}, line {number}: \"{line}\" {fault}", path.display()))
    };
    lines.filter(|it| !it.1.is_empty()).map(read).collect()
}

/// Reads a whole number.
pub(crate) fn whole(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "allowed is a whole number such as 250".to_owned())
}

/// A key of its own for a command that is meant once.
pub(crate) fn fresh_key() -> String {
    // Several threads may draw one at an instant.
    static DRAWN: AtomicU64 = AtomicU64::new(0);
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |it| it.as_nanos());
    format!("cli-{}-{nanos}-{}", std::process::id(), DRAWN.fetch_add(1, Ordering::Relaxed))
}

/// The member that a reference leads to.
pub(crate) fn find(reader: &Reader, member: &MemberRef) -> Result<MemberId> {
    let found = reader.find(member).context("looking the member up failed")?;
    found.ok_or_else(|| anyhow!("there is no member {member}"))
}

/// The text of a small file; a large one is read line by line instead.
pub(crate) fn small_file(path: &Path) -> Result<String> {
    let what = || format!("reading {} failed", path.display());
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(what)?;
    file.take(SMALL_BYTES_MAX + 1).read_to_end(&mut bytes).with_context(what)?;
    if SMALL_BYTES_MAX < u64::try_from(bytes.len()).unwrap_or(u64::MAX) {
        bail!("reading {} failed: it is longer than 1 MiB; is it the right file?", path.display());
    }
    String::from_utf8(bytes).map_err(|_| anyhow!("the text is not UTF-8; allowed is UTF-8")).with_context(what)
}

/// The program of that name.
pub(crate) fn program_details(reader: &Reader, name: &str) -> Result<ProgramInfo> {
    let found = reader.program(name).context("reading the programs failed")?;
    found.ok_or_else(|| anyhow!("there is no program {name}; `guerdon program list` shows what there is"))
}

/// The name of the program that is meant: the only one, if none is named.
pub(crate) fn program(reader: &Reader, name: Option<&str>) -> Result<String> {
    if let Some(name) = name {
        return Ok(program_details(reader, name)?.name);
    }
    let programs = reader.programs().context("reading the programs failed")?;
    match programs.as_slice() {
        [] => bail!("there is no program yet; add one with `guerdon program add FILE`"),
        [only] => Ok(only.name.clone()),
        several => {
            let names: Vec<&str> = several.iter().map(|it| it.name.as_str()).collect();
            bail!("there are several programs ({}); name one with --program", names.join(", "))
        }
    }
}
