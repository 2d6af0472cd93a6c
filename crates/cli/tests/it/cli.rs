//! The commands one by one, as a person or a script runs them: what they print, and how they exit.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

use crate::shop::{PROGRAM, Shop, assert_has, entries};

#[test]
fn help_says_how_to_start_and_what_the_exit_codes_mean() {
    let help = Shop::empty().ok("--help");
    for part in ["guerdon demo", "Exit codes:", "--database", "GUERDON_DATABASE", "statement"] {
        assert_has(&help, part);
    }
    let shop = Shop::empty();
    for command in ["demo", "import orders", "export ledger", "statement", "verify", "backup", "restore", "scenario"] {
        assert_has(&shop.ok(&format!("{command} --help")), "Usage: guerdon");
    }
    assert_eq!(shop.run("no-such-command").code, 2);
    assert_eq!(shop.run("").code, 2);
}

#[test]
fn a_program_is_checked_in_plain_words_without_a_database() {
    let shop = Shop::empty();
    shop.file("program.json", PROGRAM);
    let said = shop.ok("program check program.json");
    assert_has(&said, "A member who pays 30.98 earns 30 points");
    assert!(!shop.path("guerdon.db").exists(), "nothing is stored");
}

#[test]
fn a_wrong_program_is_refused_with_the_path_of_the_fault() {
    let shop = Shop::empty();
    let check = |from: &str, to: &str, path: &str| {
        let wrong = PROGRAM.replace(from, to);
        assert_ne!(wrong, PROGRAM);
        shop.file("wrong.json", wrong);
        assert_has(&shop.fails(2, "program check wrong.json"), path);
        assert_has(&shop.fails(2, "program add wrong.json"), path);
    };
    check(r#""per": "1.00""#, r#""per": "1.001""#, "earn.per");
    check("Europe/Zurich", "Europe/Atlantis", "time_zone");
    check(r#""months": 12"#, r#""month": 12"#, "validity");
    check("}\n}", "}", "line ");
    assert_has(&shop.fails(2, "program check missing.json"), "missing.json");
    shop.file("latin.json", b"\xfc");
    assert_has(&shop.fails(2, "program check latin.json"), "UTF-8");
    assert!(!shop.path("guerdon.db").exists(), "nothing was stored");
}

#[test]
fn a_program_has_versions_and_can_be_switched_off() {
    let shop = Shop::open();
    assert_has(&shop.ok("program list"), "Test shop");
    assert_has(&shop.ok("channel list"), "web");
    shop.file("better.json", PROGRAM.replace(r#""points": 1,"#, r#""points": 2,"#));
    assert_has(&shop.ok("program check better.json --order 30.98"), "Order example: earns 61 points");
    assert_has(&shop.fails(2, "program check better.json --order 30,98"), "an amount such as 30.98");
    let preview = shop.ok("program preview better.json");
    assert_has(&preview, "- A member who pays 30.98 earns 30 points");
    assert_has(&preview, "+ A member who pays 30.98 earns 61 points");
    assert_has(&shop.ok("program add better.json --new-version"), "version 2");
    assert_has(&shop.ok("program preview better.json"), "It does what version 2 does.");
    let shown = shop.ok("program show Test_shop");
    assert_has(&shown, "A member who pays 30.98 earns 61 points.");
    assert_has(&shown, "2020-01-01 00:00");
    assert_eq!(shop.ok("program show Test_shop --document"), shop.text("better.json"));
    assert_has(&shop.ok("program off Test_shop"), "is off");
    assert_has(&shop.ok("program list"), "off");
    assert_has(&shop.ok("program on Test_shop --at 2100-01-01"), "is on from 2100-01-01 00:00 on");
    assert_has(&shop.fails(2, "program on Test_shop --at soon"), "--at: \"soon\" is neither a date");
    assert_has(&shop.ok("program on Test_shop"), "is on");
    shop.fails(2, "program show Other");
    shop.fails(1, "program off Other");
    shop.fails(1, "program add program.json");
    shop.fails(1, "channel add till --program Other");
}

#[test]
fn staff_move_dates_give_expired_points_back_and_tell_of_acts() {
    let shop = Shop::empty();
    let program = PROGRAM
        .replace(r#""validity""#, r#""activities": { "custom": [{"name": "review", "points": 5}] }, "validity""#);
    shop.file("program.json", program);
    shop.ok("program add program.json --from 2020-01-01");
    shop.ok("channel add web --program Test_shop");
    shop.file("orders.csv", "member,reference,amount,placed\n42,o1,100.00,2021-05-01\n");
    shop.ok("import orders orders.csv --channel web --sign-up");
    shop.ok("member add --customer 43");
    shop.ok("member add --customer 44");
    assert_has(&shop.fails(1, "reinstate 42 101 --note x"), "100");
    assert_has(&shop.ok("reinstate 42 40 --note our_mistake"), "40 points given back; 40 can be spent now.");
    shop.ok("adjust 43 300 --note welcome");
    assert_has(&shop.ok("act 43 review --reference r1"), "Recorded; 305 points can be spent now.");
    assert_has(&shop.ok("act 43 review --reference r1"), "Recorded; 305 points can be spent now.");
    assert_has(&shop.fails(1, "act 43 visit"), "visit");

    let move_all = "redate --everyone --until 2099-12-31 --note we_move";
    let dry = shop.ok(&format!("{move_all} --dry-run"));
    assert_has(&dry, "345 points in 3 lots of 2 members would get another last day.");
    assert!(!shop.ok("statement 43").contains("31 December 2099"), "nothing was moved");
    assert_has(&shop.ok(move_all), "345 points in 3 lots of 2 members have another last day.");
    assert_has(&shop.ok("statement 43"), "31 December 2099");
    assert_has(&shop.ok(move_all), "0 points in 0 lots of 0 members");
    assert_has(&shop.ok("redate 42 --until never --note goodwill"), "40 points in 1 lot have another last day.");
    let soon = "redate 43 --expiring-by 2098-12-31 --until 2100-12-31 --note x";
    assert_has(&shop.ok(soon), "0 points in 0 lots");
    for refused in ["redate 42 --until 2020-12-31 --note x", "redate --everyone --until 2020-12-31 --note x"] {
        assert_has(&shop.fails(1, refused), "a time ahead");
    }
    assert_has(&shop.fails(2, "redate 42 --until soon --note x"), "soon");
    assert_has(&shop.fails(2, "redate 42 --everyone --until never --note x"), "cannot be used with");
    assert_has(&shop.fails(2, "redate --until never --note x"), "required");
    assert_has(&shop.ok("verify"), "agree");
}

#[test]
fn staff_hand_out_rewards_in_a_run() {
    let shop = Shop::empty();
    let reward =
        r#""convert": { "points": 250, "certificate": { "value": "25.00", "given": "by_staff" } }, "validity""#;
    shop.file("program.json", PROGRAM.replace(r#""validity""#, reward));
    shop.ok("program add program.json --from 2020-01-01");
    for (member, points) in [(42, 620), (43, 249), (44, 250)] {
        shop.ok(&format!("member add --customer {member}"));
        shop.ok(&format!("adjust {member} {points} --note welcome"));
    }
    let dry = shop.ok("collect --everyone --note March --dry-run");
    assert_eq!(dry.lines().filter(|it| it.ends_with(",2") || it.ends_with(",1")).count(), 2, "{dry}");
    let handed_out = shop.ok("collect --everyone --note March");
    assert_eq!(handed_out.lines().filter(|it| it.contains(",25.00,")).count(), 3, "{handed_out}");
    assert!(!shop.ok("collect --everyone --note March").contains("25.00"), "nobody is given twice");
    shop.ok("adjust 43 1 --note welcome");
    assert_has(&shop.ok("collect 43 --note till"), ",25.00,");
    assert_has(&shop.fails(1, "collect 43 --note till"), "There are no points to spend");
    assert_has(&shop.fails(2, "collect --note x"), "required");
    assert_has(&shop.ok("statement 42"), "became certificate 2, worth 25.00");
    assert_has(&shop.ok("verify"), "agree");
}

#[test]
fn staff_adjust_and_hold_points_and_the_statement_says_so() {
    let shop = Shop::open();
    let signed_up = shop.ok("member add --customer 42 --card 6001 --name Ana_Costa");
    assert_has(&signed_up, "mem_");
    assert_has(&shop.ok("member add --customer 42"), "a member already");
    assert_has(&shop.ok("adjust 42 300 --note welcome"), "300 can be spent");
    assert_has(&shop.ok("adjust card:6001 -50 --note counted_twice --reference ticket-1"), "250 can be spent");
    shop.ok("adjust card:6001 -50 --note counted_twice --reference ticket-1");
    assert_has(&shop.ok("hold add customer:42 100 --minutes 20"), "Held now: 100; 150 can be spent");
    assert_has(&shop.ok("hold release 42 1"), "250 can be spent");
    let statement = shop.ok("statement card:6001");
    for part in ["Ana Costa", "customer:42, card:6001", "Can be spent  250  worth 2.50 EUR", "welcome", "counted twice"]
    {
        assert_has(&statement, part);
    }
    assert_eq!(statement.matches("counted twice").count(), 1, "a reference is adjusted once\n{statement}");
    assert_has(&shop.fails(1, "adjust 42 -1000 --note no"), "at most 250 points");
    assert_has(&shop.fails(2, "statement 43"), "there is no member customer:43");
    assert_has(&shop.fails(2, "statement mail:ana"), "is no member");
    let turned = shop.fails(2, "statement 42 --from 2026-03-02 --to 2026-03-01");
    assert_has(&turned, "--from 2026-03-02 lies after --to 2026-03-01");
    assert_has(&shop.ok("statement 42 --to 2020-03-01"), "nothing in these days");
    assert_has(&shop.fails(1, "adjust 42 -5000 --note x"), "That is more than can be spent: at most 250 points");
    assert_has(&shop.fails(2, "adjust 42 1.5 --note x"), "allowed is a whole number such as 250");
    assert_has(&shop.fails(1, "hold add 42 -5"), "points: allowed is 1 to");
    assert_has(&shop.ok("hold add 42 5"), "(Europe/Zurich). Held now: 5");
    assert_has(&shop.ok("statement 42"), "5 of them held");
    assert_has(&shop.fails(2, "adjust 42 5 --note x --program Other"), "there is no program Other");
}

#[test]
fn the_statement_gives_the_reason_of_each_entry() {
    let shop = Shop::open();
    shop.file(
        "orders.csv",
        "member,reference,version,placed,at,amount,redeem,refunded\n\
         42,A1,1,2024-01-10,,300.00,,\n\
         42,A2,1,2024-02-10,,50.00,200,\n\
         42,A2,2,2024-02-10,2024-02-20,50.00,200,10.00\n",
    );
    shop.ok("import orders orders.csv --channel web --sign-up");
    let statement = shop.ok("statement 42");
    for part in [
        "WHEN                POINTS   BALANCE  WHY",
        "2024-01-10 12:00      +300       300  Order web A1: 300 points earned (1 point per 1.00 on 300.00)",
        "2024-02-10 12:00      -200",
        "2025-01-11 00:00",
        "expired",
        "none: no points are left",
    ] {
        assert_has(&statement, part);
    }
    let part = shop.ok("statement 42 --from 2024-02-01 --to 2024-02-28");
    assert!(!part.contains("A1: earned") && part.contains("A2"), "{part}");
}

#[test]
fn export_is_the_same_bytes_for_the_same_ledger() {
    let shop = Shop::open();
    shop.file("orders.csv", "member,placed,amount\n1,2026-01-01,10.50\n2,2026-01-02,20.00\n");
    shop.ok("import orders orders.csv --channel web --sign-up");
    let ledger = shop.ok("export ledger");
    assert_eq!(entries(&ledger), 2, "{ledger}");
    shop.ok("export ledger --to ledger.ndjson");
    assert_eq!(shop.text("ledger.ndjson"), ledger);
    let orders = shop.ok("export orders");
    assert_eq!(orders.lines().count(), 3);
    assert_has(&orders, ",web,1,2026-01-01T11:00:00Z,");
    assert_has(&shop.ok("export members"), ",1,,,");
    assert_has(&shop.ok("export balances"), ",Test shop,20,0,0,0,20,");
    shop.fails(2, "export ledger --to no/such/folder.ndjson");
}

#[test]
fn verify_counts_and_agrees_and_sweep_settles() {
    let shop = Shop::open();
    shop.file("orders.csv", "member,placed,amount\n1,2024-01-01,10.00\n1,2024-06-01,20.00\n2,2026-01-02,20.00\n");
    shop.ok("import orders orders.csv --channel web --sign-up");
    assert_has(&shop.ok("sweep"), "Settled 1 account.");
    assert_has(&shop.ok("sweep"), "Settled 0 accounts.");
    let said = shop.ok("verify");
    for part in ["accounts  2", "orders    3", "Everything agrees."] {
        assert_has(&said, part);
    }
}

#[test]
fn backup_and_restore_keep_everything() {
    let shop = Shop::open();
    shop.file("orders.csv", "member,placed,amount\n1,2026-01-01,10.50\n");
    shop.ok("import orders orders.csv --channel web --sign-up");
    let ledger = shop.ok("export ledger");
    shop.ok("backup copy.db");
    assert_has(&shop.fails(3, "backup copy.db"), "copy.db");
    assert_has(&shop.fails(3, "restore copy.db"), "guerdon.db");
    shop.ok("--database other.db restore copy.db");
    assert_eq!(shop.ok("--database other.db export ledger"), ledger);
    shop.ok("--database other.db verify");
    shop.file("orders.csv", "member,placed,amount\n1,2026-01-01,10.50\n1,2026-01-03,5.00\n");
    shop.ok("--database other.db import orders orders.csv --channel web");
}

#[test]
fn an_export_never_takes_the_place_of_a_database() {
    let shop = Shop::open();
    shop.ok("backup copy.db");
    let before = std::fs::read(shop.path("copy.db")).expect("it is there");
    for to in ["guerdon.db", "./guerdon.db", "copy.db"] {
        assert_has(&shop.fails(2, &format!("export balances --to {to}")), "it is a database, which is not overwritten");
    }
    assert_eq!(std::fs::read(shop.path("copy.db")).expect("it is there"), before);
    shop.ok("verify");
    shop.file("ledger.ndjson", "of yesterday");
    shop.ok("export ledger --to ledger.ndjson");
    assert_eq!(shop.text("ledger.ndjson"), shop.ok("export ledger"));
    let left =
        std::fs::read_dir(shop.path(".")).expect("a folder").filter_map(|it| it.ok()?.file_name().into_string().ok());
    assert!(left.into_iter().all(|it| !it.ends_with(".part")), "nothing is left beside it");
}

#[test]
fn whoever_reads_an_export_may_stop_early() {
    let shop = Shop::open();
    let rows: String = (0..2_000).map(|it| format!("{it},2026-01-01,1.00\n")).collect();
    shop.file("orders.csv", format!("member,placed,amount\n{rows}"));
    shop.ok("import orders orders.csv --channel web --sign-up");
    for command in ["export balances", "export ledger"] {
        let mut command = shop.command(command);
        let mut export = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts");
        drop(export.stdout.take());
        let ended = export.wait_with_output().expect("it ends");
        assert_eq!((ended.status.code(), ended.stderr.as_slice()), (Some(0), b"".as_slice()));
    }
}

#[test]
fn reading_commands_work_beside_a_writer_and_a_second_writer_is_refused() {
    let shop = Shop::open();
    let head = "member,reference,placed,amount\n";
    let mut writer = shop
        .command("import orders - --channel web --sign-up --format csv")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut input = writer.stdin.take().expect("its input is a pipe");
    // A bad line is told at once: from then on the writer is known to hold the database.
    write!(input, "{head}1,A1,2026-01-01,10.00\n1,A2,2026-01-01,bad\n").expect("it reads");
    input.write_all(" ".repeat(1 << 17).as_bytes()).expect("it reads");
    let mut said = BufReader::new(writer.stderr.take().expect("its errors are a pipe"));
    let mut line = String::new();
    said.read_line(&mut line).expect("it says something");
    assert_has(&line, "line 3");

    assert_has(&shop.fails(3, "adjust 1 5 --note x"), "another process writes to this database");
    shop.ok("verify");
    shop.ok("export ledger");
    shop.ok("backup beside.db");
    shop.ok("--database beside.db verify");

    write!(input, "\n1,A3,2026-01-02,5.00\n").expect("it reads");
    drop(input);
    let ended = writer.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(1), "a line was refused");
    assert_has(&shop.ok("statement 1"), "Can be spent  15");
}

#[test]
fn a_database_that_cannot_be_used_is_told_with_exit_code_3() {
    let shop = Shop::empty();
    assert_has(&shop.fails(3, "verify"), "there is no such database");
    assert_has(&shop.fails(3, "statement 1"), "guerdon.db");
    let away = "postgres://ana@127.0.0.1:1/shop: the database cannot be reached";
    assert_has(&shop.fails(3, "--database postgres://ana:secret@127.0.0.1:1/shop verify"), away);
    assert_has(&shop.fails(3, "--database missing/folder/a.db demo --no-serve --rows 1"), "missing/folder/a.db");
    shop.file(
        "guerdon.db",
        "this is a letter, not a database; it is long enough to have a header of its own, and more",
    );
    assert_has(&shop.fails(3, "verify"), "not a Guerdon database");
    assert_has(&shop.fails(3, "sweep"), "not a Guerdon database");
    let mut command = shop.command("verify");
    let output = command.env("GUERDON_DATABASE", "elsewhere.db").output().expect("the binary starts");
    assert_has(&String::from_utf8_lossy(&output.stderr), "elsewhere.db");
}

#[test]
fn an_error_is_told_once() {
    let said = Shop::empty().fails(3, "verify");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(said.matches("there is no such database").count(), 1, "{said}");
}

/// As `… | head` does.
#[test]
fn a_reader_that_goes_away_is_no_error_to_tell() {
    let shop = Shop::open();
    for line in ["verify", "program show Test_shop", "--help"] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = shop.command(line).stdout(writer).output().expect("the binary starts");
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{line}");
    }
}
