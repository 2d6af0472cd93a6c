//! Orders without a member: kept, changed and refunded, then claimed, they leave what the last document alone leaves.

use std::sync::Arc;

use engine::{
    Account, Claim, Document, DocumentVersion, Guest, Kind, Money, OrderNo, Points, Reason, Rejection, Returned, Rules,
    Status, Stop, claim, is_claimable, put_guest, put_guest_return, put_order,
};
use proptest::prelude::*;

use crate::bodies::{Body, Dates, bodies};
use crate::convergence::lots_by_dates;
use crate::histories::{Step, leaving_histories};
use crate::ledger::{check_replay, check_sums};
use crate::programs::{EUR, NOON, one_version, plain, timelines};
use crate::seeded::{Outcome, check};
use crate::shop::Shop;
use crate::transcript::told;

/// A document of the order, with its version and whether it is cancelled.
fn document(body: &Body, shop: &Shop, version: u64, cancelled: bool) -> Arc<Document> {
    let at = Some(shop.now);
    let dates =
        Dates { placed_at: shop.now, paid_at: at, fulfilled_at: at, cancelled_at: if cancelled { at } else { None } };
    Arc::new(Document { version: DocumentVersion::Number(version), ..body.document(dates) })
}

fn keep(guest: Option<Guest>, shop: &Shop, document: &Arc<Document>) -> Option<Guest> {
    let decided = put_guest(guest.as_ref(), Rules::of(&shop.timeline), document, shop.moment()).ok()?;
    assert_eq!(decided.answer.earned.called_for, Points::ZERO, "without a member nothing is earned");
    let recorded_at = guest.map_or(shop.now, |it| it.recorded_at);
    Some(Guest { order: decided.order?, recorded_at })
}

fn rules(shop: &Shop) -> Rules<'_> {
    Rules { facts: &shop.facts, ..Rules::of(&shop.timeline) }
}

fn post(shop: &mut Shop, decided: &engine::Decided) {
    shop.account.apply(decided);
    shop.entries.extend(decided.entries.iter().cloned());
    shop.credit.extend(decided.credit.iter().cloned());
}

fn same(one: &Account, other: &Account) -> Outcome {
    let figures = |it: &Account| {
        let it = it.balance;
        [it.pending, it.available, it.held, it.owed, it.let_go].map(Points::get)
    };
    prop_assert_eq!(figures(one), figures(other), "pending, available, held, owed, let go");
    prop_assert_eq!(lots_by_dates(one), lots_by_dates(other));
    let carried = |it: &Account| {
        let some = it.carried.iter().filter(|it| !it.remainder.is_zero()).map(|it| (it.per, it.remainder));
        some.collect::<std::collections::BTreeMap<_, _>>()
    };
    prop_assert_eq!(carried(one), carried(other));
    prop_assert_eq!(one.counted, other.counted);
    let posted = |it: &Account| it.orders().last().map(|it| (it.no, it.pinned, it.posted.earned, it.posted.spent));
    prop_assert_eq!(posted(one), posted(other));
    Ok(())
}

#[test]
fn a_claimed_order_leaves_what_its_last_document_alone_leaves() {
    let documents = prop::collection::vec((bodies(), prop::bool::weighted(0.2)), 1..5);
    let inputs = (timelines(), leaving_histories(6), documents, 0..5_usize, any::<bool>());
    check(500, &inputs, |(timeline, before, documents, claimed_at, by_staff)| {
        let mut shop = Shop::new(timeline);
        before.iter().for_each(|it| drop(shop.take(it)));
        shop.take(&Step::Settle);
        let mut alone = shop.clone();
        let sent: Vec<_> = documents
            .iter()
            .enumerate()
            .map(|(index, (body, cancelled))| document(body, &shop, u64::try_from(index).expect("few") + 1, *cancelled))
            .collect();
        let claimed_at = claimed_at.min(sent.len() - 1);
        let mut guest = None;
        for it in &sent[..=if by_staff { claimed_at } else { claimed_at.max(1) - 1 }] {
            guest = keep(guest, &shop, it);
            prop_assume!(guest.is_some());
        }
        let guest = guest.expect("it was kept");
        let first = shop.entries.len();
        let next = shop.account.next_order;
        let way = if by_staff { Claim::Note("her receipt") } else { Claim::Document(&sent[claimed_at]) };
        let decided = claim(&shop.account, rules(&shop), &guest, way, shop.moment());
        let Ok(decided) = decided else { return Err(TestCaseError::fail(format!("{decided:?}"))) };
        post(&mut shop, &decided);
        let claims = shop.entries[first..].iter().filter(|it| it.kind == Kind::Claim && it.order == Some(next));
        prop_assert_eq!(claims.count(), 1, "the entry that says where the order came from");
        for it in &sent[claimed_at + 1..] {
            let decided = put_order(&shop.account, rules(&shop), Some(next), it, shop.moment());
            let Ok(decided) = decided else { return Err(TestCaseError::fail(format!("{decided:?}"))) };
            post(&mut shop, &decided);
        }
        told(&shop, check_sums(&shop.account, &shop.entries))?;
        told(&shop, check_replay(&shop.account, &shop.entries))?;
        let again = put_order(&shop.account, rules(&shop), Some(next), &sent[sent.len() - 1], shop.moment());
        let again = again.map(|it| (it.entries.len(), it.answer.map(|it| it.status)));
        prop_assert_eq!(again, Ok((0, Some(Status::Retry))), "the same document again changes nothing");
        // A guest has no tier; what activity has extended, and what was converted in between, stays so.
        let alike = |it: &engine::Version| it.terms.tiers.is_none() && it.terms.extend.is_none();
        if shop.timeline.versions().iter().all(alike) && !shop.timeline.converts() {
            let last = &sent[sent.len() - 1];
            let decided = put_order(&alone.account, rules(&alone), None, last, alone.moment());
            let Ok(decided) = decided else { return Err(TestCaseError::fail(format!("{decided:?}"))) };
            post(&mut alone, &decided);
            told(&shop, same(&shop.account, &alone.account))?;
        }
        Ok(())
    });
}

