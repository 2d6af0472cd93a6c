//! How an order converges, point by point (design §4.1).

use std::sync::Arc;

use engine::{
    Document, DocumentVersion, EarnMode, ExtendOn, PointsPart, Terms, Timestamp, Validity, WithDiscounts, limits,
};

use crate::earning::excludes_all;

use super::amounts::{Kept, applies, minor, points_needed, reached, up, value_of};
use super::certificates::Plan;
use super::credit::CreditWish;
use super::{HoldState, Lot, Model, Order, Place, Refused};

/// What is not there.
enum Lacks {
    Points,
    /// Only so much credit is there.
    Credit(i128),
}

/// What the document wants of the member's points.
struct Wish {
    asked: i128,
    target: i128,
    fits: i128,
    is_request: bool,
    /// The active hold that it names.
    hold: Option<usize>,
}

/// What is refused whatever the order costs.
pub(super) fn check_figure(points: i128, balance: i128, terms: &Terms) -> Result<(), Refused> {
    let redeem = &terms.redeem;
    let step = i128::from(redeem.step.get());
    let least = i128::from(redeem.points_min.get()).max(points_needed(minor(redeem.value_min), redeem.rate));
    let above = |most: Option<i128>| most.is_some_and(|it| it < points);
    if balance < i128::from(redeem.balance_min.get()) {
        return Err("balance_below_minimum");
    }
    if points < up(least, step) * step {
        return Err("below_minimum");
    }
    if points % step != 0 {
        return Err("not_in_steps");
    }
    let by_value = redeem.value_max.map(|it| within(minor(it), redeem.rate));
    if above(redeem.points_max.map(|it| i128::from(it.get()))) || above(by_value) {
        return Err("above_maximum");
    }
    Ok(())
}

/// The most points that are worth no more than an amount.
fn within(value: i128, rate: engine::RedeemRate) -> i128 {
    value * i128::from(rate.points.get()) / minor(rate.value)
}

fn has_discounts(document: &Document) -> bool {
    let of_lines: i128 = document.lines.iter().map(|it| minor(it.discount)).sum();
    0 < of_lines + minor(document.discount) + minor(document.coupon)
}

/// What an order calls for.
struct CalledFor {
    points: i128,
    spent: i128,
    /// Steps that others gain or lose by it.
    others: Vec<(usize, i128)>,
    /// What its points became is undone first.
    may_move: bool,
}

/// What a document came to.
struct Did {
    earned_at: Option<Timestamp>,
    earns: bool,
    redeems: bool,
}

impl Model {
    pub(super) fn put(mut self, slot: usize, document: &Arc<Document>, now: Timestamp) -> Result<Self, Refused> {
        if let Some(order) = &self.orders[slot]
            && !is_news(order, document)?
        {
            return Ok(self);
        }
        self.check_dates(slot, document, now)?;
        if self.orders[slot].is_none() {
            let placed = document.placed_at;
            let version = self.timeline.at(placed).expect("a version since long ago");
            let number = self.timeline.versions().iter().position(|it| it.number == version.number);
            let rules = self.rules[number.expect("it is one of them")].clone();
            let tier = self.tier(placed);
            let terms = Self::under(version.terms.clone(), tier);
            self.orders[slot] = Some(Order {
                rules,
                tier,
                is_first: self.orders.iter().all(Option::is_none),
                spent: 0,
                day: terms.zone.date_of(placed),
                no: self.orders.iter().flatten().count(),
                counted: 0,
                steps: 0,
                displaced: Vec::new(),
                of_budgets: Vec::new(),
                allotted: None,
                terms,
                on: self.timeline.is_on(placed),
                closed: self.was_away(placed),
                document: None,
                asked: 0,
                accepted: 0,
                earned: 0,
                lot: None,
                until: Timestamp::NEVER,
                taken_back: Vec::new(),
                redeemed: Vec::new(),
                credit_asked: 0,
                credit_accepted: 0,
                credit: Vec::new(),
                named: Vec::new(),
                paid_by: Vec::new(),
            });
        }
        let kept = Kept::under(document, &self.order(slot).terms);
        let certificates = self.plan_certificates(slot, document, &kept, now)?;
        let kept = kept.after(certificates.pays);
        let credit = self.credit_wish(slot, document, &kept);
        let mut pays = credit.target;
        loop {
            let room = (kept.cost().0 - pays, kept.cost().1 - self.credit_standing(slot, &credit, pays, &kept));
            let wish = self.wish(slot, document, &kept, room)?;
            if credit.is_request && credit.fits < credit.asked {
                return Err("credit_exceeds_order");
            }
            match self.put_with(slot, document, &kept, &wish, (&credit, &certificates), pays, now) {
                Err(Lacks::Points) => return Err("insufficient_points"),
                Err(Lacks::Credit(_)) if credit.is_request => return Err("insufficient_credit"),
                // What is there is taken, and points may pay for the rest.
                Err(Lacks::Credit(there)) => pays = (pays - 1).min(self.credit_of(slot) + there),
                Ok(next) => return Ok(next),
            }
        }
    }

