//! The store: a real database in a folder of its own, driven through the same commands as live traffic, with a clock
//! that tells the time of the step. Bounded by what one file writes; the folder goes with the backend.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context as _, Result, bail};
use engine::{
    Actor, Balance, Entry, EntryNo, LotNo, Moment, Money, Placed as _, Points, Quote, Reason, Rejection, Timestamp,
};
use store::{
    Address, Body, CertificateRef, ChannelId, Command, Failure, Identity, Key, MemberChange, MemberId, MemberRef,
    OrderName, ProgramId, ReturnedPart, Store, Time,
};

use super::backend::{
    Act, Arrival, Backend, CHANNEL, FactsChange, Inquiry, KEY, MemberNo, Outcome, PROGRAM, Person, Reply, member_bytes,
};
use super::cards;
use super::certificates::{Told, bearer_of, bearer_told};
use super::folder::Place;
use super::rewards::{ClaimTold, RewardTold};
use super::tiers::Stands;

/// The number of the only program.
const PROGRAM_NO: u32 = 1;

pub(super) struct StoreBackend {
    /// Before the folder, so that it is closed when the folder goes.
    store: Store,
    clock: Arc<AtomicI64>,
    keys: u64,
    begun: bool,
    members: Vec<(MemberNo, MemberId)>,
    channels: Vec<String>,
    /// Owners of certificates that were made for nobody.
    bearers: Vec<MemberId>,
    place: Place,
}

impl StoreBackend {
    pub(super) fn new(server: Option<&Address>) -> Result<Self> {
        let place = Place::new(server)?;
        let clock = Arc::new(AtomicI64::new(0));
        let told = Arc::clone(&clock);
        let tell = move || Timestamp::from_micros(told.load(Ordering::Relaxed));
        let mut options = place.options();
        options.clock = Some(Arc::new(tell));
        let store = Store::open(&place.database(), options)?;
        let (members, channels) = (Vec::new(), vec![CHANNEL.to_owned()]);
        Ok(Self { store, clock, keys: 0, begun: false, members, channels, bearers: Vec::new(), place })
    }

    fn send(&mut self, actor: Actor, arrival: Arrival, body: Body) -> Result<Result<store::Reply, Rejection>> {
        self.clock.fetch_max(arrival.at.micros(), Ordering::Relaxed);
        self.keys += 1;
        let needs_key = !matches!(
            body,
            Body::PutOrder { .. }
                | Body::PutReturn { .. }
                | Body::ReleaseHold { .. }
                | Body::CancelCertificate { .. }
                | Body::Settle { .. }
        );
        let key = needs_key.then(|| Key(format!("step-{}", self.keys)));
        let time = if arrival.import { Time::Import(arrival.at) } else { Time::Live };
        match self.store.submit(Command { key, actor, time, seed: self.keys, body }).wait() {
            Ok(reply) => Ok(Ok(reply)),
            Err(Failure::Rejected(rejection)) => Ok(Err(rejection)),
            Err(failure) => Err(failure.into()),
        }
    }

    /// The first version makes the program and its channel.
    fn program(&mut self, json: &str, from: Option<Timestamp>, arrival: Arrival) -> Outcome {
        let (name, program, document) = (PROGRAM.to_owned(), PROGRAM.to_owned(), json.to_owned());
        if self.begun {
            let body = Body::AddVersion { program, document, effective_at: from };
            return Ok(self.send(Actor::Staff(0), arrival, body)?.map(|_| Reply::Done));
        }
        let effective_at = from.unwrap_or(arrival.at);
        let id = ProgramId::derived(effective_at, name.as_bytes());
        let body = Body::CreateProgram { id, name, document, effective_at: Some(effective_at) };
        let made = self.send(Actor::Staff(0), arrival, body)?;
        if let Err(rejection) = made {
            return Ok(Err(rejection));
        }
        self.begun = true;
        let id = ChannelId::derived(effective_at, CHANNEL.as_bytes());
        let channel = Body::AddChannel { id, name: CHANNEL.to_owned(), program, signs_up: false };
        Ok(self.send(Actor::Staff(0), arrival, channel)?.map(|_| Reply::Done))
    }

