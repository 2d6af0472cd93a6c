//! API keys: who may connect, and what each of them may do. A secret is shown once.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use engine::{Actor, Timestamp, Zone};
use serde::Deserialize;
use store::{Body, Key, KeyInfo, Scopes, SecretHash, Time};

use super::shell;
use crate::access::{hint, new_key, secret};
use crate::app::{App, Request};
use crate::catalog::Catalog;
use crate::extract::{Params, Path};
use crate::pages::page::Page;
use crate::pages::shell::{Section, Shell};
use crate::problem::{Answer, Problem};
use crate::session::{NoEntry, Posted, Session};
use crate::words::day;

/// Bytes of a key's name.
const NAME_BYTES_MAX: usize = 120;

/// `GET /admin/keys`
#[derive(Template)]
#[template(path = "admin/keys.html")]
pub struct KeysPage {
    pub shell: Shell,
    pub keys: Vec<KeyRow>,
    pub scopes: Vec<ScopeBox>,
    /// What was typed, when it was refused.
    pub name: String,
    pub fault: Option<String>,
}

/// A key in the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyRow {
    pub name: String,
    pub scopes: Vec<&'static str>,
    /// The last four characters of its secret.
    pub ending: String,
    pub created: String,
    pub revoked: Option<String>,
    /// Where it is revoked; nothing for one that was.
    pub revoke: Option<String>,
}

/// A thing that a key may be allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ScopeBox {
    pub name: &'static str,
    pub label: &'static str,
    pub help: &'static str,
    pub is_checked: bool,
}

/// `POST /admin/keys`: the one time that the secret is seen.
#[derive(Template)]
#[template(path = "admin/key_made.html")]
pub struct KeyMadePage {
    pub shell: Shell,
    pub name: String,
    pub scopes: Vec<&'static str>,
    pub secret: String,
    /// A line for the terminal that shows that the key works.
    pub curl: String,
}

/// `GET /admin/keys/{id}/revoke`
#[derive(Template)]
#[template(path = "admin/key_revoke.html")]
pub struct KeyRevokePage {
    pub shell: Shell,
    pub name: String,
    pub ending: String,
    pub scopes: Vec<&'static str>,
    pub created: String,
    pub action: String,
}

/// Each scope with what it is called and what it is good for.
const SCOPES: [(Scopes, &str, &str, &str); 8] = [
    (Scopes::READ, "read", "Read", "Look at members, balances, orders and figures."),
    (
        Scopes::ORDERS,
        "orders",
        "Orders",
        "Record orders, quote carts, hold and redeem points: what a shop or till needs.",
    ),
    (Scopes::MEMBERS, "members", "Members", "Sign members up, change their names and what finds them."),
    (Scopes::ADJUST, "adjust", "Adjust", "Add or deduct points by hand."),
    (Scopes::PROGRAMS, "programs", "Programs", "Make programs and channels, change and switch them."),
    (Scopes::IMPORT, "import", "Import", "Record orders of the past at their own time."),
    (Scopes::METRICS, "metrics", "Metrics", "Read how the server fares, for monitoring: nothing of any member."),
    (Scopes::ADMIN, "admin", "Everything", "All of the above, other keys, and these pages."),
];

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    revoked: Option<u32>,
}

/// Lists the keys beside a form for a new one.
pub(crate) async fn list(
    State(app): State<App>,
    session: Session,
    Params(asked): Params<Asked>,
) -> Result<Response, NoEntry> {
    let mut page = page(&app, &session).await?;
    page.shell.notice = asked.revoked.map(|_| "The key was revoked: it lets nobody in any more.".to_owned());
    Ok(Page(page).into_response())
}

/// Makes a key, and shows its secret this once.
pub(crate) async fn make(State(app): State<App>, posted: Posted<Vec<(String, String)>>) -> Result<Response, NoEntry> {
    let Posted { session, form } = posted;
    let name = form.iter().find(|it| it.0 == "name").map_or("", |it| it.1.trim()).to_owned();
    let asked = form.iter().filter(|it| it.0 == "scope").filter_map(|it| it.1.parse::<Scopes>().ok());
    let scopes = asked.fold(Scopes::NONE, Scopes::with);
    if let Some(fault) = fault_of(&name, scopes) {
        return refused(&app, &session, name, scopes, fault).await;
    }
    let text = new_key(&app);
    let body = Body::AddKey { name: name.clone(), hash: SecretHash::of(&text), hint: hint(&text), scopes };
    let key = Some(Key(format!("page:{}", secret(&app.draw()))));
    let made = app.submit_for(Request { key, actor: Actor::Staff(0), time: Time::Live, body }, None).await;
    if let Err(problem) = made {
        return refused(&app, &session, name, scopes, problem.detail()).await;
    }
    let page = KeyMadePage {
        shell: shell(&app, "A new key", Section::Keys, &session),
        name,
        scopes: scopes.names(),
        curl: curl(&app, &text),
        secret: text,
    };
    Ok(Page(page).into_response())
}

