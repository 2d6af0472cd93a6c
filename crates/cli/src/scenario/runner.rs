//! Runs the steps of one file on one backend and says what did not come out as expected.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Result;
use engine::{Document, Entry, Facts, OrderNo, Points, Rejection, Timestamp};

use super::backend::{Act, Arrival, Backend, CHANNEL, FactsChange, Inquiry, MemberNo, PROGRAM, Person, Reply, replay};
use super::cards::Cards;
use super::certificates;
use super::expect::{Expected, Found, Mismatch};
use super::language::{Action, Step, Who};
use super::rewards;
use super::tell;

/// A step that did not come out as expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Miss {
    pub(super) line: usize,
    pub(super) expected: String,
    pub(super) found: String,
}

/// Every member's entries after the last step.
pub(super) type Ledger = Vec<(String, Vec<Entry>)>;

/// Runs all steps, also those after a miss, so that one run shows everything.
pub(super) fn run(steps: &[Step], backend: &mut dyn Backend) -> Result<(Vec<Miss>, Ledger)> {
    let mut runner = Runner::new(backend);
    let mut misses = Vec::new();
    for step in steps {
        let found = runner.step(step)?;
        misses.extend(compare(step, &found));
    }
    if let Some(difference) = runner.backend.verify()? {
        let line = steps.last().map_or(1, |it| it.line);
        misses.push(Miss { line, expected: "verify finds no difference".to_owned(), found: difference });
    }
    let mut ledger = Vec::new();
    for (name, member) in runner.names.clone() {
        ledger.push((name, runner.backend.entries(member)?));
    }
    Ok((misses, ledger))
}

fn compare(step: &Step, found: &Found) -> Vec<Miss> {
    let refused = found.figures.get("refused");
    if let Some(code) = refused
        && !step.expected.iter().any(Expected::is_refusal)
    {
        let found = format!("refused {code} ({})", found.message);
        return vec![Miss { line: step.line, expected: "accepted".to_owned(), found }];
    }
    let mismatches = step.expected.iter().filter_map(|it| it.check(found));
    mismatches.map(|Mismatch { expected, found }| Miss { line: step.line, expected, found }).collect()
}

struct Runner<'a> {
    backend: &'a mut dyn Backend,
    names: BTreeMap<String, MemberNo>,
    identities: BTreeMap<String, MemberNo>,
    cards: Cards,
    signed_up: u32,
    begun: bool,
    /// The last document of each order that was recorded.
    documents: BTreeMap<(String, String), Document>,
    orders: BTreeMap<(MemberNo, String), OrderNo>,
    currency: [u8; 3],
    exponent: u8,
    now: Timestamp,
}

impl<'a> Runner<'a> {
    fn new(backend: &'a mut dyn Backend) -> Self {
        Self {
            backend,
            names: BTreeMap::new(),
            identities: BTreeMap::new(),
            cards: Cards::default(),
            signed_up: 0,
            begun: false,
            documents: BTreeMap::new(),
            orders: BTreeMap::new(),
            currency: *b"USD",
            exponent: 2,
            now: Timestamp::START,
        }
    }

    fn step(&mut self, step: &Step) -> Result<Found> {
        self.now = self.now.max(step.at);
        let mut found = Found::default();
        match &step.action {
            Action::Program { terms: Err(wrong), .. } => {
                tell::refuse(&mut found, "invalid", Some(&wrong.path), &wrong.message)
            }
            Action::Quote { .. } => self.quote(step, &mut found)?,
            Action::Balance { who } | Action::Lots { who } | Action::Expiries { who } | Action::Entries { who, .. } => {
                let person = self.person(who)?;
                if let Some(member) = self.member(&person) {
                    self.tell_account(&mut found, member)?;
                    self.tell_list(&mut found, member, step)?;
                }
            }
            Action::Certificates { who: Who::Nobody } => {
                certificates::tell(&mut found, &self.backend.bearers(self.now)?, &step.when);
            }
            Action::Certificates { who } => {
                let person = self.person(who)?;
                if let Some(member) = self.member(&person) {
                    let certificates = self.backend.certificates(member, self.now)?;
                    certificates::tell(&mut found, &certificates, &step.when);
                }
            }
            Action::Claims { who } => {
                let person = self.person(who)?;
                if let Some(member) = self.member(&person) {
                    rewards::tell_claims(&mut found, &self.backend.claims(member)?);
                }
            }
            Action::Catalogue { who } => {
                let person = self.person(who)?;
                match self.backend.catalogue(&person, self.now)? {
                    Ok(rewards) => rewards::tell_catalogue(&mut found, &rewards),
                    Err(rejection) => tell::rejection(&mut found, &rejection),
                }
            }
            Action::Tier { who } => {
                let person = self.person(who)?;
                if let Some(member) = self.member(&person) {
                    self.tell_tier(&mut found, member, step)?;
                }
            }
            _ => self.act(step, &mut found)?,
        }
        Ok(found)
    }

