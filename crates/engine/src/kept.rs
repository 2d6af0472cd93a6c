//! What an order comes to: what was sold, what of it is kept, and what of that earns. Amounts only, no points.
//!
//! Discounts are allotted on what was sold and travel with a returned line; redeemed points are allotted over what they
//! may pay for of what is kept; a refund without lines is spread over the kept lines (E8, O1).

use crate::document::{Document, Line, LineKind};
use crate::money::{Money, allot, pieces_begun, share_down, share_up};
use crate::program::{RedeemTerms, Terms};
use crate::rates::GiftCards;
use crate::returned::{Returned, back_of, refunded};

/// The amounts of an order after discounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    lines: Vec<KeptLine>,
    shipping: Money,
    pays: Pays,
    shipping_sold: Money,
    /// What gift cards paid of shipping as sold.
    shipping_by_gift_card: Money,
    /// What points could pay for of what was sold.
    pub(crate) payable_sold: Money,
    /// What points can pay for of what is kept.
    pub(crate) payable: Money,
    /// What of it was sold costs with tax and shipping: what money, or store credit, could pay.
    pub(crate) cost_sold: Money,
    /// What is kept costs.
    pub(crate) cost: Money,
    /// What certificates pay of what is kept: no longer part of the four amounts above.
    by_certificates: Money,
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
    /// The pieces that returns have left, and what these cost.
    pieces: u32,
    pieces_cost: Money,
    /// What gift cards paid of it as sold, with added tax.
    by_gift_card: Money,
}

/// What of a line earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EarningLine {
    pub(crate) base: Money,
    /// A piece that is paid for in part counts.
    pub(crate) units: u32,
    /// What does not earn because a gift card paid it, which earned when it was sold.
    pub(crate) by_gift_card: Money,
}

impl Kept {
    /// Works out a checked document. Of a cancelled order nothing is kept.
    pub(crate) fn of(document: &Document, returned: &[Returned], redeem: &RedeemTerms) -> Self {
        let off = document.discount + document.coupon;
        let shares = allot(off, document.lines.iter().map(|it| it.amount - it.discount));
        let cancelled = document.cancelled_at.is_some();
        let mut lines = Vec::with_capacity(document.lines.len());
        for (index, line) in document.lines.iter().enumerate() {
            let sold = line.amount - line.discount - share_of(&shares, index);
            let (pieces, pieces_cost, kept) = kept_of(document, returned, line, sold);
            let kept = if cancelled { Money::ZERO } else { kept };
            let tax = if line.tax_included { line.tax.min(sold) } else { line.tax };
            lines.push(KeptLine {
                sold,
                kept,
                tax,
                tax_included: line.tax_included,
                kind: line.kind,
                pieces,
                pieces_cost,
                by_gift_card: Money::ZERO,
            });
        }
        let shipping_by_gift_card = allot_gift_cards(document, &mut lines);
        let over = spread(refunded(document, returned), &mut lines);
        let shipping = if cancelled { Money::ZERO } else { document.shipping.less(over) };
        let pays = Pays { shipping: redeem.pays_shipping, tax: redeem.pays_tax };
        let sold: Money = lines.iter().map(|it| it.payable(it.sold) + it.payable_tax(it.sold, pays)).sum();
        let kept: Money = lines.iter().map(|it| it.payable(it.kept) + it.payable_tax(it.kept, pays)).sum();
        let payable_sold = if pays.shipping { sold + document.shipping } else { sold };
        let payable = if pays.shipping { kept + shipping } else { kept };
        let cost_sold = lines.iter().map(|it| it.sold + it.added_tax(it.sold)).sum::<Money>() + document.shipping;
        let cost = lines.iter().map(|it| it.kept + it.added_tax(it.kept)).sum::<Money>() + shipping;
        let shipping_sold = document.shipping;
        let by_certificates = Money::ZERO;
        Self {
            lines,
            shipping,
            pays,
            shipping_sold,
            shipping_by_gift_card,
            payable_sold,
            payable,
            cost_sold,
            cost,
            by_certificates,
        }
    }

    /// The same under terms that may not apply to it: then points pay nothing of it (P1).
    pub(crate) fn under(document: &Document, returned: &[Returned], terms: &Terms) -> Self {
        let kept = Self::of(document, returned, &terms.redeem);
        if terms.applies_to(document) {
            return kept;
        }
        Self { payable_sold: Money::ZERO, payable: Money::ZERO, ..kept }
    }

    /// What is left for the means that are used after certificates, which pay `kept` of it, or `sold` of it as sold (O8).
    pub(crate) fn after_certificates(self, kept: Money, sold: Money) -> Self {
        Self {
            payable_sold: self.payable_sold.less(sold),
            payable: self.payable.less(kept),
            cost_sold: self.cost_sold.less(sold),
            cost: self.cost.less(kept),
            by_certificates: kept,
            ..self
        }
    }

