//! A slow and obvious ledger: every point is a thing of its own that lies in one place.
//!
//! Written from the design (§4, §4.1, §4.2) and docs/DESIGN.md, not from the engine. Bounded by the points of an account,
//! which the programs it is used with keep to some thousands.

mod acts;
mod amounts;
mod budgets;
mod caps;
mod carried;
mod certificates;
mod conversions;
mod credit;
mod dates;
mod earned;
mod leaving;
mod orders;
mod rewards;
mod tiers;

use std::sync::Arc;

use engine::{Adjustment, Date, Document, EarnRules, Rejection, Terms, Timeline, Timestamp};

use crate::histories::ORDERS;
use crate::programs::NOON;
use crate::shop::Command;

/// What each line costs after discounts, without its tax.
pub(crate) fn net_of_lines(document: &Document) -> Vec<i128> {
    amounts::Kept::of(document).net_of_lines()
}

/// Nothing happens, for this reason.
pub(crate) type Refused = &'static str;

#[derive(Clone, Debug)]
pub(crate) struct Model {
    timeline: Timeline,
    /// The rates, multipliers and promotions of each version.
    rules: Vec<EarnRules>,
    pub(crate) points: Vec<Point>,
    pub(crate) lots: Vec<Lot>,
    /// How far all lots are extended that are covered.
    until: Timestamp,
    pub(crate) owed: i128,
    pub(crate) let_go: i128,
    holds: Vec<Hold>,
    /// What is left of each lot of store credit, oldest first.
    credit: Vec<i128>,
    pub(crate) certificates: Vec<certificates::Certificate>,
    conversions: Vec<conversions::Conversion>,
    /// Conversions that the command has undone, and how often.
    undone: Vec<(usize, usize)>,
    /// Certificates that the command is to use.
    reserved: Vec<usize>,
    pub(crate) claims: Vec<rewards::Claim>,
    closings: Vec<leaving::Closed>,
    /// The member has come into the program by a command of its own.
    joined: bool,
    /// When the last command came.
    posted_at: Timestamp,
    /// The command made some point available since conversion was last looked at.
    freed: bool,
    pub(crate) orders: [Option<Order>; ORDERS],
    /// On which days each act was done; signing up is one without a name.
    acts: Vec<(String, Date)>,
    /// The last birthday that gave points, and until when they have been looked for: the account is there from the beginning.
    birthday: Option<Date>,
    lived_to: Timestamp,
    /// What orders counted towards tiers after each command.
    counted: Vec<(Timestamp, Vec<tiers::Counted>)>,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) lot: usize,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Pending,
    Available,
    /// With the hold of this number.
    Held(u64),
    /// With an order.
    Redeemed,
    /// Taken back by an order, or to pay a debt, or by staff.
    Gone,
    Expired,
    /// Became store credit or a certificate.
    Converted,
    /// Was there when the grace of a closed account ended.
    Forfeited,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Lot {
    earned_at: Timestamp,
    pub(crate) available_at: Timestamp,
    expires_at: Timestamp,
    graced: bool,
    /// An extension covers it.
    covered: bool,
    /// It got its dates since the last one.
    fresh: bool,
}

impl Lot {
    fn new(earned_at: Timestamp, available_at: Timestamp, expires_at: Timestamp) -> Self {
        Self { earned_at, available_at, expires_at, graced: false, covered: false, fresh: true }
    }
}

