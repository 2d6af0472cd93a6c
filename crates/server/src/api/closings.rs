//! Members leave a program and come back: one, or many selected ones at once.
//!
//! Many are many commands: each is carried out or refused by itself, and under its own part of the request's key.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Closing, limits};
use serde::{Deserialize, Serialize};
use store::{Body, Failure, Key, MemberRef, Time};
use utoipa::ToSchema;

use super::accounts::named;
use super::members::member_ref;
use super::worth::worth_of;
use crate::access::Caller;
use crate::app::{App, Request};
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::account::WireBalance;
use crate::wire::entry::WireClosed;
use crate::words::Voice;

/// Members that one request may name.
const MEMBERS_MAX: usize = 1_000;

/// How an account stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MembershipView {
    /// Left out while the account is open.
    #[serde(skip_serializing_if = "Option::is_none")]
    closed: Option<WireClosed>,
    balance: WireBalance,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClosing {
    /// Points are kept until the end of so many days after this one, in case the member comes back; 0: none.
    #[schema(minimum = 0, maximum = 3660, example = 30)]
    grace_days: u16,
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Asked to leave", min_length = 1, max_length = 500)]
    note: String,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJoining {
    /// Why: the member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Is back", min_length = 1, max_length = 500)]
    note: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClosings {
    /// Ids or identities.
    #[schema(min_items = 1, max_items = 1000, example = json!(["card:6001234"]))]
    members: Vec<String>,
    /// Points are kept until the end of so many days after this one, in case a member comes back; 0: none.
    #[schema(minimum = 0, maximum = 3660, example = 30)]
    grace_days: u16,
    /// Why: the members read it in their histories. 1 to 500 bytes.
    #[schema(example = "The club of the old town is closed", min_length = 1, max_length = 500)]
    note: String,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewJoinings {
    /// Ids or identities.
    #[schema(min_items = 1, max_items = 1000, example = json!(["card:6001234"]))]
    members: Vec<String>,
    /// Why: the members read it in their histories. 1 to 500 bytes.
    #[schema(example = "Invited", min_length = 1, max_length = 500)]
    note: String,
}

/// What became of many.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ManyAnswer {
    /// How many it was done for.
    done: usize,
    /// One for each member, in the order of the request.
    data: Vec<OneAnswer>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct OneAnswer {
    /// As it was named.
    member: String,
    /// Why it was not done; left out where it was.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// Close an account: its points are suspended, and forfeited at the end of the grace. Orders still converge.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/closings", tag = "Accounts", operation_id = "close",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewClosing,
    security(("key" = ["members"])),
    responses((status = 201, description = "Closed.", body = MembershipView)))]
pub(crate) async fn close(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewClosing>,
) -> Answer<(StatusCode, Reply<MembershipView>)> {
    let closing = Closing { grace_days: new.grace_days, note: new.note };
    submit(&app, &caller, key, (&member, &program), |program, member| Body::Close { program, member, closing }).await
}

/// Bring a member into a program, or back: what has not been forfeited is there again.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/joinings", tag = "Accounts", operation_id = "join",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewJoining,
    security(("key" = ["members"])),
    responses((status = 201, description = "The account is open.", body = MembershipView)))]
pub(crate) async fn join(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewJoining>,
) -> Answer<(StatusCode, Reply<MembershipView>)> {
    let body = |program, member| Body::Join { program, member, note: new.note };
    submit(&app, &caller, key, (&member, &program), body).await
}

/// Close the accounts of many members.
#[utoipa::path(post, path = "/v1/programs/{program}/closings", tag = "Accounts", operation_id = "close_many",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop"), Idempotency),
    request_body = NewClosings,
    security(("key" = ["members"])),
    responses((status = 200, description = "What became of each.", body = ManyAnswer)))]
pub(crate) async fn close_many(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(program): Path<String>,
    Json(new): Json<NewClosings>,
) -> Answer<Reply<ManyAnswer>> {
    Problem::check_note(&new.note)?;
    let closing = Closing { grace_days: new.grace_days, note: new.note };
    let body = |program, member| Body::Close { program, member, closing: closing.clone() };
    submit_many(&app, &caller, key, &program, new.members, body).await
}

/// Bring many members into a program, or back.
#[utoipa::path(post, path = "/v1/programs/{program}/joinings", tag = "Accounts", operation_id = "join_many",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop"), Idempotency),
    request_body = NewJoinings,
    security(("key" = ["members"])),
    responses((status = 200, description = "What became of each.", body = ManyAnswer)))]
pub(crate) async fn join_many(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(program): Path<String>,
    Json(new): Json<NewJoinings>,
) -> Answer<Reply<ManyAnswer>> {
    Problem::check_note(&new.note)?;
    let body = |program, member| Body::Join { program, member, note: new.note.clone() };
    submit_many(&app, &caller, key, &program, new.members, body).await
}

async fn submit(
    app: &App,
    caller: &Caller,
    key: Idempotency,
    (member, program): (&str, &str),
    body: impl FnOnce(String, MemberRef) -> Body,
) -> Answer<(StatusCode, Reply<MembershipView>)> {
    let key = key.required(caller)?;
    let account = named(app, member, program).await?;
    let reply = account.submit(app, caller, key, body).await?;
    let store::Reply::Standing { closed, balance } = reply else { return Err(Problem::internal()) };
    let balance = WireBalance::of(&balance, worth_of(app, account.program()?, account.member).await?);
    Ok((StatusCode::CREATED, Reply(MembershipView { closed: closed.as_ref().map(WireClosed::of), balance })))
}

async fn submit_many(
    app: &App,
    caller: &Caller,
    key: Idempotency,
    program: &str,
    members: Vec<String>,
    body: impl Fn(String, MemberRef) -> Body,
) -> Answer<Reply<ManyAnswer>> {
    let key = key.required(caller)?.ok_or_else(Problem::internal)?;
    if members.is_empty() || MEMBERS_MAX < members.len() {
        return Err(Problem::invalid("members", format!("{} are named", members.len()), "1 to 1,000 members"));
    }
    let catalog = app.catalog().await?;
    let program = catalog.program(program)?;
    let voice = program.voice(app.now())?;
    // All are read before anything is sent: a name that cannot be changes nothing.
    let read = |(index, member): (usize, &String)| {
        let named = member_ref(member).map_err(|it| it.at(&format!("members[{index}]")))?;
        let key = Some(Key(format!("{}/{index}", key.0)));
        let body = body(program.info.name.clone(), named);
        Ok(Request { key, actor: caller.actor(), time: Time::Live, body })
    };
    let requests = members.iter().enumerate().map(read).collect::<Answer<Vec<_>>>()?;
    let outcomes = app.submit_all(requests).await;
    let one = |(member, outcome)| OneAnswer { member, problem: problem_of(outcome, &voice) };
    let data: Vec<OneAnswer> = members.into_iter().zip(outcomes).map(one).collect();
    let done = data.iter().filter(|it| it.problem.is_none()).count();
    Ok(Reply(ManyAnswer { done, data }))
}

fn problem_of(outcome: Result<store::Reply, Failure>, voice: &Voice<'_>) -> Option<Problem> {
    outcome.err().map(|it| *Problem::failed(&it, Some(voice)))
}

const _: () = assert!(limits::CLOSING_DAYS_MAX == 3_660, "as the schema says");
