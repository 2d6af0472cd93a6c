//! `guerdon key`: what it prints, stores and refuses.

use crate::shop::{Shop, assert_has};

#[test]
fn a_key_is_made_listed_and_revoked() {
    let shop = Shop::open();
    assert_eq!(shop.ok("key list").lines().count(), 1, "the head alone");
    let printed = shop.ok("key add Web_shop --scope read,orders");
    let secret = printed.strip_suffix('\n').expect("a line");
    assert!(secret.starts_with("gdn_") && secret.len() == 44, "{secret}");
    assert_ne!(shop.ok("key add Till --scope admin"), printed, "another one each time");

    let listed = shop.ok("key list");
    let row =
        |number: usize| listed.lines().nth(number).expect("a row").split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(row(1).starts_with(&format!("1 Web shop {} read,orders 20", &secret[40..])), "{listed}");
    assert!(row(2).starts_with("2 Till "), "{listed}");
    assert!(!listed.contains(secret), "only the end is shown");
    let stored = std::fs::read(shop.path("guerdon.db")).expect("the database");
    assert!(!stored.windows(secret.len()).any(|it| it == secret.as_bytes()), "only its hash is stored");

    assert_has(&shop.ok("key revoke 1"), "Key 1 opens nothing any more.");
    let ends = |text: &str| text.lines().nth(1).expect("a row").trim_end().to_owned();
    let revoked = ends(&shop.ok("key list"));
    assert!(ends(&listed).len() < revoked.len(), "{revoked}");
    shop.ok("key revoke 1");
    assert_eq!(ends(&shop.ok("key list")), revoked, "again changes nothing");
}

#[test]
fn what_cannot_be_a_key_is_refused() {
    let shop = Shop::open();
    assert_has(&shop.fails(2, "key add Web --scope read,write"), "allowed are read, orders");
    shop.fails(2, "key add Web");
    assert_has(&shop.fails(2, "key revoke 9"), "revoking key 9 failed");
    let long = "x".repeat(121);
    assert_has(&shop.fails(1, &format!("key add {long} --scope read")), "1 to 120 bytes");
    assert_eq!(shop.ok("key list").lines().count(), 1, "nothing is stored");
    Shop::empty().fails(3, "key add Web --scope read");
}
