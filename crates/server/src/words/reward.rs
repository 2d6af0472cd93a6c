//! Rewards of the catalogue in words: every entry about a claim, and why one cannot be had.

use engine::{Bucket, ClaimNo, Entry, Gift, Kind, Placed as _, Points, Reason, Rejection, Reward, RewardChange};

use super::voice::{Voice, day};

/// Of an entry on points: what became of a claim; `lots` says of which lots its points are.
pub(super) fn claimed(entry: &Entry, change: &RewardChange, lots: &str, voice: &Voice) -> String {
    let name = &change.reward;
    let no = number(change.claim);
    let note = match &entry.reason {
        Reason::Note(note) => format!(": {note}"),
        _ => String::new(),
    };
    let sum = |is: fn(Bucket) -> bool| {
        let moved = entry.postings.iter().filter(|it| is(it.to));
        voice.points(moved.map(|it| it.points).sum::<Points>())
    };
    match (entry.kind, &entry.changes.converted) {
        (Kind::Reward, Some(converted)) => {
            let coupon = voice.terms.catalogue.iter().find(|it| it.name == *name).map(|it| &it.gives);
            let share = coupon.and_then(|it| if let Gift::Coupon(it) = it { it.uses.share() } else { None });
            format!(
                "\"{name}\" claimed (claim {no}): {}",
                super::credit::converted(converted, share, lots, entry.at, voice)
            )
        }
        (Kind::Reward, None) => {
            let points = sum(|it| it == Bucket::Redeemed);
            format!("\"{name}\" claimed (claim {no}) for {points}{lots}: it waits to be handed over")
        }
        (Kind::Fulfil, _) => format!("\"{name}\" handed over (claim {no}){note}"),
        (_, _) => {
            let back = sum(|it| matches!(it, Bucket::Available | Bucket::Pending));
            format!("claim {no} of \"{name}\" cancelled by staff, {back} returned{lots}{note}")
        }
    }
}

/// As its member counts it.
fn number(claim: ClaimNo) -> u64 {
    claim.within()
}

/// Why a reward cannot be had, or a claim not be ended.
pub(super) fn refused(rejection: &Rejection, voice: &Voice) -> String {
    match rejection {
        Rejection::UnknownReward => "The catalogue has no reward of that name.".to_owned(),
        Rejection::RewardNotYet { from } => format!("The reward can be claimed from {} on.", day(*from)),
        Rejection::RewardOver { until } => format!("The reward could be claimed until {}.", day(*until)),
        Rejection::RewardTier => "The reward is for members of another tier.".to_owned(),
        Rejection::RewardSoldOut => "Nothing is left of the reward.".to_owned(),
        Rejection::RewardLimit { per, most } => {
            let times = if *most == 1 { "once".to_owned() } else { format!("{most} times") };
            match *per {
                "life" => format!("A member can have the reward {times} only, and has had it as often already."),
                per => format!("A member can have the reward {times} a {per}, and has had it as often already."),
            }
        }
        Rejection::ClaimCancelled => "The claim was cancelled: nothing is handed over.".to_owned(),
        Rejection::PointsOwed { owed } => {
            format!("The member owes {}: nothing is handed over before they are paid.", voice.points(*owed))
        }
        _ => "The member has no such claim.".to_owned(),
    }
}

/// Of a reward in the catalogue: why the member cannot have it.
pub fn reward_in_words(reward: &Reward, refusal: &Rejection, voice: &Voice) -> String {
    match refusal {
        Rejection::InsufficientPoints { spendable } => {
            let (missing, there) = (reward.points - *spendable, voice.points(*spendable));
            format!(
                "{} are missing: it costs {}, and {there} can be spent.",
                voice.points(missing),
                voice.points(reward.points)
            )
        }
        Rejection::ProgramOff => "The program is off.".to_owned(),
        other => super::rejection_in_words(other, voice),
    }
}
