//! Quotes: what an order would earn and could redeem, without recording it.

use std::sync::Arc;

use engine::{Account, Document, Facts, Moment, OrderNo, Quote, Rejection, Rules, Stop};

use super::Reader;
use crate::command::Failure;
use crate::directory::{facts_of, find, order_key};
use crate::fault::Found;
use crate::load::{self, LOTS};
use crate::member::MemberRef;
use crate::rows::AccountId;

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
        document: &Arc<Document>,
        moment: Moment,
    ) -> Result<Quote, Failure> {
        document.check()?;
        let programs = self.reference()?;
        let (name, known) = programs.named_channel(channel).ok_or(Rejection::UnknownChannel)?;
        let program = programs.programs.get(&known.program).ok_or(Rejection::UnknownProgram)?;
        let owner = self.find(member)?.ok_or(Rejection::UnknownMember)?;
        let id = AccountId { owner, program: program.number };
        let (channel, carries) = (known.number, program.carries());
        let listed = self.ask(|conn| match reference {
            Some(reference) => find(conn, order_key(channel, reference)),
            None => Ok(None),
        })?;
        if listed.is_some_and(|it| it.owner != owner) {
            return Err(Rejection::OtherMember.into());
        }
        let known = listed.map(|it| OrderNo(it.number));
        let mut account = self.ask(|conn| self.load(conn, id, known, document))?;
        let asks = program.timeline.needs_facts();
        let facts = if asks { self.ask(|conn| facts_of(conn, owner))? } else { Facts::default() };
        let rules = Rules { timeline: &program.timeline, facts: &facts, channel: Some(name) };
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
                        Ok(())
                    })?;
                }
            }
        }
    }

    fn load(
        &self,
        conn: &rusqlite::Connection,
        id: AccountId,
        known: Option<OrderNo>,
        document: &Document,
    ) -> Found<Account> {
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
