//! The program that the answers of the set-up form come to, checked as any program document is.

use engine::{Timestamp, Zone};
use serde_json::{Value, json};

use super::{CurrencyChoice, Fault, SetUpForm};
use crate::app::App;
use crate::program::{self, plain_words};

/// Digits behind the point of "points per 1.00".
const RATE_DIGITS_MAX: u32 = 4;

/// What the preview says at most: how it earns, how long it lasts, what it pays.
const SENTENCES_MAX: usize = 13;

/// Where most shops are; any other zone of the IANA database can be typed.
pub(super) const ZONES: [&str; 48] = [
    "Africa/Cairo",
    "Africa/Johannesburg",
    "Africa/Lagos",
    "Africa/Nairobi",
    "America/Argentina/Buenos_Aires",
    "America/Bogota",
    "America/Chicago",
    "America/Denver",
    "America/Halifax",
    "America/Lima",
    "America/Los_Angeles",
    "America/Mexico_City",
    "America/New_York",
    "America/Phoenix",
    "America/Santiago",
    "America/Sao_Paulo",
    "America/Toronto",
    "America/Vancouver",
    "Asia/Bangkok",
    "Asia/Dubai",
    "Asia/Hong_Kong",
    "Asia/Jakarta",
    "Asia/Jerusalem",
    "Asia/Kolkata",
    "Asia/Manila",
    "Asia/Seoul",
    "Asia/Shanghai",
    "Asia/Singapore",
    "Asia/Taipei",
    "Asia/Tokyo",
    "Australia/Brisbane",
    "Australia/Perth",
    "Australia/Sydney",
    "Europe/Amsterdam",
    "Europe/Athens",
    "Europe/Berlin",
    "Europe/Dublin",
    "Europe/Istanbul",
    "Europe/Kyiv",
    "Europe/Lisbon",
    "Europe/London",
    "Europe/Madrid",
    "Europe/Paris",
    "Europe/Rome",
    "Europe/Stockholm",
    "Europe/Warsaw",
    "Europe/Zurich",
    "Pacific/Auckland",
];

const CURRENCIES: [&str; 38] = [
    "EUR", "USD", "GBP", "CHF", "AED", "ARS", "AUD", "BGN", "BRL", "CAD", "CLP", "CNY", "COP", "CZK", "DKK", "EGP",
    "HKD", "HUF", "IDR", "ILS", "INR", "JPY", "KRW", "KWD", "MXN", "MYR", "NOK", "NZD", "PEN", "PHP", "PLN", "RON",
    "SAR", "SEK", "SGD", "THB", "TRY", "ZAR",
];

/// A program that is not there yet.
pub(super) struct Draft {
    pub(super) name: String,
    pub(super) channel: String,
    pub(super) document: String,
    /// What it does; nothing while something but its name is wrong.
    pub(super) sentences: Vec<String>,
    pub(super) faults: Vec<Fault>,
}

impl Draft {
    pub(super) fn of(form: &SetUpForm, app: &App) -> Self {
        Self::at(form, app.now())
    }

    fn at(form: &SetUpForm, now: Timestamp) -> Self {
        let form = trimmed(form);
        let document = document(&named(&form));
        let mut faults = typed(&form);
        let mut sentences = Vec::new();
        let zone = Zone::named(&form.time_zone).unwrap_or_else(Zone::utc);
        match program::check(&document, zone.date_of(now)) {
            Ok(document) => sentences = plain_words(&document).unwrap_or_default(),
            Err(fault) => {
                let field = field_of(&fault.path);
                if !faults.iter().any(|it| it.field == field) {
                    faults.push(Fault { field, message: format!("{}; allowed is {}.", fault.what, fault.allowed) });
                }
            }
        }
        if faults.iter().any(|it| it.field != "name") {
            sentences.clear();
        }
        sentences.truncate(SENTENCES_MAX);
        Self { name: form.name, channel: form.channel, document, sentences, faults }
    }
}

/// What a program does can be told before it has a name: then nothing moves when the first letter is typed.
fn named(form: &SetUpForm) -> SetUpForm {
    let name = if form.name.is_empty() { "Your program".to_owned() } else { form.name.clone() };
    SetUpForm { name, ..form.clone() }
}

fn trimmed(form: &SetUpForm) -> SetUpForm {
    let trim = |it: &String| it.trim().to_owned();
    SetUpForm {
        name: trim(&form.name),
        one: trim(&form.one),
        many: trim(&form.many),
        currency: trim(&form.currency).to_uppercase(),
        time_zone: trim(&form.time_zone),
        earn: trim(&form.earn),
        worth: trim(&form.worth),
        months: trim(&form.months),
        channel: trim(&form.channel),
    }
}

