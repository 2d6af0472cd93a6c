//! What the reader of JSON says of a value that does not fit, in plain words: what stands there, and what is allowed. The
//! reader's own words name types of the program.

use crate::fault::Fault;

/// The fault, from the path that was tracked and the reader's message.
pub fn fault(path: &str, message: &str) -> Fault {
    let message = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
    let path = if path == "." { "" } else { path };
    if let Some(key) = quoted(message, "missing field ") {
        let allowed = allowed(key, "a value");
        return misfit(&join(path, key), "the key is missing", &allowed);
    }
    if let Some(key) = quoted(message, "duplicate field ") {
        let path = if path.rsplit('.').next() == Some(key) { path.to_owned() } else { join(path, key) };
        return misfit(&path, "the key stands here twice", "each key once");
    }
    if let Some(key) = quoted(message, "unknown field ") {
        let path = if path.rsplit('.').next() == Some(key) { path.to_owned() } else { join(path, key) };
        return misfit(&path, "there is no such key", &listed(message, ""));
    }
    let path = if path.is_empty() { "body" } else { path };
    if let Some(word) = quoted(message, "unknown variant ") {
        return misfit(path, &format!("\"{word}\" cannot stand here"), &listed(message, "\""));
    }
    let invalid = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let key = path.rsplit('.').next().unwrap_or_default();
    match invalid.and_then(|it| it.split_once(", expected ")) {
        Some((found, expected)) => {
            misfit(path, &format!("{} cannot stand here", found_in_words(found)), &allowed(key, expected))
        }
        None if is_number_fault(message) => {
            misfit(path, "this cannot stand here", "a whole number from 0 on, not too large")
        }
        None => match message.split_once("allowed is ") {
            Some((what, allowed)) => misfit(path, what.trim_end_matches([' ', ';', ',']), allowed),
            None => misfit(path, "this cannot stand here", &allowed(key, message)),
        },
    }
}

/// What the reader of addresses says of a text that is no number.
fn is_number_fault(message: &str) -> bool {
    message.starts_with("invalid digit found")
        || message.starts_with("number too large")
        || message.starts_with("cannot parse integer")
}

fn misfit(path: &str, what: &str, allowed: &str) -> Fault {
    let what = if what.is_empty() { "this cannot stand here" } else { what };
    Fault::new(path, what, allowed)
}

/// The word in backticks behind a beginning.
fn quoted<'a>(message: &'a str, beginning: &str) -> Option<&'a str> {
    message.strip_prefix(beginning)?.strip_prefix('`')?.split('`').next()
}

/// The names in backticks that were expected.
fn listed(message: &str, around: &str) -> String {
    let known = message.split_once(", expected ").map_or("", |(_, known)| known);
    let names = known.split('`').skip(1).step_by(2).map(|it| format!("{around}{it}{around}"));
    let names: Vec<String> = names.collect();
    if names.is_empty() { "none at all".to_owned() } else { names.join(", ") }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

/// `string "two"` is "two", "integer `-1`" is -1.
fn found_in_words(found: &str) -> &str {
    match found {
        "map" => "an object",
        "sequence" => "a list",
        _ => match found.split_once('`') {
            Some((_, value)) => value.trim_end_matches('`'),
            None => found.strip_prefix("string ").unwrap_or(found),
        },
    }
}

fn allowed(key: &str, expected: &str) -> String {
    match (key, expected) {
        ("amount" | "discount" | "coupon" | "shipping" | "tax" | "refunded", _) => {
            "a decimal amount in quotes such as \"30.98\"".to_owned()
        }
        (_, "a string") if key == "at" || key.ends_with("_at") => {
            "a time in quotes such as \"2026-03-01T12:00:00Z\"".to_owned()
        }
        (_, "a string") => "a text in quotes".to_owned(),
        (_, "u8" | "u16" | "u32" | "u64" | "usize") => "a whole number from 0 on, without quotes".to_owned(),
        (_, "i32" | "i64") => "a whole number without quotes".to_owned(),
        (_, "a boolean") => "true or false".to_owned(),
        ("lines" | "returns", _) => "a list of objects, [{\"key\": value, …}, …]".to_owned(),
        (word, "unit") => format!("no value behind it: say \"{word}\" alone"),
        (_, expected) if expected.starts_with("struct ") => "an object with keys, {\"key\": value, …}".to_owned(),
        (_, expected) => expected.to_owned(),
    }
}

#[test]
fn faults_are_told_in_the_words_of_a_shop() {
    let check = |path: &str, message: &str, expected: [&str; 3]| {
        let [path_expected, what, allowed] = expected.map(str::to_owned);
        assert_eq!(fault(path, message), Fault { path: path_expected, what, allowed });
    };
    let time = "a value";
    check(".", "missing field `placed_at` at line 1 column 9", ["placed_at", "the key is missing", time]);
    check(
        "lines[0]",
        "duplicate field `id` at line 1 column 9",
        ["lines[0].id", "the key stands here twice", "each key once"],
    );
    check(
        "total",
        "unknown field `total`, expected one of `member`, `at` at line 1 column 9",
        ["total", "there is no such key", "member, at"],
    );
    check(
        "lines[0].kind",
        "unknown variant `service`, expected `goods` or `gift_card`",
        ["lines[0].kind", "\"service\" cannot stand here", "\"goods\", \"gift_card\""],
    );
    check(
        "expires.never",
        "invalid type: boolean `true`, expected unit",
        ["expires.never", "true cannot stand here", "no value behind it: say \"never\" alone"],
    );
    check(
        "lines[0].quantity",
        "invalid value: integer `-1`, expected u32",
        ["lines[0].quantity", "-1 cannot stand here", "a whole number from 0 on, without quotes"],
    );
    check(
        "lines[0].amount",
        "invalid type: integer `10`, expected a string",
        ["lines[0].amount", "10 cannot stand here", "a decimal amount in quotes such as \"30.98\""],
    );
    check(
        "limit",
        "invalid digit found in string",
        ["limit", "this cannot stand here", "a whole number from 0 on, not too large"],
    );
    check(
        "lines",
        "invalid type: string \"x\", expected a sequence",
        ["lines", "\"x\" cannot stand here", "a list of objects, [{\"key\": value, …}, …]"],
    );
}
