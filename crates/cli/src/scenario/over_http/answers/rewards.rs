//! Rewards and claims, as the API tells them; and refusals that are about them.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use engine::{ClaimNo, ClaimState, Date, Points, Rejection, RewardChange};

use super::{Read, number_of};
use crate::scenario::rewards::{ClaimTold, RewardTold};

impl Read<'_> {
    pub(super) fn reward_change(&self) -> Result<RewardChange> {
        let state = self.text("state")?;
        let state = ClaimState::ALL.into_iter().find(|it| it.name() == state);
        Ok(RewardChange {
            claim: ClaimNo(self.number("claim")?),
            reward: Arc::from(self.text("reward")?),
            version: u32::try_from(self.number("version")?)?,
            state: state.context("a state of a claim")?,
        })
    }

    pub(in crate::scenario::over_http) fn claim(&self) -> Result<ClaimTold> {
        Ok(ClaimTold {
            no: number_of(self.text("id")?)?,
            reward: self.text("reward")?.to_owned(),
            state: self.text("state")?.to_owned(),
        })
    }

    pub(in crate::scenario::over_http) fn reward(&self) -> Result<RewardTold> {
        Ok(RewardTold {
            name: self.text("name")?.to_owned(),
            points: self.count("points")?,
            left: self.optional_number("left")?,
            code: self.optional("code").map(|_| self.text("code").map(str::to_owned)).transpose()?,
        })
    }

    /// A problem tells days and limits in words.
    pub(super) fn rejected_reward(&self, code: &str) -> Result<Option<Rejection>> {
        let day = || Date::parse("1970-01-02").context("a day");
        Ok(Some(match code {
            "unknown_reward" => Rejection::UnknownReward,
            "reward_not_yet" => Rejection::RewardNotYet { from: day()? },
            "reward_over" => Rejection::RewardOver { until: day()? },
            "reward_tier" => Rejection::RewardTier,
            "reward_sold_out" => Rejection::RewardSoldOut,
            "reward_limit" => Rejection::RewardLimit { per: "day", most: 0 },
            "unknown_claim" => Rejection::UnknownClaim,
            "claim_cancelled" => Rejection::ClaimCancelled,
            "points_owed" => Rejection::PointsOwed { owed: Points::new(self.count("owed")?) },
            _ => return Ok(None),
        }))
    }
}
