//! Figures near every limit: what is too much is refused as invalid, nothing overflows.

use std::sync::Arc;

use engine::{
    Document, DocumentVersion, EarnMode, EarnRate, Line, LineKind, Money, Points, RedeemRate, RedeemTerms, Rejection,
    Return, ReturnPart, Stop, Terms, Timestamp, Validity, YearDay, limits,
};
use proptest::prelude::*;

use crate::histories::Step;
use crate::ledger::{check_replay, check_sums};
use crate::programs::{NOON, one_version, plain, terms};
use crate::seeded::check;
use crate::shop::{Command, Shop};
use crate::transcript::told;

const MOST: i64 = limits::MONEY_MAX.minor();

#[test]
fn figures_near_the_limits_are_refused_or_add_up() {
    let documents = prop::collection::vec((documents(), 0..3_usize), 1..5);
    check(300, &(extreme_terms(), documents, extreme_points()), |(terms, documents, funds)| {
        let mut shop = Shop { import: true, ..Shop::new(one_version(terms)) };
        shop.take(&Step::Adjust { points: funds, expires_in_days: None });
        for (index, (mut document, slot)) in documents.into_iter().enumerate() {
            document.version = DocumentVersion::Number(u64::try_from(index).expect("a few"));
            let command = Command::Put { slot, document: Arc::new(document) };
            let decision = shop.decide(&command);
            if let Ok(decided) = &decision {
                shop.apply(&command, decided);
            }
            shop.told += &crate::transcript::line(shop.now, &command, &decision);
            told(&shop, check_sums(&shop.account, &shop.entries))?;
        }
        told(&shop, check_replay(&shop.account, &shop.entries))
    });
}

#[test]
fn a_document_that_earns_more_than_an_order_can_is_invalid() {
    let earn = EarnRate { points: limits::RATE_POINTS_MAX, per: Money::new(1), mode: EarnMode::Proportional };
    let shop = Shop::new(one_version(Terms { earn, ..plain() }));
    let sale = Document::sale(crate::programs::EUR, limits::MONEY_MAX, NOON);
    let decision = shop.decide(&Command::Put { slot: 0, document: Arc::new(sale) });
    let Err(Stop::Rejected(Rejection::Invalid { path, allowed })) = decision else { panic!("found {decision:?}") };
    assert_eq!((path.as_ref(), allowed), ("lines", "amounts that earn at most 1,000,000,000,000,000 points"));
}

fn extreme_terms() -> impl Strategy<Value = Terms> {
    let earn =
        (edge(limits::RATE_POINTS_MAX.get()), edge(MOST), any::<bool>()).prop_map(|(points, per, steps)| EarnRate {
            points: Points::new(points.max(1)),
            per: Money::new(per.max(1)),
            mode: if steps { EarnMode::Steps } else { EarnMode::Proportional },
        });
    let redeem = (edge(limits::RATE_POINTS_MAX.get()), edge(MOST), edge(MOST), edge(limits::POINTS_MAX.get()));
    let validity = prop::sample::select(vec![
        Validity::Never,
        Validity::Days(limits::VALID_DAYS_MAX),
        Validity::Months(limits::VALID_MONTHS_MAX),
        Validity::Days(0),
        Validity::Yearly(YearDay::parse("02-29").expect("a day")),
    ]);
    let days = (edge(i64::from(limits::WAITING_DAYS_MAX)), edge(i64::from(limits::GRACE_DAYS_MAX)));
    (terms(), earn, redeem, validity, days).prop_map(|(terms, earn, redeem, validity, (waiting, grace))| {
        let (points, value, value_min, points_min) = redeem;
        let rate = RedeemRate { points: Points::new(points.max(1)), value: Money::new(value.max(1)) };
        Terms {
            earn,
            earning: engine::Earning::default(),
            validity,
            waiting_days: u16::try_from(waiting).expect("within its limit"),
            grace_days: u16::try_from(grace).expect("within its limit"),
            redeem: RedeemTerms {
                rate,
                value_min: Money::new(value_min),
                points_min: Points::new(points_min),
                ..terms.redeem
            },
            ..terms
        }
    })
}

