//! Who looks at the pages: a cookie with an opaque token, whose SHA-256 is stored, and forms that only our pages can send.
//!
//! People come in by a one-time link or with an API key of the scope `admin`. A form is believed when the browser says
//! that one of our pages sent it (`Sec-Fetch-Site`, `Origin`), and when it carries the token of its session.

use axum::body::Body as HttpBody;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::header::{COOKIE, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use engine::{Actor, Timestamp};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use store::{Body, Failure, SecretHash, Time};

use crate::access::secret;
use crate::app::{App, Request as Asked};
use crate::extract::body_of;
use crate::origin::is_ours;
use crate::problem::{Answer, Problem};

const SESSION_DAYS: i32 = 30;
const LINK_DAYS: i32 = 1;
/// Bytes of a form: whoever sends one to sign in is not known yet.
const FORM_BYTES_MAX: usize = 64 * 1024;

/// A signed-in browser.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    token: String,
}

/// Why a page is not shown.
pub(crate) enum NoEntry {
    /// Sign in first; afterwards the page that was asked for is shown.
    SignIn {
        next: String,
    },
    Problem(Box<Problem>),
}

impl From<Box<Problem>> for NoEntry {
    fn from(problem: Box<Problem>) -> Self {
        Self::Problem(problem)
    }
}

impl IntoResponse for NoEntry {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { next } if next == "/admin" => Redirect::to("/sign-in").into_response(),
            Self::SignIn { next } => {
                let next: String = form_urlencoded(&next);
                Redirect::to(&format!("/sign-in?next={next}")).into_response()
            }
            Self::Problem(problem) => problem.into_response(),
        }
    }
}

impl Session {
    /// What our own forms carry: it follows from the session, and cannot be turned back into it.
    pub(crate) fn csrf(&self) -> String {
        secret(&Sha256::digest(format!("form:{}", self.token)).into())
    }
}

impl FromRequestParts<App> for Session {
    type Rejection = NoEntry;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, NoEntry> {
        let next = parts.uri.path_and_query().map_or_else(|| "/admin".to_owned(), ToString::to_string);
        let sign_in = NoEntry::SignIn { next };
        let Some(token) = token_of(&parts.headers, app) else { return Err(sign_in) };
        let (hashed, now) = (SecretHash::of(&token), app.now());
        if app.read(move |reader| reader.session(hashed, now)).await? { Ok(Self { token }) } else { Err(sign_in) }
    }
}

/// A form of one of our pages, sent by a signed-in browser.
pub(crate) struct Posted<T> {
    pub(crate) session: Session,
    pub(crate) form: T,
}

#[derive(Deserialize)]
struct Csrf {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<App> for Posted<T> {
    type Rejection = NoEntry;

    async fn from_request(request: Request, app: &App) -> Result<Self, NoEntry> {
        let (mut parts, body) = request.into_parts();
        let session = Session::from_request_parts(&mut parts, app).await?;
        let bytes = form_bytes(&parts, body, app).await?;
        let Csrf { csrf } = read_form(&bytes)?;
        if csrf != session.csrf() {
            return Err(foreign().into());
        }
        Ok(Self { session, form: read_form(&bytes)? })
    }
}

/// A form of one of our pages, from a browser that is not signed in yet.
pub(crate) struct Entering<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Entering<T> {
    type Rejection = NoEntry;

    async fn from_request(request: Request, app: &App) -> Result<Self, NoEntry> {
        let (parts, body) = request.into_parts();
        let bytes = form_bytes(&parts, body, app).await?;
        Ok(Self(read_form(&bytes)?))
    }
}

async fn form_bytes(parts: &Parts, body: HttpBody, app: &App) -> Answer<Vec<u8>> {
    if !is_ours(&parts.headers, app.config()) {
        return Err(foreign());
    }
    body_of(Request::from_parts(parts.clone(), body), FORM_BYTES_MAX, app.config().limits.form_wait_max).await
}

fn read_form<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    serde_urlencoded::from_bytes(bytes).map_err(|error| crate::wire::misfit::fault("", &error.to_string()).into())
}

fn foreign() -> Box<Problem> {
    let detail = "This form was not sent by a page of this server at its public address (--public-url), or it is too old; \
                  open the page again.";
    Problem::new(StatusCode::FORBIDDEN, "foreign_form", detail)
}

