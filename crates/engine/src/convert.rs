//! Points become store credit or certificates, and are taken back from them (C1, C2, C5, C8).
//!
//! Each time so many points are there, they become something of a value, soonest-expiring first: by themselves, or when staff
//! hand it out. What they become lies in a ledger of its own beside the points, that of the owner's credit or of the owner's
//! certificates. Each conversion is a lot there, so that it is known of which nothing is spent: what a take-back lacks is found
//! by undoing whole ones, latest first.

use crate::account::{Account, Lot, NeedMore, Taken};
use crate::calendar::{Timestamp, Zone};
use crate::certificate::{Uses, settle_wallet};
use crate::credit::units;
use crate::decision::{Ahead, Draft};
use crate::entry::{Bucket, Converted, CreditPart, Entry, Kind, LotNo, LotOpened, LotRef, OrderNo, Posting, Reason};
use crate::grace::{Back, put_back};
use crate::limits;
use crate::money::Money;
use crate::points::{Points, times_up, whole_times};
use crate::posted::Order;
use crate::program::{Convert, ConvertRate, Target, Terms};
use crate::settle::repay;

/// The owner's store credit in one currency, as one program's account sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purse {
    /// The number of that program, for the reasons of entries.
    pub program: u32,
    /// Its points are minor units; its lots never expire, so that the oldest are spent first.
    pub credit: Account,
}

/// Points that became store credit or a certificate, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// The lot of credit that it made, or the certificate.
    pub lot: LotRef,
    pub rate: ConvertRate,
    /// The points that were converted and not given back, in the order in which they were taken.
    pub taken: Vec<Taken>,
}

/// Conversions of an account in the order in which they were made, whatever points became.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ConversionKey {
    pub at: Timestamp,
    pub target: Target,
    pub no: LotNo,
}

impl ConversionKey {
    /// Of what points became: its first date never changes.
    pub fn of(lot: LotRef, target: Target) -> Self {
        Self { at: lot.earned_at, target, no: lot.no }
    }
}

impl Conversion {
    pub fn key(&self) -> ConversionKey {
        ConversionKey::of(self.lot, self.rate.target)
    }

    /// What the certificate was worth that it made.
    pub(crate) fn value(&self) -> Points {
        self.rate.value_of(1)
    }
}

impl Purse {
    /// What can be spent.
    pub fn available(&self) -> Money {
        Money::new(self.credit.balance.available.get())
    }
}

impl ConvertRate {
    fn value_of(self, times: i64) -> Points {
        units(self.value).times(times)
    }
}

impl Account {
    /// The owner's credit, which a rule that needs it has loaded.
    pub(crate) fn purse(&self) -> Result<&Purse, NeedMore> {
        self.purse.as_deref().ok_or(NeedMore)
    }

    /// What is undone is cancelled, and what is converted anew is not.
    pub(crate) fn post_undone(&mut self, entry: &Entry) {
        let is_cancelled = match entry.kind {
            Kind::Unconvert => true,
            Kind::Convert => false,
            _ => return,
        };
        for posting in &entry.postings {
            self.set_cancelled(posting.lot, is_cancelled);
        }
    }

    /// Whether points of an order bought a certificate: it cannot pay with that.
    pub(crate) fn is_bought_with_points_of(&self, certificate: LotRef, order: &Order) -> Result<bool, NeedMore> {
        let Some(own) = order.posted.lot.filter(|_| self.balance.converted.is_positive()) else { return Ok(false) };
        let bought = self.bought(certificate)?;
        Ok(bought.is_some_and(|it| it.taken.iter().any(|it| it.lot.no == own.no)))
    }

    /// Which points a certificate was, if it was any.
    pub(crate) fn bought(&self, certificate: LotRef) -> Result<Option<&Conversion>, NeedMore> {
        let key = ConversionKey::of(certificate, Target::Certificate);
        match self.conversions().binary_search_by_key(&key, Conversion::key) {
            Ok(index) => Ok(self.conversions().get(index)),
            Err(_) if self.horizon.conversions.is_some_and(|first| key < first) => Err(NeedMore),
            Err(_) => Ok(None),
        }
    }
}

/// Converts what is there, if anything became available since this was last asked. At the terms of that instant; not while
/// the program is off. What the command itself made points again is what it was, as far as points are there.
pub(crate) fn convert(ahead: &mut Ahead<'_>, at: Timestamp) -> Result<(), NeedMore> {
    if !ahead.rules.timeline.converts() {
        return Ok(());
    }
    let at = at.max(ahead.account.last_at);
    restore(ahead, at, becomes(ahead, at).map(|(it, _)| it.rate))?;
    let new = &ahead.entries[ahead.looked_at..];
    let is_new = new.iter().flat_map(|it| &it.postings).any(|it| it.to == Bucket::Available);
    // Looked at even when nothing comes of it: whether somebody has settled in between is no matter.
    ahead.looked_at = ahead.entries.len();
    if is_new { convert_anew(ahead, at) } else { Ok(()) }
}

