//! One line of fields becomes an order of one line.

use engine::{
    Document, DocumentVersion, Line, LineKind, Money, Points, Return, ReturnPart, Timestamp, is_name, limits,
};
use store::MemberRef;

use super::field::Field;
use super::{OrderLine, Shop, Trouble, when};
use crate::open;
use crate::text::grouped;

/// The texts of a line, by field. `Some("")` is a column that holds nothing; `None` is no column.
#[derive(Debug, Default)]
pub(crate) struct Flat {
    line: u64,
    row: u64,
    texts: [Option<String>; Field::ALL.len()],
}

/// The text of a cell.
///
/// # Errors
/// What is wrong with its bytes.
pub(crate) fn text(bytes: &[u8]) -> Result<String, String> {
    let text = std::str::from_utf8(bytes).map_err(|_| "the text is not UTF-8; allowed is UTF-8".to_owned())?;
    let text = text.trim();
    if text.contains('\0') {
        return Err("the text holds a NUL byte; allowed is text".to_owned());
    }
    Ok(text.to_owned())
}

impl Flat {
    pub(crate) fn new(line: u64, row: u64) -> Self {
        Self { line, row, ..Self::default() }
    }

    pub(crate) fn set(&mut self, field: Field, text: String) {
        self.texts[field.index()] = Some(text);
    }

    /// # Errors
    /// The first field that cannot be, and what is allowed there.
    pub(crate) fn order(self, shop: &Shop) -> Result<OrderLine, Trouble> {
        let reference = self.get(Field::Reference).map_or_else(|| self.row.to_string(), str::to_owned);
        let line = self.line;
        self.read(shop, &reference).map_err(|(field, problem)| Trouble {
            line,
            reference: self.get(Field::Reference).map(str::to_owned),
            field: Some(field.name().to_owned()),
            problem,
        })
    }

    fn read(&self, shop: &Shop, reference: &str) -> Result<OrderLine, (Field, String)> {
        if !is_name(reference) {
            return Err((Field::Reference, "allowed are 1 to 120 bytes without control characters".to_owned()));
        }
        let member = member_of(self.needed(Field::Member)?, shop).map_err(|it| (Field::Member, it))?;
        let document = self.document(shop)?;
        let latest = document.dates().into_iter().filter_map(|(_, date)| date).max().unwrap_or(document.placed_at);
        let at = self.date(Field::At, shop)?.unwrap_or(latest);
        if at < latest {
            return Err((Field::At, "it lies before a date of the order; allowed is that date or later".to_owned()));
        }
        let (line, reference) = (self.line, reference.to_owned());
        Ok(OrderLine { line, is_flat: true, member: Some(member), reference, document, at })
    }

    fn document(&self, shop: &Shop) -> Result<Document, (Field, String)> {
        self.needed(Field::Placed)?;
        let placed_at = self.date(Field::Placed, shop)?.ok_or((Field::Placed, when::ALLOWED.to_owned()))?;
        self.needed(Field::Amount)?;
        let amount = self.money(Field::Amount, shop)?;
        let mut document = Document::sale(self.currency(shop)?, amount, placed_at);
        document.version = self.version(shop)?;
        document.lines[0] = Line {
            id: "1".to_owned(),
            product: self.get(Field::Product).map(str::to_owned),
            category: self.get(Field::Category).map(str::to_owned),
            kind: LineKind::Goods,
            quantity: self.pieces(Field::Quantity)?.unwrap_or(1),
            amount,
            discount: Money::ZERO,
            tax: self.money(Field::Tax, shop)?,
            tax_included: true,
        };
        document.discount = self.money(Field::Discount, shop)?;
        document.coupon = self.money(Field::Coupon, shop)?;
        document.shipping = self.money(Field::Shipping, shop)?;
        document.refunded = self.money(Field::Refunded, shop)?;
        if let Some(pieces) = self.pieces(Field::Returned)?.filter(|it| 0 < *it) {
            document.returns.push(Return { line: "1".to_owned(), part: ReturnPart::Quantity(pieces) });
        }
        // Without a column for it, the purchases of a file are paid.
        if self.texts[Field::Paid.index()].is_some() {
            document.paid_at = self.date(Field::Paid, shop)?;
        }
        document.fulfilled_at = self.date(Field::Fulfilled, shop)?;
        document.cancelled_at = self.date(Field::Cancelled, shop)?;
        document.redeem = self.number(Field::Redeem, limits::POINTS_MAX.get())?.map(Points::new);
        Ok(document)
    }

