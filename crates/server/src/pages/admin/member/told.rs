//! A member's page in words and figures: from what was read to what is shown. Works out nothing that the ledger has not.

use std::collections::BTreeMap;

use engine::{Bucket, Entry, HoldState, Kind, Lot, OrderNo, Points, Timestamp, value_of};
use store::{MemberInfo, OrderInfo};

use super::{BalanceTile, EntryRow, Expiry, HoldRow, LotRow, MemberPage, OrderRow, Read};
use crate::pages::admin::Chosen;
use crate::pages::admin::members::{labels, name_of};
use crate::pages::chart::{percent, share};
use crate::pages::say;
use crate::pages::shell::{Choice, Section};
use crate::problem::Answer;
use crate::session::Session;
use crate::words::{Voice, closed_in_words, day, entry_in_words, number, progress_in_words};

/// Points that go within so many days are marked.
const SOON_DAYS: i32 = 30;

pub(super) struct Told<'a> {
    pub(super) read: &'a Read,
    pub(super) chosen: &'a Chosen,
    pub(super) voice: Voice<'a>,
}

/// What is known of a member besides.
fn facts(it: &MemberInfo) -> Vec<String> {
    let customer_type = it.facts.customer_type.as_ref().map(|it| format!("Customer type {it}"));
    let birthday = it.facts.birthday.map(|it| format!("born {}", day(it)));
    customer_type.into_iter().chain(birthday).collect()
}

