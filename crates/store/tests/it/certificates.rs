//! Certificates in the store: their codes and the key of these, what verify finds, and what the sweeper does.

use engine::{LotNo, Money, Points, Timestamp, Uses, Validity};
use store::{Body, CertificateInfo, CertificateRef, Command, Failure, NewCertificates, Reply, Store, StoreError};

use crate::shop::{NEW_YEAR, Shop, add_channel, create_program, id_of, keyed, live, named, order, sale, send, sign_up};

fn issue(key: &str, member: u64, count: u32, validity: Validity) -> Command {
    let new = NewCertificates { value: Money::new(2_500), count, uses: None, validity, note: "spring".into() };
    keyed(key, Body::IssueCertificates { program: "points".into(), member: named(member), new, reference: None })
}

fn with(command: Command, certificates: Vec<CertificateRef>) -> Command {
    let Command { body, .. } = &command;
    let Body::PutOrder { channel, member, reference, document, .. } = body.clone() else { panic!("an order") };
    live(Body::PutOrder { channel, member, reference, document, certificates: Some(certificates) })
}

fn certificates(shop: &Shop, store: &Store, member: u64) -> Vec<CertificateInfo> {
    store.reader().expect("a reader").certificates(id_of(member), store_now(shop)).expect("they can be read")
}

fn store_now(shop: &Shop) -> engine::Timestamp {
    engine::Timestamp::from_micros(shop.now.load(std::sync::atomic::Ordering::SeqCst))
}

fn code_of(store: &Store, certificate: &store::CertificateInfo) -> String {
    store.code(certificate).expect("the key is there").expect("it is posted")
}

fn difference(shop: &Shop) -> Option<String> {
    shop.reader().verify(&mut |_| {}).expect("it can be read").difference
}

fn opened(shop: &Shop) -> Store {
    let store = shop.opened("plain");
    send(&store, sign_up(1)).expect("a member");
    store
}

#[test]
fn a_code_finds_its_certificate_however_it_is_typed_and_pays_an_order() {
    let shop = Shop::new();
    let store = opened(&shop);
    let first = send(&store, issue("spring", 1, 2, Validity::Never));
    assert!(matches!(&first, Ok(Reply::Certificates { certificates, .. }) if certificates.len() == 2));
    assert_eq!(send(&store, issue("spring", 1, 2, Validity::Never)), first, "a retry makes no more");
    let known = certificates(&shop, &store, 1);
    assert_eq!(known.len(), 2);
    let code = code_of(&store, &known[0]);
    assert_ne!(code, code_of(&store, &known[1]));
    let typed = format!("{} {}-{}", &code[..4], code[4..8].to_lowercase(), &code[8..]);
    let shown = store.certificate(&typed).expect("the key is there");
    let paid = send(&store, with(order(1, "A1", sale(2_000, NEW_YEAR)), vec![shown.clone()]));
    let Ok(Reply::Order { answer, .. }) = paid else { panic!("{paid:?}") };
    assert_eq!(answer.certificates[0].paid, Money::new(2_000));
    assert_eq!(certificates(&shop, &store, 1)[0].lot.available, Points::new(500));

    send(&store, sign_up(2)).expect("another member");
    let others = send(&store, with(order(2, "B1", sale(2_000, NEW_YEAR)), vec![shown]));
    assert!(matches!(others, Err(Failure::Rejected(engine::Rejection::UnknownCertificate))), "{others:?}");
    for wrong in ["", "AAAAAAAAAAAA", "no code"] {
        let wrong = store.certificate(wrong).expect("the key is there");
        let refused = send(&store, with(order(1, "A2", sale(2_000, NEW_YEAR)), vec![wrong]));
        assert!(matches!(refused, Err(Failure::Rejected(engine::Rejection::UnknownCertificate))), "{refused:?}");
    }
    drop(store);
    assert_eq!(difference(&shop), None);
}

