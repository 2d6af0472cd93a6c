//! Proves the database: replays every entry through `Account::post`, without the rules, and compares all that is stored.
//!
//! One snapshot. Bounded by one account at a time and by the day totals. The first difference is named; after it nothing
//! more is looked at.

mod bearers;
mod wallet;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use engine::{Account, Bucket, CreditPart, Entry, EntryNo, Hold, Kind, Lot, OrderNo, Placed as _, Posted, Reason};

use crate::card::{BLOCKED, notes_of};
use crate::counters::Proof;
use crate::directory::{self, Listed, Listing, identity_key, order_key, return_key};
use crate::error::StoreError;
use crate::fault::{Fault, Found};
use crate::id::MemberId;
use crate::load::{
    Loaded, OrderRow, find_entry, find_order, load_balance, read_entry, read_hold, read_order, read_year,
};
use crate::member::{Identity, IdentityKind, words_of};
use crate::merge::{first_owner, home_of_number};
use crate::query::{Reader, all_lots, parked};
use crate::rows::{self, AccountId, figures};
use crate::sql::{Connection, params};
use crate::totals::{COLUMNS_TEXT, NO_PROGRAM, Totals, TotalsKey, read_totals};

mod guests;
mod turned;

mod owners;

/// What was compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    pub accounts: u64,
    pub entries: u64,
    pub lots: u64,
    pub orders: u64,
    pub holds: u64,
    /// Orders without a member.
    pub guests: u64,
    pub years: u64,
    pub members: u64,
    /// Members that the sweeper leaves out, since settling their points panicked.
    pub parked: Vec<MemberId>,
    /// The first difference, if there is one.
    pub difference: Option<String>,
}

impl Reader {
    /// Replays the ledger and compares; `progress` is told how many accounts are done.
    ///
    /// # Errors
    /// When the database cannot be read. A difference is no error: the report names it.
    pub fn verify(&self, progress: &mut dyn FnMut(u64)) -> Result<VerifyReport, StoreError> {
        match self.ask(|conn| verify(conn, progress)) {
            Err(StoreError::Damaged { what, .. }) => {
                let difference = Some(format!("the file is damaged: {what}"));
                Ok(VerifyReport { difference, ..VerifyReport::default() })
            }
            other => other,
        }
    }
}

/// Why it stops before the end.
enum Ended {
    Difference(String),
    Fault(Fault),
}

impl<T: Into<Fault>> From<T> for Ended {
    fn from(fault: T) -> Self {
        Self::Fault(fault.into())
    }
}

type Compared<T> = Result<T, Ended>;

pub(crate) fn verify(conn: &Connection, progress: &mut dyn FnMut(u64)) -> Found<VerifyReport> {
    let report = VerifyReport { parked: parked(conn)?, ..VerifyReport::default() };
    let mut check = Check {
        conn,
        report,
        totals: BTreeMap::new(),
        references: 0,
        credit: BTreeMap::new(),
        owner: None,
        conversions: 0,
        claims: 0,
        budgets: Proof::default(),
        wallets: wallet::Wallets::default(),
        bearers: bearers::Bearers::default(),
    };
    match check.all(progress) {
        Ok(()) => {}
        Err(Ended::Difference(difference)) => check.report.difference = Some(difference),
        Err(Ended::Fault(Fault::Row(what))) => check.report.difference = Some(what.to_owned()),
        Err(Ended::Fault(fault)) => return Err(fault),
    }
    Ok(check.report)
}

struct Check<'a> {
    conn: &'a Connection,
    report: VerifyReport,
    totals: BTreeMap<TotalsKey, Totals>,
    /// Directory rows that entries account for.
    references: u64,
    /// What entries on points of one owner did to its store credit, until that ledger is found to say the same.
    credit: BTreeMap<(u32, EntryNo), Vec<CreditPart>>,
    owner: Option<MemberId>,
    conversions: u64,
    claims: u64,
    budgets: Proof,
    wallets: wallet::Wallets,
    bearers: bearers::Bearers,
}

