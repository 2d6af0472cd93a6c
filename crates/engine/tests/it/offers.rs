//! Law 5: committing what a quote offered, at the same instant, gives what it said; and law 9, what splitting earns.

use std::sync::Arc;

use engine::{Caps, Document, EarnMode, OrderNo, Points, Quote, Rejection, Status, Stop, put_order, quote};
use proptest::prelude::*;

use crate::bodies::{Body, Dates, bodies, simple_bodies};
use crate::histories::{Put, Step, VersionStep, leaving_histories, puts};
use crate::programs::{NOON, one_version, terms, terms_without_flat_points, timelines};
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::told;

#[test]
fn law_5_committing_what_a_quote_offered_gives_what_it_said() {
    check(500, &(timelines(), leaving_histories(8), puts()), |(timeline, steps, put)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            shop.take(step);
        }
        let put = Put { version: VersionStep::Newer, ..put };
        let Some(Command::Put { slot, document }) = shop.command(&Step::Put(put)) else { unreachable!("a put") };
        let known = shop.slots[slot].no;
        for redeem in [None, document.redeem] {
            let wanted = Document { redeem, ..Document::clone(&document) };
            match quote(&shop.account, shop.rules(), known, &wanted, shop.moment()) {
                Ok(offer) => told(&shop, commit(&shop, known, &wanted, &offer))?,
                Err(Stop::NeedMore) => prop_assert!(false, "everything is loaded"),
                Err(Stop::Rejected(it)) => told(&shop, is_no_clamping(&it))?,
            }
        }
        Ok(())
    });
}

fn commit(shop: &Shop, known: Option<OrderNo>, wanted: &Document, offer: &Quote) -> Outcome {
    let put = |redeem: Points| {
        let credit = offer.credit.or(wanted.credit);
        let certificates = offer.certificates.clone();
        let document = Arc::new(Document { redeem: Some(redeem), credit, certificates, ..wanted.clone() });
        put_order(&shop.account, shop.rules(), known, &document, shop.moment())
    };
    let decided = put(offer.redeem);
    let said = decided.as_ref().ok().and_then(|it| it.answer.clone());
    prop_assert_eq!(said.as_deref(), Some(&offer.answer), "of {:?}: {:?}", wanted, decided);
    let whole = wanted.returns.is_empty() && wanted.refunded.is_zero() && wanted.cancelled_at.is_none();
    prop_assert!(offer.answer.redeemed <= offer.redeem, "less is offered than it takes: {:?}", wanted);
    prop_assert!(!whole || offer.answer.redeemed == offer.redeem, "the offer is what it takes: {:?}", wanted);
    prop_assert_eq!(offer.answer.status, Status::Recorded);
    for (no, why) in offer.why_certificates.iter().filter(|_| wanted.cancelled_at.is_none()) {
        let listed = offer.wallet.iter().find(|it| it.certificate == *no);
        // Alone it may pay what others of the cart pay.
        let is_crowded_out = matches!(why, Rejection::CertificateExceedsOrder { .. });
        let is_told = listed.is_some_and(|it| is_crowded_out || it.why.is_some());
        prop_assert!(is_told, "certificate {} has a reason: {:?}", no.0, offer);
    }
    for choice in &offer.choices.points {
        let chosen = put(choice.redeem).map(|it| it.answer.map(|it| (it.asked, it.value)));
        prop_assert_eq!(chosen, Ok(Some((choice.redeem, choice.value))), "{:?} of {:?}", choice, wanted);
    }
    let many = offer.choices.points.len();
    prop_assert!(many <= 11 && offer.choices.points.is_sorted_by_key(|it| it.redeem), "{:?}", offer.choices);
    if let Some(asked) = wanted.redeem {
        prop_assert!(offer.redeem <= asked, "more is offered than asked for");
        prop_assert!(offer.why.is_none() || offer.redeem < asked, "a reason for fewer: {:?}", offer);
        return Ok(());
    }
    // In proportion, several figures for the order as sold come to the same for what is kept.
    if !whole {
        return Ok(());
    }
    let last = offer.choices.points.last().map_or(Points::ZERO, |it| it.redeem);
    prop_assert!(offer.answer.value.is_zero() || last == offer.redeem, "the most is a choice: {:?}", offer);
    // With a step, the next figures are refused as no multiples of it.
    for further in 1..=100 {
        if let Ok(more) = put(offer.redeem + Points::new(further)) {
            let more = more.answer.map_or(Points::ZERO, |it| it.redeemed);
            let most = offer.answer.redeemed;
            prop_assert!(more <= most, "{} can be redeemed, {} by the offer for {:?}", more, most, wanted);
        }
    }
    Ok(())
}

