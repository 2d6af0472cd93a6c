//! The API: a real server on a port of this machine, over a database in a folder of its own, spoken to as any shop would.
//! Its clock tells the time of the step: no header and no address does. Bounded by what one file writes.
//!
//! What time brings about has no address in the API: the server does it by itself, and here the backend in its place.

mod answers;
mod certificates;
mod client;
mod requests;
mod rewards;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, Result, bail};
use engine::{Actor, Balance, Entry, Facts, Kind, Money, OrderNo, Points, Quote, Reason, Rejection, Timestamp};
use serde_json::{Value, json};
use server::{App, Config};
use store::{Address, Body, Command, Failure, Key, MemberId, MemberRef, Scopes, SecretHash, Store, Time};

use super::backend::{
    Act, Arrival, Backend, CHANNEL, Inquiry, MemberNo, Outcome, PROGRAM, Person, Reply, member_bytes,
};
use super::certificates::Told;
use super::folder::Place;
use super::rewards::{ClaimTold, RewardTold};
use super::tiers::Stands;
use answers::{Read, number_of};
use client::{Client, Method};
use requests::{escaped, facts_named, order_document};

/// The key that a shop with all permissions would have.
const SECRET: &str = "gdn_scenario";
/// The number of the only program.
const PROGRAM_NO: u32 = 1;
/// Entries a page.
const PAGE: usize = 200;

pub(super) struct HttpBackend {
    client: Client,
    clock: Arc<AtomicI64>,
    app: App,
    keys: u64,
    /// As the server calls it; nothing before the first version.
    program: Option<String>,
    exponent: u8,
    members: Vec<(MemberNo, String)>,
    identities: Vec<(String, MemberNo)>,
    channels: Vec<String>,
    /// The number of the certificates' ledger.
    ledger: u32,
    /// The codes of certificates that were made for nobody.
    bearers: Vec<String>,
    /// The codes of certificates, by member and number.
    codes: Vec<(MemberNo, u64, String)>,
    /// The last, so that the database is closed when it goes.
    place: Place,
}

impl HttpBackend {
    fn tier_request(
        &self,
        member: &str,
        program: &str,
        set: &engine::SetTier,
        last_day: Option<engine::Date>,
    ) -> (Method, String, Option<Value>) {
        let program = escaped(&self.program_called(program));
        let path = format!("/v1/members/{}/accounts/{program}/tier", escaped(member));
        let last_day = last_day.map(|it| it.to_string());
        (Method::POST, path, Some(json!({ "tier": set.tier, "last_day": last_day, "note": set.note })))
    }

    pub(super) fn new(server: Option<&Address>) -> Result<Self> {
        let place = Place::new(server)?;
        let clock = Arc::new(AtomicI64::new(0));
        let told = Arc::clone(&clock);
        let mut options = place.options();
        options.clock = Some(Arc::new(move || Timestamp::from_micros(told.load(Ordering::Relaxed))));
        let store = Store::open(&place.database(), options)?;
        let body = Body::AddKey {
            name: "scenario".to_owned(),
            hash: SecretHash::of(SECRET),
            hint: "scenario".to_owned(),
            scopes: Scopes::ADMIN,
        };
        let key = Some(Key("scenario".to_owned()));
        store.submit(Command { key, actor: Actor::Staff(0), time: Time::Live, seed: 0, body }).wait()?;
        let app = App::new(store, Config::local("http://localhost"))?;
        let client = Client::start(app.clone(), SECRET)?;
        let (members, identities, codes, channels) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        let (keys, program, exponent, ledger, bearers) = (0, None, 2, 0, Vec::new());
        Ok(Self {
            client,
            clock,
            app,
            keys,
            program,
            exponent,
            members,
            identities,
            channels,
            ledger,
            bearers,
            codes,
            place,
        })
    }

    fn get(&mut self, path: &str) -> Result<Value> {
        let (status, answer) = self.client.send(Method::GET, path, None, None)?;
        if status.is_success() { Ok(answer) } else { bail!("GET {path} is answered {status}: {answer}") }
    }

