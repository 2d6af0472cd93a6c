//! What the writer counts while it works, for whoever watches the server: commands, the size of batches, how long they take.
//!
//! Touched once for each batch, under a lock that only a look at the figures shares. Bounded by the kinds of commands.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::command::{Body, Failure};
use crate::queue::{Answer, Job};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    Done,
    /// By the rules, or since it names something that is not there.
    Refused,
    /// The database or this program failed.
    Failed,
}

/// How many of what was measured lie up to each bound, and their sum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spread {
    pub bounds: &'static [u64],
    /// One for each bound, those below it left out, and one for what lies above all of them.
    pub counts: Vec<u64>,
    pub sum: u64,
}

/// What was counted since the store was opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// Commands that were answered, by what they ask for.
    pub commands: BTreeMap<(&'static str, Outcome), u64>,
    /// Commands of each batch.
    pub batch_commands: Spread,
    /// Microseconds from the moment a batch is taken until it may be answered.
    pub batch_micros: Spread,
    /// Batches that failed as a whole and were run again.
    pub run_again: u64,
}

/// Commands that wait for the writer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Waiting {
    pub live: usize,
    pub background: usize,
}

pub(crate) struct Meter(Mutex<Counted>);

const COMMANDS: &[u64] = &[1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000];
const MICROS: &[u64] = &[
    500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000, 2_000_000, 5_000_000,
    30_000_000,
];

impl Spread {
    fn new(bounds: &'static [u64]) -> Self {
        Self { bounds, counts: vec![0; bounds.len() + 1], sum: 0 }
    }

    fn add(&mut self, value: u64) {
        self.counts[self.bounds.partition_point(|it| *it < value)] += 1;
        self.sum = self.sum.saturating_add(value);
    }

    /// How many were measured.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }
}

impl Default for Meter {
    fn default() -> Self {
        Self(Mutex::new(Counted {
            commands: BTreeMap::new(),
            batch_commands: Spread::new(COMMANDS),
            batch_micros: Spread::new(MICROS),
            run_again: 0,
        }))
    }
}

impl Meter {
    /// Counts a batch that is about to be answered.
    pub(crate) fn batch(&self, jobs: &[Job], answers: &[Answer], took: Duration) {
        let mut counted = self.lock();
        counted.batch_commands.add(u64::try_from(jobs.len()).unwrap_or(u64::MAX));
        counted.batch_micros.add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        // Most of a batch asks for the same: it is looked up once.
        let ended = jobs.iter().zip(answers).map(|(job, answer)| (kind_of(&job.command.body), outcome_of(answer)));
        let (mut last, mut times) = (None, 0);
        for it in ended {
            if last != Some(it) {
                counted.commands(last, times);
                (last, times) = (Some(it), 0);
            }
            times += 1;
        }
        counted.commands(last, times);
    }

    pub(crate) fn run_again(&self) {
        self.lock().run_again += 1;
    }

    pub(crate) fn counted(&self) -> Counted {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Counted> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counted {
    fn commands(&mut self, ended: Option<(&'static str, Outcome)>, times: u64) {
        if let Some(ended) = ended {
            *self.commands.entry(ended).or_default() += times;
        }
    }
}

fn outcome_of(answer: &Answer) -> Outcome {
    match answer {
        Ok(_) => Outcome::Done,
        Err(Failure::Rejected(_) | Failure::KeyReused | Failure::UnknownLink | Failure::UnknownKey) => Outcome::Refused,
        Err(Failure::Store(_) | Failure::Internal) => Outcome::Failed,
    }
}

/// The stable name of what a command asks for.
fn kind_of(body: &Body) -> &'static str {
    match body {
        Body::SignUp { .. } => "sign_up",
        Body::PutOrder { .. } => "put_order",
        Body::PutReturn { .. } => "put_return",
        Body::ClaimOrder { .. } => "claim_order",
        Body::Hold { .. } => "hold",
        Body::ReleaseHold { .. } => "release_hold",
        Body::Adjust { .. } => "adjust",
        Body::AdjustCredit { .. } => "adjust_credit",
        Body::Withdraw { .. } => "withdraw",
        Body::IssueCertificates { .. } => "issue_certificates",
        Body::IssueBearers { .. } => "issue_bearers",
        Body::CancelCertificate { .. } => "cancel_certificate",
        Body::Collect { .. } => "collect",
        Body::ClaimReward { .. } => "claim_reward",
        Body::EndClaim { cancels: false, .. } => "fulfil_claim",
        Body::EndClaim { .. } => "cancel_claim",
        Body::Redate { .. } => "redate",
        Body::Reinstate { .. } => "reinstate",
        Body::Act { .. } => "act",
        Body::SetTier { .. } => "set_tier",
        Body::Close { .. } => "close",
        Body::Join { .. } => "join",
        Body::Merge { .. } => "merge",
        Body::Unmerge { .. } => "undo_merge",
        Body::Settle { .. } => "settle",
        Body::ForgetAnswers { .. } => "forget_answers",
        Body::ChangeMember { .. } => "change_member",
        Body::AddIdentity { .. } => "add_identity",
        Body::RemoveIdentity { .. } => "remove_identity",
        Body::Card { .. } => "card",
        Body::Erase { .. } => "erase",
        Body::OpenLink { .. } => "open_link",
        Body::UseLink { .. } => "use_link",
        Body::OpenSession { .. } => "open_session",
        Body::EndSession { .. } => "end_session",
        Body::CreateProgram { .. } => "create_program",
        Body::AddVersion { .. } => "add_version",
        Body::SwitchProgram { .. } => "switch_program",
        Body::AddChannel { .. } => "add_channel",
        Body::ChangeChannel { .. } => "change_channel",
        Body::AddKey { .. } => "add_key",
        Body::RevokeKey { .. } => "revoke_key",
    }
}

#[test]
fn what_is_measured_counts_below_the_first_bound_that_it_does_not_pass() {
    let mut spread = Spread::new(&[1, 10]);
    [0, 1, 2, 10, 11, 500].into_iter().for_each(|it| spread.add(it));
    assert_eq!((spread.counts.as_slice(), spread.sum, spread.count()), (&[2, 2, 2][..], 524, 6));
}
