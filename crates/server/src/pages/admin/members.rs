//! Finding members: one field for everything that a member is known by. Bounded: a page has 25 of them.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use engine::{Balance, value_of};
use serde::Deserialize;
use store::{Identity, IdentityKind, MemberInfo, Reader, SearchCursor, StoreError};

use super::Chosen;
use crate::app::App;
use crate::extract::Params;
use crate::pages::page::{Page, part};
use crate::pages::say;
use crate::pages::shell::{Choice, Section, Shell, encoded};
use crate::problem::{Answer, Problem};
use crate::session::{NoEntry, Session};
use crate::words::{Voice, number};

const PAGE: usize = 25;

/// `GET /admin/members`; with htmx only the block `results`.
#[derive(Template)]
#[template(path = "admin/members.html", blocks = ["results"])]
pub struct MembersPage {
    pub shell: Shell,
    pub programs: Vec<Choice>,
    pub program: String,
    /// What was typed.
    pub query: String,
    /// "23,570 members, newest first"
    pub summary: String,
    pub members: Vec<MemberRow>,
    /// Where the next page is.
    pub next: Option<String>,
    /// Where the search begins anew.
    pub all: String,
    /// Nobody is known at all.
    pub is_new: bool,
}

/// A member in a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberRow {
    pub href: String,
    pub name: String,
    pub initials: String,
    pub identities: Vec<IdentityLabel>,
    /// "1,250", or nothing where the member has no account in the program.
    pub balance: Option<String>,
    pub word: String,
    pub worth: String,
    pub owed: Option<String>,
}

/// What a member is known by, with the name of its icon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IdentityLabel {
    pub icon: &'static str,
    pub kind: &'static str,
    pub value: String,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Asked {
    q: Option<String>,
    after: Option<String>,
    program: Option<String>,
}

/// Shows the newest members, or those that a text finds.
pub(crate) async fn show(
    State(app): State<App>,
    session: Session,
    headers: HeaderMap,
    Params(asked): Params<Asked>,
) -> Result<Response, NoEntry> {
    let Some(chosen) = Chosen::of(&app, asked.program.as_deref()).await? else {
        return Ok(Redirect::to("/admin/programs").into_response());
    };
    let query = asked.q.unwrap_or_default().trim().to_owned();
    let text = query.clone();
    let after = asked.after;
    let (number, now) = (chosen.program.info.number, chosen.now);
    let found = app
        .read(move |reader| {
            let Some((members, next)) = members(reader, &text, after.as_deref())? else { return Ok(None) };
            let with = |it: MemberInfo| Ok((reader.balance(it.id, number, now)?, it));
            let members = members.into_iter().map(with).collect::<Result<Vec<_>, StoreError>>()?;
            Ok(Some(Found { members, next, count: reader.member_count()? }))
        })
        .await?;
    let found = found.ok_or_else(|| {
        Problem::invalid("after", "it is no place in this list", "the address behind \"More members\"")
    })?;
    let page = page(&chosen, &session, query, &found)?;
    Ok(if is_part(&headers) { part(page.as_results().render()) } else { Page(page).into_response() })
}

/// Whether htmx asks for what it is going to replace, and not for a whole page.
pub(crate) fn is_part(headers: &HeaderMap) -> bool {
    headers.contains_key("hx-request") && !headers.contains_key("hx-history-restore-request")
}

/// A page of members with their balances.
struct Found {
    members: Vec<(Balance, MemberInfo)>,
    /// The cursor of the next page.
    next: Option<String>,
    /// How many there are at all.
    count: u64,
}

type Listed = (Vec<MemberInfo>, Option<String>);

/// A page and its cursor; nothing when the cursor is none.
fn members(reader: &Reader, text: &str, after: Option<&str>) -> Result<Option<Listed>, StoreError> {
    if text.is_empty() {
        let Ok(before) = after.map(str::parse).transpose() else { return Ok(None) };
        let mut members = reader.newest_members(before, PAGE + 1)?;
        let has_more = PAGE < members.len();
        members.truncate(PAGE);
        let next = members.last().filter(|_| has_more).map(|it| it.id.to_string());
        return Ok(Some((members, next)));
    }
    let Ok(after) = after.map(str::parse::<SearchCursor>).transpose() else { return Ok(None) };
    let page = reader.search(text, after.as_ref(), PAGE)?;
    Ok(Some((page.members, page.next.map(|it| it.to_string()))))
}

fn page(chosen: &Chosen, session: &Session, query: String, found: &Found) -> Answer<MembersPage> {
    let voice = chosen.program.voice(chosen.now)?;
    let keep = chosen.keep().map_or_else(String::new, |it| format!("&{it}"));
    let more = |it: &String| format!("/admin/members?q={}&after={}{keep}", encoded(&query), encoded(it));
    let next = found.next.as_ref().map(more);
    let count = found.count;
    let summary = match (query.is_empty(), found.members.len(), next.is_some()) {
        (true, 0, _) => "No members".to_owned(),
        (true, ..) if count == 1 => "1 member".to_owned(),
        (true, ..) => {
            format!("{} members, newest first", say::count(i64::try_from(count).unwrap_or(i64::MAX)))
        }
        (false, 0, _) => "Nobody found".to_owned(),
        (false, 1, false) => "1 found".to_owned(),
        (false, found, false) => format!("{found} found"),
        (false, found, true) => format!("{found} found, and there are more"),
    };
    Ok(MembersPage {
        shell: chosen.shell("Members", Section::Members, session),
        programs: chosen.choices("/admin/members"),
        program: chosen.name().to_owned(),
        all: chosen.keep().map_or_else(|| "/admin/members".to_owned(), |it| format!("/admin/members?{it}")),
        is_new: count == 0,
        members: found.members.iter().map(|(balance, it)| row(it, balance, &voice, chosen)).collect(),
        query,
        summary,
        next,
    })
}

fn row(it: &MemberInfo, balance: &Balance, voice: &Voice<'_>, chosen: &Chosen) -> MemberRow {
    let keep = chosen.keep().map_or_else(String::new, |it| format!("?{it}"));
    let worth = voice.amount(value_of(balance.available, voice.terms.redeem.rate));
    let is_one = balance.available.get() == 1;
    MemberRow {
        href: format!("/admin/members/{}{keep}", it.id),
        name: name_of(it),
        initials: it.name.as_deref().map_or_else(String::new, say::initials),
        identities: labels(&it.identities),
        balance: (*balance != Balance::default()).then(|| number(balance.available)),
        word: if is_one { voice.names.one.clone() } else { voice.names.many.clone() },
        worth: format!("worth {worth} {}", voice.terms.currency.code()),
        owed: balance.owed.is_positive().then(|| number(balance.owed)),
    }
}

pub(crate) fn name_of(it: &MemberInfo) -> String {
    it.name.clone().unwrap_or_else(|| "Member without a name".to_owned())
}

pub(crate) fn labels(identities: &[Identity]) -> Vec<IdentityLabel> {
    let label = |it: &Identity| {
        let (icon, kind) = match it.kind {
            IdentityKind::Customer => ("customer", "Customer"),
            IdentityKind::Card => ("card", "Card"),
            IdentityKind::Email => ("email", "E-mail"),
            IdentityKind::Phone => ("phone", "Phone"),
        };
        IdentityLabel { icon, kind, value: it.value.clone() }
    };
    identities.iter().map(label).collect()
}
