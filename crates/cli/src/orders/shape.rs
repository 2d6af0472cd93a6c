//! What the reader of JSON says of an order that has another shape, in the words of a shop: what stands there, and what is
//! allowed. The reader's own words name types of the program.

/// The path of a fault, and what is wrong there.
pub(super) fn fault(path: &str, message: &str) -> (String, String) {
    let message = message.rsplit_once(" at line ").map_or(message, |(before, _)| before);
    let path = if path == "." { "" } else { path };
    if let Some(key) = quoted(message, "missing field ") {
        return (join(path, key), "the key is missing; it must be there".to_owned());
    }
    if let Some(key) = quoted(message, "duplicate field ") {
        return (join(path, key), "the key stands here twice; allowed is each key once".to_owned());
    }
    let path = if path.is_empty() { "order".to_owned() } else { path.to_owned() };
    if message.starts_with("unknown field ") {
        let known = message.split_once(", expected ").map_or("", |(_, known)| known);
        let known = known.trim_start_matches("one of ").replace('`', "");
        return (path, format!("there is no such key; allowed are {known}"));
    }
    if let Some(word) = quoted(message, "unknown variant ") {
        let known = message.split_once(", expected ").map_or("", |(_, known)| known);
        let known = known.trim_start_matches("one of ").replace('`', "\"");
        return (path, format!("\"{word}\" cannot stand here; allowed is {known}"));
    }
    let invalid = message.strip_prefix("invalid type: ").or_else(|| message.strip_prefix("invalid value: "));
    let Some((found, expected)) = invalid.and_then(|it| it.split_once(", expected ")) else {
        return (path, message.to_owned());
    };
    let allowed = allowed(path.rsplit('.').next().unwrap_or_default(), expected);
    (path, format!("{} cannot stand here; allowed is {allowed}", found_in_words(found)))
}

/// The word in backticks behind a beginning.
fn quoted<'a>(message: &'a str, beginning: &str) -> Option<&'a str> {
    message.strip_prefix(beginning)?.strip_prefix('`')?.split('`').next()
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
        (_, "u32" | "u64") => "a whole number from 0 on, without quotes".to_owned(),
        (_, "i64") => "a whole number without quotes".to_owned(),
        (_, "a boolean") => "true or false".to_owned(),
        ("lines" | "returns", _) => "a list of objects, [{\"key\": value, …}, …]".to_owned(),
        (_, expected) if expected.starts_with("struct ") => "an object with keys, {\"key\": value, …}".to_owned(),
        (_, expected) => expected.to_owned(),
    }
}

#[test]
fn faults_are_told_in_the_words_of_a_shop() {
    let check = |path: &str, message: &str, expected: (&str, &str)| {
        assert_eq!(fault(path, message), (expected.0.to_owned(), expected.1.to_owned()));
    };
    check(".", "missing field `placed_at` at line 1 column 9", ("placed_at", "the key is missing; it must be there"));
    check(
        "lines[0]",
        "duplicate field `id` at line 1 column 9",
        ("lines[0].id", "the key stands here twice; allowed is each key once"),
    );
    check(
        "total",
        "unknown field `total`, expected one of `member`, `at` at line 1 column 9",
        ("total", "there is no such key; allowed are member, at"),
    );
    check(
        "lines[0].kind",
        "unknown variant `service`, expected `goods` or `gift_card`",
        ("lines[0].kind", "\"service\" cannot stand here; allowed is \"goods\" or \"gift_card\""),
    );
    check(
        "lines[0].quantity",
        "invalid value: integer `-1`, expected u32",
        ("lines[0].quantity", "-1 cannot stand here; allowed is a whole number from 0 on, without quotes"),
    );
    check(
        "lines[0].amount",
        "invalid type: integer `10`, expected a string",
        ("lines[0].amount", "10 cannot stand here; allowed is a decimal amount in quotes such as \"30.98\""),
    );
    check(
        "redeem",
        "invalid type: string \"lots\", expected i64",
        ("redeem", "\"lots\" cannot stand here; allowed is a whole number without quotes"),
    );
    check(
        "lines",
        "invalid type: string \"x\", expected a sequence",
        ("lines", "\"x\" cannot stand here; allowed is a list of objects, [{\"key\": value, …}, …]"),
    );
}
