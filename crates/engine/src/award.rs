//! What an order comes to under rates, multipliers, exclusions and promotions (E5, E6, E7, E15).
//!
//! Everything is added up exactly over a common denominator and rounded down once per order, or once per line where the
//! program says so. Each part stands in the explanation. Programs with their own rate alone never come here.

use std::sync::Arc;

use crate::budget::{self, Budgeted, Budgets};
use crate::document::{Document, Line};
use crate::kept::{EarningLine, Kept};
use crate::limits;
use crate::money::Money;
use crate::points::{Points, Scaled, Times};
use crate::posted::{Order, Pinned};
use crate::program::{EarnMode, Terms};
use crate::promotion::{Circumstances, Fit, Gives};
use crate::rates::{Pay, RateNo, RateOf, Rounding};

/// How an award was worked out beyond the program's own rate (E14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worked {
    /// What the rules come to; of carried steps only what the order has beside them.
    pub points: Points,
    /// For each rate that was used, what earned at it.
    pub parts: Vec<Part>,
    /// What is kept and excluded.
    pub excluded: Money,
    /// What gift cards paid, which earned when they were sold.
    pub gift_cards: Money,
    /// By the member's customer type.
    pub times: Option<Times>,
    /// By the member's tier.
    pub tier_times: Option<Times>,
    pub promotions: Vec<Promoted>,
    pub rounding: Rounding,
    /// Whether a fraction of a point was dropped.
    pub rounded: bool,
}

impl Worked {
    /// What the order comes to with so many carried steps. All of it has the same multipliers: programs that carry have no
    /// others.
    pub(crate) fn carry(&mut self, steps: i64, terms: &Terms) {
        let own = Scaled::of_steps(terms.earning.scale, steps, terms.earn.points);
        let mut sum = own;
        let mut extra = Points::ZERO;
        for promoted in &self.promotions {
            match promoted.gives {
                Gives::Times(times) => sum += own.more(times),
                Gives::Points(points) => extra += points,
            }
        }
        let (points, rounded) = sum.multiplied(self.times).multiplied(self.tier_times).floor();
        self.points = points + extra;
        self.rounded = rounded;
    }
}

/// What earned at one rate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub by: By,
    pub pay: Pay,
    pub base: Money,
    pub units: u32,
}

/// Whose rate it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    Program,
    Product(Arc<str>),
    Category(Arc<str>),
    CustomerType,
    /// That of the tier which the explanation names.
    Tier,
}

/// A promotion that the order had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promoted {
    pub name: Arc<str>,
    pub gives: Gives,
    /// What it was for.
    pub base: Money,
    pub budget: Option<Budgeted>,
}

/// A part of an order that earns.
struct Share<'a> {
    line: Option<&'a Line>,
    rate: RateNo,
    base: Money,
    units: u32,
    /// The multiplying promotions that it has, as bits among those that fit.
    promotions: u64,
}

/// What earns of an order, and how.
pub(crate) struct Award<'a> {
    terms: &'a Terms,
    /// In the order of their rates: amounts of one rate are added up before they make steps (E2).
    shares: Vec<Share<'a>>,
    fits: Vec<Fit>,
    /// What multiplies all of it, beside the tier.
    times: Option<Times>,
    excluded: Money,
    gift_cards: Money,
    pub(crate) base: Money,
    is_return: bool,
}

impl<'a> Award<'a> {
    pub(crate) fn of(order: &Order, document: &'a Document, kept: &Kept, paid: Money, terms: &'a Terms) -> Self {
        let rules = &terms.earning;
        let Pinned { customer_type, channel, .. } = order.pinned;
        let mut award = Self {
            terms,
            shares: Vec::with_capacity(document.lines.len() + 1),
            fits: Vec::new(),
            times: rules.times(customer_type),
            excluded: Money::ZERO,
            gift_cards: Money::ZERO,
            base: Money::ZERO,
            is_return: document.is_return,
        };
        let (lines, shipping) = kept.earning_lines(paid, terms);
        for (line, earning) in document.lines.iter().zip(lines) {
            award.add(Some(line), rules.rate_of(line, customer_type), earning);
        }
        if terms.earn_on_shipping {
            award.add(None, Some(rules.rate_of_shipping(customer_type)), shipping);
        }
        award.shares.sort_unstable_by_key(|it| it.rate);
        if !rules.promotions.is_empty() {
            let circumstances = Circumstances {
                placed_at: document.placed_at,
                zone: &terms.zone,
                channel,
                customer_type,
                is_first: order.pinned.is_first,
            };
            let bases = award.shares.iter().map(|it| (it.line, it.base));
            award.fits = rules.promotions.fitting(&circumstances, bases);
            for share in &mut award.shares {
                share.promotions = rules.promotions.multipliers_of(&award.fits, share.line);
            }
        }
        award
    }

