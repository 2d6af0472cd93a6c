//! How points, amounts, days and rates are said: with the shop's own word, in the program's currency and time zone.

use engine::{Cap, Date, EarnMode, Earned, Milestone, Money, Points, Terms, Timestamp, YearDay};

use super::worked::of_tier;
use crate::program::ProgramDocument;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// The most days on which points were earned that are named one by one.
const DAYS_NAMED_MAX: usize = 3;

/// The shop's own words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// As in "1 point".
    pub one: String,
    /// As in "2 points".
    pub many: String,
}

impl Names {
    pub fn of(document: &ProgramDocument) -> Self {
        Self { one: document.points.one.clone(), many: document.points.many.clone() }
    }
}

impl Default for Names {
    fn default() -> Self {
        Self { one: "point".to_owned(), many: "points".to_owned() }
    }
}

/// Says figures of one program.
#[derive(Clone, Copy, Debug)]
pub struct Voice<'a> {
    pub terms: &'a Terms,
    pub names: &'a Names,
}

impl Voice<'_> {
    /// "1 point", "3,098 points".
    pub fn points(&self, points: Points) -> String {
        let word = if points.get().abs() == 1 { &self.names.one } else { &self.names.many };
        format!("{} {word}", number(points))
    }

    /// "30.98", "1,000.00".
    pub fn amount(&self, amount: Money) -> String {
        let text = amount.to_text(self.terms.currency.exponent);
        match text.split_once('.') {
            Some((whole, fraction)) => format!("{}.{fraction}", grouped(whole)),
            None => grouped(&text),
        }
    }

    /// The local day of an instant: "1 April 2022".
    pub fn day_of(&self, at: Timestamp) -> String {
        day(self.terms.zone.date_of(at))
    }

    /// " (earned 1 April 2022)" of so many points, or each day with its points. Of `points` some may be of no lot. When they can be
    /// spent until is not said: it can be moved later, and what was said of them stays.
    pub(super) fn earned_on(&self, points: Points, lots: impl IntoIterator<Item = (Timestamp, Points)>) -> String {
        let mut days: Vec<(Timestamp, String, Points)> = Vec::new();
        for (earned_at, points) in lots {
            let day = self.day_of(earned_at);
            match days.iter_mut().find(|it| it.1 == day) {
                Some(known) => known.2 += points,
                None => days.push((earned_at, day, points)),
            }
        }
        days.sort();
        match days.as_slice() {
            [] => String::new(),
            [(_, day, all)] if *all == points => format!(" (earned {day})"),
            [(_, first, _), .., (_, last, _)] if DAYS_NAMED_MAX < days.len() => {
                format!(" (earned on {} days, {first} to {last})", days.len())
            }
            several => {
                let parts = several.iter().map(|(_, day, points)| format!("{} earned {day}", number(*points)));
                format!(" ({})", parts.collect::<Vec<_>>().join(", "))
            }
        }
    }

    /// The last day on which points can be spent that are gone at `expires_at`; nothing when they never are.
    pub fn last_day(&self, expires_at: Timestamp) -> Option<String> {
        if expires_at == Timestamp::NEVER {
            return None;
        }
        Some(self.day_of(Timestamp::from_micros(expires_at.micros() - 1)))
    }

    /// The local time of day: "13:21".
    pub fn clock(&self, at: Timestamp) -> String {
        let text = self.terms.zone.clock_text(at);
        text.rsplit(' ').next().unwrap_or_default().to_owned()
    }

    /// "1 point per 1.00", "100 points for each full 10.00".
    pub fn rate(&self, earned: &Earned) -> String {
        let rate = earned.rate;
        let (points, per) = (self.points(rate.points), self.amount(rate.per));
        match rate.mode {
            EarnMode::Proportional => format!("{points} per {per}"),
            EarnMode::Steps | EarnMode::StepsCarried => format!("{points} for each full {per}"),
        }
    }

    /// How an award was worked out: "1 point per 1.00 on 30.98, rounded down", what a cap left of it, and what earns nothing.
    pub fn working(&self, earned: &Earned) -> String {
        let left_out = earned.worked.as_ref().map_or_else(String::new, |it| self.left_out(it));
        self.by_rate(earned) + &self.cut(earned) + &left_out
    }

    /// ", which makes 90, but one order earns at most 80 points".
    fn cut(&self, earned: &Earned) -> String {
        let Some(cut) = earned.cut else { return String::new() };
        let (most, called_for) = (self.points(cut.most), number(cut.called_for.max(-cut.called_for)));
        let span = match cut.cap {
            Cap::Order => return format!(", which makes {called_for}, but one order earns at most {most}"),
            Cap::Day => "day",
            Cap::Month => "month",
            Cap::Year => "year",
        };
        let full = if earned.called_for.is_zero() { ", which others have earned already" } else { "" };
        format!(", which makes {called_for}, but the orders of a {span} earn at most {most} together{full}")
    }

    fn by_rate(&self, earned: &Earned) -> String {
        if let Some(worked) = &earned.worked {
            return self.worked(earned, worked);
        }
        let (rate, base, tier) = (self.rate(earned), self.amount(earned.base), of_tier(&earned.tier));
        match earned.rate.mode {
            EarnMode::StepsCarried if earned.carried.is_positive() => {
                format!("{rate} of {base} and {} carried over{tier}", self.amount(earned.carried))
            }
            EarnMode::Steps | EarnMode::StepsCarried => format!("{rate} of {base}{tier}"),
            EarnMode::Proportional if is_whole(earned) => format!("{rate} on {base}{tier}"),
            EarnMode::Proportional => format!("{rate} on {base}{tier}, rounded down"),
        }
    }
}

pub(crate) fn number(points: Points) -> String {
    grouped(&points.to_string())
}

/// "31 December".
pub(crate) fn year_day(day: YearDay) -> String {
    // Of a leap year, which has every day.
    let text = self::day(day.in_year(2024));
    text.strip_suffix(" 2024").unwrap_or(&text).to_owned()
}

/// "1 April 2022".
pub(crate) fn day(date: Date) -> String {
    let text = date.to_string();
    let mut parts = text.rsplitn(3, '-');
    let (day, month, year) = (parts.next(), parts.next(), parts.next());
    let month = month.and_then(|it| it.parse::<usize>().ok()).and_then(|it| MONTHS.get(it.checked_sub(1)?));
    match (day, month, year) {
        (Some(day), Some(month), Some(year)) => format!("{} {month} {year}", day.trim_start_matches('0')),
        _ => text,
    }
}

pub(crate) fn milestone(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Placed => "placed",
        Milestone::Paid => "paid",
        Milestone::Fulfilled => "fulfilled",
    }
}

/// Whether the rate gives whole points on the base, so that nothing was rounded.
fn is_whole(earned: &Earned) -> bool {
    let exact = i128::from(earned.base.minor()) * i128::from(earned.rate.points.get());
    exact % i128::from(earned.rate.per.minor()) == 0
}

/// Digits in groups of three: "-1,234,567".
fn grouped(digits: &str) -> String {
    let (sign, digits) = digits.strip_prefix('-').map_or(("", digits), |it| ("-", it));
    let mut text = sign.to_owned();
    for (index, digit) in digits.chars().enumerate() {
        if 0 < index && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
