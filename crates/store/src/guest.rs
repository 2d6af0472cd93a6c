//! Orders without a member: a row each, under an owner that is made of the order's directory key, until somebody claims it.
//!
//! Nothing is posted for them. A claim posts the order to the member's account and takes the row away, in one transaction;
//! the directory leads to the member from then on, for returns of the order too. A channel may sign up whoever its first
//! document names.

use engine::{Account, Claim, Decided, Document, Guest, GuestDecided, Moment, OrderNo, Placed as _, Rejection, Rules};

use crate::batch::{Batch, OrderPlace};
use crate::bearer;
use crate::certificate;
use crate::command::{OrderName, Reply, ReturnedPart};
use crate::credit;
use crate::decide::{Answered, Put, Refused, ask, check_currency, find_owner};
use crate::directory::{DirectoryKey, Listed, Listing, identity_key, order_key, return_key};
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load::{self, OrderRow};
use crate::member::{Identity, MemberRef};
use crate::pack;
use crate::people;
use crate::reference::{Channel, Program};
use crate::rows::{self, AccountId, time};
use crate::sql::{Connection, Row, params};
use crate::totals::{Totals, TotalsKey};

pub(crate) const GUEST: &str = "SELECT 0, channel, reference, biz_date, document, state, recorded_at FROM guests
    WHERE owner_id = $1 AND program = $2";

/// An order without a member, and what never changes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GuestRow {
    pub(crate) guest: Guest,
    pub(crate) channel: u32,
    pub(crate) reference: String,
    /// The day on which it was first recorded.
    pub(crate) day: String,
}

/// An order without a member as the commands so far have left it.
#[derive(Clone, Debug)]
pub(crate) struct GuestSlot {
    /// Nothing once it is claimed.
    pub(crate) row: Option<GuestRow>,
    pub(crate) is_stored: bool,
    pub(crate) is_changed: bool,
}

/// Where an order is sold.
#[derive(Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) name: &'a str,
    pub(crate) channel: &'a Channel,
    pub(crate) key: DirectoryKey,
}

/// Whom a document names.
pub(crate) enum Named {
    Nobody,
    Member(MemberId),
    /// Somebody whom nobody knows, in a channel that signs such people up.
    New(Identity),
}

/// Only the first document of an order signs anybody up, and only one that sells.
pub(crate) fn named(
    batch: &mut Batch<'_>,
    put: &Put<'_>,
    at: Place<'_>,
    listed: Option<Listed>,
) -> Result<Named, Refused> {
    let Some(member) = put.member else { return Ok(Named::Nobody) };
    let has_member = listed.is_some_and(|it| it.kind != Listing::Guest);
    match (find_owner(batch, member, at.channel.program), member) {
        (Ok(owner), _) => Ok(Named::Member(owner)),
        (Err(Refused::Rejected(Rejection::UnknownMember)), MemberRef::Identity(identity))
            if at.channel.signs_up && !has_member && !put.document.is_return =>
        {
            Ok(Named::New(identity.normalised()))
        }
        // A card that has been taken away since: whose order it is stands fast, and what comes back of it must not be stuck.
        (Err(Refused::Rejected(Rejection::UnknownMember)), MemberRef::Identity(_)) if has_member => Ok(Named::Nobody),
        (Err(refused), _) => Err(refused),
    }
}

/// Signs up whom the first document of an order names. What follows cannot be refused any more: the document has been tried
/// on an account such as the new member will have.
pub(crate) fn sign_up(
    batch: &mut Batch<'_>,
    put: &Put<'_>,
    at: Place<'_>,
    identity: &Identity,
    moment: Moment,
) -> Result<MemberId, Refused> {
    let key = identity_key(identity);
    let owner = MemberId::derived(moment.now, &[put.seed.to_be_bytes().as_slice(), key.as_slice()].concat());
    batch.born(owner);
    let id = AccountId { owner, program: at.channel.program };
    let guest = batch.guest(at.key, id.program)?;
    credit::prepare(batch, id, None, put.document, moment.now)?;
    let named = certificate::prepare(batch, id, None, (put.document, put.certificates), moment)?;
    let (document, bearers) = (named.document(put.document), bearer::shown(batch, &named)?);
    ask(batch, id, |account, rules| {
        let mut account: Account = account.clone();
        account.apply(&engine::sign_up(&account, rules, moment)?);
        engine::show_bearers(&mut account, &bearers, moment)?;
        let rules = Rules { channel: Some(at.name), ..rules };
        match &guest {
            Some(it) => engine::claim(&account, rules, &it.guest, Claim::Document(document), moment),
            None => engine::put_order(&account, rules, None, document, moment),
        }
    })?;
    people::sign_up(batch, owner, (None, &engine::Facts::default()), std::slice::from_ref(identity), moment)?;
    Ok(owner)
}

