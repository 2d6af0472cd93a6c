//! Files of orders as people make them: good ones, and every way to get one wrong.

use engine::{Currency, DocumentVersion, Money, Points, Timestamp, Zone};
use store::IdentityKind;

use super::{CsvFault, CsvFile, CsvShape, Mapping, NdjsonFile, OrderFile, OrderLine, Shop, Trouble};

fn shop() -> Shop {
    Shop {
        zone: Zone::named("America/New_York").expect("a zone"),
        currency: Currency { code: *b"USD", exponent: 2 },
        kind: IdentityKind::Customer,
        latest: Timestamp::parse("2026-11-22T12:00:00Z").expect("a time"),
    }
}

fn csv(text: &[u8], mapped: &[&str], header: bool) -> Vec<Result<OrderLine, Trouble>> {
    let mapping = Mapping::new(mapped.iter().map(|it| it.parse().expect("a mapping")).collect()).expect("no twins");
    let shape = CsvShape { header, separator: b',' };
    all(OrderFile::Csv(Box::new(CsvFile::open(text, &shape, &mapping).expect("the columns fit"))))
}

fn ndjson(text: &[u8]) -> Vec<Result<OrderLine, Trouble>> {
    all(OrderFile::Ndjson(NdjsonFile::new(text, Mapping::default(), false)))
}

fn all(mut file: OrderFile<&[u8]>) -> Vec<Result<OrderLine, Trouble>> {
    let mut lines = Vec::new();
    while let Some(line) = file.next(&shop()).expect("the file can be read") {
        lines.push(line);
    }
    lines
}

/// The problem of the only bad line.
#[track_caller]
fn problem(lines: Vec<Result<OrderLine, Trouble>>) -> String {
    let mut bad = lines.into_iter().filter_map(Result::err);
    let first = bad.next().expect("a line is refused").to_string();
    assert_eq!(bad.next(), None, "only one line is refused");
    first
}

#[test]
fn a_flat_line_becomes_a_paid_order_of_one_line() {
    let text = b"\xef\xbb\xbfmember,placed,amount,quantity,redeem,note\r\n42,20260301,30.98,2,250,\"a, b\"\r\n";
    let lines = csv(text, &[], true);
    let line = lines[0].as_ref().expect("it is good");
    assert_eq!((line.line, line.reference.as_str()), (2, "1"));
    assert_eq!(line.member.as_ref().map(ToString::to_string).as_deref(), Some("customer:42"));
    let document = &line.document;
    assert_eq!(document.placed_at.to_string(), "2026-03-01T17:00:00Z", "noon in New York");
    assert_eq!(document.paid_at, Some(document.placed_at));
    assert_eq!(line.at, document.placed_at);
    assert_eq!((document.lines[0].amount, document.lines[0].quantity), (Money::new(3098), 2));
    assert_eq!((document.redeem, document.version), (Some(Points::new(250)), DocumentVersion::Arrival));
}

#[test]
fn the_latest_date_is_ledger_time_unless_the_line_says_otherwise() {
    let head = "member,placed,amount,paid,cancelled,at,refunded\n";
    let text = format!("{head}1,2026-03-01,5,,2026-03-04,,\n1,2026-03-01,5,2026-03-02,,2026-04-01T00:00:00Z,2.50\n");
    let lines = csv(text.as_bytes(), &[], true);
    let line = lines[0].as_ref().expect("it is good");
    assert_eq!((line.at.to_string().as_str(), line.document.paid_at), ("2026-03-04T17:00:00Z", None));
    let line = lines[1].as_ref().expect("it is good");
    assert_eq!(line.at.to_string(), "2026-04-01T00:00:00Z");
    assert_eq!(line.document.refunded, Money::new(250));
}

#[test]
fn columns_are_mapped_by_name_and_by_position() {
    let lines = csv(b"Card,Total,Day\ncard:77,1.00,2026-01-01\n", &["member=Card", "amount=Total", "placed=Day"], true);
    assert!(lines[0].is_ok(), "{lines:?}");
    let lines = csv(b"x,2026-01-01,7,1.00\n", &["member=3", "amount=4", "placed=2"], false);
    assert_eq!(lines[0].as_ref().expect("it is good").line, 1);
}

