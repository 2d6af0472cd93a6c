//! Promotions: more points for a time, for some products, channels or members, from an amount on (E15).
//!
//! What decides is the order's own time and its document, so that a retry, an edit and a refund find the same promotions.
//! Multipliers count for each line that they fit; of one group only the one of highest priority. What several give is
//! added up: double and triple points together are four times the points, one and two times more.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::calendar::{Date, Timestamp, Zone};
use crate::document::Line;
use crate::money::Money;
use crate::points::{Points, Scale, Times};
use crate::tier::TierName;

/// A promotion as a program document says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    pub name: Arc<str>,
    pub gives: Gives,
    /// The first and the last day, in the program's zone.
    pub from: Option<Date>,
    pub until: Option<Date>,
    /// From Monday on; none named: all of them.
    pub weekdays: [bool; 7],
    /// Minutes of the day, from and until; past midnight if it ends before it begins.
    pub hours: Option<(u16, u16)>,
    pub products: BTreeSet<Arc<str>>,
    pub categories: BTreeSet<Arc<str>>,
    pub channels: BTreeSet<Arc<str>>,
    pub customer_types: BTreeSet<Arc<str>>,
    /// By their names.
    pub tiers: BTreeSet<Arc<str>>,
    /// Only for the first order of a member in the program.
    pub first_order: bool,
    /// What must earn of what it is for.
    pub min_amount: Money,
    /// Of one group only one is used.
    pub group: Option<Arc<str>>,
    /// The highest comes first.
    pub priority: i32,
    /// The most points that it gives over all members (E15). Not beside carried remainders.
    pub budget: Option<Points>,
}

/// What a promotion gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gives {
    /// Points of the lines that it is for, so many times.
    Times(Times),
    /// So many points for the order.
    Points(Points),
}

/// All promotions of a program, the most important first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Promotions {
    all: Vec<Compiled>,
    /// Sorted: orders pin the place of their channel.
    channels: Vec<Arc<str>>,
    /// The tier of the members whose terms these are.
    pub(crate) tier: TierName,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Compiled {
    promotion: Promotion,
    customer_types: Vec<u16>,
    channels: Vec<u16>,
    /// A bit of its own for each group, none without one.
    group: u64,
}

/// What the conditions of promotions look at beside lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Circumstances<'a> {
    pub(crate) placed_at: Timestamp,
    pub(crate) zone: &'a Zone,
    pub(crate) channel: Option<u16>,
    pub(crate) customer_type: Option<u16>,
    pub(crate) is_first: bool,
}

/// A promotion that an order has, by its place, and what of the order it is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fit {
    pub(crate) place: usize,
    pub(crate) base: Money,
}

