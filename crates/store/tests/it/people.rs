//! What a member is called, and what finds it.

use engine::{Actor, Date, Document, Facts, Moment, Money, Points, Rejection, Timestamp};
use store::{Body, Command, Failure, Identity, IdentityKind, MemberChange, MemberRef, Reply, Store};

use crate::shop::{
    DAY, NEW_YEAR, Shop, at, available, customer, id_of, keyed, live, named, order, sale, send, sign_up,
};
use crate::store::{path_of, sent, together, verified};

fn card(value: &str) -> Identity {
    Identity::new(IdentityKind::Card, value)
}

fn add(member: u64, identity: Identity) -> Command {
    live(Body::AddIdentity { member: MemberRef::Id(id_of(member)), identity })
}

fn remove(member: u64, identity: Identity) -> Command {
    live(Body::RemoveIdentity { member: MemberRef::Id(id_of(member)), identity })
}

fn rename(member: u64, name: Option<&str>) -> Command {
    live(Body::ChangeMember { member: named(member), change: MemberChange::name(name) })
}

fn found(store: &Store, identity: Identity) -> Option<store::MemberId> {
    store.reader().and_then(|it| it.find(&MemberRef::Identity(identity))).expect("found")
}

const TAKEN: Result<Reply, Failure> = Err(Failure::Rejected(Rejection::IdentityTaken));
const UNKNOWN: Result<Reply, Failure> = Err(Failure::Rejected(Rejection::UnknownMember));

#[test]
fn a_member_is_renamed() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let name = || store.reader().and_then(|it| it.member(id_of(1))).expect("read").expect("there").name;
    sent(&store, &[sign_up(1), rename(1, Some("Ana Lee"))]);
    assert_eq!(name().as_deref(), Some("Ana Lee"));
    verified(&shop);
    sent(&store, &[rename(1, Some("Ana Ana Kim")), rename(1, Some("Ana Roe"))]);
    assert_eq!(name().as_deref(), Some("Ana Roe"));
    verified(&shop);
    sent(&store, &[rename(1, None)]);
    assert_eq!(name(), None);
    assert_eq!(send(&store, rename(2, Some("Bo"))), UNKNOWN);
    for wrong in ["", "a\nb", &"x".repeat(201)] {
        assert_eq!(path_of(&send(&store, rename(1, Some(wrong)))), "name");
    }
    verified(&shop);
}

#[test]
fn identities_come_and_go() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2), add(1, card("C1")), add(1, card(" C1 "))]);
    assert_eq!(found(&store, card("C1")), Some(id_of(1)));
    assert_eq!(send(&store, add(2, card("C1"))), TAKEN);
    assert_eq!(send(&store, remove(2, card("C1"))), TAKEN, "it is not theirs");
    assert_eq!(send(&store, remove(2, card("C9"))), Ok(Reply::Done), "nobody has it: it is gone already");
    assert_eq!(send(&store, add(9, card("C9"))), UNKNOWN);
    assert_eq!(send(&store, remove(9, card("C1"))), UNKNOWN);
    assert_eq!(path_of(&send(&store, add(1, Identity::new(IdentityKind::Email, "ana")))), "identity");
    verified(&shop);
    sent(&store, &[remove(1, card("C1")), add(2, card("C1")), remove(1, customer(1)), remove(1, customer(1))]);
    assert_eq!((found(&store, card("C1")), found(&store, customer(1))), (Some(id_of(2)), None));
    let member = store.reader().and_then(|it| it.member(id_of(1))).expect("read").expect("found by its id");
    assert_eq!(member.identities, []);
    assert_eq!(send(&store, order(1, "A1", sale(1_000, NEW_YEAR))), UNKNOWN, "nobody has that number any more");
    verified(&shop);
}

#[test]
fn a_member_has_at_most_sixteen_identities() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let cards: Vec<Command> = (1..=15).map(|it| add(1, card(&format!("C{it}")))).collect();
    sent(&store, &cards);
    assert_eq!(path_of(&send(&store, add(1, card("C16")))), "identity");
    sent(&store, &[add(1, card("C7")), remove(1, card("C3")), add(1, card("C16"))]);
    verified(&shop);
}

