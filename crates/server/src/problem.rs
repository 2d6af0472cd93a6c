//! Every refusal and failure as `application/problem+json` (RFC 9457) with a stable `code`.
//!
//! `status_of` says which status each refusal of the rules has. A refused request has changed nothing.

use std::sync::LazyLock;
use std::time::Instant;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use engine::{Date, Money, Points, Rejection};
use serde::Serialize;
use store::{Failure, StoreError};
use utoipa::ToSchema;

use crate::fault::Fault;
use crate::guard::Seldom;
use crate::words::{Voice, rejection_in_words, rejection_plainly};

/// What went wrong, for programs (`code`, figures) and for people (`detail`).
#[derive(Debug, Serialize, ToSchema)]
pub struct Problem {
    /// Names the kind of problem as a URI; the same for the same code.
    #[serde(rename = "type")]
    #[schema(example = "urn:guerdon:problem:insufficient_points")]
    kind: String,
    /// The kind of problem in a few words.
    #[schema(example = "Unprocessable Entity")]
    title: &'static str,
    /// The HTTP status.
    #[schema(example = 422)]
    status: u16,
    /// The stable code of the problem.
    #[schema(example = "insufficient_points")]
    code: &'static str,
    /// What happened, as a sentence.
    #[schema(example = "That is more than can be spent: at most 120 points.")]
    detail: String,
    /// The field that it is about, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "redeem")]
    field: Option<String>,
    /// What may stand there.
    #[serde(skip_serializing_if = "Option::is_none")]
    allowed: Option<String>,
    /// `insufficient_points`, `balance_below_minimum`: how many points can be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    spendable: Option<i64>,
    /// `exceeds_order`, `above_share`: how many points the order can take.
    #[serde(skip_serializing_if = "Option::is_none")]
    fits: Option<i64>,
    /// `below_minimum`: the fewest points that are redeemed at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    points_min: Option<i64>,
    /// `below_minimum`: the least value that is redeemed at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    value_min: Option<String>,
    /// `not_in_steps`: points are redeemed in multiples of this.
    #[serde(skip_serializing_if = "Option::is_none")]
    step: Option<i64>,
    /// `above_maximum`: the most points that one order redeems.
    #[serde(skip_serializing_if = "Option::is_none")]
    points_max: Option<i64>,
    /// `above_share`: the most of an order that points pay.
    #[serde(skip_serializing_if = "Option::is_none")]
    share_max: Option<String>,
    /// `balance_below_minimum`: how many points must be there to spend.
    #[serde(skip_serializing_if = "Option::is_none")]
    balance_min: Option<i64>,
    /// `insufficient_credit`: how much store credit can be spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_spendable: Option<String>,
    /// `credit_exceeds_order`: how much store credit the order can take.
    #[serde(skip_serializing_if = "Option::is_none")]
    credit_fits: Option<String>,
    /// `exceeds_expired`: how many points have expired and can be given back.
    #[serde(skip_serializing_if = "Option::is_none")]
    expired: Option<i64>,
    /// `claim_ended`: the last day on which the order could be claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    claimable_until: Option<String>,
    /// `points_owed`: how many points are to be paid first.
    #[serde(skip_serializing_if = "Option::is_none")]
    owed: Option<i64>,
    /// Seconds after which it is worth trying again; the header `Retry-After` says the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u32>,
}

/// What is told of a database that is away.
static AWAY: LazyLock<Seldom> = LazyLock::new(Seldom::default);

/// Characters of what was sent, in a problem.
const QUOTED_CHARS_MAX: usize = 120;
/// Characters of what may stand there: lists of keys are long.
const ALLOWED_CHARS_MAX: usize = 1_000;

