//! Random rates, multipliers, exclusions and promotions; and what an order comes to under them, worked out slowly, line by
//! line, as the design says it rather than as the engine does it.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{
    Date, Document, EarnMode, EarnRate, EarnRules, Earning, Exclusions, GiftCards, Gives, Line, LineKind, Money,
    Multiplier, Pay, Points, Promotion, Rate, RateOf, Rounding, Terms, Times, Zone,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::bodies::bodies;
use crate::offers::{dates, put};
use crate::programs::{NOON, earn_rate, one_version, plain};
use crate::seeded::check;
use crate::shop::{CHANNEL, CUSTOMER_TYPE, Shop, used_by_others};

/// Rules beyond a program's own rate, or none. Whether they may give flat points: what law 9 excepts.
pub(crate) fn earn_rules(with_points: bool) -> BoxedStrategy<EarnRules> {
    let some = some_rules(with_points);
    prop_oneof![1 => Just(EarnRules::default()), 1 => some].boxed()
}

fn some_rules(with_points: bool) -> BoxedStrategy<EarnRules> {
    let rates = prop::collection::vec((rate_of(), pay()).prop_map(|(of, pay)| Rate { of, pay }), 0..4);
    let multipliers = prop::collection::vec((customer_type(), times()), 0..2);
    let multiplier = |(customer_type, times)| Multiplier { customer_type, times };
    let multipliers = multipliers.prop_map(move |it| it.into_iter().map(multiplier).collect());
    let rounding = prop_oneof![3 => Just(Rounding::Order), 1 => Just(Rounding::Line)];
    let gift_cards = prop_oneof![2 => Just(GiftCards::WhenUsed), 1 => Just(GiftCards::WhenSold)];
    let promotions = prop::collection::vec(promotion(with_points), 0..4).prop_map(|mut all| {
        // Each has a name of its own.
        for (index, it) in all.iter_mut().enumerate() {
            it.name = format!("{}{index}", it.name).into();
        }
        all
    });
    (rates, multipliers, exclusions(), rounding, gift_cards, promotions)
        .prop_map(|(rates, multipliers, exclude, rounding, gift_cards, promotions)| EarnRules {
            rates,
            multipliers,
            exclude,
            gift_cards,
            rounding,
            promotions,
        })
        .boxed()
}

/// The terms with these rules, as far as they go with the way they earn.
pub(crate) fn with_rules(terms: Terms, rules: EarnRules) -> Terms {
    let rules = going_with(terms.earn.mode, rules);
    let earning = Earning::new(terms.earn, rules).expect("amounts are small");
    Terms { earning, ..terms }
}

/// Remainders are carried of all that an order comes to.
pub(crate) fn going_with(mode: EarnMode, mut rules: EarnRules) -> EarnRules {
    if mode == EarnMode::StepsCarried {
        rules.rates.clear();
        rules.rounding = Rounding::Order;
        for promotion in &mut rules.promotions {
            promotion.products.clear();
            promotion.categories.clear();
            promotion.budget = None;
        }
    }
    rules
}

fn name(names: &'static [&'static str]) -> impl Strategy<Value = Arc<str>> {
    select(names).prop_map(Arc::from)
}

fn names(all: &'static [&'static str]) -> impl Strategy<Value = BTreeSet<Arc<str>>> {
    prop_oneof![3 => Just(BTreeSet::new()), 1 => name(all).prop_map(|it| BTreeSet::from([it]))]
}

pub(crate) const PRODUCTS: &[&str] = &["a", "b", "c"];
pub(crate) const TIERS: &[&str] = &["silver", "gold"];
pub(crate) const CATEGORIES: &[&str] = &["x", "y"];

fn customer_type() -> impl Strategy<Value = Arc<str>> {
    name(&[CUSTOMER_TYPE, "other"])
}

fn rate_of() -> impl Strategy<Value = RateOf> {
    prop_oneof![
        name(PRODUCTS).prop_map(RateOf::Product),
        name(CATEGORIES).prop_map(RateOf::Category),
        customer_type().prop_map(RateOf::CustomerType),
    ]
}

