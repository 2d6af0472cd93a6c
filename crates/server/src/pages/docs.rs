//! The API's own pages: the OpenAPI document as something to read and try.

use askama::Template;
use axum::response::{IntoResponse as _, Response};

use super::page::DocsView;
use super::shell::Shell;

/// `GET /docs`; the viewer is ours to serve, and asks nobody else for anything.
#[derive(Template)]
#[template(path = "docs.html")]
pub struct DocsPage {
    pub shell: Shell,
}

/// Shows the viewer; the document needs no key.
pub(crate) async fn show() -> Response {
    let shell = Shell { title: "API".to_owned(), ..Shell::default() };
    DocsView(DocsPage { shell }).into_response()
}
