//! A member: what can be spent, what expires when, and why every point came or went.
//!
//! Bounded: 25 entries a page, ten orders, the first 200 lots.

mod told;
pub mod value;

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use engine::{Account, Entry, EntryNo, Points, Rejection};
use serde::Deserialize;
use store::{
    Background, CertificateInfo, ClaimInfo, CreditInfo, MemberId, MemberInfo, OrderInfo, Reader, Standing, StoreError,
};

use self::told::Told;
use self::value::ValueRow;
use super::Chosen;
use super::members::{IdentityLabel, is_part};
use crate::api::members::member_ref;
use crate::app::App;
use crate::extract::{Params, Path};
use crate::pages::page::{Page, part};
use crate::pages::shell::{Choice, Shell};
use crate::problem::Problem;
use crate::session::{NoEntry, Session};

/// Entries of a page of the history.
const ENTRIES: usize = 25;
const ORDERS: usize = 10;
const LOTS: usize = 200;
/// Entries whose changes are added up to find the balance on a page of old ones; behind more of them none is shown.
const NEWER_MAX: usize = 10_000;

/// `GET /admin/members/{id}`
#[derive(Template)]
#[template(path = "admin/member.html")]
pub struct MemberPage {
    pub shell: Shell,
    pub programs: Vec<Choice>,
    pub program: String,
    pub id: String,
    pub name: String,
    pub initials: String,
    pub identities: Vec<IdentityLabel>,
    /// "wholesale", and "born 29 February 1992": what is known besides.
    pub facts: Vec<String>,
    /// "22 November 2026, 13:21 (America/New_York)"
    pub as_of: String,
    pub many: String,
    /// "Can be spent"; "Suspended" while the account is closed.
    pub spendable_label: &'static str,
    pub spendable: String,
    pub spendable_word: String,
    pub worth: String,
    /// Since when the account is closed, and how long its points are kept.
    pub closed: Option<String>,
    /// Where the member stands among the tiers, and what is missing; empty where the program has none.
    pub tier: Vec<String>,
    pub balances: Vec<BalanceTile>,
    pub expiries: Vec<Expiry>,
    pub never: Option<String>,
    pub holds: Vec<HoldRow>,
    /// What there is beside points; empty where there never was any.
    pub credit: Vec<ValueRow>,
    pub certificates: Vec<ValueRow>,
    pub more_certificates: Option<String>,
    /// Rewards of the catalogue that were claimed; empty where none was.
    pub rewards: Vec<ValueRow>,
    pub more_rewards: Option<String>,
    pub lots: Vec<LotRow>,
    pub orders: Vec<OrderRow>,
    pub more_orders: Option<String>,
    pub entries: Vec<EntryRow>,
    /// Where the entries before these are.
    pub older: Option<String>,
    /// Where the newest entries are, on a page of older ones.
    pub newest: Option<String>,
}

/// What htmx puts below the entries that are shown.
#[derive(Template)]
#[template(path = "admin/entries.html")]
pub struct EntriesPart {
    pub entries: Vec<EntryRow>,
    pub older: Option<String>,
}

/// Points that are waiting, held or owed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BalanceTile {
    pub label: &'static str,
    pub value: String,
    pub note: String,
    pub is_zero: bool,
    pub is_bad: bool,
}

/// What goes on one last day.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expiry {
    pub last_day: String,
    /// "in 12 days"
    pub distance: String,
    pub points: String,
    /// The length of its bar: "37.500%".
    pub share: String,
    pub is_soon: bool,
}

/// An active hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HoldRow {
    pub number: String,
    pub points: String,
    pub until: String,
}

/// A lot that still has points.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LotRow {
    pub points: String,
    pub remark: String,
    pub earned: String,
    pub from: String,
    pub last_day: String,
    pub order: String,
}

/// An order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderRow {
    pub reference: String,
    pub channel: String,
    pub placed: String,
    pub amount: String,
    pub state: &'static str,
    pub earned: String,
    pub redeemed: Option<String>,
}

