//! Programs: documents in versions, the off switch, drafts and day totals.

use axum::Json as Reply;
use axum::extract::State;
use axum::http::StatusCode;
use engine::{Points, Timestamp, Version};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;
use store::{Body, ProgramId, Time};
use utoipa::{IntoParams, ToSchema};

use crate::access::Caller;
use crate::app::{App, Request};
use crate::catalog::Program;
use crate::extract::{Idempotency, Json, Params, Path};
use crate::problem::{Answer, Problem};
use crate::program::{check, parse, plain_words, try_order};
use crate::wire::order::instant;
use crate::wire::page::Page;

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ProgramView {
    #[schema(example = "prg_01jwkbdfm0fber0gthyd8chafn")]
    id: String,
    #[schema(example = "Sample shop")]
    name: String,
    /// Whether it is on now.
    on: bool,
    /// The version in force now; nothing before the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    version: Option<u32>,
    #[schema(example = "USD")]
    currency: String,
    #[schema(example = "America/New_York")]
    time_zone: String,
    /// Promotions of the version in force that have a budget; only of a program that is looked up.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    budgets: Vec<BudgetView>,
}

/// How much of a promotion's budget is used.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BudgetView {
    #[schema(example = "Launch")]
    promotion: String,
    /// The most points that it gives over all members.
    #[schema(example = 10_000)]
    points: i64,
    /// What orders have of it now; what came back can be given again.
    #[schema(example = 8_320)]
    used: i64,
}

impl ProgramView {
    fn of(it: &Program, now: Timestamp) -> Answer<Self> {
        let terms = it.terms(now)?;
        Ok(Self {
            id: it.info.id.to_string(),
            name: it.info.name.clone(),
            on: it.timeline().is_on(now),
            version: it.timeline().at(now).map(|it| it.number),
            currency: terms.currency.code().to_owned(),
            time_zone: terms.zone.name().to_owned(),
            budgets: Vec::new(),
        })
    }
}

/// A version of a program.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct VersionView {
    number: u32,
    #[schema(format = DateTime)]
    effective_at: String,
    /// The document as it was sent.
    #[schema(value_type = Object)]
    document: Value,
    /// What it does, in plain words.
    text: Vec<String>,
}

impl VersionView {
    fn of(program: &Program, version: &Version) -> Answer<Self> {
        let text = program.info.document(version.number).ok_or_else(Problem::internal)?;
        let document = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|_| Problem::internal())?;
        let words = parse(text).and_then(|it| plain_words(&it)).map_err(|_| Problem::internal())?;
        let effective_at = version.effective_at.to_string();
        Ok(Self { number: version.number, effective_at, document, text: words })
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewVersion {
    /// The program document: see the schema `ProgramDocument`.
    #[schema(value_type = Object)]
    document: Box<RawValue>,
    /// From when on; left out: now. In the past only while the program has no entries.
    #[schema(format = DateTime)]
    effective_at: Option<String>,
}

/// List the programs.
#[utoipa::path(get, path = "/v1/programs", tag = "Programs", operation_id = "list_programs",
    security(("key" = ["read"])),
    responses((status = 200, description = "All programs.", body = Page<ProgramView>)))]
pub(crate) async fn list_programs(State(app): State<App>, _: Caller) -> Answer<Reply<Page<ProgramView>>> {
    let (catalog, now) = (app.catalog().await?, app.now());
    let programs = catalog.programs().map(|it| ProgramView::of(it, now)).collect::<Answer<_>>()?;
    Ok(Reply(Page::whole(programs)))
}

/// Add a program: its document is its first version.
#[utoipa::path(post, path = "/v1/programs", tag = "Programs", operation_id = "add_program",
    params(Idempotency),
    request_body = NewVersion,
    security(("key" = ["programs"])),
    responses((status = 201, description = "Added.", body = ProgramView)))]
pub(crate) async fn add_program(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Json(new): Json<NewVersion>,
) -> Answer<(StatusCode, Reply<ProgramView>)> {
    let key = key.required(&caller)?;
    let now = app.now();
    let NewVersion { document, effective_at } = new;
    let name = checked(document.get(), now)?;
    let effective_at = effective_at.as_deref().map(|it| time_at("effective_at", it)).transpose()?;
    let id = ProgramId::derived(now, &app.draw());
    let body = Body::CreateProgram { id, name: name.clone(), document: document.get().to_owned(), effective_at };
    app.submit_for(Request { key, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let catalog = app.catalog().await?;
    let program = catalog.program(&name)?;
    Ok((StatusCode::CREATED, Reply(ProgramView::of(program, now)?)))
}

/// Look a program up.
#[utoipa::path(get, path = "/v1/programs/{program}", tag = "Programs", operation_id = "get_program",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop")),
    security(("key" = ["read"])),
    responses((status = 200, description = "The program.", body = ProgramView)))]
