//! Members claim rewards of the catalogue; staff hand them over, or cancel them (C9).
//!
//! A claim is a redemption: its points are spent, and no refund of an order undoes it; what is taken back then is owed, and
//! nothing is handed over to somebody who owes. A coupon is there at once, a certificate that points bought: it is cancelled,
//! and undone by take-backs, as every such certificate is. A claim that is cancelled gives back its points, its piece of the
//! stock and its place in the limits. Bounded by one claim.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::account::{Account, NeedMore, Taken};
use crate::activity::{self, Act, Acted};
use crate::adjust::check_note;
use crate::calendar::{Date, Timestamp};
use crate::catalogue::{Coupon, Gift, check, check_member};
use crate::certificate::settle_wallet;
use crate::convert::{ConversionKey, buy_certificate, give_back_unused};
use crate::credit::units;
use crate::decision::{Ahead, Decision, Draft, Moment, Stop};
use crate::document::HoldNo;
use crate::entry::{Bucket, Entry, Kind, LotRef, Reason};
use crate::extend::{self, Activity};
use crate::grace::{Back, put_back};
use crate::limits;
use crate::points::Points;
use crate::program::{ConvertRate, ExtendOn, Rules, Target, Terms, Timeline, Version};
use crate::rejection::{Rejection, invalid};
use crate::settle::{settle_ahead, settle_within};

/// Number of a claim within its account. Claims are numbered together with holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ClaimNo(pub u64);

/// What has become of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClaimState {
    /// Paid, and waits to be handed over.
    Claimed,
    Fulfilled,
    Cancelled,
}

impl ClaimState {
    pub const ALL: [Self; 3] = [Self::Claimed, Self::Fulfilled, Self::Cancelled];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Claimed => "claimed",
            Self::Fulfilled => "fulfilled",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A reward that a member has claimed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewardClaim {
    pub no: ClaimNo,
    pub reward: Arc<str>,
    /// Of the program, whose catalogue it was.
    pub version: u32,
    pub state: ClaimState,
    pub at: Timestamp,
    /// What it cost; kept when it is cancelled.
    pub points: Points,
    /// The points that paid and have not come back. Of a coupon, its conversion has them.
    pub taken: Vec<Taken>,
    pub certificate: Option<LotRef>,
}

impl RewardClaim {
    /// The conversion that is its coupon. Where there is none any more the coupon is points again: a take-back undid it, or staff
    /// have cancelled the certificate.
    pub fn conversion(&self) -> Option<ConversionKey> {
        let lot = self.certificate.filter(|_| self.state == ClaimState::Fulfilled)?;
        Some(ConversionKey::of(lot, Target::Certificate))
    }

    /// What has become of it, in a word.
    pub fn standing(&self, is_undone: bool) -> &'static str {
        if is_undone { "undone" } else { self.state.name() }
    }
}

/// What an entry says of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewardChange {
    pub claim: ClaimNo,
    pub reward: Arc<str>,
    pub version: u32,
    pub state: ClaimState,
}

impl Entry {
    /// By how many it changes what members have of a reward.
    pub fn claims(&self) -> Option<(&Arc<str>, i64)> {
        let change = self.changes.reward.as_ref()?;
        match self.kind {
            Kind::Reward => Some((&change.reward, 1)),
            Kind::CancelReward => Some((&change.reward, -1)),
            _ => None,
        }
    }
}

/// A member takes a reward for its points.
///
/// # Errors
/// `UnknownProgram` before the first version, `ProgramOff`, `AccountClosed`, `CardBlocked`, `UnknownReward`, `RewardNotYet`, `RewardOver`,
/// `RewardTier`, `RewardSoldOut`, `RewardLimit`, `BehindAccount` or `InsufficientPoints`.
pub fn claim_reward(account: &Account, rules: Rules<'_>, name: &str, moment: Moment) -> Decision {
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let version = rules.timeline.at(ahead.now()).ok_or(Rejection::UnknownProgram)?;
    check_member(&ahead)?;
    let reward = version.reward(name).ok_or(Rejection::UnknownReward)?;
    let acted = check(&ahead, version, reward)?;
    let now = ahead.now();
    let (points, no) = (reward.points, ClaimNo(ahead.account.next_hold_of(rules.under).0));
    let change = |state| RewardChange { claim: no, reward: Arc::clone(&reward.name), version: version.number, state };
    let mut draft = Draft::new(Kind::Reward, Reason::Reward);
    draft.changes.acted = Some(Box::new(acted));
    if let Gift::Coupon(coupon) = &reward.gives {
        draft.changes.reward = Some(Box::new(change(ClaimState::Fulfilled)));
        hand_out(&mut ahead, version, (coupon, points), draft)?;
    } else {
        draft.changes.reward = Some(Box::new(change(ClaimState::Claimed)));
        draft.postings = ahead.account.take(points, None, Bucket::Redeemed)?;
        ahead.post(draft);
    }
    let terms = &version.terms;
    if let Some(rule) = terms.extend.filter(|it| it.on == ExtendOn::Activity) {
        extend::extend(&mut ahead, Activity { at: now, is_new: true, order: None }, rule, terms);
    }
    Ok(ahead.decided())
}

