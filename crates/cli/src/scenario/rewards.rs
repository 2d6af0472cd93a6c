//! The rewards catalogue in scenarios: how a program offers rewards, and what a look at them and at claims tells.

use anyhow::Result;
use engine::{ClaimNo, Offered, Place, Placed as _, RewardClaim};
use store::RewardInfo;

use super::clauses::{figure, name};
use super::expect::{Found, FoundItem};
use super::words::{Fault, Words};

const ALLOWED: &str = "`product M-1`, `a coupon of 10.00 once for 90 days`, `a coupon of 10% at most 20.00`, `stock 3`, `starting 2022-09-01`, `ending 2022-09-30`, \
    `tier gold`, `1 a day`, `2 a month` or `3 in all`";

/// The rewards of a program so far, each with its keys as they stand in the document.
#[derive(Clone, Debug, Default)]
pub(super) struct RewardClauses(Vec<(String, String)>);

impl RewardClauses {
    /// `reward Mug for 500 stock 3`, `no reward Mug`.
    pub(super) fn change(&mut self, words: &mut Words) -> Result<bool, Fault> {
        if words.eat("no reward") {
            let gone = name(words.take())?;
            self.0.retain(|it| it.0 != gone);
            return Ok(true);
        }
        if !words.eat("reward") {
            return Ok(false);
        }
        let name = name(words.take())?;
        words.expect("for")?;
        let mut keys = format!("\"name\": \"{name}\", \"points\": {}", figure(words)?);
        while !words.is_done() {
            keys += &key(words)?;
        }
        match self.0.iter_mut().find(|it| it.0 == name) {
            Some(known) => known.1 = keys,
            None => self.0.push((name, keys)),
        }
        Ok(true)
    }

    /// The key with its comma, or nothing.
    pub(super) fn to_json(&self) -> String {
        if self.0.is_empty() {
            return String::new();
        }
        let rewards: Vec<String> = self.0.iter().map(|(_, keys)| format!("{{ {keys} }}")).collect();
        format!(",\n  \"catalogue\": [{}]", rewards.join(", "))
    }
}

fn key(words: &mut Words) -> Result<String, Fault> {
    if words.eat("product") {
        return Ok(format!(", \"product\": \"{}\"", name(words.take())?));
    }
    if words.eat("a coupon of") {
        return coupon(words);
    }
    if words.eat("stock") {
        return Ok(format!(", \"stock\": {}", figure(words)?));
    }
    if words.eat("starting") {
        return Ok(format!(", \"from\": \"{}\"", words.date()?));
    }
    if words.eat("ending") {
        return Ok(format!(", \"until\": \"{}\"", words.date()?));
    }
    if words.eat("tier") {
        return Ok(format!(", \"tiers\": [\"{}\"]", name(words.take())?));
    }
    let times = figure(words).map_err(|_| Fault::allowed(words.peek(), ALLOWED))?;
    let ends = [("a day", "per_day"), ("a month", "per_month"), ("in all", "per_life")];
    let key = ends.into_iter().find(|(phrase, _)| words.eat(phrase)).map(|it| it.1);
    let key = key.ok_or_else(|| Fault::allowed(words.peek(), "`a day`, `a month` or `in all`"))?;
    Ok(format!(", \"{key}\": {times}"))
}

/// `10.00 [once|several] [for 90 days|until 2022-12-31]`, or `10% at most 20.00 [for 90 days|until 2022-12-31]`.
fn coupon(words: &mut Words) -> Result<String, Fault> {
    let mut keys = if words.peek().ends_with('%') {
        let share = words.take().to_owned();
        words.expect("at most")?;
        format!("\"share\": \"{share}\", \"max_value\": \"{}\"", figure(words)?)
    } else {
        format!("\"value\": \"{}\"", figure(words)?)
    };
    if let Some(uses) = ["once", "several"].into_iter().find(|it| words.eat(it)) {
        keys += &format!(", \"uses\": \"{uses}\"");
    }
    if words.eat("until") {
        keys += &format!(", \"validity\": {{ \"until\": \"{}\" }}", words.date()?);
    } else if words.eat("for") {
        let number = figure(words)?;
        let unit = words.take();
        if !["days", "months"].contains(&unit) {
            return Err(Fault::allowed(unit, "`days` or `months`"));
        }
        keys += &format!(", \"validity\": {{ \"{unit}\": {number} }}");
    }
    Ok(format!(", \"coupon\": {{ {keys} }}"))
}