/// Converts what is there, also if none of it has just become available: the undo of a merge has made it points again.
pub(crate) fn convert_anew(ahead: &mut Ahead<'_>, at: Timestamp) -> Result<(), NeedMore> {
    let Some((convert, zone)) = becomes(ahead, at) else { return Ok(()) };
    match convert.rate.target {
        Target::Credit => into_credit(ahead, at, convert.rate, i64::MAX)?,
        Target::Certificate => {
            into_certificates(ahead, at, (&convert, zone), || Draft::due(Kind::Convert))?;
        }
    }
    ahead.looked_at = ahead.entries.len();
    Ok(())
}

/// How points become something by themselves at an instant, while the program is on and the account in it.
fn becomes<'a>(ahead: &Ahead<'a>, at: Timestamp) -> Option<(Convert, &'a Zone)> {
    let timeline = ahead.rules.timeline;
    let terms = &timeline.at(at).filter(|_| timeline.is_on(at) && ahead.account.closed().is_none())?.terms;
    Some((terms.convert.filter(|it| !it.is_collected)?, &terms.zone))
}

/// All of it becomes one lot of credit, or so many times the rate.
fn into_credit(ahead: &mut Ahead<'_>, at: Timestamp, rate: ConvertRate, times_max: i64) -> Result<(), NeedMore> {
    let purse = &ahead.account.purse()?.credit;
    let room = units(limits::CREDIT_MAX).less(purse.balance.issued);
    let fits = whole_times(room, units(rate.value));
    let times = whole_times(ahead.account.balance.available, rate.points).min(fits).min(times_max);
    if times == 0 {
        return Ok(());
    }
    let lot = LotRef { no: purse.next_lot, earned_at: at, available_at: at, expires_at: Timestamp::NEVER };
    let amount = rate.value_of(times);
    let mut draft = Draft::due(Kind::Convert);
    draft.postings = ahead.account.take(rate.points.times(times), None, Bucket::Converted)?;
    draft.changes.converted = Some(Box::new(Converted { rate, times, certificate: None }));
    draft.changes.credit = vec![CreditPart { lot, amount: Money::new(amount.get()) }];
    ahead.post_at(at, draft);
    let mut draft = Draft::due(Kind::Convert);
    draft.opened.push(LotOpened::plain(lot));
    draft.move_points(lot.no, Bucket::Issued, Bucket::Available, amount);
    ahead.post_credit(at, draft);
    Ok(())
}

/// Each whole number of points becomes a certificate of its own, at most [`limits::ISSUE_MAX`] at once; answers how many. Where
/// they would have expired already, points stay points.
pub(crate) fn into_certificates(
    ahead: &mut Ahead<'_>,
    at: Timestamp,
    (convert, zone): (&Convert, &Zone),
    draft: impl Fn() -> Draft,
) -> Result<i64, NeedMore> {
    let rate = convert.rate;
    let times = whole_times(ahead.account.balance.available, rate.points).min(i64::from(limits::ISSUE_MAX));
    let expires_at = convert.validity.ends(at, zone);
    if times == 0 || expires_at <= at {
        return Ok(0);
    }
    settle_wallet(ahead, at)?;
    let room = units(limits::CREDIT_MAX).less(ahead.account.wallet()?.ledger.balance.issued);
    let times = times.min(whole_times(room, units(rate.value)));
    for _ in 0..times {
        let no = ahead.account.wallet()?.ledger.next_lot;
        let lot = LotRef { no, earned_at: at, available_at: at, expires_at };
        buy_certificate(ahead, at, (lot, rate, convert.uses), draft(), draft())?;
    }
    Ok(times)
}

/// Points become a certificate: `draft` is the entry on the points, `made` that on the certificates.
pub(crate) fn buy_certificate(
    ahead: &mut Ahead<'_>,
    at: Timestamp,
    (lot, rate, uses): (LotRef, ConvertRate, Uses),
    draft: Draft,
    mut made: Draft,
) -> Result<(), NeedMore> {
    buy(ahead, at, (lot, rate), draft)?;
    made.opened.push(LotOpened { certificate: Some(uses), ..LotOpened::plain(lot) });
    made.move_points(lot.no, Bucket::Issued, Bucket::Available, rate.value_of(1));
    ahead.post_used(at, made);
    Ok(())
}

