//! Holds: points reserved for a checkout that is not finished. They lapse by themselves.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Balance, HoldNo, Points, Rejection, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Body, MemberRef, Time};
use utoipa::ToSchema;

use super::members::member_ref;
use super::worth::worth_of;
use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::Program;
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::account::WireBalance;
use crate::wire::ids::{Owned, OwnedId};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewHold {
    /// The program's name or id.
    #[schema(example = "Sample shop")]
    program: String,
    /// A member id, or an identity such as `card:6001234`.
    #[schema(example = "card:6001234")]
    member: String,
    #[schema(minimum = 1, maximum = 1_000_000_000_000_i64, example = 250)]
    points: i64,
    /// After which it lapses: 1 to 120; left out: as the program says.
    #[schema(minimum = 1, maximum = 120)]
    minutes: Option<u32>,
}

/// A hold that was opened or released.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct HoldView {
    /// Name it in `hold` of the order that takes it over.
    #[schema(example = "hld_01jwkbdfm0fber0gthyd8chafn_1_1")]
    id: String,
    member: String,
    #[schema(format = DateTime)]
    lapses_at: String,
    balance: WireBalance,
}

impl HoldView {
    async fn of(app: &App, id: OwnedId, lapses_at: Timestamp, balance: &Balance, program: &Program) -> Answer<Self> {
        Ok(Self {
            id: id.to_string(),
            member: id.member.to_string(),
            lapses_at: lapses_at.to_string(),
            balance: WireBalance::of(balance, worth_of(app, program, id.member).await?),
        })
    }
}

/// Hold points for a checkout.
#[utoipa::path(post, path = "/v1/holds", tag = "Holds", operation_id = "hold",
    params(Idempotency),
    request_body = NewHold,
    security(("key" = ["orders"])),
    responses((status = 201, description = "Held.", body = HoldView)))]
pub(crate) async fn hold(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Json(new): Json<NewHold>,
) -> Answer<(StatusCode, Reply<HoldView>)> {
    let key = key.required(&caller)?;
    let catalog = app.catalog().await?;
    let program = catalog.program(&new.program)?;
    let now = app.now();
    let voice = program.voice(now)?;
    let named = member_ref(&new.member)?;
    let points = Points::new(new.points);
    let body = Body::Hold { program: program.info.name.clone(), member: named, points, minutes: new.minutes };
    let request = Request { key, actor: caller.actor(), time: Time::Live, body };
    let reply = app.submit_for(request, Some(&voice)).await?;
    let store::Reply::Hold { member, hold, balance, lapses_at } = reply else { return Err(Problem::internal()) };
    let id = OwnedId { kind: Owned::Hold, member, program: program.info.number, number: hold.0 };
    Ok((StatusCode::CREATED, Reply(HoldView::of(&app, id, lapses_at, &balance, program).await?)))
}

/// Release a hold: its points can be spent again.
#[utoipa::path(delete, path = "/v1/holds/{hold}", tag = "Holds", operation_id = "release_hold",
    params(("hold" = String, Path, description = "The id of the hold.", example = "hld_01jwkbdfm0fber0gthyd8chafn_1_1")),
    security(("key" = ["orders"])),
    responses((status = 200, description = "Released, or had ended already.", body = HoldView)))]
pub(crate) async fn release_hold(
    State(app): State<App>,
    caller: Caller,
    Path(hold): Path<String>,
) -> Answer<Reply<HoldView>> {
    let unknown = || Problem::rejected(&Rejection::UnknownHold, None);
    let id: OwnedId = hold.parse().map_err(|_| unknown())?;
    let catalog = app.catalog().await?;
    let program = catalog.program_numbered(id.program).filter(|_| id.kind == Owned::Hold).ok_or_else(unknown)?;
    let now = app.now();
    let voice = program.voice(now)?;
    let (name, member, hold) = (program.info.name.clone(), MemberRef::Id(id.member), HoldNo(id.number));
    let body = Body::ReleaseHold { program: name, member, hold };
    let request = Request { key: None, actor: caller.actor(), time: Time::Live, body };
    let reply = app.submit_for(request, Some(&voice)).await?;
    let store::Reply::Hold { balance, lapses_at, .. } = reply else { return Err(Problem::internal()) };
    HoldView::of(&app, id, lapses_at, &balance, program).await.map(Reply)
}
