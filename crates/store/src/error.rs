//! What can go wrong with the world: every error names the path and says what to do.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use rusqlite::ffi;

use crate::damage::malformed;
use crate::sql;

/// The store could not do its work. Nothing that was answered is lost; a command may be sent again with the same key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    #[error("{0}: there is no such database; check the path, or create it with a command that writes")]
    Missing(PathBuf),
    #[error("{0}: there is such a file already; choose another path, nothing is overwritten")]
    Exists(PathBuf),
    #[error("{0}: the file is read-only; make it and its folder writable, or choose another path")]
    ReadOnly(PathBuf),
    #[error("{0}: another process writes to this database; stop it first (reading works beside it)")]
    Locked(PathBuf),
    #[error("{0}: a process died while it wrote here; open the database for writing once, then read again")]
    Unfinished(PathBuf),
    #[error("{0}: this file is not a Guerdon database; choose another path")]
    NotADatabase(PathBuf),
    #[error("{path}: the database needs schema {needs} or newer and this program has {has}; install a newer program")]
    Newer { path: PathBuf, needs: i64, has: i64 },
    #[error("{path}: migration {number} differs from the one that made this database; use the program that made it")]
    Migration { path: PathBuf, number: i64 },
    #[error("{path}: the database is damaged ({what}); restore a backup into a new file")]
    Damaged { path: PathBuf, what: String },
    #[error("{0}: the disk is full; nothing was recorded, make room and send it again")]
    Full(PathBuf),
    #[error("{0}: too busy: the command could not be taken in time and was given up; send it again")]
    Busy(PathBuf),
    #[error("{0}: two long reads are running already; wait until one of them has ended")]
    LongReads(PathBuf),
    #[error(
        "{path}: the read was ended, since the log beside the database has grown to {bytes} bytes meanwhile and {limit} are allowed; read when less is written, or make room on the disk"
    )]
    ReadEnded { path: PathBuf, bytes: u64, limit: u64 },
    #[error("{path}: reading or writing failed ({what}); check the disk, then start again")]
    Io { path: PathBuf, what: String },
    #[error("{0}: the store has stopped after a failed write; check the disk, then start again")]
    Stopped(PathBuf),
    #[error(
        "{path}: the document of program {program}, version {version}, cannot be read ({what}); use the program that wrote it"
    )]
    Document { path: PathBuf, program: String, version: u32, what: String },
    #[error("{0}: this kind of database is not supported yet; give the path of a file, or sqlite:PATH")]
    NotYet(String),
    #[error(
        "the address of the database is not as it should be ({0}); allowed is postgres://USER:PASSWORD@HOST:PORT/NAME"
    )]
    Address(String),
    #[error("{path}: {what}")]
    Refused { path: PathBuf, what: String },
    #[error("{path}: the database cannot be reached ({what}); nothing that was answered is lost, send it again")]
    Away { path: PathBuf, what: String },
    #[error("{0}: this is for a database in a file; PostgreSQL has tools of its own for it, pg_dump and pg_basebackup")]
    OnlyFiles(PathBuf),
    #[error("{path}: the key of the codes of certificates {what}")]
    CodeKey { path: PathBuf, what: String },
    #[error("{path}: the database failed ({what}); send the command again, and report this if it stays")]
    Database { path: PathBuf, what: String },
}

impl StoreError {
    /// Whether nothing more can be written until the store is opened again.
    pub(crate) fn stops(&self) -> bool {
        matches!(self, Self::Io { .. } | Self::Stopped(_))
    }

    pub(crate) fn io(path: &Path, error: &std::io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            std::io::ErrorKind::NotFound => Self::Missing(path),
            std::io::ErrorKind::AlreadyExists => Self::Exists(path),
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => Self::ReadOnly(path),
            std::io::ErrorKind::StorageFull => Self::Full(path),
            _ => Self::Io { path, what: error.to_string() },
        }
    }

    pub(crate) fn sql(path: &Path, error: &sql::Error) -> Self {
        let what = error.to_string();
        match error {
            sql::Error::Sqlite(error) => Self::sqlite(path, error),
            sql::Error::Column { .. } | sql::Error::Gone => Self::Damaged { path: path.to_owned(), what },
            sql::Error::Postgres(error) => Self::postgres(path, error),
            sql::Error::Driver(error) => Self::io(path, error),
            sql::Error::Silent(_) => Self::Away { path: path.to_owned(), what },
            sql::Error::NoRows
            | sql::Error::Noted
            | sql::Error::Parameters { .. }
            | sql::Error::TooLarge
            | sql::Error::NotCommitted => Self::Database { path: path.to_owned(), what },
        }
    }

    fn postgres(path: &Path, error: &tokio_postgres::Error) -> Self {
        let (path, what) = (path.to_owned(), sql::told(error));
        let Some(code) = error.code() else {
            let is_of_us = std::error::Error::source(error).is_some_and(|it| it.is::<std::num::TryFromIntError>());
            return if is_of_us { Self::Database { path, what } } else { Self::Away { path, what } };
        };
        match code.code() {
            // The last is a server that has become a standby.
            "57P01" | "57P02" | "57P03" | "25P03" | "25006" => Self::Away { path, what },
            it if it.starts_with("08") => Self::Away { path, what },
            "53100" => Self::Full(path),
            "55P03" | "57014" => Self::Busy(path),
            "42501" => Self::Refused { path, what: format!("the user may not do what is needed ({what}); grant it") },
            "XX001" | "XX002" => Self::Damaged { path, what },
            // A statement that the session has prepared is not there, or one that it has not is.
            "26000" | "42P05" => Self::shared(path),
            _ => Self::Database { path, what },
        }
    }

    /// What a session is told, and what it has prepared, would be another's.
    pub(crate) fn shared(path: PathBuf) -> Self {
        let what = "a pooler hands each transaction to another session; connect to the server itself, or let the pooler keep sessions";
        Self::Refused { path, what: what.to_owned() }
    }

    pub(crate) fn sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let what = error.to_string();
        let Some(failure) = error.sqlite_error() else { return Self::unreadable(path, error, what) };
        match failure.code {
            ErrorCode::DiskFull => Self::Full(path),
            // The shared memory of the WAL could not grow: nothing has been written yet.
            ErrorCode::SystemIoFailure if failure.extended_code == ffi::SQLITE_IOERR_SHMSIZE => Self::Full(path),
            ErrorCode::SystemIoFailure => Self::Io { path, what },
            ErrorCode::DatabaseCorrupt => Self::Damaged { path, what: malformed(&what) },
            ErrorCode::NotADatabase => Self::NotADatabase(path),
            ErrorCode::ReadOnly if failure.extended_code == ffi::SQLITE_READONLY_ROLLBACK => Self::Unfinished(path),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => Self::ReadOnly(path),
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked(path),
            ErrorCode::CannotOpen if !path.exists() => Self::Missing(path),
            ErrorCode::CannotOpen => Self::Io { path, what },
            _ => Self::Database { path, what },
        }
    }

    fn unreadable(path: PathBuf, error: &rusqlite::Error, what: String) -> Self {
        match error {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::IntegralValueOutOfRange(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::Utf8Error(..) => Self::Damaged { path, what },
            _ => Self::Database { path, what },
        }
    }
}
