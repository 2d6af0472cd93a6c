//! Certificates that belong to nobody: who has them in the end, that nobody takes their owners for members, and what verify finds.

use engine::{Adjustment, LotNo, Moment, Money, Points, Rejection, Validity};
use store::{
    BearerInfo, Body, CertificateInfo, CertificateRef, Command, Failure, MemberId, MemberRef, NewCertificates, Reply,
    Store,
};

use crate::limits::export;
use crate::shop::{NEW_YEAR, Shop, add_channel, id_of, keyed, live, named, order, sale, send, set_up, sign_up};
use crate::store::{sent, together, verified};

pub(crate) fn issue(key: &str, count: u32, validity: Validity) -> Command {
    let new = NewCertificates { value: Money::new(2_500), count, uses: None, validity, note: "prizes".into() };
    keyed(key, Body::IssueBearers { program: "points".into(), new })
}

pub(crate) fn with(command: Command, named: &CertificateRef) -> Command {
    let Body::PutOrder { channel, member, reference, document, .. } = command.body else { panic!("an order") };
    live(Body::PutOrder { channel, member, reference, document, certificates: Some(vec![named.clone()]) })
}

/// All that were made for nobody, as they stand.
pub(crate) fn bearers(shop: &Shop) -> Vec<BearerInfo> {
    let now = engine::Timestamp::from_micros(shop.now.load(std::sync::atomic::Ordering::SeqCst));
    shop.reader().bearers(None, 1_000, now).expect("they can be read")
}

/// By their codes, as a till would name them.
pub(crate) fn codes(shop: &Shop, store: &Store) -> Vec<CertificateRef> {
    bearers(shop).iter().map(|it| store.certificate(&code(store, &it.certificate)).expect("the key is there")).collect()
}

fn code(store: &Store, certificate: &CertificateInfo) -> String {
    store.code(certificate).expect("the key is there").expect("it is posted")
}

fn of(shop: &Shop, member: u64) -> Vec<CertificateInfo> {
    shop.reader().certificates(id_of(member), engine::Timestamp::from_micros(NEW_YEAR)).expect("they can be read")
}

fn refused(rejection: Rejection) -> Result<Reply, Failure> {
    Err(Failure::Rejected(rejection))
}

fn paid(reply: &Result<Reply, Failure>) -> i64 {
    let Ok(Reply::Order { answer, .. }) = reply else { panic!("{reply:?}") };
    answer.certificates.iter().map(|it| it.paid.minor()).sum()
}

