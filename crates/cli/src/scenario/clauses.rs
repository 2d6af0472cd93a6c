//! Program clauses: the terms of a program in words, turned into the program document that a shop would write.
//!
//! A later `program` step changes what it names and keeps the rest, so that one clause says what is new.

use super::earning::Earning;
use super::limits::Limits;
use super::rewards::RewardClauses;
use super::tiers::{self, TierClauses};
use super::words::{Fault, Words};

const ALLOWED: &str = "`earn 1 per 1.00 on paid`, `on placed|paid|fulfilled`, `in steps`, `in proportion`, `carry the remainder`, \
    `earn at most 100 a day`, `with tax`, `with shipping`, `without tax`, `without shipping`, `rate 5 per 1.00 for product tea`, `rate 10 each for category cakes`, `rate 2 per 1.00 for type wholesale`, \
    `multiply 1.5 for type wholesale`, `exclude product tea`, `exclude category cakes`, `exclude type staff`, \
    `gift cards when sold|used`, `round per line|order`, `order types new renewal`, `promotion \"Double Mondays\" times 2 on monday`, `no promotion \"Double Mondays\"`, `wait 14 days`, `never expires`, `expire after 12 months`, \
    `expire after 30 days`, `expire on 2023-12-31`, `expire each year on 12-31`, \
    `expire after 12 months without activity`, `any order extends by 12 months`, `earning extends by 12 months`, \
    `nothing extends`, `convert 1000 to 5.00`, `convert 250 to a certificate of 25.00 once for 90 days`, `by staff`, `convert nothing`, `reward Mug for 500 stock 3`, `reward Coupon for 250 a coupon of 10.00 once for 90 days`, `no reward Mug`, `certificates once`, `certificates several`, `sign up gives 100 points`, `birthday gives 50 points`, \
    `activity review gives 50 points 1 a day`, `redeem 100 for 1.00`, `at least 5.00`, `at least 500 points`, \
    `steps of 50 points`, `at most 20.00`, `at most 2000 points`, `at most 50%`, `balance at least 1000 points`, \
    `points pay shipping|tax|goods only`, `points instead of|after discounts`, \
    `hold 15 minutes`, `refunds in proportion`, `refunds in money first`, `grace 30 days`, `claim within 14 days`, `no claims`, \
    `shortfall owe|take what is there|all or nothing`, `in EUR`, `zone Europe/Zurich`, `from 2022-09-01`";

