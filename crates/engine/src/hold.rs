//! Points reserved for a checkout: nobody else can spend them; the order takes them over, or the hold lapses by itself.

use crate::account::{Account, Hold};
use crate::calendar::Timestamp;
use crate::close::check_open;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::document::HoldNo;
use crate::entry::{Bucket, HoldChange, HoldState, Kind, Reason};
use crate::limits;
use crate::points::Points;
use crate::program::Rules;
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;

/// Reserves `points` for `minutes`, or for as long as the program says (R8). The new hold is the last of the entry.
///
/// # Errors
/// `Invalid`, `ProgramOff`, `AccountClosed`, `CardBlocked`, `BalanceBelowMinimum`, `BelowMinimum`, `NotInSteps`, `AboveMaximum`, `BehindAccount` or
/// `InsufficientPoints`, in that order.
pub fn hold(account: &Account, rules: Rules<'_>, points: Points, minutes: Option<u32>, moment: Moment) -> Decision {
    if !points.is_positive() || limits::POINTS_MAX < points {
        return Err(invalid("points", "1 to 1,000,000,000,000 points").into());
    }
    if minutes.is_some_and(|it| it == 0 || limits::HOLD_MINUTES_MAX < it) {
        return Err(invalid("minutes", "1 to 120 minutes").into());
    }
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let version = rules.timeline.at(moment.now).filter(|_| rules.timeline.is_on(moment.now));
    let terms = ahead.account.terms_of(version.ok_or(Rejection::ProgramOff)?);
    check_open(&ahead.account)?;
    if rules.card_blocked {
        return Err(Rejection::CardBlocked.into());
    }
    let spendable = ahead.account.spendable(None);
    terms.redeem.check_balance(spendable)?;
    terms.redeem.check_figure(points)?;
    if moment.now < ahead.account.last_at && moment.import {
        return Err(Rejection::BehindAccount.into());
    }
    if spendable < points {
        return Err(Rejection::InsufficientPoints { spendable }.into());
    }
    let minutes = minutes.unwrap_or(terms.redeem.hold_minutes);
    let no = ahead.account.next_hold_of(rules.under);
    let lapses_at = ahead.now().plus_minutes(i64::from(minutes));
    let mut draft = Draft::new(Kind::Hold, Reason::Held { minutes });
    draft.postings = ahead.account.take(points, None, Bucket::Held)?;
    draft.hold = Some(HoldChange { no, state: HoldState::Active, lapses_at });
    ahead.post(draft);
    Ok(ahead.decided())
}

/// Ends a hold early: the checkout was given up. Ending one that has ended changes nothing.
///
/// # Errors
/// `UnknownHold`, or `HoldTaken` when an order has taken it over.
pub fn release_hold(account: &Account, rules: Rules<'_>, no: HoldNo, moment: Moment) -> Decision {
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let hold = ahead.account.hold(no).ok_or(Rejection::UnknownHold)?;
    match hold.state {
        HoldState::Taken(_) => return Err(Rejection::HoldTaken.into()),
        HoldState::Ended => {}
        HoldState::Active => {
            let draft = lapse(hold);
            ahead.post(Draft { actor: Some(moment.actor), ..draft });
            settle_ahead(&mut ahead)?;
        }
    }
    Ok(ahead.decided())
}

/// The entry that ends the first active hold that lapses at `due` or before.
pub(crate) fn lapse_due(account: &Account, due: Timestamp) -> Option<Draft> {
    let is_due = |it: &&Hold| it.state == HoldState::Active && it.lapses_at <= due;
    account.holds().iter().filter(is_due).min_by_key(|it| (it.lapses_at, it.no)).map(lapse)
}

/// The entry that gives a hold's points back to their lots. Points of a lapsed hold get no grace.
pub(crate) fn lapse(hold: &Hold) -> Draft {
    let mut draft = Draft::due(Kind::Lapse);
    for taken in &hold.taken {
        draft.move_points(taken.lot.no, Bucket::Held, Bucket::Available, taken.points);
    }
    draft.hold = Some(HoldChange { no: hold.no, state: HoldState::Ended, lapses_at: hold.lapses_at });
    draft
}
