//! Round trips of packed rows, over arbitrary values of every field; and damaged bytes, which are refused.

use std::sync::Arc;

use engine::{
    Account, Act, Acted, Actor, Allotted, Award, Bucket, Cap, Carried, Cause, CausedBy, Changes, Conversion,
    ConvertRate, Converted, CreditPart, Cut, Date, Day, Displaced, Document, DocumentVersion, EarnMode, EarnRate,
    Earned, Entry, EntryNo, Extend, ExtendOn, Extended, Extension, ExtensionStep, Figures, HoldChange, HoldNo,
    HoldState, Kind, Line, LineKind, LotNo, LotOpened, LotRef, Milestone, Money, OfDay, Order, OrderNo, Paid,
    PaidCredit, Pinned, Points, Posted, Posting, Reason, RedeemRate, Rejection, Return, ReturnPart, Returned, Share,
    Source, Taken, TakenBack, Target, Timestamp, Year,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;

mod merged;
mod tier;
mod worked;

use tier::{tier_names, tier_reviews, tier_states};
use worked::{budget_uses, workings};

fn times() -> impl Strategy<Value = Timestamp> {
    let range = engine::limits::TIME_MIN.micros()..engine::limits::TIME_END.micros();
    let minutes = range.clone().prop_map(|it| it.div_euclid(MINUTE) * MINUTE);
    prop_oneof![
        range.prop_map(Timestamp::from_micros),
        minutes.prop_map(Timestamp::from_micros),
        Just(Timestamp::NEVER)
    ]
}

fn numbers() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, any::<u64>()]
}

fn points() -> impl Strategy<Value = Points> {
    prop_oneof![Just(0), -100..100_i64, any::<i64>()].prop_map(Points::new)
}

fn money() -> impl Strategy<Value = Money> {
    points().prop_map(|it| Money::new(it.get()))
}

fn lots() -> impl Strategy<Value = LotRef> {
    (numbers(), times(), times(), times()).prop_map(|(no, earned_at, available_at, expires_at)| LotRef {
        no: LotNo(no),
        earned_at,
        available_at,
        expires_at,
    })
}

fn causes() -> impl Strategy<Value = Cause> {
    prop_oneof![
        Just(Cause::Rate),
        select(vec![Milestone::Placed, Milestone::Paid, Milestone::Fulfilled]).prop_map(Cause::Waits),
        Just(Cause::Cancelled),
        Just(Cause::ProgramOff),
        Just(Cause::OrderType),
        Just(Cause::CustomerType),
        Just(Cause::Closed),
        Just(Cause::Guest),
        Just(Cause::ClaimEnded),
        numbers().prop_map(|it| Cause::StepOf(OrderNo(it))),
    ]
}

fn reasons() -> BoxedStrategy<Reason> {
    let modes = select(vec![EarnMode::Proportional, EarnMode::Steps, EarnMode::StepsCarried]);
    let rates = (points(), money(), modes);
    let more = (option::of(cuts()), option::weighted(0.3, workings()), tier_names());
    let earned = (causes(), any::<u32>(), money(), rates, money(), (points(), points()), more).prop_map(
        |(cause, version, base, (points, per, mode), carried, (before, called_for), (cut, worked, tier))| {
            Reason::Earned(Earned {
                cause,
                version,
                base,
                rate: EarnRate { points, per, mode },
                tier,
                carried,
                before,
                called_for,
                cut,
                worked: worked.map(Arc::new),
            })
        },
    );
    let rate = (points(), money(), tier_names());
    let paid = (rate, points(), points(), points(), money(), option::of(numbers())).prop_map(
        |((points, value, tier), fits, before, after, paid, hold)| {
            let rate = RedeemRate { points, value };
            Reason::Paid(Paid { rate, tier, fits, before, after, value: paid, hold: hold.map(HoldNo) })
        },
    );
    prop_oneof![
        Just(Reason::Due),
        earned,
        paid,
        any::<u32>().prop_map(|minutes| Reason::Held { minutes }),
        any::<String>().prop_map(Reason::Note),
        tier_reviews().prop_map(Reason::Tier),
        (select(ExtendOn::ALL.to_vec()), any::<u16>(), times())
            .prop_map(|(on, months, at)| Reason::Extended(Extended { rule: Extend { on, months }, at })),
        (money(), money(), money()).prop_map(|(fits, before, after)| Reason::Credit(PaidCredit {
            fits,
            before,
            after
        })),
        (any::<u32>(), numbers(), option::of(numbers())).prop_map(|(program, entry, order)| {
            Reason::Cause(CausedBy { program, entry: EntryNo(entry), order: order.map(OrderNo) })
        }),
        Just(Reason::Reward),
        (times(), option::of(any::<String>()))
            .prop_map(|(recorded_at, note)| Reason::Claimed(engine::Claimed { recorded_at, note })),
        (acts(), any::<u32>(), points()).prop_map(|(act, version, points)| Reason::Acted(Award {
            act,
            version,
            points
        })),
    ]
    .boxed()
}

