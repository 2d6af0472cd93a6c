//! Figures across members: what the promotions of a program have given of their budgets (E15), and how many of each reward of its
//! catalogue are claimed (C9).
//!
//! Read and written only for programs that have budgets or a catalogue, in the transaction of the command that uses them: nobody else can use
//! the same points meanwhile. Where several writers run side by side, the rows are locked after all owners, in the order of
//! their keys. Bounded by the promotions of a program.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{BudgetUse, Budgets, Entry};

use crate::fault::Found;
use crate::rows::points;
use crate::sql::{Connection, params};

/// The kind of a counter: points given of a promotion's budget.
const BUDGET: u8 = 1;
/// Another: claims of a reward that were not cancelled.
const CLAIMS: u8 = 2;

/// What is used of the budgets of a program, and whether this batch has used any.
#[derive(Clone, Default)]
pub(crate) struct Used {
    pub(crate) budgets: Arc<Budgets>,
    is_changed: bool,
}

impl Used {
    pub(crate) fn of(conn: &Connection, program: u32) -> Found<Self> {
        Ok(Self { budgets: Arc::new(load_budgets(conn, program)?), is_changed: false })
    }

    /// Adds up what a command uses and gives back.
    pub(crate) fn add(&mut self, uses: &[BudgetUse], claims: &[(Arc<str>, i64)]) {
        if !uses.is_empty() || !claims.is_empty() {
            let budgets = Arc::make_mut(&mut self.budgets);
            budgets.add(uses);
            claims.iter().for_each(|(reward, many)| budgets.add_claims(reward, *many));
            self.is_changed = true;
        }
    }
}

pub(crate) fn load_budgets(conn: &Connection, program: u32) -> Found<Budgets> {
    let select = "SELECT name, value, kind FROM counters WHERE program = $1 ORDER BY kind, name";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![program])?;
    let (mut used, mut claims) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next()? {
        let name = row.get::<_, Arc<str>>(0)?;
        match row.get::<_, u8>(2)? {
            CLAIMS => claims.push((name, row.get(1)?)),
            _ => used.push((name, points(row, 1)?)),
        }
    }
    Ok(Budgets::new(used).with_claims(claims))
}

pub(crate) fn save_budgets(conn: &Connection, used: &BTreeMap<u32, Used>) -> Found<()> {
    let upsert = "INSERT INTO counters (program, kind, name, value) VALUES ($1, $2, $3, $4)
        ON CONFLICT (program, kind, name) DO UPDATE SET value = excluded.value";
    for (program, used) in used.iter().filter(|it| it.1.is_changed) {
        for (name, points) in used.budgets.iter() {
            conn.prepare_cached(upsert)?.execute(params![program, BUDGET, name, points.get()])?;
        }
        for (name, claims) in used.budgets.claims() {
            conn.prepare_cached(upsert)?.execute(params![program, CLAIMS, name, claims])?;
        }
    }
    Ok(())
}

/// What the entries of all accounts use of budgets, held against what is stored.
#[derive(Default)]
pub(crate) struct Proof(Counters);

/// By program, kind and name.
type Counters = BTreeMap<(u32, u8, Arc<str>), i64>;

impl Proof {
    pub(crate) fn count(&mut self, program: u32, entry: &Entry) {
        for it in &entry.changes.budgets {
            *self.0.entry((program, BUDGET, Arc::clone(&it.promotion))).or_default() += it.points.get();
        }
        if let Some((reward, claims)) = entry.claims() {
            *self.0.entry((program, CLAIMS, Arc::clone(reward))).or_default() += claims;
        }
    }

    /// The first difference, in words.
    pub(crate) fn differs(&self, conn: &Connection) -> Found<Option<String>> {
        let mut statement = conn.prepare_cached("SELECT program, kind, name, value FROM counters")?;
        let mut rows = statement.query([])?;
        let mut stored = BTreeMap::new();
        while let Some(row) = rows.next()? {
            let kind = row.get::<_, u8>(1)?;
            if ![BUDGET, CLAIMS].contains(&kind) {
                return Ok(Some("a counter is of an unknown kind".to_owned()));
            }
            stored.insert((row.get(0)?, kind, row.get::<_, Arc<str>>(2)?), row.get(3)?);
        }
        let of = |map: &Counters, key| map.get(key).copied().unwrap_or_default();
        let keys = stored.keys().chain(self.0.keys());
        let key = keys.into_iter().find(|key| of(&stored, key) != of(&self.0, key));
        Ok(key.map(|key| {
            let (stored, used) = (of(&stored, key), of(&self.0, key));
            let what = if key.1 == BUDGET { "of the budget" } else { "of the reward" };
            format!("{what} of \"{}\" in program {} {stored} are stored as used, the entries use {used}", key.2, key.0)
        }))
    }
}
