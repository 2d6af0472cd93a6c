//! The canonical ledger as NDJSON: the same bytes for the same ledger, whatever database it is in.
//!
//! One line for each program version, channel, member, order and entry; orders and entries by owner, program and number.
//! Behind the members, certificates that were made for nobody, each with the entries of its own.
//! No personal data, no receipt times. Bounded by one member at a time.

use std::io::{self, Write};

use engine::{
    Act, Bucket, By, Cause, Changes, Displaced, EarnMode, Earned, Entry, Gives, HoldState, Kind, LotRef, Milestone,
    Part, Pay, Points, Posting, Promoted, Reason, ReturnPart, Rounding, Worked,
};
use serde_json::{Value, json};

use crate::error::StoreError;
use crate::export_merge::merged;
use crate::fault::Found;
use crate::guest;
use crate::id::MemberId;
use crate::load::{read_entry, read_order};
use crate::pack::kind_number;
use crate::query::Reader;
use crate::rows::{self, AccountId};
use crate::sql::{Connection, params};

/// Why an export ended early.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("writing the export failed")]
    Write(#[from] io::Error),
}

impl Reader {
    /// Writes the ledger; `progress` is told how many members are done. Answers how many lines there are.
    ///
    /// # Errors
    /// When the database cannot be read or the output not be written.
    pub fn export(&self, output: &mut dyn Write, progress: &mut dyn FnMut(u64)) -> Result<u64, ExportError> {
        let mut lines = Lines { output, count: 0 };
        self.export_reference(&mut lines)?;
        let mut after = None;
        let mut done = 0;
        loop {
            let page = self.all_members(after, 1_000)?;
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            for member in &page {
                let mut line = json!({"type": "member", "member": member.id.to_string()});
                if let Some(survivor) = member.merged_into {
                    line["merged_into"] = json!(survivor.to_string());
                }
                lines.write(&line)?;
                for account in self.ask(|conn| accounts_of(conn, member.id))? {
                    self.export_orders(account, &mut lines)?;
                    self.export_entries(account, &mut lines)?;
                }
                done += 1;
            }
            progress(done);
        }
        self.export_bearers(&mut lines)?;
        self.export_guests(&mut lines)?;
        Ok(lines.count)
    }

    /// Certificates that were made for nobody, in the order of their owners.
    fn export_bearers(&self, lines: &mut Lines<'_>) -> Result<(), ExportError> {
        let mut after = None;
        loop {
            let page = self.bearer_accounts(after, 1_000)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(last.owner);
            for id in page {
                lines.write(&json!({"type": "bearer", "bearer": id.owner.to_string()}))?;
                self.export_entries(id, lines)?;
            }
        }
    }

    /// Orders without a member, in the order of their owners.
    fn export_guests(&self, lines: &mut Lines<'_>) -> Result<(), ExportError> {
        let mut after = Vec::new();
        loop {
            let page = self.ask(|conn| guest::page(conn, &after))?;
            let Some((last, ..)) = page.last() else { return Ok(()) };
            after = last.to_vec();
            for (_, program, it) in &page {
                let order = &it.guest.order;
                let amount = order.document.as_deref().map(|it| it.lines.iter().map(|line| line.amount.minor()).sum());
                let amount: Option<i64> = amount;
                lines.write(&json!({
                    "type": "guest_order", "program": program, "channel": it.channel, "reference": it.reference,
                    "version": order.pinned.version, "on": order.pinned.on,
                    "recorded_at": it.guest.recorded_at.to_string(),
                    "returned": order.returned.iter().map(returned).collect::<Vec<_>>(),
                    "placed_at": order.document.as_deref().map(|it| it.placed_at.to_string()), "amount": amount,
                }))?;
            }
        }
    }

