//! The API of a real server on a real socket, over a real database: laws under many callers, connections that misbehave,
//! and a server that is killed.

mod brought;
mod caller;
mod clocks;
mod connections;
mod idle;
mod killed;
mod laws;
mod many;
mod metrics;
mod process;
mod random;
mod served;
mod twice;
mod two;
