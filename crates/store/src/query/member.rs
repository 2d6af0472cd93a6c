//! Members, found by what they are known by.

use engine::{Facts, Place, Timestamp};

use super::Reader;
use crate::card::{BLOCKED, CardNotes, notes_of};
use crate::directory::{find, identity_key, is_member};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::member::{Identity, IdentityKind, MemberRef};
use crate::merge::{home_of, last_merge, merges_of};
use crate::rows;
use crate::sql::{Connection, Row, params};
use crate::totals::NO_PROGRAM;

/// A member as it is stored: personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    pub id: MemberId,
    pub name: Option<String>,
    pub facts: Facts,
    /// When it signed up.
    pub created_at: Timestamp,
    /// Those of members who were merged into it among them.
    pub identities: Vec<Identity>,
    /// Who it is now, if it was merged into another.
    pub merged_into: Option<MemberId>,
    /// Who was merged into it, the first one first.
    pub merges: Vec<MergeInfo>,
}

/// A member that was merged into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MergeInfo {
    pub member: MemberId,
    pub place: Place,
    pub at: Timestamp,
    /// Until when that can be undone; nothing once another one was merged.
    pub undo_until: Option<Timestamp>,
}

/// A card as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardInfo {
    pub member: MemberId,
    pub number: String,
    pub notes: CardNotes,
}

impl Reader {
    /// The member that an id or identity leads to; of one that was merged into another, that one.
    pub fn find(&self, member: &MemberRef) -> Result<Option<MemberId>, StoreError> {
        Ok(self.find_under(member)?.map(|it| it.0))
    }

    /// The same, and under which place of it what is new is numbered.
    pub fn find_under(&self, member: &MemberRef) -> Result<Option<(MemberId, Place)>, StoreError> {
        Ok(self.named(member)?.map(|it| (it.0, it.1)))
    }

    /// The same, and whether it is named by a card that is blocked.
    pub(super) fn named(&self, member: &MemberRef) -> Result<Option<(MemberId, Place, bool)>, StoreError> {
        self.ask(|conn| {
            let (owner, is_blocked) = match member {
                MemberRef::Id(id) => (Some(*id), false),
                MemberRef::Identity(identity) => {
                    let listed = find(conn, identity_key(&identity.normalised()))?;
                    (listed.map(|it| it.owner), listed.is_some_and(|it| it.number == BLOCKED))
                }
            };
            let Some(owner) = owner else { return Ok(None) };
            if matches!(member, MemberRef::Id(_)) && !is_member(conn, owner)? {
                return Ok(None);
            }
            let (home, place) = home_of(conn, owner)?;
            Ok(Some((home, place, is_blocked)))
        })
    }

    /// The cards of a member, those of members who were merged into it among them, by their numbers.
    pub fn cards(&self, member: MemberId) -> Result<Vec<CardInfo>, StoreError> {
        self.ask(|conn| {
            let mut owners = vec![member];
            owners.extend(merges_of(conn, member)?.into_iter().filter(|it| !it.undone).map(|it| it.member));
            let mut cards = Vec::new();
            for owner in owners {
                let mut identities = Vec::new();
                read_identities(conn, owner, &mut identities)?;
                for it in identities.into_iter().filter(|it| it.kind == IdentityKind::Card) {
                    let notes = notes_of(conn, owner, &it.value)?.unwrap_or_default();
                    cards.push(CardInfo { member, number: it.value, notes });
                }
            }
            cards.sort_unstable_by(|a, b| a.number.cmp(&b.number));
            Ok(cards)
        })
    }

    /// The card of a number, and whose it is.
    pub fn card(&self, number: &str) -> Result<Option<CardInfo>, StoreError> {
        let card = Identity::new(IdentityKind::Card, number);
        self.ask(|conn| {
            let Some(listed) = find(conn, identity_key(&card))? else { return Ok(None) };
            let notes = notes_of(conn, listed.owner, &card.value)?.unwrap_or_default();
            let (member, _) = home_of(conn, listed.owner)?;
            Ok(Some(CardInfo { member, number: card.value, notes }))
        })
    }

    pub fn member(&self, id: MemberId) -> Result<Option<MemberInfo>, StoreError> {
        self.ask(|conn| find_info(conn, id))
    }

    /// A page of members in the order of their ids, without those who were merged into others.
    pub fn members(&self, after: Option<MemberId>, limit: usize) -> Result<Vec<MemberInfo>, StoreError> {
        self.members_where("AND merged_into IS NULL AND erased_at IS NULL", after, limit)
    }

