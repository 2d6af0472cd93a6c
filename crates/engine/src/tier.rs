//! Tiers: reached by what an account counts, kept until a date, lost step by step or at once (T1, T2).
//!
//! Figures decide, never balances: see `figures.rs`. A tier is reached at the entry that lifts the figure; whether it is
//! kept is reviewed when its time is over, which falls due like an expiry. The instant of the next review stands on the
//! account, so that nothing but the days of one or two years is ever looked at.

use std::sync::Arc;

use crate::account::{Account, NeedMore};
use crate::calendar::{Date, Timestamp, Zone};
use crate::decision::{Ahead, Draft};
use crate::entry::{Actor, Entry, Kind, OrderNo, Reason};
use crate::figures::{Day, Figures};
use crate::limits;
use crate::money::Money;
use crate::points::{Points, Times};
use crate::program::{RedeemRate, Terms, Version};
use crate::rates::NoScale;

/// The tiers of a program. A member without one is at the base, rank 0.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tiers {
    pub by: TierBy,
    pub within: TierWithin,
    pub keep: TierKeep,
    pub downgrade: Downgrade,
    /// So many days a tier stays that is no longer reached.
    pub grace_days: u16,
    /// From the lowest to the highest threshold; the first has rank 1.
    pub levels: Vec<Tier>,
    /// The terms for members of each level.
    terms: Vec<Terms>,
}

/// One tier. What it says of rates replaces the program's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tier {
    pub name: Arc<str>,
    /// The figure that reaches it: points, minor units of money, or orders.
    pub from: i64,
    /// So many points per amount (E5).
    pub earn: Option<(Points, Money)>,
    /// All that its members earn, so many times (E6).
    pub times: Option<Times>,
    /// What points are worth (R5).
    pub redeem: Option<RedeemRate>,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierBy {
    Points,
    Spend,
    Orders,
}

/// When it was counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierWithin {
    Lifetime,
    /// The calendar year.
    Year,
    /// A day counts until the same day of the next year.
    TwelveMonths,
}

/// How long a tier is kept that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierKeep {
    /// As long as the figure reaches it.
    WhileReached,
    /// To the end of the year in which it was reached.
    ThisYear,
    /// To the end of the year after.
    NextYear,
    Months(u16),
    Ever,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Downgrade {
    OneStep,
    Straight,
}

/// What a tier is called; nothing for members at the base. By its name it is found in every version of a program.
pub type TierName = Option<Arc<str>>;

/// Where a member stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierState {
    pub tier: TierName,
    /// Ledger time of the entry that gave it.
    pub since: Timestamp,
    /// When it is looked at whether it stays.
    pub review_at: Timestamp,
    pub hold: TierHold,
}

/// Why a member has a tier.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierHold {
    Reached,
    /// It is no longer reached, and stays for the grace.
    Grace,
    /// Staff have set it.
    Set,
}

/// What became of a tier, and by which figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierReview {
    pub outcome: TierOutcome,
    pub before: TierName,
    pub by: TierBy,
    pub within: TierWithin,
    pub figure: i64,
    /// The threshold that the figure was held against.
    pub from: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TierOutcome {
    Reached,
    Kept,
    Grace,
    Lost,
    /// What staff had set is over.
    SetEnded,
}

impl TierBy {
    pub const ALL: [Self; 3] = [Self::Points, Self::Spend, Self::Orders];

    pub fn name(self) -> &'static str {
        match self {
            Self::Points => "points",
            Self::Spend => "spend",
            Self::Orders => "orders",
        }
    }

    fn of(self, figures: &Figures) -> i64 {
        match self {
            Self::Points => figures.points.get(),
            Self::Spend => figures.spent.minor(),
            Self::Orders => figures.orders,
        }
    }
}

impl TierWithin {
    pub const ALL: [Self; 3] = [Self::Lifetime, Self::Year, Self::TwelveMonths];

    pub fn name(self) -> &'static str {
        match self {
            Self::Lifetime => "lifetime",
            Self::Year => "year",
            Self::TwelveMonths => "12_months",
        }
    }
}

impl TierHold {
    pub const ALL: [Self; 3] = [Self::Reached, Self::Grace, Self::Set];

    pub fn name(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Grace => "grace",
            Self::Set => "set",
        }
    }
}

