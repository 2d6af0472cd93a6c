//! What a store promises to those who send it commands.

use std::cell::Cell;

use engine::{Adjustment, HoldNo, Points, Rejection, Status, Timestamp};
use store::{Body, Command, Failure, Identity, IdentityKind, MemberRef, Reply, Store, StoreError};

use crate::shop::{
    DAY, NEW_YEAR, Shop, add_channel, at, available, channel_id, create_program, customer, id_of, keyed, live, named,
    order, program_id, sale, send, set_up, sign_up,
};

#[test]
fn a_member_signs_up_earns_redeems_and_all_of_it_verifies() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    assert_eq!(send(&store, sign_up(7)), Ok(Reply::Member { id: id_of(7), created: true }));
    assert_eq!(available(&send(&store, order(7, "A1", sale(3_098, NEW_YEAR)))), 30);
    assert_eq!(available(&send(&store, order(7, "A2", sale(30_000, NEW_YEAR)))), 330);
    assert_eq!(available(&send(&store, order(7, "A1", sale(5_000, NEW_YEAR)))), 350);
    let mut paid = sale(10_000, NEW_YEAR);
    paid.redeem = Some(Points::new(250));
    assert_eq!(available(&send(&store, order(7, "A3", paid))), 175);
    let balance = send(&store, hold("hold", 7, 100));
    assert_eq!(available(&balance), 75);
    let release = Body::ReleaseHold { program: "points".into(), member: named(7), hold: HoldNo(1) };
    assert_eq!(available(&send(&store, live(release))), 175);
    assert_eq!(available(&send(&store, adjust("thanks", 7, 25, None))), 200);
    assert_eq!(available(&send(&store, adjust("a mistake", 7, -50, None))), 150);
    let reader = store.reader().expect("a reader");
    let figures = reader.figures("points").expect("figures");
    assert_eq!((figures.orders, figures.outstanding()), (3, Points::new(150)));
    assert_eq!(figures.redeemed, Points::new(250));
    verified(&shop);
}

#[test]
fn a_database_that_was_closed_goes_on_where_it_was() {
    let shop = Shop::new();
    let store = shop.opened("plain waits");
    sent(&store, &[sign_up(1), order(1, "A1", sale(10_000, NEW_YEAR))]);
    drop(store);
    shop.later(11);
    let store = shop.open();
    assert_eq!(available(&send(&store, order(1, "A2", sale(5_000, NEW_YEAR + 11 * DAY)))), 100);
    verified(&shop);
}

#[test]
fn a_key_is_answered_as_the_first_time_and_belongs_to_one_body() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "A1", sale(50_000, NEW_YEAR))]);
    let first = send(&store, hold("one", 1, 100));
    assert_eq!(available(&first), 400);
    sent(&store, &[order(1, "A2", sale(50_000, NEW_YEAR))]);
    assert_eq!(send(&store, hold("one", 1, 100)), first, "the first answer, whatever has happened since");
    assert_eq!(send(&store, hold("one", 1, 200)), Err(Failure::KeyReused));
    let refused = send(&store, hold("two", 1, 5_000));
    assert_eq!(refused, Err(rejected(Rejection::InsufficientPoints { spendable: Points::new(900) })));
    sent(&store, &[order(1, "A3", sale(500_000, NEW_YEAR))]);
    assert_eq!(send(&store, hold("two", 1, 5_000)), refused, "a refusal is remembered as well");
    drop(store);
    let store = shop.open();
    assert_eq!(send(&store, hold("two", 1, 5_000)), refused, "also after a restart");
    assert_eq!(send(&store, hold("one", 1, 100)), first);
    verified(&shop);
}

#[test]
fn the_key_is_looked_up_before_anything_else() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), keyed("k", adjust("thanks", 1, 50, None).body)]);
    let invalid = keyed("k", order(9, "", sale(1, NEW_YEAR)).body);
    assert_eq!(send(&store, invalid), Err(Failure::KeyReused));
}

