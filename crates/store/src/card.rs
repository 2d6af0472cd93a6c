//! Cards: identities that staff label, block, replace and take away (M2).
//!
//! A card finds its member like every identity; what is said of it beside that stands in a row of its own, of which most cards
//! have none. Whether it is blocked stands in the directory, which every command that names it reads anyway. Bounded by the card
//! that a command names.

use engine::{Moment, Rejection, Timestamp, is_name};

use crate::batch::Batch;
use crate::command::Reply;
use crate::decide::{Answered, Refused, find_member};
use crate::directory::{DirectoryKey, Listed, identity_key};
use crate::fault::Found;
use crate::id::MemberId;
use crate::member::{Identity, IdentityKind, MemberRef};
use crate::people;
use crate::reference::invalid;
use crate::sql::{Connection, params};

/// The number that the directory has of a card that is blocked; other identities have 0.
pub(crate) const BLOCKED: u64 = 1;

pub(crate) const CARD: &str =
    "SELECT label, blocked_at, note, replaced_by FROM cards WHERE owner_id = $1 AND value = $2";

/// What is done with a card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CardAct {
    /// It becomes the member's. One that is already stays, with the label if there is one.
    Add { member: MemberRef, label: Option<String> },
    /// What is left out stays.
    Change(CardChange),
    /// The member has another card from now on; this one is blocked.
    Replace { by: String, note: Option<String> },
    /// It finds nobody any more. One that nobody has is gone already.
    Remove,
}

/// What is to change of a card. Left out: it stays; nothing inside: it has none any more.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardChange {
    /// A word of the shop's own, such as `gold` or `key fob`.
    pub label: Option<Option<String>>,
    pub blocked: Option<bool>,
    /// Why it is blocked.
    pub note: Option<Option<String>>,
}

/// What is said of a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardNotes {
    pub label: Option<String>,
    pub blocked_at: Option<Timestamp>,
    pub note: Option<String>,
    /// The number of the card that came in its place.
    pub replaced_by: Option<String>,
}

/// Does something with the card of a number.
pub(crate) fn run(batch: &mut Batch<'_>, card: &str, act: &CardAct, moment: Moment) -> Answered {
    let card = checked("card", card)?;
    match act {
        CardAct::Add { member, label } => add(batch, member, card, label.as_deref()),
        CardAct::Change(change) => changed(batch, card, change, moment.now),
        CardAct::Replace { by, note } => replace(batch, card, checked("by", by)?, note.as_deref(), moment.now),
        CardAct::Remove => match batch.find(identity_key(&card))? {
            Some(listed) => {
                batch.remove_identity(listed.owner, card);
                Ok(Reply::Done)
            }
            None => Ok(Reply::Done),
        },
    }
}

fn add(batch: &mut Batch<'_>, member: &MemberRef, card: Identity, label: Option<&str>) -> Answered {
    check_text("label", label)?;
    people::add_identity(batch, member, &card)?;
    if let Some(label) = label {
        let (owner, mut notes) = found(batch, &card)?;
        notes.label = Some(label.to_owned());
        batch.note_card(owner, card.value, notes);
    }
    Ok(Reply::Done)
}

fn changed(batch: &mut Batch<'_>, card: Identity, change: &CardChange, now: Timestamp) -> Answered {
    check_text("label", change.label.as_ref().and_then(Option::as_deref))?;
    check_text("note", change.note.as_ref().and_then(Option::as_deref))?;
    let (owner, mut notes) = found(batch, &card)?;
    if let Some(label) = &change.label {
        notes.label.clone_from(label);
    }
    match change.blocked {
        Some(true) => notes.blocked_at = notes.blocked_at.or(Some(now)),
        Some(false) => notes = CardNotes { label: notes.label, ..CardNotes::default() },
        None => {}
    }
    if let Some(note) = &change.note {
        notes.note.clone_from(note);
    }
    let is_blocked = notes.blocked_at.is_some();
    batch.note_card(owner, card.value.clone(), notes);
    batch.block(identity_key(&card), is_blocked)?;
    Ok(Reply::Done)
}

