//! The keys of certificates. The comments here are the descriptions of the published schema.

use engine::Uses;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
