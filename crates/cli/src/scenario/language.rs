//! The scenario language: one line, one step. Reads a whole file before anything runs, so that a slip of the pen is told
//! with its line and what is allowed.

use std::fs;
use std::path::Path;

use engine::{Adjustment, CreditAdjustment, Date, HoldNo, Points, SetTier, Terms, Timestamp};

use super::acts::PointsAct;
use super::backend::FactsChange;
use super::cards::{self, CardStep};
use super::certificates::CertificateAct;
use super::clauses::Clauses;
use super::document::{Sale, Sending};
use super::expect::{Expected, Tells};
use super::moment::{Clock, When};
use super::words::{Fault, Words, money};

const STEPS: &str = "`program …`, `channel NAME`, `channel NAME signs up`, `sign up NAME card:7`, `change NAME type wholesale`, `card 6001 of NAME`, `block card 6001 \"why\"`, `unblock card 6001`, `replace card 6001 by 6002`, `delete card 6001`, `order NAME #1001 …`, `return #1 of #1001 …`, `return NAME #1 …`, `claim NAME #1001 \"why\"`, `quote NAME …`, `hold NAME \
    500`, `release NAME hold 1`, `adjust NAME +100 \"why\"`, `adjust NAME credit +5.00 \"why\"`, `certificate NAME 25.00 \"why\"`, `cancel NAME certificate 1 \"why\"`, `certificates NAME`, `redate NAME until 2023-12-31 \"why\"`, `reinstate NAME 40 \"why\"`, `act NAME review`, `close NAME \"why\" grace 30 days`, `join NAME \"why\"`, `collect NAME \"why\"`, `reward NAME Mug`, `fulfil NAME claim 1 \"why\"`, `cancel NAME claim 1 \"why\"`, `claims NAME`, `catalogue NAME`, `balance NAME`, `lots NAME`, `expiries NAME`, `entries NAME`, `merge NAME into NAME`, `undo merge of NAME`, `settle NAME`, `tier NAME`, \
    `tier NAME gold until 2023-12-31 \"why\"`";

/// The terms of a program document that takes effect on a day, or what is wrong with it.
pub(super) type Compile = fn(&str, Date) -> Result<Terms, Wrong>;

/// The key of the program document that is at fault, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wrong {
    pub(super) path: String,
    pub(super) message: String,
}

/// One line of a scenario.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) line: usize,
    pub(super) at: Timestamp,
    pub(super) action: Action,
    pub(super) expected: Vec<Expected>,
    /// How to write what is found: the zone and the currency at that step.
    pub(super) when: When,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A new version, or what is wrong with it.
    Program {
        json: String,
        terms: Result<Box<Terms>, Wrong>,
        from: Option<Timestamp>,
    },
    Switch {
        on: bool,
        from: Option<Timestamp>,
    },
    Channel {
        name: String,
        signs_up: Option<bool>,
    },
    SignUp {
        who: Who,
        identities: Vec<String>,
        facts: FactsChange,
    },
    Change {
        who: Who,
        facts: FactsChange,
    },
    AddCard {
        who: Who,
        number: String,
    },
    Card {
        number: String,
        step: CardStep,
    },
    Order {
        who: Who,
        reference: String,
        sale: Sale,
        sending: Sending,
    },
    /// A return of an order; or of whatever nobody knows the order of.
    Return {
        who: Who,
        reference: String,
        order: Option<String>,
        sale: Sale,
        sending: Sending,
    },
    /// Staff name the member of an order.
    Claim {
        who: Who,
        reference: String,
        channel: Option<String>,
        note: String,
    },
    Quote {
        who: Who,
        reference: Option<String>,
        sale: Sale,
        sending: Sending,
    },
    Hold {
        who: Who,
        points: Points,
        minutes: Option<u32>,
        program: Option<String>,
    },
    Release {
        who: Who,
        hold: HoldNo,
    },
    Adjust {
        who: Who,
        adjustment: Adjustment,
        program: Option<String>,
    },
    AdjustCredit {
        who: Who,
        adjustment: CreditAdjustment,
    },
    OnCertificates {
        who: Who,
        act: CertificateAct,
        program: Option<String>,
    },
    /// What a member has of certificates.
    Certificates {
        who: Who,
    },
    OnPoints {
        who: Who,
        act: PointsAct,
        program: Option<String>,
    },
    /// What a member has claimed of the catalogue, and what of it the member can have.
    Claims {
        who: Who,
    },
    Catalogue {
        who: Who,
    },
    /// Staff set a tier, until the end of a day or for good.
    SetTier {
        who: Who,
        set: SetTier,
        last_day: Option<Date>,
        program: Option<String>,
    },
    /// Where a member stands.
    Tier {
        who: Who,
    },
    Merge {
        other: Who,
        into: Who,
    },
    Unmerge {
        who: Who,
    },
    Settle {
        who: Who,
    },
    Balance {
        who: Who,
    },
    Lots {
        who: Who,
    },
    /// Every coming expiry.
    Expiries {
        who: Who,
    },
    Entries {
        who: Who,
        reference: Option<String>,
    },
}