/// It belongs to the member and not to the program that gave it (H2): it pays where an order's own program is on.
#[test]
fn a_certificate_pays_in_the_channels_of_every_program_that_is_on() {
    let shop = Shop::new();
    let store = opened(&shop);
    send(&store, keyed("more", create_program("more", "plain", Timestamp::default()))).expect("a second program");
    send(&store, keyed("till", add_channel("till", "more"))).expect("its channel");
    send(&store, issue("spring", 1, 1, Validity::Never)).expect("a certificate of the first program");
    let code = code_of(&store, &certificates(&shop, &store, 1)[0]);
    let certificate = store.certificate(&code).expect("the key is there");
    let in_channel = |name: &str, reference: &str| {
        let mut command = with(order(1, reference, sale(1_000, store_now(&shop).micros())), vec![certificate.clone()]);
        if let Body::PutOrder { channel, .. } = &mut command.body {
            *channel = name.into();
        }
        match send(&store, command) {
            Ok(Reply::Order { answer, .. }) => Ok(answer.certificates[0].paid),
            Ok(other) => panic!("{other:?}"),
            Err(failure) => Err(failure),
        }
    };
    let switch = |program: &str, on: bool| {
        shop.later(1);
        let body = Body::SwitchProgram { program: program.into(), on, at: None };
        send(&store, keyed(&format!("{program} {on}"), body)).expect("it is switched");
    };
    let is_off = Err(Failure::Rejected(engine::Rejection::ProgramOff));
    assert_eq!(in_channel("till", "A1"), Ok(Money::new(1_000)));
    switch("points", false);
    assert_eq!(in_channel("shop", "A2"), is_off);
    assert_eq!(in_channel("till", "A3"), Ok(Money::new(1_000)));
    switch("more", false);
    assert_eq!(in_channel("till", "A4"), is_off);
    switch("points", true);
    assert_eq!(in_channel("shop", "A5"), Ok(Money::new(500)));
    drop(store);
    assert_eq!(difference(&shop), None);
}

/// A stolen database gives no code away: nothing of one stands in any file but the key's, and that holds the key alone.
#[test]
fn no_file_of_the_database_holds_a_code() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = opened(&shop);
    send(&store, issue("spring", 1, 20, Validity::Never)).expect("certificates");
    let codes: Vec<String> = certificates(&shop, &store, 1).iter().map(|it| code_of(&store, it)).collect();
    drop(store);
    let mut files = 0;
    for entry in std::fs::read_dir(shop.dir.path()).expect("the folder is there") {
        let bytes = std::fs::read(entry.expect("an entry").path()).expect("the file can be read");
        for code in &codes {
            // Half of a code would be a sixth of the guesses.
            assert!(!bytes.windows(6).any(|it| it == &code.as_bytes()[..6]), "a code is legible");
        }
        files += 1;
    }
    assert!(2 <= files, "the database and its key");
}

#[test]
fn the_key_is_made_for_the_first_certificate_and_nobody_else_can_read_it() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let key = shop.dir.path().join("shop.db.key");
    let store = opened(&shop);
    assert!(!key.exists(), "nothing needs a key yet");
    send(&store, issue("spring", 1, 1, Validity::Never)).expect("a certificate");
    assert!(key.exists());
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&key.metadata().expect("it is there").permissions());
        assert_eq!(mode & 0o777, 0o600);
    }
    let first = store.code(&certificates(&shop, &store, 1)[0]).expect("the key is there");
    drop(store);
    let again = shop.open();
    assert_eq!(again.code(&certificates(&shop, &again, 1)[0]), Ok(first));
}

