//! The keys of a program document with their defaults. The comments here are the descriptions of the published schema.
//!
//! Whole numbers and amounts are read as they stand; `terms.rs` checks them against the limits.

use std::borrow::Cow;

use engine::limits;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use super::activities::ActivitiesDocument;
use super::caps::CapsDocument;
use super::catalogue::RewardItemDocument;
use super::certificates::CertificatesDocument;
use super::convert::ConvertDocument;
use super::promotions::PromotionDocument;
use super::rates::{ExcludeDocument, GiftCardsDocument, MultiplierDocument, RateDocument, RoundingDocument};
use super::read::{some_amount, some_whole, text, text_amount, whole};
use super::tiers::TiersDocument;

/// A loyalty program: the terms that members join.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Guerdon program document")]
pub struct ProgramDocument {
    /// Where the schema of this format is found, for editors that look there. Guerdon does not read it.
    #[serde(rename = "$schema", default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub schema: Option<String>,
    /// The version of this format.
    #[serde(deserialize_with = "whole")]
    #[schemars(extend("const" = super::FORMAT))]
    pub format: i64,
    /// What the program is called.
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub name: String,
    /// ISO 4217 code of the currency of every amount, here and in orders.
    #[schemars(regex(pattern = "^[A-Z]{3}$"))]
    pub currency: String,
    /// IANA name of the time zone in which days begin and end, for example America/New_York.
    pub time_zone: String,
    /// The shop's own word for point.
    #[serde(default)]
    pub points: PointNames,
    /// How orders earn points.
    #[serde(default)]
    pub earn: EarnDocument,
    /// The types of order that the program applies to, words of the shop's own; left out: all of them. Orders of another
    /// type, or of none, earn and redeem nothing.
    #[serde(default)]
    pub order_types: Vec<String>,
    /// More points for a time, for products, channels or members.
    #[serde(default)]
    pub promotions: Vec<PromotionDocument>,
    /// How long points can be spent, counted from the day they can be; always until the end of the local day.
    #[serde(default)]
    pub validity: ValidityDocument,
    /// What keeps points alive that were earned earlier; left out, nothing does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extend: Option<ExtendDocument>,
    /// What earns without an order.
    #[serde(default, skip_serializing_if = "nothing")]
    pub activities: ActivitiesDocument,
    /// Points that return to an order's member after they have expired can be spent for so many more days, once.
    #[serde(default = "grace_days", deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::GRACE_DAYS_MAX))]
    pub grace_days: i64,
    /// Orders without a member are kept, and can be claimed until the end of so many days after the one on which they were
    /// placed; 0: none is kept.
    #[serde(default = "claim_days", deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::CLAIM_DAYS_MAX))]
    pub claim_days: i64,
    /// How points pay part of an order.
    #[serde(default)]
    pub redeem: RedeemDocument,
    /// What happens when an order shrinks, is refunded or cancelled.
    #[serde(default)]
    pub refund: RefundDocument,
    /// Points become store credit or certificates. Left out: they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "ConvertDocument")]
    pub convert: Option<ConvertDocument>,
    /// What points buy at a fixed price: rewards that members claim, and staff hand over.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub catalogue: Vec<RewardItemDocument>,
    /// Certificates that staff give to members.
    #[serde(default, skip_serializing_if = "CertificatesDocument::is_default")]
    pub certificates: CertificatesDocument,
    /// Tiers of members; left out, there are none.
    #[serde(default, deserialize_with = "some_tiers", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "TiersDocument")]
    pub tiers: Option<TiersDocument>,
}

/// The word for one point and for many.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PointNames {
    /// As in "1 star".
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub one: String,
    /// As in "2 stars".
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub many: String,
}

