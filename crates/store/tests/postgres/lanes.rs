//! Batches side by side, of one process and of several: whatever meets in them, no update is lost, nothing is given twice, and
//! whoever has nothing to do with it does not wait.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use engine::{Adjustment, Document, DocumentVersion, Money, Points, Status, Timestamp, Validity};
use store::{
    Body, CertificateRef, Command, Failure, Identity, IdentityKind, MemberChange, MemberRef, NewCertificates, Options,
    OrderName, Reply, ReturnedPart, Store, sweep,
};

use crate::batches::{draw_history, opened, same};
use crate::crash::Random;
use crate::limits::export;
use crate::place::in_file;
use crate::shop::{DAY, NEW_YEAR, Shop, at, id_of, keyed, live, named, order, sale, send, sign_up};
use crate::still::Gate;
use crate::store::{sent, together, verified};

const LANES: usize = 4;

fn shop() -> Shop {
    Shop::in_lanes(LANES)
}

/// All at once, each list from a thread of its own, to one store after the other.
fn at_once(stores: &[&Store], lists: Vec<Vec<Command>>) -> Vec<Vec<Result<Reply, Failure>>> {
    std::thread::scope(|scope| {
        let sent = lists.into_iter().zip(stores.iter().cycle());
        let threads: Vec<_> = sent.map(|(it, store)| scope.spawn(|| together(store, it))).collect();
        threads.into_iter().map(|it| it.join().expect("no panic")).collect()
    })
}

/// One after the other is answered before the next is sent.
fn one_by_one(stores: &[&Store], lists: Vec<Vec<Command>>) -> Vec<Vec<Result<Reply, Failure>>> {
    std::thread::scope(|scope| {
        let sent = lists.into_iter().zip(stores.iter().cycle());
        let all = |store: &Store, it: Vec<Command>| it.into_iter().map(|it| send(store, it)).collect();
        let threads: Vec<_> = sent.map(|(it, store)| scope.spawn(move || all(store, it))).collect();
        threads.into_iter().map(|it| it.join().expect("no panic")).collect()
    })
}

fn all_done(answers: &[Vec<Result<Reply, Failure>>]) {
    answers.iter().flatten().for_each(|it| assert!(it.is_ok(), "{it:?}"));
}

fn available(shop: &Shop, member: u64) -> i64 {
    let balance = shop.reader().balance(id_of(member), 1, Timestamp::from_micros(NEW_YEAR)).expect("a balance");
    balance.available.get()
}

pub(crate) fn adjust(key: &str, member: MemberRef, points: i64) -> Command {
    let adjustment = Adjustment { points: Points::new(points), note: "by hand".into(), expires_at: None };
    keyed(key, Body::Adjust { program: "points".into(), member, adjustment, reference: None })
}

/// By its id and by three identities: nothing but the row tells that they are one.
fn names(member: u64) -> [MemberRef; 4] {
    let identity = |kind, value: String| MemberRef::Identity(Identity::new(kind, value));
    [
        MemberRef::Id(id_of(member)),
        named(member),
        identity(IdentityKind::Card, format!("card {member}")),
        identity(IdentityKind::Email, format!("{member}@example.com")),
    ]
}

fn known(store: &Store, members: u64) {
    for member in 1..=members {
        sent(store, &[sign_up(member)]);
        for name in &names(member)[2..] {
            let MemberRef::Identity(identity) = name.clone() else { continue };
            sent(store, &[live(Body::AddIdentity { member: named(member), identity })]);
        }
    }
}

#[test]
fn what_meets_on_one_member_adds_up() {
    let shop = shop();
    let (first, second) = (shop.opened("plain"), shop.open());
    known(&first, 3);
    let list = |name: usize| -> Vec<Command> {
        let member = |it: usize| 1 + (it as u64) % 3;
        (0..120).map(|it| adjust(&format!("{name} {it}"), names(member(it))[name % 4].clone(), 1)).collect()
    };
    all_done(&one_by_one(&[&first, &second], (0..8).map(list).collect()));
    let run_again = [&first, &second].map(|it| it.counted().run_again);
    assert_eq!(run_again, [0, 0], "each waits for the row before it reads what belongs to it");
    let bulk = |name: usize| -> Vec<Command> { list(name + 8) };
    all_done(&at_once(&[&first, &second], (0..8).map(bulk).collect()));
    assert_eq!([1, 2, 3].map(|it| available(&shop, it)), [640; 3]);
    verified(&shop);
}

