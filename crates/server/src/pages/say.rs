//! Small things that several pages say alike: days, distances, signs, initials.

use engine::{Date, Points};

use crate::words::{day, number};

/// "1,204" of anything that is counted.
pub(crate) fn count(things: i64) -> String {
    number(Points::new(things))
}

/// "+30", "−250" with a true minus sign, "0".
pub(crate) fn signed(points: Points) -> String {
    match points.get() {
        0 => "0".to_owned(),
        1.. => format!("+{}", number(points)),
        ..0 => format!("\u{2212}{}", number(-points)),
    }
}

/// "14 Nov 2026"
pub(crate) fn short_day(date: Date) -> String {
    let text = day(date);
    let mut parts = text.split(' ');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(day), Some(month), Some(year)) => format!("{day} {} {year}", short_month(month)),
        _ => text,
    }
}

/// "14 Nov"
pub(crate) fn label_day(date: Date) -> String {
    let text = short_day(date);
    text.rsplit_once(' ').map_or(text.clone(), |(day, _)| day.to_owned())
}

/// "November 2026"
pub(crate) fn month(date: Date) -> String {
    let text = day(date);
    text.split_once(' ').map_or(text.clone(), |(_, month)| month.to_owned())
}

/// "Nov 26"
pub(crate) fn label_month(date: Date) -> String {
    let text = month(date);
    match text.split_once(' ') {
        Some((month, year)) => format!("{} {}", short_month(month), &year[year.len().saturating_sub(2)..]),
        None => text,
    }
}

/// "16 to 22 November 2026", "30 November to 6 December 2026": what both days share is said once.
pub(crate) fn days(from: Date, to: Date) -> String {
    let (first, last) = (day(from), day(to));
    if from == to {
        return last;
    }
    let parts = |text: &str| {
        let mut parts = text.splitn(3, ' ').map(str::to_owned);
        [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default)
    };
    let ([day, month, year], [_, last_month, last_year]) = (parts(&first), parts(&last));
    if year != last_year {
        format!("{first} to {last}")
    } else if month != last_month {
        format!("{day} {month} to {last}")
    } else {
        format!("{day} to {last}")
    }
}

fn short_month(month: &str) -> &str {
    month.get(..3).unwrap_or(month)
}

/// How far off a day is: "today", "in 12 days", "in 4 months".
pub(crate) fn distance(days: i32) -> String {
    match days {
        ..=0 => "today".to_owned(),
        1 => "tomorrow".to_owned(),
        2..=59 => format!("in {days} days"),
        60..=729 => format!("in {} months", days / 30),
        730.. => format!("in {} years", days / 365),
    }
}

/// The first letters of the first and the last word of a name: "ML".
pub(crate) fn initials(name: &str) -> String {
    let mut words = name.split_whitespace().filter_map(|word| word.chars().find(|it| it.is_alphanumeric()));
    let first = words.next();
    let last = words.next_back();
    first.into_iter().chain(last).flat_map(char::to_uppercase).collect()
}

#[test]
fn days_share_what_they_have_in_common() {
    let date = |text| Date::parse(text).expect("a day");
    let check = |from, to, expected| assert_eq!(days(date(from), date(to)), expected);
    check("2026-11-22", "2026-11-22", "22 November 2026");
    check("2026-11-16", "2026-11-22", "16 to 22 November 2026");
    check("2026-10-24", "2026-11-22", "24 October to 22 November 2026");
    check("2025-12-01", "2026-11-22", "1 December 2025 to 22 November 2026");
    assert_eq!(short_day(date("2026-11-02")), "2 Nov 2026");
    assert_eq!(label_day(date("2026-11-02")), "2 Nov");
    assert_eq!(label_month(date("2026-05-31")), "May 26");
}

#[test]
fn signs_and_initials() {
    assert_eq!([30, -250, 0].map(|it| signed(Points::new(it))), ["+30", "\u{2212}250", "0"]);
    assert_eq!(["Maya Lindqvist", "jo", "", "Ana de la Cruz", "(x) ém"].map(initials), ["ML", "J", "", "AC", "XÉ"]);
    assert_eq!([0, 1, 12, 120, 800].map(distance), ["today", "tomorrow", "in 12 days", "in 4 months", "in 2 years"]);
}
