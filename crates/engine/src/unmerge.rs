//! A merge is undone (M3): each has their own back as it then is.
//!
//! Lots, orders and holds go by their numbers, orders made since to the member under whom they came. What one side used of
//! the other's points comes back to the lots it was taken from, and whoever used it owes it: own points pay that at once. A
//! lot that stays behind is stood in for, so that what an order gives back later has a place to return to. Bounded by what
//! one side has, and by the orders since that had to do with both.

use std::sync::Arc;

use crate::account::{Account, Balance, Hold, Lot, NeedMore, Taken};
use crate::activity::{Act, Acted};
use crate::apart::{Apart, Use, uses_of};
use crate::calendar::Timestamp;
use crate::carry;
use crate::close;
use crate::convert::{Conversion, convert_anew, undo_where};
use crate::decision::{Ahead, Decided, Decision, Draft, Moment, Stop};
use crate::document::Document;
use crate::entry::{Bucket, Carried, HoldState, Kind, LotNo, LotOpened, LotRef, Reason};
use crate::figures::{Figures, OfDay, Year};
use crate::grace::{Back, put_back};
use crate::hold::lapse;
use crate::joined::{Estate, Joined, Merged, Parted, Standing, join_acts, outside};
use crate::limits;
use crate::merge::{Both, emptied, points_in, too_large};
use crate::money::Money;
use crate::place::{Place, Placed, Shift};
use crate::points::Points;
use crate::posted::{Order, Posted, Source};
use crate::program::{Rules, Terms};
use crate::reward::{self, RewardClaim};
use crate::settle::{repay, settle_ahead, settle_within};
use crate::tier::{self, TierHold};

/// Who leaves whom.
#[derive(Clone, Copy, Debug)]
pub struct Parting<'a> {
    /// Places from here on leave.
    pub from: Place,
    pub survivor: [u8; 16],
    pub other: [u8; 16],
    /// Of an account of credit: what orders of one side use of the other's lots.
    pub uses: &'a [CreditUse],
    /// Of an account of points: what stands in for lots of credit.
    pub credit: &'a [StandIn],
    /// Of an account of certificates: whether they are suspended is known once the points are parted, and what is due is
    /// posted after that.
    pub is_wallet: bool,
    /// Of an account of points: [`disentangle`] has made points of both again what was converted, and each side converts anew.
    pub is_unconverted: bool,
}

impl<'a> Parting<'a> {
    /// Who leaves whom, and nothing that the account alone asks for.
    pub fn plain(from: Place, survivor: [u8; 16], other: [u8; 16]) -> Self {
        Self { from, survivor, other, uses: &[], credit: &[], is_wallet: false, is_unconverted: false }
    }
}

impl Decided {
    /// Whether something that was converted is points again.
    pub fn is_unconverted(&self) -> bool {
        self.entries.iter().any(|it| it.kind == Kind::Unconvert)
    }
}

/// Credit of a lot that an order uses whose member has not given it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditUse {
    pub lot: LotNo,
    pub points: Points,
}

/// A lot of the side that used it, in place of one of the other's: in the numbers of the account that was one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StandIn {
    pub lot: LotNo,
    pub by: LotRef,
}

/// What an undo comes to, and the lots that stand in for others.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unmerged {
    pub both: Both,
    pub stand_ins: Vec<StandIn>,
}

/// Ends what belongs to both sides at once: holds of points of both, and conversions of which nothing is spent. What is
/// left of the latter converts anew, each side for itself.
///
/// # Errors
/// Only `NeedMore`.
pub fn disentangle(account: &Account, rules: Rules<'_>, moment: Moment) -> Decision {
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let Some(apart) = ahead.account.apart.clone() else { return Ok(ahead.decided()) };
    let crosses = |hold: &Hold| hold.taken.iter().any(|it| apart.is_theirs(it.lot.no) != apart.is_theirs(hold.no));
    let holds = ahead.account.holds().iter().filter(|it| it.state == HoldState::Active && crosses(it));
    let drafts: Vec<Draft> = holds.map(lapse).collect();
    for draft in drafts {
        ahead.post(Draft { actor: Some(moment.actor), ..draft });
    }
    if let Some(terms) = terms_of(&ahead) {
        let crosses = |it: &Conversion| crossing(&it.taken, apart.is_theirs(it.lot.no), &apart);
        undo_where(&mut ahead, crosses, terms)?;
    }
    settle_within(&mut ahead)?;
    Ok(ahead.decided())
}

