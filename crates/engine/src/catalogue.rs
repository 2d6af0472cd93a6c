//! The rewards catalogue: what a program gives for a fixed number of points, and to whom (C9).
//!
//! A reward is known by its name across the versions of a program, so that its stock and its limits go on. How many of a
//! reward members have lies outside of accounts and comes with the rules, as what is used of budgets does. Bounded by the
//! rewards of a program.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::account::{Account, NeedMore};
use crate::activity::{self, Act, Acted};
use crate::calendar::{Date, Timestamp};
use crate::certificate::Uses;
use crate::close::check_open;
use crate::decision::{Ahead, Moment};
use crate::money::Money;
use crate::points::Points;
use crate::program::{Rules, Validity, Version};
use crate::rejection::Rejection;
use crate::settle::settle_ahead;

/// What so many points buy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reward {
    pub name: Arc<str>,
    pub gives: Gift,
    pub points: Points,
    /// How many there are, over all members and for good.
    pub stock: Option<u32>,
    /// The first and the last day, in the program's zone.
    pub from: Option<Date>,
    pub until: Option<Date>,
    /// By their names; all members where none is named.
    pub tiers: BTreeSet<Arc<str>>,
    /// How many one member may have.
    pub per_day: Option<u32>,
    pub per_month: Option<u32>,
    pub per_life: Option<u32>,
}

/// What a reward is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gift {
    /// Anything with a name: staff hand it over.
    Named,
    /// A product by the shop's own id: staff hand it over.
    Product(Arc<str>),
    /// A certificate, there at once.
    Coupon(Coupon),
}

/// A certificate that points buy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Coupon {
    /// What it is worth; of one that pays a share of an order, the most that it pays.
    pub value: Money,
    pub uses: Uses,
    pub validity: Validity,
}

/// A reward as one member sees it now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offered<'a> {
    pub reward: &'a Reward,
    /// How many are left, where there are only so many.
    pub left: Option<u32>,
    /// Why the member cannot have it.
    pub refusal: Option<Rejection>,
}

impl Reward {
    /// How many are left of it.
    pub fn left(&self, claimed: i64) -> Option<u32> {
        let left = |stock: u32| u32::try_from((i64::from(stock) - claimed).max(0)).expect("no more than the stock");
        self.stock.map(left)
    }
}

impl Version {
    pub fn reward(&self, name: &str) -> Option<&Reward> {
        self.terms.catalogue.iter().find(|it| &*it.name == name)
    }
}

/// The rewards of a program in the order of its catalogue, each with why the member cannot have it, if so.
///
/// # Errors
/// `NeedMore`.
pub fn catalogue<'a>(account: &Account, rules: Rules<'a>, moment: Moment) -> Result<Vec<Offered<'a>>, NeedMore> {
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let Some(version) = rules.timeline.at(ahead.now()) else { return Ok(Vec::new()) };
    let offered = |reward: &'a Reward| Offered {
        reward,
        left: reward.left(rules.budgets.claimed(&reward.name)),
        refusal: check(&ahead, version, reward).err(),
    };
    Ok(version.terms.catalogue.iter().map(offered).collect())
}

/// Whether the member can have a reward now; answers how often it does then.
pub(crate) fn check(ahead: &Ahead<'_>, version: &Version, reward: &Reward) -> Result<Acted, Rejection> {
    let (account, rules, now) = (&ahead.account, ahead.rules, ahead.now());
    check_member(ahead)?;
    let day = version.terms.zone.date_of(now);
    if let Some(from) = reward.from.filter(|from| day < *from) {
        return Err(Rejection::RewardNotYet { from });
    }
    if let Some(until) = reward.last_day(version, now).filter(|until| *until < day) {
        return Err(Rejection::RewardOver { until });
    }
    let tier = account.tier.as_ref().and_then(|it| it.tier.as_ref());
    if !reward.tiers.is_empty() && tier.is_none_or(|it| !reward.tiers.contains(it)) {
        return Err(Rejection::RewardTier);
    }
    if reward.left(rules.budgets.claimed(&reward.name)) == Some(0) {
        return Err(Rejection::RewardSoldOut);
    }
    let acted = activity::next(account, Act::Reward(reward.name.to_string()), day);
    check_limits(reward, &acted)?;
    if ahead.moment.import && ahead.moment.now < account.last_at {
        return Err(Rejection::BehindAccount);
    }
    let spendable = account.spendable(None);
    if spendable < reward.points {
        return Err(Rejection::InsufficientPoints { spendable });
    }
    Ok(acted)
}

/// Whether the member can have anything at all.
pub(crate) fn check_member(ahead: &Ahead<'_>) -> Result<(), Rejection> {
    if !ahead.rules.timeline.is_on(ahead.now()) {
        return Err(Rejection::ProgramOff);
    }
    check_open(&ahead.account)?;
    if ahead.rules.card_blocked {
        return Err(Rejection::CardBlocked);
    }
    Ok(())
}

impl Reward {
    /// The last day on which it can be claimed: a coupon that ends on a day is not to be had after it.
    fn last_day(&self, version: &Version, now: Timestamp) -> Option<Date> {
        let coupon = match &self.gives {
            Gift::Coupon(Coupon { validity: Validity::Until(last), .. }) => Some(*last),
            Gift::Coupon(_) | Gift::Product(_) | Gift::Named => None,
        };
        // Where summer time leaves a day out, a coupon may have ended before its day has.
        let zone = &version.terms.zone;
        let coupon = coupon.map(|it| if zone.end_of(it) <= now { it.min(zone.date_of(now).plus_days(-1)) } else { it });
        match (self.until, coupon) {
            (Some(until), Some(coupon)) => Some(until.min(coupon)),
            (until, coupon) => until.or(coupon),
        }
    }
}

fn check_limits(reward: &Reward, acted: &Acted) -> Result<(), Rejection> {
    let limits = [
        ("day", reward.per_day, acted.of_day),
        ("month", reward.per_month, acted.of_month),
        ("life", reward.per_life, acted.of_life),
    ];
    match limits.into_iter().find(|(_, most, times)| most.is_some_and(|it| it < *times)) {
        Some((per, Some(most), _)) => Err(Rejection::RewardLimit { per, most }),
        Some(_) | None => Ok(()),
    }
}
