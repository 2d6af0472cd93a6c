//! Channels: places that sell, each under one program.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::{Body, ChannelId, Time};
use utoipa::ToSchema;

use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::Channel;
use crate::extract::{Idempotency, Json, Path};
use crate::problem::{Answer, Problem};
use crate::wire::page::Page;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ChannelView {
    #[schema(example = "chn_01jwkbdfm0fber0gthyd8chafn")]
    id: String,
    #[schema(example = "web")]
    name: String,
    /// The id of the program that it runs under.
    #[schema(example = "prg_01jwkbdfm0fber0gthyd8chafn")]
    program: String,
    /// Whether the first document of an order signs up whom it names by an identity that nobody has.
    signs_up: bool,
}

impl ChannelView {
    fn of(it: &Channel) -> Self {
        let (id, program) = (it.info.id.to_string(), it.program.info.id.to_string());
        Self { id, name: it.info.name.clone(), program, signs_up: it.info.signs_up }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewChannel {
    /// 1 to 120 bytes; no other channel has it. It stands in addresses: choose something short.
    #[schema(example = "web", min_length = 1, max_length = 120)]
    name: String,
    /// The program's name or id.
    #[schema(example = "Sample shop")]
    program: String,
    /// Whether the first document of an order signs up whom it names by an identity that nobody has, such as a new card.
    #[serde(default)]
    signs_up: bool,
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelChange {
    /// Whether the first document of an order signs up whom it names by an identity that nobody has, such as a new card.
    signs_up: bool,
}

/// List the channels.
#[utoipa::path(get, path = "/v1/channels", tag = "Channels", operation_id = "list_channels",
    security(("key" = ["read"])),
    responses((status = 200, description = "All channels.", body = Page<ChannelView>)))]
pub(crate) async fn list_channels(State(app): State<App>, _: Caller) -> Answer<Reply<Page<ChannelView>>> {
    let catalog = app.catalog().await?;
    Ok(Reply(Page::whole(catalog.channels().iter().map(ChannelView::of).collect())))
}

/// Look a channel up.
#[utoipa::path(get, path = "/v1/channels/{channel}", tag = "Channels", operation_id = "get_channel",
    params(("channel" = String, Path, description = "The channel's name or id.", example = "web")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The channel.", body = ChannelView)))]
pub(crate) async fn get_channel(
    State(app): State<App>,
    _: Caller,
    Path(channel): Path<String>,
) -> Answer<Reply<ChannelView>> {
    let catalog = app.catalog().await?;
    Ok(Reply(ChannelView::of(catalog.channel(&channel)?)))
}

/// Add a channel.
#[utoipa::path(post, path = "/v1/channels", tag = "Channels", operation_id = "add_channel",
    params(Idempotency),
    request_body = NewChannel,
    security(("key" = ["programs"])),
    responses((status = 201, description = "Added.", body = ChannelView)))]
pub(crate) async fn add_channel(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Json(new): Json<NewChannel>,
) -> Answer<(StatusCode, Reply<ChannelView>)> {
    let key = key.required(&caller)?;
    let catalog = app.catalog().await?;
    let program = catalog.program(&new.program)?.info.name.clone();
    let id = ChannelId::derived(app.now(), &app.draw());
    let body = Body::AddChannel { id, name: new.name.clone(), program, signs_up: new.signs_up };
    app.submit_for(Request { key, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let catalog = app.catalog().await?;
    let channel = catalog.channel(&new.name).map_err(|_| Problem::internal())?;
    Ok((StatusCode::CREATED, Reply(ChannelView::of(channel))))
}

/// Change a channel.
#[utoipa::path(patch, path = "/v1/channels/{channel}", tag = "Channels", operation_id = "change_channel",
    params(("channel" = String, Path, description = "The channel's name or id.", example = "web")),
    request_body = ChannelChange,
    security(("key" = ["programs"])),
    responses((status = 200, description = "The channel as it is now.", body = ChannelView)))]
pub(crate) async fn change_channel(
    State(app): State<App>,
    caller: Caller,
    Path(channel): Path<String>,
    Json(change): Json<ChannelChange>,
) -> Answer<Reply<ChannelView>> {
    let body = Body::ChangeChannel { channel: channel.clone(), signs_up: change.signs_up };
    app.submit_for(Request { key: None, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let catalog = app.catalog().await?;
    Ok(Reply(ChannelView::of(catalog.channel(&channel)?)))
}
