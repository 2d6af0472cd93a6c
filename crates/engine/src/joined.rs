//! Accounts that were merged into another one (M3): what comes with them, what leaves when that is undone, and how both are
//! posted.
//!
//! A merge moves an account as it is, all buckets and figures, so that nothing is ever below zero and the account that takes
//! it in is like any other: no rule knows of it. Numbers bear the place of the member who had them first (`place.rs`). Bounded
//! by [`limits::MERGE_MAX`](crate::limits::MERGE_MAX) lots and orders.

use std::sync::Arc;

use crate::account::{Account, Balance, Hold, Lot};
use crate::activity::Acted;
use crate::apart::Apart;
use crate::calendar::Timestamp;
use crate::certificate::Certificate;
use crate::close::Closed;
use crate::convert::Conversion;
use crate::document::HoldNo;
use crate::entry::{Carried, Entry, EntryNo, LotNo, LotOpened, OrderNo};
use crate::figures::{Figures, Year};
use crate::money::Money;
use crate::place::{Place, Placed};
use crate::points::Points;
use crate::posted::{Order, Posted};
use crate::reward::RewardClaim;
use crate::tier::{TierName, TierState};

/// What is numbered under one place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Joined {
    pub place: Place,
    pub next_lot: LotNo,
    pub next_order: OrderNo,
    pub next_hold: HoldNo,
}

/// What merges have made of an account beside what they brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// All that it had is in another member's account.
    pub is_away: bool,
    /// Up to this entry it knows of merges alone: its owner was never in the program.
    pub bare: u64,
}

/// What a merge does to an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Merged {
    /// All that another account had is in this one now.
    Came { estate: Box<Estate>, can_be_undone: bool },
    /// All that this account had is in another one now.
    Went,
    /// All that the last merge brought has left again.
    Parted(Box<Parted>),
    /// All that had gone is here again.
    Returned(Box<Estate>),
}

/// All that an account has, in the numbers of the one where it comes to. Points inside come by postings.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Estate {
    /// Of every place, the first being that of the member itself.
    pub joined: Vec<Joined>,
    /// Without the points inside.
    pub balance: Balance,
    pub lots: Vec<Lot>,
    pub holds: Vec<Hold>,
    pub orders: Vec<(OrderNo, Posted)>,
    pub conversions: Vec<Conversion>,
    pub claims: Vec<RewardClaim>,
    pub years: Vec<Year>,
    pub carried: Vec<Carried>,
    pub standing: Standing,
}

/// What an account is besides its points: it cannot be told by whose it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    pub tier: Option<TierState>,
    pub tiers_before: Arc<[(TierName, Timestamp)]>,
    pub acts: Vec<Acted>,
    pub closings: Vec<Closed>,
    /// Whether it was ever in the program.
    pub has_begun: bool,
}

/// What leaves, and what becomes of the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parted {
    pub from: Place,
    /// Of what leaves, without the points inside.
    pub balance: Balance,
    /// What leaves of the days.
    pub years: Vec<Year>,
    /// Orders that stay and had points of a lot that leaves: a lot of this account stands in for it.
    pub orders: Vec<(OrderNo, Posted)>,
    pub conversions: Vec<Conversion>,
    /// The same of claims.
    pub claims: Vec<RewardClaim>,
    /// What is carried from now on.
    pub carried: Vec<Carried>,
    pub standing: Standing,
}

impl Estate {
    /// Whether nothing has ever been there: no number was given.
    pub(crate) fn is_empty(&self) -> bool {
        self.joined.iter().all(Joined::is_empty)
    }
}

impl Joined {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { next_lot, next_order, next_hold, .. } = self;
        [next_lot.within(), next_order.within(), next_hold.within()] == [1; 3]
    }
}

impl Account {
    /// The number that the next lot of a place has.
    pub fn next_lot_of(&self, place: Place) -> LotNo {
        self.place(place)
            .map_or(if place == Place::OWN { self.next_lot } else { LotNo::first(place) }, |it| it.next_lot)
    }

    pub fn next_order_of(&self, place: Place) -> OrderNo {
        let own = if place == Place::OWN { self.next_order } else { OrderNo::first(place) };
        self.place(place).map_or(own, |it| it.next_order)
    }

    pub(crate) fn next_hold_of(&self, place: Place) -> HoldNo {
        let own = if place == Place::OWN { self.next_hold } else { HoldNo::first(place) };
        self.place(place).map_or(own, |it| it.next_hold)
    }

    fn place(&self, place: Place) -> Option<&Joined> {
        self.joined.iter().find(|it| it.place == place)
    }

