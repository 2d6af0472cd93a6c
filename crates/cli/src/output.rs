//! Files that commands write: never over a database, and an export is there as a whole or not at all.
//!
//! Bounded by one buffer. What is no plain file (a pipe, a device) is written to directly.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use store::Database;

/// How a database begins, and its log in both byte orders.
const STARTS: [&[u8]; 3] = [b"SQLite format 3\0", &[0x37, 0x7f, 0x06, 0x82], &[0x37, 0x7f, 0x06, 0x83]];

/// Refuses to write over a ledger: one wrong word on the command line would be the end of it.
///
/// # Errors
/// When the path is the database, any other database, or a file that is being read.
pub(crate) fn spare(path: &Path, database: &Database, read: Option<&Path>) -> Result<()> {
    if database.file().is_some_and(|it| is_same(path, it)) || is_database(path) {
        bail!("it is a database, which is not overwritten; choose another path");
    }
    if read.is_some_and(|it| is_same(path, it)) {
        bail!("it is the file that is read, which is not overwritten; choose another path");
    }
    Ok(())
}

fn is_same(one: &Path, other: &Path) -> bool {
    one == other || matches!((fs::canonicalize(one), fs::canonicalize(other)), (Ok(one), Ok(other)) if one == other)
}

fn is_database(path: &Path) -> bool {
    if !path.is_file() {
        return false;
    }
    let mut start = Vec::new();
    let read = File::open(path).and_then(|it| it.take(16).read_to_end(&mut start));
    read.is_ok() && STARTS.iter().any(|it| start.starts_with(it))
}

/// A file on its way: it takes its name when it is finished, so that nobody finds half of it there.
pub(crate) struct Output {
    writer: BufWriter<File>,
    /// Where it is written, and where it goes.
    part: Option<(PathBuf, PathBuf)>,
}

impl Output {
    /// # Errors
    /// When the file cannot be made.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        if path.exists() && !path.is_file() {
            return Ok(Self { writer: BufWriter::new(File::options().write(true).open(path)?), part: None });
        }
        // A link stays one: what it leads to is replaced.
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut part = path.clone().into_os_string();
        part.push(format!(".{}.part", std::process::id()));
        let part = PathBuf::from(part);
        Ok(Self { writer: BufWriter::new(File::create(&part)?), part: Some((part, path)) })
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// When the rest of it cannot be written.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.writer.flush()?;
        if let Some((part, path)) = &self.part {
            fs::rename(part, path)?;
        }
        self.part = None;
        Ok(())
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if let Some((part, _)) = &self.part {
            // What failed before is told; a leftover could only be in the way.
            let _ = fs::remove_file(part);
        }
    }
}
