//! Files of at most 600 lines, functions of at most 70, and a header on every module.

use super::{Text, assert_none, rust_files};

const FILE_LINES_MAX: usize = 600;
const FUNCTION_LINES_MAX: usize = 70;

#[test]
fn files_stay_short() {
    assert_none("split where the meaning splits:", &in_all(long_file));
}

#[test]
fn functions_stay_short() {
    assert_none("split where the meaning splits:", &in_all(long_functions));
}

#[test]
fn every_module_says_what_it_does() {
    assert_none("the first line starts with `//!`:", &in_all(no_header));
}

fn in_all(rule: impl Fn(&Text) -> Vec<String>) -> Vec<String> {
    rust_files().iter().flat_map(rule).collect()
}

fn long_file(file: &Text) -> Vec<String> {
    let lines = file.body.lines().count();
    let long = FILE_LINES_MAX < lines;
    long.then(|| format!("{} has {lines} lines, at most {FILE_LINES_MAX}", file.path)).into_iter().collect()
}

fn long_functions(file: &Text) -> Vec<String> {
    let lines: Vec<&str> = file.body.lines().collect();
    let mut long = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let length = function_length(&lines[start..]);
        if FUNCTION_LINES_MAX < length {
            let place = format!("{}:{}", file.path, start + 1);
            long.push(format!("{place} {name} has {length} lines, at most {FUNCTION_LINES_MAX}"));
        }
    }
    long
}

fn no_header(file: &Text) -> Vec<String> {
    if file.body.starts_with("//!") { Vec::new() } else { vec![file.path.clone()] }
}

/// The name of the function whose first line this is.
fn function_name(line: &str) -> Option<&str> {
    let (before, named) = line.split_once("fn ")?;
    let qualifies = |word: &str| {
        // `pub(in crate::rule)` is two words, and the second ends with `)`.
        matches!(word, "pub" | "const" | "async" | "extern" | "\"C\"")
            || word.starts_with("pub(")
            || word.ends_with(')')
    };
    if !before.split_whitespace().all(qualifies) {
        return None;
    }
    named.split(['(', '<']).next()
}

/// Lines from a function's first to its last. In formatted code the head ends with the first line that closes it (`{`,
/// `}` or `;`), and the body with the first `}` that is indented like the head.
fn function_length(lines: &[&str]) -> usize {
    let indent = lines[0].len() - lines[0].trim_start().len();
    let head = lines.iter().position(|line| closes_head(line)).unwrap_or(0);
    if !without_comment(lines[head]).ends_with('{') {
        return head + 1;
    }
    let closes = |line: &&str| line.len() == indent + 1 && line.ends_with('}');
    lines.iter().position(closes).map_or(lines.len(), |end| end + 1)
}

fn closes_head(line: &str) -> bool {
    without_comment(line).ends_with(['{', '}', ';'])
}

fn without_comment(line: &str) -> &str {
    line.split(" // ").next().unwrap_or(line).trim_end()
}

fn sample(body: String) -> Text {
    Text { path: "sample.rs".to_owned(), body }
}

fn function_of(lines: usize) -> String {
    let body = "        let _ = 1;\n".repeat(lines - 4);
    format!("    pub(crate) async fn long(\n        first: u8,\n    ) {{ // why\n{body}    }}\n")
}

#[test]
fn a_long_file_is_seen() {
    assert_eq!(long_file(&sample("\n".repeat(600))).len(), 0);
    assert_eq!(long_file(&sample("\n".repeat(601))), ["sample.rs has 601 lines, at most 600"]);
}

#[test]
fn a_long_function_is_seen() {
    let short = format!("impl It {{\n    fn declared(&self);\n{}}}\n", function_of(70));
    assert_eq!(long_functions(&sample(short)), [""; 0]);
    let long = format!("impl It {{\n    fn one() -> u8 {{ 1 }}\n{}}}\n", function_of(71));
    assert_eq!(long_functions(&sample(long)), ["sample.rs:3 long has 71 lines, at most 70"]);
}

#[test]
fn a_function_is_known_by_its_first_line() {
    assert_eq!(function_name("    pub(in crate::rule) async fn spread("), Some("spread"));
    assert_eq!(function_name("    pub const fn spread<T>("), Some("spread"));
    assert_eq!(function_name("fn main() {"), Some("main"));
    assert_eq!(function_name("    /// fn in a comment("), None);
    assert_eq!(function_name("    let it: fn (u8) = g;"), None);
}

#[test]
fn a_missing_header_is_seen() {
    assert_eq!(no_header(&sample("use std::fs;\n".to_owned())), ["sample.rs"]);
    assert_eq!(no_header(&sample("//! Says it.\n".to_owned())), [""; 0]);
}
