//! Random programs: terms that differ in everything a rule looks at, with amounts so small that they collide.

use std::collections::BTreeSet;

use engine::{
    Activities, Caps, Convert, ConvertRate, Currency, CustomAct, Date, Downgrade, EarnMode, EarnRate, Earning, Extend,
    ExtendOn, Milestone, Money, Points, PointsPart, RedeemRate, RedeemTerms, Share, Shortfall, Switch, Target, Terms,
    Tier, TierBy, TierKeep, TierRules, TierWithin, Timeline, Times, Timestamp, Uses, Validity, Version, WithDiscounts,
    YearDay, Zone,
};
use proptest::prelude::*;

use crate::earning::{earn_rules, with_rules};
use crate::rewards;
use crate::shop::ACTS;

pub(crate) const EUR: [u8; 3] = *b"EUR";

/// 2026-03-20 12:00 UTC, nine days before summer time begins in Europe: where histories begin.
pub(crate) const NOON: Timestamp = Timestamp::from_micros(1_774_008_000_000_000);

/// The plainest program: 1 point per 1.00 when placed, for ever, 100 points = 1.00.
pub(crate) fn plain() -> Terms {
    Terms {
        zone: Zone::utc(),
        currency: Currency { code: EUR, exponent: 2 },
        grant_on: Milestone::Placed,
        earn: EarnRate { points: Points::new(1), per: Money::new(100), mode: EarnMode::Proportional },
        earning: Earning::default(),
        order_types: BTreeSet::new(),
        earn_on_tax: true,
        earn_on_shipping: false,
        caps: None,
        tiers: None,
        waiting_days: 0,
        validity: Validity::Never,
        extend: None,
        activities: None,
        grace_days: 30,
        claim_days: 30,
        redeem: RedeemTerms {
            rate: RedeemRate { points: Points::new(100), value: Money::new(100) },
            value_min: Money::ZERO,
            points_min: Points::ZERO,
            hold_minutes: 30,
            step: Points::new(1),
            points_max: None,
            value_max: None,
            share_max: None,
            balance_min: Points::ZERO,
            pays_shipping: false,
            pays_tax: false,
            with_discounts: WithDiscounts::After,
        },
        shortfall: Shortfall::Owe,
        points_part: PointsPart::Stays,
        convert: None,
        catalogue: std::sync::Arc::default(),
        certificate_uses: engine::Uses::Several,
    }
}

/// A program of one version, in force since long ago.
pub(crate) fn one_version(terms: Terms) -> Timeline {
    Timeline::new(vec![Version { number: 1, effective_at: NOON.plus_days(-4_000), terms }], Vec::new())
}

pub(crate) fn timelines() -> BoxedStrategy<Timeline> {
    let one = terms().prop_map(one_version);
    let switches = prop::collection::vec((0..80_i32, any::<bool>()), 0..3);
    let several = (terms(), terms(), 0..60_i32, switches).prop_map(|(first, second, day, switches)| {
        let versions = vec![
            Version { number: 1, effective_at: NOON.plus_days(-4_000), terms: first.clone() },
            Version {
                number: 2,
                effective_at: NOON.plus_days(day),
                // What counts towards a cap is what it was: orders under a lower one would use up what others have.
                terms: tiered_anew(Terms { zone: first.zone, caps: capped(&second, first.caps), ..second }),
            },
        ];
        let switch = |(day, on)| Switch { at: NOON.plus_days(day).plus_minutes(77), on };
        Timeline::new(versions, switches.into_iter().map(switch).collect())
    });
    prop_oneof![3 => one, 1 => several].boxed()
}

pub(crate) fn terms() -> BoxedStrategy<Terms> {
    (basic_terms(), earn_rules(true), order_types())
        .prop_map(|(terms, rules, order_types)| tiered_anew(with_rules(Terms { order_types, ..terms }, rules)))
        .boxed()
}

/// Where splitting an order never earns more: flat points of promotions are excepted.
pub(crate) fn terms_without_flat_points() -> BoxedStrategy<Terms> {
    (basic_terms(), earn_rules(false)).prop_map(|(terms, rules)| tiered_anew(with_rules(terms, rules))).boxed()
}

