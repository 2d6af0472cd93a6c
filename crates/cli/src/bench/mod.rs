//! How fast the program is on this machine, as ratios to a floor that is measured in the same run: the rows that the store
//! writes for an order, written with no rules and no look-ups.
//!
//! | question | file |
//! |---|---|
//! | what is sold to whom? | `shop.rs` |
//! | how fast are the rules alone? | `engine.rs` |
//! | one round of floor, store and HTTP | `round.rs`, on a server also `pgbench.rs` and `servers.rs` |
//! | what do a million lots cost? | `lots.rs`; when they have expired, `sweep.rs` and `memory.rs` |
//! | what do ten times as many members cost? | `sizes.rs` |
//! | in which databases? | `place.rs` |
//! | who sends over HTTP, and to whom? | `load.rs`, `served.rs` |
//! | what comes out, and in which words? | `figures.rs` |

pub(crate) mod engine;
pub(crate) mod figures;
pub(crate) mod folder;
pub(crate) mod load;
pub(crate) mod lots;
pub(crate) mod memory;
pub(crate) mod pgbench;
pub(crate) mod place;
pub(crate) mod round;
pub(crate) mod served;
pub(crate) mod servers;
pub(crate) mod shop;
pub(crate) mod sizes;
pub(crate) mod sweep;
