//! Rewards that were claimed: their rows, and what entries say of them.

use std::sync::Arc;

use engine::{ClaimNo, ClaimState, Rejection, RewardChange, RewardClaim, Timestamp};

use super::entry::{pack_lot, unpack_lot};
use super::figures::{read_date, write_date};
use super::order::{read_taken, write_taken};
use super::{Packer, Read, Unpacker, Unreadable};

const VERSION: u8 = 1;
const ZERO: Timestamp = Timestamp::from_micros(0);

pub(crate) fn pack_claim(claim: &RewardClaim) -> Vec<u8> {
    let mut it = Packer::new(VERSION);
    write_claim(&mut it, claim);
    it.done()
}

pub(crate) fn unpack_claim(bytes: &[u8]) -> Read<RewardClaim> {
    let mut it = Unpacker::new(bytes, VERSION)?;
    let claim = read_claim(&mut it)?;
    it.done()?;
    Ok(claim)
}

pub(super) fn write_claim(it: &mut Packer, claim: &RewardClaim) {
    it.unsigned(claim.no.0);
    it.text(&claim.reward);
    it.unsigned(u64::from(claim.version));
    it.byte(state_number(claim.state));
    it.time(claim.at, ZERO);
    it.points(claim.points);
    it.list(&claim.taken, |it, taken| write_taken(it, taken, claim.at));
    it.option(claim.certificate, |it, lot| pack_lot(it, lot, claim.at));
}

pub(super) fn read_claim(it: &mut Unpacker<'_>) -> Read<RewardClaim> {
    let (no, reward) = (ClaimNo(it.unsigned()?), Arc::from(it.text()?));
    let (version, state, at) = (it.small()?, numbered_state(it.byte()?)?, it.time(ZERO)?);
    let points = it.points()?;
    let taken = it.list(|it| read_taken(it, at))?;
    let certificate = it.option(|it| unpack_lot(it, at))?;
    Ok(RewardClaim { no, reward, version, state, at, points, taken, certificate })
}

pub(super) fn write_change(it: &mut Packer, change: &RewardChange) {
    it.unsigned(change.claim.0);
    it.text(&change.reward);
    it.unsigned(u64::from(change.version));
    it.byte(state_number(change.state));
}

pub(super) fn read_change(it: &mut Unpacker<'_>) -> Read<RewardChange> {
    let (claim, reward) = (ClaimNo(it.unsigned()?), Arc::from(it.text()?));
    Ok(RewardChange { claim, reward, version: it.small()?, state: numbered_state(it.byte()?)? })
}

pub(super) fn state_number(state: ClaimState) -> u8 {
    match state {
        ClaimState::Claimed => 1,
        ClaimState::Fulfilled => 2,
        ClaimState::Cancelled => 3,
    }
}

pub(super) fn numbered_state(number: u8) -> Read<ClaimState> {
    ClaimState::ALL.into_iter().find(|it| state_number(*it) == number).ok_or(Unreadable)
}

/// A refusal that is about rewards.
pub(super) fn write_rejection(it: &mut Packer, rejection: &Rejection) {
    match rejection {
        Rejection::UnknownReward => it.byte(70),
        Rejection::RewardNotYet { from } => {
            it.byte(71);
            write_date(it, *from);
        }
        Rejection::RewardOver { until } => {
            it.byte(72);
            write_date(it, *until);
        }
        Rejection::RewardTier => it.byte(73),
        Rejection::RewardSoldOut => it.byte(74),
        Rejection::RewardLimit { per, most } => {
            it.byte(75);
            it.text(per);
            it.unsigned(u64::from(*most));
        }
        Rejection::UnknownClaim => it.byte(76),
        Rejection::ClaimCancelled => it.byte(77),
        Rejection::PointsOwed { owed } => {
            it.byte(78);
            it.points(*owed);
        }
        other => unreachable!("{other} is about no reward"),
    }
}

pub(super) fn read_rejection(it: &mut Unpacker<'_>, code: u8, intern: fn(String) -> &'static str) -> Read<Rejection> {
    Ok(match code {
        70 => Rejection::UnknownReward,
        71 => Rejection::RewardNotYet { from: read_date(it)? },
        72 => Rejection::RewardOver { until: read_date(it)? },
        73 => Rejection::RewardTier,
        74 => Rejection::RewardSoldOut,
        75 => Rejection::RewardLimit { per: intern(it.text()?), most: it.small()? },
        76 => Rejection::UnknownClaim,
        77 => Rejection::ClaimCancelled,
        78 => Rejection::PointsOwed { owed: it.points()? },
        _ => return Err(Unreadable),
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use engine::{LotNo, LotRef, Points, Taken};
    use proptest::prelude::*;

    use super::*;

    fn lots() -> impl Strategy<Value = LotRef> {
        (any::<u64>(), 0..4_000_000_000_i64, 0..9_000_i64).prop_map(|(no, earned, later)| LotRef {
            no: LotNo(no),
            earned_at: Timestamp::from_micros(earned),
            available_at: Timestamp::from_micros(earned),
            expires_at: if later == 0 { Timestamp::NEVER } else { Timestamp::from_micros(earned + later) },
        })
    }

    /// Of every second entry.
    pub(crate) fn change(raw: i64) -> Option<Box<RewardChange>> {
        let claim = ClaimNo(raw.unsigned_abs());
        let change = RewardChange { claim, reward: "A mug".into(), version: 3, state: ClaimState::Cancelled };
        (raw % 2 == 0).then(|| Box::new(change))
    }

    pub(crate) fn claims() -> impl Strategy<Value = RewardClaim> {
        let taken = (lots(), any::<i64>()).prop_map(|(lot, points)| Taken { lot, points: Points::new(points) });
        let taken = prop::collection::vec(taken, 0..4);
        let state = prop::sample::select(ClaimState::ALL.to_vec());
        (any::<u64>(), "[a-z ]{1,9}", any::<u32>(), state, any::<i64>(), taken, prop::option::of(lots())).prop_map(
            |(no, reward, version, state, points, taken, certificate)| RewardClaim {
                no: ClaimNo(no),
                reward: reward.into(),
                version,
                state,
                at: Timestamp::from_micros(points % 4_000_000_000),
                points: Points::new(points),
                taken,
                certificate,
            },
        )
    }

    proptest! {
        #[test]
        fn claims_are_read_as_they_were_written(claim in claims()) {
            prop_assert_eq!(unpack_claim(&pack_claim(&claim)), Ok(claim.clone()));
            let change =
                RewardChange { claim: claim.no, reward: claim.reward, version: claim.version, state: claim.state };
            let mut it = Packer::new(1);
            write_change(&mut it, &change);
            let bytes = it.done();
            let mut it = Unpacker::new(&bytes, 1).expect("it was just packed");
            prop_assert_eq!(read_change(&mut it), Ok(change));
            prop_assert_eq!(it.done(), Ok(()));
        }
    }

    #[test]
    fn refusals_are_read_as_they_were_written() {
        use engine::Rejection as R;
        let day = engine::Date::new(2026, 3, 4).expect("a day");
        for refusal in [
            R::UnknownReward,
            R::RewardNotYet { from: day },
            R::RewardOver { until: day },
            R::RewardTier,
            R::RewardSoldOut,
            R::RewardLimit { per: "month", most: 3 },
            R::UnknownClaim,
            R::ClaimCancelled,
            R::PointsOwed { owed: Points::new(7) },
        ] {
            let packed = crate::pack::pack_outcome(&Err(refusal.clone()));
            assert_eq!(crate::pack::unpack_outcome(&packed).map(|it| it.err()), Ok(Some(refusal)));
        }
    }
}
