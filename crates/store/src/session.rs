//! Signing in: links that open one session, and sessions. Both are secrets of which only the hash is kept.
//!
//! A command writes one row at once: nothing is shared with the ledger. What has expired is deleted with old answers, a
//! slice a day.

use engine::Timestamp;

use crate::batch::Batch;
use crate::command::{Failure, Reply};
use crate::decide::{Answered, Refused};
use crate::fault::Found;
use crate::key::SecretHash;
use crate::reference::invalid;
use crate::sql::{Connection, OptionalExtension as _, params};

/// The most rows that one command deletes.
const SLICE: usize = 1_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Link,
    Session,
}

impl Kind {
    /// The stable number of the kind in the database.
    fn number(self) -> u8 {
        match self {
            Self::Link => 1,
            Self::Session => 2,
        }
    }
}

pub(crate) fn open_link(batch: &Batch<'_>, link: SecretHash, expires_at: Timestamp) -> Answered {
    open(batch, Kind::Link, link, None, expires_at)
}

pub(crate) fn open_session(
    batch: &Batch<'_>,
    session: SecretHash,
    key: Option<u32>,
    expires_at: Timestamp,
) -> Answered {
    open(batch, Kind::Session, session, key, expires_at)
}

/// A link is good for one session: whoever comes second fails. Who asks again since it was in doubt has that session.
pub(crate) fn use_link(batch: &Batch<'_>, link: SecretHash, session: SecretHash, expires_at: Timestamp) -> Answered {
    check(expires_at)?;
    if is_open(batch.conn, Kind::Session, session, batch.now)? {
        return Ok(Reply::Done);
    }
    if !is_open(batch.conn, Kind::Link, link, batch.now)? {
        return Err(Refused::Failed(Failure::UnknownLink));
    }
    delete(batch.conn, Kind::Link, link)?;
    open(batch, Kind::Session, session, None, expires_at)
}

pub(crate) fn end_session(batch: &Batch<'_>, session: SecretHash) -> Answered {
    delete(batch.conn, Kind::Session, session)?;
    Ok(Reply::Done)
}

/// Whether the session is open at that instant.
pub(crate) fn is_session(conn: &Connection, session: SecretHash, now: Timestamp) -> Found<bool> {
    is_open(conn, Kind::Session, session, now)
}

/// Deletes some of what has expired.
pub(crate) fn forget_expired(conn: &Connection, now: Timestamp) -> Found<()> {
    let mut delete = conn
        .prepare_cached("DELETE FROM tokens WHERE hash IN (SELECT hash FROM tokens WHERE expires_at <= $1 LIMIT $2)")?;
    delete.execute(params![now.micros(), SLICE])?;
    Ok(())
}

/// Nobody is signed in to a copy of yesterday.
pub(crate) fn forget_all(conn: &Connection) -> Found<()> {
    conn.execute("DELETE FROM tokens", [])?;
    Ok(())
}

/// Ends what was opened with an API key, together with the key.
pub(crate) fn end_sessions_of(conn: &Connection, key: u32) -> Found<()> {
    conn.execute("DELETE FROM tokens WHERE key = $1", params![key])?;
    Ok(())
}

fn open(batch: &Batch<'_>, kind: Kind, hash: SecretHash, key: Option<u32>, expires_at: Timestamp) -> Answered {
    check(expires_at)?;
    let mut insert = batch.conn.prepare_cached(
        "INSERT INTO tokens (hash, kind, created_at, expires_at, key) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (hash) DO UPDATE SET kind = excluded.kind, expires_at = excluded.expires_at, key = excluded.key",
    )?;
    insert.execute(params![hash.0, kind.number(), batch.now.micros(), expires_at.micros(), key])?;
    Ok(Reply::Done)
}

fn check(expires_at: Timestamp) -> Result<(), Refused> {
    if expires_at.is_in_limits() { Ok(()) } else { Err(invalid("expires_at", "a time up to the year 2500").into()) }
}

/// A session may be written after its key was revoked: who asked for it was let in a moment before.
fn is_open(conn: &Connection, kind: Kind, hash: SecretHash, now: Timestamp) -> Found<bool> {
    let mut find = conn.prepare_cached(
        "SELECT expires_at FROM tokens WHERE hash = $1 AND kind = $2
        AND (key IS NULL OR EXISTS (SELECT 1 FROM keys WHERE keys.number = tokens.key AND revoked_at IS NULL))",
    )?;
    let expires_at: Option<i64> = find.query_row(params![hash.0, kind.number()], |row| row.get(0)).optional()?;
    Ok(expires_at.is_some_and(|it| now.micros() < it))
}

fn delete(conn: &Connection, kind: Kind, hash: SecretHash) -> Found<()> {
    let mut delete = conn.prepare_cached("DELETE FROM tokens WHERE hash = $1 AND kind = $2")?;
    delete.execute(params![hash.0, kind.number()])?;
    Ok(())
}
