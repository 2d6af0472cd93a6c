//! A place for one database, removed with all that is in it: a folder, and a schema where the database is on a server.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context as _, Result};
use store::{Address, Database, Options, Scratch};

pub(super) struct Folder(PathBuf);

/// Where the ledger of one backend is.
pub(super) struct Place {
    scratch: Option<Scratch>,
    folder: Folder,
}

impl Place {
    pub(super) fn new(server: Option<&Address>) -> Result<Self> {
        let scratch = server.map(Scratch::new).transpose()?;
        Ok(Self { scratch, folder: Folder::new()? })
    }

    pub(super) fn is_server(&self) -> bool {
        self.scratch.is_some()
    }

    pub(super) fn database(&self) -> Database {
        match &self.scratch {
            Some(scratch) => scratch.database().clone(),
            None => Database::Sqlite(self.folder.path("scenario.db")),
        }
    }

    /// A new ledger, in which codes of certificates can be kept.
    pub(super) fn options(&self) -> Options {
        let code_key_file = Some(self.folder.path("scenario.key"));
        Options { create: true, code_key_file, ..Options::new(server::program::compile) }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the system's folder for such things.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

impl Folder {
    fn new() -> Result<Self> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("guerdon-scenario-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).with_context(|| format!("making the folder {}", path.display()))?;
        Ok(Self(path))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}
