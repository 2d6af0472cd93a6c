//! A member's store credit: exact at the instant it is read, since points that have become credit by then are settled first.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Account, Currency, Entry, EntryNo, Facts, NeedMore, OrderNo, Rules, Timestamp};

use super::Reader;
use super::account::load_credit;
use super::lists::name_of;
use crate::credit::converting;
use crate::directory::facts_of;
use crate::error::StoreError;
use crate::fault::Found;
use crate::id::MemberId;
use crate::load::{self, LOTS};
use crate::reference::{Program, Reference};
use crate::rows::AccountId;
use crate::sql::Connection;

/// A member's store credit in one currency. Its points are minor units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreditInfo {
    pub currency: Currency,
    pub account: Account,
}

impl Reader {
    /// The member's credit in each currency that a program has, as of that instant or, if later, its last entry.
    pub fn credit(&self, member: MemberId, now: Timestamp) -> Result<Vec<CreditInfo>, StoreError> {
        let reference = self.reference()?;
        let mut currencies: BTreeMap<[u8; 3], Currency> = BTreeMap::new();
        for program in reference.programs.values() {
            if let Some(last) = program.timeline.versions().last() {
                currencies.entry(last.terms.currency.code).or_insert(last.terms.currency);
            }
        }
        self.ask(|conn| {
            let credit = |currency: Currency| {
                let account = settled_credit(conn, &reference, member, currency.code, None, now)?;
                Ok(CreditInfo { currency, account })
            };
            currencies.into_values().map(credit).collect()
        })
    }

    /// A page of entries of the member's credit in a currency.
    pub fn credit_entries(
        &self,
        member: MemberId,
        currency: [u8; 3],
        after: EntryNo,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        self.entries(member, credit_ledger(currency), after, limit)
    }

    /// What an order is called in its channel.
    pub fn reference_of(&self, member: MemberId, program: u32, no: OrderNo) -> Result<Option<String>, StoreError> {
        self.ask(|conn| Ok(name_of(conn, member, program, no)?.map(|(_, reference)| reference)))
    }
}

/// The number under which entries of credit in a currency have their ids, beside those of programs.
pub fn credit_ledger(currency: [u8; 3]) -> u32 {
    AccountId::purse(MemberId([0; 16]), currency).program
}

/// The owner's credit once its points are settled in every program that converts into that currency, but for one.
pub(super) fn settled_credit(
    conn: &Connection,
    reference: &Reference,
    owner: MemberId,
    currency: [u8; 3],
    except: Option<u32>,
    now: Timestamp,
) -> Found<Account> {
    let mut credit = load::load_account(conn, AccountId::purse(owner, currency))?.account;
    for program in converting(reference, currency).filter(|it| Some(it.number) != except) {
        let id = AccountId { owner, program: program.number };
        let mut account = load::load_account(conn, id)?.account;
        load_credit(conn, reference, id, &mut account, true)?;
        if let Some(purse) = &mut account.purse {
            Arc::make_mut(purse).credit = credit.clone();
        }
        settle(conn, program, id, &mut account, now)?;
        if let Some(purse) = account.purse {
            credit = Arc::unwrap_or_clone(purse).credit;
        }
    }
    Ok(credit)
}

pub(super) fn settle(
    conn: &Connection,
    program: &Program,
    id: AccountId,
    account: &mut Account,
    now: Timestamp,
) -> Found<()> {
    let asks = program.timeline.needs_facts();
    let facts = if asks { facts_of(conn, id.owner)? } else { Facts::default() };
    let rules = Rules { facts: &facts, ..Rules::of(&program.timeline) };
    let mut limit = LOTS;
    loop {
        match engine::settle(account, rules, now) {
            Ok(decided) => {
                account.apply(&decided);
                return Ok(());
            }
            Err(NeedMore) => {
                limit = limit.saturating_mul(4);
                load::load_lots(conn, id, account, limit)?;
            }
        }
    }
}
