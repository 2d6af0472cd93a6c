//! The ledger added up by hand: what a list of entries says, without `Account::post`.

use std::collections::BTreeMap;

use engine::{Account, Bucket, Date, Entry, Figures, HoldState, Kind, LotNo, Points, Source, Target};
use proptest::prelude::*;

use crate::seeded::Outcome;
use crate::shop::Shop;

/// Law 1: entries sum to everything that the account says, conservation holds, nothing is below zero, and nobody owes
/// who has points to spend.
pub(crate) fn check_sums(account: &Account, entries: &[Entry]) -> Outcome {
    let mut sums: BTreeMap<(Option<LotNo>, Bucket), i64> = BTreeMap::new();
    let (mut owed, mut let_go) = (0, 0);
    for entry in entries {
        for it in &entry.postings {
            for key in [None, Some(it.lot)] {
                *sums.entry((key, it.from)).or_default() -= it.points.get();
                *sums.entry((key, it.to)).or_default() += it.points.get();
            }
        }
        owed += entry.changes.owed.get();
        let_go += entry.changes.let_go.get();
    }
    let sum = |lot: Option<LotNo>, bucket: Bucket| Points::new(sums.get(&(lot, bucket)).copied().unwrap_or(0));
    let balance = &account.balance;
    prop_assert_eq!(balance.owed.get(), owed, "owed");
    prop_assert_eq!(balance.let_go.get(), let_go, "let go");
    for bucket in Bucket::ALL {
        let (said, least) = match bucket {
            Bucket::Pending => (balance.pending, 0),
            Bucket::Available => (balance.available, 0),
            Bucket::Held => (balance.held, 0),
            Bucket::Issued => (Points::ZERO - balance.issued, i64::MIN),
            Bucket::Redeemed => (balance.redeemed, 0),
            Bucket::Revoked => (balance.revoked, 0),
            Bucket::Deducted => (balance.deducted, 0),
            Bucket::Converted => (balance.converted, 0),
            Bucket::Expired => (balance.expired, 0),
            Bucket::Forfeited => (balance.forfeited, 0),
            Bucket::Moved => (balance.moved, 0),
        };
        prop_assert_eq!(said, sum(None, bucket), "the entries' sum of {}", bucket.name());
        prop_assert!(least <= said.get(), "{} is below zero", bucket.name());
    }
    for lot in account.lots() {
        let no = Some(lot.at.no);
        let of = |bucket| sum(no, bucket);
        prop_assert_eq!(
            (lot.pending, lot.available, lot.held),
            (of(Bucket::Pending), of(Bucket::Available), of(Bucket::Held))
        );
        prop_assert_eq!(lot.expired, of(Bucket::Expired));
        prop_assert_eq!(lot.forfeited, of(Bucket::Forfeited));
        prop_assert!(Points::ZERO <= lot.pending.min(lot.available).min(lot.held), "a lot below zero");
    }
    let total = |of: fn(&engine::Lot) -> Points| account.lots().iter().map(of).sum::<Points>();
    prop_assert_eq!(total(|it| it.pending), balance.pending);
    prop_assert_eq!(total(|it| it.available), balance.available);
    prop_assert_eq!(total(|it| it.held), balance.held);
    let held = account.holds().iter().filter(|it| it.state == HoldState::Active);
    let held = held.flat_map(|it| &it.taken).map(|it| it.points);
    prop_assert_eq!(held.sum::<Points>(), balance.held, "active holds and held points");
    prop_assert!(balance.is_conserved(), "conservation: {:?}", balance);
    prop_assert!(balance.owed.is_zero() || balance.available.is_zero(), "owed beside available: {:?}", balance);
    prop_assert!(entries.windows(2).all(|it| it[0].at <= it[1].at), "ledger time went back");
    check_figures(account, entries)?;
    check_orders(account, entries)
}

/// What each day counts is what its entries say, nothing is below zero, and the days add up to the whole.
fn check_figures(account: &Account, entries: &[Entry]) -> Outcome {
    let mut days: BTreeMap<String, [i64; 3]> = BTreeMap::new();
    let raw = |it: &Figures| [it.points.get(), it.spent.minor(), it.orders];
    let add = |sum: &mut [i64; 3], it: &Figures| sum.iter_mut().zip(raw(it)).for_each(|(sum, it)| *sum += it);
    let mut whole = [0; 3];
    for of_day in entries.iter().filter_map(|it| it.changes.figures.as_ref()) {
        add(days.entry(of_day.day.to_string()).or_default(), &of_day.figures);
        add(&mut whole, &of_day.figures);
    }
    days.retain(|_, it| *it != [0; 3]);
    let mut kept: BTreeMap<String, [i64; 3]> = BTreeMap::new();
    for year in account.years() {
        for day in &year.days {
            let date = Date::of_year(year.year, day.ordinal).expect("a day of that year");
            kept.insert(date.to_string(), raw(&day.figures));
        }
    }
    prop_assert!(kept.values().flatten().all(|it| 0 <= *it), "a day counts less than nothing: {:?}", kept);
    prop_assert_eq!(kept, days);
    prop_assert_eq!(raw(&account.counted), whole);
    Ok(())
}

