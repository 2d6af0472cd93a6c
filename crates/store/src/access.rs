//! API keys as they are stored: a change of reference data like that of a program, since every request reads them.

use engine::{Timestamp, is_name};

use crate::command::{Failure, Reply};
use crate::fault::{Fault, Found};
use crate::key::{KeyInfo, Scopes, SecretHash};
use crate::reference::{Change, Changed, Refused, invalid};
use crate::rows::time;
use crate::session::end_sessions_of;
use crate::sql::{Connection, Row, params};

const HINT_CHARS_MAX: usize = 8;

/// What a new key is made of.
pub(crate) struct NewKey<'a> {
    pub(crate) name: &'a str,
    pub(crate) hash: SecretHash,
    pub(crate) hint: &'a str,
    pub(crate) scopes: Scopes,
}

pub(crate) fn add_key(change: &Change<'_>, key: &NewKey<'_>) -> Changed {
    if !is_name(key.name) {
        return Err(invalid("name", "1 to 120 bytes of text without control characters").into());
    }
    if HINT_CHARS_MAX < key.hint.chars().count() || key.hint.chars().any(char::is_control) {
        return Err(invalid("hint", "the last characters of the key, at most 8").into());
    }
    if key.scopes.is_empty() {
        return Err(invalid(
            "scopes",
            "at least one of read, orders, members, adjust, programs, import, metrics, admin",
        )
        .into());
    }
    let taken = "SELECT 1 FROM keys WHERE hash = $1";
    if change.conn.prepare_cached(taken)?.exists(params![key.hash.0])? {
        return Err(invalid("hash", "one that no other key has: draw another secret").into());
    }
    let last: Option<u32> = change.conn.query_row("SELECT max(number) FROM keys", [], |row| row.get(0))?;
    let number = last.map_or(1, |it| it + 1);
    change.conn.execute(
        "INSERT INTO keys (number, name, hash, hint, scopes, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
        params![number, key.name, key.hash.0, key.hint, key.scopes.bits(), change.clock.micros()],
    )?;
    Ok(Reply::Key { number })
}

/// The key stays, so that entries go on saying whose it was. Its first end counts. Whoever signed in with it is signed
/// out.
pub(crate) fn revoke_key(change: &Change<'_>, number: u32) -> Changed {
    let update = "UPDATE keys SET revoked_at = coalesce(revoked_at, $1) WHERE number = $2";
    match change.conn.execute(update, params![change.clock.micros(), number])? {
        0 => Err(Refused::Failed(Failure::UnknownKey)),
        _ => {
            end_sessions_of(change.conn, number)?;
            Ok(Reply::Done)
        }
    }
}

/// All keys, revoked ones too, in the order of their numbers.
pub(crate) fn load_keys(conn: &Connection) -> Found<Vec<KeyInfo>> {
    let select = "SELECT number, name, hash, hint, scopes, created_at, revoked_at FROM keys ORDER BY number";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query([])?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        keys.push(read_key(row)?);
    }
    Ok(keys)
}

fn read_key(row: &Row<'_>) -> Found<KeyInfo> {
    Ok(KeyInfo {
        number: row.get(0)?,
        name: row.get(1)?,
        hash: SecretHash(row.get(2)?),
        hint: row.get(3)?,
        scopes: Scopes::of_bits(row.get(4)?).ok_or(Fault::Row("an API key has a scope that is unknown"))?,
        created_at: time(row, 5)?,
        revoked_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_micros),
    })
}
