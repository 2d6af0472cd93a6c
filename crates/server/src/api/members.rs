//! Members: sign-up, search, and what finds them.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Date, Facts, Rejection};
use serde::{Deserialize, Deserializer, Serialize};
use store::{Body, Identity, IdentityKind, MemberId, MemberInfo, MemberRef, Reader, SearchCursor, StoreError, Time};
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::app::{App, Request};
use crate::extract::{Idempotency, Json, Params, Path};
use crate::problem::{Answer, Problem};
use crate::wire::object::objects;
use crate::wire::page::{Page, Paging};

/// A person known to the shop.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MemberView {
    #[schema(example = "mem_01jwkbdfm0fber0gthyd8chafn")]
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Ana Silva")]
    name: Option<String>,
    /// The type of customer, a word of the shop's own: rates, multipliers and exclusions may depend on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "wholesale")]
    customer_type: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date, example = "1992-02-29")]
    birthday: Option<String>,
    identities: Vec<WireIdentity>,
    /// Members who were merged into this one; their identities are among those above.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    merged: Vec<MergedView>,
}

/// A member that was merged into another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct MergedView {
    /// Leads to the other member.
    #[schema(example = "mem_01jwkbdfm0fber0gthyd8chafn")]
    id: String,
    #[schema(format = DateTime)]
    at: String,
    /// Until when that can be undone: of the last merge alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    undo_until: Option<String>,
}

/// A key that finds a member.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WireIdentity {
    kind: WireIdentityKind,
    #[schema(example = "6001234", min_length = 1, max_length = 120)]
    value: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WireIdentityKind {
    Customer,
    Card,
    Email,
    Phone,
}

impl WireIdentityKind {
    fn of(kind: IdentityKind) -> Self {
        match kind {
            IdentityKind::Customer => Self::Customer,
            IdentityKind::Card => Self::Card,
            IdentityKind::Email => Self::Email,
            IdentityKind::Phone => Self::Phone,
        }
    }

    fn kind(self) -> IdentityKind {
        match self {
            Self::Customer => IdentityKind::Customer,
            Self::Card => IdentityKind::Card,
            Self::Email => IdentityKind::Email,
            Self::Phone => IdentityKind::Phone,
        }
    }
}

impl MemberView {
    pub(crate) fn of(it: &MemberInfo) -> Self {
        let identity = |it: &Identity| WireIdentity { kind: WireIdentityKind::of(it.kind), value: it.value.clone() };
        Self {
            id: it.id.to_string(),
            name: it.name.clone(),
            customer_type: it.facts.customer_type.clone(),
            birthday: it.facts.birthday.map(|it| it.to_string()),
            identities: it.identities.iter().map(identity).collect(),
            merged: it.merges.iter().map(MergedView::of).collect(),
        }
    }
}

impl MergedView {
    fn of(it: &store::MergeInfo) -> Self {
        Self { id: it.member.to_string(), at: it.at.to_string(), undo_until: it.undo_until.map(|it| it.to_string()) }
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewMember {
    #[schema(example = "Ana Silva", min_length = 1, max_length = 200)]
    name: Option<String>,
    /// The type of customer, a word of the shop's own.
    #[schema(example = "wholesale", min_length = 1, max_length = 120)]
    customer_type: Option<String>,
    /// From 1900-01-01 to today.
    #[schema(format = Date, example = "1992-02-29")]
    birthday: Option<String>,
    /// What finds the member; each belongs to one member only.
    #[serde(default, deserialize_with = "objects")]
    #[schema(max_items = 16)]
    identities: Vec<WireIdentity>,
}

/// A member that signed up, or was there already.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignUpView {
    /// Whether the member is new. Identities that all lead to one member are answered with that member, and nothing is
    /// added to it.
    created: bool,
    #[serde(flatten)]
    member: MemberView,
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Searching {
    /// What is searched for: words of a name or their beginnings, or (the beginning of) a card, e-mail, phone number or
    /// customer id. What fits best comes first, and a page may be shorter than `limit`. Left out: all members, in the
    /// order of their ids.
    query: Option<String>,
    /// How many: 1 to 200; left out: 50.
    #[param(minimum = 1, maximum = 200)]
    limit: Option<u32>,
    /// The `next` of the page before.
    after: Option<String>,
}

/// Search members.
#[utoipa::path(get, path = "/v1/members", tag = "Members", operation_id = "search_members",
    params(Searching),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of members.", body = Page<MemberView>)))]
pub(crate) async fn search_members(
    State(app): State<App>,
    _: Caller,
    Params(asked): Params<Searching>,
) -> Answer<Reply<Page<MemberView>>> {
    let Searching { query, limit, after } = asked;
    let paging = Paging { limit, after };
    let limit = paging.limit()?;
    let Some(query) = query else {
        let after = paging.cursor::<MemberId>()?;
        let found = app.read(move |reader| reader.members(after, limit + 1)).await?;
        return Ok(Reply(Page::of(found.iter().map(MemberView::of).collect(), limit, |it| it.id.clone())));
    };
    let after = paging.cursor::<SearchCursor>()?;
    let found = app.read(move |reader| reader.search(&query, after.as_ref(), limit)).await?;
    let data = found.members.iter().map(MemberView::of).collect();
    Ok(Reply(Page { data, next: found.next.map(|it| it.to_string()) }))
}

/// Sign a member up.
#[utoipa::path(post, path = "/v1/members", tag = "Members", operation_id = "sign_up",
    params(Idempotency),
    request_body = NewMember,
    security(("key" = ["members"])),
    responses(
        (status = 201, description = "Signed up.", body = SignUpView),
        (status = 200, description = "Was there already.", body = SignUpView),
    ))]
