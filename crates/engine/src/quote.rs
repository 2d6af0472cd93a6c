//! What an order would earn and could redeem, without recording it. A quote clamps to what is possible; committing what it
//! offers, at the same instant, gives what it says (R0).

use std::sync::Arc;

use crate::account::Account;
use crate::decision::{Moment, Stop};
use crate::document::Document;
use crate::entry::OrderNo;
use crate::limits;
use crate::order::{Answer, Status, put};
use crate::points::Points;
use crate::program::Rules;
use crate::rejection::Rejection;

/// An offer for a cart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The figure to ask for, at most what was asked for: what is kept of the order redeems `answer.redeemed`.
    pub redeem: Points,
    /// What the order would be answered if it asked for them.
    pub answer: Answer,
    /// Why it is fewer than asked for, or none.
    pub why: Option<Rejection>,
}

/// Works out a cart. Without a figure in the document it offers the most that can be redeemed.
///
/// # Errors
/// As `put_order`, but never for asking for too many or too few points.
pub fn quote(
    account: &Account,
    rules: Rules<'_>,
    known: Option<OrderNo>,
    document: &Document,
    moment: Moment,
) -> Result<Quote, Stop> {
    let mut wanted = document.clone();
    let mut why = None;
    let cancelled = document.cancelled_at.is_some();
    let mut redeem = if cancelled { Points::ZERO } else { document.redeem.unwrap_or(limits::POINTS_MAX) };
    loop {
        wanted.redeem = Some(redeem);
        let rejection = match put(account, rules, known, &Arc::new(wanted.clone()), moment, |_, _| Ok(Status::Recorded))
        {
            Ok(decided) => {
                let answer = decided.answer.expect("an order is always answered");
                return Ok(Quote { redeem: answer.asked, answer, why });
            }
            Err(Stop::Rejected(rejection)) => rejection,
            Err(stop) => return Err(stop),
        };
        redeem = match &rejection {
            Rejection::ExceedsOrder { fits } => *fits,
            Rejection::InsufficientPoints { spendable } => *spendable,
            Rejection::BelowMinimum { .. } | Rejection::ProgramOff | Rejection::BehindAccount
                if redeem.is_positive() =>
            {
                Points::ZERO
            }
            _ => return Err(rejection.into()),
        };
        let bounds_only = matches!(rejection, Rejection::ExceedsOrder { .. } | Rejection::InsufficientPoints { .. });
        if document.redeem.is_some() || !bounds_only {
            why = Some(rejection);
        }
    }
}
