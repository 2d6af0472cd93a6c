//! What an order comes to, in plain integers: slow, and written from the design rather than from the engine.

use engine::{Document, Line, LineKind, Milestone, RedeemRate, RedeemTerms, ReturnPart, Terms};

/// What is left of an order after discounts and returns.
pub(crate) struct Kept {
    lines: Vec<KeptLine>,
    shipping: i128,
    shipping_sold: i128,
    /// Points pay for nothing of it.
    is_other_type: bool,
    /// What certificates pay of what is kept, and of what was sold.
    by_certificates: (i128, i128),
}

struct KeptLine {
    sold: i128,
    kept: i128,
    tax: i128,
    tax_included: bool,
    goods: bool,
}

impl Kept {
    pub(crate) fn of(document: &Document) -> Self {
        let nets: Vec<i128> = document.lines.iter().map(net).collect();
        let off = minor(document.discount) + minor(document.coupon);
        let cancelled = document.cancelled_at.is_some();
        let mut lines: Vec<KeptLine> = Vec::new();
        for ((line, net), share) in document.lines.iter().zip(&nets).zip(allot(off, &nets)) {
            let sold = net - share;
            let kept = if cancelled { 0 } else { kept_of(document, line, sold) };
            lines.push(KeptLine {
                sold,
                kept,
                tax: minor(line.tax),
                tax_included: line.tax_included,
                goods: line.kind == LineKind::Goods,
            });
        }
        // Money paid back without naming lines is spread over what the kept lines cost with added tax, then shipping.
        let costs: Vec<i128> = lines.iter().map(|it| it.kept + it.added_tax(it.kept)).collect();
        let refunded = minor(document.refunded);
        let on_lines = refunded.min(costs.iter().sum());
        for ((line, cost), share) in lines.iter_mut().zip(&costs).zip(allot(on_lines, &costs)) {
            if 0 < *cost {
                line.kept = line.kept * (cost - share) / cost;
            }
        }
        let shipping = if cancelled { 0 } else { (minor(document.shipping) - (refunded - on_lines)).max(0) };
        let shipping_sold = minor(document.shipping);
        Self { lines, shipping, shipping_sold, is_other_type: false, by_certificates: (0, 0) }
    }

    /// The same under the terms of a program that may be for orders of other types.
    pub(crate) fn under(document: &Document, terms: &Terms) -> Self {
        Self { is_other_type: !applies(terms, document), ..Self::of(document) }
    }

    /// What certificates leave.
    pub(crate) fn after(self, by_certificates: (i128, i128)) -> Self {
        Self { by_certificates, ..self }
    }

    /// What points can pay for of what is kept, and could of what was sold.
    pub(crate) fn payable(&self, terms: &RedeemTerms) -> (i128, i128) {
        if self.is_other_type {
            return (0, 0);
        }
        let (mut kept, mut sold) = if terms.pays_shipping { (self.shipping, self.shipping_sold) } else { (0, 0) };
        for line in self.lines.iter().filter(|it| it.goods) {
            kept += line.kept + if terms.pays_tax { line.added_tax(line.kept) } else { 0 };
            sold += line.sold + if terms.pays_tax { line.added_tax(line.sold) } else { 0 };
        }
        self.less_certificates((kept, sold))
    }

    /// What is kept costs with tax and shipping, and what was sold.
    pub(crate) fn cost(&self) -> (i128, i128) {
        let kept = |it: &KeptLine| it.kept + it.added_tax(it.kept);
        let sold = |it: &KeptLine| it.sold + it.added_tax(it.sold);
        self.less_certificates((
            self.lines.iter().map(kept).sum::<i128>() + self.shipping,
            self.lines.iter().map(sold).sum::<i128>() + self.shipping_sold,
        ))
    }

    fn less_certificates(&self, (kept, sold): (i128, i128)) -> (i128, i128) {
        ((kept - self.by_certificates.0).max(0), (sold - self.by_certificates.1).max(0))
    }

