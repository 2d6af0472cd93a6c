//! The rewards catalogue (C9): all claims are remembered, and counted anew each time.

use engine::{ClaimState, Date, ExtendOn, Gift, Timestamp};

use super::amounts::minor;
use super::{Model, Place, Refused, count};
use crate::rewards::REWARDS;

/// How many mugs others have.
const MUGS_OF_OTHERS: usize = 1;

#[derive(Clone, Debug)]
pub(crate) struct Claim {
    pub(crate) no: u64,
    reward: String,
    day: Date,
    pub(crate) state: ClaimState,
    /// The points that paid it and have not come back, in the order in which they were taken; of a coupon none.
    pub(crate) points: Vec<usize>,
    coupon: Option<usize>,
}

impl Model {
    pub(super) fn claim(&mut self, name: &str, now: Timestamp) -> Result<(), Refused> {
        if !self.timeline.is_on(now) {
            return Err("program_off");
        }
        self.check_open()?;
        let terms = self.timeline.at(now).expect("a version since long ago").terms.clone();
        let reward = terms.catalogue.iter().find(|it| &*it.name == name).ok_or("unknown_reward")?.clone();
        let today = terms.zone.date_of(now);
        if reward.from.is_some_and(|it| today < it) {
            return Err("reward_not_yet");
        }
        let coupon_ends = match &reward.gives {
            Gift::Coupon(it) => it.validity.ends(now, &terms.zone),
            Gift::Named | Gift::Product(_) => Timestamp::NEVER,
        };
        if reward.until.is_some_and(|it| it < today) || coupon_ends <= now {
            return Err("reward_over");
        }
        let tier = terms.tiers.as_ref().and_then(|it| it.rules().levels.get(self.tier(now).checked_sub(1)?).cloned());
        if !reward.tiers.is_empty() && !tier.is_some_and(|it| reward.tiers.contains(&it.name)) {
            return Err("reward_tier");
        }
        let standing = self.claims.iter().filter(|it| it.reward == name && it.state != ClaimState::Cancelled);
        let days: Vec<String> = standing.map(|it| it.day.to_string()).collect();
        let others = if name == REWARDS[0] { MUGS_OF_OTHERS } else { 0 };
        let below = |most: Option<u32>, had: usize| most.is_none_or(|it| had < usize::try_from(it).expect("a few"));
        if !below(reward.stock, days.len() + others) {
            return Err("reward_sold_out");
        }
        let on = |length: usize| days.iter().filter(|it| it[..length] == today.to_string()[..length]).count();
        if !below(reward.per_day, on(10)) || !below(reward.per_month, on(7)) || !below(reward.per_life, on(0)) {
            return Err("reward_limit");
        }
        let points = count(i128::from(reward.points.get()));
        if self.soonest_first(None).len() < points {
            return Err("insufficient_points");
        }
        let no = self.next_number();
        let mut claim = Claim {
            no,
            reward: name.to_owned(),
            day: today,
            state: ClaimState::Claimed,
            points: Vec::new(),
            coupon: None,
        };
        if let Gift::Coupon(it) = &reward.gives {
            claim.state = ClaimState::Fulfilled;
            self.buy((minor(it.value), it.uses, coupon_ends), points, now);
            claim.coupon = Some(self.certificates.len() - 1);
        } else {
            claim.points = self.soonest(points, None);
            for index in &claim.points {
                self.points[*index].place = Place::Redeemed;
            }
        }
        self.claims.push(claim);
        if let Some(rule) = terms.extend.filter(|it| it.on == ExtendOn::Activity) {
            self.extend(terms.zone.end_of(today.plus_months(rule.months)), true, now);
        }
        Ok(())
    }

    pub(super) fn fulfil_claim(&mut self, no: u64) -> Result<(), Refused> {
        let index = self.claim_of(no)?;
        match self.claims[index].state {
            ClaimState::Fulfilled => {}
            ClaimState::Cancelled => return Err("claim_cancelled"),
            ClaimState::Claimed if 0 < self.owed => return Err("points_owed"),
            ClaimState::Claimed => self.claims[index].state = ClaimState::Fulfilled,
        }
        Ok(())
    }

    pub(super) fn cancel_claim(&mut self, no: u64, now: Timestamp) -> Result<(), Refused> {
        let index = self.claim_of(no)?;
        if self.claims[index].state == ClaimState::Cancelled {
            return Ok(());
        }
        if let Some(coupon) = self.claims[index].coupon.filter(|it| self.is_bought(*it)) {
            if self.has_expired(coupon) {
                return Err("certificate_expired");
            }
            if self.is_in_use(coupon) {
                return Err("certificate_used");
            }
            // One that is gone unused with its member's grace brings nothing back.
            if !self.certificates[coupon].cancelled {
                self.give_back_unused(coupon, now);
                self.end_certificate(coupon, now);
            }
        }
        let terms = self.timeline.at(now).expect("a version since long ago").terms.clone();
        let back: Vec<usize> = self.claims[index].points.drain(..).rev().collect();
        self.put_back(&back, &terms, now);
        self.claims[index].state = ClaimState::Cancelled;
        Ok(())
    }

    fn claim_of(&self, no: u64) -> Result<usize, Refused> {
        self.claims.iter().position(|it| it.no == no).ok_or("unknown_claim")
    }
}