    /// The text of a field that is not empty.
    fn get(&self, field: Field) -> Option<&str> {
        self.texts[field.index()].as_deref().filter(|it| !it.is_empty())
    }

    fn needed(&self, field: Field) -> Result<&str, (Field, String)> {
        self.get(field).ok_or_else(|| (field, "it is empty; every order needs one".to_owned()))
    }

    fn date(&self, field: Field, shop: &Shop) -> Result<Option<Timestamp>, (Field, String)> {
        let Some(text) = self.get(field) else { return Ok(None) };
        let at = when::parse(text, &shop.zone).map_err(|it| (field, it))?;
        if shop.latest < at {
            return Err((field, format!("\"{text}\" lies ahead; allowed is at most 5 minutes from now")));
        }
        Ok(Some(at))
    }

    fn money(&self, field: Field, shop: &Shop) -> Result<Money, (Field, String)> {
        let Some(text) = self.get(field) else { return Ok(Money::ZERO) };
        Money::parse(text, shop.currency.exponent).map_err(|fault| (field, format!("\"{text}\" {fault}")))
    }

    fn number(&self, field: Field, most: i64) -> Result<Option<i64>, (Field, String)> {
        let Some(text) = self.get(field) else { return Ok(None) };
        let number = text.parse().ok().filter(|it| (0..=most).contains(it));
        let problem = || {
            let most = grouped(most);
            (field, format!("\"{text}\" cannot stand here; allowed is a whole number from 0 to {most}"))
        };
        number.map(Some).ok_or_else(problem)
    }

    fn pieces(&self, field: Field) -> Result<Option<u32>, (Field, String)> {
        let number = self.number(field, i64::from(limits::QUANTITY_MAX))?;
        Ok(number.and_then(|it| u32::try_from(it).ok()))
    }

    fn currency(&self, shop: &Shop) -> Result<[u8; 3], (Field, String)> {
        let Some(text) = self.get(Field::Currency) else { return Ok(shop.currency.code) };
        match text.as_bytes() {
            code @ &[_, _, _] if text.bytes().all(|it| it.is_ascii_uppercase()) => Ok([code[0], code[1], code[2]]),
            _ => Err((Field::Currency, format!("\"{text}\" is no currency; allowed is a code such as EUR"))),
        }
    }

    fn version(&self, shop: &Shop) -> Result<DocumentVersion, (Field, String)> {
        let Some(text) = self.get(Field::Version) else { return Ok(DocumentVersion::Arrival) };
        if let Ok(number) = text.parse() {
            return Ok(DocumentVersion::Number(number));
        }
        self.date(Field::Version, shop)
            .map(|it| it.map_or(DocumentVersion::Arrival, DocumentVersion::Changed))
            .map_err(|(field, _)| (field, format!("\"{text}\" is neither a number nor a time of change")))
    }
}

/// What a flat line calls a path of the document that was made of it.
pub(crate) fn field_of(path: &str) -> &str {
    match path {
        "placed_at" => "placed",
        "paid_at" => "paid",
        "fulfilled_at" => "fulfilled",
        "cancelled_at" => "cancelled",
        "returns[0].quantity" | "returns[0]" | "returns" => "returned",
        _ => path.strip_prefix("lines[0].").unwrap_or(path),
    }
}

#[test]
fn a_path_is_told_as_the_column_that_it_came_from() {
    for (path, field) in [
        ("lines[0].amount", "amount"),
        ("returns[0].quantity", "returned"),
        ("cancelled_at", "cancelled"),
        ("redeem", "redeem"),
    ] {
        assert_eq!(field_of(path), field);
    }
}

/// Reads `card:123` and the like; a bare value is an identity of the kind that the import names.
pub(super) fn member_of(text: &str, shop: &Shop) -> Result<MemberRef, String> {
    let is_named = text.starts_with("mem_")
        || text.split_once(':').is_some_and(|(kind, _)| store::IdentityKind::ALL.iter().any(|it| it.name() == kind));
    if is_named {
        return open::member(text).map_err(|fault| format!("\"{text}\" {fault}"));
    }
    let (kind, allowed) = (shop.kind.name(), open::allowed(shop.kind));
    let identity = open::identity(shop.kind, text).map(MemberRef::Identity);
    identity.ok_or_else(|| format!("\"{text}\" cannot be a member's {kind}; allowed is {allowed}"))
}
