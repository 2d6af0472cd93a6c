//! The API under `/v1`, one file for each noun. A handler reads the request, submits or queries, and shows the answer.

pub(crate) mod accounts;
pub(crate) mod acts;
pub(crate) mod bearers;
pub(crate) mod cards;
pub(crate) mod certificates;
pub(crate) mod channels;
pub(crate) mod claims;
pub(crate) mod closings;
pub(crate) mod credit;
pub(crate) mod examples;
pub(crate) mod health;
pub(crate) mod holds;
pub(crate) mod imports;
pub(crate) mod keys;
pub(crate) mod members;
pub(crate) mod merges;
pub(crate) mod metrics;
pub(crate) mod orders;
pub(crate) mod people;
pub(crate) mod programs;
pub(crate) mod quotes;
pub(crate) mod redatings;
pub(crate) mod returns;
pub(crate) mod rewards;
pub(crate) mod tiers;
mod worth;
