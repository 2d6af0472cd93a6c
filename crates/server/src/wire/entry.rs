//! Entries on the wire: every fact with its postings, its reason as codes and numbers, and all of it in words.

use engine::{Act, Actor, Changes, Entry, HoldState, Paid, Posting, Reason};
use serde::Serialize;
use store::MemberId;
use utoipa::ToSchema;

use super::account::WireEarned;
use super::ids::{Owned, OwnedId};
use super::lot::{WireLotDates, WireLotOpened, WirePosting};
use super::tier::{WireTierReview, WireTierState};
use super::worked::WireBudgetUse;
use crate::words::Lots;

/// One business fact in the ledger.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireEntry {
    pub(crate) id: String,
    /// Within its account, from 1 without gaps.
    pub(crate) number: u64,
    #[schema(format = DateTime)]
    pub(crate) at: String,
    /// The day of the program's time zone.
    #[schema(format = Date)]
    pub(crate) day: String,
    /// `earn`, `revoke`, `redeem`, `return`, `expire`, `release`, `hold`, `lapse`, `repay`, `adjust`, `redate`, `extend`,
    /// `reinstate`, `activity`, `convert`, `unconvert`, `spend` (store credit pays part of an order), `refund` (that comes
    /// back), `use` (certificates pay part of an order), `give_back` (that comes back), `reward` (a reward is claimed), `fulfil` (it is
    /// handed over), `cancel_reward` or `tier`.
    #[schema(example = "earn")]
    pub(crate) kind: &'static str,
    /// The id of the order that it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) order: Option<String>,
    /// The channel's own name for that order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "A17")]
    pub(crate) reference: Option<String>,
    /// The channel of that order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "web")]
    pub(crate) channel: Option<String>,
    /// Who did it: `system`, `import`, `channel:1`, `key:1` or `staff:0`.
    #[schema(example = "channel:1")]
    pub(crate) actor: String,
    /// By how much the points that can be spent change.
    pub(crate) available: i64,
    pub(crate) postings: Vec<WirePosting>,
    /// Lots that it opens.
    pub(crate) opened: Vec<WireLotOpened>,
    /// The new dates of lots.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) dated: Vec<WireLotDates>,
    /// A hold that opens or ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<WireHoldChange>,
    pub(crate) reason: WireReason,
    pub(crate) changes: WireChanges,
    /// All of it as a sentence.
    #[schema(example = "Order A17: 30 points earned (1 point per 1.00 on 30.98, rounded down)")]
    pub(crate) text: String,
}

#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireHoldChange {
    pub(crate) hold: u64,
    /// `active`, `ended` or `taken`.
    pub(crate) state: &'static str,
    /// The number of the order that took it over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) taken_by: Option<u64>,
    #[schema(format = DateTime)]
    pub(crate) lapses_at: String,
}

/// Why, as codes and numbers.
#[derive(Debug, Serialize, ToSchema)]
#[serde(tag = "code", rename_all = "snake_case")]
pub(crate) enum WireReason {
    /// Time passed.
    Due,
    /// What the order calls for.
    Earned(Box<WireEarned>),
    /// What the order pays with points.
    Paid(WirePaid),
    Held {
        minutes: u32,
    },
    /// What was written with an adjustment.
    Note {
        note: String,
    },
    /// What was done that earns without an order.
    Acted {
        /// `sign_up`, `birthday` or `custom`.
        act: &'static str,
        /// The shop's own name of a custom one.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Of the program.
        version: u32,
        points: i64,
    },
    /// What became of a tier, and by which figure.
    Tier(WireTierReview),
    /// An activity that keeps all points alive.
    Extended {
        /// `order`, `earning` or `activity`.
        on: &'static str,
        /// From the day of the activity on.
        months: u16,
        #[schema(format = DateTime)]
        at: String,
    },
    /// The order had no member until now.
    Claimed {
        /// When it was first recorded.
        #[schema(format = DateTime)]
        recorded_at: String,
        /// What staff wrote; left out where a document named the member.
        #[serde(skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// What the order pays with store credit.
    Credit(WirePaidCredit),
    /// What the order pays with certificates.
    Certificates(WirePaidCredit),
    /// Two members are one, or two again.
    Merged {
        /// The id of the other.
        other: String,
    },
    /// A certificate that belonged to nobody is somebody's now.
    Bearer {
        other: String,
        certificate: u64,
    },
    /// The catalogue says so.
    Reward,
    /// The entry on points that caused it.
    Cause {
        program: u32,
        entry: u64,
    },
}

/// How the points part of an order was worked out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WirePaid {
    pub(crate) rate_points: i64,
    pub(crate) rate_value: String,
    /// The member's tier when the order was placed, where it is the tier's rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<String>,
    /// The most points that the kept part of the order can take.
    pub(crate) fits: i64,
    pub(crate) before: i64,
    pub(crate) after: i64,
    pub(crate) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) hold: Option<u64>,
}

