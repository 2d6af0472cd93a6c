//! Points reach the end of their validity. Held points do not expire while they are held.

use crate::account::{Account, NeedMore};
use crate::calendar::Timestamp;
use crate::decision::Draft;
use crate::entry::{Bucket, Kind, LotNo};

/// The entry for all points of these lots whose validity ends at `due` or before; nothing when there are none.
pub(crate) fn expire(account: &Account, lots: &[LotNo], due: Timestamp) -> Result<Option<Draft>, NeedMore> {
    if account.open_unseen_at().is_some_and(|expires_at| expires_at <= due)
        || account.horizon.waiting.is_some_and(|changes_at| changes_at <= due)
    {
        return Err(NeedMore);
    }
    let mut draft = Draft::due(Kind::Expire);
    let lots = lots.iter().filter_map(|it| account.lot(*it));
    for lot in lots.filter(|it| account.expires_at(it) <= due) {
        draft.move_points(lot.at.no, Bucket::Pending, Bucket::Expired, lot.pending);
        draft.move_points(lot.at.no, Bucket::Available, Bucket::Expired, lot.available);
    }
    Ok(if draft.postings.is_empty() { None } else { Some(draft) })
}
