//! How an award was worked out beyond a program's own rate, so that a cashier can read it aloud.

use engine::{By, EarnMode, Earned, Gives, Part, Pay, Promoted, Rounding, TierName, Worked};

use super::voice::Voice;

impl Voice<'_> {
    /// "1 point per 1.00 on 60.00 and 5 points per 1.00 on 40.00 of product tea, 1.5 times for the customer type".
    pub(super) fn worked(&self, earned: &Earned, worked: &Worked) -> String {
        let in_steps = earned.rate.mode != EarnMode::Proportional;
        let parts: Vec<String> = worked.parts.iter().map(|it| self.part(it, earned, in_steps)).collect();
        let mut said = if parts.is_empty() { "nothing of it earns".to_owned() } else { parts.join(" and ") };
        if earned.carried.is_positive() {
            said += &format!(" and {} carried over", self.amount(earned.carried));
        }
        let (multiplying, giving): (Vec<&Promoted>, Vec<&Promoted>) =
            worked.promotions.iter().partition(|it| matches!(it.gives, Gives::Times(_)));
        for promoted in multiplying {
            said += &self.promoted(promoted);
        }
        if let Some(times) = worked.times {
            said += &format!(", {times} times for the customer type");
        }
        if let Some(times) = worked.tier_times {
            said += &format!(", {times} times{}", of_tier(&earned.tier));
        }
        if worked.rounded {
            said += match worked.rounding {
                Rounding::Order => ", rounded down",
                Rounding::Line => ", rounded down line by line",
            };
        }
        for promoted in giving {
            said += &self.promoted(promoted);
        }
        said
    }

    /// "; 9.00 is excluded and earns nothing".
    pub(super) fn left_out(&self, worked: &Worked) -> String {
        let mut said = String::new();
        if worked.excluded.is_positive() {
            said += &format!("; {} is excluded and earns nothing", self.amount(worked.excluded));
        }
        if worked.gift_cards.is_positive() {
            said += &format!("; {} was paid with gift cards and earns nothing", self.amount(worked.gift_cards));
        }
        said
    }

    fn part(&self, part: &Part, earned: &Earned, in_steps: bool) -> String {
        let base = self.amount(part.base);
        let rate = match part.pay {
            Pay::Each(points) if part.units == 1 => format!("{} for 1 unit", self.points(points)),
            Pay::Each(points) => format!("{} for each of {} units", self.points(points), part.units),
            Pay::Per { points, per } if in_steps => {
                format!("{} for each full {} of {base}", self.points(points), self.amount(per))
            }
            Pay::Per { points, per } => format!("{} per {} on {base}", self.points(points), self.amount(per)),
        };
        match &part.by {
            By::Program => rate,
            By::Product(name) => format!("{rate} of product {name}"),
            By::Category(name) => format!("{rate} of category {name}"),
            By::CustomerType => format!("{rate} for the customer type"),
            By::Tier => format!("{rate}{}", of_tier(&earned.tier)),
        }
    }

    fn promoted(&self, it: &Promoted) -> String {
        let said = match it.gives {
            Gives::Times(times) => format!(", {times} times on {} by “{}”", self.amount(it.base), it.name),
            Gives::Points(points) => format!(", {} more by “{}”", self.points(points), it.name),
        };
        match it.budget.filter(|it| it.given < it.called_for) {
            None => said,
            Some(it) if it.given.is_zero() => format!("{said}, whose budget is used up"),
            Some(it) => {
                format!("{said}, whose budget left {} of {}", self.points(it.given), self.points(it.called_for))
            }
        }
    }
}

/// " for tier gold", where the member's tier has a say.
pub(super) fn of_tier(tier: &TierName) -> String {
    tier.as_deref().map_or_else(String::new, |it| format!(" for tier {it}"))
}
