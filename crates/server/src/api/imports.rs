//! Bringing members over from another system (M5): rows as a file has them, tried, brought, or taken back.

use std::cell::RefCell;
use std::sync::atomic::AtomicU64;

use axum::Json as Reply;
use axum::extract::State;
use engine::Money;
use serde::{Deserialize, Serialize};
use store::Failure;
use utoipa::ToSchema;

use crate::access::Caller;
use crate::app::App;
use crate::bring::{Done, Live, MemberRow, RowProblem, RowReader, Run, Tried};
use crate::extract::{Json, Path};
use crate::problem::{Answer, Problem};
use crate::words::Voice;

/// Rows of one request.
const ROWS_MAX: usize = 500;
const NAME_BYTES_MAX: usize = 120;
/// Rows that are carried out side by side: each reads for itself.
const WORKERS: usize = 8;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MemberImport {
    /// What the import is called: by its name and their references its rows are known again, for ever. 1 to 120 bytes.
    #[schema(example = "old system", min_length = 1, max_length = 120)]
    name: String,
    /// 1 to 500 rows; an import may come in any number of requests.
    #[schema(min_items = 1, max_items = 500)]
    rows: Vec<ImportRow>,
    /// What to do with them. Left out: `bring`.
    #[serde(default)]
    mode: ImportMode,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImportMode {
    /// Bring them over. What was brought before is not brought again.
    #[default]
    Bring,
    /// Only tell what would happen now: nothing is recorded.
    Try,
    /// Take back what is left of what they brought, and members whom they signed up and who have done nothing since.
    Undo,
}

/// A member with one lot of points and one certificate at most: a member with points of several dates has several rows.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ImportRow {
    /// What finds the member: a customer id, or `card:…`, `email:…`, `phone:…`, `mem_…`.
    #[schema(example = "4711")]
    member: String,
    /// More that finds it; whoever is a member already is given what is new.
    customer: Option<String>,
    #[schema(example = "6001234")]
    card: Option<String>,
    email: Option<String>,
    phone: Option<String>,
    /// The name, customer type and birthday of whoever is not a member yet.
    name: Option<String>,
    r#type: Option<String>,
    #[schema(format = Date)]
    birthday: Option<String>,
    /// Added as a lot of its own.
    #[schema(minimum = 1, example = 120)]
    points: Option<i64>,
    /// The last day of these points, in the program's time zone; left out: as the program says.
    #[schema(format = Date)]
    expires: Option<String>,
    /// A tier that is set, and its last day; left out: for good.
    tier: Option<String>,
    #[schema(format = Date)]
    tier_until: Option<String>,
    /// Store credit in the program's currency.
    #[schema(example = "5.00")]
    credit: Option<String>,
    /// What a certificate is worth that the member has: it gets a code of its own.
    certificate: Option<String>,
    /// Its last day; left out: for ever.
    #[schema(format = Date)]
    certificate_expires: Option<String>,
    /// `once` or `several`; left out: as the program says.
    certificate_uses: Option<String>,
    /// What the row is called; left out: its member and its last days. Each row that brings something needs a name of its own.
    reference: Option<String>,
}

impl ImportRow {
    /// What stands in a column, as a file would have it.
    fn text<'a>(&'a self, points: Option<&'a str>, column: &str) -> Option<&'a str> {
        let text = match column {
            "member" => return Some(&self.member),
            "points" => return points,
            "customer" => &self.customer,
            "card" => &self.card,
            "email" => &self.email,
            "phone" => &self.phone,
            "name" => &self.name,
            "type" => &self.r#type,
            "birthday" => &self.birthday,
            "expires" => &self.expires,
            "tier" => &self.tier,
            "tier_until" => &self.tier_until,
            "credit" => &self.credit,
            "certificate" => &self.certificate,
            "certificate_expires" => &self.certificate_expires,
            "certificate_uses" => &self.certificate_uses,
            "reference" => &self.reference,
            _ => return None,
        };
        text.as_deref()
    }
}

/// What became of the rows, or would.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportView {
    /// How many rows were refused, or carried out in part.
    #[schema(example = 0)]
    refused: usize,
    /// One for each row, in the order of the request.
    data: Vec<ImportedRow>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImportedRow {
    /// As the row names it.
    #[schema(example = "4711")]
    member: String,
    /// Whether the row signed the member up; of an undo, whether that was taken back.
    signed_up: bool,
    /// What it added, or what was taken back: nothing of what was there before.
    #[schema(example = 120)]
    points: i64,
    #[schema(example = "5.00")]
    credit: String,
    #[schema(example = "0.00")]
    certificate: String,
    /// Whether it set a tier, or ended it.
    tier: bool,
    /// Why it went no further; what came before it stays.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
}

