//! A session on the server beside the store, for tests that look behind it or get in its way.

use tokio::runtime::{Builder, Runtime};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

pub(crate) struct Raw {
    runtime: Runtime,
    client: Client,
}

impl Raw {
    pub(crate) fn connect(url: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let (client, moved) = runtime.block_on(tokio_postgres::connect(url, NoTls)).expect("a session");
        drop(runtime.spawn(moved));
        Self { runtime, client }
    }

    pub(crate) fn run(&self, sql: &str) {
        self.runtime.block_on(self.client.batch_execute(sql)).expect(sql);
    }

    /// How many rows a statement has changed.
    pub(crate) fn change(&self, sql: &str) -> usize {
        let changed = self.runtime.block_on(self.client.execute(sql, &[])).expect(sql);
        usize::try_from(changed).expect("a few rows")
    }

    /// The rows, their columns joined by commas.
    pub(crate) fn rows(&self, sql: &str) -> Vec<String> {
        let found = self.runtime.block_on(self.client.simple_query(sql)).expect(sql);
        let text = |it: &SimpleQueryMessage| match it {
            SimpleQueryMessage::Row(row) => {
                let columns = (0..row.len()).map(|it| row.get(it).unwrap_or("NULL"));
                Some(columns.collect::<Vec<_>>().join(","))
            }
            _ => None,
        };
        found.iter().filter_map(text).collect()
    }
}
