//! The order document: the sale as it is now, as a channel sends it. `check` refuses what cannot be a sale.

use std::collections::BTreeSet;

use crate::calendar::Timestamp;
use crate::entry::LotNo;
use crate::limits;
use crate::money::Money;
use crate::points::Points;
use crate::program::Milestone;
use crate::rejection::{Rejection, invalid};

/// What was sold, what has come back, its dates, its version and what is asked for (design: how an order converges).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    pub version: DocumentVersion,
    pub currency: [u8; 3],
    pub lines: Vec<Line>,
    /// Off the whole order, allotted over its lines: order discounts and coupons are told apart by reports only.
    pub discount: Money,
    pub coupon: Money,
    pub shipping: Money,
    /// What gift cards paid of it: a payment like money, unless gift cards earn when they are sold (E7).
    pub gift_cards: Money,
    /// What kind of order it is, a word of the shop's own (P1).
    pub order_type: Option<String>,
    /// What has come back by line, cumulative.
    pub returns: Vec<Return>,
    /// What has been paid back for the order without naming lines, cumulative; spread over the kept lines.
    pub refunded: Money,
    pub placed_at: Timestamp,
    pub paid_at: Option<Timestamp>,
    pub fulfilled_at: Option<Timestamp>,
    pub cancelled_at: Option<Timestamp>,
    /// Points to pay with. Left out: as it stands, as far as it still fits.
    pub redeem: Option<Points>,
    /// The hold that the order takes over.
    pub hold: Option<HoldNo>,
    /// Store credit to pay with. Left out: as it stands, as far as it still fits.
    pub credit: Option<Money>,
    /// Certificates to pay with, each as much as it can. Left out: as they stand, as far as they still fit.
    pub certificates: Option<Vec<LotNo>>,
    /// Its lines are not sold but came back, and nobody knows of which order (O9).
    pub is_return: bool,
}

/// Number of a hold within its account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldNo(pub u64);

/// Which of two documents of one order is newer: one kind per order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentVersion {
    /// Left out: documents count in the order in which they arrive, and never reopen a cancelled order.
    Arrival,
    Number(u64),
    /// The shop's time of change.
    Changed(Timestamp),
}

/// A line of the order. Amounts are for the whole line, not for one unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub id: String,
    pub product: Option<String>,
    pub category: Option<String>,
    pub kind: LineKind,
    pub quantity: u32,
    pub amount: Money,
    pub discount: Money,
    pub tax: Money,
    /// Whether `amount` contains the tax.
    pub tax_included: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    Goods,
    /// Earns when it is used, not when it is sold (E7).
    GiftCard,
}

/// What has come back of one line in all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Return {
    pub line: String,
    pub part: ReturnPart,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReturnPart {
    Quantity(u32),
    /// In the terms of the line's amount, after all discounts.
    Amount(Money),
}

impl Document {
    /// A paid sale of one line; a starting point for tests and imports.
    pub fn sale(currency: [u8; 3], amount: Money, at: Timestamp) -> Self {
        let line = Line {
            id: "1".to_owned(),
            product: None,
            category: None,
            kind: LineKind::Goods,
            quantity: 1,
            amount,
            discount: Money::ZERO,
            tax: Money::ZERO,
            tax_included: true,
        };
        Self {
            version: DocumentVersion::Arrival,
            currency,
            lines: vec![line],
            discount: Money::ZERO,
            coupon: Money::ZERO,
            shipping: Money::ZERO,
            gift_cards: Money::ZERO,
            order_type: None,
            returns: Vec::new(),
            refunded: Money::ZERO,
            placed_at: at,
            paid_at: Some(at),
            fulfilled_at: None,
            cancelled_at: None,
            redeem: None,
            hold: None,
            credit: None,
            certificates: None,
            is_return: false,
        }
    }

    /// The date of a milestone. A return reaches them all when it is taken. What is fulfilled counts as paid and what is paid as placed only if the shop says so.
    pub fn reached(&self, milestone: Milestone) -> Option<Timestamp> {
        match milestone {
            _ if self.is_return => Some(self.placed_at),
            Milestone::Placed => Some(self.placed_at),
            Milestone::Paid => self.paid_at,
            Milestone::Fulfilled => self.fulfilled_at,
        }
    }

