//! A batch while it is decided: what was loaded, as the commands so far have left it, and what is to be saved.
//!
//! Each command sees those before it. What it changes is staged first and taken over as a whole, so that a command that is
//! refused or panics leaves nothing behind. Bounded by the commands of the batch and what each of them loads.

mod before;
mod beside;
mod changed;
mod people;

use std::collections::{BTreeMap, BTreeSet, btree_map};
use std::sync::Arc;

use engine::{
    Account, BudgetUse, Budgets, ClaimNo, ClaimState, ConversionKey, Decided, Entry, EntryNo, Facts, HoldNo, Lot,
    LotNo, Moment, Money, OrderNo, Place, Rules, Target, Timestamp,
};

pub(crate) use self::changed::saved_order;
use self::changed::{conversions_of, entry_row, holds_of, touched, years_of};
use crate::card::CardNotes;
use crate::claim;
use crate::code::Codes;
use crate::counters::Used;
use crate::directory::{self, DirectoryKey, Listed};
use crate::fault::{Fault, Found};
use crate::guest::GuestSlot;
use crate::id::MemberId;
use crate::load::{self, LOTS, Loaded};
use crate::locks::{Guard, Locks};
use crate::member::Identity;
use crate::reference::{Program, Reference};
use crate::rows::AccountId;
use crate::sql::Connection;
use crate::totals::{Totals, TotalsKey};

pub(crate) struct Batch<'a> {
    pub(crate) conn: &'a Connection,
    pub(crate) reference: &'a Reference,
    /// Ledger time of its live commands.
    pub(crate) now: Timestamp,
    /// Nothing where commands are only tried: certificates have no codes then.
    pub(crate) codes: Option<&'a Codes>,
    /// Of what is locked.
    pub(crate) guard: Guard<'a>,
    /// Which of the rows of totals are this writer's.
    pub(crate) slot: u32,
    /// Of the command that is decided: codes of certificates are drawn from it.
    pub(crate) seed: u64,
    /// Under which of the members that are one the command comes that is decided.
    pub(crate) under: Place,
    /// Whether it names its member by a card that is blocked.
    pub(crate) card_blocked: bool,
    /// Accounts that somebody may come into with the command that is decided.
    pub(crate) begun: Vec<(AccountId, Moment)>,
    pub(crate) rows: Rows,
    accounts: BTreeMap<AccountId, Slot>,
    /// Orders without a member, by directory key and program.
    pub(crate) guests: BTreeMap<(DirectoryKey, u32), GuestSlot>,
    /// By program, of those that have budgets.
    used: BTreeMap<u32, Used>,
    no_budgets: Arc<Budgets>,
    days: Option<(u32, Timestamp, String)>,
    /// What members had before the command that is decided, where it has posted something before its rules were asked.
    before: Vec<before::Before>,
}

/// What is to be saved, sorted by key.
#[derive(Default)]
pub(crate) struct Rows {
    pub(crate) directory: BTreeMap<DirectoryKey, Listed>,
    /// Stored rows that are to go before others are inserted.
    pub(crate) unlisted: BTreeSet<DirectoryKey>,
    pub(crate) answers: BTreeMap<DirectoryKey, ([u8; 16], Vec<u8>)>,
    pub(crate) members: BTreeMap<MemberId, MemberRow>,
    /// Owners of certificates that belong to nobody, and when they were made.
    pub(crate) bearers: BTreeMap<MemberId, Timestamp>,
    pub(crate) identities: BTreeSet<(MemberId, Identity)>,
    /// Stored identities that are to go.
    pub(crate) identities_gone: BTreeSet<(MemberId, Identity)>,
    /// What is said of cards from now on, if anything.
    pub(crate) cards: BTreeMap<(MemberId, String), Option<CardNotes>>,
    pub(crate) entries: BTreeMap<(AccountId, EntryNo), EntryRow>,
    pub(crate) orders: BTreeMap<(AccountId, OrderNo), SavedOrder>,
    pub(crate) totals: BTreeMap<TotalsKey, Totals>,
    /// Codes of certificates that are new, encrypted.
    pub(crate) codes: BTreeMap<(AccountId, LotNo), (Money, Vec<u8>)>,
    /// Stored codes that stand elsewhere now.
    pub(crate) codes_gone: BTreeSet<(AccountId, LotNo)>,
    /// Members that the sweeper is to leave out from now on, or no longer.
    pub(crate) parked: BTreeMap<MemberId, bool>,
}

