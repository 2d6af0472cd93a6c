//! One line per refusal, in order of precedence: of two faults the earlier one is told, and nothing changes.

use std::sync::Arc;

use engine::{
    Account, Adjustment, Document, DocumentVersion, HoldNo, Money, Points, RedeemTerms, Share, Stop, Switch, Terms,
    Timeline, Timestamp, Version, WithDiscounts,
};

use crate::histories::Step;
use crate::programs::{EUR, NOON, one_version, plain};
use crate::shop::{Command, Shop, Slot};

/// A request without a fault, to which faults are added.
struct Case {
    slot: usize,
    document: Document,
    import: bool,
    now: Timestamp,
}

/// The code, what kind of fault it is (two of a kind cannot be had at once), and how to make it.
type Fault = (&'static str, &'static str, fn(&mut Case));

const FAULTS: [Fault; 17] = [
    ("invalid", "lines", |it| it.document.lines[0].quantity = 0),
    ("wrong_currency", "currency", |it| it.document.currency = *b"USD"),
    ("version_kind", "version", |it| it.document.version = DocumentVersion::Changed(NOON)),
    ("version_conflict", "version", |it| it.document.version = DocumentVersion::Number(1)),
    ("date_too_old", "import", |it| it.document.paid_at = Some(NOON.plus_days(-31))),
    ("date_ahead", "fulfilled", |it| it.document.fulfilled_at = Some(NOON.plus_minutes(6))),
    ("program_off", "slot", |it| (it.slot, it.document.placed_at) = (1, while_off())),
    ("not_with_discounts", "slot", |it| {
        (it.slot, it.document.placed_at, it.document.coupon) = (3, under_old_terms(), Money::new(1));
    }),
    ("unknown_hold", "hold", |it| it.document.hold = Some(HoldNo(99))),
    ("hold_taken", "hold", |it| it.document.hold = Some(HoldNo(1))),
    ("balance_below_minimum", "slot", |it| (it.slot, it.document.placed_at) = (3, under_old_terms())),
    ("below_minimum", "redeem", |it| it.document.redeem = Some(Points::new(49))),
    ("not_in_steps", "redeem", |it| it.document.redeem = Some(Points::new(4_899))),
    ("above_maximum", "redeem", |it| it.document.redeem = Some(Points::new(14_007))),
    ("exceeds_order", "redeem", |it| it.document.redeem = Some(Points::new(10_003))),
    ("behind_account", "import", |it| (it.import, it.now) = (true, NOON.plus_minutes(-1))),
    ("insufficient_points", "redeem", |it| it.document.redeem = Some(Points::new(4_907))),
];

fn while_off() -> Timestamp {
    NOON.plus_days(-2)
}

fn under_old_terms() -> Timestamp {
    NOON.plus_days(-20)
}

/// 4,900 points to spend; an order placed now, one placed while the program was off, and one that took hold 1 over.
fn shop() -> Shop {
    let step = Points::new(7);
    let limits =
        RedeemTerms { points_min: Points::new(50), step, points_max: Some(Points::new(14_000)), ..plain().redeem };
    let instead = WithDiscounts::Instead;
    let old = RedeemTerms { balance_min: Points::new(4_901), with_discounts: instead, ..plain().redeem };
    let version = |number, day, redeem| {
        let terms = Terms { redeem, ..plain() };
        Version { number, effective_at: NOON.plus_days(day), terms }
    };
    let versions = vec![version(1, -100, old), version(2, -10, limits)];
    let switches = vec![Switch { at: NOON.plus_days(-3), on: false }, Switch { at: NOON.plus_days(-1), on: true }];
    let mut shop = Shop::new(Timeline::new(versions, switches));
    shop.slots.push(Slot::default());
    shop.take(&Step::Adjust { points: 4_998, expires_in_days: None });
    shop.take(&Step::Hold { ask: crate::histories::Ask::Points(98), minutes: 10 });
    let took_hold = (2, NOON, Some(HoldNo(1)));
    for (slot, placed_at, hold) in [(0, NOON, None), (1, while_off(), None), took_hold, (3, under_old_terms(), None)] {
        let amount = Money::new(if hold.is_some() { 100 } else { 99 });
        let version = DocumentVersion::Number(1);
        let document = Document { version, hold, ..Document::sale(EUR, amount, placed_at) };
        let command = Command::Put { slot, document: Arc::new(document) };
        let decided = shop.decide(&command).expect("it is fine");
        shop.apply(&command, &decided);
    }
    assert_eq!(shop.account.balance.available, Points::new(4_900), "none of them earned anything");
    shop
}

fn case() -> Case {
    let sale = Document::sale(EUR, Money::new(10_000), NOON);
    let document = Document { version: DocumentVersion::Number(2), redeem: Some(Points::new(4_900)), ..sale };
    Case { slot: 0, document, import: false, now: NOON }
}

fn code_of(shop: &mut Shop, case: Case) -> &'static str {
    (shop.import, shop.now) = (case.import, case.now);
    code(shop.decide(&Command::Put { slot: case.slot, document: Arc::new(case.document) }))
}

