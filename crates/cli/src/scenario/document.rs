//! Orders in words. A step that says what was sold is the whole document; one that does not is the last document of the
//! order with the changes that the step names.

use engine::{Document, DocumentVersion, HoldNo, Line, LineKind, LotNo, Money, Points, Return, ReturnPart, Timestamp};

use super::certificates;
use super::moment::When;
use super::words::{Fault, Words, money};

const ALLOWED: &str = "an amount such as 100.00, `placed`, `paid`, `fulfilled` or `cancelled` (with `on 2022-02-28` if not \
    now), `redeem 500`, `credit 5.00`, `certificate 1`, `bearer 1`, `no certificates`, `hold 1`, `version 3`, `changed 2022-02-28 10:00`, `coupon 15.00`, `discount 5.00`, \
    `shipping 4.90`, `gift cards 20.00`, `type renewal`, `refunded 40.00`, `returned book 1`, `in EUR`, `from till`, `import`, `again`, and last `lines: book \
    2 x 20.00 less 1.00 tax 3.00 included, card 25.00 gift card`";
const ALLOWED_LINE: &str =
    "a name and an amount, then `less 1.00`, `tax 3.00`, `tax 3.00 included`, `in coffee`, `gift card`";

/// What an order step says of its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sale {
    /// What was sold, if the step says it.
    lines: Option<Vec<Line>>,
    changes: Vec<Change>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Change {
    Date(Named, Option<Timestamp>),
    Redeem(Points),
    Credit(Money),
    Certificates(Vec<LotNo>),
    Hold(HoldNo),
    Version(DocumentVersion),
    Coupon(Money),
    Discount(Money),
    Shipping(Money),
    Refunded(Money),
    Returned(Return),
    Currency([u8; 3]),
    GiftCards(Money),
    OrderType(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Placed,
    Paid,
    Fulfilled,
    Cancelled,
}

/// Where and how an order is sent, beside its document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sending {
    pub(super) channel: Option<String>,
    pub(super) import: bool,
}

impl Sale {
    /// Reads all words of an order or a quote.
    pub(super) fn read(words: &mut Words, rest: Option<&str>, when: &When) -> Result<(Self, Sending), Fault> {
        let mut sale = Self::default();
        let mut sending = Sending::default();
        while !words.is_done() {
            if words.eat("import") {
                sending.import = true;
            } else if words.eat("from") {
                sending.channel = Some(words.take().to_owned());
            } else if words.eat("again") {
                // Says no more than that nothing changed.
            } else if let Some(change) = Change::read(words, when)? {
                sale.changes.push(change);
            } else if words.peek().starts_with(|it: char| it.is_ascii_digit() || it == '-') {
                sale.lines = Some(vec![line("1", words.money(when.exponent)?)]);
            } else {
                return Err(Fault::allowed(words.peek(), ALLOWED));
            }
        }
        if let Some(rest) = rest {
            sale.lines = Some(rest.split(',').map(|it| read_line(it, when.exponent)).collect::<Result<_, _>>()?);
        }
        Ok((sale, sending))
    }

    /// The document, given the last one of the order.
    pub(super) fn document(&self, last: Option<&Document>, now: Timestamp, currency: [u8; 3]) -> Option<Document> {
        let mut document = match (&self.lines, last) {
            (Some(lines), last) => {
                let placed_at = last.map_or(now, |it| it.placed_at);
                let sale = Document::sale(currency, Money::ZERO, placed_at);
                Document { lines: lines.clone(), paid_at: None, ..sale }
            }
            (None, Some(last)) => last.clone(),
            (None, None) => return None,
        };
        for change in &self.changes {
            change.apply(&mut document, last, now);
        }
        Some(document)
    }
}

