//! Certificates in answers of the API, and those that belong to nobody: made, cancelled and listed at addresses of their own.

use anyhow::{Context as _, Result};
use engine::{LotNo, Money, Placed as _, Rejection, Timestamp};

use super::super::backend::{Outcome, Reply};
use super::super::certificates::{CertificateAct, Told, bearer_of};
use super::answers::{Read, number_of};
use super::client::Method;
use super::{HttpBackend, PAGE};

/// A certificate as it is listed.
pub(super) fn told(it: &Read<'_>) -> Result<Told> {
    let expires_at = it.optional("expires_at").map(|_| it.time("expires_at")).transpose()?;
    Ok(Told {
        no: number_of(it.text("id")?)?,
        status: it.text("status")?.to_owned(),
        left: it.money("left")?,
        once: match (it.text("uses")?, it.optional("share")) {
            ("once", Some(_)) => Some(format!("{} once", it.text("share")?)),
            ("once", None) => Some("once".to_owned()),
            _ => None,
        },
        expires_at: expires_at.unwrap_or(Timestamp::NEVER),
    })
}

impl HttpBackend {
    /// The code of one that was made for nobody; of one that was not, a text that is no code.
    pub(super) fn bearer_named(&self, no: LotNo) -> Option<String> {
        let index = bearer_of(no)?;
        Some(self.bearers.get(index).cloned().unwrap_or_else(|| "no code".to_owned()))
    }

    /// Makes some, or cancels one: what became of the one row of the request.
    pub(super) fn on_bearers(&mut self, program: &str, act: &CertificateAct) -> Outcome {
        let program = self.program_called(program);
        let name = |no: LotNo| self.bearer_named(no.under(engine::Place::MAX)).context("it is named as one of nobody");
        let (path, body) = act.request(&program, None, self.exponent, name)?;
        let answer = match self.send(Method::POST, path, Some(&body))? {
            Ok(answer) => answer,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let read = self.read(&answer);
        let mut codes = Vec::new();
        for it in read.list("data")? {
            if let Some(problem) = it.optional("problem") {
                return Ok(Err::<Reply, Rejection>(problem.rejection("")?));
            }
            if act.is_issue() {
                codes.push(it.text("code")?.to_owned());
            }
        }
        self.bearers.extend(codes);
        Ok(Ok(Reply::Done))
    }

    pub(super) fn bearers_told(&mut self, now: Timestamp) -> Result<Vec<Told>> {
        self.go_on_to(now);
        let certificates = self.get(&format!("/v1/bearer-certificates?limit={PAGE}"))?;
        let all: Vec<Read<'_>> = self.read(&certificates).list("data")?.collect();
        let one = |(no, code): (u64, &String)| {
            let it = all.iter().find(|it| it.text("code").is_ok_and(|it| it == code)).context("it is listed")?;
            let is_claimed = it.optional("member").is_some();
            let told = Told { no, ..told(it)? };
            Ok(if is_claimed {
                Told { status: "claimed".to_owned(), left: Money::ZERO, once: None, ..told }
            } else {
                told
            })
        };
        (1_u64..).zip(&self.bearers).map(one).collect()
    }
}
