//! Which rate a line earns at, what multiplies all of it, and what earns nothing (E5, E6, E7).
//!
//! A program that uses none of it has an empty `Earning`, which costs nothing. Lookups by product and category are sorted,
//! so that thousands of rates cost no more than a few.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::document::Line;
use crate::money::Money;
use crate::points::{Points, Scale, Times};
use crate::program::EarnRate;
use crate::promotion::{Promotion, Promotions};
use crate::tier::{Tier, TierName};

/// How orders earn beyond the program's own rate, as a program document says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EarnRules {
    pub rates: Vec<Rate>,
    pub multipliers: Vec<Multiplier>,
    pub exclude: Exclusions,
    pub gift_cards: GiftCards,
    pub rounding: Rounding,
    pub promotions: Vec<Promotion>,
}

/// A rate that is more specific than the program's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    pub of: RateOf,
    pub pay: Pay,
}

/// What a rate is for. The most specific wins, in this order; the program's own comes last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateOf {
    Product(Arc<str>),
    Category(Arc<str>),
    CustomerType(Arc<str>),
}

/// What a rate gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pay {
    /// So many points per amount, in proportion or in steps as the program has it.
    Per { points: Points, per: Money },
    /// So many points for each unit.
    Each(Points),
}

/// All that members of a customer type earn, so many times; 0 earns nothing (E6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Multiplier {
    pub customer_type: Arc<str>,
    pub times: Times,
}

/// What earns nothing (E7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusions {
    pub products: BTreeSet<Arc<str>>,
    pub categories: BTreeSet<Arc<str>>,
    pub customer_types: BTreeSet<Arc<str>>,
}

/// When gift cards earn: never both (E7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GiftCards {
    #[default]
    WhenUsed,
    WhenSold,
}

/// Where fractions of points are dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounding {
    /// Once per order, when everything has been added up exactly.
    #[default]
    Order,
    /// Once per line.
    Line,
}

/// The same, compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Earning {
    is_used: bool,
    rates: Vec<Rate>,
    products: Names,
    categories: Names,
    /// Sorted: orders pin the place of their member's type.
    customer_types: Vec<CustomerType>,
    pub(crate) gift_cards: GiftCards,
    pub(crate) rounding: Rounding,
    pub(crate) promotions: Promotions,
    pub(crate) scale: Scale,
    /// The most points of any rate.
    pub(crate) points_most: Points,
    /// What multiplies all that members of the tier earn whose terms these are (E6).
    pub(crate) tier_times: Option<Times>,
    /// That tier, where it has a rate or a multiplier of its own.
    pub(crate) tier: TierName,
    /// Whether the rate is the tier's.
    pub(crate) is_tier_rate: bool,
}

/// What is known of a product or category.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Known {
    rate: Option<usize>,
    is_excluded: bool,
}

/// Products or categories of which something is known, sorted. A search among thousands looks at the beginnings of their names,
/// which lie together, and then at few of the names themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Names {
    beginnings: Vec<u64>,
    known: Vec<(Arc<str>, Known)>,
}

impl Names {
    fn of(known: BTreeMap<Arc<str>, Known>) -> Self {
        Self { beginnings: known.keys().map(|it| beginning(it)).collect(), known: known.into_iter().collect() }
    }

    fn find(&self, name: Option<&str>) -> Known {
        let Some(name) = name.filter(|_| !self.known.is_empty()) else { return Known::default() };
        let wanted = beginning(name);
        let first = self.beginnings.partition_point(|it| *it < wanted);
        if self.beginnings.get(first) != Some(&wanted) {
            return Known::default();
        }
        let is_only = self.beginnings.get(first + 1) != Some(&wanted);
        let same = if is_only { 1 } else { self.beginnings[first..].partition_point(|it| *it == wanted) };
        let same = &self.known[first..first + same];
        same.binary_search_by(|it| it.0.as_ref().cmp(name)).map_or_else(|_| Known::default(), |it| same[it].1)
    }
}

