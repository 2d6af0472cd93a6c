//! An account that is loaded only up to a horizon answers what the whole one answers, or asks for more.

use engine::{Account, Decision, Horizon, Kind, Lot, LotNo, LotRef, Points, Rules, Stop, Timeline, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::histories::leaving_histories;
use crate::programs::timelines;
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::{line, told};

#[test]
fn a_partly_loaded_account_answers_the_same_or_asks_for_more() {
    let cuts = (any::<Index>(), any::<Index>());
    check(400, &(timelines(), leaving_histories(12), cuts), |(timeline, steps, (open, waiting))| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            let Some(command) = shop.command(step) else { continue };
            let whole = shop.decide(&command);
            let partial = partly(&shop, &command, open, waiting);
            let answer = shop.decide_on(&partial, &command);
            shop.told += &line(shop.now, &command, &whole);
            told(&shop, compare(&partial, &whole, &answer))?;
            if let Ok(decided) = &whole {
                shop.apply(&command, decided);
            }
        }
        Ok(())
    });
}

fn compare(partial: &Account, whole: &Decision, answer: &Decision) -> Outcome {
    if *answer == Err(Stop::NeedMore) {
        prop_assert!(partial.horizon != Horizon::default(), "more than everything is asked for");
        return Ok(());
    }
    prop_assert_eq!(answer, whole, "left: loaded to {:?} with {:?}", partial.horizon, partial.lots());
    Ok(())
}

/// The account as a store loads it for a command: balances, lots up to a horizon, those that the order and active holds
/// name, and the order.
fn partly(shop: &Shop, command: &Command, open: Index, waiting: Index) -> Account {
    let whole = &shop.account;
    let mut keys: Vec<_> = whole.lots().iter().filter(|it| is_open(it)).map(Lot::spend_key).collect();
    keys.sort_unstable();
    // None of them at all: of those that nothing holds and nothing has extended none ends before anything falls due.
    if whole.extension.is_none() && whole.balance.held.is_zero() {
        keys.insert(0, (engine::due_at(whole, shop.rules()), Timestamp::START, LotNo(0)));
    }
    let mut dues: Vec<Timestamp> = whole.lots().iter().filter(|it| it.pending.is_positive()).map(changes_at).collect();
    dues.sort_unstable();
    let horizon = Horizon {
        open: keys.get(open.index(keys.len() + 1)).copied(),
        waiting: dues.get(waiting.index(dues.len() + 1)).copied(),
        orders: Some(whole.next_order),
        years: if open.index(3) == 0 { Some(i16::MAX) } else { None },
        conversions: whole.conversions().get(open.index(whole.conversions().len() + 1)).map(engine::Conversion::key),
    };
    let mut account = Account::default();
    account.balance = whole.balance;
    account.last_at = whole.last_at;
    account.next_entry = whole.next_entry;
    account.next_lot = whole.next_lot;
    account.next_order = whole.next_order;
    account.next_hold = whole.next_hold;
    account.returns_first = whole.returns_first;
    account.acts.clone_from(&whole.acts);
    account.carried = whole.carried.clone();
    account.counted = whole.counted;
    account.latest_year = whole.latest_year;
    account.extension = whole.extension.clone();
    account.tier.clone_from(&whole.tier);
    account.tiers_before.clone_from(&whole.tiers_before);
    account.closings.clone_from(&whole.closings);
    account.horizon = horizon;
    for year in whole.years().iter().filter(|it| horizon.years.is_none_or(|first| first <= it.year)) {
        account.load_year((**year).clone());
    }
    let order = match command {
        Command::Put { slot, .. } => shop.order(*slot),
        _ => None,
    };
    let mut named: Vec<LotNo> = order.iter().flat_map(|it| it.posted.lots()).map(|it| it.no).collect();
    name_more(command, shop, &mut account, &mut named);
    named.extend(whole.conversions().iter().flat_map(|it| &it.taken).map(|it| it.lot.no));
    named.extend(whole.holds().iter().flat_map(|it| &it.taken).map(|it| it.lot.no));
    for lot in whole.lots() {
        let near = is_open(lot) && horizon.open.is_none_or(|last| lot.spend_key() <= last);
        let soon = lot.pending.is_positive() && horizon.waiting.is_none_or(|last| changes_at(lot) <= last);
        if near || soon || named.contains(&lot.at.no) {
            account.load_lot(*lot);
        }
    }
    for hold in whole.holds() {
        account.load_hold(hold.clone());
    }
    account.purse.clone_from(&whole.purse);
    account.wallet.clone_from(&whole.wallet);
    for it in whole.conversions().iter().filter(|it| horizon.conversions.is_none_or(|first| first <= it.key())) {
        account.load_conversion(it.clone());
    }
    if let Some(order) = order {
        account.load_order(order.clone());
    }
    account
}