/// How the credit part of an order was worked out.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WirePaidCredit {
    /// The most that the kept part of the order can take.
    pub(crate) fits: String,
    pub(crate) before: String,
    pub(crate) after: String,
}

/// Points that became store credit or a certificate; below zero how often that was undone.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireConverted {
    /// So many points …
    pub(crate) points: i64,
    /// … became `credit` or a `certificate` …
    pub(crate) into: &'static str,
    /// … worth so much, …
    pub(crate) value: String,
    /// … so many times.
    pub(crate) times: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<WireBought>,
}

/// The certificate that points became.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireBought {
    /// Its number among those of the member in that currency.
    pub(crate) certificate: u64,
    #[schema(format = DateTime)]
    pub(crate) since: String,
    /// The first instant at which it can no longer be used; left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
}

/// What of a lot of store credit is given, or below zero taken.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireCreditPart {
    pub(crate) lot: u64,
    /// Since when the member has it.
    #[schema(format = DateTime)]
    pub(crate) since: String,
    pub(crate) amount: String,
}

/// What a certificate pays of an order.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireCertificatePart {
    /// Its number among those of the member in that currency.
    pub(crate) certificate: u64,
    /// Since when the member has it.
    #[schema(format = DateTime)]
    pub(crate) since: String,
    /// The first instant at which it can no longer be used, as of its first use; left out when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) expires_at: Option<String>,
    #[schema(example = "20.00")]
    pub(crate) pays: String,
    /// What of it is lost, since it can be used once: as long as the order uses it. Of one that pays a share, what it could have
    /// paid more at most.
    #[schema(example = "5.00")]
    pub(crate) loses: String,
}

impl WireCertificatePart {
    pub(crate) fn of(it: &engine::CertificatePart, exponent: u8) -> Self {
        let (pays, loses) = (it.paid.to_text(exponent), it.lost.to_text(exponent));
        let (since, expires_at) = (it.lot.earned_at.to_string(), super::time(it.lot.expires_at));
        Self { certificate: it.lot.no.0, since, expires_at, pays, loses }
    }
}

/// What it changes besides postings; differences may be negative.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireChanges {
    pub(crate) owed: i64,
    pub(crate) let_go: i64,
    pub(crate) expired: i64,
    pub(crate) earned: i64,
    pub(crate) undone: i64,
    pub(crate) counted: String,
    pub(crate) steps: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) carried: Option<WireCarried>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) displaced: Option<Vec<WireDisplaced>>,
    /// All points that have not expired can be spent until then at least: the first instant at which they are gone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) extended: Option<String>,
    /// How often something has been done that earns without an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) acted: Option<WireActed>,
    /// How much of the order counts as money spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) spent: Option<String>,
    /// What the account counts on the order's own day, towards caps and tiers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) figures: Option<WireFigures>,
    /// What the order may earn for good under the caps of its day, month and year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) allotted: Option<WireAllotted>,
    /// What it changes of what the order has of the budgets of promotions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) budgets: Vec<WireBudgetUse>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) converted: Option<WireConverted>,
    /// What it does to the member's store credit, lot by lot.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) credit: Vec<WireCreditPart>,
    /// What it does to the member's certificates; below zero where it comes back to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) certificates: Vec<WireCertificatePart>,
    /// The time during which the account is, or was, closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) closed: Option<WireClosed>,
    /// What becomes of a reward that was claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reward: Option<WireRewardChange>,
    /// Where the member stands from then on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) tier: Option<WireTierState>,
}

/// What becomes of a reward that was claimed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireRewardChange {
    /// The number of the claim.
    pub(crate) claim: u64,
    pub(crate) reward: String,
    /// Of the program, in whose catalogue it was.
    pub(crate) version: u32,
    /// `claimed`, `fulfilled` or `cancelled`.
    #[schema(example = "claimed")]
    pub(crate) state: &'static str,
}

/// A time during which an account is closed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireClosed {
    #[schema(format = DateTime)]
    pub(crate) since: String,
    /// When its points are forfeited.
    #[schema(format = DateTime)]
    pub(crate) forfeits_at: String,
    /// When the member came back; left out before.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub(crate) until: Option<String>,
}

