//! The rewards catalogue (C9): what a member can have, what members have claimed, and what waits to be handed over.

use std::str::FromStr;

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{ClaimNo, Moment, Rejection, Timestamp};
use serde::{Deserialize, Serialize};
use store::{Body, ClaimCursor, MemberId, MemberRef, WaitingClaim};
use utoipa::ToSchema;

use super::accounts::{Named, named};
use super::worth::worth_of;
use crate::access::Caller;
use crate::app::App;
use crate::catalog::Program;
use crate::extract::{Idempotency, Json, Params, Path};
use crate::problem::{Answer, Problem};
use crate::wire::account::WireBalance;
use crate::wire::ids::{Owned, OwnedId};
use crate::wire::page::{Page, Paging};
use crate::wire::reward::{ClaimView, RewardView};

/// List the rewards of a program's catalogue, and whether the member can have each now; of what it cannot have, why.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}/catalogue", tag = "Rewards", operation_id = "list_catalogue",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "All rewards, in the order of the catalogue.", body = Page<RewardView>)))]
pub(crate) async fn list_catalogue(
    State(app): State<App>,
    caller: Caller,
    Path((member, program)): Path<(String, String)>,
) -> Answer<Reply<Page<RewardView>>> {
    let named = named(&app, &member, &program).await?;
    let now = app.now();
    let voice = named.program()?.voice(now)?;
    let (sent, number) = (named.sent.clone(), named.number);
    let moment = Moment { now, actor: caller.actor(), import: false };
    let offered = app.ask(move |reader| reader.catalogue(&sent, number, moment)).await?;
    let offered = offered.map_err(|it| Problem::failed(&it, Some(&voice)))?;
    Ok(Reply(Page::whole(offered.iter().map(|it| RewardView::of(it, &voice)).collect())))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewClaim {
    /// The name of the reward in the program's catalogue.
    #[schema(example = "Mug", min_length = 1, max_length = 120)]
    reward: String,
}

/// A claim, and what is left to spend.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimedView {
    #[serde(flatten)]
    claim: ClaimView,
    balance: WireBalance,
}

/// Claim a reward for its points: a coupon is there at once, everything else waits until it is handed over.
#[utoipa::path(post, path = "/v1/members/{member}/accounts/{program}/claims", tag = "Rewards", operation_id = "claim_reward",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewClaim,
    security(("key" = ["orders"])),
    responses((status = 201, description = "Claimed.", body = ClaimedView)))]
pub(crate) async fn claim_reward(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path((member, program)): Path<(String, String)>,
    Json(new): Json<NewClaim>,
) -> Answer<(StatusCode, Reply<ClaimedView>)> {
    let key = key.required(&caller)?;
    let named = named(&app, &member, &program).await?;
    let body = |program, member| Body::ClaimReward { program, member, reward: new.reward };
    let reply = named.submit(&app, &caller, key, body).await?;
    claimed(&app, named.program()?, reply).await.map(|it| (StatusCode::CREATED, Reply(it)))
}

/// List the rewards that a member has claimed, newest first.
#[utoipa::path(get, path = "/v1/members/{member}/accounts/{program}/claims", tag = "Rewards", operation_id = "list_claims",
    params(
        ("member" = String, Path, description = "An id or identity.", example = "card:6001234"),
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Paging,
    ),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of claims.", body = Page<ClaimView>)))]
pub(crate) async fn list_claims(
    State(app): State<App>,
    _: Caller,
    Path((member, program)): Path<(String, String)>,
    Params(paging): Params<Paging>,
) -> Answer<Reply<Page<ClaimView>>> {
    let (limit, before) = (paging.limit()?, paging.cursor()?.map(ClaimNo));
    let named = named(&app, &member, &program).await?;
    let (program, member, number) = (named.program()?, named.member, named.number);
    let claims = app.read(move |reader| reader.claims_before(member, number, before, limit + 1)).await?;
    let Page { data, next } = Page::of(claims, limit, |it| it.claim.no.0.to_string());
    Ok(Reply(Page { data: data.iter().map(|it| ClaimView::info(member, program, it)).collect(), next }))
}

/// A claim that waits to be handed over.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WaitingView {
    #[serde(flatten)]
    claim: ClaimView,
    /// What the member owes; left out when nothing. Nothing is handed over before it is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    owed: Option<i64>,
}

/// List the claims of a program that wait to be handed over, oldest first.
#[utoipa::path(get, path = "/v1/programs/{program}/claims", tag = "Rewards", operation_id = "list_waiting_claims",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop"), Paging),
    security(("key" = ["read"])),
    responses((status = 200, description = "A page of claims that wait.", body = Page<WaitingView>)))]
pub(crate) async fn list_waiting_claims(
    State(app): State<App>,
    _: Caller,
    Path(program): Path<String>,
    Params(paging): Params<Paging>,
) -> Answer<Reply<Page<WaitingView>>> {
    let (limit, after) = (paging.limit()?, paging.cursor::<Cursor>()?.map(|it| it.0));
    let catalog = app.catalog().await?;
    let program = catalog.program(&program)?;
    let number = program.info.number;
    let claims = app.read(move |reader| reader.claims_waiting(number, after, limit + 1)).await?;
    let Page { data, next } = Page::of(claims, limit, |it| Cursor::after(it).to_string());
    let view = |it: &WaitingClaim| WaitingView {
        claim: ClaimView::of(it.member, program, &it.claim),
        owed: Some(it.owed.get()).filter(|it| *it != 0),
    };
    Ok(Reply(Page { data: data.iter().map(view).collect(), next }))
}

/// When a claim was made, whose it is, and its number: `1767268800000000_01jwkbdfm0fber0gthyd8chafn_1`.
struct Cursor(ClaimCursor);

