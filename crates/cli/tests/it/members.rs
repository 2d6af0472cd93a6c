//! Members are brought over from a file, tried before, sent again, and taken back; and they leave and come back.

use crate::shop::{Shop, assert_has, entries};

const MEMBERS: &str = "\
member,card,name,points,expires,credit,reference
42,6001234,Ana Costa,120,2399-12-31,5.00,
42,,,30,2400-06-30,,
43,6001234,Ben,10,,,
44,,Cleo,abc,,,
card:77,,Dan,1000,,,old-77
";

#[test]
fn a_file_of_members_is_tried_brought_over_sent_again_and_taken_back() {
    let shop = Shop::open();
    shop.file("members.csv", MEMBERS);
    let before = shop.ok("export ledger");
    let tried = shop.run("import members members.csv --dry-run");
    assert_eq!(tried.code, 1, "{}", tried.err);
    assert_has(
        &tried.out,
        "5 rows: 2 members signed up; 1,150 points, 5.00 EUR of credit, 0.00 EUR in certificates and 0 tiers brought over; 2 refused.",
    );
    assert_has(&tried.out, "This was a dry run: nothing was recorded.");
    assert_eq!(shop.ok("export ledger"), before, "a dry run leaves nothing behind");

    let ran = shop.run("import members members.csv --report report.csv");
    assert_eq!(ran.code, 1);
    assert_has(
        &ran.out,
        "5 rows: 2 members signed up; 1,150 points, 5.00 EUR of credit, 0.00 EUR in certificates and 0 tiers brought over; 2 refused.",
    );
    assert_has(&ran.err, "line 4 (customer:43): that identity belongs to another member");
    assert_has(&ran.err, "line 5 (44): points: \"abc\" cannot be that; allowed is a whole number above 0");
    let report = shop.text("report.csv");
    assert_has(&report, "2,customer:42,yes,120,5.00,0.00,,");
    assert_eq!(report.lines().count(), 6, "{report}");
    assert_has(&shop.ok("statement 42"), "Can be spent  150");
    assert_has(&shop.ok("statement card:77"), "Can be spent  1,000");

    let ledger = shop.ok("export ledger");
    assert_eq!(entries(&ledger), 4, "{ledger}");
    let again = shop.run("import members members.csv");
    assert_has(
        &again.out,
        "5 rows: 0 members signed up; 0 points, 0.00 EUR of credit, 0.00 EUR in certificates and 0 tiers brought over; 2 refused.",
    );
    assert_eq!(shop.ok("export ledger"), ledger, "the same file again changes nothing");
    shop.file("members.csv", MEMBERS.replace(",1000,", ",2000,"));
    let other = shop.run("import members members.csv");
    assert_has(&other.err, "points: the row was brought over before with other figures");
    assert_eq!(shop.ok("export ledger"), ledger);
    shop.file("members.csv", MEMBERS);

    // Dan has spent some; the rest goes, and the report says so.
    shop.ok("adjust card:77 -400 --note spent_elsewhere");
    let undone = shop.run("import members members.csv --undo --report undone.csv");
    assert_has(
        &undone.out,
        "1 members taken back; 750 points, 5.00 EUR of credit, 0.00 EUR in certificates and 0 tiers taken back",
    );
    assert_has(&undone.err, "line 6 (card:77): points: only a part was there to be taken back, or none");
    assert_eq!(shop.run("statement 42").code, 2, "Ana has done nothing since: nobody is called so any more");
    assert_has(&shop.ok("statement card:77"), "Can be spent      0");
    let ledger = shop.ok("export ledger");
    shop.run("import members members.csv --undo");
    assert_eq!(shop.ok("export ledger"), ledger, "what was taken back is not taken back twice");
    shop.ok("verify");
}

const CERTIFICATES: &str = "\
member,name,certificate,certificate_expires,certificate_uses,points,reference
50,Eve,25.00,2399-12-31,once,,
50,,10.00,,,40,
51,Fay,5.00,,,,
51,,5.00,,,,
52,,,2399-12-31,,,
53,Gus,7.00,,twice,,
";

#[test]
fn certificates_are_brought_over_and_taken_back() {
    let shop = Shop::open();
    shop.file("members.csv", CERTIFICATES);
    let ran = shop.run("import members members.csv --report report.csv");
    assert_has(
        &ran.out,
        "6 rows: 2 members signed up; 40 points, 0.00 EUR of credit, 40.00 EUR in certificates and 0 tiers brought over; 3 refused.",
    );
    assert_has(
        &ran.err,
        "line 5 (51): it is called \"51\" as line 4 is; allowed is a name of its own in the column reference",
    );
    assert_has(&ran.err, "line 6 (52): certificate: it is empty; allowed is what it is worth, or nothing about one");
    assert_has(&ran.err, "line 7 (53): certificate_uses: \"twice\" cannot be that; allowed is once or several");
    assert_has(&shop.text("report.csv"), "2,customer:50,yes,0,0.00,25.00,,");
    assert_has(&shop.ok("export person 50"), "certificates");
    let ledger = shop.ok("export ledger");
    shop.run("import members members.csv");
    assert_eq!(shop.ok("export ledger"), ledger, "the same file again changes nothing");
    shop.file("members.csv", CERTIFICATES.replace("50,,10.00", "50,,11.00"));
    assert_has(
        &shop.run("import members members.csv").err,
        "certificate: the row was brought over before with other figures",
    );
    shop.file("members.csv", CERTIFICATES);
    let undone = shop.run("import members members.csv --undo");
    assert_has(&undone.out, "40 points, 0.00 EUR of credit, 40.00 EUR in certificates and 0 tiers taken back");
    assert_eq!(shop.run("statement 50").code, 2, "Eve has done nothing since");
    shop.ok("verify");
}

