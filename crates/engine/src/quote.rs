//! What an order would earn and could redeem, without recording it. A quote clamps to what is possible; committing what it
//! offers, at the same instant, gives what it says (R0). It lists what could be asked for instead, and what each pays (R9).

use std::sync::Arc;

use crate::account::Account;
use crate::decision::{Decided, Moment, Stop};
use crate::document::Document;
use crate::entry::OrderNo;
use crate::kept::Kept;
use crate::limits;
use crate::money::Money;
use crate::order::{Answer, Status, put};
use crate::points::{Points, step_down};
use crate::posted::Order;
use crate::program::{Rules, Terms};
use crate::redeem::{Plan, Room, Wanted, value_paid};
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
    pub choices: Choices,
    /// The store credit to ask for: at most what was asked for, and left out where it was.
    pub credit: Option<Money>,
    /// Why that is less than asked for, or none.
    pub why_credit: Option<Rejection>,
}

/// What could be asked for. Each of it is accepted at the same instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    /// Figures to ask for, from the fewest to the most: a few where many would do. Empty when nothing can be redeemed.
    pub points: Vec<Choice>,
    /// What one more step than the most would be refused with; nothing where nothing can be asked for at all.
    pub why_not_more: Option<Rejection>,
}

/// A figure that could be asked for, and what it pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Choice {
    pub redeem: Points,
    pub value: Money,
}

/// Steps that are offered besides the least and the most.
const STEPS_MAX: i64 = 9;

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
    let cart = Cart { account, rules, known, document: &mut wanted, moment };
    quote_cart(cart, document)
}

fn quote_cart(mut cart: Cart<'_>, document: &Document) -> Result<Quote, Stop> {
    let why_credit = cart.clamp_credit()?;
    let offered = |answer: &Answer| document.credit.map(|_| answer.credit_asked);
    if document.cancelled_at.is_some() {
        let (answer, _) = cart.put(Points::ZERO)?;
        let credit = offered(&answer);
        return Ok(Quote { redeem: answer.asked, answer, why: None, choices: Choices::default(), credit, why_credit });
    }
    let most = cart.clamp(limits::POINTS_MAX)?;
    let choices = cart.choices(&most);
    match document.redeem {
        None => {
            let why = most.why.filter(|it| !is_bound(it));
            let credit = offered(&most.answer);
            Ok(Quote { redeem: most.answer.asked, answer: most.answer, why, choices, credit, why_credit })
        }
        Some(wish) => {
            let offer = cart.clamp(wish)?;
            let credit = offered(&offer.answer);
            Ok(Quote { redeem: offer.answer.asked, answer: offer.answer, why: offer.why, choices, credit, why_credit })
        }
    }
}

struct Cart<'a> {
    account: &'a Account,
    rules: Rules<'a>,
    known: Option<OrderNo>,
    /// The document, with the store credit that is possible.
    document: &'a mut Document,
    moment: Moment,
}

/// What a figure was clamped to.
struct Clamped {
    answer: Answer,
    order: Order,
    /// What the last figure above it was refused with.
    why: Option<Rejection>,
}

