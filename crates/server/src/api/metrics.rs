//! How the server fares, for Prometheus and whatever reads the same: nothing of any member, and for keys with a scope of its
//! own. No address is let in without one: behind a proxy everybody comes from this machine.

use std::time::Duration;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;

use crate::access::Caller;
use crate::app::App;
use crate::metrics::{self, Backlog, Now};

/// Metrics: commands, batches, queue, latencies, refusals by code and the sweeper, in the text format of Prometheus.
#[utoipa::path(get, path = "/metrics", tag = "Server", operation_id = "metrics",
    security(("key" = ["metrics"])),
    responses((status = 200, description = "The metrics of this process.", body = String,
        content_type = "application/openmetrics-text")))]
pub(crate) async fn show(State(app): State<App>, _: Caller) -> impl IntoResponse {
    let (store, limits) = (app.store(), &app.config().limits);
    let now = Now {
        counted: store.counted(),
        waiting: store.waiting(),
        is_stopped: store.is_stopped(),
        clock_ahead: store.clock_ahead(),
        connections: limits.connections_max - app.connections().available_permits(),
        in_flight: limits.requests_max + limits.forms_max
            - app.requests().available_permits()
            - app.forms().available_permits(),
        database: backlog(&app).await,
    };
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics().text(now))
}

async fn backlog(app: &App) -> Option<Backlog> {
    let now = app.now();
    let read = app.read_soon(move |reader| Ok((reader.due(now, None, 1)?, reader.parked()?.len())));
    let (due, parked) = read.await.ok()?;
    let late = due.first().map_or(0, |it| now.micros().saturating_sub(it.at.micros()));
    Some(Backlog { lag: Duration::from_micros(u64::try_from(late).unwrap_or(0)), parked })
}
