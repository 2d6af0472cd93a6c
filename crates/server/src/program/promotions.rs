//! The keys of promotions, and what they come to. The comments here are descriptions of the published schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Currency, EarnMode, Gives, Money, Points, Promotion, Times, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::allowed::allowed;
use super::document::Amount;
use super::listed::{Listed, days, listed};
use super::rates::{factor, names};
use super::read::{some_amount, some_whole, text, whole};
use super::terms::{amount, named, within};
use super::tiers::TiersDocument;
use crate::fault::Fault;

const PRIORITY_MAX: i64 = 1_000;

/// More points for a time, for some things or members, or from an amount on. An order has the promotions of the time when it
/// was placed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PromotionDocument {
    /// What members see; each promotion has a name of its own.
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub name: String,
    /// A factor in quotes such as "2": what it is for earns so many times. What several promotions give more is added up.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9]+([.][0-9]+)?$"))]
    pub times: Option<String>,
    /// Or so many points for the order, once.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::RATE_POINTS_MAX.get()))]
    pub points: Option<i64>,
    /// The first day, in the program's time zone.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub from: Option<String>,
    /// The last day.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
    pub until: Option<String>,
    /// The days of the week; none named: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub weekdays: Vec<Weekday>,
    /// The hours of the day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "HoursDocument")]
    pub hours: Option<HoursDocument>,
    /// The products and categories that it is for; none named: all that earns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub products: Vec<String>,
    /// See `products`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The channels that it is for; none named: all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<String>,
    /// The customer types that it is for; none named: all members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub customer_types: Vec<String>,
    /// The tiers that it is for, by their names in `tiers.levels`; none named: all members.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tiers: Vec<String>,
    /// Whether only a member's first order in the program has it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub first_order: bool,
    /// How much must earn of what it is for.
    #[serde(default, deserialize_with = "some_amount", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Amount")]
    pub min_amount: Option<Amount>,
    /// Of the promotions of one group only one counts.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String", length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub group: Option<String>,
    /// Within a group the highest comes first; of the same, the first in the list.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "is_zero")]
    #[schemars(range(min = -PRIORITY_MAX, max = PRIORITY_MAX))]
    pub priority: i64,
    /// The most points that it gives over all members; what comes back can be given again.
    #[serde(default, deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::POINTS_MAX.get()))]
    pub budget: Option<i64>,
}

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// From Monday on.
    fn place(self) -> usize {
        match self {
            Self::Monday => 0,
            Self::Tuesday => 1,
            Self::Wednesday => 2,
            Self::Thursday => 3,
            Self::Friday => 4,
            Self::Saturday => 5,
            Self::Sunday => 6,
        }
    }
}

/// A part of the day; past midnight if it ends before it begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HoursDocument {
    /// When it begins, such as 17:00.
    #[schemars(regex(pattern = "^[0-9]{2}:[0-9]{2}$"))]
    pub from: String,
    /// When it is over.
    #[schemars(regex(pattern = "^[0-9]{2}:[0-9]{2}$"))]
    pub until: String,
}

impl Listed for PromotionDocument {
    const KEY: &'static str = "promotions";
    const ONE: &'static str = "promotion";
    const MOST: usize = limits::PROMOTIONS_MAX;

    fn name(&self) -> &str {
        &self.name
    }

    fn tiers(&self) -> &[String] {
        &self.tiers
    }
}

/// The promotions of a program.
pub(super) fn promotions(
    documents: &[PromotionDocument],
    tiers: Option<&TiersDocument>,
    mode: EarnMode,
    currency: Currency,
) -> Result<Vec<Promotion>, Fault> {
    let list = listed(documents, tiers, |path, it: &PromotionDocument| {
        let promotion = it.read(path, currency)?;
        let is_for_all = promotion.products.is_empty() && promotion.categories.is_empty();
        if mode == EarnMode::StepsCarried && !is_for_all && matches!(promotion.gives, Gives::Times(_)) {
            let what = "beside a carried remainder a promotion multiplies whole orders only";
            return Err(Fault::new(path, what, "points, or no products and categories"));
        }
        if mode == EarnMode::StepsCarried && promotion.budget.is_some() {
            let what = "this cannot stand beside a carried remainder";
            return Err(Fault::new(&format!("{path}.budget"), what, "another earn.mode"));
        }
        Ok(promotion)
    })?;
    check_groups(&list)?;
    Ok(list)
}

