//! What staff do with certificates, those that belong to nobody among them: what the store does beside the rules.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use engine::{
    Account, BEARER_LOT, BearerClaim, Decided, Decision, Document, Entry, LotNo, Moment, Place, Placed as _, Reason,
    Rejection, Rules, Stop, Timeline, Timestamp,
};

use super::super::backend::{MemberNo, Outcome, Reply, member_bytes};
use super::super::certificates::{CertificateAct, Told, bearer_of, bearer_told};
use super::EngineBackend;

#[derive(Default)]
pub(super) struct Bearer {
    pub(super) ledger: Account,
    pub(super) entries: Vec<Entry>,
}

/// A document with the numbers that its certificates have or get, and those of nobody among them.
struct Named {
    document: Arc<Document>,
    bearers: Vec<(usize, LotNo)>,
}

impl Bearer {
    fn post(&mut self, decided: &Decided) {
        self.ledger.apply(decided);
        self.entries.extend(decided.entries.iter().cloned());
    }
}

impl EngineBackend {
    pub(super) fn on_bearers(&mut self, act: &CertificateAct, moment: Moment) -> Outcome {
        match act {
            CertificateAct::Issue(new) => {
                let version = self.timeline.at(moment.now).or(self.timeline.versions().first());
                let terms = &version.ok_or_else(|| anyhow!("there is a program"))?.terms;
                let issued = engine::issue_bearers(&CertificateAct::issue(new, terms), &terms.zone, moment);
                Ok(answered(issued)?.map(|all| {
                    for decided in all {
                        let mut bearer = Bearer::default();
                        bearer.post(&decided);
                        self.bearers.push(bearer);
                    }
                    Reply::Done
                }))
            }
            CertificateAct::Cancel { certificate, note } => {
                let index = usize::try_from(certificate.0)?.wrapping_sub(1);
                if let Some((member, certificate)) = self.bearers.get(index).and_then(|it| self.claimed(it)) {
                    let cancel = CertificateAct::Cancel { certificate, note: note.clone() };
                    return Ok(self.on_certificates(member, &cancel, moment)?.map(|_| Reply::Done));
                }
                let Some(bearer) = self.bearers.get_mut(index) else { return Ok(Err(Rejection::UnknownCertificate)) };
                let cancel = engine::CancelCertificate { certificate: BEARER_LOT, note: note.clone() };
                let decided = answered(engine::cancel_certificate(&bearer.ledger, &cancel, moment))?;
                Ok(decided.map(|decided| {
                    bearer.post(&decided);
                    Reply::Done
                }))
            }
        }
    }

    pub(super) fn on_certificates(
        &mut self,
        member: MemberNo,
        act: &CertificateAct,
        moment: Moment,
    ) -> Result<Result<Decided, Rejection>> {
        let version = self.timeline.at(moment.now).or(self.timeline.versions().first());
        let terms = version.map(|it| it.terms.clone()).ok_or_else(|| anyhow!("there is a program"))?;
        let is_closed = self.accounts.get(&member).is_some_and(|it| it.account.closed().is_some());
        if act.is_issue() && is_closed {
            return Ok(Err(Rejection::AccountClosed));
        }
        self.decide(member, |account, rules| act.decide(account, rules, &terms, moment))
    }

    /// Who has claimed it, and its number there as it stands now.
    fn claimed(&self, bearer: &Bearer) -> Option<(MemberNo, LotNo)> {
        let Reason::Bearer { other, certificate } = bearer.entries.last()?.reason else { return None };
        let first = MemberNo(u32::try_from(u128::from_be_bytes(other)).ok()?);
        let (member, place) = self.home(first);
        Some((member, certificate.under(place)))
    }

    /// The certificates of a document in the numbers of the member's, those of nobody among them.
    fn numbered(&self, member: MemberNo, under: Place, document: &Document) -> Result<Named, Rejection> {
        let wallet = self.accounts.get(&member).and_then(|it| it.account.wallet.as_ref());
        let mut next = wallet.map_or(LotNo::first(under), |it| it.ledger.next_lot_of(under));
        let (mut numbers, mut bearers) = (Vec::new(), Vec::new());
        for no in document.certificates.iter().flatten() {
            let Some(index) = bearer_of(*no) else {
                numbers.push(*no);
                continue;
            };
            let bearer = self.bearers.get(index).ok_or(Rejection::UnknownCertificate)?;
            match self.claimed(bearer) {
                Some((owner, no)) if owner == member => numbers.push(no),
                Some(_) => return Err(Rejection::CertificateClaimed),
                None if document.cancelled_at.is_some() => {}
                None => {
                    numbers.push(next);
                    bearers.push((index, next));
                    next = next.next();
                }
            }
        }
        let certificates = document.certificates.as_ref().map(|_| numbers);
        Ok(Named { document: Arc::new(Document { certificates, ..document.clone() }), bearers })
    }