impl TierOutcome {
    pub const ALL: [Self; 5] = [Self::Reached, Self::Kept, Self::Grace, Self::Lost, Self::SetEnded];

    pub fn name(self) -> &'static str {
        match self {
            Self::Reached => "reached",
            Self::Kept => "kept",
            Self::Grace => "grace",
            Self::Lost => "lost",
            Self::SetEnded => "set_ended",
        }
    }
}

/// Levels and how they are reached, without the terms that follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TierRules {
    pub by: TierBy,
    pub within: TierWithin,
    pub keep: TierKeep,
    pub downgrade: Downgrade,
    pub grace_days: u16,
    /// From the lowest to the highest threshold.
    pub levels: Vec<Tier>,
}

impl Terms {
    /// These terms with tiers; those of each level are worked out once.
    ///
    /// # Errors
    /// `NoScale` when what a tier earns cannot be added up exactly with the other rates.
    pub fn with_tiers(mut self, rules: TierRules) -> Result<Self, NoScale> {
        let TierRules { by, within, keep, downgrade, grace_days, levels } = rules;
        let mut tiers = Tiers { by, within, keep, downgrade, grace_days, levels, terms: Vec::new() };
        self.tiers = Some(Arc::new(tiers.clone()));
        tiers.terms = tiers.levels.iter().map(|it| self.of_tier(it)).collect::<Result<_, _>>()?;
        self.tiers = Some(Arc::new(tiers));
        Ok(self)
    }

    fn of_tier(&self, tier: &Tier) -> Result<Self, NoScale> {
        let mut terms = self.clone();
        if let Some((points, per)) = tier.earn {
            terms.earn.points = points;
            terms.earn.per = per;
        }
        terms.earning = self.earning.of_tier(tier, terms.earn)?;
        if let Some(rate) = tier.redeem {
            terms.redeem.rate = rate;
        }
        Ok(terms)
    }

    /// The tier of that rank, where it has a redemption rate of its own.
    pub(crate) fn redeems_as(&self, rank: u8) -> TierName {
        let level = self.tiers.as_ref()?.level(rank)?;
        level.redeem.is_some().then(|| Arc::clone(&level.name))
    }

    /// The terms for a member of that rank.
    pub fn under(&self, rank: u8) -> &Self {
        let of_tier = || self.tiers.as_ref()?.terms.get(usize::from(rank.checked_sub(1)?));
        of_tier().unwrap_or(self)
    }
}

impl Tiers {
    /// What they were made of.
    pub fn rules(&self) -> TierRules {
        let Self { by, within, keep, downgrade, grace_days, levels, .. } = self.clone();
        TierRules { by, within, keep, downgrade, grace_days, levels }
    }

    /// The highest rank that a figure reaches.
    fn reached(&self, figure: i64) -> u8 {
        let reached = self.levels.iter().filter(|it| it.from <= figure).count();
        u8::try_from(reached).expect("a program has at most 20 tiers")
    }

    fn from(&self, rank: u8) -> i64 {
        self.level(rank).map_or(0, |it| it.from)
    }

    pub(crate) fn name(&self, rank: u8) -> TierName {
        self.level(rank).map(|it| Arc::clone(&it.name))
    }

    pub fn level(&self, rank: u8) -> Option<&Tier> {
        self.levels.get(usize::from(rank.checked_sub(1)?))
    }

    /// What counts on a day.
    pub(crate) fn figure(&self, account: &Account, day: Date) -> Result<i64, NeedMore> {
        if self.within == TierWithin::Lifetime {
            return Ok(self.by.of(&account.counted));
        }
        Ok(self.window(account, day)?.map(|(_, it)| self.by.of(&it.figures)).sum())
    }