/// So many points per amount, when, and on what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EarnDocument {
    /// Points for each amount of `per`.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::RATE_POINTS_MAX.get()))]
    pub points: i64,
    /// The amount that earns `points`; more than nothing.
    pub per: Amount,
    /// Whether parts of `per` count.
    pub mode: Mode,
    /// What makes an order earn.
    pub on: GrantOn,
    /// Whether tax earns.
    pub include_tax: bool,
    /// Whether shipping earns.
    pub include_shipping: bool,
    /// Points can be spent only so many days after they were earned, at the same local time.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::WAITING_DAYS_MAX))]
    pub waiting_days: i64,
    /// The most points that a member's orders earn; what is left out has no limit.
    #[serde(skip_serializing_if = "CapsDocument::is_empty")]
    pub caps: CapsDocument,
    /// Rates that are more specific than `points` per `per`: a product's comes first, then that of its category, then that
    /// of the member's customer type.
    pub rates: Vec<RateDocument>,
    /// What multiplies all that an order earns, by customer type.
    pub multipliers: Vec<MultiplierDocument>,
    /// What earns nothing.
    pub exclude: ExcludeDocument,
    /// When gift cards earn.
    pub gift_cards: GiftCardsDocument,
    /// Where fractions of points are dropped.
    pub rounding: RoundingDocument,
}

/// Whether parts of a step count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Every cent counts; the sum is rounded down once per order.
    #[default]
    Proportional,
    /// Only full amounts of `per` count.
    Steps,
    /// Only full amounts of `per` count, and what is left of an order counts with the member's next ones.
    StepsCarried,
}

/// What makes an order earn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantOn {
    /// When the order is placed.
    Placed,
    /// When the order is paid.
    #[default]
    Paid,
    /// When the order is fulfilled.
    Fulfilled,
}

/// How long points can be spent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ValidityDocument {
    /// For ever.
    #[default]
    Never,
    /// So many days.
    Days(
        #[serde(deserialize_with = "whole")]
        #[schemars(range(min = 1, max = limits::VALID_DAYS_MAX))]
        i64,
    ),
    /// So many months; a day that the month does not have becomes its last.
    Months(
        #[serde(deserialize_with = "whole")]
        #[schemars(range(min = 1, max = limits::VALID_MONTHS_MAX))]
        i64,
    ),
    /// Until the end of this day, the same for all points.
    Until(#[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))] String),
    /// Until the end of the first such day of a year, month and day, after the day on which they can be spent: points of
    /// that very day are valid for a year. 29 February is the 28th in years without it.
    Yearly(#[schemars(regex(pattern = "^[0-9]{2}-[0-9]{2}$"))] String),
    /// Until so many months have gone by without activity: an order that earns, points that pay, or an activity that earns.
    /// All points of a member then end together.
    InactiveMonths(
        #[serde(deserialize_with = "whole")]
        #[schemars(range(min = 1, max = limits::VALID_MONTHS_MAX))]
        i64,
    ),
}

/// What keeps all points of a member alive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExtendDocument {
    /// Which activity.
    pub on: ExtendsOn,
    /// All points of the member that have not expired can be spent for at least so many months from that day on.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::VALID_MONTHS_MAX))]
    pub months: i64,
}

/// Which activity keeps points alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExtendsOn {
    /// Any order, from the day it is placed.
    Order,
    /// An order that earns, from the day it does, or an activity that earns.
    Earning,
}

