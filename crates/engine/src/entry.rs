//! The ledger: one entry per business fact, one posting per movement of one lot's points between two buckets.
//!
//! An entry carries results only. `Account::post` adds them up and computes nothing, so that replaying the entries of an
//! account rebuilds it without the rules.

use std::sync::Arc;

use crate::activity::{Acted, Award};
use crate::award::Worked;
use crate::budget::BudgetUse;
use crate::calendar::Timestamp;
use crate::cap::{Allotted, Cut};
use crate::certificate::Uses;
use crate::close::Closed;
use crate::document::HoldNo;
use crate::figures::OfDay;
use crate::guest::Claimed;
use crate::joined::Merged;
use crate::money::Money;
use crate::points::{Points, points_for};
use crate::program::{ConvertRate, EarnRate, Extend, Milestone, RedeemRate};
use crate::reward::RewardChange;
use crate::tier::{TierName, TierReview, TierState};

/// Number of an entry within its account, from 1 without gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryNo(pub u64);

/// Number of a lot within its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LotNo(pub u64);

/// Number of an order within its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderNo(pub u64);

/// One business fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub number: EntryNo,
    /// Ledger time: never earlier than the entry before.
    pub at: Timestamp,
    pub kind: Kind,
    pub order: Option<OrderNo>,
    pub actor: Actor,
    pub reason: Reason,
    pub opened: Vec<LotOpened>,
    /// Lots get other dates, before they have passed.
    pub dated: Vec<LotRef>,
    pub hold: Option<HoldChange>,
    pub postings: Vec<Posting>,
    pub changes: Changes,
}

/// What kind of fact an entry states.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An order earns.
    Earn,
    /// Points that an order earned are taken back.
    Revoke,
    /// Points pay part of an order.
    Redeem,
    /// Points that paid part of an order come back.
    Return,
    /// Points reach the end of their validity.
    Expire,
    /// The waiting period of points ends.
    Release,
    /// Points are reserved for a checkout.
    Hold,
    /// A hold ends without an order.
    Lapse,
    /// Points that became available pay what was owed.
    Repay,
    /// Staff add or deduct points.
    Adjust,
    /// Lots get other dates because their order did, or since staff move them.
    Redate,
    /// Activity keeps all points alive.
    Extend,
    /// Points become store credit or a certificate.
    Convert,
    /// Store credit or a certificate that points became, and of which nothing is spent, becomes these points again.
    Unconvert,
    /// Store credit pays part of an order.
    Spend,
    /// Store credit that paid part of an order comes back.
    Refund,
    /// Staff give back points that have expired.
    Reinstate,
    /// Signing up, a birthday or another act earns.
    Activity,
    /// A tier is reached, kept, lost or set.
    Tier,
    /// An order that had no member gets one, or a certificate that belonged to nobody.
    Claim,
    /// Certificates are given to a member.
    Issue,
    /// Certificates pay part of an order.
    Use,
    /// What certificates paid of an order comes back to them.
    GiveBack,
    /// Staff cancel a certificate.
    Cancel,
    /// The member leaves the program: points are suspended.
    Close,
    /// The member comes into the program, or back.
    Join,
    /// The grace of a closed account is over: its points are gone.
    Forfeit,
    /// All that another member had comes to this one, or goes.
    Merge,
    /// A merge is undone.
    Unmerge,
    /// A member claims a reward of the catalogue.
    Reward,
    /// Staff hand a claimed reward over.
    Fulfil,
    /// Staff cancel a claim: its points come back.
    CancelReward,
}

impl Kind {
    pub const ALL: [Self; 32] = [
        Self::Earn,
        Self::Revoke,
        Self::Redeem,
        Self::Return,
        Self::Expire,
        Self::Release,
        Self::Hold,
        Self::Lapse,
        Self::Repay,
        Self::Adjust,
        Self::Redate,
        Self::Extend,
        Self::Convert,
        Self::Unconvert,
        Self::Spend,
        Self::Refund,
        Self::Reinstate,
        Self::Activity,
        Self::Tier,
        Self::Claim,
        Self::Issue,
        Self::Use,
        Self::GiveBack,
        Self::Cancel,
        Self::Close,
        Self::Join,
        Self::Forfeit,
        Self::Merge,
        Self::Unmerge,
        Self::Reward,
        Self::Fulfil,
        Self::CancelReward,
    ];

    /// The stable name of the kind.
    pub fn name(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Revoke => "revoke",
            Self::Redeem => "redeem",
            Self::Return => "return",
            Self::Expire => "expire",
            Self::Release => "release",
            Self::Hold => "hold",
            Self::Lapse => "lapse",
            Self::Repay => "repay",
            Self::Adjust => "adjust",
            Self::Redate => "redate",
            Self::Extend => "extend",
            Self::Convert => "convert",
            Self::Unconvert => "unconvert",
            Self::Spend => "spend",
            Self::Refund => "refund",
            Self::Reinstate => "reinstate",
            Self::Activity => "activity",
            Self::Tier => "tier",
            Self::Claim => "claim",
            Self::Issue => "issue",
            Self::Use => "use",
            Self::GiveBack => "give_back",
            Self::Cancel => "cancel",
            Self::Close => "close",
            Self::Join => "join",
            Self::Forfeit => "forfeit",
            Self::Merge => "merge",
            Self::Unmerge => "unmerge",
            Self::Reward => "reward",
            Self::Fulfil => "fulfil",
            Self::CancelReward => "cancel_reward",
        }
    }
}

