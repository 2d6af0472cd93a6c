//! Saves a batch: rows sorted by key, tables always in the same order, one prepared statement for each kind of row. On a
//! server the rows of one statement go as arrays, so that it is as many statements whatever the size of the batch; a step
//! below says what belongs together: of its rows those that go are deleted first, and updates come last.
//!
//! Rows that must be new are inserted, so that the database itself refuses a second one. Placeholders are numbered as they
//! appear: SQLite counts them, whatever number they bear.

use engine::{Account, HoldState, Lot, LotNo, Placed as _, Timestamp};

use crate::batch::{Batch, NewOrder, Profile, Slot, Stored};
use crate::card;
use crate::claim;
use crate::counters::save_budgets;
use crate::fault::{Fault, Found};
use crate::guest;
use crate::id::MemberId;
use crate::member::words_of;
use crate::pack;
use crate::rows::{AccountId, Place, due_column, figures, place_of};
use crate::sql::{Connection, Statement, params};
use crate::totals::save_totals;

pub(crate) const INSERT_LISTED: &str =
    "INSERT INTO directory (key, owner_id, kind, program, number) VALUES ($1, $2, $3, $4, $5)";

// The ledger is one tree; what each part's columns mean stands in the migration.
pub(crate) const INSERT_ACCOUNT: &str = "INSERT INTO ledger (pending, available, held, owed, let_go, issued, redeemed,
        revoked, deducted, converted, expired, forfeited, moved, at, next_entry, next_lot, order_no, next_hold, body,
        state, owner_id, program, part, phase, sort_at, earned_at, no)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22,
        0, 0, 0, 0, 0)";
pub(crate) const UPDATE_ACCOUNT: &str = "UPDATE ledger SET pending = $1, available = $2, held = $3, owed = $4,
        let_go = $5, issued = $6, redeemed = $7, revoked = $8, deducted = $9, converted = $10, expired = $11,
        forfeited = $12, moved = $13, at = $14, next_entry = $15, next_lot = $16, order_no = $17, next_hold = $18,
        body = $19, state = $20
    WHERE owner_id = $21 AND program = $22 AND part = 0 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = 0";
pub(crate) const MOVE_DUE: &str = "UPDATE ledger SET due_at = $1
    WHERE owner_id = $2 AND program = $3 AND part = 0 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = 0";
pub(crate) const INSERT_LOT: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no,
        order_no, at, due_at, code, pending, available, held, expired, next_entry, forfeited)
    VALUES ($1, $2, 2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
const UPDATE_LOT: &str = "UPDATE ledger SET pending = $1, available = $2, held = $3, expired = $4,
        forfeited = $5
    WHERE owner_id = $6 AND program = $7 AND part = 2 AND phase = $8 AND sort_at = $9 AND earned_at = $10 AND no = $11";
pub(crate) const DELETE_LOT: &str = "DELETE FROM ledger
    WHERE owner_id = $1 AND program = $2 AND part = 2 AND phase = $3 AND sort_at = $4 AND earned_at = $5 AND no = $6";
pub(crate) const INSERT_ENTRY: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no,
        at, biz_date, code, order_no, body)
    VALUES ($1, $2, 4, 0, 0, 0, $3, $4, $5, $6, $7, $8)";
pub(crate) const INSERT_ORDER: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no,
        code, reference, biz_date, body, state)
    VALUES ($1, $2, 3, 0, 0, 0, $3, $4, $5, $6, $7, $8)";
const UPDATE_ORDER: &str = "UPDATE ledger SET body = $1, state = $2
    WHERE owner_id = $3 AND program = $4 AND part = 3 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = $5";
const INSERT_HOLD: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no,
        due_at, order_no, held, body)
    VALUES ($1, $2, 1, $3, 0, 0, $4, $5, $6, $7, $8)";
const DELETE_HOLD: &str = "DELETE FROM ledger
    WHERE owner_id = $1 AND program = $2 AND part = 1 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = $3";

const INSERT_YEAR: &str = "INSERT INTO ledger (body, owner_id, program, part, phase, sort_at, earned_at, no)
    VALUES ($1, $2, $3, 5, 0, 0, 0, $4)";
