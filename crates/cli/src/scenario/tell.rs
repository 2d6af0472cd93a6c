//! What a step came to, as figures and words of the language.

use engine::{Answer, Bucket, Cause, Choices, Entry, Milestone, Points, Rejection, Timestamp};

use super::certificates;
use super::expect::{Found, FoundItem};
use super::moment::When;

/// Points and their last day.
pub(super) fn lot_item(points: Points, expires_at: Timestamp, when: &When) -> FoundItem {
    let text = match when.last_day(expires_at) {
        Some(day) => format!("{points} until {day}"),
        None => format!("{points} never expires"),
    };
    FoundItem { text, day: String::new(), time: String::new() }
}

/// An entry with the points that it brings into the account or takes out of it; or, if none, moves within it.
pub(super) fn entry_item(entry: &Entry, when: &When) -> FoundItem {
    let is_inside = |it: Bucket| matches!(it, Bucket::Pending | Bucket::Available | Bucket::Held);
    let (mut net, mut within, mut crosses) = (0, 0, false);
    for posting in &entry.postings {
        match (is_inside(posting.from), is_inside(posting.to)) {
            (false, true) => net += posting.points.get(),
            (true, false) => net -= posting.points.get(),
            (true, true) => within += posting.points.get(),
            (false, false) => {}
        }
        crosses |= is_inside(posting.from) != is_inside(posting.to);
    }
    let points = if crosses { net } else { within };
    let clock = when.zone.clock_text(entry.at);
    let (day, time) = clock.split_once(' ').unwrap_or((&clock, ""));
    FoundItem { text: format!("{} {points}", entry.kind.name()), day: day.to_owned(), time: time.to_owned() }
}

pub(super) fn answer(found: &mut Found, answer: &Answer, when: &When) {
    let because = match answer.earned.cause {
        Cause::Rate => "rate",
        Cause::Waits(Milestone::Placed) => "unplaced",
        Cause::Waits(Milestone::Paid) => "unpaid",
        Cause::Waits(Milestone::Fulfilled) => "unfulfilled",
        Cause::Cancelled => "cancelled",
        Cause::ProgramOff => "program_off",
        Cause::OrderType => "order_type",
        Cause::CustomerType => "customer_type",
        Cause::Returned => "returned",
        Cause::StepOf(_) => "another_order",
        Cause::Closed => "account_closed",
        Cause::Guest => "guest",
        Cause::ClaimEnded => "claim_ended",
    };
    let will_earn = match answer.earned.cause {
        Cause::Rate | Cause::Waits(_) | Cause::StepOf(_) | Cause::Guest => answer.earned.points().to_string(),
        Cause::Cancelled
        | Cause::ProgramOff
        | Cause::OrderType
        | Cause::CustomerType
        | Cause::Returned
        | Cause::Closed
        | Cause::ClaimEnded => "0".to_owned(),
    };
    let status = match answer.status {
        engine::Status::Recorded => "recorded",
        engine::Status::Retry => "retry",
        engine::Status::Stale => "stale",
    };
    found.figures.extend([
        ("status", status.to_owned()),
        ("in tier", answer.earned.tier.as_deref().unwrap_or("nothing").to_owned()),
        ("cut by", answer.earned.cut.map_or("nothing", |it| it.cap.name()).to_owned()),
        ("earned", answer.earned.called_for.to_string()),
        ("because", because.to_owned()),
        ("will earn", will_earn),
        ("base", answer.earned.base.to_text(when.exponent)),
        ("redeemed", answer.redeemed.to_string()),
        ("pays", answer.value.to_text(when.exponent)),
        ("credit", answer.credit.to_text(when.exponent)),
        ("certificates", sum(answer, |it| it.paid).to_text(when.exponent)),
        ("loses", sum(answer, |it| it.lost).to_text(when.exponent)),
        ("owed", answer.owed.to_string()),
        ("let go", answer.let_go.to_string()),
        ("expired", answer.expired.to_string()),
        ("balance", answer.balance.available.to_string()),
        ("pending", answer.balance.pending.to_string()),
        ("held", answer.balance.held.to_string()),
    ]);
}

pub(super) fn choices(found: &mut Found, choices: &Choices) {
    let figures: Vec<String> = choices.points.iter().map(|it| it.redeem.to_string()).collect();
    found.figures.insert("choices", if figures.is_empty() { "none".to_owned() } else { figures.join(" ") });
    found.figures.extend(choices.why_not_more.as_ref().map(|it| ("more because", it.code().to_owned())));
}

fn sum(answer: &Answer, of: impl Fn(&engine::CertificatePart) -> engine::Money) -> engine::Money {
    answer.certificates.iter().map(of).sum()
}

/// Which certificates a quote offers, and why it leaves others out.
pub(super) fn certificates(found: &mut Found, quote: &engine::Quote, when: &When) {
    let offers = quote.wallet.iter().filter(|it| it.why.is_none());
    let offers: Vec<String> = offers
        .map(|it| format!("{} {}", certificates::number(it.certificate), it.pays.to_text(when.exponent)))
        .collect();
    found.figures.insert("offers", if offers.is_empty() { "none".to_owned() } else { offers.join(" ") });
    let out =
        quote.wallet.iter().filter_map(|it| Some((certificates::number(it.certificate), it.why.as_ref()?.code())));
    let out: Vec<String> = out.map(|(no, code)| format!("{no} {code}")).collect();
    found.figures.insert("leaves out", if out.is_empty() { "nothing".to_owned() } else { out.join(" ") });
    let why = quote.why_certificates.first().map(|(_, why)| why.code().to_owned());
    found.figures.extend(why.map(|it| ("certificate because", it)));
}

pub(super) fn rejection(found: &mut Found, rejection: &Rejection) {
    let path = match rejection {
        Rejection::Invalid { path, .. } => Some(path.as_ref()),
        Rejection::DateTooOld { path } | Rejection::DateAhead { path } => Some(*path),
        _ => None,
    };
    refuse(found, rejection.code(), path, &rejection.to_string());
}

pub(super) fn refuse(found: &mut Found, code: &str, path: Option<&str>, message: &str) {
    found.figures.insert("refused", code.to_owned());
    found.figures.extend(path.map(|it| ("at", it.to_owned())));
    message.clone_into(&mut found.message);
}
