//! A member leaves a program and comes back (M1).
//!
//! Closing an account suspends its points: nothing of them can be spent until the member comes back, and at the end of the
//! grace they are forfeited. Orders go on converging: those placed before earn and are taken back as ever, and what comes of
//! them is suspended, or forfeited with the rest. Orders placed meanwhile earn nothing, then or later. Expiry goes on.

use crate::account::{Account, NeedMore};
use crate::activity::grant_sign_up;
use crate::adjust::check_note;
use crate::calendar::Timestamp;
use crate::decision::{Ahead, Decided, Decision, Draft, Moment};
use crate::entry::{Bucket, HoldState, Kind, LotRef, Reason};
use crate::hold::lapse;
use crate::joined::Presence;
use crate::limits;
use crate::place::Place;
use crate::posted::Order;
use crate::program::{Rules, Timeline};
use crate::rejection::{Rejection, invalid};
use crate::settle::settle_ahead;

/// A time during which an account is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    pub since: Timestamp,
    /// When what is there is forfeited: the end of the grace.
    pub forfeits_at: Timestamp,
    /// When the member came back.
    pub until: Option<Timestamp>,
}

/// A member is to leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// Points are kept until the end of so many days after this one; 0: they are forfeited at once.
    pub grace_days: u16,
    pub note: String,
}

/// Closes an account. One that is closed stays as it is. Works while the program is off.
///
/// # Errors
/// `Invalid`, or `UnknownProgram` before the first version.
pub fn close(account: &Account, rules: Rules<'_>, closing: &Closing, moment: Moment) -> Decision {
    if limits::CLOSING_DAYS_MAX < closing.grace_days {
        return Err(invalid("grace_days", "a whole number from 0 to 3660").into());
    }
    check_note(&closing.note)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    if ahead.account.closed().is_some() {
        return Ok(ahead.decided());
    }
    let now = ahead.now();
    let terms = &rules.timeline.at(now).ok_or(Rejection::UnknownProgram)?.terms;
    let holds = ahead.account.holds().iter().filter(|it| it.state == HoldState::Active);
    for draft in holds.map(lapse).collect::<Vec<_>>() {
        ahead.post(Draft { actor: Some(moment.actor), ..draft });
    }
    let forfeits_at = match closing.grace_days {
        0 => now,
        days => terms.zone.end_of(terms.zone.date_of(now).plus_days(i32::from(days))),
    };
    let mut draft = Draft::new(Kind::Close, Reason::Note(closing.note.clone()));
    draft.changes.closed = Some(Box::new(Closed { since: now, forfeits_at, until: None }));
    ahead.post(draft);
    settle_ahead(&mut ahead)?;
    Ok(ahead.decided())
}

/// Brings a member into a program: opens an account that is closed, with what is left of its points; or begins one, with
/// what signing up gives. One that is open stays as it is.
///
/// # Errors
/// `Invalid`, or `UnknownProgram` before the first version.
pub fn join(account: &Account, rules: Rules<'_>, note: &str, moment: Moment) -> Decision {
    check_note(note)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let now = ahead.now();
    rules.timeline.at(now).ok_or(Rejection::UnknownProgram)?;
    let closed = ahead.account.closed().copied();
    if closed.is_none() && ahead.account.has_begun() {
        return Ok(ahead.decided());
    }
    let mut draft = Draft::new(Kind::Join, Reason::Note(note.to_owned()));
    draft.changes.closed = closed.map(|it| Box::new(Closed { until: Some(now), ..it }));
    ahead.post(draft);
    grant_sign_up(&mut ahead)?;
    settle_ahead(&mut ahead)?;
    Ok(ahead.decided())
}

/// Closes a wallet, whose account `ledger` is, for as long as its owner's points are kept: certificates are suspended, and cancelled
/// at the end of the grace. One that is closed stays as it is.
///
/// # Errors
/// Only `NeedMore`.
pub fn close_wallet(ledger: &Account, forfeits_at: Timestamp, why: Reason, moment: Moment) -> Decision {
    let nothing = Timeline::default();
    let mut ahead = Ahead::of(ledger, Rules::of(&nothing), moment);
    settle_ahead(&mut ahead)?;
    if ahead.account.closed().is_none() {
        let mut draft = Draft::new(Kind::Close, why);
        draft.changes.closed = Some(Box::new(Closed { since: ahead.now(), forfeits_at, until: None }));
        ahead.post(draft);
        settle_ahead(&mut ahead)?;
    }
    Ok(ahead.decided())
}

/// Opens a wallet that is closed, with the certificates that are left: what was due before has been posted.
pub fn open_wallet(ledger: &Account, why: Reason, moment: Moment) -> Decided {
    let nothing = Timeline::default();
    let mut ahead = Ahead::of(ledger, Rules::of(&nothing), moment);
    if let Some(closed) = ahead.account.closed().copied() {
        let mut draft = Draft::new(Kind::Join, why);
        draft.changes.closed = Some(Box::new(Closed { until: Some(ahead.now()), ..closed }));
        ahead.post(draft);
    }
    ahead.decided()
}

/// What an order asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Of {
    Points,
    Certificates,
}

/// Why an order may ask for nothing of the account, if so: it is closed, or was when the order was placed; or the card that names
/// the member is blocked.
pub(crate) fn suspended(account: &Account, order: &Order, rules: Rules<'_>, of: Of) -> Option<Rejection> {
    let is_closed = |it: &Account| it.closed().is_some();
    let wallet = account.wallet.as_deref().is_some_and(|it| is_closed(&it.ledger));
    if wallet && of == Of::Certificates || is_closed(account) || order.pinned.closed {
        return Some(Rejection::AccountClosed);
    }
    rules.card_blocked.then_some(Rejection::CardBlocked)
}

