//! What people write and read: program documents, and the ledger in words.
//!
//! | question | file |
//! |---|---|
//! | what may stand in a program document? | `program/document.rs`, limits in `program/allowed.rs` |
//! | how is one read, and refused? | `program/read.rs`, `program/fault.rs` |
//! | what does the engine make of it? | `program/terms.rs` |
//! | what does it do, with worked numbers? | `program/plain.rs`, `program/example.rs` |
//! | how is an entry, an answer or a refusal told? | `words/` |

pub mod program;
pub mod words;
