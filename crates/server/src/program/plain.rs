//! What a program does, in plain words. Every figure is worked out by the engine on a made-up member, none is typed.

use engine::{
    EarnMode, Milestone, Money, Points, PointsPart, RedeemTerms, Rejection, Shortfall, Terms, Validity, limits,
    points_needed, value_of,
};

use super::document::ProgramDocument;
use super::example::Example;
use super::fault::Fault;
use crate::words::{Names, Voice, day, rejection_in_words};

/// Says what a program does, one sentence or two a line.
///
/// # Errors
/// The fault of a document that was made by hand and never checked.
pub fn plain_words(document: &ProgramDocument) -> Result<Vec<String>, Fault> {
    let terms = document.terms()?;
    let names = Names::of(document);
    let plain = Plain { terms: &terms, voice: Voice { terms: &terms, names: &names } };
    let mut said = vec![heading(document, &terms)];
    said.extend(plain.earning());
    said.push(plain.what_earns());
    said.push(plain.granting());
    said.extend(plain.lifetime());
    said.extend(plain.redeeming());
    said.extend(plain.refunds());
    said.push(plain.off());
    said.push("An order keeps the terms of the time when it was placed, whatever changes later.".to_owned());
    Ok(said)
}

fn heading(document: &ProgramDocument, terms: &Terms) -> String {
    let code = terms.currency.code();
    let known = iso_currency::Currency::from_code(code);
    let currency = known.as_ref().map_or(code, |it| it.name());
    format!("{}: amounts in {code} ({currency}), days as in {}.", document.name, document.time_zone)
}

struct Plain<'a> {
    terms: &'a Terms,
    voice: Voice<'a>,
}

