//! One member's points in one program, and the one function that changes them.
//!
//! Balances are kept on the account; of its lots only some need be loaded (see [`Horizon`]), so that an account with a
//! million open lots costs no more per order.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use crate::activity::Acted;
use crate::apart::Apart;
use crate::calendar::Timestamp;
use crate::certificate::{Certificate, Wallet};
use crate::close::Closed;
use crate::convert::{Conversion, ConversionKey, Purse};
use crate::document::HoldNo;
use crate::entry::{Bucket, Carried, Entry, EntryNo, HoldState, Kind, LotNo, LotRef, OrderNo, Posting};
use crate::extend::Extension;
use crate::figures::{Figures, Year};
use crate::joined::{Joined, Presence};
use crate::money::Money;
use crate::place::{Place, Placed};
use crate::points::Points;
use crate::posted::{Order, pop};
use crate::reward::RewardClaim;
use crate::tier::{TierName, TierState};

/// The state of an account, as far as it is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub balance: Balance,
    /// Time of the last entry.
    pub last_at: Timestamp,
    pub next_entry: EntryNo,
    pub next_lot: LotNo,
    pub next_order: OrderNo,
    pub next_hold: HoldNo,
    /// So many of the first orders are returns without their order: the first order of the member comes after them.
    pub returns_first: u64,
    pub horizon: Horizon,
    /// What does not make a full step yet, by step size.
    pub carried: Vec<Carried>,
    /// The sum over all days.
    pub counted: Figures,
    /// The last year in which a day counts something.
    pub latest_year: Option<i16>,
    /// The member's tier; nothing as long as there never was one.
    pub tier: Option<TierState>,
    /// Tiers before it, each with its beginning; shared with copies.
    pub tiers_before: Arc<[(TierName, Timestamp)]>,
    /// Times during which it was closed, in order.
    pub closings: Vec<Closed>,
    pub(crate) years: Vec<Arc<Year>>,
    /// How far activity has extended the lots; nothing if it never did.
    pub extension: Option<Extension>,
    /// The owner's store credit in the program's currency, where it is loaded. A ledger of its own: `post` leaves it alone.
    pub purse: Option<Arc<Purse>>,
    /// The owner's certificates in that currency, where they are loaded: a ledger of its own as well.
    pub wallet: Option<Arc<Wallet>>,
    conversions: Vec<Conversion>,
    pub(crate) claims: Vec<RewardClaim>,
    /// How often members have done what earns without an order, in the order in which they first did.
    pub acts: Vec<Acted>,
    /// Members who were merged into this one (M3).
    pub joined: Vec<Joined>,
    /// What tells the sides of the last merge apart.
    pub apart: Option<Box<Apart>>,
    /// Whether its owner is there at all.
    pub presence: Presence,
    lots: Vec<Lot>,
    holds: Vec<Hold>,
    /// Shared with copies until one changes.
    pub(crate) orders: Vec<Arc<Order>>,
}

/// Everything that is added up over the lots and entries of an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Balance {
    pub pending: Points,
    pub available: Points,
    pub held: Points,
    /// What the member owes; never beside available points.
    pub owed: Points,
    pub let_go: Points,
    pub issued: Points,
    pub redeemed: Points,
    pub revoked: Points,
    pub deducted: Points,
    pub converted: Points,
    pub expired: Points,
    pub forfeited: Points,
    pub moved: Points,
}

/// Up to where lots are loaded: `None` means all of them are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Horizon {
    /// Every lot with available or held points whose own dates put it no later than this one is loaded.
    pub open: Option<SpendKey>,
    /// Every waiting lot that changes no later than this instant is loaded.
    pub waiting: Option<Timestamp>,
    /// Every order from this number on is loaded.
    pub orders: Option<OrderNo>,
    /// Every year from this one on is loaded.
    pub years: Option<i16>,
    /// Every conversion from this one on is loaded.
    pub conversions: Option<ConversionKey>,
}

/// Lots by their own dates: soonest-expiring first, ties by oldest (own date), then by number. Where none is extended, they
/// are spent in this order.
pub type SpendKey = (Timestamp, Timestamp, LotNo);