fn pay() -> BoxedStrategy<Pay> {
    let points = || select(vec![0_i64, 1, 3, 5, 100]).prop_map(Points::new);
    let per = select(vec![1_i64, 30, 100, 250, 1_000]).prop_map(Money::new);
    prop_oneof![3 => (points(), per).prop_map(|(points, per)| Pay::Per { points, per }), 1 => points().prop_map(Pay::Each)]
    .boxed()
}

fn times() -> impl Strategy<Value = Times> {
    select(vec![0_u32, 500, 1_000, 1_500, 2_000, 3_333]).prop_map(Times::thousandths)
}

fn exclusions() -> BoxedStrategy<Exclusions> {
    let types = prop_oneof![9 => Just(BTreeSet::new()), 1 => customer_type().prop_map(|it| BTreeSet::from([it]))];
    (names(PRODUCTS), names(CATEGORIES), types)
        .prop_map(|(products, categories, customer_types)| Exclusions { products, categories, customer_types })
        .boxed()
}

/// Within a group what gives more comes first, as programs must have it.
fn promotion(with_points: bool) -> BoxedStrategy<Promotion> {
    let times = select(vec![1_250_u32, 1_500, 2_000, 3_000]).prop_map(|it| (Gives::Times(Times::thousandths(it)), it));
    let points = select(vec![1_u32, 10, 500]).prop_map(|it| (Gives::Points(Points::new(i64::from(it))), it));
    let gives = if with_points { prop_oneof![2 => times, 1 => points].boxed() } else { times.boxed() };
    let what =
        (names(PRODUCTS), names(CATEGORIES), names(&["web", "till"]), names(&[CUSTOMER_TYPE, "other"]), names(TIERS));
    let least = prop_oneof![2 => Just(0_i64), 1 => 0..9_000_i64];
    let budget = if with_points { prop::option::weighted(0.3, 0..60_i64).boxed() } else { Just(None).boxed() };
    (gives, what, any::<bool>(), least, any::<bool>(), (0..250_u32, in_time()), budget)
        .prop_map(
            |(
                (gives, worth),
                (products, categories, channels, customer_types, tiers),
                grouped,
                least,
                first_order,
                (number, (from, until, weekdays, hours)),
                budget,
            )| {
                let group = if matches!(gives, Gives::Times(_)) { "times" } else { "points" };
                Promotion {
                    name: Arc::from(format!("promotion {number}")),
                    gives,
                    from,
                    until,
                    weekdays,
                    hours,
                    products,
                    categories,
                    channels,
                    customer_types,
                    tiers,
                    first_order: first_order && least == 0,
                    min_amount: Money::new(least),
                    group: grouped.then(|| Arc::from(group)),
                    priority: i32::try_from(worth).expect("it is small"),
                    budget: budget.map(Points::new),
                }
            },
        )
        .boxed()
}

type InTime = (Option<Date>, Option<Date>, [bool; 7], Option<(u16, u16)>);

/// The days, weekdays and hours of a promotion, seldom all of them; hours may go past midnight.
fn in_time() -> impl Strategy<Value = InTime> {
    let day = || prop::option::weighted(0.2, (-30..60_i32).prop_map(|it| Zone::utc().date_of(NOON.plus_days(it))));
    let weekdays = prop_oneof![4 => Just([false; 7]), 1 => any::<[bool; 7]>()];
    let hours = (0..24_u16, 1..24_u16).prop_map(|(from, hours)| (from * 60, (from + hours) % 24 * 60));
    (day(), day(), weekdays, prop::option::weighted(0.2, hours))
}