#[test]
fn what_is_not_there_yet_is_not_remembered_as_missing() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let held = |program: &str, member| {
        let program = program.to_owned();
        keyed("hold", Body::Hold { program, member: named(member), points: Points::new(10), minutes: None })
    };
    assert_eq!(send(&store, held("more", 1)), Err(rejected(Rejection::UnknownProgram)));
    assert_eq!(send(&store, held("points", 1)), Err(rejected(Rejection::UnknownMember)));
    sent(&store, &[sign_up(1), order(1, "A1", sale(5_000, NEW_YEAR))]);
    assert_eq!(available(&send(&store, held("points", 1))), 40, "the same key works once the member is there");
    assert_eq!(send(&store, held("more", 1)), Err(Failure::KeyReused), "and then belongs to that");
    verified(&shop);
}

#[test]
fn what_could_be_meant_twice_needs_a_key() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let bodies = [
        sign_up(1).body,
        hold("", 1, 5).body,
        adjust("note", 1, 5, None).body,
        add_channel("till", "points"),
        Body::SwitchProgram { program: "points".into(), on: false, at: None },
    ];
    for body in bodies {
        assert_eq!(path_of(&send(&store, live(body.clone()))), "key", "{body:?}");
        assert_eq!(path_of(&send(&store, keyed("", body))), "key");
    }
}

#[test]
fn a_document_again_changes_nothing_and_a_reference_stays_with_its_member() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2), order(1, "A1", sale(1_000, NEW_YEAR))]);
    let again = send(&store, order(1, "A1", sale(1_000, NEW_YEAR)));
    let Ok(Reply::Order { answer, .. }) = &again else { panic!("{again:?}") };
    assert_eq!((answer.status, answer.balance.available), (Status::Retry, Points::new(10)));
    let other = send(&store, order(2, "A1", sale(1_000, NEW_YEAR)));
    assert_eq!(other, Err(rejected(Rejection::OtherMember)));
    let guest = |reference: &str| {
        let document = sale(2_000, NEW_YEAR).into();
        live(Body::PutOrder {
            channel: "shop".into(),
            member: None,
            reference: reference.into(),
            document,
            certificates: None,
        })
    };
    assert_eq!(available(&send(&store, guest("A1"))), 20);
    assert!(matches!(send(&store, guest("A2")), Ok(Reply::Order { member: None, .. })), "nobody's yet");
    verified(&shop);
}

#[test]
fn what_is_not_known_is_named() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let elsewhere = live(Body::PutOrder {
        channel: "nowhere".into(),
        member: Some(named(1)),
        reference: "A1".into(),
        document: sale(1, NEW_YEAR).into(),
        certificates: None,
    });
    assert_eq!(send(&store, elsewhere), Err(rejected(Rejection::UnknownChannel)));
    let program = Body::Hold { program: "no".into(), member: named(1), points: Points::new(1), minutes: None };
    assert_eq!(send(&store, keyed("a", program)), Err(rejected(Rejection::UnknownProgram)));
    assert_eq!(send(&store, hold("b", 9, 1)), Err(rejected(Rejection::UnknownMember)));
    let by_id = MemberRef::Id(id_of(9));
    let body = Body::Hold { program: "points".into(), member: by_id, points: Points::new(1), minutes: None };
    assert_eq!(send(&store, keyed("c", body)), Err(rejected(Rejection::UnknownMember)));
    let release = Body::ReleaseHold { program: "points".into(), member: named(1), hold: HoldNo(u64::MAX) };
    assert_eq!(send(&store, live(release)), Err(rejected(Rejection::UnknownHold)));
    for reference in ["", "a\nb", "a\0b", &"x".repeat(121)] {
        assert_eq!(path_of(&send(&store, order(1, reference, sale(1, NEW_YEAR)))), "reference");
    }
    let early = at(order(1, "A1", sale(1, NEW_YEAR)), i64::MIN);
    assert_eq!(path_of(&send(&store, early)), "time");
}

