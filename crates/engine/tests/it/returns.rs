//! Returns that are documents of their own: what they say adds up with what the order says, in whatever pieces it comes.

use std::sync::Arc;

use engine::{
    Account, Budgets, Document, DocumentVersion, Money, OrderNo, Points, Return, ReturnPart, Returned, Rules, Status,
    Terms, put_return,
};
use proptest::prelude::*;

use crate::bodies::{Body, Dates, bodies};
use crate::convergence::lots_by_dates;
use crate::histories::leaving_histories;
use crate::ledger::{check_replay, check_sums};
use crate::programs::{EUR, NOON, one_version, plain, terms, timelines};
use crate::seeded::{Outcome, check};
use crate::shop::{Command, Shop};
use crate::transcript::told;

fn dates(shop: &Shop) -> Dates {
    Dates { placed_at: shop.now, paid_at: Some(shop.now), fulfilled_at: Some(shop.now), cancelled_at: None }
}

fn put(shop: &mut Shop, slot: usize, document: Document) -> Option<OrderNo> {
    let command = Command::Put { slot, document: Arc::new(document) };
    let decided = shop.decide(&command).ok()?;
    shop.apply(&command, &decided);
    decided.answer.map(|it| it.order)
}

fn returned(shop: &Shop, name: usize, lines: Vec<Return>, refunded: Money) -> Returned {
    let reference = format!("R{name}");
    let version = DocumentVersion::Arrival;
    Returned { channel: 1, reference, version, returned_at: shop.now, lines, refunded }
}

/// Records a return; what became of it.
fn give_back(shop: &mut Shop, order: OrderNo, it: &Returned) -> Result<Status, TestCaseError> {
    let decided = put_return(&shop.account, shop.rules(), order, it, EUR, shop.moment());
    let decided = decided.map_err(|stop| TestCaseError::fail(format!("{it:?}: {stop:?}")))?;
    shop.account.apply(&decided);
    decided.entries.iter().for_each(|it| shop.budgets.add(&it.changes.budgets));
    shop.entries.extend(decided.entries.iter().cloned());
    Ok(decided.answer.expect("a return is answered").status)
}

fn same(one: &Account, other: &Account) -> Outcome {
    let figures = |it: &Account| {
        let it = it.balance;
        [it.pending, it.available, it.held, it.owed, it.let_go].map(Points::get)
    };
    prop_assert_eq!(figures(one), figures(other), "pending, available, held, owed, let go");
    prop_assert_eq!(lots_by_dates(one), lots_by_dates(other));
    Ok(())
}

/// The document without what came back, and that in pieces: a return for each line, and the refund in two.
fn taken_apart(document: &Document) -> (Document, Vec<(Vec<Return>, Money)>) {
    let mut pieces: Vec<(Vec<Return>, Money)> =
        document.returns.iter().map(|it| (vec![it.clone()], Money::ZERO)).collect();
    let first = Money::new(document.refunded.minor() / 3);
    pieces.extend([first, document.refunded - first].map(|it| (Vec::new(), it)));
    (Document { returns: Vec::new(), refunded: Money::ZERO, ..document.clone() }, pieces)
}

#[test]
fn returns_of_their_own_come_to_what_the_order_could_have_said() {
    let inputs = (timelines(), leaving_histories(6), bodies(), any::<bool>(), 0..3_000_i64);
    check(400, &inputs, |(timeline, before, body, at_first, redeem)| {
        // What activity has extended stays so: how often it was told may count.
        // And so does what was converted in between: points that come back are converted anew.
        prop_assume!(timeline.versions().iter().all(|it| it.terms.extend.is_none()) && !timeline.converts());
        let mut shop = Shop::new(timeline);
        before.iter().for_each(|it| drop(shop.take(it)));
        shop.take(&crate::histories::Step::Settle);
        shop.slots[0] = crate::shop::Slot::default();
        let whole = Document { redeem: Some(Points::new(redeem)), ..body.document(dates(&shop)) };
        let (sold, pieces) = taken_apart(&whole);
        let mut at_once = shop.clone();
        let Some(order) = put(&mut shop, 0, sold.clone()) else { return Ok(()) };
        // What was accepted for what was sold may be too much to ask for what is kept: then it is sent in two steps.
        prop_assume!(put(&mut at_once, 0, if at_first { whole.clone() } else { sold }).is_some());
        prop_assume!(put(&mut at_once, 0, whole).is_some());
        for (name, (lines, refunded)) in pieces.into_iter().enumerate() {
            let it = returned(&shop, name, lines, refunded);
            let status = give_back(&mut shop, order, &it)?;
            told(&shop, is(status, Status::Recorded))?;
            let before = shop.account.clone();
            let again = give_back(&mut shop, order, &it)?;
            told(&shop, is(again, Status::Retry))?;
            prop_assert_eq!(&before, &shop.account, "a return that comes again changes nothing");
        }
        let policy_counts = shop.account.balance.let_go != at_once.account.balance.let_go;
        // All or nothing looks at each step: several refunds may let go what one would have taken.
        prop_assume!(!policy_counts);
        told(&shop, same(&shop.account, &at_once.account))?;
        told(&shop, check_sums(&shop.account, &shop.entries))?;
        told(&shop, check_replay(&shop.account, &shop.entries))
    });
}