impl Plain<'_> {
    fn earning(&self) -> Vec<String> {
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
            (Validity::Days(days), None) => format!("{} are valid for {}.", self.many(), count(days, "day")),
            (Validity::Months(months), None) => format!("{} are valid for {}.", self.many(), count(months, "month")),
            (_, Some((lot, last))) => {
                let day = self.voice.day_of(lot.earned_at);
                format!("{} earned on {day} can be spent until the end of {last}.", self.many())
            }
        });
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

    fn redeeming(&self) -> Vec<String> {
        let RedeemTerms { rate, .. } = self.terms.redeem;
        let mut said = Vec::new();
        let verb = if rate.points == Points::new(1) { "pays" } else { "pay" };
        said.push(format!("{} {verb} {}.", self.points(rate.points), self.amount(value_of(rate.points, rate))));
        let price = self.sample(1000);
        let needed = self.points(points_needed(price, rate));
        said.push(format!("To pay {} takes {needed}; fractions are rounded up.", self.amount(price)));
        if let Some(paid) = self.paid() {
            said.push(format!(
                "An order of {} that redeems {} is left with {} to pay, and earns {}.",
                self.amount(paid.amount),
                self.points(paid.points),
                self.amount(paid.amount - paid.value),
                self.points(paid.earned)
            ));
        }
        said.push(self.minimum());
        let mut example = Example::new(self.terms);
        if example.adjust(limits::POINTS_MAX).is_some()
            && let Ok(lapses_at) = example.hold(self.least())
        {
            let (from, to) = (self.voice.clock(example.now), self.voice.clock(lapses_at));
            let many = &self.voice.names.many;
            said.push(format!("A checkout can hold {many} so that nobody else spends them: from {from} until {to}."));
        }
        said
    }

    /// One point less than the engine accepts, and what it says to that.
    fn minimum(&self) -> String {
        let least = self.least();
        let fewer = least - Points::new(1);
        let mut example = Example::new(self.terms);
        let refused = match example.adjust(limits::POINTS_MAX) {
            Some(()) if fewer.is_positive() => example.hold(fewer).err(),
            Some(()) | None => None,
        };
        match refused {
            Some(refusal @ Rejection::BelowMinimum { .. }) => {
                format!(
                    "Who asks to redeem {} is told: {}",
                    self.points(fewer),
                    rejection_in_words(&refusal, &self.voice)
                )
            }
            Some(_) | None => format!("There is no minimum: 1 {} can be redeemed.", self.voice.names.one),
        }
    }

    fn refunds(&self) -> Vec<String> {
        let mut said = Vec::new();
        let whole = self.whole();
        let back = part(whole, 2, 5);
        let mut example = Example::new(self.terms);
        let sale = example.sale(whole);
        if let Ok(first) = example.put(None, sale.clone()) {
            let refunded = engine::Document { refunded: back, ..sale };
            if let Ok(answer) = example.put(Some(first.order), refunded) {
                let (amount, back) = (self.amount(whole), self.amount(back));
                let remain = answer.earned.called_for;
                let verb = if remain == Points::new(1) { "remains" } else { "remain" };
                said.push(format!("If {back} of an order of {amount} come back, {} {verb}.", self.points(remain)));
            }
        }
        said.push(self.shortfall().unwrap_or_else(|| self.shortfall_rule().to_owned()));
        said.extend(self.points_part());
        said
    }

    /// A member has spent three fifths of what an order earned when all of it comes back.
    fn shortfall(&self) -> Option<String> {
        let mut example = Example::new(self.terms);
        let sale = example.sale(self.whole());
        let first = example.put(None, sale.clone()).ok()?;
        let earned = first.earned.called_for;
        let spent = Points::new(earned.get() / 5 * 3);
        example.now = example.account.lots().first()?.at.available_at;
        example.adjust(-spent)?;
        let cancelled = engine::Document { cancelled_at: Some(example.now), ..sale };
        let answer = example.put(Some(first.order), cancelled).ok()?;
        let missing = answer.owed + answer.let_go;
        let taken = earned - missing;
        let what = match self.terms.shortfall {
            Shortfall::Owe => {
                format!("{} are taken back and {} are owed; the next that can be spent pay them", taken, missing)
            }
            Shortfall::TakeWhatIsThere => {
                format!("{} are taken back and {} are let go for good", taken, missing)
            }
            Shortfall::AllOrNothing => format!("{} are taken back and {} are let go for good", taken, missing),
        };
        let (whole, earned) = (self.amount(self.whole()), self.points(earned));
        Some(format!(
            "If an order of {whole} earned {earned}, {spent} of them are spent and all of it comes back, {what}."
        ))
    }

    fn shortfall_rule(&self) -> &'static str {
        match self.terms.shortfall {
            Shortfall::Owe => "What cannot be taken back after a refund is owed.",
            Shortfall::TakeWhatIsThere => "What cannot be taken back after a refund is let go for good.",
            Shortfall::AllOrNothing => "If not all can be taken back after a refund, nothing is.",
        }
    }

    /// Two fifths and nine tenths of an order come back that was partly paid with points.
    fn points_part(&self) -> Vec<String> {
        let mut said = vec![
            match self.terms.points_part {
                PointsPart::Stays => {
                    "What was paid with POINTS stays paid until the rest of the order no longer covers it."
                }
                PointsPart::InProportion => "What was paid with POINTS comes back in proportion.",
            }
            .replace("POINTS", &self.voice.names.many),
        ];
        for (numerator, denominator) in [(2, 5), (9, 10)] {
            let Some(mut paid) = self.paid() else { continue };
            let back = part(paid.amount, numerator, denominator);
            let document = engine::Document { refunded: back, redeem: None, ..paid.sale };
            let Ok(answer) = paid.example.put(Some(paid.order), document) else { continue };
            let returned = paid.points - answer.redeemed;
            said.push(format!(
                "If {} of an order of {} come back that redeemed {}, {} of them return and {} is still paid with them.",
                self.amount(back),
                self.amount(paid.amount),
                self.points(paid.points),
                returned,
                self.amount(answer.value)
            ));
        }
        said
    }

    fn off(&self) -> String {
        let whole = self.amount(self.whole());
        let earned = Example::off(self.terms).earns(self.whole()).unwrap_or_default();
        format!(
            "The program can be switched off and on. An order of {whole} placed while it is off earns {}, then or later, \
             and redeems nothing; refunds still give and take back, and expiry goes on.",
            self.points(earned)
        )
    }

    /// An order of which points pay a quarter, or as much as the minimum asks for.
    fn paid(&self) -> Option<PaidOrder> {
        let rate = self.terms.redeem.rate;
        let points = rate.points.max(self.least());
        if limits::POINTS_MAX < points {
            return None;
        }
        let amount = Money::new(value_of(points, rate).minor().checked_mul(4)?).min(limits::MONEY_MAX);
        let mut example = Example::new(self.terms);
        example.adjust(limits::POINTS_MAX)?;
        let sale = engine::Document { redeem: Some(points), ..example.sale(amount) };
        let answer = example.put(None, sale.clone()).ok()?;
        Some(PaidOrder {
            points: answer.redeemed,
            value: answer.value,
            earned: answer.earned.called_for,
            order: answer.order,
            amount,
            sale,
            example,
        })
    }

    /// The fewest points that the engine redeems at once.
    fn least(&self) -> Points {
        let redeem = &self.terms.redeem;
        redeem.points_min.max(points_needed(redeem.value_min, redeem.rate)).max(Points::new(1))
    }

    /// An order worth an example: 100.00, or five steps.
    fn whole(&self) -> Money {
        let steps = Money::new(self.terms.earn.per.minor().saturating_mul(5));
        let whole = steps.max(self.sample(10_000));
        if limits::MONEY_MAX < whole { self.terms.earn.per } else { whole }
    }

    /// An amount by its digits: 3098 is 30.98 with two decimals or more, 3,098 without.
    fn sample(&self, digits: i64) -> Money {
        let scale = u32::from(self.terms.currency.exponent.saturating_sub(2));
        Money::new(digits * 10_i64.pow(scale))
    }

    fn points(&self, points: Points) -> String {
        self.voice.points(points)
    }

    fn amount(&self, amount: Money) -> String {
        self.voice.amount(amount)
    }

    /// The shop's word at the beginning of a sentence.
    fn many(&self) -> String {
        let mut chars = self.voice.names.many.chars();
        chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
    }
}

/// An order that points pay in part, on its made-up member.
struct PaidOrder {
    example: Example,
    sale: engine::Document,
    order: engine::OrderNo,
    amount: Money,
    points: Points,
    value: Money,
    earned: Points,
}

fn part(amount: Money, numerator: i64, denominator: i64) -> Money {
    Money::new(amount.minor() / denominator * numerator)
}

/// "1 day", "12 months".
fn count(number: u16, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