    fn quote(&mut self, step: &Step, found: &mut Found) -> Result<()> {
        let Action::Quote { who, reference, sale, sending } = &step.action else { return Ok(()) };
        let person = self.person(who)?;
        let channel = sending.channel.clone().unwrap_or_else(|| CHANNEL.to_owned());
        let last = reference.as_ref().and_then(|it| self.documents.get(&(channel.clone(), it.clone())));
        let Some(document) = sale.document(last, step.at, self.currency) else {
            tell::refuse(found, "invalid", Some("lines"), "a quote says what is to be sold");
            return Ok(());
        };
        let inquiry = Inquiry { person, channel, reference: reference.clone(), document: Arc::new(document) };
        match self.backend.quote(&inquiry, step.at)? {
            Ok(quote) => {
                tell::answer(found, &quote.answer, &step.when);
                tell::certificates(found, &quote, &step.when);
                tell::choices(found, &quote.choices);
                found.figures.extend(quote.why.map(|why| ("because", why.code().to_owned())));
                found.figures.extend(quote.why_credit.map(|why| ("credit because", why.code().to_owned())));
            }
            Err(rejection) => tell::rejection(found, &rejection),
        }
        Ok(())
    }

    /// Submits what the step asks for and tells what came of it.
    fn act(&mut self, step: &Step, found: &mut Found) -> Result<()> {
        let Some((act, person)) = self.compose(step)? else {
            let what = "an order that was sent before, or what was sold (an amount or lines)";
            tell::refuse(found, "invalid", Some("lines"), what);
            return Ok(());
        };
        let import = matches!(
            &step.action,
            Action::Order { sending, .. } | Action::Return { sending, .. } if sending.import
        );
        let before = self.entries_of(person.as_ref())?.len();
        let outcome = self.backend.submit(&act, Arrival { at: step.at, import })?;
        self.remember(&act, &outcome);
        let member = match &outcome {
            Ok(Reply::Order { member, .. }) => *member,
            Ok(Reply::Done | Reply::Hold { .. }) | Err(_) => person.as_ref().and_then(|it| self.member(it)),
        };
        match &outcome {
            Ok(Reply::Order { answer, .. }) => tell::answer(found, answer, &step.when),
            Ok(Reply::Hold { hold }) => {
                found.figures.insert("hold", hold.0.to_string());
            }
            Ok(Reply::Done) => {}
            Err(rejection) => tell::rejection(found, rejection),
        }
        let Some(member) = member else { return Ok(()) };
        let entries = self.backend.entries(member)?;
        let fresh = entries.get(before..).unwrap_or_default();
        let is_unchanged = fresh.iter().all(|it| it.actor == engine::Actor::System);
        found.figures.insert("unchanged", if is_unchanged { "yes" } else { "no" }.to_owned());
        if let Some(ends) = self.end_of_lot(&entries, &outcome) {
            let last_day = step.when.last_day(ends);
            found.figures.insert("until", last_day.map_or("never".to_owned(), |it| it.to_string()));
        }
        let is_order = matches!(act, Act::Order { .. } | Act::Return { .. } | Act::Claim { .. });
        let mut account = Found::default();
        self.tell_account(&mut account, member)?;
        let of_account = account.figures.into_iter();
        let of_account = of_account
            .filter(|(name, _)| !is_order || matches!(*name, "balance" | "pending" | "held" | "store credit"));
        found.figures.extend(of_account);
        Ok(())
    }

