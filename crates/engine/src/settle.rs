//! Everything that falls due, in order of time.
//!
//! `settle` runs before every command, and a read does the same without saving: a balance is exact at the instant it is
//! read, whether or not a sweeper has come by. It takes what is due one instant after the other and dates each entry at
//! that instant or, if later, at the account's last entry, so that settling late gives the same entries as on time.
//!
//! The loaded lots are looked through once; those that are due wait in a heap. So n lots that fall due at n instants cost
//! n log n, and an account in which nothing is due costs one look at each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::account::{Account, Lot, NeedMore};
use crate::activity;
use crate::calendar::Timestamp;
use crate::close::forfeit;
use crate::convert::convert;
use crate::decision::{Ahead, Decided, Draft, Moment};
use crate::entry::{Actor, Bucket, Kind, LotNo};
use crate::expire::expire;
use crate::hold;
use crate::program::Rules;
use crate::tier;

/// The entries that have fallen due at `now` or before.
///
/// # Errors
/// `NeedMore` when lots that may be due are not loaded.
pub fn settle(account: &Account, rules: Rules<'_>, now: Timestamp) -> Result<Decided, NeedMore> {
    let mut ahead = Ahead::of(account, rules, Moment { now, actor: Actor::System, import: false });
    settle_ahead(&mut ahead)?;
    Ok(ahead.decided())
}

/// The next instant at which something falls due for an account, birthdays too: the sweeper's hint. It may be early.
pub fn due_at(account: &Account, rules: Rules<'_>) -> Timestamp {
    let birthday = activity::birthday_hint(account, rules);
    account.due_at().min(birthday)
}

/// Settles the working copy of a command. At one instant: expire, lapse holds, release, grant what a birthday gives, pay
/// what is owed, forfeit what a closed account has, convert, review tiers; then it looks again, since a lapsed hold may give points back to a lot that has
/// expired. What a command has just made available pays what is owed first, even if it expires at once.
pub(crate) fn settle_ahead(ahead: &mut Ahead<'_>) -> Result<(), NeedMore> {
    fall_due(ahead, true)
}

/// The same inside a command, which may yet spend what became available: that is converted in the end.
pub(crate) fn settle_within(ahead: &mut Ahead<'_>) -> Result<(), NeedMore> {
    fall_due(ahead, false)
}

fn fall_due(ahead: &mut Ahead<'_>, converts: bool) -> Result<(), NeedMore> {
    repay(ahead, ahead.moment.now)?;
    let now = ahead.now();
    if ahead.settled_at != Some(ahead.entries.len()) {
        take_due(ahead, now, converts)?;
        ahead.settled_at = Some(ahead.entries.len());
    }
    if converts { convert(ahead, now) } else { Ok(()) }
}

/// Posts what is due, one instant after the other.
fn take_due(ahead: &mut Ahead<'_>, now: Timestamp, converts: bool) -> Result<(), NeedMore> {
    let mut waiting = Waiting::until(now, &ahead.account);
    loop {
        let birthday = activity::birthday(&ahead.account, ahead.rules, now);
        let due = waiting.due_at(&ahead.account).min(birthday.map_or(Timestamp::NEVER, |it| it.at));
        if now < due {
            return Ok(());
        }
        let posted = ahead.entries.len();
        let lots = waiting.take(&ahead.account, due);
        if let Some(draft) = expire(&ahead.account, &lots, due)? {
            ahead.post_at(due, draft);
        }
        while let Some(draft) = hold::lapse_due(&ahead.account, due) {
            ahead.post_at(due, draft);
        }
        if let Some(draft) = release(&ahead.account, &lots, due) {
            ahead.post_at(due, draft);
        }
        if let Some(birthday) = birthday.filter(|it| it.at <= due) {
            activity::celebrate(ahead, birthday);
        }
        repay(ahead, due)?;
        forfeit(ahead, due)?;
        if converts {
            convert(ahead, due)?;
        }
        tier::review_due(ahead, due)?;
        // What an entry has moved may be due anew: released points expire, those of a hold return to their lots.
        for posting in ahead.entries[posted..].iter().flat_map(|it| &it.postings) {
            waiting.extend(&ahead.account, ahead.account.lot(posting.lot));
        }
    }
}

/// Lots in which something falls due until an instant. One that has changed since it came here waits in vain.
struct Waiting {
    until: Timestamp,
    lots: BinaryHeap<Reverse<(Timestamp, LotNo)>>,
}

impl Waiting {
    fn until(until: Timestamp, account: &Account) -> Self {
        let mut waiting = Self { until, lots: BinaryHeap::new() };
        waiting.extend(account, account.lots());
        waiting
    }

    fn extend<'a>(&mut self, account: &Account, lots: impl IntoIterator<Item = &'a Lot>) {
        let due = lots.into_iter().map(|it| (account.lot_due_at(it), it.at.no));
        self.lots.extend(due.filter(|it| it.0 <= self.until).map(Reverse));
    }

    /// The next instant at which something falls due; behind `until`, any that is.
    fn due_at(&mut self, account: &Account) -> Timestamp {
        while let Some(Reverse((due, no))) = self.lots.peek() {
            if account.lot(*no).is_some_and(|it| account.lot_due_at(it) == *due) {
                return account.beside_lots_due_at().min(*due);
            }
            self.lots.pop();
        }
        account.beside_lots_due_at()
    }

    /// The lots in which something is due at `due` or before, in the order of their numbers.
    fn take(&mut self, account: &Account, due: Timestamp) -> Vec<LotNo> {
        let mut taken = Vec::new();
        while let Some(Reverse((at, no))) = self.lots.peek().copied()
            && at <= due
        {
            self.lots.pop();
            if account.lot(no).is_some_and(|it| account.lot_due_at(it) == at) {
                taken.push(no);
            }
        }
        taken.sort_unstable();
        taken.dedup();
        taken
    }
}

/// The waiting period of points is over (E11).
pub(crate) fn release(account: &Account, lots: &[LotNo], due: Timestamp) -> Option<Draft> {
    let mut draft = Draft::due(Kind::Release);
    let lots = lots.iter().filter_map(|it| account.lot(*it));
    for lot in lots.filter(|it| it.at.available_at <= due) {
        draft.move_points(lot.at.no, Bucket::Pending, Bucket::Available, lot.pending);
    }
    if draft.postings.is_empty() { None } else { Some(draft) }
}

/// Points owed are paid the moment any points become available, before they can be spent: an account never has both.
pub(crate) fn repay(ahead: &mut Ahead<'_>, at: Timestamp) -> Result<(), NeedMore> {
    let points = ahead.account.balance.owed.min(ahead.account.balance.available);
    if points.is_zero() {
        return Ok(());
    }
    let mut draft = Draft::due(Kind::Repay);
    draft.postings = ahead.account.take(points, None, Bucket::Revoked)?;
    draft.changes.owed = -points;
    ahead.post_at(at, draft);
    Ok(())
}
