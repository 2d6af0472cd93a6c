//! The keys of certificates. The comments here are the descriptions of the published schema.

use engine::{Coupon, Currency, Uses};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::convert::RewardValidity;
use super::document::Amount;
use super::terms::{amount, validity};
use crate::fault::Fault;

/// Certificates that are given without saying more.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CertificatesDocument {
    /// How often a certificate can be used.
    pub uses: UsesDocument,
}

/// How often a certificate can be used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UsesDocument {
    /// On several orders, until it is empty.
    #[default]
    Several,
    /// On one order; what that does not need of it is lost.
    Once,
}

impl CertificatesDocument {
    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn uses(&self) -> Uses {
        self.uses.uses()
    }
}

impl UsesDocument {
    pub(super) fn uses(self) -> Uses {
        match self {
            Self::Several => Uses::Several,
            Self::Once => Uses::Once,
        }
    }
}

/// What documents say of certificates that points become or buy.
pub(super) struct Bought<'a> {
    /// The path of the amount, and the amount.
    pub(super) value: (&'a str, &'a Amount),
    pub(super) uses: Option<UsesDocument>,
    pub(super) validity: &'a RewardValidity,
}

impl Bought<'_> {
    /// `uses` is how often certificates can be used that do not say so.
    pub(super) fn read(self, path: &str, (currency, uses): (Currency, Uses)) -> Result<Coupon, Fault> {
        Ok(Coupon {
            value: amount(self.value.0, self.value.1, 1, currency)?,
            uses: self.uses.map_or(uses, UsesDocument::uses),
            validity: validity(&format!("{path}.validity"), &self.validity.document())?,
        })
    }
}

/// Reads a word that may be left out, and is not null.
pub(super) fn some_uses<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<UsesDocument>, D::Error> {
    UsesDocument::deserialize(deserializer).map(Some)
}
