//! What a database answers instead of rows.

use tokio_postgres::error::SqlState;

/// The failure of a statement, or of reading what it answers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error("{}", told(.0))]
    Postgres(#[from] tokio_postgres::Error),
    #[error(transparent)]
    Driver(std::io::Error),
    #[error("it has answered nothing for {} seconds", .0.as_secs())]
    Silent(std::time::Duration),
    #[error("a row that was loaded is gone")]
    Gone,
    #[error("a transaction in which something failed is not committed")]
    NotCommitted,
    #[error("it is noted, and asked before all is decided again")]
    Noted,
    #[error("a query that answers a row answers none")]
    NoRows,
    #[error("column {index} holds something else than {expected}")]
    Column { index: usize, expected: &'static str },
    #[error("{bound} values were given to a statement that takes {expected}")]
    Parameters { expected: usize, bound: usize },
    #[error("a number is too large for the database")]
    TooLarge,
}

impl Error {
    /// Whether a lock was waited for as long as the session waits for one.
    pub(crate) fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::Postgres(it) if it.code() == Some(&SqlState::LOCK_NOT_AVAILABLE))
    }
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

/// Nothing, where a query answers no row.
pub(crate) trait OptionalExtension<T> {
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(it) => Ok(Some(it)),
            Err(Error::NoRows) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// What PostgreSQL says, on one line, with what the system says beneath.
pub(crate) fn told(error: &tokio_postgres::Error) -> String {
    use std::error::Error as _;
    if let Some(said) = error.as_db_error() {
        return said.message().to_owned();
    }
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}