#[test]
fn orders_and_their_refunds_meet_whatever_names_their_member() {
    let shop = shop();
    let (first, second) = (shop.opened("owe"), shop.open());
    known(&first, 2);
    let put = |number: u64, reference: &str, version: u64, name: usize| {
        let refunded = Money::new(if version == 3 { 4_000 } else { 0 });
        let document = Document { version: DocumentVersion::Number(version), refunded, ..sale(10_000, NEW_YEAR) };
        let mut command = order(number, reference, document);
        if let Body::PutOrder { member, .. } = &mut command.body {
            *member = Some(names(number)[name].clone());
        }
        command
    };
    let list = |name: usize| -> Vec<Command> {
        let orders = (0..60).flat_map(|it| (1..=3).map(move |version| (it, version)));
        orders.map(|(it, version)| put(1 + it % 2, &format!("A{it}"), version, name)).collect()
    };
    let answers = one_by_one(&[&first, &second], (0..4).map(list).collect());
    all_done(&answers);
    assert_eq!([1, 2].map(|it| available(&shop, it)), [30 * 60; 2], "each order once, as its last document says");
    verified(&shop);
}

#[test]
fn what_is_sent_in_one_stream_stays_in_order() {
    let shop = shop();
    let store = shop.opened("owe");
    let story = |member: u64| {
        let reference = format!("A{member}");
        let refunded =
            Document { version: DocumentVersion::Number(2), refunded: Money::new(10_000), ..sale(10_000, NEW_YEAR) };
        let first = Document { version: DocumentVersion::Number(1), ..sale(10_000, NEW_YEAR) };
        let nobodys = |mut it: Command| {
            if let Body::PutOrder { member, .. } = &mut it.body {
                *member = None;
            }
            it
        };
        vec![
            sign_up(member),
            order(member, &reference, first),
            adjust(&format!("gift {member}"), named(member), 50),
            nobodys(order(member, &reference, refunded)),
            adjust(&format!("all {member}"), named(member), -50),
        ]
    };
    for answer in together(&store, (1..=300).flat_map(story).collect()) {
        assert!(answer.is_ok(), "{answer:?}");
    }
    assert!((1..=300).all(|it| available(&shop, it) == 0));
    verified(&shop);
}

#[test]
fn members_become_one_and_two_again_while_orders_of_both_arrive() {
    let shop = shop();
    let (first, second) = (shop.opened("owe"), shop.open());
    known(&first, 2);
    let orders = |name: usize| -> Vec<Command> {
        let put = |it: u64| {
            let number = 1 + it % 2;
            let mut command = order(number, &format!("{name} {it}"), sale(1_000, NEW_YEAR));
            if let Body::PutOrder { member, .. } = &mut command.body {
                *member = Some(names(number)[name % 4].clone());
            }
            command
        };
        (0..60).map(put).collect()
    };
    let merges = (0..12).flat_map(|it| {
        let merge = keyed(&format!("merge {it}"), Body::Merge { member: named(1), other: named(2) });
        [merge, keyed(&format!("undo {it}"), Body::Unmerge { member: named(1) })]
    });
    let mut lists: Vec<Vec<Command>> = (0..6).map(orders).collect();
    lists.push(merges.collect());
    let answers = one_by_one(&[&first, &second], lists);
    all_done(&answers);
    assert_eq!([1, 2].map(|it| available(&shop, it)), [6 * 30 * 10; 2], "each has its own again");
    verified(&shop);
}

