//! A person is erased: nothing of them is left in the file or its log, and the ledger is what it was.

use engine::{Adjustment, Facts, Money, Points, Rejection};
use store::{Body, CardAct, CardChange, Command, Failure, Identity, IdentityKind, MemberRef, Store};

use crate::shop::{NEW_YEAR, Shop, customer, id_of, keyed, live, named, order, sale, send, sign_up};
use crate::store::{sent, verified};

/// What is known of the person, and nowhere else.
const TRACES: [&str; 8] =
    ["Zaphodine", "Quixworthy", "zq@example.net", "6001777", "6001888", "vip-zq", "1987-03-09", "called about zq"];

fn person(member: u64) -> Command {
    let identities = [(IdentityKind::Email, "ZQ@Example.net"), (IdentityKind::Card, "6001777")];
    let mut identities = identities.map(|(kind, value)| Identity::new(kind, value)).to_vec();
    identities.push(customer(member));
    let birthday = engine::Date::parse("1987-03-09").ok();
    let facts = Facts { customer_type: Some("vip-zq".into()), birthday, ..Facts::default() };
    let name = Some("Zaphodine Quixworthy".to_owned());
    keyed(&format!("person {member}"), Body::SignUp { id: id_of(member), name, identities, facts })
}

fn adjust(key: &str, member: u64, note: &str) -> Command {
    let adjustment = Adjustment { points: Points::new(40), note: note.into(), expires_at: None };
    keyed(key, Body::Adjust { program: "points".into(), member: named(member), adjustment, reference: None })
}

fn erase(member: u64) -> Command {
    live(Body::Erase { member: MemberRef::Id(id_of(member)), only_unused: false })
}

fn card(number: &str, act: CardAct) -> Command {
    live(Body::Card { card: number.into(), act })
}

/// An order that says for whom something was engraved.
fn engraved(member: u64, reference: &str) -> Command {
    let mut document = sale(2_500, NEW_YEAR);
    document.lines[0].product = Some("Pen, engraved: Zaphodine".into());
    order(member, reference, document)
}

/// Traces that are left in the files of a database; a server has files of its own.
fn left(shop: &Shop) -> Vec<String> {
    let files = ["", "-wal", "-shm"].map(|it| format!("{}{it}", shop.path().display()));
    let bytes: Vec<u8> = files.iter().flat_map(|it| std::fs::read(it).unwrap_or_default()).collect();
    let bytes = bytes.to_ascii_lowercase();
    let is_left = |it: &&&str| bytes.windows(it.len()).any(|part| part == it.to_ascii_lowercase().as_bytes());
    TRACES.iter().filter(is_left).map(|it| (*it).to_owned()).collect()
}

/// A person among many, in pages that split and are rearranged.
fn story(store: &Store) {
    sent(store, &(2..60).map(sign_up).collect::<Vec<_>>());
    sent(store, &[person(1), adjust("a", 1, "called about zq"), engraved(1, "e1")]);
    let blocked = CardChange { blocked: Some(true), note: Some(Some("called about zq".into())), label: None };
    let replaced = CardAct::Replace { by: "6001888".into(), note: None };
    sent(store, &[card("6001777", CardAct::Change(blocked)), card("6001777", replaced)]);
    sent(store, &(60..200).map(sign_up).collect::<Vec<_>>());
    sent(store, &(2..200).map(|it| adjust(&format!("b{it}"), it, "welcome")).collect::<Vec<_>>());
}