#[test]
fn a_bad_field_is_named_with_its_line_and_the_rest_goes_on() {
    let check = |cells: &str, expected: &str| {
        let head = "member,placed,amount,currency,quantity,version,at";
        let text = format!("{head}\n1,2026-01-01,1.00,,,,\n{cells}\n1,2026-01-02,1.00,,,,\n");
        let lines = csv(text.as_bytes(), &[], true);
        assert_eq!(lines.len(), 3);
        assert_eq!(problem(lines), format!("line 3: {expected}"));
    };
    check("1,2026-01-01,abc,,,,", "amount: \"abc\" is not a decimal amount such as 30.98");
    check("1,2026-01-01,1.001,,,,", "amount: \"1.001\" has more digits after the point than the currency");
    check("1,2026-01-01,,,,,", "amount: it is empty; every order needs one");
    check(",2026-01-01,1.00,,,,", "member: it is empty; every order needs one");
    check(
        "email:ana,2026-01-01,1.00,,,,",
        "member: \"email:ana\" cannot be a member's email; allowed is an address such as ana@example.com",
    );
    check(
        "1,31.12.2026,1.00,,,,",
        "placed: \"31.12.2026\" is no date; allowed is a date (2026-03-01 or 20260301) or a time (2026-03-01T12:00:00Z)",
    );
    check("1,2026-12-01,1.00,,,,", "placed: \"2026-12-01\" lies ahead; allowed is at most 5 minutes from now");
    check("1,1960-01-01,1.00,,,,", "placed: \"1960-01-01\" lies outside the years 1970 to 2500");
    check("1,2026-01-01,1.00,eur,,,", "currency: \"eur\" is no currency; allowed is a code such as EUR");
    check(
        "1,2026-01-01,1.00,,-1,,",
        "quantity: \"-1\" cannot stand here; allowed is a whole number from 0 to 1,000,000",
    );
    check(
        "1,2026-01-01,1.00,,2000000,,",
        "quantity: \"2000000\" cannot stand here; allowed is a whole number from 0 to 1,000,000",
    );
    check("1,2026-01-01,1.00,,,new,", "version: \"new\" is neither a number nor a time of change");
    check("1,2026-01-01,1.00,,,,2025-01-01", "at: it lies before a date of the order; allowed is that date or later");
    check("1,2026-01-01", "it has 2 columns; allowed are 7, as in the header");
}

#[test]
fn damaged_files_are_told_by_line() {
    let check = |text: &[u8], expected: &str| assert_eq!(problem(csv(text, &[], true)), expected);
    let good = "member,placed,amount,product\n1,2026-01-01,1.00,a\n";
    check(
        &[good.as_bytes(), b"1,2026-01-01,1.00,M\xfcller\n"].concat(),
        "line 3: product: the text is not UTF-8; allowed is UTF-8",
    );
    check(
        &[good.as_bytes(), b"1,2026-01-01,1.00,a\0b\n"].concat(),
        "line 3: product: the text holds a NUL byte; allowed is text",
    );
    check(
        &[good.as_bytes(), b"1,2026-01-01,1.0"].concat(),
        "line 3: it has 3 columns; allowed are 4, as in the header",
    );
    let cut = "line 3: a quoted field is not closed before the end of the file; is it cut off?";
    check(&[good.as_bytes(), b"1,2026-01-01,1.00,\"a\n1,2026-01-02,1.00,b\n"].concat(), cut);
    check(&[b"\xef\xbb\xbf", good.as_bytes(), b"1,2026-01-01,1.00,\"a\nb,c\n"].concat(), cut);
    let wide = CsvFile::open(&b"\xff\xfem\0e\0"[..], &CsvShape { header: true, separator: b',' }, &Mapping::default());
    assert!(wide.is_err(), "UTF-16 is refused");
}

#[test]
fn a_file_that_is_no_csv_is_told_what_it_is() {
    let check = |text: &[u8], expected: &str| {
        let fault = match CsvFile::open(text, &CsvShape { header: true, separator: b',' }, &Mapping::default()) {
            Ok(_) => panic!("it is refused"),
            Err(CsvFault::Read(error)) => error.to_string(),
            Err(CsvFault::Columns(fault)) => fault.to_string(),
        };
        assert!(fault.contains(expected), "{fault}");
    };
    check(b"", "the file is empty");
    check(b"m\0e\0m\0b\0", "UTF-16");
    check(b"PK\x03\x04rest", "spreadsheet");
    check(b"\x1f\x8b\x08", "compressed");
    check(b"member;placed;amount\n", "say --separator ';'");
    check(b"member\tplaced\tamount\n", "say --separator tab");
    check(b"member,placed,amount,amount\n", "two columns are named amount");
}

