//! Extensions of all lots where few of them are loaded, and what they cover (X1, X4).

use engine::{
    Account, Actor, Adjustment, Changes, Entry, EntryNo, Extend, ExtendOn, Extended, Horizon, Kind, Lot, LotNo, LotRef,
    Moment, Points, Reason, Rules, Stop, Timestamp, adjust, settle,
};

use crate::programs::{NOON, one_version, plain};

fn day(days: i32) -> Timestamp {
    NOON.plus_days(days)
}

/// An account with a lot of one point for each of these own last days.
fn account(days: &[i32]) -> Account {
    let mut account = Account::default();
    for (index, last) in (1..).zip(days) {
        let at = LotRef { no: LotNo(index), earned_at: day(0), available_at: day(0), expires_at: day(*last) };
        let none = Points::ZERO;
        let lot = Lot {
            at,
            order: None,
            graced: false,
            dated_by: None,
            certificate: None,
            pending: none,
            available: Points::new(1),
            held: none,
            expired: none,
            forfeited: Points::ZERO,
        };
        account.load_lot(lot);
        account.next_lot = LotNo(index + 1);
        account.balance.available += Points::new(1);
        account.balance.issued += Points::new(1);
    }
    account
}

fn extend(account: &mut Account, at: i32, until: i32) {
    let due = settle(account, Rules::of(&one_version(plain())), day(at)).expect("all lots are loaded");
    account.apply(&due);
    let rule = Extend { on: ExtendOn::Activity, months: 1 };
    let entry = Entry {
        number: account.next_entry,
        at: day(at),
        kind: Kind::Extend,
        order: None,
        actor: Actor::Channel(1),
        reason: Reason::Extended(Extended { rule, at: day(at) }),
        opened: Vec::new(),
        dated: Vec::new(),
        hold: None,
        postings: Vec::new(),
        changes: Changes { extended: Some(day(until)), ..Changes::default() },
    };
    account.post(&entry);
}

/// When each lot ends.
fn ends(account: &Account) -> Vec<i64> {
    let days = |it: &Lot| (account.expires_at(it).micros() - NOON.micros()).div_euclid(86_400_000_000);
    account.lots().iter().map(days).collect()
}

fn add(account: &mut Account, at: i32, last: i32) {
    let adjustment = Adjustment { points: Points::new(1), note: "more".to_owned(), expires_at: Some(day(last)) };
    let moment = Moment { now: day(at), actor: Actor::Staff(0), import: false };
    let decided = adjust(account, Rules::of(&one_version(plain())), &adjustment, moment).expect("it can be added");
    account.apply(&decided);
}

#[test]
fn an_extension_covers_what_was_there_and_had_not_expired() {
    let mut it = account(&[5, 20, 90]);
    extend(&mut it, 10, 40);
    assert_eq!(ends(&it), [5, 40, 90], "what had expired by then stays gone, what is longer stays");
    add(&mut it, 11, 30);
    assert_eq!(ends(&it), [5, 40, 90, 30], "what comes later has its own date");
    extend(&mut it, 15, 50);
    assert_eq!(ends(&it), [5, 50, 90, 50]);
    extend(&mut it, 16, 45);
    assert_eq!(ends(&it), [5, 50, 90, 50], "nothing becomes shorter");
    assert_eq!(it.extension.as_ref().map(|it| it.steps.len()), Some(1), "no lot expired in between");
}

#[test]
fn what_expired_between_two_extensions_is_covered_by_neither() {
    let mut it = account(&[20]);
    extend(&mut it, 10, 60);
    add(&mut it, 11, 12);
    add(&mut it, 11, 25);
    extend(&mut it, 15, 70);
    assert_eq!(ends(&it), [70, 12, 70]);
    assert_eq!(it.extension.as_ref().map(|it| it.steps.len()), Some(2));
}

#[test]
fn after_a_gap_nothing_leads_on() {
    let mut it = account(&[20, 100]);
    extend(&mut it, 10, 40);
    extend(&mut it, 40, 80);
    assert_eq!(ends(&it), [20, 100], "what ended at that instant is gone, and its own date stands again");
    assert_eq!(it.balance.expired, Points::new(1));
    extend(&mut it, 79, 200);
    assert_eq!(ends(&it), [20, 200]);
}

/// The account with its first lots only, in the order of their own dates.
fn partly(whole: &Account, lots: usize) -> Account {
    let mut account = whole.clone();
    let known: Vec<Lot> = whole.lots().to_vec();
    let mut bare = Account::default();
    bare.load_lots(known[..lots].iter().copied());
    std::mem::swap(&mut account, &mut bare);
    account.balance = whole.balance;
    account.last_at = whole.last_at;
    account.next_entry = whole.next_entry;
    account.next_lot = whole.next_lot;
    account.extension.clone_from(&whole.extension);
    account.horizon = Horizon { open: known.get(lots - 1).map(Lot::spend_key), ..Horizon::default() };
    account
}

#[test]
fn few_lots_are_enough_while_all_are_extended() {
    let mut whole = account(&(20..60).collect::<Vec<_>>());
    extend(&mut whole, 10, 100);
    let some = partly(&whole, 3);
    let rules = one_version(plain());
    let deduct = Adjustment { points: Points::new(3), note: "less".to_owned(), expires_at: None };
    let deduct = Adjustment { points: -deduct.points, ..deduct };
    let moment = Moment { now: day(80), actor: Actor::Staff(0), import: false };
    let answer = adjust(&some, Rules::of(&rules), &deduct, moment);
    assert_eq!(answer, adjust(&whole, Rules::of(&rules), &deduct, moment));
    assert!(answer.is_ok(), "own dates that have passed ask for no more lots");
    assert_eq!(some.due_at(), day(100));
}

#[test]
fn a_new_lot_that_ends_sooner_asks_for_more() {
    let mut whole = account(&(20..60).collect::<Vec<_>>());
    extend(&mut whole, 10, 100);
    add(&mut whole, 11, 61);
    let some = partly(&whole, 3);
    let rules = one_version(plain());
    let deduct = Adjustment { points: Points::new(-1), note: "less".to_owned(), expires_at: None };
    let moment = Moment { now: day(12), actor: Actor::Staff(0), import: false };
    assert_eq!(adjust(&some, Rules::of(&rules), &deduct, moment), Err(Stop::NeedMore), "it is spent first");
    let decided = adjust(&whole, Rules::of(&rules), &deduct, moment).expect("everything is loaded");
    assert_eq!(decided.entries[0].postings[0].lot, LotNo(41));
    assert!(some.due_at() <= day(61), "never late");
    assert_eq!(whole.next_entry, EntryNo(3));
}