/// How a step names a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Who {
    /// By name: signed up when first mentioned.
    Name(String),
    /// By an identity such as `card:7`: only if somebody signed up with it.
    Identity(String),
    /// Nobody: a guest.
    Nobody,
}

/// A line that is no step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slip {
    pub(super) line: usize,
    pub(super) fault: Fault,
}

/// Reads a scenario file; the program documents that it names lie beside `folder`.
pub(super) fn read(text: &str, folder: &Path, compile: Compile) -> Result<Vec<Step>, Slip> {
    let mut reader =
        Reader { compile, folder, clauses: Some(Clauses::default()), when: When::default(), clock: Clock::default() };
    let mut steps = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.trim().is_empty() || line.starts_with('#') {
            continue;
        }
        let line_no = index + 1;
        let step = reader.step(line, line_no, steps.is_empty()).map_err(|fault| Slip { line: line_no, fault })?;
        steps.push(step);
    }
    Ok(steps)
}

struct Reader<'a> {
    compile: Compile,
    folder: &'a Path,
    /// The terms so far, unless they came from a file.
    clauses: Option<Clauses>,
    when: When,
    clock: Clock,
}

impl Reader<'_> {
    fn step(&mut self, line: &str, line_no: usize, is_first: bool) -> Result<Step, Fault> {
        let (text, expectation) = line.split_once("=>").unwrap_or((line, ""));
        let (text, lines) = match text.split_once(" lines:") {
            Some((text, lines)) => (text, Some(lines)),
            None => (text, None),
        };
        let mut words = Words::of(text)?;
        let dated = if words.is_date() { Some((words.date()?, words.time()?)) } else { None };
        let action = if words.eat("program") {
            let clauses = text.split_once("program").map_or("", |(_, clauses)| clauses);
            self.program(clauses, dated.map(|(date, _)| date), is_first)?
        } else if is_first {
            return Err(Fault::allowed(
                words.peek(),
                "`program …` as the first step: the terms that hold from the beginning",
            ));
        } else {
            self.action(&mut words, lines)?
        };
        let at = match dated {
            None if is_first && matches!(action, Action::Program { .. }) => Timestamp::from_micros(0),
            None => {
                return Err(Fault::allowed(words.peek(), "a day such as 2022-07-27 before every step but the first"));
            }
            Some((date, time)) => {
                let is_import =
                    matches!(&action, Action::Order { sending, .. } | Action::Return { sending, .. } if sending.import);
                let at = self.clock.step(date, time, &self.when);
                self.clock.go(at).or_else(|fault| if is_import { Ok(()) } else { Err(fault) })?;
                at
            }
        };
        let expected = Expected::read(expectation, action.tells(), &self.when)?;
        Ok(Step { line: line_no, at, action, expected, when: self.when.clone() })
    }

    fn program(&mut self, text: &str, date: Option<Date>, is_first: bool) -> Result<Action, Fault> {
        let (text, from) = match text.split_once(" from ") {
            Some((text, from)) => {
                let mut words = Words::of(from)?;
                let from = self.when.read_start(&mut words)?;
                words.done("nothing after the day from which it holds")?;
                (text.trim().trim_end_matches(';'), Some(from))
            }
            None => (text.trim(), None),
        };
        if matches!(text, "on" | "off") {
            return Ok(Action::Switch { on: text == "on", from });
        }
        let (json, clauses) = self.document(text)?;
        let first_day = from.map(|it| self.when.zone.date_of(it)).or(date);
        let first_day = first_day.unwrap_or_else(|| self.when.zone.date_of(Timestamp::from_micros(0)));
        let terms = (self.compile)(&json, first_day);
        match &terms {
            Ok(terms) => {
                self.clauses = clauses;
                self.when = When { zone: terms.zone.clone(), exponent: terms.currency.exponent };
            }
            Err(wrong) if is_first => return Err(Fault(format!("this program cannot be: {}", wrong.message))),
            Err(_) => {}
        }
        Ok(Action::Program { json, terms: terms.map(Box::new), from })
    }

    /// The program document: of a file, or what the clauses so far and these come to.
    fn document(&self, text: &str) -> Result<(String, Option<Clauses>), Fault> {
        if let Some(path) = text.strip_prefix("file ") {
            let path = self.folder.join(path.trim());
            let fault = |it| Fault(format!("{} cannot be read: {it}", path.display()));
            return Ok((fs::read_to_string(&path).map_err(fault)?, None));
        }
        let Some(mut clauses) = self.clauses.clone() else {
            return Err(Fault::allowed(text, "`file PATH`, since the program came from a file, `on` or `off`"));
        };
        for clause in text.split(';') {
            clauses.change(clause)?;
        }
        Ok((clauses.to_json(), Some(clauses)))
    }

    fn action(&self, words: &mut Words, lines: Option<&str>) -> Result<Action, Fault> {
        let verb = words.peek();
        let action = if words.eat("channel") {
            channel(words)
        } else if words.eat("sign up") {
            let who = who(words)?;
            let mut identities = Vec::new();
            while words.peek().contains(':') {
                identities.push(identity(words.take())?);
            }
            Action::SignUp { who, identities, facts: facts(words)? }
        } else if words.eat("change") {
            Action::Change { who: who(words)?, facts: facts(words)? }
        } else if words.eat("order") {
            let who = who(words)?;
            let reference = reference(words)?;
            let (sale, sending) = Sale::read(words, lines, &self.when)?;
            Action::Order { who, reference, sale, sending }
        } else if words.eat("return") {
            let who = if words.peek().starts_with('#') { Who::Nobody } else { who(words)? };
            let reference = reference(words)?;
            let order = if words.eat("of") { Some(self::reference(words)?) } else { None };
            let (sale, sending) = Sale::read(words, lines, &self.when)?;
            Action::Return { who, reference, order, sale, sending }
        } else if words.eat("claim") {
            claim(words)?
        } else if words.eat("quote") {
            let who = who(words)?;
            let reference = if words.peek().starts_with('#') { Some(reference(words)?) } else { None };
            let (sale, sending) = Sale::read(words, lines, &self.when)?;
            Action::Quote { who, reference, sale, sending }
        } else if words.eat("hold") {
            hold(words)?
        } else if words.eat("release") {
            let who = who(words)?;
            words.expect("hold")?;
            Action::Release { who, hold: HoldNo(words.number("the number of a hold such as 1")?) }
        } else if words.eat("adjust") {
            self.adjust(words)?
        } else if let Some(action) = self.by_hand(words)? {
            action
        } else if words.eat("tier") {
            self.tier(words)?
        } else if let Some(merging) = merging(words)? {
            merging
        } else if words.eat("settle") {
            Action::Settle { who: who(words)? }
        } else if words.eat("balance") {
            Action::Balance { who: who(words)? }
        } else if words.eat("lots") {
            Action::Lots { who: who(words)? }
        } else if words.eat("expiries") {
            Action::Expiries { who: who(words)? }
        } else if words.eat("entries") {
            let who = who(words)?;
            Action::Entries { who, reference: if words.is_done() { None } else { Some(reference(words)?) } }
        } else {
            return Err(Fault::allowed(verb, STEPS));
        };
        words.done("nothing more in this step")?;
        Ok(action)
    }

    /// What staff do to certificates and to points that are there, and what earns without an order.
    fn by_hand(&self, words: &mut Words) -> Result<Option<Action>, Fault> {
        if let Some((number, step)) = cards::read(words)? {
            return Ok(Some(Action::Card { number, step }));
        }
        Ok(Some(if words.eat("certificates") {
            Action::Certificates { who: who(words)? }
        } else if words.eat("certificate") {
            let (who, act) = (who(words)?, CertificateAct::read_issue(words, &self.when)?);
            Action::OnCertificates { who, act, program: under(words) }
        } else if words.eat("card") {
            let number = cards::number(words)?;
            words.expect("of")?;
            Action::AddCard { who: who(words)?, number }
        } else if words.eat("claims") {
            Action::Claims { who: who(words)? }
        } else if words.eat("catalogue") {
            Action::Catalogue { who: who(words)? }
        } else if words.eat("cancel") {
            let who = who(words)?;
            if words.peek() == "claim" {
                return Ok(Some(Action::OnPoints {
                    who,
                    act: PointsAct::read_end(words, true)?,
                    program: under(words),
                }));
            }
            let act = CertificateAct::read_cancel(words)?;
            Action::OnCertificates { who, act, program: None }
        } else if let Some(verb) = PointsAct::VERBS.into_iter().find(|it| words.eat(it)) {
            let (who, act) = (who(words)?, PointsAct::read(verb, words, &self.when)?);
            Action::OnPoints { who, act, program: under(words) }
        } else {
            return Ok(None);
        }))
    }

    /// `tier ana` tells; `tier ana gold until 2022-12-31 "why"` sets.
    fn tier(&self, words: &mut Words) -> Result<Action, Fault> {
        let who = who(words)?;
        if words.is_done() {
            return Ok(Action::Tier { who });
        }
        let name = words.take();
        let tier = (name != "none").then(|| name.to_owned());
        let last_day = if words.eat("until") { Some(words.date()?) } else { None };
        let note = words.quoted()?.to_owned();
        let until = last_day.map(|it| self.when.zone.end_of(it));
        Ok(Action::SetTier { who, set: SetTier { tier, until, note }, last_day, program: under(words) })
    }

    fn adjust(&self, words: &mut Words) -> Result<Action, Fault> {
        let who = who(words)?;
        if words.eat("credit") {
            let word = words.take();
            let amount = money(word.strip_prefix('+').unwrap_or(word), self.when.exponent)?;
            let note = words.quoted()?.to_owned();
            return Ok(Action::AdjustCredit { who, adjustment: CreditAdjustment { amount, note } });
        }
        let points = words.points()?;
        let note = words.quoted()?.to_owned();
        let expires_at = if words.eat("until") { Some(self.when.zone.end_of(words.date()?)) } else { None };
        Ok(Action::Adjust { who, adjustment: Adjustment { points, note, expires_at }, program: under(words) })
    }
}

