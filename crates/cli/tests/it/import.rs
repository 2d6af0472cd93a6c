//! Importing orders: good and bad lines, twice, and files that are damaged.

use crate::shop::{Shop, assert_has, entries};

const ORDERS: &str = "\
member,reference,placed,amount,currency,version
42,A1,2026-01-10,30.98,EUR,
42,A2,20260111,abc,EUR,
43,A3,2026-01-12T10:00:00Z,12.00,USD,
44,A4,2026-01-13,20.00,,
45,A5,2026-02-30,20.00,,
46,A6,2026-01-13,20.00
47,A7,2999-01-01,5.00,EUR,
42,A1,2026-01-15,40.00,EUR,
";

#[test]
fn bad_lines_are_named_and_the_rest_goes_on_and_again_changes_nothing() {
    let shop = Shop::open();
    shop.file("orders.csv", ORDERS);
    let ran = shop.run("import orders orders.csv --channel web --sign-up --report problems.csv");
    assert_eq!(ran.code, 1);
    assert_has(&ran.out, "8 orders: 2 new or changed, 0 unchanged, 6 refused; 3 members signed up");
    for part in [
        "line 3 (order A2): amount: \"abc\" is not a decimal amount such as 30.98",
        "line 4 (order A3): currency: allowed is EUR, the currency of the program",
        "line 6 (order A5): placed: \"2026-02-30\" is no date",
        "line 7: it has 4 columns; allowed are 6, as in the header",
        "line 8 (order A7): placed: \"2999-01-01\" lies",
        "line 9 (order A1): version: the order was in this file before",
    ] {
        assert_has(&ran.err, part);
    }
    let report = shop.text("problems.csv");
    assert_eq!(report.lines().count(), 7, "{report}");
    assert_eq!(report.lines().next(), Some("line,reference,field,problem"));

    let ledger = shop.ok("export ledger");
    assert_eq!(entries(&ledger), 2, "{ledger}");
    let again = shop.run("import orders orders.csv --channel web --sign-up");
    assert_eq!(again.code, 1);
    assert_has(&again.out, "8 orders: 0 new or changed, 2 unchanged, 6 refused; 0 members signed up");
    assert_eq!(shop.ok("export ledger"), ledger);
    assert_has(&shop.ok("statement 42"), "Can be spent  30");
    shop.ok("verify");
}

#[test]
fn ndjson_brings_flat_lines_and_whole_orders() {
    let shop = Shop::open();
    shop.file(
        "orders.ndjson",
        concat!(
            r#"{"member":"1","reference":"N1","placed":"2026-01-01","amount":"10.00"}"#,
            "\n{\"member\":\"1\",\n",
            r#"{"member":"card:77","reference":"N2","lines":[{"id":"a","amount":"80.00","discount":"5.00"},{"id":"b","kind":"gift_card","amount":"50.00"}],"coupon":"15.00","placed_at":"2026-01-02T09:00:00Z","paid_at":"2026-01-02T09:00:00Z"}"#,
            "\n",
            r#"{"member":"1","reference":"N3","lines":[{"id":"a","amount":"1.00","colour":"red"}],"placed_at":"2026-01-02T09:00:00Z"}"#,
            "\n",
            r#"{"member":"1","reference":"N4","lines":[{"id":"a","amount":"1.00"},{"id":"a","amount":"1.00"}],"placed_at":"2026-01-02T09:00:00Z"}"#,
            "\n",
        ),
    );
    let ran = shop.run("import orders orders.ndjson --channel web --sign-up");
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_has(&ran.out, "5 orders: 2 new or changed, 0 unchanged, 3 refused; 2 members signed up");
    assert_has(&ran.err, "line 2: column 14: this is not JSON");
    assert_has(&ran.err, "line 4 (order N3): lines[0].colour: there is no such key");
    assert_has(&ran.err, "line 5 (order N4): lines[1].id: allowed is an id that no other line of the order has");
    // 75.00 and 50.00 share the coupon: 9.00 and 6.00; the gift card earns nothing.
    assert_has(&shop.ok("statement card:77"), "Can be spent  66");
    let again = shop.run("import orders orders.ndjson --channel web --sign-up");
    assert_has(&again.out, "5 orders: 0 new or changed, 2 unchanged, 3 refused; 0 members");
}

