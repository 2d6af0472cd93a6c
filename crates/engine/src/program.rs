//! Terms: what the engine needs of a program, compiled from a version of its document, and the timeline of versions.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use crate::budget::Budgets;
use crate::calendar::{Date, Timestamp, YearDay, Zone};
use crate::cap::Caps;
use crate::catalogue::{Gift, Reward};
use crate::certificate::Uses;
use crate::document::Document;
use crate::money::Money;
use crate::place::Place;
use crate::points::Points;
use crate::rates::Earning;
use crate::tier::Tiers;

/// One version of a program, ready for the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub zone: Zone,
    pub currency: Currency,
    pub grant_on: Milestone,
    pub earn: EarnRate,
    /// What orders earn beyond that rate.
    pub earning: Earning,
    /// The types of order that it applies to; all of them where none is named (P1).
    pub order_types: BTreeSet<String>,
    /// Whether tax is part of what earns (E8); by default it is not.
    pub earn_on_tax: bool,
    /// Whether shipping is part of what earns (E8); by default it is not.
    pub earn_on_shipping: bool,
    /// The most that orders earn (E13). Not together with carried remainders.
    pub caps: Option<Caps>,
    /// What members reach by what they count (T1).
    pub tiers: Option<Arc<Tiers>>,
    /// Points wait so many days before they can be spent (E11).
    pub waiting_days: u16,
    pub validity: Validity,
    /// What keeps all points of a member alive (X1, X4).
    pub extend: Option<Extend>,
    /// What earns without an order (E9, E10).
    pub activities: Option<Activities>,
    /// How long points may still be spent that return to a lot that has expired.
    pub grace_days: u16,
    /// How long after its day an order without a member can be claimed; where it is 0, none is kept (O10).
    pub claim_days: u16,
    pub redeem: RedeemTerms,
    pub shortfall: Shortfall,
    pub points_part: PointsPart,
    /// Points become store credit or certificates (C1, C2).
    pub convert: Option<Convert>,
    /// What points buy at a fixed price (C9).
    pub catalogue: Arc<[Reward]>,
    /// How often a certificate can be used that is given without saying so (P1, C4).
    pub certificate_uses: Uses,
}

/// What points become, and when: the moment they are reached, or when staff hand it out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Convert {
    pub rate: ConvertRate,
    /// Members become eligible, and staff hand certificates out in a run (C2).
    pub is_collected: bool,
    /// Of certificates.
    pub uses: Uses,
    pub validity: Validity,
}

impl Convert {
    /// Store credit, the moment the points are reached.
    pub fn to_credit(points: Points, credit: Money) -> Self {
        let rate = ConvertRate { points, value: credit, target: Target::Credit };
        Self { rate, is_collected: false, uses: Uses::Several, validity: Validity::Never }
    }
}

/// Each `points` become `value`: 1,000 points = 5.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvertRate {
    pub points: Points,
    pub value: Money,
    pub target: Target,
}

/// What points become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    Credit,
    Certificate,
}

impl Target {
    pub const ALL: [Self; 2] = [Self::Credit, Self::Certificate];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Credit => "credit",
            Self::Certificate => "certificate",
        }
    }
}

impl Terms {
    /// Whether a rule asks for facts about the member.
    pub fn needs_facts(&self) -> bool {
        self.birthday_points().is_positive() || self.earning.needs_facts()
    }

    /// What a birthday gives.
    pub fn birthday_points(&self) -> Points {
        self.activities.as_ref().map_or(Points::ZERO, |it| it.birthday)
    }

    /// Whether the program applies to an order (P1).
    pub(crate) fn applies_to(&self, document: &Document) -> bool {
        let is_named = |it: &String| self.order_types.contains(it);
        self.order_types.is_empty() || document.order_type.as_ref().is_some_and(is_named)
    }

    /// Whether days count: for caps or for tiers.
    pub fn counts(&self) -> bool {
        self.caps.is_some() || self.tiers.is_some()
    }
}

/// ISO 4217 code and the number of digits after the point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Currency {
    pub code: [u8; 3],
    pub exponent: u8,
}

impl Currency {
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("currency codes are ASCII letters")
    }
}

/// What makes an order earn (E3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Milestone {
    Placed,
    Paid,
    Fulfilled,
}

