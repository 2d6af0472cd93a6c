//! Balances and what an order comes to, on the wire.

use engine::{
    Answer as OrderReply, Balance, Cause, EarnMode, Earned, Milestone, Money, OrderNo, Status, Target, Terms, value_of,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::entry::WireCertificatePart;
use super::worked::WireWorked;
use crate::words::{Voice, answer_in_words};

/// What an account holds, exact at the instant it is read.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireBalance {
    /// Can be spent.
    pub(crate) available: i64,
    /// Granted, and still in the waiting period.
    pub(crate) pending: i64,
    /// Reserved by holds.
    pub(crate) held: i64,
    /// What the member owes; never beside available points.
    pub(crate) owed: i64,
    /// What the available points are worth, in the program's currency, at the rate of the member's tier.
    #[schema(example = "13.30")]
    pub(crate) worth: String,
    /// All that was ever granted.
    pub(crate) issued: i64,
    pub(crate) redeemed: i64,
    pub(crate) revoked: i64,
    pub(crate) deducted: i64,
    pub(crate) converted: i64,
    pub(crate) expired: i64,
    pub(crate) forfeited: i64,
    pub(crate) moved: i64,
    /// What a policy did not collect, for good.
    pub(crate) let_go: i64,
}

impl WireBalance {
    pub(crate) fn of(it: &Balance, terms: &Terms) -> Self {
        Self {
            available: it.available.get(),
            pending: it.pending.get(),
            held: it.held.get(),
            owed: it.owed.get(),
            worth: value_of(it.available, terms.redeem.rate).to_text(terms.currency.exponent),
            issued: it.issued.get(),
            redeemed: it.redeemed.get(),
            revoked: it.revoked.get(),
            deducted: it.deducted.get(),
            converted: it.converted.get(),
            expired: it.expired.get(),
            forfeited: it.forfeited.get(),
            moved: it.moved.get(),
            let_go: it.let_go.get(),
        }
    }
}

/// What points become, and how far the member is.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireRewards {
    /// Each so many points …
    #[schema(example = 250)]
    pub(crate) points: i64,
    /// … become a certificate worth so much.
    #[schema(example = "25.00")]
    pub(crate) value: String,
    /// `at_once`, or `by_staff`: the member is eligible, and staff hand it out.
    #[schema(example = "by_staff")]
    pub(crate) given: &'static str,
    /// How many the member has reached.
    #[schema(example = 1)]
    pub(crate) reached: i64,
    /// How many points are missing to the next one.
    #[schema(example = 120)]
    pub(crate) missing: i64,
}

impl WireRewards {
    /// Nothing where points become no certificates.
    pub(crate) fn of(it: &Balance, terms: &Terms) -> Option<Self> {
        let convert = terms.convert.filter(|it| it.rate.target == Target::Certificate)?;
        Some(Self {
            points: convert.rate.points.get(),
            value: convert.rate.value.to_text(terms.currency.exponent),
            given: if convert.is_collected { "by_staff" } else { "at_once" },
            reached: convert.reached(it.available),
            missing: convert.missing(it.available).get(),
        })
    }
}

/// How an award was worked out: the points for the base at the rate, rounded down.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireEarned {
    /// Why it earns what it earns: `rate`, `waits` (for the milestone), `cancelled`, `program_off`, `order_type` (the program
    /// does not apply to orders of its type), `customer_type` (members of that type earn nothing), `returned` (what came
    /// back without its order), `account_closed` (the member had left the program when it was placed), `guest` (it has no member yet), `claim_ended` (it has none, and can be claimed no more), or
    /// `step_of` (another
    /// order changed, and with it a step that this one had completed).
    #[schema(example = "rate")]
    pub(crate) cause: &'static str,
    /// What it waits for: `placed`, `paid` or `fulfilled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) waits_for: Option<&'static str>,
    /// The number of the other order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step_of: Option<u64>,
    /// What it calls for now.
    #[schema(example = 30)]
    pub(crate) points: i64,
    /// What it had earned before this.
    pub(crate) before: i64,
    /// What earns: the kept part less discounts and redeemed points.
    #[schema(example = "30.98")]
    pub(crate) base: String,
    /// So many points …
    #[schema(example = 1)]
    pub(crate) rate_points: i64,
    /// … for each of this amount.
    #[schema(example = "1.00")]
    pub(crate) rate_per: String,
    /// `proportional`, `steps` or `steps_carried`.
    #[schema(example = "proportional")]
    pub(crate) rate_mode: &'static str,
    /// The member's tier when the order was placed, where it has a rate or a multiplier of its own. Without `worked` the rate is
    /// the tier's.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Gold")]
    pub(crate) tier: Option<String>,
    /// What the account had carried over from other orders.
    pub(crate) carried: String,
    /// The version of the program whose terms are pinned.
    pub(crate) version: u32,
    /// What a cap left of it; left out when none did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cut: Option<WireCut>,
    /// How it was worked out, where the program has more than its own rate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) worked: Option<WireWorked>,
}