#[test]
fn a_key_that_is_missing_or_another_one_is_told_before_anything_is_written() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let key = shop.dir.path().join("shop.db.key");
    let store = opened(&shop);
    send(&store, issue("spring", 1, 1, Validity::Never)).expect("a certificate");
    drop(store);
    let right = std::fs::read_to_string(&key).expect("the key is there");
    let told = |expected: &str| match shop.try_open() {
        Err(error @ StoreError::CodeKey { .. }) => {
            let text = error.to_string();
            assert!(text.contains("shop.db.key") && text.contains(expected), "{text}");
        }
        other => panic!("{:?}", other.map(|_| ())),
    };
    std::fs::remove_file(&key).expect("it is there");
    told("is not there, and GUERDON_CODE_KEY is not set");
    std::fs::write(&key, "0".repeat(64)).expect("it can be written");
    told("is the key of another database");
    std::fs::write(&key, "no key").expect("it can be written");
    told("is no key of 64 hexadecimal digits");
    std::fs::write(&key, right).expect("it can be written");
    drop(shop.open());
    assert_eq!(difference(&shop), None);
}

#[test]
fn the_sweeper_posts_what_has_expired() {
    let shop = Shop::new();
    let store = opened(&shop);
    send(&store, issue("spring", 1, 2, Validity::Days(3))).expect("certificates");
    shop.later(10);
    let swept = store::sweep(&store, store.now(), &mut |_| {}).expect("the store works");
    assert_eq!((swept.accounts, swept.parked), (1, Vec::new()));
    let currency = certificates(&shop, &store, 1)[0].currency;
    let entries = store.reader().expect("a reader").certificate_entries(id_of(1), currency, engine::EntryNo(0), 9);
    let kinds: Vec<_> = entries.expect("they can be read").iter().map(|it| it.kind).collect();
    assert_eq!(kinds, [engine::Kind::Issue, engine::Kind::Expire]);
    drop(store);
    assert_eq!(difference(&shop), None);
}

#[test]
fn verify_finds_what_was_changed_behind_the_store() {
    let of_wallet = "program >= 4261412864 AND program < 4278190080";
    let cases = [
        (format!("DELETE FROM ledger WHERE part = 8 AND no = 1 AND {of_wallet}"), "certificate 1 has no code"),
        (
            format!("UPDATE ledger SET issued = 9999 WHERE part = 8 AND no = 1 AND {of_wallet}"),
            "certificate 1 has not the value that",
        ),
        (
            "UPDATE ledger SET body = (SELECT body FROM ledger WHERE part = 8 AND no = 2) WHERE part = 8 AND no = 1"
                .into(),
            "the directory does not lead to certificate 1",
        ),
        ("DELETE FROM directory WHERE kind = 6 AND number = 2".into(), "the directory does not lead to certificate 2"),
        (format!("UPDATE ledger SET code = 0 WHERE part = 2 AND no = 2 AND {of_wallet}"), "lot 2 is stored as"),
        (format!("UPDATE ledger SET available = available + 1 WHERE part = 2 AND no = 2 AND {of_wallet}"), "lot 2"),
        (format!("DELETE FROM ledger WHERE part = 4 AND no = 2 AND {of_wallet}"), "its balance is stored as"),
        (
            "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no, issued, body)
             SELECT owner_id, 1, 8, 0, 0, 0, 9, 1, body FROM ledger WHERE part = 8 AND no = 1"
                .into(),
            "3 codes are stored, 2 belong to an account",
        ),
    ];
    for (change, expected) in cases {
        let shop = Shop::new();
        let store = opened(&shop);
        send(&store, issue("spring", 1, 2, Validity::Never)).expect("certificates");
        let known = certificates(&shop, &store, 1);
        let named = store.certificate(&code_of(&store, &known[0])).expect("the key is there");
        send(&store, with(order(1, "A1", sale(2_000, NEW_YEAR)), vec![named])).expect("an order");
        drop(store);
        assert_eq!(difference(&shop), None, "{change}");
        assert_eq!(crate::place::change(&shop, &change), 1, "{change}");
        let found = difference(&shop).unwrap_or_default();
        assert!(found.contains(expected), "{change}: {found}");
    }
}