    /// An act on what all members share, or on who they are.
    fn arrange(&mut self, act: &Act, arrival: Arrival) -> Result<(Actor, Body)> {
        let staff = Actor::Staff(0);
        Ok(match act {
            Act::Switch { on, from } => {
                (staff, Body::SwitchProgram { program: PROGRAM.to_owned(), on: *on, at: *from })
            }
            Act::Channel { name, signs_up: Some(signs_up) } if self.channels.contains(name) => {
                (staff, Body::ChangeChannel { channel: name.clone(), signs_up: *signs_up })
            }
            Act::Channel { name, signs_up } => {
                self.channels.push(name.clone());
                let id = ChannelId::derived(arrival.at, name.as_bytes());
                let (program, signs_up) = (PROGRAM.to_owned(), signs_up.unwrap_or(false));
                (staff, Body::AddChannel { id, name: name.clone(), program, signs_up })
            }
            Act::SignUp { member, identities, facts } => {
                self.members.push((*member, made_of(*member)));
                let identities = identities.iter().map(|it| identity(it)).collect::<Result<_>>()?;
                (KEY, Body::SignUp { id: made_of(*member), name: None, identities, facts: facts.clone() })
            }
            _ => bail!("this is about a member"),
        })
    }

    fn give_back(&self, act: &Act, arrival: Arrival) -> Result<(Actor, Body)> {
        let Act::Return { channel, reference, order, document } = act else { bail!("this is no return") };
        let actor = if arrival.import { Actor::Import } else { Actor::Channel(self.channel_no(channel)) };
        let returned = Box::new(ReturnedPart {
            version: document.version,
            returned_at: document.placed_at,
            lines: document.returns.clone(),
            refunded: document.refunded,
        });
        let (channel, reference, currency) = (channel.clone(), reference.clone(), document.currency);
        let order = OrderName { channel: order.0.clone(), reference: order.1.clone() };
        Ok((actor, Body::PutReturn { channel, reference, order, currency, returned }))
    }

    fn channel_no(&self, name: &str) -> u32 {
        let index = self.channels.iter().position(|it| it == name).unwrap_or(0);
        u32::try_from(index + 1).unwrap_or(u32::MAX)
    }

    fn id_of(&self, member: MemberNo) -> MemberId {
        self.members.iter().find(|it| it.0 == member).map_or_else(|| made_of(member), |it| it.1)
    }

    fn reference_of(&self, person: &Person) -> Result<Option<MemberRef>> {
        Ok(match person {
            Person::Member(member) => Some(MemberRef::Id(self.id_of(*member))),
            Person::Identity(identity) => Some(identity.parse()?),
            Person::Nobody => None,
        })
    }

    /// Keeps the ids of who and what is new.
    fn remember(&mut self, act: &Act, reply: &store::Reply) {
        match (act, reply) {
            (Act::Order { fresh, .. }, store::Reply::Order { member: Some(id), .. })
                if self.members.iter().all(|it| it.1 != *id) =>
            {
                self.members.push((*fresh, *id));
            }
            (_, store::Reply::Bearers { owners }) => self.bearers.extend(owners),
            _ => {}
        }
    }

    fn told(&self, reply: store::Reply) -> Result<Reply> {
        Ok(match reply {
            store::Reply::Order { member, answer, .. } => {
                let member = member.map(|it| self.number_of(it)).transpose()?;
                Reply::Order { member, answer }
            }
            store::Reply::Hold { hold, .. } => Reply::Hold { hold },
            store::Reply::Member { .. }
            | store::Reply::Adjusted { .. }
            | store::Reply::Credit { .. }
            | store::Reply::Certificates { .. }
            | store::Reply::Bearers { .. }
            | store::Reply::Cancelled { .. }
            | store::Reply::Redated { .. }
            | store::Reply::Standing { .. }
            | store::Reply::Withdrawn { .. }
            | store::Reply::Claim { .. }
            | store::Reply::Settled { .. }
            | store::Reply::Forgotten { .. }
            | store::Reply::Program { .. }
            | store::Reply::Channel { .. }
            | store::Reply::Key { .. }
            | store::Reply::Done => Reply::Done,
        })
    }

