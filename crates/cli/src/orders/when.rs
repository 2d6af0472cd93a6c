//! Dates and times as files write them.

use engine::{Date, DateFault, Timestamp, Zone};

pub(crate) const ALLOWED: &str = "a date (2026-03-01 or 20260301) or a time (2026-03-01T12:00:00Z)";

/// Reads an ISO date, `YYYYMMDD`, or RFC 3339. A date alone means noon there.
///
/// # Errors
/// What is wrong and what is allowed.
pub(crate) fn parse(text: &str, zone: &Zone) -> Result<Timestamp, String> {
    let date = match text.len() {
        8 if text.bytes().all(|it| it.is_ascii_digit()) => {
            Some(Date::parse(&format!("{}-{}-{}", &text[..4], &text[4..6], &text[6..])))
        }
        10 => Some(Date::parse(text)),
        _ => None,
    };
    let read = match date {
        Some(date) => date.map(|it| zone.at(it, 12, 0)),
        None => Timestamp::parse(text),
    };
    read.map_err(|fault| match fault {
        DateFault::OutOfRange => format!("\"{text}\" {fault}"),
        DateFault::NotDate | DateFault::NotInstant => format!("\"{text}\" is no date; allowed is {ALLOWED}"),
    })
}

#[test]
fn dates_are_read_as_files_write_them() {
    let zone = Zone::named("Europe/Zurich").expect("a zone");
    let check = |text: &str, expected: Option<&str>| {
        assert_eq!(parse(text, &zone).ok().map(|it| it.to_string()).as_deref(), expected, "{text}");
    };
    check("2026-03-01", Some("2026-03-01T11:00:00Z"));
    check("20260701", Some("2026-07-01T10:00:00Z"));
    check("2026-03-01T12:30:00+02:00", Some("2026-03-01T10:30:00Z"));
    for wrong in ["", "2026-02-30", "20261301", "1.3.2026", "2026-03-01T12:00", "26-03-01", "1960-01-01", "tomorrow!!"]
    {
        check(wrong, None);
    }
}
