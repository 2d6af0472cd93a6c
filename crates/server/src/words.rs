//! The ledger in words: entries, answers and refusals as a cashier can read them aloud.
//!
//! Everything here is derived from codes and numbers that the engine wrote; nothing is worked out anew. Statement, till
//! and pages say the same sentence about the same entry.

mod answer;
mod certificate;
mod closed;
mod credit;
mod entry;
mod merge;
mod rejection;
mod reward;
mod tier;
mod voice;
mod worked;

pub use answer::{answer_in_words, choices_in_words};
pub(crate) use certificate::worth;
pub use certificate::{certificate_in_words, offer_in_words, spaced};
pub use closed::closed_in_words;
pub(crate) use credit::available_change;
pub use credit::credit_in_words;
pub use entry::{Lots, entry_in_words};
pub use rejection::rejection_in_words;
pub(crate) use rejection::rejection_plainly;
pub use reward::reward_in_words;
pub(crate) use tier::{figure_in_words, progress_in_words};
pub use voice::{Names, Voice};
pub(crate) use voice::{day, number, year_day};

/// A text as the beginning of a sentence.
pub(crate) fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
