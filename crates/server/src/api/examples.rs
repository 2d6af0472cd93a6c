//! Worked examples of every operation: requests and the answers to them, one file each, in the order of a shop's first day.
//!
//! A test sends them one after the other to a new server and compares; the description of the API shows them.

use serde::Deserialize;
use serde_json::Value;

macro_rules! files {
    ($($name:literal),* $(,)?) => {
        [$(($name, include_str!(concat!("examples/", $name, ".json")))),*]
    };
}

const FILES: &[(&str, &str)] = &files!["01-health",];

/// The examples with their names.
///
/// # Panics
/// When a file is no example: a test reads them all.
pub(crate) fn all() -> impl Iterator<Item = (&'static str, Example)> {
    FILES.iter().map(|(name, text)| (*name, serde_json::from_str(text).expect("tests read every example")))
}

/// A request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Example {
    /// The operation's id.
    pub(crate) operation: String,
    /// The time of day at which it is sent; left out: a minute after the one before.
    #[serde(default, rename = "at")]
    pub(crate) _at: Option<String>,
    pub(crate) request: ExampleRequest,
    pub(crate) response: ExampleResponse,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    #[serde(default, rename = "headers")]
    pub(crate) _headers: Option<Value>,
    #[serde(default)]
    pub(crate) body: Option<Value>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExampleResponse {
    pub(crate) status: u16,
    #[serde(default)]
    pub(crate) body: Option<Value>,
}
