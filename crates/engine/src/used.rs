//! Certificates pay part of an order (C4, O8).
//!
//! They are used before every other means, soonest expiry first, and come back after them. They pay for what points may
//! pay for, and lower what earns as a coupon does. Each pays as much as it can, one of a share so much of all that certificates may pay
//! for; of one that can be used once the rest is lost for as long as the order uses it. What they pay follows from what the order costs, from what is left of them and what the order has of
//! them: not from how it came there.

use crate::account::{Account, Lot, NeedMore};
use crate::calendar::Timestamp;
use crate::certificate::{Uses, left, money, settle_wallet};
use crate::close::{self, Of};
use crate::credit::units;
use crate::decision::{Ahead, Draft, Stop};
use crate::document::Document;
use crate::entry::{Bucket, CertificatePart, Kind, LotNo, LotRef, PaidCertificates, Reason};
use crate::kept::Kept;
use crate::money::{Money, share_up};
use crate::posted::{Accepted, Order};
use crate::program::{PointsPart, Terms};
use crate::rejection::Rejection;

/// What certificates are to pay of an order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Used {
    /// What the order had of them before.
    before: Vec<CertificatePart>,
    after: Vec<CertificatePart>,
    /// Those that were ever accepted for it, with this document.
    accepted: Vec<Accepted>,
    fits: Money,
    /// What they pay of what is kept, and what of the order as sold.
    kept: Money,
    sold: Money,
}

impl Used {
    /// Fixes what certificates pay. Settles the wallet; an order that has to do with none leaves it alone.
    pub(crate) fn of(
        start: &mut Ahead<'_>,
        order: &Order,
        document: &Document,
        kept: &Kept,
        terms: &Terms,
        behind: bool,
    ) -> Result<Self, Stop> {
        if document.certificates.as_ref().is_none_or(Vec::is_empty) && order.certificates.is_empty() {
            return Ok(Self::default());
        }
        let now = start.now();
        settle_wallet(start, now)?;
        let ledger = &start.account.wallet()?.ledger;
        let asked = asked(order, document);
        let mut lots = Vec::with_capacity(asked.len());
        for no in &asked {
            let lot = ledger.lot(*no).filter(|it| it.certificate.is_some());
            lots.push(lot.ok_or(Rejection::UnknownCertificate)?);
        }
        let is_new = |it: &&Lot| order.certificates.iter().all(|known| known.certificate != it.at.no);
        let new: Vec<&Lot> = lots.iter().copied().filter(is_new).collect();
        let suspended = close::suspended(&start.account, order, start.rules, Of::Certificates);
        for lot in &new {
            check(order, document, lot, terms, (suspended.clone(), start.now()))?;
            if start.account.is_bought_with_points_of(lot.at, order)? {
                return Err(Rejection::CertificateOfOrder { certificate: lot.at.no }.into());
            }
        }
        lots.sort_unstable_by_key(|it| (it.at.expires_at, it.at.no));
        // Those of a member who has left are suspended: an order keeps what it has of them, and takes no more.
        let is_closed = suspended == Some(Rejection::AccountClosed);
        let used = Self::planned(order, kept, &lots, terms, behind || is_closed);
        for lot in new {
            let certificate = lot.at.no;
            if behind {
                return Err(Rejection::BehindAccount.into());
            }
            if used.accepted.iter().all(|it| it.certificate != certificate || !it.stands) {
                return Err(Rejection::CertificateExceedsOrder { certificate }.into());
            }
        }
        Ok(used)
    }

    /// Shares the order out among certificates, first come first served.
    fn planned(order: &Order, kept: &Kept, lots: &[&Lot], terms: &Terms, behind: bool) -> Self {
        let mut used = Self { before: order.posted.certificates.clone(), fits: kept.payable, ..Self::default() };
        used.accepted = order.certificates.iter().map(|it| Accepted { stands: false, ..*it }).collect();
        for lot in lots {
            let own = part_of(&order.posted.certificates, lot);
            let there = if behind { Money::ZERO } else { left(lot) };
            let most = own.paid + own.lost + there;
            let uses = uses(lot);
            let sold = most.min(uses.pays_of(kept.payable_sold)).min(kept.payable_sold.less(used.sold));
            // A share is one of what is kept, however the order came to that.
            let fits = uses.pays_of(kept.payable).min(kept.payable.less(used.kept));
            let paid = match terms.points_part {
                PointsPart::Stays => most.min(fits),
                PointsPart::InProportion if kept.payable_sold.is_zero() => Money::ZERO,
                PointsPart::InProportion => {
                    let share = share_up(sold, kept.payable.minor(), kept.payable_sold.minor());
                    share.min(fits)
                }
            };
            let stands = match terms.points_part {
                PointsPart::Stays => paid.is_positive(),
                PointsPart::InProportion => sold.is_positive(),
            };
            used.kept += paid;
            used.sold += match terms.points_part {
                PointsPart::Stays => paid,
                PointsPart::InProportion => sold,
            };
            let lost = if uses.is_once() && paid.is_positive() { most - paid } else { Money::ZERO };
            if paid.is_positive() {
                used.after.push(CertificatePart { paid, lost, ..own });
            }
            match used.accepted.iter_mut().find(|it| it.certificate == lot.at.no) {
                Some(known) => known.stands = stands,
                None => used.accepted.push(Accepted { certificate: lot.at.no, stands }),
            }
        }
        used
    }

