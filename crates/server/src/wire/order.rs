//! The order document on the wire: the sale as it is now. Read into the engine's document, and written back from it.

use engine::{
    Currency, Document, DocumentVersion, HoldNo, Line, LineKind, Money, Points, Return, ReturnPart, Timestamp,
};
use iso_currency::Currency as IsoCurrency;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::ids::{Owned, OwnedId};
use super::object::objects;
use crate::fault::Fault;

/// An order as it is now: send it again whenever it changes. Amounts are decimal texts, for whole lines.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderDocument {
    /// Who bought: a member id, or an identity such as `card:6001234`. Left out of the first document: the order
    /// is kept until one names the member.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "card:6001234")]
    pub member: Option<String>,
    /// The shop's own name for the order. The address says it: left out, or the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "A17", min_length = 1, max_length = 120)]
    pub reference: Option<String>,
    /// Which of two documents is newer: a number, or the shop's time of change. One kind per order. Left out:
    /// documents count in the order in which they arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<WireVersion>,
    /// Left out: the currency of the program.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "USD", min_length = 3, max_length = 3)]
    pub currency: Option<String>,
    /// What was sold; lines that came back stay, and stand in `returns` as well.
    #[serde(deserialize_with = "objects")]
    #[schema(max_items = 1000)]
    pub lines: Vec<WireLine>,
    /// Taken off the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub discount: Option<String>,
    /// Coupons on the whole order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub coupon: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "4.90", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub shipping: Option<String>,
    /// What gift cards paid of it, where they earn when they are sold: then it earns nothing a second time.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub gift_cards: Option<String>,
    /// What kind of order it is, a word of the shop's own: a program may apply to some types only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "renewal", min_length = 1, max_length = 120)]
    pub order_type: Option<String>,
    /// What has come back by line, all in all.
    #[serde(default, deserialize_with = "objects", skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 1000)]
    pub returns: Vec<WireReturn>,
    /// What has been paid back without naming lines, all in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub refunded: Option<String>,
    #[schema(format = DateTime, example = "2026-03-01T12:00:00Z")]
    pub placed_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-03-01T12:00:00Z")]
    pub paid_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub fulfilled_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub cancelled_at: Option<String>,
    /// Points to pay with. Left out: as it stands, as far as it still fits; 0 gives all back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0, maximum = 1_000_000_000_000_i64, example = 250)]
    pub redeem: Option<i64>,
    /// The hold that the order takes over: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold: Option<String>,
    /// Store credit to pay with, an amount. Left out: as it stands, as far as it still fits; "0.00" gives all back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub credit: Option<String>,
    /// Certificates to pay with, by their codes or ids: each pays as much as it can. Left out: as they stand, as far as they
    /// still fit; an empty list gives all back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20, example = json!(["K7MP-4XWT-9QRA"]))]
    pub certificates: Option<Vec<String>>,
    /// Ledger time of an order of the past, not before the order's own dates. Needs the scope `import`, and lifts the
    /// limit of 30 days on dates. Left out: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub at: Option<String>,
}

#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "allowed is a whole number, or a time of change in quotes")]
pub enum WireVersion {
    Number(u64),
    #[schema(format = DateTime)]
    Changed(String),
}

/// One position of an order.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WireLine {
    #[schema(example = "1", min_length = 1, max_length = 120)]
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default)]
    pub kind: WireKind,
    /// Left out: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 1_000_000)]
    pub quantity: Option<u32>,
    /// Of the whole line, before its discount.
    #[schema(example = "30.98", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub amount: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub discount: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "0.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub tax: Option<String>,
    /// Whether the amount contains the tax.
    #[serde(default = "yes")]
    pub tax_included: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WireKind {
    #[default]
    Goods,
    /// Earns when it is used, not when it is sold.
    GiftCard,
}

/// What has come back of a line, all in all: a quantity or an amount.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WireReturn {
    #[schema(example = "1")]
    pub line: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 0)]
    pub quantity: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "10.00", pattern = r"^[0-9]{1,15}(\.[0-9]{1,4})?$")]
    pub amount: Option<String>,
}

fn yes() -> bool {
    true
}

/// What a text says; or what is wrong with it, and what is allowed.
pub type Read<T> = Result<T, (String, String)>;

/// How texts of a document are read: API and files differ in the dates that they allow.
pub struct Reading<'a> {
    /// Of the program; an order may name another, and is then refused by the rules.
    pub currency: Currency,
    pub time: &'a dyn Fn(&str) -> Read<Timestamp>,
    pub hold: &'a dyn Fn(&str) -> Read<HoldNo>,
}

