//! Certificates: named in requests, read in answers; those that belong to nobody have addresses of their own.

use anyhow::{Context as _, Result, bail};
use engine::{LotNo, Money, Placed as _, Rejection, Timestamp};

use super::super::backend::{Act, Outcome, Person, Reply};
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
    /// How requests name a certificate: by its code, as it is shown; one that points have become, or nobody has, by an id.
    pub(super) fn certificate_named(&self, person: &Person, no: LotNo) -> Result<String> {
        if let Some(code) = self.bearer_named(no) {
            return Ok(code);
        }
        let member = match person {
            Person::Member(member) => Some(*member),
            Person::Identity(identity) => self.identities.iter().find(|(it, _)| it == identity).map(|(_, it)| *it),
            Person::Nobody => None,
        };
        let member = member.or(self.members.first().map(|(it, _)| *it)).context("nobody has signed up")?;
        let home = self.member_of(&self.home_of(member)?.to_string())?;
        let reader = self.app.store().reader()?;
        if let Some(known) = self.codes.iter().find(|it| (it.0, it.1) == (home, no.0)) {
            return Ok(known.2.clone());
        }
        let all = reader.certificates(self.id_of(home)?.parse()?, Timestamp::from_micros(0))?;
        let code = all.iter().find(|it| it.lot.at.no == no).map(|it| self.app.store().code(it)).transpose()?.flatten();
        let unknown = || {
            let owner = self.id_of(home)?;
            Ok(format!("crt_{}_{}_{}", owner.trim_start_matches("mem_"), self.ledger, no.0))
        };
        code.map_or_else(unknown, Ok)
    }

    /// Gives or cancels certificates: what became of the one row of the request.
    pub(super) fn on_certificates(&mut self, act: &Act) -> Outcome {
        let Act::OnCertificates { person, program, act } = act else { bail!("this is about no certificates") };
        if let Person::Nobody = person {
            return self.on_bearers(program, act);
        }
        let Some(named) = self.named(person)? else { return Ok(Err(Rejection::UnknownMember)) };
        let program = self.program_called(program);
        let name = |no| self.certificate_named(person, no);
        let (path, body) = act.request(&program, Some(&named), self.exponent, name)?;
        let answer = match self.send(Method::POST, path, Some(&body))? {
            Ok(answer) => answer,
            Err(rejection) => return Ok(Err(rejection)),
        };
        let read = self.read(&answer);
        let row = read.list("data")?.next().context("a row is answered")?;
        if let Some(problem) = row.optional("problem") {
            return Ok(Err(problem.rejection("")?));
        }
        for it in row.list("certificates")? {
            let member = self.member_of(it.text("member")?)?;
            let told = (member, number_of(it.text("id")?)?, it.text("code")?.to_owned());
            if !self.codes.contains(&told) {
                self.codes.push(told);
            }
        }
        Ok(Ok(Reply::Done))
    }

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
