//! The keys of conversion into store credit. The comments here are the descriptions of the published schema.

use engine::{ConvertRate, Currency, Points, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::Amount;
use super::read::whole;
use super::terms::{amount, within};
use crate::fault::Fault;

/// Points become store credit by themselves: each `points` become `credit` the moment they are reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConvertDocument {
    /// So many points at a time.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::CONVERT_POINTS_MAX.get()))]
    pub points: i64,
    /// What they become; more than nothing.
    pub credit: Amount,
}

impl ConvertDocument {
    pub(super) fn rate(&self, currency: Currency) -> Result<ConvertRate, Fault> {
        let points = within("convert.points", self.points, 1, limits::CONVERT_POINTS_MAX.get())?;
        let credit = amount("convert.credit", &self.credit, 1, currency)?;
        Ok(ConvertRate { points: Points::new(points), credit })
    }
}