/// What an order has earned and redeemed is what its entries say. Taken, expired, owed and let go are together what each
/// entry called for (O5).
fn check_orders(account: &Account, entries: &[Entry]) -> Outcome {
    for order in account.orders() {
        let own: Vec<&Entry> = entries.iter().filter(|it| it.order == Some(order.no)).collect();
        let (mut earned, mut redeemed, mut revoked) = (Points::ZERO, Points::ZERO, Points::ZERO);
        for entry in own {
            let net = |bucket| net_into(entry, bucket);
            let changes = &entry.changes;
            let gone = changes.expired + changes.owed + changes.let_go;
            prop_assert_eq!(
                changes.earned,
                -net(Bucket::Issued) - net(Bucket::Revoked) - gone,
                "called for: {:?}",
                entry
            );
            earned += changes.earned;
            redeemed += net(Bucket::Redeemed);
            revoked += net(Bucket::Revoked);
        }
        let posted = &order.posted;
        prop_assert_eq!(posted.earned, earned, "earned by order {:?}", order.no);
        prop_assert_eq!(posted.redeemed(), redeemed, "redeemed by order {:?}", order.no);
        prop_assert_eq!(posted.taken_back(|it| matches!(it, Source::Lot(_))), revoked, "taken from lots");
        prop_assert!(Points::ZERO <= earned, "an order earns less than nothing");
    }
    Ok(())
}

fn net_into(entry: &Entry, bucket: Bucket) -> Points {
    let into: Points = entry.postings.iter().filter(|it| it.to == bucket).map(|it| it.points).sum();
    let out: Points = entry.postings.iter().filter(|it| it.from == bucket).map(|it| it.points).sum();
    into - out
}

/// Law 1, replay: posting the entries to an empty account gives the same account.
pub(crate) fn check_replay(account: &Account, entries: &[Entry]) -> Outcome {
    let mut replayed = Account::default();
    for entry in entries {
        replayed.post(entry);
    }
    prop_assert_eq!(replayed.balance, account.balance);
    prop_assert_eq!(replayed.lots(), account.lots());
    prop_assert_eq!((replayed.counted, replayed.latest_year), (account.counted, account.latest_year));
    prop_assert_eq!(replayed.years(), account.years());
    prop_assert_eq!(&replayed.tier, &account.tier);
    prop_assert_eq!(&replayed.tiers_before, &account.tiers_before);
    prop_assert_eq!(&replayed.closings, &account.closings);
    prop_assert_eq!(replayed.holds(), account.holds());
    prop_assert_eq!(&replayed.extension, &account.extension);
    prop_assert_eq!(&replayed.acts, &account.acts);
    prop_assert_eq!(
        (replayed.next_entry, replayed.next_lot, replayed.next_hold, replayed.last_at),
        (account.next_entry, account.next_lot, account.next_hold, account.last_at)
    );
    for order in account.orders() {
        let posted = replayed.order(order.no).map(|it| it.posted.clone()).unwrap_or_default();
        prop_assert_eq!(&posted, &order.posted, "order {:?}", order.no);
    }
    prop_assert_eq!(replayed.conversions(), account.conversions());
    Ok(())
}

pub(crate) fn purse(shop: &Shop) -> &Account {
    &shop.account.purse.as_ref().expect("a shop's account has its credit").credit
}

