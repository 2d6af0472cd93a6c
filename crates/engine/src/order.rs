//! Orders are documents, and the ledger converges to them.
//!
//! A channel sends the order as it is now; the engine works out what that calls for, compares it with what has already
//! been posted for this order, and posts the difference. Retries, edits, partial refunds and cancellations are no special
//! cases. Bounded by the lines of the document and the lots that it touches.

use std::sync::Arc;

use crate::account::{Account, Balance, NeedMore, Taken};
use crate::ask::Request;
use crate::award;
use crate::calendar::Timestamp;
use crate::cap;
use crate::close::{self, Of};
use crate::convert::{self, Purse};
use crate::credit;
use crate::decision::{Ahead, Decided, Decision, Moment, Stop};
use crate::document::{Document, DocumentVersion, HoldNo};
use crate::earn;
use crate::entry::{CertificatePart, Earned, OrderNo, Paid, PaidCredit};
use crate::extend::{self, Did};
use crate::figures;
use crate::kept::Kept;
use crate::limits;
use crate::money::Money;
use crate::points::{Points, earns_more_than, halfway};
use crate::posted::{Order, Pinned, Posted};
use crate::program::{Rules, Terms};
use crate::redeem::{self, Named, Plan, Room};
use crate::rejection::{Rejection, invalid};
use crate::settle::{repay, settle_ahead, settle_within};
use crate::tier::{self, TierName};
use crate::used::{self, Used};

/// What became of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// It was recorded.
    Recorded,
    /// It had been recorded before: nothing changed.
    Retry,
    /// It is older than what is recorded: ignored.
    Stale,
}

/// What the sender of a document is told: the order as it stands, and the balance now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub status: Status,
    pub order: OrderNo,
    /// What it has earned, and why; `before` is what it had earned before this document.
    pub earned: Earned,
    /// Points that pay part of it.
    pub redeemed: Points,
    /// The lots that these are of, in the order in which they were taken.
    pub spent: Vec<Taken>,
    /// The figure that stands for the order as sold; more than `redeemed` where some came back in proportion.
    pub asked: Points,
    /// What they pay.
    pub value: Money,
    /// The member's tier, where it is the tier's rate.
    pub tier: TierName,
    /// Store credit that pays part of it.
    pub credit: Money,
    /// The figure that stands for the order as sold; more than `credit` where some came back in proportion.
    pub credit_asked: Money,
    /// The store credit that can be spent now, where it is known.
    pub credit_left: Option<Money>,
    /// What certificates pay of it, and what of them is lost.
    pub certificates: Vec<CertificatePart>,
    /// What they stand for in the order as sold.
    pub certificates_asked: Money,
    /// Of its take-backs: what is or was owed, what was let go, what had expired.
    pub owed: Points,
    pub let_go: Points,
    pub expired: Points,
    pub balance: Balance,
}

/// Records a document of an order. `known` is its number if it was recorded before.
///
/// # Errors
/// A `Rejection` when the document cannot be (nothing of it is recorded), `NeedMore` when lots must be loaded first.
pub fn put_order(
    account: &Account,
    rules: Rules<'_>,
    known: Option<OrderNo>,
    document: &Arc<Document>,
    moment: Moment,
) -> Decision {
    put(account, rules, known, document, moment, compare)
}

/// `put_order` with the comparison of versions as an argument: a quote asks for an order as it might be.
pub(crate) fn put(
    account: &Account,
    rules: Rules<'_>,
    known: Option<OrderNo>,
    document: &Arc<Document>,
    moment: Moment,
    compare: fn(&Order, &Document) -> Result<Status, Rejection>,
) -> Decision {
    document.check()?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let Some(no) = known else {
        let order = first_seen(&ahead.account, rules, document);
        return put_beside(ahead, &order, document, compare);
    };
    let order = ahead.account.order(no).expect("an order that was recorded is loaded with its account");
    let order = Arc::clone(order);
    put_beside(ahead, &order, document, compare)
}

/// Compares the document with the order as it stands, and records it if it is newer.
fn put_beside(
    ahead: Ahead<'_>,
    order: &Order,
    document: &Arc<Document>,
    compare: fn(&Order, &Document) -> Result<Status, Rejection>,
) -> Decision {
    let (rules, moment) = (ahead.rules, ahead.moment);
    let version = rules.timeline.version(order.pinned.version).ok_or(Rejection::UnknownProgram)?;
    let terms = version.terms.under(order.pinned.tier);
    if document.currency != terms.currency.code {
        return Err(Rejection::WrongCurrency.into());
    }
    let status = compare(order, document)?;
    if status != Status::Recorded {
        let answer = answer(&ahead, order, status, terms)?;
        return Ok(Decided { answer: Some(Box::new(answer)), ..ahead.decided() });
    }
    check_dates(order, document, moment)?;
    check_reach(document, order.pinned, terms)?;
    converge(ahead, order, document, terms)
}

