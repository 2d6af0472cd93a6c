//! An account that is loaded only up to a horizon answers what the whole one answers, or asks for more.

use engine::{Account, Decision, Horizon, Lot, LotNo, Stop, Timestamp};
use proptest::prelude::*;
use proptest::sample::Index;

use crate::histories::histories;
use crate::programs::timelines;
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::{line, told};

#[test]
fn a_partly_loaded_account_answers_the_same_or_asks_for_more() {
    let cuts = (any::<Index>(), any::<Index>());
    check(400, &(timelines(), histories(12), cuts), |(timeline, steps, (open, waiting))| {
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
    let mut dues: Vec<Timestamp> = whole.lots().iter().filter(|it| it.pending.is_positive()).map(changes_at).collect();
    dues.sort_unstable();
    let horizon = Horizon {
        open: keys.get(open.index(keys.len() + 1)).copied(),
        waiting: dues.get(waiting.index(dues.len() + 1)).copied(),
        orders: Some(whole.next_order),
    };
    let mut account = Account::default();
    account.balance = whole.balance;
    account.last_at = whole.last_at;
    account.next_entry = whole.next_entry;
    account.next_lot = whole.next_lot;
    account.next_order = whole.next_order;
    account.next_hold = whole.next_hold;
    account.carried = whole.carried.clone();
    account.horizon = horizon;
    let order = match command {
        Command::Put { slot, .. } => shop.order(*slot),
        Command::Hold { .. } | Command::Release(_) | Command::Adjust(_) | Command::Settle => None,
    };
    let mut named: Vec<LotNo> = order.iter().flat_map(|it| it.posted.lots()).map(|it| it.no).collect();
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
    if let Some(order) = order {
        account.load_order(order.clone());
    }
    account
}

fn is_open(lot: &Lot) -> bool {
    lot.available.is_positive() || lot.held.is_positive()
}

fn changes_at(lot: &Lot) -> Timestamp {
    lot.at.available_at.min(lot.at.expires_at)
}
