//! The keys of conversion into store credit or certificates. The comments here are the descriptions of the published schema.

use engine::{Convert, ConvertRate, Currency, Points, Target, Uses, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::allowed::allowed;
use super::certificates::{Bought, UsesDocument, some_uses};
use super::document::{Amount, ValidityDocument};
use super::read::{some_amount, whole};
use super::terms::{amount, within};
use crate::fault::Fault;

/// Points become store credit, or certificates: each `points` become `credit`, or a certificate of their own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvertDocument {
    /// So many points at a time.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::CONVERT_POINTS_MAX.get()))]
    pub points: i64,
    /// The store credit that they become; more than nothing. Either this or `certificate`.
    #[serde(default, deserialize_with = "some_amount", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Amount")]
    pub credit: Option<Amount>,
    /// The certificate that they become.
    #[serde(default, deserialize_with = "some_reward", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "RewardDocument")]
    pub certificate: Option<RewardDocument>,
}

/// A certificate that points become.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RewardDocument {
    /// What it is worth; more than nothing.
    pub value: Amount,
    /// How often it can be used. Left out: as `certificates.uses` says.
    #[serde(default, deserialize_with = "some_uses", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "UsesDocument")]
    pub uses: Option<UsesDocument>,
    /// How long it can be used, from the day on which points become it.
    #[serde(default, skip_serializing_if = "RewardValidity::is_default")]
    pub validity: RewardValidity,
    /// When points become it.
    #[serde(default, skip_serializing_if = "RewardGiven::is_default")]
    pub given: RewardGiven,
}

/// How long a certificate can be used that points have become.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RewardValidity {
    /// For ever.
    #[default]
    Never,
    /// So many days.
    Days(
        #[serde(deserialize_with = "whole")]
        #[schemars(range(min = 1, max = limits::VALID_DAYS_MAX))]
        i64,
    ),
    /// So many months; a day that the month does not have becomes its last.
    Months(
        #[serde(deserialize_with = "whole")]
        #[schemars(range(min = 1, max = limits::VALID_MONTHS_MAX))]
        i64,
    ),
    /// Until the end of this day. After it points stay points.
    Until(#[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))] String),
}

/// When points become certificates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RewardGiven {
    /// The moment the points are reached.
    #[default]
    AtOnce,
    /// When staff hand them out: members collect points until then.
    ByStaff,
}

impl RewardValidity {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// As the same key says it of points.
    pub(super) fn document(&self) -> ValidityDocument {
        match self {
            Self::Never => ValidityDocument::Never,
            Self::Days(days) => ValidityDocument::Days(*days),
            Self::Months(months) => ValidityDocument::Months(*months),
            Self::Until(day) => ValidityDocument::Until(day.clone()),
        }
    }
}

impl RewardGiven {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

impl ConvertDocument {
    pub(super) fn terms(&self, currency: Currency, uses: Uses) -> Result<Convert, Fault> {
        let points = Points::new(within("convert.points", self.points, 1, limits::CONVERT_POINTS_MAX.get())?);
        match (&self.credit, &self.certificate) {
            (Some(credit), None) => Ok(Convert::to_credit(points, amount("convert.credit", credit, 1, currency)?)),
            (None, Some(it)) => {
                let path = "convert.certificate";
                let value = ("convert.certificate.value", &it.value);
                let bought = Bought { value, uses: it.uses, validity: &it.validity }.read(path, (currency, uses))?;
                Ok(Convert {
                    rate: ConvertRate { points, value: bought.value, target: Target::Certificate },
                    is_collected: it.given == RewardGiven::ByStaff,
                    uses: bought.uses,
                    validity: bought.validity,
                })
            }
            (Some(_), Some(_)) => {
                let what = "points become one or the other".to_owned();
                Err(Fault::new("convert.certificate", what, "the key left out beside convert.credit".to_owned()))
            }
            (None, None) => {
                Err(Fault::new("convert.credit", "the key is missing".to_owned(), allowed("convert.credit")))
            }
        }
    }
}

/// Reads an object that may be left out, and is not null.
fn some_reward<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<RewardDocument>, D::Error> {
    RewardDocument::deserialize(deserializer).map(Some)
}
