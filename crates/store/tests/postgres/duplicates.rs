//! A reference that another process takes in the midst of a batch: what it looked up was free, and what it sends is not any more.

use std::time::{Duration, Instant};

use engine::Rejection;
use store::{Command, Failure, Options, Store};

use crate::lanes::adjust;
use crate::place::url_of;
use crate::raw::Raw;
use crate::shop::{NEW_YEAR, Shop, digits_of, id_of, named, order, sale, send, sign_up};
use crate::store::{sent, verified};

/// Sessions that wait for the row of somebody.
const WAITS: &str = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'duplicates'";

fn order_of(member: u64, reference: &str) -> Command {
    order(member, reference, sale(1_000, NEW_YEAR))
}

/// Holds the row of a member until it is dropped.
fn held(url: &str, member: u64) -> Raw {
    let raw = Raw::connect(url);
    let digits = digits_of(member);
    raw.run("BEGIN");
    raw.run(&format!("SELECT 1 FROM members WHERE owner_id = '\\x{digits}' FOR UPDATE"));
    raw
}

fn until_it_waits(raw: &Raw) {
    let until = Instant::now() + Duration::from_secs(8);
    while raw.rows(WAITS).is_empty() {
        assert!(Instant::now() < until, "no batch waits");
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn who_loses_a_reference_in_the_midst_of_a_batch_takes_no_neighbour_along() {
    let shop = Shop::new();
    let other = shop.opened("plain");
    let url = url_of(&shop);
    let database = format!("{url}&application_name=duplicates").parse().expect("an address");
    let store = Store::open(&database, Options { lanes: Some(1), ..shop.options() }).expect("it opens");
    sent(&other, &(1..=40).map(sign_up).collect::<Vec<_>>());
    let watch = Raw::connect(&url);
    // While the writer waits for the first, all that follows comes together; and when that has looked up what it needs, it waits
    // for the last.
    let (first, last) = (held(&url, 1), held(&url, 40));
    let opener = store.submit(adjust("opener", named(1), 5));
    until_it_waits(&watch);
    let batch: Vec<Command> = (2..12)
        .map(|it| order_of(it, &format!("A{it}")))
        .chain([order_of(12, "X")])
        .chain((13..23).map(|it| order_of(it, &format!("A{it}"))))
        .chain([adjust("last", named(40), 5)])
        .collect();
    let tickets: Vec<_> = batch.into_iter().map(|it| store.submit(it)).collect();
    drop(first);
    assert!(opener.wait().is_ok());
    until_it_waits(&watch);
    assert!(send(&other, order_of(30, "X")).is_ok(), "it was free");
    drop(last);
    let answers: Vec<_> = tickets.into_iter().map(store::Ticket::wait).collect();
    for (place, answer) in answers.iter().enumerate() {
        match place {
            10 => assert_eq!(*answer, Err(Failure::Rejected(Rejection::OtherMember))),
            _ => assert!(answer.is_ok(), "{place}: {answer:?}"),
        }
    }
    assert!(1 <= store.counted().run_again, "the batch met the other in its midst");
    let points = |member: u64| {
        let account = shop.reader().account(id_of(member), 1).expect("it can be read");
        account.map_or(0, |it| it.balance.available.get())
    };
    let earned: Vec<i64> = (2..23).chain([30, 40]).map(points).collect();
    let expected: Vec<i64> =
        (2..23).chain([30, 40]).map(|it| [10, 0, 5][usize::from(it == 12) + 2 * usize::from(it == 40)]).collect();
    assert_eq!(earned, expected);
    verified(&shop);
}
