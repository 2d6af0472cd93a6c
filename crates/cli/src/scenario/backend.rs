//! What a scenario runs against: the engine alone, the store, or the API. All are told the same acts and asked the same
//! questions.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::tiers::Stands;
use anyhow::Result;
use engine::{
    Account, Actor, Adjustment, Answer, Balance, CreditAdjustment, Date, Document, Entry, Facts, HoldNo, Lot, Money,
    Points, Quote, Rejection, SetTier, Terms, Timestamp,
};

use super::acts::PointsAct;
use super::cards::CardStep;
use super::certificates::{self, CertificateAct, Told};
use super::rewards::{ClaimTold, RewardTold};

/// The one program and the first channel of a scenario.
pub(super) const PROGRAM: &str = "points";
pub(super) const CHANNEL: &str = "shop";
/// Who holds and adjusts: the first API key.
pub(super) const KEY: Actor = Actor::Key(1);

/// A member by the number in which they signed up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct MemberNo(pub(super) u32);

/// Whom an act names.
#[derive(Clone, Debug)]
pub(super) enum Person {
    Member(MemberNo),
    Identity(String),
    Nobody,
}

/// What of the facts about a member changes, and to what.
#[derive(Clone, Debug, Default)]
pub(super) struct FactsChange {
    pub(super) customer_type: Option<Option<String>>,
    pub(super) birthday: Option<Option<Date>>,
}

impl FactsChange {
    pub(super) fn apply(&self, facts: &mut Facts, at: Timestamp) {
        if let Some(customer_type) = &self.customer_type {
            facts.customer_type.clone_from(customer_type);
        }
        if let Some(birthday) = self.birthday.filter(|it| *it != facts.birthday) {
            (facts.birthday, facts.birthday_since) = (birthday, at);
        }
    }
}

/// When an act arrives.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) at: Timestamp,
    pub(super) import: bool,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Program {
        json: String,
        terms: Box<Terms>,
        from: Option<Timestamp>,
    },
    Switch {
        on: bool,
        from: Option<Timestamp>,
    },
    /// A new channel, or another answer of one that is there; left out, it is new and signs nobody up.
    Channel {
        name: String,
        signs_up: Option<bool>,
    },
    SignUp {
        member: MemberNo,
        identities: Vec<String>,
        facts: Facts,
    },
    /// What is known of a member changes; left out, it stays.
    Change {
        person: Person,
        change: FactsChange,
    },
    Order {
        person: Person,
        channel: String,
        reference: String,
        document: Arc<Document>,
        /// Whoever signs up with it.
        fresh: MemberNo,
    },
    /// Staff name the member of an order.
    Claim {
        person: Person,
        channel: String,
        reference: String,
        note: String,
    },
    /// A return of an order that is recorded.
    Return {
        channel: String,
        reference: String,
        order: OrderName,
        document: Arc<Document>,
    },
    Hold {
        person: Person,
        program: String,
        points: Points,
        minutes: Option<u32>,
    },
    Release {
        person: Person,
        hold: HoldNo,
    },
    Adjust {
        person: Person,
        program: String,
        adjustment: Adjustment,
    },
    AdjustCredit {
        person: Person,
        currency: [u8; 3],
        adjustment: CreditAdjustment,
    },
    OnCertificates {
        person: Person,
        program: String,
        act: CertificateAct,
    },
    /// What staff do to points, or members do beside buying.
    OnPoints {
        person: Person,
        program: String,
        act: PointsAct,
    },
    SetTier {
        person: Person,
        program: String,
        set: SetTier,
        /// The day that `until` is the end of.
        last_day: Option<Date>,
    },
    /// A card becomes a member's.
    AddCard {
        person: Person,
        number: String,
    },
    Card {
        number: String,
        step: CardStep,
    },
    /// Two members become one.
    Merge {
        other: Person,
        into: Person,
    },
    /// The last merge of a member is undone.
    Unmerge {
        person: Person,
    },
    Settle {
        member: MemberNo,
    },
}

impl Act {
    /// Whether the certificates of whom it names may come to be more.
    pub(super) fn gives_certificates(&self) -> bool {
        match self {
            Self::OnCertificates { act, .. } => act.is_issue(),
            Self::Order { document, .. } => {
                document.certificates.iter().flatten().any(|it| certificates::bearer_of(*it).is_some())
            }
            _ => false,
        }
    }
}

/// An order by its channel and reference.
pub(super) type OrderName = (String, String);

/// A cart to be worked out, or a change of an order that is known already.
#[derive(Clone, Debug)]
pub(super) struct Inquiry {
    pub(super) person: Person,
    pub(super) channel: String,
    pub(super) reference: Option<String>,
    pub(super) document: Arc<Document>,
}