#[test]
fn one_that_can_be_used_once_returns_whole() {
    let shop = Shop::new();
    let store = opened(&shop);
    let new = NewCertificates {
        value: Money::new(2_500),
        count: 1,
        uses: Some(Uses::Once),
        validity: Validity::Never,
        note: "spring".into(),
    };
    let given =
        keyed("k", Body::IssueCertificates { program: "points".into(), member: named(1), new, reference: None });
    send(&store, given).expect("a certificate");
    let currency = certificates(&shop, &store, 1)[0].currency;
    let ledger = store::certificate_ledger(currency);
    let named = CertificateRef::Numbered { owner: id_of(1), ledger, number: LotNo(1) };
    let paid = send(&store, with(order(1, "A1", sale(2_000, NEW_YEAR)), vec![named]));
    let Ok(Reply::Order { answer, .. }) = paid else { panic!("{paid:?}") };
    assert_eq!((answer.certificates[0].paid, answer.certificates[0].lost), (Money::new(2_000), Money::new(500)));
    let mut back = sale(2_000, NEW_YEAR);
    back.cancelled_at = Some(engine::Timestamp::from_micros(NEW_YEAR));
    send(&store, order(1, "A1", back)).expect("a fact is never refused");
    assert_eq!(certificates(&shop, &store, 1)[0].lot.available, Points::new(2_500));
    drop(store);
    assert_eq!(difference(&shop), None);
}

/// Points become certificates with codes of their own, by themselves, when a sweeper comes by, and when staff hand them out;
/// cancelled unused they are points again.
#[test]
fn what_points_became_has_a_code_that_pays_and_can_be_cancelled() {
    for (document, collects) in [("rewards", false), ("collected", true)] {
        let shop = Shop::new();
        let store = shop.opened(document);
        send(&store, sign_up(1)).expect("a member");
        send(&store, order(1, "A1", sale(12_000, NEW_YEAR))).expect("an order");
        if collects {
            assert_eq!(certificates(&shop, &store, 1).len(), 0, "not before staff hand them out");
            let collect = Body::Collect { program: "points".into(), member: named(1), note: "January".into() };
            let first = send(&store, keyed("run", collect.clone()));
            assert!(matches!(&first, Ok(Reply::Certificates { certificates, .. }) if certificates.len() == 2));
            assert_eq!(send(&store, keyed("run", collect)), first, "a retry hands out no more");
        }
        let known = certificates(&shop, &store, 1);
        assert_eq!(known.iter().map(|it| it.value).collect::<Vec<_>>(), [Money::new(500), Money::new(500)]);
        let named = store.certificate(&code_of(&store, &known[0])).expect("the key is there");
        let paid = send(&store, with(order(1, "A2", sale(400, NEW_YEAR)), vec![named]));
        let Ok(Reply::Order { answer, .. }) = paid else { panic!("{paid:?}") };
        assert_eq!(answer.certificates[0].paid, Money::new(400));
        for (certificate, available) in [(&known[0], 20), (&known[1], 70)] {
            let certificate = store.certificate(&code_of(&store, certificate)).expect("the key is there");
            send(&store, keyed("", Body::CancelCertificate { certificate: certificate.clone(), note: "lost".into() }))
                .expect_err("a key must not be empty");
            let cancel = Body::CancelCertificate { certificate, note: "lost".into() };
            send(&store, crate::shop::live(cancel)).expect("it is there");
            assert_eq!(balance(&shop), available, "{document}: only what is unused gives its points back");
        }
        drop(store);
        assert_eq!(difference(&shop), None);
        let converted = crate::place::change(&shop, "DELETE FROM ledger WHERE part = 6");
        assert_eq!(converted, 1, "the one that is used stays converted");
        assert!(difference(&shop).unwrap_or_default().contains("that became credit or certificates"));
    }
}

fn balance(shop: &Shop) -> i64 {
    shop.reader().balance(id_of(1), 1, store_now(shop)).expect("it can be read").available.get()
}