/// RFC 3339 alone.
///
/// # Errors
/// What is wrong, and what is allowed.
pub fn instant(text: &str) -> Read<Timestamp> {
    let allowed = "a time such as \"2026-03-01T12:00:00Z\" in the years 1970 to 2500";
    Timestamp::parse(text).map_err(|_| (format!("\"{text}\" is no such time"), allowed.to_owned()))
}

/// The number in the id of a hold.
///
/// # Errors
/// What is wrong, and what is allowed.
pub fn hold_no(text: &str) -> Read<HoldNo> {
    let id: Option<OwnedId> = text.parse().ok().filter(|it: &OwnedId| it.kind == Owned::Hold);
    id.map(|it| HoldNo(it.number))
        .ok_or_else(|| (format!("\"{text}\" is no hold"), "the id of a hold, hld_…".to_owned()))
}

impl OrderDocument {
    /// The engine's document; member and ledger time stay behind.
    ///
    /// # Errors
    /// The first fault.
    pub fn read(&self, reading: &Reading<'_>) -> Result<Document, Fault> {
        let currency = self.currency(reading)?;
        let reader = Reader { reading, exponent: currency.exponent };
        let lines = self.lines.iter().enumerate().map(|(index, it)| reader.line(index, it));
        let returns = self.returns.iter().enumerate().map(|(index, it)| reader.back(index, it));
        Ok(Document {
            version: reader.version(self.version.as_ref())?,
            currency: currency.code,
            lines: lines.collect::<Result<_, _>>()?,
            discount: reader.money("discount", self.discount.as_deref())?,
            coupon: reader.money("coupon", self.coupon.as_deref())?,
            shipping: reader.money("shipping", self.shipping.as_deref())?,
            gift_cards: reader.money("gift_cards", self.gift_cards.as_deref())?,
            order_type: self.order_type.clone(),
            returns: returns.collect::<Result<_, _>>()?,
            refunded: reader.money("refunded", self.refunded.as_deref())?,
            placed_at: reader.time("placed_at", &self.placed_at)?,
            paid_at: reader.optional_time("paid_at", self.paid_at.as_deref())?,
            fulfilled_at: reader.optional_time("fulfilled_at", self.fulfilled_at.as_deref())?,
            cancelled_at: reader.optional_time("cancelled_at", self.cancelled_at.as_deref())?,
            redeem: self.redeem.map(Points::new),
            hold: self.hold.as_deref().map(|it| fault("hold", (reading.hold)(it))).transpose()?,
            credit: self.credit.as_deref().map(|it| reader.money("credit", Some(it))).transpose()?,
            // Codes are looked up by whoever sends the document on.
            certificates: None,
            is_return: false,
        })
    }

    /// The document as it is recorded, or as it would be sent.
    pub fn of(document: &Document, exponent: u8, member: Option<String>, hold: Option<String>) -> Self {
        let money = |it: Money| (it != Money::ZERO).then(|| it.to_text(exponent));
        let lines = document.lines.iter().map(|it| WireLine::of(it, exponent)).collect();
        let returns = document.returns.iter().map(|it| WireReturn::of(it, exponent)).collect();
        Self {
            member,
            reference: None,
            version: match document.version {
                DocumentVersion::Arrival => None,
                DocumentVersion::Number(number) => Some(WireVersion::Number(number)),
                DocumentVersion::Changed(at) => Some(WireVersion::Changed(at.to_string())),
            },
            currency: std::str::from_utf8(&document.currency).ok().map(str::to_owned),
            lines,
            discount: money(document.discount),
            coupon: money(document.coupon),
            shipping: money(document.shipping),
            gift_cards: money(document.gift_cards),
            order_type: document.order_type.clone(),
            returns,
            refunded: money(document.refunded),
            placed_at: document.placed_at.to_string(),
            paid_at: document.paid_at.map(|it| it.to_string()),
            fulfilled_at: document.fulfilled_at.map(|it| it.to_string()),
            cancelled_at: document.cancelled_at.map(|it| it.to_string()),
            redeem: document.redeem.map(Points::get),
            hold,
            credit: document.credit.map(|it| it.to_text(exponent)),
            certificates: None,
            at: None,
        }
    }

