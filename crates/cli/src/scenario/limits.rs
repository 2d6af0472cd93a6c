//! Clauses on what may be redeemed: steps, the most per order and its share, the least balance, what points pay for.

use super::clauses::{before, figure};
use super::words::{Fault, Words};

/// What is named, as it stands in the program document; the rest is left to its defaults.
#[derive(Clone, Debug, Default)]
pub(super) struct Limits {
    step: Option<String>,
    points_max: Option<String>,
    value_max: Option<String>,
    share_max: Option<String>,
    balance_min: Option<String>,
    pays_shipping: Option<bool>,
    pays_tax: Option<bool>,
    with_discounts: Option<&'static str>,
}

impl Limits {
    /// Changes what the clause names; whether it was one of these.
    pub(super) fn change(&mut self, words: &mut Words) -> Result<bool, Fault> {
        if words.eat("steps of") {
            self.step = Some(before(words, "points")?);
        } else if words.eat("balance at least") {
            self.balance_min = Some(before(words, "points")?);
        } else if words.eat("at most") {
            self.most(words)?;
        } else if words.eat("points pay shipping") {
            self.pays_shipping = Some(true);
        } else if words.eat("points pay tax") {
            self.pays_tax = Some(true);
        } else if words.eat("points pay goods only") {
            (self.pays_shipping, self.pays_tax) = (None, None);
        } else if words.eat("points instead of discounts") {
            self.with_discounts = Some("instead");
        } else if words.eat("points after discounts") {
            self.with_discounts = None;
        } else {
            return Ok(false);
        }
        Ok(true)
    }

    /// `at most 50%`, `at most 2000 points` or `at most 20.00`.
    fn most(&mut self, words: &mut Words) -> Result<(), Fault> {
        if let Some(share) = words.peek().strip_suffix('%') {
            self.share_max = Some(format!("{}%", figure(&mut Words::of(share)?)?));
            words.take();
            return Ok(());
        }
        let figure = figure(words)?;
        *if words.eat("points") { &mut self.points_max } else { &mut self.value_max } = Some(figure);
        Ok(())
    }

    /// The keys of `redeem` that are named, each behind a comma.
    pub(super) fn to_json(&self) -> String {
        let bare = |key: &str, it: &Option<String>| it.as_ref().map(|it| format!(", \"{key}\": {it}"));
        let quoted = |key: &str, it: &Option<String>| it.as_ref().map(|it| format!(", \"{key}\": \"{it}\""));
        let flag = |key: &str, it: Option<bool>| it.map(|it| format!(", \"{key}\": {it}"));
        let keys = [
            bare("step", &self.step),
            bare("max_points", &self.points_max),
            quoted("max_value", &self.value_max),
            quoted("max_share", &self.share_max),
            bare("min_balance", &self.balance_min),
            flag("pays_shipping", self.pays_shipping),
            flag("pays_tax", self.pays_tax),
            self.with_discounts.map(|it| format!(", \"with_discounts\": \"{it}\"")),
        ];
        keys.into_iter().flatten().collect()
    }
}
