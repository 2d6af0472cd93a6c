//! The house rules: what a reviewer would otherwise have to look for in every change.
//!
//! Each rule is a plain function over text, so that its own tests can show it a bad sample; one more test then holds
//! the function against the project. They read files and `cargo metadata`, and never the network.

mod arrows;
mod docs;
mod engine;
mod joins;
mod licences;
mod metadata;
mod shape;
mod source;
mod specification;

use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the workspace.
fn root() -> PathBuf {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a crate lies in crates/");
    crates.parent().expect("crates/ lies in the project").to_path_buf()
}

/// A file of the project, named as a person would: from the root, with `/`.
struct Text {
    path: String,
    body: String,
}

fn text(path: &str) -> Text {
    let body = fs::read_to_string(root().join(path)).unwrap_or_else(|fault| panic!("{path}: {fault}"));
    Text { path: path.to_owned(), body }
}

/// Folders that are not the project's own text: what is built, what git keeps, what npm installs.
const LEFT_OUT: [&str; 3] = ["target", ".git", "node_modules"];

/// All text files under a folder of the project, in order of their paths; none when the folder does not exist.
/// What is not text is left out as well.
fn texts(folder: &str) -> Vec<Text> {
    let mut found = Vec::new();
    collect(&root().join(folder), &mut found);
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn collect(folder: &Path, found: &mut Vec<Text>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.expect("a folder of the project is readable").path();
        if path.is_dir() {
            if !LEFT_OUT.iter().any(|name| path.ends_with(name)) {
                collect(&path, found);
            }
        } else if let Ok(body) = fs::read_to_string(&path) {
            let inside = path.strip_prefix(root()).expect("the walk starts at the root");
            found.push(Text { path: inside.to_string_lossy().replace('\\', "/"), body });
        }
    }
}

fn rust_files() -> Vec<Text> {
    let mut files = texts("crates");
    files.retain(|file| file.path.ends_with(".rs"));
    assert!(!files.is_empty(), "a project without a Rust file is not this one");
    files
}

/// Fails with all findings at once, one a line.
#[track_caller]
fn assert_none(rule: &str, findings: &[String]) {
    assert!(findings.is_empty(), "{rule}\n  {}\n", findings.join("\n  "));
}