impl Action {
    /// Which figures the step tells of.
    fn tells(&self) -> Tells {
        match self {
            Self::Program { .. }
            | Self::Switch { .. }
            | Self::Channel { .. }
            | Self::SignUp { .. }
            | Self::Change { .. }
            | Self::AddCard { .. }
            | Self::Card { .. } => Tells::Nothing,
            Self::Order { .. } | Self::Return { .. } | Self::Claim { .. } => Tells::Order,
            Self::Quote { .. } => Tells::Quote,
            Self::Hold { .. }
            | Self::Release { .. }
            | Self::Adjust { .. }
            | Self::AdjustCredit { .. }
            | Self::OnPoints { .. }
            | Self::OnCertificates { .. }
            | Self::Merge { .. }
            | Self::Unmerge { .. }
            | Self::Settle { .. } => Tells::Account,
            Self::Balance { .. } => Tells::Account,
            Self::SetTier { .. } | Self::Tier { .. } => Tells::Tier,
            Self::Certificates { .. } => Tells::Certificates,
            Self::Claims { .. } => Tells::Claims,
            Self::Catalogue { .. } => Tells::Catalogue,
            Self::Lots { .. } | Self::Expiries { .. } => Tells::Lots,
            Self::Entries { .. } => Tells::Entries,
        }
    }
}

