//! Random order documents. Raw numbers are bent to what a sale can be, so that few are refused as invalid.

use engine::{Document, DocumentVersion, Line, LineKind, Money, Return, ReturnPart, Timestamp};
use proptest::prelude::*;

use crate::earning::{CATEGORIES, PRODUCTS};
use crate::programs::EUR;

/// A document without what depends on the history: its version, dates and what it asks for.
#[derive(Clone, Debug)]
pub(crate) struct Body {
    pub(crate) lines: Vec<RawLine>,
    discount: u8,
    coupon: u8,
    shipping: i64,
    refunded: u8,
    gift_cards: u8,
    order_type: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub(crate) struct RawLine {
    pub(crate) amount: i64,
    /// Per cent of the amount.
    discount: u8,
    tax: u8,
    pub(crate) tax_included: bool,
    pub(crate) quantity: u32,
    pub(crate) gift: bool,
    returned: Option<Returned>,
    product: Option<&'static str>,
    category: Option<&'static str>,
}

#[derive(Clone, Copy, Debug)]
enum Returned {
    Quantity(u32),
    PerCent(u8),
}

/// The dates of one order as its shop tells them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dates {
    pub(crate) placed_at: Timestamp,
    pub(crate) paid_at: Option<Timestamp>,
    pub(crate) fulfilled_at: Option<Timestamp>,
    pub(crate) cancelled_at: Option<Timestamp>,
}

pub(crate) fn bodies() -> impl Strategy<Value = Body> {
    let lines =
        prop_oneof![1 => Just(0_usize), 8 => 1..4_usize].prop_flat_map(|many| prop::collection::vec(raw_line(), many));
    let shipping = prop_oneof![2 => Just(0_i64), 1 => 0..900_i64];
    let order_type = prop::sample::select(vec![None, Some("new"), Some("new"), Some("upgrade")]);
    (lines, seldom(), seldom(), shipping, seldom(), seldom(), order_type).prop_map(
        |(lines, discount, coupon, shipping, refunded, gift_cards, order_type)| Body {
            lines,
            discount,
            coupon,
            shipping,
            refunded,
            gift_cards,
            order_type,
        },
    )
}

/// One line that costs so much, without anything else.
pub(crate) fn simple_bodies() -> impl Strategy<Value = Body> {
    raw_line().prop_map(|line| Body {
        lines: vec![RawLine { discount: 0, returned: None, gift: false, ..line }],
        discount: 0,
        coupon: 0,
        shipping: 0,
        refunded: 0,
        gift_cards: 0,
        order_type: None,
    })
}

/// A share in per cent, often none and sometimes all.
fn seldom() -> impl Strategy<Value = u8> {
    prop_oneof![12 => Just(0_u8), 4 => 0..=100_u8, 1 => Just(100_u8)]
}

fn raw_line() -> impl Strategy<Value = RawLine> {
    let amount =
        prop_oneof![2 => 0..12_000_i64, 1 => prop::sample::select(vec![1_i64, 100, 999, 2_000, 5_000, 10_000])];
    let returned = prop_oneof![
        4 => Just(None),
        1 => (0..5_u32).prop_map(|it| Some(Returned::Quantity(it))),
        1 => (0..=100_u8).prop_map(|it| Some(Returned::PerCent(it))),
    ];
    let what = (prop::option::of(prop::sample::select(PRODUCTS)), prop::option::of(prop::sample::select(CATEGORIES)));
    (amount, seldom(), seldom(), any::<bool>(), 1..5_u32, prop::bool::weighted(0.1), returned, what).prop_map(
        |(amount, discount, tax, tax_included, quantity, gift, returned, (product, category))| RawLine {
            amount,
            discount,
            tax,
            tax_included,
            quantity,
            gift,
            returned,
            product,
            category,
        },
    )
}

impl Body {
    /// The document at these dates, asking for nothing.
    pub(crate) fn document(&self, dates: Dates) -> Document {
        let lines: Vec<Line> = self.lines.iter().enumerate().map(|(index, it)| it.line(index)).collect();
        let net: i64 = lines.iter().map(|it| (it.amount - it.discount).minor()).sum();
        let discount = per_cent(net, self.discount);
        let coupon = per_cent(net - discount, self.coupon);
        let tax: i64 = lines.iter().filter(|it| !it.tax_included).map(|it| it.tax.minor()).sum();
        let cost = net - discount - coupon + self.shipping + tax;
        let refunded = per_cent(cost, self.refunded);
        let returns = self.lines.iter().zip(&lines).filter_map(|(raw, line)| {
            let part = match raw.returned? {
                Returned::Quantity(quantity) => ReturnPart::Quantity(quantity.min(raw.quantity)),
                Returned::PerCent(share) => {
                    ReturnPart::Amount(Money::new(per_cent((line.amount - line.discount).minor(), share)))
                }
            };
            Some(Return { line: line.id.clone(), part })
        });
        Document {
            version: DocumentVersion::Arrival,
            currency: EUR,
            returns: returns.collect(),
            lines,
            discount: Money::new(discount),
            coupon: Money::new(coupon),
            shipping: Money::new(self.shipping),
            refunded: Money::new(refunded),
            placed_at: dates.placed_at,
            paid_at: dates.paid_at,
            fulfilled_at: dates.fulfilled_at,
            cancelled_at: dates.cancelled_at,
            gift_cards: Money::new(per_cent(cost, self.gift_cards)),
            order_type: self.order_type.map(str::to_owned),
            redeem: None,
            hold: None,
            credit: None,
            certificates: None,
            is_return: false,
        }
    }
}

impl RawLine {
    fn line(&self, index: usize) -> Line {
        let discount = per_cent(self.amount, self.discount);
        Line {
            id: format!("line {index}"),
            product: self.product.map(str::to_owned),
            category: self.category.map(str::to_owned),
            kind: if self.gift { LineKind::GiftCard } else { LineKind::Goods },
            quantity: self.quantity,
            amount: Money::new(self.amount),
            discount: Money::new(discount),
            tax: Money::new(per_cent(self.amount - discount, self.tax)),
            tax_included: self.tax_included,
        }
    }
}

fn per_cent(amount: i64, share: u8) -> i64 {
    amount * i64::from(share) / 100
}
