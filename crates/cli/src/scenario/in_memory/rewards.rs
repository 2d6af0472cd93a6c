//! The rewards catalogue, by the engine alone.

use anyhow::{Result, anyhow};
use engine::{Gift, Moment, Rejection, Rules, Timestamp};

use super::EngineBackend;
use crate::scenario::acts::PointsAct;
use crate::scenario::backend::{Act, KEY, Person};
use crate::scenario::rewards::RewardTold;

impl EngineBackend {
    /// Whether an act claims a coupon, which is numbered in the wallet.
    pub(super) fn is_coupon(&self, act: &Act, moment: Moment) -> bool {
        let Act::OnPoints { act: PointsAct::Reward { name }, .. } = act else { return false };
        let reward = self.timeline.at(moment.now).and_then(|it| it.reward(name));
        reward.is_some_and(|it| matches!(it.gives, Gift::Coupon(_)))
    }

    pub(super) fn offered(&mut self, person: &Person, now: Timestamp) -> Result<Result<Vec<RewardTold>, Rejection>> {
        let (member, under) = match self.named(person) {
            Ok(member) => self.home(member),
            Err(rejection) => return Ok(Err(rejection)),
        };
        let card_blocked = self.is_blocked(person);
        let kept = self.accounts.entry(member).or_default();
        let rules =
            Rules { facts: &kept.facts, budgets: &self.budgets, under, card_blocked, ..Rules::of(&self.timeline) };
        let moment = Moment { now, actor: KEY, import: false };
        let offered = engine::catalogue(&kept.account, rules, moment).map_err(|_| anyhow!("every lot is loaded"))?;
        Ok(Ok(offered.iter().map(RewardTold::offered).collect()))
    }
}