/// A cap that an order has reached.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireCut {
    /// `order`, `day`, `month` or `year`.
    pub(crate) cap: &'static str,
    /// The most that orders earn within it.
    pub(crate) most: i64,
    /// What the order would earn without it; below zero for a return, which would take that.
    pub(crate) called_for: i64,
}

impl WireEarned {
    pub(crate) fn of(it: &Earned, exponent: u8) -> Self {
        let (cause, waits_for, step_of) = match it.cause {
            Cause::Rate => ("rate", None, None),
            Cause::Waits(milestone) => ("waits", Some(milestone_name(milestone)), None),
            Cause::Cancelled => ("cancelled", None, None),
            Cause::ProgramOff => ("program_off", None, None),
            Cause::OrderType => ("order_type", None, None),
            Cause::CustomerType => ("customer_type", None, None),
            Cause::Closed => ("account_closed", None, None),
            Cause::Guest => ("guest", None, None),
            Cause::ClaimEnded => ("claim_ended", None, None),
            Cause::Returned => ("returned", None, None),
            Cause::StepOf(order) => ("step_of", None, Some(order.0)),
        };
        Self {
            cause,
            waits_for,
            step_of,
            points: it.called_for.get(),
            before: it.before.get(),
            base: it.base.to_text(exponent),
            rate_points: it.rate.points.get(),
            rate_per: it.rate.per.to_text(exponent),
            rate_mode: mode_name(it.rate.mode),
            tier: it.tier.as_deref().map(str::to_owned),
            carried: it.carried.to_text(exponent),
            version: it.version,
            cut: it.cut.map(|it| WireCut { cap: it.cap.name(), most: it.most.get(), called_for: it.called_for.get() }),
            worked: it.worked.as_ref().map(|it| WireWorked::of(it, exponent)),
        }
    }
}

fn milestone_name(milestone: Milestone) -> &'static str {
    match milestone {
        Milestone::Placed => "placed",
        Milestone::Paid => "paid",
        Milestone::Fulfilled => "fulfilled",
    }
}

fn mode_name(mode: EarnMode) -> &'static str {
    match mode {
        EarnMode::Proportional => "proportional",
        EarnMode::Steps => "steps",
        EarnMode::StepsCarried => "steps_carried",
    }
}

/// Where an order stands: what it earned, spent and let go, and why.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct WireOutcome {
    pub(crate) earned: WireEarned,
    /// Points that pay part of the order.
    pub(crate) redeemed: i64,
    /// The figure that stands for the order as sold; more than `redeemed` where some came back in proportion.
    pub(crate) asked: i64,
    /// What the redeemed points pay.
    #[schema(example = "2.50")]
    pub(crate) value: String,
    /// What certificates pay of the order, each by its number.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) certificates: Vec<WireCertificatePart>,
    /// Store credit that pays part of the order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "5.00")]
    pub(crate) credit: Option<String>,
    /// The figure that stands for the order as sold; more than `credit` where some came back in proportion.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credit_asked: Option<String>,
    /// The store credit that can be spent now; left out where neither the order nor its program has to do with any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) credit_left: Option<String>,
    /// Of its take-backs: what is or was owed.
    pub(crate) owed: i64,
    /// Of its take-backs: what a policy did not collect.
    pub(crate) let_go: i64,
    /// Of its take-backs: what had expired and counts as taken.
    pub(crate) expired: i64,
    /// All of it as sentences that a cashier can read aloud.
    #[schema(example = "Order A17: earns 30 points (1 point per 1.00 on 30.98, rounded down). Balance: 30 points.")]
    pub(crate) text: String,
    /// Left out while the order has no member.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) balance: Option<WireBalance>,
}

impl WireOutcome {
    /// Points are worth what `worth` says.
    pub(crate) fn of(it: &OrderReply, reference: Option<&str>, voice: &Voice<'_>, worth: &Terms) -> Self {
        let exponent = voice.terms.currency.exponent;
        let unless_zero = |it: Money| (!it.is_zero()).then(|| it.to_text(exponent));
        Self {
            earned: WireEarned::of(&it.earned, exponent),
            redeemed: it.redeemed.get(),
            asked: it.asked.get(),
            value: it.value.to_text(exponent),
            certificates: it.certificates.iter().map(|it| WireCertificatePart::of(it, exponent)).collect(),
            credit: unless_zero(it.credit),
            credit_asked: unless_zero(it.credit_asked),
            credit_left: it.credit_left.map(|it| it.to_text(exponent)),
            owed: it.owed.get(),
            let_go: it.let_go.get(),
            expired: it.expired.get(),
            text: answer_in_words(it, reference, voice),
            balance: (it.order != OrderNo(0)).then(|| WireBalance::of(&it.balance, worth)),
        }
    }
}

pub(crate) fn status_name(status: Status) -> &'static str {
    match status {
        Status::Recorded => "recorded",
        Status::Retry => "retry",
        Status::Stale => "stale",
    }
}
