//! What several writers of one process have taken and not finished yet: what comes behind it in line.
//!
//! Two commands that name the same thing, a member by one of its keys, an order, an idempotency key, are carried out in the order
//! in which they came, as by one writer; and no two writers of this process wait for each other's rows inside the database. What
//! the keys do not tell, such as one member named in two ways, the locks there do. Bounded by the commands in flight.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use crate::card::CardAct;
use crate::certificate::CertificateRef;
use crate::command::{Body, Command, OrderName};
use crate::member::{Identity, MemberRef};

/// Something that a command names, as a number: two that are the same by chance wait for each other.
pub(crate) type Named = u64;

/// One of the writers of this process, by its number: it has one batch in flight at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Lane(pub(crate) usize);

/// What is in flight.
#[derive(Debug, Default)]
pub(crate) struct Flight {
    /// In whose batch.
    named: HashMap<Named, Lane>,
    pub(crate) batches: usize,
    pub(crate) commands: usize,
    /// One of them is a command that is alone.
    pub(crate) is_alone: bool,
    /// One of them holds background commands: those are carried out batch after batch, since one line of an import may name a
    /// member in another way than the line before.
    pub(crate) is_background: bool,
}

/// What one batch has put in flight.
#[derive(Debug, Default)]
pub(crate) struct Load {
    pub(crate) lane: Lane,
    pub(crate) named: Vec<Named>,
    pub(crate) commands: usize,
    /// So many of them are live.
    pub(crate) live: usize,
    pub(crate) is_alone: bool,
    pub(crate) is_background: bool,
}

impl Flight {
    /// Which lane the owners belong to that a command names: to the one that has any of them in flight, and else to whoever
    /// asks. Nothing else decides it: on a ledger that is spread over machines this is to answer with the shard of the owner.
    pub(crate) fn lane_of(&self, named: &[Named], asking: Lane) -> Lane {
        named.iter().find_map(|it| self.named.get(it).copied()).unwrap_or(asking)
    }

    pub(crate) fn take_off(&mut self, load: &Load) {
        self.named.extend(load.named.iter().map(|it| (*it, load.lane)));
        self.batches += 1;
        self.commands += load.commands;
        self.is_alone |= load.is_alone;
        self.is_background |= load.is_background;
    }

    /// No two batches in flight name the same.
    pub(crate) fn land(&mut self, load: &Load) {
        for it in &load.named {
            self.named.remove(it);
        }
        self.batches -= 1;
        self.commands -= load.commands;
        self.is_alone &= !load.is_alone;
        self.is_background &= !load.is_background;
    }
}

/// All that a command names.
pub(crate) fn named_by(command: &Command) -> Vec<Named> {
    let mut names = Names(Vec::with_capacity(4));
    if let Some(key) = &command.key {
        names.add(0, &[&key.0]);
    }
    match &command.body {
        Body::SignUp { id, identities, .. } => {
            names.add_id(&id.0);
            identities.iter().for_each(|it| names.add_identity(it));
        }
        Body::PutOrder { channel, member, reference, document, certificates } => {
            certificates.iter().flatten().for_each(|it| names.add_certificate(it));
            member.iter().for_each(|it| names.add_member(it));
            names.add(if document.is_return { 2 } else { 1 }, &[channel, reference]);
        }
        Body::PutReturn { channel, reference, order, .. } => {
            names.add(2, &[channel, reference]);
            names.add_order(order);
        }
        Body::ClaimOrder { order, member, .. } => {
            names.add_order(order);
            names.add_member(member);
        }
        Body::AddIdentity { member, identity } | Body::RemoveIdentity { member, identity } => {
            names.add_member(member);
            names.add_identity(identity);
        }
        Body::Card { card, act } => names.add_card_act(card, act),
        Body::Hold { member, .. }
        | Body::ReleaseHold { member, .. }
        | Body::Adjust { member, .. }
        | Body::AdjustCredit { member, .. }
        | Body::Withdraw { member, .. }
        | Body::IssueCertificates { member, .. }
        | Body::Collect { member, .. }
        | Body::ClaimReward { member, .. }
        | Body::EndClaim { member, .. }
        | Body::Redate { member, .. }
        | Body::Reinstate { member, .. }
        | Body::Act { member, .. }
        | Body::SetTier { member, .. }
        | Body::Close { member, .. }
        | Body::Join { member, .. }
        | Body::ChangeMember { member, .. } => names.add_member(member),
        Body::Settle { owner, .. } => names.add_id(&owner.0),
        Body::OpenLink { link: hash, .. }
        | Body::UseLink { link: hash, .. }
        | Body::OpenSession { session: hash, .. }
        | Body::EndSession { session: hash } => names.add_id(&hash.0),
        Body::CancelCertificate { certificate, .. } => names.add_certificate(certificate),
        Body::IssueBearers { .. } | Body::ForgetAnswers { .. } => {}
        // In a batch of their own, behind all that came before.
        Body::Merge { .. }
        | Body::Unmerge { .. }
        | Body::Erase { .. }
        | Body::CreateProgram { .. }
        | Body::AddVersion { .. }
        | Body::SwitchProgram { .. }
        | Body::AddChannel { .. }
        | Body::ChangeChannel { .. }
        | Body::AddKey { .. }
        | Body::RevokeKey { .. } => {}
    }
    names.0
}

struct Names(Vec<Named>);

impl Names {
    fn add(&mut self, kind: u8, texts: &[&str]) {
        let mut hasher = DefaultHasher::new();
        (kind, texts).hash(&mut hasher);
        self.0.push(hasher.finish());
    }

    fn add_id(&mut self, id: &[u8]) {
        let mut hasher = DefaultHasher::new();
        (3_u8, id).hash(&mut hasher);
        self.0.push(hasher.finish());
    }

    fn add_member(&mut self, member: &MemberRef) {
        match member {
            MemberRef::Id(id) => self.add_id(&id.0),
            MemberRef::Identity(identity) => self.add_identity(identity),
        }
    }

    fn add_identity(&mut self, identity: &Identity) {
        let Identity { kind, value } = identity.normalised();
        self.add(4 + kind.number(), &[&value]);
    }

    fn add_card(&mut self, number: &str) {
        self.add_identity(&Identity::new(crate::member::IdentityKind::Card, number));
    }

    /// Until somebody uses it, it may be anybody's.
    fn add_certificate(&mut self, certificate: &CertificateRef) {
        match certificate {
            CertificateRef::Code(hash) => self.add_id(&hash.0),
            CertificateRef::Numbered { owner, .. } => self.add_id(&owner.0),
            CertificateRef::NoCode => {}
        }
    }

    fn add_card_act(&mut self, card: &str, act: &CardAct) {
        self.add_card(card);
        match act {
            CardAct::Add { member, .. } => self.add_member(member),
            CardAct::Replace { by, .. } => self.add_card(by),
            CardAct::Change(_) | CardAct::Remove => {}
        }
    }

    fn add_order(&mut self, order: &OrderName) {
        self.add(1, &[&order.channel, &order.reference]);
    }
}