#[test]
fn unknown_members_channels_and_columns_are_refused() {
    let shop = Shop::open();
    shop.file("orders.csv", "member,placed,amount\n9,2026-01-01,1.00\n");
    let ran = shop.run("import orders orders.csv --channel web");
    assert_eq!(ran.code, 1);
    assert_has(&ran.err, "line 2 (order 1): member: there is no member with that identity; sign it up");
    assert_has(&shop.fails(2, "import orders orders.csv --channel till"), "there is no channel till; there are: web");
    let missing = shop.fails(2, "import orders orders.csv --channel web --map amount=Total");
    assert_has(&missing, "there is no column Total; the header has: member, placed, amount");
    assert_has(&shop.fails(2, "import orders orders.csv --channel web --map sum=amount"), "there is no field sum");
    assert_has(&shop.fails(2, "import orders orders.csv --channel web --zone Mars/Base"), "no such time zone");
    assert_has(&shop.fails(2, "import orders missing.csv --channel web"), "missing.csv");
    assert_has(&shop.fails(2, "import orders . --channel web"), "folder");
    assert_has(&Shop::empty().fails(2, "import orders orders.csv --channel web"), "orders.csv");
    let without = Shop::empty();
    without.file("orders.csv", "member,placed,amount\n");
    assert_has(&without.fails(3, "import orders orders.csv --channel web"), "there is no such database");
    assert!(!without.path("guerdon.db").exists());
}

#[test]
fn columns_are_mapped_by_header_or_position_and_dates_mean_noon_there() {
    let shop = Shop::open();
    shop.file("sales.csv", "Card;Receipt;Date;Total\n6001;R1;20260701;15.50\n");
    let mapped = "--map member=Card --map reference=Receipt --map placed=Date --map amount=Total";
    let line = format!("import orders sales.csv --channel web --separator ; --member-kind card --sign-up {mapped}");
    shop.ok(&line);
    assert_has(&shop.ok("export orders"), ",web,R1,2026-07-01T10:00:00Z,");
    shop.file("raw.csv", "x,20260702,15.50,6001\n");
    let positions = "--no-header --map member=4 --map placed=2 --map amount=3 --zone Asia/Tokyo";
    shop.ok(&format!("import orders raw.csv --channel web --member-kind card {positions}"));
    assert_has(&shop.ok("export orders"), ",web,1,2026-07-02T03:00:00Z,");
    assert_has(&shop.ok("statement card:6001"), "Can be spent  30");
}

#[test]
fn later_lines_refund_and_cancel() {
    let shop = Shop::open();
    let head = "member,reference,version,placed,at,cancelled,amount,refunded,redeem\n";
    let lines = "\
1,A,1,2026-01-01,,,100.00,,
1,A,2,2026-01-01,2026-01-05,,100.00,40.00,
1,B,1,2026-01-02,,,30.00,,
1,B,2,2026-01-02,,2026-01-06,30.00,,
1,C,1,2026-01-07,,,30.00,,5000
";
    shop.file("orders.csv", format!("{head}{lines}"));
    let ran = shop.run("import orders orders.csv --channel web --sign-up");
    assert_has(&ran.out, "5 orders: 4 new or changed, 0 unchanged, 1 refused");
    assert_has(&ran.err, "line 6 (order C): redeem: ");
    assert_has(&shop.ok("statement 1"), "Can be spent   60");
    let again = shop.run("import orders orders.csv --channel web --sign-up");
    assert_has(&again.out, "5 orders: 0 new or changed, 4 unchanged, 1 refused");
    shop.ok("verify");
}