    /// What is left of the order for the other means.
    pub(crate) fn rest(&self, kept: Kept) -> Kept {
        if self.kept.is_zero() && self.sold.is_zero() { kept } else { kept.after_certificates(self.kept, self.sold) }
    }

    /// What certificates pay of the order as sold.
    pub(crate) fn sold(&self) -> Money {
        self.sold
    }

    pub(crate) fn accepted(&self) -> Vec<Accepted> {
        self.accepted.clone()
    }

    /// Those that the order is to use.
    pub(crate) fn reserved(&self) -> Vec<LotNo> {
        self.after.iter().map(|it| it.lot.no).collect()
    }

    pub(crate) fn changes(&self) -> bool {
        self.changed().next().is_some()
    }

    fn changed(&self) -> impl Iterator<Item = CertificatePart> {
        let gone = self.before.iter().filter(|it| self.after.iter().all(|after| after.lot.no != it.lot.no));
        let gone = gone.map(|it| CertificatePart { paid: Money::ZERO, lost: Money::ZERO, ..*it });
        let stays = self.after.iter().filter(|it| {
            let before = self.before.iter().find(|before| before.lot.no == it.lot.no);
            before.is_none_or(|before| (before.paid, before.lost) != (it.paid, it.lost))
        });
        gone.chain(stays.copied())
    }

    fn paid(&self) -> PaidCertificates {
        let before = self.before.iter().map(|it| it.paid).sum();
        PaidCertificates { fits: self.fits, before, after: self.kept }
    }

    /// Gives value back to certificates, the last to be used first; answers whether there was any.
    pub(crate) fn give_back(&self, ahead: &mut Ahead<'_>, order: &Order, terms: &Terms) -> Result<bool, NeedMore> {
        let mut less: Vec<_> = self.changed().filter(|it| it.paid < self.before_of(it).paid).collect();
        less.sort_unstable_by_key(|it| std::cmp::Reverse((it.lot.expires_at, it.lot.no)));
        if less.is_empty() {
            return Ok(false);
        }
        let (mut points, mut wallet) = self.drafts(Kind::GiveBack, order);
        for after in less {
            let before = self.before_of(&after);
            let lot = *ahead.account.wallet()?.ledger.lot(after.lot.no).expect("what an order uses is loaded");
            let freed = before.paid - after.paid;
            if after.paid.is_positive() && uses(&lot).is_once() {
                wallet.move_points(lot.at.no, Bucket::Redeemed, Bucket::Forfeited, units(freed));
            } else {
                let to = self.bucket_for(&mut wallet, &ahead.account, &lot, terms, ahead.now())?;
                wallet.move_points(lot.at.no, Bucket::Redeemed, to, units(freed));
                if to != Bucket::Forfeited {
                    wallet.move_points(lot.at.no, Bucket::Forfeited, to, units(before.lost));
                }
            }
            points.changes.certificates.push(difference(&before, &after));
        }
        ahead.post(points);
        ahead.post_used(ahead.now(), wallet);
        Ok(true)
    }