/// What orders use of the other side's store credit; places from `from` on are theirs.
pub fn credit_uses(account: &Account, from: Place) -> Vec<CreditUse> {
    let is_theirs = |place: Place| from <= place;
    let of_order = |order: &Arc<Order>| {
        let side = is_theirs(order.no.place());
        let parts = order.posted.credit.iter().filter(move |it| is_theirs(it.lot.no.place()) != side);
        parts.map(|it| CreditUse { lot: it.lot.no, points: Points::new(it.amount.minor()) }).collect::<Vec<_>>()
    };
    account.orders().iter().flat_map(of_order).collect()
}

/// Whether an order is paid with a certificate of the other side, as far as orders are loaded: nobody could say whose it is then.
pub fn certificates_cross(account: &Account, from: Place) -> bool {
    let is_theirs = |place: Place| from <= place;
    account.orders().iter().any(|order| {
        let side = is_theirs(order.no.place());
        order.posted.certificates.iter().any(|it| is_theirs(it.lot.no.place()) != side)
    })
}

/// Gives back to `other` what is theirs. All of theirs is loaded, and the orders that had to do with both; what belongs to both
/// at once has ended.
///
/// # Errors
/// `Invalid` or `NeedMore`.
pub fn unmerge(
    (account, rules): (&Account, Rules<'_>),
    (other, other_rules): (&Account, Rules<'_>),
    parting: &Parting<'_>,
    moment: Moment,
) -> Result<Unmerged, Stop> {
    let apart = &apart_of(account, parting.from);
    let split = Split::of(account, rules, apart, parting);
    if limits::MERGE_MAX < split.lots.len() + split.orders.len() {
        return Err(too_large().into());
    }
    let mut ahead = Ahead::of(account, rules, moment);
    let mut back = Ahead::of(other, other_rules, moment);
    let from = Shift::Back(apart.from);
    let inside = points_in(split.lots.iter().copied());
    let mut draft = Draft::new(Kind::Unmerge, Reason::Merged { other: parting.other });
    draft.opened.clone_from(&split.ours);
    inside.iter().for_each(|it| draft.move_points(it.lot, it.bucket, Bucket::Moved, it.points));
    let stays = split.orders_that_stay();
    draft.changes.merged = Some(Box::new(Merged::Parted(Box::new(split.parted(&stays)))));
    ahead.post(draft);
    let mut draft = Draft::new(Kind::Unmerge, Reason::Merged { other: parting.survivor });
    inside.iter().for_each(|it| draft.move_points(it.lot.moved(from), Bucket::Moved, it.bucket, it.points));
    let (estate, orders) = split.estate();
    let comes = other.presence.is_away || !estate.is_empty();
    draft.changes.merged = Some(Box::new(Merged::Returned(Box::new(estate))));
    if comes {
        back.post(draft);
    }
    orders.iter().for_each(|it| back.account.record(it.clone()));
    stays.iter().for_each(|it| ahead.account.record(it.clone()));

    let (theirs, ours): (Vec<Use>, Vec<Use>) = split.uses.iter().partition(|it| apart.is_theirs(it.lot));
    let sum = |uses: &[Use]| uses.iter().map(|it| it.points).sum::<Points>();
    give_back(&mut ahead, &ours, sum(&theirs), parting.other)?;
    let moved: Vec<Use> = theirs.iter().map(|it| Use { lot: it.lot.moved(from), ..*it }).collect();
    give_back(&mut back, &moved, sum(&ours), parting.survivor)?;
    for ahead in [&mut ahead, &mut back] {
        carry::give_up(ahead)?;
        tier::after_merge(ahead)?;
        if !parting.is_wallet {
            settle_ahead(ahead)?;
        }
        if parting.is_unconverted {
            let now = ahead.now();
            convert_anew(ahead, now)?;
        }
    }
    let (stays, orders) = (as_they_are(&ahead, &stays), as_they_are(&back, &orders));
    let (survivor, other) = (ahead.decided(), back.decided());
    let both = Both { survivor: Decided { orders: stays, ..survivor }, other: Decided { orders, ..other } };
    Ok(Unmerged { both, stand_ins: split.stand_ins })
}

fn as_they_are(ahead: &Ahead<'_>, orders: &[Order]) -> Vec<Arc<Order>> {
    orders.iter().filter_map(|it| ahead.account.order(it.no).cloned()).collect()
}

/// What tells the sides apart; where nothing came under their places, nothing is theirs.
fn apart_of(account: &Account, from: Place) -> Apart {
    let known = account.apart.as_deref().filter(|it| it.from == from).cloned();
    known.unwrap_or_else(|| Apart {
        from,
        since: Timestamp::START,
        balance: Balance::default(),
        repaid: Vec::new(),
        orders: Vec::new(),
        ours: account.standing(),
        theirs: Standing::default(),
    })
}

/// The terms of now, or of the first version.
fn terms_of<'a>(ahead: &Ahead<'a>) -> Option<&'a Terms> {
    let timeline = ahead.rules.timeline;
    timeline.at(ahead.now()).or(timeline.versions().first()).map(|it| &it.terms)
}

