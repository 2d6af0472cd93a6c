//! Certificates (C3, C4, C5, O8): what is left of one is what it was worth, less what each order has of it.

use engine::{Document, IssueCertificates, PointsPart, Terms, Timestamp, Uses, Validity, Zone};

use super::amounts::{Kept, applies, minor, up};
use super::conversions::Into;
use super::{Model, Order, Refused};

#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    value: i128,
    uses: Uses,
    pub(crate) expires_at: Timestamp,
    /// It had days of grace.
    graced: bool,
    /// What of it was left when it expired.
    expired: i128,
    /// By staff, at the end of the grace of who has left, or since its points are points again.
    pub(crate) cancelled: bool,
}

impl Certificate {
    pub(super) fn new(value: i128, uses: Uses, expires_at: Timestamp) -> Self {
        Self { value, uses, expires_at, graced: false, expired: 0, cancelled: false }
    }
}

/// What an order has of a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) certificate: usize,
    pub(crate) paid: i128,
    /// What is lost as long as it has it.
    pub(crate) lost: i128,
}

/// What certificates are to pay of an order.
pub(super) struct Plan {
    pub(super) named: Vec<(usize, bool)>,
    pub(super) parts: Vec<Part>,
    /// Of what is kept, and of what was sold.
    pub(super) pays: (i128, i128),
}

impl Model {
    /// What can be spent of a certificate.
    pub(crate) fn left_of(&self, certificate: usize) -> i128 {
        let it = &self.certificates[certificate];
        if it.cancelled {
            return 0;
        }
        let parts = self.orders.iter().flatten().flat_map(|it| &it.paid_by).filter(|it| it.certificate == certificate);
        it.value - it.expired - parts.map(|it| it.paid + it.lost).sum::<i128>()
    }

    pub(super) fn issue(&mut self, it: &IssueCertificates, now: Timestamp) -> Result<(), Refused> {
        self.check_open()?;
        let expires_at = it.validity.ends(now, &Zone::utc());
        if minor(it.value) <= 0 || expires_at <= now {
            return Err("invalid");
        }
        self.certificates.push(Certificate::new(minor(it.value), it.uses, expires_at));
        Ok(())
    }

    pub(super) fn cancel_certificate(&mut self, no: u64, now: Timestamp) -> Result<(), Refused> {
        let certificate = self.certificate_of(no)?;
        if !self.certificates[certificate].cancelled {
            self.give_back_unused(certificate, now);
            self.end_certificate(certificate, now);
        }
        Ok(())
    }

    fn certificate_of(&self, no: u64) -> Result<usize, Refused> {
        let index = usize::try_from(no).ok().and_then(|it| it.checked_sub(1));
        index.filter(|it| *it < self.certificates.len()).ok_or("unknown_certificate")
    }

    pub(super) fn end_certificate(&mut self, certificate: usize, at: Timestamp) {
        let it = &mut self.certificates[certificate];
        (it.cancelled, it.expires_at) = (true, it.expires_at.min(at));
    }

    /// Whether an order has something of it.
    pub(super) fn is_in_use(&self, certificate: usize) -> bool {
        self.orders.iter().flatten().flat_map(|it| &it.paid_by).any(|it| it.certificate == certificate)
    }

    /// Whether something of a certificate was left when it expired.
    pub(super) fn has_expired(&self, certificate: usize) -> bool {
        0 < self.certificates[certificate].expired
    }

    /// Instant by instant: what has expired, then what whoever has left leaves behind.
    pub(super) fn settle_certificates(&mut self, now: Timestamp) {
        let ends = self.wallet_ends_at();
        let mut dues: Vec<Timestamp> = self.certificates.iter().map(|it| it.expires_at).chain(ends).collect();
        dues.sort_unstable();
        for due in dues.into_iter().filter(|it| *it <= now) {
            for certificate in 0..self.certificates.len() {
                let left = self.left_of(certificate);
                if self.certificates[certificate].expires_at <= due {
                    self.certificates[certificate].expired += left;
                } else if ends.is_some_and(|it| it <= due) && 0 < left {
                    self.end_certificate(certificate, due.max(self.posted_at));
                }
            }
        }
    }