/// Where points can be. The first three are inside an account, the others outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bucket {
    Pending,
    Available,
    Held,
    Issued,
    Redeemed,
    Revoked,
    Deducted,
    Converted,
    Expired,
    Forfeited,
    Moved,
}

impl Bucket {
    pub const ALL: [Self; 11] = [
        Self::Pending,
        Self::Available,
        Self::Held,
        Self::Issued,
        Self::Redeemed,
        Self::Revoked,
        Self::Deducted,
        Self::Converted,
        Self::Expired,
        Self::Forfeited,
        Self::Moved,
    ];

    /// The stable name of the bucket.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Available => "available",
            Self::Held => "held",
            Self::Issued => "issued",
            Self::Redeemed => "redeemed",
            Self::Revoked => "revoked",
            Self::Deducted => "deducted",
            Self::Converted => "converted",
            Self::Expired => "expired",
            Self::Forfeited => "forfeited",
            Self::Moved => "moved",
        }
    }
}

/// `points` of `lot` move from one bucket to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    pub lot: LotNo,
    pub from: Bucket,
    pub to: Bucket,
    pub points: Points,
}

/// A lot by number, with the dates it had when it was named: enough to find it where lots are sorted by date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LotRef {
    pub no: LotNo,
    pub earned_at: Timestamp,
    pub available_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A new lot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LotOpened {
    pub lot: LotRef,
    /// The order whose own lot it is.
    pub order: Option<OrderNo>,
    /// Its points had their grace: what returns to it after it expired is gone.
    pub graced: bool,
    /// It is a certificate, with so many uses.
    pub certificate: Option<Uses>,
}

impl LotOpened {
    /// Points that nobody's order granted.
    pub(crate) fn plain(lot: LotRef) -> Self {
        Self { lot, order: None, graced: false, certificate: None }
    }
}

/// A hold is opened, or ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldChange {
    pub no: HoldNo,
    pub state: HoldState,
    pub lapses_at: Timestamp,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HoldState {
    Active,
    /// Lapsed by itself, or released by whoever asked for it.
    Ended,
    /// An order took it over.
    Taken(OrderNo),
}

/// What an entry changes besides its postings; all are results, differences may be negative.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// What the member owes.
    pub owed: Points,
    /// What a policy did not collect, for good.
    pub let_go: Points,
    /// Of the order's own points, expired or forfeited ones that count as taken.
    pub expired: Points,
    /// What the order has earned, all in all.
    pub earned: Points,
    /// How much of the order's own take-backs is undone, last first.
    pub undone: Points,
    /// How much of the order counts towards carried steps.
    pub counted: Money,
    /// Carried steps that the order has completed.
    pub steps: i64,
    /// The account's remainder after this entry.
    pub carried: Option<Carried>,
    /// What the order did to the steps of others, the whole list after this entry.
    pub displaced: Option<Vec<Displaced>>,
    /// How much of the order counts as money spent.
    pub spent: Money,
    /// What the account counts on the order's own day.
    pub figures: Option<OfDay>,
    /// What the order may earn for good under the caps of its day, month and year.
    pub allotted: Option<Allotted>,
    /// What it changes of what the order has of the budgets of promotions.
    pub budgets: Box<[BudgetUse]>,
    /// All lots that have not expired live at least until then.
    pub extended: Option<Timestamp>,
    /// How often points became store credit or a certificate; below zero how often that is undone.
    pub converted: Option<Box<Converted>>,
    /// What it does to the member's store credit, by lot of that ledger; below zero where it is taken.
    pub credit: Vec<CreditPart>,
    /// How often an act has been done now.
    pub acted: Option<Box<Acted>>,
    /// The time during which the account is, or was, closed.
    pub closed: Option<Box<Closed>>,
    /// Where the member stands after this entry.
    pub tier: Option<Box<TierState>>,
    /// What it does to the member's certificates; below zero where value comes back to them.
    pub certificates: Vec<CertificatePart>,
    /// What comes from another member's account, or goes there.
    pub merged: Option<Box<Merged>>,
    /// What becomes of a claim of the catalogue.
    pub reward: Option<Box<RewardChange>>,
}

/// What a certificate pays of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CertificatePart {
    pub lot: LotRef,
    pub paid: Money,
    /// The rest of one that can be used once: it is lost as long as the order uses the certificate.
    pub lost: Money,
}

/// Points become something so many times (C1, C2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Converted {
    pub rate: ConvertRate,
    pub times: i64,
    /// Which certificate; of store credit the entry names the lot anyway.
    pub certificate: Option<LotRef>,
}