#[test]
fn whoever_names_it_first_has_it_with_its_code() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2)]);
    let made = send(&store, issue("fair", 3, Validity::Never));
    let Ok(Reply::Bearers { owners }) = &made else { panic!("{made:?}") };
    assert_eq!(owners.len(), 3);
    assert_eq!(send(&store, issue("fair", 3, Validity::Never)), made, "a retry makes no more");
    assert_eq!(send(&store, issue("fair", 2, Validity::Never)), Err(Failure::KeyReused));
    assert_eq!(bearers(&shop).iter().map(|it| it.owner).collect::<Vec<_>>(), *owners, "in the order they were made in");
    let [other, another] = ["other", "another"].map(|it| issue(it, 2, Validity::Never));
    let made_too = [send(&store, other.clone()), send(&store, another)];
    assert!(made_too.iter().all(Result::is_ok) && made_too[0] != made_too[1], "of one seed, at one instant");
    assert_eq!(send(&store, other), made_too[0]);
    for it in bearers(&shop).iter().filter(|it| !owners.contains(&it.owner)) {
        let certificate = store.certificate(&code(&store, &it.certificate)).expect("the key is there");
        sent(&store, &[live(Body::CancelCertificate { certificate, note: "too many".into() })]);
    }
    let all: Vec<_> = bearers(&shop).into_iter().filter(|it| it.certificate.lot.available.is_positive()).collect();
    assert!(all.len() == 3 && all.iter().all(|it| it.certificate.is_bearer() && owners.contains(&it.owner)));
    let by_code = |it: &BearerInfo| store.certificate(&code(&store, &it.certificate)).expect("the key is there");
    let (known, shown) = (all.iter().map(by_code).collect::<Vec<_>>(), code(&store, &all[0].certificate));

    assert_eq!(paid(&send(&store, with(order(1, "A1", sale(2_000, NEW_YEAR)), &known[0]))), 2_000);
    assert_eq!((of(&shop, 1).len(), code(&store, &of(&shop, 1)[0])), (1, shown), "the code that was printed");
    assert_eq!(of(&shop, 1)[0].value, Money::new(2_500));
    let second = send(&store, with(order(2, "B1", sale(2_000, NEW_YEAR)), &known[0]));
    assert_eq!(second, refused(Rejection::CertificateClaimed));
    assert_eq!(paid(&send(&store, with(order(1, "A2", sale(9_000, NEW_YEAR)), &known[0]))), 500, "it is hers");

    // What it was called before leads to it, too.
    let ledger = store::certificate_ledger(all[0].certificate.currency);
    let numbered = |owner: MemberId, number: u64| CertificateRef::Numbered { owner, ledger, number: LotNo(number) };
    let now = engine::Timestamp::from_micros(NEW_YEAR);
    let find = |named: &CertificateRef| shop.reader().find_certificate(named, now).expect("it can be read");
    assert_eq!(find(&numbered(all[0].owner, 1)), Some(of(&shop, 1)[0].clone()));
    assert_eq!(find(&known[1]).map(|it| it.member), Some(all[1].owner));
    for nothing in [numbered(all[0].owner, 2), numbered(all[1].owner, 2), numbered(MemberId([0xff; 16]), 1)] {
        assert_eq!(find(&nothing).filter(CertificateInfo::is_bearer), None);
        let unknown = send(&store, with(order(2, "B2", sale(2_000, NEW_YEAR)), &nothing));
        assert_eq!(unknown, refused(Rejection::UnknownCertificate));
        let cancel = Body::CancelCertificate { certificate: nothing, note: "lost".into() };
        assert_eq!(send(&store, live(cancel)).err(), Some(Failure::Rejected(Rejection::UnknownCertificate)));
    }
    assert_eq!(paid(&send(&store, with(order(2, "B2", sale(2_000, NEW_YEAR)), &numbered(all[1].owner, 1)))), 2_000);
    let cancel = |certificate| live(Body::CancelCertificate { certificate, note: "stolen".into() });
    let cancelled = send(&store, cancel(numbered(all[0].owner, 1)));
    assert!(matches!(&cancelled, Ok(Reply::Cancelled { member, .. }) if *member == id_of(1)), "{cancelled:?}");
    let cancelled = send(&store, cancel(known[2].clone()));
    assert!(matches!(&cancelled, Ok(Reply::Cancelled { member, .. }) if *member == all[2].owner), "{cancelled:?}");
    verified(&shop);
}

#[test]
fn an_order_that_is_refused_and_a_quote_change_nothing() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), issue("fair", 1, Validity::Never)]);
    let known = codes(&shop, &store);
    let before = export(&shop);
    let asking = engine::Document { redeem: Some(Points::new(1)), ..sale(9_000, NEW_YEAR) };
    let answer = send(&store, with(order(1, "A1", asking), &known[0]));
    assert_eq!(answer, refused(Rejection::InsufficientPoints { spendable: Points::ZERO }));
    let without = sale(0, NEW_YEAR);
    let answer = send(&store, with(order(1, "A1", without), &known[0]));
    assert!(matches!(answer, Err(Failure::Rejected(Rejection::CertificateExceedsOrder { .. }))), "{answer:?}");
    let moment = Moment { now: store.now(), actor: engine::Actor::Channel(1), import: false };
    let cart = sale(9_000, NEW_YEAR);
    let quote = shop.reader().quote("shop", &named(1), None, (&cart, Some(&known)), moment).expect("a quote");
    let pays = quote.answer.certificates.iter().map(|it| it.paid.minor()).sum::<i64>();
    assert_eq!((pays, quote.wallet.len()), (2_500, 1));
    let twice = [known[0].clone(), known[0].clone()];
    let quote = shop.reader().quote("shop", &named(1), None, (&cart, Some(&twice)), moment);
    let answer = live(match with(order(1, "A1", cart.clone()), &known[0]).body {
        Body::PutOrder { channel, member, reference, document, .. } => {
            Body::PutOrder { channel, member, reference, document, certificates: Some(twice.to_vec()) }
        }
        other => other,
    });
    let answer = send(&store, answer);
    assert!(matches!(&answer, Err(Failure::Rejected(Rejection::Invalid { .. }))), "{answer:?}");
    assert_eq!(quote.err(), answer.err(), "each once, in a quote as in an order");
    assert_eq!(export(&shop), before);
    assert_eq!(paid(&send(&store, with(order(1, "A1", cart), &known[0]))), 2_500);
    verified(&shop);
}

