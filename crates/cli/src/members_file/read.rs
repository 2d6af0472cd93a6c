//! Reads a file of members, row by row: CSV with a header.

use std::collections::BTreeMap;
use std::io::Read;

use anyhow::{Context, Result, bail};
use csv::StringRecord;
use engine::{Currency, Date, Facts, Money, Points, Uses, Validity, Zone};
use store::{IdentityKind, MemberRef};

use super::{MemberRow, RowFault};
use crate::open;

const COLUMNS: [&str; 17] = [
    "member",
    "name",
    "customer",
    "card",
    "email",
    "phone",
    "type",
    "birthday",
    "points",
    "expires",
    "tier",
    "tier_until",
    "credit",
    "certificate",
    "certificate_expires",
    "certificate_uses",
    "reference",
];

/// A file that is being read.
pub(crate) struct MembersFile<R> {
    rows: csv::Reader<R>,
    columns: Vec<&'static str>,
    zone: Zone,
    currency: Currency,
    /// What the rows so far are called, each by its line.
    known: BTreeMap<String, u64>,
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
        Ok(Self { rows, columns, zone, currency, known: BTreeMap::new() })
    }

    pub(crate) fn next(&mut self) -> Result<Option<Result<MemberRow, RowFault>>> {
        let mut record = StringRecord::new();
        if !self.rows.read_record(&mut record).context("reading failed")? {
            return Ok(None);
        }
        let line = record.position().map_or(0, csv::Position::line);
        let cells = Cells { columns: &self.columns, record: &record };
        let member = cells.text("member").unwrap_or_default().to_owned();
        let read = if record.len() == self.columns.len() {
            self.row(line, &cells)
        } else {
            Err(format!("it has {} columns; allowed are {}, as in the header", record.len(), self.columns.len()))
        };
        let read = read.and_then(|row| self.once(row));
        Ok(Some(read.map_err(|problem| RowFault { line, member, problem })))
    }

    /// A second row of the same name would be taken for the first one again, and what it says be lost without a word.
    fn once(&mut self, row: MemberRow) -> Result<MemberRow, String> {
        let brings = row.points.is_some() || row.credit.is_some() || row.certificate.is_some();
        if !brings {
            return Ok(row);
        }
        let first = *self.known.entry(row.reference.clone()).or_insert(row.line);
        if first != row.line {
            return Err(format!(
                "it is called \"{}\" as line {first} is; allowed is a name of its own in the column reference",
                row.reference
            ));
        }
        Ok(row)
    }

    fn row(&self, line: u64, cells: &Cells<'_>) -> Result<MemberRow, String> {
        let named = cells.text("member").ok_or("member: it is empty; allowed is what finds a member")?;
        let member = open::member(named).map_err(|it| format!("member: \"{named}\" {it}"))?;
        let mut identities = Vec::new();
        if let MemberRef::Identity(identity) = &member {
            identities.push(identity.clone());
        }
        for kind in IdentityKind::ALL {
            let Some(value) = cells.text(kind.name()) else { continue };
            let identity = open::identity(kind, value).ok_or_else(|| {
                format!("{}: \"{value}\" cannot be one; allowed is {}", kind.name(), open::allowed(kind))
            })?;
            if !identities.contains(&identity) {
                identities.push(identity);
            }
        }
        let birthday = cells.parsed("birthday", "a day such as 1992-02-29", |it| Date::parse_birthday(it).ok())?;
        let points = cells.parsed("points", "a whole number above 0", |it| it.parse().ok().filter(|it| 0 < *it))?;
        let expires = cells.day("expires")?;
        let expires_at = expires.map(|it| self.zone.end_of(it));
        if points.is_none() && expires.is_some() {
            return Err("expires: there are no points; allowed is no day without points".to_owned());
        }
        let tier_until = cells.day("tier_until")?.map(|it| self.zone.end_of(it));
        let exponent = self.currency.exponent;
        let amount = |it: &str| Money::parse(it, exponent).ok().filter(|it| it.is_positive());
        let credit = cells.parsed("credit", "an amount such as 5.00", amount)?;
        let certificate = cells.parsed("certificate", "an amount such as 5.00", amount)?;
        let last_day = cells.day("certificate_expires")?;
        let uses = |it: &str| Uses::ALL.into_iter().find(|uses| uses.name() == it);
        let certificate_uses = cells.parsed("certificate_uses", "once or several", uses)?;
        if certificate.is_none() && (last_day.is_some() || certificate_uses.is_some()) {
            return Err("certificate: it is empty; allowed is what it is worth, or nothing about one".to_owned());
        }
        let days = [expires, last_day].into_iter().flatten();
        let dated = days.fold(named.to_owned(), |name, day| format!("{name} {day}"));
        Ok(MemberRow {
            line,
            reference: cells.text("reference").map_or(dated, str::to_owned),
            member,
            identities,
            name: cells.text("name").map(str::to_owned),
            facts: Facts { customer_type: cells.text("type").map(str::to_owned), birthday, ..Facts::default() },
            points: points.map(Points::new),
            expires_at,
            tier: cells.text("tier").map(str::to_owned),
            tier_until,
            credit,
            certificate,
            certificate_expires: last_day.map_or(Validity::Never, Validity::Until),
            certificate_uses,
        })
    }
}

struct Cells<'a> {
    columns: &'a [&'static str],
    record: &'a StringRecord,
}

impl Cells<'_> {
    fn text(&self, column: &str) -> Option<&str> {
        let index = self.columns.iter().position(|it| *it == column)?;
        self.record.get(index).map(str::trim).filter(|it| !it.is_empty())
    }

    fn parsed<T>(&self, column: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
        let Some(text) = self.text(column) else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| format!("{column}: \"{text}\" cannot be that; allowed is {allowed}"))
    }

    fn day(&self, column: &str) -> Result<Option<Date>, String> {
        self.parsed(column, "a day such as 2027-12-31", |it| Date::parse(it).ok())
    }
}

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