/// The form again, as it was filled in.
async fn refused(app: &App, session: &Session, name: String, scopes: Scopes, fault: &str) -> Result<Response, NoEntry> {
    let page = KeysPage { scopes: boxes(scopes), name, fault: Some(fault.to_owned()), ..page(app, session).await? };
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page)).into_response())
}

/// Asks whether a key is to be revoked.
pub(crate) async fn ask_revoke(
    State(app): State<App>,
    session: Session,
    Path(number): Path<u32>,
) -> Result<Response, NoEntry> {
    let (catalog, now) = (app.catalog().await?, app.now());
    let key = catalog.keys().find(|it| it.number == number && it.revoked_at.is_none());
    let key = key.ok_or_else(|| Problem::not_found("unknown_key", "There is no such key, or it was revoked."))?;
    let page = KeyRevokePage {
        shell: shell(&app, "Revoke a key", Section::Keys, &session),
        name: key.name.clone(),
        ending: key.hint.clone(),
        scopes: key.scopes.names(),
        created: local_day(&catalog, key.created_at, now)?,
        action: format!("/admin/keys/{number}/revoke"),
    };
    Ok(Page(page).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// Revokes a key.
pub(crate) async fn revoke(
    State(app): State<App>,
    Path(number): Path<u32>,
    _posted: Posted<Nothing>,
) -> Result<Response, NoEntry> {
    let body = Body::RevokeKey { number };
    app.submit_for(Request { key: None, actor: Actor::Staff(0), time: Time::Live, body }, None).await?;
    Ok(Redirect::to(&format!("/admin/keys?revoked={number}")).into_response())
}

/// A line for the terminal that shows that a key works.
pub(crate) fn curl(app: &App, key: &str) -> String {
    format!("curl -H \"Authorization: Bearer {key}\" {}/v1/programs", app.config().public_url)
}

fn fault_of(name: &str, scopes: Scopes) -> Option<&'static str> {
    if name.is_empty() {
        Some("Give the key a name, so that you know later whose it is.")
    } else if NAME_BYTES_MAX < name.len() {
        Some("That name is too long: allowed are 120 characters.")
    } else if scopes.is_empty() {
        Some("Choose at least one thing that the key may do.")
    } else {
        None
    }
}

async fn page(app: &App, session: &Session) -> Answer<KeysPage> {
    let (catalog, now) = (app.catalog().await?, app.now());
    let mut keys: Vec<&KeyInfo> = catalog.keys().collect();
    keys.sort_by_key(|it| (it.revoked_at.is_some(), std::cmp::Reverse(it.number)));
    let row = |it: &&KeyInfo| -> Answer<KeyRow> {
        Ok(KeyRow {
            name: it.name.clone(),
            scopes: it.scopes.names(),
            ending: it.hint.clone(),
            created: local_day(&catalog, it.created_at, now)?,
            revoked: it.revoked_at.map(|it| local_day(&catalog, it, now)).transpose()?,
            revoke: it.revoked_at.is_none().then(|| format!("/admin/keys/{}/revoke", it.number)),
        })
    };
    Ok(KeysPage {
        shell: shell(app, "Keys", Section::Keys, session),
        keys: keys.iter().map(row).collect::<Answer<_>>()?,
        scopes: boxes(Scopes::READ.with(Scopes::ORDERS).with(Scopes::MEMBERS)),
        name: String::new(),
        fault: None,
    })
}

fn boxes(checked: Scopes) -> Vec<ScopeBox> {
    let each = |(scope, name, label, help): (Scopes, _, _, _)| {
        let is_checked = checked.names().contains(&name) && checked.contains(scope);
        ScopeBox { name, label, help, is_checked }
    };
    SCOPES.map(each).to_vec()
}

/// The day in the zone of the first program: keys belong to none.
fn local_day(catalog: &Catalog, at: Timestamp, now: Timestamp) -> Answer<String> {
    let program = catalog.programs().next();
    let zone = program.map(|it| it.terms(now)).transpose()?.map_or_else(Zone::utc, |it| it.zone.clone());
    Ok(day(zone.date_of(at)))
}
