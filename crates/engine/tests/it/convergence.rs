//! Law 3: any accepted sequence of documents of one order leaves what its last one alone leaves.
//!
//! Nothing else happens in between: no other command, nothing falls due. Before it anything may have happened.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Account, Document, Points, Target, Timeline, Timestamp};
use proptest::prelude::*;

use crate::histories::{Put, Step, VersionStep, leaving_histories, puts};
use crate::programs::timelines;
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::told;

/// As many as may become more certificates than at once.
const MANY_POINTS: Points = Points::new(50_000);

/// The order that converges; the others belong to what happened before.
const OURS: usize = 0;

#[test]
fn law_3_any_sequence_of_documents_leaves_what_the_last_alone_leaves() {
    let documents = prop::collection::vec((puts(), 0..3_000_i64), 2..6);
    check(600, &(timelines(), leaving_histories(6), documents), |(timeline, before, documents)| {
        let mut base = Shop { import: true, ..Shop::new(converts_alike(&timeline)) };
        for step in &before {
            let ours = matches!(step, Step::Put(put) if put.order == OURS);
            if !ours {
                base.take(step);
            }
        }
        base.take(&Step::Settle);
        // Points that staff have brought back stay points until others become available: those of the order are such.
        prop_assume!(!stays_points(&base));
        let mut shop = base.clone();
        // What the first document keeps alive must not have passed for the last one alone.
        let due = engine::due_at(&base.account, base.rules());
        for (put, minutes) in documents {
            send(&mut shop, put, minutes, due);
        }
        let Some(last) = shop.slots[OURS].last.clone() else { return Ok(()) };
        let alone = alone(&mut base, &shop, &last);
        prop_assume!(alone.is_some());
        // Of very many points only so many convert at once.
        prop_assume!(!stays_points(&shop) && !stays_points(&base) || shop.account.balance.issued < MANY_POINTS);
        let outcome = compare(&shop.account, &base.account);
        shop.told += &format!("alone:\n{}", base.told.lines().last().unwrap_or_default());
        told(&shop, outcome)
    });
}

/// Whether there are points that could convert, and have not.
fn stays_points(shop: &Shop) -> bool {
    let terms = shop.timeline.at(shop.now).map(|it| &it.terms);
    let convert = terms.and_then(|it| it.convert).filter(|it| !it.is_collected);
    convert.is_some_and(|it| it.rate.points <= shop.account.balance.available)
}

/// Points convert when some become available, at the terms of that instant: the terms of conversion change nothing in between.
fn converts_alike(timeline: &Timeline) -> Timeline {
    let mut versions = timeline.versions().to_vec();
    let convert = versions[0].terms.convert;
    versions.iter_mut().for_each(|it| it.terms.convert = convert);
    let switches = if convert.is_some() { Vec::new() } else { timeline.switches().to_vec() };
    Timeline::new(versions, switches)
}

/// Sends a newer document, a while later if nothing falls due until then, not even what is out on orders.
fn send(shop: &mut Shop, put: Put, minutes: i64, alone: Timestamp) {
    let later = shop.now.plus_minutes(minutes);
    let expiries = shop.account.lots().iter().map(|it| it.at.expires_at).filter(|it| shop.now < *it);
    let wallet = shop.account.wallet.as_ref().map(|it| it.ledger.lots()).unwrap_or_default();
    let certificates = wallet.iter().map(|it| it.at.expires_at).filter(|it| shop.now < *it);
    let due = expiries
        .chain(certificates)
        .chain([engine::due_at(&shop.account, shop.rules()), alone])
        .min()
        .unwrap_or(Timestamp::NEVER);
    if later < due {
        shop.now = later;
    }
    let posted = shop.order(OURS).map(|it| it.posted.clone()).unwrap_or_default();
    // A lot's dates move only before they have passed, and points that have waited do not wait again.
    let gone = posted.lot.is_some_and(|it| it.expires_at <= shop.now);
    let waited = posted.lot.is_some_and(|it| it.available_at <= shop.now) && posted.earned.is_positive();
    let waits = shop.timeline.versions().iter().any(|it| it.terms.waiting_days != 0);
    let redate = put.redate.filter(|_| !(gone || waited && waits)).map(|_| 0);
    let put = Put { order: OURS, version: VersionStep::Newer, hold: None, redate, ..put };
    shop.take(&Step::Put(put));
}