fn is_no_clamping(rejection: &Rejection) -> Outcome {
    let clamped = matches!(
        rejection,
        Rejection::BalanceBelowMinimum { .. }
            | Rejection::BelowMinimum { .. }
            | Rejection::NotInSteps { .. }
            | Rejection::AboveMaximum { .. }
            | Rejection::AboveShare { .. }
            | Rejection::ExceedsOrder { .. }
            | Rejection::InsufficientPoints { .. }
            | Rejection::CreditExceedsOrder { .. }
            | Rejection::InsufficientCredit { .. }
    );
    prop_assert!(!clamped, "a quote clamps: {:?}", rejection);
    Ok(())
}

#[test]
fn law_9_splitting_an_order_never_earns_more() {
    let lines = prop::collection::vec((simple_bodies(), 0..3_usize), 1..6);
    check(500, &(terms_without_flat_points(), lines), |(mut terms, lines)| {
        // A cap of each order is what splitting gets around, and a tier is what the first part may reach.
        terms.tiers = None;
        terms.caps = terms.caps.map(|it| Caps { order: None, ..it });
        let mut whole = lines[0].0.clone();
        whole.lines = lines.iter().flat_map(|(it, _)| it.lines.clone()).collect();
        let carries = terms.earn.mode == EarnMode::StepsCarried && !terms.earning.is_used();
        let at_once = earned(&mut Shop::new(one_version(terms.clone())), &whole)?;
        let mut shop = Shop::new(one_version(terms));
        let mut split = 0;
        for part in 0..3 {
            let mine = lines.iter().filter(|(_, to)| *to == part).flat_map(|(it, _)| it.lines.clone());
            whole.lines = mine.collect();
            split += earned(&mut shop, &whole)?;
        }
        let outcome = || -> Outcome {
            prop_assert!(split <= at_once, "{} in parts, {} at once", split, at_once);
            prop_assert!(!carries || split == at_once, "{} in parts, {} at once, with carry", split, at_once);
            Ok(())
        };
        told(&shop, outcome())
    });
}

#[test]
fn law_9_what_is_kept_never_earns_more_than_what_was_sold() {
    check(300, &(terms(), bodies()), |(terms, body)| {
        let kept = earned(&mut Shop::new(one_version(terms.clone())), &body)?;
        let mut sold = body.document(dates());
        sold.returns.clear();
        sold.refunded = engine::Money::ZERO;
        let sold = put(&mut Shop::new(one_version(terms)), sold)?;
        prop_assert!(kept <= sold, "{} kept, {} sold", kept, sold);
        Ok(())
    });
}

fn earned(shop: &mut Shop, body: &Body) -> Result<i64, TestCaseError> {
    put(shop, body.document(dates()))
}

pub(crate) fn put(shop: &mut Shop, document: Document) -> Result<i64, TestCaseError> {
    let command = Command::Put { slot: 0, document: Arc::new(document) };
    shop.slots[0].no = None;
    let decided = shop.decide(&command).map_err(|it| TestCaseError::fail(format!("{it:?}")))?;
    shop.apply(&command, &decided);
    Ok(decided.answer.expect("an order is answered").earned.called_for.get())
}

pub(crate) fn dates() -> Dates {
    Dates { placed_at: NOON, paid_at: Some(NOON), fulfilled_at: Some(NOON), cancelled_at: None }
}
