//! Certificates: codes that carry value, given to members by hand, and cancelled by hand (C3, C4, C5).
//!
//! They are a ledger of their owner beside those of points and of store credit, one for each currency: an account whose points
//! are minor units of money and of which each lot is a certificate. So they expire as points do, and are replayed and proved
//! as every account is. Their codes are no business of the rules.

use crate::account::{Account, Lot, NeedMore};
use crate::adjust::check_note;
use crate::calendar::{Timestamp, Zone};
use crate::close::forfeited;
use crate::convert::give_back_unused;
use crate::credit::units;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::entry::{Bucket, Kind, LotNo, LotOpened, LotRef, Reason};
use crate::expire::expire;
use crate::limits;
use crate::money::{Money, share_of_down};
use crate::place::Place;
use crate::points::Points;
use crate::program::{Rules, Share, Timeline, Validity};
use crate::rejection::{Rejection, invalid};
use crate::settle::{settle_ahead, settle_within};

/// How often a certificate can be used (P1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Uses {
    /// On several orders, until it is empty.
    #[default]
    Several,
    /// On one order: what it does not pay of that is lost.
    Once,
    /// On one order, of which it pays that share, and no more than its value (C9).
    Share(Share),
}

impl Uses {
    /// Those of certificates that are worth an amount.
    pub const ALL: [Self; 2] = [Self::Several, Self::Once];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Several => "several",
            Self::Once | Self::Share(_) => "once",
        }
    }

    /// Whether one order uses all of it.
    pub fn is_once(self) -> bool {
        match self {
            Self::Several => false,
            Self::Once | Self::Share(_) => true,
        }
    }

    /// The share of an order that it pays, if it is for one.
    pub fn share(self) -> Option<Share> {
        match self {
            Self::Several | Self::Once => None,
            Self::Share(share) => Some(share),
        }
    }

    /// What it pays at most of an amount that certificates may pay for, whatever else pays of that.
    pub(crate) fn pays_of(self, payable: Money) -> Money {
        self.share().map_or(payable, |share| share_of_down(payable, share))
    }
}

/// What a lot of a wallet is beside its value and dates.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Certificate {
    pub uses: Uses,
    pub is_cancelled: bool,
}

impl Certificate {
    pub(crate) fn of(uses: Uses) -> Self {
        Self { uses, is_cancelled: false }
    }
}

/// The owner's certificates in one currency, as one program's account sees them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wallet {
    /// The number of that program, for the reasons of entries.
    pub program: u32,
    pub ledger: Account,
}

impl Account {
    /// The owner's certificates, which a rule that needs them has loaded.
    pub(crate) fn wallet(&self) -> Result<&Wallet, NeedMore> {
        self.wallet.as_deref().ok_or(NeedMore)
    }
}

/// Certificates of the same kind that staff give to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueCertificates {
    pub value: Money,
    pub count: u32,
    pub uses: Uses,
    pub validity: Validity,
    pub note: String,
}

/// Staff cancel a certificate: it pays nothing any more, and stays cancelled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CancelCertificate {
    pub certificate: LotNo,
    pub note: String,
}

/// Gives certificates to the owner of a wallet, whose account `ledger` is; `under` says under which of the members that were
/// merged. Days end in `zone`.
///
/// # Errors
/// `Invalid`.
pub fn issue_certificates(
    ledger: &Account,
    under: Place,
    issue: &IssueCertificates,
    zone: &Zone,
    moment: Moment,
) -> Decision {
    if !issue.value.is_positive() || limits::MONEY_MAX < issue.value {
        return Err(invalid("value", "0.01 to 100,000,000,000.00").into());
    }
    if issue.count == 0 || limits::ISSUE_MAX < issue.count {
        return Err(invalid("count", "1 to 100 certificates at once").into());
    }
    check_note(&issue.note)?;
    let nothing = Timeline::default();
    let mut ahead = Ahead::of(ledger, Rules::of(&nothing), moment);
    settle_ahead(&mut ahead)?;
    let now = ahead.now();
    let expires_at = issue.validity.ends(now, zone);
    if expires_at <= now {
        return Err(invalid("expires", "a day that has not passed").into());
    }
    let value = units(issue.value);
    let all = value.times(i64::from(issue.count));
    if units(limits::CREDIT_MAX) < ahead.account.balance.issued + all {
        return Err(invalid("value", "at most 10,000,000,000,000,000.00 in all").into());
    }
    let mut draft = Draft::new(Kind::Issue, Reason::Note(issue.note.clone()));
    for _ in 0..issue.count {
        let lot = LotRef { no: draft.next_lot(&ahead.account, under), earned_at: now, available_at: now, expires_at };
        draft.opened.push(LotOpened { certificate: Some(issue.uses), ..LotOpened::plain(lot) });
        draft.move_points(lot.no, Bucket::Issued, Bucket::Available, value);
    }
    ahead.post(draft);
    Ok(ahead.decided())
}

