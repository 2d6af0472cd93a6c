//! Proves what points turned into: each conversion and each claim of a reward is what the entries of its account say.

use engine::Account;

use super::{Check, Compared, count, differs};
use crate::claim::{CLAIMS, read};
use crate::load::read_conversion;
use crate::rows::AccountId;
use crate::sql::params;

impl Check<'_> {
    pub(super) fn compare_conversions(&mut self, id: AccountId, replayed: &Account) -> Compared<()> {
        let select = "SELECT at, target, lot_no, body FROM conversions WHERE owner_id = $1 AND program = $2 ORDER BY at, target, lot_no";
        let mut statement = self.conn.prepare_cached(select)?;
        let mut rows = statement.query(params![id.owner.0, id.program])?;
        let mut conversions = Vec::new();
        while let Some(row) = rows.next()? {
            conversions.push(read_conversion(row)?);
        }
        self.conversions += count(conversions.len());
        if conversions != replayed.conversions() {
            return Err(differs(
                id,
                "the points that became credit or certificates are not those that the entries say",
            ));
        }
        Ok(())
    }

    pub(super) fn compare_claims(&mut self, id: AccountId, replayed: &Account) -> Compared<()> {
        let mut statement = self.conn.prepare_cached(CLAIMS)?;
        let mut rows = statement.query(params![id.owner.0, id.program])?;
        let mut claims = Vec::new();
        while let Some(row) = rows.next()? {
            claims.push(read(row)?);
        }
        self.claims += count(claims.len());
        if claims != replayed.claims() {
            return Err(differs(id, "the rewards that were claimed are not those that the entries say"));
        }
        Ok(())
    }
}