    /// The days that count on a day, each with its year, in order of time. An order may lie some minutes ahead: it counts at once.
    fn window<'a>(
        &self,
        account: &'a Account,
        day: Date,
    ) -> Result<impl Iterator<Item = (i16, &'a Day)> + use<'a>, NeedMore> {
        let first = match self.within {
            TierWithin::Lifetime | TierWithin::Year => Date::of_year(day.year(), 1).unwrap_or(day),
            TierWithin::TwelveMonths => day.first_within_a_year(),
        };
        account.year(first.year())?;
        let days = account.years().iter().flat_map(|year| year.days.iter().map(|it| (year.year, it)));
        let first = (first.year(), first.ordinal());
        Ok(days.filter(move |(year, it)| first <= (*year, it.ordinal)))
    }

    /// The first instant at which a day's figure falls below a threshold if nothing else comes.
    fn falls_at(
        &self,
        account: &Account,
        zone: &Zone,
        from: i64,
        (day, figure): (Date, i64),
    ) -> Result<Timestamp, NeedMore> {
        let mut left = figure;
        if left < from {
            return Ok(zone.start_of(day));
        }
        match self.within {
            TierWithin::Lifetime => {}
            TierWithin::Year => return Ok(end_of_year(zone, day.year())),
            TierWithin::TwelveMonths => {
                for (year, it) in self.window(account, day)? {
                    left -= self.by.of(&it.figures);
                    if left < from {
                        let date = Date::of_year(year, it.ordinal).map(|it| it.plus_months(12));
                        return Ok(date.map_or(Timestamp::NEVER, |it| zone.start_of(it)));
                    }
                }
            }
        }
        Ok(Timestamp::NEVER)
    }

    /// Until when a tier is kept that is reached on a day.
    fn kept_until(&self, account: &Account, zone: &Zone, rank: u8, day: Date) -> Result<Timestamp, NeedMore> {
        if rank == 0 {
            return Ok(Timestamp::NEVER);
        }
        Ok(match self.keep {
            TierKeep::WhileReached => {
                let figure = self.figure(account, day)?;
                return self.falls_at(account, zone, self.from(rank), (day, figure));
            }
            TierKeep::ThisYear => end_of_year(zone, day.year()),
            TierKeep::NextYear => end_of_year(zone, day.year() + 1),
            TierKeep::Months(months) => zone.end_of(day.plus_months(months)),
            TierKeep::Ever => Timestamp::NEVER,
        })
    }
}

fn end_of_year(zone: &Zone, year: i16) -> Timestamp {
    Date::new(year, 12, 31).map_or(Timestamp::NEVER, |it| zone.end_of(it))
}

impl Version {
    /// The rank of a tier here: that of the level of the same name.
    pub fn rank_of(&self, tier: &TierName) -> u8 {
        let (Some(name), Some(tiers)) = (tier, &self.terms.tiers) else { return 0 };
        let known = tiers.levels.iter().position(|it| it.name == *name).map_or(0, |it| it + 1);
        u8::try_from(known).expect("a program has at most 20 tiers")
    }
}

impl Account {
    /// The tier at an instant, as the ledger knew it then.
    pub(crate) fn tier_at(&self, at: Timestamp) -> &TierName {
        match &self.tier {
            None => &None,
            Some(state) if state.since <= at => &state.tier,
            Some(_) => {
                let before = self.tiers_before.iter().rev().find(|it| it.1 <= at).or(self.tiers_before.first());
                before.map_or(&None, |it| &it.0)
            }
        }
    }

    /// The terms of a version for the account as it stands.
    pub fn terms_of<'a>(&self, version: &'a Version) -> &'a Terms {
        match &self.tier {
            None => &version.terms,
            Some(state) => version.terms.under(version.rank_of(&state.tier)),
        }
    }

    /// Takes over where the member stands from now on.
    pub(crate) fn post_tier(&mut self, state: &TierState) {
        let (before, since) = self.tier.take().map_or((None, Timestamp::START), |it| (it.tier, it.since));
        if before != state.tier {
            let over = (self.tiers_before.len() + 1).saturating_sub(limits::TIERS_BEFORE_MAX);
            let known = self.tiers_before[over..].iter().cloned();
            self.tiers_before = known.chain([(before, since)]).collect();
        }
        self.tier = Some(state.clone());
    }
}

/// One look at an account's tier, at one instant, under the version in force then.
struct Review<'a> {
    version: &'a Version,
    tiers: &'a Tiers,
    at: Timestamp,
    standing: Option<TierState>,
    rank: u8,
}

impl<'a> Review<'a> {
    fn of(ahead: &Ahead<'a>, at: Timestamp) -> Option<Self> {
        let version = ahead.rules.timeline.at(at)?;
        let tiers = version.terms.tiers.as_deref()?;
        let standing = ahead.account.tier.clone();
        let rank = standing.as_ref().map_or(0, |it| version.rank_of(&it.tier));
        Some(Self { version, tiers, at, standing, rank })
    }

