//! What a program does, in plain words. Every figure is worked out by the engine on a made-up member, none is typed.

mod activities;
mod caps;
mod catalogue;
mod certificates;
mod convert;
mod earning;
mod promotions;
mod rates;
mod redeeming;
mod refunds;
mod tiers;

use engine::{Money, Points, Terms, limits};

use super::document::ProgramDocument;
use super::example::Example;
use crate::fault::Fault;
use crate::words::{Names, Voice, capitalised};

/// Says what a program does, one sentence or two a line.
///
/// # Errors
/// The fault of a document that was made by hand and never checked.
pub fn plain_words(document: &ProgramDocument) -> Result<Vec<String>, Fault> {
    document.terms()?;
    // Each example shows its own rule, whatever the promotions of the day on which all of them happen.
    let terms = ProgramDocument { promotions: Vec::new(), ..document.clone() }.terms()?;
    let names = Names::of(document);
    let plain = Plain { terms: &terms, voice: Voice { terms: &terms, names: &names } };
    let mut said = vec![heading(document, &terms)];
    said.extend(plain.earning());
    said.extend(plain.special_rates(document));
    said.extend(plain.promotions(document));
    said.extend(plain.activities());
    said.extend(plain.redeeming());
    said.extend(plain.refunds());
    said.extend(plain.converting());
    said.extend(plain.catalogue());
    said.extend(plain.certificates());
    said.extend(plain.tiers());
    said.push(plain.guests());
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
    fn guests(&self) -> String {
        match self.terms.claim_days {
            0 => "An order names its member: one that names nobody is refused.".to_owned(),
            days => {
                let days = count(days, "day");
                format!(
                    "An order that names nobody is kept: it can be claimed within {days}, and earns nothing until then."
                )
            }
        }
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
        capitalised(&self.voice.names.many)
    }
}

fn part(amount: Money, numerator: i64, denominator: i64) -> Money {
    Money::new(amount.minor() / denominator * numerator)
}

/// "1 day", "12 months".
fn count(number: u16, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
