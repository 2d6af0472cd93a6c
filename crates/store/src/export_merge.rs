//! Merges in the export: all that comes or leaves with an entry.

use engine::{
    Carried, Conversion, Estate, Hold, HoldState, Lot, Merged, OrderNo, Posted, RewardClaim, Source, Standing, Year,
};
use serde_json::{Value, json};

use crate::rows::figures;

pub(crate) fn merged(it: &Merged) -> Value {
    match it {
        Merged::Came { estate: it, can_be_undone } => {
            json!({"what": "came", "can_be_undone": can_be_undone, "estate": estate(it)})
        }
        Merged::Went => json!({"what": "went"}),
        Merged::Returned(it) => json!({"what": "returned", "estate": estate(it)}),
        Merged::Parted(it) => json!({
            "what": "parted", "from": it.from.0, "balance": figures(&it.balance).map(engine::Points::get),
            "years": list(&it.years, year), "orders": list(&it.orders, order), "conversions": list(&it.conversions, conversion), "claims": list(&it.claims, claim),
            "carried": list(&it.carried, carried), "standing": standing(&it.standing),
        }),
    }
}

fn list<T>(items: &[T], value: impl Fn(&T) -> Value) -> Vec<Value> {
    items.iter().map(value).collect()
}

fn estate(it: &Estate) -> Value {
    let joined = |it: &engine::Joined| json!({"place": it.place.0, "next_lot": it.next_lot.0, "next_order": it.next_order.0, "next_hold": it.next_hold.0});
    json!({
        "joined": list(&it.joined, joined), "balance": figures(&it.balance).map(engine::Points::get),
        "lots": list(&it.lots, lot), "holds": list(&it.holds, hold), "orders": list(&it.orders, order),
        "conversions": list(&it.conversions, conversion), "claims": list(&it.claims, claim), "years": list(&it.years, year),
        "carried": list(&it.carried, carried), "standing": standing(&it.standing),
    })
}

fn lot(it: &Lot) -> Value {
    json!({
        "lot": super::export::lot(it.at), "order": it.order.map(|it| it.0), "graced": it.graced, "expired": it.expired.get(),
        "forfeited": it.forfeited.get(),
        "certificate": it.certificate.map(|it| json!({"uses": super::export::uses(it.uses), "cancelled": it.is_cancelled})),
    })
}

fn taken(it: &engine::Taken) -> Value {
    json!({"lot": it.lot.no.0, "points": it.points.get()})
}

fn hold(it: &Hold) -> Value {
    let (state, order) = match it.state {
        HoldState::Active => ("active", None),
        HoldState::Ended => ("ended", None),
        HoldState::Taken(order) => ("taken", Some(order.0)),
    };
    json!({
        "hold": it.no.0, "state": state, "order": order, "lapses_at": it.lapses_at.to_string(), "points": it.points.get(),
        "taken": list(&it.taken, taken),
    })
}

fn order((no, it): &(OrderNo, Posted)) -> Value {
    let taken_back = |it: &engine::TakenBack| {
        let (source, lot) = match it.source {
            Source::Lot(lot) => ("lot", Some(lot.no.0)),
            Source::Expired => ("expired", None),
            Source::Owed => ("owed", None),
            Source::LetGo => ("let_go", None),
        };
        json!({"source": source, "lot": lot, "points": it.points.get()})
    };
    json!({
        "order": no.0, "lot": it.lot.map(|it| it.no.0), "earned": it.earned.get(), "taken_back": list(&it.taken_back, taken_back),
        "redeemed": list(&it.redeemed, taken), "counted": it.counted.minor(), "steps": it.steps, "spent": it.spent.minor(),
        "displaced": list(&it.displaced, |it| json!({"order": it.order.0, "steps": it.steps, "level": it.level.minor()})),
        "allotted": it.allotted.map(|it| json!({"cap": it.cap.name(), "points": it.points.get()})),
        "budgets": list(&it.budgets, |it| json!({
            "promotion": it.promotion.as_ref(), "points": it.points.get(), "allotted": it.allotted.map(engine::Points::get),
        })),
        "credit": list(&it.credit, |it| json!({"lot": it.lot.no.0, "amount": it.amount.minor()})),
        "certificates": list(&it.certificates, |it| json!({
            "lot": it.lot.no.0, "paid": it.paid.minor(), "lost": it.lost.minor(),
        })),
    })
}

fn conversion(it: &Conversion) -> Value {
    json!({
        "lot": it.lot.no.0, "points": it.rate.points.get(), "into": it.rate.target.name(), "value": it.rate.value.minor(),
        "taken": list(&it.taken, taken),
    })
}

fn claim(it: &RewardClaim) -> Value {
    json!({
        "claim": it.no.0, "reward": &*it.reward, "version": it.version, "state": it.state.name(), "at": it.at.to_string(),
        "points": it.points.get(), "taken": list(&it.taken, taken), "certificate": it.certificate.map(|it| it.no.0),
    })
}

fn year(it: &Year) -> Value {
    let day =
        |it: &engine::Day| json!([it.ordinal, it.figures.points.get(), it.figures.spent.minor(), it.figures.orders]);
    json!({"year": it.year, "days": list(&it.days, day)})
}

fn carried(it: &Carried) -> Value {
    json!({"per": it.per.minor(), "remainder": it.remainder.minor()})
}

fn standing(it: &Standing) -> Value {
    let acted = |it: &engine::Acted| {
        json!({
            "act": super::export::act(&it.act), "day": it.day.to_string(), "of_day": it.of_day, "of_month": it.of_month,
            "of_life": it.of_life,
        })
    };
    json!({
        "tier": it.tier.as_ref().map(|it| json!({
            "name": it.tier.as_deref(), "since": it.since.to_string(), "review_at": it.review_at.to_string(),
            "hold": it.hold.name(),
        })),
        "tiers_before": list(&it.tiers_before, |(tier, since)| json!({"name": tier.as_deref(), "since": since.to_string()})),
        "acts": list(&it.acts, acted), "has_begun": it.has_begun,
        "closings": list(&it.closings, |it| json!({
            "since": it.since.to_string(), "forfeits_at": it.forfeits_at.to_string(), "until": it.until.map(|it| it.to_string()),
        })),
    })
}