    /// Sends what changes something; a problem is a refusal of the rules.
    fn send(&mut self, method: Method, path: &str, body: Option<&Value>) -> Result<Result<Value, Rejection>> {
        self.keys += 1;
        let key = (method == Method::POST).then(|| format!("step-{}", self.keys));
        let (status, answer) = self.client.send(method, path, body, key.as_deref())?;
        if status.is_success() {
            return Ok(Ok(answer));
        }
        let problem = self.read(&answer);
        if problem.number("status")? != u64::from(status.as_u16()) {
            bail!("{path} is answered {status}, and the problem says {answer}");
        }
        Ok(Err(problem.rejection("").with_context(|| format!("{path} is answered {status}: {answer}"))?))
    }

    fn read<'a>(&self, value: &'a Value) -> Read<'a> {
        Read { value, exponent: self.exponent }
    }

    fn go_on_to(&self, now: Timestamp) {
        self.clock.fetch_max(now.micros(), Ordering::Relaxed);
    }

    /// The first version makes the program and its channel.
    fn program(&mut self, json: &str, from: Option<Timestamp>) -> Outcome {
        let mut body = json!({ "document": serde_json::from_str::<Value>(json)? });
        if let Some(from) = from {
            body["effective_at"] = from.to_string().into();
        }
        if let Some(program) = self.program.clone() {
            let path = format!("/v1/programs/{}/versions", escaped(&program));
            return Ok(self.send(Method::POST, &path, Some(&body))?.map(|_| Reply::Done));
        }
        let made = match self.send(Method::POST, "/v1/programs", Some(&body))? {
            Ok(made) => made,
            Err(rejection) => return Ok(Err(rejection)),
        };
        self.program = Some(self.read(&made).text("name")?.to_owned());
        self.channel(CHANNEL, None)
    }

    fn channel(&mut self, name: &str, signs_up: Option<bool>) -> Outcome {
        let known = self.channels.iter().any(|it| it == name);
        if let Some(signs_up) = signs_up.filter(|_| known) {
            let body = json!({ "signs_up": signs_up });
            let path = format!("/v1/channels/{}", escaped(name));
            return Ok(self.send(Method::PATCH, &path, Some(&body))?.map(|_| Reply::Done));
        }
        self.channels.push(name.to_owned());
        let mut body = json!({ "name": name, "program": self.program_called(PROGRAM) });
        if let Some(signs_up) = signs_up {
            body["signs_up"] = signs_up.into();
        }
        Ok(self.send(Method::POST, "/v1/channels", Some(&body))?.map(|_| Reply::Done))
    }

    /// Scenarios have one program, under a name of their own.
    fn program_called(&self, name: &str) -> String {
        let known = self.program.as_ref().filter(|_| name == PROGRAM);
        known.cloned().unwrap_or_else(|| name.to_owned())
    }

    fn sign_up(&mut self, member: MemberNo, identities: &[String], facts: &Facts) -> Outcome {
        let identity = |it: &String| match it.split_once(':') {
            Some((kind, value)) => Ok(json!({ "kind": kind, "value": value })),
            None => bail!("{it} is no identity"),
        };
        let list = identities.iter().map(identity).collect::<Result<Vec<_>>>()?;
        let birthday = facts.birthday.map(|it| it.to_string());
        let body = json!({ "identities": list, "customer_type": facts.customer_type, "birthday": birthday });
        Ok(self.send(Method::POST, "/v1/members", Some(&body))?.map(|answer| {
            let id = answer["id"].as_str().unwrap_or_default().to_owned();
            self.members.push((member, id));
            self.identities.extend(identities.iter().map(|it| (it.clone(), member)));
            Reply::Done
        }))
    }

    /// How requests name somebody.
    fn named(&self, person: &Person) -> Result<Option<String>> {
        Ok(match person {
            Person::Member(member) => Some(self.id_of(*member)?.to_owned()),
            Person::Identity(identity) => Some(identity.clone()),
            Person::Nobody => None,
        })
    }

    fn id_of(&self, member: MemberNo) -> Result<&str> {
        let found = self.members.iter().find(|(it, _)| *it == member);
        found.map(|(_, id)| id.as_str()).with_context(|| format!("{member:?} has not signed up"))
    }

    /// Of somebody who was merged, whoever that is now.
    fn home_of(&self, member: MemberNo) -> Result<MemberId> {
        let id = self.id_of(member)?.parse()?;
        self.app.store().reader()?.find(&MemberRef::Id(id))?.context("a member is found")
    }

    fn member_of(&self, id: &str) -> Result<MemberNo> {
        let found = self.members.iter().find(|(_, it)| it == id);
        found.map(|(member, _)| *member).with_context(|| format!("{id} is answered, whom nobody signed up"))
    }

    /// The id of a hold says whose it is; of nobody known, the first member's will do.
    fn hold_id(&self, person: &Person, number: u64) -> Result<String> {
        self.owned_id("hld", person, number)
    }

    fn owned_id(&self, kind: &str, person: &Person, number: u64) -> Result<String> {
        let member = match person {
            Person::Member(member) => Some(*member),
            Person::Identity(identity) => self.identities.iter().find(|(it, _)| it == identity).map(|(_, it)| *it),
            Person::Nobody => None,
        };
        let member = member.or(self.members.first().map(|(it, _)| *it)).context("nobody has signed up")?;
        Ok(format!("{kind}_{}_{PROGRAM_NO}_{number}", self.id_of(member)?.trim_start_matches("mem_")))
    }

    fn document(&self, person: &Person, document: &engine::Document) -> Result<Value> {
        let hold = document.hold.map(|it| self.hold_id(person, it.0)).transpose()?;
        let mut body = order_document(document, self.exponent, self.named(person)?, hold)?;
        if let Some(numbers) = &document.certificates {
            let names = numbers.iter().map(|it| self.certificate_named(person, *it)).collect::<Result<Vec<_>>>()?;
            body["certificates"] = json!(names);
        }
        Ok(body)
    }

    fn order(&mut self, act: &Act, arrival: Arrival) -> Outcome {
        let Act::Order { person, channel, reference, document, fresh } = act else { bail!("this is no order") };
        let mut body = self.document(person, document)?;
        if arrival.import {
            body["at"] = arrival.at.to_string().into();
        }
        let path = format!("/v1/channels/{}/orders/{}", escaped(channel), escaped(reference));
        self.put(&path, &body, Some((*fresh, person)))
    }

    fn claim(&mut self, act: &Act) -> Outcome {
        let Act::Claim { person, channel, reference, note } = act else { bail!("this is no claim") };
        let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
        let path = format!("/v1/channels/{}/orders/{}/claim", escaped(channel), escaped(reference));
        let answer = self.send(Method::POST, &path, Some(&json!({ "member": member, "note": note })))?;
        self.order_told(answer)
    }

    /// A return of an order: what it adds, and no lines of its own.
    fn give_back(&mut self, act: &Act, arrival: Arrival) -> Outcome {
        let Act::Return { channel, reference, order, document } = act else { bail!("this is no return") };
        let mut body = self.return_body(&Person::Nobody, document, arrival, &["lines"])?;
        body["order"] = order.1.as_str().into();
        body["order_channel"] = order.0.as_str().into();
        self.put(&format!("/v1/channels/{}/returns/{}", escaped(channel), escaped(reference)), &body, None)
    }

    fn lone_return(&mut self, act: &Act, arrival: Arrival) -> Outcome {
        let Act::Order { person, channel, reference, document, .. } = act else { bail!("this is no return") };
        if let Person::Nobody = person {
            return Ok(Err(Rejection::UnknownMember));
        }
        let body = self.return_body(person, document, arrival, &[])?;
        self.put(&format!("/v1/channels/{}/returns/{}", escaped(channel), escaped(reference)), &body, None)
    }

    fn return_body(
        &self,
        person: &Person,
        document: &engine::Document,
        arrival: Arrival,
        without: &[&str],
    ) -> Result<Value> {
        let mut body = self.document(person, document)?;
        let Value::Object(fields) = &mut body else { bail!("an order is an object") };
        let at = fields.remove("placed_at").context("an order is placed")?;
        fields.insert("returned_at".to_owned(), at);
        without.iter().for_each(|it| drop(fields.remove(*it)));
        if arrival.import {
            fields.insert("at".to_owned(), arrival.at.to_string().into());
        }
        Ok(body)
    }

    /// Sends a document; whoever it signs up is `fresh`.
    fn put(&mut self, path: &str, body: &Value, fresh: Option<(MemberNo, &Person)>) -> Outcome {
        let answer = self.send(Method::PUT, path, Some(body))?;
        if let (Ok(answer), Some((fresh, person))) = (&answer, fresh)
            && let Some(id) = answer["member"].as_str()
            && self.members.iter().all(|(_, it)| it != id)
        {
            self.members.push((fresh, id.to_owned()));
            if let Person::Identity(identity) = person {
                self.identities.push((identity.clone(), fresh));
            }
        }
        self.order_told(answer)
    }

    fn order_told(&self, answer: Result<Value, Rejection>) -> Outcome {
        Ok(match answer {
            Err(rejection) => Err(rejection),
            Ok(answer) => {
                let read = self.read(&answer);
                let id = read.optional("id").map(|_| read.text("id")).transpose()?;
                let order = OrderNo(id.map(number_of).transpose()?.unwrap_or(0));
                let member = read.optional("member").map(|_| read.text("member")).transpose()?;
                let member = member.map(|it| self.member_of(it)).transpose()?;
                Ok(Reply::Order { member, answer: Box::new(read.answer(order, read.status()?)?) })
            }
        })
    }

    /// As the server's own sweeper does it.
    fn settle(&self, member: MemberNo) -> Outcome {
        let owner = self.home_of(member)?;
        let body = Body::Settle { owner, program: PROGRAM_NO };
        let command = Command { key: None, actor: Actor::System, time: Time::Live, seed: 0, body };
        match self.app.store().submit(command).wait() {
            Ok(_) => Ok(Ok(Reply::Done)),
            Err(Failure::Rejected(rejection)) => Ok(Err(rejection)),
            Err(failure) => Err(failure.into()),
        }
    }

    fn merging(&mut self, act: &Act) -> Outcome {
        let (path, body) = match act {
            Act::Merge { other, into } => {
                let (Some(into), Some(other)) = (self.named(into)?, self.named(other)?) else {
                    return Ok(Err(Rejection::UnknownMember));
                };
                (format!("/v1/members/{}/merges", escaped(&into)), Some(json!({ "other": other })))
            }
            Act::Unmerge { person } => {
                let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (format!("/v1/members/{}/merges/undo", escaped(&member)), None)
            }
            _ => bail!("this is no merge"),
        };
        Ok(self.send(Method::POST, &path, body.as_ref())?.map(|_| Reply::Done))
    }

    /// What staff do with certificates and cards.
    fn by_hand(&mut self, act: &Act) -> Outcome {
        let (method, path, body) = match act {
            Act::OnCertificates { .. } => return self.on_certificates(act),
            Act::AddCard { person, number } => {
                let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                let path = format!("/v1/members/{}/cards", escaped(&member));
                (Method::POST, path, Some(json!({ "number": number })))
            }
            Act::Card { number, step } => step.request(&escaped(number)),
            _ => bail!("this is about no card"),
        };
        Ok(self.send(method, &path, body.as_ref())?.map(|_| Reply::Done))
    }

    /// The API tells of a merge what moved, not all that came with it: that is taken from the store.
    fn with_merges(&self, member: MemberNo, mut entries: Vec<Entry>) -> Result<Vec<Entry>> {
        if entries.iter().all(|it| !matches!(it.kind, Kind::Merge | Kind::Unmerge)) {
            return Ok(entries);
        }
        let reader = self.app.store().reader()?;
        let home = self.home_of(member)?;
        let stored = reader.entries(home, PROGRAM_NO, engine::EntryNo(0), usize::MAX >> 1)?;
        for (entry, stored) in entries.iter_mut().zip(stored) {
            entry.changes.merged = stored.changes.merged;
            if let Reason::Merged { other } = &mut entry.reason {
                *other = member_bytes(self.member_of(&MemberId(*other).to_string())?);
            }
        }
        Ok(entries)
    }

    fn account(&self, member: MemberNo) -> Result<String> {
        Ok(format!("/v1/members/{}/accounts/{}", self.id_of(member)?, escaped(&self.program_called(PROGRAM))))
    }
}

