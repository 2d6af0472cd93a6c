//! The keys of tiers. The comments here are the descriptions of the published schema.

use std::collections::BTreeSet;

use engine::{Currency, Downgrade, Terms, Tier, TierBy, TierKeep, TierRules, TierWithin, is_name, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allowed::allowed;
use super::document::Amount;
use super::rates::factor;
use super::read::{text, whole};
use super::redeem_terms::rate_of;
use super::terms::{amount, earn_rate_of, within};
use crate::fault::Fault;

/// Tiers that members reach by what they earn, spend or order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TiersDocument {
    /// What is counted.
    #[serde(default)]
    pub by: By,
    /// When it was counted.
    #[serde(default)]
    pub within: Within,
    /// How long a tier is kept that was reached.
    #[serde(default)]
    pub keep: Keep,
    /// How far a member falls whose tier is not reached again.
    #[serde(default)]
    pub downgrade: Down,
    /// So many days a tier stays that is no longer reached.
    #[serde(default, deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::GRACE_DAYS_MAX))]
    pub grace_days: i64,
    /// The tiers, from the lowest to the highest.
    #[schemars(length(min = 1, max = limits::TIERS_MAX))]
    pub levels: Vec<LevelDocument>,
}

/// What tiers are reached by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The points that orders earned, less what was taken back. Spending points lowers nothing.
    Points,
    /// What of the orders earns, in money: after discounts, without what points paid.
    #[default]
    Spend,
    /// How many orders have something that earns.
    Orders,
}

/// When it was counted, by the local days on which the orders were placed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Within {
    /// Ever since the program has tiers.
    Lifetime,
    /// In the calendar year.
    Year,
    /// In the last twelve months: a day counts until the same day of the next year.
    #[default]
    #[serde(rename = "12_months")]
    TwelveMonths,
}

/// How long a tier is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Keep {
    /// As long as what is counted reaches it.
    #[default]
    WhileReached,
    /// To the end of the year in which it was reached.
    ThisYear,
    /// To the end of the year after.
    NextYear,
    /// For ever.
    Ever,
    /// So many months, to the end of that day.
    Months(
        #[serde(deserialize_with = "whole")]
        #[schemars(range(min = 1, max = limits::TIER_MONTHS_MAX))]
        i64,
    ),
}

/// How far a member falls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Down {
    /// To the tier that is reached.
    #[default]
    Straight,
    /// By one tier, unless a higher one is reached.
    OneStep,
}

/// One tier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelDocument {
    /// What it is called. A tier keeps its members in later versions of the program by its name.
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub name: String,
    /// What reaches it: a number of points or orders, or an amount in quotes.
    pub from: Threshold,
    /// What orders earn that are placed under it, instead of the program's own rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earn: Option<EarnRateDocument>,
    /// A factor in quotes such as "1.5": all that orders earn that are placed under it is multiplied.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9]+([.][0-9]+)?$"))]
    pub times: Option<String>,
    /// What points are worth on orders that are placed under it, instead of the program's own rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redeem: Option<RedeemRateDocument>,
}

/// A number of points or orders, or an amount in quotes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Threshold {
    /// Points or orders.
    Count(i64),
    /// Money.
    Spent(Amount),
}

/// So many points per amount.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EarnRateDocument {
    /// Points for each amount of `per`.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::RATE_POINTS_MAX.get()))]
    pub points: i64,
    /// The amount that earns `points`; more than nothing.
    pub per: Amount,
}

/// What points are worth.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeemRateDocument {
    /// So many points pay `value`.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::RATE_POINTS_MAX.get()))]
    pub points: i64,
    /// What `points` pay; more than nothing.
    pub value: Amount,
}