#[test]
fn whom_an_order_signs_up_has_it_from_the_first_order_on() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let body = Body::ChangeChannel { channel: "shop".into(), signs_up: true };
    sent(&store, &[live(body), issue("fair", 1, Validity::Never)]);
    let known = codes(&shop, &store);
    let asking = engine::Document { redeem: Some(Points::new(1)), ..sale(9_000, NEW_YEAR) };
    let answer = send(&store, with(order(7, "A1", asking), &known[0]));
    assert_eq!(answer, refused(Rejection::InsufficientPoints { spendable: Points::ZERO }));
    let found = || shop.reader().find(&named(7)).expect("found");
    assert_eq!(found(), None, "who is refused has not signed up");
    assert_eq!(paid(&send(&store, with(order(7, "A1", sale(2_000, NEW_YEAR)), &known[0]))), 2_000);
    assert_eq!(found(), Some(bearers(&shop)[0].certificate.member));
    verified(&shop);
}

/// An owner of a certificate has a row among the members, and is none.
#[test]
fn nobody_takes_its_owner_for_a_member() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), issue("fair", 2, Validity::Never)]);
    let owner = bearers(&shop)[0].owner;
    let reader = store.reader().expect("a reader");
    let ids = |page: Vec<store::MemberInfo>| page.into_iter().map(|it| it.id).collect::<Vec<_>>();
    assert_eq!(ids(reader.members(None, 9).expect("members")), [id_of(1)]);
    assert_eq!(ids(reader.members(Some(owner), 9).expect("members")), []);
    assert_eq!(ids(reader.newest_members(None, 9).expect("members")), [id_of(1)]);
    assert_eq!(ids(reader.newest_members(Some(owner), 9).expect("members")), [id_of(1)]);
    assert_eq!(reader.member_count(), Ok(1));
    assert_eq!(reader.member(owner), Ok(None));
    assert_eq!(reader.find(&MemberRef::Id(owner)), Ok(None));
    let report = reader.verify(&mut |_| {}).expect("it can be read");
    assert_eq!((report.difference, report.members, report.accounts), (None, 1, 2));

    let member = || MemberRef::Id(owner);
    let (program, note) = (|| "points".to_owned(), || "by hand".to_owned());
    let adjustment = Adjustment { points: Points::new(5), note: note(), expires_at: None };
    let new = NewCertificates { value: Money::new(1), count: 1, uses: None, validity: Validity::Never, note: note() };
    let commands = [
        Body::Adjust { program: program(), member: member(), adjustment, reference: None },
        Body::IssueCertificates { program: program(), member: member(), new, reference: None },
        Body::Merge { member: named(1), other: member() },
        Body::Merge { member: member(), other: named(1) },
        Body::Erase { member: member(), only_unused: false },
        Body::Join { program: program(), member: member(), note: note() },
        Body::AddIdentity { member: member(), identity: crate::shop::customer(9) },
        Body::Settle { owner, program: 1 },
    ];
    for (number, body) in commands.into_iter().enumerate() {
        let answer = send(&store, keyed(&format!("k{number}"), body.clone()));
        assert_eq!(answer, refused(Rejection::UnknownMember), "{body:?}");
    }
    let id = Body::SignUp { id: owner, name: None, identities: Vec::new(), facts: engine::Facts::default() };
    let answer = send(&store, keyed("id", id));
    assert!(matches!(answer, Err(Failure::Rejected(Rejection::Invalid { .. }))), "{answer:?}");
    let mut theirs = order(1, "A1", sale(2_000, NEW_YEAR));
    if let Body::PutOrder { member, .. } = &mut theirs.body {
        *member = Some(MemberRef::Id(owner));
    }
    assert_eq!(send(&store, theirs), refused(Rejection::UnknownMember));
    verified(&shop);
}