/// A document of an order that nobody has claimed, or the first one of an order that names nobody.
pub(crate) fn put(batch: &mut Batch<'_>, put: &Put<'_>, at: Place<'_>, named: Named, moment: Moment) -> Answered {
    let known = batch.guest(at.key, at.channel.program)?;
    let program = program_of(batch, at.channel.program)?;
    let budgets = batch.budgets(at.channel.program)?;
    let rules = Rules { channel: Some(at.name), budgets: &budgets, ..Rules::of(&program.timeline) };
    check_currency(program, put.document)?;
    let claimed = known.as_ref().filter(|it| engine::is_claimable(&it.guest, rules, moment.now));
    if let Some(guest) = claimed {
        let owner = match named {
            Named::Nobody => None,
            Named::Member(owner) => Some(owner),
            Named::New(identity) => Some(sign_up(batch, put, at, &identity, moment)?),
        };
        if let Some(owner) = owner {
            let id = AccountId { owner, program: program.number };
            let named = certificate::prepare(batch, id, None, (put.document, put.certificates), moment)?;
            let document = Claim::Document(named.document(put.document));
            return claim(batch, guest, at, owner, (document, &named), moment);
        }
    }
    certificate::nobodys(put.certificates)?;
    let decided = engine::put_guest(known.as_ref().map(|it| &it.guest), rules, put.document, moment)?;
    let owner = MemberId(at.key);
    let day = match &known {
        Some(it) => it.day.clone(),
        None => batch.day(program, moment.now)?,
    };
    let fresh = GuestRow {
        guest: Guest { order: engine::Order::numbered(OrderNo(0)), recorded_at: moment.now },
        channel: at.channel.number,
        reference: put.reference.to_owned(),
        day: day.clone(),
    };
    if known.is_none() {
        let listed = Listed { owner, kind: Listing::Guest, program: program.number, number: 0 };
        batch.rows.directory.insert(at.key, listed);
        let key = TotalsKey { program: program.number, channel: at.channel.number, day };
        batch.rows.totals.entry(key).or_default().add(&Totals { orders: 1, ..Totals::default() });
    }
    Ok(keep(batch, at.key, program.number, known.unwrap_or(fresh), decided))
}

fn keep(batch: &mut Batch<'_>, key: DirectoryKey, program: u32, row: GuestRow, decided: GuestDecided) -> Reply {
    let GuestDecided { order, answer } = decided;
    if let Some(order) = order {
        let recorded_at = row.guest.recorded_at;
        batch.change_guest(key, program, Some(GuestRow { guest: Guest { order, recorded_at }, ..row }));
    }
    Reply::Order { member: None, order: answer.order, answer: Box::new(answer) }
}

/// A return of an order that nobody has claimed.
pub(crate) fn put_return(
    batch: &mut Batch<'_>,
    listed: Listed,
    (channel, key, reference): (u32, DirectoryKey, &str),
    currency: [u8; 3],
    part: &ReturnedPart,
    moment: Moment,
) -> Answered {
    let row = batch.guest(listed.owner.0, listed.program)?.ok_or(Fault::Row("the directory names no order"))?;
    let program = program_of(batch, listed.program)?;
    let returned = part.clone().of(channel, reference);
    let budgets = batch.budgets(program.number)?;
    let rules = Rules { budgets: &budgets, ..Rules::of(&program.timeline) };
    let decided = engine::put_guest_return(&row.guest, rules, &returned, currency, moment)?;
    if batch.find(key)?.is_none() {
        batch.rows.directory.insert(key, Listed { kind: Listing::Return, ..listed });
    }
    Ok(keep(batch, listed.owner.0, program.number, row, decided))
}

