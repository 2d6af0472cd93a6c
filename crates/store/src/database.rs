//! Where a ledger is kept.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use crate::error::StoreError;
use crate::postgres::Address;

/// Where a ledger is kept: a file of SQLite, or a database of PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Database {
    Sqlite(PathBuf),
    Postgres(Address),
}

impl Database {
    /// What it is called in messages: the path of a file, or an address without what is secret.
    pub(crate) fn path(&self) -> &Path {
        match self {
            Self::Sqlite(path) => path,
            Self::Postgres(address) => address.path(),
        }
    }
}

impl Database {
    /// The file, if it is one.
    pub fn file(&self) -> Option<&Path> {
        match self {
            Self::Sqlite(path) => Some(path),
            Self::Postgres(_) => None,
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

    /// Reads a path, `sqlite:PATH` or `postgres://USER@HOST/NAME`.
    fn from_str(text: &str) -> Result<Self, StoreError> {
        if text.starts_with("postgres:") || text.starts_with("postgresql:") {
            return text.parse().map(Self::Postgres);
        }
        let path = text.strip_prefix("sqlite://").or_else(|| text.strip_prefix("sqlite:")).unwrap_or(text);
        if path.is_empty() || path.contains('\0') {
            return Err(StoreError::Missing(PathBuf::from(path)));
        }
        Ok(Self::Sqlite(PathBuf::from(path)))
    }
}

#[test]
fn a_database_is_a_path_or_an_address() {
    assert_eq!("shop.db".parse(), Ok(Database::Sqlite("shop.db".into())));
    assert_eq!("sqlite:shop.db".parse(), Ok(Database::Sqlite("shop.db".into())));
    assert!("".parse::<Database>().is_err());
    let postgres = "postgres://ana:secret@host:5433/shop?sslmode=require".parse::<Database>().expect("an address");
    assert_eq!(postgres.to_string(), "postgres://ana@host:5433/shop");
    assert!(!format!("{postgres:?}").contains("secret"));
    for wrong in ["postgres:", "postgres://", "postgres://ana:secret@host/shop?sslmode=maybe", "postgres://h?secret=1"]
    {
        let error = wrong.parse::<Database>().expect_err(wrong).to_string();
        assert!(!error.contains("secret"), "{error}");
    }
}