/// The order's own time decides: terms are pinned when it is first recorded (E4, P2).
pub(crate) fn first_seen(account: &Account, rules: Rules<'_>, document: &Document) -> Order {
    let placed_at = document.placed_at;
    let timeline = rules.timeline;
    let version = timeline.at(placed_at);
    let on = version.is_some() && timeline.is_on(placed_at);
    let version = version.or(timeline.versions().first());
    let day = version.filter(|it| it.terms.counts()).map(|it| it.terms.zone.date_of(placed_at));
    let earning = version.map(|it| &it.terms.earning).filter(|it| it.is_used());
    let mut order = Order::numbered(account.next_order_of(rules.under));
    order.pinned = Pinned {
        version: version.map_or(0, |it| it.number),
        on,
        closed: account.was_closed_under(rules.under, placed_at),
        day,
        customer_type: earning.and_then(|it| it.customer_type(rules.facts.customer_type.as_deref())),
        channel: earning.and_then(|it| it.promotions.channel(rules.channel)),
        is_first: earning.is_some_and(|it| it.promotions.ask_for_first_orders())
            && !document.is_return
            && account.is_first_of_all(order.no),
        tier: version.map_or(0, |it| it.rank_of(account.tier_at(placed_at))),
    };
    order
}

/// Lower version: stale. Equal: a retry, or a conflict if the body differs. Only a newer version reopens (O7).
pub(crate) fn compare(order: &Order, document: &Document) -> Result<Status, Rejection> {
    let Some(last) = order.document.as_deref() else { return Ok(Status::Recorded) };
    if last == document {
        return Ok(Status::Retry);
    }
    if (last.version, document.version) == (DocumentVersion::Arrival, DocumentVersion::Arrival) {
        let reopens = last.cancelled_at.is_some() && document.cancelled_at.is_none();
        return Ok(if reopens { Status::Stale } else { Status::Recorded });
    }
    newer(last.version, document.version)
}

/// Whether a document of another content is newer than the last one: of equal versions neither is.
pub(crate) fn newer(last: DocumentVersion, version: DocumentVersion) -> Result<Status, Rejection> {
    let ordering = match (last, version) {
        (DocumentVersion::Number(last), DocumentVersion::Number(new)) => new.cmp(&last),
        (DocumentVersion::Changed(last), DocumentVersion::Changed(new)) => new.cmp(&last),
        (DocumentVersion::Arrival, _) => return Ok(Status::Recorded),
        (DocumentVersion::Number(_), _) | (DocumentVersion::Changed(_), _) => return Err(Rejection::VersionKind),
    };
    match ordering {
        std::cmp::Ordering::Less => Ok(Status::Stale),
        std::cmp::Ordering::Equal => Err(Rejection::VersionConflict),
        std::cmp::Ordering::Greater => Ok(Status::Recorded),
    }
}

/// A date that the document adds or changes lies at most 30 days back (imports: any) and 5 minutes ahead.
pub(crate) fn check_dates(order: &Order, document: &Document, moment: Moment) -> Result<(), Rejection> {
    let before = order.document.as_deref().map(Document::dates);
    for (index, (path, date)) in document.dates().into_iter().enumerate() {
        let Some(date) = date else { continue };
        if before.is_some_and(|it| it[index].1 == Some(date)) {
            continue;
        }
        check_date(path, date, moment)?;
    }
    let latest = moment.now.plus_minutes(limits::AHEAD_MINUTES_MAX);
    match document.version {
        DocumentVersion::Changed(at) if latest < at => Err(Rejection::DateAhead { path: "version" }),
        DocumentVersion::Changed(_) | DocumentVersion::Arrival | DocumentVersion::Number(_) => Ok(()),
    }
}

pub(crate) fn check_date(path: &'static str, date: Timestamp, moment: Moment) -> Result<(), Rejection> {
    if date < moment.now.plus_days(-limits::BACK_DAYS_MAX) && !moment.import {
        return Err(Rejection::DateTooOld { path });
    }
    if moment.now.plus_minutes(limits::AHEAD_MINUTES_MAX) < date {
        return Err(Rejection::DateAhead { path });
    }
    Ok(())
}

