//! Reads the text of a program document, and says in plain words where and why it cannot be one.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

use super::allowed::allowed;
use super::document::{Amount, ProgramDocument};
use crate::fault::Fault;

/// The largest text of a document.
pub const BYTES_MAX: usize = 65_536;

/// Reads and checks a document.
///
/// # Errors
/// The first fault, with its path and what is allowed there.
pub fn parse(text: &str) -> Result<ProgramDocument, Fault> {
    if BYTES_MAX < text.len() {
        let what = format!("the text has {} bytes", text.len());
        return Err(Fault::new("document", what, format!("at most {BYTES_MAX} bytes")));
    }
    // Some editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let value: Value = serde_json::from_str(text).map_err(|it| not_json(&it))?;
    check_format(&value)?;
    refuse_lists(&value, "")?;
    let mut reader = serde_json::Deserializer::from_str(text);
    let document: ProgramDocument =
        serde_path_to_error::deserialize(&mut reader).map_err(|it| misfit(&it.path().to_string(), it.inner()))?;
    document.terms()?;
    Ok(document)
}

/// Reads a text that may be left out, and is not null.
pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    String::deserialize(deserializer).map(Some)
}

/// Reads a whole number.
pub(super) fn whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    deserializer.deserialize_i64(Whole)
}

/// Reads a whole number that may be left out, and is not null.
pub(super) fn some_whole<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    whole(deserializer).map(Some)
}

/// Reads an amount that may be left out, and is not null.
pub(super) fn some_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Amount>, D::Error> {
    Amount::deserialize(deserializer).map(Some)
}

/// Reads an amount as text.
pub(super) fn text_amount<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    deserializer.deserialize_str(TextAmount)
}

struct Whole;

impl Visitor<'_> for Whole {
    type Value = i64;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, it: i64) -> Result<i64, E> {
        Ok(it)
    }

    fn visit_u64<E: Error>(self, it: u64) -> Result<i64, E> {
        i64::try_from(it).map_err(|_| E::invalid_value(Unexpected::Unsigned(it), &self))
    }
}

struct TextAmount;

impl Visitor<'_> for TextAmount {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a decimal amount in quotes")
    }

    fn visit_str<E: Error>(self, it: &str) -> Result<String, E> {
        Ok(it.to_owned())
    }
}

fn not_json(error: &serde_json::Error) -> Fault {
    let path = format!("line {}, column {}", error.line(), error.column());
    let what = format!("this is not JSON: {}", without_place(&error.to_string()));
    Fault::new(&path, what, "one JSON object, {\"format\": 1, …}")
}

/// A later format may have other keys: that it is one is said first.
fn check_format(value: &Value) -> Result<(), Fault> {
    match value.get("format") {
        Some(Value::Number(number)) if number.as_i64() != Some(super::FORMAT) => {
            Err(Fault::new("format", format!("{number} is no format of this program"), allowed("format")))
        }
        Some(_) | None => Ok(()),
    }
}

/// The keys that take a list.
const LISTS: [&str; 17] = [
    "catalogue",
    "catalogue.tiers",
    "tiers.levels",
    "promotions",
    "promotions.weekdays",
    "promotions.products",
    "promotions.categories",
    "promotions.channels",
    "promotions.customer_types",
    "promotions.tiers",
    "activities.custom",
    "order_types",
    "earn.rates",
    "earn.multipliers",
    "earn.exclude.products",
    "earn.exclude.categories",
    "earn.exclude.customer_types",
];

/// A list must not stand for the values of an object in their order.
fn refuse_lists(value: &Value, path: &str) -> Result<(), Fault> {
    match value {
        Value::Array(items) if LISTS.contains(&without_places(path).as_str()) && !path.ends_with(']') => {
            let item = |(index, item)| refuse_lists(item, &format!("{path}[{index}]"));
            items.iter().enumerate().try_for_each(item)
        }
        Value::Array(_) => {
            Err(Fault::new(if path.is_empty() { "document" } else { path }, "a list cannot stand here", allowed(path)))
        }
        Value::Object(map) => map.iter().try_for_each(|(key, value)| refuse_lists(value, &joined(path, key))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
    }
}

/// What the reader of types says, in plain words.
fn misfit(path: &str, error: &serde_json::Error) -> Fault {
    let path = if path == "." { "" } else { path };
    let message = without_place(&error.to_string()).to_owned();
    let (said, expected) = message.split_once(", expected ").unwrap_or((&message, ""));
    let quoted = |prefix: &str| said.strip_prefix(prefix).map(|it| it.trim_matches('`'));
    if let Some(key) = quoted("missing field ") {
        let path = joined(path, key);
        return Fault::new(&path, "the key is missing", allowed(&path));
    }
    if let Some(key) = quoted("duplicate field ") {
        let path = if path.ends_with(key) { path.to_owned() } else { joined(path, key) };
        return Fault::new(&path, "the key stands here twice", "each key once");
    }
    if let Some(key) = quoted("unknown field ") {
        let path = if path.rsplit('.').next() == Some(key) { path.to_owned() } else { joined(path, key) };
        return Fault::new(&path, "there is no such key", one_of(expected));
    }
    let path = if path.is_empty() { "document" } else { path };
    if let Some(name) = quoted("unknown variant ") {
        return Fault::new(path, format!("\"{name}\" is not known"), allowed(path));
    }
    let seen = said.strip_prefix("invalid type: ").or_else(|| said.strip_prefix("invalid value: "));
    // Where a name or an object may stand, the reader does not say what it saw.
    let what =
        seen.map_or_else(|| "this value cannot stand here".to_owned(), |it| format!("{} cannot stand here", plain(it)));
    Fault::new(path, what, allowed(path))
}

/// A path without the places in lists: `earn.rates[0].per` is `earn.rates.per`.
pub(super) fn without_places(path: &str) -> String {
    path.split('[').enumerate().fold(String::new(), |said, (index, part)| {
        said + if index == 0 { part } else { part.split_once(']').map_or(part, |(_, rest)| rest) }
    })
}

fn joined(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// "one of `a`, `b`" as "a, b"; the key for editors is left out.
fn one_of(expected: &str) -> String {
    let names = expected.split('`').skip(1).step_by(2).filter(|it| !it.starts_with('$'));
    names.collect::<Vec<_>>().join(", ")
}

/// A value as serde describes it (`string "x"`, "integer `12`", `map`) as people see it.
fn plain(seen: &str) -> String {
    let value = ["string ", "integer ", "floating point ", "boolean "].iter().find_map(|it| seen.strip_prefix(it));
    match (value, seen) {
        (Some(value), _) => value.trim_matches('`').to_owned(),
        (None, "map") => "an object".to_owned(),
        (None, "unit variant") => "a name alone".to_owned(),
        (None, other) => other.to_owned(),
    }
}

fn without_place(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(before, _)| before)
}
