//! The engine alone: accounts and the program's timeline in memory, nothing stored. Bounded by what one file holds.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use anyhow::{Result, anyhow};
use engine::{
    Account, Actor, Balance, Budgets, CreditAdjustment, Decided, Entry, Facts, Moment, Money, OrderNo, Place,
    Placed as _, Points, Purse, Quote, Rejection, Rules, Stop, Switch, Timeline, Timestamp, Version, Wallet,
};

use super::acts::PointsAct;
use super::backend::{
    Act, Arrival, Backend, CHANNEL, Inquiry, KEY, MemberNo, Outcome, PROGRAM, Person, Reply, expiries_of, lots_of,
};
use super::cards::Cards;
use super::certificates::{self, Told};
use super::rewards::{ClaimTold, RewardTold};
use super::tiers::Stands;

mod bearers;
mod guests;
mod merging;
mod rewards;
mod verify;

pub(super) struct EngineBackend {
    versions: Vec<Version>,
    switches: Vec<Switch>,
    timeline: Timeline,
    channels: Vec<String>,
    identities: BTreeMap<String, MemberNo>,
    accounts: BTreeMap<MemberNo, Kept>,
    /// Channel and reference name one order for ever.
    orders: BTreeMap<(String, String), (MemberNo, OrderNo)>,
    guests: BTreeMap<(String, String), guests::Unclaimed>,
    /// Channels whose orders sign people up.
    signs_up: BTreeSet<String>,
    /// What all members have of the budgets of promotions.
    budgets: Budgets,
    /// Permanent references of acts.
    references: BTreeSet<String>,
    merges: Vec<merging::MergedMember>,
    bearers: Vec<bearers::Bearer>,
    /// Under which of the members that are one an act comes.
    under: Place,
    cards: Cards,
    /// Whether an act names its member by a card that is blocked.
    card_blocked: bool,
}

struct Kept {
    account: Account,
    entries: Vec<Entry>,
    /// Of store credit.
    credit: Vec<Entry>,
    /// Of certificates.
    certificates: Vec<Entry>,
    facts: Facts,
}

impl Default for Kept {
    fn default() -> Self {
        let mut account = Account::default();
        account.purse = Some(Arc::new(Purse { program: 1, credit: Account::default() }));
        account.wallet = Some(Arc::new(Wallet { program: 1, ledger: Account::default() }));
        let (entries, credit, certificates) = (Vec::new(), Vec::new(), Vec::new());
        Self { account, entries, credit, certificates, facts: Facts::default() }
    }
}

impl EngineBackend {
    pub(super) fn new() -> Self {
        Self {
            versions: Vec::new(),
            switches: Vec::new(),
            timeline: Timeline::default(),
            channels: vec![CHANNEL.to_owned()],
            identities: BTreeMap::new(),
            accounts: BTreeMap::new(),
            orders: BTreeMap::new(),
            guests: BTreeMap::new(),
            signs_up: BTreeSet::new(),
            budgets: Budgets::default(),
            references: BTreeSet::new(),
            merges: Vec::new(),
            bearers: Vec::new(),
            under: Place::OWN,
            cards: Cards::default(),
            card_blocked: false,
        }
    }

    fn is_blocked(&self, person: &Person) -> bool {
        self.cards.is_blocked(person)
    }

    /// The member that is meant: of one that was merged into another, that one.
    fn find(&self, person: &Person) -> Result<MemberNo, Rejection> {
        self.named(person).map(|it| self.home(it).0)
    }

    fn named(&self, person: &Person) -> Result<MemberNo, Rejection> {
        match person {
            Person::Member(member) => Ok(*member),
            Person::Identity(identity) => self.identities.get(identity).copied().ok_or(Rejection::UnknownMember),
            Person::Nobody => Err(Rejection::UnknownMember),
        }
    }

    /// Takes effect now or later; a program without entries may be dated back.
    fn effective(&self, path: &'static str, from: Option<Timestamp>, now: Timestamp) -> Result<Timestamp, Rejection> {
        let is_fresh = self.accounts.values().all(|it| it.entries.is_empty());
        match from {
            Some(from) if from < now && !is_fresh => {
                let allowed = "now or later, once the program has entries";
                Err(Rejection::Invalid { path: path.into(), allowed })
            }
            from => Ok(from.unwrap_or(now)),
        }
    }

