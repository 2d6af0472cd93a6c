//! Two members become one, and two again (M3).
//!
//! What one has moves to the other: the rows of its accounts are written anew under the other's id, in numbers that say whose
//! they were, in one transaction that is a batch of its own. The directory stays as it is: an identity, an order or a
//! permanent reference leads to its first owner, and `merged_into` leads on. Bounded by `limits::MERGE_MAX` lots and orders.

use std::collections::{BTreeMap, BTreeSet};

use engine::{
    Account, Both, CreditUse, HoldNo, Horizon, Joined, LotNo, Merger, Moment, OrderNo, Parting, Place, Placed as _,
    Reason, Rejection, Rules, Shift, StandIn, Stop, Timeline, Timestamp, Unmerged, limits, too_large,
};

use crate::batch::{Batch, NewOrder};
use crate::certificate;
use crate::command::{Body, Reply};
use crate::decide::{Answered, Refused, ask, find_member, post};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load;
use crate::member::MemberRef;
use crate::people;
use crate::reference::{Program, invalid};
use crate::rows::{self, AccountId, NO_PROGRAMS};
use crate::save::one;
use crate::sql::{self, Connection, OptionalExtension as _, params};

/// Who a member is now, and under which place of it.
pub(crate) fn home_of(conn: &Connection, owner: MemberId) -> Found<(MemberId, Place)> {
    let mut statement = conn.prepare_cached("SELECT merged_into FROM members WHERE owner_id = $1")?;
    let mut found = statement.query(params![owner.0])?;
    let Some(row) = found.next()? else { return Ok((owner, Place::OWN)) };
    if row.get_ref(0)?.as_blob_or_null().is_ok_and(|it| it.is_none()) {
        return Ok((owner, Place::OWN));
    }
    let survivor = rows::member(row, 0)?;
    let select = "SELECT place FROM merges WHERE owner_id = $1 AND member_id = $2 AND undone_at IS NULL";
    let place: Option<u32> =
        conn.prepare_cached(select)?.query_row(params![survivor.0, owner.0], |row| row.get(0)).optional()?;
    Ok((survivor, Place(place.ok_or(Fault::Row("a member that was merged has no place"))?)))
}

/// Who had a place first.
pub(crate) fn first_owner(conn: &Connection, owner: MemberId, place: Place) -> Found<MemberId> {
    if place == Place::OWN {
        return Ok(owner);
    }
    let mut statement = conn.prepare_cached("SELECT member_id FROM merges WHERE owner_id = $1 AND place = $2")?;
    let mut found = statement.query(params![owner.0, place.0])?;
    rows::member(found.next()?.ok_or(Fault::Row("a number has a place that nobody has"))?, 0)
}

/// Where an order or a lot stands now that an entry names, or the directory.
pub(crate) fn home_of_number<N: engine::Placed>(conn: &Connection, owner: MemberId, no: N) -> Found<(MemberId, N)> {
    let first = first_owner(conn, owner, no.place())?;
    let (home, place) = home_of(conn, first)?;
    Ok((home, no.under(place)))
}

/// The same of a number that somebody names: nothing where nobody ever had it.
pub(crate) fn home_of_named<N: engine::Placed>(
    conn: &Connection,
    owner: MemberId,
    no: N,
) -> Found<Option<(MemberId, N)>> {
    let is_known = no.place() == Place::OWN || merges_of(conn, owner)?.iter().any(|it| it.place == no.place());
    is_known.then(|| home_of_number(conn, owner, no)).transpose()
}

/// Where a certificate came first: there its code stays.
pub(crate) fn first_place(conn: &Connection, id: AccountId, no: LotNo) -> Found<(AccountId, LotNo)> {
    let owner = first_owner(conn, id.owner, no.place())?;
    Ok((AccountId { owner, ..id }, no.under(Place::OWN)))
}

/// A member that was merged into another, as its row says.
pub(crate) struct MergeRow {
    pub(crate) place: Place,
    pub(crate) member: MemberId,
    pub(crate) first: Place,
    pub(crate) at: Timestamp,
    pub(crate) undone: bool,
    /// It cannot be undone any more.
    pub(crate) stays: bool,
}

