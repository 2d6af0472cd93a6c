//! What a member had before a command, where the command posts something before its rules are asked: if it is refused, or
//! panics, the member has it again.
//!
//! Only what comes under the name of somebody who was merged does so: an account may have to be told first of a place to number
//! under. Bounded by what is loaded of one member.

use std::collections::BTreeMap;

use engine::{EntryNo, LotNo, OrderNo};

use super::{Batch, SavedOrder, Slot};
use crate::id::MemberId;
use crate::rows::AccountId;
use crate::totals::{Totals, TotalsKey};

pub(crate) struct Before {
    owner: MemberId,
    slots: BTreeMap<AccountId, Slot>,
    orders: BTreeMap<(AccountId, OrderNo), SavedOrder>,
    totals: BTreeMap<TotalsKey, Totals>,
}

impl Batch<'_> {
    /// Remembers what the member has now, unless the command has done so already.
    pub(crate) fn remember(&mut self, owner: MemberId) {
        if self.before.iter().any(|it| it.owner == owner) {
            return;
        }
        let slots = self.accounts.iter().filter(|(id, _)| id.owner == owner);
        let orders = self.rows.orders.iter().filter(|((id, _), _)| id.owner == owner);
        self.before.push(Before {
            owner,
            slots: slots.map(|(id, slot)| (*id, slot.clone())).collect(),
            orders: orders.map(|(key, row)| (*key, row.clone())).collect(),
            totals: self.rows.totals.clone(),
        });
    }

    /// The command is accepted: what it has posted stays.
    pub(crate) fn keep_all(&mut self) {
        self.before.clear();
    }

    /// The command is not: nothing of it stays.
    pub(crate) fn give_up(&mut self) {
        while let Some(Before { owner, slots, orders, totals }) = self.before.pop() {
            let first_entry = |id: &AccountId| slots.get(id).map_or(EntryNo(0), |it| it.account.next_entry);
            let is_new = |id: &AccountId, no: EntryNo| id.owner == owner && first_entry(id) <= no;
            self.rows.entries.retain(|(id, no), _| !is_new(id, *no));
            let knows = |id: &AccountId, no: LotNo| slots.get(id).is_some_and(|it| it.account.lot(no).is_some());
            self.rows.codes.retain(|(id, no), _| id.owner != owner || knows(id, *no));
            self.rows.orders.retain(|(id, _), _| id.owner != owner);
            self.rows.orders.extend(orders);
            self.rows.totals = totals;
            self.accounts.retain(|id, _| id.owner != owner);
            self.accounts.extend(slots);
        }
    }
}
