//! Files of members to bring over: who they are, and what they have.
//!
//! A row is one member with one lot of points at most; a member with points of several dates has several rows. Bounded by one
//! row at a time.

mod groups;
mod read;

pub(crate) use groups::groups;
pub(crate) use read::MembersFile;

use engine::{Facts, Money, Points, Timestamp, Uses, Validity};
use store::{Identity, MemberRef};

/// One row, as far as it says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MemberRow {
    /// Of the file, from 1, with the header.
    pub(crate) line: u64,
    /// What the row is called: by its own column, or by its member and the last day of its points.
    pub(crate) reference: String,
    pub(crate) member: MemberRef,
    /// The member's own and those of the other columns.
    pub(crate) identities: Vec<Identity>,
    pub(crate) name: Option<String>,
    pub(crate) facts: Facts,
    pub(crate) points: Option<Points>,
    /// The first instant at which the points are gone: left out, as the program says.
    pub(crate) expires_at: Option<Timestamp>,
    pub(crate) tier: Option<String>,
    pub(crate) tier_until: Option<Timestamp>,
    pub(crate) credit: Option<Money>,
    /// What a certificate is worth, its last day, and how often it can be used: left out, as the program says.
    pub(crate) certificate: Option<Money>,
    pub(crate) certificate_expires: Validity,
    pub(crate) certificate_uses: Option<Uses>,
}

/// What is wrong with a row, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFault {
    pub(crate) line: u64,
    pub(crate) member: String,
    pub(crate) problem: String,
}