pub(crate) async fn sign_up(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Json(new): Json<NewMember>,
) -> Answer<(StatusCode, Reply<SignUpView>)> {
    let key = key.required(&caller)?;
    let identities =
        new.identities.iter().enumerate().map(|(index, it)| identity_of(it, &format!("identities[{index}]")));
    let identities = identities.collect::<Answer<Vec<_>>>()?;
    let id = MemberId::derived(app.now(), &app.draw());
    let birthday = new.birthday.as_deref().map(birthday_of).transpose()?;
    let facts = Facts { customer_type: new.customer_type, birthday, ..Facts::default() };
    let body = Body::SignUp { id, name: new.name, identities, facts };
    let reply = app.submit_for(Request { key, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let store::Reply::Member { id, created } = reply else { return Err(Problem::internal()) };
    let member = app.read(move |reader| reader.member(id)).await?.ok_or_else(Problem::internal)?;
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Reply(SignUpView { created, member: MemberView::of(&member) })))
}

/// Look a member up, by id or identity.
#[utoipa::path(get, path = "/v1/members/{member}", tag = "Members", operation_id = "get_member",
    params(("member" = String, Path, description = "An id, or an identity such as card:6001234.", example = "card:6001234")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The member.", body = MemberView)))]
pub(crate) async fn get_member(
    State(app): State<App>,
    _: Caller,
    Path(member): Path<String>,
) -> Answer<Reply<MemberView>> {
    let found = find(&app, &member).await?;
    Ok(Reply(MemberView::of(&found)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(min_properties = 1)]
pub(crate) struct MemberChange {
    /// The new name; null for none. Whatever is left out stays.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "Ana Souza", min_length = 1, max_length = 200)]
    name: Option<Option<String>>,
    /// The new type of customer; null for none. Orders that are recorded keep theirs.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, example = "wholesale", min_length = 1, max_length = 120)]
    customer_type: Option<Option<String>>,
    /// The right birthday; null if it is not known.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = Date, example = "1992-02-29")]
    birthday: Option<Option<String>>,
    /// Who says so: `shop`, or `member` for a page of yours on which members change it themselves. They write their birthday once, and
    /// no customer type.
    #[serde(default)]
    by: ChangedBy,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChangedBy {
    #[default]
    Shop,
    Member,
}

/// Tells a field that is null from one that is left out.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

fn birthday_of(text: &str) -> Answer<Date> {
    let allowed = "a day such as 1992-02-29, from 1900-01-01 to today";
    let wrong = |_| Problem::invalid("birthday", format!("\"{text}\" is no birthday"), allowed);
    Date::parse_birthday(text).map_err(wrong)
}

/// Change a member.
#[utoipa::path(patch, path = "/v1/members/{member}", tag = "Members", operation_id = "change_member",
    params(("member" = String, Path, description = "An id or identity.", example = "card:6001234")),
    request_body = MemberChange,
    security(("key" = ["members"])),
    responses((status = 200, description = "The member as it is now.", body = MemberView)))]
pub(crate) async fn change_member(
    State(app): State<App>,
    caller: Caller,
    Path(member): Path<String>,
    Json(change): Json<MemberChange>,
) -> Answer<Reply<MemberView>> {
    let member = member_ref(&member)?;
    let MemberChange { name, customer_type, birthday, by } = change;
    if name.is_none() && customer_type.is_none() && birthday.is_none() {
        return Err(Problem::invalid("name", "nothing is to change", "name, customer_type or birthday"));
    }
    let birthday = match birthday {
        None => None,
        Some(day) => Some(day.as_deref().map(birthday_of).transpose()?),
    };
    let change = store::MemberChange { name, customer_type, birthday, by_member: by == ChangedBy::Member };
    let body = Body::ChangeMember { member: member.clone(), change };
    app.submit_for(Request { key: None, actor: caller.actor(), time: Time::Live, body }, None).await?;
    shown(&app, member).await
}

/// Add an identity to a member: a card, an e-mail, a phone number.
#[utoipa::path(post, path = "/v1/members/{member}/identities", tag = "Members", operation_id = "add_identity",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
    ),
    request_body = WireIdentity,
    security(("key" = ["members"])),
    responses((status = 200, description = "The member as it is now.", body = MemberView)))]