impl Check<'_> {
    fn all(&mut self, progress: &mut dyn FnMut(u64)) -> Compared<()> {
        self.conn.file().map_or(Ok(()), crate::damage::check_pages)?;
        let mut after = (Vec::new(), 0);
        // Pages of accounts, so that a cursor and what is read inside it share no statement.
        loop {
            let page = self.accounts_after(&after.0, after.1)?;
            let Some(last) = page.last() else { break };
            after = (last.owner.0.to_vec(), last.program);
            for id in page {
                self.account(id)?;
                self.report.accounts += 1;
            }
            progress(self.report.accounts);
        }
        self.credit_is_told()?;
        self.guests()?;
        self.used_is_told()?;
        self.counts()?;
        self.sign_ups()?;
        self.compare_totals()?;
        if let Some(difference) = self.budgets.differs(self.conn)? {
            return Err(Ended::Difference(difference));
        }
        self.directory()
    }

    fn accounts_after(&self, owner: &[u8], program: u32) -> Found<Vec<AccountId>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT owner_id, program FROM accounts WHERE ($1, $2) < (owner_id, program)
            ORDER BY owner_id, program LIMIT 1000",
        )?;
        let mut rows = statement.query(params![owner, program])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.push(AccountId { owner: rows::member(row, 0)?, program: row.get(1)? });
        }
        Ok(page)
    }

    fn account(&mut self, id: AccountId) -> Compared<()> {
        let is_first = self.owner != Some(id.owner);
        if is_first {
            self.credit_is_told()?;
            self.used_is_told()?;
            self.owner = Some(id.owner);
        }
        let stored = load_balance(self.conn, id)?;
        let channels = self.channels(id)?;
        let replayed = self.replay(id, &channels)?;
        self.compare_bearer(id, &replayed, is_first)?;
        compare_balance(id, &stored, &replayed)?;
        self.compare_lots(id, &replayed)?;
        self.compare_holds(id, &replayed)?;
        self.compare_years(id, &replayed)?;
        self.compare_conversions(id, &replayed)?;
        self.compare_claims(id, &replayed)?;
        self.compare_codes(id, &replayed)?;
        self.compare_orders(id, &replayed, &stored)
    }

    /// The channel of each order.
    fn channels(&self, id: AccountId) -> Found<BTreeMap<OrderNo, u32>> {
        let select = "SELECT order_no, channel FROM orders WHERE owner_id = $1 AND program = $2";
        let mut statement = self.conn.prepare_cached(select)?;
        let mut rows = statement.query(params![id.owner.0, id.program])?;
        let mut channels = BTreeMap::new();
        while let Some(row) = rows.next()? {
            channels.insert(OrderNo(row.get(0)?), row.get(1)?);
        }
        Ok(channels)
    }

    /// That of an order that a merge has moved, or its undo.
    fn channel_elsewhere(&self, id: AccountId, no: OrderNo) -> Found<Option<u32>> {
        let (owner, no) = home_of_number(self.conn, id.owner, no)?;
        Ok(find_order(self.conn, AccountId { owner, ..id }, no)?.map(|it| it.channel))
    }

    fn replay(&mut self, id: AccountId, channels: &BTreeMap<OrderNo, u32>) -> Compared<Account> {
        let mut statement = self.conn.prepare_cached(
            "SELECT entry_no, at, kind, order_no, body, biz_date FROM entries
            WHERE owner_id = $1 AND program = $2 ORDER BY entry_no",
        )?;
        let mut rows = statement.query(params![id.owner.0, id.program])?;
        let mut account = Account::default();
        while let Some(row) = rows.next()? {
            let entry = read_entry(row)?;
            let no = entry.number.0;
            let channel = match entry.order {
                None => 0,
                Some(order) => match channels.get(&order).copied() {
                    Some(channel) => channel,
                    None => self.channel_elsewhere(id, order)?.ok_or_else(|| {
                        differs(id, &format!("entry {no} names order {}, which is not there", order.0))
                    })?,
                },
            };
            self.match_credit(id, &entry)?;
            self.budgets.count(id.program, &entry);
            self.match_used(id, &entry)?;
            let mut sums = Totals::default();
            sums.count(&entry);
            let key = TotalsKey { program: id.program, channel, day: row.get(5)? };
            self.totals.entry(key).or_default().add(&sums);
            // An entry that does not fit is a bug of whoever wrote it, not of this program.
            catch_unwind(AssertUnwindSafe(|| account.post(&entry)))
                .map_err(|_| differs(id, &format!("entry {no} does not follow from those before it")))?;
            self.report.entries += 1;
        }
        Ok(account)
    }

    /// What an entry on points says of store credit stands in that ledger, to the lot, and nothing else does but what staff did.
    /// That ledger comes after those of the programs.
    fn match_credit(&mut self, id: AccountId, entry: &Entry) -> Compared<()> {
        let no = entry.number;
        if id.currency().is_none() {
            if !entry.changes.credit.is_empty() {
                self.credit.insert((id.program, no), entry.changes.credit.clone());
            }
            return Ok(());
        }
        if id.is_wallet() {
            return Ok(());
        }
        let cause = match &entry.reason {
            Reason::Cause(cause) => cause,
            Reason::Note(_) if entry.kind == Kind::Adjust => return Ok(()),
            // What an undo has left owed is paid from whatever comes; a merge moves what is there.
            Reason::Due if entry.kind == Kind::Repay => return Ok(()),
            Reason::Merged { .. } => return Ok(()),
            _ => return Err(differs(id, &format!("entry {} has no cause", no.0))),
        };
        let parts = self.credit.remove(&(cause.program, cause.entry)).unwrap_or_default();
        let (mut told, mut moved): (BTreeMap<u64, i64>, BTreeMap<u64, i64>) = Default::default();
        for it in &parts {
            *told.entry(it.lot.no.0).or_default() += it.amount.minor();
        }
        for it in &entry.postings {
            let sum = moved.entry(it.lot.0).or_default();
            *sum += if it.to == Bucket::Available { it.points.get() } else { -it.points.get() };
        }
        if told.is_empty() || told != moved {
            return Err(differs(id, &format!("entry {} is not what its cause says", no.0)));
        }
        Ok(())
    }

    fn credit_is_told(&mut self) -> Compared<()> {
        let left = self.credit.pop_first();
        let (Some(((program, no), _)), Some(owner)) = (left, self.owner) else { return Ok(()) };
        let id = AccountId { owner, program };
        Err(differs(id, &format!("entry {} changes store credit that says nothing of it", no.0)))
    }

    fn compare_lots(&mut self, id: AccountId, replayed: &Account) -> Compared<()> {
        let mut lots: Vec<Lot> = all_lots(self.conn, id)?;
        lots.sort_unstable_by_key(|it| it.at.no);
        self.report.lots += count(lots.len());
        if lots.len() != replayed.lots().len() {
            let (stored, replayed) = (lots.len(), replayed.lots().len());
            return Err(differs(id, &format!("{stored} lots are stored, the entries make {replayed}")));
        }
        for (stored, replayed) in lots.iter().zip(replayed.lots()) {
            if stored != replayed {
                return Err(differs(
                    id,
                    &format!("lot {} is stored as {stored:?}, the entries make {replayed:?}", stored.at.no.0),
                ));
            }
        }
        Ok(())
    }

    fn compare_holds(&mut self, id: AccountId, replayed: &Account) -> Compared<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT hold_no, lapses_at, taken_by, body, closed, points FROM holds
            WHERE owner_id = $1 AND program = $2 ORDER BY hold_no",
        )?;
        let mut rows = statement.query(params![id.owner.0, id.program])?;
        let mut holds: Vec<Hold> = Vec::new();
        while let Some(row) = rows.next()? {
            holds.push(read_hold(row)?);
        }
        self.report.holds += count(holds.len());
        let mut replayed = replayed.holds().to_vec();
        replayed.sort_unstable_by_key(|it| it.no);
        if holds != replayed {
            return Err(differs(id, "its holds are not those that the entries make"));
        }
        Ok(())
    }

    fn compare_years(&mut self, id: AccountId, replayed: &Account) -> Compared<()> {
        let mut statement = self
            .conn
            .prepare_cached("SELECT year, body FROM years WHERE owner_id = $1 AND program = $2 ORDER BY year")?;
        let mut rows = statement.query(params![id.owner.0, id.program])?;
        let mut years = Vec::new();
        while let Some(row) = rows.next()? {
            years.push(read_year(row)?);
        }
        self.report.years += count(years.len());
        if !years.iter().eq(replayed.years().iter().map(|it| &**it)) {
            return Err(differs(id, "what its days count is not what the entries make"));
        }
        Ok(())
    }

    fn compare_orders(&mut self, id: AccountId, replayed: &Account, stored: &Loaded) -> Compared<()> {
        let mut statement = self.conn.prepare_cached(
            "SELECT order_no, channel, reference, biz_date, document, state FROM orders
            WHERE owner_id = $1 AND program = $2 ORDER BY order_no",
        )?;
        let mut rows = statement.query(params![id.owner.0, id.program])?;
        let posted: BTreeMap<OrderNo, &Posted> = replayed.orders().iter().map(|it| (it.no, &it.posted)).collect();
        let nothing = Posted::default();
        let (mut expected, mut all, mut returns_first) = (OrderNo(1), 0, 0);
        while let Some(row) = rows.next()? {
            let found = read_order(row)?;
            let no = found.order.no.0;
            if found.order.no.place() != expected.place() {
                self.compare_next_order(id, stored, expected)?;
                expected = OrderNo::first(found.order.no.place());
            }
            if found.order.no != expected {
                return Err(differs(id, &format!("order {} is missing", expected.0)));
            }
            let posted = posted.get(&found.order.no).copied().unwrap_or(&nothing);
            if found.order.posted != *posted {
                let stored = &found.order.posted;
                return Err(differs(id, &format!("order {no} is stored with {stored:?}, the entries make {posted:?}")));
            }
            let is_return = found.order.document.as_deref().is_some_and(|it| it.is_return);
            returns_first += u64::from(is_return && no == returns_first + 1);
            self.listed(id, &found)?;
            expected = expected.next();
            all += 1;
        }
        self.report.orders += all;
        let known = stored.account.returns_first;
        if known != returns_first {
            let what = format!("{known} of its first orders are stored as returns, it is {returns_first}");
            return Err(differs(id, &what));
        }
        self.compare_next_order(id, stored, expected)
    }

    /// The orders of one place are numbered without gaps, up to its next number. Those of an account that is merged into
    /// another one are there.
    fn compare_next_order(&self, id: AccountId, stored: &Loaded, expected: OrderNo) -> Compared<()> {
        let next = stored.account.next_order_of(expected.place());
        if next != expected && !stored.account.presence.is_away {
            return Err(differs(id, &format!("its next order is stored as {}, it is {}", next.0, expected.0)));
        }
        Ok(())
    }

    /// The directory leads to an order and to each of its returns; an order is counted on its first day, a return is none.
    fn listed(&mut self, id: AccountId, found: &OrderRow) -> Compared<()> {
        let OrderRow { order, channel, reference, day } = found;
        let no = order.no.0;
        let is_return = order.document.as_deref().is_some_and(|it| it.is_return);
        let (key, kind) = if is_return {
            (return_key(*channel, reference), Listing::Return)
        } else {
            (order_key(*channel, reference), Listing::Order)
        };
        let owner = first_owner(self.conn, id.owner, order.no.place())?;
        let listed = Listed { owner, kind, program: id.program, number: order.no.within() };
        if directory::find(self.conn, key)? != Some(listed) {
            return Err(differs(id, &format!("the directory does not lead to order {no}")));
        }
        for it in &order.returned {
            let listed = Listed { kind: Listing::Return, ..listed };
            if directory::find(self.conn, return_key(it.channel, &it.reference))? != Some(listed) {
                return Err(differs(id, &format!("the directory does not lead to a return of order {no}")));
            }
            self.references += 1;
        }
        let key = TotalsKey { program: id.program, channel: *channel, day: day.clone() };
        self.totals.entry(key).or_default().orders += i64::from(!is_return);
        Ok(())
    }

    /// Rows of accounts that are not there, or that no look-up comes to: one look at the whole tree.
    fn counts(&mut self) -> Compared<()> {
        let report = &self.report;
        let mut stored: [u64; 10] = [0; 10];
        let mut statement = self.conn.prepare_cached("SELECT part, count(*) FROM ledger GROUP BY part")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let part: usize = row.get(0)?;
            *stored.get_mut(part).ok_or(Fault::Row("the ledger has a row of unknown part"))? = row.get(1)?;
        }
        for (found, what, expected) in [
            (stored[4], "entries", report.entries),
            (stored[2], "lots", report.lots),
            (stored[3], "orders", report.orders),
            (stored[1], "holds", report.holds),
            (stored[5], "years", report.years),
            (stored[6], "conversions", self.conversions),
            (stored[7], "orders without a member", report.guests),
            (stored[8], "codes", self.wallets.codes),
            (stored[9], "claims", self.claims),
            (stored[0], "accounts", report.accounts),
        ] {
            if found != expected {
                return Err(Ended::Difference(format!("{found} {what} are stored, {expected} belong to an account")));
            }
        }
        Ok(())
    }

    /// Counts who signed up when, and looks for the words of each name.
    fn sign_ups(&mut self) -> Compared<()> {
        let (conn, totals, members) = (self.conn, &mut self.totals, &mut self.report.members);
        let mut find = conn.prepare_cached("SELECT 1 FROM name_words WHERE word = $1 AND owner_id = $2")?;
        let mut words = 0;
        conn.for_each("SELECT owner_id, created_at, name FROM members", |row| -> Compared<()> {
            let owner = rows::member(row, 0)?;
            if owner.is_bearer() {
                return Ok(());
            }
            totals.entry(TotalsKey::of_sign_ups(rows::time(row, 1)?)).or_default().signed_up += 1;
            *members += 1;
            for word in row.get::<_, Option<String>>(2)?.as_deref().map(words_of).unwrap_or_default() {
                if !find.exists(params![word, owner.0])? {
                    return Err(Ended::Difference(format!("the member {owner} is not found by its name")));
                }
                words += 1;
            }
            Ok(())
        })?;
        let found = rows_of(self.conn, "name_words")?;
        if found != words {
            return Err(Ended::Difference(format!("{found} words of names are stored, members have {words}")));
        }
        Ok(())
    }

    fn compare_totals(&mut self) -> Compared<()> {
        let select = format!("SELECT program, channel, day, {COLUMNS_TEXT} FROM totals");
        let mut stored: BTreeMap<TotalsKey, Totals> = BTreeMap::new();
        self.conn.for_each(&select, |row| -> Compared<()> {
            let key = TotalsKey { program: row.get(0)?, channel: row.get(1)?, day: row.get(2)? };
            stored.entry(key).or_default().add(&read_totals(row, 3)?);
            Ok(())
        })?;
        let keys = stored.keys().chain(self.totals.keys());
        if let Some(key) = keys.into_iter().find(|it| stored.get(it) != self.totals.get(it)) {
            let TotalsKey { program, channel, day } = key;
            if *program == NO_PROGRAM {
                return Err(Ended::Difference(format!("not as many members signed up on {day} as are counted")));
            }
            return Err(Ended::Difference(format!(
                "the totals of program {program}, channel {channel}, {day} are not those of the entries"
            )));
        }
        Ok(())
    }

    fn directory(&mut self) -> Compared<()> {
        self.owners()?;
        self.identities()?;
        self.references()?;
        let found = rows_of(self.conn, "directory")?;
        let expected = rows_of(self.conn, "identities")? + self.report.orders + self.report.guests + self.references;
        if found != expected {
            return Err(Ended::Difference(format!("the directory has {found} rows, {expected} lead to something")));
        }
        self.bearers()
    }

    fn identities(&self) -> Compared<()> {
        self.conn.for_each("SELECT owner_id, kind, value FROM identities", |row| -> Compared<()> {
            let owner = rows::member(row, 0)?;
            let kind = IdentityKind::numbered(row.get(1)?).ok_or(Fault::Row("an identity is of unknown kind"))?;
            let value: String = row.get(2)?;
            let is_blocked = kind == IdentityKind::Card
                && notes_of(self.conn, owner, &value)?.is_some_and(|it| it.blocked_at.is_some());
            let key = identity_key(&Identity { kind, value });
            let number = if is_blocked { BLOCKED } else { 0 };
            let listed = Listed { owner, kind: Listing::Identity, program: 0, number };
            if directory::find(self.conn, key)? != Some(listed) || !directory::is_member(self.conn, owner)? {
                return Err(Ended::Difference(format!("an identity does not lead to its member {owner}")));
            }
            Ok(())
        })
    }

    fn references(&mut self) -> Compared<()> {
        let kind = Listing::Reference.number();
        let select = format!("SELECT owner_id, program, number FROM directory WHERE kind = {kind}");
        let (conn, references) = (self.conn, &mut self.references);
        conn.for_each(&select, |row| -> Compared<()> {
            let id = AccountId { owner: rows::member(row, 0)?, program: row.get(1)? };
            let entry = find_entry(conn, id, engine::EntryNo(row.get(2)?))?;
            if entry.is_none_or(|it| {
                !matches!(it.kind, engine::Kind::Adjust | engine::Kind::Activity | engine::Kind::Issue)
            }) {
                return Err(differs(id, "a permanent reference leads to nothing that is given under one"));
            }
            *references += 1;
            Ok(())
        })
    }
}