#[derive(Clone, Debug)]
pub(super) enum Reply {
    Done,
    /// Of nobody while nobody has claimed it.
    Order {
        member: Option<MemberNo>,
        answer: Box<Answer>,
    },
    Hold {
        hold: HoldNo,
    },
}

/// What stands for a member in the entries of merges, whatever its id is.
pub(super) fn member_bytes(member: MemberNo) -> [u8; 16] {
    u128::from(member.0).to_be_bytes()
}

/// Done or refused; the outer error is a fault of the machinery.
pub(super) type Outcome = Result<Result<Reply, Rejection>>;

pub(super) trait Backend {
    fn name(&self) -> &'static str;

    fn submit(&mut self, act: &Act, arrival: Arrival) -> Outcome;

    fn quote(&mut self, inquiry: &Inquiry, now: Timestamp) -> Result<Result<Quote, Rejection>>;

    /// The balance at an instant, settled to it without saving.
    fn balance(&mut self, member: MemberNo, now: Timestamp) -> Result<Balance>;

    /// Every lot that is not empty, in the order in which they are spent and then those that wait: when it ends, and its points.
    fn lots(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>>;

    /// Every coming expiry: when points are gone, and how many.
    fn expiries(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<(Timestamp, Points)>>;

    /// The store credit that can be spent at an instant.
    fn credit(&mut self, member: MemberNo, now: Timestamp) -> Result<Money>;

    /// All certificates that a member has had.
    fn certificates(&mut self, member: MemberNo, now: Timestamp) -> Result<Vec<Told>>;

    /// All certificates that were made for nobody, in the order of that.
    fn bearers(&mut self, now: Timestamp) -> Result<Vec<Told>>;

    /// The rewards that a member has claimed.
    fn claims(&mut self, member: MemberNo) -> Result<Vec<ClaimTold>>;

    /// What of the catalogue somebody can have.
    fn catalogue(&mut self, person: &Person, now: Timestamp) -> Result<Result<Vec<RewardTold>, Rejection>>;

    /// Where a member stands; nothing where the program has no tiers.
    fn stands(&mut self, member: MemberNo, now: Timestamp) -> Result<Option<Stands>>;

    fn entries(&mut self, member: MemberNo) -> Result<Vec<Entry>>;

    /// Whether everything that is stored follows from the entries; if not, the first difference.
    fn verify(&mut self) -> Result<Option<String>>;
}

/// The lots of an account that are not empty, as they are shown.
pub(super) fn lots_of(account: &Account) -> Vec<(Timestamp, Points)> {
    let mut lots: Vec<&Lot> = account.lots().iter().filter(|it| !it.is_empty()).collect();
    let waits = |it: &Lot| (it.available + it.held).is_zero();
    lots.sort_by_key(|it| (waits(it).then(|| it.at.available_at.min(it.at.expires_at)), account.spend_key(it)));
    lots.into_iter().map(|it| (account.expires_at(it), it.pending + it.available + it.held)).collect()
}

/// The coming expiries of an account, lot by lot.
pub(super) fn expiries_of(account: &Account) -> Vec<(Timestamp, Points)> {
    let mut expiries = BTreeMap::<Timestamp, Points>::new();
    for lot in account.lots().iter().filter(|it| !it.is_empty()) {
        *expiries.entry(account.expires_at(lot)).or_default() += lot.pending + lot.available + lot.held;
    }
    expiries.remove(&Timestamp::NEVER);
    expiries.into_iter().collect()
}

/// An account rebuilt from its entries alone, without the rules.
pub(super) fn replay(entries: &[Entry]) -> Account {
    let mut account = Account::default();
    for entry in entries {
        account.post(entry);
    }
    account
}

/// Compares an account that is kept with what its entries come to.
pub(super) fn replay_differs(kept: &Account, entries: &[Entry]) -> Option<String> {
    let account = replay(entries);
    if account.balance != kept.balance {
        return Some(format!("entries come to {:?}, kept is {:?}", account.balance, kept.balance));
    }
    if account.lots() != kept.lots() {
        return Some("the lots that the entries open are not the lots that are kept".to_owned());
    }
    if account.acts != kept.acts {
        return Some("the member has not done what earns as often as the entries say".to_owned());
    }
    if account.claims() != kept.claims() {
        return Some("the rewards that were claimed are not those that the entries say".to_owned());
    }
    if account.extension != kept.extension {
        return Some("the lots are not extended as the entries say".to_owned());
    }
    if !kept.balance.is_conserved() {
        return Some(format!("points were made or lost: {:?}", kept.balance));
    }
    let impossible = kept.balance.owed.is_positive() && kept.balance.available.is_positive();
    impossible.then(|| "points are owed beside points that can be spent".to_owned())
}
