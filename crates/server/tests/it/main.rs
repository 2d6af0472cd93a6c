//! The server from the outside: program documents, wording, and the API over its router.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails where it stands")]

mod access;
mod bad_input;
mod bearers;
mod budgets;
mod catalogue;
mod connect;
mod defaults;
mod documentation;
mod draft;
mod examples;
mod faults;
mod guard;
mod imports;
mod limits;
mod metrics;
mod openapi;
mod pages;
mod plain;
mod redatings;
mod rewards;
mod schema;
mod schema_reader;
mod served;
mod words;
mod words_of_orders;
mod worth;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the project.
fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("this crate lies in crates/");
    crates.parent().expect("crates/ lies in the project").to_path_buf()
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A document with the keys that every one needs, and more.
fn document(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { ", " };
    format!(r#"{{"format": 1, "name": "Shop", "currency": "USD", "time_zone": "America/New_York"{comma}{more}}}"#)
}

/// The documents that come with the project, with their paths.
fn examples() -> Vec<(String, String)> {
    let folder = fs::read_dir(root().join("demo/programs")).expect("the examples are in demo/programs");
    let names = folder.map(|it| it.expect("a readable folder").file_name().to_string_lossy().into_owned());
    let paths: Vec<String> = names.map(|name| format!("demo/programs/{name}")).collect();
    assert!(2 < paths.len(), "there are examples");
    paths.into_iter().map(|path| (path.clone(), read(&path))).collect()
}