/// An entry of the history.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryRow {
    pub day: String,
    pub time: String,
    /// As machines read it.
    pub datetime: String,
    pub icon: &'static str,
    pub tone: &'static str,
    pub words: String,
    /// "+30", "−250", or nothing where nothing became spendable.
    pub change: String,
    pub balance: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    program: Option<String>,
    /// The number of the entry whose elders are asked for.
    before: Option<u64>,
}

/// All that the page tells.
struct Read {
    member: MemberInfo,
    /// The programs in which something has happened.
    programs: Vec<u32>,
    standing: Standing,
    orders: Vec<OrderInfo>,
    order_count: u64,
    history: History,
    background: Background,
    credit: Vec<CreditInfo>,
    certificates: Vec<CertificateInfo>,
    /// Newest first, one more than are listed.
    claims: Vec<ClaimInfo>,
}

/// A page of the history.
struct History {
    /// Newest first.
    entries: Vec<Entry>,
    /// What can be spent after the first of them; left out behind too many newer ones.
    balance: Option<Points>,
    is_newest: bool,
    /// Before which entry the next page ends.
    older: Option<u64>,
}

/// Shows a member in a program.
pub(crate) async fn show(
    State(app): State<App>,
    session: Session,
    headers: HeaderMap,
    Path(named): Path<String>,
    Params(asked): Params<Asked>,
) -> Result<Response, NoEntry> {
    let Some(chosen) = Chosen::of(&app, asked.program.as_deref()).await? else {
        return Ok(Redirect::to("/admin/programs").into_response());
    };
    let named = member_ref(&named).map_err(|_| unknown())?;
    let (number, now, before) = (chosen.program.info.number, chosen.now, asked.before);
    let read = app
        .read(move |reader| {
            let Some(id) = reader.find(&named)? else { return Ok(None) };
            let Some(member) = reader.member(id)? else { return Ok(None) };
            let standing = reader.standing(id, number, now, LOTS)?;
            let account = reader.account(id, number)?.unwrap_or_default();
            let history = history(reader, id, &account, &standing, (number, before))?;
            let background = reader.background(id, number, &history.entries)?;
            let order_count = account.next_order.0.saturating_sub(1);
            let orders = reader.orders_before(id, number, None, ORDERS)?;
            let programs = reader.accounts(id)?;
            let credit = reader.credit(id, now)?;
            let certificates = reader.certificates(id, now)?;
            let claims = reader.claims_before(id, number, None, value::LISTED + 1)?;
            Ok(Some(Read {
                member,
                programs,
                standing,
                orders,
                order_count,
                history,
                background,
                credit,
                certificates,
                claims,
            }))
        })
        .await?
        .ok_or_else(unknown)?;
    let voice = chosen.program.voice(now)?;
    let page = Told { read: &read, chosen: &chosen, voice }.page(&session)?;
    let is_part = before.is_some() && is_part(&headers);
    if is_part {
        let MemberPage { entries, older, .. } = page;
        return Ok(part(EntriesPart { entries, older }.render()));
    }
    Ok(Page(page).into_response())
}

fn unknown() -> Box<Problem> {
    Problem::rejected(&Rejection::UnknownMember, None)
}

/// The newest entries, those that have fallen due and are not posted yet among them, or those before a number.
fn history(
    reader: &Reader,
    id: MemberId,
    account: &Account,
    standing: &Standing,
    (program, before): (u32, Option<u64>),
) -> Result<History, StoreError> {
    let before = before.filter(|it| *it < account.next_entry.0).map(EntryNo);
    let stored = reader.entries_before(id, program, before, ENTRIES)?;
    let older = stored.last().map(|it| it.number.0).filter(|it| 1 < *it);
    let Some(EntryNo(before)) = before else {
        let entries = standing.due.iter().rev().cloned().chain(stored).collect();
        return Ok(History { entries, balance: Some(standing.balance.available), is_newest: true, older });
    };
    let newer = reader.entries(id, program, EntryNo(before.saturating_sub(1)), NEWER_MAX + 1)?;
    let since: Points = newer.iter().map(told::spendable).sum();
    let balance = (newer.len() <= NEWER_MAX).then(|| account.balance.available - since);
    Ok(History { entries: stored, balance, is_newest: false, older })
}
