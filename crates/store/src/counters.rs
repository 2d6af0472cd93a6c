//! Figures across members: what the promotions of a program have given of their budgets (E15).
//!
//! Read and written only for programs that have budgets, in the transaction of the order that uses them: nobody else can use
//! the same points meanwhile. Where several writers run side by side, the rows are locked after all owners, in the order of
//! their keys. Bounded by the promotions of a program.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{BudgetUse, Budgets, Entry, Points};

use crate::fault::Found;
use crate::rows::points;
use crate::sql::{Connection, params};

/// The kind of a counter: points given of a promotion's budget.
const BUDGET: u8 = 1;

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
    pub(crate) fn add(&mut self, uses: &[BudgetUse]) {
        if !uses.is_empty() {
            Arc::make_mut(&mut self.budgets).add(uses);
            self.is_changed = true;
        }
    }
}

pub(crate) fn load_budgets(conn: &Connection, program: u32) -> Found<Budgets> {
    let select = "SELECT name, value FROM counters WHERE program = $1 AND kind = $2 ORDER BY name";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![program, BUDGET])?;
    let mut used = Vec::new();
    while let Some(row) = rows.next()? {
        used.push((row.get::<_, Arc<str>>(0)?, points(row, 1)?));
    }
    Ok(Budgets::new(used))
}

pub(crate) fn save_budgets(conn: &Connection, used: &BTreeMap<u32, Used>) -> Found<()> {
    let upsert = "INSERT INTO counters (program, kind, name, value) VALUES ($1, $2, $3, $4)
        ON CONFLICT (program, kind, name) DO UPDATE SET value = excluded.value";
    for (program, used) in used.iter().filter(|it| it.1.is_changed) {
        for (name, points) in used.budgets.iter() {
            conn.prepare_cached(upsert)?.execute(params![program, BUDGET, name, points.get()])?;
        }
    }
    Ok(())
}

/// What the entries of all accounts use of budgets, held against what is stored.
#[derive(Default)]
pub(crate) struct Proof(BTreeMap<(u32, Arc<str>), Points>);

impl Proof {
    pub(crate) fn count(&mut self, program: u32, entry: &Entry) {
        for it in &entry.changes.budgets {
            *self.0.entry((program, Arc::clone(&it.promotion))).or_default() += it.points;
        }
    }

    /// The first difference, in words.
    pub(crate) fn differs(&self, conn: &Connection) -> Found<Option<String>> {
        let mut statement = conn.prepare_cached("SELECT program, kind, name, value FROM counters")?;
        let mut rows = statement.query([])?;
        let mut stored = BTreeMap::new();
        while let Some(row) = rows.next()? {
            if row.get::<_, u8>(1)? != BUDGET {
                return Ok(Some("a counter is of an unknown kind".to_owned()));
            }
            stored.insert((row.get(0)?, row.get::<_, Arc<str>>(2)?), points(row, 3)?);
        }
        let of = |map: &BTreeMap<(u32, Arc<str>), Points>, key| map.get(key).copied().unwrap_or_default();
        let keys = stored.keys().chain(self.0.keys());
        let key = keys.into_iter().find(|key| of(&stored, key) != of(&self.0, key));
        Ok(key.map(|key| {
            let (stored, used) = (of(&stored, key), of(&self.0, key));
            format!(
                "of the budget of \"{}\" in program {} {stored} are stored as used, the entries use {used}",
                key.1, key.0
            )
        }))
    }
}
