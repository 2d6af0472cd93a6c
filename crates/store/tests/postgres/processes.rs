//! Several processes on one database, as far as the store is concerned: stores with nothing in common but the server. And
//! what becomes of them when the server cuts them off, or when one of them stands still.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use engine::{Adjustment, Facts, Points, Rejection, Timestamp, Validity};
use store::{
    Body, Command, Database, Failure, Identity, IdentityKind, MemberRef, Options, Reader, Reply, Store, StoreError,
};

use crate::bearers;
use crate::catalogue::{claim, funded};
use crate::cluster::cluster;
use crate::place::{in_file, url};
use crate::raw::Raw;
use crate::shop::{
    NEW_YEAR, Shop, add_channel, compile, id_of, keyed, live, named, order, sale, send, set_up, sign_up,
};
use crate::still::Gate;
use crate::store::sent;

/// Stores of two processes.
fn two(shop: &Shop) -> (Store, Store) {
    let first = shop.opened("plain");
    (first, shop.open())
}

/// All at once, half of them to each store; the answers of each.
fn at_once(stores: [&Store; 2], commands: [Vec<Command>; 2]) -> [Vec<Result<Reply, Failure>>; 2] {
    let [first, second] = commands;
    let all = |store: &Store, commands: Vec<Command>| {
        let tickets: Vec<_> = commands.into_iter().map(|it| store.submit(it)).collect();
        tickets.into_iter().map(store::Ticket::wait).collect()
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(|| all(stores[1], second));
        [all(stores[0], first), other.join().expect("no panic")]
    })
}

fn adjust(key: &str, points: i64) -> Command {
    let adjustment = Adjustment { points: Points::new(points), note: "by hand".into(), expires_at: None };
    keyed(key, Body::Adjust { program: "points".into(), member: named(1), adjustment, reference: None })
}

fn available(reader: &Reader, number: u64) -> i64 {
    let balance = reader.balance(id_of(number), 1, Timestamp::from_micros(NEW_YEAR)).expect("a balance");
    balance.available.get()
}

fn verified(reader: &Reader) {
    assert_eq!(reader.verify(&mut |_| {}).expect("it can be read").difference, None);
}

#[test]
fn one_phone_that_signs_up_everywhere_at_once_is_one_member() {
    let shop = Shop::new();
    let (first, second) = two(&shop);
    let sign_ups = |begin: u64| -> Vec<Command> {
        let body = |number| Body::SignUp {
            id: id_of(number),
            name: None,
            identities: vec![Identity::new(IdentityKind::Phone, "+41441234567")],
            facts: Facts::default(),
        };
        (begin..begin + 500).map(|it| keyed(&format!("sign-up {it}"), body(it))).collect()
    };
    let answers = at_once([&first, &second], [sign_ups(0), sign_ups(1_000)]).concat();
    let mut members = BTreeSet::new();
    let mut made = 0;
    for answer in answers {
        let Ok(Reply::Member { id, created }) = answer else { panic!("{answer:?}") };
        members.insert(id.to_string());
        made += u32::from(created);
    }
    assert_eq!((members.len(), made), (1, 1));
    verified(&shop.reader());
}

#[test]
fn one_reference_for_two_members_belongs_to_one_and_harms_no_neighbour() {
    let shop = Shop::new();
    let (first, second) = two(&shop);
    for number in 1..=2 {
        send(&first, sign_up(number)).expect("a member");
    }
    let orders = |member: u64| -> Vec<Command> {
        (0..100)
            .map(|it| {
                let reference = if it % 2 == 0 { format!("shared {it}") } else { format!("own {member} {it}") };
                order(member, &reference, sale(1_000, NEW_YEAR))
            })
            .collect()
    };
    let [ones, twos] = at_once([&first, &second], [orders(1), orders(2)]);
    for (number, (one, two)) in ones.iter().zip(&twos).enumerate() {
        if number % 2 == 1 {
            assert!(one.is_ok() && two.is_ok(), "{number}: {one:?} {two:?}");
            continue;
        }
        let lost = Err(Failure::Rejected(Rejection::OtherMember));
        assert!(one.is_ok() != two.is_ok() && (*one == lost || *two == lost), "{number}: {one:?} {two:?}");
    }
    let reader = shop.reader();
    assert_eq!(available(&reader, 1) + available(&reader, 2), 150 * 10, "each order earns once");
    verified(&reader);
}

