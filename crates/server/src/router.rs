//! Every URL on one page.

use axum::Router;
use axum::http::StatusCode;
use axum::middleware::{from_fn, from_fn_with_state};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::api::{
    accounts, acts, bearers, cards, certificates, channels, claims, closings, credit, health, holds, imports, keys,
    members, merges, metrics, orders, people, programs, quotes, redatings, returns, rewards, tiers,
};
use crate::app::App;
use crate::guard;
use crate::openapi;
use crate::pages;
use crate::problem::Problem;

/// Every operation of the API, with the scope that its key needs (`access.rs` asks this table); what has none is open to
/// everybody. Tests hold the handlers and their description against it.
pub const OPERATIONS: &[(&str, &str, &str)] = &[
    ("GET", "/health", ""),
    ("GET", "/ready", ""),
    ("GET", "/metrics", "metrics"),
    ("GET", "/v1/openapi.json", ""),
    ("PUT", "/v1/channels/{channel}/orders/{reference}", "orders"),
    ("GET", "/v1/channels/{channel}/orders/{reference}", "read"),
    ("PUT", "/v1/channels/{channel}/returns/{reference}", "orders"),
    ("GET", "/v1/channels/{channel}/returns/{reference}", "read"),
    ("POST", "/v1/quotes", "orders"),
    ("POST", "/v1/channels/{channel}/orders/{reference}/claim", "adjust"),
    ("POST", "/v1/holds", "orders"),
    ("DELETE", "/v1/holds/{hold}", "orders"),
    ("GET", "/v1/members", "read"),
    ("POST", "/v1/members", "members"),
    ("GET", "/v1/members/{member}", "read"),
    ("PATCH", "/v1/members/{member}", "members"),
    ("DELETE", "/v1/members/{member}", "admin"),
    ("GET", "/v1/members/{member}/export", "members"),
    ("POST", "/v1/members/{member}/merges", "members"),
    ("POST", "/v1/members/{member}/merges/undo", "members"),
    ("POST", "/v1/members/{member}/identities", "members"),
    ("DELETE", "/v1/members/{member}/identities/{identity}", "members"),
    ("GET", "/v1/members/{member}/cards", "read"),
    ("POST", "/v1/members/{member}/cards", "members"),
    ("GET", "/v1/cards/{card}", "read"),
    ("PATCH", "/v1/cards/{card}", "members"),
    ("DELETE", "/v1/cards/{card}", "members"),
    ("POST", "/v1/cards/{card}/replacements", "members"),
    ("GET", "/v1/members/{member}/accounts", "read"),
    ("GET", "/v1/members/{member}/accounts/{program}", "read"),
    ("GET", "/v1/members/{member}/accounts/{program}/expiries", "read"),
    ("GET", "/v1/members/{member}/accounts/{program}/lots", "read"),
    ("GET", "/v1/members/{member}/accounts/{program}/holds", "read"),
    ("GET", "/v1/members/{member}/accounts/{program}/orders", "read"),
    ("GET", "/v1/members/{member}/accounts/{program}/entries", "read"),
    ("POST", "/v1/members/{member}/accounts/{program}/adjustments", "adjust"),
    ("GET", "/v1/members/{member}/credit", "read"),
    ("GET", "/v1/members/{member}/credit/{currency}/entries", "read"),
    ("POST", "/v1/members/{member}/credit/{currency}/adjustments", "adjust"),
    ("GET", "/v1/members/{member}/certificates", "read"),
    ("GET", "/v1/members/{member}/certificates/{currency}/entries", "read"),
    ("POST", "/v1/certificates", "adjust"),
    ("GET", "/v1/certificates/{certificate}", "read"),
    ("POST", "/v1/bearer-certificates", "adjust"),
    ("GET", "/v1/bearer-certificates", "read"),
    ("POST", "/v1/certificate-cancellations", "adjust"),
    ("GET", "/v1/members/{member}/accounts/{program}/catalogue", "read"),
    ("GET", "/v1/members/{member}/accounts/{program}/claims", "read"),
    ("POST", "/v1/members/{member}/accounts/{program}/claims", "orders"),
    ("GET", "/v1/programs/{program}/claims", "read"),
    ("POST", "/v1/programs/{program}/member-imports", "admin"),
    ("GET", "/v1/claims/{claim}", "read"),
    ("POST", "/v1/claims/{claim}/fulfilments", "orders"),
    ("POST", "/v1/claims/{claim}/cancellations", "adjust"),
    ("POST", "/v1/members/{member}/accounts/{program}/collections", "adjust"),
    ("POST", "/v1/programs/{program}/collections", "adjust"),
    ("POST", "/v1/members/{member}/accounts/{program}/redatings", "adjust"),
    ("POST", "/v1/members/{member}/accounts/{program}/reinstatements", "adjust"),
    ("POST", "/v1/members/{member}/accounts/{program}/activities", "orders"),
    ("POST", "/v1/members/{member}/accounts/{program}/tier", "adjust"),
    ("POST", "/v1/members/{member}/accounts/{program}/closings", "members"),
    ("POST", "/v1/members/{member}/accounts/{program}/joinings", "members"),
    ("POST", "/v1/programs/{program}/closings", "members"),
    ("POST", "/v1/programs/{program}/joinings", "members"),
    ("GET", "/v1/programs", "read"),
    ("POST", "/v1/programs", "programs"),
    ("GET", "/v1/programs/{program}", "read"),
    ("GET", "/v1/programs/{program}/versions", "read"),
    ("POST", "/v1/programs/{program}/versions", "programs"),
    ("POST", "/v1/programs/{program}/switches", "programs"),
    ("POST", "/v1/programs/{program}/redatings", "adjust"),
    ("GET", "/v1/programs/{program}/days", "read"),
    ("POST", "/v1/program-drafts", "read"),
    ("GET", "/v1/channels", "read"),
    ("POST", "/v1/channels", "programs"),
    ("GET", "/v1/channels/{channel}", "read"),
    ("PATCH", "/v1/channels/{channel}", "programs"),
    ("GET", "/v1/keys", "admin"),
    ("POST", "/v1/keys", "admin"),
    ("DELETE", "/v1/keys/{number}", "admin"),
];

