//! The description of the API as OpenAPI 3.1: made of the same lines as the routes, and completed here in one place with
//! what all operations share: problems, the key, the schema of program documents, and the examples that tests run.
//!
//! The text is made once; `docs/openapi.json` is a copy that a test compares.

use std::sync::LazyLock;

use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use serde_json::{Map, Value, json};

use crate::api::examples::{self, Example};
use crate::router::described;

const DESCRIPTION: &str = "\
Points for orders: a channel sends each order as it is now, whenever it changes, and is told what it earns, spends and \
why.

- **Money** is a decimal string in the program's currency (`\"30.98\"`), **points** are whole numbers, **times** are RFC 3339, \
**days** ISO 8601.
- **Names**: a program or channel is named by its id or its name; a member by its id or an identity such as \
`card:6001234` or `email:ana@example.com`.
- **Lists** are pages: `{\"data\": […], \"next\": …}`; send `next` as `after` for the next page. Where it is null, there \
is no more.
- **Problems** are `application/problem+json` (RFC 9457) with a stable `code`; a refused request has changed nothing. \
Keys that are not described are refused.
- **Sending twice** is safe. An order is a document: `PUT` it again. Each `POST` that changes something carries an \
`Idempotency-Key`; the same key with the same request is answered as the first time, for 30 days.
- **Keys**: `Authorization: Bearer gdn_…`. Each operation says which scope its key needs; `admin` may do everything.
- **Too much**: 429 and 503 carry `Retry-After`.";

const TAGS: [(&str, &str); 12] = [
    ("Orders", "Record orders as they are now, and quote carts."),
    ("Holds", "Reserve points for a checkout that is not finished."),
    ("Members", "People, and what finds them."),
    ("Accounts", "A member's points in one program: balance, lots, expiries, entries, adjustments, activities."),
    ("Cards", "What finds a member at the till: labelled, blocked, replaced and taken away."),
    ("Certificates", "Codes that carry value: given, looked up, cancelled."),
    ("Rewards", "The catalogue: what points buy at a fixed price, claimed, handed over, cancelled."),
    ("Credit", "A member's store credit: money in each currency, its entries, adjustments."),
    ("Programs", "Terms in versions, the off switch, drafts and day totals."),
    ("Channels", "Places that sell, each under one program."),
    ("Keys", "API keys, and what each may do."),
    ("Server", "Whether the server is alive, how it fares, and this description."),
];

/// A problem that many operations can answer: status, name, when, codes.
const PROBLEMS: [(u16, &str, &str); 12] = [
    (400, "Malformed", "The body is no JSON, or the address no UTF-8: `malformed_json`, `malformed`."),
    (401, "Unauthorized", "There is no key, or no such key: `unauthorized`."),
    (403, "Forbidden", "The key lacks a scope: `forbidden`."),
    (
        404,
        "NotFound",
        "What is named is not there: `unknown_program`, `unknown_channel`, `unknown_member`, `unknown_order`, \
         `unknown_hold`, `unknown_lot`, `unknown_tier`, `unknown_certificate`, `unknown_claim`, `unknown_key`, `not_found`.",
    ),
    (408, "BodyTimeout", "The body did not arrive in time: `request_timeout`."),
    (
        409,
        "Conflict",
        "Somebody or something else was first: `identity_taken`, `other_member`, `version_kind`, `version_conflict`, \
         `hold_taken`, `certificate_claimed`, `already_made`.",
    ),
    (413, "BodyTooLarge", "The body is too large: `too_large`."),
    (415, "NoJson", "The body is not sent as `application/json`: `unsupported_media_type`."),
    (
        422,
        "Refused",
        "A field cannot be that (`invalid`; `field` and `allowed` say more), the Idempotency-Key was sent before with \
         another request (`idempotency_key_reused`), or the rules say no: `insufficient_points`, `exceeds_order`, `exceeds_expired`, `no_rewards`, `certificate_of_order`, \
         `unknown_activity`, `activity_limit`, `unknown_reward`, `reward_not_yet`, `reward_over`, `reward_tier`, `reward_sold_out`, `reward_limit`, \
         `claim_cancelled`, `points_owed`, \
         `balance_below_minimum`, `cannot_merge`, `cannot_undo`, `below_minimum`, `not_in_steps`, `above_maximum`, `above_share`, `not_with_discounts`, \
         `claim_ended`, `program_off`, `account_closed`, `card_blocked`, `order_type`, `wrong_currency`, `date_too_old`, `date_ahead`, `behind_account`, `credit_exceeds_order`, \
         `insufficient_credit`, `certificate_cancelled`, `certificate_expired`, `certificate_used`, \
         `certificate_exceeds_order`.",
    ),
    (429, "TooMany", "Too many requests with this key, or too many wrong keys: `too_many_requests`."),
    (500, "Failed", "Something failed inside, and nothing was recorded: `internal`."),
    (503, "Busy", "Not now: `busy`, `unavailable`. The same request again is safe."),
];

