//! Reading goes through views: what a command or screen asks must still be a look-up or one range of the tree.

use engine::Timestamp;

use crate::claim::CLAIM;
use crate::load::{ACCOUNT, ENTRY, HOLD_CLOSED, HOLDS, LOT_AT, LOT_NUMBERED, LOTS_OF_PHASE, ORDER, ORDERS_LAST, YEARS};
use crate::migrate::migrate;
use crate::query::{
    ACCOUNTS_OF, CLAIMS_BEFORE, CLAIMS_WAITING, ENTRIES_AFTER, ENTRIES_BEFORE, EXPIRIES, HOLDS_PAGE, LOTS_NUMBERED,
    LOTS_PAGE, OPEN_LOTS, ORDER_NAME, ORDERS_AFTER, ORDERS_BEFORE,
};
use crate::sql::Connection;

fn plan(conn: &Connection, select: &str) -> String {
    let file = conn.file().expect("a database of SQLite");
    let mut statement = file.prepare(&format!("EXPLAIN QUERY PLAN {select}")).expect("a statement");
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().expect("a step") {
        steps.push(row.get::<_, String>(3).expect("its text"));
    }
    steps.join("; ")
}

#[test]
fn what_is_asked_of_an_account_is_one_range_of_the_tree() {
    let conn = Connection::from(rusqlite::Connection::open_in_memory().expect("a database"));
    migrate(&conn, Timestamp::START).expect("the schema");
    let key = "SEARCH ledger USING PRIMARY KEY (owner_id=? AND program=? AND part=? AND phase=?";
    let one = format!("{key} AND sort_at=? AND earned_at=? AND no=?)");
    let run = format!("{key} AND sort_at=? AND earned_at=?)");
    let of_phase = format!("{key})");
    let of_part = "SEARCH ledger USING PRIMARY KEY (owner_id=? AND program=? AND part=?)";
    let last = "SELECT entry_no FROM entries WHERE owner_id = $1 AND program = $2 AND $3 < entry_no ORDER BY entry_no";
    let due = "SELECT due_at, owner_id, program FROM accounts
        WHERE due_at <= $1 AND ($2, $3, $4) < (due_at, owner_id, program) ORDER BY due_at, owner_id, program LIMIT $5";
    for (select, expected) in [
        (ACCOUNT, one.as_str()),
        (LOTS_OF_PHASE, &of_phase),
        (LOT_AT, &one),
        (LOT_NUMBERED, of_part),
        (CLAIM, of_part),
        (HOLDS, &run),
        (HOLD_CLOSED, &one),
        (ORDER, &one),
        (ORDERS_LAST, &run),
        (YEARS, &format!("{key} AND sort_at=? AND earned_at=? AND no>? AND no<?)")),
        (ENTRY, &one),
        (last, &format!("{key} AND sort_at=? AND earned_at=? AND no>?)")),
        (due, "SEARCH ledger USING COVERING INDEX ledger_due ((due_at,owner_id,program)>(?,?,?) AND due_at<?)"),
    ] {
        assert_eq!(plan(&conn, select), expected, "{select}");
    }
}

#[test]
fn a_page_of_a_list_costs_what_it_holds() {
    let conn = Connection::from(rusqlite::Connection::open_in_memory().expect("a database"));
    migrate(&conn, Timestamp::START).expect("the schema");
    let key = "SEARCH ledger USING PRIMARY KEY (owner_id=? AND program=? AND part=?";
    let numbered = format!("{key} AND phase=? AND sort_at=? AND earned_at=? AND no");
    let names = "CORRELATED SCALAR SUBQUERY 1; SEARCH channels USING INTEGER PRIMARY KEY (rowid=?)";
    for (select, expected) in [
        (ENTRIES_AFTER, format!("{numbered}>?)")),
        (ENTRIES_BEFORE, format!("{numbered}<?)")),
        (ORDERS_AFTER, format!("{numbered}>?)")),
        (ORDERS_BEFORE, format!("{numbered}<?)")),
        (HOLDS_PAGE, format!("{numbered}>?)")),
        (LOTS_PAGE, format!("{key} AND phase=? AND (sort_at,earned_at,no)>(?,?,?))")),
        (ORDER_NAME, format!("{numbered}=?); {names}")),
        (EXPIRIES, format!("{key} AND phase=?); USE TEMP B-TREE FOR GROUP BY")),
        (OPEN_LOTS, format!("{key} AND phase=?)")),
        (
            CLAIMS_WAITING,
            "SEARCH ledger USING INDEX ledger_claims (program=? AND (sort_at,owner_id,no)>(?,?,?))".to_owned(),
        ),
        // All claims of one account.
        (CLAIMS_BEFORE, format!("{key}); USE TEMP B-TREE FOR ORDER BY")),
        // These two look through more than they answer: all lots of one account, all programs.
        (LOTS_NUMBERED, format!("{key})")),
        (ACCOUNTS_OF, format!("SCAN programs; CORRELATED SCALAR SUBQUERY 1; {numbered}=?)")),
    ] {
        assert_eq!(plan(&conn, select), expected, "{select}");
    }
}
