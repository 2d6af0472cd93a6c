//! Merges and their undo (M3): two random accounts become one, go on, and become two again.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{
    Account, Act, ClaimState, Document, DocumentVersion, LotNo, Merger, Parting, Place, Placed, Points, Rules, Shift,
    Status, Timeline, Timestamp, certificates_cross, credit_uses, disentangle, merge, unmerge,
};
use proptest::prelude::*;

use crate::histories::{Step, leaving_histories, waits};
use crate::ledger::{check_replay, purse};
use crate::programs::rewarding;
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::{entry_text, told};

const PLACE: Place = Place(1);
const SURVIVOR: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

/// Two members of one program.
struct Pair {
    ours: Shop,
    theirs: Shop,
    is_one: bool,
}

impl Pair {
    fn new(timeline: &Timeline) -> Self {
        Self { ours: Shop::new(timeline.clone()), theirs: Shop::new(timeline.clone()), is_one: false }
    }

    /// Takes a step under one of the two.
    fn take(&mut self, theirs: bool, step: &Step) {
        let now = self.ours.now.max(self.theirs.now);
        (self.ours.now, self.theirs.now) = (now, now);
        if !theirs || !self.is_one {
            let shop = if theirs { &mut self.theirs } else { &mut self.ours };
            shop.take(step);
            return;
        }
        let Self { ours, theirs, .. } = self;
        std::mem::swap(&mut ours.account, &mut theirs.account);
        theirs.under = PLACE;
        let (entries, credit) = (theirs.entries.split_off(0), theirs.credit.split_off(0));
        let certificates = theirs.certificates.split_off(0);
        ensure_wallet_place(theirs);
        theirs.take(step);
        theirs.under = Place::OWN;
        ours.entries.append(&mut theirs.entries);
        ours.credit.append(&mut theirs.credit);
        ours.certificates.append(&mut theirs.certificates);
        (theirs.entries, theirs.credit, theirs.certificates) = (entries, credit, certificates);
        std::mem::swap(&mut ours.account, &mut theirs.account);
    }

    fn settle(&mut self) {
        self.take(false, &Step::Settle);
        if !self.is_one {
            self.take(true, &Step::Settle);
        }
    }

    fn merge(&mut self) {
        self.settle();
        let merger = Merger { place: PLACE, can_be_undone: true, survivor: SURVIVOR, other: OTHER };
        let moment = self.ours.moment();
        let nothing = Timeline::default();
        let both = merge(purse(&self.ours), purse(&self.theirs), Rules::of(&nothing), &merger, moment);
        let both = both.expect("credit can be merged");
        self.ours.post_credit(&both.survivor.entries);
        self.theirs.post_credit(&both.other.entries);
        for shop in [&mut self.ours, &mut self.theirs] {
            let due = engine::settle(wallet(shop), Rules::of(&nothing), shop.now).expect("all is loaded");
            shop.post_certificates(&due.entries);
        }
        let both = merge(wallet(&self.ours), wallet(&self.theirs), Rules::of(&nothing), &merger, moment);
        let both = both.expect("certificates can be merged");
        self.ours.post_certificates(&both.survivor.entries);
        self.theirs.post_certificates(&both.other.entries);
        let both = merge(&self.ours.account, &self.theirs.account, self.ours.rules(), &merger, moment);
        let both = both.expect("small accounts can be merged");
        self.ours.post_all("merge", &both.survivor);
        self.theirs.post_all("merge", &both.other);
        self.move_slots(Shift::Behind(PLACE));
        self.is_one = true;
    }

    /// Who sends an order again names its certificates as they are found now; what was the other's is no longer asked for.
    fn move_slots(&mut self, shift: Shift) {
        for slot in &mut self.theirs.slots {
            slot.no = slot.no.map(|it| it.moved(shift));
            let Some(last) = &slot.last else { continue };
            let moved = |all: &Vec<LotNo>| all.iter().map(|it| it.moved(shift)).filter(|it| it.0 != 0).collect();
            let certificates = last.certificates.as_ref().map(moved);
            slot.last = Some(Arc::new(Document { certificates, ..Document::clone(last) }));
        }
    }

    /// Whether an order is paid with a certificate of the other: then the undo is refused.
    fn crosses(&self) -> bool {
        certificates_cross(&self.ours.account, PLACE)
    }