/// The terms so far, each as it stands in the program document.
#[derive(Clone, Debug)]
pub(super) struct Clauses {
    currency: String,
    zone: String,
    earn: (String, String),
    on: &'static str,
    mode: &'static str,
    /// Key and figure of each cap.
    caps: Vec<(&'static str, String)>,
    include_tax: bool,
    include_shipping: bool,
    waiting_days: String,
    validity: String,
    /// The key with its comma, or nothing.
    extend: String,
    grace_days: String,
    claim_days: String,
    sign_up: String,
    birthday: String,
    custom: Vec<String>,
    redeem: (String, String),
    value_min: String,
    points_min: String,
    hold_minutes: String,
    limits: Limits,
    tiers: TierClauses,
    on_refund: &'static str,
    shortfall: &'static str,
    earning: Earning,
    /// The key as it stands in the document, with its comma, or nothing.
    convert: String,
    certificates: &'static str,
    rewards: RewardClauses,
}

impl Default for Clauses {
    fn default() -> Self {
        Self {
            currency: "USD".to_owned(),
            zone: "UTC".to_owned(),
            earn: ("1".to_owned(), "1.00".to_owned()),
            on: "paid",
            mode: "proportional",
            caps: Vec::new(),
            include_tax: false,
            include_shipping: false,
            waiting_days: "0".to_owned(),
            validity: "\"never\"".to_owned(),
            extend: String::new(),
            grace_days: "30".to_owned(),
            claim_days: "30".to_owned(),
            sign_up: "0".to_owned(),
            birthday: "0".to_owned(),
            custom: Vec::new(),
            redeem: ("100".to_owned(), "1.00".to_owned()),
            value_min: "0".to_owned(),
            points_min: "1".to_owned(),
            hold_minutes: "15".to_owned(),
            limits: Limits::default(),
            tiers: TierClauses::default(),
            on_refund: "stays",
            shortfall: "owe",
            earning: Earning::default(),
            convert: String::new(),
            certificates: "several",
            rewards: RewardClauses::default(),
        }
    }
}

impl Clauses {
    /// Changes what one clause names.
    pub(super) fn change(&mut self, clause: &str) -> Result<(), Fault> {
        let mut words = Words::of(clause)?;
        if self.rewards.change(&mut words)? || self.earning.change(&mut words)? {
            return words.done(ALLOWED);
        }
        if words.eat("earn at most") {
            self.change_cap(&mut words)?;
        } else if words.eat("earn") {
            self.earn = (figure(&mut words)?, after(&mut words, "per")?);
        } else if words.eat("certificates once") {
            self.certificates = "once";
        } else if words.eat("certificates several") {
            self.certificates = "several";
        } else if words.eat("convert nothing") {
            self.convert.clear();
        } else if words.eat("convert") {
            self.convert = convert(&mut words)?;
        } else if words.eat("redeem") {
            self.redeem = (figure(&mut words)?, after(&mut words, "for")?);
        } else if words.eat("at least") {
            let figure = figure(&mut words)?;
            *if words.eat("points") { &mut self.points_min } else { &mut self.value_min } = figure;
        } else if words.eat("wait") {
            self.waiting_days = before(&mut words, "days")?;
        } else if words.eat("grace") {
            self.grace_days = before(&mut words, "days")?;
        } else if words.eat("claim within") {
            self.claim_days = before(&mut words, "days")?;
        } else if words.eat("no claims") {
            self.claim_days = "0".to_owned();
        } else if words.eat("hold") {
            self.hold_minutes = before(&mut words, "minutes")?;
        } else if words.eat("expire after") {
            let count = figure(&mut words)?;
            let unit = if words.eat("months") { "months" } else { "days" };
            if unit == "days" {
                words.expect("days")?;
            }
            let unit = if unit == "months" && words.eat("without activity") { "inactive_months" } else { unit };
            self.validity = format!("{{ \"{unit}\": {count} }}");
        } else if words.eat("any order extends by") {
            self.extend = extend("order", &before(&mut words, "months")?);
        } else if words.eat("earning extends by") {
            self.extend = extend("earning", &before(&mut words, "months")?);
        } else if words.eat("sign up gives") {
            self.sign_up = before(&mut words, "points")?;
        } else if words.eat("birthday gives") {
            self.birthday = before(&mut words, "points")?;
        } else if words.eat("activity") {
            self.custom.push(activity(&mut words)?);
        } else if words.eat("expire on") {
            self.validity = format!("{{ \"until\": \"{}\" }}", words.date()?);
        } else if words.eat("expire each year on") {
            self.validity = format!("{{ \"yearly\": \"{}\" }}", day_of_year(words.take())?);
        } else if words.eat("in") && words.peek().len() == 3 {
            self.currency = name(words.take())?;
        } else if words.eat("zone") {
            self.zone = name(words.take())?;
        } else if !self.limits.change(&mut words)? && !self.tiers.change(&mut words)? {
            words = Words::of(clause)?;
        }
        if !words.is_done() {
            self.change_word(&mut words)?;
        }
        words.done(&format!("{ALLOWED}, {}", tiers::ALLOWED))
    }

    fn change_cap(&mut self, words: &mut Words) -> Result<(), Fault> {
        let figure = figure(words)?;
        let caps = [("an order", "order"), ("a day", "day"), ("a month", "month"), ("a year", "year")];
        if let Some((_, cap)) = caps.into_iter().find(|(phrase, _)| words.eat(phrase)) {
            self.caps.retain(|it| it.0 != cap);
            self.caps.push((cap, figure));
        }
        Ok(())
    }