    fn keep(&mut self, member: MemberNo, decided: &Decided) {
        let kept = self.accounts.entry(member).or_default();
        kept.account.apply(decided);
        kept.entries.extend(decided.entries.iter().cloned());
        kept.credit.extend(decided.credit.iter().cloned());
        for it in &decided.entries {
            self.budgets.add(&it.changes.budgets);
            it.claims().into_iter().for_each(|(reward, claims)| self.budgets.add_claims(reward, claims));
        }
        kept.certificates.extend(decided.certificates.iter().cloned());
    }

    /// Decides on an account under the rules that hold for a member.
    fn try_on<T>(&self, member: MemberNo, account: &Account, decide: impl FnOnce(&Account, Rules<'_>) -> T) -> T {
        let nothing = Facts::default();
        let of_member = Rules {
            timeline: &self.timeline,
            facts: self.accounts.get(&member).map_or(&nothing, |it| &it.facts),
            channel: None,
            budgets: &self.budgets,
            under: self.under,
            card_blocked: self.card_blocked,
        };
        decide(account, of_member)
    }

    /// Decides on a member's account and keeps what comes of it.
    fn decide(
        &mut self,
        member: MemberNo,
        decide: impl FnOnce(&Account, Rules<'_>) -> engine::Decision,
    ) -> Result<Result<Decided, Rejection>> {
        let account = self.accounts.entry(member).or_default().account.clone();
        match self.try_on(member, &account, decide) {
            Ok(decided) => {
                self.keep(member, &decided);
                Ok(Ok(decided))
            }
            Err(Stop::Rejected(rejection)) => Ok(Err(rejection)),
            Err(Stop::NeedMore) => Err(anyhow!("every lot is loaded, and still the engine asks for more")),
        }
    }

    /// Carries out an act that says who somebody is.
    fn introduce(&mut self, act: &Act, moment: Moment) -> Option<Outcome> {
        match act {
            Act::SignUp { member, identities, facts } => {
                let is_taken = |it: &String| self.identities.get(it).is_some_and(|owner| owner != member);
                if identities.iter().any(is_taken) {
                    return Some(Ok(Err(Rejection::IdentityTaken)));
                }
                self.identities.extend(identities.iter().map(|it| (it.clone(), *member)));
                let is_known = self.accounts.contains_key(member);
                let kept = self.accounts.entry(*member).or_default();
                if is_known {
                    return Some(Ok(Ok(Reply::Done)));
                }
                kept.facts = Facts { birthday_since: moment.now, ..facts.clone() };
                let granted = self.decide(*member, |account, rules| engine::sign_up(account, rules, moment));
                Some(granted.map(|it| it.map(|_| Reply::Done)))
            }
            Act::AddCard { person, number } => Some(Ok(self.named(person).and_then(|member| {
                let known = self.identities.entry(format!("card:{number}")).or_insert(member);
                if *known == member { Ok(Reply::Done) } else { Err(Rejection::IdentityTaken) }
            }))),
            Act::Card { number, step } => {
                Some(Ok(self.cards.take(&mut self.identities, number, step).map(|()| Reply::Done)))
            }
            Act::Change { person, change } => Some(match self.find(person) {
                Err(rejection) => Ok(Err(rejection)),
                Ok(member) => {
                    // What the birthday that was known has given is given before another takes its place.
                    let settle = |account: &Account, rules: Rules<'_>| {
                        engine::settle(account, rules, moment.now).map_err(Stop::from)
                    };
                    let settled =
                        if change.birthday.is_some() { self.decide(member, settle).map(|_| ()) } else { Ok(()) };
                    change.apply(&mut self.accounts.entry(member).or_default().facts, moment.now);
                    settled.map(|()| Ok(Reply::Done))
                }
            }),
            _ => None,
        }
    }

    /// An act under a reference that is known earns nothing more, and is no fault.
    fn on_points(
        &mut self,
        member: MemberNo,
        act: &PointsAct,
        moment: Moment,
    ) -> Result<Option<Result<Decided, Rejection>>> {
        let PointsAct::Act { reference: Some(reference), .. } = act else {
            if let (PointsAct::Join { .. }, Some(kept)) = (act, self.accounts.get_mut(&member)) {
                // What is bought with coming back is not gone with what was due before.
                kept.settle_certificates(moment)?;
            }
            let decided = self.decide(member, |account, rules| act.decide(account, rules, moment))?;
            if decided.is_ok() {
                self.decide(member, |account, _| act.on_wallet(account, moment))?.ok();
            }
            return Ok(Some(decided));
        };
        if self.references.contains(reference) {
            return Ok(None);
        }
        let decided = self.decide(member, |account, rules| act.decide(account, rules, moment))?;
        if decided.is_ok() {
            self.references.insert(reference.clone());
        }
        Ok(Some(decided))
    }

    fn order(&mut self, act: &Act, moment: Moment) -> Outcome {
        let Act::Order { person, channel, reference, document, .. } = act else {
            return Err(anyhow!("this is no order"));
        };
        if !self.channels.contains(channel) {
            return Ok(Err(Rejection::UnknownChannel));
        }
        if !self.orders.contains_key(&(channel.clone(), reference.clone()))
            && let Some(outcome) = self.first_document(act, moment)?
        {
            return outcome;
        }
        let name = if document.is_return { format!("return {reference}") } else { reference.clone() };
        let key = (channel.clone(), name);
        let known = self.orders.get(&key).copied();
        let member = match (person, known) {
            (Person::Nobody, Some((member, _))) => member,
            (person, known) => match (self.find(person), known) {
                (Err(_), Some((owner, _))) if matches!(person, Person::Identity(_)) => owner,
                (Err(rejection), _) => return Ok(Err(rejection)),
                (Ok(member), Some((owner, _))) if member != owner => return Ok(Err(Rejection::OtherMember)),
                (Ok(member), _) => member,
            },
        };
        let no = known.map(|(_, no)| no);
        let decided = self.decide_with(member, document, moment, |account, rules, document| {
            engine::put_order(account, Rules { channel: Some(channel), ..rules }, no, document, moment)
        })?;
        Ok(decided.and_then(|it| it.answer.ok_or(Rejection::UnknownProgram)).map(|answer| {
            self.orders.insert(key, (member, answer.order));
            Reply::Order { member: Some(member), answer }
        }))
    }

    fn give_back(&mut self, act: &Act, moment: Moment) -> Outcome {
        let Act::Return { channel, reference, order, document } = act else {
            return Err(anyhow!("this is no return"));
        };
        if !self.channels.contains(channel) || !self.channels.contains(&order.0) {
            return Ok(Err(Rejection::UnknownChannel));
        }
        let key = (channel.clone(), format!("return {reference}"));
        let returned = engine::Returned {
            channel: self.channel_no(channel),
            reference: reference.clone(),
            version: document.version,
            returned_at: document.placed_at,
            lines: document.returns.clone(),
            refunded: document.refunded,
        };
        let currency = document.currency;
        if let Some(outcome) = self.return_of_guest(order, key.clone(), &returned, currency, moment) {
            return outcome;
        }
        let Some((member, no)) = self.orders.get(order).copied() else { return Ok(Err(Rejection::UnknownOrder)) };
        if self.orders.get(&key).is_some_and(|it| *it != (member, no)) {
            return Ok(Err(Rejection::VersionConflict));
        }
        let decided =
            self.decide(member, |account, rules| engine::put_return(account, rules, no, &returned, currency, moment))?;
        Ok(decided.and_then(|it| it.answer.ok_or(Rejection::UnknownProgram)).map(|answer| {
            self.orders.insert(key, (member, no));
            Reply::Order { member: Some(member), answer }
        }))
    }

    /// Carries out an act on what all members share.
    fn arrange(&mut self, act: &Act, now: Timestamp) -> Outcome {
        match act {
            Act::Program { terms, from, .. } => {
                let number = u32::try_from(self.versions.len() + 1)?;
                Ok(self.effective("effective_at", *from, now).map(|effective_at| {
                    self.versions.push(Version { number, effective_at, terms: terms.as_ref().clone() });
                    self.timeline = Timeline::new(self.versions.clone(), self.switches.clone());
                    Reply::Done
                }))
            }
            Act::Switch { on, from } => Ok(self.effective("at", *from, now).map(|at| {
                self.switches.push(Switch { at, on: *on });
                self.timeline = Timeline::new(self.versions.clone(), self.switches.clone());
                Reply::Done
            })),
            Act::Channel { name, signs_up } => {
                if !self.channels.contains(name) {
                    self.channels.push(name.clone());
                }
                match signs_up {
                    Some(true) => drop(self.signs_up.insert(name.clone())),
                    Some(false) => drop(self.signs_up.remove(name)),
                    None => {}
                }
                Ok(Ok(Reply::Done))
            }
            _ => Err(anyhow!("this is about a member")),
        }
    }

    fn channel_no(&self, name: &str) -> u32 {
        let index = self.channels.iter().position(|it| it == name).unwrap_or(0);
        u32::try_from(index + 1).unwrap_or(u32::MAX)
    }

    /// Whom an act names that may make something new.
    fn new_under<'a>(&self, act: &'a Act) -> Option<&'a Person> {
        match act {
            Act::Order { channel, reference, .. }
                if self.orders.contains_key(&(channel.clone(), reference.clone())) =>
            {
                None
            }
            Act::Order { person, .. }
            | Act::Hold { person, .. }
            | Act::Release { person, .. }
            | Act::Adjust { person, .. }
            | Act::AdjustCredit { person, .. }
            | Act::OnPoints { person, .. }
            | Act::OnCertificates { person, .. }
            | Act::SetTier { person, .. }
            | Act::Claim { person, .. } => Some(person),
            Act::Program { .. }
            | Act::Switch { .. }
            | Act::Channel { .. }
            | Act::SignUp { .. }
            | Act::Change { .. }
            | Act::AddCard { .. }
            | Act::Card { .. }
            | Act::Return { .. }
            | Act::Merge { .. }
            | Act::Unmerge { .. }
            | Act::Settle { .. } => None,
        }
    }

    fn actor(&self, act: &Act, arrival: Arrival) -> Actor {
        match act {
            _ if arrival.import => Actor::Import,
            Act::Order { channel, .. } | Act::Return { channel, .. } => Actor::Channel(self.channel_no(channel)),
            Act::Hold { .. }
            | Act::Release { .. }
            | Act::Adjust { .. }
            | Act::AdjustCredit { .. }
            | Act::OnPoints { .. }
            | Act::Claim { .. }
            | Act::OnCertificates { .. }
            | Act::Merge { .. }
            | Act::Unmerge { .. }
            | Act::SetTier { .. } => KEY,
            Act::Settle { .. } => Actor::System,
            Act::Program { .. } | Act::Switch { .. } | Act::Channel { .. } => Actor::Staff(0),
            Act::SignUp { .. } | Act::Change { .. } | Act::AddCard { .. } | Act::Card { .. } => KEY,
        }
    }
}