    fn undo(&mut self) {
        let now = self.ours.now.max(self.theirs.now);
        (self.ours.now, self.theirs.now) = (now, now);
        let moment = self.ours.moment();
        let ended = disentangle(&self.ours.account, self.ours.rules(), moment);
        let ended = ended.unwrap_or_else(|stop| panic!("{stop:?}\n{}", self.ours.told));
        self.ours.post_all("disentangle", &ended);
        let uses = credit_uses(&self.ours.account, PLACE);
        let parting = Parting::plain(PLACE, SURVIVOR, OTHER);
        let nothing = Timeline::default();
        let of_credit = Rules::of(&nothing);
        let of_purses = Parting { uses: &uses, ..parting };
        let parted = unmerge((purse(&self.ours), of_credit), (purse(&self.theirs), of_credit), &of_purses, moment);
        let parted = parted.expect("credit can be told apart");
        self.ours.post_credit(&parted.both.survivor.entries);
        self.theirs.post_credit(&parted.both.other.entries);
        let none = Parting { is_wallet: true, ..parting };
        let of_wallets = unmerge((wallet(&self.ours), of_credit), (wallet(&self.theirs), of_credit), &none, moment);
        let of_wallets = of_wallets.expect("certificates can be told apart");
        self.ours.post_certificates(&of_wallets.both.survivor.entries);
        self.theirs.post_certificates(&of_wallets.both.other.entries);
        let parting = Parting { credit: &parted.stand_ins, is_unconverted: ended.is_unconverted(), ..parting };
        let (ours, theirs) = (&self.ours, &self.theirs);
        let parted = unmerge((&ours.account, ours.rules()), (&theirs.account, theirs.rules()), &parting, moment);
        let parted = parted.expect("points can be told apart");
        self.ours.post_all("undo", &parted.both.survivor);
        self.theirs.post_all("undo", &parted.both.other);
        self.move_slots(Shift::Back(PLACE));
        self.is_one = false;
    }

    fn told(&self, outcome: Outcome) -> Outcome {
        let outcome = told(&self.theirs, outcome);
        told(&self.ours, outcome)
    }

    fn check(&self) -> Outcome {
        for shop in [&self.ours, &self.theirs] {
            self.told(check_account(&shop.account))?;
            self.told(check_account(purse(shop)))?;
            self.told(check_account(wallet(shop)))?;
            self.told(check_certificates(shop))?;
            self.told(check_with_credit(shop))?;
        }
        self.told(self.check_moved())
    }

    /// What left one came to the other: nothing is made of nothing. What one has used of the other's is owed since the undo.
    fn check_moved(&self) -> Outcome {
        let of = |ledger: fn(&Shop) -> (&Account, &[engine::Entry])| {
            let sides = [&self.ours, &self.theirs].map(ledger);
            let moved = |it: (&Account, &[engine::Entry])| {
                let owed = it.1.iter().filter(|it| it.kind == engine::Kind::Unmerge).map(|it| it.changes.owed);
                it.0.balance.moved + owed.sum::<Points>()
            };
            sides.map(moved).into_iter().sum::<Points>()
        };
        prop_assert_eq!(of(|it| (&it.account, &it.entries)), Points::ZERO, "points moved");
        prop_assert_eq!(of(|it| (purse(it), &it.credit)), Points::ZERO, "credit moved");
        prop_assert_eq!(of(|it| (wallet(it), &it.certificates)), Points::ZERO, "certificates moved");
        Ok(())
    }

    fn check_replays(&self) -> Outcome {
        for shop in [&self.ours, &self.theirs] {
            self.told(check_replay(&shop.account, &shop.entries))?;
            self.told(check_replay(purse(shop), &shop.credit))?;
            self.told(check_replay(wallet(shop), &shop.certificates))?;
        }
        Ok(())
    }
}

impl Shop {
    fn post_all(&mut self, what: &str, decided: &engine::Decided) {
        self.told += &format!("{what}:\n");
        let all = decided.entries.iter().chain(&decided.credit).chain(&decided.certificates);
        all.for_each(|it| self.told += &format!("    {}\n", entry_text(it)));
        self.account = *self.account.carry_out(&mut decided.clone());
        self.entries.extend(decided.entries.iter().cloned());
        self.credit.extend(decided.credit.iter().cloned());
        self.certificates.extend(decided.certificates.iter().cloned());
    }

    fn post_certificates(&mut self, entries: &[engine::Entry]) {
        let wallet = self.account.wallet.as_mut().expect("a shop's account has its certificates");
        for entry in entries {
            self.told += &format!("    certificates: {}\n", entry_text(entry));
            Arc::make_mut(wallet).ledger.post(entry);
            self.certificates.push(entry.clone());
        }
    }

    fn post_credit(&mut self, entries: &[engine::Entry]) {
        let purse = self.account.purse.as_mut().expect("a shop's account has its credit");
        for entry in entries {
            self.told += &format!("    credit: {}\n", entry_text(entry));
            Arc::make_mut(purse).credit.post(entry);
            self.credit.push(entry.clone());
        }
    }
}

