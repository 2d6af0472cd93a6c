//! How a page is sent: as HTML that runs only our own files, stands in nobody's frame and is kept nowhere.

use askama::Template;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};

use crate::problem::Problem;

const POLICY: &str = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                      frame-ancestors 'none'";

/// The viewer of the API sets styles on its elements while it runs; on this page alone they may come from a script.
const POLICY_OF_DOCS: &str = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; \
                              font-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; \
                              frame-ancestors 'none'";

/// A template as an answer.
pub(crate) struct Page<T>(pub(crate) T);

/// As `Page`, for the viewer of the API.
pub(crate) struct DocsView<T>(pub(crate) T);

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        html(self.0.render(), POLICY)
    }
}

impl<T: Template> IntoResponse for DocsView<T> {
    fn into_response(self) -> Response {
        html(self.0.render(), POLICY_OF_DOCS)
    }
}

/// A part of a page, for htmx.
pub(crate) fn part(rendered: askama::Result<String>) -> Response {
    html(rendered, POLICY)
}

fn html(rendered: askama::Result<String>, policy: &'static str) -> Response {
    let text = match rendered {
        Ok(text) => text,
        Err(error) => {
            tracing::error!(%error, "a template failed");
            return Problem::internal().into_response();
        }
    };
    let headers: [(HeaderName, HeaderValue); 5] = [
        (CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8")),
        (CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy)),
        (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (REFERRER_POLICY, HeaderValue::from_static("same-origin")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, text).into_response()
}