    /// What gives or cancels certificates; nothing where nobody knows whose.
    fn on_certificates(&self, act: &Act) -> Result<Option<Body>> {
        let Act::OnCertificates { person, program, act } = act else { bail!("this is about no certificates") };
        if let Person::Nobody = person {
            return act.bearer_body(program.clone(), |no| self.bearer(no)).map(Some);
        }
        let Some(member) = self.reference_of(person)? else { return Ok(None) };
        let Some(home) = self.store.reader()?.find(&member)? else { return Ok(None) };
        Ok(Some(act.body(program.clone(), (member, home), self.ledger()?)))
    }

    /// One that was made for nobody, by its code.
    fn bearer(&self, no: LotNo) -> Result<CertificateRef> {
        let owner = usize::try_from(no.within()).ok().and_then(|it| self.bearers.get(it.checked_sub(1)?));
        let Some(owner) = owner else { return Ok(CertificateRef::NoCode) };
        let named = CertificateRef::Numbered { owner: *owner, ledger: self.ledger()?, number: LotNo(1) };
        let found = self.store.reader()?.find_certificate(&named, Timestamp::from_micros(0))?;
        let code = self.store.code(&found.context("it was made")?)?;
        Ok(self.store.certificate(&code.context("each has a code")?)?)
    }

    /// What staff do with certificates and cards; nothing where nobody knows whose.
    fn by_hand(&self, act: &Act) -> Result<Option<Body>> {
        Ok(match act {
            Act::OnCertificates { .. } => self.on_certificates(act)?,
            Act::AddCard { person, number } => {
                let member = self.reference_of(person)?;
                member.map(|it| Body::Card { card: number.clone(), act: cards::added(it) })
            }
            Act::Card { number, step } => Some(Body::Card { card: number.clone(), act: step.act() }),
            _ => bail!("this is about no card"),
        })
    }

    /// The number of the certificates' ledger, which follows from the currency.
    fn ledger(&self) -> Result<u32> {
        let reader = self.store.reader()?;
        let programs = reader.programs()?;
        let last = programs.first().and_then(|it| it.timeline.versions().last().cloned());
        Ok(store::certificate_ledger(last.context("there is a program")?.terms.currency))
    }

    fn member_named(&self, person: &Person) -> Option<MemberNo> {
        match person {
            Person::Member(member) => Some(*member),
            Person::Identity(identity) => {
                let found = self.store.reader().ok()?.find(&identity.parse().ok()?).ok()??;
                self.number_of(found).ok()
            }
            Person::Nobody => None,
        }
    }

    /// The certificates that a document asks for: by their codes, as a till would read them; what nobody has by its number.
    fn named(&self, person: &Person, document: &engine::Document) -> Result<Option<Vec<CertificateRef>>> {
        let Some(numbers) = &document.certificates else { return Ok(None) };
        let member = self.member_named(person).map(|it| self.home(it)).transpose()?;
        if member.is_none() && numbers.iter().all(|it| bearer_of(*it).is_none()) {
            return Ok(Some(Vec::new()));
        }
        let owner = member.unwrap_or(made_of(MemberNo(u32::MAX)));
        let known = self.store.reader()?.certificates(owner, Timestamp::from_micros(0))?;
        let ledger = self.ledger()?;
        let named = |number: &LotNo| match known.iter().find(|it| it.lot.at.no == *number) {
            _ if bearer_of(*number).is_some() => self.bearer(*number),
            Some(it) => match self.store.code(it)? {
                Some(code) => Ok(self.store.certificate(&code)?),
                None => Ok(CertificateRef::Numbered { owner, ledger, number: *number }),
            },
            None => Ok(CertificateRef::Numbered { owner, ledger, number: *number }),
        };
        numbers.iter().map(named).collect::<Result<_>>().map(Some)
    }

    /// What merges, or undoes it. Nobody is somebody whom nobody knows.
    fn merging(&self, act: &Act) -> Result<Body> {
        let known = |person: &Person| {
            let named = self.reference_of(person)?;
            Ok::<_, anyhow::Error>(named.unwrap_or_else(|| MemberRef::Id(made_of(MemberNo(u32::MAX)))))
        };
        Ok(match act {
            Act::Merge { other, into } => Body::Merge { member: known(into)?, other: known(other)? },
            Act::Unmerge { person } => Body::Unmerge { member: known(person)? },
            _ => bail!("this is no merge"),
        })
    }

    /// Who a member is now.
    fn home(&self, member: MemberNo) -> Result<MemberId> {
        let found = self.store.reader()?.find(&MemberRef::Id(self.id_of(member)))?;
        Ok(found.unwrap_or_else(|| self.id_of(member)))
    }

