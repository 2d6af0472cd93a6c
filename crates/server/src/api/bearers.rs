//! Certificates that belong to nobody until an order of a member uses them: vouchers on paper, prizes. Made here and listed; looked
//! up and cancelled as all certificates are.

use axum::Json as Reply;
use axum::extract::State;
use engine::BEARER_LOT;
use serde::Deserialize;
use store::{BearerInfo, Body, CertificateRef, MemberId, Reader, StoreError, Time};
use utoipa::ToSchema;

use super::certificates::{CertificateView, Expires, view, views_named, wanted};
use crate::access::Caller;
use crate::app::{App, Request};
use crate::extract::{Idempotency, Json, Params};
use crate::problem::{Answer, Problem};
use crate::wire::page::{Page, Paging};

/// Certificates of the same kind, for nobody.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewBearersRequest {
    /// The program whose currency they have, by its name or id.
    #[schema(example = "Sample shop")]
    program: String,
    /// What each is worth.
    #[schema(example = "25.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    value: String,
    /// How many, 1 to 100. Left out: 1.
    #[schema(minimum = 1, maximum = 100)]
    count: Option<u32>,
    /// `several` or `once`. Left out: as the program says.
    #[schema(example = "several")]
    uses: Option<String>,
    /// Until when they can be used. Left out: for ever.
    #[serde(default)]
    expires: Expires,
    /// Why: it stands with each. 1 to 500 bytes.
    #[schema(example = "Prizes of the summer fair", min_length = 1, max_length = 500)]
    note: String,
}

/// Make certificates that belong to nobody.
///
/// Whoever's order is the first to name one has it from then on, with what is left of it. An order that is refused, a quote and an
/// order without a member claim none.
#[utoipa::path(post, path = "/v1/bearer-certificates", tag = "Certificates", operation_id = "issue_bearer_certificates",
    params(Idempotency),
    request_body = NewBearersRequest,
    security(("key" = ["adjust"])),
    responses((status = 200, description = "The certificates.", body = Page<CertificateView>)))]
pub(crate) async fn issue_bearer_certificates(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Json(new): Json<NewBearersRequest>,
) -> Answer<Reply<Page<CertificateView>>> {
    let key = key.required(&caller)?;
    Problem::check_note(&new.note)?;
    let catalog = app.catalog().await?;
    let program = catalog.program(&new.program)?;
    let now = app.now();
    let voice = program.voice(now)?;
    let currency = voice.terms.currency;
    let NewBearersRequest { value, count, uses, expires, note, .. } = new;
    let new = wanted((&value, currency), count, uses.as_deref(), &expires, note)?;
    let body = Body::IssueBearers { program: program.info.name.clone(), new };
    let request = Request { key, actor: caller.actor(), time: Time::Live, body };
    let reply = app.submit_for(request, Some(&voice)).await?;
    let store::Reply::Bearers { owners } = reply else { return Err(Problem::internal()) };
    let ledger = store::certificate_ledger(currency);
    let named = |owner| CertificateRef::Numbered { owner, ledger, number: BEARER_LOT };
    Ok(Reply(Page::whole(views_named(&app, owners.into_iter().map(named).collect(), now).await?)))
}

/// List the certificates that were made for nobody, as they stand: those that are somebody's now name their member.
#[utoipa::path(get, path = "/v1/bearer-certificates", tag = "Certificates", operation_id = "list_bearer_certificates",
    params(Paging),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of certificates, in the order in which they were made.", body = Page<CertificateView>)))]
pub(crate) async fn list_bearer_certificates(
    State(app): State<App>,
    _: Caller,
    Params(paging): Params<Paging>,
) -> Answer<Reply<Page<CertificateView>>> {
    let (limit, after) = (paging.limit()?, paging.cursor::<MemberId>()?);
    let now = app.now();
    let read = move |reader: &Reader| -> Result<Vec<BearerInfo>, StoreError> { reader.bearers(after, limit + 1, now) };
    let Page { data, next } = Page::of(app.read(read).await?, limit, |it| it.owner.to_string());
    let data = data.iter().map(|it| view(&app, &it.certificate)).collect::<Answer<_>>()?;
    Ok(Reply(Page { data, next }))
}
