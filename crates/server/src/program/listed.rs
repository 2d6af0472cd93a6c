//! What lists of a program have in common whose items members see: a name of its own for each, tiers that the program has, and
//! days in their order.

use std::collections::BTreeSet;

use engine::Date;

use super::allowed::allowed;
use super::rates::at_most;
use super::tiers::TiersDocument;
use crate::fault::Fault;

/// An item of such a list.
pub(super) trait Listed {
    /// The key of the list, and what one of its items is called.
    const KEY: &'static str;
    const ONE: &'static str;
    /// How many there can be.
    const MOST: usize;

    fn name(&self) -> &str;
    /// The tiers that it is for; all members where none is named.
    fn tiers(&self) -> &[String];
}

/// Reads a list item by item; `read` is given the path of each.
pub(super) fn listed<'a, D: Listed, T>(
    documents: &'a [D],
    tiers: Option<&TiersDocument>,
    read: impl Fn(&str, &'a D) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    at_most(D::KEY, documents.len(), D::MOST)?;
    let mut seen = BTreeSet::new();
    let mut list = Vec::with_capacity(documents.len());
    for (index, it) in documents.iter().enumerate() {
        let path = format!("{}[{index}]", D::KEY);
        list.push(read(&path, it)?);
        if !seen.insert(it.name()) {
            let what = format!("\"{}\" is the name of another {}", it.name(), D::ONE);
            return Err(Fault::new(&format!("{path}.name"), what, "a name of its own"));
        }
        check_tiers(&path, it.tiers(), tiers)?;
    }
    Ok(list)
}

/// Refuses tiers that the program has not.
fn check_tiers(path: &str, named: &[String], tiers: Option<&TiersDocument>) -> Result<(), Fault> {
    for (place, tier) in named.iter().enumerate() {
        if !tiers.is_some_and(|it| it.levels.iter().any(|it| it.name == *tier)) {
            let what = format!("no tier is called \"{tier}\"");
            return Err(Fault::new(&format!("{path}.tiers[{place}]"), what, "the name of one of tiers.levels"));
        }
    }
    Ok(())
}

/// The first and the last day of something, in their order.
pub(super) fn days(path: &str, from: Option<&str>, until: Option<&str>) -> Result<(Option<Date>, Option<Date>), Fault> {
    let at = |key: &str| format!("{path}.{key}");
    let (from, until) = (date(&at("from"), from)?, date(&at("until"), until)?);
    if let (Some(from), Some(until)) = (from, until)
        && until < from
    {
        return Err(Fault::new(&at("until"), format!("{until} is before {from}"), format!("{from} or a later day")));
    }
    Ok((from, until))
}

fn date(path: &str, text: Option<&str>) -> Result<Option<Date>, Fault> {
    let fault = |text: &str, it| Fault::new(path, format!("\"{text}\" {it}"), allowed("validity.until"));
    text.map(|text| Date::parse(text).map_err(|it| fault(text, it))).transpose()
}
