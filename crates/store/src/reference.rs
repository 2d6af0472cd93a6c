//! Programs, their versions and switches, channels and keys: what every command reads and few change.
//!
//! Small enough to be held in memory by the writer and by each reader that asks. A change is a batch of its own, raises
//! the epoch in the same transaction, and the writer loads anew after it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use engine::{EarnMode, Rejection, Switch, Target, Terms, Timeline, Timestamp, Version, Zone, is_name};

use crate::access::{NewKey, add_key, revoke_key};
use crate::command::{Body, Failure, Reply};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::id::{ChannelId, ProgramId, looks_like_id};
use crate::migrate::{epoch_of, raise_epoch};
use crate::rows::{AccountId, blob, time};
use crate::sql::{Connection, params};

/// Turns the text of a program document into terms, or says why it cannot.
pub type Compile = fn(&str) -> Result<Terms, String>;

/// What short readers have read of it last, with its epoch: compiling documents takes longer than most reads.
pub(crate) type Known = Mutex<Option<(u64, Arc<Reference>)>>;

#[derive(Clone, Debug, Default)]
pub(crate) struct Reference {
    pub(crate) programs: BTreeMap<u32, Program>,
    pub(crate) channels: BTreeMap<String, Channel>,
    /// Whether any member was ever merged into another: where none was nobody looks for it.
    pub(crate) has_merges: bool,
    /// At which it was read.
    pub(crate) epoch: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) number: u32,
    pub(crate) id: ProgramId,
    pub(crate) name: String,
    pub(crate) timeline: Arc<Timeline>,
    pub(crate) documents: BTreeMap<u32, Arc<str>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Channel {
    pub(crate) number: u32,
    pub(crate) id: ChannelId,
    pub(crate) program: u32,
    pub(crate) signs_up: bool,
}

impl Reference {
    /// By its name or its id; no name looks like an id.
    pub(crate) fn program(&self, name: &str) -> Option<&Program> {
        let id = name.parse::<ProgramId>().ok();
        self.programs.values().find(|it| it.name == name || Some(it.id) == id)
    }

    /// Whether points of that program become store credit, or certificates.
    pub(crate) fn converts_to(&self, target: Target, program: u32) -> bool {
        self.programs.get(&program).is_some_and(|it| it.timeline.converts_to(target))
    }

    /// Whether another program has its currency.
    pub(crate) fn shares_currency(&self, program: u32) -> bool {
        let currency = self.programs.get(&program).map(Program::currency);
        self.programs.values().any(|it| it.number != program && Some(it.currency()) == currency)
    }

    /// The program of an account; of store credit, the first one in its currency, whose zone gives its days.
    pub(crate) fn program_of(&self, id: AccountId) -> Option<&Program> {
        match id.currency() {
            None => self.programs.get(&id.program),
            Some(currency) => self.programs.values().find(|it| it.currency() == Some(currency)),
        }
    }

    /// A channel with its name, by its name or its id.
    pub(crate) fn named_channel(&self, name: &str) -> Option<(&str, &Channel)> {
        let by_id = || {
            let id = name.parse::<ChannelId>().ok()?;
            self.channels.iter().find(|it| it.1.id == id)
        };
        self.channels.get_key_value(name).or_else(by_id).map(|(name, it)| (name.as_str(), it))
    }
}

impl Program {
    /// Whether orders can change what others have earned.
    pub(crate) fn carries(&self) -> bool {
        self.timeline.versions().iter().any(|it| it.terms.earn.mode == EarnMode::StepsCarried)
    }

    /// The currency of its last version: one that has entries keeps it.
    pub(crate) fn currency(&self) -> Option<[u8; 3]> {
        self.timeline.versions().last().map(|it| it.terms.currency.code)
    }

    /// The zone in force at an instant; before the first version, that of the first.
    pub(crate) fn zone(&self, at: Timestamp) -> Option<&Zone> {
        self.timeline.at(at).or(self.timeline.versions().first()).map(|it| &it.terms.zone)
    }
}

