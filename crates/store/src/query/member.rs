//! Members, found by what they are known by.

use engine::{Facts, Timestamp};
use rusqlite::{Connection, Row, params};

use super::Reader;
use crate::directory::{find, identity_key, is_member};
use crate::error::StoreError;
use crate::fault::Found;
use crate::id::MemberId;
use crate::member::{Identity, IdentityKind, MemberRef};
use crate::rows;
use crate::totals::NO_PROGRAM;

/// A member as it is stored: personal data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberInfo {
    pub id: MemberId,
    pub name: Option<String>,
    pub facts: Facts,
    /// When it signed up.
    pub created_at: Timestamp,
    pub identities: Vec<Identity>,
}

impl Reader {
    /// The member that an id or identity leads to.
    pub fn find(&self, member: &MemberRef) -> Result<Option<MemberId>, StoreError> {
        self.ask(|conn| match member {
            MemberRef::Id(id) => Ok(if is_member(conn, *id)? { Some(*id) } else { None }),
            MemberRef::Identity(identity) => Ok(find(conn, identity_key(&identity.normalised()))?.map(|it| it.owner)),
        })
    }

    pub fn member(&self, id: MemberId) -> Result<Option<MemberInfo>, StoreError> {
        self.ask(|conn| find_info(conn, id))
    }

    /// A page of members in the order of their ids.
    pub fn members(&self, after: Option<MemberId>, limit: usize) -> Result<Vec<MemberInfo>, StoreError> {
        self.ask(|conn| {
            let select =
                "SELECT owner_id, name, created_at, customer_type, birthday, birthday_since FROM members WHERE $1 < owner_id ORDER BY owner_id LIMIT $2";
            let mut statement = conn.prepare_cached(select)?;
            let after = after.map_or_else(Vec::new, |it| it.0.to_vec());
            let mut rows = statement.query(params![after, limit])?;
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
                "SELECT owner_id, name, created_at, customer_type, birthday, birthday_since FROM members WHERE owner_id < $1 ORDER BY owner_id DESC LIMIT $2";
            let mut statement = conn.prepare_cached(select)?;
            let before = before.map_or([u8::MAX; 16], |it| it.0);
            let mut rows = statement.query(params![before, limit])?;
            let mut members = Vec::new();
            while let Some(row) = rows.next()? {
                members.push(read_member(conn, row)?);
            }
            Ok(members)
        })
    }

    /// How many members there are: a sum over days, not a look at each.
    pub fn member_count(&self) -> Result<u64, StoreError> {
        let sum = "SELECT coalesce(sum(signed_up), 0) FROM totals WHERE program = $1 AND channel = 0";
        self.ask(|conn| Ok(conn.prepare_cached(sum)?.query_row([NO_PROGRAM], |row| row.get(0))?))
    }
}

pub(super) fn find_info(conn: &Connection, id: MemberId) -> Found<Option<MemberInfo>> {
    let select =
        "SELECT owner_id, name, created_at, customer_type, birthday, birthday_since FROM members WHERE owner_id = $1";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![id.0])?;
    rows.next()?.map(|row| read_member(conn, row)).transpose()
}

fn read_member(conn: &Connection, row: &Row<'_>) -> Found<MemberInfo> {
    let id = rows::member(row, 0)?;
    let mut statement =
        conn.prepare_cached("SELECT kind, value FROM identities WHERE owner_id = $1 ORDER BY kind, value")?;
    let mut rows = statement.query(params![id.0])?;
    let mut identities = Vec::new();
    while let Some(row) = rows.next()? {
        let kind = IdentityKind::numbered(row.get(0)?);
        let kind = kind.ok_or(crate::fault::Fault::Row("an identity is of unknown kind"))?;
        identities.push(Identity { kind, value: row.get(1)? });
    }
    let (name, created_at, facts) = (row.get(1)?, rows::time(row, 2)?, rows::facts(row, 3)?);
    Ok(MemberInfo { id, name, facts, created_at, identities })
}
