//! A row of members to bring over, however it is sent: what it may say, and how that is read.
//!
//! A row is one member with one lot of points at most; a member with points of several dates has several rows. Bounded by one
//! row at a time, and the names of those before it.

use std::collections::BTreeMap;

use engine::{Currency, Date, Facts, Money, Points, Timestamp, Uses, Validity, Zone};
use store::{Identity, IdentityKind, MemberRef};

/// What a row can say, in columns of a file or keys of an object.
pub const COLUMNS: [&str; 17] = [
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

/// One row, as far as it says anything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberRow {
    /// Its place, from 1; of a file with the header.
    pub line: u64,
    /// What the row is called: by its own column, or by its member and the last day of its points.
    pub reference: String,
    pub member: MemberRef,
    /// The member's own and those of the other columns.
    pub identities: Vec<Identity>,
    pub name: Option<String>,
    pub facts: Facts,
    pub points: Option<Points>,
    /// The first instant at which the points are gone: left out, as the program says.
    pub expires_at: Option<Timestamp>,
    pub tier: Option<String>,
    pub tier_until: Option<Timestamp>,
    pub credit: Option<Money>,
    /// What a certificate is worth, its last day, and how often it can be used: left out, as the program says.
    pub certificate: Option<Money>,
    pub certificate_expires: Validity,
    pub certificate_uses: Option<Uses>,
}

/// Reads rows, one after the other.
pub struct RowReader {
    zone: Zone,
    currency: Currency,
    /// What the rows so far are called, each by its line.
    known: BTreeMap<String, u64>,
}

impl RowReader {
    /// Days are those of `zone`.
    pub fn new(zone: Zone, currency: Currency) -> Self {
        Self { zone, currency, known: BTreeMap::new() }
    }

    /// Reads the row of that place; `text` answers what stands in a column.
    ///
    /// # Errors
    /// What is wrong, and what is allowed.
    pub fn read<'a>(&mut self, line: u64, text: &dyn Fn(&str) -> Option<&'a str>) -> Result<MemberRow, String> {
        let row = self.row(line, &Cells(text))?;
        self.once(row)
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

    fn row(&self, line: u64, cells: &Cells<'_, '_>) -> Result<MemberRow, String> {
        let named = cells.text("member").ok_or("member: it is empty; allowed is what finds a member")?;
        let member = member(named).map_err(|it| format!("member: \"{named}\" {it}"))?;
        let mut identities = Vec::new();
        if let MemberRef::Identity(identity) = &member {
            identities.push(identity.clone());
        }
        for kind in IdentityKind::ALL {
            let Some(value) = cells.text(kind.name()) else { continue };
            let identity = identity(kind, value)
                .ok_or_else(|| format!("{}: \"{value}\" cannot be one; allowed is {}", kind.name(), allowed(kind)))?;
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

struct Cells<'f, 'a>(&'f dyn Fn(&str) -> Option<&'a str>);

impl<'a> Cells<'_, 'a> {
    fn text(&self, column: &str) -> Option<&'a str> {
        (self.0)(column).map(str::trim).filter(|it| !it.is_empty())
    }

    fn parsed<T>(&self, column: &str, allowed: &str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>, String> {
        let Some(text) = self.text(column) else { return Ok(None) };
        parse(text).map(Some).ok_or_else(|| format!("{column}: \"{text}\" cannot be that; allowed is {allowed}"))
    }

    fn day(&self, column: &str) -> Result<Option<Date>, String> {
        self.parsed(column, "a day such as 2027-12-31", |it| Date::parse(it).ok())
    }
}

/// Reads a member as people name one: a bare word is a customer id.
pub fn member(text: &str) -> Result<MemberRef, String> {
    let text = text.trim();
    if let Some((kind, value)) = text.split_once(':')
        && let Some(kind) = IdentityKind::ALL.into_iter().find(|it| it.name() == kind)
    {
        let found = identity(kind, value).map(MemberRef::Identity);
        return found.ok_or_else(|| format!("cannot be a member's {}; allowed is {}", kind.name(), allowed(kind)));
    }
    if text.contains(':') || text.starts_with("mem_") {
        return text.parse().map_err(|fault: store::MemberFault| fault.to_string());
    }
    let wrong = "is no member: give mem_…, customer:…, card:…, email:…, phone:… or a bare customer id";
    identity(IdentityKind::Customer, text).map(MemberRef::Identity).ok_or_else(|| wrong.to_owned())
}

/// An identity, if the value can be one of its kind.
pub fn identity(kind: IdentityKind, value: &str) -> Option<Identity> {
    match format!("{}:{value}", kind.name()).parse() {
        Ok(MemberRef::Identity(identity)) => Some(identity),
        Ok(MemberRef::Id(_)) | Err(_) => None,
    }
}

/// What a value of a kind looks like.
pub fn allowed(kind: IdentityKind) -> &'static str {
    match kind {
        IdentityKind::Customer | IdentityKind::Card => "1 to 120 bytes without control characters",
        IdentityKind::Email => "an address such as ana@example.com",
        IdentityKind::Phone => "a number such as +41441234567",
    }
}