/// All that were ever merged into a member, by their places.
pub(crate) fn merges_of(conn: &Connection, owner: MemberId) -> Found<Vec<MergeRow>> {
    let select = "SELECT place, member_id, first, at, undone_at, stays FROM merges WHERE owner_id = $1 ORDER BY place";
    let mut statement = conn.prepare_cached(select)?;
    let mut found = statement.query(params![owner.0])?;
    let mut merges = Vec::new();
    while let Some(row) = found.next()? {
        merges.push(MergeRow {
            place: Place(row.get(0)?),
            member: rows::member(row, 1)?,
            first: Place(row.get(2)?),
            at: rows::time(row, 3)?,
            undone: row.get::<_, Option<i64>>(4)?.is_some(),
            stays: row.get(5)?,
        });
    }
    Ok(merges)
}

/// The merge of a member that can still be undone: its last one, for some days.
pub(crate) fn last_merge(merges: &[MergeRow], now: Timestamp) -> Option<&MergeRow> {
    let last = merges.iter().find(|it| it.place == it.first && !it.undone && !it.stays)?;
    (now < engine::undo_ends(last.at)).then_some(last)
}

/// Merges two members, or undoes it.
pub(crate) fn run(batch: &mut Batch<'_>, body: &Body, moment: Moment) -> Answered {
    match body {
        Body::Merge { member, other } => merge(batch, member, other, moment),
        Body::Unmerge { member } => unmerge(batch, member, moment),
        _ => Err(Fault::Row("other commands are decided elsewhere").into()),
    }
}

fn merge(batch: &mut Batch<'_>, member: &MemberRef, other: &MemberRef, moment: Moment) -> Answered {
    let survivor = find_member(batch, member)?;
    let other = find_member(batch, other)?;
    if survivor == other {
        return Err(Rejection::CannotMerge.into());
    }
    for it in [survivor, other] {
        people::check_known(batch, it)?;
    }
    let merges = merges_of(batch.conn, survivor)?;
    let place = Place(merges.last().map_or(1, |it| it.place.0 + 1));
    let theirs = merges_of(batch.conn, other)?;
    let last = place.0.checked_add(theirs.last().map_or(0, |it| it.place.0));
    if last.is_none_or(|it| Place::MAX.0 < it) {
        return Err(too_large().into());
    }
    for owner in [survivor, other] {
        for program in programs(batch) {
            settle(batch, AccountId { owner, program }, moment)?;
        }
        for id in accounts_of(batch, owner)?.into_iter().filter(|it| it.is_wallet()) {
            certificate::settle(batch, id, moment.now)?;
        }
    }
    let merger = Merger { place, can_be_undone: true, survivor: survivor.0, other: other.0 };
    let accounts = accounts_of(batch, other)?;
    for id in &accounts {
        if usize::try_from(load::rows_from(batch.conn, *id, Place::OWN)?).is_ok_and(|it| limits::MERGE_MAX < it) {
            return Err(too_large().into());
        }
    }
    // Where the one that stays has anything, both sides are told apart from now on.
    let programs: BTreeSet<u32> =
        accounts.into_iter().chain(accounts_of(batch, survivor)?).map(|it| it.program).collect();
    for program in programs.into_iter().rev() {
        merge_accounts(batch, survivor, AccountId { owner: other, program }, &merger, moment)?;
    }
    level(batch, survivor, other, moment)?;
    let now = moment.now;
    for owner in [survivor, other] {
        batch.conn.prepare_cached("UPDATE merges SET stays = 1 WHERE owner_id = $1")?.execute(params![owner.0])?;
    }
    insert_merge(batch.conn, survivor, (place, other, place), now)?;
    for it in theirs.iter().filter(|it| !it.undone) {
        let its = Place(place.0 + it.place.0);
        insert_merge(batch.conn, survivor, (its, it.member, place), now)?;
        point(batch.conn, it.member, Some(survivor))?;
    }
    point(batch.conn, other, Some(survivor))?;
    Ok(Reply::Member { id: survivor, created: false })
}

/// Certificates are suspended of whoever has left every program, as one or as two.
fn level(batch: &mut Batch<'_>, owner: MemberId, other: MemberId, moment: Moment) -> Result<(), Refused> {
    let currencies: BTreeSet<[u8; 3]> = batch.reference.programs.values().filter_map(Program::currency).collect();
    let why = Reason::Merged { other: other.0 };
    currencies.into_iter().try_for_each(|it| certificate::level(batch, (owner, it), &why, moment))
}

