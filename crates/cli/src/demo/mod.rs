//! The sample shop: a real purchase history, an invented layer on top, and how both get into a database.

mod history;
mod layer;
mod load;
mod script;
mod wallet;

pub(crate) use load::Sample;