/// Whatever the commands come to, they come to the same in one batch.
#[test]
fn the_order_in_one_batch_counts() {
    let commands = || {
        let key = |it: &str, body| keyed(it, body);
        let again =
            Body::SignUp { id: id_of(3), name: None, identities: vec![card("C1")], facts: engine::Facts::default() };
        vec![
            add(1, card("C1")),
            sign_up(1),
            add(1, card("C1")),
            rename(1, Some("Ana")),
            sign_up(2),
            add(2, card("C1")),
            remove(1, card("C1")),
            add(2, card("C1")),
            remove(2, card("C1")),
            remove(2, card("C1")),
            add(1, card("C1")),
            rename(1, Some("Bo Ana")),
            order(1, "A1", sale(1_000, NEW_YEAR)),
            remove(1, customer(1)),
            order(1, "A2", sale(1_000, NEW_YEAR)),
            key("third", again),
            remove(1, card("C1")),
            add(2, card("C1")),
            rename(2, None),
        ]
    };
    let alone = Shop::new();
    let store = alone.opened("plain");
    let one_by_one: Vec<_> = commands().into_iter().map(|it| send(&store, it)).collect();
    drop(store);
    assert_eq!(one_by_one.iter().filter(|it| it.is_err()).count(), 3, "{one_by_one:?}");
    let batched = Shop::new();
    let store = batched.opened("plain");
    assert_eq!(together(&store, commands()), one_by_one);
    // And again, where all of it is stored: changes of what is there.
    together(&store, vec![remove(2, card("C1")), add(1, card("C1")), remove(1, card("C1")), add(2, card("C1"))]);
    drop(store);
    let members = |shop: &Shop| shop.reader().members(None, 10).expect("members");
    assert_eq!(members(&alone), members(&batched));
    verified(&alone);
    verified(&batched);
}

#[test]
fn members_are_counted_on_the_day_they_signed_up() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2), sign_up(1), at(sign_up(3), NEW_YEAR - DAY)]);
    shop.later(1);
    sent(&store, &[sign_up(4)]);
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.member_count(), Ok(4));
    let days = reader.sign_ups("2026-01-01", "2026-12-31").expect("days");
    let days: Vec<_> = days.iter().map(|it| (it.day.as_str(), it.totals.signed_up)).collect();
    assert_eq!(days, [("2026-01-01", 2), ("2026-01-02", 1)]);
    let member = reader.member(id_of(3)).expect("read").expect("there");
    assert_eq!(member.created_at, Timestamp::from_micros(NEW_YEAR - DAY), "an import brings its own time");
    verified(&shop);
}

#[test]
fn the_newest_members_come_first() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2), sign_up(3)]);
    let page = |before, limit| {
        let members = store.reader().and_then(|it| it.newest_members(before, limit)).expect("read");
        members.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    // Ids begin with their time, which is one for all of these: then their own order counts.
    let mut newest = [1, 2, 3].map(id_of);
    newest.sort_unstable_by(|one, other| other.cmp(one));
    assert_eq!(page(None, 2), newest[..2]);
    assert_eq!(page(Some(newest[1]), 2), newest[2..]);
    assert_eq!(page(Some(newest[2]), 2), []);
}

#[test]
fn a_hold_is_answered_with_its_member_wherever_the_card_is_by_now() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2), add(1, card("C1")), order(1, "A1", sale(1_000, NEW_YEAR))]);
    let member = MemberRef::Identity(card("C1"));
    let hold = keyed("hold", Body::Hold { program: "points".into(), member, points: Points::new(5), minutes: None });
    let first = send(&store, hold.clone());
    assert!(matches!(first, Ok(Reply::Hold { member, .. }) if member == id_of(1)), "{first:?}");
    sent(&store, &[remove(1, card("C1")), add(2, card("C1"))]);
    assert_eq!(send(&store, hold), first);
    verified(&shop);
}