#[test]
fn it_stays_claimed_when_its_member_is_erased() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2), issue("fair", 1, Validity::Never)]);
    let known = codes(&shop, &store);
    sent(&store, &[with(order(1, "A1", sale(2_000, NEW_YEAR)), &known[0])]);
    sent(&store, &[live(Body::Erase { member: named(1), only_unused: false })]);
    let late = send(&store, with(order(2, "B1", sale(2_000, NEW_YEAR)), &known[0]));
    assert_eq!(late, refused(Rejection::CertificateClaimed));
    assert_eq!(of(&shop, 1)[0].lot.available, Points::new(500));
    verified(&shop);
}

/// A batch gives what its commands give one at a time, in order.
#[test]
fn one_batch_gives_what_single_commands_give() {
    let (shop, batched) = (Shop::in_order(), Shop::in_order());
    let commands = |shop: &Shop, store: &Store| {
        sent(store, &[sign_up(1), sign_up(2), issue("fair", 4, Validity::Never)]);
        let known = codes(shop, store);
        let asking = engine::Document { redeem: Some(Points::new(1)), ..sale(9_000, NEW_YEAR) };
        let mut commands = vec![with(order(1, "A0", asking), &known[0])];
        for (number, (code, member)) in known.iter().flat_map(|it| [(it, 1), (it, 2), (it, 1)]).enumerate() {
            let member = if number < 6 { member } else { 3 - member };
            commands.push(with(order(member, &format!("{member} {number}"), sale(1_000, NEW_YEAR)), code));
        }
        let cancel = |it: usize| live(Body::CancelCertificate { certificate: known[it].clone(), note: "lost".into() });
        commands.insert(10, cancel(3));
        commands.push(cancel(0));
        commands
    };
    let (store, other) = (shop.opened("plain"), batched.opened("plain"));
    let ones: Vec<_> = commands(&shop, &store).into_iter().map(|it| send(&store, it)).collect();
    assert_eq!(together(&other, commands(&batched, &other)), ones);
    let claimed = ones.iter().filter(|it| **it == refused(Rejection::CertificateClaimed)).count();
    assert_eq!((claimed, ones.iter().filter(|it| it.is_ok()).count()), (3, 8), "{ones:?}");
    assert_eq!(export(&shop), export(&batched));
    verified(&shop);
    verified(&batched);
}

#[test]
fn the_sweeper_posts_what_has_expired_of_nobodys() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), issue("fair", 3, Validity::Days(3))]);
    let known = codes(&shop, &store);
    sent(&store, &[with(order(1, "A1", sale(2_000, NEW_YEAR)), &known[0])]);
    shop.later(10);
    let swept = store::sweep(&store, store.now(), &mut |_| {}).expect("the store works");
    // Two of nobody, the rest of what is somebody's, and in vain the ledger that it has left.
    assert_eq!((swept.accounts, swept.parked), (4, Vec::new()));
    assert_eq!(export(&shop).matches(r#""name":"expire""#).count(), 3);
    let late = send(&store, with(order(1, "A2", sale(2_000, NEW_YEAR)), &known[1]));
    assert!(matches!(late, Err(Failure::Rejected(Rejection::CertificateExpired { .. }))), "{late:?}");
    verified(&shop);
}

/// More certificates of the member have expired than are looked at first.
#[test]
fn a_long_list_of_certificates_that_are_over_does_not_stand_in_the_way() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), issue("fair", 2, Validity::Never)]);
    for key in ["one", "two"] {
        let (count, validity) = (100, Validity::Days(3));
        let new = NewCertificates { value: Money::new(100), count, uses: None, validity, note: "spring".into() };
        let body = Body::IssueCertificates { program: "points".into(), member: named(1), new, reference: None };
        sent(&store, &[keyed(key, body)]);
    }
    let known = codes(&shop, &store);
    shop.later(10);
    let cart = sale(3_000, store.now().micros());
    let moment = Moment { now: store.now(), actor: engine::Actor::Channel(1), import: false };
    let quote = shop.reader().quote("shop", &named(1), None, (&cart, Some(&known[..1])), moment).expect("a quote");
    assert_eq!(quote.certificates, Some(vec![LotNo(201)]));
    let answer = send(&store, with(order(1, "A1", cart), &known[0]));
    assert_eq!(paid(&answer), 2_500);
    assert_eq!(of(&shop, 1).len(), 201);
    verified(&shop);
}

