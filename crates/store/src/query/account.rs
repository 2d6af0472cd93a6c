//! One member's points in one program: the account, its balance at any instant, and single orders.

use std::sync::Arc;

use engine::{
    Account, Balance, Document, Lot, Moment, NeedMore, Order, OrderNo, Points, Purse, Redating, Stop, Target,
    Timestamp, Wallet,
};

use super::Reader;
use crate::acts::redated;
use crate::command::Failure;
use crate::directory::{DirectoryKey, Listed, find, order_key, reference_key, return_key};
use crate::error::StoreError;
use crate::fault::Found;
use crate::guest;
use crate::id::{ChannelId, MemberId};
use crate::load::{self, LOTS, OrderRow, find_order, read_entry, read_lot};
use crate::merge::home_of_number;
use crate::reference::{Program, Reference};
use crate::rows::AccountId;
use crate::sql::{Connection, params};

pub(crate) const ACCOUNTS_OF: &str = "SELECT number FROM programs
    WHERE EXISTS (SELECT 1 FROM accounts WHERE owner_id = $1 AND program = number) ORDER BY number";

/// An order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderInfo {
    /// Nobody, as long as it is not claimed.
    pub member: Option<MemberId>,
    pub order: Order,
    pub channel: String,
    pub reference: String,
    pub document: Arc<Document>,
}

impl Reader {
    /// The programs, by their numbers, in which the member has an account: where something has happened.
    pub fn accounts(&self, member: MemberId) -> Result<Vec<u32>, StoreError> {
        self.ask(|conn| {
            // Program after program: there are few, and between two accounts of an owner may lie all that one has had.
            let mut statement = conn.prepare_cached(ACCOUNTS_OF)?;
            let programs = statement.query_map(params![member.0], |row| row.get(0))?;
            Ok(programs.collect::<Result<_, _>>()?)
        })
    }

    /// The account with its soonest lots and active holds; nothing when it has no entries and no orders yet.
    pub fn account(&self, member: MemberId, program: u32) -> Result<Option<Account>, StoreError> {
        let id = AccountId { owner: member, program };
        let reference = self.reference()?;
        self.ask(|conn| {
            let loaded = load::load_account(conn, id)?;
            if !loaded.is_stored {
                return Ok(None);
            }
            let mut account = loaded.account;
            load_credit(conn, &reference, id, &mut account, false)?;
            Ok(Some(account))
        })
    }

    /// The balance at an instant, exact whether or not a sweeper has come by: what has fallen due is settled, not saved. An
    /// instant in the past is answered from the entries until then.
    pub fn balance(&self, member: MemberId, program: u32, at: Timestamp) -> Result<Balance, StoreError> {
        let id = AccountId { owner: member, program };
        let ruled = self.rules(member, program)?;
        let reference = self.reference()?;
        self.ask(|conn| {
            let mut account = load::load_account(conn, id)?.account;
            if at < account.last_at {
                account = replay_until(conn, id, at)?;
            }
            load_credit(conn, &reference, id, &mut account, false)?;
            let mut limit = LOTS;
            loop {
                match engine::settle(&account, ruled.rules(), at) {
                    Ok(decided) => {
                        account.apply(&decided);
                        return Ok(account.balance);
                    }
                    Err(NeedMore) => {
                        limit = limit.saturating_mul(4);
                        load::load_lots(conn, id, &mut account, limit)?;
                    }
                }
            }
        })
    }

    /// What a redating would come to, of which nothing is saved: how many lots it moves, and the points in them.
    ///
    /// # Errors
    /// The rejections of `Redate`.
    pub fn redating(
        &self,
        member: MemberId,
        program: u32,
        redating: &Redating,
        moment: Moment,
    ) -> Result<(u64, Points), Failure> {
        let id = AccountId { owner: member, program };
        let ruled = self.rules(member, program)?;
        let reference = self.reference()?;
        let mut account = self.ask(|conn| {
            let mut account = load::load_account(conn, id)?.account;
            if let Some(no) = redating.lot {
                load::load_lot_numbered(conn, id, &mut account, no)?;
            }
            load_credit(conn, &reference, id, &mut account, false)?;
            Ok(account)
        })?;
        let mut limit = LOTS;
        loop {
            match engine::redate(&account, ruled.rules(), redating, moment) {
                Ok(decided) => {
                    account.apply(&decided);
                    return Ok(redated(&account, &decided.entries));
                }
                Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
                Err(Stop::NeedMore) => {
                    limit = limit.saturating_mul(4);
                    self.ask(|conn| load::load_lots(conn, id, &mut account, limit))?;
                }
            }
        }
    }

    /// The order of that reference in the channel of that name or id, whoever its member is.
    pub fn order(&self, channel: &str, reference: &str) -> Result<Option<OrderInfo>, StoreError> {
        self.listed_order(channel, |number| order_key(number, reference))
    }

