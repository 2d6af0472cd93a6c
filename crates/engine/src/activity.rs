//! What earns without an order: signing up, birthdays, and acts with a name of the shop's own (E9, E10).
//!
//! Of each the account remembers the last day and how often it was done, so that limits cost one look. Such points do not
//! wait: nothing can come back of them.

use crate::account::{Account, NeedMore};
use crate::calendar::{Date, Timestamp};
use crate::close::check_open;
use crate::decision::{Ahead, Decision, Draft, Moment};
use crate::entry::{Actor, Bucket, Kind, LotOpened, LotRef, Reason};
use crate::extend::{self, Activity};
use crate::place::Place;
use crate::points::Points;
use crate::program::{CustomAct, ExtendOn, Rules, Version};
use crate::rejection::Rejection;
use crate::settle::settle_ahead;

/// Birthdays that lie closer together are one: somebody has corrected the date.
const BIRTHDAY_DAYS_MIN: i32 = 330;

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    SignUp,
    Birthday,
    /// By the shop's own name.
    Custom(String),
    /// A reward of the catalogue is claimed: counted for its limits, and earns nothing.
    Reward(String),
}

/// How often an act has earned, as of the last day on which it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acted {
    pub act: Act,
    pub day: Date,
    pub of_day: u32,
    pub of_month: u32,
    pub of_life: u32,
}

/// Why an act earns so many points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Award {
    pub act: Act,
    /// Version of the program that says so.
    pub version: u32,
    pub points: Points,
}

/// Grants the points of an act with a name of the shop's own.
///
/// # Errors
/// `ProgramOff`, `AccountClosed`, `UnknownActivity`, or `ActivityLimit`.
pub fn act(account: &Account, rules: Rules<'_>, name: &str, moment: Moment) -> Decision {
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    let now = ahead.now();
    let version = rules.timeline.at(now).filter(|_| rules.timeline.is_on(now)).ok_or(Rejection::ProgramOff)?;
    check_open(&ahead.account)?;
    let custom = version.terms.activities.as_ref().and_then(|it| it.custom.iter().find(|it| it.name == name));
    let custom = custom.ok_or(Rejection::UnknownActivity)?;
    let acted = next(&ahead.account, Act::Custom(name.to_owned()), version.terms.zone.date_of(now));
    check_limits(custom, &acted)?;
    if !grant(&mut ahead, version, acted, custom.points, now) {
        return Err(Rejection::ProgramOff.into());
    }
    settle_ahead(&mut ahead)?;
    Ok(ahead.decided())
}

/// Grants what signing up earns, once: nothing where the program is off, or gives nothing for it.
///
/// # Errors
/// Only `NeedMore`.
pub fn sign_up(account: &Account, rules: Rules<'_>, moment: Moment) -> Decision {
    let mut ahead = Ahead::of(account, rules, moment);
    settle_ahead(&mut ahead)?;
    grant_sign_up(&mut ahead)?;
    Ok(ahead.decided())
}

/// What signing up gives, unless the account has had it.
pub(crate) fn grant_sign_up(ahead: &mut Ahead<'_>) -> Result<(), NeedMore> {
    let (now, rules) = (ahead.now(), ahead.rules);
    let version = rules.timeline.at(now).filter(|_| rules.timeline.is_on(now) && ahead.account.closed().is_none());
    let points = version.and_then(|it| it.terms.activities.as_ref()).map_or(Points::ZERO, |it| it.sign_up);
    let is_known = ahead.account.acts.iter().any(|it| it.act == Act::SignUp);
    if let Some(version) = version.filter(|_| points.is_positive() && !is_known) {
        let acted = next(&ahead.account, Act::SignUp, version.terms.zone.date_of(now));
        grant(ahead, version, acted, points, now);
        settle_ahead(ahead)?;
    }
    Ok(())
}

/// The entry of an act, and what it extends; nothing where points would be gone at once.
fn grant(ahead: &mut Ahead<'_>, version: &Version, acted: Acted, points: Points, at: Timestamp) -> bool {
    let terms = &version.terms;
    let expires_at = terms.validity.ends(at, &terms.zone);
    if expires_at <= at {
        return false;
    }
    // A birthday is that of the member itself.
    let under = if acted.act == Act::Birthday { Place::OWN } else { ahead.rules.under };
    let lot = LotRef { no: ahead.account.next_lot_of(under), earned_at: at, available_at: at, expires_at };
    let award = Award { act: acted.act.clone(), version: version.number, points };
    let is_birthday = acted.act == Act::Birthday;
    let mut draft = Draft::new(Kind::Activity, Reason::Acted(award));
    if is_birthday {
        draft.actor = Some(Actor::System);
    }
    draft.opened.push(LotOpened::plain(lot));
    draft.move_points(lot.no, Bucket::Issued, Bucket::Available, points);
    draft.changes.acted = Some(Box::new(acted));
    ahead.post_at(at, draft);
    // Growing older is nothing that a member does.
    if let Some(rule) = terms.extend.filter(|it| !is_birthday && it.on != ExtendOn::Order) {
        extend::extend(ahead, Activity { at, is_new: true, order: None }, rule, terms);
    }
    true
}