/// Operations in which something else can have been first.
const CONFLICTING: [&str; 8] =
    ["put_order", "claim_order", "quote", "release_hold", "sign_up", "add_identity", "remove_identity", "add_key"];

static TEXT: LazyLock<String> = LazyLock::new(|| {
    let mut text = format!("{:#}", document());
    text.push('\n');
    text
});

/// The description as it is served and published.
pub fn openapi() -> &'static str {
    &TEXT
}

/// Describe the API: this document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "Server", operation_id = "openapi",
    responses((status = 200, description = "OpenAPI 3.1.", body = Object)))]
pub(crate) async fn show() -> impl IntoResponse {
    ([(CONTENT_TYPE, "application/json")], openapi())
}

fn document() -> Value {
    let mut document = serde_json::to_value(described()).unwrap_or_default();
    document["info"] = json!({
        "title": "Guerdon API",
        "version": env!("CARGO_PKG_VERSION"),
        "description": DESCRIPTION,
        "license": {"name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0"},
    });
    document["servers"] = json!([{"url": "/"}]);
    document["tags"] =
        TAGS.iter().map(|(name, description)| json!({"name": name, "description": description})).collect();
    add_components(&mut document["components"]);
    let mut document = renamed(&document);
    let problems = document["components"]["responses"].clone();
    for operation in operations(&mut document["paths"]) {
        narrow(operation);
        complete(operation);
        add_examples(operation, &problems);
    }
    document
}

/// All operations of all paths.
fn operations(paths: &mut Value) -> impl Iterator<Item = &mut Value> {
    let paths = paths.as_object_mut().into_iter().flat_map(|it| it.values_mut());
    paths.filter_map(Value::as_object_mut).flat_map(|it| it.values_mut()).filter(|it| it["operationId"].is_string())
}

fn add_components(components: &mut Value) {
    components["securitySchemes"] = json!({"key": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "gdn_ and 40 characters",
        "description": "An API key. What an operation lists is the scope that the key needs: read, orders, members, \
                        adjust, programs, import, metrics or admin.",
    }});
    components["responses"] = Value::Object(
        PROBLEMS.iter().map(|(status, name, when)| ((*name).to_owned(), problem(*status, when))).collect(),
    );
    add_program_document(&mut components["schemas"]);
}

fn problem(status: u16, when: &str) -> Value {
    let mut response = json!({
        "description": when,
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    });
    let header = match status {
        401 => Some(("WWW-Authenticate", "Bearer", "string")),
        429 | 503 => Some(("Retry-After", "Seconds after which it is worth trying again.", "integer")),
        _ => None,
    };
    if let Some((name, description, kind)) = header {
        response["headers"] = json!({name: {"description": description, "schema": {"type": kind}}});
    }
    response
}

/// The schema of program documents as `docs/program.schema.json` has it, and in the fields that hold one.
fn add_program_document(schemas: &mut Value) {
    let Ok(mut schema) = serde_json::from_str::<Value>(&crate::program::schema()) else { return };
    let parts = schema["$defs"].take();
    for (name, part) in parts.as_object().into_iter().flatten() {
        schemas[format!("Program{name}")] = relinked(part);
    }
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$defs");
        schema.remove("$schema");
        schema.remove("$id");
    }
    schemas["ProgramDocument"] = relinked(&schema);
    for holder in ["NewVersion", "DraftRequest", "VersionView"] {
        let field = &mut schemas[holder]["properties"]["document"];
        let description = field["description"].take();
        *field = json!({"$ref": "#/components/schemas/ProgramDocument", "description": description});
    }
}

/// The same schema, its links leading to the components.
fn relinked(schema: &Value) -> Value {
    with_links(schema, &|link| match link.strip_prefix("#/$defs/") {
        Some(name) => format!("#/components/schemas/Program{name}"),
        None => link.to_owned(),
    })
}

/// The document with the names that its readers see: those of the code say where a type belongs in the code.
fn renamed(document: &Value) -> Value {
    const SCHEMAS: &str = "#/components/schemas/";
    let mut document = with_links(document, &|link| match link.strip_prefix(SCHEMAS) {
        Some(name) => format!("{SCHEMAS}{}", public_name(name)),
        None => link.to_owned(),
    });
    if let Some(schemas) = document["components"]["schemas"].as_object_mut() {
        *schemas = std::mem::take(schemas).into_iter().map(|(name, it)| (public_name(&name), it)).collect();
    }
    document
}