impl Cart<'_> {
    /// The answer to asking for so many points.
    fn put(&self, redeem: Points) -> Result<(Answer, Order), Stop> {
        let wanted = Arc::new(Document { redeem: Some(redeem), ..self.document.clone() });
        let decided = put(self.account, self.rules, self.known, &wanted, self.moment, |_, _| Ok(Status::Recorded))?;
        let Decided { order, answer, .. } = decided;
        Ok((answer.expect("an order is always answered"), order.expect("a cart is always recorded")))
    }

    /// Credit is used before points: lowers what is asked for to what fits and is there, and answers why.
    fn clamp_credit(&mut self) -> Result<Option<Rejection>, Stop> {
        let mut why = None;
        while self.document.credit.is_some() {
            let rejection = match self.put(self.accepted()) {
                Err(Stop::Rejected(rejection)) => rejection,
                Err(stop) => return Err(stop),
                Ok(_) => break,
            };
            self.document.credit = match &rejection {
                Rejection::CreditExceedsOrder { fits } => Some(*fits),
                Rejection::InsufficientCredit { spendable } => Some(*spendable),
                Rejection::BehindAccount if self.document.credit.is_some_and(Money::is_positive) => Some(Money::ZERO),
                _ => return Err(rejection.into()),
            };
            why = Some(rejection);
        }
        Ok(why)
    }

    /// The largest figure that is accepted and not above `redeem`.
    fn clamp(&self, mut redeem: Points) -> Result<Clamped, Stop> {
        let mut why = None;
        loop {
            let rejection = match self.put(redeem) {
                Ok((answer, order)) => return Ok(Clamped { answer, order, why }),
                Err(Stop::Rejected(rejection)) => rejection,
                Err(stop) => return Err(stop),
            };
            // What was accepted before is no request: it is never refused.
            let accepted = self.accepted();
            if redeem <= accepted {
                return Err(rejection.into());
            }
            let less = match &rejection {
                Rejection::ExceedsOrder { fits } | Rejection::AboveShare { fits, .. } => *fits,
                Rejection::AboveMaximum { points } => *points,
                Rejection::InsufficientPoints { spendable } => *spendable,
                Rejection::NotInSteps { step } => step_down(redeem, *step),
                Rejection::BelowMinimum { .. }
                | Rejection::BalanceBelowMinimum { .. }
                | Rejection::NotWithDiscounts
                | Rejection::ProgramOff
                | Rejection::OrderType
                // More points earn less, and what is taken back may have been credit.
                | Rejection::InsufficientCredit { .. }
                | Rejection::BehindAccount => Points::ZERO,
                _ => return Err(rejection.into()),
            };
            redeem = less.max(accepted);
            let rounds = matches!(rejection, Rejection::NotInSteps { .. });
            why = if rounds { why.or(Some(rejection)) } else { Some(rejection) };
        }
    }

    fn accepted(&self) -> Points {
        let order = self.known.and_then(|no| self.account.order(no));
        order.map_or(Points::ZERO, |it| it.accepted)
    }

    fn choices(&self, most: &Clamped) -> Choices {
        let why_not_more = most.why.clone();
        let version = self.rules.timeline.version(most.order.pinned.version);
        let Some(terms) = version.map(|it| it.terms.under(most.order.pinned.tier)) else {
            return Choices { points: Vec::new(), why_not_more };
        };
        let kept = Kept::under(self.document, &most.order.returned, terms);
        let credit = most.answer.credit;
        let room = Room::after_credit(&kept, credit, most.answer.credit_asked);
        let choice = |redeem: Points| {
            let target = Plan::of_figure(Wanted { asked: redeem, accepted: redeem }, &kept, room, terms).target;
            Choice { redeem, value: value_paid(target, credit, &kept, terms) }
        };
        let points = figures(most.answer.asked, terms).into_iter().map(choice);
        Choices { points: points.filter(|it| it.value.is_positive()).collect(), why_not_more }
    }
}

/// The least, round multiples of the step, and the most. Without a step it counts in the points of the rate.
fn figures(most: Points, terms: &Terms) -> Vec<Points> {
    let redeem = &terms.redeem;
    let unit = if Points::new(1) < redeem.step { redeem.step } else { redeem.rate.points };
    let least = redeem.points_least().max(unit);
    let stride = stride(most, unit);
    let mut figures = Vec::new();
    if least < most {
        figures.push(least);
    }
    let mut next = stride;
    while next < most {
        if least < next {
            figures.push(next);
        }
        next += stride;
    }
    if most.is_positive() {
        figures.push(most);
    }
    figures
}

/// The smallest of 1, 2, 5, 10, 20, 50 … units of which a few make the most.
fn stride(most: Points, unit: Points) -> Points {
    let mut tens = unit.get();
    loop {
        let few = [1, 2, 5].map(|it| it * tens).into_iter().find(|it| most.get() <= it * STEPS_MAX);
        if let Some(stride) = few {
            return Points::new(stride);
        }
        tens *= 10;
    }
}

/// Whether a refusal only says how many points there could be at most.
fn is_bound(rejection: &Rejection) -> bool {
    matches!(
        rejection,
        Rejection::ExceedsOrder { .. }
            | Rejection::InsufficientPoints { .. }
            | Rejection::AboveMaximum { .. }
            | Rejection::AboveShare { .. }
            | Rejection::NotInSteps { .. }
    )
}
