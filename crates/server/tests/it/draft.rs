//! Drafts: an order of the shop's choice, and what a draft would change.

use engine::Points;
use server::program::{differences, parse, try_order};

use crate::document;

#[test]
fn a_draft_is_tried_on_an_order() {
    let draft = parse(&document("")).expect("the example can be read");
    let said = try_order(&draft, "59.90", Points::ZERO).expect("an amount in dollars");
    assert!(said.contains("earns 59 points (1 point per 1.00 on 59.90, rounded down)"), "{said}");
    let said = try_order(&draft, "59.90", Points::new(1_000)).expect("an amount in dollars");
    assert!(said.contains("earns 49 points") && said.contains("1,000 points, worth 10.00"), "{said}");
}

#[test]
fn what_cannot_be_tried_is_said() {
    let draft = parse(&document("")).expect("the example can be read");
    let fault = try_order(&draft, "59,90", Points::ZERO).expect_err("a comma is no point");
    assert_eq!(fault.path, "order");
    let said = try_order(&draft, "5.00", Points::new(1_000)).expect("the refusal is the answer");
    assert!(said.contains("500"), "it says how many fit: {said}");
}

#[test]
fn only_what_changes_is_told() {
    let old = parse(&document("")).expect("the example can be read");
    assert_eq!(differences(&old, &old).map(|it| it.gone.len() + it.added.len()), Ok(0));
    let new = parse(&document(r#""validity": { "months": 6 }"#)).expect("the example can be read");
    let changes = differences(&old, &new).expect("both can be told");
    assert!(changes.gone.iter().any(|it| it.contains("never")), "{changes:?}");
    assert!(changes.added.iter().any(|it| it.contains("until the end of 1 October 2022")), "{changes:?}");
}