/// What falls due makes a certificate that is told at once; its code is drawn when it is posted.
#[test]
fn one_that_nobody_has_posted_yet_has_no_code() {
    let shop = Shop::new();
    let store = shop.opened("rewards waits");
    send(&store, sign_up(1)).expect("a member");
    send(&store, order(1, "A1", sale(6_000, NEW_YEAR))).expect("an order");
    assert_eq!(certificates(&shop, &store, 1).len(), 0);
    shop.now.store(NEW_YEAR + 11 * 86_400_000_000, std::sync::atomic::Ordering::SeqCst);
    let known = certificates(&shop, &store, 1);
    assert_eq!(known.len(), 1);
    assert_eq!(store.code(&known[0]).expect("nothing is read"), None);
    send(&store, crate::shop::live(Body::Settle { owner: id_of(1), program: 1 })).expect("a sweep");
    let swept = certificates(&shop, &store, 1);
    assert_eq!(swept[0].lot, known[0].lot);
    assert_eq!(code_of(&store, &swept[0]).len(), 12);
    drop(store);
    assert_eq!(difference(&shop), None);
}

#[test]
fn when_the_key_is_lost_all_codes_are_drawn_anew() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = opened(&shop);
    send(&store, issue("spring", 1, 3, Validity::Never)).expect("certificates");
    let codes = |store: &Store| certificates(&shop, store, 1).iter().map(|it| code_of(store, it)).collect::<Vec<_>>();
    let old = codes(&store);
    let file = std::path::PathBuf::from(format!("{}.key", shop.path().display()));
    let renew =
        |even_so| store::renew_codes(&store::Database::Sqlite(shop.path().to_owned()), store_now(&shop), even_so);
    assert!(matches!(renew(false), Err(StoreError::Locked(_))), "a server has it");
    drop(store);
    assert!(matches!(renew(false), Err(StoreError::CodeKey { .. })), "nothing is lost");
    let kept = std::fs::read_to_string(&file).expect("a key");
    std::fs::write(&file, "11".repeat(32)).expect("another key");
    assert!(matches!(renew(true), Err(StoreError::CodeKey { .. })), "it may be somebody's");
    std::fs::remove_file(&file).expect("lost");
    assert_eq!(renew(false).expect("drawn anew"), 3);
    assert_eq!(difference(&shop), None);
    assert_ne!(std::fs::read_to_string(&file).expect("a new key"), kept);

    let store = shop.opened("plain");
    let new = codes(&store);
    assert!(new.iter().all(|it| !old.contains(it)), "{new:?} {old:?}");
    let found = |code: &str| {
        let named = store.certificate(code).expect("the key is there");
        store.reader().expect("a reader").find_certificate(&named, store_now(&shop)).expect("read")
    };
    assert!(old.iter().all(|it| found(it).is_none()));
    assert_eq!(found(&new[1]), Some(certificates(&shop, &store, 1)[1].clone()));
    drop(store);
    // Somebody else has it: told so, and the old one is kept for backups.
    assert_eq!(renew(true).expect("drawn anew"), 3);
    assert_eq!(difference(&shop), None);
    assert!(std::path::Path::new(&format!("{}.old", file.display())).exists());
    // A process that died before the new key took its name goes on.
    std::fs::rename(&file, format!("{}.new", file.display())).expect("renamed back");
    assert_eq!(renew(false).expect("goes on"), 0);
    drop(shop.opened("plain"));
}

/// A second program of the same currency, with a channel of its own.
fn second(store: &Store, document: &str) {
    let program = crate::shop::create_program("second", document, engine::Timestamp::from_micros(0));
    send(store, keyed("second", program)).expect("a program");
    send(store, keyed("till", crate::shop::add_channel("till", "second"))).expect("a channel");
}

fn at_the_till(command: Command) -> Command {
    let Body::PutOrder { member, reference, document, certificates, .. } = command.body else { panic!("an order") };
    live(Body::PutOrder { channel: "till".into(), member, reference, document, certificates })
}