    /// The order that a return of that reference is of; or the return itself, if it names none.
    pub fn returned(&self, channel: &str, reference: &str) -> Result<Option<OrderInfo>, StoreError> {
        self.listed_order(channel, |number| return_key(number, reference))
    }

    /// Whose adjustment or act a permanent reference names: in a program, or in a currency by `credit_ledger`.
    pub fn referred(&self, ledger: u32, reference: &str) -> Result<Option<MemberId>, StoreError> {
        self.ask(|conn| Ok(find(conn, reference_key(ledger, reference))?.map(|it| it.owner)))
    }

    fn listed_order(&self, channel: &str, key: impl Fn(u32) -> DirectoryKey) -> Result<Option<OrderInfo>, StoreError> {
        self.ask(|conn| {
            let Some(number) = channel_number(conn, channel)? else { return Ok(None) };
            let Some(listed) = find(conn, key(number))? else { return Ok(None) };
            let (owner, no) = home_of_number(conn, listed.owner, OrderNo(listed.number))?;
            let id = AccountId { owner, program: listed.program };
            let Some(row) = find_order(conn, id, no)? else {
                return guest_info(conn, listed);
            };
            info(conn, Some(owner), row)
        })
    }
}

/// Puts the owner's certificates beside its points, where these become some.
pub(crate) fn load_bought(conn: &Connection, reference: &Reference, id: AccountId, account: &mut Account) -> Found<()> {
    let program = reference.programs.get(&id.program).filter(|it| it.timeline.converts_to(Target::Certificate));
    if let Some(currency) = program.and_then(Program::currency) {
        let wallet = AccountId::wallet(id.owner, currency);
        let mut ledger = load::load_balance(conn, wallet)?.account;
        ledger.load_lots(all_lots(conn, wallet)?);
        account.wallet = Some(Arc::new(Wallet { program: id.program, ledger }));
    }
    Ok(())
}

/// Puts the owner's store credit beside its points, where the rules or whoever asks look at it; and its certificates, where
/// points become some.
pub(crate) fn load_credit(
    conn: &Connection,
    reference: &Reference,
    id: AccountId,
    account: &mut Account,
    is_wanted: bool,
) -> Found<()> {
    if account.wallet.is_none() {
        load_bought(conn, reference, id, account)?;
    }
    let program = reference.programs.get(&id.program);
    let converts = |it: &&Program| is_wanted || it.timeline.converts_to(Target::Credit);
    let Some(currency) = program.filter(converts).and_then(Program::currency) else {
        return Ok(());
    };
    let credit = load::load_account(conn, AccountId::purse(id.owner, currency))?.account;
    account.purse = Some(Arc::new(Purse { program: id.program, credit }));
    Ok(())
}

/// The account as its entries until that instant leave it, with all its lots.
fn replay_until(conn: &Connection, id: AccountId, at: Timestamp) -> Found<Account> {
    let mut statement = conn.prepare_cached(
        "SELECT entry_no, at, kind, order_no, body FROM entries
        WHERE owner_id = $1 AND program = $2 AND at <= $3 ORDER BY entry_no",
    )?;
    let mut rows = statement.query(params![id.owner.0, id.program, at.micros()])?;
    let mut account = Account::default();
    while let Some(row) = rows.next()? {
        account.post(&read_entry(row)?);
    }
    Ok(account)
}

fn channel_number(conn: &Connection, name: &str) -> Found<Option<u32>> {
    let mut statement = conn.prepare_cached("SELECT number FROM channels WHERE name = $1 OR id = $2")?;
    let id = name.parse::<ChannelId>().ok().map(|it| it.0);
    let mut rows = statement.query(params![name, id])?;
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

pub(crate) fn all_lots(conn: &Connection, id: AccountId) -> Found<Vec<Lot>> {
    let mut statement = conn.prepare_cached(
        "SELECT phase, sort_at, earned_at, lot_no, order_no, available_at, expires_at, graced,
            pending, available, held, expired, dated_by, forfeited
        FROM lots WHERE owner_id = $1 AND program = $2",
    )?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    let mut lots = Vec::new();
    while let Some(row) = rows.next()? {
        lots.push(read_lot(row)?);
    }
    Ok(lots)
}

pub(super) fn info(conn: &Connection, member: Option<MemberId>, row: OrderRow) -> Found<Option<OrderInfo>> {
    let mut statement = conn.prepare_cached("SELECT name FROM channels WHERE number = $1")?;
    let channel = statement.query_row(params![row.channel], |it| it.get(0))?;
    let Some(document) = row.order.document.clone() else { return Ok(None) };
    Ok(Some(OrderInfo { member, order: row.order, channel, reference: row.reference, document }))
}

/// An order that nobody has claimed; of a return of it, the order as well.
fn guest_info(conn: &Connection, listed: Listed) -> Found<Option<OrderInfo>> {
    let Some(row) = guest::find(conn, listed.owner.0, listed.program)? else { return Ok(None) };
    let guest::GuestRow { guest, channel, reference, day } = row;
    info(conn, None, OrderRow { order: guest.order, channel, reference, day })
}
