//! What an order comes to: what was sold, what of it is kept, and what of that earns. Amounts only, no points.
//!
//! Discounts are allotted on what was sold and travel with a returned line; redeemed points are allotted over what they
//! may pay for of what is kept; a refund without lines is spread over the kept lines (E8, O1).

use crate::document::{Document, Line, LineKind, ReturnPart};
use crate::money::{Money, allot, share_down};
use crate::program::{RedeemTerms, Terms};

/// The amounts of an order after discounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    lines: Vec<KeptLine>,
    shipping: Money,
    pays: Pays,
    /// What points could pay for of what was sold.
    pub(crate) payable_sold: Money,
    /// What points can pay for of what is kept.
    pub(crate) payable: Money,
}

/// What points pay for beside goods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pays {
    shipping: bool,
    tax: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KeptLine {
    /// After all discounts, as sold, in the terms of the line's amount.
    sold: Money,
    /// What is kept of it.
    kept: Money,
    tax: Money,
    tax_included: bool,
    kind: LineKind,
}

impl Kept {
    /// Works out a checked document. Of a cancelled order nothing is kept.
    pub(crate) fn of(document: &Document, redeem: &RedeemTerms) -> Self {
        let off = document.discount + document.coupon;
        let shares = allot(off, document.lines.iter().map(|it| it.amount - it.discount));
        let cancelled = document.cancelled_at.is_some();
        let mut lines = Vec::with_capacity(document.lines.len());
        for (index, line) in document.lines.iter().enumerate() {
            let sold = line.amount - line.discount - share_of(&shares, index);
            let kept = if cancelled { Money::ZERO } else { kept_of(document, line, sold) };
            let tax = if line.tax_included { line.tax.min(sold) } else { line.tax };
            lines.push(KeptLine { sold, kept, tax, tax_included: line.tax_included, kind: line.kind });
        }
        let over = spread(document.refunded, &mut lines);
        let shipping = if cancelled { Money::ZERO } else { document.shipping.less(over) };
        let pays = Pays { shipping: redeem.pays_shipping, tax: redeem.pays_tax };
        let sold: Money = lines.iter().map(|it| it.payable(it.sold) + it.payable_tax(it.sold, pays)).sum();
        let kept: Money = lines.iter().map(|it| it.payable(it.kept) + it.payable_tax(it.kept, pays)).sum();
        let payable_sold = if pays.shipping { sold + document.shipping } else { sold };
        let payable = if pays.shipping { kept + shipping } else { kept };
        Self { lines, shipping, pays, payable_sold, payable }
    }

    /// What earns when points pay `paid` of the order: their shares lower the parts that they pay for (E8).
    pub(crate) fn earning_base(&self, paid: Money, terms: &Terms) -> Money {
        let shares = self.shares_of(paid);
        let count = self.lines.len();
        let tax = |index| if self.pays.tax { Some(share_of(&shares, count + index)) } else { None };
        let lines = self.lines.iter().enumerate();
        let earns = |(index, line): (usize, &KeptLine)| {
            line.earning_base(share_of(&shares, index), tax(index), terms.earn_on_tax)
        };
        let goods: Money = lines.map(earns).sum();
        if !terms.earn_on_shipping {
            return goods;
        }
        let paid = if self.pays.shipping { shares.last().copied().unwrap_or_default() } else { Money::ZERO };
        goods + self.shipping - paid
    }

    /// Allots what points pay over the lines, then over the tax of each line and over shipping where they pay for these.
    fn shares_of(&self, paid: Money) -> Vec<Money> {
        let lines = self.lines.iter();
        if !self.pays.tax && !self.pays.shipping {
            return allot(paid, lines.map(|it| it.payable(it.kept)));
        }
        let mut weights: Vec<Money> = lines.clone().map(|it| it.payable(it.kept)).collect();
        if self.pays.tax {
            weights.extend(lines.map(|it| it.payable_tax(it.kept, self.pays)));
        }
        if self.pays.shipping {
            weights.push(self.shipping);
        }
        allot(paid, weights.iter().copied())
    }
}

impl KeptLine {
    /// Points pay for goods; a gift card bought with points would turn them into money.
    fn payable(&self, of: Money) -> Money {
        match self.kind {
            LineKind::Goods => of,
            LineKind::GiftCard => Money::ZERO,
        }
    }

    /// The tax on top that points pay for.
    fn payable_tax(&self, of: Money, pays: Pays) -> Money {
        if pays.tax { self.added_tax(self.payable(of)) } else { Money::ZERO }
    }

    fn added_tax(&self, of: Money) -> Money {
        if self.tax_included || self.sold.is_zero() {
            return Money::ZERO;
        }
        share_down(self.tax, of.minor(), self.sold.minor())
    }

    /// What earns of the line when points pay so much of it, and of its tax on top where they pay for that.
    fn earning_base(&self, paid: Money, tax_paid: Option<Money>, earn_on_tax: bool) -> Money {
        let rest = self.kept - paid;
        match (self.kind, self.tax_included, earn_on_tax) {
            (LineKind::GiftCard, _, _) => Money::ZERO,
            (LineKind::Goods, true, true) | (LineKind::Goods, false, false) => rest,
            (LineKind::Goods, true, false) if self.tax.is_zero() => rest,
            (LineKind::Goods, true, false) => share_down(rest, (self.sold - self.tax).minor(), self.sold.minor()),
            (LineKind::Goods, false, true) => match tax_paid {
                Some(tax_paid) => rest + self.added_tax(self.kept) - tax_paid,
                None => rest + self.added_tax(rest),
            },
        }
    }
}

/// What is kept of a line by the returns that name it; of a number of equal pieces the kept ones, rounded down.
fn kept_of(document: &Document, line: &Line, sold: Money) -> Money {
    match document.returns.iter().find(|it| it.line == line.id).map(|it| it.part) {
        None => sold,
        Some(ReturnPart::Quantity(back)) => share_down(sold, i64::from(line.quantity - back), i64::from(line.quantity)),
        Some(ReturnPart::Amount(back)) => sold.less(back),
    }
}

/// Spreads a refund over what the kept lines cost with tax; answers what is left of it for shipping.
fn spread(refunded: Money, lines: &mut [KeptLine]) -> Money {
    if refunded.is_zero() {
        return Money::ZERO;
    }
    let cost = |it: &KeptLine| it.kept + it.added_tax(it.kept);
    let spread = refunded.min(lines.iter().map(cost).sum());
    let shares = allot(spread, lines.iter().map(cost));
    for (index, line) in lines.iter_mut().enumerate() {
        let cost = cost(line);
        if cost.is_positive() {
            line.kept = share_down(line.kept, (cost - share_of(&shares, index)).minor(), cost.minor());
        }
    }
    refunded - spread
}

/// The share of a line; nothing was allotted when there was nothing to allot.
fn share_of(shares: &[Money], index: usize) -> Money {
    shares.get(index).copied().unwrap_or_default()
}