    fn add(&mut self, line: Option<&'a Line>, rate: Option<RateNo>, earning: EarningLine) {
        let EarningLine { base, units, by_gift_card } = earning;
        self.gift_cards += by_gift_card;
        match rate {
            None => self.excluded += base,
            Some(rate) if base.is_positive() => {
                self.base += base;
                self.shares.push(Share { line, rate, base, units, promotions: 0 });
            }
            Some(_) => {}
        }
    }

    /// What it comes to; the order has so many steps where they are carried, and `budgets` say what is used of them.
    pub(crate) fn work_out(&self, order: &Order, steps: i64, budgets: &Budgets) -> Worked {
        let rules = &self.terms.earning;
        let has_budget = |it: &Fit| rules.promotions.get(it.place).budget.is_some();
        let (mut points, mut rounded) = self.total(|it| !has_budget(it));
        points += self.extra(|it| !has_budget(it));
        let mut promotions: Vec<Promoted> = Vec::with_capacity(self.fits.len());
        promotions.extend(self.fits.iter().filter(|it| !has_budget(it)).filter_map(|it| self.promoted(*it)));
        if rules.promotions.has_budgets() {
            // Those with a budget come last, one after the other.
            let mut before = self.total(|it| !has_budget(it)).0;
            for fit in self.fits.iter().filter(|it| has_budget(it)) {
                let up_to = |it: &Fit| !has_budget(it) || it.place <= fit.place;
                let with = self.total(up_to);
                let called_for = with.0 - before + self.extra(|it| it.place == fit.place);
                before = with.0;
                let promotion = rules.promotions.get(fit.place);
                let Some(mut promoted) = self.promoted(*fit) else { continue };
                // What came back without its order may never have had anything of a budget.
                let called_for = if self.is_return { Points::ZERO } else { called_for };
                promoted.budget = budget::bound(promotion, called_for, order, budgets);
                points += promoted.budget.map_or(called_for, |it| it.given);
                rounded |= with.1;
                promotions.push(promoted);
            }
        }
        let mut worked = Worked {
            points,
            parts: self.parts(),
            excluded: self.excluded,
            gift_cards: self.gift_cards,
            times: self.times,
            tier_times: rules.tier_times,
            promotions,
            rounding: rules.rounding,
            rounded,
        };
        if self.terms.earn.mode == EarnMode::StepsCarried {
            worked.carry(steps, self.terms);
        }
        worked
    }

    /// What rates and multiplying promotions come to, and whether a fraction was dropped; carried steps are worked out apart.
    fn total(&self, with: impl Fn(&Fit) -> bool + Copy) -> (Points, bool) {
        let mut points = Points::ZERO;
        let mut rounded = false;
        let mut add = |exact: Scaled| {
            let (whole, is_rounded) = exact.multiplied(self.times).multiplied(self.terms.earning.tier_times).floor();
            points += whole;
            rounded |= is_rounded;
        };
        match self.terms.earning.rounding {
            _ if self.terms.earn.mode == EarnMode::StepsCarried => {}
            Rounding::Order => add(self.exact(&self.shares, with)),
            Rounding::Line => self.shares.iter().for_each(|it| add(self.exact(std::slice::from_ref(it), with))),
        }
        (points, rounded)
    }

    /// Points by promotions, which nothing multiplies.
    fn extra(&self, with: impl Fn(&Fit) -> bool) -> Points {
        let points = |it: &Fit| match self.terms.earning.promotions.get(it.place).gives {
            Gives::Points(points) => points,
            Gives::Times(_) => Points::ZERO,
        };
        self.fits.iter().filter(|it| with(it)).map(points).sum()
    }