/// Points come back to the lots they were taken from; what was used of the other's is owed.
fn give_back(ahead: &mut Ahead<'_>, uses: &[Use], owed: Points, other: [u8; 16]) -> Result<(), NeedMore> {
    if uses.is_empty() && owed.is_zero() {
        return Ok(());
    }
    let mut draft = Draft::new(Kind::Unmerge, Reason::Merged { other });
    for it in uses {
        match terms_of(ahead) {
            Some(terms) => {
                let back = Back { lot: it.lot, from: Bucket::Moved, points: it.points };
                put_back(&mut draft, &ahead.account, back, terms, ahead.now());
            }
            None => draft.move_points(it.lot, Bucket::Moved, Bucket::Available, it.points),
        }
    }
    draft.changes.owed = owed;
    let now = ahead.now();
    ahead.post(draft);
    repay(ahead, now)
}

fn crossing(taken: &[Taken], side: bool, apart: &Apart) -> bool {
    taken.iter().any(|it| apart.is_theirs(it.lot.no) != side)
}

/// An account that is to be two.
struct Split<'a> {
    account: &'a Account,
    rules: Rules<'a>,
    apart: &'a Apart,
    parting: &'a Parting<'a>,
    /// Lots that are theirs.
    lots: Vec<&'a Lot>,
    /// Orders that are theirs.
    orders: Vec<&'a Arc<Order>>,
    uses: Vec<Use>,
    stand_ins: Vec<StandIn>,
    /// Lots that stand in on our side, and on theirs.
    ours: Vec<LotOpened>,
    theirs: Vec<Lot>,
}

impl<'a> Split<'a> {
    fn of(account: &'a Account, rules: Rules<'a>, apart: &'a Apart, parting: &'a Parting<'a>) -> Self {
        let lots = account.lots().iter().filter(|it| apart.is_theirs(it.at.no)).collect();
        let orders = account.orders().iter().filter(|it| apart.is_theirs(it.no)).collect();
        let (uses, stand_ins, ours, theirs) = Default::default();
        let mut split = Self { account, rules, apart, parting, lots, orders, uses, stand_ins, ours, theirs };
        let mut known: Vec<&Arc<Order>> = account.orders().iter().collect();
        known.sort_unstable_by_key(|it| it.no);
        for order in known {
            let side = apart.is_theirs(order.no);
            let uses = uses_of(&order.posted, |lot| apart.is_theirs(lot) != side);
            split.uses(uses);
        }
        for it in account.conversions() {
            let side = apart.is_theirs(it.lot.no);
            let taken = it.taken.iter().filter(|it| apart.is_theirs(it.lot.no) != side);
            split.uses(taken.map(|it| Use { lot: it.lot.no, points: it.points }).collect());
        }
        for it in account.claims() {
            let side = apart.is_theirs(it.no);
            let taken = it.taken.iter().filter(|it| apart.is_theirs(it.lot.no) != side);
            split.uses(taken.map(|it| Use { lot: it.lot.no, points: it.points }).collect());
        }
        split.uses(parting.uses.iter().map(|it| Use { lot: it.lot, points: it.points }).collect());
        // A debt that is paid is paid: nothing will ever come back of it.
        split.uses.extend(apart.repaid.iter().map(|(lot, points)| Use { lot: *lot, points: *points }));
        split
    }

    fn uses(&mut self, uses: Vec<Use>) {
        for it in uses {
            self.stand_in(it.lot);
            self.uses.push(it);
        }
    }

    /// Opens a lot on the side that used this one, with its dates.
    fn stand_in(&mut self, no: LotNo) {
        if self.stand_ins.iter().any(|it| it.lot == no) {
            return;
        }
        let lot = self.account.lot(no).expect("the lots of an order are loaded with it");
        let mut stand_in = emptied(self.account, lot);
        stand_in.order = None;
        stand_in.expired = Points::ZERO;
        stand_in.forfeited = Points::ZERO;
        if self.apart.is_theirs(no) {
            let last = self.ours.last();
            stand_in.at.no = last.map_or_else(|| self.account.next_lot_of(Place::OWN), |it| it.lot.no.next());
            self.ours.push(LotOpened { graced: lot.graced, ..LotOpened::plain(stand_in.at) });
        } else {
            let last = self.theirs.last();
            stand_in.at.no = last.map_or_else(|| self.account.next_lot_of(self.apart.from), |it| it.at.no.next());
            self.theirs.push(stand_in);
        }
        self.stand_ins.push(StandIn { lot: no, by: stand_in.at });
    }