fn guest_of(shop: &Shop, amount: i64) -> Guest {
    let sale =
        Arc::new(Document { version: DocumentVersion::Number(2), ..Document::sale(EUR, Money::new(amount), NOON) });
    keep(None, shop, &sale).expect("it is kept")
}

fn refused(decision: engine::Decision) -> Rejection {
    match decision {
        Err(Stop::Rejected(rejection)) => rejection,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_older_document_names_the_member_and_changes_nothing_else() {
    let shop = Shop::new(one_version(plain()));
    let guest = guest_of(&shop, 10_000);
    for (version, amount, status) in [(1, 5_000, Status::Stale), (2, 10_000, Status::Recorded)] {
        let sale = Document::sale(EUR, Money::new(amount), NOON);
        let late = Arc::new(Document { version: DocumentVersion::Number(version), ..sale });
        let decided = claim(&shop.account, rules(&shop), &guest, Claim::Document(&late), shop.moment());
        let decided = decided.expect("who it was is a fact");
        let answer = decided.answer.expect("it is answered");
        assert_eq!((answer.status, answer.order, answer.earned.called_for.get()), (status, OrderNo(1), 100));
        let Reason::Claimed(it) = &decided.entries[0].reason else { panic!("{:?}", decided.entries) };
        assert_eq!((it.recorded_at, &it.note), (NOON, &None));
    }
    let other =
        Arc::new(Document { version: DocumentVersion::Number(2), ..Document::sale(EUR, Money::new(5_000), NOON) });
    let refused = refused(claim(&shop.account, rules(&shop), &guest, Claim::Document(&other), shop.moment()));
    assert_eq!(refused, Rejection::VersionConflict);
}

#[test]
fn a_claim_ends_with_the_last_of_its_days() {
    let mut shop = Shop::new(one_version(plain()));
    let guest = guest_of(&shop, 10_000);
    let zone = &plain().zone;
    let last = zone.date_of(NOON).plus_days(30);
    let end = zone.end_of(last);
    shop.now = end.plus_minutes(-1);
    assert!(is_claimable(&guest, rules(&shop), shop.now));
    assert!(claim(&shop.account, rules(&shop), &guest, Claim::Note("her receipt"), shop.moment()).is_ok());
    shop.now = end;
    assert!(!is_claimable(&guest, rules(&shop), shop.now));
    let late = claim(&shop.account, rules(&shop), &guest, Claim::Note("her receipt"), shop.moment());
    assert_eq!(refused(late), Rejection::ClaimEnded { last });
    let known = guest.order.document.clone().expect("it was kept");
    let refund = Arc::new(Document {
        version: DocumentVersion::Number(3),
        refunded: Money::new(10_000),
        ..known.as_ref().clone()
    });
    let decided = put_guest(Some(&guest), rules(&shop), &refund, shop.moment()).expect("a refund is a fact");
    assert_eq!(decided.answer.earned.cause, engine::Cause::ClaimEnded);
}

#[test]
fn points_cannot_pay_for_an_order_without_a_member() {
    let shop = Shop::new(one_version(plain()));
    let sale = Document::sale(EUR, Money::new(10_000), NOON);
    for (path, asking) in [
        ("redeem", Document { redeem: Some(Points::new(1)), ..sale.clone() }),
        ("hold", Document { hold: Some(engine::HoldNo(1)), ..sale.clone() }),
        ("credit", Document { credit: Some(Money::new(1)), ..sale.clone() }),
    ] {
        let refused = put_guest(None, rules(&shop), &Arc::new(asking), shop.moment());
        let Err(Rejection::Invalid { path: found, .. }) = refused else { panic!("{path}: {refused:?}") };
        assert_eq!(found, path);
    }
    let nothing = Arc::new(Document { redeem: Some(Points::ZERO), ..sale });
    assert!(put_guest(None, rules(&shop), &nothing, shop.moment()).is_ok(), "to ask for nothing is no request");
}

#[test]
fn none_is_kept_where_none_can_be_claimed() {
    let shop = Shop::new(one_version(engine::Terms { claim_days: 0, ..plain() }));
    let sale = Arc::new(Document::sale(EUR, Money::new(10_000), NOON));
    assert_eq!(put_guest(None, rules(&shop), &sale, shop.moment()), Err(Rejection::UnknownMember));
}

#[test]
fn returns_of_a_guest_order_count_once_it_is_claimed() {
    let mut shop = Shop::new(one_version(plain()));
    let mut guest = guest_of(&shop, 10_000);
    let returned = Returned {
        channel: 1,
        reference: "R1".to_owned(),
        version: DocumentVersion::Arrival,
        returned_at: NOON,
        lines: Vec::new(),
        refunded: Money::new(4_000),
    };
    for (status, is_new) in [(Status::Recorded, true), (Status::Retry, false)] {
        let decided = put_guest_return(&guest, rules(&shop), &returned, EUR, shop.moment()).expect("it is a fact");
        assert_eq!((decided.answer.status, decided.order.is_some()), (status, is_new));
        guest.order = decided.order.unwrap_or(guest.order);
    }
    let decided = claim(&shop.account, rules(&shop), &guest, Claim::Note("her receipt"), shop.moment());
    post(&mut shop, &decided.expect("it can be claimed"));
    assert_eq!(shop.account.balance.available, Points::new(60));
}