#[test]
fn an_order_without_a_member_is_claimed_once_while_its_documents_arrive() {
    let shop = shop();
    let (first, second) = (shop.opened("owe"), shop.open());
    known(&first, 2);
    let put = |it: u64, version: u64, whose: Option<u64>| {
        let refunded = Money::new(if version == 3 { 4_000 } else { 0 });
        let document = Document { version: DocumentVersion::Number(version), refunded, ..sale(10_000, NEW_YEAR) };
        let mut command = order(1, &format!("A{it}"), document);
        if let Body::PutOrder { member, .. } = &mut command.body {
            *member = whose.map(|it| names(it)[2].clone());
        }
        command
    };
    let claim = |it: u64, member: u64| {
        let order = OrderName { channel: "shop".into(), reference: format!("A{it}") };
        keyed(&format!("claim {it} {member}"), Body::ClaimOrder { order, member: named(member), note: "hers".into() })
    };
    // The last forty are never claimed.
    let nobodys = |name: u64| {
        let claimed = (0..60).flat_map(|it| [put(it, 1, None), put(it, 3, None)]);
        claimed.chain((60..100).map(|it| put(it, 1 + name, None))).collect::<Vec<_>>()
    };
    let mut lists: Vec<Vec<Command>> = (0..4).map(nobodys).collect();
    lists.push((0..60).map(|it| put(it, 2, Some(1))).collect());
    lists.push((0..60).map(|it| claim(it, 2)).collect());
    let answers = one_by_one(&[&first, &second], lists);
    all_done(&answers[..4]);
    let is_store = |it: &&Result<Reply, Failure>| matches!(it, Err(Failure::Store(_) | Failure::Internal));
    assert_eq!(answers.iter().flatten().find(is_store), None);
    assert!((0..60).all(|it| send(&first, put(it, 3, None)).is_ok()));
    let all = available(&shop, 1) + available(&shop, 2);
    let guests = shop.reader().verify(&mut |_| {}).expect("it can be read").guests;
    assert_eq!(all, 60 * (100 - i64::try_from(guests).expect("few")), "each belongs to one, or to nobody");
    for it in 60..100 {
        let Ok(Reply::Order { answer, .. }) = send(&first, put(it, 3, None)) else { panic!("an order") };
        assert_eq!(answer.status, Status::Stale, "its last document was not overwritten by an earlier one");
    }
    verified(&shop);
}

#[test]
fn what_comes_back_of_an_order_without_a_member_is_not_lost() {
    let shop = shop();
    let (first, second) = (shop.opened("owe"), shop.open());
    known(&first, 1);
    let mut sold = order(1, "A", sale(10_000, NEW_YEAR));
    if let Body::PutOrder { member, .. } = &mut sold.body {
        *member = None;
    }
    sent(&first, &[sold]);
    let named_order = || OrderName { channel: "shop".into(), reference: "A".into() };
    let back = |name: usize, it: usize| {
        let returned = Box::new(ReturnedPart {
            version: DocumentVersion::Number(1),
            returned_at: Timestamp::from_micros(NEW_YEAR),
            lines: Vec::new(),
            refunded: Money::new(100),
        });
        let (channel, reference) = ("shop".into(), format!("back {name} {it}"));
        live(Body::PutReturn { channel, reference, order: named_order(), currency: *b"EUR", returned })
    };
    let lists = (0..4).map(|name| (0..20).map(|it| back(name, it)).collect()).collect();
    all_done(&one_by_one(&[&first, &second], lists));
    let claim = Body::ClaimOrder { order: named_order(), member: named(1), note: "hers".into() };
    sent(&first, &[keyed("claim", claim)]);
    assert_eq!(available(&shop, 1), 20);
    verified(&shop);
}

#[test]
fn what_falls_due_is_posted_once_while_orders_arrive() {
    let shop = shop();
    let (first, second) = (shop.opened("days"), shop.open());
    known(&first, 40);
    let lists = |round: i64| {
        (0..4).map(move |name| {
            let put = move |it: u64| {
                let mut command = order(it, &format!("{round} {name} {it}"), sale(1_000, NEW_YEAR + round * 20 * DAY));
                if let Body::PutOrder { member, .. } = &mut command.body {
                    *member = Some(names(it)[name].clone());
                }
                command
            };
            (1..=40).map(put).collect::<Vec<_>>()
        })
    };
    all_done(&at_once(&[&first, &second], lists(0).collect()));
    for round in 1..=3 {
        let now = NEW_YEAR + round * 20 * DAY;
        shop.now.store(now, Ordering::SeqCst);
        std::thread::scope(|scope| {
            let sweeps =
                [&first, &second].map(|it| scope.spawn(|| sweep(it, Timestamp::from_micros(now), &mut |_| {})));
            all_done(&at_once(&[&first, &second], lists(round).collect()));
            sweeps.into_iter().for_each(|it| drop(it.join().expect("no panic").expect("a ledger")));
        });
    }
    let now = Timestamp::from_micros(shop.now.load(Ordering::SeqCst));
    let left = |it: u64| shop.reader().balance(id_of(it), 1, now).expect("a balance").available.get();
    assert!((1..=40).all(|it| left(it) == 40), "what was bought today is there");
    verified(&shop);
}