fn close(key: &str, program: &str, grace_days: u16) -> Command {
    let closing = engine::Closing { grace_days, note: "moved away".into() };
    keyed(key, Body::Close { program: program.into(), member: named(1), closing })
}

fn is_active(shop: &Shop, store: &Store, index: usize) -> bool {
    certificates(shop, store, 1)[index].lot.available.is_positive()
}

/// Who has left and begins another program by buying there is in a program again: certificates can be used, and what the first
/// order there buys is not gone with what was due before.
#[test]
fn an_order_in_another_program_lets_certificates_be_used_again() {
    for (document, days, left) in
        [("plain", 5, true), ("plain", 15, false), ("rewards", 5, true), ("rewards", 15, false)]
    {
        let shop = Shop::new();
        let store = opened(&shop);
        second(&store, document);
        send(&store, issue("spring", 1, 1, Validity::Never)).expect("a certificate");
        send(&store, order(1, "A1", sale(2_000, NEW_YEAR))).expect("an order");
        send(&store, close("leaves", "points", 10)).expect("the member leaves");
        let by_code =
            store.certificate(&code_of(&store, &certificates(&shop, &store, 1)[0])).expect("the key is there");
        shop.later(days);
        let again = |reference: &str| with(order(1, reference, sale(1_000, NEW_YEAR)), vec![by_code.clone()]);
        let refused = send(&store, at_the_till(again("B0")));
        assert!(matches!(refused, Err(Failure::Rejected(_))), "in no program: {refused:?}");
        let issued = send(&store, issue("summer", 1, 1, Validity::Never));
        assert_eq!(issued, Err(Failure::Rejected(engine::Rejection::AccountClosed)));
        send(&store, at_the_till(order(1, "B1", sale(6_000, NEW_YEAR)))).expect("an order in the other program");
        assert_eq!(is_active(&shop, &store, 0), left, "{document}: after {days} days");
        assert_eq!(send(&store, at_the_till(again("B2"))).is_ok(), left, "{document}: after {days} days");
        if document == "rewards" {
            assert!(is_active(&shop, &store, 1), "what that order has bought is there after {days} days");
        }
        shop.later(30);
        send(&store, live(Body::Settle { owner: id_of(1), program: store::certificate_ledger(EUR) })).expect("a sweep");
        assert_eq!(is_active(&shop, &store, 0), left, "{document}: nothing is forfeited any more");
        drop(store);
        assert_eq!(difference(&shop), None);
    }
}

const EUR: engine::Currency = engine::Currency { code: *b"EUR", exponent: 2 };

/// Certificates are kept as long as the points of any program that was left: whoever comes back there has everything again.
#[test]
fn the_longest_grace_keeps_certificates() {
    let shop = Shop::new();
    let store = opened(&shop);
    second(&store, "plain");
    send(&store, issue("spring", 1, 1, Validity::Never)).expect("a certificate");
    send(&store, order(1, "A1", sale(2_000, NEW_YEAR))).expect("an order");
    send(&store, at_the_till(order(1, "B1", sale(2_000, NEW_YEAR)))).expect("an order");
    send(&store, close("leaves", "points", 10)).expect("the member leaves one");
    assert!(is_active(&shop, &store, 0), "the other is not left");
    send(&store, close("leaves the other", "second", 0)).expect("and the other");
    assert!(is_active(&shop, &store, 0), "kept for the first");
    shop.later(3);
    let join = Body::Join { program: "points".into(), member: named(1), note: "is back".into() };
    send(&store, keyed("back", join)).expect("the member comes back");
    shop.later(30);
    let by_code = store.certificate(&code_of(&store, &certificates(&shop, &store, 1)[0])).expect("the key is there");
    let today = NEW_YEAR + 33 * crate::shop::DAY;
    send(&store, with(order(1, "A2", sale(1_000, today)), vec![by_code])).expect("it pays");
    drop(store);
    assert_eq!(difference(&shop), None);
}
