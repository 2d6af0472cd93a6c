//! Bringing members over from another system, with what they have there: cards, points with their last days, a tier, store credit,
//! certificates (M5). From a file and over the API it is the same rule.
//!
//! Each row is carried out by itself and reported by itself. Points, credit and certificates are booked under permanent references
//! made of the import's name and the row's, so that a row that is sent again brings nothing twice, and can be taken back.

mod desk;
mod groups;
mod row;
mod run;

pub use desk::{Desk, Live, Tried};
pub use row::{COLUMNS, MemberRow, RowReader, allowed, identity, member};
pub use run::{Done, RowProblem, Run};
