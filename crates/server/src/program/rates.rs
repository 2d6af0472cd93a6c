//! The keys that say at which rates, with which multipliers and without what orders earn, and what they come to. The
//! comments here are descriptions of the published schema.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{
    Currency, EarnMode, EarnRate, EarnRules, Earning, Exclusions, GiftCards, Multiplier, NoScale, Pay, Points, Rate,
    RateOf, Rounding, Times, limits,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allowed::allowed;
use super::document::{Amount, EarnDocument, ProgramDocument};
use super::promotions::promotions;
use super::read::{some_amount, some_whole, text};
use super::terms::{amount, named, refuse_too_many_points, within};
use crate::fault::Fault;

/// A rate that is more specific than the program's: for a product, a category or a customer type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateDocument {
    /// The product, as order lines name it. One of product, category and `customer_type` is named.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub product: Option<String>,
    /// The category, as order lines name it.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub category: Option<String>,
    /// The customer type of the member.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub customer_type: Option<String>,
    /// Points for each amount of `per`.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 0, max = limits::RATE_POINTS_MAX.get()))]
    pub points: Option<i64>,
    /// The amount that earns `points`.
    #[serde(default, deserialize_with = "some_amount", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Amount")]
    pub per: Option<Amount>,
    /// Points for each unit, instead of `points` and `per`.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 0, max = limits::RATE_POINTS_MAX.get()))]
    pub points_each: Option<i64>,
}

/// All that members of a customer type earn, so many times.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MultiplierDocument {
    /// A word of the shop's own, as members have it.
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub customer_type: String,
    /// A factor in quotes such as "1.5"; "0" earns nothing.
    #[schemars(regex(pattern = "^[0-9]+([.][0-9]+)?$"))]
    pub times: String,
}

/// What earns nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ExcludeDocument {
    /// Products, as order lines name them.
    pub products: Vec<String>,
    /// Categories, as order lines name them.
    pub categories: Vec<String>,
    /// Customer types.
    pub customer_types: Vec<String>,
}

/// When gift cards earn; never both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GiftCardsDocument {
    /// What they pay earns like money, and they earn nothing when they are sold.
    #[default]
    WhenUsed,
    /// They earn when they are sold, and what they pay earns nothing: orders say how much that is.
    WhenSold,
}

/// Where fractions of points are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RoundingDocument {
    /// Once per order, when everything has been added up exactly.
    #[default]
    Order,
    /// Once per line.
    Line,
}

impl ProgramDocument {
    /// How orders earn beyond the program's own rate.
    pub(super) fn earning(&self, program: EarnRate, currency: Currency) -> Result<Earning, Fault> {
        let EarnDocument { rates, multipliers, exclude, gift_cards, rounding, .. } = &self.earn;
        let rules = EarnRules {
            rates: rate_list(rates, currency)?,
            multipliers: multiplier_list(multipliers)?,
            exclude: Exclusions {
                products: names("earn.exclude.products", &exclude.products)?,
                categories: names("earn.exclude.categories", &exclude.categories)?,
                customer_types: names("earn.exclude.customer_types", &exclude.customer_types)?,
            },
            gift_cards: match gift_cards {
                GiftCardsDocument::WhenUsed => GiftCards::WhenUsed,
                GiftCardsDocument::WhenSold => GiftCards::WhenSold,
            },
            rounding: match rounding {
                RoundingDocument::Order => Rounding::Order,
                RoundingDocument::Line => Rounding::Line,
            },
            promotions: promotions(&self.promotions, self.tiers.as_ref(), program.mode, currency)?,
        };
        if program.mode == EarnMode::StepsCarried {
            refuse_beside_carried(&rules)?;
        }
        Earning::new(program, rules).map_err(|NoScale| {
            let what = "these amounts and factors have no common denominator that is small enough to add up exactly";
            Fault::new("earn.rates", what, "rounder amounts, such as 1.00, 10.00 and 0.50")
        })
    }

    /// The order types that the program applies to.
    pub(super) fn order_types(&self) -> Result<BTreeSet<String>, Fault> {
        Ok(names("order_types", &self.order_types)?.iter().map(|it| it.as_ref().to_owned()).collect())
    }
}

