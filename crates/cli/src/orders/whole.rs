//! A whole order as JSON, in the shape of the API: money as decimal texts, times as RFC 3339, unknown keys refused.

use engine::{
    Document, DocumentVersion, HoldNo, Line, LineKind, Money, Points, Return, ReturnPart, Timestamp, is_name,
};
use serde::Deserialize;
use server::wire::misfit::{self, Misfit};

use super::flat::member_of;
use super::{OrderLine, Shop, Trouble, when};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeOrder {
    member: Option<String>,
    reference: Option<String>,
    /// Ledger time, if it is later than the order's dates.
    at: Option<String>,
    version: Option<WholeVersion>,
    currency: Option<String>,
    lines: Vec<WholeLine>,
    discount: Option<String>,
    coupon: Option<String>,
    shipping: Option<String>,
    #[serde(default)]
    returns: Vec<WholeReturn>,
    refunded: Option<String>,
    placed_at: String,
    paid_at: Option<String>,
    fulfilled_at: Option<String>,
    cancelled_at: Option<String>,
    redeem: Option<i64>,
    hold: Option<u64>,
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "allowed is a whole number, or a time of change in quotes")]
enum WholeVersion {
    Number(u64),
    Changed(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeLine {
    id: String,
    product: Option<String>,
    category: Option<String>,
    #[serde(default)]
    kind: WholeKind,
    quantity: Option<u32>,
    amount: String,
    discount: Option<String>,
    tax: Option<String>,
    #[serde(default = "yes")]
    tax_included: bool,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum WholeKind {
    #[default]
    Goods,
    GiftCard,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WholeReturn {
    line: String,
    quantity: Option<u32>,
    amount: Option<String>,
}

fn yes() -> bool {
    true
}

/// Reads the order of one line.
///
/// # Errors
/// The path of the first fault.
pub(super) fn order(line: u64, row: u64, text: &str, shop: &Shop) -> Result<OrderLine, Trouble> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let whole: WholeOrder = serde_path_to_error::deserialize(&mut reader).map_err(|it| {
        let Misfit { path, what, allowed } = misfit::fault(&it.path().to_string(), &it.inner().to_string());
        let path = if path == "body" { "order".to_owned() } else { path };
        let problem = format!("{what}; allowed is {allowed}");
        Trouble { line, reference: reference_of(text), field: Some(path), problem }
    })?;
    let given = whole.reference.clone();
    Reader { line, row, shop }.order(whole).map_err(|(path, problem)| Trouble {
        line,
        reference: given,
        field: Some(path),
        problem,
    })
}

/// The reference of an order that cannot be read otherwise.
fn reference_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.get("reference")?.as_str().map(str::to_owned)
}

type Fault = (String, String);

struct Reader<'a> {
    line: u64,
    row: u64,
    shop: &'a Shop,
}

impl Reader<'_> {
    fn order(&self, whole: WholeOrder) -> Result<OrderLine, Fault> {
        let reference = whole.reference.clone().unwrap_or_else(|| self.row.to_string());
        if !is_name(&reference) {
            return Err(fault("reference", "allowed are 1 to 120 bytes without control characters"));
        }
        let member = whole.member.as_deref().map(|it| member_of(it, self.shop)).transpose();
        let member = member.map_err(|it| fault("member", it))?;
        let at = self.optional_time("at", whole.at.as_deref())?;
        let document = self.document(whole)?;
        let latest = document.dates().into_iter().filter_map(|(_, date)| date).max().unwrap_or(document.placed_at);
        let at = at.unwrap_or(latest);
        if at < latest {
            return Err(fault("at", "it lies before a date of the order; allowed is that date or later"));
        }
        Ok(OrderLine { line: self.line, is_flat: false, member, reference, document, at })
    }

