//! The rules of a loyalty program, and nothing else.
//!
//! A rule is a pure function: it looks at an account, the terms, a command and the time, and answers entries to post or a
//! [`Rejection`]. [`Account::post`] adds entries up and computes nothing, so that replaying them rebuilds every balance.
//! No input or output, no clock, no randomness, no floating point: what comes out depends on what goes in alone.
//!
//! | question | file |
//! |---|---|
//! | what does an order come to? | `kept.rs` |
//! | how does the ledger follow an order? | `order.rs`, `posted.rs`, `returned.rs` for returns of their own |
//! | what does it earn, how is it taken back? | `earn.rs`, `carry.rs` for remainders |
//! | at which rates, with which promotions? | `rates.rs`, `promotion.rs`, added up in `award.rs` |
//! | what do caps and budgets leave of it, what does a day count? | `cap.rs`, `budget.rs`, `figures.rs` |
//! | which tier does a member have? | `tier.rs`, `progress.rs` for what is missing and for staff |
//! | how do points pay? | `ask.rs` for what may be asked for, `redeem.rs`, `hold.rs`, `quote.rs` |
//! | when do points become store credit, how does that pay? | `convert.rs`, `credit.rs` |
//! | what becomes of an order without a member? | `guest.rs` |
//! | what do certificates pay, who gives and cancels them? | `certificate.rs`, `used.rs`, `bearer.rs` for those of nobody |
//! | when do points expire? | `expire.rs`, `extend.rs` for what keeps them alive, and `settle.rs` for everything that falls due |
//! | what do points buy at a fixed price? | `catalogue.rs`, `reward.rs` for what becomes of a claim |
//! | what earns without an order? | `activity.rs` |
//! | what happens when a member leaves and comes back? | `close.rs` |
//! | what do staff do by hand? | `adjust.rs`, `redate.rs`, `reinstate.rs` |

#![warn(clippy::as_conversions, clippy::float_arithmetic, clippy::integer_division)]

mod account;
mod activity;
mod adjust;
mod apart;
mod ask;
mod award;
mod balance;
mod bearer;
mod budget;
mod calendar;
mod cap;
mod carry;
mod catalogue;
mod certificate;
mod close;
mod collect;
mod convert;
mod credit;
mod decision;
mod document;
mod earn;
mod entry;
mod expire;
mod extend;
mod figures;
mod grace;
mod guest;
mod hold;
mod joined;
mod kept;
pub mod limits;
mod merge;
mod money;
mod order;
mod place;
mod points;
mod posted;
mod program;
mod progress;
mod promotion;
mod quote;
mod rates;
mod redate;
mod redeem;
mod reinstate;
mod rejection;
mod returned;
mod reward;
mod settle;
mod sums;
mod tier;
mod unmerge;
mod used;

pub use account::{Account, Balance, Hold, Horizon, Lot, NeedMore, SpendKey, Taken};
pub use activity::{Act, Acted, Award, act, sign_up};
pub use adjust::{Adjustment, adjust, check_note, withdraw};
pub use apart::{Apart, Use};
pub use award::{By, Part, Promoted, Worked};
pub use bearer::{BEARER_LOT, BearerClaim, BearerClaimed, claim_bearer, issue_bearers, show_bearers};
pub use budget::{BudgetUse, Budgeted, Budgets};
pub use calendar::{Date, DateFault, Timestamp, YearDay, Zone};
pub use cap::{Allotted, Cap, Caps, Cut};
pub use catalogue::{Coupon, Gift, Offered, Reward, catalogue};
pub use certificate::{
    CancelCertificate, Certificate, IssueCertificates, Uses, Wallet, cancel_bought, cancel_certificate,
    issue_certificates,
};
pub use close::{Closed, Closing, close, close_wallet, join, open_wallet};
pub use collect::collect;
pub use convert::{Conversion, ConversionKey, Purse};
pub use credit::{CreditAdjustment, adjust_credit};
pub use decision::{After, Decided, Decision, Moment, Stop};
pub use document::{Document, DocumentVersion, HoldNo, Line, LineKind, Return, ReturnPart, is_name};
pub use entry::{
    Actor, Bucket, Carried, Cause, CausedBy, CertificatePart, Changes, Converted, CreditPart, Displaced, Earned, Entry,
    EntryNo, Extended, HoldChange, HoldState, Kind, LotNo, LotOpened, LotRef, OrderNo, Paid, PaidCertificates,
    PaidCredit, Posting, Reason,
};
pub use extend::{Extension, ExtensionStep};
pub use figures::{Day, Figures, OfDay, Year};
pub use guest::{Claim, Claimed, Guest, GuestDecided, adopt, claim, is_claimable, put_guest, put_guest_return};
pub use hold::{hold, release_hold};
pub use joined::{Estate, Joined, Merged, Parted, Presence, Standing};
pub use merge::{Both, Merger, merge, too_large};
pub use money::{Money, MoneyFault, value_of};
pub use order::{Answer, Status, put_order};
pub use place::{Place, Placed, Shift};
pub use points::{Points, Times, points_for, points_needed, points_within};
pub use posted::{Accepted, Order, Pinned, Posted, Source, TakenBack};
pub use program::{
    Activities, Convert, ConvertRate, Currency, CustomAct, EarnMode, EarnRate, Extend, ExtendOn, Facts, Milestone,
    PointsPart, RedeemRate, RedeemTerms, Rules, Share, Shortfall, Switch, Target, Terms, Timeline, Validity, Version,
    WithDiscounts,
};
pub use progress::{Missing, Progress, SetTier, progress, set_tier};
pub use promotion::{Gives, Promotion};
pub use quote::{CertificateChoice, Choice, Choices, Quote, quote};
pub use rates::{EarnRules, Earning, Exclusions, GiftCards, Multiplier, NoScale, Pay, Rate, RateOf, Rounding};
pub use redate::{Redating, redate};
pub use reinstate::{Reinstatement, reinstate};
pub use rejection::Rejection;
pub use returned::{Returned, put_return};
pub use reward::{ClaimNo, ClaimState, RewardChange, RewardClaim, cancel_claim, claim_reward, fulfil_claim};
pub use settle::{due_at, settle};
pub use tier::{
    Downgrade, Tier, TierBy, TierHold, TierKeep, TierName, TierOutcome, TierReview, TierRules, TierState, TierWithin,
    Tiers,
};
pub use unmerge::{
    CreditUse, Parting, StandIn, Unmerged, certificates_cross, credit_uses, disentangle, undo_ends, unmerge,
};