/// The credit adds up by itself, and to what the entries on points say of it: what is spent is with orders, what is converted
/// is with conversions, and who owes has no conversion of which nothing is spent.
pub(crate) fn check_credit(shop: &Shop) -> Outcome {
    let purse = purse(shop);
    check_sums(purse, &shop.credit)?;
    let parts = shop.entries.iter().flat_map(|it| &it.changes.credit);
    let by_hand = shop.credit.iter().filter(|it| it.kind == Kind::Adjust).flat_map(|it| &it.postings);
    let mut lots: BTreeMap<LotNo, i64> = BTreeMap::new();
    for it in parts {
        *lots.entry(it.lot.no).or_default() += it.amount.minor();
    }
    for it in by_hand {
        *lots.entry(it.lot).or_default() += if it.to == Bucket::Deducted { -it.points.get() } else { it.points.get() };
    }
    for lot in purse.lots() {
        prop_assert_eq!(Some(&lot.available.get()), lots.get(&lot.at.no), "credit lot {:?}", lot);
    }
    let with_orders: i64 = shop.account.orders().iter().map(|it| it.posted.credit().minor()).sum();
    prop_assert_eq!(purse.balance.redeemed.get(), with_orders, "credit that is with orders");
    let converted: Points = shop.account.conversions().iter().flat_map(|it| &it.taken).map(|it| it.points).sum();
    prop_assert_eq!(shop.account.balance.converted, converted, "points that are credit");
    for it in shop.account.conversions() {
        let ledger = if it.rate.target == Target::Credit { purse } else { wallet(shop) };
        let is_there = |it: &&engine::Lot| shop.now < ledger.expires_at(it);
        let left = ledger.lot(it.lot.no).filter(is_there).map_or(0, |it| it.available.get());
        let owes = shop.account.balance.owed.is_positive() && shop.account.balance.held.is_zero();
        prop_assert!(!owes || left < it.rate.value.minor(), "owed beside what points became: {:?}", it);
    }
    Ok(())
}

pub(crate) fn wallet(shop: &Shop) -> &Account {
    &shop.account.wallet.as_ref().expect("a shop's account has its certificates").ledger
}

/// The certificates add up by themselves, and to what the entries on points say of them: what is used is with orders, which
/// have no more of a certificate than it was worth; of one that can be used once, all of it or nothing is with one order.
pub(crate) fn check_certificates(shop: &Shop) -> Outcome {
    let wallet = wallet(shop);
    check_sums(wallet, &shop.certificates)?;
    let mut told: BTreeMap<LotNo, (i64, i64)> = BTreeMap::new();
    for it in shop.entries.iter().flat_map(|it| &it.changes.certificates) {
        let (paid, lost) = told.entry(it.lot.no).or_default();
        *paid += it.paid.minor();
        *lost += it.lost.minor();
    }
    for lot in wallet.lots() {
        let with = shop
            .account
            .orders()
            .iter()
            .filter_map(|order| order.posted.certificates.iter().find(|it| it.lot.no == lot.at.no));
        let with: Vec<_> = with.collect();
        let paid: i64 = with.iter().map(|it| it.paid.minor()).sum();
        let lost: i64 = with.iter().map(|it| it.lost.minor()).sum();
        prop_assert_eq!((paid, lost), told.get(&lot.at.no).copied().unwrap_or_default(), "certificate {:?}", lot);
        let postings = || shop.certificates.iter().flat_map(|it| &it.postings).filter(|it| it.lot == lot.at.no);
        let from = |bucket: Bucket| postings().filter(|it| it.from == bucket).map(|it| it.points).sum::<Points>();
        let to = |bucket: Bucket| postings().filter(|it| it.to == bucket).map(|it| it.points).sum::<Points>();
        // What points became and is points again was taken back.
        let issued = from(Bucket::Issued) + from(Bucket::Revoked) - to(Bucket::Revoked);
        let here = (lot.available + lot.gone()).get();
        prop_assert_eq!(issued.get(), here + paid, "nothing of a certificate is anywhere else: {:?}", lot);
        let certificate = lot.certificate.expect("a lot of a wallet is a certificate");
        prop_assert!(!certificate.is_cancelled || lot.available.is_zero(), "a cancelled one pays nothing: {:?}", lot);
        if certificate.uses.is_once() {
            let in_use = with.iter().filter(|it| it.paid.is_positive()).count();
            prop_assert!(in_use <= 1 && (in_use == 0 || lot.available.is_zero()), "used once: {:?}", lot);
            let orders = shop.account.orders().iter();
            let with = orders.filter(|it| it.posted.certificates.iter().any(|it| it.lot.no == lot.at.no));
            for order in with {
                let document = order.document.as_deref().expect("a recorded order has a document");
                let lines = document.lines.iter().map(|it| (it.amount + it.tax).minor()).sum::<i64>();
                let whole = lines + document.shipping.minor();
                let share = certificate.uses.share().map_or(10_000, |it| i64::from(it.0));
                prop_assert!(paid <= whole * share / 10_000, "no more than its share of what was sold: {:?}", lot);
            }
        } else {
            prop_assert_eq!(lost, 0, "nothing is lost of one that can be used again");
        }
    }
    Ok(())
}