#[derive(Clone, Debug)]
struct Hold {
    no: u64,
    lapses_at: Timestamp,
    asked: i128,
    /// In the order in which they were taken.
    points: Vec<usize>,
    state: HoldState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum HoldState {
    Active,
    Ended,
    Taken { by: usize },
}

#[derive(Clone, Debug)]
pub(crate) struct Order {
    terms: Terms,
    rules: EarnRules,
    /// The tier that it was placed under, from 1 on, and whether it is the member's first.
    tier: usize,
    is_first: bool,
    /// What of it counts as money spent.
    spent: i128,
    on: bool,
    /// It was placed while its member had left.
    closed: bool,
    document: Option<Arc<Document>>,
    pub(crate) asked: i128,
    accepted: i128,
    pub(crate) earned: i128,
    /// The local day on which it was placed.
    day: Date,
    /// In which order they came, what of it counts towards carried steps, and how many it has.
    no: usize,
    counted: i128,
    steps: i128,
    /// Each step that it has passed on to others, or had of them.
    displaced: Vec<carried::Displaced>,
    /// What it has of the budgets of promotions.
    of_budgets: Vec<budgets::Use>,
    /// What it may earn since a cap of its day, month or year has cut it.
    allotted: Option<i128>,
    lot: Option<usize>,
    /// Until when its lot was to live, by its document.
    until: Timestamp,
    taken_back: Vec<Back>,
    pub(crate) redeemed: Vec<usize>,
    credit_asked: i128,
    credit_accepted: i128,
    /// Parts of lots of credit, in the order in which they were taken.
    credit: Vec<(usize, i128)>,
    /// The certificates that were ever accepted for it, and whether each still stands.
    named: Vec<(usize, bool)>,
    pub(crate) paid_by: Vec<certificates::Part>,
}

/// Where one point came from that an order took back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Back {
    Point(usize),
    Expired,
    Owed,
    LetGo,
}

impl Model {
    pub(crate) fn new(timeline: Timeline, rules: Vec<EarnRules>) -> Self {
        Self {
            timeline,
            rules,
            points: Vec::new(),
            lots: Vec::new(),
            until: Timestamp::START,
            owed: 0,
            let_go: 0,
            holds: Vec::new(),
            credit: Vec::new(),
            certificates: Vec::new(),
            conversions: Vec::new(),
            undone: Vec::new(),
            reserved: Vec::new(),
            claims: Vec::new(),
            closings: Vec::new(),
            joined: false,
            posted_at: Timestamp::START,
            freed: false,
            orders: Default::default(),
            acts: Vec::new(),
            birthday: None,
            lived_to: NOON,
            counted: Vec::new(),
        }
    }

    /// The ledger after a command, or why it is refused.
    pub(crate) fn after(&self, command: &Command, now: Timestamp) -> Result<Self, Refused> {
        let mut next = self.clone();
        next.freed = false;
        next.settle(now);
        next.posted_at = now;
        match command {
            Command::Put { slot, document } => {
                next = next.put(*slot, document, now)?;
                next.count_now(now);
                return Ok(next);
            }
            Command::Hold { points, minutes } => next.hold(i128::from(points.get()), *minutes, now)?,
            Command::Release(no) => next.release(no.0)?,
            Command::Adjust(adjustment) => next.adjust(adjustment, now)?,
            Command::Credit(adjustment) => next.adjust_credit(adjustment)?,
            Command::Act(name) => next.act(name, now)?,
            Command::SignUp => next.sign_up(now),
            Command::Redate(it) => next.redate_by_hand(it, now)?,
            Command::Reinstate(it) => next.reinstate(it, now)?,
            Command::Issue(issue) => next.issue(issue, now)?,
            Command::Cancel(cancel) => next.cancel_certificate(cancel.certificate.0, now)?,
            Command::Collect => next.collect(now)?,
            Command::Reward(name) => next.claim(name, now)?,
            Command::EndClaim { claim, cancels: true } => next.cancel_claim(claim.0, now)?,
            Command::EndClaim { claim, .. } => next.fulfil_claim(claim.0)?,
            Command::Close(closing) => next.close(closing.grace_days, now),
            Command::Join => next.join(now),
            Command::Settle => {}
        }
        if matches!(command, Command::Cancel(_) | Command::EndClaim { .. }) {
            // What staff bring back stays points until others become available.
            next.settle_within(now);
            next.freed = false;
        }
        next.settle(now);
        next.count_now(now);
        Ok(next)
    }

    /// The ledger as a read shows it: with all that is due by now.
    pub(crate) fn read(&self, now: Timestamp) -> Self {
        let mut read = self.clone();
        read.freed = false;
        read.settle(now);
        read
    }

