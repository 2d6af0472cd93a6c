//! Lots on the wire: their dates, and what moves out of them and into them.

use engine::{LotOpened, LotRef, Posting};
use serde::Serialize;
use utoipa::ToSchema;

/// `points` of a lot move from one bucket to another.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WirePosting {
    pub(crate) lot: u64,
    #[schema(example = "issued")]
    pub(crate) from: &'static str,
    #[schema(example = "available")]
    pub(crate) to: &'static str,
    pub(crate) points: i64,
    /// When the points of the lot were earned; left out where it went with a member who was merged and is not any more, and for an
    /// account that has had more than 100,000 lots.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) earned_at: Option<String>,
    /// The first instant at which they are gone by the lot's own date, as it is now; left out when they never are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
}

impl WirePosting {
    pub(super) fn of(it: &Posting, lot: Option<LotRef>) -> Self {
        Self {
            lot: it.lot.0,
            from: it.from.name(),
            to: it.to.name(),
            points: it.points.get(),
            earned_at: lot.map(|it| it.earned_at.to_string()),
            expires_at: lot.and_then(|it| super::time(it.expires_at)),
        }
    }
}

/// The dates of a lot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireLotDates {
    pub(crate) lot: u64,
    #[schema(format = DateTime)]
    pub(crate) earned_at: String,
    #[schema(format = DateTime)]
    pub(crate) available_at: String,
    /// The first instant at which its points are gone; left out when they never are.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
}

impl WireLotDates {
    pub(super) fn of(it: &LotRef) -> Self {
        Self {
            lot: it.no.0,
            earned_at: it.earned_at.to_string(),
            available_at: it.available_at.to_string(),
            expires_at: super::time(it.expires_at),
        }
    }
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireLotOpened {
    #[serde(flatten)]
    pub(crate) lot: WireLotDates,
    /// The number of the order whose own lot it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<u64>,
    /// Its points had their grace: what returns to it after it expired is gone.
    pub(crate) graced: bool,
}

impl WireLotOpened {
    pub(super) fn of(it: &LotOpened) -> Self {
        Self { lot: WireLotDates::of(&it.lot), order: it.order.map(|it| it.0), graced: it.graced }
    }
}