    /// What shares come to without what multiplies all of it: at each rate, and once more for each promotion what it is
    /// for.
    fn exact(&self, shares: &[Share<'a>], with: impl Fn(&Fit) -> bool) -> Scaled {
        let mut sum = self.at_rates(shares, |_| true);
        for (index, fit) in self.fits.iter().enumerate().filter(|(_, it)| with(it)) {
            if let Gives::Times(times) = self.terms.earning.promotions.get(fit.place).gives {
                sum += self.at_rates(shares, |it| it.promotions >> index & 1 == 1).more(times);
            }
        }
        sum
    }

    fn at_rates(&self, shares: &[Share<'a>], is: impl Fn(&Share<'a>) -> bool) -> Scaled {
        let scale = self.terms.earning.scale;
        let in_steps = self.terms.earn.mode != EarnMode::Proportional;
        let mut sum = Scaled::zero(scale);
        for (rate, base, units) in summed(shares, is) {
            sum += match self.pay(rate) {
                Pay::Each(points) => Scaled::of_units(scale, units, points),
                Pay::Per { points, per } if in_steps => Scaled::of_full(scale, base, points, per),
                Pay::Per { points, per } => Scaled::in_proportion(scale, base, points, per),
            };
        }
        sum
    }

    fn pay(&self, rate: RateNo) -> Pay {
        match rate {
            RateNo::Special(index) => self.terms.earning.special(index).pay,
            RateNo::Program => Pay::Per { points: self.terms.earn.points, per: self.terms.earn.per },
        }
    }

    fn parts(&self) -> Vec<Part> {
        let by = |rate| match rate {
            RateNo::Program if self.terms.earning.is_tier_rate => By::Tier,
            RateNo::Program => By::Program,
            RateNo::Special(index) => match &self.terms.earning.special(index).of {
                RateOf::Product(name) => By::Product(Arc::clone(name)),
                RateOf::Category(name) => By::Category(Arc::clone(name)),
                RateOf::CustomerType(_) => By::CustomerType,
            },
        };
        let mut parts = Vec::with_capacity(self.shares.len());
        let part = |(rate, base, units)| Part { by: by(rate), pay: self.pay(rate), base, units };
        parts.extend(summed(&self.shares, |_| true).map(part));
        parts
    }

    /// Of a multiplier, what of the order it was used for; one that a group kept from every line is left out.
    fn promoted(&self, fit: Fit) -> Option<Promoted> {
        let it = self.terms.earning.promotions.get(fit.place);
        let base = match it.gives {
            Gives::Points(_) => fit.base,
            Gives::Times(_) => {
                let index = self.fits.iter().position(|other| other.place == fit.place)?;
                self.shares.iter().filter(|it| it.promotions >> index & 1 == 1).map(|it| it.base).sum()
            }
        };
        base.is_positive().then(|| Promoted { name: Arc::clone(&it.name), gives: it.gives, base, budget: None })
    }
}

/// What earns at each rate, the amount and the units; nothing where none of its shares is meant.
fn summed<'a>(shares: &[Share<'a>], is: impl Fn(&Share<'a>) -> bool) -> impl Iterator<Item = (RateNo, Money, u32)> {
    shares.chunk_by(|one, next| one.rate == next.rate).map(move |of_rate| {
        let meant = || of_rate.iter().filter(|it| is(it));
        (of_rate[0].rate, meant().map(|it| it.base).sum(), meant().map(|it| it.units).sum())
    })
}

/// Whether a document might earn more than one order can: every line at its rate with all promotions, rounded up.
pub(crate) fn is_out_of_reach(document: &Document, pinned: Pinned, terms: &Terms) -> bool {
    let rules = &terms.earning;
    let (times, points) = rules.promotions.most();
    let by = |times: Option<Times>| times.map_or(1, Times::ceil).max(1);
    let times = by(rules.times(pinned.customer_type)).saturating_mul(by(rules.tier_times)).saturating_mul(times);
    // Nearly always it is enough to take every unit and every cent at the most of any rate.
    let lines = document.lines.iter();
    let all: i64 = lines.map(|it| (it.amount + it.tax).minor() + i64::from(it.quantity)).sum();
    let all = all + document.shipping.minor();
    let most = || i64::try_from(times).ok()?.checked_mul(rules.points_most.get())?.checked_mul(all);
    if most().is_some_and(|it| i128::from(it) + points <= i128::from(limits::ORDER_POINTS_MAX.get())) {
        return false;
    }
    let program = Pay::Per { points: terms.earn.points, per: terms.earn.per };
    let most = |rate: RateNo, amount: Money, units: u32| {
        let pay = match rate {
            RateNo::Special(index) => rules.special(index).pay,
            RateNo::Program => program,
        };
        let whole = match pay {
            Pay::Each(points) => i128::from(points.get()) * i128::from(units),
            Pay::Per { points, per } => Scaled::at_most(amount, points, per),
        };
        whole.saturating_mul(times)
    };
    let shipping = most(rules.rate_of_shipping(pinned.customer_type), document.shipping, 0);
    let lines = document.lines.iter().filter_map(|it| {
        let rate = rules.rate_of(it, pinned.customer_type)?;
        Some(most(rate, it.amount + it.tax, it.quantity))
    });
    let all = lines.fold(shipping.saturating_add(points), i128::saturating_add);
    i128::from(limits::ORDER_POINTS_MAX.get()) < all
}