#[test]
fn facts_about_a_member_are_kept_and_corrected() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let day = |text| Some(Date::parse_birthday(text).expect("a day"));
    let facts = Facts {
        customer_type: Some("wholesale".into()),
        birthday: day("1952-02-29"),
        birthday_since: Timestamp::from_micros(NEW_YEAR),
    };
    let (name, identities) = (Some("Ana".to_owned()), vec![customer(1)]);
    let body = Body::SignUp { id: id_of(1), name, identities, facts: facts.clone() };
    sent(&store, &[keyed("1", body)]);
    let known = || store.reader().and_then(|it| it.member(id_of(1))).expect("read").expect("there");
    assert_eq!(known().facts, facts);
    let change = |change| live(Body::ChangeMember { member: named(1), change });
    sent(&store, &[change(MemberChange { birthday: Some(day("1992-02-28")), ..MemberChange::default() })]);
    assert_eq!(known().facts, Facts { birthday: day("1992-02-28"), ..facts.clone() });
    sent(&store, &[change(MemberChange { customer_type: Some(None), ..MemberChange::default() })]);
    assert_eq!(
        known().facts,
        Facts { customer_type: None, birthday: day("1992-02-28"), birthday_since: Timestamp::from_micros(NEW_YEAR) }
    );
    assert_eq!(known().name.as_deref(), Some("Ana"), "what is left out stays");
    // A member writes the birthday once; what is known already may be said again, and the shop corrects it.
    let own = |text: Option<&str>| {
        let birthday = Some(text.map(|it| Date::parse_birthday(it).expect("a day")));
        change(MemberChange { birthday, by_member: true, ..MemberChange::default() })
    };
    sent(&store, &[own(Some("1992-02-28"))]);
    assert_eq!(path_of(&send(&store, own(Some("1992-03-01")))), "birthday");
    assert_eq!(path_of(&send(&store, own(None))), "birthday");
    assert_eq!(known().facts.birthday, day("1992-02-28"));
    let own_type = MemberChange { customer_type: Some(None), by_member: true, ..MemberChange::default() };
    assert_eq!(path_of(&send(&store, change(own_type))), "customer_type");
    sent(&store, &[change(MemberChange { birthday: Some(None), ..MemberChange::default() })]);
    // Two at once: the first is the one that counts.
    let both = [own(Some("1990-01-01")), own(Some("1990-06-01"))].map(|it| store.submit(it));
    assert_eq!(both.map(|it| it.wait().is_ok()), [true, false]);
    assert_eq!(known().facts.birthday, day("1990-01-01"));
    let wrong = MemberChange { customer_type: Some(Some("a\nb".into())), ..MemberChange::default() };
    assert_eq!(path_of(&send(&store, change(wrong))), "customer_type");
    let unborn = MemberChange { birthday: Some(day("2199-01-01")), ..MemberChange::default() };
    assert_eq!(path_of(&send(&store, change(unborn))), "birthday");
    verified(&shop);
}

#[test]
fn a_customer_type_counts_for_the_orders_behind_it() {
    let shop = Shop::new();
    let store = shop.opened("plain gold");
    let at = NEW_YEAR + DAY;
    shop.now.store(at, std::sync::atomic::Ordering::SeqCst);
    let gold = MemberChange { customer_type: Some(Some("gold".into())), ..MemberChange::default() };
    let gold = live(Body::ChangeMember { member: named(1), change: gold });
    let none = MemberChange { customer_type: Some(None), ..MemberChange::default() };
    let none = live(Body::ChangeMember { member: named(1), change: none });
    let cut = Document { refunded: Money::new(500), ..sale(1_000, at) };
    let replies = together(
        &store,
        vec![
            sign_up(1),
            order(1, "A1", sale(1_000, at)),
            gold.clone(),
            order(1, "A2", sale(1_000, at)),
            none,
            order(1, "A2", cut.clone()),
            order(1, "A3", sale(1_000, at)),
        ],
    );
    let earned = |index: usize| match &replies[index] {
        Ok(Reply::Order { answer, .. }) => answer.earned.called_for.get(),
        other => panic!("no order in {other:?}"),
    };
    assert_eq!((earned(1), earned(3), earned(5), earned(6)), (10, 20, 10, 10));
    // Read again: what was pinned, and what is known now.
    sent(&store, &[gold]);
    assert_eq!(available(&send(&store, order(1, "A1", cut))), 25);
    assert_eq!(available(&send(&store, order(1, "A4", sale(1_000, at)))), 45);
    let quote = store.reader().expect("a reader").quote(
        "shop",
        &named(1),
        None,
        (&Document { redeem: Some(Points::ZERO), ..sale(1_000, at) }, None),
        Moment { now: Timestamp::from_micros(at), actor: Actor::Channel(1), import: false },
    );
    assert_eq!(quote.expect("a quote").answer.earned.called_for, Points::new(20));
    verified(&shop);
}
