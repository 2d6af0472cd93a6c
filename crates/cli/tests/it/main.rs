//! The integration tests of the binary, and the house rules: one test binary, because each costs a link.

mod bench;
mod cli;
#[path = "../../../store/tests/postgres/cluster.rs"]
mod cluster;
mod copies;
mod demo;
mod house;
mod http;
mod import;
mod keys;
mod members;
mod postgres;
mod shop;