#[test]
fn what_an_order_earns_is_what_its_lines_come_to() {
    let rate = earn_rate().prop_filter("orders alone", |it| it.mode != EarnMode::StepsCarried);
    check(1_500, &(rate, some_rules(true), bodies()), |(earn, rules, body)| {
        let document = body.document(dates());
        // What is kept and what gift cards paid is the business of other tests: here all of it is kept.
        let document = Document { returns: Vec::new(), refunded: Money::ZERO, gift_cards: Money::ZERO, ..document };
        let earning = Earning::new(earn, rules.clone()).expect("amounts are small");
        let terms = Terms { earn, earning, earn_on_tax: false, ..plain() };
        let mut shop = Shop::new(one_version(terms));
        let expected = slowly(&document, earn, &rules);
        let earned = put(&mut shop, document)?;
        prop_assert_eq!(i128::from(earned), expected, "engine, slowly: {}", shop.told);
        Ok(())
    });
}

/// Points as a fraction.
type Ratio = (i128, i128);

fn plus(a: Ratio, b: Ratio) -> Ratio {
    (a.0 * b.1 + b.0 * a.1, a.1 * b.1)
}

fn of(times: Times) -> Ratio {
    (i128::from(times.in_thousandths()), 1_000)
}

fn slowly(document: &Document, earn: EarnRate, rules: &EarnRules) -> i128 {
    let lines: Vec<Part<'_>> = document
        .lines
        .iter()
        .zip(bases(document))
        .filter(|(line, _)| rules.gift_cards == GiftCards::WhenSold || line.kind == LineKind::Goods)
        .map(|(line, base)| (Some(line), base))
        .collect();
    let clock = plain().zone.clock_text(document.placed_at);
    let buyer = Buyer { is_first: true, tier: None, tier_times: None, steps: None, clock };
    let left =
        |it: &Promotion| it.budget.map(|budget| i128::from(budget.get() - used_by_others(&it.name).get()).max(0));
    points_of(&lines, &buyer, earn, rules, &left)
}

/// A part of an order and what of it counts: shipping has no line.
pub(crate) type Part<'a> = (Option<&'a Line>, i128);

/// Who buys, beside the customer type that all have here.
pub(crate) struct Buyer<'a> {
    pub(crate) is_first: bool,
    pub(crate) tier: Option<&'a str>,
    pub(crate) tier_times: Option<Times>,
    /// Where remainders are carried, the steps that the order has.
    pub(crate) steps: Option<i128>,
    /// When the order was placed, as a clock in the shop shows it: "2026-03-20 12:00".
    pub(crate) clock: String,
}

/// Whether the one customer type earns nothing.
pub(crate) fn excludes_all(rules: &EarnRules) -> bool {
    let is_zero = |it: &Multiplier| it.customer_type.as_ref() == CUSTOMER_TYPE && it.times == Times::ZERO;
    let first = rules.multipliers.iter().find(|it| it.customer_type.as_ref() == CUSTOMER_TYPE);
    rules.exclude.customer_types.contains(CUSTOMER_TYPE) || first.is_some_and(is_zero)
}

