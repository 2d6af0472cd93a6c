//! Members are found by what people type: each once, the best first, page by page.

use std::collections::BTreeSet;

use store::{Body, Identity, IdentityKind, MemberChange, MemberId, MemberRef, Reader, SearchCursor};

use crate::shop::{Shop, id_of, keyed, live};
use crate::store::{sent, verified};

const KINDS: [IdentityKind; 4] = IdentityKind::ALL;

/// Signs up members with a name and identities of the kinds customer, card, email, phone; "" is none.
fn people(rows: &[(u64, &str, [&str; 4])]) -> Shop {
    let shop = Shop::new();
    let store = shop.opened("plain");
    for (number, name, values) in rows {
        let identities = KINDS.iter().zip(values).filter(|it| !it.1.is_empty());
        let identities = identities.map(|(kind, value)| Identity::new(*kind, *value)).collect();
        let name = Some((*name).to_owned()).filter(|it| !it.is_empty());
        sent(
            &store,
            &[keyed(
                &format!("{number}"),
                Body::SignUp { id: id_of(*number), name, identities, facts: engine::Facts::default() },
            )],
        );
    }
    drop(store);
    shop
}

/// All pages, of so many members each; nobody comes twice.
fn found(reader: &Reader, text: &str, limit: usize) -> Vec<MemberId> {
    let mut found = Vec::new();
    let mut after: Option<SearchCursor> = None;
    loop {
        let page = reader.search(text, after.as_ref(), limit).expect("a page");
        assert!(page.members.len() <= limit);
        found.extend(page.members.iter().map(|it| it.id));
        let Some(next) = page.next else { break };
        assert_ne!(Some(&next), after.as_ref(), "it goes on");
        after = Some(next.to_string().parse().expect("a cursor"));
    }
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), found.len(), "{text}: nobody comes twice");
    found
}

fn check(reader: &Reader, text: &str, expected: &[u64]) {
    for limit in [1, 2, 100] {
        let expected: Vec<MemberId> = expected.iter().map(|it| id_of(*it)).collect();
        assert_eq!(found(reader, text, limit), expected, "{text}, {limit} at a time");
    }
}

#[test]
fn members_are_found_by_what_people_type() {
    let shop = people(&[
        (1, "Ana María Lee", ["00042", "AB-12", "ana@example.com", "+41 44 123 45 67"]),
        (2, "Anatol O'Neil", ["00421", "", "tol@example.com", ""]),
        (3, "Lee Ana", ["", "ab-13", "ANA.B@example.com", ""]),
        (4, "", ["7", "00042", "", "0441234567"]),
        (5, "Zoë ÖRN", ["AB-12", "", "örn@example.com", ""]),
    ]);
    let reader = shop.reader();
    check(&reader, &id_of(2).to_string(), &[2]);
    check(&reader, &id_of(9).to_string(), &[]);
    check(&reader, "7", &[4]);
    // Whole identities first, in the order of ids: a customer id and a card of that value.
    let both = if id_of(1) < id_of(4) { [1, 4] } else { [4, 1] };
    check(&reader, "00042", &both);
    check(&reader, "card:00042", &[4]);
    check(&reader, " ana@Example.com ", &[1]);
    check(&reader, "+41 44 123", &[1]);
    check(&reader, "044 123", &[4]);
    check(&reader, "0004", &both);
    let same = if id_of(1) < id_of(5) { [1, 5, 3] } else { [5, 1, 3] };
    check(&reader, "aB-1", &same);
    // Identities before names, and there in the order of what fits.
    check(&reader, "ana", &[3, 1, 2]);
    check(&reader, "ana lee", if id_of(1) < id_of(3) { &[1, 3] } else { &[3, 1] });
    check(&reader, "lee an m", &[1]);
    // With and without accents, in one character or two.
    check(&reader, "maria", &[1]);
    check(&reader, "zoe o\u{308}rn", &[5]);
    check(&reader, "o\u{308}rn@example.com", &[5]);
    check(&reader, "MARÍA", &[1]);
    check(&reader, "neil o", &[2]);
    check(&reader, "o'neil", &[2]);
    check(&reader, "öRn", &[5]);
    check(&reader, "ÖRN@", &[5]);
    check(&reader, "zoë", &[5]);
    for nobody in ["", "  ", "lea", "ana zoe", "\"", "%", "_", "na", "x".repeat(500).as_str(), "\u{10ffff}"] {
        check(&reader, nobody, &[]);
    }
}

#[test]
fn who_changes_is_found_by_what_is_true_now() {
    let shop = people(&[(1, "Ana Lee", ["1", "", "", ""]), (2, "Ana Roe", ["2", "", "", ""])]);
    let store = shop.open();
    let member = |number| MemberRef::Id(id_of(number));
    sent(
        &store,
        &[
            live(Body::ChangeMember { member: member(1), change: MemberChange::name(Some("Bo Lee")) }),
            live(Body::AddIdentity { member: member(2), identity: Identity::new(IdentityKind::Card, "Q1") }),
            live(Body::RemoveIdentity { member: member(2), identity: Identity::new(IdentityKind::Customer, "2") }),
        ],
    );
    let reader = store.reader().expect("a reader");
    check(&reader, "ana", &[2]);
    check(&reader, "bo", &[1]);
    check(&reader, "lee", &[1]);
    check(&reader, "q", &[2]);
    check(&reader, "2", &[]);
    verified(&shop);
}

/// One call looks at no more rows than it says, whomever it finds.
#[test]
fn a_search_of_many_comes_in_pages_of_bounded_cost() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let commands = (0..6_000_u64).map(|number| {
        let name = match number {
            4_321 => "Ana Zorro",
            _ if number % 2 == 0 => "Ana Lee",
            _ => "Bo Roe",
        };
        let identities = vec![Identity::new(IdentityKind::Email, format!("bo{number}@example.com"))];
        keyed(
            &format!("{number}"),
            Body::SignUp { id: id_of(number), name: Some(name.into()), identities, facts: engine::Facts::default() },
        )
    });
    assert!(crate::store::together(&store, commands.collect()).iter().all(Result::is_ok));
    let reader = store.reader().expect("a reader");
    assert_eq!(found(&reader, "bo", 300).len(), 6_000, "by their e-mail, and not again by their name");
    assert_eq!(found(&reader, "ana", 300).len(), 3_001);
    let page = |text: &str, after: Option<&SearchCursor>| reader.search(text, after, 20).expect("a page");
    let lee = page("ana lee", None);
    assert_eq!((lee.members.len(), lee.next.is_some()), (20, true));
    let rare = page("a zor", None);
    assert_eq!((rare.members.len(), rare.next), (1, None), "the rarest word leads");
    // Many have each of the words and nobody has both: one call does not look at all of them.
    let first = page("lee roe", None);
    assert!(first.members.is_empty() && first.next.is_some());
    let second = page("lee roe", first.next.as_ref());
    assert_eq!((second.members.len(), second.next), (0, None));
}