/// Whoever was parked is tried again when somebody asks.
#[test]
fn one_that_was_parked_is_tried_again() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[issue("fair", 2, Validity::Days(3))]);
    drop(store);
    assert_eq!(crate::place::change(&shop, "UPDATE members SET parked = 1"), 2);
    let store = shop.open();
    shop.later(10);
    let swept = store::sweep(&store, store.now(), &mut |_| {}).expect("the store works");
    assert_eq!((swept.accounts, swept.parked.len()), (0, 2));
    assert_eq!(store::retry_parked(&store, store.now()), Ok(2));
    assert_eq!(store.reader().and_then(|it| it.parked()), Ok(Vec::new()));
    assert!(bearers(&shop).iter().all(|it| it.certificate.lot.available.is_zero()));
    verified(&shop);
}

#[test]
fn in_another_currency_it_is_unknown() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    set_up_yen(&store);
    sent(&store, &[sign_up(1), issue("fair", 1, Validity::Never)]);
    let known = codes(&shop, &store);
    let mut document = sale(2_000, NEW_YEAR);
    document.currency = *b"JPY";
    let mut there = with(order(1, "A1", document), &known[0]);
    if let Body::PutOrder { channel, .. } = &mut there.body {
        "tokyo".clone_into(channel);
    }
    assert_eq!(send(&store, there.clone()), refused(Rejection::UnknownCertificate));
    sent(&store, &[with(order(1, "A1", sale(2_000, NEW_YEAR)), &known[0])]);
    assert_eq!(send(&store, there), refused(Rejection::UnknownCertificate), "and to others it is none that is gone");
    verified(&shop);
}

fn set_up_yen(store: &Store) {
    let yen = crate::shop::create_program("yen", "yen", engine::Timestamp::from_micros(0));
    sent(store, &[keyed("yen", yen), keyed("tokyo", add_channel("tokyo", "yen"))]);
}

