//! Tiers set by hand.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Date, SetTier};
use serde::{Deserialize, Serialize};
use store::Body;
use utoipa::ToSchema;

use super::accounts::named;
use crate::access::Caller;
use crate::app::App;
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewTier {
    /// The name of a tier of the program; left out: none.
    #[schema(example = "Gold", min_length = 1, max_length = 120)]
    tier: Option<String>,
    /// The last day of it, in the program's time zone; left out: for good.
    #[schema(format = Date, example = "2027-12-31")]
    last_day: Option<String>,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Moved here from our other shop", min_length = 1, max_length = 500)]
    note: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TierView {
    /// The id of the entry.
    entry: String,
}

/// Give a member a tier, or none, until a day or for good. A higher one is still reached meanwhile.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/tier", tag = "Accounts", operation_id = "set_tier",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewTier,
    security(("key" = ["adjust"])),
    responses((status = 201, description = "Set.", body = TierView)))]
pub(crate) async fn set_tier(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewTier>,
) -> Answer<(StatusCode, Reply<TierView>)> {
    let key = key.required(&caller)?;
    let account = named(&app, &member, &program).await?;
    let last = new.last_day.as_deref().map(|it| {
        let fault = |fault| Problem::invalid("last_day", format!("\"{it}\" {fault}"), "a day such as 2027-12-31");
        Date::parse(it).map_err(fault)
    });
    let terms = account.program()?.terms(app.now())?;
    let until = last.transpose()?.map(|it| terms.zone.end_of(it));
    let set = SetTier { tier: new.tier, until, note: new.note };
    let body = |program, member| Body::SetTier { program, member, set };
    let reply = account.submit(&app, &caller, key, body).await?;
    let store::Reply::Adjusted { entry, .. } = reply else { return Err(Problem::internal()) };
    Ok((StatusCode::CREATED, Reply(TierView { entry: account.entry(entry) })))
}