/// Of a group either all multiply or all give points; and what asks for more must not give less than what it comes before,
/// or an order would earn more in parts than as a whole.
fn check_groups(list: &[Promotion]) -> Result<(), Fault> {
    let mut groups: BTreeMap<&str, Vec<(usize, &Promotion)>> = BTreeMap::new();
    for (index, it) in list.iter().enumerate() {
        if let Some(group) = &it.group {
            groups.entry(group).or_default().push((index, it));
        }
    }
    for members in groups.values_mut() {
        members.sort_by_key(|(_, it)| std::cmp::Reverse(it.priority));
        for (place, (index, first)) in members.iter().enumerate() {
            for (_, later) in &members[place + 1..] {
                let is_less = match (first.gives, later.gives) {
                    (Gives::Times(first_times), Gives::Times(later)) => {
                        let asks = first.first_order || first.min_amount.is_positive();
                        asks && first_times.in_thousandths() < later.in_thousandths()
                    }
                    (Gives::Points(first), Gives::Points(later)) => first < later,
                    (Gives::Times(_), Gives::Points(_)) | (Gives::Points(_), Gives::Times(_)) => {
                        let path = format!("promotions[{index}].group");
                        let what = "of one group some multiply and others give points";
                        return Err(Fault::new(&path, what, "groups in which all multiply, or all give points"));
                    }
                };
                if is_less {
                    let path = format!("promotions[{index}].priority");
                    let what = format!("\"{}\" gives less than \"{}\", which it comes before", first.name, later.name);
                    return Err(Fault::new(&path, what, "in a group, first what gives most"));
                }
            }
        }
    }
    Ok(())
}

impl PromotionDocument {
    fn read(&self, path: &str, currency: Currency) -> Result<Promotion, Fault> {
        let at = |key: &str| format!("{path}.{key}");
        named(&at("name"), &self.name)?;
        let (from, until) = days(path, self.from.as_deref(), self.until.as_deref())?;
        let mut weekdays = [false; 7];
        for it in &self.weekdays {
            weekdays[it.place()] = true;
        }
        let min_amount = match &self.min_amount {
            Some(least) => amount(&at("min_amount"), least, 0, currency)?,
            None => Money::ZERO,
        };
        if let Some(group) = &self.group {
            named(&at("group"), group)?;
        }
        let budget = self.budget.map(|it| within(&at("budget"), it, 1, limits::POINTS_MAX.get()));
        let priority = within(&at("priority"), self.priority, -PRIORITY_MAX, PRIORITY_MAX)?;
        Ok(Promotion {
            name: Arc::from(self.name.as_str()),
            gives: self.gives(path)?,
            from,
            until,
            weekdays,
            hours: self.hours.as_ref().map(|it| it.read(&at("hours"))).transpose()?,
            products: names(&at("products"), &self.products)?,
            categories: names(&at("categories"), &self.categories)?,
            channels: names(&at("channels"), &self.channels)?,
            customer_types: names(&at("customer_types"), &self.customer_types)?,
            tiers: names(&at("tiers"), &self.tiers)?,
            first_order: self.first_order,
            min_amount,
            group: self.group.as_deref().map(Arc::from),
            priority: i32::try_from(priority).expect("it is within its limits"),
            budget: budget.transpose()?.map(Points::new),
        })
    }

    fn gives(&self, path: &str) -> Result<Gives, Fault> {
        match (&self.times, self.points) {
            (Some(times), None) => {
                let path = format!("{path}.times");
                let times = factor(&path, times)?;
                if times.in_thousandths() <= Times::ONE.in_thousandths() {
                    return Err(Fault::new(&path, format!("\"{times}\" is not more than once"), allowed(&path)));
                }
                Ok(Gives::Times(times))
            }
            (None, Some(points)) => {
                let points = within(&format!("{path}.points"), points, 1, limits::RATE_POINTS_MAX.get())?;
                Ok(Gives::Points(Points::new(points)))
            }
            (Some(_), Some(_)) | (None, None) => {
                Err(Fault::new(path, "a promotion gives one thing", "either times or points"))
            }
        }
    }
}

impl HoursDocument {
    fn read(&self, path: &str) -> Result<(u16, u16), Fault> {
        let [from, until] = [("from", &self.from), ("until", &self.until)].map(|(key, text)| {
            let path = format!("{path}.{key}");
            minute(text).ok_or_else(|| Fault::new(&path, format!("\"{text}\" is no time of day"), allowed(&path)))
        });
        let (from, until) = (from?, until?);
        if from == until {
            return Err(Fault::new(path, "it is over when it begins", "hours of which one is later"));
        }
        Ok((from, until))
    }
}

/// The minute of the day of `17:00`; `24:00` is the end of it.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let number =
        |it: &str| it.parse::<u16>().ok().filter(|_| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit()));
    let (hour, minute) = (number(hour)?, number(minute)?);
    let is_time = (hour < 24 && minute < 60) || (hour == 24 && minute == 0);
    is_time.then_some(hour * 60 + minute)
}

fn is_false(it: &bool) -> bool {
    !it
}

fn is_zero(it: &i64) -> bool {
    *it == 0
}
