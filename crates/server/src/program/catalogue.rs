//! The keys of the rewards catalogue, and what they come to. The comments here are descriptions of the published schema.

use std::sync::Arc;

use engine::{Coupon, Currency, Gift, Points, Reward, Uses, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::allowed::allowed;
use super::certificates::{Bought, UsesDocument, some_uses};
use super::convert::RewardValidity;
use super::document::Amount;
use super::listed::{Listed, days, listed};
use super::rates::names;
use super::read::{some_amount, some_whole, text};
use super::redeem_terms;
use super::terms::{named, within};
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

/// A certificate that points buy: worth an amount, or a share of one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CouponDocument {
    /// What it is worth; more than nothing. Either this or `share`.
    #[serde(default, deserialize_with = "some_amount", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Amount")]
    pub value: Option<Amount>,
    /// So many per cent of one order, rounded down: of all that certificates may pay for, whatever else pays of it.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9]{1,3}([.][0-9]{1,2})?%$"))]
    pub share: Option<String>,
    /// The most that the share comes to.
    #[serde(default, deserialize_with = "some_amount", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Amount")]
    pub max_value: Option<Amount>,
    /// How often it can be used. Left out: as `certificates.uses` says; a share is for one order.
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
    listed(documents, tiers, |path, it: &RewardItemDocument| it.read(path, currency, uses)).map(Into::into)
}

impl Listed for RewardItemDocument {
    const KEY: &'static str = "catalogue";
    const ONE: &'static str = "reward";
    const MOST: usize = limits::REWARDS_MAX;

    fn name(&self) -> &str {
        &self.name
    }

    fn tiers(&self) -> &[String] {
        &self.tiers
    }
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
            (None, Some(it)) => it.read(&format!("{path}.coupon"), (currency, uses)).map(Gift::Coupon),
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

impl CouponDocument {
    fn read(&self, path: &str, (currency, uses): (Currency, Uses)) -> Result<Coupon, Fault> {
        let at = |key: &str| format!("{path}.{key}");
        let missing = |key| Fault::new(&at(key), "the key is missing", allowed(&at(key)));
        let beside = |key: &str, what, other| Err(Fault::new(&at(key), what, format!("the key left out {other}")));
        let bought = |value| Bought { value, uses: self.uses, validity: &self.validity };
        let share = match (&self.value, &self.share, &self.max_value) {
            (Some(value), None, None) => return bought((&at("value"), value)).read(path, (currency, uses)),
            (Some(_), Some(_), _) => return beside("share", "a coupon is one or the other", "beside value"),
            (_, None, Some(_)) => return beside("max_value", "only a share has a most", "without share"),
            (None, None, None) => return Err(missing("value")),
            (None, Some(share), _) => redeem_terms::share(&at("share"), share)?,
        };
        if self.uses == Some(UsesDocument::Several) {
            return Err(Fault::new(&at("uses"), "a share is for one order", "\"once\", or the key left out"));
        }
        let most = self.max_value.as_ref().ok_or_else(|| missing("max_value"))?;
        let coupon = bought((&at("max_value"), most)).read(path, (currency, uses))?;
        Ok(Coupon { uses: Uses::Share(share), ..coupon })
    }
}
