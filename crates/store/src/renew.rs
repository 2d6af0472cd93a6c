//! All codes of certificates drawn anew, under a new key: the way out when the key is lost, or when somebody else has it (C3).
//!
//! Old codes find nothing any more; certificates keep their numbers, values and dates. The new key is on the disk before the first
//! code is drawn with it, and takes its name once all are: a process that dies in between goes on when this is called again.
//! Bounded by a thousand codes at a time; nobody else has the database meanwhile.

use std::path::Path;
use std::sync::Arc;

use engine::{LotNo, Timestamp};

use crate::code::{CHECK, CodeKey, KEY_VARIABLE, draw_key, listed_hash, read_key, write_key};
use crate::database::Database;
use crate::directory::{DirectoryKey, Listing, find};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::file::{beside, lock, open_writing};
use crate::id::MemberId;
use crate::migrate::{inspect, meta, set_meta};
use crate::rows::{self, AccountId};
use crate::sql::{Connection, params};

const SLICE: usize = 1_000;

/// A code as it lies in the ledger.
type Kept = (AccountId, LotNo, Vec<u8>);

/// Draws all codes anew; answers how many. With the right key at hand only if `even_so`: then nothing is lost.
///
/// # Errors
/// When the database is in use or damaged, when nothing is lost, or when a key lies there that is of another database.
pub fn renew_codes(database: &Database, now: Timestamp, even_so: bool) -> Result<u64, StoreError> {
    let Some(path) = database.file() else {
        let what = format!("of a server is in {KEY_VARIABLE}, and is drawn anew only for a file");
        return Err(StoreError::CodeKey { path: database.path().to_owned(), what });
    };
    if !path.exists() {
        return Err(StoreError::Missing(path.to_owned()));
    }
    let _lock = lock(&path.canonicalize().unwrap_or_else(|_| path.to_owned()))?;
    inspect(path)?;
    let conn = open_writing(path, now, &Arc::default())?;
    let Some(expected) = meta(&conn, CHECK).map_err(|it| it.at(path))? else { return Ok(0) };
    let (file, fresh) = (beside(path, ".key"), beside(path, ".key.new"));
    let fault = |what: &str| StoreError::CodeKey { path: file.clone(), what: what.to_owned() };
    let of_variable = std::env::var(KEY_VARIABLE).ok();
    let known = read_key(of_variable.as_deref(), &file)?;
    match known.as_ref().map(|(key, _)| key.check == expected) {
        Some(true) if !even_so => return Err(fault("is there and belongs to the database: nothing is lost")),
        Some(true) if of_variable.is_some() => {
            return Err(fault(&format!("is in {KEY_VARIABLE}: set that to a new key of 64 hexadecimal digits")));
        }
        Some(false) if of_variable.is_none() => {
            return Err(fault("is the key of another database; move it away first"));
        }
        _ => {}
    }
    // Died before the new key took its name: the codes are drawn with it already.
    if of_variable.is_none() && read_key(None, &fresh)?.is_some_and(|(key, _)| key.check == expected) {
        keep_name(&fresh, &file)?;
        return Ok(0);
    }
    let (key, bytes) = match known {
        Some((key, bytes)) if of_variable.is_some() => (key, bytes),
        _ => draw_key(&file)?,
    };
    if of_variable.is_none() {
        // One that was left behind was used for nothing.
        std::fs::remove_file(&fresh).ok();
        write_key(&fresh, &bytes)?;
    }
    let mut seed = [0; 8];
    getrandom::fill(&mut seed).map_err(|error| fault(&format!("cannot be drawn ({error})")))?;
    let renewed = renew(&conn, &key, u64::from_be_bytes(seed)).map_err(|it| it.at(path))?;
    if of_variable.is_none() {
        if file.exists() {
            keep_name(&file, &beside(path, ".key.old"))?;
        }
        keep_name(&fresh, &file)?;
    }
    Ok(renewed)
}

fn keep_name(from: &Path, to: &Path) -> Result<(), StoreError> {
    std::fs::rename(from, to).map_err(|error| StoreError::io(to, &error))
}

/// All codes in one transaction.
fn renew(conn: &Connection, key: &CodeKey, seed: u64) -> Found<u64> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let done = renew_all(conn, key, seed);
    conn.execute_batch(if done.is_ok() { "COMMIT" } else { "ROLLBACK" })?;
    done
}

fn renew_all(conn: &Connection, key: &CodeKey, seed: u64) -> Found<u64> {
    let mut renewed = 0;
    let mut after: Option<(AccountId, LotNo)> = None;
    loop {
        let slice = codes_after(conn, after)?;
        let Some((id, no, _)) = slice.last() else { break };
        after = Some((*id, *no));
        for (id, no, body) in &slice {
            let hash = listed_hash(body)?;
            let kind = find(conn, hash)?.map_or(Listing::Certificate, |it| it.kind).number();
            conn.prepare_cached("DELETE FROM directory WHERE key = $1")?.execute(params![hash])?;
            let (hash, body) = fresh_code(conn, key, seed, (*id, *no))?;
            let insert = "INSERT INTO directory (key, owner_id, kind, program, number) VALUES ($1, $2, $3, $4, $5)";
            conn.prepare_cached(insert)?.execute(params![hash, id.owner.0, kind, id.program, no.0])?;
            let update = "UPDATE ledger SET body = $1 WHERE owner_id = $2 AND program = $3 AND part = 8 AND phase = 0
                AND sort_at = 0 AND earned_at = 0 AND no = $4";
            conn.prepare_cached(update)?.execute(params![body, id.owner.0, id.program, no.0])?;
            renewed += 1;
        }
    }
    set_meta(conn, CHECK, &key.check)?;
    Ok(renewed)
}

/// A code that nobody has, as it is looked up and as it is kept.
fn fresh_code(
    conn: &Connection,
    key: &CodeKey,
    seed: u64,
    certificate: (AccountId, LotNo),
) -> Found<(DirectoryKey, Vec<u8>)> {
    for attempt in 0..u32::MAX {
        let code = key.draw(seed, certificate, attempt);
        let hash = key.hash_of(&code);
        if find(conn, hash)?.is_none() {
            return Ok((hash, key.seal(&code, certificate)));
        }
    }
    Err(Fault::Row("no code is free"))
}

fn codes_after(conn: &Connection, after: Option<(AccountId, LotNo)>) -> Found<Vec<Kept>> {
    let (id, no) = after.unwrap_or((AccountId { owner: MemberId([0; 16]), program: 0 }, LotNo(0)));
    let select = "SELECT owner_id, program, lot_no, body FROM codes WHERE ($1, $2, $3) < (owner_id, program, lot_no)
        ORDER BY owner_id, program, lot_no LIMIT $4";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![id.owner.0, id.program, no.0, SLICE])?;
    let mut codes = Vec::new();
    while let Some(row) = rows.next()? {
        let id = AccountId { owner: rows::member(row, 0)?, program: row.get(1)? };
        codes.push((id, LotNo(row.get(2)?), row.get(3)?));
    }
    Ok(codes)
}
