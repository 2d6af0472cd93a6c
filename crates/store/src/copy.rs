//! Moves a whole ledger from one database to another, of either kind: every row as it is, as of one instant.
//!
//! The target is empty before and whole afterwards, or not there at all. Before it can be seen, every row is read from it
//! again and held against what was read from the source, and the ledger is replayed. Left behind are signed-in sessions;
//! a new incarnation begins. Bounded by some thousand rows in memory.

mod shape;
mod target;

use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::clock::system_clock;
use crate::code::{Codes, KEY_VARIABLE};
use crate::database::Database;
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::file::beside;
use crate::migrate::{SCHEMA, meta, set_meta};
use crate::query::Reader;
use crate::reference::Compile;
use crate::sql::{Connection, Row, Value};
use crate::verify::{VerifyReport, verify};
use shape::{Table, tables};
use target::Target;

/// What the target has of its own: how its tables were made, who is signed in, and which history begins.
const OWN_TABLES: [&str; 3] = ["meta", "migrations", "tokens"];
const OWN_META: [&str; 3] = ["schema", "oldest_compatible", "incarnation"];

/// Progress is told after so many rows.
const TOLD_EVERY: u64 = 1_000;

/// What a copy is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CopyStep {
    /// So many rows of all.
    Copying { done: u64, of: u64 },
    /// So many rows of all were read back.
    Comparing { done: u64, of: u64 },
    /// So many accounts were replayed.
    Verifying { done: u64 },
}

/// What was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Rows of each table.
    pub tables: Vec<(String, u64)>,
    pub report: VerifyReport,
}

/// The rows of a table, as they were read.
#[derive(Clone, PartialEq, Eq)]
struct Seen {
    rows: u64,
    digest: [u8; 32],
}

/// Copies the ledger in `from` to `to`, which must be empty. The source may be in use: it is read as of one instant.
/// `code_key_file`: where the key of certificates lies for the target, if neither beside it nor in the environment.
///
/// # Errors
/// When the source cannot be read or has another schema, when the target is not empty or cannot be written, when the key of
/// the codes of certificates is not where the target will look for it, and when the copy is not like the source. Then the
/// target is as it was.
pub fn copy(
    from: &Database,
    to: &Database,
    compile: Compile,
    code_key_file: Option<&Path>,
    progress: &mut dyn FnMut(CopyStep),
) -> Result<Copied, StoreError> {
    let (tables, now) = (tables()?, system_clock()());
    let reader = Reader::open(from, compile)?;
    reader.ask(|source| {
        check_schema(source, from.path())?;
        check_key(source, from, (to, code_key_file))?;
        let target = Target::open(to, &tables, now)?;
        let copied = fill(source, &target, &tables, progress)?;
        target.publish()?;
        Ok(copied)
    })
}

/// The rows are those of one schema; an older one is brought to this one first.
fn check_schema(source: &Connection, path: &Path) -> Found<()> {
    let schema: Option<i64> = meta(source, "schema")?.and_then(|it| it.parse().ok());
    if schema == Some(SCHEMA) {
        return Ok(());
    }
    let has = schema.map_or_else(|| "none".to_owned(), |it| it.to_string());
    let what = format!(
        "its schema is {has} and that of this program is {SCHEMA}; copy it with the program that it belongs to, or bring it to this one first (`guerdon sweep` does)"
    );
    Err(StoreError::Refused { path: path.to_owned(), what }.into())
}

/// The codes of certificates can be read where they go to.
fn check_key(
    source: &Connection,
    from: &Database,
    (to, key_file): (&Database, Option<&Path>),
) -> Result<(), StoreError> {
    let Err(error) = Codes::open(to, key_file, source) else { return Ok(()) };
    let StoreError::CodeKey { what, .. } = &error else { return Err(error) };
    let (was, key) = match from.file() {
        Some(file) => (format!("the file {}", beside(file, ".key").display()), "what stands in it"),
        None => (format!("the variable {KEY_VARIABLE} of whoever serves it"), "the same digits"),
    };
    let needed = match to.file() {
        Some(file) => {
            format!(
                "put {key} into {}, readable for you alone, or set {KEY_VARIABLE} to it",
                beside(file, ".key").display()
            )
        }
        None => format!("set {KEY_VARIABLE} to {key}, here and for whoever serves it"),
    };
    let what = format!(
        "the ledger has certificates, whose codes can be read with their key alone, and it is not there ({what}); the key is in {was}: {needed}, then copy again. Nothing was copied"
    );
    Err(StoreError::CodeKey { path: to.path().to_owned(), what: format!("is missing: {what}") })
}

