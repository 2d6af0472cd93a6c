//! Where a ledger is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::StoreError;

/// Where a ledger is kept: a file of SQLite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
}

impl Database {
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Sqlite(path) => path,
        }
    }
}

impl fmt::Display for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path().display().fmt(f)
    }
}

impl FromStr for Database {
    type Err = StoreError;

    /// Reads a path or `sqlite:PATH`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            let shown = text.split("://").next().unwrap_or(text);
            return Err(StoreError::NotYet(format!("{shown}://…")));
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        if path.is_empty() || path.contains('\0') {
            return Err(StoreError::Missing(PathBuf::from(path)));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

#[test]
fn a_database_is_a_path() {
    assert_eq!("shop.db".parse(), Ok(Database::Sqlite("shop.db".into())));
    assert_eq!("sqlite:shop.db".parse(), Ok(Database::Sqlite("shop.db".into())));
    let postgres = "postgres://ana:secret@host/shop".parse::<Database>().expect_err("not yet");
    assert_eq!(postgres, StoreError::NotYet("postgres://…".to_owned()));
    assert!("".parse::<Database>().is_err());
}