/// Staff name the member of an order. Naming the same again changes nothing.
pub(crate) fn claim_by_staff(
    batch: &mut Batch<'_>,
    order: &OrderName,
    member: &MemberRef,
    note: &str,
    moment: Moment,
) -> Answered {
    let reference = batch.reference;
    let (name, channel) = reference.named_channel(&order.channel).ok_or(Rejection::UnknownChannel)?;
    let key = order_key(channel.number, &order.reference);
    let owner = find_owner(batch, member, channel.program)?;
    let listed = batch.find(key)?.ok_or(Rejection::UnknownOrder)?;
    if listed.kind == Listing::Guest {
        let row = batch.guest(key, listed.program)?.ok_or(Fault::Row("the directory names no order"))?;
        let claims = (Claim::Note(note), &certificate::Named::default());
        return claim(batch, &row, Place { name, channel, key }, owner, claims, moment);
    }
    if batch.follow(listed.owner)? != owner {
        return Err(Rejection::OtherMember.into());
    }
    let (id, no) = (AccountId { owner, program: listed.program }, OrderNo(listed.number).under(batch.under));
    batch.load_order(id, no)?;
    let known = batch.slot(id)?.account.order(no).and_then(|it| it.document.clone());
    let document = known.ok_or(Fault::Row("an order is recorded with its document"))?;
    let (channel, reference) = (name, order.reference.as_str());
    let (member, document, certificates) = (Some(member), &document, None);
    let put = Put { channel, member, reference, document, seed: 0, certificates };
    crate::decide::put_order(batch, &put, moment)
}

/// The order becomes its member's: what it calls for is posted, the row goes, the directory leads to the member.
fn claim(
    batch: &mut Batch<'_>,
    row: &GuestRow,
    at: Place<'_>,
    owner: MemberId,
    (claim, certificates): (Claim<'_>, &certificate::Named),
    moment: Moment,
) -> Answered {
    let id = AccountId { owner, program: at.channel.program };
    let known = row.guest.order.document.as_ref().ok_or(Fault::Row("an order is recorded with its document"))?;
    let document: &Document = match claim {
        Claim::Document(document) => document,
        Claim::Note(_) => known,
    };
    batch.slot(id)?;
    crate::merge::ensure_joined(batch, id, moment)?;
    certificate::before_coming(batch, id, moment)?;
    if let Some(no) = document.hold {
        batch.load_hold(id, no)?;
    }
    credit::prepare(batch, id, None, document, moment.now)?;
    let rule = |account: &Account, rules: Rules<'_>| {
        engine::claim(account, Rules { channel: Some(at.name), ..rules }, &row.guest, claim, moment)
    };
    bearer::claim(batch, id, certificates, moment, rule)?;
    let mut decided: Decided = ask(batch, id, rule)?;
    let place = OrderPlace {
        channel: row.channel,
        reference: &row.reference,
        known: None,
        now: moment.now,
        counted: Some(&row.day),
    };
    let staged = batch.stage_all(id, &mut decided, Some(place), false)?;
    let answer = decided.answer.ok_or(Fault::Row("a document is always answered"))?;
    staged.into_iter().for_each(|it| batch.take_over(it));
    batch.change_guest(at.key, id.program, None);
    let first = crate::merge::first_owner(batch.conn, owner, answer.order.place())?;
    let listed = Listed { owner: first, kind: Listing::Order, program: id.program, number: answer.order.within() };
    batch.relist(at.key, listed);
    for it in &row.guest.order.returned {
        batch.relist(return_key(it.channel, &it.reference), Listed { kind: Listing::Return, ..listed });
    }
    Ok(Reply::Order { member: Some(owner), order: answer.order, answer })
}

fn program_of<'a>(batch: &Batch<'a>, program: u32) -> Result<&'a Program, Refused> {
    Ok(batch.reference.programs.get(&program).ok_or(Rejection::UnknownProgram)?)
}

