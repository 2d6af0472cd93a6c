//! What is wrong with a value that somebody sent: where, what, and what is allowed there.

use std::fmt;

/// The first fault of a document or a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key, for example `earn.per` or `lines[0].amount`; a place in the text when it cannot be read at all.
    pub path: String,
    /// What is wrong, for example `"1,00" is not a decimal amount such as 30.98`.
    pub what: String,
    pub allowed: String,
}

impl Fault {
    pub(crate) fn new(path: &str, what: impl Into<String>, allowed: impl Into<String>) -> Self {
        Self { path: path.to_owned(), what: what.into(), allowed: allowed.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}; allowed is {}", self.path, self.what, self.allowed)
    }
}

impl std::error::Error for Fault {}