fn changes() -> BoxedStrategy<Changes> {
    let carried = option::of((money(), money()).prop_map(|(per, remainder)| Carried { per, remainder }));
    (
        (points(), points(), points(), points(), points()),
        money(),
        any::<i64>(),
        carried,
        option::of(vec(displaced(), 0..3)),
        (money(), option::of(of_days()), option::of(allotted())),
        (option::of(times()), option::of(acted())),
        option::of(
            (rates(), any::<i64>(), option::of(lots()))
                .prop_map(|(rate, times, certificate)| Box::new(Converted { rate, times, certificate })),
        ),
        (vec(credit_parts(), 0..3), option::of(tier_states()), (budget_uses(), option::of(closings()))),
    )
        .prop_map(
            |(
                (owed, let_go, expired, earned, undone),
                counted,
                steps,
                carried,
                displaced,
                of_day,
                extended,
                converted,
                (credit, tier, (budgets, closed)),
            )| Changes {
                owed,
                let_go,
                expired,
                earned,
                undone,
                counted,
                steps,
                carried,
                displaced,
                spent: of_day.0,
                figures: of_day.1,
                allotted: of_day.2,
                extended: extended.0,
                acted: extended.1.map(Box::new),
                converted,
                credit,
                tier: tier.map(Box::new),
                budgets: budgets.into_boxed_slice(),
                closed: closed.map(Box::new),
                reward: super::reward::tests::change(steps),
                ..Changes::default()
            },
        )
        .boxed()
}

fn closings() -> impl Strategy<Value = engine::Closed> {
    let closed = |(since, forfeits_at, until)| engine::Closed { since, forfeits_at, until };
    (times(), times(), option::of(times())).prop_map(closed)
}

fn caps() -> impl Strategy<Value = Cap> {
    select(Cap::ALL.to_vec())
}

fn cuts() -> impl Strategy<Value = Cut> {
    (caps(), points(), points()).prop_map(|(cap, most, called_for)| Cut { cap, most, called_for })
}

fn allotted() -> impl Strategy<Value = Allotted> {
    (caps(), points()).prop_map(|(cap, points)| Allotted { cap, points })
}

fn dates() -> impl Strategy<Value = Date> {
    (1970..2501_i16, 1..366_u16).prop_map(|(year, ordinal)| Date::of_year(year, ordinal).expect("a day"))
}

/// Sums of these stay within 63 bits.
fn figures() -> impl Strategy<Value = Figures> {
    let half = || i64::MIN / 4..i64::MAX / 4;
    (half(), half(), half()).prop_map(|(points, spent, orders)| Figures {
        points: Points::new(points),
        spent: Money::new(spent),
        orders,
    })
}

fn of_days() -> impl Strategy<Value = OfDay> {
    (dates(), figures()).prop_map(|(day, figures)| OfDay { day, figures })
}

fn years() -> impl Strategy<Value = Year> {
    let days = prop::collection::btree_map(1..367_u16, figures(), 0..40);
    let day = |(ordinal, figures)| Day { ordinal, figures };
    (1970..2501_i16, days).prop_map(move |(year, days)| Year { year, days: days.into_iter().map(day).collect() })
}

fn acts() -> impl Strategy<Value = Act> {
    prop_oneof![Just(Act::SignUp), Just(Act::Birthday), any::<String>().prop_map(Act::Custom)]
}

fn acted() -> impl Strategy<Value = Acted> {
    (acts(), dates(), any::<[u32; 3]>()).prop_map(|(act, day, [of_day, of_month, of_life])| Acted {
        act,
        day,
        of_day,
        of_month,
        of_life,
    })
}

fn extensions() -> impl Strategy<Value = Extension> {
    let step = (numbers(), numbers(), times()).prop_map(|(entry, before, since)| ExtensionStep {
        entry: EntryNo(entry),
        before: LotNo(before),
        since,
    });
    (times(), times(), vec(step, 0..4)).prop_map(|(until, soonest_since, steps)| Extension {
        until,
        steps,
        soonest_since,
    })
}

fn rates() -> impl Strategy<Value = ConvertRate> {
    (points(), money(), select(&Target::ALL[..])).prop_map(|(points, value, target)| ConvertRate {
        points,
        value,
        target,
    })
}