    fn export_reference(&self, lines: &mut Lines<'_>) -> Result<(), ExportError> {
        for program in self.programs()? {
            for version in program.timeline.versions() {
                lines.write(&json!({
                    "type": "version", "program": program.number, "id": program.id.to_string(), "name": program.name, "version": version.number,
                    "effective_at": version.effective_at.to_string(), "document": program.document(version.number),
                }))?;
            }
            for switch in program.timeline.switches() {
                let at = switch.at.to_string();
                lines.write(&json!({"type": "switch", "program": program.number, "at": at, "on": switch.on}))?;
            }
        }
        for channel in self.channels()? {
            lines.write(&json!({
                "type": "channel", "channel": channel.number, "id": channel.id.to_string(), "name": channel.name, "program": channel.program,
            }))?;
        }
        Ok(())
    }

    fn export_orders(&self, id: AccountId, lines: &mut Lines<'_>) -> Result<(), ExportError> {
        let orders = self.ask(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT order_no, channel, reference, biz_date, document, state FROM orders
                WHERE owner_id = $1 AND program = $2 ORDER BY order_no",
            )?;
            let mut rows = statement.query(params![id.owner.0, id.program])?;
            let mut orders = Vec::new();
            while let Some(row) = rows.next()? {
                let it = read_order(row)?;
                let amount =
                    it.order.document.as_deref().map(|it| it.lines.iter().map(|line| line.amount.minor()).sum());
                let amount: Option<i64> = amount;
                orders.push(json!({
                    "type": "order", "member": id.owner.to_string(), "program": id.program, "order": it.order.no.0,
                    "channel": it.channel, "reference": it.reference, "version": it.order.pinned.version,
                    "on": it.order.pinned.on, "asked": it.order.asked.get(), "accepted": it.order.accepted.get(),
                    "credit_asked": it.order.credit_asked.minor(), "credit_accepted": it.order.credit_accepted.minor(),
                    "credit": it.order.posted.credit().minor(), "by_certificates": it.order.posted.by_certificates().minor(), "earned": it.order.posted.earned.get(), "redeemed": it.order.posted.redeemed().get(),
                    "is_return": it.order.document.as_deref().is_some_and(|it| it.is_return),
                    "returned": it.order.returned.iter().map(returned).collect::<Vec<_>>(),
                    "placed_at": it.order.document.as_deref().map(|it| it.placed_at.to_string()), "amount": amount,
                }));
            }
            Ok(orders)
        })?;
        orders.iter().try_for_each(|it| lines.write(it))?;
        Ok(())
    }

    fn export_entries(&self, id: AccountId, lines: &mut Lines<'_>) -> Result<(), ExportError> {
        let mut after = engine::EntryNo(0);
        loop {
            let page = self.ask(|conn| {
                let mut statement = conn.prepare_cached(
                    "SELECT entry_no, at, kind, order_no, body, biz_date FROM entries
                    WHERE owner_id = $1 AND program = $2 AND $3 < entry_no ORDER BY entry_no LIMIT 1000",
                )?;
                let mut rows = statement.query(params![id.owner.0, id.program, after.0])?;
                let mut page = Vec::new();
                while let Some(row) = rows.next()? {
                    page.push((read_entry(row)?, row.get::<_, String>(5)?));
                }
                Ok(page)
            })?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = last.number;
            for (entry, day) in &page {
                lines.write(&entry_line(id, entry, day))?;
            }
        }
    }
}

struct Lines<'a> {
    output: &'a mut dyn Write,
    count: u64,
}

impl Lines<'_> {
    fn write(&mut self, line: &Value) -> io::Result<()> {
        self.count += 1;
        writeln!(self.output, "{line}")
    }
}

fn accounts_of(conn: &Connection, owner: MemberId) -> Found<Vec<AccountId>> {
    let select = "SELECT owner_id, program FROM accounts WHERE owner_id = $1 ORDER BY program";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![owner.0])?;
    let mut accounts = Vec::new();
    while let Some(row) = rows.next()? {
        accounts.push(AccountId { owner: rows::member(row, 0)?, program: row.get(1)? });
    }
    Ok(accounts)
}

