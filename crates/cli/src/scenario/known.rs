//! What decides about accounts beside their entries, as the steps so far have said: the program's timeline, and facts about
//! members. A look at the lots settles with it.

use std::collections::BTreeMap;

use engine::{Facts, Rules, Switch, Timeline, Timestamp, Version};

use super::backend::{Act, MemberNo};

#[derive(Default)]
pub(super) struct Known {
    timeline: Timeline,
    facts: BTreeMap<MemberNo, Facts>,
    none: Facts,
}

impl Known {
    /// Takes in what an act that was accepted says; `member` is whom it names.
    pub(super) fn learn(&mut self, act: &Act, member: Option<MemberNo>, at: Timestamp) {
        let (mut versions, mut switches) = (self.timeline.versions().to_vec(), self.timeline.switches().to_vec());
        match act {
            Act::Program { terms, from, .. } => {
                let number = versions.iter().map(|it| it.number).max().unwrap_or(0) + 1;
                versions.push(Version { number, effective_at: from.unwrap_or(at), terms: terms.as_ref().clone() });
            }
            Act::Switch { on, from } => switches.push(Switch { at: from.unwrap_or(at), on: *on }),
            Act::SignUp { member, facts, .. } => {
                let since = Facts { birthday_since: at, ..facts.clone() };
                self.facts.entry(*member).or_insert(since);
                return;
            }
            Act::Change { change, .. } => {
                let facts = member.map(|it| self.facts.entry(it).or_default());
                facts.into_iter().for_each(|it| change.apply(it, at));
                return;
            }
            _ => return,
        }
        self.timeline = Timeline::new(versions, switches);
    }

    pub(super) fn rules(&self, member: MemberNo) -> Rules<'_> {
        Rules { facts: self.facts.get(&member).unwrap_or(&self.none), ..Rules::of(&self.timeline) }
    }
}