/// Refuses what only an open account allows.
pub(crate) fn check_open(account: &Account) -> Result<(), Rejection> {
    match account.closed() {
        Some(_) => Err(Rejection::AccountClosed),
        None => Ok(()),
    }
}

/// The grace of a closed account is over: what is there, and whatever arrives later, is forfeited.
pub(crate) fn forfeit(ahead: &mut Ahead<'_>, due: Timestamp) -> Result<(), NeedMore> {
    if let Some(draft) = forfeited(&ahead.account, due)? {
        ahead.post_at(due, draft);
    }
    Ok(())
}

/// The entry for that, if there is anything.
pub(crate) fn forfeited(account: &Account, due: Timestamp) -> Result<Option<Draft>, NeedMore> {
    let at = due.max(account.last_at);
    if account.closed().is_none_or(|it| at < it.forfeits_at) {
        return Ok(None);
    }
    let mut draft = Draft::due(Kind::Forfeit);
    if account.balance.pending.is_positive() {
        if account.horizon.waiting.is_some() {
            return Err(NeedMore);
        }
        for lot in account.lots() {
            draft.move_points(lot.at.no, Bucket::Pending, Bucket::Forfeited, lot.pending);
        }
    }
    draft.postings.extend(account.take(account.balance.available, None, Bucket::Forfeited)?);
    // A certificate is gone as a whole: it is cancelled.
    let lots = draft.postings.iter().filter_map(|it| account.lot(it.lot)).filter(|it| it.certificate.is_some());
    draft.dated = lots.map(|it| LotRef { expires_at: it.at.expires_at.min(at), ..it.at }).collect();
    if !draft.dated.is_empty() {
        draft.kind = Kind::Cancel;
    }
    Ok(Some(draft).filter(|it| !it.postings.is_empty()))
}

/// What becomes of closings when two accounts are one: whoever is in the program with one of them has come back; if both have
/// left, what there is is kept for as long as either would have been.
pub(crate) fn of_both(account: &Account, other: &Account, now: Timestamp) -> Option<Closed> {
    match (account.closed(), other.closed()) {
        (None, None) => None,
        (Some(ours), None) => Some(Closed { until: Some(now), ..*ours }).filter(|_| other.has_begun()),
        (None, Some(theirs)) => Some(*theirs).filter(|_| !account.has_begun()),
        (Some(ours), Some(theirs)) => {
            let later = ours.forfeits_at.max(theirs.forfeits_at);
            Some(Closed { forfeits_at: later, ..*ours }).filter(|it| it != ours)
        }
    }
}

/// The closings of one of two who are two again: their own, and what was done since. `is_theirs` are those of the one who went.
pub(crate) fn of_one(ours: &[Closed], theirs: &[Closed], now: &[Closed], is_theirs: bool) -> Vec<Closed> {
    let mut closings = if is_theirs { theirs } else { ours }.to_vec();
    let left = |all: &[Closed]| all.last().filter(|it| it.until.is_none()).map(|it| it.since);
    // Both had left, or one had who was all there was: when they came back as one, both did.
    let only = |since: &Timestamp| ours.iter().all(|it| it.since != *since);
    if let Some(since) = left(theirs).and_then(|since| left(ours).or(Some(since).filter(only))) {
        let until = now.iter().find(|it| it.since == since).and_then(|it| it.until);
        if let Some(last) = closings.last_mut() {
            last.until = last.until.or(until);
        }
    }
    for it in now.iter().filter(|it| ours.iter().chain(theirs).all(|known| known.since != it.since)) {
        if let Some(last) = closings.last_mut() {
            last.until = last.until.or(Some(it.since));
        }
        closings.push(*it);
    }
    closings
}

fn was_closed(closings: &[Closed], at: Timestamp) -> bool {
    closings.iter().any(|it| it.since <= at && it.until.is_none_or(|until| at < until))
}

impl Account {
    /// Whether there is anything of it, and be it that somebody came and went.
    pub(crate) fn is_known(&self) -> bool {
        let nothing = Self::default();
        (self.next_entry, self.next_order) != (nothing.next_entry, nothing.next_order)
    }

    /// Whether anything has happened in it but that somebody came and went.
    pub fn has_begun(&self) -> bool {
        let Presence { is_away, bare } = self.presence;
        !is_away && (bare + 1 < self.next_entry.0 || self.next_order != Self::default().next_order)
    }

    /// Since when it is closed, if it is.
    pub fn closed(&self) -> Option<&Closed> {
        self.closings.last().filter(|it| it.until.is_none())
    }

    /// Whether it was closed at an instant.
    pub(crate) fn was_closed(&self, at: Timestamp) -> bool {
        was_closed(&self.closings, at)
    }

    /// The same of whoever of those that are one an order comes from: until they were one, each had closings of their own.
    pub(crate) fn was_closed_under(&self, under: Place, at: Timestamp) -> bool {
        match self.apart.as_deref().filter(|it| at < it.since) {
            Some(apart) if apart.from <= under => was_closed(&apart.theirs.closings, at),
            Some(apart) => was_closed(&apart.ours.closings, at),
            None => self.was_closed(at),
        }
    }

    /// When the points of a closed account are forfeited, if there are any.
    pub(crate) fn forfeits_at(&self) -> Option<Timestamp> {
        let has_points = (self.balance.pending + self.balance.available).is_positive();
        self.closed().filter(|_| has_points).map(|it| it.forfeits_at)
    }

    pub(crate) fn post_closed(&mut self, closed: Closed) {
        match self.closings.last_mut().filter(|it| it.since == closed.since) {
            Some(known) => *known = closed,
            None => {
                if limits::CLOSINGS_MAX <= self.closings.len() {
                    self.closings.remove(0);
                }
                self.closings.push(closed);
            }
        }
    }
}