impl Told<'_> {
    pub(super) fn page(&self, session: &Session) -> Answer<MemberPage> {
        let Read { member, standing, .. } = self.read;
        let balance = standing.balance;
        let (voice, zone) = (&self.voice, &self.voice.terms.zone);
        let name = name_of(member);
        let clock = zone.clock_text(self.chosen.now);
        let clock = clock.rsplit(' ').next().unwrap_or_default();
        let names = voice.names;
        let shown = i64::try_from(self.read.orders.len()).unwrap_or(0);
        let all = i64::try_from(self.read.order_count).unwrap_or(0);
        Ok(MemberPage {
            shell: self.chosen.shell(&name, Section::Members, session),
            programs: self.programs(),
            program: self.chosen.name().to_owned(),
            id: member.id.to_string(),
            initials: member.name.as_deref().map_or_else(String::new, say::initials),
            name,
            identities: labels(&member.identities),
            facts: facts(member),
            as_of: format!("{}, {clock} ({})", voice.day_of(self.chosen.now), zone.name()),
            many: names.many.clone(),
            spendable_label: if standing.closed.is_some() { "Suspended" } else { "Can be spent" },
            spendable: number(balance.available),
            spendable_word: if balance.available.get() == 1 { names.one.clone() } else { names.many.clone() },
            worth: format!("worth {} {}", self.worth(balance.available), voice.terms.currency.code()),
            closed: standing.closed.as_ref().map(|it| closed_in_words(it, self.chosen.now, voice)),
            tier: self.tier(),
            balances: self.balances(),
            expiries: self.expiries(),
            never: self.never(),
            holds: self.holds(),
            credit: self.credit(),
            certificates: self.certificates(),
            more_certificates: self.more_certificates(),
            rewards: self.rewards(),
            more_rewards: self.more_rewards(),
            lots: standing.lots.iter().map(|it| self.lot(it)).collect(),
            orders: self.read.orders.iter().map(|it| self.order(it)).collect(),
            more_orders: (shown < all).then(|| format!("the newest {shown} of {}", say::count(all))),
            entries: self.entries()?,
            older: self.older(),
            newest: (!self.read.history.is_newest).then(|| self.address("")),
        })
    }

    fn worth(&self, points: Points) -> String {
        let rank = self.read.standing.progress.as_ref().map_or(0, |it| it.rank);
        self.voice.amount(value_of(points, self.voice.terms.under(rank).redeem.rate))
    }

    fn tier(&self) -> Vec<String> {
        let progress = self.read.standing.progress.as_ref().zip(self.voice.terms.tiers.as_deref());
        progress.map_or_else(Vec::new, |(it, tiers)| progress_in_words(it, tiers, &self.voice))
    }

    /// The page of this member, with a query.
    fn address(&self, query: &str) -> String {
        let mut parts: Vec<&str> = vec![query];
        let keep = self.chosen.keep().unwrap_or_default();
        parts.push(&keep);
        parts.retain(|it| !it.is_empty());
        let query = parts.join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!("/admin/members/{}{mark}{query}", self.read.member.id)
    }

    /// The programs in which the member has an account, and the one that is shown.
    fn programs(&self) -> Vec<Choice> {
        let path = format!("/admin/members/{}", self.read.member.id);
        let known = |it: &Choice| {
            let program = self.chosen.catalog.programs().find(|program| program.info.name == it.label);
            it.is_current || program.is_some_and(|it| self.read.programs.contains(&it.info.number))
        };
        self.chosen.choices(&path).into_iter().filter(known).collect()
    }

    fn balances(&self) -> Vec<BalanceTile> {
        let standing = &self.read.standing;
        let balance = standing.balance;
        let waiting = standing.lots.iter().filter(|it| it.pending.is_positive()).map(|it| it.at.available_at).min();
        let waiting = waiting.map_or_else(|| "nothing".to_owned(), |it| format!("next from {}", self.short(it)));
        let held = match self.holds().len() {
            0 => "nothing".to_owned(),
            1 => "for 1 checkout".to_owned(),
            several => format!("for {several} checkouts"),
        };
        let owed = if balance.owed.is_positive() { "the next earned pay it" } else { "nothing" };
        let tile = |label, points: Points, note: String| BalanceTile {
            label,
            value: number(points),
            note,
            is_zero: points.is_zero(),
            is_bad: false,
        };
        vec![
            tile("Waiting", balance.pending, waiting),
            tile("Held", balance.held, held),
            BalanceTile { is_bad: balance.owed.is_positive(), ..tile("Owed", balance.owed, owed.to_owned()) },
        ]
    }

    fn expiries(&self) -> Vec<Expiry> {
        let zone = &self.voice.terms.zone;
        let today = zone.date_of(self.chosen.now);
        let dated = self.read.standing.expiries.iter().filter(|it| it.0 != Timestamp::NEVER);
        // Several instants may end on one day, where the program changed its zone.
        let mut days: BTreeMap<_, Points> = BTreeMap::new();
        for (at, points) in dated {
            let last = zone.date_of(Timestamp::from_micros(at.micros() - 1));
            *days.entry(last).or_default() += *points;
        }
        let most = days.values().copied().max().unwrap_or_default();
        let expiry = |(last, points): (&engine::Date, &Points)| Expiry {
            last_day: day(*last),
            distance: say::distance(last.days_since(today)),
            points: number(*points),
            share: percent(share(points.get(), most.get())),
            is_soon: last.days_since(today) <= SOON_DAYS,
        };
        days.iter().map(expiry).collect()
    }

    /// Points without a last day.
    fn never(&self) -> Option<String> {
        let lasting = self.read.standing.lots.iter().filter(|it| it.at.expires_at == Timestamp::NEVER);
        let points: Points = lasting.map(|it| it.pending + it.available + it.held).sum();
        points.is_positive().then(|| self.voice.points(points))
    }

    fn holds(&self) -> Vec<HoldRow> {
        let active = self.read.standing.holds.iter().filter(|it| it.state == HoldState::Active);
        let row = |it: &engine::Hold| HoldRow {
            number: it.no.0.to_string(),
            points: number(it.points),
            until: self.voice.clock(it.lapses_at),
        };
        active.map(row).collect()
    }

    fn lot(&self, it: &Lot) -> LotRow {
        let remark = if it.pending.is_positive() {
            "waiting".to_owned()
        } else if it.held.is_positive() {
            format!("{} of them held", number(it.held))
        } else {
            String::new()
        };
        let order = match it.order {
            Some(no) => self.reference(no).unwrap_or_else(|| format!("order {}", no.0)),
            None if it.graced => "came back after its last day".to_owned(),
            None => "by staff or for an activity".to_owned(),
        };
        LotRow {
            points: number(it.pending + it.available + it.held),
            remark,
            earned: self.voice.day_of(it.at.earned_at),
            from: self.voice.day_of(it.at.available_at),
            last_day: self.voice.last_day(it.at.expires_at).unwrap_or_else(|| "never".to_owned()),
            order,
        }
    }

    fn order(&self, it: &OrderInfo) -> OrderRow {
        let document = &it.document;
        let state = if document.cancelled_at.is_some() {
            "cancelled"
        } else if document.fulfilled_at.is_some() {
            "fulfilled"
        } else if document.paid_at.is_some() {
            "paid"
        } else {
            "placed"
        };
        let lines = document.lines.iter();
        let lines =
            lines.map(|it| it.amount - it.discount + if it.tax_included { engine::Money::ZERO } else { it.tax });
        let total = lines.fold(engine::Money::ZERO, |sum, it| sum + it);
        let total = total - document.discount - document.coupon + document.shipping;
        let posted = &it.order.posted;
        let redeemed = posted.redeemed();
        OrderRow {
            reference: it.reference.clone(),
            channel: it.channel.clone(),
            placed: self.short(document.placed_at),
            amount: format!("{} {}", self.voice.amount(total), self.voice.terms.currency.code()),
            state,
            earned: format!("{} earned", number(posted.earned)),
            redeemed: redeemed.is_positive().then(|| format!("{} redeemed", number(redeemed))),
        }
    }

    fn entries(&self) -> Answer<Vec<EntryRow>> {
        let mut after = self.read.history.balance;
        let mut rows = Vec::new();
        for it in &self.read.history.entries {
            let change = spendable(it);
            rows.push(self.entry(it, change, after)?);
            after = after.map(|it| it - change);
        }
        Ok(rows)
    }

    fn entry(&self, it: &Entry, change: Points, after: Option<Points>) -> Answer<EntryRow> {
        let voice = self.chosen.program.voice(it.at)?;
        let order = it.order.and_then(|no| self.reference(no));
        let lots = |no| self.read.background.lots.get(&no).copied();
        let (icon, tone) = mark(it);
        Ok(EntryRow {
            day: voice.day_of(it.at),
            time: voice.clock(it.at),
            datetime: it.at.to_string(),
            icon,
            tone,
            words: entry_in_words(it, order.as_deref(), &lots, &voice),
            change: if change.is_zero() { String::new() } else { say::signed(change) },
            balance: after.map_or_else(String::new, number),
        })
    }

    fn older(&self) -> Option<String> {
        self.read.history.older.map(|it| self.address(&format!("before={it}")))
    }

    /// "web 1009": the channel is said too, since two may use the same numbers.
    fn reference(&self, no: OrderNo) -> Option<String> {
        let background = &self.read.background;
        let reference = background.references.get(&no)?;
        Some(format!("{} {reference}", background.channels.get(&no)?))
    }

    fn short(&self, at: Timestamp) -> String {
        say::short_day(self.voice.terms.zone.date_of(at))
    }
}

