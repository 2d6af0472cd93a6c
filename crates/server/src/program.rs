//! Program documents: the versioned JSON that people write, read into the terms that the engine needs.
//!
//! A document is bounded by [`BYTES_MAX`], and every number in it by `engine::limits`. What is wrong is refused with the
//! path of the first fault and what is allowed there.

mod activities;
mod allowed;
mod caps;
mod catalogue;
mod certificates;
mod convert;
mod document;
mod draft;
mod example;
mod listed;
mod plain;
mod promotions;
mod rates;
mod read;
mod redeem_terms;
mod terms;
mod tiers;

use engine::{Date, Terms};

pub use crate::fault::Fault;
pub use activities::{ActivitiesDocument, CustomDocument};
pub use catalogue::{CouponDocument, RewardItemDocument};
pub use certificates::{CertificatesDocument, UsesDocument};
pub use document::{
    Amount, Discounted, EarnDocument, GrantOn, Mode, OnRefund, PointNames, ProgramDocument, RedeemDocument,
    RefundDocument, ShortfallPolicy, ValidityDocument,
};
pub use draft::{Differences, differences, try_order};
pub use plain::plain_words;
pub use promotions::{HoursDocument, PromotionDocument, Weekday};
pub use rates::{ExcludeDocument, GiftCardsDocument, MultiplierDocument, RateDocument, RoundingDocument};
pub use read::{BYTES_MAX, parse};

/// The only format there is so far.
pub const FORMAT: i64 = 1;

/// Compiles the text of a program document; what the store calls for each version that it loads.
///
/// # Errors
/// The fault as a sentence.
pub fn compile(text: &str) -> Result<Terms, String> {
    parse(text).and_then(|it| it.terms()).map_err(|it| it.to_string())
}

/// Reads a document that is to take effect today or later. What is already in the ledger is only parsed.
///
/// # Errors
/// As [`parse`], and when points granted today could not be spent any more (X1).
pub fn check(text: &str, today: Date) -> Result<ProgramDocument, Fault> {
    let document = parse(text)?;
    document.check_until(today)?;
    Ok(document)
}

/// The JSON Schema of program documents, as it is published in `docs/program.schema.json`.
pub fn schema() -> String {
    let mut text = format!("{:#}", schemars::schema_for!(ProgramDocument).to_value());
    text.push('\n');
    text
}