    fn document(&self, whole: WholeOrder) -> Result<Document, Fault> {
        let lines = whole.lines.into_iter().enumerate().map(|(index, it)| self.line(index, it));
        let returns = whole.returns.into_iter().enumerate().map(|(index, it)| self.back(index, it));
        Ok(Document {
            version: self.version(whole.version)?,
            currency: self.currency(whole.currency.as_deref())?,
            lines: lines.collect::<Result<_, _>>()?,
            discount: self.money("discount", whole.discount.as_deref())?,
            coupon: self.money("coupon", whole.coupon.as_deref())?,
            shipping: self.money("shipping", whole.shipping.as_deref())?,
            returns: returns.collect::<Result<_, _>>()?,
            refunded: self.money("refunded", whole.refunded.as_deref())?,
            placed_at: self.time("placed_at", &whole.placed_at)?,
            paid_at: self.optional_time("paid_at", whole.paid_at.as_deref())?,
            fulfilled_at: self.optional_time("fulfilled_at", whole.fulfilled_at.as_deref())?,
            cancelled_at: self.optional_time("cancelled_at", whole.cancelled_at.as_deref())?,
            redeem: whole.redeem.map(Points::new),
            hold: whole.hold.map(HoldNo),
        })
    }

    fn line(&self, index: usize, it: WholeLine) -> Result<Line, Fault> {
        let money = |field: &str, text: Option<&str>| self.money(&format!("lines[{index}].{field}"), text);
        Ok(Line {
            kind: match it.kind {
                WholeKind::Goods => LineKind::Goods,
                WholeKind::GiftCard => LineKind::GiftCard,
            },
            quantity: it.quantity.unwrap_or(1),
            amount: money("amount", Some(&it.amount))?,
            discount: money("discount", it.discount.as_deref())?,
            tax: money("tax", it.tax.as_deref())?,
            tax_included: it.tax_included,
            id: it.id,
            product: it.product,
            category: it.category,
        })
    }

    fn back(&self, index: usize, it: WholeReturn) -> Result<Return, Fault> {
        let part = match (it.quantity, it.amount) {
            (Some(quantity), None) => ReturnPart::Quantity(quantity),
            (None, Some(amount)) => ReturnPart::Amount(self.money(&format!("returns[{index}].amount"), Some(&amount))?),
            _ => return Err(fault(&format!("returns[{index}]"), "allowed is either a quantity or an amount")),
        };
        Ok(Return { line: it.line, part })
    }

    fn version(&self, version: Option<WholeVersion>) -> Result<DocumentVersion, Fault> {
        Ok(match version {
            None => DocumentVersion::Arrival,
            Some(WholeVersion::Number(number)) => DocumentVersion::Number(number),
            Some(WholeVersion::Changed(text)) => DocumentVersion::Changed(self.time("version", &text)?),
        })
    }

    fn currency(&self, text: Option<&str>) -> Result<[u8; 3], Fault> {
        let Some(text) = text else { return Ok(self.shop.currency.code) };
        let code = <[u8; 3]>::try_from(text.as_bytes()).ok().filter(|it| it.iter().all(u8::is_ascii_uppercase));
        code.ok_or_else(|| fault("currency", format!("\"{text}\" is no currency; allowed is a code such as EUR")))
    }

    fn money(&self, path: &str, text: Option<&str>) -> Result<Money, Fault> {
        let Some(text) = text else { return Ok(Money::ZERO) };
        Money::parse(text, self.shop.currency.exponent).map_err(|it| fault(path, format!("\"{text}\" {it}")))
    }

    fn time(&self, path: &str, text: &str) -> Result<Timestamp, Fault> {
        let at = when::parse(text, &self.shop.zone).map_err(|it| fault(path, it))?;
        if self.shop.latest < at {
            return Err(fault(path, format!("\"{text}\" lies ahead; allowed is at most 5 minutes from now")));
        }
        Ok(at)
    }

    fn optional_time(&self, path: &str, text: Option<&str>) -> Result<Option<Timestamp>, Fault> {
        text.map(|it| self.time(path, it)).transpose()
    }
}

fn fault(path: &str, problem: impl Into<String>) -> Fault {
    (path.to_owned(), problem.into())
}
