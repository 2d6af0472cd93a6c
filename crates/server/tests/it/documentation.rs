//! docs/PROGRAM.md is held against the program: its documents can be read, what it says they do is what they do, and it
//! names every key.

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
