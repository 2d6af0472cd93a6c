//! Programs with their timelines, channels, API keys and sessions.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Budgets, Facts, Rules, Timeline, Timestamp};

use super::Reader;
use crate::access::load_keys;
use crate::counters::load_budgets;
use crate::directory::facts_of;
use crate::error::StoreError;
use crate::id::{ChannelId, MemberId, ProgramId};
use crate::key::{KeyInfo, SecretHash};
use crate::migrate::epoch_of;
use crate::reference::{Channel, Program, Reference, load_reference};
use crate::session::is_session;

/// A program as it is stored.
#[derive(Clone, Debug)]
pub struct ProgramInfo {
    pub number: u32,
    pub id: ProgramId,
    pub name: String,
    pub timeline: Arc<Timeline>,
    documents: BTreeMap<u32, Arc<str>>,
}

impl ProgramInfo {
    /// The text of a version's document, as it was written.
    pub fn document(&self, version: u32) -> Option<&str> {
        self.documents.get(&version).map(AsRef::as_ref)
    }
}

impl From<&Program> for ProgramInfo {
    fn from(it: &Program) -> Self {
        let Program { number, id, name, timeline, documents } = it.clone();
        Self { number, id, name, timeline, documents }
    }
}

/// A channel as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    pub number: u32,
    pub id: ChannelId,
    pub name: String,
    /// The name of its program.
    pub program: String,
    /// Whether the first document of an order signs up whom it names by an identity that nobody has.
    pub signs_up: bool,
}

/// What decides about one member's account.
#[derive(Clone, Debug)]
pub struct MemberRules {
    timeline: Arc<Timeline>,
    facts: Facts,
}

impl MemberRules {
    pub fn rules(&self) -> Rules<'_> {
        Rules { facts: &self.facts, ..Rules::of(&self.timeline) }
    }
}

impl Reader {
    /// What decides about a member's account in a program; of a program that is not there, nothing.
    pub fn rules(&self, member: MemberId, program: u32) -> Result<MemberRules, StoreError> {
        let reference = self.reference()?;
        let timeline = reference.programs.get(&program).map(|it| Arc::clone(&it.timeline)).unwrap_or_default();
        let facts = if timeline.needs_facts() { self.ask(|conn| facts_of(conn, member))? } else { Facts::default() };
        Ok(MemberRules { timeline, facts })
    }

    /// The epoch of programs, channels and keys that this snapshot sees.
    pub fn epoch(&self) -> Result<u64, StoreError> {
        self.ask(epoch_of)
    }

    /// In the order of their numbers.
    pub fn programs(&self) -> Result<Vec<ProgramInfo>, StoreError> {
        Ok(self.reference()?.programs.values().map(ProgramInfo::from).collect())
    }

    /// The program of that name or id.
    pub fn program(&self, name: &str) -> Result<Option<ProgramInfo>, StoreError> {
        Ok(self.reference()?.program(name).map(ProgramInfo::from))
    }

    /// What orders have of the budgets of a program's promotions.
    pub fn budgets(&self, program: u32) -> Result<Budgets, StoreError> {
        self.ask(|conn| load_budgets(conn, program))
    }

    /// In the order of their numbers.
    pub fn channels(&self) -> Result<Vec<ChannelInfo>, StoreError> {
        let reference = self.reference()?;
        let program = |number: u32| reference.programs.get(&number).map_or_else(String::new, |it| it.name.clone());
        let info = |(name, it): (&String, &Channel)| ChannelInfo {
            number: it.number,
            id: it.id,
            name: name.clone(),
            program: program(it.program),
            signs_up: it.signs_up,
        };
        let mut channels: Vec<ChannelInfo> = reference.channels.iter().map(info).collect();
        channels.sort_by_key(|it| it.number);
        Ok(channels)
    }

    /// API keys, revoked ones too, in the order of their numbers.
    pub fn keys(&self) -> Result<Vec<KeyInfo>, StoreError> {
        self.ask(load_keys)
    }

    /// Whether the session is open at that instant.
    pub fn session(&self, session: SecretHash, now: Timestamp) -> Result<bool, StoreError> {
        self.ask(|conn| is_session(conn, session, now))
    }

    /// As the snapshot sees it; short readers share what one of them has loaded for the same epoch.
    pub(crate) fn reference(&self) -> Result<Arc<Reference>, StoreError> {
        let epoch = self.epoch()?;
        if let Some(known) = self.known(epoch) {
            return Ok(known);
        }
        let loaded = Arc::new(self.ask(|conn| load_reference(conn, self.compile(), self.path()))?);
        self.know(epoch, &loaded);
        Ok(loaded)
    }
}
