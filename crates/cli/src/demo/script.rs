//! The life of each member as commands in order of time: sign-up, purchases, refunds, redemptions.
//!
//! Pure: it depends on the history, the shift of its dates and the terms of the program alone.

use std::sync::Arc;

use engine::{
    Date, Document, DocumentVersion, Line, LineKind, Money, Points, Return, ReturnPart, Terms, Timestamp, points_for,
};

use super::history::Purchase;
use super::layer::{self, For, below};
use super::wallet::Wallet;

/// The last day of the history.
const LAST_DAY: (i16, i8, i8) = (1998, 6, 30);

/// How the history is told.
pub(crate) struct Script<'a> {
    pub(crate) terms: &'a Terms,
    /// All dates move by so many days.
    pub(crate) shift: i32,
    /// Whether refunds and redemptions are invented on top.
    pub(crate) invented: bool,
}

/// One member's life.
pub(crate) struct Life {
    pub(crate) customer: u32,
    pub(crate) signed_up_at: Timestamp,
    pub(crate) events: Vec<Event>,
    pub(crate) wallet: Wallet,
    pub(crate) redeemed: u32,
    pub(crate) refunded: u32,
}

/// A document of one order.
pub(crate) struct Event {
    pub(crate) at: Timestamp,
    pub(crate) row: u32,
    pub(crate) document: Arc<Document>,
}

#[derive(Clone, Copy)]
enum Refund {
    Cancelled,
    Returned(u32),
    PaidBack(Money),
}

/// The days between the end of the history and the day before `today`.
pub(crate) fn shift_for(today: Date) -> i32 {
    today.plus_days(-1).days_since(last_day())
}

fn last_day() -> Date {
    let (year, month, day) = LAST_DAY;
    Date::new(year, month, day).expect("30 June 1998 was a day")
}