/// The code of a problem, beside the answer: for the log.
#[derive(Clone, Copy)]
pub(crate) struct Code(pub(crate) &'static str);

pub(crate) type Answer<T> = Result<T, Box<Problem>>;

impl From<Fault> for Box<Problem> {
    fn from(fault: Fault) -> Self {
        Problem::invalid(fault.path, fault.what, fault.allowed)
    }
}

impl Problem {
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Box<Self> {
        Box::new(Self {
            kind: format!("urn:guerdon:problem:{code}"),
            title: status.canonical_reason().unwrap_or("Problem"),
            status: status.as_u16(),
            code,
            detail: detail.into(),
            field: None,
            allowed: None,
            spendable: None,
            fits: None,
            points_min: None,
            value_min: None,
            step: None,
            points_max: None,
            share_max: None,
            balance_min: None,
            credit_spendable: None,
            credit_fits: None,
            expired: None,
            claimable_until: None,
            owed: None,
            retry_after: None,
        })
    }

    /// A field has a value that cannot stand there.
    pub(crate) fn invalid(field: impl Into<String>, what: impl AsRef<str>, allowed: impl Into<String>) -> Box<Self> {
        let (field, allowed) =
            (shortened(field.into(), QUOTED_CHARS_MAX), shortened(allowed.into(), ALLOWED_CHARS_MAX));
        let what = shortened(what.as_ref().to_owned(), QUOTED_CHARS_MAX);
        let detail = format!("{field}: {what}; allowed is {allowed}.");
        let mut problem = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", detail);
        problem.field = Some(field);
        problem.allowed = Some(allowed);
        problem
    }

    pub(crate) fn not_found(code: &'static str, detail: impl Into<String>) -> Box<Self> {
        Self::new(StatusCode::NOT_FOUND, code, detail)
    }

    /// Refuses a note that no row of a request for many could have.
    pub(crate) fn check_note(note: &str) -> Answer<()> {
        engine::check_note(note).map_err(|it| Self::rejected(&it, None))
    }

    /// The server cannot take it now: the same request again, a little later, is safe.
    pub(crate) fn busy(detail: impl Into<String>) -> Box<Self> {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", detail);
        problem.retry_after = Some(1);
        problem
    }

    /// The database, or its disk, cannot be used: whoever looks after it has to come first.
    pub(crate) fn unavailable(detail: impl Into<String>) -> Box<Self> {
        let mut problem = Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail);
        problem.retry_after = Some(10);
        problem
    }

    pub(crate) fn too_many(detail: impl Into<String>, retry_after: u32) -> Box<Self> {
        let mut problem = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        problem.retry_after = Some(retry_after);
        problem
    }

    pub(crate) fn internal() -> Box<Self> {
        let detail = "Something failed inside; nothing of this request was recorded. The log says more.";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
    }

    /// A refusal in the words of its program, where that is known.
    pub(crate) fn rejected(rejection: &Rejection, voice: Option<&Voice>) -> Box<Self> {
        let detail = match voice {
            Some(voice) => rejection_in_words(rejection, voice),
            None => rejection_plainly(rejection),
        };
        let mut problem = Self::new(status_of(rejection), rejection.code(), detail);
        problem.fill(rejection, voice);
        problem
    }

    fn fill(&mut self, rejection: &Rejection, voice: Option<&Voice>) {
        let amount = |it: &Money| voice.map(|voice| it.to_text(voice.terms.currency.exponent));
        let set = |field: &mut Option<i64>, points: &Points| *field = Some(points.get());
        match rejection {
            Rejection::Invalid { path, allowed } => {
                self.field = Some(path.clone().into_owned());
                self.allowed = Some((*allowed).to_owned());
            }
            Rejection::DateTooOld { path } | Rejection::DateAhead { path } => self.field = Some((*path).to_owned()),
            Rejection::BelowMinimum { value, points } => {
                set(&mut self.points_min, points);
                self.value_min = voice.map(|it| value.to_text(it.terms.currency.exponent));
            }
            Rejection::BalanceBelowMinimum { points, balance } => {
                set(&mut self.balance_min, points);
                set(&mut self.spendable, balance);
            }
            Rejection::NotInSteps { step } => set(&mut self.step, step),
            Rejection::AboveMaximum { points } => set(&mut self.points_max, points),
            Rejection::AboveShare { share, fits } => {
                set(&mut self.fits, fits);
                self.share_max = Some(share.to_string());
            }
            Rejection::ExceedsOrder { fits } => set(&mut self.fits, fits),
            Rejection::InsufficientPoints { spendable } => set(&mut self.spendable, spendable),
            Rejection::InsufficientCredit { spendable } => self.credit_spendable = amount(spendable),
            Rejection::CreditExceedsOrder { fits } => self.credit_fits = amount(fits),
            Rejection::ExceedsExpired { there } => {
                self.field = Some("points".to_owned());
                set(&mut self.expired, there);
            }
            Rejection::UnknownLot => self.field = Some("lot".to_owned()),
            Rejection::UnknownActivity | Rejection::ActivityLimit { .. } => self.field = Some("name".to_owned()),
            Rejection::WrongCurrency => self.field = Some("currency".to_owned()),
            Rejection::VersionKind | Rejection::VersionConflict => self.field = Some("version".to_owned()),
            Rejection::UnknownHold | Rejection::HoldTaken => self.field = Some("hold".to_owned()),
            Rejection::UnknownCertificate
            | Rejection::CertificateClaimed
            | Rejection::CertificateCancelled { .. }
            | Rejection::CertificateExpired { .. }
            | Rejection::CertificateUsed { .. }
            | Rejection::CertificateOfOrder { .. }
            | Rejection::CertificateExceedsOrder { .. } => self.field = Some("certificates".to_owned()),
            Rejection::UnknownTier => self.field = Some("tier".to_owned()),
            Rejection::UnknownReward
            | Rejection::RewardNotYet { .. }
            | Rejection::RewardOver { .. }
            | Rejection::RewardTier
            | Rejection::RewardSoldOut
            | Rejection::RewardLimit { .. } => self.field = Some("reward".to_owned()),
            Rejection::UnknownClaim | Rejection::ClaimCancelled => self.field = Some("claim".to_owned()),
            Rejection::PointsOwed { owed } => set(&mut self.owed, owed),
            Rejection::NoRewards => self.field = Some("program".to_owned()),
            Rejection::UnknownMember | Rejection::OtherMember => self.field = Some("member".to_owned()),
            Rejection::ClaimEnded { last } => self.fill_claim_ended(*last),
            Rejection::UnknownOrder => self.field = Some("order".to_owned()),
            Rejection::CannotMerge => self.field = Some("other".to_owned()),
            Rejection::UnknownChannel
            | Rejection::UnknownProgram
            | Rejection::IdentityTaken
            | Rejection::ProgramOff
            | Rejection::AccountClosed
            | Rejection::CardBlocked
            | Rejection::OrderType
            | Rejection::NotWithDiscounts
            | Rejection::CannotUndo
            | Rejection::BehindAccount => {}
        }
    }

    fn fill_claim_ended(&mut self, last: Date) {
        (self.field, self.claimable_until) = (Some("member".to_owned()), Some(last.to_string()));
    }

    /// Why a command has no reply.
    pub(crate) fn failed(failure: &Failure, voice: Option<&Voice>) -> Box<Self> {
        match failure {
            Failure::Rejected(rejection) => Self::rejected(rejection, voice),
            Failure::Store(error) => error.into(),
            Failure::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "This Idempotency-Key was sent before with another request; send a new key with a new request.",
            ),
            Failure::UnknownLink => Self::not_found("unknown_link", format!("{failure}.")),
            Failure::UnknownKey => Self::not_found("unknown_key", format!("{failure}.")),
            Failure::Internal => Self::internal(),
        }
    }

    /// The field goes by another name in this request.
    pub(crate) fn renamed(mut self: Box<Self>, from: &str, to: &str) -> Box<Self> {
        if self.field.as_deref() == Some(from) {
            self.detail = self.detail.replacen(from, to, 1);
            self.field = Some(to.to_owned());
        }
        self
    }

    /// The problem is what that field says.
    pub(crate) fn at(mut self: Box<Self>, field: &str) -> Box<Self> {
        self.field = Some(field.to_owned());
        self
    }

    /// The field stands within another one.
    pub(crate) fn within(mut self: Box<Self>, outer: &str) -> Box<Self> {
        if let Some(field) = &mut self.field {
            let inner = std::mem::take(field);
            self.detail =
                self.detail.replacen(&inner, &format!("{outer}.{inner}"), usize::from(self.detail.starts_with(&inner)));
            *field = format!("{outer}.{inner}");
        }
        self
    }

    /// The same, as another kind of problem.
    pub(crate) fn recode(&mut self, status: StatusCode, code: &'static str) {
        self.kind = format!("urn:guerdon:problem:{code}");
        self.title = status.canonical_reason().unwrap_or("Problem");
        self.status = status.as_u16();
        self.code = code;
    }

    /// Says more than the kind of problem does.
    pub(crate) fn explain(&mut self, detail: impl Into<String>) {
        self.detail = detail.into();
    }

    pub(crate) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }
}

