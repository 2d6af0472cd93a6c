//! API keys: who may do what. The text of a key is shown once, when it is made; only its hash is stored.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{Body, KeyInfo, Scopes, SecretHash, Time};
use utoipa::ToSchema;

use crate::access::{Caller, hint, new_key};
use crate::app::{App, Request};
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::page::Page;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct KeyView {
    #[schema(example = 1)]
    number: u32,
    #[schema(example = "Web shop")]
    name: String,
    /// The last characters of the key.
    #[schema(example = "k3t9")]
    hint: String,
    /// What it may do: `read`, `orders`, `members`, `adjust`, `programs`, `import`, `metrics` or `admin` (all of it).
    #[schema(example = json!(["read", "orders", "members"]))]
    scopes: Vec<&'static str>,
    #[schema(format = DateTime)]
    created_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    revoked_at: Option<String>,
}

/// A key that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NewKeyView {
    #[serde(flatten)]
    key: KeyView,
    /// The key itself. It is shown this once: keep it where your shop keeps its passwords.
    #[schema(example = "gdn_0123456789abcdefghjkmnpqrstvwxyz01234567")]
    secret: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// What it is for: 1 to 120 bytes.
    #[schema(example = "Web shop", min_length = 1, max_length = 120)]
    name: String,
    /// `read`, `orders`, `members`, `adjust`, `programs`, `import`, `metrics`, `admin`.
    #[schema(min_items = 1, example = json!(["read", "orders", "members"]))]
    scopes: Vec<String>,
}

impl KeyView {
    fn of(it: &KeyInfo) -> Self {
        Self {
            number: it.number,
            name: it.name.clone(),
            hint: it.hint.clone(),
            scopes: it.scopes.names(),
            created_at: it.created_at.to_string(),
            revoked_at: it.revoked_at.map(|it| it.to_string()),
        }
    }
}

/// List the API keys.
#[utoipa::path(get, path = "/v1/keys", tag = "Keys", operation_id = "list_keys",
    security(("key" = ["admin"])),
    responses((status = 200, description = "All keys, revoked ones too.", body = Page<KeyView>)))]
pub(crate) async fn list_keys(State(app): State<App>, _: Caller) -> Answer<Reply<Page<KeyView>>> {
    let catalog = app.catalog().await?;
    let mut keys: Vec<&KeyInfo> = catalog.keys().collect();
    keys.sort_by_key(|it| it.number);
    Ok(Reply(Page::whole(keys.into_iter().map(KeyView::of).collect())))
}

/// Make an API key.
///
/// Sent again with the same Idempotency-Key it answers 409: the key itself is shown once, and never again.
#[utoipa::path(post, path = "/v1/keys", tag = "Keys", operation_id = "add_key",
    params(Idempotency),
    request_body = NewKey,
    security(("key" = ["admin"])),
    responses((status = 201, description = "Made.", body = NewKeyView)))]
pub(crate) async fn add_key(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Json(new): Json<NewKey>,
) -> Answer<(StatusCode, Reply<NewKeyView>)> {
    let idempotency = key.required(&caller)?;
    let scopes = scopes_of(&new.scopes)?;
    let (key, secret) = make(&app, &new.name, scopes, idempotency, caller.actor()).await?;
    Ok((StatusCode::CREATED, Reply(NewKeyView { key: KeyView::of(&key), secret })))
}

/// Makes a key, and answers what is stored of it and the key itself.
pub(crate) async fn make(
    app: &App,
    name: &str,
    scopes: Scopes,
    idempotency: Option<store::Key>,
    actor: engine::Actor,
) -> Answer<(KeyInfo, String)> {
    let secret = new_key(app);
    let body = Body::AddKey { name: name.to_owned(), hash: SecretHash::of(&secret), hint: hint(&secret), scopes };
    app.submit_for(Request { key: idempotency, actor, time: Time::Live, body }, None).await?;
    let catalog = app.catalog().await?;
    match catalog.key(SecretHash::of(&secret)) {
        Some(key) => Ok((key.clone(), secret)),
        None => Err(Problem::new(
            StatusCode::CONFLICT,
            "already_made",
            "A key was made under this Idempotency-Key before, and is not shown again; revoke it and make another.",
        )),
    }
}

fn scopes_of(names: &[String]) -> Answer<Scopes> {
    let mut scopes = Scopes::default();
    for (index, name) in names.iter().enumerate() {
        let known = name.parse::<Scopes>().map_err(|_| {
            let allowed = "read, orders, members, adjust, programs, import, metrics or admin";
            Problem::invalid(format!("scopes[{index}]"), format!("\"{name}\" is no scope"), allowed)
        })?;
        scopes = scopes.with(known);
    }
    if names.is_empty() {
        return Err(Problem::invalid("scopes", "the key could do nothing", "one scope at least"));
    }
    Ok(scopes)
}

/// Revoke an API key: from now on it opens nothing.
#[utoipa::path(delete, path = "/v1/keys/{number}", tag = "Keys", operation_id = "revoke_key",
    params(("number" = u32, Path, description = "The key's number.", example = 2)),
    security(("key" = ["admin"])),
    responses((status = 204, description = "Revoked, or was already.")))]
pub(crate) async fn revoke_key(
    State(app): State<App>,
    caller: Caller,
    Path(number): Path<String>,
) -> Answer<StatusCode> {
    let what = || format!("\"{number}\" is no number of a key");
    let number = number.parse().map_err(|_| Problem::invalid("number", what(), "a whole number from 1 on"))?;
    revoke(&app, number, caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(crate) async fn revoke(app: &App, number: u32, actor: engine::Actor) -> Answer<()> {
    app.submit_for(Request { key: None, actor, time: Time::Live, body: Body::RevokeKey { number } }, None).await?;
    Ok(())
}