    /// With so much credit.
    #[expect(clippy::too_many_arguments, reason = "the model says everything at once")]
    fn put_with(
        &self,
        slot: usize,
        document: &Arc<Document>,
        kept: &Kept,
        wish: &Wish,
        means: (&CreditWish, &Plan),
        pays: i128,
        now: Timestamp,
    ) -> Result<Self, Lacks> {
        let before = self.order(slot).redeemed.len();
        let is_away = self.check_open().is_err() || self.order(slot).closed;
        // Who has left keeps what is paid, and pays no more.
        let before_points = i128::try_from(before).expect("a few");
        let mut most = if is_away { wish.target.min(before_points) } else { wish.target };
        loop {
            let mut trial = self.clone();
            match trial.converge(slot, document, kept, wish, means, (most, pays), now) {
                Ok(()) => return Ok(trial),
                Err(Lacks::Credit(there)) => return Err(Lacks::Credit(there)),
                Err(Lacks::Points) => {}
            }
            if wish.is_request {
                return Err(Lacks::Points);
            }
            // What is there is taken: the next smaller figure, down to what the order has.
            let there = trial.there(slot, wish) + before_points;
            most = (most - 1).min(there.max(before_points));
        }
    }

    pub(super) fn order(&self, slot: usize) -> &Order {
        self.orders[slot].as_ref().expect("it was recorded")
    }

    pub(super) fn order_mut(&mut self, slot: usize) -> &mut Order {
        self.orders[slot].as_mut().expect("it was recorded")
    }

    /// A date that the document adds or changes lies at most 30 days back.
    fn check_dates(&self, slot: usize, document: &Document, now: Timestamp) -> Result<(), Refused> {
        let known = self.orders[slot].as_ref().and_then(|it| it.document.as_deref());
        let known = known.map_or([None; 4], |it| it.dates().map(|(_, date)| date));
        for ((_, date), before) in document.dates().into_iter().zip(known) {
            let Some(date) = date.filter(|it| Some(*it) != before) else { continue };
            if date < now.plus_days(-limits::BACK_DAYS_MAX) {
                return Err("date_too_old");
            }
            if now.plus_minutes(limits::AHEAD_MINUTES_MAX) < date {
                return Err("date_ahead");
            }
        }
        Ok(())
    }

