//! The memory of Guerdon: keeps a ledger in a database and changes it by commands.
//!
//! | question | file |
//! |---|---|
//! | what can be asked, what is answered? | `command.rs`, `member.rs`, `id.rs`, `key.rs`, `error.rs` |
//! | how does a batch run? | `queue.rs`, `flight.rs`, `commit.rs`, `ahead.rs`, `locks.rs`, then `decide.rs` (members `people.rs`, store credit `credit.rs`, certificates `certificate.rs` and their codes `code.rs`, signing in `session.rs`), `load.rs`, `batch.rs`, `save.rs` |
//! | where is it kept? | `database.rs`: `file.rs` for SQLite, `postgres.rs` and `tls.rs` for PostgreSQL; both behind the seam `sql/` |
//! | which tables are there? | `migrations/`, `migrate.rs`; rows in `rows.rs` and `pack/` |
//! | what do screens and reports read? | `query/`, `gate.rs`, `long.rs` |
//! | how does it move to another database? | `copy.rs` |
//! | is it all true? how fast could it be? | `verify.rs`, `export.rs`, `floor.rs`, `gather.rs` |

mod access;
mod acts;
mod ahead;
mod backup;
mod batch;
mod bearer;
mod card;
mod certificate;
mod checkpoint;
mod claim;
mod clock;
mod code;
mod command;
mod commit;
mod copy;
mod counters;
mod credit;
mod damage;
mod database;
mod decide;
mod directory;
mod erase;
mod error;
mod export;
mod export_merge;
mod fault;
mod fetch;
mod file;
mod flight;
mod floor;
mod gate;
mod gather;
mod guest;
mod id;
mod key;
mod lease;
mod load;
mod locks;
mod long;
mod member;
mod merge;
mod meter;
mod migrate;
mod moved;
mod pack;
mod people;
#[cfg(test)]
mod plans;
mod postgres;
mod query;
mod queue;
mod reference;
mod renew;
mod returns;
mod rows;
mod save;
mod scratch;
mod session;
mod sql;
mod store;
mod sweep;
mod tls;
mod totals;
mod trial;
mod verify;
mod watch;
mod withdraw;

pub use backup::{backup, restore};
pub use card::{CardAct, CardChange, CardNotes};
pub use certificate::{CertificateRef, NewCertificates, certificate_ledger};
pub use checkpoint::LogWritten;
pub use clock::{Clock, system_clock};
pub use code::{CodeHash, KEY_VARIABLE};
pub use command::{Body, Command, Failure, Key, Ledger, OrderName, Reply, ReturnedPart, Ticket, Time};
pub use copy::{Copied, CopyStep, copy};
pub use database::Database;
pub use erase::ERASED;
pub use error::StoreError;
pub use export::ExportError;
pub use floor::{Floor, FloorRun};
pub use gather::gather;
pub use id::{ChannelId, IdFault, MemberId, ProgramId};
pub use key::{KeyInfo, ScopeFault, Scopes, SecretHash};
pub use member::{Identity, IdentityKind, MemberChange, MemberFault, MemberRef};
pub use meter::{Counted, Outcome, Spread, Waiting};
pub use postgres::{Address, split_lanes};
pub use query::{
    Background, BearerInfo, CardInfo, CertificateInfo, ChannelInfo, ClaimCursor, ClaimInfo, CreditInfo, CursorFault,
    DayTotals, Due, HoldCursor, LotCursor, LotPhase, MemberInfo, MemberRules, MergeInfo, OrderInfo, ProgramInfo,
    Reader, RewardInfo, SearchCursor, SearchPage, Standing, TableSize, WaitingClaim, credit_ledger,
};
pub use reference::Compile;
pub use renew::renew_codes;
pub use scratch::{Databases, Scratch, settle_server};
pub use store::{Options, Store};
pub use sweep::{Swept, retry_parked, sweep, sweep_while};
pub use totals::Totals;
pub use trial::Trial;
pub use verify::VerifyReport;
