//! Orders without a member, and members who sign up with an order.

use engine::{Document, Money, Points, Rejection};
use store::{Body, Command, Failure, MemberRef, OrderName, Reply, Store};

use crate::shop::{NEW_YEAR, Shop, customer, id_of, keyed, live, named, order, sale, send, sign_up};
use crate::store::{sent, together, verified};

fn nobodys(reference: &str, document: Document) -> Command {
    let mut command = order(1, reference, document);
    if let Body::PutOrder { member, .. } = &mut command.body {
        *member = None;
    }
    command
}

fn claim(key: &str, member: u64, reference: &str) -> Command {
    let order = OrderName { channel: "shop".into(), reference: reference.into() };
    keyed(key, Body::ClaimOrder { order, member: named(member), note: "her receipt".into() })
}

fn available(store: &Store, member: u64) -> i64 {
    let reader = store.reader().expect("a reader");
    let balance = reader.balance(id_of(member), 1, engine::Timestamp::from_micros(NEW_YEAR)).expect("a balance");
    balance.available.get()
}

fn guests(shop: &Shop) -> u64 {
    let report = shop.reader().verify(&mut |_| {}).expect("it can be read");
    assert_eq!(report.difference, None);
    report.guests
}

#[test]
fn kept_and_claimed_in_one_batch_or_in_several() {
    let commands = || {
        let refunded = Document { refunded: Money::new(4_000), ..sale(10_000, NEW_YEAR) };
        vec![
            sign_up(1),
            sign_up(2),
            nobodys("A", sale(10_000, NEW_YEAR)),
            nobodys("B", sale(5_000, NEW_YEAR)),
            nobodys("A", refunded),
            claim("one", 1, "A"),
            claim("two", 2, "A"),
            claim("again", 1, "A"),
        ]
    };
    let shop = Shop::new();
    let store = shop.opened("plain");
    let one_by_one: Vec<_> = commands().into_iter().map(|it| send(&store, it)).collect();
    assert!(matches!(&one_by_one[2], Ok(Reply::Order { member: None, .. })), "{:?}", one_by_one[2]);
    assert!(matches!(&one_by_one[5], Ok(Reply::Order { member: Some(it), .. }) if *it == id_of(1)));
    assert_eq!(one_by_one[6], Err(Failure::Rejected(Rejection::OtherMember)));
    assert_eq!((available(&store, 1), guests(&shop)), (60, 1));
    let batched = Shop::new();
    let store = batched.opened("plain");
    assert_eq!(together(&store, commands()), one_by_one);
    assert_eq!((available(&store, 1), guests(&batched)), (60, 1));
    drop(store);
    assert_eq!(crate::limits::export(&shop), crate::limits::export(&batched));
}

#[test]
fn it_is_counted_once_on_the_day_on_which_it_was_recorded() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1), nobodys("A", sale(10_000, NEW_YEAR)), claim("one", 1, "A")]);
    let orders = |store: &Store| {
        let days = store.reader().and_then(|it| it.days("points", "1970-01-01", "2500-01-01")).expect("days");
        days.iter().map(|it| it.totals.orders).sum::<i64>()
    };
    assert_eq!(orders(&store), 1);
    verified(&shop);
}

#[test]
fn whom_an_order_would_sign_up_is_nobody_if_it_is_refused() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    let body = Body::ChangeChannel { channel: "shop".into(), signs_up: true };
    sent(&store, &[live(body)]);
    let asking = Document { redeem: Some(Points::new(1)), ..sale(10_000, NEW_YEAR) };
    let refused = send(&store, order(7, "A", asking));
    assert!(matches!(refused, Err(Failure::Rejected(Rejection::InsufficientPoints { .. }))), "{refused:?}");
    let found = |store: &Store| {
        let seven = MemberRef::Identity(customer(7));
        store.reader().and_then(|it| it.find(&seven)).expect("found")
    };
    assert_eq!(found(&store), None);
    let Ok(Reply::Order { member, answer, .. }) = send(&store, order(7, "A", sale(10_000, NEW_YEAR))) else {
        panic!("a sale is recorded")
    };
    assert_eq!((member, answer.balance.available), (found(&store), Points::new(100)));
    assert!(member.is_some());
    let again = send(&store, order(7, "A", sale(10_000, NEW_YEAR)));
    assert!(matches!(again, Ok(Reply::Order { member: same, .. }) if same == member), "{again:?}");
    verified(&shop);
}
