//! Commands on members themselves: who they are, what they are called and what finds them. Their points are not touched.
//!
//! Each sees what the commands before it in the batch have done: what was just added can be taken away again. A command
//! reads one member and its identities, of which there are at most [`IDENTITIES_MAX`].

use std::collections::BTreeSet;

use engine::{Facts, Moment, Rejection, Timestamp, Zone, is_name};

use crate::acts;
use crate::batch::{Batch, Profile};
use crate::command::Reply;
use crate::decide::{Answered, Refused, find_member};
use crate::directory::{self, FIND, identity_key};
use crate::fault::Found;
use crate::id::MemberId;
use crate::member::{Identity, MemberChange, MemberRef};
use crate::reference::invalid;
use crate::sql::params;

const NAME_BYTES_MAX: usize = 200;
const IDENTITIES_MAX: usize = 16;

/// A sign-up whose identities all lead to one member is answered with that member. One that names another identity beside
/// is refused: else a stranger who knows a phone number links his e-mail to its points.
pub(crate) fn sign_up(
    batch: &mut Batch<'_>,
    id: MemberId,
    (name, facts): (Option<&str>, &Facts),
    identities: &[Identity],
    moment: Moment,
) -> Answered {
    check_name(name)?;
    check_facts(facts, moment.now)?;
    if IDENTITIES_MAX < identities.len() {
        return Err(invalid("identities", "at most 16").into());
    }
    let identities: BTreeSet<Identity> = identities.iter().map(Identity::normalised).collect();
    if !identities.iter().all(Identity::is_valid) {
        return Err(
            invalid("identities", "values of 1 to 120 bytes; an e-mail contains @, a phone number digits").into()
        );
    }
    for identity in &identities {
        batch.conn.expect(FIND, params![identity_key(identity)])?;
    }
    let mut owners = Vec::with_capacity(identities.len());
    for identity in &identities {
        let listed = batch.find(identity_key(identity))?;
        owners.push(listed.map(|it| batch.follow(it.owner)).transpose()?);
    }
    if let Some(id) = owners.iter().flatten().next() {
        let all_lead_there = owners.iter().all(|it| it.as_ref() == Some(id));
        return if all_lead_there {
            Ok(Reply::Member { id: *id, created: false })
        } else {
            Err(Rejection::IdentityTaken.into())
        };
    }
    if id.is_bearer() || batch.is_member(id)? {
        return Err(invalid("id", "an id that no other member has").into());
    }
    let facts = Facts { birthday_since: moment.now, ..facts.clone() };
    batch.sign_up(id, Profile { name: name.map(str::to_owned), facts }, moment.now);
    for identity in identities {
        batch.add_identity(id, identity);
    }
    acts::sign_up(batch, id, moment)?;
    Ok(Reply::Member { id, created: true })
}

/// Changes what is known of a member. The shop may correct a birthday; the member writes it once, since it earns (E9).
pub(crate) fn change(batch: &mut Batch<'_>, member: &MemberRef, change: &MemberChange, moment: Moment) -> Answered {
    check_name(change.name.as_ref().and_then(Option::as_deref))?;
    let customer_type = change.customer_type.clone().flatten();
    let birthday = change.birthday.flatten();
    check_facts(&Facts { customer_type, birthday, ..Facts::default() }, moment.now)?;
    let owner = find_member(batch, member)?;
    check_known(batch, owner)?;
    if change.by_member {
        check_own(batch, owner, change)?;
    }
    if change.birthday.is_some() {
        acts::settle_birthdays(batch, owner, moment)?;
    }
    batch.change_member(owner, change, moment.now)?;
    if change.birthday.is_some() {
        acts::expect_birthdays(batch, owner)?;
    }
    Ok(Reply::Done)
}

/// What members may say of themselves: nothing that makes their points more, except the birthday, once.
fn check_own(batch: &Batch<'_>, owner: MemberId, change: &MemberChange) -> Result<(), Refused> {
    if change.customer_type.is_some() {
        return Err(invalid("customer_type", "left out: the shop says it").into());
    }
    let Some(new) = change.birthday else { return Ok(()) };
    let known = batch.birthday_of(owner)?;
    if known.is_some() && known != new {
        return Err(invalid("birthday", "the day that is known: a member writes it once, the shop corrects it").into());
    }
    Ok(())
}

pub(crate) fn add_identity(batch: &mut Batch<'_>, member: &MemberRef, identity: &Identity) -> Answered {
    let identity = checked(identity)?;
    let owner = find_member(batch, member)?;
    check_known(batch, owner)?;
    let listed = batch.find(identity_key(&identity))?;
    match listed.map(|it| batch.follow(it.owner)).transpose()? {
        Some(known) if known == owner => return Ok(Reply::Done),
        Some(_) => return Err(Rejection::IdentityTaken.into()),
        None => {}
    }
    // Of members that are one it belongs to whoever is named, and goes with them when they are two again.
    let first = first_of(batch, member)?.unwrap_or(owner);
    if IDENTITIES_MAX <= batch.identities_of(first)? {
        return Err(invalid("identity", "at most 16 of one member: remove another one first").into());
    }
    batch.add_identity(first, identity);
    Ok(Reply::Done)
}

/// Who is named, whoever that is one with by now.
fn first_of(batch: &Batch<'_>, member: &MemberRef) -> Found<Option<MemberId>> {
    match member {
        MemberRef::Id(id) => Ok(Some(*id)),
        MemberRef::Identity(identity) => Ok(batch.find(identity_key(&identity.normalised()))?.map(|it| it.owner)),
    }
}

/// Nobody is to be known again under the id of somebody who was erased.
pub(crate) fn check_known(batch: &Batch<'_>, owner: MemberId) -> Result<(), Refused> {
    if directory::is_erased(batch.conn, owner)? {
        return Err(invalid("member", "somebody who was not erased").into());
    }
    Ok(())
}

/// What nobody has is gone already; what somebody else has is a mistake that somebody should see.
pub(crate) fn remove_identity(batch: &mut Batch<'_>, member: &MemberRef, identity: &Identity) -> Answered {
    let identity = checked(identity)?;
    let owner = find_member(batch, member)?;
    match batch.find(identity_key(&identity))? {
        None => {}
        Some(listed) if batch.follow(listed.owner)? != owner => return Err(Rejection::IdentityTaken.into()),
        Some(listed) => batch.remove_identity(listed.owner, identity),
    }
    Ok(Reply::Done)
}

fn checked(identity: &Identity) -> Result<Identity, Refused> {
    let identity = identity.normalised();
    if identity.is_valid() {
        Ok(identity)
    } else {
        Err(invalid("identity", "a value of 1 to 120 bytes; an e-mail contains @, a phone number digits").into())
    }
}

fn check_facts(facts: &Facts, now: Timestamp) -> Result<(), Refused> {
    if facts.customer_type.as_ref().is_some_and(|it| !is_name(it)) {
        return Err(invalid("customer_type", "1 to 120 bytes of text without control characters").into());
    }
    // Somewhere on earth it is tomorrow already.
    let today = Zone::utc().date_of(now).plus_days(1);
    if facts.birthday.is_some_and(|it| today < it) {
        return Err(invalid("birthday", "a day from 1900-01-01 to today").into());
    }
    Ok(())
}

fn check_name(name: Option<&str>) -> Result<(), Refused> {
    if name.is_some_and(|it| it.is_empty() || NAME_BYTES_MAX < it.len() || it.chars().any(char::is_control)) {
        return Err(invalid("name", "1 to 200 bytes of text without control characters").into());
    }
    Ok(())
}
