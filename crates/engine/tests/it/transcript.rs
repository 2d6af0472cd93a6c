//! A failing history in words short enough to read: what was said to the engine and what it posted.

use std::fmt::Write;

use engine::{Decision, Document, Entry, Points, ReturnPart, Stop, Timestamp};
use proptest::test_runner::TestCaseError;

use crate::programs::NOON;
use crate::seeded::Outcome;
use crate::shop::{Command, Shop};

/// Adds the history to a failure.
pub(crate) fn told(shop: &Shop, outcome: Outcome) -> Outcome {
    outcome.map_err(|failure| match failure {
        TestCaseError::Fail(reason) => {
            let terms: String = shop.timeline.versions().iter().map(|it| format!("{it:?}\n")).collect();
            let switches = shop.timeline.switches();
            TestCaseError::fail(format!("{reason}\n{terms}{switches:?}\n{}{:?}", shop.told, shop.account.balance))
        }
        TestCaseError::Reject(reason) => TestCaseError::Reject(reason),
    })
}

pub(crate) fn line(now: Timestamp, command: &Command, decision: &Decision) -> String {
    let mut text = format!("{} ", clock(now));
    let written = match command {
        Command::Put { slot, document } => write!(text, "put #{slot} {}", document_text(document)),
        Command::Hold { points, minutes } => write!(text, "hold {points} for {minutes} min"),
        Command::Release(no) => write!(text, "release hold {}", no.0),
        Command::Adjust(it) => write!(text, "adjust {} until {:?}", it.points, it.expires_at.map(clock)),
        Command::Credit(it) => write!(text, "credit {}", it.amount.minor()),
        Command::Act(name) => write!(text, "act {name}"),
        Command::SignUp => write!(text, "sign up"),
        Command::Redate(it) => write!(text, "redate {:?} to {}", it.lot, clock(it.expires_at)),
        Command::Reinstate(it) => {
            write!(text, "reinstate {} of {:?} until {:?}", it.points, it.lot, it.expires_at.map(clock))
        }
        Command::Issue(it) => write!(text, "certificate {} {:?} {:?}", it.value.minor(), it.uses, it.validity),
        Command::Cancel(it) => write!(text, "cancel certificate {}", it.certificate.0),
        Command::Close(it) => write!(text, "close for {} days", it.grace_days),
        Command::Join => write!(text, "join"),
        Command::Collect => write!(text, "collect"),
        Command::Reward(name) => write!(text, "claim {name}"),
        Command::EndClaim { claim, cancels: true } => write!(text, "cancel claim {}", claim.0),
        Command::EndClaim { claim, .. } => write!(text, "fulfil claim {}", claim.0),
        Command::Settle => write!(text, "settle"),
    };
    written.expect("text takes all");
    match decision {
        Ok(decided) => {
            let status = decided.answer.as_ref().map(|it| it.status);
            writeln!(text, " => {status:?}").expect("text takes all");
            for entry in &decided.entries {
                writeln!(text, "    {}", entry_text(entry)).expect("text takes all");
            }
            for entry in &decided.credit {
                writeln!(text, "    credit: {}", entry_text(entry)).expect("text takes all");
            }
            for entry in &decided.certificates {
                writeln!(text, "    certificates: {}", entry_text(entry)).expect("text takes all");
            }
        }
        Err(Stop::Rejected(rejection)) => writeln!(text, " => {rejection:?}").expect("text takes all"),
        Err(Stop::NeedMore) => text.push_str(" => need more\n"),
    }
    text
}

pub(crate) fn entry_text(entry: &Entry) -> String {
    let mut text = format!("{} {}", clock(entry.at), entry.kind.name());
    for it in &entry.opened {
        let lot = it.lot;
        let dates = format!("{} to {}", clock(lot.available_at), clock(lot.expires_at));
        write!(text, " [lot {} {dates}{}]", lot.no.0, if it.graced { " grace" } else { "" }).expect("text takes all");
    }
    for it in &entry.dated {
        write!(text, " [lot {} now {} to {}]", it.no.0, clock(it.available_at), clock(it.expires_at)).expect("it fits");
    }
    for it in &entry.postings {
        write!(text, " {} of {} {}>{}", it.points, it.lot.0, it.from.name(), it.to.name()).expect("text takes all");
    }
    let changes = &entry.changes;
    if let Some(until) = changes.extended {
        write!(text, " all to {}", clock(until)).expect("it fits");
    }
    for (name, points) in [
        ("owed", changes.owed),
        ("let_go", changes.let_go),
        ("expired", changes.expired),
        ("earned", changes.earned),
        ("undone", changes.undone),
    ] {
        if points != Points::ZERO {
            write!(text, " {name} {points}").expect("text takes all");
        }
    }
    if let Some(it) = &changes.reward {
        write!(text, " claim {} of {} {}", it.claim.0, it.reward, it.state.name()).expect("text takes all");
    }
    for it in &changes.credit {
        write!(text, " credit {} of {}", it.amount.minor(), it.lot.no.0).expect("text takes all");
    }
    text
}

fn document_text(it: &Document) -> String {
    let mut text = format!("{:?}", it.version);
    for line in &it.lines {
        let tax = if line.tax_included { "in" } else { "on" };
        write!(
            text,
            " ({}x {} -{} tax {tax} {} {:?})",
            line.quantity,
            line.amount.minor(),
            line.discount.minor(),
            line.tax.minor(),
            line.kind
        )
        .expect("text takes all");
    }
    for back in &it.returns {
        let part = match back.part {
            ReturnPart::Quantity(quantity) => format!("{quantity}x"),
            ReturnPart::Amount(amount) => amount.minor().to_string(),
        };
        write!(text, " back {} {part}", back.line).expect("text takes all");
    }
    let amounts =
        [("discount", it.discount), ("coupon", it.coupon), ("shipping", it.shipping), ("refunded", it.refunded)];
    for (name, amount) in amounts.iter().filter(|(_, amount)| !amount.is_zero()) {
        write!(text, " {name} {}", amount.minor()).expect("text takes all");
    }
    for (name, date) in it.dates() {
        if let Some(date) = date {
            write!(text, " {name} {}", clock(date)).expect("text takes all");
        }
    }
    if let Some(points) = it.redeem {
        write!(text, " asks {points}").expect("text takes all");
    }
    if let Some(credit) = it.credit {
        write!(text, " asks credit {}", credit.minor()).expect("text takes all");
    }
    if let Some(certificates) = &it.certificates {
        write!(text, " asks certificates {certificates:?}").expect("text takes all");
    }
    if let Some(no) = it.hold {
        write!(text, " hold {}", no.0).expect("text takes all");
    }
    text
}

/// Days and hours since histories begin.
fn clock(at: Timestamp) -> String {
    if at == Timestamp::NEVER {
        return "never".to_owned();
    }
    let minutes = at.micros().saturating_sub(NOON.micros()).div_euclid(60_000_000);
    format!("{}d{:02}:{:02}", minutes.div_euclid(1_440), minutes.rem_euclid(1_440) / 60, minutes.rem_euclid(60))
}
