//! What a batch loads when a command names it: an order, a lot, a hold; and whom a member has been merged into.

use engine::{Account, HoldNo, LotRef, OrderNo};

use crate::batch::Batch;
use crate::fault::Found;
use crate::id::MemberId;
use crate::rows::AccountId;
use crate::sql::Connection;
use crate::{load, merge};

impl Batch<'_> {
    pub(crate) fn load_order(&mut self, id: AccountId, no: OrderNo) -> Found<()> {
        let conn = self.conn;
        let slot = self.slot(id)?;
        if slot.account.order(no).is_some() {
            return Ok(());
        }
        let loaded = slot.load(|account| load::load_order(conn, id, account, no))?;
        slot.channels.extend(loaded.iter().map(|it| (it.order.no, it.channel)));
        Ok(())
    }

    /// Lots that something names, whether or not anything is left of them.
    pub(crate) fn load_lots(&mut self, id: AccountId, lots: &[LotRef]) -> Found<()> {
        let conn = self.conn;
        if lots.is_empty() {
            return Ok(());
        }
        self.slot(id)?.load(|account| {
            load::expect_named(conn, id, account, lots.iter().copied())?;
            lots.iter().try_for_each(|it| load::load_lot(conn, id, account, *it))
        })
    }

    pub(crate) fn load_hold(&mut self, id: AccountId, no: HoldNo) -> Found<()> {
        let conn = self.conn;
        self.slot(id)?.load(|account| load::load_hold(conn, id, account, no))
    }

    /// Loads more into an account.
    pub(crate) fn load(
        &mut self,
        id: AccountId,
        load: impl FnOnce(&Connection, &mut Account) -> Found<()>,
    ) -> Found<()> {
        let conn = self.conn;
        self.slot(id)?.load(|account| load(conn, account))
    }

    /// Who a member is now; what is new is numbered under its place.
    pub(crate) fn follow(&mut self, owner: MemberId) -> Found<MemberId> {
        if !self.reference.has_merges {
            return Ok(owner);
        }
        let (owner, place) = merge::home_of(self.conn, owner)?;
        self.under = place;
        Ok(owner)
    }
}