#[test]
fn a_budget_is_never_overspent() {
    let shop = shop();
    let (first, second) = (shop.opened("launch"), shop.open());
    let members = 1..=40_u64;
    members.clone().for_each(|it| sent(&first, &[sign_up(it)]));
    let list = |name: u64| -> Vec<Command> {
        members.clone().filter(|it| it % 4 == name).map(|it| order(it, &format!("{it}"), sale(700, NEW_YEAR))).collect()
    };
    let answers = one_by_one(&[&first, &second], (0..4).map(list).collect());
    all_done(&answers);
    let budgets = shop.reader().budgets(1).expect("it can be read");
    let used: i64 = budgets.iter().map(|(_, points)| points.get()).sum();
    assert!((54..=60).contains(&used), "{used} of 60");
    let earned: i64 = members.map(|it| available(&shop, it)).sum();
    assert_eq!(earned, 40 * 7 + used);
    verified(&shop);
}

#[test]
fn codes_of_two_processes_are_of_one_key() {
    for _ in 0..4 {
        let shop = shop();
        let (first, second) = (shop.opened("plain"), shop.open());
        known(&first, 8);
        let issue = |it: u64| {
            let new = NewCertificates {
                value: Money::new(500),
                count: 2,
                uses: None,
                validity: Validity::Never,
                note: "a gift".into(),
            };
            let body = Body::IssueCertificates { program: "points".into(), member: named(it), new, reference: None };
            Command { seed: it, ..keyed(&format!("gift {it}"), body) }
        };
        all_done(&at_once(&[&first, &second], (1..=8).map(|it| vec![issue(it)]).collect()));
        let reader = shop.reader();
        let mut codes = BTreeSet::new();
        for member in 1..=8 {
            for it in reader.certificates(id_of(member), Timestamp::from_micros(NEW_YEAR)).expect("certificates") {
                let code = first.code(&it).expect("it opens").expect("it has one");
                assert!(matches!(second.certificate(&code), Ok(CertificateRef::Code(_))));
                codes.insert(code);
            }
        }
        assert_eq!(codes.len(), 16);
        verified(&shop);
    }
}

#[test]
fn what_is_known_of_a_member_changes_in_several_places_at_once() {
    let shop = shop();
    let (first, second) = (shop.opened("gold"), shop.open());
    known(&first, 1);
    let changes = |name: usize| -> Vec<Command> {
        let change = |it: usize| {
            let change = match name {
                0 => MemberChange::name(Some(&format!("Ana {it}"))),
                1 => MemberChange {
                    customer_type: Some(Some(if it.is_multiple_of(2) { "gold" } else { "plain" }.into())),
                    ..MemberChange::default()
                },
                _ => return order(1, &format!("{name} {it}"), sale(1_000, NEW_YEAR)),
            };
            live(Body::ChangeMember { member: names(1)[name].clone(), change })
        };
        (0..60).map(change).collect()
    };
    let added = |name: usize| -> Vec<Command> {
        let identity = |it: usize| Identity::new(IdentityKind::Card, format!("more {name} {it}"));
        (0..20).map(|it| live(Body::AddIdentity { member: names(1)[name].clone(), identity: identity(it) })).collect()
    };
    let answers = one_by_one(&[&first, &second], (0..4).map(changes).chain((0..2).map(added)).collect());
    all_done(&answers[..4]);
    let fits = answers[4..].iter().flatten().filter(|it| it.is_ok()).count();
    assert_eq!(fits, 13, "sixteen identities are the most, and three were there");
    let member = shop.reader().member(id_of(1)).expect("it can be read").expect("a member");
    assert_eq!(member.name.as_deref(), Some("Ana 59"));
    verified(&shop);
}