    pub(crate) fn count(&self, place: fn(Place) -> bool) -> i128 {
        self.points.iter().filter(|it| place(it.place)).map(|_| 1).sum()
    }

    /// Everything that falls due until `now`, one instant after the other.
    fn settle(&mut self, now: Timestamp) {
        self.fall_due(now, true);
    }

    /// Within a command that may yet take what became available, nothing is converted.
    fn settle_within(&mut self, now: Timestamp) {
        self.fall_due(now, false);
    }

    fn fall_due(&mut self, now: Timestamp, converts: bool) {
        self.pay_debt();
        while let Some(due) = self.due_at().filter(|it| *it <= now) {
            self.expire(due);
            for no in 0..self.holds.len() {
                if self.holds[no].state == HoldState::Active && self.holds[no].lapses_at <= due {
                    self.end_hold(no);
                }
            }
            for index in 0..self.points.len() {
                let it = &mut self.points[index];
                if it.place == Place::Pending && self.lots[it.lot].available_at <= due {
                    it.place = Place::Available;
                    self.freed = true;
                }
            }
            if self.birthday_at().is_some_and(|it| it <= due) {
                self.celebrate(due);
            }
            self.pay_debt();
            self.forfeit(due);
            if converts {
                self.convert(due.max(self.posted_at));
            }
        }
        self.lived_to = self.lived_to.max(now);
        if converts {
            self.convert(now);
        }
        self.settle_certificates(now);
    }

    fn due_at(&self) -> Option<Timestamp> {
        let points = self.points.iter().filter_map(|it| {
            let lot = self.lots[it.lot];
            match it.place {
                Place::Pending => Some(lot.available_at.min(self.ends(it.lot))),
                Place::Available => Some(self.ends(it.lot)),
                Place::Held(_)
                | Place::Redeemed
                | Place::Gone
                | Place::Expired
                | Place::Converted
                | Place::Forfeited => None,
            }
        });
        let holds = self.holds.iter().filter(|it| it.state == HoldState::Active).map(|it| it.lapses_at);
        points
            .chain(holds)
            .chain(self.forfeits_at())
            .chain(self.birthday_at())
            .filter(|it| *it != Timestamp::NEVER)
            .min()
    }

    fn expire(&mut self, now: Timestamp) {
        for index in 0..self.points.len() {
            let it = self.points[index];
            let waits_or_free = matches!(it.place, Place::Pending | Place::Available);
            if waits_or_free && self.ends(it.lot) <= now {
                self.points[index].place = Place::Expired;
            }
        }
    }

    /// When a lot ends: at its own date, or with all that an extension covers.
    pub(crate) fn ends(&self, lot: usize) -> Timestamp {
        let lot = self.lots[lot];
        if lot.covered { lot.expires_at.max(self.until) } else { lot.expires_at }
    }

    /// Everything that has not passed lives until then; only what is longer, or new and shorter, is worth a word.
    fn extend(&mut self, wanted: Timestamp, is_new: bool, now: Timestamp) {
        let reached = if now < self.until { self.until } else { Timestamp::START };
        let until = wanted.max(reached);
        let fresh = self.lots.iter().filter(|it| it.fresh).map(|it| it.expires_at).min();
        let shorter = reached == Timestamp::START || fresh.is_some_and(|it| it < until);
        if until <= now || self.lots.is_empty() || !(reached < wanted || (is_new && shorter)) {
            return;
        }
        let alive: Vec<bool> = (0..self.lots.len()).map(|it| now < self.ends(it)).collect();
        for (lot, alive) in self.lots.iter_mut().zip(alive) {
            (lot.covered, lot.fresh) = (alive, false);
        }
        self.until = until;
    }

    fn end_hold(&mut self, no: usize) {
        self.holds[no].state = HoldState::Ended;
        for index in std::mem::take(&mut self.holds[no].points) {
            self.points[index].place = Place::Available;
            self.freed = true;
        }
    }