/// Zero, one, the limit and its neighbours, and what lies between.
fn edge(most: i64) -> impl Strategy<Value = i64> {
    prop_oneof![
        3 => Just(most),
        1 => Just(most - 1),
        1 => Just(0),
        2 => Just(1),
        2 => 0..=most,
    ]
}

/// The same, and what lies outside.
fn wild(most: i64) -> impl Strategy<Value = i64> {
    prop_oneof![
        12 => edge(most),
        1 => prop::sample::select(vec![most + 1, -1, i64::MAX, i64::MIN, i64::MAX - 1, most * 2]),
    ]
}

fn extreme_points() -> impl Strategy<Value = i64> {
    wild(limits::POINTS_MAX.get())
}

fn documents() -> impl Strategy<Value = Document> {
    let lines = prop::collection::vec(lines(), 0..4);
    let amounts = (seldom(), seldom(), seldom(), seldom());
    let redeem = prop::option::of(extreme_points());
    let date = prop_oneof![
        6 => Just(NOON.micros()),
        1 => prop::sample::select(vec![0, 16_756_675_199_999_999, i64::MAX, i64::MIN, -1, 1_000_000]),
        1 => (0..400_000_000_i64).prop_map(|it| NOON.micros() - it * 1_000_000),
    ];
    let dates = (date.clone(), prop::option::weighted(0.8, date.clone()), prop::option::weighted(0.1, date));
    let returned = prop::option::of((0..3_u8, wild(MOST), any::<u32>(), any::<bool>()));
    (lines, amounts, redeem, dates, returned).prop_map(|(mut lines, amounts, redeem, dates, returned)| {
        for (index, line) in lines.iter_mut().enumerate() {
            line.id = index.to_string();
        }
        let returns = returned.map(|(line, amount, quantity, by_amount)| Return {
            line: line.to_string(),
            part: if by_amount { ReturnPart::Amount(Money::new(amount)) } else { ReturnPart::Quantity(quantity) },
        });
        let (discount, coupon, shipping, refunded) = amounts;
        let (placed_at, paid_at, cancelled_at) = dates;
        let placed_at = Timestamp::from_micros(placed_at);
        Document {
            version: DocumentVersion::Arrival,
            discount: Money::new(discount),
            coupon: Money::new(coupon),
            shipping: Money::new(shipping),
            refunded: Money::new(refunded),
            lines,
            returns: returns.into_iter().collect(),
            paid_at: paid_at.map(Timestamp::from_micros),
            fulfilled_at: paid_at.map(Timestamp::from_micros),
            cancelled_at: cancelled_at.map(Timestamp::from_micros),
            redeem: redeem.map(Points::new),
            ..Document::sale(crate::programs::EUR, Money::ZERO, placed_at)
        }
    })
}

fn seldom() -> impl Strategy<Value = i64> {
    prop_oneof![4 => Just(0), 1 => wild(MOST), 2 => 0..100_000_i64]
}

fn lines() -> impl Strategy<Value = Line> {
    let quantity = prop_oneof![
        4 => Just(1_u32),
        2 => Just(limits::QUANTITY_MAX),
        1 => prop::sample::select(vec![0, u32::MAX, 7]),
    ];
    let amount = prop_oneof![2 => wild(MOST), 2 => wild(MOST / 3)];
    (amount, seldom(), seldom(), any::<bool>(), quantity).prop_map(|(amount, discount, tax, tax_included, quantity)| {
        Line {
            id: String::new(),
            product: None,
            category: None,
            kind: LineKind::Goods,
            quantity,
            amount: Money::new(amount),
            discount: Money::new(discount),
            tax: Money::new(tax),
            tax_included,
        }
    })
}