/// Store credit comes first: what points became names its lots.
fn programs(batch: &Batch<'_>) -> Vec<u32> {
    batch.reference.programs.keys().copied().collect()
}

/// The accounts of an owner, those that are new in this batch among them: what was due may have made the first credit, or the first
/// certificate.
pub(crate) fn accounts_of(batch: &mut Batch<'_>, owner: MemberId) -> Found<Vec<AccountId>> {
    let mut statement = batch.conn.prepare_cached("SELECT program FROM accounts WHERE owner_id = $1")?;
    let found = statement.query_map(params![owner.0], |row| row.get(0))?;
    let stored = found.collect::<sql::Result<Vec<u32>>>()?.into_iter();
    let all: BTreeSet<AccountId> =
        stored.map(|program| AccountId { owner, program }).chain(batch.new_accounts(owner)).collect();
    Ok(all.into_iter().rev().collect())
}

fn settle(batch: &mut Batch<'_>, id: AccountId, moment: Moment) -> Result<(), Refused> {
    if !batch.slot(id)?.is_stored {
        return Ok(());
    }
    let mut due = ask(batch, id, |account, rules| engine::settle(account, rules, moment.now).map_err(Stop::from))?;
    Ok(post(batch, id, &mut due, false)?)
}

/// Moves one account of the member that goes.
fn merge_accounts(
    batch: &mut Batch<'_>,
    survivor: MemberId,
    other: AccountId,
    merger: &Merger,
    moment: Moment,
) -> Result<(), Refused> {
    let id = AccountId { owner: survivor, ..other };
    let orders = batch.load_from(other, Place::OWN)?;
    let mut both =
        of_both(batch, id, other, |account, going, rules, _| engine::merge(account, going, rules, merger, moment))?;
    let shift = Shift::Behind(merger.place);
    let new = orders.into_iter().map(|(no, it)| (no.moved(shift), it)).collect();
    batch.post_moved(id, &mut both.survivor, new)?;
    batch.post_moved(other, &mut both.other, BTreeMap::new())?;
    batch.clear(other, Place::OWN)?;
    Ok(())
}

/// Asks the rules about two accounts, and loads more of the first as often as they need more.
fn of_both<T>(
    batch: &mut Batch<'_>,
    id: AccountId,
    other: AccountId,
    rule: impl Fn(&Account, &Account, Rules<'_>, Rules<'_>) -> Result<T, Stop>,
) -> Result<T, Refused> {
    let nothing = Timeline::default();
    let reference = batch.reference;
    let timeline = reference.programs.get(&id.program).map_or(&nothing, |it| &it.timeline);
    let budgets = batch.budgets(id.program)?;
    loop {
        let (first, second) = (batch.shown(id)?, batch.shown(other)?);
        let facts = [batch.slot(id)?.facts.clone(), batch.slot(other)?.facts.clone()];
        let rules = Rules { budgets: &budgets, ..Rules::of(timeline) };
        let [rules, other_rules] = [&facts[0], &facts[1]].map(|facts| Rules { facts, ..rules });
        match rule(&first, &second, rules, other_rules) {
            Ok(answer) => return Ok(answer),
            Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
            Err(Stop::NeedMore) => batch.load_more(id)?,
        }
    }
}

/// Where nothing came with a merge, its place is made when something comes under it. So an undo knows what is whose.
pub(crate) fn ensure_joined(batch: &mut Batch<'_>, id: AccountId, moment: Moment) -> Result<(), Refused> {
    if batch.under == Place::OWN {
        return Ok(());
    }
    let currency = batch.reference.programs.get(&id.program).and_then(crate::reference::Program::currency);
    let purse = currency.map(|it| AccountId::purse(id.owner, it)).filter(|it| *it != id);
    [Some(id), purse].into_iter().flatten().try_for_each(|it| ensure_place(batch, it, moment))
}