/// What is quoted was sent: a megabyte of it helps nobody.
fn shortened(text: String, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What is not there is 404, what somebody else was first with is 409, everything else that the rules refuse is 422.
fn status_of(rejection: &Rejection) -> StatusCode {
    match rejection {
        Rejection::UnknownChannel
        | Rejection::UnknownProgram
        | Rejection::UnknownMember
        | Rejection::UnknownOrder
        | Rejection::UnknownHold
        | Rejection::UnknownTier
        | Rejection::UnknownCertificate
        | Rejection::UnknownClaim
        | Rejection::UnknownLot => StatusCode::NOT_FOUND,
        Rejection::IdentityTaken
        | Rejection::OtherMember
        | Rejection::CertificateClaimed
        | Rejection::VersionKind
        | Rejection::VersionConflict
        | Rejection::HoldTaken => StatusCode::CONFLICT,
        Rejection::Invalid { .. }
        | Rejection::ClaimEnded { .. }
        | Rejection::WrongCurrency
        | Rejection::DateTooOld { .. }
        | Rejection::DateAhead { .. }
        | Rejection::ProgramOff
        | Rejection::AccountClosed
        | Rejection::CardBlocked
        | Rejection::OrderType
        | Rejection::NotWithDiscounts
        | Rejection::BalanceBelowMinimum { .. }
        | Rejection::BelowMinimum { .. }
        | Rejection::NotInSteps { .. }
        | Rejection::AboveMaximum { .. }
        | Rejection::AboveShare { .. }
        | Rejection::ExceedsOrder { .. }
        | Rejection::CreditExceedsOrder { .. }
        | Rejection::CannotMerge
        | Rejection::CannotUndo
        | Rejection::BehindAccount
        | Rejection::InsufficientCredit { .. }
        | Rejection::CertificateCancelled { .. }
        | Rejection::CertificateExpired { .. }
        | Rejection::CertificateUsed { .. }
        | Rejection::CertificateOfOrder { .. }
        | Rejection::CertificateExceedsOrder { .. }
        | Rejection::UnknownActivity
        | Rejection::NoRewards
        | Rejection::UnknownReward
        | Rejection::RewardNotYet { .. }
        | Rejection::RewardOver { .. }
        | Rejection::RewardTier
        | Rejection::RewardSoldOut
        | Rejection::RewardLimit { .. }
        | Rejection::ClaimCancelled
        | Rejection::PointsOwed { .. }
        | Rejection::ActivityLimit { .. }
        | Rejection::ExceedsExpired { .. }
        | Rejection::InsufficientPoints { .. } => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

/// A caller learns that the store cannot work now, and never a path or a text of the database.
impl From<&StoreError> for Box<Problem> {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Busy(_) => {}
            // While the database is away every request fails alike.
            StoreError::Away { .. } => {
                if let Some(times) = AWAY.count(Instant::now()) {
                    tracing::error!(%error, times, "the store failed");
                }
            }
            _ => tracing::error!(%error, "the store failed"),
        }
        let detail = match error {
            StoreError::Busy(_) => "Too much waits already; send it again in a moment.",
            StoreError::Full(_) => "The disk of the server is full; nothing was recorded. Send it again later.",
            StoreError::LongReads(_) => "Two long reads are running already; send it again when one has ended.",
            StoreError::CodeKey { .. } => {
                "The key of the codes of certificates is missing or another one; nothing was recorded. The log of the server says more."
            }
            StoreError::ReadEnded { .. } => "The read took too long and was ended; send it again when less is written.",
            _ => {
                "The database cannot be used now. Send it again later, with the same key or as the same document: it happens once."
            }
        };
        match error {
            StoreError::Busy(_) => Problem::busy(detail),
            _ => Problem::unavailable(detail),
        }
    }
}

impl From<StoreError> for Box<Problem> {
    fn from(error: StoreError) -> Self {
        Self::from(&error)
    }
}

impl IntoResponse for Box<Problem> {
    fn into_response(self) -> Response {
        let mut response = (self.status(), axum::Json(&*self)).into_response();
        response.extensions_mut().insert(Code(self.code));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if let Some(seconds) = self.retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == 401 {
            headers.insert("www-authenticate", HeaderValue::from_static("Bearer"));
        }
        response
    }
}