    /// What certificates are to pay: those that the document names, or those that still stand; the soonest to expire first,
    /// each as much as it can.
    pub(super) fn plan_certificates(
        &self,
        slot: usize,
        document: &Document,
        kept: &Kept,
        now: Timestamp,
    ) -> Result<Plan, Refused> {
        let order = self.order(slot);
        let terms = &order.terms;
        let mut asked: Vec<usize> = match &document.certificates {
            _ if document.cancelled_at.is_some() => Vec::new(),
            Some(all) => all.iter().map(|it| self.certificate_of(it.0)).collect::<Result<_, _>>()?,
            None => order.named.iter().filter(|it| it.1).map(|it| it.0).collect(),
        };
        let is_new = |it: &usize| order.named.iter().all(|known| known.0 != *it);
        let new: Vec<usize> = asked.iter().copied().filter(is_new).collect();
        for certificate in &new {
            self.check_certificate(slot, document, *certificate, now)?;
        }
        asked.sort_by_key(|it| (self.certificates[*it].expires_at, *it));
        let (payable, payable_sold) = kept.payable(&terms.redeem);
        let (mut pays, mut pays_sold) = (0, 0);
        let mut named: Vec<(usize, bool)> = order.named.iter().map(|it| (it.0, false)).collect();
        let mut parts = Vec::new();
        for certificate in asked {
            let own = has(order, certificate);
            let more = if self.check_open().is_err() || order.closed { 0 } else { self.left_of(certificate) };
            let most = own.paid + own.lost + more;
            let uses = self.certificates[certificate].uses;
            // A coupon of a share pays no more than that of all there is to pay.
            let at_most = |all: i128| uses.share().map_or(all, |it| all * i128::from(it.0) / 10_000);
            let sold = most.min(at_most(payable_sold)).min(payable_sold - pays_sold);
            let left = at_most(payable).min(payable - pays);
            let (paid, stands, of_sold) = match terms.points_part {
                PointsPart::Stays => {
                    let paid = most.min(left);
                    (paid, 0 < paid, paid)
                }
                PointsPart::InProportion if payable_sold == 0 => (0, false, 0),
                PointsPart::InProportion => (up(sold * payable, payable_sold).min(left), 0 < sold, sold),
            };
            (pays, pays_sold) = (pays + paid, pays_sold + of_sold);
            if 0 < paid {
                parts.push(Part { certificate, paid, lost: if uses.is_once() { most - paid } else { 0 } });
            }
            named.retain(|it| it.0 != certificate);
            named.push((certificate, stands));
        }
        if new.iter().any(|it| named.contains(&(*it, false))) {
            return Err("certificate_exceeds_order");
        }
        Ok(Plan { named, parts, pays: (pays, pays_sold) })
    }

    fn check_certificate(
        &self,
        slot: usize,
        document: &Document,
        certificate: usize,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let order = self.order(slot);
        let it = &self.certificates[certificate];
        let bought =
            (0..self.conversions.len()).filter(|no| self.conversions[*no].into == Into::Certificate(certificate));
        let of_order = bought.filter(|no| self.holds_points_of(*no, slot)).count();
        let refusals = [
            (!order.on, "program_off"),
            (self.check_open().is_err() || order.closed, "account_closed"),
            (!applies(&order.terms, document), "order_type"),
            (it.cancelled, "certificate_cancelled"),
            (it.expires_at <= now, "certificate_expired"),
            (self.left_of(certificate) == 0, "certificate_used"),
            (0 < of_order, "certificate_of_order"),
        ];
        refusals.into_iter().find(|it| it.0).map_or(Ok(()), |it| Err(it.1))
    }

    /// What an order no longer takes comes back; what has expired has days of grace, once. Answers whether anything did.
    pub(super) fn refund_certificates(&mut self, slot: usize, plan: &Plan, terms: &Terms, now: Timestamp) -> bool {
        let before = self.order(slot).paid_by.clone();
        let after = |part: &Part| plan.parts.iter().find(|it| it.certificate == part.certificate).copied();
        let mut any = false;
        for part in before {
            let after = after(&part).unwrap_or(Part { paid: 0, lost: 0, ..part });
            if part.paid <= after.paid {
                continue;
            }
            any = true;
            let parts = &mut self.order_mut(slot).paid_by;
            parts.retain(|it| it.certificate != part.certificate);
            if 0 < after.paid {
                parts.push(after);
            }
            let it = &mut self.certificates[part.certificate];
            let comes_back = part.paid + part.lost - after.paid - after.lost;
            if 0 < comes_back && !it.cancelled && it.expires_at <= now {
                if it.graced || terms.grace_days == 0 {
                    it.expired += comes_back;
                } else {
                    (it.graced, it.expires_at) = (true, Validity::Days(terms.grace_days).ends(now, &terms.zone));
                }
            }
        }
        any
    }

    /// What the order newly uses, and what it had.
    pub(super) fn use_certificates(&mut self, slot: usize, plan: &Plan) {
        self.order_mut(slot).paid_by = plan.parts.clone();
    }
}

fn has(order: &Order, certificate: usize) -> Part {
    let part = order.paid_by.iter().find(|it| it.certificate == certificate);
    part.copied().unwrap_or(Part { certificate, paid: 0, lost: 0 })
}
