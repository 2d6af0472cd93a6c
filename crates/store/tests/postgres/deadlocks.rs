//! Nobody ever waits for somebody who waits for him: as the server itself counts it, whatever two processes with several
//! lanes each send of the same members, references and keys, in whatever order.

use std::time::{Duration, Instant};

use engine::{Adjustment, DocumentVersion, Money, Points, Timestamp};
use store::{Body, Command, Failure, Identity, IdentityKind, Options, OrderName, Reply, ReturnedPart, Store, sweep};

use crate::cluster::Cluster;
use crate::crash::Random;
use crate::raw::Raw;
use crate::shop::{DAY, NEW_YEAR, Shop, keyed, live, named, order, sale, send, sign_up};
use crate::store::{together, verified};

const MEMBERS: u64 = 24;

/// A shop on a server of its own, whose counters nobody else moves.
fn shop(server: &Cluster) -> Shop {
    let dir = tempfile::tempdir().expect("a folder");
    let mut shop = Shop::at(dir, server.url.parse().expect("an address"));
    shop.lanes = 3;
    shop
}

/// Two processes that write many small batches side by side.
fn two(shop: &Shop, document: &str) -> [Store; 2] {
    drop(shop.opened(document));
    let open = || Store::open(&shop.database(), Options { batch_max: 10, ..shop.options() }).expect("it opens");
    let stores = [open(), open()];
    assert!((1..=MEMBERS).all(|it| send(&stores[0], sign_up(it)).is_ok()));
    stores
}

/// What a server has counted is told when a session ends.
fn deadlocks(server: &Cluster) -> String {
    let raw = Raw::connect(&server.url);
    let until = Instant::now() + Duration::from_secs(60);
    while !raw.rows("SELECT 1 FROM pg_stat_activity WHERE application_name = 'guerdon'").is_empty() {
        assert!(Instant::now() < until, "its sessions do not end");
        std::thread::sleep(Duration::from_millis(10));
    }
    raw.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").concat()
}

fn adjust(key: &str, member: u64) -> Command {
    let adjustment = Adjustment { points: Points::new(1), note: "by hand".into(), expires_at: None };
    keyed(key, Body::Adjust { program: "points".into(), member: named(member), adjustment, reference: None })
}

fn sold(member: Option<u64>, reference: &str) -> Command {
    let mut command = order(member.unwrap_or(1), reference, sale(1_000, NEW_YEAR));
    if let Body::PutOrder { member: whose, .. } = &mut command.body {
        *whose = member.map(named);
    }
    command
}

/// Twenty days later each round.
fn bought(round: u64, member: u64, reference: &str) -> Command {
    order(member, reference, sale(1_000, NEW_YEAR + i64::try_from(round).expect("small") * 20 * DAY))
}

fn returned(reference: &str, of: &str) -> Command {
    let returned = Box::new(ReturnedPart {
        version: DocumentVersion::Number(1),
        returned_at: Timestamp::from_micros(NEW_YEAR),
        lines: Vec::new(),
        refunded: Money::new(100),
    });
    let order = OrderName { channel: "shop".into(), reference: of.into() };
    live(Body::PutReturn { channel: "shop".into(), reference: reference.into(), order, currency: *b"EUR", returned })
}

/// The same list for all, each in an order of its own, from several threads of two processes.
fn shuffled(stores: &[Store; 2], of: &dyn Fn(usize) -> Vec<Command>) -> Vec<Result<Reply, Failure>> {
    let mut random = Random::new();
    let lists: Vec<Vec<Command>> = (0..6)
        .map(|name| {
            let mut list = of(name);
            for at in (1..list.len()).rev() {
                let other = random.within(0..=at as u64);
                list.swap(at, usize::try_from(other).expect("small"));
            }
            list
        })
        .collect();
    std::thread::scope(|scope| {
        let sent = lists.into_iter().zip(stores.iter().cycle());
        let threads: Vec<_> = sent.map(|(it, store)| scope.spawn(|| together(store, it))).collect();
        threads.into_iter().flat_map(|it| it.join().expect("no panic")).collect()
    })
}

fn run_again(stores: &[Store; 2]) -> u64 {
    stores.iter().map(|it| it.counted().run_again).sum()
}