impl Promotions {
    pub(crate) fn new(mut promotions: Vec<Promotion>, customer_type: impl Fn(&str) -> Option<u16>) -> Self {
        // Stable: of one priority, the first of the document comes first.
        promotions.sort_by_key(|it| std::cmp::Reverse(it.priority));
        let channels: BTreeSet<Arc<str>> = promotions.iter().flat_map(|it| it.channels.iter().cloned()).collect();
        let channels: Vec<Arc<str>> = channels.into_iter().collect();
        let groups: BTreeSet<Arc<str>> = promotions.iter().filter_map(|it| it.group.clone()).collect();
        let compiled = |promotion: Promotion| {
            let group = promotion.group.as_ref().and_then(|it| groups.iter().position(|group| group == it));
            Compiled {
                customer_types: promotion.customer_types.iter().filter_map(|it| customer_type(it)).collect(),
                channels: promotion.channels.iter().filter_map(|it| place_of(&channels, it)).collect(),
                group: group.map_or(0, |it| 1 << it),
                promotion,
            }
        };
        Self { all: promotions.into_iter().map(compiled).collect(), channels, tier: None }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(crate) fn has_budgets(&self) -> bool {
        self.budgets().next().is_some()
    }

    pub(crate) fn budgets(&self) -> impl Iterator<Item = (&str, Points)> {
        self.all.iter().filter_map(|it| Some((&*it.promotion.name, it.promotion.budget?)))
    }

    /// Whether any is for first orders only.
    pub(crate) fn ask_for_first_orders(&self) -> bool {
        self.all.iter().any(|it| it.promotion.first_order)
    }

    /// The scale on which their multipliers are whole as well.
    pub(crate) fn scale(&self, scale: Scale) -> Option<Scale> {
        self.all.iter().try_fold(scale, |scale, it| match it.promotion.gives {
            Gives::Times(times) => scale.with_times(times),
            Gives::Points(_) => Some(scale),
        })
    }

    /// The place of a channel; nothing where no promotion names it.
    pub(crate) fn channel(&self, name: Option<&str>) -> Option<u16> {
        place_of(&self.channels, name?)
    }

    pub(crate) fn get(&self, place: usize) -> &Promotion {
        &self.all[place].promotion
    }

    /// Those that an order has: their conditions hold, and enough earns of what they are for. Of points, only one of a
    /// group.
    pub(crate) fn fitting<'a>(
        &self,
        it: &Circumstances<'_>,
        lines: impl Iterator<Item = (Option<&'a Line>, Money)> + Clone,
    ) -> Vec<Fit> {
        let mut used = 0;
        let mut fits = Vec::new();
        for (place, promotion) in self.all.iter().enumerate() {
            if !promotion.holds(it, &self.tier) {
                continue;
            }
            let fitting = lines.clone().filter(|(line, _)| promotion.is_for(*line));
            let base: Money = fitting.map(|(_, base)| base).sum();
            if !base.is_positive() || base < promotion.promotion.min_amount {
                continue;
            }
            if let Gives::Points(_) = promotion.promotion.gives {
                if used & promotion.group != 0 {
                    continue;
                }
                used |= promotion.group;
            }
            fits.push(Fit { place, base });
        }
        fits
    }

    /// Which of the fitting multipliers a line has, as a bit for each place among them: of a group only the first.
    pub(crate) fn multipliers_of(&self, fits: &[Fit], line: Option<&Line>) -> u64 {
        let (mut used, mut bits) = (0, 0);
        for (index, fit) in fits.iter().enumerate() {
            let it = &self.all[fit.place];
            if matches!(it.promotion.gives, Gives::Times(_)) && used & it.group == 0 && it.is_for(line) {
                used |= it.group;
                bits |= 1 << index;
            }
        }
        bits
    }

    /// No order has more than all of them.
    pub(crate) fn most(&self) -> (i128, i128) {
        self.all.iter().fold((1, 0), |(times, points), it| match it.promotion.gives {
            Gives::Times(more) => (times + more.ceil(), points),
            Gives::Points(more) => (times, points + i128::from(more.get())),
        })
    }
}

impl Compiled {
    fn holds(&self, it: &Circumstances<'_>, tier: &TierName) -> bool {
        let Promotion { from, until, weekdays, hours, tiers, first_order, .. } = &self.promotion;
        let is_timed = from.is_some() || until.is_some() || hours.is_some() || weekdays.contains(&true);
        let is_in_time = || {
            let (date, weekday, minute) = it.zone.date_and_time(it.placed_at);
            let in_hours = match hours {
                Some((from, until)) if from < until => (*from..*until).contains(&minute),
                Some((from, until)) => *from <= minute || minute < *until,
                None => true,
            };
            from.is_none_or(|from| from <= date)
                && until.is_none_or(|until| date <= until)
                && (!weekdays.contains(&true) || weekdays[weekday])
                && in_hours
        };
        let named = |all: &BTreeSet<Arc<str>>, places: &[u16], place: Option<u16>| {
            all.is_empty() || place.is_some_and(|it| places.contains(&it))
        };
        (!first_order || it.is_first)
            && (tiers.is_empty() || tier.as_ref().is_some_and(|it| tiers.contains(it)))
            && named(&self.promotion.customer_types, &self.customer_types, it.customer_type)
            && named(&self.promotion.channels, &self.channels, it.channel)
            && (!is_timed || is_in_time())
    }

    /// Whether it is for a line; shipping is for whatever names neither product nor category.
    fn is_for(&self, line: Option<&Line>) -> bool {
        let Promotion { products, categories, .. } = &self.promotion;
        if products.is_empty() && categories.is_empty() {
            return true;
        }
        let has = |all: &BTreeSet<Arc<str>>, name: &Option<String>| name.as_deref().is_some_and(|it| all.contains(it));
        line.is_some_and(|it| has(products, &it.product) || has(categories, &it.category))
    }
}

fn place_of(channels: &[Arc<str>], name: &str) -> Option<u16> {
    let place = channels.binary_search_by(|it| it.as_ref().cmp(name)).ok()?;
    Some(u16::try_from(place).expect("a program names at most a few hundred channels"))
}
