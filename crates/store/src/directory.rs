//! The directory: who was first. Its keys are half a SHA-256 each, so that a row is small and spreads evenly.

use engine::{Facts, Timestamp};
use sha2::{Digest as _, Sha256};

use crate::batch::Profile;
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::member::Identity;
use crate::sql::{self, Connection, OptionalExtension as _, params};
use crate::{migrate, rows};

pub(crate) type DirectoryKey = [u8; 16];

pub(crate) const FIND: &str = "SELECT owner_id, kind, program, number FROM directory WHERE key = $1";
pub(crate) const ANSWER: &str = "SELECT fingerprint, answer FROM answers WHERE key = $1";

pub(crate) const FACTS: &str = "SELECT customer_type, birthday, birthday_since FROM members WHERE owner_id = $1";

/// What a directory key leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) owner: MemberId,
    pub(crate) kind: Listing,
    pub(crate) program: u32,
    /// Of the order or entry within its account; 0 for an identity.
    pub(crate) number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Listing {
    Identity,
    Order,
    /// The permanent reference of an adjustment.
    Reference,
    /// A return that is a document of its own; its number is that of the order that it is of, or of its own row.
    Return,
    /// An order that has no member yet.
    Guest,
    /// The code of a certificate, by a hash under a key.
    Certificate,
    /// The same of one that belonged to nobody until its owner used it.
    Claimed,
}

impl Listing {
    pub(crate) const ALL: [Self; 7] =
        [Self::Identity, Self::Order, Self::Reference, Self::Return, Self::Guest, Self::Certificate, Self::Claimed];

    /// The stable number of the kind in the database.
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Identity => 1,
            Self::Order => 2,
            Self::Reference => 3,
            Self::Return => 4,
            Self::Guest => 5,
            Self::Certificate => 6,
            Self::Claimed => 7,
        }
    }

    pub(crate) fn is_code(self) -> bool {
        matches!(self, Self::Certificate | Self::Claimed)
    }
}

pub(crate) fn identity_key(identity: &Identity) -> DirectoryKey {
    hashed(Listing::Identity.number(), u32::from(identity.kind.number()), &identity.value)
}

pub(crate) fn order_key(channel: u32, reference: &str) -> DirectoryKey {
    hashed(Listing::Order.number(), channel, reference)
}

pub(crate) fn return_key(channel: u32, reference: &str) -> DirectoryKey {
    hashed(Listing::Return.number(), channel, reference)
}

pub(crate) fn reference_key(program: u32, reference: &str) -> DirectoryKey {
    hashed(Listing::Reference.number(), program, reference)
}

/// The key of an answer; it stands in a table of its own.
pub(crate) fn answer_key(key: &str) -> DirectoryKey {
    hashed(0, 0, key)
}

fn hashed(kind: u8, number: u32, value: &str) -> DirectoryKey {
    let mut hash = Sha256::new();
    hash.update([kind]);
    hash.update(number.to_be_bytes());
    hash.update(value);
    let mut key = [0; 16];
    key.copy_from_slice(&hash.finalize()[..16]);
    key
}

pub(crate) fn find(conn: &Connection, key: DirectoryKey) -> Found<Option<Listed>> {
    let mut statement = conn.prepare_cached(FIND)?;
    let mut rows = statement.query(params![key])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let number: u8 = row.get(1)?;
    let kind = Listing::ALL.into_iter().find(|it| it.number() == number);
    let kind = kind.ok_or(Fault::Row("the directory has a row of unknown kind"))?;
    Ok(Some(Listed { owner: rows::member(row, 0)?, kind, program: row.get(2)?, number: row.get(3)? }))
}

/// What was remembered for an idempotency key: the fingerprint of the body, and the packed answer.
pub(crate) fn find_answer(conn: &Connection, key: DirectoryKey) -> Found<Option<([u8; 16], Vec<u8>)>> {
    let mut statement = conn.prepare_cached(ANSWER)?;
    Ok(statement.query_row(params![key], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

const SLICE: usize = 1_000;
/// Says when the last walk over all answers ended.
pub(crate) const WALKED: &str = "answers_walked_at";

/// Deletes what is from before an instant of the next slice of answers. Answers how many, and where the next slice begins.
pub(crate) fn forget_answers(
    conn: &Connection,
    after: Option<DirectoryKey>,
    before: Timestamp,
    now: Timestamp,
) -> Found<(u64, Option<DirectoryKey>)> {
    let after = after.map_or_else(Vec::new, Vec::from);
    let mut find = conn.prepare_cached("SELECT key, at FROM answers WHERE $1 < key ORDER BY key LIMIT $2")?;
    let found = find.query_map(params![after, SLICE], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let slice = found.collect::<sql::Result<Vec<(DirectoryKey, i64)>>>()?;
    let mut delete = conn.prepare_cached("DELETE FROM answers WHERE key = $1")?;
    let mut deleted = 0;
    for (key, _) in slice.iter().filter(|(_, at)| *at < before.micros()) {
        delete.execute(params![key])?;
        deleted += 1;
    }
    let next = if slice.len() < SLICE { None } else { slice.last().map(|(key, _)| *key) };
    if next.is_none() {
        migrate::set_meta(conn, WALKED, &now.micros().to_string())?;
    }
    Ok((deleted, next))
}

/// What is known of a stored member.
pub(crate) fn profile_of(conn: &Connection, id: MemberId) -> Found<Profile> {
    let select = "SELECT customer_type, birthday, birthday_since, name FROM members WHERE owner_id = $1";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![id.0])?;
    let row = rows.next()?.ok_or(Fault::Row("a member that changes is stored"))?;
    Ok(Profile { name: row.get(3)?, facts: rows::facts(row, 0)? })
}

/// Facts about a member; of one that is not stored yet, none.
pub(crate) fn facts_of(conn: &Connection, id: MemberId) -> Found<Facts> {
    let mut statement = conn.prepare_cached(FACTS)?;
    let mut rows = statement.query(params![id.0])?;
    rows.next()?.map_or_else(|| Ok(Facts::default()), |row| rows::facts(row, 0))
}

/// How many identities of a member are stored.
pub(crate) fn identities_of(conn: &Connection, id: MemberId) -> Found<usize> {
    let mut statement = conn.prepare_cached("SELECT count(*) FROM identities WHERE owner_id = $1")?;
    Ok(statement.query_row(params![id.0], |row| row.get(0))?)
}

/// Whether nobody knows any more who that is.
pub(crate) fn is_erased(conn: &Connection, id: MemberId) -> Found<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM members WHERE owner_id = $1 AND erased_at IS NOT NULL")?;
    Ok(statement.exists(params![id.0])?)
}

/// Whether there is such a member.
pub(crate) fn is_member(conn: &Connection, id: MemberId) -> Found<bool> {
    if id.is_bearer() { Ok(false) } else { is_owner(conn, id) }
}

/// Whether there is a row of an owner, whatever it is.
pub(crate) fn is_owner(conn: &Connection, id: MemberId) -> Found<bool> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM members WHERE owner_id = $1")?;
    Ok(statement.exists(params![id.0])?)
}