    fn replaced(&self, lot: LotRef, side: bool) -> LotRef {
        if self.apart.is_theirs(lot.no) == side {
            return lot;
        }
        self.stand_ins.iter().find(|it| it.lot == lot.no).expect("whatever crosses is stood in for").by
    }

    /// What is posted for an order, without anything of the other side.
    fn posted(&self, order: &Order) -> Posted {
        let side = self.apart.is_theirs(order.no);
        let mut posted = order.posted.clone();
        posted.redeemed.iter_mut().for_each(|it| it.lot = self.replaced(it.lot, side));
        for it in &mut posted.taken_back {
            if let Source::Lot(lot) = &mut it.source {
                *lot = self.replaced(*lot, side);
            }
        }
        for it in &mut posted.credit {
            if self.apart.is_theirs(it.lot.no) != side {
                let known = self.parting.credit.iter().find(|known| known.lot == it.lot.no);
                it.lot = known.expect("whatever crosses is stood in for").by;
            }
        }
        posted.displaced.retain(|it| self.apart.is_theirs(it.order) == side);
        posted
    }

    /// An order without anything of the other side. Of certificates, what it had of theirs has gone back to them.
    fn of_one(&self, order: &Order) -> Order {
        let mut own = Order { posted: self.posted(order), ..order.clone() };
        let side = self.apart.is_theirs(order.no);
        let is_other = |no: LotNo| self.apart.is_theirs(no) != side;
        own.certificates.retain(|it| !is_other(it.certificate));
        if let Some(document) =
            own.document.as_ref().filter(|it| it.certificates.iter().flatten().any(|no| is_other(*no)))
        {
            let mut certificates = document.certificates.clone();
            certificates.iter_mut().for_each(|it| it.retain(|no| !is_other(*no)));
            own.document = Some(Document { certificates, ..Document::clone(document) }.into());
        }
        own
    }

    fn converted(&self, is_theirs: bool) -> Vec<Conversion> {
        let mut conversions = self.account.conversions().to_vec();
        conversions.retain(|it| self.apart.is_theirs(it.lot.no) == is_theirs);
        for it in conversions.iter_mut().flat_map(|it| &mut it.taken) {
            it.lot = self.replaced(it.lot, is_theirs);
        }
        conversions
    }

    fn claimed(&self, is_theirs: bool) -> Vec<RewardClaim> {
        let mut claims = self.account.claims().to_vec();
        claims.retain(|it| self.apart.is_theirs(it.no) == is_theirs);
        for it in claims.iter_mut().flat_map(|it| &mut it.taken) {
            it.lot = self.replaced(it.lot, is_theirs);
        }
        claims
    }

    /// Our orders that had to do with something of theirs, as they are from now on.
    fn orders_that_stay(&self) -> Vec<Order> {
        let ours = self.account.orders().iter().filter(|it| !self.apart.is_theirs(it.no));
        let changed = ours.map(|it| self.of_one(it));
        let is_same = |it: &Order, known: &Order| it.posted == known.posted && it.certificates == known.certificates;
        let mut stays: Vec<Order> =
            changed.filter(|it| self.account.order(it.no).is_some_and(|known| !is_same(it, known))).collect();
        stays.sort_unstable_by_key(|it| it.no);
        stays
    }

    fn parted(&self, orders: &[Order]) -> Parted {
        let crosses = |it: &Conversion| self.account.conversions().iter().all(|known| known != it);
        Parted {
            from: self.apart.from,
            balance: self.balance(),
            years: self.years(),
            orders: orders.iter().map(|it| (it.no, it.posted.clone())).collect(),
            conversions: self.converted(false).into_iter().filter(crosses).collect(),
            claims: self.claimed(false).into_iter().filter(|it| self.account.claim(it.no) != Some(it)).collect(),
            carried: self.carried(false),
            standing: self.standing(false),
        }
    }

