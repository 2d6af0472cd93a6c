//! A copy of the database on which something is tried, and which goes when it is done with: of a file beside it, of a ledger in
//! PostgreSQL in a file among the temporary ones that nobody else can read.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use server::program::compile;
use store::{Database, backup, copy};

pub(crate) struct Trial {
    file: PathBuf,
    /// Made for it.
    folder: Option<PathBuf>,
}

impl Trial {
    pub(crate) fn of(database: &Database) -> Result<Self> {
        let name = format!(".dry-run-{}", std::process::id());
        let Some(path) = database.file() else {
            let folder = std::env::temp_dir().join(format!("guerdon{name}"));
            let mut made = std::fs::DirBuilder::new();
            #[cfg(unix)]
            std::os::unix::fs::DirBuilderExt::mode(&mut made, 0o700);
            made.create(&folder).with_context(|| format!("making the folder {} failed", folder.display()))?;
            let trial = Self { file: folder.join("trial.db"), folder: Some(folder) };
            copy(database, &trial.database(), compile, None, &mut |_| ())?;
            return Ok(trial);
        };
        let mut file: OsString = path.file_name().map(OsString::from).unwrap_or_default();
        file.push(name);
        let trial = Self { file: path.with_file_name(file), folder: None };
        backup(database, &trial.file)?;
        Ok(trial)
    }

    pub(crate) fn database(&self) -> Database {
        Database::Sqlite(self.file.clone())
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        for ending in ["", "-wal", "-shm", ".lock"] {
            let mut name = self.file.clone().into_os_string();
            name.push(ending);
            // What is not there need not go.
            drop(std::fs::remove_file(name));
        }
        if let Some(folder) = &self.folder {
            // It holds what is personal: whatever is left goes too.
            drop(std::fs::remove_dir_all(folder));
        }
    }
}
