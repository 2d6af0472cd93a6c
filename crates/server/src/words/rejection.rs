//! Every refusal as a sentence, with what would be accepted.

use engine::Rejection;

use super::voice::Voice;

/// Tells why something was refused, in the shop's own word and currency.
pub fn rejection_in_words(rejection: &Rejection, voice: &Voice) -> String {
    match rejection {
        Rejection::WrongCurrency => {
            format!("The order is in another currency: this program counts in {}.", voice.terms.currency.code())
        }
        Rejection::BelowMinimum { .. }
        | Rejection::NotWithDiscounts
        | Rejection::BalanceBelowMinimum { .. }
        | Rejection::NotInSteps { .. }
        | Rejection::AboveMaximum { .. }
        | Rejection::AboveShare { .. }
        | Rejection::ExceedsOrder { .. } => refused_figure(rejection, voice),
        Rejection::CreditExceedsOrder { .. } | Rejection::InsufficientCredit { .. } => refused_credit(rejection, voice),
        Rejection::UnknownCertificate
        | Rejection::CertificateClaimed
        | Rejection::CertificateCancelled { .. }
        | Rejection::CertificateExpired { .. }
        | Rejection::CertificateUsed { .. }
        | Rejection::CertificateOfOrder { .. }
        | Rejection::CertificateExceedsOrder { .. } => super::certificate::refused(rejection),
        Rejection::UnknownReward
        | Rejection::RewardNotYet { .. }
        | Rejection::RewardOver { .. }
        | Rejection::RewardTier
        | Rejection::RewardSoldOut
        | Rejection::RewardLimit { .. }
        | Rejection::UnknownClaim
        | Rejection::ClaimCancelled
        | Rejection::PointsOwed { .. } => super::reward::refused(rejection, voice),
        Rejection::InsufficientPoints { spendable } => insufficient(*spendable, voice),
        Rejection::ProgramOff | Rejection::OrderType => not_applied(rejection, voice),
        Rejection::AccountClosed
        | Rejection::CardBlocked
        | Rejection::UnknownLot
        | Rejection::UnknownActivity
        | Rejection::NoRewards
        | Rejection::ActivityLimit { .. }
        | Rejection::ExceedsExpired { .. } => refused_act(rejection, voice),
        Rejection::CannotMerge | Rejection::CannotUndo => refused_merge(rejection),
        Rejection::Invalid { .. }
        | Rejection::DateTooOld { .. }
        | Rejection::DateAhead { .. }
        | Rejection::VersionKind
        | Rejection::VersionConflict
        | Rejection::UnknownHold
        | Rejection::HoldTaken
        | Rejection::UnknownChannel
        | Rejection::UnknownProgram
        | Rejection::UnknownMember
        | Rejection::UnknownOrder
        | Rejection::UnknownTier
        | Rejection::IdentityTaken
        | Rejection::OtherMember
        | Rejection::ClaimEnded { .. }
        | Rejection::BehindAccount => rejection_plainly(rejection),
    }
}

/// The same where the program is not known: no points and no amounts are named.
pub(crate) fn rejection_plainly(rejection: &Rejection) -> String {
    match rejection {
        // A path begins the sentence: it is written as it stands in the document.
        Rejection::Invalid { .. }
        | Rejection::DateTooOld { .. }
        | Rejection::DateAhead { .. }
        | Rejection::VersionKind
        | Rejection::VersionConflict
        | Rejection::UnknownHold
        | Rejection::HoldTaken => format!("{rejection}."),
        other => sentence(&other.to_string()),
    }
}

