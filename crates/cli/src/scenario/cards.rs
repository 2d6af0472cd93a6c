//! Cards in scenarios: how steps add, block, replace and take them away, and how each of the three that a scenario runs against
//! is told.

use std::collections::{BTreeMap, BTreeSet};

use engine::Rejection;
use hyper::Method;
use serde_json::{Value, json};
use store::{CardAct, CardChange, MemberRef};

use super::backend::{MemberNo, Person};
use super::words::{Fault, Words};

const NUMBER: &str = "the number of a card such as 6001";

/// What is done with a card, but for adding one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CardStep {
    Block(String),
    Unblock,
    Replace(String),
    Delete,
}

/// `block card 6001 "why"`, `unblock card 6001`, `replace card 6001 by 6002`, `delete card 6001`: the number and what is done.
pub(super) fn read(words: &mut Words) -> Result<Option<(String, CardStep)>, Fault> {
    let verb = ["block card", "unblock card", "replace card", "delete card"].into_iter().find(|it| words.eat(it));
    let Some(verb) = verb else { return Ok(None) };
    let number = number(words)?;
    let step = match verb {
        "block card" => CardStep::Block(words.quoted()?.to_owned()),
        "unblock card" => CardStep::Unblock,
        "replace card" => {
            words.expect("by")?;
            CardStep::Replace(self::number(words)?)
        }
        _ => CardStep::Delete,
    };
    Ok(Some((number, step)))
}

pub(super) fn number(words: &mut Words) -> Result<String, Fault> {
    match words.take() {
        "" => Err(Fault::allowed("", NUMBER)),
        number => Ok(number.to_owned()),
    }
}

impl CardStep {
    pub(super) fn act(&self) -> CardAct {
        let blocked = |blocked, note| CardChange { blocked: Some(blocked), note, label: None };
        match self {
            Self::Block(note) => CardAct::Change(blocked(true, Some(Some(note.clone())))),
            Self::Unblock => CardAct::Change(blocked(false, None)),
            Self::Replace(by) => CardAct::Replace { by: by.clone(), note: None },
            Self::Delete => CardAct::Remove,
        }
    }

    /// The method, the address and what is sent there.
    pub(super) fn request(&self, number: &str) -> (Method, String, Option<Value>) {
        let path = format!("/v1/cards/{number}");
        match self {
            Self::Block(note) => (Method::PATCH, path, Some(json!({ "blocked": true, "note": note }))),
            Self::Unblock => (Method::PATCH, path, Some(json!({ "blocked": false }))),
            Self::Replace(by) => (Method::POST, path + "/replacements", Some(json!({ "number": by }))),
            Self::Delete => (Method::DELETE, path, None),
        }
    }
}

pub(super) fn added(member: MemberRef) -> CardAct {
    CardAct::Add { member, label: None }
}

/// Cards without a store: who has one, and which are blocked.
#[derive(Default)]
pub(super) struct Cards {
    blocked: BTreeSet<String>,
}

impl Cards {
    pub(super) fn is_blocked(&self, person: &Person) -> bool {
        matches!(person, Person::Identity(identity) if self.blocked.contains(identity))
    }

    /// Does something with a card, whoever has it.
    pub(super) fn take(
        &mut self,
        identities: &mut BTreeMap<String, MemberNo>,
        number: &str,
        step: &CardStep,
    ) -> Result<(), Rejection> {
        let identity = format!("card:{number}");
        let Some(owner) = identities.get(&identity).copied() else {
            return if *step == CardStep::Delete { Ok(()) } else { Err(Rejection::UnknownMember) };
        };
        match step {
            CardStep::Block(_) => drop(self.blocked.insert(identity)),
            CardStep::Unblock => drop(self.blocked.remove(&identity)),
            CardStep::Replace(by) => {
                let by = format!("card:{by}");
                if identities.get(&by).is_some_and(|it| *it != owner) {
                    return Err(Rejection::IdentityTaken);
                }
                if self.blocked.contains(&by) {
                    return Err(Rejection::Invalid { path: "by".into(), allowed: "a card that is not blocked" });
                }
                identities.insert(by, owner);
                self.blocked.insert(identity);
            }
            CardStep::Delete => {
                identities.remove(&identity);
                self.blocked.remove(&identity);
            }
        }
        Ok(())
    }
}