/// Browsers send the cookie of an encrypted server over encrypted connections only, and to no other path or host.
fn cookie_name(app: &App) -> &'static str {
    if app.config().is_https() { "__Host-guerdon" } else { "guerdon" }
}

fn token_of(headers: &HeaderMap, app: &App) -> Option<String> {
    let name = cookie_name(app);
    let cookies = headers.get_all(COOKIE).iter().filter_map(|it| it.to_str().ok());
    let mut pairs = cookies.flat_map(|it| it.split(';')).filter_map(|it| it.trim().split_once('='));
    pairs.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
}

/// Text as it may stand behind `=` in an address.
fn form_urlencoded(text: &str) -> String {
    serde_urlencoded::to_string([("", text)]).unwrap_or_default().trim_start_matches('=').to_owned()
}

/// A cookie to be set.
pub(crate) struct Cookie(HeaderValue);

impl Cookie {
    fn new(app: &App, value: &str, seconds: i64) -> Self {
        let secure = if app.config().is_https() { "; Secure" } else { "" };
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", cookie_name(app));
        Self(HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static("guerdon=")))
    }

    /// Sends the browser on, with the cookie.
    pub(crate) fn redirect(self, to: &str) -> Response {
        self.with(Redirect::to(to))
    }

    pub(crate) fn with(self, page: impl IntoResponse) -> Response {
        let mut response = page.into_response();
        response.headers_mut().insert(SET_COOKIE, self.0);
        response
    }
}

impl App {
    /// Whether nobody has set this database up yet.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub async fn is_new(&self) -> Result<bool, Failure> {
        let catalog = self.catalog().await.map_err(|_| Failure::Internal)?;
        Ok(catalog.keys().next().is_none())
    }

    /// Makes a link that signs one browser in, once, within a day.
    ///
    /// # Errors
    /// When the store cannot write.
    pub async fn open_link(&self) -> Result<String, Failure> {
        let token = secret(&self.draw());
        let body = Body::OpenLink { link: SecretHash::of(&token), expires_at: self.now().plus_days(LINK_DAYS) };
        self.sign_in_command(body).await?;
        Ok(format!("{}/set-up/{token}", self.config().public_url))
    }

    /// Uses a link up; nothing when it is unknown, used or too old.
    pub(crate) async fn use_link(&self, link: &str) -> Answer<Option<(Session, Cookie)>> {
        let (session, cookie, hashed, expires_at) = self.new_session();
        let body = Body::UseLink { link: SecretHash::of(link), session: hashed, expires_at };
        match self.sign_in_command(body).await {
            Ok(()) => Ok(Some((session, cookie))),
            Err(Failure::UnknownLink) => Ok(None),
            Err(failure) => Err(Problem::failed(&failure, None)),
        }
    }

    /// Signs a browser in whose right to it is known: from the API key that it has shown, if it was one.
    pub(crate) async fn open_session(&self, key: Option<u32>) -> Answer<(Session, Cookie)> {
        let (session, cookie, hashed, expires_at) = self.new_session();
        let opened = self.sign_in_command(Body::OpenSession { session: hashed, key, expires_at }).await;
        opened.map(|()| (session, cookie)).map_err(|it| Problem::failed(&it, None))
    }

    /// Signs a browser out.
    pub(crate) async fn end_session(&self, session: &Session) -> Answer<Cookie> {
        let ended = self.sign_in_command(Body::EndSession { session: SecretHash::of(&session.token) }).await;
        ended.map(|()| Cookie::new(self, "", 0)).map_err(|it| Problem::failed(&it, None))
    }

    fn new_session(&self) -> (Session, Cookie, SecretHash, Timestamp) {
        let token = secret(&self.draw());
        let cookie = Cookie::new(self, &token, i64::from(SESSION_DAYS) * 86_400);
        let hashed = SecretHash::of(&token);
        (Session { token }, cookie, hashed, self.now().plus_days(SESSION_DAYS))
    }

    async fn sign_in_command(&self, body: Body) -> Result<(), Failure> {
        self.submit(Asked { key: None, actor: Actor::Staff(0), time: Time::Live, body }).await.map(|_| ())
    }
}