/// Cancels a certificate: what is left of it is gone, what orders have of it stays with them, and what comes back from them
/// is gone, too. To cancel one that was cancelled changes nothing.
///
/// # Errors
/// `Invalid` or `UnknownCertificate`.
pub fn cancel_certificate(ledger: &Account, cancel: &CancelCertificate, moment: Moment) -> Decision {
    check_note(&cancel.note)?;
    let nothing = Timeline::default();
    let mut ahead = Ahead::of(ledger, Rules::of(&nothing), moment);
    settle_ahead(&mut ahead)?;
    let lot = *ahead.account.lot(cancel.certificate).ok_or(Rejection::UnknownCertificate)?;
    let certificate = lot.certificate.ok_or(Rejection::UnknownCertificate)?;
    if !certificate.is_cancelled {
        let mut draft = Draft::new(Kind::Cancel, Reason::Note(cancel.note.clone()));
        draft.dated.push(LotRef { expires_at: lot.at.expires_at.min(ahead.now()), ..lot.at });
        draft.move_points(lot.at.no, Bucket::Available, Bucket::Forfeited, lot.available);
        ahead.post(draft);
    }
    Ok(ahead.decided())
}

/// Cancels a certificate that points of this account bought. If nothing of it is used the points return (C5): they stay points
/// until others become available.
///
/// # Errors
/// `Invalid` or `UnknownCertificate`.
pub fn cancel_bought(account: &Account, rules: Rules<'_>, cancel: &CancelCertificate, moment: Moment) -> Decision {
    check_note(&cancel.note)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let now = ahead.now();
    settle_wallet(&mut ahead, now)?;
    let lot = *ahead.account.wallet()?.ledger.lot(cancel.certificate).ok_or(Rejection::UnknownCertificate)?;
    let certificate = lot.certificate.ok_or(Rejection::UnknownCertificate)?;
    if certificate.is_cancelled {
        return Ok(ahead.decided());
    }
    let timeline = rules.timeline;
    let version = timeline.at(now).or(timeline.versions().first()).ok_or(Rejection::UnknownProgram)?;
    let note = || Reason::Note(cancel.note.clone());
    let bought = give_back_unused(&mut ahead, lot.at, Draft::new(Kind::Unconvert, note()), &version.terms)?;
    let mut draft = Draft::new(Kind::Cancel, note());
    draft.dated.push(LotRef { expires_at: lot.at.expires_at.min(now), ..lot.at });
    match bought {
        Some(value) => {
            draft.move_points(lot.at.no, Bucket::Available, Bucket::Revoked, value);
            ahead.post_used(now, draft);
            settle_within(&mut ahead)?;
        }
        None => {
            draft.move_points(lot.at.no, Bucket::Available, Bucket::Forfeited, lot.available);
            ahead.post_certificates(now, draft);
        }
    }
    Ok(ahead.decided())
}

/// Posts what of the wallet has expired by an instant, or is gone since its owner left, before a rule looks at it. Once for each
/// instant: what comes back to somebody who has left pays what is owed before it is gone.
pub(crate) fn settle_wallet(ahead: &mut Ahead<'_>, until: Timestamp) -> Result<(), NeedMore> {
    if until <= ahead.wallet_until {
        return Ok(());
    }
    ahead.wallet_until = until;
    loop {
        let ledger = &ahead.account.wallet()?.ledger;
        let due = ledger.due_at();
        if until < due {
            return Ok(());
        }
        let is_due = |it: &&Lot| ledger.lot_due_at(it) <= due;
        let lots: Vec<LotNo> = ledger.lots().iter().filter(is_due).map(|it| it.at.no).collect();
        let expired = expire(ledger, &lots, due)?;
        let is_over = expired.is_none();
        if let Some(draft) = expired {
            ahead.post_certificates(due, draft);
        }
        let forfeited = forfeited(&ahead.account.wallet()?.ledger, due)?;
        if forfeited.is_none() && is_over {
            return Ok(());
        }
        if let Some(draft) = forfeited {
            ahead.post_certificates(due, draft);
        }
    }
}

/// What can be spent of a certificate.
pub(crate) fn left(lot: &Lot) -> Money {
    money(lot.available)
}

pub(crate) fn money(units: Points) -> Money {
    Money::new(units.get())
}