fn replace(batch: &mut Batch<'_>, card: Identity, by: Identity, note: Option<&str>, now: Timestamp) -> Answered {
    check_text("note", note)?;
    if by == card {
        return Err(invalid("by", "another number than that of the card").into());
    }
    let (owner, mut notes) = found(batch, &card)?;
    if notes.replaced_by.as_ref() == Some(&by.value) {
        return Ok(Reply::Done);
    }
    let label = notes.label.clone();
    check_usable(batch, owner, &by)?;
    add(batch, &MemberRef::Id(owner), by.clone(), label.as_deref())?;
    notes.blocked_at = notes.blocked_at.or(Some(now));
    notes.note = note.map(str::to_owned).or(notes.note);
    notes.replaced_by = Some(by.value);
    batch.note_card(owner, card.value.clone(), notes);
    batch.block(identity_key(&card), true)?;
    Ok(Reply::Done)
}

/// A card that is blocked itself would leave the member with none that pays.
fn check_usable(batch: &mut Batch<'_>, owner: MemberId, by: &Identity) -> Result<(), Refused> {
    let Some(listed) = batch.find(identity_key(by))?.filter(|it| it.number == BLOCKED) else { return Ok(()) };
    if batch.follow(listed.owner)? == batch.follow(owner)? {
        return Err(invalid("by", "a card that is not blocked").into());
    }
    Ok(())
}

/// Whose card it is first, and what is said of it.
fn found(batch: &mut Batch<'_>, card: &Identity) -> Result<(MemberId, CardNotes), Refused> {
    find_member(batch, &MemberRef::Identity(card.clone()))?;
    let listed = batch.find(identity_key(card))?.ok_or(Rejection::UnknownMember)?;
    Ok((listed.owner, batch.card(listed.owner, &card.value)?))
}

fn checked(path: &'static str, number: &str) -> Result<Identity, Refused> {
    let card = Identity::new(IdentityKind::Card, number);
    if card.is_valid() { Ok(card) } else { Err(invalid(path, "the number of a card: 1 to 120 bytes").into()) }
}

fn check_text(path: &'static str, text: Option<&str>) -> Result<(), Refused> {
    match text {
        Some(text) if !is_name(text) => Err(invalid(path, "1 to 120 bytes of text without control characters").into()),
        Some(_) | None => Ok(()),
    }
}

impl Batch<'_> {
    /// What is said of a card, as the commands before have left it.
    fn card(&self, owner: MemberId, number: &str) -> Found<CardNotes> {
        match self.rows.cards.get(&(owner, number.to_owned())) {
            Some(notes) => Ok(notes.clone().unwrap_or_default()),
            None => Ok(notes_of(self.conn, owner, number)?.unwrap_or_default()),
        }
    }

    fn note_card(&mut self, owner: MemberId, number: String, notes: CardNotes) {
        let notes = Some(notes).filter(|it| *it != CardNotes::default());
        self.rows.cards.insert((owner, number), notes);
    }

    /// The directory says from now on that a card is blocked, or that it is not.
    fn block(&mut self, key: DirectoryKey, is_blocked: bool) -> Found<()> {
        let number = if is_blocked { BLOCKED } else { 0 };
        let Some(listed) = self.find(key)?.filter(|it| it.number != number) else { return Ok(()) };
        // What this batch has listed is not stored yet.
        if self.rows.directory.insert(key, Listed { number, ..listed }).is_none() {
            self.rows.unlisted.insert(key);
        }
        Ok(())
    }
}

pub(crate) fn notes_of(conn: &Connection, owner: MemberId, number: &str) -> Found<Option<CardNotes>> {
    let mut statement = conn.prepare_cached(CARD)?;
    let mut rows = statement.query(params![owner.0, number])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let blocked_at = row.get::<_, Option<i64>>(1)?.map(Timestamp::from_micros);
    Ok(Some(CardNotes { label: row.get(0)?, blocked_at, note: row.get(2)?, replaced_by: row.get(3)? }))
}

/// Saves what is said of cards anew.
pub(crate) fn save(batch: &Batch<'_>) -> Found<()> {
    for ((owner, number), notes) in &batch.rows.cards {
        let delete = "DELETE FROM cards WHERE owner_id = $1 AND value = $2";
        batch.conn.prepare_cached(delete)?.execute_any(params![owner.0, number])?;
        let Some(CardNotes { label, blocked_at, note, replaced_by }) = notes else { continue };
        let insert = "INSERT INTO cards (owner_id, value, label, blocked_at, note, replaced_by)
            VALUES ($1, $2, $3, $4, $5, $6)";
        let blocked_at = blocked_at.map(Timestamp::micros);
        batch.conn.prepare_cached(insert)?.execute(params![owner.0, number, label, blocked_at, note, replaced_by])?;
    }
    Ok(())
}
