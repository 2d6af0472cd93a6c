//! Staff hand out the rewards that members have reached (C2): points are taken then, not before.

use crate::account::Account;
use crate::adjust::check_note;
use crate::close::check_open;
use crate::convert::into_certificates;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::entry::{Kind, Reason};
use crate::limits;
use crate::points::{Points, whole_times};
use crate::program::{Convert, Rules};
use crate::rejection::Rejection;
use crate::settle::settle_ahead;

/// The points of a member become as many rewards as are whole, at most [`limits::ISSUE_MAX`] at once.
///
/// # Errors
/// `Invalid`, `UnknownProgram` before the first version, `ProgramOff`, `AccountClosed`, `NoRewards` where the program has none to
/// hand out, or `InsufficientPoints` for one reward.
pub fn collect(account: &Account, rules: Rules<'_>, note: &str, moment: Moment) -> Decision {
    check_note(note)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let now = ahead.now();
    let terms = &rules.timeline.at(now).ok_or(Rejection::UnknownProgram)?.terms;
    if !rules.timeline.is_on(now) {
        return Err(Rejection::ProgramOff.into());
    }
    check_open(&ahead.account)?;
    let convert = terms.convert.filter(|it| it.is_collected).ok_or(Rejection::NoRewards)?;
    let draft = || Draft::new(Kind::Convert, Reason::Note(note.to_owned()));
    if into_certificates(&mut ahead, now, (&convert, &terms.zone), draft)? == 0 {
        return Err(Rejection::InsufficientPoints { spendable: ahead.account.balance.available }.into());
    }
    Ok(ahead.decided())
}

impl Convert {
    /// How many rewards so many points become at once.
    pub fn reached(&self, available: Points) -> i64 {
        whole_times(available, self.rate.points).min(i64::from(limits::ISSUE_MAX))
    }

    /// How many points are missing to the next reward beyond those that are reached.
    pub fn missing(&self, available: Points) -> Points {
        let each = self.rate.points;
        each.times(whole_times(available, each) + 1) - available
    }
}