impl Cursor {
    fn after(it: &WaitingClaim) -> Self {
        Self(ClaimCursor { at: it.claim.at, member: it.member, no: it.claim.no })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let member = self.0.member.to_string();
        write!(f, "{}_{}_{}", self.0.at.micros(), member.trim_start_matches("mem_"), self.0.no.0)
    }
}

impl FromStr for Cursor {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut parts = text.splitn(3, '_');
        let (Some(at), Some(member), Some(no)) = (parts.next(), parts.next(), parts.next()) else { return Err(()) };
        let at = Timestamp::from_micros(at.parse().map_err(|_| ())?);
        let member: MemberId = format!("mem_{member}").parse().map_err(|_| ())?;
        let no = ClaimNo(no.parse().map_err(|_| ())?);
        Ok(Self(ClaimCursor { at, member, no }))
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClaimNote {
    /// The member reads it in the history. 1 to 500 bytes.
    #[schema(example = "Picked up in the shop", min_length = 1, max_length = 500)]
    note: String,
}

/// Read a claim: what it was, what it cost, and what has become of it.
#[utoipa::path(get, path = "/v1/claims/{claim}", tag = "Rewards", operation_id = "get_claim",
    params(("claim" = String, Path, description = "The id of the claim.", example = "clm_01jwkbdfm0fber0gthyd8chafn_1_1")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The claim as it stands.", body = ClaimView)))]
pub(crate) async fn get_claim(
    State(app): State<App>,
    _: Caller,
    Path(claim): Path<String>,
) -> Answer<Reply<ClaimView>> {
    let ClaimId { member, number, no } = ClaimId::read(&claim)?;
    let catalog = app.catalog().await?;
    let program = catalog.program_numbered(number).ok_or_else(ClaimId::unknown)?;
    let found = app.read(move |reader| reader.find_claim(member, number, no)).await?;
    let (member, claim) = found.ok_or_else(ClaimId::unknown)?;
    Ok(Reply(ClaimView::info(member, program, &claim)))
}

/// What the id of a claim says: whose it was first, in which program, and its number.
struct ClaimId {
    member: MemberId,
    number: u32,
    no: ClaimNo,
}

impl ClaimId {
    fn read(text: &str) -> Answer<Self> {
        let id: OwnedId = text.parse().map_err(|_| Self::unknown())?;
        let OwnedId { kind, member, program: number, number: no } = id;
        if kind != Owned::Claim {
            return Err(Self::unknown());
        }
        Ok(Self { member, number, no: ClaimNo(no) })
    }

    fn unknown() -> Box<Problem> {
        Problem::rejected(&Rejection::UnknownClaim, None)
    }
}

/// Tell that a claimed reward was handed over. To tell it again changes nothing.
#[utoipa::path(post, path = "/v1/claims/{claim}/fulfilments", tag = "Rewards", operation_id = "fulfil_claim",
    params(("claim" = String, Path, description = "The id of the claim.", example = "clm_01jwkbdfm0fber0gthyd8chafn_1_1")),
    request_body = ClaimNote,
    security(("key" = ["orders"])),
    responses((status = 200, description = "Handed over, now or before.", body = ClaimedView)))]
pub(crate) async fn fulfil_claim(
    State(app): State<App>,
    caller: Caller,
    Path(claim): Path<String>,
    Json(new): Json<ClaimNote>,
) -> Answer<Reply<ClaimedView>> {
    end(&app, &caller, &claim, (false, new.note)).await.map(Reply)
}

/// Cancel a claim, also one that was handed over: its points return to the lots they came from, and its piece to the stock. Of a coupon only as long as nothing of it is used. To cancel it again changes nothing.
#[utoipa::path(post, path = "/v1/claims/{claim}/cancellations", tag = "Rewards", operation_id = "cancel_claim",
    params(("claim" = String, Path, description = "The id of the claim.", example = "clm_01jwkbdfm0fber0gthyd8chafn_1_1")),
    request_body = ClaimNote,
    security(("key" = ["adjust"])),
    responses((status = 200, description = "Cancelled, now or before.", body = ClaimedView)))]
pub(crate) async fn cancel_claim(
    State(app): State<App>,
    caller: Caller,
    Path(claim): Path<String>,
    Json(new): Json<ClaimNote>,
) -> Answer<Reply<ClaimedView>> {
    end(&app, &caller, &claim, (true, new.note)).await.map(Reply)
}

async fn end(app: &App, caller: &Caller, claim: &str, (cancels, note): (bool, String)) -> Answer<ClaimedView> {
    let ClaimId { member, number, no } = ClaimId::read(claim)?;
    let catalog = app.catalog().await?;
    if catalog.program_numbered(number).is_none() {
        return Err(ClaimId::unknown());
    }
    let named = Named { catalog, member, sent: MemberRef::Id(member), number };
    let body = |program, member| Body::EndClaim { program, member, claim: no, cancels, note };
    let reply = named.submit(app, caller, None, body).await?;
    let program = named.program()?;
    let view = claimed(app, program, reply).await?;
    // What it stands for may be gone, though the claim was fulfilled.
    let found = app.read(move |reader| reader.find_claim(member, number, no)).await?;
    let claim = found.map(|(owner, it)| ClaimView::info(owner, program, &it));
    Ok(ClaimedView { claim: claim.unwrap_or(view.claim), ..view })
}

async fn claimed(app: &App, program: &Program, reply: store::Reply) -> Answer<ClaimedView> {
    let store::Reply::Claim { member, claim, balance } = reply else { return Err(Problem::internal()) };
    let balance = WireBalance::of(&balance, worth_of(app, program, member).await?);
    Ok(ClaimedView { claim: ClaimView::of(member, program, &claim), balance })
}
