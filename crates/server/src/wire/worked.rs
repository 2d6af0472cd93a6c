//! How an award was worked out beyond a program's own rate, on the wire.

use engine::{BudgetUse, By, Gives, Part, Pay, Points, Promoted, Rounding, Worked};
use serde::Serialize;
use utoipa::ToSchema;

/// How an award was worked out where the program has more than its own rate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireWorked {
    /// What the rules come to, whether or not the order has reached what makes it earn.
    #[schema(example = 275)]
    pub(crate) points: i64,
    /// For each rate that was used, what earned at it.
    pub(crate) parts: Vec<WirePart>,
    /// What is kept of the order and excluded.
    #[schema(example = "0.00")]
    pub(crate) excluded: String,
    /// What gift cards paid, which earned when they were sold.
    #[schema(example = "0.00")]
    pub(crate) gift_cards: String,
    /// What multiplies it all, by the member's customer type.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1.5")]
    pub(crate) times: Option<String>,
    /// What multiplies it all, by the member's tier.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2")]
    pub(crate) tier_times: Option<String>,
    /// The promotions that the order had.
    pub(crate) promotions: Vec<WirePromoted>,
    /// Where fractions of points are dropped: `order` or `line`.
    #[schema(example = "order")]
    pub(crate) rounding: &'static str,
    /// Whether a fraction was dropped.
    pub(crate) rounded: bool,
}

/// What earned at one rate.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WirePart {
    /// Whose rate it is: `product`, `category`, `customer_type`, `tier` or `program`.
    #[schema(example = "product")]
    pub(crate) of: &'static str,
    /// The product or category.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "SKU-1")]
    pub(crate) name: Option<String>,
    #[schema(example = 5)]
    pub(crate) points: i64,
    /// The amount that earns the points; left out: each unit does.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "1.00")]
    pub(crate) per: Option<String>,
    #[schema(example = "40.00")]
    pub(crate) base: String,
    pub(crate) units: u32,
}

/// A promotion that an order had.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WirePromoted {
    #[schema(example = "Double points on Mondays")]
    pub(crate) name: String,
    /// It multiplies …
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "2")]
    pub(crate) times: Option<String>,
    /// … or adds points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) points: Option<i64>,
    /// What of the order it was for.
    #[schema(example = "40.00")]
    pub(crate) base: String,
    /// What it gives in all, where that is limited.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) budget: Option<WireBudgeted>,
}

/// How a budget bounds what a promotion gives.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireBudgeted {
    /// The most points that it gives over all members.
    #[schema(example = 10_000)]
    pub(crate) most: i64,
    /// What it would give this order without that.
    pub(crate) called_for: i64,
    pub(crate) given: i64,
}

/// What an entry changes of what its order has of a budget.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireBudgetUse {
    #[schema(example = "Double points on Mondays")]
    pub(crate) promotion: String,
    pub(crate) points: i64,
    /// What the order may have for good, since the budget has cut it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allotted: Option<i64>,
}

impl WireBudgetUse {
    pub(crate) fn of(it: &BudgetUse) -> Self {
        let allotted = it.allotted.map(Points::get);
        Self { promotion: it.promotion.to_string(), points: it.points.get(), allotted }
    }
}

impl WireWorked {
    pub(crate) fn of(it: &Worked, exponent: u8) -> Self {
        Self {
            points: it.points.get(),
            parts: it.parts.iter().map(|it| WirePart::of(it, exponent)).collect(),
            excluded: it.excluded.to_text(exponent),
            gift_cards: it.gift_cards.to_text(exponent),
            times: it.times.map(|it| it.to_string()),
            tier_times: it.tier_times.map(|it| it.to_string()),
            promotions: it.promotions.iter().map(|it| WirePromoted::of(it, exponent)).collect(),
            rounding: match it.rounding {
                Rounding::Order => "order",
                Rounding::Line => "line",
            },
            rounded: it.rounded,
        }
    }
}

impl WirePart {
    fn of(it: &Part, exponent: u8) -> Self {
        let (of, name) = match &it.by {
            By::Program => ("program", None),
            By::Product(name) => ("product", Some(name.to_string())),
            By::Category(name) => ("category", Some(name.to_string())),
            By::CustomerType => ("customer_type", None),
            By::Tier => ("tier", None),
        };
        let (points, per) = match it.pay {
            Pay::Per { points, per } => (points, Some(per.to_text(exponent))),
            Pay::Each(points) => (points, None),
        };
        Self { of, name, points: points.get(), per, base: it.base.to_text(exponent), units: it.units }
    }
}

impl WirePromoted {
    fn of(it: &Promoted, exponent: u8) -> Self {
        let (times, points) = match it.gives {
            Gives::Times(times) => (Some(times.to_string()), None),
            Gives::Points(points) => (None, Some(points.get())),
        };
        let budget = it.budget.map(|it| WireBudgeted {
            most: it.most.get(),
            called_for: it.called_for.get(),
            given: it.given.get(),
        });
        Self { name: it.name.to_string(), times, points, base: it.base.to_text(exponent), budget }
    }
}
