//! Programs as people read them: what each does in plain words, its versions, and the document behind them.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use engine::{EarnMode, Terms, Timestamp, Validity};
use serde::Deserialize;

use super::shell;
use crate::app::App;
use crate::catalog::{Catalog, Program};
use crate::extract::{Params, Path};
use crate::pages::page::Page;
use crate::pages::shell::{Section, Shell, encoded};
use crate::problem::{Answer, Problem};
use crate::program::{parse, plain_words};
use crate::session::{NoEntry, Session};
use crate::words::{Voice, day, year_day};

/// `GET /admin/programs`
#[derive(Template)]
#[template(path = "admin/programs.html")]
pub struct ProgramsPage {
    pub shell: Shell,
    pub programs: Vec<ProgramRow>,
}

/// A program in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProgramRow {
    pub name: String,
    pub href: String,
    pub is_on: bool,
    /// "1 point per 1.00 USD"
    pub summary: String,
    pub channels: String,
}

/// `GET /admin/programs/{name}`
#[derive(Template)]
#[template(path = "admin/program.html")]
pub struct ProgramPage {
    pub shell: Shell,
    pub name: String,
    pub id: String,
    pub is_on: bool,
    /// Since when: "on since 1 April 2022".
    pub switch: String,
    pub facts: Vec<Fact>,
    pub sentences: Vec<String>,
    /// Which version the words and the document are of.
    pub shown: String,
    pub versions: Vec<VersionRow>,
    pub channels: Vec<ChannelRow>,
    pub document: String,
}

/// A setting at a glance.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
}

/// A version of a program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VersionRow {
    pub number: String,
    pub href: String,
    pub effective: String,
    /// "in force", "from then on", "until 1 April 2022".
    pub state: String,
    pub is_in_force: bool,
    pub is_shown: bool,
}

/// A channel that runs under the program.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelRow {
    pub name: String,
    pub id: String,
}