#[test]
fn one_key_sent_to_both_has_one_effect_and_one_answer() {
    let shop = Shop::new();
    let (first, second) = two(&shop);
    send(&first, sign_up(1)).expect("a member");
    let commands: Vec<Command> = (0..100).map(|it| adjust(&format!("once {it}"), 3)).collect();
    let [ones, twos] = at_once([&first, &second], [commands.clone(), commands]);
    assert_eq!(ones, twos);
    assert!(ones.iter().all(Result::is_ok));
    assert_eq!(available(&shop.reader(), 1), 300);
}

/// Two members show the same codes at once, each at a till of its own: each code is had by one of them, and nothing is lost.
#[test]
fn what_belongs_to_nobody_is_had_by_one_whichever_process_asks() {
    let shop = Shop::new();
    let (first, second) = two(&shop);
    sent(&first, &[sign_up(1), sign_up(2), bearers::issue("fair", 100, Validity::Never)]);
    let codes = bearers::codes(&shop, &first);
    let orders = |member: u64| -> Vec<Command> {
        let all = codes.iter().enumerate();
        all.map(|(it, code)| bearers::with(order(member, &format!("{member} {it}"), sale(1_000, NEW_YEAR)), code))
            .collect()
    };
    let [ones, twos] = at_once([&first, &second], [orders(1), orders(2)]);
    let lost = Err(Failure::Rejected(Rejection::CertificateClaimed));
    let mut had = [0, 0];
    for (one, two) in ones.iter().zip(&twos) {
        assert!(one.is_ok() != two.is_ok() && (*one == lost || *two == lost), "{one:?} {two:?}");
        had[usize::from(two.is_ok())] += 1;
    }
    let reader = shop.reader();
    let left = |member: u64| -> (usize, i64) {
        let now = Timestamp::from_micros(NEW_YEAR);
        let all = reader.certificates(id_of(member), now).expect("they can be read");
        (all.len(), all.iter().map(|it| it.lot.available.get()).sum())
    };
    assert_eq!([left(1), left(2)], had.map(|it: usize| (it, 1_500 * i64::try_from(it).expect("few"))));
    assert!(bearers::bearers(&shop).iter().all(|it| !it.certificate.is_bearer()));
    verified(&reader);
}

/// Two members want the last pieces of a reward, each at a till of its own.
#[test]
fn the_last_pieces_are_had_once_whichever_process_asks() {
    let shop = Shop::new();
    let first = shop.opened("catalogue owe");
    let second = shop.open();
    for number in 1..=2 {
        funded(number, 2_000).into_iter().for_each(|it| drop(send(&first, it).expect("points")));
    }
    let claims = |member: u64| (0..30).map(|it| claim(&format!("{member} {it}"), member, "mug")).collect();
    let [ones, twos] = at_once([&first, &second], [claims(1), claims(2)]);
    let had = ones.iter().chain(&twos).filter(|it| matches!(it, Ok(Reply::Claim { .. }))).count();
    assert_eq!(had, 4, "{ones:?} {twos:?}");
    let sold_out = Err(Failure::Rejected(Rejection::RewardSoldOut));
    assert!(ones.iter().chain(&twos).filter(|it| it.is_err()).all(|it| *it == sold_out));
    let reader = shop.reader();
    assert_eq!(reader.budgets(1).expect("it can be read").claimed("mug"), 4);
    verified(&reader);
}