/// Bring members over from another system, try it, or take it back.
///
/// Each row is carried out by itself, and one that is refused stops no other. To send rows again under the same name changes nothing: points,
/// credit and certificates are booked under the names of the import and of the row, once, for ever. A row that says other figures than
/// the first time is refused.
#[utoipa::path(post, path = "/v1/programs/{program}/member-imports", tag = "Members", operation_id = "import_members",
    params(("program" = String, Path, description = "The program's name or id.", example = "Sample shop")),
    request_body = MemberImport,
    security(("key" = ["admin"])),
    responses((status = 200, description = "What became of each row.", body = ImportView)))]
pub(crate) async fn import_members(
    State(app): State<App>,
    _: Caller,
    Path(program): Path<String>,
    Json(new): Json<MemberImport>,
) -> Answer<Reply<ImportView>> {
    check(&new)?;
    let MemberImport { name, rows, mode } = new;
    let catalog = app.catalog().await?;
    let program = catalog.program(&program)?;
    let now = app.now();
    let voice = program.voice(now)?;
    let (zone, currency) = (voice.terms.zone.clone(), voice.terms.currency);
    let mut reader = RowReader::new(zone, currency);
    let read: Vec<Result<MemberRow, String>> =
        (1..).zip(&rows).map(|(line, row)| read(&mut reader, line, row)).collect();
    let unread = |it: &String| RowProblem::Unread(it.clone());
    let (number, program) = (program.info.number, program.info.name.clone());
    let done = if mode == ImportMode::Try {
        let work = move |reader: &store::Reader| {
            reader.try_out(now, |trial| {
                let desk = Tried { trial: RefCell::new(trial), now, sent: AtomicU64::new(0) };
                Run { desk, program, number, currency, name, now, workers: 1 }.one_by_one(&read, unread)
            })
        };
        app.ask(move |reader| work(reader).map_err(Failure::Store)?).await?
    } else {
        let keys: String = app.draw().iter().map(|it| format!("{it:02x}")).collect();
        let work = move |store| {
            let desk = Live { store, now, keys: format!("bring-{keys}"), sent: AtomicU64::new(0) };
            let run = Run { desk, program, number, currency, name, now, workers: WORKERS };
            run.round(&read, unread, mode == ImportMode::Undo)
        };
        app.work(work).await?
    };
    let done = done.map_err(|it| Problem::failed(&it, Some(&voice)))?;
    let refused = done.iter().filter(|it| it.problem.is_some()).count();
    let data = rows.iter().zip(done).map(|(row, done)| view(row, done, &voice)).collect();
    Ok(Reply(ImportView { refused, data }))
}

fn check(new: &MemberImport) -> Answer<()> {
    if new.rows.is_empty() || ROWS_MAX < new.rows.len() {
        return Err(Problem::invalid("rows", format!("{} stand here", new.rows.len()), "1 to 500 rows"));
    }
    let name = &new.name;
    if name.trim().is_empty() || NAME_BYTES_MAX < name.len() || name.chars().any(char::is_control) {
        let allowed = "1 to 120 bytes of text without control characters";
        return Err(Problem::invalid("name", "this names no import", allowed));
    }
    Ok(())
}

fn read(reader: &mut RowReader, line: u64, row: &ImportRow) -> Result<MemberRow, String> {
    let points = row.points.map(|it| it.to_string());
    reader.read(line, &|column: &str| row.text(points.as_deref(), column))
}

fn view(row: &ImportRow, done: Done, voice: &Voice<'_>) -> ImportedRow {
    let exponent = voice.terms.currency.exponent;
    let amount = |minor: i64| Money::new(minor).to_text(exponent);
    ImportedRow {
        member: row.member.clone(),
        signed_up: done.signed_up,
        points: done.points,
        credit: amount(done.credit),
        certificate: amount(done.certificates),
        tier: done.tier,
        problem: done.problem.as_ref().map(|it| problem(it, voice)),
    }
}

/// The problem of a row, as one of a request would be told.
fn problem(it: &RowProblem, voice: &Voice<'_>) -> Problem {
    let problem = match it {
        RowProblem::Refused { at, rejection } => {
            let problem = Problem::rejected(rejection, Some(voice));
            match at {
                Some(at) => problem.at(at),
                None => problem,
            }
        }
        RowProblem::Other { at } => {
            let allowed = "the figures of the first time, another name of the import, or another reference";
            let what = "the row was brought over before with other figures";
            Problem::invalid(at.unwrap_or("reference"), what, allowed)
        }
        RowProblem::PartLeft { what } => {
            let said = "only a part was there to be taken back, or none";
            Problem::invalid(*what, said, "what was not spent since")
        }
        RowProblem::Unread(text) => {
            let (said, allowed) =
                text.rsplit_once("; allowed is ").unwrap_or((text, "what the description of a row says"));
            let (field, what) = said.split_once(": ").unwrap_or(("reference", said));
            Problem::invalid(field, what, allowed)
        }
    };
    *problem
}
