//! What earns without an order: the keys of the program document, and what the engine makes of them.

use engine::{Activities, CustomAct, Points, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::read::whole;
use super::terms::{named, within};
use crate::fault::Fault;

/// Points for what members do beside buying.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ActivitiesDocument {
    /// Points for signing up, once.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::RATE_POINTS_MAX.get()))]
    pub sign_up: i64,
    /// Points on the birthday, once a year, for members who have points already or had some.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 0, max = limits::RATE_POINTS_MAX.get()))]
    pub birthday: i64,
    /// Acts with names of the shop's own, such as a review or a visit.
    #[schemars(length(max = limits::ACTIVITIES_MAX))]
    pub custom: Vec<CustomDocument>,
}

/// An act and what it earns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CustomDocument {
    /// What whoever tells of it calls it.
    #[schemars(length(min = 1, max = limits::TEXT_BYTES_MAX))]
    pub name: String,
    /// Points each time.
    #[serde(deserialize_with = "whole")]
    #[schemars(range(min = 1, max = limits::RATE_POINTS_MAX.get()))]
    pub points: i64,
    /// How often a member earns with it on a local day; left out or 0, as often as it is done.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = limits::ACTS_MAX))]
    pub per_day: i64,
    /// In a calendar month.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = limits::ACTS_MAX))]
    pub per_month: i64,
    /// In all.
    #[serde(default, deserialize_with = "whole", skip_serializing_if = "is_zero")]
    #[schemars(range(min = 0, max = limits::ACTS_MAX))]
    pub per_life: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes what it may skip by reference")]
fn is_zero(number: &i64) -> bool {
    *number == 0
}

/// Nothing where nothing earns, so that such programs ask for nothing.
pub(super) fn activities(document: &ActivitiesDocument) -> Result<Option<Activities>, Fault> {
    if *document == ActivitiesDocument::default() {
        return Ok(None);
    }
    let most = limits::RATE_POINTS_MAX.get();
    let sign_up = Points::new(within("activities.sign_up", document.sign_up, 0, most)?);
    let birthday = Points::new(within("activities.birthday", document.birthday, 0, most)?);
    if limits::ACTIVITIES_MAX < document.custom.len() {
        let what = format!("{} are too many", document.custom.len());
        return Err(Fault::new("activities.custom", what, format!("at most {}", limits::ACTIVITIES_MAX)));
    }
    let mut custom: Vec<CustomAct> = Vec::with_capacity(document.custom.len());
    for (index, it) in document.custom.iter().enumerate() {
        let path = |key: &str| format!("activities.custom[{index}].{key}");
        named(&path("name"), &it.name)?;
        if custom.iter().any(|known| known.name == it.name) {
            let what = format!("\"{}\" is there already", it.name);
            return Err(Fault::new(&path("name"), what, "a name that no other activity has".to_owned()));
        }
        let times = |key: &str, times: i64| -> Result<Option<u32>, Fault> {
            let times = within(&path(key), times, 0, i64::from(limits::ACTS_MAX))?;
            Ok(u32::try_from(times).ok().filter(|it| 0 < *it))
        };
        custom.push(CustomAct {
            name: it.name.clone(),
            points: Points::new(within(&path("points"), it.points, 1, most)?),
            per_day: times("per_day", it.per_day)?,
            per_month: times("per_month", it.per_month)?,
            per_life: times("per_life", it.per_life)?,
        });
    }
    Ok(Some(Activities { sign_up, birthday, custom }))
}
