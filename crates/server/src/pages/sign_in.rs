//! Signing in with an admin key, or into the sample shop; and signing out.

use std::net::IpAddr;

use askama::Template;
use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use store::Scopes;

use super::page::Page;
use super::shell::Shell;
use crate::access::{self, find};
use crate::app::App;
use crate::extract::Params;
use crate::origin::is_our_host;
use crate::problem::Problem;
use crate::session::{Entering, NoEntry, Posted, Session};

/// `GET /sign-in`
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage {
    pub shell: Shell,
    /// Where to go then.
    pub next: String,
    pub fault: Option<String>,
    /// Whether the sample shop can be entered without a key.
    pub is_demo: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    next: Option<String>,
}

/// Shows the form; whoever is signed in goes on.
pub(crate) async fn show(
    State(app): State<App>,
    session: Result<Session, NoEntry>,
    Params(asked): Params<Asked>,
) -> Result<Response, NoEntry> {
    let next = local(asked.next.as_deref());
    if session.is_ok() {
        return Ok(Redirect::to(&next).into_response());
    }
    Ok(Page(page(&app, next, None)).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct SignIn {
    key: String,
    next: Option<String>,
}

/// Opens a session for who has shown an admin key.
pub(crate) async fn enter(
    State(app): State<App>,
    From(address): From,
    Entering(form): Entering<SignIn>,
) -> Result<Response, NoEntry> {
    let next = local(form.next.as_deref());
    let caller = find(&app, form.key.trim()).await?;
    let fault = match caller {
        Some(caller) if caller.may(Scopes::ADMIN) => {
            let (_, cookie) = app.open_session(Some(caller.key)).await?;
            return Ok(cookie.redirect(&next));
        }
        Some(_) => "This key works for the API, but signing in needs one with the scope admin.",
        None => "There is no such key, or it was revoked.",
    };
    app.throttle().failure(address)?;
    Ok((StatusCode::UNPROCESSABLE_ENTITY, Page(page(&app, next, Some(fault)))).into_response())
}

#[derive(Debug, Deserialize)]
pub(crate) struct Nothing {}

/// Opens a session in the sample shop, for anybody.
pub(crate) async fn enter_demo(
    State(app): State<App>,
    headers: HeaderMap,
    _form: Entering<Nothing>,
) -> Result<Response, NoEntry> {
    if !app.config().is_demo {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    // No key is asked for: a page whose name was pointed at this machine could enter, and read everything.
    if !is_our_host(&headers, app.config()) {
        let detail = "The sample shop is entered at the address that it prints when it starts.";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_form", detail).into());
    }
    let (_, cookie) = app.open_session(None).await?;
    Ok(cookie.redirect("/admin"))
}

/// Ends the session.
pub(crate) async fn leave(State(app): State<App>, posted: Posted<Nothing>) -> Result<Response, NoEntry> {
    let cookie = app.end_session(&posted.session).await?;
    Ok(cookie.redirect("/sign-in"))
}

fn page(app: &App, next: String, fault: Option<&str>) -> SignInPage {
    let shell = Shell { title: "Sign in".to_owned(), ..Shell::default() };
    SignInPage { shell, next, fault: fault.map(str::to_owned), is_demo: app.config().is_demo }
}

/// A path of ours that can stand in a header: nobody is sent elsewhere after signing in.
fn local(next: Option<&str>) -> String {
    let is_below = |it: &str| it == "/admin" || it.starts_with("/admin/") || it.starts_with("/admin?");
    let is_ours = |it: &&str| is_below(it) && it.bytes().all(|byte| byte.is_ascii_graphic());
    next.filter(is_ours).unwrap_or("/admin").to_owned()
}

/// The address that a request comes from.
pub(crate) struct From(Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for From {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self(access::address(parts)))
    }
}

#[test]
fn nobody_is_sent_elsewhere() {
    for there in ["/admin", "/admin/keys", "/admin?period=all"] {
        assert_eq!(local(Some(there)), there);
    }
    for elsewhere in [
        "https://example.org",
        "//example.org",
        "/administrator",
        "/\\example.org",
        "",
        "/admin/\r\nx: y",
        "/admin/ä",
        "/admin/ x",
    ] {
        assert_eq!(local(Some(elsewhere)), "/admin");
    }
    assert_eq!(local(None), "/admin");
}
