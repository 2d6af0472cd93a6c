//! No statement of the store joins tables: on a database that is spread by owner, a join of two owners would ask every machine.

use super::{Text, assert_none, rust_files};

#[test]
fn no_statement_joins_tables() {
    let of_the_store = |it: &&Text| it.path.starts_with("crates/store/src/");
    assert_none(
        "ask twice, each time for one owner:",
        &rust_files().iter().filter(of_the_store).flat_map(joins).collect::<Vec<_>>(),
    );
}

fn joins(file: &Text) -> Vec<String> {
    let words: Vec<&str> = file.body.split_whitespace().collect();
    let is_name = |it: &&&str| it.chars().all(|it| it.is_ascii_alphanumeric() || it == '_' || it == ',');
    let is_join = |at: usize| {
        let mut tables = words[at + 1..].iter().take(3).take_while(is_name).take_while(|it| **it != "WHERE");
        // Rows of an array are no table.
        (words[at] == "JOIN" && words.get(at + 1) != Some(&"LATERAL"))
            || (words[at] == "FROM" && tables.any(|it| it.ends_with(',')))
    };
    (0..words.len()).filter(|at| is_join(*at)).map(|at| format!("{}: … {}", file.path, near(&words, at))).collect()
}

fn near(words: &[&str], at: usize) -> String {
    words[at.saturating_sub(3)..words.len().min(at + 5)].join(" ")
}

#[test]
fn joins_are_seen() {
    let found = |body: &str| joins(&Text { path: "a.rs".to_owned(), body: body.to_owned() }).len();
    assert_eq!(found("\"SELECT 1 FROM lots JOIN orders USING (owner_id)\""), 1);
    assert_eq!(found("\"SELECT 1 FROM lots, orders WHERE lots.no = orders.no\""), 1);
    assert_eq!(found("\"SELECT 1 FROM lots AS l, orders AS o\""), 1);
    assert_eq!(found("\"SELECT no, at FROM lots WHERE owner_id = $1 ORDER BY at, no\""), 0);
    assert_eq!(found("\"SELECT 1 FROM lots\", params![it, other]"), 0);
}