fn entry_line(id: AccountId, entry: &Entry, day: &str) -> Value {
    let currency = id.currency().map(|it| it.iter().copied().map(char::from).collect::<String>());
    let program = if currency.is_some() { None } else { Some(id.program) };
    let hold = entry.hold.map(|it| {
        let (state, order) = match it.state {
            HoldState::Active => ("active", None),
            HoldState::Ended => ("ended", None),
            HoldState::Taken(order) => ("taken", Some(order.0)),
        };
        json!({"hold": it.no.0, "state": state, "order": order, "lapses_at": it.lapses_at.to_string()})
    });
    let opened: Vec<Value> = entry
        .opened
        .iter()
        .map(|it| json!({"lot": lot(it.lot), "order": it.order.map(|it| it.0), "graced": it.graced, "uses": it.certificate.map(uses)}))
        .collect();
    let whose = if id.owner.is_bearer() { "bearer" } else { "member" };
    let mut line = json!({
        "type": "entry", (whose): id.owner.to_string(), "program": program, "currency": currency,
        "certificates": id.is_wallet(),
        "entry": entry.number.0,
        "at": entry.at.to_string(), "day": day, "kind": kind_name(entry.kind), "order": entry.order.map(|it| it.0),
        "actor": actor(entry), "reason": reason(&entry.reason), "opened": opened, "dated": entry.dated.iter().copied().map(lot).collect::<Vec<_>>(),
        "hold": hold, "postings": entry.postings.iter().map(posting).collect::<Vec<_>>(),
        "changes": changes(&entry.changes),
    });
    if let Some(it) = entry.changes.merged.as_deref() {
        line["changes"]["merged"] = merged(it);
    }
    if let Some(it) = entry.changes.reward.as_deref() {
        line["changes"]["reward"] = json!({
            "claim": it.claim.0, "reward": &*it.reward, "version": it.version, "state": it.state.name(),
        });
    }
    line
}

fn returned(it: &engine::Returned) -> Value {
    let line = |it: &engine::Return| match it.part {
        ReturnPart::Quantity(quantity) => json!({"line": it.line, "quantity": quantity}),
        ReturnPart::Amount(amount) => json!({"line": it.line, "amount": amount.minor()}),
    };
    json!({
        "channel": it.channel, "reference": it.reference, "returned_at": it.returned_at.to_string(),
        "lines": it.lines.iter().map(line).collect::<Vec<_>>(), "refunded": it.refunded.minor(),
    })
}

fn kind_name(kind: Kind) -> Value {
    json!({"code": kind_number(kind), "name": kind.name()})
}

fn actor(entry: &Entry) -> Value {
    match entry.actor {
        engine::Actor::System => json!("system"),
        engine::Actor::Channel(number) => json!({"channel": number}),
        engine::Actor::Staff(number) => json!({"staff": number}),
        engine::Actor::Import => json!("import"),
        engine::Actor::Key(number) => json!({"key": number}),
    }
}

pub(crate) fn lot(it: LotRef) -> Value {
    json!({
        "lot": it.no.0, "earned_at": it.earned_at.to_string(), "available_at": it.available_at.to_string(),
        "expires_at": it.expires_at.to_string(),
    })
}

fn posting(it: &Posting) -> Value {
    let name = |bucket: Bucket| bucket.name();
    json!({"lot": it.lot.0, "from": name(it.from), "to": name(it.to), "points": it.points.get()})
}

fn displaced(it: &Displaced) -> Value {
    json!({"order": it.order.0, "steps": it.steps, "level": it.level.minor()})
}

