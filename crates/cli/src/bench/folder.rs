//! A folder that goes with all that is in it.

use std::path::PathBuf;

use anyhow::{Context as _, Result};

pub(crate) struct Folder(pub(crate) PathBuf);

impl Folder {
    /// # Errors
    /// When it cannot be made, or is there already: it may be somebody else's.
    pub(crate) fn make(path: PathBuf) -> Result<Self> {
        std::fs::create_dir(&path).with_context(|| format!("making the folder {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed is told by the system's tools.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
