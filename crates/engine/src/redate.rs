//! Staff move the dates of points earned earlier, forward or back (X4): never into the past, and nothing that has expired.
//!
//! Bounded by the lots that are moved; each entry names [`LOTS_MAX`] of them at most.

use crate::account::{Account, Lot};
use crate::adjust::check_note;
use crate::calendar::Timestamp;
use crate::close::check_open;
use crate::decision::{Ahead, Decision, Draft, Moment, Stop};
use crate::entry::{Kind, LotNo, LotRef, Reason};
use crate::program::Rules;
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;

/// The most lots that one entry names.
const LOTS_MAX: usize = 500;

/// When points are to expire that were earned earlier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redating {
    /// Which points; left out, all that are in the account.
    pub lot: Option<LotNo>,
    /// Only those that would be gone by this instant; left out, whenever they would be.
    pub expiring_by: Option<Timestamp>,
    /// The first instant at which they are gone.
    pub expires_at: Timestamp,
    pub note: String,
}

/// Gives lots another last day. Of an account, those with points in it: what comes back later has the dates of its lot.
/// Works while the program is off.
///
/// # Errors
/// `Invalid`, or `UnknownLot` for one that is not there or has no points that could be moved.
pub fn redate(account: &Account, rules: Rules<'_>, redating: &Redating, moment: Moment) -> Decision {
    check_note(&redating.note)?;
    check_ahead(redating.expires_at, moment.now)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    check_open(&ahead.account)?;
    let now = ahead.now();
    check_ahead(redating.expires_at, now)?;
    let moved: Vec<LotRef> = match redating.lot {
        Some(no) => {
            let lot = ahead.account.lot(no).filter(|it| !it.is_empty() && now < ahead.account.expires_at(it));
            vec![lot.ok_or(Rejection::UnknownLot)?.at]
        }
        None if ahead.account.horizon.open.is_some() || ahead.account.horizon.waiting.is_some() => {
            return Err(Stop::NeedMore);
        }
        None => {
            let is_there = |it: &&Lot| !it.is_empty() && now < ahead.account.expires_at(it);
            ahead.account.lots().iter().filter(is_there).map(|it| it.at).collect()
        }
    };
    let differs = |it: &&LotRef| {
        let lot = ahead.account.lot(it.no).expect("it was just found");
        let ends = ahead.account.expires_at(lot);
        ends != redating.expires_at && redating.expiring_by.is_none_or(|by| ends <= by)
    };
    let moved: Vec<LotRef> = moved.iter().filter(differs).copied().collect();
    for lots in moved.chunks(LOTS_MAX) {
        let mut draft = Draft::new(Kind::Redate, Reason::Note(redating.note.clone()));
        draft.dated = lots.iter().map(|it| LotRef { expires_at: redating.expires_at, ..*it }).collect();
        ahead.post(draft);
    }
    Ok(ahead.decided())
}

/// Refuses a last instant that has passed or cannot be.
fn check_ahead(expires_at: Timestamp, now: Timestamp) -> Result<(), Rejection> {
    if expires_at <= now || (!expires_at.is_in_limits() && expires_at != Timestamp::NEVER) {
        return Err(invalid("expires_at", "a time ahead, up to the year 2500"));
    }
    Ok(())
}