/// How points pay: `points` are worth `value`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RedeemDocument {
    /// So many points pay `value`.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::RATE_POINTS_MAX.get()))]
    pub points: i64,
    /// What `points` pay; more than nothing.
    pub value: Amount,
    /// The least value that an order can redeem at once.
    pub min_value: Amount,
    /// The fewest points that an order can redeem at once.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::POINTS_MAX.get()))]
    pub min_points: i64,
    /// Points are redeemed in multiples of this.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::POINTS_MAX.get()))]
    pub step: i64,
    /// The most points that an order can redeem. Left out: as many as it takes.
    #[serde(deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::POINTS_MAX.get()))]
    pub max_points: Option<i64>,
    /// The most value that an order can redeem. Left out: all that it costs.
    #[serde(deserialize_with = "some_amount", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Amount")]
    pub max_value: Option<Amount>,
    /// The most of an order that points pay, in per cent of what they may pay for; rounded down.
    #[schemars(regex(pattern = "^[0-9]{1,3}([.][0-9]{1,2})?%$"))]
    pub max_share: String,
    /// So many points must be there to spend before anything can be redeemed.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::POINTS_MAX.get()))]
    pub min_balance: i64,
    /// Whether points pay for shipping, too.
    pub pays_shipping: bool,
    /// Whether points pay for tax that is added to the prices, too; tax that prices contain is paid with them.
    pub pays_tax: bool,
    /// Whether an order that carries discounts takes points.
    pub with_discounts: Discounted,
    /// How long a checkout holds points when it does not say.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::HOLD_MINUTES_MAX))]
    pub hold_minutes: i64,
    /// What becomes of the part paid with points when some of the order comes back.
    pub on_refund: OnRefund,
}

/// Whether an order that carries a discount or a coupon takes points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Discounted {
    /// Points pay what remains after discounts.
    #[default]
    After,
    /// Points come instead of discounts: such an order takes none.
    Instead,
}

/// What becomes of the points part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OnRefund {
    /// It stays until the rest of the order no longer covers it.
    #[default]
    Stays,
    /// It comes back in proportion.
    InProportion,
}

/// Taking points back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RefundDocument {
    /// What happens when fewer points are left than must be taken back. The refund itself is never refused.
    pub shortfall: ShortfallPolicy,
}

/// What happens to points that cannot be taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShortfallPolicy {
    /// What is there is taken, the member owes the rest; the next points that can be spent pay it.
    #[default]
    Owe,
    /// What is there is taken, the rest is let go for good.
    TakeWhatIsThere,
    /// Nothing is taken, all of it is let go for good.
    AllOrNothing,
}

/// A decimal amount in the program's currency, written in quotes so that no reader rounds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Amount(pub String);

impl Amount {
    fn of(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        text_amount(deserializer).map(Self)
    }
}

impl JsonSchema for Amount {
    fn inline_schema() -> bool {
        false
    }

    fn schema_name() -> Cow<'static, str> {
        "Amount".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A decimal amount in the program's currency, in quotes, for example \"30.98\".",
            "type": "string",
            "pattern": "^[0-9]+([.][0-9]+)?$",
        })
    }
}

impl Default for PointNames {
    fn default() -> Self {
        Self { one: "point".to_owned(), many: "points".to_owned() }
    }
}

// Defaults are whole amounts, which every currency has.
impl Default for EarnDocument {
    fn default() -> Self {
        Self {
            points: 1,
            per: Amount::of("1"),
            mode: Mode::default(),
            on: GrantOn::default(),
            include_tax: false,
            include_shipping: false,
            waiting_days: 0,
            caps: CapsDocument::default(),
            rates: Vec::new(),
            multipliers: Vec::new(),
            exclude: ExcludeDocument::default(),
            gift_cards: GiftCardsDocument::default(),
            rounding: RoundingDocument::default(),
        }
    }
}

impl Default for RedeemDocument {
    fn default() -> Self {
        Self {
            points: 100,
            value: Amount::of("1"),
            min_value: Amount::of("0"),
            min_points: 0,
            step: 1,
            max_points: None,
            max_value: None,
            max_share: "100%".to_owned(),
            min_balance: 0,
            pays_shipping: false,
            pays_tax: false,
            with_discounts: Discounted::default(),
            hold_minutes: 15,
            on_refund: OnRefund::default(),
        }
    }
}

/// Tiers may be left out, and are not null.
fn some_tiers<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<TiersDocument>, D::Error> {
    TiersDocument::deserialize(deserializer).map(Some)
}

fn claim_days() -> i64 {
    30
}

fn grace_days() -> i64 {
    30
}

fn nothing(activities: &ActivitiesDocument) -> bool {
    *activities == ActivitiesDocument::default()
}