    /// Points owed are paid the moment any points become available, even by points that expire at once.
    fn pay_debt(&mut self) {
        if self.owed == 0 {
            return;
        }
        let owed = count(self.owed);
        for index in self.soonest_first(None).into_iter().take(owed) {
            self.points[index].place = Place::Gone;
            self.owed -= 1;
        }
    }

    /// The available points in the order in which they are spent, leaving one lot alone.
    fn soonest_first(&self, except: Option<usize>) -> Vec<usize> {
        let free = |it: &usize| {
            let point = self.points[*it];
            point.place == Place::Available && Some(point.lot) != except
        };
        let mut free: Vec<usize> = (0..self.points.len()).filter(free).collect();
        free.sort_by_key(|it| {
            let lot = self.points[*it].lot;
            (self.ends(lot), self.lots[lot].expires_at, self.lots[lot].earned_at, lot)
        });
        free
    }

    /// The next so many of them: they are there.
    fn soonest(&self, points: usize, except: Option<usize>) -> Vec<usize> {
        let mut free = self.soonest_first(except);
        assert!(points <= free.len(), "{points} of {} points", free.len());
        free.truncate(points);
        free
    }

    fn open(&mut self, lot: Lot) -> usize {
        self.lots.push(Lot { covered: false, fresh: true, ..lot });
        self.lots.len() - 1
    }

    fn hold(&mut self, points: i128, minutes: u32, now: Timestamp) -> Result<(), Refused> {
        if points <= 0 {
            return Err("invalid");
        }
        if !self.timeline.is_on(now) {
            return Err("program_off");
        }
        self.check_open()?;
        let terms = self.timeline.at(now).expect("a version since long ago").terms.clone();
        let terms = Self::under(terms, self.tier(now));
        let free = self.count(|it| it == Place::Available);
        orders::check_figure(points, free, &terms)?;
        if free < points {
            return Err("insufficient_points");
        }
        let no = self.next_number();
        let taken = self.soonest(count(points), None);
        for index in &taken {
            self.points[*index].place = Place::Held(no);
        }
        let lapses_at = now.plus_minutes(i64::from(minutes));
        self.holds.push(Hold { no, lapses_at, asked: points, points: taken, state: HoldState::Active });
        Ok(())
    }

    fn release(&mut self, no: u64) -> Result<(), Refused> {
        let index = self.hold_index(no).ok_or("unknown_hold")?;
        match self.holds[index].state {
            HoldState::Taken { .. } => return Err("hold_taken"),
            HoldState::Ended => {}
            HoldState::Active => self.end_hold(index),
        }
        Ok(())
    }

    fn hold_index(&self, no: u64) -> Option<usize> {
        self.holds.iter().position(|it| it.no == no)
    }

    /// Holds and claims are numbered together.
    fn next_number(&self) -> u64 {
        u64::try_from(self.holds.len() + self.claims.len()).expect("a few") + 1
    }

    fn adjust(&mut self, it: &Adjustment, now: Timestamp) -> Result<(), Refused> {
        let points = i128::from(it.points.get());
        let passed = it.expires_at.is_some_and(|at| at <= now);
        if points == 0 || passed || (points < 0 && it.expires_at.is_some()) {
            return Err("invalid");
        }
        self.check_open()?;
        if points < 0 {
            if self.count(|it| it == Place::Available) < -points {
                return Err("insufficient_points");
            }
            for index in self.soonest(count(-points), None) {
                self.points[index].place = Place::Gone;
            }
            return Ok(());
        }
        let terms = &self.timeline.at(now).expect("a version since long ago").terms;
        let expires_at = it.expires_at.unwrap_or_else(|| terms.validity.ends(now, &terms.zone));
        if expires_at <= now {
            return Err("invalid");
        }
        let lot = self.open(Lot::new(now, now, expires_at));
        self.points.extend((0..points).map(|_| Point { lot, place: Place::Available }));
        self.freed = true;
        Ok(())
    }
}

fn count(points: i128) -> usize {
    usize::try_from(points).expect("a few, and not below zero")
}

/// The stable code of a refusal, for comparing.
pub(crate) fn code(rejection: &Rejection) -> Refused {
    rejection.code()
}
