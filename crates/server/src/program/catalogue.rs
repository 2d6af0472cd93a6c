//! The keys of the rewards catalogue, and what they come to. The comments here are descriptions of the published schema.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{Coupon, Currency, Gift, Points, Reward, Uses, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::certificates::UsesDocument;
use super::convert::RewardValidity;
use super::document::Amount;
use super::promotions::{check_tiers, days};
use super::rates::{at_most, names};
use super::read::{some_whole, text};
use super::terms::{amount, named, validity, within};
use super::tiers::TiersDocument;
use crate::fault::Fault;

/// A reward that members claim for a fixed number of points: something that staff hand over, or a coupon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardItemDocument {
    /// What members see; each reward has a name of its own, by which its stock and limits go on in later versions.
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub name: String,
    /// What it costs.
    #[serde(deserialize_with = "super::read::whole")]
    #[schemars(range(min = 1, max = limits::CONVERT_POINTS_MAX.get()))]
    pub points: i64,
    /// The shop's own id of the product that it is, for those who hand it over.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub product: Option<String>,
    /// The certificate that it is: the member has it at once. Left out: staff hand the reward over.
    #[serde(default, deserialize_with = "some_coupon", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "CouponDocument")]
    pub coupon: Option<CouponDocument>,
    /// How many there are, over all members and for good: what was claimed under an earlier version counts. Left out: as many as
    /// are wanted.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 0, max = limits::STOCK_MAX))]
    pub stock: Option<i64>,
    /// The first day on which it can be claimed, in the program's time zone.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub from: Option<String>,
    /// The last day.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: Option<String>,
    /// The tiers that may claim it, by their names in `tiers.levels`; none named: all members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<String>,
    /// How many a member may claim on a local day. Left out: as many as there are points for.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::ACTS_MAX))]
    pub per_day: Option<i64>,
    /// In a calendar month.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::ACTS_MAX))]
    pub per_month: Option<i64>,
    /// In all.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::ACTS_MAX))]
    pub per_life: Option<i64>,
}

/// A certificate that points buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponDocument {
    /// What it is worth; more than nothing.
    pub value: Amount,
    /// How often it can be used. Left out: as `certificates.uses` says.
    #[serde(default, deserialize_with = "some_uses", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "UsesDocument")]
    pub uses: Option<UsesDocument>,
    /// How long it can be used, from the day on which it is claimed. A day in `until` is also the last on which it can be claimed.
    #[serde(default, skip_serializing_if = "RewardValidity::is_default")]
    pub validity: RewardValidity,
}

/// The rewards of a program.
pub(super) fn catalogue(
    documents: &[RewardItemDocument],
    tiers: Option<&TiersDocument>,
    (currency, uses): (Currency, Uses),
) -> Result<Arc<[Reward]>, Fault> {
    at_most("catalogue", documents.len(), limits::REWARDS_MAX)?;
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(documents.len());
    for (index, it) in documents.iter().enumerate() {
        let path = format!("catalogue[{index}]");
        list.push(it.read(&path, currency, uses)?);
        if !seen.insert(it.name.as_str()) {
            let what = format!("\"{}\" is the name of another reward", it.name);
            return Err(Fault::new(&format!("{path}.name"), what, "a name of its own"));
        }
        check_tiers(&path, &it.tiers, tiers)?;
    }
    Ok(list.into())
}

impl RewardItemDocument {
    fn read(&self, path: &str, currency: Currency, uses: Uses) -> Result<Reward, Fault> {
        let at = |key: &str| format!("{path}.{key}");
        named(&at("name"), &self.name)?;
        let points = within(&at("points"), self.points, 1, limits::CONVERT_POINTS_MAX.get())?;
        let (from, until) = days(path, self.from.as_deref(), self.until.as_deref())?;
        let most = |key: &str, most: Option<i64>, least: i64, limit: u32| {
            let most = most.map(|it| within(&at(key), it, least, i64::from(limit))).transpose()?;
            Ok::<_, Fault>(most.and_then(|it| u32::try_from(it).ok()))
        };
        Ok(Reward {
            name: Arc::from(self.name.as_str()),
            gives: self.gives(path, currency, uses)?,
            points: Points::new(points),
            stock: most("stock", self.stock, 0, limits::STOCK_MAX)?,
            from,
            until,
            tiers: names(&at("tiers"), &self.tiers)?,
            per_day: most("per_day", self.per_day, 1, limits::ACTS_MAX)?,
            per_month: most("per_month", self.per_month, 1, limits::ACTS_MAX)?,
            per_life: most("per_life", self.per_life, 1, limits::ACTS_MAX)?,
        })
    }

    fn gives(&self, path: &str, currency: Currency, uses: Uses) -> Result<Gift, Fault> {
        match (&self.product, &self.coupon) {
            (None, None) => Ok(Gift::Named),
            (Some(product), None) => {
                named(&format!("{path}.product"), product)?;
                Ok(Gift::Product(Arc::from(product.as_str())))
            }
            (None, Some(it)) => Ok(Gift::Coupon(Coupon {
                value: amount(&format!("{path}.coupon.value"), &it.value, 1, currency)?,
                uses: it.uses.map_or(uses, UsesDocument::uses),
                validity: validity(&format!("{path}.coupon.validity"), &it.validity.document())?,
            })),
            (Some(_), Some(_)) => {
                let what = "a reward is one or the other".to_owned();
                Err(Fault::new(&format!("{path}.coupon"), what, "the key left out beside product".to_owned()))
            }
        }
    }
}

/// Reads an object that may be left out, and is not null.
fn some_coupon<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<CouponDocument>, D::Error> {
    CouponDocument::deserialize(deserializer).map(Some)
}

fn some_uses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UsesDocument>, D::Error> {
    UsesDocument::deserialize(deserializer).map(Some)
}
