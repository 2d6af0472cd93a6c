//! A whole order as JSON, in the shape of the API; a date may stand where the API wants a time.

use engine::{Timestamp, is_name};
use server::program::Fault;
use server::wire::misfit;
use server::wire::order::{OrderDocument, Read, Reading, hold_no};

use super::flat::member_of;
use super::{OrderLine, Shop, Trouble, when};

/// Reads the order of one line.
///
/// # Errors
/// The path of the first fault.
pub(super) fn order(line: u64, row: u64, text: &str, shop: &Shop) -> Result<OrderLine, Trouble> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let whole: Result<OrderDocument, Fault> = serde_path_to_error::deserialize(&mut reader)
        .map_err(|it| misfit::fault(&it.path().to_string(), &it.inner().to_string()));
    let read = whole.and_then(|it| read(line, row, &it, shop));
    read.map_err(|Fault { path, what, allowed }| {
        let path = if path == "body" { "order".to_owned() } else { path };
        let problem = format!("{what}; allowed is {allowed}");
        Trouble { line, reference: reference_of(text), field: Some(path), problem }
    })
}

/// The reference of an order that cannot be read otherwise.
fn reference_of(text: &str) -> Option<String> {
    let value: serde_json::Value = serde_json::from_str(text).ok()?;
    value.get("reference")?.as_str().map(str::to_owned)
}

fn read(line: u64, row: u64, whole: &OrderDocument, shop: &Shop) -> Result<OrderLine, Fault> {
    let reference = whole.reference.clone().unwrap_or_else(|| row.to_string());
    if !is_name(&reference) {
        return Err(at("reference", ("it is none".to_owned(), "1 to 120 bytes without control characters".to_owned())));
    }
    let member = whole.member.as_deref().map(|it| member_of(it, shop)).transpose();
    let member = member.map_err(|it| at("member", parted(it, "a member id, or an identity such as card:6001234")))?;
    if whole.certificates.is_some() {
        let what = "orders of the past name no certificates".to_owned();
        return Err(at("certificates", (what, "the key left out".to_owned())));
    }
    let time = |text: &str| time(text, shop);
    let document = whole.read(&Reading { currency: shop.currency, time: &time, hold: &hold_no })?;
    let recorded = whole.at.as_deref().map(time).transpose().map_err(|it| at("at", it))?;
    let latest = document.dates().into_iter().filter_map(|(_, date)| date).max().unwrap_or(document.placed_at);
    let recorded = recorded.unwrap_or(latest);
    if recorded < latest {
        let what = "it lies before a date of the order".to_owned();
        return Err(at("at", (what, "that date or later".to_owned())));
    }
    Ok(OrderLine { line, is_flat: false, member, reference, document, at: recorded })
}

fn time(text: &str, shop: &Shop) -> Read<Timestamp> {
    let at = when::parse(text, &shop.zone).map_err(|it| parted(it, when::ALLOWED))?;
    if shop.latest < at {
        return Err((format!("\"{text}\" lies ahead"), "at most 5 minutes from now".to_owned()));
    }
    Ok(at)
}

/// A sentence such as "7 is no date; allowed is a date" in its parts.
fn parted(sentence: String, allowed: &str) -> (String, String) {
    match sentence.split_once("; allowed is ") {
        Some((what, allowed)) => (what.to_owned(), allowed.to_owned()),
        None => (sentence, allowed.to_owned()),
    }
}

fn at(path: &str, (what, allowed): (String, String)) -> Fault {
    Fault { path: path.to_owned(), what, allowed }
}