impl WireClosed {
    pub(crate) fn of(it: &engine::Closed) -> Self {
        let until = it.until.map(|it| it.to_string());
        Self { since: it.since.to_string(), forfeits_at: it.forfeits_at.to_string(), until }
    }
}

/// What counts on a day.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireFigures {
    /// The local day on which the order was placed.
    pub(crate) day: String,
    pub(crate) points: i64,
    pub(crate) spent: String,
    pub(crate) orders: i64,
}

/// What caps left for an order when its award was posted, raised or cut.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireAllotted {
    /// `day`, `month` or `year`.
    pub(crate) cap: &'static str,
    pub(crate) points: i64,
}

/// What does not make a full step yet.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireCarried {
    pub(crate) per: String,
    pub(crate) remainder: String,
}

/// Steps that another order lost, or below zero was given, because this one shrank.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireDisplaced {
    pub(crate) order: u64,
    pub(crate) steps: i64,
    pub(crate) level: String,
}

/// How often an act has earned, this time included.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireActed {
    /// `sign_up`, `birthday` or `custom`; `reward` where a reward was claimed, or a claim cancelled.
    pub(crate) act: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    /// The local day.
    #[schema(format = Date)]
    pub(crate) day: String,
    pub(crate) of_day: u32,
    pub(crate) of_month: u32,
    pub(crate) of_life: u32,
}

/// What an entry is told with.
pub(crate) struct Told {
    pub(crate) member: MemberId,
    pub(crate) program: u32,
    pub(crate) exponent: u8,
    pub(crate) day: String,
    /// Of its order.
    pub(crate) reference: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) text: String,
}

impl WireEntry {
    pub(crate) fn of(it: &Entry, lots: Lots<'_>, told: Told) -> Self {
        let Told { member, program, exponent, day, reference, channel, text } = told;
        let id = |kind, number| OwnedId { kind, member, program, number }.to_string();
        let change = |it: &Posting| {
            let available = engine::Bucket::Available;
            i64::from(it.to == available) * it.points.get() - i64::from(it.from == available) * it.points.get()
        };
        Self {
            id: id(Owned::Entry, it.number.0),
            number: it.number.0,
            at: it.at.to_string(),
            day,
            kind: it.kind.name(),
            order: it.order.map(|it| id(Owned::Order, it.0)),
            reference,
            channel,
            actor: actor(it.actor),
            available: it.postings.iter().map(change).sum(),
            postings: it.postings.iter().map(|it| WirePosting::of(it, lots(it.lot))).collect(),
            opened: it.opened.iter().map(WireLotOpened::of).collect(),
            dated: it.dated.iter().map(WireLotDates::of).collect(),
            hold: it.hold.map(|it| {
                let (state, taken_by) = match it.state {
                    HoldState::Active => ("active", None),
                    HoldState::Ended => ("ended", None),
                    HoldState::Taken(order) => ("taken", Some(order.0)),
                };
                WireHoldChange { hold: it.no.0, state, taken_by, lapses_at: it.lapses_at.to_string() }
            }),
            reason: reason(&it.reason, exponent),
            changes: changes(&it.changes, exponent),
            text,
        }
    }
}

pub(crate) fn actor(actor: Actor) -> String {
    match actor {
        Actor::System => "system".to_owned(),
        Actor::Channel(number) => format!("channel:{number}"),
        Actor::Staff(number) => format!("staff:{number}"),
        Actor::Key(number) => format!("key:{number}"),
        Actor::Import => "import".to_owned(),
    }
}

fn act(act: &Act) -> (&'static str, Option<String>) {
    match act {
        Act::SignUp => ("sign_up", None),
        Act::Birthday => ("birthday", None),
        Act::Custom(name) => ("custom", Some(name.clone())),
        Act::Reward(name) => ("reward", Some(name.clone())),
    }
}