impl Change {
    fn read(words: &mut Words, when: &When) -> Result<Option<Self>, Fault> {
        let dates = [
            ("placed", Named::Placed),
            ("paid", Named::Paid),
            ("fulfilled", Named::Fulfilled),
            ("cancelled", Named::Cancelled),
        ];
        if let Some((_, named)) = dates.into_iter().find(|(word, _)| words.eat(word)) {
            let at = if words.eat("on") { Some(when.read(words)?) } else { None };
            return Ok(Some(Self::Date(named, at)));
        }
        let exponent = when.exponent;
        Ok(Some(if words.eat("redeem") {
            Self::Redeem(words.points()?)
        } else if words.eat("credit") {
            Self::Credit(words.money(exponent)?)
        } else if words.eat("no certificates") {
            Self::Certificates(Vec::new())
        } else if words.eat("certificate") || words.eat("certificates") || words.peek() == "bearer" {
            let mut numbers = vec![certificates::read_number(words)?];
            while words.eat("and") {
                numbers.push(certificates::read_number(words)?);
            }
            Self::Certificates(numbers)
        } else if words.eat("hold") {
            Self::Hold(HoldNo(words.number("the number of a hold such as 1")?))
        } else if words.eat("version") {
            Self::Version(DocumentVersion::Number(words.number("a number such as 3")?))
        } else if words.eat("changed") {
            Self::Version(DocumentVersion::Changed(when.read(words)?))
        } else if words.eat("coupon") {
            Self::Coupon(words.money(exponent)?)
        } else if words.eat("discount") {
            Self::Discount(words.money(exponent)?)
        } else if words.eat("shipping") {
            Self::Shipping(words.money(exponent)?)
        } else if words.eat("gift cards") {
            Self::GiftCards(words.money(exponent)?)
        } else if words.eat("type") {
            Self::OrderType(words.take().to_owned())
        } else if words.eat("refunded") {
            Self::Refunded(words.money(exponent)?)
        } else if words.eat("returned") {
            Self::Returned(read_return(words, exponent)?)
        } else if words.eat("in") {
            let code = words.take();
            let code = code.as_bytes().try_into().map_err(|_| Fault::allowed(code, "a currency such as EUR"))?;
            Self::Currency(code)
        } else {
            return Ok(None);
        }))
    }

    /// A date that is named without a day keeps the one that it had.
    fn apply(&self, document: &mut Document, last: Option<&Document>, now: Timestamp) {
        match self {
            Self::Date(named, at) => {
                let before = last.and_then(|it| named.of(it));
                let at = at.or(before).unwrap_or(now);
                match named {
                    Named::Placed => document.placed_at = at,
                    Named::Paid => document.paid_at = Some(at),
                    Named::Fulfilled => document.fulfilled_at = Some(at),
                    Named::Cancelled => document.cancelled_at = Some(at),
                }
            }
            Self::Redeem(points) => document.redeem = Some(*points),
            Self::Credit(credit) => document.credit = Some(*credit),
            Self::Certificates(numbers) => document.certificates = Some(numbers.clone()),
            Self::Hold(no) => document.hold = Some(*no),
            Self::Version(version) => document.version = *version,
            Self::Coupon(amount) => document.coupon = *amount,
            Self::Discount(amount) => document.discount = *amount,
            Self::Shipping(amount) => document.shipping = *amount,
            Self::Refunded(amount) => document.refunded = *amount,
            Self::Returned(back) => {
                document.returns.retain(|it| it.line != back.line);
                document.returns.push(back.clone());
            }
            Self::Currency(code) => document.currency = *code,
            Self::GiftCards(amount) => document.gift_cards = *amount,
            Self::OrderType(name) => document.order_type = Some(name.clone()),
        }
    }
}

impl Named {
    fn of(self, document: &Document) -> Option<Timestamp> {
        match self {
            Self::Placed => Some(document.placed_at),
            Self::Paid => document.paid_at,
            Self::Fulfilled => document.fulfilled_at,
            Self::Cancelled => document.cancelled_at,
        }
    }
}