/// Seldom only orders of one type.
fn order_types() -> impl Strategy<Value = BTreeSet<String>> {
    prop_oneof![9 => Just(BTreeSet::new()), 1 => Just(BTreeSet::from(["new".to_owned()]))]
}

fn basic_terms() -> BoxedStrategy<Terms> {
    let earning = (milestone(), earn_rate(), any::<bool>(), any::<bool>(), waiting_days());
    let keeping = (zone(), validity(), extend(), prop::sample::select(vec![0_u16, 1, 9, 30]));
    let conversions = (converts(), tiers(), activities(), rewards::catalogues()).boxed();
    (earning.boxed(), keeping.boxed(), redeem().boxed(), shortfall(), points_part(), caps().boxed(), conversions)
        .prop_map(
            |(
                (grant_on, earn, earn_on_tax, earn_on_shipping, waiting_days),
                keeping,
                redeem,
                shortfall,
                points_part,
                caps,
                (convert, tiers, activities, catalogue),
            )| {
                let (zone, validity, extend, grace_days) = keeping;
                let caps = if earn.mode == EarnMode::StepsCarried { None } else { caps };
                let terms = Terms {
                    zone,
                    grant_on,
                    earn,
                    earn_on_tax,
                    earn_on_shipping,
                    caps,
                    waiting_days,
                    validity,
                    extend,
                    grace_days,
                    redeem,
                    shortfall,
                    points_part,
                    convert,
                    activities,
                    catalogue: catalogue.into(),
                    ..plain()
                };
                match tiers {
                    Some(tiers) => terms.with_tiers(tiers).expect("small amounts"),
                    None => terms,
                }
            },
        )
        .boxed()
}

/// Some of the caps, so low that they are reached.
fn caps() -> impl Strategy<Value = Option<Caps>> {
    let cap = || prop_oneof![1 => Just(None), 1 => (1..60_i64).prop_map(|it| Some(Points::new(it)))];
    let caps = (cap(), cap(), cap(), cap()).prop_map(|(order, day, month, year)| {
        let times = |it: Option<Points>, many| it.map(|it| Points::new(it.get() * many));
        Some(Caps { order, day, month: times(month, 2), year: times(year, 3) })
    });
    prop_oneof![2 => Just(None), 1 => caps]
}

/// What earns without an order, seldom often.
fn activities() -> impl Strategy<Value = Option<Activities>> {
    let most = || prop_oneof![2 => Just(None), 1 => (0..3_u32).prop_map(Some)];
    let act = |name: &'static str| {
        (1..40_i64, most(), most(), most()).prop_map(move |(points, per_day, per_month, per_life)| CustomAct {
            name: name.to_owned(),
            points: Points::new(points),
            per_day,
            per_month,
            per_life,
        })
    };
    let given = || prop_oneof![1 => Just(Points::ZERO), 1 => (1..60_i64).prop_map(Points::new)];
    let some = (given(), given(), act(ACTS[0]), act(ACTS[1]));
    let some = some.prop_map(|(sign_up, birthday, first, second)| Activities {
        sign_up,
        birthday,
        custom: vec![first, second],
    });
    prop_oneof![1 => Just(None), 1 => some.prop_map(Some)]
}

/// Up to three tiers, so low that they are reached, with rates of their own.
fn tiers() -> impl Strategy<Value = Option<TierRules>> {
    let times = prop::option::weighted(0.3, prop::sample::select(vec![0_u32, 500, 1_500, 2_000, 3_333]));
    let level = (1..60_i64, prop::option::of(1..5_i64), times, prop::option::of(1..5_i64));
    let keep = prop_oneof![
        3 => Just(TierKeep::WhileReached),
        1 => Just(TierKeep::ThisYear),
        1 => Just(TierKeep::NextYear),
        2 => (1..3_u16).prop_map(TierKeep::Months),
        1 => Just(TierKeep::Ever),
    ];
    let one_step = prop::sample::select(vec![Downgrade::Straight, Downgrade::OneStep]);
    let by = prop::sample::select(TierBy::ALL.to_vec());
    let within = prop::sample::select(TierWithin::ALL.to_vec());
    let grace = prop_oneof![2 => Just(0_u16), 1 => 1..20_u16];
    let rules = (by, within, keep, one_step, grace, prop::collection::vec(level, 1..4));
    let rules = rules.prop_map(|(by, within, keep, downgrade, grace_days, levels)| {
        let mut from = 0;
        let names = ["silver", "gold", "platinum"];
        let levels = levels.into_iter().zip(names).map(|((more, earn, times, redeem), name)| {
            let scale = match by {
                TierBy::Points => 1,
                TierBy::Spend => 100,
                TierBy::Orders => 0,
            };
            from = (from + more * scale).max(from + 1);
            Tier {
                name: name.into(),
                from,
                earn: earn.map(|it| (Points::new(it), Money::new(100))),
                times: times.map(Times::thousandths),
                redeem: redeem.map(|it| RedeemRate { points: Points::new(100), value: Money::new(it * 50) }),
            }
        });
        Some(TierRules { by, within, keep, downgrade, grace_days, levels: levels.collect() })
    });
    prop_oneof![1 => Just(None), 1 => rules]
}