/// Points granted together, with one availability date and one expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lot {
    /// With its own dates: an extension of the account may keep it alive for longer.
    pub at: LotRef,
    pub order: Option<OrderNo>,
    pub graced: bool,
    /// The entry that gave it dates that begin anew: extensions before that do not cover it.
    pub dated_by: Option<EntryNo>,
    /// What it is as a certificate; nothing for points and credit.
    pub certificate: Option<Certificate>,
    pub pending: Points,
    pub available: Points,
    pub held: Points,
    /// What of it has expired.
    pub expired: Points,
    /// What of it was forfeited.
    pub forfeited: Points,
}

impl Lot {
    pub fn spend_key(&self) -> SpendKey {
        (self.at.expires_at, self.at.earned_at, self.at.no)
    }

    /// What of it has expired or was forfeited.
    pub fn gone(&self) -> Points {
        self.expired + self.forfeited
    }

    pub fn is_empty(&self) -> bool {
        self.pending.is_zero() && self.available.is_zero() && self.held.is_zero()
    }
}

/// Points reserved for a checkout that is not finished.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    pub no: HoldNo,
    pub state: HoldState,
    pub lapses_at: Timestamp,
    /// What was asked for; kept when the hold has ended.
    pub points: Points,
    /// What it still holds.
    pub taken: Vec<Taken>,
}

/// Points of one lot that are out on an order or a hold, in the order in which they were taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    pub lot: LotRef,
    pub points: Points,
}

/// The decision needs lots beyond the horizon: load more and decide again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NeedMore;

impl Default for Account {
    fn default() -> Self {
        Self {
            balance: Balance::default(),
            last_at: Timestamp::START,
            next_entry: EntryNo(1),
            next_lot: LotNo(1),
            next_order: OrderNo(1),
            next_hold: HoldNo(1),
            returns_first: 0,
            horizon: Horizon::default(),
            carried: Vec::new(),
            counted: Figures::default(),
            latest_year: None,
            tier: None,
            tiers_before: Arc::default(),
            closings: Vec::new(),
            years: Vec::new(),
            extension: None,
            purse: None,
            wallet: None,
            conversions: Vec::new(),
            claims: Vec::new(),
            acts: Vec::new(),
            joined: Vec::new(),
            apart: None,
            presence: Presence::default(),
            lots: Vec::new(),
            holds: Vec::new(),
            orders: Vec::new(),
        }
    }
}

impl Account {
    pub fn lots(&self) -> &[Lot] {
        &self.lots
    }

    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    pub fn lot(&self, no: LotNo) -> Option<&Lot> {
        lot_in(&self.lots, no)
    }

    pub fn hold(&self, no: HoldNo) -> Option<&Hold> {
        self.holds.iter().find(|it| it.no == no)
    }

    /// A copy with room for what one order usually adds.
    pub(crate) fn ahead(&self) -> Self {
        let mut lots = Vec::with_capacity(self.lots.len() + 2);
        lots.extend_from_slice(&self.lots);
        let mut orders = Vec::with_capacity(self.orders.len() + 1);
        orders.extend(self.orders.iter().map(Arc::clone));
        let (holds, carried, years) = (self.holds.clone(), self.carried.clone(), self.years.clone());
        let (purse, wallet, conversions) = (self.purse.clone(), self.wallet.clone(), self.conversions.clone());
        Self {
            lots,
            orders,
            holds,
            carried,
            years,
            purse,
            wallet,
            conversions,
            claims: self.claims.clone(),
            extension: self.extension.clone(),
            acts: self.acts.clone(),
            tier: self.tier.clone(),
            tiers_before: Arc::clone(&self.tiers_before),
            closings: self.closings.clone(),
            joined: self.joined.clone(),
            apart: self.apart.clone(),
            ..*self
        }
    }

    /// What was converted and not undone, as far as it is loaded, in order.
    pub fn conversions(&self) -> &[Conversion] {
        &self.conversions
    }

    /// Adds a conversion that was stored, unless it is loaded already.
    pub fn load_conversion(&mut self, conversion: Conversion) {
        if let Err(index) = self.conversions.binary_search_by_key(&conversion.key(), Conversion::key) {
            self.conversions.insert(index, conversion);
        }
    }