    /// The document's dates with the names of their fields.
    pub fn dates(&self) -> [(&'static str, Option<Timestamp>); 4] {
        [
            ("placed_at", Some(self.placed_at)),
            ("paid_at", self.paid_at),
            ("fulfilled_at", self.fulfilled_at),
            ("cancelled_at", self.cancelled_at),
        ]
    }

    /// Whether anything was taken off its prices: a discount of a line or of the order, or a coupon.
    pub fn has_discounts(&self) -> bool {
        let off = self.discount + self.coupon;
        off.is_positive() || self.lines.iter().any(|it| it.discount.is_positive())
    }

    /// Refuses amounts, quantities, ids and returns that cannot be.
    ///
    /// # Errors
    /// `Rejection::Invalid` with the path of the first fault and what is allowed there.
    pub fn check(&self) -> Result<(), Rejection> {
        if limits::LINES_MAX < self.lines.len() {
            return Err(invalid("lines", "at most 1000 lines"));
        }
        let mut total = Money::ZERO;
        let mut ids = BTreeSet::new();
        let are_few = self.lines.len() <= 16;
        for (index, line) in self.lines.iter().enumerate() {
            line.check(index)?;
            let before = &self.lines[..index];
            let is_twice = if are_few { before.iter().any(|it| it.id == line.id) } else { !ids.insert(&line.id) };
            if is_twice {
                return Err(invalid(format!("lines[{index}].id"), "an id that no other line of the order has"));
            }
            total += line.amount - line.discount;
        }
        if limits::MONEY_MAX < total {
            return Err(invalid("lines", "amounts that add up to at most 100,000,000,000.00"));
        }
        for (path, amount) in [
            ("discount", self.discount),
            ("coupon", self.coupon),
            ("shipping", self.shipping),
            ("refunded", self.refunded),
            ("gift_cards", self.gift_cards),
        ] {
            check_amount(path, amount)?;
        }
        if total < self.discount + self.coupon {
            return Err(invalid("discount", "discount and coupon of at most what the lines cost"));
        }
        let added_tax: Money = self.lines.iter().filter(|it| !it.tax_included).map(|it| it.tax).sum();
        let cost = total - self.discount - self.coupon + self.shipping + added_tax;
        for (path, amount) in [("refunded", self.refunded), ("gift_cards", self.gift_cards)] {
            if cost < amount {
                return Err(invalid(path, "at most what the order costs with shipping and tax"));
            }
        }
        if self.order_type.as_ref().is_some_and(|it| !is_name(it)) {
            return Err(invalid("order_type", "1 to 120 bytes of text without control characters"));
        }
        for (path, date) in self.dates() {
            if date.is_some_and(|it| !it.is_in_limits()) {
                return Err(invalid(path, "a time in the years 1970 to 2500"));
            }
        }
        if self.redeem.is_some_and(|it| it < Points::ZERO || limits::POINTS_MAX < it) {
            return Err(invalid("redeem", "0 to 1,000,000,000,000 points"));
        }
        if let Some(credit) = self.credit {
            check_amount("credit", credit)?;
        }
        if let Some(certificates) = &self.certificates {
            let distinct: BTreeSet<_> = certificates.iter().collect();
            if limits::ORDER_CERTIFICATES_MAX < certificates.len() || distinct.len() < certificates.len() {
                return Err(invalid("certificates", "at most 20 certificates, each once"));
            }
        }
        let asks = self.redeem.is_some() || self.hold.is_some() || self.credit.is_some() || self.certificates.is_some();
        if self.is_return && asks {
            return Err(invalid("redeem", "nothing: a return without its order gives no points back"));
        }
        if self.is_return && (!self.returns.is_empty() || self.refunded.is_positive()) {
            return Err(invalid("returns", "nothing where the lines themselves came back"));
        }
        self.check_returns()
    }

    fn check_returns(&self) -> Result<(), Rejection> {
        let mut seen = BTreeSet::new();
        for (index, it) in self.returns.iter().enumerate() {
            let path = |field: &str| format!("returns[{index}].{field}");
            let Some(line) = self.lines.iter().find(|line| line.id == it.line) else {
                return Err(invalid(path("line"), "the id of a line of this order"));
            };
            if !seen.insert(it.line.as_str()) {
                return Err(invalid(path("line"), "each line once, with all that has come back of it"));
            }
            match it.part {
                ReturnPart::Quantity(quantity) if line.quantity < quantity => {
                    return Err(invalid(path("quantity"), "at most the quantity sold"));
                }
                ReturnPart::Amount(amount) if amount < Money::ZERO || line.amount - line.discount < amount => {
                    return Err(invalid(path("amount"), "0 to the amount of the line after its discount"));
                }
                ReturnPart::Quantity(_) | ReturnPart::Amount(_) => {}
            }
        }
        Ok(())
    }
}

impl Line {
    fn check(&self, index: usize) -> Result<(), Rejection> {
        let path = |field: &str| format!("lines[{index}].{field}");
        let texts = [("id", Some(&self.id)), ("product", self.product.as_ref()), ("category", self.category.as_ref())];
        for (field, text) in texts {
            if text.is_some_and(|it| !is_name(it)) {
                return Err(invalid(path(field), "1 to 120 bytes of text without control characters"));
            }
        }
        if self.quantity == 0 || limits::QUANTITY_MAX < self.quantity {
            return Err(invalid(path("quantity"), "1 to 1,000,000"));
        }
        for (field, amount) in [("amount", self.amount), ("discount", self.discount), ("tax", self.tax)] {
            if amount < Money::ZERO || limits::MONEY_MAX < amount {
                return Err(invalid(path(field), "0.00 to 100,000,000,000.00"));
            }
        }
        if self.amount < self.discount {
            return Err(invalid(path("discount"), "at most the amount of the line"));
        }
        if self.tax_included && self.amount - self.discount < self.tax {
            return Err(invalid(path("tax"), "at most the amount of the line after its discount, which contains it"));
        }
        Ok(())
    }
}

/// Whether a text can be an id, reference or name: not empty, not too long, no control characters (NUL among them).
pub fn is_name(text: &str) -> bool {
    // Nearly all are ASCII, and said at once not to have any.
    let is_plain = |text: &str| text.bytes().all(|it| matches!(it, b' '..=b'~'));
    let has_control = |text: &str| !is_plain(text) && text.chars().any(char::is_control);
    !text.is_empty() && text.len() <= limits::TEXT_BYTES_MAX && !has_control(text)
}

fn check_amount(path: &'static str, amount: Money) -> Result<(), Rejection> {
    if amount < Money::ZERO || limits::MONEY_MAX < amount {
        return Err(invalid(path, "0.00 to 100,000,000,000.00"));
    }
    Ok(())
}
