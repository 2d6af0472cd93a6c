//! What the engine's sources must not contain, beyond what its lints can see: the same input gives the same entries,
//! to the point and to the byte, on every machine and at any time.

use super::source::{code_of, words};
use super::{Text, assert_none, texts};

/// The two files that divide, each division with its rounding and its reason.
const MAY_DIVIDE: [&str; 2] = ["crates/engine/src/points.rs", "crates/engine/src/money.rs"];

/// Words that must not occur, and why.
const FORBIDDEN_WORDS: [(&str, &str); 8] = [
    ("HashMap", "order is part of the result: BTreeMap"),
    ("HashSet", "order is part of the result: BTreeSet"),
    ("f32", "points and money are whole numbers"),
    ("f64", "points and money are whole numbers"),
    ("SystemTime", "the engine reads no clock"),
    ("Instant", "the engine reads no clock"),
    ("async", "the engine waits for nothing"),
    ("static", "the engine remembers nothing but what it is given"),
];

/// Pieces of code that must not occur, and why.
const FORBIDDEN_PIECES: [(&str, &str); 8] = [
    ("::now(", "the engine reads no clock"),
    ("TimeZone::system", "the machine's time zone decides nothing"),
    ("std::env", "the engine does no I/O"),
    ("std::fs", "the engine does no I/O"),
    ("std::io", "the engine does no I/O"),
    ("std::net", "the engine does no I/O"),
    ("std::process", "the engine does no I/O"),
    ("std::thread", "the engine does one thing after the other"),
];

const DIVISIONS: [&str; 7] = ["/", "%", "div_euclid", "rem_euclid", "checked_div", "checked_rem", "div_ceil"];

#[test]
fn the_engine_is_exact_and_repeatable() {
    let sources = texts("crates/engine/src");
    assert!(!sources.is_empty(), "there is an engine");
    let findings: Vec<String> = sources.iter().flat_map(faults).collect();
    assert_none("not in the engine:", &findings);
}

fn faults(file: &Text) -> Vec<String> {
    let code = code_of(&file.body);
    let may_divide = MAY_DIVIDE.contains(&file.path.as_str());
    let mut found = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut report = |what: &str, why: &str| found.push(format!("{}:{} {what}: {why}", file.path, index + 1));
        for (word, why) in FORBIDDEN_WORDS {
            if words(&without_lifetimes(line)).any(|it| it == word) {
                report(word, why);
            }
        }
        for (piece, why) in FORBIDDEN_PIECES {
            if line.contains(piece) {
                report(piece, why);
            }
        }
        if has_float_literal(line) {
            report("a decimal number", "points and money are whole numbers");
        }
        if has_cast(line) {
            report("as", "a conversion that can lose something says so: From, TryFrom");
        }
        if !may_divide && DIVISIONS.iter().any(|it| line.contains(it)) {
            report("a division", "only points.rs and money.rs divide, and say how they round");
        }
    }
    found
}

/// `&'static str` names a lifetime and keeps no state.
fn without_lifetimes(line: &str) -> String {
    line.replace("'static", "")
}

/// ` as ` that neither renames an import nor names a trait (`<T as Trait>::…`).
fn has_cast(line: &str) -> bool {
    let start = line.trim_start();
    if start.starts_with("use ") || start.starts_with("pub use ") || start.starts_with("pub(crate) use ") {
        return false;
    }
    let is_path = |it: char| it.is_alphanumeric() || it == '_' || it == ':';
    let casts = |(at, _): (usize, &str)| !line[..at].trim_end_matches(is_path).ends_with('<');
    line.match_indices(" as ").any(casts)
}

/// Digits, a point and digits, where the first digits are not themselves the field of a tuple (`pair.0.1`).
fn has_float_literal(line: &str) -> bool {
    line.match_indices('.').any(|(at, _)| {
        let before = line[..at].trim_end_matches(|it: char| it.is_alphanumeric() || it == '_');
        let number = &line[before.len()..at];
        let is_number = number.starts_with(|it: char| it.is_ascii_digit());
        let goes_on = line[at + 1..].starts_with(|it: char| it.is_ascii_digit());
        is_number && goes_on && !before.ends_with('.')
    })
}

fn check(path: &str, body: &str, expected: usize) {
    let file = Text { path: path.to_owned(), body: body.to_owned() };
    let found = faults(&file);
    assert_eq!(found.len(), expected, "{body}: {found:?}");
}

#[test]
fn each_forbidden_thing_is_seen() {
    for body in [
        "use std::collections::HashMap;",
        "let seen: HashSet<u8> = it;",
        "fn f(it: f64) {}",
        "let half = 0.5;",
        "let now = SystemTime::UNIX_EPOCH;",
        "let now = jiff::Timestamp::now();",
        "let zone = TimeZone::system();",
        "static SEEN: u8 = 0;",
        "let it = n as u64;",
        "let it = f(n) as Minor;",
        "let it = a / b;",
        "it %= 2;",
        "let it = a.div_euclid(b);",
        "use std::fs;",
        "pub async fn f() {}",
    ] {
        check("crates/engine/src/earn.rs", body, 1);
    }
}

#[test]
fn what_only_looks_forbidden_is_let_through() {
    for body in [
        "//! as / HashMap 0.5",
        "let it = \"a / b as c\"; // 1.5 %",
        "use std::fmt::Write as _;",
        "let it = <Points as Default>::default();",
        "let it = pair.0.1 + pair.1;",
        "for it in 0..10 {}",
        "fn f(it: &'static str) -> Instants {}",
    ] {
        check("crates/engine/src/earn.rs", body, 0);
    }
    check("crates/engine/src/money.rs", "let it = a.div_euclid(b);", 0);
    check("crates/engine/src/money.rs", "let it = a.div_euclid(b) as i64;", 1);
}