    fn zone(&self) -> &'a Zone {
        &self.version.terms.zone
    }

    /// The entry that says what became of the tier.
    fn draft(&self, at: Timestamp, rank: u8, review_at: Timestamp, told: (TierOutcome, TierHold, i64, i64)) -> Draft {
        let (outcome, hold, figure, from) = told;
        let (before, began) = self.standing.clone().map_or((None, Timestamp::START), |it| (it.tier, it.since));
        let stays = rank == self.rank && (rank != 0 || before.is_none());
        let tier = if stays { before.clone() } else { self.tiers.name(rank) };
        let since = if stays { began } else { at };
        let Tiers { by, within, .. } = *self.tiers;
        let mut draft = Draft::new(Kind::Tier, Reason::Tier(TierReview { outcome, before, by, within, figure, from }));
        draft.changes.tier = Some(Box::new(TierState { tier, since, review_at, hold }));
        draft
    }
}

/// After an order has changed what its day counts: a tier may be reached, or lost where it stays only while it is.
pub(crate) fn after_order(ahead: &mut Ahead<'_>, order: OrderNo, first: usize) -> Result<(), NeedMore> {
    if !ahead.entries[first..].iter().any(|it| it.changes.figures.is_some()) {
        return Ok(());
    }
    look_at(ahead, Some(order), first)
}

/// The tier of another member that is merged into this one, if it is the higher one, or is kept for longer.
pub(crate) fn higher(ahead: &Ahead<'_>, other: Option<&TierState>) -> Option<TierState> {
    let version = ahead.rules.timeline.at(ahead.now())?;
    let other = other?;
    let of = |it: &TierState| (version.rank_of(&it.tier), it.review_at);
    let own = ahead.account.tier.as_ref().map_or((0, Timestamp::START), of);
    (own < of(other)).then(|| TierState { since: ahead.now(), ..other.clone() })
}

/// After a merge, or its undo, has changed what all days count.
pub(crate) fn after_merge(ahead: &mut Ahead<'_>) -> Result<(), NeedMore> {
    look_at(ahead, None, ahead.entries.len())
}

fn look_at(ahead: &mut Ahead<'_>, order: Option<OrderNo>, first: usize) -> Result<(), NeedMore> {
    let at = ahead.now();
    let Some(review) = Review::of(ahead, at) else { return Ok(()) };
    let (tiers, rank) = (review.tiers, review.rank);
    let day = review.zone().date_of(at);
    let figure = tiers.figure(&ahead.account, day)?;
    let reached = tiers.reached(figure);
    let hold = review.standing.as_ref().map_or(TierHold::Reached, |it| it.hold);
    let draft = if rank < reached {
        let raised: i64 = ahead.entries[first..].iter().map(|it| changed(tiers, it)).sum();
        if hold == TierHold::Set && tiers.from(reached) <= figure - raised {
            return Ok(());
        }
        let until = tiers.kept_until(&ahead.account, review.zone(), reached, day)?;
        let told = (TierOutcome::Reached, TierHold::Reached, figure, tiers.from(reached));
        Some(review.draft(at, reached, until, told))
    } else if rank == 0 || hold == TierHold::Set {
        None
    } else if hold == TierHold::Grace {
        if reached < rank {
            return Ok(());
        }
        let until = tiers.kept_until(&ahead.account, review.zone(), rank, day)?;
        Some(review.draft(at, rank, until, (TierOutcome::Kept, TierHold::Reached, figure, tiers.from(rank))))
    } else if tiers.keep == TierKeep::WhileReached {
        while_reached(&ahead.account, &review, figure, day)?
    } else {
        None
    };
    if let Some(mut draft) = draft {
        draft.order = order;
        ahead.post(draft);
    }
    Ok(())
}

/// What an entry changes of the figure, wherever its day lies.
fn changed(tiers: &Tiers, entry: &Entry) -> i64 {
    entry.changes.figures.map_or(0, |it| tiers.by.of(&it.figures))
}

