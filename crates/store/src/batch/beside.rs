//! What lies beside an account of points: its owner's store credit and certificates, shown to the rules where these look at them.

use engine::{Account, LotNo, LotRef, Purse, Wallet};

use super::Batch;
use crate::fault::Found;
use crate::load;
use crate::reference::Program;
use crate::rows::AccountId;

impl Batch<'_> {
    /// Whether the rules see the owner's store credit beside this account; they always do where points become credit.
    pub(crate) fn show_credit(&mut self, id: AccountId, is_wanted: bool) -> Found<()> {
        let converts = self.reference.converts(id.program);
        self.slot(id)?.wants_credit = converts || is_wanted;
        Ok(())
    }

    /// Whether the rules see the owner's certificates beside this account.
    pub(crate) fn show_wallet(&mut self, id: AccountId, is_wanted: bool) -> Found<()> {
        self.slot(id)?.wants_wallet = is_wanted;
        Ok(())
    }

    /// The account of the owner's certificates in that currency, if the rules look at it.
    pub(super) fn wallet_of(&self, id: AccountId) -> Option<AccountId> {
        let currency = self.reference.programs.get(&id.program).and_then(Program::currency);
        let wallet = currency.map(|it| AccountId::wallet(id.owner, it));
        wallet.filter(|_| self.accounts.get(&id).is_some_and(|it| it.wants_wallet))
    }

    /// The account of the owner's store credit in the currency of that account's program, if the rules look at it.
    pub(super) fn purse_of(&mut self, id: AccountId) -> Found<Option<AccountId>> {
        let currency = self.reference.programs.get(&id.program).and_then(Program::currency);
        let purse = currency.map(|it| AccountId::purse(id.owner, it));
        Ok(purse.filter(|_| self.accounts.get(&id).is_some_and(|it| it.wants_credit)))
    }

    /// The account with the credit and the certificates beside it, for rules that look at these.
    pub(crate) fn account(&mut self, id: AccountId) -> Found<Option<Account>> {
        self.slot(id)?;
        let (purse, wallet) = (self.purse_of(id)?, self.wallet_of(id));
        if purse.is_none() && wallet.is_none() {
            return Ok(None);
        }
        let program = id.program;
        let mut account = self.slot(id)?.account.clone();
        if let Some(purse) = purse {
            let credit = self.slot(purse)?.account.clone();
            account.purse = Some(Box::new(Purse { program, credit }));
        }
        if let Some(wallet) = wallet {
            let ledger = self.slot(wallet)?.account.clone();
            account.wallet = Some(Box::new(Wallet { program, ledger }));
        }
        Ok(Some(account))
    }

    /// Four times as many lots as before; and of a program that carries remainders, as many orders. Where points become
    /// store credit, as many conversions with their credit.
    pub(crate) fn load_more(&mut self, id: AccountId) -> Found<()> {
        self.load_more_of(id)?;
        if let Some(wallet) = self.wallet_of(id) {
            self.load_more_of(wallet)?;
        }
        let Some(purse) = self.purse_of(id)? else { return Ok(()) };
        self.load_more_of(purse)?;
        let conn = self.conn;
        let slot = self.slot(id)?;
        let (limit, changed) = (slot.limit, slot.conversions.clone());
        // What this batch has undone is stored as it was.
        let fits = |no: LotNo| !changed.contains_key(&no);
        slot.load(|account| load::load_conversions(conn, id, account, limit, fits))?;
        let lots: Vec<LotRef> = slot.account.conversions().iter().map(|it| it.credit).collect();
        self.load_lots(purse, &lots)
    }
}