    /// A lot begins to be, without points.
    pub(crate) fn open_lot(&mut self, opened: &LotOpened, entry: EntryNo) {
        let (no, place) = (opened.lot.no, opened.lot.no.place());
        assert_eq!(no, self.next_lot_of(place), "lots are numbered without gaps");
        self.lot_is_used(no);
        self.load_lot(Lot {
            at: opened.lot,
            order: opened.order,
            graced: opened.graced,
            certificate: opened.certificate.map(Certificate::of),
            // Extensions go by the numbers of the account's own lots.
            dated_by: if place == Place::OWN || opened.certificate.is_some() { None } else { Some(entry) },
            pending: Points::ZERO,
            available: Points::ZERO,
            held: Points::ZERO,
            expired: Points::ZERO,
            forfeited: Points::ZERO,
        });
    }

    /// Of the numbers of a place, those after this one come next.
    pub(crate) fn lot_is_used(&mut self, no: LotNo) {
        match self.joined_mut(no.place()) {
            Some(it) => it.next_lot = no.next(),
            None => self.next_lot = no.next(),
        }
    }

    pub(crate) fn order_is_used(&mut self, no: OrderNo) {
        match self.joined_mut(no.place()) {
            Some(it) => it.next_order = it.next_order.max(no.next()),
            None => self.next_order = self.next_order.max(no.next()),
        }
    }

    pub(crate) fn hold_is_used(&mut self, no: HoldNo) {
        match self.joined_mut(no.place()) {
            Some(it) => it.next_hold = no.next(),
            None => self.next_hold = no.next(),
        }
    }

    /// A place that is new begins with its first numbers.
    fn joined_mut(&mut self, place: Place) -> Option<&mut Joined> {
        if place == Place::OWN {
            return None;
        }
        let index = self.joined.iter().position(|it| it.place == place).unwrap_or_else(|| {
            let (next_lot, next_order, next_hold) = (LotNo::first(place), OrderNo::first(place), HoldNo::first(place));
            self.joined.push(Joined { place, next_lot, next_order, next_hold });
            self.joined.len() - 1
        });
        self.joined.get_mut(index)
    }

    /// What its own place has been numbered up to.
    pub(crate) fn own_numbers(&self) -> Joined {
        let Self { next_lot, next_order, next_hold, .. } = *self;
        Joined { place: Place::OWN, next_lot, next_order, next_hold }
    }

    pub(crate) fn standing(&self) -> Standing {
        Standing {
            tier: self.tier.clone(),
            tiers_before: self.tiers_before.clone(),
            acts: self.acts.clone(),
            closings: self.closings.clone(),
            // An order that has posted nothing is not told by the entries.
            has_begun: self.presence.bare + 1 < self.next_entry.0,
        }
    }

    /// What a merge changes before the points of its entry move.
    pub(crate) fn post_merged(&mut self, entry: &Entry, merged: &Merged) {
        match merged {
            Merged::Came { estate, can_be_undone } => {
                if *can_be_undone {
                    self.apart = Some(Box::new(Apart::of(estate, self.standing(), entry.at)));
                }
                if !self.standing().has_begun && !estate.standing.has_begun {
                    self.presence.bare = entry.number.0;
                }
                self.joined.extend_from_slice(&estate.joined);
                self.take_in(entry, estate);
                join_acts(&mut self.acts, &estate.standing.acts);
            }
            Merged::Returned(estate) => {
                self.presence.is_away = false;
                if let Some((own, others)) = estate.joined.split_first() {
                    (self.next_lot, self.next_order, self.next_hold) = (own.next_lot, own.next_order, own.next_hold);
                    self.joined.extend_from_slice(others);
                }
                self.take_in(entry, estate);
                self.set_standing(&estate.standing, entry);
            }
            Merged::Went | Merged::Parted(_) => {}
        }
    }

    /// What a merge changes once the points of its entry have moved.
    pub(crate) fn post_left(&mut self, entry: &Entry, merged: &Merged) {
        match merged {
            Merged::Went => self.clear(),
            Merged::Parted(parted) => self.part(entry, parted),
            Merged::Came { .. } | Merged::Returned(_) => {}
        }
    }

