//! Backups of a running file, and what is made of them.
//!
//! A copy is written under a temporary name, checked, synced and only then given its name: a backup that is there is whole.
//! Nothing is ever overwritten. Bounded by the disk: a copy is as large as what the database holds.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::OpenFlags;

use crate::damage::check_pages;
use crate::database::Database;
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::file::{beside, lock};
use crate::long::{self, Snapshot};
use crate::migrate::{inspect_open, open_reading, start_incarnation};
use crate::session::forget_all;
use crate::sql::Connection;

use crate::verify::verify;

/// Copies a ledger as of one instant, also while another process writes to it.
///
/// # Errors
/// When `to` is there already, when it cannot be written, when the ledger is damaged, or when the log beside it grows too
/// large meanwhile.
pub fn backup(database: &Database, to: &Path) -> Result<(), StoreError> {
    let from = database.file().ok_or_else(|| StoreError::OnlyFiles(database.path().to_owned()))?;
    let snapshot = Arc::new(Snapshot::long(from, None)?);
    let _watch = long::watch(&snapshot)?;
    backup_from(&snapshot, from, to)
}

/// No transaction: the copying statement is one by itself.
pub(crate) fn backup_from(snapshot: &Snapshot, from: &Path, to: &Path) -> Result<(), StoreError> {
    snapshot.ask(|conn| {
        inspect_open(conn, from)?;
        Ok(copy(conn, from, to, |_| Ok(()))?)
    })
}

/// Makes a ledger of a backup, in a file that is not there yet, and begins a new incarnation.
///
/// # Errors
/// When `to` is there already, or when the backup is damaged or does not verify.
pub fn restore(from: &Path, to: &Database) -> Result<(), StoreError> {
    let conn = open_reading(from)?.into();
    inspect_open(&conn, from).map_err(|fault| fault.at(from))?;
    let report = verify(&conn, &mut |_| {}).map_err(|fault| fault.at(from))?;
    if let Some(what) = report.difference {
        return Err(StoreError::Damaged { path: from.to_owned(), what });
    }
    let to = to.file().ok_or_else(|| StoreError::OnlyFiles(to.path().to_owned()))?;
    check_free(to)?;
    let _writer = lock(to)?;
    copy(&conn, from, to, |conn| {
        forget_all(conn)?;
        start_incarnation(conn)
    })
}

fn copy(
    conn: &Connection,
    from: &Path,
    to: &Path,
    change: impl FnOnce(&Connection) -> Found<()>,
) -> Result<(), StoreError> {
    check_free(to)?;
    let part = beside(to, ".part");
    let folder_is_there = part.parent().is_none_or(|it| it.as_os_str().is_empty() || it.is_dir());
    if !folder_is_there {
        return Err(StoreError::Missing(part));
    }
    let _lock = PartLock::take(&part)?;
    // What a process that died left behind.
    let _ = std::fs::remove_file(&part);
    let _ = std::fs::remove_file(beside(&part, "-journal"));
    let copied = write_part(conn, from, &part, change).and_then(|()| publish(&part, to));
    if copied.is_err() {
        // The error says why; a half copy is of no use.
        let _ = std::fs::remove_file(&part);
    }
    copied
}

/// Nothing is overwritten, and a log that an earlier database of that name left would be played back into the copy.
pub(crate) fn check_free(to: &Path) -> Result<(), StoreError> {
    for suffix in ["", "-wal", "-journal"] {
        let there = beside(to, suffix);
        if there.exists() {
            return Err(StoreError::Exists(there));
        }
    }
    Ok(())
}

/// Keeps a second process from writing the same copy.
pub(crate) struct PartLock {
    path: PathBuf,
    _file: File,
}

impl PartLock {
    pub(crate) fn take(part: &Path) -> Result<Self, StoreError> {
        Ok(Self { path: beside(part, ".lock"), _file: lock(part)? })
    }
}

impl Drop for PartLock {
    fn drop(&mut self) {
        // One that stays does no harm.
        let _ = std::fs::remove_file(&self.path);
    }
}

fn write_part(
    conn: &Connection,
    from: &Path,
    part: &Path,
    change: impl FnOnce(&Connection) -> Found<()>,
) -> Result<(), StoreError> {
    let name = part.to_str().ok_or_else(|| StoreError::NotYet(part.display().to_string()))?;
    if let Err(error) = conn.execute("VACUUM INTO $1", [name]) {
        return Err(match StoreError::sql(from, &error) {
            StoreError::Full(_) => StoreError::Full(part.to_owned()),
            StoreError::ReadOnly(_) => StoreError::ReadOnly(part.to_owned()),
            other => other,
        });
    }
    let written = || {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let copy = Connection::from(rusqlite::Connection::open_with_flags(part, flags)?);
        change(&copy)?;
        copy.file().map_or(Ok(()), check_pages)?;
        Ok(copy.close()?)
    };
    written().map_err(|fault: Fault| fault.at(part))
}

/// Syncs the copy and gives it its name, unless somebody else was first.
pub(crate) fn publish(part: &Path, to: &Path) -> Result<(), StoreError> {
    let sync = || {
        File::options().write(true).open(part)?.sync_all()?;
        // A link, unlike a rename, never replaces what is there.
        std::fs::hard_link(part, to).or_else(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Err(error),
            _ => std::fs::rename(part, to),
        })?;
        let _ = std::fs::remove_file(part);
        let folder = to.parent().filter(|it| !it.as_os_str().is_empty()).unwrap_or(Path::new("."));
        sync_folder(folder)
    };
    sync().map_err(|error| StoreError::io(to, &error))
}

#[cfg(unix)]
pub(crate) fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Other systems keep names without being asked.
#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> std::io::Result<()> {
    Ok(())
}