#[test]
fn damaged_files_are_told_by_line() {
    let shop = Shop::open();
    let check = |name: &str, content: &[u8], code: i32, expected: &str| {
        shop.file(name, content);
        let ran = shop.run(&format!("import orders {name} --channel web --sign-up"));
        assert_eq!(ran.code, code, "{}{}", ran.out, ran.err);
        assert_has(&ran.err, expected);
    };
    check(
        "latin.csv",
        b"member,placed,amount\nM\xfcller,2026-01-01,1.00\n",
        1,
        "line 2: member: the text is not UTF-8",
    );
    check("nul.csv", b"member,placed,amount\n1,2026-01-01,1\0.00\n", 1, "line 2: amount: the text holds a NUL byte");
    check(
        "cut.csv",
        b"member,placed,amount\n1,2026-01-01,1.00\n1,2026-0",
        1,
        "line 3: it has 2 columns; allowed are 3",
    );
    check(
        "open.csv",
        b"member,placed,amount\n1,2026-01-01,\"1.00\n2,2026-01-01,2.00\n",
        1,
        "line 2: a quoted field is not closed",
    );
    check("wide.csv", b"\xff\xfem\0e\0m\0", 2, "UTF-16");
    check("empty.csv", b"", 2, "the file is empty");
    check("cut.ndjson", b"{\"member\":\"1\",\"placed\":\"2026-01-01\",\"am", 1, "line 1: column");
}

#[test]
fn what_the_rules_refuse_is_told_by_the_column_that_it_came_from() {
    let shop = Shop::open();
    let head = "member,reference,placed,amount,quantity,returned,redeem\n";
    shop.file(
        "orders.csv",
        format!("{head}1,A,2026-01-01,-5.00,,,\n1,B,2026-01-01,5.00,2,5,\n1,C,2026-01-01,5.00,,,9999999999\n"),
    );
    let ran = shop.run("import orders orders.csv --channel web --sign-up");
    assert_eq!(ran.code, 1);
    assert_has(&ran.err, "line 2 (order A): amount: allowed is 0.00 to");
    assert_has(&ran.err, "line 3 (order B): returned: allowed is at most the quantity sold");
    assert_has(&ran.err, "line 4 (order C): redeem: allowed are at most");
}

#[test]
fn a_report_spares_the_database_and_the_file_that_is_read() {
    let shop = Shop::open();
    shop.file("orders.csv", "member,placed,amount\n1,2026-01-01,1.00\n");
    let line = "import orders orders.csv --channel web --sign-up --report";
    assert_has(&shop.fails(2, &format!("{line} guerdon.db")), "a database, which is not overwritten");
    assert_has(&shop.fails(2, &format!("{line} ./orders.csv")), "the file that is read, which is not overwritten");
    assert_has(&shop.ok(&format!("{line} problems.csv")), "1 order: 1 new or changed");
    shop.ok("verify");
}

#[test]
fn many_lines_pass_in_batches() {
    let shop = Shop::open();
    let mut text = String::from("member,placed,amount\n");
    for row in 0..12_000 {
        text.push_str(&format!("{},2026-01-{:02},{}.50\n", row % 500, 1 + row / 1_000, row % 90));
    }
    shop.file("orders.csv", text);
    let out = shop.ok("import orders orders.csv --channel web --sign-up");
    assert_has(&out, "12,000 orders: 12,000 new or changed, 0 unchanged, 0 refused; 500 members signed up");
    let expected: i64 = (0..12_000).map(|row| row % 90).sum();
    let balances = shop.ok("export balances");
    let issued =
        balances.lines().skip(1).map(|it| it.split(',').nth(6).expect("issued").parse::<i64>().expect("points"));
    assert_eq!(issued.sum::<i64>(), expected);
    shop.ok("verify");
}