/// How much more or less can be spent after an entry.
pub(super) fn spendable(entry: &Entry) -> Points {
    let of = |bucket: Bucket, points: Points| if bucket == Bucket::Available { points } else { Points::ZERO };
    entry.postings.iter().map(|it| of(it.to, it.points) - of(it.from, it.points)).sum()
}

/// The icon and the colour of an entry.
fn mark(it: &Entry) -> (&'static str, &'static str) {
    match it.kind {
        Kind::Earn | Kind::Release => ("earn", "earned"),
        Kind::Redeem | Kind::Convert | Kind::Spend | Kind::Use | Kind::Reward => ("redeem", "redeemed"),
        Kind::Fulfil => ("redeem", "held"),
        Kind::CancelReward => ("back", "earned"),
        Kind::Return | Kind::Unconvert | Kind::Refund | Kind::GiveBack => ("back", "earned"),
        Kind::Revoke | Kind::Repay => ("back", "revoked"),
        Kind::Issue => ("adjust", "earned"),
        Kind::Cancel => ("adjust", "revoked"),
        Kind::Expire | Kind::Forfeit => ("expire", "expired"),
        Kind::Hold | Kind::Lapse => ("hold", "held"),
        Kind::Adjust if it.postings.iter().any(|it| it.to == Bucket::Deducted) => ("adjust", "revoked"),
        Kind::Adjust => ("adjust", "earned"),
        Kind::Tier | Kind::Claim | Kind::Join => ("earn", "held"),
        Kind::Close => ("hold", "held"),
        Kind::Redate | Kind::Extend => ("expire", "held"),
        Kind::Reinstate | Kind::Activity => ("earn", "earned"),
        Kind::Merge | Kind::Unmerge => ("back", "earned"),
    }
}
