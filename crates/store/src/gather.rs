//! Makes one database of several that know different members, in the order of its keys: how millions of members are made
//! for measuring.
//!
//! A tree that is filled in order is written once and from left to right, whatever its size; members who sign up one after
//! the other touch pages all over it, and a disk does not keep up with that. Bounded: of each part one row is held at a time.

use std::cmp::Ordering;
use std::path::{Path, PathBuf};

use rusqlite::types::Value;
use rusqlite::{Connection, Rows, Transaction, params_from_iter};

use crate::backup::{check_free, publish};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::file::{beside, connect};
use crate::migrate::{inspect, migrate, open_reading};
use crate::sql;

/// Figures of days and across members: of rows with the same key the sums. Of other rows with the same key, which are those of
/// the shop itself, the first part's stay.
const SUMMED: [&str; 2] = ["counters", "totals"];

/// Writes what is in all parts into a database that is not there yet, and tells how many rows it has written so far. The
/// parts must be of one shop, with the same programs and channels, and no member may be in two of them.
///
/// # Errors
/// When a part cannot be read, when `to` is there already or cannot be written, or when a part was made by another version.
pub fn gather(parts: &[PathBuf], to: &Path, progress: &mut dyn FnMut(u64)) -> Result<(), StoreError> {
    check_free(to)?;
    let part = beside(to, ".part");
    parts.iter().try_for_each(|it| inspect(it))?;
    let sources = parts.iter().map(|it| open_reading(it)).collect::<Result<Vec<_>, _>>()?;
    let gathered = write_all(&sources, &part, progress).map_err(|fault| fault.at(&part));
    let gathered = gathered.and_then(|()| publish(&part, to));
    if gathered.is_err() {
        // The error says why; half of it is of no use.
        let _ = std::fs::remove_file(&part);
    }
    gathered
}

fn write_all(sources: &[Connection], part: &Path, progress: &mut dyn FnMut(u64)) -> Found<()> {
    let empty = sql::Connection::from(connect(part)?);
    migrate(&empty, engine::Timestamp::START)?;
    empty.close()?;
    let mut conn = connect(part)?;
    // It is thrown away when anything fails.
    conn.query_row("PRAGMA journal_mode = OFF", [], |_| Ok(()))?;
    conn.pragma_update(None, "synchronous", "OFF")?;
    let indexes = texts(&conn, "SELECT sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY name")?;
    for name in texts(&conn, "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")? {
        conn.execute_batch(&format!("DROP INDEX {name}"))?;
    }
    let mut written = 0;
    for table in texts(&conn, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")? {
        let transaction = conn.transaction()?;
        transaction.execute(&format!("DELETE FROM {table}"), [])?;
        merge(sources, &transaction, &table, &mut || {
            written += 1;
            progress(written);
        })?;
        transaction.commit()?;
    }
    indexes.iter().try_for_each(|it| conn.execute_batch(it))?;
    conn.execute_batch("ANALYZE")?;
    conn.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    sql::Connection::from(conn).close().map_err(Fault::from)
}

/// Takes the smallest of all next rows until none is left.
fn merge(sources: &[Connection], to: &Transaction<'_>, table: &str, written: &mut dyn FnMut()) -> Found<()> {
    let columns = texts(to, &format!("SELECT name FROM pragma_table_info('{table}') ORDER BY pk = 0, pk, cid"))?;
    let keys = texts(to, &format!("SELECT name FROM pragma_table_info('{table}') WHERE pk <> 0"))?.len();
    let order: Vec<String> = (1..=keys).map(|it| it.to_string()).collect();
    let select = format!("SELECT {} FROM {table} ORDER BY {}", columns.join(", "), order.join(", "));
    let mut statements = sources.iter().map(|it| it.prepare(&select)).collect::<rusqlite::Result<Vec<_>>>()?;
    let mut parts = statements.iter_mut().map(|it| it.query([])).collect::<rusqlite::Result<Vec<_>>>()?;
    let mut heads = parts.iter_mut().map(|it| next(it, columns.len())).collect::<Found<Vec<_>>>()?;
    let slots: Vec<String> = (1..=columns.len()).map(|it| format!("?{it}")).collect();
    let mut insert =
        to.prepare(&format!("INSERT INTO {table} ({}) VALUES ({})", columns.join(", "), slots.join(", ")))?;
    while let Some(mut row) = heads.iter().flatten().min_by(|a, b| compare(a, b, keys)).cloned() {
        let mut is_first = true;
        for (part, head) in parts.iter_mut().zip(&mut heads) {
            let Some(same) = head.as_ref().filter(|it| compare(it, &row, keys).is_eq()) else { continue };
            if !is_first && SUMMED.contains(&table) {
                row.iter_mut().zip(same).skip(keys).for_each(|(sum, more)| add(sum, more));
            }
            is_first = false;
            *head = next(part, columns.len())?;
        }
        insert.execute(params_from_iter(row))?;
        written();
    }
    Ok(())
}

fn next(rows: &mut Rows<'_>, columns: usize) -> Found<Option<Vec<Value>>> {
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some((0..columns).map(|it| row.get(it)).collect::<rusqlite::Result<_>>()?))
}

/// As the trees are sorted. Columns of a key have one type each and are never NULL.
fn compare(a: &[Value], b: &[Value], keys: usize) -> Ordering {
    let pairs = a.iter().zip(b).take(keys);
    let orders = pairs.map(|(a, b)| match (a, b) {
        (Value::Integer(a), Value::Integer(b)) => a.cmp(b),
        (Value::Text(a), Value::Text(b)) => a.cmp(b),
        (Value::Blob(a), Value::Blob(b)) => a.cmp(b),
        _ => Ordering::Equal,
    });
    orders.fold(Ordering::Equal, Ordering::then)
}

fn add(sum: &mut Value, more: &Value) {
    if let (Value::Integer(sum), Value::Integer(more)) = (sum, more) {
        *sum += more;
    }
}

fn texts(conn: &Connection, select: &str) -> Found<Vec<String>> {
    let mut statement = conn.prepare(select)?;
    let texts = statement.query_map([], |row| row.get(0))?;
    Ok(texts.collect::<rusqlite::Result<_>>()?)
}