/// A tier that stays while it is reached: a refund may end it, or bring its review forward.
fn while_reached(account: &Account, review: &Review<'_>, figure: i64, day: Date) -> Result<Option<Draft>, NeedMore> {
    let (tiers, rank) = (review.tiers, review.rank);
    let from = tiers.from(rank);
    if figure < from {
        return fallen(account, review, figure, review.at, day).map(Some);
    }
    let falls_at = tiers.falls_at(account, review.zone(), from, (day, figure))?;
    let known = review.standing.as_ref().map_or(Timestamp::NEVER, |it| it.review_at);
    let told = (TierOutcome::Kept, TierHold::Reached, figure, from);
    Ok((falls_at < known).then(|| review.draft(review.at, rank, falls_at, told)))
}

/// The figure no longer reaches the tier: the grace begins, or it is lost. `day` is the last on which it was kept.
fn fallen(account: &Account, review: &Review<'_>, figure: i64, at: Timestamp, day: Date) -> Result<Draft, NeedMore> {
    let (tiers, rank) = (review.tiers, review.rank);
    let had_grace = review.standing.as_ref().is_some_and(|it| it.hold == TierHold::Grace);
    if tiers.grace_days != 0 && !had_grace {
        let until = review.zone().end_of(day.plus_days(i32::from(tiers.grace_days)));
        return Ok(review.draft(at, rank, until, (TierOutcome::Grace, TierHold::Grace, figure, tiers.from(rank))));
    }
    let reached = tiers.reached(figure);
    let to = match tiers.downgrade {
        Downgrade::Straight => reached,
        Downgrade::OneStep => reached.max(rank - 1),
    };
    // The year that is over is no year to keep the next one for.
    let from = if tiers.keep == TierKeep::ThisYear { day.plus_days(1) } else { day };
    let until = tiers.kept_until(account, review.zone(), to, from)?.max(at);
    Ok(review.draft(at, to, until, (TierOutcome::Lost, TierHold::Reached, figure, tiers.from(rank))))
}

/// The time of a tier is over at `due`: it is kept anew, goes into its grace, or is lost.
pub(crate) fn review_due(ahead: &mut Ahead<'_>, due: Timestamp) -> Result<(), NeedMore> {
    let Some(standing) = ahead.account.tier.clone().filter(|it| it.review_at <= due) else { return Ok(()) };
    let at = due.max(ahead.account.last_at);
    let Some(review) = Review::of(ahead, due) else {
        // The program has no tiers any more.
        let mut draft = Draft::due(Kind::Tier);
        let hold = TierHold::Reached;
        draft.changes.tier = Some(Box::new(TierState { tier: None, since: at, review_at: Timestamp::NEVER, hold }));
        ahead.post_at(due, draft);
        return Ok(());
    };
    let (tiers, rank) = (review.tiers, review.rank);
    let today = review.zone().date_of(due);
    // A date ends a time that is looked back on; what stays while it is reached is looked at as it is now, and so is what was
    // kept for the year that is over: it was kept for what that year has counted.
    let looks_back = match tiers.keep {
        TierKeep::WhileReached => standing.hold != TierHold::Reached,
        TierKeep::ThisYear => false,
        TierKeep::NextYear | TierKeep::Months(_) | TierKeep::Ever => true,
    };
    let day = if looks_back { today.plus_days(-1) } else { today };
    let figure = tiers.figure(&ahead.account, day)?;
    let reached = tiers.reached(figure);
    let mut draft = if standing.hold == TierHold::Set || rank == 0 {
        let until = tiers.kept_until(&ahead.account, review.zone(), reached, day)?;
        let outcome = if standing.hold == TierHold::Set { TierOutcome::SetEnded } else { TierOutcome::Lost };
        review.draft(at, reached, until, (outcome, TierHold::Reached, figure, tiers.from(rank)))
    } else if reached < rank {
        fallen(&ahead.account, &review, figure, at, today.plus_days(-1))?
    } else {
        let outcome = if reached == rank { TierOutcome::Kept } else { TierOutcome::Reached };
        let until = tiers.kept_until(&ahead.account, review.zone(), reached, day)?;
        review.draft(at, reached, until, (outcome, TierHold::Reached, figure, tiers.from(reached)))
    };
    draft.actor = Some(Actor::System);
    let is_over = draft
        .changes
        .tier
        .as_ref()
        .is_some_and(|it| due < it.review_at || (&it.tier, it.hold) != (&standing.tier, standing.hold));
    assert!(is_over, "a review that changes nothing would fall due again and again: {standing:?} at {due:?}");
    ahead.post_at(due, draft);
    Ok(())
}