/// Points become a certificate: the entry on the points.
fn buy(
    ahead: &mut Ahead<'_>,
    at: Timestamp,
    (lot, rate): (LotRef, ConvertRate),
    mut draft: Draft,
) -> Result<(), NeedMore> {
    draft.postings = ahead.account.take(rate.points, None, Bucket::Converted)?;
    draft.changes.converted = Some(Box::new(Converted { rate, times: 1, certificate: Some(lot) }));
    ahead.post_at(at, draft);
    Ok(())
}

/// What a command has made points again: a certificate, or so many times the rate of credit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Undone {
    lot: LotRef,
    rate: ConvertRate,
    times: i64,
}

/// What the command made points again is what it was, oldest first, as far as points are there: a certificate, since who has
/// its code in hand keeps it when an order is edited; and credit that would not be made alike now, since a later rate, an end
/// of converting, a switch or a closed account is none of the order's business (C8). `alike` is how points become something now.
fn restore(ahead: &mut Ahead<'_>, at: Timestamp, alike: Option<ConvertRate>) -> Result<(), NeedMore> {
    let mut undone = std::mem::take(&mut ahead.undone);
    undone.sort_unstable_by_key(|it| ConversionKey::of(it.lot, it.rate.target));
    for Undone { lot, rate, times } in undone {
        match rate.target {
            Target::Credit if alike == Some(rate) => {}
            Target::Credit => into_credit(ahead, at, rate, times)?,
            Target::Certificate if ahead.account.balance.available < rate.points => {}
            Target::Certificate => {
                buy(ahead, at, (lot, rate), Draft::due(Kind::Convert))?;
                let mut draft = Draft::due(Kind::Convert);
                draft.move_points(lot.no, Bucket::Revoked, Bucket::Available, rate.value_of(1));
                ahead.post_used(at, draft);
            }
        }
    }
    Ok(())
}

/// The same before what is due is posted, if points that came back would expire or be forfeited then.
pub(crate) fn restore_what_would_go(ahead: &mut Ahead<'_>) -> Result<(), NeedMore> {
    let now = ahead.now();
    let would_expire = |it: &Lot| it.available.is_positive() && ahead.account.expires_at(it) <= now;
    let would_go = || ahead.account.closed().is_some() || ahead.account.lots().iter().any(would_expire);
    if ahead.undone.is_empty() || !would_go() {
        return Ok(());
    }
    repay(ahead, now)?;
    restore(ahead, now, None)
}

/// So often a conversion can be undone.
struct Undo {
    key: ConversionKey,
    times: i64,
}

/// Undoes what holds points of an order and is unspent, before the order changes: it is converted again in the end, and so
/// an order ends as its last document, whatever was converted in between.
pub(crate) fn undo_own(ahead: &mut Ahead<'_>, order: &Order, terms: &Terms) -> Result<(), NeedMore> {
    let Some(own) = order.posted.lot.map(|it| it.no) else { return Ok(()) };
    let is_own = |it: &Conversion| it.taken.iter().any(|it| it.lot.no == own);
    for undo in unspent(ahead, is_own, None)? {
        undo_times(ahead, Some(order.no), &undo, terms)?;
    }
    Ok(())
}

/// Undoes what is unspent of the conversions that fit, for no order.
pub(crate) fn undo_where(
    ahead: &mut Ahead<'_>,
    fits: impl Fn(&Conversion) -> bool,
    terms: &Terms,
) -> Result<(), NeedMore> {
    for undo in unspent(ahead, fits, None)? {
        undo_times(ahead, None, &undo, terms)?;
    }
    Ok(())
}

/// Undoes whole conversions of which nothing is spent, latest first, until so many points are back: if there are not as
/// many, then `or_none` does nothing (C8).
pub(crate) fn undo_latest(
    ahead: &mut Ahead<'_>,
    order: OrderNo,
    points: Points,
    or_none: bool,
    terms: &Terms,
) -> Result<(), NeedMore> {
    if points.is_zero() {
        return Ok(());
    }
    let undos = unspent(ahead, |_| true, Some(points))?;
    let back = |it: &Undo| conversion(&ahead.account, it.key).rate.points.times(it.times);
    if or_none && undos.iter().map(back).sum::<Points>() < points {
        return Ok(());
    }
    for undo in undos {
        undo_times(ahead, Some(order), &undo, terms)?;
    }
    Ok(())
}