/// A coupon is there at once: `draft` becomes the entry that buys it.
fn hand_out(
    ahead: &mut Ahead<'_>,
    version: &Version,
    (coupon, points): (&Coupon, Points),
    draft: Draft,
) -> Result<(), Stop> {
    let now = ahead.now();
    settle_wallet(ahead, now)?;
    let ledger = &ahead.account.wallet()?.ledger;
    if units(limits::CREDIT_MAX) < ledger.balance.issued + units(coupon.value) {
        return Err(invalid("reward", "certificates of at most 10,000,000,000,000,000.00 in all").into());
    }
    let no = ledger.next_lot_of(ahead.rules.under);
    let expires_at = coupon.validity.ends(now, &version.terms.zone);
    let lot = LotRef { no, earned_at: now, available_at: now, expires_at };
    let rate = ConvertRate { points, value: coupon.value, target: Target::Certificate };
    buy_certificate(ahead, now, (lot, rate, coupon.uses), draft, Draft::new(Kind::Convert, Reason::Due))?;
    Ok(())
}

/// Staff hand a reward over. To do so again changes nothing. Works while the program is off, and for members who have left.
///
/// # Errors
/// `Invalid`, `UnknownClaim`, `ClaimCancelled`, or `PointsOwed` while the member owes any.
pub fn fulfil_claim(account: &Account, rules: Rules<'_>, no: ClaimNo, note: &str, moment: Moment) -> Decision {
    check_note(note)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let claim = ahead.account.claim(no).ok_or(Rejection::UnknownClaim)?;
    let owed = ahead.account.balance.owed;
    match claim.state {
        ClaimState::Fulfilled => {}
        ClaimState::Cancelled => return Err(Rejection::ClaimCancelled.into()),
        ClaimState::Claimed if owed.is_positive() => return Err(Rejection::PointsOwed { owed }.into()),
        ClaimState::Claimed => {
            let mut draft = Draft::new(Kind::Fulfil, Reason::Note(note.to_owned()));
            draft.changes.reward = Some(Box::new(claim.becomes(ClaimState::Fulfilled)));
            ahead.post(draft);
        }
    }
    Ok(ahead.decided())
}

/// Staff cancel a claim, also one that was handed over and is given back: its points return to the lots they came from, and its
/// piece to the stock. They stay points until others become available. To cancel it again changes nothing. Works while the program
/// is off, and for members who have left.
///
/// # Errors
/// `Invalid`, `UnknownProgram` before the first version, `UnknownClaim`, or, of a coupon, `CertificateExpired` or `CertificateUsed`.
pub fn cancel_claim(account: &Account, rules: Rules<'_>, no: ClaimNo, note: &str, moment: Moment) -> Decision {
    check_note(note)?;
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let timeline = rules.timeline;
    let version = timeline.at(ahead.now()).or(timeline.versions().first()).ok_or(Rejection::UnknownProgram)?;
    let claim = ahead.account.claim(no).ok_or(Rejection::UnknownClaim)?.clone();
    if claim.state == ClaimState::Cancelled {
        return Ok(ahead.decided());
    }
    let mut draft = Draft::new(Kind::CancelReward, Reason::Note(note.to_owned()));
    draft.changes.reward = Some(Box::new(claim.becomes(ClaimState::Cancelled)));
    let promised = timeline.version(claim.version).unwrap_or(version);
    let day = promised.terms.zone.date_of(claim.at);
    draft.changes.acted = activity::less(&ahead.account, &Act::Reward(claim.reward.to_string()), day).map(Box::new);
    match claim.certificate {
        None => {
            give_back(&mut draft, &ahead, &claim, &version.terms);
            ahead.post(draft);
        }
        Some(certificate) => take_coupon(&mut ahead, certificate, draft, &version.terms)?,
    }
    settle_within(&mut ahead)?;
    Ok(ahead.decided())
}

/// The points go back to their lots, last taken first.
fn give_back(draft: &mut Draft, ahead: &Ahead<'_>, claim: &RewardClaim, terms: &Terms) {
    for it in claim.taken.iter().rev() {
        let back = Back { lot: it.lot.no, from: Bucket::Redeemed, points: it.points };
        put_back(draft, &ahead.account, back, terms, ahead.now());
    }
}