/// So many points per amount (E1, E2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EarnRate {
    pub points: Points,
    pub per: Money,
    pub mode: EarnMode,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EarnMode {
    /// Every minor unit counts; only the sum is rounded down.
    Proportional,
    /// Only full steps of the amount count.
    Steps,
    /// Only full steps count, and what is left of an order counts with the next ones.
    StepsCarried,
}

/// How long points can be spent, counted from the day they can be (X1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    Never,
    Days(u16),
    Months(u16),
    /// The last day of all points.
    Until(Date),
    /// The last day is the first such day after the one on which they can be spent: who earns on that very day keeps the
    /// points for a year.
    Yearly(YearDay),
}

impl Validity {
    /// The first instant at which points are gone that can be spent from `available_at` on (X2).
    pub fn ends(self, available_at: Timestamp, zone: &Zone) -> Timestamp {
        match self {
            Self::Never => Timestamp::NEVER,
            Self::Days(days) => zone.end_of(zone.date_of(available_at).plus_days(i32::from(days))),
            Self::Months(months) => zone.end_of(zone.date_of(available_at).plus_months(months)),
            Self::Until(last) => zone.end_of(last),
            Self::Yearly(last) => zone.end_of(last.after(zone.date_of(available_at))),
        }
    }
}

/// Points for what members do beside buying; zero gives nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Activities {
    pub sign_up: Points,
    pub birthday: Points,
    pub custom: Vec<CustomAct>,
}

/// An act with a name of the shop's own, and how often it earns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomAct {
    pub name: String,
    pub points: Points,
    pub per_day: Option<u32>,
    pub per_month: Option<u32>,
    pub per_life: Option<u32>,
}

/// All points live at least so many months from an activity on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extend {
    pub on: ExtendOn,
    pub months: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExtendOn {
    /// An order, whether it earns or not.
    Order,
    /// An order that earns, or another act that does.
    Earning,
    /// The same, or points that pay: without any of it points are gone (X1).
    Activity,
}

impl ExtendOn {
    pub const ALL: [Self; 3] = [Self::Order, Self::Earning, Self::Activity];

    /// The stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Earning => "earning",
            Self::Activity => "activity",
        }
    }
}

/// How points pay part of an order (R1, R3, R4, R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedeemTerms {
    pub rate: RedeemRate,
    /// The least value that an order may ask for.
    pub value_min: Money,
    /// The fewest points that an order may ask for.
    pub points_min: Points,
    /// How long a hold lasts when its caller does not say.
    pub hold_minutes: u32,
    /// An order asks for multiples of this: 1 where any figure will do.
    pub step: Points,
    /// The most points that an order may ask for.
    pub points_max: Option<Points>,
    /// The most value that an order may ask for.
    pub value_max: Option<Money>,
    /// How much of what points may pay for they pay at most.
    pub share_max: Option<Share>,
    /// What must be there to spend before anything can be redeemed.
    pub balance_min: Points,
    /// Whether points pay for shipping, too.
    pub pays_shipping: bool,
    /// Whether points pay for tax that is added to prices, too.
    pub pays_tax: bool,
    pub with_discounts: WithDiscounts,
}

/// A share in hundredths of a per cent, from 1 to 10,000.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share(pub u16);

/// In per cent, with as many digits as it takes: 12.5%.
impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = Money::new(i64::from(self.0)).to_text(2);
        write!(f, "{}%", text.trim_end_matches('0').trim_end_matches('.'))
    }
}

/// Whether an order that carries discounts takes points (R6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithDiscounts {
    /// Points pay what remains after discounts.
    After,
    /// Points come instead of discounts: such an order takes none.
    Instead,
}

/// `points` are worth `value`: 250 points = 25.00.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RedeemRate {
    pub points: Points,
    pub value: Money,
}

/// What happens when fewer points are left than must be taken back (O2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shortfall {
    /// Nothing is taken; all of it is let go.
    AllOrNothing,
    /// What is there is taken; the rest is let go.
    TakeWhatIsThere,
    /// What is there is taken; the rest is owed.
    Owe,
}

/// What becomes of the points part when some of an order comes back (O6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PointsPart {
    /// It stays until the rest of the order no longer covers it.
    Stays,
    /// It comes back in proportion.
    InProportion,
}

/// A version of the terms and when it takes effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    pub number: u32,
    pub effective_at: Timestamp,
    pub terms: Terms,
}

