//! Certificates in words: what orders pay with them, why one cannot be used, and every entry of their own ledger.

use engine::{
    Bucket, CertificateChoice, CertificatePart, Changes, Entry, Kind, LotNo, Money, PaidCertificates, Placed as _,
    Points, Reason, Rejection, Share, Uses,
};

use super::credit::available_change;
use super::voice::Voice;

/// A code as people read it: K7MP-4XWT-9QRA.
pub fn spaced(code: &str) -> String {
    let letters: Vec<char> = code.chars().collect();
    letters.chunks(4).map(|it| it.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

/// Tells an entry of certificates. `order` is the channel's reference of the order that it is about.
pub fn certificate_in_words(entry: &Entry, order: Option<&str>, voice: &Voice) -> String {
    let of_order = order.map_or_else(|| "an order".to_owned(), |it| format!("order {it}"));
    let sum = |from: Bucket, to: Bucket| {
        let is = |it: &&engine::Posting| (it.from, it.to) == (from, to);
        let points: Points = entry.postings.iter().filter(is).map(|it| it.points).sum();
        Money::new(points.get())
    };
    let which = which(entry);
    match (entry.kind, &entry.reason) {
        (Kind::Issue, Reason::Note(note)) => {
            let each = entry.postings.first().map_or(Money::ZERO, |it| Money::new(it.points.get()));
            let each = voice.amount(each);
            let until = entry.opened.first().and_then(|it| voice.last_day(it.lot.expires_at));
            let until = until.map_or_else(String::new, |it| format!(", to be used until {it}"));
            match entry.opened.len() {
                1 => format!("{which}: {each} given by hand: {note}{until}"),
                many => format!("{many} certificates of {each} given by hand: {note}{until}"),
            }
        }
        (Kind::Use, _) => {
            let paid = sum(Bucket::Available, Bucket::Redeemed) + sum(Bucket::Forfeited, Bucket::Redeemed);
            let is_lost = |it: &&engine::Posting| (it.from, it.to) == (Bucket::Available, Bucket::Forfeited);
            let lost = entry.postings.iter().filter(is_lost).map(|it| it.lot);
            format!("{which}: {} paid part of {of_order}{}", voice.amount(paid), used_up(lost))
        }
        (Kind::GiveBack, _) => {
            let back = [Bucket::Redeemed, Bucket::Forfeited].map(|it| sum(it, Bucket::Available));
            let gone = sum(Bucket::Redeemed, Bucket::Forfeited) + sum(Bucket::Redeemed, Bucket::Expired);
            let mut said = format!("{which}: {} returned from {of_order}", voice.amount(back[0] + back[1]));
            if let Some(until) = entry.dated.first().and_then(|it| voice.last_day(it.expires_at)) {
                said += &format!("; it had expired and can be used until {until}");
            }
            if gone.is_positive() {
                said += &format!("; {} that it paid is gone", voice.amount(gone));
            }
            said
        }
        (Kind::Expire, _) => {
            let gone = sum(Bucket::Available, Bucket::Expired);
            format!("{which}: {} expired", voice.amount(gone))
        }
        (Kind::Convert, _) => bought(entry, &which, voice),
        (Kind::Unconvert, _) => {
            let order = order.map_or_else(String::new, |it| format!(" for order {it}"));
            format!("{which} taken back{order}: it became {} again", voice.names.many)
        }
        (Kind::Cancel, Reason::Cause(_)) => {
            format!("{which} cancelled by staff: nothing of it was used, and its {} returned", voice.names.many)
        }
        (Kind::Cancel, Reason::Note(note)) => {
            let gone = sum(Bucket::Available, Bucket::Forfeited);
            format!("{which} cancelled by staff, {} of it unused: {note}", voice.amount(gone))
        }
        (Kind::Cancel, _) => {
            let gone = sum(Bucket::Available, Bucket::Forfeited);
            format!("{which} cancelled, {} of it unused: the member has left", voice.amount(gone))
        }
        (Kind::Claim, _) => claimed(entry, &which, voice),
        (Kind::Close, Reason::Note(note)) => {
            format!("all certificates are suspended, since the member has left: {note}")
        }
        (Kind::Close, _) => "all certificates are suspended, since the member has left".to_owned(),
        (Kind::Join, Reason::Note(note)) => format!("certificates can be used again: {note}"),
        (Kind::Join, _) => "certificates can be used again, since the member is in a program".to_owned(),
        (Kind::Merge, _) => "two members are one, and so are their certificates".to_owned(),
        (Kind::Unmerge, _) => "two members are two again, each with their own certificates".to_owned(),
        (kind, _) => format!("{which}: {}", kind.name()),
    }
}

/// What a certificate is worth: an amount, or a share of one order and no more than that.
pub(crate) fn worth(share: Option<Share>, value: String) -> String {
    share.map_or_else(|| value.clone(), |share| format!("{share} of one order, at most {value}"))
}

/// A certificate that belonged to nobody has come to a member, or gone there.
fn claimed(entry: &Entry, which: &str, voice: &Voice) -> String {
    let change = available_change(entry).get();
    let value = voice.amount(Money::new(change.abs()));
    match change < 0 {
        true => format!("{which}: {value} went to the member who used it first"),
        false => format!("{which}: {value} that belonged to nobody, until this member used it first"),
    }
}

/// Points became a certificate, or one that they had become before.
fn bought(entry: &Entry, which: &str, voice: &Voice) -> String {
    let value = voice.amount(Money::new(available_change(entry).get()));
    let until = entry.opened.first().and_then(|it| voice.last_day(it.lot.expires_at));
    let until = until.map_or_else(String::new, |it| format!(", to be used until {it}"));
    let uses = entry.opened.first().and_then(|it| it.certificate);
    let value = worth(uses.and_then(Uses::share), value);
    match entry.opened.is_empty() {
        true => format!("{which}: {value} as before, since the {} are there again", voice.names.many),
        false => format!("{which}: {value} that {} became{until}", voice.names.many),
    }
}

fn which(entry: &Entry) -> String {
    let mut numbers: Vec<u64> = entry.postings.iter().map(|it| it.lot.within()).collect();
    numbers.extend(entry.dated.iter().map(|it| it.no.within()));
    numbers.sort_unstable();
    numbers.dedup();
    match numbers.as_slice() {
        [one] => format!("Certificate {one}"),
        many => {
            let many: Vec<String> = many.iter().map(u64::to_string).collect();
            format!("Certificates {}", many.join(", "))
        }
    }
}

/// Those that can be used once, where they did not pay all that they are worth. A coupon of a share has no rest in money, and an
/// entry does not say which it was: what is lost of others their quote has told.
fn used_up(lost: impl Iterator<Item = LotNo>) -> String {
    let numbers: Vec<String> = lost.map(|it| it.within().to_string()).collect();
    match numbers.as_slice() {
        [] => String::new(),
        [one] => format!("; nothing is left of certificate {one}, since it can be used once"),
        many => format!("; nothing is left of certificates {}, since they can be used once", many.join(", ")),
    }
}

/// Of which of them something is lost.
fn lost_of(parts: &[CertificatePart]) -> impl Iterator<Item = LotNo> {
    parts.iter().filter(|it| it.lost.is_positive()).map(|it| it.lot.no)
}

/// Of a quote: what a certificate would pay, or why it cannot.
pub fn offer_in_words(it: &CertificateChoice, voice: &Voice) -> String {
    if let Some(why) = &it.why {
        return super::rejection_in_words(why, voice);
    }
    let rest = match it.uses {
        Uses::Share(share) => {
            let most = voice.amount(it.pays + it.loses);
            format!(": {share} of what it may pay for, at most {most}; it can be used once")
        }
        _ if it.loses.is_zero() => String::new(),
        Uses::Several | Uses::Once => {
            format!("; the rest of {} would be lost, since it can be used once", voice.amount(it.loses))
        }
    };
    format!("Certificate {} pays {}{rest}.", it.certificate.within(), voice.amount(it.pays))
}

/// Of an entry on points: what its order pays with certificates.
pub(super) fn paid(it: &PaidCertificates, changes: &Changes, voice: &Voice) -> String {
    if it.before < it.after {
        let more = voice.amount(it.after - it.before);
        let said = match it.before.is_zero() {
            true => format!("{more} paid with certificates"),
            false => format!("{more} more paid with certificates: {} in all", voice.amount(it.after)),
        };
        return said + &used_up(lost_of(&changes.certificates));
    }
    if it.before == it.after {
        return format!("{} stays paid with certificates, with others than before", voice.amount(it.after));
    }
    let back = voice.amount(it.before - it.after);
    match it.after.is_zero() {
        true => format!("{back} returned to certificates: it no longer pays with any"),
        false => format!("{back} less paid with certificates: {} of them still pays", voice.amount(it.after)),
    }
}

/// Of an answer: what certificates pay of the order.
pub(super) fn answered(parts: &[CertificatePart], voice: &Voice) -> Option<String> {
    let paid: Money = parts.iter().map(|it| it.paid).sum();
    if paid.is_zero() {
        return None;
    }
    Some(format!("Paid with certificates: {}{}.", voice.amount(paid), used_up(lost_of(parts))))
}

/// Why a certificate cannot be used.
pub(super) fn refused(rejection: &Rejection) -> String {
    match rejection {
        Rejection::CertificateCancelled { certificate } => {
            format!("Certificate {} was cancelled.", certificate.within())
        }
        Rejection::CertificateExpired { certificate } => format!("Certificate {} has expired.", certificate.within()),
        Rejection::CertificateUsed { certificate } => {
            format!("Certificate {} has been used already.", certificate.within())
        }
        Rejection::CertificateOfOrder { certificate } => {
            format!("Certificate {} came from this very order: it pays for other orders.", certificate.0)
        }
        Rejection::CertificateExceedsOrder { certificate } => {
            format!("Nothing of the order is left for certificate {} to pay.", certificate.within())
        }
        Rejection::CertificateClaimed => {
            "Somebody else was the first to use this certificate: it belongs to them now.".to_owned()
        }
        _ => "The member has no such certificate: one is named by its code or its id.".to_owned(),
    }
}