pub(crate) async fn add_identity(
    State(app): State<App>,
    caller: Caller,
    Path(member): Path<String>,
    Json(new): Json<WireIdentity>,
) -> Answer<Reply<MemberView>> {
    let member = member_ref(&member)?;
    let body = Body::AddIdentity { member: member.clone(), identity: identity_of(&new, "")? };
    app.submit_for(Request { key: None, actor: caller.actor(), time: Time::Live, body }, None).await?;
    shown(&app, member).await
}

/// Remove an identity from a member.
#[utoipa::path(delete, path = "/v1/members/{member}/identities/{identity}", tag = "Members", operation_id = "remove_identity",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "mem_01jwkbdfm0fber0gthyd8chafn"),
        ("identity" = String, Path, description = "Such as card:6001234.", example = "card:6001234"),
    ),
    security(("key" = ["members"])),
    responses((status = 204, description = "Removed, or was not there.")))]
pub(crate) async fn remove_identity(
    State(app): State<App>,
    caller: Caller,
    Path((member, identity)): Path<(String, String)>,
) -> Answer<StatusCode> {
    let Ok(MemberRef::Identity(identity)) = identity.parse() else {
        let allowed = "customer:…, card:…, email:… or phone:…";
        return Err(Problem::invalid("identity", format!("\"{identity}\" is no identity"), allowed));
    };
    let body = Body::RemoveIdentity { member: member_ref(&member)?, identity };
    app.submit_for(Request { key: None, actor: caller.actor(), time: Time::Live, body }, None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// An id or identity, in an address or a body.
pub(crate) fn member_ref(text: &str) -> Answer<MemberRef> {
    text.parse().map_err(|_| {
        let allowed = "mem_…, customer:…, card:…, email:… or phone:…";
        Problem::invalid("member", format!("\"{text}\" names no member"), allowed)
    })
}

/// The member of an id or identity.
pub(crate) async fn find(app: &App, text: &str) -> Answer<MemberInfo> {
    let named = member_ref(text)?;
    let found = app.read(move |reader| named_member(reader, &named)).await?;
    found.ok_or_else(|| Problem::rejected(&Rejection::UnknownMember, None))
}

pub(crate) fn named_member(reader: &Reader, named: &MemberRef) -> Result<Option<MemberInfo>, StoreError> {
    match reader.find(named)? {
        Some(id) => reader.member(id),
        None => Ok(None),
    }
}

pub(super) async fn shown(app: &App, member: MemberRef) -> Answer<Reply<MemberView>> {
    let found = app.read(move |reader| named_member(reader, &member)).await?;
    let found = found.ok_or_else(|| Problem::rejected(&Rejection::UnknownMember, None))?;
    Ok(Reply(MemberView::of(&found)))
}

fn identity_of(it: &WireIdentity, path: &str) -> Answer<Identity> {
    let kind = it.kind.kind();
    match format!("{}:{}", kind.name(), it.value).parse() {
        Ok(MemberRef::Identity(identity)) => Ok(identity),
        Ok(MemberRef::Id(_)) | Err(_) => {
            let allowed = match kind {
                IdentityKind::Customer | IdentityKind::Card => "1 to 120 bytes of text without control characters",
                IdentityKind::Email => "an address such as ana@example.com",
                IdentityKind::Phone => "a number such as +41441234567",
            };
            let field = if path.is_empty() { "value".to_owned() } else { format!("{path}.value") };
            Err(Problem::invalid(field, format!("\"{}\" is no {}", it.value, kind.name()), allowed))
        }
    }
}
