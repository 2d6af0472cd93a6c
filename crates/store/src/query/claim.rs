//! The catalogue as a member sees it, the rewards that a member has claimed, and those that wait to be handed over.
//!
//! A page of what waits costs what it holds: an index has the claims of a program that wait, oldest first. The claims of one
//! member are one range of its account.

use engine::{
    Account, ClaimNo, Moment, NeedMore, Place, Placed as _, Rejection, Reward, RewardClaim, Rules, Timestamp,
};

use super::Reader;
use super::account::load_credit;
use crate::claim::{CLAIM, read};
use crate::command::Failure;
use crate::counters::load_budgets;
use crate::error::StoreError;
use crate::fault::Found;
use crate::id::MemberId;
use crate::load::{self, CONVERSION, LOTS};
use crate::member::MemberRef;
use crate::pack;
use crate::rows::{AccountId, member};
use crate::sql::{Connection, params};

pub(crate) const CLAIMS_BEFORE: &str = "SELECT at, ended, claim_no, body FROM claims
    WHERE owner_id = $1 AND program = $2 AND claim_no < $3 ORDER BY claim_no DESC LIMIT $4";
pub(crate) const CLAIMS_WAITING: &str = "SELECT at, ended, claim_no, body, owner_id FROM claims
    WHERE program = $1 AND ended = 0 AND ($2, $3, $4) < (at, owner_id, claim_no)
    ORDER BY at, owner_id, claim_no LIMIT $5";

/// A reward as a member sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RewardInfo {
    pub reward: Reward,
    /// How many are left, where there are only so many.
    pub left: Option<u32>,
    /// Why the member cannot have it, if so.
    pub refusal: Option<Rejection>,
}

/// A claim as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimInfo {
    pub claim: RewardClaim,
    /// Whether its coupon is points again: a take-back undid it, or staff have cancelled the certificate.
    pub is_undone: bool,
}

impl ClaimInfo {
    /// What has become of it: `claimed`, `fulfilled`, `cancelled` or `undone`.
    pub fn standing(&self) -> &'static str {
        self.claim.standing(self.is_undone)
    }
}

/// Of one that is a coupon, whether there still is its conversion.
fn info(conn: &Connection, id: AccountId, claim: RewardClaim) -> Found<ClaimInfo> {
    let Some(key) = claim.conversion() else { return Ok(ClaimInfo { claim, is_undone: false }) };
    let mut statement = conn.prepare_cached(CONVERSION)?;
    let target = pack::target_number(key.target);
    let mut rows = statement.query(params![id.owner.0, id.program, key.at.micros(), target, key.no.0])?;
    Ok(ClaimInfo { claim, is_undone: rows.next()?.is_none() })
}

/// A claim that waits to be handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingClaim {
    pub member: MemberId,
    pub claim: RewardClaim,
    /// What the member owes: nothing is handed over before it is paid.
    pub owed: engine::Points,
}

/// Where a page of what waits ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClaimCursor {
    pub at: Timestamp,
    pub member: MemberId,
    pub no: ClaimNo,
}

impl Reader {
    /// The rewards of a program in the order of its catalogue, each with why the member cannot have it now, if so.
    ///
    /// # Errors
    /// `UnknownMember`.
    pub fn catalogue(&self, named: &MemberRef, program: u32, moment: Moment) -> Result<Vec<RewardInfo>, Failure> {
        let (owner, under, card_blocked) = self.named(named)?.ok_or(Rejection::UnknownMember)?;
        let id = AccountId { owner, program };
        let ruled = self.rules(owner, program)?;
        let reference = self.reference()?;
        let (mut account, budgets) = self.ask(|conn| {
            let mut account: Account = load::load_account(conn, id)?.account;
            load_credit(conn, &reference, id, &mut account, false)?;
            Ok((account, load_budgets(conn, program)?))
        })?;
        let rules = Rules { budgets: &budgets, under, card_blocked, ..ruled.rules() };
        let mut limit = LOTS;
        loop {
            match engine::catalogue(&account, rules, moment) {
                Ok(offered) => {
                    let info = |it: engine::Offered<'_>| RewardInfo {
                        reward: it.reward.clone(),
                        left: it.left,
                        refusal: it.refusal,
                    };
                    return Ok(offered.into_iter().map(info).collect());
                }
                Err(NeedMore) => {
                    limit = limit.saturating_mul(4);
                    self.ask(|conn| load::load_lots(conn, id, &mut account, limit))?;
                }
            }
        }
    }

    /// A page of the rewards that a member has claimed, newest first: those before `before`, or the last ones.
    pub fn claims_before(
        &self,
        member: MemberId,
        program: u32,
        before: Option<ClaimNo>,
        limit: usize,
    ) -> Result<Vec<ClaimInfo>, StoreError> {
        let id = AccountId { owner: member, program };
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(CLAIMS_BEFORE)?;
            let before = before.map_or(i64::MAX, |it| i64::try_from(it.0).unwrap_or(i64::MAX));
            let claims: Vec<RewardClaim> =
                statement.query(params![member.0, program, before, limit])?.and_then(read).collect::<Found<_>>()?;
            claims.into_iter().map(|it| info(conn, id, it)).collect()
        })
    }

    /// The claim of that number among those of whoever had it first, and who has it now.
    pub fn find_claim(
        &self,
        first: MemberId,
        program: u32,
        no: ClaimNo,
    ) -> Result<Option<(MemberId, ClaimInfo)>, StoreError> {
        let Some((owner, under, _)) = self.named(&MemberRef::Id(first))? else { return Ok(None) };
        let no = if no.place() == Place::OWN { no.under(under) } else { no };
        let id = AccountId { owner, program };
        self.ask(|conn| {
            let mut statement = conn.prepare_cached(CLAIM)?;
            let mut rows = statement.query(params![owner.0, program, no.0])?;
            let Some(row) = rows.next()? else { return Ok(None) };
            Ok(Some((owner, info(conn, id, read(row)?)?)))
        })
    }

    /// A page of the claims of a program that wait to be handed over, oldest first.
    pub fn claims_waiting(
        &self,
        program: u32,
        after: Option<ClaimCursor>,
        limit: usize,
    ) -> Result<Vec<WaitingClaim>, StoreError> {
        self.ask(|conn| {
            let (at, owner, no) = after.map_or((i64::MIN, Vec::new(), 0), |it| {
                (it.at.micros(), it.member.0.to_vec(), i64::try_from(it.no.0).unwrap_or(i64::MAX))
            });
            let mut statement = conn.prepare_cached(CLAIMS_WAITING)?;
            let mut rows = statement.query(params![program, at, owner, no, limit])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((member(row, 4)?, read(row)?));
            }
            let with_debt = |(member, claim)| {
                let balance = load::load_balance(conn, AccountId { owner: member, program })?.account.balance;
                Ok(WaitingClaim { member, claim, owed: balance.owed })
            };
            found.into_iter().map(with_debt).collect()
        })
    }
}
