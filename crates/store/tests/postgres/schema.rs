//! The tables of PostgreSQL are those of SQLite: the same columns of the same kinds, the same keys, the same views.

use crate::place::{in_file, url};
use crate::raw::Raw;
use crate::shop::compile;
use store::{Options, Store};

/// What a ledger of PostgreSQL consists of, after it was made by opening it.
fn of_server(what: &str) -> Vec<String> {
    let url = url();
    let options = Options { create: true, ..Options::new(compile) };
    drop(Store::open(&url.parse().expect("an address"), options).expect("a new ledger"));
    Raw::connect(&url).rows(what)
}

fn of_file(what: &str) -> Vec<String> {
    let shop = in_file();
    drop(shop.open());
    let conn = rusqlite::Connection::open(shop.path()).expect("the file");
    let mut statement = conn.prepare(what).expect(what);
    let columns = statement.column_count();
    let row = |row: &rusqlite::Row<'_>| {
        let columns: Result<Vec<String>, _> = (0..columns).map(|it| row.get::<_, String>(it)).collect();
        columns.map(|it| it.join(","))
    };
    statement.query_map([], row).and_then(Iterator::collect).expect(what)
}

#[test]
fn tables_and_views_have_the_same_columns_of_the_same_kinds() {
    let server = "SELECT table_name, column_name,
            CASE data_type WHEN 'bigint' THEN 'INTEGER' WHEN 'bytea' THEN 'BLOB' WHEN 'text' THEN 'TEXT' ELSE data_type END,
            CASE is_nullable WHEN 'YES' THEN 'NULL' ELSE 'NOT NULL' END
        FROM information_schema.columns WHERE table_schema = current_schema()
            AND table_name IN (SELECT table_name FROM information_schema.tables
                WHERE table_schema = current_schema() AND table_type = 'BASE TABLE')
        ORDER BY table_name COLLATE \"C\", ordinal_position";
    let file = "SELECT m.name, c.name, c.type, CASE c.\"notnull\" WHEN 0 THEN 'NULL' ELSE 'NOT NULL' END
        FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
        WHERE m.type = 'table' ORDER BY m.name, c.cid";
    let (server, file) = (of_server(server), of_file(file));
    assert!(100 < file.len(), "{file:?}");
    assert_eq!(server, file);

    let server = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()
        ORDER BY table_name COLLATE \"C\", ordinal_position";
    let file = "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c
        WHERE m.type IN ('table', 'view') ORDER BY m.name, c.cid";
    assert_eq!(of_server(server), of_file(file));
}

#[test]
fn keys_have_the_same_columns_in_the_same_order() {
    let server = "SELECT t.relname, string_agg(a.attname, ' ' ORDER BY k.place), CASE WHEN i.indisprimary THEN 'key' ELSE 'unique' END
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
            JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place) ON true
            JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number
        WHERE t.relnamespace = CAST(current_schema() AS regnamespace) AND i.indisunique
        GROUP BY t.relname, i.indexrelid, i.indisprimary";
    let file = "SELECT name, key, kind FROM (
            SELECT m.name AS name, group_concat(c.name, ' ') AS key, 'key' AS kind
            FROM sqlite_schema AS m, (SELECT * FROM sqlite_schema) AS t, pragma_table_info(m.name) AS c
            WHERE m.type = 'table' AND t.name = m.name AND 0 < c.pk GROUP BY m.name
            UNION ALL
            SELECT m.name, (SELECT group_concat(name, ' ') FROM pragma_index_info(i.name)), 'unique'
            FROM sqlite_schema AS m, pragma_index_list(m.name) AS i WHERE m.type = 'table' AND i.origin = 'u'
        )";
    let (mut server, mut file) = (of_server(server), of_file(file));
    server.sort_unstable();
    file.sort_unstable();
    assert!(15 < file.len(), "{file:?}");
    assert_eq!(server, file);
}

/// docs/operate/scale-out.md spreads each table, by a column that every unique key of it has.
#[test]
fn the_statements_that_spread_the_tables_name_each_and_fit_its_keys() {
    let text = include_str!("../../../../docs/operate/scale-out.md");
    let said = |line: &str| -> Vec<String> { line.split('\'').skip(1).step_by(2).map(str::to_owned).collect() };
    let statements = text.lines().filter(|it| it.starts_with("SELECT create_")).map(said);
    let mut spread = std::collections::BTreeMap::new();
    for statement in statements {
        let by = statement.get(1).filter(|_| statement.len() != 1).cloned();
        assert!(spread.insert(statement[0].clone(), by).is_none(), "{statement:?} is spread once");
    }
    let tables = "SELECT table_name FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'";
    let tables: std::collections::BTreeSet<String> = of_server(tables).into_iter().collect();
    assert_eq!(spread.keys().cloned().collect::<std::collections::BTreeSet<_>>(), tables);
    let keys = "SELECT t.relname, string_agg(a.attname, ' ')
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
            JOIN unnest(i.indkey) AS k (number) ON true
            JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number
        WHERE t.relnamespace = CAST(current_schema() AS regnamespace) AND i.indisunique
        GROUP BY t.relname, i.indexrelid";
    for key in of_server(keys) {
        let (table, columns) = key.split_once(',').expect("two columns");
        if let Some(by) = &spread[table] {
            assert!(columns.split(' ').any(|it| it == by), "{table} is spread by {by}, its key is {columns}");
        }
    }
}

/// What can be spread by owner leads with it; directory tables have one column as their key; what is left is small.
#[test]
fn keys_are_fit_for_a_database_that_is_spread_over_machines() {
    let server = "SELECT t.relname, string_agg(a.attname, ' ' ORDER BY k.place)
        FROM pg_index AS i JOIN pg_class AS t ON t.oid = i.indrelid
            JOIN unnest(i.indkey) WITH ORDINALITY AS k (number, place) ON true
            JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.number
        WHERE t.relnamespace = CAST(current_schema() AS regnamespace) AND i.indisunique
        GROUP BY t.relname, i.indexrelid";
    let reference =
        ["meta", "migrations", "programs", "versions", "switches", "channels", "keys", "counters", "totals"];
    let directory = ["directory key", "answers key", "tokens hash", "name_words word owner_id"];
    for index in of_server(server) {
        let (table, columns) = index.split_once(',').expect("two columns");
        let is_known = reference.contains(&table) || directory.contains(&format!("{table} {columns}").as_str());
        assert!(is_known || columns.split(' ').next() == Some("owner_id"), "{index}");
    }
}
