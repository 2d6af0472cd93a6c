//! What can be asked of the store, and what it answers.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use engine::{
    Actor, Adjustment, Answer, Balance, ClaimNo, Closed, Closing, CreditAdjustment, Document, DocumentVersion, EntryNo,
    Facts, HoldNo, LotNo, Money, OrderNo, Points, Redating, Reinstatement, Rejection, Return, RewardClaim, SetTier,
    Timestamp,
};
use tokio::sync::oneshot;

use crate::card::CardAct;
use crate::certificate::{CertificateRef, NewCertificates};
use crate::error::StoreError;
use crate::id::{ChannelId, MemberId, ProgramId};
use crate::key::{Scopes, SecretHash};
use crate::member::{Identity, MemberChange, MemberRef};

/// One thing to do, with all that decides about it.
#[derive(Clone, Debug)]
pub struct Command {
    /// Required where sending twice and meaning twice must be told apart: not for what says how something is to be.
    pub key: Option<Key>,
    pub actor: Actor,
    pub time: Time,
    /// Drawn at the door; codes are derived from it.
    pub seed: u64,
    pub body: Body,
}

/// An idempotency key: the same key again is answered as it was the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(pub String);

/// What gives the ledger time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Time {
    /// The store's clock, read once per batch.
    Live,
    /// History: the instant of the imported line; dates may lie as far back as they like. Such commands are background
    /// work: live ones go first.
    Import(Timestamp),
}

/// An order by the channel where it was placed and that channel's name for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderName {
    pub channel: String,
    pub reference: String,
}

/// What a return says beside its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReturnedPart {
    pub version: DocumentVersion,
    pub returned_at: Timestamp,
    pub lines: Vec<Return>,
    pub refunded: Money,
}

/// A ledger of a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ledger {
    /// Points in a program.
    Points(String),
    /// Store credit in a currency.
    Credit([u8; 3]),
    /// Certificates in a currency.
    Certificates([u8; 3]),
}

impl ReturnedPart {
    pub(crate) fn of(self, channel: u32, reference: &str) -> engine::Returned {
        let Self { version, returned_at, lines, refunded } = self;
        engine::Returned { channel, reference: reference.to_owned(), version, returned_at, lines, refunded }
    }
}