/// What is to be known of a member.
pub(crate) struct MemberRow {
    pub(crate) profile: Profile,
    pub(crate) stored: Stored,
}

/// What is known of a member: personal data, which never enter the ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Profile {
    pub(crate) name: Option<String>,
    pub(crate) facts: Facts,
}

/// How a member's row stood before the batch.
pub(crate) enum Stored {
    /// It is to be made, as of that instant.
    New(Timestamp),
    Named(Option<String>),
}

pub(crate) struct EntryRow {
    pub(crate) at: Timestamp,
    pub(crate) day: String,
    pub(crate) kind: u8,
    pub(crate) order: Option<OrderNo>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone)]
pub(crate) struct SavedOrder {
    pub(crate) document: Vec<u8>,
    pub(crate) state: Vec<u8>,
    /// For an order that this batch recorded first.
    pub(crate) new: Option<NewOrder>,
}

/// What never changes of an order.
#[derive(Clone)]
pub(crate) struct NewOrder {
    pub(crate) channel: u32,
    pub(crate) reference: String,
    pub(crate) day: String,
}

/// An account in memory, and how its rows stood before the batch.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) account: Account,
    /// Of its member, as far as the rules of the program ask for any.
    pub(crate) facts: Facts,
    pub(crate) due_at: Timestamp,
    pub(crate) due_stored: Timestamp,
    pub(crate) is_stored: bool,
    pub(crate) is_changed: bool,
    /// Lots that changed, as they are stored; nothing for a new one.
    pub(crate) lots: BTreeMap<LotNo, Option<Lot>>,
    /// Holds that changed, and whether they are stored as active.
    pub(crate) holds: BTreeMap<HoldNo, bool>,
    /// Years that changed, and whether they are stored.
    pub(crate) years: BTreeMap<i16, bool>,
    /// Conversions that changed, and whether they are stored.
    pub(crate) conversions: BTreeMap<ConversionKey, bool>,
    /// Claims that changed, and the state in which they are stored, if they are.
    pub(crate) claims: BTreeMap<ClaimNo, Option<ClaimState>>,
    /// Stored rows of what has numbers of this place or a later one are to go before others are inserted.
    pub(crate) gone: Option<Place>,
    /// Whether the rules look at the owner's store credit.
    wants_credit: bool,
    /// Whether they look at the owner's certificates.
    wants_wallet: bool,
    /// Where its loaded orders were placed.
    pub(crate) channels: BTreeMap<OrderNo, u32>,
    limit: u32,
}

/// What a command does to one account, ready to be taken over.
pub(crate) struct Staged {
    id: AccountId,
    account: Account,
    settles: bool,
    entries: EntryRows,
    pub(crate) lots: Vec<(LotNo, Option<Lot>)>,
    pub(crate) holds: Vec<(HoldNo, bool)>,
    pub(crate) years: Vec<(i16, bool)>,
    pub(crate) conversions: Vec<(ConversionKey, bool)>,
    pub(crate) claims: Vec<(ClaimNo, Option<ClaimState>)>,
    codes: Vec<beside::NewCode>,
    pub(crate) orders: Vec<(OrderNo, SavedOrder)>,
    channels: BTreeMap<OrderNo, u32>,
    totals: Vec<(TotalsKey, Totals)>,
    used: Vec<BudgetUse>,
    claimed: Vec<(Arc<str>, i64)>,
}

type EntryRows = Vec<(EntryNo, EntryRow)>;

