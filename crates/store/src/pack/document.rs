//! Order documents, as they were sent last. Most fields of most orders are left out: a bit says which are there.

use engine::{Document, DocumentVersion, HoldNo, Line, LineKind, Money, Return, ReturnPart, Timestamp};

use super::certificate::{read_numbers, write_numbers};
use super::{Packer, Read, Unpacker, Unreadable};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

pub(crate) fn pack_document(document: &Document) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    write_document(&mut it, document);
    it.done()
}

pub(crate) fn unpack_document(bytes: &[u8]) -> Read<Document> {
    let mut it = Unpacker::new(bytes, VERSION)?;
    let document = read_document(&mut it)?;
    it.done()?;
    Ok(document)
}

pub(super) fn write_document(it: &mut Packer, document: &Document) {
    it.bytes(&document.currency);
    let amounts = [document.discount, document.coupon, document.shipping, document.refunded];
    let has_version = document.version != DocumentVersion::Arrival;
    let bits = amounts.iter().enumerate().map(|(index, it)| u8::from(!it.is_zero()) << index).sum::<u8>()
        | u8::from(!document.returns.is_empty()) << 4
        | u8::from(document.redeem.is_some()) << 5
        | u8::from(document.hold.is_some()) << 6
        | u8::from(has_version) << 7;
    it.byte(bits);
    for amount in amounts.into_iter().filter(|it| !it.is_zero()) {
        it.money(amount);
    }
    it.time(document.placed_at, ZERO);
    if has_version {
        write_version(it, document.version, document.placed_at);
    }
    let dates = [document.paid_at, document.fulfilled_at, document.cancelled_at];
    let reached: u8 = dates.iter().enumerate().map(|(index, it)| u8::from(it.is_some()) << index).sum();
    let has_gift_cards = !document.gift_cards.is_zero();
    it.byte(
        reached
            | u8::from(has_gift_cards) << 3
            | u8::from(document.order_type.is_some()) << 4
            | u8::from(document.credit.is_some()) << 5
            | u8::from(document.is_return) << 6
            | u8::from(document.certificates.is_some()) << 7,
    );
    for date in dates.into_iter().flatten() {
        it.time(date, document.placed_at);
    }
    if has_gift_cards {
        it.money(document.gift_cards);
    }
    if let Some(order_type) = &document.order_type {
        it.text(order_type);
    }
    it.list(&document.lines, write_line);
    if !document.returns.is_empty() {
        it.list(&document.returns, write_return);
    }
    if let Some(points) = document.redeem {
        it.points(points);
    }
    if let Some(hold) = document.hold {
        it.unsigned(hold.0);
    }
    if let Some(credit) = document.credit {
        it.money(credit);
    }
    if let Some(certificates) = &document.certificates {
        write_numbers(it, certificates);
    }
}

pub(super) fn read_document(it: &mut Unpacker<'_>) -> Read<Document> {
    let currency = it.array()?;
    let bits = it.byte()?;
    let has = |index: u8| bits >> index & 1 == 1;
    let mut amounts = [Money::ZERO; 4];
    for (index, amount) in (0..).zip(&mut amounts) {
        if has(index) {
            *amount = it.money()?;
        }
    }
    let placed_at = it.time(ZERO)?;
    let version = if has(7) { read_version(it, placed_at)? } else { DocumentVersion::Arrival };
    let reached = it.byte()?;
    let mut dates = [None; 3];
    for (index, date) in dates.iter_mut().enumerate() {
        if reached >> index & 1 == 1 {
            *date = Some(it.time(placed_at)?);
        }
    }
    let gift_cards = if reached >> 3 & 1 == 1 { it.money()? } else { Money::ZERO };
    let order_type = if reached >> 4 & 1 == 1 { Some(it.text()?) } else { None };
    let [discount, coupon, shipping, refunded] = amounts;
    let [paid_at, fulfilled_at, cancelled_at] = dates;
    Ok(Document {
        version,
        currency,
        lines: it.list(read_line)?,
        discount,
        coupon,
        shipping,
        gift_cards,
        order_type,
        returns: if has(4) { it.list(read_return)? } else { Vec::new() },
        refunded,
        placed_at,
        paid_at,
        fulfilled_at,
        cancelled_at,
        redeem: if has(5) { Some(it.points()?) } else { None },
        hold: if has(6) { Some(HoldNo(it.unsigned()?)) } else { None },
        credit: if reached >> 5 & 1 == 1 { Some(it.money()?) } else { None },
        certificates: if reached >> 7 == 1 { Some(read_numbers(it)?) } else { None },
        is_return: reached >> 6 & 1 == 1,
    })
}

pub(super) fn write_version(it: &mut Packer, version: DocumentVersion, base: Timestamp) {
    match version {
        DocumentVersion::Arrival => it.byte(0),
        DocumentVersion::Number(number) => {
            it.byte(1);
            it.unsigned(number);
        }
        DocumentVersion::Changed(at) => {
            it.byte(2);
            it.time(at, base);
        }
    }
}

pub(super) fn read_version(it: &mut Unpacker<'_>, base: Timestamp) -> Read<DocumentVersion> {
    Ok(match it.byte()? {
        0 => DocumentVersion::Arrival,
        1 => DocumentVersion::Number(it.unsigned()?),
        2 => DocumentVersion::Changed(it.time(base)?),
        _ => return Err(Unreadable),
    })
}

fn write_line(it: &mut Packer, line: &Line) {
    let is_gift_card = line.kind == LineKind::GiftCard;
    it.byte(
        u8::from(line.product.is_some())
            | u8::from(line.category.is_some()) << 1
            | u8::from(!line.discount.is_zero()) << 2
            | u8::from(!line.tax.is_zero()) << 3
            | u8::from(line.tax_included) << 4
            | u8::from(is_gift_card) << 5,
    );
    it.text(&line.id);
    for text in [&line.product, &line.category].into_iter().flatten() {
        it.text(text);
    }
    it.unsigned(u64::from(line.quantity));
    it.money(line.amount);
    for amount in [line.discount, line.tax].into_iter().filter(|it| !it.is_zero()) {
        it.money(amount);
    }
}

fn read_line(it: &mut Unpacker<'_>) -> Read<Line> {
    let bits = it.byte()?;
    if 63 < bits {
        return Err(Unreadable);
    }
    let has = |index: u8| bits >> index & 1 == 1;
    Ok(Line {
        id: it.text()?,
        product: if has(0) { Some(it.text()?) } else { None },
        category: if has(1) { Some(it.text()?) } else { None },
        quantity: it.small()?,
        amount: it.money()?,
        discount: if has(2) { it.money()? } else { Money::ZERO },
        tax: if has(3) { it.money()? } else { Money::ZERO },
        tax_included: has(4),
        kind: if has(5) { LineKind::GiftCard } else { LineKind::Goods },
    })
}

pub(super) fn write_return(it: &mut Packer, back: &Return) {
    it.text(&back.line);
    match back.part {
        ReturnPart::Quantity(quantity) => {
            it.byte(1);
            it.unsigned(u64::from(quantity));
        }
        ReturnPart::Amount(amount) => {
            it.byte(2);
            it.money(amount);
        }
    }
}

pub(super) fn read_return(it: &mut Unpacker<'_>) -> Read<Return> {
    let line = it.text()?;
    let part = match it.byte()? {
        1 => ReturnPart::Quantity(it.small()?),
        2 => ReturnPart::Amount(it.money()?),
        _ => return Err(Unreadable),
    };
    Ok(Return { line, part })
}
