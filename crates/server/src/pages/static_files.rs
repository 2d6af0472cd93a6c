//! Serves the files of `assets.rs`, to be kept for ever: another content has another address.

use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse as _, Response};

use super::assets;
use crate::extract::Path;
use crate::problem::{Answer, Problem};

const FOR_EVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// Sends a file. What is packed in the repository is sent packed: every browser reads gzip.
pub(crate) async fn file(Path((hash, name)): Path<(String, String)>) -> Answer<Response> {
    let file = assets::find(&hash, &name);
    let file = file.ok_or_else(|| Problem::not_found("not_found", "There is no such file; load the page again."))?;
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(file.media_type));
    headers.insert(CACHE_CONTROL, FOR_EVER);
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if file.is_gzip {
        headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    Ok((headers, file.bytes).into_response())
}
