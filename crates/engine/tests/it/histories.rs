//! Random histories of one account: what its shop and its staff do, step by step, while time passes.

use engine::Uses;
use proptest::prelude::*;

use crate::bodies::{Body, bodies};
use crate::rewards::uses;

/// Orders of one account: few, so that they meet.
pub(crate) const ORDERS: usize = 3;

/// One step. Figures are bent to what the account has at that point.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Put(Put),
    /// So much of an order comes back, or all of it, or it is completed again; what was sold and asked for stays.
    Amend {
        order: usize,
        /// Per cent of what it costs.
        refunded: u8,
        cancelled: bool,
    },
    /// A document that was accepted arrives again.
    Again {
        which: usize,
    },
    Hold {
        ask: Ask,
        minutes: u32,
    },
    Release {
        which: usize,
    },
    Adjust {
        points: i64,
        expires_in_days: Option<i32>,
    },
    /// Staff add or deduct store credit.
    Credit {
        amount: i64,
    },
    /// The member does what earns without an order: the first act of the program, the second, or one that it has not.
    Act {
        which: usize,
    },
    /// The member signs up in the program, or would once more.
    SignUp,
    /// Staff move the last instant of all points, or of the lot so many before the last.
    Redate {
        lot: Option<usize>,
        days: i32,
        /// Only of what would expire within so many days.
        expiring: Option<i32>,
    },
    /// Staff give back what has expired.
    Reinstate {
        points: i64,
        lot: Option<usize>,
        days: Option<i32>,
    },
    /// Staff give a certificate.
    Issue {
        value: i64,
        uses: Uses,
        expires_in_days: Option<u16>,
    },
    /// Staff cancel the certificate so many before the last.
    Cancel {
        which: usize,
    },
    /// Time passes until something falls due, or to the last moment before.
    Due {
        before: bool,
    },
    /// So many minutes go by.
    Wait {
        minutes: i64,
    },
    /// The member leaves the program.
    Close {
        grace_days: u16,
    },
    /// The member comes back, or into the program.
    Join,
    /// Staff hand out rewards.
    Collect,
    /// The member claims a reward: one of the catalogue, or one that it has not.
    Reward {
        which: usize,
    },
    /// Staff hand over the claim so many before the last, or cancel it.
    EndClaim {
        which: usize,
        cancels: bool,
    },
    Settle,
}

#[derive(Clone, Debug)]
pub(crate) struct Put {
    pub(crate) order: usize,
    pub(crate) body: Body,
    pub(crate) milestones: Milestones,
    pub(crate) ask: Option<Ask>,
    /// Store credit: a share of what is there, or an amount.
    pub(crate) credit: Option<Ask>,
    /// Certificates so many before the last.
    pub(crate) certificates: Option<Vec<usize>>,
    /// Names the hold so many before the last.
    pub(crate) hold: Option<usize>,
    pub(crate) version: VersionStep,
    /// The shop moves the dates that it tells to now, or all of them to so many days ago.
    pub(crate) redate: Option<i64>,
}

/// What the shop says has happened to the order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Milestones {
    pub(crate) paid: bool,
    pub(crate) fulfilled: bool,
    pub(crate) cancelled: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Ask {
    Nothing,
    Points(i64),
    /// Per cent of what is available.
    Share(u8),
    /// Per cent of what a quote offers for the document.
    Offered(u8),
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum VersionStep {
    Newer,
    Same,
    Older,
    LeftOut,
}

/// What happens to one who may leave the program and come back.
pub(crate) fn leaving_histories(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let grace = prop_oneof![1 => Just(0_u16), 2 => 1..40_u16];
    let places = (any::<prop::sample::Index>(), any::<prop::sample::Index>());
    let moves = prop_oneof![4 => Just(0_usize), 2 => Just(1), 1 => Just(2)]
        .prop_flat_map(move |many| prop::collection::vec((grace.clone(), places.clone()), many));
    (histories(longest), moves).prop_map(|(mut all, moves)| {
        for (grace_days, (first, second)) in moves {
            let (first, second) = (first.index(all.len() + 1), second.index(all.len() + 1));
            all.insert(first.max(second), Step::Join);
            all.insert(first.min(second), Step::Close { grace_days });
        }
        all
    })
}

/// The same in which one thing happens more often than others: rewards are claimed, certificates pay, or orders change.
pub(crate) fn busy_histories(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let some = prop::collection::btree_set(0..3_usize, 1..3).prop_map(|it| Some(it.into_iter().collect::<Vec<_>>()));
    let paying = (puts(), some).prop_map(|(put, certificates)| Step::Put(Put { certificates, ..put }));
    let certificates = prop_oneof![1 => issues(), 3 => paying, 2 => amends()];
    let orders = prop_oneof![1 => puts().prop_map(Step::Put), 2 => amends()];
    let busy = |step: BoxedStrategy<Step>| prop::collection::vec((any::<prop::sample::Index>(), step), 0..10);
    let busy = prop_oneof![busy(claims().boxed()), busy(certificates.boxed()), busy(orders.boxed())];
    (leaving_histories(longest), busy).prop_map(|(mut all, busy)| {
        for (place, step) in busy {
            all.insert(place.index(all.len() + 1), step);
        }
        all
    })
}

pub(crate) fn histories(longest: usize) -> impl Strategy<Value = Vec<Step>> {
    let funded = (1..3_000_i64, prop_oneof![Just(None), (0..40_i32).prop_map(Some)])
        .prop_map(|(points, expires_in_days)| Step::Adjust { points, expires_in_days });
    let funded = prop_oneof![4 => funded, 1 => issues()];
    (
        prop_oneof![1 => Just(0_usize), 4 => 1..4_usize]
            .prop_flat_map(move |many| prop::collection::vec(funded.clone(), many)),
        prop::collection::vec(steps(), 1..longest),
    )
        .prop_map(|(mut all, rest)| {
            all.extend(rest);
            all
        })
}

fn steps() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => puts().prop_map(Step::Put),
        5 => amends(),
        2 => any::<prop::sample::Index>().prop_map(|it| Step::Again { which: it.index(50) }),
        2 => (asks(), prop_oneof![2 => 1..60_u32, 1 => Just(120_u32)]).prop_map(|(ask, minutes)| Step::Hold { ask, minutes }),
        1 => (0..3_usize).prop_map(|which| Step::Release { which }),
        2 => (-300..600_i64, prop::option::of(-1..40_i32))
            .prop_map(|(points, expires_in_days)| Step::Adjust { points, expires_in_days }),
        1 => (-900..3_000_i64).prop_map(|amount| Step::Credit { amount }),
        2 => by_hand_or_acts(),
        1 => issues(),
        1 => Just(Step::Collect),
        1 => (0..4_usize).prop_map(|which| Step::Cancel { which }),
        3 => claims(),
        5 => waits().prop_map(|minutes| Step::Wait { minutes }),
        1 => any::<bool>().prop_map(|before| Step::Due { before }),
        1 => Just(Step::Settle),
    ]
}