/// What parts of an order earn; `left` says what is left of a promotion's budget.
pub(crate) fn points_of(
    parts: &[Part<'_>],
    buyer: &Buyer<'_>,
    earn: EarnRate,
    rules: &EarnRules,
    left: &dyn Fn(&Promotion) -> Option<i128>,
) -> i128 {
    award_of(parts, buyer, earn, rules, left).0
}

/// What a promotion with a budget would give, and gives.
pub(crate) struct OfBudget {
    pub(crate) promotion: Arc<str>,
    pub(crate) called_for: i128,
    pub(crate) given: i128,
}

/// The same, and what of it is of budgets, in the order in which they count.
pub(crate) fn award_of(
    parts: &[Part<'_>],
    buyer: &Buyer<'_>,
    earn: EarnRate,
    rules: &EarnRules,
    left: &dyn Fn(&Promotion) -> Option<i128>,
) -> (i128, Vec<OfBudget>) {
    let excluded = |line: &Line| {
        let is =
            |set: &BTreeSet<Arc<str>>, name: &Option<String>| name.as_ref().is_some_and(|it| set.contains(it.as_str()));
        is(&rules.exclude.products, &line.product) || is(&rules.exclude.categories, &line.category)
    };
    if excludes_all(rules) {
        return (0, Vec::new());
    }
    let at_rates = |lines: &[Part<'_>]| at_rates(lines, earn, rules, buyer.steps);
    let own = rules.multipliers.iter().find(|it| it.customer_type.as_ref() == CUSTOMER_TYPE).map(|it| of(it.times));
    let earns = |it: &&Part<'_>| 0 < it.1 && !it.0.is_some_and(excluded);
    let lines: Vec<Part<'_>> = parts.iter().filter(earns).copied().collect();
    let fitting: Vec<&Promotion> = fitting(rules, buyer, &lines);
    let at_once: Vec<Vec<Part<'_>>> = match rules.rounding {
        Rounding::Order => vec![lines.clone()],
        Rounding::Line => lines.iter().map(|it| vec![*it]).collect(),
    };
    let total = |with: &dyn Fn(&Promotion) -> bool| {
        let mut points = 0;
        for lines in &at_once {
            let mut sum = at_rates(lines);
            for promotion in fitting.iter().filter(|it| with(it)) {
                let Gives::Times(times) = promotion.gives else { continue };
                let mine: Vec<Part<'_>> =
                    lines.iter().copied().filter(|(line, _)| wins(promotion, *line, &fitting)).collect();
                let (more, whole) = (of(times).0 - 1_000, 1_000);
                let once = at_rates(&mine);
                sum = plus(sum, (once.0 * more, once.1 * whole));
            }
            let (times, whole) = own.unwrap_or((1, 1));
            let (by_tier, of_tier) = buyer.tier_times.map_or((1, 1), of);
            points += (sum.0 * times * by_tier).div_euclid(sum.1 * whole * of_tier);
        }
        points
    };
    let mut used = BTreeSet::new();
    let mut flat = |it: &Promotion| match it.gives {
        Gives::Points(more) if it.group.as_ref().is_none_or(|it| used.insert(it.clone())) => i128::from(more.get()),
        Gives::Points(_) | Gives::Times(_) => 0,
    };
    let flats: Vec<i128> = fitting.iter().map(|it| flat(it)).collect();
    let mut counted: Vec<&Promotion> = fitting.iter().copied().filter(|it| left(it).is_none()).collect();
    let with = |counted: &[&Promotion]| total(&|it| counted.iter().any(|counted| std::ptr::eq(*counted, it)));
    let mut before = with(&counted);
    let mut points = before;
    let mut of_budgets = Vec::new();
    for (promotion, flat) in fitting.iter().copied().zip(flats) {
        let Some(left) = left(promotion) else {
            points += flat;
            continue;
        };
        counted.push(promotion);
        let with = with(&counted);
        let called_for = with - before + flat;
        before = with;
        let given = called_for.min(left);
        points += given;
        of_budgets.push(OfBudget { promotion: Arc::clone(&promotion.name), called_for, given });
    }
    (points, of_budgets)
}

/// What each line costs after discounts, without tax.
fn bases(document: &Document) -> Vec<i128> {
    crate::model::net_of_lines(document)
}

/// The promotions whose conditions hold, the most important first.
fn fitting<'a>(rules: &'a EarnRules, buyer: &Buyer<'_>, lines: &[Part<'_>]) -> Vec<&'a Promotion> {
    let holds = |it: &&Promotion| {
        let base: i128 = lines.iter().filter(|(line, _)| is_for(it, *line)).map(|(_, base)| base).sum();
        (it.channels.is_empty() || it.channels.contains(CHANNEL))
            && (it.tiers.is_empty() || buyer.tier.is_some_and(|tier| it.tiers.contains(tier)))
            && (buyer.is_first || !it.first_order)
            && is_in_time(it, &buyer.clock)
            && (it.customer_types.is_empty() || it.customer_types.contains(CUSTOMER_TYPE))
            && 0 < base
            && i128::from(it.min_amount.minor()) <= base
    };
    let mut all: Vec<&Promotion> = rules.promotions.iter().filter(holds).collect();
    all.sort_by_key(|it| -it.priority);
    all
}