    /// Clauses without a figure; `on paid` may also follow the rate.
    fn change_word(&mut self, words: &mut Words) -> Result<(), Fault> {
        let milestones = [("on placed", "placed"), ("on paid", "paid"), ("on fulfilled", "fulfilled")];
        if let Some((_, on)) = milestones.into_iter().find(|(phrase, _)| words.eat(phrase)) {
            self.on = on;
            return Ok(());
        }
        let shortfalls = [
            ("shortfall owe", "owe"),
            ("shortfall take what is there", "take_what_is_there"),
            ("shortfall all or nothing", "all_or_nothing"),
        ];
        if let Some((_, shortfall)) = shortfalls.into_iter().find(|(phrase, _)| words.eat(phrase)) {
            self.shortfall = shortfall;
        } else if words.eat("in steps") {
            self.mode = "steps";
        } else if words.eat("carry the remainder") {
            self.mode = "steps_carried";
        } else if words.eat("in proportion") {
            self.mode = "proportional";
        } else if words.eat("with tax") {
            self.include_tax = true;
        } else if words.eat("without tax") {
            self.include_tax = false;
        } else if words.eat("with shipping") {
            self.include_shipping = true;
        } else if words.eat("without shipping") {
            self.include_shipping = false;
        } else if words.eat("nothing extends") {
            self.extend.clear();
        } else if words.eat("never expires") {
            "\"never\"".clone_into(&mut self.validity);
        } else if words.eat("refunds in proportion") {
            self.on_refund = "in_proportion";
        } else if words.eat("refunds in money first") {
            self.on_refund = "stays";
        }
        Ok(())
    }

    /// The program document.
    pub(super) fn to_json(&self) -> String {
        let Self { currency, zone, on, mode, include_tax, include_shipping, validity, extend, .. } = self;
        let Self { waiting_days, grace_days, value_min, points_min, hold_minutes, on_refund, .. } = self;
        let Self { shortfall, certificates, sign_up, birthday, claim_days, .. } = self;
        let custom = self.custom.join(", ");
        let ((points, per), (redeem, value)) = (&self.earn, &self.redeem);
        let (limits, tiers) = (self.limits.to_json(), self.tiers.to_json());
        let caps: Vec<String> = self.caps.iter().map(|(key, most)| format!("\"{key}\": {most}")).collect();
        let caps = caps.join(", ");
        let (earning, order_types) = (self.earning.keys(), self.earning.order_types());
        let promotions = self.earning.promotions();
        let (convert, rewards) = (&self.convert, self.rewards.to_json());
        format!(
            r#"{{
  "format": 1,
  "name": "Points",
  "currency": "{currency}",
  "time_zone": "{zone}",
  "earn": {{
    "points": {points}, "per": "{per}", "mode": "{mode}", "on": "{on}",
    "include_tax": {include_tax}, "include_shipping": {include_shipping}, "waiting_days": {waiting_days},
    "caps": {{ {caps} }},
    {earning}
  }},
  "order_types": {order_types},
  "promotions": {promotions},
  "validity": {validity},{extend}
  "activities": {{ "sign_up": {sign_up}, "birthday": {birthday}, "custom": [{custom}] }},
  "grace_days": {grace_days},
  "claim_days": {claim_days},
  "redeem": {{
    "points": {redeem}, "value": "{value}", "min_value": "{value_min}", "min_points": {points_min},
    "hold_minutes": {hold_minutes}, "on_refund": "{on_refund}"{limits}
  }},
  "refund": {{ "shortfall": "{shortfall}" }},
  "certificates": {{ "uses": "{certificates}" }}{convert}{rewards}{tiers}
}}
"#
        )
    }
}

/// `1000 to 5.00`, or `250 to a certificate of 25.00 [once|several] [for 90 days] [by staff]`.
fn convert(words: &mut Words) -> Result<String, Fault> {
    let points = figure(words)?;
    words.expect("to")?;
    if !words.eat("a certificate of") {
        let credit = figure(words)?;
        return Ok(format!(",\n  \"convert\": {{ \"points\": {points}, \"credit\": \"{credit}\" }}"));
    }
    let mut keys = format!("\"value\": \"{}\"", figure(words)?);
    loop {
        keys += &if words.eat("once") {
            ", \"uses\": \"once\"".to_owned()
        } else if words.eat("several") {
            ", \"uses\": \"several\"".to_owned()
        } else if words.eat("by staff") {
            ", \"given\": \"by_staff\"".to_owned()
        } else if words.eat("until") {
            format!(", \"validity\": {{ \"until\": \"{}\" }}", words.date()?)
        } else if words.eat("for") {
            let number = figure(words)?;
            let unit = words.take();
            if !["days", "months"].contains(&unit) {
                return Err(Fault::allowed(unit, "`days` or `months`"));
            }
            format!(", \"validity\": {{ \"{unit}\": {number} }}")
        } else {
            break;
        };
    }
    Ok(format!(",\n  \"convert\": {{ \"points\": {points}, \"certificate\": {{ {keys} }} }}"))
}

