//! Proves certificates: what orders use of them is what their ledger says, each has one code, and the directory leads to it.

use std::collections::BTreeMap;

use engine::{Account, Bucket, CertificatePart, Entry, EntryNo, Kind, LotNo, Posting, Reason};

use super::{Check, Compared, count, differs};
use crate::code::listed_hash;
use crate::directory::{self, Listed, Listing};
use crate::merge::first_place;
use crate::query::CODE;
use crate::rows::AccountId;
use crate::sql::params;

/// What is added up over the certificates of all owners.
#[derive(Default)]
pub(super) struct Wallets {
    /// What entries on points of one owner did to its certificates, until that ledger is found to say the same.
    used: BTreeMap<(u32, EntryNo), Vec<CertificatePart>>,
    /// What points of one owner bought, and what of that became points again, until that ledger says the same.
    bought: BTreeMap<(u32, EntryNo), (u64, i64)>,
    /// What each certificate of the account that is replayed was worth.
    pub(super) values: BTreeMap<u64, i64>,
    pub(super) codes: u64,
}

/// The certificate that an entry on points made, and its value; below zero where it became points again.
fn bought(entry: &Entry) -> Option<(u64, i64)> {
    let converted = entry.changes.converted.as_ref()?;
    converted.certificate.map(|it| (it.no.0, converted.times.saturating_mul(converted.rate.value.minor())))
}

impl Check<'_> {
    /// What an entry on points says of certificates stands in their ledger, to the certificate; and nothing else does but what
    /// staff did, and what expired. That ledger comes after those of the programs.
    pub(super) fn match_used(&mut self, id: AccountId, entry: &Entry) -> Compared<()> {
        let no = entry.number;
        if !id.is_wallet() {
            if let Some(bought) = bought(entry) {
                self.wallets.bought.insert((id.program, no), bought);
            }
            if !entry.changes.certificates.is_empty() {
                self.wallets.used.insert((id.program, no), entry.changes.certificates.clone());
            }
            return Ok(());
        }
        for it in entry.postings.iter().filter(|it| it.from == Bucket::Issued) {
            *self.wallets.values.entry(it.lot.0).or_default() += it.points.get();
        }
        let cause = match (&entry.reason, entry.kind) {
            (Reason::Cause(cause), Kind::Convert | Kind::Unconvert | Kind::Cancel) => {
                let told = self.wallets.bought.remove(&(cause.program, cause.entry));
                let into = |it: &Posting| if it.to == Bucket::Available { it.points.get() } else { -it.points.get() };
                let moved: Vec<(u64, i64)> = entry.postings.iter().map(|it| (it.lot.0, into(it))).collect();
                return match told {
                    Some(told) if moved == [told] => Ok(()),
                    _ => Err(differs(id, &format!("entry {} is not what its cause says", no.0))),
                };
            }
            (Reason::Cause(cause), Kind::Use | Kind::GiveBack) => cause,
            (Reason::Bearer { .. }, Kind::Claim) => return self.match_claim(id, entry),
            (Reason::Note(_), Kind::Issue | Kind::Cancel | Kind::Close | Kind::Join) => return Ok(()),
            (Reason::Due, Kind::Expire | Kind::Cancel | Kind::Join) => return Ok(()),
            (Reason::Merged { .. }, Kind::Merge | Kind::Unmerge | Kind::Close | Kind::Join) => return Ok(()),
            (_, _) => return Err(differs(id, &format!("entry {} has no cause", no.0))),
        };
        let parts = self.wallets.used.remove(&(cause.program, cause.entry)).unwrap_or_default();
        let told: BTreeMap<u64, i64> = parts.iter().map(|it| (it.lot.no.0, it.paid.minor())).collect();
        let mut moved: BTreeMap<u64, i64> = BTreeMap::new();
        for it in &entry.postings {
            let sum = moved.entry(it.lot.0).or_default();
            *sum += if it.to == Bucket::Redeemed { it.points.get() } else { 0 };
            *sum -= if it.from == Bucket::Redeemed { it.points.get() } else { 0 };
        }
        if told.is_empty() || told != moved {
            return Err(differs(id, &format!("entry {} is not what its cause says", no.0)));
        }
        Ok(())
    }

    pub(super) fn used_is_told(&mut self) -> Compared<()> {
        if let (Some(((program, no), _)), Some(owner)) = (self.wallets.bought.pop_first(), self.owner) {
            let id = AccountId { owner, program };
            return Err(differs(id, &format!("entry {} made a certificate that says nothing of it", no.0)));
        }
        let left = self.wallets.used.pop_first();
        let (Some(((program, no), _)), Some(owner)) = (left, self.owner) else { return Ok(()) };
        let id = AccountId { owner, program };
        Err(differs(id, &format!("entry {} uses certificates that say nothing of it", no.0)))
    }

    /// Each certificate has one code, which tells its value and to which the directory leads.
    pub(super) fn compare_codes(&mut self, id: AccountId, replayed: &Account) -> Compared<()> {
        let values = std::mem::take(&mut self.wallets.values);
        let claimed = std::mem::take(&mut self.bearers.claimed);
        if !id.is_wallet() {
            return Ok(());
        }
        if replayed.lots().iter().any(|it| it.certificate.is_none()) {
            return Err(differs(id, "a certificate is none"));
        }
        for (number, value) in &values {
            // Its code lies where it came first; that each code is of one certificate follows from how many there are.
            let (first, no) = first_place(self.conn, id, LotNo(*number))?;
            let mut statement = self.conn.prepare_cached(CODE)?;
            let mut rows = statement.query(params![first.owner.0, first.program, no.0])?;
            let row = rows.next()?.ok_or_else(|| differs(id, &format!("certificate {number} has no code")))?;
            if row.get::<_, i64>(0)? != *value {
                return Err(differs(id, &format!("certificate {number} has not the value that the entries say")));
            }
            let hash = listed_hash(row.get_ref(1)?.as_blob().unwrap_or_default())?;
            let kind = if claimed.contains(number) { Listing::Claimed } else { Listing::Certificate };
            let listed = Listed { owner: first.owner, kind, program: first.program, number: no.0 };
            if directory::find(self.conn, hash)? != Some(listed) {
                return Err(differs(id, &format!("the directory does not lead to certificate {number}")));
            }
        }
        self.wallets.codes += count(values.len());
        self.references += count(values.len());
        Ok(())
    }
}