impl Backend for HttpBackend {
    fn name(&self) -> &'static str {
        if self.place.is_server() { "API on PostgreSQL" } else { "API" }
    }

    fn submit(&mut self, act: &Act, arrival: Arrival) -> Outcome {
        self.go_on_to(arrival.at);
        let (method, path, body) = match act {
            Act::Order { document, .. } if document.is_return => return self.lone_return(act, arrival),
            Act::Order { .. } => return self.order(act, arrival),
            Act::Return { .. } => return self.give_back(act, arrival),
            Act::Claim { .. } => return self.claim(act),
            Act::OnCertificates { .. } | Act::AddCard { .. } | Act::Card { .. } => return self.by_hand(act),
            Act::Settle { member } => return self.settle(*member),
            Act::Channel { name, signs_up } => return self.channel(name, *signs_up),
            Act::SignUp { member, identities, facts } => return self.sign_up(*member, identities, facts),
            Act::Change { person, change } => {
                let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (Method::PATCH, format!("/v1/members/{}", escaped(&member)), Some(facts_named(change)))
            }
            Act::Program { json, terms, from } => {
                (self.exponent, self.ledger) = (terms.currency.exponent, store::certificate_ledger(terms.currency));
                return self.program(json, *from);
            }
            Act::Switch { on, from } => {
                let path = format!("/v1/programs/{}/switches", escaped(&self.program_called(PROGRAM)));
                (Method::POST, path, Some(json!({ "on": on, "at": from.map(|it| it.to_string()) })))
            }
            Act::Hold { person, program, points, minutes } => {
                let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                let program = self.program_called(program);
                let body = json!({ "program": program, "member": member, "points": points.get(), "minutes": minutes });
                (Method::POST, "/v1/holds".to_owned(), Some(body))
            }
            Act::Merge { .. } | Act::Unmerge { .. } => return self.merging(act),
            Act::Release { person, hold } => {
                if let Person::Nobody = person {
                    return Ok(Err(Rejection::UnknownMember));
                }
                (Method::DELETE, format!("/v1/holds/{}", self.hold_id(person, hold.0)?), None)
            }
            Act::AdjustCredit { person, currency, adjustment } => {
                let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                let currency = std::str::from_utf8(currency)?;
                let path = format!("/v1/members/{}/credit/{currency}/adjustments", escaped(&member));
                let amount = adjustment.amount.to_text(self.exponent);
                (Method::POST, path, Some(json!({ "amount": amount, "note": adjustment.note })))
            }
            Act::OnPoints { person, program, act } => match self.on_points(person, program, act)? {
                Some(request) => request,
                None => return Ok(Err(Rejection::UnknownMember)),
            },
            Act::SetTier { person, program, set, last_day } => {
                let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                self.tier_request(&member, program, set, *last_day)
            }
            Act::Adjust { person, program, adjustment } => {
                let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                let program = escaped(&self.program_called(program));
                let path = format!("/v1/members/{}/accounts/{program}/adjustments", escaped(&member));
                let expires_at = adjustment.expires_at.map(|it| it.to_string());
                let (points, note) = (adjustment.points.get(), &adjustment.note);
                (Method::POST, path, Some(json!({ "points": points, "note": note, "expires_at": expires_at })))
            }
        };
        let answer = match self.send(method, &path, body.as_ref())? {
            Ok(answer) => answer,
            Err(rejection) => return Ok(Err(rejection)),
        };
        Ok(Ok(match act {
            Act::Hold { .. } => Reply::Hold { hold: engine::HoldNo(number_of(self.read(&answer).text("id")?)?) },
            _ => Reply::Done,
        }))
    }

    fn quote(&mut self, inquiry: &Inquiry, now: Timestamp) -> Result<Result<Quote, Rejection>> {
        self.go_on_to(now);
        if let Person::Nobody = inquiry.person {
            return Ok(Err(Rejection::UnknownMember));
        }
        let order = self.document(&inquiry.person, &inquiry.document)?;
        let body = json!({ "channel": inquiry.channel, "reference": inquiry.reference, "order": order });
        let (status, answer) = self.client.send(Method::POST, "/v1/quotes", Some(&body), None)?;
        let read = self.read(&answer);
        if !status.is_success() {
            let rejection = read.rejection("order.").with_context(|| format!("a quote is answered {answer}"))?;
            return Ok(Err(rejection));
        }
        read.quote().map(Ok)
    }

    fn balance(&mut self, member: MemberNo, now: Timestamp) -> Result<Balance> {
        self.go_on_to(now);
        let account = self.get(&self.account(member)?)?;
        let read = self.read(&account);
        if read.time("at")? != now {
            bail!("the balance is of {}, not of {now}", read.text("at")?);
        }
        read.inner("balance")?.balance()
    }

    fn lots(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>> {
        self.go_on_to(now);
        let lots = self.get(&format!("{}/lots", self.account(member)?))?;
        self.read(&lots).list("data")?.map(|it| it.lot()).collect()
    }

    fn expiries(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>> {
        self.go_on_to(now);
        let expiries = self.get(&format!("{}/expiries", self.account(member)?))?;
        self.read(&expiries).list("data")?.map(|it| Ok((it.time("expires_at")?, it.points("points")?))).collect()
    }

    fn credit(&mut self, member: MemberNo, now: Timestamp) -> Result<Money> {
        self.go_on_to(now);
        let path = format!("/v1/members/{}/credit", self.id_of(member)?);
        let credit = self.get(&path)?;
        let read = self.read(&credit);
        let first = read.list("data")?.next();
        first.map_or(Ok(Money::ZERO), |it| it.money("available"))
    }

    fn certificates(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<Told>> {
        self.go_on_to(now);
        let path = format!("/v1/members/{}/certificates", self.id_of(member)?);
        let certificates = self.get(&path)?;
        self.read(&certificates).list("data")?.map(|it| certificates::told(&it)).collect()
    }

    fn bearers(&mut self, now: Timestamp) -> Result<Vec<Told>> {
        self.bearers_told(now)
    }

    fn claims(&mut self, member: MemberNo) -> Result<Vec<ClaimTold>> {
        let claims = self.get(&format!("{}/claims?limit={PAGE}", self.account(member)?))?;
        self.read(&claims).list("data")?.map(|it| it.claim()).collect()
    }

    fn catalogue(&mut self, person: &Person, now: Timestamp) -> Result<Result<Vec<RewardTold>, Rejection>> {
        self.go_on_to(now);
        self.offered(person)
    }

    fn stands(&mut self, member: MemberNo, now: Timestamp) -> Result<Option<Stands>> {
        self.go_on_to(now);
        let account = self.get(&self.account(member)?)?;
        self.read(&account).optional("tiers").map(|it| it.stands()).transpose()
    }

    fn entries(&mut self, member: MemberNo) -> Result<Vec<Entry>> {
        let path = format!("{}/entries?limit={PAGE}", self.account(member)?);
        let mut entries = Vec::new();
        let mut page = self.get(&path)?;
        loop {
            for it in self.read(&page).list("data")? {
                entries.push(it.entry()?);
            }
            match self.read(&page).optional("next").map(|it| it.value.to_string()) {
                Some(next) => page = self.get(&format!("{path}&after={}", next.trim_matches('"')))?,
                None => return self.with_merges(member, entries),
            }
        }
    }

    fn verify(&mut self) -> Result<Option<String>> {
        Ok(self.app.store().reader()?.verify(&mut |_| ())?.difference)
    }
}