    fn claim_of(&self, member: MemberNo, under: Place, index: usize) -> BearerClaim {
        let first = self.merges.iter().find(|it| it.survivor == member && it.place == under).map(|it| it.member);
        let (bearer, member) = (self.bearer_bytes(index), member_bytes(first.unwrap_or(member)));
        BearerClaim { bearer, certificate: BEARER_LOT, member, under }
    }

    fn bearer_bytes(&self, index: usize) -> [u8; 16] {
        let mut bytes = [0xff; 16];
        bytes[8..].copy_from_slice(&index.to_be_bytes());
        bytes
    }

    /// The document as the rules are to see it, on a copy of the account that has the certificates of nobody that it names.
    pub(super) fn shown(
        &self,
        (member, under): (MemberNo, Place),
        account: &mut Account,
        document: &Document,
        moment: Moment,
    ) -> Result<Result<Arc<Document>, Rejection>> {
        let named = match self.numbered(member, under, document) {
            Ok(named) => named,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let ledger = |index: usize| self.bearers.get(index).map(|it| it.ledger.clone()).unwrap_or_default();
        let all = named.bearers.iter().map(|(index, _)| (ledger(*index), self.claim_of(member, under, *index)));
        let shown = engine::show_bearers(account, &all.collect::<Vec<_>>(), moment);
        Ok(answered(shown)?.map(|()| named.document))
    }

    /// Decides on a document of a member. One that takes certificates of nobody claims them.
    pub(super) fn decide_with(
        &mut self,
        member: MemberNo,
        document: &Document,
        moment: Moment,
        rule: impl Fn(&Account, Rules<'_>, &Arc<Document>) -> Decision,
    ) -> Result<Result<Decided, Rejection>> {
        self.accounts.entry(member).or_default();
        let under = self.under;
        let named = match self.numbered(member, under, document) {
            Ok(named) => named,
            Err(rejection) => return Ok(Err(rejection)),
        };
        if !named.bearers.is_empty() {
            let account = self.accounts.get(&member).map(|it| it.account.clone());
            let mut account = account.ok_or_else(|| anyhow!("it was just made"))?;
            if let Err(rejection) = self.shown((member, under), &mut account, document, moment)? {
                return Ok(Err(rejection));
            }
            let tried = self.try_on(member, &account, |account, rules| rule(account, rules, &named.document));
            let tried = match answered(tried)? {
                Ok(tried) => tried,
                Err(rejection) => return Ok(Err(rejection)),
            };
            let takes = |no: LotNo| tried.order.iter().flat_map(|it| &it.certificates).any(|it| it.certificate == no);
            if named.bearers.iter().all(|(_, no)| takes(*no)) {
                for (index, _) in &named.bearers {
                    self.claim_bearer(member, *index, moment)?;
                }
            }
        }
        self.decide(member, |account, rules| rule(account, rules, &named.document))
    }

    fn claim_bearer(&mut self, member: MemberNo, index: usize, moment: Moment) -> Result<()> {
        let claim = self.claim_of(member, self.under, index);
        let kept = self.accounts.entry(member).or_default();
        let wallet = kept.account.wallet.as_ref().ok_or_else(|| anyhow!("an account has its certificates"))?;
        let bearer = self.bearers.get_mut(index).ok_or_else(|| anyhow!("it was just tried"))?;
        let claimed = engine::claim_bearer(&bearer.ledger, &wallet.ledger, &claim, moment);
        let claimed = claimed.map_err(|it| anyhow!("{it:?}"))?;
        kept.post_certificates(&claimed.member);
        bearer.post(&claimed.bearer);
        Ok(())
    }

    /// All that were made for nobody, as they stand.
    pub(super) fn bearers_told(&self, now: Timestamp) -> Result<Vec<Told>> {
        let told = |(index, it): (usize, &Bearer)| {
            let mut ledger = it.ledger.clone();
            let nothing = Timeline::default();
            let due = engine::settle(&ledger, Rules::of(&nothing), now);
            ledger.apply(&due.map_err(|_| anyhow!("every certificate is loaded"))?);
            let lot = ledger.lot(BEARER_LOT).ok_or_else(|| anyhow!("a certificate is there"))?;
            Ok(bearer_told(index, lot, self.claimed(it).is_some()))
        };
        self.bearers.iter().enumerate().map(told).collect()
    }
}

/// What the rules say, of whom everything is loaded.
fn answered<T>(decision: Result<T, Stop>) -> Result<Result<T, Rejection>> {
    match decision {
        Ok(decided) => Ok(Ok(decided)),
        Err(Stop::Rejected(rejection)) => Ok(Err(rejection)),
        Err(Stop::NeedMore) => Err(anyhow!("every lot is loaded, and still the engine asks for more")),
    }
}