/// `channel till [signs up]`.
fn channel(words: &mut Words) -> Action {
    let name = words.take().to_owned();
    let signs_up = if words.eat("signs up") { Some(true) } else { words.eat("signs nobody up").then_some(false) };
    Action::Channel { name, signs_up }
}

/// `hold ana 500 [for 15 minutes]`.
fn hold(words: &mut Words) -> Result<Action, Fault> {
    let (who, points) = (who(words)?, words.points()?);
    let minutes = if words.eat("for") { Some(words.number("minutes such as 15")?) } else { None };
    if minutes.is_some() {
        words.expect("minutes")?;
    }
    Ok(Action::Hold { who, points, minutes, program: under(words) })
}

/// `merge ben into ana`, `undo merge of ana`.
fn merging(words: &mut Words) -> Result<Option<Action>, Fault> {
    if words.eat("merge") {
        let other = who(words)?;
        words.expect("into")?;
        return Ok(Some(Action::Merge { other, into: who(words)? }));
    }
    Ok(if words.eat("undo merge of") { Some(Action::Unmerge { who: who(words)? }) } else { None })
}

/// `claim ana #1001 [from till] "why"`.
fn claim(words: &mut Words) -> Result<Action, Fault> {
    let (who, reference) = (who(words)?, reference(words)?);
    let channel = words.eat("from").then(|| words.take().to_owned());
    Ok(Action::Claim { who, reference, channel, note: words.quoted()?.to_owned() })
}

