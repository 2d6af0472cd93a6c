//! A statement for one row, said for many: each placeholder becomes a column of arrays, so that a server reads one statement
//! and plans it once, however many rows it is about.
//!
//! | for one row | for many |
//! |---|---|
//! | `INSERT INTO t (a, b) VALUES ($1, 0)` | `INSERT INTO t (a, b) SELECT many.v1, 0 FROM unnest($1::bigint[]) AS many (v1)` |
//! | `UPDATE t SET a = $1 WHERE b = $2` | `UPDATE t SET a = many.v1 FROM unnest(…) AS many (v1, v2) WHERE b = many.v2` |
//! | `DELETE FROM t WHERE a = $1` | `DELETE FROM t USING unnest(…) AS many (v1) WHERE a = many.v1` |
//! | `SELECT a FROM t WHERE b = $1` | for each row what it answers, with the number of the row behind it |

use std::fmt::Write as _;

/// What changes rows, for arrays of these kinds; nothing for what has no placeholders or another shape.
pub(super) fn change_of_many(sql: &str, kinds: &[&str]) -> Option<String> {
    if kinds.is_empty() {
        return None;
    }
    let (rows, said) = (rows_of(kinds, ""), named(sql));
    match said.split(' ').next()? {
        "INSERT" => {
            let (into, values) = said.split_once("VALUES (")?;
            let end = closing(values)?;
            Some(format!("{into}SELECT {} FROM {rows}{}", &values[..end], &values[end + 1..]))
        }
        "UPDATE" => {
            let (set, which) = said.split_once("WHERE ")?;
            Some(format!("{set}FROM {rows} WHERE {which}"))
        }
        "DELETE" => {
            let (from, which) = said.split_once("WHERE ")?;
            Some(format!("{from}USING {rows} WHERE {which}"))
        }
        _ => None,
    }
}

/// What asks, for arrays of these kinds. The number of the row comes last, counted from one. `OFFSET 0` keeps the question as
/// it is: it is asked once for each row, through its key, whatever the server believes about the size of a table.
pub(super) fn query_of_many(sql: &str, kinds: &[&str]) -> Option<String> {
    if kinds.is_empty() || !sql.starts_with("SELECT ") {
        return None;
    }
    let (rows, said) = (rows_of(kinds, " WITH ORDINALITY"), named(sql));
    Some(format!("SELECT found.*, many.number FROM {rows} CROSS JOIN LATERAL ({said} OFFSET 0) AS found"))
}

/// What is changed in which order, whatever came first: what goes makes room for what comes, which may change after.
pub(super) fn turn(sql: &str) -> u8 {
    match sql.as_bytes().first() {
        Some(b'D') => 0,
        Some(b'I') => 1,
        _ => 2,
    }
}

fn rows_of(kinds: &[&str], numbered: &str) -> String {
    let (mut arrays, mut names) = (String::new(), String::new());
    for (number, kind) in (1..).zip(kinds) {
        let comma = if number == 1 { "" } else { ", " };
        // Writing to text does not fail.
        let _ = write!(arrays, "{comma}${number}::{kind}[]");
        let _ = write!(names, "{comma}v{number}");
    }
    let number = if numbered.is_empty() { "" } else { ", number" };
    format!("unnest({arrays}){numbered} AS many ({names}{number})")
}

/// With columns in the place of placeholders.
fn named(sql: &str) -> String {
    sql.replace('$', "many.v")
}

/// Where the bracket closes that was opened before.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    text.char_indices().find_map(|(index, it)| {
        depth += match it {
            '(' => 1,
            ')' => -1,
            _ => 0,
        };
        (depth == 0).then_some(index)
    })
}

#[cfg(test)]
mod tests {
    use super::{change_of_many, query_of_many, turn};

    #[test]
    fn what_is_said_for_one_row_is_said_for_many() {
        let two = ["bytea", "bigint"];
        for (one, many) in [
            (
                "INSERT INTO t (a, b, c) VALUES ($1, 0, lower($2)) ON CONFLICT (a) DO UPDATE SET b = t.b + excluded.b",
                "INSERT INTO t (a, b, c) SELECT many.v1, 0, lower(many.v2) FROM unnest($1::bytea[], $2::bigint[]) AS many (v1, v2) \
                 ON CONFLICT (a) DO UPDATE SET b = t.b + excluded.b",
            ),
            (
                "UPDATE t SET a = $1\n WHERE b = $2 AND c = 0",
                "UPDATE t SET a = many.v1\n FROM unnest($1::bytea[], $2::bigint[]) AS many (v1, v2) WHERE b = many.v2 AND c = 0",
            ),
            (
                "DELETE FROM t WHERE a = $1 AND b = $2",
                "DELETE FROM t USING unnest($1::bytea[], $2::bigint[]) AS many (v1, v2) WHERE a = many.v1 AND b = many.v2",
            ),
        ] {
            assert_eq!(change_of_many(one, &two).as_deref(), Some(many));
        }
        assert_eq!(
            query_of_many("SELECT a FROM t WHERE b = $1 LIMIT $2", &two).as_deref(),
            Some(
                "SELECT found.*, many.number FROM unnest($1::bytea[], $2::bigint[]) WITH ORDINALITY AS many (v1, v2, number) \
                 CROSS JOIN LATERAL (SELECT a FROM t WHERE b = many.v1 LIMIT many.v2 OFFSET 0) AS found"
            )
        );
        assert_eq!(change_of_many("UPDATE t SET a = 1", &[]), None);
        assert_eq!(query_of_many("SELECT 1", &[]), None);
    }

    #[test]
    fn what_goes_makes_room_for_what_comes() {
        let mut all = ["UPDATE t SET a = $1", "INSERT INTO t (a) VALUES ($1)", "DELETE FROM t WHERE a = $1"];
        all.sort_by_key(|it| turn(it));
        assert_eq!(all.map(|it| it.split(' ').next()), [Some("DELETE"), Some("INSERT"), Some("UPDATE")]);
    }
}