fn fill(source: &Connection, target: &Target, tables: &[Table], progress: &mut dyn FnMut(CopyStep)) -> Found<Copied> {
    let copied: Vec<&Table> = tables.iter().filter(|it| !OWN_TABLES.contains(&it.name.as_str())).collect();
    let mut of = 0;
    for table in &copied {
        of += source.query_row(&format!("SELECT count(*) FROM {}", table.name), [], |row| row.get::<_, u64>(0))?;
    }
    let mut seen = Vec::new();
    let mut done = 0;
    for table in &copied {
        let mut insert = target.at(target.conn.insert_all(&table.name, &table.columns()).map_err(Into::into))?;
        seen.push(read(source, table, &mut |row| {
            done += 1;
            if done % TOLD_EVERY == 0 {
                progress(CopyStep::Copying { done, of });
            }
            Ok(target.at(insert.row(row).map_err(Into::into))?)
        })?);
        target.at(insert.finish().map_err(Into::into))?;
    }
    copy_meta(source, target)?;
    compare(target, &copied, &seen, of, progress)?;
    let report = target.at(verify(&target.conn, &mut |done| progress(CopyStep::Verifying { done })))?;
    if let Some(difference) = &report.difference {
        let what = format!("it does not verify, and neither does the source then: {difference}");
        return Err(refused(target, what));
    }
    let names = copied.iter().map(|it| it.name.clone());
    Ok(Copied { tables: names.zip(seen.iter().map(|it| it.rows)).collect(), report })
}

/// Reads all rows of a table.
fn read(conn: &Connection, table: &Table, row: &mut dyn FnMut(Vec<Value>) -> Found<()>) -> Found<Seen> {
    let (mut rows, mut digest) = (0, Sha256::new());
    conn.for_each(&table.select(), |it: &Row<'_>| -> Found<()> {
        let mut values = Vec::with_capacity(table.width());
        for index in 0..table.width() {
            let value = Value::of(it.get_ref(index)?);
            add(&mut digest, &value);
            values.push(value);
        }
        rows += 1;
        row(values)
    })?;
    Ok(Seen { rows, digest: digest.finalize().into() })
}

/// Kind, length and bytes: no two lists of values have the same text.
fn add(digest: &mut Sha256, value: &Value) {
    let number;
    let (kind, bytes): (u8, &[u8]) = match value {
        Value::Null => (0, &[]),
        Value::Integer(it) => {
            number = it.to_be_bytes();
            (1, &number)
        }
        Value::Text(it) => (2, it),
        Value::Blob(it) => (3, it),
    };
    digest.update([kind]);
    digest.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
    digest.update(bytes);
}

fn copy_meta(source: &Connection, target: &Target) -> Found<()> {
    let mut all: Vec<(String, String)> = Vec::new();
    source.for_each("SELECT name, value FROM meta ORDER BY name", |row| -> Found<()> {
        all.push((row.get(0)?, row.get(1)?));
        Ok(())
    })?;
    for (name, value) in all.iter().filter(|it| !OWN_META.contains(&it.0.as_str())) {
        target.at(set_meta(&target.conn, name, value))?;
    }
    Ok(())
}

/// What was written is what was read, to the byte.
fn compare(
    target: &Target,
    tables: &[&Table],
    seen: &[Seen],
    of: u64,
    progress: &mut dyn FnMut(CopyStep),
) -> Found<()> {
    let mut done = 0;
    for (table, seen) in tables.iter().zip(seen) {
        let found = target.at(read(&target.conn, table, &mut |_| {
            done += 1;
            if done % TOLD_EVERY == 0 {
                progress(CopyStep::Comparing { done, of });
            }
            Ok(())
        }))?;
        if found != *seen {
            let what = format!(
                "the table {} has {} rows there that are not the {} of the source; nothing was kept, report this",
                table.name, found.rows, seen.rows
            );
            return Err(refused(target, what));
        }
    }
    Ok(())
}

fn refused(target: &Target, what: String) -> Fault {
    StoreError::Refused { path: target.path().to_owned(), what }.into()
}