/// How often it was done once it is done on that day.
pub(crate) fn next(account: &Account, act: Act, day: Date) -> Acted {
    let Some(last) = account.acts.iter().find(|it| it.act == act) else {
        return Acted { act, day, of_day: 1, of_month: 1, of_life: 1 };
    };
    // Another time zone may put it on an earlier day: the later one counts.
    let day = day.max(last.day);
    let of_day = if day == last.day { last.of_day + 1 } else { 1 };
    let of_month = if day.month() == last.day.month() { last.of_month + 1 } else { 1 };
    Acted { act, day, of_day, of_month, of_life: last.of_life + 1 }
}

/// How often it was done once it counts no longer on a day.
pub(crate) fn less(account: &Account, act: &Act, day: Date) -> Option<Acted> {
    let last = account.acts.iter().find(|it| it.act == *act)?;
    let (is_day, is_month) = (day == last.day, day.month() == last.day.month());
    Some(Acted {
        act: last.act.clone(),
        day: last.day,
        of_day: last.of_day.saturating_sub(u32::from(is_day)),
        of_month: last.of_month.saturating_sub(u32::from(is_month)),
        of_life: last.of_life.saturating_sub(1),
    })
}

fn check_limits(custom: &CustomAct, acted: &Acted) -> Result<(), Rejection> {
    let limits = [
        ("day", custom.per_day, acted.of_day),
        ("month", custom.per_month, acted.of_month),
        ("life", custom.per_life, acted.of_life),
    ];
    match limits.into_iter().find(|(_, most, times)| most.is_some_and(|it| it < *times)) {
        Some((per, Some(most), _)) => Err(Rejection::ActivityLimit { per, most }),
        Some(_) | None => Ok(()),
    }
}

/// A birthday that gives points: the first instant of the day.
#[derive(Clone, Copy)]
pub(crate) struct Birthday<'a> {
    pub(crate) at: Timestamp,
    version: &'a Version,
    day: Date,
}

/// The next birthday after the account's last entry that gives points, until an instant. What an account has not lived to
/// see gives nothing: neither what came before its first entry, nor what came before the birthday was known.
pub(crate) fn birthday<'a>(account: &Account, rules: Rules<'a>, until: Timestamp) -> Option<Birthday<'a>> {
    let born = rules.facts.birthday?;
    if account.last_at == Timestamp::START {
        return None;
    }
    let versions = rules.timeline.versions();
    let ends = versions.iter().skip(1).map(|it| it.effective_at).chain([Timestamp::NEVER]);
    let parts = versions.iter().zip(ends).filter(|(it, _)| it.terms.birthday_points().is_positive());
    parts
        .filter_map(|(version, end)| {
            let zone = &version.terms.zone;
            let first = account.last_at.max(rules.facts.birthday_since).max(version.effective_at);
            let last = until.min(end).min(crate::limits::TIME_END);
            if last < first {
                return None;
            }
            (zone.date_of(first).year()..=zone.date_of(last).year()).find_map(|year| {
                let day = born.of_every_year().in_year(year);
                let at = zone.start_of(day);
                let is_there = account.last_at < at && first <= at && at <= until && at < end;
                let is_next = account.acts.iter().find(|it| it.act == Act::Birthday);
                let is_next = is_next.is_none_or(|it| BIRTHDAY_DAYS_MIN <= day.days_since(it.day));
                let is_valid = at < version.terms.validity.ends(at, zone);
                (is_there && is_next && is_valid && rules.timeline.is_on(at) && !account.was_closed(at))
                    .then_some(Birthday { at, version, day })
            })
        })
        .min_by_key(|it| it.at)
}

/// No later than the next birthday that gives points: switches and what is there already may say otherwise.
pub(crate) fn birthday_hint(account: &Account, rules: Rules<'_>) -> Timestamp {
    let Some(born) = rules.facts.birthday else { return Timestamp::NEVER };
    if account.last_at == Timestamp::START {
        return Timestamp::NEVER;
    }
    let versions = rules.timeline.versions();
    let last = rules.timeline.at(account.last_at).map_or(0, |it| it.number);
    let is_to_come = |it: &&Version| it.number == last || account.last_at < it.effective_at;
    let next = versions.iter().filter(is_to_come).filter(|it| it.terms.birthday_points().is_positive()).map(|it| {
        let first = account.last_at.max(rules.facts.birthday_since).max(it.effective_at);
        let day = it.terms.zone.date_of(first);
        let today = it.terms.zone.start_of(born.of_every_year().in_year(day.year()));
        if account.last_at < today && first <= today {
            today
        } else {
            it.terms.zone.start_of(born.of_every_year().after(day))
        }
    });
    next.min().unwrap_or(Timestamp::NEVER)
}

/// Grants what a birthday gives.
pub(crate) fn celebrate(ahead: &mut Ahead<'_>, birthday: Birthday<'_>) {
    let acted = next(&ahead.account, Act::Birthday, birthday.day);
    grant(ahead, birthday.version, acted, birthday.version.terms.birthday_points(), birthday.at);
}
