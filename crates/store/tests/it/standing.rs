//! Where an account stands is what settling all of its lots comes to, over random histories; a failure prints its seed.

use engine::{Account, Adjustment, HoldState, Horizon, Lot, Points, Timestamp, settle};
use store::{Body, Command, Reader, Standing, Store};

use crate::crash::Random;
use crate::lists::all_lots;
use crate::shop::{DAY, NEW_YEAR, Shop, id_of, keyed, named, order, sale, send, sign_up};
use crate::store::{sent, together, verified};

const HISTORIES: u64 = 20;
const STEPS: u64 = 40;

/// Settles everything: slow, and plainly right.
fn expected(reader: &Reader, now: Timestamp, limit: usize) -> Standing {
    let mut account = reader.account(id_of(1), 1).expect("read").unwrap_or_default();
    all_lots(reader, id_of(1), 50).into_iter().for_each(|it| account.load_lot(it));
    account.horizon = Horizon::default();
    let ruled = reader.rules(id_of(1), 1).expect("the program");
    let decided = settle(&account, ruled.rules(), now).expect("all lots are loaded");
    account.apply(&decided);
    let mut expiries = std::collections::BTreeMap::<Timestamp, Points>::new();
    for lot in account.lots() {
        *expiries.entry(account.expires_at(lot)).or_default() += lot.pending + lot.available + lot.held;
    }
    expiries.retain(|at, points| *at != Timestamp::NEVER && points.is_positive());
    let mut lots = picked(&account, |it| (it.available + it.held).is_positive());
    lots.sort_by_key(|it| account.spend_key(it));
    lots.truncate(limit);
    let mut waiting = picked(&account, |it| it.pending.is_positive());
    waiting.sort_by_key(|it| (it.at.available_at.min(it.at.expires_at), it.spend_key()));
    waiting.truncate(limit);
    lots.extend(waiting);
    lots.iter_mut().for_each(|it| it.at.expires_at = account.expires_at(it));
    let holds = account.holds().iter().filter(|it| it.state == HoldState::Active).cloned().collect();
    Standing {
        balance: account.balance,
        lots,
        holds,
        expiries: expiries.into_iter().collect(),
        due: decided.entries,
        closed: None,
        progress: None,
    }
}

fn picked(account: &Account, is: impl Fn(&Lot) -> bool) -> Vec<Lot> {
    account.lots().iter().filter(|it| is(it)).copied().collect()
}

#[test]
fn an_account_stands_where_settling_everything_leaves_it() {
    let mut random = Random::new();
    let mut seen = [0; 5];
    // As long as something was not put to the test, it goes on.
    for history in 0.. {
        if HISTORIES <= history && seen.iter().all(|it| 0 < *it) {
            break;
        }
        assert!(history < 20 * HISTORIES, "it was put to the test: {seen:?}");
        let document =
            ["plain owe", "plain waits", "days waits owe", "days owe", "days lively owe"][index(history % 5)];
        let shop = Shop::new();
        let store = shop.opened(document);
        sent(&store, &[sign_up(1)]);
        if history % 2 == 0 {
            many(&store, &mut random);
        }
        for step in 0..STEPS {
            // Refusals are part of it.
            let _ = send(&store, draw(&mut random, step, &shop));
            let reader = store.reader().expect("a reader");
            let ahead = if random.within(0..=1) == 0 { 0 } else { signed(random.within(1..=40)) * DAY / 2 };
            let now = Timestamp::from_micros(shop.now.load(std::sync::atomic::Ordering::SeqCst) + ahead);
            let limit = index(random.within(0..=120));
            let found = reader.standing(id_of(1), 1, now, limit).expect("a standing");
            assert_eq!(found, expected(&reader, now, limit), "{document}, {limit} lots");
            assert_eq!(Ok(found.balance), reader.balance(id_of(1), 1, now), "{document}");
            let tested = [
                found.balance.owed.is_positive(),
                found.balance.pending.is_positive(),
                !found.holds.is_empty(),
                found.due.iter().any(|it| it.kind == engine::Kind::Expire),
                64 < found.lots.len(),
            ];
            seen.iter_mut().zip(tested).for_each(|(seen, it)| *seen += i32::from(it));
        }
        verified(&shop);
    }
}

/// More lots than are loaded at first.
fn many(store: &Store, random: &mut Random) {
    let commands = (0..random.within(100..=200)).map(|it| {
        let document = sale(signed(random.within(100..=3_000)), NEW_YEAR - signed(it % 9) * DAY);
        order(1, &format!("many {it}"), document)
    });
    let commands: Vec<Command> = commands.collect();
    assert!(together(store, commands).iter().all(Result::is_ok));
}

fn draw(random: &mut Random, step: u64, shop: &Shop) -> Command {
    if random.within(0..=5) == 0 {
        shop.later(signed(random.within(0..=4)));
    }
    let now = shop.now.load(std::sync::atomic::Ordering::SeqCst);
    let program = "points".to_owned();
    match random.within(0..=7) {
        0 => {
            let points = Points::new(signed(random.within(1..=15)));
            keyed(&format!("hold {step}"), Body::Hold { program, member: named(1), points, minutes: None })
        }
        1 => {
            let points = Points::new(signed(random.within(1..=60)) - 40);
            let until = (random.within(0..=2) == 0).then(|| Timestamp::from_micros(now + 3 * DAY));
            let expires_at = until.filter(|_| points.is_positive());
            let adjustment = Adjustment { points, note: "a test".into(), expires_at };
            keyed(&format!("adjust {step}"), Body::Adjust { program, member: named(1), adjustment, reference: None })
        }
        _ => {
            let reference = format!("order {}", random.within(0..=8));
            let mut document = sale(signed(random.within(100..=3_000)), now);
            document.redeem = (random.within(0..=1) == 0).then(|| Points::new(signed(random.within(1..=15))));
            document.cancelled_at = (random.within(0..=3) == 0).then_some(Timestamp::from_micros(now));
            order(1, &reference, document)
        }
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).expect("small")
}

fn index(number: u64) -> usize {
    usize::try_from(number).expect("small")
}

#[test]
fn a_member_who_is_nobody_yet_stands_at_zero() {
    let shop = Shop::new();
    let store = shop.opened("plain");
    sent(&store, &[sign_up(1)]);
    let reader = store.reader().expect("a reader");
    assert_eq!(reader.standing(id_of(1), 1, store.now(), 10), Ok(Standing::default()));
    assert_eq!(reader.standing(id_of(9), 1, store.now(), 10), Ok(Standing::default()));
}
