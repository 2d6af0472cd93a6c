//! The description of the API: current as published, the same operations as the table of routes, complete.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::Value;
use server::OPERATIONS;

use crate::examples::examples;
use crate::{read, root};

const PUBLISHED: &str = "docs/openapi.json";

fn document() -> Value {
    serde_json::from_str(server::openapi()).expect("JSON")
}

/// The operations of the description, with method and path.
fn operations(document: &Value) -> Vec<(String, String, Value)> {
    let paths = document["paths"].as_object().expect("paths");
    let methods = |(path, item): (&String, &Value)| {
        let item = item.as_object().expect("an object").clone();
        let path = path.clone();
        item.into_iter().map(move |(method, operation)| (method.to_uppercase(), path.clone(), operation))
    };
    paths.iter().flat_map(methods).collect()
}

#[test]
fn the_published_description_is_current() {
    if std::env::var_os("GUERDON_ACCEPT").is_some() {
        fs::write(root().join(PUBLISHED), server::openapi()).expect("docs/ can be written");
    }
    assert!(
        read(PUBLISHED) == server::openapi(),
        "{PUBLISHED} is not current: run `./dev accept` and read the difference"
    );
}

#[test]
fn the_table_of_operations_is_that_of_the_description() {
    let described = operations(&document()).into_iter().map(|(method, path, operation)| {
        let scope = operation["security"][0]["key"][0].as_str().unwrap_or_default().to_owned();
        (method, path, scope)
    });
    let listed =
        OPERATIONS.iter().map(|(method, path, scope)| ((*method).to_owned(), (*path).to_owned(), (*scope).to_owned()));
    let (described, listed): (BTreeSet<_>, BTreeSet<_>) = (described.collect(), listed.collect());
    assert_eq!(described, listed);
    assert_eq!(listed.len(), OPERATIONS.len(), "each once");
}

#[test]
fn every_operation_is_told_and_answers_problems() {
    let tags: BTreeSet<&str> = BTreeSet::from_iter([
        "Orders",
        "Holds",
        "Members",
        "Accounts",
        "Certificates",
        "Credit",
        "Rewards",
        "Cards",
        "Programs",
        "Channels",
        "Keys",
        "Server",
    ]);
    let mut ids = BTreeSet::new();
    for (method, path, operation) in operations(&document()) {
        let place = format!("{method} {path}");
        assert!(operation["summary"].as_str().is_some_and(|it| !it.is_empty()), "{place} has a summary");
        assert!(operation["tags"][0].as_str().is_some_and(|it| tags.contains(it)), "{place} has a tag");
        assert!(
            ids.insert(operation["operationId"].as_str().expect("an id").to_owned()),
            "{place} has an id of its own"
        );
        for status in ["500", "503"] {
            assert!(!operation["responses"][status].is_null(), "{place} answers {status}");
        }
        if operation["requestBody"].is_object() {
            assert_eq!(operation["requestBody"]["required"], true, "{place}");
            for status in ["400", "408", "413", "415", "422"] {
                assert!(!operation["responses"][status].is_null(), "{place} answers {status}");
            }
        }
    }
}

#[test]
fn every_operation_has_an_example() {
    let examples = examples();
    let shown: BTreeSet<&str> = examples.iter().map(|it| it.operation()).collect();
    let ids: Vec<String> =
        operations(&document()).iter().map(|it| it.2["operationId"].as_str().expect("an id").to_owned()).collect();
    for id in &ids {
        assert!(shown.contains(id.as_str()), "{id} has no example");
    }
    for operation in shown {
        assert!(ids.iter().any(|it| it == operation), "an example is of {operation}, which is no operation");
    }
}

/// An example that is not shown would not be missed.
#[test]
fn the_description_shows_every_example() {
    let text = server::openapi();
    for example in examples() {
        if example.value["response"].get("body").is_some() {
            assert!(
                text.contains(&format!("\"{}\":", example.name)),
                "{} is not among the files of api/examples.rs",
                example.name
            );
        }
    }
}

#[test]
fn links_within_the_description_lead_somewhere() {
    fn collect<'a>(value: &'a Value, links: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                links.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|it| collect(it, links));
            }
            Value::Array(items) => items.iter().for_each(|it| collect(it, links)),
            _ => {}
        }
    }
    let document = document();
    let mut links = BTreeSet::new();
    collect(&document, &mut links);
    assert!(20 < links.len(), "{links:?}");
    for link in links {
        let path = link.strip_prefix('#').unwrap_or_else(|| panic!("{link} leads out of the document"));
        assert!(document.pointer(path).is_some(), "{link}");
    }
}

#[test]
fn bodies_that_are_sent_take_no_other_keys() {
    let document = document();
    let schemas = &document["components"]["schemas"];
    let mut seen = BTreeMap::new();
    for (method, path, operation) in operations(&document) {
        let link = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = link.as_str().and_then(|it| it.rsplit('/').next()) else { continue };
        seen.insert(name.to_owned(), format!("{method} {path}"));
    }
    assert!(8 < seen.len(), "{seen:?}");
    for (name, place) in seen
        .into_iter()
        .chain([("Line", "a line"), ("Return", "a return")].map(|it| (it.0.to_owned(), it.1.to_owned())))
    {
        assert_eq!(schemas[&name]["additionalProperties"], false, "{name} of {place}");
    }
}

#[test]
fn nothing_in_the_description_is_null() {
    fn nulls(value: &Value, place: &str, found: &mut Vec<String>) {
        match value {
            Value::Null => found.push(place.to_owned()),
            Value::Object(fields) => {
                // What tests were answered may hold one.
                let told = fields.iter().filter(|it| it.0 != "examples");
                told.for_each(|(key, it)| nulls(it, &format!("{place}/{key}"), found));
            }
            Value::Array(items) => items.iter().for_each(|it| nulls(it, place, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    nulls(&document(), "", &mut found);
    assert_eq!(found, [""; 0]);
}