fn changes(it: &Changes) -> Value {
    json!({
        "owed": it.owed.get(), "let_go": it.let_go.get(), "expired": it.expired.get(), "earned": it.earned.get(),
        "undone": it.undone.get(), "counted": it.counted.minor(), "steps": it.steps,
        "carried": it.carried.map(|it| json!({"per": it.per.minor(), "remainder": it.remainder.minor()})),
        "displaced": it.displaced.as_ref().map(|it| it.iter().map(displaced).collect::<Vec<_>>()),
        "spent": it.spent.minor(),
        "figures": it.figures.map(|it| json!({
            "day": it.day.to_string(), "points": it.figures.points.get(), "spent": it.figures.spent.minor(),
            "orders": it.figures.orders,
        })),
        "allotted": it.allotted.map(|it| json!({"cap": it.cap.name(), "points": it.points.get()})),
        "budgets": it.budgets.iter().map(|it| json!({
            "promotion": &*it.promotion, "points": it.points.get(), "allotted": it.allotted.map(Points::get),
        })).collect::<Vec<_>>(),
        "extended": it.extended.map(|it| it.to_string()),
        "converted": it.converted.as_ref().map(|it| json!({
            "points": it.rate.points.get(), "into": it.rate.target.name(), "value": it.rate.value.minor(), "times": it.times,
            "certificate": it.certificate.map(|it| it.no.0),
        })),
        "certificates": it.certificates.iter().map(|it| json!({
            "certificate": it.lot.no.0, "paid": it.paid.minor(), "lost": it.lost.minor(),
        })).collect::<Vec<_>>(),
        "credit": it.credit.iter().map(|it| json!({"lot": it.lot.no.0, "amount": it.amount.minor()})).collect::<Vec<_>>(),
        "acted": it.acted.as_ref().map(|it| json!({
            "act": act(&it.act), "day": it.day.to_string(), "of_day": it.of_day, "of_month": it.of_month,
            "of_life": it.of_life,
        })),
        "closed": it.closed.as_ref().map(|it| json!({
            "since": it.since.to_string(), "forfeits_at": it.forfeits_at.to_string(),
            "until": it.until.map(|it| it.to_string()),
        })),
        "tier": it.tier.as_ref().map(|it| json!({
            "name": it.tier.as_deref(), "since": it.since.to_string(), "review_at": it.review_at.to_string(), "hold": it.hold.name(),
        })),
    })
}

pub(crate) fn act(it: &Act) -> Value {
    match it {
        Act::SignUp => json!({"kind": "sign_up"}),
        Act::Birthday => json!({"kind": "birthday"}),
        Act::Custom(name) => json!({"kind": "custom", "name": name}),
        Act::Reward(name) => json!({"kind": "reward", "name": name}),
    }
}

fn reason(reason: &Reason) -> Value {
    match reason {
        Reason::Due => json!({"code": "due"}),
        Reason::Earned(it) => earned(it),
        Reason::Paid(it) => json!({
            "code": "paid", "rate": {"points": it.rate.points.get(), "value": it.rate.value.minor()},
            "tier": it.tier.as_deref(), "fits": it.fits.get(), "before": it.before.get(), "after": it.after.get(),
            "value": it.value.minor(), "hold": it.hold.map(|it| it.0),
        }),
        Reason::Held { minutes } => json!({"code": "held", "minutes": minutes}),
        Reason::Note(note) => json!({"code": "note", "note": note}),
        Reason::Acted(it) => json!({
            "code": "acted", "act": act(&it.act), "version": it.version, "points": it.points.get(),
        }),
        Reason::Tier(it) => json!({
            "code": "tier", "outcome": it.outcome.name(), "before": it.before.as_deref(), "by": it.by.name(),
            "within": it.within.name(), "figure": it.figure, "from": it.from,
        }),
        Reason::Claimed(it) => json!({
            "code": "claimed", "recorded_at": it.recorded_at.to_string(), "note": it.note,
        }),
        Reason::Extended(it) => json!({
            "code": "extended", "on": it.rule.on.name(), "months": it.rule.months, "at": it.at.to_string(),
        }),
        Reason::Credit(it) => json!({
            "code": "credit", "fits": it.fits.minor(), "before": it.before.minor(), "after": it.after.minor(),
        }),
        Reason::Certificates(it) => json!({
            "code": "certificates", "fits": it.fits.minor(), "before": it.before.minor(), "after": it.after.minor(),
        }),
        Reason::Reward => json!({"code": "reward"}),
        Reason::Merged { other } => json!({"code": "merged", "other": MemberId(*other).to_string()}),
        Reason::Bearer { other, certificate } => json!({
            "code": "bearer", "other": MemberId(*other).to_string(), "certificate": certificate.0,
        }),
        Reason::Cause(it) => json!({
            "code": "cause", "program": it.program, "entry": it.entry.0, "order": it.order.map(|it| it.0),
        }),
    }
}

