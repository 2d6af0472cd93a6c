//! The keys of caps on earning. The comments here are the descriptions of the published schema.

use engine::{Cap, Caps, Points, limits};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::document::Mode;
use super::read::some_whole;
use super::terms::within;
use crate::fault::Fault;

/// The most points that a member's orders earn. A cap counts on the local day on which an order was placed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CapsDocument {
    /// The most that one order earns.
    #[serde(deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::POINTS_MAX.get()))]
    pub order: Option<i64>,
    /// The most that the orders of one day earn together.
    #[serde(deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::POINTS_MAX.get()))]
    pub day: Option<i64>,
    /// The most that the orders of one month of the calendar earn together.
    #[serde(deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::POINTS_MAX.get()))]
    pub month: Option<i64>,
    /// The most that the orders of one year of the calendar earn together.
    #[serde(deserialize_with = "some_whole", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "i64", range(min = 1, max = limits::POINTS_MAX.get()))]
    pub year: Option<i64>,
}

impl CapsDocument {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Caps for the engine; nothing when there are none.
    pub(super) fn caps(&self, mode: Mode) -> Result<Option<Caps>, Fault> {
        if self.is_empty() {
            return Ok(None);
        }
        if mode == Mode::StepsCarried {
            let what =
                "caps cannot stand beside earn.mode \"steps_carried\", where one order completes the step of another";
            return Err(Fault::new("earn.caps", what, "left out, or earn.mode \"steps\" or \"proportional\""));
        }
        let mut caps = Caps::default();
        let kept = [&mut caps.order, &mut caps.day, &mut caps.month, &mut caps.year];
        for ((kept, written), cap) in kept.into_iter().zip([self.order, self.day, self.month, self.year]).zip(Cap::ALL)
        {
            let path = format!("earn.caps.{}", cap.name());
            let checked = written.map(|it| within(&path, it, 1, limits::POINTS_MAX.get())).transpose()?;
            *kept = checked.map(Points::new);
        }
        Ok(Some(caps))
    }
}
