//! What is sent: the order document on the wire, and names as they may stand in an address.

use anyhow::Result;
use engine::Document;
use serde_json::{Value, json};
use server::wire::order::OrderDocument;

use crate::scenario::backend::FactsChange;

/// A document as a shop would send it.
pub(super) fn order_document(
    document: &Document,
    exponent: u8,
    member: Option<String>,
    hold: Option<String>,
) -> Result<Value> {
    let wire = OrderDocument::of(document, exponent, member, hold);
    Ok(serde_json::to_value(wire)?)
}

/// A name as it may stand in an address.
pub(super) fn escaped(name: &str) -> String {
    let byte = |it: u8| match it {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(it).to_string(),
        _ => format!("%{it:02X}"),
    };
    name.bytes().map(byte).collect()
}

/// What a change names, and nothing else.
pub(super) fn facts_named(change: &FactsChange) -> Value {
    let mut body = serde_json::Map::new();
    if let Some(customer_type) = &change.customer_type {
        body.insert("customer_type".to_owned(), json!(customer_type));
    }
    if let Some(birthday) = change.birthday {
        body.insert("birthday".to_owned(), json!(birthday.map(|it| it.to_string())));
    }
    Value::Object(body)
}

#[test]
fn names_are_escaped_byte_by_byte() {
    assert_eq!(escaped("card:7/ä b"), "card%3A7%2F%C3%A4%20b");
    assert_eq!(escaped("A-17_.~"), "A-17_.~");
}
