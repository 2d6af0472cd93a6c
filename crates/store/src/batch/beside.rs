//! What lies beside an account of points: its owner's store credit and certificates, shown to the rules where these look at them.

use std::sync::Arc;

use engine::{Account, ConversionKey, Entry, Kind, LotNo, LotRef, Money, Points, Purse, Target, Wallet};

use super::Batch;
use crate::code::Sealed;
use crate::directory::{Listed, Listing};
use crate::fault::Found;
use crate::load;
use crate::merge;
use crate::reference::Program;
use crate::rows::AccountId;

/// A code of a certificate, what that is worth, and where it came first.
pub(super) type NewCode = ((AccountId, LotNo), Money, Sealed);

impl Batch<'_> {
    /// Whether the rules see the owner's store credit beside this account; they always do where points become credit.
    pub(crate) fn show_credit(&mut self, id: AccountId, is_wanted: bool) -> Found<()> {
        let converts = self.reference.converts_to(Target::Credit, id.program);
        self.slot(id)?.wants_credit = converts || is_wanted;
        Ok(())
    }

    /// Whether the rules see the owner's certificates beside this account; they always do where points become some.
    pub(crate) fn show_wallet(&mut self, id: AccountId, is_wanted: bool) -> Found<()> {
        let converts = self.reference.converts_to(Target::Certificate, id.program);
        self.slot(id)?.wants_wallet = converts || is_wanted;
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
            account.purse = Some(Arc::new(Purse { program, credit }));
        }
        if let Some(wallet) = wallet {
            let ledger = self.slot(wallet)?.account.clone();
            account.wallet = Some(Arc::new(Wallet { program, ledger }));
        }
        Ok(Some(account))
    }

    /// Four times as many lots as before; and of a program that carries remainders, as many orders. Where points become
    /// something, as many conversions with what they became.
    pub(crate) fn load_more(&mut self, id: AccountId) -> Found<()> {
        self.load_more_of(id)?;
        let (purse, wallet) = (self.purse_of(id)?, self.wallet_of(id));
        for beside in purse.into_iter().chain(wallet) {
            self.load_more_of(beside)?;
        }
        if !Target::ALL.into_iter().any(|it| self.reference.converts_to(it, id.program)) {
            return Ok(());
        }
        let conn = self.conn;
        let slot = self.slot(id)?;
        let (limit, changed) = (slot.limit, slot.conversions.clone());
        // What this batch has undone is stored as it was.
        let fits = |key: ConversionKey| !changed.contains_key(&key);
        slot.load(|account| load::load_conversions(conn, id, account, limit, fits))?;
        for (ledger, target) in [(purse, Target::Credit), (wallet, Target::Certificate)] {
            let conversions = self.slot(id)?.account.conversions().iter().filter(|it| it.rate.target == target);
            let lots: Vec<LotRef> = conversions.map(|it| it.lot).collect();
            if let Some(ledger) = ledger {
                self.load_lots(ledger, &lots)?;
            }
        }
        Ok(())
    }

    /// Draws codes for the certificates that entries make: they are listed under whoever has them first, and stay there.
    pub(super) fn draw_codes(&self, id: AccountId, entries: &[Entry]) -> Found<Vec<NewCode>> {
        let mut codes: Vec<NewCode> = Vec::new();
        let Some(drawn) = self.codes else { return Ok(codes) };
        for entry in entries.iter().filter(|it| matches!(it.kind, Kind::Issue | Kind::Convert)) {
            self.check_codes()?;
            for no in entry.opened.iter().map(|it| it.lot.no) {
                let first = merge::first_place(self.conn, id, no)?;
                let mut attempt = 0;
                let sealed = loop {
                    let sealed = drawn.draw_for(self.conn, self.seed, first, attempt)?;
                    if self.find(sealed.hash)?.is_none() && codes.iter().all(|it| it.2.hash != sealed.hash) {
                        break sealed;
                    }
                    attempt += 1;
                };
                let value: Points = entry.postings.iter().filter(|it| it.lot == no).map(|it| it.points).sum();
                codes.push((first, Money::new(value.get()), sealed));
            }
        }
        Ok(codes)
    }

    /// Lists new codes.
    pub(super) fn take_codes(&mut self, codes: Vec<NewCode>) {
        for ((id, no), value, sealed) in codes {
            let listed = Listed { owner: id.owner, kind: Listing::Certificate, program: id.program, number: no.0 };
            self.rows.directory.insert(sealed.hash, listed);
            self.rows.codes.insert((id, no), (value, sealed.body));
        }
    }
}