/// `WireEntry` is an `Entry`, `LotView` a `Lot`, `Page_LotView` a `LotPage`.
fn public_name(name: &str) -> String {
    if let Some(of) = name.strip_prefix("Page_") {
        return format!("{}Page", public_name(of));
    }
    match name {
        "NewKeyView" => "KeyWithSecret",
        "WireKind" => "LineKind",
        "WireVersion" => "DocumentVersion",
        _ => name.strip_prefix("Wire").unwrap_or(name).trim_end_matches("View"),
    }
    .to_owned()
}

/// The same value, its links changed.
fn with_links(value: &Value, change: &impl Fn(&str) -> String) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| match value.as_str() {
                Some(link) if key == "$ref" => (key.clone(), json!(change(link))),
                _ => (key.clone(), with_links(value, change)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(|it| with_links(it, change)).collect(),
        other => other.clone(),
    }
}

/// What names a member or a page cannot be just any text.
fn narrow(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
    for parameter in parameters.into_iter().flatten() {
        let pattern = match parameter["name"].as_str() {
            Some("member") => "^(mem_[0-9a-z]{26}|(customer|card|email|phone):.+)$",
            Some("identity") => "^(customer|card|email|phone):.+$",
            Some("after") => "^.+$",
            _ => continue,
        };
        parameter["schema"]["pattern"] = json!(pattern);
    }
}

/// Says which scope an operation needs, and which problems it can answer.
fn complete(operation: &mut Value) {
    let scope = operation["security"][0]["key"][0].as_str().map(str::to_owned);
    match &scope {
        Some(scope) => {
            let said = operation["description"].as_str().map_or_else(String::new, |it| format!("{it}\n\n"));
            operation["description"] = json!(format!("{said}The key needs the scope `{scope}`."));
        }
        None => operation["security"] = json!([]),
    }
    for (status, name, _) in PROBLEMS {
        let key = status.to_string();
        if can_answer(operation, status, scope.is_some()) && operation["responses"][&key].is_null() {
            operation["responses"][&key] = json!({"$ref": format!("#/components/responses/{name}")});
        }
    }
}

fn can_answer(operation: &Value, status: u16, has_key: bool) -> bool {
    let id = operation["operationId"].as_str().unwrap_or_default();
    let has_body = operation["requestBody"].is_object();
    let parameters = || operation["parameters"].as_array().into_iter().flatten();
    let has = |place: &str| parameters().any(|it| it["in"] == place);
    let names_member = parameters().any(|it| it["in"] == "path" && it["name"] != "program" && it["name"] != "channel");
    match status {
        400 => has_body || has("path"),
        401 | 403 | 429 => has_key,
        404 => has("path") || matches!(id, "quote" | "hold" | "add_channel"),
        408 | 413 | 415 => has_body,
        409 => CONFLICTING.contains(&id),
        422 => has_body || has("query") || has("header") || (names_member && id != "get_order" && id != "release_hold"),
        _ => true,
    }
}

/// Shows what tests have sent and been answered.
fn add_examples(operation: &mut Value, problems: &Value) {
    let id = operation["operationId"].as_str().unwrap_or_default().to_owned();
    for (name, example) in examples::all().filter(|(_, it)| it.operation == id) {
        let Example { request, response, .. } = example;
        let summary = format!("{} {}", request.method, request.path);
        if let Some(body) = request.body {
            operation["requestBody"]["content"]["application/json"]["examples"][name] =
                json!({"summary": summary, "value": body});
        }
        let Some(body) = response.body else { continue };
        let shown = &mut operation["responses"][response.status.to_string()];
        let linked = shown["$ref"].as_str().and_then(|it| it.rsplit('/').next()).map(|it| problems[it].clone());
        if let Some(problem) = linked {
            *shown = problem;
        }
        let content = shown["content"].as_object_mut().and_then(|it| it.values_mut().next());
        if let Some(content) = content {
            content["examples"][name] = json!({"summary": summary, "value": body});
        }
    }
}

#[test]
fn no_two_schemas_get_one_name() {
    let schemas = described().components.unwrap_or_default().schemas;
    let names: std::collections::BTreeSet<String> = schemas.keys().map(|it| public_name(it)).collect();
    assert_eq!(names.len(), schemas.len(), "{names:?}");
}
