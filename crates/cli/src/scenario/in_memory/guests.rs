//! Orders without a member, and members who sign up with their first order: what the store does beside the rules.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use engine::{
    Account, Claim, Document, Facts, Guest, GuestDecided, Moment, OrderNo, Place, Rejection, Returned, Rules, Stop,
    Timestamp,
};

use super::super::backend::{Act, MemberNo, OrderName, Outcome, Person, Reply};
use super::{EngineBackend, Kept};

/// An order that nobody has claimed, and the names of its returns.
#[derive(Clone, Debug)]
pub(super) struct Unclaimed {
    guest: Guest,
    returns: Vec<OrderName>,
}

impl EngineBackend {
    fn guest_rules<'a>(&'a self, channel: &'a str) -> Rules<'a> {
        Rules { channel: Some(channel), budgets: &self.budgets, ..Rules::of(&self.timeline) }
    }

    /// The identity of somebody who signs up with a document.
    fn newcomer<'a>(&self, person: &'a Person, channel: &str, document: &Document) -> Option<&'a str> {
        let Person::Identity(identity) = person else { return None };
        let is_new = !self.identities.contains_key(identity);
        (is_new && self.signs_up.contains(channel) && !document.is_return).then_some(identity)
    }

    /// An order that is new or that nobody has claimed: nothing where the rules for other orders apply.
    pub(super) fn first_document(&mut self, act: &Act, moment: Moment) -> Result<Option<Outcome>> {
        let Act::Order { person, channel, reference, document, fresh } = act else { return Ok(None) };
        let name = (channel.clone(), reference.clone());
        let known = self.guests.get(&name).cloned();
        let newcomer = self.newcomer(person, channel, document);
        if document.is_return || (known.is_none() && newcomer.is_none() && !matches!(person, Person::Nobody)) {
            return Ok(None);
        }
        let rules = self.guest_rules(channel);
        let is_open = known.as_ref().is_some_and(|it| engine::is_claimable(&it.guest, rules, moment.now));
        let member = match (person, newcomer) {
            (Person::Nobody, _) => None,
            (_, Some(_)) if known.is_some() && !is_open => None,
            (_, Some(identity)) => {
                if let Err(rejection) = self.try_newcomer(*fresh, known.as_ref(), channel, document, moment)? {
                    return Ok(Some(Ok(Err(rejection))));
                }
                self.sign_up_newcomer(*fresh, identity, moment)?;
                Some(*fresh)
            }
            (person, None) => match self.find(person) {
                Ok(member) => Some(member),
                Err(rejection) => return Ok(Some(Ok(Err(rejection)))),
            },
        };
        match (member, known) {
            (Some(member), Some(known)) if is_open => {
                self.claim(member, &name, &known, Claim::Document(document), moment).map(|it| Some(Ok(it)))
            }
            (Some(_), None) => Ok(None),
            (_, known) => Ok(Some(Ok(self.keep_guest(name, known, document, moment)))),
        }
    }

    fn keep_guest(
        &mut self,
        name: OrderName,
        known: Option<Unclaimed>,
        document: &Arc<Document>,
        moment: Moment,
    ) -> Result<Reply, Rejection> {
        let rules = self.guest_rules(&name.0);
        let decided = engine::put_guest(known.as_ref().map(|it| &it.guest), rules, document, moment)?;
        Ok(self.keep_decided(name, known, decided, moment.now))
    }

    fn keep_decided(
        &mut self,
        name: OrderName,
        known: Option<Unclaimed>,
        decided: GuestDecided,
        now: Timestamp,
    ) -> Reply {
        if let Some(order) = decided.order {
            let (recorded_at, returns) = known.map_or((now, Vec::new()), |it| (it.guest.recorded_at, it.returns));
            self.guests.insert(name, Unclaimed { guest: Guest { order, recorded_at }, returns });
        }
        Reply::Order { member: None, answer: Box::new(decided.answer) }
    }

    pub(super) fn return_of_guest(
        &mut self,
        order: &OrderName,
        name: OrderName,
        returned: &Returned,
        currency: [u8; 3],
        moment: Moment,
    ) -> Option<Outcome> {
        let mut known = self.guests.get(order).cloned()?;
        let decided = engine::put_guest_return(&known.guest, self.guest_rules(&order.0), returned, currency, moment);
        Some(Ok(decided.map(|decided| {
            if !known.returns.contains(&name) {
                known.returns.push(name);
            }
            self.keep_decided(order.clone(), Some(known), decided, moment.now)
        })))
    }

    /// Staff name the member of an order.
    pub(super) fn claim_by_staff(&mut self, act: &Act, moment: Moment) -> Outcome {
        let Act::Claim { person, channel, reference, note } = act else { return Err(anyhow!("this is no claim")) };
        if !self.channels.contains(channel) {
            return Ok(Err(Rejection::UnknownChannel));
        }
        let member = match self.find(person) {
            Ok(member) => member,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let name = (channel.clone(), reference.clone());
        if let Some(known) = self.guests.get(&name).cloned() {
            return self.claim(member, &name, &known, Claim::Note(note), moment);
        }
        let Some((owner, no)) = self.orders.get(&name).copied() else { return Ok(Err(Rejection::UnknownOrder)) };
        if owner != member {
            return Ok(Err(Rejection::OtherMember));
        }
        let kept = self.accounts.get(&member).and_then(|it| it.account.order(no));
        let document = kept.and_then(|it| it.document.clone()).ok_or_else(|| anyhow!("an order has a document"))?;
        let decided =
            self.decide(member, |account, rules| engine::put_order(account, rules, Some(no), &document, moment))?;
        Ok(decided
            .and_then(|it| it.answer.ok_or(Rejection::UnknownProgram))
            .map(|answer| Reply::Order { member: Some(member), answer }))
    }

    fn claim(
        &mut self,
        member: MemberNo,
        name: &OrderName,
        known: &Unclaimed,
        claim: Claim<'_>,
        moment: Moment,
    ) -> Outcome {
        let rule = |account: &Account, rules: Rules<'_>, claim: Claim<'_>| {
            engine::claim(account, Rules { channel: Some(&name.0), ..rules }, &known.guest, claim, moment)
        };
        let decided = match claim {
            Claim::Document(document) => self.decide_with(member, document, moment, |account, rules, document| {
                rule(account, rules, Claim::Document(document))
            })?,
            Claim::Note(_) => self.decide(member, |account, rules| rule(account, rules, claim))?,
        };
        Ok(decided.and_then(|it| it.answer.ok_or(Rejection::UnknownProgram)).map(|answer| {
            self.guests.remove(name);
            let order = (member, answer.order);
            self.orders.insert(name.clone(), order);
            self.orders.extend(known.returns.iter().map(|it| (it.clone(), order)));
            Reply::Order { member: Some(member), answer }
        }))
    }

    /// The document on an account such as the newcomer's will be: whoever is refused has not signed up.
    fn try_newcomer(
        &self,
        fresh: MemberNo,
        known: Option<&Unclaimed>,
        channel: &str,
        document: &Arc<Document>,
        moment: Moment,
    ) -> Result<Result<(), Rejection>> {
        let mut account: Account = Kept::default().account;
        let rules = self.guest_rules(channel);
        let given = engine::sign_up(&account, rules, moment).map_err(|_| anyhow!("a new account is loaded"))?;
        account.apply(&given);
        let document = match self.shown((fresh, Place::OWN), &mut account, document, moment)? {
            Ok(document) => document,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let tried = match known {
            Some(known) => engine::claim(&account, rules, &known.guest, Claim::Document(&document), moment),
            None => engine::put_order(&account, rules, None, &document, moment),
        };
        match tried {
            Ok(_) => Ok(Ok(())),
            Err(Stop::Rejected(rejection)) => Ok(Err(rejection)),
            Err(Stop::NeedMore) => Err(anyhow!("a new account is loaded")),
        }
    }

    fn sign_up_newcomer(&mut self, member: MemberNo, identity: &str, moment: Moment) -> Result<()> {
        let (identities, facts) = (vec![identity.to_owned()], Facts::default());
        match self.introduce(&Act::SignUp { member, identities, facts }, moment) {
            Some(outcome) => outcome.map(drop),
            None => Err(anyhow!("somebody who signs up is introduced")),
        }
    }

    /// A quote for an order that nobody has claimed is one for the claim.
    pub(super) fn adopted(
        &self,
        account: &mut Account,
        rules: Rules<'_>,
        name: &OrderName,
        now: Timestamp,
    ) -> Result<Option<OrderNo>, Rejection> {
        self.guests.get(name).map(|it| engine::adopt(account, rules, &it.guest, now)).transpose()
    }
}