/// The first eight bytes, in the order of names.
fn beginning(name: &str) -> u64 {
    match name.as_bytes().first_chunk() {
        Some(first) => u64::from_be_bytes(*first),
        None => name.bytes().rev().fold(0, |after, byte| after >> 8 | u64::from(byte) << 56),
    }
}

/// What is known of a customer type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct CustomerType {
    name: Arc<str>,
    rate: Option<usize>,
    times: Option<Times>,
    is_excluded: bool,
}

/// At which rate a line earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum RateNo {
    /// One of the document's, by its place there.
    Special(usize),
    Program,
}

/// The rates have no common denominator that is small enough to add up exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoScale;

impl Earning {
    /// Compiles what the document says. Of several rates for the same thing the first counts.
    ///
    /// # Errors
    /// `NoScale` when amounts and multipliers cannot be added up exactly.
    pub fn new(program: EarnRate, rules: EarnRules) -> Result<Self, NoScale> {
        let EarnRules { rates, multipliers, exclude, gift_cards, rounding, promotions } = rules;
        let mut it = Self { gift_cards, rounding, scale: Scale::of(program.per), ..Self::default() };
        let (mut products, mut categories): (BTreeMap<Arc<str>, Known>, BTreeMap<_, Known>) = Default::default();
        it.name_customer_types(&rates, &multipliers, &exclude, &promotions);
        for (index, rate) in rates.iter().enumerate() {
            let slot = match &rate.of {
                RateOf::Product(name) => &mut products.entry(Arc::clone(name)).or_default().rate,
                RateOf::Category(name) => &mut categories.entry(Arc::clone(name)).or_default().rate,
                RateOf::CustomerType(name) => &mut it.customer_type_mut(name).rate,
            };
            slot.get_or_insert(index);
            if let Pay::Per { per, .. } = rate.pay {
                it.scale = it.scale.with_per(per).ok_or(NoScale)?;
            }
        }
        for multiplier in &multipliers {
            it.customer_type_mut(&multiplier.customer_type).times.get_or_insert(multiplier.times);
        }
        for name in &exclude.products {
            products.entry(Arc::clone(name)).or_default().is_excluded = true;
        }
        for name in &exclude.categories {
            categories.entry(Arc::clone(name)).or_default().is_excluded = true;
        }
        for name in &exclude.customer_types {
            it.customer_type_mut(name).is_excluded = true;
        }
        (it.products, it.categories) = (Names::of(products), Names::of(categories));
        let place = |name: &str| it.customer_type(Some(name));
        let promotions = Promotions::new(promotions, place);
        it.scale = promotions.scale(it.scale).ok_or(NoScale)?;
        it.promotions = promotions;
        let points = rates.iter().map(|it| match it.pay {
            Pay::Per { points, .. } | Pay::Each(points) => points,
        });
        it.points_most = points.fold(program.points, Points::max);
        it.rates = rates;
        it.is_used = !it.products.known.is_empty()
            || !it.categories.known.is_empty()
            || !it.customer_types.is_empty()
            || !it.promotions.is_empty()
            || gift_cards != GiftCards::default()
            || rounding != Rounding::default();
        Ok(if it.is_used { it } else { Self::default() })
    }

    /// The same rules for members of a tier: beside its rate, with its multiplier and its promotions.
    ///
    /// # Errors
    /// `NoScale` when the amounts cannot be added up exactly.
    pub(crate) fn of_tier(&self, tier: &Tier, earn: EarnRate) -> Result<Self, NoScale> {
        let mut it = self.clone();
        it.is_tier_rate = tier.earn.is_some();
        it.tier = (tier.earn.is_some() || tier.times.is_some()).then(|| Arc::clone(&tier.name));
        if !self.is_used && tier.times.is_none() {
            return Ok(it);
        }
        it.is_used = true;
        it.tier_times = tier.times;
        it.points_most = it.points_most.max(earn.points);
        it.promotions.tier = Some(Arc::clone(&tier.name));
        it.scale = Scale::of(earn.per);
        for rate in &self.rates {
            if let Pay::Per { per, .. } = rate.pay {
                it.scale = it.scale.with_per(per).ok_or(NoScale)?;
            }
        }
        it.scale = it.promotions.scale(it.scale).ok_or(NoScale)?;
        Ok(it)
    }

