//! Returns that are documents of their own: a receipt of what came back. One that names its order is that order's refund; one
//! that names none takes back what its lines would earn.

use std::sync::Arc;

use axum::Json as Reply;
use axum::extract::State;
use engine::Document;
use serde::{Deserialize, Serialize};
use store::{Body, OrderName, ReturnedPart};
use utoipa::ToSchema;

use super::members::member_ref;
use super::orders::{OrderAnswer, OrderView, answer_to, read, time_of, view};
use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::Channel;
use crate::extract::{Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::object::objects;
use crate::wire::order::{OrderDocument, WireLine, WireReturn, WireVersion};

/// What came back. Say it once: here, or in the `returns` and `refunded` of the order, which add up. Either `order` is there
/// with `returns` or `refunded`, or `member` is there with `lines`.
#[derive(Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReturnDocument {
    /// The reference of the order that it is of.
    #[serde(default)]
    #[schema(example = "A17")]
    order: Option<String>,
    /// The channel where that order was placed, by its name or id. Left out: the channel that takes the return.
    #[serde(default)]
    order_channel: Option<String>,
    /// Whose points are taken back, where no order is named.
    #[serde(default)]
    member: Option<String>,
    /// Which of two documents of this return is newer: a number, or the time of change. Left out: they count in the order in
    /// which they arrive.
    #[serde(default)]
    version: Option<WireVersion>,
    /// Left out: the currency of the program.
    #[serde(default)]
    #[schema(example = "USD", min_length = 3, max_length = 3)]
    currency: Option<String>,
    #[schema(format = DateTime, example = "2026-03-02T15:00:00Z")]
    returned_at: String,
    /// Of the order's lines: what came back with this return.
    #[serde(default, deserialize_with = "objects")]
    #[schema(max_items = 1000)]
    returns: Vec<WireReturn>,
    /// Of the order: what was paid back with this return without naming lines.
    #[serde(default)]
    #[schema(example = "5.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    refunded: Option<String>,
    /// What came back without its order, with what was paid for it.
    #[serde(default, deserialize_with = "objects")]
    #[schema(max_items = 1000)]
    lines: Vec<WireLine>,
    /// Taken off all of these lines.
    #[serde(default)]
    #[schema(example = "0.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    discount: Option<String>,
    /// When a return without its order was called off.
    #[serde(default)]
    #[schema(format = DateTime)]
    cancelled_at: Option<String>,
    /// Ledger time of a return of the past. Needs the scope `import`, and lifts the limit of 30 days on dates. Left out: now.
    #[serde(default)]
    #[schema(format = DateTime)]
    at: Option<String>,
}

impl ReturnDocument {
    /// Refuses what goes with the other kind of return.
    fn check(&self) -> Answer<()> {
        let misplaced = match &self.order {
            Some(_) => [
                ("member", self.member.is_some()),
                ("lines", !self.lines.is_empty()),
                ("discount", self.discount.is_some()),
                ("cancelled_at", self.cancelled_at.is_some()),
            ],
            None => [
                ("order_channel", self.order_channel.is_some()),
                ("returns", !self.returns.is_empty()),
                ("refunded", self.refunded.is_some()),
                ("order", self.member.is_none()),
            ],
        };
        match misplaced.into_iter().find(|(_, is_wrong)| *is_wrong) {
            None => Ok(()),
            Some(("order", _)) => {
                Err(Problem::invalid("order", "neither an order nor a member is named", "the reference of an order"))
            }
            Some((field, _)) => {
                let which = if self.order.is_some() { "names" } else { "does not name" };
                Err(Problem::invalid(field, format!("the return {which} its order"), "no such key"))
            }
        }
    }

    /// The engine's document: an order's, as far as it says the same.
    fn read(&self, channel: &Channel, now: engine::Timestamp) -> Answer<Document> {
        let order = OrderDocument {
            version: self.version.clone(),
            currency: self.currency.clone(),
            lines: self.lines.clone(),
            discount: self.discount.clone(),
            returns: self.returns.clone(),
            refunded: self.refunded.clone(),
            placed_at: self.returned_at.clone(),
            cancelled_at: self.cancelled_at.clone(),
            ..OrderDocument::default()
        };
        let document = read(&order, None, channel, now).map_err(|it| it.renamed("placed_at", "returned_at"))?;
        Ok(Document { is_return: self.order.is_none(), ..document })
    }
}

/// Record a return as it is now.
///
/// Sending it twice changes nothing. A return of an order that is not recorded is refused: record the order first, or send
/// the return without `order`.
#[utoipa::path(put, path = "/v1/channels/{channel}/returns/{reference}", tag = "Orders", operation_id = "put_return",
    params(
        ("channel" = String, Path, description = "The channel that takes the return: its name or id.", example = "web"),
        ("reference" = String, Path, description = "The channel's own name for the return: 1 to 120 bytes.", example = "R4"),
    ),
    request_body = ReturnDocument,
    security(("key" = ["orders"])),
    responses((status = 200, description = "Recorded, or known already: where its order stands.", body = OrderAnswer)))]
pub(crate) async fn put_return(
    State(app): State<App>,
    caller: Caller,
    Path((channel, reference)): Path<(String, String)>,
    Json(returned): Json<ReturnDocument>,
) -> Answer<Reply<OrderAnswer>> {
    let catalog = app.catalog().await?;
    let channel = catalog.channel(&channel)?;
    let now = app.now();
    let (time, actor) = time_of(returned.at.as_deref(), &caller, channel)?;
    returned.check()?;
    let name = channel.info.name.clone();
    let Some(order) = returned.order.clone() else {
        let document = Arc::new(returned.read(channel, now)?);
        let member = returned.member.as_deref().map(member_ref).transpose()?;
        let body = Body::PutOrder { channel: name, member, reference: reference.clone(), document, certificates: None };
        let reply = app.submit(Request { key: None, actor, time, body }).await;
        return answer_to(&app, reply, channel, reference).await.map(Reply);
    };
    let placed = match &returned.order_channel {
        None => channel,
        Some(other) => catalog.channel(other).map_err(|it| it.at("order_channel"))?,
    };
    let document = returned.read(placed, now)?;
    let part = ReturnedPart {
        version: document.version,
        returned_at: document.placed_at,
        lines: document.returns,
        refunded: document.refunded,
    };
    let body = Body::PutReturn {
        channel: name,
        reference,
        order: OrderName { channel: placed.info.name.clone(), reference: order.clone() },
        currency: document.currency,
        returned: Box::new(part),
    };
    let reply = app.submit(Request { key: None, actor, time, body }).await;
    answer_to(&app, reply, placed, order).await.map(Reply)
}

/// Look a return up: the order that it is of, with all its returns; or the return itself, if it names none.
#[utoipa::path(get, path = "/v1/channels/{channel}/returns/{reference}", tag = "Orders", operation_id = "get_return",
    params(
        ("channel" = String, Path, description = "The channel that took the return: its name or id.", example = "web"),
        ("reference" = String, Path, description = "The channel's own name for the return.", example = "R4"),
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "Its order.", body = OrderView)))]
pub(crate) async fn get_return(
    State(app): State<App>,
    _: Caller,
    Path((channel, reference)): Path<(String, String)>,
) -> Answer<Reply<OrderView>> {
    let catalog = app.catalog().await?;
    let name = catalog.channel(&channel)?.info.name.clone();
    let found = app.read(move |reader| reader.returned(&name, &reference)).await?;
    let found = found.ok_or_else(|| Problem::not_found("unknown_order", "There is no return of that reference."))?;
    view(&catalog, &found).map(Reply)
}