#[test]
fn a_sign_up_never_adds_to_a_member_that_is_there() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let card = Identity::new(IdentityKind::Card, "C1");
    let body = |id, identities: &[&Identity]| Body::SignUp {
        id: id_of(id),
        name: Some("Ana".into()),
        identities: identities.iter().map(|it| (*it).clone()).collect(),
        facts: engine::Facts::default(),
    };
    let member = |id, created| Ok(Reply::Member { id: id_of(id), created });
    assert_eq!(send(&store, keyed("1", body(1, &[&customer(1)]))), member(1, true));
    assert_eq!(send(&store, keyed("2", body(2, &[&customer(2)]))), member(2, true));
    assert_eq!(send(&store, keyed("3", body(3, &[&customer(1)]))), member(1, false));
    let half_known = send(&store, keyed("half", body(3, &[&customer(1), &card])));
    assert_eq!(half_known, Err(rejected(Rejection::IdentityTaken)), "who knows a number must not add a card to it");
    assert_eq!(
        send(&store, keyed("4", body(4, &[&customer(1), &customer(2)]))),
        Err(rejected(Rejection::IdentityTaken))
    );
    assert_eq!(path_of(&send(&store, keyed("5", body(1, &[&card])))), "id");
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.find(&MemberRef::Identity(card)), Ok(None), "nothing was added to member 1");
    assert_eq!(send(&store, keyed("1", body(5, &[&customer(1)]))), member(1, true), "a new id is drawn at each try");
    verified(&shop);
}

#[test]
fn a_sign_up_is_the_same_in_whatever_order_it_tells_identities() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let body = |id, identities| Body::SignUp { id: id_of(id), name: None, identities, facts: engine::Facts::default() };
    let card = Identity::new(IdentityKind::Card, "C1");
    let first = send(&store, keyed("k", body(1, vec![customer(1), card.clone()])));
    assert_eq!(first, Ok(Reply::Member { id: id_of(1), created: true }));
    assert_eq!(send(&store, keyed("k", body(2, vec![card.clone(), customer(1), card]))), first);
    assert_eq!(send(&store, keyed("k", body(2, vec![customer(1)]))), Err(Failure::KeyReused));
    verified(&shop);
}

#[test]
fn sign_ups_race_and_orders_follow_in_one_batch() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let mut commands: Vec<Command> = (0..200).map(racing).collect();
    commands.push(order(1, "A1", sale(1_000, NEW_YEAR)));
    let replies = together(&store, commands);
    let created = replies.iter().filter(|it| matches!(it, Ok(Reply::Member { created: true, .. }))).count();
    let members: Vec<_> =
        replies.iter().filter_map(|it| if let Ok(Reply::Member { id, .. }) = it { Some(id) } else { None }).collect();
    assert_eq!((created, members.len()), (1, 200));
    assert!(members.iter().all(|it| *it == members[0]));
    assert_eq!(available(&replies[200]), 10);
    verified(&shop);
}

fn racing(number: u64) -> Command {
    let identities = vec![customer(1)];
    keyed(
        &format!("race {number}"),
        Body::SignUp { id: id_of(number), name: None, identities, facts: engine::Facts::default() },
    )
}

#[test]
fn a_command_that_panics_is_left_out_and_its_neighbours_are_unharmed() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let panics = Body::AddVersion { program: "points".into(), document: "panic".into(), effective_at: None };
    let commands = vec![
        sign_up(1),
        order(1, "A1", sale(1_000, NEW_YEAR)),
        keyed("panics", panics),
        order(1, "A2", sale(1_000, NEW_YEAR)),
    ];
    let replies = together(&store, commands);
    assert_eq!(replies[2], Err(Failure::Internal));
    assert_eq!(available(&replies[3]), 20);
    verified(&shop);
}

