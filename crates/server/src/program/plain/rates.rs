//! What is special in plain words: rates, multipliers, exclusions, gift cards and order types. Lists are cut short.

use engine::{EarnMode, Points};

use super::Plain;
use crate::program::document::ProgramDocument;
use crate::program::rates::{GiftCardsDocument, RateDocument, RoundingDocument};

/// So many of a list are named.
const NAMED_MAX: usize = 5;

impl Plain<'_> {
    pub(super) fn special_rates(&self, document: &ProgramDocument) -> Vec<String> {
        let earn = &document.earn;
        let mut said = Vec::new();
        if !document.order_types.is_empty() {
            let types = listed(document.order_types.iter().map(String::as_str));
            said.push(format!("The program applies to orders of type {types}; others earn and redeem nothing."));
        }
        said.extend(earn.rates.iter().take(NAMED_MAX).map(|it| self.special_rate(it)));
        if NAMED_MAX < earn.rates.len() {
            said.push(format!(
                "{} more rates are for other products, categories and types.",
                earn.rates.len() - NAMED_MAX
            ));
        }
        if !earn.rates.is_empty() {
            let order = "A product's rate comes before its category's, that before the customer type's, and all before the program's";
            said.push(format!("{order}."));
        }
        for it in earn.multipliers.iter().take(NAMED_MAX) {
            let what = format!("Members of type {}", it.customer_type);
            said.push(if it.times == "0" {
                format!("{what} earn nothing.")
            } else {
                format!("{what} earn {} times as much.", it.times)
            });
        }
        let excluded = [
            ("Products", &earn.exclude.products),
            ("Categories", &earn.exclude.categories),
            ("Members of type", &earn.exclude.customer_types),
        ];
        for (what, names) in excluded.into_iter().filter(|it| !it.1.is_empty()) {
            said.push(format!("{what} {} earn nothing.", listed(names.iter().map(String::as_str))));
        }
        if earn.gift_cards == GiftCardsDocument::WhenSold {
            said.push("Gift cards earn when they are sold; what they pay later earns nothing.".to_owned());
        }
        if earn.rounding == RoundingDocument::Line {
            said.push(format!("{} are rounded down line by line.", self.many()));
        }
        said
    }

    fn special_rate(&self, it: &RateDocument) -> String {
        let what = match (&it.product, &it.category, &it.customer_type) {
            (Some(name), _, _) => format!("Product {name} earns"),
            (_, Some(name), _) => format!("Category {name} earns"),
            (_, _, Some(name)) => format!("Members of type {name} earn"),
            (None, None, None) => "It earns".to_owned(),
        };
        let points = self.points(Points::new(it.points_each.or(it.points).unwrap_or_default()));
        match &it.per {
            Some(per) if self.terms.earn.mode == EarnMode::Proportional => format!("{what} {points} per {}.", per.0),
            Some(per) => format!("{what} {points} for each full {}.", per.0),
            None => format!("{what} {points} for each unit."),
        }
    }
}

/// "a, b and 3 more".
pub(super) fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let named: Vec<&str> = names.take(NAMED_MAX).collect();
    let named = named.join(", ");
    if more == 0 { named } else { format!("{named} and {more} more") }
}
