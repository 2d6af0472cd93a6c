//! What the sender of an order is told, as sentences.

use engine::{Answer, Cause, Choice, Choices, EarnMode, OrderNo, Points, Status};

use super::rejection::rejection_in_words;
use super::voice::{Voice, milestone};
use super::worked::of_tier;

/// Tells where an order stands: what it earned and why, what points pay of it, what was not collected, the balance. A cart
/// has no reference yet.
pub fn answer_in_words(answer: &Answer, order: Option<&str>, voice: &Voice) -> String {
    let mut said = match answer.status {
        Status::Recorded => Vec::new(),
        Status::Retry => vec!["This was received before: nothing changed.".to_owned()],
        Status::Stale => vec!["This is older than what is recorded: it was ignored.".to_owned()],
    };
    let what = if answer.earned.cause == Cause::Returned { "Return" } else { "Order" };
    let order = order.map_or_else(|| "This cart".to_owned(), |it| format!("{what} {it}"));
    said.push(format!("{order}: {}.", earned(answer, voice)));
    if answer.redeemed.is_positive() {
        let lots = voice.earned_on(answer.redeemed, answer.spent.iter().map(|it| (it.lot.earned_at, it.points)));
        let value = voice.amount(answer.value) + &of_tier(&answer.tier);
        said.push(format!("Redeemed: {}{lots}, worth {value}.", voice.points(answer.redeemed)));
    }
    said.extend(super::certificate::answered(&answer.certificates, voice));
    if answer.credit.is_positive() {
        said.push(format!("Paid with store credit: {}.", voice.amount(answer.credit)));
    }
    said.extend(taken_back(answer, voice));
    // An order without a member has the number 0.
    if answer.order != OrderNo(0) {
        said.push(balance(answer, voice));
    }
    if let Some(left) = answer.credit_left {
        said.push(format!("Store credit: {}.", voice.amount(left)));
    }
    said.join(" ")
}

/// Tells what could be redeemed, and why not more.
pub fn choices_in_words(choices: &Choices, voice: &Voice) -> String {
    let why = choices.why_not_more.as_ref().map(|it| rejection_in_words(it, voice));
    let pays = |it: &Choice| format!("{} for {}", voice.points(it.redeem), voice.amount(it.value));
    let Some((most, fewer)) = choices.points.split_last() else {
        let nothing = format!("No {} can be redeemed.", voice.names.many);
        return why.map_or(nothing.clone(), |why| format!("{nothing} {why}"));
    };
    let fewer: Vec<String> = fewer.iter().map(pays).collect();
    let most = pays(most);
    let said = if fewer.is_empty() {
        format!("Can be redeemed: {most}.")
    } else {
        format!("Can be redeemed: {}, or at most {most}.", fewer.join(", "))
    };
    why.map_or(said.clone(), |why| format!("{said} Why not more: {why}"))
}

fn earned(answer: &Answer, voice: &Voice) -> String {
    let earned = &answer.earned;
    match earned.cause {
        Cause::Rate | Cause::StepOf(_) => {
            format!("earns {} ({})", voice.points(earned.called_for), voice.working(earned))
        }
        Cause::Cancelled => "is cancelled and earns nothing".to_owned(),
        Cause::Returned => {
            let points = voice.points(-earned.called_for);
            format!("takes back {points} ({})", voice.working(earned))
        }
        Cause::ProgramOff => "earns nothing: the program was not on when it was placed".to_owned(),
        Cause::OrderType => "earns nothing: the program does not apply to orders of its type".to_owned(),
        Cause::CustomerType => "earns nothing: members of that customer type do not".to_owned(),
        Cause::Closed => "earns nothing: the member had left the program when it was placed".to_owned(),
        Cause::Guest => {
            let points = voice.points(earned.points());
            format!(
                "earns nothing yet: it has no member; claimed and complete, it earns about {points} ({})",
                voice.working(earned)
            )
        }
        Cause::ClaimEnded => "earns nothing: it has no member, and can be claimed no more".to_owned(),
        Cause::Waits(at) if earned.rate.mode == EarnMode::StepsCarried => {
            format!("earns nothing yet: it counts once it is {} ({})", milestone(at), voice.working(earned))
        }
        Cause::Waits(at) => {
            let later = voice.points(earned.points());
            let at = milestone(at);
            let later = if voice.terms.caps.is_some() { format!("at most {later}") } else { later };
            format!("earns nothing yet: once it is {at} it earns {later} ({})", voice.working(earned))
        }
    }
}

fn taken_back(answer: &Answer, voice: &Voice) -> Vec<String> {
    let parts = [
        (answer.expired, "of what was taken back had expired already"),
        (answer.owed, "could not be taken back: owed"),
        (answer.let_go, "could not be taken back: let go"),
    ];
    let there = parts.iter().filter(|it| it.0.is_positive());
    there.map(|(points, what)| format!("{} {what}.", voice.points(*points))).collect()
}

fn balance(answer: &Answer, voice: &Voice) -> String {
    let balance = &answer.balance;
    let mut said = format!("Balance: {}", voice.points(balance.available));
    let more: [(Points, &str); 3] = [(balance.pending, "waiting"), (balance.held, "held"), (balance.owed, "owed")];
    for (points, what) in more.into_iter().filter(|it| it.0.is_positive()) {
        said += &format!(", {} {what}", super::number(points));
    }
    said + "."
}