#[test]
fn what_one_changes_of_programs_the_other_goes_by_at_once() {
    let shop = Shop::new();
    let (first, second) = two(&shop);
    send(&second, sign_up(1)).expect("a member");
    let before = second.epoch();
    send(&first, keyed("till", add_channel("till", "points"))).expect("a channel");
    let mut sold = order(1, "1001", sale(1_000, NEW_YEAR));
    if let Body::PutOrder { channel, .. } = &mut sold.body {
        "till".clone_into(channel);
    }
    assert!(send(&second, sold).is_ok(), "its next batch knows the channel");
    send(&first, keyed("kiosk", add_channel("kiosk", "points"))).expect("a channel");
    let until = Instant::now() + Duration::from_secs(10);
    while second.epoch() < before + 2 {
        assert!(Instant::now() < until, "a process that writes nothing hears of it all the same");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn members_whom_another_process_has_made_one_are_one_here() {
    let shop = Shop::new();
    let (first, second) = two(&shop);
    for number in 1..=2 {
        send(&second, sign_up(number)).expect("a member");
    }
    send(&second, order(2, "before", sale(1_000, NEW_YEAR))).expect("an order");
    send(&first, keyed("merge", Body::Merge { member: named(1), other: named(2) })).expect("one member");
    let answer = send(&second, order(2, "after", sale(1_000, NEW_YEAR)));
    assert!(matches!(answer, Ok(Reply::Order { member: Some(id), .. }) if id == id_of(1)), "{answer:?}");
    assert_eq!(available(&shop.reader(), 1), 20);
    verified(&shop.reader());
}

/// A store whose sessions have a name of their own, so that they can be told from others.
fn named_sessions(url: &str, name: &str) -> (Database, Store) {
    let database: Database = format!("{url}&application_name={name}").parse().expect("an address");
    let clock: store::Clock = Arc::new(|| Timestamp::from_micros(NEW_YEAR));
    let options = Options { create: true, clock: Some(clock), ..Options::new(compile) };
    let store = Store::open(&database, options).expect("a ledger");
    (database, store)
}

#[test]
fn sessions_that_are_cut_again_and_again_lose_nothing_and_double_nothing() {
    let url = url();
    let (database, first) = named_sessions(&url, "cut_off");
    set_up(&first, "plain");
    send(&first, sign_up(1)).expect("a member");
    let (_, second) = named_sessions(&url, "cut_off");
    let (done, landed) = (AtomicBool::new(false), AtomicU64::new(0));
    let work = |store: &Store, name: &str| {
        for number in 0..150 {
            let command = adjust(&format!("{name} {number}"), 2);
            loop {
                match send(store, command.clone()) {
                    Ok(_) => {
                        landed.fetch_add(1, Ordering::Relaxed);
                        break;
                    }
                    // Sent again under its key, as every caller may.
                    Err(Failure::Store(StoreError::Away { .. } | StoreError::Database { .. })) => {}
                    Err(failure) => panic!("{failure}"),
                }
            }
        }
    };
    let cut = std::thread::scope(|scope| {
        let cutter = scope.spawn(|| {
            let raw = Raw::connect(&cluster().url);
            let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'cut_off'";
            let (mut sessions, mut before) = (0, 0);
            while !done.load(Ordering::Relaxed) {
                sessions += raw.rows(cut).len();
                std::thread::sleep(Duration::from_millis(15));
                // On a busy machine a session may need longer than that to do anything at all.
                let patience = Instant::now() + Duration::from_secs(1);
                while landed.load(Ordering::Relaxed) == before && Instant::now() < patience {
                    std::thread::sleep(Duration::from_millis(1));
                }
                before = landed.load(Ordering::Relaxed);
            }
            sessions
        });
        let other = scope.spawn(|| work(&second, "second"));
        work(&first, "first");
        other.join().expect("no panic");
        done.store(true, Ordering::Relaxed);
        cutter.join().expect("no panic")
    });
    assert!(10 < cut, "{cut} sessions were cut");
    let reader = Reader::open(&database, compile).expect("it can be read");
    assert_eq!(available(&reader, 1), 600);
    verified(&reader);
}

#[test]
fn a_process_that_stands_still_inside_a_batch_holds_up_others_for_ten_seconds_at_most() {
    let shop = Shop::new();
    let (gate, now) = (Arc::<Gate>::default(), Arc::clone(&shop.now));
    let mut options = shop.options();
    options.clock = Some(gate.clock(move || Timestamp::from_micros(now.load(Ordering::SeqCst))));
    let frozen = Store::open(&shop.database(), options).expect("it opens");
    set_up(&frozen, "plain");
    send(&frozen, sign_up(1)).expect("a member");
    let other = shop.open();
    let stands = gate.close();
    let ticket = frozen.submit(adjust("frozen", 5));
    gate.wait_until_somebody_stands();
    let began = Instant::now();
    assert!(send(&other, adjust("other", 7)).is_ok(), "it waits, and goes on");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
    drop(stands);
    assert!(ticket.wait().is_ok(), "whoever stood still does it again");
    assert_eq!(available(&shop.reader(), 1), 12);
    verified(&shop.reader());
}

/// All rows of a batch are sent before the first answer is read: what the database refuses in their midst takes all of the
/// batch back, and then only the command whose row it is.
#[test]
fn a_row_that_is_refused_in_the_midst_of_a_batch_harms_no_neighbour() {
    let url = url();
    let (database, store) = named_sessions(&url, "refused_row");
    set_up(&store, "plain");
    for number in 1..=3 {
        send(&store, sign_up(number)).expect("a member");
    }
    let raw = Raw::connect(&url);
    let id = "(SELECT owner_id FROM identities WHERE value = '00002')";
    // An entry that nobody has posted stands where the next one is to stand.
    raw.run(&format!(
        "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no) VALUES ({id}, 1, 4, 0, 0, 0, 1)"
    ));
    let sold = |member: u64| order(member, &format!("order {member}"), sale(1_000, NEW_YEAR));
    let tickets: Vec<_> = (1..=3).map(|it| store.submit(sold(it))).collect();
    let answers: Vec<_> = tickets.into_iter().map(store::Ticket::wait).collect();
    assert!(answers[0].is_ok() && answers[2].is_ok(), "{answers:?}");
    assert!(matches!(answers[1], Err(Failure::Store(StoreError::Database { .. }))), "{answers:?}");
    raw.run("DELETE FROM ledger WHERE part = 4 AND at IS NULL");
    assert!(send(&store, sold(2)).is_ok(), "nothing of it is there");
    let reader = Reader::open(&database, compile).expect("it can be read");
    assert_eq!([1, 2, 3].map(|it| available(&reader, it)), [10, 10, 10]);
    verified(&reader);
}

/// SQLite would keep it, PostgreSQL would not: it is refused before it gets there, and harms no neighbour.
#[test]
fn text_that_one_database_cannot_keep_is_refused_on_both() {
    for shop in [Shop::new(), in_file()] {
        let store = shop.opened("plain");
        send(&store, sign_up(1)).expect("a member");
        let identity = |text: &str| Identity::new(IdentityKind::Customer, text);
        let facts = |text: &str| Facts { customer_type: Some(text.into()), ..Facts::default() };
        let new = |name: Option<&str>, identities: Vec<Identity>, facts: Facts| Body::SignUp {
            id: id_of(9),
            name: name.map(str::to_owned),
            identities,
            facts,
        };
        let bodies = [
            new(Some("An\0a"), vec![identity("9")], Facts::default()),
            new(None, vec![identity("9\0")], Facts::default()),
            new(None, vec![identity("9")], facts("gold\0")),
            order(1, "10\0", sale(1_000, NEW_YEAR)).body,
            add_channel("ti\0ll", "points"),
        ];
        let commands: Vec<Command> =
            bodies.into_iter().enumerate().map(|(number, it)| keyed(&format!("nul {number}"), it)).collect();
        let tickets: Vec<_> = commands.into_iter().map(|it| store.submit(it)).collect();
        let neighbour = store.submit(order(1, "1001", sale(1_000, NEW_YEAR)));
        for ticket in tickets {
            let answer = ticket.wait();
            assert!(matches!(answer, Err(Failure::Rejected(Rejection::Invalid { .. }))), "{answer:?}");
        }
        assert!(neighbour.wait().is_ok());
        let nobody = MemberRef::Identity(identity("9\0"));
        assert_eq!(shop.reader().find(&nobody).expect("it can be read"), None);
        assert!(send(&store, live(order(1, "1002", sale(1_000, NEW_YEAR)).body)).is_ok());
    }
}