pub(crate) async fn get_program(
    State(app): State<App>,
    _: Caller,
    Path(program): Path<String>,
) -> Answer<Reply<ProgramView>> {
    let catalog = app.catalog().await?;
    let (program, now) = (catalog.program(&program)?, app.now());
    let mut view = ProgramView::of(program, now)?;
    if program.timeline().has_budgets() {
        let number = program.info.number;
        let used = app.read(move |reader| reader.budgets(number)).await?;
        let of = |(name, points): (&str, Points)| BudgetView {
            promotion: name.to_owned(),
            points: points.get(),
            used: used.used(name).get(),
        };
        view.budgets = program.terms(now)?.earning.budgets().map(of).collect();
    }
    Ok(Reply(view))
}

/// List the versions of a program.
#[utoipa::path(get, path = "/v1/programs/{program}/versions", tag = "Programs", operation_id = "list_versions",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop")),
    security(("key" = ["read"])),
    responses((status = 200, description = "All versions, the oldest first.", body = Page<VersionView>)))]
pub(crate) async fn list_versions(
    State(app): State<App>,
    _: Caller,
    Path(program): Path<String>,
) -> Answer<Reply<Page<VersionView>>> {
    let catalog = app.catalog().await?;
    let program = catalog.program(&program)?;
    let versions = program.timeline().versions().iter().map(|it| VersionView::of(program, it));
    Ok(Reply(Page::whole(versions.collect::<Answer<_>>()?)))
}

/// Change a program: a new version, in force now or later. What was earned before keeps its terms.
#[utoipa::path(post, path = "/v1/programs/{program}/versions", tag = "Programs", operation_id = "add_version",
    params(
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = NewVersion,
    security(("key" = ["programs"])),
    responses((status = 201, description = "Added.", body = VersionView)))]
pub(crate) async fn add_version(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(program): Path<String>,
    Json(new): Json<NewVersion>,
) -> Answer<(StatusCode, Reply<VersionView>)> {
    let key = key.required(&caller)?;
    let catalog = app.catalog().await?;
    let name = catalog.program(&program)?.info.name.clone();
    let NewVersion { document, effective_at } = new;
    if checked(document.get(), app.now())? != name {
        let allowed = format!("the name of the program, \"{name}\"");
        return Err(Problem::invalid("document.name", "it is the name of another program", allowed));
    }
    let effective_at = effective_at.as_deref().map(|it| time_at("effective_at", it)).transpose()?;
    let body = Body::AddVersion { program: name.clone(), document: document.get().to_owned(), effective_at };
    let reply = app.submit_for(Request { key, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let store::Reply::Program { version, .. } = reply else { return Err(Problem::internal()) };
    let catalog = app.catalog().await?;
    let program = catalog.program(&name)?;
    let added = program.timeline().versions().iter().find(|it| it.number == version);
    let added = added.ok_or_else(Problem::internal)?;
    Ok((StatusCode::CREATED, Reply(VersionView::of(program, added)?)))
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SwitchRequest {
    on: bool,
    /// From when on; left out: now. In the past only while the program has no entries.
    #[schema(format = DateTime)]
    at: Option<String>,
}

/// Switch a program on or off.
///
/// Off: an order placed meanwhile earns nothing and redeems nothing; what was earned stays, and expires as it would.
#[utoipa::path(post, path = "/v1/programs/{program}/switches", tag = "Programs", operation_id = "switch_program",
    params(
        ("program" = String, Path, description = "The program's name or id.", example = "Sample shop"),
        Idempotency,
    ),
    request_body = SwitchRequest,
    security(("key" = ["programs"])),
    responses((status = 200, description = "The program as it is now.", body = ProgramView)))]
pub(crate) async fn switch_program(
    State(app): State<App>,
    caller: Caller,
    key: Idempotency,
    Path(program): Path<String>,
    Json(asked): Json<SwitchRequest>,
) -> Answer<Reply<ProgramView>> {
    let key = key.required(&caller)?;
    let catalog = app.catalog().await?;
    let name = catalog.program(&program)?.info.name.clone();
    let at = asked.at.as_deref().map(|it| time_at("at", it)).transpose()?;
    let body = Body::SwitchProgram { program: name.clone(), on: asked.on, at };
    app.submit_for(Request { key, actor: caller.actor(), time: Time::Live, body }, None).await?;
    let catalog = app.catalog().await?;
    ProgramView::of(catalog.program(&name)?, app.now()).map(Reply)
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DraftRequest {
    /// The program document: see the schema `ProgramDocument`.
    #[schema(value_type = Object)]
    document: Box<RawValue>,
    /// The amount of an example order.
    #[schema(example = "30.98")]
    amount: Option<String>,
    /// Points that the example order redeems.
    #[schema(minimum = 0, example = 0)]
    redeem: Option<i64>,
}

/// What a draft does; nothing is stored.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DraftView {
    /// In plain words.
    text: Vec<String>,
    /// What the example order comes to, for a new member who has just the points to redeem.
    #[serde(skip_serializing_if = "Option::is_none")]
    example: Option<String>,
}

/// Try a draft of a program on an example order.
#[utoipa::path(post, path = "/v1/program-drafts", tag = "Programs", operation_id = "try_draft",
    request_body = DraftRequest,
    security(("key" = ["read"])),
    responses((status = 200, description = "What it does.", body = DraftView)))]