#[test]
fn a_permanent_reference_is_adjusted_once() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), sign_up(2)]);
    let first = send(&store, adjust("for the review", 1, 50, Some("review 5")));
    assert_eq!(available(&first), 50);
    let again = |key: &str, member, points| {
        let command = adjust("for the review", member, points, Some("review 5"));
        send(&store, keyed(key, command.body))
    };
    assert_eq!(again("a", 1, 50), first);
    assert_eq!(again("b", 1, 60), Err(Failure::KeyReused));
    assert_eq!(again("c", 2, 50), Err(Failure::KeyReused));
    let until = |key: &str, expires_at| {
        let adjustment = Adjustment { points: Points::new(50), note: "for the review".into(), expires_at };
        let (program, reference) = ("points".to_owned(), Some("review 5".to_owned()));
        send(&store, keyed(key, Body::Adjust { program, member: named(1), adjustment, reference }))
    };
    let other = Timestamp::from_micros(NEW_YEAR + 5 * DAY);
    assert_eq!(until("d", Some(other)), Err(Failure::KeyReused), "another expiry is another adjustment");
    let account = store.reader().expect("a reader").account(id_of(1), 1).expect("read").expect("it is there");
    assert_eq!(until("e", Some(account.lots()[0].at.expires_at)), first, "the same one, told or left out");
    shop.later(400);
    assert_eq!(available(&again("f", 1, 50)), 0, "the balance now: they have expired, swept or not");
    verified(&shop);
}

#[test]
fn reference_data_are_checked_and_seen_at_once() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let version =
        |effective_at| Body::AddVersion { program: "points".into(), document: "plain owe".into(), effective_at };
    let wrong = create_program("b", "nonsense", Timestamp::default());
    assert_eq!(path_of(&send(&store, keyed("wrong", wrong))), "document");
    let twice = create_program("points", "plain", Timestamp::default());
    assert_eq!(path_of(&send(&store, keyed("twice", twice))), "name");
    let channel = add_channel("shop", "points");
    assert_eq!(path_of(&send(&store, keyed("again", channel))), "name");
    let past = Some(Timestamp::from_micros(NEW_YEAR - DAY));
    assert_eq!(
        send(&store, keyed("v2", version(past))),
        Ok(Reply::Program { id: program_id("points"), number: 1, version: 2 }),
        "no entries yet"
    );
    sent(&store, &[sign_up(1), order(1, "A1", sale(1_000, NEW_YEAR))]);
    assert_eq!(path_of(&send(&store, keyed("v3", version(past)))), "effective_at");
    let third = Reply::Program { id: program_id("points"), number: 1, version: 3 };
    assert_eq!(send(&store, keyed("v4", version(None))), Ok(third));
    let off = Body::SwitchProgram { program: "points".into(), on: false, at: None };
    assert_eq!(send(&store, keyed("off", off)), Ok(Reply::Done));
    assert_eq!(available(&send(&store, order(1, "A2", sale(1_000, NEW_YEAR)))), 10, "off: it earns nothing");
    let reader = store.reader().expect("a reader");
    let program = reader.program("points").expect("programs").expect("points");
    assert_eq!(program.document(3), Some("plain owe"));
    assert!(!program.timeline.is_on(Timestamp::from_micros(NEW_YEAR)));
    verified(&shop);
}

#[test]
fn a_program_with_entries_keeps_its_currency() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let version = |key: &str, document: &str, day: i64| {
        let effective_at = Some(Timestamp::from_micros(NEW_YEAR + day * DAY));
        send(&store, keyed(key, Body::AddVersion { program: "points".into(), document: document.into(), effective_at }))
    };
    let added = |version| Ok(Reply::Program { id: program_id("points"), number: 1, version });
    assert_eq!(path_of(&version("later", "yen", 9)), "document.currency", "orders might come in between");
    assert_eq!(version("now", "yen", 0), added(2), "it has no entries yet");
    assert_eq!(path_of(&version("behind", "plain", -9)), "document.currency", "yen would be in force behind it");
    sent(&store, &[sign_up(1)]);
    let euros = order(1, "A1", sale(1_000, NEW_YEAR - 5 * DAY));
    assert_eq!(send(&store, at(euros, NEW_YEAR - 5 * DAY)), Err(rejected(Rejection::WrongCurrency)));
    assert_eq!(version("back", "plain", 0), added(3));
    sent(&store, &[order(1, "A1", sale(1_000, NEW_YEAR))]);
    for (key, day) in [("yen", 0), ("yen later", 9)] {
        let euro = "the currency that the program has had: it has entries";
        let refused = Rejection::Invalid { path: "document.currency".into(), allowed: euro };
        assert_eq!(version(key, "yen", day), Err(rejected(refused)));
    }
    assert_eq!(version("other terms", "plain owe", 9), added(4));
    verified(&shop);
}