/// A figure as written: the program document says whether it can be.
pub(super) fn figure(words: &mut Words) -> Result<String, Fault> {
    let word = words.take();
    let is_figure = !word.is_empty() && word.bytes().all(|it| it.is_ascii_digit() || it == b'.');
    if is_figure { Ok(word.to_owned()) } else { Err(Fault::allowed(word, "a figure such as 12 or 1.00")) }
}

/// `activity review gives 50 points, 1 a day, 3 a month, 10 in all`; without the commas, which end nothing here.
fn activity(words: &mut Words) -> Result<String, Fault> {
    let name = name(words.take())?;
    words.expect("gives")?;
    let points = before(words, "points")?;
    let mut limits = String::new();
    while !words.is_done() {
        let times = figure(words)?;
        let ends = [("a day", "per_day"), ("a month", "per_month"), ("in all", "per_life")];
        let key = ends.into_iter().find(|(phrase, _)| words.eat(phrase)).map(|it| it.1);
        let key = key.ok_or_else(|| Fault::allowed(words.peek(), "`a day`, `a month` or `in all`"))?;
        limits += &format!(", \"{key}\": {times}");
    }
    Ok(format!("{{ \"name\": \"{name}\", \"points\": {points}{limits} }}"))
}

fn extend(on: &str, months: &str) -> String {
    format!(" \"extend\": {{ \"on\": \"{on}\", \"months\": {months} }},")
}

/// A month and a day as written.
fn day_of_year(word: &str) -> Result<String, Fault> {
    let is_day = word.len() == 5 && word.bytes().all(|it| it.is_ascii_digit() || it == b'-');
    if is_day { Ok(word.to_owned()) } else { Err(Fault::allowed(word, "a month and a day such as 12-31")) }
}

pub(super) fn after(words: &mut Words, word: &str) -> Result<String, Fault> {
    words.expect(word)?;
    figure(words)
}

pub(super) fn before(words: &mut Words, word: &str) -> Result<String, Fault> {
    let figure = figure(words)?;
    words.expect(word)?;
    Ok(figure)
}

/// Letters, digits and what stands in names of zones: nothing that would have to be escaped.
pub(super) fn name(word: &str) -> Result<String, Fault> {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || b"/_+-".contains(&it);
    if !word.is_empty() && word.bytes().all(is_plain) {
        Ok(word.to_owned())
    } else {
        Err(Fault::allowed(word, "a currency such as EUR or a zone such as Europe/Zurich"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clause_changes_what_it_names() {
        let mut clauses = Clauses::default();
        for clause in ["earn 100 per 10.00 on placed", "in steps", "expire after 30 days", "in EUR", "at least 5.00"] {
            assert_eq!(clauses.change(clause), Ok(()), "{clause}");
        }
        let json = clauses.to_json();
        for part in ["\"points\": 100, \"per\": \"10.00\", \"mode\": \"steps\", \"on\": \"placed\"", "{ \"days\": 30 }"]
        {
            assert!(json.contains(part), "{part} in {json}");
        }
        assert!(json.contains("\"currency\": \"EUR\"") && json.contains("\"min_value\": \"5.00\""), "{json}");
    }

    #[test]
    fn a_clause_that_is_none_says_what_is_allowed() {
        for clause in ["earn lots", "expire", "in the evening", "wait 14 weeks", "shortfall forgive", "with gusto"] {
            let fault = Clauses::default().change(clause);
            assert!(fault.is_err(), "{clause}");
        }
    }
}