/// The same in one account.
pub(crate) fn ensure_place(batch: &mut Batch<'_>, id: AccountId, moment: Moment) -> Result<(), Refused> {
    let under = batch.under;
    if under != Place::OWN && batch.slot(id)?.account.joined.iter().all(|it| it.place != under) {
        batch.remember(id.owner);
        let merges = merges_of(batch.conn, id.owner)?;
        let row = merges.iter().find(|it| it.place == under).ok_or(Fault::Row("a place belongs to a merge"))?;
        let (first, can_be_undone) = (row.first, !row.stays);
        let with_it = merges.iter().filter(|it| it.first == first && !it.undone);
        let other = merges.iter().find(|it| it.place == first).ok_or(Fault::Row("a merge begins with a place"))?.member;
        let mut nobody = Account::default();
        nobody.joined =
            with_it.filter(|it| it.place != first).map(|it| nothing_of(Place(it.place.0 - first.0))).collect();
        let mut merger = Merger { place: first, can_be_undone, survivor: id.owner.0, other: other.0 };
        // Of those who came together one may have had nothing in it: what the others have is told apart already.
        if batch.slot(id)?.account.joined.iter().any(|it| it.place == first) {
            nobody.joined.clear();
            merger = Merger { place: under, can_be_undone: false, ..merger };
        }
        let mut both: Both =
            of_both(batch, id, id, |account, _, rules, _| engine::merge(account, &nobody, rules, &merger, moment))?;
        batch.post_moved(id, &mut both.survivor, BTreeMap::new())?;
    }
    Ok(())
}

fn nothing_of(place: Place) -> Joined {
    let (next_lot, next_order, next_hold) = (LotNo::first(place), OrderNo::first(place), HoldNo::first(place));
    Joined { place, next_lot, next_order, next_hold }
}

/// Undoes the last merge of a member.
fn unmerge(batch: &mut Batch<'_>, member: &MemberRef, moment: Moment) -> Answered {
    let survivor = find_member(batch, member)?;
    let merges = merges_of(batch.conn, survivor)?;
    let last = last_merge(&merges, moment.now).ok_or(Rejection::CannotUndo)?;
    let (from, other) = (last.place, last.member);
    let parted = parted(batch, survivor, from)?;
    let mut uses: BTreeMap<Option<[u8; 3]>, Vec<CreditUse>> = BTreeMap::new();
    let mut orders = BTreeMap::new();
    let programs = || parted.iter().copied().filter(|it| it.program < NO_PROGRAMS);
    for id in programs() {
        orders.insert(id, load_parted(batch, id, from)?);
        if engine::certificates_cross(&batch.slot(id)?.account, from) {
            return Err(invalid("member", "one of whom no order is paid with a certificate of the other").into());
        }
    }
    let mut unconverted = BTreeSet::new();
    for id in programs() {
        let mut ended = ask(batch, id, |account, rules| engine::disentangle(account, rules, moment))?;
        post(batch, id, &mut ended, false)?;
        if ended.is_unconverted() {
            unconverted.insert(id);
        }
        let currency = batch.reference.programs.get(&id.program).and_then(crate::reference::Program::currency);
        uses.entry(currency).or_default().extend(engine::credit_uses(&batch.slot(id)?.account, from));
    }
    let plain = Parting::plain(from, survivor.0, other.0);
    let mut stand_ins: BTreeMap<Option<[u8; 3]>, Vec<StandIn>> = BTreeMap::new();
    for id in parted.iter().copied().filter(|it| NO_PROGRAMS <= it.program) {
        let currency = id.currency();
        let uses = if id.is_wallet() { Vec::new() } else { uses.remove(&currency).unwrap_or_default() };
        load_parted(batch, id, from)?;
        for it in &uses {
            batch.load(id, |conn, account| load::load_lot_numbered(conn, id, account, it.lot))?;
        }
        let parting = Parting { uses: &uses, is_wallet: id.is_wallet(), ..plain };
        let unmerged = part(batch, id, other, &parting, BTreeMap::new(), moment)?;
        if !id.is_wallet() {
            stand_ins.insert(currency, unmerged.stand_ins);
        }
    }
    let nothing = Vec::new();
    for (id, orders) in orders {
        let currency = batch.reference.programs.get(&id.program).and_then(crate::reference::Program::currency);
        let credit = stand_ins.get(&currency).unwrap_or(&nothing);
        let parting = Parting { credit, is_unconverted: unconverted.contains(&id), ..plain };
        part(batch, id, other, &parting, orders, moment)?;
    }
    for (owner, other) in [(survivor, other), (other, survivor)] {
        level(batch, owner, other, moment)?;
        for id in accounts_of(batch, owner)?.into_iter().filter(|it| it.is_wallet()) {
            certificate::settle(batch, id, moment.now)?;
        }
    }
    forget(batch.conn, survivor, &merges, from, moment.now)?;
    Ok(Reply::Member { id: other, created: false })
}