#[test]
fn a_sweep_settles_what_is_due_once() {
    let shop = Shop::new();
    let store = shop.opened("plain days");
    for member in 1..=30 {
        sent(&store, &[sign_up(member), order(member, &format!("A{member}"), sale(1_000, NEW_YEAR))]);
    }
    let reader = store.reader().expect("a reader");
    let until = Timestamp::from_micros(NEW_YEAR + 12 * DAY);
    assert_eq!(
        reader.balance(id_of(1), 1, until).expect("a balance").available,
        Points::ZERO,
        "exact before the sweep"
    );
    assert_eq!(reader.due(until, None, 100).expect("due").len(), 30);
    drop(reader);
    let swept = |until| store::sweep(&store, until, &mut |_| {}).map(|it| it.accounts);
    assert_eq!(swept(Timestamp::from_micros(NEW_YEAR)), Ok(0));
    assert_eq!(swept(until), Ok(0), "not ahead of the clock");
    shop.later(12);
    assert_eq!(swept(until), Ok(30));
    assert_eq!(swept(until), Ok(0));
    let figures = store.reader().expect("a reader").figures("points").expect("figures");
    assert_eq!((figures.expired, figures.outstanding()), (Points::new(300), Points::ZERO));
    verified(&shop);
}

#[test]
fn a_sweep_that_is_told_to_stop_leaves_the_rest_due() {
    const MEMBERS: u64 = 1_100;
    let shop = Shop::new();
    let store = shop.opened("plain days");
    let commands = |it| [sign_up(it), order(it, &format!("A{it}"), sale(1_000, NEW_YEAR))];
    assert!(together(&store, (1..=MEMBERS).flat_map(commands).collect()).iter().all(Result::is_ok));
    shop.later(12);
    let left = || store.reader().expect("a reader").due(store.now(), None, 2_000).expect("due").len();
    let stopped = |pages: u32| {
        let asked = Cell::new(0);
        let goes_on = || asked.replace(asked.get() + 1) < pages;
        store::sweep_while(&store, store.now(), &goes_on, &mut |_| {}).expect("a sweep").accounts
    };
    assert_eq!((stopped(0), left()), (0, 1_100), "told at once");
    assert_eq!((stopped(1), left()), (1_000, 100), "a page that was begun is finished");
    assert_eq!(store::sweep(&store, store.now(), &mut |_| {}).expect("a sweep").accounts, 100);
    assert_eq!(left(), 0);
    verified(&shop);
}

#[test]
fn a_quote_says_what_the_order_will_be_answered() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "A1", sale(30_000, NEW_YEAR))]);
    let moment =
        engine::Moment { now: Timestamp::from_micros(NEW_YEAR), actor: engine::Actor::Staff(0), import: false };
    let mut document = sale(10_000, NEW_YEAR);
    let quote = store.reader().expect("a reader").quote("shop", &named(1), None, (&document, None), moment);
    let quote = quote.expect("a quote");
    document.redeem = Some(quote.redeem);
    let reply = send(&store, order(1, "A2", document));
    assert_eq!(
        reply,
        Ok(Reply::Order { member: Some(id_of(1)), order: quote.answer.order, answer: Box::new(quote.answer) })
    );
}

#[test]
fn carried_steps_reach_into_other_orders() {
    let shop = Shop::new();
    let store = shop.opened("steps");
    sent(&store, &[sign_up(1), order(1, "A1", sale(3_000, NEW_YEAR))]);
    assert_eq!(available(&send(&store, order(1, "A2", sale(2_000, NEW_YEAR)))), 1);
    drop(store);
    let store = shop.open();
    let mut returned = sale(3_000, NEW_YEAR);
    returned.cancelled_at = Some(Timestamp::from_micros(NEW_YEAR));
    assert_eq!(available(&send(&store, order(1, "A1", returned))), 0, "the step of A2 is gone");
    verified(&shop);
}