pub(crate) async fn try_draft(
    State(app): State<App>,
    _: Caller,
    Json(asked): Json<DraftRequest>,
) -> Answer<Reply<DraftView>> {
    let text = asked.document.get();
    checked(text, app.now())?;
    let document = parse(text).map_err(|it| fault(&it, "document"))?;
    let words = plain_words(&document).map_err(|it| fault(&it, "document"))?;
    let redeem = Points::new(asked.redeem.unwrap_or(0));
    if redeem < Points::ZERO {
        return Err(Problem::invalid("redeem", "it is below zero", "0 or more points"));
    }
    let example = asked.amount.map(|it| try_order(&document, &it, redeem)).transpose();
    let example = example.map_err(|it| Problem::invalid("amount", &it.what, it.allowed))?;
    Ok(Reply(DraftView { text: words, example }))
}

#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct Days {
    /// The first day, in the program's time zone.
    #[param(format = Date, example = "2026-01-01")]
    from: String,
    /// The last day.
    #[param(format = Date, example = "2026-01-31")]
    to: String,
}

/// What happened on a day in a channel.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DayView {
    #[schema(format = Date)]
    day: String,
    /// The channel's name; left out for what no order caused.
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<String>,
    orders: i64,
    earned: i64,
    /// Added by hand.
    added: i64,
    redeemed: i64,
    /// Redeemed points that came back.
    returned: i64,
    revoked: i64,
    /// Take-backs that were undone.
    regranted: i64,
    /// What was owed and is paid.
    repaid: i64,
    deducted: i64,
    expired: i64,
    /// Of accounts that were closed.
    forfeited: i64,
    moved: i64,
    /// Points that became store credit or certificates, net.
    converted: i64,
    /// By how much what is owed changed.
    owed: i64,
    let_go: i64,
}

/// Day totals of a program, by channel.
#[utoipa::path(get, path = "/v1/programs/{program}/days", tag = "Programs", operation_id = "list_days",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop"), Days),
    security(("key" = ["read"])),
    responses((status = 200, description = "A row for each day and channel on which something happened.", body = Page<DayView>)))]
pub(crate) async fn list_days(
    State(app): State<App>,
    _: Caller,
    Path(program): Path<String>,
    Params(days): Params<Days>,
) -> Answer<Reply<Page<DayView>>> {
    let catalog = app.catalog().await?;
    let name = catalog.program(&program)?.info.name.clone();
    let from = day_at("from", &days.from)?;
    let to = day_at("to", &days.to)?;
    if to.days_since(from) < 0 || 3_660 < to.days_since(from) {
        return Err(Problem::invalid("to", "it lies before from, or far behind it", "from, or up to 3,660 days later"));
    }
    let found = app.read(move |reader| reader.days(&name, &from.to_string(), &to.to_string())).await?;
    let view = |it: &store::DayTotals| DayView {
        day: it.day.clone(),
        channel: catalog.channel_numbered(it.channel).map(|it| it.info.name.clone()),
        orders: it.totals.orders,
        earned: it.totals.earned.get(),
        added: it.totals.added.get(),
        redeemed: it.totals.redeemed.get(),
        returned: it.totals.returned.get(),
        revoked: it.totals.revoked.get(),
        regranted: it.totals.regranted.get(),
        repaid: it.totals.repaid.get(),
        deducted: it.totals.deducted.get(),
        expired: it.totals.expired.get(),
        forfeited: it.totals.forfeited.get(),
        moved: it.totals.moved.get(),
        converted: it.totals.converted.get(),
        owed: it.totals.owed.get(),
        let_go: it.totals.let_go.get(),
    };
    Ok(Reply(Page::whole(found.iter().map(view).collect())))
}

/// The name in a document that may take effect now or later.
fn checked(text: &str, now: Timestamp) -> Answer<String> {
    let today = engine::Zone::utc().date_of(now);
    check(text, today).map(|it| it.name).map_err(|it| fault(&it, "document"))
}

fn fault(it: &crate::program::Fault, within: &str) -> Box<Problem> {
    let path = match (it.path.as_str(), within) {
        (path, "") => path.to_owned(),
        ("document", within) => within.to_owned(),
        (path, within) => format!("{within}.{path}"),
    };
    Problem::invalid(path, &it.what, it.allowed.clone())
}

fn time_at(field: &str, text: &str) -> Answer<Timestamp> {
    instant(text).map_err(|(what, allowed)| Problem::invalid(field, what, allowed))
}

fn day_at(field: &str, text: &str) -> Answer<engine::Date> {
    let allowed = "a day such as \"2026-03-01\"";
    engine::Date::parse(text).map_err(|_| Problem::invalid(field, format!("\"{text}\" is no day"), allowed))
}
