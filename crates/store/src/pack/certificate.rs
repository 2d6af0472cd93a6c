//! What certificates pay of orders, in entries, orders, documents and answers.

use engine::{
    Accepted, Certificate, CertificatePart, LotNo, Money, PaidCertificates, Rejection, Share, Timestamp, Uses,
};

use super::entry::{pack_lot, unpack_lot};
use super::{Packer, Read, Unpacker, Unreadable};

pub(super) fn write_parts(it: &mut Packer, parts: &[CertificatePart], base: Timestamp) {
    it.list(parts, |it, part| {
        pack_lot(it, part.lot, base);
        it.money(part.paid);
        it.money(part.lost);
    });
}

pub(super) fn read_parts(it: &mut Unpacker<'_>, base: Timestamp) -> Read<Vec<CertificatePart>> {
    it.list(|it| Ok(CertificatePart { lot: unpack_lot(it, base)?, paid: it.money()?, lost: it.money()? }))
}

pub(super) fn write_paid(it: &mut Packer, paid: &PaidCertificates) {
    [paid.fits, paid.before, paid.after].into_iter().for_each(|amount: Money| it.money(amount));
}

pub(super) fn read_paid(it: &mut Unpacker<'_>) -> Read<PaidCertificates> {
    Ok(PaidCertificates { fits: it.money()?, before: it.money()?, after: it.money()? })
}

pub(super) fn write_accepted(it: &mut Packer, accepted: &[Accepted]) {
    it.list(accepted, |it, accepted| {
        it.unsigned(accepted.certificate.0);
        it.flag(accepted.stands);
    });
}

pub(super) fn read_accepted(it: &mut Unpacker<'_>) -> Read<Vec<Accepted>> {
    it.list(|it| Ok(Accepted { certificate: LotNo(it.unsigned()?), stands: it.flag()? }))
}

pub(super) fn write_numbers(it: &mut Packer, certificates: &[LotNo]) {
    it.list(certificates, |it, certificate| it.unsigned(certificate.0));
}

pub(super) fn read_numbers(it: &mut Unpacker<'_>) -> Read<Vec<LotNo>> {
    it.list(|it| it.unsigned().map(LotNo))
}

/// Two bits for nothing or the kind of uses, and the share that the last kind pays.
pub(super) fn uses_code(uses: Option<Uses>) -> (u8, u16) {
    match uses {
        None => (0, 0),
        Some(Uses::Several) => (1, 0),
        Some(Uses::Once) => (2, 0),
        Some(Uses::Share(share)) => (3, share.0),
    }
}

pub(super) fn uses_of(bits: u8, share: u16) -> Read<Option<Uses>> {
    match (bits, share) {
        (0, 0) => Ok(None),
        (1, 0) => Ok(Some(Uses::Several)),
        (2, 0) => Ok(Some(Uses::Once)),
        (3, 1..=10_000) => Ok(Some(Uses::Share(Share(share)))),
        _ => Err(Unreadable),
    }
}

/// The column of a lot that says whether it had its grace, and what it is as a certificate.
pub(crate) fn lot_code(graced: bool, certificate: Option<Certificate>) -> u32 {
    let cancelled = certificate.is_some_and(|it| it.is_cancelled);
    let (bits, share) = uses_code(certificate.map(|it| it.uses));
    u32::from(graced) | u32::from(bits) << 1 | u32::from(cancelled) << 3 | u32::from(share) << 4
}

pub(crate) fn read_lot_code(code: u32) -> Read<(bool, Option<Certificate>)> {
    let share = u16::try_from(code >> 4).map_err(|_| Unreadable)?;
    let uses = uses_of(u8::try_from(code >> 1 & 3).map_err(|_| Unreadable)?, share)?;
    let is_cancelled = code >> 3 & 1 == 1;
    if is_cancelled && uses.is_none() {
        return Err(Unreadable);
    }
    Ok((code & 1 == 1, uses.map(|uses| Certificate { uses, is_cancelled })))
}

/// The code of a refusal that is about a certificate.
pub(super) fn write_rejection(it: &mut Packer, rejection: &Rejection) {
    let (code, certificate) = match rejection {
        Rejection::CertificateCancelled { certificate } => (61, certificate),
        Rejection::CertificateExpired { certificate } => (62, certificate),
        Rejection::CertificateUsed { certificate } => (63, certificate),
        Rejection::CertificateExceedsOrder { certificate } => (64, certificate),
        Rejection::CertificateOfOrder { certificate } => (65, certificate),
        Rejection::UnknownCertificate => return it.byte(60),
        Rejection::CertificateClaimed => return it.byte(110),
        other => unreachable!("{other} is about no certificate"),
    };
    it.byte(code);
    it.unsigned(certificate.0);
}