    /// Adds a lot that was stored, unless it is loaded already.
    pub fn load_lot(&mut self, lot: Lot) {
        if let Err(index) = self.lots.binary_search_by_key(&lot.at.no, |it| it.at.no) {
            self.lots.insert(index, lot);
        }
    }

    /// Adds lots that were stored, each named once, but for those that are loaded already.
    pub fn load_lots(&mut self, lots: impl IntoIterator<Item = Lot>) {
        let known = self.lots.len();
        for lot in lots {
            if lot_in(&self.lots[..known], lot.at.no).is_none() {
                self.lots.push(lot);
            }
        }
        self.lots.sort_unstable_by_key(|it| it.at.no);
    }

    /// Adds a hold that was stored, unless it is loaded already.
    pub fn load_hold(&mut self, hold: Hold) {
        if let Err(index) = self.holds.binary_search_by_key(&hold.no, |it| it.no) {
            self.holds.insert(index, hold);
        }
    }

    /// Keeps what is numbered under some places, and forgets the rest.
    pub(crate) fn keep(&mut self, stays: impl Fn(Place) -> bool) {
        self.lots.retain(|it| stays(it.at.no.place()));
        self.holds.retain(|it| stays(it.no.place()));
        self.orders.retain(|it| stays(it.no.place()));
        self.conversions.retain(|it| stays(it.lot.no.place()));
        self.claims.retain(|it| stays(it.no.place()));
    }

    pub(crate) fn replace_conversion(&mut self, conversion: Conversion) {
        self.conversions.retain(|it| it.key() != conversion.key());
        self.load_conversion(conversion);
    }

    /// Takes `points` from the available points, soonest-expiring first, leaving the lot `except` alone.
    pub(crate) fn take(&self, points: Points, except: Option<LotNo>, to: Bucket) -> Result<Vec<Posting>, NeedMore> {
        let mut left = points;
        let mut postings = Vec::new();
        if left.is_zero() {
            return Ok(postings);
        }
        let within = |it: &&Lot| self.is_within(it);
        let others = |it: &&Lot| it.available.is_positive() && Some(it.at.no) != except;
        let lots = self.lots.iter().filter(others).filter(within);
        // Few of many lots are taken as a rule: a heap finds the first without sorting the rest.
        let mut soonest: BinaryHeap<_> = lots.map(|it| Reverse((self.spend_key(it), it.available))).collect();
        while let Some(Reverse(((_, (.., lot)), available))) = soonest.pop() {
            let part = left.min(available);
            postings.push(Posting { lot, from: Bucket::Available, to, points: part });
            left -= part;
            if left.is_zero() {
                return Ok(postings);
            }
        }
        assert!(self.horizon.open.is_some(), "the lots must cover the available balance");
        Err(NeedMore)
    }

    /// Lots are spent soonest-expiring first. Those that an extension made end together keep the order of their own dates.
    pub fn spend_key(&self, lot: &Lot) -> (Timestamp, SpendKey) {
        (self.expires_at(lot), lot.spend_key())
    }

    /// Whether every lot is loaded that is spent before an open one.
    pub fn is_within(&self, lot: &Lot) -> bool {
        let unseen = |last: SpendKey| (self.unseen_expires_at(last.0), last);
        self.horizon.open.is_none_or(|last| self.spend_key(lot) <= unseen(last))
    }

    pub(crate) fn lots_are_none(&self) -> bool {
        self.next_lot == LotNo(1) && self.joined.is_empty()
    }

    /// What does not make a full step of that size yet.
    pub fn carried(&self, per: Money) -> Money {
        self.carried.iter().find(|it| it.per == per).map_or(Money::ZERO, |it| it.remainder)
    }

    /// What can be spent, without the lot `except`. An account that owes has nothing available.
    pub(crate) fn spendable(&self, except: Option<LotNo>) -> Points {
        let own = except.and_then(|no| self.lot(no)).map_or(Points::ZERO, |it| it.available);
        self.balance.available - own
    }