/// Whoever has nothing to do with a batch that stands still goes on at once; the others when the server has ended it.
#[test]
fn a_batch_that_stands_still_holds_up_its_own_members_alone() {
    let shop = shop();
    let (gate, now) = (Arc::<Gate>::default(), Arc::clone(&shop.now));
    let mut options = shop.options();
    options.clock = Some(gate.clock(move || Timestamp::from_micros(now.load(Ordering::SeqCst))));
    let frozen = Store::open(&shop.database(), options).expect("it opens");
    crate::shop::set_up(&frozen, "plain");
    known(&frozen, 2);
    let other = shop.open();
    sent(&other, &[adjust("before", named(2), 1)]);
    let stands = gate.close();
    let ticket = frozen.submit(adjust("frozen", named(1), 5));
    gate.wait_until_somebody_stands();
    let began = Instant::now();
    for it in 0..20 {
        sent(&other, &[adjust(&format!("others {it}"), named(2), 1)]);
    }
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    sent(&other, &[adjust("its own", named(1), 7)]);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(stands);
    assert!(ticket.wait().is_ok(), "whoever stood still does it again");
    assert_eq!([1, 2].map(|it| available(&shop, it)), [12, 21]);
    verified(&shop);
}

/// Everything there is, over few members, from two processes with several writers each.
#[test]
fn whatever_meets_the_ledger_is_right() {
    let mut random = Random::new();
    for document in ["plain", "converts owe", "rewards owe", "launch owe", "catalogue owe", "steps", "lively", "days"] {
        let shop = shop();
        drop(opened(&shop, document));
        // A server gives up a session that thinks for eight seconds about a batch, as a test does on a busy machine.
        let open = || Store::open(&shop.database(), Options { batch_max: 20, ..shop.options() }).expect("it opens");
        let (first, second) = (open(), open());
        let lists: Vec<Vec<Command>> = (0..4).map(|_| draw_history(&mut random, 80)).collect();
        let answers = at_once(&[&first, &second], lists.clone());
        let again = one_by_one(&[&first, &second], lists);
        for it in answers.iter().chain(&again).flatten() {
            assert!(!matches!(it, Err(Failure::Internal | Failure::Store(_))), "{document}: {it:?}");
        }
        drop((first, second));
        verified(&shop);
    }
}

/// Each history is that of one member and is sent in its order; they meet in batches as they come.
#[test]
fn histories_side_by_side_are_those_of_a_file() {
    let mut random = Random::new();
    let mut histories: Vec<Vec<Command>> = Vec::new();
    for member in 1..=24_u64 {
        let mut history = vec![at(sign_up(member), NEW_YEAR)];
        for number in 0..25_i64 {
            let time = NEW_YEAR + number * DAY;
            let cents = i64::try_from(random.within(100..=20_000)).expect("small");
            let mut document = sale(cents, NEW_YEAR);
            document.version = DocumentVersion::Number(random.within(1..=4));
            document.redeem = (random.within(0..=2) == 0).then(|| Points::new(cents / 300));
            document.refunded = Money::new(if random.within(0..=3) == 0 { cents / 2 } else { 0 });
            let command = match random.within(0..=3) {
                0 => adjust(&format!("{member} {number}"), named(member), cents / 100),
                _ => order(member, &format!("{member} {}", random.within(0..=6)), document),
            };
            history.push(at(command, time));
        }
        histories.push(history);
    }
    for document in ["plain", "owe", "converts owe", "waits"] {
        let (on_server, file) = (shop(), in_file());
        let later = NEW_YEAR + 30 * DAY;
        on_server.now.store(later, Ordering::SeqCst);
        file.now.store(later, Ordering::SeqCst);
        let (first, second) = (on_server.opened(document), on_server.open());
        let answers = one_by_one(&[&first, &second], histories.clone());
        let store = file.opened(document);
        let alone: Vec<Vec<_>> = histories.iter().map(|it| together(&store, it.clone())).collect();
        assert_eq!(answers, alone, "{document}");
        drop((first, second, store));
        same(&export(&on_server), &export(&file));
        verified(&on_server);
    }
}
