//! Where the SQL of the two databases differs: tables are described once, as SQLite reads them, and said here in the words
//! of PostgreSQL. All other statements are those of both.

use std::time::Duration;

/// Nobody writes beside whoever has it, as in a file: the second number keeps the ledgers of one database apart. It comes first
/// in a transaction, so that all that is read behind it is what the writers before have left.
pub(super) const LOCK: &str = "SELECT pg_advisory_xact_lock(1198683246, hashtext(current_schema()))";
/// It is waited for a second at a time: a process that froze holds it shared for longer, and whoever comes behind one that
/// waits waits too. In the pause all that has come goes on.
pub(super) const BEGIN_ALONE: &str = "BEGIN; SET LOCAL lock_timeout = '1s'";
/// Whoever is alone waits for other locks as long as every writer does.
pub(super) const ALONE: &str = "SELECT set_config('lock_timeout', '15s', true)";
pub(super) const ALONE_PAUSE: Duration = Duration::from_secs(1);
pub(super) const ALONE_TURNS: u32 = 8;
/// Others of its kind may write beside it: each locks the rows of its owners. Whoever waits to be alone is let in before those
/// who come later.
pub(super) const LOCK_SHARED: &str = "SELECT pg_advisory_xact_lock_shared(1198683246, hashtext(current_schema()))";
/// One snapshot for all that is read in it.
pub(super) const BEGIN_READING: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// The statements that make tables, as PostgreSQL reads them. Text sorts by its bytes there too.
pub(crate) fn postgres_tables(sqlite: &str) -> String {
    let lines = sqlite.lines().filter(|it| !it.trim_start().starts_with("--"));
    let words = [
        (") STRICT, WITHOUT ROWID", ")"),
        (") STRICT", ")"),
        (" INTEGER", " BIGINT"),
        (" BLOB", " BYTEA"),
        (" TEXT", " TEXT COLLATE \"C\""),
    ];
    let said = |line: &str| words.iter().fold(line.to_owned(), |line, (from, to)| line.replace(from, to));
    lines.map(said).collect::<Vec<_>>().join("\n")
}

#[test]
fn tables_are_said_in_the_words_of_postgresql() {
    let sqlite = "-- Who: TEXT.\nCREATE TABLE a (\n    key BLOB NOT NULL PRIMARY KEY,\n    name TEXT,\n    no INTEGER\n) STRICT, WITHOUT ROWID;\n";
    let postgres =
        "CREATE TABLE a (\n    key BYTEA NOT NULL PRIMARY KEY,\n    name TEXT COLLATE \"C\",\n    no BIGINT\n);";
    assert_eq!(postgres_tables(sqlite), postgres);
}
