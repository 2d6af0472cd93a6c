//! Activity keeps points alive (X1, X4): one date for all lots that have not expired, so that an account with a million
//! lots costs one entry.
//!
//! A lot that was granted before an extension, and had not expired, lives until the later of its own date and that one. Its
//! own date stays as it is: what is sorted by it stays where it is. Bounded by the lots that expired between two
//! extensions: a step is kept for each time that some did.

use crate::account::{Account, Lot};
use crate::calendar::Timestamp;
use crate::decision::{Ahead, Draft};
use crate::document::Document;
use crate::entry::{Cause, Earned, Entry, EntryNo, Extended, Kind, LotNo, OrderNo, Reason};
use crate::posted::Order;
use crate::program::{Extend, ExtendOn, Terms};

/// How far the lots of an account are extended, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub until: Timestamp,
    /// Which lots it covers, in the order of time; each speaks for those that the ones before it leave out.
    pub steps: Vec<ExtensionStep>,
    /// The soonest date of the lots that got theirs since: until then all that is spent keeps the order of its own dates.
    pub soonest_since: Timestamp,
}

/// Lots that had their dates before an entry, and whose own date lies after an instant: what had passed by then is not
/// revived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtensionStep {
    /// The last entry that extended them.
    pub entry: EntryNo,
    /// The first lot that came later.
    pub before: LotNo,
    pub since: Timestamp,
}

impl Extension {
    fn covers(&self, lot: &Lot) -> bool {
        let is_later = |it: &&ExtensionStep| match lot.dated_by {
            Some(entry) => it.entry <= entry,
            None => it.before <= lot.at.no,
        };
        self.steps.iter().find(|it| !is_later(it)).is_some_and(|it| it.since < lot.at.expires_at)
    }

    /// What comes of an extension by an entry, `before` being the next lot.
    pub(crate) fn next(known: Option<Self>, until: Timestamp, entry: EntryNo, before: LotNo, at: Timestamp) -> Self {
        let step = ExtensionStep { entry, before, since: at };
        // What the one before kept alive is gone where that has passed: nothing leads on from it.
        let Some(mut next) = known.filter(|it| at < it.until) else {
            return Self { until, steps: vec![step], soonest_since: Timestamp::NEVER };
        };
        match next.steps.last_mut() {
            // No lot has expired in between: those that came since are covered as those before them are.
            Some(last) if at < next.soonest_since => *last = ExtensionStep { since: last.since, ..step },
            Some(_) | None => next.steps.push(step),
        }
        next.until = next.until.max(until);
        next.soonest_since = Timestamp::NEVER;
        next
    }
}

impl Account {
    /// The first instant at which the points of a lot are gone: its own date, or that of an extension that covers it.
    pub fn expires_at(&self, lot: &Lot) -> Timestamp {
        match &self.extension {
            Some(it) if lot.at.expires_at < it.until && it.covers(lot) => it.until,
            Some(_) | None => lot.at.expires_at,
        }
    }

    pub(crate) fn post_extension(&mut self, entry: &Entry) {
        if let Some(known) = &mut self.extension {
            let opened = entry.opened.iter().map(|it| &it.lot);
            let dates = opened.chain(&entry.dated).map(|it| it.expires_at);
            known.soonest_since = dates.fold(known.soonest_since, Timestamp::min);
        }
        if let Some(until) = entry.changes.extended {
            let known = self.extension.take();
            self.extension = Some(Extension::next(known, until, entry.number, self.next_lot, entry.at));
        }
    }

    pub(crate) fn is_extended(&self, lot: &Lot, now: Timestamp) -> bool {
        self.extension.as_ref().is_some_and(|it| now < it.until && it.covers(lot))
    }

    /// An instant before which no lot expires that would be read after those with an own date of `expires_at`.
    pub(crate) fn unseen_expires_at(&self, expires_at: Timestamp) -> Timestamp {
        self.extension.as_ref().map_or(expires_at, |it| expires_at.max(it.until.min(it.soonest_since)))
    }
}

/// Extends all lots where the order's own terms say so: by its own dates, so that it does not matter when it arrives. A
/// change of the order that neither earns nor redeems is no activity. What has been extended stays so.
pub(crate) fn by_order(ahead: &mut Ahead<'_>, order: &Order, document: &Document, did: Did<'_>, terms: &Terms) {
    let Some(rule) = terms.extend.filter(|_| order.pinned.on && !order.pinned.closed) else { return };
    let Did { earned, redeems } = did;
    let earns = earned.cause == Cause::Rate && earned.called_for.is_positive();
    let earned_at = document.reached(terms.grant_on).filter(|_| earns);
    let earns_anew = earned.before < earned.called_for;
    let (at, is_new) = match rule.on {
        ExtendOn::Order => (Some(document.placed_at), order.document.is_none()),
        ExtendOn::Earning => (earned_at, earns_anew),
        ExtendOn::Activity => (earned_at.max(redeems.then(|| ahead.now())), earns_anew || redeems),
    };
    // What came back is no activity.
    let is_activity = document.cancelled_at.is_none() && !document.is_return;
    let Some(at) = at.filter(|_| is_activity) else { return };
    extend(ahead, Activity { at, is_new, order: Some(order.no) }, rule, terms);
}

/// What an order did.
#[derive(Clone, Copy)]
pub(crate) struct Did<'a> {
    pub(crate) earned: &'a Earned,
    /// Whether it took points.
    pub(crate) redeems: bool,
}

/// What keeps points alive.
#[derive(Clone, Copy)]
pub(crate) struct Activity {
    pub(crate) at: Timestamp,
    /// Whether it happened just now, and is not told again.
    pub(crate) is_new: bool,
    pub(crate) order: Option<OrderNo>,
}

/// All points end together: an activity that is told late joins what later ones have extended.
pub(crate) fn extend(ahead: &mut Ahead<'_>, activity: Activity, rule: Extend, terms: &Terms) {
    let now = ahead.now();
    let wanted = terms.zone.end_of(terms.zone.date_of(activity.at).plus_months(rule.months));
    let known = ahead.account.extension.as_ref().filter(|it| now < it.until);
    let (reached, soonest) = known.map_or((Timestamp::START, Timestamp::START), |it| (it.until, it.soonest_since));
    let until = wanted.max(reached);
    let changes = reached < wanted || (activity.is_new && soonest < until);
    if until <= now || !changes || ahead.account.lots_are_none() {
        return;
    }
    let mut draft = Draft::new(Kind::Extend, Reason::Extended(Extended { rule, at: activity.at }));
    draft.order = activity.order;
    draft.changes.extended = Some(until);
    ahead.post(draft);
}
