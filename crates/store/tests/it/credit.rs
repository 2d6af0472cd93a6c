//! Store credit in the store: what verify says when somebody has changed it behind the store's back.

use engine::{CreditAdjustment, Money};
use store::{Body, Command};

use crate::place::change;
use crate::shop::{NEW_YEAR, Shop, keyed, named, order, sale, sign_up};
use crate::store::sent;

fn adjust(key: &str, cents: i64) -> Command {
    let adjustment = CreditAdjustment { amount: Money::new(cents), note: "by hand".into() };
    keyed(key, Body::AdjustCredit { currency: *b"EUR", member: named(1), adjustment, reference: None })
}

#[test]
fn verify_names_credit_that_was_tampered_with() {
    let of_purse = "program >= 4278190080";
    let difference = |shop: &Shop| shop.reader().verify(&mut |_| {}).expect("it can be read").difference;
    for (spoil, expected) in [
        ("UPDATE ledger SET available = available + 100, issued = issued + 100 WHERE part = 0", "its balance"),
        ("UPDATE ledger SET next_entry = next_entry + 1 WHERE part = 0", "its counters"),
        ("DELETE FROM ledger WHERE part = 0", "changes store credit that says nothing of it"),
        ("UPDATE ledger SET available = available + 1 WHERE part = 2 AND no = 2", "lot 2 is stored as"),
        ("DELETE FROM ledger WHERE part = 2 AND no = 2", "lots are stored"),
        ("DELETE FROM ledger WHERE part = 4 AND no = 1", "does not follow"),
        ("DELETE FROM ledger WHERE part = 4 AND no = 3", "its balance is stored as"),
    ] {
        let shop = Shop::new();
        let store = shop.opened("converts owe");
        let mut paid = sale(2_000, NEW_YEAR);
        paid.credit = Some(Money::new(300));
        sent(&store, &[sign_up(1), adjust("a", 1_000), adjust("b", 500), order(1, "A1", paid)]);
        drop(store);
        assert_eq!(difference(&shop), None, "{spoil}");
        let spoil = format!("{spoil} AND {of_purse}");
        assert_eq!(change(&shop, &spoil), 1, "{spoil}");
        let found = difference(&shop).unwrap_or_default();
        assert!(found.contains(expected), "{spoil}: {found}");
    }
}