fn credit_parts() -> impl Strategy<Value = CreditPart> {
    (lots(), money()).prop_map(|(lot, amount)| CreditPart { lot, amount })
}

fn displaced() -> impl Strategy<Value = Displaced> {
    (numbers(), any::<i64>(), money()).prop_map(|(order, steps, level)| Displaced {
        order: OrderNo(order),
        steps,
        level,
    })
}

fn actors() -> impl Strategy<Value = Actor> {
    let numbered = prop_oneof![any::<u32>(), Just(0), Just(u32::MAX)];
    let numbered = (numbered, select(vec![Actor::Channel as fn(u32) -> Actor, Actor::Staff, Actor::Key]));
    prop_oneof![Just(Actor::System), Just(Actor::Import), numbered.prop_map(|(number, actor)| actor(number))]
}

fn hold_states() -> impl Strategy<Value = HoldState> {
    prop_oneof![Just(HoldState::Active), Just(HoldState::Ended), numbers().prop_map(|it| HoldState::Taken(OrderNo(it))),]
}

fn entries() -> BoxedStrategy<Entry> {
    let uses = prop_oneof![
        select(engine::Uses::ALL.to_vec()),
        (1..=10_000_u16).prop_map(|it| engine::Uses::Share(Share(it))),
    ];
    let opened = (lots(), option::of(numbers()), any::<bool>(), option::of(uses)).prop_map(
        |(lot, order, graced, certificate)| LotOpened { lot, order: order.map(OrderNo), graced, certificate },
    );
    let holds = (numbers(), hold_states(), times()).prop_map(|(no, state, lapses_at)| HoldChange {
        no: HoldNo(no),
        state,
        lapses_at,
    });
    let buckets = || select(Bucket::ALL.to_vec());
    let posting = (numbers(), buckets(), buckets(), points()).prop_map(|(lot, from, to, points)| Posting {
        lot: LotNo(lot),
        from,
        to,
        points,
    });
    let head = (numbers(), times(), select(Kind::ALL.to_vec()), option::of(numbers()), actors());
    let tail = (vec(opened, 0..3), vec(lots(), 0..3), option::of(holds), vec(posting, 0..4), changes());
    (head, reasons(), tail)
        .prop_map(|((no, at, kind, order, actor), reason, tail)| {
            let (opened, dated, hold, postings, changes) = tail;
            let order = order.map(OrderNo);
            Entry { number: EntryNo(no), at, kind, order, actor, reason, opened, dated, hold, postings, changes }
        })
        .boxed()
}

fn lines() -> impl Strategy<Value = Line> {
    let texts = (any::<String>(), option::of(any::<String>()), option::of(any::<String>()));
    let flags = (select(vec![LineKind::Goods, LineKind::GiftCard]), any::<bool>());
    (texts, flags, any::<u32>(), money(), money(), money()).prop_map(
        |((id, product, category), (kind, tax_included), quantity, amount, discount, tax)| Line {
            id,
            product,
            category,
            kind,
            quantity,
            amount,
            discount,
            tax,
            tax_included,
        },
    )
}

fn documents() -> BoxedStrategy<Document> {
    let version = prop_oneof![
        Just(DocumentVersion::Arrival),
        numbers().prop_map(DocumentVersion::Number),
        times().prop_map(DocumentVersion::Changed),
    ];
    let part = prop_oneof![any::<u32>().prop_map(ReturnPart::Quantity), money().prop_map(ReturnPart::Amount)];
    let returns = (any::<String>(), part).prop_map(|(line, part)| Return { line, part });
    let amounts = (money(), money(), money(), money(), money());
    let dates = (times(), option::of(times()), option::of(times()), option::of(times()));
    let asked = (option::of(points()), option::of(numbers()), option::of(any::<String>()), option::of(money()));
    (version, any::<[u8; 3]>(), vec(lines(), 0..4), amounts, vec(returns, 0..3), dates, asked)
        .prop_map(|(version, currency, lines, amounts, returns, dates, (redeem, hold, order_type, credit))| {
            let (discount, coupon, shipping, refunded, gift_cards) = amounts;
            let (placed_at, paid_at, fulfilled_at, cancelled_at) = dates;
            Document {
                is_return: hold.is_none(),
                version,
                currency,
                lines,
                discount,
                coupon,
                shipping,
                gift_cards,
                order_type,
                returns,
                refunded,
                placed_at,
                paid_at,
                fulfilled_at,
                cancelled_at,
                redeem,
                hold: hold.map(HoldNo),
                credit,
                certificates: None,
            }
        })
        .boxed()
}

