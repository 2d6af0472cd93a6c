//! What staff do to points that are there already, and what earns without an order: how a step says it, and how each of
//! the three that a scenario runs against is told.

use engine::{
    Account, ClaimNo, Closing, Decided, Decision, LotNo, Moment, Place, Placed as _, Points, Reason, Redating,
    Reinstatement, Rules, Stop, Timestamp,
};
use serde_json::{Value, json};
use store::{Body, MemberRef};

use super::moment::When;
use super::rewards;
use super::words::{Fault, Words};

/// Of a member's account.
#[derive(Clone, Debug)]
pub(super) enum PointsAct {
    Redate(Redating),
    Reinstate(Reinstatement),
    Act { name: String, reference: Option<String> },
    Close(Closing),
    Join { note: String },
    Collect { note: String },
    Reward { name: String },
    EndClaim { claim: ClaimNo, cancels: bool, note: String },
}

impl PointsAct {
    /// What it does to certificates, which follow the member out and back.
    pub(super) fn on_wallet(&self, account: &Account, moment: Moment) -> Decision {
        let ledger = account.wallet.as_ref().map(|it| &it.ledger).ok_or(Stop::NeedMore)?;
        let decided = match (self, account.closed()) {
            (Self::Close(closing), Some(closed)) if ledger.next_entry.0 != 1 => {
                engine::close_wallet(ledger, closed.forfeits_at, Reason::Note(closing.note.clone()), moment)?
            }
            (Self::Join { note }, _) if ledger.closed().is_some() => {
                engine::open_wallet(ledger, Reason::Note(note.clone()), moment)
            }
            _ => Decided::default(),
        };
        Ok(Decided { certificates: decided.entries, ..Decided::default() })
    }

    pub(super) const VERBS: [&str; 8] = ["redate", "reinstate", "act", "close", "join", "collect", "reward", "fulfil"];

    /// What comes behind the verb and the name.
    pub(super) fn read(verb: &str, words: &mut Words, when: &When) -> Result<Self, Fault> {
        match verb {
            "redate" => Self::read_redate(words, when),
            "reinstate" => Self::read_reinstate(words, when),
            "act" => Self::read_act(words),
            "close" => Self::read_close(words),
            "reward" => Ok(Self::Reward { name: words.take().to_owned() }),
            "fulfil" => Self::read_end(words, false),
            "collect" => Ok(Self::Collect { note: words.quoted()?.to_owned() }),
            _ => Self::read_join(words),
        }
    }

    /// `redate ana [lot 1] [expiring by 2022-12-31] until 2023-12-31 "why"`, or `never expires` for the day: what comes behind the name.
    fn read_redate(words: &mut Words, when: &When) -> Result<Self, Fault> {
        let lot = lot(words)?;
        let by = words.eat("expiring by").then(|| words.date()).transpose()?;
        let expiring_by = by.map(|it| when.zone.end_of(it));
        let expires_at = if words.eat("never expires") {
            Timestamp::NEVER
        } else {
            words.expect("until")?;
            when.zone.end_of(words.date()?)
        };
        Ok(Self::Redate(Redating { lot, expiring_by, expires_at, note: words.quoted()?.to_owned() }))
    }

    /// `reinstate ana 40 [lot 1] "why" [until 2023-12-31]`.
    fn read_reinstate(words: &mut Words, when: &When) -> Result<Self, Fault> {
        let (points, lot) = (words.points()?, lot(words)?);
        let note = words.quoted()?.to_owned();
        let expires_at = if words.eat("until") { Some(when.zone.end_of(words.date()?)) } else { None };
        Ok(Self::Reinstate(Reinstatement { points, lot, expires_at, note }))
    }

    /// `act ana review [#r1]`.
    fn read_act(words: &mut Words) -> Result<Self, Fault> {
        let name = words.take();
        if name.is_empty() {
            return Err(Fault::allowed(name, "the name of an activity such as review"));
        }
        let reference = words.peek().strip_prefix('#').map(str::to_owned);
        if reference.is_some() {
            words.take();
        }
        Ok(Self::Act { name: name.to_owned(), reference })
    }