/// All versions of a program and its off switch, each in force from an instant on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timeline {
    versions: Vec<Version>,
    switches: Vec<Switch>,
    needs_facts: bool,
    to_credit: bool,
    to_certificates: bool,
    has_budgets: bool,
    has_catalogue: bool,
}

/// The program goes on or off at an instant (P2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Switch {
    pub at: Timestamp,
    pub on: bool,
}

/// What decides about an account beside its own state.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    pub timeline: &'a Timeline,
    pub facts: &'a Facts,
    /// The name of the channel that a document comes from.
    pub channel: Option<&'a str>,
    /// What all members together have of the budgets of promotions. Empty where no version has any.
    pub budgets: &'a Budgets,
    /// Under which of the members that were merged into one a command comes: what is new is numbered there.
    pub under: Place,
    /// Whether the member is named by a card that is blocked: it earns, and pays for nothing (M2).
    pub card_blocked: bool,
}

/// What the rules need to know of a member. Left out where no rule of the program asks for it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// A word of the shop's own, such as `wholesale` (E5, E6, E7).
    pub customer_type: Option<String>,
    /// The year may be unknown to the shop; day and month decide (E9).
    pub birthday: Option<Date>,
    /// When it was written: an earlier one is not celebrated.
    pub birthday_since: Timestamp,
}

impl<'a> Rules<'a> {
    /// The rules of a program for a member of whom nothing is known.
    pub fn of(timeline: &'a Timeline) -> Self {
        const NOTHING: &Facts = &Facts { customer_type: None, birthday: None, birthday_since: Timestamp::START };
        Self { timeline, facts: NOTHING, channel: None, budgets: Budgets::NONE, under: Place::OWN, card_blocked: false }
    }
}

impl Timeline {
    /// Sorts versions by effective time (ties: the higher number wins) and switches by time (ties: the later one given).
    pub fn new(mut versions: Vec<Version>, mut switches: Vec<Switch>) -> Self {
        versions.sort_by_key(|it| (it.effective_at, it.number));
        switches.sort_by_key(|it| it.at);
        let needs_facts = versions.iter().any(|it| it.terms.needs_facts());
        let converts_to =
            |target| versions.iter().any(|it| it.terms.convert.is_some_and(|it| it.rate.target == target));
        let (to_credit, to_certificates) = (converts_to(Target::Credit), converts_to(Target::Certificate));
        let has_budgets = versions.iter().any(|it| it.terms.earning.promotions.has_budgets());
        let mut rewards = versions.iter().flat_map(|it| &*it.terms.catalogue).peekable();
        let has_catalogue = rewards.peek().is_some();
        let to_certificates = to_certificates || rewards.any(|it| matches!(it.gives, Gift::Coupon(_)));
        Self { versions, switches, needs_facts, to_credit, to_certificates, has_budgets, has_catalogue }
    }

    /// The version in force at an instant; nothing before the first takes effect.
    pub fn at(&self, instant: Timestamp) -> Option<&Version> {
        self.versions.iter().rev().find(|it| it.effective_at <= instant)
    }

    /// The version of that number.
    pub fn version(&self, number: u32) -> Option<&Version> {
        self.versions.iter().find(|it| it.number == number)
    }

    /// Whether the program is on at an instant; it is until a switch says otherwise.
    pub fn is_on(&self, instant: Timestamp) -> bool {
        self.switches.iter().rev().find(|it| it.at <= instant).is_none_or(|it| it.on)
    }

    /// Whether any version asks for facts about the member; where none does they need not be loaded.
    pub fn needs_facts(&self) -> bool {
        self.needs_facts
    }

    /// Whether a promotion of any version has a budget, or any has a catalogue; where none does what is used of them need not be
    /// loaded.
    pub fn has_budgets(&self) -> bool {
        self.has_budgets || self.has_catalogue
    }

    /// Whether any version has rewards to claim.
    pub fn has_catalogue(&self) -> bool {
        self.has_catalogue
    }

    /// Whether points become that in any version.
    pub fn converts_to(&self, target: Target) -> bool {
        match target {
            Target::Credit => self.to_credit,
            Target::Certificate => self.to_certificates,
        }
    }

    /// Whether points become anything in any version.
    pub fn converts(&self) -> bool {
        self.to_credit || self.to_certificates
    }

    pub fn versions(&self) -> &[Version] {
        &self.versions
    }

    pub fn switches(&self) -> &[Switch] {
        &self.switches
    }
}
