//! Files of members to bring over: who they are, and what they have.
//!
//! A row is one member with one lot of points at most; a member with points of several dates has several rows. Bounded by one
//! row at a time.

mod read;

pub(crate) use read::MembersFile;

/// What is wrong with a row, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RowFault {
    pub(crate) line: u64,
    pub(crate) member: String,
    pub(crate) problem: String,
}