impl Script<'_> {
    /// The lives of all members of the history, in the order in which they signed up.
    pub(crate) fn lives<'a>(&self, purchases: &'a [Purchase]) -> Vec<&'a [Purchase]> {
        let mut members: Vec<&[Purchase]> = purchases.chunk_by(|one, other| one.customer == other.customer).collect();
        members.sort_by_key(|it| (self.signed_up_at(it), it[0].customer));
        members
    }

    fn signed_up_at(&self, purchases: &[Purchase]) -> Timestamp {
        self.time_of(&purchases[0], 0).plus_minutes(-5)
    }

    /// What one member did; `purchases` are theirs, in order of time.
    pub(crate) fn life(&self, purchases: &[Purchase]) -> Life {
        let mut acts: Vec<(Timestamp, usize, Option<Refund>)> = Vec::with_capacity(purchases.len() + 1);
        let mut of_day = 0;
        for (index, purchase) in purchases.iter().enumerate() {
            let same_day = 0 < index && purchases[index - 1].date == purchase.date;
            of_day = if same_day { of_day + 1 } else { 0 };
            acts.push((self.time_of(purchase, of_day), index, None));
            if let Some((at, refund)) = self.refund(purchase) {
                acts.push((at, index, Some(refund)));
            }
        }
        acts.sort_by_key(|(at, index, refund)| (*at, *index, refund.is_some()));
        let mut life = Life {
            customer: purchases[0].customer,
            signed_up_at: self.signed_up_at(purchases),
            events: Vec::with_capacity(acts.len()),
            wallet: Wallet::default(),
            redeemed: 0,
            refunded: 0,
        };
        for (at, index, refund) in acts {
            match refund {
                None => self.buy(&mut life, &purchases[index], at),
                Some(refund) => self.pay_back(&mut life, &purchases[index], at, refund),
            }
        }
        life
    }

    /// Opening hours are 9 to 20; the purchases of one day follow each other by 7 minutes.
    fn time_of(&self, purchase: &Purchase, of_day: i64) -> Timestamp {
        let minute = i8::try_from(below(60, For::Hour, purchase.row)).unwrap_or(0);
        let hour = 9 + i8::try_from(purchase.customer % 8).unwrap_or(0);
        // Minutes count within the day only for its first purchase: the rest follow it.
        let first = if of_day == 0 { minute } else { 59 };
        self.terms.zone.at(purchase.date.plus_days(self.shift), hour, first).plus_minutes(of_day * 7)
    }

    /// About one order in fifty is refunded, 2 to 25 days later, if that day has come.
    fn refund(&self, purchase: &Purchase) -> Option<(Timestamp, Refund)> {
        if !self.invented || purchase.amount.is_zero() || 0 < below(50, For::Refund, purchase.row) {
            return None;
        }
        let days = i32::try_from(2 + below(24, For::RefundDay, purchase.row)).unwrap_or(2);
        let date = purchase.date.plus_days(days);
        if last_day() < date {
            return None;
        }
        let refund = match below(3, For::RefundKind, purchase.row) {
            0 if 1 < purchase.discs => Refund::Returned(1 + below(purchase.discs - 1, For::RefundPart, purchase.row)),
            1 => {
                let percent = i64::from(20 + below(60, For::RefundPart, purchase.row));
                Refund::PaidBack(Money::new(purchase.amount.minor() * percent / 100))
            }
            _ => Refund::Cancelled,
        };
        Some((self.terms.zone.at(date.plus_days(self.shift), 20, 30), refund))
    }

    fn buy(&self, life: &mut Life, purchase: &Purchase, at: Timestamp) {
        let mut document = self.sale(purchase, at);
        if self.invented {
            if let Some(points) = self.points_to_redeem(life, purchase, at) {
                document.redeem = Some(points);
                life.wallet.redeem(points, at);
                life.redeemed += 1;
            }
            if self.refund(purchase).is_some() {
                document.version = DocumentVersion::Number(1);
            }
        }
        let points = self.most_earned(purchase, document.redeem.unwrap_or(Points::ZERO));
        life.wallet.earn(purchase.row, points, self.terms.validity.ends(at, &self.terms.zone));
        life.events.push(Event { at, row: purchase.row, document: Arc::new(document) });
    }

    fn pay_back(&self, life: &mut Life, purchase: &Purchase, at: Timestamp, refund: Refund) {
        let sold = life.events.iter().find(|it| it.row == purchase.row).expect("a refund follows its sale");
        let mut document = (*sold.document).clone();
        document.version = DocumentVersion::Number(2);
        match refund {
            Refund::Cancelled => document.cancelled_at = Some(at),
            Refund::Returned(discs) => {
                document.returns.push(Return { line: "1".to_owned(), part: ReturnPart::Quantity(discs) });
            }
            Refund::PaidBack(amount) => document.refunded = amount,
        }
        let points = self.most_earned(purchase, document.redeem.unwrap_or(Points::ZERO));
        life.wallet.revoke(purchase.row, points, at);
        life.refunded += 1;
        life.events.push(Event { at, row: purchase.row, document: Arc::new(document) });
    }

    fn sale(&self, purchase: &Purchase, at: Timestamp) -> Document {
        let (product, category) = layer::product(purchase.row);
        let mut document = Document::sale(self.terms.currency.code, purchase.amount, at);
        document.lines[0] = Line {
            id: "1".to_owned(),
            product: Some(product.to_owned()),
            category: Some(category.to_owned()),
            kind: LineKind::Goods,
            quantity: purchase.discs,
            amount: purchase.amount,
            discount: Money::ZERO,
            tax: Money::ZERO,
            tax_included: true,
        };
        document
    }

    /// Two of five members who have enough for a step, and buy for at least its value, pay with whole steps.
    fn points_to_redeem(&self, life: &Life, purchase: &Purchase, at: Timestamp) -> Option<Points> {
        let step = self.terms.redeem.rate;
        let has = life.wallet.spendable(at).get() / step.points.get();
        let fits = purchase.amount.minor() / step.value.minor();
        let steps = has.min(fits).min(4);
        (0 < steps && below(5, For::Redeem, purchase.row) < 2).then(|| Points::new(steps * step.points.get()))
    }

    fn most_earned(&self, purchase: &Purchase, redeemed: Points) -> Points {
        let paid = engine::value_of(redeemed, self.terms.redeem.rate);
        points_for(purchase.amount.less(paid), self.terms.earn)
    }
}
