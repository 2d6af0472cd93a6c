//! A person is erased (M4): what is known of them and what finds them goes, and what staff have written about them; what is in the
//! ledger stays, under an id that leads to nobody.
//!
//! Written at once, as a batch of its own: it is the one command that changes entries, and nothing of them but words. Deleted rows
//! are overwritten (`secure_delete`), and the log is emptied as soon as nobody reads. Bounded by what one person has.

use std::collections::BTreeSet;

use engine::{Actor, Closing, Document, Entry, HoldNo, Kind, Lot, LotNo, Moment, OrderNo, Place, Reason};

use crate::batch::Batch;
use crate::command::Reply;
use crate::decide::{Answered, Refused, ask, find_member, post};
use crate::directory::identity_key;
use crate::fault::Found;
use crate::id::MemberId;
use crate::load::{read_entry, read_order};
use crate::member::{Identity, IdentityKind, MemberRef, words_of};
use crate::merge::{accounts_of, merges_of};
use crate::pack;
use crate::reference::invalid;
use crate::rows::NO_PROGRAMS;
use crate::save::one;
use crate::sql::{Connection, params};

/// What stands for a text that was erased.
pub const ERASED: &str = "(erased)";
/// Shorter texts are too common to be told from others.
const CHARS_MIN: usize = 3;

/// Erases a member, and all who were merged into it: they are one person.
pub(crate) fn erase(batch: &mut Batch<'_>, member: &MemberRef, moment: Moment) -> Answered {
    let owner = find_member(batch, member)?;
    let conn = batch.conn;
    let mut all = vec![owner];
    all.extend(merges_of(conn, owner)?.into_iter().filter(|it| !it.undone).map(|it| it.member));
    let mut known = Vec::new();
    for it in &all {
        known.extend(known_texts(conn, *it)?);
    }
    known.retain(|it| CHARS_MIN <= it.chars().count());
    for it in &all {
        erase_profile(conn, *it, moment)?;
        erase_words(conn, *it, &known)?;
    }
    // Nobody is parted from somebody who is not there any more.
    conn.prepare_cached("UPDATE merges SET stays = 1 WHERE owner_id = $1")?.execute(params![owner.0])?;
    Ok(Reply::Done)
}

/// Erases somebody who was brought over and has done nothing since: what signing up gave is forfeited. Whatever else was brought
/// over has been taken back before.
pub(crate) fn erase_unused(batch: &mut Batch<'_>, member: &MemberRef, moment: Moment) -> Answered {
    let owner = find_member(batch, member)?;
    if !merges_of(batch.conn, owner)?.is_empty() || batch.under != Place::OWN {
        return Err(used());
    }
    let given = given_by_itself(batch.conn, owner)?;
    let accounts = accounts_of(batch, owner)?;
    for id in &accounts {
        batch.load_from(*id, Place::OWN)?;
        let account = &batch.slot(*id)?.account;
        let is_left =
            |it: &Lot| (it.pending + it.available + it.held).is_positive() && !given.contains(&(id.program, it.at.no));
        let is_used = account.next_order != OrderNo(1) || account.next_hold != HoldNo(1);
        if is_used || account.balance.owed.is_positive() || account.lots().iter().any(is_left) {
            return Err(used());
        }
    }
    let closing = Closing { grace_days: 0, note: ERASED.to_owned() };
    for id in accounts.into_iter().filter(|it| it.program < NO_PROGRAMS) {
        if batch.slot(id)?.account.balance.outstanding().is_positive() {
            let mut decided = ask(batch, id, |account, rules| engine::close(account, rules, &closing, moment))?;
            post(batch, id, &mut decided, false)?;
        }
    }
    erase(batch, &MemberRef::Id(owner), moment)
}

fn used() -> Refused {
    invalid("member", "somebody who has done nothing since they were brought over").into()
}

/// The lots that nobody has brought over: what signing up and birthdays gave. Refused where anybody else has done anything.
fn given_by_itself(conn: &Connection, owner: MemberId) -> Result<BTreeSet<(u32, LotNo)>, Refused> {
    let select = "SELECT entry_no, at, kind, order_no, body, program FROM entries WHERE owner_id = $1";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![owner.0])?;
    let mut given = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let (entry, program) = (read_entry(row)?, row.get::<_, u32>(5)?);
        if !matches!(entry.actor, Actor::Import | Actor::System) {
            return Err(used());
        }
        if entry.kind == Kind::Activity {
            given.extend(entry.opened.iter().map(|it| (program, it.lot.no)));
        }
    }
    Ok(given)
}

/// The texts by which somebody is known: the name and every identity.
fn known_texts(conn: &Connection, owner: MemberId) -> Found<Vec<String>> {
    let mut texts: Vec<String> = identities_of(conn, owner)?.into_iter().map(|it| it.value.to_lowercase()).collect();
    let mut statement = conn.prepare_cached("SELECT name FROM members WHERE owner_id = $1")?;
    let name: Option<String> = statement.query_row(params![owner.0], |row| row.get(0))?;
    texts.extend(name.iter().flat_map(|it| words_of(it)));
    Ok(texts)
}

