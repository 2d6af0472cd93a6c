//! The face of Guerdon: program documents as people write them, the ledger in words, and the server.
//!
//! | question | file |
//! |---|---|
//! | which URLs are there? | `router.rs` |
//! | what does a URL do? | `api/` (JSON), `pages/` (HTML) |
//! | what may a request be, and who sends it? | `extract.rs`, `access.rs`, `throttle.rs`, `guard.rs` |
//! | what does the API say of itself? | `openapi.rs`, examples in `api/examples/` |
//! | how is something refused? | `problem.rs` |
//! | what does it tell whoever watches it? | `metrics.rs` |
//! | what goes over the wire? | `wire/` |
//! | how are members brought over from another system? | `bring/` |
//! | how does it listen and stop? | `serve.rs`, `patience.rs`, limits in `config.rs` |
//! | what may stand in a program document? | `program/document.rs`, limits in `program/allowed.rs` |
//! | how is one read, and refused? | `program/read.rs`, `program/fault.rs` |
//! | what does the engine make of it? | `program/terms.rs` |
//! | what does it do, with worked numbers? | `program/plain.rs`, `program/example.rs` |
//! | how is an entry, an answer or a refusal told? | `words/` |

mod access;
mod api;
mod app;
pub mod bring;
mod catalog;
mod config;
mod extract;
mod fault;
mod guard;
mod metrics;
mod openapi;
mod origin;
pub mod pages;
mod patience;
mod problem;
pub mod program;
mod router;
mod serve;
mod session;
mod throttle;
pub mod wire;
pub mod words;

pub use access::{hint as key_hint, key_text};
pub use api::certificates::certificate_status;
pub use api::people::person_as_json;
pub use app::App;
pub use config::{Config, Draw, Limits, system_draw};
pub use openapi::openapi;
pub use router::{OPERATIONS, router};
pub use serve::{raise_file_limit, serve};
pub use words::spaced;