#[derive(Clone, Debug)]
pub enum Body {
    /// Identities that all lead to one member are answered with that member, and nothing is added to it.
    SignUp {
        id: MemberId,
        name: Option<String>,
        identities: Vec<Identity>,
        facts: Facts,
    },
    /// The order as it is now. Without a member it is kept until somebody claims it.
    PutOrder {
        channel: String,
        member: Option<MemberRef>,
        reference: String,
        document: Arc<Document>,
        /// The certificates that it asks for, if it says so.
        certificates: Option<Vec<CertificateRef>>,
    },
    /// A return of an order that is recorded. One that names no order is a `PutOrder` with a document that says so.
    PutReturn {
        /// The channel that took it, and its own name for it.
        channel: String,
        reference: String,
        order: OrderName,
        currency: [u8; 3],
        returned: Box<ReturnedPart>,
    },
    /// Staff name the member of an order that has none.
    ClaimOrder {
        order: OrderName,
        member: MemberRef,
        note: String,
    },
    Hold {
        program: String,
        member: MemberRef,
        points: Points,
        minutes: Option<u32>,
    },
    ReleaseHold {
        program: String,
        member: MemberRef,
        hold: HoldNo,
    },
    /// A permanent reference is adjusted once, for ever.
    Adjust {
        program: String,
        member: MemberRef,
        adjustment: Adjustment,
        reference: Option<String>,
    },
    /// Store credit, in a currency that some program has.
    AdjustCredit {
        currency: [u8; 3],
        member: MemberRef,
        adjustment: CreditAdjustment,
        /// A permanent reference: under it, one happens once, for ever.
        reference: Option<String>,
    },
    /// Takes back what is left of points or credit that were added under a permanent reference.
    Withdraw {
        from: Ledger,
        member: MemberRef,
        reference: String,
        note: String,
    },
    /// Staff give certificates to a member, in the currency of a program.
    IssueCertificates {
        program: String,
        member: MemberRef,
        new: NewCertificates,
        reference: Option<String>,
    },
    /// The same that belong to nobody until somebody uses them: each has a ledger of its own.
    IssueBearers {
        program: String,
        new: NewCertificates,
    },
    /// Cancelling one that was cancelled changes nothing.
    CancelCertificate {
        certificate: CertificateRef,
        note: String,
    },
    /// Staff hand out the rewards that a member has reached.
    Collect {
        program: String,
        member: MemberRef,
        note: String,
    },
    /// A member takes a reward of the catalogue for its points.
    ClaimReward {
        program: String,
        member: MemberRef,
        reward: String,
    },
    /// Staff hand a claimed reward over, or cancel the claim. To do so again changes nothing.
    EndClaim {
        program: String,
        member: MemberRef,
        claim: ClaimNo,
        cancels: bool,
        note: String,
    },
    /// Moves the dates of points that are there.
    Redate {
        program: String,
        member: MemberRef,
        redating: Redating,
    },
    /// Gives back points that have expired.
    Reinstate {
        program: String,
        member: MemberRef,
        reinstatement: Reinstatement,
    },
    /// An act with a name of the shop's own. Under a permanent reference it earns once, for ever.
    Act {
        program: String,
        member: MemberRef,
        name: String,
        reference: Option<String>,
    },
    /// Staff give a member a tier, or none.
    SetTier {
        program: String,
        member: MemberRef,
        set: SetTier,
    },
    /// A member leaves a program. One that has left stays as it is.
    Close {
        program: String,
        member: MemberRef,
        closing: Closing,
    },
    /// A member comes into a program, or back. One that is in it stays as it is.
    Join {
        program: String,
        member: MemberRef,
        note: String,
    },
    /// All that `other` has comes to `member`, who is found by the identities of both from then on.
    Merge {
        member: MemberRef,
        other: MemberRef,
    },
    /// The last merge of a member is undone.
    Unmerge {
        member: MemberRef,
    },
    /// Posts what has fallen due: the sweeper's.
    Settle {
        owner: MemberId,
        program: u32,
    },
    /// Deletes answers from before an instant, in a slice of those behind a key: the sweeper's.
    ForgetAnswers {
        after: Option<[u8; 16]>,
        before: Timestamp,
    },
    /// What is known of the member changes. Orders that are recorded keep what they were recorded under.
    ChangeMember {
        member: MemberRef,
        change: MemberChange,
    },
    /// What the member has already changes nothing; what somebody else has is refused.
    AddIdentity {
        member: MemberRef,
        identity: Identity,
    },
    /// What nobody has changes nothing; what somebody else has is refused. A member without identities is still found by
    /// its id.
    RemoveIdentity {
        member: MemberRef,
        identity: Identity,
    },
    /// Something is done with the card of a number (M2).
    Card {
        card: String,
        act: CardAct,
    },
    /// What is known of a person goes, and what finds them (M4).
    Erase {
        member: MemberRef,
        /// Only whoever has done nothing but be brought over.
        only_unused: bool,
    },
    /// A link that opens one session.
    OpenLink {
        link: SecretHash,
        expires_at: Timestamp,
    },
    /// Ends the link and opens a session; a link that is not there, was used or has expired fails.
    UseLink {
        link: SecretHash,
        session: SecretHash,
        expires_at: Timestamp,
    },
    /// For who has shown an API key, whose number it is; the session ends with the key.
    OpenSession {
        session: SecretHash,
        key: Option<u32>,
        expires_at: Timestamp,
    },
    /// Ending one that has ended changes nothing.
    EndSession {
        session: SecretHash,
    },
    /// Takes effect now if no time is given. Programs and channels are named by their name or by their id, wherever a
    /// command names one.
    CreateProgram {
        id: ProgramId,
        name: String,
        document: String,
        effective_at: Option<Timestamp>,
    },
    /// Takes effect now if no time is given; in the past only while the program has no entries.
    AddVersion {
        program: String,
        document: String,
        effective_at: Option<Timestamp>,
    },
    SwitchProgram {
        program: String,
        on: bool,
        at: Option<Timestamp>,
    },
    AddChannel {
        id: ChannelId,
        name: String,
        program: String,
        /// Whether the first document of an order signs up whom it names by an identity that nobody has.
        signs_up: bool,
    },
    /// From now on.
    ChangeChannel {
        channel: String,
        signs_up: bool,
    },
    /// Sent again under one idempotency key it is answered with the first one's number: the secret then is the first's.
    AddKey {
        name: String,
        hash: SecretHash,
        /// The last characters of the secret.
        hint: String,
        scopes: Scopes,
    },
    /// Revoking one that was revoked changes nothing.
    RevokeKey {
        number: u32,
    },
}