impl Backend for EngineBackend {
    fn name(&self) -> &'static str {
        "engine"
    }

    fn submit(&mut self, act: &Act, arrival: Arrival) -> Outcome {
        let moment = Moment { now: arrival.at, actor: self.actor(act, arrival), import: arrival.import };
        let is_issue = act.gives_certificates() || self.is_coupon(act, moment);
        self.go_under(self.new_under(act), is_issue, moment)?;
        self.card_blocked = match act {
            Act::Order { person, .. } | Act::Hold { person, .. } | Act::OnPoints { person, .. } => {
                self.is_blocked(person)
            }
            _ => false,
        };
        if let Some(outcome) = self.introduce(act, moment) {
            return outcome;
        }
        let on = |person: &Person, program: &str| match program {
            PROGRAM => self.find(person),
            _ => Err(Rejection::UnknownProgram),
        };
        let decided = match act {
            Act::Order { .. } => return self.order(act, moment),
            Act::Return { .. } => return self.give_back(act, moment),
            Act::Claim { .. } => return self.claim_by_staff(act, moment),
            Act::Merge { other, into } => return self.merge(other, into, moment),
            Act::Unmerge { person } => return self.unmerge(person, moment),
            Act::Program { .. } | Act::Switch { .. } | Act::Channel { .. } => return self.arrange(act, arrival.at),
            Act::SignUp { .. } | Act::Change { .. } | Act::AddCard { .. } | Act::Card { .. } => {
                return Err(anyhow!("members are introduced before"));
            }
            Act::Hold { person, program, points, minutes } => match on(person, program) {
                Err(rejection) => return Ok(Err(rejection)),
                Ok(member) => {
                    self.decide(member, |account, terms| engine::hold(account, terms, *points, *minutes, moment))?
                }
            },
            Act::Release { person, hold } => match self.find(person) {
                Err(rejection) => return Ok(Err(rejection)),
                Ok(member) => {
                    let hold = if hold.place() == Place::OWN { hold.under(self.under) } else { *hold };
                    self.decide(member, |account, rules| engine::release_hold(account, rules, hold, moment))?
                }
            },
            Act::Adjust { person, program, adjustment: it } => match on(person, program) {
                Err(rejection) => return Ok(Err(rejection)),
                Ok(member) => self.decide(member, |account, rules| engine::adjust(account, rules, it, moment))?,
            },
            Act::AdjustCredit { person, adjustment, .. } => match self.find(person) {
                Err(rejection) => return Ok(Err(rejection)),
                Ok(member) => self.adjust_credit(member, adjustment, moment)?,
            },
            Act::OnCertificates { person, program, act } => match (person, on(person, program)) {
                (Person::Nobody, _) if program == PROGRAM => return self.on_bearers(act, moment),
                (_, Err(rejection)) => return Ok(Err(rejection)),
                (_, Ok(member)) => self.on_certificates(member, act, moment)?,
            },
            Act::OnPoints { person, program, act } => match on(person, program) {
                Err(rejection) => return Ok(Err(rejection)),
                Ok(member) => match self.on_points(member, act, moment)? {
                    Some(decided) => decided,
                    None => return Ok(Ok(Reply::Done)),
                },
            },
            Act::SetTier { person, program, set, .. } => match on(person, program) {
                Err(rejection) => return Ok(Err(rejection)),
                Ok(member) => self.decide(member, |account, rules| engine::set_tier(account, rules, set, moment))?,
            },
            Act::Settle { member } => {
                self.decide(*member, |account, rules| engine::settle(account, rules, moment.now).map_err(Stop::from))?
            }
        };
        Ok(decided.map(|decided| reply_to(act, &decided)))
    }

    fn quote(&mut self, inquiry: &Inquiry, now: Timestamp) -> Result<Result<Quote, Rejection>> {
        if !self.channels.contains(&inquiry.channel) {
            return Ok(Err(Rejection::UnknownChannel));
        }
        let (member, under) = match self.named(&inquiry.person) {
            Ok(member) => self.home(member),
            Err(rejection) => return Ok(Err(rejection)),
        };
        let key = inquiry.reference.clone().map(|it| (inquiry.channel.clone(), it));
        let known = key.as_ref().and_then(|it| self.orders.get(it).copied());
        if known.is_some_and(|(owner, _)| owner != member) {
            return Ok(Err(Rejection::OtherMember));
        }
        let mut known = known.map(|(_, no)| no);
        let moment = Moment { now, actor: Actor::Channel(self.channel_no(&inquiry.channel)), import: false };
        self.accounts.entry(member).or_default();
        let Some(kept) = self.accounts.get(&member) else { return Err(anyhow!("it was just made")) };
        let channel = Some(inquiry.channel.as_str());
        let rules = Rules { facts: &kept.facts, channel, budgets: &self.budgets, under, ..Rules::of(&self.timeline) };
        let rules = Rules { card_blocked: self.is_blocked(&inquiry.person), ..rules };
        let mut account = kept.account.clone();
        if let Some(name) = &key {
            match self.adopted(&mut account, rules, name, now) {
                Ok(adopted) => known = adopted.or(known),
                Err(rejection) => return Ok(Err(rejection)),
            }
        }
        let document = match self.shown((member, under), &mut account, &inquiry.document, moment)? {
            Ok(document) => document,
            Err(rejection) => return Ok(Err(rejection)),
        };
        match engine::quote(&account, rules, known, &document, moment) {
            Ok(quote) => Ok(Ok(quote)),
            Err(Stop::Rejected(rejection)) => Ok(Err(rejection)),
            Err(Stop::NeedMore) => Err(anyhow!("every lot is loaded, and still the engine asks for more")),
        }
    }

    fn credit(&mut self, member: MemberNo, now: Timestamp) -> Result<Money> {
        let account = self.settled(member, now)?;
        Ok(account.purse.map_or(Money::ZERO, |it| it.available()))
    }

    fn balance(&mut self, member: MemberNo, now: Timestamp) -> Result<Balance> {
        Ok(self.settled(member, now)?.balance)
    }

    fn lots(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>> {
        Ok(lots_of(&self.settled(member, now)?))
    }

    fn expiries(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>> {
        Ok(expiries_of(&self.settled(member, now)?))
    }

    fn certificates(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<Told>> {
        let (member, _) = self.home(member);
        certificates::of_account(&self.settled(member, now)?, now)
    }

    fn bearers(&mut self, now: Timestamp) -> Result<Vec<Told>> {
        self.bearers_told(now)
    }

    fn claims(&mut self, member: MemberNo) -> Result<Vec<ClaimTold>> {
        let (member, _) = self.home(member);
        let kept = self.accounts.entry(member).or_default();
        let told = |it| ClaimTold::of(it, kept.account.is_undone(it));
        Ok(kept.account.claims().iter().map(told).collect())
    }

    fn catalogue(&mut self, person: &Person, now: Timestamp) -> Result<Result<Vec<RewardTold>, Rejection>> {
        self.offered(person, now)
    }

    fn stands(&mut self, member: MemberNo, now: Timestamp) -> Result<Option<Stands>> {
        let account = self.settled(member, now)?;
        let progress = engine::progress(&account, &self.timeline, now).map_err(|_| anyhow!("every year is loaded"))?;
        let terms = self.timeline.at(now).map(|it| &it.terms);
        Ok(progress.zip(terms).map(|(progress, terms)| Stands::of(&progress, terms)))
    }

    fn entries(&mut self, member: MemberNo) -> Result<Vec<Entry>> {
        let (member, _) = self.home(member);
        Ok(self.accounts.entry(member).or_default().entries.clone())
    }

    fn verify(&mut self) -> Result<Option<String>> {
        Ok(self.accounts.values().find_map(Kept::differs).or_else(|| self.verify_bearers()))
    }
}

impl EngineBackend {
    /// Credit is there of all points that have become some by now.
    fn adjust_credit(
        &mut self,
        member: MemberNo,
        adjustment: &CreditAdjustment,
        moment: Moment,
    ) -> Result<Result<Decided, Rejection>> {
        self.decide(member, |account, rules| engine::settle(account, rules, moment.now).map_err(Stop::from))?.ok();
        let under = self.under;
        self.decide(member, |account, _| {
            let purse = account.purse.as_ref().ok_or(Stop::NeedMore)?;
            let decided = engine::adjust_credit(&purse.credit, under, adjustment, moment)?;
            Ok(Decided { credit: decided.entries, ..Decided::default() })
        })
    }

    /// The account at an instant; nothing is kept of it.
    fn settled(&mut self, member: MemberNo, now: Timestamp) -> Result<Account> {
        let (member, _) = self.home(member);
        let kept = self.accounts.entry(member).or_default();
        let mut account = kept.account.clone();
        let rules = Rules { facts: &kept.facts, ..Rules::of(&self.timeline) };
        let due = engine::settle(&account, rules, now).map_err(|_| anyhow!("every lot is loaded"))?;
        account.apply(&due);
        Ok(account)
    }
}

fn reply_to(act: &Act, decided: &Decided) -> Reply {
    let hold = decided.entries.iter().rev().find_map(|it| it.hold);
    match (act, hold) {
        (Act::Hold { .. }, Some(hold)) => Reply::Hold { hold: hold.no },
        _ => Reply::Done,
    }
}