    fn name_customer_types(
        &mut self,
        rates: &[Rate],
        multipliers: &[Multiplier],
        exclude: &Exclusions,
        promotions: &[Promotion],
    ) {
        let mut names: BTreeSet<Arc<str>> = exclude.customer_types.clone();
        names.extend(multipliers.iter().map(|it| Arc::clone(&it.customer_type)));
        names.extend(promotions.iter().flat_map(|it| it.customer_types.iter().cloned()));
        for rate in rates {
            if let RateOf::CustomerType(name) = &rate.of {
                names.insert(Arc::clone(name));
            }
        }
        let named = |name| CustomerType { name, rate: None, times: None, is_excluded: false };
        self.customer_types = names.into_iter().map(named).collect();
    }

    fn customer_type_mut(&mut self, name: &str) -> &mut CustomerType {
        let found = self.customer_types.iter_mut().find(|it| it.name.as_ref() == name);
        found.expect("every customer type of the document was named")
    }

    /// Whether the program has more than its own rate.
    pub fn is_used(&self) -> bool {
        self.is_used
    }

    /// The budgets of promotions, by name.
    pub fn budgets(&self) -> impl Iterator<Item = (&str, Points)> {
        self.promotions.budgets()
    }

    /// Whether a rule asks for the member's customer type.
    pub fn needs_facts(&self) -> bool {
        !self.customer_types.is_empty()
    }

    /// The place of a customer type; nothing where no rule knows it.
    pub(crate) fn customer_type(&self, name: Option<&str>) -> Option<u16> {
        let name = name?;
        let place = self.customer_types.binary_search_by(|it| it.name.as_ref().cmp(name)).ok()?;
        Some(u16::try_from(place).expect("a program has at most a few hundred customer types"))
    }

    /// Whether members of that type earn nothing: excluded, or multiplied by 0.
    pub(crate) fn excludes(&self, customer_type: Option<u16>) -> bool {
        let of = self.of_type(customer_type);
        of.is_some_and(|it| it.is_excluded || it.times == Some(Times::ZERO))
    }

    /// What multiplies all that an order of that customer type earns.
    pub(crate) fn times(&self, customer_type: Option<u16>) -> Option<Times> {
        self.of_type(customer_type)?.times
    }

    fn of_type(&self, customer_type: Option<u16>) -> Option<&CustomerType> {
        self.customer_types.get(usize::from(customer_type?))
    }

    /// The rate of a line, by the most specific rule (E5); nothing if it is excluded (E7). A tier's rate comes before the
    /// program's.
    pub(crate) fn rate_of(&self, line: &Line, customer_type: Option<u16>) -> Option<RateNo> {
        let product = self.products.find(line.product.as_deref());
        let category = self.categories.find(line.category.as_deref());
        if product.is_excluded || category.is_excluded {
            return None;
        }
        let own = || self.of_type(customer_type).and_then(|it| it.rate);
        let special = product.rate.or(category.rate).or_else(own);
        Some(special.map_or(RateNo::Program, RateNo::Special))
    }

    /// The rate of what has neither product nor category: shipping.
    pub(crate) fn rate_of_shipping(&self, customer_type: Option<u16>) -> RateNo {
        self.of_type(customer_type).and_then(|it| it.rate).map_or(RateNo::Program, RateNo::Special)
    }

    /// A rate of the document.
    pub(crate) fn special(&self, index: usize) -> &Rate {
        &self.rates[index]
    }
}
