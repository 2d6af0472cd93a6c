//! Pages for people: rendered here, with scripts only where something moves.
//!
//! | question | file |
//! |---|---|
//! | what does every page share? | `shell.rs`, `templates/base.html` |
//! | what does a page show? | a view struct beside its handler, a template at the same path |
//! | how is a chart drawn? | `chart.rs`, `templates/chart.html` |
//! | where do scripts, fonts and styles come from? | `assets.rs`, `static/` |

pub mod admin;
pub mod assets;
pub mod chart;
pub mod docs;
pub mod errors;
mod page;
mod say;
pub mod set_up;
pub mod shell;
pub mod sign_in;
mod static_files;

use axum::Router;
use axum::response::Redirect;
use axum::routing::{get, post};
use tower_http::compression::predicate::NotForContentType;
use tower_http::compression::{CompressionLayer, DefaultPredicate, Predicate};

use crate::app::App;

/// Every page.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(async || Redirect::to("/admin")))
        .route("/admin", get(admin::figures::show))
        .route("/admin/members", get(admin::members::show))
        .route("/admin/members/{member}", get(admin::member::show))
        .route("/admin/programs", get(admin::programs::list))
        .route("/admin/programs/{program}", get(admin::programs::show))
        .route("/admin/keys", get(admin::keys::list).post(admin::keys::make))
        .route("/admin/keys/{number}/revoke", get(admin::keys::ask_revoke).post(admin::keys::revoke))
        .route("/sign-in", get(sign_in::show).post(sign_in::enter))
        .route("/sign-in/demo", post(sign_in::enter_demo))
        .route("/sign-out", post(sign_in::leave))
        .route("/set-up/{token}", get(set_up::show).post(set_up::set_up))
        .route("/set-up/{token}/words", post(set_up::words))
        .route("/docs", get(docs::show))
        .route("/static/{hash}/{name}", get(static_files::file))
        .layer(CompressionLayer::new().compress_when(worth_packing()))
}

/// Pages and files, but no problem documents: `errors::for_people` reads those.
fn worth_packing() -> impl Predicate {
    DefaultPredicate::new().and(NotForContentType::const_new("application/problem+json"))
}