pub(super) fn read_rejection(it: &mut Unpacker<'_>, code: u8) -> Read<Rejection> {
    let certificate = match code {
        60 => return Ok(Rejection::UnknownCertificate),
        110 => return Ok(Rejection::CertificateClaimed),
        _ => LotNo(it.unsigned()?),
    };
    match code {
        61 => Ok(Rejection::CertificateCancelled { certificate }),
        62 => Ok(Rejection::CertificateExpired { certificate }),
        63 => Ok(Rejection::CertificateUsed { certificate }),
        64 => Ok(Rejection::CertificateExceedsOrder { certificate }),
        65 => Ok(Rejection::CertificateOfOrder { certificate }),
        _ => Err(Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::pack::{Packer, Unpacker};

    fn lots() -> impl Strategy<Value = engine::LotRef> {
        (any::<u64>(), 0..4_000_000_000_i64, 0..9_000_i64).prop_map(|(no, earned, later)| engine::LotRef {
            no: LotNo(no),
            earned_at: Timestamp::from_micros(earned),
            available_at: Timestamp::from_micros(earned),
            expires_at: if later == 0 { Timestamp::NEVER } else { Timestamp::from_micros(earned + later) },
        })
    }

    proptest! {
        #[test]
        fn parts_are_read_as_they_were_written(
            parts in prop::collection::vec((lots(), any::<i64>(), any::<i64>()), 0..4),
            accepted in prop::collection::vec((any::<u64>(), any::<bool>()), 0..4),
        ) {
            let part = |(lot, paid, lost)| CertificatePart { lot, paid: Money::new(paid), lost: Money::new(lost) };
            let parts: Vec<_> = parts.into_iter().map(part).collect();
            let accepted: Vec<_> =
                accepted.into_iter().map(|(no, stands)| Accepted { certificate: LotNo(no), stands }).collect();
            let numbers: Vec<_> = accepted.iter().map(|it| it.certificate).collect();
            let base = Timestamp::from_micros(7);
            let mut it = Packer::new(1);
            write_parts(&mut it, &parts, base);
            write_accepted(&mut it, &accepted);
            write_numbers(&mut it, &numbers);
            let bytes = it.done();
            let mut it = Unpacker::new(&bytes, 1).expect("it was just packed");
            prop_assert_eq!(read_parts(&mut it, base), Ok(parts));
            prop_assert_eq!(read_accepted(&mut it), Ok(accepted));
            prop_assert_eq!(read_numbers(&mut it), Ok(numbers));
            prop_assert_eq!(it.done(), Ok(()));
        }
    }

    #[test]
    fn what_a_lot_is_fits_its_column() {
        let mut read = 0;
        for graced in [false, true] {
            let shares = [1, 1_250, 10_000].map(|it| Some(Uses::Share(Share(it))));
            for uses in [None, Some(Uses::Several), Some(Uses::Once)].into_iter().chain(shares) {
                for is_cancelled in [false, true] {
                    let certificate = uses.map(|uses| Certificate { uses, is_cancelled });
                    assert_eq!(read_lot_code(lot_code(graced, certificate)), Ok((graced, certificate)));
                    read += 1;
                }
            }
        }
        assert_eq!(read, 24);
        assert_eq!(lot_code(true, None), 1, "points are stored as they were before there were certificates");
        for wrong in [6, 8, 16, 18, 6 | 10_001 << 4, 6 | 65_536 << 4, u32::MAX] {
            assert_eq!(read_lot_code(wrong), Err(Unreadable), "{wrong}");
        }
    }

    #[test]
    fn whose_it_has_become_is_read_as_it_was_written() {
        let certificate = LotNo(7 | 1 << 40);
        let entry = engine::Entry {
            number: engine::EntryNo(2),
            at: Timestamp::from_micros(5),
            kind: engine::Kind::Claim,
            order: None,
            actor: engine::Actor::Channel(1),
            reason: engine::Reason::Bearer { other: *b"0123456789abcdef", certificate },
            opened: Vec::new(),
            dated: Vec::new(),
            hold: None,
            postings: Vec::new(),
            changes: engine::Changes::default(),
        };
        let kind = crate::pack::kind_number(entry.kind);
        let row = crate::pack::EntryRow { number: entry.number, at: entry.at, kind, order: None };
        assert_eq!(crate::pack::unpack_entry(row, &crate::pack::pack_entry(&entry)), Ok(entry));
        let owners = vec![crate::id::MemberId([0xff; 16]), crate::id::MemberId([7; 16])];
        let reply = Ok(crate::command::Reply::Bearers { owners });
        assert_eq!(crate::pack::unpack_outcome(&crate::pack::pack_outcome(&reply)), Ok(reply));
    }

    #[test]
    fn refusals_are_read_as_they_were_written() {
        let certificate = LotNo(7);
        for refusal in [
            Rejection::UnknownCertificate,
            Rejection::CertificateClaimed,
            Rejection::CertificateCancelled { certificate },
            Rejection::CertificateExpired { certificate },
            Rejection::CertificateUsed { certificate },
            Rejection::CertificateExceedsOrder { certificate },
            Rejection::CertificateOfOrder { certificate },
        ] {
            let packed = crate::pack::pack_outcome(&Err(refusal.clone()));
            assert_eq!(crate::pack::unpack_outcome(&packed).map(|it| it.err()), Ok(Some(refusal)));
        }
    }
}