/// What is wrong beside the document, or said better here.
fn typed(form: &SetUpForm) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |field, message: String| faults.push(Fault { field, message });
    if form.name.is_empty() {
        fault("name", "Give the program a name.".to_owned());
    }
    if !engine::is_name(&form.channel) {
        fault("channel", "Name the place that sells, for example web.".to_owned());
    }
    if rate(&form.earn).is_none() {
        fault("earn", format!("\u{201c}{}\u{201d} is no number of points such as 1 or 0.5.", form.earn));
    }
    if !form.months.is_empty() && form.months.parse::<u16>().is_err() {
        fault("months", format!("\u{201c}{}\u{201d} is no number of months such as 24.", form.months));
    }
    faults
}

/// "0.25" points per 1 are 25 points per 100.
fn rate(text: &str) -> Option<(u64, u64)> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let is_number = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let places = u32::try_from(fraction.len()).ok().filter(|it| *it <= RATE_DIGITS_MAX)?;
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || text.ends_with('.') {
        return None;
    }
    Some((format!("{whole}{fraction}").parse().ok()?, 10_u64.pow(places)))
}

fn document(form: &SetUpForm) -> String {
    let (points, per) = rate(&form.earn).unwrap_or((1, 1));
    let validity: Value = match form.months.parse::<u16>() {
        Ok(months) => json!({ "months": months }),
        Err(_) => json!("never"),
    };
    let document = json!({
        "format": program::FORMAT,
        "name": form.name,
        "currency": form.currency,
        "time_zone": form.time_zone,
        "points": { "one": form.one, "many": form.many },
        "earn": { "points": points, "per": per.to_string(), "on": "paid" },
        "validity": validity,
        "redeem": { "points": 100, "value": form.worth },
    });
    format!("{document:#}")
}

/// The field of the form that a place in the document comes from.
fn field_of(path: &str) -> &'static str {
    let fields = [
        ("points.one", "one"),
        ("points.many", "many"),
        ("currency", "currency"),
        ("time_zone", "time_zone"),
        ("earn", "earn"),
        ("validity", "months"),
        ("redeem", "worth"),
        ("name", "name"),
    ];
    fields.into_iter().find(|it| path.starts_with(it.0)).map_or("", |it| it.1)
}

pub(super) fn currencies(chosen: &str) -> Vec<CurrencyChoice> {
    let choice = |code: &'static str| {
        let currency = iso_currency::Currency::from_code(code)?;
        Some(CurrencyChoice { code, name: currency.name().to_owned(), is_chosen: code == chosen })
    };
    CURRENCIES.into_iter().filter_map(choice).collect()
}

#[cfg(test)]
fn form() -> SetUpForm {
    SetUpForm { name: "Bookshop".to_owned(), ..SetUpForm::default() }
}

#[cfg(test)]
fn today() -> Timestamp {
    Timestamp::parse("2026-11-22T12:00:00Z").expect("an instant")
}

#[cfg(test)]
fn check(form: &SetUpForm, faulty: &[&str]) {
    let draft = Draft::at(form, today());
    let fields: Vec<&str> = draft.faults.iter().map(|it| it.field).collect();
    assert_eq!(fields, faulty, "{:?}", draft.faults);
    assert_eq!(draft.sentences.is_empty(), faulty.iter().any(|it| *it != "name"));
}

#[test]
fn the_defaults_need_only_a_name() {
    check(&form(), &[]);
    check(&SetUpForm::default(), &["name"]);
    let draft = Draft::at(&form(), today());
    assert!(draft.sentences.iter().any(|it| it == "A member who pays 30.98 earns 30 points."), "{:?}", draft.sentences);
}

#[test]
fn rates_may_have_fractions_and_money_may_have_none() {
    let quarter = SetUpForm { earn: "0.25".to_owned(), ..form() };
    let draft = Draft::at(&quarter, today());
    assert!(draft.sentences.iter().any(|it| it == "An order earns 25 points per 100.00, rounded down once per order."));
    check(&SetUpForm { currency: "jpy".to_owned(), worth: "100".to_owned(), ..form() }, &[]);
    check(&SetUpForm { months: String::new(), ..form() }, &[]);
}

#[test]
fn each_fault_is_told_at_its_field() {
    check(&SetUpForm { earn: "many".to_owned(), ..form() }, &["earn"]);
    check(&SetUpForm { worth: "1,00".to_owned(), ..form() }, &["worth"]);
    check(&SetUpForm { months: "-1".to_owned(), channel: String::new(), ..form() }, &["channel", "months"]);
    check(&SetUpForm { time_zone: "Mars".to_owned(), ..form() }, &["time_zone"]);
    check(&SetUpForm { currency: "ABC".to_owned(), ..form() }, &["currency"]);
    check(&SetUpForm { one: String::new(), ..form() }, &["one"]);
}