/// Minute by minute from the first hour on, until the last.
fn is_in_time(it: &Promotion, clock: &str) -> bool {
    let (day, time) = clock.split_once(' ').expect("a day and a time");
    let (hour, minute) = time.split_once(':').expect("hours and minutes");
    let minute = hour.parse::<u16>().expect("an hour") * 60 + minute.parse::<u16>().expect("a minute");
    let day = Date::parse(day).expect("a day");
    let monday = Date::parse("2024-01-01").expect("a Monday");
    let weekday = usize::try_from(day.days_since(monday).rem_euclid(7)).expect("one of seven");
    let is_hour = |(from, until): (u16, u16)| {
        let mut minutes = (from..from + 1_440).map(|it| it % 1_440).take_while(|it| *it != until);
        minutes.any(|it| it == minute)
    };
    it.from.is_none_or(|from| from <= day)
        && it.until.is_none_or(|until| day <= until)
        && (it.weekdays == [false; 7] || it.weekdays[weekday])
        && it.hours.is_none_or(is_hour)
}

fn is_for(it: &Promotion, line: Option<&Line>) -> bool {
    let has =
        |set: &BTreeSet<Arc<str>>, name: &Option<String>| name.as_ref().is_some_and(|it| set.contains(it.as_str()));
    let any = it.products.is_empty() && it.categories.is_empty();
    any || line.is_some_and(|line| has(&it.products, &line.product) || has(&it.categories, &line.category))
}

/// Whether no promotion before it in its group is for the line.
fn wins(promotion: &Promotion, line: Option<&Line>, fitting: &[&Promotion]) -> bool {
    let mut before = fitting.iter().take_while(|it| !std::ptr::eq(**it, promotion));
    let beaten = |it: &&&Promotion| {
        matches!(it.gives, Gives::Times(_)) && it.group.is_some() && it.group == promotion.group && is_for(it, line)
    };
    is_for(promotion, line) && before.find(beaten).is_none()
}

fn at_rates(lines: &[Part<'_>], earn: EarnRate, rules: &EarnRules, steps: Option<i128>) -> Ratio {
    if let Some(steps) = steps.filter(|_| !lines.is_empty()) {
        return (steps * i128::from(earn.points.get()), 1);
    }
    let own = Pay::Per { points: earn.points, per: earn.per };
    let find = |is: &dyn Fn(&RateOf) -> bool| rules.rates.iter().position(|it| is(&it.of));
    let by_type = find(&|it| matches!(it, RateOf::CustomerType(name) if name.as_ref() == CUSTOMER_TYPE));
    let place = |line: Option<&Line>| {
        let Some(line) = line else { return by_type };
        let product = find(&|it| matches!(it, RateOf::Product(name) if line.product.as_deref() == Some(name.as_ref())));
        let category =
            find(&|it| matches!(it, RateOf::Category(name) if line.category.as_deref() == Some(name.as_ref())));
        product.or(category).or(by_type)
    };
    let places: BTreeSet<Option<usize>> = lines.iter().map(|(line, _)| place(*line)).collect();
    let mut sum = (0, 1);
    for at in places {
        let mine = || lines.iter().filter(|(line, _)| place(*line) == at);
        let base: i128 = mine().map(|(_, base)| base).sum();
        let units: u32 = mine().filter_map(|(line, _)| *line).map(|it| it.quantity).sum();
        let part = match at.map_or(own, |it| rules.rates[it].pay) {
            Pay::Each(points) => (i128::from(points.get()) * i128::from(units), 1),
            Pay::Per { points, per } => {
                let (points, per) = (i128::from(points.get()), i128::from(per.minor()));
                if earn.mode == EarnMode::Proportional { (base * points, per) } else { (base / per * points, 1) }
            }
        };
        sum = plus(sum, part);
    }
    sum
}
