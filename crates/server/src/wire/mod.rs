//! What goes over the wire: the shapes of requests and answers, apart from the engine's own types, so that a change inside
//! never changes the API.
//!
//! Money is a decimal text in the program's currency, points are whole numbers, times are RFC 3339, days ISO 8601.

pub(crate) mod account;
pub(crate) mod entry;
pub(crate) mod ids;
pub(crate) mod lot;
pub mod misfit;
pub(crate) mod object;
pub mod order;
pub(crate) mod page;
pub(crate) mod reward;
pub(crate) mod tier;
pub(crate) mod worked;

use engine::{Timestamp, Zone};

/// An instant as RFC 3339 in UTC; nothing for never.
pub(crate) fn time(at: Timestamp) -> Option<String> {
    (at != Timestamp::NEVER).then(|| at.to_string())
}

/// The last local day on which points can be spent that are gone at `expires_at`; nothing when they never are.
pub(crate) fn last_day(expires_at: Timestamp, zone: &Zone) -> Option<String> {
    let last = Timestamp::from_micros(expires_at.micros().saturating_sub(1));
    (expires_at != Timestamp::NEVER).then(|| zone.date_of(last).to_string())
}