    fn currency(&self, reading: &Reading<'_>) -> Result<Currency, Fault> {
        let Some(text) = &self.currency else { return Ok(reading.currency) };
        if text.as_bytes() == reading.currency.code {
            return Ok(reading.currency);
        }
        let code = <[u8; 3]>::try_from(text.as_bytes()).ok();
        let found = code.and_then(|code| Some((code, IsoCurrency::from_code(text)?)));
        let unknown = || (format!("\"{text}\" is no currency"), "an ISO 4217 code such as USD".to_owned());
        let (code, found) = fault("currency", found.ok_or_else(unknown))?;
        let exponent = found.exponent().and_then(|it| u8::try_from(it).ok()).unwrap_or(2);
        Ok(Currency { code, exponent })
    }
}

struct Reader<'a> {
    reading: &'a Reading<'a>,
    exponent: u8,
}

impl Reader<'_> {
    fn line(&self, index: usize, it: &WireLine) -> Result<Line, Fault> {
        let money = |field: &str, text: Option<&str>| self.money_at(|| format!("lines[{index}].{field}"), text);
        Ok(Line {
            kind: match it.kind {
                WireKind::Goods => LineKind::Goods,
                WireKind::GiftCard => LineKind::GiftCard,
            },
            quantity: it.quantity.unwrap_or(1),
            amount: money("amount", Some(&it.amount))?,
            discount: money("discount", it.discount.as_deref())?,
            tax: money("tax", it.tax.as_deref())?,
            tax_included: it.tax_included,
            id: it.id.clone(),
            product: it.product.clone(),
            category: it.category.clone(),
        })
    }

    fn back(&self, index: usize, it: &WireReturn) -> Result<Return, Fault> {
        let part = match (it.quantity, &it.amount) {
            (Some(quantity), None) => ReturnPart::Quantity(quantity),
            (None, Some(amount)) => {
                ReturnPart::Amount(self.money_at(|| format!("returns[{index}].amount"), Some(amount))?)
            }
            (Some(_), Some(_)) | (None, None) => {
                let what = "quantity and amount stand here, or neither".to_owned();
                return fault(&format!("returns[{index}]"), Err((what, "either a quantity or an amount".to_owned())));
            }
        };
        Ok(Return { line: it.line.clone(), part })
    }

    fn version(&self, version: Option<&WireVersion>) -> Result<DocumentVersion, Fault> {
        Ok(match version {
            None => DocumentVersion::Arrival,
            Some(WireVersion::Number(number)) => DocumentVersion::Number(*number),
            Some(WireVersion::Changed(text)) => DocumentVersion::Changed(self.time("version", text)?),
        })
    }

    fn money(&self, path: &str, text: Option<&str>) -> Result<Money, Fault> {
        self.money_at(|| path.to_owned(), text)
    }

    /// The path is worked out only if there is a fault.
    fn money_at(&self, path: impl Fn() -> String, text: Option<&str>) -> Result<Money, Fault> {
        let Some(text) = text else { return Ok(Money::ZERO) };
        Money::parse(text, self.exponent).map_err(|it| {
            let digits = self.exponent;
            let allowed =
                format!("a decimal amount with at most {digits} digits after the point, to 100,000,000,000.00");
            Fault { path: path(), what: format!("\"{text}\" {it}"), allowed }
        })
    }

    fn time(&self, path: &str, text: &str) -> Result<Timestamp, Fault> {
        fault(path, (self.reading.time)(text))
    }

    fn optional_time(&self, path: &str, text: Option<&str>) -> Result<Option<Timestamp>, Fault> {
        text.map(|it| self.time(path, it)).transpose()
    }
}

impl WireLine {
    fn of(it: &Line, exponent: u8) -> Self {
        let money = |it: Money| (it != Money::ZERO).then(|| it.to_text(exponent));
        Self {
            id: it.id.clone(),
            product: it.product.clone(),
            category: it.category.clone(),
            kind: match it.kind {
                LineKind::Goods => WireKind::Goods,
                LineKind::GiftCard => WireKind::GiftCard,
            },
            quantity: Some(it.quantity),
            amount: it.amount.to_text(exponent),
            discount: money(it.discount),
            tax: money(it.tax),
            tax_included: it.tax_included,
        }
    }
}

impl WireReturn {
    pub(crate) fn of(it: &Return, exponent: u8) -> Self {
        let (quantity, amount) = match it.part {
            ReturnPart::Quantity(quantity) => (Some(quantity), None),
            ReturnPart::Amount(amount) => (None, Some(amount.to_text(exponent))),
        };
        Self { line: it.line.clone(), quantity, amount }
    }
}

fn fault<T>(path: &str, read: Read<T>) -> Result<T, Fault> {
    read.map_err(|(what, allowed)| Fault { path: path.to_owned(), what, allowed })
}
