//! Programs with their timelines, and channels.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::Timeline;

use super::Reader;
use crate::error::StoreError;
use crate::reference::{Program, Reference, load_reference};

/// A program as it is stored.
#[derive(Clone, Debug)]
pub struct ProgramInfo {
    pub number: u32,
    pub name: String,
    pub timeline: Timeline,
    documents: BTreeMap<u32, Arc<str>>,
}

impl ProgramInfo {
    /// The text of a version's document, as it was written.
    pub fn document(&self, version: u32) -> Option<&str> {
        self.documents.get(&version).map(AsRef::as_ref)
    }
}

impl From<Program> for ProgramInfo {
    fn from(it: Program) -> Self {
        Self { number: it.number, name: it.name, timeline: it.timeline, documents: it.documents }
    }
}

/// A channel as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelInfo {
    pub number: u32,
    pub name: String,
    /// The name of its program.
    pub program: String,
}

impl Reader {
    pub fn programs(&self) -> Result<Vec<ProgramInfo>, StoreError> {
        Ok(self.reference()?.programs.into_values().map(ProgramInfo::from).collect())
    }

    pub fn program(&self, name: &str) -> Result<Option<ProgramInfo>, StoreError> {
        Ok(self.reference()?.programs.into_values().find(|it| it.name == name).map(ProgramInfo::from))
    }

    /// In the order of their numbers.
    pub fn channels(&self) -> Result<Vec<ChannelInfo>, StoreError> {
        let Reference { programs, channels } = self.reference()?;
        let program = |number: u32| programs.get(&number).map_or_else(String::new, |it: &Program| it.name.clone());
        let info = |(name, it): (String, crate::reference::Channel)| ChannelInfo {
            number: it.number,
            name,
            program: program(it.program),
        };
        let mut channels: Vec<ChannelInfo> = channels.into_iter().map(info).collect();
        channels.sort_by_key(|it| it.number);
        Ok(channels)
    }

    pub(crate) fn reference(&self) -> Result<Reference, StoreError> {
        self.ask(|conn| load_reference(conn, self.compile(), self.path()))
    }
}