/// Refuses an order that would earn more points than one order can.
pub(crate) fn check_reach(document: &Document, pinned: Pinned, terms: &Terms) -> Result<(), Rejection> {
    let total: Money = document.lines.iter().map(|it| it.amount + it.tax).sum::<Money>() + document.shipping;
    let is_out_of_reach = if terms.earning.is_used() {
        award::is_out_of_reach(document, pinned, terms)
    } else {
        earns_more_than(limits::ORDER_POINTS_MAX, total, terms.earn)
    };
    if is_out_of_reach {
        return Err(invalid("lines", "amounts that earn at most 1,000,000,000,000,000 points"));
    }
    Ok(())
}

/// Fixes the redemption, then what is earned; gives back first, then takes back or grants, then takes what is newly
/// asked for. Where a document grows without asking anew, it takes what is there: if the take-backs of this very
/// document leave less, it is decided again with that.
pub(crate) fn converge(mut start: Ahead<'_>, order: &Order, document: &Arc<Document>, terms: &Terms) -> Decision {
    let behind = start.moment.import && start.moment.now < start.account.last_at;
    let kept = Kept::under(document, &order.returned, terms);
    let used = Used::of(&mut start, order, document, &kept, terms, behind)?;
    let kept = used.rest(kept);
    let named = redeem::named_hold(&start, order, document);
    let Named { hold, points } = named.clone().unwrap_or_default();
    // To name a hold is to ask for its points: only a hold that the last document named may be gone by now.
    let known_hold = order.document.as_deref().and_then(|it| it.hold);
    let asks_for_hold = named.is_err() && known_hold != document.hold && document.cancelled_at.is_none();
    let before = order.posted.redeemed();
    let mut credit = CreditStep::of(order, document, &kept, terms, behind);
    // Points of a closed account are suspended: an order keeps those that it has, and takes no more.
    let is_closed = start.account.closed().is_some() || order.pinned.closed;
    let suspended = close::suspended(&start.account, order, start.rules, Of::Points);
    loop {
        let standing = credit::money(credit.plan.standing(credit::units(credit.after)));
        let room = Room::after_credit(&kept, credit.after, standing);
        let mut plan = Plan::of_points(order, document, &kept, room, terms, points);
        plan.is_request |= asks_for_hold;
        plan.check(|plan| Request {
            order,
            document,
            kept: &kept,
            terms,
            asked: plan.asked,
            fits: plan.fits,
            suspended: suspended.clone(),
            hold: named.as_ref().err().cloned(),
            balance: redeem::balance_without(&start, order, hold),
        })?;
        credit::check(&credit.plan, start.rules.card_blocked)?;
        let raises_credit = credit.plan.is_request && credit.before < credit::money(credit.plan.target);
        if behind && ((plan.is_request && before < plan.target) || raises_credit) {
            return Err(Rejection::BehindAccount.into());
        }
        let target = if behind || is_closed { before.min(plan.target) } else { plan.target };
        let step = Step { order, document, kept: &kept, used: &used, plan, credit: &credit, hold, terms };
        if credit.after.is_zero() {
            let Ok(decided) = step.take_what_is_there(start, before, target)? else {
                unreachable!("where no credit is to pay, none is missing");
            };
            return Ok(decided);
        }
        match step.take_what_is_there(start.clone(), before, target)? {
            Ok(decided) => return Ok(decided),
            Err(there) if credit.plan.is_request => {
                let spendable = credit.plan.to_ask_for(credit::units(credit.before + there));
                return Err(Rejection::InsufficientCredit { spendable: credit::money(spendable) }.into());
            }
            // What is there is taken, and points may pay for the rest.
            Err(there) => credit.after = (credit.before + there).min(credit.after - Money::new(1)),
        }
    }
}

/// What store credit is to pay.
struct CreditStep {
    plan: Plan,
    before: Money,
    after: Money,
}

impl CreditStep {
    fn of(order: &Order, document: &Document, kept: &Kept, terms: &Terms, behind: bool) -> Self {
        let plan = credit::plan(order, document, kept, terms);
        let before = order.posted.credit();
        let target = credit::money(plan.target);
        Self { plan, before, after: if behind { before.min(target) } else { target } }
    }

    fn paid(&self) -> PaidCredit {
        PaidCredit { fits: credit::money(self.plan.fits_kept), before: self.before, after: self.after }
    }
}

/// One attempt to converge with a fixed number of redeemed points.
struct Step<'a> {
    order: &'a Order,
    document: &'a Arc<Document>,
    kept: &'a Kept,
    used: &'a Used,
    plan: Plan,
    credit: &'a CreditStep,
    hold: Option<HoldNo>,
    terms: &'a Terms,
}

