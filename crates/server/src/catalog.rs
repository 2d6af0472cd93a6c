//! Programs, channels and API keys as requests see them: read once, and again when the store says that they have changed.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Currency, Rejection, Terms, Timeline, Timestamp};
use store::{ChannelInfo, KeyInfo, ProgramInfo, Reader, SecretHash, StoreError};

use crate::problem::{Answer, Problem};
use crate::words::{Names, Voice};

#[derive(Debug, Default)]
pub(crate) struct Catalog {
    /// The store's epoch when this was read, or an earlier one.
    pub(crate) epoch: u64,
    programs: BTreeMap<u32, Arc<Program>>,
    channels: Vec<Channel>,
    /// By the hash of their text.
    keys: BTreeMap<SecretHash, KeyInfo>,
}

#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) info: ProgramInfo,
    /// The shop's words of each version.
    names: BTreeMap<u32, Names>,
}

#[derive(Clone, Debug)]
pub(crate) struct Channel {
    pub(crate) info: ChannelInfo,
    pub(crate) program: Arc<Program>,
}

impl Catalog {
    pub(crate) fn read(reader: &Reader, epoch: u64) -> Result<Self, StoreError> {
        let programs: BTreeMap<u32, Arc<Program>> =
            reader.programs()?.into_iter().map(|it| (it.number, Arc::new(Program::new(it)))).collect();
        let by_name = |name: &str| programs.values().find(|it| it.info.name == name).map(Arc::clone);
        let channels = reader.channels()?.into_iter();
        let channels = channels.filter_map(|info| Some(Channel { program: by_name(&info.program)?, info })).collect();
        let keys = reader.keys()?.into_iter().map(|it| (it.hash, it)).collect();
        Ok(Self { epoch, programs, channels, keys })
    }

    pub(crate) fn programs(&self) -> impl Iterator<Item = &Arc<Program>> {
        self.programs.values()
    }

    pub(crate) fn channels(&self) -> &[Channel] {
        &self.channels
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &KeyInfo> {
        self.keys.values()
    }

    /// The program of that id or name.
    pub(crate) fn program(&self, named: &str) -> Answer<&Arc<Program>> {
        let found = self.programs.values().find(|it| it.info.name == named || it.info.id.to_string() == named);
        found.ok_or_else(|| Problem::rejected(&Rejection::UnknownProgram, None))
    }

    pub(crate) fn program_numbered(&self, number: u32) -> Option<&Arc<Program>> {
        self.programs.get(&number)
    }

    /// The channel of that id or name.
    pub(crate) fn channel(&self, named: &str) -> Answer<&Channel> {
        let found = self.channels.iter().find(|it| it.info.name == named || it.info.id.to_string() == named);
        found.ok_or_else(|| Problem::rejected(&Rejection::UnknownChannel, None))
    }

    pub(crate) fn channel_numbered(&self, number: u32) -> Option<&Channel> {
        self.channels.iter().find(|it| it.info.number == number)
    }

    pub(crate) fn key(&self, hash: SecretHash) -> Option<&KeyInfo> {
        self.keys.get(&hash).filter(|it| it.revoked_at.is_none())
    }
}

impl Program {
    fn new(info: ProgramInfo) -> Self {
        let names_of = |number: u32| {
            let document = info.document(number).and_then(|it| crate::program::parse(it).ok());
            (number, document.as_ref().map_or_else(Names::default, Names::of))
        };
        let names = info.timeline.versions().iter().map(|it| names_of(it.number)).collect();
        Self { info, names }
    }

    pub(crate) fn timeline(&self) -> &Timeline {
        &self.info.timeline
    }

    /// The terms in force at an instant; before the first version, those of the first.
    pub(crate) fn terms(&self, at: Timestamp) -> Answer<&Terms> {
        let timeline = &self.info.timeline;
        let version = timeline.at(at).or(timeline.versions().first());
        version.map(|it| &it.terms).ok_or_else(|| Problem::rejected(&Rejection::UnknownProgram, None))
    }

    pub(crate) fn currency(&self, at: Timestamp) -> Answer<Currency> {
        self.terms(at).map(|it| it.currency)
    }

    /// How figures are said at an instant.
    pub(crate) fn voice(&self, at: Timestamp) -> Answer<Voice<'_>> {
        let timeline = &self.info.timeline;
        let version = timeline.at(at).or(timeline.versions().first());
        let told = version.and_then(|it| Some(Voice { terms: &it.terms, names: self.names.get(&it.number)? }));
        told.ok_or_else(|| Problem::rejected(&Rejection::UnknownProgram, None))
    }

    /// How figures are said of what was decided under a version; under the last one if it is not known.
    pub(crate) fn voice_of(&self, version: u32) -> Option<Voice<'_>> {
        let versions = self.info.timeline.versions();
        let version = versions.iter().find(|it| it.number == version).or(versions.last())?;
        Some(Voice { terms: &version.terms, names: self.names.get(&version.number)? })
    }
}
