//! Certificates that belong to nobody until they are used (C3): each is the one lot of a ledger of its own.
//!
//! The first order of a member that names one claims it: it leaves that ledger and comes to the member's certificates as it is,
//! with its value, its dates and its uses. From then on it is one of the member's. Until then it expires and is cancelled as every certificate.

use std::sync::Arc;

use crate::account::{Account, NeedMore};
use crate::calendar::Zone;
use crate::certificate::{IssueCertificates, issue_certificates};
use crate::decision::{Ahead, Decided, Draft, Moment, Stop};
use crate::entry::{Bucket, Kind, LotNo, LotOpened, LotRef, Reason};
use crate::place::{Place, Placed as _};
use crate::program::{Rules, Timeline};
use crate::rejection::Rejection;
use crate::settle::settle_ahead;

/// The number of each in its own ledger, where nothing else is.
pub const BEARER_LOT: LotNo = LotNo(1);

/// Gives certificates to nobody: what each of their ledgers begins with.
///
/// # Errors
/// `Invalid`.
pub fn issue_bearers(issue: &IssueCertificates, zone: &Zone, moment: Moment) -> Result<Vec<Decided>, Stop> {
    let nobody = Account::default();
    issue_certificates(&nobody, Place::OWN, issue, zone, moment)?;
    let one = IssueCertificates { count: 1, ..issue.clone() };
    (0..issue.count).map(|_| issue_certificates(&nobody, Place::OWN, &one, zone, moment)).collect()
}

/// Puts certificates of nobody among those of a copy of the member's account, each beside its ledger, as claims would: a quote
/// asks what they would pay, and an order is tried with them before it claims any.
///
/// # Errors
/// As `claim_bearer`.
pub fn show_bearers(account: &mut Account, bearers: &[(Account, BearerClaim)], moment: Moment) -> Result<(), Stop> {
    for (bearer, claim) in bearers {
        let wallet = account.wallet.as_mut().ok_or(NeedMore)?;
        let claimed = claim_bearer(bearer, &wallet.ledger, claim, moment)?;
        Arc::make_mut(wallet).ledger.apply(&claimed.member);
    }
    Ok(())
}

/// Whose certificate becomes whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BearerClaim {
    /// What the certificate belonged to until now, and its number there.
    pub bearer: [u8; 16],
    pub certificate: LotNo,
    /// Who claims it: of members that are one, the one whose place it comes under.
    pub member: [u8; 16],
    pub under: Place,
}

/// What a claim comes to on both sides: posted together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BearerClaimed {
    pub bearer: Decided,
    pub member: Decided,
    /// Its number among the member's.
    pub certificate: LotNo,
}

/// Moves a certificate from its own ledger to the member's wallet. One that has expired or was cancelled comes with nothing: an
/// order that asks for it is refused, and then nothing of this is kept.
///
/// # Errors
/// `BehindAccount` for an imported order of a time before there was such a certificate, `UnknownCertificate`, or `NeedMore`.
pub fn claim_bearer(
    bearer: &Account,
    wallet: &Account,
    claim: &BearerClaim,
    moment: Moment,
) -> Result<BearerClaimed, Stop> {
    let nothing = Timeline::default();
    let (mut left, mut came) =
        (Ahead::of(bearer, Rules::of(&nothing), moment), Ahead::of(wallet, Rules::of(&nothing), moment));
    settle_ahead(&mut left)?;
    settle_ahead(&mut came)?;
    if moment.import && moment.now < bearer.last_at {
        return Err(Rejection::BehindAccount.into());
    }
    let lot = *left.account.lot(claim.certificate).ok_or(Rejection::UnknownCertificate)?;
    let certificate = lot.certificate.ok_or(Rejection::UnknownCertificate)?;

    let mut draft = Draft::new(Kind::Claim, Reason::Bearer { other: claim.bearer, certificate: claim.certificate });
    let at = LotRef { no: draft.next_lot(&came.account, claim.under), ..lot.at };
    draft.opened.push(LotOpened { certificate: Some(certificate.uses), ..LotOpened::plain(at) });
    draft.move_points(at.no, Bucket::Moved, Bucket::Available, lot.available);
    came.post(draft);
    if certificate.is_cancelled {
        let mut draft = Draft::new(Kind::Cancel, Reason::Due);
        draft.dated.push(at);
        came.post(draft);
    }

    let reason = Reason::Bearer { other: claim.member, certificate: at.no.under(Place::OWN) };
    let mut draft = Draft::new(Kind::Claim, reason);
    draft.move_points(lot.at.no, Bucket::Available, Bucket::Moved, lot.available);
    left.post(draft);
    Ok(BearerClaimed { bearer: left.decided(), member: came.decided(), certificate: at.no })
}
