//! The engine held against the laws of the design, a slow and obvious model, and the worked numbers.
//!
//! Random histories of one account; `PROPTEST_CASES` raises their number. A failure prints its seed and shrinks.

mod agreement;
mod bearers;
mod bodies;
mod budgets;
mod caps;
mod carry;
mod convergence;
mod earning;
mod extend;
mod extremes;
mod guests;
mod histories;
mod laws;
mod ledger;
mod loading;
mod merges;
mod model;
mod numbers;
mod offers;
mod programs;
mod refusals;
mod returns;
mod rewards;
mod seeded;
mod shop;
mod tiers;
mod till;
mod transcript;