/// Another program than the scenario's own.
fn under(words: &mut Words) -> Option<String> {
    words.eat("under").then(|| words.take().to_owned())
}

fn who(words: &mut Words) -> Result<Who, Fault> {
    let word = words.take();
    if word == "nobody" {
        return Ok(Who::Nobody);
    }
    if word.contains(':') {
        return Ok(Who::Identity(identity(word)?));
    }
    let is_name = word.starts_with(|it: char| it.is_alphabetic());
    if is_name { Ok(Who::Name(word.to_owned())) } else { Err(Fault::allowed(word, "a name such as ana")) }
}

/// Facts about a member: `type wholesale`, `birthday 1992-02-29`, and `none` for what is not known.
fn facts(words: &mut Words) -> Result<FactsChange, Fault> {
    let mut facts = FactsChange::default();
    while !words.is_done() {
        if words.eat("type") {
            let word = words.take();
            facts.customer_type = Some((word != "none").then(|| word.to_owned()));
        } else if words.eat("birthday") {
            facts.birthday = Some(if words.eat("none") { None } else { Some(words.birthday()?) });
        } else {
            let allowed = "identities first, then `type wholesale` and `birthday 1992-02-29`, or `none` behind either";
            return Err(Fault::allowed(words.peek(), allowed));
        }
    }
    Ok(facts)
}

fn identity(word: &str) -> Result<String, Fault> {
    let kinds = ["customer:", "card:", "email:", "phone:"];
    let is_identity = kinds.iter().any(|kind| word.strip_prefix(kind).is_some_and(|it| !it.is_empty()));
    let allowed = "an identity such as card:7, customer:42, email:ana@example.org or phone:+41791234567";
    if is_identity { Ok(word.to_owned()) } else { Err(Fault::allowed(word, allowed)) }
}

fn reference(words: &mut Words) -> Result<String, Fault> {
    let word = words.take();
    let reference = word.strip_prefix('#').filter(|it| !it.is_empty());
    reference.map(str::to_owned).ok_or_else(|| Fault::allowed(word, "the reference of an order such as #1001"))
}
