//! Looks at every page of a file, and says in our words what SQLite finds wrong with one.

use rusqlite::{Connection, OptionalExtension as _, params};

use crate::fault::{Fault, Found};

/// What a page is that cannot be read, where SQLite does not say which.
const SOME_PAGE: &str = "a page is not what was written to it";

/// Whether all pages are whole and all indexes agree with their tables.
pub(crate) fn check_pages(conn: &Connection) -> Found<()> {
    let answer: String = conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if answer == "ok" { Ok(()) } else { Err(Fault::Damage(told(conn, &answer))) }
}

/// What SQLite says while it reads: it names no page.
pub(crate) fn malformed(message: &str) -> String {
    if message.contains("schema") {
        "the description of its tables is not what was written".to_owned()
    } else {
        SOME_PAGE.to_owned()
    }
}

/// A finding names the page and the tree that it belongs to (`Tree 23 page 28: …`), or an index.
fn told(conn: &Connection, answer: &str) -> String {
    let number = |word: &str| {
        let mut words = answer.split([' ', '\n', ':']).skip_while(|it| *it != word);
        words.nth(1).and_then(|it| it.parse::<u32>().ok())
    };
    if let (Some(tree), Some(page)) = (number("Tree"), number("page")) {
        let of = tree_of(conn, tree).unwrap_or_default();
        return format!("page {page}{of} is not what was written to it");
    }
    if let Some(page) = number("Page") {
        return format!("page {page} belongs to nothing");
    }
    match answer.split_once(" index ") {
        Some((_, index)) => format!("the index {} does not agree with its table", index.trim()),
        None => "its pages contradict one another".to_owned(),
    }
}

fn tree_of(conn: &Connection, root: u32) -> Option<String> {
    let select = "SELECT type, tbl_name FROM sqlite_schema WHERE rootpage = $1";
    let found = conn.query_row(select, params![root], |row| Ok((row.get(0)?, row.get(1)?))).optional();
    let (kind, table): (String, String) = found.ok()??;
    let index = if kind == "index" { "an index of " } else { "" };
    Some(format!(", of {index}the table {table},"))
}

#[test]
fn findings_are_told_in_our_words() {
    let conn = Connection::open_in_memory().expect("a database");
    conn.execute_batch("CREATE TABLE lots (a UNIQUE)").expect("a table");
    let check = |answer: &str, expected: &str| assert_eq!(told(&conn, answer), expected, "{answer}");
    check(
        "*** in database main ***\nTree 2 page 28: btreeInitPage() returns error code 11",
        "page 28, of the table lots, is not what was written to it",
    );
    check(
        "Tree 3 page 9 cell 4: 2nd reference to page 33",
        "page 9, of an index of the table lots, is not what was written to it",
    );
    check("Tree 77 page 78: btreeInitPage() returns error code 11", "page 78 is not what was written to it");
    check("*** in database main ***\nPage 12: never used", "page 12 belongs to nothing");
    check("row 7 missing from index lots_first", "the index lots_first does not agree with its table");
    check("Freelist: size is 3 but should be 4", "its pages contradict one another");
    assert_eq!(malformed("database disk image is malformed"), SOME_PAGE);
    assert_eq!(malformed("malformed database schema (lots)"), "the description of its tables is not what was written");
}
