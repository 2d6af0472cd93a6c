//! What is shown instead of a page: where we are, what went wrong, and what to do now.

use askama::Template;
use axum::extract::Request;
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderName};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http_body_util::BodyExt as _;

use super::page::Page;
use super::shell::Shell;

/// A page for 403, 404, 500 and 503.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage {
    pub shell: Shell,
    pub status: u16,
    pub heading: &'static str,
    pub advice: &'static str,
    /// What exactly was wrong with a request.
    pub told: Option<String>,
    /// What the log knows it by; nothing where the log has nothing to say.
    pub request: Option<String>,
    pub href: &'static str,
    pub link: &'static str,
}

impl ErrorPage {
    pub fn of(status: u16, request: Option<String>) -> Self {
        let (heading, advice) = match status {
            400 | 422 => {
                ("This request could not be read", "Go back and try again; if you followed a link, it is not whole.")
            }
            401 | 403 => (
                "You may not see this",
                "Your key does not cover it, or the page was open for too long. Sign in again, with an admin key.",
            ),
            404 => ("There is nothing here", "The address is wrong, or what it led to is not part of your shop."),
            405 => ("This page does not do that", "Open it from the menu instead."),
            413 => ("That was too much at once", "Send less, or use an import."),
            429 | 503 => (
                "Busy for a moment",
                "Nothing was changed and nothing is lost. Wait a few seconds and load the page again.",
            ),
            _ => (
                "Something broke on our side",
                "Nothing was half done: what is answered with an error was not recorded. The log says more.",
            ),
        };
        let (href, link) = match status {
            401 | 403 => ("/sign-in", "Sign in"),
            _ => ("/admin", "To the figures"),
        };
        let shell = Shell { title: heading.to_owned(), ..Shell::default() };
        Self { shell, status, heading, advice, told: None, request, href, link }
    }
}

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Where people look; programs look under `/v1`.
const FOR_PEOPLE: [&str; 5] = ["/admin", "/sign-in", "/sign-out", "/set-up", "/docs"];

/// Shows people a page where a program would be given a problem document.
pub(crate) async fn for_people(request: Request, next: Next) -> Response {
    let is_asked = is_for_people(request.uri().path(), request.headers());
    let response = next.run(request).await;
    let kind = response.headers().get(CONTENT_TYPE).map(|it| it.as_bytes());
    if !is_asked || kind != Some(b"application/problem+json") {
        return response;
    }
    let (parts, body) = response.into_parts();
    let status = parts.status.as_u16();
    let id = parts.headers.get(REQUEST_ID).and_then(|it| it.to_str().ok()).map(str::to_owned);
    let mut page = ErrorPage::of(status, id.filter(|_| 500 <= status));
    if matches!(status, 400 | 403 | 409 | 422) {
        let told = body.collect().await.ok().and_then(|it| serde_json::from_slice::<Told>(&it.to_bytes()).ok());
        page.told = told.map(|it| it.detail);
        if status == 403 && page.told.is_some() {
            page.advice = "Sign in again, with an admin key.";
        }
    }
    let mut response = Page(page).into_response();
    *response.status_mut() = parts.status;
    for name in [REQUEST_ID, RETRY_AFTER] {
        if let Some(value) = parts.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

/// What a problem document says to people.
#[derive(serde::Deserialize)]
struct Told {
    detail: String,
}

fn is_for_people(path: &str, headers: &HeaderMap) -> bool {
    let is_below = |it: &str| path.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    let reads_html = headers.get(ACCEPT).and_then(|it| it.to_str().ok()).is_some_and(|it| it.contains("text/html"));
    FOR_PEOPLE.into_iter().any(is_below) || reads_html && !path.starts_with("/v1")
}
