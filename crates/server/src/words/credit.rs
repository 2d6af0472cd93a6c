//! Store credit in words: what points became, what orders paid with it, and every entry of its own ledger.

use engine::{
    Bucket, Converted, Entry, Kind, Money, PaidCredit, Placed as _, Points, Posting, Reason, Share, Timestamp,
};

use super::voice::Voice;

/// Tells an entry of store credit. `order` is the channel's reference of the order that it is about.
pub fn credit_in_words(entry: &Entry, order: Option<&str>, voice: &Voice) -> String {
    let change = available_change(entry).get();
    let amount = voice.amount(Money::new(change.abs()));
    let of_order = order.map_or_else(String::new, |it| format!(" order {it}"));
    match (entry.kind, &entry.reason) {
        (Kind::Convert, _) => format!("{amount} added: {} became store credit", voice.names.many),
        (Kind::Unconvert, _) => {
            let order = order.map_or_else(String::new, |it| format!(" for order {it}"));
            format!("{amount} taken back{order}: it became {} again", voice.names.many)
        }
        (Kind::Redeem, _) => format!("{amount} paid part of{}", if order.is_some() { &of_order } else { " an order" }),
        (Kind::Return, _) => format!("{amount} returned from{}", if order.is_some() { &of_order } else { " an order" }),
        (Kind::Adjust, Reason::Note(note)) => {
            let verb = if change < 0 { "deducted" } else { "added" };
            format!("{amount} {verb} by hand: {note}")
        }
        (kind, _) => format!("{}: {amount}", kind.name()),
    }
}

/// By how much what can be spent changes.
pub(crate) fn available_change(entry: &Entry) -> Points {
    let of = |bucket: Bucket, it: &Posting| if bucket == Bucket::Available { it.points } else { Points::ZERO };
    entry.postings.iter().map(|it| of(it.to, it) - of(it.from, it)).sum()
}

/// Of an entry on points: they became store credit or a certificate, or are points again; `lots` says of which lots.
pub(super) fn converted(it: &Converted, share: Option<Share>, lots: &str, at: Timestamp, voice: &Voice) -> String {
    let times = it.times.abs();
    let points = voice.points(Points::new(it.rate.points.get() * times)) + lots;
    let credit = voice.amount(Money::new(it.rate.value.minor() * times));
    if let Some(certificate) = it.certificate {
        let no = certificate.no.within();
        return if 0 < it.times && certificate.earned_at < at {
            format!("{points} became certificate {no} again, as it was before")
        } else if 0 < it.times {
            let until = voice.last_day(certificate.expires_at);
            let until = until.map_or_else(String::new, |it| format!(", to be used until {it}"));
            format!("{points} became certificate {no}, worth {}{until}", super::certificate::worth(share, credit))
        } else {
            format!("Certificate {no} became {points} again, since nothing of it was used")
        };
    }
    let each = format!("{} for each {}", voice.amount(it.rate.value), voice.points(it.rate.points));
    if 0 < it.times {
        format!("{points} became {credit} store credit ({each})")
    } else {
        format!("{credit} store credit became {points} again, since none of it was spent ({each})")
    }
}

/// Of an entry on points: what its order pays with store credit.
pub(super) fn paid(it: &PaidCredit, voice: &Voice) -> String {
    if it.before < it.after {
        let more = voice.amount(it.after - it.before);
        return match it.before.is_zero() {
            true => format!("{more} paid with store credit"),
            false => format!("{more} more paid with store credit: {} in all", voice.amount(it.after)),
        };
    }
    let back = voice.amount(it.before - it.after);
    match it.after.is_zero() {
        true => format!("{back} store credit returned: it no longer pays with any"),
        false => format!("{back} store credit returned: {} of it still pays", voice.amount(it.after)),
    }
}