pub(crate) fn find(conn: &Connection, owner: DirectoryKey, program: u32) -> Found<Option<GuestRow>> {
    let mut statement = conn.prepare_cached(GUEST)?;
    let mut rows = statement.query(params![owner, program])?;
    rows.next()?.map(read).transpose()
}

/// A thousand of them, behind an owner.
pub(crate) fn page(conn: &Connection, after: &[u8]) -> Found<Vec<(DirectoryKey, u32, GuestRow)>> {
    let select = "SELECT 0, channel, reference, biz_date, document, state, recorded_at, owner_id, program FROM guests
        WHERE $1 < owner_id ORDER BY owner_id LIMIT 1000";
    let mut statement = conn.prepare_cached(select)?;
    let mut rows = statement.query(params![after])?;
    let mut page = Vec::new();
    while let Some(row) = rows.next()? {
        page.push((rows::blob(row, 7)?, row.get(8)?, read(row)?));
    }
    Ok(page)
}

/// A row of the columns of `GUEST`.
fn read(row: &Row<'_>) -> Found<GuestRow> {
    let recorded_at = time(row, 6)?;
    let OrderRow { order, channel, reference, day } = load::read_order(row)?;
    Ok(GuestRow { guest: Guest { order, recorded_at }, channel, reference, day })
}

pub(crate) const INSERT_GUEST: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no,
        at, code, reference, biz_date, body, state)
    VALUES ($1, $2, 7, 0, 0, 0, 0, $3, $4, $5, $6, $7, $8)";
const UPDATE_GUEST: &str = "UPDATE ledger SET body = $1, state = $2
    WHERE owner_id = $3 AND program = $4 AND part = 7 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = 0";
const DELETE_GUEST: &str = "DELETE FROM ledger
    WHERE owner_id = $1 AND program = $2 AND part = 7 AND phase = 0 AND sort_at = 0 AND earned_at = 0 AND no = 0";

pub(crate) fn save(batch: &Batch<'_>) -> Found<()> {
    for ((owner, program), slot) in batch.guests.iter().filter(|it| it.1.is_changed) {
        let changed = match (&slot.row, slot.is_stored) {
            (None, false) => continue,
            (None, true) => batch.conn.prepare_cached(DELETE_GUEST)?.execute(params![owner, program])?,
            (Some(row), is_stored) => {
                let order = &row.guest.order;
                let document = order.document.as_deref();
                let document = document.ok_or(Fault::Row("an order is recorded without its document"))?;
                let (body, state) = (pack::pack_document(document), pack::pack_state(order, document.placed_at));
                if is_stored {
                    let mut update = batch.conn.prepare_cached(UPDATE_GUEST)?;
                    update.execute(params![body, state, owner, program])?
                } else {
                    let at = row.guest.recorded_at.micros();
                    let mut insert = batch.conn.prepare_cached(INSERT_GUEST)?;
                    insert.execute(params![owner, program, at, row.channel, row.reference, row.day, body, state])?
                }
            }
        };
        crate::save::one(changed)?;
    }
    Ok(())
}

impl Batch<'_> {
    /// The order of that directory key while it has no member, as the commands before have left it.
    fn guest(&mut self, key: DirectoryKey, program: u32) -> Found<Option<GuestRow>> {
        if let Some(slot) = self.guests.get(&(key, program)) {
            return Ok(slot.row.clone());
        }
        let row = find(self.conn, key, program)?;
        self.check_guest(key, program, row.is_some())?;
        let slot = GuestSlot { row: row.clone(), is_stored: row.is_some(), is_changed: false };
        self.guests.insert((key, program), slot);
        Ok(row)
    }

    fn change_guest(&mut self, key: DirectoryKey, program: u32, row: Option<GuestRow>) {
        let slot = self.guests.get_mut(&(key, program)).expect("it was looked for");
        (slot.row, slot.is_changed) = (row, true);
    }

    /// A key of the directory leads elsewhere from now on.
    pub(crate) fn relist(&mut self, key: DirectoryKey, listed: Listed) {
        // What this batch added is not stored yet.
        if self.rows.directory.insert(key, listed).is_none() {
            self.rows.unlisted.insert(key);
        }
    }
}
