//! Why the rules say no. Variants stand in order of precedence; `code` is stable and part of the API.

use std::borrow::Cow;
use std::fmt;

use crate::calendar::Date;
use crate::entry::LotNo;
use crate::money::Money;
use crate::points::Points;
use crate::program::Share;

/// A command that the rules refuse. Nothing of it is recorded; what had fallen due may have been settled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// A field has a value that cannot be.
    Invalid { path: Cow<'static, str>, allowed: &'static str },
    /// No channel of that name.
    UnknownChannel,
    /// No program of that name.
    UnknownProgram,
    /// No member with that identity or id.
    UnknownMember,
    /// No order of that reference in that channel.
    UnknownOrder,
    /// The program has no tier of that name.
    UnknownTier,
    /// The member has no such certificate.
    UnknownCertificate,
    /// The identity belongs to somebody else already.
    IdentityTaken,
    /// The order's reference belongs to another member's order.
    OtherMember,
    /// The certificate belonged to nobody, and another member was the first to use it.
    CertificateClaimed,
    /// The order had no member, and could be claimed until the end of that day.
    ClaimEnded { last: Date },
    /// The order is in another currency than its program.
    WrongCurrency,
    /// The order has versions of another kind.
    VersionKind,
    /// The version has been seen with another body.
    VersionConflict,
    /// A date that the document adds or changes lies too far back.
    DateTooOld { path: &'static str },
    /// A date that the document adds or changes lies ahead.
    DateAhead { path: &'static str },
    /// The program was off, or had not begun, when the order was placed.
    ProgramOff,
    /// The member has left the program, or had when the order was placed.
    AccountClosed,
    /// The card that names the member is blocked.
    CardBlocked,
    /// The program does not apply to orders of that type.
    OrderType,
    /// The certificate was cancelled.
    CertificateCancelled { certificate: LotNo },
    /// The certificate has expired.
    CertificateExpired { certificate: LotNo },
    /// Nothing is left of the certificate, or another order uses it.
    CertificateUsed { certificate: LotNo },
    /// Points of this very order bought the certificate.
    CertificateOfOrder { certificate: LotNo },
    /// Nothing of the order is left that the certificate could pay.
    CertificateExceedsOrder { certificate: LotNo },
    /// Points come instead of discounts, and the order has some.
    NotWithDiscounts,
    /// The account has no such hold.
    UnknownHold,
    /// The hold was taken over by another order.
    HoldTaken,
    /// There must be more to spend before anything can be redeemed.
    BalanceBelowMinimum { points: Points, balance: Points },
    /// The account has no such lot with points whose date could be moved.
    UnknownLot,
    /// The program has no rewards that staff hand out.
    NoRewards,
    /// The program has no activity of that name.
    UnknownActivity,
    /// The activity has earned as often as it may.
    ActivityLimit { per: &'static str, most: u32 },
    /// The catalogue has no reward of that name.
    UnknownReward,
    /// The reward can be claimed from that day on.
    RewardNotYet { from: Date },
    /// The reward could be claimed until the end of that day.
    RewardOver { until: Date },
    /// The reward is for members of other tiers.
    RewardTier,
    /// Nothing is left of the reward.
    RewardSoldOut,
    /// The member has as many of the reward as one may have.
    RewardLimit { per: &'static str, most: u32 },
    /// The account has no such claim.
    UnknownClaim,
    /// The claim was cancelled.
    ClaimCancelled,
    /// Nothing is handed over to a member who owes points.
    PointsOwed { owed: Points },
    /// Less is asked for than the program redeems at once.
    BelowMinimum { value: Money, points: Points },
    /// What is asked for is no multiple of the step.
    NotInSteps { step: Points },
    /// More is asked for than the program redeems on one order.
    AboveMaximum { points: Points },
    /// More is asked for than the share of an order that points may pay.
    AboveShare { share: Share, fits: Points },
    /// More is asked for than the order can take.
    ExceedsOrder { fits: Points },
    /// More store credit is asked for than the order can take.
    CreditExceedsOrder { fits: Money },
    /// Two members are the same one already, or one of them was merged into another.
    CannotMerge,
    /// Nothing was merged into the member, or it is too long ago, or both have been merged anew since.
    CannotUndo,
    /// An imported request is older than the account's last entry.
    BehindAccount,
    /// More store credit is asked for than there is.
    InsufficientCredit { spendable: Money },
    /// More is asked for than can be spent.
    InsufficientPoints { spendable: Points },
    /// More is to be reinstated than has expired.
    ExceedsExpired { there: Points },
}

impl Rejection {
    /// The certificate that it is about.
    pub fn certificate(&self) -> Option<LotNo> {
        match self {
            Self::CertificateCancelled { certificate }
            | Self::CertificateExpired { certificate }
            | Self::CertificateUsed { certificate }
            | Self::CertificateOfOrder { certificate }
            | Self::CertificateExceedsOrder { certificate } => Some(*certificate),
            _ => None,
        }
    }

    /// The stable code of the refusal.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Invalid { .. } => "invalid",
            Self::UnknownChannel => "unknown_channel",
            Self::UnknownProgram => "unknown_program",
            Self::UnknownMember => "unknown_member",
            Self::UnknownOrder => "unknown_order",
            Self::UnknownTier => "unknown_tier",
            Self::UnknownCertificate => "unknown_certificate",
            Self::IdentityTaken => "identity_taken",
            Self::OtherMember => "other_member",
            Self::CertificateClaimed => "certificate_claimed",
            Self::ClaimEnded { .. } => "claim_ended",
            Self::WrongCurrency => "wrong_currency",
            Self::VersionKind => "version_kind",
            Self::VersionConflict => "version_conflict",
            Self::DateTooOld { .. } => "date_too_old",
            Self::DateAhead { .. } => "date_ahead",
            Self::ProgramOff => "program_off",
            Self::AccountClosed => "account_closed",
            Self::CardBlocked => "card_blocked",
            Self::OrderType => "order_type",
            Self::CertificateCancelled { .. } => "certificate_cancelled",
            Self::CertificateExpired { .. } => "certificate_expired",
            Self::CertificateUsed { .. } => "certificate_used",
            Self::CertificateOfOrder { .. } => "certificate_of_order",
            Self::CertificateExceedsOrder { .. } => "certificate_exceeds_order",
            Self::NotWithDiscounts => "not_with_discounts",
            Self::UnknownHold => "unknown_hold",
            Self::HoldTaken => "hold_taken",
            Self::BalanceBelowMinimum { .. } => "balance_below_minimum",
            Self::UnknownLot => "unknown_lot",
            Self::NoRewards => "no_rewards",
            Self::UnknownActivity => "unknown_activity",
            Self::ActivityLimit { .. } => "activity_limit",
            Self::UnknownReward => "unknown_reward",
            Self::RewardNotYet { .. } => "reward_not_yet",
            Self::RewardOver { .. } => "reward_over",
            Self::RewardTier => "reward_tier",
            Self::RewardSoldOut => "reward_sold_out",
            Self::RewardLimit { .. } => "reward_limit",
            Self::UnknownClaim => "unknown_claim",
            Self::ClaimCancelled => "claim_cancelled",
            Self::PointsOwed { .. } => "points_owed",
            Self::BelowMinimum { .. } => "below_minimum",
            Self::NotInSteps { .. } => "not_in_steps",
            Self::AboveMaximum { .. } => "above_maximum",
            Self::AboveShare { .. } => "above_share",
            Self::ExceedsOrder { .. } => "exceeds_order",
            Self::CreditExceedsOrder { .. } => "credit_exceeds_order",
            Self::CannotMerge => "cannot_merge",
            Self::CannotUndo => "cannot_undo",
            Self::BehindAccount => "behind_account",
            Self::InsufficientCredit { .. } => "insufficient_credit",
            Self::InsufficientPoints { .. } => "insufficient_points",
            Self::ExceedsExpired { .. } => "exceeds_expired",
        }
    }
}

/// A sentence for people; figures in points, amounts are told by the faces, which know the currency.
impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid { path, allowed } => write!(f, "{path}: allowed is {allowed}"),
            Self::UnknownChannel => f.write_str("there is no channel of that name"),
            Self::UnknownProgram => f.write_str("there is no program of that name"),
            Self::UnknownMember => f.write_str("there is no member with that identity"),
            Self::UnknownOrder => f.write_str("there is no order of that reference"),
            Self::UnknownTier => f.write_str("the program has no tier of that name"),
            Self::UnknownCertificate => f.write_str("certificates: the member has no such certificate"),
            Self::IdentityTaken => f.write_str("that identity belongs to another member"),
            Self::OtherMember => f.write_str("that reference is an order of another member"),
            Self::CertificateClaimed => f.write_str("certificates: another member used it first"),
            Self::ClaimEnded { last } => write!(f, "the order had no member, and could be claimed until {last}"),
            Self::WrongCurrency => f.write_str("currency: allowed is the currency of the program"),
            Self::DateTooOld { path } => write!(f, "{path}: allowed is at most 30 days back"),
            Self::DateAhead { path } => write!(f, "{path}: allowed is at most 5 minutes ahead"),
            Self::VersionKind => {
                f.write_str("version: allowed is the same kind as before for this order (a number or a time of change)")
            }
            Self::VersionConflict => f.write_str("version: that version was received before with another content"),
            Self::ProgramOff => f.write_str("the program was not on when the order was placed"),
            Self::AccountClosed => f.write_str("the account is closed: the member has left the program"),
            Self::CardBlocked => f.write_str("the card is blocked: it earns, and nothing can be paid with it"),
            Self::OrderType => f.write_str("the program does not apply to orders of that type"),
            Self::CertificateCancelled { .. } => f.write_str("certificates: the certificate was cancelled"),
            Self::CertificateExpired { .. } => f.write_str("certificates: the certificate has expired"),
            Self::CertificateUsed { .. } => f.write_str("certificates: nothing is left of the certificate"),
            Self::CertificateOfOrder { .. } => {
                f.write_str("points of this order bought the certificate: it pays for others")
            }
            Self::CertificateExceedsOrder { .. } => f.write_str("certificates: nothing of the order is left to pay"),
            Self::NotWithDiscounts => f.write_str("redeem: allowed are no points on an order with discounts"),
            Self::UnknownHold => f.write_str("hold: the account has no such hold"),
            Self::HoldTaken => f.write_str("hold: another order has taken it over"),
            Self::UnknownLot => f.write_str("lot: the account has no such lot with points that could be moved"),
            Self::NoRewards => f.write_str("the program has no rewards that staff hand out"),
            Self::UnknownActivity => f.write_str("activity: the program has no activity of that name"),
            Self::ActivityLimit { per, most } => write!(f, "activity: allowed is {most} times in a {per}"),
            Self::UnknownReward => f.write_str("reward: the catalogue has no reward of that name"),
            Self::RewardNotYet { from } => write!(f, "the reward can be claimed from {from} on"),
            Self::RewardOver { until } => write!(f, "the reward could be claimed until {until}"),
            Self::RewardTier => f.write_str("the reward is for members of another tier"),
            Self::RewardSoldOut => f.write_str("nothing is left of the reward"),
            Self::RewardLimit { per, most } => write!(f, "allowed is {most} times in a {per} for one member"),
            Self::UnknownClaim => f.write_str("claim: the account has no such claim"),
            Self::ClaimCancelled => f.write_str("the claim was cancelled"),
            Self::PointsOwed { owed } => write!(f, "the member owes {owed} points, which are to be paid first"),
            Self::BelowMinimum { points, .. } => write!(f, "redeem: allowed are at least {points} points at once"),
            Self::BalanceBelowMinimum { points, balance } => {
                write!(f, "redeem: allowed once {points} points can be spent; there are {balance}")
            }
            Self::NotInSteps { step } => write!(f, "redeem: allowed are multiples of {step} points"),
            Self::AboveMaximum { points } => write!(f, "redeem: allowed are at most {points} points on one order"),
            Self::AboveShare { share, fits } => {
                write!(f, "redeem: allowed are at most {fits} points, {share} of what they may pay for")
            }
            Self::ExceedsOrder { fits } => write!(f, "redeem: allowed are at most {fits} points on this order"),
            Self::CreditExceedsOrder { .. } => {
                f.write_str("credit: allowed is at most what remains to pay for the order")
            }
            Self::InsufficientCredit { .. } => f.write_str("credit: allowed is at most the store credit that there is"),
            Self::CannotMerge => f.write_str("other: allowed is another member, one that was not merged before"),
            Self::CannotUndo => f.write_str("allowed is the last merge of a member, within 30 days"),
            Self::BehindAccount => f.write_str("the account has later entries; an import may only earn before them"),
            Self::InsufficientPoints { spendable } => {
                write!(f, "redeem: allowed are at most {spendable} points, all that can be spent")
            }
            Self::ExceedsExpired { there } => write!(f, "points: allowed are at most {there}, all that have expired"),
        }
    }
}

impl std::error::Error for Rejection {}

pub(crate) fn invalid(path: impl Into<Cow<'static, str>>, allowed: &'static str) -> Rejection {
    Rejection::Invalid { path: path.into(), allowed }
}
