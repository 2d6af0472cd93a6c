//! Whether the server is alive, and whether it can work: for load balancers and whoever watches.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;
use crate::problem::{Answer, Problem};

/// How the server is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// `ok`, or there would be a problem.
    #[schema(example = "ok")]
    status: &'static str,
    #[schema(example = "0.1.0")]
    version: &'static str,
}

const OK: Health = Health { status: "ok", version: env!("CARGO_PKG_VERSION") };

/// Alive: the process answers.
#[utoipa::path(get, path = "/health", tag = "Server", operation_id = "health",
    responses((status = 200, description = "The process answers.", body = Health)))]
pub(crate) async fn health() -> Json<Health> {
    Json(OK)
}

/// Ready: the database can be read, and the writer takes commands.
#[utoipa::path(get, path = "/ready", tag = "Server", operation_id = "ready",
    responses(
        (status = 200, description = "Orders can be recorded.", body = Health),
        (status = 503, description = "Not now.", body = Problem, content_type = "application/problem+json"),
    ))]
pub(crate) async fn ready(State(app): State<App>) -> Answer<Json<Health>> {
    if app.store().is_stopped() {
        return Err(Problem::busy("The store has stopped after a failed write; check the disk, then start again."));
    }
    app.read_soon(|reader| reader.member_count()).await?;
    Ok(Json(OK))
}