/// The order that a document is about, as far as rows need to know.
pub(crate) struct OrderPlace<'a> {
    pub(crate) channel: u32,
    pub(crate) reference: &'a str,
    pub(crate) known: Option<OrderNo>,
    /// Ledger time of the document.
    pub(crate) now: Timestamp,
    /// The day on which it was counted while it had no member.
    pub(crate) counted: Option<&'a str>,
}

impl<'a> Batch<'a> {
    pub(crate) fn new(
        conn: &'a Connection,
        (reference, codes): (&'a Reference, &'a Codes),
        (locks, slot): (&'a Locks, u32),
        now: Timestamp,
    ) -> Self {
        Self { codes: Some(codes), slot, ..Self::to_try(conn, reference, locks, now) }
    }

    /// One of commands that are only tried.
    pub(crate) fn to_try(conn: &'a Connection, reference: &'a Reference, locks: &'a Locks, now: Timestamp) -> Self {
        Self {
            conn,
            reference,
            now,
            codes: None,
            guard: Guard::new(locks),
            slot: 0,
            seed: 0,
            under: Place::OWN,
            card_blocked: false,
            begun: Vec::new(),
            rows: Rows::default(),
            accounts: BTreeMap::new(),
            guests: BTreeMap::new(),
            used: BTreeMap::new(),
            no_budgets: Arc::default(),
            days: None,
            before: Vec::new(),
        }
    }

    pub(crate) fn find(&self, key: DirectoryKey) -> Found<Option<Listed>> {
        match self.rows.directory.get(&key) {
            Some(listed) => Ok(Some(*listed)),
            None if self.rows.unlisted.contains(&key) => Ok(None),
            None => directory::find(self.conn, key),
        }
    }

    pub(crate) fn find_answer(&self, key: DirectoryKey) -> Found<Option<([u8; 16], Vec<u8>)>> {
        match self.rows.answers.get(&key) {
            Some(answer) => Ok(Some(answer.clone())),
            None => directory::find_answer(self.conn, key),
        }
    }

    /// The account as the commands before have left it; loaded when it is first named.
    pub(crate) fn slot(&mut self, id: AccountId) -> Found<&mut Slot> {
        match self.accounts.entry(id) {
            btree_map::Entry::Occupied(slot) => Ok(slot.into_mut()),
            btree_map::Entry::Vacant(empty) => {
                self.guard.check_owner(&self.rows, id.owner)?;
                let facts = facts(self.conn, self.reference, &self.rows, id)?;
                let loaded = if id.currency().is_none() {
                    load::load_for_command(self.conn, id, self.now)?
                } else {
                    load::load_account(self.conn, id)?
                };
                self.guard.check_absent(id.owner, loaded.is_stored)?;
                let mut slot = Slot::of(loaded, facts);
                slot.wants_credit = self.reference.converts_to(Target::Credit, id.program);
                slot.wants_wallet = self.reference.converts_to(Target::Certificate, id.program);
                Ok(empty.insert(slot))
            }
        }
    }

    /// What the commands before have left of the budgets of a program.
    pub(crate) fn budgets(&mut self, program: u32) -> Found<Arc<Budgets>> {
        if !self.reference.programs.get(&program).is_some_and(|it| it.timeline.has_budgets()) {
            return Ok(Arc::clone(&self.no_budgets));
        }
        self.check_figures(program)?;
        match self.used.entry(program) {
            btree_map::Entry::Occupied(used) => Ok(Arc::clone(&used.get().budgets)),
            btree_map::Entry::Vacant(empty) => Ok(Arc::clone(&empty.insert(Used::of(self.conn, program)?).budgets)),
        }
    }

    pub(crate) fn used(&self) -> &BTreeMap<u32, Used> {
        &self.used
    }

    /// Owners of accounts that a command was carried out on.
    pub(crate) fn changed_owners(&self) -> impl Iterator<Item = MemberId> {
        self.accounts.iter().filter(|(_, slot)| slot.is_changed).map(|(id, _)| id.owner)
    }

    pub(crate) fn accounts(&self) -> &BTreeMap<AccountId, Slot> {
        &self.accounts
    }

    /// The accounts of an owner that are not stored before this batch is.
    pub(crate) fn new_accounts(&self, owner: MemberId) -> impl Iterator<Item = AccountId> {
        let of = self.accounts.range(AccountId { owner, program: 0 }..=AccountId { owner, program: u32::MAX });
        of.filter(|(_, slot)| !slot.is_stored && slot.account.next_entry != EntryNo(1)).map(|(id, _)| *id)
    }

    /// The first lots, unless there are some already: only with them it is exact what falls due next.
    pub(crate) fn load_first_lots(&mut self, id: AccountId) -> Found<()> {
        let conn = self.conn;
        let slot = self.slot(id)?;
        if slot.limit == 0 {
            slot.load(|account| load::load_lots(conn, id, account, LOTS))?;
            slot.limit = LOTS;
        }
        Ok(())
    }

    fn load_more_of(&mut self, id: AccountId) -> Found<()> {
        let conn = self.conn;
        let carries = self.reference.programs.get(&id.program).is_some_and(Program::carries);
        let slot = self.slot(id)?;
        if slot.limit == 0 {
            return self.load_first_lots(id);
        }
        slot.limit = slot.limit.checked_mul(4).ok_or(Fault::Row("an account needs more lots than there can be"))?;
        let limit = slot.limit;
        slot.load(|account| load::load_lots(conn, id, account, limit))?;
        if carries {
            let loaded = slot.load(|account| load::load_orders(conn, id, account, limit))?;
            slot.channels.extend(loaded.iter().map(|it| (it.order.no, it.channel)));
        }
        Ok(())
    }

    /// What is known of a member has changed, and with it when the sweeper is to come: never later than before.
    pub(crate) fn renew_due(&mut self, id: AccountId) -> Found<()> {
        let due_at = self.due_at(id)?;
        let slot = self.slot(id)?;
        if due_at < slot.due_at {
            (slot.due_at, slot.is_changed) = (due_at, true);
        }
        Ok(())
    }

    /// When something falls due next, whatever the batch has noted so far.
    pub(crate) fn due_at(&mut self, id: AccountId) -> Found<Timestamp> {
        let reference = self.reference;
        let slot = self.slot(id)?;
        Ok(due_at(reference, id, &slot.account, &slot.facts))
    }

    pub(crate) fn day(&mut self, program: &Program, at: Timestamp) -> Found<String> {
        if let Some((number, instant, day)) = &self.days
            && (*number, *instant) == (program.number, at)
        {
            return Ok(day.clone());
        }
        let zone = program.zone(at).ok_or(Fault::Row("a program has no version"))?;
        let day = zone.date_of(at).to_string();
        self.days = Some((program.number, at, day.clone()));
        Ok(day)
    }

    /// Makes the rows of what was decided. `account` is how it leaves the account, `recorded` the order that it records.
    fn stage(
        &mut self,
        id: AccountId,
        (account, entries): (Account, &[Entry]),
        (recorded, order): (Option<OrderNo>, Option<OrderPlace<'_>>),
        settles: bool,
    ) -> Found<Staged> {
        let reference = self.reference;
        let program = reference.program_of(id).ok_or(Fault::Row("an account of an unknown program"))?;
        let before = &self.slot(id)?.account;
        let lots = touched(entries).map(|no| (no, before.lot(no).copied())).collect();
        let (holds, years) = (holds_of(before, entries), years_of(before, entries));
        let conversions = conversions_of(before, entries);
        let claims = claim::changed(before, entries);
        let codes = if id.is_wallet() { self.draw_codes(id, entries)? } else { Vec::new() };
        let mut channels = self.slot(id)?.channels.clone();
        let mut changed: BTreeSet<OrderNo> = entries.iter().filter_map(|it| it.order).collect();
        if let (Some(recorded), Some(place)) = (recorded, &order) {
            channels.insert(recorded, place.channel);
            changed.insert(recorded);
        }
        let (rows, mut totals) = self.rows_of(program, id, entries, &channels)?;
        let mut orders = Vec::with_capacity(changed.len());
        for no in changed {
            let changed = account.order(no).ok_or(Fault::Row("an order that changed is loaded"))?;
            let place = order.as_ref().filter(|it| recorded == Some(no) && it.known.is_none());
            let new = match place {
                None => None,
                Some(OrderPlace { channel, reference, counted: Some(day), .. }) => {
                    Some(NewOrder { channel: *channel, reference: (*reference).to_owned(), day: (*day).to_owned() })
                }
                Some(place) => {
                    let day = self.day(program, place.now.max(account.last_at))?;
                    let key = TotalsKey { program: id.program, channel: place.channel, day: day.clone() };
                    // A return without its order is none itself.
                    let is_return = changed.document.as_deref().is_some_and(|it| it.is_return);
                    totals.push((key, Totals { orders: i64::from(!is_return), ..Totals::default() }));
                    Some(NewOrder { channel: place.channel, reference: place.reference.to_owned(), day })
                }
            };
            orders.push((no, saved_order(changed, new)?));
        }
        let uses = entries.iter().flat_map(|it| &it.changes.budgets);
        let used: Vec<BudgetUse> = uses.cloned().collect();
        let claimed: Vec<(Arc<str>, i64)> =
            entries.iter().filter_map(Entry::claims).map(|(name, many)| (Arc::clone(name), many)).collect();
        if !used.is_empty() || !claimed.is_empty() {
            self.budgets(id.program)?;
        }
        Ok(Staged {
            id,
            account,
            settles,
            entries: rows,
            lots,
            holds,
            years,
            conversions,
            claims,
            codes,
            orders,
            channels,
            totals,
            used,
            claimed,
        })
    }

    /// The rows of entries, and what they add to the totals of their days.
    fn rows_of(
        &mut self,
        program: &Program,
        id: AccountId,
        entries: &[Entry],
        channels: &BTreeMap<OrderNo, u32>,
    ) -> Found<(EntryRows, Vec<(TotalsKey, Totals)>)> {
        let channel_of = |no: OrderNo| channels.get(&no).copied().ok_or(Fault::Row("an order that changed is loaded"));
        let mut rows = Vec::with_capacity(entries.len());
        let mut totals = Vec::with_capacity(entries.len() + 1);
        for entry in entries {
            let day = self.day(program, entry.at)?;
            let channel = entry.order.map_or(Ok(0), channel_of)?;
            let mut sums = Totals::default();
            sums.count(entry);
            totals.push((TotalsKey { program: id.program, channel, day: day.clone() }, sums));
            rows.push((entry.number, entry_row(entry, day)));
        }
        Ok((rows, totals))
    }

    /// What was decided on an account, and on the credit and the certificates beside it.
    pub(crate) fn stage_all(
        &mut self,
        id: AccountId,
        decided: &mut Decided,
        order: Option<OrderPlace<'_>>,
        settles: bool,
    ) -> Found<Vec<Staged>> {
        let mut account = *self.slot(id)?.account.carry_out(decided);
        let (credit, certificates) = (account.purse.take(), account.wallet.take());
        let recorded = decided.order.as_ref().map(|it| it.no);
        let mut staged = vec![self.stage(id, (account, &decided.entries), (recorded, order), settles)?];
        if !decided.credit.is_empty() {
            let purse = self.purse_of(id)?.ok_or(Fault::Row("credit changes that was not asked for"))?;
            staged.push(self.stage_beside(purse, credit.map(|it| Arc::unwrap_or_clone(it).credit), &decided.credit)?);
        }
        if !decided.certificates.is_empty() {
            let wallet = self.wallet_of(id).ok_or(Fault::Row("certificates change that were not asked for"))?;
            staged.push(self.stage_beside(
                wallet,
                certificates.map(|it| Arc::unwrap_or_clone(it).ledger),
                &decided.certificates,
            )?);
        }
        Ok(staged)
    }

    /// The same of what stands beside the points: as it is handed over, or else as its entries leave it.
    fn stage_beside(&mut self, id: AccountId, after: Option<Account>, entries: &[Entry]) -> Found<Staged> {
        let before = &self.slot(id)?.account;
        let posted = || {
            let mut account = before.clone();
            entries.iter().for_each(|it| account.post(it));
            account
        };
        debug_assert!(after.as_ref().is_none_or(|it| *it == posted()), "what was decided is what its entries come to");
        let account = after.unwrap_or_else(posted);
        self.stage(id, (account, entries), (None, None), false)
    }

    /// Takes over what was staged; nothing here can fail.
    pub(crate) fn take_over(&mut self, staged: Staged) {
        let Staged {
            id,
            account,
            settles,
            entries,
            lots,
            holds,
            years,
            conversions,
            claims,
            codes,
            orders,
            channels,
            totals,
            used,
            claimed,
        } = staged;
        self.take_codes(codes);
        if let Some(known) = self.used.get_mut(&id.program) {
            known.add(&used, &claimed);
        }
        if let Some(slot) = self.accounts.get_mut(&id) {
            slot.is_changed |= settles || !orders.is_empty() || !entries.is_empty();
            let due_at = due_at(self.reference, id, &account, &slot.facts);
            slot.due_at = if settles { due_at } else { slot.due_at.min(due_at) };
            slot.account = account;
            slot.channels = channels;
            for (no, before) in lots {
                slot.lots.entry(no).or_insert(before);
            }
            for (key, was_there) in conversions {
                slot.conversions.entry(key).or_insert(was_there);
            }
            for (no, stored) in claims {
                slot.claims.entry(no).or_insert(stored);
            }
            for (no, was_active) in holds {
                slot.holds.entry(no).or_insert(was_active);
            }
            for (year, is_stored) in years {
                slot.years.entry(year).or_insert(is_stored);
            }
        }
        self.rows.entries.extend(entries.into_iter().map(|(no, row)| ((id, no), row)));
        for (no, mut row) in orders {
            // What this batch recorded first stays to be inserted.
            let earlier = self.rows.orders.remove(&(id, no)).and_then(|it| it.new);
            row.new = row.new.or(earlier);
            self.rows.orders.insert((id, no), row);
        }
        for (key, sums) in totals {
            self.rows.totals.entry(key).or_default().add(&sums);
        }
    }
}

impl Slot {
    fn of(loaded: Loaded, facts: Facts) -> Self {
        Self {
            account: loaded.account,
            facts,
            due_at: loaded.due_at,
            due_stored: loaded.due_at,
            is_stored: loaded.is_stored,
            is_changed: false,
            lots: BTreeMap::new(),
            holds: BTreeMap::new(),
            years: BTreeMap::new(),
            conversions: BTreeMap::new(),
            claims: BTreeMap::new(),
            gone: None,
            wants_credit: false,
            wants_wallet: false,
            channels: BTreeMap::new(),
            limit: loaded.limit,
        }
    }

    /// Loads into a copy, so that half of it is never seen.
    pub(crate) fn load<T>(&mut self, load: impl FnOnce(&mut Account) -> Found<T>) -> Found<T> {
        let mut account = self.account.clone();
        let loaded = load(&mut account)?;
        self.account = account;
        Ok(loaded)
    }
}

fn due_at(reference: &Reference, id: AccountId, account: &Account, facts: &Facts) -> Timestamp {
    match reference.programs.get(&id.program) {
        Some(it) => engine::due_at(account, Rules { facts, ..Rules::of(&it.timeline) }),
        None => account.due_at(),
    }
}

/// Facts about a member as the commands before have left them, if the program asks for any.
fn facts(conn: &Connection, reference: &Reference, rows: &Rows, id: AccountId) -> Found<Facts> {
    match reference.programs.get(&id.program) {
        Some(program) if program.timeline.needs_facts() => match rows.members.get(&id.owner) {
            Some(row) => Ok(row.profile.facts.clone()),
            None => directory::facts_of(conn, id.owner),
        },
        Some(_) | None => Ok(Facts::default()),
    }
}
