//! Staff add or deduct points by hand, with a reason (E12).

use crate::account::Account;
use crate::calendar::Timestamp;
use crate::close::check_open;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::entry::{Bucket, Kind, LotNo, LotOpened, LotRef, Reason};
use crate::limits;
use crate::points::Points;
use crate::program::Rules;
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;

/// Points that staff add (positive) or deduct (negative).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    pub points: Points,
    pub note: String,
    /// The first instant at which added points are gone; by default as the program says.
    pub expires_at: Option<Timestamp>,
}

/// Adds points as a lot of their own, or deducts them soonest-expiring first. Works while the program is off.
///
/// # Errors
/// `Invalid`, `UnknownProgram` before the first version, `BehindAccount` or `InsufficientPoints`.
pub fn adjust(account: &Account, rules: Rules<'_>, adjustment: &Adjustment, moment: Moment) -> Decision {
    check(adjustment, moment)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    check_open(&ahead.account)?;
    let mut draft = Draft::new(Kind::Adjust, Reason::Note(adjustment.note.clone()));
    if adjustment.points.is_positive() {
        let now = ahead.now();
        let terms = &rules.timeline.at(now).ok_or(Rejection::UnknownProgram)?.terms;
        let expires_at = adjustment.expires_at.unwrap_or_else(|| terms.validity.ends(now, &terms.zone));
        if expires_at <= now {
            return Err(invalid("expires_at", "a time ahead: the program's own last day has passed").into());
        }
        let lot = LotRef { no: ahead.account.next_lot_of(rules.under), earned_at: now, available_at: now, expires_at };
        draft.opened.push(LotOpened::plain(lot));
        draft.move_points(lot.no, Bucket::Issued, Bucket::Available, adjustment.points);
    } else {
        let points = -adjustment.points;
        if moment.import && moment.now < ahead.account.last_at {
            return Err(Rejection::BehindAccount.into());
        }
        let spendable = ahead.account.spendable(None);
        if spendable < points {
            return Err(Rejection::InsufficientPoints { spendable }.into());
        }
        draft.postings = ahead.account.take(points, None, Bucket::Deducted)?;
    }
    ahead.post(draft);
    settle_ahead(&mut ahead)?;
    Ok(ahead.decided())
}

/// Takes back what staff once added as a lot of its own, as far as it is still there: other points are left alone. Of an
/// account of store credit, points are minor units. Nothing is posted where nothing is left.
///
/// # Errors
/// `Invalid`, `UnknownLot`, or `AccountClosed`.
pub fn withdraw(account: &Account, rules: Rules<'_>, lot: LotNo, note: &str, moment: Moment) -> Decision {
    check_note(note)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    check_open(&ahead.account)?;
    let mut draft = Draft::new(Kind::Adjust, Reason::Note(note.to_owned()));
    let lot = ahead.account.lot(lot).ok_or(Rejection::UnknownLot)?;
    draft.move_points(lot.at.no, Bucket::Pending, Bucket::Deducted, lot.pending);
    draft.move_points(lot.at.no, Bucket::Available, Bucket::Deducted, lot.available);
    if !draft.postings.is_empty() {
        ahead.post(draft);
    }
    Ok(ahead.decided())
}

/// Refuses a text that cannot stand as the reason of something that staff do.
///
/// # Errors
/// `Invalid`.
pub fn check_note(note: &str) -> Result<(), Rejection> {
    if note.trim().is_empty() || limits::NOTE_BYTES_MAX < note.len() || note.contains('\0') {
        return Err(invalid("note", "1 to 500 bytes of text: the reason is shown to the member"));
    }
    Ok(())
}

fn check(adjustment: &Adjustment, moment: Moment) -> Result<(), Rejection> {
    let points = adjustment.points;
    if points.is_zero() || limits::POINTS_MAX < points || points < -limits::POINTS_MAX {
        return Err(invalid("points", "1 to 1,000,000,000,000 points, or as many below zero"));
    }
    check_note(&adjustment.note)?;
    match adjustment.expires_at {
        Some(_) if points < Points::ZERO => Err(invalid("expires_at", "left out when points are deducted")),
        Some(at) if at <= moment.now || (!at.is_in_limits() && at != Timestamp::NEVER) => {
            Err(invalid("expires_at", "a time ahead, up to the year 2500"))
        }
        Some(_) | None => Ok(()),
    }
}
