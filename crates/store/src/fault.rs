//! Failures on the way through the store, before they are told to anybody: they get the path there.

use std::path::Path;

use crate::error::StoreError;
use crate::locks::Wanted;
use crate::pack::Unreadable;
use crate::sql;

#[derive(Debug)]
pub(crate) enum Fault {
    Sql(sql::Error),
    /// A row is there that this program cannot have written.
    Row(&'static str),
    /// The file itself is not what was written.
    Damage(String),
    Store(StoreError),
    /// Something is to be read that was not locked: the batch goes back and locks it as well.
    Unlocked(Box<Wanted>),
}

pub(crate) type Found<T> = Result<T, Fault>;

impl Fault {
    pub(crate) fn at(self, path: &Path) -> StoreError {
        match self {
            Self::Sql(error) => StoreError::sql(path, &error),
            Self::Row(what) => StoreError::Damaged { path: path.to_owned(), what: what.to_owned() },
            Self::Damage(what) => StoreError::Damaged { path: path.to_owned(), what },
            Self::Store(error) => error,
            Self::Unlocked(_) => StoreError::Busy(path.to_owned()),
        }
    }
}

impl From<sql::Error> for Fault {
    fn from(error: sql::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error.into())
    }
}

impl From<Unreadable> for Fault {
    fn from(_: Unreadable) -> Self {
        Self::Row("a packed row cannot be read")
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}