pub(crate) fn load_reference(conn: &Connection, compile: Compile, path: &Path) -> Found<Reference> {
    let mut reference = Reference { epoch: epoch_of(conn)?, ..Reference::default() };
    let mut statement = conn.prepare_cached("SELECT number, name, id FROM programs ORDER BY number")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let number = row.get(0)?;
        let blank = Program {
            number,
            id: ProgramId(blob(row, 2)?),
            name: row.get(1)?,
            timeline: Arc::default(),
            documents: BTreeMap::new(),
        };
        reference.programs.insert(number, load_program(conn, blank, compile, path)?);
    }
    let mut statement = conn.prepare_cached("SELECT name, number, program, id, signs_up FROM channels")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (number, program, signs_up) = (row.get(1)?, row.get(2)?, row.get(4)?);
        let channel = Channel { number, id: ChannelId(blob(row, 3)?), program, signs_up };
        reference.channels.insert(row.get(0)?, channel);
    }
    reference.has_merges = conn.prepare_cached("SELECT 1 FROM merges LIMIT 1")?.exists([])?;
    Ok(reference)
}

fn load_program(conn: &Connection, blank: Program, compile: Compile, path: &Path) -> Found<Program> {
    let (number, name) = (blank.number, &blank.name);
    let mut versions = Vec::new();
    let mut documents = BTreeMap::new();
    let mut statement =
        conn.prepare_cached("SELECT number, effective_at, document FROM versions WHERE program = $1 ORDER BY number")?;
    let mut rows = statement.query(params![number])?;
    while let Some(row) = rows.next()? {
        let (version, document): (u32, Arc<str>) = (row.get(0)?, row.get(2)?);
        let terms = compile(&document).map_err(|what| StoreError::Document {
            path: path.to_owned(),
            program: name.clone(),
            version,
            what,
        })?;
        versions.push(Version { number: version, effective_at: time(row, 1)?, terms });
        documents.insert(version, document);
    }
    let mut switches = Vec::new();
    let mut statement = conn.prepare_cached("SELECT at, is_on FROM switches WHERE program = $1 ORDER BY number")?;
    let mut rows = statement.query(params![number])?;
    while let Some(row) = rows.next()? {
        switches.push(Switch { at: time(row, 0)?, on: row.get(1)? });
    }
    Ok(Program { timeline: Arc::new(Timeline::new(versions, switches)), documents, ..blank })
}

/// What a change of reference data is decided with.
pub(crate) struct Change<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) reference: &'a Reference,
    pub(crate) compile: Compile,
    /// The command's time: in an import, the line's.
    pub(crate) now: Timestamp,
    /// The time it is.
    pub(crate) clock: Timestamp,
}

pub(crate) fn change_reference(change: &Change<'_>, body: &Body) -> Found<Result<Reply, Failure>> {
    let outcome = match body {
        Body::CreateProgram { id, name, document, effective_at } => {
            create(change, *id, name, document, effective_at.unwrap_or(change.now))
        }
        Body::AddVersion { program, document, effective_at } => add_version(change, program, document, *effective_at),
        Body::SwitchProgram { program, on, at } => switch(change, program, *on, *at),
        Body::AddChannel { id, name, program, signs_up } => add_channel(change, *id, name, program, *signs_up),
        Body::ChangeChannel { channel, signs_up } => change_channel(change, channel, *signs_up),
        Body::AddKey { name, hash, hint, scopes } => {
            add_key(change, &NewKey { name, hash: *hash, hint, scopes: *scopes })
        }
        Body::RevokeKey { number } => revoke_key(change, *number),
        Body::SignUp { .. }
        | Body::PutOrder { .. }
        | Body::PutReturn { .. }
        | Body::ClaimOrder { .. }
        | Body::Hold { .. }
        | Body::ReleaseHold { .. }
        | Body::Adjust { .. }
        | Body::AdjustCredit { .. }
        | Body::IssueCertificates { .. }
        | Body::IssueBearers { .. }
        | Body::CancelCertificate { .. }
        | Body::Withdraw { .. }
        | Body::Collect { .. }
        | Body::Redate { .. }
        | Body::Reinstate { .. }
        | Body::Act { .. }
        | Body::SetTier { .. }
        | Body::Close { .. }
        | Body::Join { .. }
        | Body::Merge { .. }
        | Body::Unmerge { .. }
        | Body::Settle { .. }
        | Body::ForgetAnswers { .. }
        | Body::ChangeMember { .. }
        | Body::AddIdentity { .. }
        | Body::RemoveIdentity { .. }
        | Body::Card { .. }
        | Body::Erase { .. }
        | Body::OpenLink { .. }
        | Body::UseLink { .. }
        | Body::OpenSession { .. }
        | Body::ClaimReward { .. }
        | Body::EndClaim { .. }
        | Body::EndSession { .. } => return Err(Fault::Row("only reference data is changed here")),
    };
    let reply = match outcome {
        Ok(reply) => reply,
        Err(Refused::Failed(failure)) => return Ok(Err(failure)),
        Err(Refused::Fault(fault)) => return Err(fault),
    };
    raise_epoch(change.conn)?;
    Ok(Ok(reply))
}