/// The terms of each tier follow those of the program.
pub(crate) fn tiered_anew(terms: Terms) -> Terms {
    match terms.tiers.as_ref().map(|it| it.rules()) {
        Some(rules) => terms.with_tiers(rules).expect("small amounts"),
        None => terms,
    }
}

/// Remainders are carried without caps.
fn capped(terms: &Terms, caps: Option<Caps>) -> Option<Caps> {
    if terms.earn.mode == EarnMode::StepsCarried { None } else { caps }
}

fn zone() -> impl Strategy<Value = Zone> {
    let names = vec!["UTC", "Europe/Zurich", "America/Santiago", "Pacific/Apia"];
    prop::sample::select(names).prop_map(|name| Zone::named(name).expect("the zone is bundled"))
}

fn milestone() -> impl Strategy<Value = Milestone> {
    prop::sample::select(vec![Milestone::Placed, Milestone::Paid, Milestone::Fulfilled])
}

pub(crate) fn earn_rate() -> impl Strategy<Value = EarnRate> {
    let points = prop::sample::select(vec![1_i64, 2, 7, 100]);
    let per = prop::sample::select(vec![1_i64, 7, 100, 1_000, 2_000]);
    let mode = prop::sample::select(vec![EarnMode::Proportional, EarnMode::Steps, EarnMode::StepsCarried]);
    (points, per, mode).prop_map(|(points, per, mode)| EarnRate {
        points: Points::new(points),
        per: Money::new(per),
        mode,
    })
}

fn waiting_days() -> impl Strategy<Value = u16> {
    prop_oneof![3 => Just(0_u16), 1 => 1..20_u16]
}

fn validity() -> impl Strategy<Value = Validity> {
    let until = (1..28_i8, 4..7_i8).prop_map(|(day, month)| Date::new(2026, month, day).expect("every month has it"));
    prop_oneof![
        2 => Just(Validity::Never),
        3 => (0..40_u16).prop_map(Validity::Days),
        1 => (1..3_u16).prop_map(Validity::Months),
        1 => until.clone().prop_map(Validity::Until),
        1 => until.prop_map(|it| Validity::Yearly(YearDay::of(it))),
    ]
}

fn extend() -> impl Strategy<Value = Option<Extend>> {
    let on = prop::sample::select(vec![ExtendOn::Order, ExtendOn::Earning, ExtendOn::Activity]);
    let extends = (on, 0..3_u16).prop_map(|(on, months)| Some(Extend { on, months }));
    prop_oneof![2 => Just(None), 1 => extends]
}

fn redeem() -> impl Strategy<Value = RedeemTerms> {
    let points = prop::sample::select(vec![1_i64, 3, 100, 250]);
    let value = prop::sample::select(vec![1_i64, 7, 100, 2_500]);
    let least = prop_oneof![3 => Just(0_i64), 1 => 1..500_i64];
    let figures = (points, value, least.clone(), least);
    (figures, limits(), any::<[bool; 2]>(), prop::bool::weighted(0.1)).prop_map(|(figures, limits, pays, instead)| {
        let ((points, value, value_min, points_min), [pays_shipping, pays_tax]) = (figures, pays);
        RedeemTerms {
            rate: RedeemRate { points: Points::new(points), value: Money::new(value) },
            value_min: Money::new(value_min),
            points_min: Points::new(points_min),
            pays_shipping,
            pays_tax,
            with_discounts: if instead { WithDiscounts::Instead } else { WithDiscounts::After },
            ..limits
        }
    })
}

