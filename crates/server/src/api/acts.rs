//! Expired points that staff give back, and what earns without an order.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{LotNo, Points, Reinstatement, Timestamp};
use serde::Deserialize;
use store::Body;
use utoipa::ToSchema;

use super::accounts::{AdjustmentView, named};
use crate::access::Caller;
use crate::app::App;
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::order::instant;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReinstatement {
    /// No more than what has expired, less what of it counts as taken back by an order.
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 40)]
    points: i64,
    /// The number of the lot that they expired from; left out, those that expired last.
    #[schema(minimum = 1, example = 1)]
    lot: Option<u64>,
    /// When they expire again: left out, after the program's days of grace, or as new points do where there are none.
    #[schema(format = DateTime)]
    expires_at: Option<String>,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "You were on holiday", min_length = 1, max_length = 500)]
    note: String,
}

/// Give back points that have expired, as a lot of their own.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/reinstatements", tag = "Accounts", operation_id = "reinstate",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewReinstatement,
    security(("key" = ["adjust"])),
    responses((status = 201, description = "Given back.", body = AdjustmentView)))]
pub(crate) async fn reinstate(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewReinstatement>,
) -> Answer<(StatusCode, Reply<AdjustmentView>)> {
    let expires_at = time_of("expires_at", new.expires_at.as_deref())?;
    let reinstatement =
        Reinstatement { points: Points::new(new.points), lot: new.lot.map(LotNo), expires_at, note: new.note };
    let body = |program, member| Body::Reinstate { program, member, reinstatement };
    let key = key.required(&caller)?;
    named(&app, &member, &program).await?.adjust(&app, &caller, key, body).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewActivity {
    /// What the program calls it.
    #[schema(example = "review", min_length = 1, max_length = 120)]
    name: String,
    /// A name of your own for this act: under it, it earns once, for ever.
    #[schema(example = "review-881", min_length = 1, max_length = 120)]
    reference: Option<String>,
}

/// Tell what a member did that earns without an order: a review, a visit, whatever the program names.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/activities", tag = "Accounts", operation_id = "act",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewActivity,
    security(("key" = ["orders"])),
    responses((status = 201, description = "It has earned.", body = AdjustmentView)))]
pub(crate) async fn act(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewActivity>,
) -> Answer<(StatusCode, Reply<AdjustmentView>)> {
    let NewActivity { name, reference } = new;
    let body = |program, member| Body::Act { program, member, name, reference };
    let key = key.required(&caller)?;
    named(&app, &member, &program).await?.adjust(&app, &caller, key, body).await
}

/// The instant of a key, if it stands there.
pub(super) fn time_of(path: &str, text: Option<&str>) -> Answer<Option<Timestamp>> {
    let at = text.map(instant).transpose();
    at.map_err(|(what, allowed)| Problem::invalid(path, what, allowed))
}