/// Only so much is there to take after the take-backs.
enum OnlyThere {
    Points(Points),
    Credit(Money),
}

/// What became of an attempt: only so much credit may be there.
type Attempt = Result<Result<Decided, Money>, Stop>;

impl Step<'_> {
    /// Tries to end with `after` points on the order. What is there to take is known only after this very document has
    /// given back and granted: if that is less, a request is refused, and otherwise it takes the most that is there.
    fn take_what_is_there(&self, start: Ahead<'_>, before: Points, mut after: Points) -> Attempt {
        if self.order.posted == Posted::default() {
            // Nothing can be taken back from a new order: what is there now is what will be there.
            if self.credit.after.is_positive() && start.account.purse()?.available() < self.credit.after {
                return Ok(Err(start.account.purse()?.available()));
            }
            let there = start.account.spendable(None) + redeem::held_for(&start, self.order, self.hold);
            if there < after && self.plan.is_request {
                let spendable = self.plan.to_ask_for(there);
                return Err(Rejection::InsufficientPoints { spendable }.into());
            }
            after = after.min(there);
            let Ok(decided) = self.run(start, before, after)? else {
                unreachable!("what is there before a new order is granted its points is there afterwards");
            };
            return Ok(Ok(decided));
        }
        let there = match self.run(start.clone(), before, after)? {
            Ok(decided) => return Ok(Ok(decided)),
            Err(OnlyThere::Credit(there)) => return Ok(Err(there)),
            Err(OnlyThere::Points(there)) => there,
        };
        let most = match self.most(&start, before, before + there, after)? {
            Ok(most) => most,
            Err(credit) => return Ok(Err(credit)),
        };
        if self.plan.is_request {
            let spendable = self.plan.to_ask_for(most);
            return Err(Rejection::InsufficientPoints { spendable }.into());
        }
        match self.run(start, before, most)? {
            Ok(decided) => Ok(Ok(decided)),
            Err(OnlyThere::Credit(there)) => Ok(Err(there)),
            Err(OnlyThere::Points(_)) => unreachable!("the most that is there is there"),
        }
    }

    /// The most points that the order can end with: `low` is there, `high` is not. Fewer redeemed points earn more, so
    /// that less is taken back and more is there: usually one more than `low` is too many, else it is searched.
    fn most(
        &self,
        start: &Ahead<'_>,
        before: Points,
        mut low: Points,
        mut high: Points,
    ) -> Result<Result<Points, Money>, Stop> {
        let one = Points::new(1);
        let mut next = low + one;
        while low + one < high {
            match self.run(start.clone(), before, next)? {
                Ok(_) => low = next,
                Err(OnlyThere::Credit(there)) => return Ok(Err(there)),
                Err(OnlyThere::Points(there)) => {
                    high = next;
                    low = low.max(before + there);
                }
            }
            next = halfway(low, high);
        }
        Ok(Ok(low))
    }

    fn run(&self, mut ahead: Ahead<'_>, before: Points, after: Points) -> Result<Result<Decided, OnlyThere>, Stop> {
        let Self { order, document, kept, terms, .. } = *self;
        let credit = self.credit.paid();
        let value = redeem::value_paid(after, credit.after, kept, terms);
        // Nobody is told of points that stay as they are.
        let tier = if after == before { None } else { terms.redeems_as(order.pinned.tier) };
        let fits = self.plan.fits_kept;
        let paid = Paid { rate: terms.redeem.rate, tier, fits, before, after, value, hold: self.hold };
        let (now, first) = (ahead.now(), ahead.entries.len());
        ahead.reserved = self.used.reserved();
        figures::check_loaded(&ahead.account, order)?;
        let earned = earn::called_for(order, document, kept, value, terms, ahead.rules.budgets);
        let earned = cap::apply(&ahead.account, order, earned, terms)?;
        let pays_otherwise = after != before || credit.after != credit.before || self.used.changes();
        if pays_otherwise || earn::moves(&earned, order, terms) {
            convert::undo_own(&mut ahead, order, terms)?;
        }
        if let Some(no) = self.hold.filter(|_| after <= before) {
            redeem::drop_hold(&mut ahead, order, no, paid.clone());
            repay(&mut ahead, now)?;
        }
        if after < before {
            redeem::give_back(&mut ahead, order, paid.clone(), terms);
            repay(&mut ahead, now)?;
        }
        if credit.after < credit.before {
            self.refund(&mut ahead, credit)?;
        }
        if self.used.give_back(&mut ahead, order, terms)? {
            self.pay_owed(&mut ahead)?;
        }
        let earned = earn::converge(&mut ahead, order, document, earned, terms)?;
        if after <= before && credit.after <= credit.before {
            convert::restore_what_would_go(&mut ahead)?;
        }
        settle_within(&mut ahead)?;
        self.used.take(&mut ahead, order)?;
        if credit.before < credit.after {
            let there = ahead.account.purse()?.available();
            if there < credit.after - credit.before {
                return Ok(Err(OnlyThere::Credit(there)));
            }
            credit::spend(&mut ahead, order, credit)?;
        }
        if before < after {
            let own = ahead.account.order(order.no).and_then(|it| it.posted.lot).map(|it| it.no);
            let there = ahead.account.spendable(own) + redeem::held_for(&ahead, order, self.hold);
            if there < after - before {
                return Ok(Err(OnlyThere::Points(there)));
            }
            let current = ahead.account.order(order.no).cloned();
            redeem::take(&mut ahead, current.as_deref().unwrap_or(order), paid)?;
        }
        extend::by_order(&mut ahead, order, document, Did { earned: &earned, redeems: before < after }, terms);
        tier::after_order(&mut ahead, order.no, first)?;
        settle_ahead(&mut ahead)?;
        Ok(Ok(self.decided(ahead, after, earned, value)))
    }

    /// Store credit comes back.
    fn refund(&self, ahead: &mut Ahead<'_>, credit: PaidCredit) -> Result<(), NeedMore> {
        ahead.account.purse()?;
        credit::refund(ahead, self.order, credit);
        self.pay_owed(ahead)
    }

    /// What the account owes is paid by undoing conversions of which nothing is spent any more.
    fn pay_owed(&self, ahead: &mut Ahead<'_>) -> Result<(), NeedMore> {
        let owed = ahead.account.balance.owed;
        convert::undo_latest(ahead, self.order.no, owed, false, self.terms)?;
        repay(ahead, ahead.now())
    }

    fn decided(&self, mut ahead: Ahead<'_>, after: Points, earned: Earned, value: Money) -> Decided {
        let (known, credit) = (self.order, self.credit);
        let order = ahead.account.change_order(known.no, |order| {
            order.pinned = known.pinned;
            order.document = Some(Arc::clone(self.document));
            order.returned.clone_from(&known.returned);
            order.asked = self.plan.standing(after);
            order.accepted = known.accepted.max(self.plan.asked);
            order.credit_asked = credit::money(credit.plan.standing(credit::units(credit.after)));
            order.credit_accepted = known.credit_accepted.max(credit::money(credit.plan.asked));
            order.certificates = self.used.accepted();
        });
        let worked = (earned, value);
        let mut answer = Box::new(answer_of(&ahead, &order, Status::Recorded, worked, self.terms));
        answer.certificates_asked = self.used.sold();
        Decided { order: Some(order), answer: Some(answer), ..ahead.decided() }
    }
}

