//! The integration tests of the binary, and the house rules: one test binary, because each costs a link.

mod cli;
mod demo;
mod house;
mod http;
mod import;
mod keys;
mod members;
mod shop;
