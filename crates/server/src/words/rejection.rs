//! Every refusal as a sentence, with what would be accepted.

use engine::Rejection;

use super::voice::Voice;

/// Tells why something was refused, in the shop's own word and currency.
pub fn rejection_in_words(rejection: &Rejection, voice: &Voice) -> String {
    match rejection {
        Rejection::WrongCurrency => {
            let code = voice.terms.currency.code();
            format!("The order is in another currency: this program counts in {code}.")
        }
        Rejection::BelowMinimum { value, points } if value.is_positive() => {
            let (points, value) = (voice.points(*points), voice.amount(*value));
            format!("That is too few: at least {points} are redeemed at once, and at least {value}.")
        }
        Rejection::BelowMinimum { points, .. } => {
            format!("That is too few: at least {} are redeemed at once.", voice.points(*points))
        }
        Rejection::ExceedsOrder { fits } => {
            format!("That is more than the order can take: at most {}.", voice.points(*fits))
        }
        Rejection::InsufficientPoints { spendable } if spendable.is_zero() => {
            format!("There are no {} to spend.", voice.names.many)
        }
        Rejection::InsufficientPoints { spendable } => {
            format!("That is more than can be spent: at most {}.", voice.points(*spendable))
        }
        Rejection::ProgramOff => {
            format!("The program was not on at that time: no {} can be redeemed.", voice.names.many)
        }
        // A path begins the sentence: it is written as it stands in the document.
        Rejection::Invalid { .. }
        | Rejection::DateTooOld { .. }
        | Rejection::DateAhead { .. }
        | Rejection::VersionKind
        | Rejection::VersionConflict
        | Rejection::UnknownHold
        | Rejection::HoldTaken => format!("{rejection}."),
        Rejection::UnknownChannel
        | Rejection::UnknownProgram
        | Rejection::UnknownMember
        | Rejection::IdentityTaken
        | Rejection::OtherMember
        | Rejection::BehindAccount => sentence(&rejection.to_string()),
    }
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| format!("{}{}.", first.to_uppercase(), chars.as_str()))
}