impl Body {
    /// Whether it changes what all other commands read; such a command is a batch of its own.
    pub(crate) fn is_reference(&self) -> bool {
        match self {
            Self::CreateProgram { .. }
            | Self::AddVersion { .. }
            | Self::SwitchProgram { .. }
            | Self::AddChannel { .. }
            | Self::ChangeChannel { .. }
            | Self::AddKey { .. }
            | Self::RevokeKey { .. } => true,
            Self::SignUp { .. }
            | Self::PutOrder { .. }
            | Self::PutReturn { .. }
            | Self::ClaimOrder { .. }
            | Self::Hold { .. }
            | Self::ReleaseHold { .. }
            | Self::Adjust { .. }
            | Self::AdjustCredit { .. }
            | Self::IssueCertificates { .. }
            | Self::IssueBearers { .. }
            | Self::CancelCertificate { .. }
            | Self::Withdraw { .. }
            | Self::Collect { .. }
            | Self::ClaimReward { .. }
            | Self::EndClaim { .. }
            | Self::Redate { .. }
            | Self::Reinstate { .. }
            | Self::Act { .. }
            | Self::SetTier { .. }
            | Self::Close { .. }
            | Self::Join { .. }
            | Self::Merge { .. }
            | Self::Unmerge { .. }
            | Self::Settle { .. }
            | Self::ForgetAnswers { .. }
            | Self::ChangeMember { .. }
            | Self::AddIdentity { .. }
            | Self::RemoveIdentity { .. }
            | Self::Card { .. }
            | Self::Erase { .. }
            | Self::OpenLink { .. }
            | Self::UseLink { .. }
            | Self::OpenSession { .. }
            | Self::EndSession { .. } => false,
        }
    }

    /// Whether it is a batch of its own.
    pub(crate) fn is_alone(&self) -> bool {
        self.is_reference() || matches!(self, Self::Merge { .. } | Self::Unmerge { .. } | Self::Erase { .. })
    }