/// Lists the programs.
pub(crate) async fn list(State(app): State<App>, session: Session) -> Result<Response, NoEntry> {
    let (catalog, now) = (app.catalog().await?, app.now());
    let row = |it: &std::sync::Arc<Program>| -> Answer<ProgramRow> {
        let voice = it.voice(now)?;
        let channels: Vec<String> = channels(&catalog, it).into_iter().map(|it| it.name).collect();
        Ok(ProgramRow {
            name: it.info.name.clone(),
            href: format!("/admin/programs/{}", encoded(&it.info.name)),
            is_on: it.timeline().is_on(now),
            summary: format!("{}; {}; {}", earns(&voice), pays(&voice), lasts(voice.terms)),
            channels: if channels.is_empty() { "no channel yet".to_owned() } else { channels.join(", ") },
        })
    };
    let programs = catalog.programs().map(row).collect::<Answer<_>>()?;
    Ok(Page(ProgramsPage { shell: shell(&app, "Programs", Section::Programs, &session), programs }).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    version: Option<u32>,
}

/// Shows a program, in the words of one of its versions.
pub(crate) async fn show(
    State(app): State<App>,
    session: Session,
    Path(named): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, NoEntry> {
    let (catalog, now) = (app.catalog().await?, app.now());
    let program = catalog.program(&named)?;
    let timeline = program.timeline();
    let in_force = timeline.at(now).or(timeline.versions().first()).map(|it| it.number);
    let shown = asked.version.or(in_force).unwrap_or(1);
    let unknown = || Problem::not_found("unknown_version", "The program has no such version.");
    let text = program.info.document(shown).ok_or_else(unknown)?;
    let document = parse(text).map_err(|_| Problem::internal())?;
    let words = plain_words(&document).map_err(|_| Problem::internal())?;
    let voice = program.voice_of(shown).ok_or_else(unknown)?;
    let versions = versions(program, now, in_force, shown);
    let state = versions.iter().find(|it| it.is_shown).map_or("", |it| it.state.as_str());
    let page = ProgramPage {
        shell: shell(&app, &program.info.name, Section::Programs, &session),
        name: program.info.name.clone(),
        id: program.info.id.to_string(),
        is_on: timeline.is_on(now),
        switch: switch(program, now, &voice),
        facts: facts(&voice),
        // The first sentence says the name, the currency and the zone, which stand above.
        sentences: words.into_iter().skip(1).collect(),
        shown: format!("version {shown}, {state}"),
        versions,
        channels: channels(&catalog, program),
        document: laid_out(text),
    };
    Ok(Page(page).into_response())
}

/// JSON on lines of its own; what has lines already stays as it was written.
fn laid_out(json: &str) -> String {
    if json.contains('\n') {
        return json.to_owned();
    }
    let (mut text, mut depth, mut is_text, mut is_escaped) = (String::new(), 0_usize, false, false);
    for it in json.chars() {
        if is_text {
            (is_text, is_escaped) = (is_escaped || it != '"', !is_escaped && it == '\\');
            text.push(it);
            continue;
        }
        let line = |depth: usize| format!("\n{}", "  ".repeat(depth));
        match it {
            '{' | '[' => {
                depth += 1;
                text += &format!("{it}{}", line(depth));
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                text += &format!("{}{it}", line(depth));
            }
            ',' => text += &format!(",{}", line(depth)),
            ':' => text += ": ",
            ' ' => {}
            _ => {
                is_text = it == '"';
                text.push(it);
            }
        }
    }
    text
}

#[test]
fn documents_are_laid_out() {
    let text = laid_out(r#"{"a":1, "b, \\\"c":{"d":"{:}"}}"#);
    assert_eq!(text, "{\n  \"a\": 1,\n  \"b, \\\\\\\"c\": {\n    \"d\": \"{:}\"\n  }\n}");
    assert_eq!(laid_out("{\n\"a\":1}"), "{\n\"a\":1}");
}

fn channels(catalog: &Catalog, program: &Program) -> Vec<ChannelRow> {
    let own = catalog.channels().iter().filter(|it| it.program.info.number == program.info.number);
    own.map(|it| ChannelRow { name: it.info.name.clone(), id: it.info.id.to_string() }).collect()
}

/// Newest first.
fn versions(program: &Program, now: Timestamp, in_force: Option<u32>, shown: u32) -> Vec<VersionRow> {
    let row = |it: &engine::Version| {
        let state = match (Some(it.number) == in_force, now < it.effective_at) {
            (true, _) => "in force",
            (false, true) => "later",
            (false, false) => "before",
        };
        VersionRow {
            number: it.number.to_string(),
            href: format!("/admin/programs/{}?version={}", encoded(&program.info.name), it.number),
            effective: moment(it.effective_at, &it.terms),
            state: state.to_owned(),
            is_in_force: Some(it.number) == in_force,
            is_shown: it.number == shown,
        }
    };
    program.timeline().versions().iter().rev().map(row).collect()
}

/// "1 April 2022, 13:21"
fn moment(at: Timestamp, terms: &Terms) -> String {
    let text = terms.zone.clock_text(at);
    let clock = text.rsplit(' ').next().unwrap_or_default();
    format!("{}, {clock}", day(terms.zone.date_of(at)))
}

fn switch(program: &Program, now: Timestamp, voice: &Voice<'_>) -> String {
    let last = program.timeline().switches().iter().rev().find(|it| it.at <= now).map(|it| it.at);
    match last.or(program.timeline().versions().first().map(|it| it.effective_at)) {
        Some(since) => format!("since {}", voice.day_of(since)),
        None => String::new(),
    }
}

fn facts(voice: &Voice<'_>) -> Vec<Fact> {
    let terms = voice.terms;
    let waits = match terms.waiting_days {
        0 => "at once".to_owned(),
        1 => "after 1 day".to_owned(),
        days => format!("after {days} days"),
    };
    vec![
        Fact { label: "An order earns", value: earns(voice) },
        Fact { label: "At checkout", value: pays(voice) },
        Fact { label: "Can be spent", value: waits },
        Fact { label: "Validity", value: lasts(terms) },
        Fact { label: "Money and days", value: format!("{}, {}", terms.currency.code(), terms.zone.name()) },
    ]
}

fn earns(voice: &Voice<'_>) -> String {
    let rate = voice.terms.earn;
    let (points, per) = (voice.points(rate.points), voice.amount(rate.per));
    match rate.mode {
        EarnMode::Proportional => format!("{points} per {per}"),
        EarnMode::Steps | EarnMode::StepsCarried => format!("{points} for each full {per}"),
    }
}

fn pays(voice: &Voice<'_>) -> String {
    let rate = voice.terms.redeem.rate;
    format!("{} pay {}", voice.points(rate.points), voice.amount(rate.value))
}

fn lasts(terms: &Terms) -> String {
    match terms.validity {
        Validity::Never => "never expire".to_owned(),
        Validity::Days(1) => "1 day".to_owned(),
        Validity::Days(days) => format!("{days} days"),
        Validity::Months(1) => "1 month".to_owned(),
        Validity::Months(months) => format!("{months} months"),
        Validity::Until(last) => format!("until {}", day(last)),
        Validity::Yearly(last) => format!("until {} of each year", year_day(last)),
    }
}
