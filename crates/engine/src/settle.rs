//! Everything that falls due, in order of time.
//!
//! `settle` runs before every command, and a read does the same without saving: a balance is exact at the instant it is
//! read, whether or not a sweeper has come by. It takes what is due one instant after the other and dates each entry at
//! that instant or, if later, at the account's last entry, so that settling late gives the same entries as on time.

use crate::account::{Account, NeedMore};
use crate::calendar::Timestamp;
use crate::decision::{Ahead, Decided, Draft, Moment};
use crate::entry::{Actor, Bucket, Kind, Reason};
use crate::expire::expire;
use crate::hold;

/// The entries that have fallen due at `now` or before.
///
/// # Errors
/// `NeedMore` when lots that may be due are not loaded.
pub fn settle(account: &Account, now: Timestamp) -> Result<Decided, NeedMore> {
    let mut ahead = Ahead::of(account, Moment { now, actor: Actor::System, import: false });
    settle_ahead(&mut ahead)?;
    Ok(Decided { entries: ahead.entries, order: None, answer: None })
}

/// Settles the working copy of a command. At one instant: expire, lapse holds, release, pay what is owed; then it looks
/// again, since a lapsed hold may give points back to a lot that has expired. What a command has just made available pays
/// what is owed first, even if it expires at once.
pub(crate) fn settle_ahead(ahead: &mut Ahead) -> Result<(), NeedMore> {
    repay(ahead, ahead.moment.now)?;
    loop {
        let due = ahead.account.due_at();
        if ahead.now() < due {
            break;
        }
        if let Some(draft) = expire(&ahead.account, due)? {
            ahead.post_at(due, draft);
        }
        while let Some(draft) = hold::lapse_due(&ahead.account, due) {
            ahead.post_at(due, draft);
        }
        if let Some(draft) = release(&ahead.account, due) {
            ahead.post_at(due, draft);
        }
        repay(ahead, due)?;
    }
    Ok(())
}

/// The waiting period of points is over (E11).
fn release(account: &Account, due: Timestamp) -> Option<Draft> {
    let mut draft = Draft::new(Kind::Release, Reason::Due);
    draft.actor = Some(Actor::System);
    for lot in account.lots().iter().filter(|it| it.at.available_at <= due) {
        draft.move_points(lot.at.no, Bucket::Pending, Bucket::Available, lot.pending);
    }
    if draft.postings.is_empty() { None } else { Some(draft) }
}

/// Points owed are paid the moment any points become available, before they can be spent: an account never has both.
pub(crate) fn repay(ahead: &mut Ahead, at: Timestamp) -> Result<(), NeedMore> {
    let points = ahead.account.balance.owed.min(ahead.account.balance.available);
    if points.is_zero() {
        return Ok(());
    }
    let mut draft = Draft::new(Kind::Repay, Reason::Due);
    draft.actor = Some(Actor::System);
    draft.postings = ahead.account.take(points, None, Bucket::Revoked)?;
    draft.changes.owed = -points;
    ahead.post_at(at, draft);
    Ok(())
}