    fn wish(&self, slot: usize, document: &Document, kept: &Kept, room: (i128, i128)) -> Result<Wish, Refused> {
        let order = self.order(slot);
        let terms = &order.terms;
        let cancelled = document.cancelled_at.is_some();
        let (mut hold, mut held, mut fault) = (None, 0, None);
        let named_before = order.document.as_deref().and_then(|it| it.hold);
        if let Some(no) = document.hold {
            match self.hold_index(no.0).map(|it| (it, &self.holds[it])) {
                None => fault = Some("unknown_hold"),
                Some((index, it)) => match it.state {
                    HoldState::Taken { by } if by == slot => {}
                    HoldState::Taken { .. } => fault = Some("hold_taken"),
                    HoldState::Ended if named_before == document.hold => {}
                    HoldState::Ended => held = it.asked,
                    HoldState::Active => {
                        hold = Some(index);
                        held = self.held_for(slot, index);
                    }
                },
            }
        }
        let asked = match document.redeem {
            _ if cancelled => 0,
            Some(points) => i128::from(points.get()),
            None if 0 < held => held,
            None => order.asked,
        };
        let (payable, payable_sold) = kept.payable(&terms.redeem);
        let fits_kept = points_needed(payable.min(room.0), terms.redeem.rate);
        let fits_sold = points_needed(payable_sold.min(room.1.max(0)), terms.redeem.rate);
        let (fits, target) = match terms.points_part {
            PointsPart::Stays => (fits_kept, asked.min(fits_kept)),
            PointsPart::InProportion if payable_sold == 0 => (0, 0),
            PointsPart::InProportion => (fits_sold, up(asked.min(fits_sold) * payable, payable_sold).min(fits_kept)),
        };
        let new_fault = fault.is_some() && named_before != document.hold && !cancelled;
        let is_request = order.accepted < asked || new_fault;
        let wish = Wish { asked, target, fits, is_request, hold };
        if is_request {
            self.check_request(slot, document, &wish, (payable, payable_sold), fault)?;
        }
        Ok(wish)
    }

