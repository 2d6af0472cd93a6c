//! Rewards and claims on the wire.

use engine::{Coupon, Gift, RewardClaim};
use serde::Serialize;
use store::{ClaimInfo, MemberId, RewardInfo};
use utoipa::ToSchema;

use super::ids::{Owned, OwnedId};
use crate::api::certificates::certificate_id;
use crate::catalog::Program;
use crate::words::{Voice, reward_in_words};

/// A reward of the catalogue, as a member sees it now.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RewardView {
    #[schema(example = "Mug")]
    pub(crate) name: String,
    /// What it costs.
    #[schema(example = 500)]
    pub(crate) points: i64,
    /// The shop's own id of the product that it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "SKU-77")]
    pub(crate) product: Option<String>,
    /// The certificate that it is; left out of what staff hand over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) coupon: Option<CouponView>,
    /// How many are left, where there are only so many.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 20)]
    pub(crate) left: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date)]
    pub(crate) from: Option<String>,
    /// The last day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = Date)]
    pub(crate) until: Option<String>,
    /// The tiers that may claim it; left out where all may.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tiers: Vec<String>,
    /// How many one member may claim on a day, in a month and in all; left out without a limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_month: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) per_life: Option<u32>,
    /// Whether a claim would be accepted now.
    pub(crate) can_be_claimed: bool,
    /// Why not: the code with which a claim would be refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "insufficient_points")]
    pub(crate) code: Option<&'static str>,
    /// How many points are missing, if that is why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) missing: Option<i64>,
    /// Why not, as a sentence that a cashier can read aloud.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "20 points are missing: it costs 500 points, and 480 points can be spent.")]
    pub(crate) text: Option<String>,
}

/// A certificate that points buy.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct CouponView {
    /// What it is worth; left out of one that pays a share of an order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "10.00")]
    pub(crate) value: Option<String>,
    /// So many per cent of one order.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "10%")]
    pub(crate) share: Option<String>,
    /// The most that the share comes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "20.00")]
    pub(crate) max_value: Option<String>,
    /// `several` or `once`.
    #[schema(example = "once")]
    pub(crate) uses: &'static str,
}

impl CouponView {
    fn of(it: &Coupon, exponent: u8) -> Self {
        let share = it.uses.share().map(|it| it.to_string());
        let value = it.value.to_text(exponent);
        let (value, max_value) = if share.is_some() { (None, Some(value)) } else { (Some(value), None) };
        Self { value, share, max_value, uses: it.uses.name() }
    }
}

impl RewardView {
    pub(crate) fn of(it: &RewardInfo, voice: &Voice<'_>) -> Self {
        let RewardInfo { reward, left, refusal } = it;
        let exponent = voice.terms.currency.exponent;
        let (product, coupon) = match &reward.gives {
            Gift::Named => (None, None),
            Gift::Product(id) => (Some(id.to_string()), None),
            Gift::Coupon(it) => (None, Some(CouponView::of(it, exponent))),
        };
        let missing = match refusal {
            Some(engine::Rejection::InsufficientPoints { spendable }) => Some((reward.points - *spendable).get()),
            _ => None,
        };
        Self {
            name: reward.name.to_string(),
            points: reward.points.get(),
            product,
            coupon,
            left: *left,
            from: reward.from.map(|it| it.to_string()),
            until: reward.until.map(|it| it.to_string()),
            tiers: reward.tiers.iter().map(|it| it.to_string()).collect(),
            per_day: reward.per_day,
            per_month: reward.per_month,
            per_life: reward.per_life,
            can_be_claimed: refusal.is_none(),
            code: refusal.as_ref().map(engine::Rejection::code),
            missing,
            text: refusal.as_ref().map(|it| reward_in_words(reward, it, voice)),
        }
    }
}

/// A reward that a member has claimed.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ClaimView {
    #[schema(example = "clm_01jwkbdfm0fber0gthyd8chafn_1_1")]
    pub(crate) id: String,
    pub(crate) member: String,
    #[schema(example = "Mug")]
    pub(crate) reward: String,
    /// The shop's own id of the product that it is, as the catalogue said when it was claimed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "SKU-77")]
    pub(crate) product: Option<String>,
    /// `claimed`: it waits to be handed over; `fulfilled`: the member has it; `cancelled`; `undone`: its coupon is points again, since a
    /// refund took it back, or staff cancelled the certificate.
    #[schema(example = "claimed")]
    pub(crate) state: &'static str,
    /// What it cost; of one that was cancelled, what came back.
    #[schema(example = 500)]
    pub(crate) points: i64,
    #[schema(format = DateTime)]
    pub(crate) claimed_at: String,
    /// The id of the certificate, if it is one: whether that is used or was taken back stands there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) certificate: Option<String>,
}

impl ClaimView {
    pub(crate) fn of(member: MemberId, program: &Program, it: &RewardClaim) -> Self {
        Self::standing(member, program, it, it.state.name())
    }

    pub(crate) fn info(member: MemberId, program: &Program, it: &ClaimInfo) -> Self {
        Self::standing(member, program, &it.claim, it.standing())
    }

    fn standing(member: MemberId, program: &Program, it: &RewardClaim, state: &'static str) -> Self {
        let version = program.info.timeline.version(it.version);
        let product = match version.and_then(|version| version.reward(&it.reward)).map(|it| &it.gives) {
            Some(Gift::Product(id)) => Some(id.to_string()),
            Some(Gift::Named | Gift::Coupon(_)) | None => None,
        };
        let currency = version.map(|it| it.terms.currency);
        Self {
            id: OwnedId { kind: Owned::Claim, member, program: program.info.number, number: it.no.0 }.to_string(),
            member: member.to_string(),
            reward: it.reward.to_string(),
            product,
            state,
            points: it.points.get(),
            claimed_at: it.at.to_string(),
            certificate: it.certificate.zip(currency).map(|(lot, it)| certificate_id(member, it, lot.no)),
        }
    }
}
