//! One file per command: its arguments, what it does, what it says.

pub(crate) mod act;
pub(crate) mod adjust;
pub(crate) mod backup;
pub(crate) mod bench;
pub(crate) mod channel;
pub(crate) mod close;
pub(crate) mod codes;
pub(crate) mod collect;
pub(crate) mod demo;
pub(crate) mod export;
pub(crate) mod hold;
pub(crate) mod import;
pub(crate) mod import_members;
pub(crate) mod key;
pub(crate) mod member;
pub(crate) mod merge;
pub(crate) mod program;
pub(crate) mod redate;
pub(crate) mod reinstate;
pub(crate) mod restore;
pub(crate) mod scenario;
pub(crate) mod serve;
pub(crate) mod statement;
pub(crate) mod sweep;
pub(crate) mod tier;
pub(crate) mod verify;