const UPDATE_YEAR: &str = "UPDATE ledger SET body = $1
    WHERE owner_id = $2 AND program = $3 AND part = 5 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = $4";
const INSERT_CONVERSION: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no, body)
    VALUES ($1, $2, 6, 0, $3, $4, $5, $6)";
const UPDATE_CONVERSION: &str = "UPDATE ledger SET body = $1
    WHERE owner_id = $2 AND program = $3 AND part = 6 AND phase = 0 AND sort_at = $4 AND earned_at = $5 AND no = $6";
const DELETE_CONVERSION: &str = "DELETE FROM ledger
    WHERE owner_id = $1 AND program = $2 AND part = 6 AND phase = 0 AND sort_at = $3 AND earned_at = $4 AND no = $5";
const INSERT_CODE: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no, issued, body)
    VALUES ($1, $2, 8, 0, 0, 0, $3, $4, $5)";

const DELETE_CODE: &str = "DELETE FROM ledger
    WHERE owner_id = $1 AND program = $2 AND part = 8 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = $3";

/// One table or part after the other, always in this order. What a step changes is sent before the next one begins.
const STEPS: [fn(&Batch<'_>) -> Found<()>; 18] = [
    save_directory,
    save_members,
    card::save,
    save_parked,
    save_accounts,
    delete_gone,
    save_lots,
    save_entries,
    save_orders,
    guest::save,
    save_holds,
    save_years,
    save_conversions,
    |batch| claim::save(batch.conn, batch),
    |batch| save_budgets(batch.conn, batch.used()),
    save_codes,
    |batch| save_totals(batch.conn, batch.slot, &batch.rows.totals),
    save_answers,
];

pub(crate) fn save(batch: &Batch<'_>) -> Found<()> {
    for step in STEPS {
        step(batch)?;
        batch.conn.send_off();
    }
    Ok(())
}

fn save_directory(batch: &Batch<'_>) -> Found<()> {
    let (conn, rows) = (batch.conn, &batch.rows);
    for key in &rows.unlisted {
        one(conn.prepare_cached("DELETE FROM directory WHERE key = $1")?.execute(params![key])?)?;
    }
    let mut insert = conn.prepare_cached(INSERT_LISTED)?;
    for (key, listed) in &rows.directory {
        insert.execute(params![key, listed.owner.0, listed.kind.number(), listed.program, listed.number])?;
    }
    Ok(())
}

fn save_members(batch: &Batch<'_>) -> Found<()> {
    let (conn, rows) = (batch.conn, &batch.rows);
    let insert = "INSERT INTO members (owner_id, name, customer_type, birthday, birthday_since, created_at)
        VALUES ($1, $2, $3, $4, $5, $6)";
    let mut insert = conn.prepare_cached(insert)?;
    for (id, row) in &rows.members {
        let Profile { name, facts } = &row.profile;
        let birthday = facts.birthday.map(|it| it.to_string());
        let since = facts.birthday.map(|_| facts.birthday_since.micros());
        let before = match &row.stored {
            Stored::New(at) => {
                insert.execute(params![id.0, name, facts.customer_type, birthday, since, at.micros()])?;
                None
            }
            Stored::Named(before) => {
                let update = "UPDATE members SET name = $1, customer_type = $2, birthday = $3, birthday_since = $4
                    WHERE owner_id = $5";
                let mut update = conn.prepare_cached(update)?;
                one(update.execute(params![name, facts.customer_type, birthday, since, id.0])?)?;
                before.as_deref()
            }
        };
        save_words(conn, *id, before, name.as_deref())?;
    }
    for (id, at) in &rows.bearers {
        let insert = "INSERT INTO members (owner_id, created_at) VALUES ($1, $2)";
        conn.prepare_cached(insert)?.execute(params![id.0, at.micros()])?;
    }
    for (id, identity) in &rows.identities_gone {
        let delete = "DELETE FROM identities WHERE owner_id = $1 AND kind = $2 AND value = $3";
        one(conn.prepare_cached(delete)?.execute(params![id.0, identity.kind.number(), identity.value])?)?;
    }
    let mut insert = conn.prepare_cached("INSERT INTO identities (owner_id, kind, value) VALUES ($1, $2, $3)")?;
    for (id, identity) in &rows.identities {
        insert.execute(params![id.0, identity.kind.number(), identity.value])?;
    }
    Ok(())
}

/// The words by which a name is found.
fn save_words(conn: &Connection, id: MemberId, before: Option<&str>, after: Option<&str>) -> Found<()> {
    let (before, after) = (before.map(words_of).unwrap_or_default(), after.map(words_of).unwrap_or_default());
    for word in before.difference(&after) {
        let delete = "DELETE FROM name_words WHERE word = $1 AND owner_id = $2";
        one(conn.prepare_cached(delete)?.execute(params![word, id.0])?)?;
    }
    for word in after.difference(&before) {
        let insert = "INSERT INTO name_words (word, owner_id) VALUES ($1, $2)";
        conn.prepare_cached(insert)?.execute(params![word, id.0])?;
    }
    Ok(())
}

fn save_parked(batch: &Batch<'_>) -> Found<()> {
    let (conn, rows) = (batch.conn, &batch.rows);
    for (owner, parked) in &rows.parked {
        let mut update = conn.prepare_cached("UPDATE members SET parked = $1 WHERE owner_id = $2")?;
        one(update.execute(params![parked, owner.0])?)?;
    }
    Ok(())
}

fn save_accounts(batch: &Batch<'_>) -> Found<()> {
    let conn = batch.conn;
    let mut insert = conn.prepare_cached(INSERT_ACCOUNT)?;
    let mut update = conn.prepare_cached(UPDATE_ACCOUNT)?;
    let mut move_due = conn.prepare_cached(MOVE_DUE)?;
    for (id, slot) in changed(batch) {
        let statement = if slot.is_stored { &mut update } else { &mut insert };
        bind_account(statement, *id, &slot.account)?;
        one(statement.raw_execute()?)?;
        // As a rule it stays, and naming it would cost a look into its index.
        if slot.due_at != slot.due_stored {
            one(move_due.execute(params![due_column(slot.due_at), id.owner.0, id.program])?)?;
        }
    }
    Ok(())
}

/// Rows that are in another account now.
fn delete_gone(batch: &Batch<'_>) -> Found<()> {
    let conn = batch.conn;
    for (id, slot) in changed(batch) {
        let Some(from) = slot.gone else { continue };
        let delete = if from == engine::Place::OWN {
            "DELETE FROM ledger WHERE owner_id = $1 AND program = $2 AND part IN (1, 2, 3, 5, 6, 9) AND $3 <= no"
        } else {
            "DELETE FROM ledger WHERE owner_id = $1 AND program = $2 AND part IN (1, 2, 3, 6, 9) AND $3 <= no"
        };
        conn.prepare_cached(delete)?.execute_any(params![
            id.owner.0,
            id.program,
            LotNo::first(from).raw().saturating_sub(1)
        ])?;
    }
    Ok(())
}

fn bind_account(statement: &mut Statement<'_>, id: AccountId, account: &Account) -> Found<()> {
    let figures = figures(&account.balance).map(engine::Points::get);
    for (index, figure) in (1..).zip(figures) {
        statement.raw_bind_parameter(index, figure)?;
    }
    statement.raw_bind_parameter(14, account.last_at.micros())?;
    statement.raw_bind_parameter(15, account.next_entry.0)?;
    statement.raw_bind_parameter(16, account.next_lot.0)?;
    statement.raw_bind_parameter(17, account.next_order.0)?;
    statement.raw_bind_parameter(18, account.next_hold.0)?;
    statement.raw_bind_parameter(19, pack::pack_rest(account))?;
    statement.raw_bind_parameter(20, pack::pack_activities(account))?;
    statement.raw_bind_parameter(21, id.owner.0)?;
    statement.raw_bind_parameter(22, id.program)?;
    Ok(())
}

fn save_lots(batch: &Batch<'_>) -> Found<()> {
    let conn = batch.conn;
    let mut insert = conn.prepare_cached(INSERT_LOT)?;
    let mut update = conn.prepare_cached(UPDATE_LOT)?;
    let mut delete = conn.prepare_cached(DELETE_LOT)?;
    for (id, slot) in changed(batch) {
        for (no, before) in &slot.lots {
            let lot = slot.account.lot(*no).ok_or(Fault::Row("a lot that changed is loaded"))?;
            let key = |lot: &Lot| {
                let Place { phase, sort_at } = place_of(lot);
                (phase, sort_at.micros(), lot.at.earned_at.micros())
            };
            let (phase, sort_at, earned_at) = key(lot);
            let is_same = |it: &Lot| (it.at, it.dated_by, it.certificate) == (lot.at, lot.dated_by, lot.certificate);
            if before.as_ref().map(key) == Some((phase, sort_at, earned_at)) && before.as_ref().is_some_and(is_same) {
                one(update.execute(params![
                    lot.pending.get(),
                    lot.available.get(),
                    lot.held.get(),
                    lot.expired.get(),
                    unless_zero(lot.forfeited),
                    id.owner.0,
                    id.program,
                    phase,
                    sort_at,
                    earned_at,
                    no.0,
                ])?)?;
                continue;
            }
            if let Some((phase, sort_at, earned_at)) = before.as_ref().map(key) {
                one(delete.execute(params![id.owner.0, id.program, phase, sort_at, earned_at, no.0])?)?;
            }
            insert_lot(&mut insert, id, *no, lot)?;
        }
    }
    Ok(())
}

/// Dates that follow from the key are left out: most lots are available when they are earned, and sorted by expiry.
fn insert_lot(insert: &mut Statement<'_>, id: &AccountId, no: LotNo, lot: &Lot) -> Found<()> {
    let Place { phase, sort_at } = place_of(lot);
    let left_out = |date: Timestamp, other: Timestamp| if date == other { None } else { Some(date.micros()) };
    insert.execute(params![
        id.owner.0,
        id.program,
        phase,
        sort_at.micros(),
        lot.at.earned_at.micros(),
        no.0,
        lot.order.map(|it| it.0),
        left_out(lot.at.available_at, lot.at.earned_at),
        left_out(lot.at.expires_at, sort_at),
        pack::lot_code(lot.graced, lot.certificate),
        lot.pending.get(),
        lot.available.get(),
        lot.held.get(),
        lot.expired.get(),
        lot.dated_by.map(|it| it.0),
        unless_zero(lot.forfeited),
    ])?;
    Ok(())
}

/// Few lots have any: the others leave it out.
fn unless_zero(points: engine::Points) -> Option<i64> {
    Some(points.get()).filter(|it| *it != 0)
}

fn save_entries(batch: &Batch<'_>) -> Found<()> {
    let (conn, rows) = (batch.conn, &batch.rows);
    let mut insert = conn.prepare_cached(INSERT_ENTRY)?;
    for ((id, no), row) in &rows.entries {
        let order = row.order.map(|it| it.0);
        insert.execute(params![id.owner.0, id.program, no.0, row.at.micros(), row.day, row.kind, order, row.body])?;
    }
    Ok(())
}

fn save_orders(batch: &Batch<'_>) -> Found<()> {
    let (conn, rows) = (batch.conn, &batch.rows);
    let mut insert = conn.prepare_cached(INSERT_ORDER)?;
    let mut update = conn.prepare_cached(UPDATE_ORDER)?;
    for ((id, no), row) in &rows.orders {
        if let Some(NewOrder { channel, reference, day }) = &row.new {
            let (document, state) = (&row.document, &row.state);
            insert.execute(params![id.owner.0, id.program, no.0, channel, reference, day, document, state])?;
        } else {
            one(update.execute(params![row.document, row.state, id.owner.0, id.program, no.0])?)?;
        }
    }
    Ok(())
}

fn save_holds(batch: &Batch<'_>) -> Found<()> {
    let conn = batch.conn;
    let mut delete = conn.prepare_cached(DELETE_HOLD)?;
    let mut insert = conn.prepare_cached(INSERT_HOLD)?;
    for (id, slot) in changed(batch) {
        for (no, was_active) in &slot.holds {
            let hold = slot.account.hold(*no).ok_or(Fault::Row("a hold that changed is loaded"))?;
            if *was_active {
                one(delete.execute(params![id.owner.0, id.program, no.0])?)?;
            }
            let (closed, taken_by) = match hold.state {
                HoldState::Active => (false, None),
                HoldState::Ended => (true, None),
                HoldState::Taken(order) => (true, Some(order.0)),
            };
            let body = pack::pack_taken(&hold.taken, hold.lapses_at);
            let lapses_at = hold.lapses_at.micros();
            let points = hold.points.get();
            insert.execute(params![id.owner.0, id.program, closed, no.0, lapses_at, taken_by, points, body])?;
        }
    }
    Ok(())
}

fn save_years(batch: &Batch<'_>) -> Found<()> {
    let conn = batch.conn;
    let mut insert = conn.prepare_cached(INSERT_YEAR)?;
    let mut update = conn.prepare_cached(UPDATE_YEAR)?;
    for (id, slot) in changed(batch) {
        for (no, is_stored) in &slot.years {
            let year = slot.account.years().iter().find(|it| it.year == *no);
            let body = pack::pack_year(year.ok_or(Fault::Row("a year that changed is loaded"))?);
            let statement = if *is_stored { &mut update } else { &mut insert };
            one(statement.execute(params![body, id.owner.0, id.program, no])?)?;
        }
    }
    Ok(())
}

fn save_conversions(batch: &Batch<'_>) -> Found<()> {
    let conn = batch.conn;
    for (id, slot) in changed(batch) {
        for (key, is_stored) in &slot.conversions {
            let found = slot.account.conversions().iter().find(|it| it.key() == *key);
            let (at, target, no) = (key.at.micros(), pack::target_number(key.target), key.no.0);
            match (found.map(pack::pack_conversion), is_stored) {
                (Some(body), false) => {
                    let mut insert = conn.prepare_cached(INSERT_CONVERSION)?;
                    insert.execute(params![id.owner.0, id.program, at, target, no, body])?;
                }
                (Some(body), true) => {
                    let mut update = conn.prepare_cached(UPDATE_CONVERSION)?;
                    one(update.execute(params![body, id.owner.0, id.program, at, target, no])?)?;
                }
                (None, true) => {
                    let mut delete = conn.prepare_cached(DELETE_CONVERSION)?;
                    one(delete.execute(params![id.owner.0, id.program, at, target, no])?)?;
                }
                (None, false) => {}
            }
        }
    }
    Ok(())
}

fn save_codes(batch: &Batch<'_>) -> Found<()> {
    let (conn, rows) = (batch.conn, &batch.rows);
    for (id, no) in &rows.codes_gone {
        one(conn.prepare_cached(DELETE_CODE)?.execute(params![id.owner.0, id.program, no.0])?)?;
    }
    for ((id, no), (value, body)) in &rows.codes {
        let mut insert = conn.prepare_cached(INSERT_CODE)?;
        insert.execute(params![id.owner.0, id.program, no.0, value.minor(), body])?;
    }
    Ok(())
}

fn save_answers(batch: &Batch<'_>) -> Found<()> {
    let (conn, rows, now) = (batch.conn, &batch.rows, batch.now);
    let mut insert =
        conn.prepare_cached("INSERT INTO answers (key, fingerprint, at, answer) VALUES ($1, $2, $3, $4)")?;
    for (key, (fingerprint, answer)) in &rows.answers {
        insert.execute(params![key, fingerprint, now.micros(), answer])?;
    }
    Ok(())
}

fn changed<'a>(batch: &'a Batch<'_>) -> impl Iterator<Item = (&'a AccountId, &'a Slot)> {
    batch.accounts().iter().filter(|(_, slot)| slot.is_changed)
}

pub(crate) fn one(rows: usize) -> Found<()> {
    if rows == 1 { Ok(()) } else { Err(Fault::Row("a row that was loaded is gone")) }
}
