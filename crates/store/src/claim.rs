//! Rewards that members claim: decided on one account, with the certificates beside it where the reward is a coupon (C9).
//!
//! How many of a reward are with members is a counter of its program, read and written in the transaction of the claim: of two who
//! want the last piece one has it. A claim is loaded where a command names it, with the lots that paid for it. Bounded by one
//! claim, and where members are merged by the claims of one.

use engine::{Account, ClaimNo, ClaimState, Entry, Gift, Kind, Moment, Placed as _, RewardClaim};

use crate::batch::Batch;
use crate::command::{Body, Reply};
use crate::decide::{Answered, Refused, ask, find_account, post};
use crate::fault::{Fault, Found};
use crate::load;
use crate::merge;
use crate::pack;
use crate::reference::Program;
use crate::rows::{AccountId, time};
use crate::sql::{Connection, Row, params};

pub(crate) const CLAIM: &str = "SELECT at, ended, claim_no, body FROM claims
    WHERE owner_id = $1 AND program = $2 AND claim_no = $3";
pub(crate) const CLAIMS: &str = "SELECT at, ended, claim_no, body FROM claims
    WHERE owner_id = $1 AND program = $2 ORDER BY claim_no";
const INSERT: &str = "INSERT INTO ledger (owner_id, program, part, phase, sort_at, earned_at, no, body)
    VALUES ($1, $2, 9, $3, $4, 0, $5, $6)";
const DELETE: &str = "DELETE FROM ledger
    WHERE owner_id = $1 AND program = $2 AND part = 9 AND phase = $3 AND sort_at = $4 AND earned_at = 0 AND no = $5";

pub(crate) fn run(batch: &mut Batch<'_>, body: &Body, moment: Moment) -> Answered {
    match body {
        Body::ClaimReward { program, member, reward } => {
            let id = find_account(batch, program, member, moment)?;
            claim(batch, id, reward, moment)
        }
        Body::EndClaim { program, member, claim, cancels, note } => {
            let id = find_account(batch, program, member, moment)?;
            end(batch, id, *claim, (*cancels, note), moment)
        }
        _ => Err(Fault::Row("other commands are decided elsewhere").into()),
    }
}

fn claim(batch: &mut Batch<'_>, id: AccountId, reward: &str, moment: Moment) -> Answered {
    let reference = batch.reference;
    let program = reference.programs.get(&id.program).filter(|it| gives_coupon(it, reward, moment));
    if let Some(currency) = program.and_then(Program::currency) {
        merge::ensure_place(batch, AccountId::wallet(id.owner, currency), moment)?;
    }
    let mut decided = ask(batch, id, |account, rules| engine::claim_reward(account, rules, reward, moment))?;
    let entry = decided.entries.iter().rev().find(|it| it.kind == Kind::Reward);
    let made = entry.and_then(|it| it.changes.reward.as_deref()).ok_or(Fault::Row("a claim is posted"))?.claim;
    post(batch, id, &mut decided, false)?;
    answer(batch, id, made)
}

/// Whether it is a coupon: then it is numbered in the wallet, under whoever claims it.
fn gives_coupon(program: &Program, reward: &str, moment: Moment) -> bool {
    let reward = program.timeline.at(moment.now).and_then(|it| it.reward(reward));
    reward.is_some_and(|it| matches!(it.gives, Gift::Coupon(_)))
}

fn end(
    batch: &mut Batch<'_>,
    id: AccountId,
    claim: ClaimNo,
    (cancels, note): (bool, &str),
    moment: Moment,
) -> Answered {
    batch.slot(id)?;
    let claim = if claim.place() == engine::Place::OWN { claim.under(batch.under) } else { claim };
    batch.load(id, |conn, account| load_claim(conn, id, account, claim))?;
    load_coupon(batch, id, claim)?;
    let mut decided = ask(batch, id, |account, rules| match cancels {
        true => engine::cancel_claim(account, rules, claim, note, moment),
        false => engine::fulfil_claim(account, rules, claim, note, moment),
    })?;
    post(batch, id, &mut decided, false)?;
    answer(batch, id, claim)
}