    /// What leaves, and the orders with it, in their own numbers.
    fn estate(&self) -> (Estate, Vec<Order>) {
        let mut orders: Vec<Order> = self.orders.iter().map(|it| self.of_one(it)).collect();
        let mut joined: Vec<Joined> =
            self.account.joined.iter().filter(|it| self.apart.from <= it.place).copied().collect();
        if let (Some(first), Some(last)) = (joined.first_mut(), self.theirs.last()) {
            first.next_lot = last.at.no.next();
        }
        let lots = self.lots.iter().map(|it| emptied(self.account, it)).chain(self.theirs.iter().copied());
        orders.sort_unstable_by_key(|it| it.no);
        let mut holds: Vec<Hold> =
            self.account.holds().iter().filter(|it| self.apart.is_theirs(it.no)).cloned().collect();
        holds.sort_unstable_by_key(|it| it.no);
        let mut estate = Estate {
            joined,
            balance: self.balance(),
            lots: lots.collect(),
            holds,
            orders: orders.iter().map(|it| (it.no, it.posted.clone())).collect(),
            conversions: self.converted(true),
            claims: self.claimed(true),
            years: self.years(),
            carried: self.carried(true),
            standing: self.standing(true),
        };
        let shift = Shift::Back(self.apart.from);
        estate.move_by(shift);
        crate::place::Moves::move_by(&mut orders, shift);
        (estate, orders)
    }

    /// Their part of the balance once the points inside have moved out.
    fn balance(&self) -> Balance {
        let mut balance = outside(&self.apart.balance);
        let mut inside = Balance::default();
        for it in points_in(self.lots.iter().copied()) {
            inside.change(it.bucket, it.points);
        }
        balance.moved += inside.outstanding();
        let told = (self.apart.balance.pending, self.apart.balance.available, self.apart.balance.held);
        assert_eq!(told, (inside.pending, inside.available, inside.held), "each side has the points of its lots");
        balance
    }

    /// What their orders count, by day.
    fn years(&self) -> Vec<Year> {
        let mut counted = Account::default();
        for order in &self.orders {
            let Some(day) = order.pinned.day else { continue };
            let Posted { earned, spent, .. } = order.posted;
            let figures = Figures { points: earned, spent, orders: i64::from(spent.is_positive()) };
            if !figures.is_zero() {
                counted.post_figures(&OfDay { day, figures });
            }
        }
        crate::joined::years_of(&counted)
    }

    /// What each side carries: what its orders count less the steps that they have. Below zero if it has completed a step with
    /// what was left of the other's orders.
    fn carried(&self, is_theirs: bool) -> Vec<Carried> {
        let timeline = self.rules.timeline;
        let part = |all: &Carried| {
            let orders = self.orders.iter().filter(|it| carry::carries(it, all.per, timeline));
            let open = |it: &&Arc<Order>| it.posted.counted.minor() - it.posted.steps * all.per.minor();
            let theirs = Money::new(orders.map(open).sum());
            Carried { per: all.per, remainder: if is_theirs { theirs } else { all.remainder - theirs } }
        };
        self.account.carried.iter().map(part).collect()
    }

    /// Whether anything was numbered on that side.
    fn has_numbers(&self, is_theirs: bool) -> bool {
        let own = [self.account.own_numbers()];
        let all = own.iter().chain(&self.account.joined);
        all.filter(|it| (self.apart.from <= it.place) == is_theirs).any(|it| !it.is_empty())
    }

    /// What both were before, but for what was done since: that counts for both. Of rewards each has what they have claimed. A tier
    /// that staff have set since stays.
    fn standing(&self, is_theirs: bool) -> Standing {
        let Apart { ours, theirs, .. } = self.apart;
        let own = if is_theirs { theirs } else { ours };
        let mut standing = own.clone();
        standing.closings = close::of_one(&ours.closings, &theirs.closings, &self.account.closings, is_theirs);
        standing.has_begun |= !standing.closings.is_empty() || self.has_numbers(is_theirs);
        let mut joined = ours.acts.clone();
        join_acts(&mut joined, &theirs.acts);
        let is_reward = |it: &Acted| matches!(it.act, Act::Reward(_));
        let since = self.account.acts.iter().filter(|now| !is_reward(now) && !joined.contains(now));
        for now in since {
            standing.acts.retain(|it| it.act != now.act);
            standing.acts.push(now.clone());
        }
        standing.acts.retain(|it| !is_reward(it));
        let claims = self.account.claims().iter().filter(|it| self.apart.is_theirs(it.no) == is_theirs);
        standing.acts.extend(reward::acts(claims, self.rules.timeline));
        let set = self.account.tier.as_ref().filter(|it| it.hold == TierHold::Set && !is_theirs);
        if let Some(set) = set.filter(|it| own.tier.as_ref() != Some(it)) {
            standing.tier = Some(set.clone());
            standing.tiers_before.clone_from(&self.account.tiers_before);
        }
        standing
    }
}

/// The instant from which on nothing can be undone.
pub fn undo_ends(merged_at: Timestamp) -> Timestamp {
    merged_at.plus_days(limits::UNDO_DAYS)
}
