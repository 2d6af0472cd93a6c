//! Merges: two members become one, and two again.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use store::{Body, MemberRef, Time};
use utoipa::ToSchema;

use super::members::{MemberView, member_ref, shown};
use crate::access::Caller;
use crate::app::{App, Request};
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMerge {
    /// An id or identity of the member that goes.
    #[schema(example = "card:6009999")]
    other: String,
}

/// Merge another member into this one: all that it has comes here, and all that finds it leads here. Points keep their
/// dates; what one owes the other's points pay.
#[utoipa::path(post, path = "/v1/members/{member}/merges", tag = "Members", operation_id = "merge_members",
    params(
        ("member" = String, Path, description = "An id or identity of the member that stays.", example = "card:6001234"),
        Idempotency,
    ),
    request_body = NewMerge,
    security(("key" = ["members"])),
    responses((status = 201, description = "The member that both are now.", body = MemberView)))]
pub(crate) async fn merge_members(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(member): Path<String>,
    Json(new): Json<NewMerge>,
) -> Answer<(StatusCode, Reply<MemberView>)> {
    let key = key.required(&caller)?;
    let (member, other) = (member_ref(&member)?, other_ref(&new.other)?);
    let body = Body::Merge { member, other };
    let reply = app.submit_for(Request { key, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let store::Reply::Member { id, .. } = reply else { return Err(Problem::internal()) };
    Ok((StatusCode::CREATED, shown(&app, MemberRef::Id(id)).await?))
}

/// Undo the last merge of a member, within 30 days: each gets their own back as it is now. What one has used of the other's
/// points comes back to them and is owed. Answered with the member that is one of its own again.
#[utoipa::path(post, path = "/v1/members/{member}/merges/undo", tag = "Members", operation_id = "undo_merge",
    params(
        ("member" = String, Path, description = "An id or identity of either.", example = "card:6001234"),
        Idempotency,
    ),
    security(("key" = ["members"])),
    responses((status = 200, description = "The member that had been merged.", body = MemberView)))]
pub(crate) async fn undo_merge(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(member): Path<String>,
) -> Answer<Reply<MemberView>> {
    let key = key.required(&caller)?;
    let body = Body::Unmerge { member: member_ref(&member)? };
    let reply = app.submit_for(Request { key, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let store::Reply::Member { id, .. } = reply else { return Err(Problem::internal()) };
    shown(&app, MemberRef::Id(id)).await
}

fn other_ref(text: &str) -> Answer<MemberRef> {
    text.parse().map_err(|_| {
        let allowed = "mem_…, customer:…, card:…, email:… or phone:…";
        Problem::invalid("other", format!("\"{text}\" names no member"), allowed)
    })
}