/// A carried remainder belongs to one rate, and a step is made by several orders together: it has no lines.
fn refuse_beside_carried(rules: &EarnRules) -> Result<(), Fault> {
    let with = |path| Err(Fault::new(path, "this cannot stand beside a carried remainder", "another earn.mode"));
    if !rules.rates.is_empty() {
        return with("earn.rates");
    }
    if rules.rounding == Rounding::Line {
        return with("earn.rounding");
    }
    Ok(())
}

fn rate_list(rates: &[RateDocument], currency: Currency) -> Result<Vec<Rate>, Fault> {
    at_most("earn.rates", rates.len(), limits::RATES_MAX)?;
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(rates.len());
    for (index, rate) in rates.iter().enumerate() {
        let path = |key: &str| format!("earn.rates[{index}].{key}");
        let of = [("product", &rate.product), ("category", &rate.category), ("customer_type", &rate.customer_type)];
        let mut given = of.into_iter().filter_map(|(key, name)| Some((key, name.as_deref()?)));
        let (Some((key, name)), None) = (given.next(), given.next()) else {
            let path = format!("earn.rates[{index}]");
            return Err(Fault::new(&path, "a rate is for one thing", "one of product, category and customer_type"));
        };
        named(&path(key), name)?;
        if !seen.insert((key, name)) {
            return Err(Fault::new(&path(key), format!("\"{name}\" has a rate already"), "one rate for each"));
        }
        let name = Arc::from(name);
        let of = match key {
            "product" => RateOf::Product(name),
            "category" => RateOf::Category(name),
            _ => RateOf::CustomerType(name),
        };
        list.push(Rate { of, pay: pay(rate, &path, currency)? });
    }
    Ok(list)
}

fn pay(rate: &RateDocument, path: &dyn Fn(&str) -> String, currency: Currency) -> Result<Pay, Fault> {
    let most = limits::RATE_POINTS_MAX.get();
    match (rate.points, &rate.per, rate.points_each) {
        (Some(points), Some(per), None) => {
            let points = within(&path("points"), points, 0, most)?;
            let per = amount(&path("per"), per, 1, currency)?;
            refuse_too_many_points(&path("points"), points, per, currency)?;
            Ok(Pay::Per { points: Points::new(points), per })
        }
        (None, None, Some(each)) => Ok(Pay::Each(Points::new(within(&path("points_each"), each, 0, most)?))),
        (_, _, Some(_)) => {
            Err(Fault::new(&path("points_each"), "there are two rates", "either points and per, or points_each"))
        }
        (Some(_), None, None) => Err(Fault::new(&path("per"), "the key is missing", allowed("earn.per"))),
        (None, _, None) => Err(Fault::new(&path("points"), "the key is missing", "points and per, or points_each")),
    }
}

fn multiplier_list(multipliers: &[MultiplierDocument]) -> Result<Vec<Multiplier>, Fault> {
    at_most("earn.multipliers", multipliers.len(), limits::RATES_MAX)?;
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(multipliers.len());
    for (index, it) in multipliers.iter().enumerate() {
        let path = |key: &str| format!("earn.multipliers[{index}].{key}");
        named(&path("customer_type"), &it.customer_type)?;
        if !seen.insert(it.customer_type.as_str()) {
            let what = format!("\"{}\" has a multiplier already", it.customer_type);
            return Err(Fault::new(&path("customer_type"), what, "one multiplier for each"));
        }
        let times = factor(&path("times"), &it.times)?;
        list.push(Multiplier { customer_type: Arc::from(it.customer_type.as_str()), times });
    }
    Ok(list)
}

/// A factor in quotes.
pub(super) fn factor(path: &str, text: &str) -> Result<Times, Fault> {
    Times::parse(text).ok_or_else(|| Fault::new(path, format!("\"{text}\" is no such factor"), allowed(path)))
}

/// Names in a list, each once.
pub(super) fn names(path: &str, list: &[String]) -> Result<BTreeSet<Arc<str>>, Fault> {
    at_most(path, list.len(), limits::RATES_MAX)?;
    let mut found = BTreeSet::new();
    for (index, name) in list.iter().enumerate() {
        let path = format!("{path}[{index}]");
        named(&path, name)?;
        if !found.insert(Arc::from(name.as_str())) {
            return Err(Fault::new(&path, format!("\"{name}\" stands here twice"), "each name once"));
        }
    }
    Ok(found)
}

pub(super) fn at_most(path: &str, count: usize, most: usize) -> Result<(), Fault> {
    if count <= most {
        return Ok(());
    }
    Err(Fault::new(path, format!("{count} are too many"), format!("at most {most}")))
}
