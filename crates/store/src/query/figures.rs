//! Key figures from day totals, what falls due, and what takes up the space.

use engine::Timestamp;

use super::Reader;
use crate::directory::WALKED;
use crate::error::StoreError;
use crate::fault::Found;
use crate::id::MemberId;
use crate::migrate::meta;
use crate::rows::{self, AccountId, time};
use crate::sql::{Connection, Row, params};
use crate::totals::{COLUMNS_TEXT, NO_PROGRAM, Totals, read_totals};

/// What happened on a day in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DayTotals {
    /// In the program's zone, as `2026-03-01`.
    pub day: String,
    /// By its number; 0 is what no order caused.
    pub channel: u32,
    pub totals: Totals,
}

/// An account in which something falls due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Due {
    pub at: Timestamp,
    pub owner: MemberId,
    pub program: u32,
}

/// What a table or index takes up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableSize {
    pub name: String,
    pub bytes: u64,
}

const SIZES: &str = "SELECT name, sum(pgsize) FROM dbstat WHERE aggregate = 1 GROUP BY name ORDER BY 2 DESC, 1";
const SIZES_OF_SERVER: &str = "SELECT CAST(relname AS TEXT), pg_relation_size(oid) FROM pg_class
    WHERE relnamespace = CAST(current_schema() AS regnamespace) AND relkind IN ('r', 'i') ORDER BY 2 DESC, 1";

impl Reader {
    /// The figures of a program over all days; zero for a program that is not there.
    pub fn figures(&self, program: &str) -> Result<Totals, StoreError> {
        let mut sum = Totals::default();
        for day in self.days(program, "", "9999-12-31")? {
            sum.add(&day.totals);
        }
        Ok(sum)
    }

    /// The figures of each day and channel from one day to another, both included.
    pub fn days(&self, program: &str, from: &str, to: &str) -> Result<Vec<DayTotals>, StoreError> {
        let number = self.reference()?.program(program).map(|it| it.number);
        number.map_or_else(|| Ok(Vec::new()), |it| self.days_of(it, from, to))
    }

    /// How many members signed up on each day in UTC from one to another, both included.
    pub fn sign_ups(&self, from: &str, to: &str) -> Result<Vec<DayTotals>, StoreError> {
        self.days_of(NO_PROGRAM, from, to)
    }

    fn days_of(&self, program: u32, from: &str, to: &str) -> Result<Vec<DayTotals>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT day, channel, {COLUMNS_TEXT} FROM totals
                WHERE program = $1 AND $2 <= day AND day <= $3
                ORDER BY day, channel, slot"
            ))?;
            let mut rows = statement.query(params![program, from, to])?;
            let mut days: Vec<DayTotals> = Vec::new();
            while let Some(row) = rows.next()? {
                let next = DayTotals { day: row.get(0)?, channel: row.get(1)?, totals: read_totals(row, 2)? };
                match days.last_mut() {
                    Some(last) if (&last.day, last.channel) == (&next.day, next.channel) => {
                        last.totals.add(&next.totals)
                    }
                    Some(_) | None => days.push(next),
                }
            }
            Ok(days)
        })
    }

    /// A page of accounts in which something falls due at `until` or before, behind `after`, soonest first. Those of
    /// parked members are left out.
    pub fn due(&self, until: Timestamp, after: Option<Due>, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT due_at, owner_id, program FROM accounts
                WHERE due_at <= $1 AND ($2, $3, $4) < (due_at, owner_id, program)
                    AND owner_id NOT IN (SELECT owner_id FROM members WHERE parked <> 0)
                ORDER BY due_at, owner_id, program LIMIT $5",
            )?;
            let after = after.map_or((i64::MIN, Vec::new(), 0), |it| (it.at.micros(), it.owner.0.to_vec(), it.program));
            let mut rows = statement.query(params![until.micros(), after.0, after.1, after.2, limit])?;
            let mut due = Vec::new();
            while let Some(row) = rows.next()? {
                due.push(read_due(row)?);
            }
            Ok(due)
        })
    }

    /// Members that the sweeper leaves out, since settling their points panicked.
    pub fn parked(&self) -> Result<Vec<MemberId>, StoreError> {
        self.ask(parked)
    }

    /// The accounts of parked members, and of parked certificates that belong to nobody.
    pub(crate) fn parked_accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT owner_id, program FROM accounts
                WHERE (program < $1 OR $2 <= owner_id) AND owner_id IN (SELECT owner_id FROM members WHERE parked <> 0)
                ORDER BY owner_id, program",
            )?;
            let mut rows = statement.query(params![rows::NO_PROGRAMS, MemberId::BEARERS.0])?;
            let mut accounts = Vec::new();
            while let Some(row) = rows.next()? {
                accounts.push(AccountId { owner: rows::member(row, 0)?, program: row.get(1)? });
            }
            Ok(accounts)
        })
    }

    /// When the last answer was given that is remembered: looks at all of them.
    pub(crate) fn newest_answer_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> =
            self.ask(|conn| Ok(conn.query_row("SELECT max(at) FROM answers", [], |row| row.get(0))?))?;
        Ok(at.map(Timestamp::from_micros))
    }

    /// When all answers were last looked through for old ones.
    pub(crate) fn answers_walked_at(&self) -> Result<Option<Timestamp>, StoreError> {
        let at = self.ask(|conn| meta(conn, WALKED))?;
        Ok(at.and_then(|it| it.parse().ok()).map(Timestamp::from_micros))
    }

    /// Bytes of each table and index, largest first.
    pub fn size(&self) -> Result<Vec<TableSize>, StoreError> {
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(if conn.file().is_some() { SIZES } else { SIZES_OF_SERVER })?;
            let sizes = statement.query_map([], |row| Ok(TableSize { name: row.get(0)?, bytes: row.get(1)? }))?;
            Ok(sizes.collect::<Result<_, _>>()?)
        })
    }
}

pub(crate) fn parked(conn: &Connection) -> Found<Vec<MemberId>> {
    let select = "SELECT owner_id FROM members WHERE parked <> 0 ORDER BY owner_id";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query([])?;
    let mut parked = Vec::new();
    while let Some(row) = rows.next()? {
        parked.push(rows::member(row, 0)?);
    }
    Ok(parked)
}

fn read_due(row: &Row<'_>) -> Found<Due> {
    Ok(Due { at: time(row, 0)?, owner: rows::member(row, 1)?, program: row.get(2)? })
}