    fn check_request(
        &self,
        slot: usize,
        document: &Document,
        wish: &Wish,
        (payable, payable_sold): (i128, i128),
        fault: Option<Refused>,
    ) -> Result<(), Refused> {
        let order = self.order(slot);
        let terms = &order.terms;
        if !order.on {
            return Err("program_off");
        }
        self.check_open()?;
        if order.closed {
            return Err("account_closed");
        }
        if !applies(terms, document) {
            return Err("order_type");
        }
        if terms.redeem.with_discounts == WithDiscounts::Instead && has_discounts(document) {
            return Err("not_with_discounts");
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        let used = i128::try_from(order.redeemed.len()).expect("a few");
        check_figure(wish.asked, self.there(slot, wish) + used, terms)?;
        let whole = match terms.points_part {
            PointsPart::Stays => payable,
            PointsPart::InProportion => payable_sold,
        };
        let share = terms.redeem.share_max.map(|it| whole * i128::from(it.0) / 10_000);
        if share.is_some_and(|it| within(it, terms.redeem.rate) < wish.asked) {
            return Err("above_share");
        }
        if wish.fits < wish.asked {
            return Err("exceeds_order");
        }
        Ok(())
    }

    /// The points of a hold that the order did not grant itself.
    fn held_for(&self, slot: usize, hold: usize) -> i128 {
        let own = self.order(slot).lot;
        self.holds[hold].points.iter().filter(|it| Some(self.points[**it].lot) != own).map(|_| 1).sum()
    }

    /// What the order could take: not what it granted.
    fn there(&self, slot: usize, wish: &Wish) -> i128 {
        let own = self.order(slot).lot;
        let free = self.points.iter().filter(|it| it.place == Place::Available && Some(it.lot) != own);
        free.map(|_| 1).sum::<i128>() + wish.hold.map_or(0, |it| self.held_for(slot, it))
    }

    /// Gives back first, then takes back or grants, then takes what is newly asked for. Answers whether it was there.
    #[expect(clippy::too_many_arguments, reason = "the model says everything at once")]
    fn converge(
        &mut self,
        slot: usize,
        document: &Arc<Document>,
        kept: &Kept,
        wish: &Wish,
        (credit, certificates): (&CreditWish, &Plan),
        (after, pays): (i128, i128),
        now: Timestamp,
    ) -> Result<(), Lacks> {
        let terms = self.order(slot).terms.clone();
        let after_count = usize::try_from(after).expect("nobody redeems less than nothing");
        let before = self.order(slot).redeemed.len();
        let paid = value_of(after, terms.redeem.rate).min(kept.payable(&terms.redeem).0).min(kept.cost().0 - pays);
        let counts = self.order(slot).on && !self.order(slot).closed && document.cancelled_at.is_none();
        let counts_at_all = counts && applies(&terms, document) && !excludes_all(&self.order(slot).rules);
        let earned_at = reached(document, terms.grant_on).filter(|_| counts_at_all);
        let CalledFor { points, spent, others, may_move } =
            self.called_for(slot, document, kept.bases(paid, &terms), earned_at);
        let with_credit = self.credit_of(slot);
        self.reserved = certificates.parts.iter().map(|it| it.certificate).collect();
        let pays_otherwise = self.order(slot).paid_by != certificates.parts;
        if before != after_count || with_credit != pays || pays_otherwise || may_move {
            self.undo_own(slot, &terms, now);
        }
        self.give_back(slot, (before, after_count), wish.hold, &terms, now);
        if pays < with_credit {
            self.refund_credit(slot, with_credit - pays, &terms, now);
        }
        if self.refund_certificates(slot, certificates, &terms, now) {
            self.undo_latest(self.owed, false, &terms, now);
            self.pay_debt();
        }
        if let Some(earned_at) = earned_at {
            self.redate(slot, earned_at, &terms, now);
        }
        let earned = self.order(slot).earned;
        others.iter().filter(|it| 0 < it.1).for_each(|it| self.change_steps(*it, now));
        self.earn(slot, points, earned_at, &terms, now);
        others.iter().filter(|it| it.1 < 0).for_each(|it| self.change_steps(*it, now));
        self.order_mut(slot).spent = spent;
        if after_count <= before && pays <= with_credit {
            self.restore_what_would_go(now);
        }
        self.settle_within(now);
        self.use_certificates(slot, certificates);
        if with_credit < pays && !self.spend_credit(slot, pays - with_credit) {
            return Err(Lacks::Credit(self.credit_left()));
        }

        if before < after_count {
            let more = after_count - before;
            if self.there(slot, wish) < i128::try_from(more).expect("a few") {
                return Err(Lacks::Points);
            }
            self.redeem(slot, more, wish.hold);
        }
        let earned_at = earned_at.filter(|_| 0 < points);
        let did = Did { earned_at, earns: earned < points, redeems: before < after_count };
        if counts {
            self.keep_alive(slot, document, &did, &terms, now);
        }
        self.settle(now);
        self.reserved.clear();
        self.order_mut(slot).named = certificates.named.clone();
        self.stand(slot, document, kept, (wish, credit), (after, pays));
        Ok(())
    }

    /// What it is to have earned; the steps that are carried are shared out for it.
    fn called_for(
        &mut self,
        slot: usize,
        document: &Document,
        bases: (Vec<i128>, i128),
        earned_at: Option<Timestamp>,
    ) -> CalledFor {
        let terms = &self.order(slot).terms;
        let (carries, has_rules) = (terms.earn.mode == EarnMode::StepsCarried, terms.earning.is_used());
        let counted = earned_at.filter(|_| carries).map_or(0, |_| self.counting(slot, document, &bases));
        let counts_anew = counted != self.order(slot).counted;
        let others = if counts_anew { self.share(slot, counted) } else { Vec::new() };
        let steps = carries.then(|| self.order(slot).steps);
        let award = earned_at.map(|_| self.award(slot, document, bases, steps));
        let (promoted, spent, of_budgets) = award.unwrap_or_default();
        let points = self.capped(slot, promoted);
        self.use_budgets(slot, of_budgets, promoted - points);
        let may_move = if carries { has_rules || counts_anew } else { self.order(slot).earned != points };
        CalledFor { points, spent, others, may_move }
    }

    /// Points that pay no more come back, last taken first; a hold that is not needed ends.
    fn give_back(
        &mut self,
        slot: usize,
        (before, after): (usize, usize),
        hold: Option<usize>,
        terms: &Terms,
        now: Timestamp,
    ) {
        let back = before.saturating_sub(after);
        let returned: Vec<usize> = (0..back).filter_map(|_| self.order_mut(slot).redeemed.pop()).collect();
        self.put_back(&returned, terms, now);
        if before >= after
            && let Some(hold) = hold
        {
            self.end_hold(hold);
        }
        self.pay_debt();
    }

    /// What stands from now on.
    fn stand(
        &mut self,
        slot: usize,
        document: &Arc<Document>,
        kept: &Kept,
        (wish, credit): (&Wish, &CreditWish),
        (after, pays): (i128, i128),
    ) {
        let terms = self.order(slot).terms.clone();
        let (payable, sold) = kept.payable(&terms.redeem);
        let standing = self.credit_standing(slot, credit, pays, kept);
        let order = self.order_mut(slot);
        order.credit_asked = standing;
        order.credit_accepted = order.credit_accepted.max(credit.asked);
        order.asked = match terms.points_part {
            PointsPart::Stays => after,
            PointsPart::InProportion if after < wish.target && 0 < payable => after * sold / payable,
            PointsPart::InProportion => wish.asked.min(wish.fits),
        };
        order.accepted = order.accepted.max(wish.asked);
        order.document = Some(Arc::clone(document));
    }

    /// What the order did extends all that is alive, where its terms say so.
    fn keep_alive(&mut self, slot: usize, document: &Document, did: &Did, terms: &Terms, now: Timestamp) {
        let Some(rule) = terms.extend else { return };
        let (at, is_new) = match rule.on {
            ExtendOn::Order => (Some(document.placed_at), self.order(slot).document.is_none()),
            ExtendOn::Earning => (did.earned_at, did.earns),
            ExtendOn::Activity => (did.earned_at.max(did.redeems.then_some(now)), did.earns || did.redeems),
        };
        if let Some(at) = at {
            let last_day = terms.zone.date_of(at).plus_months(rule.months);
            self.extend(terms.zone.end_of(last_day), is_new, now);
        }
    }

    /// Points return to their lots, and wait where these wait anew. Where a lot has expired they form one with grace, once;
    /// else they expire again.
    pub(super) fn put_back(&mut self, points: &[usize], terms: &Terms, now: Timestamp) {
        let mut graced = None;
        for index in points {
            let lot = self.points[*index].lot;
            let is_gone = self.ends(lot) <= now && !self.lots[lot].graced && 0 < terms.grace_days;
            let waits = !is_gone && self.points.iter().any(|it| it.lot == lot && it.place == Place::Pending);
            self.points[*index].place = if waits { Place::Pending } else { Place::Available };
            self.freed |= !waits;
            if is_gone {
                self.points[*index].lot = *graced.get_or_insert_with(|| self.grace(terms, now));
            }
        }
    }

    pub(super) fn grace(&mut self, terms: &Terms, now: Timestamp) -> usize {
        let expires_at = Validity::Days(terms.grace_days).ends(now, &terms.zone);
        self.open(Lot { graced: true, ..Lot::new(now, now, expires_at) })
    }

    /// From the hold first, the rest of which is released, then soonest first; never what the order granted.
    fn redeem(&mut self, slot: usize, more: usize, hold: Option<usize>) {
        let own = self.order(slot).lot;
        let mut taken = Vec::new();
        if let Some(hold) = hold {
            for index in std::mem::take(&mut self.holds[hold].points) {
                let fits = taken.len() < more && Some(self.points[index].lot) != own;
                self.points[index].place = if fits { Place::Redeemed } else { Place::Available };
                self.freed |= !fits;
                if fits {
                    taken.push(index);
                }
            }
            self.holds[hold].state = HoldState::Taken { by: slot };
        }
        for index in self.soonest(more - taken.len(), own) {
            self.points[index].place = Place::Redeemed;
            taken.push(index);
        }
        self.order_mut(slot).redeemed.extend(taken);
    }
}

/// Lower: stale. Equal: a retry, or another body. Left out: as it arrives, and it never reopens a cancelled order.
fn is_news(order: &Order, document: &Document) -> Result<bool, Refused> {
    let Some(last) = order.document.as_deref() else { return Ok(true) };
    if last == document {
        return Ok(false);
    }
    match (last.version, document.version) {
        (DocumentVersion::Number(last), DocumentVersion::Number(new)) if new == last => Err("version_conflict"),
        (DocumentVersion::Number(last), DocumentVersion::Number(new)) => Ok(last < new),
        (DocumentVersion::Arrival, DocumentVersion::Arrival) => {
            Ok(last.cancelled_at.is_none() || document.cancelled_at.is_some())
        }
        (DocumentVersion::Arrival, _) => Ok(true),
        (_, DocumentVersion::Arrival | DocumentVersion::Number(_) | DocumentVersion::Changed(_)) => Err("version_kind"),
    }
}