    /// The next instant at which something falls due: `NEVER` if nothing will. May be early where lots are not loaded.
    pub fn due_at(&self) -> Timestamp {
        let lots = self.lots.iter().map(|it| self.lot_due_at(it));
        lots.min().unwrap_or(Timestamp::NEVER).min(self.beside_lots_due_at())
    }

    /// When something falls due for a lot: its points become available or expire. Held points wait for their hold.
    pub(crate) fn lot_due_at(&self, lot: &Lot) -> Timestamp {
        if lot.pending.is_positive() {
            lot.at.available_at.min(self.expires_at(lot))
        } else if lot.available.is_positive() {
            self.expires_at(lot)
        } else {
            Timestamp::NEVER
        }
    }

    /// The next instant at which something falls due but for the loaded lots: a hold, a tier, or maybe a lot that is
    /// not loaded.
    pub(crate) fn beside_lots_due_at(&self) -> Timestamp {
        let holds = self.holds.iter().filter(|it| it.state == HoldState::Active).map(|it| it.lapses_at);
        let unseen = [self.open_unseen_at(), self.horizon.waiting];
        let review = self.tier.as_ref().map(|it| it.review_at);
        holds
            .chain(unseen.into_iter().flatten())
            .chain(review)
            .chain(self.forfeits_at())
            .min()
            .unwrap_or(Timestamp::NEVER)
    }

    /// An instant before which no open lot expires that is not loaded; nothing when all are.
    pub(crate) fn open_unseen_at(&self) -> Option<Timestamp> {
        self.horizon.open.map(|(expires_at, ..)| self.unseen_expires_at(expires_at))
    }

    /// Applies an entry. Computes nothing and cannot fail; an entry that does not fit is a bug.
    pub fn post(&mut self, entry: &Entry) {
        assert_eq!(entry.number, self.next_entry, "entries are posted one after the other");
        assert!(self.last_at <= entry.at, "ledger time never goes back on an account");
        entry.opened.iter().for_each(|it| self.open_lot(it, entry.number));
        if let Some(merged) = &entry.changes.merged {
            self.post_merged(entry, merged);
        }
        if self.apart.is_some() {
            self.post_apart(entry);
        }
        for dated in &entry.dated {
            self.post_dates(entry, *dated);
            if entry.kind == Kind::Cancel {
                self.set_cancelled(dated.no, true);
            }
        }
        for posting in &entry.postings {
            self.move_points(posting);
        }
        self.post_undone(entry);
        for posting in &entry.postings {
            let lot = self.lot_mut(posting.lot);
            let waits = lot.pending.is_positive();
            assert!(!waits || (lot.available + lot.held).is_zero(), "the points of a lot become available together");
        }
        self.post_hold(entry);
        self.balance.owed += entry.changes.owed;
        self.balance.let_go += entry.changes.let_go;
        if let Some(carried) = entry.changes.carried {
            self.carried.retain(|it| it.per != carried.per);
            self.carried.push(carried);
        }
        if let Some(of_day) = &entry.changes.figures {
            self.post_figures(of_day);
        }
        self.post_extension(entry);
        if entry.changes.converted.is_some() {
            self.post_conversion(entry);
        }
        self.post_reward(entry);
        if let Some(acted) = &entry.changes.acted {
            match self.acts.iter_mut().find(|it| it.act == acted.act) {
                Some(known) => known.clone_from(acted),
                None => self.acts.push(Acted::clone(acted)),
            }
        }
        if let Some(tier) = &entry.changes.tier {
            self.post_tier(tier);
        }
        if let Some(closed) = &entry.changes.closed {
            self.post_closed(**closed);
        }
        assert!(Points::ZERO <= self.balance.owed, "nobody owes less than nothing");
        if let Some(no) = entry.order {
            self.post_order(no, entry);
        }
        if let Some(merged) = &entry.changes.merged {
            self.post_left(entry, merged);
        }
        self.last_at = entry.at;
        self.next_entry = EntryNo(entry.number.0 + 1);
    }