#[test]
fn nothing_of_a_person_is_left_in_the_file() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    story(&store);
    let there = if crate::place::IS_FILE { TRACES.len() } else { 0 };
    assert_eq!(left(&shop).len(), there, "there is something to erase: {:?}", left(&shop));
    let before = shop.reader().balance(id_of(1), 1, engine::Timestamp::from_micros(NEW_YEAR)).expect("read");
    let totals = shop.reader().figures("points").expect("read");
    assert_eq!(totals.issued(), Points::new(199 * 40 + 25), "adjusted and earned");
    sent(&store, &[erase(1), erase(1)]);
    assert_eq!(left(&shop), Vec::<String>::new(), "beside the server, the log is emptied");
    store.rewrite().expect("it can be written anew");
    sent(&store, &[sign_up(201)]);
    drop(store);
    assert_eq!(left(&shop), Vec::<String>::new());
    verified(&shop);

    let store = shop.opened("owe");
    let reader = shop.reader();
    let after = reader.balance(id_of(1), 1, engine::Timestamp::from_micros(NEW_YEAR)).expect("read");
    assert_eq!(before, after, "points stay");
    assert_eq!(reader.figures("points").expect("read"), totals, "and so do reports");
    let member = reader.member(id_of(1)).expect("read").expect("the id stays");
    assert_eq!((member.name, member.identities), (None, Vec::new()));
    assert_eq!((member.facts.customer_type, member.facts.birthday), (None, None));
    assert!(reader.search("Zaphodine", None, 10).expect("read").members.is_empty());
    assert!(reader.members(None, 500).expect("read").iter().all(|it| it.id != id_of(1)), "in no list");
    let email = MemberRef::Identity(Identity::new(IdentityKind::Email, "zq@example.net"));
    assert_eq!(reader.find(&email).expect("read"), None);
    drop(reader);
    // What comes back of an order is still worked out, whoever it names; the identity can be somebody else's.
    let refunded = engine::Document {
        version: engine::DocumentVersion::Number(2),
        refunded: Money::new(1_000),
        ..sale(2_500, NEW_YEAR)
    };
    sent(&store, &[order(1, "e1", refunded)]);
    let other = Identity::new(IdentityKind::Email, "zq@example.net");
    sent(&store, &[live(Body::AddIdentity { member: named(2), identity: other })]);
    assert_eq!(send(&store, erase(999)), Err(Failure::Rejected(Rejection::UnknownMember)));
    // Also by the name that is somebody else's now: the refund of an order is never stuck.
    let more = engine::Document {
        version: engine::DocumentVersion::Number(3),
        refunded: Money::new(2_500),
        ..sale(2_500, NEW_YEAR)
    };
    let Body::PutOrder { channel, reference, document, certificates, .. } = order(1, "e1", more).body else {
        panic!("an order");
    };
    let again = Body::PutOrder { channel, member: Some(email), reference, document, certificates };
    let answer = send(&store, live(again));
    assert!(matches!(&answer, Ok(store::Reply::Order { member, .. }) if *member == Some(id_of(1))), "{answer:?}");
    verified(&shop);
}

/// Nobody is found under the id of somebody who was erased, and nobody disappears behind it.
#[test]
fn nobody_becomes_one_with_somebody_who_was_erased() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    sent(&store, &[sign_up(2), person(1), adjust("a", 1, "welcome"), erase(1)]);
    let gone = MemberRef::Id(id_of(1));
    let allowed = "somebody who was not erased";
    let refused = Err(Failure::Rejected(Rejection::Invalid { path: "member".into(), allowed }));
    let merge = |key: &str, member: &MemberRef, other: &MemberRef| {
        keyed(key, Body::Merge { member: member.clone(), other: other.clone() })
    };
    assert_eq!(send(&store, merge("m1", &gone, &named(2))), refused);
    assert_eq!(send(&store, merge("m2", &named(2), &gone)), refused);
    let identity = Identity::new(IdentityKind::Phone, "0791234567");
    assert_eq!(send(&store, live(Body::AddIdentity { member: gone.clone(), identity })), refused);
    assert_eq!(send(&store, card("6009", CardAct::Add { member: gone.clone(), label: None })), refused);
    let change = store::MemberChange { name: Some(Some("Somebody".into())), ..store::MemberChange::default() };
    assert_eq!(send(&store, live(Body::ChangeMember { member: gone, change })), refused);
    verified(&shop);
}

#[test]
fn whoever_was_merged_is_the_same_person() {
    let shop = Shop::new();
    let store = shop.opened("owe");
    sent(&store, &[sign_up(2), person(1), adjust("a", 1, "called about zq")]);
    sent(&store, &[keyed("m", Body::Merge { member: named(2), other: named(1) }), engraved(1, "e1")]);
    sent(&store, &[erase(2)]);
    drop(store);
    assert_eq!(left(&shop), Vec::<String>::new());
    let store = shop.opened("owe");
    let undo = keyed("u", Body::Unmerge { member: MemberRef::Id(id_of(2)) });
    assert_eq!(send(&store, undo), Err(Failure::Rejected(Rejection::CannotUndo)));
    verified(&shop);
}
