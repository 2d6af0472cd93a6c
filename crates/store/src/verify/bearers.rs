//! Certificates that belong to nobody: each is alone in a ledger of its own, and one that was claimed stands with the member of
//! whom that ledger says so.

use std::collections::BTreeSet;

use engine::{Account, BEARER_LOT, Bucket, Entry, LotNo, Placed as _, Posting, Reason};

use super::{Check, Compared, Ended, differs};
use crate::bearer::entry_of_claim;
use crate::id::MemberId;
use crate::merge::first_place;
use crate::rows::AccountId;
use crate::sql::params;

/// What is added up over all of them.
#[derive(Default)]
pub(super) struct Bearers {
    ledgers: u64,
    /// How many have left their ledgers, and how many have come to members.
    went: u64,
    came: u64,
    /// Of the account that is replayed, which of its certificates were claimed.
    pub(super) claimed: BTreeSet<u64>,
}

impl Check<'_> {
    /// An entry by which a certificate of nobody becomes somebody's says the same on both sides.
    pub(super) fn match_claim(&mut self, id: AccountId, entry: &Entry) -> Compared<()> {
        let no = entry.number.0;
        let other_side = || differs(id, &format!("entry {no} claims a certificate that says nothing of it"));
        let Reason::Bearer { other, certificate } = entry.reason else { return Err(other_side()) };
        let [posting] = entry.postings.as_slice() else { return Err(other_side()) };
        if id.owner.is_bearer() {
            let whole = self.wallets.values.remove(&BEARER_LOT.0);
            let left = Posting { lot: BEARER_LOT, from: Bucket::Available, to: Bucket::Moved, points: posting.points };
            if *posting != left || whole != Some(posting.points.get()) {
                return Err(differs(id, &format!("entry {no} does not move the whole certificate")));
            }
            self.bearers.went += 1;
            return Ok(());
        }
        let came = Posting { from: Bucket::Moved, to: Bucket::Available, ..*posting };
        let from = AccountId { owner: MemberId(other), ..id };
        let (first, within) = first_place(self.conn, id, posting.lot)?;
        let told = entry_of_claim(self.conn, from)?.filter(|told| {
            told.reason == Reason::Bearer { other: first.owner.0, certificate: within.under(engine::Place::OWN) }
                && told.postings.iter().map(|it| it.points).sum::<engine::Points>() == posting.points
        });
        if *posting != came || certificate != BEARER_LOT || told.is_none() {
            return Err(other_side());
        }
        self.wallets.values.insert(posting.lot.0, posting.points.get());
        self.bearers.claimed.insert(posting.lot.0);
        self.bearers.came += 1;
        Ok(())
    }

    /// A ledger of nobody holds one certificate, and is the only one of its owner.
    pub(super) fn compare_bearer(&mut self, id: AccountId, replayed: &Account, is_first: bool) -> Compared<()> {
        if !id.owner.is_bearer() {
            return Ok(());
        }
        let lots: Vec<LotNo> = replayed.lots().iter().map(|it| it.at.no).collect();
        if !id.is_wallet() || !is_first || lots != [BEARER_LOT] {
            return Err(differs(id, "what belongs to nobody is more than one certificate"));
        }
        self.bearers.ledgers += 1;
        Ok(())
    }

    pub(super) fn bearers(&self) -> Compared<()> {
        let owners = "SELECT count(*) FROM members WHERE $1 <= owner_id";
        let owners: u64 = self.conn.query_row(owners, params![MemberId::BEARERS.0], |row| row.get(0))?;
        let Bearers { ledgers, went, came, .. } = self.bearers;
        if owners != ledgers {
            return Err(Ended::Difference(format!(
                "{owners} certificates of nobody are stored, {ledgers} have a ledger"
            )));
        }
        if went != came {
            return Err(Ended::Difference(format!(
                "{went} certificates of nobody were claimed, {came} came to members"
            )));
        }
        Ok(())
    }
}