    /// What of each line earns, and of shipping, when points pay `paid` of the order, under rules that tell lines apart.
    pub(crate) fn earning_lines(&self, paid: Money, terms: &Terms) -> (impl Iterator<Item = EarningLine>, EarningLine) {
        let shares = self.shares_of(paid);
        let by_gift_card = match terms.earning.gift_cards {
            GiftCards::WhenSold if self.shipping_sold.is_positive() => {
                share_up(self.shipping_by_gift_card, self.shipping.minor(), self.shipping_sold.minor())
            }
            GiftCards::WhenSold | GiftCards::WhenUsed => Money::ZERO,
        };
        let rest = self.shipping - self.shipping_paid(&shares);
        let base = rest.less(by_gift_card);
        let shipping = EarningLine { base, units: 0, by_gift_card: rest - base };
        let lines = self.lines.iter().enumerate().map(move |(index, line)| {
            let tax_paid = self.pays.tax.then(|| share_of(&shares, self.lines.len() + index));
            line.earning(share_of(&shares, index), tax_paid, terms)
        });
        (lines, shipping)
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
        goods + self.shipping - self.shipping_paid(&shares)
    }

    /// What points pay of shipping.
    fn shipping_paid(&self, shares: &[Money]) -> Money {
        if self.pays.shipping { shares.last().copied().unwrap_or_default() } else { Money::ZERO }
    }

    /// Allots what points and certificates pay over the lines, then over the tax of each line and over shipping where they pay for these.
    fn shares_of(&self, paid: Money) -> Vec<Money> {
        let paid = paid + self.by_certificates;
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
        match self.kind {
            LineKind::GiftCard => Money::ZERO,
            LineKind::Goods => self.taxed(self.kept - paid, self.kept, tax_paid, earn_on_tax),
        }
    }

    /// A part of the line with or without its tax; of tax on top, that of `taxed` less what points pay of it.
    fn taxed(&self, part: Money, taxed: Money, tax_paid: Option<Money>, earn_on_tax: bool) -> Money {
        match (self.tax_included, earn_on_tax) {
            (true, true) | (false, false) => part,
            (true, false) if self.tax.is_zero() => part,
            (true, false) => share_down(part, (self.sold - self.tax).minor(), self.sold.minor()),
            (false, true) => match tax_paid {
                Some(tax_paid) => part + self.added_tax(taxed).less(tax_paid),
                None => part + self.added_tax(part),
            },
        }
    }

    fn earning(&self, paid: Money, tax_paid: Option<Money>, terms: &Terms) -> EarningLine {
        let rest = self.kept - paid;
        let (rest, by_gift_card) = match (terms.earning.gift_cards, self.kind) {
            (GiftCards::WhenUsed, LineKind::Goods) => (rest, Money::ZERO),
            (GiftCards::WhenUsed, LineKind::GiftCard) => (Money::ZERO, Money::ZERO),
            (GiftCards::WhenSold, LineKind::Goods | LineKind::GiftCard) => {
                let cost = self.sold + self.added_tax(self.sold);
                let paid = if cost.is_positive() {
                    share_up(self.by_gift_card, self.kept.minor(), cost.minor())
                } else {
                    Money::ZERO
                };
                (rest.less(paid), rest - rest.less(paid))
            }
        };
        let base = match (terms.earning.gift_cards, self.kind) {
            (GiftCards::WhenUsed, LineKind::GiftCard) => Money::ZERO,
            (_, _) => self.taxed(rest, self.kept - by_gift_card, tax_paid, terms.earn_on_tax),
        };
        EarningLine { base, units: pieces_begun(self.pieces, rest, self.pieces_cost), by_gift_card }
    }
}

/// The pieces that are kept of a line by the returns that name it, what they cost, rounded down, and what is kept of that.
/// More than was sold cannot come back, whatever several returns say.
fn kept_of(document: &Document, returned: &[Returned], line: &Line, sold: Money) -> (u32, Money, Money) {
    let (back, amount) = back_of(document, returned, &line.id);
    let pieces = line.quantity.saturating_sub(back);
    let cost = if back == 0 { sold } else { share_down(sold, i64::from(pieces), i64::from(line.quantity)) };
    (pieces, cost, cost.less(amount))
}

/// Allots what gift cards paid over lines with their added tax, as sold; answers the share of shipping. Like a discount it
/// travels with a returned line.
fn allot_gift_cards(document: &Document, lines: &mut [KeptLine]) -> Money {
    if document.gift_cards.is_zero() {
        return Money::ZERO;
    }
    let cost = |it: &KeptLine| it.sold + it.added_tax(it.sold);
    let costs: Vec<Money> = lines.iter().map(cost).chain([document.shipping]).collect();
    let shares = allot(document.gift_cards.min(costs.iter().copied().sum()), costs.iter().copied());
    for (index, line) in lines.iter_mut().enumerate() {
        line.by_gift_card = share_of(&shares, index);
    }
    share_of(&shares, lines.len())
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
