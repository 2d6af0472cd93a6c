//! Tiers as the API tells them: where a member stands, why, and what is missing.

use engine::{Money, Progress, Terms, TierBy, TierReview, TierState, Tiers, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::time;

/// Where a member stands.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireTierState {
    /// The name of the tier; left out for members without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Gold")]
    pub(crate) name: Option<String>,
    #[schema(format = DateTime)]
    pub(crate) since: String,
    /// When it is looked at whether it stays; left out when it stays for good.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) review_at: Option<String>,
    /// `reached`, `grace` (no longer reached, kept for now) or `set` (by staff).
    #[schema(example = "reached")]
    pub(crate) hold: &'static str,
}

/// What became of a tier, and by which figure.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireTierReview {
    /// `reached`, `kept`, `grace`, `lost` or `set_ended` (what staff had set is over).
    pub(crate) outcome: &'static str,
    /// The tier before; left out when there was none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<String>,
    /// What is counted: `points`, `spend` or `orders`.
    pub(crate) by: &'static str,
    /// When it was counted: `lifetime`, `year` or `12_months`.
    pub(crate) within: &'static str,
    /// What was counted.
    #[schema(example = "612.00")]
    pub(crate) figure: String,
    /// What it was held against.
    #[schema(example = "500.00")]
    pub(crate) from: String,
}

/// What a member has towards tiers.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireProgress {
    /// Where the member stands; left out as long as there never was a tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<WireTierState>,
    /// What is counted: `points`, `spend` or `orders`.
    #[schema(example = "spend")]
    pub(crate) by: &'static str,
    /// When it was counted: `lifetime`, `year` or `12_months`.
    #[schema(example = "12_months")]
    pub(crate) within: &'static str,
    /// What is counted now.
    #[schema(example = "612.00")]
    pub(crate) figure: String,
    /// The next tier up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<WireMissing>,
    /// What keeps the tier that the member has, when it is looked at.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) keep: Option<WireMissing>,
}

/// What a tier asks for, and what is missing to it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireMissing {
    #[schema(example = "Platinum")]
    pub(crate) name: String,
    #[schema(example = "1000.00")]
    pub(crate) from: String,
    #[schema(example = "388.00")]
    pub(crate) missing: String,
}

impl WireTierState {
    pub(crate) fn of(it: &TierState) -> Self {
        Self {
            name: it.tier.as_deref().map(str::to_owned),
            since: it.since.to_string(),
            review_at: Some(it.review_at).filter(|it| *it != Timestamp::NEVER).and_then(time),
            hold: it.hold.name(),
        }
    }
}

impl WireTierReview {
    pub(crate) fn of(it: &TierReview, exponent: u8) -> Self {
        Self {
            outcome: it.outcome.name(),
            before: it.before.as_deref().map(str::to_owned),
            by: it.by.name(),
            within: it.within.name(),
            figure: figure(it.by, it.figure, exponent),
            from: figure(it.by, it.from, exponent),
        }
    }
}

impl WireProgress {
    pub(crate) fn of(it: &Progress, tiers: &Tiers, terms: &Terms) -> Self {
        let exponent = terms.currency.exponent;
        let missing = |it: engine::Missing| {
            Some(WireMissing {
                name: tiers.level(it.rank)?.name.to_string(),
                from: figure(tiers.by, it.from, exponent),
                missing: figure(tiers.by, it.missing, exponent),
            })
        };
        Self {
            tier: it.standing.as_ref().map(WireTierState::of),
            by: it.by.name(),
            within: it.within.name(),
            figure: figure(it.by, it.figure, exponent),
            next: it.next.and_then(missing),
            keep: it.keep.and_then(missing),
        }
    }
}

/// An amount with its decimals, or a number of points or orders.
fn figure(by: TierBy, figure: i64, exponent: u8) -> String {
    match by {
        TierBy::Spend => Money::new(figure).to_text(exponent),
        TierBy::Points | TierBy::Orders => figure.to_string(),
    }
}
