//! Who sends an API request: the key in its `Authorization` header, and what that key may do.
//!
//! Which scope an operation needs stands in one table (`router.rs`); it is checked here, before anything else of the
//! request is read.
//!
//! A key is `gdn_` and 40 characters of base 32 (200 random bits); only its SHA-256 is stored, so that a stolen database
//! lets nobody in.

use std::net::{IpAddr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts, MatchedPath};
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;
use axum::http::{Method, StatusCode};
use engine::Actor;
use store::{Scopes, SecretHash};

use crate::app::App;
use crate::problem::{Answer, Problem};
use crate::router::OPERATIONS;

const PREFIX: &str = "gdn_";
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// The API key behind a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    pub(crate) key: u32,
    scopes: Scopes,
}

impl Caller {
    /// Refuses what the key may not do.
    pub(crate) fn needs(&self, scope: Scopes) -> Answer<()> {
        if self.may(scope) {
            return Ok(());
        }
        let detail = format!("This API key may not do that: it needs the scope {}.", scope.names().join(", "));
        Err(Problem::new(StatusCode::FORBIDDEN, "forbidden", detail))
    }

    pub(crate) fn may(&self, scope: Scopes) -> bool {
        self.scopes.contains(scope)
    }

    pub(crate) fn actor(&self) -> Actor {
        Actor::Key(self.key)
    }
}

impl FromRequestParts<App> for Caller {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|it| it.to_str().ok());
        let parted = header.and_then(|it| it.split_once(' '));
        let text = parted.filter(|it| it.0.eq_ignore_ascii_case("bearer")).map(|it| it.1.trim());
        let text =
            text.ok_or_else(|| unauthorized("An API key is needed: send it as 'Authorization: Bearer gdn_…'."))?;
        match find(app, text).await? {
            Some(caller) => {
                // Whose requests these are, should a key have leaked.
                tracing::Span::current().record("key", caller.key);
                app.throttle().request(caller.key)?;
                caller.needs(scope_of(parts)?)?;
                Ok(caller)
            }
            None => {
                app.throttle().failure(address(parts))?;
                Err(unauthorized("There is no such API key, or it was revoked."))
            }
        }
    }
}

/// The scope that the operation of a request needs. One that the table has forgotten is closed to everybody.
fn scope_of(parts: &Parts) -> Answer<Scopes> {
    let path = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let method = if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() };
    let operation = OPERATIONS.iter().find(|it| (it.0, it.1) == (method, path));
    operation.and_then(|it| it.2.parse().ok()).ok_or_else(Problem::internal)
}

/// The key of that text, if there is one.
pub(crate) async fn find(app: &App, text: &str) -> Answer<Option<Caller>> {
    let catalog = app.catalog().await?;
    let found = catalog.key(SecretHash::of(text));
    Ok(found.map(|it| Caller { key: it.number, scopes: it.scopes }))
}

/// The address that a request came from.
pub(crate) fn address(parts: &Parts) -> Option<IpAddr> {
    parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|it| it.0.ip())
}

/// The text of a new key.
pub(crate) fn new_key(app: &App) -> String {
    key_text(&app.draw())
}

/// The text of a key, made of random bytes.
pub fn key_text(bytes: &[u8; 32]) -> String {
    format!("{PREFIX}{}", secret(bytes))
}

/// 40 characters of base 32 from random bytes.
pub(crate) fn secret(bytes: &[u8; 32]) -> String {
    let digit = |group: &[u8], index: usize| {
        let bits = group.iter().fold(0_u64, |bits, it| (bits << 8) | u64::from(*it));
        let digit = usize::try_from((bits >> (5 * (7 - index))) & 31).unwrap_or(0);
        char::from(ALPHABET[digit])
    };
    bytes[..25].chunks(5).flat_map(|group| (0..8).map(move |index| digit(group, index))).collect()
}

/// What people recognise a key by.
pub fn hint(key: &str) -> String {
    key[key.len().saturating_sub(4)..].to_owned()
}

fn unauthorized(detail: &str) -> Box<Problem> {
    Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", detail)
}

#[test]
fn secrets_are_forty_characters_of_all_their_bytes() {
    assert_eq!(secret(&[0; 32]), "0".repeat(40));
    assert_eq!(secret(&[255; 32]), "z".repeat(40));
    let mut bytes = [0; 32];
    bytes[24] = 1;
    assert_eq!(secret(&bytes), format!("{}1", "0".repeat(39)));
    assert_eq!(hint("gdn_0123456789"), "6789");
}