    /// Dates that staff give, and those of a lot that had expired, begin anew: no extension before them counts.
    fn post_dates(&mut self, entry: &Entry, dated: LotRef) {
        let lot = *self.lot(dated.no).expect("an entry names loaded lots only");
        let begins = entry.order.is_none() || self.expires_at(&lot) <= entry.at;
        let dated_by = if begins { Some(entry.number) } else { lot.dated_by };
        *self.lot_mut(dated.no) = Lot { at: dated, dated_by, ..lot };
    }

    pub(crate) fn set_cancelled(&mut self, no: LotNo, is_cancelled: bool) {
        let lot = self.lot_mut(no);
        lot.certificate = lot.certificate.map(|it| Certificate { is_cancelled, ..it });
    }

    fn lot_mut(&mut self, no: LotNo) -> &mut Lot {
        let index = self.lots.binary_search_by_key(&no, |it| it.at.no).expect("an entry names loaded lots only");
        &mut self.lots[index]
    }

    fn move_points(&mut self, posting: &Posting) {
        assert!(posting.points.is_positive(), "a posting moves at least one point");
        let lot = self.lot_mut(posting.lot);
        lot.change(posting.from, -posting.points);
        lot.change(posting.to, posting.points);
        assert!(lot.pending.min(lot.available).min(lot.held) >= Points::ZERO, "no lot is ever below zero");
        self.balance.change(posting.from, -posting.points);
        self.balance.change(posting.to, posting.points);
    }

    fn post_hold(&mut self, entry: &Entry) {
        let Some(change) = entry.hold else { return };
        if change.state == HoldState::Active {
            let taken: Vec<Taken> = entry.postings.iter().map(|it| self.taken(it)).collect();
            let points = taken.iter().map(|it| it.points).sum();
            self.hold_is_used(change.no);
            self.load_hold(Hold { no: change.no, state: change.state, lapses_at: change.lapses_at, points, taken });
        } else {
            let hold = self.holds.iter_mut().find(|it| it.no == change.no).expect("only a loaded hold ends");
            hold.state = change.state;
            hold.taken.clear();
        }
    }

    fn post_order(&mut self, no: OrderNo, entry: &Entry) {
        let index = self.place_of(no);
        let (lots, order) = (&self.lots, Arc::make_mut(&mut self.orders[index]));
        order.posted.post(entry, |no| lot_in(lots, no).expect("an entry names loaded lots only").at);
    }

    fn post_conversion(&mut self, entry: &Entry) {
        let (Some(converted), Some(lot)) = (&entry.changes.converted, entry.converted_into()) else {
            unreachable!("a conversion says what it came to");
        };
        let rate = converted.rate;
        if 0 < converted.times {
            let taken = entry.postings.iter().map(|it| self.taken(it)).collect();
            self.load_conversion(Conversion { lot, rate, taken });
            return;
        }
        let key = ConversionKey::of(lot, rate.target);
        let index = self.conversions.binary_search_by_key(&key, Conversion::key);
        let index = index.expect("only a loaded conversion is undone");
        let back = entry.postings.iter().filter(|it| it.from == Bucket::Converted).map(|it| it.points);
        pop(&mut self.conversions[index].taken, back.sum(), |it| &mut it.points);
        if self.conversions[index].taken.is_empty() {
            self.conversions.remove(index);
        }
    }

    pub(crate) fn taken(&self, posting: &Posting) -> Taken {
        let lot = self.lot(posting.lot).expect("an entry names loaded lots only");
        Taken { lot: lot.at, points: posting.points }
    }
}

/// Lots are kept in the order of their numbers.
fn lot_in(lots: &[Lot], no: LotNo) -> Option<&Lot> {
    lots.binary_search_by_key(&no, |it| it.at.no).ok().map(|index| &lots[index])
}

impl Lot {
    fn change(&mut self, bucket: Bucket, points: Points) {
        match bucket {
            Bucket::Pending => self.pending += points,
            Bucket::Available => self.available += points,
            Bucket::Held => self.held += points,
            Bucket::Expired => self.expired += points,
            Bucket::Forfeited => self.forfeited += points,
            Bucket::Issued
            | Bucket::Redeemed
            | Bucket::Revoked
            | Bucket::Deducted
            | Bucket::Converted
            | Bucket::Moved => {}
        }
    }
}