#[test]
fn a_quoted_field_may_hold_separators_and_line_ends() {
    let text =
        b"member,placed,amount,note\n1,2026-01-01,1.00,\"two\nlines, and \"\"quotes\"\"\"\n1,2026-01-02,2.00,x\n";
    let lines = csv(text, &[], true);
    let numbers: Vec<u64> = lines.iter().map(|it| it.as_ref().expect("it is good").line).collect();
    assert_eq!(numbers, [2, 4]);
    let text = b"member,placed,amount\r\n\r\n1,2026-01-01,1.00\r\n\r\n\r\n1,2026-01-02,2.00";
    let numbers: Vec<u64> = csv(text, &[], true).iter().map(|it| it.as_ref().expect("it is good").line).collect();
    assert_eq!(numbers, [3, 6], "as an editor counts, blank lines and all");
}

#[test]
fn a_field_without_an_end_does_not_fill_the_memory() {
    let mut text = b"member,placed,amount\n1,2026-01-01,\"".to_vec();
    text.resize(3 << 20, b'x');
    let shape = CsvShape { header: true, separator: b',' };
    let mut file = CsvFile::open(&text[..], &shape, &Mapping::default()).expect("the columns fit");
    assert!(file.next().is_err());
}

#[test]
fn a_line_of_json_is_flat_or_a_whole_order() {
    let text = br#"{"member":"42","placed":"2026-01-01","amount":12.3}

{"member":"card:7","reference":"A-1","version":3,"currency":"USD","lines":[{"id":"a","amount":"10.00","quantity":2},{"id":"b","kind":"gift_card","amount":"5.00"}],"returns":[{"line":"a","quantity":1}],"placed_at":"2026-01-01T10:00:00Z","paid_at":"2026-01-02T10:00:00Z"}
"#;
    let lines = ndjson(text);
    assert_eq!(lines.len(), 2);
    let flat = lines[0].as_ref().expect("it is good");
    assert_eq!((flat.line, flat.document.lines[0].amount), (1, Money::new(1230)));
    let whole = lines[1].as_ref().expect("it is good");
    assert_eq!((whole.line, whole.reference.as_str(), whole.document.lines.len()), (3, "A-1", 2));
    assert_eq!(whole.at.to_string(), "2026-01-02T10:00:00Z");
    assert_eq!(whole.document.version, DocumentVersion::Number(3));
}

#[test]
fn a_bad_line_of_json_is_told_by_line_and_path() {
    let check = |line: &[u8], expected: &str| {
        let good = br#"{"member":"1","placed":"2026-01-01","amount":"1.00"}"#;
        let lines = ndjson(&[good, line, good].join(&b'\n'));
        assert_eq!(lines.len(), 3);
        let problem = problem(lines);
        assert!(problem.starts_with(expected), "{problem}");
    };
    check(br#"{"member":"1","#, "line 2: column 14: this is not JSON; allowed is one whole object a line");
    check(b"[1]", "line 2: this is no JSON object");
    check(b"{\"member\":\"\xfc\"}", "line 2: the text is not UTF-8");
    check(b"{\"member\":\"\0\"}", "line 2: the text holds a NUL byte");
    check(br#"{"member":"1","placed":"2026-01-01","amount":true}"#, "line 2: amount: allowed is a text or a number");
    check(br#"{"member":"1","placed":"2026-01-01","amount":"1","total":2}"#, "line 2: total: there is no such field");
    let whole = |inside: &str| format!(r#"{{"member":"1","placed_at":"2026-01-01T00:00:00Z","lines":[{inside}]}}"#);
    check(
        whole(r#"{"id":"a","amount":"1","sum":1}"#).as_bytes(),
        "line 2: lines[0].sum: there is no such key; allowed is id, product",
    );
    check(
        whole(r#"{"id":"a","amount":1}"#).as_bytes(),
        "line 2: lines[0].amount: 1 cannot stand here; allowed is a decimal amount in quotes",
    );
    check(whole(r#"{"id":"a","amount":"1,0"}"#).as_bytes(), "line 2: lines[0].amount: \"1,0\" is not a decimal amount");
    check(
        br#"{"reference":"A","lines":[],"placed_at":1}"#,
        "line 2 (order A): placed_at: 1 cannot stand here; allowed is a time in quotes",
    );
    check(br#"{"member":"1","lines":[]}"#, "line 2: placed_at: the key is missing");
    check(br#"{"member":"1","member":"2"}"#, "line 2: member: the key stands here twice");
    check(
        br#"{"lines":[],"version":true}"#,
        "line 2: version: this cannot stand here; allowed is a whole number, or a time of change",
    );
    let long = [b"\"".as_slice(), &vec![b'x'; 2 << 20], b"\""].concat();
    check(&long, "line 2: it is longer than 1 MiB");
}
