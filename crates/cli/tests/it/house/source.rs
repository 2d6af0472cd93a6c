//! Rust source without what people write for people: comments and the insides of strings and characters become blanks.
//!
//! It knows as much of the language as our rules need; line numbers stay as they are.

/// The same text, line by line, in which only code is left.
pub(super) fn code_of(source: &str) -> String {
    let mut code = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (length, is_code) = match first {
            '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), false),
            '/' if rest.starts_with("/*") => (block_comment(rest), false),
            '"' => (quoted(rest, '"'), false),
            '\'' => character(rest).map_or((1, true), |length| (length, false)),
            'r' if !ends_in_word(&code) => raw_string(rest).map_or((1, true), |length| (length, false)),
            _ => (first.len_utf8(), true),
        };
        let (piece, after) = rest.split_at(length);
        if is_code {
            code.push_str(piece);
        } else {
            code.extend(piece.chars().map(|it| if it == '\n' { '\n' } else { ' ' }));
        }
        rest = after;
    }
    code
}

/// Comments may stand inside comments.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_u32;
    let mut at = 0;
    while at < rest.len() {
        let here = &rest[at..];
        if here.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if here.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += here.chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// From the opening quote to behind the closing one.
fn quoted(rest: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, it) in rest.char_indices().skip(1) {
        if it == quote && !escaped {
            return at + 1;
        }
        escaped = it == '\\' && !escaped;
    }
    rest.len()
}

/// A character literal; nothing when the quote opens a lifetime.
fn character(rest: &str) -> Option<usize> {
    let mut chars = rest.chars().skip(1);
    let (inside, after) = (chars.next()?, chars.next()?);
    (inside == '\\' || after == '\'').then(|| quoted(rest, '\''))
}

/// `r"…"` or `r#"…"#`; nothing when the `r` begins a word.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest[1..].chars().take_while(|it| *it == '#').count();
    let opened = 1 + hashes;
    if !rest[opened..].starts_with('"') {
        return None;
    }
    let closing = format!("\"{}", "#".repeat(hashes));
    let inside = opened + 1;
    Some(rest[inside..].find(&closing).map_or(rest.len(), |at| inside + at + closing.len()))
}

fn ends_in_word(code: &str) -> bool {
    // The `b` of a raw byte string is no word.
    let before = code.strip_suffix('b').unwrap_or(code);
    before.ends_with(|it: char| it.is_alphanumeric() || it == '_')
}

/// The words of a line of code: identifiers and numbers.
pub(super) fn words(code: &str) -> impl Iterator<Item = &str> {
    code.split(|it: char| !it.is_alphanumeric() && it != '_').filter(|word| !word.is_empty())
}

#[cfg(test)]
fn check(source: &str, expected: &str) {
    let code = code_of(source);
    assert_eq!(code.lines().count(), source.lines().count(), "lines stay as they are");
    assert_eq!(code.split_whitespace().collect::<Vec<_>>().join(" "), expected, "{source}");
}

#[test]
fn comments_and_texts_are_blank_and_code_stays() {
    check("a // b / c\nd", "a d");
    check("a /* b /* c */ / */ d", "a d");
    check("say(\"a \\\" / b\", c)", "say( , c)");
    check("say(r#\"a \" / b\"#, b\"/\", br\"/\", c)", "say( , b , b , c)");
    check("let it: &'a str = f('/', '\\'', 'ä');", "let it: &'a str = f( , , );");
    check("error / r", "error / r");
    check("\"open", "");
}
