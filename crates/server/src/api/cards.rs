//! Cards: what finds a member at the till, and what staff do when one is lost (M2).

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::Rejection;
use serde::{Deserialize, Deserializer, Serialize};
use store::{Body, CardAct, CardChange, CardInfo, Time};
use utoipa::ToSchema;

use super::members::{find, member_ref};
use crate::access::Caller;
use crate::app::{App, Request};
use crate::extract::{Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::page::Page;

/// A card of a member.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CardView {
    #[schema(example = "6001234")]
    number: String,
    #[schema(example = "mem_01jwkbdfm0fber0gthyd8chafn")]
    member: String,
    /// `active`, `blocked`, or `replaced`: blocked since another came in its place.
    #[schema(example = "active")]
    status: &'static str,
    /// A word of the shop's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "key fob")]
    label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    blocked_at: Option<String>,
    /// Why it is blocked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "lost")]
    note: Option<String>,
    /// The card that came in its place.
    #[serde(skip_serializing_if = "Option::is_none")]
    replaced_by: Option<String>,
}

impl CardView {
    pub(crate) fn of(it: &CardInfo) -> Self {
        let notes = &it.notes;
        let status = match (notes.blocked_at, &notes.replaced_by) {
            (None, _) => "active",
            (Some(_), None) => "blocked",
            (Some(_), Some(_)) => "replaced",
        };
        Self {
            number: it.number.clone(),
            member: it.member.to_string(),
            status,
            label: notes.label.clone(),
            blocked_at: notes.blocked_at.map(|it| it.to_string()),
            note: notes.note.clone(),
            replaced_by: notes.replaced_by.clone(),
        }
    }
}

/// List the cards of a member.
#[utoipa::path(get, path = "/v1/members/{member}/cards", tag = "Cards", operation_id = "list_cards",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    security(("key" = ["read"])),
    responses((status = 200, description = "All cards, by their numbers.", body = Page<CardView>)))]
pub(crate) async fn list_cards(
    State(app): State<App>,
    _: Caller,
    Path(member): Path<String>,
) -> Answer<Reply<Page<CardView>>> {
    let member = find(&app, &member).await?.id;
    let cards = app.read(move |reader| reader.cards(member)).await?;
    Ok(Reply(Page::whole(cards.iter().map(CardView::of).collect())))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewCard {
    #[schema(example = "6001299", min_length = 1, max_length = 120)]
    number: String,
    /// A word of the shop's own.
    #[schema(example = "key fob", min_length = 1, max_length = 120)]
    label: Option<String>,
}

/// Add a card to a member. One that is the member's already stays.
#[utoipa::path(post, path = "/v1/members/{member}/cards", tag = "Cards", operation_id = "add_card",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    request_body = NewCard,
    security(("key" = ["members"])),
    responses((status = 200, description = "The card.", body = CardView)))]
pub(crate) async fn add_card(
    State(app): State<App>,
    caller: Caller,
    Path(member): Path<String>,
    Json(new): Json<NewCard>,
) -> Answer<Reply<CardView>> {
    let act = CardAct::Add { member: member_ref(&member)?, label: new.label };
    send(&app, &caller, new.number.clone(), act).await?;
    shown(&app, new.number).await
}

/// Look a card up, and whose it is.
#[utoipa::path(get, path = "/v1/cards/{card}", tag = "Cards", operation_id = "get_card",
    params(("card" = String, Path, description = "Its number.", example = "6001234")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The card.", body = CardView)))]
pub(crate) async fn get_card(State(app): State<App>, _: Caller, Path(card): Path<String>) -> Answer<Reply<CardView>> {
    shown(&app, card).await
}

/// What is to change of a card. What is left out stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub(crate) struct CardChanges {
    /// A word of the shop's own; null for none.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "key fob", min_length = 1, max_length = 120)]
    label: Option<Option<String>>,
    /// Whether it is blocked: then it earns, and nothing can be paid with it. Unblocked, a card that was replaced is one of the
    /// member's again.
    blocked: Option<bool>,
    /// Why it is blocked; null for nothing.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "lost", min_length = 1, max_length = 120)]
    note: Option<Option<String>>,
}

/// Tells a field that is null from one that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Change a card: its label, and whether it is blocked.
///
/// What is bought with a blocked card still earns for its member, and orders that were paid with points go on as they are. Asking
/// for points, holds, store credit or certificates with it is refused (`card_blocked`), and quotes offer none.
#[utoipa::path(patch, path = "/v1/cards/{card}", tag = "Cards", operation_id = "change_card",
    params(("card" = String, Path, description = "Its number.", example = "6001234")),
    request_body = CardChanges,
    security(("key" = ["members"])),
    responses((status = 200, description = "The card as it is now.", body = CardView)))]
pub(crate) async fn change_card(
    State(app): State<App>,
    caller: Caller,
    Path(card): Path<String>,
    Json(change): Json<CardChanges>,
) -> Answer<Reply<CardView>> {
    let CardChanges { label, blocked, note } = change;
    if label.is_none() && blocked.is_none() && note.is_none() {
        return Err(Problem::invalid("blocked", "nothing is to change", "label, blocked or note"));
    }
    send(&app, &caller, card.clone(), CardAct::Change(CardChange { label, blocked, note })).await?;
    shown(&app, card).await
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewReplacement {
    /// The number of the new card.
    #[schema(example = "6001299", min_length = 1, max_length = 120)]
    number: String,
    /// Why.
    #[schema(example = "lost", min_length = 1, max_length = 120)]
    note: Option<String>,
}

/// Replace a card by another one, with its label. The old one is blocked: it goes on finding the member for what was bought with
/// it. Sent again, nothing changes.
#[utoipa::path(post, path = "/v1/cards/{card}/replacements", tag = "Cards", operation_id = "replace_card",
    params(("card" = String, Path, description = "The number of the old card.", example = "6001234")),
    request_body = NewReplacement,
    security(("key" = ["members"])),
    responses((status = 200, description = "The new card.", body = CardView)))]
pub(crate) async fn replace_card(
    State(app): State<App>,
    caller: Caller,
    Path(card): Path<String>,
    Json(new): Json<NewReplacement>,
) -> Answer<Reply<CardView>> {
    send(&app, &caller, card, CardAct::Replace { by: new.number.clone(), note: new.note }).await?;
    shown(&app, new.number).await
}

/// Delete a card: it finds nobody any more, and can become somebody else's. Orders that were bought with it stay whose they are.
#[utoipa::path(delete, path = "/v1/cards/{card}", tag = "Cards", operation_id = "delete_card",
    params(("card" = String, Path, description = "Its number.", example = "6001234")),
    security(("key" = ["members"])),
    responses((status = 204, description = "Deleted, or was not there.")))]
pub(crate) async fn delete_card(
    State(app): State<App>,
    caller: Caller,
    Path(card): Path<String>,
) -> Answer<StatusCode> {
    send(&app, &caller, card, CardAct::Remove).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn send(app: &App, caller: &Caller, card: String, act: CardAct) -> Answer<()> {
    let body = Body::Card { card, act };
    app.submit_for(Request { key: None, actor: caller.actor(), time: Time::Live, body }, None).await?;
    Ok(())
}

async fn shown(app: &App, card: String) -> Answer<Reply<CardView>> {
    let found = app.read(move |reader| reader.card(&card)).await?;
    let found = found.ok_or_else(|| Problem::rejected(&Rejection::UnknownMember, None))?;
    Ok(Reply(CardView::of(&found)))
}