/// Conservation, sums over lots and holds, nothing below zero, and never owed beside available.
fn check_account(account: &Account) -> Outcome {
    let balance = &account.balance;
    prop_assert!(balance.is_conserved(), "conservation: {:?}", balance);
    prop_assert!(balance.owed.is_zero() || balance.available.is_zero(), "owed beside available: {:?}", balance);
    for (name, points) in [
        ("owed", balance.owed),
        ("redeemed", balance.redeemed),
        ("revoked", balance.revoked),
        ("deducted", balance.deducted),
        ("converted", balance.converted),
        ("expired", balance.expired),
    ] {
        prop_assert!(Points::ZERO <= points, "{} is below zero: {:?}", name, balance);
    }
    let total = |of: fn(&engine::Lot) -> Points| account.lots().iter().map(of).sum::<Points>();
    prop_assert_eq!(total(|it| it.pending), balance.pending);
    prop_assert_eq!(total(|it| it.available), balance.available);
    prop_assert_eq!(total(|it| it.held), balance.held);
    prop_assert_eq!(total(|it| it.expired), balance.expired);
    let redeemed = account.orders().iter().map(|it| it.posted.redeemed()).sum::<Points>();
    if account.purse.is_some() {
        let claimed: Points = account.claims().iter().flat_map(|it| &it.taken).map(|it| it.points).sum();
        prop_assert_eq!(redeemed + claimed, balance.redeemed, "what is redeemed is with orders and claims");
        let converted: Points = account.conversions().iter().flat_map(|it| &it.taken).map(|it| it.points).sum();
        prop_assert_eq!(balance.converted, converted, "points that are credit");
    }
    for it in account.claims().iter().flat_map(|it| &it.taken) {
        prop_assert!(account.lot(it.lot.no).is_some(), "a claim names a lot that is not there");
    }
    let standing = account.claims().iter().filter(|it| it.state != ClaimState::Cancelled);
    let claimed = standing.fold(BTreeMap::new(), |mut all: BTreeMap<String, u32>, it| {
        *all.entry(it.reward.to_string()).or_default() += 1;
        all
    });
    let counted = account.acts.iter().filter_map(|it| match &it.act {
        Act::Reward(name) if it.of_life != 0 => Some((name.clone(), it.of_life)),
        _ => None,
    });
    prop_assert_eq!(counted.collect::<BTreeMap<_, _>>(), claimed, "limits count what is claimed and not cancelled");
    for order in account.orders() {
        for lot in order.posted.lots() {
            prop_assert!(account.lot(lot.no).is_some(), "order {:?} names a lot that is not there", order.no);
        }
    }
    Ok(())
}

/// What is spent of credit is with orders, and each part names a lot that is there.
fn check_with_credit(shop: &Shop) -> Outcome {
    let purse = purse(shop);
    let parts = || shop.account.orders().iter().flat_map(|it| &it.posted.credit);
    let with_orders: i64 = parts().map(|it| it.amount.minor()).sum();
    prop_assert_eq!(purse.balance.redeemed.get(), with_orders, "credit that is with orders");
    prop_assert!(parts().all(|it| purse.lot(it.lot.no).is_some()), "credit of a lot that is not there");
    Ok(())
}

/// What certificates pay is with orders, and each part names one that is there.
fn check_certificates(shop: &Shop) -> Outcome {
    let wallet = wallet(shop);
    let parts = || shop.account.orders().iter().flat_map(|it| &it.posted.certificates);
    let with_orders: i64 = parts().map(|it| it.paid.minor()).sum();
    prop_assert_eq!(wallet.balance.redeemed.get(), with_orders, "certificates that are with orders");
    prop_assert!(parts().all(|it| wallet.lot(it.lot.no).is_some()), "a part of a certificate that is not there");
    prop_assert!(wallet.lots().iter().all(|it| it.certificate.is_some()), "a certificate that is none");
    prop_assert!(wallet.balance.owed.is_zero(), "nobody owes certificates");
    Ok(())
}

/// What is given under somebody who was merged needs a place in the wallet, as the store makes it.
fn ensure_wallet_place(shop: &mut Shop) {
    if wallet(shop).joined.iter().any(|it| it.place == PLACE) {
        return;
    }
    let (nothing, nobody) = (Timeline::default(), Account::default());
    let merger = Merger { place: PLACE, can_be_undone: true, survivor: SURVIVOR, other: OTHER };
    let both = merge(wallet(shop), &nobody, Rules::of(&nothing), &merger, shop.moment()).expect("nobody has nothing");
    shop.post_certificates(&both.survivor.entries);
}

fn wallet(shop: &Shop) -> &Account {
    &shop.account.wallet.as_ref().expect("a shop's account has its certificates").ledger
}