    /// Where value goes that comes back: one that has expired has the program's grace, once; a cancelled one stays cancelled.
    fn bucket_for(
        &self,
        wallet: &mut Draft,
        account: &Account,
        lot: &Lot,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Bucket, NeedMore> {
        if lot.certificate.is_some_and(|it| it.is_cancelled) {
            return Ok(Bucket::Forfeited);
        }
        if now < account.wallet()?.ledger.expires_at(lot) {
            return Ok(Bucket::Available);
        }
        if lot.dated_by.is_some() || lot.graced || terms.grace_days == 0 {
            return Ok(Bucket::Expired);
        }
        let last_day = terms.zone.date_of(now).plus_days(i32::from(terms.grace_days));
        wallet.dated.push(LotRef { expires_at: terms.zone.end_of(last_day), ..lot.at });
        Ok(Bucket::Available)
    }

    /// Takes what the order newly uses, soonest expiry first.
    pub(crate) fn take(&self, ahead: &mut Ahead<'_>, order: &Order) -> Result<(), NeedMore> {
        let more: Vec<_> = self.changed().filter(|it| self.before_of(it).paid < it.paid).collect();
        if more.is_empty() {
            return Ok(());
        }
        let (mut points, mut wallet) = self.drafts(Kind::Use, order);
        for after in more {
            let before = self.before_of(&after);
            let lot = *ahead.account.wallet()?.ledger.lot(after.lot.no).expect("what an order asks for is loaded");
            let more = after.paid - before.paid;
            let found = more.min(before.lost);
            wallet.move_points(lot.at.no, Bucket::Forfeited, Bucket::Redeemed, units(found));
            wallet.move_points(lot.at.no, Bucket::Available, Bucket::Redeemed, units(more - found));
            let lost = after.lost.less(before.lost);
            wallet.move_points(lot.at.no, Bucket::Available, Bucket::Forfeited, units(lost));
            points.changes.certificates.push(difference(&before, &after));
        }
        ahead.post(points);
        ahead.post_used(ahead.now(), wallet);
        Ok(())
    }

    fn drafts(&self, kind: Kind, order: &Order) -> (Draft, Draft) {
        let mut points = Draft::new(kind, Reason::Certificates(self.paid()));
        points.order = Some(order.no);
        (points, Draft::new(kind, Reason::Due))
    }

    fn before_of(&self, part: &CertificatePart) -> CertificatePart {
        let nothing = CertificatePart { paid: Money::ZERO, lost: Money::ZERO, ..*part };
        self.before.iter().find(|it| it.lot.no == part.lot.no).copied().unwrap_or(nothing)
    }
}

fn difference(before: &CertificatePart, after: &CertificatePart) -> CertificatePart {
    CertificatePart { lot: after.lot, paid: after.paid - before.paid, lost: after.lost - before.lost }
}

pub(crate) fn uses(lot: &Lot) -> Uses {
    lot.certificate.map_or(Uses::Several, |it| it.uses)
}

/// The certificates that an order is to use.
fn asked(order: &Order, document: &Document) -> Vec<LotNo> {
    match &document.certificates {
        _ if document.cancelled_at.is_some() => Vec::new(),
        Some(certificates) => certificates.clone(),
        None => order.certificates.iter().filter(|it| it.stands).map(|it| it.certificate).collect(),
    }
}

fn part_of(parts: &[CertificatePart], lot: &Lot) -> CertificatePart {
    let nothing = CertificatePart { lot: lot.at, paid: Money::ZERO, lost: Money::ZERO };
    parts.iter().find(|it| it.lot.no == lot.at.no).copied().unwrap_or(nothing)
}

/// Refuses a certificate that no order, or not this one, can use.
pub(crate) fn check(
    order: &Order,
    document: &Document,
    lot: &Lot,
    terms: &Terms,
    (suspended, now): (Option<Rejection>, Timestamp),
) -> Result<(), Rejection> {
    let certificate = lot.at.no;
    if !order.pinned.on {
        return Err(Rejection::ProgramOff);
    }
    if let Some(rejection) = suspended {
        return Err(rejection);
    }
    if !terms.applies_to(document) {
        return Err(Rejection::OrderType);
    }
    if lot.certificate.is_some_and(|it| it.is_cancelled) {
        return Err(Rejection::CertificateCancelled { certificate });
    }
    if lot.at.expires_at <= now {
        return Err(Rejection::CertificateExpired { certificate });
    }
    if lot.available.is_zero() {
        return Err(Rejection::CertificateUsed { certificate });
    }
    Ok(())
}

/// What is left of an order as it stands, of which certificates pay so much as sold.
pub(crate) fn standing(order: &Order, kept: Kept, sold: Option<Money>) -> Kept {
    let paid = order.posted.by_certificates();
    let sold = sold.unwrap_or(paid);
    if paid.is_zero() && sold.is_zero() { kept } else { kept.after_certificates(paid, sold) }
}

/// What of a certificate could pay for an order alone.
pub(crate) fn alone(lot: &Lot, payable: Money) -> (Money, Money) {
    let there = money(lot.available);
    let pays = there.min(uses(lot).pays_of(payable));
    (pays, if uses(lot).is_once() { there - pays } else { Money::ZERO })
}