fn earned(it: &Earned) -> Value {
    let (cause, order) = match it.cause {
        Cause::Rate => ("rate", None),
        Cause::Waits(Milestone::Placed) => ("waits_placed", None),
        Cause::Waits(Milestone::Paid) => ("waits_paid", None),
        Cause::Waits(Milestone::Fulfilled) => ("waits_fulfilled", None),
        Cause::Cancelled => ("cancelled", None),
        Cause::ProgramOff => ("program_off", None),
        Cause::OrderType => ("order_type", None),
        Cause::CustomerType => ("customer_type", None),
        Cause::Closed => ("account_closed", None),
        Cause::Guest => ("guest", None),
        Cause::ClaimEnded => ("claim_ended", None),
        Cause::Returned => ("returned", None),
        Cause::StepOf(order) => ("step_of", Some(order.0)),
    };
    let mode = match it.rate.mode {
        EarnMode::Proportional => "proportional",
        EarnMode::Steps => "steps",
        EarnMode::StepsCarried => "steps_carried",
    };
    let mut said = json!({
        "code": "earned", "cause": cause, "order": order, "version": it.version, "base": it.base.minor(),
        "rate": {"points": it.rate.points.get(), "per": it.rate.per.minor(), "mode": mode},
        "carried": it.carried.minor(), "before": it.before.get(), "called_for": it.called_for.get(),
        "cut": it.cut.map(|it| json!({
            "cap": it.cap.name(), "most": it.most.get(), "called_for": it.called_for.get(),
        })),
    });
    if let Some(it) = &it.worked {
        said["worked"] = worked(it);
    }
    if let Some(it) = it.tier.as_deref() {
        said["tier"] = json!(it);
    }
    said
}

fn worked(it: &Worked) -> Value {
    let part = |it: &Part| {
        let (of, name) = match &it.by {
            By::Program => ("program", None),
            By::Product(name) => ("product", Some(name.as_ref())),
            By::Category(name) => ("category", Some(name.as_ref())),
            By::CustomerType => ("customer_type", None),
            By::Tier => ("tier", None),
        };
        let (points, per) = match it.pay {
            Pay::Per { points, per } => (points, Some(per.minor())),
            Pay::Each(points) => (points, None),
        };
        json!({
            "of": of, "name": name, "points": points.get(), "per": per, "base": it.base.minor(), "units": it.units,
        })
    };
    let promoted = |it: &Promoted| {
        let (times, points) = match it.gives {
            Gives::Times(times) => (Some(times.to_string()), None),
            Gives::Points(points) => (None, Some(points.get())),
        };
        let budget = it
            .budget
            .map(|it| json!({"most": it.most.get(), "called_for": it.called_for.get(), "given": it.given.get()}));
        json!({
            "name": it.name.as_ref(), "times": times, "points": points, "base": it.base.minor(), "budget": budget,
        })
    };
    json!({
        "points": it.points.get(), "parts": it.parts.iter().map(part).collect::<Vec<_>>(),
        "excluded": it.excluded.minor(), "gift_cards": it.gift_cards.minor(),
        "times": it.times.map(|it| it.to_string()), "tier_times": it.tier_times.map(|it| it.to_string()),
        "rounded": it.rounded,
        "promotions": it.promotions.iter().map(promoted).collect::<Vec<_>>(),
        "rounding": match it.rounding {
            Rounding::Order => "order",
            Rounding::Line => "line",
        },
    })
}

/// `once`, or `12.5% once` of a certificate that pays a share.
pub(super) fn uses(uses: engine::Uses) -> String {
    uses.share().map_or_else(|| uses.name().to_owned(), |share| format!("{share} {}", uses.name()))
}