fn reason(reason: &Reason, exponent: u8) -> WireReason {
    match reason {
        Reason::Due => WireReason::Due,
        Reason::Earned(it) => WireReason::Earned(Box::new(WireEarned::of(it, exponent))),
        Reason::Paid(it) => WireReason::Paid(paid(it, exponent)),
        Reason::Held { minutes } => WireReason::Held { minutes: *minutes },
        Reason::Note(note) => WireReason::Note { note: note.clone() },
        Reason::Acted(it) => {
            let (act, name) = act(&it.act);
            WireReason::Acted { act, name, version: it.version, points: it.points.get() }
        }
        Reason::Tier(it) => WireReason::Tier(WireTierReview::of(it, exponent)),
        Reason::Claimed(it) => WireReason::Claimed { recorded_at: it.recorded_at.to_string(), note: it.note.clone() },
        Reason::Extended(it) => {
            WireReason::Extended { on: it.rule.on.name(), months: it.rule.months, at: it.at.to_string() }
        }
        Reason::Credit(it) => WireReason::Credit(WirePaidCredit {
            fits: it.fits.to_text(exponent),
            before: it.before.to_text(exponent),
            after: it.after.to_text(exponent),
        }),
        Reason::Certificates(it) => WireReason::Certificates(WirePaidCredit {
            fits: it.fits.to_text(exponent),
            before: it.before.to_text(exponent),
            after: it.after.to_text(exponent),
        }),
        Reason::Bearer { other, certificate } => {
            WireReason::Bearer { other: store::MemberId(*other).to_string(), certificate: certificate.0 }
        }
        Reason::Reward => WireReason::Reward,
        Reason::Merged { other } => WireReason::Merged { other: store::MemberId(*other).to_string() },
        Reason::Cause(it) => WireReason::Cause { program: it.program, entry: it.entry.0 },
    }
}

fn credit_part(it: &engine::CreditPart, exponent: u8) -> WireCreditPart {
    WireCreditPart { lot: it.lot.no.0, since: it.lot.earned_at.to_string(), amount: it.amount.to_text(exponent) }
}

fn paid(it: &Paid, exponent: u8) -> WirePaid {
    WirePaid {
        rate_points: it.rate.points.get(),
        rate_value: it.rate.value.to_text(exponent),
        tier: it.tier.as_deref().map(str::to_owned),
        fits: it.fits.get(),
        before: it.before.get(),
        after: it.after.get(),
        value: it.value.to_text(exponent),
        hold: it.hold.map(|it| it.0),
    }
}

fn changes(it: &Changes, exponent: u8) -> WireChanges {
    let carried =
        it.carried.map(|it| WireCarried { per: it.per.to_text(exponent), remainder: it.remainder.to_text(exponent) });
    let displaced = |it: &engine::Displaced| WireDisplaced {
        order: it.order.0,
        steps: it.steps,
        level: it.level.to_text(exponent),
    };
    WireChanges {
        owed: it.owed.get(),
        let_go: it.let_go.get(),
        expired: it.expired.get(),
        earned: it.earned.get(),
        undone: it.undone.get(),
        counted: it.counted.to_text(exponent),
        steps: it.steps,
        carried,
        displaced: it.displaced.as_ref().map(|it| it.iter().map(displaced).collect()),
        spent: Some(it.spent).filter(|it| !it.is_zero()).map(|it| it.to_text(exponent)),
        figures: it.figures.map(|it| WireFigures {
            day: it.day.to_string(),
            points: it.figures.points.get(),
            spent: it.figures.spent.to_text(exponent),
            orders: it.figures.orders,
        }),
        allotted: it.allotted.map(|it| WireAllotted { cap: it.cap.name(), points: it.points.get() }),
        budgets: it.budgets.iter().map(WireBudgetUse::of).collect(),
        tier: it.tier.as_deref().map(WireTierState::of),
        closed: it.closed.as_deref().map(WireClosed::of),
        reward: it.reward.as_deref().map(|it| WireRewardChange {
            claim: it.claim.0,
            reward: it.reward.to_string(),
            version: it.version,
            state: it.state.name(),
        }),
        extended: it.extended.map(|it| it.to_string()),
        converted: it.converted.as_ref().map(|it| WireConverted {
            points: it.rate.points.get(),
            into: it.rate.target.name(),
            value: it.rate.value.to_text(exponent),
            times: it.times,
            certificate: it.certificate.map(|it| WireBought {
                certificate: it.no.0,
                since: it.earned_at.to_string(),
                expires_at: super::time(it.expires_at),
            }),
        }),
        credit: it.credit.iter().map(|it| credit_part(it, exponent)).collect(),
        certificates: it.certificates.iter().map(|it| WireCertificatePart::of(it, exponent)).collect(),
        acted: it.acted.as_ref().map(|it| {
            let (act, name) = act(&it.act);
            let (of_day, of_month, of_life) = (it.of_day, it.of_month, it.of_life);
            WireActed { act, name, day: it.day.to_string(), of_day, of_month, of_life }
        }),
    }
}