/// A claim as a look tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClaimTold {
    pub(super) no: u64,
    pub(super) reward: String,
    pub(super) state: String,
}

impl ClaimTold {
    pub(super) fn of(it: &RewardClaim, is_undone: bool) -> Self {
        Self { no: it.no.0, reward: it.reward.to_string(), state: it.standing(is_undone).to_owned() }
    }

    /// `1 Mug claimed`.
    fn text(&self) -> String {
        format!("{} {} {}", number(ClaimNo(self.no)), self.reward, self.state)
    }
}

/// A reward as a look at the catalogue tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RewardTold {
    pub(super) name: String,
    pub(super) points: i64,
    pub(super) left: Option<u64>,
    pub(super) code: Option<String>,
}

impl RewardTold {
    pub(super) fn of(it: &RewardInfo) -> Self {
        Self::told(&it.reward, it.left, it.refusal.as_ref())
    }

    pub(super) fn offered(it: &Offered<'_>) -> Self {
        Self::told(it.reward, it.left, it.refusal.as_ref())
    }

    fn told(reward: &engine::Reward, left: Option<u32>, refusal: Option<&engine::Rejection>) -> Self {
        Self {
            name: reward.name.to_string(),
            points: reward.points.get(),
            left: left.map(u64::from),
            code: refusal.map(|it| it.code().to_owned()),
        }
    }

    /// `Mug 500 3 left because insufficient_points`.
    fn text(&self) -> String {
        let left = self.left.map_or_else(String::new, |it| format!(" {it} left"));
        let why = self.code.as_ref().map_or_else(String::new, |it| format!(" because {it}"));
        format!("{} {}{left}{why}", self.name, self.points)
    }
}

pub(super) fn tell_claims(found: &mut Found, claims: &[ClaimTold]) {
    let mut claims = claims.to_vec();
    claims.sort_by_key(|it| it.no);
    found.items = claims.iter().map(|it| item(it.text())).collect();
}

pub(super) fn tell_catalogue(found: &mut Found, rewards: &[RewardTold]) {
    found.items = rewards.iter().map(|it| item(it.text())).collect();
}

fn item(text: String) -> FoundItem {
    FoundItem { text, day: String::new(), time: String::new() }
}

/// An expected claim, written as it is found.
pub(super) fn read_claim(words: &mut Words) -> Result<String, Fault> {
    let (no, reward, state) = (number(read_number(words)?), words.take(), words.take());
    if !["claimed", "fulfilled", "cancelled", "undone"].contains(&state) {
        return Err(Fault::allowed(state, "`claimed`, `fulfilled`, `cancelled` or `undone`"));
    }
    Ok(format!("{no} {reward} {state}"))
}

/// An expected reward of the catalogue.
pub(super) fn read_reward(words: &mut Words) -> Result<String, Fault> {
    let mut text = format!("{} {}", words.take(), figure(words)?);
    if words.peek().bytes().all(|it| it.is_ascii_digit()) && !words.is_done() {
        text += &format!(" {} left", words.take());
        words.expect("left")?;
    }
    if words.eat("because") {
        text += &format!(" because {}", words.take());
    }
    Ok(text)
}

/// `1`; or `joined 1`, of the first who was merged into the member.
pub(super) fn read_number(words: &mut Words) -> Result<ClaimNo, Fault> {
    let what = "the number of a claim such as 1";
    let joined = words.eat("joined");
    let no = ClaimNo(words.number(what)?);
    Ok(if joined { no.under(Place(1)) } else { no })
}

fn number(no: ClaimNo) -> String {
    match no.place() {
        Place::OWN => no.0.to_string(),
        _ => format!("joined {}", no.within()),
    }
}