pub(crate) enum Refused {
    Failed(Failure),
    Fault(Fault),
}

impl From<Rejection> for Refused {
    fn from(rejection: Rejection) -> Self {
        Self::Failed(Failure::Rejected(rejection))
    }
}

impl<T: Into<Fault>> From<T> for Refused {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

pub(crate) type Changed = Result<Reply, Refused>;

fn create(change: &Change<'_>, id: ProgramId, name: &str, document: &str, effective_at: Timestamp) -> Changed {
    check_name(name)?;
    compiled(change, document)?;
    if !effective_at.is_in_limits() {
        return Err(invalid("effective_at", "a time in the years 1970 to 2500").into());
    }
    if change.reference.program(name).is_some() {
        return Err(invalid("name", "a name that no other program has").into());
    }
    if change.reference.programs.values().any(|it| it.id == id) {
        return Err(invalid("id", "an id that no other program has").into());
    }
    let number = change.reference.programs.keys().last().map_or(1, |it| it + 1);
    let insert = "INSERT INTO programs (number, id, name) VALUES ($1, $2, $3)";
    change.conn.execute(insert, params![number, id.0, name])?;
    insert_version(change.conn, number, 1, effective_at, document)?;
    Ok(Reply::Program { id, number, version: 1 })
}

fn add_version(change: &Change<'_>, program: &str, document: &str, effective_at: Option<Timestamp>) -> Changed {
    let program = known(change, program)?;
    let terms = compiled(change, document)?;
    let effective_at = from_now_on(change, program, "effective_at", effective_at)?;
    check_currency(change, program, &terms, effective_at)?;
    let version = program.documents.keys().last().map_or(1, |it| it + 1);
    insert_version(change.conn, program.number, version, effective_at, document)?;
    if terms.needs_facts() {
        // Birthdays may fall due earlier than anything else: the sweeper looks once at all members who have one.
        let bring_forward =
            "UPDATE ledger SET due_at = $1 WHERE program = $2 AND part = 0 AND phase = 0 AND sort_at = 0
            AND earned_at = 0 AND no = 0 AND (due_at IS NULL OR $1 < due_at)
            AND owner_id IN (SELECT owner_id FROM members WHERE birthday IS NOT NULL)";
        change.conn.execute(bring_forward, params![effective_at.micros(), program.number])?;
    }
    Ok(Reply::Program { id: program.id, number: program.number, version })
}

fn switch(change: &Change<'_>, program: &str, on: bool, at: Option<Timestamp>) -> Changed {
    let program = known(change, program)?;
    let at = from_now_on(change, program, "at", at)?;
    let number = program.timeline.switches().len() + 1;
    let insert = "INSERT INTO switches (program, number, at, is_on) VALUES ($1, $2, $3, $4)";
    change.conn.execute(insert, params![program.number, number, at.micros(), on])?;
    Ok(Reply::Done)
}

fn add_channel(change: &Change<'_>, id: ChannelId, name: &str, program: &str, signs_up: bool) -> Changed {
    check_name(name)?;
    let program = known(change, program)?.number;
    let channels = &change.reference.channels;
    if channels.contains_key(name) {
        return Err(invalid("name", "a name that no other channel has").into());
    }
    if channels.values().any(|it| it.id == id) {
        return Err(invalid("id", "an id that no other channel has").into());
    }
    let number = channels.values().map(|it| it.number).max().map_or(1, |it| it + 1);
    let insert = "INSERT INTO channels (number, id, name, program, signs_up) VALUES ($1, $2, $3, $4, $5)";
    change.conn.execute(insert, params![number, id.0, name, program, signs_up])?;
    Ok(Reply::Channel { id, number })
}

fn change_channel(change: &Change<'_>, channel: &str, signs_up: bool) -> Changed {
    let (_, channel) = change.reference.named_channel(channel).ok_or(Rejection::UnknownChannel)?;
    let update = "UPDATE channels SET signs_up = $1 WHERE number = $2";
    change.conn.execute(update, params![signs_up, channel.number])?;
    Ok(Reply::Channel { id: channel.id, number: channel.number })
}

fn insert_version(conn: &Connection, program: u32, number: u32, at: Timestamp, document: &str) -> Found<()> {
    let insert = "INSERT INTO versions (program, number, effective_at, document) VALUES ($1, $2, $3, $4)";
    conn.execute(insert, params![program, number, at.micros(), document])?;
    Ok(())
}

fn known<'a>(change: &Change<'a>, name: &str) -> Result<&'a Program, Rejection> {
    change.reference.program(name).ok_or(Rejection::UnknownProgram)
}