/// A whole number is a quantity, an amount has its decimals.
fn read_return(words: &mut Words, exponent: u8) -> Result<Return, Fault> {
    let line = words.take().to_owned();
    let part = if words.peek().contains('.') {
        ReturnPart::Amount(words.money(exponent)?)
    } else {
        ReturnPart::Quantity(words.number("a quantity such as 1 or an amount such as 12.50")?)
    };
    Ok(Return { line, part })
}

fn line(id: &str, amount: Money) -> Line {
    Line {
        id: id.to_owned(),
        product: None,
        category: None,
        kind: LineKind::Goods,
        quantity: 1,
        amount,
        discount: Money::ZERO,
        tax: Money::ZERO,
        tax_included: false,
    }
}

/// `book 2 x 20.00 less 1.00 tax 3.00 included`: two pieces at 20.00, one off for both, 3.00 tax in the price of both.
fn read_line(text: &str, exponent: u8) -> Result<Line, Fault> {
    let mut words = Words::of(text)?;
    let id = words.take();
    let first = words.take();
    let (quantity, price) = if words.eat("x") {
        let quantity = Words::of(first)?.number::<u32>("a quantity such as 2")?;
        (quantity, words.money(exponent)?)
    } else {
        (1, money(first, exponent)?)
    };
    let amount = price.minor().checked_mul(i64::from(quantity)).ok_or_else(|| Fault::allowed(first, ALLOWED_LINE))?;
    let product = Some(id.to_owned());
    let mut line = Line { quantity, product, ..line(id, Money::new(amount)) };
    while !words.is_done() {
        if words.eat("less") {
            line.discount = words.money(exponent)?;
        } else if words.eat("tax") {
            line.tax = words.money(exponent)?;
            line.tax_included = words.eat("included");
        } else if words.eat("in") {
            line.category = Some(words.take().to_owned());
        } else if words.eat("gift card") {
            line.kind = LineKind::GiftCard;
        } else {
            return Err(Fault::allowed(words.peek(), ALLOWED_LINE));
        }
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EUR: [u8; 3] = *b"EUR";

    fn read(text: &str, lines: Option<&str>) -> Result<Sale, Fault> {
        Sale::read(&mut Words::of(text)?, lines, &When::default()).map(|(sale, _)| sale)
    }

    #[test]
    fn a_short_form_is_the_last_document_with_a_change() {
        let at = Timestamp::from_micros(0);
        let first = read("paid 100.00", None).expect("this is a sale").document(None, at, EUR).expect("it says what");
        let later = at.plus_days(3);
        let refund = read("refunded 40.00", None).expect("this is a change");
        let second = refund.document(Some(&first), later, EUR).expect("there is a document to change");
        assert_eq!(second, Document { refunded: Money::new(4_000), ..first });
        assert_eq!(refund.document(None, later, EUR), None);
    }

    #[test]
    fn a_whole_document_keeps_the_days_of_the_last_one() {
        let at = Timestamp::from_micros(0);
        let first = read("paid 100.00", None).expect("this is a sale").document(None, at, EUR);
        let whole = read("paid 60.00", None).expect("this is a sale").document(first.as_ref(), at.plus_days(3), EUR);
        let whole = whole.expect("it says what was sold");
        assert_eq!((whole.placed_at, whole.paid_at), (at, Some(at)));
    }

    #[test]
    fn lines_have_pieces_discounts_and_tax() {
        let sale = read("paid", Some("book 2 x 20.00 less 1.00 tax 3.00 included, card 25.00 gift card"));
        let lines = sale.expect("the lines are well formed").lines.expect("there are lines");
        assert_eq!((lines[0].quantity, lines[0].amount, lines[0].discount), (2, Money::new(4_000), Money::new(100)));
        assert_eq!((lines[0].tax, lines[0].tax_included, lines[1].kind), (Money::new(300), true, LineKind::GiftCard));
        assert!(read("paid", Some("book")).is_err());
        assert!(read("paid gladly", None).is_err());
    }
}
