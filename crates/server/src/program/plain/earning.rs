//! Earning in plain words: how much, on what, when, and how long the points last.

use engine::{EarnMode, ExtendOn, Milestone, Money, Validity};

use super::{Plain, count, part};
use crate::program::example::Example;
use crate::words::{day, year_day};

impl Plain<'_> {
    pub(super) fn earning(&self) -> Vec<String> {
        let rate = self.terms.earn;
        let mut said = Vec::new();
        let (points, per) = (self.points(rate.points), self.amount(rate.per));
        said.push(match rate.mode {
            _ if rate.points.is_zero() => "Orders earn nothing.".to_owned(),
            EarnMode::Proportional => format!("An order earns {points} per {per}, rounded down once per order."),
            EarnMode::Steps => format!("An order earns {points} for each full {per}; less than that does not count."),
            EarnMode::StepsCarried => {
                format!("An order earns {points} for each full {per}; what is left of it counts with the next orders.")
            }
        });
        let just_below = rate.per.less(Money::new(1));
        let mut amounts = vec![just_below, rate.per, self.sample(999), self.sample(3098)];
        amounts.sort();
        amounts.dedup();
        for amount in amounts.into_iter().filter(|it| it.is_positive()) {
            if let Some(points) = Example::new(self.terms).earns(amount) {
                said.push(format!("A member who pays {} earns {}.", self.amount(amount), self.points(points)));
            }
        }
        said.extend(self.carrying());
        said.extend(self.caps());
        said.push(self.what_earns());
        said.push(self.granting());
        said.extend(self.lifetime());
        said
    }

    /// Two orders that make a full step together.
    fn carrying(&self) -> Option<String> {
        if self.terms.earn.mode != EarnMode::StepsCarried {
            return None;
        }
        let first = part(self.terms.earn.per, 3, 5);
        let second = self.terms.earn.per - first;
        let mut example = Example::new(self.terms);
        let [one, two] = [example.earns(first)?, example.earns(second)?].map(|it| self.points(it));
        let [first, second] = [first, second].map(|it| self.amount(it));
        Some(format!("A member who pays {first} and then {second} earns {one}, and then {two}."))
    }

    /// Prices of 100.00 with a coupon of 15.00, shipping and tax: what of it the engine counts.
    fn what_earns(&self) -> String {
        let mut example = Example::new(self.terms);
        let (goods, coupon) = (self.sample(10_000), self.sample(1_500));
        let (shipping, tax) = (self.sample(500), self.sample(800));
        let mut sale = example.sale(goods);
        sale.coupon = coupon;
        sale.shipping = shipping;
        sale.lines[0].tax = tax;
        sale.lines[0].tax_included = false;
        let [goods, coupon, shipping, tax] = [goods, coupon, shipping, tax].map(|it| self.amount(it));
        let order = format!("goods for {goods} less a coupon of {coupon}, plus {tax} tax and {shipping} shipping");
        let rule = match (self.terms.earn_on_tax, self.terms.earn_on_shipping) {
            (false, false) => "Goods earn after all discounts; tax and shipping do not",
            (true, false) => "Goods earn after all discounts and with their tax; shipping does not",
            (false, true) => "Goods after all discounts and shipping earn; tax does not",
            (true, true) => "Goods earn after all discounts and with their tax, and so does shipping",
        };
        match example.put(None, sale) {
            Ok(answer) => format!("{rule}: of {order}, {} counts.", self.amount(answer.earned.base)),
            Err(_) => format!("{rule}."),
        }
    }

    fn granting(&self) -> String {
        let (when, not_yet) = match self.terms.grant_on {
            Milestone::Placed => return "Points are granted when the order is placed.".replace("Points", &self.many()),
            Milestone::Paid => ("paid", "only placed"),
            Milestone::Fulfilled => ("fulfilled", "paid but not fulfilled"),
        };
        let mut example = Example::new(self.terms);
        let mut sale = example.sale(self.whole());
        sale.fulfilled_at = None;
        if self.terms.grant_on == Milestone::Paid {
            sale.paid_at = None;
        }
        let said = format!("{} are granted when the order is {when}", self.many());
        match example.put(None, sale) {
            Ok(answer) => {
                let points = self.points(answer.earned.called_for);
                format!("{said}; an order of {} that is {not_yet} has earned {points}.", self.amount(self.whole()))
            }
            Err(_) => format!("{said}."),
        }
    }

    /// What keeps points alive that were earned earlier.
    fn extending(&self) -> Option<String> {
        let rule = self.terms.extend?;
        let (many, months) = (self.many(), count(rule.months, "month"));
        Some(match rule.on {
            ExtendOn::Order => {
                format!("Any order keeps all {} of the member alive for at least {months} more.", self.voice.names.many)
            }
            ExtendOn::Earning => {
                let all = &self.voice.names.many;
                format!(
                    "An order or activity that earns keeps all {all} of the member alive for at least {months} more."
                )
            }
            ExtendOn::Activity => format!(
                "{many} expire after {months} without activity: each order that earns, each use of {} to pay and each \
                 activity that earns lets all of them begin anew.",
                self.voice.names.many
            ),
        })
    }

    /// From when on and until when: the dates of a lot that the engine opened.
    fn lifetime(&self) -> Vec<String> {
        let mut said = Vec::new();
        let mut example = Example::new(self.terms);
        example.earns(self.whole());
        let lot = example.account.lots().first().map(|it| it.at);
        if self.terms.waiting_days != 0 {
            let days = count(self.terms.waiting_days, "day");
            said.push(format!("{} wait {days} before they can be spent.", self.many()));
            if let Some(lot) = lot {
                let (day, clock) = (self.voice.day_of(lot.earned_at), self.voice.clock(lot.earned_at));
                let from = (self.voice.day_of(lot.available_at), self.voice.clock(lot.available_at));
                said.push(format!(
                    "{} earned on {day} at {clock} can be spent from {} at {} on.",
                    self.many(),
                    from.0,
                    from.1
                ));
            }
        }
        let last = lot.and_then(|it| self.voice.last_day(it.expires_at).map(|last| (it, last)));
        said.push(match (self.terms.validity, last) {
            (Validity::Never, _) => format!("{} never expire.", self.many()),
            (Validity::Until(last), None) => {
                format!("All {} expire at the end of {}.", self.voice.names.many, day(last))
            }
            (Validity::Yearly(last), None) => {
                format!("{} expire each year at the end of {}.", self.many(), year_day(last))
            }
            (Validity::Days(days), None) => format!("{} are valid for {}.", self.many(), count(days, "day")),
            (Validity::Months(months), None) => format!("{} are valid for {}.", self.many(), count(months, "month")),
            (_, Some((lot, last))) => {
                let day = self.voice.day_of(lot.earned_at);
                format!("{} earned on {day} can be spent until the end of {last}.", self.many())
            }
        });
        said.extend(self.extending());
        if self.terms.validity != Validity::Never {
            let many = self.many();
            said.push(match self.terms.grace_days {
                0 => format!("{many} that come back after they have expired are gone."),
                days => {
                    let days = count(days, "more day");
                    format!("{many} that come back after they have expired can be spent for {days}, once.")
                }
            });
        }
        said
    }
}