fn compare_balance(id: AccountId, stored: &Loaded, replayed: &Account) -> Compared<()> {
    let account = &stored.account;
    if account.balance != replayed.balance {
        let (stored, replayed) = (figures(&account.balance), figures(&replayed.balance));
        return Err(differs(id, &format!("its balance is stored as {stored:?}, the entries make {replayed:?}")));
    }
    if !replayed.balance.is_conserved() {
        return Err(differs(id, "points were issued that are nowhere"));
    }
    let counters = |it: &Account| (it.last_at, it.next_entry, it.next_lot, it.next_hold);
    if counters(account) != counters(replayed) {
        let (stored, replayed) = (counters(account), counters(replayed));
        return Err(differs(id, &format!("its counters are stored as {stored:?}, the entries make {replayed:?}")));
    }
    let counted = |it: &Account| (it.counted, it.latest_year);
    if counted(account) != counted(replayed) {
        return Err(differs(id, "what it counts in all is not what the entries make"));
    }
    let mut carried = [account.carried.clone(), replayed.carried.clone()];
    carried.iter_mut().for_each(|it| it.sort_unstable_by_key(|it| it.per));
    if carried[0] != carried[1] {
        return Err(differs(id, "its remainder of steps is not what the entries make"));
    }
    let numbers = |it: &Account| it.joined.iter().map(|it| (it.next_lot, it.next_hold)).collect::<Vec<_>>();
    if (numbers(account), &account.apart, account.presence) != (numbers(replayed), &replayed.apart, replayed.presence) {
        return Err(differs(id, "it was not merged as the entries say"));
    }
    if account.acts != replayed.acts {
        return Err(differs(id, "its member has not done what earns as often as the entries say"));
    }
    if (&account.tier, &account.tiers_before) != (&replayed.tier, &replayed.tiers_before) {
        return Err(differs(id, "its tier is not what the entries make"));
    }
    if account.closings != replayed.closings {
        return Err(differs(id, "it was not closed when the entries say"));
    }
    if account.extension != replayed.extension {
        return Err(differs(id, "activity has not extended its lots as the entries say"));
    }
    if replayed.due_at() < stored.due_at {
        let (stored, due_at) = (stored.due_at, replayed.due_at());
        return Err(differs(id, &format!("the sweeper is to come at {stored}, something falls due at {due_at}")));
    }
    Ok(())
}

fn differs(id: AccountId, what: &str) -> Ended {
    Ended::Difference(format!("{}, program {}: {what}", id.owner, id.program))
}

fn rows_of(conn: &Connection, table: &str) -> Found<u64> {
    Ok(conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0))?)
}

fn count(items: usize) -> u64 {
    u64::try_from(items).unwrap_or(u64::MAX)
}
