//! The periods to choose from, cut into the days, weeks or months that the chart shows. Bounded: a cut has at most 60 pieces.

use engine::Date;

use crate::pages::say;

/// Months of a cut, past which it is made of years.
const MONTHS_MAX: usize = 36;

/// How far back the figures go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Period {
    Days30,
    Days90,
    Months12,
    All,
}

/// A piece of a period, both days included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) from: Date,
    pub(crate) to: Date,
    pub(crate) label: String,
    pub(crate) name: String,
}

impl Period {
    pub(crate) const ALL: [Self; 4] = [Self::Days30, Self::Days90, Self::Months12, Self::All];

    /// As it stands in addresses.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Days30 => "30-days",
            Self::Days90 => "90-days",
            Self::Months12 => "12-months",
            Self::All => "all",
        }
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Days30 => "30 days",
            Self::Days90 => "90 days",
            Self::Months12 => "12 months",
            Self::All => "All",
        }
    }

    /// An unknown name is the shortest period: a link that somebody changed still leads somewhere.
    pub(crate) fn named(name: Option<&str>) -> Self {
        Self::ALL.into_iter().find(|it| Some(it.name()) == name).unwrap_or(Self::Days30)
    }

    /// What one piece is.
    pub(crate) fn piece(self, pieces: usize) -> &'static str {
        match self {
            Self::Days30 => "day",
            Self::Days90 => "week",
            Self::Months12 => "month",
            Self::All if pieces <= MONTHS_MAX => "month",
            Self::All => "year",
        }
    }

    /// The first day of a period that ends today. `first` is the first day with figures.
    pub(crate) fn begins(self, today: Date, first: Date) -> Date {
        match self {
            Self::Days30 => today.plus_days(-29),
            Self::Days90 => today.plus_days(-90),
            Self::Months12 => months_back(today, 11),
            Self::All => first.min(today),
        }
    }

    /// The period in order. Days, weeks and months never overlap and leave nothing out.
    pub(crate) fn pieces(self, today: Date, first: Date) -> Vec<Piece> {
        let from = self.begins(today, first);
        match self {
            Self::Days30 => {
                runs(from, today, |at| at.plus_days(1), |from, _| (say::label_day(from), crate::words::day(from)))
            }
            Self::Days90 => {
                runs(from, today, |at| at.plus_days(7), |from, to| (say::label_day(from), say::days(from, to)))
            }
            Self::Months12 => months(from, today),
            Self::All => {
                let months = months(from, today);
                if months.len() <= MONTHS_MAX { months } else { years(from, today) }
            }
        }
    }
}

fn months(from: Date, to: Date) -> Vec<Piece> {
    let next = |at: Date| start_of_month(at).plus_months(1);
    runs(from, to, next, |from, _| (say::label_month(from), say::month(from)))
}

fn years(from: Date, to: Date) -> Vec<Piece> {
    let next = |at: Date| start_of_year(at).plus_months(12);
    runs(from, to, next, |from, _| {
        let year = from.to_string()[..4].to_owned();
        (year.clone(), year)
    })
}

fn runs(from: Date, to: Date, next: impl Fn(Date) -> Date, say: impl Fn(Date, Date) -> (String, String)) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut at = from;
    while at <= to {
        let after = next(at);
        let last = to.min(after.plus_days(-1));
        let (label, name) = say(at, last);
        pieces.push(Piece { from: at, to: last, label, name });
        at = after;
    }
    pieces
}

fn start_of_month(date: Date) -> Date {
    let text = date.to_string();
    let day: i32 = text[8..].parse().unwrap_or(1);
    date.plus_days(1 - day)
}

fn start_of_year(date: Date) -> Date {
    Date::parse(&format!("{}-01-01", &date.to_string()[..4])).unwrap_or(date)
}

/// The first day of the month so many months before.
fn months_back(date: Date, months: u16) -> Date {
    let mut at = start_of_month(date);
    for _ in 0..months {
        at = start_of_month(at.plus_days(-1));
    }
    at
}

#[cfg(test)]
fn check(period: Period, today: &str, first: &str, count: usize, ends: [&str; 2]) {
    let date = |text| Date::parse(text).expect("a day");
    let pieces = period.pieces(date(today), date(first));
    assert_eq!(pieces.len(), count, "{period:?}");
    for pair in pieces.windows(2) {
        assert_eq!(pair[0].to.plus_days(1), pair[1].from, "nothing is left out or counted twice");
    }
    let (first, last) = (pieces.first().expect("a piece"), pieces.last().expect("a piece"));
    assert_eq!([first.name.as_str(), last.name.as_str()], ends, "{period:?}");
    assert_eq!(last.to, date(today));
    assert_eq!(first.from, period.begins(date(today), first.from));
}

#[test]
fn periods_are_cut_without_gaps() {
    check(Period::Days30, "2026-11-22", "2020-01-01", 30, ["24 October 2026", "22 November 2026"]);
    check(Period::Days90, "2026-11-22", "2020-01-01", 13, ["24 to 30 August 2026", "16 to 22 November 2026"]);
    check(Period::Months12, "2026-11-22", "2020-01-01", 12, ["December 2025", "November 2026"]);
    check(Period::Months12, "2024-02-29", "2024-02-29", 12, ["March 2023", "February 2024"]);
    check(Period::All, "2026-11-22", "2026-11-22", 1, ["November 2026", "November 2026"]);
    check(Period::All, "2026-11-22", "2025-06-15", 18, ["June 2025", "November 2026"]);
    check(Period::All, "2026-11-22", "2020-06-15", 7, ["2020", "2026"]);
    check(Period::All, "2026-11-22", "2027-06-15", 1, ["November 2026", "November 2026"]);
}