    fn take_in(&mut self, entry: &Entry, estate: &Estate) {
        self.balance.add(&estate.balance);
        for lot in &estate.lots {
            // Extensions from before do not count for what was somebody else's.
            let is_dated = lot.at.no.place() != Place::OWN && lot.certificate.is_none();
            self.load_lot(Lot { dated_by: Some(entry.number).filter(|_| is_dated), ..*lot });
        }
        if let Some(known) = &mut self.extension {
            let dates = estate.lots.iter().map(|it| it.at.expires_at);
            known.soonest_since = dates.fold(known.soonest_since, Timestamp::min);
        }
        for (no, posted) in &estate.orders {
            self.load_order(Order { posted: posted.clone(), ..Order::numbered(*no) });
        }
        estate.holds.iter().for_each(|it| self.load_hold(it.clone()));
        estate.conversions.iter().for_each(|it| self.load_conversion(it.clone()));
        estate.claims.iter().for_each(|it| self.load_claim(it.clone()));
        estate.years.iter().for_each(|it| self.change_year(it, 1));
        for more in &estate.carried {
            match self.carried.iter_mut().find(|it| it.per == more.per) {
                Some(known) => known.remainder += more.remainder,
                None => self.carried.push(*more),
            }
        }
    }

    /// Everything has gone: only the counters stay.
    fn clear(&mut self) {
        let mut cleared = Self::default();
        (cleared.purse, cleared.wallet, cleared.presence.is_away) = (self.purse.take(), self.wallet.take(), true);
        (cleared.last_at, cleared.next_entry) = (self.last_at, self.next_entry);
        (cleared.next_lot, cleared.next_order, cleared.next_hold) = (self.next_lot, self.next_order, self.next_hold);
        *self = cleared;
    }

    fn part(&mut self, entry: &Entry, parted: &Parted) {
        let stays = |place: Place| place < parted.from;
        self.keep(stays);
        self.joined.retain(|it| stays(it.place));
        self.apart = None;
        self.balance.subtract(&parted.balance);
        parted.years.iter().for_each(|it| self.change_year(it, -1));
        for (no, posted) in &parted.orders {
            if self.order(*no).is_none() {
                self.load_order(Order::numbered(*no));
            }
            self.replace_posted(*no, posted.clone());
        }
        parted.conversions.iter().for_each(|it| self.replace_conversion(it.clone()));
        parted.claims.iter().for_each(|it| self.claim_mut(it.no).clone_from(it));
        self.carried.clone_from(&parted.carried);
        self.set_standing(&parted.standing, entry);
    }

    fn set_standing(&mut self, standing: &Standing, entry: &Entry) {
        if !standing.has_begun {
            self.presence.bare = entry.number.0;
        }
        self.tier.clone_from(&standing.tier);
        self.tiers_before.clone_from(&standing.tiers_before);
        self.acts.clone_from(&standing.acts);
        self.closings.clone_from(&standing.closings);
    }

    fn change_year(&mut self, year: &Year, sign: i64) {
        for day in &year.days {
            let Figures { points, spent, orders } = day.figures;
            let points = Points::new(points.get() * sign);
            let figures = Figures { points, spent: Money::new(spent.minor() * sign), orders: orders * sign };
            self.add_to_day(year.year, day.ordinal, &figures);
        }
    }
}

/// What both have done counts together: of a day or a month, if it is the same one.
pub(crate) fn join_acts(acts: &mut Vec<Acted>, others: &[Acted]) {
    for other in others {
        let Some(known) = acts.iter_mut().find(|it| it.act == other.act) else {
            acts.push(other.clone());
            continue;
        };
        let (last, first) = if known.day < other.day { (other, &*known) } else { (&*known, other) };
        *known = Acted {
            act: last.act.clone(),
            day: last.day,
            of_day: last.of_day + if last.day == first.day { first.of_day } else { 0 },
            of_month: last.of_month + if last.day.month() == first.day.month() { first.of_month } else { 0 },
            of_life: last.of_life + first.of_life,
        };
    }
}

/// The years in which days count, as a whole.
pub(crate) fn years_of(account: &Account) -> Vec<Year> {
    account.years().iter().filter(|it| !it.days.is_empty()).map(|it| Year::clone(it)).collect::<Vec<_>>()
}

/// What an account has, apart from its points inside.
pub(crate) fn outside(balance: &Balance) -> Balance {
    Balance { pending: Points::ZERO, available: Points::ZERO, held: Points::ZERO, ..*balance }
}

/// The recorded orders with what was posted for them.
pub(crate) fn posted_of(orders: &[Arc<Order>]) -> Vec<(OrderNo, Posted)> {
    let mut posted: Vec<_> = orders.iter().map(|it| (it.no, it.posted.clone())).collect();
    posted.sort_unstable_by_key(|it| it.0);
    posted
}
