//! Brings rows over, or takes back what they brought.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::{Adjustment, CreditAdjustment, Currency, Money, Rejection, SetTier, TierHold, Timestamp};
use store::{Body, Failure, Ledger, MemberId, MemberRef, NewCertificates, Reply, certificate_ledger, credit_ledger};

use super::groups::groups;
use super::{Desk, MemberRow};

/// An import: where it goes, and what it is called.
pub struct Run<D> {
    pub desk: D,
    pub program: String,
    /// Of the program.
    pub number: u32,
    pub currency: Currency,
    pub name: String,
    pub now: Timestamp,
    /// Rows that are carried out side by side, so that they share transactions.
    pub workers: usize,
}

/// What became of a row, and why it went no further.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Done {
    pub signed_up: bool,
    /// Added, or taken back.
    pub points: i64,
    pub credit: i64,
    pub certificates: i64,
    pub tier: bool,
    pub problem: Option<RowProblem>,
}

/// Why a row was not carried out, or only in part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowProblem {
    /// It cannot be read: which column, and what is allowed.
    Unread(String),
    /// The rules say no, of what it says in that column, or of its member.
    Refused { at: Option<&'static str>, rejection: Rejection },
    /// It was brought over before and said something else then.
    Other { at: Option<&'static str> },
    /// Not all of it was there to be taken back.
    PartLeft { what: &'static str },
}

impl RowProblem {
    /// It is about that column, or about one beside it, which goes by the row's own name.
    fn at(self, column: &'static str) -> Self {
        match self {
            Self::Refused { rejection: Rejection::Invalid { path, allowed }, .. } => {
                let column = beside(column, &path);
                Self::Refused { at: Some(column), rejection: Rejection::Invalid { path: column.into(), allowed } }
            }
            Self::Refused { rejection, .. } => Self::Refused { at: Some(column), rejection },
            Self::Other { .. } => Self::Other { at: Some(column) },
            other @ (Self::Unread(_) | Self::PartLeft { .. }) => other,
        }
    }

    /// It is about what the row says of somebody who is new, or about that it is somebody.
    fn of_member(self) -> Self {
        let Self::Refused { rejection: Rejection::Invalid { path, .. }, .. } = &self else { return self };
        match path.as_ref() {
            "customer_type" => self.at("type"),
            "birthday" => self.at("birthday"),
            "name" => self.at("name"),
            _ => self,
        }
    }
}

/// The column that holds what a command about `column` calls `path`.
fn beside(column: &'static str, path: &str) -> &'static str {
    match (column, path) {
        ("points", "expires_at") => "expires",
        ("certificate", "expires") => "certificate_expires",
        ("tier", "until") => "tier_until",
        (_, "reference") => "reference",
        _ => column,
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            // It begins with its column.
            Self::Refused { rejection: rejection @ Rejection::Invalid { .. }, .. } => return write!(f, "{rejection}"),
            Self::Refused { at: Some(at), .. } | Self::Other { at: Some(at) } => write!(f, "{at}: ")?,
            Self::Refused { at: None, .. } | Self::Other { at: None } | Self::Unread(_) | Self::PartLeft { .. } => {}
        }
        match self {
            Self::Unread(problem) => f.write_str(problem),
            Self::Refused { rejection, .. } => write!(f, "{rejection}"),
            Self::Other { .. } => f.write_str(
                "the row was brought over before with other figures; allowed is the same, or another name of the import or \
                 reference",
            ),
            Self::PartLeft { what } => write!(f, "{what}: only a part was there to be taken back, or none"),
        }
    }
}

impl<D: Desk + Sync> Run<D> {
    /// Rows that name nobody in common are carried out side by side; answers what became of each.
    ///
    /// # Errors
    /// When the store fails: what was carried out before stays.
    pub fn round<E: Sync>(
        &self,
        rows: &[Result<MemberRow, E>],
        fault: impl Fn(&E) -> RowProblem + Sync,
        undo: bool,
    ) -> Result<Vec<Done>, Failure> {
        let groups = groups(rows);
        let next = AtomicUsize::new(0);
        let work = || -> Result<Vec<(usize, Done)>, Failure> {
            let mut done = Vec::new();
            while let Some(group) = groups.get(next.fetch_add(1, Ordering::Relaxed)) {
                for index in group {
                    let row = match &rows[*index] {
                        Err(it) => Done { problem: Some(fault(it)), ..Done::default() },
                        Ok(row) if undo => self.undo(row)?,
                        Ok(row) => self.bring(row)?,
                    };
                    done.push((*index, row));
                }
            }
            Ok(done)
        };
        let mut all: BTreeMap<usize, Done> = BTreeMap::new();
        std::thread::scope(|scope| -> Result<(), Failure> {
            let workers: Vec<_> = (0..self.workers.min(groups.len())).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                all.extend(worker.join().map_err(|_| Failure::Internal)??);
            }
            Ok(())
        })?;
        Ok(all.into_values().collect())
    }
}

impl<D: Desk> Run<D> {
    /// One row after the other.
    ///
    /// # Errors
    /// When the store fails.
    pub fn one_by_one<E>(
        &self,
        rows: &[Result<MemberRow, E>],
        fault: impl Fn(&E) -> RowProblem,
    ) -> Result<Vec<Done>, Failure> {
        let one = |row: &Result<MemberRow, E>| match row {
            Err(it) => Ok(Done { problem: Some(fault(it)), ..Done::default() }),
            Ok(row) => self.bring(row),
        };
        rows.iter().map(one).collect()
    }

    /// Refused, and why; or the store failed.
    fn send(&self, body: Body) -> Result<Result<Reply, RowProblem>, Failure> {
        match self.desk.send(body) {
            Ok(reply) => Ok(Ok(reply)),
            Err(Failure::Rejected(rejection)) => Ok(Err(RowProblem::Refused { at: None, rejection })),
            Err(Failure::KeyReused) => Ok(Err(RowProblem::Other { at: None })),
            Err(failure) => Err(failure),
        }
    }

    fn reference(&self, row: &MemberRow) -> String {
        format!("{}: {}", self.name, row.reference)
    }

    /// Brings a row over. Of one that goes no further what came before stays.
    ///
    /// # Errors
    /// When the store fails.
    pub fn bring(&self, row: &MemberRow) -> Result<Done, Failure> {
        let mut done = Done::default();
        if let Err(problem) = self.bring_into(row, &mut done)? {
            done.problem = Some(problem);
        }
        Ok(done)
    }

    fn bring_into(&self, row: &MemberRow, done: &mut Done) -> Result<Result<(), RowProblem>, Failure> {
        let member = match self.sign_up(row, done)? {
            Ok(member) => MemberRef::Id(member),
            Err(problem) => return Ok(Err(problem)),
        };
        let (reference, note) = (self.reference(row), format!("brought over: {}", self.name));
        if let Some(points) = row.points {
            let is_known = self.desk.is_known(self.number, &reference)?;
            let adjustment = Adjustment { points, note: note.clone(), expires_at: row.expires_at };
            let (program, reference) = (self.program.clone(), Some(reference.clone()));
            let body = Body::Adjust { program, member: member.clone(), adjustment, reference };
            match self.send(body)? {
                Ok(_) => done.points = if is_known { 0 } else { points.get() },
                Err(problem) => return Ok(Err(problem.at("points"))),
            }
        }
        if let Some(amount) = row.credit {
            let currency = self.currency.code;
            let is_known = self.desk.is_known(credit_ledger(currency), &reference)?;
            let adjustment = CreditAdjustment { amount, note: note.clone() };
            let (member, reference) = (member.clone(), Some(reference.clone()));
            let body = Body::AdjustCredit { currency, member, adjustment, reference };
            match self.send(body)? {
                Ok(_) => done.credit = if is_known { 0 } else { amount.minor() },
                Err(problem) => return Ok(Err(problem.at("credit"))),
            }
        }
        if let Some(value) = row.certificate
            && let Err(problem) = self.give(row, value, &member, (&reference, &note), done)?
        {
            return Ok(Err(problem.at("certificate")));
        }
        match &row.tier {
            Some(tier) => self.set_tier(member, Some(tier.clone()), row.tier_until, note, done),
            None => Ok(Ok(())),
        }
    }

    fn give(
        &self,
        row: &MemberRow,
        value: Money,
        member: &MemberRef,
        (reference, note): (&str, &str),
        done: &mut Done,
    ) -> Result<Result<(), RowProblem>, Failure> {
        let is_known = self.desk.is_known(certificate_ledger(self.currency), reference)?;
        let (uses, validity) = (row.certificate_uses, row.certificate_expires);
        let new = NewCertificates { value, count: 1, uses, validity, note: note.to_owned() };
        let (program, member) = (self.program.clone(), member.clone());
        let body = Body::IssueCertificates { program, member, new, reference: Some(reference.to_owned()) };
        Ok(self.send(body)?.map(|_| done.certificates = if is_known { 0 } else { value.minor() }))
    }

    /// The id of whoever this import signs up: it says so for ever.
    fn id_of(&self, member: &MemberRef, at: Timestamp) -> MemberId {
        MemberId::derived(at, format!("{}: {member}", self.name).as_bytes())
    }

    /// Signs the row's member up, or gives one who is known the identities that are new.
    fn sign_up(&self, row: &MemberRow, done: &mut Done) -> Result<Result<MemberId, RowProblem>, Failure> {
        let Some(known) = self.desk.find(&row.member)? else {
            let body = Body::SignUp {
                id: self.id_of(&row.member, self.now),
                name: row.name.clone(),
                identities: row.identities.clone(),
                facts: row.facts.clone(),
            };
            return Ok(match self.send(body)? {
                Ok(Reply::Member { id, created }) => {
                    done.signed_up = created;
                    Ok(id)
                }
                Ok(_) => return Err(Failure::Internal),
                Err(problem) => Err(problem.of_member()),
            });
        };
        for identity in &row.identities {
            let body = Body::AddIdentity { member: MemberRef::Id(known), identity: identity.clone() };
            if let Err(problem) = self.send(body)? {
                return Ok(Err(problem.at(identity.kind.name())));
            }
        }
        Ok(Ok(known))
    }

    /// Sets a tier unless it is set so already.
    fn set_tier(
        &self,
        member: MemberRef,
        tier: Option<String>,
        until: Option<Timestamp>,
        note: String,
        done: &mut Done,
    ) -> Result<Result<(), RowProblem>, Failure> {
        let standing = self.tier_of(&member)?;
        let wanted = (tier.as_deref().map(str::to_owned), until.unwrap_or(Timestamp::NEVER), TierHold::Set);
        if standing.is_some_and(|it| it == wanted) {
            return Ok(Ok(()));
        }
        let set = SetTier { tier, until, note };
        Ok(match self.send(Body::SetTier { program: self.program.clone(), member, set })? {
            Ok(_) => {
                done.tier = true;
                Ok(())
            }
            Err(problem) => Err(problem.at("tier")),
        })
    }

    fn tier_of(&self, member: &MemberRef) -> Result<Option<(Option<String>, Timestamp, TierHold)>, Failure> {
        let Some(id) = self.desk.find(member)? else { return Ok(None) };
        let state = self.desk.tier_of(id, self.number)?;
        Ok(state.map(|it| (it.tier.as_deref().map(str::to_owned), it.review_at, it.hold)))
    }

    /// Takes back what is left of what the row brought.
    ///
    /// # Errors
    /// When the store fails.
    pub fn undo(&self, row: &MemberRow) -> Result<Done, Failure> {
        let mut done = Done::default();
        if self.desk.find(&row.member)?.is_none() {
            // Taken back before, or never brought over.
            return Ok(done);
        }
        let reference = self.reference(row);
        let points = row.points.map(|it| (Ledger::Points(self.program.clone()), self.number, it.get()));
        let currency = self.currency.code;
        let credit = row.credit.map(|it| (Ledger::Credit(currency), credit_ledger(currency), it.minor()));
        let ledger = certificate_ledger(self.currency);
        let certificate = row.certificate.map(|it| (Ledger::Certificates(currency), ledger, it.minor()));
        for (from, ledger, brought) in points.into_iter().chain(credit).chain(certificate) {
            if !self.desk.is_known(ledger, &reference)? {
                continue;
            }
            let what = match from {
                Ledger::Points(_) => "points",
                Ledger::Credit(_) => "credit",
                Ledger::Certificates(_) => "certificate",
            };
            let (member, note) = (row.member.clone(), format!("taken back: {}", self.name));
            match self.send(Body::Withdraw { from, member, reference: reference.clone(), note })? {
                Ok(Reply::Withdrawn { points }) => {
                    match what {
                        "points" => done.points = points.get(),
                        "credit" => done.credit = points.get(),
                        _ => done.certificates = points.get(),
                    }
                    if points.get() < brought {
                        done.problem = Some(RowProblem::PartLeft { what });
                    }
                }
                Ok(_) => return Err(Failure::Internal),
                Err(problem) => done.problem = Some(problem),
            }
        }
        let is_set = self.tier_of(&row.member)?;
        if row.tier.is_some() && is_set.is_some_and(|it| it.0 == row.tier && it.2 == TierHold::Set) {
            let note = format!("taken back: {}", self.name);
            if let Err(problem) = self.set_tier(row.member.clone(), None, None, note, &mut done)? {
                done.problem = Some(problem);
            }
        }
        done.signed_up = self.take_back(row)?;
        Ok(done)
    }

    /// Takes back the sign-up of whoever this import signed up and who has done nothing since. Others stay, which is no fault; and
    /// whoever has more rows goes with the last one.
    fn take_back(&self, row: &MemberRow) -> Result<bool, Failure> {
        let Some(known) = self.desk.find(&row.member)? else { return Ok(false) };
        if known != self.id_of(&row.member, known.made_at()) {
            return Ok(false);
        }
        let body = Body::Erase { member: MemberRef::Id(known), only_unused: true };
        Ok(self.send(body)?.is_ok())
    }
}
