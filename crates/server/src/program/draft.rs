//! A draft of a program: what an order of the shop's choice would come to, and what it would change (P4).

use engine::{Answer, Document, Money, Points};

use super::document::ProgramDocument;
use super::example::Example;
use super::plain::plain_words;
use crate::fault::Fault;
use crate::words::{Names, Voice, answer_in_words, rejection_in_words};

/// What an order of `amount` would be answered under the draft, for a new member who has just the points to redeem.
///
/// # Errors
/// A `Fault` when the amount is none in the program's currency, or the draft cannot be.
pub fn try_order(draft: &ProgramDocument, amount: &str, redeem: Points) -> Result<String, Fault> {
    let terms = draft.terms()?;
    let exponent = terms.currency.exponent;
    let amount = Money::parse(amount, exponent)
        .map_err(|fault| Fault::new("order", format!("\"{amount}\" {fault}"), "an amount such as 30.98"))?;
    let mut example = Example::new(&terms);
    if redeem.is_positive() && example.adjust(redeem).is_none() {
        return Err(Fault::new("redeem", format!("{redeem} are too many"), "at most 1,000,000,000,000 points"));
    }
    let sale = Document { redeem: redeem.is_positive().then_some(redeem), ..example.sale(amount) };
    let names = Names::of(draft);
    let voice = Voice { terms: &terms, names: &names };
    Ok(match example.put(None, sale) {
        // The member is made up, and so is the day on which these points were earned.
        Ok(answer) => answer_in_words(&Answer { spent: Vec::new(), ..answer }, Some("example"), &voice),
        Err(rejection) => rejection_in_words(&rejection, &voice),
    })
}

/// The sentences of plain words that a draft takes away and adds, compared with the version in force.
///
/// # Errors
/// A `Fault` when one of the documents cannot be.
pub fn differences(current: &ProgramDocument, draft: &ProgramDocument) -> Result<Differences, Fault> {
    let (old, new) = (plain_words(current)?, plain_words(draft)?);
    let only = |these: &[String], those: &[String]| these.iter().filter(|it| !those.contains(it)).cloned().collect();
    Ok(Differences { gone: only(&old, &new), added: only(&new, &old) })
}

/// What changes from one document to another, in sentences.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Differences {
    pub gone: Vec<String>,
    pub added: Vec<String>,
}