    fn number_of(&self, id: MemberId) -> Result<MemberNo> {
        let found = self.members.iter().find(|it| it.1 == id).map(|it| it.0);
        found.with_context(|| format!("the store answers with {id}, whom nobody signed up"))
    }
}

impl Backend for StoreBackend {
    fn name(&self) -> &'static str {
        if self.place.is_server() { "store on PostgreSQL" } else { "store" }
    }

    fn submit(&mut self, act: &Act, arrival: Arrival) -> Outcome {
        let (actor, body) = match act {
            Act::Program { json, from, .. } => return self.program(json, *from, arrival),
            Act::Switch { .. } | Act::Channel { .. } | Act::SignUp { .. } => self.arrange(act, arrival)?,
            Act::Change { person, change } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (KEY, Body::ChangeMember { member, change: by_staff(change) })
            }
            Act::Order { person, channel, reference, document, .. } => {
                let member = self.reference_of(person)?;
                let actor = if arrival.import { Actor::Import } else { Actor::Channel(self.channel_no(channel)) };
                let (channel, reference) = (channel.clone(), reference.clone());
                let certificates = self.named(person, document)?;
                // Certificates are named as whoever shows their codes would.
                let document = Arc::new(engine::Document { certificates: None, ..document.as_ref().clone() });
                (actor, Body::PutOrder { channel, member, reference, document, certificates })
            }
            Act::Claim { person, channel, reference, note } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                let order = OrderName { channel: channel.clone(), reference: reference.clone() };
                (KEY, Body::ClaimOrder { order, member, note: note.clone() })
            }
            Act::Return { .. } => self.give_back(act, arrival)?,
            Act::Hold { person, program, points, minutes } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (KEY, Body::Hold { program: program.clone(), member, points: *points, minutes: *minutes })
            }
            Act::Release { person, hold } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (KEY, Body::ReleaseHold { program: PROGRAM.to_owned(), member, hold: *hold })
            }
            Act::Adjust { person, program, adjustment } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (
                    KEY,
                    Body::Adjust { program: program.clone(), member, adjustment: adjustment.clone(), reference: None },
                )
            }
            Act::AdjustCredit { person, currency, adjustment } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                let (currency, adjustment) = (*currency, adjustment.clone());
                (KEY, Body::AdjustCredit { currency, member, adjustment, reference: None })
            }
            Act::OnCertificates { .. } | Act::AddCard { .. } | Act::Card { .. } => match self.by_hand(act)? {
                Some(body) => (KEY, body),
                None => return Ok(Err(Rejection::UnknownMember)),
            },
            Act::OnPoints { person, program, act } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (KEY, act.body(program.clone(), member))
            }
            Act::SetTier { person, program, set, .. } => {
                let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
                (KEY, Body::SetTier { program: program.clone(), member, set: set.clone() })
            }
            Act::Merge { .. } | Act::Unmerge { .. } => (KEY, self.merging(act)?),
            Act::Settle { member } => (Actor::System, Body::Settle { owner: self.id_of(*member), program: PROGRAM_NO }),
        };
        let reply = match self.send(actor, arrival, body)? {
            Ok(reply) => reply,
            Err(rejection) => return Ok(Err(rejection)),
        };
        self.remember(act, &reply);
        self.told(reply).map(Ok)
    }

    fn quote(&mut self, inquiry: &Inquiry, now: Timestamp) -> Result<Result<Quote, Rejection>> {
        let Some(member) = self.reference_of(&inquiry.person)? else { return Ok(Err(Rejection::UnknownMember)) };
        let moment = Moment { now, actor: Actor::Channel(self.channel_no(&inquiry.channel)), import: false };
        let reference = inquiry.reference.as_deref();
        let certificates = self.named(&inquiry.person, &inquiry.document)?;
        let document = engine::Document { certificates: None, ..inquiry.document.as_ref().clone() };
        let asked = (&document, certificates.as_deref());
        match self.store.reader()?.quote(&inquiry.channel, &member, reference, asked, moment) {
            Ok(quote) => Ok(Ok(quote)),
            Err(Failure::Rejected(rejection)) => Ok(Err(rejection)),
            Err(failure) => Err(failure.into()),
        }
    }

    fn balance(&mut self, member: MemberNo, now: Timestamp) -> Result<Balance> {
        Ok(self.store.reader()?.balance(self.home(member)?, PROGRAM_NO, now)?)
    }

    fn lots(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>> {
        let lots = self.store.reader()?.standing(self.home(member)?, PROGRAM_NO, now, usize::MAX)?.lots;
        Ok(lots.iter().map(|it| (it.at.expires_at, it.pending + it.available + it.held)).collect())
    }

    fn expiries(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>> {
        Ok(self.store.reader()?.standing(self.home(member)?, PROGRAM_NO, now, 1)?.expiries)
    }

    fn credit(&mut self, member: MemberNo, now: Timestamp) -> Result<Money> {
        let credit = self.store.reader()?.credit(self.home(member)?, now)?;
        Ok(credit.first().map_or(Money::ZERO, |it| Money::new(it.account.balance.available.get())))
    }

    fn certificates(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<Told>> {
        Ok(self.store.reader()?.certificates(self.home(member)?, now)?.iter().map(Told::of).collect())
    }

    fn bearers(&mut self, now: Timestamp) -> Result<Vec<Told>> {
        let found = self.store.reader()?.bearers(None, usize::MAX >> 1, now)?;
        let told = |(index, owner): (usize, &MemberId)| {
            let it = found.iter().find(|it| it.owner == *owner).context("it was made")?;
            Ok(bearer_told(index, &it.certificate.lot, !it.certificate.is_bearer()))
        };
        self.bearers.iter().enumerate().map(told).collect()
    }

    fn claims(&mut self, member: MemberNo) -> Result<Vec<ClaimTold>> {
        let claims = self.store.reader()?.claims_before(self.home(member)?, PROGRAM_NO, None, usize::MAX >> 1)?;
        Ok(claims.iter().map(|it| ClaimTold::of(&it.claim, it.is_undone)).collect())
    }

    fn catalogue(&mut self, person: &Person, now: Timestamp) -> Result<Result<Vec<RewardTold>, Rejection>> {
        let Some(member) = self.reference_of(person)? else { return Ok(Err(Rejection::UnknownMember)) };
        let moment = Moment { now, actor: KEY, import: false };
        match self.store.reader()?.catalogue(&member, PROGRAM_NO, moment) {
            Ok(offered) => Ok(Ok(offered.iter().map(RewardTold::of).collect())),
            Err(Failure::Rejected(rejection)) => Ok(Err(rejection)),
            Err(failure) => Err(failure.into()),
        }
    }

    fn stands(&mut self, member: MemberNo, now: Timestamp) -> Result<Option<Stands>> {
        let reader = self.store.reader()?;
        let progress = reader.standing(self.home(member)?, PROGRAM_NO, now, 1)?.progress;
        let rules = reader.rules(self.home(member)?, PROGRAM_NO)?;
        let terms = rules.rules().timeline.at(now).map(|it| &it.terms);
        Ok(progress.zip(terms).map(|(progress, terms)| Stands::of(&progress, terms)))
    }

    fn entries(&mut self, member: MemberNo) -> Result<Vec<Entry>> {
        let member = self.home(member)?;
        let mut entries = self.store.reader()?.entries(member, PROGRAM_NO, EntryNo(0), usize::MAX >> 1)?;
        for entry in &mut entries {
            if let Reason::Merged { other } = &mut entry.reason {
                *other = member_bytes(self.number_of(MemberId(*other))?);
            }
        }
        Ok(entries)
    }

    fn verify(&mut self) -> Result<Option<String>> {
        Ok(self.store.reader()?.verify(&mut |_| ())?.difference)
    }
}

/// An id that follows from the number alone.
fn made_of(member: MemberNo) -> MemberId {
    MemberId::derived(Timestamp::from_micros(0), &member.0.to_be_bytes())
}

fn identity(text: &str) -> Result<Identity> {
    match text.parse()? {
        MemberRef::Identity(identity) => Ok(identity),
        MemberRef::Id(id) => bail!("{id} is an id, not an identity"),
    }
}

fn by_staff(change: &FactsChange) -> MemberChange {
    let FactsChange { customer_type, birthday } = change.clone();
    MemberChange { customer_type, birthday, ..MemberChange::default() }
}
