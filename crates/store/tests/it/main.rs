//! Tests of the store from outside: one binary, one module per subject.

#[cfg(unix)]
mod access;
mod ahead;
#[cfg(unix)]
mod batches;
mod budgets;
mod cards;
mod catalogue;
mod certificates;
mod crash;
mod credit;
#[cfg(unix)]
mod durable;
mod erased;
#[cfg(target_os = "linux")]
mod failing_disk;
mod figures;
mod floor;
mod guests;
#[cfg(unix)]
mod limits;
#[cfg(unix)]
mod lists;
mod long;
mod merges;
mod people;
mod place;
#[cfg(target_os = "linux")]
mod power_cut;
#[cfg(target_os = "linux")]
mod power_cut_proof;
mod random;
mod search;
mod shop;
#[cfg(unix)]
mod standing;
mod store;
mod trial;
mod writer;