/// The coupon goes and `draft` brings its points back; of one that is points again already, or that was gone unused when its member
/// left, only the claim is cancelled. What an order has of it was had, whatever became of the rest.
fn take_coupon(ahead: &mut Ahead<'_>, coupon: LotRef, draft: Draft, terms: &Terms) -> Result<(), Stop> {
    let now = ahead.now();
    settle_wallet(ahead, now)?;
    let certificate = coupon.no;
    let lot = *ahead.account.wallet()?.ledger.lot(certificate).ok_or(NeedMore)?;
    let is_points_or_gone = match ahead.account.bought(coupon)? {
        None => true,
        Some(it) => lot.certificate.is_some_and(|it| it.is_cancelled) && lot.forfeited == it.value(),
    };
    if is_points_or_gone {
        ahead.post(draft);
        return Ok(());
    }
    if lot.expired.is_positive() {
        return Err(Rejection::CertificateExpired { certificate }.into());
    }
    let Some(value) = give_back_unused(ahead, lot.at, draft, terms)? else {
        return Err(Rejection::CertificateUsed { certificate }.into());
    };
    let mut cancel = Draft::new(Kind::Cancel, Reason::Due);
    cancel.dated.push(LotRef { expires_at: lot.at.expires_at.min(now), ..lot.at });
    cancel.move_points(certificate, Bucket::Available, Bucket::Revoked, value);
    ahead.post_used(now, cancel);
    Ok(())
}

/// How often somebody with these claims, in the order of their numbers, has claimed each reward: what was cancelled does not count.
pub(crate) fn acts<'a>(claims: impl Iterator<Item = &'a RewardClaim>, timeline: &Timeline) -> Vec<Acted> {
    let mut days: BTreeMap<&'a str, Vec<Date>> = BTreeMap::new();
    for claim in claims.filter(|it| it.state != ClaimState::Cancelled) {
        let version = timeline.version(claim.version).or(timeline.versions().first());
        let day = version.map(|it| it.terms.zone.date_of(claim.at));
        days.entry(&claim.reward).or_default().extend(day);
    }
    let count = |days: &[Date], is: &dyn Fn(&Date) -> bool| {
        u32::try_from(days.iter().filter(|it| is(it)).count()).unwrap_or(u32::MAX)
    };
    let acted = |(name, days): (&str, Vec<Date>)| {
        let day = days.iter().copied().max()?;
        Some(Acted {
            act: Act::Reward(name.to_owned()),
            day,
            of_day: count(&days, &|it| *it == day),
            of_month: count(&days, &|it| it.month() == day.month()),
            of_life: count(&days, &|_| true),
        })
    };
    days.into_iter().filter_map(acted).collect()
}

impl RewardClaim {
    fn becomes(&self, state: ClaimState) -> RewardChange {
        RewardChange { claim: self.no, reward: Arc::clone(&self.reward), version: self.version, state }
    }
}

impl Account {
    /// Rewards that were claimed, as far as they are loaded, in the order of their numbers.
    pub fn claims(&self) -> &[RewardClaim] {
        &self.claims
    }

    /// Adds a claim that was stored, unless it is loaded already.
    pub fn load_claim(&mut self, claim: RewardClaim) {
        if let Err(index) = self.claims.binary_search_by_key(&claim.no, |it| it.no) {
            self.claims.insert(index, claim);
        }
    }

    pub(crate) fn claim_mut(&mut self, no: ClaimNo) -> &mut RewardClaim {
        let index = self.claims.binary_search_by_key(&no, |it| it.no).expect("an entry names loaded claims only");
        &mut self.claims[index]
    }

    /// Whether the claim's coupon is points again; all conversions are loaded.
    pub fn is_undone(&self, claim: &RewardClaim) -> bool {
        claim.conversion().is_some_and(|key| self.conversions().iter().all(|it| it.key() != key))
    }

    pub fn claim(&self, no: ClaimNo) -> Option<&RewardClaim> {
        self.claims().iter().find(|it| it.no == no)
    }

    /// Takes over what an entry says of a claim.
    pub(crate) fn post_reward(&mut self, entry: &Entry) {
        let Some(change) = entry.changes.reward.as_deref() else { return };
        if entry.kind != Kind::Reward {
            let claim = self.claim_mut(change.claim);
            claim.state = change.state;
            if change.state == ClaimState::Cancelled {
                claim.taken.clear();
            }
            return;
        }
        let paid = || entry.postings.iter().filter(|it| it.from == Bucket::Available);
        let taken = paid().filter(|it| it.to == Bucket::Redeemed).map(|it| self.taken(it)).collect();
        self.hold_is_used(HoldNo(change.claim.0));
        self.load_claim(RewardClaim {
            no: change.claim,
            reward: Arc::clone(&change.reward),
            version: change.version,
            state: change.state,
            at: entry.at,
            points: paid().map(|it| it.points).sum(),
            taken,
            certificate: entry.converted_into(),
        });
    }
}