fn steps() -> impl Strategy<Value = Vec<(bool, Step)>> {
    leaving_histories(10).prop_flat_map(|steps| {
        let many = steps.len();
        (Just(steps), prop::collection::vec(any::<bool>(), many))
            .prop_map(|(steps, sides)| sides.into_iter().zip(steps).collect())
    })
}

#[test]
fn two_that_become_one_and_two_again_keep_the_laws() {
    check(400, &(rewarding(), steps(), steps(), steps()), |(timeline, before, between, after)| {
        let mut pair = Pair::new(&timeline);
        for (theirs, step) in &before {
            pair.take(*theirs, step);
        }
        pair.merge();
        pair.check()?;
        for (theirs, step) in &between {
            pair.take(*theirs, step);
            pair.check()?;
        }
        pair.check_replays()?;
        if pair.crosses() {
            return Ok(());
        }
        pair.undo();
        pair.check()?;
        for (theirs, step) in &after {
            pair.take(*theirs, step);
            pair.check()?;
        }
        pair.check_replays()?;
        pair.merge();
        pair.check()?;
        pair.check_replays()
    });
}

/// What can be told of an account without the numbers of its entries: points by lot and date, and what its orders have.
fn told_of(account: &Account) -> impl PartialEq + std::fmt::Debug + use<> {
    let lots: Vec<(LotNo, Timestamp, [i64; 3])> = account
        .lots()
        .iter()
        .filter(|it| !it.is_empty())
        .map(|it| {
            let points = [it.pending, it.available, it.held].map(Points::get);
            (it.at.no, account.expires_at(it), points)
        })
        .collect();
    let orders: Vec<_> = account
        .orders()
        .iter()
        .map(|it| (it.no, it.posted.earned, it.posted.redeemed(), it.posted.credit(), it.document.clone(), it.asked))
        .collect();
    let mut carried = account.carried.clone();
    carried.retain(|it| it.remainder.is_positive());
    carried.sort_unstable_by_key(|it| it.per);
    let days: Vec<_> = account.years().iter().flat_map(|it| it.days.clone()).collect();
    let tier = account.tier.as_ref().map(|it| (it.tier.clone(), it.review_at));
    let wallet = account.wallet.as_ref().map(|it| {
        let certificates = it.ledger.lots().iter().map(|it| (it.at, it.certificate, it.available, it.gone()));
        certificates.collect::<Vec<_>>()
    });
    let others = (account.closings.clone(), wallet);
    (lots, orders, carried, days, (account.balance.owed, account.counted), tier, others)
}

#[test]
fn an_undo_at_once_gives_each_their_own_back() {
    check(400, &(rewarding(), steps()), |(timeline, before)| {
        // What comes to an account is looked at anew: points that a new rate makes credit, tiers with new thresholds.
        let by_itself = |it: &engine::Version| it.terms.convert.is_some_and(|it| !it.is_collected);
        prop_assume!(!timeline.versions().iter().any(by_itself) && timeline.versions().len() == 1);
        let mut pair = Pair::new(&timeline);
        for (theirs, step) in &before {
            pair.take(*theirs, step);
        }
        pair.settle();
        // Points of a hold that ends return to a lot that may have expired by then: nobody waits here.
        let was = [told_of(&pair.ours.account), told_of(&pair.theirs.account)];
        pair.merge();
        pair.undo();
        let is = [told_of(&pair.ours.account), told_of(&pair.theirs.account)];
        pair.told(if is == was { Ok(()) } else { Err(TestCaseError::fail(format!("was {was:#?}\nis {is:#?}"))) })
    });
}

#[test]
fn a_document_again_changes_nothing_across_a_merge_and_its_undo() {
    check(300, &(rewarding(), steps(), waits(), any::<bool>()), |(timeline, before, minutes, undone)| {
        let mut pair = Pair::new(&timeline);
        for (theirs, step) in &before {
            pair.take(*theirs, step);
        }
        pair.merge();
        pair.take(false, &Step::Wait { minutes });
        if undone && !pair.crosses() {
            pair.undo();
        }
        pair.settle();
        for theirs in [false, true] {
            let shop = if theirs { &pair.theirs } else { &pair.ours };
            let account = if pair.is_one { &pair.ours.account } else { &shop.account };
            for (slot, document) in
                shop.slots.iter().enumerate().filter_map(|(slot, it)| Some((slot, it.last.clone()?)))
            {
                if document.hold.is_some() || document.version == DocumentVersion::Arrival {
                    continue;
                }
                let said = shop.decide_on(account, &Command::Put { slot, document });
                let retried = said.as_ref().is_ok_and(|it| {
                    it.entries.is_empty() && it.answer.as_ref().is_some_and(|it| it.status == Status::Retry)
                });
                pair.told(if retried { Ok(()) } else { Err(TestCaseError::fail(format!("{said:?}"))) })?;
            }
        }
        Ok(())
    });
}