/// Of what an order may ask for.
fn refused_figure(rejection: &Rejection, voice: &Voice) -> String {
    match rejection {
        Rejection::BelowMinimum { value, points } if value.is_positive() => {
            let (points, value) = (voice.points(*points), voice.amount(*value));
            format!("That is too few: at least {points} are redeemed at once, and at least {value}.")
        }
        Rejection::BelowMinimum { points, .. } => {
            format!("That is too few: at least {} are redeemed at once.", voice.points(*points))
        }
        Rejection::NotWithDiscounts => {
            format!("The order has a discount: {} come instead of discounts.", voice.names.many)
        }
        Rejection::BalanceBelowMinimum { points, balance } => {
            let (points, balance) = (voice.points(*points), voice.points(*balance));
            format!("Nothing can be redeemed before {points} can be spent: now it is {balance}.")
        }
        Rejection::NotInSteps { step } => {
            format!("That is between two steps: {} at a time are redeemed.", voice.points(*step))
        }
        Rejection::AboveMaximum { points } => {
            format!("That is more than one order redeems: at most {}.", voice.points(*points))
        }
        Rejection::AboveShare { share, fits } => {
            let many = &voice.names.many;
            format!("That is more than the {share} of an order that {many} pay: at most {}.", voice.points(*fits))
        }
        Rejection::ExceedsOrder { fits } => {
            format!("That is more than the order can take: at most {}.", voice.points(*fits))
        }
        other => sentence(&other.to_string()),
    }
}

/// Of orders that the program has nothing to do with.
fn not_applied(rejection: &Rejection, voice: &Voice) -> String {
    let why = match rejection {
        Rejection::ProgramOff => "The program was not on at that time",
        _ => "The program does not apply to orders of that type",
    };
    format!("{why}: no {} can be redeemed.", voice.names.many)
}

fn refused_merge(rejection: &Rejection) -> String {
    let said = match rejection {
        Rejection::CannotMerge => "Only two different members can become one.",
        _ => "Nothing can be undone: only the last merge of a member can be, and only for 30 days.",
    };
    said.to_owned()
}

fn refused_credit(rejection: &Rejection, voice: &Voice) -> String {
    match rejection {
        Rejection::CreditExceedsOrder { fits } => {
            format!("That is more store credit than the order can take: at most {}.", voice.amount(*fits))
        }
        Rejection::InsufficientCredit { spendable } if spendable.is_zero() => {
            "There is no store credit to spend.".to_owned()
        }
        Rejection::InsufficientCredit { spendable } => {
            format!("That is more store credit than there is: at most {}.", voice.amount(*spendable))
        }
        other => sentence(&other.to_string()),
    }
}

/// Of what staff do by hand, and of what earns without an order.
fn refused_act(rejection: &Rejection, voice: &Voice) -> String {
    match rejection {
        Rejection::AccountClosed => {
            format!("The account is closed: no {} can be earned or spent.", voice.names.many)
        }
        Rejection::CardBlocked => {
            format!("The card is blocked: it earns {}, and pays for nothing.", voice.names.many)
        }
        Rejection::UnknownLot => {
            format!("There are no {} of that number whose last day could be moved.", voice.names.many)
        }
        Rejection::NoRewards => "The program has no rewards that staff hand out.".to_owned(),
        Rejection::UnknownActivity => "The program has no activity of that name.".to_owned(),
        Rejection::ActivityLimit { per, most } => {
            let times = if *most == 1 { "once".to_owned() } else { format!("{most} times") };
            match *per {
                "life" => format!("That earns {times} only, and has earned as often already."),
                per => format!("That earns {times} a {per}, and has earned as often already."),
            }
        }
        Rejection::ExceedsExpired { there } if there.is_zero() => {
            format!("No {} have expired that could be given back.", voice.names.many)
        }
        Rejection::ExceedsExpired { there } => {
            format!("That is more than has expired: at most {} can be given back.", voice.points(*there))
        }
        other => sentence(&other.to_string()),
    }
}

fn insufficient(spendable: engine::Points, voice: &Voice) -> String {
    if spendable.is_zero() {
        return format!("There are no {} to spend.", voice.names.many);
    }
    format!("That is more than can be spent: at most {}.", voice.points(spendable))
}

fn sentence(text: &str) -> String {
    super::capitalised(text) + "."
}