fn code(decision: engine::Decision) -> &'static str {
    match decision {
        Ok(_) => "accepted",
        Err(Stop::Rejected(rejection)) => rejection.code(),
        Err(Stop::NeedMore) => "need more",
    }
}

#[test]
fn the_first_fault_of_a_document_is_told() {
    let mut shop = shop();
    assert_eq!(code_of(&mut shop, case()), "accepted");
    for (first, (expected, kind, make)) in FAULTS.iter().enumerate() {
        let mut alone = case();
        make(&mut alone);
        assert_eq!(code_of(&mut shop, alone), *expected, "alone");
        for (second, other, also) in &FAULTS[first + 1..] {
            if kind != other {
                let mut both = case();
                also(&mut both);
                make(&mut both);
                assert_eq!(code_of(&mut shop, both), *expected, "with {second}");
            }
        }
    }
    let mut too_much = case();
    too_much.document.redeem = Some(Points::new(13_993));
    assert_eq!(code_of(&mut shop, too_much), "exceeds_order", "with insufficient_points");
}

#[test]
fn a_fact_is_never_refused_for_points() {
    let mut shop = shop();
    for (slot, placed_at) in [(0, NOON), (1, while_off()), (3, under_old_terms())] {
        let sale = Document::sale(EUR, Money::new(10_000), placed_at);
        let document = Document { version: DocumentVersion::Number(2), ..sale };
        let fact = Case { slot, document, import: true, now: NOON.plus_minutes(-1) };
        assert_eq!(code_of(&mut shop, fact), "accepted", "order {slot}");
    }
}

#[test]
fn holds_and_adjustments_are_refused_in_order() {
    let mut shop = shop();
    let hold = |points: i64, minutes| Command::Hold { points: Points::new(points), minutes };
    let adjust = |points: i64, note: &str, expires_at| {
        Command::Adjust(Adjustment { points: Points::new(points), note: note.to_owned(), expires_at })
    };
    let long = "x".repeat(engine::limits::NOTE_BYTES_MAX + 1);
    let table = [
        ("invalid", hold(0, 10)),
        ("invalid", hold(-1, 10)),
        ("invalid", hold(100, 0)),
        ("invalid", hold(100, 121)),
        ("below_minimum", hold(49, 10)),
        ("not_in_steps", hold(4_901, 10)),
        ("above_maximum", hold(14_007, 10)),
        ("insufficient_points", hold(4_907, 10)),
        ("accepted", hold(4_900, 10)),
        ("unknown_hold", Command::Release(HoldNo(2))),
        ("hold_taken", Command::Release(HoldNo(1))),
        ("invalid", adjust(0, "by hand", None)),
        ("invalid", adjust(1, " ", None)),
        ("invalid", adjust(1, &long, None)),
        ("invalid", adjust(1, "by hand", Some(NOON))),
        ("invalid", adjust(-1, "by hand", Some(NOON.plus_days(1)))),
        ("insufficient_points", adjust(-4_901, "by hand", None)),
        ("accepted", adjust(-4_900, "by hand", None)),
    ];
    for (expected, command) in table {
        assert_eq!(code(shop.decide(&command)), expected, "{command:?}");
    }
    shop.now = NOON.plus_minutes(-1);
    shop.import = true;
    assert_eq!(code(shop.decide(&hold(98, 10))), "behind_account");
    shop.import = false;
    shop.now = while_off();
    assert_eq!(code(shop.decide(&hold(98, 10))), "program_off");
    shop.now = under_old_terms();
    assert_eq!(code(shop.decide(&hold(1, 10))), "balance_below_minimum");
}

#[test]
fn a_share_is_refused_after_the_maximum_and_before_what_is_there() {
    let redeem = RedeemTerms { share_max: Some(Share(5_000)), points_max: Some(Points::new(6_000)), ..plain().redeem };
    let mut shop = Shop::new(one_version(Terms { redeem, ..plain() }));
    shop.take(&Step::Adjust { points: 4_000, expires_in_days: None });
    let table = [("above_maximum", 6_001), ("above_share", 5_001), ("insufficient_points", 5_000), ("accepted", 4_000)];
    for (expected, points) in table {
        let mut case = case();
        case.document.redeem = Some(Points::new(points));
        assert_eq!(code_of(&mut shop, case), expected, "{points}");
    }
}

#[test]
fn before_the_first_version_there_is_no_program() {
    let shop = Shop { account: Account::default(), ..Shop::new(Timeline::default()) };
    let sale = Document::sale(EUR, Money::new(100), NOON);
    assert_eq!(code(shop.decide(&Command::Put { slot: 0, document: Arc::new(sale) })), "unknown_program");
    let adjustment = Adjustment { points: Points::new(1), note: "by hand".to_owned(), expires_at: None };
    assert_eq!(code(shop.decide(&Command::Adjust(adjustment))), "unknown_program");
}
