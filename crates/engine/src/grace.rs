//! What comes back returns to the lot it came from, with its dates. If that lot has expired, it forms a new lot with the
//! program's grace, once: points that had their grace are gone.

use crate::account::Account;
use crate::calendar::Timestamp;
use crate::decision::Draft;
use crate::entry::{Bucket, LotNo, LotOpened, LotRef};
use crate::place::{Place, Placed};
use crate::points::Points;
use crate::program::Terms;

/// Adds to `draft` what brings `points` of a lot back from the bucket `from`. Points that return to an expired lot
/// without grace are expired by the next settling.
pub(crate) fn put_back(draft: &mut Draft, account: &Account, back: Back, terms: &Terms, now: Timestamp) {
    let lot = account.lot(back.lot).expect("the lots of an order are loaded with it");
    if now < account.expires_at(lot) || lot.graced || terms.grace_days == 0 {
        // The points of a lot become available together: what comes back to one that waits anew waits with it.
        let to = if lot.pending.is_positive() { Bucket::Pending } else { Bucket::Available };
        draft.move_points(back.lot, back.from, to, back.points);
        return;
    }
    if back.from != Bucket::Moved {
        draft.move_points(back.lot, back.from, Bucket::Moved, back.points);
    }
    let graced = grace(draft, account, back.lot.place(), terms, now);
    draft.move_points(graced, Bucket::Moved, Bucket::Available, back.points);
}

/// So many points of a lot that are in a bucket outside the account.
#[derive(Clone, Copy)]
pub(crate) struct Back {
    pub(crate) lot: LotNo,
    pub(crate) from: Bucket,
    pub(crate) points: Points,
}

/// The lot with grace of an entry: one for all points of the entry that need it and are of one place.
pub(crate) fn grace(draft: &mut Draft, account: &Account, place: Place, terms: &Terms, now: Timestamp) -> LotNo {
    if let Some(known) = draft.opened.iter().find(|it| it.graced && it.lot.no.place() == place) {
        return known.lot.no;
    }
    let no = draft.next_lot(account, place);
    let last_day = terms.zone.date_of(now).plus_days(i32::from(terms.grace_days));
    let lot = LotRef { no, earned_at: now, available_at: now, expires_at: terms.zone.end_of(last_day) };
    draft.opened.push(LotOpened { graced: true, ..LotOpened::plain(lot) });
    no
}