    /// The act of a step and whom it concerns; nothing when a short form has no document to change.
    fn compose(&mut self, step: &Step) -> Result<Option<(Act, Option<Person>)>> {
        let program = |it: &Option<String>| it.clone().unwrap_or_else(|| PROGRAM.to_owned());
        Ok(Some(match &step.action {
            Action::Program { json, terms, from } => {
                let Ok(terms) = terms else { return Ok(None) };
                let from = if self.begun { *from } else { Some(from.unwrap_or(step.at)) };
                (Act::Program { json: json.clone(), terms: terms.clone(), from }, None)
            }
            Action::Switch { on, from } => (Act::Switch { on: *on, from: *from }, None),
            Action::Channel { name, signs_up } => (Act::Channel { name: name.clone(), signs_up: *signs_up }, None),
            Action::SignUp { who, identities, facts } => (self.sign_up(who, identities, facts), None),
            Action::Change { who, facts } => (Act::Change { person: self.person(who)?, change: facts.clone() }, None),
            Action::Order { who, reference, sale, sending } => {
                let person = self.person(who)?;
                let channel = sending.channel.clone().unwrap_or_else(|| CHANNEL.to_owned());
                let last = self.documents.get(&(channel.clone(), reference.clone()));
                let Some(document) = sale.document(last, step.at, self.currency) else { return Ok(None) };
                let document = Arc::new(document);
                let (reference, fresh) = (reference.clone(), MemberNo(self.signed_up + 1));
                (Act::Order { person: person.clone(), channel, reference, document, fresh }, Some(person))
            }
            Action::Claim { .. } => return self.compose_claim(step).map(Some),
            Action::Return { .. } => return self.compose_return(step),
            Action::Hold { who, points, minutes, program: name } => {
                let (person, program) = (self.person(who)?, program(name));
                (Act::Hold { person: person.clone(), program, points: *points, minutes: *minutes }, Some(person))
            }
            Action::Release { who, hold } => {
                let person = self.person(who)?;
                (Act::Release { person: person.clone(), hold: *hold }, Some(person))
            }
            Action::Adjust { who, adjustment, program: name } => {
                let (person, program, adjustment) = (self.person(who)?, program(name), adjustment.clone());
                (Act::Adjust { person: person.clone(), program, adjustment }, Some(person))
            }
            Action::AdjustCredit { who, adjustment } => {
                let person = self.person(who)?;
                let (currency, adjustment) = (self.currency, adjustment.clone());
                (Act::AdjustCredit { person: person.clone(), currency, adjustment }, Some(person))
            }
            Action::OnPoints { who, act, program: name } => {
                let (person, program, act) = (self.person(who)?, program(name), act.clone());
                (Act::OnPoints { person: person.clone(), program, act }, Some(person))
            }
            Action::OnCertificates { who, act, program: name } => {
                let (person, program, act) = (self.person(who)?, program(name), act.clone());
                (Act::OnCertificates { person: person.clone(), program, act }, Some(person))
            }
            Action::SetTier { who, set, last_day, program: name } => {
                let person = self.person(who)?;
                let (program, set, last_day) = (program(name), set.clone(), *last_day);
                (Act::SetTier { person: person.clone(), program, set, last_day }, Some(person))
            }
            Action::Merge { .. } | Action::Unmerge { .. } | Action::AddCard { .. } | Action::Card { .. } => {
                return self.compose_merge(step);
            }
            Action::Settle { who } => return self.compose_settle(who),
            Action::Quote { .. }
            | Action::Balance { .. }
            | Action::Lots { .. }
            | Action::Expiries { .. }
            | Action::Entries { .. }
            | Action::Certificates { .. }
            | Action::Claims { .. }
            | Action::Catalogue { .. }
            | Action::Tier { .. } => return Ok(None),
        }))
    }

    fn compose_settle(&mut self, who: &Who) -> Result<Option<(Act, Option<Person>)>> {
        let person = self.person(who)?;
        let member = self.member(&person);
        Ok(member.map(|member| (Act::Settle { member }, Some(person))))
    }

    /// What staff do with cards, and with whole members.
    fn compose_merge(&mut self, step: &Step) -> Result<Option<(Act, Option<Person>)>> {
        Ok(match &step.action {
            Action::AddCard { who, number } => {
                let person = self.person(who)?;
                Some((Act::AddCard { person, number: number.clone() }, None))
            }
            Action::Card { number, step } => Some((Act::Card { number: number.clone(), step: step.clone() }, None)),
            Action::Merge { other, into } => {
                let (other, into) = (self.person(other)?, self.person(into)?);
                Some((Act::Merge { other, into: into.clone() }, Some(into)))
            }
            Action::Unmerge { who } => {
                let person = self.person(who)?;
                Some((Act::Unmerge { person: person.clone() }, Some(person)))
            }
            _ => None,
        })
    }