fn orders() -> BoxedStrategy<Order> {
    let source =
        prop_oneof![lots().prop_map(Source::Lot), Just(Source::Expired), Just(Source::Owed), Just(Source::LetGo)];
    let back = (source, points()).prop_map(|(source, points)| TakenBack { source, points });
    let stacks =
        (vec(back, 0..3), vec(taken(), 0..3), vec(displaced(), 0..3), (vec(credit_parts(), 0..3), budget_uses()));
    let figures = (points(), points(), points(), money(), any::<i64>(), money(), money());
    let counts = option::of((dates(), money(), option::of(allotted()), any::<u8>()));
    let places = (option::of(any::<u16>()), option::of(any::<u16>()));
    (any::<u32>(), any::<[bool; 2]>(), option::of(lots()), figures, stacks, counts, places)
        .prop_map(|(version, [on, closed], lot, figures, stacks, counts, (customer_type, channel))| {
            let (asked, accepted, earned, counted, steps, credit_asked, credit_accepted) = figures;
            let (taken_back, redeemed, displaced, (credit, budgets)) = stacks;
            let day = counts.map(|it| it.0);
            let nothing = (Date::new(2026, 1, 1).expect("a day"), Money::ZERO, None, 0);
            let (_, spent, allotted, tier) = counts.unwrap_or(nothing);
            let posted = Posted {
                lot,
                earned,
                taken_back,
                redeemed,
                counted,
                steps,
                displaced,
                spent,
                allotted,
                budgets,
                credit,
                ..Posted::default()
            };
            Order {
                pinned: Pinned { version, on, closed, day, tier, customer_type, channel, is_first: on },
                asked,
                accepted,
                credit_asked,
                credit_accepted,
                posted,
                ..Order::numbered(OrderNo(1))
            }
        })
        .prop_flat_map(|order| vec(returned(), 0..3).prop_map(move |returned| Order { returned, ..order.clone() }))
        .boxed()
}

fn returned() -> impl Strategy<Value = Returned> {
    let part = prop_oneof![any::<u32>().prop_map(ReturnPart::Quantity), money().prop_map(ReturnPart::Amount)];
    let lines = vec((any::<String>(), part).prop_map(|(line, part)| Return { line, part }), 0..3);
    let version = prop_oneof![
        Just(DocumentVersion::Arrival),
        numbers().prop_map(DocumentVersion::Number),
        times().prop_map(DocumentVersion::Changed)
    ];
    (any::<u32>(), any::<String>(), version, times(), lines, money()).prop_map(
        |(channel, reference, version, returned_at, lines, refunded)| Returned {
            channel,
            reference,
            version,
            returned_at,
            lines,
            refunded,
        },
    )
}

fn refusals() -> impl Strategy<Value = Rejection> {
    let (points, share) = (Points::new(1_500), Share(1_250));
    select(vec![
        Rejection::UnknownOrder,
        Rejection::CannotMerge,
        Rejection::CannotUndo,
        Rejection::NotWithDiscounts,
        Rejection::BalanceBelowMinimum { points, balance: Points::new(7) },
        Rejection::BelowMinimum { value: Money::new(500), points },
        Rejection::NotInSteps { step: points },
        Rejection::AboveMaximum { points },
        Rejection::AboveShare { share, fits: points },
        Rejection::ExceedsOrder { fits: points },
        Rejection::InsufficientPoints { spendable: points },
    ])
}

fn taken() -> impl Strategy<Value = Taken> {
    (lots(), points()).prop_map(|(lot, points)| Taken { lot, points })
}

fn row_of(entry: &Entry) -> EntryRow {
    EntryRow { number: entry.number, at: entry.at, kind: kind_number(entry.kind), order: entry.order }
}

