//! Reads requests: bodies, queries and keys, each refused as a problem that names the field and says what is allowed.

use std::time::Duration;

use axum::body::Body as HttpBody;
use axum::extract::path::ErrorKind;
use axum::extract::rejection::PathRejection;
use axum::extract::{FromRequest, FromRequestParts, Path as AxumPath, Query, Request};
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use serde::de::DeserializeOwned;
use store::Key;
use utoipa::IntoParams;
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::{ObjectBuilder, Required, Type};

use crate::app::App;
use crate::problem::{Answer, Problem};
use crate::wire::misfit;
use crate::wire::object::Object;

/// The JSON body of a request.
pub(crate) struct Json<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<App> for Json<T> {
    type Rejection = Box<Problem>;

    async fn from_request(request: Request, app: &App) -> Answer<Self> {
        if !is_json(request.headers()) {
            let detail = "The body must be JSON: send the header 'Content-Type: application/json'.";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail));
        }
        let limits = &app.config().limits;
        let bytes = body_of(request, limits.body_bytes_max, limits.body_wait_max).await?;
        read(&bytes).map(Self)
    }
}

/// The body as bytes, once all of it is there and if it is no larger than so many.
pub(crate) async fn body_of(request: Request, bytes_max: usize, wait_max: Duration) -> Answer<Vec<u8>> {
    let body: Limited<HttpBody> = Limited::new(request.into_body(), bytes_max);
    let Ok(read) = tokio::time::timeout(wait_max, body.collect()).await else {
        let detail = format!("The body did not arrive within {} seconds.", wait_max.as_secs());
        return Err(Problem::new(StatusCode::REQUEST_TIMEOUT, "request_timeout", detail));
    };
    match read {
        Ok(body) => Ok(body.to_bytes().into()),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("The body is too large: allowed are {bytes_max} bytes.");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", detail))
        }
        Err(_) => Err(Problem::new(StatusCode::BAD_REQUEST, "malformed", "The body broke off.")),
    }
}

/// Reads JSON as a type. The path of a fault is worked out only once there is one.
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8]) -> Answer<T> {
    let first = match serde_json::from_slice::<Object<T>>(bytes) {
        Ok(read) => return Ok(read.0),
        Err(error) => error,
    };
    // A value may not fit before the place where the text is no JSON any more.
    let malformed = match serde_json::from_slice::<serde::de::IgnoredAny>(bytes) {
        Err(error) => Some(error),
        Ok(_) if first.is_data() => None,
        Ok(_) => Some(first),
    };
    if let Some(error) = malformed {
        let place = format!("line {}, column {}", error.line(), error.column());
        let said = error.to_string();
        let said = said.rsplit_once(" at line ").map_or(said.as_str(), |(before, _)| before);
        let detail = format!("The body is not JSON: {said}, {place}.");
        return Err(Problem::new(StatusCode::BAD_REQUEST, "malformed_json", detail));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    serde_path_to_error::deserialize(&mut reader)
        .map(|it: Object<T>| it.0)
        .map_err(|it| misfit::fault(&it.path().to_string(), &it.inner().to_string()).into())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    kind.eq_ignore_ascii_case("application/json")
}

/// The parts of an address, percent-decoded.
pub(crate) struct Path<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<App> for Path<T> {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let path = AxumPath::<T>::from_request_parts(parts, app).await;
        path.map(|it| Self(it.0)).map_err(|it| match it {
            PathRejection::FailedToDeserializePathParams(error) => match error.kind() {
                ErrorKind::InvalidUtf8InPathParam { key } => {
                    let mut problem = Problem::invalid(key, "it is not UTF-8", "text in UTF-8, percent-encoded");
                    problem.recode(StatusCode::BAD_REQUEST, "malformed");
                    problem
                }
                ErrorKind::ParseError { .. }
                | ErrorKind::ParseErrorAtKey { .. }
                | ErrorKind::ParseErrorAtIndex { .. } => {
                    Problem::not_found("not_found", "There is nothing at this address: a number in it is none.")
                }
                // A handler that asks for another number of parts than its address has is ours to repair.
                _ => Problem::internal(),
            },
            _ => Problem::internal(),
        })
    }
}

/// The query of a request, its keys refused as those of a body are.
pub(crate) struct Params<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<App> for Params<T> {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        let query = Query::<T>::from_request_parts(parts, app).await;
        query.map(|it| Self(it.0)).map_err(|it| {
            let said = it.body_text();
            let said = said.strip_prefix("Failed to deserialize query string: ").unwrap_or(&said).to_owned();
            let (path, message) = said.split_once(": ").unwrap_or(("", &said));
            let mut fault = misfit::fault(path, message);
            if fault.path == "body" {
                "query".clone_into(&mut fault.path);
            }
            fault.into()
        })
    }
}

/// The `Idempotency-Key` of a request that changes something.
pub(crate) struct Idempotency(Option<String>);

impl IntoParams for Idempotency {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .min_length(Some(1))
            .max_length(Some(KEY_BYTES_MAX))
            .pattern(Some("^[!-~]+$"))
            .examples([serde_json::json!("5f1e0b2c-first-try")])
            .build();
        let description = "A text of your own, new for each new request: sent again under the same key, a request is \
                           answered as the first time, and nothing happens twice. Kept for 30 days.";
        let parameter = ParameterBuilder::new()
            .name("Idempotency-Key")
            .parameter_in(ParameterIn::Header)
            .required(Required::True)
            .description(Some(description))
            .schema(Some(schema));
        vec![parameter.build()]
    }
}

/// Bytes of an idempotency key.
const KEY_BYTES_MAX: usize = 120;

impl<S: Send + Sync> FromRequestParts<S> for Idempotency {
    type Rejection = Box<Problem>;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Answer<Self> {
        let mut headers = parts.headers.get_all("idempotency-key").iter();
        let Some(header) = headers.next() else { return Ok(Self(None)) };
        if headers.next().is_some() {
            return Err(Problem::invalid("Idempotency-Key", "the header stands here twice", "one"));
        }
        let allowed = format!("1 to {KEY_BYTES_MAX} visible ASCII characters");
        let is_key =
            |it: &&str| (1..=KEY_BYTES_MAX).contains(&it.len()) && it.bytes().all(|byte| byte.is_ascii_graphic());
        let text = header.to_str().ok().map(str::trim).filter(is_key);
        let text = text.ok_or_else(|| Problem::invalid("Idempotency-Key", "it cannot be a key", allowed))?;
        Ok(Self(Some(text.to_owned())))
    }
}

impl Idempotency {
    /// The key, for the API key that sent it: two callers never meet under one key.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn required(self, caller: &crate::access::Caller) -> Answer<Option<Key>> {
        let text = self.0.ok_or_else(|| {
            let detail = "An Idempotency-Key is needed: the same key again is answered as the first time, and nothing \
                          happens twice.";
            let mut problem = Problem::invalid("Idempotency-Key", "the header is missing", "a text of your own");
            problem.explain(detail);
            problem
        })?;
        Ok(Some(Key(format!("key-{}:{text}", caller.key))))
    }
}
