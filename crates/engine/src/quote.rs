//! What an order would earn and could redeem, without recording it. A quote clamps to what is possible; committing what it
//! offers, at the same instant, gives what it says (R0). It lists what could be asked for instead, and what each pays (R9).

use std::sync::Arc;

use crate::account::{Account, Lot, NeedMore};
use crate::calendar::Timestamp;
use crate::certificate::Uses;
use crate::close::{self, Of};
use crate::decision::{Decided, Moment, Stop};
use crate::document::Document;
use crate::entry::{LotNo, OrderNo};
use crate::kept::Kept;
use crate::limits;
use crate::money::Money;
use crate::order::{Answer, Status, put};
use crate::points::{Points, step_down};
use crate::posted::Order;
use crate::program::{Rules, Terms};
use crate::redeem::{Plan, Room, Wanted, value_paid};
use crate::rejection::Rejection;
use crate::used;

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
    /// The certificates to ask for: those of the document that can be used, and left out where they were.
    pub certificates: Option<Vec<LotNo>>,
    /// Why others of the document cannot.
    pub why_certificates: Vec<(LotNo, Rejection)>,
    /// All that the member has, with what each would pay of the order if it were used alone; and why others cannot be used that
    /// the document names or that are over since lately.
    pub wallet: Vec<CertificateChoice>,
}

/// A certificate of the member, and what it would pay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateChoice {
    pub certificate: LotNo,
    pub pays: Money,
    /// What would be lost of it, since it can be used once.
    pub loses: Money,
    pub uses: Uses,
    /// Why it cannot be used.
    pub why: Option<Rejection>,
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
/// Certificates that are over are listed for so long, and at most so many of them beside those that the cart names.
const OVER_DAYS: i32 = 30;
const OVER_MAX: usize = 10;

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
    let why_certificates = cart.clamp_certificates()?;
    let why_credit = cart.clamp_credit()?;
    let certificates = cart.document.certificates.clone();
    let offered = |answer: &Answer| document.credit.map(|_| answer.credit_asked);
    if document.cancelled_at.is_some() {
        let (answer, _) = cart.put(Points::ZERO)?;
        return Ok(Quote {
            redeem: answer.asked,
            credit: offered(&answer),
            answer,
            why: None,
            choices: Choices::default(),
            why_credit,
            certificates,
            why_certificates,
            wallet: Vec::new(),
        });
    }
    let most = cart.clamp(limits::POINTS_MAX)?;
    let choices = cart.choices(&most);
    let wallet = cart.wallet(&most, &why_certificates)?;
    let (answer, why) = match document.redeem {
        None => (most.answer, most.why.filter(|it| !is_bound(it))),
        Some(wish) => {
            let offer = cart.clamp(wish)?;
            (offer.answer, offer.why)
        }
    };
    let (redeem, credit) = (answer.asked, offered(&answer));
    Ok(Quote { redeem, answer, why, choices, credit, why_credit, certificates, why_certificates, wallet })
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
    order: Arc<Order>,
    /// What the last figure above it was refused with.
    why: Option<Rejection>,
}

