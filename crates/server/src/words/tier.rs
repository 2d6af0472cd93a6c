//! Tiers as sentences: what became of one and by which figure, and what is missing to the next.

use engine::{
    Money, Points, Progress, Reason, TierBy, TierHold, TierOutcome, TierReview, TierState, TierWithin, Tiers,
};

use super::voice::{Voice, number};

/// What became of a tier.
pub(super) fn tier_in_words(reason: &Reason, state: &TierState, voice: &Voice) -> String {
    let now = state.tier.as_deref();
    let until = voice.last_day(state.review_at).map(|it| format!(" until {it}")).unwrap_or_default();
    match reason {
        Reason::Note(note) => match now {
            Some(name) => format!("Tier {name} set by staff{until}: {note}"),
            None => format!("No tier, set by staff{until}: {note}"),
        },
        Reason::Tier(review) => {
            let named = now.map_or_else(|| "no tier".to_owned(), |it| format!("tier {it}"));
            let before = review.before.as_deref().map_or_else(|| "no tier".to_owned(), |it| format!("tier {it}"));
            let counted = counted(review, voice);
            match review.outcome {
                TierOutcome::Reached => format!("Tier {} reached{until}: {counted}", now.unwrap_or_default()),
                TierOutcome::Kept => format!("Tier {} kept{until}: {counted}", now.unwrap_or_default()),
                TierOutcome::Grace => {
                    format!("Tier {} stays for its grace{until}: {counted}", now.unwrap_or_default())
                }
                TierOutcome::Lost => format!("Now {named}{until}, {before} is over: {counted}"),
                TierOutcome::SetEnded => format!("Now {named}{until}, what staff had set is over: {counted}"),
            }
        }
        _ => "No tier: the program has none any more".to_owned(),
    }
}

/// "612.00 spent in the last twelve months, it takes 500.00".
fn counted(review: &TierReview, voice: &Voice) -> String {
    let TierReview { by, within, figure, from, .. } = *review;
    let figure = figure_in_words(by, figure, voice);
    format!("{figure} {} {}, it takes {}", verb(by), when(within), figure_in_words(by, from, voice))
}

/// What a member has towards tiers, one sentence or two.
pub(crate) fn progress_in_words(progress: &Progress, tiers: &Tiers, voice: &Voice) -> Vec<String> {
    let Progress { by, within, figure, .. } = *progress;
    let name = |rank: u8| tiers.level(rank).map(|it| it.name.to_string()).unwrap_or_default();
    let mut said = Vec::new();
    let until = progress.standing.as_ref().and_then(|it| voice.last_day(it.review_at));
    let until = until.map(|it| format!(" until {it}")).unwrap_or_default();
    let hold = progress.standing.as_ref().map_or(TierHold::Reached, |it| it.hold);
    said.push(match (progress.rank, hold) {
        (0, _) => "No tier yet.".to_owned(),
        (rank, TierHold::Reached) => format!("Tier {}{until}.", name(rank)),
        (rank, TierHold::Grace) => format!("Tier {} for its grace{until}: it is not reached any more.", name(rank)),
        (rank, TierHold::Set) => format!("Tier {}{until}, set by staff.", name(rank)),
    });
    said.push(format!("{} {} {}.", figure_in_words(by, figure, voice), verb(by), when(within)));
    if let Some(next) = progress.next {
        said.push(format!("{} more reach {}.", figure_in_words(by, next.missing, voice), name(next.rank)));
    }
    match progress.keep {
        Some(keep) if 0 < keep.missing => {
            said.push(format!("{} more keep {}.", figure_in_words(by, keep.missing, voice), name(keep.rank)));
        }
        Some(_) | None => {}
    }
    said
}

/// "612.00", "1,200 points", "3 orders".
pub(crate) fn figure_in_words(by: TierBy, figure: i64, voice: &Voice) -> String {
    match by {
        TierBy::Spend => voice.amount(Money::new(figure)),
        TierBy::Points => voice.points(Points::new(figure)),
        TierBy::Orders if figure == 1 => "1 order".to_owned(),
        TierBy::Orders => format!("{} orders", number(Points::new(figure))),
    }
}

fn verb(by: TierBy) -> &'static str {
    match by {
        TierBy::Spend => "spent",
        TierBy::Points => "earned",
        TierBy::Orders => "placed",
    }
}

fn when(within: TierWithin) -> &'static str {
    match within {
        TierWithin::Lifetime => "in all",
        TierWithin::Year => "in the year",
        TierWithin::TwelveMonths => "in twelve months",
    }
}
