//! Reads a file of members, row by row: CSV with a header.

use std::io::Read;

use anyhow::{Context, Result, bail};
use csv::StringRecord;
use engine::{Currency, Zone};
use server::bring::{COLUMNS, MemberRow, RowReader};

use super::RowFault;

/// A file that is being read.
pub(crate) struct MembersFile<R> {
    rows: csv::Reader<R>,
    columns: Vec<&'static str>,
    reader: RowReader,
}

impl<R: Read> MembersFile<R> {
    pub(crate) fn open(input: R, separator: u8, zone: Zone, currency: Currency) -> Result<Self> {
        let mut rows = csv::ReaderBuilder::new().delimiter(separator).flexible(true).from_reader(input);
        let header = rows.headers().context("reading the first line failed")?;
        let mut columns = Vec::with_capacity(header.len());
        for name in header {
            let name = name.trim().trim_start_matches('\u{feff}').to_ascii_lowercase();
            let known = COLUMNS.into_iter().find(|it| *it == name);
            let Some(column) = known else {
                bail!("there is no column {name}; allowed are {}", COLUMNS.join(", "));
            };
            if columns.contains(&column) {
                bail!("the column {name} stands there twice; allowed is each column once");
            }
            columns.push(column);
        }
        if !columns.contains(&"member") {
            bail!("the column member is missing; it holds what finds a member, such as a customer id or card:6001234");
        }
        Ok(Self { rows, columns, reader: RowReader::new(zone, currency) })
    }

    pub(crate) fn next(&mut self) -> Result<Option<Result<MemberRow, RowFault>>> {
        let mut record = StringRecord::new();
        if !self.rows.read_record(&mut record).context("reading failed")? {
            return Ok(None);
        }
        let line = record.position().map_or(0, csv::Position::line);
        let columns = &self.columns;
        let text = |column: &str| record.get(columns.iter().position(|it| *it == column)?);
        let member = text("member").map(str::trim).unwrap_or_default().to_owned();
        let read = if record.len() == columns.len() {
            self.reader.read(line, &text)
        } else {
            Err(format!("it has {} columns; allowed are {}, as in the header", record.len(), columns.len()))
        };
        Ok(Some(read.map_err(|problem| RowFault { line, member, problem })))
    }
}

#[cfg(test)]
use engine::{Money, Points};

#[test]
fn a_row_says_who_somebody_is_and_what_is_there() {
    let text =
        "member,card,points,expires,credit\n42,6001234,120,2027-12-31,5.00\n,,,,\n43,,0,,\n44,,,2027-12-31,\n45\n";
    let currency = Currency { code: *b"EUR", exponent: 2 };
    let mut file = MembersFile::open(text.as_bytes(), b',', Zone::utc(), currency).expect("a file of members");
    let mut rows = Vec::new();
    while let Some(row) = file.next().expect("it can be read") {
        rows.push(row);
    }
    let first = rows[0].as_ref().expect("a row");
    assert_eq!((first.line, first.reference.as_str(), first.identities.len()), (2, "42 2027-12-31", 2));
    assert_eq!((first.points, first.credit), (Some(Points::new(120)), Some(Money::new(500))));
    assert_eq!(first.expires_at, engine::Timestamp::parse("2028-01-01T00:00:00Z").ok());
    let problems: Vec<&str> = rows[1..].iter().map(|it| it.as_ref().expect_err("a fault").problem.as_str()).collect();
    assert_eq!(
        problems,
        [
            "member: it is empty; allowed is what finds a member",
            "points: \"0\" cannot be that; allowed is a whole number above 0",
            "expires: there are no points; allowed is no day without points",
            "it has 1 columns; allowed are 5, as in the header",
        ]
    );
}