    fn compose_claim(&mut self, step: &Step) -> Result<(Act, Option<Person>)> {
        let Action::Claim { who, reference, channel, note } = &step.action else {
            return Err(anyhow::anyhow!("this is no claim"));
        };
        let person = self.person(who)?;
        let channel = channel.clone().unwrap_or_else(|| CHANNEL.to_owned());
        let (reference, note) = (reference.clone(), note.clone());
        Ok((Act::Claim { person: person.clone(), channel, reference, note }, Some(person)))
    }

    /// A return of an order is told by what it adds; one without its order is a document with lines.
    fn compose_return(&mut self, step: &Step) -> Result<Option<(Act, Option<Person>)>> {
        let Action::Return { who, reference, order, sale, sending } = &step.action else { return Ok(None) };
        let channel = sending.channel.clone().unwrap_or_else(|| CHANNEL.to_owned());
        let nothing = engine::Document {
            lines: Vec::new(),
            paid_at: None,
            ..engine::Document::sale(self.currency, engine::Money::ZERO, step.at)
        };
        let last = self.documents.get(&(channel.clone(), return_of(reference)));
        let last = last.or(order.as_ref().map(|_| &nothing));
        let Some(document) = sale.document(last, step.at, self.currency) else { return Ok(None) };
        let reference = reference.clone();
        let Some(order) = order else {
            let person = self.person(who)?;
            let document = Arc::new(engine::Document { is_return: true, ..document });
            let fresh = MemberNo(self.signed_up + 1);
            return Ok(Some((
                Act::Order { person: person.clone(), channel, reference, document, fresh },
                Some(person),
            )));
        };
        let owner = self.orders.keys().find(|(_, it)| it == order).map(|(member, _)| Person::Member(*member));
        let order = (CHANNEL.to_owned(), order.clone());
        Ok(Some((Act::Return { channel, reference, order, document: Arc::new(document) }, owner)))
    }
    fn tell_tier(&mut self, found: &mut Found, member: MemberNo, step: &Step) -> Result<()> {
        if let Some(stands) = self.backend.stands(member, self.now)? {
            stands.tell(found, &step.when);
        }
        Ok(())
    }

    fn sign_up(&mut self, who: &Who, identities: &[String], change: &FactsChange) -> Act {
        let mut identities = identities.to_vec();
        let known = match who {
            Who::Name(name) => {
                identities.push(format!("customer:{name}"));
                self.names.get(name).copied()
            }
            Who::Identity(_) | Who::Nobody => None,
        };
        let member = known.unwrap_or_else(|| {
            self.signed_up += 1;
            MemberNo(self.signed_up)
        });
        let mut facts = Facts::default();
        change.apply(&mut facts, self.now);
        Act::SignUp { member, identities, facts }
    }

    /// Keeps what later steps refer to.
    fn remember(&mut self, act: &Act, outcome: &std::result::Result<Reply, Rejection>) {
        match (act, outcome) {
            (Act::Program { terms, .. }, Ok(_)) => {
                self.begun = true;
                self.currency = terms.currency.code;
                self.exponent = terms.currency.exponent;
            }
            (Act::SignUp { member, identities, .. }, Ok(_)) => {
                let name = identities.last().and_then(|it| it.strip_prefix("customer:"));
                self.names.extend(name.map(|it| (it.to_owned(), *member)));
                self.identities.extend(identities.iter().map(|it| (it.clone(), *member)));
            }
            (Act::Order { person, channel, reference, document, fresh }, Ok(Reply::Order { member, answer })) => {
                if let (Some(member), Person::Identity(identity)) = (member, person)
                    && member == fresh
                {
                    self.signed_up = member.0;
                    self.identities.insert(identity.clone(), *member);
                    self.names.insert(identity.clone(), *member);
                }
                self.orders.extend(member.map(|it| ((it, reference.clone()), answer.order)));
                if answer.status == engine::Status::Recorded {
                    let name = if document.is_return { return_of(reference) } else { reference.clone() };
                    self.documents.insert((channel.clone(), name), document.as_ref().clone());
                }
            }
            (Act::AddCard { person, number }, Ok(_)) => {
                if let Some(member) = self.member(person) {
                    self.identities.insert(format!("card:{number}"), member);
                }
            }
            (Act::Card { number, step }, Ok(_)) => {
                self.cards.take(&mut self.identities, number, step).ok();
            }
            (Act::Claim { reference, .. }, Ok(Reply::Order { member: Some(member), answer })) => {
                self.orders.insert((*member, reference.clone()), answer.order);
            }
            (Act::Return { channel, reference, document, .. }, Ok(Reply::Order { answer, .. }))
                if answer.status == engine::Status::Recorded =>
            {
                self.documents.insert((channel.clone(), return_of(reference)), document.as_ref().clone());
            }
            _ => {}
        }
    }