/// The conversions that fit and are unspent, latest first, up to so many points. What has nothing unspent behind it is not
/// looked at. Of credit that is whole times the rate, of a certificate all of it or nothing.
fn unspent(
    ahead: &mut Ahead<'_>,
    fits: impl Fn(&Conversion) -> bool,
    wanted: Option<Points>,
) -> Result<Vec<Undo>, NeedMore> {
    if ahead.account.balance.converted.is_zero() {
        return Ok(Vec::new());
    }
    let timeline = ahead.rules.timeline;
    if timeline.converts_to(Target::Certificate) {
        let now = ahead.now();
        settle_wallet(ahead, now)?;
    }
    let account = &ahead.account;
    let ledger = |target: Target| match target {
        Target::Credit => account.purse().map(|it| &it.credit),
        Target::Certificate => account.wallet().map(|it| &it.ledger),
    };
    let mut unseen = Points::ZERO;
    for target in Target::ALL.into_iter().filter(|it| timeline.converts_to(*it)) {
        unseen += ledger(target)?.balance.available;
    }
    let mut left = wanted;
    let mut undos = Vec::new();
    let loaded = account.conversions().iter().rev();
    for it in loaded.take_while(|it| account.horizon.conversions.is_none_or(|first| first <= it.key())) {
        if unseen.is_zero() || left.is_some_and(Points::is_zero) {
            return Ok(undos);
        }
        let lot = ledger(it.rate.target)?.lot(it.lot.no).ok_or(NeedMore)?;
        unseen -= lot.available;
        let converted: Points = it.taken.iter().map(|it| it.points).sum();
        let there = match it.rate.target {
            Target::Credit => whole_times(lot.available, units(it.rate.value)),
            Target::Certificate => {
                i64::from(lot.available == units(it.rate.value) && !ahead.reserved.contains(&it.lot.no))
            }
        };
        let most = there.min(whole_times(converted, it.rate.points));
        let times = left.map_or(most, |left| most.min(times_up(left, it.rate.points)));
        if 0 < times && fits(it) {
            left = left.map(|left| left.less(it.rate.points.times(times)));
            undos.push(Undo { key: it.key(), times });
        }
    }
    let is_done = unseen.is_zero() || left.is_some_and(Points::is_zero);
    if is_done || account.horizon.conversions.is_none() { Ok(undos) } else { Err(NeedMore) }
}

fn conversion(account: &Account, key: ConversionKey) -> &Conversion {
    account.conversions().iter().find(|it| it.key() == key).expect("it was just found")
}

/// The points go back to their lots, last taken first, and the credit or the certificate goes.
fn undo_times(ahead: &mut Ahead<'_>, order: Option<OrderNo>, undo: &Undo, terms: &Terms) -> Result<(), NeedMore> {
    let undone = conversion(&ahead.account, undo.key).clone();
    let mut draft = Draft::new(Kind::Unconvert, Reason::Due);
    draft.order = order;
    give_back(ahead, &undone, undo.times, draft, terms);
    let (now, amount) = (ahead.now(), undone.rate.value_of(undo.times));
    let mut draft = Draft::new(Kind::Unconvert, Reason::Due);
    draft.postings.push(Posting { lot: undone.lot.no, from: Bucket::Available, to: Bucket::Revoked, points: amount });
    match undone.rate.target {
        Target::Credit => ahead.post_credit(now, draft),
        Target::Certificate => ahead.post_used(now, draft),
    }
    ahead.undone.push(Undone { lot: undone.lot, rate: undone.rate, times: undo.times });
    Ok(())
}

/// The entry on the points.
fn give_back(ahead: &mut Ahead<'_>, undone: &Conversion, times: i64, mut draft: Draft, terms: &Terms) {
    let (rate, lot) = (undone.rate, undone.lot);
    let certificate = match rate.target {
        Target::Certificate => Some(lot),
        Target::Credit => {
            draft.changes.credit = vec![CreditPart { lot, amount: Money::new(-rate.value_of(times).get()) }];
            None
        }
    };
    draft.changes.converted = Some(Box::new(Converted { rate, times: -times, certificate }));
    let mut left = rate.points.times(times);
    for taken in undone.taken.iter().rev() {
        let points = left.min(taken.points);
        if points.is_zero() {
            break;
        }
        let back = Back { lot: taken.lot.no, from: Bucket::Converted, points };
        put_back(&mut draft, &ahead.account, back, terms, ahead.now());
        left -= points;
    }
    ahead.post(draft);
}

/// The certificate, if points of this account bought it and nothing of it is used: then `draft` gives the points back, and the
/// answer is what it was worth (C5).
pub(crate) fn give_back_unused(
    ahead: &mut Ahead<'_>,
    certificate: LotRef,
    draft: Draft,
    terms: &Terms,
) -> Result<Option<Points>, NeedMore> {
    let Some(bought) = ahead.account.bought(certificate)?.cloned() else { return Ok(None) };
    let value = bought.value();
    let lot = ahead.account.wallet()?.ledger.lot(certificate.no).ok_or(NeedMore)?;
    if lot.available != value {
        return Ok(None);
    }
    give_back(ahead, &bought, 1, draft, terms);
    Ok(Some(value))
}
