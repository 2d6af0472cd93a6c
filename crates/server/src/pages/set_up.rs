//! The first visit: a form with sensible defaults makes the first program, its channel and the first key.
//!
//! The link in the address is used up when the form is sent and can be used, not when it is looked at: a mail program that
//! looks ahead, or a form with a fault, costs nothing.

mod draft;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use engine::Actor;
use serde::Deserialize;
use store::{Body, ChannelId, Key, ProgramId, Scopes, SecretHash, Time};

use self::draft::Draft;
use super::admin::keys::curl;
use super::page::{Page, part};
use super::shell::Shell;
use crate::access::{hint, new_key, secret};
use crate::app::{App, Request};
use crate::extract::Path;
use crate::problem::{Answer, Problem};
use crate::session::{Entering, NoEntry};

/// `GET /set-up/{token}`
#[derive(Template)]
#[template(path = "set_up.html", blocks = ["words"])]
pub struct SetUpPage {
    pub shell: Shell,
    pub action: String,
    /// Where the form is tried out while it is typed.
    pub preview: String,
    pub form: SetUpForm,
    /// What the answers come to.
    pub sentences: Vec<String>,
    /// What is wrong, by field.
    pub faults: Vec<Fault>,
    pub zones: Vec<&'static str>,
    pub currencies: Vec<CurrencyChoice>,
}

/// What was typed, as it was typed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct SetUpForm {
    pub name: String,
    pub one: String,
    pub many: String,
    pub currency: String,
    pub time_zone: String,
    pub earn: String,
    pub worth: String,
    pub months: String,
    pub channel: String,
}

impl Default for SetUpForm {
    fn default() -> Self {
        let text = str::to_owned;
        Self {
            name: String::new(),
            one: text("point"),
            many: text("points"),
            currency: text("EUR"),
            time_zone: text("Europe/Berlin"),
            earn: text("1"),
            worth: text("1.00"),
            months: text("24"),
            channel: text("web"),
        }
    }
}

/// Something that was typed and cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The field; empty for what is about all of them.
    pub field: &'static str,
    pub message: String,
}

/// A currency to choose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CurrencyChoice {
    pub code: &'static str,
    pub name: String,
    pub is_chosen: bool,
}

impl SetUpPage {
    pub fn fault(&self, field: &str) -> Option<&str> {
        self.faults.iter().find(|it| it.field == field).map(|it| it.message.as_str())
    }
}

/// `POST /set-up/{token}`: all is there, and the first key is seen once.
#[derive(Template)]
#[template(path = "set_up_done.html")]
pub struct SetUpDonePage {
    pub shell: Shell,
    pub program: String,
    pub secret: String,
    pub curl: String,
    /// What the program does, in a few plain sentences.
    pub sentences: Vec<String>,
}

/// `GET /set-up/{token}` once there is a program: the link signs one browser in.
#[derive(Template)]
#[template(path = "link.html")]
pub struct LinkPage {
    pub shell: Shell,
    pub action: String,
}

/// Shows the form, or where all is set up already, a button that signs in.
pub(crate) async fn show(State(app): State<App>, Path(token): Path<String>) -> Result<Response, NoEntry> {
    if is_set_up(&app).await? {
        return Ok(Page(LinkPage { shell: shell("Sign in"), action: format!("/set-up/{token}") }).into_response());
    }
    let form = SetUpForm::default();
    let draft = Draft::of(&form, &app);
    // Nobody has typed anything yet: what is still empty is no fault.
    Ok(Page(SetUpPage { faults: Vec::new(), ..page(&token, form, &draft) }).into_response())
}

/// Says what the answers come to, while they are typed.
pub(crate) async fn words(
    State(app): State<App>,
    Path(token): Path<String>,
    Entering(form): Entering<SetUpForm>,
) -> Result<Response, NoEntry> {
    let draft = Draft::of(&form, &app);
    Ok(part(page(&token, form, &draft).as_words().render()))
}

/// Uses the link up, and sets up what the form says.
pub(crate) async fn set_up(
    State(app): State<App>,
    Path(token): Path<String>,
    Entering(form): Entering<SetUpForm>,
) -> Result<Response, NoEntry> {
    let is_set_up = is_set_up(&app).await?;
    let draft = Draft::of(&form, &app);
    if !is_set_up && !draft.faults.is_empty() {
        return Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page(&token, form, &draft))).into_response());
    }
    let Some((_, cookie)) = app.use_link(&token).await? else {
        let detail =
            "This link is unknown, was used before, or is older than a day; guerdon serve --new-link prints a new one.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "unknown_link", detail).into());
    };
    if is_set_up {
        return Ok(cookie.redirect("/admin"));
    }
    let text = new_key(&app);
    make(&app, &draft, &text).await?;
    let page = SetUpDonePage {
        shell: shell("Ready"),
        program: draft.name.clone(),
        curl: curl(&app, &text),
        secret: text,
        sentences: draft.sentences,
    };
    Ok(cookie.with(Page(page)))
}

async fn make(app: &App, draft: &Draft, text: &str) -> Answer<()> {
    let now = app.now();
    let program = Body::CreateProgram {
        id: ProgramId::derived(now, &app.draw()),
        name: draft.name.clone(),
        document: draft.document.clone(),
        effective_at: None,
    };
    let channel = Body::AddChannel {
        id: ChannelId::derived(now, &app.draw()),
        name: draft.channel.clone(),
        program: draft.name.clone(),
        signs_up: false,
    };
    let key = Body::AddKey {
        name: "First key".to_owned(),
        hash: SecretHash::of(text),
        hint: hint(text),
        scopes: Scopes::ADMIN,
    };
    for body in [program, channel, key] {
        let key = Some(Key(format!("set-up:{}", secret(&app.draw()))));
        app.submit_for(Request { key, actor: Actor::Staff(0), time: Time::Live, body }, None).await?;
    }
    Ok(())
}

async fn is_set_up(app: &App) -> Answer<bool> {
    Ok(app.catalog().await?.programs().next().is_some())
}

fn shell(title: &str) -> Shell {
    Shell { title: title.to_owned(), ..Shell::default() }
}

fn page(token: &str, form: SetUpForm, draft: &Draft) -> SetUpPage {
    SetUpPage {
        shell: shell("Set up"),
        action: format!("/set-up/{token}"),
        preview: format!("/set-up/{token}/words"),
        sentences: draft.sentences.clone(),
        faults: draft.faults.clone(),
        zones: draft::ZONES.to_vec(),
        currencies: draft::currencies(&form.currency),
        form,
    }
}