impl Entry {
    /// The lot of store credit or the certificate that points became.
    pub fn converted_into(&self) -> Option<LotRef> {
        let converted = self.changes.converted.as_ref()?;
        converted.certificate.or_else(|| self.changes.credit.first().map(|it| it.lot))
    }
}

/// An amount of one lot of store credit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditPart {
    pub lot: LotRef,
    pub amount: Money,
}

impl CreditPart {
    pub(crate) fn reversed(&self) -> Self {
        Self { lot: self.lot, amount: Money::ZERO - self.amount }
    }
}

/// What does not make a full step yet, for one step size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Carried {
    pub per: Money,
    pub remainder: Money,
}

/// Steps that another order lost (or, below zero, was given) because this one shrank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Displaced {
    pub order: OrderNo,
    pub steps: i64,
    /// When as much of this order counts again, what it did is undone or done with.
    pub level: Money,
}

/// Who did it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    /// Time passed.
    System,
    /// A sales channel, by its number.
    Channel(u32),
    /// A person; 0 is whoever runs the command line.
    Staff(u32),
    /// An import of history.
    Import,
    /// An API key, by its number.
    Key(u32),
}

/// Why, as codes and numbers; the faces say it in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Time passed: the dates of the lots say all.
    Due,
    /// What the order calls for, and what it had earned before.
    Earned(Earned),
    /// What the order pays with points.
    Paid(Paid),
    /// A hold of so many minutes.
    Held { minutes: u32 },
    /// What staff wrote.
    Note(String),
    /// An activity, and what the program makes of it.
    Extended(Extended),
    /// What the order pays with store credit.
    Credit(PaidCredit),
    /// Of an entry of store credit: the entry on points that caused it.
    Cause(CausedBy),
    /// What was done, and what the program gives for it.
    Acted(Award),
    /// What became of a tier, and by which figure.
    Tier(TierReview),
    /// Since when the order was there without a member.
    Claimed(Claimed),
    /// What certificates pay of the order.
    Certificates(PaidCertificates),
    /// Two members are one, or two again; the id is that of the other.
    Merged { other: [u8; 16] },
    /// A certificate that belonged to nobody is somebody's now: who stands on the other side, and its number there.
    Bearer { other: [u8; 16], certificate: LotNo },
    /// The catalogue says so: of which reward, the entry says anyway.
    Reward,
}

/// How the part of an order that certificates pay was worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidCertificates {
    /// What they may pay of what is kept.
    pub fits: Money,
    pub before: Money,
    pub after: Money,
}

/// How far points are extended follows from when and by what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extended {
    pub rule: Extend,
    /// When the activity was.
    pub at: Timestamp,
}

/// How the credit part of an order was worked out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaidCredit {
    /// The most that the kept part of the order can take.
    pub fits: Money,
    pub before: Money,
    pub after: Money,
}

/// An entry of another ledger of the same owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CausedBy {
    /// The number of the program.
    pub program: u32,
    pub entry: EntryNo,
    pub order: Option<OrderNo>,
}

/// How an award was worked out (E14).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Earned {
    pub cause: Cause,
    /// Version of the program whose terms are pinned.
    pub version: u32,
    /// What earns: the kept part less discounts and redeemed points.
    pub base: Money,
    pub rate: EarnRate,
    /// The member's tier, where it has a rate or a multiplier of its own. Where the program has no more than its rate, this is
    /// whose rate it is.
    pub tier: TierName,
    /// What the account had carried over from other orders.
    pub carried: Money,
    pub before: Points,
    pub called_for: Points,
    /// What a cap left of it.
    pub cut: Option<Cut>,
    /// How, where the program has more than its own rate.
    pub worked: Option<Arc<Worked>>,
}

impl Earned {
    /// What the rules come to, whether or not the order has reached what makes it earn.
    pub fn points(&self) -> Points {
        self.worked.as_ref().map_or_else(|| points_for(self.base, self.rate), |it| it.points)
    }
}

/// Why an order earns what it earns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// By the rate.
    Rate,
    /// It has not reached the milestone that makes it earn.
    Waits(Milestone),
    Cancelled,
    /// The program was off when the order was placed (P2).
    ProgramOff,
    /// It is of a type that the program does not apply to (P1).
    OrderType,
    /// Members of that customer type earn nothing (E6, E7).
    CustomerType,
    /// The account was closed when the order was placed (M1).
    Closed,
    /// It has no member yet (O10).
    Guest,
    /// It has no member, and can be claimed no more (O10).
    ClaimEnded,
    /// What came back without its order would earn so much: it is taken back (O9).
    Returned,
    /// Another order changed, and with it a step that this one had completed (E2).
    StepOf(OrderNo),
}

/// How the points part of an order was worked out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paid {
    pub rate: RedeemRate,
    /// The member's tier, where it is the tier's rate.
    pub tier: TierName,
    /// The most points that the kept part of the order can take.
    pub fits: Points,
    pub before: Points,
    pub after: Points,
    /// What the points pay now.
    pub value: Money,
    pub hold: Option<HoldNo>,
}