    /// Whether sending it twice must be told from meaning it twice.
    pub(crate) fn needs_key(&self) -> bool {
        match self {
            Self::SignUp { .. }
            | Self::ClaimOrder { .. }
            | Self::Hold { .. }
            | Self::Adjust { .. }
            | Self::AdjustCredit { .. }
            | Self::IssueCertificates { .. }
            | Self::IssueBearers { .. }
            | Self::Withdraw { .. }
            | Self::Collect { .. }
            | Self::ClaimReward { .. }
            | Self::Redate { .. }
            | Self::Reinstate { .. }
            | Self::Act { .. }
            | Self::SetTier { .. }
            | Self::Close { .. }
            | Self::Join { .. }
            | Self::Merge { .. }
            | Self::Unmerge { .. }
            | Self::CreateProgram { .. }
            | Self::AddVersion { .. }
            | Self::SwitchProgram { .. }
            | Self::AddChannel { .. }
            | Self::AddKey { .. } => true,
            Self::PutOrder { .. }
            | Self::PutReturn { .. }
            | Self::ChangeChannel { .. }
            | Self::ReleaseHold { .. }
            | Self::CancelCertificate { .. }
            | Self::EndClaim { .. }
            | Self::Settle { .. }
            | Self::ForgetAnswers { .. }
            | Self::ChangeMember { .. }
            | Self::AddIdentity { .. }
            | Self::RemoveIdentity { .. }
            | Self::Card { .. }
            | Self::Erase { .. }
            | Self::OpenLink { .. }
            | Self::UseLink { .. }
            | Self::OpenSession { .. }
            | Self::EndSession { .. }
            | Self::RevokeKey { .. } => false,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    Member {
        id: MemberId,
        created: bool,
    },
    Order {
        /// Nobody while the order has no member: then its number is 0.
        member: Option<MemberId>,
        order: OrderNo,
        answer: Box<Answer>,
    },
    /// To `Hold` and to `ReleaseHold`.
    Hold {
        /// Whose hold it is: the identity that was named may be another member's by now.
        member: MemberId,
        hold: HoldNo,
        balance: Balance,
        lapses_at: Timestamp,
    },
    /// To `Adjust`, `Reinstate` and `Act`.
    Adjusted {
        entry: EntryNo,
        balance: Balance,
    },
    /// The entry of an adjustment of store credit, and what can be spent now.
    Credit {
        entry: EntryNo,
        credit: Money,
    },
    /// The certificates that were made, by their numbers.
    Certificates {
        entry: EntryNo,
        certificates: Vec<LotNo>,
    },
    /// The certificates that were made for nobody, each the first of an owner of its own.
    Bearers {
        owners: Vec<MemberId>,
    },
    /// Whose certificate was cancelled, and by which entry: none if it was cancelled before.
    Cancelled {
        member: MemberId,
        certificate: LotNo,
        entry: Option<EntryNo>,
    },
    /// To `ClaimReward` and `EndClaim`: whose claim it is, and how it stands.
    Claim {
        member: MemberId,
        claim: Box<RewardClaim>,
        balance: Balance,
    },
    /// To `Close` and `Join`: since when and until when the account is kept, if it is closed, and what is there.
    Standing {
        closed: Option<Closed>,
        balance: Balance,
    },
    /// How much was taken back, in points or minor units.
    Withdrawn {
        points: Points,
    },
    /// How many lots have another date now, and the points in them.
    Redated {
        lots: u64,
        points: Points,
        balance: Balance,
    },
    Settled {
        entries: u64,
        due_at: Timestamp,
    },
    /// How many answers were deleted, and behind which key the next slice begins.
    Forgotten {
        answers: u64,
        next: Option<[u8; 16]>,
    },
    Program {
        id: ProgramId,
        number: u32,
        version: u32,
    },
    Channel {
        id: ChannelId,
        number: u32,
    },
    Key {
        number: u32,
    },
    Done,
}

/// Why a command has no reply.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The rules say no; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The world failed; safe to send again with the same key.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("key: this idempotency key was used before for another command")]
    KeyReused,
    /// A link to sign in with that is not there, was used or has expired.
    #[error("the link is unknown, was used before or has expired; ask for a new one")]
    UnknownLink,
    #[error("there is no API key of that number")]
    UnknownKey,
    /// A bug: this command was left out, its neighbours are unharmed.
    #[error("the command failed inside; it was left out, and nothing of it was recorded")]
    Internal,
}

/// The promise of an answer, given once the command is on the disk. Dropping it undoes nothing.
#[derive(Debug)]
pub struct Ticket {
    pub(crate) answer: oneshot::Receiver<Result<Reply, Failure>>,
    pub(crate) stopped: StoreError,
}

impl Ticket {
    /// Waits for the answer; for threads, not for tasks.
    ///
    /// # Errors
    /// The failure of the command.
    pub fn wait(self) -> Result<Reply, Failure> {
        self.answer.blocking_recv().unwrap_or(Err(Failure::Store(self.stopped)))
    }
}

impl Future for Ticket {
    type Output = Result<Reply, Failure>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = Pin::new(&mut self.answer).poll(context);
        answer.map(|it| it.unwrap_or_else(|_| Err(Failure::Store(self.stopped.clone()))))
    }
}
