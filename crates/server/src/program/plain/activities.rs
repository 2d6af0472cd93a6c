//! What earns without an order, in plain words.

use engine::{CustomAct, Points};

use super::Plain;

impl Plain<'_> {
    pub(super) fn activities(&self) -> Vec<String> {
        let Some(activities) = &self.terms.activities else { return Vec::new() };
        let gives =
            |what: &str, points: Points| points.is_positive().then(|| format!("{what} gives {}.", self.points(points)));
        let mut said: Vec<String> = gives("Signing up", activities.sign_up).into_iter().collect();
        said.extend(gives("Each birthday of a member who has been active before", activities.birthday));
        said.extend(activities.custom.iter().map(|it| self.custom(it)));
        said
    }

    fn custom(&self, it: &CustomAct) -> String {
        let limits = [(it.per_day, "a day"), (it.per_month, "a month"), (it.per_life, "in all")];
        let limits: Vec<String> = limits
            .into_iter()
            .filter_map(|(most, per)| match most? {
                1 => Some(format!("once {per}")),
                most => Some(format!("{most} times {per}")),
            })
            .collect();
        let limits = if limits.is_empty() { String::new() } else { format!(", at most {}", limits.join(" and ")) };
        format!("The activity \"{}\" gives {}{limits}.", it.name, self.points(it.points))
    }
}
