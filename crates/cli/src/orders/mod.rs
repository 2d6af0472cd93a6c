//! Files of orders, read line by line: CSV or NDJSON text becomes documents, and what is wrong is told by line and field.
//!
//! Memory is bounded by one line ([`LINE_BYTES_MAX`]), whatever the size of the file.

mod counted;
mod csv_file;
mod field;
mod flat;
mod ndjson_file;
mod when;
mod whole;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io::Read;

use engine::{Currency, Document, Timestamp, Zone};
use store::{IdentityKind, MemberRef};

pub(crate) use csv_file::{CsvFault, CsvFile, CsvShape};
pub(crate) use field::{Mapped, Mapping};
pub(crate) use flat::field_of;
pub(crate) use ndjson_file::NdjsonFile;

use flat::Flat;

/// The most bytes that a line may have.
pub(crate) const LINE_BYTES_MAX: usize = 1 << 20;

/// What the lines of a file mean: the program of the channel, and how the file names members.
pub(crate) struct Shop {
    pub(crate) zone: Zone,
    pub(crate) currency: Currency,
    /// What kind of identity a bare value in the member column is.
    pub(crate) kind: IdentityKind,
    /// The latest time that a line may have.
    pub(crate) latest: Timestamp,
}

/// A line that can be submitted.
#[derive(Debug)]
pub(crate) struct OrderLine {
    pub(crate) line: u64,
    /// Whether it stands in flat fields, which are named otherwise than the document's.
    pub(crate) is_flat: bool,
    pub(crate) member: Option<MemberRef>,
    pub(crate) reference: String,
    pub(crate) document: Document,
    /// Ledger time: the latest of its dates, unless the line says otherwise.
    pub(crate) at: Timestamp,
}

/// A line that cannot, or that the rules refuse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) line: u64,
    pub(crate) reference: Option<String>,
    pub(crate) field: Option<String>,
    pub(crate) problem: String,
}

impl Trouble {
    pub(crate) fn at(line: u64, problem: impl Into<String>) -> Self {
        Self { line, reference: None, field: None, problem: problem.into() }
    }

    pub(crate) fn of(line: u64, field: impl Into<String>, problem: impl Into<String>) -> Self {
        Self { line, reference: None, field: Some(field.into()), problem: problem.into() }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}", self.line)?;
        if let Some(reference) = &self.reference {
            write!(f, " (order {reference})")?;
        }
        match &self.field {
            Some(field) => write!(f, ": {field}: {}", self.problem),
            None => write!(f, ": {}", self.problem),
        }
    }
}

/// The lines of a file in one of the two formats. An `Err` inside is one bad line; the rest goes on.
pub(crate) enum OrderFile<R: Read> {
    Csv(Box<CsvFile<R>>),
    Ndjson(NdjsonFile<R>),
}

impl<R: Read> OrderFile<R> {
    /// The next line; nothing at the end.
    ///
    /// # Errors
    /// When the file cannot be read any further.
    pub(crate) fn next(&mut self, shop: &Shop) -> std::io::Result<Option<Result<OrderLine, Trouble>>> {
        match self {
            Self::Csv(file) => Ok(file.next()?.map(|row| row.and_then(|it: Flat| it.order(shop)))),
            Self::Ndjson(file) => file.next(shop),
        }
    }

    /// How many bytes of the file were read.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Csv(file) => file.bytes(),
            Self::Ndjson(file) => file.bytes(),
        }
    }
}
