//! Every kind of entry as one sentence.

use std::collections::BTreeSet;

use engine::{
    Act, Actor, Award, Bucket, Cause, Changes, Claimed, Earned, Entry, ExtendOn, Extended, HoldChange, Kind, LotNo,
    LotRef, Paid, Points, Posting, Reason,
};

use super::capitalised;
use super::tier::tier_in_words;
use super::voice::{Voice, milestone};
use super::worked::of_tier;

/// Finds a lot's dates by its number; entries name lots by number alone. Unknown lots are told without their date.
pub type Lots<'a> = &'a dyn Fn(LotNo) -> Option<LotRef>;

/// Tells an entry: what happened to how many points, and why. `order` is the channel's reference of its order.
pub fn entry_in_words(entry: &Entry, order: Option<&str>, lots: Lots, voice: &Voice) -> String {
    let story = Story { entry, lots, voice };
    let said = story.tell();
    match order {
        Some(reference) => format!("Order {reference}: {said}"),
        None => capitalised(&said),
    }
}

struct Story<'a> {
    entry: &'a Entry,
    lots: Lots<'a>,
    voice: &'a Voice<'a>,
}

impl Story<'_> {
    fn tell(&self) -> String {
        match (self.entry.kind, &self.entry.reason) {
            (Kind::Earn, Reason::Earned(earned)) => self.earn(earned),
            (Kind::Revoke, Reason::Earned(earned)) => self.revoke(earned),
            (Kind::Redeem, Reason::Paid(paid)) => self.redeem(paid),
            (Kind::Return, Reason::Paid(paid)) => self.give_back(paid),
            (Kind::Expire, _) => format!("{} expired{}", self.moved_points(), self.earned_on(|_| true)),
            (Kind::Release, _) => {
                format!("{} can be spent: the waiting period is over{}", self.moved_points(), self.earned_on(|_| true))
            }
            (Kind::Hold, Reason::Held { minutes }) => self.hold(*minutes),
            (Kind::Lapse, _) => self.lapse(),
            (Kind::Merge | Kind::Unmerge, _) => super::merge::merged(self.entry, self.voice),
            (Kind::Repay, _) => format!("{} paid what was owed{}", self.moved_points(), self.earned_on(|_| true)),
            (Kind::Adjust, Reason::Note(note)) => self.adjust(note),
            (Kind::Redate, Reason::Note(note)) => self.moved(note),
            (Kind::Tier, reason) => self.tier(reason),
            (Kind::Redate, _) => self.redate(),
            (Kind::Reinstate, Reason::Note(note)) => self.reinstated(note),
            (Kind::Activity, Reason::Acted(award)) => self.acted(award),
            (Kind::Close, Reason::Note(note)) => self.close(note),
            (Kind::Join, Reason::Note(note)) => match &self.entry.changes.closed {
                Some(_) => format!("the account is open again: {note}"),
                None => format!("joined the program: {note}"),
            },
            (Kind::Forfeit, _) => {
                format!("{} forfeited{}: the account is closed", self.moved_points(), self.earned_on(|_| true))
            }
            (Kind::Claim, Reason::Claimed(it)) => self.claimed(it),
            (Kind::Extend, Reason::Extended(it)) => self.extend(it),
            (Kind::Reward | Kind::Fulfil | Kind::CancelReward, _) if let Some(it) = &self.entry.changes.reward => {
                super::reward::claimed(self.entry, it, &self.spent(), self.voice) + &self.graced()
            }
            (Kind::Convert | Kind::Unconvert, _) if let Some(it) = &self.entry.changes.converted => {
                super::credit::converted(it, None, &self.spent(), self.entry.at, self.voice) + &self.graced()
            }
            (Kind::Spend | Kind::Refund, Reason::Credit(it)) => super::credit::paid(it, self.voice),
            (Kind::Use | Kind::GiveBack, Reason::Certificates(it)) => {
                super::certificate::paid(it, &self.entry.changes, self.voice)
            }
            // An entry always has the reason of its kind; should one not, its figures still stand.
            (kind, _) => format!("{}: {}", kind.name(), self.moved_points()),
        }
    }

    fn earn(&self, earned: &Earned) -> String {
        let Changes { undone, earned: points, .. } = self.entry.changes;
        let working = self.voice.working(earned);
        let mut said = if let Cause::StepOf(_) = earned.cause {
            let verb = if undone == points { "given back" } else { "earned in addition" };
            format!("{} {verb}: another order completes a step with it again", self.points(points))
        } else if points.is_zero() && self.entry.changes.counted.is_zero() {
            format!("nothing more earned: {} is what it has ({working})", self.points(earned.called_for))
        } else if earned.cause == Cause::Returned {
            let (now, before) = (self.count(-earned.called_for), self.count(-earned.before));
            format!("{} given back: {now} are to be taken back ({working}), it was {before}", self.points(points))
        } else if earned.before.is_zero() && undone.is_zero() {
            format!("{} earned ({working})", self.points(points))
        } else {
            let verb = if undone == points { "given back" } else { "earned in addition" };
            let now = self.count(earned.called_for);
            let before = self.count(earned.before);
            format!("{} {verb}: it now calls for {now} ({working}), it had earned {before}", self.points(points))
        };
        if undone.is_positive() && undone < points {
            said += &format!("; {} of them had been taken back", self.count(undone));
        }
        let settled = -self.entry.changes.owed;
        if settled.is_positive() {
            said += &format!("; {} of them settle what was owed for it", self.count(settled));
        }
        let not_given = -self.entry.changes.expired;
        if not_given.is_positive() {
            said += &format!("; {} of them had expired and stay so", self.count(not_given));
        }
        let forgone = -self.entry.changes.let_go;
        if forgone.is_positive() {
            said += &format!("; {} of them had never been taken", self.count(forgone));
        }
        said + &self.waiting() + &self.graced() + &self.carried()
    }

    fn revoke(&self, earned: &Earned) -> String {
        let Changes { owed, let_go, expired, earned: change, ref displaced, .. } = self.entry.changes;
        let voice = self.voice;
        let taken = -change - owed - let_go;
        let lots = self.of_lots(taken, |it| it.to == Bucket::Revoked);
        let why = match earned.cause {
            Cause::Rate => {
                format!("it now calls for {} ({})", self.count(earned.called_for), voice.working(earned))
            }
            Cause::Cancelled => "it was cancelled".to_owned(),
            Cause::Waits(at) => format!("it is not {} any more", milestone(at)),
            Cause::ProgramOff => "the program was not on when it was placed".to_owned(),
            Cause::OrderType => "the program does not apply to orders of its type".to_owned(),
            Cause::CustomerType => "members of that customer type earn nothing".to_owned(),
            Cause::Closed => "the member had left the program when it was placed".to_owned(),
            Cause::Guest | Cause::ClaimEnded => "it has no member".to_owned(),
            Cause::Returned => format!("what came back without its order would earn that ({})", voice.working(earned)),
            Cause::StepOf(_) => "another order became smaller, with which it had completed a step".to_owned(),
        };
        let had = match earned.cause {
            Cause::Returned => why,
            _ => format!("{why}, it had earned {}", self.count(earned.before)),
        };
        let mut said = if taken.is_positive() {
            format!("{} taken back{lots}: {had}", self.points(taken))
        } else {
            format!("nothing taken back: {had}")
        };
        if expired.is_positive() {
            said += &format!("; {} of them had expired already", self.count(expired));
        }
        if owed.is_positive() {
            said += &format!("; {} could not be taken back: owed", self.points(owed));
        }
        if let_go.is_positive() {
            said += &format!("; {} could not be taken back: let go", self.points(let_go));
        }
        if displaced.as_ref().is_some_and(|it| it.iter().any(|it| 0 < it.steps)) {
            said += "; later orders give up a step that it had completed with them";
        }
        said + &self.carried()
    }

    /// What of an order counts with the next ones.
    fn carried(&self) -> String {
        match self.entry.changes.carried {
            Some(it) if it.remainder.is_positive() => {
                format!("; {} is carried to the next order", self.voice.amount(it.remainder))
            }
            Some(_) | None => String::new(),
        }
    }

    fn redeem(&self, paid: &Paid) -> String {
        let voice = self.voice;
        let points = self.points(paid.after - paid.before);
        let value = voice.amount(paid.value) + &of_tier(&paid.tier);
        let lots = self.spent();
        let mut said = if paid.before.is_zero() {
            format!("{points} redeemed{lots}, worth {value}")
        } else {
            format!("{points} more redeemed{lots}: {} now pay {value}", self.points(paid.after))
        };
        if let Some(no) = paid.hold {
            said += &format!(", from hold {}", no.0);
        }
        let free = self.sum(|it| it.from == Bucket::Held && it.to == Bucket::Available);
        if free.is_positive() {
            said += &format!("; {} of the hold can be spent again", self.points(free));
        }
        said
    }

    fn give_back(&self, paid: &Paid) -> String {
        let points = self.points(paid.before - paid.after);
        let lots = self.spent();
        let said = if paid.after.is_zero() {
            format!("{points} returned{lots}: it no longer redeems any")
        } else {
            let value = self.voice.amount(paid.value) + &of_tier(&paid.tier);
            format!("{points} returned{lots}: {} now pay {value}", self.points(paid.after))
        };
        said + &self.graced()
    }

    fn hold(&self, minutes: u32) -> String {
        let said = format!("{} held for a checkout for {}", self.moved_points(), minutes_in_words(minutes));
        match self.entry.hold {
            Some(HoldChange { no, lapses_at, .. }) => {
                format!("Hold {}: {said}, until {}", no.0, self.voice.clock(lapses_at))
            }
            None => said,
        }
    }

    fn lapse(&self) -> String {
        let said = format!("{} can be spent again", self.moved_points());
        match self.entry.hold {
            Some(HoldChange { no, .. }) if self.entry.actor == Actor::System => format!("Hold {} lapsed: {said}", no.0),
            Some(HoldChange { no, .. }) => format!("Hold {} was released: {said}", no.0),
            None => said,
        }
    }

    fn adjust(&self, note: &str) -> String {
        let deducted = self.sum(|it| it.to == Bucket::Deducted);
        let by = match self.entry.actor {
            Actor::Key(number) => format!("through API key {number}"),
            Actor::Staff(_) | Actor::Channel(_) | Actor::Import | Actor::System => "by staff".to_owned(),
        };
        if deducted.is_positive() {
            let lots = self.earned_on(|it| it.to == Bucket::Deducted);
            return format!("{} deducted {by}{lots}: {note}", self.points(deducted));
        }
        let until = self.entry.opened.first().and_then(|it| self.voice.last_day(it.lot.expires_at));
        let until = until.map_or_else(String::new, |it| format!(", to be spent until {it}"));
        format!("{} added {by}: {note}{until}", self.points(self.sum(|it| it.from == Bucket::Issued)))
    }

    fn tier(&self, reason: &Reason) -> String {
        let Some(state) = &self.entry.changes.tier else { return "the tier stays".to_owned() };
        tier_in_words(reason, state, self.voice)
    }

    fn redate(&self) -> String {
        let Some(lot) = self.entry.dated.first() else { return "its points have other dates".to_owned() };
        let until = match self.voice.last_day(lot.expires_at) {
            Some(day) => format!("until {day}"),
            None => "for ever".to_owned(),
        };
        if self.entry.at < lot.available_at {
            format!("its points can now be spent from {} {until}", self.voice.day_of(lot.available_at))
        } else {
            format!("its points can now be spent {until}")
        }
    }

    /// Staff have given points another last day.
    fn moved(&self, note: &str) -> String {
        let until = self.entry.dated.first().and_then(|it| self.voice.last_day(it.expires_at));
        let until = until.map_or_else(|| "for ever".to_owned(), |it| format!("until {it}"));
        let many = &self.voice.names.many;
        let days: BTreeSet<String> = self.entry.dated.iter().map(|it| self.voice.day_of(it.earned_at)).collect();
        let which = match days.first() {
            Some(day) if days.len() == 1 => format!("the {many} earned {day}"),
            _ => format!("the {many} of {} days", days.len()),
        };
        format!("{which} can now be spent {until}, by staff: {note}")
    }

    fn reinstated(&self, note: &str) -> String {
        let until = self.entry.opened.first().and_then(|it| self.voice.last_day(it.lot.expires_at));
        let until = until.map_or_else(String::new, |it| format!(", to be spent until {it}"));
        let points = self.points(self.sum(|it| it.to == Bucket::Available));
        format!("{points} that had expired given back by staff: {note}{until}")
    }

    fn acted(&self, award: &Award) -> String {
        let what = match &award.act {
            Act::SignUp => "for signing up".to_owned(),
            Act::Birthday => "for the birthday".to_owned(),
            Act::Custom(name) | Act::Reward(name) => format!("for {name}"),
        };
        let until = self.entry.opened.first().and_then(|it| self.voice.last_day(it.lot.expires_at));
        let until = until.map_or_else(String::new, |it| format!(", to be spent until {it}"));
        format!("{} earned {what}{until}", self.points(award.points))
    }

    fn close(&self, note: &str) -> String {
        let many = &self.voice.names.many;
        let kept = self.entry.changes.closed.as_deref().filter(|it| it.since < it.forfeits_at);
        match kept.and_then(|it| self.voice.last_day(it.forfeits_at)) {
            Some(day) => format!("the account is closed; its {many} are kept until {day}, and cannot be spent: {note}"),
            None => format!("the account is closed: {note}"),
        }
    }

    fn claimed(&self, it: &Claimed) -> String {
        let day = self.voice.day_of(it.recorded_at);
        match &it.note {
            Some(note) => format!("recorded {day} without a member, claimed by staff: {note}"),
            None => format!("recorded {day} without a member, claimed now"),
        }
    }

    fn extend(&self, extended: &Extended) -> String {
        let until = self.entry.changes.extended.and_then(|it| self.voice.last_day(it)).unwrap_or_default();
        let months = if extended.rule.months == 1 { "month" } else { "months" };
        let day = self.voice.day_of(extended.at);
        let what = match (extended.rule.on, self.entry.order) {
            (ExtendOn::Order, _) => "an order",
            (ExtendOn::Earning, Some(_)) => "an order that earns",
            (ExtendOn::Activity, Some(_)) => "an order that earns or redeems",
            (ExtendOn::Earning | ExtendOn::Activity, None) => "an activity that earns",
        };
        let many = &self.voice.names.many;
        let count = extended.rule.months;
        format!("all {many} can now be spent until {until} at least: {what} on {day} gives them {count} {months}")
    }

    /// From when on newly granted points can be spent, if they have to wait.
    fn waiting(&self) -> String {
        let pending = self.entry.postings.iter().find(|it| it.to == Bucket::Pending);
        let lot = pending.and_then(|it| self.lot(it.lot));
        lot.map_or_else(String::new, |it| format!("; can be spent from {}", self.voice.day_of(it.available_at)))
    }

    /// Points that came back after their lot had expired.
    fn graced(&self) -> String {
        let Some(opened) = self.entry.opened.iter().find(|it| it.graced) else { return String::new() };
        let points = self.sum(|it| it.lot == opened.lot.no && it.to == Bucket::Available);
        let until = self.voice.last_day(opened.lot.expires_at).unwrap_or_default();
        format!("; {} of them had expired and can be spent until {until}", self.count(points))
    }

    /// When the points were earned that an order, a conversion or a reward takes, or gives back.
    fn spent(&self) -> String {
        let spends = |it: Bucket| matches!(it, Bucket::Redeemed | Bucket::Converted);
        self.earned_on(|it| spends(it.from) || spends(it.to))
    }

    fn earned_on(&self, is: impl Fn(&Posting) -> bool) -> String {
        self.of_lots(self.sum(&is), is)
    }

    /// Of `points` some may be of no lot. Nothing is said where a lot is not known.
    fn of_lots(&self, points: Points, is: impl Fn(&Posting) -> bool) -> String {
        let postings = self.entry.postings.iter().filter(|it| is(it));
        let lots = postings.map(|it| Some((self.lot(it.lot)?.earned_at, it.points))).collect::<Option<Vec<_>>>();
        lots.map_or_else(String::new, |it| self.voice.earned_on(points, it))
    }

    fn lot(&self, no: LotNo) -> Option<LotRef> {
        let opened = self.entry.opened.iter().map(|it| it.lot).find(|it| it.no == no);
        opened.or_else(|| (self.lots)(no))
    }

    fn moved_points(&self) -> String {
        self.points(self.sum(|_| true))
    }

    fn sum(&self, is: impl Fn(&Posting) -> bool) -> Points {
        self.entry.postings.iter().filter(|it| is(it)).map(|it| it.points).sum()
    }

    fn points(&self, points: Points) -> String {
        self.voice.points(points)
    }

    fn count(&self, points: Points) -> String {
        super::number(points)
    }
}

pub(super) fn minutes_in_words(minutes: u32) -> String {
    if minutes == 1 { "1 minute".to_owned() } else { format!("{minutes} minutes") }
}