fn amends() -> impl Strategy<Value = Step> {
    (0..ORDERS, prop_oneof![1 => Just(0_u8), 2 => 0..=100_u8], prop::bool::weighted(0.3))
        .prop_map(|(order, refunded, cancelled)| Step::Amend { order, refunded, cancelled })
}

fn claims() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![9 => 0..3_usize, 1 => Just(3)].prop_map(|which| Step::Reward { which }),
        2 => (0..3_usize, prop::bool::weighted(0.6)).prop_map(|(which, cancels)| Step::EndClaim { which, cancels }),
    ]
}

fn issues() -> impl Strategy<Value = Step> {
    (0..2_500_i64, uses(), prop_oneof![Just(None), (0..40_u16).prop_map(Some)])
        .prop_map(|(value, uses, expires_in_days)| Step::Issue { value, uses, expires_in_days })
}

fn by_hand_or_acts() -> impl Strategy<Value = Step> {
    let lot = || prop_oneof![1 => Just(None), 1 => (0..4_usize).prop_map(Some)];
    let days = prop_oneof![1 => Just(None), 1 => (-1..40_i32).prop_map(Some)];
    prop_oneof![
        4 => (0..3_usize).prop_map(|which| Step::Act { which }),
        1 => Just(Step::SignUp),
        2 => (lot(), -1..60_i32, prop::option::of(0..30_i32))
            .prop_map(|(lot, days, expiring)| Step::Redate { lot, days, expiring }),
        3 => (0..40_i64, lot(), days).prop_map(|(points, lot, days)| Step::Reinstate { points, lot, days }),
    ]
}

pub(crate) fn waits() -> impl Strategy<Value = i64> {
    prop_oneof![2 => 1..90_i64, 2 => 0..4_320_i64, 2 => (1..40_i64).prop_map(|days| days * 1_440)]
}

pub(crate) fn puts() -> impl Strategy<Value = Put> {
    let hold = prop_oneof![4 => Just(None), 1 => (0..3_usize).prop_map(Some)];
    let ask = prop_oneof![2 => Just(None), 3 => asks().prop_map(Some)];
    let credit = prop_oneof![3 => Just(None), 2 => asks().prop_map(Some)];
    let some = prop::collection::btree_set(0..4_usize, 0..3).prop_map(|it| Some(it.into_iter().collect::<Vec<_>>()));
    let certificates = prop_oneof![2 => Just(None), 1 => some];
    let version = prop_oneof![
        6 => Just(VersionStep::Newer),
        1 => Just(VersionStep::Same),
        1 => Just(VersionStep::Older),
        2 => Just(VersionStep::LeftOut),
    ];
    let redate = prop_oneof![18 => Just(None), 1 => Just(Some(0)), 1 => (1..25_i64).prop_map(Some)];
    (0..ORDERS, bodies(), milestones(), (ask, credit, certificates), hold, version, redate).prop_map(
        |(order, body, milestones, (ask, credit, certificates), hold, version, redate)| Put {
            order,
            body,
            milestones,
            ask,
            credit,
            certificates,
            hold,
            version,
            redate,
        },
    )
}

pub(crate) fn asks() -> impl Strategy<Value = Ask> {
    prop_oneof![
        1 => Just(Ask::Nothing),
        2 => (0..700_i64).prop_map(Ask::Points),
        2 => (0..=100_u8).prop_map(Ask::Share),
        3 => (0..=100_u8).prop_map(Ask::Offered),
        3 => Just(Ask::Offered(100)),
    ]
}

pub(crate) fn milestones() -> impl Strategy<Value = Milestones> {
    (prop::bool::weighted(0.8), prop::bool::weighted(0.6), prop::bool::weighted(0.15))
        .prop_map(|(paid, fulfilled, cancelled)| Milestones { paid, fulfilled, cancelled })
}
