//! The rewards catalogue, over the API.

use anyhow::{Context as _, Result};
use engine::Rejection;
use serde_json::Value;

use super::HttpBackend;
use super::client::Method;
use super::requests::escaped;
use crate::scenario::acts::PointsAct;
use crate::scenario::backend::{PROGRAM, Person};
use crate::scenario::rewards::RewardTold;

impl HttpBackend {
    /// What of the catalogue somebody can have.
    pub(super) fn offered(&mut self, person: &Person) -> Result<Result<Vec<RewardTold>, Rejection>> {
        let Some(member) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
        let program = escaped(&self.program_called(PROGRAM));
        let path = format!("/v1/members/{}/accounts/{program}/catalogue", escaped(&member));
        let (status, answer) = self.client.send(Method::GET, &path, None, None)?;
        let read = self.read(&answer);
        if !status.is_success() {
            return Ok(Err(read.rejection("").with_context(|| format!("{path} is answered {answer}"))?));
        }
        read.list("data")?.map(|it| it.reward()).collect::<Result<_>>().map(Ok)
    }

    /// What staff do to points, or members do beside buying; nothing where nobody knows whose. What ends a claim goes to the claim itself.
    pub(super) fn on_points(&self, person: &Person, program: &str, act: &PointsAct) -> Result<Option<Request>> {
        let Some(member) = self.named(person)? else { return Ok(None) };
        let (program, (last, body)) = (escaped(&self.program_called(program)), act.request());
        let path = match act {
            PointsAct::EndClaim { claim, .. } => {
                format!("/v1/claims/{}/{last}", self.owned_id("clm", person, claim.0)?)
            }
            _ => format!("/v1/members/{}/accounts/{program}/{last}", escaped(&member)),
        };
        Ok(Some((Method::POST, path, Some(body))))
    }
}

/// How, where and what is sent.
type Request = (Method, String, Option<Value>);