/// What a command names by itself: lots, claims, orders of lots that have expired by then.
fn name_more(command: &Command, shop: &Shop, account: &mut Account, named: &mut Vec<LotNo>) {
    let whole = &shop.account;
    match command {
        Command::Redate(redating) => named.extend(redating.lot),
        Command::EndClaim { claim, .. } => {
            let claim = whole.claim(*claim);
            named.extend(claim.iter().flat_map(|it| &it.taken).map(|it| it.lot.no));
            claim.iter().for_each(|it| account.load_claim((*it).clone()));
        }
        Command::Reinstate(_) => {
            let settled = shop.read();
            let expired = || settled.lots().iter().filter(|it| it.expired.is_positive());
            named.extend(expired().map(|it| it.at.no));
            expired().filter_map(|it| whole.order(it.order?)).for_each(|it| account.load_order(it.clone()));
        }
        _ => {}
    }
}

fn is_open(lot: &Lot) -> bool {
    lot.available.is_positive() || lot.held.is_positive()
}

fn changes_at(lot: &Lot) -> Timestamp {
    lot.at.available_at.min(lot.at.expires_at)
}

/// So many that looking through all of them at every instant would be felt.
#[test]
fn many_lots_that_fall_due_one_by_one_are_settled_each_at_its_instant() {
    const LOTS: i64 = 50_000;
    const DAY: i64 = 86_400_000_000;
    let mut account = Account::default();
    account.balance.issued = Points::new(LOTS);
    account.balance.pending = Points::new(LOTS);
    account.next_lot = LotNo(u64::try_from(LOTS).expect("some") + 1);
    let lots = (1..).zip((1..=LOTS).rev()).map(|(no, day)| {
        let at = |days: i64| Timestamp::from_micros(days * DAY);
        let at = LotRef { no: LotNo(no), earned_at: at(0), available_at: at(day), expires_at: at(day + 1_000) };
        let none = Points::ZERO;
        let pending = Points::new(1);
        Lot {
            at,
            order: None,
            graced: false,
            dated_by: None,
            certificate: None,
            pending,
            available: none,
            held: none,
            expired: none,
            forfeited: none,
        }
    });
    // The last come first, as a store reads them, and some of them again.
    let mut lots: Vec<Lot> = lots.collect();
    lots.reverse();
    account.load_lots(lots[..100].iter().copied());
    account.load_lots(lots);
    let until = Timestamp::from_micros((LOTS + 500) * DAY);
    let settled = engine::settle(&account, Rules::of(&Timeline::default()), until).expect("all lots are loaded");
    account.apply(&settled);
    assert!(settled.entries.is_sorted_by_key(|it| (it.at, it.number)));
    assert_eq!((account.balance.available, account.balance.expired), (Points::new(500), Points::new(LOTS - 500)));
    let of = |kind| settled.entries.iter().filter(|it| it.kind == kind).count();
    assert_eq!((of(Kind::Release), of(Kind::Expire)), (50_000, 49_500));
    assert_eq!(account.due_at(), Timestamp::from_micros((LOTS + 501) * DAY));
}