/// The answer to a retry or a stale document: the order as it stands.
pub(crate) fn answer(ahead: &Ahead<'_>, order: &Order, status: Status, terms: &Terms) -> Result<Answer, NeedMore> {
    let document = order.document.as_deref().expect("only a recorded order can be sent again");
    let kept = used::standing(order, Kept::under(document, &order.returned, terms), None);
    let value = redeem::value_paid(order.posted.redeemed(), order.posted.credit(), &kept, terms);
    let earned = earn::called_for(order, document, &kept, value, terms, ahead.rules.budgets);
    let earned = cap::apply(&ahead.account, order, earned, terms)?;
    Ok(answer_of(ahead, order, status, (earned, value), terms))
}

fn answer_of(
    ahead: &Ahead<'_>,
    order: &Order,
    status: Status,
    (earned, value): (Earned, Money),
    terms: &Terms,
) -> Answer {
    Answer {
        status,
        order: order.no,
        earned,
        redeemed: order.posted.redeemed(),
        spent: order.posted.redeemed.clone(),
        asked: order.asked,
        value,
        tier: terms.redeems_as(order.pinned.tier),
        credit: order.posted.credit(),
        credit_asked: order.credit_asked,
        certificates: order.posted.certificates.clone(),
        certificates_asked: order.posted.by_certificates(),
        credit_left: ahead.account.purse().ok().map(Purse::available),
        owed: order.posted.owed(),
        let_go: order.posted.let_go(),
        expired: order.posted.expired(),
        balance: ahead.account.balance,
    }
}
