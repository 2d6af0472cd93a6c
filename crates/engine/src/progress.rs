//! Where a member stands among the tiers and what is missing; and tiers set by hand (T2).

use crate::account::{Account, NeedMore};
use crate::calendar::Timestamp;
use crate::close::check_open;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::entry::{Kind, Reason};
use crate::limits;
use crate::program::{Rules, Timeline};
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;
use crate::tier::{TierBy, TierHold, TierKeep, TierState, TierWithin, Tiers};

/// What a member has towards tiers (T2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Progress {
    pub rank: u8,
    pub standing: Option<TierState>,
    pub by: TierBy,
    pub within: TierWithin,
    pub figure: i64,
    /// The next tier up, and what is missing to it.
    pub next: Option<Missing>,
    /// What keeps this one at its review, and what is missing to that.
    pub keep: Option<Missing>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Missing {
    pub rank: u8,
    pub from: i64,
    pub missing: i64,
}

/// Staff set a tier, until an instant or for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetTier {
    /// The name of a tier of the program; nothing for none.
    pub tier: Option<String>,
    pub until: Option<Timestamp>,
    pub note: String,
}

/// Staff set a tier: it stays until its end whatever the figure does; a higher one is still reached.
///
/// # Errors
/// `Invalid`, or `UnknownTier` where the program has none of that name.
pub fn set_tier(account: &Account, rules: Rules<'_>, set: &SetTier, moment: Moment) -> Decision {
    if set.note.trim().is_empty() || limits::NOTE_BYTES_MAX < set.note.len() || set.note.contains('\0') {
        return Err(invalid("note", "1 to 500 bytes of text: the reason is shown to the member").into());
    }
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    check_open(&ahead.account)?;
    let now = ahead.now();
    if set.until.is_some_and(|it| it <= now || !it.is_in_limits()) {
        return Err(invalid("until", "a time ahead, up to the year 2500, or left out").into());
    }
    let version = rules.timeline.at(now).ok_or(Rejection::UnknownTier)?;
    let tiers = version.terms.tiers.as_deref().ok_or(Rejection::UnknownTier)?;
    let rank = match &set.tier {
        None => 0,
        Some(name) => {
            let level = tiers.levels.iter().position(|it| *it.name == **name).ok_or(Rejection::UnknownTier)?;
            u8::try_from(level + 1).expect("a program has at most 20 tiers")
        }
    };
    let mut draft = Draft::new(Kind::Tier, Reason::Note(set.note.clone()));
    let before = ahead.account.tier.clone().filter(|it| version.rank_of(&it.tier) == rank);
    let (tier, since) = before.map_or((tiers.name(rank), now), |it| (it.tier, it.since));
    let review_at = set.until.unwrap_or(Timestamp::NEVER);
    draft.changes.tier = Some(Box::new(TierState { tier, since, review_at, hold: TierHold::Set }));
    ahead.post(draft);
    settle_ahead(&mut ahead)?;
    Ok(ahead.decided())
}

/// What a settled account has towards its tiers at an instant; nothing where the program has none.
///
/// # Errors
/// `NeedMore` when years must be loaded first.
pub fn progress(account: &Account, timeline: &Timeline, now: Timestamp) -> Result<Option<Progress>, NeedMore> {
    let Some(version) = timeline.at(now) else { return Ok(None) };
    let Some(tiers) = version.terms.tiers.as_deref() else { return Ok(None) };
    let zone = &version.terms.zone;
    let standing = account.tier.clone();
    let rank = standing.as_ref().map_or(0, |it| version.rank_of(&it.tier));
    let today = zone.date_of(now);
    let figure = tiers.figure(account, today)?;
    let missing = |rank: u8, figure: i64| {
        let from = tiers.level(rank)?.from;
        Some(Missing { rank, from, missing: (from - figure).max(0) })
    };
    let review_at = standing.as_ref().map_or(Timestamp::NEVER, |it| it.review_at);
    let keep = if rank == 0 || review_at == Timestamp::NEVER {
        None
    } else {
        let is_dated = tiers.keep != TierKeep::WhileReached;
        let day = if is_dated { zone.date_of(review_at).plus_days(-1) } else { today };
        missing(rank, tiers.figure(account, day.max(today))?)
    };
    let Tiers { by, within, .. } = *tiers;
    Ok(Some(Progress { rank, standing, by, within, figure, next: missing(rank + 1, figure), keep }))
}