fn is_store(answer: &&Result<Reply, Failure>) -> bool {
    matches!(answer, Err(Failure::Store(_) | Failure::Internal))
}

#[test]
fn commands_over_several_owners_wait_in_one_order() {
    let server = Cluster::start(&[]);
    let shop = shop(&server);
    let stores = two(&shop, "launch owe");
    // Nothing here is of the same key: no batch has a reason to fail.
    let own = |name: usize| -> Vec<Command> {
        let of = |it: u64| [adjust(&format!("{name} {it}"), it), sold(Some(it), &format!("{name} {it}"))];
        (0..4)
            .flat_map(|_| 1..=MEMBERS)
            .enumerate()
            .flat_map(|(round, it)| {
                let place = 100 * u64::try_from(round).expect("small");
                let [given, put] = of(it);
                [
                    given,
                    put,
                    sold(Some(it), &format!("{name} {}", place + it)),
                    sold(None, &format!("guest {name} {round}")),
                ]
            })
            .collect()
    };
    let answers = shuffled(&stores, &own);
    assert_eq!(answers.iter().find(|it| it.is_err()), None);
    assert_eq!(run_again(&stores), 0, "each waits before it reads");
    drop(stores);
    assert_eq!(deadlocks(&server), "0");
    verified(&shop);
}

#[test]
fn whoever_wants_the_same_keys_waits_in_one_order() {
    let server = Cluster::start(&[]);
    let shop = shop(&server);
    let stores = two(&shop, "catalogue owe");
    let same = |name: usize| -> Vec<Command> {
        let of = |it: u64| {
            let phone = Identity::new(IdentityKind::Phone, format!("+4144{it:07}"));
            let claim = Body::ClaimOrder {
                order: OrderName { channel: "shop".into(), reference: format!("guest {it}") },
                member: named(it),
                note: "hers".into(),
            };
            [
                adjust(&format!("{it}"), 1 + it % MEMBERS),
                // Each list has another member for it.
                sold(Some(1 + (it + name as u64) % MEMBERS), &format!("shared {it}")),
                live(Body::AddIdentity { member: named(1 + (it + name as u64) % MEMBERS), identity: phone }),
                sold(None, &format!("guest {it}")),
                returned(&format!("back {it}"), &format!("shared {it}")),
                returned(&format!("back of guest {it}"), &format!("guest {it}")),
                keyed(&format!("claim {it}"), claim),
            ]
        };
        (1..=MEMBERS).flat_map(of).collect()
    };
    let answers = shuffled(&stores, &same);
    assert_eq!(answers.iter().find(is_store), None);
    drop(stores);
    assert_eq!(deadlocks(&server), "0");
    verified(&shop);
}

#[test]
fn members_become_one_while_all_they_have_is_written_and_swept() {
    let server = Cluster::start(&[]);
    let shop = shop(&server);
    let stores = two(&shop, "days");
    let orders = |round: u64| {
        move |name: usize| -> Vec<Command> {
            let merge = |it: u64| {
                let (member, other) = (named(it), named(it + 1));
                let key = format!("{round} {name} {it}");
                if round % 2 == 1 {
                    return keyed(&key, Body::Unmerge { member });
                }
                keyed(&key, Body::Merge { member, other })
            };
            let merges = (1..MEMBERS).step_by(2).filter(|it| *it / 2 % 6 == name as u64).map(merge);
            let orders = (0..3).flat_map(|it| (1..=MEMBERS).map(move |member| (it, member)));
            orders
                .map(|(it, member)| bought(round, member, &format!("{round} {name} {it} {member}")))
                .chain(merges)
                .collect()
        }
    };
    for round in 0..4 {
        let answers = std::thread::scope(|scope| {
            let now = stores[0].now();
            let sweeps = stores.each_ref().map(|it| scope.spawn(move || sweep(it, now, &mut |_| {})));
            let answers = shuffled(&stores, &orders(round));
            sweeps.into_iter().for_each(|it| drop(it.join().expect("no panic").expect("a ledger")));
            answers
        });
        assert_eq!(answers.iter().find(|it| it.is_err()), None, "{round}");
        shop.now.fetch_add(20 * DAY, std::sync::atomic::Ordering::SeqCst);
    }
    assert_eq!(run_again(&stores), 0);
    drop(stores);
    assert_eq!(deadlocks(&server), "0");
    verified(&shop);
}
