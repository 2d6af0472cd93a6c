//! The figures of a program: what happened in a period, drawn and as a statement that adds up.
//!
//! Bounded by the days and channels that have totals: what one request reads is a row for each.

mod period;
mod sums;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;

use self::period::Period;
use self::sums::{Read, Sums};
use super::Chosen;
use crate::app::App;
use crate::extract::Params;
use crate::pages::page::Page;
use crate::session::{NoEntry, Session};

use crate::pages::chart::{Chart, Drawing};
use crate::pages::shell::{Choice, Section, Shell, encoded};

/// `GET /admin`
#[derive(Template)]
#[template(path = "admin/figures.html")]
pub struct FiguresPage {
    pub shell: Shell,
    pub programs: Vec<Choice>,
    pub program: String,
    pub periods: Vec<Choice>,
    /// "24 October to 22 November 2026"
    pub span: String,
    /// What one point is called, and several.
    pub word: String,
    /// Nothing was ever recorded: the page says what to do first.
    pub is_new: bool,
    pub first: FirstSteps,
    pub tiles: Vec<Tile>,
    pub chart: Chart,
    pub drawing: Option<Drawing>,
    pub statement: Vec<Line>,
    /// What is outstanding means for the shop.
    pub promise: String,
    pub channels: Vec<ChannelLine>,
}

/// What to type to see something happen, at this server and in this channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FirstSteps {
    pub sign_up: String,
    pub order: String,
}

impl FirstSteps {
    fn of(app: &App, chosen: &Chosen) -> Self {
        let url = &app.config().public_url;
        let channels = chosen.channels();
        let channel = channels.first().map_or_else(|| "web".to_owned(), |it| encoded(it));
        let headers = "\\\n  -H \"Authorization: Bearer $KEY\" \\\n  -H \"Content-Type: application/json\"";
        Self {
            sign_up: format!(
                "curl {url}/v1/members {headers} \\\n  -H \"Idempotency-Key: sign-up-ana\" \\\n  -d '{{\"name\": \"Ana Silva\", \
                 \"identities\": [{{\"kind\": \"customer\", \"value\": \"00042\"}}]}}'"
            ),
            order: format!(
                "NOW=$(date -u +%Y-%m-%dT%H:%M:%SZ)\ncurl -X PUT {url}/v1/channels/{channel}/orders/1001 {headers} \\\n  \
                 -d '{{\"member\": \"customer:00042\", \"lines\": [{{\"id\": \"1\", \"amount\": \"300\"}}],\n       \
                 \"placed_at\": \"'$NOW'\", \"paid_at\": \"'$NOW'\"}}'"
            ),
        }
    }
}

/// A figure with its name and a remark.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tile {
    pub label: &'static str,
    pub value: String,
    pub unit: String,
    pub note: String,
    /// The one that the page is about.
    pub is_first: bool,
}

/// A line of the statement of points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    pub label: String,
    pub value: String,
    /// The colour of its series in the chart.
    pub tone: &'static str,
    pub is_sum: bool,
}

/// What happened in a channel.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChannelLine {
    pub name: String,
    pub orders: String,
    /// Its share of all orders: "37.500%".
    pub share: String,
    pub issued: String,
    pub redeemed: String,
    pub revoked: String,
    pub expired: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    period: Option<String>,
    program: Option<String>,
}

/// Shows the figures of a program.
pub(crate) async fn show(
    State(app): State<App>,
    session: Session,
    Params(asked): Params<Asked>,
) -> Result<Response, NoEntry> {
    let Some(chosen) = Chosen::of(&app, asked.program.as_deref()).await? else {
        return Ok(Redirect::to("/admin/programs").into_response());
    };
    let name = chosen.program.info.name.clone();
    let read = app
        .read(move |reader| {
            let days = reader.days(&name, "", "9999-12-31")?;
            Ok(Read { days, members: reader.member_count()?, sign_ups: reader.sign_ups("", "9999-12-31")? })
        })
        .await?;
    let period = Period::named(asked.period.as_deref());
    let sums = Sums::of(&read, &chosen, period)?;
    let shell = chosen.shell("Figures", Section::Figures, &session);
    Ok(Page(sums.page(shell, FirstSteps::of(&app, &chosen))).into_response())
}