/// Steps, the most per order and its share, the least balance; mostly none.
fn limits() -> impl Strategy<Value = RedeemTerms> {
    let step = prop_oneof![3 => Just(1_i64), 1 => prop::sample::select(vec![2_i64, 7, 50, 100])];
    let most = || prop_oneof![3 => Just(None), 1 => (1..3_000_i64).prop_map(Some)];
    let share = prop_oneof![3 => Just(None), 1 => (1..=10_000_u16).prop_map(Some)];
    let balance = prop_oneof![3 => Just(0_i64), 1 => 1..1_000_i64];
    (step, most(), most(), share, balance).prop_map(|(step, points, value, share, balance)| RedeemTerms {
        step: Points::new(step),
        points_max: points.map(Points::new),
        value_max: value.map(Money::new),
        share_max: share.map(Share),
        balance_min: Points::new(balance),
        ..plain().redeem
    })
}

fn shortfall() -> impl Strategy<Value = Shortfall> {
    prop::sample::select(vec![Shortfall::Owe, Shortfall::TakeWhatIsThere, Shortfall::AllOrNothing])
}

/// Points that become store credit, so few that several orders do; or certificates, so many that few orders are some.
fn converts() -> impl Strategy<Value = Option<Convert>> {
    let points = prop::sample::select(vec![10_i64, 100, 250, 1_000]);
    let credit = prop::sample::select(vec![1_i64, 100, 500]);
    let rate =
        (points, credit).prop_map(|(points, credit)| Convert::to_credit(Points::new(points), Money::new(credit)));
    prop_oneof![3 => Just(None), 2 => rate.prop_map(Some), 2 => rewards().prop_map(Some)]
}

fn rewards() -> impl Strategy<Value = Convert> {
    let rate = prop::sample::select(vec![(1_000_i64, 2_500_i64), (2_500, 1_000), (10_000, 9_999)]);
    let validity = prop::sample::select(vec![Validity::Never, Validity::Days(5), Validity::Months(2)]);
    (rate, prop::bool::weighted(0.3), any::<bool>(), validity).prop_map(
        |((points, value), is_collected, is_once, validity)| Convert {
            rate: ConvertRate { points: Points::new(points), value: Money::new(value), target: Target::Certificate },
            is_collected,
            uses: if is_once { Uses::Once } else { Uses::Several },
            validity,
        },
    )
}

/// Programs in which few points become a certificate, or nothing is said of that: a history has several.
pub(crate) fn rewarding() -> impl Strategy<Value = Timeline> {
    let rate = prop::sample::select(vec![(90_i64, 300_i64), (200, 1_000), (500, 2_500)]);
    let rate = rate.prop_map(|(points, value)| (Points::new(points), Money::new(value)));
    (timelines(), prop::option::weighted(0.6, (rewards(), rate))).prop_map(|(timeline, rewards)| {
        let Some((convert, (points, value))) = rewards else { return timeline };
        let mut versions = timeline.versions().to_vec();
        for version in &mut versions {
            let rate = ConvertRate { points, value, target: Target::Certificate };
            version.terms.convert = Some(Convert { rate, ..convert });
        }
        Timeline::new(versions, timeline.switches().to_vec())
    })
}

/// The same where rewards cost so few points that each point can be a thing of its own.
pub(crate) fn few_points_reward(timeline: &Timeline) -> Timeline {
    let mut versions = timeline.versions().to_vec();
    for version in &mut versions {
        if let Some(it) = version.terms.convert.as_mut().filter(|it| it.rate.target == Target::Certificate) {
            let points = it.rate.points.get();
            it.rate.points = Points::new(if points < 1_000 { points / 8 } else { points / 60 });
        }
    }
    Timeline::new(versions, timeline.switches().to_vec())
}

fn points_part() -> impl Strategy<Value = PointsPart> {
    prop::sample::select(vec![PointsPart::Stays, PointsPart::InProportion])
}
