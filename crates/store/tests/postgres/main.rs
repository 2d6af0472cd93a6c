//! The store on PostgreSQL: the tests that say what a ledger does, whatever it is kept in, once more; and what only a server
//! can do, or do wrong.

#[path = "../it/access.rs"]
mod access;
#[path = "../it/ahead.rs"]
mod ahead;
#[path = "../it/batches.rs"]
mod batches;
#[path = "../it/budgets.rs"]
mod budgets;
#[path = "../it/cards.rs"]
mod cards;
#[path = "../it/catalogue.rs"]
mod catalogue;
#[path = "../it/certificates.rs"]
mod certificates;
mod cluster;
mod copies;
/// Nothing is killed here: what the tests need of it is a random generator.
mod crash {
    pub(crate) use crate::random::Random;
}
#[path = "../it/credit.rs"]
mod credit;
mod duplicates;
mod encrypted;
#[path = "../it/erased.rs"]
mod erased;
#[path = "../it/figures.rs"]
mod figures;
mod floor;
#[path = "../it/guests.rs"]
mod guests;
mod killed;
mod lanes;
mod law7;
#[path = "../it/limits.rs"]
mod limits;
#[path = "../it/lists.rs"]
mod lists;
#[path = "../it/merges.rs"]
mod merges;
mod migrated;
#[path = "../it/people.rs"]
mod people;
mod place;
mod processes;
#[path = "../it/random.rs"]
mod random;
mod raw;
mod refused;
mod round_trips;
mod schema;
#[path = "../it/search.rs"]
mod search;
#[path = "../it/shop.rs"]
mod shop;
mod silent;
#[path = "../it/standing.rs"]
mod standing;
mod still;
#[path = "../it/store.rs"]
mod store;
mod sweeps;
#[path = "../it/trial.rs"]
mod trial;
#[path = "../it/writer.rs"]
mod writer;
