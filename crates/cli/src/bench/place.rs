//! Where the bench keeps its ledgers: files in a folder of its own, or databases of its own on a server. Each measurement
//! begins with a fresh copy of the base.

use std::fs::File;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use store::{Database, Databases, LogWritten, Store};

/// What each measurement begins with.
const BASE: &str = "base";

pub(crate) enum Place {
    Files(Files),
    Server(Server),
}

pub(crate) struct Files {
    pub(crate) base: PathBuf,
    pub(crate) folder: PathBuf,
    /// Whether a file is pushed out of memory before each measurement.
    pub(crate) cold: bool,
}

pub(crate) struct Server {
    /// How the server is reached, with what is secret.
    url: String,
    databases: Databases,
    /// The database that each measurement begins with, if it is to stay.
    kept: Option<String>,
}

/// Where the log stood before a measurement.
pub(crate) struct LogMark(u64);

impl Server {
    /// # Errors
    /// When it cannot be reached, or its user may not make databases.
    pub(crate) fn new(url: &str, kept: Option<String>) -> Result<Self> {
        let Database::Postgres(address) = url.parse::<Database>()? else { bail!("this is no server") };
        let is_plain = |it: &String| !it.is_empty() && it.chars().all(|it| matches!(it, 'a'..='z' | '0'..='9' | '_'));
        ensure!(kept.iter().all(is_plain), "the name of a database for --base has small letters, digits and _");
        Ok(Self { url: url.to_owned(), databases: Databases::new(&address)?, kept })
    }

    fn name(&self, name: &str) -> String {
        match &self.kept {
            Some(kept) if name == BASE => kept.clone(),
            Some(_) | None => format!("guerdon_bench_{}_{name}", std::process::id()),
        }
    }

    /// How the database of that name is reached.
    pub(crate) fn url_of(&self, name: &str) -> String {
        url_of(&self.url, &self.name(name))
    }

    /// Makes what each measurement begins with, unless it is there already; answers whether it is new.
    pub(crate) fn make_base(&self) -> Result<bool> {
        if self.kept.is_some() && self.databases.is_there(&self.name(BASE))? {
            return Ok(false);
        }
        self.make(BASE, None)?;
        if self.kept.is_some() {
            self.databases.keep(&self.name(BASE));
        }
        Ok(true)
    }

    pub(crate) fn make(&self, name: &str, copy_of: Option<&str>) -> Result<()> {
        let copy_of = copy_of.map(|it| self.name(it));
        let made = self.databases.make(&self.name(name), copy_of.as_deref());
        made.context("making a database for the bench failed")
    }

    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        self.databases.remove(&self.name(name)).context("removing a database of the bench failed")
    }
}

impl Place {
    /// The database that each measurement begins with.
    pub(crate) fn base(&self) -> Result<Database> {
        Ok(match self {
            Self::Files(it) => Database::Sqlite(it.base.clone()),
            Self::Server(it) => it.url_of(BASE).parse()?,
        })
    }

    /// A fresh copy of it.
    pub(crate) fn copy(&self, name: &str) -> Result<Database> {
        self.copy_of(BASE, name)
    }

    /// A fresh copy of another one, which nobody has open.
    pub(crate) fn copy_of(&self, from: &str, name: &str) -> Result<Database> {
        match self {
            Self::Files(it) => it.copy(from, name).map(Database::Sqlite),
            Self::Server(it) => {
                it.make(name, Some(from))?;
                Ok(it.url_of(name).parse()?)
            }
        }
    }

    /// One in which nothing is.
    pub(crate) fn fresh(&self, name: &str) -> Result<Database> {
        match self {
            Self::Files(it) => Ok(Database::Sqlite(it.path(name))),
            Self::Server(it) => {
                it.make(name, None)?;
                Ok(it.url_of(name).parse()?)
            }
        }
    }

    /// Removes a copy that was measured: of millions of members they would fill the disk.
    pub(crate) fn remove(&self, name: &str) -> Result<()> {
        match self {
            Self::Files(it) => {
                for suffix in ["", "-wal", "-shm"] {
                    // It may not be there; the whole folder goes in the end.
                    let _ = std::fs::remove_file(it.folder.join(format!("{name}.db{suffix}")));
                }
                Ok(())
            }
            Self::Server(it) => it.remove(name),
        }
    }

    /// Orders that a batch holds at most: on a server smaller ones, as many callers over a network make them.
    pub(crate) fn batch(&self) -> usize {
        match self {
            Self::Files(_) => 1_000,
            Self::Server(_) => 500,
        }
    }

    pub(crate) fn log(&self) -> Result<LogMark> {
        Ok(LogMark(match self {
            Self::Files(_) => 0,
            Self::Server(it) => it.databases.log_bytes()?,
        }))
    }

    /// What was written to the log since then: by that store, or by anybody on the server.
    pub(crate) fn logged(&self, mark: &LogMark, store: &Store) -> Result<LogWritten> {
        match self {
            Self::Files(_) => Ok(store.written()),
            Self::Server(_) => self.logged_there(mark, LogWritten::default()),
        }
    }

    pub(crate) fn logged_there(&self, mark: &LogMark, written: LogWritten) -> Result<LogWritten> {
        Ok(match self {
            Self::Files(_) => written,
            Self::Server(it) => LogWritten { bytes: it.databases.log_bytes()?.saturating_sub(mark.0), ..written },
        })
    }
}

impl Files {
    fn path(&self, name: &str) -> PathBuf {
        if name == BASE { self.base.clone() } else { self.folder.join(format!("{name}.db")) }
    }

    fn copy(&self, from: &str, name: &str) -> Result<PathBuf> {
        let to = self.path(name);
        std::fs::copy(self.path(from), &to).with_context(|| format!("copying to {}", to.display()))?;
        let file = File::options().write(true).open(&to)?;
        file.sync_all()?;
        if self.cold {
            let whole = 0;
            rustix::fs::fadvise(&file, whole, None, rustix::fs::Advice::DontNeed)
                .context("pushing the file out of memory")?;
        }
        Ok(to)
    }
}

/// Waits until the disk has what was copied, and has forgotten what was removed, on this machine: it stops for that, half a
/// second for a gigabyte, at a moment of its own.
pub(crate) fn rest() {
    rustix::fs::sync();
}

/// The same server with another database, and with its own tables there: a schema that the address names is left out.
fn url_of(url: &str, name: &str) -> String {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    let begin = before.find("://").map_or(0, |it| it + 3);
    let end = before[begin..].find('/').map_or(before.len(), |it| begin + it);
    let kept: Vec<&str> = query.split('&').filter(|it| !it.is_empty() && !it.starts_with("options=")).collect();
    let query = if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) };
    format!("{}/{name}{query}", &before[..end])
}

#[test]
fn the_address_of_another_database_is_that_of_the_same_server() {
    for (url, expected) in [
        ("postgres://ana:secret@host:5433/shop", "postgres://ana:secret@host:5433/other"),
        ("postgres://ana@host", "postgres://ana@host/other"),
        (
            "postgres://ana@%2Ftmp%2Fit:1/shop?options=-csearch_path%3Da&sslmode=require",
            "postgres://ana@%2Ftmp%2Fit:1/other?sslmode=require",
        ),
        ("postgres://ana@host/shop?options=-csearch_path%3Da", "postgres://ana@host/other"),
    ] {
        assert_eq!(url_of(url, "other"), expected);
    }
}
