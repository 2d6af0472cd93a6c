//! The face for staff: figures, members, programs and keys.
//!
//! Each page is a view struct beside its handler, with a template at the same path.

pub mod figures;
pub mod keys;
pub mod member;
pub mod members;
pub mod programs;

use std::sync::Arc;

use engine::Timestamp;

use super::shell::{Choice, Section, Shell, Visitor, encoded};
use crate::app::App;
use crate::catalog::{Catalog, Program};
use crate::problem::Answer;
use crate::session::Session;

/// The program that a page is about, among all.
pub(crate) struct Chosen {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) program: Arc<Program>,
    pub(crate) now: Timestamp,
    is_demo: bool,
}

impl Chosen {
    /// The program of that name or id, or the first; nothing when there is none at all.
    pub(crate) async fn of(app: &App, named: Option<&str>) -> Answer<Option<Self>> {
        let (catalog, now) = (app.catalog().await?, app.now());
        let program = match named.filter(|it| !it.is_empty()) {
            Some(named) => Some(Arc::clone(catalog.program(named)?)),
            None => catalog.programs().next().map(Arc::clone),
        };
        Ok(program.map(|program| Self { catalog, program, now, is_demo: app.config().is_demo }))
    }

    pub(crate) fn name(&self) -> &str {
        &self.program.info.name
    }

    fn is_alone(&self) -> bool {
        self.catalog.programs().count() < 2
    }

    /// "program=Staff%20club" where links have to say it.
    pub(crate) fn keep(&self) -> Option<String> {
        (!self.is_alone()).then(|| format!("program={}", encoded(self.name())))
    }

    /// All programs, as links to the same page.
    pub(crate) fn choices(&self, path: &str) -> Vec<Choice> {
        let choice = |it: &Arc<Program>| Choice {
            label: it.info.name.clone(),
            href: format!("{path}?program={}", encoded(&it.info.name)),
            is_current: it.info.number == self.program.info.number,
        };
        self.catalog.programs().map(choice).collect()
    }

    /// The names of the program's channels.
    pub(crate) fn channels(&self) -> Vec<String> {
        let own = self.catalog.channels().iter().filter(|it| it.program.info.number == self.program.info.number);
        own.map(|it| it.info.name.clone()).collect()
    }

    pub(crate) fn channel_name(&self, number: u32) -> String {
        let known = self.catalog.channel_numbered(number);
        known.map_or_else(|| "Without an order".to_owned(), |it| it.info.name.clone())
    }

    pub(crate) fn shell(&self, title: &str, section: Section, session: &Session) -> Shell {
        let program = (!self.is_alone()).then(|| self.name().to_owned());
        Shell { program, ..framed(self.is_demo, title, section, session) }
    }
}

/// The frame of a page that is about no program in particular.
pub(crate) fn shell(app: &App, title: &str, section: Section, session: &Session) -> Shell {
    framed(app.config().is_demo, title, section, session)
}

fn framed(is_demo: bool, title: &str, section: Section, session: &Session) -> Shell {
    let visitor = Visitor { is_demo, csrf: session.csrf() };
    Shell { title: title.to_owned(), section: Some(section), visitor: Some(visitor), ..Shell::default() }
}
