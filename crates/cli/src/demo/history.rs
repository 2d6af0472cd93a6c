//! Reads the CDNOW history: one purchase a line, whitespace between the columns, CRLF, one header line.
//!
//! The file is part of the binary, so that the binary alone can show the sample shop. It has no order numbers: the row
//! number, from 1, stands for one. Lines that repeat are real.

use anyhow::{Context, Result, bail, ensure};
use engine::{Date, Money};

const MASTER: &[u8] = include_bytes!("../../../../demo/cdnow/CDNOW_master.txt");

/// One line of the history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    /// Number of its line among the purchases, from 1.
    pub(crate) row: u32,
    pub(crate) customer: u32,
    pub(crate) date: Date,
    pub(crate) discs: u32,
    pub(crate) amount: Money,
}

/// The first `rows` purchases, or all.
pub(crate) fn purchases(rows: Option<u32>) -> Result<Vec<Purchase>> {
    let text = std::str::from_utf8(MASTER).context("the history in this program is damaged")?;
    let wanted = rows.map_or(usize::MAX, |it| it as usize);
    let lines = (1..).zip(text.lines().skip(1)).take(wanted);
    lines.map(|(row, line)| purchase(row, line).with_context(|| format!("row {row} of the history"))).collect()
}

fn purchase(row: u32, line: &str) -> Result<Purchase> {
    let mut columns = line.split_ascii_whitespace();
    let (Some(customer), Some(date), Some(discs), Some(amount), None) =
        (columns.next(), columns.next(), columns.next(), columns.next(), columns.next())
    else {
        bail!("a purchase has four columns");
    };
    ensure!(date.len() == 8 && date.is_ascii(), "a date has eight digits");
    let date = Date::parse(&format!("{}-{}-{}", &date[..4], &date[4..6], &date[6..]))?;
    Ok(Purchase { row, customer: customer.parse()?, date, discs: discs.parse()?, amount: Money::parse(amount, 2)? })
}

#[test]
fn the_history_is_read_whole() {
    let all = purchases(None).expect("the history is whole");
    assert_eq!(all.len(), 69_659);
    assert_eq!(all.iter().map(|it| it.amount).sum::<Money>(), Money::new(250_031_563));
    assert_eq!(all.iter().filter(|it| it.amount.is_zero()).count(), 80);
    assert_eq!(all.last().map(|it| (it.row, it.customer)), Some((69_659, 23_570)));
    assert_eq!(purchases(Some(3)).expect("the history is whole").len(), 3);
}

#[test]
fn a_line_that_is_no_purchase_is_refused() {
    assert!(purchase(1, " 00001 19970101  1   11.77").is_ok());
    for bad in
        ["", " 00001 19970101  1", "1 19971301 1 1.00", "1 1997 1 1.00", "1 19970101 x 1.00", "1 19970101 1 1.001"]
    {
        assert!(purchase(1, bad).is_err(), "{bad}");
    }
}