#[test]
fn a_store_that_is_dropped_finishes_what_it_accepted() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let orders = (0..500).map(|it| order(1, &format!("A{it}"), sale(1_000, NEW_YEAR)));
    let tickets: Vec<_> = orders.map(|it| store.submit(it)).collect();
    drop(store);
    assert!(tickets.into_iter().all(|it| it.wait().is_ok()));
    let reader = shop.reader();
    assert_eq!(reader.figures("points").expect("figures").orders, 500);
}

#[test]
fn a_second_writer_is_refused_while_readers_read() {
    if !crate::place::IS_FILE {
        return;
    }
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), order(1, "A1", sale(1_000, NEW_YEAR))]);
    let refused = shop.try_open().err();
    assert_eq!(refused, Some(StoreError::Locked(shop.path())));
    let reader = shop.reader();
    sent(&store, &[order(1, "A2", sale(1_000, NEW_YEAR))]);
    let now = Timestamp::from_micros(NEW_YEAR);
    assert_eq!(reader.balance(id_of(1), 1, now).expect("a balance").available, Points::new(10), "one snapshot");
    drop((reader, store));
    drop(shop.open());
}

/// All in the queue before the writer takes the next batch, as far as the machine lets them.
pub(crate) fn together(store: &Store, commands: Vec<Command>) -> Vec<Result<Reply, Failure>> {
    let tickets: Vec<_> = commands.into_iter().map(|it| store.submit(it)).collect();
    tickets.into_iter().map(store::Ticket::wait).collect()
}

pub(crate) fn sent(store: &Store, commands: &[Command]) {
    for command in commands {
        let reply = send(store, command.clone());
        assert!(reply.is_ok(), "{command:?}: {reply:?}");
    }
}

pub(crate) fn verified(shop: &Shop) {
    let report = shop.reader().verify(&mut |_| {}).expect("the database can be read");
    assert_eq!(report.difference, None, "{report:?}");
    assert!(0 < report.members + report.entries, "there was something to compare");
}

fn hold(key: &str, member: u64, points: i64) -> Command {
    let points = Points::new(points);
    keyed(key, Body::Hold { program: "points".into(), member: named(member), points, minutes: None })
}

fn adjust(note: &str, member: u64, points: i64, reference: Option<&str>) -> Command {
    let adjustment = Adjustment { points: Points::new(points), note: note.into(), expires_at: None };
    let reference = reference.map(str::to_owned);
    keyed(note, Body::Adjust { program: "points".into(), member: named(member), adjustment, reference })
}

fn rejected(rejection: Rejection) -> Failure {
    Failure::Rejected(rejection)
}

pub(crate) fn path_of(reply: &Result<Reply, Failure>) -> &str {
    match reply {
        Err(Failure::Rejected(Rejection::Invalid { path, .. })) => path,
        other => panic!("no field is named in {other:?}"),
    }
}

#[test]
fn two_programs_are_two_accounts() {
    let shop = Shop::new();
    let store = shop.open();
    set_up(&store, "plain");
    let second = create_program("more", "plain", Timestamp::default());
    let id = program_id("more");
    assert_eq!(send(&store, keyed("more", second)), Ok(Reply::Program { id, number: 2, version: 1 }));
    let id = channel_id("till");
    assert_eq!(send(&store, keyed("till", add_channel("till", "more"))), Ok(Reply::Channel { id, number: 2 }));
    sent(&store, &[sign_up(1), order(1, "A1", sale(1_000, NEW_YEAR))]);
    let document = sale(2_000, NEW_YEAR).into();
    let member = Some(named(1));
    let body = Body::PutOrder { channel: "till".into(), member, reference: "A1".into(), document, certificates: None };
    assert_eq!(available(&send(&store, live(body))), 20);
    verified(&shop);
}