    /// What each part of the order carries of what points and certificates pay: its lines, the tax on top of each, its shipping.
    fn shares(&self, paid: i128, terms: &RedeemTerms) -> (Vec<i128>, Vec<i128>, i128) {
        let goods = |it: &KeptLine| if it.goods { it.kept } else { 0 };
        let tax = |it: &KeptLine| if terms.pays_tax && it.goods { it.added_tax(it.kept) } else { 0 };
        let mut weights: Vec<i128> = self.lines.iter().map(goods).collect();
        weights.extend(self.lines.iter().map(tax));
        weights.push(if terms.pays_shipping { self.shipping } else { 0 });
        let mut shares = allot(paid + self.by_certificates.0, &weights);
        let shipping = shares.pop().expect("shipping was last");
        let taxes = shares.split_off(self.lines.len());
        (shares, taxes, shipping)
    }

    /// What each line costs after discounts, without its tax.
    pub(crate) fn net_of_lines(&self) -> Vec<i128> {
        let net = |it: &KeptLine| match (it.tax_included, it.sold) {
            (false, _) | (true, 0) => it.kept,
            (true, sold) => it.kept * (sold - it.tax.min(sold)) / sold,
        };
        self.lines.iter().map(net).collect()
    }

    /// What earns when `paid` of it was paid with points, line by line, and of shipping.
    pub(crate) fn bases(&self, paid: i128, terms: &Terms) -> (Vec<i128>, i128) {
        let (shares, taxes, shipping) = self.shares(paid, &terms.redeem);
        let mut bases = Vec::new();
        for ((line, share), tax) in self.lines.iter().zip(shares).zip(taxes) {
            let rest = line.kept - share;
            bases.push(match (line.tax_included, terms.earn_on_tax) {
                _ if !line.goods => 0,
                (true, true) | (false, false) => rest,
                (false, true) if terms.redeem.pays_tax => rest + line.added_tax(line.kept) - tax,
                (false, true) => rest + line.added_tax(rest),
                (true, false) if line.sold == 0 => 0,
                (true, false) => rest * (line.sold - line.tax.min(line.sold)) / line.sold,
            });
        }
        (bases, if terms.earn_on_shipping { self.shipping - shipping } else { 0 })
    }
}

impl KeptLine {
    /// The part of a tax beside the amount that belongs to `of`.
    fn added_tax(&self, of: i128) -> i128 {
        if self.tax_included || self.sold == 0 { 0 } else { self.tax * of / self.sold }
    }
}

fn net(line: &Line) -> i128 {
    minor(line.amount) - minor(line.discount)
}

fn kept_of(document: &Document, line: &Line, sold: i128) -> i128 {
    match document.returns.iter().find(|it| it.line == line.id).map(|it| it.part) {
        None => sold,
        Some(ReturnPart::Quantity(back)) => sold * i128::from(line.quantity - back) / i128::from(line.quantity),
        Some(ReturnPart::Amount(back)) => (sold - minor(back)).max(0),
    }
}

/// Largest remainder, cent by cent.
fn allot(total: i128, weights: &[i128]) -> Vec<i128> {
    let whole: i128 = weights.iter().sum();
    if whole == 0 {
        return vec![0; weights.len()];
    }
    let mut shares: Vec<i128> = weights.iter().map(|it| total * it / whole).collect();
    while shares.iter().sum::<i128>() < total {
        let behind = |it: &usize| total * weights[*it] - shares[*it] * whole;
        let most = (0..weights.len()).map(|it| behind(&it)).max().expect("there are weights");
        let first = (0..weights.len()).find(|it| behind(it) == most).expect("one has it");
        shares[first] += 1;
    }
    shares
}

pub(crate) fn value_of(points: i128, rate: RedeemRate) -> i128 {
    points * minor(rate.value) / i128::from(rate.points.get())
}

pub(crate) fn points_needed(value: i128, rate: RedeemRate) -> i128 {
    up(value * i128::from(rate.points.get()), minor(rate.value))
}

pub(crate) fn up(amount: i128, by: i128) -> i128 {
    (amount + by - 1) / by
}

pub(crate) fn minor(amount: engine::Money) -> i128 {
    i128::from(amount.minor())
}

/// Whether the program is for orders of this type.
pub(crate) fn applies(terms: &Terms, document: &Document) -> bool {
    let types = &terms.order_types;
    types.is_empty() || document.order_type.as_ref().is_some_and(|it| types.contains(it))
}

/// Whether the order has done what makes it earn, and when.
pub(crate) fn reached(document: &Document, milestone: Milestone) -> Option<engine::Timestamp> {
    match milestone {
        Milestone::Placed => Some(document.placed_at),
        Milestone::Paid => document.paid_at,
        Milestone::Fulfilled => document.fulfilled_at,
    }
}