    /// `close ana "why" [grace 30 days]`.
    fn read_close(words: &mut Words) -> Result<Self, Fault> {
        let note = words.quoted()?.to_owned();
        let grace_days = if words.eat("grace") { words.number("days such as 30")? } else { 0 };
        if 0 < grace_days {
            words.expect("days")?;
        }
        let grace_days = u16::try_from(grace_days).map_err(|_| Fault::allowed("grace", "at most 3660 days"))?;
        Ok(Self::Close(Closing { grace_days, note }))
    }

    /// `join ana "why"`.
    fn read_join(words: &mut Words) -> Result<Self, Fault> {
        Ok(Self::Join { note: words.quoted()?.to_owned() })
    }

    /// `fulfil ana claim 1 "why"`, `cancel ana claim 1 "why"`.
    pub(super) fn read_end(words: &mut Words, cancels: bool) -> Result<Self, Fault> {
        words.expect("claim")?;
        let claim = rewards::read_number(words)?;
        Ok(Self::EndClaim { claim, cancels, note: words.quoted()?.to_owned() })
    }

    pub(super) fn decide(&self, account: &Account, rules: Rules<'_>, moment: Moment) -> Decision {
        match self {
            Self::Redate(it) => engine::redate(account, rules, it, moment),
            Self::Reinstate(it) => engine::reinstate(account, rules, it, moment),
            Self::Act { name, .. } => engine::act(account, rules, name, moment),
            Self::Close(it) => engine::close(account, rules, it, moment),
            Self::Join { note } => engine::join(account, rules, note, moment),
            Self::Collect { note } => engine::collect(account, rules, note, moment),
            Self::Reward { name } => engine::claim_reward(account, rules, name, moment),
            Self::EndClaim { claim, cancels, note } => {
                let claim = if claim.place() == Place::OWN { claim.under(rules.under) } else { *claim };
                match cancels {
                    true => engine::cancel_claim(account, rules, claim, note, moment),
                    false => engine::fulfil_claim(account, rules, claim, note, moment),
                }
            }
        }
    }

    pub(super) fn body(&self, program: String, member: MemberRef) -> Body {
        match self.clone() {
            Self::Redate(redating) => Body::Redate { program, member, redating },
            Self::Reinstate(reinstatement) => Body::Reinstate { program, member, reinstatement },
            Self::Act { name, reference } => Body::Act { program, member, name, reference },
            Self::Close(closing) => Body::Close { program, member, closing },
            Self::Join { note } => Body::Join { program, member, note },
            Self::Collect { note } => Body::Collect { program, member, note },
            Self::Reward { name: reward } => Body::ClaimReward { program, member, reward },
            Self::EndClaim { claim, cancels, note } => Body::EndClaim { program, member, claim, cancels, note },
        }
    }

    /// The last part of the address, and what is sent there.
    pub(super) fn request(&self) -> (&'static str, Value) {
        let time = |at: Timestamp| (at != Timestamp::NEVER).then(|| at.to_string());
        match self {
            Self::Redate(it) => {
                let body = json!({
                    "lot": it.lot.map(|it| it.0), "expiring_by": it.expiring_by.and_then(time),
                    "expires_at": time(it.expires_at), "note": it.note,
                });
                ("redatings", body)
            }
            Self::Reinstate(it) => {
                let points: Points = it.points;
                let body = json!({
                    "points": points.get(), "lot": it.lot.map(|it| it.0), "expires_at": it.expires_at.and_then(time),
                    "note": it.note,
                });
                ("reinstatements", body)
            }
            Self::Act { name, reference } => ("activities", json!({ "name": name, "reference": reference })),
            Self::Close(it) => ("closings", json!({ "grace_days": it.grace_days, "note": it.note })),
            Self::Join { note } => ("joinings", json!({ "note": note })),
            Self::Collect { note } => ("collections", json!({ "note": note })),
            Self::Reward { name } => ("claims", json!({ "reward": name })),
            Self::EndClaim { cancels: true, note, .. } => ("cancellations", json!({ "note": note })),
            Self::EndClaim { note, .. } => ("fulfilments", json!({ "note": note })),
        }
    }
}

fn lot(words: &mut Words) -> Result<Option<LotNo>, Fault> {
    if words.eat("lot") { words.number("the number of a lot such as 1").map(|it| Some(LotNo(it))) } else { Ok(None) }
}
