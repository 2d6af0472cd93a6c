//! Every limit of the engine, checked where input enters; inside, overflow is a bug.
//!
//! They are chosen so that no product of two of them leaves 127 bits and no sum of what an account may see leaves 63.

use crate::calendar::Timestamp;
use crate::money::Money;
use crate::points::Points;

/// The largest amount of a line or an order: 100,000,000,000.00 with two decimals.
pub const MONEY_MAX: Money = Money::new(10_000_000_000_000);
/// The most points that one command may ask for, grant or deduct.
pub const POINTS_MAX: Points = Points::new(1_000_000_000_000);
/// The most points that a rate may give for one step, or take for one value.
pub const RATE_POINTS_MAX: Points = Points::new(1_000_000);
/// The most points that one order can earn: past that, the document is refused. Four million such orders fit one account.
pub const ORDER_POINTS_MAX: Points = Points::new(1_000_000_000_000);
/// The largest factor of a multiplier or a promotion.
pub const TIMES_MAX: u32 = 1_000;
/// The largest common denominator on which the rates of a program are added up.
pub const SCALE_MAX: i128 = 1_000_000_000_000_000;
/// Rates, multipliers, promotions and names of a kind in one program.
pub const RATES_MAX: usize = 10_000;
pub const PROMOTIONS_MAX: usize = 60;
/// The most points that become credit at once, and the most credit for one of them.
pub const CONVERT_POINTS_MAX: Points = Points::new(1_000_000_000);
/// What one member can be given of store credit in all: past that, nothing is converted.
pub const CREDIT_MAX: Money = Money::new(1_000_000_000_000_000_000);
/// How many tiers an account has had that it remembers, for documents that arrive late.
pub const TIERS_BEFORE_MAX: usize = 100;
/// The most tiers of a program.
pub const TIERS_MAX: usize = 20;
/// The most orders that a tier may ask for.
pub const TIER_ORDERS_MAX: i64 = 1_000_000;
pub const TIER_MONTHS_MAX: u16 = 120;
/// The most certificates that one order uses, and that one command gives to a member.
pub const ORDER_CERTIFICATES_MAX: usize = 20;
pub const ISSUE_MAX: u32 = 100;
pub const LINES_MAX: usize = 1_000;
/// Returns of one order that are documents of their own.
pub const RETURNS_MAX: usize = 1_000;
pub const QUANTITY_MAX: u32 = 1_000_000;
/// Bytes of an id, reference, product or category.
pub const TEXT_BYTES_MAX: usize = 120;
/// Activities of a program, and how often a limit may let one earn.
pub const ACTIVITIES_MAX: usize = 100;
pub const ACTS_MAX: u32 = 1_000_000;
/// Rewards of a catalogue, and pieces of one.
pub const REWARDS_MAX: usize = 1_000;
pub const STOCK_MAX: u32 = 1_000_000_000;
/// Bytes of a note on an adjustment.
pub const NOTE_BYTES_MAX: usize = 500;
/// How far back a date may lie that a document adds or changes, without the import permission.
pub const BACK_DAYS_MAX: i32 = 30;
/// How far ahead a date may lie: clocks of shops differ.
pub const AHEAD_MINUTES_MAX: i64 = 5;
/// Lots and orders that a merge moves, or its undo.
pub const MERGE_MAX: usize = 10_000;
/// How long a merge can be undone.
pub const UNDO_DAYS: i32 = 30;
pub const HOLD_MINUTES_MAX: u32 = 120;
pub const WAITING_DAYS_MAX: u16 = 366;
pub const VALID_DAYS_MAX: u16 = 36_500;
pub const VALID_MONTHS_MAX: u16 = 1_200;
pub const GRACE_DAYS_MAX: u16 = 366;
/// How long points of a closed account are kept, and how many closings an account remembers.
pub const CLOSING_DAYS_MAX: u16 = 3_660;
pub const CLOSINGS_MAX: usize = 100;
pub const CLAIM_DAYS_MAX: u16 = 366;
/// The years in which an order, a lot or a version may be dated.
pub const YEAR_MIN: i16 = 1970;
pub const YEAR_MAX: i16 = 2500;
/// The first year in which a member may have been born.
pub const BIRTH_YEAR_MIN: i16 = 1900;
/// The first instant of `YEAR_MIN`, in UTC.
pub const TIME_MIN: Timestamp = Timestamp::from_micros(0);
/// The first instant after `YEAR_MAX`, in UTC.
pub const TIME_END: Timestamp = Timestamp::from_micros(16_756_761_600_000_000);
