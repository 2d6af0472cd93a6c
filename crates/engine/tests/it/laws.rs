//! The laws of the design that need no model: the engine is held against its own entries.
//!
//! Bounded by the number and length of random histories.

use std::sync::Arc;

use engine::{DocumentVersion, Status, settle};
use proptest::prelude::*;

use crate::histories::{Step, leaving_histories, waits};
use crate::ledger::{check_certificates, check_credit, check_replay, check_sums, purse, wallet};
use crate::programs::timelines;
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::told;

#[test]
fn law_1_entries_sum_to_every_figure_and_replay_rebuilds_the_account() {
    check(400, &(timelines(), leaving_histories(14), any::<bool>()), |(timeline, steps, import)| {
        let mut shop = Shop { import, ..Shop::new(timeline) };
        for step in &steps {
            shop.take(step);
            told(&shop, check_sums(&shop.account, &shop.entries))?;
            told(&shop, check_credit(&shop))?;
            told(&shop, check_certificates(&shop))?;
        }
        told(&shop, check_replay(&shop.account, &shop.entries))?;
        told(&shop, check_replay(purse(&shop), &shop.credit))?;
        told(&shop, check_replay(wallet(&shop), &shop.certificates))
    });
}

#[test]
fn law_2_the_same_document_again_changes_nothing_whatever_has_happened_since() {
    check(400, &(timelines(), leaving_histories(14), waits()), |(timeline, steps, minutes)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            shop.take(step);
        }
        shop.take(&Step::Wait { minutes });
        shop.take(&Step::Settle);
        for (slot, document) in shop.accepted.clone() {
            let outcome = repeat(&mut shop, slot, &document);
            told(&shop, outcome)?;
        }
        Ok(())
    });
}

/// Sends an accepted document again. A later one without a version is a new fact: only the last of those is a retry.
fn repeat(shop: &mut Shop, slot: usize, document: &Arc<engine::Document>) -> Outcome {
    let is_last = shop.slots[slot].last.as_ref() == Some(document);
    if document.version == DocumentVersion::Arrival && !is_last {
        return Ok(());
    }
    let before = shop.account.clone();
    let command = Command::Put { slot, document: Arc::clone(document) };
    let decided = match shop.decide(&command) {
        Ok(decided) => decided,
        // An older document of a number that was left out since, or of which the body differs: the last one decides.
        Err(stop) => {
            prop_assert!(!is_last, "a retry was refused: {:?}", stop);
            return Ok(());
        }
    };
    prop_assert_eq!(&decided.entries, &Vec::new());
    let status = decided.answer.as_ref().map(|it| it.status);
    prop_assert!(status != Some(Status::Recorded), "a retry was recorded");
    shop.account.apply(&decided);
    prop_assert_eq!(&shop.account, &before);
    Ok(())
}

#[test]
fn law_6_settling_in_two_steps_is_settling_in_one() {
    check(400, &(timelines(), leaving_histories(14), waits(), waits()), |(timeline, steps, first, second)| {
        let mut shop = Shop::new(timeline);
        for step in &steps {
            shop.take(step);
            told(&shop, check_two_steps(&shop, first, second))?;
        }
        Ok(())
    });
}

fn check_two_steps(shop: &Shop, first: i64, second: i64) -> Outcome {
    let a = shop.now.plus_minutes(first);
    let b = a.plus_minutes(second);
    let rules = shop.rules();
    let mut stepwise = shop.account.clone();
    let early = settle(&stepwise, rules, a).expect("everything is loaded");
    stepwise.apply(&early);
    let late = settle(&stepwise, rules, b).expect("everything is loaded");
    stepwise.apply(&late);
    let mut at_once = shop.account.clone();
    let all = settle(&at_once, rules, b).expect("everything is loaded");
    at_once.apply(&all);
    prop_assert_eq!([early.entries, late.entries].concat(), all.entries);
    prop_assert_eq!([early.credit, late.credit].concat(), all.credit);
    prop_assert_eq!(&stepwise, &at_once);
    prop_assert!(a < stepwise.due_at() || stepwise.due_at() > b, "still due");
    Ok(())
}