fn is(found: Status, expected: Status) -> Outcome {
    prop_assert_eq!(found, expected);
    Ok(())
}

fn earned_of(shop: &Shop, slot: usize) -> i64 {
    shop.order(slot).map_or(0, |it| it.posted.earned.get())
}

#[test]
fn a_return_without_its_order_takes_what_its_lines_would_earn_and_gives_it_all_back() {
    check(400, &(terms(), leaving_histories(6), bodies()), |(terms, before, body): (_, _, Body)| {
        // Remainders of other orders would have a say in what such an order earns, and a tier of the member as well.
        prop_assume!(terms.earn.mode != engine::EarnMode::StepsCarried);
        let terms = Terms { tiers: None, ..terms };
        // Points that come back are converted anew, from other lots; a coupon that was claimed is not.
        let terms = Terms { convert: None, catalogue: Arc::default(), ..terms };
        let mut shop = Shop::new(one_version(terms.clone()));
        before.iter().for_each(|it| drop(shop.take(it)));
        shop.take(&crate::histories::Step::Settle);
        // A coupon that is points again stays so: the member may claim another one.
        prop_assume!(shop.account.conversions().is_empty());
        shop.slots = vec![crate::shop::Slot::default(); 2];
        let (lines, _) = taken_apart(&body.document(dates(&shop)));
        let mut sold = Shop::new(one_version(terms));
        sold.now = shop.now;
        // What came back may never have had anything of a budget.
        let budgets = sold.timeline.versions()[0].terms.earning.budgets();
        let used = budgets.map(|(name, budget)| (Arc::from(name), budget)).collect::<Vec<_>>();
        sold.budgets = Budgets::new(used);
        // A return is nobody's first order.
        let nothing = Document { lines: Vec::new(), ..Document::sale(EUR, Money::ZERO, shop.now) };
        prop_assert!(put(&mut sold, 1, nothing).is_some(), "nothing can be sold");
        prop_assume!(put(&mut sold, 0, lines.clone()).is_some());
        let untouched = shop.account.clone();
        let back = Document { is_return: true, ..lines };
        prop_assert!(put(&mut shop, 1, back.clone()).is_some(), "a return is a fact");
        told(&shop, equal(earned_of(&shop, 1), -earned_of(&sold, 0)))?;
        let called_off = Document { cancelled_at: Some(shop.now), ..back };
        prop_assert!(put(&mut shop, 1, called_off).is_some(), "a fact can be called off");
        told(&shop, equal(earned_of(&shop, 1), 0))?;
        told(&shop, check_sums(&shop.account, &shop.entries))?;
        told(&shop, check_replay(&shop.account, &shop.entries))?;
        told(&shop, same(&shop.account, &untouched))
    });
}

fn equal(found: i64, expected: i64) -> Outcome {
    prop_assert_eq!(found, expected);
    Ok(())
}

#[test]
fn a_return_of_lines_that_the_order_has_not_is_invalid() {
    let mut shop = Shop::new(one_version(plain()));
    let order = put(&mut shop, 0, Document::sale(EUR, Money::new(10_000), NOON)).expect("it is a sale");
    for (lines, refunded, path) in [
        (vec![back("2", ReturnPart::Quantity(1))], 0, "returns[0].line"),
        (vec![back("1", ReturnPart::Quantity(2))], 0, "returns[0].quantity"),
        (vec![back("1", ReturnPart::Amount(Money::new(10_001)))], 0, "returns[0].amount"),
        (Vec::new(), 10_001, "refunded"),
    ] {
        let it = returned(&shop, 1, lines, Money::new(refunded));
        let stop = put_return(&shop.account, Rules::of(&shop.timeline), order, &it, EUR, shop.moment());
        let Err(engine::Stop::Rejected(engine::Rejection::Invalid { path: found, .. })) = stop else {
            panic!("{path} is accepted")
        };
        assert_eq!(found, path);
    }
}

fn back(line: &str, part: ReturnPart) -> Return {
    Return { line: line.to_owned(), part }
}