/// The accounts in which something is to be told apart.
fn parted(batch: &mut Batch<'_>, survivor: MemberId, from: Place) -> Result<Vec<AccountId>, Refused> {
    let mut parted = Vec::new();
    for id in accounts_of(batch, survivor)? {
        let is_apart = batch.slot(id)?.account.merged_from() == Some(from);
        // A program that is newer than the merge: its orders may have been paid with the other's credit all the same.
        let first = if is_apart { from } else { Place::OWN };
        if usize::try_from(load::rows_from(batch.conn, id, first)?).is_ok_and(|it| limits::MERGE_MAX < it) {
            return Err(too_large().into());
        }
        if !is_apart {
            batch.load_from(id, Place::OWN)?;
        }
        let account = &batch.slot(id)?.account;
        let crosses = !engine::credit_uses(account, from).is_empty() || engine::certificates_cross(account, from);
        if is_apart || crosses {
            parted.push(id);
        }
    }
    Ok(parted)
}

/// Everything that leaves, the orders that had to do with both sides, and what was converted; answers what the rows of the
/// orders that leave say.
fn load_parted(batch: &mut Batch<'_>, id: AccountId, from: Place) -> Result<BTreeMap<OrderNo, NewOrder>, Refused> {
    let orders = batch.load_from(id, from)?;
    let apart = batch.slot(id)?.account.apart.clone();
    for no in apart.iter().flat_map(|it| &it.orders) {
        batch.load_order(id, *no)?;
    }
    for (no, _) in apart.iter().flat_map(|it| &it.repaid) {
        batch.load(id, |conn, account| load::load_lot_numbered(conn, id, account, *no))?;
    }
    Ok(orders)
}

/// Gives one account back.
fn part(
    batch: &mut Batch<'_>,
    id: AccountId,
    other: MemberId,
    parting: &Parting<'_>,
    orders: BTreeMap<OrderNo, NewOrder>,
    moment: Moment,
) -> Result<Unmerged, Refused> {
    let from = parting.from;
    let to = AccountId { owner: other, ..id };
    batch.slot(to)?.account.horizon = Horizon::default();
    let mut unmerged = of_both(batch, id, to, |account, away, rules, other_rules| {
        engine::unmerge((account, rules), (away, other_rules), parting, moment)
    })?;
    batch.post_moved(id, &mut unmerged.both.survivor, BTreeMap::new())?;
    batch.clear(id, from)?;
    let new = orders.into_iter().map(|(no, it)| (no.moved(Shift::Back(from)), it)).collect();
    batch.post_moved(to, &mut unmerged.both.other, new)?;
    Ok(unmerged)
}

/// The pointers lead back to where they led before.
fn forget(conn: &Connection, survivor: MemberId, merges: &[MergeRow], from: Place, now: Timestamp) -> Found<()> {
    let gone = || merges.iter().filter(|it| it.first == from && !it.undone);
    let other = gone().find(|it| it.place == from).map(|it| it.member);
    for it in gone() {
        let update = "UPDATE merges SET undone_at = $1 WHERE owner_id = $2 AND place = $3";
        one(conn.prepare_cached(update)?.execute(params![now.micros(), survivor.0, it.place.0])?)?;
        point(conn, it.member, other.filter(|other| it.member != *other))?;
    }
    Ok(())
}

fn insert_merge(
    conn: &Connection,
    owner: MemberId,
    (place, member, first): (Place, MemberId, Place),
    now: Timestamp,
) -> Found<()> {
    let insert = "INSERT INTO merges (owner_id, place, member_id, first, at) VALUES ($1, $2, $3, $4, $5)";
    conn.prepare_cached(insert)?.execute(params![owner.0, place.0, member.0, first.0, now.micros()])?;
    Ok(())
}

fn point(conn: &Connection, member: MemberId, to: Option<MemberId>) -> Found<()> {
    let update = "UPDATE members SET merged_into = $1 WHERE owner_id = $2";
    one(conn.prepare_cached(update)?.execute(params![to.map(|it| it.0), member.0])?)
}
