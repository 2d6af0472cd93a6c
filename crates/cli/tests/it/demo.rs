//! The sample shop, on the first rows of its history: loaded twice, its figures compared with sums made from the file.

use crate::shop::{Shop, assert_has, entries};

const ROWS: usize = 3_000;

/// Amounts in cents of the first rows, read without the program.
fn cents() -> Vec<i64> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/cdnow/CDNOW_master.txt");
    let text = std::fs::read_to_string(path).expect("the history is in the project");
    let amount = |line: &str| line.split_whitespace().nth(3).expect("four columns").replace('.', "");
    text.lines().skip(1).take(ROWS).map(|it| amount(it).parse().expect("dollars and cents")).collect()
}

/// The figure on the line that begins with a label.
#[track_caller]
fn figure(text: &str, label: &str) -> i64 {
    let line = text.lines().find_map(|it| it.trim_start().strip_prefix(label));
    let word = line.and_then(|it| it.split_whitespace().next()).unwrap_or_else(|| panic!("no {label} in\n{text}"));
    word.replace(',', "").parse().expect("a figure")
}

#[test]
fn the_figures_of_the_history_are_those_of_the_file() {
    let shop = Shop::empty();
    let out = shop.ok(&format!("demo --load-only --history-only --rows {ROWS}"));
    let issued: i64 = cents().iter().map(|it| it / 100).sum();
    assert_eq!(figure(&out, "Orders"), i64::try_from(ROWS).expect("small"));
    assert_eq!(figure(&out, "Points issued"), issued);
    assert_eq!(figure(&out, "Points redeemed"), 0);
    assert_eq!(figure(&out, "Points expired") + figure(&out, "Points outstanding"), issued);
    assert!(0 < figure(&out, "Points expired"), "the first purchases are more than a year old");
    shop.ok("verify");
}

#[test]
fn the_sample_shop_shows_all_that_can_happen_and_a_second_run_changes_nothing() {
    let shop = Shop::empty();
    let rows = ROWS;
    let first = shop.ok(&format!("demo --no-serve --rows {rows}"));
    assert_has(&first, "names, cards, products, channels, refunds and redemptions are invented");
    let left = ["Points redeemed", "Points taken back", "Points expired", "Points outstanding"];
    let figures = left.map(|label| figure(&first, label));
    assert!(figures.iter().all(|it| 0 < *it), "{first}");
    assert_eq!(figures.iter().sum::<i64>(), figure(&first, "Points issued"), "{first}");
    for part in ["History", "earned", "redeemed", "expired", "Coming expiries"] {
        assert_has(&first, part);
    }
    let members = figure(&first, "Members");

    let ledger = shop.ok("export ledger");
    let second = shop.ok(&format!("demo --load-only --rows {rows}"));
    assert!(!second.contains("Loaded in"), "{second}");
    for label in left {
        assert_eq!(figure(&second, label), figure(&first, label));
    }
    assert_eq!(shop.ok("export ledger"), ledger);
    assert_has(&shop.ok("verify"), "Everything agrees.");
    let listed = shop.ok("export members");
    assert_eq!(i64::try_from(listed.lines().count()).expect("small"), members + 1);
}

#[test]
fn two_loads_of_one_day_give_the_same_ledger() {
    let (one, other) = (Shop::empty(), Shop::empty());
    for shop in [&one, &other] {
        shop.ok("demo --load-only --rows 400");
    }
    let ledgers = [one.ok("export ledger"), other.ok("export ledger")];
    let orders = [one.ok("export orders"), other.ok("export orders")];
    // Midnight may fall between the two loads; then they differ by a day.
    let last = |orders: &str| orders.lines().map(|it| it.split(',').nth(5).unwrap_or_default().to_owned()).max();
    if last(&orders[0]) == last(&orders[1]) {
        assert_eq!(ledgers[0], ledgers[1]);
        assert_eq!(orders[0], orders[1]);
    }
}

#[test]
fn a_load_that_was_cut_short_goes_on() {
    let shop = Shop::empty();
    shop.ok("demo --load-only --rows 100");
    let out = shop.ok("demo --load-only --rows 600");
    assert_eq!(figure(&out, "Orders"), 600);
    let whole = Shop::empty();
    let out = whole.ok("demo --load-only --rows 600");
    assert_eq!(figure(&out, "Orders"), 600);
    shop.ok("verify");
}

#[test]
fn the_sample_shop_keeps_out_of_a_database_with_other_programs() {
    let shop = Shop::open();
    assert_has(&shop.fails(2, "demo"), "this database holds other programs");
    assert_eq!(entries(&shop.ok("export ledger")), 0);
    // Somebody's own program may have the sample's name, and even its text.
    let shop = Shop::empty();
    let document = concat!(env!("CARGO_MANIFEST_DIR"), "/../../demo/programs/sample.json");
    shop.file("program.json", std::fs::read(document).expect("it is in the project"));
    shop.ok("program add program.json --from 2024-01-01");
    let ledger = shop.ok("export ledger");
    assert_has(&shop.fails(2, "demo --no-serve --rows 100"), "is not the sample's");
    assert_eq!(shop.ok("export ledger"), ledger);
    assert_eq!(shop.ok("export members").lines().count(), 1, "nobody was signed up");
}