fn identities_of(conn: &Connection, owner: MemberId) -> Found<Vec<Identity>> {
    let mut statement = conn.prepare_cached("SELECT kind, value FROM identities WHERE owner_id = $1")?;
    let mut rows = statement.query(params![owner.0])?;
    let mut identities = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = IdentityKind::numbered(row.get(0)?);
        let kind = kind.ok_or(crate::fault::Fault::Row("an identity is of unknown kind"))?;
        identities.push(Identity { kind, value: row.get(1)? });
    }
    Ok(identities)
}

/// What is known, what finds them, and the words of the name.
fn erase_profile(conn: &Connection, owner: MemberId, moment: Moment) -> Found<()> {
    for identity in identities_of(conn, owner)? {
        let delete = "DELETE FROM directory WHERE key = $1";
        one(conn.prepare_cached(delete)?.execute(params![identity_key(&identity)])?)?;
    }
    let mut statement = conn.prepare_cached("SELECT name FROM members WHERE owner_id = $1")?;
    let name: Option<String> = statement.query_row(params![owner.0], |row| row.get(0))?;
    for word in name.as_deref().map(words_of).unwrap_or_default() {
        let delete = "DELETE FROM name_words WHERE word = $1 AND owner_id = $2";
        one(conn.prepare_cached(delete)?.execute(params![word, owner.0])?)?;
    }
    for table in ["identities", "cards"] {
        conn.prepare_cached(&format!("DELETE FROM {table} WHERE owner_id = $1"))?.execute(params![owner.0])?;
    }
    let update = "UPDATE members SET name = NULL, customer_type = NULL, birthday = NULL, birthday_since = NULL,
        erased_at = coalesce(erased_at, $1) WHERE owner_id = $2";
    one(conn.prepare_cached(update)?.execute(params![moment.now.micros(), owner.0])?)
}

/// What staff have written with entries; and in the documents of orders, texts that name the person.
fn erase_words(conn: &Connection, owner: MemberId, known: &[String]) -> Found<()> {
    let mut statement =
        conn.prepare_cached("SELECT entry_no, at, kind, order_no, body, program FROM entries WHERE owner_id = $1")?;
    let mut rows = statement.query(params![owner.0])?;
    let mut changed = Vec::new();
    while let Some(row) = rows.next()? {
        if let Some(entry) = without_note(read_entry(row)?) {
            changed.push((row.get::<_, u32>(5)?, entry.number.0, pack::pack_entry(&entry)));
        }
    }
    for (program, number, body) in changed {
        let update = "UPDATE ledger SET body = $1 WHERE owner_id = $2 AND program = $3 AND part = 4 AND phase = 0
            AND sort_at = 0 AND earned_at = 0 AND no = $4";
        one(conn.prepare_cached(update)?.execute(params![body, owner.0, program, number])?)?;
    }
    let mut statement = conn.prepare_cached(
        "SELECT order_no, channel, reference, biz_date, document, state, program FROM orders WHERE owner_id = $1",
    )?;
    let mut rows = statement.query(params![owner.0])?;
    let mut changed = Vec::new();
    while let Some(row) = rows.next()? {
        let order = read_order(row)?.order;
        let document = order.document.as_deref().and_then(|it| without_names(it, known));
        changed.extend(document.map(|it| (row.get::<_, u32>(6), order.no.0, pack::pack_document(&it))));
    }
    for (program, number, body) in changed {
        let update = "UPDATE ledger SET body = $1 WHERE owner_id = $2 AND program = $3 AND part = 3 AND phase = 0
            AND sort_at = 0 AND earned_at = 0 AND no = $4";
        one(conn.prepare_cached(update)?.execute(params![body, owner.0, program?, number])?)?;
    }
    Ok(())
}

/// The entry without what staff have written with it, if they have.
fn without_note(mut entry: Entry) -> Option<Entry> {
    let note = match &mut entry.reason {
        Reason::Note(note) => note,
        Reason::Claimed(claimed) => claimed.note.as_mut()?,
        _ => return None,
    };
    if note == ERASED {
        return None;
    }
    ERASED.clone_into(note);
    Some(entry)
}

/// The document without texts that name somebody, if it has any. Lines keep their numbers, by which they come back.
fn without_names(document: &Document, known: &[String]) -> Option<Document> {
    let names = |text: &Option<String>| {
        let text = text.as_ref().map(|it| it.to_lowercase()).unwrap_or_default();
        known.iter().any(|it| text.contains(it.as_str()))
    };
    let mut document = document.clone();
    let mut is_changed = false;
    let lines = document.lines.iter_mut().flat_map(|it| [&mut it.product, &mut it.category]);
    for text in lines.chain([&mut document.order_type]).filter(|it| names(it)) {
        *text = Some(ERASED.to_owned());
        is_changed = true;
    }
    is_changed.then_some(document)
}