    /// The same with them.
    pub(crate) fn all_members(&self, after: Option<MemberId>, limit: usize) -> Result<Vec<MemberInfo>, StoreError> {
        self.members_where("", after, limit)
    }

    fn members_where(&self, fits: &str, after: Option<MemberId>, limit: usize) -> Result<Vec<MemberInfo>, StoreError> {
        self.ask(|conn| {
            let select = &format!(
                "SELECT owner_id, name, created_at, customer_type, birthday, birthday_since, merged_into FROM members
                WHERE $1 < owner_id AND owner_id < $2 {fits} ORDER BY owner_id LIMIT $3"
            );
            let mut statement = conn.prepare_cached(select)?;
            let after = after.map_or_else(Vec::new, |it| it.0.to_vec());
            let mut rows = statement.query(params![after, MemberId::BEARERS.0, limit])?;
            let mut members = Vec::new();
            while let Some(row) = rows.next()? {
                members.push(read_member(conn, row)?);
            }
            Ok(members)
        })
    }

    /// A page of members, those who signed up last first.
    pub fn newest_members(&self, before: Option<MemberId>, limit: usize) -> Result<Vec<MemberInfo>, StoreError> {
        self.ask(|conn| {
            let select =
                "SELECT owner_id, name, created_at, customer_type, birthday, birthday_since, merged_into FROM members
                WHERE owner_id < $1 AND merged_into IS NULL AND erased_at IS NULL ORDER BY owner_id DESC LIMIT $2";
            let mut statement = conn.prepare_cached(select)?;
            let before = before.map_or(MemberId::BEARERS, |it| it.min(MemberId::BEARERS));
            let mut rows = statement.query(params![before.0, limit])?;
            let mut members = Vec::new();
            while let Some(row) = rows.next()? {
                members.push(read_member(conn, row)?);
            }
            Ok(members)
        })
    }

    /// How many members there are: a sum over days, not a look at each.
    pub fn member_count(&self) -> Result<u64, StoreError> {
        let sum = "SELECT CAST(coalesce(sum(signed_up), 0) AS BIGINT) FROM totals WHERE program = $1 AND channel = 0";
        self.ask(|conn| Ok(conn.prepare_cached(sum)?.query_row([NO_PROGRAM], |row| row.get(0))?))
    }
}

pub(super) fn find_info(conn: &Connection, id: MemberId) -> Found<Option<MemberInfo>> {
    if id.is_bearer() {
        return Ok(None);
    }
    let select = "SELECT owner_id, name, created_at, customer_type, birthday, birthday_since, merged_into FROM members WHERE owner_id = $1";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![id.0])?;
    rows.next()?.map(|row| read_member(conn, row)).transpose()
}

fn read_member(conn: &Connection, row: &Row<'_>) -> Found<MemberInfo> {
    let id = rows::member(row, 0)?;
    let merges = merges_of(conn, id)?;
    let last = last_merge(&merges, Timestamp::START).map(|it| it.place);
    let there = || merges.iter().filter(|it| !it.undone);
    let mut identities = Vec::new();
    for owner in [id].into_iter().chain(there().map(|it| it.member)) {
        read_identities(conn, owner, &mut identities)?;
    }
    identities.sort_unstable();
    let merges = there().map(|it| MergeInfo {
        member: it.member,
        place: it.place,
        at: it.at,
        undo_until: Some(engine::undo_ends(it.at)).filter(|_| last == Some(it.place)),
    });
    let merges = merges.collect();
    let merged_into = row.get_ref(6)?.as_blob_or_null().map_err(|_| Fault::Row("an id is no blob"))?;
    let merged_into = merged_into.map(|_| rows::member(row, 6)).transpose()?;
    let (name, created_at, facts) = (row.get(1)?, rows::time(row, 2)?, rows::facts(row, 3)?);
    Ok(MemberInfo { id, name, facts, created_at, identities, merged_into, merges })
}

fn read_identities(conn: &Connection, owner: MemberId, identities: &mut Vec<Identity>) -> Found<()> {
    let mut statement =
        conn.prepare_cached("SELECT kind, value FROM identities WHERE owner_id = $1 ORDER BY kind, value")?;
    let mut rows = statement.query(params![owner.0])?;
    while let Some(row) = rows.next()? {
        let kind = IdentityKind::numbered(row.get(0)?).ok_or(Fault::Row("an identity is of unknown kind"))?;
        identities.push(Identity { kind, value: row.get(1)? });
    }
    Ok(())
}
