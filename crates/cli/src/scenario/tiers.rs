//! Tiers in words: the clauses of a program, and what a step tells of where a member stands.

use engine::{Money, Progress, Terms, TierBy, TierHold, Timestamp};

use super::clauses::{after, figure};
use super::expect::Found;
use super::moment::When;
use super::words::{Fault, Words};

pub(super) const ALLOWED: &str = "`tier gold at 500.00`, `tier gold at 500.00 earns 2 per 1.00 times 1.5 redeems 100 \
    for 2.00`, \
    `tiers by spend|points|orders`, `tiers in all|in a year|in 12 months`, `tiers kept while reached|this year|next \
    year|6 months|for ever`, `tiers down straight|one step`, `tiers grace 30 days`, `no tiers`";
pub(super) const ALLOWED_OF_TIER: &str = "`tier gold` or `tier none`, `until 2023-12-31`, `never expires`, `in its grace`, \
    `set by staff`, `counts 612.00`, `missing 388.00 to platinum`, `missing 20.00 to keep`, `unchanged`";

/// What is named, as it stands in the program document.
#[derive(Clone, Debug, Default)]
pub(super) struct TierClauses {
    keys: Vec<(&'static str, String)>,
    levels: Vec<(String, String)>,
}

impl TierClauses {
    /// Changes what the clause names; whether it was one of these.
    pub(super) fn change(&mut self, words: &mut Words) -> Result<bool, Fault> {
        if words.eat("no tiers") {
            *self = Self::default();
        } else if words.eat("tiers by") {
            self.set(
                "by",
                format!("\"{}\"", one_of(words, &[("spend", "spend"), ("points", "points"), ("orders", "orders")])?),
            );
        } else if words.eat("tiers kept") {
            let kept = [("while reached", "while_reached"), ("this year", "this_year"), ("next year", "next_year")];
            let keep = if words.peek().starts_with(|it: char| it.is_ascii_digit()) {
                let months = figure(words)?;
                words.expect("months")?;
                format!("{{ \"months\": {months} }}")
            } else if words.eat("for ever") {
                "\"ever\"".to_owned()
            } else {
                format!("\"{}\"", one_of(words, &kept)?)
            };
            self.set("keep", keep);
        } else if words.eat("tiers down") {
            let down = one_of(words, &[("straight", "straight"), ("one step", "one_step")])?;
            self.set("downgrade", format!("\"{down}\""));
        } else if words.eat("tiers grace") {
            let days = figure(words)?;
            words.expect("days")?;
            self.set("grace_days", days);
        } else if words.eat("tiers") {
            let within = [("in all", "lifetime"), ("in a year", "year"), ("in 12 months", "12_months")];
            let within = one_of(words, &within)?;
            self.set("within", format!("\"{within}\""));
        } else if words.eat("tier") {
            self.level(words)?;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    fn set(&mut self, key: &'static str, value: String) {
        self.keys.retain(|it| it.0 != key);
        self.keys.push((key, value));
    }

    /// `gold at 500.00 earns 2 per 1.00 times 1.5 redeems 100 for 2.00`.
    fn level(&mut self, words: &mut Words) -> Result<(), Fault> {
        let name = words.take().to_owned();
        let from = after(words, "at")?;
        let from = if from.contains('.') { format!("\"{from}\"") } else { from };
        let mut level = format!("\"name\": \"{name}\", \"from\": {from}");
        if words.eat("earns") {
            let (points, per) = (figure(words)?, after(words, "per")?);
            level += &format!(", \"earn\": {{ \"points\": {points}, \"per\": \"{per}\" }}");
        }
        if words.eat("times") {
            level += &format!(", \"times\": \"{}\"", words.take());
        }
        if words.eat("redeems") {
            let (points, value) = (figure(words)?, after(words, "for")?);
            level += &format!(", \"redeem\": {{ \"points\": {points}, \"value\": \"{value}\" }}");
        }
        match self.levels.iter_mut().find(|it| it.0 == name) {
            Some(known) => known.1 = level,
            None => self.levels.push((name, level)),
        }
        Ok(())
    }

    /// The key of the program document, behind a comma; nothing when there are no tiers.
    pub(super) fn to_json(&self) -> String {
        if self.levels.is_empty() {
            return String::new();
        }
        let keys: String = self.keys.iter().map(|(key, value)| format!("\"{key}\": {value}, ")).collect();
        let levels: Vec<String> = self.levels.iter().map(|(_, it)| format!("{{ {it} }}")).collect();
        format!(",\n  \"tiers\": {{ {keys}\"levels\": [{}] }}", levels.join(", "))
    }
}

fn one_of(words: &mut Words, known: &[(&str, &'static str)]) -> Result<&'static str, Fault> {
    let found = known.iter().find(|(phrase, _)| words.eat(phrase));
    found.map(|it| it.1).ok_or_else(|| Fault::allowed(words.peek(), ALLOWED))
}

/// Where a member stands, as a step tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Stands {
    pub(super) tier: Option<String>,
    pub(super) hold: Option<String>,
    pub(super) review_at: Option<Timestamp>,
    pub(super) figure: String,
    /// The next tier and what is missing to it.
    pub(super) next: Option<(String, String)>,
    /// What is missing to keep this one.
    pub(super) keep: Option<String>,
}

impl Stands {
    pub(super) fn of(progress: &Progress, terms: &Terms) -> Self {
        let figure = |it: i64| match progress.by {
            TierBy::Spend => Money::new(it).to_text(terms.currency.exponent),
            TierBy::Points | TierBy::Orders => it.to_string(),
        };
        let level = |rank: u8| terms.tiers.as_deref().and_then(|it| it.level(rank)).map(|it| it.name.to_string());
        let standing = progress.standing.as_ref();
        Self {
            tier: standing.and_then(|it| it.tier.as_deref()).map(str::to_owned),
            hold: standing.map(|it| it.hold.name().to_owned()),
            review_at: standing.map(|it| it.review_at).filter(|it| *it != Timestamp::NEVER),
            figure: figure(progress.figure),
            next: progress.next.and_then(|it| Some((level(it.rank)?, figure(it.missing)))),
            keep: progress.keep.map(|it| figure(it.missing)),
        }
    }

    pub(super) fn tell(self, found: &mut Found, when: &When) {
        let until =
            self.review_at.and_then(|it| when.last_day(it)).map_or_else(|| "never".to_owned(), |it| it.to_string());
        let hold = match self.hold.as_deref() {
            Some("grace") => "in its grace",
            Some("set") => "set by staff",
            _ => "reached",
        };
        found.figures.extend([
            ("tier", self.tier.unwrap_or_else(|| "none".to_owned())),
            ("until", until),
            ("tier held", hold.to_owned()),
            ("counts", self.figure),
        ]);
        found.figures.extend(self.next.map(|(name, missing)| ("missing", format!("{missing} to {name}"))));
        found.figures.extend(self.keep.map(|it| ("missing to keep", it)));
    }
}

/// An expectation of a step that tells of a tier, by the name of its figure; nothing when it is none of these.
pub(super) fn expected(words: &mut Words) -> Result<Option<(&'static str, String)>, Fault> {
    Ok(Some(if words.eat("tier") {
        ("tier", words.take().to_owned())
    } else if words.eat("in its grace") {
        ("tier held", "in its grace".to_owned())
    } else if words.eat("set by staff") {
        ("tier held", "set by staff".to_owned())
    } else if words.eat("counts") {
        ("counts", figure(words)?)
    } else if words.eat("missing") {
        let missing = after_missing(words)?;
        match missing.1.as_str() {
            "keep" => ("missing to keep", missing.0),
            name => ("missing", format!("{} to {name}", missing.0)),
        }
    } else {
        return Ok(None);
    }))
}

fn after_missing(words: &mut Words) -> Result<(String, String), Fault> {
    let missing = figure(words)?;
    words.expect("to")?;
    Ok((missing, words.take().to_owned()))
}

/// What a tier's hold is called on the wire.
pub(super) fn hold(name: &str) -> Option<TierHold> {
    TierHold::ALL.into_iter().find(|it| it.name() == name)
}