/// The server as a service.
pub fn router(app: &App) -> Router {
    let (api, _) = api().split_for_parts();
    api.merge(pages::routes())
        .fallback(no_such_page)
        .method_not_allowed_fallback(no_such_method)
        // The first stands outermost. One service for all of them: each of its own would be made anew for each request.
        .layer((
            from_fn_with_state(app.clone(), guard::seal),
            from_fn(pages::errors::for_people),
            from_fn_with_state(app.clone(), guard::log),
            from_fn_with_state(app.clone(), guard::admit),
        ))
        .with_state(app.clone())
}

/// What the routes say of themselves; `openapi.rs` completes it.
pub(crate) fn described() -> OpenApi {
    api().split_for_parts().1
}

fn api() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(health::health))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::show))
        .routes(routes!(openapi::show))
        .routes(routes!(orders::put_order, orders::get_order))
        .routes(routes!(orders::claim_order))
        .routes(routes!(returns::put_return, returns::get_return))
        .routes(routes!(quotes::quote))
        .routes(routes!(holds::hold))
        .routes(routes!(holds::release_hold))
        .routes(routes!(members::search_members, members::sign_up))
        .routes(routes!(members::get_member, members::change_member, people::erase_person))
        .routes(routes!(people::export_person))
        .routes(routes!(merges::merge_members))
        .routes(routes!(merges::undo_merge))
        .routes(routes!(members::add_identity))
        .routes(routes!(members::remove_identity))
        .routes(routes!(cards::list_cards, cards::add_card))
        .routes(routes!(cards::get_card, cards::change_card, cards::delete_card))
        .routes(routes!(cards::replace_card))
        .routes(routes!(accounts::list_accounts))
        .routes(routes!(accounts::get_account))
        .routes(routes!(accounts::list_expiries))
        .routes(routes!(accounts::list_lots))
        .routes(routes!(accounts::list_holds))
        .routes(routes!(accounts::list_orders))
        .routes(routes!(accounts::list_entries))
        .routes(routes!(accounts::adjust))
        .routes(routes!(credit::list_credit))
        .routes(routes!(credit::list_credit_entries))
        .routes(routes!(credit::adjust_credit))
        .routes(routes!(certificates::list_certificates))
        .routes(routes!(certificates::list_certificate_entries))
        .routes(routes!(certificates::issue_certificates))
        .routes(routes!(certificates::get_certificate))
        .routes(routes!(certificates::cancel_certificates))
        .routes(routes!(bearers::issue_bearer_certificates, bearers::list_bearer_certificates))
        .routes(routes!(claims::list_catalogue))
        .routes(routes!(claims::list_claims, claims::claim_reward))
        .routes(routes!(claims::list_waiting_claims))
        .routes(routes!(imports::import_members))
        .routes(routes!(claims::get_claim))
        .routes(routes!(claims::fulfil_claim))
        .routes(routes!(claims::cancel_claim))
        .routes(routes!(rewards::collect))
        .routes(routes!(rewards::collect_many))
        .routes(routes!(redatings::redate))
        .routes(routes!(redatings::redate_many))
        .routes(routes!(acts::reinstate))
        .routes(routes!(acts::act))
        .routes(routes!(tiers::set_tier))
        .routes(routes!(closings::close))
        .routes(routes!(closings::join))
        .routes(routes!(closings::close_many))
        .routes(routes!(closings::join_many))
        .routes(routes!(programs::list_programs, programs::add_program))
        .routes(routes!(programs::get_program))
        .routes(routes!(programs::list_versions, programs::add_version))
        .routes(routes!(programs::switch_program))
        .routes(routes!(programs::list_days))
        .routes(routes!(programs::try_draft))
        .routes(routes!(channels::list_channels, channels::add_channel))
        .routes(routes!(channels::get_channel, channels::change_channel))
        .routes(routes!(keys::list_keys, keys::add_key))
        .routes(routes!(keys::revoke_key))
}

async fn no_such_page() -> Box<Problem> {
    Problem::not_found("not_found", "There is nothing at this address; GET /docs shows what there is.")
}

async fn no_such_method() -> Box<Problem> {
    let detail = "This address does not take that method; the header Allow says which it takes.";
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}
