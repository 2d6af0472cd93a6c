//! The tables of this program's schema with their columns and keys, read from the schema itself: a table that is added
//! there is copied.

use std::path::Path;

use engine::Timestamp;

use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::migrate::create;
use crate::sql::{ColumnKind, Connection, params};

pub(super) struct Table {
    pub(super) name: String,
    columns: Vec<(String, ColumnKind)>,
    key: Vec<String>,
}

impl Table {
    pub(super) fn columns(&self) -> Vec<(&str, ColumnKind)> {
        self.columns.iter().map(|it| (it.0.as_str(), it.1)).collect()
    }

    pub(super) fn width(&self) -> usize {
        self.columns.len()
    }

    /// All rows in the order of the key, which is the same on every database.
    pub(super) fn select(&self) -> String {
        let names: Vec<&str> = self.columns.iter().map(|it| it.0.as_str()).collect();
        format!("SELECT {} FROM {} ORDER BY {}", names.join(", "), self.name, self.key.join(", "))
    }
}

/// Each table of the schema.
pub(super) fn tables() -> Result<Vec<Table>, StoreError> {
    let nowhere = Path::new(":memory:");
    let read = || -> Found<Vec<Table>> {
        let conn = Connection::from(rusqlite::Connection::open_in_memory()?);
        create(&conn, Timestamp::from_micros(0))?;
        let mut names: Vec<String> = Vec::new();
        conn.for_each("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name", |row| -> Found<()> {
            names.push(row.get(0)?);
            Ok(())
        })?;
        names.into_iter().map(|it| table(&conn, it)).collect()
    };
    read().map_err(|fault| fault.at(nowhere))
}

fn table(conn: &Connection, name: String) -> Found<Table> {
    let mut statement = conn.prepare_cached("SELECT name, type, pk FROM pragma_table_info($1) ORDER BY cid")?;
    let mut rows = statement.query(params![name])?;
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let column: String = row.get(0)?;
        let kind = match row.get::<_, String>(1)?.as_str() {
            "INTEGER" => ColumnKind::Integer,
            "TEXT" => ColumnKind::Text,
            "BLOB" => ColumnKind::Blob,
            _ => return Err(Fault::Row("the schema has a column of an unknown kind")),
        };
        let place: u32 = row.get(2)?;
        if place != 0 {
            key.push((place, column.clone()));
        }
        columns.push((column, kind));
    }
    key.sort_unstable();
    Ok(Table { name, columns, key: key.into_iter().map(|it| it.1).collect() })
}

#[test]
fn every_table_has_a_key_to_be_read_by() {
    let tables = tables().expect("a schema");
    let ledger = tables.iter().find(|it| it.name == "ledger").expect("the ledger");
    assert!(ledger.select().ends_with("ORDER BY owner_id, program, part, phase, sort_at, earned_at, no"));
    assert!(tables.iter().all(|it| !it.key.is_empty() && it.key.len() <= it.width()));
    assert!(15 < tables.len());
}
