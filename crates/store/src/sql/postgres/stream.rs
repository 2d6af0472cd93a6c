//! Long answers and many rows on a server, as they come: neither is ever in memory as a whole.

use std::pin::Pin;

use bytes::Bytes;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::{ToSql, Type};

use super::{Bound, Connection};
use crate::sql::value::Value;
use crate::sql::{Columns, Error, Result};

/// Rows that are asked for at once.
const PAGE: usize = 1_000;

impl Connection {
    /// Page by page, in the transaction that is open: other questions may be asked in between.
    pub(in crate::sql) fn for_each<E: From<Error>>(
        &self,
        sql: &str,
        mut read: impl FnMut(&dyn Columns) -> std::result::Result<(), E>,
    ) -> std::result::Result<(), E> {
        let number = self.cursors.get() + 1;
        self.cursors.set(number);
        self.execute_batch(&format!("DECLARE long_{number} NO SCROLL CURSOR FOR {sql}"))?;
        let fetch = self.wait(self.client.prepare(&format!("FETCH {PAGE} FROM long_{number}")))?;
        loop {
            let rows = self.wait(self.client.query(&fetch, &[]))?;
            for row in &rows {
                read(row)?;
            }
            if rows.len() < PAGE {
                break;
            }
        }
        Ok(self.execute_batch(&format!("CLOSE long_{number}"))?)
    }

    /// Rows of a table, by COPY. Nothing else may be asked until it is finished.
    pub(in crate::sql) fn copy_in(&self, table: &str, columns: &str, types: &[Type]) -> Result<CopyIn<'_>> {
        let sql = format!("COPY {table} ({columns}) FROM STDIN (FORMAT binary)");
        let sink = self.wait(self.client.copy_in::<_, Bytes>(sql.as_str()))?;
        Ok(CopyIn { conn: self, writer: Box::pin(BinaryCopyInWriter::new(sink, types)), rows: Vec::new() })
    }
}

pub(crate) struct CopyIn<'c> {
    conn: &'c Connection,
    writer: Pin<Box<BinaryCopyInWriter>>,
    /// Not sent yet.
    rows: Vec<Vec<Value>>,
}

impl CopyIn<'_> {
    pub(in crate::sql) fn row(&mut self, row: Vec<Value>) -> Result<()> {
        self.rows.push(row);
        if self.rows.len() < PAGE { Ok(()) } else { self.send() }
    }

    fn send(&mut self) -> Result<()> {
        let (rows, writer) = (std::mem::take(&mut self.rows), &mut self.writer);
        self.conn.wait(async move {
            for row in &rows {
                let bound: Vec<Bound<'_>> = row.iter().map(|it| Bound(it.as_ref())).collect();
                let values: Vec<&(dyn ToSql + Sync)> = bound.iter().map(|it| it as &(dyn ToSql + Sync)).collect();
                writer.as_mut().write(&values).await?;
            }
            Ok(())
        })
    }

    pub(in crate::sql) fn finish(mut self) -> Result<()> {
        self.send()?;
        self.conn.wait(self.writer.as_mut().finish()).map(drop)
    }
}