#[test]
fn verify_finds_what_was_changed_of_nobodys() {
    let of_nobody = "owner_id >= x'ff000000000000000000000000000000'";
    let claimed = "SELECT owner_id FROM ledger WHERE part = 0 AND moved > 0";
    let unclaimed = format!("{of_nobody} AND owner_id NOT IN ({claimed})");
    let cases = [
        (format!("DELETE FROM members WHERE {unclaimed}"), "an account belongs to nobody"),
        (format!("INSERT INTO members (owner_id, created_at) VALUES (x'{}', 1)", "ff".repeat(16)), "have a ledger"),
        (format!("DELETE FROM ledger WHERE part = 8 AND {unclaimed}"), "certificate 1 has no code"),
        (format!("DELETE FROM directory WHERE kind = 6 AND {of_nobody}"), "the directory does not lead to certificate 1"),
        ("UPDATE directory SET kind = 6 WHERE kind = 7".into(), "the directory does not lead to certificate 1"),
        (format!("UPDATE ledger SET available = 1 WHERE part = 2 AND {unclaimed}"), "lot 1 is stored as"),
        (format!("UPDATE ledger SET moved = 1 WHERE part = 0 AND {unclaimed}"), "its balance is stored as"),
        (
            format!(
                "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no, at, pending, available, held,
                expired, owed, let_go, issued, redeemed, revoked, deducted, converted, forfeited, moved, next_entry,
                next_lot, order_no, next_hold, body, state)
                SELECT owner_id, 1, 0, 0, 0, 0, 0, at, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, body, state
                FROM ledger WHERE part = 0 AND {unclaimed}"
            ),
            "is more than one certificate",
        ),
        // Whoever has it says so, whom its ledger names has it not: and the other way round.
        (
            format!(
                "UPDATE ledger SET body = (SELECT body FROM ledger WHERE part = 4 AND no = 1 AND {unclaimed})
                WHERE part = 4 AND no = 2 AND {of_nobody}"
            ),
            "claims a certificate that says nothing of it",
        ),
        (
            format!(
                "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no, issued, body)
                SELECT owner_id, program, 8, 0, 0, 0, 1, 2500, x'00' FROM ledger WHERE part = 4 AND no = 2 AND {of_nobody}"
            ),
            "3 codes are stored, 2 belong to an account",
        ),
    ];
    for (change, expected) in cases {
        let shop = Shop::new();
        let store = shop.opened("plain");
        sent(&store, &[sign_up(1), issue("fair", 2, Validity::Never)]);
        let known = codes(&shop, &store);
        sent(&store, &[with(order(1, "A1", sale(2_000, NEW_YEAR)), &known[0])]);
        drop(store);
        verified(&shop);
        assert_eq!(crate::place::change(&shop, &change), 1, "{change}");
        let found = shop.reader().verify(&mut |_| {}).expect("it can be read").difference.unwrap_or_default();
        assert!(found.contains(expected), "{change}: {found}");
    }
}

/// A member whose certificate comes out of a ledger that says so of another one is named.
#[test]
fn verify_finds_a_claim_that_only_one_side_tells() {
    for of in ["owner_id >= x'ff'", "owner_id < x'ff' AND program >= 4261412864"] {
        let shop = Shop::new();
        let store = shop.opened("plain");
        sent(&store, &[sign_up(1), sign_up(2), issue("fair", 2, Validity::Never)]);
        let known = codes(&shop, &store);
        sent(&store, &[with(order(1, "A1", sale(2_500, NEW_YEAR)), &known[0])]);
        sent(&store, &[with(order(2, "B1", sale(2_500, NEW_YEAR)), &known[1])]);
        drop(store);
        verified(&shop);
        let entries = format!("SELECT body FROM ledger WHERE part = 4 AND code = 20 AND {of} ORDER BY body LIMIT 1");
        let change = format!(
            "UPDATE ledger SET body = ({entries}) WHERE part = 4 AND code = 20 AND {of} AND body <> ({entries})"
        );
        assert_eq!(crate::place::change(&shop, &change), 1, "{change}");
        let found = shop.reader().verify(&mut |_| {}).expect("it can be read").difference.unwrap_or_default();
        assert!(found.contains("claims a certificate that says nothing of it"), "{change}: {found}");
    }
}

#[test]
fn when_the_key_is_lost_what_was_claimed_stays_claimed() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.open();
    set_up(&store, "plain");
    sent(&store, &[sign_up(1), sign_up(2), issue("fair", 2, Validity::Never)]);
    let known = codes(&shop, &store);
    sent(&store, &[with(order(1, "A1", sale(2_000, NEW_YEAR)), &known[0])]);
    let now = store.now();
    drop(store);
    let renewed = store::renew_codes(&store::Database::Sqlite(shop.path()), now, true);
    assert_eq!(renewed, Ok(2));
    verified(&shop);
    let store = shop.open();
    let known = codes(&shop, &store);
    let answer = send(&store, with(order(2, "B1", sale(2_000, NEW_YEAR)), &known[0]));
    assert_eq!(answer, refused(Rejection::CertificateClaimed));
    assert_eq!(paid(&send(&store, with(order(2, "B1", sale(2_000, NEW_YEAR)), &known[1]))), 2_000);
    verified(&shop);
}