#[test]
fn a_file_without_members_is_named() {
    let shop = Shop::open();
    for (text, expected) in [
        ("name,points\nAna,5\n", "the column member is missing"),
        ("member,colour\n1,red\n", "there is no column colour; allowed are member, name"),
        ("member,member\n1,1\n", "the column member stands there twice"),
    ] {
        shop.file("members.csv", text);
        let ran = shop.run("import members members.csv");
        assert_eq!(ran.code, 2, "{}", ran.err);
        assert_has(&ran.err, expected);
    }
}

#[test]
fn two_members_are_made_one_and_two_again() {
    let shop = Shop::open();
    shop.ok("member add --customer 42 --name Ana");
    shop.ok("member add --customer 43");
    shop.ok("adjust 42 100 --note welcome");
    shop.ok("adjust 43 20 --note welcome");
    assert_has(&shop.ok("merge 43 --into 42"), "customer:43 is customer:42 now (mem_");
    assert_has(&shop.ok("statement 43"), "Can be spent  120");
    let again = shop.run("merge 43 --into 42");
    assert_eq!(again.code, 1, "{}", again.err);
    assert_has(&again.err, "merging customer:43 into customer:42 failed");
    assert_has(&shop.ok("merge --undo 42"), "is a member of its own again.");
    assert_has(&shop.ok("statement 43"), "Can be spent  20");
    assert_eq!(shop.run("merge 43").code, 2, "into whom?");
    assert_eq!(shop.run("merge 43 --undo 42").code, 2);
    shop.ok("verify");
}

#[test]
fn a_person_is_told_everything_and_erased() {
    let shop = Shop::open();
    shop.ok("member add --customer 42 --card 6001777 --name Zaphodine --type vip --birthday 1987-03-09");
    shop.ok("adjust 42 100 --note welcome_zaphodine");
    shop.file("brought.csv", "member,credit,certificate\n42,5.00,10.00\n");
    shop.ok("import members brought.csv");
    let told = shop.ok("export person 42");
    for part in [
        "Zaphodine",
        "1987-03-09",
        "6001777",
        "100 points added by staff: welcome zaphodine",
        "\"available\": 100",
        "5.00 added by hand: brought over: brought.csv",
        "Certificate 1: 10.00 given by hand: brought over: brought.csv",
    ] {
        assert_has(&told, part);
    }
    assert_eq!(shop.run("member erase 42").code, 2, "only for good");
    assert_has(&shop.ok("member erase 42 --for-good"), "Erased.");
    assert_eq!(shop.run("export person 42").code, 2, "nobody is called so any more");
    assert!(!shop.ok("export members").contains("Zaphodine"));
    assert!(!shop.ok("export ledger").contains("zaphodine"));
    assert_eq!(entries(&shop.ok("export ledger")), 3, "the ledger stays");
    shop.ok("verify");
}

#[test]
fn staff_close_accounts_and_open_them_again() {
    let shop = Shop::open();
    shop.ok("member add --customer 42");
    shop.ok("member add --customer 43");
    shop.ok("adjust 42 100 --note welcome");
    shop.file("members.txt", "42\n\n43\n99\n");
    let closed = shop.run("close --members members.txt --grace-days 30 --note the_club_is_closed");
    assert_eq!(closed.code, 1);
    assert_has(&closed.out, "2 accounts closed, with 100 points.");
    assert_eq!(shop.run("adjust 42 5 --note goodwill").code, 1, "the account is closed");
    let told = shop.ok("statement 42");
    assert_has(&told, "Suspended  100");
    assert!(!told.contains("Can be spent"), "{told}");
    assert_has(&told, "its points cannot be spent, and are kept until ");
    assert_has(&shop.ok("join 42 --note is_back"), "1 account open, with 100 points.");
    assert_has(&shop.ok("statement 42"), "Can be spent  100");
    shop.ok("close 42 --grace-days 0 --note again");
    assert_has(&shop.ok("statement 42"), "its points were forfeited, and so is what comes later.");
    shop.ok("verify");
}

#[test]
fn a_row_that_is_refused_names_its_own_column() {
    let shop = Shop::open();
    shop.file(
        "late.csv",
        "member,points,expires,certificate,certificate_expires\n1,5,2020-01-01,,\n2,,,5.00,2020-01-01\n",
    );
    let ran = shop.run("import members late.csv");
    assert_has(&ran.err, "line 2 (customer:1): expires: allowed is a time ahead, up to the year 2500\n");
    assert_has(&ran.err, "line 3 (customer:2): certificate_expires: allowed is a day that has not passed\n");
}
