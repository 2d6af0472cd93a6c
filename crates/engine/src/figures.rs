//! What an account counts by local day: the points that orders earned, the money that was spent, and how many there were.
//!
//! Caps (E13) and tiers (T1) look at these figures, never at a balance: spending points does not lower them, and points that
//! return do not raise them. A refund lowers the figures of the order's own day. The days of one calendar year lie together,
//! so that an order looks at one or two years, however long the account has been there.

use std::sync::Arc;

use crate::account::{Account, NeedMore};
use crate::calendar::Date;
use crate::entry::{Cause, Changes, Earned};
use crate::money::Money;
use crate::points::Points;
use crate::posted::Order;
use crate::program::Terms;

/// Sums over what counts on some days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// What orders have earned, less what was taken back of it.
    pub points: Points,
    /// What of them earns: after discounts, without what points paid.
    pub spent: Money,
    pub orders: i64,
}

/// What an entry changes of one day; differences may be negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OfDay {
    pub day: Date,
    pub figures: Figures,
}

/// The days of one calendar year on which something counts.
#[derive(Debug, PartialEq, Eq)]
pub struct Year {
    pub year: i16,
    /// In order of time; a day on which nothing is left is not there.
    pub days: Vec<Day>,
}

/// One day, by its number in the year from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Day {
    pub ordinal: u16,
    pub figures: Figures,
}

impl Figures {
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.points += other.points;
        self.spent += other.spent;
        self.orders += other.orders;
    }
}

/// A year is copied to count something on one more day.
impl Clone for Year {
    fn clone(&self) -> Self {
        let mut days = Vec::with_capacity(self.days.len() + 1);
        days.extend_from_slice(&self.days);
        Self { year: self.year, days }
    }
}

impl Year {
    /// A year in which nothing counts yet.
    pub fn empty(year: i16) -> Self {
        Self { year, days: Vec::new() }
    }

    /// The sum over the days from `first` to `last`, by their numbers.
    pub(crate) fn sum(&self, first: u16, last: u16) -> Figures {
        let mut sum = Figures::default();
        for day in self.days.iter().filter(|it| first <= it.ordinal && it.ordinal <= last) {
            sum.add(&day.figures);
        }
        sum
    }

    fn add(&mut self, ordinal: u16, figures: &Figures) {
        match self.days.binary_search_by_key(&ordinal, |it| it.ordinal) {
            Ok(index) => {
                self.days[index].figures.add(figures);
                if self.days[index].figures.is_zero() {
                    self.days.remove(index);
                }
            }
            Err(index) => self.days.insert(index, Day { ordinal, figures: *figures }),
        }
    }
}

impl Account {
    /// The loaded years, in order of time.
    pub fn years(&self) -> &[Arc<Year>] {
        &self.years
    }

    /// Adds a year that was stored, unless it is loaded already.
    pub fn load_year(&mut self, year: Year) {
        if let Err(index) = self.years.binary_search_by_key(&year.year, |it| it.year) {
            self.years.insert(index, Arc::new(year));
        }
    }

    /// What counts in a year; nothing where nothing has.
    pub(crate) fn year(&self, year: i16) -> Result<Option<&Year>, NeedMore> {
        if self.horizon.years.is_some_and(|first| year < first) {
            return Err(NeedMore);
        }
        Ok(self.years.binary_search_by_key(&year, |it| it.year).ok().map(|index| &*self.years[index]))
    }

    /// Adds up what an entry changes of a day.
    pub(crate) fn post_figures(&mut self, of_day: &OfDay) {
        self.add_to_day(of_day.day.year(), of_day.day.ordinal(), &of_day.figures);
    }

    pub(crate) fn add_to_day(&mut self, year: i16, ordinal: u16, figures: &Figures) {
        assert!(self.year(year).is_ok(), "an entry counts in loaded years only");
        let index = match self.years.binary_search_by_key(&year, |it| it.year) {
            Ok(index) => index,
            Err(index) => {
                self.years.insert(index, Arc::new(Year::empty(year)));
                index
            }
        };
        Arc::make_mut(&mut self.years[index]).add(ordinal, figures);
        self.counted.add(figures);
        self.latest_year = self.latest_year.max(Some(year));
    }
}

/// Refuses to go on without the year of the order's own day.
pub(crate) fn check_loaded(account: &Account, order: &Order) -> Result<(), NeedMore> {
    match order.pinned.day {
        Some(day) => account.year(day.year()).map(|_| ()),
        None => Ok(()),
    }
}

/// Adds to the changes of an order's entry what they count on its day; `changes.earned` stands already. What a step of
/// another order changes is points alone.
pub(crate) fn count(changes: &mut Changes, order: &Order, earned: &Earned, terms: &Terms) {
    let Some(day) = order.pinned.day else { return };
    let mut figures = Figures { points: changes.earned, ..Figures::default() };
    let by_itself = !matches!(earned.cause, Cause::StepOf(_));
    if terms.tiers.is_some() && by_itself {
        let (spent, orders) = counts(earned);
        changes.spent = spent - order.posted.spent;
        figures.spent = changes.spent;
        figures.orders = orders - i64::from(order.posted.spent.is_positive());
    }
    if !figures.is_zero() {
        changes.figures = Some(OfDay { day, figures });
    }
}

/// Whether an order counts otherwise than before, even if it earns the same.
pub(crate) fn is_new(order: &Order, earned: &Earned, terms: &Terms) -> bool {
    order.pinned.day.is_some() && terms.tiers.is_some() && counts(earned).0 != order.posted.spent
}

/// The money of an order that counts, and whether it counts as one: when it has reached what makes it earn. What came back
/// without its order lowers the money of the day on which it came.
fn counts(earned: &Earned) -> (Money, i64) {
    let spent = match earned.cause {
        Cause::Rate => earned.base,
        Cause::Returned => Money::ZERO - earned.base,
        _ => Money::ZERO,
    };
    (spent, i64::from(spent.is_positive()))
}