    /// Whom a step names; a new name is signed up.
    fn person(&mut self, who: &Who) -> Result<Person> {
        let name = match who {
            Who::Nobody => return Ok(Person::Nobody),
            Who::Identity(identity) => return Ok(Person::Identity(identity.clone())),
            Who::Name(name) => name,
        };
        if let Some(member) = self.names.get(name) {
            return Ok(Person::Member(*member));
        }
        let act = self.sign_up(who, &[], &FactsChange::default());
        let outcome = self.backend.submit(&act, Arrival { at: self.now, import: false })?;
        self.remember(&act, &outcome);
        match (act, outcome) {
            (Act::SignUp { member, .. }, Ok(_)) => Ok(Person::Member(member)),
            (_, outcome) => Err(anyhow::anyhow!("{name} could not be signed up: {outcome:?}")),
        }
    }

    fn member(&self, person: &Person) -> Option<MemberNo> {
        match person {
            Person::Member(member) => Some(*member),
            Person::Identity(identity) => self.identities.get(identity).copied(),
            Person::Nobody => None,
        }
    }

    fn entries_of(&mut self, person: Option<&Person>) -> Result<Vec<Entry>> {
        match person.and_then(|it| self.member(it)) {
            Some(member) => self.backend.entries(member),
            None => Ok(Vec::new()),
        }
    }

    /// When the lot ends that the step speaks of: the order's own, or else the one opened last.
    fn end_of_lot(&self, entries: &[Entry], outcome: &std::result::Result<Reply, Rejection>) -> Option<Timestamp> {
        let account = replay(entries);
        let lot = match outcome {
            Ok(Reply::Order { answer, .. }) => account.lots().iter().find(|it| it.order == Some(answer.order)),
            Ok(Reply::Done) => account.lots().last(),
            Ok(Reply::Hold { .. }) | Err(_) => None,
        };
        lot.map(|it| account.expires_at(it))
    }

    fn tell_account(&mut self, found: &mut Found, member: MemberNo) -> Result<()> {
        let it = self.backend.balance(member, self.now)?;
        let figures = [
            ("balance", it.available),
            ("pending", it.pending),
            ("held", it.held),
            ("owed", it.owed),
            ("let go", it.let_go),
            ("expired", it.expired),
            ("issued", it.issued),
            ("redeemed", it.redeemed),
            ("revoked", it.revoked),
            ("deducted", it.deducted),
            ("forfeited", it.forfeited),
        ];
        found.figures.extend(figures.map(|(name, points)| (name, points.to_string())));
        let credit = self.backend.credit(member, self.now)?;
        found.figures.insert("store credit", credit.to_text(self.exponent));
        Ok(())
    }

    fn tell_list(&mut self, found: &mut Found, member: MemberNo, step: &Step) -> Result<()> {
        let lot = |(at, points): (Timestamp, Points)| tell::lot_item(points, at, &step.when);
        match &step.action {
            Action::Lots { .. } => {
                found.items = self.backend.lots(member, self.now)?.into_iter().map(lot).collect();
            }
            Action::Expiries { .. } => {
                found.items = self.backend.expiries(member, self.now)?.into_iter().map(lot).collect();
            }
            Action::Entries { reference, .. } => {
                let entries = self.backend.entries(member)?;
                let order = reference.as_ref().map(|it| self.orders.get(&(member, it.clone())).copied());
                let concerns = |it: &&Entry| order.is_none_or(|order| it.order.is_some() && it.order == order);
                found.items = entries.iter().filter(concerns).map(|it| tell::entry_item(it, &step.when)).collect();
            }
            _ => {}
        }
        Ok(())
    }
}

/// Returns have names of their own.
fn return_of(reference: &str) -> String {
    format!("return {reference}")
}
