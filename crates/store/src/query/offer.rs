//! Quotes: what an order would earn and could redeem, without recording it.

use std::sync::Arc;

use engine::{
    Account, Budgets, Document, Facts, LotRef, Moment, OrderNo, Quote, Rejection, Rules, Stop, Target, Timestamp,
};

use super::Reader;
use super::account::load_credit;
use super::certificate::load_wallet;
use super::credit::settled_credit;
use crate::bearer;
use crate::certificate::CertificateRef;
use crate::command::Failure;
use crate::counters::load_budgets;
use crate::directory::{Listing, facts_of, find, order_key};
use crate::fault::Found;
use crate::guest;
use crate::load::{self, LOTS};
use crate::member::MemberRef;
use crate::merge::home_of_number;
use crate::reference::{Program, Reference};
use crate::rows::AccountId;
use crate::sql::Connection;

impl Reader {
    /// Works out a cart. With a reference that is known already, what a change of that order would come to.
    ///
    /// # Errors
    /// The rejections of `PutOrder`, but never for asking for too many or too few points.
    pub fn quote(
        &self,
        channel: &str,
        member: &MemberRef,
        reference: Option<&str>,
        (document, certificates): (&Document, Option<&[CertificateRef]>),
        moment: Moment,
    ) -> Result<Quote, Failure> {
        document.check()?;
        let programs = self.reference()?;
        let (name, known) = programs.named_channel(channel).ok_or(Rejection::UnknownChannel)?;
        let program = programs.programs.get(&known.program).ok_or(Rejection::UnknownProgram)?;
        let (owner, under, card_blocked) = self.named(member)?.ok_or(Rejection::UnknownMember)?;
        let id = AccountId { owner, program: program.number };
        let (channel, carries) = (known.number, program.carries());
        let listed = self.ask(|conn| match reference {
            Some(reference) => find(conn, order_key(channel, reference)),
            None => Ok(None),
        })?;
        let guest = listed.filter(|it| it.kind == Listing::Guest);
        let home = listed.filter(|_| guest.is_none());
        let home = home.map(|it| self.ask(|conn| home_of_number(conn, it.owner, OrderNo(it.number)))).transpose()?;
        if home.is_some_and(|it| it.0 != owner) {
            return Err(Rejection::OtherMember.into());
        }
        let mut known = home.map(|it| it.1);
        let mut account = self.ask(|conn| self.load(conn, id, known, document))?;
        let currency = program.currency().ok_or(Rejection::UnknownProgram)?;
        self.ask(|conn| load_wallet(conn, id, currency, &mut account, moment.now))?;
        let mut document = document.clone();
        if let Some(named) = certificates {
            let wallet = (AccountId::wallet(owner, currency), under);
            document.certificates = Some(self.ask(|conn| bearer::show(conn, wallet, named, &mut account, moment))??);
        }
        let document = &document;
        self.ask(|conn| show_credit(conn, &programs, id, &mut account, document, moment.now))?;
        let asks = program.timeline.needs_facts();
        let facts = if asks { self.ask(|conn| facts_of(conn, owner))? } else { Facts::default() };
        let has_budgets = program.timeline.has_budgets();
        let budgets =
            if has_budgets { self.ask(|conn| load_budgets(conn, program.number))? } else { Budgets::default() };
        let of_member = Rules { facts: &facts, budgets: &budgets, ..Rules::of(&program.timeline) };
        let rules = Rules { channel: Some(name), under, card_blocked, ..of_member };
        if let Some(listed) = guest
            && let Some(row) = self.ask(|conn| guest::find(conn, listed.owner.0, listed.program))?
        {
            known = Some(engine::adopt(&mut account, rules, &row.guest, moment.now)?);
        }
        let mut limit = LOTS;
        loop {
            match engine::quote(&account, rules, known, document, moment) {
                Ok(quote) => return Ok(quote),
                Err(Stop::Rejected(rejection)) => return Err(rejection.into()),
                Err(Stop::NeedMore) => {
                    limit = limit.saturating_mul(4);
                    self.ask(|conn| {
                        load::load_lots(conn, id, &mut account, limit)?;
                        if carries {
                            load::load_orders(conn, id, &mut account, limit)?;
                        }
                        load_more_credit(conn, program, id, &mut account, limit)
                    })?;
                }
            }
        }
    }

    fn load(&self, conn: &Connection, id: AccountId, known: Option<OrderNo>, document: &Document) -> Found<Account> {
        let mut account = load::load_account(conn, id)?.account;
        if let Some(no) = known {
            load::load_order(conn, id, &mut account, no)?;
        }
        if let Some(no) = document.hold {
            load::load_hold(conn, id, &mut account, no)?;
        }
        Ok(account)
    }
}

/// Puts the owner's credit beside the account: settled in other programs too, where the document or its order asks for it.
fn show_credit(
    conn: &Connection,
    programs: &Reference,
    id: AccountId,
    account: &mut Account,
    document: &Document,
    now: Timestamp,
) -> Found<()> {
    let taken: Vec<LotRef> = account.orders().iter().flat_map(|it| &it.posted.credit).map(|it| it.lot).collect();
    let is_asked = document.credit.is_some() || account.orders().iter().any(|it| it.credit_asked.is_positive());
    let is_asked = is_asked || !taken.is_empty();
    load_credit(conn, programs, id, account, is_asked)?;
    let currency = programs.programs.get(&id.program).and_then(Program::currency);
    if let (Some(purse), Some(currency)) = (account.purse.as_mut().filter(|_| is_asked), currency) {
        let purse = Arc::make_mut(purse);
        purse.credit = settled_credit(conn, programs, id.owner, currency, Some(id.program), now)?;
        let credit = AccountId::purse(id.owner, currency);
        for it in taken {
            load::load_lot(conn, credit, &mut purse.credit, it)?;
        }
    }
    Ok(())
}

/// As much more of the owner's credit, and of what became credit.
fn load_more_credit(
    conn: &Connection,
    program: &Program,
    id: AccountId,
    account: &mut Account,
    limit: u32,
) -> Found<()> {
    let Some(currency) = program.currency().filter(|_| program.timeline.converts()) else { return Ok(()) };
    load::load_conversions(conn, id, account, limit, |_| true)?;
    if let Some(mut shared) = account.purse.take() {
        let credit = AccountId::purse(id.owner, currency);
        let purse = Arc::make_mut(&mut shared);
        load::load_lots(conn, credit, &mut purse.credit, limit)?;
        for it in account.conversions().iter().filter(|it| it.rate.target == Target::Credit) {
            load::load_lot(conn, credit, &mut purse.credit, it.lot)?;
        }
        account.purse = Some(shared);
    }
    Ok(())
}