/// The certificate of a coupon, and which points it was.
fn load_coupon(batch: &mut Batch<'_>, id: AccountId, claim: ClaimNo) -> Result<(), Refused> {
    let Some(lot) = batch.slot(id)?.account.claim(claim).and_then(|it| it.certificate) else { return Ok(()) };
    batch.show_wallet(id, true)?;
    let currency = batch.reference.programs.get(&id.program).and_then(Program::currency);
    let wallet = currency.map(|it| AccountId::wallet(id.owner, it)).ok_or(Fault::Row("a coupon has a currency"))?;
    batch.load(wallet, |conn, account| load::load_lot_numbered(conn, wallet, account, lot.no))?;
    let key = engine::ConversionKey::of(lot, engine::Target::Certificate);
    if !batch.slot(id)?.conversions.contains_key(&key) {
        batch.load(id, |conn, account| load::load_conversion(conn, id, account, key))?;
    }
    Ok(())
}

fn answer(batch: &mut Batch<'_>, id: AccountId, no: ClaimNo) -> Answered {
    let account = &batch.slot(id)?.account;
    let claim = account.claim(no).ok_or(Fault::Row("a claim that is answered is loaded"))?.clone();
    Ok(Reply::Claim { member: id.owner, claim: Box::new(claim), balance: account.balance })
}

/// The claims that entries change, and the state in which each is stored; nothing for a new one.
pub(crate) fn changed(before: &Account, entries: &[Entry]) -> Vec<(ClaimNo, Option<ClaimState>)> {
    let numbers = entries.iter().filter_map(|it| it.changes.reward.as_ref()).map(|it| it.claim);
    numbers.map(|no| (no, before.claim(no).map(|it| it.state))).collect()
}

/// The claim of that number, if there is one, and the lots that it names.
pub(crate) fn load_claim(conn: &Connection, id: AccountId, account: &mut Account, no: ClaimNo) -> Found<()> {
    if account.claim(no).is_some() {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(CLAIM)?;
    let mut rows = statement.query(params![id.owner.0, id.program, no.0])?;
    match rows.next()? {
        Some(row) => take_in(conn, id, account, read(row)?),
        None => Ok(()),
    }
}

/// All claims and the lots that they name: for merges.
pub(crate) fn load_claims(conn: &Connection, id: AccountId, account: &mut Account) -> Found<()> {
    let mut statement = conn.prepare_cached(CLAIMS)?;
    let mut rows = statement.query(params![id.owner.0, id.program])?;
    let mut claims = Vec::new();
    while let Some(row) = rows.next()? {
        claims.push(read(row)?);
    }
    claims.into_iter().try_for_each(|it| take_in(conn, id, account, it))
}

fn take_in(conn: &Connection, id: AccountId, account: &mut Account, claim: RewardClaim) -> Found<()> {
    for taken in &claim.taken {
        load::load_lot(conn, id, account, taken.lot)?;
    }
    account.load_claim(claim);
    Ok(())
}

pub(crate) fn read(row: &Row<'_>) -> Found<RewardClaim> {
    let claim = pack::unpack_claim(row.get_ref(3)?.as_blob().unwrap_or_default())?;
    if (claim.at, has_ended(claim.state), claim.no) != (time(row, 0)?, row.get(1)?, ClaimNo(row.get(2)?)) {
        return Err(Fault::Row("a claim stands in the wrong place"));
    }
    Ok(claim)
}

/// Claims that wait stand apart: staff look through them.
fn has_ended(state: ClaimState) -> bool {
    state != ClaimState::Claimed
}

pub(crate) fn save(conn: &Connection, batch: &Batch<'_>) -> Found<()> {
    for (id, slot) in batch.accounts().iter().filter(|(_, slot)| slot.is_changed) {
        for (no, stored) in &slot.claims {
            let claim = slot.account.claim(*no).ok_or(Fault::Row("a claim that changed is loaded"))?;
            let at = claim.at.micros();
            if let Some(state) = stored {
                let mut delete = conn.prepare_cached(DELETE)?;
                crate::save::one(delete.execute(params![id.owner.0, id.program, has_ended(*state), at, no.0])?)?;
            }
            let (ended, body) = (has_ended(claim.state), pack::pack_claim(claim));
            let mut insert = conn.prepare_cached(INSERT)?;
            insert.execute(params![id.owner.0, id.program, ended, at, no.0, body])?;
        }
    }
    Ok(())
}