fn compiled(change: &Change<'_>, document: &str) -> Result<Terms, Rejection> {
    let allowed = "a program document that `guerdon program check` accepts";
    (change.compile)(document).map_err(|_| invalid("document", allowed))
}

fn check_name(name: &str) -> Result<(), Rejection> {
    if is_name(name) && !looks_like_id(name) {
        Ok(())
    } else {
        Err(invalid("name", "1 to 120 bytes of text without control characters, not beginning as an id does"))
    }
}

/// A change takes effect now or later; in the past only while nothing has been recorded in the program.
fn from_now_on(
    change: &Change<'_>,
    program: &Program,
    path: &'static str,
    at: Option<Timestamp>,
) -> Result<Timestamp, Refused> {
    let at = at.unwrap_or(change.now);
    if !at.is_in_limits() {
        return Err(invalid(path, "a time in the years 1970 to 2500").into());
    }
    if at < change.clock && is_used(change, program)? {
        return Err(invalid(path, "now or later: the program has entries, and the past stays as it was").into());
    }
    Ok(at)
}

/// Whether anything has been recorded in the program.
fn is_used(change: &Change<'_>, program: &Program) -> Found<bool> {
    let mut used = change.conn.prepare_cached("SELECT 1 FROM totals WHERE program = $1 LIMIT 1")?;
    Ok(used.exists(params![program.number])?)
}

/// Amounts are read with the digits of the program's currency, so a program that has entries keeps it. Another one is
/// taken before that, and at once: orders must not come in between.
fn check_currency(
    change: &Change<'_>,
    program: &Program,
    terms: &Terms,
    effective_at: Timestamp,
) -> Result<(), Refused> {
    let Some(last) = program.timeline.versions().last() else { return Ok(()) };
    if last.terms.currency == terms.currency {
        return Ok(());
    }
    if is_used(change, program)? {
        return Err(invalid("document.currency", "the currency that the program has had: it has entries").into());
    }
    if effective_at < last.effective_at || change.clock < effective_at {
        let allowed = "the currency that the program has, or another one that takes effect now";
        return Err(invalid("document.currency", allowed).into());
    }
    Ok(())
}

pub(crate) fn invalid(path: &'static str, allowed: &'static str) -> Rejection {
    Rejection::Invalid { path: path.into(), allowed }
}