proptest! {
    #[test]
    fn entries_are_read_as_they_were_written(entry in entries()) {
        prop_assert_eq!(unpack_entry(row_of(&entry), &pack_entry(&entry)), Ok(entry));
    }

    #[test]
    fn documents_are_read_as_they_were_written(document in documents()) {
        prop_assert_eq!(unpack_document(&pack_document(&document)), Ok(document));
    }

    #[test]
    fn states_are_read_as_they_were_written(order in orders(), base in times()) {
        let state = unpack_state(&pack_state(&order, base), base).expect("it was just packed");
        prop_assert_eq!((state.pinned, state.asked, state.accepted), (order.pinned, order.asked, order.accepted));
        prop_assert_eq!((state.credit_asked, state.credit_accepted), (order.credit_asked, order.credit_accepted));
        prop_assert_eq!(state.posted, order.posted);
        prop_assert_eq!(state.returned, order.returned);
    }

    #[test]
    fn refusals_are_read_as_they_were_written(refusal in refusals()) {
        prop_assert_eq!(unpack_outcome(&pack_outcome(&Err(refusal.clone()))).map(|it| it.err()), Ok(Some(refusal)));
    }

    #[test]
    fn activities_are_read_as_they_were_written(extension in option::of(extensions()), acts in vec(acted(), 0..3)) {
        let mut account = Account::default();
        (account.extension, account.acts) = (extension, acts);
        let mut read = Account::default();
        prop_assert_eq!(unpack_activities(pack_activities(&account).as_deref(), &mut read), Ok(()));
        prop_assert_eq!(read, account);
    }

    #[test]
    fn conversions_are_read_as_they_were_written(lot in lots(), rate in rates(), taken in vec(taken(), 0..4)) {
        let conversion = Conversion { lot, rate, taken };
        prop_assert_eq!(unpack_conversion(&pack_conversion(&conversion)), Ok(conversion));
    }

    #[test]
    fn taken_points_are_read_as_they_were_written(taken in vec(taken(), 0..4), base in times()) {
        prop_assert_eq!(unpack_taken(&pack_taken(&taken, base), base), Ok(taken));
    }

    #[test]
    fn accounts_are_read_as_they_were_written(
        state in option::of(tier_states()),
        before in vec((tier_names(), times()), 0..3),
        year in option::of(1970..2501_i16),
        counted in figures(),
        returns_first: u64,
        closed in vec(closings(), 0..3),
    ) {
        let mut account = Account::default();
        account.returns_first = returns_first;
        account.latest_year = year;
        account.closings = closed;
        account.counted = if year.is_some() { counted } else { Figures::default() };
        account.tiers_before = if state.is_some() { before.into() } else { Arc::default() };
        account.tier = state;
        let mut read = Account::default();
        prop_assert_eq!(unpack_rest(pack_rest(&account).as_deref(), &mut read), Ok(()));
        prop_assert_eq!(read, account);
    }

    #[test]
    fn years_are_read_as_they_were_written(year in years()) {
        prop_assert_eq!(unpack_year(year.year, &pack_year(&year)), Ok(year));
    }

    #[test]
    fn damaged_bytes_of_years_never_panic(year in years(), at in any::<prop::sample::Index>(), to: u8) {
        let mut body = pack_year(&year);
        let at = at.index(body.len());
        body[at] = to;
        let _ = unpack_year(year.year, &body);
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_but_never_panic(entry in entries(), at in any::<prop::sample::Index>(), to: u8) {
        let mut body = pack_entry(&entry);
        let at = at.index(body.len());
        prop_assert_eq!(unpack_entry(row_of(&entry), &body[..at]), Err(Unreadable), "cut off");
        body[at] = to;
        let _ = unpack_entry(row_of(&entry), &body);
    }
}

#[test]
fn the_bytes_of_a_plain_entry_never_change() {
    let at = Timestamp::from_micros(1_767_268_800_000_000);
    let lot = LotRef {
        no: LotNo(3),
        earned_at: at,
        available_at: at,
        expires_at: Timestamp::from_micros(1_798_848_000_000_000),
    };
    let rate = EarnRate { points: Points::new(1), per: Money::new(100), mode: EarnMode::Proportional };
    let earned = Earned {
        cause: Cause::Rate,
        version: 1,
        base: Money::new(3_098),
        rate,
        tier: None,
        carried: Money::ZERO,
        before: Points::ZERO,
        called_for: Points::new(30),
        cut: None,
        worked: None,
    };
    let entry = Entry {
        number: EntryNo(5),
        at,
        kind: Kind::Earn,
        order: Some(OrderNo(2)),
        actor: Actor::Channel(1),
        reason: Reason::Earned(earned),
        opened: vec![LotOpened { lot, order: Some(OrderNo(2)), graced: false, certificate: None }],
        dated: Vec::new(),
        hold: None,
        postings: vec![Posting { lot: LotNo(3), from: Bucket::Issued, to: Bucket::Available, points: Points::new(30) }],
        changes: Changes { earned: Points::new(30), ..Changes::default() },
    };
    let expected =
        [1, 5, 2, 8, 1, 180, 48, 2, 200, 1, 0, 60, 1, 3, 0, 0, 130, 136, 175, 114, 2, 2, 0, 0, 1, 3, 66, 60, 8, 60];
    assert_eq!(pack_entry(&entry), expected);
}
