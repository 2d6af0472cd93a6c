//! docs/PROGRAM.md and docs/API-DESIGN.md are held against the program: documents can be read, what the text says they do is
//! what they do, and it names every key, and every problem with its status.

use std::collections::BTreeMap;

use serde_json::Value;
use server::program::{parse, plain_words, schema};

use crate::read;

/// The code blocks of a kind with their lines.
fn blocks(markdown: &str, kind: &str) -> Vec<(usize, String)> {
    let mut found: Vec<(usize, String)> = Vec::new();
    let mut inside = None;
    for (index, line) in markdown.lines().enumerate() {
        match (line.strip_prefix("```"), inside) {
            (Some(opened), None) => {
                inside = Some(opened == kind);
                if opened == kind {
                    found.push((index + 1, String::new()));
                }
            }
            (Some(_), Some(_)) => inside = None,
            (None, Some(true)) => {
                let (_, block) = found.last_mut().expect("a block was opened");
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}

#[test]
fn the_documents_in_the_documentation_can_be_read() {
    let text = read("docs/PROGRAM.md");
    let documents = blocks(&text, "json");
    assert!(2 < documents.len(), "there are examples");
    for (line, document) in documents {
        let read = parse(&document);
        assert!(read.is_ok(), "docs/PROGRAM.md:{line}: {}", read.unwrap_err());
    }
}

#[test]
fn the_first_document_does_what_the_documentation_says() {
    let text = read("docs/PROGRAM.md");
    let documents = blocks(&text, "json");
    let said = plain_words(&parse(&documents[0].1).unwrap()).unwrap().join("\n") + "\n";
    let told = blocks(&text, "text");
    assert!(told.iter().any(|(_, block)| *block == said), "docs/PROGRAM.md does not tell, as a text block:\n{said}");
}

#[test]
fn the_whole_document_shows_every_default() {
    let text = read("docs/PROGRAM.md");
    let documents = blocks(&text, "json");
    let whole: Value = serde_json::from_str(&documents[1].1).unwrap();
    let short = crate::document("");
    let written = serde_json::to_value(parse(&short).unwrap()).unwrap();
    for (key, default) in written.as_object().unwrap() {
        if !["format", "name", "currency", "time_zone"].contains(&key.as_str()) {
            assert_eq!(&whole[key], default, "{key}");
        }
    }
}

#[test]
fn the_documentation_names_every_key() {
    let text = read("docs/PROGRAM.md");
    let schema: Value = serde_json::from_str(&schema()).unwrap();
    let mut keys = Vec::new();
    collect(&schema, &schema, "", &mut keys);
    assert!(20 < keys.len(), "{keys:?}");
    for key in keys {
        assert!(text.contains(&format!("| `{key}` |")), "docs/PROGRAM.md has no row for `{key}`");
    }
}

/// The codes of problems in the table of docs/API-DESIGN.md, with their statuses.
fn codes_told() -> BTreeMap<String, String> {
    let text = read("docs/API-DESIGN.md");
    let row = |line: &str| {
        let cells: Vec<&str> = line.strip_prefix("| `")?.split(" | ").collect();
        let status = cells.get(1).filter(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_digit()))?;
        Some((cells[0].trim_end_matches('`').to_owned(), (*status).to_owned()))
    };
    text.lines().filter_map(row).collect()
}

#[test]
fn the_documentation_tells_the_problems_of_the_description() {
    let told = codes_told();
    let described: Value = serde_json::from_str(server::openapi()).unwrap();
    let mut seen = 0;
    for response in described["components"]["responses"].as_object().unwrap().values() {
        let text = response["description"].as_str().unwrap();
        let codes = text.split('`').skip(1).step_by(2).filter(|it| told.contains_key(*it));
        seen += codes.count();
    }
    // What the description has not: pages, and addresses and methods that are not described.
    let elsewhere = ["foreign_form", "unknown_link", "method_not_allowed"];
    assert_eq!(seen, told.len() - elsewhere.len(), "{told:?}");
}

#[test]
fn the_documentation_tells_every_code_of_the_source() {
    let told = codes_told();
    let rejections = read("crates/engine/src/rejection.rs");
    let (_, codes) = rejections.split_once("fn code(").unwrap();
    let (codes, _) = codes.split_once("fn fmt").unwrap();
    let codes = codes.lines().filter_map(|it| it.split_once("=> \"")?.1.split('"').next());
    let mut count = 0;
    for code in codes {
        count += 1;
        assert!(told.contains_key(code), "docs/API-DESIGN.md has no row for `{code}`");
    }
    assert!(15 < count, "{count}");
}

/// The paths of all keys that are no objects themselves.
fn collect(schema: &Value, part: &Value, path: &str, keys: &mut Vec<String>) {
    let named = part["$ref"].as_str().and_then(|it| it.strip_prefix("#/$defs/"));
    let part = named.map_or(part, |name| &schema["$defs"][name]);
    match part["properties"].as_object() {
        Some(properties) => {
            for (key, part) in properties {
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                collect(schema, part, &path, keys);
            }
        }
        None => keys.push(path.to_owned()),
    }
}