impl TiersDocument {
    /// Those terms with these tiers.
    pub(super) fn add_to(&self, terms: Terms) -> Result<Terms, Fault> {
        let grace_days = within("tiers.grace_days", self.grace_days, 0, i64::from(limits::GRACE_DAYS_MAX))?;
        let keep = self.keep()?;
        if self.downgrade == Down::OneStep && keep == TierKeep::WhileReached && grace_days == 0 {
            let what = "without a time for which a tier is kept every step would be taken at once";
            return Err(Fault::new("tiers.downgrade", what, "\"straight\", or tiers.keep or tiers.grace_days as well"));
        }
        let rules = TierRules {
            by: match self.by {
                By::Points => TierBy::Points,
                By::Spend => TierBy::Spend,
                By::Orders => TierBy::Orders,
            },
            within: match self.within {
                Within::Lifetime => TierWithin::Lifetime,
                Within::Year => TierWithin::Year,
                Within::TwelveMonths => TierWithin::TwelveMonths,
            },
            keep,
            downgrade: match self.downgrade {
                Down::Straight => Downgrade::Straight,
                Down::OneStep => Downgrade::OneStep,
            },
            grace_days: u16::try_from(grace_days).expect("it is within its limits"),
            levels: self.levels(&terms)?,
        };
        terms.with_tiers(rules).map_err(|_| {
            let what = "the amounts of the rates have no common multiple that is small enough to add up exactly";
            Fault::new(
                "tiers.levels",
                what,
                "earn.per of tiers that are multiples or parts of earn.per and of each other",
            )
        })
    }

    fn keep(&self) -> Result<TierKeep, Fault> {
        Ok(match self.keep {
            Keep::WhileReached => TierKeep::WhileReached,
            Keep::ThisYear => TierKeep::ThisYear,
            Keep::NextYear => TierKeep::NextYear,
            Keep::Ever => TierKeep::Ever,
            Keep::Months(months) => {
                let months = within("tiers.keep.months", months, 1, i64::from(limits::TIER_MONTHS_MAX))?;
                TierKeep::Months(u16::try_from(months).expect("it is within its limits"))
            }
        })
    }

    fn levels(&self, terms: &Terms) -> Result<Vec<Tier>, Fault> {
        if self.levels.is_empty() || limits::TIERS_MAX < self.levels.len() {
            let what = format!("there are {} tiers", self.levels.len());
            return Err(Fault::new("tiers.levels", what, allowed("tiers.levels")));
        }
        let mut names = BTreeSet::new();
        let mut levels: Vec<Tier> = Vec::new();
        for (index, level) in self.levels.iter().enumerate() {
            let path = |key: &str| format!("tiers.levels[{index}].{key}");
            if !is_name(&level.name) || level.name.trim() != level.name {
                return Err(Fault::new(&path("name"), format!("\"{}\" is no name", level.name), allowed("name")));
            }
            if !names.insert(level.name.as_str()) {
                let what = format!("\"{}\" is the name of another tier", level.name);
                return Err(Fault::new(&path("name"), what, "a name that no other tier has"));
            }
            let from = self.threshold(&path("from"), &level.from, terms.currency)?;
            if levels.last().is_some_and(|it| from <= it.from) {
                let what = "no more than the tier before";
                return Err(Fault::new(
                    &path("from"),
                    what,
                    "more than the tier before: from the lowest to the highest",
                ));
            }
            let earn = level.earn.as_ref().map(|it| earn_rate_of(&path("earn"), it.points, &it.per, terms.currency));
            let redeem = level.redeem.as_ref();
            let redeem = redeem.map(|it| rate_of(&path("redeem"), it.points, &it.value, terms.currency));
            levels.push(Tier {
                name: level.name.as_str().into(),
                from,
                earn: earn.transpose()?,
                times: level.times.as_deref().map(|it| factor(&path("times"), it)).transpose()?,
                redeem: redeem.transpose()?,
            });
        }
        Ok(levels)
    }

    fn threshold(&self, path: &str, from: &Threshold, currency: Currency) -> Result<i64, Fault> {
        match (self.by, from) {
            (By::Spend, Threshold::Spent(spent)) => Ok(amount(path, spent, 1, currency)?.minor()),
            (By::Points, Threshold::Count(points)) => within(path, *points, 1, limits::POINTS_MAX.get()),
            (By::Orders, Threshold::Count(orders)) => within(path, *orders, 1, limits::TIER_ORDERS_MAX),
            (By::Spend, Threshold::Count(_)) => {
                Err(Fault::new(path, "a number is no amount", "a decimal amount in quotes such as \"500.00\""))
            }
            (By::Points | By::Orders, Threshold::Spent(_)) => {
                let what = "an amount is no number of points or orders";
                Err(Fault::new(path, what, "a whole number without quotes, or tiers.by \"spend\""))
            }
        }
    }
}