/// Sends the last document to the account as it was before, with the figure that stands filled in.
fn alone(base: &mut Shop, shop: &Shop, last: &Document) -> Option<()> {
    base.now = shop.now;
    let asked = shop.order(OURS)?.asked;
    let order = shop.order(OURS)?;
    let certificates = order.certificates.iter().filter(|it| it.stands).map(|it| it.certificate).collect();
    let credit = Some(order.credit_asked);
    let certificates = Some(certificates);
    let document = Arc::new(Document { redeem: Some(asked), credit, certificates, ..last.clone() });
    let command = Command::Put { slot: OURS, document };
    let decision = base.decide(&command);
    base.told += &crate::transcript::line(base.now, &command, &decision);
    let decided = decision.ok()?;
    base.apply(&command, &decided);
    Some(())
}

fn compare(sequence: &Account, alone: &Account) -> Outcome {
    let figures = |it: &Account| {
        let balance = it.balance;
        [balance.pending, balance.available, balance.held, balance.owed, balance.let_go].map(Points::get)
    };
    prop_assert_eq!(figures(sequence), figures(alone), "pending, available, held, owed, let go");
    let of = |it: &Account| {
        // Dates that were extended stay so, whatever became of the order that did it.
        let never = |(key, sums): ((Timestamp, Timestamp), [i64; 3])| ((key.0, Timestamp::NEVER), sums);
        let is_extended = sequence.extension.is_some();
        let all = lots_by_dates(it).into_iter().map(|it| if is_extended { never(it) } else { it });
        all.fold(BTreeMap::new(), |mut all: BTreeMap<_, [i64; 3]>, (key, sums)| {
            let known = all.entry(key).or_default();
            known.iter_mut().zip(sums).for_each(|(known, it)| *known += it);
            all
        })
    };
    prop_assert_eq!(of(sequence), of(alone));
    let credit = |it: &Account| it.purse.as_ref().map(|it| it.available());
    prop_assert_eq!(credit(sequence), credit(alone), "store credit");
    let wallet = |it: &Account| -> Vec<_> {
        let lots = it.wallet.as_ref().map(|it| it.ledger.lots()).unwrap_or_default();
        let bought = |no| it.conversions().iter().any(|it| it.rate.target == Target::Certificate && it.lot.no == no);
        let given = lots.iter().filter(|it| !bought(it.at.no) && it.certificate.is_some_and(|it| !it.is_cancelled));
        given.map(|it| (it.at, it.certificate, it.available, it.expired)).collect()
    };
    // Which one of those that points became it is, and until when, says what came before.
    let bought = |it: &Account| {
        let lots = it.wallet.as_ref().map(|it| it.ledger.lots()).unwrap_or_default();
        let bought = it.conversions().iter().filter(|it| it.rate.target == Target::Certificate);
        let left = |no| {
            lots.iter()
                .find(|it| it.at.no == no)
                .map(|it| (it.certificate.map(|it| (it.uses.name(), it.uses.share().map(|it| it.0))), it.available))
        };
        let mut bought: Vec<_> = bought.map(|it| (it.rate.points, it.rate.value, left(it.lot.no))).collect();
        bought.sort_unstable();
        bought
    };
    prop_assert_eq!(bought(sequence), bought(alone), "certificates that points became");
    prop_assert_eq!(wallet(sequence), wallet(alone), "certificates");
    prop_assert_eq!(days(sequence), days(alone), "what days count");
    Ok(())
}

/// What each day counts.
fn days(account: &Account) -> Vec<(i16, Vec<engine::Day>)> {
    let years = account.years().iter().filter(|it| !it.days.is_empty());
    years.map(|it| (it.year, it.days.clone())).collect()
}

/// What is left in lots of equal dates: pending, available, held. When waiting ended no longer matters once it has.
pub(crate) fn lots_by_dates(account: &Account) -> BTreeMap<(Timestamp, Timestamp), [i64; 3]> {
    let mut all: BTreeMap<(Timestamp, Timestamp), [i64; 3]> = BTreeMap::new();
    for lot in account.lots().iter().filter(|it| !it.is_empty()) {
        let waits_until = if lot.pending.is_zero() { Timestamp::START } else { lot.at.available_at };
        let sums = all.entry((waits_until, account.expires_at(lot))).or_default();
        for (sum, points) in sums.iter_mut().zip([lot.pending, lot.available, lot.held]) {
            *sum += points.get();
        }
    }
    all
}