impl Cart<'_> {
    /// The answer to asking for so many points.
    fn put(&self, redeem: Points) -> Result<(Answer, Arc<Order>), Stop> {
        let wanted = Arc::new(Document { redeem: Some(redeem), ..self.document.clone() });
        let decided = put(self.account, self.rules, self.known, &wanted, self.moment, |_, _| Ok(Status::Recorded))?;
        let Decided { order, answer, .. } = decided;
        Ok((*answer.expect("an order is always answered"), order.expect("a cart is always recorded")))
    }

    /// Leaves certificates out that cannot be used, and answers why.
    fn clamp_certificates(&mut self) -> Result<Vec<(LotNo, Rejection)>, Stop> {
        let mut why = Vec::new();
        let credit = self.document.credit.take();
        while self.document.certificates.is_some() {
            let rejection = match self.put(self.accepted()) {
                Err(Stop::Rejected(rejection)) => rejection,
                Err(stop) => return Err(stop),
                Ok(_) => break,
            };
            let order = self.known.and_then(|no| self.account.order(no));
            let known = |no: LotNo| order.is_some_and(|it| it.certificates.iter().any(|it| it.certificate == no));
            let is_out = |no: LotNo| match &rejection {
                Rejection::ProgramOff
                | Rejection::AccountClosed
                | Rejection::CardBlocked
                | Rejection::OrderType
                | Rejection::BehindAccount => !known(no),
                other => other.certificate() == Some(no),
            };
            let asked = self.document.certificates.take().unwrap_or_default();
            let (out, rest): (Vec<_>, Vec<_>) = asked.into_iter().partition(|it| is_out(*it));
            if out.is_empty() {
                return Err(rejection.into());
            }
            why.extend(out.into_iter().map(|it| (it, rejection.clone())));
            self.document.certificates = Some(rest);
        }
        self.document.credit = credit;
        Ok(why)
    }

    /// What each certificate of the member would pay alone, and of others that the cart named or that are over since lately why
    /// they cannot be used.
    fn wallet(&self, most: &Clamped, left_out: &[(LotNo, Rejection)]) -> Result<Vec<CertificateChoice>, NeedMore> {
        let version = self.rules.timeline.version(most.order.pinned.version);
        let (Some(version), Some(wallet)) = (version, &self.account.wallet) else { return Ok(Vec::new()) };
        let terms = version.terms.under(most.order.pinned.tier);
        let kept = Kept::under(self.document, &most.order.returned, terms);
        let is_named = |no: LotNo| {
            let is_own = most.order.posted.certificates.iter().any(|it| it.lot.no == no);
            is_own || left_out.iter().any(|it| it.0 == no)
        };
        let choice = |lot: &Lot| {
            let certificate = lot.at.no;
            let used = most.answer.certificates.iter().find(|it| it.lot.no == certificate);
            let (pays, loses) = used.map_or_else(|| used::alone(lot, kept.payable), |it| (it.paid, it.lost));
            let known = self.known.and_then(|no| self.account.order(no));
            let is_own = known.map_or(Ok(false), |it| self.account.is_bought_with_points_of(lot.at, it))?;
            let suspended = close::suspended(self.account, &most.order, self.rules, Of::Certificates);
            let refused = used::check(&most.order, self.document, lot, terms, (suspended, self.moment.now)).err();
            let refused = refused.or(is_own.then_some(Rejection::CertificateOfOrder { certificate }));
            let why = refused.or((pays.is_zero()).then_some(Rejection::CertificateExceedsOrder { certificate }));
            let why = why.filter(|_| used.is_none());
            let (pays, loses) = if why.is_some() { (Money::ZERO, Money::ZERO) } else { (pays, loses) };
            Ok(CertificateChoice { certificate, pays, loses, uses: used::uses(lot), why })
        };
        listed(wallet.ledger.lots(), self.moment.now, is_named).into_iter().map(choice).collect()
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
                Rejection::BehindAccount | Rejection::CardBlocked if self.asks_credit() => self.credit_accepted(),
                _ => return Err(rejection.into()),
            };
            why = Some(rejection);
        }
        Ok(why)
    }

    /// Whether it asks for more credit than the order has had.
    fn asks_credit(&self) -> bool {
        self.credit_accepted() < self.document.credit
    }

    fn credit_accepted(&self) -> Option<Money> {
        let order = self.known.and_then(|no| self.account.order(no));
        Some(order.map_or(Money::ZERO, |it| it.credit_accepted))
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
                | Rejection::AccountClosed
                | Rejection::CardBlocked
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
        let kept = used::standing(&most.order, kept, Some(most.answer.certificates_asked));
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

/// The certificates that a quote lists: what there is to use, what is named, and the last few that were given of those that are
/// over since lately.
fn listed(lots: &[Lot], now: Timestamp, is_named: impl Fn(LotNo) -> bool) -> Vec<&Lot> {
    let lately = now.plus_days(-OVER_DAYS);
    let is_over = |it: &Lot| it.available.is_zero() || it.at.expires_at <= now;
    let mut over: Vec<LotNo> =
        lots.iter().filter(|it| is_over(it) && lately < it.at.expires_at).map(|it| it.at.no).collect();
    over.sort_unstable();
    let told = &over[over.len().saturating_sub(OVER_MAX)..];
    lots.iter().filter(|it| !is_over(it) || is_named(it.at.no) || told.contains(&it.at.no)).collect()
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
